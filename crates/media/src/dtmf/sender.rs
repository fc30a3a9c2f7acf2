//! From digits to telephone-event packets, one slot of a packet time after the other.

use std::collections::VecDeque;

use super::{DtmfDigit, EventPayload};

/// Digits that may wait. More than anyone dials in one go.
const DIGITS_MAX: usize = 64;

/// End packets per event (RFC 4733, section 2.5.1.4).
const END_PACKETS: u32 = 3;

/// Power of a digit as we say it, in -dBm0. Nobody plays it; -10 is what telephones send.
const VOLUME: u8 = 10;

/// What goes out in the next packet time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// No digit is under way: audio may be sent.
    Free,
    /// An event packet whose timestamp lies `age` samples back.
    Event { payload: EventPayload, first: bool, age: u32 },
    /// The pause after a digit.
    Gap,
}

/// Digits under way.
#[derive(Debug, Default)]
pub(crate) struct DtmfSender {
    waiting: VecDeque<Press>,
    current: Option<Sending>,
}

#[derive(Debug, Clone, Copy)]
struct Press {
    digit: DtmfDigit,
    tone_samples: u32,
    gap_samples: u32,
}

#[derive(Debug)]
struct Sending {
    press: Press,
    /// Samples since the start of the tone, at the beginning of the next slot.
    elapsed: u32,
    ends_sent: u32,
}

impl DtmfSender {
    /// Queues a digit. `false` when too many wait.
    pub(crate) fn dial(&mut self, digit: DtmfDigit, tone_samples: u32, gap_samples: u32) -> bool {
        let fits = self.waiting.len() < DIGITS_MAX;
        if fits {
            // A duration has 16 bits; longer presses would need segments, which nobody dials.
            let tone_samples = tone_samples.clamp(1, u32::from(u16::MAX));
            self.waiting.push_back(Press { digit, tone_samples, gap_samples });
        }
        fits
    }

    /// Whether a digit waits or is under way.
    pub(crate) fn is_dialling(&self) -> bool {
        self.current.is_some() || !self.waiting.is_empty()
    }

    /// What to send in the next slot, which lasts `slot_samples`.
    pub(crate) fn next_slot(&mut self, slot_samples: u32) -> Slot {
        if self.current.is_none() {
            self.current = self.waiting.pop_front().map(|press| Sending { press, elapsed: 0, ends_sent: 0 });
        }
        let Some(sending) = &mut self.current else { return Slot::Free };
        let Press { digit, tone_samples, gap_samples } = sending.press;
        let age = sending.elapsed;
        sending.elapsed = age.saturating_add(slot_samples);
        let end = sending.elapsed >= tone_samples;
        let slot = if end && sending.ends_sent == END_PACKETS {
            Slot::Gap
        } else {
            sending.ends_sent += u32::from(end);
            let duration = u16::try_from(sending.elapsed.min(tone_samples)).unwrap_or(u16::MAX);
            let payload = EventPayload { code: digit.event_code(), end, volume: VOLUME, duration };
            Slot::Event { payload, first: age == 0, age }
        };
        if sending.ends_sent == END_PACKETS && sending.elapsed >= tone_samples.saturating_add(gap_samples) {
            self.current = None;
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digit_is_updates_three_ends_and_a_gap() {
        let mut sender = DtmfSender::default();
        assert!(sender.dial(DtmfDigit::from_char('5').unwrap(), 480, 640));
        let mut seen = Vec::new();
        while sender.is_dialling() {
            seen.push(match sender.next_slot(160) {
                Slot::Event { payload, first, age } => (payload.duration, payload.end, first, age),
                Slot::Gap => (0, false, false, 0),
                Slot::Free => panic!("free while dialling"),
            });
        }
        let expected = [
            (160, false, true, 0),
            (320, false, false, 160),
            (480, true, false, 320),
            (480, true, false, 480),
            (480, true, false, 640),
            (0, false, false, 0),
            (0, false, false, 0),
        ];
        assert_eq!(seen, expected);
        assert_eq!(sender.next_slot(160), Slot::Free);
    }

    #[test]
    fn too_many_digits_are_refused() {
        let mut sender = DtmfSender::default();
        let digit = DtmfDigit::from_char('1').unwrap();
        assert!((0..DIGITS_MAX).all(|_| sender.dial(digit, 800, 800)));
        assert!(!sender.dial(digit, 800, 800));
    }
}
