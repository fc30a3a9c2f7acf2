//! Choosing a codec.

use crate::{AcceptedCrypto, Audio, AudioTransport, Crypto, Format};

/// The encoding name of DTMF events (RFC 4733).
pub const TELEPHONE_EVENT: &str = "telephone-event";

/// The encoding name of comfort noise (RFC 3389).
pub const COMFORT_NOISE: &str = "CN";

/// The name of an encoding, compared case-insensitively.
#[derive(Debug, Clone)]
pub struct EncodingName(String);

impl EncodingName {
    /// A name.
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is that name.
    pub fn is(&self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name)
    }
}

impl PartialEq for EncodingName {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl Eq for EncodingName {}

/// What an `rtpmap` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    /// The encoding's name.
    pub name: EncodingName,
    /// The RTP clock rate.
    pub clock_rate_hz: u32,
    /// Audio channels; 1 when the rtpmap does not say.
    pub channels: u8,
}

/// A codec that we can speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Codec {
    /// The encoding's name.
    pub name: &'static str,
    /// The RTP clock rate.
    pub clock_rate_hz: u32,
    /// Channels that its `rtpmap` names; Opus always says 2 (RFC 7587 §7), and we send and hear one.
    pub channels: u8,
    /// The payload type to offer it with: static, or one of the dynamic ones.
    pub payload_type: u8,
}

impl Codec {
    /// G.711 µ-law.
    pub const PCMU: Self = Self { name: "PCMU", clock_rate_hz: 8000, channels: 1, payload_type: 0 };
    /// G.711 A-law.
    pub const PCMA: Self = Self { name: "PCMA", clock_rate_hz: 8000, channels: 1, payload_type: 8 };
    /// Linear 16-bit samples, 8 kHz.
    pub const L16_8000: Self = Self { name: "L16", clock_rate_hz: 8000, channels: 1, payload_type: 96 };
    /// Linear 16-bit samples, 16 kHz.
    pub const L16_16000: Self = Self { name: "L16", clock_rate_hz: 16_000, channels: 1, payload_type: 97 };
    /// G.722: 16 kHz audio under a clock rate of 8 kHz (RFC 3551 §4.5.2).
    pub const G722: Self = Self { name: "G722", clock_rate_hz: 8000, channels: 1, payload_type: 9 };
    /// Opus (RFC 7587).
    pub const OPUS: Self = Self { name: "opus", clock_rate_hz: 48_000, channels: 2, payload_type: 98 };

    /// The longest packet of at most `ms` milliseconds that we make: whole ticks of 10 ms, since a leg advances in these,
    /// and of Opus one frame (RFC 6716 §2.1.4).
    pub fn packet_ms(&self, ms: u32) -> u32 {
        let ms = (ms / 10 * 10).clamp(*PTIME_MS.start(), *PTIME_MS.end());
        match ms {
            30 if *self == Self::OPUS => 20,
            50 if *self == Self::OPUS => 40,
            ms => ms,
        }
    }

    fn is(&self, encoding: &Encoding) -> bool {
        encoding.name.is(self.name)
            && encoding.clock_rate_hz == self.clock_rate_hz
            && encoding.channels == self.channels
    }

    /// The format that offers it.
    pub fn format(&self) -> Format {
        let name = EncodingName::new(self.name);
        let rtpmap = Some(Encoding { name, clock_rate_hz: self.clock_rate_hz, channels: self.channels });
        Format { payload_type: self.payload_type, rtpmap, fmtp: None }
    }

    /// The format that offers DTMF events beside it.
    pub fn telephone_event_format(&self, payload_type: u8) -> Format {
        let name = EncodingName::new(TELEPHONE_EVENT);
        let rtpmap = Some(Encoding { name, clock_rate_hz: self.clock_rate_hz, channels: 1 });
        Format { payload_type, rtpmap, fmtp: Some("0-15".to_owned()) }
    }
}

/// What was chosen for an audio line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedAudio {
    /// The codec.
    pub codec: Codec,
    /// Its payload type, that of the offer.
    pub payload_type: u8,
    /// The payload type of DTMF events at the codec's clock rate, if they were offered.
    pub telephone_event: Option<u8>,
    /// The payload type of comfort noise at the codec's clock rate, if it was offered.
    pub comfort_noise: Option<u8>,
    /// Milliseconds per packet as the offer wants them, 10–60; 20 when it does not say.
    pub ptime_ms: u32,
    /// How packets are protected; only and always on a protected transport.
    pub crypto: Option<AcceptedCrypto>,
}

/// Packets shorter or longer than these are not made.
const PTIME_MS: std::ops::RangeInclusive<u32> = 10..=60;

/// Chooses the first offered format that is one of `supported`: the offerer lists them in its order of preference
/// (RFC 3264 §5.1), and a server that wants another order sorts the line's formats before. `None` when nothing fits, the
/// transport is not ours, the line is released (port 0), or there is no address to send to. On `RTP/SAVP` the first
/// `a=crypto` that can be used is chosen (RFC 4568 §5.1.2), and without one nothing fits.
pub fn negotiate(audio: &Audio, supported: &[Codec]) -> Option<AcceptedAudio> {
    if audio.port == 0 || audio.address.is_none() {
        return None;
    }
    let crypto = match audio.transport {
        AudioTransport::RtpAvp => None,
        AudioTransport::RtpSavp | AudioTransport::RtpSavpf => Some(audio.cryptos.iter().find_map(Crypto::accept)?),
        AudioTransport::Other(_) => return None,
    };
    let (codec, payload_type) = audio.formats.iter().find_map(|format| {
        let encoding = format.encoding()?;
        let codec = supported.iter().find(|codec| codec.is(&encoding))?;
        Some((*codec, format.payload_type))
    })?;
    let is_event = |format: &&Format| {
        format.is_telephone_event()
            && format.rtpmap.as_ref().is_some_and(|encoding| encoding.clock_rate_hz == codec.clock_rate_hz)
    };
    let telephone_event = audio.formats.iter().find(is_event).map(|format| format.payload_type);
    let is_noise = |format: &&Format| {
        format.encoding().is_some_and(|encoding| {
            encoding.name.is(COMFORT_NOISE) && encoding.clock_rate_hz == codec.clock_rate_hz && encoding.channels == 1
        })
    };
    let comfort_noise = audio.formats.iter().find(is_noise).map(|format| format.payload_type);
    let longest = audio.maxptime_ms.unwrap_or(*PTIME_MS.end()).max(*PTIME_MS.start());
    let wanted = audio.ptime_ms.unwrap_or(20).clamp(*PTIME_MS.start(), *PTIME_MS.end());
    let ptime_ms = codec.packet_ms(wanted.min(longest));
    Some(AcceptedAudio { codec, payload_type, telephone_event, comfort_noise, ptime_ms, crypto })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Direction, SessionDescription};

    fn audio(lines: &str) -> Audio {
        let text = format!("v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{lines}");
        SessionDescription::parse(text.as_bytes()).unwrap().audios().next().unwrap().clone()
    }

    const ALL: [Codec; 6] = [Codec::L16_16000, Codec::PCMU, Codec::PCMA, Codec::L16_8000, Codec::G722, Codec::OPUS];

    #[test]
    fn int_010_static_payload_types_need_no_rtpmap() {
        let chosen = negotiate(&audio("m=audio 4600 RTP/AVP 0 8\r\n"), &[Codec::PCMA]).unwrap();
        assert_eq!((chosen.codec, chosen.payload_type, chosen.telephone_event), (Codec::PCMA, 8, None));
        assert_eq!(chosen.ptime_ms, 20);
    }

    #[test]
    fn ses_038_the_offer_decides_the_order_and_the_dynamic_numbers() {
        let wideband = "m=audio 40336 RTP/AVP 97 98 0 8 96 101 102\r\na=rtpmap:97 l16/16000\r\na=rtpmap:98 PCMU/16000\r\n\
                        a=rtpmap:96 L16/8000\r\na=rtpmap:101 telephone-event/16000\r\na=rtpmap:102 telephone-event/8000\r\n";
        let chosen = negotiate(&audio(wideband), &ALL).unwrap();
        assert_eq!((chosen.codec, chosen.payload_type), (Codec::L16_16000, 97));
        assert_eq!(chosen.telephone_event, Some(101), "the events at the codec's clock rate");
        let narrow = negotiate(&audio(wideband), &[Codec::L16_8000]).unwrap();
        assert_eq!((narrow.payload_type, narrow.telephone_event), (96, Some(102)));
    }

    #[test]
    fn stereo_other_rates_and_other_transports_are_not_ours() {
        for lines in [
            "m=audio 1 RTP/AVP 96\r\na=rtpmap:96 L16/8000/2\r\n",
            "m=audio 1 RTP/AVP 96\r\na=rtpmap:96 L16/44100\r\n",
            "m=audio 1 RTP/SAVP 0\r\n",
            "m=audio 1 RTP/AVP 18\r\n",
            "m=audio 1 RTP/AVP 96\r\na=rtpmap:96 opus/48000\r\n",
        ] {
            assert_eq!(negotiate(&audio(lines), &ALL), None, "{lines}");
        }
    }

    #[test]
    fn rtp_007_comfort_noise_is_accepted_at_the_clock_rate_of_the_codec() {
        let chosen = |lines: &str| negotiate(&audio(lines), &ALL).unwrap().comfort_noise;
        assert_eq!(chosen("m=audio 1 RTP/AVP 0 13\r\n"), Some(13));
        assert_eq!(chosen("m=audio 1 RTP/AVP 0\r\n"), None);
        let wide = "m=audio 1 RTP/AVP 97 13 98\r\na=rtpmap:97 L16/16000\r\na=rtpmap:98 CN/16000\r\n";
        assert_eq!(chosen(wide), Some(98));
        assert_eq!(chosen("m=audio 1 RTP/AVP 0 13\r\na=rtpmap:13 other/8000\r\n"), None);
    }

    #[test]
    fn sec_008_of_several_keys_the_first_that_can_be_used_is_chosen() {
        let key = |octets: usize| format!("inline:{}", "AAAA".repeat(octets / 3));
        let line = |transport: &str| {
            format!(
                "m=audio 1 {transport} 0\r\na=crypto:1 AEAD_AES_256_GCM {0}|2^31|1:4\r\na=crypto:x nonsense\r\n\
                 a=crypto:2 F8_128_HMAC_SHA1_80 {0}\r\na=crypto:4 AES_CM_128_HMAC_SHA1_32 {0}\r\n\
                 a=crypto:5 AES_CM_128_HMAC_SHA1_80 {0}\r\n",
                key(30)
            )
        };
        for transport in ["RTP/SAVP", "rtp/savpf"] {
            let chosen = negotiate(&audio(&line(transport)), &ALL).unwrap().crypto.unwrap();
            assert_eq!((chosen.tag, chosen.suite), (4, crate::CryptoSuite::AesCm128HmacSha1_32));
        }
        assert_eq!(negotiate(&audio(&line("RTP/AVP")), &ALL).unwrap().crypto, None, "keys without their transport");
        assert_eq!(negotiate(&audio(&line("UDP/TLS/RTP/SAVP")), &ALL), None);
    }

    #[test]
    fn a_redefined_static_payload_type_means_what_its_rtpmap_says() {
        let line = "m=audio 1 RTP/AVP 0\r\na=rtpmap:0 opus/48000/2\r\n";
        assert_eq!(negotiate(&audio(line), &[Codec::PCMU]), None);
        assert_eq!(negotiate(&audio(line), &ALL).unwrap().codec, Codec::OPUS);
    }

    #[test]
    fn rtp_002_g722_and_opus_are_accepted_where_offered() {
        let g722 = negotiate(&audio("m=audio 1 RTP/AVP 9 0\r\n"), &ALL).unwrap();
        assert_eq!((g722.codec, g722.payload_type), (Codec::G722, 9));
        let lines = "m=audio 1 RTP/AVP 111 101\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:101 telephone-event/48000\r\n\
                     a=ptime:30\r\n";
        let opus = negotiate(&audio(lines), &ALL).unwrap();
        assert_eq!((opus.codec, opus.payload_type, opus.telephone_event), (Codec::OPUS, 111, Some(101)));
        assert_eq!(opus.ptime_ms, 20, "Opus has no packets of 30 ms");
    }

    #[test]
    fn rtp_006_ptime_stays_within_what_can_be_packed() {
        for (lines, expected) in [
            ("a=ptime:30\r\n", 30),
            ("a=ptime:5\r\n", 10),
            ("a=ptime:200\r\n", 60),
            ("a=ptime:25\r\n", 20),
            ("a=ptime:60\r\na=maxptime:40\r\n", 40),
        ] {
            let chosen = negotiate(&audio(&format!("m=audio 1 RTP/AVP 0\r\n{lines}")), &ALL).unwrap();
            assert_eq!(chosen.ptime_ms, expected, "{lines}");
        }
    }

    #[test]
    fn no_address_means_no_audio() {
        let mut line = audio("m=audio 1 RTP/AVP 0\r\n");
        line.address = None;
        line.direction = Direction::Sendrecv;
        assert_eq!(negotiate(&line, &ALL), None);
    }
}
