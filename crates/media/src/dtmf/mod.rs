//! Keys of a telephone, as RTP events (RFC 4733).

mod inband;
mod receiver;
mod sender;

pub(crate) use inband::{InbandDetector, Tone};
pub(crate) use receiver::{DtmfReceiver, EventReport};
pub(crate) use sender::{DtmfSender, Slot};

/// One of the sixteen DTMF keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DtmfDigit(u8);

const KEYS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

impl DtmfDigit {
    /// The key `0`–`9`, `*`, `#` or `A`–`D` (in either case).
    pub fn from_char(key: char) -> Option<Self> {
        let key = key.to_ascii_uppercase();
        KEYS.iter().position(|known| *known == key).and_then(|code| u8::try_from(code).ok()).map(Self)
    }

    /// The key of an RFC 4733 event code (section 3.2); `None` for events that are no keys.
    pub fn from_event_code(code: u8) -> Option<Self> {
        (usize::from(code) < KEYS.len()).then_some(Self(code))
    }

    /// The RFC 4733 event code, 0 to 15.
    pub fn event_code(self) -> u8 {
        self.0
    }

    /// The key as written: `0`–`9`, `*`, `#`, `A`–`D`.
    pub fn as_char(self) -> char {
        KEYS.get(usize::from(self.0)).copied().unwrap_or('0')
    }
}

impl std::fmt::Display for DtmfDigit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.as_char())
    }
}

/// What one telephone-event packet says (RFC 4733, section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventPayload {
    /// Which event; keys are 0 to 15.
    pub(crate) code: u8,
    /// The event has ended; its duration is final.
    pub(crate) end: bool,
    /// Power below 0 dBm0, 0 to 63.
    pub(crate) volume: u8,
    /// Timestamp units since the packet's timestamp.
    pub(crate) duration: u16,
}

impl EventPayload {
    /// Reads the first event of a payload. `None` when it is shorter than an event. Further blocks are ignored.
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let [code, flags, high, low] = *payload.first_chunk()?;
        Some(Self { code, end: flags & 0x80 != 0, volume: flags & 0x3f, duration: u16::from_be_bytes([high, low]) })
    }

    /// The four octets on the wire.
    pub(crate) fn to_octets(self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.code, (u8::from(self.end) << 7) | (self.volume & 0x3f), high, low]
    }
}
