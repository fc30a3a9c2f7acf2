//! Why a message could not be read.

use std::fmt;

/// What is wrong with a received message, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// Byte offset of the line at fault, from the start of the message.
    pub offset: usize,
}

/// What is wrong with a received message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseErrorKind {
    /// The first line is neither a request line nor a status line.
    StartLine,
    /// The version is not `SIP/2.0`.
    Version,
    /// The Request-URI is not a URI, or has a part that is not allowed there (RFC 3261, 19.1.1).
    RequestUri,
    /// A line is not a header field, or the header section does not end.
    HeaderLine,
    /// More header fields than the limit.
    TooManyHeaders,
    /// More bytes than the limit.
    TooLong,
    /// A header field value is not UTF-8 (RFC 3261, 7.3.1 and 25.1).
    NotUtf8,
    /// The named header field is required and absent.
    Missing(&'static str),
    /// The named header field may occur once only.
    Repeated(&'static str),
    /// The named header field has a value outside its grammar or range.
    Invalid(&'static str),
    /// Content-Length says more than what arrived.
    BodyTruncated,
    /// The method in CSeq is not the method of the request (RFC 3261, 8.1.1.5).
    CseqMethod,
}

impl ParseError {
    /// An error of `kind` at byte `offset`.
    pub(crate) fn new(kind: ParseErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }
}

impl fmt::Display for ParseErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StartLine => f.write_str("Malformed start line"),
            Self::Version => f.write_str("Version not supported"),
            Self::RequestUri => f.write_str("Malformed Request-URI"),
            Self::HeaderLine => f.write_str("Malformed header field"),
            Self::TooManyHeaders => f.write_str("Too many header fields"),
            Self::TooLong => f.write_str("Message too long"),
            Self::NotUtf8 => f.write_str("Header field not UTF-8"),
            Self::Missing(name) => write!(f, "Missing {name}"),
            Self::Repeated(name) => write!(f, "Repeated {name}"),
            Self::Invalid(name) => write!(f, "Malformed {name}"),
            Self::BodyTruncated => f.write_str("Body shorter than Content-Length"),
            Self::CseqMethod => f.write_str("CSeq method mismatch"),
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)
    }
}

impl std::error::Error for ParseError {}
