//! A cheap endpointer: where speech starts and ends in a stream.

use std::collections::VecDeque;

use earshot::Detector;

use crate::codec::ClockRate;

/// When sound counts as speech, and silence as its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EndpointerConfig {
    /// Speech must have been heard for this long, in milliseconds, to count as started. Too small: clicks and coughs
    /// start speech. Too large: short answers ("no") are missed.
    pub onset_ms: u32,
    /// Silence must have lasted this long, in milliseconds, for speech to count as ended. Too small: pauses between
    /// words end it.
    pub hangover_ms: u32,
    /// Score from 0 to 1 from which a frame counts as speech.
    pub threshold: f32,
    /// Frames quieter than this many dB below full scale (a negative number) are never speech.
    pub floor_dbfs: f32,
}

impl Default for EndpointerConfig {
    fn default() -> Self {
        Self { onset_ms: 96, hangover_ms: 300, threshold: 0.5, floor_dbfs: -55.0 }
    }
}

/// Where speech starts and ends, in stream time: milliseconds of audio pushed before that point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointEvent {
    /// Speech started.
    SpeechStarted {
        /// Where its first frame begins: `onset_ms` or a little more before the point of this event.
        at_ms: u64,
    },
    /// Speech ended.
    SpeechEnded {
        /// Where its last frame ended: `hangover_ms` before the point of this event.
        at_ms: u64,
    },
}

/// Milliseconds per decision, set by the network.
const FRAME_MS: u32 = 16;

/// Samples the network wants per frame, at 16 kHz.
const FRAME_SAMPLES: usize = 256;

/// Non-speech frames within an onset that do not break it: the gap of a plosive.
const ONSET_GAP_FRAMES: u32 = 2;

/// Quiet frames after which the network is not asked: its context is silence by then.
const QUIET_FRAMES: u32 = 4;

/// A frame is a tone if a linear prediction of order 4, which fits two sinusoids exactly, leaves less than this part
/// of its energy …
const TONE_RESIDUAL_MAX: f64 = 0.004;

/// … and its level differs from that of the frame before by less than this, in dB …
const TONE_STEP_DB: f32 = 1.0;

/// … for so many frames. A held vowel passes one of these tests for a while, but not all of them.
const TONE_FRAMES: u32 = 3;

/// Events that may wait to be polled; a push of a second of audio makes at most a few.
const EVENTS_MAX: usize = 64;

/// Finds speech in a stream, frame by frame of 16 ms: a small neural network scores the frame, unless it is too quiet
/// or a tone. DTMF, dial tones and beeps are tones; music is not.
///
/// ```text
/// endpointer.push(samples); while let Some(event) = endpointer.poll_event() { … }
/// ```
pub struct Endpointer {
    config: EndpointerConfig,
    clock_rate: ClockRate,
    detector: Box<Detector>,
    upsampler: Upsampler,
    /// Samples of an unfinished frame, at the stream's rate.
    pending: Vec<i16>,
    wide: Vec<i16>,
    frames: u64,
    quiet_frames: u32,
    last_level_db: f32,
    tone_frames: u32,
    state: State,
    events: VecDeque<EndpointEvent>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Silence,
    /// Speech frames have been heard since the frame `first`, but not enough yet.
    Onset {
        first: u64,
        speech: u32,
        gap: u32,
    },
    /// Speech, with so many frames of silence behind it.
    Speech {
        silence: u32,
    },
}

impl Endpointer {
    /// An endpointer for a stream at `clock_rate`, at its beginning.
    pub fn new(config: EndpointerConfig, clock_rate: ClockRate) -> Self {
        Self {
            config,
            clock_rate,
            detector: Detector::default_boxed(),
            upsampler: Upsampler::new(),
            pending: Vec::new(),
            wide: Vec::with_capacity(FRAME_SAMPLES),
            frames: 0,
            quiet_frames: 0,
            last_level_db: f32::NEG_INFINITY,
            tone_frames: 0,
            state: State::Silence,
            events: VecDeque::new(),
        }
    }

    /// Takes the next samples of the stream, any number.
    pub fn push(&mut self, samples: &[i16]) {
        let frame_samples = (FRAME_MS * self.clock_rate.samples_per_ms()) as usize;
        let mut rest = samples;
        while self.pending.len() + rest.len() >= frame_samples {
            let (head, tail) = rest.split_at(frame_samples.saturating_sub(self.pending.len()));
            self.pending.extend_from_slice(head);
            rest = tail;
            let frame = std::mem::take(&mut self.pending);
            let is_speech = self.is_speech_frame(&frame);
            self.step(is_speech);
            self.pending = frame;
            self.pending.clear();
        }
        self.pending.extend_from_slice(rest);
    }

    /// The next event, until `None`.
    pub fn poll_event(&mut self) -> Option<EndpointEvent> {
        self.events.pop_front()
    }

    /// Whether speech has started and not ended.
    pub fn is_speech(&self) -> bool {
        match self.state {
            State::Silence | State::Onset { .. } => false,
            State::Speech { .. } => true,
        }
    }

    /// Length of the silence behind the last frame of speech, in milliseconds; 0 before any speech.
    pub fn silence_ms(&self) -> u32 {
        match self.state {
            State::Silence | State::Onset { .. } => 0,
            State::Speech { silence } => silence * FRAME_MS,
        }
    }

    fn is_speech_frame(&mut self, frame: &[i16]) -> bool {
        let level_db = level_dbfs(frame);
        let step_db = (level_db - self.last_level_db).abs();
        self.last_level_db = level_db;
        if level_db < self.config.floor_dbfs {
            self.tone_frames = 0;
            self.quiet_frames = self.quiet_frames.saturating_add(1);
        } else {
            self.quiet_frames = 0;
            let is_tone = step_db < TONE_STEP_DB && prediction_residual(frame) < TONE_RESIDUAL_MAX;
            self.tone_frames = if is_tone { self.tone_frames.saturating_add(1) } else { 0 };
        }
        self.wide.clear();
        match self.clock_rate {
            ClockRate::Hz8000 => self.upsampler.push(frame, &mut self.wide),
            ClockRate::Hz16000 => self.wide.extend_from_slice(frame),
        }
        if self.quiet_frames > QUIET_FRAMES {
            return false;
        }
        let score = self.detector.predict_i16(&self.wide);
        score >= self.config.threshold && self.quiet_frames == 0 && self.tone_frames < TONE_FRAMES
    }

    fn step(&mut self, is_speech: bool) {
        let frame = self.frames;
        self.frames += 1;
        let onset_frames = self.config.onset_ms.div_ceil(FRAME_MS).max(1);
        let hangover_frames = self.config.hangover_ms.div_ceil(FRAME_MS).max(1);
        self.state = match (self.state, is_speech) {
            (State::Silence, false) => State::Silence,
            (State::Silence, true) => self.onset(frame, 1, onset_frames),
            (State::Onset { first, speech, .. }, true) => self.onset(first, speech + 1, onset_frames),
            (State::Onset { gap: ONSET_GAP_FRAMES.., .. }, false) => State::Silence,
            (State::Onset { first, speech, gap }, false) => State::Onset { first, speech, gap: gap + 1 },
            (State::Speech { .. }, true) => State::Speech { silence: 0 },
            (State::Speech { silence }, false) if silence + 1 < hangover_frames => {
                State::Speech { silence: silence + 1 }
            }
            (State::Speech { .. }, false) => {
                let last = self.frames.saturating_sub(u64::from(hangover_frames));
                self.report(EndpointEvent::SpeechEnded { at_ms: last * u64::from(FRAME_MS) });
                State::Silence
            }
        };
    }

    fn onset(&mut self, first: u64, speech: u32, onset_frames: u32) -> State {
        if speech < onset_frames {
            return State::Onset { first, speech, gap: 0 };
        }
        self.report(EndpointEvent::SpeechStarted { at_ms: first * u64::from(FRAME_MS) });
        State::Speech { silence: 0 }
    }

    fn report(&mut self, event: EndpointEvent) {
        // Someone who does not poll wants the latest.
        if self.events.len() >= EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}

/// Root mean square of a frame, in dB below full scale.
fn level_dbfs(frame: &[i16]) -> f32 {
    let energy: f64 = frame.iter().map(|sample| f64::from(*sample) * f64::from(*sample)).sum();
    let mean = energy / frame.len().max(1) as f64 / (32768.0 * 32768.0);
    (10.0 * (mean + 1e-12).log10()) as f32
}

/// Which part of the energy of a frame cannot be predicted from the four samples before each (covariance method, which
/// needs no window and so is exact for sinusoids).
fn prediction_residual(frame: &[i16]) -> f64 {
    const ORDER: usize = 4;
    let mut correlation = [[0.0f64; ORDER + 1]; ORDER + 1];
    for window in frame.windows(ORDER + 1) {
        // The newest sample first.
        let mut reversed = [0.0f64; ORDER + 1];
        for (value, sample) in reversed.iter_mut().zip(window.iter().rev()) {
            *value = f64::from(*sample);
        }
        for (row, a) in correlation.iter_mut().zip(reversed) {
            for (cell, b) in row.iter_mut().zip(reversed) {
                *cell += a * b;
            }
        }
    }
    let [first, predictors @ ..] = correlation;
    let [energy, targets @ ..] = first;
    if energy <= 0.0 {
        return 1.0;
    }
    // Solve the normal equations by elimination; the explained energy is what the pivots take away. A little noise is
    // added to the diagonal, since a single sinusoid leaves two of the four predictors without a job.
    let mut rows = [[0.0f64; ORDER + 1]; ORDER];
    for (((index, row), predictor), target) in rows.iter_mut().enumerate().zip(predictors).zip(targets) {
        let [_, coefficients @ ..] = predictor;
        for (column, (cell, value)) in row.iter_mut().zip(coefficients).enumerate() {
            *cell = if column == index { value * (1.0 + 1e-9) + 1e-3 } else { value };
        }
        row[ORDER] = target;
    }
    let mut explained = 0.0;
    let mut rows = rows.as_mut_slice();
    let mut column = 0;
    while let Some((pivot_row, below)) = rows.split_first_mut() {
        let pivot = pivot_row[column];
        if pivot <= 0.0 {
            break;
        }
        explained += pivot_row[ORDER] * pivot_row[ORDER] / pivot;
        for row in below.iter_mut() {
            let factor = row[column] / pivot;
            for (cell, above) in row.iter_mut().zip(pivot_row.iter()) {
                *cell -= factor * above;
            }
        }
        rows = below;
        column += 1;
    }
    (1.0 - explained / energy).clamp(0.0, 1.0)
}

/// Doubles the rate for the network: every other sample is an input sample, those between are interpolated.
struct Upsampler {
    taps: [f32; Upsampler::PAIRS],
    history: [f32; Upsampler::PAIRS * 2],
}

impl Upsampler {
    /// Input samples on either side of an interpolated one. Images are 50 dB down from 300 Hz below the edge.
    const PAIRS: usize = 8;

    fn new() -> Self {
        // A half-band filter: sinc at half-sample offsets under a Hann window.
        let taps = std::array::from_fn(|index| {
            let offset = index as f64 + 0.5;
            let sinc = (std::f64::consts::PI * offset).sin() / (std::f64::consts::PI * offset);
            let window = 0.5 + 0.5 * (std::f64::consts::PI * offset / (Self::PAIRS as f64 + 0.5)).cos();
            (sinc * window) as f32
        });
        Self { taps, history: [0.0; Self::PAIRS * 2] }
    }

    fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        for sample in samples {
            self.history.rotate_left(1);
            if let Some(newest) = self.history.last_mut() {
                *newest = f32::from(*sample);
            }
            let (before, after) = self.history.split_at(Self::PAIRS);
            let middle = before.last().copied().unwrap_or(0.0);
            let pairs = before.iter().rev().zip(after);
            let between: f32 = pairs.zip(self.taps).map(|((left, right), tap)| (left + right) * tap).sum();
            out.push(middle as i16);
            out.push(between.round() as i16);
        }
    }
}
