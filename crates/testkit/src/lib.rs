//! What tests of sans-IO cores share: an epoch, a virtual clock, and sweeps over byte splits.
//!
//! A core is told the time. A test owns a [`Clock`], hands `clock.now()` to the core and moves it with
//! [`Clock::advance`]; nothing sleeps.

mod babble;
mod comparison;

pub use babble::babble;
pub use comparison::{Comparison, compare};

use std::time::{Duration, Instant};

/// The start of virtual time. The only place where a test of a core may read a real clock.
#[expect(clippy::disallowed_methods, reason = "the epoch of virtual time; every later instant is derived from it")]
pub fn epoch() -> Instant {
    Instant::now()
}

/// A clock that moves only when it is told to.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    now: Instant,
}

impl Clock {
    /// A clock standing at its epoch.
    pub fn new() -> Self {
        let start = epoch();
        Self { start, now: start }
    }

    /// The current virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Moves forward by `ms` milliseconds and returns the new time.
    pub fn advance(&mut self, ms: u64) -> Instant {
        self.now += Duration::from_millis(ms);
        self.now
    }

    /// Moves to `to` if that is later than now; returns the current time.
    pub fn advance_to(&mut self, to: Instant) -> Instant {
        self.now = self.now.max(to);
        self.now
    }

    /// Milliseconds since the epoch.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.now.duration_since(self.start).as_millis()).unwrap_or(u64::MAX)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// Every way to cut `bytes` in two, as pairs of slices; both ends included.
pub fn every_split(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    (0..=bytes.len()).map(|at| bytes.split_at(at))
}

/// Every proper prefix of `bytes`, from empty to one byte short.
pub fn every_truncation(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    (0..bytes.len()).map(|end| &bytes[..end])
}

/// The optional conformance material beside the checkout (`../shared`), or `None` with a note on standard error.
/// Tests that use it skip when it is absent, and say so.
pub fn shared_material(relative: &str) -> Option<std::path::PathBuf> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(relative);
    if root.exists() {
        Some(root)
    } else {
        eprintln!("skipped: {relative} is not present beside the checkout");
        None
    }
}
