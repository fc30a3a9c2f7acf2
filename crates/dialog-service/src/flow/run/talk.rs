//! States that a language model leads.

use std::sync::Arc;

use serde_json::Value;
use speech::Language;

use super::{CallerInput, FlowRun, ModelMessage, ModelRequest, ModelValues, Need, Position, Step};
use crate::flow::{Converse, Does, Flow, StateId, forbidden::Guard, slot::Reading};

/// Lines of the transcript that a language model is shown.
const HISTORY_LINES_MAX: usize = 40;

impl FlowRun {
    /// The model has written the reply to `turn`: `text` is what was said of it, `exit` the name that it left with, `values` what it noted
    /// for slots. Values that the slots do not take are left out.
    pub fn model_replied(&mut self, turn: u32, text: &str, exit: Option<&str>, values: &ModelValues) -> Step {
        self.progress.transcript.robot(turn, text, self.progress.language);
        let mut step = Step::default();
        self.note_values(values, &mut step);
        if let Some(to) = self.exit_named(exit) {
            self.enter(to, &mut step);
        } else if let Position::Conversing { failed, .. } = &mut self.progress.position {
            *failed = 0;
        }
        self.finish(turn, &mut step);
        step
    }

    /// The model did not write the reply to `turn`, or not all of it: `text` is what was said of it.
    pub fn model_failed(&mut self, turn: u32, text: &str) -> Step {
        self.progress.transcript.robot(turn, text, self.progress.language);
        let mut step = Step::default();
        if let Position::Conversing { state, turns, failed } = self.progress.position {
            self.fail_talk(state, turns, failed, &mut step);
        }
        self.finish(turn, &mut step);
        step
    }

    pub(super) fn hear_talk(&mut self, id: StateId, turns: u32, failed: u32, input: &CallerInput, step: &mut Step) {
        let flow = Arc::clone(&self.flow);
        let Some(converse) = conversing(&flow, id) else { return };
        match input {
            CallerInput::NoInput | CallerInput::NoMatch => {
                step.intent = Some(input.unclear_intent());
                self.fail_talk(id, turns, failed, step);
            }
            CallerInput::Speech(_) | CallerInput::Dtmf(_) if turns >= converse.turns_max => {
                self.enter(converse.give_up, step);
            }
            CallerInput::Speech(_) | CallerInput::Dtmf(_) => {
                step.need = Some(Need::Model(self.ask_model(converse)));
                self.progress.position = Position::Conversing { state: id, turns: turns.saturating_add(1), failed };
            }
        }
    }

    fn ask_model(&self, converse: &Converse) -> ModelRequest {
        let language = self.progress.language;
        let mut system = self.words(&converse.system);
        if let Some(goal) = &converse.goal {
            system.push_str(&match language {
                Language::English => format!("\nYour goal: {goal}"),
                Language::Chinese => format!("\n你的目标：{goal}"),
            });
        }
        let slots: Vec<&str> =
            converse.fills.iter().filter_map(|id| self.flow.slot(*id)).map(|slot| slot.name.as_str()).collect();
        if !slots.is_empty() {
            let slots = slots.join(", ");
            system.push_str(&match language {
                Language::English => format!(
                    "\nWhat the caller tells about {slots} you note at the end of your reply, in the caller's words: \
                     [[note {{\"NAME\": \"VALUE\"}}]]"
                ),
                Language::Chinese => {
                    format!("\n来电者说到 {slots} 时，请在回复末尾用来电者的原话记下：[[note {{\"名称\": \"内容\"}}]]")
                }
            });
        }
        for exit in &converse.exits {
            system.push_str(&match language {
                Language::English => format!("\nEnd your reply with [[{}]] when {}", exit.name, exit.when),
                Language::Chinese => format!("\n在以下情况，请在回复末尾加上 [[{}]]：{}", exit.name, exit.when),
            });
        }
        let lines: Vec<ModelMessage> = self
            .progress
            .transcript
            .lines()
            .filter(|line| !line.text.is_empty())
            .map(|line| ModelMessage { by_caller: line.by_caller, text: line.text.clone() })
            .collect();
        let history = lines.iter().skip(lines.len().saturating_sub(HISTORY_LINES_MAX)).cloned().collect();
        ModelRequest {
            system,
            history,
            reply_chars_max: converse.reply_chars_max,
            exits: converse.exits.iter().map(|exit| exit.name.clone()).collect(),
            guard: self.guard(),
        }
    }

    /// What a model may not say in this conversation.
    pub fn guard(&self) -> Option<Guard> {
        let forbidden = self.flow.forbidden.as_ref()?;
        Some(Guard { phrases: forbidden.phrases.clone(), instead: self.words(&forbidden.instead) })
    }

    /// Takes what a model noted, as far as the slots of its state take it.
    fn note_values(&mut self, values: &ModelValues, step: &mut Step) {
        let flow = Arc::clone(&self.flow);
        let Position::Conversing { state, .. } = self.progress.position else { return };
        let Some(converse) = conversing(&flow, state) else { return };
        for id in &converse.fills {
            let Some(slot) = flow.slot(*id) else { continue };
            let text = match values.get(&slot.name) {
                Some(Value::String(text)) => text.clone(),
                Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
                Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => continue,
            };
            let read = slot.kind.read_told(&text, self.progress.language);
            if let Reading::Value(value) = read {
                let evidence = self.evidence_now(*id);
                self.fill(*id, value, Some(evidence), step);
            }
        }
    }

    fn fail_talk(&mut self, id: StateId, turns: u32, failed: u32, step: &mut Step) {
        let flow = Arc::clone(&self.flow);
        let Some(converse) = conversing(&flow, id) else { return };
        let failed = failed.saturating_add(1);
        if failed > converse.failures_max {
            self.enter(converse.give_up, step);
        } else {
            self.say(&converse.fallback, crate::flow::BargeIn::ByPolicy, step);
            self.progress.position = Position::Conversing { state: id, turns, failed };
        }
    }

    fn exit_named(&self, exit: Option<&str>) -> Option<StateId> {
        let Position::Conversing { state, .. } = self.progress.position else { return None };
        let converse = conversing(&self.flow, state)?;
        converse.exits.iter().find(|known| Some(known.name.as_str()) == exit).map(|known| known.state)
    }
}

fn conversing(flow: &Flow, id: StateId) -> Option<&Converse> {
    match &flow.state(id)?.does {
        Does::Converse(converse) => Some(converse),
        Does::Go(_)
        | Does::Ask(..)
        | Does::Answer(_)
        | Does::Tool(..)
        | Does::Act { .. }
        | Does::Transfer { .. }
        | Does::Hangup { .. } => None,
    }
}
