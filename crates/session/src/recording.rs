//! What a session has recorded by its shell: for a recorder, and the waveform of a recognition.
//!
//! ```text
//! Output::Record { key, leg, .. }              →  Input::Recording { key, Started }, or Failed
//!                                              →  SpeechStarted, SpeechEnded, Full: as it happens
//! Output::FinishRecording { key, cut, .. }     →  Input::Recording { key, Saved }, or Failed
//! Output::DiscardRecording { key, .. }            nothing of it is kept, and nothing more is told
//! ```
//!
//! After `Saved` or `Failed` nothing follows. What the server itself keeps is there until the session ends.

use std::time::Duration;

use media::WaveformFormat;
use mrcp::recorder::{Failure, Recorded};

/// One recording. Never used twice in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey(pub u32);

/// What to record.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordSpec {
    /// Its media type, as the client wrote it.
    pub media_type: String,
    /// What that means.
    pub format: WaveformFormat,
    /// Where it goes.
    pub target: RecordTarget,
    /// How speech is looked for; `None`: not at all, everything is recorded.
    pub endpointing: Option<Endpointing>,
    /// What is heard after so long is not kept.
    pub max_time: Duration,
}

/// Where a recording goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordTarget {
    /// Into a message, as long as one may be.
    Body,
    /// Where the server keeps it, under a URI that nobody can guess, until the session ends.
    Served,
    /// To a `file:`, `http:` or `https:` URI.
    Uri {
        /// The URI.
        uri: String,
        /// How long storing may take, as the client wants it.
        timeout: Option<Duration>,
    },
}

/// How speech is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Endpointing {
    /// 0.0–1.0 (RFC 6787 section 10.4.1).
    pub sensitivity: f32,
    /// Whether what is before speech is left out (section 10.4.12).
    pub on_speech: bool,
    /// Silence that ends speech.
    pub hangover: Duration,
}

/// What happens to a recording.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordingEvent {
    /// Audio is captured.
    Started,
    /// The caller speaks.
    SpeechStarted,
    /// The caller is silent.
    SpeechEnded {
        /// For so long already.
        silence: Duration,
    },
    /// A message holds no more.
    Full,
    /// It cannot go on, could not begin, or could not be stored; nothing of it is kept.
    Failed(Failure),
    /// It is stored.
    Saved(Recorded),
}
