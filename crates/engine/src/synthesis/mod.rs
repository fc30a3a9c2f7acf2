//! Synthesis: from text to audio.
//!
//! # The synthesizer contract
//!
//! - **S1** A permit is taken at admission and covers a bounded number of unfinished requests; more are refused at once.
//! - **S2** Audio is 16-bit mono at the rate asked for, complete in the buffer when `deliver` is called with success;
//!   the number of samples reported is the number in the buffer.
//! - **S3** Audio becomes readable clause by clause, long before the request is complete. Synthesis never waits for
//!   playout.
//! - **S4** A prompt in the cache is complete before `synthesize` returns. Its samples are shared, not copied.
//! - **S5** The cache never gives audio that the request would not have produced: its key holds all that changes audio.
//! - **S6** `deliver` is called exactly once, unless the handle is dropped before: then never. It must not block.
//! - **S7** Dropping the handle stops the work at the next chunk of audio; the buffer ends as failed.
//! - **S8** A failed request leaves what was synthesized before readable and the buffer failed.
//! - **S9** Rate, pitch and volume are factors; what is out of range is brought into range.
//! - **S10** What cannot be spoken (emoji, control characters, markup remains) is left out. A text without anything
//!   to speak gives an empty, complete buffer.
//! - **S11** A request that makes no progress within the limit fails with `Timeout`, a panicking one with `Internal`;
//!   nobody else is delayed as long as another worker is left.
//! - **S12** A text in two scripts is spoken by a voice for each of them, where one voice cannot speak both.

mod spec;

use std::sync::Arc;

pub use spec::SynthesisSpec;

use crate::permit::{Permit, PermitCounter};
use crate::{EngineConfig, EngineError, EngineErrorKind};

/// How the end of a request is told. Called on a thread of the engine or within `synthesize`; must not block.
pub type DeliverSynthesis = Box<dyn FnOnce(Result<SynthesisDone, EngineError>) + Send>;

/// The synthesis pool. Clones share it; the last clone dropped ends its threads.
#[derive(Clone)]
pub struct Synthesis {
    permits: Arc<PermitCounter>,
}

/// Room for the synthesis requests of one session (S1). Taken at admission, given back on drop.
#[derive(Debug)]
pub struct SynthesisPermit {
    _permit: Permit,
}

/// A request that is being synthesized. Dropping it cancels (S7).
#[derive(Debug)]
pub struct SynthesisHandle {
    _private: (),
}

/// All audio of a request is in its buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SynthesisDone {
    /// Samples in the buffer.
    pub samples: usize,
    /// Whether all of it came from the cache.
    pub from_cache: bool,
}

impl Synthesis {
    /// Loads the models that `config` names and starts the threads.
    ///
    /// # Errors
    /// As [`Recognition::start`](crate::Recognition::start).
    pub fn start(config: &EngineConfig) -> Result<Self, EngineError> {
        Ok(Self { permits: PermitCounter::new("synthesis", config.limits.synthesis_streams_max) })
    }

    /// Takes a permit.
    ///
    /// # Errors
    /// `Busy` when all are taken.
    pub fn try_reserve(&self) -> Result<SynthesisPermit, EngineError> {
        Ok(SynthesisPermit { _permit: self.permits.try_take()? })
    }

    /// Permits that are not taken.
    pub fn permits_free(&self) -> usize {
        self.permits.free()
    }

    /// Synthesizes `spec`. The buffer may be played at once and fills up while it plays.
    ///
    /// # Errors
    /// `Busy` when the permit's requests are all in use, `Language` or `Voice` when no model can speak it, `Overrun` for
    /// a text over the limit, `Configuration` for a sample rate that cannot be used.
    pub fn synthesize(
        &self,
        _permit: &SynthesisPermit,
        _spec: SynthesisSpec,
        _deliver: DeliverSynthesis,
    ) -> Result<(media::PcmBuffer, SynthesisHandle), EngineError> {
        Err(EngineError::new(EngineErrorKind::Unavailable, "not started"))
    }

    /// Synthesizes `spec` into the cache when a worker has nothing better to do; for prompts that will be needed soon.
    /// Returns whether it was taken on: not if it is cached already, cannot be cached, or too much waits.
    pub fn prepare(&self, _spec: SynthesisSpec) -> bool {
        false
    }
}
