//! What goes into an endpoint and what comes out.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::{Command, ConnectionId, DialogKey, Flow, Host, MessageLimits, Request, ServerKey, Signal, Timers, Uri};

/// How an endpoint works.
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// The values of all timers.
    pub timers: Timers,
    /// How much of a message is read.
    pub limits: MessageLimits,
    /// Server transactions that may exist at a time, about 1.5 KB each. Beyond it new requests get 503; requests inside
    /// dialogs get a quarter more, so that calls can end under load. A call over UDP leaves two behind for 32 s, so the
    /// number bounds the rate of calls: 64 s of it.
    pub server_transactions_max: usize,
    /// Client transactions that may exist at a time. Beyond it [`Command::Send`] fails at once.
    pub client_transactions_max: usize,
    /// Dialogs that may exist at a time. Beyond it an INVITE gets 503.
    pub dialogs_max: usize,
    /// Retry-After, in seconds, when a table is full.
    pub retry_after_s: u32,
    /// The host in the Via of our requests; `None`: the local address of the flow.
    pub via_host: Option<Host>,
    /// The Server header of responses and User-Agent of requests.
    pub product: Option<String>,
}

impl Default for EndpointConfig {
    fn default() -> Self {
        Self {
            timers: Timers::default(),
            limits: MessageLimits::default(),
            server_transactions_max: 262_144,
            client_transactions_max: 65_536,
            dialogs_max: 65_536,
            retry_after_s: 5,
            via_host: None,
            product: None,
        }
    }
}

/// What an endpoint is told.
#[derive(Debug, Clone)]
pub enum Input {
    /// A datagram arrived.
    Datagram {
        /// Who sent it.
        source: SocketAddr,
        /// The socket that got it.
        local: SocketAddr,
        /// The whole of it.
        bytes: Bytes,
    },
    /// A connection was accepted, or one that we opened is ready.
    StreamOpened {
        /// Its number.
        connection: ConnectionId,
        /// Our end.
        local: SocketAddr,
        /// The other end.
        remote: SocketAddr,
    },
    /// Bytes arrived on a connection, cut anywhere.
    StreamData {
        /// Which.
        connection: ConnectionId,
        /// The bytes.
        bytes: Bytes,
    },
    /// A connection is closed, by whomever.
    StreamClosed {
        /// Which.
        connection: ConnectionId,
    },
    /// Datagrams on this flow cannot be sent (for example an ICMP error).
    TransmitFailed {
        /// Where to.
        flow: Flow,
    },
    /// The owner of a dialog, or whoever answers OPTIONS, wants something.
    Command(Command),
}

/// What an endpoint wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send bytes: a datagram from `flow.local` to `flow.remote`, or on the connection.
    Transmit {
        /// Where to.
        flow: Flow,
        /// A whole message.
        bytes: Bytes,
    },
    /// An INVITE that starts a dialog. 100 has been sent. Answer it through [`Dialog::answer`](crate::Dialog::answer), or
    /// refuse it with a plain [`Command::Respond`].
    Invite(Box<IncomingInvite>),
    /// An OPTIONS outside a dialog, to be answered with a plain [`Command::Respond`].
    Options(Box<IncomingOptions>),
    /// Something for the owner of a dialog. Drop it if there is none.
    Dialog {
        /// Which.
        dialog: DialogKey,
        /// What.
        signal: Signal,
    },
    /// Close the connection after what was to be sent on it.
    CloseStream {
        /// Which.
        connection: ConnectionId,
    },
}

/// An INVITE outside a dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingInvite {
    /// The transaction to answer.
    pub transaction: ServerKey,
    /// The dialog that it starts, if it is accepted.
    pub dialog: DialogKey,
    /// Our tag in that dialog.
    pub local_tag: String,
    /// The request.
    pub request: Request,
    /// Where it came from.
    pub flow: Flow,
}

/// An OPTIONS outside a dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingOptions {
    /// The transaction to answer.
    pub transaction: ServerKey,
    /// The request.
    pub request: Request,
    /// Where it came from.
    pub flow: Flow,
}

/// Identifiers for a dialog that we start, or for requests of ours outside one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDialog {
    /// Its number; responses come back under it.
    pub dialog: DialogKey,
    /// A new Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
}

/// A call that we place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingInvite {
    /// From [`Endpoint::new_dialog`](crate::Endpoint::new_dialog).
    pub identity: NewDialog,
    /// The Request-URI and To.
    pub target: Uri,
    /// From, without a tag; `None`: our address.
    pub from: Option<Uri>,
    /// Where to send. A connection must be open already.
    pub flow: Flow,
    /// The offer; `application/sdp`.
    pub offer: Bytes,
}

/// Whether new calls are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Open,
    /// Refused with 503 and this Retry-After.
    Refused(Duration),
}
