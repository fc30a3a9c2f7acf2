use std::sync::Arc;

use proto::v1::{self, end_conversation_request::Reason, turn_event::Event};
use serde_json::Value;
use speech::Language;
use tonic::Status;

use crate::flow::{Act, CallerInput, Flow, FlowRun, ModelRequest, Outcome, Step};

/// Characters of one hypothesis that are looked at.
const HYPOTHESIS_CHARS_MAX: usize = 2000;
/// Hypotheses of one turn that are looked at.
const HYPOTHESES_MAX: usize = 16;

/// One conversation as the service remembers it.
#[derive(Debug)]
pub(crate) struct Dialogue {
    id: String,
    run: FlowRun,
    greeting: Vec<v1::TurnEvent>,
    /// The last turn that was taken, and the reply to it as far as it is complete: what a repeated request gets.
    turn: u32,
    reply: Vec<v1::TurnEvent>,
    writing: Option<Writing>,
    /// Names each writing, so that one that was replaced cannot write any more.
    writings: u64,
    record: Option<v1::Record>,
}

/// A reply that a language model is writing.
#[derive(Debug, Clone)]
struct Writing {
    key: WritingKey,
    request: ModelRequest,
    /// Events of the reply before the model's.
    events_before: usize,
    said: String,
}

/// Names one attempt at a reply by a language model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WritingKey(u64);

/// What answers a request: events that are there, and the rest that a language model has to write.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) events: Vec<v1::TurnEvent>,
    pub(crate) model: Option<(WritingKey, ModelRequest)>,
}

impl Dialogue {
    pub(crate) fn new(request: v1::StartConversationRequest, flow: Arc<Flow>) -> Result<Self, Status> {
        let language = match request.language.as_str() {
            "" => None,
            tag => Some(
                Language::from_tag(tag)
                    .ok_or_else(|| Status::invalid_argument(format!("the language {tag:?} is not spoken here")))?,
            ),
        };
        let run = FlowRun::new(flow, language, request.variables);
        let mut dialogue = Self {
            id: request.conversation_id,
            run,
            greeting: Vec::new(),
            turn: 0,
            reply: Vec::new(),
            writing: None,
            writings: 0,
            record: None,
        };
        let step = dialogue.run.start();
        dialogue.greeting = dialogue.events(0, step);
        dialogue.greeting.push(end(0, false));
        Ok(dialogue)
    }

    pub(crate) fn greeting(&self) -> Answer {
        Answer { events: self.greeting.clone(), model: None }
    }

    /// It was ended, and only its record is left.
    pub(crate) fn is_ended(&self) -> bool {
        self.record.is_some()
    }

    pub(crate) fn take_turn(&mut self, request: &v1::TakeTurnRequest) -> Result<Answer, Status> {
        let turn = request.turn_id;
        if self.is_ended() {
            return Err(Status::not_found("the conversation was ended"));
        }
        if turn == 0 || turn < self.turn {
            return Err(Status::failed_precondition(format!("turn {turn} is over; the last was {}", self.turn)));
        }
        if turn == self.turn {
            return Ok(self.repeat());
        }
        if *self.run.outcome() != Outcome::Open {
            return Err(Status::failed_precondition("the conversation has come to its end"));
        }
        self.settle_writing();
        self.note_heard(request.heard.as_ref());
        let input = caller_input(request.input.clone().unwrap_or_default());
        let mut step = self.run.answer(turn, &input);
        self.turn = turn;
        let request = step.ask_model.take();
        self.reply = self.events(turn, step);
        let events = self.reply.clone();
        match request {
            Some(request) => Ok(self.begin_writing(events, request)),
            None => {
                self.reply.push(end(turn, false));
                Ok(Answer { events: self.reply.clone(), model: None })
            }
        }
    }

    /// The caller interrupted. Only the last reply can be interrupted.
    pub(crate) fn interrupt(&mut self, heard: Option<&v1::Heard>) {
        if heard.is_some_and(|heard| heard.turn_id == self.turn) {
            self.settle_writing();
            self.note_heard(heard);
        }
    }

    /// Ends it and gives its record; the same record when it was ended before.
    pub(crate) fn end(&mut self, reason: Reason, heard: Option<&v1::Heard>) -> v1::Record {
        if let Some(record) = &self.record {
            return record.clone();
        }
        self.settle_writing();
        self.note_heard(heard);
        let outcome = match (self.run.outcome(), reason) {
            (_, Reason::ServiceFailed) => "failed",
            (Outcome::HungUp(reason), _) => reason.as_str(),
            (Outcome::Transferred, _) => "transferred",
            (Outcome::Open, _) => "abandoned",
        };
        let record = v1::Record {
            conversation_id: self.id.clone(),
            flow: self.run.flow().name().to_owned(),
            language: self.run.language().tag().to_owned(),
            form_json: self.form_json(),
            transcript: self
                .run
                .transcript()
                .lines()
                .map(|line| v1::Line {
                    speaker: if line.by_caller { v1::line::Speaker::Caller } else { v1::line::Speaker::Robot }.into(),
                    text: line.text.clone(),
                    turn_id: line.turn,
                })
                .collect(),
            outcome: outcome.to_owned(),
            ..v1::Record::default()
        };
        self.record = Some(record.clone());
        record
    }

    // --- A language model writes ------------------------------------------------------------------------------------------------

    fn begin_writing(&mut self, events: Vec<v1::TurnEvent>, request: ModelRequest) -> Answer {
        self.writings = self.writings.wrapping_add(1);
        let key = WritingKey(self.writings);
        let events_before = self.reply.len();
        self.writing = Some(Writing { key, request: request.clone(), events_before, said: String::new() });
        Answer { events, model: Some((key, request)) }
    }

    /// The reply to the last turn once more; what a model had not finished it begins again.
    fn repeat(&mut self) -> Answer {
        match self.writing.take() {
            Some(writing) => {
                self.reply.truncate(writing.events_before);
                self.begin_writing(self.reply.clone(), writing.request)
            }
            None => Answer { events: self.reply.clone(), model: None },
        }
    }

    /// A reply that nobody waits for any more counts as far as it was written.
    fn settle_writing(&mut self) {
        if let Some(writing) = self.writing.take() {
            self.run.model_replied(self.turn, &writing.said, None);
        }
    }

    /// The model wrote some words. `None` when nobody wants them any more.
    pub(crate) fn model_wrote(&mut self, key: WritingKey, words: &str) -> Option<v1::TurnEvent> {
        let writing = self.writing.as_mut().filter(|writing| writing.key == key)?;
        writing.said.push_str(words);
        let text =
            v1::Text { text: words.to_owned(), language: self.run.language().tag().to_owned(), ..v1::Text::default() };
        let event = event(self.turn, Event::Text(text));
        self.reply.push(event.clone());
        Some(event)
    }

    /// The model is done: the rest of the reply. `None` when nobody wants it any more.
    pub(crate) fn model_finished(&mut self, key: WritingKey, finish: ModelFinish<'_>) -> Option<Vec<v1::TurnEvent>> {
        let writing = self.writing.take_if(|writing| writing.key == key)?;
        let (step, degraded) = match finish {
            ModelFinish::Complete { exit } => (self.run.model_replied(self.turn, &writing.said, exit), false),
            ModelFinish::Failed => (self.run.model_failed(self.turn, &writing.said), true),
        };
        let mut events = self.events(self.turn, step);
        events.push(end(self.turn, degraded));
        self.reply.extend_from_slice(&events);
        Some(events)
    }

    // --- Events -----------------------------------------------------------------------------------------------------------------

    fn events(&self, turn: u32, step: Step) -> Vec<v1::TurnEvent> {
        let language = self.run.language().tag();
        let intent = step.intent.map(|name| Event::Intent(v1::Intent { name, confidence: 0.0 }));
        let ends = matches!(step.act, Some(Act::Transfer { .. } | Act::Hangup { .. }));
        let slots = (step.form_changed || ends).then(|| Event::Slots(v1::Slots { form_json: self.form_json(), ..v1::Slots::default() }));
        let said = step.said.into_iter().map(|said| {
            Event::Text(v1::Text {
                text: said.text,
                language: language.to_owned(),
                voice: String::new(),
                barge_in: if said.barge_in { v1::BargeIn::Unspecified } else { v1::BargeIn::NotAllowed }.into(),
                cacheable: said.cacheable,
                clause_end: true,
                ssml: String::new(),
            })
        });
        let act = step.act.map(|act| Event::Action(v1::Action { kind: Some(action_kind(act)) }));
        intent.into_iter().chain(slots).chain(said).chain(act).map(|what| event(turn, what)).collect()
    }

    fn form_json(&self) -> String {
        Value::Object(self.run.form()).to_string()
    }

    fn note_heard(&mut self, heard: Option<&v1::Heard>) {
        if let Some(heard) = heard {
            self.run.heard(heard.turn_id, &heard.text, heard.complete);
        }
    }
}

/// How a model's reply ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ModelFinish<'a> {
    /// As it should.
    Complete {
        /// Where it led the conversation.
        exit: Option<&'a str>,
    },
    /// It failed, before or in the middle of the reply.
    Failed,
}

fn event(turn: u32, what: Event) -> v1::TurnEvent {
    v1::TurnEvent { turn_id: turn, event: Some(what) }
}

fn end(turn: u32, degraded: bool) -> v1::TurnEvent {
    event(turn, Event::End(v1::TurnEnd { degraded, ..v1::TurnEnd::default() }))
}

fn action_kind(act: Act) -> v1::action::Kind {
    use v1::action::Kind;
    match act {
        Act::Transfer { target, summary } => Kind::Transfer(v1::Transfer { target, summary }),
        Act::Hangup { reason } => Kind::Hangup(v1::Hangup { reason }),
        Act::Custom { name, params } => Kind::Custom(v1::Custom { name, params: params.into_iter().collect() }),
    }
}

fn caller_input(input: v1::CallerInput) -> CallerInput {
    use v1::caller_input::Kind;
    match input.kind() {
        Kind::Speech => {
            let cut = |text: String| text.chars().take(HYPOTHESIS_CHARS_MAX).collect::<String>();
            let best = Some(input.transcript).filter(|text| !text.is_empty());
            let mut texts: Vec<String> = best.map(cut).into_iter().collect();
            for hypothesis in input.hypotheses.into_iter().take(HYPOTHESES_MAX) {
                let text = cut(hypothesis.transcript);
                if !text.is_empty() && !texts.contains(&text) {
                    texts.push(text);
                }
            }
            CallerInput::Speech(texts)
        }
        Kind::Dtmf => CallerInput::Dtmf(input.dtmf.chars().take(64).collect()),
        Kind::NoInput => CallerInput::NoInput,
        Kind::NoMatch | Kind::Unspecified => CallerInput::NoMatch,
    }
}
