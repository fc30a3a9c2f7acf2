//! The one place where this crate reads a clock: worker deadlines and durations for metrics.
//! Times inside an audio stream are counted in samples and never come from here.

use std::time::Instant;

/// The current monotonic time.
#[expect(
    clippy::disallowed_methods,
    reason = "deadlines of worker threads and metrics; stream time is counted in samples"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
