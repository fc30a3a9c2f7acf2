//! What a UAS checks before it processes a request (RFC 3261, 8.2), and the answers to requests that fail.

use bytes::Bytes;

use super::counters::Counters;
use crate::capabilities::{ACCEPT, ALLOW, SUPPORTED};
use crate::message::headers::list_elements;
use crate::message::raw::{Raw, StartLine};
use crate::{Known, Method, NameAddr, ParseError, ParseErrorKind, Request, Status, Uri, Via};

/// Why a request goes no further, and what is to be told.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: Status,
    pub(super) header: Option<(Known, String)>,
    pub(super) counter: fn(&mut Counters) -> &mut u64,
}

impl Refusal {
    pub(super) fn new(status: Status, counter: fn(&mut Counters) -> &mut u64) -> Self {
        Self { status, header: None, counter }
    }

    pub(super) fn with(mut self, name: Known, value: impl Into<String>) -> Self {
        self.header = Some((name, value.into()));
        self
    }
}

/// Whether we serve the method at all, and the kind of URI (RFC 3261, 8.2.1 and 8.2.2.1).
pub(super) fn inspect_target(request: &Request) -> Result<(), Refusal> {
    match &request.method {
        Method::Invite | Method::Ack | Method::Bye | Method::Cancel | Method::Options | Method::Update => {}
        Method::Register
        | Method::Prack
        | Method::Info
        | Method::Message
        | Method::Subscribe
        | Method::Notify
        | Method::Refer
        | Method::Publish => {
            return Err(Refusal::new(Status::METHOD_NOT_ALLOWED, |c| &mut c.refused_method).with(Known::Allow, ALLOW));
        }
        Method::Extension(_) => {
            return Err(Refusal::new(Status::NOT_IMPLEMENTED, |c| &mut c.refused_method).with(Known::Allow, ALLOW));
        }
    }
    match &request.uri {
        Uri::Sip(uri) if !uri.is_secure => Ok(()),
        // There is no TLS, so nothing that a sips: URI promises can be kept.
        Uri::Sip(_) | Uri::Other { .. } => {
            Err(Refusal::new(Status::UNSUPPORTED_URI_SCHEME, |c| &mut c.refused_uri_scheme))
        }
    }
}

/// Whether we know the extensions that the request needs, and its body (RFC 3261, 8.2.2.3 and 8.2.3).
pub(super) fn inspect_content(request: &Request) -> Result<(), Refusal> {
    let unknown: Vec<_> =
        request.headers.elements(Known::Require).filter(|option| !option.eq_ignore_ascii_case(SUPPORTED)).collect();
    if !unknown.is_empty() {
        let refusal = Refusal::new(Status::BAD_EXTENSION, |c| &mut c.refused_extension);
        return Err(refusal.with(Known::Unsupported, unknown.join(", ")));
    }
    let carries_description = matches!(request.method, Method::Invite | Method::Update);
    let is_encoded =
        request.headers.elements(Known::ContentEncoding).any(|coding| !coding.eq_ignore_ascii_case("identity"));
    let is_optional = request
        .headers
        .first(Known::ContentDisposition)
        .is_some_and(|value| value.to_ascii_lowercase().replace([' ', '\t'], "").contains("handling=optional"));
    if carries_description && !request.body.is_empty() && !is_optional {
        let media_type = request.media_type().is_some_and(|media_type| media_type.eq_ignore_ascii_case(ACCEPT));
        if is_encoded {
            let refusal = Refusal::new(Status::UNSUPPORTED_MEDIA_TYPE, |c| &mut c.refused_media_type);
            return Err(refusal.with(Known::AcceptEncoding, "identity"));
        }
        if !media_type {
            let refusal = Refusal::new(Status::UNSUPPORTED_MEDIA_TYPE, |c| &mut c.refused_media_type);
            return Err(refusal.with(Known::Accept, ACCEPT));
        }
    }
    let takes = |range: &str| {
        let range = range.split(';').next().unwrap_or(range).trim();
        ["application/sdp", "application/*", "*/*"].iter().any(|known| range.eq_ignore_ascii_case(known))
    };
    let mut accepted = request.headers.elements(Known::Accept).peekable();
    if request.method == Method::Invite && accepted.peek().is_some() && !accepted.any(takes) {
        return Err(Refusal::new(Status::NOT_ACCEPTABLE, |c| &mut c.refused_accept).with(Known::Accept, ACCEPT));
    }
    Ok(())
}

/// The status for a request that could not be read.
pub(super) fn status_for(error: &ParseError) -> Status {
    match error.kind {
        ParseErrorKind::Version => Status::VERSION_NOT_SUPPORTED,
        ParseErrorKind::TooLong => Status::MESSAGE_TOO_LARGE,
        ParseErrorKind::StartLine
        | ParseErrorKind::RequestUri
        | ParseErrorKind::HeaderLine
        | ParseErrorKind::TooManyHeaders
        | ParseErrorKind::NotUtf8
        | ParseErrorKind::Missing(_)
        | ParseErrorKind::Repeated(_)
        | ParseErrorKind::Invalid(_)
        | ParseErrorKind::BodyTruncated
        | ParseErrorKind::CseqMethod => Status::BAD_REQUEST,
    }
}

/// The answer to a request that could not be read, with what can be copied from it; `None` if it has no Via, or may not be
/// answered.
pub(super) fn answer_raw(
    raw: &Raw<'_>,
    source: std::net::SocketAddr,
    (status, reason): (Status, &str),
    tag: impl FnOnce(&str) -> String,
) -> Option<(Option<Via>, Bytes)> {
    let StartLine::Request { method, .. } = raw.start else { return None };
    if method == Method::Ack.as_str() {
        return None;
    }
    let mut via_values = raw.named(Known::Via).flat_map(|field| list_elements(&field.value));
    let first = via_values.next()?;
    let via = Via::parse(first).map(|mut via| {
        via.set_source(source);
        via
    });
    let mut text = format!("SIP/2.0 {status} {reason}\r\n");
    let mut line = |name: Known, value: &str| {
        // A value may hold a lone CR or LF here: it must not become two lines.
        let value = value.replace(['\r', '\n'], " ");
        text.extend([name.as_str(), ": ", &value, "\r\n"]);
    };
    match &via {
        Some(via) => line(Known::Via, &via.to_string()),
        None => line(Known::Via, first),
    }
    via_values.for_each(|value| line(Known::Via, value));
    let value_of = |name: Known| raw.named(name).next().map(|field| field.value.as_ref());
    if let Some(value) = value_of(Known::To) {
        match NameAddr::parse(value).filter(|to| to.tag().is_none()) {
            Some(to) => line(Known::To, &to.with_tag(&tag(value_of(Known::CallId).unwrap_or_default())).to_string()),
            None => line(Known::To, value),
        }
    }
    for name in [Known::From, Known::CallId, Known::CSeq] {
        if let Some(value) = value_of(name) {
            line(name, value);
        }
    }
    text.push_str("Content-Length: 0\r\n\r\n");
    Some((via, Bytes::from(text)))
}
