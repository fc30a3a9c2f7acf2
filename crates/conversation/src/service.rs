use std::time::Duration;

use serde_json::{Map, Value};
use speech::{Hypothesis, Language};

use crate::{
    CallDetails,
    barge_in::BargeIn,
    policy::{CallPolicy, Listening},
    turn::{Heard, TurnId, TurnKind},
};

/// What the dialog service is asked to do. The shell carries it out over gRPC, in this order, and cancels the reply under way when a
/// [`TakeTurn`](Self::TakeTurn), an [`Interrupt`](Self::Interrupt) or an [`End`](Self::End) follows.
#[derive(Debug, Clone, PartialEq)]
pub enum ServiceCommand {
    /// Open the conversation; its greeting comes as events of [`TurnId::GREETING`].
    Start(CallDetails),
    /// Answer what the caller did.
    TakeTurn(TakeTurn),
    /// Say what became of a speculative turn. A withdrawn one is cancelled; the reply to a committed one goes on.
    Settle {
        /// The turn.
        turn: TurnId,
        /// The attempt: [`TakeTurn::speculation`], never 0.
        speculation: u32,
        /// What became of it.
        settlement: Settlement,
    },
    /// The caller interrupted the reply.
    Interrupt(Heard),
    /// The conversation is over.
    End {
        /// Why.
        reason: EndReason,
        /// What was heard of the last reply.
        heard: Option<Heard>,
    },
}

/// A caller's turn on its way to the service.
#[derive(Debug, Clone, PartialEq)]
pub struct TakeTurn {
    /// The turn.
    pub turn: TurnId,
    /// How it came about.
    pub kind: TurnKind,
    /// Best transcript; empty for digits and silence.
    pub transcript: String,
    /// Confidence of the transcript, 0 to 1.
    pub confidence: f32,
    /// All hypotheses, best first.
    pub hypotheses: Vec<Hypothesis>,
    /// Keyed digits.
    pub dtmf: String,
    /// The language that was recognized, or the conversation's.
    pub language: Language,
    /// Start of speech, in milliseconds since the conversation's start.
    pub speech_started_ms: Option<u32>,
    /// End of speech, in milliseconds since the conversation's start.
    pub speech_ended_ms: Option<u32>,
    /// When the turn was over, in milliseconds since the conversation's start.
    pub turn_ended_ms: u32,
    /// What was heard of the last reply.
    pub heard: Option<Heard>,
    /// 0: the turn is over. Otherwise the caller has paused and may go on, and this numbers the attempts at the turn from 1; a
    /// [`ServiceCommand::Settle`] follows.
    pub speculation: u32,
}

/// What became of a speculative turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// It is the caller's turn, as it was told.
    Commit {
        /// When the turn was over, in milliseconds since the conversation's start.
        turn_ended_ms: u32,
    },
    /// It is void.
    Withdraw,
}

/// Why a conversation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The service asked for a hang-up, and the dialplan was told.
    Hangup,
    /// The service asked for a transfer, and the dialplan was told.
    Transfer,
    /// The sessions of the call are gone.
    CallerGone,
    /// The service failed and the fallback was spoken.
    ServiceFailed,
    /// The server ends it.
    Server,
}

/// What the dialog service answers, one event of the reply to one turn.
#[derive(Debug, Clone, PartialEq)]
pub enum ServiceEvent {
    /// A piece of what is to be said.
    Text(TextPiece),
    /// What is to be done when the reply has been played.
    Action(Action),
    /// The state of the form; replaces the one before.
    Slots(Map<String, Value>),
    /// A recording to play, in its place among the pieces.
    Play(Recording),
    /// What the caller wanted.
    Intent(Label),
    /// How the caller felt.
    Sentiment(Label),
    /// A tool was used.
    Tool(ToolCall),
    /// How to listen to the answer.
    Listening(Listening),
    /// How to hold the conversation from now on.
    Policy(CallPolicy),
    /// The reply is complete.
    End(ReplyFigures),
    /// The reply will not be completed.
    Failed(ServiceFailure),
}

/// A piece of a reply; may be as small as a language model's token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextPiece {
    /// The words with the spaces and punctuation that join them to the piece before.
    pub text: String,
    /// The language, when it is not the conversation's.
    pub language: Option<Language>,
    /// The voice, when it is not the server's choice.
    pub voice: Option<String>,
    /// Whether the caller may interrupt it; `None`: as the conversation's policy says.
    pub barge_in: Option<BargeIn>,
    /// Its audio is worth keeping for other conversations.
    pub cacheable: bool,
    /// A clause ends here.
    pub clause_end: bool,
    /// The content of a `<speak>` element, in place of `text`; a clause of its own.
    pub ssml: Option<String>,
}

impl TextPiece {
    /// A piece with nothing but words.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// A recording to play, a clause of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recording {
    /// Where it is.
    pub uri: String,
    /// What it says: spoken where it cannot be had, and counted as heard.
    pub text: String,
    /// The language of `text`, when it is not the conversation's.
    pub language: Option<Language>,
    /// Whether the caller may interrupt it; `None`: as the conversation's policy says.
    pub barge_in: Option<BargeIn>,
}

/// A label that the service gives: an intent, a sentiment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Label {
    /// The service's own word.
    pub name: String,
    /// How sure it is, 0 to 1, where it says so.
    pub confidence: Option<f32>,
}

impl Label {
    /// A label of which the service does not say how sure it is.
    pub fn plain(name: impl Into<String>) -> Self {
        Self { name: name.into(), confidence: None }
    }
}

/// A tool that the service used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// Its name.
    pub name: String,
    /// What it was asked, as JSON text.
    pub arguments: String,
    /// How it went.
    pub outcome: ToolOutcome,
    /// What it answered, as JSON text, or what went wrong.
    pub result: String,
    /// How long it took.
    pub took: Duration,
}

/// How a tool went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ToolOutcome {
    /// Not said.
    #[default]
    Unknown,
    /// It did what it was asked.
    Done,
    /// It failed, or took too long.
    Failed,
    /// The caller did not confirm it.
    Declined,
}

impl ToolOutcome {
    /// A short name for records and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Declined => "declined",
        }
    }
}

/// What the service says of a reply when it is complete. For statistics and the record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplyFigures {
    /// Something scripted was said instead: a provider was down.
    pub degraded: bool,
    /// The language model that wrote it.
    pub model: Option<String>,
    /// From the request to the model's first token.
    pub first_token: Option<Duration>,
    /// Tokens that the model read, where it is known.
    pub tokens_in: Option<u32>,
    /// Tokens that the model wrote, where it is known.
    pub tokens_out: Option<u32>,
}

/// What is to be done when a reply has been played.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Listen to the caller.
    Continue,
    /// Hand the caller over; ends the conversation.
    Transfer {
        /// Where to, as the dialplan understands it.
        target: String,
        /// What the person who takes over should know.
        summary: String,
    },
    /// End the call; ends the conversation.
    Hangup {
        /// Why.
        reason: String,
    },
    /// Listen to keys only; to the dialplan the same as [`Self::Continue`].
    CollectDtmf(CollectDtmf),
    /// Something that the dialplan knows; the conversation goes on after it.
    Custom {
        /// Its name.
        name: String,
        /// What it needs.
        params: Vec<(String, String)>,
    },
}

impl Action {
    /// The value of `action` in the result instance.
    pub fn name(&self) -> &str {
        match self {
            Self::Continue | Self::CollectDtmf(_) => "continue",
            Self::Transfer { .. } => "transfer",
            Self::Hangup { .. } => "hangup",
            Self::Custom { name, .. } => name,
        }
    }
}

/// How keys are collected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectDtmf {
    /// So many digits end the turn, 1 to 64; `None`: only a terminator or a pause does.
    pub digits_max: Option<u32>,
    /// Keys that end the turn and are no part of the input.
    pub terminators: String,
    /// The pause after a digit that ends the turn; `None`: as the client says.
    pub interdigit_timeout: Option<Duration>,
    /// How long the caller may key nothing; `None`: as the client says.
    pub no_input_timeout: Option<Duration>,
}

/// Why a reply will not be completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceFailure {
    /// No connection to the service, or it was lost.
    Unreachable,
    /// The deadline of the call passed.
    Deadline,
    /// The service answered with an error: an unknown flow, too many conversations, a fault of its own.
    Refused,
    /// The service broke the protocol, or more events came than may be held.
    Protocol,
}

impl ServiceFailure {
    /// A short name for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Deadline => "deadline",
            Self::Refused => "refused",
            Self::Protocol => "protocol",
        }
    }
}
