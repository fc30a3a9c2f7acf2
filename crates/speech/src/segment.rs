//! What a SPEAK asks to be said, as a flat list of segments in speaking order.

use std::fmt;

use crate::ssml::Profile;
use crate::{DialogReplyUri, Language, Prosody};

/// One thing to be done while speaking.
#[derive(Debug, Clone, PartialEq)]
pub enum Segment {
    /// Words to be spoken in one voice. Never empty.
    Text {
        /// The words, white space collapsed.
        text: String,
        /// The language that the markup names; `None`: the request's or the server's.
        language: Option<Language>,
        /// The voice that the markup names, or several with spaces between, the most wanted first; `None`: the request's or the
        /// server's.
        voice: Option<String>,
        /// The gender that the markup asks for, when it names no voice that the server has.
        gender: Option<Gender>,
        /// Rate, pitch and volume relative to the request's.
        prosody: Prosody,
    },
    /// Silence.
    Break {
        /// Length in milliseconds, at most 60,000.
        ms: u32,
    },
    /// A recording to be played.
    Audio {
        /// The URI as written; not empty.
        src: String,
        /// What is spoken when it cannot be played.
        fallback: Vec<Segment>,
    },
    /// A place whose passing is reported (SPEECH-MARKER, RFC 6787 section 8.13).
    Mark {
        /// The name of the mark.
        name: String,
    },
    /// Whatever the conversation has to say next.
    DialogReply(DialogReplyUri),
}

/// The gender of a voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gender {
    /// A female voice.
    Female,
    /// A male voice.
    Male,
}

/// Why a body cannot be spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeechMarkupError {
    /// What kind of fault it is.
    pub kind: SpeechMarkupErrorKind,
    /// One sentence for the log and the Completion-Reason header.
    pub message: String,
    /// Where, as line and column from 1, when the fault has a place in the text.
    pub position: Option<(u32, u32)>,
}

/// What kind of fault makes a body unspeakable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeechMarkupErrorKind {
    /// Not a type of body that can be spoken: 408 with 004 `error`.
    UnsupportedMediaType,
    /// Not well formed, or not speech markup: complete with 002 `parse-failure`.
    Syntax,
    /// A URI that cannot be spoken: complete with 003 `uri-failure`.
    Uri,
    /// Over a limit of size, depth or count: complete with 002 `parse-failure`.
    TooLarge,
}

impl fmt::Display for SpeechMarkupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(f, "{} (line {line}, column {column})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for SpeechMarkupError {}

/// What the body of a SPEAK says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpeechDocument {
    /// What is spoken, in order.
    pub segments: Vec<Segment>,
    /// Whether it is markup, which knows voice and prosody by itself.
    pub is_markup: bool,
    /// What its `lexicon` elements name, as written, in order.
    pub lexicons: Vec<String>,
    /// `xml:base`: what relative URIs in it are relative to.
    pub base: Option<String>,
}

/// What the body of a SPEAK asks for, in speaking order.
///
/// `content_type` is the value of the Content-Type header, parameters allowed: `text/plain`, `application/ssml+xml`,
/// `application/synthesis+ssml`, `text/uri-list`. A plain text that is one `dialog:reply` URI is a reply; a plain text
/// that is an SSML document is read as one, since dialplans send it so.
///
/// # Errors
/// See [`SpeechMarkupErrorKind`]. A body without anything to say is no error but an empty list.
pub fn segments(content_type: &str, body: &[u8]) -> Result<Vec<Segment>, SpeechMarkupError> {
    document(content_type, body).map(|document| document.segments)
}

/// The same with what the document says about itself.
///
/// # Errors
/// As [`segments`].
pub fn document(content_type: &str, body: &[u8]) -> Result<SpeechDocument, SpeechMarkupError> {
    crate::ssml::document(content_type, body, Profile::Full)
}

/// The same for a synthesizer of clips (`basicsynth`, RFC 6787 section 3.1): of SSML it has `speak`, `audio`, `say-as` and `mark`,
/// what has no voice (`p`, `s`, `desc`, `meta`, `metadata`), and `break`. Other elements are a fault of syntax.
///
/// # Errors
/// As [`segments`].
pub fn basic_document(content_type: &str, body: &[u8]) -> Result<SpeechDocument, SpeechMarkupError> {
    crate::ssml::document(content_type, body, Profile::Basic)
}
