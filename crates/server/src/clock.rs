//! The one place where the server reads the time.

use std::time::Instant;

/// Now, on the monotonic clock.
#[expect(clippy::disallowed_methods, reason = "the shells' one clock; cores are told the time from here")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
