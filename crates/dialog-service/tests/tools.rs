//! Tools of flows against an HTTP server that does as it is told: answers, is slow, fails, talks nonsense.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::net::SocketAddr;

use common::{Caller, Running, config};
use dialog_service::{ApiKey, DialogService, DialogServiceConfig, ToolsConfig};
use proto::v1::{self, action::Kind, end_conversation_request::Reason, tool_call::Outcome};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

const FLOW: &str = r"
flow: orders
languages: [en]
start: number
slots:
  number: { type: digits, min: 4, max: 6 }
  pin: { type: digits, min: 4, max: 4, secret: true }
  state: { type: text }
  days: { type: number, min: 0, max: 99, whole: true }
defaults: { give_up: failed, reprompt: { en: Sorry? }, silence: { en: Hello? } }
tools:
  find:
    method: GET
    url: http://HOST/orders/{number}
    arguments: { pin: '{pin}' }
    result: { state: /order/state, days: /order/days }
    timeout_ms: 400
    sorry: { en: I could not look that up. }
  cancel:
    url: http://HOST/cancel
    arguments: { order: { slot: number }, days: { slot: days } }
    idempotency_header: Idempotency-Key
    timeout_ms: 400
    sorry: { en: I could not cancel it. }
states:
  number: { say: { en: 'Your order number?' }, ask: number, next: pin }
  pin: { say: { en: 'Please key your PIN.' }, ask: pin, next: find }
  find: { say: { en: One moment. }, tool: find, failed: failed, next: found }
  found: { say: { en: 'It is {state}, {days} days.' }, next: cancel }
  cancel:
    tool: cancel
    confirm: { en: 'Shall I cancel order {number}?' }
    declined: kept
    failed: failed
    next: cancelled
  cancelled: { say: { en: It is cancelled. }, hangup: cancelled }
  kept: { say: { en: I leave it. }, hangup: kept }
  failed: { say: { en: A colleague will help. }, transfer: { target: desk } }
";

/// Answers each connection with the next act, and passes the requests on.
async fn scripted(acts: Vec<Option<String>>) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (requests, seen) = mpsc::channel(16);
    tokio::spawn(async move {
        let mut held = Vec::new();
        for act in acts {
            let (mut stream, _) = listener.accept().await.unwrap();
            requests.send(read_request(&mut stream).await).await.unwrap();
            match act {
                Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                None => held.push(stream),
            }
        }
        std::future::pending::<()>().await;
    });
    (address, seen)
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned))
                .map_or(0, |length| length.parse::<usize>().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the request was cut off");
    }
}

fn answer(status: &str, body: &str) -> Option<String> {
    Some(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()))
}

fn found() -> Option<String> {
    answer("200 OK", r#"{"order":{"state":"on its way","days":3}}"#)
}

/// A service with the flow and the scripted server.
async fn service(acts: Vec<Option<String>>) -> (Running, mpsc::Receiver<String>, tempfile::TempDir) {
    let (address, seen) = scripted(acts).await;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("orders.yaml"), FLOW.replace("HOST", &address.to_string())).unwrap();
    let tools = ToolsConfig {
        hosts: vec![address.to_string()],
        headers: vec![("X-Token".to_owned(), ApiKey::new("hush"))],
        ..ToolsConfig::default()
    };
    let running = Running::start(DialogServiceConfig { flows: Some(directory.path().to_owned()), tools, ..config() });
    (running.await, seen, directory)
}

async fn to_the_tool(running: &Running) -> (Caller, common::Reply) {
    let (mut caller, _) = Caller::start(running, "call", "en", "orders", &[]).await;
    let asks = caller.says("four two one one").await;
    assert!(matches!(asks.action, Some(Kind::CollectDtmf(v1::CollectDtmf { digits_max: 4, .. }))), "{asks:?}");
    caller.turn += 1;
    let mut request = caller.speech(caller.turn, "");
    let input = request.input.as_mut().unwrap();
    input.kind = v1::caller_input::Kind::Dtmf.into();
    input.dtmf = "9876".to_owned();
    let reply = caller.take(request).await.unwrap();
    (caller, reply)
}

#[tokio::test]
async fn a_tool_fills_slots_and_the_next_is_confirmed_first() {
    let (running, mut seen, _flows) = service(vec![found(), answer("204 No Content", "")]).await;
    let (mut caller, reply) = to_the_tool(&running).await;
    assert_eq!(reply.text, "One moment. It is on its way, 3 days. Shall I cancel order 4211?");
    let asked = seen.recv().await.unwrap();
    assert!(asked.starts_with("GET /orders/4211?pin=9876 HTTP/1.1"), "{asked}");
    assert!(asked.to_lowercase().contains("x-token: hush"), "{asked}");
    assert_eq!(caller.says("yes please").await.text, "It is cancelled.");
    let asked = seen.recv().await.unwrap();
    assert!(asked.starts_with("POST /cancel"), "{asked}");
    assert!(asked.to_lowercase().contains("idempotency-key: call-cancel-2"), "{asked}");
    let body: Value = serde_json::from_str(asked.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body, json!({ "order": "4211", "days": 3 }));
}

#[tokio::test]
async fn the_record_tells_what_tools_did_and_no_secret() {
    let (running, _seen, _flows) = service(vec![found()]).await;
    let (mut caller, _) = to_the_tool(&running).await;
    assert_eq!(caller.says("no").await.text, "I leave it.");
    let record = caller.ends(Reason::Hangup).await.unwrap();
    let went: Vec<(&str, Outcome)> = record.tools.iter().map(|tool| (tool.name.as_str(), tool.outcome())).collect();
    assert_eq!(went, [("find", Outcome::Done), ("cancel", Outcome::Declined)]);
    assert_eq!(record.tools[0].arguments_json, r#"{"pin":"••••"}"#);
    assert!(!format!("{record:?}").contains("9876"), "{record:?}");
    assert_eq!(serde_json::from_str::<Value>(&record.form_json).unwrap()["pin"], json!("••••"));
}

#[tokio::test]
async fn whatever_goes_wrong_is_said_and_the_flow_goes_on() {
    for (name, act) in [
        ("slow", None),
        ("500", answer("500 Oops", "{}")),
        ("redirect", answer("302 Found", "")),
        ("no JSON", answer("200 OK", "<html>")),
        ("missing", answer("200 OK", r#"{"order":{}}"#)),
        ("wrong type", answer("200 OK", r#"{"order":{"state":"x","days":"soon"}}"#)),
        ("out of range", answer("200 OK", r#"{"order":{"state":"x","days":100}}"#)),
        ("nonsense", Some("nonsense\r\n\r\n".to_owned())),
    ] {
        let (running, _seen, _flows) = service(vec![act]).await;
        let (mut caller, reply) = to_the_tool(&running).await;
        assert_eq!(reply.text, "One moment. I could not look that up. A colleague will help.", "{name}");
        assert!(reply.degraded && matches!(reply.action, Some(Kind::Transfer(_))), "{name}: {reply:?}");
        let record = caller.ends(Reason::Transfer).await.unwrap();
        assert_eq!(record.tools[0].outcome(), Outcome::Failed, "{name}");
    }
}

#[tokio::test]
async fn a_repeated_turn_uses_no_tool_again() {
    let (running, mut seen, _flows) = service(vec![found()]).await;
    let (mut caller, reply) = to_the_tool(&running).await;
    seen.recv().await.unwrap();
    let again = caller.take(caller.speech(caller.turn, "")).await.unwrap();
    assert_eq!(again, reply);
    assert!(seen.try_recv().is_err());
}

#[tokio::test]
async fn a_caller_who_speaks_while_a_tool_runs_has_it_asked_again_under_the_same_name() {
    let (running, mut seen, _flows) = service(vec![found(), None, answer("200 OK", "{}")]).await;
    let (mut caller, _) = to_the_tool(&running).await;
    seen.recv().await.unwrap();
    caller.turn += 1;
    let stream = caller.client.take_turn(caller.speech(caller.turn, "yes")).await.unwrap();
    let first = seen.recv().await.unwrap();
    drop(stream);
    assert_eq!(caller.says("are you there").await.text, "It is cancelled.");
    let second = seen.recv().await.unwrap();
    let key = |request: &str| {
        request.lines().find(|line| line.to_lowercase().starts_with("idempotency-key")).map(str::to_owned)
    };
    assert!(key(&first).is_some());
    assert_eq!(key(&first), key(&second));
}

#[tokio::test]
async fn a_flow_that_asks_a_host_that_was_not_configured_does_not_load() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("orders.yaml"), FLOW.replace("HOST", "elsewhere.example")).unwrap();
    let config = DialogServiceConfig { flows: Some(directory.path().to_owned()), ..config() };
    let refused = DialogService::bind(config).await.unwrap_err().to_string();
    assert!(refused.contains("elsewhere.example"), "{refused}");
}
