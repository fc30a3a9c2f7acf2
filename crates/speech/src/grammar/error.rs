//! Why a grammar is refused.

use std::fmt;

/// Why a grammar is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrammarError {
    /// What kind of fault it is.
    pub kind: GrammarErrorKind,
    /// One sentence for the log and the Completion-Reason header.
    pub message: String,
}

/// What kind of fault makes a grammar unusable, with the answer that it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrammarErrorKind {
    /// Not well formed, or not a grammar: 407 with 005 `grammar-compilation-failure`.
    Syntax,
    /// Well formed, but richer than this compiler takes: 407 with 005.
    Unsupported,
    /// A parameter of a builtin grammar that makes no sense: 407 with 005.
    Parameter,
    /// A URI whose scheme or builtin type is not known: 407 with 009 `uri-failure`.
    UnsupportedUri,
    /// A media type that is not compiled at all: 408 with 004 `grammar-load-failure`.
    UnsupportedMediaType,
    /// A language that is not served: 407 with 010 `language-unsupported`.
    UnsupportedLanguage,
    /// Over a limit of size, depth or count: 407 with 005.
    TooLarge,
}

impl GrammarError {
    pub(crate) fn new(kind: GrammarErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl fmt::Display for GrammarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for GrammarError {}
