//! Bytes as operations on a session with several channels.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    #[allow(clippy::disallowed_methods, reason = "the zero of virtual time")]
    let epoch = std::time::Instant::now();
    session::fuzz::operations(epoch, data);
});
