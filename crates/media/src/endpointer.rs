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

/// Once speech goes on, so many frames that are about as loud are speech without asking the network. What follows speech
/// without any pause, as loud as it, is noticed that much later; nothing else is.
const HELD_FRAMES: u32 = 12;

/// So many frames of speech that were looked at, none of them like a tone, come before any is held to be speech unseen: what begins may
/// be a tone.
const SURE_FRAMES: u32 = 8;

/// How much quieter than the speech before it a frame may be, in dB, to be held for speech.
const HELD_DROP_DB: f32 = 10.0;

/// A frame sounds like a tone if a linear prediction of order 4, which fits two sinusoids exactly, leaves less than this
/// part of its energy. After G.711, dial tones leave up to 0.0025; DTMF, less predictable, is looked for by frequency.
const TONE_RESIDUAL_MAX: f64 = 0.0025;

/// A frame sounds like DTMF if this part of its energy lies at one low and one high frequency of the keypad.
const DTMF_ENERGY_MIN: f64 = 0.85;

/// So many frames in a row make a tone. One frame in a hundred of real speech is in such a run: held vowels.
const TONE_FRAMES: u32 = 4;

/// Frequencies of the rows and columns of a keypad, in Hz (ITU-T Q.23).
const DTMF_LOW_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const DTMF_HIGH_HZ: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];

/// Events that may wait to be polled; a push of a second of audio makes at most a few.
const EVENTS_MAX: usize = 64;

/// Finds speech in a stream, frame by frame of 16 ms: a small neural network scores the frame, unless it is too quiet
/// or a tone. DTMF, beeps and most dial tones are tones; busy tones of two frequencies and music may pass for speech.
/// Costs about a thousandth of a core per stream.
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
    tone_frames: u32,
    /// Frames since the network was asked.
    held_frames: u32,
    /// Frames of speech in a row that were looked at, and were like no tone.
    sure_frames: u32,
    /// Level of the last frames that the network took for speech.
    speech_dbfs: Option<f32>,
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
            tone_frames: 0,
            held_frames: 0,
            sure_frames: 0,
            speech_dbfs: None,
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

    /// Whether what was pushed last may be a tone: two frames in a row look like one. Four are needed to be sure.
    pub fn may_be_tone(&self) -> bool {
        self.tone_frames >= TONE_FRAMES / 2
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
        let is_quiet = level_db < self.config.floor_dbfs;
        self.quiet_frames = if is_quiet { self.quiet_frames.saturating_add(1) } else { 0 };
        if is_quiet {
            self.tone_frames = 0;
        }
        if self.quiet_frames > QUIET_FRAMES {
            self.sure_frames = 0;
            return false;
        }
        if matches!(self.state, State::Speech { silence: 0 })
            && self.sure_frames >= SURE_FRAMES
            && self.held_frames < HELD_FRAMES
            && !is_quiet
            && self.speech_dbfs.is_some_and(|speech_db| level_db > speech_db - HELD_DROP_DB)
        {
            self.held_frames += 1;
            return true;
        }
        self.held_frames = 0;
        self.wide.clear();
        match self.clock_rate {
            ClockRate::Hz8000 => self.upsampler.push(frame, &mut self.wide),
            ClockRate::Hz16000 => self.wide.extend_from_slice(frame),
        }
        if self.detector.predict_i16(&self.wide) < self.config.threshold || is_quiet {
            self.sure_frames = 0;
            return false;
        }
        self.tone_frames = if self.is_tone(frame) { self.tone_frames.saturating_add(1) } else { 0 };
        self.sure_frames = if self.tone_frames == 0 { self.sure_frames.saturating_add(1) } else { 0 };
        // A quarter of the way: some syllables make the level.
        let before = self.speech_dbfs.unwrap_or(level_db);
        self.speech_dbfs = Some(before + (level_db - before) / 4.0);
        self.tone_frames < TONE_FRAMES
    }

    fn is_tone(&self, frame: &[i16]) -> bool {
        prediction_residual(frame) < TONE_RESIDUAL_MAX
            || dtmf_energy(frame, f64::from(self.clock_rate.hz())) > DTMF_ENERGY_MIN
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
    let energy: u64 =
        frame.iter().map(|sample| u64::from((i32::from(*sample) * i32::from(*sample)).unsigned_abs())).sum();
    let mean = energy as f64 / frame.len().max(1) as f64 / (32768.0 * 32768.0);
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

/// Which part of the energy of a frame lies at the strongest row and the strongest column of a keypad.
fn dtmf_energy(frame: &[i16], rate_hz: f64) -> f64 {
    let total: f64 = frame.iter().map(|sample| f64::from(*sample) * f64::from(*sample)).sum();
    let scale = total * frame.len() as f64 / 2.0;
    if scale <= 0.0 {
        return 0.0;
    }
    let strongest = |frequencies: [f64; 4]| {
        frequencies.into_iter().map(|hz| goertzel(frame, hz, rate_hz) / scale).fold(0.0, f64::max)
    };
    let (low, high) = (strongest(DTMF_LOW_HZ), strongest(DTMF_HIGH_HZ));
    // Both tones are there: one that holds a tenth of the other is a vowel's.
    if low.min(high) * 10.0 < low.max(high) { 0.0 } else { low + high }
}

/// Squared magnitude of a frame at one frequency.
fn goertzel(frame: &[i16], hz: f64, rate_hz: f64) -> f64 {
    let factor = 2.0 * (std::f64::consts::TAU * hz / rate_hz).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in frame {
        (last, before) = (f64::from(*sample) + factor * last - before, last);
    }
    last * last + before * before - factor * last * before
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;

    fn heard(config: EndpointerConfig, clock_rate: ClockRate, samples: &[i16], piece: usize) -> Vec<EndpointEvent> {
        let mut endpointer = Endpointer::new(config, clock_rate);
        let mut events = Vec::new();
        for piece in samples.chunks(piece) {
            endpointer.push(piece);
            events.extend(std::iter::from_fn(|| endpointer.poll_event()));
        }
        events
    }

    /// Something like a vowel: pulses of a wandering pitch through three formants, in syllables.
    fn babble(rate_hz: f64, ms: usize) -> Vec<i16> {
        let count = rate_hz as usize * ms / 1000;
        let mut phase = 0.0;
        let mut source: Vec<f64> = (0..count)
            .map(|n| {
                let at = n as f64 / rate_hz;
                phase += (120.0 + 25.0 * (at * 5.0).sin()) / rate_hz;
                let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
                phase %= 1.0;
                pulse * (0.6 + 0.4 * (at * 4.0 * std::f64::consts::TAU).sin())
            })
            .collect();
        for (hz, width) in [(600.0, 80.0), (1400.0, 100.0), (2500.0, 140.0)] {
            let radius = (-std::f64::consts::PI * width / rate_hz).exp();
            let factor = 2.0 * radius * (std::f64::consts::TAU * hz / rate_hz).cos();
            let (mut last, mut before) = (0.0, 0.0);
            for sample in &mut source {
                (last, before) = (*sample + factor * last - radius * radius * before, last);
                *sample = last;
            }
        }
        let loudest = source.iter().fold(0.0f64, |loudest, sample| loudest.max(sample.abs()));
        source.iter().map(|sample| (sample / loudest * 12_000.0) as i16).collect()
    }

    fn tones(hz: [f64; 2], amplitude: f64, ms: usize) -> Vec<i16> {
        let samples: Vec<i16> = (0..ms * 8)
            .map(|n| {
                let sum: f64 = hz.iter().map(|hz| (n as f64 * hz * std::f64::consts::TAU / 8000.0).sin()).sum();
                (sum * amplitude / 2.0) as i16
            })
            .collect();
        let (mut payload, mut coded) = (Vec::new(), Vec::new());
        crate::Encoder::new(Codec::Pcmu, ClockRate::Hz8000).encode(&samples, &mut payload);
        crate::Decoder::new(Codec::Pcmu, ClockRate::Hz8000).decode(&payload, &mut coded);
        coded
    }

    #[test]
    fn speech_starts_and_ends_where_it_does() {
        for clock_rate in [ClockRate::Hz8000, ClockRate::Hz16000] {
            let mut samples = vec![0; 4000];
            samples.extend(babble(8000.0, 1000));
            samples.extend(vec![0; 8000]);
            let samples = crate::resample::resample_all(&samples, 8000, clock_rate.hz()).unwrap();
            let events = heard(EndpointerConfig::default(), clock_rate, &samples, 160);
            let [EndpointEvent::SpeechStarted { at_ms: start }, EndpointEvent::SpeechEnded { at_ms: end }] = events[..]
            else {
                panic!("{clock_rate:?}: {events:?}");
            };
            assert!((450..=550).contains(&start), "{clock_rate:?}: starts at {start}");
            assert!((1450..=1600).contains(&end), "{clock_rate:?}: ends at {end}");
        }
    }

    #[test]
    fn the_size_of_the_pieces_changes_nothing() {
        let mut samples = babble(8000.0, 1000);
        samples.extend(vec![0; 8000]);
        let whole = heard(EndpointerConfig::default(), ClockRate::Hz8000, &samples, samples.len());
        assert_eq!(whole.len(), 2);
        for piece in [1, 80, 127, 129, 480] {
            assert_eq!(heard(EndpointerConfig::default(), ClockRate::Hz8000, &samples, piece), whole);
        }
    }

    #[test]
    fn a_longer_hangover_bridges_a_pause() {
        let mut samples = babble(8000.0, 500);
        samples.extend(vec![0; 8000 / 2]);
        samples.extend(babble(8000.0, 500));
        samples.extend(vec![0; 8000 * 2]);
        let count = |hangover_ms| {
            let config = EndpointerConfig { hangover_ms, ..EndpointerConfig::default() };
            heard(config, ClockRate::Hz8000, &samples, 160).len()
        };
        assert_eq!((count(300), count(1000)), (4, 2));
    }

    #[test]
    fn tones_are_not_speech() {
        let pairs = [[425.0, 425.0], [1000.0, 1000.0], [2100.0, 2100.0], [350.0, 440.0]];
        for pair in pairs {
            for amplitude in [1000.0, 10_000.0] {
                let events = heard(EndpointerConfig::default(), ClockRate::Hz8000, &tones(pair, amplitude, 2000), 160);
                assert_eq!(events, [], "{pair:?} at {amplitude}");
            }
        }
    }

    #[test]
    fn keys_are_not_speech() {
        for low in DTMF_LOW_HZ {
            for high in DTMF_HIGH_HZ {
                let mut samples = Vec::new();
                for _ in 0..8 {
                    samples.extend(tones([low, high], 10_000.0, 100));
                    samples.extend(vec![0; 800]);
                }
                let events = heard(EndpointerConfig::default(), ClockRate::Hz8000, &samples, 160);
                assert_eq!(events, [], "{low} and {high} Hz");
            }
        }
    }

    #[test]
    fn what_is_quieter_than_the_floor_is_not_speech() {
        let quiet: Vec<i16> = babble(8000.0, 2000).iter().map(|sample| sample / 400).collect();
        assert_eq!(heard(EndpointerConfig::default(), ClockRate::Hz8000, &quiet, 160), []);
    }
}
