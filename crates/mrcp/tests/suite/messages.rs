//! Messages on the wire: our own fixtures, and where they are at hand, RFC 6787's examples and recorded exchanges.

use std::path::{Path, PathBuf};

use mrcp::{
    EventName, FatalError, FrameError, Framer, HeaderName, Limits, Message, Method, Rejection, RequestId, RequestState,
    Resource, StatusCode,
};
use testkit::{every_split, every_truncation};

fn framer() -> Framer {
    Framer::new(Limits::default())
}

fn read_all(framer: &mut Framer) -> Vec<Result<Message, FrameError>> {
    let mut messages = Vec::new();
    while let Some(next) = framer.next_message() {
        let is_fatal = matches!(next, Err(FrameError::Fatal(_)));
        messages.push(next);
        if is_fatal {
            break;
        }
    }
    messages
}

fn read(bytes: &[u8]) -> Vec<Result<Message, FrameError>> {
    let mut framer = framer();
    framer.push(bytes);
    read_all(&mut framer)
}

#[track_caller]
pub(crate) fn read_one(bytes: &[u8]) -> Message {
    match read(bytes).as_slice() {
        [Ok(message)] => message.clone(),
        other => panic!("one message, not {other:?}"),
    }
}

#[track_caller]
fn rejected(bytes: &[u8]) -> Rejection {
    match read(bytes).as_slice() {
        [Err(FrameError::Rejected(rejection))] => rejection.clone(),
        other => panic!("one rejection, not {other:?}"),
    }
}

/// A message with its length filled in for `LEN`.
fn with_length(text: &str) -> Vec<u8> {
    let rest = text.len() - "LEN".len();
    let length = (1..).find(|length: &usize| rest + length.to_string().len() == *length).unwrap();
    text.replacen("LEN", &length.to_string(), 1).into_bytes()
}

fn fixtures() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    files(&directory, "msg")
}

pub(crate) fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    paths.sort();
    paths
}

/// Whole, cut in two at every byte, byte by byte, cut short at every byte, and printed again.
fn sweep(bytes: &[u8], name: &str) -> Message {
    let message = read_one(bytes);
    for (first, second) in every_split(bytes) {
        let mut framer = framer();
        framer.push(first);
        let mut messages = read_all(&mut framer);
        framer.push(second);
        messages.extend(read_all(&mut framer));
        assert_eq!(messages, [Ok(message.clone())], "{name} cut at {}", first.len());
    }
    let mut one_by_one = framer();
    for byte in bytes {
        assert_eq!(one_by_one.next_message(), None, "{name}");
        one_by_one.push(std::slice::from_ref(byte));
    }
    assert_eq!(read_all(&mut one_by_one), [Ok(message.clone())], "{name}");
    for cut in every_truncation(bytes) {
        assert_eq!(read(cut), [], "{name} cut short to {}", cut.len());
    }
    let encoded = message.encode();
    assert_eq!(read_one(&encoded), message, "{name} printed");
    assert_eq!(read_one(&encoded).encode(), encoded, "{name} printed twice");
    let pipelined = [bytes, b"\r\n", &encoded, bytes].concat();
    assert_eq!(read(&pipelined), [Ok(message.clone()), Ok(message.clone()), Ok(message.clone())], "{name} pipelined");
    message
}

#[test]
fn frm_014_every_fixture_reads_the_same_however_it_is_cut() {
    let paths = fixtures();
    assert!(paths.len() >= 8, "the fixtures are there");
    for path in paths {
        sweep(&std::fs::read(&path).unwrap(), &path.display().to_string());
    }
}

#[test]
fn a_request_of_a_stock_client_is_read_to_the_last_header() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/recognize-uri-list.msg");
    let Message::Request(request) = read_one(&std::fs::read(path).unwrap()) else { panic!("a request") };
    assert_eq!((request.method, request.id), (Method::Recognize, RequestId(1)));
    assert_eq!(request.channel.resource(), Some(Resource::SpeechRecog));
    assert_eq!(request.headers.content_type(), Some("text/uri-list"));
    assert_eq!(request.headers.boolean(&HeaderName::CancelIfQueue), Ok(Some(false)));
    assert_eq!(request.headers.text(&HeaderName::DtmfTermChar), Some("#"));
    assert_eq!(request.headers.fraction(&HeaderName::ConfidenceThreshold), Ok(Some(0.7)));
    assert_eq!(request.headers.vendor_parameters().value("com.example.y"), Some("two"));
    assert_eq!(request.body, "builtin:speech/transcribe\nbuiltin:dtmf/digits");
}

#[test]
fn frm_005_frm_006_an_event_is_told_from_a_response_and_a_request() {
    let event = with_length("MRCP/2.0 LEN SPEAK-COMPLETE 7 COMPLETE\r\nChannel-Identifier:1@speechsynth\r\n\r\n");
    let Message::Event(event) = read_one(&event) else { panic!("an event") };
    assert_eq!((event.name, event.id, event.state), (EventName::SpeakComplete, RequestId(7), RequestState::Complete));
    let response = with_length("MRCP/2.0 LEN 7 407 COMPLETE\r\nChannel-Identifier:1@speechsynth\r\n\r\n");
    let Message::Response(response) = read_one(&response) else { panic!("a response") };
    assert_eq!((response.status, response.state), (StatusCode::METHOD_FAILED, RequestState::Complete));
}

#[test]
fn frm_002_frm_009_the_version_is_two_integers_and_the_length_may_have_zeros() {
    let text = "MRCP/02.00 0000000069 STOP 1\r\nChannel-Identifier:1@speechrecog\r\n\r\n";
    assert_eq!(text.len(), 66, "count again when the text changes");
    assert_eq!(read_one(text.replace("0000000069", "0000000066").as_bytes()).id(), RequestId(1));
}

#[test]
fn hdr_001_hdr_002_hdr_003_hdr_004_hdr_015_folded_and_padded_headers_are_joined_and_trimmed() {
    let bytes = with_length(
        "MRCP/2.0 LEN STOP 1\r\nCHANNEL-IDENTIFIER:   1@speechrecog  \r\nLogging-Tag : a\r\n  b\r\n\tc\r\n\r\n",
    );
    let message = read_one(&bytes);
    assert_eq!(message.headers().logging_tag(), Some("a b c"));
}

#[test]
fn frm_012_lines_may_end_in_lf_alone() {
    let bytes = with_length(
        "MRCP/2.0 LEN SPEAK 1\nChannel-Identifier:1@speechsynth\nContent-Type:text/plain\nContent-Length:2\n\nhi",
    );
    assert_eq!(read_one(&bytes).body(), "hi");
}

#[test]
fn a_value_can_not_add_a_header() {
    let mut request = crate::common::request(Resource::SpeechRecog, "STOP 1", &[], "");
    request.headers.push(HeaderName::LoggingTag, "x\r\nVoice-Name: evil\r\n\r\nMRCP/2.0");
    let message = read_one(&Message::Request(request).encode());
    assert_eq!(message.headers().len(), 1);
}

#[test]
fn hdr_017_a_request_without_a_channel_is_406() {
    let rejection = rejected(&with_length("MRCP/2.0 LEN STOP 5\r\nLogging-Tag:1\r\n\r\n"));
    assert_eq!(
        (rejection.status, rejection.id, rejection.channel),
        (StatusCode::MANDATORY_HEADER_MISSING, RequestId(5), None)
    );
}

#[test]
fn frm_004_frm_013_frm_023_ghf_017_what_is_malformed_but_framed_is_rejected_and_the_stream_goes_on() {
    let good = with_length("MRCP/2.0 LEN STOP 9\r\nChannel-Identifier:1@speechrecog\r\n\r\n");
    for (text, status) in [
        ("MRCP/2.0 LEN STOP 5 200\r\nChannel-Identifier:1@speechrecog\r\n\r\n", StatusCode::UNSUPPORTED_ENTITY),
        ("MRCP/2.0 LEN  STOP 5\r\nChannel-Identifier:1@speechrecog\r\n\r\n", StatusCode::UNSUPPORTED_ENTITY),
        ("MRCP/2.0 LEN STOP 5\r\nChannel-Identifier:1\r\n\r\n", StatusCode::ILLEGAL_HEADER_VALUE),
        (
            "MRCP/2.0 LEN STOP 5\r\nChannel-Identifier:1@a\r\nChannel-Identifier:2@a\r\n\r\n",
            StatusCode::ILLEGAL_HEADER_VALUE,
        ),
        ("MRCP/2.0 LEN STOP 5\r\nChannel-Identifier:1@a\r\nno colon\r\n\r\n", StatusCode::UNSUPPORTED_ENTITY),
        ("MRCP/2.0 LEN STOP 5\r\nChannel-Identifier:1@a\r\n", StatusCode::UNSUPPORTED_ENTITY),
        ("MRCP/2.0 LEN STOP 5\r\nChannel-Identifier:1@a\r\nContent-Length:x\r\n\r\n", StatusCode::ILLEGAL_HEADER_VALUE),
        ("MRCP/2.0 LEN STOP 5\r\nChannel-Identifier:1@a\r\nContent-Length:3\r\n\r\nab", StatusCode::UNSUPPORTED_ENTITY),
        ("MRCP/2.0 LEN STOP 5\r\nChannel-Identifier:1@a\r\nContent-Length:1\r\n\r\nab", StatusCode::UNSUPPORTED_ENTITY),
        ("MRCP/2.0 LEN STOP 5\r\nChannel-Identifier:1@a\r\n\r\nab", StatusCode::UNSUPPORTED_ENTITY),
        ("MRCP/3.0 LEN STOP 5\r\nChannel-Identifier:1@a\r\n\r\n", StatusCode::VERSION_NOT_SUPPORTED),
    ] {
        let bytes = [with_length(text), good.clone()].concat();
        let messages = read(&bytes);
        let [Err(FrameError::Rejected(rejection)), Ok(after)] = messages.as_slice() else {
            panic!("a rejection and a message for {text:?}, not {messages:?}");
        };
        assert_eq!((rejection.status, rejection.id), (status, RequestId(5)), "{text:?}");
        assert!(rejection.is_request, "{text:?}");
        assert_eq!(after.id(), RequestId(9), "{text:?}");
    }
}

#[test]
fn frm_021_a_value_that_is_not_utf_8_is_404() {
    let mut bytes = with_length("MRCP/2.0 LEN STOP 5\r\nChannel-Identifier:1@a\r\nLogging-Tag:??\r\n\r\n");
    let at = bytes.iter().position(|byte| *byte == b'?').unwrap();
    bytes[at] = 0xff;
    let rejection = rejected(&bytes);
    assert_eq!(rejection.status, StatusCode::ILLEGAL_HEADER_VALUE);
    assert!(rejection.headers.contains(&HeaderName::LoggingTag));
}

#[test]
fn line_ends_after_the_body_are_not_part_of_it() {
    let bytes = with_length(
        "MRCP/2.0 LEN SPEAK 5\r\nChannel-Identifier:1@a\r\nContent-Type:text/plain\r\nContent-Length:2\r\n\r\nhi\r\n",
    );
    assert_eq!(read_one(&bytes).body(), "hi");
}

#[test]
fn frm_001_frm_015_frm_030_what_cannot_be_framed_is_fatal_and_stays_so() {
    for (bytes, error) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], FatalError::NotMrcp),
        (b"\x16\x03\x01\x02\x00", FatalError::NotMrcp),
        (b"MRCP/2.0 abc STOP 1\r\n", FatalError::NotMrcp),
        (b"MRCP/2.0 99999999999999999999 STOP 1\r\n", FatalError::NotMrcp),
        (b"MRCP/2.0 10 STOP 1\r\n", FatalError::LengthTooShort),
        (b"MRCP/2.0 22 STOP never\r\n\r\n", FatalError::LengthTooShort),
        (b"MRCP/2.0 26 STOP never\r\n\r\n", FatalError::NoRequestId),
        (b"MRCP/2.0 31 STOP 4294967296\r\n\r\n", FatalError::NoRequestId),
    ] {
        let mut framer = framer();
        framer.push(bytes);
        let expected = Some(Err(FrameError::Fatal(error)));
        assert_eq!(framer.next_message(), expected, "{:?}", String::from_utf8_lossy(bytes));
        framer.push(b"MRCP/2.0 64 STOP 1\r\nChannel-Identifier:1@speechrecog\r\n\r\n");
        assert_eq!(framer.next_message(), expected);
    }
    let mut framer = framer();
    framer.push(&[b'M', b'R', b'C', b'P', b'/'].repeat(200));
    assert_eq!(framer.next_message(), Some(Err(FrameError::Fatal(FatalError::StartLineTooLong))));
}

#[test]
fn frm_015_the_largest_request_id_is_read() {
    let bytes = with_length("MRCP/2.0 LEN STOP 4294967295\r\nChannel-Identifier:1@speechrecog\r\n\r\n");
    assert_eq!(read_one(&bytes).id(), RequestId(u32::MAX));
}

#[test]
fn frm_011_a_message_beyond_the_limit_is_504_and_skipped_however_it_is_cut() {
    let limits = Limits { message_bytes_max: 300, header_bytes_max: 200, ..Limits::default() };
    let body = "x".repeat(400);
    let big = with_length(&format!(
        "MRCP/2.0 LEN SPEAK 5\r\nChannel-Identifier:1@speechsynth\r\nContent-Length:400\r\n\r\n{body}"
    ));
    let good = with_length("MRCP/2.0 LEN STOP 9\r\nChannel-Identifier:1@speechrecog\r\n\r\n");
    let stream = [big, good].concat();
    for (first, second) in every_split(&stream) {
        let mut framer = Framer::new(limits);
        framer.push(first);
        let mut messages = read_all(&mut framer);
        framer.push(second);
        messages.extend(read_all(&mut framer));
        let [Err(FrameError::Rejected(rejection)), Ok(after)] = messages.as_slice() else { panic!("{messages:?}") };
        assert_eq!((rejection.status, rejection.id), (StatusCode::MESSAGE_TOO_LARGE, RequestId(5)));
        assert_eq!(rejection.channel.as_deref(), Some("1@speechsynth"));
        assert_eq!(after.id(), RequestId(9));
    }
}

#[test]
fn frm_003_a_gigantic_message_is_skipped_without_being_kept() {
    let mut framer = framer();
    framer.push(b"MRCP/2.0 9999999999999999999 SPEAK 5\r\nChannel-Identifier:1@speechsynth\r\n\r\n");
    assert!(matches!(read_all(&mut framer).as_slice(), [Err(FrameError::Rejected(_))]));
    for _ in 0..1000 {
        framer.push(&[b'x'; 1000]);
        assert_eq!(framer.next_message(), None);
    }
    assert!(framer.is_in_message());
}

#[test]
fn too_many_headers_are_504() {
    let many = "X: y\r\n".repeat(200);
    let rejection = rejected(&with_length(&format!("MRCP/2.0 LEN STOP 5\r\nChannel-Identifier:1@a\r\n{many}\r\n")));
    assert_eq!(rejection.status, StatusCode::MESSAGE_TOO_LARGE);
    let long = "y".repeat(70_000);
    let rejection =
        rejected(&with_length(&format!("MRCP/2.0 LEN STOP 5\r\nChannel-Identifier:1@a\r\nX:{long}\r\n\r\n")));
    assert_eq!(rejection.status, StatusCode::MESSAGE_TOO_LARGE);
}

/// Examples of the RFC that contradict its own grammar, with what we make of them.
const RFC_TYPOS: [(&str, &str); 6] = [
    ("003", "an event line with a status"),
    ("024", "a response line that ends in @speechsynth"),
    ("060", "a request line with a status"),
    ("081", "an event line with a status"),
    ("084", "an event line with a status"),
    ("133", "no Channel-Identifier"),
];

#[test]
fn frm_001_frm_014_the_examples_of_rfc_6787_read_the_same_however_they_are_cut() {
    let Some(directory) = testkit::shared_material("suites/rfc6787-examples/mrcp") else { return };
    let paths = files(&directory, "msg");
    assert!(paths.len() > 100, "the examples are there");
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        if RFC_TYPOS.iter().any(|(number, _)| name.starts_with(number)) {
            assert!(!matches!(read(&bytes).as_slice(), [Ok(_)]), "{name} is not a message");
            for (first, second) in every_split(&bytes) {
                let mut framer = framer();
                framer.push(first);
                let _ = read_all(&mut framer);
                framer.push(second);
                let _ = read_all(&mut framer);
            }
        } else {
            sweep(&bytes, &name);
        }
    }
}

#[test]
fn every_message_of_recorded_exchanges_is_read_and_told_apart() {
    let mut messages = 0;
    for product in ["freeswitch", "asterisk", "unimrcp"] {
        let Some(directory) = testkit::shared_material(&format!("traces/{product}")) else { return };
        // A probe sends what no client would.
        let is_probe =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("probe"));
        for path in files(&directory, "txt").into_iter().filter(|path| !is_probe(path)) {
            let trace = std::fs::read(&path).unwrap();
            for bytes in recorded(&trace) {
                messages += 1;
                let read = read(&bytes);
                let shown = String::from_utf8_lossy(&bytes).into_owned();
                let [Ok(message)] = read.as_slice() else { panic!("{}: {read:?} in {shown}", path.display()) };
                match message {
                    Message::Request(request) => {
                        assert!(!matches!(request.method, Method::Other(_)), "{}: {shown}", path.display());
                    }
                    Message::Event(event) => {
                        assert!(!matches!(event.name, EventName::Other(_)), "{}: {shown}", path.display());
                    }
                    Message::Response(response) => assert!(response.status.is_success(), "{}: {shown}", path.display()),
                }
            }
        }
    }
    assert!(messages > 500, "only {messages} messages found");
}

/// The MRCP messages of a trace. Traces show text, in which line ends are not always those of the wire, so each message
/// is put together again from its lines.
pub(crate) fn recorded(trace: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(trace).replace("\r\n", "\n");
    let mut messages = Vec::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("MRCP/2.0 ") {
        let is_line_start = at == 0 || rest[..at].ends_with('\n');
        rest = &rest[at..];
        if !is_line_start {
            rest = &rest[1..];
            continue;
        }
        let Some((head, tail)) = rest.split_once("\n\n") else { break };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .map_or(0, |value| value.trim().parse::<usize>().unwrap());
        let mut lines = head.lines();
        let start: Vec<&str> = lines.next().unwrap().splitn(3, ' ').collect();
        let headers: Vec<&str> = lines.filter(|line| !line.starts_with("Content-Length")).collect();
        // The text of a body may have lost carriage returns: take what is there, up to the next frame of the trace.
        let body: String = tail.chars().take(length).collect();
        let body = body.split("\n===").next().unwrap_or_default().split("\n<end without").next().unwrap_or_default();
        let mut message = format!("MRCP/2.0 LEN {}\r\n{}\r\n", start[2], headers.join("\r\n"));
        if length > 0 {
            message.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        message.push_str("\r\n");
        message.push_str(body);
        messages.push(with_length(&message));
        rest = &rest[head.len()..];
    }
    messages
}
