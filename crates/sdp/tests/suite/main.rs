//! The tests of `sdp` that go through its public surface, as one program.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod descriptions;
mod properties;
