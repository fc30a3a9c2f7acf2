//! Bytes as one SIP message, printed and read again.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sip::fuzz::message(data));
