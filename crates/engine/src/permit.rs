//! Room for one listening, taken before a call is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{EngineError, EngineErrorKind};

/// Counts permits given out by one pool.
#[derive(Debug)]
pub(crate) struct PermitCounter {
    taken: AtomicUsize,
    max: usize,
    pool: &'static str,
}

/// One permit of a pool. Dropping it gives the room back.
#[derive(Debug)]
pub(crate) struct Permit {
    counter: Arc<PermitCounter>,
}

impl PermitCounter {
    pub(crate) fn new(pool: &'static str, max: usize) -> Arc<Self> {
        Arc::new(Self { taken: AtomicUsize::new(0), max, pool })
    }

    pub(crate) fn try_take(self: &Arc<Self>) -> Result<Permit, EngineError> {
        let take = |taken: usize| (taken < self.max).then_some(taken.saturating_add(1));
        match self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, take) {
            Ok(_) => Ok(Permit { counter: Arc::clone(self) }),
            Err(_) => {
                metrics::counter!("engine_refusals_total", "pool" => self.pool).increment(1);
                Err(EngineError::new(
                    EngineErrorKind::Busy,
                    format!("all {} {} permits are taken", self.max, self.pool),
                ))
            }
        }
    }

    pub(crate) fn free(&self) -> usize {
        self.max.saturating_sub(self.taken.load(Ordering::Acquire))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.counter.taken.fetch_sub(1, Ordering::AcqRel);
    }
}
