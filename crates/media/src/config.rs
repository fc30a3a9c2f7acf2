//! What a leg is told at its birth.

use crate::codec::{ClockRate, Codec};
use crate::concealment::Concealment;
use crate::srtp::SrtpKeys;

/// Audio per packet, in milliseconds: 10 to 60.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ptime(u8);

impl Ptime {
    /// 20 ms, what RFC 3551 recommends and every client offers.
    pub const DEFAULT: Self = Self(20);

    /// The packet time of an `a=ptime` line, or `None` outside of 10–60 ms.
    pub fn from_ms(ms: u32) -> Option<Self> {
        u8::try_from(ms).ok().filter(|ms| (10..=60).contains(ms)).map(Self)
    }

    /// In milliseconds.
    pub fn ms(self) -> u32 {
        u32::from(self.0)
    }
}

impl Default for Ptime {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How the two sides write audio: the negotiated `m=audio` line. A re-INVITE may change it; the sampling rate it may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegMedia {
    /// Encoding in both directions.
    pub codec: Codec,
    /// Payload type of the audio, in both directions.
    pub payload_type: u8,
    /// Payload type of telephone events (RFC 4733), when negotiated.
    pub telephone_event: Option<u8>,
    /// Payload type of comfort noise (RFC 3389), when negotiated.
    pub comfort_noise: Option<u8>,
    /// Audio per packet that we send. What comes in may have any length.
    pub ptime: Ptime,
    /// Whether we send: `recvonly` or `sendrecv` in the offer.
    pub sends: bool,
    /// Whether we listen: `sendonly` or `sendrecv` in the offer.
    pub receives: bool,
}

impl LegMedia {
    /// `codec` as `payload_type`, both ways, 20 ms packets, no telephone events.
    pub fn new(codec: Codec, payload_type: u8) -> Self {
        Self {
            codec,
            payload_type,
            telephone_event: None,
            comfort_noise: None,
            ptime: Ptime::DEFAULT,
            sends: true,
            receives: true,
        }
    }
}

/// Limits of the jitter buffer.
///
/// Packets in order are never delayed. These are limits of the wait for a packet that is missing while later ones are
/// there: the wait adapts between them to the jitter and lateness observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JitterConfig {
    /// The least wait for a missing packet, in milliseconds. Too small: a little reordering becomes loss.
    pub min_ms: u32,
    /// The longest wait, in milliseconds. Too large: one lost packet delays the recognizer by that much.
    pub max_ms: u32,
}

impl Default for JitterConfig {
    fn default() -> Self {
        Self { min_ms: 40, max_ms: 200 }
    }
}

/// What is sent while nothing is to be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdleSending {
    /// Nothing. The next packet has the marker bit and a timestamp advanced by the time that passed.
    #[default]
    Nothing,
    /// Silence, all the time, for peers that take a quiet port for a dead one.
    Silence,
    /// Comfort noise: a packet that says so now and then where that was negotiated (RFC 3389), else faint noise all the time.
    ComfortNoise,
}

/// Whether keys are looked for in the sound itself (ITU-T Q.23, Q.24). Costs 30 ms of delay and some arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InbandDtmf {
    /// No.
    #[default]
    Off,
    /// While telephone events are not negotiated.
    Auto,
    /// Always; a stream that carries telephone events is believed by these alone.
    On,
}

/// Everything a leg needs to know at its birth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegConfig {
    /// The negotiated media line.
    pub media: LegMedia,
    /// Sampling rate of what is played and captured, for the leg's life.
    pub clock_rate: ClockRate,
    /// Keys of SRTP: every packet is protected, and none is taken that is not. `None`: packets in clear.
    pub protection: Option<SrtpKeys>,
    /// Synchronization source of what we send; random (RFC 3550, section 8.1).
    pub ssrc: u32,
    /// Sequence number of the first packet we send; random (RFC 3550, section 5.1).
    pub first_sequence: u16,
    /// Timestamp that stands for the leg's birth; random (RFC 3550, section 5.1).
    pub first_timestamp: u32,
    /// The instant of the leg's birth as NTP time: seconds since 1900, and 32 binary places (RFC 3550, section 4).
    pub ntp_at_birth: u64,
    /// What is sent between prompts.
    pub idle_sending: IdleSending,
    /// Whether keys are looked for in the sound.
    pub inband_dtmf: InbandDtmf,
    /// Limits of the jitter buffer.
    pub jitter: JitterConfig,
    /// While capturing: the stream counts as paused, and silence is given to the sink in its place, when nothing has
    /// come for this many milliseconds. Too small: network jitter is heard as pauses. Too large: end of speech of a
    /// client that stops sending is noticed late.
    pub absent_after_ms: u32,
    /// While capturing and receiving: how long nothing at all may come before [`crate::LegEvent::PeerSilent`], in
    /// milliseconds; 0: for ever. Too small: a peer that sends nothing while its caller is silent is given up.
    pub silent_after_ms: u32,
    /// What stands in for lost packets.
    pub concealment: Concealment,
}

impl LegConfig {
    /// A leg with default limits.
    pub fn new(media: LegMedia, clock_rate: ClockRate, ssrc: u32) -> Self {
        Self {
            media,
            clock_rate,
            protection: None,
            ssrc,
            first_sequence: 0,
            first_timestamp: 0,
            ntp_at_birth: 0,
            idle_sending: IdleSending::Nothing,
            inband_dtmf: InbandDtmf::Off,
            jitter: JitterConfig::default(),
            absent_after_ms: 80,
            silent_after_ms: 0,
            concealment: Concealment::default(),
        }
    }

    /// Samples in a packet that we send.
    pub fn samples_per_packet(&self) -> usize {
        (self.media.ptime.ms() * self.clock_rate.samples_per_ms()) as usize
    }

    /// RTP timestamp units per second (RFC 3550, section 5.1).
    pub fn timestamp_hz(&self) -> u32 {
        self.media.codec.timestamp_hz(self.clock_rate)
    }
}
