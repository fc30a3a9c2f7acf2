//! What a synthesizer wants done.

use std::sync::Arc;

use crate::{Entity, FetchParams, Message, RequestId, VendorParameters};

/// What a synthesizer wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Send this to the client on the channel's connection.
    Send(Message),
    /// Parse this and get ready to speak it; answer with `Prepared`.
    Prepare {
        /// The SPEAK.
        request_id: RequestId,
        /// What to speak and how.
        speech: Arc<SpeakParams>,
    },
    /// Play it; the response is on its way.
    Start {
        /// The SPEAK.
        request_id: RequestId,
    },
    /// Hold playout where it is.
    Pause {
        /// The SPEAK.
        request_id: RequestId,
    },
    /// Go on with playout.
    Resume {
        /// The SPEAK.
        request_id: RequestId,
    },
    /// Stop playout at once, or drop what was prepared.
    Stop {
        /// The SPEAK.
        request_id: RequestId,
    },
}

/// What to speak and how: the request's own headers, else what SET-PARAMS said, else the defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeakParams {
    /// The text, markup, list of URIs or several of them; it has a content type.
    pub content: Entity,
    /// How documents and recordings that it refers to may be fetched.
    pub fetch: FetchParams,
    /// `Fetch-Hint`: whether documents may be fetched before they are referenced.
    pub fetch_hint: FetchHint,
    /// `Audio-Fetch-Hint`: whether recordings may be fetched before they are referenced.
    pub audio_fetch_hint: FetchHint,
    /// `Kill-On-Barge-In`.
    pub kill_on_barge_in: bool,
    /// `Speech-Language`.
    pub speech_language: Option<String>,
    /// The voice asked for.
    pub voice: Voice,
    /// The prosody asked for; for plain text only (§8.4.7).
    pub prosody: Prosody,
    /// `Logging-Tag`.
    pub logging_tag: Option<String>,
    /// `Vendor-Specific-Parameters`: those of SET-PARAMS, then those of the request over them.
    pub vendor: VendorParameters,
}

/// `Fetch-Hint` and `Audio-Fetch-Hint` (§8.4.10, §8.4.11). `stream` is served like `prefetch`, which it permits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FetchHint {
    /// May be fetched when the request is received.
    #[default]
    Prefetch,
    /// Not before it is referenced.
    Safe,
}

/// `Voice-*` headers (§8.4.6), as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Voice {
    /// `Voice-Name`; may be a list separated by spaces.
    pub name: Option<String>,
    /// `Voice-Gender`.
    pub gender: Option<String>,
    /// `Voice-Age`, years.
    pub age: Option<u64>,
    /// `Voice-Variant`.
    pub variant: Option<u64>,
}

/// `Prosody-*` headers (§8.4.7), with the values of SSML's `prosody` element, as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prosody {
    /// `Prosody-Pitch`.
    pub pitch: Option<String>,
    /// `Prosody-Contour`.
    pub contour: Option<String>,
    /// `Prosody-Range`.
    pub range: Option<String>,
    /// `Prosody-Rate`.
    pub rate: Option<String>,
    /// `Prosody-Duration`.
    pub duration: Option<String>,
    /// `Prosody-Volume`.
    pub volume: Option<String>,
}
