//! Any sequence of packets, commands and ticks on one leg.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    #[allow(clippy::disallowed_methods, reason = "the zero of virtual time")]
    let start = std::time::Instant::now();
    media::fuzz::media_leg(start, data);
});
