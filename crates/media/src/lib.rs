//! One RTP leg, sans-IO: packets, jitter buffer, playout, codecs, telephone events; and what engines need of audio
//! beside it: an endpointer and a resampler.
//!
//! A media worker owns many [`Leg`]s and drives each by the loop in its documentation, on an absolute 10 ms schedule.
//! Audio reaches a recognizer through a [`PcmSink`] and comes from a synthesizer in a [`PcmBuffer`]; neither blocks.
//! `docs/protocol/rtp.md` says what we do of each RFC.

mod codec;
mod comfort_noise;
mod concealment;
mod config;
mod counters;
mod dtmf;
mod endpointer;
pub mod figures;
pub mod fuzz;
mod interarrival_jitter;
mod jitter_buffer;
mod leg;
mod packet;
mod pcm_buffer;
mod pcm_ring;
mod peer_source;
mod playout;
mod pre_roll;
mod receiver;
mod reception;
pub mod resample;
mod rtcp;
mod sender;
mod srtp;
mod waveform;

pub use codec::{ClockRate, Codec, Decoder, Encoder};
pub use concealment::Concealment;
pub use config::{IdleSending, InbandDtmf, JitterConfig, LegConfig, LegMedia, Ptime};
pub use counters::{DropCounts, DropReason, LegCounters};
pub use dtmf::DtmfDigit;
pub use endpointer::{EndpointEvent, Endpointer, EndpointerConfig};
pub use figures::LegFigures;
pub use interarrival_jitter::InterarrivalJitter;
pub use leg::{CaptureId, Leg, LegCommand, LegEvent, PlaySpan, PlayoutOutcome, UtteranceId};
pub use pcm_buffer::{PcmBuffer, PcmOverrun, PcmSink, PcmState};
pub use pcm_ring::{RingReader, RingWriter, pcm_ring};
pub use peer_source::{Claim, Latching, PeerSource, RtpPeer, StreamHeader};
pub use resample::Resampler;
pub use rtcp::PeerReport;
pub use srtp::{Srtp, SrtpKey, SrtpKeys, SrtpSuite};
pub use waveform::{Waveform, WaveformError, WaveformFormat, WaveformWriter};
