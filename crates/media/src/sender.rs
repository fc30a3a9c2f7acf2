//! The speaking half of a leg: from utterances and digits to packets, in real time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::codec::{ClockRate, Encoder};
use crate::comfort_noise::{self, Noise};
use crate::config::{IdleSending, LegConfig, LegMedia};
use crate::counters::{DropReason, LegCounters};
use crate::dtmf::{DtmfDigit, DtmfSender, Slot};
use crate::leg::{LegEvent, PlaySpan, PlayoutOutcome, UtteranceId};
use crate::packet::{Header, PacketQueue};
use crate::pcm_buffer::PcmBuffer;
use crate::playout::{Boundary, Filled, Heard, Playout};
use crate::rtcp::SentSoFar;

/// Packets that one tick may send: the one due, and one to catch up.
const BURST_PACKETS: usize = 2;

/// A schedule missed by more than this is given up: the time missed becomes a pause. Jitter buffers absorb less.
const SLIP_MAX: Duration = Duration::from_millis(100);

/// How often comfort noise is said again: whoever joins late hears of it, and NATs stay open.
const NOISE_INTERVAL: Duration = Duration::from_secs(1);

/// Everything of the speaking half.
pub(crate) struct Sender {
    media: LegMedia,
    clock_rate: ClockRate,
    encoder: Encoder,
    idle_sending: IdleSending,
    ssrc: u32,
    sequence: u16,
    sent: SentSoFar,
    /// Of the next sample to send.
    timestamp: u32,
    /// When the timestamp was `epoch_timestamp`, by the clock.
    epoch: Instant,
    epoch_timestamp: u32,
    spurt: Spurt,
    is_paused: bool,
    /// When what is hushed goes on by itself.
    hushed_until: Option<Instant>,
    /// After a burst nothing is sent before this, so that catching up is at twice the pace, never more.
    quiet_until: Instant,
    playout: Playout,
    dtmf: DtmfSender,
    announces_dtmf: bool,
    noise: Noise,
    /// When comfort noise is said again; `None` while there is audio.
    noise_due: Option<Instant>,
    frame: Vec<i16>,
    payload: Vec<u8>,
    /// Beginnings and endings of utterances, in order, whose sample has not sounded yet.
    boundaries: VecDeque<(Instant, LegEvent)>,
}

/// A talk-spurt is a run of packets without a pause (RFC 3551, section 4.1).
#[derive(Debug, Clone, Copy)]
enum Spurt {
    /// Nothing is sent.
    Quiet,
    /// The next packet is due at this time.
    Talking { due: Instant, marker: bool },
}

impl Sender {
    pub(crate) fn new(config: &LegConfig, now: Instant) -> Self {
        Self {
            media: config.media,
            clock_rate: config.clock_rate,
            encoder: Encoder::new(config.media.codec, config.clock_rate),
            idle_sending: config.idle_sending,
            ssrc: config.ssrc,
            sequence: config.first_sequence,
            sent: SentSoFar::default(),
            timestamp: config.first_timestamp,
            epoch: now,
            epoch_timestamp: config.first_timestamp,
            spurt: Spurt::Quiet,
            is_paused: false,
            hushed_until: None,
            quiet_until: now,
            playout: Playout::new(config.clock_rate),
            dtmf: DtmfSender::default(),
            announces_dtmf: false,
            noise: Noise::new(config.ssrc),
            noise_due: None,
            frame: Vec::new(),
            payload: Vec::new(),
            boundaries: VecDeque::new(),
        }
    }

    pub(crate) fn reconfigure(&mut self, now: Instant, media: LegMedia) {
        if media.codec != self.media.codec {
            // From here the timestamps may count at another rate.
            self.epoch_timestamp = self.timestamp_at(now);
            self.epoch = now;
            self.timestamp = self.epoch_timestamp;
            self.encoder = Encoder::new(media.codec, self.clock_rate);
        }
        self.media = media;
    }

    /// Queues an utterance, or says at once that it cannot be played.
    pub(crate) fn play(
        &mut self,
        now: Instant,
        utterance: UtteranceId,
        audio: PcmBuffer,
        span: PlaySpan,
        counters: &mut LegCounters,
    ) -> Option<LegEvent> {
        if self.playout.play(utterance, audio, span) {
            return None;
        }
        counters.dropped.add(DropReason::PlayQueue);
        let heard = Heard { played_samples: 0, position_samples: span.from };
        Some(finished(now, utterance, heard, PlayoutOutcome::Failed, self.clock_rate))
    }

    pub(crate) fn stop(
        &mut self,
        now: Instant,
        utterance: Option<UtteranceId>,
        fade_ms: u32,
        events: &mut VecDeque<LegEvent>,
    ) {
        let sounds = !self.is_paused && matches!(self.spurt, Spurt::Talking { .. });
        let samples_per_ms = self.clock_rate.samples_per_ms();
        let fade_samples = fade_ms.min(1000) * samples_per_ms;
        let rate = self.clock_rate;
        self.playout.stop(utterance, fade_samples as usize, sounds, |utterance, heard| {
            events.push_back(finished(now, utterance, heard, PlayoutOutcome::Stopped, rate));
        });
    }

    pub(crate) fn pause(&mut self) {
        self.is_paused = true;
    }

    pub(crate) fn resume(&mut self) {
        self.is_paused = false;
    }

    pub(crate) fn hush(&mut self, now: Instant, fade_ms: u32, at_most_ms: u32) {
        let sounds = !self.is_paused && matches!(self.spurt, Spurt::Talking { .. });
        let fade_samples = fade_ms.min(1000) * self.clock_rate.samples_per_ms();
        self.playout.hush(if sounds { fade_samples as usize } else { 0 });
        self.hushed_until = Some(now + Duration::from_millis(u64::from(at_most_ms)));
    }

    pub(crate) fn unhush(&mut self) {
        self.playout.unhush();
        self.hushed_until = None;
    }

    pub(crate) fn set_gain(&mut self, gain: f32) {
        self.playout.set_gain(gain);
    }

    /// Queues digits. They are dropped when too many wait, or when telephone events were not negotiated.
    pub(crate) fn dial(
        &mut self,
        digits: &[DtmfDigit],
        tone_ms: u32,
        gap_ms: u32,
        events: &mut VecDeque<LegEvent>,
        counters: &mut LegCounters,
    ) {
        let rate = self.timestamp_hz() / 1000;
        let can_send = self.media.sends && self.media.telephone_event.is_some();
        for digit in digits {
            let dialled = can_send && self.dtmf.dial(*digit, tone_ms.saturating_mul(rate), gap_ms.saturating_mul(rate));
            if !dialled {
                counters.dropped.add(DropReason::DigitQueue);
            }
        }
        if self.dtmf.is_dialling() {
            self.announces_dtmf = true;
        } else {
            events.push_back(LegEvent::DtmfSent);
        }
    }

    pub(crate) fn position(&self) -> Option<(UtteranceId, u64)> {
        let (utterance, samples) = self.playout.position()?;
        Some((utterance, samples / u64::from(self.clock_rate.samples_per_ms())))
    }

    /// Sends what is due, and reports what has ended.
    pub(crate) fn tick(
        &mut self,
        now: Instant,
        packets: &mut PacketQueue,
        events: &mut VecDeque<LegEvent>,
        counters: &mut LegCounters,
    ) {
        if self.hushed_until.is_some_and(|until| until <= now) {
            self.unhush();
        }
        let mut sent = 0;
        while packets.has_room() {
            match self.spurt {
                Spurt::Quiet => {
                    if !self.has_something() {
                        break;
                    }
                    self.start_spurt(now);
                }
                Spurt::Talking { due, .. } if due > now => break,
                Spurt::Talking { .. } if !self.has_something() => {
                    self.spurt = Spurt::Quiet;
                    break;
                }
                Spurt::Talking { due, .. } if now.saturating_duration_since(due) > SLIP_MAX => {
                    counters.schedule_slips += 1;
                    self.spurt = Spurt::Quiet;
                }
                Spurt::Talking { due, marker } => {
                    if now < self.quiet_until || sent == BURST_PACKETS {
                        break;
                    }
                    self.send(due, marker, packets, events, counters);
                    sent += 1;
                    if sent == BURST_PACKETS {
                        self.quiet_until = now + self.ptime();
                    }
                }
            }
        }
        while let Some((_, event)) = self.boundaries.pop_front_if(|(at, _)| *at <= now) {
            events.push_back(event);
        }
    }

    fn has_something(&self) -> bool {
        self.media.sends
            && (self.idle_sending != IdleSending::Nothing
                || (self.dtmf.is_dialling() && self.media.telephone_event.is_some())
                || (!self.is_paused && !self.playout.is_hushed() && self.playout.is_ready(self.samples_per_packet())))
    }

    /// A pause is over: the timestamp advances by the time that passed (RFC 3550, section 5.1), never backwards.
    fn start_spurt(&mut self, now: Instant) {
        let by_clock = self.timestamp_at(now);
        if by_clock.wrapping_sub(self.timestamp) < u32::MAX / 2 {
            self.timestamp = by_clock;
        }
        self.spurt = Spurt::Talking { due: now, marker: true };
    }

    /// The timestamp that stands for `now` on a line that never paused.
    pub(crate) fn timestamp_at(&self, now: Instant) -> u32 {
        let micros = u64::try_from(now.saturating_duration_since(self.epoch).as_micros()).unwrap_or(u64::MAX);
        let units = micros.saturating_mul(u64::from(self.timestamp_hz())) / 1_000_000;
        // Timestamps count modulo 2^32.
        self.epoch_timestamp.wrapping_add(units as u32)
    }

    /// Packets and their octets, for sender reports.
    pub(crate) fn sent(&self) -> SentSoFar {
        self.sent
    }

    fn timestamp_hz(&self) -> u32 {
        self.media.codec.timestamp_hz(self.clock_rate)
    }

    fn send(
        &mut self,
        due: Instant,
        marker: bool,
        packets: &mut PacketQueue,
        events: &mut VecDeque<LegEvent>,
        counters: &mut LegCounters,
    ) {
        let samples = self.samples_per_packet();
        let units = self.media.ptime.ms() * (self.timestamp_hz() / 1000);
        let marker_left;
        let slot = match self.media.telephone_event {
            Some(payload_type) => {
                let was_dialling = self.dtmf.is_dialling();
                let slot = self.dtmf.next_slot(units);
                if was_dialling && !self.dtmf.is_dialling() && std::mem::take(&mut self.announces_dtmf) {
                    events.push_back(LegEvent::DtmfSent);
                }
                (slot, payload_type)
            }
            None => (Slot::Free, self.media.payload_type),
        };
        match slot {
            (Slot::Event { payload, first, age }, payload_type) => {
                counters.dtmf_sent += u64::from(first);
                let header = self.header(payload_type, first, self.timestamp.wrapping_sub(age));
                self.emit(packets, header, &payload.to_octets(), counters);
                // Audio after the digit starts a talk-spurt.
                marker_left = true;
            }
            (Slot::Gap, _) if self.idle_sending == IdleSending::Nothing => marker_left = true,
            (Slot::Gap, _) => {
                self.frame.clear();
                self.frame.resize(samples, 0);
                self.send_frame(marker, packets, counters);
                marker_left = false;
            }
            (Slot::Free, _) => {
                let filled = self.fill(due, samples);
                let mut says_noise = None;
                match filled {
                    Filled::Audio => self.noise_due = None,
                    Filled::Underrun => counters.packets_underrun += 1,
                    Filled::Nothing => match (self.idle_sending, self.media.comfort_noise) {
                        (IdleSending::Nothing, _) => {
                            self.spurt = Spurt::Quiet;
                            return;
                        }
                        (IdleSending::Silence, _) => {}
                        (IdleSending::ComfortNoise, None) => self.noise.fill(comfort_noise::LEVEL, &mut self.frame),
                        (IdleSending::ComfortNoise, Some(payload_type)) => says_noise = Some(payload_type),
                    },
                }
                match says_noise {
                    Some(payload_type) => {
                        if self.noise_due.is_none_or(|at| at <= due) {
                            self.noise_due = Some(due + NOISE_INTERVAL);
                            let header = self.header(payload_type, false, self.timestamp);
                            self.emit(packets, header, &comfort_noise::LEVEL.to_octets(), counters);
                        }
                        // The audio after it starts a talk-spurt (RFC 3551, section 4.1).
                        marker_left = true;
                    }
                    None => {
                        self.send_frame(marker, packets, counters);
                        marker_left = false;
                    }
                }
            }
        }
        self.timestamp = self.timestamp.wrapping_add(units);
        self.spurt = Spurt::Talking { due: due + self.ptime(), marker: marker_left };
    }

    /// Fills the frame from the utterances, and notes what will have started and ended.
    fn fill(&mut self, due: Instant, samples: usize) -> Filled {
        self.frame.clear();
        self.frame.resize(samples, 0);
        if self.is_paused || self.playout.is_hushed() {
            return Filled::Nothing;
        }
        let rate = self.clock_rate;
        let boundaries = &mut self.boundaries;
        self.playout.fill(&mut self.frame, |boundary| match boundary {
            Boundary::Started { utterance, offset } => {
                let at = due + duration(offset, rate);
                boundaries.push_back((at, LegEvent::PlayoutStarted { utterance, at }));
            }
            Boundary::Finished { utterance, heard, outcome, offset } => {
                let at = due + duration(offset, rate);
                boundaries.push_back((at, finished(at, utterance, heard, outcome, rate)));
            }
        })
    }

    fn send_frame(&mut self, marker: bool, packets: &mut PacketQueue, counters: &mut LegCounters) {
        let mut payload = std::mem::take(&mut self.payload);
        payload.clear();
        self.encoder.encode(&self.frame, &mut payload);
        let header = self.header(self.media.payload_type, marker, self.timestamp);
        self.emit(packets, header, &payload, counters);
        self.payload = payload;
    }

    fn header(&self, payload_type: u8, marker: bool, timestamp: u32) -> Header {
        Header { marker, payload_type, sequence: self.sequence, timestamp, ssrc: self.ssrc }
    }

    fn emit(&mut self, packets: &mut PacketQueue, header: Header, payload: &[u8], counters: &mut LegCounters) {
        packets.push(header, payload);
        self.sequence = self.sequence.wrapping_add(1);
        counters.packets_sent += 1;
        self.sent.packets += 1;
        self.sent.octets += payload.len() as u64;
    }

    fn samples_per_packet(&self) -> usize {
        (self.media.ptime.ms() * self.clock_rate.samples_per_ms()) as usize
    }

    fn ptime(&self) -> Duration {
        Duration::from_millis(u64::from(self.media.ptime.ms()))
    }
}

fn duration(samples: usize, rate: ClockRate) -> Duration {
    Duration::from_micros(samples as u64 * 1_000_000 / u64::from(rate.hz()))
}

fn finished(at: Instant, utterance: UtteranceId, heard: Heard, outcome: PlayoutOutcome, rate: ClockRate) -> LegEvent {
    let played_ms = heard.played_samples / u64::from(rate.samples_per_ms());
    LegEvent::PlayoutFinished { utterance, at, played_ms, position_samples: heard.position_samples, outcome }
}
