//! The assistant with a real language model, where one is given: `VOXGATE_TEST_LLM_URL=http://127.0.0.1:8080/v1 cargo test -p
//! dialog-service --test real_model -- --nocapture`. Without it the test says so and passes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use common::{Caller, Running, config};
use dialog_service::{DialogServiceConfig, OpenAiConfig};
use proto::v1::{action::Kind, turn_event::Event};

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "latencies of a real server")]
async fn a_real_model_streams_its_replies_and_does_not_overrule_the_rules() {
    let Ok(base_url) = std::env::var("VOXGATE_TEST_LLM_URL") else {
        eprintln!("skipped: VOXGATE_TEST_LLM_URL is not set");
        return;
    };
    let model = std::env::var("VOXGATE_TEST_LLM_MODEL").unwrap_or_else(|_| "local-llm".to_owned());
    let openai = OpenAiConfig {
        first_token_timeout: Duration::from_secs(30),
        total_timeout: Duration::from_secs(60),
        ..OpenAiConfig::new(base_url, model)
    };
    let running =
        Running::start(DialogServiceConfig { models: dialog_service::ProvidersConfig::new(vec![openai]), ..config() })
            .await;
    let (mut caller, greeting) = Caller::start(&running, "call", "en-US", "assistant", &[]).await;
    eprintln!("robot: {}", greeting.text);
    for words in ["Hello, are you open on Tuesday?", "And what about Sunday?"] {
        caller.turn += 1;
        let begun = Instant::now();
        let mut stream = caller.client.take_turn(caller.speech(caller.turn, words)).await.unwrap().into_inner();
        let (mut text, mut pieces, mut first, mut ended) = (String::new(), 0, None, None);
        while let Some(event) = stream.message().await.unwrap() {
            match event.event.unwrap() {
                Event::Text(piece) => {
                    first.get_or_insert_with(|| begun.elapsed());
                    pieces += 1;
                    text.push_str(&piece.text);
                }
                Event::Action(action) => eprintln!("action: {:?}", action.kind),
                Event::Play(_) | Event::Sentiment(_) | Event::Tool(_) | Event::Listening(_) | Event::Policy(_) => {}
                Event::End(end) => ended = Some(end.degraded),
                Event::Slots(_) | Event::Intent(_) => {}
            }
        }
        eprintln!(
            "caller: {words}\nrobot: {text}\n  first piece {first:?}, {pieces} pieces, whole {:?}",
            begun.elapsed()
        );
        assert_eq!(ended, Some(false), "a reply of the model's own");
        assert!(pieces > 1 && !text.trim().is_empty());
    }
    let step = caller.says("I have chest pain").await;
    assert!(matches!(step.action, Some(Kind::Transfer(_))), "{step:?}");
}
