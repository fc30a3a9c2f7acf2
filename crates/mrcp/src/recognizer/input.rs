//! What happens to a recognizer.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::turn_end::WantedSilence;
use crate::{RecognizerCause, Request, RequestId};

/// What happens to a recognizer.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The client asks.
    Request(Request),
    /// Answers [`Output::DefineGrammar`](super::Output::DefineGrammar).
    GrammarDefined {
        /// The DEFINE-GRAMMAR.
        request_id: RequestId,
        /// Whether the grammars are compiled and kept.
        outcome: Result<(), Failure>,
    },
    /// Answers [`Output::LoadGrammars`](super::Output::LoadGrammars).
    GrammarsLoaded {
        /// The RECOGNIZE.
        request_id: RequestId,
        /// What the grammars take.
        outcome: Result<InputModes, Failure>,
    },
    /// The caller began to speak.
    SpeechStarted {
        /// The RECOGNIZE.
        request_id: RequestId,
        /// Where speech began in the audio since `Listen`.
        offset: Duration,
    },
    /// The caller fell silent.
    SpeechEnded {
        /// The RECOGNIZE.
        request_id: RequestId,
        /// When speech really ended; at or before now. The silence timeouts count from here.
        at: Instant,
        /// Where speech ended in the audio since `Listen`.
        offset: Duration,
    },
    /// What was taken for the end was a pause: the caller speaks again.
    SpeechResumed {
        /// The RECOGNIZE.
        request_id: RequestId,
    },
    /// A guess at what was heard so far was matched: picks the complete or the incomplete timeout, completes a hotword, or
    /// is an early no-match.
    Matched {
        /// The RECOGNIZE.
        request_id: RequestId,
        /// How it stands to the grammars.
        found: InputMatch,
    },
    /// The application says how long a silence ends what was said so far; holds until the caller goes on. Not in hotword mode.
    SilenceWanted {
        /// The RECOGNIZE.
        request_id: RequestId,
        /// How long.
        silence: WantedSilence,
    },
    /// The application wants to wait for the caller no longer than so. `No-Input-Timeout` is the upper bound.
    NoInputWithin {
        /// The RECOGNIZE.
        request_id: RequestId,
        /// From the start of the input timers.
        timeout: Duration,
    },
    /// The caller pressed a key: `0`–`9`, `*`, `#`, `A`–`D`.
    Dtmf {
        /// The key.
        digit: char,
    },
    /// Answers [`Output::MatchDtmf`](super::Output::MatchDtmf).
    DtmfMatched {
        /// The RECOGNIZE.
        request_id: RequestId,
        /// The digits that were matched, as in the question.
        digits: String,
        /// What they are.
        outcome: InputMatch,
    },
    /// The application wants keys alone, from now on. What was said before is forgotten. The session decides which keys end the input, so
    /// there is no terminator any more: it says [`InputMatch::Complete`]. Answered by
    /// [`Output::HearKeysOnly`](super::Output::HearKeysOnly), unless the input is over already.
    KeysOnly {
        /// The RECOGNIZE.
        request_id: RequestId,
        /// In place of `No-Input-Timeout`; `None`: as it is.
        no_input_timeout: Option<Duration>,
        /// In place of `DTMF-Interdigit-Timeout`; `None`: as it is.
        interdigit_timeout: Option<Duration>,
    },
    /// The final result, asked for by [`Output::Finish`](super::Output::Finish) or not.
    Recognized {
        /// The RECOGNIZE.
        request_id: RequestId,
        /// What was found.
        outcome: Outcome,
    },
    /// Answers [`Output::Interpret`](super::Output::Interpret).
    Interpreted {
        /// The INTERPRET.
        request_id: RequestId,
        /// What the text means.
        outcome: Outcome,
    },
    /// Answers [`Output::Recompute`](super::Output::Recompute).
    Recomputed {
        /// The GET-RESULT.
        request_id: RequestId,
        /// The result under its constraints; `None` where nothing is left to compute from, and the result stands as it was.
        outcome: Result<Option<Outcome>, Failure>,
    },
    /// The engine cannot go on, or could not start.
    EngineFailed {
        /// The RECOGNIZE.
        request_id: RequestId,
        /// For `Completion-Reason`.
        reason: String,
    },
    /// The application ends the RECOGNIZE, for example because the conversation wants the dialplan to act.
    Complete {
        /// The RECOGNIZE.
        request_id: RequestId,
        /// The cause to send.
        cause: RecognizerCause,
        /// The body to send.
        result: Option<ResultBody>,
    },
    /// The session ends: every open request is completed now, and nothing follows.
    Close,
}

/// What the grammars of a RECOGNIZE take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputModes {
    /// At least one grammar is of speech.
    pub speech: bool,
    /// At least one grammar is of DTMF.
    pub dtmf: bool,
}

/// How words or digits stand to the grammars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputMatch {
    /// No grammar takes it, whatever follows.
    NoMatch,
    /// More is needed, or may be: what cannot tell says this.
    Prefix,
    /// A grammar takes it.
    Complete {
        /// Whether more words or digits could make another match.
        can_grow: bool,
    },
}

/// The body of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultBody {
    /// `Content-Type`, for example `application/nlsml+xml`.
    pub content_type: String,
    /// The document.
    pub body: Bytes,
}

/// A final result. The machine chooses the completion cause from the verdict and from how the input ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What was found.
    pub verdict: Verdict,
    /// The body, which also a no-match may have.
    pub result: Option<ResultBody>,
}

/// What a final result amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A match above the confidence threshold: `success`, or `success-maxtime` when time ran out.
    Match,
    /// The beginning of a match: `partial-match` or `partial-match-maxtime`.
    PartialMatch,
    /// Nothing: `no-match` or `no-match-maxtime`.
    NoMatch,
    /// A match whose interpretation failed: `semantics-failure`.
    SemanticsFailure,
}

/// Why grammars are not usable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Decides status and completion cause.
    pub kind: FailureKind,
    /// For `Completion-Reason`; empty when there is nothing to say.
    pub reason: String,
}

impl Failure {
    /// A failure with a reason.
    pub fn new(kind: FailureKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }
}

/// Kinds of [`Failure`], with the answer to a DEFINE-GRAMMAR or RECOGNIZE that meets one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// Could not be loaded, or is of a kind not supported: 407, `grammar-load-failure`.
    Load,
    /// Could not be compiled: 407, `grammar-compilation-failure`.
    Compilation,
    /// A URI could not be read: 407, `uri-failure`, with Failed-URI.
    Uri {
        /// The URI.
        uri: String,
        /// For Failed-URI-Cause: the status of the protocol, or one word.
        cause: String,
    },
    /// The language is not available: 407, `language-unsupported`.
    Language,
    /// The media type is not supported: 408 with `grammar-load-failure`.
    MediaType,
    /// The engine cannot take the request: 407, `recognizer-error`.
    Engine,
    /// The client accepts no format that results can be written in (§6.2.2): 409 with `Accept`, `recognizer-error`.
    NotAcceptable {
        /// What it accepts.
        accept: String,
    },
    /// Anything else: 407, `grammar-definition-failure`.
    Definition,
}
