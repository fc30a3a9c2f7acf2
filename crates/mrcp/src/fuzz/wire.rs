//! Arbitrary bytes as a stream.

use std::time::Instant;

use crate::connection::{Input, Output};
use crate::{Connection, ConnectionConfig, FrameError, Framer, Limits, Message, RequestState, StatusCode};

/// Small, so that short inputs reach them.
const LIMITS: Limits = Limits { message_bytes_max: 4096, header_bytes_max: 1024, headers_max: 16 };

/// Bytes give the same messages whole and byte by byte, and each message printed reads back the same.
pub fn message(bytes: &[u8]) {
    let mut whole = Framer::new(LIMITS);
    whole.push(bytes);
    let expected = read(&mut whole);

    let mut split = Framer::new(LIMITS);
    let mut found = Vec::new();
    for byte in bytes {
        split.push(std::slice::from_ref(byte));
        found.extend(read(&mut split));
        if matches!(found.last(), Some(Err(FrameError::Fatal(_)))) {
            break;
        }
    }
    assert_eq!(found, expected, "a stream reads the same however it is cut");

    for message in expected.into_iter().flatten() {
        let mut again = Framer::new(Limits::default());
        again.push(&message.encode());
        assert_eq!(again.next_message(), Some(Ok(message)), "what is printed reads back the same");
        assert_eq!(again.next_message(), None, "a message is one message");
    }
}

fn read(framer: &mut Framer) -> Vec<Result<Message, FrameError>> {
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

/// A connection that is fed the bytes in pieces and whose requests are answered or refused: it closes at most once, says
/// nothing after, and what it writes is MRCP.
pub fn connection(epoch: Instant, bytes: &[u8]) {
    let config = ConnectionConfig { limits: LIMITS, write_queue_bytes_max: 16 * 1024, ..ConnectionConfig::default() };
    let mut connection = Connection::new(config);
    let Some((piece, stream)) = bytes.split_first() else { return };
    let mut is_closed = false;
    for received in stream.chunks(usize::from(*piece).max(1)) {
        let mut next = Some(Input::Received(received));
        let mut answers = Vec::new();
        while let Some(input) = next.take() {
            connection.handle_input(epoch, input);
            while let Some(output) = connection.poll_output() {
                assert!(!is_closed, "output after the end");
                match output {
                    Output::Request(request) => answers.push(request),
                    Output::Write(octets) => {
                        assert!(octets.starts_with(b"MRCP/2.0 "), "what is written is MRCP");
                    }
                    Output::Close(_) => is_closed = true,
                }
            }
            next = answers.pop().map(|request| {
                if request.id.0 % 2 == 0 {
                    Input::Send(request.response(StatusCode::SUCCESS, RequestState::Complete).into())
                } else {
                    let (channel, request_id) = (request.channel, request.id);
                    Input::Refuse { channel, request_id, status: StatusCode::RESOURCE_NOT_ALLOCATED }
                }
            });
        }
    }
    if let Some(due) = connection.poll_timeout() {
        connection.handle_timeout(due);
        assert!(matches!(connection.poll_output(), Some(Output::Close(_))), "an unfinished message ends in time");
    }
    assert_eq!(connection.poll_timeout(), None);
}
