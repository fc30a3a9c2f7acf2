//! One TCP connection: bytes in, requests out (RFC 6787 §4.2, §4.5).
//!
//! Many sessions may share a connection and one session may use several, so a connection knows no channels: the shell
//! looks each request's channel up and delivers it, or says with [`Input::Refuse`] that it cannot.
//!
//! ```text
//! loop {
//!     connection.handle_input(now, Input::Received(&bytes));   // or Send, Refuse, Written
//!     while let Some(output) = connection.poll_output() { … }
//! }
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::message::encode;
use crate::{ChannelId, FatalError, FrameError, Framer, Headers, Limits, Message, Rejection, Request, RequestId};
use crate::{RequestState, StatusCode};

/// What a connection accepts and how long it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionConfig {
    /// Limits on messages received.
    pub limits: Limits,
    /// The most octets handed out by [`Output::Write`] and not yet reported by [`Input::Written`]: a peer that does not
    /// read is disconnected.
    pub write_queue_bytes_max: usize,
    /// The longest time between the first and the last octet of a message.
    pub message_timeout: Duration,
    /// The most requests in a second. Further ones are taken in the next, and meanwhile nothing is read.
    pub requests_per_second_max: u32,
}

impl Default for ConnectionConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            write_queue_bytes_max: 4 * 1024 * 1024,
            message_timeout: Duration::from_secs(30),
            requests_per_second_max: 10_000,
        }
    }
}

/// What happens to a connection.
#[derive(Debug)]
pub enum Input<'a> {
    /// Bytes came from the peer.
    Received(&'a [u8]),
    /// A session has a response or event for the peer.
    Send(Message),
    /// A request cannot be delivered: 405 for a channel that is not there, 501 when its session has failed.
    Refuse {
        /// The request's channel.
        channel: ChannelId,
        /// The request.
        request_id: RequestId,
        /// The answer.
        status: StatusCode,
    },
    /// So many octets of what was handed out have been written to the socket.
    Written(usize),
    /// The peer closed its side, or the socket failed.
    Closed,
}

/// What a connection wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Deliver this request to the session of its channel.
    Request(Request),
    /// Write these octets, in order.
    Write(Bytes),
    /// Close the socket after writing what was handed out. Nothing follows.
    Close(CloseReason),
}

/// Why a connection was closed from our side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The stream cannot be framed any more.
    Unframeable(FatalError),
    /// The peer does not read: the write queue is full.
    WriteQueueFull,
    /// A message was begun and not ended in time.
    MessageTimeout,
    /// The peer closed.
    PeerClosed,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unframeable(error) => write!(f, "the stream cannot be framed: {error}"),
            Self::WriteQueueFull => f.write_str("the peer does not read"),
            Self::MessageTimeout => f.write_str("a message was not finished in time"),
            Self::PeerClosed => f.write_str("the peer closed"),
        }
    }
}

/// What a connection has seen that is worth a metric.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectionCounters {
    /// Requests handed to the shell.
    pub requests: u64,
    /// Requests that the connection itself refused: malformed, too large, wrong version.
    pub rejected: u64,
    /// Responses and events from the peer, which a server has no use for.
    pub unexpected: u64,
    /// Responses and events that came from sessions after the connection was closed.
    pub undeliverable: u64,
}

/// The core of one connection.
#[derive(Debug)]
pub struct Connection {
    config: ConnectionConfig,
    framer: Framer,
    state: State,
    outputs: VecDeque<Output>,
    counters: ConnectionCounters,
}

#[derive(Debug)]
enum State {
    Open {
        unwritten: usize,
        /// When the message under way must be complete.
        message_deadline: Option<Instant>,
        rate: Rate,
    },
    Closed,
}

/// The requests of the second under way.
#[derive(Debug, Clone, Copy)]
struct Rate {
    since: Option<Instant>,
    requests: u32,
    /// When the next second begins, once this one is full.
    full_until: Option<Instant>,
}

impl Rate {
    const NONE: Self = Self { since: None, requests: 0, full_until: None };

    /// One more request.
    fn count(&mut self, now: Instant, most: u32) {
        let begun = self.since.filter(|since| now.saturating_duration_since(*since) < RATE_WINDOW);
        if begun.is_none() {
            *self = Self { since: Some(now), ..Self::NONE };
        }
        self.requests = self.requests.saturating_add(1);
        if self.requests >= most {
            self.full_until = Some(begun.unwrap_or(now) + RATE_WINDOW);
        }
    }
}

const RATE_WINDOW: Duration = Duration::from_secs(1);

impl Connection {
    /// A connection just accepted.
    pub fn new(config: ConnectionConfig) -> Self {
        Self {
            framer: Framer::new(config.limits),
            config,
            state: State::Open { unwritten: 0, message_deadline: None, rate: Rate::NONE },
            outputs: VecDeque::new(),
            counters: ConnectionCounters::default(),
        }
    }

    /// Takes one input. Drain [`poll_output`](Self::poll_output) before the next.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match (&mut self.state, input) {
            (State::Closed, Input::Send(_) | Input::Refuse { .. }) => self.counters.undeliverable += 1,
            (State::Closed, Input::Received(_) | Input::Written(_) | Input::Closed) => {}
            (State::Open { .. }, Input::Received(bytes)) => self.received(now, bytes),
            (State::Open { .. }, Input::Send(message)) => self.write(message.encode()),
            (State::Open { .. }, Input::Refuse { channel, request_id, status }) => {
                self.refuse(Some(channel.as_str()), request_id, status, &Headers::new());
            }
            (State::Open { unwritten, .. }, Input::Written(octets)) => *unwritten = unwritten.saturating_sub(octets),
            (State::Open { .. }, Input::Closed) => self.close(CloseReason::PeerClosed),
        }
    }

    /// Acts on a deadline that has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        let State::Open { message_deadline, rate, .. } = &mut self.state else { return };
        if rate.full_until.is_some_and(|next| next <= now) {
            *rate = Rate::NONE;
            self.received(now, &[]);
        } else if message_deadline.is_some_and(|deadline| deadline <= now) {
            self.close(CloseReason::MessageTimeout);
        }
    }

    /// Whether the socket is to be read: not while a peer has asked for more than it may in a second.
    pub fn wants_bytes(&self) -> bool {
        match self.state {
            State::Open { rate, .. } => rate.full_until.is_none(),
            State::Closed => false,
        }
    }

    /// The next thing to do; `None` when there is nothing more.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            // What was not read yet can be in no hurry.
            State::Open { message_deadline, rate, .. } => rate.full_until.or(message_deadline),
            State::Closed => None,
        }
    }

    /// What it has seen so far.
    pub fn counters(&self) -> ConnectionCounters {
        self.counters
    }

    fn received(&mut self, now: Instant, bytes: &[u8]) {
        self.framer.push(bytes);
        let mut ended_one = false;
        while self.wants_bytes()
            && let Some(next) = self.framer.next_message()
        {
            ended_one = true;
            if let State::Open { rate, .. } = &mut self.state {
                rate.count(now, self.config.requests_per_second_max);
            }
            match next {
                Ok(Message::Request(request)) => {
                    self.counters.requests += 1;
                    self.outputs.push_back(Output::Request(request));
                }
                Ok(Message::Response(_) | Message::Event(_)) => self.counters.unexpected += 1,
                Err(FrameError::Rejected(rejection)) => self.reject(&rejection),
                Err(FrameError::Fatal(error)) => self.close(CloseReason::Unframeable(error)),
            }
            if matches!(self.state, State::Closed) {
                return;
            }
        }
        let in_message = self.framer.is_in_message();
        let deadline = now + self.config.message_timeout;
        if let State::Open { message_deadline, .. } = &mut self.state {
            *message_deadline = match *message_deadline {
                _ if !in_message => None,
                Some(earlier) if !ended_one => Some(earlier),
                Some(_) | None => Some(deadline),
            };
        }
    }

    fn reject(&mut self, rejection: &Rejection) {
        self.counters.rejected += 1;
        if rejection.is_request {
            self.refuse(rejection.channel.as_deref(), rejection.id, rejection.status, &rejection.headers);
        }
    }

    fn refuse(&mut self, channel: Option<&str>, id: RequestId, status: StatusCode, headers: &Headers) {
        let after_length = format!("{id} {status} {}", RequestState::Complete);
        // A channel that is not well-formed is echoed as one line.
        let channel = channel.filter(|text| !text.bytes().any(|byte| byte.is_ascii_control()));
        self.write(encode(&after_length, channel, headers, &[]));
    }

    fn write(&mut self, octets: Bytes) {
        let State::Open { unwritten, .. } = &mut self.state else { return };
        *unwritten = unwritten.saturating_add(octets.len());
        if *unwritten > self.config.write_queue_bytes_max {
            self.close(CloseReason::WriteQueueFull);
        } else {
            self.outputs.push_back(Output::Write(octets));
        }
    }

    fn close(&mut self, reason: CloseReason) {
        self.state = State::Closed;
        self.outputs.push_back(Output::Close(reason));
    }
}
