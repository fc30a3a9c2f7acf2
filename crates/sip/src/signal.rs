//! What passes between the endpoint and the owner of a dialog.

use crate::{ClientKey, DialogKey, Flow, Request, Response, ServerKey};

/// From the [`Endpoint`](crate::Endpoint) to the owner of a dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// A request inside the dialog. It must be answered with [`Command::Respond`].
    Request {
        /// The transaction to answer.
        transaction: ServerKey,
        /// The request; its top Via already tells where the answer goes.
        request: Box<Request>,
        /// Where it came from.
        flow: Flow,
    },
    /// The ACK for a 2xx response.
    Ack {
        /// The ACK.
        request: Box<Request>,
    },
    /// The peer cancelled an INVITE that has no final response. The CANCEL is answered already; the INVITE is to be
    /// answered with 487.
    Cancelled {
        /// The transaction of the INVITE.
        transaction: ServerKey,
    },
    /// A response to a request of the owner. A 2xx to an INVITE is passed on each time it arrives.
    Response {
        /// The request.
        key: ClientKey,
        /// The response.
        response: Box<Response>,
    },
    /// A request of the owner got no final response and will get none.
    Failed {
        /// The request.
        key: ClientKey,
        /// Why.
        failure: Failure,
    },
}

/// Why a client transaction ended without a final response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// Timer B or F fired: no response (RFC 3261, 17.1). The same as a 408.
    Timeout,
    /// The transport failed, or the connection is closed. The same as a 503.
    Transport,
    /// The table of client transactions is full.
    Overload,
}

/// From the owner of a dialog to the [`Endpoint`](crate::Endpoint).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Answer a request. A provisional response may be followed by others, a final one ends the transaction; only a 2xx
    /// to an INVITE may be sent again. A To tag, Allow, Supported, Accept and Server are added where they are missing.
    Respond {
        /// The transaction.
        transaction: ServerKey,
        /// The response, usually from [`Response::to`].
        response: Box<Response>,
    },
    /// Send a request other than ACK and CANCEL. The endpoint adds the Via.
    Send {
        /// The number under which the responses come back.
        key: ClientKey,
        /// Where to.
        flow: Flow,
        /// The request, without a Via.
        request: Box<Request>,
    },
    /// Send the ACK for a 2xx. The endpoint adds the Via.
    Acknowledge {
        /// Where to.
        flow: Flow,
        /// The ACK, without a Via.
        request: Box<Request>,
    },
    /// Cancel an INVITE of ours: at once if it has a provisional response, or as soon as it gets one (RFC 3261, 9.1).
    Cancel {
        /// The INVITE.
        key: ClientKey,
    },
    /// The dialog is over: requests in it are answered with 481 from now on.
    Forget {
        /// The dialog.
        dialog: DialogKey,
    },
    /// The owner is gone without having ended the dialog: answer what is open with 500 and send BYE on its behalf.
    Abandon {
        /// The dialog.
        dialog: DialogKey,
    },
}
