//! What the log of a server says. A test binary of its own, since a process has one log.

#![expect(clippy::unwrap_used, reason = "what a test has written itself can be read")]

#[allow(dead_code, reason = "each test program uses a part of it")]
mod support;

use std::io;
use std::sync::{Arc, Mutex};

use mrcp::{HeaderName, Headers, Message, Method, RequestState};

use support::{BareCall, BareConnection, channel, offer, request, soon, start_server, status, until};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ghf_023_sec_022_the_log_has_the_logging_tag_and_no_callers_words() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let server = start_server().await;
    let mut call = BareCall::new(server.sip_address()).await;
    let answer = call.request("INVITE", &offer("speechsynth", call.port(), "0 101")).await;
    let id = channel(&answer);
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    let mut tagged = request(&id, 1, Method::SetParams, "", "");
    tagged.headers = Headers::new().with(HeaderName::LoggingTag, "ward-7");
    assert_eq!(connection.ask(tagged).await.status.code(), 200);
    let speak = request(&id, 2, Method::Speak, "text/plain", "your result is xylophone");
    assert_eq!(connection.ask(speak).await.state, RequestState::InProgress);
    assert!(matches!(soon("an event", connection.next()).await, Some(Message::Event(_))));
    assert_eq!(status(&call.request("BYE", "").await), Some(200));
    // The line is written after the session has given its place back.
    until("the last line of the session", || {
        log.text().lines().any(|line| line.contains("ward-7") && line.contains("ended"))
    })
    .await;
    assert_eq!(server.sessions(), 0);
    let text = log.text();
    assert!(!text.contains("xylophone"), "{text}");
}
