//! The non-INVITE client transaction (RFC 3261, 17.1.2).

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::client_invite::ClientTimeout;
use super::retransmit::{Retransmit, due, earlier};
use crate::{Status, Timers};

/// A client transaction of a request other than INVITE and ACK.
#[derive(Debug)]
pub(super) struct ClientNonInvite {
    is_reliable: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// No final response yet (timers E, F).
    Trying { request: Bytes, e: Option<Retransmit>, f: Instant },
    /// The final response came; repetitions are absorbed (timer K).
    Completed { k: Instant },
}

impl ClientNonInvite {
    /// A new transaction whose request has just been sent.
    pub(super) fn new(request: Bytes, is_reliable: bool, timers: &Timers, now: Instant) -> Self {
        let state = State::Trying {
            request,
            e: Retransmit::after(now, timers.t1, is_reliable),
            f: now + timers.transaction_timeout(),
        };
        Self { is_reliable, state }
    }

    /// A response came: whether the owner gets it.
    pub(super) fn received(&mut self, now: Instant, timers: &Timers, status: Status) -> bool {
        match &mut self.state {
            State::Trying { e, .. } => {
                if status.is_provisional() {
                    // In the Proceeding state the interval is T2 at once.
                    *e = Retransmit::after(now, timers.t2, self.is_reliable);
                } else {
                    let linger = if self.is_reliable { Duration::ZERO } else { timers.t4 };
                    self.state = State::Completed { k: now + linger };
                }
                true
            }
            State::Completed { .. } => false,
        }
    }

    /// Whether a failed transport ends it with a failure, and not just quietly.
    pub(super) fn is_open(&self) -> bool {
        match &self.state {
            State::Trying { .. } => true,
            State::Completed { .. } => false,
        }
    }

    /// Fires the timers that are due, one at a time.
    pub(super) fn handle_timeout(&mut self, now: Instant, timers: &Timers) -> ClientTimeout {
        match &mut self.state {
            State::Trying { f, .. } if *f <= now => ClientTimeout::TimedOut,
            State::Trying { request, e, .. } => match due(*e, now) {
                Some(retransmit) => {
                    *e = Some(retransmit.next_to_t2(now, timers));
                    ClientTimeout::Retransmit(request.clone())
                }
                None => ClientTimeout::Wait,
            },
            State::Completed { k } if *k <= now => ClientTimeout::Ended,
            State::Completed { .. } => ClientTimeout::Wait,
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted.
    pub(super) fn deadline(&self) -> Instant {
        match &self.state {
            State::Trying { e, f, .. } => earlier(*f, *e),
            State::Completed { k } => *k,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::Clock;

    fn run(clock: &mut Clock, machine: &mut ClientNonInvite) -> (Vec<u64>, ClientTimeout, u64) {
        let mut retransmissions = Vec::new();
        loop {
            let now = clock.advance_to(machine.deadline());
            match machine.handle_timeout(now, &Timers::default()) {
                ClientTimeout::Wait => panic!("woken for nothing"),
                ClientTimeout::Retransmit(_) => retransmissions.push(clock.elapsed_ms()),
                end => return (retransmissions, end, clock.elapsed_ms()),
            }
        }
    }

    fn machine(is_reliable: bool) -> (Clock, ClientNonInvite) {
        let clock = Clock::new();
        let machine = ClientNonInvite::new(Bytes::from_static(b"BYE"), is_reliable, &Timers::default(), clock.now());
        (clock, machine)
    }

    #[test]
    fn a_request_is_repeated_up_to_every_t2_until_timer_f() {
        let (mut clock, mut machine) = machine(false);
        let (at, end, end_at) = run(&mut clock, &mut machine);
        assert_eq!(at, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
        assert_eq!((end, end_at), (ClientTimeout::TimedOut, 32_000));
    }

    #[test]
    fn after_a_provisional_response_it_is_repeated_every_t2() {
        let (mut clock, mut machine) = machine(false);
        assert!(machine.received(clock.advance(100), &Timers::default(), Status::TRYING));
        let (at, _, end_at) = run(&mut clock, &mut machine);
        assert_eq!(at.first(), Some(&4_100));
        assert_eq!(end_at, 32_000);
    }

    #[test]
    fn repetitions_of_the_final_response_are_absorbed_until_timer_k() {
        let (mut clock, mut machine) = machine(false);
        assert!(machine.received(clock.now(), &Timers::default(), Status::OK));
        assert!(!machine.received(clock.now(), &Timers::default(), Status::OK));
        assert_eq!(run(&mut clock, &mut machine), (vec![], ClientTimeout::Ended, 5_000));
    }

    #[test]
    fn over_tcp_it_is_sent_once_and_ends_with_the_final_response() {
        let (mut clock, mut machine) = machine(true);
        machine.received(clock.now(), &Timers::default(), Status::OK);
        assert_eq!(run(&mut clock, &mut machine), (vec![], ClientTimeout::Ended, 0));
    }
}
