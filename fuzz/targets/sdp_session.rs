//! Bytes as a session description, which is then answered.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sdp::fuzz::session(data));
