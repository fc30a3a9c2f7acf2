//! Digits pressed before anyone asks for them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Digits in the order pressed, not yet taken by a recognition. Bounded: a digit that does not fit is dropped.
#[derive(Debug)]
pub(super) struct TypeAhead {
    digits: VecDeque<(Instant, char)>,
    max: usize,
}

impl TypeAhead {
    pub(super) fn new(max: usize) -> Self {
        Self { digits: VecDeque::new(), max }
    }

    /// Keeps a digit; `false` when there is no room.
    pub(super) fn push(&mut self, now: Instant, digit: char) -> bool {
        let fits = self.digits.len() < self.max;
        if fits {
            self.digits.push_back((now, digit));
        }
        fits
    }

    /// The next digit that is not older than `age_max` (DTMF-Buffer-Time, §9.4.31); older ones are gone.
    pub(super) fn take(&mut self, now: Instant, age_max: Option<Duration>) -> Option<char> {
        let is_fresh =
            |pressed: Instant| age_max.is_none_or(|age_max| now.saturating_duration_since(pressed) <= age_max);
        while let Some((pressed, digit)) = self.digits.pop_front() {
            if is_fresh(pressed) {
                return Some(digit);
            }
        }
        None
    }

    pub(super) fn clear(&mut self) {
        self.digits.clear();
    }
}

/// The keys of a telephone (RFC 4733 §3.2).
pub(super) fn is_digit(digit: char) -> bool {
    matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D')
}
