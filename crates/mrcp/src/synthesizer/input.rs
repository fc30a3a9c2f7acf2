//! What happens to a synthesizer.

use std::time::Instant;

use crate::{HeaderName, Request, RequestId};

/// What happens to a synthesizer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The client asks.
    Request(Request),
    /// Answers [`Output::Prepare`](super::Output::Prepare).
    Prepared {
        /// The SPEAK.
        request_id: RequestId,
        /// Whether it can be spoken.
        outcome: Result<(), Failure>,
    },
    /// A `<mark>` of the input was reached in playout.
    MarkReached {
        /// The SPEAK.
        request_id: RequestId,
        /// The mark's name.
        name: String,
        /// When what stands behind it began to sound.
        at: Instant,
    },
    /// Answers [`Output::Control`](super::Output::Control).
    Controlled {
        /// The CONTROL.
        control_id: RequestId,
        /// Whether a jump back led to the beginning; or that it cannot be done.
        outcome: Result<bool, ControlRefused>,
    },
    /// Answers [`Output::DefineLexicon`](super::Output::DefineLexicon).
    LexiconDefined {
        /// The DEFINE-LEXICON.
        request_id: RequestId,
        /// Whether it was done.
        outcome: Result<(), Failure>,
    },
    /// Playout has ended: the last packet was sent, or it cannot go on.
    PlaybackFinished {
        /// The SPEAK.
        request_id: RequestId,
        /// When the last of it had sounded.
        at: Instant,
        /// How it ended.
        outcome: Result<(), Failure>,
    },
    /// The server itself has decided that the caller barged in. Ends what is spoken, with cause `barge-in`, if its
    /// Kill-On-Barge-In allows.
    BargedIn,
    /// The session ends: every open request is completed now, and nothing follows.
    Close,
}

/// A jump or a length that this SPEAK cannot have: a mark that it has not, or speech that is not kept. 409.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlRefused;

/// Why a SPEAK fails.
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

/// Kinds of [`Failure`], with the answer to a SPEAK that meets one before it starts. Later it is the cause of its
/// SPEAK-COMPLETE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// Bad markup: 407, `parse-failure`.
    Parse,
    /// A URI could not be read: 407, `uri-failure`, with Failed-URI.
    Uri {
        /// The URI.
        uri: String,
        /// For Failed-URI-Cause: the status of the protocol, or one word.
        cause: String,
    },
    /// A lexicon could not be had: 407, `lexicon-load-failure`.
    Lexicon {
        /// Its URI, where it has one.
        uri: Option<String>,
    },
    /// A header asks for what this speech has not: 409, with the header.
    HeaderValue {
        /// The header.
        name: HeaderName,
        /// Its value.
        value: String,
    },
    /// The language is not available: 407, `language-unsupported`.
    Language,
    /// The media type is not supported: 408, `error`.
    MediaType,
    /// The engine failed: 407, `error`.
    Engine,
}
