//! The SDP offer of a session, in the shape that FreeSWITCH's mod_unimrcp gives it, and what is read from the answer.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use media::{ClockRate, LegMedia, Ptime, SrtpKey, SrtpKeys, SrtpSuite};
use mrcp::{ChannelId, Resource};
use sdp::{
    Audio, AudioTransport, Codec, ConnectionUse, Control, Crypto, CryptoSuite, Direction, Format, KeyMaterial, Media,
    Origin, SessionDescription,
};

use crate::error::ClientError;

/// Payload type of telephone events in our offers.
const TELEPHONE_EVENT: u8 = 101;

/// What a session offers.
#[derive(Debug, Clone)]
pub(crate) struct Offer<'a> {
    pub(crate) resource: Resource,
    pub(crate) address: IpAddr,
    pub(crate) rtp_port: u16,
    pub(crate) codecs: &'a [Codec],
    pub(crate) connection: ConnectionUse,
    pub(crate) ptime: Ptime,
    /// What protects our packets, by suite; none: audio in clear.
    pub(crate) keys: Vec<SrtpKey>,
    pub(crate) session_id: u64,
    pub(crate) username: &'a str,
}

impl Offer<'_> {
    pub(crate) fn to_bytes(&self) -> Bytes {
        // A synthesizer's audio comes to us, a recognizer's goes from us.
        let direction = if self.is_synthesizer() { Direction::Recvonly } else { Direction::Sendonly };
        let mut formats: Vec<Format> = self.codecs.iter().map(Codec::format).collect();
        formats.extend(self.codecs.first().map(|codec| codec.telephone_event_format(TELEPHONE_EVENT)));
        let mut audio = Audio::offer(self.rtp_port, formats, direction, "1");
        audio.ptime_ms = Some(self.ptime.ms());
        if !self.keys.is_empty() {
            audio.transport = AudioTransport::RtpSavp;
            let line = |(key, tag): (&SrtpKey, u32)| {
                Crypto::new(tag, sdp_suite(key.suite()), KeyMaterial::new(key.material()))
            };
            audio.cryptos = self.keys.iter().zip(1..).map(line).collect();
        }
        let description = SessionDescription {
            origin: Origin {
                username: self.username.to_owned(),
                session_id: self.session_id.to_string(),
                version: 1,
                address: self.address.to_string(),
            },
            session_name: "-".to_owned(),
            address: Some(self.address),
            media: vec![
                Media::Control(Control::offer(self.resource.name(), self.connection, "1")),
                Media::Audio(audio),
            ],
        };
        Bytes::from(description.to_string())
    }

    fn is_synthesizer(&self) -> bool {
        match self.resource {
            Resource::SpeechSynth | Resource::BasicSynth => true,
            Resource::SpeechRecog | Resource::DtmfRecog | Resource::SpeakVerify | Resource::Recorder => false,
        }
    }

    /// Reads the answer to this offer.
    pub(crate) fn read_answer(&self, answer: &[u8], server: IpAddr) -> Result<Agreed, ClientError> {
        let wrong = |reason: &str| ClientError::Answer { reason: reason.to_owned() };
        let description =
            SessionDescription::parse(answer).map_err(|error| ClientError::Answer { reason: error.to_string() })?;
        let control = description.controls().next().ok_or_else(|| wrong("no m=application line"))?;
        if control.port == 0 {
            return Err(wrong("the control channel was refused (port 0)"));
        }
        let channel = control.channel.as_deref().ok_or_else(|| wrong("no a=channel"))?;
        let channel: ChannelId = channel.parse().map_err(|_error| wrong("a=channel is no channel identifier"))?;
        let audio = description.audios().next().ok_or_else(|| wrong("no m=audio line"))?;
        if audio.port == 0 {
            return Err(wrong("the audio was refused (port 0)"));
        }
        let accepted = sdp::negotiate(audio, self.codecs).ok_or_else(|| wrong("no codec that was offered"))?;
        let protection = match &accepted.crypto {
            Some(chosen) => {
                let ours = self.keys.iter().zip(1..).find(|(_, tag)| *tag == chosen.tag).map(|(key, _)| key.clone());
                let local = ours.filter(|key| sdp_suite(key.suite()) == chosen.suite);
                let local = local.ok_or_else(|| wrong("a=crypto of a line that was not offered"))?;
                let remote = SrtpKey::new(local.suite(), chosen.material.octets());
                let remote = remote.ok_or_else(|| wrong("a key of another length than its suite has"))?;
                Some(SrtpKeys { local, remote, remote_lifetime: chosen.lifetime })
            }
            None if self.keys.is_empty() => None,
            None => return Err(wrong("audio in clear, where protection was offered")),
        };
        let codec = media::Codec::from_name(accepted.codec.name).ok_or_else(|| wrong("a codec we cannot speak"))?;
        let clock_rate =
            codec.sampling_rate(accepted.codec.clock_rate_hz).ok_or_else(|| wrong("a clock rate we cannot serve"))?;
        let mut media = LegMedia::new(codec, accepted.payload_type);
        media.telephone_event = accepted.telephone_event;
        media.comfort_noise = accepted.comfort_noise;
        media.ptime = Ptime::from_ms(accepted.ptime_ms).unwrap_or(self.ptime);
        // A caller sends while a recognizer listens, and not before.
        media.sends = false;
        media.receives = self.is_synthesizer();
        Ok(Agreed {
            channel,
            control: SocketAddr::new(description.address.unwrap_or(server), control.port),
            uses_existing: control.connection == Some(ConnectionUse::Existing),
            rtp: SocketAddr::new(audio.address.unwrap_or(server), audio.port),
            media,
            clock_rate,
            protection,
        })
    }
}

/// What an answer says.
#[derive(Debug, Clone)]
pub(crate) struct Agreed {
    pub(crate) channel: ChannelId,
    pub(crate) control: SocketAddr,
    pub(crate) uses_existing: bool,
    pub(crate) rtp: SocketAddr,
    pub(crate) media: LegMedia,
    pub(crate) clock_rate: ClockRate,
    pub(crate) protection: Option<SrtpKeys>,
}

/// A new key for each suite.
pub(crate) fn keys(suites: &[CryptoSuite]) -> Result<Vec<SrtpKey>, ClientError> {
    let key = |suite: &CryptoSuite| {
        let suite = media_suite(*suite);
        let mut octets = vec![0; suite.material_octets()];
        getrandom::fill(&mut octets).ok().and_then(|()| SrtpKey::new(suite, &octets)).ok_or(ClientError::ShutDown)
    };
    suites.iter().map(key).collect()
}

fn media_suite(suite: CryptoSuite) -> SrtpSuite {
    match suite {
        CryptoSuite::AesCm128HmacSha1_80 => SrtpSuite::AesCm128HmacSha1_80,
        CryptoSuite::AesCm128HmacSha1_32 => SrtpSuite::AesCm128HmacSha1_32,
        CryptoSuite::AeadAes128Gcm => SrtpSuite::AeadAes128Gcm,
        CryptoSuite::AeadAes256Gcm => SrtpSuite::AeadAes256Gcm,
    }
}

fn sdp_suite(suite: SrtpSuite) -> CryptoSuite {
    match suite {
        SrtpSuite::AesCm128HmacSha1_80 => CryptoSuite::AesCm128HmacSha1_80,
        SrtpSuite::AesCm128HmacSha1_32 => CryptoSuite::AesCm128HmacSha1_32,
        SrtpSuite::AeadAes128Gcm => CryptoSuite::AeadAes128Gcm,
        SrtpSuite::AeadAes256Gcm => CryptoSuite::AeadAes256Gcm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(resource: Resource) -> Offer<'static> {
        Offer {
            resource,
            address: [192, 0, 2, 1].into(),
            rtp_port: 40_512,
            codecs: &[Codec::PCMU, Codec::PCMA, Codec::L16_8000],
            connection: ConnectionUse::New,
            ptime: Ptime::DEFAULT,
            keys: Vec::new(),
            session_id: 7,
            username: "voxgate",
        }
    }

    #[test]
    fn an_offer_has_the_shape_of_stock_clients() {
        let text = String::from_utf8(offer(Resource::SpeechRecog).to_bytes().to_vec()).unwrap();
        let expected = "v=0\r\no=voxgate 7 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
            m=application 9 TCP/MRCPv2 1\r\na=setup:active\r\na=connection:new\r\na=resource:speechrecog\r\na=cmid:1\r\n\
            m=audio 40512 RTP/AVP 0 8 96 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
            a=rtpmap:96 L16/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendonly\r\n\
            a=ptime:20\r\na=mid:1\r\n";
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&text), sorted(expected));
    }

    const ANSWER: &str = "v=0\r\no=UniMRCPServer 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
        m=application 1546 TCP/MRCPv2 1\r\na=setup:passive\r\na=connection:new\r\na=channel:ca97eb20a1694aa9@speechsynth\r\n\
        a=cmid:1\r\nm=audio 42016 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
        a=fmtp:101 0-15\r\na=sendonly\r\na=ptime:20\r\na=mid:1\r\n";

    #[test]
    fn an_answer_tells_channel_addresses_and_codec() {
        let agreed = offer(Resource::SpeechSynth).read_answer(ANSWER.as_bytes(), [192, 0, 2, 9].into()).unwrap();
        assert_eq!(agreed.channel.as_str(), "ca97eb20a1694aa9@speechsynth");
        assert_eq!(agreed.control, "127.0.0.1:1546".parse().unwrap());
        assert_eq!(agreed.rtp, "127.0.0.1:42016".parse().unwrap());
        assert_eq!((agreed.media.payload_type, agreed.media.telephone_event), (0, Some(101)));
        assert!(agreed.media.receives && !agreed.media.sends && !agreed.uses_existing);
    }

    #[test]
    fn an_answer_without_what_we_need_is_refused() {
        for (from, to) in [
            ("m=application 1546", "m=application 0"),
            ("m=audio 42016", "m=audio 0"),
            ("a=channel:ca97eb20a1694aa9@speechsynth\r\n", ""),
            ("RTP/AVP 0 101", "RTP/AVP 18 101"),
            ("v=0", "x"),
        ] {
            let answer = ANSWER.replace(from, to);
            assert!(
                offer(Resource::SpeechSynth).read_answer(answer.as_bytes(), [127, 0, 0, 1].into()).is_err(),
                "{to:?}"
            );
        }
    }
}
