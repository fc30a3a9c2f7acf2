//! The one place where the client reads the clock.

use std::time::Instant;

/// Now.
#[expect(clippy::disallowed_methods, reason = "a shell reads the clock in one place")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
