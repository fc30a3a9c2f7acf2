//! Any SRGS document, of either form, and what is said and keyed to it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| speech::fuzz::srgs(data));
