//! A small service that keeps every rule of the protocol, or breaks the one that a test wants broken. Its state may be shared by instances.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt as _};
use proto::v1::{
    self,
    action::Kind,
    caller_input,
    dialog_server::{Dialog, DialogServer},
    turn_event::Event,
};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tonic::transport::{Server, server::TcpIncoming};
use tonic::{Request, Response, Status};

/// What the service does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    CapabilitiesFail,
    NoEnd,
    AfterTheEnd,
    TwoActions,
    WrongTurn,
    GreetsAnew,
    AnswersAnew,
    AnswersOlderTurns,
    RefusesSilence,
    RefusesInterruption,
    KeepsWhatWasNotHeard,
    DiesOfCancellation,
    KnowsEverybody,
    TakesAnyFlow,
    ForgetsItsRecord,
    AnswersAfterTheEnd,
    RemembersWithdrawnTurns,
    FormIsAList,
}

#[derive(Debug, Clone, Default)]
struct Talk {
    last: u32,
    reply: Vec<v1::TurnEvent>,
    lines: Vec<v1::Line>,
    /// The attempt under way, and what was said in it.
    attempt: Option<(u32, u32, String)>,
    withdrawn: Vec<String>,
    record: Option<v1::Record>,
    answered_by: Vec<&'static str>,
}

/// What instances share.
#[derive(Debug, Clone, Default)]
pub struct Store(Arc<Mutex<HashMap<String, Talk>>>);

impl Store {
    /// Which instance answered each turn of a conversation.
    pub fn answered_by(&self, id: &str) -> Vec<&'static str> {
        self.0.lock().unwrap().get(id).map(|talk| talk.answered_by.clone()).unwrap_or_default()
    }
}

pub struct Keeper {
    name: &'static str,
    store: Store,
    breach: Option<Breach>,
}

type Events = BoxStream<'static, Result<v1::TurnEvent, Status>>;

fn event(turn_id: u32, event: Event) -> v1::TurnEvent {
    v1::TurnEvent { turn_id, event: Some(event) }
}

fn text(turn: u32, words: impl Into<String>) -> v1::TurnEvent {
    event(turn, Event::Text(v1::Text { text: words.into(), ..v1::Text::default() }))
}

fn line(turn_id: u32, speaker: v1::line::Speaker, text: impl Into<String>) -> v1::Line {
    v1::Line { speaker: speaker.into(), text: text.into(), turn_id }
}

impl Keeper {
    fn breaks(&self, breach: Breach) -> bool {
        self.breach == Some(breach)
    }

    fn with<T>(&self, id: &str, act: impl FnOnce(&mut Talk) -> Result<T, Status>) -> Result<T, Status> {
        let mut talks = self.store.0.lock().unwrap();
        match talks.get_mut(id) {
            Some(talk) => act(talk),
            None if self.breaks(Breach::KnowsEverybody) => act(&mut Talk::default()),
            None => Err(Status::not_found("there is no such conversation")),
        }
    }

    fn reply(&self, turn: u32, words: &str) -> Vec<v1::TurnEvent> {
        let continues = || event(turn, Event::Action(v1::Action { kind: Some(Kind::Continue(v1::Continue {})) }));
        let form = if self.breaks(Breach::FormIsAList) { "[1]" } else { "{\"turns\":1}" };
        let slots = v1::Slots { form_json: form.to_owned(), ..v1::Slots::default() };
        let mut events = vec![text(turn, words), event(turn, Event::Slots(slots)), continues()];
        if self.breaks(Breach::TwoActions) {
            events.push(continues());
        }
        if self.breaks(Breach::WrongTurn) {
            events.push(text(turn + 1, "More."));
        }
        if !self.breaks(Breach::NoEnd) {
            events.push(event(turn, Event::End(v1::TurnEnd::default())));
        }
        if self.breaks(Breach::AfterTheEnd) {
            events.push(text(turn, "More."));
        }
        events
    }
}

fn streamed(events: Vec<v1::TurnEvent>) -> Response<Events> {
    Response::new(stream::iter(events.into_iter().map(Ok)).boxed())
}

#[tonic::async_trait]
impl Dialog for Keeper {
    type StartConversationStream = Events;
    type TakeTurnStream = Events;

    async fn get_capabilities(
        &self,
        _request: Request<v1::GetCapabilitiesRequest>,
    ) -> Result<Response<v1::Capabilities>, Status> {
        if self.breaks(Breach::CapabilitiesFail) {
            return Err(Status::internal("broken"));
        }
        Ok(Response::new(v1::Capabilities {
            service: "keeper/1".to_owned(),
            speculation: true,
            shared_state: true,
            ..v1::Capabilities::default()
        }))
    }

    async fn start_conversation(
        &self,
        request: Request<v1::StartConversationRequest>,
    ) -> Result<Response<Events>, Status> {
        let request = request.into_inner();
        if request.conversation_id.is_empty() {
            return Err(Status::invalid_argument("no id"));
        }
        if !request.flow.is_empty() && !self.breaks(Breach::TakesAnyFlow) {
            return Err(Status::not_found("no such flow"));
        }
        let mut talks = self.store.0.lock().unwrap();
        let is_new = !talks.contains_key(&request.conversation_id);
        let talk = talks.entry(request.conversation_id).or_default();
        if is_new {
            let words = "Hello there. How are you today?";
            talk.reply = self.reply(0, words);
            talk.lines.push(line(0, v1::line::Speaker::Robot, words));
            talk.answered_by.push(self.name);
        } else if self.breaks(Breach::GreetsAnew) {
            talk.reply = self.reply(talk.last, "Hello again. How are you today?");
        }
        Ok(streamed(talk.reply.clone()))
    }

    async fn take_turn(&self, request: Request<v1::TakeTurnRequest>) -> Result<Response<Events>, Status> {
        let request = request.into_inner();
        let input = request.input.clone().unwrap_or_default();
        if self.breaks(Breach::RefusesSilence) && input.kind() == caller_input::Kind::NoInput {
            return Err(Status::invalid_argument("nothing was said"));
        }
        let turn = request.turn_id;
        if self.breaks(Breach::DiesOfCancellation) && turn == 1 {
            let id = request.conversation_id.clone();
            let store = self.store.clone();
            // Whoever drops the stream before its end has no conversation any more.
            struct Bomb(Store, String, bool);
            impl Drop for Bomb {
                fn drop(&mut self) {
                    if !self.2 {
                        self.0.0.lock().unwrap().remove(&self.1);
                    }
                }
            }
            let mut bomb = Bomb(store, id, false);
            self.with(&request.conversation_id, |talk| {
                talk.last = turn;
                talk.reply = self.reply(turn, "Good.");
                Ok(())
            })?;
            let mut events: std::collections::VecDeque<_> = self.reply(turn, "Good.").into();
            return Ok(Response::new(
                stream::poll_fn(move |context| {
                    if events.len() == 1 && !bomb.2 {
                        bomb.2 = true;
                        // Give a client that goes away the time to go.
                        context.waker().wake_by_ref();
                    }
                    std::task::Poll::Ready(events.pop_front().map(Ok))
                })
                .then(|event| async {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    event
                })
                .boxed(),
            ));
        }
        let events = self.with(&request.conversation_id, |talk| {
            if talk.record.is_some() && !self.breaks(Breach::AnswersAfterTheEnd) {
                return Err(Status::failed_precondition("it is over"));
            }
            if turn < talk.last && !self.breaks(Breach::AnswersOlderTurns) {
                return Err(Status::failed_precondition("older than the last turn"));
            }
            if turn == talk.last && request.speculation == 0 && !self.breaks(Breach::AnswersAnew) {
                return Ok(talk.reply.clone());
            }
            let said = if input.dtmf.is_empty() { input.transcript } else { input.dtmf };
            let words = match talk.reply.len() {
                _ if self.breaks(Breach::AnswersAnew) => format!("Answer {} to {said}.", talk.answered_by.len()),
                _ => format!("You said {said}."),
            };
            let reply = self.reply(turn, &words);
            if request.speculation > 0 {
                if let Some((_, _, before)) = talk.attempt.replace((turn, request.speculation, said)) {
                    talk.withdrawn.push(before);
                }
                talk.reply = reply.clone();
                return Ok(reply);
            }
            talk.lines.push(line(turn, v1::line::Speaker::Caller, said));
            talk.lines.push(line(turn, v1::line::Speaker::Robot, words));
            talk.last = turn;
            talk.reply = reply.clone();
            talk.answered_by.push(self.name);
            Ok(reply)
        })?;
        Ok(streamed(events))
    }

    async fn settle_turn(
        &self,
        request: Request<v1::SettleTurnRequest>,
    ) -> Result<Response<v1::SettleTurnResponse>, Status> {
        use v1::settle_turn_request::Outcome;
        let request = request.into_inner();
        self.with(&request.conversation_id, |talk| {
            let is_last = |(turn, attempt, _): &mut (u32, u32, String)| {
                *turn == request.turn_id && *attempt == request.speculation
            };
            let Some((turn, _, said)) = talk.attempt.take_if(is_last) else { return Ok(()) };
            match request.outcome {
                Some(Outcome::Commit(_)) => {
                    if self.breaks(Breach::RemembersWithdrawnTurns) {
                        let withdrawn = talk.withdrawn.drain(..);
                        talk.lines.extend(withdrawn.map(|said| line(turn, v1::line::Speaker::Caller, said)));
                    }
                    talk.last = turn;
                    talk.lines.push(line(turn, v1::line::Speaker::Caller, said));
                }
                Some(Outcome::Withdraw(_)) | None => talk.withdrawn.push(said),
            }
            Ok(())
        })?;
        Ok(Response::new(v1::SettleTurnResponse {}))
    }

    async fn interrupt(
        &self,
        request: Request<v1::InterruptRequest>,
    ) -> Result<Response<v1::InterruptResponse>, Status> {
        let request = request.into_inner();
        let keeps = self.breaks(Breach::KeepsWhatWasNotHeard);
        let refuses = self.breaks(Breach::RefusesInterruption);
        self.with(&request.conversation_id, |talk| {
            let heard = request.heard.unwrap_or_default();
            if refuses {
                return Err(Status::unimplemented("let me finish"));
            }
            if heard.turn_id == talk.last
                && !keeps
                && let Some(said) = talk.lines.last_mut()
            {
                said.text = heard.text;
            }
            Ok(())
        })?;
        Ok(Response::new(v1::InterruptResponse {}))
    }

    async fn end_conversation(
        &self,
        request: Request<v1::EndConversationRequest>,
    ) -> Result<Response<v1::EndConversationResponse>, Status> {
        let id = request.into_inner().conversation_id;
        let forgets = self.breaks(Breach::ForgetsItsRecord);
        let record = self.with(&id, |talk| {
            if forgets && talk.record.is_some() {
                return Ok(v1::Record::default());
            }
            let record = v1::Record {
                conversation_id: id.clone(),
                form_json: "{}".to_owned(),
                transcript: talk.lines.clone(),
                ..v1::Record::default()
            };
            Ok(talk.record.get_or_insert(record).clone())
        })?;
        Ok(Response::new(v1::EndConversationResponse { record: Some(record) }))
    }
}

/// A service that runs until it is killed, on a runtime of its own: its connections end with it, as those of a process do.
pub struct Running {
    pub address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Running {
    pub async fn start(name: &'static str, store: &Store, breach: Option<Breach>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let service = Keeper { name, store: store.clone(), breach };
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            let server = Server::builder().add_service(DialogServer::new(service));
            server.serve_with_incoming(TcpIncoming::from(listener)).await.unwrap();
        });
        Self { address, runtime: Some(runtime) }
    }

    /// Ends it in the middle of whatever it does; when this returns its connections are closed.
    pub async fn kill(mut self) {
        let runtime = self.runtime.take().unwrap();
        let ended = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(60)));
        ended.await.unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
