//! What an endpoint counts: each drop and each refusal, with its reason.

/// Totals since the endpoint was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests that were understood, retransmissions and ACKs included.
    pub requests: u64,
    /// Responses that were understood.
    pub responses: u64,
    /// Keep-alives: empty datagrams and CRLF pings.
    pub keep_alives: u64,
    /// Requests absorbed as retransmissions of what a transaction has already.
    pub retransmissions_received: u64,
    /// Requests and responses that we sent again (timers A, E, G).
    pub retransmissions_sent: u64,
    /// Dropped: not SIP, or too broken to be answered.
    pub dropped_malformed: u64,
    /// Dropped: a response that could not be read.
    pub dropped_malformed_response: u64,
    /// Dropped: an ACK for no transaction and no dialog.
    pub dropped_stray_ack: u64,
    /// Dropped: a response to no request of ours, or with more than one Via.
    pub dropped_stray_response: u64,
    /// Dropped: bytes of a connection that is not open.
    pub dropped_unknown_connection: u64,
    /// Dropped: something to be sent on a connection that is closed.
    pub dropped_closed_connection: u64,
    /// Dropped: a response of an owner whose transaction is over, or has its final response.
    pub dropped_late_command: u64,
    /// Connections closed because no message boundary could be found, or a message did not end in time.
    pub closed_unframed: u64,
    /// Answered 400.
    pub refused_malformed: u64,
    /// Answered 413 or 513.
    pub refused_too_large: u64,
    /// Answered 405 or 501.
    pub refused_method: u64,
    /// Answered 406.
    pub refused_accept: u64,
    /// Answered 415.
    pub refused_media_type: u64,
    /// Answered 416.
    pub refused_uri_scheme: u64,
    /// Answered 420.
    pub refused_extension: u64,
    /// Answered 481: a request or CANCEL for something that does not exist.
    pub refused_no_dialog: u64,
    /// Answered 482: a request that arrived by two ways.
    pub refused_merged: u64,
    /// Answered 505.
    pub refused_version: u64,
    /// Answered 503 because [`Endpoint::refuse_new`](crate::Endpoint::refuse_new) said so.
    pub refused_admission: u64,
    /// Answered 503 because a table was full.
    pub refused_overload: u64,
    /// Client transactions that ended without a response (timers B, F).
    pub client_timeouts: u64,
    /// Client transactions that ended because the transport failed.
    pub client_transport_failures: u64,
    /// INVITE server transactions whose final response was never acknowledged (timer H).
    pub ack_timeouts: u64,
    /// Requests that their owner did not answer in time.
    pub unanswered: u64,
}
