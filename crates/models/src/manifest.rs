//! What is in a models directory: `manifest.json`, written when a set has been prepared, read by the engine.
//!
//! Paths in it are relative to the models directory, so that the directory can be moved or mounted elsewhere.
//!
//! ```json
//! {
//!   "schema": 1,
//!   "sets": { "vad": { "fingerprint": "5f0c…" } },
//!   "models": [
//!     {
//!       "id": "vad/silero", "set": "vad", "purpose": "voice-activity", "languages": [], "sample_rate_hz": 16000,
//!       "licence": "MIT", "voices": [],
//!       "kind": "silero-vad", "model": "vad/silero_vad.onnx"
//!     }
//!   ],
//!   "files": { "vad/silero_vad.onnx": { "bytes": 2327524, "modified_ns": 1764, "sha256": "1a15…" } }
//! }
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::{self, Sha256};

/// Name of the manifest in the models directory.
pub const MANIFEST_FILE: &str = "manifest.json";

/// The layout that this program reads and writes. Another number is refused: fetch the models again.
pub const SCHEMA: u32 = 1;

/// What a models directory holds: the models, and the size and sum of each of their files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// See [`SCHEMA`].
    pub schema: u32,
    /// The sets that are ready, by name.
    pub sets: BTreeMap<String, ReadySet>,
    /// The models of all ready sets.
    pub models: Vec<Model>,
    /// Every file of every model, by its path relative to the models directory.
    pub files: BTreeMap<RelativePath, FileRecord>,
}

/// A set that has been fetched and prepared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadySet {
    /// Sum over everything that made the set: its packages, steps and scripts. It differs when any of them changed.
    pub fingerprint: Sha256,
}

/// One model, ready to load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// `set/name`, unique in the manifest: `en/recognizer`.
    pub id: String,
    /// The set it came with.
    pub set: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Primary language subtags it recognizes or speaks well (`en`, `zh`); empty where language does not matter.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Rate of the audio it takes or makes; 0 where it handles no audio.
    #[serde(default)]
    pub sample_rate_hz: u32,
    /// Licence of the model (not of the package around it), as an SPDX expression.
    pub licence: String,
    /// The voices of a synthesizer; the first of a language is the one to use when none is asked for.
    #[serde(default)]
    pub voices: Vec<Voice>,
    /// Traditional characters with their simplified forms (for `phonemes::Simplified`), where a recognizer writes either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simplified: Option<RelativePath>,
    /// The family, which says how it is loaded, with its files.
    #[serde(flatten)]
    pub kind: ModelKind,
}

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Final hypotheses.
    Recognition,
    /// Partial hypotheses: faster and worse than [`Purpose::Recognition`].
    Partials,
    /// Text to speech.
    Synthesis,
    /// Where speech begins and ends.
    VoiceActivity,
    /// Not a model: the native libraries that load the others.
    Runtime,
}

/// How a model is loaded, and from which files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ModelKind {
    /// Moonshine v2 (`OfflineMoonshineModelConfig` with `encoder` and `merged_decoder`). At most 30 s of audio.
    Moonshine {
        /// `.ort` or `.onnx`.
        encoder: RelativePath,
        /// The decoder with and without cache in one graph.
        merged_decoder: RelativePath,
        /// Base64 of each token and its id.
        tokens: RelativePath,
    },
    /// Whisper (`OfflineWhisperModelConfig`). At most 30 s of audio.
    Whisper {
        /// Mel frames to cross-attention keys and values.
        encoder: RelativePath,
        /// Tokens to logits.
        decoder: RelativePath,
        /// Base64 of each token and its id.
        tokens: RelativePath,
    },
    /// A Piper voice (`OfflineTtsVitsModelConfig` without lexicon or data directory). It is given phonemes
    /// (`GenerationConfig.phoneme_codepoints`), which the `phonemes` crate makes from the two files below.
    Piper {
        /// The VITS graph with sherpa's metadata.
        model: RelativePath,
        /// Each phoneme and its id.
        tokens: RelativePath,
        /// `word phonemes`, one per line, sorted by word in byte order.
        lexicon: RelativePath,
        /// Letter-to-sound rules for words that the lexicon does not hold.
        letters: RelativePath,
    },
    /// Kokoro, multilingual (`OfflineTtsKokoroModelConfig`).
    Kokoro {
        /// The graph with sherpa's metadata.
        model: RelativePath,
        /// The style vectors of all voices, in speaker order.
        voices_file: RelativePath,
        /// Each phoneme and its id.
        tokens: RelativePath,
        /// Pronunciations; to be given joined with commas.
        lexicons: Vec<RelativePath>,
    },
    /// Silero VAD (`SileroVadModelConfig`).
    SileroVad {
        /// The graph.
        model: RelativePath,
    },
    /// Directory of `libsherpa-onnx-c-api.so` and `libonnxruntime.so`, for `SHERPA_ONNX_LIB_DIR`.
    NativeLibraries {
        /// The directory.
        directory: RelativePath,
    },
}

/// One voice of a synthesizer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// Name by which SSML and `Voice-Name` ask for it.
    pub name: String,
    /// Speaker id in the model.
    pub speaker: u32,
    /// Primary language subtag it speaks.
    pub language: String,
    /// As SSML has it.
    pub gender: Gender,
}

/// Gender of a voice, as in SSML's `gender` attribute and `Voice-Gender`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Gender {
    Female,
    Male,
}

/// Size and sum of a file as it was when its set was prepared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Length in bytes.
    pub bytes: u64,
    /// Time of last modification, nanoseconds since the epoch. A file with another time is hashed even by a quick check.
    pub modified_ns: u64,
    /// Sum of the contents.
    pub sha256: Sha256,
}

/// A path below the models directory: `/` between parts, no `..`, not absolute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelativePath(String);

/// How thoroughly files are compared with the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Presence and size; the sum too where the time of modification is not the recorded one. Milliseconds.
    Quick,
    /// The sum of every file. Seconds.
    Full,
}

/// A file that is not as the manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFault {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub kind: FileFaultKind,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFaultKind {
    /// The manifest does not list it.
    Unlisted,
    /// It does not exist, or is not a file.
    Missing,
    /// It could not be read.
    Unreadable(String),
    /// Its length differs: truncated, or another file.
    Size {
        /// As recorded.
        expected: u64,
        /// As found.
        found: u64,
    },
    /// Its contents differ.
    Sum {
        /// As recorded.
        expected: Sha256,
        /// As found.
        found: Sha256,
    },
}

/// Why a manifest could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// No models have been fetched into this directory.
    #[error("there are no models in {0}; run `voxgate models fetch`")]
    Absent(PathBuf),
    /// The file could not be read or written.
    #[error("cannot access {path}")]
    Io {
        /// The manifest.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is damaged or not a manifest.
    #[error("{path} is damaged; run `voxgate models fetch`")]
    Syntax {
        /// The manifest.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Another version of the program wrote it.
    #[error("{path} has schema {found}, this program reads {SCHEMA}; run `voxgate models fetch`")]
    Schema {
        /// The manifest.
        path: PathBuf,
        /// The number in it.
        found: u32,
    },
}

impl Manifest {
    /// A manifest of a directory that holds nothing.
    #[must_use]
    pub fn empty() -> Manifest {
        Manifest { schema: SCHEMA, sets: BTreeMap::new(), models: Vec::new(), files: BTreeMap::new() }
    }

    /// Reads the manifest of the models directory `root`.
    ///
    /// # Errors
    /// When there is none, or it cannot be read by this program. No model file is touched: see [`Manifest::check`].
    pub fn load(root: &Path) -> Result<Manifest, ManifestError> {
        let path = root.join(MANIFEST_FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ManifestError::Absent(root.to_owned()));
            }
            Err(source) => return Err(ManifestError::Io { path, source }),
        };
        // The schema is looked at first: a newer manifest need not fit the rest of our types.
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let version = serde_json::from_slice::<Version>(&text)
            .map_err(|source| ManifestError::Syntax { path: path.clone(), source })?;
        if version.schema != SCHEMA {
            return Err(ManifestError::Schema { path, found: version.schema });
        }
        serde_json::from_slice(&text).map_err(|source| ManifestError::Syntax { path, source })
    }

    /// Writes the manifest into `root`, all or nothing.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn store(&self, root: &Path) -> Result<(), ManifestError> {
        let path = root.join(MANIFEST_FILE);
        let staged = root.join(format!("{MANIFEST_FILE}.tmp"));
        let write = || {
            let mut file = std::fs::File::create(&staged)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            std::fs::rename(&staged, &path)
        };
        write().map_err(|source| ManifestError::Io { path: path.clone(), source })
    }

    /// The model with this id.
    #[must_use]
    pub fn model(&self, id: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.id == id)
    }

    /// The first model for a purpose that knows `language` (a primary subtag); any language where the model names none.
    #[must_use]
    pub fn model_for(&self, purpose: Purpose, language: &str) -> Option<&Model> {
        self.models.iter().find(|model| {
            model.purpose == purpose && (model.languages.is_empty() || model.languages.iter().any(|l| l == language))
        })
    }

    /// Compares the files of `model` with what was recorded. To be called before native code opens them: a damaged
    /// model can end the process there. Empty means that all is well.
    #[must_use]
    pub fn check(&self, root: &Path, model: &Model, depth: Depth) -> Vec<FileFault> {
        model.files(self).into_iter().filter_map(|path| self.check_file(root, path, depth)).collect()
    }

    /// Compares every file with what was recorded.
    #[must_use]
    pub fn check_all(&self, root: &Path, depth: Depth) -> Vec<FileFault> {
        self.models.iter().flat_map(|model| self.check(root, model, depth)).collect()
    }

    /// Removes the records of files that no model has any more.
    pub(crate) fn forget_unused_files(&mut self) {
        let used: BTreeSet<RelativePath> = self.models.iter().flat_map(|model| model.files(self)).cloned().collect();
        self.files.retain(|path, _| used.contains(path));
    }

    fn check_file(&self, root: &Path, relative: &RelativePath, depth: Depth) -> Option<FileFault> {
        let path = relative.below(root);
        let fault = |kind| Some(FileFault { path: path.clone(), kind });
        let Some(record) = self.files.get(relative) else { return fault(FileFaultKind::Unlisted) };
        let found = match FileRecord::stat(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return fault(FileFaultKind::Missing),
            Err(error) => return fault(FileFaultKind::Unreadable(error.to_string())),
        };
        let (bytes, modified_ns) = found;
        if bytes != record.bytes {
            return fault(FileFaultKind::Size { expected: record.bytes, found: bytes });
        }
        if depth == Depth::Quick && modified_ns == record.modified_ns {
            return None;
        }
        match digest::of_file(&path) {
            Ok(sum) if sum == record.sha256 => None,
            Ok(sum) => fault(FileFaultKind::Sum { expected: record.sha256, found: sum }),
            Err(error) => fault(FileFaultKind::Unreadable(error.to_string())),
        }
    }
}

impl Model {
    /// The files the model consists of. A directory stands for every recorded file below it.
    #[must_use]
    pub fn files<'a>(&'a self, manifest: &'a Manifest) -> Vec<&'a RelativePath> {
        let mut files = match &self.kind {
            ModelKind::Moonshine { encoder, merged_decoder, tokens } => vec![encoder, merged_decoder, tokens],
            ModelKind::Whisper { encoder, decoder, tokens } => vec![encoder, decoder, tokens],
            ModelKind::Piper { model, tokens, lexicon, letters } => vec![model, tokens, lexicon, letters],
            ModelKind::Kokoro { model, voices_file, tokens, lexicons } => {
                let mut files = vec![model, voices_file, tokens];
                files.extend(lexicons);
                files
            }
            ModelKind::SileroVad { model } => vec![model],
            ModelKind::NativeLibraries { directory } => {
                manifest.files.keys().filter(|path| path.is_below(directory)).collect()
            }
        };
        files.extend(&self.simplified);
        files
    }

    /// The voice with this name, or the first that speaks `language`, or the first.
    #[must_use]
    pub fn voice(&self, name: Option<&str>, language: &str) -> Option<&Voice> {
        name.and_then(|name| self.voices.iter().find(|voice| voice.name == name))
            .or_else(|| self.voices.iter().find(|voice| voice.language == language))
            .or_else(|| self.voices.first())
    }
}

impl FileRecord {
    /// Reads size, time and sum of a file.
    ///
    /// # Errors
    /// When it is not a readable file.
    pub fn of(path: &Path) -> std::io::Result<FileRecord> {
        let (bytes, modified_ns) = FileRecord::stat(path)?;
        Ok(FileRecord { bytes, modified_ns, sha256: digest::of_file(path)? })
    }

    fn stat(path: &Path) -> std::io::Result<(u64, u64)> {
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(std::io::ErrorKind::NotFound.into());
        }
        let since_epoch = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Ok((metadata.len(), u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl RelativePath {
    /// The path below `root`.
    #[must_use]
    pub fn below(&self, root: &Path) -> PathBuf {
        root.join(&self.0)
    }

    /// The text, with `/` between its parts.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The file `name` in this directory. `name` comes from the catalog, whose tests see to it that it is a plain name.
    pub(crate) fn joined(&self, name: &str) -> RelativePath {
        RelativePath(format!("{}/{name}", self.0))
    }

    fn is_below(&self, directory: &RelativePath) -> bool {
        self.0.strip_prefix(&directory.0).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl TryFrom<String> for RelativePath {
    type Error = &'static str;

    fn try_from(text: String) -> Result<RelativePath, &'static str> {
        if text.split('/').any(|part| part.is_empty() || part == "." || part == ".." || part.contains('\\')) {
            return Err("a path below the models directory has no empty part, `.`, `..` or backslash");
        }
        Ok(RelativePath(text))
    }
}

impl From<RelativePath> for String {
    fn from(path: RelativePath) -> String {
        path.0
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        match &self.kind {
            FileFaultKind::Unlisted => write!(f, "not in the manifest"),
            FileFaultKind::Missing => write!(f, "missing"),
            FileFaultKind::Unreadable(why) => write!(f, "cannot be read: {why}"),
            FileFaultKind::Size { expected, found } => write!(f, "{found} bytes, must be {expected}"),
            FileFaultKind::Sum { expected, found } => write!(f, "sha256 is {found}, must be {expected}"),
        }
    }
}

#[cfg(test)]
mod tests;
