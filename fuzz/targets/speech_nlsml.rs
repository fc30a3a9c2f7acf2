//! Any NLSML result.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| speech::fuzz::nlsml(data));
