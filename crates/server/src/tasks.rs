//! The one place where tasks are started: each is named, and a panic in it is counted and ends nothing else.

use std::future::Future;

use metrics::counter;
use tracing::Instrument;

/// Runs `task` on the control runtime.
pub(crate) fn spawn(name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
    let running = tokio::spawn(task.in_current_span());
    tokio::spawn(async move {
        if let Err(error) = running.await
            && error.is_panic()
        {
            counter!("tasks_panicked_total", "task" => name).increment(1);
            tracing::error!(task = name, "a task panicked");
        }
    });
}
