//! Keys of a telephone, as RTP events (RFC 4733).

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
