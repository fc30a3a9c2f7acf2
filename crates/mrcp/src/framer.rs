//! From bytes to messages (RFC 6787 §5.1): any split, any pipelining, bounded.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};
use nom::bytes::complete::{take_till, take_until, take_while1};
use nom::{IResult, Parser};

use crate::message::{Event, Message, Request, Response};
use crate::start_line::{StartLineKind, Version, parse_kind, parse_prologue};
use crate::{ChannelId, Header, HeaderName, Headers, RequestId, StatusCode};

/// What a framer accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest message, in octets; a longer one is answered 504 and skipped.
    pub message_bytes_max: usize,
    /// The longest header section, in octets; a longer one is answered 504.
    pub header_bytes_max: usize,
    /// The most header fields; more are answered 504.
    pub headers_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { message_bytes_max: 1024 * 1024, header_bytes_max: 64 * 1024, headers_max: 128 }
    }
}

/// The longest start line: the longest of RFC 6787 has about 60 octets.
const START_LINE_BYTES_MAX: usize = 512;

/// A message that cannot be taken although its end is known: the stream goes on after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Why.
    pub status: StatusCode,
    /// Its request identifier.
    pub id: RequestId,
    /// Its Channel-Identifier as far as it could be read, well-formed or not.
    pub channel: Option<String>,
    /// The fields at fault, to be echoed.
    pub headers: Headers,
    /// Whether it was a request: only requests are answered.
    pub is_request: bool,
    /// What was wrong, for logs: never anything the peer sent.
    pub reason: &'static str,
}

/// The end of the next message cannot be known: the connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FatalError {
    /// What came is not the start line of an MRCPv2 message.
    NotMrcp,
    /// No line end within the longest start line.
    StartLineTooLong,
    /// `message-length` is shorter than the start line itself.
    LengthTooShort,
    /// The start line frames a message but has no usable request identifier, so that it cannot be answered.
    NoRequestId,
}

impl fmt::Display for FatalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotMrcp => "not an MRCPv2 start line",
            Self::StartLineTooLong => "start line too long",
            Self::LengthTooShort => "message-length shorter than the start line",
            Self::NoRequestId => "start line without a usable request identifier",
        })
    }
}

impl std::error::Error for FatalError {}

/// What is wrong with the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameError {
    /// One message is bad; go on reading.
    Rejected(Rejection),
    /// The stream is lost; every later call says so again.
    Fatal(FatalError),
}

/// Turns a byte stream into messages. Holds at most one message and what was pushed beyond it, provided that
/// [`next_message`](Self::next_message) is called until `None` after each push.
#[derive(Debug)]
pub struct Framer {
    limits: Limits,
    buffer: BytesMut,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    StartLine,
    Message {
        length: usize,
    },
    /// Longer than we take: the header section is awaited so that the 504 names its channel.
    TooLong {
        length: u64,
        searched: usize,
    },
    Discarding {
        remaining: u64,
    },
    Lost(FatalError),
}

impl Framer {
    /// A framer at the start of a stream.
    pub fn new(limits: Limits) -> Self {
        Self { limits, buffer: BytesMut::new(), state: State::StartLine }
    }

    /// Adds received bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Lost(_) => {}
            State::Discarding { remaining } if self.buffer.is_empty() => {
                let skipped = bytes.len().min(usize::try_from(*remaining).unwrap_or(usize::MAX));
                *remaining = remaining.saturating_sub(skipped as u64);
                self.buffer.extend_from_slice(bytes.get(skipped..).unwrap_or_default());
            }
            State::Discarding { .. } | State::StartLine | State::Message { .. } | State::TooLong { .. } => {
                self.buffer.extend_from_slice(bytes);
            }
        }
    }

    /// Whether a message has begun and not ended.
    pub fn is_in_message(&self) -> bool {
        match self.state {
            State::StartLine => self.buffer.iter().any(|byte| !matches!(byte, b'\r' | b'\n')),
            State::Message { .. } | State::TooLong { .. } => true,
            State::Discarding { remaining } => remaining > 0,
            State::Lost(_) => false,
        }
    }

    /// The next complete message, or `None` when more bytes are needed.
    pub fn next_message(&mut self) -> Option<Result<Message, FrameError>> {
        loop {
            match self.state {
                State::Lost(error) => return Some(Err(FrameError::Fatal(error))),
                State::StartLine => match self.start_line() {
                    Ok(Some(state)) => self.state = state,
                    Ok(None) => return None,
                    Err(error) => {
                        self.buffer.clear();
                        self.state = State::Lost(error);
                    }
                },
                State::Message { length } => {
                    if self.buffer.len() < length {
                        return None;
                    }
                    let message = self.buffer.split_to(length).freeze();
                    self.state = State::StartLine;
                    match parse_message(&message, self.limits) {
                        Ok(message) => return Some(Ok(message)),
                        Err(MessageError::Rejected(rejection)) => {
                            return Some(Err(FrameError::Rejected(*rejection)));
                        }
                        Err(MessageError::Fatal(error)) => self.state = State::Lost(error),
                    }
                }
                State::TooLong { length, searched } => {
                    // No further, however much has come: the answer may not depend on how the stream was cut.
                    let within = self.buffer.len().min(self.limits.header_bytes_max);
                    let head = self.buffer.get(..within).unwrap_or_default();
                    let header_end = find_blank_line(head, searched);
                    if header_end.is_none() && within < self.limits.header_bytes_max {
                        self.state = State::TooLong { length, searched: within.saturating_sub(3) };
                        return None;
                    }
                    let head = Bytes::copy_from_slice(head.get(..header_end.unwrap_or(within)).unwrap_or_default());
                    self.state = State::Discarding { remaining: length };
                    match too_large(&head) {
                        Some(rejection) => return Some(Err(FrameError::Rejected(rejection))),
                        None => self.state = State::Lost(FatalError::NoRequestId),
                    }
                }
                State::Discarding { remaining } => {
                    let skipped = self.buffer.len().min(usize::try_from(remaining).unwrap_or(usize::MAX));
                    self.buffer.advance(skipped);
                    let remaining = remaining.saturating_sub(skipped as u64);
                    if remaining > 0 {
                        self.state = State::Discarding { remaining };
                        return None;
                    }
                    self.state = State::StartLine;
                }
            }
        }
    }

    /// Finds out how long the next message is. Line ends before it are skipped.
    fn start_line(&mut self) -> Result<Option<State>, FatalError> {
        let blank = self.buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.buffer.advance(blank);
        let Some(line_end) = self.buffer.iter().take(START_LINE_BYTES_MAX).position(|byte| *byte == b'\n') else {
            let expected = b"MRCP/";
            if self.buffer.iter().zip(expected).any(|(byte, letter)| !byte.eq_ignore_ascii_case(letter)) {
                return Err(FatalError::NotMrcp);
            }
            return if self.buffer.len() < START_LINE_BYTES_MAX { Ok(None) } else { Err(FatalError::StartLineTooLong) };
        };
        let line = self.buffer.get(..line_end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let length = parse_prologue(line).ok_or(FatalError::NotMrcp)?.length;
        match usize::try_from(length) {
            Ok(length) if length <= line_end => Err(FatalError::LengthTooShort),
            Ok(length) if length <= self.limits.message_bytes_max => Ok(Some(State::Message { length })),
            Ok(_) | Err(_) => Ok(Some(State::TooLong { length, searched: 0 })),
        }
    }
}

enum MessageError {
    Rejected(Box<Rejection>),
    Fatal(FatalError),
}

impl From<FatalError> for MessageError {
    fn from(error: FatalError) -> Self {
        Self::Fatal(error)
    }
}

/// The header section of a message as read, before it is judged.
struct Section {
    channel: Option<String>,
    content_length: Option<String>,
    headers: Headers,
    body_at: usize,
}

/// What is wrong with a header section.
struct SectionError {
    status: StatusCode,
    channel: Option<String>,
    headers: Headers,
    reason: &'static str,
}

/// Parses one whole message: exactly the octets that its `message-length` counts.
fn parse_message(bytes: &Bytes, limits: Limits) -> Result<Message, MessageError> {
    let (line, section_at) = split_line(bytes).ok_or(FatalError::NotMrcp)?;
    let prologue = parse_prologue(line).ok_or(FatalError::NotMrcp)?;
    let kind = parse_kind(prologue.rest);
    let (id, is_request) = match &kind {
        Some(StartLineKind::Request { id, .. }) => (*id, true),
        Some(StartLineKind::Response { id, .. } | StartLineKind::Event { id, .. }) => (*id, false),
        None => (request_id_of(prologue.rest).ok_or(FatalError::NoRequestId)?, true),
    };
    let reject = |status, channel, headers, reason| {
        MessageError::Rejected(Box::new(Rejection { status, id, channel, headers, is_request, reason }))
    };

    let section = read_section(bytes, section_at, limits);
    if prologue.version != Version::MRCP_2_0 {
        let channel = section.map_or_else(|error| error.channel, |section| section.channel);
        return Err(reject(StatusCode::VERSION_NOT_SUPPORTED, channel, Headers::new(), "unsupported version"));
    }
    let section = section.map_err(|error| reject(error.status, error.channel, error.headers, error.reason))?;
    let Some(kind) = kind else {
        return Err(reject(StatusCode::UNSUPPORTED_ENTITY, section.channel, Headers::new(), "malformed start line"));
    };
    let Some(channel_text) = section.channel else {
        return Err(reject(StatusCode::MANDATORY_HEADER_MISSING, None, Headers::new(), "no Channel-Identifier"));
    };
    let Ok(channel) = channel_text.parse::<ChannelId>() else {
        let reason = "illegal Channel-Identifier";
        return Err(reject(StatusCode::ILLEGAL_HEADER_VALUE, Some(channel_text), Headers::new(), reason));
    };

    let rest = bytes.slice(section.body_at.min(bytes.len())..);
    let body = match section.content_length {
        None if rest.iter().all(|byte| matches!(byte, b'\r' | b'\n')) => Bytes::new(),
        None => {
            let reason = "a body without Content-Length";
            return Err(reject(StatusCode::UNSUPPORTED_ENTITY, Some(channel_text), Headers::new(), reason));
        }
        Some(value) => {
            let is_number = (1..=19).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
            let Some(length) = value.parse::<u64>().ok().filter(|_| is_number) else {
                let at_fault = Headers::new().with(HeaderName::ContentLength, value);
                let reason = "illegal Content-Length";
                return Err(reject(StatusCode::ILLEGAL_HEADER_VALUE, Some(channel_text), at_fault, reason));
            };
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let excess = rest.get(length..).filter(|excess| excess.iter().all(|byte| matches!(byte, b'\r' | b'\n')));
            if excess.is_none() {
                let reason = "Content-Length disagrees with message-length";
                return Err(reject(StatusCode::UNSUPPORTED_ENTITY, Some(channel_text), Headers::new(), reason));
            }
            rest.slice(..length)
        }
    };

    let headers = section.headers;
    Ok(match kind {
        StartLineKind::Request { method, id } => Message::Request(Request { channel, id, method, headers, body }),
        StartLineKind::Response { id, status, state } => {
            Message::Response(Response { channel, id, status, state, headers, body })
        }
        StartLineKind::Event { name, id, state } => Message::Event(Event { channel, id, name, state, headers, body }),
    })
}

/// The refusal of a message beyond the limit, from its start line and as much of its headers as is there.
fn too_large(head: &Bytes) -> Option<Rejection> {
    let (line, section_at) = split_line(head)?;
    let rest = parse_prologue(line)?.rest;
    let is_request = matches!(parse_kind(rest), Some(StartLineKind::Request { .. }) | None);
    let id = request_id_of(rest)?;
    let unlimited = Limits { message_bytes_max: usize::MAX, header_bytes_max: usize::MAX, headers_max: usize::MAX };
    let channel = match read_section(head, section_at, unlimited) {
        Ok(section) => section.channel,
        Err(error) => error.channel,
    };
    let status = StatusCode::MESSAGE_TOO_LARGE;
    Some(Rejection { status, id, channel, headers: Headers::new(), is_request, reason: "message too large" })
}

/// The request identifier of a start line that may be malformed otherwise: its first token that is a number.
fn request_id_of(rest: &[u8]) -> Option<RequestId> {
    std::str::from_utf8(rest).ok()?.split_ascii_whitespace().take(2).find_map(|token| {
        let is_number = token.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { token.parse().ok().map(RequestId) } else { None }
    })
}

/// Reads header fields up to the blank line. Lines may end in LF alone: the length frames the message, not they.
fn read_section(bytes: &Bytes, section_at: usize, limits: Limits) -> Result<Section, SectionError> {
    let mut section = Section { channel: None, content_length: None, headers: Headers::new(), body_at: bytes.len() };
    let mut fields = 0_usize;
    let mut at = section_at;
    loop {
        let error =
            |status, headers, reason| SectionError { status, channel: section.channel.clone(), headers, reason };
        let rest = bytes.get(at..).unwrap_or_default();
        if let Ok((after, _)) = blank_line(rest) {
            section.body_at = bytes.len() - after.len();
            return Ok(section);
        }
        let Ok((after, (name, raw))) = field(rest) else {
            let reason = "malformed header section";
            return Err(error(StatusCode::UNSUPPORTED_ENTITY, Headers::new(), reason));
        };
        fields += 1;
        at = bytes.len() - after.len();
        if fields > limits.headers_max || at.saturating_sub(section_at) > limits.header_bytes_max {
            return Err(error(StatusCode::MESSAGE_TOO_LARGE, Headers::new(), "too many headers"));
        }
        let name = HeaderName::from_token(name);
        let Ok(value) = std::str::from_utf8(raw).map(unfold) else {
            let at_fault = Headers::new().with(name, String::from_utf8_lossy(raw));
            return Err(error(StatusCode::ILLEGAL_HEADER_VALUE, at_fault, "a header value is not UTF-8"));
        };
        let slot = match name {
            HeaderName::ChannelIdentifier => &mut section.channel,
            HeaderName::ContentLength => &mut section.content_length,
            name => {
                section.headers.push(name, value);
                continue;
            }
        };
        match slot {
            None => *slot = Some(value),
            Some(known) if *known == value => {}
            Some(_) => {
                let at_fault = if name == HeaderName::ContentLength {
                    Headers::from_iter([Header { name, value }])
                } else {
                    Headers::new()
                };
                return Err(SectionError {
                    status: StatusCode::ILLEGAL_HEADER_VALUE,
                    channel: section.channel.clone(),
                    headers: at_fault,
                    reason: "a header is repeated with another value",
                });
            }
        }
    }
}

/// `name ":" value` with its continuation lines. White space before the colon is taken (two of the RFC's own names have it).
fn field(input: &[u8]) -> IResult<&[u8], (&str, &[u8])> {
    let is_token = |byte: u8| byte.is_ascii_graphic() && byte != b':';
    let (rest, name) = take_while1(is_token).parse(input)?;
    let (rest, _) = nom::bytes::complete::take_while(|byte| matches!(byte, b' ' | b'\t')).parse(rest)?;
    let (value, _) = nom::character::complete::char(':').parse(rest)?;
    let mut rest = value;
    loop {
        let (after, _) = take_until(&b"\n"[..]).parse(rest)?;
        let (after, _) = nom::bytes::complete::tag(&b"\n"[..]).parse(after)?;
        rest = after;
        if !matches!(after.first(), Some(b' ' | b'\t')) {
            break;
        }
    }
    let raw = value.get(..value.len() - rest.len()).unwrap_or_default();
    // A token is ASCII.
    let name = std::str::from_utf8(name).unwrap_or_default();
    Ok((rest, (name, raw)))
}

fn blank_line(input: &[u8]) -> IResult<&[u8], &[u8]> {
    nom::branch::alt((nom::bytes::complete::tag(&b"\r\n"[..]), nom::bytes::complete::tag(&b"\n"[..]))).parse(input)
}

/// The first line without its end, and where the next begins.
fn split_line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let parse: IResult<&[u8], &[u8]> = take_till(|byte| byte == b'\n').parse(bytes);
    let (rest, line) = parse.ok()?;
    if rest.is_empty() {
        return None;
    }
    Some((line.strip_suffix(b"\r").unwrap_or(line), line.len() + 1))
}

/// Joins continuation lines with one space and trims.
fn unfold(raw: &str) -> String {
    let mut lines = raw.lines().map(str::trim);
    let mut value = lines.next().unwrap_or_default().to_owned();
    for line in lines.filter(|line| !line.is_empty()) {
        value.push(' ');
        value.push_str(line);
    }
    value.trim().to_owned()
}

/// Where the header section ends, searching from `from`.
fn find_blank_line(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let crlf = rest.windows(4).position(|window| window == b"\r\n\r\n").map(|at| from + at + 4);
    let lf = rest.windows(2).position(|window| window == b"\n\n").map(|at| from + at + 2);
    match (crlf, lf) {
        (Some(crlf), Some(lf)) => Some(crlf.min(lf)),
        (found, None) | (None, found) => found,
    }
}
