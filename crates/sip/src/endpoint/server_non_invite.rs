//! The non-INVITE server transaction (RFC 3261, 17.2.2).

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::server_invite::ServerTimeout;
use crate::{Status, Timers};

/// A server transaction of a request other than INVITE, with what it remembers of its responses.
#[derive(Debug)]
pub(super) struct ServerNonInvite {
    is_reliable: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// No response yet.
    Trying { unanswered_at: Instant },
    /// A provisional response was sent.
    Proceeding { provisional: Bytes, unanswered_at: Instant },
    /// The final response was sent, and answers retransmissions until timer J.
    Completed { response: Bytes, j: Instant },
}

impl ServerNonInvite {
    /// A new transaction.
    pub(super) fn new(is_reliable: bool, timers: &Timers, now: Instant) -> Self {
        // The client gives up after 64×T1 (timer F): an answer after that has no reader.
        Self { is_reliable, state: State::Trying { unanswered_at: now + timers.transaction_timeout() } }
    }

    /// The request came again: what to send, if anything.
    pub(super) fn retransmitted(&self) -> Option<&Bytes> {
        match &self.state {
            State::Trying { .. } => None,
            State::Proceeding { provisional: bytes, .. } | State::Completed { response: bytes, .. } => Some(bytes),
        }
    }

    /// The owner responds: whether the response is to be sent.
    pub(super) fn respond(&mut self, now: Instant, timers: &Timers, status: Status, bytes: &Bytes) -> bool {
        match &self.state {
            State::Trying { unanswered_at } | State::Proceeding { unanswered_at, .. } => {
                self.state = if status.is_provisional() {
                    State::Proceeding { provisional: bytes.clone(), unanswered_at: *unanswered_at }
                } else {
                    let linger = if self.is_reliable { Duration::ZERO } else { timers.transaction_timeout() };
                    State::Completed { response: bytes.clone(), j: now + linger }
                };
                true
            }
            State::Completed { .. } => false,
        }
    }

    /// Whether it has no final response yet.
    pub(super) fn is_open(&self) -> bool {
        match &self.state {
            State::Trying { .. } | State::Proceeding { .. } => true,
            State::Completed { .. } => false,
        }
    }

    /// Fires the timer that is due.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> ServerTimeout {
        if self.deadline() > now {
            return ServerTimeout::Wait;
        }
        match &self.state {
            State::Trying { .. } | State::Proceeding { .. } => ServerTimeout::Unanswered,
            State::Completed { .. } => ServerTimeout::Ended,
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted.
    pub(super) fn deadline(&self) -> Instant {
        match &self.state {
            State::Trying { unanswered_at: at }
            | State::Proceeding { unanswered_at: at, .. }
            | State::Completed { j: at, .. } => *at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::Clock;

    fn machine(is_reliable: bool) -> (Clock, Timers, ServerNonInvite) {
        let (clock, timers) = (Clock::new(), Timers::default());
        let machine = ServerNonInvite::new(is_reliable, &timers, clock.now());
        (clock, timers, machine)
    }

    fn respond(machine: &mut ServerNonInvite, now: Instant, status: Status) -> bool {
        machine.respond(now, &Timers::default(), status, &Bytes::from(status.to_string()))
    }

    #[test]
    fn the_final_response_answers_retransmissions_until_timer_j() {
        let (mut clock, _, mut machine) = machine(false);
        assert_eq!(machine.retransmitted(), None);
        assert!(respond(&mut machine, clock.now(), Status::OK));
        assert_eq!(machine.retransmitted().unwrap(), "200");
        assert_eq!(machine.handle_timeout(clock.advance(31_999)), ServerTimeout::Wait);
        assert_eq!(machine.handle_timeout(clock.advance(1)), ServerTimeout::Ended);
    }

    #[test]
    fn over_tcp_it_ends_with_the_final_response() {
        let (clock, _, mut machine) = machine(true);
        respond(&mut machine, clock.now(), Status::OK);
        assert_eq!(machine.handle_timeout(clock.now()), ServerTimeout::Ended);
    }

    #[test]
    fn a_second_final_response_is_not_sent() {
        let (clock, _, mut machine) = machine(false);
        assert!(respond(&mut machine, clock.now(), Status::TRYING));
        assert!(respond(&mut machine, clock.now(), Status::OK));
        assert!(!respond(&mut machine, clock.now(), Status::OK));
        assert!(!machine.is_open());
    }

    #[test]
    fn a_request_that_nobody_answers_is_reported_when_the_client_has_given_up() {
        let (mut clock, _, mut machine) = machine(false);
        assert_eq!(machine.handle_timeout(clock.advance(32_000)), ServerTimeout::Unanswered);
    }
}
