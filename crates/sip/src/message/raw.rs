//! A message cut into lines: what is needed to answer one that is otherwise wrong.

use std::borrow::Cow;

use bytes::Bytes;
use nom::Parser;
use nom::bytes::complete::{tag, take_while1};
use nom::character::complete::char;
use nom::combinator::all_consuming;
use nom::sequence::{preceded, terminated};

use super::MessageLimits;
use super::grammar::{is_token_byte, token};
use super::headers::{HeaderName, Known};
use crate::{ParseError, ParseErrorKind};

/// The first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartLine<'a> {
    Request { method: &'a str, uri: &'a str },
    Response { code: &'a str, reason: &'a str },
}

/// One header field, unfolded and trimmed.
#[derive(Debug, Clone)]
pub(crate) struct Field<'a> {
    pub(crate) name: HeaderName,
    pub(crate) value: Cow<'a, str>,
    pub(crate) offset: usize,
}

/// A message cut into start line, header fields and body. It may have a flaw: the first thing that is wrong with it, noted
/// so that the rest can still be read and the sender can be answered.
#[derive(Debug, Clone)]
pub(crate) struct Raw<'a> {
    pub(crate) start: StartLine<'a>,
    pub(crate) fields: Vec<Field<'a>>,
    pub(crate) body: Bytes,
    pub(crate) flaw: Option<ParseError>,
}

impl<'a> Raw<'a> {
    /// Cuts `message`, which may start with empty lines (RFC 3261, 7.5).
    ///
    /// # Errors
    /// The start line cannot be told to be one of SIP.
    pub(crate) fn split(message: &'a Bytes, limits: &MessageLimits) -> Result<Self, ParseError> {
        if message.len() > limits.message_bytes_max {
            return Err(ParseError::new(ParseErrorKind::TooLong, 0));
        }
        let mut lines = Lines { all: message, at: 0 };
        while lines.skip_empty() {}
        let first = lines.next_line().ok_or(ParseError::new(ParseErrorKind::StartLine, 0))?;
        let first = std::str::from_utf8(first).map_err(|_| ParseError::new(ParseErrorKind::StartLine, 0))?;
        let (start, kind) = start_line(first).ok_or(ParseError::new(ParseErrorKind::StartLine, 0))?;
        let mut raw = Raw { start, fields: Vec::with_capacity(16), body: Bytes::new(), flaw: None };
        if let Some(kind) = kind {
            raw.note(kind, 0);
        }
        raw.split_fields(&mut lines, limits);
        raw.cut_body(message, lines.at);
        Ok(raw)
    }

    fn split_fields(&mut self, lines: &mut Lines<'a>, limits: &MessageLimits) {
        loop {
            let offset = lines.at;
            let Some(line) = lines.next_line() else {
                return self.note(ParseErrorKind::HeaderLine, offset);
            };
            if line.is_empty() {
                return;
            }
            if self.fields.len() >= limits.headers_max {
                return self.note(ParseErrorKind::TooManyHeaders, offset);
            }
            let named = match split_name(line) {
                Some((name, value)) => {
                    let value = self.text(value, offset);
                    self.fields.push(Field { name, value, offset });
                    true
                }
                None => {
                    self.note(ParseErrorKind::HeaderLine, offset);
                    false
                }
            };
            let mut folded = String::new();
            while let Some(more) = lines.next_folded() {
                let more = self.text(more, offset);
                folded.push(' ');
                folded.push_str(&more);
            }
            match self.fields.last_mut() {
                Some(field) if named && !folded.is_empty() => {
                    field.value = Cow::Owned(format!("{}{folded}", field.value).trim().to_owned());
                }
                Some(_) | None => {}
            }
        }
    }

    fn text(&mut self, bytes: &'a [u8], offset: usize) -> Cow<'a, str> {
        // A lone CR or LF is a line end to some readers: the value may not be passed on.
        if bytes.contains(&b'\r') || bytes.contains(&b'\n') {
            self.note(ParseErrorKind::HeaderLine, offset);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text.trim_matches([' ', '\t'])),
            Err(_) => {
                self.note(ParseErrorKind::NotUtf8, offset);
                Cow::Owned(String::from_utf8_lossy(bytes).trim_matches([' ', '\t']).to_owned())
            }
        }
    }

    fn cut_body(&mut self, message: &Bytes, start: usize) {
        let available = message.len().saturating_sub(start);
        let length = match self.content_length() {
            Ok(None) => available,
            Ok(Some(length)) if length <= available => length,
            Ok(Some(_)) => {
                self.note(ParseErrorKind::BodyTruncated, start);
                available
            }
            Err(error) => {
                self.flaw.get_or_insert(error);
                available
            }
        };
        let end = start.saturating_add(length).min(message.len());
        self.body = if start < end { message.slice(start..end) } else { Bytes::new() };
    }

    /// Content-Length, if the message has one.
    ///
    /// # Errors
    /// It is not a number, or there are several.
    pub(crate) fn content_length(&self) -> Result<Option<usize>, ParseError> {
        let mut found = None;
        for field in self.named(Known::ContentLength) {
            if found.is_some() {
                return Err(ParseError::new(ParseErrorKind::Repeated("Content-Length"), field.offset));
            }
            let digits = !field.value.is_empty() && field.value.bytes().all(|b| b.is_ascii_digit());
            let number = field.value.parse().ok().filter(|_| digits);
            found = Some(number.ok_or(ParseError::new(ParseErrorKind::Invalid("Content-Length"), field.offset))?);
        }
        Ok(found)
    }

    /// The fields of that name, in order.
    pub(crate) fn named(&self, name: Known) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter().filter(move |field| field.name == name)
    }

    fn note(&mut self, kind: ParseErrorKind, offset: usize) {
        self.flaw.get_or_insert(ParseError::new(kind, offset));
    }
}

/// Reads the first line. The second value is what is wrong with it, if it is recognizable all the same.
fn start_line(line: &str) -> Option<(StartLine<'_>, Option<ParseErrorKind>)> {
    type Failure<'a> = nom::error::Error<&'a str>;
    let mut status_line =
        preceded(tag::<_, _, Failure<'_>>("SIP/2.0 "), (terminated(token, char(' ')), nom::combinator::rest));
    if let Ok((_, (code, reason))) = status_line.parse(line) {
        let fine = code.len() == 3;
        return Some((StartLine::Response { code, reason }, (!fine).then_some(ParseErrorKind::StartLine)));
    }
    let uri = take_while1::<_, _, Failure<'_>>(|c: char| c != ' ' && c != '\t');
    let mut request_line =
        all_consuming((terminated(token, char(' ')), terminated(uri, char(' ')), preceded(tag("SIP/"), version)));
    if let Ok((_, (method, uri, version))) = request_line.parse(line) {
        return Some((StartLine::Request { method, uri }, (version != "2.0").then_some(ParseErrorKind::Version)));
    }
    // Blanks in the wrong places: wrong, but clearly meant to be a request.
    let line = line.trim_end();
    let (method, rest) = line.split_once([' ', '\t'])?;
    let (uri, version) = rest.rsplit_once([' ', '\t'])?;
    let method_fine = !method.is_empty() && method.bytes().all(is_token_byte);
    (method_fine && version.starts_with("SIP/"))
        .then_some((StartLine::Request { method, uri: uri.trim() }, Some(ParseErrorKind::RequestUri)))
}

fn version(input: &str) -> nom::IResult<&str, &str> {
    take_while1(|c: char| c.is_ascii_digit() || c == '.').parse(input)
}

fn split_name(line: &[u8]) -> Option<(HeaderName, &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let name = std::str::from_utf8(line.get(..colon)?).ok()?.trim_end_matches([' ', '\t']);
    (!name.is_empty() && name.bytes().all(is_token_byte))
        .then(|| (HeaderName::from_name(name), line.get(colon + 1..).unwrap_or_default()))
}

/// Lines that end with CRLF.
struct Lines<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    fn rest(&self) -> &'a [u8] {
        self.all.get(self.at..).unwrap_or_default()
    }

    fn skip_empty(&mut self) -> bool {
        let empty = self.rest().starts_with(b"\r\n");
        if empty {
            self.at += 2;
        }
        empty
    }

    fn next_line(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest();
        let mut from = 0;
        loop {
            let newline = rest.get(from..)?.iter().position(|&byte| byte == b'\n')? + from;
            match newline.checked_sub(1).and_then(|end| rest.get(..end).filter(|_| rest.get(end) == Some(&b'\r'))) {
                Some(line) => {
                    self.at += newline + 1;
                    return Some(line);
                }
                None => from = newline + 1,
            }
        }
    }

    /// The next line, if it continues the field before (RFC 3261, 7.3.1).
    fn next_folded(&mut self) -> Option<&'a [u8]> {
        matches!(self.rest().first(), Some(b' ' | b'\t')).then(|| self.next_line()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Result<Option<ParseErrorKind>, ParseErrorKind> {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        let raw = Raw::split(&bytes, &MessageLimits::default()).map_err(|error| error.kind)?;
        Ok(raw.flaw.map(|flaw| flaw.kind))
    }

    #[test]
    fn folded_lines_are_joined_with_one_space() {
        let bytes = Bytes::from_static(b"A sip:b SIP/2.0\r\nTO :\r\n <sip:b>  \r\n\t;tag=1\r\nl:0\r\n\r\n");
        let raw = Raw::split(&bytes, &MessageLimits::default()).unwrap();
        assert_eq!(raw.fields.first().unwrap().value, "<sip:b> ;tag=1");
        assert_eq!(raw.flaw, None);
    }

    #[test]
    fn a_wrong_request_line_is_told_from_garbage() {
        assert_eq!(split("A  sip:b  SIP/2.0\r\n\r\n"), Ok(Some(ParseErrorKind::RequestUri)));
        assert_eq!(split("A sip:b SIP/2.0  \r\n\r\n"), Ok(Some(ParseErrorKind::RequestUri)));
        assert_eq!(split("A sip:b SIP/7.0\r\n\r\n"), Ok(Some(ParseErrorKind::Version)));
        assert_eq!(split("GET / HTTP/1.1\r\n\r\n"), Err(ParseErrorKind::StartLine));
        assert_eq!(split("TEST\n"), Err(ParseErrorKind::StartLine));
        assert_eq!(split(""), Err(ParseErrorKind::StartLine));
    }

    #[test]
    fn the_first_flaw_is_noted_and_the_rest_read() {
        assert_eq!(split("A sip:b SIP/2.0\r\nno colon\r\nl: x\r\n\r\n"), Ok(Some(ParseErrorKind::HeaderLine)));
        assert_eq!(split("A sip:b SIP/2.0\r\nl: x\r\n\r\n"), Ok(Some(ParseErrorKind::Invalid("Content-Length"))));
        assert_eq!(split("A sip:b SIP/2.0\r\nl: 1\r\n\r\n"), Ok(Some(ParseErrorKind::BodyTruncated)));
        assert_eq!(split("A sip:b SIP/2.0\r\nl: 1\r\n"), Ok(Some(ParseErrorKind::HeaderLine)));
        assert_eq!(
            split("A sip:b SIP/2.0\r\nl: 1\r\nl: 1\r\n\r\nx"),
            Ok(Some(ParseErrorKind::Repeated("Content-Length")))
        );
    }
}
