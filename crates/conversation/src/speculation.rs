//! A turn that the service is asked to answer while the caller pauses, and that leaves no trace when the caller goes on.

use std::time::Instant;

use speech::Hypothesis;

use crate::{
    conversation::{Conversation, Lead, increment},
    output::Output,
    reply::Due,
    service::{ServiceCommand, ServiceEvent, Settlement},
    turn::{CallerInput, CallerTurn, TurnId},
};

/// Events of a speculative reply that are kept; one with more is asked for anew when the turn is over.
const EVENTS_MAX: usize = 2048;

/// A turn that the caller may have ended.
#[derive(Debug)]
pub(crate) struct Speculation {
    turn: TurnId,
    /// Counts the attempts at the turn from 1.
    attempt: u32,
    /// What was said, as [`speech::normalize`] writes it.
    words: String,
    /// What the service has answered so far: heard by nobody, and nothing follows from it, before the turn is over.
    events: Vec<ServiceEvent>,
}

/// What a committed attempt has brought already.
#[derive(Debug)]
pub(crate) struct Committed {
    pub(crate) attempt: u32,
    pub(crate) events: Vec<ServiceEvent>,
}

impl Conversation {
    /// Whether speculative turns may be sent: the service understands them, and welcomes them in this conversation.
    pub fn may_speculate(&self) -> bool {
        self.config.speculation && self.service_speculates && self.policy.speculation
    }

    /// Asks the service to answer what was said so far, if it can take that back.
    pub(crate) fn speculate(&mut self, now: Instant, hypotheses: &[Hypothesis]) {
        let Lead::Replying(reply) = &self.lead else { return };
        let is_heard = reply.is_played() && !self.is_speaking_aside();
        let is_open = match reply.action {
            Due::Nothing | Due::Told => true,
            Due::Pending(_) => false,
        };
        let Some(best) = hypotheses.first() else { return };
        if !self.may_speculate() || !is_heard || !is_open || self.aside.is_last_word() || self.collecting.is_some() {
            return;
        }
        let (turn, heard) = (reply.turn.next(), reply.heard());
        let words = speech::normalize(&best.text);
        if self.speculation.as_ref().is_some_and(|attempt| attempt.words == words) {
            return;
        }
        self.withdraw_speculation();
        self.attempts = self.attempts.saturating_add(1);
        let attempt = self.attempts;
        let input = CallerInput::Speech(hypotheses.to_vec());
        let caller_turn = CallerTurn { input, speech_started: None, speech_ended: None };
        let command = self.describe(now, turn, &caller_turn, heard, attempt);
        self.outputs.push_back(Output::Service(ServiceCommand::TakeTurn(command)));
        self.speculation = Some(Speculation { turn, attempt, words, events: Vec::new() });
        increment(&mut self.counters.speculations);
    }

    /// The caller goes on, or does something else: the attempt is void.
    pub(crate) fn withdraw_speculation(&mut self) {
        let Some(Speculation { turn, attempt, .. }) = self.speculation.take() else { return };
        increment(&mut self.counters.speculations_withdrawn);
        let (speculation, settlement) = (attempt, Settlement::Withdraw);
        self.outputs.push_back(Output::Service(ServiceCommand::Settle { turn, speculation, settlement }));
    }

    /// The turn is over: commits the attempt if the turn is what it took it for, and withdraws it if not.
    pub(crate) fn settle_speculation(&mut self, turn: &CallerTurn, turn_ended_ms: u32) -> Option<Committed> {
        let is_same = self.speculation.as_ref().is_some_and(|attempt| match &turn.input {
            CallerInput::Speech(hypotheses) => {
                hypotheses.first().is_some_and(|best| speech::normalize(&best.text) == attempt.words)
            }
            CallerInput::Dtmf(_) | CallerInput::NoInput | CallerInput::NoMatch(_) => false,
        });
        if !is_same {
            self.withdraw_speculation();
            return None;
        }
        let Speculation { turn, attempt, events, .. } = self.speculation.take()?;
        increment(&mut self.counters.speculations_committed);
        let (speculation, settlement) = (attempt, Settlement::Commit { turn_ended_ms });
        self.outputs.push_back(Output::Service(ServiceCommand::Settle { turn, speculation, settlement }));
        Some(Committed { attempt, events })
    }

    /// Keeps what the service answers to an attempt that is not settled. Gives back what is not of it.
    pub(crate) fn hear_speculation(&mut self, turn: TurnId, attempt: u32, event: ServiceEvent) -> Option<ServiceEvent> {
        let Some(open) = self.speculation.as_mut().filter(|open| open.turn == turn && open.attempt == attempt) else {
            return Some(event);
        };
        // An attempt that fails is no failure: the turn is asked when it is over.
        if matches!(event, ServiceEvent::Failed(_)) || open.events.len() >= EVENTS_MAX {
            self.withdraw_speculation();
        } else {
            open.events.push(event);
        }
        None
    }
}
