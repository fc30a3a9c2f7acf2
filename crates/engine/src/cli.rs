//! `say` and `hear`: the engines on the command line, without a PBX.

use std::path::{Path, PathBuf};

use clap::Args;
use speech::{Hypothesis, Language};

use crate::clock::now;
use crate::{EngineConfig, EngineError, EngineErrorKind, ListenSpec, Recognition, Synthesis, SynthesisSpec, hear, say};

/// Synthesizes a text into a WAV file.
#[derive(Debug, Clone, Args)]
pub struct SayArgs {
    /// The text.
    pub text: String,
    /// Where the audio goes.
    #[arg(short, long, default_value = "say.wav")]
    pub output: PathBuf,
    /// The language of the text, as a tag; as its script shows where absent.
    #[arg(short, long)]
    pub language: Option<String>,
    /// A voice by name.
    #[arg(long)]
    pub voice: Option<String>,
    /// Speaking rate as a factor.
    #[arg(long, default_value_t = 1.0)]
    pub rate: f32,
    /// Samples per second of the file.
    #[arg(long, default_value_t = 16_000)]
    pub sample_rate: u32,
}

/// Recognizes what is said in a WAV file.
#[derive(Debug, Clone, Args)]
pub struct HearArgs {
    /// The recording: 16-bit or floating point, any rate; of several channels the first is heard.
    pub wav: PathBuf,
    /// The language that is spoken, as a tag.
    #[arg(short, long, default_value = "en-US")]
    pub language: String,
    /// Likely phrases, for engines that can be biased.
    #[arg(long)]
    pub phrase: Vec<String>,
}

/// What `say` did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Said {
    /// Length of the audio.
    pub seconds: f64,
    /// Time it took, without loading the models.
    pub took_seconds: f64,
}

/// What `hear` heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Best first; none when there was no word.
    pub hypotheses: Vec<Hypothesis>,
    /// Length of the recording.
    pub seconds: f64,
    /// Time it took, without loading the models.
    pub took_seconds: f64,
}

impl SayArgs {
    /// Loads the voices, speaks, and writes the file.
    ///
    /// # Errors
    /// Whatever keeps the engine from speaking; `Configuration` for a language that is not served or a file that cannot
    /// be written.
    pub fn run(&self, config: &EngineConfig) -> Result<Said, EngineError> {
        let language = match &self.language {
            Some(tag) => language(tag)?,
            None => Language::of_text(&self.text).unwrap_or(Language::English),
        };
        let synthesis = Synthesis::start(config)?;
        let spec = SynthesisSpec {
            voice: self.voice.clone(),
            rate: self.rate,
            ..SynthesisSpec::new(self.text.as_str(), language, self.sample_rate)
        };
        let start = now();
        let samples = say(&synthesis, spec)?;
        let took_seconds = now().saturating_duration_since(start).as_secs_f64();
        write_wav(&self.output, self.sample_rate, &samples)?;
        Ok(Said { seconds: seconds(samples.len(), self.sample_rate), took_seconds })
    }
}

impl HearArgs {
    /// Loads the recognizers and hears the file.
    ///
    /// # Errors
    /// Whatever keeps the engine from hearing; `Configuration` for a language that is not served or a file that cannot
    /// be read.
    pub fn run(&self, config: &EngineConfig) -> Result<Heard, EngineError> {
        let language = language(&self.language)?;
        let (sample_rate_hz, samples) = read_wav(&self.wav)?;
        let recognition = Recognition::start(config)?;
        let spec = ListenSpec { phrases: self.phrase.clone(), ..ListenSpec::new(language, sample_rate_hz) };
        let start = now();
        let hypotheses = hear(&recognition, spec, &samples)?;
        let took_seconds = now().saturating_duration_since(start).as_secs_f64();
        Ok(Heard { hypotheses, seconds: seconds(samples.len(), sample_rate_hz), took_seconds })
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} s of audio in {:.2} s", self.seconds, self.took_seconds)
    }
}

impl std::fmt::Display for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.hypotheses.is_empty() {
            writeln!(f, "(no words)")?;
        }
        for hypothesis in &self.hypotheses {
            writeln!(f, "{:.2}  {}", hypothesis.confidence, hypothesis.text)?;
        }
        write!(f, "{:.2} s of audio in {:.2} s", self.seconds, self.took_seconds)
    }
}

/// Reads a WAV file: its rate, and the samples of its first channel.
///
/// # Errors
/// `Configuration` when it cannot be read or has no channel.
pub fn read_wav(path: &Path) -> Result<(u32, Vec<i16>), EngineError> {
    let unreadable = |error: hound::Error| configuration(format!("{}: {error}", path.display()));
    let mut reader = hound::WavReader::open(path).map_err(unreadable)?;
    let format = reader.spec();
    let channels = usize::from(format.channels.max(1));
    let samples: Result<Vec<i16>, hound::Error> = match format.sample_format {
        hound::SampleFormat::Float => {
            let mut samples = Vec::new();
            let floats: Result<Vec<f32>, _> = reader.samples::<f32>().step_by(channels).collect();
            floats.map(|floats| {
                media::resample::to_i16(&floats, &mut samples);
                samples
            })
        }
        hound::SampleFormat::Int => {
            let bits = format.bits_per_sample;
            let to_16_bits = |sample: i32| {
                let shifted = if bits > 16 { sample >> (bits - 16) } else { sample << (16 - bits) };
                i16::try_from(shifted).unwrap_or(if shifted < 0 { i16::MIN } else { i16::MAX })
            };
            reader.samples::<i32>().step_by(channels).map(|sample| sample.map(to_16_bits)).collect()
        }
    };
    Ok((format.sample_rate, samples.map_err(unreadable)?))
}

/// Writes a mono WAV file of 16 bits.
///
/// # Errors
/// `Configuration` when it cannot be written.
pub fn write_wav(path: &Path, sample_rate_hz: u32, samples: &[i16]) -> Result<(), EngineError> {
    let format = hound::WavSpec {
        channels: 1,
        sample_rate: sample_rate_hz,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let write = || {
        let mut writer = hound::WavWriter::create(path, format)?;
        for sample in samples {
            writer.write_sample(*sample)?;
        }
        writer.finalize()
    };
    write().map_err(|error| configuration(format!("{}: {error}", path.display())))
}

fn language(tag: &str) -> Result<Language, EngineError> {
    Language::from_tag(tag).ok_or_else(|| configuration(format!("{tag:?} is not a language that is served")))
}

fn configuration(message: String) -> EngineError {
    EngineError::new(EngineErrorKind::Configuration, message)
}

#[expect(clippy::cast_precision_loss, reason = "a length to be shown")]
fn seconds(samples: usize, sample_rate_hz: u32) -> f64 {
    samples as f64 / f64::from(sample_rate_hz.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_into_a_file_is_heard_from_it() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path().join("out.wav");
        let (text, config) = ("is anybody there", EngineConfig::default());
        let say = SayArgs {
            text: text.into(),
            output: output.clone(),
            language: None,
            voice: None,
            rate: 1.0,
            sample_rate: 8000,
        };
        let said = say.run(&config).unwrap();
        assert!((said.seconds - (0.12 + 0.04 * 18.0)).abs() < 0.01, "{said}");
        let heard = HearArgs { wav: output, language: "en".into(), phrase: Vec::new() }.run(&config).unwrap();
        assert_eq!(heard.hypotheses[0].text, text);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let hear = HearArgs { wav: "/nowhere/a.wav".into(), language: "en".into(), phrase: Vec::new() };
        let error = hear.run(&EngineConfig::default()).unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Configuration);
        assert!(error.message.contains("/nowhere/a.wav"));
        let hear = HearArgs { language: "tlh".into(), ..hear };
        assert!(hear.run(&EngineConfig::default()).unwrap_err().message.contains("tlh"));
    }
}
