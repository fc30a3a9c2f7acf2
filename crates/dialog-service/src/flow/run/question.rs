//! Questions: an answer heard, asked back, or asked for again.

use std::sync::Arc;

use serde_json::Value;

use super::{CallerInput, Evidence, FlowRun, Position, Step};
use crate::flow::{
    Does, Flow, Question, Reask, SlotId, State, StateId, Way,
    slot::{Reading, Slot, SlotKind},
    text::Text,
};

/// How often a caller may ask to hear a question again before it counts as no answer.
const REPEATS_MAX: u32 = 3;

impl FlowRun {
    pub(super) fn hear_answer(
        &mut self,
        id: StateId,
        failed: u32,
        repeated: u32,
        input: &CallerInput,
        step: &mut Step,
    ) {
        let flow = Arc::clone(&self.flow);
        let Some((state, question, way, slot)) = asking(&flow, id) else { return };
        if repeated < REPEATS_MAX && input.asks_to_repeat() {
            step.intent = Some("repeat".to_owned());
            self.say_state(state, step);
            self.ask(id, failed, repeated.saturating_add(1), step);
            return;
        }
        match self.read(slot, input) {
            Reading::Value(value) => {
                step.intent = Some("answer".to_owned());
                let evidence = self.evidence_now(question.slot);
                match &question.confirm {
                    Some(confirm) => self.ask_confirmation(id, question.slot, confirm, (value, evidence), failed, step),
                    None => self.take(question.slot, (value, evidence), way, step),
                }
            }
            reading @ (Reading::NotAllowed | Reading::NotUnderstood) => {
                let reask = match (&reading, input) {
                    (Reading::NotAllowed, _) => &question.invalid,
                    (_, CallerInput::NoInput) => &question.silence,
                    (_, CallerInput::Speech(_) | CallerInput::Dtmf(_) | CallerInput::NoMatch) => &question.reprompt,
                };
                step.intent = Some(input.unclear_intent());
                self.ask_again(id, reask, failed, step);
            }
        }
    }

    fn read(&self, slot: &Slot, input: &CallerInput) -> Reading {
        match input {
            CallerInput::Speech(_) => match slot.kind.read_speech(input.texts(), self.language()) {
                Reading::NotUnderstood => slot
                    .sounds
                    .find(input.texts())
                    .map_or(Reading::NotUnderstood, |value| Reading::Value(value.clone())),
                reading @ (Reading::Value(_) | Reading::NotAllowed) => reading,
            },
            CallerInput::Dtmf(digits) => slot.kind.read_dtmf(digits),
            CallerInput::NoInput | CallerInput::NoMatch => Reading::NotUnderstood,
        }
    }

    fn ask_again(&mut self, id: StateId, reask: &Reask, failed: u32, step: &mut Step) {
        let flow = Arc::clone(&self.flow);
        let Some((state, question, ..)) = asking(&flow, id) else { return };
        let failed = failed.saturating_add(1);
        if failed >= question.attempts {
            self.enter(question.give_up, step);
            return;
        }
        self.say(&reask.text, state.barge_in, step);
        if reask.repeats_question {
            self.say_state(state, step);
        }
        self.ask(id, failed, 0, step);
    }

    fn ask_confirmation(
        &mut self,
        id: StateId,
        slot: SlotId,
        confirm: &Text,
        (value, evidence): (Value, Evidence),
        failed: u32,
        step: &mut Step,
    ) {
        // The sentence names the value, which is not the slot's before the caller has agreed.
        let before = self.put(slot, value.clone());
        self.say(confirm, crate::flow::BargeIn::ByPolicy, step);
        self.put(slot, before);
        self.progress.position = Position::Confirming { state: id, value, evidence, failed };
    }

    pub(super) fn hear_confirmation(
        &mut self,
        id: StateId,
        (value, evidence): (Value, Evidence),
        failed: u32,
        input: &CallerInput,
        step: &mut Step,
    ) {
        let flow = Arc::clone(&self.flow);
        let Some((_, question, way, slot)) = asking(&flow, id) else { return };
        let Some(confirm) = &question.confirm else { return };
        let agrees = input.agrees(self.language());
        // "No, seven": the right value in the same breath. Of a boolean the "no" itself would be read as one, and a text takes anything.
        let corrects = match &slot.kind {
            SlotKind::Number { .. } | SlotKind::Choice { .. } | SlotKind::Digits { .. } | SlotKind::Day => {
                match self.read(slot, input) {
                    Reading::Value(other) if agrees != Some(true) && other != value => Some(other),
                    Reading::Value(_) | Reading::NotAllowed | Reading::NotUnderstood => None,
                }
            }
            SlotKind::Boolean { .. } | SlotKind::Text { .. } | SlotKind::Name { .. } => None,
        };
        let failed = failed.saturating_add(1);
        step.intent = Some("confirm".to_owned());
        match (agrees, corrects) {
            (Some(true), _) => self.take(question.slot, (value, evidence), way, step),
            _ if failed >= question.attempts => self.enter(question.give_up, step),
            (_, Some(other)) => {
                let evidence = self.evidence_now(question.slot);
                self.ask_confirmation(id, question.slot, confirm, (other, evidence), failed, step);
            }
            (Some(false), None) => {
                if let Some(state) = flow.state(id) {
                    self.say_state(state, step);
                }
                self.ask(id, failed, 0, step);
            }
            (None, None) => self.ask_confirmation(id, question.slot, confirm, (value, evidence), failed, step),
        }
    }

    fn take(&mut self, slot: SlotId, (value, evidence): (Value, Evidence), way: &Way, step: &mut Step) {
        self.fill(slot, value, Some(evidence), step);
        let next = self.choose(way);
        self.enter(next, step);
    }
}

pub(super) fn asking(flow: &Flow, id: StateId) -> Option<(&State, &Question, &Way, &Slot)> {
    let state = flow.state(id)?;
    match &state.does {
        Does::Ask(question, way) => Some((state, question, way, flow.slot(question.slot)?)),
        Does::Go(_)
        | Does::Converse(_)
        | Does::Answer(_)
        | Does::Tool(..)
        | Does::Act { .. }
        | Does::Transfer { .. }
        | Does::Hangup { .. } => None,
    }
}
