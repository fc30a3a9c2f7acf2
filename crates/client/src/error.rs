//! Why something could not be done.

use std::net::SocketAddr;

/// Why a session could not be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A socket of ours could not be made or used.
    #[error("cannot use a socket for {purpose}")]
    Socket {
        /// What for.
        purpose: &'static str,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The server refused the call, or did not answer.
    #[error("the SIP call was not accepted: {reason}")]
    Call {
        /// Status or cause.
        reason: String,
    },
    /// The answer cannot be used.
    #[error("the SDP answer cannot be used: {reason}")]
    Answer {
        /// What is missing or wrong.
        reason: String,
    },
    /// No TCP connection for MRCP.
    #[error("no MRCP connection to {address}")]
    Connect {
        /// Where to.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The MRCP connection ended, or the server sent what is no MRCP.
    #[error("the MRCP connection is lost")]
    ConnectionLost,
    /// No response in time.
    #[error("no response to {method} within {seconds} s")]
    NoResponse {
        /// The request.
        method: String,
        /// How long was waited.
        seconds: u64,
    },
    /// Nothing came that was waited for.
    #[error("{what} did not come within {seconds} s")]
    Timeout {
        /// What.
        what: &'static str,
        /// How long was waited.
        seconds: u64,
    },
    /// A request was answered with an error.
    #[error("{method} was answered {status}{cause}")]
    Refused {
        /// The request.
        method: String,
        /// The MRCP status.
        status: u16,
        /// The completion cause, when there is one, after a space.
        cause: String,
    },
    /// The server ended the call.
    #[error("the server ended the call")]
    EndedByServer,
    /// The background task that owns the sockets is gone.
    #[error("the client was shut down")]
    ShutDown,
}

/// Why a call could not be run, apart from what happened in it.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// A session failed.
    #[error("the call failed")]
    Client(#[from] ClientError),
    /// A file cannot be read or written.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file of audio cannot be read or written.
    #[error("cannot use {path} as audio")]
    Audio {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: hound::Error,
    },
    /// Audio that is neither 16-bit nor mono, or at a rate that cannot be converted.
    #[error("{path}: {reason}")]
    AudioFormat {
        /// Which.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A scenario that cannot be used.
    #[error("{path}: {reason}")]
    Scenario {
        /// Which.
        path: String,
        /// What is wrong, with its place.
        reason: String,
    },
    /// Options that do not fit together.
    #[error("{0}")]
    Options(String),
}
