//! Voice activity by Silero, where the endpointer proposes it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sherpa_onnx::{SileroVadModelConfig, VadModelConfig, VoiceActivityDetector};

use super::{RATE_HZ, to_float};
use crate::recognition::{ConfirmedDetector, Delays, VoiceModel, WINDOW_SAMPLES};
use crate::{EngineError, EngineErrorKind, ListenSpec, ListeningConfig};

/// Detectors that are not in use. Loading one takes tens of milliseconds, which belong to the start and not to a call.
pub(super) struct DetectorShelf {
    model: PathBuf,
    idle: Arc<Mutex<Vec<Shelved>>>,
}

struct Shelved {
    native: VoiceActivityDetector,
    tuning: Tuning,
}

/// What a detector is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tuning {
    min_speech_ms: u32,
    min_silence_ms: u32,
    /// The probability that counts as speech, in tenths. Few values, so that the shelf serves most calls.
    threshold_tenths: u8,
}

impl Tuning {
    /// Windows of speech in a row that make an onset.
    fn onset_windows(self) -> u32 {
        self.min_speech_ms.div_ceil(WINDOW_MS).max(2)
    }
}

/// 50 is 0.4: lower than the model's own 0.5, for the endpointer has heard something too, and an onset is found sooner.
fn threshold_tenths(sensitivity: u8) -> u8 {
    9u8.saturating_sub((sensitivity.min(100) + 5) / 10).clamp(1, 9)
}

/// Detectors kept for the next stream, at most.
const IDLE_MAX: usize = 64;

/// Length of a window of the model, in milliseconds.
const WINDOW_MS: u32 = 32;

/// How long after the last sound the model still hears speech, measured: 100–140 ms.
const END_LAG_MS: u32 = 100;

impl DetectorShelf {
    /// A shelf with `ready` detectors for streams that are listened to as `config` says.
    ///
    /// # Errors
    /// `Model` when the model cannot be loaded.
    pub(super) fn load(model: &Path, config: &ListeningConfig, ready: usize) -> Result<Self, EngineError> {
        let shelf = Self { model: model.to_owned(), idle: Arc::new(Mutex::new(Vec::new())) };
        let spec = ListenSpec::new(speech::Language::English, RATE_HZ.unsigned_abs());
        // All are taken at once, and go onto the shelf when they are dropped.
        let detectors: Result<Vec<_>, _> = (0..ready.clamp(1, IDLE_MAX)).map(|_| shelf.take(config, &spec)).collect();
        drop(detectors?);
        Ok(shelf)
    }

    /// A detector at the beginning of a stream.
    pub(super) fn take(
        &self,
        config: &ListeningConfig,
        spec: &ListenSpec,
    ) -> Result<ConfirmedDetector<SileroModel>, EngineError> {
        let tuning = Tuning {
            min_speech_ms: config.min_speech_ms,
            min_silence_ms: config.speculative_silence_ms,
            threshold_tenths: threshold_tenths(spec.sensitivity),
        };
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let found = idle.iter().position(|shelved| shelved.tuning == tuning).map(|at| idle.swap_remove(at));
        drop(idle);
        let native = match found {
            Some(shelved) => {
                shelved.native.reset();
                shelved.native
            }
            None => self.create(tuning)?,
        };
        let delays = Delays {
            onset: u64::from(tuning.onset_windows()) * WINDOW_SAMPLES as u64,
            end: u64::from(tuning.min_silence_ms.saturating_add(END_LAG_MS)) * u64::from(RATE_HZ.unsigned_abs()) / 1000,
        };
        let model = SileroModel { native: Some(native), tuning, shelf: Arc::clone(&self.idle) };
        Ok(ConfirmedDetector::new(model, delays, spec))
    }

    fn create(&self, tuning: Tuning) -> Result<VoiceActivityDetector, EngineError> {
        #[expect(clippy::cast_precision_loss, reason = "a few hundred milliseconds")]
        let seconds = |ms: u32| ms as f32 / 1000.0;
        let config = VadModelConfig {
            silero_vad: SileroVadModelConfig {
                model: super::path(&self.model),
                threshold: f32::from(tuning.threshold_tenths) / 10.0,
                min_silence_duration: seconds(tuning.min_silence_ms),
                // The library counts from the end of the first window, and takes what is as long as this.
                min_speech_duration: seconds(tuning.onset_windows() * WINDOW_MS - WINDOW_MS - 1),
                window_size: WINDOW_SAMPLES as i32,
                // Long speech is cut by the listening, which knows where it hurts least.
                max_speech_duration: 3_600.0,
            },
            sample_rate: RATE_HZ,
            num_threads: 1,
            ..VadModelConfig::default()
        };
        VoiceActivityDetector::create(&config, 30.0).ok_or_else(|| {
            EngineError::new(EngineErrorKind::Model, format!("{}: cannot be loaded", self.model.display()))
        })
    }
}

/// The model on one stream. Goes back to the shelf on drop.
pub(super) struct SileroModel {
    /// `None` only while it is dropped.
    native: Option<VoiceActivityDetector>,
    tuning: Tuning,
    shelf: Arc<Mutex<Vec<Shelved>>>,
}

impl VoiceModel for SileroModel {
    fn restart(&mut self) {
        if let Some(native) = &self.native {
            native.reset();
        }
    }

    fn hears(&mut self, window: &[i16]) -> bool {
        let Some(native) = &self.native else { return false };
        native.accept_waveform(&to_float(window));
        let hears = native.detected();
        // The audio is kept by the listening; the library's copies of it are not wanted.
        native.clear();
        hears
    }
}

impl Drop for SileroModel {
    fn drop(&mut self) {
        let Some(native) = self.native.take() else { return };
        let mut idle = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(Shelved { native, tuning: self.tuning });
        }
    }
}
