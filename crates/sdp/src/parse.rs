//! From bytes to a description.

use std::fmt;
use std::net::IpAddr;

use sdp_types::{Attribute, Connection};

use crate::{
    Audio, AudioTransport, ConnectionUse, Control, ControlTransport, Crypto, Direction, Encoding, EncodingName, Format,
};
use crate::{Media, Origin, OtherMedia, Rtcp, SessionDescription, Setup};

/// `a=crypto` lines of one media line that are read; further ones are passed over.
const CRYPTOS_MAX: usize = 32;

/// What is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest description, in octets.
    pub bytes_max: usize,
    /// The most media lines.
    pub media_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes_max: 64 * 1024, media_max: 32 }
    }
}

/// Why something is no session description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseError {
    /// Longer than the limit.
    TooLong,
    /// More media lines than the limit.
    TooManyMedia,
    /// Not the syntax of RFC 4566.
    Syntax,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the session description is too long",
            Self::TooManyMedia => "the session description has too many media lines",
            Self::Syntax => "not a session description",
        })
    }
}

impl std::error::Error for ParseError {}

pub(crate) fn parse(bytes: &[u8], limits: Limits) -> Result<SessionDescription, ParseError> {
    if bytes.len() > limits.bytes_max {
        return Err(ParseError::TooLong);
    }
    let session = sdp_types::Session::parse(&squeeze(bytes)).map_err(|_| ParseError::Syntax)?;
    if session.medias.len() > limits.media_max {
        return Err(ParseError::TooManyMedia);
    }
    let origin = &session.origin;
    let level =
        SessionLevel { address: session.connection.as_ref().and_then(address), attributes: &session.attributes };
    Ok(SessionDescription {
        origin: Origin {
            username: origin.username.clone().unwrap_or_else(|| "-".to_owned()),
            session_id: origin.sess_id.clone(),
            version: origin.sess_version,
            address: origin.unicast_address.clone(),
        },
        session_name: session.session_name.clone(),
        address: level.address,
        media: session.medias.iter().map(|media| level.media(media)).collect(),
    })
}

/// Runs of spaces in the lines that are split at single ones become one: examples of RFC 6787 itself have two.
fn squeeze(bytes: &[u8]) -> Vec<u8> {
    let mut squeezed = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let is_fields = [b"m=", b"c=", b"o="].iter().any(|key| line.starts_with(*key));
        let mut last = b'\0';
        for byte in line {
            if !(is_fields && last == b' ' && *byte == b' ') {
                squeezed.push(*byte);
            }
            last = *byte;
        }
    }
    squeezed
}

fn address(connection: &Connection) -> Option<IpAddr> {
    connection.try_address().ok().map(|address| address.ip)
}

/// What the session says for all its media lines.
struct SessionLevel<'a> {
    address: Option<IpAddr>,
    attributes: &'a [Attribute],
}

/// The attributes of one media line, then those of the session.
struct Attributes<'a> {
    own: &'a [Attribute],
    session: &'a [Attribute],
}

impl<'a> Attributes<'a> {
    fn named(&self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let own = self.own;
        own.iter()
            .filter(move |attribute| attribute.attribute.eq_ignore_ascii_case(name))
            .filter_map(|attribute| attribute.value.as_deref())
            .map(str::trim)
    }

    fn value(&self, name: &'a str) -> Option<&'a str> {
        self.named(name).next().filter(|value| !value.is_empty())
    }

    /// An attribute that may stand at session level for all lines.
    fn inherited(&self, name: &'a str) -> Option<&'a str> {
        let of_session = || Attributes { own: self.session, session: &[] }.value(name);
        self.value(name).or_else(of_session)
    }

    fn direction(&self) -> Direction {
        let find = |attributes: &[Attribute]| {
            attributes.iter().find_map(|attribute| Direction::from_attribute(&attribute.attribute))
        };
        find(self.own).or_else(|| find(self.session)).unwrap_or_default()
    }
}

impl<'a> SessionLevel<'a> {
    fn media(&self, media: &'a sdp_types::Media) -> Media {
        let attributes = Attributes { own: &media.attributes, session: self.attributes };
        let is_kind = |kind: &str| media.media.eq_ignore_ascii_case(kind);
        let line_address = match media.connections.first() {
            Some(connection) => address(connection),
            None => self.address,
        };
        match ControlTransport::from_token(&media.proto) {
            Some(transport) if is_kind("application") => {
                Media::Control(control(media.port, transport, line_address, &attributes))
            }
            Some(_) | None if is_kind("audio") => Media::Audio(audio(media, line_address, &attributes)),
            Some(_) | None => Media::Other(OtherMedia {
                kind: media.media.clone(),
                port: media.port,
                transport: media.proto.clone(),
                formats: media.fmt.clone(),
                mid: attributes.value("mid").map(str::to_owned),
            }),
        }
    }
}

fn control(port: u16, transport: ControlTransport, address: Option<IpAddr>, attributes: &Attributes<'_>) -> Control {
    let owned =
        |name| -> Vec<String> { attributes.named(name).filter(|value| !value.is_empty()).map(str::to_owned).collect() };
    let mut result_formats = owned("resultformat");
    if result_formats.is_empty() {
        // The RFC does not say at which level it stands.
        result_formats.extend(attributes.inherited("resultformat").map(str::to_owned));
    }
    Control {
        port,
        transport,
        address,
        setup: attributes.inherited("setup").and_then(Setup::from_token),
        connection: attributes.inherited("connection").and_then(ConnectionUse::from_token),
        resources: owned("resource"),
        channel: attributes.value("channel").map(str::to_owned),
        cmids: owned("cmid"),
        result_formats,
    }
}

fn audio(media: &sdp_types::Media, address: Option<IpAddr>, attributes: &Attributes<'_>) -> Audio {
    let numbers = media.fmt.split_ascii_whitespace().filter_map(|token| token.parse::<u8>().ok());
    let mut formats: Vec<Format> = Vec::new();
    for payload_type in numbers.filter(|number| *number <= 127) {
        if !formats.iter().any(|format| format.payload_type == payload_type) {
            let of_this = |name| attributes.named(name).find_map(|value| of_payload_type(value, payload_type));
            formats.push(Format {
                payload_type,
                rtpmap: of_this("rtpmap").and_then(rtpmap),
                fmtp: of_this("fmtp").map(str::to_owned),
            });
        }
    }
    let ms = |name| attributes.inherited(name).and_then(|value| value.parse().ok());
    Audio {
        port: media.port,
        transport: AudioTransport::from_token(&media.proto),
        address,
        formats,
        ptime_ms: ms("ptime"),
        maxptime_ms: ms("maxptime"),
        direction: attributes.direction(),
        mid: attributes.value("mid").map(str::to_owned),
        rtcp: attributes.value("rtcp").and_then(rtcp),
        cryptos: attributes.named("crypto").filter_map(Crypto::parse).take(CRYPTOS_MAX).collect(),
    }
}

/// `PT SP rest`, if it is about that payload type.
fn of_payload_type(value: &str, payload_type: u8) -> Option<&str> {
    let (number, rest) = value.split_once(|char: char| char.is_ascii_whitespace())?;
    (number.parse() == Ok(payload_type)).then(|| rest.trim()).filter(|rest| !rest.is_empty())
}

/// `NAME/RATE[/CHANNELS]`.
fn rtpmap(value: &str) -> Option<Encoding> {
    let mut parts = value.split('/').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let clock_rate_hz = parts.next()?.parse().ok().filter(|rate| *rate > 0)?;
    let channels = match parts.next() {
        Some(channels) => channels.parse().ok().filter(|count| *count > 0)?,
        None => 1,
    };
    Some(Encoding { name: EncodingName::new(name), clock_rate_hz, channels })
}

/// `PORT [IN IP4 ADDRESS]`.
fn rtcp(value: &str) -> Option<Rtcp> {
    let mut parts = value.split_ascii_whitespace();
    let port = parts.next()?.parse().ok()?;
    Some(Rtcp { port, address: parts.nth(2).and_then(|address| address.parse().ok()) })
}
