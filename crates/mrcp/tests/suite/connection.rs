//! One TCP connection, shared by channels of several sessions.

use std::time::Duration;

use mrcp::connection::{CloseReason, Input, Output};
use mrcp::{Connection, ConnectionConfig, FatalError, Message, RequestId, RequestState, Resource, StatusCode};
use testkit::Clock;

use crate::common::request;

fn drain(connection: &mut Connection) -> Vec<Output> {
    std::iter::from_fn(|| connection.poll_output()).collect()
}

fn stop(line: &str) -> Message {
    Message::Request(request(Resource::SpeechRecog, line, &[], ""))
}

fn written(outputs: &[Output]) -> String {
    outputs
        .iter()
        .map(|output| match output {
            Output::Write(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            other => panic!("only writes, not {other:?}"),
        })
        .collect()
}

#[test]
fn con_001_requests_come_out_in_order_whatever_session_they_are_of() {
    let clock = Clock::new();
    let mut connection = Connection::new(ConnectionConfig::default());
    let (one, two) = (stop("STOP 1"), Message::Request(request(Resource::SpeechSynth, "SPEAK 7", &[], "hi")));
    let bytes = [one.encode(), two.encode()].concat();
    let (first, second) = bytes.split_at(100);
    let mut outputs = Vec::new();
    for part in [first, second] {
        connection.handle_input(clock.now(), Input::Received(part));
        outputs.extend(drain(&mut connection));
    }
    let requests: Vec<Message> = outputs
        .into_iter()
        .map(|output| match output {
            Output::Request(request) => Message::Request(request),
            other => panic!("only requests, not {other:?}"),
        })
        .collect();
    assert_eq!(requests, [one, two]);
    assert_eq!(connection.counters().requests, 2);
}

#[test]
fn what_a_session_sends_is_written() {
    let clock = Clock::new();
    let mut connection = Connection::new(ConnectionConfig::default());
    let request = request(Resource::SpeechRecog, "STOP 1", &[], "");
    let response = Message::Response(request.response(StatusCode::SUCCESS, RequestState::Complete));
    connection.handle_input(clock.now(), Input::Send(response.clone()));
    assert_eq!(drain(&mut connection), [Output::Write(response.encode())]);
}

#[test]
fn con_004_a_request_for_a_channel_that_is_not_there_is_405() {
    let clock = Clock::new();
    let mut connection = Connection::new(ConnectionConfig::default());
    connection.handle_input(clock.now(), Input::Received(&stop("STOP 1").encode()));
    let Some(Output::Request(request)) = connection.poll_output() else { panic!("a request") };
    let (channel, request_id) = (request.channel, request.id);
    let status = StatusCode::RESOURCE_NOT_ALLOCATED;
    connection.handle_input(clock.now(), Input::Refuse { channel, request_id, status });
    let expected = "MRCP/2.0 79 1 405 COMPLETE\r\nChannel-Identifier: 32AECB23433801@speechrecog\r\n\r\n";
    assert_eq!(written(&drain(&mut connection)), expected.replace("79", &expected.len().to_string()));
}

#[test]
fn a_malformed_request_is_answered_here_and_the_next_goes_on() {
    let clock = Clock::new();
    let mut connection = Connection::new(ConnectionConfig::default());
    let bad = b"MRCP/2.0 38 STOP 5\r\nLogging-Tag: 1\r\n\r\n";
    assert_eq!(bad.len(), 38);
    connection.handle_input(clock.now(), Input::Received(&[&bad[..], &stop("STOP 6").encode()].concat()));
    let outputs = drain(&mut connection);
    assert_eq!(outputs.first(), Some(&Output::Write("MRCP/2.0 30 5 406 COMPLETE\r\n\r\n".into())));
    assert!(matches!(outputs.get(1), Some(Output::Request(request)) if request.id == RequestId(6)));
    assert_eq!(connection.counters().rejected, 1);
}

#[test]
fn an_illegal_channel_is_echoed_as_it_was() {
    let clock = Clock::new();
    let mut connection = Connection::new(ConnectionConfig::default());
    let bad = b"MRCP/2.0 48 STOP 5\r\nChannel-Identifier: nope\r\n\r\n";
    connection.handle_input(clock.now(), Input::Received(&bad[..]));
    let text = written(&drain(&mut connection));
    assert!(text.contains(" 5 404 COMPLETE\r\nChannel-Identifier: nope\r\n\r\n"), "{text}");
}

#[test]
fn responses_and_events_from_a_client_are_counted_and_dropped() {
    let clock = Clock::new();
    let mut connection = Connection::new(ConnectionConfig::default());
    let response =
        request(Resource::SpeechRecog, "STOP 1", &[], "").response(StatusCode::SUCCESS, RequestState::Complete);
    connection.handle_input(clock.now(), Input::Received(&Message::Response(response).encode()));
    assert_eq!(drain(&mut connection), []);
    assert_eq!(connection.counters().unexpected, 1);
}

#[test]
fn frm_030_garbage_closes_the_connection_and_nothing_follows() {
    let clock = Clock::new();
    let mut connection = Connection::new(ConnectionConfig::default());
    connection.handle_input(clock.now(), Input::Received(b"GET / HTTP/1.1\r\n\r\n"));
    let close = Output::Close(CloseReason::Unframeable(FatalError::NotMrcp));
    assert_eq!(drain(&mut connection), [close]);
    connection.handle_input(clock.now(), Input::Received(&stop("STOP 1").encode()));
    connection.handle_input(clock.now(), Input::Send(stop("STOP 1")));
    assert_eq!(drain(&mut connection), []);
    assert_eq!(connection.counters().undeliverable, 1);
}

#[test]
fn con_010_a_peer_that_does_not_read_is_disconnected() {
    let clock = Clock::new();
    let config = ConnectionConfig { write_queue_bytes_max: 200, ..ConnectionConfig::default() };
    let mut connection = Connection::new(config);
    let message = stop("STOP 1");
    let length = message.encode().len();
    for _ in 0..2 {
        connection.handle_input(clock.now(), Input::Send(message.clone()));
        assert!(matches!(drain(&mut connection).as_slice(), [Output::Write(_)]));
    }
    connection.handle_input(clock.now(), Input::Written(length));
    connection.handle_input(clock.now(), Input::Send(message.clone()));
    assert!(matches!(drain(&mut connection).as_slice(), [Output::Write(_)]), "what was written makes room");
    connection.handle_input(clock.now(), Input::Send(message));
    assert_eq!(drain(&mut connection), [Output::Close(CloseReason::WriteQueueFull)]);
}

#[test]
fn a_message_that_is_not_finished_in_time_closes_the_connection() {
    let mut clock = Clock::new();
    let mut connection = Connection::new(ConnectionConfig::default());
    let bytes = stop("STOP 1").encode();
    connection.handle_input(clock.now(), Input::Received(&bytes[..10]));
    let deadline = clock.now() + Duration::from_secs(30);
    assert_eq!(connection.poll_timeout(), Some(deadline));
    clock.advance(20_000);
    connection.handle_input(clock.now(), Input::Received(&bytes[10..11]));
    assert_eq!(connection.poll_timeout(), Some(deadline), "more bytes are no more time");
    connection.handle_timeout(clock.now());
    assert_eq!(drain(&mut connection), []);
    clock.advance(10_000);
    connection.handle_timeout(clock.now());
    assert_eq!(drain(&mut connection), [Output::Close(CloseReason::MessageTimeout)]);
    assert_eq!(connection.poll_timeout(), None);
}

#[test]
fn between_messages_a_connection_may_be_silent() {
    let clock = Clock::new();
    let mut connection = Connection::new(ConnectionConfig::default());
    let bytes = stop("STOP 1").encode();
    connection.handle_input(clock.now(), Input::Received(&bytes[..10]));
    connection.handle_input(clock.now(), Input::Received(&bytes[10..]));
    connection.handle_input(clock.now(), Input::Received(b"\r\n"));
    assert_eq!(drain(&mut connection).len(), 1);
    assert_eq!(connection.poll_timeout(), None);
}

#[test]
fn the_end_of_the_peer_is_told_once() {
    let clock = Clock::new();
    let mut connection = Connection::new(ConnectionConfig::default());
    connection.handle_input(clock.now(), Input::Closed);
    connection.handle_input(clock.now(), Input::Closed);
    assert_eq!(drain(&mut connection), [Output::Close(CloseReason::PeerClosed)]);
}

#[test]
fn sec_023_requests_beyond_the_rate_wait_for_the_next_second() {
    let mut clock = Clock::new();
    let config = ConnectionConfig { requests_per_second_max: 3, ..ConnectionConfig::default() };
    let mut connection = Connection::new(config);
    let bytes: Vec<u8> = (1..=7).flat_map(|id| stop(&format!("STOP {id}")).encode().to_vec()).collect();
    clock.advance(100);
    connection.handle_input(clock.now(), Input::Received(&bytes));
    for (taken, wants_bytes) in [(3, false), (3, false), (1, true)] {
        assert_eq!((drain(&mut connection).len(), connection.wants_bytes()), (taken, wants_bytes));
        clock.advance(999);
        connection.handle_timeout(clock.now());
        assert_eq!(drain(&mut connection), []);
        clock.advance(1);
        connection.handle_timeout(clock.now());
    }
    assert_eq!(connection.poll_timeout(), None);
}

#[test]
fn frm_007_frm_008_frm_010_another_version_is_answered_502_in_ours() {
    let clock = Clock::new();
    for version in ["MRCP/3.0", "MRCP/1.0", "MRCP/2.10"] {
        let mut connection = Connection::new(ConnectionConfig::default());
        let text = format!("{version} LEN GET-PARAMS 1\r\nChannel-Identifier: 1@speechsynth\r\n\r\n");
        let length = text.len() - "LEN".len() + "70".len();
        let text = text.replace("LEN", &length.to_string());
        assert_eq!(text.len(), length);
        connection.handle_input(clock.now(), Input::Received(text.as_bytes()));
        let answer = written(&drain(&mut connection));
        assert!(answer.starts_with("MRCP/2.0 ") && answer.contains(" 1 502 COMPLETE\r\n"), "{version}: {answer}");
        assert!(answer.contains("Channel-Identifier: 1@speechsynth\r\n"), "{answer}");
    }
}
