//! Recordings of callers: WAV files, brought to the rate of the call.

use std::path::Path;
use std::time::Duration;

use crate::error::CallError;

/// Audio below this level, in parts of full scale 32,768, is silence at the end of a recording.
const SILENCE_LEVEL: u16 = 400;

/// What a caller says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerAudio {
    /// 16-bit mono at the rate of the call.
    pub samples: Vec<i16>,
    /// Where the last sound ends, in samples: what follows is silence.
    pub speech_end: usize,
    /// Samples per second.
    pub sample_rate_hz: u32,
}

impl CallerAudio {
    /// Takes samples at the rate of the call.
    pub fn new(samples: Vec<i16>, sample_rate_hz: u32) -> Self {
        let speech_end =
            samples.iter().rposition(|sample| sample.unsigned_abs() >= SILENCE_LEVEL).map_or(0, |last| last + 1);
        Self { samples, speech_end, sample_rate_hz }
    }

    /// How long it takes from the first sample to the end of the last sound.
    pub fn speech(&self) -> Duration {
        Duration::from_micros(self.speech_end as u64 * 1_000_000 / u64::from(self.sample_rate_hz.max(1)))
    }

    /// Reads a WAV file: 16-bit or floating point, any number of channels (the first is used), any rate.
    ///
    /// # Errors
    /// When the file cannot be read, or is of another kind.
    pub fn load(path: &Path, sample_rate_hz: u32) -> Result<Self, CallError> {
        let name = path.display().to_string();
        let failed = |source| CallError::Audio { path: name.clone(), source };
        let mut reader = hound::WavReader::open(path).map_err(failed)?;
        let spec = reader.spec();
        let step = usize::from(spec.channels.max(1));
        let samples: Vec<i16> = match (spec.sample_format, spec.bits_per_sample) {
            (hound::SampleFormat::Int, 16) => {
                reader.samples::<i16>().step_by(step).collect::<Result<_, _>>().map_err(failed)?
            }
            (hound::SampleFormat::Float, 32) => {
                let samples: Vec<f32> =
                    reader.samples::<f32>().step_by(step).collect::<Result<_, _>>().map_err(failed)?;
                let mut converted = Vec::new();
                media::resample::to_i16(&samples, &mut converted);
                converted
            }
            (format, bits) => {
                let reason = format!("{bits}-bit {format:?} samples; 16-bit integers or 32-bit floats are read");
                return Err(CallError::AudioFormat { path: name, reason });
            }
        };
        let samples = media::resample::resample_all(&samples, spec.sample_rate, sample_rate_hz)
            .map_err(|error| CallError::AudioFormat { path: name, reason: error.to_string() })?;
        Ok(Self::new(samples, sample_rate_hz))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speech_ends_at_the_last_sound() {
        let mut samples = vec![0; 100];
        samples[60] = -2000;
        samples[80] = 100;
        assert_eq!(CallerAudio::new(samples, 8000).speech_end, 61);
        assert_eq!(CallerAudio::new(vec![0; 10], 8000).speech_end, 0);
    }

    #[test]
    fn a_stereo_file_at_another_rate_is_brought_to_mono_at_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 16_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        for n in 0..16_000 {
            let tone = (f64::from(n) * 0.1).sin() * 8000.0;
            writer.write_sample(tone as i16).unwrap();
            writer.write_sample(0i16).unwrap();
        }
        writer.finalize().unwrap();
        let audio = CallerAudio::load(&path, 8000).unwrap();
        assert_eq!(audio.samples.len(), 8000);
        assert!(audio.samples.iter().any(|sample| *sample > 7000));
    }

    #[test]
    fn what_is_no_wav_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        std::fs::write(&path, b"no audio").unwrap();
        assert!(CallerAudio::load(&path, 8000).unwrap_err().to_string().contains("a.wav"));
    }
}
