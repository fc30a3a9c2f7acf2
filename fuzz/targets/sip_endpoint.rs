//! Bytes as datagrams to a SIP endpoint with dialogs.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    #[allow(clippy::disallowed_methods, reason = "the zero of virtual time")]
    let epoch = std::time::Instant::now();
    sip::fuzz::endpoint(epoch, data);
});
