//! Messages as bytes.

use std::fmt::{Arguments, Write as _};

use bytes::Bytes;

use super::headers::Headers;
use super::method::Method;
use super::name_addr::NameAddr;
use super::via::Via;
use super::{Request, Response};

pub(super) fn request(request: &Request) -> Bytes {
    let mut text = Text::new(request.body.len());
    text.line(format_args!("{} {} SIP/2.0", request.method, request.uri));
    text.via(&request.via);
    if let Some(hops) = request.max_forwards {
        text.line(format_args!("Max-Forwards: {hops}"));
    }
    text.identity(&request.from, &request.to, &request.call_id, request.cseq, &request.method);
    text.finish(&request.headers, &request.body)
}

pub(super) fn response(response: &Response) -> Bytes {
    let mut text = Text::new(response.body.len());
    text.line(format_args!("SIP/2.0 {} {}", response.status, response.reason));
    text.via(&response.via);
    text.identity(&response.from, &response.to, &response.call_id, response.cseq, &response.method);
    text.finish(&response.headers, &response.body)
}

struct Text(String);

impl Text {
    fn new(body: usize) -> Self {
        Self(String::with_capacity(body.saturating_add(768)))
    }

    fn line(&mut self, line: Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.0.write_fmt(line);
        self.0.push_str("\r\n");
    }

    fn via(&mut self, via: &[Via]) {
        for via in via {
            self.line(format_args!("Via: {via}"));
        }
    }

    fn identity(&mut self, from: &NameAddr, to: &NameAddr, call_id: &str, cseq: u32, method: &Method) {
        self.line(format_args!("From: {from}"));
        self.line(format_args!("To: {to}"));
        self.line(format_args!("Call-ID: {call_id}"));
        self.line(format_args!("CSeq: {cseq} {method}"));
    }

    fn finish(mut self, headers: &Headers, body: &Bytes) -> Bytes {
        for (name, value) in headers.iter() {
            self.line(format_args!("{name}: {value}"));
        }
        self.line(format_args!("Content-Length: {}", body.len()));
        self.0.push_str("\r\n");
        let mut bytes = self.0.into_bytes();
        bytes.extend_from_slice(body);
        Bytes::from(bytes)
    }
}
