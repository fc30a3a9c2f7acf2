//! Threads that listen to all streams: cheap work, in the order of the streams, every 10 ms.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use super::stream::{Stream, StreamState};
use crate::{EngineError, EngineErrorKind};

/// One listener thread.
pub(super) struct ListenerThread {
    shared: Arc<Shared>,
    handle: Option<JoinHandle<()>>,
    thread: Thread,
}

struct Shared {
    /// Streams that begin. As many as there are permits, at most.
    arrivals: Mutex<Vec<Stream>>,
    streams: AtomicUsize,
    is_closing: AtomicBool,
}

impl ListenerThread {
    pub(super) fn start(index: usize) -> Result<Self, EngineError> {
        let shared = Arc::new(Shared {
            arrivals: Mutex::new(Vec::new()),
            streams: AtomicUsize::new(0),
            is_closing: AtomicBool::new(false),
        });
        let running = Arc::clone(&shared);
        let handle = std::thread::Builder::new()
            .name(format!("listen-{index}"))
            .spawn(move || listen(&running))
            .map_err(|error| EngineError::new(EngineErrorKind::Unavailable, format!("no thread: {error}")))?;
        let thread = handle.thread().clone();
        Ok(Self { shared, handle: Some(handle), thread })
    }

    /// Streams that this thread serves.
    pub(super) fn load(&self) -> usize {
        self.shared.streams.load(Ordering::Relaxed)
    }

    pub(super) fn thread(&self) -> &Thread {
        &self.thread
    }

    pub(super) fn add(&self, stream: Stream) {
        self.shared.streams.fetch_add(1, Ordering::Relaxed);
        self.shared.arrivals.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
        self.thread.unpark();
    }
}

impl Drop for ListenerThread {
    fn drop(&mut self) {
        self.shared.is_closing.store(true, Ordering::Release);
        self.thread.unpark();
        if let Some(handle) = self.handle.take()
            // The last clone of the pool may be dropped by a receiver, on this very thread.
            && handle.thread().id() != std::thread::current().id()
            && handle.join().is_err()
        {
            tracing::error!("a listener thread panicked");
        }
    }
}

/// The life of a listener thread.
fn listen(shared: &Shared) {
    let mut streams: Vec<Stream> = Vec::new();
    while !shared.is_closing.load(Ordering::Acquire) {
        streams.append(&mut shared.arrivals.lock().unwrap_or_else(PoisonError::into_inner));
        let before = streams.len();
        streams.retain_mut(|stream| drive(stream) != StreamState::Ended);
        shared.streams.fetch_sub(before.saturating_sub(streams.len()), Ordering::Relaxed);
        if streams.is_empty() {
            std::thread::park();
        } else {
            std::thread::park_timeout(TICK);
        }
    }
    let closing = || EngineError::new(EngineErrorKind::Unavailable, "the engine is shutting down");
    streams.append(&mut shared.arrivals.lock().unwrap_or_else(PoisonError::into_inner));
    for stream in &mut streams {
        if catch_unwind(AssertUnwindSafe(|| stream.fail(closing()))).is_err() {
            tracing::error!("the receiver of listening events panicked");
        }
    }
}

/// Drives a stream; a panic ends this stream only.
fn drive(stream: &mut Stream) -> StreamState {
    if let Ok(state) = catch_unwind(AssertUnwindSafe(|| stream.drive())) {
        return state;
    }
    metrics::counter!("engine_listening_panics_total").increment(1);
    tracing::error!("a listening panicked");
    let error = EngineError::new(EngineErrorKind::Internal, "the listening panicked");
    // The receiver may be what panicked; it is told all the same, in case it was not.
    _ = catch_unwind(AssertUnwindSafe(|| stream.fail(error)));
    StreamState::Ended
}

/// Audio arrives in packets of 10–60 ms; looking more often finds nothing.
const TICK: Duration = Duration::from_millis(10);
