//! One piece of work for a pool, and the key by which its requester holds on to it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::now;
use crate::{EngineError, EngineErrorKind};

/// What a worker does.
pub(crate) type Work<T> = Box<dyn FnOnce(&JobContext) -> Result<T, EngineError> + Send>;

/// How the outcome is told: at most once, by whoever comes first of worker, deadline and shutdown.
pub(crate) type Done<T> = Box<dyn FnOnce(Result<T, EngineError>) + Send>;

/// Which work goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// A caller waits for it.
    Urgent,
    /// A caller will probably wait for it soon.
    Ahead,
    /// Nobody waits. Never takes the last worker.
    Spare,
}

impl Lane {
    pub(super) const ALL: [Self; 3] = [Self::Urgent, Self::Ahead, Self::Spare];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Ahead => "ahead",
            Self::Spare => "spare",
        }
    }
}

/// What running work may ask and tell. Clones share it, so that native callbacks can hold one.
#[derive(Clone)]
pub(crate) struct JobContext {
    signals: Arc<Signals>,
}

struct Signals {
    cancelled: AtomicBool,
    timed_out: AtomicBool,
    submitted: Instant,
    /// Milliseconds from `submitted` to the last sign of progress.
    progress_ms: AtomicU64,
}

impl JobContext {
    fn new() -> Self {
        Self {
            signals: Arc::new(Signals {
                cancelled: AtomicBool::new(false),
                timed_out: AtomicBool::new(false),
                submitted: now(),
                progress_ms: AtomicU64::new(0),
            }),
        }
    }

    /// Whether nobody wants the result any more. Work that can stop early should.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.signals.cancelled.load(Ordering::Acquire) || self.signals.timed_out.load(Ordering::Acquire)
    }

    /// Says that the work goes on: the deadline counts from here.
    pub(crate) fn progressed(&self) {
        let elapsed = now().saturating_duration_since(self.signals.submitted).as_millis();
        self.signals.progress_ms.fetch_max(u64::try_from(elapsed).unwrap_or(u64::MAX), Ordering::AcqRel);
    }

    pub(super) fn last_sign(&self) -> Instant {
        let progress = Duration::from_millis(self.signals.progress_ms.load(Ordering::Acquire));
        self.signals.submitted.checked_add(progress).unwrap_or(self.signals.submitted)
    }

    pub(super) fn submitted(&self) -> Instant {
        self.signals.submitted
    }
}

/// A job as the pool keeps it.
pub(super) struct Ticket<T> {
    pub(super) context: JobContext,
    work: Mutex<Option<Work<T>>>,
    done: Mutex<Option<Done<T>>>,
}

impl<T> Ticket<T> {
    pub(super) fn new(work: Work<T>, done: Done<T>) -> Self {
        Self { context: JobContext::new(), work: Mutex::new(Some(work)), done: Mutex::new(Some(done)) }
    }

    /// Does the work. A panic becomes an error of this job.
    pub(super) fn run(&self) -> Result<T, EngineError> {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(work) = work else {
            return Err(EngineError::new(EngineErrorKind::Internal, "the job was run twice"));
        };
        catch_unwind(AssertUnwindSafe(|| work(&self.context)))
            .unwrap_or_else(|_| Err(EngineError::new(EngineErrorKind::Internal, "the engine panicked on this request")))
    }

    /// Tells the outcome, if nobody did before and it is still wanted. Returns why it was not told otherwise.
    pub(super) fn complete(&self, outcome: Result<T, EngineError>) -> Result<(), &'static str> {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner).take();
        match done {
            Some(done) => {
                if catch_unwind(AssertUnwindSafe(|| done(outcome))).is_err() {
                    tracing::error!("the receiver of an engine result panicked");
                }
                Ok(())
            }
            None if self.context.signals.timed_out.load(Ordering::Acquire) => Err("deadline"),
            None => Err("cancelled"),
        }
    }

    pub(super) fn time_out(&self) {
        self.context.signals.timed_out.store(true, Ordering::Release);
    }

    /// Nobody wants the outcome: what would tell it and, if not begun, the work itself are dropped.
    pub(super) fn cancel(&self) {
        self.context.signals.cancelled.store(true, Ordering::Release);
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner).take();
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop((done, work));
    }
}
