//! What the fuzz targets call. A plain `cargo test` replays their corpora through the same functions.

use bytes::Bytes;

use crate::{Message, MessageLimits};

/// A message that can be read is printed and read again unchanged.
pub fn message(data: &[u8]) {
    let limits = MessageLimits::default();
    if let Ok(message) = Message::parse(&Bytes::copy_from_slice(data), &limits) {
        let printed = match &message {
            Message::Request(request) => request.print(),
            Message::Response(response) => response.print(),
        };
        assert_eq!(Message::parse(&printed, &MessageLimits { message_bytes_max: usize::MAX, ..limits }), Ok(message));
    }
}
