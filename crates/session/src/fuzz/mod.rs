//! What the fuzz targets call: whole sessions behind a SIP endpoint and a control connection, on a virtual clock. A plain
//! `cargo test` replays their corpora through the same functions.

mod laws;
mod operations;
mod world;

use std::time::Instant;

pub use operations::operations;

use world::World;

/// Everything that a client can send: parts separated by a line of `%%`. The first byte of a part says what the rest is: `S` a SIP
/// datagram, `M` bytes on the control connection, anything else operations of engines, legs and time, two bytes each.
/// The laws of `operations` hold.
pub fn server_input(epoch: Instant, data: &[u8]) {
    let mut world = World::new(epoch);
    for part in split(data, b"\r\n%%\r\n") {
        match part.split_first() {
            Some((b'S', datagram)) => world.datagram(datagram),
            Some((b'M', bytes)) => world.control(bytes),
            Some((_, operations)) => {
                for operation in operations.chunks(2) {
                    world.happen(operation.first().copied().unwrap_or(0), operation.get(1).copied().unwrap_or(0));
                }
            }
            None => {}
        }
    }
    world.finish();
}

fn split<'a>(data: &'a [u8], by: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(data);
    std::iter::from_fn(move || {
        let text = rest?;
        match text.windows(by.len()).position(|window| window == by) {
            Some(at) => {
                rest = text.get(at + by.len()..);
                text.get(..at)
            }
            None => rest.take(),
        }
    })
}
