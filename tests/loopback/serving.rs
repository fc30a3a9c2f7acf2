//! The server as its operator sees it, and engines that fail.

use client::GrammarBody;
use engine::{FakeFault, FakeFaultKind};
use mrcp::Headers;
use server::Server;

use crate::support::{SOON, call_passes, configuration, fake, heard, http_get, spoken, start_client, start_server};

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_health_are_served() {
    let server = start_server().await;
    call_passes(&server).await;
    let http = server.http_address().unwrap();
    assert_eq!(http_get(http, "/healthz").await.0, 200);
    assert_eq!(http_get(http, "/readyz").await.0, 200);
    let (status, text) = http_get(http, "/metrics").await;
    assert_eq!(status, 200);
    for wanted in
        ["mrcp_requests_total{method=\"SPEAK\"}", "mrcp_requests_total{method=\"RECOGNIZE\"}", "mrcp_response_seconds"]
    {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_fails_costs_its_own_request_only() {
    let mut config = configuration();
    let fault = |when: &str, then| FakeFault { when: when.to_owned(), then };
    fake(&mut config).faults = vec![
        fault("frozen", FakeFaultKind::Freeze(4_000)),
        fault("broken", FakeFaultKind::Error),
        fault("panics", FakeFaultKind::Panic),
    ];
    config.engine.limits.synthesis_stall_ms = 500;
    config.engine.limits.decode_deadline_ms = 1_000;
    let server = Server::start(config).await.unwrap();
    let client = start_client(&server).await;
    for word in ["frozen", "broken", "panics"] {
        let mut failing = client.open_synthesizer(None).await.unwrap();
        let mut other = client.open_synthesizer(None).await.unwrap();
        let failed = failing.speak("text/plain", word, Headers::new()).await.unwrap();
        let fine = other.speak("text/plain", "fine", Headers::new()).await.unwrap();
        let spoken = other.finished(fine, SOON).await.unwrap();
        assert_eq!(spoken.cause.map(|cause| cause.code()), Some(0), "beside one that {word}");
        assert_eq!(heard(&other.take_audio(), 8_000), "fine");
        let failed = failing.finished(failed, SOON).await.unwrap();
        assert_eq!(failed.cause.map(|cause| cause.code()), Some(4), "{word}");
    }
    let grammar = GrammarBody::uri("builtin:speech/transcribe");
    for word in ["frozen", "broken", "panics"] {
        let mut failing = client.open_recognizer(None).await.unwrap();
        let mut other = client.open_recognizer(None).await.unwrap();
        let failed = failing.recognize(&grammar, Headers::new()).await.unwrap();
        let fine = other.recognize(&grammar, Headers::new()).await.unwrap();
        failing.send_audio(&spoken(word, 8_000));
        other.send_audio(&spoken("fine", 8_000));
        let (fine, failed) = tokio::join!(other.finished(fine, SOON), failing.finished(failed, SOON));
        assert_eq!(fine.unwrap().result.map(|result| result.input).as_deref(), Some("fine"));
        assert_eq!(failed.unwrap().cause.map(|cause| cause.code()), Some(6), "{word}");
    }
}
