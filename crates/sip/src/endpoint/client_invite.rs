//! The INVITE client transaction (RFC 3261, 17.1.1, with the Accepted state of RFC 6026).

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::retransmit::{Retransmit, due, earlier};
use crate::{Status, Timers};

/// An INVITE client transaction.
#[derive(Debug)]
pub(super) struct ClientInvite {
    is_reliable: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// No response yet (timers A, B).
    Calling { request: Bytes, a: Option<Retransmit>, b: Instant, cancel: Cancel },
    /// A provisional response came (timer C; after a CANCEL 64×T1, RFC 3261, 9.1).
    Proceeding { c: Instant, cancel: Cancel },
    /// A response of 300 or more came and was acknowledged; repetitions are acknowledged again (timer D).
    Completed { ack: Bytes, d: Instant },
    /// A 2xx came; further ones are for the dialog (timer M).
    Accepted { m: Instant },
}

/// How far the cancellation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cancel {
    /// Not asked for.
    No,
    /// Asked for before there was a provisional response.
    Wanted,
    /// The CANCEL is sent.
    Sent,
}

/// What a response means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Received {
    /// The owner gets it.
    PassOn,
    /// The owner gets it, and a CANCEL is due.
    PassOnAndCancel,
    /// The owner gets it, and an ACK of ours is due.
    PassOnAndAck,
    /// It is a repetition that gets the same ACK.
    AckAgain,
    /// Nobody wants it.
    Drop,
}

/// What a timer of a client transaction asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ClientTimeout {
    /// Nothing is due.
    Wait,
    /// Send the request again.
    Retransmit(Bytes),
    /// Timer C: only provisional responses. Send CANCEL (RFC 3261, 16.8).
    Cancel,
    /// No response: the owner is told, the transaction is over.
    TimedOut,
    /// The transaction is over.
    Ended,
}

impl ClientInvite {
    /// A new transaction whose request has just been sent.
    pub(super) fn new(request: Bytes, is_reliable: bool, timers: &Timers, now: Instant) -> Self {
        let state = State::Calling {
            request,
            a: Retransmit::after(now, timers.t1, is_reliable),
            b: now + timers.transaction_timeout(),
            cancel: Cancel::No,
        };
        Self { is_reliable, state }
    }

    /// A response came.
    pub(super) fn received(&mut self, now: Instant, timers: &Timers, status: Status) -> Received {
        match &mut self.state {
            State::Calling { cancel, .. } | State::Proceeding { cancel, .. } => {
                let wanted = *cancel;
                if status.is_provisional() {
                    let (c, cancel, result) = match wanted {
                        Cancel::No => (now + timers.invite_max, Cancel::No, Received::PassOn),
                        Cancel::Wanted => (now + timers.transaction_timeout(), Cancel::Sent, Received::PassOnAndCancel),
                        Cancel::Sent => (self.deadline(), Cancel::Sent, Received::PassOn),
                    };
                    self.state = State::Proceeding { c, cancel };
                    result
                } else if status.is_success() {
                    self.state = State::Accepted { m: now + timers.transaction_timeout() };
                    Received::PassOn
                } else {
                    let linger = if self.is_reliable { Duration::ZERO } else { timers.d };
                    self.state = State::Completed { ack: Bytes::new(), d: now + linger };
                    Received::PassOnAndAck
                }
            }
            State::Completed { .. } if status.is_provisional() || status.is_success() => Received::Drop,
            State::Completed { .. } => Received::AckAgain,
            State::Accepted { .. } if status.is_success() => Received::PassOn,
            State::Accepted { .. } => Received::Drop,
        }
    }

    /// Keeps the ACK that [`Received::PassOnAndAck`] asked for.
    pub(super) fn keep_ack(&mut self, bytes: Bytes) {
        if let State::Completed { ack, .. } = &mut self.state {
            *ack = bytes;
        }
    }

    /// The ACK to send again.
    pub(super) fn ack(&self) -> Option<&Bytes> {
        match &self.state {
            State::Completed { ack, .. } => Some(ack),
            State::Calling { .. } | State::Proceeding { .. } | State::Accepted { .. } => None,
        }
    }

    /// The owner cancels: whether a CANCEL is due now.
    pub(super) fn cancel(&mut self, now: Instant, timers: &Timers) -> bool {
        match &mut self.state {
            State::Calling { cancel, .. } => {
                *cancel = Cancel::Wanted;
                false
            }
            State::Proceeding { c, cancel: cancel @ Cancel::No } => {
                *cancel = Cancel::Sent;
                *c = now + timers.transaction_timeout();
                true
            }
            State::Proceeding { cancel: Cancel::Wanted | Cancel::Sent, .. }
            | State::Completed { .. }
            | State::Accepted { .. } => false,
        }
    }

    /// Whether a failed transport ends it with a failure, and not just quietly.
    pub(super) fn is_open(&self) -> bool {
        match &self.state {
            State::Calling { .. } | State::Proceeding { .. } => true,
            State::Completed { .. } | State::Accepted { .. } => false,
        }
    }

    /// Fires the timers that are due, one at a time.
    pub(super) fn handle_timeout(&mut self, now: Instant, timers: &Timers) -> ClientTimeout {
        match &mut self.state {
            State::Proceeding { c, cancel: cancel @ (Cancel::No | Cancel::Wanted) } if *c <= now => {
                *cancel = Cancel::Sent;
                *c = now + timers.transaction_timeout();
                ClientTimeout::Cancel
            }
            State::Calling { b: end, .. } | State::Proceeding { c: end, .. } if *end <= now => ClientTimeout::TimedOut,
            State::Calling { request, a, .. } => match due(*a, now) {
                Some(retransmit) => {
                    *a = Some(retransmit.next_doubled(now));
                    ClientTimeout::Retransmit(request.clone())
                }
                None => ClientTimeout::Wait,
            },
            State::Completed { d: end, .. } | State::Accepted { m: end } if *end <= now => ClientTimeout::Ended,
            State::Proceeding { .. } | State::Completed { .. } | State::Accepted { .. } => ClientTimeout::Wait,
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted.
    pub(super) fn deadline(&self) -> Instant {
        match &self.state {
            State::Calling { a, b, .. } => earlier(*b, *a),
            State::Proceeding { c: at, .. } | State::Completed { d: at, .. } | State::Accepted { m: at } => *at,
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
        machine: ClientInvite,
    }

    impl Ladder {
        fn new(is_reliable: bool) -> Self {
            let (clock, timers) = (Clock::new(), Timers::default());
            let machine = ClientInvite::new(Bytes::from_static(b"INVITE"), is_reliable, &timers, clock.now());
            Self { clock, timers, machine }
        }

        fn receive(&mut self, status: Status) -> Received {
            self.machine.received(self.clock.now(), &self.timers, status)
        }

        fn cancel(&mut self) -> bool {
            self.machine.cancel(self.clock.now(), &self.timers)
        }

        fn run(&mut self) -> (Vec<u64>, ClientTimeout, u64) {
            let mut retransmissions = Vec::new();
            loop {
                let now = self.clock.advance_to(self.machine.deadline());
                match self.machine.handle_timeout(now, &self.timers) {
                    ClientTimeout::Wait => panic!("woken for nothing"),
                    ClientTimeout::Retransmit(_) => retransmissions.push(self.clock.elapsed_ms()),
                    end => return (retransmissions, end, self.clock.elapsed_ms()),
                }
            }
        }
    }

    #[test]
    fn an_invite_is_repeated_at_doubling_intervals_until_timer_b() {
        let mut ladder = Ladder::new(false);
        let (at, end, end_at) = ladder.run();
        assert_eq!(at, [500, 1500, 3500, 7500, 15500, 31500]);
        assert_eq!((end, end_at), (ClientTimeout::TimedOut, 32_000));
    }

    #[test]
    fn over_tcp_an_invite_is_sent_once() {
        assert_eq!(Ladder::new(true).run(), (vec![], ClientTimeout::TimedOut, 32_000));
    }

    #[test]
    fn a_provisional_response_stops_repetition_and_timer_c_cancels() {
        let mut ladder = Ladder::new(false);
        assert_eq!(ladder.receive(Status::TRYING), Received::PassOn);
        assert_eq!(ladder.run(), (vec![], ClientTimeout::Cancel, 190_000));
        assert_eq!(ladder.run(), (vec![], ClientTimeout::TimedOut, 222_000));
    }

    #[test]
    fn a_refusal_is_acknowledged_each_time_it_comes_until_timer_d() {
        let mut ladder = Ladder::new(false);
        assert_eq!(ladder.receive(Status::BUSY_HERE), Received::PassOnAndAck);
        ladder.machine.keep_ack(Bytes::from_static(b"ACK"));
        assert_eq!(ladder.receive(Status::BUSY_HERE), Received::AckAgain);
        assert_eq!(ladder.machine.ack().unwrap(), "ACK");
        assert_eq!(ladder.receive(Status::OK), Received::Drop);
        assert_eq!(ladder.run(), (vec![], ClientTimeout::Ended, 32_000));
    }

    #[test]
    fn each_2xx_is_passed_on_until_timer_m() {
        let mut ladder = Ladder::new(false);
        assert_eq!(ladder.receive(Status::OK), Received::PassOn);
        assert_eq!(ladder.receive(Status::OK), Received::PassOn);
        assert_eq!(ladder.receive(Status::BUSY_HERE), Received::Drop);
        assert_eq!(ladder.run(), (vec![], ClientTimeout::Ended, 32_000));
    }

    #[test]
    fn a_cancel_waits_for_a_provisional_response() {
        let mut ladder = Ladder::new(false);
        assert!(!ladder.cancel());
        assert_eq!(ladder.receive(Status::TRYING), Received::PassOnAndCancel);
        assert_eq!(ladder.receive(Status::RINGING), Received::PassOn);
        assert!(!ladder.cancel());
        assert_eq!(ladder.run(), (vec![], ClientTimeout::TimedOut, 32_000));
    }

    #[test]
    fn a_cancel_after_a_provisional_response_is_sent_at_once_and_only_once() {
        let mut ladder = Ladder::new(false);
        ladder.receive(Status::TRYING);
        assert!(ladder.cancel());
        assert!(!ladder.cancel());
    }

    #[test]
    fn a_cancel_after_the_final_response_is_not_sent() {
        let mut ladder = Ladder::new(false);
        ladder.receive(Status::OK);
        assert!(!ladder.cancel());
    }
}
