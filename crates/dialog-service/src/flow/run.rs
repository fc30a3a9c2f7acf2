use std::sync::Arc;

use serde_json::{Map, Value};
use speech::Language;

use super::{
    Converse, Does, Flow, Question, Reask, SlotId, State, StateId, Way,
    slot::{Reading, Slot, SlotKind},
    text::{Text, spoken_value},
    transcript::Transcript,
};

/// How often a caller may ask to hear a question again before it counts as no answer.
const REPEATS_MAX: u32 = 3;
/// A longer utterance is an answer, whatever words are in it.
const REPEAT_REQUEST_CHARS_MAX: usize = 60;
/// Lines of the transcript that a language model is shown.
const HISTORY_LINES_MAX: usize = 40;

/// What the caller did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerInput {
    /// Said something; the hypotheses, best first.
    Speech(Vec<String>),
    /// Keyed digits.
    Dtmf(String),
    /// Said nothing.
    NoInput,
    /// Could not be understood.
    NoMatch,
}

/// One conversation that follows a flow. Given what the caller did it says what is to be said and done; it does nothing itself.
#[derive(Debug)]
pub struct FlowRun {
    flow: Arc<Flow>,
    language: Language,
    variables: Map<String, Value>,
    /// One value for each slot of the flow; `Null` when it is not filled.
    values: Vec<Value>,
    position: Position,
    /// Silent turns in a row.
    silences: u32,
    transcript: Transcript,
    outcome: Outcome,
}

#[derive(Debug)]
enum Position {
    /// Not begun.
    Fresh,
    /// A question was asked.
    Asking { state: StateId, failed: u32, repeated: u32 },
    /// The caller is asked whether a value is right.
    Confirming { state: StateId, value: Value, failed: u32 },
    /// A language model leads.
    Conversing { state: StateId, turns: u32, failed: u32 },
    /// The dialplan does something; what comes next begins with the next turn.
    Acting { next: StateId },
    /// Nothing more will be said.
    Ended,
}

/// How a conversation went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It has not come to its end.
    Open,
    /// It came to a hang-up of the flow, with this reason.
    HungUp(String),
    /// The caller was handed over.
    Transferred,
}

/// One sentence or more to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The words.
    pub text: String,
    /// May the caller interrupt?
    pub barge_in: bool,
    /// Nothing in it is of this conversation alone.
    pub cacheable: bool,
}

/// What the dialplan is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Hand the caller over.
    Transfer {
        /// Where to.
        target: String,
        /// What the person who takes over should know.
        summary: String,
    },
    /// End the call.
    Hangup {
        /// Why.
        reason: String,
    },
    /// Something of the dialplan's own.
    Custom {
        /// Its name.
        name: String,
        /// What it needs.
        params: Vec<(String, String)>,
    },
}

/// What follows from what the caller did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Step {
    /// What is said, in order.
    pub said: Vec<Said>,
    /// What is done when it has been said.
    pub act: Option<Act>,
    /// What the caller wanted.
    pub intent: Option<String>,
    /// The form has changed.
    pub form_changed: bool,
    /// A language model writes (the rest of) the reply; the run goes on with [`FlowRun::model_replied`] or [`FlowRun::model_failed`].
    pub ask_model: Option<ModelRequest>,
}

/// What a language model is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRequest {
    /// What it is and what it may do.
    pub system: String,
    /// What was said so far, oldest first; the last is the caller's.
    pub history: Vec<ModelMessage>,
    /// Longer replies are cut.
    pub reply_chars_max: usize,
    /// The names that it may end its reply with, as `[[name]]`, to leave.
    pub exits: Vec<String>,
}

/// One line of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelMessage {
    /// Said by the caller, or else by the robot.
    pub by_caller: bool,
    /// The words.
    pub text: String,
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
        let values = vec![Value::Null; flow.slots.len()];
        Self {
            flow,
            language,
            variables: known,
            values,
            position: Position::Fresh,
            silences: 0,
            transcript: Transcript::default(),
            outcome: Outcome::Open,
        }
    }

    /// Begins: the greeting, turn 0.
    pub fn start(&mut self) -> Step {
        let mut step = Step::default();
        let start = self.flow.start;
        self.enter(start, &mut step);
        self.note_reply(0, &step);
        step
    }

    /// Takes what the caller did in `turn`.
    pub fn answer(&mut self, turn: u32, input: &CallerInput) -> Step {
        self.transcript.caller(turn, input);
        let flow = Arc::clone(&self.flow);
        let mut step = Step::default();
        let position = std::mem::replace(&mut self.position, Position::Ended);
        self.silences = if *input == CallerInput::NoInput { self.silences.saturating_add(1) } else { 0 };
        if let Some(abandon) = flow.abandon.as_ref().filter(|abandon| self.silences >= abandon.after_silences)
            && position.listens()
        {
            step.intent = Some("silence".to_owned());
            self.enter(abandon.goto, &mut step);
        } else if let Some(rule) = flow.rules.iter().find(|rule| input.texts().any(|text| rule.hears.affirmed_in(text)))
            && position.listens()
        {
            step.intent = Some(rule.name.clone());
            self.enter(rule.goto, &mut step);
        } else {
            match position {
                Position::Fresh | Position::Ended => {}
                Position::Asking { state, failed, repeated } => {
                    self.hear_answer(state, failed, repeated, input, &mut step)
                }
                Position::Confirming { state, value, failed } => {
                    self.hear_confirmation(state, value, failed, input, &mut step);
                }
                Position::Conversing { state, turns, failed } => self.hear_talk(state, turns, failed, input, &mut step),
                Position::Acting { next } => self.enter(next, &mut step),
            }
        }
        self.note_reply(turn, &step);
        step
    }

    /// The model has written the reply to `turn`: `text` is what was said of it, `exit` the name that it left with.
    pub fn model_replied(&mut self, turn: u32, text: &str, exit: Option<&str>) -> Step {
        self.transcript.robot(turn, text, self.language);
        let mut step = Step::default();
        if let Some(to) = self.exit_named(exit) {
            self.enter(to, &mut step);
        } else if let Position::Conversing { failed, .. } = &mut self.position {
            *failed = 0;
        }
        self.note_reply(turn, &step);
        step
    }

    /// The model did not write the reply to `turn`, or not all of it: `text` is what was said of it.
    pub fn model_failed(&mut self, turn: u32, text: &str) -> Step {
        self.transcript.robot(turn, text, self.language);
        let mut step = Step::default();
        if let Position::Conversing { state, turns, failed } = self.position {
            self.fail_talk(state, turns, failed, &mut step);
        }
        self.note_reply(turn, &step);
        step
    }

    /// Only so much of the reply to `turn` was heard.
    pub fn heard(&mut self, turn: u32, text: &str, complete: bool) {
        if !complete {
            self.transcript.cut(turn, text);
        }
    }

    /// The form: every slot in the order of the flow, `null` when it is not filled.
    pub fn form(&self) -> Map<String, Value> {
        self.flow.slots.iter().map(|slot| slot.name.clone()).zip(self.values.iter().cloned()).collect()
    }

    /// The flow.
    pub fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The language of the conversation.
    pub fn language(&self) -> Language {
        self.language
    }

    /// How it went so far.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Who said what so far.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    // --- Questions --------------------------------------------------------------------------------------------------------------

    fn hear_answer(&mut self, id: StateId, failed: u32, repeated: u32, input: &CallerInput, step: &mut Step) {
        let flow = Arc::clone(&self.flow);
        let Some((state, question, way, slot)) = asking(&flow, id) else { return };
        if repeated < REPEATS_MAX && input.asks_to_repeat() {
            step.intent = Some("repeat".to_owned());
            self.say_state(state, step);
            self.position = Position::Asking { state: id, failed, repeated: repeated.saturating_add(1) };
            return;
        }
        match self.read(slot, input) {
            Reading::Value(value) => {
                step.intent = Some("answer".to_owned());
                match &question.confirm {
                    Some(confirm) => self.ask_confirmation(id, question.slot, confirm, value, failed, step),
                    None => self.fill(question.slot, value, way, step),
                }
            }
            reading @ (Reading::NotAllowed | Reading::NotUnderstood) => {
                let reask = match (&reading, input) {
                    (Reading::NotAllowed, _) => &question.invalid,
                    (_, CallerInput::NoInput) => &question.silence,
                    (_, CallerInput::Speech(_) | CallerInput::Dtmf(_) | CallerInput::NoMatch) => &question.reprompt,
                };
                step.intent = Some(if *input == CallerInput::NoInput { "silence" } else { "unclear" }.to_owned());
                self.ask_again(id, reask, failed, step);
            }
        }
    }

    fn read(&self, slot: &Slot, input: &CallerInput) -> Reading {
        match input {
            CallerInput::Speech(_) => match slot.kind.read_speech(input.texts(), self.language) {
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
        self.position = Position::Asking { state: id, failed, repeated: 0 };
    }

    fn ask_confirmation(
        &mut self,
        id: StateId,
        slot: SlotId,
        confirm: &Text,
        value: Value,
        failed: u32,
        step: &mut Step,
    ) {
        // The sentence names the value, which is not the slot's before the caller has agreed.
        let before = self.put(slot, value.clone());
        self.say(confirm, true, step);
        self.put(slot, before);
        self.position = Position::Confirming { state: id, value, failed };
    }

    fn hear_confirmation(&mut self, id: StateId, value: Value, failed: u32, input: &CallerInput, step: &mut Step) {
        let flow = Arc::clone(&self.flow);
        let Some((_, question, way, slot)) = asking(&flow, id) else { return };
        let Some(confirm) = &question.confirm else { return };
        let agrees = match input {
            CallerInput::Speech(texts) => texts.iter().find_map(|text| speech::yes_no(text, self.language)),
            CallerInput::Dtmf(digits) => match digits.as_str() {
                "1" => Some(true),
                "2" => Some(false),
                _ => None,
            },
            CallerInput::NoInput | CallerInput::NoMatch => None,
        };
        // "No, seven": the right value in the same breath. Of a boolean the "no" itself would be read as one, and a text takes anything.
        let corrects = match &slot.kind {
            SlotKind::Number { .. } | SlotKind::Choice { .. } | SlotKind::Day => match self.read(slot, input) {
                Reading::Value(other) if agrees != Some(true) && other != value => Some(other),
                Reading::Value(_) | Reading::NotAllowed | Reading::NotUnderstood => None,
            },
            SlotKind::Boolean { .. } | SlotKind::Text { .. } => None,
        };
        let failed = failed.saturating_add(1);
        step.intent = Some("confirm".to_owned());
        match (agrees, corrects) {
            (Some(true), _) => self.fill(question.slot, value, way, step),
            _ if failed >= question.attempts => self.enter(question.give_up, step),
            (_, Some(other)) => self.ask_confirmation(id, question.slot, confirm, other, failed, step),
            (Some(false), None) => {
                if let Some(state) = flow.state(id) {
                    self.say_state(state, step);
                }
                self.position = Position::Asking { state: id, failed, repeated: 0 };
            }
            (None, None) => self.ask_confirmation(id, question.slot, confirm, value, failed, step),
        }
    }

    fn fill(&mut self, slot: SlotId, value: Value, way: &Way, step: &mut Step) {
        self.put(slot, value);
        step.form_changed = true;
        let next = self.choose(way);
        self.enter(next, step);
    }

    fn put(&mut self, slot: SlotId, value: Value) -> Value {
        self.values.get_mut(slot.0).map_or(Value::Null, |place| std::mem::replace(place, value))
    }

    // --- Language models --------------------------------------------------------------------------------------------------------

    fn hear_talk(&mut self, id: StateId, turns: u32, failed: u32, input: &CallerInput, step: &mut Step) {
        let flow = Arc::clone(&self.flow);
        let Some(converse) = conversing(&flow, id) else { return };
        match input {
            CallerInput::NoInput | CallerInput::NoMatch => {
                step.intent = Some(if *input == CallerInput::NoInput { "silence" } else { "unclear" }.to_owned());
                self.fail_talk(id, turns, failed, step);
            }
            CallerInput::Speech(_) | CallerInput::Dtmf(_) if turns >= converse.turns_max => {
                self.enter(converse.give_up, step);
            }
            CallerInput::Speech(_) | CallerInput::Dtmf(_) => {
                step.ask_model = Some(self.ask_model(converse));
                self.position = Position::Conversing { state: id, turns: turns.saturating_add(1), failed };
            }
        }
    }

    fn ask_model(&self, converse: &Converse) -> ModelRequest {
        let mut system = self.words(&converse.system);
        for exit in &converse.exits {
            system.push_str(&match self.language {
                Language::English => format!("\nEnd your reply with [[{}]] when {}", exit.name, exit.when),
                Language::Chinese => format!("\n在以下情况，请在回复末尾加上 [[{}]]：{}", exit.name, exit.when),
            });
        }
        let lines: Vec<ModelMessage> = self
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
        }
    }

    fn fail_talk(&mut self, id: StateId, turns: u32, failed: u32, step: &mut Step) {
        let flow = Arc::clone(&self.flow);
        let Some(converse) = conversing(&flow, id) else { return };
        let failed = failed.saturating_add(1);
        if failed > converse.failures_max {
            self.enter(converse.give_up, step);
        } else {
            self.say(&converse.fallback, true, step);
            self.position = Position::Conversing { state: id, turns, failed };
        }
    }

    fn exit_named(&self, exit: Option<&str>) -> Option<StateId> {
        let Position::Conversing { state, .. } = self.position else { return None };
        let converse = conversing(&self.flow, state)?;
        converse.exits.iter().find(|known| Some(known.name.as_str()) == exit).map(|known| known.state)
    }

    // --- States -----------------------------------------------------------------------------------------------------------------

    /// Goes to a state, and on from there as far as it gets without the caller. The loader has made sure that it gets somewhere.
    fn enter(&mut self, to: StateId, step: &mut Step) {
        let flow = Arc::clone(&self.flow);
        let mut at = to;
        for _ in 0..=flow.states.len() {
            let Some(state) = flow.state(at) else { break };
            self.say_state(state, step);
            match &state.does {
                Does::Go(way) => at = self.choose(way),
                Does::Ask(..) => {
                    self.position = Position::Asking { state: at, failed: 0, repeated: 0 };
                    return;
                }
                Does::Converse(_) => {
                    self.position = Position::Conversing { state: at, turns: 0, failed: 0 };
                    return;
                }
                Does::Act { name, params, way } => {
                    let params =
                        params.iter().map(|(key, value)| (key.clone(), value.fill(|name| self.value(name)))).collect();
                    step.act = Some(Act::Custom { name: name.clone(), params });
                    self.position = Position::Acting { next: self.choose(way) };
                    return;
                }
                Does::Transfer { target, summary } => {
                    step.act = Some(Act::Transfer {
                        target: target.fill(|name| self.value(name)),
                        summary: summary
                            .as_ref()
                            .map(|summary| summary.fill(|name| self.value(name)))
                            .unwrap_or_default(),
                    });
                    self.outcome = Outcome::Transferred;
                    self.position = Position::Ended;
                    return;
                }
                Does::Hangup { reason } => {
                    step.act = Some(Act::Hangup { reason: reason.clone() });
                    self.outcome = Outcome::HungUp(reason.clone());
                    self.position = Position::Ended;
                    return;
                }
            }
        }
        self.position = Position::Ended;
    }

    fn choose(&self, way: &Way) -> StateId {
        way.branches
            .iter()
            .find(|(condition, _)| self.values.get(condition.slot.0).is_some_and(|value| condition.test.holds(value)))
            .map_or(way.next, |(_, state)| *state)
    }

    fn say_state(&self, state: &State, step: &mut Step) {
        if let Some(text) = &state.say {
            self.say(text, state.barge_in, step);
        }
    }

    fn say(&self, text: &Text, barge_in: bool, step: &mut Step) {
        let cacheable = text.get(self.language).is_some_and(super::text::Template::is_fixed);
        step.said.push(Said { text: self.words(text), barge_in, cacheable });
    }

    fn words(&self, text: &Text) -> String {
        text.get(self.language).map(|template| template.fill(|name| self.value(name))).unwrap_or_default()
    }

    /// The value of a slot or a variable, as it is said.
    fn value(&self, name: &str) -> Option<String> {
        let slot = self.flow.slots.iter().position(|slot| slot.name == name).and_then(|at| self.values.get(at));
        slot.or_else(|| self.variables.get(name)).and_then(|value| spoken_value(value, self.language))
    }

    fn note_reply(&mut self, turn: u32, step: &Step) {
        for said in &step.said {
            self.transcript.robot(turn, &said.text, self.language);
        }
    }
}

fn asking(flow: &Flow, id: StateId) -> Option<(&State, &Question, &Way, &Slot)> {
    let state = flow.state(id)?;
    match &state.does {
        Does::Ask(question, way) => Some((state, question, way, flow.slot(question.slot)?)),
        Does::Go(_) | Does::Converse(_) | Does::Act { .. } | Does::Transfer { .. } | Does::Hangup { .. } => None,
    }
}

fn conversing(flow: &Flow, id: StateId) -> Option<&Converse> {
    match &flow.state(id)?.does {
        Does::Converse(converse) => Some(converse),
        Does::Go(_) | Does::Ask(..) | Does::Act { .. } | Does::Transfer { .. } | Does::Hangup { .. } => None,
    }
}

impl Position {
    fn listens(&self) -> bool {
        match self {
            Self::Asking { .. } | Self::Confirming { .. } | Self::Conversing { .. } => true,
            Self::Fresh | Self::Acting { .. } | Self::Ended => false,
        }
    }
}

impl CallerInput {
    /// The words of all hypotheses.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let texts = match self {
            Self::Speech(texts) => texts.as_slice(),
            Self::Dtmf(_) | Self::NoInput | Self::NoMatch => &[],
        };
        texts.iter().map(String::as_str)
    }

    fn asks_to_repeat(&self) -> bool {
        const PHRASES: [&str; 14] = [
            "repeat",
            "say that again",
            "say it again",
            "pardon",
            "come again",
            "what did you say",
            "didn't hear",
            "再说一遍",
            "再说一次",
            "重复一",
            "没听清",
            "听不清",
            "没听见",
            "没听到",
        ];
        self.texts().next().is_some_and(|best| {
            let best = best.to_lowercase().replace('’', "'");
            best.chars().count() <= REPEAT_REQUEST_CHARS_MAX && PHRASES.iter().any(|phrase| best.contains(phrase))
        })
    }
}
