//! One conversation that follows a flow.

mod answering;
mod input;
mod question;
mod step;
mod talk;
mod tools;
mod walk;

use std::sync::Arc;

use serde_json::{Map, Value};
use speech::Language;

use super::{Flow, Listening, Mood, SlotId, StateId, Transcript, mood, tool::ToolCall};

pub use input::CallerInput;
pub(crate) use step::ModelValues;
pub use step::{Act, Evidence, Found, LookupRequest, ModelMessage, ModelRequest, Need, Outcome, Said, Step, Words};

/// Intents of one conversation that are remembered.
const INTENTS_MAX: usize = 100;
/// Uses of tools of one conversation that are remembered.
const TOOL_CALLS_MAX: usize = 200;

/// One conversation that follows a flow. Given what the caller did it says what is to be said and done; it does nothing itself, and a clone
/// of it is a conversation that could have been.
#[derive(Debug, Clone)]
pub struct FlowRun {
    flow: Arc<Flow>,
    progress: Progress,
}

/// Where a conversation stands: all of it that is not the flow.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    pub(super) language: Language,
    variables: Map<String, Value>,
    /// One value for each slot of the flow; `Null` when it is not filled.
    pub(super) values: Vec<Value>,
    /// Where each value comes from.
    evidence: Vec<Option<Evidence>>,
    position: Position,
    /// Silent turns in a row.
    silences: u32,
    transcript: Transcript,
    outcome: Outcome,
    pub(super) intents: Vec<String>,
    mood: Mood,
    /// Which of the flow's notices were said.
    noticed: Vec<bool>,
    pub(super) tools: Vec<ToolCall>,
    /// Uses of tools so far: each has a number of its own.
    tool_uses: u32,
    /// What the caller does now.
    turn: u32,
    quote: String,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
enum Position {
    /// Not begun.
    Fresh,
    /// A question was asked.
    Asking { state: StateId, failed: u32, repeated: u32 },
    /// The caller is asked whether a value is right.
    Confirming { state: StateId, value: Value, evidence: Evidence, failed: u32 },
    /// A language model leads.
    Conversing { state: StateId, turns: u32, failed: u32 },
    /// The caller asks, the flow answers.
    Answering { state: StateId, misses: u32 },
    /// A question is being looked up.
    LookingUp { state: StateId, misses: u32 },
    /// The caller is asked whether a tool may run.
    ConfirmingTool { state: StateId, failed: u32 },
    /// A tool runs.
    Calling { state: StateId, request: super::ToolRequest },
    /// The dialplan does something; what comes next begins with the next turn.
    Acting { next: StateId },
    /// Nothing more will be said.
    Ended,
}

impl FlowRun {
    /// A conversation in `language` if the flow has it, in the flow's default otherwise. Variables that the flow does not know are kept
    /// out.
    pub fn new(
        flow: Arc<Flow>,
        language: Option<Language>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let language = language
            .filter(|language| flow.languages.contains(language))
            .or(flow.languages.first().copied())
            .unwrap_or(Language::English);
        let mut known: Map<String, Value> =
            flow.variables.iter().map(|(name, default)| (name.clone(), Value::from(default.as_str()))).collect();
        for (name, value) in variables {
            if let Some(variable) = known.get_mut(&name) {
                *variable = Value::from(value);
            }
        }
        let progress = Progress {
            language,
            variables: known,
            values: vec![Value::Null; flow.slots.len()],
            evidence: vec![None; flow.slots.len()],
            position: Position::Fresh,
            silences: 0,
            transcript: Transcript::default(),
            outcome: Outcome::Open,
            intents: Vec::new(),
            mood: Mood::default(),
            noticed: vec![false; flow.notices.len()],
            tools: Vec::new(),
            tool_uses: 0,
            turn: 0,
            quote: String::new(),
        };
        Self { flow, progress }
    }

    /// A conversation that was led elsewhere with the same version of the flow. `None` when it was another one.
    pub fn resume(flow: Arc<Flow>, progress: Progress) -> Option<Self> {
        let fits = progress.values.len() == flow.slots.len()
            && progress.evidence.len() == flow.slots.len()
            && progress.noticed.len() == flow.notices.len()
            && flow.languages.contains(&progress.language);
        fits.then_some(Self { flow, progress })
    }

    /// Where it stands.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Begins: the greeting, turn 0.
    pub fn start(&mut self) -> Step {
        let mut step = Step { policy: self.flow.policy(self.progress.language), ..Step::default() };
        let start = self.flow.start;
        self.enter(start, &mut step);
        self.finish(0, &mut step);
        step
    }

    /// Takes what the caller did in `turn`.
    pub fn answer(&mut self, turn: u32, input: &CallerInput) -> Step {
        let is_secret = self.asked_slot().is_some_and(|slot| slot.kind.is_secret());
        self.progress.turn = turn;
        self.progress.quote = input.quote().to_owned();
        self.progress.transcript.caller(turn, input, is_secret);
        let flow = Arc::clone(&self.flow);
        let mut step = Step::default();
        if self.progress.position != Position::Ended {
            self.understand(input, &mut step);
        }
        let position = std::mem::replace(&mut self.progress.position, Position::Ended);
        let silences = if *input == CallerInput::NoInput { self.progress.silences.saturating_add(1) } else { 0 };
        self.progress.silences = silences;
        let rule = flow.rules.iter().find(|rule| input.texts().any(|text| rule.hears.affirmed_in(text)));
        if let Some(abandon) = flow.abandon.as_ref().filter(|abandon| silences >= abandon.after_silences)
            && position.listens()
        {
            step.intent = Some("silence".to_owned());
            self.enter(abandon.goto, &mut step);
        } else if let Some(rule) = rule
            && position.listens()
        {
            step.intent = Some(rule.name.clone());
            self.note_intent(&rule.name);
            self.enter(rule.goto, &mut step);
        } else {
            match position {
                Position::Fresh | Position::Ended => {}
                Position::Asking { state, failed, repeated } => {
                    self.hear_answer(state, failed, repeated, input, &mut step)
                }
                Position::Confirming { state, value, evidence, failed } => {
                    self.hear_confirmation(state, (value, evidence), failed, input, &mut step);
                }
                Position::Conversing { state, turns, failed } => self.hear_talk(state, turns, failed, input, &mut step),
                Position::Answering { state, misses } | Position::LookingUp { state, misses } => {
                    self.hear_question(state, misses, input, &mut step);
                }
                Position::ConfirmingTool { state, failed } => self.hear_permission(state, failed, input, &mut step),
                Position::Calling { state, request } => self.call_again(state, request, &mut step),
                Position::Acting { next } => self.enter(next, &mut step),
            }
        }
        self.finish(turn, &mut step);
        step
    }

    /// Only so much of the reply to `turn` was heard.
    pub fn heard(&mut self, turn: u32, text: &str, complete: bool) {
        if !complete {
            self.progress.transcript.cut(turn, text);
        }
    }

    /// The form: every slot in the order of the flow, `null` when it is not filled or not allowed by the form's schema. Secrets are hidden.
    pub fn form(&self) -> Map<String, Value> {
        let slots = self.flow.slots.iter().zip(&self.progress.values);
        let form = slots.map(|(slot, value)| {
            (slot.name.clone(), if slot.kind.is_secret() { hidden(value) } else { value.clone() })
        });
        self.flow.allowed_form(form.collect())
    }

    /// Where the values of the form come from: slot and evidence, in the order of the flow.
    pub fn evidence(&self) -> impl Iterator<Item = (&str, &Evidence)> {
        let slots = self.flow.slots.iter().zip(&self.progress.evidence).zip(&self.progress.values);
        slots
            .filter(|(_, value)| !value.is_null())
            .filter_map(|((slot, evidence), _)| Some((slot.name.as_str(), evidence.as_ref()?)))
    }

    /// The flow.
    pub fn flow(&self) -> &Arc<Flow> {
        &self.flow
    }

    /// The language of the conversation.
    pub fn language(&self) -> Language {
        self.progress.language
    }

    /// How it went so far.
    pub fn outcome(&self) -> &Outcome {
        &self.progress.outcome
    }

    /// Who said what so far.
    pub fn transcript(&self) -> &Transcript {
        &self.progress.transcript
    }

    /// What the caller wanted so far, without repetition.
    pub fn intents(&self) -> &[String] {
        &self.progress.intents
    }

    /// How the caller felt so far.
    pub fn mood(&self) -> Mood {
        self.progress.mood
    }

    /// Tools that were used so far.
    pub fn tools(&self) -> &[ToolCall] {
        &self.progress.tools
    }

    /// The name of the state that it is in; empty after the end.
    pub fn state_name(&self) -> &str {
        let state = match &self.progress.position {
            Position::Fresh | Position::Ended => None,
            Position::Asking { state, .. }
            | Position::Confirming { state, .. }
            | Position::Conversing { state, .. }
            | Position::Answering { state, .. }
            | Position::LookingUp { state, .. }
            | Position::ConfirmingTool { state, .. }
            | Position::Calling { state, .. } => Some(*state),
            Position::Acting { next } => Some(*next),
        };
        state.and_then(|id| self.flow.state(id)).map_or("", |state| state.name.as_str())
    }

    // --- What is understood in every turn ---------------------------------------------------------------------------------------

    fn understand(&mut self, input: &CallerInput, step: &mut Step) {
        let CallerInput::Speech(texts) = input else { return };
        let flow = Arc::clone(&self.flow);
        for (name, phrases) in &flow.intents {
            if texts.iter().any(|text| phrases.affirmed_in(text)) {
                step.intents.push(name.clone());
                self.note_intent(name);
            }
        }
        if let Some(best) = texts.first() {
            let sentiment = mood::sentiment(best);
            self.progress.mood.note(sentiment);
            step.sentiment = Some(sentiment);
        }
    }

    fn note_intent(&mut self, name: &str) {
        let intents = &mut self.progress.intents;
        if intents.len() < INTENTS_MAX && !intents.iter().any(|known| known == name) {
            intents.push(name.to_owned());
        }
    }

    fn note_tool(&mut self, call: ToolCall, step: &mut Step) {
        step.tools.push(call.clone());
        if self.progress.tools.len() < TOOL_CALLS_MAX {
            self.progress.tools.push(call);
        }
    }

    fn put(&mut self, slot: SlotId, value: Value) -> Value {
        self.progress.values.get_mut(slot.0).map_or(Value::Null, |place| std::mem::replace(place, value))
    }

    fn fill(&mut self, slot: SlotId, value: Value, evidence: Option<Evidence>, step: &mut Step) {
        if let Some(place) = self.progress.evidence.get_mut(slot.0) {
            *place = evidence;
        }
        self.put(slot, value);
        step.form_changed = true;
    }

    /// What the caller does now, as evidence for a value of that slot.
    fn evidence_now(&self, slot: SlotId) -> Evidence {
        let is_secret = self.flow.slot(slot).is_some_and(|slot| slot.kind.is_secret());
        let quote = &self.progress.quote;
        let quote = if is_secret { "•".repeat(quote.chars().count()) } else { quote.clone() };
        Evidence { quote, turn: self.progress.turn }
    }

    fn asked_slot(&self) -> Option<&super::Slot> {
        let Position::Asking { state, .. } = self.progress.position else { return None };
        question::asking(&self.flow, state).map(|(_, _, _, slot)| slot)
    }

    /// Notes what is said, and how the answer is listened to.
    fn finish(&mut self, turn: u32, step: &mut Step) {
        for said in &step.said {
            self.progress.transcript.robot(turn, &said.text, self.progress.language);
        }
        step.listening = match &self.progress.position {
            Position::Asking { state, .. } => question::asking(&self.flow, *state)
                .map(|(_, question, ..)| Listening::to(&self.flow, question, self.progress.language)),
            Position::Confirming { .. } | Position::ConfirmingTool { .. } => Some(Listening::yes_no()),
            Position::Fresh
            | Position::Conversing { .. }
            | Position::Answering { .. }
            | Position::LookingUp { .. }
            | Position::Calling { .. }
            | Position::Acting { .. }
            | Position::Ended => None,
        };
    }
}

impl Position {
    /// What the caller says now is meant for the flow.
    fn listens(&self) -> bool {
        match self {
            Self::Asking { .. }
            | Self::Confirming { .. }
            | Self::Conversing { .. }
            | Self::Answering { .. }
            | Self::LookingUp { .. }
            | Self::ConfirmingTool { .. }
            | Self::Calling { .. } => true,
            Self::Fresh | Self::Acting { .. } | Self::Ended => false,
        }
    }
}

/// A secret as it is shown.
fn hidden(value: &Value) -> Value {
    match value {
        Value::String(secret) => Value::from("•".repeat(secret.chars().count())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.clone(),
    }
}
