//! The compilation of one document, made ready to be carried elsewhere.

use bytes::Bytes;
use speech::{FetchedGrammar, GrammarLimits, GrammarLoader};

/// The compilation of one document of a grammar. It takes as long as the document is, so the shell runs it where no session
/// waits behind it.
#[derive(Debug)]
pub struct GrammarJob {
    pub(crate) target: Target,
    pub(crate) document: GrammarDocument,
}

/// What the document is for.
#[derive(Debug)]
pub(crate) enum Target {
    /// A grammar of its own, under the name by which the client knows it.
    Inline { name: String, limits: GrammarLimits },
    /// A grammar that asked for it, under the URI that it asked for.
    Referenced { loader: Box<GrammarLoader>, uri: String },
}

/// A document as it came.
#[derive(Debug, Clone)]
pub(crate) struct GrammarDocument {
    pub(crate) content_type: String,
    pub(crate) content: Bytes,
    /// What references in it are relative to.
    pub(crate) base: Option<String>,
}

/// What came of a [`GrammarJob`].
#[derive(Debug)]
pub struct CompiledGrammar(pub(crate) Box<GrammarLoader>);

impl GrammarJob {
    /// Compiles. A fault is in what comes back.
    pub fn run(self) -> CompiledGrammar {
        let Self { target, document } = self;
        let fetched = FetchedGrammar {
            content_type: &document.content_type,
            body: &document.content,
            base: document.base.as_deref(),
        };
        CompiledGrammar(match target {
            Target::Inline { name, limits } => Box::new(GrammarLoader::from_body(&name, fetched, limits)),
            Target::Referenced { mut loader, uri } => {
                loader.provide(&uri, fetched);
                loader
            }
        })
    }

    /// Bytes of the document.
    pub(crate) fn bytes(&self) -> usize {
        self.document.content.len()
    }
}
