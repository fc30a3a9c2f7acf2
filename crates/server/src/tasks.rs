//! The one place where tasks are started: each is named and counted, and a panic in it ends nothing else.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use metrics::{counter, gauge};
use tokio::runtime::{Handle, RuntimeFlavor};
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

/// Does work that may take long, so that only the task itself waits for it: the others of this thread go on elsewhere.
pub(crate) fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        // There is no other thread to go on with.
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn other_tasks_of_the_only_thread_go_on_beside_long_work() {
        let task = tokio::spawn(async {
            let (said, heard) = mpsc::sync_channel(1);
            // It begins on the thread that is about to be kept busy.
            tokio::spawn(async move { said.send(()) });
            aside(|| heard.recv_timeout(Duration::from_secs(120)))
        });
        assert_eq!(task.await.unwrap(), Ok(()));
    }
}
