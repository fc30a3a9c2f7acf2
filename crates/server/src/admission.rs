//! Who may come in: permits for sessions, taken before a call is answered and returned by `Drop`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use metrics::{counter, gauge};
use tokio::sync::Notify;

/// Counts sessions against a limit and refuses while draining.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    sessions_max: usize,
    sessions: AtomicUsize,
    draining: AtomicBool,
    changed: Notify,
}

/// Why an INVITE is refused before a session exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The server is draining.
    Draining,
    /// The limit of sessions is reached.
    Full,
}

impl Refusal {
    /// Label of the refusal in metrics.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Full => "sessions",
        }
    }
}

impl Admission {
    /// Admits up to `sessions_max` sessions at once.
    pub(crate) fn new(sessions_max: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                sessions_max,
                sessions: AtomicUsize::new(0),
                draining: AtomicBool::new(false),
                changed: Notify::new(),
            }),
        }
    }

    /// Takes a place for one session.
    ///
    /// # Errors
    /// The reason to refuse: drain or limit.
    pub(crate) fn admit(&self) -> Result<SessionPermit, Refusal> {
        let refusal = if self.is_draining() {
            Refusal::Draining
        } else {
            let taken = self.shared.sessions.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| {
                (count < self.shared.sessions_max).then_some(count + 1)
            });
            match taken {
                Ok(before) => {
                    counter!("sessions_total").increment(1);
                    #[expect(clippy::cast_precision_loss, reason = "a count of sessions is far below 2^52")]
                    gauge!("sessions_active").set((before + 1) as f64);
                    return Ok(SessionPermit { shared: Arc::clone(&self.shared) });
                }
                Err(_) => Refusal::Full,
            }
        };
        counter!("sessions_refused_total", "reason" => refusal.reason()).increment(1);
        Err(refusal)
    }

    /// Refuses every session from now on.
    pub(crate) fn drain(&self) {
        self.shared.draining.store(true, Ordering::Release);
    }

    /// Whether [`Self::drain`] was called.
    pub(crate) fn is_draining(&self) -> bool {
        self.shared.draining.load(Ordering::Acquire)
    }

    /// Sessions now.
    pub(crate) fn sessions(&self) -> usize {
        self.shared.sessions.load(Ordering::Acquire)
    }

    /// Waits until no session is left.
    pub(crate) async fn emptied(&self) {
        loop {
            let changed = self.shared.changed.notified();
            if self.sessions() == 0 {
                return;
            }
            changed.await;
        }
    }
}

/// The place of one session; dropping it frees the place.
#[derive(Debug)]
pub(crate) struct SessionPermit {
    shared: Arc<Shared>,
}

impl Drop for SessionPermit {
    fn drop(&mut self) {
        let before = self.shared.sessions.fetch_sub(1, Ordering::AcqRel);
        #[expect(clippy::cast_precision_loss, reason = "a count of sessions is far below 2^52")]
        gauge!("sessions_active").set(before.saturating_sub(1) as f64);
        self.shared.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_permit_is_dropped() {
        let admission = Admission::new(1);
        let permit = admission.admit().unwrap();
        assert_eq!(admission.admit().unwrap_err(), Refusal::Full);
        drop(permit);
        assert!(admission.admit().is_ok());
    }

    #[test]
    fn a_drain_refuses_and_ends_when_the_last_session_has_gone() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let admission = Admission::new(2);
        let permit = admission.admit().unwrap();
        admission.drain();
        assert_eq!(admission.admit().unwrap_err(), Refusal::Draining);
        runtime.block_on(async {
            let waiting = tokio::spawn({
                let admission = admission.clone();
                async move { admission.emptied().await }
            });
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished());
            drop(permit);
            waiting.await.unwrap();
        });
    }
}
