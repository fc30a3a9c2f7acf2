//! The last moments of a stream that nobody took: what a caller said just before somebody listens.
//!
//! Packets are kept as they came; they are decoded only when they are wanted.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::codec::{ClockRate, Codec, Decoder};
use crate::concealment::{Concealer, Concealment};

/// How much is kept: longer than any first syllable, shorter than a word before.
const KEPT: Duration = Duration::from_millis(500);

/// Octets kept, whatever their length in time: half a second of L16 at 16 kHz.
const OCTETS_MAX: usize = 16_000;

/// A gap between two packets that is filled; a longer one is a pause, and what was before it is not what is meant.
const GAP_MS_MAX: u32 = 100;

/// The last packets of a stream.
#[derive(Debug, Default)]
pub(crate) struct PreRoll {
    packets: VecDeque<Kept>,
    octets: VecDeque<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Kept {
    arrived: Instant,
    timestamp: u32,
    octets: usize,
}

/// What was kept, decoded: the time line that it ends with, and what goes on from there.
pub(crate) struct Recalled {
    pub(crate) samples: Vec<i16>,
    pub(crate) decoder: Decoder,
    pub(crate) concealer: Concealer,
    /// When the last packet came.
    pub(crate) arrived: Instant,
    /// The timestamp that follows it.
    pub(crate) expected: u32,
}

impl PreRoll {
    /// Keeps a packet.
    pub(crate) fn keep(&mut self, arrived: Instant, timestamp: u32, payload: &[u8]) {
        let is_old = |first: &Kept| arrived.saturating_duration_since(first.arrived) > KEPT;
        while self.packets.front().is_some_and(is_old) || self.octets.len() + payload.len() > OCTETS_MAX {
            let Some(first) = self.packets.pop_front() else { return };
            self.octets.drain(..first.octets);
        }
        self.packets.push_back(Kept { arrived, timestamp, octets: payload.len() });
        self.octets.extend(payload);
    }

    /// Forgets all: somebody had it, or the stream is another one.
    pub(crate) fn clear(&mut self) {
        self.packets.clear();
        self.octets.clear();
    }

    /// Decodes what came within the last half second, without a pause. `None` if there is nothing.
    pub(crate) fn recall(
        &self,
        now: Instant,
        codec: Codec,
        clock_rate: ClockRate,
        concealment: Concealment,
    ) -> Option<Recalled> {
        let last = self.packets.back()?;
        let mut recalled = Recalled {
            samples: Vec::new(),
            decoder: Decoder::new(codec, clock_rate),
            concealer: Concealer::new(concealment, clock_rate),
            arrived: last.arrived,
            expected: 0,
        };
        let timestamp_hz = codec.timestamp_hz(clock_rate);
        let mut expected = None;
        let (mut from, mut payload, mut frame) = (0, Vec::new(), Vec::new());
        for kept in &self.packets {
            payload.clear();
            payload.extend(self.octets.range(from..from + kept.octets));
            from += kept.octets;
            if now.saturating_duration_since(kept.arrived) > KEPT {
                continue;
            }
            let gap = expected.map_or(0, |expected: u32| kept.timestamp.wrapping_sub(expected));
            if gap > timestamp_hz / 1000 * GAP_MS_MAX {
                recalled.samples.clear();
                recalled.concealer.restart();
            } else {
                let missing = u64::from(gap) * u64::from(clock_rate.hz()) / u64::from(timestamp_hz);
                let begin = recalled.samples.len();
                recalled.samples.resize(begin + usize::try_from(missing).unwrap_or(0), 0);
                recalled.concealer.replace(recalled.samples.get_mut(begin..).unwrap_or_default());
            }
            frame.clear();
            recalled.decoder.decode(&payload, &mut frame);
            recalled.concealer.hear(&mut frame);
            recalled.samples.extend_from_slice(&frame);
            let units = frame.len() as u64 * u64::from(timestamp_hz) / u64::from(clock_rate.hz());
            // Timestamps count modulo 2^32.
            recalled.expected = kept.timestamp.wrapping_add(units as u32);
            expected = Some(recalled.expected);
        }
        Some(recalled).filter(|recalled| !recalled.samples.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_second_is_kept_whatever_comes() {
        let start = testkit::epoch();
        let mut pre_roll = PreRoll::default();
        for n in 0..1000u32 {
            pre_roll.keep(start + Duration::from_millis(20) * n, n * 160, &[n as u8; 160]);
            assert!(pre_roll.packets.len() <= 26 && pre_roll.octets.len() <= 26 * 160);
        }
        for n in 0..1000u32 {
            pre_roll.keep(start + Duration::from_secs(20), n * 3200, &[1; 6400]);
            assert!(pre_roll.octets.len() <= OCTETS_MAX);
        }
        pre_roll.keep(start, 0, &[0; OCTETS_MAX + 1]);
        assert_eq!((pre_roll.packets.len(), pre_roll.octets.len()), (0, 0), "too large for it");
    }

    #[test]
    fn what_came_before_a_pause_or_long_ago_is_not_recalled() {
        let start = testkit::epoch();
        let recalled = |packets: &[(u64, u32)], at: u64| {
            let mut pre_roll = PreRoll::default();
            for (ms, timestamp) in packets {
                pre_roll.keep(start + Duration::from_millis(*ms), *timestamp, &[0; 160]);
            }
            let now = start + Duration::from_millis(at);
            let recalled = pre_roll.recall(now, Codec::Pcmu, ClockRate::Hz8000, Concealment::Repetition);
            recalled.map(|recalled| (recalled.samples.len(), recalled.expected))
        };
        assert_eq!(recalled(&[(0, 0), (20, 160), (40, 320)], 50), Some((480, 480)));
        assert_eq!(recalled(&[(0, 0), (60, 480)], 70), Some((640, 640)), "what was lost between is concealed");
        assert_eq!(recalled(&[(0, 0), (200, 1600)], 210), Some((160, 1760)), "a pause");
        assert_eq!(recalled(&[(0, 0), (400, 160)], 600), Some((160, 320)));
        assert_eq!(recalled(&[(0, 0)], 600), None);
        assert_eq!(recalled(&[], 0), None);
    }
}
