//! The tests of `mrcp` that go through its public surface, as one program.

mod common;
mod connection;
mod corpus;
mod messages;
mod params;
mod properties;
mod recognizer;
mod synthesizer;
