//! The one place where this crate reads the time.

use std::time::{Instant, SystemTime};

/// Now, on the monotonic clock.
#[expect(clippy::disallowed_methods, reason = "a shell's one clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Now, on the wall clock, which HTTP's dates are of.
#[expect(clippy::disallowed_methods, reason = "a shell's one clock")]
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}
