use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Map, Value};
use speech::{Language, TurnResult};

use crate::{
    config::ConversationConfig,
    output::{Input, ListenOutcome, ListenResult, Output, PromptEnd},
    reply::{Due, Reply, Voicing, Writing},
    service::{Action, EndReason, ServiceCommand, ServiceEvent, TakeTurn, TextPiece},
    turn::{CallDetails, CallerTurn, ListenerKey, Progress, SpeakerKey, TurnId},
};

/// One conversation with a caller. See the [crate] for how it is driven.
#[derive(Debug)]
pub struct Conversation {
    config: Arc<ConversationConfig>,
    started_at: Instant,
    details: CallDetails,
    lead: Lead,
    listener: Option<Listener>,
    presence: Presence,
    language: Language,
    slots: Map<String, Value>,
    intent: Option<String>,
    outputs: VecDeque<Output>,
    counters: Counters,
}

/// Where the conversation stands with the dialog service.
#[derive(Debug)]
enum Lead {
    /// Nobody has asked for anything yet.
    Fresh,
    /// A RECOGNIZE came first; the greeting is asked for when a SPEAK comes, or at this time.
    GreetingAwaited { until: Instant },
    /// There is a last reply, complete or not.
    Replying(Reply),
    /// The dialplan has been told to end the call, and the service that the conversation is over.
    Ended { action: Action },
    /// Over.
    Closed,
}

/// Whether a session takes part in the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Present,
    Deserted { since: Instant },
}

/// The RECOGNIZE that is open.
#[derive(Debug)]
struct Listener {
    key: ListenerKey,
    reply_inline: bool,
    phase: ListenerPhase,
}

#[derive(Debug)]
enum ListenerPhase {
    /// The caller's turn has not ended.
    Listening,
    /// The turn has ended while the robot says something that may not be interrupted; it counts when that has been played.
    Held { turn: CallerTurn },
    /// The turn has ended and is at the service, whose reply belongs into the result.
    AwaitingReply { turn: CallerTurn },
}

/// Why a conversation wakes up by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timer {
    /// A RECOGNIZE came and no SPEAK followed it: ask for the greeting without.
    GreetingGrace,
    /// The service has not begun its reply in time.
    FirstEvent,
    /// The service has stopped in the middle of its reply.
    NextEvent,
    /// Nobody came back.
    Linger,
}

/// What was dropped, and what went wrong. All counts since the start of the conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Service events of a turn that is no longer the last, or that came after its end.
    pub late_events: u64,
    /// Inputs about a SPEAK or RECOGNIZE that is no longer the one under way.
    pub late_inputs: u64,
    /// Bytes of replies and forms, and call variables, that were over a limit.
    pub over_limit: u64,
    /// Replies that the fallback replaced.
    pub fallbacks: u64,
    /// Replies that the caller interrupted.
    pub interruptions: u64,
}

impl Conversation {
    /// A conversation of which nothing is known yet.
    pub fn new(config: Arc<ConversationConfig>, now: Instant) -> Self {
        let language = config.language;
        Self {
            config,
            started_at: now,
            details: CallDetails::default(),
            lead: Lead::Fresh,
            listener: None,
            presence: Presence::Present,
            language,
            slots: Map::new(),
            intent: None,
            outputs: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Takes one input. Drain [`poll_output`](Self::poll_output) before the next.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        let _ = (now, input);
    }

    /// Does what is due. Does nothing when called early.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// The next thing to be done; `None` when there is nothing more for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// What was dropped so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
