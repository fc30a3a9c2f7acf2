//! Text that grows with the audio.

use std::sync::Arc;

use sherpa_onnx::{OnlineRecognizer, OnlineStream};
use speech::{Hypothesis, Language};

use super::confidence::{self, Evidence};
use super::piece_decoder::hotwords;
use super::{RATE_HZ, to_float};
use crate::EngineError;
use crate::recognition::{Decoded, StreamingDecoder};

/// Decodes one stream.
pub(super) struct SherpaStreamingDecoder {
    native: Arc<OnlineRecognizer>,
    stream: OnlineStream,
    language: Language,
    /// The stream so far, for judging the result; no more than is needed for that.
    samples: Vec<i16>,
}

/// Audio that is kept for judging: 30 s.
const JUDGED_SAMPLES_MAX: usize = 480_000;

/// Silence that pushes the last word out of a model with look-ahead.
const TAIL_SAMPLES: usize = 8_000;

impl SherpaStreamingDecoder {
    pub(super) fn new(native: Arc<OnlineRecognizer>, language: Language, phrases: &[String]) -> Self {
        let stream = if phrases.is_empty() {
            native.create_stream()
        } else {
            native.create_stream_with_hotwords(&hotwords(phrases))
        };
        Self { native, stream, language, samples: Vec::new() }
    }
}

impl StreamingDecoder for SherpaStreamingDecoder {
    fn advance(&mut self, samples: &[i16], is_last: bool) -> Result<Decoded, EngineError> {
        self.stream.accept_waveform(RATE_HZ, &to_float(samples));
        if is_last {
            self.stream.accept_waveform(RATE_HZ, &[0.0; TAIL_SAMPLES]);
            self.stream.input_finished();
        }
        while self.native.is_ready(&self.stream) {
            self.native.decode(&self.stream);
        }
        let room = JUDGED_SAMPLES_MAX.saturating_sub(self.samples.len());
        self.samples.extend(samples.iter().take(room));
        let text = self.native.get_result(&self.stream).map(|result| result.text.trim().to_owned()).unwrap_or_default();
        if !text.chars().any(char::is_alphanumeric) {
            return Ok(Decoded::default());
        }
        let evidence = Evidence { samples: &self.samples, language: self.language, second_opinion: None };
        let (confidence, _) = confidence::judge(&text, &evidence);
        Ok(Decoded { hypotheses: vec![Hypothesis::new(text, confidence, self.language)] })
    }
}
