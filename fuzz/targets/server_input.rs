//! Bytes as everything that a client can send: SIP, descriptions and MRCPv2, with engines and time between.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    #[allow(clippy::disallowed_methods, reason = "the zero of virtual time")]
    let epoch = std::time::Instant::now();
    session::fuzz::server_input(epoch, data);
});
