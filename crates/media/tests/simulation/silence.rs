//! Comfort noise (RFC 3389), both ways.

use media::{DropReason, IdleSending, PcmBuffer};

use crate::network::{Listener, Packet, Speaker, linear, ramp};

fn audio(sequence: u16, timestamp: u32) -> Packet {
    let payload = std::iter::repeat_n(3_i16.to_be_bytes(), 160).flatten().collect();
    Packet { marker: sequence == 1, payload_type: 96, sequence, timestamp, ssrc: 5, payload }
}

fn noise(payload_type: u8, sequence: u16, level: u8) -> Packet {
    Packet { marker: false, payload_type, payload: vec![level, 0, 0], ..audio(sequence, 320) }
}

/// Decibels below full scale.
fn level(samples: &[i16]) -> f64 {
    let power = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len() as f64;
    -10.0 * (power / 32_767_f64.powi(2)).log10()
}

#[test]
fn rtp_007_comfort_noise_is_heard_as_silence_of_its_level_until_audio_comes() {
    for (negotiated, payload_type) in [(None, 13), (Some(13), 13), (Some(98), 98)] {
        let mut config = linear();
        config.media.comfort_noise = negotiated;
        let mut listener = Listener::new(config);
        listener.receive(&audio(1, 160));
        listener.wait(20);
        listener.receive(&noise(payload_type, 2, 40));
        listener.wait(1_000);
        listener.receive(&Packet { marker: true, ..audio(3, 160 + 160 + 8_000) });
        let samples = listener.heard.samples();
        assert_eq!(samples.len(), 160 + 8_000 + 160, "the time line holds");
        assert!((level(&samples[160..8_160]) - 40.0).abs() < 1.0, "{}", level(&samples[160..8_160]));
        assert_eq!((samples[159], samples[8_160]), (3, 3));
        assert_eq!(listener.leg.counters().dropped.total(), 0);
        listener.wait(500);
        assert!(listener.heard.samples()[8_320..].iter().all(|sample| *sample == 0), "it was not said again");
    }
}

#[test]
fn comfort_noise_of_another_number_than_agreed_is_dropped() {
    let mut config = linear();
    config.media.comfort_noise = Some(98);
    let mut listener = Listener::new(config);
    listener.receive(&audio(1, 160));
    listener.receive(&noise(13, 2, 40));
    assert_eq!(listener.leg.counters().dropped.of(DropReason::PayloadType), 1);
}

#[test]
fn rtp_007_where_it_was_agreed_on_comfort_noise_is_said_each_second_between_prompts() {
    let mut config = linear();
    config.media.comfort_noise = Some(13);
    config.idle_sending = IdleSending::ComfortNoise;
    let mut speaker = Speaker::new(config);
    speaker.run(2_400);
    speaker.play(1, &PcmBuffer::from_samples(8_000, &ramp(320)));
    speaker.run(600);
    let seen: Vec<_> =
        speaker.sent.iter().map(|(at, p)| (*at, p.payload_type, p.sequence, p.timestamp, p.marker)).collect();
    let expected = [
        (0, 13, 0, 0, false),
        (1_000, 13, 1, 8_000, false),
        (2_000, 13, 2, 16_000, false),
        (2_400, 96, 3, 19_200, true),
        (2_420, 96, 4, 19_360, false),
        (2_440, 13, 5, 19_520, false),
    ];
    assert_eq!(seen, expected);
    assert_eq!(speaker.sent[0].1.payload, [62]);
}

#[test]
fn without_agreement_faint_noise_is_sent_between_prompts() {
    let mut config = linear();
    config.idle_sending = IdleSending::ComfortNoise;
    let mut speaker = Speaker::new(config);
    speaker.run(1_000);
    assert_eq!(speaker.sent.len(), 50);
    let below = level(&speaker.samples());
    assert!((below - 62.0).abs() < 1.5, "{below} dB below full scale");
}
