//! What happens to a recorder.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::{RecorderCause, Request, RequestId, StatusCode};

/// What happens to a recorder.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The client asks.
    Request(Request),
    /// Answers [`Output::Record`](super::Output::Record).
    Started {
        /// The RECORD.
        request_id: RequestId,
        /// Whether audio is being captured.
        outcome: Result<(), Failure>,
    },
    /// The caller began to speak, or goes on after a pause.
    SpeechStarted {
        /// The RECORD.
        request_id: RequestId,
    },
    /// The caller fell silent.
    SpeechEnded {
        /// The RECORD.
        request_id: RequestId,
        /// When speech really ended; at or before now. Final-Silence counts from here.
        at: Instant,
    },
    /// What the recording goes into holds no more: it ends here, as if Max-Time were over.
    Full {
        /// The RECORD.
        request_id: RequestId,
        /// For `Completion-Reason`.
        reason: String,
    },
    /// The recording cannot go on; nothing of it is kept.
    Failed {
        /// The RECORD.
        request_id: RequestId,
        /// Why.
        failure: Failure,
    },
    /// Answers [`Output::Finish`](super::Output::Finish).
    Saved {
        /// The RECORD.
        request_id: RequestId,
        /// Where the audio is.
        outcome: Result<Recorded, Failure>,
    },
    /// The session ends: every open request is completed now, and nothing follows. A recording under way is discarded.
    Close,
}

/// A finished recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Where it is.
    pub stored: Stored,
    /// Octets of the stored content.
    pub size_bytes: u64,
    /// Length of the audio.
    pub duration: Duration,
}

/// Where a recording is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// Under this URI.
    Uri(String),
    /// Here, to be sent in a message.
    Body(Bytes),
}

/// Why there is no recording.
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

/// Kinds of [`Failure`], with the answer to a RECORD that meets one before it starts. Later it is the cause of its
/// RECORD-COMPLETE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// The Media-Type is not one that can be recorded: 409 with Media-Type, `error`.
    MediaType,
    /// Record-URI is not a place that may be written to: 404 with Record-URI, `uri-failure`.
    Forbidden,
    /// Record-URI cannot be written to: 407, `uri-failure`, with Failed-URI.
    Uri {
        /// `Failed-URI-Cause`: a status of the protocol, or words.
        cause: String,
    },
    /// No room, no audio, or anything else of ours: 407, `error`.
    Recorder,
}

impl FailureKind {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::MediaType => StatusCode::UNSUPPORTED_HEADER_VALUE,
            Self::Forbidden => StatusCode::ILLEGAL_HEADER_VALUE,
            Self::Uri { .. } | Self::Recorder => StatusCode::METHOD_FAILED,
        }
    }

    pub(super) fn cause(&self) -> RecorderCause {
        match self {
            Self::MediaType | Self::Recorder => RecorderCause::Error,
            Self::Forbidden | Self::Uri { .. } => RecorderCause::UriFailure,
        }
    }
}
