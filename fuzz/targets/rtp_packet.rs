//! Any datagram on an RTP port.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| media::fuzz::rtp_packet(data));
