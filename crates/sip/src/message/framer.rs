//! Messages out of a byte stream (RFC 3261, 18.3; RFC 5626, 3.5.1).

use bytes::{Buf, Bytes, BytesMut};

use super::MessageLimits;
use super::raw::Raw;

/// What a stream holds next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A whole message.
    Message(Bytes),
    /// A keep-alive, to be answered with one CRLF.
    Ping,
}

/// Why the end of a message cannot be found. The stream is of no more use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FrameError {
    /// The message is longer than the limit. Its header section, if that is complete.
    TooLong(Option<Bytes>),
    /// The header section has no Content-Length, or not one that can be relied on.
    NoContentLength(Bytes),
    /// What arrives is not SIP.
    NotSip,
}

/// Collects the bytes of one stream and cuts messages off.
#[derive(Debug)]
pub(crate) struct Framer {
    limits: MessageLimits,
    buffer: BytesMut,
    /// Bytes already searched for the end of the header section.
    searched: usize,
    /// The length of the message, once its header section is complete.
    length: Option<usize>,
    /// One CRLF was skipped at the start of a message: another makes a ping.
    half_ping: bool,
}

impl Framer {
    pub(crate) fn new(limits: MessageLimits) -> Self {
        Self { limits, buffer: BytesMut::new(), searched: 0, length: None, half_ping: false }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether part of a message is waiting for the rest.
    pub(crate) fn is_incomplete(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// The next frame; `None` when more bytes are needed.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        if self.length.is_none() {
            if self.skip_line_breaks() {
                return Ok(Some(Frame::Ping));
            }
            self.length = self.find_length()?;
        }
        match self.length {
            Some(length) if length <= self.buffer.len() => {
                self.length = None;
                self.searched = 0;
                Ok(Some(Frame::Message(self.buffer.split_to(length).freeze())))
            }
            Some(_) => Ok(None),
            None if self.buffer.len() > self.limits.message_bytes_max => Err(FrameError::TooLong(None)),
            None => Ok(None),
        }
    }

    /// Skips line breaks before a message; true when a pair of them was one ping.
    fn skip_line_breaks(&mut self) -> bool {
        while self.buffer.starts_with(b"\r\n") {
            self.buffer.advance(2);
            self.searched = 0;
            self.half_ping = !self.half_ping;
            if !self.half_ping {
                return true;
            }
        }
        // A lone CR may be the first half of a CRLF.
        if !self.buffer.is_empty() && &self.buffer[..] != b"\r" {
            self.half_ping = false;
        }
        false
    }

    fn find_length(&mut self) -> Result<Option<usize>, FrameError> {
        if self.buffer.first().is_some_and(|byte| !byte.is_ascii_graphic() && *byte != b'\r') {
            return Err(FrameError::NotSip);
        }
        const END: &[u8] = b"\r\n\r\n";
        let from = self.searched.saturating_sub(END.len() - 1);
        let unsearched = self.buffer.get(from..).unwrap_or_default();
        let Some(end) = unsearched.windows(END.len()).position(|window| window == END) else {
            self.searched = self.buffer.len();
            return Ok(None);
        };
        let head_length = from + end + END.len();
        let head = Bytes::copy_from_slice(self.buffer.get(..head_length).unwrap_or_default());
        if head_length > self.limits.message_bytes_max {
            return Err(FrameError::TooLong(None));
        }
        let raw = Raw::split(&head, &self.limits).map_err(|_| FrameError::NotSip)?;
        match raw.content_length() {
            Ok(Some(body)) => match head_length.checked_add(body) {
                Some(length) if length <= self.limits.message_bytes_max => Ok(Some(length)),
                Some(_) | None => Err(FrameError::TooLong(Some(head))),
            },
            Ok(None) | Err(_) => Err(FrameError::NoContentLength(head)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::every_split;

    const MESSAGE: &[u8] = b"OPTIONS sip:a SIP/2.0\r\nl: 3\r\n\r\nabc";

    fn framer() -> Framer {
        Framer::new(MessageLimits { message_bytes_max: 64, headers_max: 8 })
    }

    fn frames(framer: &mut Framer) -> Vec<Frame> {
        std::iter::from_fn(|| framer.next_frame().unwrap()).collect()
    }

    #[test]
    fn messages_and_pings_come_out_whatever_the_split() {
        let stream = [b"\r\n", MESSAGE, b"\r\n\r\n", MESSAGE].concat();
        for (a, b) in every_split(&stream) {
            let mut framer = framer();
            framer.push(a);
            let mut all = frames(&mut framer);
            framer.push(b);
            all.extend(frames(&mut framer));
            let message = Frame::Message(Bytes::from_static(MESSAGE));
            assert_eq!(all, [message.clone(), Frame::Ping, message], "split at {}", a.len());
            assert!(!framer.is_incomplete());
        }
    }

    #[test]
    fn a_message_without_content_length_is_an_error() {
        let mut framer = framer();
        framer.push(b"OPTIONS sip:a SIP/2.0\r\nTo: b\r\n\r\n");
        assert!(matches!(framer.next_frame(), Err(FrameError::NoContentLength(_))));
    }

    #[test]
    fn a_message_over_the_limit_is_an_error_before_it_has_arrived() {
        let mut too_long = framer();
        too_long.push(b"OPTIONS sip:a SIP/2.0\r\nl: 300\r\n\r\n");
        assert!(matches!(too_long.next_frame(), Err(FrameError::TooLong(Some(_)))));
        let mut endless = framer();
        endless.push(&[b'a'; 65]);
        assert_eq!(endless.next_frame(), Err(FrameError::TooLong(None)));
        let mut overflow = framer();
        overflow.push(b"A sip:a SIP/2.0\r\nl: 18446744073709551615\r\n\r\n");
        assert!(matches!(overflow.next_frame(), Err(FrameError::TooLong(Some(_)))));
    }

    #[test]
    fn what_is_not_sip_is_an_error() {
        let mut binary = framer();
        binary.push(&[0x16, 3, 1]);
        assert_eq!(binary.next_frame(), Err(FrameError::NotSip));
        let mut http = framer();
        http.push(b"GET / HTTP/1.1\r\nl: 0\r\n\r\n");
        assert_eq!(http.next_frame(), Err(FrameError::NotSip));
    }
}
