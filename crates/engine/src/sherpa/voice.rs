//! One loaded synthesis model.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sherpa_onnx::{
    GenerationConfig, OfflineTts, OfflineTtsConfig, OfflineTtsKokoroModelConfig, OfflineTtsMatchaModelConfig,
    OfflineTtsModelConfig, OfflineTtsVitsModelConfig,
};

use super::path;
use crate::synthesis::ChunkSink;
use crate::{EngineError, EngineErrorKind, VoiceFiles};

/// A model, with what turns text into what it takes.
pub(super) struct VoiceModel {
    native: OfflineTts,
    input: Input,
    sample_rate_hz: u32,
}

enum Input {
    /// Text that the library looks up in the model's lexicons.
    Text,
    /// Phonemes.
    Phonemes(Box<phonemes::English>),
}

impl VoiceModel {
    /// # Errors
    /// `Model` when a file is refused.
    pub(super) fn load(files: &VoiceFiles, threads: i32) -> Result<Self, EngineError> {
        let refused = |why: &str| EngineError::new(EngineErrorKind::Model, format!("{files:?}: {why}"));
        let mut model = OfflineTtsModelConfig { num_threads: threads, ..OfflineTtsModelConfig::default() };
        let mut input = Input::Text;
        match files {
            VoiceFiles::Vits { model: file, tokens, lexicon } => {
                model.vits = OfflineTtsVitsModelConfig {
                    model: path(file),
                    tokens: path(tokens),
                    lexicon: path(lexicon),
                    ..OfflineTtsVitsModelConfig::default()
                };
            }
            VoiceFiles::Piper { model: file, tokens, lexicon, letters } => {
                model.vits = OfflineTtsVitsModelConfig {
                    model: path(file),
                    tokens: path(tokens),
                    ..OfflineTtsVitsModelConfig::default()
                };
                let english = phonemes::English::load(lexicon, letters).map_err(|error| refused(&error.to_string()))?;
                input = Input::Phonemes(Box::new(english));
            }
            VoiceFiles::Kokoro { model: file, tokens, voices, lexicons } => {
                let lexicons: Vec<String> = lexicons.iter().filter_map(|lexicon| path(lexicon)).collect();
                model.kokoro = OfflineTtsKokoroModelConfig {
                    model: path(file),
                    tokens: path(tokens),
                    voices: path(voices),
                    lexicon: Some(lexicons.join(",")),
                    ..OfflineTtsKokoroModelConfig::default()
                };
            }
            VoiceFiles::Matcha { model: file, vocoder, tokens, lexicon } => {
                model.matcha = OfflineTtsMatchaModelConfig {
                    acoustic_model: path(file),
                    vocoder: path(vocoder),
                    tokens: path(tokens),
                    lexicon: path(lexicon),
                    ..OfflineTtsMatchaModelConfig::default()
                };
            }
        }
        let config =
            OfflineTtsConfig { model, max_num_sentences: 1, silence_scale: 0.2, ..OfflineTtsConfig::default() };
        let native = OfflineTts::create(&config).ok_or_else(|| refused("refused by sherpa-onnx"))?;
        let sample_rate_hz = u32::try_from(native.sample_rate()).unwrap_or(0);
        if !(8_000..=96_000).contains(&sample_rate_hz) {
            return Err(refused(&format!("a voice at {sample_rate_hz} Hz")));
        }
        Ok(Self { native, input, sample_rate_hz })
    }

    pub(super) fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// Speaks `text` into `sink`.
    pub(super) fn speak(&self, text: &str, speaker: i32, speed: f32, mut sink: ChunkSink) -> Result<(), EngineError> {
        let mut generation = GenerationConfig { sid: speaker, speed, ..GenerationConfig::default() };
        match &self.input {
            Input::Text => {}
            Input::Phonemes(english) => {
                let sentences = english.phonemes(text);
                if sentences.is_empty() {
                    return Ok(());
                }
                let codepoint = |c: char| i32::try_from(u32::from(c)).ok();
                let sentences = sentences.iter().map(|sentence| sentence.chars().filter_map(codepoint).collect());
                generation.phoneme_codepoints = Some(sentences.collect());
            }
        }
        // The sink ends the work by its answer, and a panic in it must not reach native code.
        let stopped = Arc::new(AtomicBool::new(false));
        let panicked = Arc::new(AtomicBool::new(false));
        let (stop, panic) = (Arc::clone(&stopped), Arc::clone(&panicked));
        let callback = move |chunk: &[f32], _progress: f32| {
            let wants_more = catch_unwind(AssertUnwindSafe(|| sink(chunk))).unwrap_or_else(|_| {
                panic.store(true, Ordering::Release);
                false
            });
            stop.fetch_or(!wants_more, Ordering::AcqRel);
            wants_more
        };
        let text = text.replace('\0', " ");
        let generated = self.native.generate_with_config(&text, &generation, Some(callback));
        if panicked.load(Ordering::Acquire) {
            return Err(EngineError::new(EngineErrorKind::Internal, "rendering panicked"));
        }
        if generated.is_none() && !stopped.load(Ordering::Acquire) {
            return Err(EngineError::new(EngineErrorKind::Model, "the voice could not speak the text"));
        }
        Ok(())
    }
}
