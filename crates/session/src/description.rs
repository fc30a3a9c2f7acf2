//! What a session has agreed on: the offer of a client against what is there, line by line (RFC 3264, RFC 6787
//! section 4).
//!
//! A media line keeps its place for the life of a dialog, so a line is known by its index: a re-INVITE that repeats it
//! keeps its channel or leg, port 0 releases it, a line at the end is new.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use media::{ClockRate, LegMedia, Ptime, RtpPeer, SrtpKey, SrtpKeys, SrtpSuite};
use mrcp::{ChannelId, Resource};
use sdp::{
    AcceptedAudio, AcceptedCrypto, AnswerLine, Audio, Codec, ConnectionUse, Control, ControlAnswer, ControlTransport,
    CryptoSuite, KeyMaterial, Local, Media, SessionDescription,
};
use speech::ResultFormat;

use crate::media_secret::MediaSecret;
use crate::output::{LegId, Reservation};

/// What goes into answers.
#[derive(Debug, Clone)]
pub struct DescriptionConfig {
    /// Where control connections are accepted.
    pub mrcp_port: u16,
    /// Codecs that are accepted, in our order.
    pub codecs: Vec<media::Codec>,
    /// Whose order decides where several fit.
    pub codec_order: CodecOrder,
    /// Packet time where the client does not ask for one, in milliseconds.
    pub ptime_ms: u32,
    /// Whether audio is protected.
    pub srtp: SrtpPolicy,
    /// Whether there are clips, with which `basicsynth` needs no engine.
    pub has_clips: bool,
    /// Whether `a=connection:existing` is answered in kind. Only for a client that has a connection.
    pub connection_reuse: bool,
    /// Whether a control line without `a=cmid` has the only audio line, if there is one (RFC 6787 section 4.4 gives it none).
    pub cmid_optional: bool,
    /// Which addresses audio can go to.
    pub families: Families,
}

/// Which families of addresses our sockets reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Families {
    /// IPv4.
    pub ipv4: bool,
    /// IPv6.
    pub ipv6: bool,
}

impl Families {
    /// Both.
    pub const BOTH: Self = Self { ipv4: true, ipv6: true };

    fn reach(self, address: IpAddr) -> bool {
        if address.is_ipv4() { self.ipv4 } else { self.ipv6 }
    }
}

/// Whose order of codecs decides. Either way one is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CodecOrder {
    /// The offer's, as RFC 3264, section 6.1 recommends.
    #[default]
    Offer,
    /// Ours, which the RFC allows.
    Ours,
}

/// Whether audio is protected: SRTP by keys in the description (RFC 4568).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SrtpPolicy {
    /// Lines that want it are refused.
    Off,
    /// As offered.
    #[default]
    Optional,
    /// Lines without it are refused.
    Required,
}

impl DescriptionConfig {
    fn codecs(&self) -> Vec<Codec> {
        let rates = |codec: &media::Codec| match codec {
            media::Codec::Pcmu => vec![Codec::PCMU],
            media::Codec::Pcma => vec![Codec::PCMA],
            media::Codec::L16 => vec![Codec::L16_16000, Codec::L16_8000],
            media::Codec::G722 => vec![Codec::G722],
            media::Codec::Opus => vec![Codec::OPUS],
        };
        self.codecs.iter().flat_map(rates).collect()
    }
}

/// The description that answers OPTIONS: resources and codecs.
pub fn resources(config: &DescriptionConfig, address: IpAddr) -> String {
    let served = Resource::ALL.into_iter().filter(|resource| ChannelKind::of(*resource).is_some());
    let names: Vec<&str> = served.map(Resource::name).collect();
    sdp::capabilities(&Local { address, session_id: 1, version: 1 }, &names, &config.codecs()).to_string()
}

/// Why an offer is refused whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing in it can be served: 488.
    NotAcceptable,
    /// It is no description: 400.
    Malformed,
}

/// What kind of machine a channel needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelKind {
    Recognizer,
    /// Hears keys alone, and needs no engine.
    DtmfRecognizer,
    Synthesizer,
    /// Needs no engine either.
    Recorder,
    /// Plays clips, or has a voice say their words.
    BasicSynthesizer,
}

impl ChannelKind {
    /// Whether its audio goes to the client.
    fn speaks(self) -> bool {
        match self {
            Self::Synthesizer | Self::BasicSynthesizer => true,
            Self::Recognizer | Self::DtmfRecognizer | Self::Recorder => false,
        }
    }

    /// The machine that serves a resource; `None`: offers of it are refused. What is served is told by OPTIONS, too.
    fn of(resource: Resource) -> Option<Self> {
        match resource {
            Resource::SpeechRecog => Some(Self::Recognizer),
            Resource::DtmfRecog => Some(Self::DtmfRecognizer),
            Resource::SpeechSynth => Some(Self::Synthesizer),
            Resource::BasicSynth => Some(Self::BasicSynthesizer),
            Resource::Recorder => Some(Self::Recorder),
            Resource::SpeakVerify => None,
        }
    }
}

/// A channel that was agreed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AgreedChannel {
    pub(crate) id: ChannelId,
    pub(crate) kind: ChannelKind,
    pub(crate) leg: Option<(LegId, ClockRate)>,
    /// The format of results that was agreed on.
    pub(crate) format: Option<ResultFormat>,
}

/// A leg that was agreed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AgreedLeg {
    pub(crate) leg: LegId,
    pub(crate) remote: RtpPeer,
    pub(crate) media: LegMedia,
    pub(crate) clock_rate: ClockRate,
    pub(crate) protection: Option<SrtpKeys>,
}

/// What an answer changes.
#[derive(Debug, Default)]
pub(crate) struct Agreed {
    pub(crate) released: Vec<ChannelId>,
    pub(crate) allocated: Vec<AgreedChannel>,
    pub(crate) closed_legs: Vec<LegId>,
    pub(crate) opened_legs: Vec<AgreedLeg>,
    pub(crate) changed_legs: Vec<AgreedLeg>,
    pub(crate) answer: Bytes,
}

/// A media line of the last answer.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a session has a few, and most are the large one")]
enum Line {
    /// Offered with port 0.
    Released,
    /// Answered with port 0.
    Refused,
    Control {
        id: ChannelId,
        kind: ChannelKind,
    },
    Audio {
        leg: LegId,
        port: u16,
        agreed: AgreedLeg,
        accepted: AcceptedAudio,
    },
}

/// What becomes of a line of the pending offer.
#[derive(Debug, Clone)]
enum Decision {
    Release,
    Refuse,
    Control { id: ChannelId, kind: ChannelKind, connection: ConnectionUse, format: Option<ResultFormat> },
    Audio { leg: LegId, remote: RtpPeer, accepted: AcceptedAudio },
}

#[derive(Debug)]
struct Pending {
    offer: SessionDescription,
    decisions: Vec<Decision>,
}

/// The lines of a session, and the offer that is being answered.
#[derive(Debug)]
pub(crate) struct Description {
    config: DescriptionConfig,
    prefix: String,
    /// Where the client signals from: that is where it is, if its offer does not say.
    client: IpAddr,
    /// What our keys are made of; without one protected lines are refused.
    secret: Option<MediaSecret>,
    lines: Vec<Line>,
    next_leg: u32,
    local: Option<IpAddr>,
    session_id: u64,
    version: u64,
    /// The last answer, without its origin: whether the version grows.
    last: Option<Vec<Media>>,
    pending: Option<Pending>,
}

impl Description {
    pub(crate) fn new(config: DescriptionConfig, prefix: String, client: IpAddr) -> Self {
        let session_id = u64::from_str_radix(prefix.get(..12).unwrap_or_default(), 16).unwrap_or(1);
        Self {
            config,
            prefix,
            client,
            secret: None,
            lines: Vec::new(),
            next_leg: 0,
            local: None,
            session_id,
            version: 0,
            last: None,
            pending: None,
        }
    }

    /// Gives it what keys are made of.
    pub(crate) fn set_secret(&mut self, secret: MediaSecret) {
        self.secret = Some(secret);
    }

    /// Looks an offer through. What has to be reserved for it, or `None` when nothing new is needed.
    pub(crate) fn offered(&mut self, offer: &Bytes) -> Result<Option<Reservation>, Refusal> {
        if offer.is_empty() {
            // We have nothing to offer by ourselves: the client says which resources it wants.
            return Err(Refusal::NotAcceptable);
        }
        let offer = SessionDescription::parse(offer).map_err(|_| Refusal::Malformed)?;
        let next_leg = self.next_leg;
        let mut decisions = Vec::with_capacity(offer.media.len());
        for (index, media) in offer.media.iter().enumerate() {
            let decision = match media {
                media if media.port() == 0 => Decision::Release,
                Media::Control(control) => self.decide_control(index, control, &decisions),
                Media::Audio(audio) => self.decide_audio(index, audio),
                Media::Other(_) => Decision::Refuse,
            };
            decisions.push(decision);
        }
        if !(self.is_served(&offer, &decisions) && self.is_whole(&offer, &decisions)) {
            self.next_leg = next_leg;
            return Err(Refusal::NotAcceptable);
        }
        let reservation = self.reservation(&offer, &decisions);
        self.pending = Some(Pending { offer, decisions });
        Ok(reservation)
    }

    /// The pending offer is not answered after all.
    pub(crate) fn abandon(&mut self) {
        self.pending = None;
    }

    /// Agrees to the pending offer. `local` and `ports` are what was reserved for it.
    pub(crate) fn answer(&mut self, local: Option<IpAddr>, ports: &[(LegId, u16)]) -> Agreed {
        let mut agreed = Agreed::default();
        let Some(Pending { offer, decisions }) = self.pending.take() else { return agreed };
        self.local = self.local.or(local);
        let address = self.local.unwrap_or(IpAddr::from([127, 0, 0, 1]));
        // Audio first: a channel needs to know the leg that serves it.
        let mut lines: Vec<Line> = Vec::with_capacity(decisions.len());
        for (index, decision) in decisions.iter().enumerate() {
            lines.push(self.apply_line(index, decision, &offer, ports, &mut agreed));
        }
        for (index, line) in lines.iter().enumerate() {
            let Line::Control { id, kind } = line else { continue };
            if matches!(self.lines.get(index), Some(Line::Control { id: known, .. }) if known == id) {
                continue;
            }
            let leg = self.audio_line(&offer, &decisions, index).and_then(|audio| match lines.get(audio) {
                Some(Line::Audio { leg, agreed, .. }) => Some((*leg, agreed.clock_rate)),
                Some(Line::Released | Line::Refused | Line::Control { .. }) | None => None,
            });
            let format = match decisions.get(index) {
                Some(Decision::Control { format, .. }) => *format,
                Some(Decision::Audio { .. } | Decision::Refuse | Decision::Release) | None => None,
            };
            agreed.allocated.push(AgreedChannel { id: id.clone(), kind: *kind, leg, format });
        }
        let answers: Vec<AnswerLine> = decisions
            .iter()
            .zip(&lines)
            .map(|(decision, line)| match (decision, line) {
                (Decision::Control { connection, format, .. }, Line::Control { id, .. }) => {
                    AnswerLine::Control(ControlAnswer {
                        port: self.config.mrcp_port,
                        channel: id.to_string(),
                        connection: *connection,
                        result_format: format.map(|format| format.media_type().to_owned()),
                    })
                }
                (Decision::Audio { .. }, Line::Audio { port, accepted, agreed, .. }) => AnswerLine::Audio {
                    port: *port,
                    accepted: accepted.clone(),
                    key: agreed.protection.as_ref().map(|keys| KeyMaterial::new(keys.local.material())),
                },
                (_, _) => AnswerLine::Refuse,
            })
            .collect();
        self.lines = lines;
        let version = self.version.max(1);
        let local = Local { address, session_id: self.session_id, version };
        // One decision was made for each line, of its kind, so this succeeds.
        if let Ok(mut description) = sdp::answer(&offer, &answers, &local) {
            if self.last.as_ref() != Some(&description.media) {
                self.version += 1;
                description.origin.version = self.version;
                self.last = Some(description.media.clone());
            }
            agreed.answer = description.to_string().into();
        }
        agreed
    }

    /// Whether there is something to serve. A first offer asks for a channel, or for nothing yet; audio that cannot be served
    /// leaves its channels without use. In a later one whatever it adds or keeps must be had: else it is refused whole and
    /// everything goes on as it was (RFC 6787, section 4.2).
    fn is_served(&self, offer: &SessionDescription, decisions: &[Decision]) -> bool {
        if self.last.is_some() {
            return decisions.iter().enumerate().all(|(index, decision)| {
                !matches!(decision, Decision::Refuse) || matches!(self.lines.get(index), Some(Line::Refused))
            });
        }
        let serves_a_channel = decisions.iter().any(|decision| matches!(decision, Decision::Control { .. }));
        let is_mute = offer.audios().any(|audio| audio.port != 0)
            && !decisions.iter().any(|decision| matches!(decision, Decision::Audio { .. }));
        offer.media.is_empty() || serves_a_channel && !is_mute
    }

    /// Whether audio and channels belong together without doubt (RFC 6787, section 4.4): of several audio lines each has its
    /// `mid`, and no two generators speak on one, since they are not mixed.
    fn is_whole(&self, offer: &SessionDescription, decisions: &[Decision]) -> bool {
        let audios: Vec<&Audio> = offer.audios().filter(|audio| audio.port != 0).collect();
        if audios.len() > 1 && audios.iter().any(|audio| audio.mid.is_none()) {
            return false;
        }
        let mut spoken_on: Vec<usize> = decisions
            .iter()
            .enumerate()
            .filter(|(_, decision)| matches!(decision, Decision::Control { kind, .. } if kind.speaks()))
            .filter_map(|(index, _)| self.audio_line(offer, decisions, index))
            .collect();
        let generators = spoken_on.len();
        spoken_on.sort_unstable();
        spoken_on.dedup();
        spoken_on.len() == generators
    }

    /// The audio line of the control line at `index`. Of several, the first whose audio flows its way.
    fn audio_line(&self, offer: &SessionDescription, decisions: &[Decision], index: usize) -> Option<usize> {
        let (Some(Media::Control(control)), Some(Decision::Control { kind, .. })) =
            (offer.media.get(index), decisions.get(index))
        else {
            return None;
        };
        if control.cmids.is_empty() && !self.config.cmid_optional {
            return None;
        }
        let mut lines = offer.audio_of(control);
        lines.retain(|at| matches!(decisions.get(*at), Some(Decision::Audio { .. })));
        let flows = |at: &&usize| match offer.media.get(**at) {
            Some(Media::Audio(audio)) if kind.speaks() => audio.direction.receives(),
            Some(Media::Audio(audio)) => audio.direction.sends(),
            Some(Media::Control(_) | Media::Other(_)) | None => false,
        };
        lines.iter().find(flows).or(lines.first()).copied()
    }

    fn decide_control(&self, index: usize, control: &Control, before: &[Decision]) -> Decision {
        if control.transport != ControlTransport::Tcp || !control.allows_passive_answer() {
            return Decision::Refuse;
        }
        let Some(resource) = control.resource().and_then(Resource::from_name) else { return Decision::Refuse };
        let Some(kind) = ChannelKind::of(resource) else { return Decision::Refuse };
        let Ok(id) = ChannelId::new(&self.prefix, resource) else { return Decision::Refuse };
        // One resource of a type in a session (RFC 6787, section 4.2): its channel identifier would not be unique.
        let taken_before =
            before.iter().any(|decision| matches!(decision, Decision::Control { id: taken, .. } if *taken == id));
        let taken_elsewhere = self
            .lines
            .iter()
            .enumerate()
            .any(|(at, line)| at > index && matches!(line, Line::Control { id: taken, .. } if *taken == id));
        if taken_before || taken_elsewhere {
            return Decision::Refuse;
        }
        let connection = match control.connection {
            Some(ConnectionUse::Existing) if self.config.connection_reuse => ConnectionUse::Existing,
            // A refresh talks of the connection that the channel has.
            Some(ConnectionUse::Existing) if matches!(self.lines.get(index), Some(Line::Control { id: known, .. }) if *known == id) => {
                ConnectionUse::Existing
            }
            Some(ConnectionUse::Existing | ConnectionUse::New) | None => ConnectionUse::New,
        };
        // The first that can be written; results of another kind than was asked for would be wrong ones.
        let mut formats = control.result_formats.iter().map(|format| ResultFormat::of_media_type(format));
        let format = match kind {
            ChannelKind::Recognizer | ChannelKind::DtmfRecognizer => formats.find_map(|format| format),
            ChannelKind::Synthesizer | ChannelKind::BasicSynthesizer | ChannelKind::Recorder => None,
        };
        let is_recognizer = matches!(kind, ChannelKind::Recognizer | ChannelKind::DtmfRecognizer);
        if is_recognizer && format.is_none() && !control.result_formats.is_empty() {
            return Decision::Refuse;
        }
        Decision::Control { id, kind, connection, format }
    }

    fn decide_audio(&mut self, index: usize, audio: &Audio) -> Decision {
        match (self.config.srtp, audio.transport.is_protected()) {
            (SrtpPolicy::Off, true) | (SrtpPolicy::Required, false) => return Decision::Refuse,
            (SrtpPolicy::Off | SrtpPolicy::Optional, false) | (SrtpPolicy::Optional | SrtpPolicy::Required, true) => {}
        }
        let supported = self.config.codecs();
        let known = match self.lines.get(index) {
            Some(Line::Audio { leg, agreed, accepted, .. }) => Some((*leg, agreed.clock_rate, accepted.codec)),
            Some(Line::Released | Line::Refused | Line::Control { .. }) | None => None,
        };
        let accepted = match known {
            None => match self.config.codec_order {
                CodecOrder::Offer => sdp::negotiate(audio, &supported),
                CodecOrder::Ours => supported.iter().find_map(|codec| sdp::negotiate(audio, &[*codec])),
            },
            // What is in use stays in use; else another codec of the same rate, since machines count in its samples.
            Some((_, rate, codec)) => sdp::negotiate(audio, &[codec]).or_else(|| {
                let same_rate: Vec<Codec> =
                    supported.into_iter().filter(|codec| sampling_rate(codec) == Some(rate)).collect();
                sdp::negotiate(audio, &same_rate)
            }),
        };
        let reachable = audio.address.filter(|address| self.config.families.reach(*address));
        let (Some(mut accepted), Some(address)) = (accepted, reachable) else { return Decision::Refuse };
        if audio.ptime_ms.is_none() {
            let longest = audio.maxptime_ms.unwrap_or(u32::MAX);
            accepted.ptime_ms = accepted.codec.packet_ms(self.config.ptime_ms.min(longest));
        }
        let leg = match known {
            Some((leg, ..)) => leg,
            None => {
                let leg = LegId(self.next_leg);
                self.next_leg += 1;
                leg
            }
        };
        Decision::Audio { leg, remote: rtp_peer(audio, address), accepted }
    }

    fn reservation(&self, offer: &SessionDescription, decisions: &[Decision]) -> Option<Reservation> {
        let peer = peer(offer).unwrap_or(self.client);
        let mut reservation =
            Reservation { peer, client: self.client, legs: Vec::new(), recognizers: 0, synthesizers: 0 };
        for (index, decision) in decisions.iter().enumerate() {
            match (decision, self.lines.get(index)) {
                (Decision::Audio { .. }, Some(Line::Audio { .. }))
                | (Decision::Control { .. }, Some(Line::Control { .. }))
                | (Decision::Release | Decision::Refuse, _) => {}
                (Decision::Audio { leg, remote, .. }, _) => reservation.legs.push((*leg, *remote)),
                (Decision::Control { kind: ChannelKind::DtmfRecognizer | ChannelKind::Recorder, .. }, _) => {}
                (Decision::Control { kind: ChannelKind::Recognizer, .. }, _) => reservation.recognizers += 1,
                (Decision::Control { kind: ChannelKind::BasicSynthesizer, .. }, _) if self.config.has_clips => {}
                (Decision::Control { kind: ChannelKind::Synthesizer | ChannelKind::BasicSynthesizer, .. }, _) => {
                    reservation.synthesizers += 1;
                }
            }
        }
        let is_new = self.local.is_none()
            || !reservation.legs.is_empty()
            || reservation.recognizers + reservation.synthesizers > 0;
        is_new.then_some(reservation)
    }

    /// The line at `index` as it is from now on, with what that changes.
    fn apply_line(
        &self,
        index: usize,
        decision: &Decision,
        offer: &SessionDescription,
        ports: &[(LegId, u16)],
        agreed: &mut Agreed,
    ) -> Line {
        let before = self.lines.get(index);
        if let Some(Line::Control { id, .. }) = before
            && !matches!(decision, Decision::Control { id: now, .. } if now == id)
        {
            agreed.released.push(id.clone());
        }
        if let Some(Line::Audio { leg, .. }) = before
            && !matches!(decision, Decision::Audio { leg: now, .. } if now == leg)
        {
            agreed.closed_legs.push(*leg);
        }
        match decision {
            Decision::Release => Line::Released,
            Decision::Refuse => Line::Refused,
            Decision::Control { id, kind, .. } => Line::Control { id: id.clone(), kind: *kind },
            Decision::Audio { leg, remote, accepted } => {
                let Some(Media::Audio(audio)) = offer.media.get(index) else { return Line::Refused };
                let Some((media, clock_rate)) = leg_media(audio, accepted) else { return Line::Refused };
                let protection = match &accepted.crypto {
                    Some(crypto) => match self.protection(*leg, crypto, before) {
                        Some(keys) => Some(keys),
                        None => return Line::Refused,
                    },
                    None => None,
                };
                let now = AgreedLeg { leg: *leg, remote: *remote, media, clock_rate, protection };
                let port = match before {
                    Some(Line::Audio { leg: known, port, agreed: then, .. }) if known == leg => {
                        if *then != now {
                            agreed.changed_legs.push(now.clone());
                        }
                        *port
                    }
                    Some(Line::Audio { .. } | Line::Released | Line::Refused | Line::Control { .. }) | None => {
                        let Some((_, port)) = ports.iter().find(|(reserved, _)| reserved == leg) else {
                            return Line::Refused;
                        };
                        agreed.opened_legs.push(now.clone());
                        *port
                    }
                };
                Line::Audio { leg: *leg, port, agreed: now, accepted: accepted.clone() }
            }
        }
    }
}

impl Description {
    /// The keys of a leg. Ours stays as long as its suite does: the client may change its own without ours changing.
    fn protection(&self, leg: LegId, crypto: &AcceptedCrypto, before: Option<&Line>) -> Option<SrtpKeys> {
        let suite = srtp_suite(crypto.suite);
        let local = match before {
            Some(Line::Audio { leg: known, agreed: AgreedLeg { protection: Some(keys), .. }, .. })
                if *known == leg && keys.local.suite() == suite =>
            {
                keys.local.clone()
            }
            // A new key changes the answer, so no two are made under one version.
            Some(Line::Audio { .. } | Line::Released | Line::Refused | Line::Control { .. }) | None => {
                SrtpKey::new(suite, &self.secret.as_ref()?.key(leg, self.version, suite.material_octets()))?
            }
        };
        let remote = SrtpKey::new(suite, crypto.material.octets())?;
        Some(SrtpKeys { local, remote, remote_lifetime: crypto.lifetime })
    }
}

fn srtp_suite(suite: CryptoSuite) -> SrtpSuite {
    match suite {
        CryptoSuite::AesCm128HmacSha1_80 => SrtpSuite::AesCm128HmacSha1_80,
        CryptoSuite::AesCm128HmacSha1_32 => SrtpSuite::AesCm128HmacSha1_32,
        CryptoSuite::AeadAes128Gcm => SrtpSuite::AeadAes128Gcm,
        CryptoSuite::AeadAes256Gcm => SrtpSuite::AeadAes256Gcm,
    }
}

/// Where the client is, for choosing our address.
fn peer(offer: &SessionDescription) -> Option<IpAddr> {
    offer
        .audios()
        .filter_map(|audio| audio.address)
        .chain(offer.address)
        .chain(offer.controls().filter_map(|control| control.address))
        .next()
}

/// Where a line says that its sender listens: RTCP on the port after RTP's unless it names another (RFC 3605).
fn rtp_peer(audio: &Audio, address: IpAddr) -> RtpPeer {
    let rtcp = match audio.rtcp {
        Some(rtcp) => SocketAddr::new(rtcp.address.unwrap_or(address), rtcp.port),
        None => SocketAddr::new(address, audio.port.saturating_add(1)),
    };
    RtpPeer { rtp: SocketAddr::new(address, audio.port), rtcp }
}

/// The sampling rate of a leg with that codec.
fn sampling_rate(codec: &Codec) -> Option<ClockRate> {
    media::Codec::from_name(codec.name)?.sampling_rate(codec.clock_rate_hz)
}

fn leg_media(audio: &Audio, accepted: &AcceptedAudio) -> Option<(LegMedia, ClockRate)> {
    let codec = media::Codec::from_name(accepted.codec.name)?;
    let clock_rate = codec.sampling_rate(accepted.codec.clock_rate_hz)?;
    let media = LegMedia {
        telephone_event: accepted.telephone_event,
        comfort_noise: accepted.comfort_noise,
        ptime: Ptime::from_ms(accepted.ptime_ms)?,
        sends: audio.direction.receives(),
        receives: audio.direction.sends(),
        ..LegMedia::new(codec, accepted.payload_type)
    };
    Some((media, clock_rate))
}

#[cfg(test)]
mod tests;
