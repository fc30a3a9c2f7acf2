//! What an engine reports when it cannot do its work.

use std::fmt;

/// Why a recognition or synthesis request could not be served.
///
/// The session maps the kind to its protocol's cause (RFC 6787 §9.4.11 for recognition, §8.4.13 for synthesis);
/// `message` is for operators and never holds what a caller said or what was to be spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineError {
    /// The class of the failure.
    pub kind: EngineErrorKind,
    /// Whether the same request may succeed a little later without anyone changing anything.
    pub retryable: bool,
    /// One sentence for the operator's log.
    pub message: String,
}

/// The classes of [`EngineError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EngineErrorKind {
    /// All permits are taken, or a permit's own bound is reached.
    Busy,
    /// The engine is not part of this build, or its workers are gone.
    Unavailable,
    /// No model for the requested language is loaded.
    Language,
    /// The requested voice is not known to any loaded model.
    Voice,
    /// A model file is missing, altered or refused by the engine, or the engine failed on this request.
    Model,
    /// Audio came faster than it was taken, or more was produced than the buffer may hold.
    Overrun,
    /// The request outlived its deadline.
    Timeout,
    /// The configuration cannot be used.
    Configuration,
    /// A bug: the request panicked. Only this request is lost.
    Internal,
}

impl EngineErrorKind {
    /// The kind as a metric label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::Language => "language",
            Self::Voice => "voice",
            Self::Model => "model",
            Self::Overrun => "overrun",
            Self::Timeout => "timeout",
            Self::Configuration => "configuration",
            Self::Internal => "internal",
        }
    }

    fn is_retryable(self) -> bool {
        match self {
            Self::Busy | Self::Overrun | Self::Timeout | Self::Internal => true,
            Self::Unavailable | Self::Language | Self::Voice | Self::Model | Self::Configuration => false,
        }
    }
}

impl EngineError {
    /// An error of `kind`; whether it is retryable follows from the kind.
    pub fn new(kind: EngineErrorKind, message: impl Into<String>) -> Self {
        Self { kind, retryable: kind.is_retryable(), message: message.into() }
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.label(), self.message)
    }
}

impl std::error::Error for EngineError {}
