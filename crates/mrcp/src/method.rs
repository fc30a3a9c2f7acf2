//! Method names (RFC 6787 §6.1, §8.2, §9.2, §10.2, §11.2).

use std::fmt;

macro_rules! methods {
    ($($variant:ident = $name:literal, $doc:literal;)*) => {
        /// A request's method. Names are case-sensitive tokens.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum Method {
            $(#[doc = $doc] $variant,)*
            /// A token RFC 6787 does not define.
            Other(String),
        }

        impl Method {
            /// The method of that exact token.
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

methods! {
    SetParams = "SET-PARAMS", "Sets parameters of the channel (§6.1.1).";
    GetParams = "GET-PARAMS", "Reads parameters of the channel (§6.1.2).";
    Speak = "SPEAK", "Speaks (§8.6).";
    Stop = "STOP", "Ends requests (§8.7, §9.10, §10.9, §11.13).";
    Pause = "PAUSE", "Pauses speaking (§8.9).";
    Resume = "RESUME", "Resumes speaking (§8.10).";
    BargeInOccurred = "BARGE-IN-OCCURRED", "The caller began to speak or press keys (§8.8).";
    Control = "CONTROL", "Jumps in or changes what is being spoken (§8.11).";
    DefineLexicon = "DEFINE-LEXICON", "Defines pronunciations (§8.14).";
    DefineGrammar = "DEFINE-GRAMMAR", "Defines a grammar (§9.8).";
    Recognize = "RECOGNIZE", "Recognizes (§9.9).";
    Interpret = "INTERPRET", "Interprets text (§9.20).";
    GetResult = "GET-RESULT", "Reads the last result again (§9.11).";
    StartInputTimers = "START-INPUT-TIMERS", "Starts the no-input timer (§9.13).";
    StartPhraseEnrollment = "START-PHRASE-ENROLLMENT", "Begins an enrollment (§9.15).";
    EnrollmentRollback = "ENROLLMENT-ROLLBACK", "Forgets the last phrase (§9.16).";
    EndPhraseEnrollment = "END-PHRASE-ENROLLMENT", "Ends an enrollment (§9.17).";
    ModifyPhrase = "MODIFY-PHRASE", "Changes a phrase (§9.18).";
    DeletePhrase = "DELETE-PHRASE", "Deletes a phrase (§9.19).";
    Record = "RECORD", "Records (§10.5).";
    StartSession = "START-SESSION", "Begins a verification (§11.6).";
    EndSession = "END-SESSION", "Ends a verification (§11.7).";
    QueryVoiceprint = "QUERY-VOICEPRINT", "Asks for a voiceprint (§11.8).";
    DeleteVoiceprint = "DELETE-VOICEPRINT", "Deletes a voiceprint (§11.9).";
    Verify = "VERIFY", "Verifies live audio (§11.10).";
    VerifyFromBuffer = "VERIFY-FROM-BUFFER", "Verifies buffered audio (§11.11).";
    VerifyRollback = "VERIFY-ROLLBACK", "Forgets the last turn (§11.12).";
    ClearBuffer = "CLEAR-BUFFER", "Empties the buffer (§11.15).";
    GetIntermediateResult = "GET-INTERMEDIATE-RESULT", "Reads the result so far (§11.16).";
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
