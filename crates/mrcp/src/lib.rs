//! MRCPv2 (RFC 6787): messages, the per-connection core and one state machine per resource. Sans-IO: nothing here
//! reads a clock, opens a socket, locks or waits.
//!
//! Three layers, each usable alone:
//!
//! - **Types**: [`Message`] ([`Request`], [`Response`], [`Event`]), [`Headers`], [`ChannelId`], [`Framer`]. A framer turns
//!   a byte stream, cut anywhere, into messages; [`Message::encode`] does the reverse and computes `message-length`.
//! - **[`Connection`]**: one per TCP connection. Bytes in, requests out; it answers what no session can answer.
//! - **[`recognizer::Recognizer`]**, **[`synthesizer::Synthesizer`]**, **[`recorder::Recorder`]**: one per channel, owned by the
//!   session. They answer every request exactly once, own the queue, the SET-PARAMS store and all timers, and complete
//!   every open request when they are closed.
//!
//! All cores are driven the same way: one input, then [`poll_output`](recognizer::Recognizer::poll_output) until `None`,
//! then the next input; `handle_timeout` when [`poll_timeout`](recognizer::Recognizer::poll_timeout) is due.
//!
//! ```
//! use mrcp::{Framer, Limits, Message, Method};
//!
//! let mut framer = Framer::new(Limits::default());
//! framer.push(b"MRCP/2.0 74 STOP 543258\r\nChannel-Identifier:32AECB23433801@speech");
//! assert!(framer.next_message().is_none(), "the message is not complete yet");
//! framer.push(b"recog\r\n\r\n");
//! let Some(Ok(Message::Request(stop))) = framer.next_message() else { panic!("a request") };
//! assert_eq!((stop.method, stop.id.0), (Method::Stop, 543258));
//! ```

mod channel;
mod completion_cause;
pub mod connection;
mod content;
mod content_coding;
mod event;
mod fetch_params;
mod framer;
mod header_name;
mod headers;
mod message;
mod method;
mod params;
pub mod recognizer;
pub mod recorder;
mod request_order;
mod resource_table;
mod start_line;
pub mod synthesizer;
mod timers;
mod vendor;

#[doc(hidden)]
pub mod fuzz;

pub use channel::{ChannelId, ChannelIdError, Resource};
pub use completion_cause::{RecognizerCause, RecorderCause, SynthesizerCause};
pub use connection::{Connection, ConnectionConfig};
pub use content::{ContentError, Entity, GrammarRef, content_id_of_uri, media_type, media_type_parameter};
pub use content_coding::{CodingError, decode};
pub use event::EventName;
pub use fetch_params::{CacheControl, FetchParams, MaxStale};
pub use framer::{FatalError, FrameError, Framer, Limits, Rejection};
pub use header_name::{HeaderName, ValueKind};
pub use headers::{Header, HeaderError, Headers};
pub use message::{Event, Message, Request, Response};
pub use method::Method;
pub use params::IgnoredHeaders;
pub use request_order::RequestOrder;
pub use start_line::{RequestId, RequestState, StatusCode};
pub use vendor::VendorParameters;
