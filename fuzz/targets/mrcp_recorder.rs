//! Bytes as operations on a recorder.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    #[allow(clippy::disallowed_methods, reason = "the zero of virtual time")]
    let epoch = std::time::Instant::now();
    mrcp::fuzz::recorder(epoch, data);
});
