//! Completion causes (RFC 6787 §8.4.4, §9.4.11, §10.4.3): a three-digit code and its name.

use std::fmt;

macro_rules! causes {
    ($(#[$meta:meta])* $type:ident { $($variant:ident = $code:literal $name:literal, $doc:literal;)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $type {
            $(#[doc = $doc] $variant,)*
        }

        impl $type {
            /// The number, 0–999.
            pub const fn code(self) -> u16 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The RFC's name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The cause of that number.
            pub const fn from_code(code: u16) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// Reads a header value: the code decides, the name after it is not looked at.
            pub fn from_value(value: &str) -> Option<Self> {
                let code = value.split_ascii_whitespace().next()?;
                if code.len() == 3 { code.parse().ok().and_then(Self::from_code) } else { None }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:03} {}", self.code(), self.name())
            }
        }
    };
}

causes! {
    /// How a SPEAK ended (RFC 6787 §8.4.4).
    SynthesizerCause {
        Normal = 0 "normal", "Spoken to the end.";
        BargeIn = 1 "barge-in", "Ended by barge-in.";
        ParseFailure = 2 "parse-failure", "The markup could not be parsed.";
        UriFailure = 3 "uri-failure", "A URI could not be read.";
        Error = 4 "error", "The synthesizer failed.";
        LanguageUnsupported = 5 "language-unsupported", "The language is not available.";
        LexiconLoadFailure = 6 "lexicon-load-failure", "A lexicon was not loaded.";
        Cancelled = 7 "cancelled", "An earlier SPEAK of the queue failed.";
    }
}

causes! {
    /// How a RECOGNIZE, INTERPRET or DEFINE-GRAMMAR ended (RFC 6787 §9.4.11).
    RecognizerCause {
        Success = 0 "success", "A match, or the grammar is defined.";
        NoMatch = 1 "no-match", "Ended without a match.";
        NoInputTimeout = 2 "no-input-timeout", "Nothing was heard.";
        HotwordMaxtime = 3 "hotword-maxtime", "Hotword mode: time is up without a match.";
        GrammarLoadFailure = 4 "grammar-load-failure", "A grammar could not be loaded.";
        GrammarCompilationFailure = 5 "grammar-compilation-failure", "A grammar could not be compiled.";
        RecognizerError = 6 "recognizer-error", "The recognizer failed.";
        SpeechTooEarly = 7 "speech-too-early", "The caller was already speaking at the start.";
        SuccessMaxtime = 8 "success-maxtime", "Time is up; what was said so far is a full match.";
        UriFailure = 9 "uri-failure", "A URI could not be read.";
        LanguageUnsupported = 10 "language-unsupported", "The language is not available.";
        Cancelled = 11 "cancelled", "Replaced by a new RECOGNIZE, or an earlier one of the queue failed.";
        SemanticsFailure = 12 "semantics-failure", "Matched, but its interpretation failed.";
        PartialMatch = 13 "partial-match", "Silence after a partial match.";
        PartialMatchMaxtime = 14 "partial-match-maxtime", "Time is up on a partial match.";
        NoMatchMaxtime = 15 "no-match-maxtime", "Time is up without a match.";
        GrammarDefinitionFailure = 16 "grammar-definition-failure", "Any other failure of DEFINE-GRAMMAR.";
    }
}

causes! {
    /// How a RECORD ended (RFC 6787 §10.4.3).
    RecorderCause {
        SuccessSilence = 0 "success-silence", "Silence after speech.";
        SuccessMaxtime = 1 "success-maxtime", "The longest time is over.";
        NoInputTimeout = 2 "no-input-timeout", "Nobody spoke.";
        UriFailure = 3 "uri-failure", "The audio could not be stored where Record-URI says.";
        Error = 4 "error", "The recorder failed.";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_prints_as_three_digits_and_the_rfc_name() {
        assert_eq!(RecognizerCause::NoInputTimeout.to_string(), "002 no-input-timeout");
        assert_eq!(SynthesizerCause::Normal.to_string(), "000 normal");
    }

    #[test]
    fn a_cause_is_read_by_its_code_whatever_the_name() {
        assert_eq!(RecognizerCause::from_value("015 no-match-maxtime"), Some(RecognizerCause::NoMatchMaxtime));
        assert_eq!(RecognizerCause::from_value("001"), Some(RecognizerCause::NoMatch));
        assert_eq!(RecognizerCause::from_value("17 x"), None);
        assert_eq!(RecognizerCause::from_value(""), None);
    }
}
