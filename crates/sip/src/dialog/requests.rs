//! What the peer asks for within a dialog.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::io::{Cause, Event};
use super::{Dialog, Exchange, Phase, session_timer};
use crate::{Flow, Known, Method, Request, Response, ServerKey, Status};

impl Dialog {
    /// A request of the peer (RFC 3261, 12.2.2).
    pub(super) fn request(&mut self, now: Instant, transaction: ServerKey, request: Box<Request>, flow: Flow) {
        if request.from.tag() != self.state.remote.tag() {
            self.counters.refused_other_dialog += 1;
            return self.respond(transaction, Response::to(&request, Status::NO_SUCH_TRANSACTION));
        }
        if self.remote_cseq.is_some_and(|last| request.cseq < last) {
            self.counters.refused_out_of_order += 1;
            return self.respond(transaction, Response::to(&request, Status::SERVER_INTERNAL_ERROR));
        }
        self.remote_cseq = Some(request.cseq);
        match &request.method {
            Method::Bye => self.bye(transaction, &request),
            Method::Invite | Method::Update => self.reinvite(now, transaction, request, flow),
            Method::Options => self.respond(transaction, Response::to(&request, Status::OK)),
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Prack
            | Method::Info
            | Method::Message
            | Method::Subscribe
            | Method::Notify
            | Method::Refer
            | Method::Publish
            | Method::Extension(_) => self.respond(transaction, Response::to(&request, Status::METHOD_NOT_ALLOWED)),
        }
    }

    fn bye(&mut self, transaction: ServerKey, request: &Request) {
        match &self.phase {
            // The caller may end an early dialog so (RFC 3261, 15).
            Phase::Offered { .. } => {
                self.respond(transaction, Response::to(request, Status::OK));
                self.refuse_offered(Status::REQUEST_TERMINATED, crate::Headers::new(), Cause::RemoteBye);
            }
            Phase::Established(exchange) => {
                // What is pending is answered first (RFC 3261, 15.1.2).
                let pending = match exchange {
                    Exchange::Answering { transaction, request, .. } => {
                        Some((*transaction, Response::to(request, Status::REQUEST_TERMINATED)))
                    }
                    Exchange::Idle | Exchange::Unacknowledged(_) | Exchange::Offering { .. } => None,
                };
                if let Some((transaction, response)) = pending {
                    self.respond(transaction, response);
                }
                self.respond(transaction, Response::to(request, Status::OK));
                self.finish(Cause::RemoteBye);
            }
            Phase::Leaving { cause, .. } => {
                let cause = *cause;
                self.respond(transaction, Response::to(request, Status::OK));
                self.finish(cause);
            }
            Phase::Calling { .. } | Phase::Cancelling { .. } | Phase::Terminated => {
                self.respond(transaction, Response::to(request, Status::NO_SUCH_TRANSACTION));
            }
        }
    }

    /// re-INVITE (RFC 3261, 14.2) or UPDATE (RFC 3311, 5.2).
    fn reinvite(&mut self, now: Instant, transaction: ServerKey, request: Box<Request>, flow: Flow) {
        let is_refresh = request.method == Method::Update && request.body.is_empty();
        let glare = match &self.phase {
            Phase::Established(Exchange::Idle) => None,
            // An UPDATE without an offer meets no other offer.
            Phase::Established(_) if is_refresh => None,
            Phase::Established(Exchange::Offering { .. } | Exchange::Unacknowledged(_)) => {
                Some(Status::REQUEST_PENDING)
            }
            Phase::Established(Exchange::Answering { .. }) | Phase::Offered { .. } => {
                Some(Status::SERVER_INTERNAL_ERROR)
            }
            Phase::Calling { .. } | Phase::Cancelling { .. } | Phase::Leaving { .. } | Phase::Terminated => {
                Some(Status::NO_SUCH_TRANSACTION)
            }
        };
        if let Some(status) = glare {
            self.counters.refused_glare += 1;
            let mut response = Response::to(&request, status);
            if status == Status::SERVER_INTERNAL_ERROR {
                response.headers.push(Known::RetryAfter, (self.tokens.number() % 11).to_string());
            }
            return self.respond(transaction, response);
        }
        self.state.follow(&request, flow);
        self.note_abilities(&request.headers);
        let agreed = match session_timer::agree(&request, self.config.session_timer) {
            Ok(agreed) => agreed,
            Err(min_se_s) => return self.refuse_interval(transaction, &request, min_se_s),
        };
        if is_refresh {
            self.start_session_timer_as_uas(now, agreed);
            let response = self.success(&request, agreed);
            return self.respond(transaction, response);
        }
        let offer = request.body.clone();
        // An UPDATE has to be answered before its client gives up.
        let unanswered_at = now + self.config.timers.transaction_timeout() / 2;
        self.phase = Phase::Established(Exchange::Answering { transaction, request, unanswered_at });
        self.event(Event::Reinvite { offer });
    }

    /// The ACK for a 2xx.
    pub(super) fn acknowledged(&mut self, now: Instant, request: &Request) {
        let is_ours = request.from.tag() == self.state.remote.tag();
        match &self.phase {
            Phase::Established(Exchange::Unacknowledged(waiting))
                if is_ours && waiting.response.cseq == request.cseq =>
            {
                let hangup = waiting.hangup;
                self.phase = Phase::Established(Exchange::Idle);
                self.event(Event::Acknowledged { body: Bytes::clone(&request.body) });
                match hangup {
                    Some(cause) => self.leave(cause),
                    None => self.offer_if_idle(now),
                }
            }
            Phase::Offered { .. }
            | Phase::Calling { .. }
            | Phase::Cancelling { .. }
            | Phase::Established(_)
            | Phase::Leaving { .. }
            | Phase::Terminated => self.counters.dropped_stray_ack += 1,
        }
    }

    /// The peer cancelled an INVITE (RFC 3261, 9.2).
    pub(super) fn cancelled(&mut self, cancelled: ServerKey) {
        match &self.phase {
            Phase::Offered { transaction, .. } if *transaction == cancelled => {
                self.refuse_offered(Status::REQUEST_TERMINATED, crate::Headers::new(), Cause::Cancelled);
            }
            Phase::Established(Exchange::Answering { transaction, .. }) if *transaction == cancelled => {
                self.reject(Status::REQUEST_TERMINATED, crate::Headers::new());
                self.event(Event::ReinviteCancelled);
            }
            // The answer and the CANCEL crossed.
            Phase::Offered { .. }
            | Phase::Calling { .. }
            | Phase::Cancelling { .. }
            | Phase::Established(_)
            | Phase::Leaving { .. }
            | Phase::Terminated => self.counters.dropped_late_cancel += 1,
        }
    }

    /// How long to wait before an offer that met the peer's is made again (RFC 3261, 14.1).
    pub(super) fn glare_pause(&mut self) -> Duration {
        let steps = self.tokens.number();
        if self.is_caller {
            Duration::from_millis(2_100 + 10 * (steps % 191))
        } else {
            Duration::from_millis(10 * (steps % 201))
        }
    }
}
