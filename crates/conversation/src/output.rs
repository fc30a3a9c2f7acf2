use std::time::Duration;

use speech::{Language, TurnResult};

use crate::{
    barge_in::{BargeIn, CallerSound},
    service::{CollectDtmf, ServiceCommand, ServiceEvent},
    turn::{CallDetails, CallerTurn, ListenerKey, Progress, SpeakerKey, TurnId, TurnKind},
};

/// What happens to a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A SPEAK of `dialog:reply` wants what the conversation has to say next.
    SpeakerAttached {
        /// The SPEAK.
        speaker: SpeakerKey,
        /// What it says about the call.
        details: CallDetails,
    },
    /// So much of a SPEAK has been played. Wanted after each clause, and before a key is told.
    Played {
        /// The SPEAK.
        speaker: SpeakerKey,
        /// How far it has come.
        progress: Progress,
    },
    /// A SPEAK is over: played out after [`Output::ReplyEnded`], stopped, or failed. Exactly once for each attached speaker.
    PromptDone {
        /// The SPEAK.
        speaker: SpeakerKey,
        /// How it ended.
        end: PromptEnd,
    },
    /// A RECOGNIZE of `builtin:speech/dialog` listens.
    ListenerAttached {
        /// The RECOGNIZE.
        listener: ListenerKey,
        /// `reply=inline`: it wants the reply's text in its result.
        reply_inline: bool,
        /// What it says about the call.
        details: CallDetails,
    },
    /// Something is heard of the caller. [`CallerSound::Began`] is answered by [`Output::YieldFloor`] or [`Output::Dismiss`].
    Sound {
        /// The RECOGNIZE that hears it.
        listener: ListenerKey,
        /// What.
        sound: CallerSound,
    },
    /// The caller's turn is over. Answered by [`Output::CompleteListening`]: at once, unless the robot is saying something that may not
    /// be interrupted or the listener wants the reply in its result.
    CallerTurn {
        /// The RECOGNIZE that heard it.
        listener: ListenerKey,
        /// What the caller did.
        turn: CallerTurn,
    },
    /// A RECOGNIZE ended without a turn: stopped, failed, or its session is gone.
    ListenerDetached {
        /// The RECOGNIZE.
        listener: ListenerKey,
    },
    /// The dialog service said something.
    Service {
        /// The turn that it answers.
        turn: TurnId,
        /// The attempt at that turn that it answers: [`TakeTurn::speculation`](crate::TakeTurn::speculation).
        speculation: u32,
        /// What it said.
        event: ServiceEvent,
    },
    /// What the dialog service says that it can do, before it says anything else.
    ServiceCan {
        /// It understands speculative turns.
        speculation: bool,
    },
    /// The last session that took part in the conversation is gone.
    Deserted,
    /// The server ends the conversation now.
    Close,
}

/// How a SPEAK ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptEnd {
    /// All of it was played.
    Completed,
    /// It was stopped: by [`Output::StopPlayout`], by the client, or because its session is gone.
    Stopped(Progress),
    /// It could not be synthesized or played to its end.
    Failed(Progress),
}

/// What a conversation wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Ask the dialog service.
    Service(ServiceCommand),
    /// Speak a clause, after those before it.
    Say {
        /// The SPEAK that speaks it.
        speaker: SpeakerKey,
        /// The clause.
        clause: Clause,
    },
    /// No more clauses for this SPEAK: complete it when all of them have been played.
    ReplyEnded {
        /// The SPEAK.
        speaker: SpeakerKey,
    },
    /// Let this SPEAK fade out and keep its place: the caller makes a sound.
    Hush {
        /// The SPEAK.
        speaker: SpeakerKey,
    },
    /// Let a hushed SPEAK go on from its place.
    Unhush {
        /// The SPEAK.
        speaker: SpeakerKey,
    },
    /// The caller has the floor: what this RECOGNIZE hears is a turn (START-OF-INPUT).
    YieldFloor {
        /// The RECOGNIZE.
        listener: ListenerKey,
    },
    /// What this RECOGNIZE has heard is no turn: forget it and listen on.
    Dismiss {
        /// The RECOGNIZE.
        listener: ListenerKey,
    },
    /// Stop this SPEAK now and complete it (cause `barge-in`); report [`PromptEnd::Stopped`]. No more clauses follow.
    StopPlayout {
        /// The SPEAK.
        speaker: SpeakerKey,
    },
    /// Hear keys only, for this RECOGNIZE. At most once for each listener.
    CollectDtmf {
        /// The RECOGNIZE.
        listener: ListenerKey,
        /// How.
        collect: CollectDtmf,
    },
    /// A silence of this length, from the end of what was said so far, ends the caller's turn. Holds until the caller goes on.
    AwaitSilence {
        /// The RECOGNIZE that hears it.
        listener: ListenerKey,
        /// How long.
        silence: Duration,
        /// What was said may be all of it. Tells which of the client's time-outs is the upper bound.
        is_complete: bool,
    },
    /// How the answer to the last reply is to be heard.
    ListenFor {
        /// The RECOGNIZE.
        listener: ListenerKey,
        /// How long the caller may say nothing; `None`: as the client says, which is the upper bound.
        no_input_timeout: Option<Duration>,
        /// Words that are likely to be said.
        hints: Vec<String>,
    },
    /// Complete a RECOGNIZE. At most once for each listener.
    CompleteListening {
        /// The RECOGNIZE.
        listener: ListenerKey,
        /// With what.
        outcome: ListenOutcome,
    },
    /// The conversation is over and may be forgotten; nothing follows. What the service still says goes nowhere.
    Closed,
}

/// One clause of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// Counts the clauses of this SPEAK from 0.
    pub index: u32,
    /// The words; what is counted as heard.
    pub text: String,
    /// A whole SSML document that says it, a recording included; `None`: the words are spoken as they are. Where the document cannot be
    /// spoken the words are.
    pub markup: Option<String>,
    /// The language to speak it in.
    pub language: Language,
    /// The voice, when the service chose one.
    pub voice: Option<String>,
    /// Whether the caller may interrupt it.
    pub barge_in: BargeIn,
    /// Its audio is worth keeping for other conversations.
    pub cacheable: bool,
    /// What it is said for.
    pub purpose: Purpose,
}

/// What a clause is said for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// It is of the reply.
    Reply,
    /// The reply is late.
    Filler,
    /// The caller said nothing.
    SilencePrompt,
    /// The call takes too long.
    TimeOver,
}

impl Clause {
    /// Something that is not of the service's reply, alone or at its beginning.
    pub(crate) fn aside(text: String, language: Language, purpose: Purpose) -> Self {
        let (voice, barge_in) = (None, BargeIn::Allowed);
        Self { index: 0, text, markup: None, language, voice, barge_in, cacheable: true, purpose }
    }
}

/// How a RECOGNIZE completes.
#[derive(Debug, Clone, PartialEq)]
pub enum ListenOutcome {
    /// The caller's turn ended, and this is its result. The cause follows from [`ListenResult::kind`].
    Turn(ListenResult),
    /// The caller's turn has not ended, but there is something for the dialplan to do: cause 000 with this result.
    Action(ListenResult),
    /// Another RECOGNIZE of the same conversation took its place, or the conversation was closed: no result.
    Abandoned,
}

/// The result of a RECOGNIZE.
#[derive(Debug, Clone, PartialEq)]
pub struct ListenResult {
    /// What the dialplan learns; [`TurnResult::to_instance`] makes the instance. The reason of a hang-up is in its `params`.
    pub turn: TurnResult,
    /// What the caller did; `None` when an action ended the listening.
    pub kind: Option<TurnKind>,
}
