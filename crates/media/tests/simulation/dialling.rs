//! Digits from one leg to another.

use media::{DtmfDigit, Leg, LegCommand, LegEvent, PcmBuffer, PlaySpan, UtteranceId};
use testkit::Clock;

use crate::network::{Path, Speaker, linear, ramp};

fn keys(digits: &str) -> Vec<DtmfDigit> {
    digits.chars().map(|key| DtmfDigit::from_char(key).unwrap()).collect()
}

fn dial(digits: &str, seed: u64, loss_percent: u64, jitter_ms: u64) -> String {
    let mut clock = Clock::new();
    let mut path = Path::new(seed, loss_percent, jitter_ms);
    let (mut speaker, mut listener) = (Leg::new(linear(), clock.now()), Leg::new(linear(), clock.now()));
    speaker.command(clock.now(), LegCommand::SendDtmf { digits: keys(digits), tone_ms: 100, gap_ms: 80 });
    let mut heard = String::new();
    while clock.elapsed_ms() < 180 * digits.len() as u64 + 500 {
        speaker.tick(clock.now());
        while let Some(packet) = speaker.poll_packet() {
            path.send(clock.now(), packet);
        }
        for packet in path.arrivals(clock.now()) {
            listener.receive(clock.now(), &packet);
        }
        listener.tick(clock.now());
        while let Some(event) = listener.poll_event() {
            if let LegEvent::Dtmf { digit, .. } = event {
                heard.push(digit.as_char());
            }
        }
        clock.advance(10);
    }
    heard
}

#[test]
fn dtm_001_dtm_003_every_key_arrives_once() {
    assert_eq!(dial("0123456789*#ABCD", 1, 0, 0), "0123456789*#ABCD");
    assert_eq!(dial("1111222", 1, 0, 0), "1111222");
}

#[test]
fn dtm_003_loss_and_reordering_do_not_change_the_digits() {
    for seed in 0..30 {
        assert_eq!(dial("5550123#", seed, 20, 40), "5550123#", "seed {seed}");
    }
}

#[test]
fn digits_interrupt_audio_which_then_goes_on() {
    let mut speaker = Speaker::new(linear());
    let samples = ramp(1600);
    speaker.play(1, &PcmBuffer::from_samples(8000, &samples));
    speaker.run(100);
    speaker.command(LegCommand::SendDtmf { digits: keys("7"), tone_ms: 60, gap_ms: 60 });
    speaker.run(500);
    assert_eq!(speaker.samples(), samples);
    let events: Vec<_> = speaker.sent.iter().filter(|(_, packet)| packet.payload_type == 101).collect();
    // Two updates and three ends, all with the timestamp of the start.
    assert_eq!(events.len(), 5);
    assert!(events.iter().all(|(_, packet)| packet.timestamp == 800));
    assert_eq!(events.iter().filter(|(_, packet)| packet.marker).count(), 1);
    let numbers: Vec<u16> = speaker.sent.iter().map(|(_, packet)| packet.sequence).collect();
    assert_eq!(numbers, (0..numbers.len() as u16).collect::<Vec<_>>());
    let (at, resumed) = speaker.sent.iter().find(|(at, packet)| *at > 100 && packet.payload_type == 96).unwrap();
    assert!(resumed.marker && u64::from(resumed.timestamp) == at * 8);
    assert!(speaker.events.iter().any(|(_, event)| *event == LegEvent::DtmfSent));
}

#[test]
fn without_telephone_events_nothing_is_dialled_and_the_end_is_told() {
    let mut config = linear();
    config.media.telephone_event = None;
    let mut speaker = Speaker::new(config);
    speaker.command(LegCommand::SendDtmf { digits: keys("12"), tone_ms: 60, gap_ms: 60 });
    speaker.run(200);
    assert!(speaker.sent.is_empty());
    assert_eq!(speaker.events, [(0, LegEvent::DtmfSent)]);
    let utterance = UtteranceId(1);
    speaker.command(LegCommand::Play {
        utterance,
        audio: PcmBuffer::from_samples(8000, &ramp(160)),
        span: PlaySpan::ALL,
    });
    speaker.run(50);
    assert_eq!(speaker.sent.len(), 1, "audio still plays");
}
