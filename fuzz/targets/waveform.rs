//! Bytes as stored audio.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| media::fuzz::waveform(data));
