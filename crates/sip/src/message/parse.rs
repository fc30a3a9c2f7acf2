//! From lines to typed messages.

use nom::Parser;
use nom::character::complete::space1;
use nom::combinator::verify;

use super::grammar::{number, token, whole};
use super::headers::{Headers, Known, list_elements};
use super::method::Method;
use super::name_addr::NameAddr;
use super::raw::{Field, Raw, StartLine};
use super::session_expires::{SessionExpires, min_se};
use super::status::Status;
use super::uri::Uri;
use super::via::Via;
use super::{Message, Request, Response};
use crate::{ParseError, ParseErrorKind};

/// Makes a message of `raw`, or tells the first thing that is wrong with it.
pub(super) fn message(raw: &Raw<'_>) -> Result<Message, ParseError> {
    if let Some(flaw) = raw.flaw {
        return Err(flaw);
    }
    let common = Common::read(&raw.fields)?;
    match raw.start {
        StartLine::Request { method, uri } => request(raw, common, method, uri).map(Message::Request),
        StartLine::Response { code, reason } => {
            let status = code.parse().ok().and_then(Status::new);
            let (cseq, method) = common.cseq;
            Ok(Message::Response(Response {
                status: status.ok_or(ParseError::new(ParseErrorKind::StartLine, 0))?,
                reason: reason.to_owned(),
                via: common.via,
                from: common.from,
                to: common.to,
                call_id: common.call_id,
                cseq,
                method,
                headers: common.headers,
                body: raw.body.clone(),
            }))
        }
    }
}

fn request(raw: &Raw<'_>, common: Common, method: &str, uri: &str) -> Result<Request, ParseError> {
    let uri = Uri::parse(uri).filter(|uri| uri.sip().is_none_or(|sip| sip.headers.is_none()));
    let uri = uri.ok_or(ParseError::new(ParseErrorKind::RequestUri, 0))?;
    let method = Method::from_token(method);
    let (cseq, cseq_method) = common.cseq;
    if cseq_method != method {
        return Err(ParseError::new(ParseErrorKind::CseqMethod, 0));
    }
    Ok(Request {
        method,
        uri,
        via: common.via,
        max_forwards: common.max_forwards,
        from: common.from,
        to: common.to,
        call_id: common.call_id,
        cseq,
        headers: common.headers,
        body: raw.body.clone(),
    })
}

/// What requests and responses both have.
struct Common {
    via: Vec<Via>,
    max_forwards: Option<u8>,
    from: NameAddr,
    to: NameAddr,
    call_id: String,
    cseq: (u32, Method),
    headers: Headers,
}

impl Common {
    fn read(fields: &[Field<'_>]) -> Result<Self, ParseError> {
        let (mut via, mut headers) = (Vec::new(), Headers::new());
        let (mut from, mut to, mut call_id, mut cseq, mut max_forwards) = (None, None, None, None, None);
        for field in fields {
            let Some(known) = field.known() else {
                headers.push(field.name.clone(), field.value.as_ref());
                continue;
            };
            match known {
                Known::Via => {
                    for element in list_elements(&field.value) {
                        via.push(Via::parse(element).ok_or(field.invalid(known))?);
                    }
                }
                Known::From => field.once(known, &mut from, NameAddr::parse)?,
                Known::To => field.once(known, &mut to, NameAddr::parse)?,
                Known::CallId => field.once(known, &mut call_id, parse_call_id)?,
                Known::CSeq => field.once(known, &mut cseq, parse_cseq)?,
                Known::MaxForwards => field.once(known, &mut max_forwards, parse_max_forwards)?,
                Known::ContentLength => {}
                other => {
                    if !is_fine(other, &field.value) {
                        return Err(field.invalid(other));
                    }
                    headers.push(other, field.value.as_ref());
                }
            }
        }
        if via.is_empty() {
            return Err(missing(Known::Via));
        }
        Ok(Self {
            via,
            max_forwards,
            from: from.ok_or(missing(Known::From))?,
            to: to.ok_or(missing(Known::To))?,
            call_id: call_id.ok_or(missing(Known::CallId))?,
            cseq: cseq.ok_or(missing(Known::CSeq))?,
            headers,
        })
    }
}

impl Field<'_> {
    fn known(&self) -> Option<Known> {
        match &self.name {
            super::headers::HeaderName::Known(known) => Some(*known),
            super::headers::HeaderName::Other(_) => None,
        }
    }

    fn invalid(&self, name: Known) -> ParseError {
        ParseError::new(ParseErrorKind::Invalid(name.as_str()), self.offset)
    }

    fn once<T>(&self, name: Known, slot: &mut Option<T>, read: impl Fn(&str) -> Option<T>) -> Result<(), ParseError> {
        if slot.is_some() {
            return Err(ParseError::new(ParseErrorKind::Repeated(name.as_str()), self.offset));
        }
        *slot = Some(read(&self.value).ok_or(self.invalid(name))?);
        Ok(())
    }
}

fn missing(name: Known) -> ParseError {
    ParseError::new(ParseErrorKind::Missing(name.as_str()), 0)
}

/// `CSeq`: below 2^31 (RFC 3261, 8.1.1.5).
fn parse_cseq(value: &str) -> Option<(u32, Method)> {
    let (number, _, method) = whole((verify(number, |&n| n < 1 << 31), space1, token), value)?;
    Some((number, Method::from_token(method)))
}

fn parse_max_forwards(value: &str) -> Option<u8> {
    whole(number.map(u8::try_from), value)?.ok()
}

fn parse_call_id(value: &str) -> Option<String> {
    (!value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic())).then(|| value.to_owned())
}

/// Whether a field that the dialog will rely on can be read.
fn is_fine(name: Known, value: &str) -> bool {
    match name {
        Known::Contact => {
            value == "*" || list_elements(value).filter(|e| !e.is_empty()).all(|e| NameAddr::parse(e).is_some())
        }
        Known::Route | Known::RecordRoute => list_elements(value).all(|e| NameAddr::parse(e).is_some()),
        Known::SessionExpires => SessionExpires::parse(value).is_some(),
        Known::MinSe => min_se(value).is_some(),
        Known::Via
        | Known::From
        | Known::To
        | Known::CallId
        | Known::CSeq
        | Known::ContentLength
        | Known::MaxForwards
        | Known::ContentType
        | Known::Allow
        | Known::Supported
        | Known::Require
        | Known::UserAgent
        | Known::Accept
        | Known::AcceptEncoding
        | Known::ContentDisposition
        | Known::ContentEncoding
        | Known::Unsupported
        | Known::RetryAfter
        | Known::Server
        | Known::Subject
        | Known::Reason
        | Known::Warning
        | Known::ReferTo
        | Known::Event => true,
    }
}
