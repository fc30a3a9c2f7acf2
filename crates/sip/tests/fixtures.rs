//! Messages as files: what is well formed is read, printed and read again; what is not gets its error.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use bytes::Bytes;
use sip::ParseErrorKind::{self, *};
use sip::endpoint::{EndpointConfig, Input};
use sip::{ConnectionId, Endpoint, Known, Message, MessageLimits, ParseError, Seed};

fn directory(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(kind)
}

fn files(kind: &str) -> Vec<(String, Bytes)> {
    let mut files: Vec<_> = std::fs::read_dir(directory(kind))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sip"))
        .map(|path| {
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), Bytes::from(std::fs::read(&path).unwrap()))
        })
        .collect();
    files.sort();
    files
}

fn parse(bytes: &Bytes) -> Result<Message, ParseError> {
    Message::parse(bytes, &MessageLimits::default())
}

fn print(message: &Message) -> Bytes {
    match message {
        Message::Request(request) => request.print(),
        Message::Response(response) => response.print(),
    }
}

#[test]
fn well_formed_messages_are_printed_as_they_were_understood() {
    let files = files("valid");
    assert!(files.len() >= 12);
    for (name, bytes) in files {
        let message = parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(parse(&print(&message)), Ok(message), "{name}");
    }
}

#[test]
fn truncated_messages_are_refused_unless_only_the_body_is_missing_and_unannounced() {
    for (name, bytes) in files("valid") {
        let announced = bytes.windows(16).any(|window| window.eq_ignore_ascii_case(b"\r\ncontent-length"))
            || name.contains("compact");
        for part in testkit::every_truncation(&bytes) {
            let read = parse(&Bytes::copy_from_slice(part));
            assert!(read.is_err() || !announced, "{name} cut at {}", part.len());
        }
    }
}

#[test]
fn well_formed_messages_come_out_of_a_stream_at_every_split() {
    let connection = ConnectionId(1);
    for (name, bytes) in files("valid").into_iter().filter(|(name, _)| name != "rfc-2543-invite") {
        for (a, b) in testkit::every_split(&bytes) {
            let mut endpoint = Endpoint::new(EndpointConfig::default(), Seed(1));
            let (now, address) = (testkit::epoch(), "192.0.2.1:5060".parse().unwrap());
            endpoint.handle_input(now, Input::StreamOpened { connection, local: address, remote: address });
            for part in [a, b] {
                endpoint.handle_input(now, Input::StreamData { connection, bytes: Bytes::copy_from_slice(part) });
                while endpoint.poll_output().is_some() {}
            }
            let counters = endpoint.counters();
            assert_eq!(counters.requests + counters.responses, 1, "{name} split at {}", a.len());
        }
    }
}

#[test]
fn malformed_messages_get_their_error() {
    let expected: &[(&str, ParseErrorKind)] = &[
        ("another-version", Version),
        ("call-id-with-blank", Invalid("Call-ID")),
        ("contact-not-an-address", Invalid("Contact")),
        ("content-length-beyond-the-end", BodyTruncated),
        ("content-length-negative", Invalid("Content-Length")),
        ("content-length-plus", Invalid("Content-Length")),
        ("cseq-of-another-method", CseqMethod),
        ("cseq-too-large", Invalid("CSeq")),
        ("lone-line-feed", HeaderLine),
        ("max-forwards-too-large", Invalid("Max-Forwards")),
        ("no-colon", HeaderLine),
        ("no-end", HeaderLine),
        ("no-via", Missing("Via")),
        ("not-sip", StartLine),
        ("not-utf-8", NotUtf8),
        ("session-expires-not-a-number", Invalid("Session-Expires")),
        ("status-of-four-digits", StartLine),
        ("status-out-of-range", StartLine),
        ("too-many-headers", TooManyHeaders),
        ("two-blanks", RequestUri),
        ("two-call-ids", Repeated("Call-ID")),
        ("two-content-lengths", Repeated("Content-Length")),
        ("unterminated-quote", Invalid("From")),
        ("uri-in-brackets", RequestUri),
        ("uri-with-headers", RequestUri),
        ("via-of-another-version", Invalid("Via")),
        ("via-with-empty-parameters", Invalid("Via")),
    ];
    let found: Vec<_> =
        files("malformed").iter().map(|(name, bytes)| (name.clone(), parse(bytes).map_err(|e| e.kind).err())).collect();
    let expected: Vec<_> = expected.iter().map(|(name, kind)| ((*name).to_owned(), Some(*kind))).collect();
    assert_eq!(found, expected);
}

#[test]
fn folding_and_compact_forms_are_understood() {
    let bytes = Bytes::from(std::fs::read(directory("valid/invite-compact-and-folded.sip")).unwrap());
    let Ok(Message::Request(invite)) = parse(&bytes) else { panic!("not a request") };
    assert_eq!((invite.cseq, invite.from.tag(), invite.call_id.as_str()), (7, Some("f1"), "folded@192.0.2.1"));
    assert_eq!(invite.session_expires().unwrap().seconds, 600);
    assert_eq!(invite.via.first().unwrap().branch(), Some("z9hG4bKfold"));
    assert_eq!(invite.media_type(), Some("application/sdp"));
    assert!(invite.contact().is_some() && invite.supports("timer"));
}

#[test]
fn values_in_one_field_and_in_several_are_one_list() {
    let bytes = Bytes::from(std::fs::read(directory("valid/invite-with-session-timer-and-record-route.sip")).unwrap());
    let Ok(Message::Request(invite)) = parse(&bytes) else { panic!("not a request") };
    assert_eq!(invite.via.len(), 2);
    assert_eq!(invite.headers.elements(Known::RecordRoute).count(), 2);
    assert_eq!(invite.from.display.as_deref(), Some(r#""Caller, \"the\" first""#));
    assert_eq!(invite.min_se(), Some(120));
}
