//! The recorded clips of `basicsynth`: a directory with a folder for each language (`en`, `zh`), and in it one WAV file for each
//! word, named for it in small letters (`seven.wav`, `o'clock.wav`, `七.wav`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use media::{ClockRate, PcmBuffer, Waveform, WaveformFormat};
use session::ClipIndex;
use speech::Language;

/// Bytes of one clip: ten seconds of 16-bit audio at 48 kHz.
const CLIP_BYTES_MAX: u64 = 1_000_000;
/// Clips of one language.
const CLIPS_MAX: usize = 20_000;

/// All clips, in memory, at the rates that legs have.
#[derive(Debug, Default)]
pub(crate) struct Clips {
    clips: HashMap<Language, HashMap<String, Clip>>,
    gap_ms: u32,
}

#[derive(Debug)]
struct Clip {
    narrow: Vec<i16>,
    wide: Vec<i16>,
}

/// Why clips cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClipsError {
    /// A file or directory cannot be read or written.
    #[error("{path}", path = .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file is no clip.
    #[error("{path}: {reason}", path = .path.display())]
    Clip {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A voice did not speak a word.
    #[error("the engine did not say {word:?}")]
    Say {
        /// The word.
        word: String,
        /// Why.
        #[source]
        source: engine::EngineError,
    },
}

impl Clips {
    /// Reads every clip of a directory. `gap_ms`: silence between words.
    ///
    /// # Errors
    /// Names the first file that is no clip; when there is none at all.
    pub(crate) fn load(directory: &Path, gap_ms: u32) -> Result<Self, ClipsError> {
        let mut clips = HashMap::new();
        for language in [Language::English, Language::Chinese] {
            let folder = directory.join(folder_of(language));
            if folder.is_dir() {
                clips.insert(language, load_folder(&folder)?);
            }
        }
        if clips.values().all(HashMap::is_empty) {
            let reason = "there is no clip in its folders en and zh".to_owned();
            return Err(ClipsError::Clip { path: directory.to_owned(), reason });
        }
        Ok(Self { clips, gap_ms })
    }

    /// What there are clips for.
    pub(crate) fn index(&self) -> ClipIndex {
        let mut index = ClipIndex::default();
        for (language, words) in &self.clips {
            for word in words.keys() {
                index.add(*language, word.clone());
            }
        }
        index
    }

    /// The words one after the other. One that is not there is left out: the session asks for none.
    pub(crate) fn audio(&self, language: Language, words: &[String], clock_rate: ClockRate) -> PcmBuffer {
        let gap = usize::try_from(self.gap_ms.saturating_mul(clock_rate.samples_per_ms())).unwrap_or(0);
        let mut samples: Vec<i16> = Vec::new();
        for clip in words.iter().filter_map(|word| self.clips.get(&language)?.get(word)) {
            if !samples.is_empty() {
                samples.extend(std::iter::repeat_n(0, gap));
            }
            samples.extend(match clock_rate {
                ClockRate::Hz8000 => &clip.narrow,
                ClockRate::Hz16000 => &clip.wide,
            });
        }
        PcmBuffer::from_samples(clock_rate.hz(), &samples)
    }
}

fn folder_of(language: Language) -> &'static str {
    match language {
        Language::English => "en",
        Language::Chinese => "zh",
    }
}

fn load_folder(folder: &Path) -> Result<HashMap<String, Clip>, ClipsError> {
    let file_error = |path: &Path| {
        let path = path.to_owned();
        move |source| ClipsError::File { path, source }
    };
    let mut clips = HashMap::new();
    for entry in std::fs::read_dir(folder).map_err(file_error(folder))? {
        let path = entry.map_err(file_error(folder))?.path();
        let is_wave = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wav"));
        let Some(word) = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).filter(|_| is_wave) else {
            continue;
        };
        let wrong = |reason: String| ClipsError::Clip { path: path.clone(), reason };
        let length = path.metadata().map_err(file_error(&path))?.len();
        if length > CLIP_BYTES_MAX || clips.len() >= CLIPS_MAX {
            return Err(wrong(format!(
                "more than {CLIP_BYTES_MAX} bytes, or more than {CLIPS_MAX} clips in its folder"
            )));
        }
        let content = std::fs::read(&path).map_err(file_error(&path))?;
        let audio = Waveform::read(&content, Some("audio/wav")).map_err(|error| wrong(error.to_string()))?;
        let at = |rate| audio.at(rate).map_err(|error| wrong(error.to_string()));
        clips.insert(word, Clip { narrow: at(ClockRate::Hz8000)?, wide: at(ClockRate::Hz16000)? });
    }
    Ok(clips)
}

/// Has the engine speak the whole vocabulary of a language into a directory of clips; files that are there are kept. Gives how
/// many were written.
///
/// # Errors
/// When a file cannot be written, or a word not spoken.
pub fn make_clips(
    directory: &Path,
    language: Language,
    voice: Option<&str>,
    synthesis: &engine::Synthesis,
) -> Result<usize, ClipsError> {
    let folder = directory.join(folder_of(language));
    std::fs::create_dir_all(&folder).map_err(|source| ClipsError::File { path: folder.clone(), source })?;
    let rate = ClockRate::Hz16000;
    let mut written = 0;
    for word in speech::clip_vocabulary(language) {
        let path = folder.join(format!("{word}.wav"));
        if path.exists() {
            continue;
        }
        let text = speech::clip_text(&word);
        let spec = engine::SynthesisSpec {
            voice: voice.map(str::to_owned),
            ..engine::SynthesisSpec::new(text, language, rate.hz())
        };
        let samples = engine::say(synthesis, spec).map_err(|source| ClipsError::Say { word, source })?;
        let content = wave(&samples, rate);
        std::fs::write(&path, content).map_err(|source| ClipsError::File { path: path.clone(), source })?;
        written += 1;
    }
    Ok(written)
}

fn wave(samples: &[i16], rate: ClockRate) -> Vec<u8> {
    let Some(format) = WaveformFormat::from_media_type("audio/wav", rate) else { return Vec::new() };
    let count = u64::try_from(samples.len()).unwrap_or(0);
    let mut content = format.header(count);
    format.encode(samples, &mut content);
    content.extend_from_slice(format.trailer(count));
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(words: &[(&str, &[i16])]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("en")).unwrap();
        for (word, samples) in words {
            std::fs::write(directory.path().join(format!("en/{word}.wav")), wave(samples, ClockRate::Hz8000)).unwrap();
        }
        directory
    }

    #[test]
    fn syn_047_clips_are_put_together_with_a_gap_between() {
        let directory = folder(&[("one", &[100; 80]), ("Two", &[200; 160])]);
        let clips = Clips::load(directory.path(), 10).unwrap();
        let audio = clips.audio(Language::English, &["two".to_owned(), "one".to_owned()], ClockRate::Hz8000);
        let mut samples = vec![0; 1000];
        let count = audio.read(0, &mut samples);
        assert_eq!((count, samples[0], samples[160], samples[240]), (320, 200, 0, 100));
        assert_eq!(clips.audio(Language::English, &["one".to_owned()], ClockRate::Hz16000).samples_written(), 160);
    }

    #[test]
    fn a_directory_without_clips_and_a_file_that_is_none_are_refused() {
        assert!(Clips::load(folder(&[]).path(), 10).is_err());
        let directory = folder(&[("one", &[1; 80])]);
        std::fs::write(directory.path().join("en/two.wav"), "RIFF nonsense").unwrap();
        let error = Clips::load(directory.path(), 10).unwrap_err();
        assert!(error.to_string().contains("two.wav"), "{error}");
    }

    #[test]
    fn the_engine_makes_a_set_that_can_be_loaded_and_has_the_whole_vocabulary() {
        let config = engine::EngineConfig {
            backend: engine::Backend::Fake(engine::FakeConfig::default()),
            ..engine::EngineConfig::default()
        };
        let synthesis = engine::Synthesis::start(&config).unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("zh")).unwrap();
        std::fs::write(directory.path().join("zh/一.wav"), wave(&[7; 80], ClockRate::Hz8000)).unwrap();
        let written = make_clips(directory.path(), Language::Chinese, None, &synthesis).unwrap();
        assert_eq!(written, speech::clip_vocabulary(Language::Chinese).len() - 1, "what is there is kept");
        let clips = Clips::load(directory.path(), 40).unwrap();
        assert_eq!(clips.audio(Language::Chinese, &["一".to_owned()], ClockRate::Hz8000).samples_written(), 80);
    }
}
