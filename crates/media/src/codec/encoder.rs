//! From samples to payloads.

use audio_codec::Encoder as _;
use audio_codec::g722::G722Encoder;
use audio_codec::pcma::PcmaEncoder;
use audio_codec::pcmu::PcmuEncoder;
use opus_rs::{Application, OpusEncoder};

use super::{ClockRate, Codec};

/// Opus at 16 kHz is transparent to speech here (RFC 7587, section 3.1.1 names 28–40 kbit/s for fullband speech).
const OPUS_BITS_PER_SECOND: i32 = 28_000;

/// Cheap and good enough: a step more costs a third more time.
const OPUS_COMPLEXITY: i32 = 5;

/// The largest Opus packet (RFC 6716, section 3.4), times the frames of 60 ms.
const OPUS_OCTETS_MAX: usize = 1_276 * 3;

/// Writes the payloads of one outgoing stream.
pub struct Encoder(State);

enum State {
    Pcmu,
    Pcma,
    L16,
    G722(Box<G722Encoder>),
    Opus(Box<OpusEncoder>),
    /// A codec at a rate that it does not have: it writes nothing.
    None,
}

impl Encoder {
    /// An encoder at the beginning of a stream.
    pub fn new(codec: Codec, sampling_rate: ClockRate) -> Self {
        Self(match codec {
            Codec::Pcmu => State::Pcmu,
            Codec::Pcma => State::Pcma,
            Codec::L16 => State::L16,
            Codec::G722 => State::G722(Box::new(G722Encoder::new())),
            Codec::Opus => {
                let rate = i32::try_from(sampling_rate.hz()).unwrap_or(16_000);
                match OpusEncoder::new(rate, 1, Application::Voip) {
                    Ok(mut encoder) => {
                        encoder.bitrate_bps = OPUS_BITS_PER_SECOND;
                        encoder.complexity = OPUS_COMPLEXITY;
                        State::Opus(Box::new(encoder))
                    }
                    Err(_) => State::None,
                }
            }
        })
    }

    /// Appends the encoded `samples`, a packet's worth, to `payload`. G.722 takes an even number; Opus takes 10, 20, 40 or
    /// 60 ms.
    pub fn encode(&mut self, samples: &[i16], payload: &mut Vec<u8>) {
        let start = payload.len();
        let octets = match &self.0 {
            State::Pcmu | State::Pcma => samples.len(),
            State::L16 => samples.len() * 2,
            State::G722(encoder) => encoder.max_encode_bytes(samples.len()),
            State::Opus(_) => OPUS_OCTETS_MAX,
            State::None => 0,
        };
        payload.resize(start + octets, 0);
        let target = payload.get_mut(start..).unwrap_or_default();
        // The target has the room that was asked for, the only thing the first three could object to.
        let written = match &mut self.0 {
            State::Pcmu => PcmuEncoder::new().encode_into(samples, target).unwrap_or(0),
            State::Pcma => PcmaEncoder::new().encode_into(samples, target).unwrap_or(0),
            State::G722(encoder) => encoder.encode_into(samples, target).unwrap_or(0),
            State::L16 => {
                for (octets, sample) in target.chunks_exact_mut(2).zip(samples) {
                    octets.copy_from_slice(&sample.to_be_bytes());
                }
                octets
            }
            State::Opus(encoder) => encoder.encode_i16(samples, samples.len(), target).unwrap_or(0),
            State::None => 0,
        };
        payload.truncate(start + written);
    }
}
