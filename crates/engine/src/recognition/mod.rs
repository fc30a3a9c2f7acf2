//! Recognition: from a stream of audio to what was said.
//!
//! # The recognizer contract
//!
//! - **R1** A permit is taken at admission and covers one listening at a time; with a permit, `listen` never fails for
//!   lack of room.
//! - **R2** Events of one listening are delivered one at a time, in the order in which they happened, from one thread of
//!   the engine. The receiver must not block: it puts the event into its own queue.
//! - **R3** Times in events are of the stream (samples received), not of any clock, so they do not depend on load.
//! - **R4** `SpeechStarted` comes once, as soon as enough speech was heard to be sure of it. Noise and silence give none.
//! - **R5** `SpeechEnded` comes on the first short silence after speech, `SpeechResumed` if speech goes on. They
//!   alternate, beginning with `SpeechEnded`.
//! - **R6** After each `SpeechEnded`, unless speech resumes first, `Hypotheses { is_final: false }` tells what was said
//!   so far, from the beginning of the turn.
//! - **R7** `finish` is answered by exactly one last event: `Hypotheses { is_final: true }` or `Failed`. At once, if the
//!   decode after the last `SpeechEnded` covers all speech. No speech, or speech without words, is an empty list.
//! - **R8** Hypotheses are best first, in the language asked for, with a confidence between 0 and 1 whose origin is
//!   documented for each engine.
//! - **R9** The first sound of the turn is not clipped: audio before the detected onset is decoded too.
//! - **R10** A turn may be longer than a model can take: it is cut at pauses and the texts are joined.
//! - **R11** Partials are hints: they come only if asked for, may be missing under load, and are never a result.
//! - **R12** Dropping the listener ends it: no event is delivered after the drop of the [`Listener`] returns, other than
//!   one that was being delivered at that moment. Late results are dropped and counted.
//! - **R13** Audio that comes faster than it is taken ends the listening with `Failed` (overrun): missing audio makes
//!   wrong text. The sink never blocks.
//! - **R14** A decode that is frozen, fails or panics fails its own listening at its deadline or at once, and nobody
//!   else's.

mod event;
mod spec;

use std::sync::Arc;

pub use event::ListenEvent;
pub use spec::ListenSpec;

use crate::permit::{Permit, PermitCounter};
use crate::{EngineConfig, EngineError, EngineErrorKind};

/// Where events of a listening go. Called on a thread of the engine; must not block (R2).
pub type Deliver = Box<dyn Fn(ListenEvent) + Send + Sync>;

/// The recognition pool. Clones share it; the last clone dropped ends its threads.
#[derive(Clone)]
pub struct Recognition {
    permits: Arc<PermitCounter>,
}

/// Room for one listening at a time (R1). Taken at admission, given back on drop.
#[derive(Debug)]
pub struct RecognitionPermit {
    _permit: Permit,
}

/// A listening that goes on. Dropping it cancels (R12).
#[derive(Debug)]
pub struct Listener {
    _private: (),
}

impl Recognition {
    /// Loads the models that `config` names and starts the threads.
    ///
    /// # Errors
    /// `Configuration` for values out of range, `Model` for a model file that is missing or altered, `Unavailable` when
    /// the engine is not part of this build.
    pub fn start(config: &EngineConfig) -> Result<Self, EngineError> {
        Ok(Self { permits: PermitCounter::new("recognition", config.limits.recognition_streams_max) })
    }

    /// Takes a permit.
    ///
    /// # Errors
    /// `Busy` when all are taken.
    pub fn try_reserve(&self) -> Result<RecognitionPermit, EngineError> {
        Ok(RecognitionPermit { _permit: self.permits.try_take()? })
    }

    /// Permits that are not taken.
    pub fn permits_free(&self) -> usize {
        self.permits.free()
    }

    /// Starts listening: audio goes into the sink, events come out of `deliver`, until [`Listener::finish`] or its drop.
    ///
    /// # Errors
    /// `Language` when no model serves the language, `Busy` when the permit already listens, `Configuration` for a
    /// sample rate that cannot be used.
    pub fn listen(
        &self,
        _permit: &RecognitionPermit,
        _spec: ListenSpec,
        _deliver: Deliver,
    ) -> Result<(Box<dyn media::PcmSink>, Listener), EngineError> {
        Err(EngineError::new(EngineErrorKind::Unavailable, "not started"))
    }
}

impl Listener {
    /// Says that the turn has ended: the final hypotheses are delivered soon (R7). Audio pushed afterwards is ignored.
    /// A second call changes nothing.
    pub fn finish(&self) {}
}
