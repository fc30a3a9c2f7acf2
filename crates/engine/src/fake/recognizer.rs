//! The recognizing half of the fake engine.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use speech::{Hypothesis, Language};

use super::detector::FakeDetector;
use super::fault::strike;
use super::tone_code;
use super::{FakeConfig, FakeFault};
use crate::recognition::{
    DecodeRequest, Decoded, PieceDecoder, RATE_HZ, Recognizer, RecognizerMode, StreamingDecoder, VoiceDetector,
};
use crate::{EngineError, EngineErrorKind, ListenSpec, ListeningConfig};

/// Hears tone code, and otherwise the next text of its script.
pub(crate) struct FakeRecognizer {
    shared: Arc<Shared>,
}

struct Shared {
    script: Vec<String>,
    /// Texts of the script that were heard.
    heard: AtomicUsize,
    faults: Vec<FakeFault>,
    is_streaming: bool,
}

impl FakeRecognizer {
    pub(crate) fn new(config: &FakeConfig) -> Self {
        Self {
            shared: Arc::new(Shared {
                script: config.script.clone(),
                heard: AtomicUsize::new(0),
                faults: config.faults.clone(),
                is_streaming: config.streaming,
            }),
        }
    }

    fn decoder(&self, spec: &ListenSpec) -> FakeDecoder {
        FakeDecoder { shared: Arc::clone(&self.shared), language: spec.language, scripted: OnceLock::new() }
    }
}

impl Recognizer for FakeRecognizer {
    fn mode(&self, _language: Language) -> Option<RecognizerMode> {
        Some(if self.shared.is_streaming {
            RecognizerMode::Streaming
        } else {
            RecognizerMode::Pieces { partials: true }
        })
    }

    fn voice_detector(
        &self,
        config: &ListeningConfig,
        spec: &ListenSpec,
    ) -> Result<Box<dyn VoiceDetector>, EngineError> {
        Ok(Box::new(FakeDetector::new(config, spec.sensitivity)))
    }

    fn piece_decoder(&self, spec: &ListenSpec) -> Result<Box<dyn PieceDecoder>, EngineError> {
        Ok(Box::new(self.decoder(spec)))
    }

    fn streaming_decoder(&self, spec: &ListenSpec) -> Result<Box<dyn StreamingDecoder>, EngineError> {
        Ok(Box::new(FakeStreamingDecoder { decoder: self.decoder(spec), samples: Vec::new() }))
    }
}

struct FakeDecoder {
    shared: Arc<Shared>,
    language: Language,
    /// What this stream hears in speech without tone code: the same however often it is decoded.
    scripted: OnceLock<String>,
}

impl FakeDecoder {
    fn hear(&self, samples: &[i16]) -> Result<Decoded, EngineError> {
        let (text, confidence) = match tone_code::decode(samples, RATE_HZ) {
            Some(heard) => (heard.text, heard.clarity),
            None => (self.scripted.get_or_init(|| self.shared.next_line()).clone(), SCRIPTED_CONFIDENCE),
        };
        strike(&self.shared.faults, &text)?;
        if text.is_empty() {
            return Ok(Decoded::default());
        }
        Ok(Decoded { hypotheses: vec![Hypothesis::new(text, confidence, self.language)] })
    }
}

impl Shared {
    fn next_line(&self) -> String {
        let nth = self.heard.fetch_add(1, Ordering::Relaxed);
        self.script.get(nth).or(self.script.last()).cloned().unwrap_or_default()
    }
}

/// A text of the script is not measured; this says that it was made up.
const SCRIPTED_CONFIDENCE: f32 = 0.9;

impl PieceDecoder for FakeDecoder {
    fn decode(&self, request: &DecodeRequest) -> Result<Decoded, EngineError> {
        self.hear(&request.samples)
    }
}

/// The same, growing with the audio.
struct FakeStreamingDecoder {
    decoder: FakeDecoder,
    samples: Vec<i16>,
}

impl StreamingDecoder for FakeStreamingDecoder {
    fn advance(&mut self, samples: &[i16], _is_last: bool) -> Result<Decoded, EngineError> {
        if self.samples.len().saturating_add(samples.len()) > STREAM_SAMPLES_MAX {
            return Err(EngineError::new(EngineErrorKind::Overrun, "the turn is too long for the fake engine"));
        }
        self.samples.extend_from_slice(samples);
        self.decoder.hear(&self.samples)
    }
}

/// Five minutes.
const STREAM_SAMPLES_MAX: usize = 300 * RATE_HZ as usize;
