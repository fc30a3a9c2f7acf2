//! A ladder: requests and happenings on one side, what the machine does on the other, each as one line of text, on a
//! virtual clock.

pub(crate) mod recognizer;
pub(crate) mod recorder;
pub(crate) mod synthesizer;

use std::collections::VecDeque;

use mrcp::{ChannelId, HeaderName, Headers, Message, Method, Request, RequestId, Resource};

/// The lines that a machine has put out and that no test has looked at yet, with their time in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Transcript(VecDeque<(u64, String)>);

impl Transcript {
    pub(crate) fn push(&mut self, at_ms: u64, line: String) {
        self.0.push_back((at_ms, line));
    }

    /// Takes all lines and compares them.
    #[track_caller]
    pub(crate) fn expect(&mut self, lines: &[&str]) {
        let said: Vec<String> = self.0.drain(..).map(|(_, line)| line).collect();
        assert_eq!(said, lines);
    }

    /// Takes all lines, which must be these, at this time.
    #[track_caller]
    pub(crate) fn expect_at(&mut self, ms: u64, lines: &[&str]) {
        let said: Vec<(u64, String)> = self.0.drain(..).collect();
        let wanted: Vec<(u64, String)> = lines.iter().map(|line| (ms, (*line).to_owned())).collect();
        assert_eq!(said, wanted);
    }

    /// Takes all lines.
    pub(crate) fn take(&mut self) -> Vec<String> {
        self.0.drain(..).map(|(_, line)| line).collect()
    }

    /// Takes all lines, which must begin so.
    #[track_caller]
    pub(crate) fn expect_beginnings(&mut self, beginnings: &[&str]) {
        let said: Vec<String> = self.0.drain(..).map(|(_, line)| line).collect();
        let begin = said.len() == beginnings.len()
            && said.iter().zip(beginnings).all(|(line, beginning)| line.starts_with(beginning));
        assert!(begin, "{said:?} do not begin {beginnings:?}");
    }

    /// Drops lines that begin so.
    pub(crate) fn forget(&mut self, start: &str) {
        self.0.retain(|(_, line)| !line.starts_with(start));
    }

    #[track_caller]
    pub(crate) fn expect_nothing(&self) {
        assert_eq!(self.0, []);
    }
}

pub(crate) fn channel(resource: Resource) -> ChannelId {
    ChannelId::new("32AECB23433801", resource).unwrap()
}

/// A request from `METHOD ID`, header lines and a body.
pub(crate) fn request(resource: Resource, line: &str, headers: &[&str], body: &str) -> Request {
    let (method, id) = line.split_once(' ').unwrap();
    let mut request = Request::new(channel(resource), RequestId(id.parse().unwrap()), Method::from_token(method));
    request.headers = header_fields(headers);
    request.body = body.to_owned().into();
    request
}

pub(crate) fn header_fields(lines: &[&str]) -> Headers {
    let mut headers = Headers::new();
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        headers.push(HeaderName::from_token(name), value.trim());
    }
    headers
}

/// A message in one line: start line without version and length, headers, length of the body. Every message is sent
/// through the wire format on the way.
pub(crate) fn message_line(message: &Message) -> String {
    let mut framer = mrcp::Framer::new(mrcp::Limits::default());
    framer.push(&message.encode());
    assert_eq!(framer.next_message(), Some(Ok(message.clone())), "what is sent can be read");
    let mut line = match message {
        Message::Request(request) => format!("> {} {}", request.method, request.id),
        Message::Response(response) => format!("< {} {} {}", response.id, response.status, response.state),
        Message::Event(event) => format!("< {} {} {}", event.name, event.id, event.state),
    };
    for header in message.headers().iter() {
        line.push_str(format!(" | {}: {}", header.name, header.value).trim_end());
    }
    if !message.body().is_empty() {
        line.push_str(&format!(" | {}", String::from_utf8_lossy(message.body())));
    }
    line
}
