//! Channel identifiers and resource types (RFC 6787 §6.2.1, §3.1).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The resource types RFC 6787 §3.1 registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// `speechsynth`: a synthesizer with full SSML.
    SpeechSynth,
    /// `basicsynth`: a synthesizer of clips.
    BasicSynth,
    /// `speechrecog`: a recognizer of speech and DTMF.
    SpeechRecog,
    /// `dtmfrecog`: a recognizer of DTMF only.
    DtmfRecog,
    /// `speakverify`: a speaker verifier.
    SpeakVerify,
    /// `recorder`: a recorder.
    Recorder,
}

impl Resource {
    /// All registered types.
    pub const ALL: [Self; 6] =
        [Self::SpeechSynth, Self::BasicSynth, Self::SpeechRecog, Self::DtmfRecog, Self::SpeakVerify, Self::Recorder];

    /// The name as it stands in `a=resource:` and after the `@` of a channel identifier.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SpeechSynth => "speechsynth",
            Self::BasicSynth => "basicsynth",
            Self::SpeechRecog => "speechrecog",
            Self::DtmfRecog => "dtmfrecog",
            Self::SpeakVerify => "speakverify",
            Self::Recorder => "recorder",
        }
    }

    /// The type of that name; names compare case-insensitively.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A channel identifier, `prefix@resource` (RFC 6787 §6.2.1): both parts letters and digits. Cheap to clone.
///
/// The resource part need not be a registered name: a request may name any channel and is then answered 405.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(Arc<str>);

/// A text that is not a channel identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelIdError;

impl fmt::Display for ChannelIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a channel identifier (letters and digits, @, letters and digits)")
    }
}

impl std::error::Error for ChannelIdError {}

/// Longer identifiers are refused: ours are 32 characters, UniMRCP's 28.
const CHANNEL_ID_BYTES_MAX: usize = 256;

impl ChannelId {
    /// The identifier of `resource` in the session whose prefix is `prefix`.
    ///
    /// # Errors
    /// When `prefix` is empty, too long or holds anything but ASCII letters and digits.
    pub fn new(prefix: &str, resource: Resource) -> Result<Self, ChannelIdError> {
        format!("{prefix}@{resource}").parse()
    }

    /// The part before the `@`: common to all channels of a session.
    pub fn prefix(&self) -> &str {
        self.0.split_once('@').map_or(&*self.0, |(prefix, _)| prefix)
    }

    /// The part after the `@`, as sent.
    pub fn resource_name(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, name)| name)
    }

    /// The registered resource type, if it is one.
    pub fn resource(&self) -> Option<Resource> {
        Resource::from_name(self.resource_name())
    }

    /// The whole identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChannelId {
    type Err = ChannelIdError;

    fn from_str(text: &str) -> Result<Self, ChannelIdError> {
        let (prefix, name) = text.split_once('@').ok_or(ChannelIdError)?;
        let is_word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if text.len() <= CHANNEL_ID_BYTES_MAX && is_word(prefix) && is_word(name) {
            Ok(Self(Arc::from(text)))
        } else {
            Err(ChannelIdError)
        }
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_has_a_prefix_and_a_resource() {
        let id: ChannelId = "32AECB23433801@speechrecog".parse().unwrap();
        assert_eq!((id.prefix(), id.resource()), ("32AECB23433801", Some(Resource::SpeechRecog)));
        assert_eq!(ChannelId::new("32AECB23433801", Resource::SpeechRecog), Ok(id));
    }

    #[test]
    fn an_unregistered_resource_is_still_an_identifier() {
        let id: ChannelId = "1@juggler".parse().unwrap();
        assert_eq!((id.resource_name(), id.resource()), ("juggler", None));
    }

    #[test]
    fn ses_010_anything_but_two_words_around_one_at_is_refused() {
        for text in
            ["", "@", "a@", "@b", "32AECB23433802", "a@b@c", "a-b@speechsynth", "a b@speechsynth", "é@speechsynth"]
        {
            assert_eq!(text.parse::<ChannelId>(), Err(ChannelIdError), "{text}");
        }
        assert!(format!("{}@speechsynth", "a".repeat(300)).parse::<ChannelId>().is_err());
    }
}
