//! Requests and responses as values: [`Request`], [`Response`], and their parts.

pub mod headers;
pub mod method;
pub mod name_addr;
pub mod params;
pub mod session_expires;
pub mod status;
pub mod uri;
pub mod via;

pub(crate) mod framer;
mod grammar;
mod parse;
mod print;
pub(crate) mod raw;

use std::net::SocketAddr;

use bytes::Bytes;

use crate::ParseError;
use headers::{Headers, Known};
use method::Method;
use name_addr::NameAddr;
use session_expires::SessionExpires;
use status::Status;
use uri::Uri;
use via::Via;

/// How much of a message is read before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageLimits {
    /// Bytes of a whole message, body included.
    pub message_bytes_max: usize,
    /// Header fields of a message.
    pub headers_max: usize,
}

impl Default for MessageLimits {
    fn default() -> Self {
        Self { message_bytes_max: 65_536, headers_max: 128 }
    }
}

/// A message of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// A request. What every request must have is a field; the other header fields are in `headers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method; also that of CSeq.
    pub method: Method,
    /// The Request-URI.
    pub uri: Uri,
    /// Via, the last hop first. Never empty in a received request; empty in one that is yet to be sent.
    pub via: Vec<Via>,
    /// Max-Forwards; RFC 2543 elements leave it out.
    pub max_forwards: Option<u8>,
    /// From.
    pub from: NameAddr,
    /// To.
    pub to: NameAddr,
    /// Call-ID.
    pub call_id: String,
    /// The number in CSeq, below 2^31.
    pub cseq: u32,
    /// The other header fields, without Content-Length.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

/// A response. What every response must have is a field; the other header fields are in `headers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: Status,
    /// The reason phrase.
    pub reason: String,
    /// Via, as in the request.
    pub via: Vec<Via>,
    /// From, as in the request.
    pub from: NameAddr,
    /// To, as in the request, with a tag in all but 100.
    pub to: NameAddr,
    /// Call-ID, as in the request.
    pub call_id: String,
    /// The number in CSeq.
    pub cseq: u32,
    /// The method in CSeq.
    pub method: Method,
    /// The other header fields, without Content-Length.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

impl Message {
    /// Reads the message that is all of `datagram` (RFC 3261, 18.3): bytes beyond Content-Length are left out.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(datagram: &Bytes, limits: &MessageLimits) -> Result<Self, ParseError> {
        Self::from_raw(&raw::Raw::split(datagram, limits)?)
    }

    /// Makes a message of one that is cut into lines.
    pub(crate) fn from_raw(raw: &raw::Raw<'_>) -> Result<Self, ParseError> {
        parse::message(raw)
    }
}

impl Request {
    /// An OPTIONS outside a dialog (RFC 3261, 11). The caller gives a Call-ID and a From tag of its own, usually those
    /// of [`Endpoint::new_dialog`](crate::Endpoint::new_dialog).
    pub fn options(target: Uri, from: NameAddr, call_id: String) -> Self {
        Self {
            method: Method::Options,
            to: NameAddr::new(target.clone()),
            uri: target,
            via: Vec::new(),
            max_forwards: Some(MAX_FORWARDS),
            from,
            call_id,
            cseq: 1,
            headers: Headers::new(),
            body: Bytes::new(),
        }
    }

    /// The bytes to send.
    pub fn print(&self) -> Bytes {
        print::request(self)
    }

    /// The first Contact, if it is there and is a `name-addr`.
    pub fn contact(&self) -> Option<NameAddr> {
        self.headers.elements(Known::Contact).next().and_then(NameAddr::parse)
    }

    /// Session-Expires.
    pub fn session_expires(&self) -> Option<SessionExpires> {
        self.headers.first(Known::SessionExpires).and_then(SessionExpires::parse)
    }

    /// Min-SE, in seconds.
    pub fn min_se(&self) -> Option<u32> {
        self.headers.first(Known::MinSe).and_then(session_expires::min_se)
    }

    /// Whether Supported or Require names the option.
    pub fn supports(&self, option: &str) -> bool {
        self.headers.has_token(Known::Supported, option) || self.headers.has_token(Known::Require, option)
    }

    /// Whether Allow names the method.
    pub fn allows(&self, method: &Method) -> bool {
        self.headers.has_token(Known::Allow, method.as_str())
    }

    /// The Content-Type without its parameters, if there is one.
    pub fn media_type(&self) -> Option<&str> {
        media_type(&self.headers)
    }

    /// Notes where the request came from in the top Via.
    pub(crate) fn set_source(&mut self, source: SocketAddr) {
        if let Some(via) = self.via.first_mut() {
            via.set_source(source);
        }
    }
}

impl Response {
    /// A response to `request`, with what RFC 3261, 8.2.6.2 copies from it. The To tag is the request's; where there is
    /// none, the endpoint adds one.
    pub fn to(request: &Request, status: Status) -> Self {
        Self {
            status,
            reason: status.reason().to_owned(),
            via: request.via.clone(),
            from: request.from.clone(),
            to: request.to.clone(),
            call_id: request.call_id.clone(),
            cseq: request.cseq,
            method: request.method.clone(),
            headers: Headers::new(),
            body: Bytes::new(),
        }
    }

    /// The same with a body of that type.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: Bytes) -> Self {
        self.headers.push(Known::ContentType, content_type);
        self.body = body;
        self
    }

    /// The same with a further header field.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<headers::HeaderName>, value: impl Into<String>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// The bytes to send.
    pub fn print(&self) -> Bytes {
        print::response(self)
    }

    /// The first Contact, if it is there and is a `name-addr`.
    pub fn contact(&self) -> Option<NameAddr> {
        self.headers.elements(Known::Contact).next().and_then(NameAddr::parse)
    }

    /// Session-Expires.
    pub fn session_expires(&self) -> Option<SessionExpires> {
        self.headers.first(Known::SessionExpires).and_then(SessionExpires::parse)
    }

    /// Min-SE, in seconds.
    pub fn min_se(&self) -> Option<u32> {
        self.headers.first(Known::MinSe).and_then(session_expires::min_se)
    }

    /// Retry-After, in seconds.
    pub fn retry_after(&self) -> Option<u32> {
        self.headers.first(Known::RetryAfter).and_then(retry_after)
    }

    /// The Content-Type without its parameters, if there is one.
    pub fn media_type(&self) -> Option<&str> {
        media_type(&self.headers)
    }
}

/// What a new request starts with (RFC 3261, 8.1.1.6).
pub(crate) const MAX_FORWARDS: u8 = 70;

fn media_type(headers: &Headers) -> Option<&str> {
    headers.first(Known::ContentType).map(|value| value.split(';').next().unwrap_or(value).trim())
}

fn retry_after(value: &str) -> Option<u32> {
    let digits = value.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}
