//! The SIP side of a client: one task that owns the socket, the transactions and the dialogs of all sessions.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use sip::dialog::{Cause, DialogConfig, Event};
use sip::endpoint::{EndpointConfig, Input, OutgoingInvite, Output};
use sip::{Command as SipCommand, ConnectionId, Dialog, DialogKey, Endpoint, Flow, Seed, Transport, Uri};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::{mpsc, oneshot};

use crate::clock::now;
use crate::error::ClientError;
use crate::ladder::{Ladder, Layer, Way};
use crate::seed::seed;

/// Commands that may wait for the task.
const COMMANDS_MAX: usize = 1024;

/// The connection of a client that uses TCP.
const STREAM: ConnectionId = ConnectionId(1);

/// How SIP messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SipTransport {
    /// Datagrams.
    #[default]
    Udp,
    /// One TCP connection.
    Tcp,
}

/// A call that the server took.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) dialog: DialogKey,
    /// The SDP answer.
    pub(crate) answer: Bytes,
    /// Told once, when the dialog is over.
    pub(crate) ended: oneshot::Receiver<Cause>,
}

/// Talks to the task.
#[derive(Debug, Clone)]
pub(crate) struct SipAgent {
    commands: mpsc::Sender<Command>,
    local: SocketAddr,
}

enum Command {
    Call { offer: Bytes, answered: oneshot::Sender<Result<Answered, ClientError>> },
    Reoffer { dialog: DialogKey, offer: Bytes, answered: oneshot::Sender<Result<Bytes, ClientError>> },
    Hangup { dialog: DialogKey },
}

enum Socket {
    Udp(UdpSocket),
    Tcp(TcpStream),
}

impl SipAgent {
    /// Opens the socket and starts the task, which ends with the last clone of the agent and the last dialog.
    pub(crate) async fn start(
        server: SocketAddr,
        transport: SipTransport,
        product: &str,
        ladder: Ladder,
    ) -> Result<Self, ClientError> {
        let failed = |source| ClientError::Socket { purpose: "SIP", source };
        let socket = match transport {
            SipTransport::Udp => {
                let any: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
                // Connected, so that the system chooses the address that the server sees, and reports closed ports.
                let socket = UdpSocket::bind(any).await.map_err(failed)?;
                socket.connect(server).await.map_err(failed)?;
                Socket::Udp(socket)
            }
            SipTransport::Tcp => Socket::Tcp(TcpStream::connect(server).await.map_err(failed)?),
        };
        let local = match &socket {
            Socket::Udp(socket) => socket.local_addr(),
            Socket::Tcp(socket) => socket.local_addr(),
        }
        .map_err(failed)?;
        let flow_transport = match transport {
            SipTransport::Udp => Transport::Udp,
            SipTransport::Tcp => Transport::Stream(STREAM),
        };
        let config = EndpointConfig { product: Some(product.to_owned()), ..EndpointConfig::default() };
        let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
        let mut task = Task {
            endpoint: Endpoint::new(config, Seed(seed())),
            // As stock clients: timers are not asked for, but served if the server wants them.
            dialog_config: Arc::new(DialogConfig { session_timer: None, ..DialogConfig::default() }),
            flow: Flow { transport: flow_transport, local, remote: server },
            dialogs: HashMap::new(),
            to_send: Vec::new(),
            ladder,
        };
        if transport == SipTransport::Tcp {
            task.input(Input::StreamOpened { connection: STREAM, local, remote: server });
        }
        #[expect(clippy::let_underscore_future, reason = "the task ends by itself when nobody needs it")]
        let _ = tokio::spawn(task.run(socket, inbox));
        Ok(Self { commands, local })
    }

    /// Our address as the server sees it, unless there is a NAT between.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Places a call and waits for the answer.
    pub(crate) async fn call(&self, offer: Bytes) -> Result<Answered, ClientError> {
        let (answered, answer) = oneshot::channel();
        self.commands.send(Command::Call { offer, answered }).await.map_err(|_gone| ClientError::ShutDown)?;
        answer.await.map_err(|_gone| ClientError::ShutDown)?
    }

    /// Offers another description within a call (re-INVITE) and waits for the answer.
    pub(crate) async fn reoffer(&self, dialog: DialogKey, offer: Bytes) -> Result<Bytes, ClientError> {
        let (answered, answer) = oneshot::channel();
        self.commands
            .send(Command::Reoffer { dialog, offer, answered })
            .await
            .map_err(|_gone| ClientError::ShutDown)?;
        answer.await.map_err(|_gone| ClientError::ShutDown)?
    }

    /// Ends a call. Does not wait for the answer to BYE.
    pub(crate) async fn hangup(&self, dialog: DialogKey) {
        // If the task is gone, so is the call.
        _ = self.commands.send(Command::Hangup { dialog }).await;
    }
}

struct Task {
    endpoint: Endpoint,
    dialog_config: Arc<DialogConfig>,
    flow: Flow,
    dialogs: HashMap<DialogKey, Owned>,
    to_send: Vec<Bytes>,
    ladder: Ladder,
}

struct Owned {
    dialog: Dialog,
    /// What we offered last: the answer to an offer of the server, too.
    offer: Bytes,
    waiting: Waiting,
    ended: Option<oneshot::Sender<Cause>>,
}

enum Waiting {
    Nobody,
    Answer(oneshot::Sender<Result<Answered, ClientError>>, oneshot::Receiver<Cause>),
    Reanswer(oneshot::Sender<Result<Bytes, ClientError>>),
}

impl Task {
    async fn run(mut self, mut socket: Socket, mut inbox: mpsc::Receiver<Command>) {
        let mut buffer = BytesMut::with_capacity(65_536);
        let mut is_wanted = true;
        while is_wanted || !self.dialogs.is_empty() {
            for bytes in std::mem::take(&mut self.to_send) {
                self.ladder.record(now(), Layer::Sip, Way::Sent, &bytes);
                let sent = match &mut socket {
                    Socket::Udp(socket) => socket.send(&bytes).await.map(|_length| ()),
                    Socket::Tcp(socket) => socket.write_all(&bytes).await,
                };
                if sent.is_err() {
                    self.transport_failed();
                }
            }
            if !self.to_send.is_empty() {
                continue;
            }
            let deadline = self.deadline();
            tokio::select! {
                command = inbox.recv(), if is_wanted => match command {
                    Some(command) => self.command(command),
                    None => is_wanted = false,
                },
                received = receive(&mut socket, &mut buffer) => match received {
                    Ok(0) if matches!(socket, Socket::Tcp(_)) => {
                        self.input(Input::StreamClosed { connection: STREAM });
                        return;
                    }
                    Ok(_) => {
                        let bytes = buffer.split().freeze();
                        self.received(bytes);
                    }
                    Err(_) => self.transport_failed(),
                },
                () = sleep_until(deadline) => self.timeout(),
            }
        }
        // What hangs up last is still to be sent.
        for bytes in std::mem::take(&mut self.to_send) {
            self.ladder.record(now(), Layer::Sip, Way::Sent, &bytes);
            _ = match &mut socket {
                Socket::Udp(socket) => socket.send(&bytes).await.map(|_length| ()),
                Socket::Tcp(socket) => socket.write_all(&bytes).await,
            };
        }
    }

    fn received(&mut self, bytes: Bytes) {
        self.ladder.record(now(), Layer::Sip, Way::Received, &bytes);
        let Flow { transport, local, remote } = self.flow;
        self.input(match transport {
            Transport::Udp => Input::Datagram { source: remote, local, bytes },
            Transport::Stream(connection) => Input::StreamData { connection, bytes },
        });
    }

    fn transport_failed(&mut self) {
        let input = match self.flow.transport {
            Transport::Udp => Input::TransmitFailed { flow: self.flow },
            Transport::Stream(connection) => Input::StreamClosed { connection },
        };
        self.input(input);
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Call { offer, answered } => {
                let identity = self.endpoint.new_dialog();
                let key = identity.dialog;
                let target = Uri::from_address(self.flow.remote);
                let invite = OutgoingInvite { identity, target, from: None, flow: self.flow, offer: offer.clone() };
                let dialog = Dialog::call(self.dialog_config.clone(), Seed(seed()), invite);
                let (ended, end) = oneshot::channel();
                let waiting = Waiting::Answer(answered, end);
                self.dialogs.insert(key, Owned { dialog, offer, waiting, ended: Some(ended) });
                self.drain(key);
            }
            Command::Reoffer { dialog: key, offer, answered } => {
                if let Some(owned) = self.dialogs.get_mut(&key) {
                    owned.offer = offer.clone();
                    owned.waiting = Waiting::Reanswer(answered);
                    owned.dialog.handle_input(now(), sip::dialog::Input::Reoffer { body: offer });
                    self.drain(key);
                }
            }
            Command::Hangup { dialog: key } => {
                if let Some(owned) = self.dialogs.get_mut(&key) {
                    owned.dialog.handle_input(now(), sip::dialog::Input::Hangup);
                    self.drain(key);
                }
            }
        }
    }

    /// Gives the endpoint an input, and all that follows from it.
    fn input(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.endpoint.handle_input(now(), input);
            self.drain_endpoint(&mut inputs);
        }
    }

    fn drain_endpoint(&mut self, inputs: &mut VecDeque<Input>) {
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                Output::Transmit { bytes, .. } => self.to_send.push(bytes),
                Output::Dialog { dialog, signal } => {
                    if let Some(owned) = self.dialogs.get_mut(&dialog) {
                        owned.dialog.handle_input(now(), sip::dialog::Input::Signal(signal));
                        self.drain_dialog(dialog, inputs);
                    }
                }
                // Nobody calls a client.
                Output::Invite(incoming) => {
                    let response = sip::Response::to(&incoming.request, sip::Status::TEMPORARILY_UNAVAILABLE);
                    let transaction = incoming.transaction;
                    inputs.push_back(Input::Command(SipCommand::Respond { transaction, response: Box::new(response) }));
                }
                Output::Options(incoming) => {
                    let response = sip::Response::to(&incoming.request, sip::Status::OK);
                    let transaction = incoming.transaction;
                    inputs.push_back(Input::Command(SipCommand::Respond { transaction, response: Box::new(response) }));
                }
                // The stream is read to its end, which comes soon.
                Output::CloseStream { .. } => {}
            }
        }
    }

    /// Takes the outputs of a dialog.
    fn drain(&mut self, key: DialogKey) {
        let mut inputs = VecDeque::new();
        self.drain_dialog(key, &mut inputs);
        while let Some(input) = inputs.pop_front() {
            self.endpoint.handle_input(now(), input);
            self.drain_endpoint(&mut inputs);
        }
    }

    fn drain_dialog(&mut self, key: DialogKey, inputs: &mut VecDeque<Input>) {
        let Some(owned) = self.dialogs.get_mut(&key) else { return };
        let mut is_over = false;
        while let Some(output) = owned.dialog.poll_output() {
            match output {
                sip::dialog::Output::Command(command) => inputs.push_back(Input::Command(command)),
                sip::dialog::Output::Event(event) => is_over |= owned.event(key, event),
            }
        }
        if is_over {
            self.dialogs.remove(&key);
        }
    }

    fn timeout(&mut self) {
        let at = now();
        self.endpoint.handle_timeout(at);
        let mut inputs = VecDeque::new();
        self.drain_endpoint(&mut inputs);
        let due: Vec<DialogKey> = self
            .dialogs
            .iter()
            .filter(|(_, owned)| owned.dialog.poll_timeout().is_some_and(|deadline| deadline <= at))
            .map(|(key, _)| *key)
            .collect();
        for key in due {
            if let Some(owned) = self.dialogs.get_mut(&key) {
                owned.dialog.handle_timeout(at);
                self.drain_dialog(key, &mut inputs);
            }
        }
        while let Some(input) = inputs.pop_front() {
            self.endpoint.handle_input(at, input);
            self.drain_endpoint(&mut inputs);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let dialogs = self.dialogs.values().filter_map(|owned| owned.dialog.poll_timeout());
        dialogs.chain(self.endpoint.poll_timeout()).min()
    }
}

impl Owned {
    /// Takes an event; `true` when the dialog is over.
    fn event(&mut self, key: DialogKey, event: Event) -> bool {
        match event {
            Event::Accepted { answer } => {
                // Who asked may have given up; then the call is hung up by its handle.
                match std::mem::replace(&mut self.waiting, Waiting::Nobody) {
                    Waiting::Answer(answered, ended) => {
                        _ = answered.send(Ok(Answered { dialog: key, answer, ended }));
                    }
                    Waiting::Reanswer(answered) => _ = answered.send(Ok(answer)),
                    Waiting::Nobody => {}
                }
                false
            }
            Event::Rejected { status } => {
                if let Waiting::Reanswer(answered) = std::mem::replace(&mut self.waiting, Waiting::Nobody) {
                    _ = answered.send(Err(ClientError::Call { reason: format!("{status:?}") }));
                }
                false
            }
            Event::Reinvite { .. } => {
                // A refresh by the server: our side is as it was.
                let body = self.offer.clone();
                self.dialog.handle_input(now(), sip::dialog::Input::Accept { body });
                false
            }
            Event::Terminated { cause } => {
                let refused = || Err(ClientError::Call { reason: reason(cause) });
                match std::mem::replace(&mut self.waiting, Waiting::Nobody) {
                    Waiting::Answer(answered, _) => _ = answered.send(refused()),
                    Waiting::Reanswer(answered) => _ = answered.send(Err(ClientError::EndedByServer)),
                    Waiting::Nobody => {}
                }
                if let Some(ended) = self.ended.take() {
                    _ = ended.send(cause);
                }
                true
            }
            Event::Invite { .. } | Event::ReinviteCancelled | Event::Acknowledged { .. } | Event::Progress { .. } => {
                false
            }
        }
    }
}

/// A cause in words.
pub(crate) fn reason(cause: Cause) -> String {
    match cause {
        Cause::Rejected { status, .. } | Cause::Refused { status } => format!("{} {}", status.code(), status.reason()),
        Cause::LocalHangup => "hung up".to_owned(),
        Cause::RemoteBye => "the server hung up".to_owned(),
        Cause::Cancelled => "cancelled".to_owned(),
        Cause::NotAcknowledged => "not acknowledged".to_owned(),
        Cause::SessionExpired => "the session expired".to_owned(),
        Cause::Timeout => "no response (SIP timer B or F)".to_owned(),
        Cause::TransportFailed => "nobody listens there".to_owned(),
        Cause::Unanswered => "unanswered".to_owned(),
    }
}

async fn receive(socket: &mut Socket, buffer: &mut BytesMut) -> std::io::Result<usize> {
    buffer.reserve(65_536);
    match socket {
        Socket::Udp(socket) => socket.recv_buf(buffer).await,
        Socket::Tcp(socket) => socket.read_buf(buffer).await,
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        // Nothing is due; the other arms wake the task.
        None => tokio::time::sleep(Duration::from_secs(3600)).await,
    }
}
