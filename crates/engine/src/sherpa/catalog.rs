//! Which models there are: those that the configuration names, then those of the models directory.

use std::path::{Path, PathBuf};

use models::{Depth, Manifest, Model, ModelKind, Purpose, RelativePath};
use speech::Language;

use super::model_file;
use crate::{EngineError, EngineErrorKind, RecognizerFiles, RecognizerRole, SherpaConfig, VoiceFiles};

/// A recognition model to load.
#[derive(Debug, Clone)]
pub(super) struct RecognizerEntry {
    pub(super) languages: Vec<Language>,
    pub(super) role: RecognizerRole,
    pub(super) files: RecognizerFiles,
    /// Traditional characters and their simplified forms.
    pub(super) simplified: Option<PathBuf>,
}

/// A voice to load. Voices with the same files share a model.
#[derive(Debug, Clone)]
pub(super) struct VoiceEntry {
    pub(super) name: String,
    /// The first is the one that it is the default for.
    pub(super) languages: Vec<Language>,
    pub(super) speaker: i32,
    pub(super) files: VoiceFiles,
    /// Changes with the files.
    pub(super) version: String,
}

/// All recognition models, those to be preferred first.
pub(super) fn recognizers(config: &SherpaConfig) -> Result<Vec<RecognizerEntry>, EngineError> {
    let mut faults = Faults::default();
    faults.wanted(config);
    let mut entries = Vec::new();
    for (at, model) in config.recognizers.iter().enumerate() {
        let languages = faults.languages(&format!("recognizers[{at}]"), &model.languages);
        faults.files(recognizer_files(&model.files).into_iter().chain(model.simplified.clone()).collect());
        let (role, files, simplified) = (model.role, model.files.clone(), model.simplified.clone());
        entries.push(RecognizerEntry { languages, role, files, simplified });
    }
    if let Some((root, manifest)) = manifest(config)? {
        for model in &manifest.models {
            let role = match model.purpose {
                Purpose::Recognition => RecognizerRole::Final,
                Purpose::Partials => RecognizerRole::Partial,
                Purpose::Synthesis | Purpose::VoiceActivity | Purpose::Runtime => continue,
            };
            let at = |file: &RelativePath| file.below(&root);
            let files = match &model.kind {
                ModelKind::Moonshine { encoder, merged_decoder, tokens } => {
                    RecognizerFiles::Moonshine { encoder: at(encoder), decoder: at(merged_decoder), tokens: at(tokens) }
                }
                ModelKind::Whisper { encoder, decoder, tokens } => {
                    RecognizerFiles::Whisper { encoder: at(encoder), decoder: at(decoder), tokens: at(tokens) }
                }
                ModelKind::Piper { .. }
                | ModelKind::Kokoro { .. }
                | ModelKind::SileroVad { .. }
                | ModelKind::NativeLibraries { .. } => continue,
            };
            let languages: Vec<Language> = known(&model.languages).filter(|one| is_wanted(config, *one)).collect();
            if !languages.is_empty() {
                faults.model(&manifest, &root, model);
                let simplified = model.simplified.as_ref().map(at);
                entries.push(RecognizerEntry { languages, role, files, simplified });
            }
        }
    }
    faults.none()?;
    Ok(entries)
}

/// All voices, those to be preferred first.
pub(super) fn voices(config: &SherpaConfig) -> Result<Vec<VoiceEntry>, EngineError> {
    let mut faults = Faults::default();
    faults.wanted(config);
    let mut entries = Vec::new();
    for (at, voice) in config.voices.iter().enumerate() {
        let languages = faults.languages(&format!("voices[{at}]"), &voice.languages);
        let files = voice_files(&voice.files);
        faults.files(files.clone());
        let version = files.iter().map(|file| model_file::version(file)).collect::<Vec<_>>().join(" ");
        let speaker = i32::try_from(voice.speaker).unwrap_or(i32::MAX);
        entries.push(VoiceEntry { name: voice.name.clone(), languages, speaker, files: voice.files.clone(), version });
    }
    if let Some((root, manifest)) = manifest(config)? {
        for model in manifest.models.iter().filter(|model| model.purpose == Purpose::Synthesis) {
            let at = |file: &RelativePath| file.below(&root);
            let files = match &model.kind {
                ModelKind::Piper { model, tokens, lexicon, letters } => VoiceFiles::Piper {
                    model: at(model),
                    tokens: at(tokens),
                    lexicon: at(lexicon),
                    letters: at(letters),
                },
                ModelKind::Kokoro { model, voices_file, tokens, lexicons } => VoiceFiles::Kokoro {
                    model: at(model),
                    tokens: at(tokens),
                    voices: at(voices_file),
                    lexicons: lexicons.iter().map(at).collect(),
                },
                ModelKind::Moonshine { .. }
                | ModelKind::Whisper { .. }
                | ModelKind::SileroVad { .. }
                | ModelKind::NativeLibraries { .. } => continue,
            };
            let sums = model.files(&manifest).into_iter().filter_map(|file| manifest.files.get(file));
            let version = sums.map(|file| file.sha256.to_string()).collect::<Vec<_>>().join(" ");
            let before = entries.len();
            for voice in &model.voices {
                let Some(first) = Language::from_tag(&voice.language) else { continue };
                if !is_wanted(config, first) {
                    continue;
                }
                let mut languages = vec![first];
                languages.extend(known(&model.languages).filter(|other| *other != first));
                let speaker = i32::try_from(voice.speaker).unwrap_or(i32::MAX);
                let (name, files, version) = (voice.name.clone(), files.clone(), version.clone());
                entries.push(VoiceEntry { name, languages, speaker, files, version });
            }
            if entries.len() > before {
                faults.model(&manifest, &root, model);
            }
        }
    }
    faults.none()?;
    Ok(entries)
}

/// The voice activity model.
pub(super) fn voice_activity(config: &SherpaConfig) -> Result<PathBuf, EngineError> {
    let mut faults = Faults::default();
    let path = match (&config.vad, manifest(config)?) {
        (Some(path), _) => {
            faults.files(vec![path.clone()]);
            path.clone()
        }
        (None, Some((root, manifest))) => {
            let found = manifest.models.iter().find_map(|model| match &model.kind {
                ModelKind::SileroVad { model: file } => Some((model, file.below(&root))),
                _ => None,
            });
            let Some((model, path)) = found else {
                return Err(missing("no voice activity model has been fetched; run `voxgate models fetch`"));
            };
            faults.model(&manifest, &root, model);
            path
        }
        (None, None) => return Err(missing("no voice activity model is configured, and no models directory")),
    };
    faults.none()?;
    Ok(path)
}

fn manifest(config: &SherpaConfig) -> Result<Option<(PathBuf, Manifest)>, EngineError> {
    let Some(root) = &config.models_dir else { return Ok(None) };
    let manifest = Manifest::load(root).map_err(|error| {
        let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        missing(&format!("{error}{source}"))
    })?;
    Ok(Some((root.clone(), manifest)))
}

fn is_wanted(config: &SherpaConfig, language: Language) -> bool {
    config.languages.is_empty() || known(&config.languages).any(|wanted| wanted == language)
}

fn known(tags: &[String]) -> impl Iterator<Item = Language> {
    tags.iter().filter_map(|tag| Language::from_tag(tag))
}

fn missing(message: &str) -> EngineError {
    EngineError::new(EngineErrorKind::Model, message)
}

/// What is wrong with models, collected so that all of it is told at once.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    /// Languages asked for that no model is ever for.
    fn wanted(&mut self, config: &SherpaConfig) {
        let unknown = config.languages.iter().filter(|tag| Language::from_tag(tag).is_none());
        self.0.extend(unknown.map(|tag| format!("languages: {tag:?} is not a language that is served")));
    }

    fn languages(&mut self, key: &str, tags: &[String]) -> Vec<Language> {
        let unknown = tags.iter().filter(|tag| Language::from_tag(tag).is_none());
        self.0.extend(unknown.map(|tag| format!("{key}.languages: {tag:?} is not a language that is served")));
        if tags.is_empty() {
            self.0.push(format!("{key}.languages is empty"));
        }
        known(tags).collect()
    }

    fn files(&mut self, files: Vec<PathBuf>) {
        self.0.extend(files.iter().filter_map(|file| model_file::fault(file)));
    }

    fn model(&mut self, manifest: &Manifest, root: &Path, model: &Model) {
        self.0.extend(manifest.check(root, model, Depth::Quick).iter().map(ToString::to_string));
    }

    fn none(self) -> Result<(), EngineError> {
        if self.0.is_empty() { Ok(()) } else { Err(EngineError::new(EngineErrorKind::Model, self.0.join("; "))) }
    }
}

fn recognizer_files(files: &RecognizerFiles) -> Vec<PathBuf> {
    match files {
        RecognizerFiles::Moonshine { encoder, decoder, tokens }
        | RecognizerFiles::Whisper { encoder, decoder, tokens }
        | RecognizerFiles::StreamingParaformer { encoder, decoder, tokens } => {
            vec![encoder.clone(), decoder.clone(), tokens.clone()]
        }
        RecognizerFiles::SenseVoice { model, tokens }
        | RecognizerFiles::Paraformer { model, tokens }
        | RecognizerFiles::StreamingCtc { model, tokens } => vec![model.clone(), tokens.clone()],
        RecognizerFiles::Transducer { encoder, decoder, joiner, tokens }
        | RecognizerFiles::StreamingTransducer { encoder, decoder, joiner, tokens } => {
            vec![encoder.clone(), decoder.clone(), joiner.clone(), tokens.clone()]
        }
    }
}

fn voice_files(files: &VoiceFiles) -> Vec<PathBuf> {
    match files {
        VoiceFiles::Vits { model, tokens, lexicon } => vec![model.clone(), tokens.clone(), lexicon.clone()],
        VoiceFiles::Piper { model, tokens, lexicon, letters } => {
            vec![model.clone(), tokens.clone(), lexicon.clone(), letters.clone()]
        }
        VoiceFiles::Kokoro { model, tokens, voices, lexicons } => {
            [model, tokens, voices].into_iter().chain(lexicons).cloned().collect()
        }
        VoiceFiles::Matcha { model, vocoder, tokens, lexicon } => {
            vec![model.clone(), vocoder.clone(), tokens.clone(), lexicon.clone()]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_that_is_not_served_is_named_instead_of_left_out() {
        let config = SherpaConfig { languages: vec!["en-US".into(), "fr-FR".into()], ..SherpaConfig::default() };
        for error in [recognizers(&config).unwrap_err(), voices(&config).unwrap_err()] {
            assert_eq!(error.kind, EngineErrorKind::Model);
            assert!(error.message.contains("\"fr-FR\"") && !error.message.contains("en-US"), "{error}");
        }
    }
}
