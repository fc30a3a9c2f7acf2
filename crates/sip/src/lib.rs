//! SIP (RFC 3261, 3311, 3581, 4028, 6026) without I/O: messages, transactions, dialogs.
//!
//! Three layers, each of which can be used by itself:
//!
//! - [`Message`], [`Request`], [`Response`]: read from and printed to bytes, under [`MessageLimits`].
//! - [`Endpoint`]: the transport and transaction layers of one server or client. It gets datagrams and stream bytes, answers by
//!   itself whatever needs no owner (400, 405, 420, 481, 503 …), and hands the rest to the owners of dialogs.
//! - [`Dialog`]: the dialog layer of one call, for either side, with offer/answer timing, 2xx retransmission and session
//!   timers.
//!
//! Both machines are driven by the same loop: one input, then outputs until `None`, then the next input.
//!
//! ```text
//! endpoint.handle_input(now, input);
//! while let Some(output) = endpoint.poll_output() {
//!     match output {
//!         Output::Transmit { flow, bytes } => …            // a socket, or a connection
//!         Output::Invite(incoming) => …                    // admission; a session task with Dialog::answer(…, incoming)
//!         Output::Options(options) => …                    // Command::Respond
//!         Output::Dialog { dialog, signal } => …           // to the task that owns it: Dialog::handle_input(now, signal)
//!         Output::CloseStream { connection } => …
//!     }
//! }
//! sleep_until(endpoint.poll_timeout());                    // then endpoint.handle_timeout(now)
//! ```
//!
//! What a [`Dialog`] puts out as [`Command`] goes back to the endpoint as [`endpoint::Input::Command`].

mod capabilities;
pub mod dialog;
pub mod endpoint;
mod error;
mod flow;
#[doc(hidden)]
pub mod fuzz;
pub mod message;
mod signal;
mod timers;
mod token;

pub use dialog::Dialog;
pub use endpoint::Endpoint;
pub use error::{ParseError, ParseErrorKind};
pub use flow::{ClientKey, ConnectionId, DialogKey, Flow, ServerKey, Transport};
pub use message::headers::{HeaderName, Headers, Known};
pub use message::method::Method;
pub use message::name_addr::NameAddr;
pub use message::params::{Param, Params};
pub use message::session_expires::{Refresher, SessionExpires};
pub use message::status::Status;
pub use message::uri::{Host, SipUri, Uri};
pub use message::via::Via;
pub use message::{Message, MessageLimits, Request, Response};
pub use signal::{Command, Failure, Signal};
pub use timers::Timers;
pub use token::Seed;
