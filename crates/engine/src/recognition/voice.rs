//! Where speech begins and ends in a stream.

/// What a detector found, in samples from the beginning of the stream at [`super::decode::RATE_HZ`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VoiceEvent {
    /// Speech began at `at`, which lies in the past: a detector waits until it is sure.
    Started { at: u64 },
    /// Speech ended at `at`, which lies in the past.
    Ended { at: u64 },
}

/// Finds speech in one stream. Events alternate, beginning with `Started`.
pub(crate) trait VoiceDetector: Send {
    /// Takes the next samples of the stream, at most 20 ms, and says what changed.
    fn push(&mut self, samples: &[i16]) -> Option<VoiceEvent>;
}
