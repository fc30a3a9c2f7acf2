//! The INVITE server transaction (RFC 3261, 17.2.1, with the Accepted state of RFC 6026).

use std::time::Instant;

use bytes::Bytes;

use super::retransmit::{Retransmit, due, earlier};
use crate::{Status, Timers};

/// An INVITE server transaction, with what it remembers of its responses.
#[derive(Debug)]
pub(super) struct ServerInvite {
    is_reliable: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// No final response yet. The last provisional one answers retransmissions.
    Proceeding { provisional: Bytes, unanswered_at: Instant },
    /// A final response of 300 or more waits for its ACK (timers G, H).
    Completed { response: Bytes, g: Option<Retransmit>, h: Instant },
    /// The ACK is there; further ACKs are absorbed (timer I).
    Confirmed { i: Instant },
    /// A 2xx was sent; the dialog retransmits it, and INVITEs are absorbed (timer L).
    Accepted { l: Instant },
}

/// What a timer of a server transaction asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ServerTimeout {
    /// Nothing is due.
    Wait,
    /// Send the response again.
    Retransmit(Bytes),
    /// The final response was never acknowledged; the transaction is over.
    NotAcknowledged,
    /// The owner did not answer: answer for it.
    Unanswered,
    /// The transaction is over.
    Ended,
}

/// What an ACK means to the transaction that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acknowledged {
    /// It is for this transaction's response of 300 or more, or a repetition of it.
    Absorb,
    /// It is for a 2xx, so for the dialog.
    PassOn,
    /// There is no final response to acknowledge.
    Stray,
}

impl ServerInvite {
    /// A new transaction whose 100 has just been sent.
    pub(super) fn new(trying: Bytes, is_reliable: bool, timers: &Timers, now: Instant) -> Self {
        let state = State::Proceeding { provisional: trying, unanswered_at: now + timers.invite_max };
        Self { is_reliable, state }
    }

    /// The INVITE came again: what to send, if anything.
    pub(super) fn retransmitted(&self) -> Option<&Bytes> {
        match &self.state {
            State::Proceeding { provisional, .. } => Some(provisional),
            State::Completed { response, .. } => Some(response),
            State::Confirmed { .. } | State::Accepted { .. } => None,
        }
    }

    /// The owner responds: whether the response is to be sent.
    pub(super) fn respond(&mut self, now: Instant, timers: &Timers, status: Status, bytes: &Bytes) -> bool {
        match &mut self.state {
            State::Proceeding { provisional, .. } => {
                if status.is_provisional() {
                    *provisional = bytes.clone();
                } else if status.is_success() {
                    self.state = State::Accepted { l: now + timers.transaction_timeout() };
                } else {
                    self.state = State::Completed {
                        response: bytes.clone(),
                        g: Retransmit::after(now, timers.t1, self.is_reliable),
                        h: now + timers.transaction_timeout(),
                    };
                }
                true
            }
            State::Accepted { .. } => status.is_success(),
            State::Completed { .. } | State::Confirmed { .. } => false,
        }
    }

    /// An ACK matched.
    pub(super) fn acknowledged(&mut self, now: Instant, timers: &Timers) -> Acknowledged {
        match &self.state {
            State::Proceeding { .. } => Acknowledged::Stray,
            State::Completed { .. } => {
                let linger = if self.is_reliable { std::time::Duration::ZERO } else { timers.t4 };
                self.state = State::Confirmed { i: now + linger };
                Acknowledged::Absorb
            }
            State::Confirmed { .. } => Acknowledged::Absorb,
            State::Accepted { .. } => Acknowledged::PassOn,
        }
    }

    /// Whether it has no final response yet.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    /// Fires the timers that are due, one at a time.
    pub(super) fn handle_timeout(&mut self, now: Instant, timers: &Timers) -> ServerTimeout {
        match &mut self.state {
            State::Proceeding { unanswered_at, .. } if *unanswered_at <= now => ServerTimeout::Unanswered,
            State::Completed { h, .. } if *h <= now => ServerTimeout::NotAcknowledged,
            State::Completed { response, g, .. } => match due(*g, now) {
                Some(retransmit) => {
                    *g = Some(retransmit.next_to_t2(now, timers));
                    ServerTimeout::Retransmit(response.clone())
                }
                None => ServerTimeout::Wait,
            },
            State::Confirmed { i: end } | State::Accepted { l: end } if *end <= now => ServerTimeout::Ended,
            State::Proceeding { .. } | State::Confirmed { .. } | State::Accepted { .. } => ServerTimeout::Wait,
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted.
    pub(super) fn deadline(&self) -> Instant {
        match &self.state {
            State::Proceeding { unanswered_at: at, .. } | State::Confirmed { i: at } | State::Accepted { l: at } => *at,
            State::Completed { g, h, .. } => earlier(*h, *g),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::Clock;

    struct Ladder {
        clock: Clock,
        timers: Timers,
        machine: ServerInvite,
    }

    impl Ladder {
        fn new(is_reliable: bool) -> Self {
            let (clock, timers) = (Clock::new(), Timers::default());
            let machine = ServerInvite::new(Bytes::from_static(b"100"), is_reliable, &timers, clock.now());
            Self { clock, timers, machine }
        }

        fn respond(&mut self, status: Status) -> bool {
            let bytes = Bytes::from(status.to_string());
            self.machine.respond(self.clock.now(), &self.timers, status, &bytes)
        }

        fn ack(&mut self) -> Acknowledged {
            self.machine.acknowledged(self.clock.now(), &self.timers)
        }

        /// Fires timers until one does something but retransmit; the times of retransmissions in ms, and the end.
        fn run(&mut self) -> (Vec<u64>, ServerTimeout, u64) {
            let mut retransmissions = Vec::new();
            loop {
                let now = self.clock.advance_to(self.machine.deadline());
                match self.machine.handle_timeout(now, &self.timers) {
                    ServerTimeout::Wait => panic!("woken for nothing"),
                    ServerTimeout::Retransmit(_) => retransmissions.push(self.clock.elapsed_ms()),
                    end => return (retransmissions, end, self.clock.elapsed_ms()),
                }
            }
        }
    }

    #[test]
    fn a_refusal_is_repeated_until_timer_h() {
        let mut ladder = Ladder::new(false);
        assert!(ladder.respond(Status::BUSY_HERE));
        let (at, end, end_at) = ladder.run();
        assert_eq!(at, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
        assert_eq!((end, end_at), (ServerTimeout::NotAcknowledged, 32_000));
    }

    #[test]
    fn a_refusal_is_sent_once_over_tcp() {
        let mut ladder = Ladder::new(true);
        assert!(ladder.respond(Status::BUSY_HERE));
        assert_eq!(ladder.run(), (vec![], ServerTimeout::NotAcknowledged, 32_000));
    }

    #[test]
    fn after_the_ack_timer_i_absorbs_further_acks() {
        let mut ladder = Ladder::new(false);
        ladder.respond(Status::BUSY_HERE);
        assert_eq!(ladder.ack(), Acknowledged::Absorb);
        assert_eq!(ladder.ack(), Acknowledged::Absorb);
        assert_eq!(ladder.machine.retransmitted(), None);
        assert_eq!(ladder.run(), (vec![], ServerTimeout::Ended, 5_000));
    }

    #[test]
    fn over_tcp_the_ack_ends_it_at_once() {
        let mut ladder = Ladder::new(true);
        ladder.respond(Status::BUSY_HERE);
        ladder.ack();
        assert_eq!(ladder.run(), (vec![], ServerTimeout::Ended, 0));
    }

    #[test]
    fn after_a_2xx_invites_are_absorbed_and_acks_passed_on_until_timer_l() {
        let mut ladder = Ladder::new(false);
        assert!(ladder.respond(Status::OK));
        assert_eq!(ladder.machine.retransmitted(), None);
        assert_eq!(ladder.ack(), Acknowledged::PassOn);
        assert!(ladder.respond(Status::OK), "the dialog repeats its 2xx");
        assert!(!ladder.respond(Status::BUSY_HERE));
        assert_eq!(ladder.run(), (vec![], ServerTimeout::Ended, 32_000));
    }

    #[test]
    fn a_repeated_invite_gets_the_last_provisional_response() {
        let mut ladder = Ladder::new(false);
        assert_eq!(ladder.machine.retransmitted().unwrap(), "100");
        assert!(ladder.respond(Status::RINGING));
        assert_eq!(ladder.machine.retransmitted().unwrap(), "180");
        assert_eq!(ladder.ack(), Acknowledged::Stray);
    }

    #[test]
    fn an_invite_that_nobody_answers_is_reported() {
        let mut ladder = Ladder::new(false);
        assert_eq!(ladder.run(), (vec![], ServerTimeout::Unanswered, 190_000));
    }
}
