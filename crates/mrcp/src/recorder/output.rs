//! What a recorder wants done.

use std::sync::Arc;
use std::time::Duration;

use crate::{Message, RequestId};

/// What a recorder wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Send this to the client on the channel's connection.
    Send(Message),
    /// Make a place for the recording and capture audio into it from now on; answer with `Started`.
    Record {
        /// The RECORD.
        request_id: RequestId,
        /// What it asks for.
        params: Arc<RecordParams>,
    },
    /// Stop capturing, cut, and store; answer with `Saved`.
    Finish {
        /// The RECORD.
        request_id: RequestId,
        /// What is cut from the end.
        cut: Cut,
    },
    /// Stop capturing; keep nothing.
    Discard {
        /// The RECORD.
        request_id: RequestId,
    },
}

/// What is cut from the end of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The silence after the last speech (RFC 6787 §10), where there was speech.
    Silence,
    /// So much (Trim-Length, §10.4.10), which may be more than there is.
    Trim(Duration),
}

/// Where a recording goes (`Record-URI`, RFC 6787 §10.4.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// No Record-URI, or a `cid:` one: into the body of the message that ends the RECORD.
    Body {
        /// The Content-ID that the client chose.
        content_id: Option<String>,
    },
    /// Record-URI without a value: to a place of the server, which makes the URI.
    Local,
    /// To this `file:`, `http:` or `https:` URI.
    Uri(String),
}

/// The parameters of one RECORD: its own headers, else what SET-PARAMS said, else the defaults. New-Audio-Channel asks for
/// nothing more: no recording learns from an earlier one.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordParams {
    /// `Record-URI`.
    pub destination: Destination,
    /// `Media-Type`, as sent.
    pub media_type: String,
    /// `Sensitivity-Level`, 0.0–1.0.
    pub sensitivity_level: f32,
    /// `No-Input-Timeout`. Zero expires at once.
    pub no_input_timeout: Duration,
    /// `Max-Time`, or the server's limit where the request has none; never zero.
    pub max_time: Duration,
    /// `Final-Silence`; zero: silence does not end the recording.
    pub final_silence: Duration,
    /// `Capture-On-Speech`: whether what is before speech is left out.
    pub capture_on_speech: bool,
    /// `Start-Input-Timers`.
    pub start_input_timers: bool,
    /// `Fetch-Timeout`: how long storing at a URI may take.
    pub fetch_timeout: Option<Duration>,
}
