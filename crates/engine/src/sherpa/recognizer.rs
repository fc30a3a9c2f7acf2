//! The recognition models, by language.

use std::collections::HashMap;
use std::sync::Arc;

use sherpa_onnx::{
    OfflineModelConfig, OfflineMoonshineModelConfig, OfflineParaformerModelConfig, OfflineRecognizer,
    OfflineRecognizerConfig, OfflineSenseVoiceModelConfig, OfflineTransducerModelConfig, OfflineWhisperModelConfig,
    OnlineModelConfig, OnlineParaformerModelConfig, OnlineRecognizer, OnlineRecognizerConfig,
    OnlineTransducerModelConfig, OnlineZipformer2CtcModelConfig,
};
use speech::Language;

use super::catalog::{self, RecognizerEntry};
use super::detector::DetectorShelf;
use super::path;
use super::piece_decoder::{OfflineModel, SherpaPieceDecoder};
use super::streaming_decoder::SherpaStreamingDecoder;
use crate::recognition::{PieceDecoder, Recognizer, RecognizerMode, StreamingDecoder, VoiceDetector};
use crate::{
    EngineConfig, EngineError, EngineErrorKind, ListenSpec, ListeningConfig, RecognizerFiles, RecognizerRole,
    SherpaConfig,
};

/// All loaded recognition models.
pub(crate) struct SherpaRecognizer {
    finals: HashMap<Language, Loaded>,
    partials: HashMap<Language, Arc<OfflineModel>>,
    detectors: DetectorShelf,
}

enum Loaded {
    Pieces(Arc<OfflineModel>),
    Streaming { native: Arc<OnlineRecognizer>, takes_hotwords: bool },
}

impl SherpaRecognizer {
    /// Checks and loads what `config` names.
    ///
    /// # Errors
    /// `Model` when a file is missing, altered or refused, or when there is no recognizer at all.
    pub(crate) fn load(config: &SherpaConfig, pool: &EngineConfig) -> Result<Self, EngineError> {
        let ready = pool.limits.recognition_streams_max.min(DETECTORS_READY_MAX);
        let detectors = DetectorShelf::load(&catalog::voice_activity(config)?, &pool.listening, ready)?;
        let mut recognizer = Self { finals: HashMap::new(), partials: HashMap::new(), detectors };
        let threads = config.threads_per_call.unwrap_or(1).clamp(1, 64);
        let threads = i32::try_from(threads).unwrap_or(1);
        for entry in catalog::recognizers(config)? {
            for language in &entry.languages {
                recognizer.add(&entry, *language, threads)?;
            }
        }
        if recognizer.finals.is_empty() {
            let message = "no recognition model: run `voxgate models fetch`, or name one in the configuration";
            return Err(EngineError::new(EngineErrorKind::Model, message));
        }
        Ok(recognizer)
    }

    /// Loads a model for one language, unless one that goes before it has its place.
    fn add(&mut self, entry: &RecognizerEntry, language: Language, threads: i32) -> Result<(), EngineError> {
        match entry.role {
            RecognizerRole::Final if !self.finals.contains_key(&language) => {
                let loaded = match online_config(&entry.files, language, threads) {
                    Some((config, takes_hotwords)) => {
                        let native = OnlineRecognizer::create(&config).ok_or_else(|| refused(&entry.files))?;
                        Loaded::Streaming { native: Arc::new(native), takes_hotwords }
                    }
                    None => Loaded::Pieces(Arc::new(offline_model(entry, language, threads)?)),
                };
                self.finals.insert(language, loaded);
            }
            RecognizerRole::Partial if !self.partials.contains_key(&language) => {
                let model = Arc::new(offline_model(entry, language, threads)?);
                self.partials.insert(language, model);
            }
            RecognizerRole::Final | RecognizerRole::Partial => {}
        }
        Ok(())
    }
}

impl Recognizer for SherpaRecognizer {
    fn mode(&self, language: Language) -> Option<RecognizerMode> {
        match self.finals.get(&language)? {
            Loaded::Pieces(_) => Some(RecognizerMode::Pieces { partials: self.partials.contains_key(&language) }),
            Loaded::Streaming { .. } => Some(RecognizerMode::Streaming),
        }
    }

    fn voice_detector(
        &self,
        config: &ListeningConfig,
        spec: &ListenSpec,
    ) -> Result<Box<dyn VoiceDetector>, EngineError> {
        Ok(Box::new(self.detectors.take(config, spec)?))
    }

    fn piece_decoder(&self, spec: &ListenSpec) -> Result<Box<dyn PieceDecoder>, EngineError> {
        match self.finals.get(&spec.language) {
            Some(Loaded::Pieces(best)) => {
                let small = self.partials.get(&spec.language).cloned();
                Ok(Box::new(SherpaPieceDecoder::new(Arc::clone(best), small)))
            }
            Some(Loaded::Streaming { .. }) | None => Err(unserved(spec.language)),
        }
    }

    fn streaming_decoder(&self, spec: &ListenSpec) -> Result<Box<dyn StreamingDecoder>, EngineError> {
        match self.finals.get(&spec.language) {
            Some(Loaded::Streaming { native, takes_hotwords }) => {
                let phrases = if *takes_hotwords { spec.phrases.as_slice() } else { &[] };
                Ok(Box::new(SherpaStreamingDecoder::new(Arc::clone(native), spec.language, phrases)))
            }
            Some(Loaded::Pieces(_)) | None => Err(unserved(spec.language)),
        }
    }
}

fn unserved(language: Language) -> EngineError {
    EngineError::new(EngineErrorKind::Language, format!("no recognizer for {language}"))
}

fn refused(files: &RecognizerFiles) -> EngineError {
    EngineError::new(EngineErrorKind::Model, format!("sherpa-onnx refuses {files:?}"))
}

/// The language as the models call it.
fn code(language: Language) -> &'static str {
    match language {
        Language::English => "en",
        Language::Chinese => "zh",
    }
}

fn offline_model(entry: &RecognizerEntry, language: Language, threads: i32) -> Result<OfflineModel, EngineError> {
    let files = &entry.files;
    let mut model = OfflineModelConfig { num_threads: threads, ..OfflineModelConfig::default() };
    let mut decoding_method = None;
    let tokens = match files {
        RecognizerFiles::Moonshine { encoder, decoder, tokens } => {
            model.moonshine = OfflineMoonshineModelConfig {
                encoder: path(encoder),
                merged_decoder: path(decoder),
                ..OfflineMoonshineModelConfig::default()
            };
            tokens
        }
        RecognizerFiles::Whisper { encoder, decoder, tokens } => {
            model.whisper = OfflineWhisperModelConfig {
                encoder: path(encoder),
                decoder: path(decoder),
                language: Some(code(language).to_owned()),
                task: Some("transcribe".to_owned()),
                tail_paddings: WHISPER_TAIL_FRAMES,
                ..OfflineWhisperModelConfig::default()
            };
            tokens
        }
        RecognizerFiles::SenseVoice { model: file, tokens } => {
            model.sense_voice = OfflineSenseVoiceModelConfig {
                model: path(file),
                language: Some(code(language).to_owned()),
                use_itn: true,
            };
            tokens
        }
        RecognizerFiles::Paraformer { model: file, tokens } => {
            model.paraformer = OfflineParaformerModelConfig { model: path(file) };
            tokens
        }
        RecognizerFiles::Transducer { encoder, decoder, joiner, tokens } => {
            model.transducer =
                OfflineTransducerModelConfig { encoder: path(encoder), decoder: path(decoder), joiner: path(joiner) };
            // Phrases can only be favoured in a beam, and only if they can be cut into the model's units: characters in
            // Chinese; English models have units of their own, whose table sherpa-onnx would need.
            decoding_method = Some("modified_beam_search".to_owned());
            tokens
        }
        RecognizerFiles::StreamingTransducer { .. }
        | RecognizerFiles::StreamingParaformer { .. }
        | RecognizerFiles::StreamingCtc { .. } => {
            let message = "a streaming model gives partials by itself; it cannot have the role `partial`";
            return Err(EngineError::new(EngineErrorKind::Configuration, message));
        }
    };
    model.tokens = path(tokens);
    let takes_hotwords = decoding_method.is_some() && language == Language::Chinese;
    if takes_hotwords {
        model.modeling_unit = Some(CHARACTERS.to_owned());
    }
    let config = OfflineRecognizerConfig {
        model_config: model,
        decoding_method,
        hotwords_score: HOTWORDS_SCORE,
        ..OfflineRecognizerConfig::default()
    };
    let native = OfflineRecognizer::create(&config).ok_or_else(|| refused(files))?;
    let simplified = entry.simplified.as_ref().map(|file| {
        phonemes::Simplified::load(file)
            .map_err(|error| EngineError::new(EngineErrorKind::Model, format!("{}: {error}", file.display())))
    });
    Ok(OfflineModel::new(native, takes_hotwords, simplified.transpose()?))
}

/// The configuration of a streaming model, and whether it can be biased; `None` for other models.
fn online_config(files: &RecognizerFiles, language: Language, threads: i32) -> Option<(OnlineRecognizerConfig, bool)> {
    let mut model = OnlineModelConfig { num_threads: threads, ..OnlineModelConfig::default() };
    let (tokens, takes_hotwords) = match files {
        RecognizerFiles::StreamingTransducer { encoder, decoder, joiner, tokens } => {
            model.transducer =
                OnlineTransducerModelConfig { encoder: path(encoder), decoder: path(decoder), joiner: path(joiner) };
            let takes_hotwords = language == Language::Chinese;
            if takes_hotwords {
                model.modeling_unit = Some(CHARACTERS.to_owned());
            }
            (tokens, takes_hotwords)
        }
        RecognizerFiles::StreamingParaformer { encoder, decoder, tokens } => {
            model.paraformer = OnlineParaformerModelConfig { encoder: path(encoder), decoder: path(decoder) };
            (tokens, false)
        }
        RecognizerFiles::StreamingCtc { model: file, tokens } => {
            model.zipformer2_ctc = OnlineZipformer2CtcModelConfig { model: path(file) };
            (tokens, false)
        }
        RecognizerFiles::Moonshine { .. }
        | RecognizerFiles::Whisper { .. }
        | RecognizerFiles::SenseVoice { .. }
        | RecognizerFiles::Paraformer { .. }
        | RecognizerFiles::Transducer { .. } => return None,
    };
    model.tokens = path(tokens);
    let config = OnlineRecognizerConfig {
        model_config: model,
        decoding_method: takes_hotwords.then(|| "modified_beam_search".to_owned()),
        max_active_paths: 4,
        hotwords_score: HOTWORDS_SCORE,
        ..OnlineRecognizerConfig::default()
    };
    Some((config, takes_hotwords))
}

/// Detectors loaded before the first call. Each takes a few megabytes.
const DETECTORS_READY_MAX: usize = 16;

/// What sherpa-onnx calls phrases cut into characters.
const CHARACTERS: &str = "cjkchar";

/// How strongly likely phrases are favoured; the library's own examples use 1.5 to 2.
const HOTWORDS_SCORE: f32 = 1.5;

/// Silence after the speech that Whisper is given, in frames of 10 ms. With less it repeats itself and loses last words:
/// of 151 Chinese characters 25 were wrong with this, 35 with 600 frames, 45 with 300, for a third of the time saved.
const WHISPER_TAIL_FRAMES: i32 = 1_000;
