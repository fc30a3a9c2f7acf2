//! Calls: signalling, shared connections, hang-ups, many at once.

use std::time::Duration;

use client::{
    Client, ClientConfig, ClientError, ConnectionPolicy, GrammarBody, Ladder, Layer, Notice, SipTransport, Way,
};
use mrcp::{EventName, Headers, Message, Method, RequestState};
use server::Server;

use crate::support::{
    BareCall, BareConnection, SOON, ask, channel, configuration, header, heard, now, offer, request, soon, spoken,
    start_client, start_server, status, until,
};

const TRANSCRIBE: &str = "builtin:speech/transcribe";

#[tokio::test(flavor = "multi_thread")]
async fn ses_050_sip_over_tcp_carries_a_call() {
    let server = start_server().await;
    let mut config = ClientConfig::new(server.sip_address());
    config.transport = SipTransport::Tcp;
    let client = Client::start(config, Ladder::off(now())).await.unwrap();
    let mut synthesizer = client.open_synthesizer(None).await.unwrap();
    let id = synthesizer.speak("text/plain", "over tcp", Headers::new()).await.unwrap();
    synthesizer.finished(id, SOON).await.unwrap();
    assert_eq!(heard(&synthesizer.take_audio(), 8_000), "over tcp");
    synthesizer.session.refresh().await.unwrap();
    synthesizer.session.hang_up().await;
    until("the end of the session", || server.sessions() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn con_001_con_003_ses_007_ses_017_two_sessions_share_a_connection_where_the_server_is_told_to() {
    let mut config = configuration();
    config.mrcp.connection_reuse = true;
    let server = Server::start(config).await.unwrap();
    let ladder = Ladder::new(now());
    let client = Client::start(ClientConfig::new(server.sip_address()), ladder.clone()).await.unwrap();
    let mut first = client.open_recognizer(None).await.unwrap();
    // One answer, so that the server has seen the connection.
    ask(&mut first.session, Method::GetParams, Headers::new()).await;
    let mut second = client.open_recognizer(None).await.unwrap();
    let reused = ladder.entries().iter().any(|entry| {
        entry.layer == Layer::Sip && entry.way == Way::Received && entry.text.contains("a=connection:existing")
    });
    assert!(reused, "the second session uses the first one's connection");
    let grammar = GrammarBody::uri(TRANSCRIBE);
    let ids = [
        first.recognize(&grammar, Headers::new()).await.unwrap(),
        second.recognize(&grammar, Headers::new()).await.unwrap(),
    ];
    first.send_audio(&spoken("left", 8_000));
    second.send_audio(&spoken("right", 8_000));
    let (left, right) = tokio::join!(first.finished(ids[0], SOON), second.finished(ids[1], SOON));
    assert_eq!(left.unwrap().result.unwrap().input, "left");
    assert_eq!(right.unwrap().result.unwrap().input, "right");
    // One session's end is not the other's.
    first.session.hang_up().await;
    let id = second.recognize(&grammar, Headers::new()).await.unwrap();
    second.send_audio(&spoken("on", 8_000));
    assert_eq!(second.finished(id, SOON).await.unwrap().result.unwrap().input, "on");
}

#[tokio::test(flavor = "multi_thread")]
async fn ses_030_ses_031_ses_032_options_tell_resources_and_codecs() {
    let server = start_server().await;
    let answer = BareCall::new(server.sip_address()).await.request("OPTIONS", "").await;
    assert_eq!(status(&answer), Some(200));
    for wanted in ["a=resource:speechsynth", "a=resource:speechrecog", "PCMU/8000", "L16/8000", "TCP/MRCPv2"] {
        assert!(answer.contains(wanted), "{wanted} in {answer}");
    }
    assert!(header(&answer, "Allow").is_some_and(|allow| allow.contains("INVITE")));
}

#[tokio::test(flavor = "multi_thread")]
async fn ses_053_a_refresh_with_narrowed_codecs_keeps_the_channel_and_what_it_does() {
    let server = start_server().await;
    let mut call = BareCall::new(server.sip_address()).await;
    let answer = call.request("INVITE", &offer("speechsynth", call.port(), "0 8 96 101")).await;
    assert_eq!(status(&answer), Some(200), "{answer}");
    let id = channel(&answer);
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    let speak = request(&id, 1, Method::Speak, "text/plain", "a sentence");
    assert_eq!(connection.ask(speak).await.state, RequestState::InProgress);
    let narrowed = offer("speechsynth", call.port(), "0").replace("connection:new", "connection:existing");
    let refreshed = call.request("INVITE", &narrowed).await;
    assert_eq!(status(&refreshed), Some(200), "{refreshed}");
    assert_eq!(channel(&refreshed), id);
    let Some(Message::Event(event)) = connection.next().await else { panic!("an event") };
    assert_eq!(event.headers.synthesizer_cause().map(|cause| cause.code()), Some(0));
    assert_eq!(
        connection.ask(request(&id, 2, Method::Speak, "text/plain", "two")).await.state,
        RequestState::InProgress
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ses_019_a_bye_in_the_middle_completes_what_is_open() {
    let server = start_server().await;
    for (resource, method, kind, body) in [
        ("speechrecog", Method::Recognize, "text/uri-list", TRANSCRIBE),
        ("speechsynth", Method::Speak, "text/plain", "a sentence that is not heard to its end"),
    ] {
        let mut call = BareCall::new(server.sip_address()).await;
        let answer = call.request("INVITE", &offer(resource, call.port(), "0 101")).await;
        let mut connection = BareConnection::open(server.mrcp_address()).await;
        let response = connection.ask(request(&channel(&answer), 1, method, kind, body)).await;
        assert_eq!(response.state, RequestState::InProgress);
        assert_eq!(status(&call.request("BYE", "").await), Some(200));
        match connection.next().await {
            Some(Message::Event(event)) => assert_eq!(event.state, RequestState::Complete, "{event:?}"),
            other => panic!("{resource}: {other:?}"),
        }
    }
    until("the end of the sessions", || server.sessions() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ses_020_a_lost_control_connection_ends_its_call() {
    let server = start_server().await;
    let mut call = BareCall::new(server.sip_address()).await;
    let answer = call.request("INVITE", &offer("speechrecog", call.port(), "0 101")).await;
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    connection.ask(request(&channel(&answer), 1, Method::Recognize, "text/uri-list", TRANSCRIBE)).await;
    drop(connection);
    let bye = call.receive().await;
    assert!(bye.starts_with("BYE "), "{bye}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ses_048_the_last_place_is_given_once_and_again_when_it_is_free() {
    let mut config = configuration();
    config.server.sessions_max = 1;
    let server = Server::start(config).await.unwrap();
    let client = start_client(&server).await;
    let first = client.open_recognizer(None).await.unwrap();
    match client.open_recognizer(None).await {
        Err(ClientError::Call { reason }) => assert!(reason.contains("503"), "{reason}"),
        other => panic!("{other:?}"),
    }
    first.session.hang_up().await;
    until("a free place", || server.sessions() == 0).await;
    assert!(client.open_recognizer(None).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_calls_at_once_do_not_mix() {
    let server = start_server().await;
    let mut config = ClientConfig::new(server.sip_address());
    config.connections = ConnectionPolicy::AlwaysNew;
    let client = std::sync::Arc::new(Client::start(config, Ladder::off(now())).await.unwrap());
    let calls: Vec<_> = (0..20)
        .map(|number| {
            let client = std::sync::Arc::clone(&client);
            tokio::spawn(async move {
                let mut synthesizer = client.open_synthesizer(None).await.unwrap();
                let mut recognizer = client.open_recognizer(None).await.unwrap();
                let text = format!("robot {number}");
                let speak = synthesizer.speak("text/plain", &text, Headers::new()).await.unwrap();
                let recognize = recognizer.recognize(&GrammarBody::uri(TRANSCRIBE), Headers::new()).await.unwrap();
                let said = format!("caller {number}");
                recognizer.send_audio(&spoken(&said, 8_000));
                let within = Duration::from_secs(20);
                let spoken = synthesizer.finished(speak, within).await.unwrap();
                let recognition = recognizer.finished(recognize, within).await.unwrap();
                assert_eq!(spoken.cause.map(|cause| cause.code()), Some(0));
                assert_eq!(heard(&synthesizer.take_audio(), 8_000), text);
                assert_eq!(recognition.result.map(|result| result.input), Some(said));
                synthesizer.session.hang_up().await;
                recognizer.session.hang_up().await;
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    until("the end of all sessions", || server.sessions() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_refuses_new_calls_and_ends_with_the_last_one() {
    let server = std::sync::Arc::new(start_server().await);
    let client = start_client(&server).await;
    let mut recognizer = client.open_recognizer(None).await.unwrap();
    let id = recognizer.recognize(&GrammarBody::uri(TRANSCRIBE), Headers::new()).await.unwrap();
    let draining = tokio::spawn({
        let server = std::sync::Arc::clone(&server);
        async move { server.drain(SOON).await }
    });
    let http = server.http_address().unwrap();
    soon("unreadiness", async {
        while crate::support::http_get(http, "/readyz").await.0 != 503 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut refused = BareCall::new(server.sip_address()).await;
    let port = refused.port();
    let answer = refused.request("INVITE", &offer("speechrecog", port, "0 101")).await;
    assert_eq!(status(&answer), Some(503));
    assert!(header(&answer, "Retry-After").is_some(), "{answer}");
    // The call that goes on is served to its end.
    recognizer.send_audio(&spoken("last", 8_000));
    assert_eq!(recognizer.finished(id, SOON).await.unwrap().result.unwrap().input, "last");
    assert!(!draining.is_finished());
    recognizer.session.hang_up().await;
    soon("the end of the drain", draining).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_takes_too_long_completes_requests_and_hangs_up() {
    let server = start_server().await;
    let client = start_client(&server).await;
    let mut recognizer = client.open_recognizer(None).await.unwrap();
    recognizer.recognize(&GrammarBody::uri(TRANSCRIBE), Headers::new()).await.unwrap();
    let drained = server.drain(Duration::from_millis(100));
    let told = async {
        // The client may learn of the BYE and of the event, which came on different sockets, in either order.
        let (mut is_completed, mut is_over) = (false, false);
        while !(is_completed && is_over) {
            match soon("event and BYE", recognizer.session.notice()).await {
                Notice::Event { event, .. } => is_completed |= event.name == EventName::RecognitionComplete,
                Notice::Ended { .. } => is_over = true,
                Notice::Leg(_) => {}
                Notice::ConnectionLost => panic!("the connection was closed before event and BYE"),
            }
        }
    };
    soon("the drain", async { tokio::join!(drained, told) }).await;
    assert_eq!(server.sessions(), 0);
}
