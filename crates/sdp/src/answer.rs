//! The answer to an offer (RFC 3264 §6, RFC 6787 §4.2).

use std::fmt;
use std::net::IpAddr;

use crate::{
    AcceptedAudio, Audio, Codec, ConnectionUse, Control, Crypto, KeyMaterial, Media, Origin, OtherMedia,
    SessionDescription, Setup,
};

/// What the answering side says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    /// Where the peer reaches us: `c=` and `o=`.
    pub address: IpAddr,
    /// The session's identifier in `o=`; stays for the life of the dialog.
    pub session_id: u64,
    /// The version in `o=`: one more whenever the description changes, the same when it does not.
    pub version: u64,
}

/// The decision on one media line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerLine {
    /// A control line is accepted, or kept.
    Control(ControlAnswer),
    /// An audio line is accepted: our RTP port, and what was [negotiated](crate::negotiate).
    Audio {
        /// Our RTP port.
        port: u16,
        /// What was chosen.
        accepted: AcceptedAudio,
        /// What we protect our packets with, where a key was accepted: of the length that its suite wants.
        key: Option<KeyMaterial>,
    },
    /// The line is refused, or its release is confirmed: port 0.
    Refuse,
}

/// How a control line is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlAnswer {
    /// The port at which we listen for MRCPv2.
    pub port: u16,
    /// The channel identifier; the same again when a line is repeated.
    pub channel: String,
    /// The connection to use. `new`, also in answer to `existing`: a client that puts many calls on one connection lets
    /// the trouble of one be the trouble of all.
    pub connection: ConnectionUse,
    /// The format of results, when the offer asked for one.
    pub result_format: Option<String>,
}

impl ControlAnswer {
    /// An acceptance on a connection of its own.
    pub fn new(port: u16, channel: impl Into<String>) -> Self {
        Self { port, channel: channel.into(), connection: ConnectionUse::New, result_format: None }
    }
}

/// Decisions that do not answer the offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerError {
    /// Not one decision per media line.
    LineCount,
    /// The line of this index is of another kind than its decision.
    Kind(usize),
    /// The audio line of this index has a key and no protection, or protection and no key.
    Key(usize),
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineCount => f.write_str("an answer needs one decision per media line"),
            Self::Key(index) => write!(f, "media line {index} wants one key exactly if it is protected"),
            Self::Kind(index) => write!(f, "media line {index} is of another kind than its decision"),
        }
    }
}

impl std::error::Error for AnswerError {}

/// Makes the answer: as many media lines as the offer has, in its order.
///
/// # Errors
/// When the decisions do not match the lines of the offer.
pub fn answer(
    offer: &SessionDescription,
    lines: &[AnswerLine],
    local: &Local,
) -> Result<SessionDescription, AnswerError> {
    if lines.len() != offer.media.len() {
        return Err(AnswerError::LineCount);
    }
    let media = offer.media.iter().zip(lines).enumerate().map(|(index, (media, line))| match (media, line) {
        (_, AnswerLine::Refuse) => Ok(refused(media)),
        (Media::Control(control), AnswerLine::Control(accepted)) => {
            Ok(Media::Control(accept_control(control, accepted)))
        }
        (Media::Audio(audio), AnswerLine::Audio { port, accepted, key }) => {
            let crypto = match (&accepted.crypto, key) {
                (Some(chosen), Some(key)) => Some(Crypto::new(chosen.tag, chosen.suite, key.clone())),
                (None, None) => None,
                (Some(_), None) | (None, Some(_)) => return Err(AnswerError::Key(index)),
            };
            Ok(Media::Audio(accept_audio(audio, *port, accepted, crypto, local.address)))
        }
        (Media::Control(_) | Media::Audio(_) | Media::Other(_), AnswerLine::Control(_) | AnswerLine::Audio { .. }) => {
            Err(AnswerError::Kind(index))
        }
    });
    Ok(SessionDescription {
        origin: Origin {
            username: "voxgate".to_owned(),
            session_id: local.session_id.to_string(),
            version: local.version,
            address: local.address.to_string(),
        },
        session_name: "-".to_owned(),
        address: Some(local.address),
        media: media.collect::<Result<_, _>>()?,
    })
}

fn accept_control(offered: &Control, accepted: &ControlAnswer) -> Control {
    Control {
        port: accepted.port,
        transport: offered.transport,
        address: None,
        setup: Some(Setup::Passive),
        connection: Some(accepted.connection),
        resources: Vec::new(),
        channel: Some(accepted.channel.clone()),
        cmids: offered.cmids.clone(),
        result_formats: accepted.result_format.iter().cloned().collect(),
    }
}

/// One codec, and DTMF events if they were offered with it: by the payload types of the offer.
fn accept_audio(
    offered: &Audio,
    port: u16,
    accepted: &AcceptedAudio,
    crypto: Option<Crypto>,
    address: IpAddr,
) -> Audio {
    let chosen = |payload_type: u8| offered.formats.iter().find(move |format| format.payload_type == payload_type);
    let mut codec = accepted.codec.format();
    codec.payload_type = accepted.payload_type;
    // Parameters of Opus say what their sender wants to hear (RFC 7587 §7.1): we want nothing special.
    if accepted.codec != Codec::OPUS {
        codec.fmtp = chosen(accepted.payload_type).and_then(|format| format.fmtp.clone());
    }
    let mut formats = vec![codec];
    formats.extend(accepted.telephone_event.and_then(chosen).cloned());
    formats.extend(accepted.comfort_noise.and_then(chosen).cloned());
    Audio {
        port,
        transport: offered.transport.clone(),
        address: Some(address),
        formats,
        ptime_ms: Some(accepted.ptime_ms),
        maxptime_ms: None,
        direction: offered.direction.flipped(),
        mid: offered.mid.clone(),
        rtcp: None,
        cryptos: crypto.into_iter().collect(),
    }
}

/// The line with port 0: type, transport and formats as offered.
fn refused(media: &Media) -> Media {
    match media {
        Media::Control(control) => Media::Control(Control {
            port: 0,
            transport: control.transport,
            address: None,
            setup: None,
            connection: None,
            resources: control.resources.clone(),
            channel: None,
            cmids: control.cmids.clone(),
            result_formats: Vec::new(),
        }),
        Media::Audio(audio) => Media::Audio(Audio {
            port: 0,
            transport: audio.transport.clone(),
            address: None,
            formats: audio.formats.clone(),
            ptime_ms: None,
            maxptime_ms: None,
            direction: audio.direction.flipped(),
            mid: audio.mid.clone(),
            rtcp: None,
            cryptos: Vec::new(),
        }),
        Media::Other(other) => Media::Other(OtherMedia { port: 0, ..other.clone() }),
    }
}
