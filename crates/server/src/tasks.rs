//! The one place where tasks are started: each is named and counted, and a panic in it ends nothing else.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use metrics::{counter, gauge};
use tracing::Instrument;

/// Runs `task` on the control runtime.
pub(crate) fn spawn(name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(
        async move {
            let running = gauge!("tasks_active", "task" => name);
            running.increment(1.0);
            // What a task that panicked leaves behind is its own; it is dropped with it.
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                counter!("tasks_panicked_total", "task" => name).increment(1);
                tracing::error!(task = name, "a task panicked");
            }
            running.decrement(1.0);
        }
        .in_current_span(),
    );
}
