//! Bytes as a stream of MRCPv2 messages.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mrcp::fuzz::message(data));
