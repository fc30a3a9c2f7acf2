//! A media line of any kind.

use crate::{Audio, Control};

/// A media line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Media {
    /// An MRCPv2 control channel.
    Control(Control),
    /// Audio.
    Audio(Audio),
    /// Anything else, which an answer refuses.
    Other(OtherMedia),
}

/// A media line that MRCPv2 has no use for: just enough to refuse it in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherMedia {
    /// The media type, such as `video`.
    pub kind: String,
    /// The port.
    pub port: u16,
    /// The transport, such as `RTP/SAVPF`.
    pub transport: String,
    /// The formats, as sent.
    pub formats: String,
    /// `a=mid`.
    pub mid: Option<String>,
}

impl Media {
    /// The port; 0 for a line that is refused or released.
    pub fn port(&self) -> u16 {
        match self {
            Self::Control(control) => control.port,
            Self::Audio(audio) => audio.port,
            Self::Other(other) => other.port,
        }
    }

    /// `a=mid`, for media that can have one.
    pub fn mid(&self) -> Option<&str> {
        match self {
            Self::Control(_) => None,
            Self::Audio(audio) => audio.mid.as_deref(),
            Self::Other(other) => other.mid.as_deref(),
        }
    }
}
