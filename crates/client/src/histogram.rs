//! Durations, counted: all between packets, latencies of responses.

use std::time::Duration;

/// Tenths of a millisecond that are told apart; what is longer counts as the longest.
const BUCKETS: usize = 5000;

/// Durations in tenths of a millisecond up to half a second, and the longest one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    counts: Vec<u32>,
    total: u64,
    longest: Duration,
}

impl Histogram {
    /// Counts one duration.
    pub fn add(&mut self, duration: Duration) {
        let bucket = usize::try_from(duration.as_micros() / 100).unwrap_or(usize::MAX).min(BUCKETS - 1);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        self.total += 1;
        self.longest = self.longest.max(duration);
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.total += other.total;
        self.longest = self.longest.max(other.longest);
    }

    /// How many were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// What `fraction` of all do not exceed, to a tenth of a millisecond; 0 without any.
    pub fn quantile(&self, fraction: f64) -> Duration {
        let wanted = (self.total as f64 * fraction.clamp(0.0, 1.0)).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted && seen > 0 {
                return Duration::from_micros(bucket as u64 * 100).min(self.longest);
            }
        }
        self.longest
    }

    /// The longest.
    pub fn longest(&self) -> Duration {
        self.longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_read_from_the_counts() {
        let mut all = Histogram::default();
        for ms in 1..=100 {
            all.add(Duration::from_millis(ms));
        }
        assert_eq!(all.quantile(0.5), Duration::from_millis(50));
        assert_eq!(all.quantile(0.99), Duration::from_millis(99));
        assert_eq!((all.quantile(1.0), all.longest()), (Duration::from_millis(100), Duration::from_millis(100)));
    }

    #[test]
    fn merging_is_counting_both() {
        let (mut a, mut b) = (Histogram::default(), Histogram::default());
        a.add(Duration::from_millis(20));
        b.add(Duration::from_secs(3));
        a.merge(&b);
        assert_eq!((a.total(), a.longest()), (2, Duration::from_secs(3)));
        assert_eq!(Histogram::default().quantile(0.5), Duration::ZERO);
    }
}
