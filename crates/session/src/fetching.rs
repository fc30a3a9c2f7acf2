//! What a session gets from elsewhere: documents and recordings by URI, and work that is too long for its own task.
//!
//! ```text
//! Output::Fetch { key, request }            →  Input::Fetched { key, outcome }      exactly once,
//! Output::LoadAudio { key, source, .. }     →  Input::AudioLoaded { key, outcome }  unless abandoned
//! Output::Compile { key, job }              →  Input::Compiled { key, outcome }
//! Output::Abandon { key }                       nothing of it is wanted, or needed, any more
//! ```
//!
//! The shell has the rules of what may be fetched at all, caches, and keeps the session's cookies.

use bytes::Bytes;
use mrcp::FetchParams;

/// One thing that a session waits for. Never used twice in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetchKey(pub u32);

/// What to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchRequest {
    /// An absolute URI, of whatever scheme the client wrote.
    pub uri: String,
    /// What it is for.
    pub purpose: FetchPurpose,
    /// Time limit and use of caches, as the client wants them.
    pub params: FetchParams,
}

/// What a document is for: decides which media types are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FetchPurpose {
    /// A grammar, or a part of one.
    Grammar,
    /// Text or markup to be spoken.
    Speech,
    /// A pronunciation lexicon.
    Lexicon,
    /// A recording to be played.
    Audio,
}

impl FetchPurpose {
    /// Label in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Grammar => "grammar",
            Self::Speech => "speech",
            Self::Lexicon => "lexicon",
            Self::Audio => "audio",
        }
    }
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where it was found after redirects: what relative URIs in it are relative to.
    pub location: String,
    /// Its media type, where the origin or the file's name tells.
    pub content_type: Option<String>,
    /// What it says.
    pub content: Bytes,
    /// Values of Set-Cookie for the client: what origins set on the way.
    pub set_cookies: Vec<String>,
}

/// Why there is no document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchFailure {
    /// For Failed-URI-Cause (RFC 6787 section 8.4.13): the status of the protocol, or one word such as `timeout`.
    pub cause: String,
    /// For Completion-Reason.
    pub reason: String,
    /// Values of Set-Cookie for the client: what origins set on the way.
    pub set_cookies: Vec<String>,
}

/// Where a recording comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioSource {
    /// It has to be fetched.
    Uri(FetchRequest),
    /// It came in the body of the request (RFC 6787 section 8.5.1).
    Inline {
        /// Its media type.
        content_type: String,
        /// Its bytes.
        content: Bytes,
    },
}

/// A recording that is ready to be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedAudio {
    /// Its length in samples, at the rate that was asked for.
    pub samples: u64,
    /// Values of Set-Cookie for the client.
    pub set_cookies: Vec<String>,
}
