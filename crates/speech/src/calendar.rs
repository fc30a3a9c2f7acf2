//! Which day it is, without a clock.

use std::time::Instant;

use jiff::{SignedDuration, civil::Date, civil::DateTime};

/// The local date and time at one instant, from which the date at every other instant follows. The shell takes it from its
/// clock and time zone when a session begins; a change to or from daylight saving time during a session is not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    at: Instant,
    local: DateTime,
}

impl Calendar {
    /// A calendar that says `local` at the instant `at`.
    pub fn new(at: Instant, local: DateTime) -> Self {
        Self { at, local }
    }

    /// The local date at `now`; an instant before that of the calendar counts as the same.
    pub fn date(&self, now: Instant) -> Date {
        let passed = SignedDuration::try_from(now.saturating_duration_since(self.at)).unwrap_or(SignedDuration::ZERO);
        self.local.saturating_add(passed).date()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_date_changes_at_local_midnight() {
        let at = testkit::Clock::new().now();
        let calendar = Calendar::new(at, date(2026, 12, 31).at(23, 59, 0, 0));
        assert_eq!(calendar.date(at + Duration::from_secs(59)), date(2026, 12, 31));
        assert_eq!(calendar.date(at + Duration::from_secs(60)), date(2027, 1, 1));
    }
}
