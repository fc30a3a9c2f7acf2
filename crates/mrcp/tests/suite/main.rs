//! The tests of `mrcp` that go through its public surface, as one program.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
mod connection;
mod corpus;
mod exchanges;
mod headers;
mod messages;
mod params;
mod properties;
mod recognizer;
mod recognizer_hotword;
mod recognizer_interpret;
mod recognizer_requests;
mod recorder;
mod synthesizer;
