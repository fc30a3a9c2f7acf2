//! From telephone-event packets to key presses, each reported once.

use super::{DtmfDigit, EventPayload};

/// Timestamps of events already reported that are remembered, so that a packet that comes very late is known.
const REMEMBERED: usize = 8;

/// An event this far behind the newest one, in seconds, is not late: the sender started a new time line.
const LATE_SECONDS_MAX: u32 = 10;

/// What a telephone-event packet meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventReport {
    /// A key press not heard of before.
    Pressed {
        digit: DtmfDigit,
        /// Its length so far, in timestamp units.
        duration: u16,
    },
    /// More of a press that was reported, or a repetition of its end.
    Known,
    /// An event that is not a key.
    NotAKey,
    /// Too short to be an event.
    Malformed,
}

/// Tells presses apart by the timestamp of their start, which all packets of one event carry (RFC 4733, section 2.2.1).
///
/// Any packet of an event reports it, so lost starts and ends do no harm; all others of the same timestamp are known.
/// A press longer than 65,535 timestamp units comes in segments, each with a timestamp of its own (section 2.5.1.3):
/// a segment that joins the one before it without marker is part of the same press.
#[derive(Debug)]
pub(crate) struct DtmfReceiver {
    clock_rate_hz: u32,
    newest: Option<Event>,
    reported: [Option<u32>; REMEMBERED],
    next_slot: usize,
}

#[derive(Debug, Clone, Copy)]
struct Event {
    timestamp: u32,
    code: u8,
    duration: u16,
    ended: bool,
}

impl DtmfReceiver {
    pub(crate) fn new(clock_rate_hz: u32) -> Self {
        Self { clock_rate_hz, newest: None, reported: [None; REMEMBERED], next_slot: 0 }
    }

    /// Forgets everything: a new source has a time line of its own.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.clock_rate_hz);
    }

    /// Takes one packet, in any order.
    pub(crate) fn receive(&mut self, marker: bool, timestamp: u32, payload: &[u8]) -> EventReport {
        let Some(event) = EventPayload::parse(payload) else { return EventReport::Malformed };
        let Some(digit) = DtmfDigit::from_event_code(event.code) else { return EventReport::NotAKey };
        if let Some(newest) = &mut self.newest {
            if newest.timestamp == timestamp {
                newest.duration = newest.duration.max(event.duration);
                newest.ended |= event.end;
                return EventReport::Known;
            }
            let ahead = timestamp.wrapping_sub(newest.timestamp);
            let behind = newest.timestamp.wrapping_sub(timestamp);
            if behind < self.clock_rate_hz.saturating_mul(LATE_SECONDS_MAX) || self.reported.contains(&Some(timestamp))
            {
                return EventReport::Known;
            }
            let joins = ahead == u32::from(newest.duration) || ahead == u32::from(u16::MAX);
            if joins && !newest.ended && !marker && newest.code == event.code {
                *newest = Event { timestamp, code: event.code, duration: event.duration, ended: event.end };
                return EventReport::Known;
            }
        }
        self.newest = Some(Event { timestamp, code: event.code, duration: event.duration, ended: event.end });
        if let Some(slot) = self.reported.get_mut(self.next_slot) {
            *slot = Some(timestamp);
        }
        self.next_slot = (self.next_slot + 1) % REMEMBERED;
        EventReport::Pressed { digit, duration: event.duration }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Line {
        receiver: DtmfReceiver,
        digits: String,
    }

    impl Line {
        fn new() -> Self {
            Self { receiver: DtmfReceiver::new(8000), digits: String::new() }
        }

        fn packet(&mut self, digit: char, marker: bool, timestamp: u32, duration: u16, end: bool) {
            let code = DtmfDigit::from_char(digit).unwrap().event_code();
            let octets = EventPayload { code, end, volume: 10, duration }.to_octets();
            if let EventReport::Pressed { digit, .. } = self.receiver.receive(marker, timestamp, &octets) {
                self.digits.push(digit.as_char());
            }
        }

        /// One press of 80 ms as FreeSWITCH sends it: updates each 20 ms, three ends.
        fn press(&mut self, digit: char, timestamp: u32) {
            for n in 0..4u16 {
                self.packet(digit, n == 0, timestamp, n * 160, false);
            }
            for _ in 0..3 {
                self.packet(digit, false, timestamp, 640, true);
            }
        }
    }

    #[test]
    fn dtm_003_three_end_packets_are_one_press() {
        let mut line = Line::new();
        line.press('5', 1000);
        assert_eq!(line.digits, "5");
    }

    #[test]
    fn dtm_004_the_same_key_twice_is_two_presses() {
        let mut line = Line::new();
        line.press('1', 1000);
        line.press('1', 3000);
        assert_eq!(line.digits, "11");
    }

    #[test]
    fn dtm_003_a_press_with_only_its_last_end_packet_left_is_reported() {
        let mut line = Line::new();
        line.press('1', 1000);
        line.packet('2', false, 3000, 640, true);
        line.packet('3', true, 5000, 0, false);
        line.press('4', 7000);
        assert_eq!(line.digits, "1234");
    }

    #[test]
    fn an_end_that_comes_after_the_next_press_is_known() {
        let mut line = Line::new();
        line.press('1', 1000);
        line.packet('2', true, 3000, 0, false);
        line.packet('1', false, 1000, 640, true);
        line.packet('2', false, 3000, 640, true);
        assert_eq!(line.digits, "12");
    }

    #[test]
    fn dtm_004_dtm_006_a_long_press_in_segments_is_one_press() {
        let mut line = Line::new();
        line.packet('9', true, 1000, 160, false);
        line.packet('9', false, 1000, 65_535, false);
        line.packet('9', false, 1000 + 65_535, 160, false);
        line.packet('9', false, 1000 + 65_535, 8000, true);
        line.press('9', 200_000);
        assert_eq!(line.digits, "99");
    }

    #[test]
    fn timestamps_may_wrap() {
        let mut line = Line::new();
        line.press('7', u32::MAX - 100);
        line.press('8', 2000);
        assert_eq!(line.digits, "78");
    }

    #[test]
    fn a_time_line_that_starts_anew_is_heard() {
        let mut line = Line::new();
        line.press('7', 4_000_000_000);
        line.press('8', 3_000_000_000);
        assert_eq!(line.digits, "78");
    }

    #[test]
    fn other_events_and_short_payloads_are_no_press() {
        let mut receiver = DtmfReceiver::new(8000);
        assert_eq!(receiver.receive(true, 1, &[16, 0, 0, 0]), EventReport::NotAKey);
        for length in 0..4 {
            assert_eq!(receiver.receive(true, 1, &[1, 0, 0, 0][..length]), EventReport::Malformed);
        }
    }

    #[test]
    fn printing_and_reading_an_event_is_identity() {
        for octets in [[0, 0, 0, 0], [15, 0x8a, 0x03, 0x20], [255, 0xbf, 0xff, 0xff]] {
            assert_eq!(EventPayload::parse(&octets).unwrap().to_octets(), octets);
        }
    }
}
