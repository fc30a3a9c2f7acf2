//! Pieces of audio to text.

use std::sync::Arc;

use sherpa_onnx::OfflineRecognizer;
use speech::Hypothesis;

use super::confidence::{self, Evidence};
use super::{RATE_HZ, to_float};
use crate::EngineError;
use crate::recognition::{DecodeRequest, Decoded, PieceDecoder, Purpose};

/// A loaded offline model.
pub(super) struct OfflineModel {
    native: OfflineRecognizer,
    takes_hotwords: bool,
    simplified: Option<phonemes::Simplified>,
}

impl OfflineModel {
    pub(super) fn new(
        native: OfflineRecognizer,
        takes_hotwords: bool,
        simplified: Option<phonemes::Simplified>,
    ) -> Self {
        Self { native, takes_hotwords, simplified }
    }

    fn text(&self, samples: &[f32], phrases: &[String]) -> String {
        let stream = if self.takes_hotwords && !phrases.is_empty() {
            self.native.create_stream_with_hotwords(&hotwords(phrases))
        } else {
            self.native.create_stream()
        };
        stream.accept_waveform(RATE_HZ, samples);
        self.native.decode(&stream);
        let text = stream.get_result().map(|result| result.text).unwrap_or_default();
        match &self.simplified {
            Some(simplified) => simplified.simplify(text.trim()),
            None => text.trim().to_owned(),
        }
    }
}

/// Phrases as the library takes them, one per `/`-separated part.
pub(super) fn hotwords(phrases: &[String]) -> String {
    let clean = phrases.iter().map(|phrase| phrase.replace(['/', '\n', '\0'], " "));
    clean.collect::<Vec<_>>().join("/")
}

/// Decodes the pieces of one stream.
pub(super) struct SherpaPieceDecoder {
    best: Arc<OfflineModel>,
    small: Option<Arc<OfflineModel>>,
}

impl SherpaPieceDecoder {
    pub(super) fn new(best: Arc<OfflineModel>, small: Option<Arc<OfflineModel>>) -> Self {
        Self { best, small }
    }
}

/// Models want some audio to look at: half a second.
const SAMPLES_MIN: usize = 8_000;

impl PieceDecoder for SherpaPieceDecoder {
    fn decode(&self, request: &DecodeRequest) -> Result<Decoded, EngineError> {
        let mut samples = to_float(&request.samples);
        if samples.len() < SAMPLES_MIN {
            samples.resize(SAMPLES_MIN, 0.0);
        }
        let language = request.language;
        let mut hypotheses = Vec::new();
        match (request.purpose, &self.small) {
            (Purpose::Partial, Some(small)) => {
                // A hint is shown, never judged.
                let text = small.text(&samples, &request.phrases);
                hypotheses.push(Hypothesis::new(text, 0.0, language));
            }
            (Purpose::Partial, None) => {}
            (Purpose::Speculative | Purpose::Final, small) => {
                let text = self.best.text(&samples, &request.phrases);
                let second = small.as_ref().map(|small| small.text(&samples, &request.phrases));
                let evidence = Evidence { samples: &request.samples, language, second_opinion: second.as_deref() };
                let (first, alternative) = confidence::judge(&text, &evidence);
                hypotheses.push(Hypothesis::new(text, first, language));
                if let (Some(second), Some(confidence)) = (second, alternative) {
                    hypotheses.push(Hypothesis::new(second, confidence, language));
                }
            }
        }
        hypotheses.retain(|hypothesis| hypothesis.text.chars().any(char::is_alphanumeric));
        Ok(Decoded { hypotheses })
    }
}
