//! Why a grammar is refused.

use std::fmt;

/// Why a grammar is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrammarError {
    /// What kind of fault it is.
    pub kind: GrammarErrorKind,
    /// One sentence for the log and the Completion-Reason header.
    pub message: String,
    /// Where in the document the fault is.
    pub position: Option<Position>,
    /// The document that is at fault, or the reference that could not be followed, where it is not the grammar that was
    /// given itself.
    pub uri: Option<String>,
}

/// A place in a document, as editors count: both numbers begin with 1, columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The character in the line.
    pub column: u32,
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
    /// A URI whose scheme or builtin type is not known, or that has no document: 407 with 009 `uri-failure`.
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
        Self { kind, message: message.into(), position: None, uri: None }
    }

    pub(crate) fn syntax(message: impl Into<String>) -> Self {
        Self::new(GrammarErrorKind::Syntax, message)
    }

    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(GrammarErrorKind::TooLarge, message)
    }

    /// The same fault with its place, unless one is known already.
    pub(crate) fn at(mut self, position: Position) -> Self {
        self.position.get_or_insert(position);
        self
    }

    /// The same fault with the document that it is in, unless one is known already.
    pub(crate) fn within(mut self, uri: &str) -> Self {
        if self.uri.is_none() && !uri.is_empty() {
            self.uri = Some(uri.to_owned());
        }
        self
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// The sentence, then the place in parentheses: `there is no rule "x" (http://example.com/a.grxml, line 3, column 7)`.
impl fmt::Display for GrammarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match (&self.uri, self.position) {
            (Some(uri), Some(position)) => write!(f, " ({uri}, {position})"),
            (Some(uri), None) => write!(f, " ({uri})"),
            (None, Some(position)) => write!(f, " ({position})"),
            (None, None) => Ok(()),
        }
    }
}

impl std::error::Error for GrammarError {}
