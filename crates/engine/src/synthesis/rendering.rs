//! From a voice's chunks to the samples that a leg plays: edges, pitch, rate, volume.

use std::sync::{Arc, Mutex, PoisonError};

use media::resample::to_i16;
use media::{PcmBuffer, Resampler};

use super::FirstAudio;
use super::synthesizer::{ChunkSink, Clause, Edges};
use crate::pool::JobContext;
use crate::{EngineError, EngineErrorKind};

/// One clause on its way into a buffer. Shared with the sink that the voice fills.
#[derive(Clone)]
pub(super) struct Rendering {
    state: Arc<Mutex<State>>,
}

struct State {
    buffer: PcmBuffer,
    first_audio: FirstAudio,
    resampler: Resampler,
    edges: Option<Trimmer>,
    volume: f32,
    /// All samples of the clause, for the cache.
    rendered: Vec<i16>,
    is_overrun: bool,
    scratch: Scratch,
}

#[derive(Default)]
struct Scratch {
    trimmed: Vec<f32>,
    resampled: Vec<f32>,
    samples: Vec<i16>,
}

impl Rendering {
    /// A rendering of `clause` that appends to `buffer`.
    pub(super) fn new(
        clause: &Clause,
        volume: f32,
        buffer: &PcmBuffer,
        first_audio: FirstAudio,
    ) -> Result<Self, EngineError> {
        // A multiple of 100 Hz: an odd ratio would make the filter needlessly long.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast to integer saturates")]
        #[expect(clippy::cast_precision_loss, reason = "sample rates are small")]
        let from_hz = match clause.pitch {
            1.0 => clause.sample_rate_hz,
            pitch => ((clause.sample_rate_hz as f32 * pitch / 100.0).round() as u32).max(1) * 100,
        };
        let resampler = Resampler::new(from_hz, buffer.sample_rate_hz())
            .map_err(|error| EngineError::new(EngineErrorKind::Configuration, error.to_string()))?;
        Ok(Self {
            state: Arc::new(Mutex::new(State {
                buffer: buffer.clone(),
                first_audio,
                resampler,
                edges: clause.edges.map(|edges| Trimmer::new(edges, from_hz)),
                volume,
                rendered: Vec::new(),
                is_overrun: false,
                scratch: Scratch::default(),
            })),
        })
    }

    /// Where the voice puts its audio.
    pub(super) fn sink(&self, context: &JobContext) -> ChunkSink {
        let state = Arc::clone(&self.state);
        let context = context.clone();
        Box::new(move |chunk| {
            if context.is_cancelled() {
                return false;
            }
            context.progressed();
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.take(chunk);
            state.first_audio.note(&state.buffer);
            !state.is_overrun
        })
    }

    /// The voice is done: what was held back is appended. Gives all samples of the clause.
    pub(super) fn finish(self) -> Result<Vec<i16>, EngineError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.finish();
        if state.is_overrun {
            return Err(EngineError::new(EngineErrorKind::Overrun, "the text is longer than may be spoken at once"));
        }
        Ok(std::mem::take(&mut state.rendered))
    }
}

impl State {
    fn take(&mut self, chunk: &[f32]) {
        let mut scratch = std::mem::take(&mut self.scratch);
        match &mut self.edges {
            None => self.resampler.push(chunk, &mut scratch.resampled),
            Some(trimmer) => {
                trimmer.push(chunk, &mut scratch.trimmed);
                self.resampler.push(&scratch.trimmed, &mut scratch.resampled);
                scratch.trimmed.clear();
            }
        }
        self.emit(&mut scratch);
        self.scratch = scratch;
    }

    fn finish(&mut self) {
        let mut scratch = std::mem::take(&mut self.scratch);
        if let Some(trimmer) = &mut self.edges {
            trimmer.finish(&mut scratch.trimmed);
            self.resampler.push(&scratch.trimmed, &mut scratch.resampled);
            scratch.trimmed.clear();
        }
        self.resampler.finish(&mut scratch.resampled);
        self.emit(&mut scratch);
    }

    fn emit(&mut self, scratch: &mut Scratch) {
        for sample in &mut scratch.resampled {
            *sample *= self.volume;
        }
        to_i16(&scratch.resampled, &mut scratch.samples);
        self.is_overrun |= self.buffer.push(&scratch.samples).is_err();
        if !self.is_overrun {
            self.rendered.extend_from_slice(&scratch.samples);
        }
        scratch.resampled.clear();
        scratch.samples.clear();
    }
}

/// Cuts silence at both ends of a clause: voices add up to a third of a second, which a caller hears as hesitation.
struct Trimmer {
    lead: usize,
    tail: usize,
    /// Silence that may turn out to be the end.
    held: Vec<f32>,
    has_begun: bool,
}

/// Below this it is silence: −46 dB.
const SILENCE: f32 = 0.005;

impl Trimmer {
    fn new(edges: Edges, sample_rate_hz: u32) -> Self {
        let samples = |ms: u32| usize::try_from(u64::from(ms) * u64::from(sample_rate_hz) / 1000).unwrap_or(0);
        Self { lead: samples(edges.lead_ms), tail: samples(edges.tail_ms), held: Vec::new(), has_begun: false }
    }

    fn push(&mut self, chunk: &[f32], out: &mut Vec<f32>) {
        let Some(last_loud) = chunk.iter().rposition(|sample| sample.abs() >= SILENCE) else {
            self.held.extend_from_slice(chunk);
            return;
        };
        let (loud, quiet) = chunk.split_at(last_loud + 1);
        self.held.extend_from_slice(loud);
        if !self.has_begun {
            self.has_begun = true;
            let first_loud = self.held.iter().position(|sample| sample.abs() >= SILENCE).unwrap_or(0);
            self.held.drain(..first_loud.saturating_sub(self.lead));
        }
        out.append(&mut self.held);
        self.held.extend_from_slice(quiet);
    }

    fn finish(&mut self, out: &mut Vec<f32>) {
        if self.has_begun {
            self.held.resize(self.tail, 0.0);
            out.append(&mut self.held);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_at_the_edges_is_cut_and_within_kept() {
        let mut trimmer = Trimmer::new(Edges { lead_ms: 1, tail_ms: 2 }, 1000);
        let mut out = Vec::new();
        trimmer.push(&[0.0; 50], &mut out);
        trimmer.push(&[0.0, 0.0, 0.0, 0.5, 0.5], &mut out);
        trimmer.push(&[0.0; 30], &mut out);
        trimmer.push(&[0.5, 0.0, 0.0, 0.0], &mut out);
        trimmer.finish(&mut out);
        assert_eq!(out.len(), 1 + 2 + 30 + 1 + 2);
        assert_eq!(out[..3], [0.0, 0.5, 0.5]);
    }

    #[test]
    fn a_clause_of_nothing_but_silence_is_empty() {
        let mut trimmer = Trimmer::new(Edges { lead_ms: 10, tail_ms: 10 }, 1000);
        let mut out = Vec::new();
        trimmer.push(&[0.0; 500], &mut out);
        trimmer.finish(&mut out);
        assert!(out.is_empty());
    }
}
