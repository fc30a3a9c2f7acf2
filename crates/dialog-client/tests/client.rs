//! The client against a service that does what a test tells it to.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use conversation::{
    Action, CallDetails, EndReason, Heard, Label, ReplyFigures, ServiceCommand, ServiceEvent, ServiceFailure, TakeTurn,
    TextPiece, TurnId, TurnKind,
};
use dialog_client::{DialogCall, DialogCallError, DialogClient, DialogEvent, DialogTimeouts};
use futures::stream::{self, BoxStream, StreamExt as _};
use proto::v1::{
    self,
    action::Kind,
    dialog_server::{Dialog, DialogServer},
    turn_event::Event,
};
use speech::{Hypothesis, Language};
use tokio::{net::TcpListener, sync::mpsc};
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

/// What the service saw.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Start(v1::StartConversationRequest),
    Turn(v1::TakeTurnRequest),
    Interrupt(v1::InterruptRequest),
    End(v1::EndConversationRequest),
    /// The client does not wait for the reply any more.
    Dropped,
}

/// A service that answers each turn by what the caller says in it.
#[derive(Debug, Clone)]
struct Scripted {
    seen: mpsc::Sender<Seen>,
    tries: Arc<AtomicU32>,
}

type Events = BoxStream<'static, Result<v1::TurnEvent, Status>>;

fn event(turn: u32, event: Event) -> Result<v1::TurnEvent, Status> {
    Ok(v1::TurnEvent { turn_id: turn, event: Some(event) })
}

fn text(turn: u32, words: &str) -> Result<v1::TurnEvent, Status> {
    event(turn, Event::Text(v1::Text { text: words.to_owned(), ..v1::Text::default() }))
}

fn end(turn: u32) -> Result<v1::TurnEvent, Status> {
    event(turn, Event::End(v1::TurnEnd::default()))
}

fn end_of_reply() -> ServiceEvent {
    ServiceEvent::End(ReplyFigures::default())
}

fn act(turn: u32, kind: Kind) -> Result<v1::TurnEvent, Status> {
    event(turn, Event::Action(v1::Action { kind: Some(kind) }))
}

/// Tells when the stream that holds it is dropped.
struct TellDrop(mpsc::Sender<Seen>);

impl Drop for TellDrop {
    fn drop(&mut self) {
        let _ = self.0.try_send(Seen::Dropped);
    }
}

#[tonic::async_trait]
impl Dialog for Scripted {
    type StartConversationStream = Events;
    type TakeTurnStream = Events;

    async fn get_capabilities(
        &self,
        _request: Request<v1::GetCapabilitiesRequest>,
    ) -> Result<Response<v1::Capabilities>, Status> {
        Ok(Response::new(v1::Capabilities::default()))
    }

    async fn settle_turn(
        &self,
        _request: Request<v1::SettleTurnRequest>,
    ) -> Result<Response<v1::SettleTurnResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn start_conversation(
        &self,
        request: Request<v1::StartConversationRequest>,
    ) -> Result<Response<Events>, Status> {
        let request = request.into_inner();
        let flow = request.flow.clone();
        self.seen.send(Seen::Start(request)).await.unwrap();
        match flow.as_str() {
            "unknown" => Err(Status::not_found("no such flow")),
            "slow" => std::future::pending().await,
            _ => Ok(Response::new(stream::iter([text(0, "Hello."), end(0)]).boxed())),
        }
    }

    async fn take_turn(&self, request: Request<v1::TakeTurnRequest>) -> Result<Response<Events>, Status> {
        let request = request.into_inner();
        let turn = request.turn_id;
        let says = request.input.clone().unwrap().transcript;
        self.seen.send(Seen::Turn(request)).await.unwrap();
        let events: Vec<Result<v1::TurnEvent, Status>> = match says.as_str() {
            "fail" => return Err(Status::internal("broken")),
            "flaky" if self.tries.fetch_add(1, Ordering::SeqCst) < 2 => return Err(Status::unavailable("restarting")),
            "down" => return Err(Status::unavailable("restarting")),
            "frozen" => std::future::pending().await,
            "stall" => {
                let dropped = TellDrop(self.seen.clone());
                let rest = stream::pending().map(move |never: Result<v1::TurnEvent, Status>| {
                    let _held = &dropped;
                    never
                });
                return Ok(Response::new(stream::iter([text(turn, "Well ")]).chain(rest).boxed()));
            }
            "break" => vec![text(turn, "Well "), Err(Status::unavailable("gone"))],
            "no end" => vec![text(turn, "Well ")],
            "wrong turn" => vec![text(turn + 1, "Well ")],
            "bad action" => {
                vec![act(turn, Kind::Custom(v1::Custom { name: "hangup".to_owned(), ..Default::default() }))]
            }
            "bad form" => {
                vec![event(turn, Event::Slots(v1::Slots { form_json: "[1]".to_owned(), ..Default::default() }))]
            }
            "unknown event" => vec![Ok(v1::TurnEvent { turn_id: turn, event: None }), end(turn)],
            "after the end" => vec![end(turn), text(turn, "More.")],
            "everything" => vec![
                event(turn, Event::Intent(v1::Intent { name: "answer".to_owned(), confidence: 1.0 })),
                event(
                    turn,
                    Event::Slots(v1::Slots { form_json: r#"{"pain_score":6}"#.to_owned(), ..Default::default() }),
                ),
                event(
                    turn,
                    Event::Text(v1::Text {
                        text: "请稍等。".to_owned(),
                        language: "zh-CN".to_owned(),
                        voice: "li".to_owned(),
                        barge_in: v1::BargeIn::NotAllowed.into(),
                        cacheable: true,
                        clause_end: true,
                        ssml: String::new(),
                    }),
                ),
                act(turn, Kind::Transfer(v1::Transfer { target: "8100".to_owned(), summary: "pain".to_owned() })),
                end(turn),
            ],
            _ => vec![text(turn, "Good."), end(turn)],
        };
        Ok(Response::new(stream::iter(events).boxed()))
    }

    async fn interrupt(
        &self,
        request: Request<v1::InterruptRequest>,
    ) -> Result<Response<v1::InterruptResponse>, Status> {
        self.seen.send(Seen::Interrupt(request.into_inner())).await.unwrap();
        Ok(Response::new(v1::InterruptResponse {}))
    }

    async fn end_conversation(
        &self,
        request: Request<v1::EndConversationRequest>,
    ) -> Result<Response<v1::EndConversationResponse>, Status> {
        let request = request.into_inner();
        let record = v1::Record { conversation_id: request.conversation_id.clone(), ..v1::Record::default() };
        self.seen.send(Seen::End(request)).await.unwrap();
        Ok(Response::new(v1::EndConversationResponse { record: Some(record) }))
    }
}

/// The next event that is not about what the service can do.
async fn after_capabilities(events: &mut mpsc::Receiver<DialogEvent>) -> Option<DialogEvent> {
    loop {
        match events.recv().await {
            Some(DialogEvent::Capabilities(_)) => {}
            other => return other,
        }
    }
}

/// One conversation with the scripted service.
struct Talk {
    call: DialogCall,
    events: mpsc::Receiver<DialogEvent>,
    seen: mpsc::Receiver<Seen>,
}

impl Talk {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::open_on(listener, address)
    }

    fn open_on(listener: TcpListener, address: SocketAddr) -> Self {
        let (seen_by_service, seen) = mpsc::channel(64);
        let service = Scripted { seen: seen_by_service, tries: Arc::default() };
        tokio::spawn(
            Server::builder().add_service(DialogServer::new(service)).serve_with_incoming(TcpIncoming::from(listener)),
        );
        let (call, events, task) = client(address).open("call-1");
        tokio::spawn(task.run());
        Self { call, events, seen }
    }

    fn send(&self, command: ServiceCommand) {
        self.call.send(command).unwrap();
    }

    async fn start(&mut self) {
        self.send(ServiceCommand::Start(CallDetails::default()));
        assert_eq!(self.reply().await, [hello(), end_of_reply()]);
        assert!(matches!(self.seen.recv().await, Some(Seen::Start(_))));
    }

    fn says(&self, id: u32, words: &str) {
        self.send(ServiceCommand::TakeTurn(turn(id, words)));
    }

    async fn event(&mut self) -> (TurnId, ServiceEvent) {
        match after_capabilities(&mut self.events).await.unwrap() {
            DialogEvent::Reply { turn, event, .. } => (turn, event),
            other @ (DialogEvent::Record(_) | DialogEvent::Capabilities(_)) => panic!("{other:?}"),
        }
    }

    /// All events up to the end or the failure of a reply.
    async fn reply(&mut self) -> Vec<ServiceEvent> {
        let mut events = Vec::new();
        loop {
            let (_, event) = self.event().await;
            let last = matches!(event, ServiceEvent::End(_) | ServiceEvent::Failed(_));
            events.push(event);
            if last {
                return events;
            }
        }
    }

    async fn failure(&mut self, words: &str) -> ServiceFailure {
        self.says(1, words);
        match self.reply().await.pop() {
            Some(ServiceEvent::Failed(failure)) => failure,
            other => panic!("{words}: {other:?}"),
        }
    }
}

fn client(address: SocketAddr) -> DialogClient {
    let timeouts = DialogTimeouts {
        connect: Duration::from_millis(300),
        reply: Duration::from_millis(800),
        command: Duration::from_millis(300),
        retry_first: Duration::from_millis(5),
    };
    DialogClient::connect_lazy(&address.to_string(), timeouts).unwrap()
}

fn hello() -> ServiceEvent {
    ServiceEvent::Text(TextPiece::plain("Hello."))
}

fn good() -> ServiceEvent {
    ServiceEvent::Text(TextPiece::plain("Good."))
}

fn turn(id: u32, words: &str) -> TakeTurn {
    TakeTurn {
        turn: TurnId(id),
        kind: TurnKind::Speech,
        transcript: words.to_owned(),
        confidence: 0.5,
        hypotheses: vec![Hypothesis::new(words, 0.5, Language::English)],
        dtmf: String::new(),
        language: Language::English,
        speech_started_ms: Some(1000),
        speech_ended_ms: Some(1800),
        turn_ended_ms: 2400,
        heard: Some(heard()),
        speculation: 0,
    }
}

fn heard() -> Heard {
    Heard { turn: TurnId(0), text: "Hel".to_owned(), complete: false, played_ms: 120 }
}

#[tokio::test]
async fn a_start_carries_what_the_call_says_and_streams_the_greeting() {
    let mut talk = Talk::open().await;
    let details = CallDetails {
        language: Some(Language::Chinese),
        flow: Some("follow-up".to_owned()),
        variables: vec![("name".to_owned(), "Ann".to_owned())],
        caller_number: Some("100".to_owned()),
        called_number: None,
    };
    talk.send(ServiceCommand::Start(details));
    assert_eq!(talk.reply().await, [hello(), end_of_reply()]);
    let Some(Seen::Start(request)) = talk.seen.recv().await else { panic!() };
    assert_eq!((request.conversation_id.as_str(), request.language.as_str()), ("call-1", "zh-CN"));
    assert_eq!((request.flow.as_str(), request.caller_number.as_str()), ("follow-up", "100"));
    assert_eq!(request.variables["name"], "Ann");
}

#[tokio::test]
async fn a_turn_carries_what_the_caller_did_and_what_was_heard() {
    let mut talk = Talk::open().await;
    talk.start().await;
    talk.says(1, "six");
    assert_eq!(talk.event().await, (TurnId(1), good()));
    let Some(Seen::Turn(request)) = talk.seen.recv().await else { panic!() };
    let input = request.input.unwrap();
    assert_eq!((input.kind(), input.transcript.as_str()), (v1::caller_input::Kind::Speech, "six"));
    assert_eq!(input.hypotheses.len(), 1);
    let timing = v1::Timing { speech_started_ms: 1000, speech_ended_ms: 1800, turn_ended_ms: 2400 };
    assert_eq!(input.timing, Some(timing));
    let heard = v1::Heard { turn_id: 0, text: "Hel".to_owned(), complete: false, played_ms: 120 };
    assert_eq!(request.heard, Some(heard));
}

#[tokio::test]
async fn every_event_of_a_reply_comes_through() {
    let mut talk = Talk::open().await;
    talk.start().await;
    talk.says(1, "everything");
    let piece = TextPiece {
        text: "请稍等。".to_owned(),
        language: Some(Language::Chinese),
        voice: Some("li".to_owned()),
        barge_in: Some(conversation::BargeIn::NotAllowed),
        cacheable: true,
        clause_end: true,
        ssml: None,
    };
    let form = serde_json::Map::from_iter([("pain_score".to_owned(), 6.into())]);
    assert_eq!(
        talk.reply().await,
        [
            ServiceEvent::Intent(Label { name: "answer".to_owned(), confidence: Some(1.0) }),
            ServiceEvent::Slots(form),
            ServiceEvent::Text(piece),
            ServiceEvent::Action(Action::Transfer { target: "8100".to_owned(), summary: "pain".to_owned() }),
            end_of_reply(),
        ]
    );
}

#[tokio::test]
async fn events_of_a_kind_that_is_not_known_are_passed_over() {
    let mut talk = Talk::open().await;
    talk.start().await;
    talk.says(1, "unknown event");
    assert_eq!(talk.reply().await, [end_of_reply()]);
}

#[tokio::test]
async fn nothing_follows_the_end_of_a_reply() {
    let mut talk = Talk::open().await;
    talk.start().await;
    talk.says(1, "after the end");
    assert_eq!(talk.reply().await, [end_of_reply()]);
    talk.says(2, "six");
    assert_eq!(talk.reply().await, [good(), end_of_reply()]);
}

#[tokio::test]
async fn failures_are_told_by_their_kind() {
    for (words, failure) in [
        ("fail", ServiceFailure::Refused),
        ("frozen", ServiceFailure::Deadline),
        ("down", ServiceFailure::Unreachable),
        ("break", ServiceFailure::Unreachable),
        ("no end", ServiceFailure::Protocol),
        ("wrong turn", ServiceFailure::Protocol),
        ("bad action", ServiceFailure::Protocol),
        ("bad form", ServiceFailure::Protocol),
    ] {
        let mut talk = Talk::open().await;
        talk.start().await;
        assert_eq!(talk.failure(words).await, failure, "{words}");
    }
}

#[tokio::test]
async fn a_refused_start_is_told() {
    let mut talk = Talk::open().await;
    talk.send(ServiceCommand::Start(CallDetails { flow: Some("unknown".to_owned()), ..CallDetails::default() }));
    assert_eq!(talk.event().await, (TurnId(0), ServiceEvent::Failed(ServiceFailure::Refused)));
}

#[tokio::test]
async fn a_turn_is_tried_again_while_the_service_restarts() {
    let mut talk = Talk::open().await;
    talk.start().await;
    talk.says(1, "flaky");
    assert_eq!(talk.reply().await, [good(), end_of_reply()]);
}

#[tokio::test]
async fn a_service_that_comes_up_late_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (call, mut events, task) = client(address).open("call-1");
    tokio::spawn(task.run());
    call.send(ServiceCommand::Start(CallDetails::default())).unwrap();
    let mut late = Talk::open_on(TcpListener::bind(address).await.unwrap(), address);
    let event = after_capabilities(&mut events).await.unwrap();
    assert_eq!(event, DialogEvent::Reply { turn: TurnId(0), speculation: 0, event: hello() });
    assert!(matches!(late.seen.recv().await, Some(Seen::Start(_))));
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unreachable_within_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (call, mut events, task) = client(address).open("call-1");
    tokio::spawn(task.run());
    call.send(ServiceCommand::Start(CallDetails::default())).unwrap();
    let failed = ServiceEvent::Failed(ServiceFailure::Unreachable);
    assert_eq!(
        after_capabilities(&mut events).await.unwrap(),
        DialogEvent::Reply { turn: TurnId(0), speculation: 0, event: failed }
    );
}

#[tokio::test]
async fn a_new_turn_cancels_the_reply_under_way() {
    let mut talk = Talk::open().await;
    talk.start().await;
    talk.says(1, "stall");
    talk.event().await;
    talk.says(2, "six");
    assert_eq!(talk.event().await, (TurnId(2), good()));
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(talk.seen.recv().await.unwrap());
    }
    assert!(seen.contains(&Seen::Dropped), "{seen:?}");
}

#[tokio::test]
async fn an_interruption_is_told_and_cancels_the_reply_under_way() {
    let mut talk = Talk::open().await;
    talk.start().await;
    talk.says(1, "stall");
    talk.event().await;
    talk.send(ServiceCommand::Interrupt(heard()));
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(talk.seen.recv().await.unwrap());
    }
    assert!(seen.contains(&Seen::Dropped), "{seen:?}");
    let told = seen
        .iter()
        .any(|seen| matches!(seen, Seen::Interrupt(request) if request.heard.as_ref().unwrap().text == "Hel"));
    assert!(told, "{seen:?}");
}

#[tokio::test]
async fn a_turn_waits_until_the_conversation_is_open() {
    let mut talk = Talk::open().await;
    talk.send(ServiceCommand::Start(CallDetails { flow: Some("slow".to_owned()), ..CallDetails::default() }));
    talk.says(1, "six");
    assert!(matches!(talk.seen.recv().await, Some(Seen::Start(_))));
    assert_eq!(talk.event().await, (TurnId(1), good()), "it does not wait for ever");
}

#[tokio::test]
async fn the_end_gives_the_record_and_is_the_last() {
    let mut talk = Talk::open().await;
    talk.start().await;
    talk.send(ServiceCommand::End { reason: EndReason::Hangup, heard: None });
    let Some(DialogEvent::Record(Some(record))) = after_capabilities(&mut talk.events).await else { panic!() };
    assert_eq!(record.conversation_id, "call-1");
    assert_eq!(talk.events.recv().await, None);
    let Some(Seen::End(request)) = talk.seen.recv().await else { panic!() };
    assert_eq!(request.reason(), v1::end_conversation_request::Reason::Hangup);
    assert_eq!(talk.call.send(ServiceCommand::Start(CallDetails::default())), Err(DialogCallError::Over));
}

#[tokio::test]
async fn commands_that_pile_up_are_refused() {
    let (call, _events, _task) = client("127.0.0.1:1".parse().unwrap()).open("call-1");
    let sent = (0..100).take_while(|_| call.send(ServiceCommand::Interrupt(heard())).is_ok()).count();
    assert!(sent < 100);
    assert_eq!(call.send(ServiceCommand::Interrupt(heard())), Err(DialogCallError::Full));
}

#[tokio::test]
async fn the_task_ends_when_nobody_wants_it() {
    let (call, events, task) = client("127.0.0.1:1".parse().unwrap()).open("call-1");
    drop(call);
    task.run().await;
    drop(events);
    let (_call, events, task) = client("127.0.0.1:1".parse().unwrap()).open("call-1");
    drop(events);
    task.run().await;
}

#[test]
fn an_address_that_is_none_is_refused() {
    assert!(DialogClient::connect_lazy("http://a b", DialogTimeouts::default()).is_err());
}
