//! What the listening side asks of a recognizer, and what it answers.

use std::sync::Arc;

use speech::{Hypothesis, Language};

/// The rate at which all recognizers and detectors work.
pub(crate) const RATE_HZ: u32 = 16_000;

/// Names one decode of one listening. Results with another key than the one awaited are stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct DecodeKey(pub(crate) u64);

/// What a decode is for; decides its model and who goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A hint while the caller speaks: the small model, dropped when all workers are busy.
    Partial,
    /// The caller paused: the result is kept in case the turn is over.
    Speculative,
    /// The result is awaited.
    Final,
}

impl Purpose {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Partial => "partial",
            Self::Speculative => "speculative",
            Self::Final => "final",
        }
    }
}

/// One piece of audio to be turned into text.
#[derive(Debug, Clone)]
pub(crate) struct DecodeRequest {
    pub(crate) purpose: Purpose,
    pub(crate) language: Language,
    /// At [`RATE_HZ`].
    pub(crate) samples: Arc<[i16]>,
    /// Likely phrases, best first.
    #[cfg_attr(not(feature = "sherpa"), expect(dead_code, reason = "the fake engine cannot be biased"))]
    pub(crate) phrases: Arc<[String]>,
}

/// What was heard in one piece of audio: readings, best first; none when there was no word in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Decoded {
    pub(crate) hypotheses: Vec<Hypothesis>,
}

impl Decoded {
    pub(crate) fn best_text(&self) -> &str {
        self.hypotheses.first().map_or("", |best| best.text.as_str())
    }
}

/// Stream position of a sample, in milliseconds.
pub(crate) fn to_ms(samples: u64) -> u32 {
    u32::try_from(samples.saturating_mul(1000) / u64::from(RATE_HZ)).unwrap_or(u32::MAX)
}

/// A length in milliseconds, in samples.
pub(crate) fn to_samples(ms: u32) -> u64 {
    u64::from(ms).saturating_mul(u64::from(RATE_HZ)) / 1000
}
