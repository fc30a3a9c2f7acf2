//! The dialog layer: [`Dialog`].

mod io;
mod requests;
mod responses;
mod session_timer;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

pub use io::{Cause, DialogConfig, DialogCounters, Event, Input, Output, SessionTimerConfig};

use crate::capabilities::{ACCEPT, ALLOW, SUPPORTED};
use crate::endpoint::{IncomingInvite, OutgoingInvite};
use crate::token::Tokens;
use crate::{
    ClientKey, Command, DialogKey, Flow, Headers, Known, Method, NameAddr, Params, Refresher, Request, Response, Seed,
    ServerKey, SessionExpires, Signal, Status, Transport, Uri,
};
use session_timer::{Agreed, SessionTimer};
use state::DialogState;

/// One dialog, from INVITE to BYE, on either side. The task of the session owns it, and drives it until
/// [`Event::Terminated`].
#[derive(Debug)]
pub struct Dialog {
    config: Arc<DialogConfig>,
    tokens: Tokens,
    key: DialogKey,
    state: DialogState,
    /// CSeq of the last request of the peer (RFC 3261, 12.2.2).
    remote_cseq: Option<u32>,
    /// Whether we placed the call.
    is_caller: bool,
    peer_allows_update: bool,
    peer_knows_timer: bool,
    phase: Phase,
    session_timer: SessionTimer,
    /// An offer of the session that waits for its turn.
    deferred: Option<Deferred>,
    /// The description that we sent last, for a refresh by re-INVITE.
    description: Bytes,
    /// The ACK of our last INVITE, for its repeated 2xx.
    ack: Option<Request>,
    last_request: u32,
    outputs: VecDeque<Output>,
    counters: DialogCounters,
}

/// How far the dialog has come.
#[derive(Debug)]
enum Phase {
    /// The peer's INVITE waits for the session's answer.
    Offered { transaction: ServerKey, request: Box<Request>, unanswered_at: Instant },
    /// Our INVITE waits for a final response.
    Calling { key: ClientKey, invite: Box<Request> },
    /// Our INVITE is cancelled, and still waits for a final response.
    Cancelling { key: ClientKey },
    /// The call is up.
    Established(Exchange),
    /// Our BYE waits for its response.
    Leaving { key: ClientKey, cause: Cause },
    /// It is over.
    Terminated,
}

/// What goes on within a call that is up. There is one offer at a time (RFC 3261, 14; RFC 3311, 5).
#[derive(Debug)]
enum Exchange {
    /// Nothing.
    Idle,
    /// The peer's re-INVITE or UPDATE waits for the session's answer.
    Answering { transaction: ServerKey, request: Box<Request>, unanswered_at: Instant },
    /// Our 2xx to an INVITE waits for its ACK, and is sent again and again (RFC 3261, 13.3.1.4).
    Unacknowledged(Unacknowledged),
    /// Our re-INVITE or UPDATE waits for a final response.
    Offering { key: ClientKey, purpose: Purpose },
}

#[derive(Debug)]
struct Unacknowledged {
    transaction: ServerKey,
    response: Box<Response>,
    retransmit_at: Instant,
    interval: Duration,
    give_up_at: Instant,
    /// The session hung up meanwhile; BYE has to wait (RFC 3261, 15).
    hangup: Option<Cause>,
}

/// Why we sent a re-INVITE or UPDATE.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Purpose {
    /// To keep the session from expiring.
    Refresh,
    /// The session offers another description.
    Reoffer { body: Bytes },
}

#[derive(Debug)]
struct Deferred {
    at: Instant,
    body: Bytes,
}

impl Dialog {
    /// The dialog of a call that comes in. Puts out [`Event::Invite`], or answers by itself and puts out
    /// [`Event::Terminated`] (for example 422).
    pub fn answer(config: Arc<DialogConfig>, seed: Seed, now: Instant, invite: IncomingInvite) -> Self {
        let IncomingInvite { transaction, dialog, local_tag, request, flow } = invite;
        let state = DialogState::answering(&request, &local_tag, flow);
        let unanswered_at = now + config.timers.invite_max.saturating_sub(config.timers.transaction_timeout());
        let offer = request.body.clone();
        let mut this = Self::new(config, seed, dialog, state, false);
        this.remote_cseq = Some(request.cseq);
        this.note_abilities(&request.headers);
        let request = Box::new(request);
        match session_timer::agree(&request, this.config.session_timer) {
            Ok(_) => {
                this.phase = Phase::Offered { transaction, request, unanswered_at };
                this.event(Event::Invite { offer });
            }
            Err(min_se_s) => {
                this.refuse_interval(transaction, &request, min_se_s);
                this.finish(Cause::Refused { status: Status::SESSION_INTERVAL_TOO_SMALL });
            }
        }
        this
    }

    /// The dialog of a call that we place. Puts out the INVITE.
    pub fn call(config: Arc<DialogConfig>, seed: Seed, invite: OutgoingInvite) -> Self {
        let OutgoingInvite { identity, target, from, flow, offer } = invite;
        let from = NameAddr::new(from.unwrap_or_else(|| Uri::from_address(flow.local))).with_tag(&identity.local_tag);
        let state = DialogState::calling(identity.call_id, from, target, flow);
        let mut this = Self::new(config, seed, identity.dialog, state, true);
        this.description = offer.clone();
        let mut request = this.offer(Method::Invite, offer);
        if let Some(session_timer) = this.config.session_timer {
            request.headers.push(Known::SessionExpires, session_timer.expires_s.to_string());
        }
        let key = this.send(request.clone());
        this.phase = Phase::Calling { key, invite: Box::new(request) };
        this
    }

    fn new(config: Arc<DialogConfig>, seed: Seed, key: DialogKey, state: DialogState, is_caller: bool) -> Self {
        Self {
            config,
            tokens: Tokens::new(seed),
            key,
            state,
            remote_cseq: None,
            is_caller,
            peer_allows_update: false,
            peer_knows_timer: false,
            phase: Phase::Terminated,
            session_timer: SessionTimer::Off,
            deferred: None,
            description: Bytes::new(),
            ack: None,
            last_request: 0,
            outputs: VecDeque::new(),
            counters: DialogCounters::default(),
        }
    }

    /// Takes one input. Outputs must be drained before the next.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        match input {
            Input::Signal(signal) => match signal {
                Signal::Request { transaction, request, flow } => self.request(now, transaction, request, flow),
                Signal::Ack { request } => self.acknowledged(now, &request),
                Signal::Cancelled { transaction } => self.cancelled(transaction),
                Signal::Response { key, response } => self.response(now, key, *response),
                Signal::Failed { key, failure } => self.failed(now, key, failure),
            },
            Input::Accept { body } => self.accept(now, body),
            Input::Reject { status, headers } => self.reject(status, headers),
            Input::Progress { status } => self.progress(status),
            Input::Reoffer { body } => {
                self.deferred = Some(Deferred { at: now, body });
                self.offer_if_idle(now);
            }
            Input::Hangup => self.hang_up(now, Cause::LocalHangup),
        }
    }

    /// Fires the timers that are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Offered { unanswered_at, .. } if *unanswered_at <= now => {
                self.refuse_offered(Status::TEMPORARILY_UNAVAILABLE, Headers::new(), Cause::Unanswered);
            }
            Phase::Established(exchange) => {
                match exchange {
                    Exchange::Unacknowledged(unacknowledged) if unacknowledged.give_up_at <= now => {
                        let cause = unacknowledged.hangup.unwrap_or(Cause::NotAcknowledged);
                        return self.leave(cause);
                    }
                    Exchange::Unacknowledged(unacknowledged) => {
                        if let Some(command) = unacknowledged.retransmit(now, self.config.timers.t2) {
                            self.counters.retransmissions_sent += 1;
                            self.outputs.push_back(Output::Command(command));
                        }
                    }
                    Exchange::Answering { unanswered_at, .. } if *unanswered_at <= now => {
                        self.reject(Status::SERVER_INTERNAL_ERROR, Headers::new());
                    }
                    Exchange::Idle | Exchange::Answering { .. } | Exchange::Offering { .. } => {}
                }
                if self.session_timer.expires_at().is_some_and(|at| at <= now) {
                    return self.leave(Cause::SessionExpired);
                }
                self.offer_if_idle(now);
            }
            Phase::Offered { .. }
            | Phase::Calling { .. }
            | Phase::Cancelling { .. }
            | Phase::Leaving { .. }
            | Phase::Terminated => {}
        }
    }

    /// The next output; `None` when drained.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let exchange = match &self.phase {
            Phase::Offered { unanswered_at, .. } => return Some(*unanswered_at),
            Phase::Calling { .. } | Phase::Cancelling { .. } | Phase::Leaving { .. } | Phase::Terminated => {
                return None;
            }
            Phase::Established(exchange) => exchange,
        };
        let next = match exchange {
            Exchange::Idle => {
                let deferred = self.deferred.as_ref().map(|deferred| deferred.at);
                self.session_timer.refresh_at().into_iter().chain(deferred).min()
            }
            Exchange::Answering { unanswered_at, .. } => Some(*unanswered_at),
            Exchange::Unacknowledged(unacknowledged) => {
                Some(unacknowledged.retransmit_at.min(unacknowledged.give_up_at))
            }
            Exchange::Offering { .. } => None,
        };
        next.into_iter().chain(self.session_timer.expires_at()).min()
    }

    /// The number under which the endpoint knows the dialog.
    pub fn key(&self) -> DialogKey {
        self.key
    }

    /// The Call-ID.
    pub fn call_id(&self) -> &str {
        &self.state.call_id
    }

    /// The path to the peer.
    pub fn flow(&self) -> Flow {
        self.state.flow
    }

    /// Whether [`Event::Terminated`] was put out.
    pub fn is_terminated(&self) -> bool {
        matches!(self.phase, Phase::Terminated)
    }

    /// Totals so far.
    pub fn counters(&self) -> &DialogCounters {
        &self.counters
    }

    // The session.

    fn accept(&mut self, now: Instant, body: Bytes) {
        let (transaction, request) = match std::mem::replace(&mut self.phase, Phase::Terminated) {
            Phase::Offered { transaction, request, .. }
            | Phase::Established(Exchange::Answering { transaction, request, .. }) => (transaction, request),
            other => {
                self.phase = other;
                self.counters.dropped_late_input += 1;
                return;
            }
        };
        // A request whose interval is too small was refused before the session heard of it.
        let agreed = session_timer::agree(&request, self.config.session_timer).ok().flatten();
        let mut response = self.success(&request, agreed);
        if !body.is_empty() {
            self.description = body.clone();
            response = response.with_body(ACCEPT, body);
        }
        self.start_session_timer_as_uas(now, agreed);
        let response = Box::new(response);
        self.command(Command::Respond { transaction, response: response.clone() });
        if request.method == Method::Invite {
            let timers = &self.config.timers;
            self.phase = Phase::Established(Exchange::Unacknowledged(Unacknowledged {
                transaction,
                response,
                retransmit_at: now + timers.t1,
                interval: timers.t1,
                give_up_at: now + timers.transaction_timeout(),
                hangup: None,
            }));
        } else {
            self.phase = Phase::Established(Exchange::Idle);
            self.event(Event::Acknowledged { body: Bytes::new() });
            self.offer_if_idle(now);
        }
    }

    fn reject(&mut self, status: Status, headers: Headers) {
        match &self.phase {
            Phase::Offered { .. } => self.refuse_offered(status, headers, Cause::Refused { status }),
            Phase::Established(Exchange::Answering { transaction, request, .. }) => {
                let (transaction, mut response) = (*transaction, Response::to(request, status));
                response.headers = headers;
                self.phase = Phase::Established(Exchange::Idle);
                self.respond(transaction, response);
            }
            Phase::Established(Exchange::Idle | Exchange::Unacknowledged(_) | Exchange::Offering { .. })
            | Phase::Calling { .. }
            | Phase::Cancelling { .. }
            | Phase::Leaving { .. }
            | Phase::Terminated => self.counters.dropped_late_input += 1,
        }
    }

    fn progress(&mut self, status: Status) {
        match &self.phase {
            Phase::Offered { transaction, request, .. } if status.is_provisional() && status != Status::TRYING => {
                let (transaction, mut response) = (*transaction, Response::to(request, status));
                self.add_dialog_headers(&mut response, request);
                self.respond(transaction, response);
            }
            Phase::Offered { .. }
            | Phase::Established(_)
            | Phase::Calling { .. }
            | Phase::Cancelling { .. }
            | Phase::Leaving { .. }
            | Phase::Terminated => self.counters.dropped_late_input += 1,
        }
    }

    fn hang_up(&mut self, now: Instant, cause: Cause) {
        match &mut self.phase {
            Phase::Offered { .. } => self.refuse_offered(Status::TEMPORARILY_UNAVAILABLE, Headers::new(), cause),
            Phase::Calling { key, .. } => {
                let key = *key;
                self.phase = Phase::Cancelling { key };
                self.command(Command::Cancel { key });
            }
            Phase::Established(Exchange::Unacknowledged(unacknowledged)) if unacknowledged.give_up_at > now => {
                unacknowledged.hangup.get_or_insert(cause);
            }
            Phase::Established(_) => self.leave(cause),
            Phase::Cancelling { .. } | Phase::Leaving { .. } | Phase::Terminated => {}
        }
    }

    // Transitions.

    /// Sends BYE, after answering what the peer waits for (RFC 3261, 15.1).
    fn leave(&mut self, cause: Cause) {
        if let Phase::Established(Exchange::Answering { transaction, request, .. }) = &self.phase {
            let (transaction, response) = (*transaction, Response::to(request, Status::REQUEST_TERMINATED));
            self.respond(transaction, response);
        }
        let bye = self.state.request(Method::Bye);
        let key = self.send(bye);
        self.phase = Phase::Leaving { key, cause };
    }

    fn finish(&mut self, cause: Cause) {
        self.phase = Phase::Terminated;
        self.command(Command::Forget { dialog: self.key });
        self.event(Event::Terminated { cause });
    }

    /// Answers the INVITE that started the dialog with a refusal.
    fn refuse_offered(&mut self, status: Status, headers: Headers, cause: Cause) {
        if let Phase::Offered { transaction, request, .. } = &self.phase {
            let (transaction, mut response) = (*transaction, Response::to(request, status));
            response.headers = headers;
            self.respond(transaction, response);
            self.finish(cause);
        }
    }

    fn refuse_interval(&mut self, transaction: ServerKey, request: &Request, min_se_s: u32) {
        let response = Response::to(request, Status::SESSION_INTERVAL_TOO_SMALL);
        self.respond(transaction, response.with_header(Known::MinSe, min_se_s.to_string()));
    }

    /// Sends what waits for its turn: the session's offer, or a refresh that is due.
    fn offer_if_idle(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Established(Exchange::Idle)) {
            return;
        }
        if let Some(deferred) = self.deferred.take_if(|deferred| deferred.at <= now) {
            let body = deferred.body;
            self.description = body.clone();
            let request = self.offer(Method::Invite, body.clone());
            self.propose(request, Purpose::Reoffer { body });
        } else if self.session_timer.refresh_at().is_some_and(|at| at <= now) {
            let request = if self.peer_allows_update {
                self.offer(Method::Update, Bytes::new())
            } else {
                self.offer(Method::Invite, self.description.clone())
            };
            self.propose(request, Purpose::Refresh);
        }
    }

    fn propose(&mut self, mut request: Request, purpose: Purpose) {
        if let Some(seconds) = self.session_timer.interval_s() {
            let expires = SessionExpires { seconds, refresher: Some(Refresher::Uac) };
            request.headers.push(Known::SessionExpires, expires.to_string());
        }
        self.session_timer.refresh_sent();
        let key = self.send(request);
        self.phase = Phase::Established(Exchange::Offering { key, purpose });
    }

    fn start_session_timer_as_uas(&mut self, now: Instant, agreed: Option<Agreed>) {
        self.session_timer = match agreed {
            Some(Agreed { expires, .. }) => {
                SessionTimer::started(now, expires.seconds, expires.refresher == Some(Refresher::Uas))
            }
            None => SessionTimer::Off,
        };
    }

    // Messages.

    /// A request that may carry an offer.
    fn offer(&mut self, method: Method, body: Bytes) -> Request {
        let mut request = self.state.request(method);
        request.headers.push(Known::Contact, self.contact());
        request.headers.push(Known::Allow, ALLOW);
        request.headers.push(Known::Supported, SUPPORTED);
        if !body.is_empty() {
            request.headers.push(Known::ContentType, ACCEPT);
            request.body = body;
        }
        request
    }

    /// The 200 to an INVITE or UPDATE.
    fn success(&self, request: &Request, agreed: Option<Agreed>) -> Response {
        let mut response = Response::to(request, Status::OK);
        self.add_dialog_headers(&mut response, request);
        if let Some(Agreed { expires, is_known_to_peer }) = agreed {
            response.headers.push(Known::SessionExpires, expires.to_string());
            if is_known_to_peer {
                response.headers.push(Known::Require, "timer");
            }
        }
        response
    }

    /// Record-Route and Contact (RFC 3261, 12.1.1).
    fn add_dialog_headers(&self, response: &mut Response, request: &Request) {
        request.headers.elements(Known::RecordRoute).for_each(|hop| response.headers.push(Known::RecordRoute, hop));
        response.headers.push(Known::Contact, self.contact());
    }

    fn contact(&self) -> String {
        let uri = self.config.contact.clone().unwrap_or_else(|| {
            let mut uri = crate::SipUri::from_address(self.state.flow.local);
            match self.state.flow.transport {
                Transport::Udp => {}
                Transport::Stream(_) => {
                    uri.params = Params::new();
                    uri.params.set("transport", Some("tcp".to_owned()));
                }
            }
            Uri::Sip(uri)
        });
        NameAddr::new(uri).to_string()
    }

    fn send(&mut self, request: Request) -> ClientKey {
        self.last_request = self.last_request.wrapping_add(1);
        let key = ClientKey { dialog: self.key, number: self.last_request };
        self.command(Command::Send { key, flow: self.state.flow, request: Box::new(request) });
        key
    }

    fn respond(&mut self, transaction: ServerKey, mut response: Response) {
        if response.to.tag().is_none() {
            response.to.params.set("tag", self.state.local.tag().map(str::to_owned));
        }
        self.command(Command::Respond { transaction, response: Box::new(response) });
    }

    /// What the peer says it can do; what it does not mention stays as it was.
    fn note_abilities(&mut self, headers: &Headers) {
        if headers.first(Known::Allow).is_some() {
            self.peer_allows_update = headers.has_token(Known::Allow, Method::Update.as_str());
        }
        if headers.first(Known::Supported).is_some() {
            self.peer_knows_timer = headers.has_token(Known::Supported, "timer");
        }
    }

    fn command(&mut self, command: Command) {
        self.outputs.push_back(Output::Command(command));
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}

impl Unacknowledged {
    /// The response again, if it is due.
    fn retransmit(&mut self, now: Instant, t2: Duration) -> Option<Command> {
        if self.retransmit_at > now {
            return None;
        }
        self.interval = self.interval.saturating_mul(2).min(t2).max(Duration::from_millis(1));
        self.retransmit_at = now + self.interval;
        Some(Command::Respond { transaction: self.transaction, response: self.response.clone() })
    }
}
