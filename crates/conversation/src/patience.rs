//! What Voxgate says by itself while it waits: for the service, for the caller, for the end of a call that takes too long.

use std::time::{Duration, Instant};

use speech::Language;

use crate::{
    barge_in::BargeIn,
    conversation::{Conversation, Lead, Listener, ListenerPhase, increment, later},
    output::{Clause, ListenOutcome, Output, PromptEnd, Purpose},
    policy::CallPolicy,
    reply::{Due, Reply, Voicing},
    service::{Action, EndReason, ServiceCommand},
    turn::{CallerTurn, SpeakerKey},
};

/// What is said while somebody waits, where the service's policy does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatienceConfig {
    /// Said when a reply is late, one of them in turn; none: nothing is said.
    pub fillers: Phrases,
    /// After how long, from the end of the turn.
    pub filler_after: Duration,
    /// Said when the caller says nothing, in turn, before the service learns of it; none: it learns of it at once.
    pub silence_prompts: Phrases,
    /// The longest conversation; `None`: there is no end.
    pub call_max: Option<Duration>,
    /// Said when it is over, the first of them.
    pub time_over: Phrases,
}

/// Sentences by language.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phrases {
    /// Of English calls.
    pub english: Vec<String>,
    /// Of Chinese calls.
    pub chinese: Vec<String>,
}

impl Phrases {
    /// Those of a call in `language`.
    pub fn of(&self, language: Language) -> &[String] {
        match language {
            Language::English => &self.english,
            Language::Chinese => &self.chinese,
        }
    }
}

/// Why the dialplan is told to hang up when a call took too long.
const TIME_OVER: &str = "time-over";

/// Something to say that is not of the service's reply, and of which the service learns nothing.
#[derive(Debug)]
pub(crate) enum Aside {
    /// Nothing.
    Idle,
    /// The next SPEAK says it.
    Due { words: String, sequel: Sequel },
    /// A SPEAK says it.
    Speaking { speaker: SpeakerKey, sequel: Sequel },
    /// The caller speaks over it, and the SPEAK has been told to stop.
    Stopping { speaker: SpeakerKey },
    /// It was the last word of the call, and the dialplan is to be told.
    Said,
}

/// What follows something that Voxgate says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sequel {
    /// The caller's turn, as before.
    Listening,
    /// The end of the call.
    HangUp,
}

impl Aside {
    /// The call is at its end, and nothing that is said matters any more.
    pub(crate) fn is_last_word(&self) -> bool {
        match self {
            Self::Due { sequel, .. } | Self::Speaking { sequel, .. } => *sequel == Sequel::HangUp,
            Self::Said => true,
            Self::Idle | Self::Stopping { .. } => false,
        }
    }
}

impl Conversation {
    // --- The service is late ----------------------------------------------------------------------------------------------------

    /// When a filler is to be said, if the reply has not begun by then.
    pub(crate) fn filler_due(&self, now: Instant) -> Option<Instant> {
        let is_wanted = !fillers(&self.policy, &self.config.patience, self.language).is_empty();
        is_wanted.then(|| later(now, self.policy.filler_after.unwrap_or(self.config.patience.filler_after)))
    }

    /// Says a filler, when it is time for one and a SPEAK waits.
    pub(crate) fn settle_filler(&mut self, now: Instant) {
        let fillers = fillers(&self.policy, &self.config.patience, self.language);
        let Lead::Replying(reply) = &mut self.lead else { return };
        let Some(index) = self.fillers_said.checked_rem(fillers.len()) else { return };
        let (true, Some(filler)) = (reply.filler_at().is_some_and(|at| at <= now), fillers.get(index)) else { return };
        reply.fill(filler.clone(), self.language);
        self.fillers_said = self.fillers_said.wrapping_add(1);
        increment(&mut self.counters.fillers);
    }

    // --- The caller says nothing ------------------------------------------------------------------------------------------------

    /// The caller was silent after the reply had been played: prepares to ask whether anybody is there, unless that was asked often enough.
    pub(crate) fn prompt_silence(&mut self, listener: &Listener) -> bool {
        let Lead::Replying(reply) = &mut self.lead else { return false };
        let configured = self.config.patience.silence_prompts.of(self.language);
        let prompts = if self.policy.silence_prompts.is_empty() { configured } else { &self.policy.silence_prompts };
        // A client that speaks the replies itself would never say it.
        let Some(words) = prompts.get(reply.silences).filter(|_| !listener.reply_inline) else { return false };
        reply.silences = reply.silences.saturating_add(1);
        self.aside = Aside::Due { words: words.clone(), sequel: Sequel::Listening };
        increment(&mut self.counters.silence_prompts);
        true
    }

    // --- The call takes too long ------------------------------------------------------------------------------------------------

    /// When the call takes too long; `None` when it may go on for ever, or is at its end.
    pub(crate) fn call_over_at(&self) -> Option<Instant> {
        let Lead::Replying(reply) = &self.lead else { return None };
        let is_ending = match &reply.action {
            Due::Pending(action) => matches!(action, Action::Hangup { .. } | Action::Transfer { .. }),
            Due::Nothing | Due::Told => false,
        };
        if is_ending || self.aside.is_last_word() {
            return None;
        }
        let longest = self.policy.call_max.or(self.config.patience.call_max)?;
        Some(later(self.started_at, longest))
    }

    /// Ends a call that takes too long: the next SPEAK says so, then the dialplan hangs up.
    pub(crate) fn settle_call_length(&mut self, now: Instant) {
        if self.call_over_at().is_none_or(|at| at > now) {
            return;
        }
        let configured = self.config.patience.time_over.of(self.language).first();
        let words = self.policy.time_over.as_ref().or(configured).cloned().unwrap_or_default();
        increment(&mut self.counters.calls_too_long);
        self.withdraw_speculation();
        if let Lead::Replying(reply) = &mut self.lead {
            if !reply.is_played() {
                reply.cut();
            }
            reply.action = Due::Nothing;
        }
        if let Aside::Speaking { speaker, .. } = self.aside {
            self.outputs.push_back(Output::StopPlayout { speaker });
        }
        self.aside = Aside::Due { words, sequel: Sequel::HangUp };
        // A RECOGNIZE that comes from now on comes beside the SPEAK that says it.
        if let Some(listener) = &mut self.listener {
            listener.is_outdated = true;
        }
    }

    /// What the caller says does not matter any more: completes the listening, and the dialplan goes on.
    pub(crate) fn hear_after_last_word(&mut self, listener: &Listener, turn: &CallerTurn) -> bool {
        let (true, Lead::Replying(reply)) = (self.aside.is_last_word(), &self.lead) else { return false };
        let id = reply.turn;
        self.complete_turn(listener, turn, id);
        true
    }

    /// Completes the listening of a call that has come to its end. Gives the listener back when it has to wait.
    pub(crate) fn settle_last_word(&mut self, listener: Listener) -> Option<Listener> {
        let Lead::Replying(reply) = &self.lead else { return Some(listener) };
        let (id, is_played) = (reply.turn, reply.is_played());
        let hang_up = Action::Hangup { reason: TIME_OVER.to_owned() };
        let turn = match &listener.phase {
            ListenerPhase::Listening => None,
            ListenerPhase::Held { turn } | ListenerPhase::AwaitingReply { turn } => Some(listener.shown(turn)),
        };
        let (action, reply) = match &self.aside {
            Aside::Due { words, sequel: Sequel::HangUp } if listener.reply_inline => (hang_up, Some(words.clone())),
            Aside::Due { sequel: Sequel::HangUp, .. } if listener.is_outdated && is_played => (Action::Continue, None),
            Aside::Said => (hang_up, None),
            Aside::Idle | Aside::Due { .. } | Aside::Speaking { .. } | Aside::Stopping { .. } => return Some(listener),
        };
        let result = self.result(id, turn.as_ref(), &action, reply);
        let outcome = if turn.is_some() { ListenOutcome::Turn(result) } else { ListenOutcome::Action(result) };
        self.complete_listening(listener.key, outcome);
        if action != Action::Continue {
            self.end_too_long(action);
        }
        None
    }

    fn end_too_long(&mut self, action: Action) {
        let Lead::Replying(reply) = &self.lead else { return };
        let (turn, heard) = (reply.turn, reply.heard());
        self.outputs.push_back(Output::Service(ServiceCommand::End { reason: EndReason::Server, heard }));
        self.lead = Lead::Ended { turn, action };
        self.aside = Aside::Idle;
    }

    // --- Asides -----------------------------------------------------------------------------------------------------------------

    /// Has a SPEAK say what is due beside the reply.
    pub(crate) fn speak_aside(&mut self, speaker: SpeakerKey) -> bool {
        let Aside::Due { words, sequel } = &self.aside else { return false };
        let sequel = *sequel;
        let purpose = match sequel {
            Sequel::Listening => Purpose::SilencePrompt,
            Sequel::HangUp => Purpose::TimeOver,
        };
        if !words.trim().is_empty() {
            let clause = Clause::aside(words.clone(), self.language, purpose);
            self.outputs.push_back(Output::Say { speaker, clause });
        }
        self.outputs.push_back(Output::ReplyEnded { speaker });
        self.aside = Aside::Speaking { speaker, sequel };
        true
    }

    /// Whether it is this SPEAK that says something beside the reply.
    pub(crate) fn is_aside_of(&self, speaker: SpeakerKey) -> bool {
        match self.aside {
            Aside::Speaking { speaker: speaking, .. } | Aside::Stopping { speaker: speaking } => speaking == speaker,
            Aside::Idle | Aside::Due { .. } | Aside::Said => false,
        }
    }

    /// A SPEAK of an aside is over.
    pub(crate) fn end_aside(&mut self, end: PromptEnd) {
        self.aside = match (&self.aside, end) {
            (Aside::Speaking { sequel: Sequel::HangUp, .. }, _) => Aside::Said,
            (
                Aside::Idle
                | Aside::Due { .. }
                | Aside::Speaking { sequel: Sequel::Listening, .. }
                | Aside::Stopping { .. }
                | Aside::Said,
                PromptEnd::Completed | PromptEnd::Stopped(_) | PromptEnd::Failed(_),
            ) => Aside::Idle,
        };
    }

    /// The caller speaks over an aside: it stops, unless it is the last word. Whether there is one.
    pub(crate) fn interrupt_aside(&mut self) -> bool {
        match self.aside {
            Aside::Speaking { speaker, sequel: Sequel::Listening } => {
                self.aside = Aside::Stopping { speaker };
                self.outputs.push_back(Output::StopPlayout { speaker });
                true
            }
            Aside::Speaking { sequel: Sequel::HangUp, .. } | Aside::Stopping { .. } => true,
            Aside::Idle | Aside::Due { .. } | Aside::Said => false,
        }
    }

    /// The SPEAK that says something beside the reply, and what may interrupt it: a last word nothing.
    pub(crate) fn sounding_aside(&self) -> Option<(SpeakerKey, BargeIn)> {
        match self.aside {
            Aside::Speaking { speaker, sequel: Sequel::Listening } => Some((speaker, BargeIn::Allowed)),
            Aside::Speaking { speaker, sequel: Sequel::HangUp } => Some((speaker, BargeIn::NotAllowed)),
            Aside::Idle | Aside::Due { .. } | Aside::Stopping { .. } | Aside::Said => None,
        }
    }

    /// The caller has done something, or the call ends: nothing more is said beside the reply.
    pub(crate) fn drop_aside(&mut self) {
        if let Aside::Speaking { speaker, .. } = std::mem::replace(&mut self.aside, Aside::Idle) {
            self.outputs.push_back(Output::StopPlayout { speaker });
        }
    }

    /// A SPEAK that says something beside the reply is under way.
    pub(crate) fn is_speaking_aside(&self) -> bool {
        match self.aside {
            Aside::Speaking { .. } | Aside::Stopping { .. } => true,
            Aside::Idle | Aside::Due { .. } | Aside::Said => false,
        }
    }
}

fn fillers<'a>(policy: &'a CallPolicy, config: &'a PatienceConfig, language: Language) -> &'a [String] {
    if policy.fillers.is_empty() { config.fillers.of(language) } else { &policy.fillers }
}

impl Reply {
    /// When a filler is to be said: a SPEAK waits, and the reply has not begun.
    pub(crate) fn filler_at(&self) -> Option<Instant> {
        match self.voicing {
            Voicing::Speaking { .. } if self.has_no_clause() && !self.is_closed() => self.filler_due,
            Voicing::Speaking { .. }
            | Voicing::Unclaimed
            | Voicing::Playing { .. }
            | Voicing::Stopping { .. }
            | Voicing::Suspending { .. }
            | Voicing::Suspended
            | Voicing::Over => None,
        }
    }
}
