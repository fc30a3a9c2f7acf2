//! States that use a tool.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::{CallerInput, FlowRun, Need, Position, Step, hidden};
use crate::flow::{
    BargeIn, Does, Flow, StateId, ToolUse, Way,
    slot::Reading,
    text::spoken_value,
    tool::{Argument, Tool, ToolCall, ToolOutcome, ToolRequest, ToolResult},
};

impl FlowRun {
    /// What was said on the way stands; the caller is asked, or the tool is.
    pub(super) fn begin_tool(&mut self, id: StateId, used: &ToolUse, step: &mut Step) {
        match &used.confirm {
            Some(confirm) => {
                self.say(confirm, BargeIn::ByPolicy, step);
                self.progress.position = Position::ConfirmingTool { state: id, failed: 0 };
            }
            None => self.call(id, step),
        }
    }

    pub(super) fn hear_permission(&mut self, id: StateId, failed: u32, input: &CallerInput, step: &mut Step) {
        let flow = Arc::clone(&self.flow);
        let Some((used, tool, _)) = using(&flow, id) else { return };
        step.intent = Some("confirm".to_owned());
        let failed = failed.saturating_add(1);
        match input.agrees(self.language()) {
            Some(true) => self.call(id, step),
            None if failed < used.attempts => {
                if let Some(confirm) = &used.confirm {
                    self.say(confirm, BargeIn::ByPolicy, step);
                }
                self.progress.position = Position::ConfirmingTool { state: id, failed };
            }
            // Who does not say yes has not agreed.
            Some(false) | None => {
                let request = self.request(tool);
                let call = ToolCall::new(&request, ToolOutcome::Declined, "", Duration::ZERO);
                self.note_tool(call, step);
                self.enter(used.declined, step);
            }
        }
    }

    /// The tool of `turn` answered, or failed, after so long.
    pub fn tool_answered(&mut self, turn: u32, result: &ToolResult, took: Duration) -> Step {
        let mut step = Step::default();
        let flow = Arc::clone(&self.flow);
        let position = std::mem::replace(&mut self.progress.position, Position::Ended);
        match position {
            Position::Calling { state, request } => {
                if let Some((used, tool, way)) = using(&flow, state) {
                    match self.take_result(&flow, tool, result) {
                        Ok((values, answer)) => {
                            for (slot, value) in values {
                                self.fill(slot, value, None, &mut step);
                            }
                            let call = ToolCall::new(&request, ToolOutcome::Done, &answer, took);
                            self.note_tool(call, &mut step);
                            let next = self.choose(way);
                            self.enter(next, &mut step);
                        }
                        Err(why) => {
                            let why = Value::from(why).to_string();
                            self.note_tool(ToolCall::new(&request, ToolOutcome::Failed, &why, took), &mut step);
                            self.say(&tool.sorry, BargeIn::ByPolicy, &mut step);
                            self.enter(used.failed, &mut step);
                        }
                    }
                }
            }
            other => self.progress.position = other,
        }
        self.finish(turn, &mut step);
        step
    }

    /// The caller spoke while the tool ran, and nobody waited for its answer: it is asked again under the same name, so that it counts once.
    pub(super) fn call_again(&mut self, id: StateId, request: ToolRequest, step: &mut Step) {
        step.need = Some(Need::Tool(request.clone()));
        self.progress.position = Position::Calling { state: id, request };
    }

    fn call(&mut self, id: StateId, step: &mut Step) {
        let flow = Arc::clone(&self.flow);
        let Some((_, tool, _)) = using(&flow, id) else { return };
        self.progress.tool_uses = self.progress.tool_uses.saturating_add(1);
        let request = self.request(tool);
        step.need = Some(Need::Tool(request.clone()));
        self.progress.position = Position::Calling { state: id, request };
    }

    fn request(&self, tool: &Tool) -> ToolRequest {
        let arguments = |shows_secrets: bool| -> Map<String, Value> {
            let value = |argument: &Argument| match argument {
                Argument::Template(template) => Value::from(
                    template.fill(|name| if shows_secrets { self.raw_value(name) } else { self.value(name) }),
                ),
                Argument::Slot(slot) => {
                    let value = self.progress.values.get(slot.0).cloned().unwrap_or_default();
                    let is_secret = self.flow.slot(*slot).is_some_and(|slot| slot.kind.is_secret());
                    if is_secret && !shows_secrets { hidden(&value) } else { value }
                }
            };
            tool.arguments.iter().map(|(name, argument)| (name.clone(), value(argument))).collect()
        };
        ToolRequest {
            name: tool.name.clone(),
            method: tool.method,
            url: tool.address(|name| self.raw_value(name)),
            arguments: arguments(true),
            recorded_arguments: arguments(false),
            timeout: tool.timeout,
            idempotency: tool
                .idempotency_header
                .clone()
                .map(|header| (header, format!("{}-{}", tool.name, self.progress.tool_uses))),
        }
    }

    /// The values of the slots that the tool fills, and the answer as it is recorded.
    fn take_result(
        &self,
        flow: &Flow,
        tool: &Tool,
        result: &ToolResult,
    ) -> Result<(Vec<(crate::flow::SlotId, Value)>, String), String> {
        let answer = match result {
            ToolResult::Answered(answer) => answer,
            ToolResult::Failed(why) => return Err(why.clone()),
        };
        let mut values = Vec::new();
        for (id, value) in tool.read(answer)? {
            let Some(slot) = flow.slot(id) else { continue };
            let value = match &value {
                Value::Null => Value::Null,
                Value::String(text) => match slot.kind.read_told(text, self.progress.language) {
                    Reading::Value(value) => value,
                    Reading::NotAllowed | Reading::NotUnderstood => {
                        return Err(format!("{:?} is no value for {}", text, slot.name));
                    }
                },
                other => match slot.kind.read_told(&other.to_string(), self.progress.language) {
                    Reading::Value(value) => value,
                    Reading::NotAllowed | Reading::NotUnderstood => {
                        return Err(format!("{other} is no value for {}", slot.name));
                    }
                },
            };
            values.push((id, value));
        }
        Ok((values, answer.to_string()))
    }

    /// The value of a slot or a variable as a program reads it, secrets included.
    fn raw_value(&self, name: &str) -> Option<String> {
        let slot =
            self.flow.slots.iter().position(|slot| slot.name == name).and_then(|at| self.progress.values.get(at));
        match slot {
            Some(Value::Bool(value)) => Some(value.to_string()),
            Some(value) => spoken_value(value, self.progress.language),
            None => self.progress.variables.get(name).and_then(|value| spoken_value(value, self.progress.language)),
        }
    }
}

fn using(flow: &Flow, id: StateId) -> Option<(&ToolUse, &Tool, &Way)> {
    match &flow.state(id)?.does {
        Does::Tool(used, way) => Some((used, flow.tool(used.tool)?, way)),
        Does::Go(_)
        | Does::Ask(..)
        | Does::Converse(_)
        | Does::Answer(_)
        | Does::Act { .. }
        | Does::Transfer { .. }
        | Does::Hangup { .. } => None,
    }
}
