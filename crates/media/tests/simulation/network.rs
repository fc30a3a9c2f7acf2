//! A network between two legs on a virtual clock, with seeded loss, delay and reordering, and a sink that keeps all.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use media::{
    CaptureId, ClockRate, Codec, Leg, LegCommand, LegConfig, LegEvent, LegMedia, PcmBuffer, PcmOverrun, PcmSink,
    PlaySpan, UtteranceId,
};
use testkit::Clock;

/// A small generator (splitmix64): the same seed, the same network.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// What a sink heard.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<i16>>>);

impl Heard {
    pub(crate) fn samples(&self) -> Vec<i16> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl PcmSink for Heard {
    fn push(&mut self, samples: &[i16]) -> Result<(), PcmOverrun> {
        assert!(!samples.is_empty() && samples.len() <= 3200, "a push is 1 sample to 200 ms");
        self.0.lock().unwrap().extend_from_slice(samples);
        Ok(())
    }
}

/// The fields of a packet on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    pub(crate) payload: Vec<u8>,
}

impl Packet {
    pub(crate) fn read(octets: &[u8]) -> Self {
        Self {
            marker: octets[1] & 0x80 != 0,
            payload_type: octets[1] & 0x7f,
            sequence: u16::from_be_bytes([octets[2], octets[3]]),
            timestamp: u32::from_be_bytes(octets[4..8].try_into().unwrap()),
            ssrc: u32::from_be_bytes(octets[8..12].try_into().unwrap()),
            payload: octets[12..].to_vec(),
        }
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut octets = vec![0x80, (u8::from(self.marker) << 7) | self.payload_type];
        octets.extend(self.sequence.to_be_bytes());
        octets.extend(self.timestamp.to_be_bytes());
        octets.extend(self.ssrc.to_be_bytes());
        octets.extend(&self.payload);
        octets
    }
}

/// L16 at 8 kHz as payload type 96, events as 101.
pub(crate) fn linear() -> LegConfig {
    let mut media = LegMedia::new(Codec::L16, 96);
    media.telephone_event = Some(101);
    LegConfig::new(media, ClockRate::Hz8000, 0x1234)
}

/// Samples that tell where they are: no two near ones are equal, none is 0.
pub(crate) fn ramp(samples: usize) -> Vec<i16> {
    (0..samples).map(|n| (n % 30_000) as i16 + 1).collect()
}

/// A leg that listens, and the clock.
pub(crate) struct Listener {
    pub(crate) leg: Leg,
    pub(crate) clock: Clock,
    pub(crate) heard: Heard,
}

impl Listener {
    pub(crate) fn new(config: LegConfig) -> Self {
        let clock = Clock::new();
        let mut leg = Leg::new(config, clock.now());
        let heard = Heard::default();
        leg.command(clock.now(), LegCommand::Capture { capture: CaptureId(0), sink: Box::new(heard.clone()) });
        Self { leg, clock, heard }
    }

    pub(crate) fn receive(&mut self, packet: &Packet) {
        self.leg.receive(self.clock.now(), &packet.write());
    }

    /// Lets time pass, in ticks of 10 ms.
    pub(crate) fn wait(&mut self, ms: u64) {
        for _ in 0..ms / 10 {
            self.clock.advance(10);
            self.leg.tick(self.clock.now());
        }
    }

    pub(crate) fn events(&mut self) -> Vec<LegEvent> {
        std::iter::from_fn(|| self.leg.poll_event()).collect()
    }
}

/// Stands in events for an instant that is looked at elsewhere.
pub(crate) fn no_instant() -> Instant {
    static INSTANT: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(testkit::epoch);
    *INSTANT
}

/// A leg that speaks, and the packets it sent with their times.
pub(crate) struct Speaker {
    pub(crate) leg: Leg,
    pub(crate) clock: Clock,
    pub(crate) sent: Vec<(u64, Packet)>,
    /// Without their instants, which are in `sounded`.
    pub(crate) events: Vec<(u64, LegEvent)>,
    /// When what each event tells of sounded.
    pub(crate) sounded: Vec<Instant>,
}

impl Speaker {
    pub(crate) fn new(config: LegConfig) -> Self {
        let clock = Clock::new();
        Self { leg: Leg::new(config, clock.now()), clock, sent: Vec::new(), events: Vec::new(), sounded: Vec::new() }
    }

    pub(crate) fn play(&mut self, id: u64, audio: &PcmBuffer) {
        self.command(LegCommand::Play { utterance: UtteranceId(id), audio: audio.clone(), span: PlaySpan::ALL });
    }

    pub(crate) fn play_part(&mut self, id: u64, audio: &PcmBuffer, from: u64, until: Option<u64>) {
        let span = PlaySpan { from, until };
        self.command(LegCommand::Play { utterance: UtteranceId(id), audio: audio.clone(), span });
    }

    pub(crate) fn command(&mut self, command: LegCommand) {
        self.leg.command(self.clock.now(), command);
    }

    /// One tick now; returns how many packets left.
    pub(crate) fn tick(&mut self) -> usize {
        self.leg.tick(self.clock.now());
        let at = self.clock.elapsed_ms();
        let before = self.sent.len();
        while let Some(octets) = self.leg.poll_packet() {
            self.sent.push((at, Packet::read(octets)));
        }
        while let Some(mut event) = self.leg.poll_event() {
            let sounded = match &mut event {
                LegEvent::PlayoutStarted { at, .. } | LegEvent::PlayoutFinished { at, .. } => {
                    std::mem::replace(at, no_instant())
                }
                LegEvent::Dtmf { .. } | LegEvent::CaptureOverrun { .. } | LegEvent::DtmfSent | LegEvent::PeerSilent => {
                    no_instant()
                }
            };
            self.events.push((at, event));
            self.sounded.push(sounded);
        }
        self.sent.len() - before
    }

    /// Ticks now and each 10 ms, for `ms`.
    pub(crate) fn run(&mut self, ms: u64) {
        for _ in 0..ms / 10 {
            self.tick();
            self.clock.advance(10);
        }
    }

    /// The samples of all packets of L16, in the order sent.
    pub(crate) fn samples(&self) -> Vec<i16> {
        let payloads = self.sent.iter().filter(|(_, packet)| packet.payload_type != 101).map(|(_, packet)| packet);
        payloads
            .flat_map(|packet| packet.payload.chunks(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]])))
            .collect()
    }
}

/// A path with delay; what is in flight arrives when its time has come.
pub(crate) struct Path {
    random: Random,
    pub(crate) loss_percent: u64,
    pub(crate) jitter_ms: u64,
    in_flight: Vec<(Instant, Vec<u8>)>,
    pub(crate) lost: u64,
}

impl Path {
    pub(crate) fn new(seed: u64, loss_percent: u64, jitter_ms: u64) -> Self {
        Self { random: Random(seed), loss_percent, jitter_ms, in_flight: Vec::new(), lost: 0 }
    }

    /// `true` when the packet was lost.
    pub(crate) fn send(&mut self, now: Instant, octets: &[u8]) -> bool {
        let lost = self.random.below(100) < self.loss_percent;
        if lost {
            self.lost += 1;
        } else {
            let delay = 20 + if self.jitter_ms == 0 { 0 } else { self.random.below(self.jitter_ms + 1) };
            self.in_flight.push((now + Duration::from_millis(delay), octets.to_vec()));
        }
        lost
    }

    pub(crate) fn arrivals(&mut self, now: Instant) -> Vec<Vec<u8>> {
        self.in_flight.sort_by_key(|(at, _)| *at);
        let count = self.in_flight.iter().take_while(|(at, _)| *at <= now).count();
        self.in_flight.drain(..count).map(|(_, octets)| octets).collect()
    }
}
