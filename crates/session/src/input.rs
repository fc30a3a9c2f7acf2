//! What happens to a session.

use std::net::IpAddr;
use std::time::Duration;

use media::{LegEvent, UtteranceId};
use mrcp::{ChannelId, Request};
use speech::Hypothesis;

use crate::fetching::{FetchFailure, FetchKey, Fetched, LoadedAudio};
use crate::grammar_job::CompiledGrammar;
use crate::output::{CloseCause, FromConversation, LegId, ListenKey, PartKey};
use crate::recording::{RecordKey, RecordingEvent};

/// What happens to a session.
#[derive(Debug)]
pub enum Input {
    /// The SIP endpoint has something for its dialog.
    Sip(sip::Signal),
    /// Answers [`crate::Output::Reserve`]: everything is had.
    Reserved {
        /// Our address, as the peer has to see it.
        local: IpAddr,
        /// The port of each leg.
        ports: Vec<(LegId, u16)>,
    },
    /// Answers [`crate::Output::Reserve`]: something is not to be had, and nothing was taken.
    ReservationRefused {
        /// For the log and metrics.
        reason: &'static str,
    },
    /// A request for one of its channels.
    Mrcp(Request),
    /// The connection over which these channels were used is gone.
    ConnectionLost {
        /// The channels.
        channels: Vec<ChannelId>,
    },
    /// A leg reports.
    Leg {
        /// Which one.
        leg: LegId,
        /// What.
        event: LegEvent,
    },
    /// The engine reports of a listening.
    Heard {
        /// Which one; an old one is ignored.
        key: ListenKey,
        /// What.
        heard: Heard,
    },
    /// An utterance was synthesized to its end, or not.
    Synthesized {
        /// Which one.
        utterance: UtteranceId,
        /// The leg it is for.
        leg: LegId,
        /// Its length in samples, or why there is none.
        outcome: Result<u64, String>,
    },
    /// Answers [`crate::Output::Fetch`].
    Fetched {
        /// Which one; an old one is ignored.
        key: FetchKey,
        /// The document, or why there is none.
        outcome: Result<Fetched, FetchFailure>,
    },
    /// Answers [`crate::Output::LoadAudio`].
    AudioLoaded {
        /// Which one; an old one is ignored.
        key: FetchKey,
        /// The recording is ready, or why it is not.
        outcome: Result<LoadedAudio, FetchFailure>,
    },
    /// The shell tells of a recording.
    Recording {
        /// Which one; an old one is ignored.
        key: RecordKey,
        /// What.
        what: RecordingEvent,
    },
    /// Answers [`crate::Output::Compile`].
    Compiled {
        /// Which one; an old one is ignored.
        key: FetchKey,
        /// What came of it.
        compiled: CompiledGrammar,
    },
    /// A conversation speaks to one of the parts that this session plays in it.
    Conversation {
        /// The part; an old one is ignored.
        part: PartKey,
        /// What.
        what: FromConversation,
    },
    /// The server ends the session.
    Close {
        /// Why.
        cause: CloseCause,
    },
}

/// What an engine says of a listening.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// The caller began to speak.
    SpeechStarted {
        /// Where in the audio of this listening speech began.
        offset: Duration,
    },
    /// The caller fell silent.
    SpeechEnded {
        /// Where in the audio of this listening speech ended.
        offset: Duration,
        /// How long the silence has lasted already.
        silence: Duration,
    },
    /// It was a pause: the caller speaks again.
    SpeechResumed,
    /// The words so far of speech that goes on, when partials were asked for.
    Partial {
        /// The words.
        text: String,
    },
    /// What was said.
    Hypotheses {
        /// Best first; none when there were no words.
        hypotheses: Vec<Hypothesis>,
        /// The engine's last word on this listening.
        is_final: bool,
    },
    /// No engine here recognizes the language.
    LanguageUnsupported,
    /// The engine cannot go on.
    Failed {
        /// Why, for Completion-Reason.
        reason: String,
    },
}
