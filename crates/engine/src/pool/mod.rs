//! Counted worker threads behind prioritized queues.
//!
//! The queues need no bound of their own: who submits holds a permit, a permit covers a fixed number of unfinished jobs,
//! and a cancelled job leaves its queue at once. Spare work has a bound of its own and is refused beyond it.
//!
//! One supervisor thread per pool watches deadlines. A job that is overdue fails for its requester; if a worker is
//! stuck in it, another worker is started in its place, up to a bound, and the stuck one ends when it comes back.

mod job;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(crate) use job::{Done, JobContext, Lane, Work};

use crate::clock::now;
use crate::{EngineError, EngineErrorKind};
use job::Ticket;

/// How a pool is built.
#[derive(Debug, Clone)]
pub(crate) struct PoolConfig {
    /// Metric label and thread name.
    pub(crate) name: &'static str,
    pub(crate) workers: usize,
    pub(crate) replacements_max: usize,
    pub(crate) spare_jobs_max: usize,
    /// Time without a sign of progress after which a job fails.
    pub(crate) deadline: Duration,
}

/// A pool of workers whose jobs give `T`. Dropping it fails what waits and ends the threads.
pub(crate) struct Pool<T: Send + 'static> {
    shared: Arc<Shared<T>>,
}

/// Holds on to a job. Dropping it cancels: its outcome will not be told.
pub(crate) struct JobHandle<T: Send + 'static> {
    ticket: Arc<Ticket<T>>,
    shared: Arc<Shared<T>>,
}

/// How a pool is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// Workers that take jobs.
    pub workers: usize,
    /// Workers stuck in a job beyond its deadline, replaced by others.
    pub stuck_workers: usize,
    /// Jobs that wait.
    pub queued: usize,
    /// Jobs that run.
    pub running: usize,
    /// Results that came after their request was cancelled or had timed out.
    pub late_results: u64,
}

struct Shared<T> {
    config: PoolConfig,
    state: Mutex<State<T>>,
    /// Workers wait here for jobs.
    jobs: Condvar,
    /// The supervisor waits here for something to watch.
    watch: Condvar,
    /// Shutdown waits here for workers to end.
    ended: Condvar,
    late_results: AtomicU64,
}

struct State<T> {
    queues: [VecDeque<Arc<Ticket<T>>>; Lane::ALL.len()],
    running: HashMap<WorkerId, Running<T>>,
    /// Workers that were replaced and have not come back.
    stuck: HashSet<WorkerId>,
    threads: usize,
    next_worker: u64,
    is_closing: bool,
}

struct Running<T> {
    ticket: Arc<Ticket<T>>,
    lane: Lane,
    is_overdue: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct WorkerId(u64);

impl<T: Send + 'static> Pool<T> {
    /// Starts the workers.
    ///
    /// # Errors
    /// `Unavailable` when the system gives no thread.
    pub(crate) fn start(config: PoolConfig) -> Result<Self, EngineError> {
        let workers = config.workers.max(1);
        let shared = Arc::new(Shared {
            config,
            state: Mutex::new(State {
                queues: [VecDeque::new(), VecDeque::new(), VecDeque::new()],
                running: HashMap::new(),
                stuck: HashSet::new(),
                threads: 0,
                next_worker: 0,
                is_closing: false,
            }),
            jobs: Condvar::new(),
            watch: Condvar::new(),
            ended: Condvar::new(),
            late_results: AtomicU64::new(0),
        });
        // Built before the threads, so that those that started end if a later one cannot.
        let pool = Self { shared: Arc::clone(&shared) };
        let supervised = Arc::clone(&shared);
        std::thread::Builder::new()
            .name(format!("{}-watch", shared.config.name))
            .spawn(move || supervise(&supervised))
            .map_err(|error| EngineError::new(EngineErrorKind::Unavailable, format!("no thread: {error}")))?;
        for _ in 0..workers {
            spawn_worker(&shared, &mut shared.lock())?;
        }
        Ok(pool)
    }

    /// Queues a job. `done` is told the outcome once, unless the handle is dropped before.
    ///
    /// # Errors
    /// `Busy` for spare work beyond its bound.
    pub(crate) fn submit(&self, lane: Lane, work: Work<T>, done: Done<T>) -> Result<JobHandle<T>, EngineError> {
        let mut state = self.shared.lock();
        if lane == Lane::Spare && state.queue(lane).len() >= self.shared.config.spare_jobs_max {
            return Err(EngineError::new(EngineErrorKind::Busy, "too much spare work waits"));
        }
        let ticket = Arc::new(Ticket::new(work, done));
        state.queue(lane).push_back(Arc::clone(&ticket));
        self.shared.report_depth(&state);
        drop(state);
        self.shared.jobs.notify_one();
        self.shared.watch.notify_one();
        Ok(JobHandle { ticket, shared: Arc::clone(&self.shared) })
    }

    /// Whether a worker would take spare work at once.
    pub(crate) fn has_idle_worker(&self) -> bool {
        let state = self.shared.lock();
        let waiting: usize = state.queues.iter().map(VecDeque::len).sum();
        state.active().saturating_add(waiting) < self.shared.config.workers
            && state.spare_running() < self.shared.spare_workers()
    }

    pub(crate) fn status(&self) -> PoolStatus {
        let state = self.shared.lock();
        PoolStatus {
            workers: state.threads.saturating_sub(state.stuck.len()),
            stuck_workers: state.stuck.len(),
            queued: state.queues.iter().map(VecDeque::len).sum(),
            running: state.running.len(),
            late_results: self.shared.late_results.load(Ordering::Relaxed),
        }
    }
}

impl<T: Send + 'static> Drop for Pool<T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.is_closing = true;
        let waiting: Vec<_> = state.queues.iter_mut().flat_map(std::mem::take).collect();
        drop(state);
        self.shared.jobs.notify_all();
        self.shared.watch.notify_all();
        for ticket in waiting {
            // Whether it was cancelled meanwhile makes no difference any more.
            _ = ticket.complete(Err(EngineError::new(EngineErrorKind::Unavailable, "the engine is shutting down")));
        }
        // A native call that runs while the process ends may crash it, so give running work a moment; a frozen call
        // must not hold the shutdown.
        let state = self.shared.lock();
        let gone = |state: &mut State<T>| state.threads > state.stuck.len();
        _ = self.shared.ended.wait_timeout_while(state, SHUTDOWN_GRACE, gone);
    }
}

/// How long a dropped pool waits for running work: the longest clause of the slowest voice on a busy machine.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(20);

impl<T: Send + 'static> JobHandle<T> {
    /// Moves the job, if it still waits, to the front: a caller waits for it now.
    pub(crate) fn promote(&self) {
        let mut state = self.shared.lock();
        for lane in [Lane::Ahead, Lane::Spare] {
            let queue = state.queue(lane);
            if let Some(at) = queue.iter().position(|waiting| Arc::ptr_eq(waiting, &self.ticket)) {
                _ = queue.remove(at);
                state.queue(Lane::Urgent).push_back(Arc::clone(&self.ticket));
            }
        }
        drop(state);
        self.shared.jobs.notify_one();
    }
}

impl<T: Send + 'static> Drop for JobHandle<T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        for queue in &mut state.queues {
            queue.retain(|waiting| !Arc::ptr_eq(waiting, &self.ticket));
        }
        self.shared.report_depth(&state);
        drop(state);
        self.ticket.cancel();
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing panics while holding it; a poisoned lock would still hold consistent queues.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Workers that spare work may occupy: all but one.
    fn spare_workers(&self) -> usize {
        self.config.workers.saturating_sub(1).max(1)
    }

    fn report_depth(&self, state: &State<T>) {
        for (lane, queue) in Lane::ALL.iter().zip(&state.queues) {
            #[expect(clippy::cast_precision_loss, reason = "a gauge")]
            metrics::gauge!("engine_queue_depth", "pool" => self.config.name, "lane" => lane.label())
                .set(queue.len() as f64);
        }
    }

    fn overdue_at(&self, ticket: &Ticket<T>) -> Instant {
        let sign = ticket.context.last_sign();
        sign.checked_add(self.config.deadline).unwrap_or(sign)
    }
}

impl<T> State<T> {
    fn queue(&mut self, lane: Lane) -> &mut VecDeque<Arc<Ticket<T>>> {
        let [urgent, ahead, spare] = &mut self.queues;
        match lane {
            Lane::Urgent => urgent,
            Lane::Ahead => ahead,
            Lane::Spare => spare,
        }
    }

    /// Running jobs of workers that were not replaced.
    fn active(&self) -> usize {
        self.running.keys().filter(|id| !self.stuck.contains(id)).count()
    }

    fn spare_running(&self) -> usize {
        self.running.values().filter(|running| running.lane == Lane::Spare && !running.is_overdue).count()
    }

    fn take_job(&mut self, spare_workers: usize) -> Option<(Lane, Arc<Ticket<T>>)> {
        for lane in Lane::ALL {
            if lane == Lane::Spare && self.spare_running() >= spare_workers {
                continue;
            }
            if let Some(ticket) = self.queue(lane).pop_front() {
                return Some((lane, ticket));
            }
        }
        None
    }
}

fn spawn_worker<T: Send + 'static>(shared: &Arc<Shared<T>>, state: &mut State<T>) -> Result<(), EngineError> {
    let id = WorkerId(state.next_worker);
    state.next_worker = state.next_worker.wrapping_add(1);
    let worker = Arc::clone(shared);
    std::thread::Builder::new()
        .name(format!("{}-{}", shared.config.name, id.0))
        .spawn(move || work(&worker, id))
        .map_err(|error| EngineError::new(EngineErrorKind::Unavailable, format!("no thread: {error}")))?;
    state.threads = state.threads.saturating_add(1);
    Ok(())
}

/// The life of a worker.
fn work<T: Send + 'static>(shared: &Arc<Shared<T>>, id: WorkerId) {
    let spare_workers = shared.spare_workers();
    let mut state = shared.lock();
    while !state.is_closing {
        let Some((lane, ticket)) = state.take_job(spare_workers) else {
            state = shared.jobs.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        state.running.insert(id, Running { ticket: Arc::clone(&ticket), lane, is_overdue: false });
        shared.report_depth(&state);
        drop(state);

        let waited = now().saturating_duration_since(ticket.context.submitted());
        metrics::histogram!("engine_wait_seconds", "pool" => shared.config.name, "lane" => lane.label())
            .record(waited.as_secs_f64());
        let outcome = ticket.run();
        let label = match &outcome {
            Ok(_) => "ok",
            Err(error) => error.kind.label(),
        };
        metrics::counter!("engine_jobs_total", "pool" => shared.config.name, "outcome" => label).increment(1);
        if let Err(reason) = ticket.complete(outcome) {
            shared.late_results.fetch_add(1, Ordering::Relaxed);
            metrics::counter!("engine_late_results_total", "pool" => shared.config.name, "reason" => reason)
                .increment(1);
        }
        drop(ticket);

        state = shared.lock();
        state.running.remove(&id);
        if state.stuck.remove(&id) {
            // Another worker took this one's place.
            break;
        }
        // A spare job may have waited for this one to end.
        if lane == Lane::Spare {
            shared.jobs.notify_one();
        }
    }
    state.threads = state.threads.saturating_sub(1);
    drop(state);
    shared.ended.notify_all();
}

/// The life of the supervisor: fails what is overdue, replaces workers that are stuck.
fn supervise<T: Send + 'static>(shared: &Arc<Shared<T>>) {
    let mut state = shared.lock();
    while !state.is_closing {
        let now = now();
        let mut overdue = Vec::new();
        for queue in &mut state.queues {
            while let Some(at) = queue.iter().position(|ticket| shared.overdue_at(ticket) <= now) {
                overdue.extend(queue.remove(at));
            }
        }
        let mut replace = Vec::new();
        for (id, running) in &mut state.running {
            if !running.is_overdue && shared.overdue_at(&running.ticket) <= now {
                running.is_overdue = true;
                overdue.push(Arc::clone(&running.ticket));
                replace.push(*id);
            }
        }
        for id in replace {
            if state.stuck.len() >= shared.config.replacements_max {
                tracing::error!(pool = shared.config.name, "a worker is stuck and no more may be started in its place");
            } else if spawn_worker(shared, &mut state).is_ok() {
                state.stuck.insert(id);
                metrics::counter!("engine_worker_replacements_total", "pool" => shared.config.name).increment(1);
                tracing::warn!(pool = shared.config.name, "a worker is stuck; another takes its place");
            }
        }
        if !overdue.is_empty() {
            drop(state);
            for ticket in overdue {
                ticket.time_out();
                let error = EngineError::new(EngineErrorKind::Timeout, "the engine did not answer in time");
                // A cancelled job has nobody to tell; its worker was replaced all the same.
                _ = ticket.complete(Err(error));
            }
            state = shared.lock();
            continue;
        }
        let waiting = state.queues.iter().flatten();
        let running = state.running.values().filter(|running| !running.is_overdue).map(|running| &running.ticket);
        let next = waiting.chain(running).map(|ticket| shared.overdue_at(ticket)).min();
        state = match next {
            Some(at) => {
                let pause = at.saturating_duration_since(now).max(Duration::from_millis(1));
                shared.watch.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0
            }
            None => shared.watch.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
    }
}

#[cfg(test)]
mod tests;
