//! What all channels of a session share.

use std::sync::Arc;

use crate::fetching::FetchKey;
use crate::grammar_store::{GrammarConfig, GrammarStore};
use crate::output::PartKey;
use crate::recording::RecordKey;

/// What all channels of a session share: names that are given out once, and the grammars that were defined.
#[derive(Debug)]
pub(crate) struct Commons {
    part: u32,
    fetch: u32,
    recording: u32,
    pub(crate) grammars: GrammarStore,
}

impl Commons {
    pub(crate) fn new(grammars: Arc<GrammarConfig>) -> Self {
        Self { part: 0, fetch: 0, recording: 0, grammars: GrammarStore::new(grammars) }
    }

    /// For a part that the session plays in a conversation.
    pub(crate) fn next(&mut self) -> PartKey {
        self.part = self.part.wrapping_add(1);
        PartKey(self.part)
    }

    /// For something that is recorded.
    pub(crate) fn next_recording(&mut self) -> RecordKey {
        self.recording = self.recording.wrapping_add(1);
        RecordKey(self.recording)
    }

    /// For something that the session waits for.
    pub(crate) fn next_fetch(&mut self) -> FetchKey {
        self.fetch = self.fetch.wrapping_add(1);
        FetchKey(self.fetch)
    }
}
