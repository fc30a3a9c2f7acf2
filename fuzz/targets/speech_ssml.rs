//! Any body of a SPEAK.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| speech::fuzz::ssml(data));
