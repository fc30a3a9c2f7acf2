//! The pronunciation lexicons of a synthesizer channel (RFC 6787 §8.4.16, §8.4.17, §8.5.2).

use std::sync::Arc;

use mrcp::synthesizer::{Failure, FailureKind};
use speech::Lexicon;

/// Lexicons of one session.
pub(crate) const LEXICONS_MAX: usize = 64;

/// The lexicons of a synthesizer channel, by their URIs: `session:NAME` for those that came in a request.
#[derive(Debug, Default)]
pub(crate) struct Lexicons {
    stored: Vec<Stored>,
}

#[derive(Debug)]
struct Stored {
    uri: String,
    lexicon: Arc<Lexicon>,
}

/// The URI of a lexicon that came in a request with this Content-ID.
pub(crate) fn session_uri(content_id: &str) -> String {
    format!("session:{content_id}")
}

/// Reads a lexicon.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn read(uri: &str, body: &[u8]) -> Result<Arc<Lexicon>, Failure> {
    Lexicon::parse(body).map(Arc::new).map_err(|error| failure(uri, error.to_string()))
}

/// The failure of a lexicon.
pub(crate) fn failure(uri: &str, reason: impl Into<String>) -> Failure {
    // What came in the request has no URI that failed.
    let uri = (!uri.starts_with("session:")).then(|| uri.to_owned());
    Failure::new(FailureKind::Lexicon { uri }, reason)
}

impl Lexicons {
    /// Keeps a lexicon that a client defined under its URI; one that was there is replaced.
    ///
    /// # Errors
    /// When there are too many.
    pub(crate) fn store(&mut self, uri: &str, lexicon: Arc<Lexicon>) -> Result<(), Failure> {
        if let Some(known) = self.stored.iter_mut().find(|stored| stored.uri == uri) {
            known.lexicon = lexicon;
            return Ok(());
        }
        if self.stored.len() >= LEXICONS_MAX {
            return Err(failure(uri, format!("a session may have {LEXICONS_MAX} lexicons")));
        }
        self.stored.push(Stored { uri: uri.to_owned(), lexicon });
        Ok(())
    }

    /// Forgets a lexicon, if it is there.
    pub(crate) fn unload(&mut self, uri: &str) {
        self.stored.retain(|stored| stored.uri != uri);
    }

    /// The lexicon of this URI.
    pub(crate) fn find(&self, uri: &str) -> Option<&Arc<Lexicon>> {
        self.stored.iter().find(|stored| stored.uri == uri).map(|stored| &stored.lexicon)
    }

    /// The URIs of all that clients defined, the first first.
    pub(crate) fn loaded(&self) -> Vec<String> {
        self.stored.iter().map(|stored| stored.uri.clone()).collect()
    }
}
