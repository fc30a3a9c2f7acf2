//! A whole server on loopback, with the fake engine, called by a real client.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod support;

mod calling;
mod connecting;
mod controlling;
mod fetching;
mod media;
mod protecting;
mod python;
mod recognizing;
mod recording;
mod robot;
mod serving;
mod speaking;
