//! What goes into a dialog and what comes out.

use std::time::Duration;

use bytes::Bytes;

use crate::{Command, Headers, Signal, Status, Timers, Uri};

/// How a dialog works.
#[derive(Debug, Clone)]
pub struct DialogConfig {
    /// The values of all timers.
    pub timers: Timers,
    /// Session timers (RFC 4028); `None`: not offered, though a peer that wants them gets them.
    pub session_timer: Option<SessionTimerConfig>,
    /// The Contact of our messages; `None`: the local address of the flow.
    pub contact: Option<Uri>,
}

impl Default for DialogConfig {
    fn default() -> Self {
        Self { timers: Timers::default(), session_timer: Some(SessionTimerConfig::default()), contact: None }
    }
}

/// Session timers (RFC 4028).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimerConfig {
    /// The interval that we propose, in seconds.
    pub expires_s: u32,
    /// The smallest interval that we take, in seconds. Not below 90 (RFC 4028, 5).
    pub min_se_s: u32,
}

impl Default for SessionTimerConfig {
    fn default() -> Self {
        Self { expires_s: 600, min_se_s: 90 }
    }
}

/// What a dialog is told.
#[derive(Debug, Clone)]
pub enum Input {
    /// The endpoint has something for it.
    Signal(Signal),
    /// The session answers [`Event::Invite`] or [`Event::Reinvite`] with 200 and this description. For an empty offer it
    /// is our offer, and the peer's answer comes with [`Event::Acknowledged`].
    Accept {
        /// `application/sdp`; empty: no body.
        body: Bytes,
    },
    /// The session answers [`Event::Invite`] or [`Event::Reinvite`] with a status of 300 or more. After a refused re-INVITE the
    /// call goes on as it was.
    Reject {
        /// The status.
        status: Status,
        /// Further header fields, such as Warning or Retry-After.
        headers: Headers,
    },
    /// The session answers [`Event::Invite`] with a provisional status, 101 to 199.
    Progress {
        /// The status.
        status: Status,
    },
    /// The session offers another description by a re-INVITE. Answered with [`Event::Accepted`] or [`Event::Rejected`].
    Reoffer {
        /// `application/sdp`.
        body: Bytes,
    },
    /// The session is over: CANCEL, 480 or BYE, whatever is right in the state that the dialog is in.
    Hangup,
}

/// What a dialog puts out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// For the endpoint, as [`endpoint::Input::Command`](crate::endpoint::Input::Command).
    Command(Command),
    /// For the session.
    Event(Event),
}

/// What the session is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The peer calls. Answer with [`Input::Accept`] or [`Input::Reject`].
    Invite {
        /// The peer's offer; empty: the peer wants ours.
        offer: Bytes,
    },
    /// The peer offers another description, by re-INVITE or UPDATE. Answer with [`Input::Accept`] or [`Input::Reject`].
    Reinvite {
        /// The peer's offer; empty: the peer wants ours.
        offer: Bytes,
    },
    /// The peer took back the [`Event::Reinvite`]: the answer to it is not wanted any more.
    ReinviteCancelled,
    /// The peer has our 200.
    Acknowledged {
        /// The answer, if the offer was ours; else empty.
        body: Bytes,
    },
    /// Our INVITE got a provisional response other than 100.
    Progress {
        /// The status.
        status: Status,
    },
    /// Our INVITE or re-INVITE was accepted. The ACK is sent.
    Accepted {
        /// The answer.
        answer: Bytes,
    },
    /// Our re-INVITE was refused; the call goes on as it was. A first INVITE that is refused ends in
    /// [`Event::Terminated`].
    Rejected {
        /// The status.
        status: Status,
    },
    /// The dialog is over. It is the last event.
    Terminated {
        /// Why.
        cause: Cause,
    },
}

/// Why a dialog is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// We hung up.
    LocalHangup,
    /// The peer sent BYE.
    RemoteBye,
    /// The caller cancelled the INVITE.
    Cancelled,
    /// We refused the INVITE.
    Refused {
        /// With this.
        status: Status,
    },
    /// The peer refused our INVITE, or says that the dialog does not exist.
    Rejected {
        /// With this.
        status: Status,
        /// What Retry-After says.
        retry_after: Option<Duration>,
    },
    /// Our 2xx was never acknowledged.
    NotAcknowledged,
    /// The session was not refreshed in time (RFC 4028, 10).
    SessionExpired,
    /// The peer does not answer our requests.
    Timeout,
    /// The connection to the peer is lost and a request could not be sent.
    TransportFailed,
    /// The session did not answer the INVITE in time.
    Unanswered,
}

/// What a dialog counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DialogCounters {
    /// 2xx responses that we sent again.
    pub retransmissions_sent: u64,
    /// 2xx responses of the peer that were acknowledged again.
    pub retransmissions_received: u64,
    /// Answered 481: the From tag is of another dialog.
    pub refused_other_dialog: u64,
    /// Answered 500: a CSeq lower than one before.
    pub refused_out_of_order: u64,
    /// Answered 491 or 500: an offer that met another one.
    pub refused_glare: u64,
    /// Dropped: an ACK that nothing waits for.
    pub dropped_stray_ack: u64,
    /// Dropped: a CANCEL of an INVITE that is answered.
    pub dropped_late_cancel: u64,
    /// Dropped: a response that nothing waits for.
    pub dropped_late_response: u64,
    /// Dropped: an answer of the session that nothing waits for.
    pub dropped_late_input: u64,
}
