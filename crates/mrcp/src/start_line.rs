//! The start line: version, length, request id, status and state (RFC 6787 §5.1–§5.5).

use std::fmt;

use nom::branch::alt;
use nom::bytes::complete::{tag_no_case, take_while_m_n, take_while1};
use nom::character::complete::{char, digit1};
use nom::combinator::{all_consuming, map_res, recognize, value, verify};
use nom::sequence::{preceded, separated_pair, terminated};
use nom::{IResult, Parser};

use crate::{EventName, Method};

/// A request identifier (RFC 6787 §5.2): chosen by the client, increasing, never wrapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u32);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether more will follow for a request (RFC 6787 §5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestState {
    /// Queued; will be processed after those before it.
    Pending,
    /// Being processed; events follow.
    InProgress,
    /// Nothing more follows for this request.
    Complete,
}

impl RequestState {
    /// The token on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN-PROGRESS",
            Self::Complete => "COMPLETE",
        }
    }
}

impl fmt::Display for RequestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A three-digit status (RFC 6787 §5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusCode(u16);

impl StatusCode {
    /// 200 Success.
    pub const SUCCESS: Self = Self(200);
    /// 201 Success with some optional header fields ignored.
    pub const SUCCESS_HEADERS_IGNORED: Self = Self(201);
    /// 401 Method not allowed.
    pub const METHOD_NOT_ALLOWED: Self = Self(401);
    /// 402 Method not valid in this state.
    pub const METHOD_NOT_VALID_IN_STATE: Self = Self(402);
    /// 403 Unsupported header field.
    pub const UNSUPPORTED_HEADER: Self = Self(403);
    /// 404 Illegal value for header field.
    pub const ILLEGAL_HEADER_VALUE: Self = Self(404);
    /// 405 Resource not allocated for this session or does not exist.
    pub const RESOURCE_NOT_ALLOCATED: Self = Self(405);
    /// 406 Mandatory header field missing.
    pub const MANDATORY_HEADER_MISSING: Self = Self(406);
    /// 407 Method or operation failed.
    pub const METHOD_FAILED: Self = Self(407);
    /// 408 Unrecognized or unsupported message entity.
    pub const UNSUPPORTED_ENTITY: Self = Self(408);
    /// 409 Unsupported header field value.
    pub const UNSUPPORTED_HEADER_VALUE: Self = Self(409);
    /// 410 Non-monotonic or out-of-order sequence number in request.
    pub const NON_MONOTONIC_REQUEST_ID: Self = Self(410);
    /// 501 Server internal error.
    pub const SERVER_INTERNAL_ERROR: Self = Self(501);
    /// 502 Protocol version not supported.
    pub const VERSION_NOT_SUPPORTED: Self = Self(502);
    /// 504 Message too large.
    pub const MESSAGE_TOO_LARGE: Self = Self(504);

    /// The status of that number, 100–999.
    pub const fn new(code: u16) -> Option<Self> {
        if code >= 100 && code <= 999 { Some(Self(code)) } else { None }
    }

    /// The number.
    pub const fn code(self) -> u16 {
        self.0
    }

    /// Whether this is a 2xx.
    pub const fn is_success(self) -> bool {
        self.0 / 100 == 2
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

/// A protocol version, compared as two integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    major: u32,
    minor: u32,
}

impl Version {
    pub(crate) const MRCP_2_0: Self = Self { major: 2, minor: 0 };
}

/// What follows version and length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StartLineKind {
    Request { method: Method, id: RequestId },
    Response { id: RequestId, status: StatusCode, state: RequestState },
    Event { name: EventName, id: RequestId, state: RequestState },
}

/// The first two tokens, which suffice to frame the message, and the rest of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prologue<'a> {
    pub(crate) version: Version,
    /// `message-length`: octets of the whole message, start line included.
    pub(crate) length: u64,
    pub(crate) rest: &'a [u8],
}

/// Parses `MRCP/2.0 SP message-length SP rest`; `line` is without its line end.
pub(crate) fn parse_prologue(line: &[u8]) -> Option<Prologue<'_>> {
    let version = preceded(tag_no_case(&b"MRCP/"[..]), separated_pair(number, char('.'), number));
    // 19 digits is the RFC's limit and always fits.
    let length = map_res(take_while_m_n(1, 19, |byte: u8| byte.is_ascii_digit()), parse_u64);
    let (rest, ((major, minor), length)) =
        terminated(separated_pair(version, char(' '), length), char(' ')).parse(line).ok()?;
    Some(Prologue { version: Version { major, minor }, length, rest })
}

/// Parses what follows the length: `METHOD id`, `id status state` or `EVENT id state`.
pub(crate) fn parse_kind(rest: &[u8]) -> Option<StartLineKind> {
    let response = (request_id, preceded(char(' '), status), preceded(char(' '), state))
        .map(|(id, status, state)| StartLineKind::Response { id, status, state });
    let event = (token, preceded(char(' '), request_id), preceded(char(' '), state))
        .map(|(name, id, state)| StartLineKind::Event { name: EventName::from_token(name), id, state });
    let request = (token, preceded(char(' '), request_id))
        .map(|(method, id)| StartLineKind::Request { method: Method::from_token(method), id });
    all_consuming(alt((all_consuming(response), all_consuming(event), all_consuming(request))))
        .parse(rest)
        .ok()
        .map(|(_, kind)| kind)
}

fn token(input: &[u8]) -> IResult<&[u8], &str> {
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let word = recognize((
        take_while_m_n(1, 1, first),
        nom::bytes::complete::take_while(|byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'),
    ));
    map_res(word, std::str::from_utf8).parse(input)
}

fn number(input: &[u8]) -> IResult<&[u8], u32> {
    map_res(take_while_m_n(1, 10, |byte: u8| byte.is_ascii_digit()), parse_u32).parse(input)
}

fn request_id(input: &[u8]) -> IResult<&[u8], RequestId> {
    map_res(digit1, parse_u32).map(RequestId).parse(input)
}

fn status(input: &[u8]) -> IResult<&[u8], StatusCode> {
    let code =
        map_res(verify(take_while1(|byte: u8| byte.is_ascii_digit()), |digits: &[u8]| digits.len() == 3), parse_u32);
    nom::combinator::map_opt(code, |code| u16::try_from(code).ok().and_then(StatusCode::new)).parse(input)
}

fn state(input: &[u8]) -> IResult<&[u8], RequestState> {
    alt((
        value(RequestState::Complete, tag_no_case(&b"COMPLETE"[..])),
        value(RequestState::InProgress, tag_no_case(&b"IN-PROGRESS"[..])),
        value(RequestState::Pending, tag_no_case(&b"PENDING"[..])),
    ))
    .parse(input)
}

fn parse_u32(digits: &[u8]) -> Result<u32, ()> {
    std::str::from_utf8(digits).map_err(drop)?.parse().map_err(drop)
}

fn parse_u64(digits: &[u8]) -> Result<u64, ()> {
    std::str::from_utf8(digits).map_err(drop)?.parse().map_err(drop)
}
