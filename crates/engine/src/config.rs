//! What the server tells the engines.

use std::path::PathBuf;

use serde::Deserialize;

use crate::fake::FakeConfig;
use crate::worker_counts::WorkerConfig;
use crate::{EngineError, EngineErrorKind};

/// Everything the recognition and synthesis pools are built from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// Which engine does the work.
    pub backend: Backend,
    /// Thread counts; derived from the machine where absent.
    pub workers: WorkerConfig,
    /// Bounds and deadlines.
    pub limits: EngineLimits,
    /// How streams are listened to.
    pub listening: ListeningConfig,
    /// The cache of synthesized prompts.
    pub prompt_cache: PromptCacheConfig,
}

impl EngineConfig {
    /// Looks for values that cannot be used, all at once.
    ///
    /// # Errors
    /// `Configuration`, naming every key that is out of range.
    pub fn validate(&self) -> Result<(), EngineError> {
        let (limits, listening) = (&self.limits, &self.listening);
        let ranges = [
            ("limits.recognition_streams_max", limits.recognition_streams_max as u64, 1, 100_000),
            ("limits.synthesis_streams_max", limits.synthesis_streams_max as u64, 1, 100_000),
            ("limits.synthesis_requests_per_permit_max", limits.synthesis_requests_per_permit_max as u64, 1, 1_000),
            ("limits.decode_deadline_ms", limits.decode_deadline_ms.into(), 100, 600_000),
            ("limits.synthesis_stall_ms", limits.synthesis_stall_ms.into(), 100, 600_000),
            ("limits.synthesis_seconds_max", limits.synthesis_seconds_max.into(), 1, 3_600),
            ("limits.synthesis_chars_max", limits.synthesis_chars_max as u64, 1, 100_000),
            ("limits.replacement_workers_max", limits.replacement_workers_max as u64, 0, 64),
            ("listening.min_speech_ms", listening.min_speech_ms.into(), 30, 1_000),
            ("listening.speculative_silence_ms", listening.speculative_silence_ms.into(), 100, 1_000),
            ("listening.pre_roll_ms", listening.pre_roll_ms.into(), 0, 2_000),
            ("listening.chunk_ms_max", listening.chunk_ms_max.into(), 3_000, 28_000),
            ("listening.chunk_ms_enough", listening.chunk_ms_enough.into(), 1_000, 28_000),
            ("listening.chunk_pause_ms", listening.chunk_pause_ms.into(), 200, 10_000),
            ("listening.partial_interval_ms", listening.partial_interval_ms.into(), 100, 10_000),
            ("listening.stream_buffer_ms", listening.stream_buffer_ms.into(), 200, 60_000),
        ];
        let faults: Vec<String> = ranges
            .into_iter()
            .filter(|(_, value, min, max)| !(min..=max).contains(&value))
            .map(|(key, value, min, max)| format!("{key} = {value} is not within {min}..={max}"))
            .collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(EngineError::new(EngineErrorKind::Configuration, faults.join("; ")))
        }
    }
}

/// The engine behind both pools.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Deterministic, needs no models; see [`crate::fake`].
    Fake(FakeConfig),
    /// sherpa-onnx with local models; needs the feature `sherpa`.
    Sherpa(SherpaConfig),
}

impl Default for Backend {
    fn default() -> Self {
        Self::Fake(FakeConfig::default())
    }
}

/// Bounds and deadlines of the pools.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineLimits {
    /// Recognition permits: streams that may be listened to at the same time.
    pub recognition_streams_max: usize,
    /// Synthesis permits.
    pub synthesis_streams_max: usize,
    /// Unfinished synthesis requests of one permit (clauses of a reply that is still being written).
    pub synthesis_requests_per_permit_max: usize,
    /// Longest time from the submission of a decode to its result, waiting included.
    pub decode_deadline_ms: u32,
    /// Longest time in which a synthesis request makes no progress at all (no new audio), waiting included.
    pub synthesis_stall_ms: u32,
    /// Longest audio of one synthesis request; more ends it with [`crate::EngineErrorKind::Overrun`].
    pub synthesis_seconds_max: u32,
    /// Longest text of one synthesis request, in characters.
    pub synthesis_chars_max: usize,
    /// Workers that may be started, per pool, in place of workers stuck in a native call.
    pub replacement_workers_max: usize,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            recognition_streams_max: 200,
            synthesis_streams_max: 200,
            synthesis_requests_per_permit_max: 16,
            decode_deadline_ms: 15_000,
            synthesis_stall_ms: 20_000,
            synthesis_seconds_max: 300,
            synthesis_chars_max: 5_000,
            replacement_workers_max: 4,
        }
    }
}

/// How audio is cut into speech and when it is decoded. Times are of the stream, not of the wall clock.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListeningConfig {
    /// Speech shorter than this is not reported. 30–1000 ms, in steps of 32 with sherpa-onnx and 64 at least; shorter
    /// reacts faster, also to tones and coughs.
    pub min_speech_ms: u32,
    /// Silence after which speech counts as ended and the utterance so far is decoded ahead of time. 100–1000 ms.
    pub speculative_silence_ms: u32,
    /// Audio before the detected onset that still belongs to the utterance: so that the first sound is not clipped, and
    /// because models miss a first word that has no silence before it.
    pub pre_roll_ms: u32,
    /// Longest audio that is decoded in one piece (models degrade beyond 30 s). 2000–30000 ms.
    pub chunk_ms_max: u32,
    /// A pause closes the piece before it once the piece is this long.
    pub chunk_ms_enough: u32,
    /// A pause this long closes the piece before it, whatever its length.
    pub chunk_pause_ms: u32,
    /// Time between partial results, where asked for.
    pub partial_interval_ms: u32,
    /// Audio that may wait between the media thread and the listener thread; more is an overrun.
    pub stream_buffer_ms: u32,
}

impl Default for ListeningConfig {
    fn default() -> Self {
        Self {
            min_speech_ms: 64,
            speculative_silence_ms: 180,
            pre_roll_ms: 500,
            chunk_ms_max: 12_000,
            chunk_ms_enough: 8_000,
            chunk_pause_ms: 2_000,
            partial_interval_ms: 400,
            stream_buffer_ms: 3_000,
        }
    }
}

/// The cache of synthesized prompts, in memory and, if a directory is named, on disk.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PromptCacheConfig {
    /// Bytes of audio kept in memory; 0 turns the cache off. 10 s at 8 kHz are 160 kB.
    pub memory_bytes_max: usize,
    /// Directory that keeps prompts over restarts; created if absent.
    pub dir: Option<PathBuf>,
    /// Bytes kept in the directory.
    pub dir_bytes_max: u64,
}

impl Default for PromptCacheConfig {
    fn default() -> Self {
        Self { memory_bytes_max: 64 << 20, dir: None, dir_bytes_max: 512 << 20 }
    }
}

/// Where sherpa-onnx finds its models.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SherpaConfig {
    /// The directory that `voxgate models fetch` fills. Without it only the models named below are loaded.
    pub models_dir: Option<PathBuf>,
    /// Languages to load from `models_dir`, as tags; all that are there where empty. Each costs memory and start-up time.
    pub languages: Vec<String>,
    /// Recognition models by the user; a language named here replaces the one from `models_dir`.
    pub recognizers: Vec<RecognizerModel>,
    /// Synthesis models by the user, tried before those from `models_dir`.
    pub voices: Vec<VoiceModel>,
    /// The Silero voice activity model; the one from `models_dir` where absent.
    pub vad: Option<PathBuf>,
    /// Threads inside one native call. More makes one call faster and the machine as a whole slower.
    pub threads_per_call: Option<usize>,
}

/// A recognition model the user brings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RecognizerModel {
    /// Languages it serves, as tags ("en-US", "zh-CN").
    pub languages: Vec<String>,
    /// What it is used for.
    #[serde(default)]
    pub role: RecognizerRole,
    /// Traditional characters with their simplified forms, one pair a line, for models that write either.
    #[serde(default)]
    pub simplified: Option<PathBuf>,
    /// The model family and its files.
    #[serde(flatten)]
    pub files: RecognizerFiles,
}

/// What a recognition model is used for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecognizerRole {
    /// Final results.
    #[default]
    Final,
    /// Partial results and the second opinion behind the confidence: a small, fast model.
    Partial,
}

/// Files of the recognition model families that sherpa-onnx loads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum RecognizerFiles {
    /// Moonshine v2: encoder and merged decoder.
    Moonshine {
        /// Encoder.
        encoder: PathBuf,
        /// Merged decoder.
        decoder: PathBuf,
        /// Token table.
        tokens: PathBuf,
    },
    /// Whisper encoder and decoder.
    Whisper {
        /// Encoder.
        encoder: PathBuf,
        /// Decoder.
        decoder: PathBuf,
        /// Token table.
        tokens: PathBuf,
    },
    /// SenseVoice.
    SenseVoice {
        /// Model.
        model: PathBuf,
        /// Token table.
        tokens: PathBuf,
    },
    /// Paraformer.
    Paraformer {
        /// Model.
        model: PathBuf,
        /// Token table.
        tokens: PathBuf,
    },
    /// Offline transducer (Zipformer, Parakeet).
    Transducer {
        /// Encoder.
        encoder: PathBuf,
        /// Decoder.
        decoder: PathBuf,
        /// Joiner.
        joiner: PathBuf,
        /// Token table.
        tokens: PathBuf,
    },
    /// Streaming transducer (Zipformer): text grows while the caller speaks.
    StreamingTransducer {
        /// Encoder.
        encoder: PathBuf,
        /// Decoder.
        decoder: PathBuf,
        /// Joiner.
        joiner: PathBuf,
        /// Token table.
        tokens: PathBuf,
    },
    /// Streaming Paraformer.
    StreamingParaformer {
        /// Encoder.
        encoder: PathBuf,
        /// Decoder.
        decoder: PathBuf,
        /// Token table.
        tokens: PathBuf,
    },
    /// Streaming Zipformer2 with CTC.
    StreamingCtc {
        /// Model.
        model: PathBuf,
        /// Token table.
        tokens: PathBuf,
    },
}

/// A synthesis model the user brings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct VoiceModel {
    /// The name that SPEAK's Voice-Name selects.
    pub name: String,
    /// Languages it speaks, as tags; the first is the one it is the default for.
    pub languages: Vec<String>,
    /// The speaker inside the model, 0 for the first.
    #[serde(default)]
    pub speaker: u32,
    /// The model family and its files.
    #[serde(flatten)]
    pub files: VoiceFiles,
}

/// Files of the synthesis model families that sherpa-onnx loads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum VoiceFiles {
    /// VITS with a lexicon.
    Vits {
        /// Model.
        model: PathBuf,
        /// Token table.
        tokens: PathBuf,
        /// Pronunciations.
        lexicon: PathBuf,
    },
    /// Piper: VITS that is given phonemes.
    Piper {
        /// Model.
        model: PathBuf,
        /// Token table.
        tokens: PathBuf,
        /// Pronunciations in IPA, one word per line.
        lexicon: PathBuf,
        /// Letter-to-sound rules for words that the lexicon does not hold.
        letters: PathBuf,
    },
    /// Kokoro.
    Kokoro {
        /// Model.
        model: PathBuf,
        /// Token table.
        tokens: PathBuf,
        /// Speaker styles.
        voices: PathBuf,
        /// Pronunciations, one file per language.
        lexicons: Vec<PathBuf>,
    },
    /// Matcha with its vocoder.
    Matcha {
        /// Acoustic model.
        model: PathBuf,
        /// Vocoder.
        vocoder: PathBuf,
        /// Token table.
        tokens: PathBuf,
        /// Pronunciations.
        lexicon: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        EngineConfig::default().validate().unwrap();
    }

    #[test]
    fn all_mistakes_are_named_at_once() {
        let mut config = EngineConfig::default();
        config.limits.recognition_streams_max = 0;
        config.listening.chunk_ms_max = 60_000;
        let error = config.validate().unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Configuration);
        assert!(error.message.contains("recognition_streams_max = 0"), "{error}");
        assert!(error.message.contains("chunk_ms_max = 60000"), "{error}");
    }

    #[test]
    fn a_model_of_ones_own_is_named_by_kind_and_files() {
        let json = r#"{ "backend": { "sherpa": { "recognizers": [
            { "languages": ["zh-CN"], "kind": "sense-voice", "model": "m.onnx", "tokens": "t.txt" },
            { "languages": ["en"], "role": "partial", "kind": "moonshine", "encoder": "e", "decoder": "d", "tokens": "t" }
        ] } } }"#;
        let config: EngineConfig = serde_json::from_str(json).unwrap();
        let Backend::Sherpa(sherpa) = config.backend else { panic!("{config:?}") };
        assert_eq!(sherpa.recognizers[0].role, RecognizerRole::Final);
        assert_eq!(sherpa.recognizers[1].role, RecognizerRole::Partial);
        assert!(serde_json::from_str::<EngineConfig>(r#"{ "bakend": {} }"#).is_err());
    }
}
