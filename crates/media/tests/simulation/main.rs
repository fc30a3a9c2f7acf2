//! Legs against each other and against scripted streams, on a virtual clock.
#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod comparing;
mod dialling;
mod laws;
mod listening;
mod network;
mod playing;
mod reporting;
mod silence;
mod speaking;
mod tones;
mod transport;
