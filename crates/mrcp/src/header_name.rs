//! Header field names and the syntax of their values (RFC 6787 §6.2, §8.4, §9.4 and the ABNF of §15).

use std::fmt;

/// The syntax that a header's value must have; anything else is answered 404.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// Any text.
    Text,
    /// `true` or `false`, in any case.
    Boolean,
    /// A decimal number without sign or exponent, 0.0–1.0.
    Fraction,
    /// A whole number, at least the given one, at most 19 digits.
    Integer(u64),
    /// Milliseconds: a whole number of at most 19 digits.
    Milliseconds,
    /// Request identifiers separated by commas.
    RequestIds,
    /// One visible character, or nothing.
    Character,
    /// `normal` or `hotword`.
    RecognitionMode,
    /// `prefetch` or `safe`.
    FetchHint,
    /// `prefetch`, `safe` or `stream`.
    AudioFetchHint,
    /// `male`, `female` or `neutral`.
    Gender,
    /// Directives of §6.2.13, or nothing.
    CacheControl,
    /// Rate of SSML's `prosody`.
    ProsodyRate,
    /// Pitch of SSML's `prosody`.
    ProsodyPitch,
    /// Volume of SSML's `prosody`.
    ProsodyVolume,
    /// URIs in angle brackets.
    UriList,
    /// A language tag (BCP 47): letters, digits and dashes.
    Language,
}

macro_rules! headers {
    ($($variant:ident = $name:literal, $kind:expr;)*) => {
        /// A header field's name. Names compare case-insensitively; those of RFC 6787 are variants.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum HeaderName {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
            /// A name RFC 6787 does not define, as sent.
            Other(String),
        }

        impl HeaderName {
            /// The header of that name, in any case.
            pub fn from_token(token: &str) -> Self {
                $(if token.eq_ignore_ascii_case($name) { return Self::$variant; })*
                Self::Other(token.to_owned())
            }

            /// The RFC's spelling, or the spelling received for a name that the RFC does not define.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(token) => token,
                }
            }

            /// The syntax of the value.
            pub const fn kind(&self) -> ValueKind {
                use ValueKind::*;
                match self {
                    $(Self::$variant => $kind,)*
                    Self::Other(_) => Text,
                }
            }
        }
    };
}

headers! {
    ChannelIdentifier = "Channel-Identifier", Text;
    Accept = "Accept", Text;
    ActiveRequestIdList = "Active-Request-Id-List", RequestIds;
    ProxySyncId = "Proxy-Sync-Id", Text;
    AcceptCharset = "Accept-Charset", Text;
    ContentType = "Content-Type", Text;
    ContentId = "Content-ID", Text;
    ContentBase = "Content-Base", Text;
    ContentEncoding = "Content-Encoding", Text;
    ContentLocation = "Content-Location", Text;
    ContentLength = "Content-Length", Integer(0);
    FetchTimeout = "Fetch-Timeout", Milliseconds;
    CacheControl = "Cache-Control", CacheControl;
    LoggingTag = "Logging-Tag", Text;
    SetCookie = "Set-Cookie", Text;
    SetCookie2 = "Set-Cookie2", Text;
    VendorSpecificParameters = "Vendor-Specific-Parameters", Text;

    JumpSize = "Jump-Size", Text;
    KillOnBargeIn = "Kill-On-Barge-In", Boolean;
    SpeakerProfile = "Speaker-Profile", Text;
    CompletionCause = "Completion-Cause", Text;
    CompletionReason = "Completion-Reason", Text;
    VoiceGender = "Voice-Gender", Gender;
    VoiceAge = "Voice-Age", Integer(0);
    VoiceVariant = "Voice-Variant", Integer(0);
    VoiceName = "Voice-Name", Text;
    ProsodyPitch = "Prosody-Pitch", ValueKind::ProsodyPitch;
    ProsodyContour = "Prosody-Contour", Text;
    ProsodyRange = "Prosody-Range", Text;
    ProsodyRate = "Prosody-Rate", ValueKind::ProsodyRate;
    ProsodyDuration = "Prosody-Duration", Text;
    ProsodyVolume = "Prosody-Volume", ValueKind::ProsodyVolume;
    SpeechMarker = "Speech-Marker", Text;
    SpeechLanguage = "Speech-Language", Language;
    FetchHint = "Fetch-Hint", FetchHint;
    AudioFetchHint = "Audio-Fetch-Hint", AudioFetchHint;
    FailedUri = "Failed-URI", Text;
    FailedUriCause = "Failed-URI-Cause", Text;
    SpeakRestart = "Speak-Restart", Boolean;
    SpeakLength = "Speak-Length", Text;
    LoadLexicon = "Load-Lexicon", Boolean;
    LexiconSearchOrder = "Lexicon-Search-Order", UriList;

    ConfidenceThreshold = "Confidence-Threshold", Fraction;
    SensitivityLevel = "Sensitivity-Level", Fraction;
    SpeedVsAccuracy = "Speed-Vs-Accuracy", Fraction;
    NBestListLength = "N-Best-List-Length", Integer(1);
    InputType = "Input-Type", Text;
    NoInputTimeout = "No-Input-Timeout", Milliseconds;
    RecognitionTimeout = "Recognition-Timeout", Milliseconds;
    WaveformUri = "Waveform-URI", Text;
    MediaType = "Media-Type", Text;
    InputWaveformUri = "Input-Waveform-URI", Text;
    RecognizerContextBlock = "Recognizer-Context-Block", Text;
    StartInputTimers = "Start-Input-Timers", Boolean;
    SpeechCompleteTimeout = "Speech-Complete-Timeout", Milliseconds;
    SpeechIncompleteTimeout = "Speech-Incomplete-Timeout", Milliseconds;
    DtmfInterdigitTimeout = "DTMF-Interdigit-Timeout", Milliseconds;
    DtmfTermTimeout = "DTMF-Term-Timeout", Milliseconds;
    DtmfTermChar = "DTMF-Term-Char", Character;
    DtmfBufferTime = "DTMF-Buffer-Time", Milliseconds;
    ClearDtmfBuffer = "Clear-DTMF-Buffer", Boolean;
    EarlyNoMatch = "Early-No-Match", Boolean;
    SaveWaveform = "Save-Waveform", Boolean;
    NewAudioChannel = "New-Audio-Channel", Boolean;
    VerBufferUtterance = "Ver-Buffer-Utterance", Boolean;
    RecognitionMode = "Recognition-Mode", RecognitionMode;
    CancelIfQueue = "Cancel-If-Queue", Boolean;
    HotwordMaxDuration = "Hotword-Max-Duration", Milliseconds;
    HotwordMinDuration = "Hotword-Min-Duration", Milliseconds;
    InterpretText = "Interpret-Text", Text;
    EnrollUtterance = "Enroll-Utterance", Boolean;

    RecordUri = "Record-URI", Text;
    MaxTime = "Max-Time", Milliseconds;
    TrimLength = "Trim-Length", Milliseconds;
    FinalSilence = "Final-Silence", Milliseconds;
    CaptureOnSpeech = "Capture-On-Speech", Boolean;
}

impl HeaderName {
    /// Whether the header may be repeated, its values then being joined (RFC 6787 §6.2).
    pub(crate) const fn is_list(&self) -> bool {
        matches!(
            self,
            Self::Accept
                | Self::ActiveRequestIdList
                | Self::AcceptCharset
                | Self::ContentEncoding
                | Self::CacheControl
                | Self::SetCookie
                | Self::SetCookie2
                | Self::VendorSpecificParameters
                | Self::Other(_)
        )
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hdr_001_int_014_names_compare_in_any_case_and_print_as_the_rfc_spells_them() {
        assert_eq!(HeaderName::from_token("Dtmf-Term-Char"), HeaderName::DtmfTermChar);
        assert_eq!(HeaderName::from_token("content-id").as_str(), "Content-ID");
        assert_eq!(HeaderName::from_token("X-Foo"), HeaderName::Other("X-Foo".to_owned()));
    }
}
