//! The three messages (RFC 6787 §5) and their encoding.

use bytes::Bytes;

use crate::{ChannelId, EventName, HeaderName, Headers, Method, RequestId, RequestState, StatusCode};

/// A request, client to server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The channel it is for.
    pub channel: ChannelId,
    /// Its identifier.
    pub id: RequestId,
    /// What is asked.
    pub method: Method,
    /// All other headers.
    pub headers: Headers,
    /// The body; empty when there is none.
    pub body: Bytes,
}

/// A response, server to client: exactly one per request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The channel of the request.
    pub channel: ChannelId,
    /// The request's identifier.
    pub id: RequestId,
    /// The outcome.
    pub status: StatusCode,
    /// Whether events follow.
    pub state: RequestState,
    /// All other headers.
    pub headers: Headers,
    /// The body; empty when there is none.
    pub body: Bytes,
}

/// An event, server to client, about an earlier request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The channel of the request.
    pub channel: ChannelId,
    /// The identifier of the request it is about.
    pub id: RequestId,
    /// What happened.
    pub name: EventName,
    /// COMPLETE on the last event of a request.
    pub state: RequestState,
    /// All other headers.
    pub headers: Headers,
    /// The body; empty when there is none.
    pub body: Bytes,
}

/// Any MRCPv2 message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
    /// An event.
    Event(Event),
}

impl Request {
    /// A request without headers and body.
    pub fn new(channel: ChannelId, id: RequestId, method: Method) -> Self {
        Self { channel, id, method, headers: Headers::new(), body: Bytes::new() }
    }

    /// The response to this request, without headers and body.
    pub fn response(&self, status: StatusCode, state: RequestState) -> Response {
        Response {
            channel: self.channel.clone(),
            id: self.id,
            status,
            state,
            headers: Headers::new(),
            body: Bytes::new(),
        }
    }
}

impl Message {
    /// The channel.
    pub fn channel(&self) -> &ChannelId {
        match self {
            Self::Request(Request { channel, .. })
            | Self::Response(Response { channel, .. })
            | Self::Event(Event { channel, .. }) => channel,
        }
    }

    /// The identifier of the request that this is, or is about.
    pub fn id(&self) -> RequestId {
        match self {
            Self::Request(Request { id, .. }) | Self::Response(Response { id, .. }) | Self::Event(Event { id, .. }) => {
                *id
            }
        }
    }

    /// The headers other than Channel-Identifier and Content-Length.
    pub fn headers(&self) -> &Headers {
        match self {
            Self::Request(Request { headers, .. })
            | Self::Response(Response { headers, .. })
            | Self::Event(Event { headers, .. }) => headers,
        }
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        match self {
            Self::Request(Request { body, .. })
            | Self::Response(Response { body, .. })
            | Self::Event(Event { body, .. }) => body,
        }
    }

    /// The message as sent, with `message-length` computed and `Content-Length` added when there is a body.
    pub fn encode(&self) -> Bytes {
        let after_length = match self {
            Self::Request(Request { method, id, .. }) => format!("{method} {id}"),
            Self::Response(Response { id, status, state, .. }) => format!("{id} {status} {state}"),
            Self::Event(Event { name, id, state, .. }) => format!("{name} {id} {state}"),
        };
        encode(&after_length, Some(self.channel().as_str()), self.headers(), self.body())
    }
}

/// Writes a message. Only a refusal of a request that named no channel has none.
pub(crate) fn encode(after_length: &str, channel: Option<&str>, headers: &Headers, body: &[u8]) -> Bytes {
    let mut tail = Vec::with_capacity(256 + body.len());
    let mut line = |name: &str, value: &str| {
        tail.extend_from_slice(name.as_bytes());
        tail.extend_from_slice(b": ");
        tail.extend_from_slice(value.as_bytes());
        tail.extend_from_slice(b"\r\n");
    };
    if let Some(channel) = channel {
        line(HeaderName::ChannelIdentifier.as_str(), channel);
    }
    for header in headers.iter() {
        line(header.name.as_str(), &header.value);
    }
    if !body.is_empty() {
        line(HeaderName::ContentLength.as_str(), &body.len().to_string());
    }
    tail.extend_from_slice(b"\r\n");
    tail.extend_from_slice(body);

    let length = message_length("MRCP/2.0 ".len() + 1 + after_length.len() + 2 + tail.len());
    let mut message = format!("MRCP/2.0 {length} {after_length}\r\n").into_bytes();
    message.append(&mut tail);
    Bytes::from(message)
}

/// The length that counts its own digits: the least `n` with `n == rest + digits(n)`.
fn message_length(rest: usize) -> usize {
    let mut length = rest + 1;
    loop {
        let counted = rest + length.to_string().len();
        if counted == length {
            return length;
        }
        length = counted;
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}

impl From<Event> for Message {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_counts_its_own_digits_also_where_a_digit_is_added() {
        for rest in 0..20_000 {
            let length = message_length(rest);
            assert_eq!(length, rest + length.to_string().len());
        }
    }
}
