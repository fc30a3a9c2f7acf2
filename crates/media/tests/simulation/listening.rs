//! Streams as peers send them, packet by packet.

use media::{CaptureId, DropReason, LegCommand, LegEvent, LegMedia, PcmOverrun, PcmSink};

use crate::network::{Heard, Listener, Packet, linear, ramp};

/// 20 ms of L16 whose samples are all `value`.
fn audio(sequence: u16, timestamp: u32, value: i16) -> Packet {
    let payload = std::iter::repeat_n(value.to_be_bytes(), 160).flatten().collect();
    Packet { marker: false, payload_type: 96, sequence, timestamp, ssrc: 5, payload }
}

/// Packets `range` of a steady stream, each 20 ms of its own number.
fn steady(listener: &mut Listener, range: std::ops::Range<u16>) {
    for n in range {
        let packet = Packet { marker: n == 1, ..audio(n, u32::from(n) * 160, n as i16) };
        listener.receive(&packet);
        listener.wait(20);
    }
}

/// Runs of equal samples: value and length in milliseconds.
fn runs(samples: &[i16]) -> Vec<(i16, usize)> {
    let mut runs: Vec<(i16, usize)> = Vec::new();
    for sample in samples {
        match runs.last_mut() {
            Some((value, length)) if value == sample => *length += 1,
            _ => runs.push((*sample, 1)),
        }
    }
    runs.into_iter().map(|(value, length)| (value, length / 8)).collect()
}

#[test]
fn a_stream_that_pauses_and_resumes_keeps_its_time_line() {
    // FreeSWITCH sends only while it recognizes: sequence +1, timestamp advanced by the gap, marker.
    let mut listener = Listener::new(linear());
    steady(&mut listener, 1..4);
    listener.wait(1000);
    listener.receive(&Packet { marker: true, ..audio(4, 4 * 160 + 8000, 4) });
    assert_eq!(runs(&listener.heard.samples()), [(1, 20), (2, 20), (3, 20), (0, 1000), (4, 20)]);
    assert_eq!(listener.leg.counters().packets_lost, 0);
}

#[test]
fn silence_is_given_in_real_time_while_nothing_comes() {
    let mut listener = Listener::new(linear());
    steady(&mut listener, 1..2);
    listener.wait(50);
    assert_eq!(listener.heard.len(), 160, "a packet may still come");
    listener.wait(1000);
    assert_eq!(listener.heard.len(), 160 + (1070 - 80) * 8);
}

#[test]
fn silence_is_given_when_no_stream_ever_starts() {
    let mut listener = Listener::new(linear());
    listener.wait(1000);
    assert_eq!(listener.heard.len(), (1000 - 80) * 8);
}

#[test]
fn a_stall_of_the_network_loses_nothing() {
    let mut listener = Listener::new(linear());
    steady(&mut listener, 1..4);
    listener.wait(300);
    // The packets of the stall come at once, the stream goes on.
    for n in 4..19 {
        listener.receive(&audio(n, u32::from(n) * 160, n as i16));
    }
    steady(&mut listener, 19..25);
    let heard: Vec<i16> =
        runs(&listener.heard.samples()).iter().map(|(value, _)| *value).filter(|value| *value != 0).collect();
    assert_eq!(heard, (1..25).collect::<Vec<i16>>());
}

#[test]
fn rtp_003_a_lost_packet_is_concealed_after_the_wait() {
    let mut listener = Listener::new(linear());
    steady(&mut listener, 1..4);
    listener.receive(&audio(5, 5 * 160, 5));
    listener.wait(30);
    assert_eq!(listener.heard.len(), 3 * 160);
    listener.wait(10);
    let heard = listener.heard.samples();
    assert_eq!(heard.len(), 5 * 160);
    assert_eq!(heard[480], 3, "what was heard last again");
    assert!(heard[480..640].windows(2).all(|pair| pair[1] <= pair[0]), "fading");
    assert!(heard[640..].windows(2).all(|pair| pair[1] >= pair[0]), "into what follows");
    assert!(heard[720..].iter().all(|sample| *sample == 5));
    let counters = listener.leg.counters();
    assert_eq!((counters.packets_lost, counters.samples_concealed), (1, 160));
}

#[test]
fn a_packet_after_its_time_is_late_and_makes_the_wait_longer() {
    let mut listener = Listener::new(linear());
    steady(&mut listener, 1..4);
    listener.receive(&audio(5, 5 * 160, 5));
    listener.wait(60);
    listener.receive(&audio(4, 4 * 160, 4));
    assert_eq!(listener.leg.counters().packets_late, 1);
    listener.receive(&audio(4, 4 * 160, 4));
    assert_eq!(listener.leg.counters().packets_duplicated, 1, "late once, duplicate then");
    // The next hole holds back longer than 40 ms.
    listener.receive(&audio(7, 7 * 160, 7));
    listener.wait(60);
    listener.receive(&audio(6, 6 * 160, 6));
    assert_eq!(listener.leg.counters().packets_lost, 1);
    let values: Vec<i16> = runs(&listener.heard.samples()).iter().map(|(value, _)| *value).collect();
    assert!(values.ends_with(&[5, 6, 7]), "{values:?}");
}

#[test]
fn rtp_003_duplicates_are_heard_once() {
    let mut listener = Listener::new(linear());
    for n in 1..6 {
        for _ in 0..3 {
            listener.receive(&Packet { marker: n == 1, ..audio(n, u32::from(n) * 160, n as i16) });
        }
        listener.wait(20);
    }
    assert_eq!(listener.heard.len(), 5 * 160);
    assert_eq!(listener.leg.counters().packets_duplicated, 10);
}

#[test]
fn two_packets_in_the_wrong_order_at_the_start_are_both_heard() {
    let mut listener = Listener::new(linear());
    listener.receive(&audio(2, 320, 2));
    listener.receive(&audio(1, 160, 1));
    listener.wait(50);
    assert_eq!(runs(&listener.heard.samples()), [(1, 20), (2, 20)]);
    assert_eq!(listener.leg.counters().packets_reordered, 1);
}

#[test]
fn rtp_003_another_source_takes_over_with_its_second_packet() {
    let mut listener = Listener::new(linear());
    steady(&mut listener, 1..4);
    for n in 0..3u16 {
        let packet = audio(50_000 + n, 7_000_000 + u32::from(n) * 160, 100 + n as i16);
        listener.receive(&Packet { ssrc: 6, marker: n == 0, ..packet });
        listener.wait(20);
    }
    assert_eq!(runs(&listener.heard.samples()), [(1, 20), (2, 20), (3, 20), (100, 20), (101, 20), (102, 20)]);
    assert_eq!(listener.leg.counters().streams, 2);
    assert_eq!(listener.leg.counters().dropped.total(), 0);
}

#[test]
fn rtp_005_a_stray_packet_of_another_source_is_dropped() {
    let mut listener = Listener::new(linear());
    steady(&mut listener, 1..4);
    listener.receive(&Packet { ssrc: 6, ..audio(9, 9, 99) });
    steady(&mut listener, 4..6);
    assert_eq!(runs(&listener.heard.samples()).len(), 5);
    assert_eq!(listener.leg.counters().dropped.of(DropReason::Unsettled), 1);
}

#[test]
fn a_sequence_that_starts_anew_is_followed() {
    let mut listener = Listener::new(linear());
    steady(&mut listener, 1..4);
    for n in 0..3u16 {
        listener.receive(&Packet { marker: n == 0, ..audio(30_000 + n, 90_000 + u32::from(n) * 160, 100 + n as i16) });
        listener.wait(20);
    }
    let values: Vec<i16> = runs(&listener.heard.samples()).iter().map(|(value, _)| *value).collect();
    assert_eq!(values, [1, 2, 3, 100, 101, 102]);
}

#[test]
fn a_timestamp_that_jumps_ahead_is_no_hour_of_silence() {
    let mut listener = Listener::new(linear());
    steady(&mut listener, 1..4);
    for n in 4..7 {
        listener.receive(&audio(n, u32::from(n) * 160 + 28_800_000, n as i16));
        listener.wait(20);
    }
    assert_eq!(listener.heard.len(), 6 * 160);
}

#[test]
fn a_timestamp_that_jumps_back_loses_nothing() {
    let mut listener = Listener::new(linear());
    steady(&mut listener, 1..4);
    for n in 4..7 {
        listener.receive(&audio(n, (u32::from(n) * 160).wrapping_sub(1_000_000), n as i16));
        listener.wait(20);
    }
    assert_eq!(listener.heard.len(), 6 * 160);
}

#[test]
fn rtp_003_sequence_and_timestamp_may_wrap() {
    let mut listener = Listener::new(linear());
    let base = u32::MAX - 2000;
    for n in 0..40u16 {
        let packet = audio(65_520u16.wrapping_add(n), base.wrapping_add(u32::from(n) * 160), n as i16 + 1);
        listener.receive(&Packet { marker: n == 0, ..packet });
        listener.wait(20);
    }
    assert_eq!(listener.heard.len(), 40 * 160);
    assert_eq!(listener.leg.counters().streams, 1);
}

#[test]
fn events_between_audio_packets_leave_no_hole_in_it() {
    // As FreeSWITCH sends: events take sequence numbers, audio goes on with its own timestamps.
    let mut listener = Listener::new(linear());
    let mut sequence = 0;
    for n in 1..10u32 {
        sequence += 1;
        listener.receive(&Packet { marker: n == 1, ..audio(sequence, n * 160, n as i16) });
        for _ in 0..2 {
            sequence += 1;
            let payload = vec![5, 10, 0, 160];
            listener.receive(&Packet { payload_type: 101, payload, ..audio(sequence, 160, 0) });
        }
        listener.wait(20);
    }
    assert_eq!(runs(&listener.heard.samples()), (1..10).map(|n| (n, 20)).collect::<Vec<_>>());
    let events = listener.events();
    assert!(matches!(events[..], [LegEvent::Dtmf { digit, .. }] if digit.as_char() == '5'), "{events:?}");
}

#[test]
fn a_lost_event_packet_is_not_concealed_as_audio() {
    let mut listener = Listener::new(linear());
    listener.receive(&Packet { marker: true, ..audio(1, 160, 1) });
    // Number 2, an event, is lost.
    listener.receive(&audio(3, 320, 2));
    listener.wait(60);
    assert_eq!(runs(&listener.heard.samples()), [(1, 20), (2, 20)]);
    assert_eq!(listener.leg.counters().packets_lost, 1);
}

#[test]
fn rtp_007_unknown_payload_types_take_a_place_but_are_not_heard() {
    let mut listener = Listener::new(linear());
    listener.receive(&Packet { marker: true, ..audio(1, 160, 1) });
    listener.receive(&Packet { payload_type: 77, payload: vec![60], ..audio(2, 320, 0) });
    listener.receive(&audio(3, 320, 2));
    assert_eq!(runs(&listener.heard.samples()), [(1, 20), (2, 20)]);
    assert_eq!(listener.leg.counters().dropped.of(DropReason::PayloadType), 1);
}

#[test]
fn every_packet_length_of_the_peer_is_taken() {
    let mut listener = Listener::new(linear());
    let samples = ramp(80 + 160 + 240 + 480 + 1600);
    let (mut at, mut sequence) = (0, 1);
    for length in [80, 160, 240, 480, 1600] {
        let payload = samples[at..at + length].iter().flat_map(|sample| sample.to_be_bytes()).collect();
        listener.receive(&Packet { marker: at == 0, payload, ..audio(sequence, at as u32, 0) });
        listener.wait(length as u64 / 8);
        at += length;
        sequence += 1;
    }
    assert_eq!(listener.heard.samples()[..at], samples);
}

#[test]
fn empty_and_oversized_packets_are_dropped() {
    let mut listener = Listener::new(linear());
    listener.receive(&Packet { marker: true, payload: vec![], ..audio(1, 160, 1) });
    listener.receive(&Packet { payload: vec![0; 3202], ..audio(2, 160, 1) });
    assert_eq!(listener.heard.len(), 0);
    assert_eq!(listener.leg.counters().dropped.of(DropReason::PayloadLength), 2);
}

#[test]
fn what_is_no_rtp_is_dropped() {
    let mut listener = Listener::new(linear());
    let now = listener.clock.now();
    for junk in [&b""[..], b"x", b"OPTIONS sip:x SIP/2.0\r\n", &[0x80; 11]] {
        listener.leg.receive(now, junk);
    }
    assert_eq!(listener.leg.counters().dropped.of(DropReason::Malformed), 4);
}

#[test]
fn rtp_008_a_leg_that_does_not_receive_drops_everything() {
    let mut config = linear();
    config.media.receives = false;
    let mut listener = Listener::new(config);
    listener.receive(&audio(1, 160, 1));
    assert_eq!(listener.heard.len(), 0);
    assert_eq!(listener.leg.counters().dropped.of(DropReason::NotReceiving), 1);
}

struct Full;

impl PcmSink for Full {
    fn push(&mut self, _samples: &[i16]) -> Result<(), PcmOverrun> {
        Err(PcmOverrun)
    }
}

#[test]
fn a_full_sink_ends_the_capture_once() {
    let mut listener = Listener::new(linear());
    let now = listener.clock.now();
    listener.leg.command(now, LegCommand::Capture { capture: CaptureId(0), sink: Box::new(Full) });
    steady(&mut listener, 1..5);
    assert_eq!(listener.events(), [LegEvent::CaptureOverrun { capture: CaptureId(0) }]);
}

#[test]
fn a_new_codec_takes_effect_with_the_next_packet() {
    let mut listener = Listener::new(linear());
    steady(&mut listener, 1..3);
    let now = listener.clock.now();
    listener.leg.command(now, LegCommand::Reconfigure(LegMedia::new(media::Codec::Pcmu, 0)));
    listener.receive(&Packet { marker: true, payload_type: 0, payload: vec![0xff; 160], ..audio(3, 480, 0) });
    assert_eq!(listener.heard.len(), 3 * 160);
    assert_eq!(runs(&listener.heard.samples())[2], (0, 20));
}

#[test]
fn ses_029_every_taker_of_a_stream_hears_it_from_when_it_joins() {
    let mut listener = Listener::new(linear());
    steady(&mut listener, 1..3);
    let (second, now) = (Heard::default(), listener.clock.now());
    listener.leg.command(now, LegCommand::Capture { capture: CaptureId(1), sink: Box::new(second.clone()) });
    // A taker that comes does not break the time line of the one that is there.
    listener.wait(200);
    listener.receive(&Packet { marker: true, ..audio(3, 3 * 160 + 1600, 3) });
    listener.wait(20);
    let now = listener.clock.now();
    listener.leg.command(now, LegCommand::StopCapture { capture: CaptureId(0) });
    listener.receive(&audio(4, 4 * 160 + 1600, 4));
    assert_eq!(runs(&listener.heard.samples()), [(1, 20), (2, 20), (0, 200), (3, 20)]);
    assert_eq!(runs(&second.samples()), [(0, 200), (3, 20), (4, 20)]);
}

#[test]
fn ses_029_a_taker_without_room_is_dropped_alone() {
    let mut listener = Listener::new(linear());
    let now = listener.clock.now();
    listener.leg.command(now, LegCommand::Capture { capture: CaptureId(1), sink: Box::new(Full) });
    steady(&mut listener, 1..3);
    assert_eq!(listener.events(), [LegEvent::CaptureOverrun { capture: CaptureId(1) }]);
    assert_eq!(runs(&listener.heard.samples()), [(1, 20), (2, 20)]);
}
