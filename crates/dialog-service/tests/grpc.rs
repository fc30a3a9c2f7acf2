//! The service as a client meets it: through gRPC on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Caller, Running, config, whole};
use dialog_service::DialogServiceConfig;
use proto::v1::{self, action::Kind, caller_input, end_conversation_request::Reason, line::Speaker};
use serde_json::{Value, json};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

fn hangup(reason: &str) -> Option<Kind> {
    Some(Kind::Hangup(v1::Hangup { reason: reason.to_owned() }))
}

#[tokio::test]
async fn the_english_survey_is_held_and_its_record_has_the_form() {
    let running = Running::start(config()).await;
    let (mut caller, greeting) = Caller::start(&running, "call-en", "en-US", "follow-up", &[("name", "Ann")]).await;
    assert!(greeting.text.starts_with("Hello Ann,"), "{greeting:?}");
    for (words, next) in [
        ("about six", "fever"),
        ("no", "wound"),
        ("what", "wound"),
        ("no it looks fine", "medication"),
        ("yes", "doctor"),
        ("I walk a little every day", "book"),
    ] {
        let reply = caller.says(words).await;
        assert!(reply.text.contains(next), "{words}: {reply:?}");
        assert_eq!(reply.action, None);
    }
    let last = caller.says("no thank you").await;
    assert_eq!(last.action, hangup("completed"));
    let form = json!({
        "pain_score": 6, "fever": false, "wound_problem": false, "medication_taken": true,
        "comment": "I walk a little every day", "wants_visit": false, "visit_day": null,
    });
    assert_eq!(last.form, form);
    let record = caller.ends(Reason::Hangup).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&record.form_json).unwrap(), form);
    assert_eq!(
        (record.outcome.as_str(), record.flow.as_str(), record.language.as_str()),
        ("completed", "follow-up", "en-US")
    );
    assert_eq!(record.transcript.len(), 15);
    assert_eq!((record.transcript[1].speaker(), record.transcript[1].text.as_str()), (Speaker::Caller, "about six"));
    running.stop().await;
}

#[tokio::test]
async fn the_chinese_survey_is_held_and_its_record_has_the_form() {
    let running = Running::start(config()).await;
    let (mut caller, greeting) = Caller::start(&running, "call-zh", "zh-CN", "", &[("name", "王先生")]).await;
    assert!(greeting.text.starts_with("王先生，"), "{greeting:?}");
    for (words, next) in [
        ("大概六分", "发烧"),
        ("没有发烧", "伤口"),
        ("有点红", "吃药"),
        ("有的", "医生"),
        ("没有了", "复诊"),
        ("需要", "哪一天"),
    ] {
        let reply = caller.says(words).await;
        assert!(reply.text.contains(next), "{words}: {reply:?}");
    }
    let last = caller.says("明天吧").await;
    assert_eq!(last.action, hangup("completed"));
    assert_eq!(
        last.form,
        json!({
            "pain_score": 6, "fever": false, "wound_problem": true, "medication_taken": true,
            "comment": "没有了", "wants_visit": true, "visit_day": "tomorrow",
        })
    );
    assert_eq!(caller.ends(Reason::Hangup).await.unwrap().outcome, "completed");
}

#[tokio::test]
async fn a_repeated_turn_gets_the_same_reply_and_changes_nothing() {
    let running = Running::start(config()).await;
    let (mut caller, _) = Caller::start(&running, "call", "en", "", &[]).await;
    let first = caller.take(caller.speech(1, "six")).await.unwrap();
    let again = caller.take(caller.speech(1, "seven")).await.unwrap();
    assert_eq!(again, first);
    let next = caller.take(caller.speech(2, "no")).await.unwrap();
    assert_eq!(next.form["pain_score"], json!(6));
}

#[tokio::test]
async fn a_repeated_start_replays_the_last_reply_and_keeps_the_conversation() {
    let running = Running::start(config()).await;
    let (mut caller, greeting) = Caller::start(&running, "call", "en", "", &[("name", "Ann")]).await;
    let (_, again) = Caller::start(&running, "call", "zh", "", &[]).await;
    assert_eq!(again, greeting);
    let reply = caller.says("six").await;
    let again = caller.client.start_conversation(v1::StartConversationRequest {
        conversation_id: "call".to_owned(),
        ..v1::StartConversationRequest::default()
    });
    let again = whole(again.await.unwrap().into_inner(), 1).await.unwrap();
    assert_eq!(again, reply, "the turn id tells where the conversation stands");
    assert!(caller.says("no").await.text.contains("wound"));
}

#[tokio::test]
async fn an_older_turn_and_a_turn_after_the_end_are_refused() {
    let running = Running::start(config()).await;
    let (mut caller, _) = Caller::start(&running, "call", "en", "", &[]).await;
    caller.says("six").await;
    caller.says("no").await;
    assert_eq!(caller.take(caller.speech(1, "six")).await.unwrap_err().code(), Code::FailedPrecondition);
    assert!(matches!(caller.says("I have chest pain").await.action, Some(Kind::Transfer(_))));
    assert_eq!(caller.take(caller.speech(4, "hello")).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(caller.ends(Reason::Transfer).await.unwrap().outcome, "transferred");
    assert_eq!(caller.take(caller.speech(5, "hello")).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_conversation_that_nobody_started_is_not_found() {
    let running = Running::start(config()).await;
    let mut caller = Caller { client: running.client(), id: "nobody".to_owned(), turn: 0 };
    assert_eq!(caller.take(caller.speech(1, "six")).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(caller.ends(Reason::Hangup).await.unwrap_err().code(), Code::NotFound);
    let interrupt = v1::InterruptRequest { conversation_id: "nobody".to_owned(), heard: None };
    assert_eq!(caller.client.interrupt(interrupt).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_start_that_makes_no_sense_is_refused() {
    let running = Running::start(config()).await;
    let start = |id: &str, language: &str, flow: &str| v1::StartConversationRequest {
        conversation_id: id.to_owned(),
        language: language.to_owned(),
        flow: flow.to_owned(),
        ..v1::StartConversationRequest::default()
    };
    for (request, code) in [
        (start("", "en", ""), Code::InvalidArgument),
        (start(&"x".repeat(257), "en", ""), Code::InvalidArgument),
        (start("call", "tlh", ""), Code::InvalidArgument),
        (start("call", "en", "no-such-flow"), Code::NotFound),
    ] {
        assert_eq!(running.client().start_conversation(request).await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn the_record_holds_what_was_heard() {
    let running = Running::start(config()).await;
    let (mut caller, _) = Caller::start(&running, "call", "en", "", &[]).await;
    let heard = v1::Heard { turn_id: 0, text: "Hello there, this is".to_owned(), complete: false, played_ms: 900 };
    let interrupt = v1::InterruptRequest { conversation_id: "call".to_owned(), heard: Some(heard) };
    caller.client.interrupt(interrupt).await.unwrap();
    caller.says("six").await;
    let record = caller.ends(Reason::CallerGone).await.unwrap();
    assert_eq!(record.transcript[0].text, "Hello there, this is");
    assert_eq!(record.outcome, "abandoned");
    assert_eq!(caller.ends(Reason::Hangup).await.unwrap(), record, "the same record again");
}

#[tokio::test]
async fn digits_silence_and_noise_are_taken() {
    let running = Running::start(config()).await;
    let (mut caller, _) = Caller::start(&running, "call", "en", "", &[]).await;
    let mut input = |kind: caller_input::Kind, dtmf: &str| {
        caller.turn += 1;
        v1::TakeTurnRequest {
            input: Some(v1::CallerInput { kind: kind.into(), dtmf: dtmf.to_owned(), ..v1::CallerInput::default() }),
            ..caller.speech(caller.turn, "")
        }
    };
    let requests = [
        input(caller_input::Kind::NoInput, ""),
        input(caller_input::Kind::NoMatch, ""),
        input(caller_input::Kind::Dtmf, "6"),
    ];
    let mut replies = Vec::new();
    for request in requests {
        replies.push(caller.take(request).await.unwrap());
    }
    assert_eq!(replies.iter().map(|reply| reply.intent.as_str()).collect::<Vec<_>>(), ["silence", "unclear", "answer"]);
}

#[tokio::test]
async fn a_later_hypothesis_may_be_the_answer() {
    let running = Running::start(config()).await;
    let (mut caller, _) = Caller::start(&running, "call", "en", "", &[]).await;
    let mut request = caller.speech(1, "fix");
    request.input.as_mut().unwrap().hypotheses = ["fix", "six"]
        .map(|transcript| v1::Hypothesis { transcript: transcript.to_owned(), ..v1::Hypothesis::default() })
        .to_vec();
    assert_eq!(caller.take(request).await.unwrap().form["pain_score"], json!(6));
}

#[tokio::test]
async fn more_conversations_than_allowed_are_refused_and_ended_ones_make_room() {
    let running = Running::start(DialogServiceConfig { conversations_max: 2, ..config() }).await;
    let (mut first, _) = Caller::start(&running, "first", "en", "", &[]).await;
    Caller::start(&running, "second", "en", "", &[]).await;
    let third = v1::StartConversationRequest { conversation_id: "third".to_owned(), ..Default::default() };
    let refused = running.client().start_conversation(third).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    first.ends(Reason::CallerGone).await.unwrap();
    Caller::start(&running, "third", "en", "", &[]).await;
    assert_eq!(first.ends(Reason::CallerGone).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn many_conversations_do_not_mix() {
    let running = Running::start(config()).await;
    let talks = (0..50).map(|n| {
        let running = &running;
        async move {
            let (mut caller, _) = Caller::start(running, &format!("call-{n}"), "en", "", &[]).await;
            let reply = caller.says(&(n % 8).to_string()).await;
            assert_eq!(reply.form["pain_score"], json!(n % 8));
        }
    });
    futures::future::join_all(talks).await;
}

#[tokio::test]
async fn health_is_told() {
    let running = Running::start(config()).await;
    for service in ["", "voxgate.dialog.v1.Dialog"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = HealthClient::new(running.channel.clone()).check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service:?}");
    }
}

#[tokio::test]
async fn reflection_shows_the_protocol() {
    let running = Running::start(config()).await;
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(running.channel.clone());
    let mut answers = client.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(services) = answer else { panic!("{answer:?}") };
    let names: Vec<String> = services.service.into_iter().map(|service| service.name).collect();
    assert!(names.contains(&"voxgate.dialog.v1.Dialog".to_owned()), "{names:?}");
    assert!(names.contains(&"grpc.health.v1.Health".to_owned()), "{names:?}");
}

#[tokio::test]
async fn a_reply_under_way_is_finished_after_the_stop() {
    let running = Running::start(config()).await;
    let request = v1::StartConversationRequest { conversation_id: "call".to_owned(), ..Default::default() };
    let stream = running.client().start_conversation(request).await.unwrap().into_inner();
    let stopping = tokio::spawn(running.stop());
    assert!(whole(stream, 0).await.unwrap().text.contains("clinic"));
    stopping.await.unwrap();
}
