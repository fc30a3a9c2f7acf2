//! What the transaction machines share.

use std::time::{Duration, Instant};

use crate::Timers;

/// A message that is sent again at growing intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Retransmit {
    pub(super) at: Instant,
    interval: Duration,
}

impl Retransmit {
    /// First after `interval`; `None` on a reliable transport.
    pub(super) fn after(now: Instant, interval: Duration, is_reliable: bool) -> Option<Self> {
        // An interval of nothing would never let time pass.
        let interval = interval.max(Duration::from_millis(1));
        (!is_reliable).then(|| Self { at: now + interval, interval })
    }

    /// The one after this: twice the interval, up to T2.
    pub(super) fn next_to_t2(self, now: Instant, timers: &Timers) -> Self {
        let interval = self.interval.saturating_mul(2).min(timers.t2);
        Self { at: now + interval, interval }
    }

    /// The one after this: twice the interval.
    pub(super) fn next_doubled(self, now: Instant) -> Self {
        let interval = self.interval.saturating_mul(2);
        Self { at: now + interval, interval }
    }
}

/// The earlier of a deadline and an optional retransmission.
pub(super) fn earlier(deadline: Instant, retransmit: Option<Retransmit>) -> Instant {
    retransmit.map_or(deadline, |retransmit| retransmit.at.min(deadline))
}

/// Whether a retransmission is due.
pub(super) fn due(retransmit: Option<Retransmit>, now: Instant) -> Option<Retransmit> {
    retransmit.filter(|retransmit| retransmit.at <= now)
}
