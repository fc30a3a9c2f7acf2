//! One leg speaks, another listens, a path between them.

use media::{
    CaptureId, ClockRate, Codec, Decoder, Encoder, Leg, LegCommand, LegConfig, LegMedia, PcmBuffer, PlaySpan, Ptime,
    UtteranceId,
};
use testkit::Clock;

use crate::network::{Heard, Path, linear, ramp};

pub(crate) struct Outcome {
    pub(crate) heard: Vec<i16>,
    /// For each packet sent, in order: whether it was lost.
    lost: Vec<bool>,
    listener: Leg,
}

pub(crate) fn transport(config: &LegConfig, samples: &[i16], mut path: Path) -> Outcome {
    let mut clock = Clock::new();
    let mut speaker =
        Leg::new(LegConfig { first_sequence: 65_500, first_timestamp: u32::MAX - 99, ..config.clone() }, clock.now());
    let mut listener = Leg::new(config.clone(), clock.now());
    let heard = Heard::default();
    listener.command(clock.now(), LegCommand::Capture { capture: CaptureId(0), sink: Box::new(heard.clone()) });
    let audio = PcmBuffer::from_samples(config.clock_rate.hz(), samples);
    speaker.command(clock.now(), LegCommand::Play { utterance: UtteranceId(1), audio, span: PlaySpan::ALL });
    let mut lost = Vec::new();
    let duration_ms = samples.len() as u64 / u64::from(config.clock_rate.samples_per_ms());
    while clock.elapsed_ms() < duration_ms + 500 {
        speaker.tick(clock.now());
        while let Some(packet) = speaker.poll_packet() {
            lost.push(path.send(clock.now(), packet));
        }
        for packet in path.arrivals(clock.now()) {
            listener.receive(clock.now(), &packet);
        }
        listener.tick(clock.now());
        clock.advance(10);
    }
    Outcome { heard: heard.samples(), lost, listener }
}

/// What the codec makes of samples.
fn coded(codec: Codec, samples: &[i16]) -> Vec<i16> {
    let (mut payload, mut decoded) = (Vec::new(), Vec::new());
    Encoder::new(codec, ClockRate::Hz8000).encode(samples, &mut payload);
    Decoder::new(codec, ClockRate::Hz8000).decode(&payload, &mut decoded);
    decoded
}

/// Where `expected` begins in `heard`, whose front is silence.
fn start_of(heard: &[i16], expected: &[i16]) -> usize {
    let first = expected[..40].to_vec();
    heard.windows(40).position(|window| window == first).expect("the beginning is heard")
}

#[test]
fn rtp_002_every_codec_rate_and_packet_time_delivers_every_sample() {
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::L16] {
        for clock_rate in [ClockRate::Hz8000, ClockRate::Hz16000] {
            for ptime_ms in [10, 20, 25, 30, 40, 50, 60] {
                let mut media = LegMedia::new(codec, 97);
                media.ptime = Ptime::from_ms(ptime_ms).unwrap();
                let config = LegConfig::new(media, clock_rate, 7);
                // 777 ms and three samples: the last packet is never full.
                let samples = ramp(777 * clock_rate.samples_per_ms() as usize + 3);
                let outcome = transport(&config, &samples, Path::new(1, 0, 0));
                let expected = coded(codec, &samples);
                let start = start_of(&outcome.heard, &expected);
                let context = format!("{codec:?} {clock_rate:?} {ptime_ms} ms");
                let tail = start + expected.len();
                assert!(outcome.heard[start..tail] == expected, "{context}: all samples in order");
                let silence = coded(codec, &[0])[0];
                assert!(
                    outcome.heard[tail..].iter().all(|sample| *sample == silence || *sample == 0),
                    "{context}: silence after"
                );
                let counters = outcome.listener.counters();
                assert_eq!(
                    (counters.packets_lost, counters.samples_concealed, counters.dropped.total()),
                    (0, 0, 0),
                    "{context}"
                );
                assert_eq!(
                    outcome.lost.len() as u32,
                    (samples.len() as u32).div_ceil(config.samples_per_packet() as u32)
                );
            }
        }
    }
}

#[test]
fn rtp_003_reordering_within_the_wait_loses_nothing() {
    let samples = ramp(8000 * 10);
    for seed in 0..20 {
        // Delays of 20 to 55 ms reorder packets 20 ms apart.
        let outcome = transport(&linear(), &samples, Path::new(seed, 0, 35));
        let start = start_of(&outcome.heard, &samples);
        assert!(outcome.heard[start..start + samples.len()] == samples, "seed {seed}");
        let counters = outcome.listener.counters();
        assert!(counters.packets_reordered > 20, "seed {seed} reorders: {counters:?}");
        assert_eq!((counters.packets_lost, counters.packets_late), (0, 0), "seed {seed}");
    }
}

#[test]
fn with_loss_every_other_sample_keeps_its_place() {
    let samples = ramp(8000 * 20);
    for seed in 0..20 {
        let outcome = transport(&linear(), &samples, Path::new(seed, 5, 30));
        let lost = &outcome.lost;
        assert!(lost.iter().any(|lost| *lost));
        let first = lost.iter().position(|lost| !lost).unwrap();
        let start = start_of(&outcome.heard, &samples[first * 160..]);
        let last = lost.iter().rposition(|lost| !lost).unwrap();
        for (packet, expected) in samples.chunks(160).enumerate().take(last + 1).skip(first) {
            let at = start + (packet - first) * 160;
            if !lost[packet] {
                // What follows a loss is faded in within 10 ms.
                let joined = if packet > 0 && lost[packet - 1] { 80.min(expected.len()) } else { 0 };
                let heard = &outcome.heard[at + joined..at + expected.len()];
                assert!(heard == &expected[joined..], "seed {seed}: packet {packet}");
            }
        }
        let counters = outcome.listener.counters();
        let inner = lost[first..last].iter().filter(|lost| **lost).count() as u64;
        assert_eq!(counters.packets_lost, inner, "seed {seed}");
        assert_eq!(counters.samples_concealed, inner * 160, "seed {seed}");
    }
}

#[test]
fn rtp_003_heavy_jitter_teaches_the_buffer_to_wait() {
    // Beyond the least wait at first: some packets are late, then the wait has grown.
    let samples = ramp(8000 * 60);
    let outcome = transport(&linear(), &samples, Path::new(3, 0, 120));
    let counters = outcome.listener.counters();
    assert!(counters.jitter_ms > 10, "{counters:?}");
    assert!(counters.packets_late * 50 < outcome.lost.len() as u64, "under 2 % come too late: {counters:?}");
    assert_eq!(counters.packets_received, outcome.lost.len() as u64);
}

#[test]
fn audio_in_order_is_not_delayed() {
    let mut clock = Clock::new();
    let mut speaker = Leg::new(linear(), clock.now());
    let mut listener = Leg::new(linear(), clock.now());
    let heard = Heard::default();
    listener.command(clock.now(), LegCommand::Capture { capture: CaptureId(0), sink: Box::new(heard.clone()) });
    let audio = PcmBuffer::from_samples(8000, &ramp(8000));
    speaker.command(clock.now(), LegCommand::Play { utterance: UtteranceId(1), audio, span: PlaySpan::ALL });
    let mut packets = 0;
    for _ in 0..100 {
        speaker.tick(clock.now());
        while let Some(packet) = speaker.poll_packet() {
            listener.receive(clock.now(), packet);
            packets += 1;
            assert_eq!(heard.len(), packets * 160, "a packet in order is heard when it comes");
        }
        clock.advance(10);
    }
    assert_eq!(packets, 50);
}
