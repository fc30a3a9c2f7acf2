use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::*;

/// Long enough for a loaded machine; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn pool(workers: usize, deadline_ms: u64) -> Pool<u32> {
    Pool::start(PoolConfig {
        name: "test",
        workers,
        replacements_max: 2,
        spare_jobs_max: 2,
        deadline: Duration::from_millis(deadline_ms),
    })
    .unwrap()
}

fn outcome() -> (Done<u32>, Receiver<Result<u32, EngineError>>) {
    let (told, outcomes) = sync_channel(1);
    (Box::new(move |outcome| told.send(outcome).unwrap()), outcomes)
}

/// Work that says when it began and ends when it is let go.
fn gate() -> (Work<u32>, Receiver<()>, SyncSender<()>) {
    let (began, begun) = sync_channel(1);
    let (let_go, held) = sync_channel::<()>(1);
    let work: Work<u32> = Box::new(move |_| {
        began.send(()).unwrap();
        // An error means that the test is over.
        _ = held.recv();
        Ok(1)
    });
    (work, begun, let_go)
}

fn wait_until(pool: &Pool<u32>, what: impl Fn(PoolStatus) -> bool) {
    let start = now();
    while !what(pool.status()) {
        assert!(now().saturating_duration_since(start) < PATIENCE, "{:?}", pool.status());
        std::thread::yield_now();
    }
}

#[test]
fn a_job_is_done_and_told_once() {
    let pool = pool(1, 60_000);
    let (done, outcomes) = outcome();
    let _job = pool.submit(Lane::Urgent, Box::new(|_| Ok(7)), done).unwrap();
    assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap(), Ok(7));
    assert!(outcomes.recv_timeout(PATIENCE).is_err(), "the sender is gone after one outcome");
}

#[test]
fn a_panic_fails_its_own_job_and_the_worker_goes_on() {
    let pool = pool(1, 60_000);
    let (done, outcomes) = outcome();
    let _job = pool.submit(Lane::Urgent, Box::new(|_| panic!("as the test wants")), done).unwrap();
    assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap().unwrap_err().kind, EngineErrorKind::Internal);
    let (done, outcomes) = outcome();
    let _job = pool.submit(Lane::Urgent, Box::new(|_| Ok(8)), done).unwrap();
    assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap(), Ok(8));
}

#[test]
fn urgent_work_goes_first_whatever_came_before() {
    let pool = pool(1, 60_000);
    let (work, begun, let_go) = gate();
    let (done, _outcomes) = outcome();
    let _held = pool.submit(Lane::Urgent, work, done).unwrap();
    begun.recv_timeout(PATIENCE).unwrap();
    let (order, ordered) = sync_channel(8);
    let mut jobs = Vec::new();
    for (lane, name) in [(Lane::Spare, 's'), (Lane::Ahead, 'a'), (Lane::Urgent, 'u'), (Lane::Ahead, 'b')] {
        let order = order.clone();
        let work: Work<u32> = Box::new(move |_| {
            order.send(name).unwrap();
            Ok(0)
        });
        jobs.push(pool.submit(lane, work, Box::new(|_| ())).unwrap());
    }
    jobs[3].promote();
    let_go.send(()).unwrap();
    let heard: String = (0..4).map(|_| ordered.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!(heard, "ubas");
}

#[test]
fn spare_work_never_takes_the_last_worker_and_is_bounded() {
    let pool = pool(2, 60_000);
    let (work, begun, let_go) = gate();
    let _running = pool.submit(Lane::Spare, work, Box::new(|_| ())).unwrap();
    begun.recv_timeout(PATIENCE).unwrap();
    let _first = pool.submit(Lane::Spare, Box::new(|_| Ok(0)), Box::new(|_| ())).unwrap();
    let _second = pool.submit(Lane::Spare, Box::new(|_| Ok(0)), Box::new(|_| ())).unwrap();
    let refused = pool.submit(Lane::Spare, Box::new(|_| Ok(0)), Box::new(|_| ()));
    assert_eq!(refused.err().unwrap().kind, EngineErrorKind::Busy);
    let (done, outcomes) = outcome();
    let _urgent = pool.submit(Lane::Urgent, Box::new(|_| Ok(9)), done).unwrap();
    assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap(), Ok(9));
    assert_eq!(pool.status().queued, 2);
    let_go.send(()).unwrap();
    wait_until(&pool, |status| status.queued == 0 && status.running == 0);
}

#[test]
fn a_frozen_job_times_out_and_its_worker_is_replaced() {
    let pool = pool(1, 30);
    let (work, begun, let_go) = gate();
    let (done, outcomes) = outcome();
    let _frozen = pool.submit(Lane::Urgent, work, done).unwrap();
    begun.recv_timeout(PATIENCE).unwrap();
    assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap().unwrap_err().kind, EngineErrorKind::Timeout);
    let (done, outcomes) = outcome();
    let _next = pool.submit(Lane::Urgent, Box::new(|_| Ok(5)), done).unwrap();
    assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap(), Ok(5), "another worker took its place");
    assert_eq!(pool.status().stuck_workers, 1);
    let_go.send(()).unwrap();
    wait_until(&pool, |status| status.stuck_workers == 0 && status.workers == 1);
    assert_eq!(pool.status().late_results, 1);
}

#[test]
fn replacements_are_bounded_and_what_waits_times_out() {
    let pool = pool(1, 30);
    let mut held = Vec::new();
    for _ in 0..3 {
        let (work, begun, let_go) = gate();
        let (done, outcomes) = outcome();
        let job = pool.submit(Lane::Urgent, work, done).unwrap();
        begun.recv_timeout(PATIENCE).unwrap();
        assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap().unwrap_err().kind, EngineErrorKind::Timeout);
        held.push((job, let_go));
    }
    assert_eq!(pool.status().stuck_workers, 2);
    let (done, outcomes) = outcome();
    let _waits = pool.submit(Lane::Urgent, Box::new(|_| Ok(5)), done).unwrap();
    assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap().unwrap_err().kind, EngineErrorKind::Timeout);
    for (_, let_go) in &held {
        let_go.send(()).unwrap();
    }
    let (done, outcomes) = outcome();
    let _after = pool.submit(Lane::Urgent, Box::new(|_| Ok(6)), done).unwrap();
    assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap(), Ok(6), "the workers came back");
}

#[test]
fn progress_moves_the_deadline() {
    let pool = pool(1, 200);
    let (done, outcomes) = outcome();
    let work: Work<u32> = Box::new(|context| {
        let start = now();
        while now().saturating_duration_since(start) < Duration::from_millis(600) {
            context.progressed();
            std::thread::yield_now();
        }
        Ok(4)
    });
    let _job = pool.submit(Lane::Urgent, work, done).unwrap();
    assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap(), Ok(4));
}

#[test]
fn a_cancelled_job_is_never_told_and_counts_as_late_if_it_ran() {
    let pool = pool(1, 60_000);
    let (work, begun, let_go) = gate();
    let (done, outcomes) = outcome();
    let running = pool.submit(Lane::Urgent, work, done).unwrap();
    begun.recv_timeout(PATIENCE).unwrap();
    let (waiting_done, waiting_outcomes) = outcome();
    let waiting = pool.submit(Lane::Urgent, Box::new(|_| Ok(2)), waiting_done).unwrap();
    drop(waiting);
    assert_eq!(pool.status().queued, 0, "a cancelled job leaves its queue");
    drop(running);
    let_go.send(()).unwrap();
    wait_until(&pool, |status| status.running == 0);
    assert!(outcomes.recv().is_err() && waiting_outcomes.recv().is_err());
    wait_until(&pool, |status| status.late_results == 1);
}

#[test]
fn shutdown_fails_what_waits() {
    let pool = pool(1, 60_000);
    let (work, begun, let_go) = gate();
    let _running = pool.submit(Lane::Urgent, work, Box::new(|_| ())).unwrap();
    begun.recv_timeout(PATIENCE).unwrap();
    let (done, outcomes) = outcome();
    let _waiting = pool.submit(Lane::Urgent, Box::new(|_| Ok(2)), done).unwrap();
    let releaser = std::thread::spawn(move || {
        let outcome = outcomes.recv_timeout(PATIENCE).unwrap();
        let_go.send(()).unwrap();
        outcome
    });
    drop(pool);
    assert_eq!(releaser.join().unwrap().unwrap_err().kind, EngineErrorKind::Unavailable);
}
