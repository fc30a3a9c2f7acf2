//! Finds tone code and real speech in a stream.

use media::{ClockRate, EndpointEvent, Endpointer, EndpointerConfig};

use super::tone_code;
use crate::ListeningConfig;
use crate::recognition::{RATE_HZ, VoiceDetector, VoiceEvent};

/// Speech is what the endpointer takes for it, or what carries the tone code.
pub(super) struct FakeDetector {
    endpointer: Endpointer,
    endpointer_active: Option<Activity>,
    code: CodeActivity,
    /// Samples so far.
    position: u64,
    is_active: bool,
    last_end: u64,
}

/// The endpointer alone decides here, without a model to confirm it: noise that sets in scores up to 0.7.
const SPEECH_SCORE: f32 = 0.75;

/// The score that counts as speech: half of what is left above or below for the whole range of sensitivity.
fn speech_score(sensitivity: u8) -> f32 {
    (SPEECH_SCORE + (50.0 - f32::from(sensitivity.min(100))) / 100.0 * 0.4).clamp(0.05, 0.95)
}

#[derive(Clone, Copy)]
struct Activity {
    start: u64,
}

/// Where the tone code begins and ends.
struct CodeActivity {
    min_speech: u64,
    min_silence: u64,
    /// Since when code is heard, gaps shorter than the silence included.
    start: Option<u64>,
    last_heard: u64,
    /// Every other sample of what is looked at: the tones of the code are below a quarter of the rate.
    halved: Vec<i16>,
    /// Looks that were spared since the last.
    spared: u32,
}

/// While somebody speaks, code is looked for in one of so many pieces: it is nothing that would begin the listening.
const SPARED_LOOKS: u32 = 3;

impl FakeDetector {
    pub(super) fn new(config: &ListeningConfig, sensitivity: u8) -> Self {
        let endpointer = EndpointerConfig {
            onset_ms: config.min_speech_ms,
            hangover_ms: config.speculative_silence_ms,
            threshold: speech_score(sensitivity),
            ..EndpointerConfig::default()
        };
        let samples = |ms: u32| u64::from(ms) * u64::from(RATE_HZ) / 1000;
        Self {
            endpointer: Endpointer::new(endpointer, ClockRate::Hz16000),
            endpointer_active: None,
            code: CodeActivity {
                min_speech: samples(config.min_speech_ms),
                min_silence: samples(config.speculative_silence_ms),
                start: None,
                last_heard: 0,
                halved: Vec::new(),
                spared: 0,
            },
            position: 0,
            is_active: false,
            last_end: 0,
        }
    }
}

impl VoiceDetector for FakeDetector {
    fn push(&mut self, samples: &[i16]) -> Option<VoiceEvent> {
        self.code.push(self.position, samples, self.endpointer_active.is_some());
        self.position = self.position.saturating_add(samples.len() as u64);
        self.endpointer.push(samples);
        while let Some(event) = self.endpointer.poll_event() {
            let position = |at_ms: u64| at_ms.saturating_mul(u64::from(RATE_HZ)) / 1000;
            match event {
                EndpointEvent::SpeechStarted { at_ms } => {
                    self.endpointer_active = Some(Activity { start: position(at_ms) });
                }
                EndpointEvent::SpeechEnded { at_ms } => {
                    self.endpointer_active = None;
                    self.last_end = self.last_end.max(position(at_ms));
                }
            }
        }
        let code_start = self.code.active_since();
        if code_start.is_some() {
            self.last_end = self.last_end.max(self.code.last_heard);
        }
        let start = [code_start, self.endpointer_active.map(|active| active.start)].into_iter().flatten().min();
        match (self.is_active, start) {
            (false, Some(start)) => {
                self.is_active = true;
                Some(VoiceEvent::Started { at: start.max(self.last_end.min(self.position)).min(self.position) })
            }
            (true, None) => {
                self.is_active = false;
                Some(VoiceEvent::Ended { at: self.last_end })
            }
            (true, Some(_)) | (false, None) => None,
        }
    }
}

impl CodeActivity {
    fn push(&mut self, at: u64, samples: &[i16], is_speech: bool) {
        if is_speech && self.start.is_none() && self.spared < SPARED_LOOKS {
            self.spared += 1;
            return;
        }
        self.spared = 0;
        self.halved.clear();
        self.halved.extend(samples.iter().step_by(2));
        if tone_code::presence(&self.halved, RATE_HZ / 2) >= 0.4 {
            self.start.get_or_insert(at);
            self.last_heard = at.saturating_add(samples.len() as u64);
        } else if at.saturating_add(samples.len() as u64).saturating_sub(self.last_heard) >= self.min_silence {
            self.start = None;
        }
    }

    /// Since when there is code, if there was enough of it.
    fn active_since(&self) -> Option<u64> {
        self.start.filter(|start| self.last_heard.saturating_sub(*start) >= self.min_speech)
    }
}
