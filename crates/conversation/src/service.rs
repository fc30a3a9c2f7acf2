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
    /// What the caller wanted.
    Intent(String),
    /// A recording to play.
    Play(Recording),
    /// How the caller felt.
    Sentiment(Sentiment),
    /// A tool was used.
    Tool(ToolCall),
    /// How to listen to the answer to this reply.
    Listening(Listening),
    /// How to hold the conversation from now on.
    Policy(CallPolicy),
    /// The reply is complete.
    End,
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
    /// The content of a `<speak>` element, in place of the words: a clause of its own.
    pub ssml: Option<String>,
}

impl TextPiece {
    /// A piece with nothing but words.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// A recording to play, as a clause of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recording {
    /// Where it is.
    pub uri: String,
    /// What it says: spoken in its place when it cannot be had, and counted as what was heard.
    pub text: String,
    /// The language of the text, when it is not the conversation's.
    pub language: Option<Language>,
    /// What may interrupt it; `None`: as the policy says.
    pub barge_in: Option<BargeIn>,
}

/// How the caller felt, as the service understood it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sentiment {
    /// A label of the service's own.
    pub label: String,
    /// 0 to 1; 0 when the service does not say.
    pub confidence: f32,
}

/// A tool that the service used. For the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Its name.
    pub name: String,
    /// What it was asked, as JSON.
    pub arguments_json: String,
    /// How it went; `None` when the service does not say.
    pub outcome: Option<ToolOutcome>,
    /// What it answered, as JSON, or what went wrong.
    pub result_json: String,
    /// How long it took.
    pub took_ms: u32,
}

/// How a tool went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ToolOutcome {
    /// It did what it was asked.
    Done,
    /// It failed, or took too long.
    Failed,
    /// The caller did not confirm it.
    Declined,
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
            Self::Continue => "continue",
            Self::Transfer { .. } => "transfer",
            Self::Hangup { .. } => "hangup",
            Self::Custom { name, .. } => name,
        }
    }
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
