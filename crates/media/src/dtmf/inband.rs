//! Keys of a telephone as sound (ITU-T Q.23), found within the limits of ITU-T Q.24, and taken out of the audio.

use crate::codec::ClockRate;

use super::DtmfDigit;

/// What the tones are compared with, in hertz: four rows, four columns.
const ROWS_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS_HZ: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [[char; 4]; 4] = [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// Length of what is looked at, and how far apart two looks are.
const WINDOW_MS: u32 = 20;
const STEP_MS: u32 = 5;

/// Looks in a row that a key is found in before it counts: a tone of 40 ms has five whole windows, one of 24 ms has three
/// that hold three quarters of it.
const HITS: u32 = 4;

/// Looks in a row that take sound away: a key begins to sound this much before it is sure.
const MUTING_HITS: u32 = 2;

/// Looks in a row without the key until it is over: a gap of 10 ms is bridged, one of 40 ms is a pause.
const MISSES: u32 = 7;

/// Audio leaves this much later than it comes, so that the beginning of a tone can still be taken away.
const DELAY_MS: u32 = WINDOW_MS + STEP_MS * MUTING_HITS;

/// The least level, as a mean square of full scale: -42 dB.
const LEAST_POWER: f32 = 6.3e-5;

/// The part of the power that the two tones have to have: noise 15 dB below leaves 97 %, a frequency 1.8 % off 85 %.
const LEAST_SHARE: f32 = 0.75;

/// Below this the two loudest frequencies are not looked at more closely.
const WORTH_A_LOOK: f32 = 0.35;

/// The column over the row, as ratios of power: 6 dB above, 10 dB below (Q.24 has 4 and 8 where it is widest).
const TWIST: std::ops::RangeInclusive<f32> = 0.1..=4.0;

/// The loudest of four over each other one, as a ratio of power.
const ALONE: f32 = 4.0;

/// How far off a frequency is looked for, as a part of it: with the width of the window, 1.8 % are found and 3.5 % are not.
const OFFSET: f32 = 0.012;

/// A key that was heard, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tone {
    pub(crate) digit: DtmfDigit,
    /// Its length so far, in milliseconds.
    pub(crate) duration_ms: u32,
}

/// Looks for keys in a stream of samples, which goes through it: delayed by 30 ms, and silent where a key sounds.
#[derive(Debug)]
pub(crate) struct InbandDetector {
    rate: ClockRate,
    rows: [f32; 4],
    columns: [f32; 4],
    /// What was not given on yet, the oldest first, without the keys found.
    held: Vec<i16>,
    /// The same with them, to be looked at.
    heard: Vec<i16>,
    /// Of `held`, those that have been looked at: the end of the last window.
    looked: usize,
    state: State,
}

/// What is heard now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Nothing,
    /// A key that may be one.
    Perhaps {
        digit: DtmfDigit,
        hits: u32,
    },
    /// A key that was reported and is not over.
    Pressed {
        digit: DtmfDigit,
        misses: u32,
        other: Option<(DtmfDigit, u32)>,
    },
}

impl InbandDetector {
    pub(crate) fn new(rate: ClockRate) -> Self {
        let mut detector = Self {
            rate,
            rows: ROWS_HZ,
            columns: COLUMNS_HZ,
            held: Vec::new(),
            heard: Vec::new(),
            looked: 0,
            state: State::Nothing,
        };
        detector.restart();
        detector
    }

    /// Forgets what was heard: another stream begins.
    pub(crate) fn restart(&mut self) {
        self.held.clear();
        // A window reaches back before the first sample, and the delay begins with silence.
        self.held.resize(self.samples(DELAY_MS), 0);
        self.heard.clone_from(&self.held);
        self.looked = self.held.len();
        self.state = State::Nothing;
    }

    /// What is held is not given on: another listener begins, who has had it. What is heard goes on.
    pub(crate) fn forget_held(&mut self) {
        self.held.fill(0);
    }

    /// Whether a key sounds, or may.
    pub(crate) fn sounds(&self) -> bool {
        match self.state {
            State::Nothing => false,
            State::Perhaps { .. } | State::Pressed { .. } => true,
        }
    }

    /// Takes samples, and gives as many of earlier ones. Keys found are told to `report`.
    pub(crate) fn process(&mut self, samples: &[i16], given: &mut Vec<i16>, mut report: impl FnMut(Tone)) {
        self.held.extend_from_slice(samples);
        self.heard.extend_from_slice(samples);
        let (window, step) = (self.samples(WINDOW_MS), self.samples(STEP_MS));
        while self.held.len() - self.looked >= step {
            self.looked += step;
            let start = self.looked.saturating_sub(window);
            let found = self.heard.get(start..self.looked).and_then(|window| self.look(window));
            let (tone, sounds) = self.advance(found);
            if let Some(tone) = tone {
                report(tone);
            }
            if sounds {
                // What came before the first window that is sure belongs to the tone too.
                let from = start.saturating_sub(step * (MUTING_HITS as usize - 1) + step);
                self.held.get_mut(from..self.looked).unwrap_or_default().fill(0);
            }
        }
        let leaves = samples.len().min(self.held.len());
        given.extend(self.held.drain(..leaves));
        self.heard.drain(..leaves);
        self.looked = self.looked.saturating_sub(leaves);
    }

    /// What a look means: the key that is sure from now on, and whether a key sounds.
    fn advance(&mut self, found: Option<DtmfDigit>) -> (Option<Tone>, bool) {
        let tone = |digit| Tone { digit, duration_ms: WINDOW_MS + STEP_MS * (HITS - 1) };
        match (self.state, found) {
            (State::Nothing, None) => (None, false),
            (State::Perhaps { .. }, None) => {
                self.state = State::Nothing;
                (None, false)
            }
            (State::Perhaps { digit, hits }, Some(heard)) if heard == digit => {
                if hits + 1 >= HITS {
                    self.state = State::Pressed { digit, misses: 0, other: None };
                    return (Some(tone(digit)), true);
                }
                self.state = State::Perhaps { digit, hits: hits + 1 };
                (None, hits + 1 >= MUTING_HITS)
            }
            (State::Nothing | State::Perhaps { .. }, Some(digit)) => {
                self.state = State::Perhaps { digit, hits: 1 };
                (None, false)
            }
            (State::Pressed { digit, .. }, Some(heard)) if heard == digit => {
                self.state = State::Pressed { digit, misses: 0, other: None };
                (None, true)
            }
            (State::Pressed { digit, misses, other }, found) => {
                let other = found.map(|heard| match other {
                    Some((before, hits)) if before == heard => (heard, hits + 1),
                    Some(_) | None => (heard, 1),
                });
                match other {
                    Some((heard, hits)) if hits >= HITS => {
                        self.state = State::Pressed { digit: heard, misses: 0, other: None };
                        return (Some(tone(heard)), true);
                    }
                    Some((digit, hits)) if misses + 1 >= MISSES => self.state = State::Perhaps { digit, hits },
                    None if misses + 1 >= MISSES => self.state = State::Nothing,
                    other => self.state = State::Pressed { digit, misses: misses + 1, other },
                }
                // The tail of the tone is in the first windows that miss it.
                (None, misses == 0 || other.is_some_and(|(_, hits)| hits >= MUTING_HITS))
            }
        }
    }

    /// The key that fills the window, if one does.
    fn look(&self, window: &[i16]) -> Option<DtmfDigit> {
        let count = window.len() as f32;
        let energy: f32 = window.iter().map(|sample| square(f32::from(*sample) / 32_768.0)).sum();
        if energy < LEAST_POWER * count {
            return None;
        }
        let power = |hz: f32| self.power(window, hz);
        let (rows, columns) = (self.rows.map(power), self.columns.map(power));
        let (row, column) = (loudest(&rows), loudest(&columns));
        if rows.get(row)? + columns.get(column)? < WORTH_A_LOOK * energy {
            return None;
        }
        let near = |hz: f32, nominal: f32| {
            [hz * (1.0 - OFFSET), hz * (1.0 + OFFSET)].into_iter().map(power).fold(nominal, f32::max)
        };
        let of_row = near(*self.rows.get(row)?, *rows.get(row)?);
        let of_column = near(*self.columns.get(column)?, *columns.get(column)?);
        let is_alone = |powers: &[f32; 4], at: usize, loudest: f32| {
            powers.iter().enumerate().all(|(other, power)| other == at || power * ALONE <= loudest)
        };
        let is_key = of_row + of_column >= LEAST_SHARE * energy
            && TWIST.contains(&(of_column / of_row.max(f32::MIN_POSITIVE)))
            && is_alone(&rows, row, of_row)
            && is_alone(&columns, column, of_column);
        is_key.then(|| KEYS.get(row)?.get(column).copied().and_then(DtmfDigit::from_char)).flatten()
    }

    /// The energy of the window at a frequency, by Goertzel's recursion: a pure tone there has all of it.
    fn power(&self, window: &[i16], hz: f32) -> f32 {
        let coefficient = 2.0 * (std::f32::consts::TAU * hz / self.rate.hz() as f32).cos();
        let (mut last, mut before) = (0.0_f32, 0.0_f32);
        for sample in window {
            let now = f32::from(*sample) / 32_768.0 + coefficient * last - before;
            before = last;
            last = now;
        }
        let magnitude = square(last) + square(before) - coefficient * last * before;
        2.0 * magnitude / window.len() as f32
    }

    fn samples(&self, ms: u32) -> usize {
        (ms * self.rate.samples_per_ms()) as usize
    }
}

fn square(value: f32) -> f32 {
    value * value
}

fn loudest(powers: &[f32; 4]) -> usize {
    powers.iter().enumerate().max_by(|one, two| one.1.total_cmp(two.1)).map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests;
