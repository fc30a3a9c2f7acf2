//! Grammars, texts and recordings by URI, end to end, from a web server on loopback.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use client::{GrammarBody, RecogSession};
use engine::fake::tone_code;
use mrcp::{HeaderName, Headers, Method, Response};
use server::Server;

use crate::support::{SOON, ask, configuration, heard, now, spoken, start_client};

const MENU: &str = "<grammar xmlns=\"http://www.w3.org/2001/06/grammar\" version=\"1.0\" xml:lang=\"en-US\" root=\"menu\">\
     <rule id=\"menu\" scope=\"public\">call <ruleref uri=\"names.grxml\"/></rule></grammar>";
const NAMES: &str = "<grammar xmlns=\"http://www.w3.org/2001/06/grammar\" version=\"1.0\" xml:lang=\"en-US\" root=\"n\">\
     <rule id=\"n\" scope=\"public\"><one-of><item>anna</item><item>robert</item></one-of></rule></grammar>";

/// What the fake synthesizer would say, as a recording.
fn recording(text: &str) -> Vec<u8> {
    let mut samples = Vec::new();
    media::resample::to_i16(&tone_code::encode(text, 8_000), &mut samples);
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut wav, spec).unwrap();
    samples.into_iter().for_each(|sample| writer.write_sample(sample).unwrap());
    writer.finalize().unwrap();
    wav.into_inner()
}

async fn web() -> SocketAddr {
    let srgs = |text: &'static str| get(move || async move { ([("content-type", "application/srgs+xml")], text) });
    let app = Router::new()
        .route("/menu.grxml", srgs(MENU))
        .route("/names.grxml", srgs(NAMES))
        .route("/text", get(|| async { ([("content-type", "text/plain")], "fetched") }))
        .route("/clip.wav", get(|| async { ([("content-type", "audio/wav")], recording("played")) }))
        .route("/slow", get(|| async { std::future::pending::<&'static str>().await }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// A server that may reach the web server.
async fn start_fetching_server() -> Server {
    let mut config = configuration();
    config.fetch.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
    Server::start(config).await.unwrap()
}

async fn define(recognizer: &mut RecogSession, uri: &str, headers: Headers) -> Response {
    let headers = headers.with(HeaderName::ContentType, "text/uri-list").with(HeaderName::ContentId, "menu@test");
    recognizer.session.request(Method::DefineGrammar, headers, Bytes::copy_from_slice(uri.as_bytes())).await.unwrap()
}

fn failure(response: &Response) -> String {
    let header = |name| response.headers.text(&name).unwrap_or_default().to_owned();
    format!(
        "{} {} {} {}",
        response.status.code(),
        header(HeaderName::CompletionCause).get(..3).unwrap_or_default(),
        header(HeaderName::FailedUri),
        header(HeaderName::FailedUriCause)
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn grm_009_grm_017_rec_043_a_grammar_and_what_it_refers_to_are_fetched_and_heard() {
    let web = web().await;
    let server = start_fetching_server().await;
    let client = start_client(&server).await;
    let mut recognizer = client.open_recognizer(None).await.unwrap();
    let uri = format!("http://{web}/menu.grxml");
    let defined = define(&mut recognizer, &uri, Headers::new()).await;
    assert_eq!(defined.status.code(), 200);
    for grammar in [GrammarBody::uri("session:menu@test"), GrammarBody::uri(&uri)] {
        let request = recognizer.recognize(&grammar, Headers::new()).await.unwrap();
        recognizer.send_audio(&spoken("call robert", 8_000));
        let recognition = recognizer.finished(request, SOON).await.unwrap();
        assert_eq!(recognition.cause.map(|cause| cause.code()), Some(0), "{}", recognition.body);
        assert!(recognition.body.contains(&grammar.body), "{}", recognition.body);
        assert_eq!(recognition.result.unwrap().input, "call robert");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ghf_019_sec_011_a_server_that_does_not_answer_is_given_the_time_that_the_client_says() {
    let web = web().await;
    let server = start_fetching_server().await;
    let client = start_client(&server).await;
    let mut recognizer = client.open_recognizer(None).await.unwrap();
    let uri = format!("http://{web}/slow");
    let began: Instant = now();
    let headers = Headers::new().with(HeaderName::FetchTimeout, "300");
    let refused = define(&mut recognizer, &uri, headers).await;
    assert_eq!(failure(&refused), format!("407 009 {uri} timeout"));
    assert!(now().duration_since(began) < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_012_sec_013_references_to_this_machine_are_refused_and_the_server_serves_on() {
    let web = web().await;
    // Without leave to reach loopback.
    let server = Server::start(configuration()).await.unwrap();
    let client = start_client(&server).await;
    let mut recognizer = client.open_recognizer(None).await.unwrap();
    for (uri, cause) in [
        (format!("http://{web}/menu.grxml"), "refused"),
        (format!("http://localhost:{}/menu.grxml", web.port()), "refused"),
        ("http://169.254.169.254/latest/meta-data/".to_owned(), "refused"),
        ("http://[::1]/".to_owned(), "refused"),
        ("file:///etc/passwd".to_owned(), "scheme"),
        ("ftp://example.com/g.grxml".to_owned(), "scheme"),
    ] {
        let refused = define(&mut recognizer, &uri, Headers::new()).await;
        assert_eq!(failure(&refused), format!("407 009 {uri} {cause}"));
    }
    let alive = ask(&mut recognizer.session, Method::GetParams, Headers::new()).await;
    assert_eq!(alive.status.code(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn syn_034_syn_035_texts_and_recordings_by_uri_are_spoken_in_order() {
    let web = web().await;
    let server = start_fetching_server().await;
    let client = start_client(&server).await;
    let mut synthesizer = client.open_synthesizer(None).await.unwrap();
    let body = format!(
        "--x\r\nContent-Type: text/uri-list\r\n\r\nhttp://{web}/text\r\n--x\r\nContent-Type: application/ssml+xml\r\n\r\n\
         <speak version=\"1.0\" xml:lang=\"en-US\"><audio src=\"http://{web}/clip.wav\"/> \
         <audio src=\"http://{web}/missing.wav\">instead</audio></speak>\r\n--x--"
    );
    let request = synthesizer.speak("multipart/mixed; boundary=x", &body, Headers::new()).await.unwrap();
    let spoken = synthesizer.finished(request, SOON).await.unwrap();
    assert_eq!(spoken.cause.map(|cause| cause.code()), Some(0));
    assert_eq!(heard(&synthesizer.take_audio(), 8_000), "fetched played instead");
}

#[tokio::test(flavor = "multi_thread")]
async fn syn_038_a_recording_that_is_not_there_fails_the_speak_with_its_status() {
    let web = web().await;
    let server = start_fetching_server().await;
    let client = start_client(&server).await;
    let mut synthesizer = client.open_synthesizer(None).await.unwrap();
    let body = format!("<speak version=\"1.0\" xml:lang=\"en-US\"><audio src=\"http://{web}/missing.wav\"/></speak>");
    let headers = Headers::new().with(HeaderName::ContentType, "application/ssml+xml");
    let refused = synthesizer.session.request(Method::Speak, headers, body.into()).await.unwrap();
    assert_eq!(failure(&refused), format!("407 003 http://{web}/missing.wav 404"));
}
