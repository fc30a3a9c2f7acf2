//! The recognizer resource, end to end.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use client::{CallerAudio, GrammarBody, RecogSession, Recognition};
use mrcp::{EventName, HeaderName, Headers, Method};
use serde_json::json;
use server::Server;

use crate::support::{SOON, ask, configuration, fake, next_event, spoken, start_client, start_server};

const BOOLEAN: &str = "builtin:grammar/boolean";

async fn open() -> (Server, client::Client, RecogSession) {
    let server = start_server().await;
    let client = start_client(&server).await;
    let recognizer = client.open_recognizer(None).await.unwrap();
    (server, client, recognizer)
}

/// One recognition of what a caller says.
async fn recognize(recognizer: &mut RecogSession, grammar: &GrammarBody, words: &str) -> Recognition {
    let request = recognizer.recognize(grammar, Headers::new()).await.unwrap();
    recognizer.send_audio(&spoken(words, 8_000));
    recognizer.finished(request, SOON).await.unwrap()
}

fn cause(recognition: &Recognition) -> Option<u16> {
    recognition.cause.map(|cause| cause.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn real_speech_starts_input_and_is_heard_as_the_script_says() {
    let mut config = configuration();
    fake(&mut config).script = vec!["I have no fever".into()];
    let server = Server::start(config).await.unwrap();
    let client = start_client(&server).await;
    let mut recognizer = client.open_recognizer(None).await.unwrap();
    let grammar = GrammarBody::uri("builtin:speech/transcribe");
    let request = recognizer.recognize(&grammar, Headers::new()).await.unwrap();
    let wav = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios/audio/en/fever.wav");
    recognizer.send_audio(&CallerAudio::load(&wav, 8_000).unwrap());
    let started = next_event(&mut recognizer.session).await;
    assert_eq!((started.name, started.id), (EventName::StartOfInput, request));
    let recognition = recognizer.finished(request, SOON).await.unwrap();
    assert_eq!(cause(&recognition), Some(0));
    let result = recognition.result.unwrap();
    assert_eq!((result.input.as_str(), result.mode.as_str()), ("I have no fever", "speech"));
    assert_eq!(recognition.headers.content_type(), Some("application/nlsml+xml"));
}

#[tokio::test(flavor = "multi_thread")]
async fn builtin_grammars_give_meanings_and_refuse_what_is_none() {
    let (_server, _client, mut recognizer) = open().await;
    let boolean = GrammarBody::uri(BOOLEAN);
    let yes = recognize(&mut recognizer, &boolean, "yes").await;
    assert_eq!(cause(&yes), Some(0));
    assert_eq!(yes.result.unwrap().instance, json!("true"));
    let digits = recognize(&mut recognizer, &GrammarBody::uri("builtin:grammar/digits"), "one two three").await;
    assert_eq!(digits.result.unwrap().instance, json!("123"));
    let other = recognize(&mut recognizer, &boolean, "tea").await;
    assert_eq!(cause(&other), Some(1), "no-match");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_end_with_the_terminator() {
    let (_server, _client, mut recognizer) = open().await;
    let headers = Headers::new()
        .with(HeaderName::DtmfTermChar, "#")
        .with(HeaderName::DtmfInterdigitTimeout, "8000")
        .with(HeaderName::DtmfTermTimeout, "8000");
    let request = recognizer.recognize(&GrammarBody::uri("builtin:dtmf/digits"), headers).await.unwrap();
    recognizer.send_dtmf("142#");
    let recognition = recognizer.finished(request, Duration::from_secs(5)).await.unwrap();
    assert_eq!(cause(&recognition), Some(0));
    let result = recognition.result.unwrap();
    assert_eq!((result.instance, result.mode.as_str()), (json!("142"), "dtmf"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inline_choice_list_is_matched_at_once_or_from_a_definition() {
    let (_server, _client, mut recognizer) = open().await;
    let grammar = GrammarBody {
        content_type: "application/srgs+xml".to_owned(),
        body: "<?xml version=\"1.0\"?><grammar xmlns=\"http://www.w3.org/2001/06/grammar\" version=\"1.0\" \
               xml:lang=\"en-US\" root=\"drink\"><rule id=\"drink\"><one-of><item>tea</item><item>milk</item>\
               </one-of></rule></grammar>"
            .to_owned(),
    };
    let milk = recognize(&mut recognizer, &grammar, "milk").await;
    assert_eq!((cause(&milk), milk.result.unwrap().input.as_str()), (Some(0), "milk"));
    recognizer.define_grammar("drinks", &grammar).await.unwrap();
    let tea = recognize(&mut recognizer, &GrammarBody::uri("session:drinks"), "tea").await;
    assert_eq!((cause(&tea), tea.result.unwrap().grammar.as_str()), (Some(0), "session:drinks"));
    let none = recognize(&mut recognizer, &GrammarBody::uri("session:drinks"), "rum").await;
    assert_eq!(cause(&none), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_no_input_once_the_timers_run() {
    let (_server, _client, mut recognizer) = open().await;
    let headers = Headers::new().with(HeaderName::NoInputTimeout, "150");
    let grammar = GrammarBody::uri(BOOLEAN);
    let request = recognizer.recognize(&grammar, headers.clone()).await.unwrap();
    let recognition = recognizer.finished(request, SOON).await.unwrap();
    assert_eq!(cause(&recognition), Some(2));
    let headers = headers.with(HeaderName::StartInputTimers, "false");
    let request = recognizer.recognize(&grammar, headers).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(400), recognizer.session.notice()).await;
    assert!(!matches!(early, Ok(client::Notice::Event { .. })), "the timer must not run yet: {early:?}");
    assert!(recognizer.start_input_timers().await.unwrap().status.is_success());
    let recognition = recognizer.finished(request, SOON).await.unwrap();
    assert_eq!(cause(&recognition), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_ends_a_recognition_without_a_result() {
    let (_server, _client, mut recognizer) = open().await;
    let grammar = GrammarBody::uri("builtin:speech/transcribe");
    let request = recognizer.recognize(&grammar, Headers::new()).await.unwrap();
    recognizer.send_audio(&spoken("a long sentence that is cut off in the middle", 8_000));
    assert_eq!(next_event(&mut recognizer.session).await.name, EventName::StartOfInput);
    let stopped = recognizer.stop().await.unwrap();
    assert_eq!(stopped.headers.active_request_ids().unwrap(), Some(vec![request]));
    // Nothing of it is left in the way of the next one, whose events come next.
    let next = recognizer.recognize(&grammar, Headers::new()).await.unwrap();
    recognizer.send_audio(&spoken("again", 8_000));
    assert_eq!(next_event(&mut recognizer.session).await.id, next);
    let recognition = recognizer.finished(next, SOON).await.unwrap();
    assert_eq!(recognition.result.map(|result| result.input).as_deref(), Some("again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_are_set_are_told_and_used() {
    let (_server, _client, mut recognizer) = open().await;
    let session = &mut recognizer.session;
    let headers = Headers::new().with(HeaderName::NoInputTimeout, "120").with(HeaderName::ConfidenceThreshold, "0.25");
    assert!(ask(session, Method::SetParams, headers).await.status.is_success());
    let names = Headers::new().with(HeaderName::NoInputTimeout, "").with(HeaderName::ConfidenceThreshold, "");
    let told = ask(session, Method::GetParams, names).await;
    assert_eq!(told.headers.text(&HeaderName::NoInputTimeout), Some("120"));
    assert_eq!(told.headers.fraction(&HeaderName::ConfidenceThreshold).unwrap(), Some(0.25));
    let request = recognizer.recognize(&GrammarBody::uri(BOOLEAN), Headers::new()).await.unwrap();
    let recognition = recognizer.finished(request, Duration::from_secs(4)).await.unwrap();
    assert_eq!(cause(&recognition), Some(2), "the timeout that was set, not the server's 8 s");
    let refused = recognizer.session.request(
        Method::SetParams,
        Headers::new().with(HeaderName::NoInputTimeout, "soon"),
        Bytes::new(),
    );
    assert_eq!(refused.await.unwrap().status.code(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn rec_011_rec_024_rec_025_a_hotword_is_waited_for_through_other_speech() {
    let (_server, _client, mut recognizer) = open().await;
    let headers = Headers::new()
        .with(HeaderName::RecognitionMode, "hotword")
        .with(HeaderName::SpeechIncompleteTimeout, "400")
        .with(HeaderName::ConfidenceThreshold, "0");
    let request = recognizer.recognize(&GrammarBody::uri(BOOLEAN), headers).await.unwrap();
    recognizer.send_audio(&spoken("the weather", 8_000));
    let early = tokio::time::timeout(Duration::from_secs(2), recognizer.session.notice()).await;
    assert!(!matches!(early, Ok(client::Notice::Event { .. })), "other speech is no input: {early:?}");
    recognizer.send_audio(&spoken("yes", 8_000));
    let event = next_event(&mut recognizer.session).await;
    assert_eq!((event.name, event.id), (EventName::RecognitionComplete, request), "no START-OF-INPUT");
    assert_eq!(event.headers.recognizer_cause().map(|cause| cause.code()), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rec_060_rec_061_a_text_is_interpreted() {
    let (_server, _client, mut recognizer) = open().await;
    let headers =
        Headers::new().with(HeaderName::ContentType, "text/uri-list").with(HeaderName::InterpretText, "one two three");
    let body = Bytes::from_static(b"builtin:grammar/digits");
    let response = recognizer.session.request(Method::Interpret, headers, body).await.unwrap();
    assert_eq!(response.state, mrcp::RequestState::InProgress);
    let event = next_event(&mut recognizer.session).await;
    assert_eq!(event.name, EventName::InterpretationComplete);
    let result = speech::nlsml::read(std::str::from_utf8(&event.body).unwrap()).unwrap();
    assert_eq!(result.interpretations[0].instance, Some(json!("123")));
}

#[tokio::test(flavor = "multi_thread")]
async fn rec_068_dtm_001_a_resource_of_keys_hears_keys_and_nothing_else() {
    let server = start_server().await;
    let client = start_client(&server).await;
    let mut recognizer = client.open_dtmf_recognizer().await.unwrap();
    let refused = recognizer.recognize(&GrammarBody::uri("builtin:speech/transcribe"), Headers::new()).await;
    assert!(refused.is_err());
    let headers = Headers::new().with(HeaderName::DtmfTermChar, "#");
    let request = recognizer.recognize(&GrammarBody::uri("builtin:dtmf/digits"), headers).await.unwrap();
    recognizer.send_audio(&spoken("nine nine", 8_000));
    recognizer.send_dtmf("2*A#");
    let recognition = recognizer.finished(request, Duration::from_secs(8)).await.unwrap();
    assert_eq!(cause(&recognition), Some(1), "a star and a letter are no digits");
    let headers = Headers::new().with(HeaderName::DtmfTermChar, "#");
    let request = recognizer.recognize(&GrammarBody::uri("builtin:dtmf/digits"), headers).await.unwrap();
    recognizer.send_dtmf("27#");
    let recognition = recognizer.finished(request, Duration::from_secs(8)).await.unwrap();
    assert_eq!((cause(&recognition), recognition.result.map(|result| result.input)), (Some(0), Some("2 7".to_owned())));
}
