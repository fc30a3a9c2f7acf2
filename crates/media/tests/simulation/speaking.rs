//! What leaves a leg, and when.

use media::{IdleSending, LegCommand, LegEvent, PcmBuffer, PlayoutOutcome, Ptime, UtteranceId};

use crate::network::{Random, Speaker, linear, no_instant, ramp};

fn finished(id: u64, played_ms: u64, outcome: PlayoutOutcome) -> LegEvent {
    let (at, position_samples) = (no_instant(), played_ms * 8);
    LegEvent::PlayoutFinished { utterance: UtteranceId(id), at, played_ms, position_samples, outcome }
}

fn started(id: u64) -> LegEvent {
    LegEvent::PlayoutStarted { utterance: UtteranceId(id), at: no_instant() }
}

#[test]
fn packets_are_paced_and_the_tail_is_sent() {
    let mut speaker = Speaker::new(linear());
    let samples = ramp(8000 + 40);
    speaker.play(1, &PcmBuffer::from_samples(8000, &samples));
    speaker.run(1200);
    assert_eq!(speaker.sent.len(), 51);
    for (n, (at, packet)) in speaker.sent.iter().enumerate() {
        assert_eq!(*at, n as u64 * 20);
        assert_eq!(packet.timestamp, n as u32 * 160);
        assert_eq!(packet.sequence, n as u16);
        assert_eq!(packet.marker, n == 0);
    }
    assert_eq!(speaker.samples()[..8040], samples);
    assert!(speaker.samples()[8040..].iter().all(|sample| *sample == 0));
    // The last sample ends at 1005 ms: the tick after that reports it.
    assert_eq!(speaker.events, [(0, started(1)), (1010, finished(1, 1005, PlayoutOutcome::Completed))]);
}

#[test]
fn utterances_follow_each_other_without_a_gap() {
    let mut speaker = Speaker::new(linear());
    let samples = ramp(8000);
    speaker.play(1, &PcmBuffer::from_samples(8000, &samples[..4040]));
    speaker.play(2, &PcmBuffer::from_samples(8000, &samples[4040..]));
    speaker.run(1200);
    assert_eq!(speaker.samples(), samples);
    let expected = [
        (0, started(1)),
        (510, finished(1, 505, PlayoutOutcome::Completed)),
        (510, started(2)),
        (1000, finished(2, 495, PlayoutOutcome::Completed)),
    ];
    assert_eq!(speaker.events, expected);
}

#[test]
fn syn_050_a_new_talk_spurt_has_the_marker_and_the_time_that_passed() {
    let mut speaker = Speaker::new(linear());
    speaker.play(1, &PcmBuffer::from_samples(8000, &ramp(320)));
    speaker.run(1000);
    speaker.play(2, &PcmBuffer::from_samples(8000, &ramp(320)));
    speaker.run(100);
    let seen: Vec<_> = speaker.sent.iter().map(|(at, p)| (*at, p.sequence, p.timestamp, p.marker)).collect();
    assert_eq!(seen, [(0, 0, 0, true), (20, 1, 160, false), (1000, 2, 8000, true), (1020, 3, 8160, false)]);
}

#[test]
fn nothing_leaves_early_and_catching_up_is_never_a_burst() {
    for seed in 0..50 {
        let mut random = Random(seed);
        let mut speaker = Speaker::new(linear());
        let samples = ramp(8000 * 5);
        speaker.play(1, &PcmBuffer::from_samples(8000, &samples));
        while speaker.clock.elapsed_ms() < 8000 {
            assert!(speaker.tick() <= 2, "seed {seed}");
            // Ticks from 1 to 90 ms apart: below the limit at which the schedule is given up.
            let step = if random.below(10) == 0 { random.below(90) } else { random.below(20) };
            speaker.clock.advance(1 + step);
        }
        assert_eq!(speaker.samples(), samples, "seed {seed}");
        for (n, (at, packet)) in speaker.sent.iter().enumerate() {
            let due = u64::from(packet.timestamp) / 8;
            assert!(*at >= due, "seed {seed}: packet {n} left at {at}, due at {due}");
        }
        for window in speaker.sent.windows(5) {
            // Five packets are 80 ms of pace; at twice the pace they take 40, less the burst at both ends.
            assert!(window[4].0 - window[0].0 >= 20, "seed {seed}: {:?}", window[0].0);
        }
    }
}

#[test]
fn a_long_stall_becomes_a_pause() {
    let mut speaker = Speaker::new(linear());
    let samples = ramp(8000);
    speaker.play(1, &PcmBuffer::from_samples(8000, &samples));
    speaker.run(200);
    speaker.clock.advance(500);
    speaker.run(1500);
    assert_eq!(speaker.samples(), samples, "no audio is lost");
    assert_eq!(speaker.leg.counters().schedule_slips, 1);
    let (at, resumed) = speaker.sent.iter().skip(1).find(|(_, packet)| packet.marker).unwrap();
    assert_eq!(u64::from(resumed.timestamp), at * 8, "the timestamp follows the clock");
    for pair in speaker.sent.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= 20);
    }
}

#[test]
fn syn_020_pause_keeps_the_position_and_resume_goes_on_with_the_very_next_sample() {
    let mut speaker = Speaker::new(linear());
    let samples = ramp(3200);
    speaker.play(1, &PcmBuffer::from_samples(8000, &samples));
    speaker.run(100);
    speaker.command(LegCommand::Pause);
    speaker.run(500);
    assert_eq!(speaker.sent.len(), 5);
    assert_eq!(speaker.leg.position(), Some((UtteranceId(1), 100)));
    speaker.command(LegCommand::Resume);
    speaker.run(500);
    assert_eq!(speaker.samples(), samples);
    let (at, resumed) = &speaker.sent[5];
    assert_eq!((*at, resumed.timestamp, resumed.sequence, resumed.marker), (600, 4800, 5, true));
}

#[test]
fn what_is_hushed_fades_out_and_goes_on_from_where_the_fade_began() {
    let mut speaker = Speaker::new(linear());
    speaker.play(1, &PcmBuffer::from_samples(8000, &[10_000; 3200]));
    speaker.run(100);
    speaker.command(LegCommand::Hush { fade_ms: 30, at_most_ms: 5_000 });
    speaker.run(500);
    // The fade ends in the middle of its second packet, and silence is no packet.
    assert_eq!(speaker.sent.len(), 7);
    assert_eq!(speaker.leg.position(), Some((UtteranceId(1), 130)), "heard to the end of the fade");
    let samples = speaker.samples();
    assert!(samples[800..1040].windows(2).all(|pair| pair[1] < pair[0]));
    assert!(samples[1040..].iter().all(|sample| *sample == 0));
    speaker.command(LegCommand::Unhush);
    speaker.run(500);
    assert_eq!(speaker.samples().len(), 1120 + 3200 - 800, "the fade is played again");
    assert_eq!(speaker.samples().last(), Some(&10_000));
    assert_eq!(speaker.events.last().map(|(_, event)| *event), Some(finished(1, 400, PlayoutOutcome::Completed)));
}

#[test]
fn stop_while_hushed_ends_at_once_and_what_follows_is_heard() {
    let mut speaker = Speaker::new(linear());
    speaker.play(1, &PcmBuffer::from_samples(8000, &[10_000; 16_000]));
    speaker.run(100);
    speaker.command(LegCommand::Hush { fade_ms: 20, at_most_ms: 5_000 });
    speaker.run(200);
    speaker.command(LegCommand::Stop { utterance: None, fade_ms: 20 });
    speaker.play(2, &PcmBuffer::from_samples(8000, &[20_000; 160]));
    speaker.run(100);
    assert!(speaker.events.contains(&(300, finished(1, 120, PlayoutOutcome::Stopped))), "{:?}", speaker.events);
    assert_eq!(speaker.samples().last(), Some(&20_000));
}

#[test]
fn stop_within_the_fade_of_a_hush_goes_on_with_that_fade() {
    let mut speaker = Speaker::new(linear());
    speaker.play(1, &PcmBuffer::from_samples(8000, &[10_000; 16_000]));
    speaker.run(100);
    speaker.command(LegCommand::Hush { fade_ms: 40, at_most_ms: 5_000 });
    speaker.run(20);
    speaker.command(LegCommand::Stop { utterance: None, fade_ms: 40 });
    speaker.run(200);
    let samples = speaker.samples();
    assert!(samples[800..1120].windows(2).all(|pair| pair[1] < pair[0]), "one ramp");
    assert_eq!(samples.len(), 1120);
}

#[test]
fn a_hush_that_nobody_ends_ends_by_itself() {
    let mut speaker = Speaker::new(linear());
    speaker.play(1, &PcmBuffer::from_samples(8000, &[10_000; 3200]));
    speaker.run(100);
    speaker.command(LegCommand::Hush { fade_ms: 0, at_most_ms: 1_000 });
    speaker.run(990);
    assert_eq!(speaker.sent.len(), 5);
    speaker.run(500);
    assert_eq!(speaker.samples().len(), 3200);
}

#[test]
fn stop_fades_out_within_its_time() {
    let mut speaker = Speaker::new(linear());
    speaker.play(1, &PcmBuffer::from_samples(8000, &[10_000; 16_000]));
    speaker.play(2, &PcmBuffer::from_samples(8000, &[20_000; 16_000]));
    speaker.run(100);
    speaker.command(LegCommand::Stop { utterance: None, fade_ms: 20 });
    speaker.run(300);
    let samples = speaker.samples();
    assert_eq!(samples.len(), 960);
    assert_eq!(samples[800], 10_000);
    assert!(samples[800..].windows(2).all(|pair| pair[1] < pair[0]));
    assert!(samples[959] < 100);
    let ends: Vec<_> = speaker.events.iter().filter(|(at, _)| *at > 0).copied().collect();
    assert_eq!(
        ends,
        [(100, finished(2, 0, PlayoutOutcome::Stopped)), (120, finished(1, 120, PlayoutOutcome::Stopped))]
    );
}

#[test]
fn stopping_one_utterance_leaves_the_next() {
    let mut speaker = Speaker::new(linear());
    speaker.play(1, &PcmBuffer::from_samples(8000, &[10_000; 16_000]));
    speaker.play(2, &PcmBuffer::from_samples(8000, &[20_000; 160]));
    speaker.run(100);
    speaker.command(LegCommand::Stop { utterance: Some(UtteranceId(1)), fade_ms: 0 });
    speaker.run(100);
    let samples = speaker.samples();
    assert_eq!((samples.len(), samples[799], samples[800]), (960, 10_000, 20_000));
}

#[test]
fn stop_while_paused_ends_at_once() {
    let mut speaker = Speaker::new(linear());
    speaker.play(1, &PcmBuffer::from_samples(8000, &[10_000; 16_000]));
    speaker.run(100);
    speaker.command(LegCommand::Pause);
    speaker.run(100);
    speaker.command(LegCommand::Stop { utterance: None, fade_ms: 20 });
    speaker.run(100);
    assert_eq!(speaker.sent.len(), 5);
    assert_eq!(speaker.events.last(), Some(&(200, finished(1, 100, PlayoutOutcome::Stopped))));
}

#[test]
fn playing_starts_when_a_packet_is_there() {
    let mut speaker = Speaker::new(linear());
    let audio = PcmBuffer::new(8000, 8000);
    speaker.play(1, &audio);
    speaker.run(100);
    audio.push(&[1; 159]).unwrap();
    speaker.run(100);
    assert!(speaker.sent.is_empty() && speaker.events.is_empty());
    audio.push(&[1; 1]).unwrap();
    speaker.run(10);
    assert_eq!((speaker.sent.len(), speaker.events.len()), (1, 1));
}

#[test]
fn late_audio_in_the_middle_is_heard_as_a_pause() {
    let mut speaker = Speaker::new(linear());
    let samples = ramp(1000);
    let audio = PcmBuffer::new(8000, 8000);
    audio.push(&samples[..400]).unwrap();
    speaker.play(1, &audio);
    speaker.run(200);
    audio.push(&samples[400..]).unwrap();
    audio.finish();
    speaker.run(300);
    let heard = speaker.samples();
    // Two packets, eight of silence while the third is not complete, then all the rest.
    assert_eq!(heard[..320], samples[..320]);
    assert!(heard[320..1600].iter().all(|sample| *sample == 0));
    assert_eq!(heard[1600..1600 + 680], samples[320..]);
    assert_eq!(speaker.leg.counters().packets_underrun, 8);
    assert!(speaker.sent.windows(2).all(|pair| pair[1].1.timestamp - pair[0].1.timestamp == 160), "a steady stream");
    assert_eq!(speaker.events.last().unwrap().1, finished(1, 125, PlayoutOutcome::Completed));
}

#[test]
fn a_writer_that_fails_ends_the_utterance_as_failed() {
    let mut speaker = Speaker::new(linear());
    let audio = PcmBuffer::new(8000, 8000);
    audio.push(&[5; 400]).unwrap();
    audio.fail();
    speaker.play(1, &audio);
    speaker.run(200);
    assert_eq!(speaker.sent.len(), 3);
    assert_eq!(speaker.events.last().unwrap().1, finished(1, 50, PlayoutOutcome::Failed));
}

#[test]
fn an_empty_utterance_is_over_at_once() {
    let mut speaker = Speaker::new(linear());
    speaker.play(1, &PcmBuffer::from_samples(8000, &[]));
    speaker.run(20);
    assert!(speaker.sent.is_empty());
    assert_eq!(speaker.events, [(0, started(1)), (0, finished(1, 0, PlayoutOutcome::Completed))]);
}

#[test]
fn audio_at_another_rate_is_refused() {
    let mut speaker = Speaker::new(linear());
    speaker.play(1, &PcmBuffer::from_samples(16_000, &[1; 160]));
    speaker.run(20);
    assert_eq!(speaker.events, [(0, finished(1, 0, PlayoutOutcome::Failed))]);
}

#[test]
fn gain_is_ramped_and_clips() {
    let mut speaker = Speaker::new(linear());
    speaker.play(1, &PcmBuffer::from_samples(8000, &[20_000; 1600]));
    speaker.run(40);
    speaker.command(LegCommand::SetGain(0.25));
    speaker.run(40);
    speaker.command(LegCommand::SetGain(4.0));
    speaker.run(200);
    let samples = speaker.samples();
    assert_eq!((samples[319], samples[639], samples[1599]), (20_000, 5000, i16::MAX));
    assert!(samples[320..640].windows(2).all(|pair| pair[0] - pair[1] <= 300), "no step");
}

#[test]
fn silence_is_sent_between_prompts_when_asked() {
    let mut config = linear();
    config.idle_sending = IdleSending::Silence;
    let mut speaker = Speaker::new(config);
    speaker.run(100);
    speaker.play(1, &PcmBuffer::from_samples(8000, &ramp(320)));
    speaker.run(200);
    assert_eq!(speaker.sent.len(), 15);
    assert!(speaker.sent.iter().enumerate().all(|(n, (_, packet))| packet.marker == (n == 0)));
    assert_eq!(speaker.samples()[800..1120], ramp(320));
}

#[test]
fn rtp_008_a_leg_that_does_not_send_sends_nothing() {
    let mut config = linear();
    config.media.sends = false;
    config.idle_sending = IdleSending::Silence;
    let mut speaker = Speaker::new(config);
    speaker.play(1, &PcmBuffer::from_samples(8000, &ramp(320)));
    speaker.run(200);
    assert!(speaker.sent.is_empty());
}

#[test]
fn rtp_006_every_packet_time_is_kept() {
    for ptime_ms in 10..=60 {
        let mut config = linear();
        config.media.ptime = Ptime::from_ms(ptime_ms).unwrap();
        let mut speaker = Speaker::new(config);
        speaker.play(1, &PcmBuffer::from_samples(8000, &ramp(8000)));
        speaker.run(1200);
        assert_eq!(speaker.sent.len() as u32, 1000u32.div_ceil(ptime_ms));
        for (at, packet) in &speaker.sent {
            let due = u64::from(packet.timestamp) / 8;
            assert!(*at >= due && *at < due + 10, "{ptime_ms} ms: due {due}, sent {at}");
        }
    }
    assert_eq!((Ptime::from_ms(9), Ptime::from_ms(61)), (None, None));
}

#[test]
fn syn_006_the_instants_of_events_are_those_of_the_stream() {
    let mut speaker = Speaker::new(linear());
    speaker.run(70);
    speaker.play(1, &PcmBuffer::from_samples(8000, &ramp(4040)));
    speaker.play(2, &PcmBuffer::from_samples(8000, &ramp(200)));
    speaker.run(300);
    speaker.command(LegCommand::Pause);
    speaker.run(1000);
    speaker.command(LegCommand::Resume);
    speaker.run(1000);
    // The RTP timestamp of the sample that each event tells of: found in the packets, and told by the leg.
    let samples: Vec<(u32, i16)> = speaker
        .sent
        .iter()
        .flat_map(|(_, packet)| {
            (0u32..).zip(packet.payload.chunks(2)).map(move |(n, pair)| (packet.timestamp + n, pair))
        })
        .map(|(timestamp, pair)| (timestamp, i16::from_be_bytes([pair[0], pair[1]])))
        .collect();
    let (first, last, second) = (samples[0].0, samples[4039].0, samples[4040].0);
    let told: Vec<u32> = speaker.sounded.iter().map(|at| speaker.leg.timestamp_at(*at)).collect();
    assert_eq!(told, [first, last + 1, second, samples[4239].0 + 1]);
    assert!(last - first > 4040 + 7000, "the pause is between them");
}

#[test]
fn a_part_of_an_utterance_is_played_to_the_sample() {
    let mut speaker = Speaker::new(linear());
    let samples = ramp(8000);
    let audio = PcmBuffer::from_samples(8000, &samples);
    speaker.play_part(1, &audio, 1003, Some(2001));
    speaker.play_part(2, &audio, 7000, None);
    speaker.run(600);
    assert_eq!(speaker.samples()[..998], samples[1003..2001]);
    assert_eq!(speaker.samples()[998..1998], samples[7000..]);
    let ends: Vec<(u64, u64)> = speaker
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            LegEvent::PlayoutFinished { played_ms, position_samples, .. } => Some((*played_ms, *position_samples)),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [(124, 2001), (125, 8000)]);
}

#[test]
fn a_part_that_begins_behind_the_end_is_over_at_once_and_one_that_is_not_written_yet_waits() {
    let mut speaker = Speaker::new(linear());
    let audio = PcmBuffer::new(8000, 8000);
    audio.push(&ramp(800)).unwrap();
    speaker.play_part(1, &audio, 900, None);
    speaker.run(100);
    assert!(speaker.sent.is_empty() && speaker.events.is_empty());
    audio.finish();
    speaker.run(20);
    assert!(speaker.sent.is_empty());
    let mut done = finished(1, 0, PlayoutOutcome::Completed);
    if let LegEvent::PlayoutFinished { position_samples, .. } = &mut done {
        *position_samples = 800;
    }
    assert_eq!(speaker.events.last().map(|(_, event)| *event), Some(done));
}
