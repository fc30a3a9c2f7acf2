//! The transport and transaction layers: [`Endpoint`].

mod client_invite;
mod client_non_invite;
mod clients;
mod connections;
mod counters;
mod inspect;
mod io;
mod retransmit;
mod routes;
mod server_invite;
mod server_non_invite;
mod servers;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

pub use counters::Counters;
pub use io::{EndpointConfig, IncomingInvite, IncomingOptions, Input, NewDialog, OutgoingInvite, Output};

use crate::capabilities::{ACCEPT, ALLOW, SUPPORTED};
use crate::message::MAX_FORWARDS;
use crate::message::framer::{Frame, FrameError};
use crate::message::raw::{Raw, StartLine};
use crate::message::via::MAGIC_COOKIE;
use crate::token::Tokens;
use crate::{
    ClientKey, Command, ConnectionId, DialogKey, Failure, Flow, Headers, Host, Known, Message, Method, NameAddr,
    Params, ParseError, Request, Response, Seed, ServerKey, Signal, Status, Transport, Via,
};
use client_invite::{ClientTimeout, Received};
use clients::Clients;
use connections::Connections;
use inspect::{Refusal, answer_raw, inspect_content, inspect_target, status_for};
use io::Admission;
use routes::Routes;
use server_invite::{Acknowledged, ServerTimeout};
use servers::{NewServer, Servers};

/// The transport and transaction layers of one SIP element. One task owns it.
///
/// It answers by itself what needs no owner. Those answers are stateless (RFC 3261, 8.2.7): a repeated request gets the same
/// answer again, and nothing is kept for it.
#[derive(Debug)]
pub struct Endpoint {
    config: EndpointConfig,
    tokens: Tokens,
    admission: Admission,
    last_dialog: u64,
    connections: Connections,
    servers: Servers,
    clients: Clients,
    routes: Routes,
    outputs: VecDeque<Output>,
    counters: Counters,
}

impl Endpoint {
    /// An endpoint without connections and transactions.
    pub fn new(config: EndpointConfig, seed: Seed) -> Self {
        Self {
            config,
            tokens: Tokens::new(seed),
            admission: Admission::Open,
            last_dialog: 0,
            connections: Connections::default(),
            servers: Servers::default(),
            clients: Clients::default(),
            routes: Routes::default(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Takes one input. Outputs must be drained before the next.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        match input {
            Input::Datagram { source, local, bytes } => {
                self.datagram(now, Flow { transport: Transport::Udp, local, remote: source }, &bytes);
            }
            Input::StreamOpened { connection, local, remote } => {
                self.connections.open(connection, local, remote, self.config.limits);
            }
            Input::StreamData { connection, bytes } => self.stream_data(now, connection, &bytes),
            Input::StreamClosed { connection } => {
                self.connections.close(connection);
                let failed = self.clients.on_connection(connection);
                self.fail(&failed);
            }
            Input::TransmitFailed { flow } => {
                let failed = self.clients.on_flow(flow);
                self.fail(&failed);
            }
            Input::Command(command) => self.command(now, command),
        }
    }

    /// Fires the timers that are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((key, timeout)) = self.servers.fire(now, &self.config.timers) {
            self.server_timeout(now, key, timeout);
        }
        while let Some((id, timeout)) = self.clients.fire(now, &self.config.timers) {
            self.client_timeout(now, id, timeout);
        }
        while let Some(connection) = self.connections.fire(now) {
            self.close_unframed(connection);
        }
    }

    /// The next output; `None` when drained.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadlines = [self.servers.next_deadline(), self.clients.next_deadline(), self.connections.next_deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// Identifiers for a dialog that we start, or for requests of ours outside one.
    pub fn new_dialog(&mut self) -> NewDialog {
        let dialog = self.next_dialog();
        NewDialog {
            dialog,
            call_id: format!("{}{}", self.tokens.text(), self.tokens.text()),
            local_tag: self.tokens.text(),
        }
    }

    /// With `Some(retry_after)`, answers INVITE and OPTIONS outside dialogs with 503 from now on, without keeping state for
    /// them; with `None`, takes them again. Calls that exist go on.
    pub fn refuse_new(&mut self, retry_after: Option<Duration>) {
        self.admission = retry_after.map_or(Admission::Open, Admission::Refused);
    }

    /// Totals so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Server transactions that exist now.
    pub fn server_transactions(&self) -> usize {
        self.servers.len()
    }

    /// Client transactions that exist now.
    pub fn client_transactions(&self) -> usize {
        self.clients.len()
    }

    /// Dialogs that exist now.
    pub fn dialogs(&self) -> usize {
        self.routes.len()
    }

    // Bytes.

    fn datagram(&mut self, now: Instant, flow: Flow, bytes: &Bytes) {
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            self.counters.keep_alives += 1;
        } else {
            self.message(now, flow, bytes);
        }
    }

    fn stream_data(&mut self, now: Instant, connection: ConnectionId, bytes: &[u8]) {
        let Some(flow) = self.connections.push(connection, bytes) else {
            self.counters.dropped_unknown_connection += 1;
            return;
        };
        loop {
            match self.connections.next_frame(connection, &self.config.timers, now) {
                Ok(Some(Frame::Message(message))) => self.message(now, flow, &message),
                Ok(Some(Frame::Ping)) => {
                    self.counters.keep_alives += 1;
                    self.transmit(flow, Bytes::from_static(b"\r\n"));
                }
                Ok(None) => return,
                Err(error) => {
                    match error {
                        FrameError::TooLong(Some(head)) => {
                            self.answer_head(
                                flow,
                                &head,
                                Status::MESSAGE_TOO_LARGE,
                                Status::MESSAGE_TOO_LARGE.reason(),
                            );
                        }
                        FrameError::NoContentLength(head) => {
                            self.answer_head(flow, &head, Status::BAD_REQUEST, "Content-Length missing or malformed");
                        }
                        FrameError::TooLong(None) | FrameError::NotSip => self.counters.dropped_malformed += 1,
                    }
                    return self.close_unframed(connection);
                }
            }
        }
    }

    fn close_unframed(&mut self, connection: ConnectionId) {
        self.counters.closed_unframed += 1;
        self.connections.close(connection);
        let failed = self.clients.on_connection(connection);
        self.fail(&failed);
        self.outputs.push_back(Output::CloseStream { connection });
    }

    fn message(&mut self, now: Instant, flow: Flow, bytes: &Bytes) {
        let raw = match Raw::split(bytes, &self.config.limits) {
            Ok(raw) => raw,
            Err(_) => {
                self.counters.dropped_malformed += 1;
                return;
            }
        };
        match Message::from_raw(&raw) {
            Ok(Message::Request(request)) => self.request(now, flow, request),
            Ok(Message::Response(response)) => self.response(now, response),
            Err(error) => self.malformed(flow, &raw, &error),
        }
    }

    fn malformed(&mut self, flow: Flow, raw: &Raw<'_>, error: &ParseError) {
        match raw.start {
            StartLine::Response { .. } => self.counters.dropped_malformed_response += 1,
            StartLine::Request { .. } => {
                let status = status_for(error);
                let reason =
                    if status == Status::BAD_REQUEST { error.kind.to_string() } else { status.reason().to_owned() };
                self.answer_malformed(flow, raw, status, &reason);
            }
        }
    }

    fn answer_head(&mut self, flow: Flow, head: &Bytes, status: Status, reason: &str) {
        if let Ok(raw) = Raw::split(head, &self.config.limits) {
            self.answer_malformed(flow, &raw, status, reason);
        }
    }

    fn answer_malformed(&mut self, flow: Flow, raw: &Raw<'_>, status: Status, reason: &str) {
        let tokens = &self.tokens;
        let Some((via, bytes)) = answer_raw(raw, flow.remote, (status, reason), |call_id| tokens.text_for(call_id))
        else {
            self.counters.dropped_malformed += 1;
            return;
        };
        *match status {
            Status::VERSION_NOT_SUPPORTED => &mut self.counters.refused_version,
            Status::MESSAGE_TOO_LARGE => &mut self.counters.refused_too_large,
            _ => &mut self.counters.refused_malformed,
        } += 1;
        self.transmit(via.map_or(flow, |via| response_flow(&via, flow)), bytes);
    }

    /// Puts a message out, unless its connection is gone.
    fn transmit(&mut self, flow: Flow, bytes: Bytes) {
        if flow.connection().is_some_and(|connection| !self.connections.is_open(connection)) {
            self.counters.dropped_closed_connection += 1;
        } else {
            self.outputs.push_back(Output::Transmit { flow, bytes });
        }
    }

    // Requests of peers.

    fn request(&mut self, now: Instant, flow: Flow, mut request: Request) {
        self.counters.requests += 1;
        request.set_source(flow.remote);
        let id = servers::identifier(&request);
        match (&request.method, self.servers.find(&id)) {
            (Method::Ack, matched) => self.ack(now, request, matched),
            (Method::Cancel, matched) => self.cancelled(flow, &request, matched),
            (_, Some(key)) => self.retransmission(key),
            (_, None) => match self.admit(&request) {
                Ok(admitted) => self.start_server(now, flow, request, id, admitted),
                Err(refusal) => self.refuse(flow, &request, refusal),
            },
        }
    }

    fn retransmission(&mut self, key: ServerKey) {
        self.counters.retransmissions_received += 1;
        if let Some((flow, bytes)) = self
            .servers
            .transaction(key)
            .and_then(|transaction| Some((transaction.flow, transaction.retransmitted()?.clone())))
        {
            self.transmit(flow, bytes);
        }
    }

    fn ack(&mut self, now: Instant, request: Request, matched: Option<ServerKey>) {
        let meaning = match matched {
            Some(key) => self.servers.acknowledged(key, now, &self.config.timers),
            None => Acknowledged::PassOn,
        };
        match meaning {
            Acknowledged::Absorb => {}
            Acknowledged::Stray => self.counters.dropped_stray_ack += 1,
            Acknowledged::PassOn => match self.routes.find(&request) {
                Some(dialog) => self.signal(dialog, Signal::Ack { request: Box::new(request) }),
                None => self.counters.dropped_stray_ack += 1,
            },
        }
    }

    /// CANCEL is answered without a transaction of its own: a repetition finds the same INVITE, or none.
    fn cancelled(&mut self, flow: Flow, request: &Request, matched: Option<ServerKey>) {
        let invite = matched.and_then(|key| Some((key, self.servers.transaction(key)?)));
        let Some((key, transaction)) = invite.filter(|(_, transaction)| transaction.is_invite()) else {
            return self.refuse(flow, request, Refusal::new(Status::NO_SUCH_TRANSACTION, |c| &mut c.refused_no_dialog));
        };
        let (dialog, is_open) = (transaction.dialog, transaction.is_open());
        let mut response = Response::to(request, Status::OK);
        if let Some(tag) = transaction.local_tag.as_deref().filter(|_| request.to.tag().is_none()) {
            response.to = response.to.with_tag(tag);
        }
        self.answer(flow, request, response);
        if let Some(dialog) = dialog.filter(|_| is_open) {
            self.signal(dialog, Signal::Cancelled { transaction: key });
        }
    }

    /// Decides whose a new request is (RFC 3261, 8.2), or how it is refused.
    fn admit(&self, request: &Request) -> Result<Admitted, Refusal> {
        inspect_target(request)?;
        let no_dialog = || Refusal::new(Status::NO_SUCH_TRANSACTION, |c| &mut c.refused_no_dialog);
        let max = self.config.server_transactions_max;
        if request.to.tag().is_some() {
            let dialog = self.routes.find(request).ok_or_else(no_dialog)?;
            inspect_content(request)?;
            let has_room = self.servers.len() < max.saturating_add(max / 4);
            return if has_room { Ok(Admitted::InDialog(dialog)) } else { Err(self.overload()) };
        }
        let is_invite = match &request.method {
            Method::Invite => true,
            Method::Options => false,
            _ => return Err(no_dialog()),
        };
        let origin = servers::origin(request);
        if self.servers.has_origin(&origin) {
            return Err(Refusal::new(Status::LOOP_DETECTED, |c| &mut c.refused_merged));
        }
        inspect_content(request)?;
        if let Admission::Refused(retry_after) = self.admission {
            let refusal = Refusal::new(Status::SERVICE_UNAVAILABLE, |c| &mut c.refused_admission);
            return Err(refusal.with(Known::RetryAfter, retry_after.as_secs().to_string()));
        }
        if self.servers.len() >= max || (is_invite && self.routes.len() >= self.config.dialogs_max) {
            return Err(self.overload());
        }
        Ok(if is_invite { Admitted::Invite { origin } } else { Admitted::Options { origin } })
    }

    /// Hands a new request to its owner, in a transaction.
    fn start_server(&mut self, now: Instant, flow: Flow, request: Request, id: String, admitted: Admitted) {
        let mut new = NewServer {
            id,
            origin: None,
            flow: request.via.first().map_or(flow, |via| response_flow(via, flow)),
            dialog: None,
            local_tag: None,
            template: Box::new(Response::to(&request, Status::TRYING)),
        };
        match admitted {
            Admitted::InDialog(dialog) => {
                self.routes.received(dialog, &request, flow);
                new.dialog = Some(dialog);
                let transaction = self.open_server(now, new);
                self.signal(dialog, Signal::Request { transaction, request: Box::new(request), flow });
            }
            Admitted::Invite { origin } => {
                let (dialog, local_tag) = (self.next_dialog(), self.tokens.text());
                self.routes.offered(dialog, &local_tag, &request, flow);
                (new.origin, new.dialog, new.local_tag) = (Some(origin), Some(dialog), Some(local_tag.clone()));
                let transaction = self.open_server(now, new);
                let invite = IncomingInvite { transaction, dialog, local_tag, request, flow };
                self.outputs.push_back(Output::Invite(Box::new(invite)));
            }
            Admitted::Options { origin } => {
                (new.origin, new.local_tag) = (Some(origin), Some(self.tokens.text()));
                let transaction = self.open_server(now, new);
                self.outputs.push_back(Output::Options(Box::new(IncomingOptions { transaction, request, flow })));
            }
        }
    }

    /// Starts a transaction, and answers an INVITE with 100 at once.
    fn open_server(&mut self, now: Instant, new: NewServer) -> ServerKey {
        let trying = (new.template.method == Method::Invite).then(|| new.template.print());
        if let Some(trying) = &trying {
            self.transmit(new.flow, trying.clone());
        }
        self.servers.start(new, trying, &self.config.timers, now)
    }

    fn overload(&self) -> Refusal {
        Refusal::new(Status::SERVICE_UNAVAILABLE, |c| &mut c.refused_overload)
            .with(Known::RetryAfter, self.config.retry_after_s.to_string())
    }

    fn refuse(&mut self, flow: Flow, request: &Request, refusal: Refusal) {
        *(refusal.counter)(&mut self.counters) += 1;
        let mut response = Response::to(request, refusal.status);
        if let Some((name, value)) = refusal.header {
            response.headers.push(name, value);
        }
        self.answer(flow, request, response);
    }

    /// Answers without a transaction. The tag is the same each time (RFC 3261, 8.2.7).
    fn answer(&mut self, flow: Flow, request: &Request, mut response: Response) {
        if response.to.tag().is_none() {
            let tag = self.tokens.text_for((&request.call_id, request.from.tag(), request.cseq));
            response.to = response.to.with_tag(&tag);
        }
        self.add_product(&mut response.headers, Known::Server);
        let back = request.via.first().map_or(flow, |via| response_flow(via, flow));
        self.transmit(back, response.print());
    }

    fn add_product(&self, headers: &mut Headers, name: Known) {
        if let Some(product) = &self.config.product {
            headers.push_absent(name, product.as_str());
        }
    }

    fn next_dialog(&mut self) -> DialogKey {
        self.last_dialog += 1;
        DialogKey(self.last_dialog)
    }

    fn signal(&mut self, dialog: DialogKey, signal: Signal) {
        self.outputs.push_back(Output::Dialog { dialog, signal });
    }

    // Responses of peers.

    fn response(&mut self, now: Instant, response: Response) {
        self.counters.responses += 1;
        let found = self.clients.find(&response).filter(|_| response.via.len() == 1);
        let Some(id) = found else {
            self.counters.dropped_stray_response += 1;
            return;
        };
        let received = self.clients.received(id, now, &self.config.timers, response.status);
        let Some(transaction) = self.clients.transaction(id) else { return };
        let (key, flow) = (transaction.key, transaction.flow);
        match received {
            Received::PassOn => {}
            Received::PassOnAndCancel => self.send_cancel(now, id),
            Received::PassOnAndAck => {
                let ack = transaction.invite().map(|invite| ack_for_refusal(invite, &response).print());
                if let Some(ack) = ack {
                    self.clients.keep_ack(id, ack.clone());
                    self.transmit(flow, ack);
                }
            }
            Received::AckAgain => {
                self.counters.retransmissions_received += 1;
                if let Some(ack) = transaction.ack().cloned() {
                    self.transmit(flow, ack);
                }
                return;
            }
            Received::Drop => {
                self.counters.retransmissions_received += 1;
                return;
            }
        }
        if let Some(key) = key {
            self.signal(key.dialog, Signal::Response { key, response: Box::new(response) });
        }
    }

    // Owners.

    fn command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Respond { transaction, response } => self.respond(now, transaction, *response),
            Command::Send { key, flow, request } => self.send(now, key, flow, request),
            Command::Acknowledge { flow, mut request } => {
                self.add_via(flow, &mut request);
                self.transmit(flow, request.print());
            }
            Command::Cancel { key } => {
                let Some(id) = self.clients.find_key(key) else {
                    self.counters.dropped_late_command += 1;
                    return;
                };
                if self.clients.cancel(id, now, &self.config.timers) {
                    self.send_cancel(now, id);
                }
            }
            Command::Forget { dialog } => self.routes.forget(dialog),
            Command::Abandon { dialog } => {
                for key in self.servers.open_of(dialog) {
                    self.respond_for_owner(now, key);
                }
                if let Some((flow, bye)) = self.routes.abandon(dialog) {
                    self.send_request(now, None, flow, Box::new(bye));
                }
            }
        }
    }

    fn respond(&mut self, now: Instant, key: ServerKey, mut response: Response) {
        let Some(transaction) = self.servers.transaction(key) else {
            self.counters.dropped_late_command += 1;
            return;
        };
        let (flow, dialog) = (transaction.flow, transaction.dialog);
        let needs_tag = response.status != Status::TRYING && response.to.tag().is_none();
        if let Some(tag) = transaction.local_tag.as_deref().filter(|_| needs_tag) {
            response.to = response.to.with_tag(tag);
        }
        self.add_capabilities(&mut response);
        let bytes = response.print();
        if !self.servers.respond(key, now, &self.config.timers, response.status, &bytes) {
            self.counters.dropped_late_command += 1;
            return;
        }
        self.transmit(flow, bytes);
        if let (Some(dialog), Method::Invite) = (dialog, &response.method) {
            if response.status.is_success() {
                self.routes.accepted(dialog);
            } else if !response.status.is_provisional() {
                self.routes.refused(dialog);
            }
        }
    }

    fn add_capabilities(&self, response: &mut Response) {
        self.add_product(&mut response.headers, Known::Server);
        if response.status.is_success() && matches!(response.method, Method::Invite | Method::Options | Method::Update)
        {
            response.headers.push_absent(Known::Allow, ALLOW);
            response.headers.push_absent(Known::Supported, SUPPORTED);
            if response.method == Method::Options {
                response.headers.push_absent(Known::Accept, ACCEPT);
            }
        }
    }

    /// Answers a request with 500 because nobody else does.
    fn respond_for_owner(&mut self, now: Instant, key: ServerKey) {
        self.counters.unanswered += 1;
        if let Some(mut response) = self.servers.take_template(key) {
            response.status = Status::SERVER_INTERNAL_ERROR;
            response.reason = Status::SERVER_INTERNAL_ERROR.reason().to_owned();
            self.respond(now, key, *response);
        }
    }

    fn send(&mut self, now: Instant, key: ClientKey, flow: Flow, request: Box<Request>) {
        let is_closed = flow.connection().is_some_and(|connection| !self.connections.is_open(connection));
        let failure = if is_closed {
            self.counters.client_transport_failures += 1;
            Some(Failure::Transport)
        } else if self.clients.len() >= self.config.client_transactions_max || self.clients.has_key(key) {
            self.counters.refused_overload += 1;
            Some(Failure::Overload)
        } else {
            None
        };
        if let Some(failure) = failure {
            return self.signal(key.dialog, Signal::Failed { key, failure });
        }
        if request.method == Method::Invite && request.to.tag().is_none() {
            self.routes.placed(key.dialog, &request);
        }
        self.routes.sent(key.dialog, &request);
        self.send_request(now, Some(key), flow, request);
    }

    fn send_request(&mut self, now: Instant, key: Option<ClientKey>, flow: Flow, mut request: Box<Request>) {
        self.add_via(flow, &mut request);
        self.start_client(now, key, flow, request);
    }

    fn start_client(&mut self, now: Instant, key: Option<ClientKey>, flow: Flow, request: Box<Request>) {
        let bytes = request.print();
        self.transmit(flow, bytes.clone());
        self.clients.start(key, flow, (request, bytes), &self.config.timers, now);
    }

    fn add_via(&mut self, flow: Flow, request: &mut Request) {
        let mut params = Params::new();
        let transport = match flow.transport {
            Transport::Udp => {
                params.set("rport", None);
                "UDP"
            }
            Transport::Stream(_) => "TCP",
        };
        params.set("branch", Some(format!("{MAGIC_COOKIE}{}", self.tokens.text())));
        let host = self.config.via_host.clone().unwrap_or(Host::Ip(flow.local.ip()));
        request.via.insert(0, Via { transport: transport.to_owned(), host, port: Some(flow.local.port()), params });
        request.max_forwards.get_or_insert(MAX_FORWARDS);
        self.add_product(&mut request.headers, Known::UserAgent);
    }

    /// Sends the CANCEL for the INVITE of a client transaction (RFC 3261, 9.1): same Via, no owner.
    fn send_cancel(&mut self, now: Instant, id: u64) {
        let Some(transaction) = self.clients.transaction(id) else { return };
        let flow = transaction.flow;
        if let Some(invite) = transaction.invite() {
            let cancel = Box::new(hop_by_hop(invite, Method::Cancel, invite.to.clone()));
            self.start_client(now, None, flow, cancel);
        }
    }

    /// Ends client transactions whose transport failed.
    fn fail(&mut self, ids: &[u64]) {
        for &id in ids {
            let Some(transaction) = self.clients.remove(id) else { continue };
            if let (Some(key), true) = (transaction.key, transaction.is_open()) {
                self.counters.client_transport_failures += 1;
                self.signal(key.dialog, Signal::Failed { key, failure: Failure::Transport });
            }
        }
    }

    // Timers.

    fn server_timeout(&mut self, now: Instant, key: ServerKey, timeout: ServerTimeout) {
        match timeout {
            ServerTimeout::Wait => {}
            ServerTimeout::Retransmit(bytes) => {
                self.counters.retransmissions_sent += 1;
                if let Some(flow) = self.servers.transaction(key).map(|transaction| transaction.flow) {
                    self.transmit(flow, bytes);
                }
            }
            ServerTimeout::NotAcknowledged => {
                self.counters.ack_timeouts += 1;
                self.servers.remove(key);
            }
            ServerTimeout::Unanswered => self.respond_for_owner(now, key),
            ServerTimeout::Ended => self.servers.remove(key),
        }
    }

    fn client_timeout(&mut self, now: Instant, id: u64, timeout: ClientTimeout) {
        match timeout {
            ClientTimeout::Wait => {}
            ClientTimeout::Retransmit(bytes) => {
                self.counters.retransmissions_sent += 1;
                if let Some(flow) = self.clients.transaction(id).map(|transaction| transaction.flow) {
                    self.transmit(flow, bytes);
                }
            }
            ClientTimeout::Cancel => self.send_cancel(now, id),
            ClientTimeout::TimedOut => {
                self.counters.client_timeouts += 1;
                if let Some(key) = self.clients.remove(id).and_then(|transaction| transaction.key) {
                    self.signal(key.dialog, Signal::Failed { key, failure: Failure::Timeout });
                }
            }
            ClientTimeout::Ended => {
                self.clients.remove(id);
            }
        }
    }
}

/// Where a response goes (RFC 3261, 18.2.2): back on the connection, or to the address that the Via tells.
fn response_flow(via: &Via, flow: Flow) -> Flow {
    match flow.transport {
        Transport::Udp => Flow { remote: via.response_address(flow.remote), ..flow },
        Transport::Stream(_) => flow,
    }
}

/// The ACK for a response of 300 or more (RFC 3261, 17.1.1.3).
fn ack_for_refusal(invite: &Request, response: &Response) -> Request {
    hop_by_hop(invite, Method::Ack, response.to.clone())
}

/// A request that belongs to the transaction of `invite`.
fn hop_by_hop(invite: &Request, method: Method, to: NameAddr) -> Request {
    let mut headers = Headers::new();
    invite.headers.elements(Known::Route).for_each(|route| headers.push(Known::Route, route));
    Request {
        method,
        uri: invite.uri.clone(),
        via: invite.via.first().cloned().into_iter().collect(),
        max_forwards: Some(MAX_FORWARDS),
        from: invite.from.clone(),
        to,
        call_id: invite.call_id.clone(),
        cseq: invite.cseq,
        headers,
        body: Bytes::new(),
    }
}

/// Whose a new request is.
enum Admitted {
    InDialog(DialogKey),
    Invite { origin: String },
    Options { origin: String },
}
