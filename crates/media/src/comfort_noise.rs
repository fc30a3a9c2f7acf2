//! Comfort noise (RFC 3389): its level on the wire, and noise of a level.

/// The static payload type, at a clock of 8 kHz (RFC 3551, table 4).
pub(crate) const STATIC_PAYLOAD_TYPE: u8 = 13;

/// The level of our own noise: there, and faint enough to be nobody's voice.
pub(crate) const LEVEL: Level = Level(62);

/// A noise level as it travels: decibels below overload, 0 to 127 (RFC 3389, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level(pub(crate) u8);

impl Level {
    /// The level in a payload; the shape of the spectrum after it is not used. `None` when there is none.
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        payload.first().map(|octet| Self(octet & 0x7f))
    }

    /// The payload that says it, with a flat spectrum.
    pub(crate) fn to_octets(self) -> [u8; 1] {
        [self.0 & 0x7f]
    }
}

/// White noise.
#[derive(Debug, Clone)]
pub(crate) struct Noise {
    random: u32,
}

impl Noise {
    /// Another noise for each seed.
    pub(crate) fn new(seed: u32) -> Self {
        Self { random: seed | 1 }
    }

    /// Fills `samples` with noise of that level: the mean square is so far below that of full scale.
    pub(crate) fn fill(&mut self, level: Level, samples: &mut [i16]) {
        // Evenly distributed numbers reach three times their mean square.
        let peak = 32_767.0 * 3_f32.sqrt() * 10_f32.powf(f32::from(level.0) / -20.0);
        for sample in samples {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 17;
            self.random ^= self.random << 5;
            let even = (self.random >> 8) as f32 / 8_388_608.0 - 1.0;
            *sample = (even * peak).clamp(-32_767.0, 32_767.0) as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_its_level() {
        for level in [20, 40, 62] {
            let mut samples = [0; 16_000];
            Noise::new(7).fill(Level(level), &mut samples);
            let power = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / 16_000.0;
            let below = -10.0 * (power / 32_767_f64.powi(2)).log10();
            assert!((below - f64::from(level)).abs() < 0.5, "{below} dB, not {level}");
        }
    }

    #[test]
    fn rtp_007_the_level_is_the_first_octet_without_its_upper_bit() {
        assert_eq!(Level::parse(&[0xc0, 1, 2]), Some(Level(0x40)));
        assert_eq!(Level::parse(&[]), None);
        assert_eq!(Level::parse(&LEVEL.to_octets()), Some(LEVEL));
    }
}
