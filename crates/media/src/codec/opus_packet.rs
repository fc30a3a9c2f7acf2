//! How much audio an Opus packet holds (RFC 6716, section 3.1).

use super::ClockRate;

/// A packet holds 120 ms at most (RFC 6716, section 3.2.5, R5).
const PACKET_MS_MAX: u32 = 120;

/// Samples in `packet`, for each channel; 0 when it is empty or says more than the format allows.
pub(super) fn samples(packet: &[u8], sampling_rate: ClockRate) -> usize {
    let [toc, rest @ ..] = packet else { return 0 };
    let frames = match (toc & 0b11, rest) {
        (0, _) => 1,
        (1 | 2, _) => 2,
        (_, [count, ..]) => u32::from(count & 0x3f),
        (_, []) => return 0,
    };
    // The shortest frame, 2.5 ms, is 20 samples at 8 kHz and 40 at 16 kHz.
    let unit = sampling_rate.hz() / 400;
    let units = match toc >> 3 {
        config @ 0..=11 => match config & 0b11 {
            0 => 4,
            1 => 8,
            2 => 16,
            _ => 24,
        },
        config @ 12..=15 => 4 << (config & 1),
        config => 1 << (config & 0b11),
    };
    let samples = frames * units * unit;
    if samples > PACKET_MS_MAX * sampling_rate.samples_per_ms() { 0 } else { samples as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_octet_tells_the_length() {
        let at = |packet: &[u8]| samples(packet, ClockRate::Hz16000);
        assert_eq!(at(&[]), 0);
        assert_eq!(at(&[0b0000_1000, 1]), 320, "SILK, 20 ms");
        assert_eq!(at(&[0b0001_1000, 1]), 960, "SILK, 60 ms");
        assert_eq!(at(&[0b0110_1001, 1]), 640, "hybrid, two frames of 20 ms");
        assert_eq!(at(&[0b1000_0000, 1]), 40, "CELT, 2.5 ms");
        assert_eq!(at(&[0b1111_1011, 6, 1]), 1920, "CELT, six frames of 20 ms");
        assert_eq!(at(&[0b1111_1011, 7, 1]), 0, "more than 120 ms");
        assert_eq!(at(&[0b1111_1011]), 0, "a count of frames is missing");
    }
}
