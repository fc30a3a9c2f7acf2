//! Digits pressed before anyone asks for them.

use std::collections::VecDeque;

/// Digits in the order pressed, not yet taken by a recognition. Bounded: a digit that does not fit is dropped.
#[derive(Debug)]
pub(super) struct TypeAhead {
    digits: VecDeque<char>,
    max: usize,
}

impl TypeAhead {
    pub(super) fn new(max: usize) -> Self {
        Self { digits: VecDeque::new(), max }
    }

    /// Keeps a digit; `false` when there is no room.
    pub(super) fn push(&mut self, digit: char) -> bool {
        let fits = self.digits.len() < self.max;
        if fits {
            self.digits.push_back(digit);
        }
        fits
    }

    pub(super) fn take(&mut self) -> Option<char> {
        self.digits.pop_front()
    }

    pub(super) fn clear(&mut self) {
        self.digits.clear();
    }
}

/// The keys of a telephone (RFC 4733 §3.2).
pub(super) fn is_digit(digit: char) -> bool {
    matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D')
}
