//! What two legs tell each other of their streams (RFC 3550, section 6).

use std::time::Duration;

use media::{CaptureId, Leg, LegCommand, LegConfig, LegFigures, PcmBuffer, PlaySpan, UtteranceId};
use testkit::Clock;

use crate::network::{Heard, Path, linear};

/// A minute of audio from one leg to the other over a lossy path, reports over one of 30 ms each way without loss.
fn minute(loss_percent: u64, jitter_ms: u64) -> (LegFigures, LegFigures, u64) {
    let mut clock = Clock::new();
    let mut path = Path::new(7, loss_percent, jitter_ms);
    let listener = LegConfig { ssrc: 0x99, ..linear() };
    let (mut speaker, mut listener) = (Leg::new(linear(), clock.now()), Leg::new(listener, clock.now()));
    let audio = PcmBuffer::from_samples(8_000, &vec![100; 8_000 * 60]);
    let play = LegCommand::Play { utterance: UtteranceId(1), audio, span: PlaySpan::ALL };
    speaker.command(clock.now(), play);
    let sink = Box::new(Heard::default());
    listener.command(clock.now(), LegCommand::Capture { capture: CaptureId(0), sink });
    let mut reports: Vec<(std::time::Instant, bool, Vec<u8>)> = Vec::new();
    while clock.elapsed_ms() < 60_000 {
        let now = clock.now();
        speaker.tick(now);
        while let Some(packet) = speaker.poll_packet() {
            path.send(now, packet);
        }
        for packet in path.arrivals(now) {
            listener.receive(now, &packet);
        }
        listener.tick(now);
        let arrives = now + Duration::from_millis(30);
        reports.extend(speaker.poll_rtcp().map(|report| (arrives, true, report.to_vec())));
        reports.extend(listener.poll_rtcp().map(|report| (arrives, false, report.to_vec())));
        for (_, is_for_listener, report) in reports.extract_if(.., |(at, ..)| *at <= now) {
            if is_for_listener { listener.receive_rtcp(now, &report) } else { speaker.receive_rtcp(now, &report) }
        }
        clock.advance(10);
    }
    (speaker.figures(), listener.figures(), path.lost)
}

#[test]
fn rtp_004_both_sides_tell_the_same_loss_jitter_and_round_trip() {
    for (loss_percent, jitter_ms) in [(0, 0), (5, 0), (10, 20)] {
        let (speaker, listener, lost) = minute(loss_percent, jitter_ms);
        let truth = lost as f64 / 3_000.0;
        let (heard, told) = (listener.lost_ratio.unwrap(), speaker.peer_lost_ratio.unwrap());
        assert!((heard - truth).abs() < 0.01, "{heard} was heard, {truth} is true");
        // The last report is a few seconds old.
        assert!((told - truth).abs() < 0.03, "{told} was told, {truth} is true");
        let trip = speaker.round_trip_ms.unwrap();
        assert!((60..=80).contains(&trip), "{trip} ms");
        let jitter = speaker.peer_jitter_ms.unwrap();
        assert!((jitter - listener.jitter_ms).abs() <= 6.0, "{jitter} and {}", listener.jitter_ms);
        let (best, worst) = (speaker.peer_mean_opinion_score.unwrap(), media::figures::opinion(truth + 0.04, 100.0));
        assert!(best >= worst && best < 4.5, "{best} {worst}");
        assert_eq!((speaker.lost_ratio, listener.peer_lost_ratio), (None, None), "nothing went the other way");
    }
}
