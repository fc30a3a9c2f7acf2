use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row after which a provider is left alone.
const FAILURES_MAX: u32 = 3;
/// How long at first; twice as long each time that it fails again.
const REST_FIRST: Duration = Duration::from_secs(5);
/// How long at most.
const REST_MAX: Duration = Duration::from_secs(120);

/// Keeps requests from a provider that fails, so that no caller waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breaker {
    /// Requests pass; so many have failed since the last success.
    Closed { failures: u32 },
    /// None passes before `until`; then one does, as a trial.
    Open { until: Instant, rest: Duration },
    /// The trial is under way; it counts as lost at `until`.
    Trying { until: Instant, rest: Duration },
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self::Closed { failures: 0 }
    }

    /// May a request be made now? Whoever is told so reports how it went.
    pub(super) fn admits(&mut self, now: Instant) -> bool {
        match *self {
            Self::Closed { .. } => true,
            Self::Open { until, rest } | Self::Trying { until, rest } if until <= now => {
                *self = Self::Trying { until: now.checked_add(rest).unwrap_or(now), rest };
                true
            }
            Self::Open { .. } | Self::Trying { .. } => false,
        }
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::new();
    }

    pub(super) fn failed(&mut self, now: Instant) {
        let open = |rest: Duration| Self::Open { until: now.checked_add(rest).unwrap_or(now), rest };
        *self = match *self {
            Self::Closed { failures } if failures.saturating_add(1) < FAILURES_MAX => {
                Self::Closed { failures: failures.saturating_add(1) }
            }
            Self::Closed { .. } => open(REST_FIRST),
            Self::Open { until, rest } => Self::Open { until, rest },
            Self::Trying { rest, .. } => open(rest.saturating_mul(2).min(REST_MAX)),
        };
    }

    pub(super) fn is_open(self) -> bool {
        match self {
            Self::Closed { .. } => false,
            Self::Open { .. } | Self::Trying { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_a_row_open_it_and_one_success_closes_it() {
        let now = Instant::now();
        let mut breaker = Breaker::new();
        for _ in 0..2 {
            breaker.failed(now);
        }
        breaker.succeeded();
        for _ in 0..2 {
            breaker.failed(now);
            assert!(breaker.admits(now));
        }
        breaker.failed(now);
        assert!(breaker.is_open() && !breaker.admits(now));
        let later = now + REST_FIRST;
        assert!(breaker.admits(later), "a trial");
        assert!(!breaker.admits(later), "one at a time");
        breaker.succeeded();
        assert!(!breaker.is_open() && breaker.admits(later));
    }

    #[test]
    fn each_failed_trial_doubles_the_rest_up_to_a_limit() {
        let mut now = Instant::now();
        let mut breaker = Breaker::new();
        for _ in 0..FAILURES_MAX {
            breaker.failed(now);
        }
        let mut rests = Vec::new();
        for _ in 0..8 {
            let Breaker::Open { until, rest } = breaker else { panic!("{breaker:?}") };
            rests.push(rest.as_secs());
            now = until;
            assert!(breaker.admits(now));
            breaker.failed(now);
        }
        assert_eq!(rests, [5, 10, 20, 40, 80, 120, 120, 120]);
    }

    #[test]
    fn a_trial_that_nobody_reported_is_followed_by_another() {
        let now = Instant::now();
        let mut breaker = Breaker::Open { until: now, rest: REST_FIRST };
        assert!(breaker.admits(now));
        assert!(!breaker.admits(now));
        assert!(breaker.admits(now + REST_FIRST));
    }
}
