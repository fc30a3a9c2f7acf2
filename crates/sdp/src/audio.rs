//! The audio line (RFC 4566 §5.14, RFC 3551, RFC 3264 §5.1).

use std::net::IpAddr;

use crate::{COMFORT_NOISE, Crypto, Encoding, EncodingName, TELEPHONE_EVENT};

/// `m=audio` and its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audio {
    /// The RTP port; 0 to release or refuse.
    pub port: u16,
    /// The transport.
    pub transport: AudioTransport,
    /// Where RTP goes: the line's `c=`, else the session's. Never from `o=`. `None` when it is a name or missing.
    pub address: Option<IpAddr>,
    /// The formats in the order of preference.
    pub formats: Vec<Format>,
    /// `a=ptime`, milliseconds.
    pub ptime_ms: Option<u32>,
    /// `a=maxptime`, milliseconds.
    pub maxptime_ms: Option<u32>,
    /// Which way audio flows, seen from the sender of the description.
    pub direction: Direction,
    /// `a=mid`.
    pub mid: Option<String>,
    /// `a=rtcp`.
    pub rtcp: Option<Rtcp>,
    /// `a=crypto`, in the order of preference; those that cannot be read are left out.
    pub cryptos: Vec<Crypto>,
}

/// The transport of an audio line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioTransport {
    /// `RTP/AVP`.
    RtpAvp,
    /// `RTP/SAVP`: protected by the keys of `a=crypto` (RFC 3711, RFC 4568).
    RtpSavp,
    /// `RTP/SAVPF`: the same with feedback (RFC 5124), of which we make no use: reports keep their own times, as its
    /// minimal mode allows.
    RtpSavpf,
    /// Any other, which we refuse.
    Other(String),
}

impl AudioTransport {
    /// The token of the media line.
    pub fn as_str(&self) -> &str {
        match self {
            Self::RtpAvp => "RTP/AVP",
            Self::RtpSavp => "RTP/SAVP",
            Self::RtpSavpf => "RTP/SAVPF",
            Self::Other(token) => token,
        }
    }

    /// The transport of that token.
    pub fn from_token(token: &str) -> Self {
        [Self::RtpAvp, Self::RtpSavp, Self::RtpSavpf]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(token))
            .unwrap_or_else(|| Self::Other(token.to_owned()))
    }

    /// Whether packets are protected by keys of `a=crypto`.
    pub fn is_protected(&self) -> bool {
        match self {
            Self::RtpSavp | Self::RtpSavpf => true,
            Self::RtpAvp | Self::Other(_) => false,
        }
    }
}

/// One format of an audio line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// The RTP payload type, 0–127.
    pub payload_type: u8,
    /// `a=rtpmap`, when there is one.
    pub rtpmap: Option<Encoding>,
    /// `a=fmtp` without the payload type.
    pub fmtp: Option<String>,
}

impl Format {
    /// What the payload type means: its rtpmap, else the static assignment of RFC 3551 §6.
    pub fn encoding(&self) -> Option<Encoding> {
        self.rtpmap.clone().or_else(|| static_encoding(self.payload_type))
    }

    /// Whether this is `telephone-event` (RFC 4733).
    pub fn is_telephone_event(&self) -> bool {
        self.rtpmap.as_ref().is_some_and(|encoding| encoding.name.is(TELEPHONE_EVENT))
    }
}

/// The static payload types that need no rtpmap here.
fn static_encoding(payload_type: u8) -> Option<Encoding> {
    let name = match payload_type {
        0 => "PCMU",
        8 => "PCMA",
        9 => "G722",
        13 => COMFORT_NOISE,
        _ => return None,
    };
    Some(Encoding { name: EncodingName::new(name), clock_rate_hz: 8000, channels: 1 })
}

/// Which way media flows (RFC 3264 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Both ways.
    #[default]
    Sendrecv,
    /// Only away from the sender of the description.
    Sendonly,
    /// Only towards the sender of the description.
    Recvonly,
    /// Neither way.
    Inactive,
}

impl Direction {
    /// The attribute's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sendrecv => "sendrecv",
            Self::Sendonly => "sendonly",
            Self::Recvonly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// The direction of that attribute.
    pub fn from_attribute(name: &str) -> Option<Self> {
        [Self::Sendrecv, Self::Sendonly, Self::Recvonly, Self::Inactive]
            .into_iter()
            .find(|direction| direction.as_str().eq_ignore_ascii_case(name))
    }

    /// The same flow seen from the other side, as an answer says it.
    #[must_use]
    pub const fn flipped(self) -> Self {
        match self {
            Self::Sendrecv => Self::Sendrecv,
            Self::Sendonly => Self::Recvonly,
            Self::Recvonly => Self::Sendonly,
            Self::Inactive => Self::Inactive,
        }
    }

    /// Whether the sender of the description sends media.
    pub const fn sends(self) -> bool {
        matches!(self, Self::Sendrecv | Self::Sendonly)
    }

    /// Whether the sender of the description receives media.
    pub const fn receives(self) -> bool {
        matches!(self, Self::Sendrecv | Self::Recvonly)
    }
}

/// `a=rtcp` (RFC 3605).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rtcp {
    /// The port.
    pub port: u16,
    /// The address, when it is not that of RTP.
    pub address: Option<IpAddr>,
}

impl Audio {
    /// The line by which a client asks for audio of these formats at `port`.
    pub fn offer(port: u16, formats: Vec<Format>, direction: Direction, mid: &str) -> Self {
        Self {
            port,
            transport: AudioTransport::RtpAvp,
            address: None,
            formats,
            ptime_ms: Some(20),
            maxptime_ms: None,
            direction,
            mid: Some(mid.to_owned()),
            rtcp: None,
            cryptos: Vec::new(),
        }
    }
}
