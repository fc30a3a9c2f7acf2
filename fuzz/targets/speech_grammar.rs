//! Any grammar: URI, list, inline document; and what is said to it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| speech::fuzz::grammar(data));
