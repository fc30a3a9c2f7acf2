//! The timers of RFC 3261, table 4, as values.

use std::time::Duration;

/// The values that all timers of transactions and dialogs are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timers {
    /// T1, the estimated round-trip time: first retransmission (timers A, E, G), and a 64th of timers B, F, H, J, L, M.
    pub t1: Duration,
    /// T2, the longest interval between retransmissions of non-INVITE requests and of INVITE responses.
    pub t2: Duration,
    /// T4, how long a message may stay in the network: timers I and K over UDP.
    pub t4: Duration,
    /// Timer D over UDP: how long an INVITE client transaction absorbs repeated final responses. At least 32 s.
    pub d: Duration,
    /// How long an INVITE may be without a final response: of ours before the transaction is given up (timer C), of the
    /// peer's before it is answered with 500. More than 3 minutes.
    pub invite_max: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            d: Duration::from_secs(32),
            invite_max: Duration::from_secs(190),
        }
    }
}

impl Timers {
    /// 64 × T1: timers B, F, H, J, L and M.
    pub fn transaction_timeout(&self) -> Duration {
        self.t1.saturating_mul(64)
    }
}
