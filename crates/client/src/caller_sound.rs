//! What a caller lets hear, put together: recordings, pauses, coughs, noise.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::audio_file::CallerAudio;
use crate::error::CallError;

/// Longest pause or noise, in milliseconds.
const PART_MS_MAX: u32 = 60_000;
/// How long a cough lasts.
const COUGH_MS: u32 = 260;
/// Level of noise where a scenario says none, in dB below full scale.
const NOISE_DBFS: f32 = -30.0;

/// One part of what a caller lets hear.
#[derive(Debug, Clone, PartialEq)]
pub enum SoundPart {
    /// A WAV file.
    File(PathBuf),
    /// Nothing, for so many milliseconds.
    Pause(u32),
    /// A cough: two bursts of noise that die away.
    Cough,
    /// White noise.
    Noise {
        /// How long, in milliseconds.
        ms: u32,
        /// How loud, in dB below full scale (a negative number).
        dbfs: f32,
    },
}

/// A part as it is written in a scenario.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum RawPart {
    File(PathBuf),
    Made(RawMade),
}

/// A part that is no file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMade {
    pause_ms: Option<u32>,
    #[serde(default)]
    cough: bool,
    noise_ms: Option<u32>,
    dbfs: Option<f32>,
}

/// One part, or several in a list.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum RawSound {
    One(RawPart),
    Several(Vec<RawPart>),
}

impl RawSound {
    /// The parts; files are in `folder`.
    pub(crate) fn check(self, folder: &Path) -> Result<Vec<SoundPart>, String> {
        let parts = match self {
            Self::One(part) => vec![part],
            Self::Several(parts) => parts,
        };
        if parts.is_empty() {
            return Err("a list of sounds is empty".to_owned());
        }
        parts.into_iter().map(|part| part.check(folder)).collect()
    }
}

impl RawPart {
    fn check(self, folder: &Path) -> Result<SoundPart, String> {
        let made = match self {
            Self::File(file) => return Ok(SoundPart::File(folder.join(file))),
            Self::Made(made) => made,
        };
        let within = |ms: u32| {
            if (1..=PART_MS_MAX).contains(&ms) {
                Ok(ms)
            } else {
                Err(format!("{ms} ms; 1 to {PART_MS_MAX} are allowed"))
            }
        };
        let dbfs = made.dbfs.unwrap_or(NOISE_DBFS);
        if !(-90.0..=0.0).contains(&dbfs) {
            return Err(format!("dbfs {dbfs}: -90 to 0 are allowed"));
        }
        match (made.pause_ms, made.cough, made.noise_ms) {
            (Some(ms), false, None) => Ok(SoundPart::Pause(within(ms)?)),
            (None, true, None) => Ok(SoundPart::Cough),
            (None, false, Some(ms)) => Ok(SoundPart::Noise { ms: within(ms)?, dbfs }),
            _ => Err("a sound is a file, or one of pause_ms, cough and noise_ms".to_owned()),
        }
    }
}

/// Puts the parts together at the rate of the call. The same parts give the same samples.
///
/// # Errors
/// When a file cannot be read.
pub fn caller_audio(parts: &[SoundPart], sample_rate_hz: u32) -> Result<CallerAudio, CallError> {
    let mut samples = Vec::new();
    let mut noise = Noise::new(u64::try_from(parts.len()).unwrap_or(0));
    let count = |ms: u32| (u64::from(ms) * u64::from(sample_rate_hz) / 1_000) as usize;
    for part in parts {
        match part {
            SoundPart::File(path) => samples.extend(CallerAudio::load(path, sample_rate_hz)?.samples),
            SoundPart::Pause(ms) => samples.resize(samples.len() + count(*ms), 0),
            SoundPart::Noise { ms, dbfs } => {
                let level = 32_767.0 * 10_f32.powf(dbfs / 20.0);
                samples.extend((0..count(*ms)).map(|_| (noise.next() * level) as i16));
            }
            SoundPart::Cough => {
                let total = count(COUGH_MS);
                let burst = (total / 2).max(1);
                samples.extend((0..total).map(|at| {
                    let within = (at % burst) as f32 / burst as f32;
                    (noise.next() * 16_000.0 * (-6.0 * within).exp()) as i16
                }));
            }
        }
    }
    Ok(CallerAudio::new(samples, sample_rate_hz))
}

/// White noise between -1 and 1, the same for the same seed (xorshift64*).
struct Noise(u64);

impl Noise {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
        bits as f32 / (1u32 << 23) as f32 - 1.0
    }
}

/// The files that are named.
pub(crate) fn files(parts: &[SoundPart]) -> impl Iterator<Item = &PathBuf> {
    parts.iter().filter_map(|part| match part {
        SoundPart::File(file) => Some(file),
        SoundPart::Pause(_) | SoundPart::Cough | SoundPart::Noise { .. } => None,
    })
}

/// Short names for the report.
pub(crate) fn describe(parts: &[SoundPart]) -> String {
    let names: Vec<String> = parts
        .iter()
        .map(|part| match part {
            SoundPart::File(path) => {
                format!("plays {}", path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default())
            }
            SoundPart::Pause(ms) => format!("pauses {ms} ms"),
            SoundPart::Cough => "coughs".to_owned(),
            SoundPart::Noise { ms, .. } => format!("{ms} ms of noise"),
        })
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_long_and_as_loud_as_they_say() {
        let parts = [SoundPart::Pause(100), SoundPart::Noise { ms: 200, dbfs: -20.0 }, SoundPart::Cough];
        let audio = caller_audio(&parts, 8_000).unwrap();
        assert_eq!(audio.samples.len(), 8 * (100 + 200 + 260));
        assert!(audio.samples[..800].iter().all(|sample| *sample == 0));
        let loudest = audio.samples[800..2_400].iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        assert!((2_500..=3_277).contains(&loudest), "{loudest}");
        assert!(audio.samples[2_400..2_500].iter().any(|sample| sample.unsigned_abs() > 5_000));
        assert_eq!(audio, caller_audio(&parts, 8_000).unwrap());
    }
}
