//! The session part of a description.

use std::fmt;
use std::net::IpAddr;

use crate::{Audio, Control, Media, ParseError, parse, print};

/// A session description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDescription {
    /// `o=`.
    pub origin: Origin,
    /// `s=`; `-` when there is nothing to say.
    pub session_name: String,
    /// The session's `c=`, unless it is a name or missing. Media lines carry their resolved address themselves.
    pub address: Option<IpAddr>,
    /// The media lines in order.
    pub media: Vec<Media>,
}

/// `o=`: identifies the session and its version. Its address is never where media goes: stock clients put another there
/// than in `c=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The user name, `-` when there is none.
    pub username: String,
    /// The session's identifier: digits.
    pub session_id: String,
    /// The version, which grows when the description changes.
    pub version: u64,
    /// The address part, kept as sent.
    pub address: String,
}

impl SessionDescription {
    /// Reads a description, within the default [`Limits`](crate::Limits).
    ///
    /// # Errors
    /// When it is not a session description, or is beyond the limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        parse::parse(bytes, crate::Limits::default())
    }

    /// [`parse`](Self::parse) within other limits.
    ///
    /// # Errors
    /// When it is not a session description, or is beyond the limits.
    pub fn parse_within(bytes: &[u8], limits: crate::Limits) -> Result<Self, ParseError> {
        parse::parse(bytes, limits)
    }

    /// The control lines, in order.
    pub fn controls(&self) -> impl Iterator<Item = &Control> {
        self.media.iter().filter_map(|media| match media {
            Media::Control(control) => Some(control),
            Media::Audio(_) | Media::Other(_) => None,
        })
    }

    /// The audio lines, in order.
    pub fn audios(&self) -> impl Iterator<Item = &Audio> {
        self.media.iter().filter_map(|media| match media {
            Media::Audio(audio) => Some(audio),
            Media::Control(_) | Media::Other(_) => None,
        })
    }

    /// The audio lines that serve a control line (RFC 6787 §4.4), as indices into [`media`](Self::media): those whose
    /// `mid` is one of its `cmid`s. A control line without a `cmid` gets the only audio line, if there is just one: the
    /// RFC gives it none, but a client that leaves it out means that one.
    pub fn audio_of(&self, control: &Control) -> Vec<usize> {
        let audios: Vec<(usize, &Audio)> = self
            .media
            .iter()
            .enumerate()
            .filter_map(|(index, media)| match media {
                Media::Audio(audio) => Some((index, audio)),
                Media::Control(_) | Media::Other(_) => None,
            })
            .collect();
        match (control.cmids.as_slice(), audios.as_slice()) {
            ([], [(index, _)]) => vec![*index],
            // A single audio line need not say its mid.
            ([_, ..], [(index, audio)]) if audio.mid.is_none() => vec![*index],
            (cmids, audios) => audios
                .iter()
                .filter(|(_, audio)| audio.mid.as_ref().is_some_and(|mid| cmids.contains(mid)))
                .map(|(index, _)| *index)
                .collect(),
        }
    }
}

impl fmt::Display for SessionDescription {
    /// The description as sent, with CRLF line ends.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::print(self))
    }
}
