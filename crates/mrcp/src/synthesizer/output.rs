//! What a synthesizer wants done.

use std::sync::Arc;

use super::speech_length::{JumpSize, SpeakLength};
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
    /// Change what is being spoken; answer with `Controlled`, or with the end of the SPEAK.
    Control {
        /// The SPEAK.
        request_id: RequestId,
        /// The CONTROL.
        control_id: RequestId,
        /// How.
        change: SpeechChange,
    },
    /// Load or unload lexicons; answer with `LexiconDefined`. No SPEAK is spoken before that has been done.
    DefineLexicon {
        /// The DEFINE-LEXICON.
        request_id: RequestId,
        /// What.
        definition: Arc<LexiconDefinition>,
    },
    /// Stop playout at once, or drop what was prepared.
    Stop {
        /// The SPEAK.
        request_id: RequestId,
    },
}

/// How a SPEAK is changed while it is spoken (§8.11).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpeechChange {
    /// `Jump-Size`.
    pub jump: Option<JumpSize>,
    /// `Speak-Length`.
    pub length: Option<SpeakLength>,
    /// `Prosody-Rate`.
    pub rate: Option<String>,
    /// `Prosody-Pitch`.
    pub pitch: Option<String>,
    /// `Prosody-Volume`.
    pub volume: Option<String>,
}

/// What a DEFINE-LEXICON asks (§8.14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LexiconDefinition {
    /// A lexicon, or a list of URIs of some, or both; to unload, the names are enough.
    pub content: Entity,
    /// How documents may be fetched.
    pub fetch: FetchParams,
    /// `Load-Lexicon`: whether they are loaded or unloaded.
    pub loads: bool,
}

/// What to speak and how: the request's own headers, else what SET-PARAMS said, else the defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeakParams {
    /// The text, markup, list of URIs or several of them; it has a content type.
    pub content: Entity,
    /// `Jump-Size`: where speaking begins.
    pub jump: Option<JumpSize>,
    /// `Speak-Length`: how much is spoken.
    pub length: Option<SpeakLength>,
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
    /// `Lexicon-Search-Order`: URIs of the active lexicons, first the one that counts most; `None`: all that are loaded.
    pub lexicons: Option<Vec<String>>,
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
    /// `Prosody-Rate`.
    pub rate: Option<String>,
    /// `Prosody-Volume`.
    pub volume: Option<String>,
}
