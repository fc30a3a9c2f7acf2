//! Changing the sampling rate of a stream, off the media threads.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};

/// Input samples per step, roughly: small enough for a stream, large enough for a steep filter.
const CHUNK_SAMPLES: usize = 512;

/// The longest step accepted. Rates with a small common divisor need long ones; those of audio do not.
const STEP_SAMPLES_MAX: usize = 8192;

/// The highest rate accepted.
const RATE_HZ_MAX: u32 = 192_000;

/// The two rates cannot be converted: one is zero, or above 192 kHz, or their ratio is an odd one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnsupportedRates {
    /// Samples per second given.
    pub from_hz: u32,
    /// Samples per second wanted.
    pub to_hz: u32,
}

impl std::fmt::Display for UnsupportedRates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot resample from {} Hz to {} Hz", self.from_hz, self.to_hz)
    }
}

impl std::error::Error for UnsupportedRates {}

/// Converts one stream, piece by piece, in bounded memory. The output is aligned with the input: no delay is added at
/// the front, and none is lost at the end.
pub struct Resampler {
    from_hz: u32,
    to_hz: u32,
    /// `None` copies.
    filter: Option<Filter>,
    samples_in: u64,
    samples_out: u64,
}

struct Filter {
    fft: Fft<f32>,
    /// Input of less than a step.
    pending: Vec<f32>,
    scratch: Vec<f32>,
    /// Output samples still to be dropped: the filter's delay.
    to_skip: usize,
}

impl Resampler {
    /// A resampler at the beginning of a stream. Equal rates copy.
    ///
    /// # Errors
    /// [`UnsupportedRates`].
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Self, UnsupportedRates> {
        let refused = UnsupportedRates { from_hz, to_hz };
        if from_hz == 0 || to_hz == 0 || from_hz.max(to_hz) > RATE_HZ_MAX {
            return Err(refused);
        }
        let filter = if from_hz == to_hz { None } else { Some(Filter::new(from_hz, to_hz).ok_or(refused)?) };
        Ok(Self { from_hz, to_hz, filter, samples_in: 0, samples_out: 0 })
    }

    /// Takes `input` (full scale is ±1.0) and appends to `output` what is ready.
    pub fn push(&mut self, input: &[f32], output: &mut Vec<f32>) {
        self.samples_in += input.len() as u64;
        let before = output.len();
        match &mut self.filter {
            None => output.extend_from_slice(input),
            Some(filter) => filter.push(input, output),
        }
        self.samples_out += (output.len() - before) as u64;
    }

    /// The stream is over: appends what remains. In total `⌈input · to / from⌉` samples have come out. The resampler
    /// is at the beginning of a new stream afterwards.
    pub fn finish(&mut self, output: &mut Vec<f32>) {
        let wanted = (self.samples_in * u64::from(self.to_hz)).div_ceil(u64::from(self.from_hz));
        let mut missing = usize::try_from(wanted.saturating_sub(self.samples_out)).unwrap_or(0);
        if let Some(filter) = &mut self.filter {
            let mut tail = Vec::new();
            while missing > 0 {
                filter.flush(&mut tail);
                let kept = tail.get(..missing.min(tail.len())).unwrap_or_default();
                output.extend_from_slice(kept);
                missing -= kept.len();
                tail.clear();
            }
            filter.reset();
        }
        self.samples_in = 0;
        self.samples_out = 0;
    }
}

impl Filter {
    fn new(from_hz: u32, to_hz: u32) -> Option<Self> {
        // Steps of an even number of samples on both sides, so that the delay, half a step, is a whole number.
        let unit = 2 * from_hz as usize / greatest_common_divisor(from_hz, to_hz) as usize;
        if unit > STEP_SAMPLES_MAX {
            return None;
        }
        let chunk = unit * CHUNK_SAMPLES.div_ceil(unit);
        let window = WindowFunction::BlackmanHarris2;
        let fft = Fft::new_custom(from_hz as usize, to_hz as usize, chunk, 1, 1, window, FixedSync::Both).ok()?;
        let to_skip = fft.output_delay();
        Some(Self { scratch: vec![0.0; fft.output_frames_max()], fft, pending: Vec::new(), to_skip })
    }

    fn push(&mut self, mut input: &[f32], output: &mut Vec<f32>) {
        let step = self.fft.input_frames_next();
        if !self.pending.is_empty() {
            let (head, rest) = input.split_at(input.len().min(step.saturating_sub(self.pending.len())));
            self.pending.extend_from_slice(head);
            input = rest;
            if self.pending.len() < step {
                return;
            }
            let mut pending = std::mem::take(&mut self.pending);
            self.step(&pending, output);
            pending.clear();
            self.pending = pending;
        }
        let mut steps = input.chunks_exact(step);
        for samples in &mut steps {
            self.step(samples, output);
        }
        self.pending.extend_from_slice(steps.remainder());
    }

    /// One step of what is pending and silence behind it.
    fn flush(&mut self, output: &mut Vec<f32>) {
        let mut pending = std::mem::take(&mut self.pending);
        pending.resize(self.fft.input_frames_next(), 0.0);
        self.step(&pending, output);
        pending.clear();
        self.pending = pending;
    }

    fn step(&mut self, samples: &[f32], output: &mut Vec<f32>) {
        let room = self.scratch.len();
        let input = InterleavedSlice::new(samples, 1, samples.len());
        let target = InterleavedSlice::new_mut(&mut self.scratch, 1, room);
        // Both buffers have the sizes that the filter asked for, the only thing it can object to.
        let (Ok(input), Ok(mut target)) = (input, target) else { return };
        let Ok((_, made)) = self.fft.process_into_buffer(&input, &mut target, None) else { return };
        let skipped = self.to_skip.min(made);
        self.to_skip -= skipped;
        output.extend_from_slice(self.scratch.get(skipped..made).unwrap_or_default());
    }

    fn reset(&mut self) {
        self.fft.reset();
        self.pending.clear();
        self.to_skip = self.fft.output_delay();
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a.max(1) } else { greatest_common_divisor(b, a % b) }
}

/// Appends 16-bit samples as floating point, full scale ±1.0.
pub fn to_f32(samples: &[i16], output: &mut Vec<f32>) {
    output.extend(samples.iter().map(|sample| f32::from(*sample) / 32768.0));
}

/// Appends floating point samples as 16-bit ones, rounded, clipped at full scale.
pub fn to_i16(samples: &[f32], output: &mut Vec<i16>) {
    // A float to integer cast saturates, and maps NaN to 0.
    output.extend(samples.iter().map(|sample| (sample * 32768.0).round() as i16));
}

/// Writes floating point samples as 16-bit ones over `output`, as [`to_i16`] does; the shorter of the two decides.
pub(crate) fn to_i16_into(samples: &[f32], output: &mut [i16]) {
    for (written, sample) in output.iter_mut().zip(samples) {
        *written = (sample * 32768.0).round() as i16;
    }
}

/// Converts a whole recording.
///
/// # Errors
/// [`UnsupportedRates`].
pub fn resample_all(samples: &[i16], from_hz: u32, to_hz: u32) -> Result<Vec<i16>, UnsupportedRates> {
    let mut resampler = Resampler::new(from_hz, to_hz)?;
    let (mut input, mut output, mut converted) = (Vec::new(), Vec::new(), Vec::new());
    to_f32(samples, &mut input);
    resampler.push(&input, &mut output);
    resampler.finish(&mut output);
    to_i16(&output, &mut converted);
    Ok(converted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIRS: [(u32, u32); 8] = [
        (8000, 16_000),
        (16_000, 8000),
        (22_050, 8000),
        (22_050, 16_000),
        (24_000, 8000),
        (24_000, 16_000),
        (44_100, 8000),
        (8000, 8000),
    ];

    fn tone(hz: f64, rate_hz: u32, samples: usize) -> Vec<f32> {
        (0..samples)
            .map(|n| (0.5 * (n as f64 * hz * std::f64::consts::TAU / f64::from(rate_hz)).sin()) as f32)
            .collect()
    }

    fn converted(input: &[f32], from_hz: u32, to_hz: u32, piece: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(from_hz, to_hz).unwrap();
        let mut output = Vec::new();
        for piece in input.chunks(piece) {
            resampler.push(piece, &mut output);
        }
        resampler.finish(&mut output);
        output
    }

    #[test]
    fn a_tone_stays_in_place_at_every_pair_of_rates() {
        for (from_hz, to_hz) in PAIRS {
            let input = tone(700.0, from_hz, from_hz as usize);
            let output = converted(&input, from_hz, to_hz, 441);
            let expected = tone(700.0, to_hz, to_hz as usize);
            assert_eq!(output.len(), expected.len(), "{from_hz} to {to_hz}");
            // The ends ring, since the tone starts and stops there.
            let edge = to_hz as usize / 10;
            for at in edge..expected.len() - edge {
                let error = (output[at] - expected[at]).abs();
                assert!(error < 0.005, "{from_hz} to {to_hz}: {error} at {at}");
            }
        }
    }

    #[test]
    fn the_length_is_exact_for_every_input_length() {
        for (from_hz, to_hz) in PAIRS {
            for length in [0, 1, 159, 160, 511, 512, 513, 2000] {
                let output = converted(&vec![0.1; length], from_hz, to_hz, 160);
                let expected = (length as u64 * u64::from(to_hz)).div_ceil(u64::from(from_hz));
                assert_eq!(output.len() as u64, expected, "{length} samples, {from_hz} to {to_hz}");
            }
        }
    }

    #[test]
    fn the_size_of_the_pieces_changes_nothing() {
        let input = tone(1000.0, 24_000, 5000);
        let whole = converted(&input, 24_000, 8000, 5000);
        for piece in [1, 7, 480, 1024] {
            assert_eq!(converted(&input, 24_000, 8000, piece), whole);
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_removed() {
        let output = converted(&tone(6000.0, 24_000, 24_000), 24_000, 8000, 480);
        let loudest = output[800..7200].iter().fold(0.0f32, |loudest, sample| loudest.max(sample.abs()));
        assert!(loudest < 0.001, "{loudest}");
    }

    /// What becomes of a tone: the level of the tone itself, and of everything else, in decibels against what went in.
    fn through(hz: f64, from_hz: u32, to_hz: u32) -> (f64, f64) {
        let output = converted(&tone(hz, from_hz, from_hz as usize / 2), from_hz, to_hz, 480);
        let middle = &output[output.len() / 4..output.len() / 4 * 3];
        let (mut sine, mut cosine, mut all) = (0.0, 0.0, 0.0);
        for (at, sample) in middle.iter().enumerate() {
            let turn = at as f64 * hz * std::f64::consts::TAU / f64::from(to_hz);
            sine += f64::from(*sample) * turn.sin();
            cosine += f64::from(*sample) * turn.cos();
            all += f64::from(*sample).powi(2);
        }
        let count = middle.len() as f64;
        let kept = 2.0 * (sine * sine + cosine * cosine) / (count * count);
        let power = |mean_square: f64| 10.0 * (mean_square.max(1e-20) / 0.125).log10();
        (power(kept), power((all / count - kept).abs()))
    }

    /// The quality that `docs/protocol/rtp.md` tells.
    #[test]
    fn the_band_is_flat_and_nothing_is_folded_into_it() {
        for (from_hz, to_hz) in PAIRS.into_iter().filter(|(from_hz, to_hz)| from_hz != to_hz) {
            let band = f64::from(from_hz.min(to_hz)) / 2.0;
            // Whole periods fit the half second that is looked at, at every rate.
            for hz in
                (1..=17).map(|step| (band * 0.05 * f64::from(step) / 100.0).floor() * 100.0).filter(|hz| *hz > 0.0)
            {
                let (kept, added) = through(hz, from_hz, to_hz);
                assert!(kept.abs() < 0.1, "{from_hz} to {to_hz}: {hz} Hz changes by {kept} dB");
                assert!(added < -60.0, "{from_hz} to {to_hz}: {added} dB beside {hz} Hz");
            }
            // Beyond the band of the lower rate nothing is left to be folded back.
            let above =
                (1..20).map(|step| band * (1.1 + 0.1 * f64::from(step))).filter(|hz| *hz < f64::from(from_hz) / 2.0);
            for hz in above {
                let (kept, folded) = through(hz, from_hz, to_hz);
                assert!(kept < -60.0 && folded < -60.0, "{from_hz} to {to_hz}: {hz} Hz leaves {kept} and {folded} dB");
            }
        }
    }

    #[test]
    fn a_resampler_can_be_used_again() {
        let input = tone(500.0, 8000, 1234);
        let mut resampler = Resampler::new(8000, 16_000).unwrap();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        resampler.push(&input, &mut first);
        resampler.finish(&mut first);
        resampler.push(&input, &mut second);
        resampler.finish(&mut second);
        assert_eq!(first, second);
    }

    #[test]
    fn impossible_rates_are_refused() {
        for (from_hz, to_hz) in [(0, 8000), (8000, 0), (8000, 400_000), (44_101, 8000)] {
            assert!(Resampler::new(from_hz, to_hz).is_err());
        }
    }

    #[test]
    fn loud_samples_clip() {
        let mut samples = Vec::new();
        to_i16(&[1.5, -1.5, f32::NAN, 0.5], &mut samples);
        assert_eq!(samples, [i16::MAX, i16::MIN, 0, 16_384]);
    }
}
