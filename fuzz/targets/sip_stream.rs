//! Bytes as what a peer sends on one SIP connection, whole and cut in two.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    #[allow(clippy::disallowed_methods, reason = "the zero of virtual time")]
    let epoch = std::time::Instant::now();
    sip::fuzz::stream(epoch, data);
});
