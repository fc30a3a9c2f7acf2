//! Sounds for benchmarks: people's speech, noise from seeds, levels.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use engine::{Backend, EngineConfig, SherpaConfig, SynthesisSpec};
use speech::Language;

/// A telephone's rate.
pub(crate) const LINE_HZ: u32 = 8_000;

/// Samples as they are added and scaled: full scale is 1.
pub(crate) type Sound = Vec<f64>;

/// A small generator (splitmix64): the same seed, the same sounds.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Of the standard normal distribution.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().max(1e-12).ln()).sqrt();
        radius * (TAU * self.unit()).cos()
    }
}

/// Samples in so many milliseconds.
pub(crate) fn samples(ms: usize) -> usize {
    ms * LINE_HZ as usize / 1000
}

/// Mean level in dB below full scale (of a square wave).
pub(crate) fn level_db(sound: &[f64]) -> f64 {
    let mean = sound.iter().map(|sample| sample * sample).sum::<f64>() / sound.len().max(1) as f64;
    10.0 * (mean + 1e-12).log10()
}

/// `sound`, louder by so many dB.
pub(crate) fn amplified(sound: &[f64], db: f64) -> Sound {
    let factor = 10f64.powf(db / 20.0);
    sound.iter().map(|sample| sample * factor).collect()
}

/// `sound` at a mean level.
pub(crate) fn at_level(sound: &[f64], db: f64) -> Sound {
    amplified(sound, db - level_db(sound))
}

/// Adds `other` to `sound` from a sample on, as far as `sound` goes.
pub(crate) fn add(sound: &mut [f64], from: usize, other: &[f64]) {
    for (sample, more) in sound.iter_mut().skip(from).zip(other) {
        *sample += more;
    }
}

/// White noise.
pub(crate) fn white(random: &mut Random, ms: usize) -> Sound {
    (0..samples(ms)).map(|_| random.normal()).collect()
}

/// What somebody says.
#[derive(Debug, Clone)]
pub(crate) struct Clip {
    /// Who or which file.
    pub(crate) name: String,
    /// The words.
    pub(crate) text: String,
    /// The sound.
    pub(crate) sound: Sound,
}

/// A sound file at the line's rate.
pub(crate) fn read(path: &Path) -> anyhow::Result<Sound> {
    let (rate, samples) = engine::cli::read_wav(path)?;
    let samples = media::resample::resample_all(&samples, rate, LINE_HZ)?;
    Ok(samples.into_iter().map(|sample| f64::from(sample) / 32_768.0).collect())
}

/// The recordings of a list: a file and its text per line, a tab between them, paths relative to the list.
pub(crate) fn listed(list: &Path) -> anyhow::Result<Vec<Clip>> {
    let lines = std::fs::read_to_string(list).with_context(|| list.display().to_string())?;
    let folder = list.parent().unwrap_or(Path::new("."));
    lines
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(file, text)| {
            let sound = read(&folder.join(file)).with_context(|| file.to_owned())?;
            Ok(Clip { name: file.to_owned(), text: text.to_owned(), sound })
        })
        .collect()
}

/// Phrases said by many synthetic voices, `count` in all, kept in `folder` between runs.
pub(crate) fn synthetic(language: Language, count: usize, folder: &Path) -> anyhow::Result<Vec<Clip>> {
    let name = match language {
        Language::English => "en",
        Language::Chinese => "zh",
    };
    let phrases = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../benches/closed_grammars").join(name);
    let phrases = phrases.with_extension("txt");
    let phrases = std::fs::read_to_string(&phrases).with_context(|| phrases.display().to_string())?;
    let phrases: Vec<&str> = phrases.lines().filter(|line| !line.is_empty()).collect();
    let mut synthesis = None;
    let mut clips = Vec::new();
    for number in 0..count {
        let text = phrases[number * phrases.len() / count.max(1) % phrases.len()];
        let file = folder.join(format!("{name}-{number}-of-{count}.wav"));
        if !file.exists() {
            std::fs::create_dir_all(folder)?;
            let synthesis = match &mut synthesis {
                Some(synthesis) => synthesis,
                none => none.insert(engine::Synthesis::start(&engine_config(&["en-US", "zh-CN"])?)?),
            };
            let voices: Vec<String> = synthesis.voices().into_iter().map(|voice| voice.name).collect();
            let fits = |voice: &&String| match language {
                Language::English => voice.starts_with("af_") || voice.starts_with("am_") || voice.starts_with("b"),
                Language::Chinese => voice.starts_with('z'),
            };
            let fitting: Vec<&String> = voices.iter().filter(fits).collect();
            let mut spec = SynthesisSpec::new(text, language, LINE_HZ);
            spec.voice = fitting.get(number % fitting.len().max(1)).map(|voice| (*voice).clone());
            spec.rate = [0.9, 1.0, 1.15][number % 3];
            let samples = engine::say(synthesis, spec)?;
            engine::cli::write_wav(&file, LINE_HZ, &samples)?;
        }
        clips.push(Clip { name: file.display().to_string(), text: text.to_owned(), sound: read(&file)? });
    }
    Ok(clips)
}

/// The engine with the models that were fetched, for these languages.
pub(crate) fn engine_config(languages: &[&str]) -> anyhow::Result<EngineConfig> {
    let named = std::env::var_os("VOXGATE_MODELS").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/voxgate/models"));
    let models_dir = named.or_else(home).context("no directory of models")?;
    let languages = languages.iter().map(|language| (*language).to_owned()).collect();
    let sherpa = SherpaConfig { models_dir: Some(models_dir), languages, ..SherpaConfig::default() };
    Ok(EngineConfig { backend: Backend::Sherpa(sherpa), ..EngineConfig::default() })
}
