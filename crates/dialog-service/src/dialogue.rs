use std::{sync::Arc, time::Duration};

use proto::v1::{self, end_conversation_request::Reason, settle_turn_request, turn_event::Event};
use speech::Language;
use tokio::sync::watch;
use tonic::Status;

use crate::{
    events::{caller_input, end, event, record, step_events},
    flow::{Flow, FlowRun, Found, Need, Outcome, Step, ToolOutcome, ToolResult},
    openai::Usage,
    state::{SavedDialogue, SavedEvents, SavedPending, SavedRecord},
};

/// One conversation as the service remembers it.
#[derive(Debug)]
pub(crate) struct Dialogue {
    id: String,
    run: FlowRun,
    /// The last turn that was taken, 0 before the first, and the reply to it as far as it is complete: what a repeated request gets.
    turn: u32,
    reply: Vec<v1::TurnEvent>,
    pending: Option<Pending>,
    /// Names each wait, so that one that was replaced cannot go on.
    waits: u64,
    /// The last turn is speculative, and may be taken back.
    attempt: Option<Attempt>,
    record: Option<v1::Record>,
    /// What the model of the last reply used.
    usage: Usage,
    /// Tokens that all replies used.
    tokens: u64,
    /// The version that the shared store has of it; 0: none.
    stored_version: u64,
}

/// A speculative turn that is not settled: how the conversation was before it.
#[derive(Debug)]
struct Attempt {
    number: u32,
    run: FlowRun,
    turn: u32,
    reply: Vec<v1::TurnEvent>,
    pending: Option<Pending>,
    /// Dropped when it is settled: whoever waits for that is told so.
    open: watch::Sender<()>,
}

/// A reply that waits for something from elsewhere.
#[derive(Debug, Clone)]
struct Pending {
    key: AwaitKey,
    need: Need,
    /// Events of the reply before the wait.
    events_before: usize,
    /// What a language model wrote since.
    said: String,
}

/// Names one wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AwaitKey(u64);

/// What answers a request: events that are there, and what the rest waits for.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) events: Vec<v1::TurnEvent>,
    pub(crate) awaits: Option<(AwaitKey, Need)>,
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
            turn: 0,
            reply: Vec::new(),
            pending: None,
            waits: 0,
            attempt: None,
            record: None,
            usage: Usage::default(),
            tokens: 0,
            stored_version: 0,
        };
        let step = dialogue.run.start();
        dialogue.reply_with(step);
        Ok(dialogue)
    }

    /// A conversation that was led elsewhere. `None` when it cannot be gone on with.
    pub(crate) fn resume(saved: SavedDialogue, flow: Arc<Flow>, stored_version: u64) -> Option<Self> {
        let mut dialogue = Self {
            id: saved.id,
            run: FlowRun::resume(flow, saved.progress)?,
            turn: saved.turn,
            reply: saved.reply.events()?,
            pending: None,
            waits: 0,
            record: match saved.record {
                Some(record) => Some(record.record()?),
                None => None,
            },
            attempt: None,
            usage: Usage::default(),
            tokens: saved.tokens,
            stored_version,
        };
        dialogue.pending = saved.pending.map(|SavedPending { need, events_before, said }| {
            let need = match need {
                Need::Model(request) => {
                    Need::Model(crate::flow::ModelRequest { guard: dialogue.run.guard(), ..request })
                }
                other @ (Need::Tool(_) | Need::Lookup(_)) => other,
            };
            Pending { key: AwaitKey(0), need, events_before, said }
        });
        Some(dialogue)
    }

    /// What another instance needs to go on with it. A speculative turn that is not settled is not part of it.
    pub(crate) fn save(&self) -> SavedDialogue {
        let (run, turn, reply, pending) = match &self.attempt {
            Some(before) => (&before.run, before.turn, &before.reply, &before.pending),
            None => (&self.run, self.turn, &self.reply, &self.pending),
        };
        SavedDialogue {
            id: self.id.clone(),
            flow: run.flow().name().to_owned(),
            flow_version: run.flow().version().to_owned(),
            progress: run.progress().clone(),
            turn,
            reply: SavedEvents::new(reply),
            pending: pending.as_ref().map(|pending| SavedPending {
                need: pending.need.clone(),
                events_before: pending.events_before,
                said: pending.said.clone(),
            }),
            record: self.record.as_ref().map(SavedRecord::new),
            tokens: self.tokens,
        }
    }

    /// The version that the shared store has of it.
    pub(crate) fn stored_version(&self) -> u64 {
        self.stored_version
    }

    pub(crate) fn was_stored(&mut self, version: u64) {
        self.stored_version = version;
    }

    /// Its name.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The version of the flow that it follows.
    pub(crate) fn flow(&self) -> &Arc<Flow> {
        self.run.flow()
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
        let is_repeated = |open: &Attempt| turn == self.turn && open.number == request.speculation;
        if turn > self.turn {
            // The turn after it: the attempt was the caller's turn, and the word of it was lost.
            self.attempt = None;
        } else if !self.attempt.as_ref().is_some_and(is_repeated) {
            // Another attempt at the turn, or the turn itself, voids the one before.
            self.withdraw();
        }
        if turn == 0 || turn < self.turn {
            return Err(Status::failed_precondition(format!("turn {turn} is over; the last was {}", self.turn)));
        }
        if turn == self.turn {
            return Ok(self.last_reply());
        }
        if *self.run.outcome() != Outcome::Open {
            return Err(Status::failed_precondition("the conversation has come to its end"));
        }
        self.attempt = (request.speculation > 0).then(|| Attempt {
            number: request.speculation,
            run: self.run.clone(),
            turn: self.turn,
            reply: self.reply.clone(),
            pending: self.pending.clone(),
            open: watch::Sender::new(()),
        });
        self.settle_pending();
        self.note_heard(request.heard.as_ref());
        let input = caller_input(request.input.clone().unwrap_or_default());
        let step = self.run.answer(turn, &input);
        self.turn = turn;
        Ok(self.reply_with(step))
    }

    /// Says what became of a speculative turn. What is not the last attempt is over already.
    pub(crate) fn settle(&mut self, request: &v1::SettleTurnRequest) {
        let is_last = |open: &Attempt| request.turn_id == self.turn && open.number == request.speculation;
        if !self.attempt.as_ref().is_some_and(is_last) {
            return;
        }
        match request.outcome {
            Some(settle_turn_request::Outcome::Commit(_)) => self.attempt = None,
            Some(settle_turn_request::Outcome::Withdraw(_)) | None => self.withdraw(),
        }
    }

    /// Goes back to before a speculative turn, if the last one is.
    fn withdraw(&mut self) {
        if let Some(Attempt { run, turn, reply, pending, .. }) = self.attempt.take() {
            (self.run, self.turn, self.reply, self.pending) = (run, turn, reply, pending);
        }
    }

    /// What tells that the last turn is settled; `None` when it is.
    pub(crate) fn settling(&self) -> Option<watch::Receiver<()>> {
        self.attempt.as_ref().map(|open| open.open.subscribe())
    }

    /// The caller interrupted. Only the last reply can be interrupted.
    pub(crate) fn interrupt(&mut self, heard: Option<&v1::Heard>) {
        self.withdraw();
        if heard.is_some_and(|heard| heard.turn_id == self.turn) {
            self.settle_pending();
            self.note_heard(heard);
        }
    }

    /// Ends it and gives its record; the same record when it was ended before.
    pub(crate) fn end(&mut self, reason: Reason, heard: Option<&v1::Heard>) -> v1::Record {
        if let Some(record) = &self.record {
            return record.clone();
        }
        self.withdraw();
        self.settle_pending();
        self.note_heard(heard);
        let record = record(&self.id, &self.run, reason);
        self.record = Some(record.clone());
        record
    }

    /// The last reply once more; what it waited for begins again.
    pub(crate) fn last_reply(&mut self) -> Answer {
        match self.pending.take() {
            Some(pending) => {
                self.reply.truncate(pending.events_before);
                let events = self.reply.clone();
                Answer { events, awaits: Some(self.wait_for(pending.need)) }
            }
            None => Answer { events: self.reply.clone(), awaits: None },
        }
    }

    // --- What a reply waits for -------------------------------------------------------------------------------------------------

    /// Begins the reply to the last turn.
    fn reply_with(&mut self, step: Step) -> Answer {
        self.reply.clear();
        self.usage = Usage::default();
        self.go_on(step, false)
    }

    /// Adds to the reply: its end, or the next thing that it waits for.
    fn go_on(&mut self, mut step: Step, degraded: bool) -> Answer {
        let need = step.need.take();
        let mut events = step_events(self.turn, &self.run, step);
        if need.is_none() {
            events.push(end(self.turn, degraded, &self.usage));
        }
        self.reply.extend_from_slice(&events);
        let awaits = need.map(|need| self.wait_for(need));
        Answer { events, awaits }
    }

    fn wait_for(&mut self, need: Need) -> (AwaitKey, Need) {
        self.waits = self.waits.wrapping_add(1);
        let key = AwaitKey(self.waits);
        self.pending = Some(Pending { key, need: need.clone(), events_before: self.reply.len(), said: String::new() });
        (key, need)
    }

    /// A reply that nobody waits for any more counts as far as it was written. A tool that runs is asked again with the next turn.
    fn settle_pending(&mut self) {
        if let Some(Pending { need: Need::Model(_), said, .. }) = self.pending.take() {
            self.run.model_replied(self.turn, &said, None, &serde_json::Map::new());
        }
    }

    /// The model wrote some words. `None` when nobody wants them any more.
    pub(crate) fn model_wrote(&mut self, key: AwaitKey, words: &str) -> Option<v1::TurnEvent> {
        let pending = self.pending.as_mut().filter(|pending| pending.key == key)?;
        pending.said.push_str(words);
        let text =
            v1::Text { text: words.to_owned(), language: self.run.language().tag().to_owned(), ..v1::Text::default() };
        let event = event(self.turn, Event::Text(text));
        self.reply.push(event.clone());
        Some(event)
    }

    /// What a model used for the last reply, whether it came to its end or not.
    pub(crate) fn used(&mut self, usage: &Usage) {
        self.tokens =
            self.tokens.saturating_add(u64::from(usage.tokens_in)).saturating_add(u64::from(usage.tokens_out));
        self.usage = usage.clone();
    }

    /// Tokens that models have used in this conversation.
    pub(crate) fn tokens(&self) -> u64 {
        self.tokens
    }

    /// A better record of a conversation that was ended.
    pub(crate) fn improve_record(&mut self, record: v1::Record) {
        if self.record.is_some() {
            self.record = Some(record);
        }
    }

    /// The model is done: the rest of the reply. `None` when nobody wants it any more.
    pub(crate) fn model_finished(&mut self, key: AwaitKey, finish: ModelFinish<'_>) -> Option<Answer> {
        let pending = self.pending.take_if(|pending| pending.key == key)?;
        let (step, degraded) = match finish {
            ModelFinish::Complete { exit, notes } => {
                (self.run.model_replied(self.turn, &pending.said, exit, notes), false)
            }
            ModelFinish::Failed => (self.run.model_failed(self.turn, &pending.said), true),
        };
        Some(self.go_on(step, degraded))
    }

    /// The tool is done: the rest of the reply. `None` when nobody wants it any more.
    pub(crate) fn tool_answered(&mut self, key: AwaitKey, result: &ToolResult, took: Duration) -> Option<Answer> {
        self.pending.take_if(|pending| pending.key == key)?;
        let step = self.run.tool_answered(self.turn, result, took);
        let failed = step.tools.iter().any(|call| call.outcome == ToolOutcome::Failed);
        Some(self.go_on(step, failed))
    }

    /// The question was looked up: the rest of the reply. `None` when nobody wants it any more.
    pub(crate) fn looked_up(&mut self, key: AwaitKey, found: Option<Found>) -> Option<Answer> {
        self.pending.take_if(|pending| pending.key == key)?;
        let step = self.run.looked_up(self.turn, found);
        Some(self.go_on(step, false))
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
        /// What it noted for slots.
        notes: &'a serde_json::Map<String, serde_json::Value>,
    },
    /// It failed, before or in the middle of the reply.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOW: &str = r#"
flow: brief
languages: [en]
start: pain
slots:
  pain: { type: number, min: 0, max: 10, whole: true }
  fever: { type: boolean }
defaults: { reprompt: { en: "Sorry?" }, silence: { en: "Hello?" } }
states:
  pain:
    say: { en: "Pain?" }
    ask: pain
    give_up: fever
    next: fever
  fever:
    say: { en: "Fever?" }
    ask: fever
    give_up: bye
    next: bye
  bye:
    say: { en: "Bye." }
    hangup: completed
"#;

    fn dialogue() -> Dialogue {
        let request = v1::StartConversationRequest { conversation_id: "c".to_owned(), ..Default::default() };
        Dialogue::new(request, Arc::new(Flow::load("brief", FLOW).unwrap())).unwrap()
    }

    fn says(dialogue: &mut Dialogue, turn_id: u32, speculation: u32, words: &str) -> Vec<v1::TurnEvent> {
        let kind = v1::caller_input::Kind::Speech.into();
        let input = v1::CallerInput { kind, transcript: words.to_owned(), ..Default::default() };
        let request = v1::TakeTurnRequest { turn_id, speculation, input: Some(input), ..Default::default() };
        dialogue.take_turn(&request).unwrap().events
    }

    fn settle(dialogue: &mut Dialogue, turn_id: u32, speculation: u32, outcome: settle_turn_request::Outcome) {
        dialogue.settle(&v1::SettleTurnRequest { turn_id, speculation, outcome: Some(outcome), ..Default::default() });
    }

    fn commit() -> settle_turn_request::Outcome {
        settle_turn_request::Outcome::Commit(v1::Commit::default())
    }

    fn withdraw() -> settle_turn_request::Outcome {
        settle_turn_request::Outcome::Withdraw(v1::Withdraw {})
    }

    #[test]
    fn an_attempt_that_is_withdrawn_leaves_no_trace() {
        let (mut plain, mut tried) = (dialogue(), dialogue());
        says(&mut tried, 1, 1, "six");
        settle(&mut tried, 1, 1, withdraw());
        says(&mut tried, 1, 2, "seven");
        // The turn itself voids the attempt, settled or not.
        for dialogue in [&mut plain, &mut tried] {
            says(dialogue, 1, 0, "eight");
            says(dialogue, 2, 0, "no");
        }
        assert_eq!(plain.end(Reason::Hangup, None), tried.end(Reason::Hangup, None));
    }

    #[test]
    fn an_attempt_that_is_committed_is_the_turn() {
        let (mut plain, mut tried) = (dialogue(), dialogue());
        let events = says(&mut tried, 1, 1, "six");
        settle(&mut tried, 1, 1, commit());
        assert_eq!(events, says(&mut plain, 1, 0, "six"));
        // Settled is settled.
        settle(&mut tried, 1, 1, withdraw());
        for dialogue in [&mut plain, &mut tried] {
            says(dialogue, 2, 0, "no");
        }
        assert_eq!(plain.end(Reason::Hangup, None), tried.end(Reason::Hangup, None));
    }

    #[test]
    fn the_next_turn_says_that_the_attempt_before_it_was_the_callers_turn() {
        let (mut plain, mut tried) = (dialogue(), dialogue());
        says(&mut plain, 1, 0, "six");
        says(&mut tried, 1, 1, "six");
        assert_eq!(says(&mut plain, 2, 0, "no"), says(&mut tried, 2, 1, "no"));
        settle(&mut tried, 2, 1, commit());
        assert_eq!(plain.end(Reason::Hangup, None), tried.end(Reason::Hangup, None));
    }

    #[test]
    fn an_attempt_that_was_repeated_gets_the_same_reply_and_an_old_one_is_not_settled() {
        let mut dialogue = dialogue();
        says(&mut dialogue, 1, 1, "six");
        let second = says(&mut dialogue, 1, 2, "seven");
        assert_eq!(says(&mut dialogue, 1, 2, "seven"), second);
        settle(&mut dialogue, 1, 1, withdraw());
        settle(&mut dialogue, 1, 2, commit());
        let record = dialogue.end(Reason::Hangup, None);
        assert!(record.transcript.iter().any(|line| line.text == "seven"));
        assert!(!record.transcript.iter().any(|line| line.text == "six"));
    }

    #[test]
    fn a_conversation_that_ends_in_an_attempt_has_nothing_of_it() {
        let mut dialogue = dialogue();
        says(&mut dialogue, 1, 1, "six");
        let record = dialogue.end(Reason::CallerGone, None);
        assert!(!record.transcript.iter().any(|line| line.text == "six"));
    }
}
