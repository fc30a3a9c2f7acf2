//! A language model's server that misbehaves in every way that was thought of, and the flow that goes on regardless.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::{net::SocketAddr, time::Duration};

use common::{Caller, Reply, Running, config};
use dialog_service::{ApiKey, DialogServiceConfig, OpenAiConfig, Preset, ProvidersConfig};
use proto::v1::{self, action::Kind, end_conversation_request::Reason, turn_event::Event};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::Instant,
};

const FALLBACK: &str = "Sorry, could you say that again?";

/// What the scripted server does with one request.
#[derive(Debug, Clone)]
enum Act {
    /// Writes these bytes and closes.
    Write(Vec<u8>),
    /// Writes these bytes and then nothing, for ever.
    Stall(Vec<u8>),
    /// Accepts, and never answers.
    Ignore,
    /// Closes at once.
    Hang,
}

/// Answers each request with the next act, and passes the requests on.
async fn scripted(acts: Vec<Act>) -> (SocketAddr, mpsc::Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (requests, seen) = mpsc::channel(16);
    tokio::spawn(async move {
        let mut held = Vec::new();
        for act in acts {
            let (mut stream, _) = listener.accept().await.unwrap();
            requests.send(read_request(&mut stream).await).await.unwrap();
            match act {
                Act::Write(bytes) => stream.write_all(&bytes).await.unwrap(),
                Act::Stall(bytes) => {
                    stream.write_all(&bytes).await.unwrap();
                    held.push(stream);
                }
                Act::Ignore => held.push(stream),
                Act::Hang => {}
            }
        }
        std::future::pending::<()>().await;
    });
    (address, seen)
}

/// The head and the JSON body of a request.
async fn read_request(stream: &mut TcpStream) -> (String, Value) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned))
                .map_or(0, |length| length.parse::<usize>().unwrap());
            if body.len() >= length {
                return (head.to_owned(), serde_json::from_str(body).unwrap());
            }
        }
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the request was cut off");
    }
}

fn head(status: &str, kind: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n")
}

fn words(text: &str) -> String {
    format!("data: {}\n\n", serde_json::json!({"choices": [{"delta": {"content": text}, "finish_reason": null}]}))
}

fn events(events: &str) -> Vec<u8> {
    format!("{}{events}", head("200 OK", "text/event-stream; charset=utf-8")).into_bytes()
}

/// A reply as it should be.
fn reply(pieces: &[&str]) -> Act {
    let pieces: String = pieces.iter().map(|piece| words(piece)).collect();
    Act::Write(events(&format!(
        "data: {}\n\n{pieces}data: {}\n\ndata: [DONE]\n\n",
        serde_json::json!({"choices": [{"delta": {"role": "assistant", "content": null}}]}),
        serde_json::json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}),
    )))
}

fn provider(address: SocketAddr) -> OpenAiConfig {
    OpenAiConfig {
        key: Some(ApiKey::new("secret-key")),
        connect_timeout: Duration::from_millis(300),
        first_token_timeout: Duration::from_millis(600),
        total_timeout: Duration::from_millis(1200),
        ..OpenAiConfig::new(format!("http://{address}/v1"), "small")
    }
}

/// Without a summary by the model, which would be one more request.
fn with_providers(providers: Vec<OpenAiConfig>) -> DialogServiceConfig {
    DialogServiceConfig { models: ProvidersConfig::new(providers), summary_within: Duration::ZERO, ..config() }
}

fn with_provider(address: SocketAddr) -> DialogServiceConfig {
    with_providers(vec![provider(address)])
}

/// A conversation with the assistant, and the reply to the first thing that the caller says.
async fn ask(acts: Vec<Act>) -> (Running, Caller, Reply, mpsc::Receiver<(String, Value)>) {
    let (address, seen) = scripted(acts).await;
    let running = Running::start(with_provider(address)).await;
    let (mut caller, greeting) = Caller::start(&running, "call", "en-US", "assistant", &[]).await;
    assert!(greeting.text.contains("How can I help you?"));
    let reply = caller.says("are you open today").await;
    (running, caller, reply, seen)
}

#[tokio::test]
async fn the_model_is_told_what_it_needs_and_its_words_are_streamed() {
    let (_running, mut caller, first, mut seen) =
        ask(vec![reply(&["Yes, ", "until **six**."]), reply(&["Good", "bye then. [[good", "bye]] ignored"])]).await;
    assert_eq!(first.text, "Yes, until six.");
    assert!(!first.degraded && first.action.is_none());
    let (head, body) = seen.recv().await.unwrap();
    assert!(head.starts_with("POST /v1/chat/completions "), "{head}");
    assert!(head.to_ascii_lowercase().contains("authorization: bearer secret-key"), "{head}");
    assert_eq!((&body["model"], &body["stream"]), (&"small".into(), &true.into()));
    let roles: Vec<&str> =
        body["messages"].as_array().unwrap().iter().map(|line| line["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "assistant", "user"]);
    assert!(body["messages"][0]["content"].as_str().unwrap().contains("[[person]] when the caller wants a person"));

    let last = caller.says("no thanks").await;
    assert_eq!(last.text, "Goodbye then.  Goodbye.");
    assert_eq!(last.action, Some(Kind::Hangup(v1::Hangup { reason: "completed".to_owned() })));
    let record = caller.ends(Reason::Hangup).await.unwrap();
    let lines: Vec<&str> = record.transcript.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(lines[1..], ["are you open today", "Yes, until six.", "no thanks", "Goodbye then. Goodbye."]);
}

#[tokio::test]
async fn every_misbehaviour_is_answered_with_the_fallback_in_time() {
    let error_event = format!("data: {}\n\n", serde_json::json!({"error": {"message": "overloaded"}}));
    let plain = |status: &str| Act::Write(format!("{}{{}}", head(status, "application/json")).into_bytes());
    let cases = [
        ("never answers", vec![Act::Ignore]),
        ("hangs up", vec![Act::Hang, Act::Hang]),
        ("429 twice", vec![plain("429 Too Many Requests"), plain("429 Too Many Requests")]),
        ("500 twice", vec![plain("500 Internal Server Error"), plain("500 Internal Server Error")]),
        ("401", vec![plain("401 Unauthorized")]),
        (
            "redirects",
            vec![Act::Write(
                b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_vec(),
            )],
        ),
        ("JSON instead of a stream", vec![plain("200 OK")]),
        ("no HTTP", vec![Act::Write(b"hello\r\n\r\n".to_vec()), Act::Write(b"hello\r\n\r\n".to_vec())]),
        ("garbage in an event", vec![Act::Write(events("data: {\"choices\": [\n\n"))]),
        ("no UTF-8", vec![Act::Write([events("data: "), vec![0xff, 0xfe, b'\n', b'\n']].concat())]),
        ("an error event", vec![Act::Write(events(&error_event))]),
        ("an empty reply", vec![reply(&[])]),
        ("an endless line", vec![Act::Write(events(&"x".repeat(2 * 1024 * 1024)))]),
        ("stalls before the first word", vec![Act::Stall(events(""))]),
    ];
    for (name, acts) in cases {
        let begun = Instant::now();
        let (_running, mut caller, reply, _seen) = ask(acts).await;
        assert_eq!((reply.text.as_str(), reply.degraded), (FALLBACK, true), "{name}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{name} took {:?}", begun.elapsed());
        assert_eq!(caller.ends(Reason::CallerGone).await.unwrap().outcome, "abandoned", "{name}");
    }
}

#[tokio::test]
async fn a_reply_that_breaks_off_keeps_what_was_said_and_adds_the_fallback() {
    for (name, act) in
        [("cut", Act::Write(events(&words("We are open ")))), ("stalled", Act::Stall(events(&words("We are open "))))]
    {
        let (_running, _caller, reply, _seen) = ask(vec![act]).await;
        assert_eq!(reply.text, format!("We are open  {FALLBACK}"), "{name}");
        assert!(reply.degraded, "{name}");
    }
}

#[tokio::test]
async fn a_refused_request_is_tried_once_more() {
    let busy = Act::Write(format!("{}{{}}", head("429 Too Many Requests", "application/json")).into_bytes());
    let (_running, _caller, first, _seen) = ask(vec![busy, reply(&["Yes."])]).await;
    assert_eq!((first.text.as_str(), first.degraded), ("Yes.", false));
}

#[tokio::test]
async fn after_too_many_failures_the_flow_gives_up_to_a_person() {
    let (_running, mut caller, first, _seen) = ask(vec![Act::Hang; 8]).await;
    assert_eq!(first.text, FALLBACK);
    assert_eq!(caller.says("hello").await.text, FALLBACK);
    let last = caller.says("hello").await;
    assert!(matches!(last.action, Some(Kind::Transfer(_))), "{last:?}");
    assert!(last.degraded);
}

#[tokio::test]
async fn an_emergency_needs_no_model() {
    let (_running, mut caller, _, _seen) = ask(vec![reply(&["Yes."])]).await;
    let step = caller.says("I have chest pain").await;
    assert_eq!(step.intent, "emergency");
    assert!(matches!(step.action, Some(Kind::Transfer(_))), "{step:?}");
}

#[tokio::test]
async fn a_long_reply_is_cut() {
    let long = "word ".repeat(400);
    let (_running, _caller, reply, _seen) = ask(vec![reply(&[&long])]).await;
    assert_eq!(reply.text, "word ".repeat(80).trim_end());
}

/// Reads until the model's first words: what the service says of the turn by itself comes before.
async fn until_words(stream: &mut tonic::Streaming<v1::TurnEvent>) {
    while !matches!(stream.message().await.unwrap().unwrap().event, Some(v1::turn_event::Event::Text(_))) {}
}

#[tokio::test]
async fn a_reply_that_nobody_waits_for_is_remembered_as_far_as_it_was_written() {
    let (address, _seen) =
        scripted(vec![Act::Stall(events(&words("Let me tell you a long story. "))), reply(&["Of course."])]).await;
    let running = Running::start(with_provider(address)).await;
    let (mut caller, _) = Caller::start(&running, "call", "en-US", "assistant", &[]).await;
    let mut stream = caller.client.take_turn(caller.speech(1, "hello")).await.unwrap().into_inner();
    until_words(&mut stream).await;
    drop(stream);
    let heard = v1::Heard { turn_id: 1, text: "Let me tell".to_owned(), complete: false, played_ms: 700 };
    let next = v1::TakeTurnRequest { heard: Some(heard), ..caller.speech(2, "stop, are you open") };
    assert_eq!(caller.take(next).await.unwrap().text, "Of course.");
    let record = caller.ends(Reason::CallerGone).await.unwrap();
    assert_eq!(record.transcript[2].text, "Let me tell");
}

#[tokio::test]
async fn a_repeated_turn_asks_the_model_again_when_its_reply_was_not_finished() {
    let (address, _seen) = scripted(vec![Act::Stall(events(&words("We "))), reply(&["We are open."])]).await;
    let running = Running::start(with_provider(address)).await;
    let (mut caller, _) = Caller::start(&running, "call", "en-US", "assistant", &[]).await;
    let mut stream = caller.client.take_turn(caller.speech(1, "hello")).await.unwrap().into_inner();
    until_words(&mut stream).await;
    drop(stream);
    assert_eq!(caller.take(caller.speech(1, "hello")).await.unwrap().text, "We are open.");
}

#[tokio::test]
async fn without_a_provider_the_assistant_does_not_exist() {
    let running = Running::start(config()).await;
    let request = v1::StartConversationRequest {
        conversation_id: "call".to_owned(),
        flow: "assistant".to_owned(),
        ..Default::default()
    };
    assert_eq!(running.client().start_conversation(request).await.unwrap_err().code(), tonic::Code::NotFound);
}

#[test]
fn a_key_is_never_printed() {
    let config =
        OpenAiConfig { key: Some(ApiKey::new("secret-key")), ..OpenAiConfig::new("http://127.0.0.1:1/v1", "small") };
    assert!(!format!("{config:?}").contains("secret-key"));
}

#[tokio::test]
async fn the_next_provider_writes_when_the_first_fails_or_is_late() {
    let refused = || Act::Write(format!("{}{{}}", head("401 Unauthorized", "application/json")).into_bytes());
    for (name, first) in [("refuses", refused()), ("never answers", Act::Ignore), ("hangs up", Act::Hang)] {
        let (first, _) = scripted(vec![first]).await;
        let (second, mut seen) = scripted(vec![reply(&["Yes, until six."])]).await;
        let second = OpenAiConfig { model: "large".to_owned(), preset: Preset::OpenAi, ..provider(second) };
        let running = Running::start(with_providers(vec![provider(first), second])).await;
        let (mut caller, _) = Caller::start(&running, "call", "en-US", "assistant", &[]).await;
        let reply = caller.says("are you open today").await;
        assert_eq!((reply.text.as_str(), reply.degraded), ("Yes, until six.", false), "{name}");
        let (_, body) = seen.recv().await.unwrap();
        assert_eq!((&body["model"], &body["max_completion_tokens"]), (&"large".into(), &200.into()), "{name}");
    }
}

#[tokio::test]
async fn a_provider_that_fails_three_times_is_left_alone() {
    let (address, mut seen) = scripted(vec![Act::Hang; 20]).await;
    let running = Running::start(with_provider(address)).await;
    for call in 0..3 {
        let (mut caller, _) = Caller::start(&running, &format!("call {call}"), "en-US", "assistant", &[]).await;
        assert_eq!(caller.says("are you open").await.text, FALLBACK);
    }
    let mut requests = 0;
    while seen.try_recv().is_ok() {
        requests += 1;
    }
    // Two for the first call, one for the second, none after that.
    assert_eq!(requests, 3);
}

#[tokio::test]
async fn what_a_model_thinks_aloud_is_not_said_and_its_usage_is_told() {
    let usage = format!(
        "data: {}\n\n",
        serde_json::json!({"choices": [], "usage": {"prompt_tokens": 91, "completion_tokens": 7}})
    );
    let done = format!("data: {}\n\n", serde_json::json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}));
    let text = format!("{}{}{done}{usage}data: [DONE]\n\n", words("<thi"), words("nk>They ask.</think>Yes."));
    let (address, _seen) = scripted(vec![Act::Write(events(&text))]).await;
    let running = Running::start(with_provider(address)).await;
    let (mut caller, _) = Caller::start(&running, "call", "en-US", "assistant", &[]).await;
    let mut stream = caller.client.take_turn(caller.speech(1, "hello")).await.unwrap().into_inner();
    let (mut said, mut ended) = (String::new(), None);
    while let Some(event) = stream.message().await.unwrap() {
        match event.event.unwrap() {
            Event::Text(text) => said.push_str(&text.text),
            Event::End(end) => ended = Some(end),
            _ => {}
        }
    }
    let end = ended.unwrap();
    assert_eq!(said, "Yes.");
    assert_eq!((end.model.as_str(), end.tokens_in, end.tokens_out), ("small", 91, 7));
}

#[tokio::test]
async fn a_conversation_that_has_used_up_its_tokens_goes_on_without_a_model() {
    let (address, _seen) = scripted(vec![reply(&["Yes."]), reply(&["Yes."])]).await;
    let mut config = with_provider(address);
    config.models.call_tokens_max = 1;
    let running = Running::start(config).await;
    let (mut caller, _) = Caller::start(&running, "call", "en-US", "assistant", &[]).await;
    assert_eq!(caller.says("are you open").await.text, "Yes.");
    let second = caller.says("and tomorrow").await;
    assert_eq!((second.text.as_str(), second.degraded), (FALLBACK, true));
}

#[tokio::test]
async fn a_long_conversation_is_sent_without_its_beginning() {
    let (address, mut seen) = scripted(vec![reply(&["Yes."]), reply(&["Yes."])]).await;
    let short = OpenAiConfig { context_tokens_max: 1, ..provider(address) };
    let running = Running::start(with_providers(vec![short])).await;
    let (mut caller, _) = Caller::start(&running, "call", "en-US", "assistant", &[]).await;
    caller.says("are you open").await;
    caller.says("and tomorrow").await;
    seen.recv().await.unwrap();
    let (_, body) = seen.recv().await.unwrap();
    let lines: Vec<&str> =
        body["messages"].as_array().unwrap().iter().map(|line| line["content"].as_str().unwrap()).collect();
    assert_eq!(lines[1..], ["and tomorrow"]);
}

#[tokio::test]
async fn a_model_writes_the_summary_and_rules_where_it_does_not() {
    let good = serde_json::json!({
        "summary": "The caller asked for opening hours.", "intents": ["opening hours"], "sentiment": "positive",
        "follow_ups": ["send the timetable"],
    });
    for (name, answer, by) in [
        ("writes", reply(&["Here it is: ", &good.to_string()]), "small"),
        ("writes nonsense", reply(&["Well."]), "rules"),
    ] {
        let (address, _seen) = scripted(vec![reply(&["Until six."]), answer]).await;
        let config = DialogServiceConfig { summary_within: Duration::from_secs(20), ..with_provider(address) };
        let running = Running::start(config).await;
        let (mut caller, _) = Caller::start(&running, "call", "en-US", "assistant", &[]).await;
        caller.says("when do you close").await;
        let record = caller.ends(Reason::CallerGone).await.unwrap();
        assert_eq!(record.written_by, by, "{name}");
        if by == "small" {
            assert_eq!(record.summary, "The caller asked for opening hours.");
            assert!(record.intents.contains(&"opening hours".to_owned()));
            assert_eq!(record.follow_ups.last().map(String::as_str), Some("send the timetable"));
        }
        assert_eq!(caller.ends(Reason::CallerGone).await.unwrap(), record, "{name}: the same record again");
    }
}
