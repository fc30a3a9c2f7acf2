//! Conversations for a check: calls with a deadline, and replies that are read to their end and looked over.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use proto::v1::{self, action::Kind, caller_input, dialog_client::DialogClient as Stub, turn_event::Event};
use tokio::time::{Instant, timeout};
use tonic::{Code, Request, Status, Streaming, transport::Channel};

use super::CheckOptions;

/// The line to the service.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) stub: Stub<Channel>,
    pub(super) channel: Channel,
    pub(super) options: CheckOptions,
    first_events: Arc<Mutex<Vec<Duration>>>,
    next: Arc<AtomicU32>,
    run: u32,
}

/// A whole reply.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Heard {
    pub(super) events: Vec<v1::TurnEvent>,
    /// What is wrong with it.
    pub(super) faults: Vec<String>,
}

impl Heard {
    /// What is spoken of it.
    pub(super) fn words(&self) -> String {
        let words = self.events.iter().filter_map(|event| match &event.event {
            Some(Event::Text(text)) => Some(text.text.as_str()),
            Some(Event::Play(play)) => Some(play.text.as_str()),
            _ => None,
        });
        words.collect()
    }

    /// Whether the conversation is over with it.
    pub(super) fn ends(&self) -> bool {
        self.events.iter().any(|event| {
            matches!(&event.event, Some(Event::Action(v1::Action { kind: Some(Kind::Hangup(_) | Kind::Transfer(_)) })))
        })
    }

    /// Its events, without what may differ when it is given again: how long it took.
    pub(super) fn content(&self) -> Vec<v1::TurnEvent> {
        let mut events = self.events.clone();
        for event in &mut events {
            if let Some(Event::End(end)) = &mut event.event {
                *end = v1::TurnEnd::default();
            }
        }
        events
    }
}

impl Line {
    pub(super) fn new(stub: Stub<Channel>, channel: Channel, options: CheckOptions) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a number that the last check did not have")]
        #[expect(clippy::disallowed_methods, reason = "names conversations that no other check has had")]
        let run =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis() as u32;
        Self { stub, channel, options, first_events: Arc::default(), next: Arc::default(), run }
    }

    pub(super) fn first_events(&self) -> Vec<Duration> {
        let mut took = self.first_events.lock().unwrap_or_else(PoisonError::into_inner).clone();
        took.sort();
        took
    }

    /// An id that no conversation has had.
    pub(super) fn new_id(&self) -> String {
        format!("check-{:08x}-{}", self.run, self.next.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn start_request(&self, id: &str) -> v1::StartConversationRequest {
        v1::StartConversationRequest {
            conversation_id: id.to_owned(),
            flow: self.options.flow.clone().unwrap_or_default(),
            language: self.options.language.clone().unwrap_or_default(),
            ..v1::StartConversationRequest::default()
        }
    }

    pub(super) async fn start(&self, id: &str) -> Result<Heard, Status> {
        let request = self.request(self.start_request(id));
        let mut stub = self.stub.clone();
        let begun = Instant::now();
        let stream = self.within(stub.start_conversation(request)).await?;
        self.read(0, stream.into_inner(), begun).await
    }

    pub(super) async fn turn(&self, id: &str, turn: u32, input: v1::CallerInput) -> Result<Heard, Status> {
        self.take(v1::TakeTurnRequest {
            conversation_id: id.to_owned(),
            turn_id: turn,
            input: Some(input),
            ..v1::TakeTurnRequest::default()
        })
        .await
    }

    pub(super) async fn take(&self, message: v1::TakeTurnRequest) -> Result<Heard, Status> {
        let turn = message.turn_id;
        let begun = Instant::now();
        let stream = self.open_turn(message).await?;
        self.read(turn, stream, begun).await
    }

    /// Asks, and reads nothing.
    pub(super) async fn open_turn(&self, message: v1::TakeTurnRequest) -> Result<Streaming<v1::TurnEvent>, Status> {
        let request = self.request(message);
        let mut stub = self.stub.clone();
        self.within(stub.take_turn(request)).await.map(tonic::Response::into_inner)
    }

    pub(super) async fn interrupt(&self, id: &str, turn: u32, text: &str) -> Result<(), Status> {
        let heard = v1::Heard { turn_id: turn, text: text.to_owned(), complete: false, played_ms: 300 };
        let request = self.request(v1::InterruptRequest { conversation_id: id.to_owned(), heard: Some(heard) });
        let mut stub = self.stub.clone();
        self.within(stub.interrupt(request)).await.map(|_| ())
    }

    pub(super) async fn settle(&self, id: &str, turn: u32, attempt: u32, commit: bool) -> Result<(), Status> {
        use v1::settle_turn_request::Outcome;
        let outcome = if commit {
            Outcome::Commit(v1::Commit { turn_ended_ms: 2_000 })
        } else {
            Outcome::Withdraw(v1::Withdraw {})
        };
        let request = self.request(v1::SettleTurnRequest {
            conversation_id: id.to_owned(),
            turn_id: turn,
            speculation: attempt,
            outcome: Some(outcome),
        });
        let mut stub = self.stub.clone();
        self.within(stub.settle_turn(request)).await.map(|_| ())
    }

    pub(super) async fn end(&self, id: &str) -> Result<Option<v1::Record>, Status> {
        let request = self.request(v1::EndConversationRequest {
            conversation_id: id.to_owned(),
            reason: v1::end_conversation_request::Reason::CallerGone.into(),
            heard: None,
        });
        let mut stub = self.stub.clone();
        self.within(stub.end_conversation(request)).await.map(|answer| answer.into_inner().record)
    }

    pub(super) async fn within<T>(&self, call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        let patience = self.options.reply_within;
        let late = || Status::deadline_exceeded(format!("no answer within {patience:?}"));
        timeout(patience, call).await.unwrap_or_else(|_| Err(late()))
    }

    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.options.reply_within);
        request
    }

    /// Reads a reply to its end and looks it over.
    pub(super) async fn read(
        &self,
        turn: u32,
        mut stream: Streaming<v1::TurnEvent>,
        begun: Instant,
    ) -> Result<Heard, Status> {
        let mut heard = Heard::default();
        while let Some(event) = self.within(stream.message()).await? {
            if heard.events.is_empty() {
                let took = begun.elapsed();
                self.first_events.lock().unwrap_or_else(PoisonError::into_inner).push(took);
                if took > self.options.first_event_within {
                    heard.faults.push(format!("the first event took {} ms", took.as_millis()));
                }
            }
            if heard.events.len() >= 10_000 {
                heard.faults.push("a reply has more than 10000 events".to_owned());
                break;
            }
            heard.events.push(event);
        }
        look_over(turn, &mut heard);
        Ok(heard)
    }
}

fn look_over(turn: u32, heard: &mut Heard) {
    let faults = &mut heard.faults;
    if let Some(event) = heard.events.iter().find(|event| event.turn_id != turn) {
        faults.push(format!("the reply to turn {turn} has an event of turn {}", event.turn_id));
    }
    let is_end = |event: &v1::TurnEvent| matches!(event.event, Some(Event::End(_)));
    match heard.events.iter().filter(|event| is_end(event)).count() {
        0 => faults.push("the stream ends without TurnEnd".to_owned()),
        1 if !heard.events.last().is_some_and(is_end) => faults.push("something follows TurnEnd".to_owned()),
        1 => {}
        more => faults.push(format!("a reply has {more} TurnEnds")),
    }
    let actions = heard.events.iter().filter(|event| matches!(event.event, Some(Event::Action(_)))).count();
    if actions > 1 {
        faults.push(format!("a reply has {actions} actions"));
    }
    for event in &heard.events {
        let fault = match &event.event {
            Some(Event::Slots(slots)) => match serde_json::from_str(&slots.form_json) {
                Ok(serde_json::Value::Object(_)) => None,
                _ => Some("the form of a Slots event is no JSON object".to_owned()),
            },
            Some(Event::Text(text)) if !text.text.is_empty() && !text.ssml.is_empty() => {
                Some("a Text has text and ssml".to_owned())
            }
            Some(Event::Action(action)) => match &action.kind {
                Some(Kind::Custom(custom))
                    if matches!(custom.name.as_str(), "" | "continue" | "transfer" | "hangup") =>
                {
                    Some(format!("a custom action is named {:?}", custom.name))
                }
                Some(Kind::CollectDtmf(collect)) if collect.digits_max > 64 => {
                    Some(format!("{} digits are to be collected", collect.digits_max))
                }
                _ => None,
            },
            _ => None,
        };
        faults.extend(fault);
    }
}

pub(super) fn says(words: &str) -> v1::CallerInput {
    v1::CallerInput {
        kind: caller_input::Kind::Speech.into(),
        transcript: words.to_owned(),
        confidence: 0.9,
        hypotheses: vec![v1::Hypothesis { transcript: words.to_owned(), confidence: 0.9, language: String::new() }],
        timing: Some(v1::Timing { speech_started_ms: 1_000, speech_ended_ms: 1_500, turn_ended_ms: 2_000 }),
        ..v1::CallerInput::default()
    }
}

pub(super) fn of_kind(kind: caller_input::Kind) -> v1::CallerInput {
    v1::CallerInput { kind: kind.into(), ..v1::CallerInput::default() }
}

pub(super) fn keys(digits: &str) -> v1::CallerInput {
    v1::CallerInput { dtmf: digits.to_owned(), ..of_kind(caller_input::Kind::Dtmf) }
}

pub(super) fn is_not_found<T>(outcome: &Result<T, Status>) -> bool {
    matches!(outcome, Err(status) if status.code() == Code::NotFound)
}
