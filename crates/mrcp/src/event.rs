//! Event names (RFC 6787 §8.3, §9.3, §10.3, §11.3).

use std::fmt;

macro_rules! events {
    ($($variant:ident = $name:literal, $doc:literal;)*) => {
        /// An event's name.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum EventName {
            $(#[doc = $doc] $variant,)*
            /// A token RFC 6787 does not define. Never sent by our machines: stock clients ignore all that follows one.
            Other(String),
        }

        impl EventName {
            /// The event of that exact token.
            pub fn from_token(token: &str) -> Self {
                match token {
                    $($name => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                }
            }

            /// The token on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(token) => token,
                }
            }
        }
    };
}

events! {
    SpeechMarker = "SPEECH-MARKER", "A mark in the speech was reached (§8.13).";
    SpeakComplete = "SPEAK-COMPLETE", "A SPEAK has ended (§8.12).";
    StartOfInput = "START-OF-INPUT", "Speech or DTMF was detected (§9.12).";
    RecognitionComplete = "RECOGNITION-COMPLETE", "A RECOGNIZE has ended (§9.14).";
    InterpretationComplete = "INTERPRETATION-COMPLETE", "An INTERPRET has ended (§9.21).";
    RecordComplete = "RECORD-COMPLETE", "A RECORD has ended (§10.8).";
    VerificationComplete = "VERIFICATION-COMPLETE", "A verification has ended (§11.14).";
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
