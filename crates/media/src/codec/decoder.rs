//! From payloads to samples.

use std::panic::{AssertUnwindSafe, catch_unwind};

use audio_codec::Decoder as _;
use audio_codec::g722::G722Decoder;
use audio_codec::pcma::PcmaDecoder;
use audio_codec::pcmu::PcmuDecoder;
use opus_rs::OpusDecoder;

use super::{ClockRate, Codec, opus_packet};

/// Reads the payloads of one incoming stream.
pub struct Decoder {
    sampling_rate: ClockRate,
    state: State,
}

enum State {
    Pcmu,
    Pcma,
    L16,
    G722(Box<G722Decoder>),
    Opus {
        decoder: Box<OpusDecoder>,
        decoded: Vec<f32>,
    },
    /// A codec at a rate that it does not have: it reads nothing.
    None,
}

impl Decoder {
    /// A decoder at the beginning of a stream.
    pub fn new(codec: Codec, sampling_rate: ClockRate) -> Self {
        let state = match codec {
            Codec::Pcmu => State::Pcmu,
            Codec::Pcma => State::Pcma,
            Codec::L16 => State::L16,
            Codec::G722 => State::G722(Box::new(G722Decoder::new())),
            Codec::Opus => opus(sampling_rate),
        };
        Self { sampling_rate, state }
    }

    /// Appends the samples of `payload`, as many as [`Codec::samples_in`] says. What is malformed becomes silence of that
    /// length, so that the time line holds.
    pub fn decode(&mut self, payload: &[u8], samples: &mut Vec<i16>) {
        let start = samples.len();
        let count = match &self.state {
            State::Pcmu | State::Pcma => payload.len(),
            State::L16 => payload.len() / 2,
            State::G722(_) => payload.len().saturating_mul(2),
            State::Opus { .. } => opus_packet::samples(payload, self.sampling_rate),
            State::None => 0,
        };
        samples.resize(start + count, 0);
        let target = samples.get_mut(start..).unwrap_or_default();
        match &mut self.state {
            // The target has the room that each needs, the only thing these can object to.
            State::Pcmu => _ = PcmuDecoder::new().decode_into(payload, target),
            State::Pcma => _ = PcmaDecoder::new().decode_into(payload, target),
            State::G722(decoder) => _ = decoder.decode_into(payload, target),
            State::L16 => {
                for (sample, octets) in target.iter_mut().zip(payload.chunks_exact(2)) {
                    if let Ok(octets) = <[u8; 2]>::try_from(octets) {
                        *sample = i16::from_be_bytes(octets);
                    }
                }
            }
            State::Opus { decoder, decoded } => {
                decoded.clear();
                decoded.resize(count, 0.0);
                // A fault of the library on a hostile packet costs that packet, not the calls of this thread.
                let outcome = catch_unwind(AssertUnwindSafe(|| decoder.decode(payload, count, decoded)));
                match outcome {
                    Ok(Ok(_)) => crate::resample::to_i16_into(decoded, target),
                    Ok(Err(_)) => {}
                    Err(_) => self.state = opus(self.sampling_rate),
                }
            }
            State::None => {}
        }
    }
}

fn opus(sampling_rate: ClockRate) -> State {
    let rate = i32::try_from(sampling_rate.hz()).unwrap_or(16_000);
    match OpusDecoder::new(rate, 1) {
        Ok(decoder) => State::Opus { decoder: Box::new(decoder), decoded: Vec::new() },
        Err(_) => State::None,
    }
}
