//! What was sent and what was received, compared as one would by ear: level, noise, clicks, gaps; and the clock.

use std::sync::{Arc, Mutex};

use media::{
    CaptureId, ClockRate, Codec, Leg, LegCommand, LegConfig, LegMedia, PcmBuffer, PcmOverrun, PcmSink, PlaySpan, Ptime,
    UtteranceId,
};
use testkit::{Clock, compare};

use crate::network::{Packet, Path, Random, linear};
use crate::transport::transport;

/// Speech with pauses.
fn said(rate: ClockRate) -> Vec<i16> {
    let pause = vec![0; 200 * rate.samples_per_ms() as usize];
    [testkit::babble(rate.hz(), 500), pause.clone(), testkit::babble(rate.hz(), 700), pause].concat()
}

/// The least distance of the noise from the sound, in dB; the codec's own quantization.
fn noise_db_min(codec: Codec) -> f64 {
    match codec {
        Codec::L16 => 90.0,
        Codec::Pcmu | Codec::Pcma => 30.0,
        Codec::G722 => 12.0,
        Codec::Opus => 4.0,
    }
}

#[test]
fn rtp_002_what_is_received_sounds_as_it_was_sent_for_each_codec_and_packet_time() {
    let lines = [
        (Codec::Pcmu, ClockRate::Hz8000),
        (Codec::Pcma, ClockRate::Hz8000),
        (Codec::L16, ClockRate::Hz8000),
        (Codec::L16, ClockRate::Hz16000),
        (Codec::G722, ClockRate::Hz16000),
        (Codec::Opus, ClockRate::Hz16000),
    ];
    for (codec, rate) in lines {
        let sent = said(rate);
        for ptime_ms in [10, 20, 30, 40, 60] {
            // Opus has no packets of 30 ms.
            if codec == Codec::Opus && ptime_ms == 30 {
                continue;
            }
            let mut media = LegMedia::new(codec, 97);
            media.ptime = Ptime::from_ms(ptime_ms).unwrap();
            let outcome = transport(&LegConfig::new(media, rate, 7), &sent, Path::new(1, 0, 0));
            let found = compare(&sent, &outcome.heard, rate.hz(), 150);
            println!("{codec:?} {} Hz, {ptime_ms} ms: {found:?}", rate.hz());
            let context = format!("{codec:?} {} Hz, {ptime_ms} ms: {found:?}", rate.hz());
            assert!(found.level_db.abs() < 0.6, "{context}");
            assert!(found.noise_db > noise_db_min(codec), "{context}");
            assert_eq!((found.clicks, found.gap_ms), (0, 0), "{context}");
        }
    }
}

#[test]
fn rtp_003_what_was_lost_leaves_neither_gap_nor_click() {
    let sent = said(ClockRate::Hz8000);
    for seed in 0..20 {
        let outcome = transport(&linear(), &sent, Path::new(seed, 5, 0));
        let found = compare(&sent, &outcome.heard, 8000, 150);
        // Three packets in a row are lost at times: more than what is repeated lasts.
        assert!(found.clicks <= 2 && found.gap_ms <= 20, "seed {seed}: {found:?}");
    }
}

/// Counts what it is given.
#[derive(Clone, Default)]
struct Count(Arc<Mutex<u64>>);

impl PcmSink for Count {
    fn push(&mut self, samples: &[i16]) -> Result<(), PcmOverrun> {
        *self.0.lock().unwrap() += samples.len() as u64;
        Ok(())
    }
}

#[test]
fn rtp_003_two_hours_of_playout_keep_to_the_clock_and_lose_no_sample() {
    const HOURS_MS: u64 = 2 * 3_600_000;
    let mut media = LegMedia::new(Codec::Pcmu, 0);
    media.ptime = Ptime::from_ms(60).unwrap();
    let config = LegConfig::new(media, ClockRate::Hz8000, 7);
    // Both numbers wrap, the sequence every hour and a bit.
    let first = LegConfig { first_sequence: 65_000, first_timestamp: u32::MAX - 30_000_000, ..config.clone() };
    let mut clock = Clock::new();
    let mut random = Random(4);
    let (mut speaker, mut listener) = (Leg::new(first, clock.now()), Leg::new(config, clock.now()));
    let heard = Count::default();
    listener.command(clock.now(), LegCommand::Capture { capture: CaptureId(0), sink: Box::new(heard.clone()) });
    // A minute again and again; the next one is there before the last one ends.
    let audio = PcmBuffer::from_samples(8000, &vec![1000; 8000 * 60]);
    for minute in 0..2 {
        let (utterance, audio) = (UtteranceId(minute), audio.clone());
        speaker.command(clock.now(), LegCommand::Play { utterance, audio, span: PlaySpan::ALL });
    }
    let mut minutes = 2;
    let (mut packets, mut last) = (0u64, None::<(u16, u32)>);
    let mut lateness = Vec::new();
    while clock.elapsed_ms() < HOURS_MS {
        speaker.tick(clock.now());
        while let Some(octets) = speaker.poll_packet() {
            let (sequence, timestamp) =
                (u16::from_be_bytes([octets[2], octets[3]]), u32::from_be_bytes(octets[4..8].try_into().unwrap()));
            if let Some((before, earlier)) = last {
                assert_eq!((sequence, timestamp), (before.wrapping_add(1), earlier.wrapping_add(480)), "{packets}");
            }
            last = Some((sequence, timestamp));
            // By the stream's own time, and by the clock.
            let stream_ms = u64::from(timestamp.wrapping_sub(u32::MAX - 30_000_000)) / 8;
            assert_eq!(stream_ms, packets * 60);
            lateness.push(clock.elapsed_ms() - stream_ms);
            packets += 1;
            listener.receive(clock.now(), octets);
        }
        while let Some(event) = speaker.poll_event() {
            if matches!(event, media::LegEvent::PlayoutFinished { .. }) {
                let (utterance, audio) = (UtteranceId(minutes), audio.clone());
                speaker.command(clock.now(), LegCommand::Play { utterance, audio, span: PlaySpan::ALL });
                minutes += 1;
            }
        }
        listener.tick(clock.now());
        // A media thread is late by some milliseconds now and then.
        clock.advance(5 + random.below(11));
    }
    assert_eq!(packets, HOURS_MS / 60);
    assert_eq!(speaker.counters().schedule_slips, 0);
    assert_eq!(*heard.0.lock().unwrap(), HOURS_MS * 8, "every sample, and none twice");
    let mean = |part: &[u64]| part.iter().sum::<u64>() as f64 / part.len() as f64;
    let (begin, end) = (mean(&lateness[..5000]), mean(&lateness[lateness.len() - 5000..]));
    assert!((begin - end).abs() < 1.0, "late by {begin:.2} ms at first, by {end:.2} ms at last");
    assert!(lateness.iter().all(|late| *late <= 15), "never more than a tick");
}

#[test]
fn speech_that_began_before_it_is_listened_to_is_given_from_its_beginning() {
    let mut clock = Clock::new();
    let mut leg = Leg::new(linear(), clock.now());
    let taken = Arc::new(Mutex::new((Vec::new(), Vec::new())));
    struct Both(Arc<Mutex<(Vec<i16>, Vec<i16>)>>);
    impl PcmSink for Both {
        fn push(&mut self, samples: &[i16]) -> Result<(), PcmOverrun> {
            self.0.lock().unwrap().1.extend_from_slice(samples);
            Ok(())
        }
        fn pre_roll(&mut self, samples: &[i16]) {
            self.0.lock().unwrap().0.extend_from_slice(samples);
        }
    }
    let send = |leg: &mut Leg, clock: &mut Clock, n: u16| {
        let payload = std::iter::repeat_n((n as i16).to_be_bytes(), 160).flatten().collect();
        let timestamp = u32::from(n) * 160;
        let packet = Packet { marker: n == 1, payload_type: 96, sequence: n, timestamp, ssrc: 5, payload };
        leg.receive(clock.now(), &packet.write());
        clock.advance(20);
        leg.tick(clock.now());
    };
    for n in 1..=40 {
        send(&mut leg, &mut clock, n);
    }
    leg.command(clock.now(), LegCommand::Capture { capture: CaptureId(0), sink: Box::new(Both(Arc::clone(&taken))) });
    for n in 41..=50 {
        send(&mut leg, &mut clock, n);
    }
    let (before, after) = taken.lock().unwrap().clone();
    assert_eq!(before.len(), 8 * 500, "half a second");
    assert_eq!((before[0], before[3999]), (16, 40));
    assert_eq!((after.len(), after[0], after[1599]), (1600, 41, 50), "and what follows, once");
    // The next taker is not given what this one had.
    leg.command(clock.now(), LegCommand::StopCapture { capture: CaptureId(0) });
    taken.lock().unwrap().0.clear();
    for n in 51..=53 {
        send(&mut leg, &mut clock, n);
    }
    leg.command(clock.now(), LegCommand::Capture { capture: CaptureId(0), sink: Box::new(Both(Arc::clone(&taken))) });
    assert_eq!(taken.lock().unwrap().0.len(), 3 * 160);
}
