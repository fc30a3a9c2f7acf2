//! Brings a leg's audio to the recognizer's rate.

use media::Resampler;
use media::resample::{to_f32, to_i16};

use super::decode::RATE_HZ;

/// A converter for one stream. The usual rates take the quick ways: what is heard must not wait for a long filter.
pub(super) enum Source {
    /// 16 kHz is taken as it is.
    Same,
    /// 8 kHz is doubled, with a delay of 1 ms.
    Doubled(Doubler),
    /// Any other rate, with a delay of some 60 ms.
    Resampled { resampler: Box<Resampler>, sample_rate_hz: u32 },
}

impl Source {
    /// A converter from `sample_rate_hz`; `None` when it cannot be used.
    pub(super) fn new(sample_rate_hz: u32) -> Option<Self> {
        match sample_rate_hz {
            RATE_HZ => Some(Self::Same),
            8_000 => Some(Self::Doubled(Doubler::new())),
            8_001..=48_000 => {
                let resampler = Box::new(Resampler::new(sample_rate_hz, RATE_HZ).ok()?);
                Some(Self::Resampled { resampler, sample_rate_hz })
            }
            _ => None,
        }
    }

    /// Samples of 20 ms as they come in.
    pub(super) fn frame_samples(&self) -> usize {
        match self {
            Self::Same => RATE_HZ as usize / 50,
            Self::Doubled(_) => RATE_HZ as usize / 100,
            Self::Resampled { sample_rate_hz, .. } => *sample_rate_hz as usize / 50,
        }
    }

    /// Converts the next samples.
    pub(super) fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        match self {
            Self::Same => out.extend_from_slice(samples),
            Self::Doubled(doubler) => doubler.push(samples, out),
            Self::Resampled { resampler, .. } => {
                let (mut source, mut resampled) = (Vec::with_capacity(samples.len()), Vec::new());
                to_f32(samples, &mut source);
                resampler.push(&source, &mut resampled);
                to_i16(&resampled, out);
            }
        }
    }

    /// Gives what was held back.
    pub(super) fn finish(&mut self, out: &mut Vec<i16>) {
        match self {
            Self::Same => {}
            Self::Doubled(doubler) => doubler.push(&[0; HALF_TAPS], out),
            Self::Resampled { resampler, .. } => {
                let mut rest = Vec::new();
                resampler.finish(&mut rest);
                to_i16(&rest, out);
            }
        }
    }
}

/// Input samples on each side of an interpolated one.
const HALF_TAPS: usize = 8;

/// Doubles the rate: the given samples, and between them what a windowed sinc says.
pub(super) struct Doubler {
    taps: [f32; 2 * HALF_TAPS],
    /// The last input samples, oldest first, and behind them those that are converted.
    input: Vec<f32>,
    between: Vec<f32>,
}

impl Doubler {
    fn new() -> Self {
        let mut taps = [0.0; 2 * HALF_TAPS];
        #[expect(clippy::cast_precision_loss, reason = "small indices")]
        for (index, tap) in taps.iter_mut().enumerate() {
            let distance = index as f32 - HALF_TAPS as f32 + 0.5;
            let window = 0.54 + 0.46 * (std::f32::consts::PI * distance / HALF_TAPS as f32).cos();
            *tap = (std::f32::consts::PI * distance).sin() / (std::f32::consts::PI * distance) * window;
        }
        let sum: f32 = taps.iter().sum();
        for tap in &mut taps {
            *tap /= sum;
        }
        Self { taps, input: vec![0.0; 2 * HALF_TAPS - 1], between: Vec::new() }
    }

    fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        let Self { taps, input, between } = self;
        input.extend(samples.iter().copied().map(f32::from));
        between.clear();
        between.resize(samples.len(), 0.0);
        // Tap by tap, so that many sums are made at a time.
        for (offset, tap) in taps.iter().enumerate() {
            for (sum, sample) in between.iter_mut().zip(input.iter().skip(offset)) {
                *sum += tap * sample;
            }
        }
        // Casts saturate at full scale.
        #[expect(clippy::cast_possible_truncation, reason = "audio samples")]
        for (given, between) in input.iter().skip(HALF_TAPS - 1).zip(&*between) {
            out.extend([*given as i16, between.round() as i16]);
        }
        input.drain(..samples.len());
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    #[test]
    fn doubling_keeps_a_tone_a_tone() {
        for hz in [300.0, 1000.0, 2500.0, 3300.0] {
            let tone = |rate: f64, n: usize| (10_000.0 * (TAU * hz * n as f64 / rate).sin()) as f32;
            let input: Vec<i16> = (0..800).map(|n| tone(8000.0, n) as i16).collect();
            let mut output = Vec::new();
            let mut source = Source::new(8000).unwrap();
            source.push(&input, &mut output);
            source.finish(&mut output);
            // One millisecond of delay, then what the tone is at the double rate.
            let delay = 2 * HALF_TAPS;
            let worst =
                (200..1400).map(|n| (f32::from(output[n + delay]) - tone(16_000.0, n)).abs()).fold(0.0, f32::max);
            assert!(worst < 900.0, "{hz} Hz is off by {worst}");
        }
    }

    #[test]
    fn impossible_rates_are_refused() {
        assert!(Source::new(0).is_none() && Source::new(7999).is_none() && Source::new(48_001).is_none());
        assert_eq!(Source::new(44_100).unwrap().frame_samples(), 882);
    }
}
