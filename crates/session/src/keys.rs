//! What all channels of a session have in common.

use crate::fetching::FetchKey;
use crate::output::PartKey;
use crate::recording::RecordKey;

/// What all channels of a session have in common: names that are given out once.
#[derive(Debug, Default)]
pub(crate) struct PartKeys {
    part: u32,
    fetch: u32,
    recording: u32,
}

impl PartKeys {
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
