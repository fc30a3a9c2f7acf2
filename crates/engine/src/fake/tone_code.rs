//! Text as audio that survives a telephone line: one byte is one dual tone.
//!
//! A burst is: 120 ms of the preamble tone, the number of bytes, the bytes, their sum; each byte is 40 ms of two tones,
//! one of 16 low ones for its upper half and one of 16 high ones for its lower half. Text is UTF-8. A longer text is
//! several bursts in a row.

use std::f64::consts::TAU;
use std::sync::OnceLock;

/// Milliseconds per byte.
pub const BYTE_MS: u32 = 40;

/// Milliseconds of preamble before each burst.
pub const PREAMBLE_MS: u32 = 120;

/// Bytes of text in one burst, at most.
const BURST_BYTES_MAX: usize = 200;

/// Between the two groups, so that nothing else sounds like it.
const PREAMBLE_HZ: f64 = 1612.5;

/// Amplitude of each tone: −12 dB.
const AMPLITUDE: f64 = 0.25;

fn low_hz(half: u8) -> f64 {
    400.0 + 75.0 * f64::from(half)
}

fn high_hz(half: u8) -> f64 {
    1700.0 + 100.0 * f64::from(half)
}

/// What a piece of audio says.
#[derive(Debug, Clone, PartialEq)]
pub struct ToneText {
    /// The text, as far as it could be read.
    pub text: String,
    /// Whether every burst was whole and its sum right.
    pub is_complete: bool,
    /// How clear the tones were: their part of the energy, 0 to 1, the mean over all bytes.
    pub clarity: f32,
}

/// The audio that says `text`, full scale ±1.0; nothing for an empty text. `sample_rate_hz` is at least 8000.
pub fn encode(text: &str, sample_rate_hz: u32) -> Vec<f32> {
    let mut audio = Vec::new();
    for burst in bursts(text) {
        let bytes = burst.as_bytes();
        tones(&[PREAMBLE_HZ], PREAMBLE_MS, sample_rate_hz, &mut audio);
        let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        for byte in [length].iter().chain(bytes).chain(&[sum(bytes)]) {
            tones(&[low_hz(byte >> 4), high_hz(byte & 15)], BYTE_MS, sample_rate_hz, &mut audio);
        }
    }
    audio
}

/// Reads what `samples` say; `None` when there is no burst in them.
pub fn decode(samples: &[i16], sample_rate_hz: u32) -> Option<ToneText> {
    let reader = Reader { samples, rate: f64::from(sample_rate_hz.max(8000)) };
    let mut texts: Vec<String> = Vec::new();
    let (mut is_complete, mut clarity, mut bytes_read) = (true, 0.0, 0u16);
    let mut at_ms = 0.0;
    while let Some(start_ms) = reader.find_preamble_end(at_ms) {
        let (burst, next_ms) = reader.read_burst(start_ms);
        at_ms = next_ms;
        if burst.bytes.is_empty() {
            is_complete = false;
            continue;
        }
        is_complete &= burst.is_whole;
        clarity += burst.clarity_sum;
        bytes_read = bytes_read.saturating_add(u16::try_from(burst.bytes.len()).unwrap_or(u16::MAX));
        let text = match std::str::from_utf8(&burst.bytes) {
            Ok(text) => text,
            // A burst that is cut off may end within a character.
            Err(error) => std::str::from_utf8(burst.bytes.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or(""),
        };
        texts.push(text.to_owned());
    }
    let clarity = clarity / f64::from(bytes_read.max(1));
    #[expect(clippy::cast_possible_truncation, reason = "a value between 0 and 1")]
    let clarity = clarity.clamp(0.0, 1.0) as f32;
    (bytes_read > 0).then(|| ToneText {
        text: crate::recognition::join_texts(texts.iter().map(String::as_str)),
        is_complete,
        clarity,
    })
}

/// The part of the energy of `samples` that lies in the tones of the code, 0 to 1, if they are loud enough to matter.
pub(super) fn presence(samples: &[i16], sample_rate_hz: u32) -> f64 {
    let reader = Reader { samples, rate: f64::from(sample_rate_hz.max(8000)) };
    let window = reader.window(0.0, f64::MAX);
    let total = energy(window);
    if total < LOUD_ENOUGH {
        return 0.0;
    }
    let strongest = reader.powers(window).into_iter().fold([0.0, 0.0], |[first, second]: [f64; 2], power| {
        if power > first { [power, first] } else { [first, second.max(power)] }
    });
    (strongest.iter().sum::<f64>() / total).min(1.0)
}

/// Mean square of a sample, of full scale 1: −45 dB.
const LOUD_ENOUGH: f64 = 3e-5;

/// Pieces of `text` of at most [`BURST_BYTES_MAX`], cut at spaces where there are any.
fn bursts(text: &str) -> Vec<&str> {
    let mut rest = text.trim();
    let mut bursts = Vec::new();
    while !rest.is_empty() {
        let end = if rest.len() <= BURST_BYTES_MAX {
            rest.len()
        } else {
            let limit = rest.floor_char_boundary(BURST_BYTES_MAX);
            rest.get(..limit).and_then(|head| head.rfind(' ')).filter(|at| *at > 0).unwrap_or(limit)
        };
        let (burst, later) = rest.split_at(end);
        bursts.push(burst);
        rest = later.trim_start();
    }
    bursts
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0x5a, |sum: u8, byte| sum.rotate_left(1).wrapping_add(*byte))
}

/// Appends `ms` of `frequencies`, faded over 2 ms at both ends: no clicks, and no step for a codec to smear.
fn tones(frequencies: &[f64], ms: u32, sample_rate_hz: u32, audio: &mut Vec<f32>) {
    let rate = f64::from(sample_rate_hz);
    let count = u64::from(sample_rate_hz) * u64::from(ms) / 1000;
    let fade = rate * 0.002;
    for at in 0..count {
        #[expect(clippy::cast_precision_loss, reason = "sample positions of a short burst")]
        let (at, left) = (at as f64, (count - at) as f64);
        let level = (at / fade).min(left / fade).min(1.0) * AMPLITUDE;
        let value: f64 = frequencies.iter().map(|hz| (TAU * hz * at / rate).sin() * level).sum();
        #[expect(clippy::cast_possible_truncation, reason = "audio samples")]
        audio.push(value as f32);
    }
}

struct Reader<'a> {
    samples: &'a [i16],
    rate: f64,
}

struct Burst {
    bytes: Vec<u8>,
    is_whole: bool,
    clarity_sum: f64,
}

impl Reader<'_> {
    /// Where the first preamble from `from_ms` on ends, in milliseconds.
    fn find_preamble_end(&self, from_ms: f64) -> Option<f64> {
        let mut at = from_ms;
        // Clearly within a preamble …
        while self.preamble_part(at)? < 0.8 {
            at += STEP_MS;
        }
        // … to where half of the window is something else.
        while self.preamble_part(at)? >= 0.5 {
            at += STEP_MS;
        }
        Some(at + WINDOW_MS / 2.0)
    }

    /// The part of the energy of the window at `at_ms` that is the preamble tone; `None` beyond the end.
    fn preamble_part(&self, at_ms: f64) -> Option<f64> {
        let window = self.window(at_ms, WINDOW_MS);
        if window.is_empty() {
            return None;
        }
        let total = energy(window);
        Some(if total < LOUD_ENOUGH { 0.0 } else { self.power(window, PREAMBLE_HZ) / total })
    }

    /// Reads the burst whose bytes begin at `start_ms`; also says where it ends.
    fn read_burst(&self, start_ms: f64) -> (Burst, f64) {
        let mut burst = Burst { bytes: Vec::new(), is_whole: false, clarity_sum: 0.0 };
        let byte_ms = f64::from(BYTE_MS);
        let mut at = start_ms;
        let Some((length, _)) = self.read_byte(at) else { return (burst, at + byte_ms) };
        for _ in 0..length {
            at += byte_ms;
            let Some((byte, clarity)) = self.read_byte(at) else { return (burst, at) };
            burst.bytes.push(byte);
            burst.clarity_sum += clarity;
        }
        at += byte_ms;
        burst.is_whole = self.read_byte(at).is_some_and(|(check, _)| check == sum(&burst.bytes));
        (burst, at + byte_ms)
    }

    /// The byte whose tones begin at `at_ms`, read from their middle, and how clear they are.
    fn read_byte(&self, at_ms: f64) -> Option<(u8, f64)> {
        let window = self.window(at_ms + 6.0, f64::from(BYTE_MS) - 12.0);
        let total = energy(window);
        if total < LOUD_ENOUGH {
            return None;
        }
        let strongest = |hz: fn(u8) -> f64| {
            (0..16u8).map(|half| (half, self.power(window, hz(half)))).max_by(|a, b| a.1.total_cmp(&b.1))
        };
        let (low, low_power) = strongest(low_hz)?;
        let (high, high_power) = strongest(high_hz)?;
        let clarity = ((low_power + high_power) / total).min(1.0);
        (clarity >= 0.4).then_some((low << 4 | high, clarity))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast to integer saturates")]
    fn window(&self, at_ms: f64, length_ms: f64) -> &[i16] {
        let index = |ms: f64| ((ms * self.rate / 1000.0) as usize).min(self.samples.len());
        self.samples.get(index(at_ms)..index(at_ms + length_ms)).unwrap_or_default()
    }

    /// What [`Self::powers`] multiplies with, at the sampling rate.
    fn coefficients(&self) -> [f32; TONES] {
        static AT_8000: OnceLock<[f32; TONES]> = OnceLock::new();
        let make = |rate: f64| {
            let mut coefficients = [0.0_f32; TONES];
            let tones = (0..16).flat_map(|half| [low_hz(half), high_hz(half)]).chain([PREAMBLE_HZ]);
            for (coefficient, hz) in coefficients.iter_mut().zip(tones) {
                #[expect(clippy::cast_possible_truncation, reason = "a value between -2 and 2")]
                let value = (2.0 * (TAU * hz / rate).cos()) as f32;
                *coefficient = value;
            }
            coefficients
        };
        // The rate at which all streams look for the code.
        if self.rate <= 8000.0 { *AT_8000.get_or_init(|| make(8000.0)) } else { make(self.rate) }
    }

    /// [`Self::power`] at every tone of the code, all in one pass: this is done for each frame of each stream.
    fn powers(&self, window: &[i16]) -> [f64; TONES] {
        let coefficients = self.coefficients();
        let (mut last, mut before) = ([0.0_f32; TONES], [0.0_f32; TONES]);
        for sample in window {
            let sample = f32::from(*sample) / 32768.0;
            for ((coefficient, last), before) in coefficients.iter().zip(&mut last).zip(&mut before) {
                let next = sample + coefficient * *last - *before;
                *before = *last;
                *last = next;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "the length of a short window")]
        let length = window.len().max(1) as f64;
        let mut powers = [0.0; TONES];
        for (((power, coefficient), last), before) in powers.iter_mut().zip(coefficients).zip(last).zip(before) {
            let (coefficient, last, before) = (f64::from(coefficient), f64::from(last), f64::from(before));
            *power = 2.0 * (last * last + before * before - coefficient * last * before) / (length * length);
        }
        powers
    }

    /// Mean square of the part of `window` that is a tone of `hz`, full scale 1.
    fn power(&self, window: &[i16], hz: f64) -> f64 {
        let step = TAU * hz / self.rate;
        let coefficient = 2.0 * step.cos();
        let (mut last, mut before) = (0.0, 0.0);
        for sample in window {
            let next = f64::from(*sample) / 32768.0 + coefficient * last - before;
            before = last;
            last = next;
        }
        #[expect(clippy::cast_precision_loss, reason = "the length of a short window")]
        let length = window.len().max(1) as f64;
        2.0 * (last * last + before * before - coefficient * last * before) / (length * length)
    }
}

/// Tones of the code: one of 16 low and one of 16 high ones for a byte, and the preamble's.
const TONES: usize = 33;

/// Step of the search for a preamble.
const STEP_MS: f64 = 2.0;

/// Window of the search for a preamble.
const WINDOW_MS: f64 = 20.0;

/// Mean square, full scale 1.
fn energy(samples: &[i16]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "the length of a short window")]
    let length = samples.len().max(1) as f64;
    samples.iter().map(|sample| (f64::from(*sample) / 32768.0).powi(2)).sum::<f64>() / length
}

#[cfg(test)]
mod tests {
    use media::resample::{resample_all, to_i16};
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str, rate: u32) -> Vec<i16> {
        let mut samples = Vec::new();
        to_i16(&encode(text, rate), &mut samples);
        samples
    }

    #[test]
    fn a_text_is_read_back_at_every_rate() {
        for rate in [8_000, 16_000, 24_000, 48_000] {
            let heard = decode(&said("about six, 大概六分", rate), rate).unwrap();
            assert_eq!(heard.text, "about six, 大概六分");
            assert!(heard.is_complete && heard.clarity > 0.9, "{heard:?}");
        }
    }

    #[test]
    fn a_text_survives_silence_around_it_and_the_change_of_rate() {
        let mut line = vec![0; 1234];
        line.extend(said("yes please", 8000));
        line.extend([0; 999]);
        let wide = resample_all(&line, 8000, 16_000).unwrap();
        assert_eq!(decode(&wide, 16_000).unwrap().text, "yes please");
    }

    #[test]
    fn bursts_in_a_row_are_one_text() {
        let mut line = said("one two", 8000);
        line.extend(said("three", 8000));
        assert_eq!(decode(&line, 8000).unwrap().text, "one two three");
        let long = "word ".repeat(100);
        assert_eq!(decode(&said(&long, 8000), 8000).unwrap().text, long.trim());
    }

    #[test]
    fn a_burst_that_is_cut_off_is_read_as_far_as_it_goes() {
        let whole = said("大概六分", 8000);
        let cut = &whole[..8 * (120 + 40 + 40 * 7)];
        let heard = decode(cut, 8000).unwrap();
        assert_eq!((heard.text.as_str(), heard.is_complete), ("大概", false));
    }

    #[test]
    fn other_sound_says_nothing() {
        assert_eq!(decode(&[0; 8000], 8000), None);
        let mut state = 1u32;
        let noise: Vec<i16> = (0..16_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) as i16 / 4
            })
            .collect();
        assert_eq!(decode(&noise, 8000), None);
        assert!(presence(&noise[..160], 8000) < 0.4);
        assert!(presence(&said("hello", 8000)[1000..1160], 8000) > 0.6);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_text_is_read_back(text in "[a-z0-9 ,.?é你好\u{1f600}]{1,40}", offset in 0usize..400) {
            let text = text.trim();
            prop_assume!(!text.is_empty());
            let mut line = vec![0; offset];
            line.extend(said(text, 8000));
            prop_assert_eq!(decode(&line, 8000).unwrap().text, text);
        }
    }
}
