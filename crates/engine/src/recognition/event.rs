//! What a listening reports.

use speech::Hypothesis;

use crate::EngineError;

/// Something that happened in a listening. See the rules of [`crate::contract`].
#[derive(Debug, Clone, PartialEq)]
pub enum ListenEvent {
    /// The caller began to speak.
    SpeechStarted {
        /// Where in the stream speech began.
        at_ms: u32,
    },
    /// The caller paused, perhaps at the end of the turn.
    SpeechEnded {
        /// Where in the stream speech ended.
        at_ms: u32,
        /// Silence heard since, when this was reported.
        silence_ms: u32,
    },
    /// The caller went on after a [`SpeechEnded`](Self::SpeechEnded).
    SpeechResumed,
    /// What was heard so far of a turn that goes on; replaces the partial before it.
    Partial {
        /// The words of the turn so far.
        text: String,
    },
    /// What was said since the beginning of the turn.
    Hypotheses {
        /// Best first; empty when there was no speech or no word in it.
        hypotheses: Vec<Hypothesis>,
        /// Whether this answers `finish` and ends the listening.
        is_final: bool,
    },
    /// The listening ended without a result.
    Failed(EngineError),
}
