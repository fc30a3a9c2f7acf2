//! Interarrival jitter, as RTCP reports it.

use std::time::Instant;

/// A change of transit time beyond this is no jitter: the sender's time line jumped. In seconds.
const JUMP_SECONDS: i64 = 2;

/// The estimate of RFC 3550, section 6.4.1 and appendix A.8, in 1/16 timestamp units.
#[derive(Debug, Clone)]
pub struct InterarrivalJitter {
    clock_rate_hz: u32,
    epoch: Instant,
    last_transit: Option<i64>,
    sixteenths: i64,
}

impl InterarrivalJitter {
    /// No jitter yet. Arrivals are measured from `epoch`.
    pub fn new(clock_rate_hz: u32, epoch: Instant) -> Self {
        Self { clock_rate_hz: clock_rate_hz.max(1), epoch, last_transit: None, sixteenths: 0 }
    }

    /// Takes the arrival of a packet with RTP `timestamp`, in the order of arrival.
    pub fn arrival(&mut self, now: Instant, timestamp: u32) {
        let micros = i64::try_from(now.saturating_duration_since(self.epoch).as_micros()).unwrap_or(i64::MAX);
        let arrival = micros.saturating_mul(i64::from(self.clock_rate_hz)) / 1_000_000;
        let transit = arrival.wrapping_sub(i64::from(timestamp));
        if let Some(last) = self.last_transit.replace(transit) {
            let change = transit.wrapping_sub(last).abs();
            if change < JUMP_SECONDS * i64::from(self.clock_rate_hz) {
                self.sixteenths += change - ((self.sixteenths + 8) >> 4);
            }
        }
    }

    /// The estimate in timestamp units, as RTCP carries it.
    pub fn timestamp_units(&self) -> u32 {
        u32::try_from(self.sixteenths >> 4).unwrap_or(u32::MAX)
    }

    /// The estimate in milliseconds, rounded down.
    pub fn ms(&self) -> u32 {
        u32::try_from(u64::from(self.timestamp_units()) * 1000 / u64::from(self.clock_rate_hz)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn after(arrivals_ms: impl Iterator<Item = u64>) -> InterarrivalJitter {
        let epoch = testkit::epoch();
        let mut jitter = InterarrivalJitter::new(8000, epoch);
        for (packet, at) in arrivals_ms.enumerate() {
            jitter.arrival(epoch + Duration::from_millis(at), 4_294_967_000_u32.wrapping_add(packet as u32 * 160));
        }
        jitter
    }

    #[test]
    fn a_steady_stream_has_none() {
        assert_eq!(after((0..500).map(|n| n * 20 + 300)).timestamp_units(), 0);
    }

    #[test]
    fn alternating_arrivals_settle_at_their_difference() {
        let jitter = after((0..500).map(|n| n * 20 + (n % 2) * 10));
        assert!((9..=10).contains(&jitter.ms()), "{jitter:?}");
    }
}
