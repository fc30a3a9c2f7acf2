//! The voices, and how a text is divided among them.

use std::borrow::Cow;
use std::sync::Arc;

use speech::Language;

use super::catalog::{self, VoiceEntry};
use super::voice::VoiceModel;
use crate::pool::JobContext;
use crate::synthesis::{ChunkSink, Clause, Edges, Synthesizer, VoiceName, runs, speakable};
use crate::worker_counts::cores;
use crate::{EngineError, EngineErrorKind, SherpaConfig, SynthesisSpec, VoiceFiles};

/// All loaded voices.
pub(crate) struct SherpaSynthesizer {
    voices: Vec<Voice>,
}

struct Voice {
    name: String,
    /// The first is the one that it is the default for.
    languages: Vec<Language>,
    speaker: i32,
    model: Arc<VoiceModel>,
    fingerprint: String,
    writes_out: WritesOut,
}

/// Who writes numbers and signs out as words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WritesOut {
    /// The voice's own phoneme step.
    Voice,
    /// We, before the voice sees the text.
    Engine,
}

impl SherpaSynthesizer {
    /// Checks and loads what `config` names.
    ///
    /// # Errors
    /// `Model` when a file is missing, altered or refused, or when there is no voice at all.
    pub(crate) fn load(config: &SherpaConfig) -> Result<Self, EngineError> {
        let entries = catalog::voices(config)?;
        let mut loaded: Vec<(VoiceFiles, Arc<VoiceModel>)> = Vec::new();
        let mut voices = Vec::new();
        for VoiceEntry { name, languages, speaker, files, version } in entries {
            let model = match loaded.iter().find(|(other, _)| *other == files) {
                Some((_, model)) => Arc::clone(model),
                None => {
                    let model = Arc::new(VoiceModel::load(&files, threads(config, &files))?);
                    loaded.push((files.clone(), Arc::clone(&model)));
                    model
                }
            };
            let writes_out = match files {
                VoiceFiles::Piper { .. } => WritesOut::Voice,
                VoiceFiles::Vits { .. } | VoiceFiles::Kokoro { .. } | VoiceFiles::Matcha { .. } => WritesOut::Engine,
            };
            let fingerprint = format!("{name} {speaker} {version}");
            voices.push(Voice { name, languages, speaker, model, fingerprint, writes_out });
        }
        if voices.is_empty() {
            let message = "no voice: run `voxgate models fetch`, or name one in the configuration";
            return Err(EngineError::new(EngineErrorKind::Model, message));
        }
        Ok(Self { voices })
    }

    /// The voice for a run: the one asked for if it speaks the language, else the language's own.
    fn choose(&self, wanted: Option<usize>, run: Language, words: usize, main: Language) -> Option<usize> {
        let speaks = |index: usize| self.voices.get(index).is_some_and(|voice| voice.languages.contains(&run));
        if let Some(wanted) = wanted.filter(|wanted| speaks(*wanted)) {
            return Some(wanted);
        }
        // A name or a word or two in the other script should not change the voice, if it can be helped.
        if words <= FOREIGN_WORDS_MAX
            && let Some(own) = wanted.or_else(|| self.default_voice(main)).filter(|own| speaks(*own))
        {
            return Some(own);
        }
        self.default_voice(run)
    }

    fn default_voice(&self, language: Language) -> Option<usize> {
        let first = self.voices.iter().position(|voice| voice.languages.first() == Some(&language));
        first.or_else(|| self.voices.iter().position(|voice| voice.languages.contains(&language)))
    }
}

/// Words in the other script that the voice of the text speaks itself, where it can.
const FOREIGN_WORDS_MAX: usize = 3;

/// Threads of one call. Fast voices need no more than one; slow ones keep up with speech only with more.
fn threads(config: &SherpaConfig, files: &VoiceFiles) -> i32 {
    let threads = config.threads_per_call.unwrap_or_else(|| match files {
        VoiceFiles::Vits { .. } | VoiceFiles::Piper { .. } => 1,
        VoiceFiles::Kokoro { .. } | VoiceFiles::Matcha { .. } => (cores() / 2).clamp(1, 4),
    });
    i32::try_from(threads.clamp(1, 64)).unwrap_or(1)
}

impl Synthesizer for SherpaSynthesizer {
    fn speaks(&self, language: Language) -> bool {
        self.default_voice(language).is_some()
    }

    fn voices(&self) -> Vec<VoiceName> {
        let named = self.voices.iter().filter_map(|voice| {
            voice.languages.first().map(|language| VoiceName { name: voice.name.clone(), language: *language })
        });
        named.collect()
    }

    fn plan(&self, spec: &SynthesisSpec) -> Result<Vec<Clause>, EngineError> {
        let wanted = match &spec.voice {
            None => None,
            Some(name) => {
                Some(self.voices.iter().position(|voice| voice.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
                    EngineError::new(EngineErrorKind::Voice, "no voice has the name that was asked for")
                })?)
            }
        };
        let text = speakable(&spec.text);
        // Runs that one voice speaks are put together again.
        let mut parts: Vec<(usize, Language, Cow<'_, str>)> = Vec::new();
        for run in runs(&text, spec.language) {
            let words = match run.language {
                Language::English => run.text.split_whitespace().count(),
                Language::Chinese => run.text.chars().filter(|c| c.is_alphabetic()).count(),
            };
            let Some(voice) = self.choose(wanted, run.language, words, spec.language) else {
                let message = format!("no voice for {}", run.language);
                return Err(EngineError::new(EngineErrorKind::Language, message));
            };
            match parts.last_mut() {
                Some((last, language, text)) if *last == voice => {
                    text.to_mut().push_str(run.text);
                    // What reads numbers out in a mixed text is the language of the request.
                    if *language != run.language {
                        *language = spec.language;
                    }
                }
                _ => parts.push((voice, run.language, Cow::Borrowed(run.text))),
            }
        }
        let mut clauses = Vec::new();
        for (index, language, text) in &parts {
            let Some(voice) = self.voices.get(*index) else { continue };
            for text in speech::clauses(text, *language) {
                if !text.chars().any(|c| c.is_alphanumeric() || "%$€£¥￥&@+=".contains(c)) {
                    continue;
                }
                let written = match (voice.writes_out, language) {
                    (WritesOut::Voice, _) => text.to_owned(),
                    (WritesOut::Engine, Language::English) => phonemes::spoken_english(text),
                    (WritesOut::Engine, Language::Chinese) => phonemes::spoken_chinese(text),
                };
                clauses.push(Clause {
                    text: written,
                    language: *language,
                    voice: *index,
                    fingerprint: voice.fingerprint.clone(),
                    sample_rate_hz: voice.model.sample_rate_hz(),
                    // A raised pitch shortens the audio; the voice speaks that much slower.
                    speed: spec.rate / spec.pitch,
                    pitch: spec.pitch,
                    edges: Some(edges(text)),
                });
            }
        }
        Ok(clauses)
    }

    fn speak(&self, clause: &Clause, _context: &JobContext, sink: ChunkSink) -> Result<(), EngineError> {
        let voice = self
            .voices
            .get(clause.voice)
            .ok_or_else(|| EngineError::new(EngineErrorKind::Internal, "a clause for a voice that is not there"))?;
        voice.model.speak(&clause.text, voice.speaker, clause.speed, sink)
    }
}

/// The pause after a clause, by its last sign.
fn edges(text: &str) -> Edges {
    let last = text.trim_end_matches(['"', '\'', ')', '”', '）', '」']).chars().next_back();
    let tail_ms = match last {
        Some('.' | '!' | '?' | '。' | '！' | '？') => 280,
        Some(',' | ';' | ':' | '，' | '、' | '；' | '：') => 140,
        _ => 60,
    };
    Edges { lead_ms: 20, tail_ms }
}
