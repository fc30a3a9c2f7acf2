//! Payload encodings: 16-bit linear samples to RTP payload octets and back (RFC 3551, sections 4.5.11 and 4.5.14).

use audio_codec::pcma::{PcmaDecoder, PcmaEncoder};
use audio_codec::pcmu::{PcmuDecoder, PcmuEncoder};
use audio_codec::{Decoder, Encoder};

/// The sampling rate of a leg, which is also its RTP clock rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClockRate {
    /// 8 kHz, narrow band.
    Hz8000,
    /// 16 kHz, wide band.
    Hz16000,
}

impl ClockRate {
    /// The rate named in an `a=rtpmap` line, if we can serve it.
    pub fn from_hz(hz: u32) -> Option<Self> {
        match hz {
            8000 => Some(Self::Hz8000),
            16000 => Some(Self::Hz16000),
            _ => None,
        }
    }

    /// Samples, and RTP timestamp units, per second.
    pub fn hz(self) -> u32 {
        match self {
            Self::Hz8000 => 8000,
            Self::Hz16000 => 16000,
        }
    }

    /// Samples in one millisecond: 8 or 16.
    pub fn samples_per_ms(self) -> u32 {
        match self {
            Self::Hz8000 => 8,
            Self::Hz16000 => 16,
        }
    }
}

/// How samples are written into an RTP payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 µ-law, one octet per sample.
    Pcmu,
    /// G.711 A-law, one octet per sample.
    Pcma,
    /// 16-bit two's complement in network byte order, two octets per sample.
    L16,
}

impl Codec {
    /// The codec with this `a=rtpmap` encoding name, compared without case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Pcmu, Self::Pcma, Self::L16].into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// The encoding name of `a=rtpmap`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::L16 => "L16",
        }
    }

    /// The static payload type at 8 kHz (RFC 3551, table 4); `None` for encodings that need a dynamic one.
    pub fn static_payload_type(self) -> Option<u8> {
        match self {
            Self::Pcmu => Some(0),
            Self::Pcma => Some(8),
            Self::L16 => None,
        }
    }

    /// Octets that one sample takes in the payload.
    pub fn octets_per_sample(self) -> usize {
        match self {
            Self::Pcmu | Self::Pcma => 1,
            Self::L16 => 2,
        }
    }

    /// Samples held by a payload of `octets`. An odd last octet of L16 holds none.
    pub fn samples_in(self, octets: usize) -> usize {
        octets / self.octets_per_sample()
    }

    /// Appends the encoded `samples` to `payload`.
    pub fn encode(self, samples: &[i16], payload: &mut Vec<u8>) {
        let start = payload.len();
        payload.resize(start + samples.len() * self.octets_per_sample(), 0);
        let target = payload.get_mut(start..).unwrap_or_default();
        match self {
            // The target has exactly one octet per sample, the only thing these two can object to.
            Self::Pcmu => _ = PcmuEncoder::new().encode_into(samples, target),
            Self::Pcma => _ = PcmaEncoder::new().encode_into(samples, target),
            Self::L16 => {
                for (octets, sample) in target.chunks_exact_mut(2).zip(samples) {
                    octets.copy_from_slice(&sample.to_be_bytes());
                }
            }
        }
    }

    /// Appends the samples of `payload` to `samples`. Never fails: every octet is a sample, and an odd last octet of
    /// L16 is ignored.
    pub fn decode(self, payload: &[u8], samples: &mut Vec<i16>) {
        let start = samples.len();
        samples.resize(start + self.samples_in(payload.len()), 0);
        let target = samples.get_mut(start..).unwrap_or_default();
        match self {
            Self::Pcmu => _ = PcmuDecoder::new().decode_into(payload, target),
            Self::Pcma => _ = PcmaDecoder::new().decode_into(payload, target),
            Self::L16 => {
                for (sample, octets) in target.iter_mut().zip(payload.chunks_exact(2)) {
                    if let Ok(octets) = <[u8; 2]>::try_from(octets) {
                        *sample = i16::from_be_bytes(octets);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(codec: Codec, samples: &[i16]) -> Vec<i16> {
        let (mut payload, mut decoded) = (Vec::new(), Vec::new());
        codec.encode(samples, &mut payload);
        assert_eq!(payload.len(), samples.len() * codec.octets_per_sample());
        codec.decode(&payload, &mut decoded);
        decoded
    }

    #[test]
    fn l16_keeps_every_sample() {
        let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        assert_eq!(through(Codec::L16, &samples), samples);
    }

    #[test]
    fn g711_is_stable_after_one_pass() {
        // What one pass made of a sample, a second pass leaves alone, so transcoding does not wear the audio down.
        for codec in [Codec::Pcmu, Codec::Pcma] {
            let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
            let once = through(codec, &samples);
            let changed = through(codec, &once).into_iter().zip(once).find(|(twice, once)| twice != once);
            // The A-law encoder takes -8..0 for 0: the least step loses its sign, once.
            assert_eq!(changed, (codec == Codec::Pcma).then_some((8, -8)), "{codec:?}");
        }
    }

    #[test]
    fn g711_error_stays_under_the_quantization_step() {
        for codec in [Codec::Pcmu, Codec::Pcma] {
            let samples: Vec<i16> = (-32000..=32000).collect();
            for (sent, heard) in samples.iter().zip(through(codec, &samples)) {
                let error = (i32::from(*sent) - i32::from(heard)).abs();
                assert!(error <= 16 + i32::from(*sent).abs() / 16, "{codec:?} {sent} became {heard}");
            }
        }
    }

    #[test]
    fn g711_matches_the_published_codes() {
        let mut payload = Vec::new();
        Codec::Pcmu.encode(&[0, 32767, -32768], &mut payload);
        assert_eq!(payload, [0xff, 0x80, 0x00]);
        payload.clear();
        Codec::Pcma.encode(&[0, 32767, -32768], &mut payload);
        assert_eq!(payload, [0xd5, 0xaa, 0x2a]);
    }

    #[test]
    fn an_odd_octet_of_l16_is_no_sample() {
        let mut samples = Vec::new();
        Codec::L16.decode(&[0x01, 0x02, 0x03], &mut samples);
        assert_eq!(samples, [0x0102]);
    }
}
