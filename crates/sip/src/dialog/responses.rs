//! What becomes of our own requests within a dialog.

use std::time::{Duration, Instant};

use super::io::{Cause, Event};
use super::session_timer::SessionTimer;
use super::{Deferred, Dialog, Exchange, Phase, Purpose};
use crate::{ClientKey, Command, Failure, Known, Method, Refresher, Response, Status};

impl Dialog {
    /// A response to a request of ours.
    pub(super) fn response(&mut self, now: Instant, key: ClientKey, response: Response) {
        match &self.phase {
            Phase::Calling { key: waiting, .. } if *waiting == key => self.invite_response(now, response),
            Phase::Cancelling { key: waiting } if *waiting == key => self.cancelled_response(response),
            Phase::Established(Exchange::Offering { key: waiting, purpose }) if *waiting == key => {
                let purpose = purpose.clone();
                self.offer_response(now, response, purpose);
            }
            Phase::Leaving { key: waiting, cause } if *waiting == key => {
                let cause = *cause;
                if !response.status.is_provisional() {
                    self.finish(cause);
                }
            }
            Phase::Offered { .. }
            | Phase::Calling { .. }
            | Phase::Cancelling { .. }
            | Phase::Established(_)
            | Phase::Leaving { .. }
            | Phase::Terminated => self.late_response(response),
        }
    }

    /// A request of ours got no response.
    pub(super) fn failed(&mut self, now: Instant, key: ClientKey, failure: Failure) {
        let cause = match failure {
            Failure::Timeout => Cause::Timeout,
            Failure::Transport => Cause::TransportFailed,
            Failure::Overload => Cause::Rejected { status: Status::SERVICE_UNAVAILABLE, retry_after: None },
        };
        match &self.phase {
            Phase::Calling { key: waiting, .. } if *waiting == key => self.finish(cause),
            Phase::Cancelling { key: waiting } if *waiting == key => self.finish(Cause::LocalHangup),
            Phase::Established(Exchange::Offering { key: waiting, purpose }) if *waiting == key => match failure {
                // RFC 3261, 12.2.1.2: a peer that does not answer is gone.
                Failure::Timeout => self.leave(cause),
                Failure::Transport => self.finish(cause),
                Failure::Overload => {
                    let purpose = purpose.clone();
                    self.offer_refused(now, Status::SERVICE_UNAVAILABLE, purpose);
                }
            },
            Phase::Leaving { key: waiting, cause } if *waiting == key => {
                let cause = *cause;
                self.finish(cause);
            }
            Phase::Offered { .. }
            | Phase::Calling { .. }
            | Phase::Cancelling { .. }
            | Phase::Established(_)
            | Phase::Leaving { .. }
            | Phase::Terminated => self.counters.dropped_late_response += 1,
        }
    }

    fn invite_response(&mut self, now: Instant, response: Response) {
        let status = response.status;
        if status.is_provisional() {
            if status != Status::TRYING {
                self.event(Event::Progress { status });
            }
        } else if status.is_success() {
            self.state.establish(&response);
            self.note_abilities(&response.headers);
            self.acknowledge(&response);
            self.start_session_timer_as_uac(now, &response);
            self.phase = Phase::Established(Exchange::Idle);
            self.event(Event::Accepted { answer: response.body });
            self.offer_if_idle(now);
        } else if let Some(min_se_s) = self.larger_interval(&response) {
            self.call_again(min_se_s);
        } else {
            self.finish(rejected(&response));
        }
    }

    /// The Min-SE of a 422 to an INVITE that asked for less (RFC 4028, 7.3).
    fn larger_interval(&self, response: &Response) -> Option<u32> {
        let Phase::Calling { invite, .. } = &self.phase else { return None };
        let asked = invite.session_expires()?.seconds;
        response.min_se().filter(|min_se_s| response.status == Status::SESSION_INTERVAL_TOO_SMALL && *min_se_s > asked)
    }

    fn call_again(&mut self, min_se_s: u32) {
        let Phase::Calling { invite, .. } = &self.phase else { return };
        let mut invite = invite.clone();
        invite.cseq = self.state.request(Method::Invite).cseq;
        invite.headers.remove(Known::SessionExpires);
        invite.headers.remove(Known::MinSe);
        invite.headers.push(Known::SessionExpires, min_se_s.to_string());
        invite.headers.push(Known::MinSe, min_se_s.to_string());
        let key = self.send((*invite).clone());
        self.phase = Phase::Calling { key, invite };
    }

    /// The INVITE that we cancelled got a response: a 2xx has won the race, and is followed by BYE (RFC 3261, 9.1).
    fn cancelled_response(&mut self, response: Response) {
        if response.status.is_success() {
            self.state.establish(&response);
            self.acknowledge(&response);
            self.leave(Cause::LocalHangup);
        } else if !response.status.is_provisional() {
            self.finish(Cause::LocalHangup);
        }
    }

    fn offer_response(&mut self, now: Instant, response: Response, purpose: Purpose) {
        let status = response.status;
        if status.is_provisional() {
            return;
        }
        if status.is_success() {
            self.state.retarget(&response);
            self.note_abilities(&response.headers);
            if response.method == Method::Invite {
                self.acknowledge(&response);
            }
            self.start_session_timer_as_uac(now, &response);
            self.phase = Phase::Established(Exchange::Idle);
            match purpose {
                Purpose::Refresh => {}
                Purpose::Reoffer { .. } => self.event(Event::Accepted { answer: response.body }),
            }
            return self.offer_if_idle(now);
        }
        match status {
            Status::NO_SUCH_TRANSACTION => self.finish(rejected(&response)),
            Status::REQUEST_TIMEOUT => self.leave(Cause::Timeout),
            Status::REQUEST_PENDING => {
                let at = now + self.glare_pause();
                self.phase = Phase::Established(Exchange::Idle);
                match purpose {
                    Purpose::Refresh => self.session_timer.refresh_failed(now),
                    Purpose::Reoffer { body } => {
                        self.deferred.get_or_insert(Deferred { at, body });
                    }
                }
                self.offer_if_idle(now);
            }
            Status::SESSION_INTERVAL_TOO_SMALL if self.raises_interval(&response) => {
                self.session_timer.raise(now, response.min_se().unwrap_or_default());
                self.phase = Phase::Established(Exchange::Idle);
                if let Purpose::Reoffer { body } = purpose {
                    self.deferred.get_or_insert(Deferred { at: now, body });
                }
                self.offer_if_idle(now);
            }
            _ => self.offer_refused(now, status, purpose),
        }
    }

    fn raises_interval(&self, response: &Response) -> bool {
        response.min_se() > self.session_timer.interval_s()
    }

    /// The call goes on as it was.
    fn offer_refused(&mut self, now: Instant, status: Status, purpose: Purpose) {
        self.phase = Phase::Established(Exchange::Idle);
        self.session_timer.refresh_failed(now);
        match purpose {
            Purpose::Refresh => {}
            Purpose::Reoffer { .. } => self.event(Event::Rejected { status }),
        }
        self.offer_if_idle(now);
    }

    /// A repeated 2xx to an INVITE gets its ACK again (RFC 3261, 13.2.2.4); nothing else is waited for.
    fn late_response(&mut self, response: Response) {
        let is_success = response.method == Method::Invite && response.status.is_success();
        match &self.ack {
            Some(ack) if is_success && ack.cseq == response.cseq && ack.to.tag() == response.to.tag() => {
                self.counters.retransmissions_received += 1;
                let request = Box::new(ack.clone());
                self.command(Command::Acknowledge { flow: self.state.flow, request });
            }
            // A re-INVITE that was on its way when BYE was sent.
            _ if is_success && self.state.remote.tag() == response.to.tag() => self.acknowledge(&response),
            Some(_) | None => self.counters.dropped_late_response += 1,
        }
    }

    fn acknowledge(&mut self, response: &Response) {
        let ack = self.state.ack(response.cseq);
        self.ack = Some(ack.clone());
        self.command(Command::Acknowledge { flow: self.state.flow, request: Box::new(ack) });
    }

    /// RFC 4028, 7.2: the response decides; without Session-Expires the session has no timer, unless we run it alone for a
    /// peer that does not know timers.
    fn start_session_timer_as_uac(&mut self, now: Instant, response: &Response) {
        self.session_timer = match (response.session_expires(), self.session_timer.interval_s()) {
            (Some(expires), _) => {
                // Less than the RFC's minimum would make us send without end.
                let seconds = expires.seconds.max(super::session_timer::MIN_SE_S);
                SessionTimer::started(now, seconds, expires.refresher != Some(Refresher::Uas))
            }
            (None, Some(interval_s)) if !self.peer_knows_timer => SessionTimer::started(now, interval_s, true),
            (None, _) => SessionTimer::Off,
        };
    }
}

fn rejected(response: &Response) -> Cause {
    let retry_after = response.retry_after().map(|seconds| Duration::from_secs(u64::from(seconds)));
    Cause::Rejected { status: response.status, retry_after }
}
