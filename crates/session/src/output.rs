//! What a session wants done, and the names by which it speaks of its parts.

use std::net::IpAddr;
use std::time::Duration;

use crate::recording::{RecordKey, RecordSpec};
use media::{CaptureId, ClockRate, LegMedia, PlaySpan, RtpPeer, SrtpKeys, UtteranceId};
use mrcp::recognizer::InputMatch;
use mrcp::recorder::Cut;
use mrcp::{ChannelId, Message};
use speech::{Hypothesis, Language, Prosody};

use crate::fetching::{AudioSource, FetchKey, FetchRequest};
use crate::grammar_job::GrammarJob;

/// The name under which a recognizer captures a leg's audio.
pub const HEARING: CaptureId = CaptureId(0);
/// The name under which a recorder does.
pub const RECORDING: CaptureId = CaptureId(1);
/// The name under which the waveform of a recognition is saved.
pub const WAVEFORM: CaptureId = CaptureId(2);

/// A leg of a session, counted from 0 in the order of its creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegId(pub u32);

/// One listening of one RECOGNIZE. Never used twice in a session, so that late results can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenKey(pub u32);

/// One part that a session plays in a conversation: the SPEAK of a reply, or a RECOGNIZE of a turn. Never used twice in
/// a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartKey(pub u32);

/// What a session wants done. The shell does these in order.
#[derive(Debug)]
pub enum Output {
    /// For the SIP endpoint.
    Sip(sip::Command),
    /// Take RTP ports and engine places; answered at once with [`crate::Input::Reserved`] or
    /// [`crate::Input::ReservationRefused`]. Nothing of the offer is answered before.
    Reserve(Reservation),
    /// Start a leg on a port that was reserved for it.
    OpenLeg {
        /// The leg.
        leg: LegId,
        /// Where its packets go.
        remote: RtpPeer,
        /// What was negotiated.
        media: LegMedia,
        /// For the leg's life.
        clock_rate: ClockRate,
        /// The keys, if its packets are protected.
        protection: Option<SrtpKeys>,
    },
    /// The leg was negotiated again.
    ReconfigureLeg {
        /// The leg.
        leg: LegId,
        /// Where its packets go now.
        remote: RtpPeer,
        /// What was negotiated.
        media: LegMedia,
        /// The keys that hold now, if its packets are protected.
        protection: Option<SrtpKeys>,
    },
    /// End a leg and free its port.
    CloseLeg {
        /// The leg.
        leg: LegId,
    },
    /// Messages for this channel come to this session from now on. Done before the answer that names the channel.
    RegisterChannel(ChannelId),
    /// No more.
    ForgetChannel(ChannelId),
    /// A response or an event.
    Mrcp {
        /// The channel that it is of.
        channel: ChannelId,
        /// The message.
        message: Message,
    },
    /// Hear what comes in on a leg.
    Listen {
        /// Its name in [`crate::Input::Heard`].
        key: ListenKey,
        /// The leg.
        leg: LegId,
        /// What is heard instead of the leg: a recording that is ready, and silence after it.
        audio: Option<FetchKey>,
        /// The language to expect.
        language: Language,
        /// Phrases that are likely, for engines that can be biased.
        phrases: Vec<String>,
        /// Sensitivity-Level in hundredths: 50 is as the engine is configured, 100 takes the faintest sound for speech.
        sensitivity: u8,
        /// Whether the words so far are wanted while the caller speaks.
        partials: bool,
    },
    /// These are likely to be said from now on.
    Expect {
        /// The listening.
        key: ListenKey,
        /// The words and phrases, in place of those before.
        phrases: Vec<String>,
    },
    /// The turn is over: the final hypotheses are wanted.
    FinishListening {
        /// Which listening.
        key: ListenKey,
    },
    /// Nothing of it is wanted any more.
    StopListening {
        /// Which listening.
        key: ListenKey,
        /// Its leg.
        leg: LegId,
    },
    /// Synthesize, and play on the leg after what was queued before.
    Synthesize {
        /// Its name in [`crate::Input::Synthesized`] and in the leg's events.
        utterance: UtteranceId,
        /// The leg.
        leg: LegId,
        /// At this rate.
        clock_rate: ClockRate,
        /// What.
        what: Utterance,
        /// The part of its audio that is played.
        span: PlaySpan,
    },
    /// Play silence on the leg after what was queued before.
    Silence {
        /// Its name in the leg's events.
        utterance: UtteranceId,
        /// The leg.
        leg: LegId,
        /// At this rate.
        clock_rate: ClockRate,
        /// How long.
        samples: u64,
        /// The part of it that is played.
        span: PlaySpan,
    },
    /// Fetch a document; answered with [`crate::Input::Fetched`].
    Fetch {
        /// Its name.
        key: FetchKey,
        /// What.
        request: FetchRequest,
    },
    /// Fetch and decode a recording and keep it ready; answered with [`crate::Input::AudioLoaded`].
    LoadAudio {
        /// Its name.
        key: FetchKey,
        /// Where it is.
        source: AudioSource,
        /// The rate to play it at.
        clock_rate: ClockRate,
    },
    /// Play a recording that is ready, after what was queued on the leg before.
    PlayLoaded {
        /// The recording; it can be played more than once.
        key: FetchKey,
        /// Its name in the leg's events.
        utterance: UtteranceId,
        /// The leg.
        leg: LegId,
        /// The part of it that is played.
        span: PlaySpan,
    },
    /// Compile a long document where nothing waits behind it; answered with [`crate::Input::Compiled`].
    Compile {
        /// Its name.
        key: FetchKey,
        /// To be run.
        job: GrammarJob,
    },
    /// Nothing of it is wanted any more: end what is under way and forget what is kept.
    Abandon {
        /// A fetch, a recording or a compilation.
        key: FetchKey,
    },
    /// Cookies that the client wants used for this session's fetches (RFC 6787 section 6.2.15).
    StoreCookies {
        /// Values of Set-Cookie, as received.
        cookies: Vec<String>,
        /// The URI whose host and path stand in for a Domain or Path that is missing.
        origin: Option<String>,
    },
    /// Stop what plays and what waits on the leg; cancel what is being synthesized for it.
    StopPlaying {
        /// The leg.
        leg: LegId,
    },
    /// Pause the playout.
    Pause {
        /// The leg.
        leg: LegId,
    },
    /// Go on.
    Resume {
        /// The leg.
        leg: LegId,
    },
    /// Fade out what plays and keep its place: the caller makes a sound.
    Hush {
        /// The leg.
        leg: LegId,
    },
    /// Go on from the place of a hush.
    Unhush {
        /// The leg.
        leg: LegId,
    },
    /// Record what comes in on a leg; `recording.rs` says what follows.
    Record {
        /// Its name in [`crate::Input::Recording`].
        key: RecordKey,
        /// The leg.
        leg: LegId,
        /// At this rate.
        clock_rate: ClockRate,
        /// The name of the capture: a leg may be recorded for two resources.
        capture: CaptureId,
        /// What.
        spec: RecordSpec,
    },
    /// Stop capturing, cut and store.
    FinishRecording {
        /// Which recording.
        key: RecordKey,
        /// Its leg.
        leg: LegId,
        /// Its capture.
        capture: CaptureId,
        /// What is cut from its end.
        cut: Cut,
    },
    /// Stop capturing and keep nothing.
    DiscardRecording {
        /// Which recording.
        key: RecordKey,
        /// Its leg.
        leg: LegId,
        /// Its capture.
        capture: CaptureId,
    },
    /// For the conversation that a part of this session belongs to.
    Converse {
        /// The part.
        part: PartKey,
        /// What.
        what: ToConversation,
    },
    /// The session is over; nothing follows.
    Closed {
        /// Why, for metrics and the log.
        cause: CloseCause,
    },
}

/// What has to be had before a call is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The peer's address, so that the local one is chosen right.
    pub peer: IpAddr,
    /// The host that the peer signals from. One whose audio is elsewhere is behind NAT, or says so.
    pub client: IpAddr,
    /// Legs that need a port, with where their peers say that they are.
    pub legs: Vec<(LegId, RtpPeer)>,
    /// Recognizers that need an engine place.
    pub recognizers: u32,
    /// Synthesizers that need an engine place.
    pub synthesizers: u32,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCause {
    /// The INVITE was refused.
    Refused,
    /// The client cancelled its INVITE.
    Cancelled,
    /// The client said BYE.
    Bye,
    /// The SIP dialog failed: no ACK, a session timer, an in-dialog request without an answer.
    DialogFailed,
    /// The control connection was lost and did not come back.
    ConnectionLost,
    /// The client made no request.
    NeverUsed,
    /// The client sent no RTP while somebody listened.
    PeerSilent,
    /// The server ended it: drain.
    Drained,
    /// An inner part failed.
    Failed,
}

impl CloseCause {
    /// Label in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Bye => "bye",
            Self::DialogFailed => "dialog-failed",
            Self::ConnectionLost => "connection-lost",
            Self::NeverUsed => "never-used",
            Self::PeerSilent => "peer-silent",
            Self::Drained => "drained",
            Self::Failed => "failed",
        }
    }
}

/// One thing to be synthesized.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    /// The words.
    pub text: String,
    /// Their language.
    pub language: Language,
    /// The voice by name, where one was asked for.
    pub voice: Option<String>,
    /// Rate, pitch and volume.
    pub prosody: Prosody,
    /// Whether its audio is worth keeping.
    pub cacheable: bool,
    /// Who says it.
    pub speaker: Speaker,
}

/// Who says an utterance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speaker {
    /// A voice of the engine.
    Voice,
    /// Recorded clips, one for each of these words.
    Clips(Vec<String>),
}

/// How far the reply that a SPEAK speaks has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Clauses played to their end.
    pub clauses: u32,
    /// How much of the next clause was played.
    pub partial_ms: u32,
    /// How long that clause is, when its audio is complete.
    pub partial_of_ms: Option<u32>,
    /// Everything that was played of the reply.
    pub played_ms: u32,
}

/// What the PBX said about the call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallDetails {
    /// The conversation; `None`: the SIP dialog itself is the conversation.
    pub conversation: Option<String>,
    /// The flow to follow.
    pub flow: Option<String>,
    /// The language to begin in.
    pub language: Option<Language>,
    /// Call variables.
    pub variables: Vec<(String, String)>,
}

/// What the caller did, as one RECOGNIZE heard it.
#[derive(Debug, Clone, PartialEq)]
pub enum CallerInput {
    /// Said something; best hypothesis first.
    Speech(Vec<Hypothesis>),
    /// Keyed digits.
    Dtmf(String),
    /// Said nothing in time.
    NoInput,
    /// Spoke, but could not be understood.
    NoMatch(Vec<Hypothesis>),
}

/// What is heard of the caller while a RECOGNIZE listens.
#[derive(Debug, Clone, PartialEq)]
pub enum CallerSound {
    /// The caller began to speak.
    Began,
    /// The words so far of speech that goes on.
    Partial {
        /// The words.
        text: String,
    },
    /// The caller paused.
    Paused {
        /// Since when.
        since: std::time::Instant,
    },
    /// What was said up to the pause.
    Words {
        /// Best first; none when there were no words.
        hypotheses: Vec<Hypothesis>,
    },
    /// The caller went on.
    Resumed,
    /// The caller pressed a key.
    Keyed,
}

/// From a part of a session to its conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum ToConversation {
    /// A SPEAK wants the reply.
    SpeakerAttached(CallDetails),
    /// A clause of the reply sounds.
    ClauseStarted {
        /// Which, counted from 0.
        clause: u32,
        /// The utterance that it begins with, on this leg.
        leg: LegId,
        /// See `leg`.
        utterance: UtteranceId,
        /// When its first packet leaves.
        at: std::time::Instant,
    },
    /// So much of the reply has been played.
    Played(Progress),
    /// The SPEAK is over. Exactly once for each attached speaker.
    PromptDone {
        /// How it ended.
        end: PromptEnd,
        /// How far it had come.
        progress: Progress,
    },
    /// A RECOGNIZE listens for a turn.
    ListenerAttached {
        /// Whether it wants the reply's text in its result.
        reply_inline: bool,
        /// About the call.
        details: CallDetails,
    },
    /// Something is heard of the caller. [`CallerSound::Began`] is answered by [`FromConversation::YieldFloor`] or
    /// [`FromConversation::Dismiss`].
    Sound(CallerSound),
    /// The caller's turn is over; answered by [`FromConversation::Complete`].
    CallerTurn {
        /// What the caller did.
        input: CallerInput,
        /// When speech or keying began.
        started: Option<std::time::Instant>,
        /// When it ended.
        ended: Option<std::time::Instant>,
        /// When it was decided that the turn is over; `None` for a turn without input.
        decided: Option<std::time::Instant>,
    },
    /// The RECOGNIZE ended without a turn.
    ListenerDetached,
}

/// How a SPEAK of a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptEnd {
    /// All of it was played.
    Completed,
    /// It was stopped.
    Stopped,
    /// It could not be spoken to its end.
    Failed,
}

/// From a conversation to one of its parts.
#[derive(Debug, Clone, PartialEq)]
pub enum FromConversation {
    /// Speak this clause, after those before it.
    Say {
        /// The words.
        text: String,
        /// A whole SSML document that says it, in place of the words. Where it cannot be spoken the words are.
        markup: Option<String>,
        /// Their language.
        language: Language,
        /// The voice, when the service chose one.
        voice: Option<String>,
        /// Whether its audio is worth keeping.
        cacheable: bool,
    },
    /// No more clauses.
    ReplyEnded,
    /// Stop the prompt: the caller interrupts.
    StopPlayout,
    /// This RECOGNIZE hears keys alone from now on.
    CollectDtmf(KeysOnly),
    /// Let the prompt fade out and keep its place.
    Hush,
    /// Let it go on from there.
    Unhush,
    /// What the RECOGNIZE hears is the caller's turn (START-OF-INPUT).
    YieldFloor,
    /// What it has heard is no turn: it forgets it and listens on.
    Dismiss,
    /// So long a silence ends what was said so far; the client's time-outs, where it sent them, are the upper bound.
    AwaitSilence {
        /// How long, from the end of speech.
        silence: Duration,
        /// What was said may be all of it.
        is_complete: bool,
    },
    /// How the answer is to be heard.
    ListenFor {
        /// How long the caller may say nothing; the client's time-out is the upper bound.
        no_input_timeout: Option<Duration>,
        /// Words that are likely.
        hints: Vec<String>,
    },
    /// Complete the RECOGNIZE with this instance.
    Complete {
        /// What the dialplan learns.
        instance: serde_json::Value,
        /// What the caller said or keyed; empty when an action ended the listening.
        input: String,
        /// Confidence of `input`, 0 to 1.
        confidence: f32,
        /// What the caller did; `None` when an action ended the listening.
        kind: Option<InputKind>,
    },
    /// Another RECOGNIZE took its place, or the conversation ended.
    Abandoned,
}

/// How keys alone are listened to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeysOnly {
    /// So many digits end the input; `None`: only a terminator or a pause does.
    pub digits_max: Option<u32>,
    /// Keys that end the input and are no part of it; empty: what the client says.
    pub terminators: String,
    /// The pause after a digit that ends the input; `None`: as the client says.
    pub interdigit_timeout: Option<Duration>,
    /// How long nothing may be keyed; `None`: as the client says.
    pub no_input_timeout: Option<Duration>,
}

impl KeysOnly {
    fn ends(&self, key: char, client: Option<char>) -> bool {
        if self.terminators.is_empty() { client == Some(key) } else { self.terminators.contains(key) }
    }

    /// What these keys are; `client` is the terminator that the client names.
    pub(crate) fn state_of(&self, keys: &str, client: Option<char>) -> InputMatch {
        let count = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        let is_over = keys.chars().next_back().is_some_and(|key| self.ends(key, client))
            || self.digits_max.is_some_and(|max| count >= max);
        if is_over { InputMatch::Complete { can_grow: false } } else { InputMatch::Prefix }
    }

    /// Takes off the key that ended the input.
    pub(crate) fn cut_terminator(&self, keys: &mut String, client: Option<char>) {
        if keys.chars().next_back().is_some_and(|key| self.ends(key, client)) {
            keys.pop();
        }
    }
}

/// The kind of a caller's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// Something was said.
    Speech,
    /// Digits were keyed.
    Dtmf,
    /// Silence.
    NoInput,
    /// Something that could not be understood.
    NoMatch,
}
