//! Payload encodings: 16-bit linear samples to RTP payload octets and back (RFC 3551, section 4.5; RFC 7587 for Opus).
//!
//! A [`Codec`] is a name and its numbers; what keeps state between packets is an [`Encoder`] or a [`Decoder`] of a leg.

mod decoder;
mod encoder;
mod opus_packet;

pub use decoder::Decoder;
pub use encoder::Encoder;

/// The sampling rate of a leg. Most codecs count their RTP timestamps in it; see [`Codec::timestamp_hz`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClockRate {
    /// 8 kHz, narrow band.
    Hz8000,
    /// 16 kHz, wide band.
    Hz16000,
}

impl ClockRate {
    /// The rate of so many samples per second, if we can serve it.
    pub fn from_hz(hz: u32) -> Option<Self> {
        match hz {
            8000 => Some(Self::Hz8000),
            16000 => Some(Self::Hz16000),
            _ => None,
        }
    }

    /// Samples per second.
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
    /// G.722 at 64 kbit/s: 16 kHz audio, an octet for two samples, timestamps at 8 kHz (RFC 3551, section 4.5.2).
    G722,
    /// Opus, one channel (RFC 7587): here at 16 kHz, timestamps at 48 kHz.
    Opus,
}

impl Codec {
    /// Every codec.
    pub const ALL: [Self; 5] = [Self::Pcmu, Self::Pcma, Self::L16, Self::G722, Self::Opus];

    /// The codec with this `a=rtpmap` encoding name, compared without case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// The encoding name of `a=rtpmap`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::L16 => "L16",
            Self::G722 => "G722",
            Self::Opus => "opus",
        }
    }

    /// The static payload type at 8 kHz (RFC 3551, table 4); `None` for encodings that need a dynamic one.
    pub fn static_payload_type(self) -> Option<u8> {
        match self {
            Self::Pcmu => Some(0),
            Self::Pcma => Some(8),
            Self::G722 => Some(9),
            Self::L16 | Self::Opus => None,
        }
    }

    /// The sampling rate of a leg whose `a=rtpmap` names this codec with the clock rate `rtpmap_hz`; `None` where we
    /// cannot serve that.
    pub fn sampling_rate(self, rtpmap_hz: u32) -> Option<ClockRate> {
        match (self, rtpmap_hz) {
            (Self::Pcmu | Self::Pcma, 8000) => Some(ClockRate::Hz8000),
            (Self::L16, hz) => ClockRate::from_hz(hz),
            (Self::G722, 8000) | (Self::Opus, 48_000) => Some(ClockRate::Hz16000),
            _ => None,
        }
    }

    /// RTP timestamp units per second on a leg with that sampling rate: what `a=rtpmap` says.
    pub fn timestamp_hz(self, sampling_rate: ClockRate) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma | Self::L16 => sampling_rate.hz(),
            Self::G722 => 8_000,
            Self::Opus => 48_000,
        }
    }

    /// Samples held by a payload, for each channel, without decoding it; 0 for one that holds none or is malformed.
    /// An odd last octet of L16 holds none.
    pub fn samples_in(self, payload: &[u8], sampling_rate: ClockRate) -> usize {
        match self {
            Self::Pcmu | Self::Pcma => payload.len(),
            Self::L16 => payload.len() / 2,
            Self::G722 => payload.len().saturating_mul(2),
            Self::Opus => opus_packet::samples(payload, sampling_rate),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(codec: Codec, samples: &[i16]) -> Vec<i16> {
        let (mut payload, mut decoded) = (Vec::new(), Vec::new());
        Encoder::new(codec, ClockRate::Hz8000).encode(samples, &mut payload);
        assert_eq!(codec.samples_in(&payload, ClockRate::Hz8000), samples.len());
        Decoder::new(codec, ClockRate::Hz8000).decode(&payload, &mut decoded);
        decoded
    }

    #[test]
    fn rtp_002_l16_keeps_every_sample() {
        let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        assert_eq!(through(Codec::L16, &samples), samples);
    }

    #[test]
    fn rtp_001_g711_is_stable_after_one_pass() {
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
    fn rtp_001_g711_matches_the_published_codes() {
        let mut payload = Vec::new();
        Encoder::new(Codec::Pcmu, ClockRate::Hz8000).encode(&[0, 32767, -32768], &mut payload);
        assert_eq!(payload, [0xff, 0x80, 0x00]);
        payload.clear();
        Encoder::new(Codec::Pcma, ClockRate::Hz8000).encode(&[0, 32767, -32768], &mut payload);
        assert_eq!(payload, [0xd5, 0xaa, 0x2a]);
    }

    #[test]
    fn an_odd_octet_of_l16_is_no_sample() {
        let mut samples = Vec::new();
        Decoder::new(Codec::L16, ClockRate::Hz16000).decode(&[0x01, 0x02, 0x03], &mut samples);
        assert_eq!(samples, [0x0102]);
    }

    /// Packets of `ms` of a sweep through the telephone band, as they are heard after coding.
    fn streamed(codec: Codec, ms: usize) -> (Vec<i16>, Vec<i16>) {
        let rate = ClockRate::Hz16000;
        let sent: Vec<i16> = (0..16_000 * 2)
            .map(|at| {
                let seconds = f64::from(at) / 16_000.0;
                let hz = 200.0 + 700.0 * seconds;
                ((std::f64::consts::TAU * hz * seconds).sin() * 8_000.0) as i16
            })
            .collect();
        let (mut encoder, mut decoder) = (Encoder::new(codec, rate), Decoder::new(codec, rate));
        let (mut payload, mut heard) = (Vec::new(), Vec::new());
        for frame in sent.chunks_exact(ms * 16) {
            payload.clear();
            encoder.encode(frame, &mut payload);
            assert_eq!(codec.samples_in(&payload, rate), frame.len(), "{codec:?}, {ms} ms");
            decoder.decode(&payload, &mut heard);
        }
        (sent, heard)
    }

    /// The best correlation of what is heard with what was sent, over the delays that a codec may have.
    fn likeness(sent: &[i16], heard: &[i16]) -> f64 {
        let at = |delay: usize| {
            let pairs = sent.iter().skip(1600).zip(heard.iter().skip(1600 + delay)).take(24_000);
            let (mut cross, mut one, mut two) = (0.0, 0.0, 0.0);
            for (sent, heard) in pairs {
                let (sent, heard) = (f64::from(*sent), f64::from(*heard));
                cross += sent * heard;
                one += sent * sent;
                two += heard * heard;
            }
            cross / (one * two).sqrt()
        };
        (0..300).map(at).fold(0.0, f64::max)
    }

    #[test]
    fn rtp_002_g722_and_opus_are_heard_as_they_were_sent() {
        for ms in [10, 20, 30, 40, 60] {
            let (sent, heard) = streamed(Codec::G722, ms);
            assert!(likeness(&sent, &heard) > 0.99, "G.722 {ms} ms: {}", likeness(&sent, &heard));
        }
        for ms in [10, 20, 40, 60] {
            let (sent, heard) = streamed(Codec::Opus, ms);
            assert!(likeness(&sent, &heard) > 0.95, "Opus {ms} ms: {}", likeness(&sent, &heard));
        }
    }

    #[test]
    fn timestamps_count_as_the_payload_formats_say() {
        let rate = ClockRate::Hz16000;
        let counted = Codec::ALL.map(|codec| codec.timestamp_hz(rate));
        assert_eq!(counted, [16_000, 16_000, 16_000, 8_000, 48_000]);
        assert_eq!(Codec::Opus.sampling_rate(48_000), Some(rate));
        assert_eq!(Codec::G722.sampling_rate(8_000), Some(rate), "RFC 3551 keeps the wrong clock rate of G.722");
        assert_eq!(Codec::G722.sampling_rate(16_000), None);
        assert_eq!(Codec::Pcmu.sampling_rate(16_000), None);
    }
}
