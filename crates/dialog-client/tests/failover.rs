//! A service of two instances that share their state: one is killed in the middle of a call, and another server continues a call.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Running, Store};
use conversation::{CallDetails, EndReason, ServiceCommand, ServiceEvent, TakeTurn, TurnId, TurnKind};
use dialog_client::{DialogCall, DialogClient, DialogClientConfig, DialogEvent, DialogTimeouts};
use speech::Language;
use tokio::sync::mpsc;

fn client(instances: &[&Running]) -> DialogClient {
    DialogClient::new(DialogClientConfig {
        addresses: instances.iter().map(|running| running.address.to_string()).collect(),
        timeouts: DialogTimeouts::default(),
        server: "test".to_owned(),
        time_zone: "Asia/Shanghai".to_owned(),
    })
    .unwrap()
}

struct Call {
    call: DialogCall,
    events: mpsc::Receiver<DialogEvent>,
}

impl Call {
    fn open(client: &DialogClient, id: &str) -> Self {
        let (call, events, task) = client.open(id);
        tokio::spawn(task.run());
        Self { call, events }
    }

    /// Sends a command and gives the words of the reply, with their turn.
    async fn ask(&mut self, command: ServiceCommand) -> (u32, String) {
        self.call.send(command).unwrap();
        let mut words = String::new();
        loop {
            match self.events.recv().await.unwrap() {
                DialogEvent::Capabilities(can) => assert!(can.speculation && can.shared_state),
                DialogEvent::Reply { turn, event: ServiceEvent::End(_), .. } => return (turn.0, words),
                DialogEvent::Reply { event: ServiceEvent::Text(text), .. } => words.push_str(&text.text),
                DialogEvent::Reply { event: ServiceEvent::Failed(failure), .. } => panic!("{failure:?}"),
                DialogEvent::Reply { .. } => {}
                DialogEvent::Record(record) => panic!("{record:?}"),
            }
        }
    }

    async fn end(mut self) -> dialog_client::Record {
        self.call.send(ServiceCommand::End { reason: EndReason::Hangup, heard: None }).unwrap();
        loop {
            if let DialogEvent::Record(record) = self.events.recv().await.unwrap() {
                return record.unwrap();
            }
        }
    }
}

fn start() -> ServiceCommand {
    ServiceCommand::Start(CallDetails::default())
}

fn says(turn: u32, words: &str) -> ServiceCommand {
    ServiceCommand::TakeTurn(TakeTurn {
        turn: TurnId(turn),
        kind: TurnKind::Speech,
        transcript: words.to_owned(),
        confidence: 0.9,
        hypotheses: Vec::new(),
        dtmf: String::new(),
        language: Language::English,
        speech_started_ms: None,
        speech_ended_ms: None,
        turn_ended_ms: 0,
        heard: None,
        speculation: 0,
    })
}

#[tokio::test]
async fn when_an_instance_is_killed_in_a_call_the_other_answers_the_next_turn() {
    let store = Store::default();
    let (first, second) = (Running::start("first", &store, None).await, Running::start("second", &store, None).await);
    let client = client(&[&first, &second]);
    let mut call = Call::open(&client, "call-1");
    assert_eq!(call.ask(start()).await.0, 0);
    assert_eq!(call.ask(says(1, "one")).await, (1, "You said one.".to_owned()));
    first.kill().await;
    assert_eq!(call.ask(says(2, "two")).await, (2, "You said two.".to_owned()));
    assert_eq!(call.ask(says(3, "three")).await, (3, "You said three.".to_owned()));
    assert_eq!(store.answered_by("call-1"), ["first", "first", "second", "second"]);
    let record = call.end().await;
    assert_eq!(record.transcript.len(), 7);
    // New conversations begin where the last one went on.
    let mut next = Call::open(&client, "call-2");
    next.ask(start()).await;
    assert_eq!(store.answered_by("call-2"), ["second"]);
    second.kill().await;
}

#[tokio::test]
async fn another_server_continues_a_call_where_it_stands() {
    let store = Store::default();
    let service = Running::start("service", &store, None).await;
    let (one, other) = (client(&[&service]), client(&[&service]));
    let mut call = Call::open(&one, "call-1");
    call.ask(start()).await;
    call.ask(says(1, "one")).await;
    call.ask(says(2, "two")).await;
    drop(call);
    let mut call = Call::open(&other, "call-1");
    assert_eq!(call.ask(start()).await, (2, "You said two.".to_owned()), "the last reply, with its turn");
    assert_eq!(call.ask(says(3, "three")).await, (3, "You said three.".to_owned()));
    service.kill().await;
}
