//! The deadlines of one machine.

use std::time::Instant;

/// Deadlines keyed by the machine's timer enum: at most one of each. A handful at a time, so a list is the fastest map.
#[derive(Debug, Clone)]
pub(crate) struct Timers<T>(Vec<(T, Instant)>);

impl<T: Copy + PartialEq> Timers<T> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Sets `timer`, replacing its earlier deadline.
    pub(crate) fn set(&mut self, timer: T, at: Instant) {
        self.cancel(timer);
        self.0.push((timer, at));
    }

    pub(crate) fn cancel(&mut self, timer: T) {
        self.0.retain(|(set, _)| *set != timer);
    }

    pub(crate) fn is_set(&self, timer: T) -> bool {
        self.0.iter().any(|(set, _)| *set == timer)
    }

    /// When `timer` is due, if it is set.
    pub(crate) fn at(&self, timer: T) -> Option<Instant> {
        self.0.iter().find(|(set, _)| *set == timer).map(|(_, at)| *at)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.iter().map(|(_, at)| *at).min()
    }

    /// Takes the timer that is due first, if any is due.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<T> {
        let (index, _) = self.0.iter().enumerate().filter(|(_, (_, at))| *at <= now).min_by_key(|(_, (_, at))| *at)?;
        Some(self.0.remove(index).0)
    }
}
