//! The listening half of a leg: from datagrams to audio in a sink and key presses.

use std::time::{Duration, Instant};

use crate::codec::{ClockRate, Codec, Decoder};
use crate::comfort_noise::{self, Level, Noise};
use crate::concealment::{Concealer, Concealment, FADE_MS};
use crate::config::{InbandDtmf, LegConfig, LegMedia};
use crate::counters::{DropReason, LegCounters};
use crate::dtmf::{DtmfDigit, DtmfReceiver, EventReport, InbandDetector, Tone};
use crate::interarrival_jitter::InterarrivalJitter;
use crate::jitter_buffer::{Arrival, Content, JitterBuffer, Release};
use crate::leg::{CaptureId, LegEvent};
use crate::packet::{self, Header};
use crate::pcm_buffer::PcmSink;
use crate::pre_roll::PreRoll;
use crate::reception::Reception;

/// The longest audio packet taken, in milliseconds. Nobody sends more than 100.
const PACKET_MS_MAX: usize = 200;

/// How far apart two packets may be to count as one new sequence.
const SETTLE_DISTANCE: u16 = 16;

/// Samples pushed at a time where there is no packet: 10 ms at 16 kHz.
const FILL_SAMPLES: usize = 160;

/// Silence given in one call when ticks were late, in milliseconds.
const SILENCE_MS_MAX: u32 = 500;

/// Most takers of one leg's audio: a recognizer, its saved waveform, a recorder, and one to spare.
const CAPTURES_MAX: usize = 4;

/// Keys found in the sound that may wait to be polled: more than anyone presses in the longest packet.
const TONES_MAX: usize = 8;

/// A telephone event so soon after the same key was heard in the sound is the same press: gateways let the beginning of the
/// tone through before they take it away.
const SAME_PRESS: Duration = Duration::from_secs(1);

/// Everything of the listening half.
pub(crate) struct Receiver {
    media: LegMedia,
    clock_rate: ClockRate,
    absent_after: Duration,
    buffer: JitterBuffer,
    jitter: InterarrivalJitter,
    dtmf: DtmfReceiver,
    inband_dtmf: InbandDtmf,
    /// Whether the stream carries telephone events: then its keys are these, whatever sounds.
    has_events: bool,
    /// The last key that was heard in the sound.
    last_tone: Option<(Instant, DtmfDigit)>,
    /// The source whose packets are taken.
    ssrc: Option<u32>,
    reception: Reception,
    /// A packet of another source or sequence, kept until a second one shows that it goes on.
    candidate: Option<Candidate>,
    silent_after: Duration,
    silence: Silence,
    capture: Capture,
}

struct Candidate {
    arrived: Instant,
    header: Header,
    payload: Vec<u8>,
}

/// Where audio goes, and what is known of the time line of the stream.
struct Capture {
    codec: Codec,
    clock_rate: ClockRate,
    decoder: Decoder,
    concealment: Concealment,
    /// One for each taker; all get the same samples.
    sinks: Vec<(CaptureId, Box<dyn PcmSink>)>,
    /// Takers that had no room and were dropped.
    overrun: Vec<CaptureId>,
    /// Timestamp that follows the last packet.
    expected: Option<u32>,
    /// When the last audio came, or capturing began.
    last_audio: Instant,
    /// Samples of silence given since then.
    absent: u64,
    /// Packets given up since the last audio.
    lost: u32,
    /// Samples of the last audio packet.
    packet_samples: u32,
    concealer: Concealer,
    frame: Vec<i16>,
    pre_roll: PreRoll,
    /// Looks for keys in what goes to the sinks, and takes them out.
    inband: Option<InbandDetector>,
    /// Found by it.
    tones: Vec<Tone>,
    given: Vec<i16>,
    /// The level of the peer's silence, since it said so until its next audio.
    noise_level: Option<Level>,
    noise: Noise,
}

/// How long nothing has come.
#[derive(Debug, Clone, Copy)]
enum Silence {
    /// Since the last packet, or since somebody listens.
    Since(Instant),
    /// For too long, and that was said.
    Reported,
}

impl Receiver {
    pub(crate) fn new(config: &LegConfig, now: Instant) -> Self {
        let timestamp_hz = config.timestamp_hz();
        Self {
            media: config.media,
            clock_rate: config.clock_rate,
            absent_after: Duration::from_millis(u64::from(config.absent_after_ms)),
            buffer: JitterBuffer::new(config.jitter),
            jitter: InterarrivalJitter::new(timestamp_hz, now),
            dtmf: DtmfReceiver::new(timestamp_hz),
            inband_dtmf: config.inband_dtmf,
            has_events: false,
            last_tone: None,
            ssrc: None,
            reception: Reception::default(),
            candidate: None,
            silent_after: Duration::from_millis(u64::from(config.silent_after_ms)),
            silence: Silence::Since(now),
            capture: Capture {
                codec: config.media.codec,
                clock_rate: config.clock_rate,
                decoder: Decoder::new(config.media.codec, config.clock_rate),
                concealment: config.concealment,
                sinks: Vec::new(),
                overrun: Vec::new(),
                expected: None,
                last_audio: now,
                absent: 0,
                lost: 0,
                packet_samples: 0,
                concealer: Concealer::new(config.concealment, config.clock_rate),
                frame: Vec::new(),
                pre_roll: PreRoll::default(),
                inband: inband(config.inband_dtmf, config.media, config.clock_rate),
                tones: Vec::new(),
                given: Vec::new(),
                noise_level: None,
                noise: Noise::new(config.ssrc),
            },
        }
    }

    pub(crate) fn reconfigure(&mut self, now: Instant, media: LegMedia, counters: &mut LegCounters) {
        // What waits was written with the old codec.
        self.flush(counters);
        if media.codec != self.media.codec {
            let timestamp_hz = media.codec.timestamp_hz(self.clock_rate);
            self.jitter = InterarrivalJitter::new(timestamp_hz, now);
            self.dtmf = DtmfReceiver::new(timestamp_hz);
            self.capture.codec = media.codec;
            self.capture.decoder = Decoder::new(media.codec, self.clock_rate);
        }
        self.media = media;
        self.capture.inband = inband(self.inband_dtmf, media, self.clock_rate);
        self.buffer.reset();
        self.capture.pre_roll.clear();
        self.capture.restart(now);
        self.silence = Silence::Since(now);
    }

    /// Gives audio to `sink` too. The time line begins with the first taker; others join it.
    pub(crate) fn capture(&mut self, now: Instant, capture: CaptureId, mut sink: Box<dyn PcmSink>) {
        self.stop_capture(capture);
        if self.capture.sinks.is_empty() {
            self.silence = Silence::Since(now);
        }
        self.capture.overrun.retain(|dropped| *dropped != capture);
        if self.capture.sinks.len() < CAPTURES_MAX {
            self.capture.recall(now, sink.as_mut());
            self.capture.sinks.push((capture, sink));
        } else {
            self.capture.overrun.push(capture);
        }
    }

    pub(crate) fn stop_capture(&mut self, capture: CaptureId) {
        let before = self.capture.sinks.len();
        self.capture.sinks.retain(|(id, _)| *id != capture);
        if self.capture.sinks.len() < before {
            // What this taker had is not given to the next one again.
            self.capture.pre_roll.clear();
        }
    }

    /// Takes a datagram. A key press that it reports for the first time is returned.
    pub(crate) fn receive(&mut self, now: Instant, datagram: &[u8], counters: &mut LegCounters) -> Option<LegEvent> {
        let Some((header, payload)) = packet::parse(datagram) else {
            counters.dropped.add(DropReason::Malformed);
            return None;
        };
        if !self.media.receives {
            counters.dropped.add(DropReason::NotReceiving);
            return None;
        }
        self.silence = Silence::Since(now);
        match self.ssrc {
            None => self.settle(header.ssrc, counters),
            Some(ssrc) if ssrc == header.ssrc => {}
            Some(_) => return self.unsettled(now, header, payload, counters),
        }
        match self.buffer.arrive(now, header.sequence, header.marker) {
            Arrival::Far => self.unsettled(now, header, payload, counters),
            Arrival::Late => {
                counters.packets_received += 1;
                counters.packets_late += 1;
                self.reception.packet(header.ssrc, header.sequence);
                // Its audio is past, but a key press is news still.
                self.press(now, header, payload, counters)
            }
            Arrival::Duplicate => {
                counters.packets_received += 1;
                counters.packets_duplicated += 1;
                self.reception.packet(header.ssrc, header.sequence);
                None
            }
            Arrival::Due { reordered } => {
                self.count(now, header, reordered, counters);
                let event = self.press(now, header, payload, counters);
                if let Content::Audio { timestamp } = self.content(header, payload, counters) {
                    self.capture.accept(now, timestamp, payload, counters);
                }
                self.release(now, counters);
                self.candidate_lapses(counters);
                event
            }
            Arrival::Waits { reordered } => {
                self.count(now, header, reordered, counters);
                let event = self.press(now, header, payload, counters);
                let content = self.content(header, payload, counters);
                let octets = if content == Content::Other { &[] } else { payload };
                self.buffer.hold(now, header.sequence, content, octets);
                self.release(now, counters);
                self.candidate_lapses(counters);
                event
            }
        }
    }

    /// The next key that was heard in the sound.
    pub(crate) fn poll_tone(&mut self, now: Instant, counters: &mut LegCounters) -> Option<LegEvent> {
        while let Some(Tone { digit, duration_ms }) = self.capture.tones.pop() {
            if !self.has_events {
                self.last_tone = Some((now, digit));
                counters.dtmf_received += 1;
                return Some(LegEvent::Dtmf { digit, duration_ms });
            }
        }
        None
    }

    /// Gives up what has been missing for too long, and fills the time when nothing comes.
    pub(crate) fn tick(&mut self, now: Instant, counters: &mut LegCounters) {
        if !self.buffer.is_empty() {
            self.release(now, counters);
        }
        if self.buffer.is_empty() {
            self.capture.fill_absence(now, self.absent_after, counters);
        }
    }

    /// Whether nothing has come for too long, while somebody listens and the peer was to send. True once for each silence.
    pub(crate) fn fell_silent(&mut self, now: Instant) -> bool {
        let Silence::Since(since) = self.silence else { return false };
        let is_awaited = self.media.receives && !self.capture.sinks.is_empty() && !self.silent_after.is_zero();
        if !is_awaited || now.saturating_duration_since(since) < self.silent_after {
            return false;
        }
        self.silence = Silence::Reported;
        true
    }

    /// The next taker that was dropped because it had no room.
    pub(crate) fn poll_overrun(&mut self) -> Option<CaptureId> {
        self.capture.overrun.pop()
    }

    /// What receiver reports say: the packets, and the jitter in timestamp units.
    pub(crate) fn reception(&mut self) -> (&mut Reception, u32) {
        (&mut self.reception, self.jitter.timestamp_units())
    }

    fn count(&mut self, now: Instant, header: Header, reordered: bool, counters: &mut LegCounters) {
        counters.packets_received += 1;
        counters.packets_reordered += u64::from(reordered);
        self.reception.packet(header.ssrc, header.sequence);
        if header.payload_type == self.media.payload_type {
            self.jitter.arrival(now, header.timestamp);
            counters.jitter_ms = self.jitter.ms();
        }
    }

    /// What the packet is in the sequence. Its payload is checked here, so that what is held is usable.
    fn content(&mut self, header: Header, payload: &[u8], counters: &mut LegCounters) -> Content {
        if header.payload_type == self.media.payload_type {
            let samples = self.media.codec.samples_in(payload, self.clock_rate);
            if (1..=PACKET_MS_MAX * self.clock_rate.samples_per_ms() as usize).contains(&samples) {
                return Content::Audio { timestamp: header.timestamp };
            }
            counters.dropped.add(DropReason::PayloadLength);
        } else if self.is_comfort_noise(header.payload_type) {
            // Its silence begins, or changes; where it ends the next audio tells by its timestamp.
            self.capture.noise_level = Level::parse(payload).or(self.capture.noise_level);
        } else if Some(header.payload_type) != self.media.telephone_event {
            counters.dropped.add(DropReason::PayloadType);
        }
        Content::Other
    }

    /// As negotiated; or by its static number, which peers use without asking.
    fn is_comfort_noise(&self, payload_type: u8) -> bool {
        match self.media.comfort_noise {
            Some(negotiated) => payload_type == negotiated,
            None => {
                payload_type == comfort_noise::STATIC_PAYLOAD_TYPE
                    && self.media.codec.timestamp_hz(self.clock_rate) == 8_000
                    && self.media.telephone_event != Some(payload_type)
            }
        }
    }

    fn press(&mut self, now: Instant, header: Header, payload: &[u8], counters: &mut LegCounters) -> Option<LegEvent> {
        if Some(header.payload_type) != self.media.telephone_event {
            return None;
        }
        self.has_events = true;
        match self.dtmf.receive(header.marker, header.timestamp, payload) {
            EventReport::Pressed { digit, .. }
                if self
                    .last_tone
                    .take()
                    .is_some_and(|(at, heard)| heard == digit && now.saturating_duration_since(at) < SAME_PRESS) =>
            {
                None
            }
            EventReport::Pressed { digit, duration } => {
                counters.dtmf_received += 1;
                let duration_ms = u32::from(duration) * 1000 / self.media.codec.timestamp_hz(self.clock_rate);
                Some(LegEvent::Dtmf { digit, duration_ms })
            }
            EventReport::Known => None,
            EventReport::NotAKey => {
                counters.dropped.add(DropReason::EventCode);
                None
            }
            EventReport::Malformed => {
                counters.dropped.add(DropReason::PayloadLength);
                None
            }
        }
    }

    fn settle(&mut self, ssrc: u32, counters: &mut LegCounters) {
        self.ssrc = Some(ssrc);
        self.reception.restart();
        self.buffer.reset();
        self.dtmf.reset();
        self.has_events = false;
        self.capture.expected = None;
        self.capture.lost = 0;
        self.capture.pre_roll.clear();
        if let Some(inband) = &mut self.capture.inband {
            inband.restart();
        }
        counters.streams += 1;
    }

    /// A packet of another source or sequence. One alone proves nothing (RFC 3550, appendix A.1); a second one makes
    /// it the stream, and the first one is used too.
    fn unsettled(
        &mut self,
        now: Instant,
        header: Header,
        payload: &[u8],
        counters: &mut LegCounters,
    ) -> Option<LegEvent> {
        let goes_on = |first: &Header| {
            let distance = header.sequence.wrapping_sub(first.sequence);
            first.ssrc == header.ssrc
                && distance != 0
                && (distance <= SETTLE_DISTANCE || distance.wrapping_neg() <= SETTLE_DISTANCE)
        };
        match self.candidate.take() {
            Some(first) if goes_on(&first.header) => {
                self.flush(counters);
                self.settle(header.ssrc, counters);
                // The two may be out of order; the buffer waits a moment unless the earlier one is marked.
                let one = self.take(first.arrived, first.header, &first.payload, counters);
                let two = self.take(now, header, payload, counters);
                self.release(now, counters);
                // Two packets of one stream hold two presses only if everything else of the first was lost.
                one.or(two)
            }
            previous => {
                if previous.is_some() {
                    counters.dropped.add(DropReason::Unsettled);
                }
                self.candidate = Some(Candidate { arrived: now, header, payload: payload.to_vec() });
                None
            }
        }
    }

    fn take(
        &mut self,
        arrived: Instant,
        header: Header,
        payload: &[u8],
        counters: &mut LegCounters,
    ) -> Option<LegEvent> {
        let arrival = self.buffer.arrive(arrived, header.sequence, header.marker);
        let reordered = match arrival {
            Arrival::Due { reordered } | Arrival::Waits { reordered } => reordered,
            Arrival::Late | Arrival::Duplicate | Arrival::Far => return None,
        };
        self.count(arrived, header, reordered, counters);
        let event = self.press(arrived, header, payload, counters);
        let content = self.content(header, payload, counters);
        match (arrival, content) {
            (Arrival::Due { .. }, Content::Audio { timestamp }) => {
                self.capture.accept(arrived, timestamp, payload, counters);
            }
            (Arrival::Due { .. }, Content::Other) => {}
            (_, content) => self.buffer.hold(arrived, header.sequence, content, payload),
        }
        event
    }

    /// The stream goes on, so the other packet was a stray.
    fn candidate_lapses(&mut self, counters: &mut LegCounters) {
        if self.candidate.take().is_some() {
            counters.dropped.add(DropReason::Unsettled);
        }
    }

    fn release(&mut self, now: Instant, counters: &mut LegCounters) {
        let jitter_ms = self.jitter.ms();
        while let Some(release) = self.buffer.release(now, jitter_ms) {
            self.capture.released(release, counters);
        }
    }

    fn flush(&mut self, counters: &mut LegCounters) {
        while let Some(release) = self.buffer.flush() {
            self.capture.released(release, counters);
        }
    }
}

impl Capture {
    /// A taker begins: it is given what came just before. The first one begins the time line with that.
    fn recall(&mut self, now: Instant, sink: &mut dyn PcmSink) {
        let recalled = self.pre_roll.recall(now, self.codec, self.clock_rate, self.concealment);
        // It holds the sound of a key still, if one sounds.
        let has_key = self.inband.as_ref().is_some_and(InbandDetector::sounds);
        if let Some(recalled) = recalled.as_ref().filter(|_| !has_key) {
            sink.pre_roll(&recalled.samples);
        }
        if !self.sinks.is_empty() {
            return;
        }
        self.restart(now);
        if let Some(recalled) = recalled {
            self.decoder = recalled.decoder;
            self.concealer = recalled.concealer;
            self.expected = Some(recalled.expected);
            self.last_audio = recalled.arrived;
        }
    }

    /// Capturing begins, or the stream does: nothing is expected.
    fn restart(&mut self, now: Instant) {
        self.expected = None;
        self.last_audio = now;
        self.absent = 0;
        self.lost = 0;
        self.concealer.restart();
        self.noise_level = None;
        if let Some(inband) = &mut self.inband {
            inband.forget_held();
        }
    }

    /// Whether anybody wants to hear.
    fn is_heard(&self) -> bool {
        !self.sinks.is_empty() || self.inband.is_some()
    }

    fn released(&mut self, release: Release<'_>, counters: &mut LegCounters) {
        match release {
            Release::Packet { content: Content::Audio { timestamp }, arrived, payload } => {
                self.accept(arrived, timestamp, payload, counters);
            }
            Release::Packet { content: Content::Other, .. } => {}
            Release::Lost(packets) => {
                counters.packets_lost += u64::from(packets);
                self.lost = self.lost.saturating_add(packets);
            }
        }
    }

    /// Takes the next audio packet in order.
    fn accept(&mut self, arrived: Instant, timestamp: u32, payload: &[u8], counters: &mut LegCounters) {
        let lost = std::mem::take(&mut self.lost);
        self.pre_roll.keep(arrived, timestamp, payload);
        let packet_samples = u32::try_from(self.codec.samples_in(payload, self.clock_rate)).unwrap_or(0);
        let timestamp_hz = u64::from(self.codec.timestamp_hz(self.clock_rate));
        let rate_hz = u64::from(self.clock_rate.hz());
        // Packets hold whole milliseconds, or 2.5 of Opus: nothing is lost by the division.
        let units = u64::from(packet_samples) * timestamp_hz / rate_hz;
        let expected = self.expected.replace(timestamp.wrapping_add(units as u32));
        if self.is_heard() {
            if let Some(expected) = expected {
                let gap = timestamp.wrapping_sub(expected);
                // More than half the range is a step back.
                let gap_samples = if gap > u32::MAX / 2 { 0 } else { u64::from(gap) * rate_hz / timestamp_hz };
                self.bridge(arrived, gap_samples, lost, packet_samples, counters);
            }
            let mut frame = std::mem::take(&mut self.frame);
            frame.clear();
            self.decoder.decode(payload, &mut frame);
            self.concealer.hear(&mut frame);
            self.push(&frame);
            counters.samples_captured += u64::from(packet_samples);
            self.frame = frame;
        }
        self.packet_samples = packet_samples;
        self.noise_level = None;
        self.last_audio = arrived;
        self.absent = 0;
    }

    /// Fills a gap of the time line: what was lost is concealed, the rest was a pause of the sender and is silence, as
    /// far as the clock agrees that time has passed. Silence given meanwhile counts.
    fn bridge(&mut self, arrived: Instant, gap: u64, lost: u32, packet_samples: u32, counters: &mut LegCounters) {
        if gap == 0 {
            return;
        }
        let missing = gap.saturating_sub(self.absent);
        let concealed = missing.min(u64::from(lost) * u64::from(self.packet_samples));
        let passed = samples_in(arrived.saturating_duration_since(self.last_audio), self.clock_rate);
        let silent =
            passed.saturating_sub(self.absent + concealed + u64::from(packet_samples)).min(missing - concealed);
        self.conceal(concealed);
        self.silence(silent);
        counters.samples_concealed += concealed;
        counters.samples_absent += silent;
    }

    fn conceal(&mut self, samples: u64) {
        let fade = u64::from(FADE_MS * self.clock_rate.samples_per_ms());
        let mut chunk = [0; FILL_SAMPLES];
        let mut left = samples.min(fade);
        while left > 0 {
            let part = chunk.get_mut(..left.min(FILL_SAMPLES as u64) as usize).unwrap_or_default();
            left -= part.len() as u64;
            self.concealer.replace(part);
            self.push(part);
        }
        self.silence(samples.saturating_sub(fade));
    }

    /// Silence in the place of what was never sent.
    fn silence(&mut self, samples: u64) {
        if samples > 0 {
            self.concealer.restart();
        }
        let mut chunk = [0; FILL_SAMPLES];
        let mut left = samples;
        while left > 0 && self.is_heard() {
            if let Some(level) = self.noise_level {
                self.noise.fill(level, &mut chunk);
            }
            let count = left.min(FILL_SAMPLES as u64) as usize;
            self.push(chunk.get(..count).unwrap_or_default());
            left -= count as u64;
        }
    }

    /// While nothing comes: silence in real time, `absent_after` behind the clock.
    fn fill_absence(&mut self, now: Instant, absent_after: Duration, counters: &mut LegCounters) {
        if !self.is_heard() {
            return;
        }
        let idle = now.saturating_duration_since(self.last_audio).saturating_sub(absent_after);
        let most = u64::from(SILENCE_MS_MAX * self.clock_rate.samples_per_ms());
        let due = samples_in(idle, self.clock_rate).saturating_sub(self.absent).min(most);
        self.silence(due);
        self.absent += due;
        counters.samples_absent += due;
    }

    fn push(&mut self, samples: &[i16]) {
        let Some(inband) = &mut self.inband else { return self.give(samples) };
        let mut given = std::mem::take(&mut self.given);
        given.clear();
        let tones = &mut self.tones;
        inband.process(samples, &mut given, |tone| {
            if tones.len() < TONES_MAX {
                tones.insert(0, tone);
            }
        });
        self.give(&given);
        self.given = given;
    }

    fn give(&mut self, samples: &[i16]) {
        let overrun = &mut self.overrun;
        self.sinks.retain_mut(|(capture, sink)| {
            let takes = sink.push(samples).is_ok();
            if !takes {
                overrun.push(*capture);
            }
            takes
        });
    }
}

fn inband(setting: InbandDtmf, media: LegMedia, rate: ClockRate) -> Option<InbandDetector> {
    let wanted = match setting {
        InbandDtmf::Off => false,
        InbandDtmf::Auto => media.telephone_event.is_none(),
        InbandDtmf::On => true,
    };
    (wanted && media.receives).then(|| InbandDetector::new(rate))
}

fn samples_in(duration: Duration, clock_rate: ClockRate) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).saturating_mul(u64::from(clock_rate.hz())) / 1_000_000
}
