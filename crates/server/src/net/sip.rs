//! The SIP endpoint's sockets and the routes from dialogs to sessions.
//!
//! One task owns the endpoint. Every connection has a task that reads and one that writes; the UDP socket is read and
//! written here. Nothing in this file decides.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};

use bytes::{Bytes, BytesMut};
use metrics::{counter, gauge};
use sip::endpoint::{EndpointConfig, IncomingInvite, IncomingOptions, Input, Output};
use sip::{Command, ConnectionId, DialogKey, Endpoint, Response, Signal, Status, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::net::{canonical, for_socket, local_address_towards};
use crate::session_task::{Mailbox, ToSession};

/// What waits for the endpoint's task.
const INBOX_MAX: usize = 4_096;
/// Messages that wait to be written on one TCP connection.
const WRITES_MAX: usize = 256;
/// Peers whose route is remembered.
const LOCAL_ADDRESSES_MAX: usize = 1_024;
/// Largest datagram.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// For the endpoint's task.
pub(crate) enum ToEndpoint {
    /// The owner of a dialog wants something.
    Command(Command),
    /// New calls are refused from now on.
    Refuse(std::time::Duration),
    Opened {
        connection: ConnectionId,
        local: SocketAddr,
        remote: SocketAddr,
        writer: mpsc::Sender<Bytes>,
    },
    Data {
        connection: ConnectionId,
        bytes: Bytes,
    },
    Closed {
        connection: ConnectionId,
    },
}

/// Decides what becomes of calls and questions; implemented by the server.
pub(crate) trait Calls: Send + Sync + 'static {
    /// An INVITE: a session for it, or the refusal.
    fn invite(&self, invite: IncomingInvite, endpoint: &mpsc::Sender<ToEndpoint>) -> Result<Mailbox, Command>;
    /// OPTIONS outside a dialog: the answer.
    fn options(&self, options: IncomingOptions) -> Command;
}

/// The sockets, bound.
pub(crate) struct SipSockets {
    udp: Option<UdpSocket>,
    tcp: Option<TcpListener>,
    /// The port, the same for both.
    pub(crate) port: u16,
}

impl SipSockets {
    /// Binds UDP, TCP or both to the same port; port 0 takes a free one.
    ///
    /// # Errors
    /// When the port is in use.
    pub(crate) fn bind(address: IpAddr, port: u16, udp: bool, tcp: bool) -> io::Result<Self> {
        // A free UDP port may be taken on TCP: try a few.
        let mut attempts = if port == 0 { 16 } else { 1 };
        loop {
            attempts -= 1;
            let socket = if udp { Some(bind_udp(SocketAddr::new(address, port))?) } else { None };
            let wanted = match &socket {
                Some(socket) => socket.local_addr()?.port(),
                None => port,
            };
            if !tcp {
                return Ok(Self { udp: socket, tcp: None, port: wanted });
            }
            match crate::net::listen(SocketAddr::new(address, wanted)) {
                Ok(listener) => {
                    let port = listener.local_addr()?.port();
                    return Ok(Self { udp: socket, tcp: Some(listener), port });
                }
                Err(error) if attempts == 0 => return Err(error),
                Err(_) => {}
            }
        }
    }
}

/// Runs the endpoint until `stop`.
pub(crate) struct EndpointTask<C> {
    endpoint: Endpoint,
    calls: C,
    routes: HashMap<DialogKey, Mailbox>,
    connections: HashMap<ConnectionId, mpsc::Sender<Bytes>>,
    outbox: mpsc::Sender<ToEndpoint>,
    inbox: mpsc::Receiver<ToEndpoint>,
    port: u16,
    bound: IpAddr,
    /// Our address towards each peer, where we are bound to all of them.
    local: HashMap<IpAddr, IpAddr>,
}

impl<C: Calls> EndpointTask<C> {
    /// The task, and where to send things for it.
    pub(crate) fn new(
        config: EndpointConfig,
        seed: sip::Seed,
        calls: C,
        port: u16,
        bound: IpAddr,
    ) -> (Self, mpsc::Sender<ToEndpoint>) {
        let (outbox, inbox) = mpsc::channel(INBOX_MAX);
        let task = Self {
            endpoint: Endpoint::new(config, seed),
            calls,
            routes: HashMap::new(),
            connections: HashMap::new(),
            outbox: outbox.clone(),
            inbox,
            port,
            bound,
            local: HashMap::new(),
        };
        (task, outbox)
    }

    /// Serves the sockets.
    pub(crate) async fn run(mut self, sockets: SipSockets, stop: CancellationToken) {
        if let Some(listener) = sockets.tcp {
            tokio::spawn(accept(listener, self.outbox.clone(), stop.clone()));
        }
        let mut datagram = BytesMut::zeroed(DATAGRAM_BYTES_MAX);
        loop {
            let timeout = self.endpoint.poll_timeout();
            tokio::select! {
                () = stop.cancelled() => return,
                received = receive(sockets.udp.as_ref(), &mut datagram) => {
                    let Ok((length, source)) = received else { continue };
                    let source = canonical(source);
                    let bytes = Bytes::copy_from_slice(datagram.get(..length).unwrap_or_default());
                    let local = self.local(source);
                    self.endpoint.handle_input(clock::now(), Input::Datagram { source, local, bytes });
                }
                message = self.inbox.recv() => {
                    let Some(message) = message else { return };
                    self.message(message);
                }
                () = sleep_until(timeout) => self.endpoint.handle_timeout(clock::now()),
            }
            self.drain(sockets.udp.as_ref()).await;
        }
    }

    fn local(&mut self, remote: SocketAddr) -> SocketAddr {
        if !self.bound.is_unspecified() {
            return SocketAddr::new(self.bound, self.port);
        }
        if self.local.len() >= LOCAL_ADDRESSES_MAX {
            self.local.clear();
        }
        let address = *self.local.entry(remote.ip()).or_insert_with(|| local_address_towards(remote));
        SocketAddr::new(address, self.port)
    }

    fn message(&mut self, message: ToEndpoint) {
        let input = match message {
            ToEndpoint::Command(command) => {
                match &command {
                    Command::Forget { dialog } => {
                        self.routes.remove(dialog);
                    }
                    Command::Abandon { dialog } => {
                        self.routes.remove(dialog);
                    }
                    _ => {}
                }
                Input::Command(command)
            }
            ToEndpoint::Refuse(retry_after) => {
                self.endpoint.refuse_new(Some(retry_after));
                return;
            }
            ToEndpoint::Opened { connection, local, remote, writer } => {
                self.connections.insert(connection, writer);
                Input::StreamOpened { connection, local, remote }
            }
            ToEndpoint::Data { connection, bytes } => Input::StreamData { connection, bytes },
            ToEndpoint::Closed { connection } => {
                self.connections.remove(&connection);
                Input::StreamClosed { connection }
            }
        };
        self.endpoint.handle_input(clock::now(), input);
    }

    async fn drain(&mut self, udp: Option<&UdpSocket>) {
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                Output::Transmit { flow, bytes } => match flow.transport {
                    Transport::Udp => {
                        if let Some(socket) = udp
                            && let Err(error) =
                                socket.send_to(&bytes, for_socket(flow.remote, self.bound.is_ipv6())).await
                        {
                            tracing::debug!(error = %error, "a SIP datagram could not be sent");
                            self.endpoint.handle_input(clock::now(), Input::TransmitFailed { flow });
                        }
                    }
                    Transport::Stream(connection) => self.write(connection, bytes),
                },
                Output::Invite(invite) => {
                    let dialog = invite.dialog;
                    match self.calls.invite(*invite, &self.outbox) {
                        Ok(mailbox) => {
                            self.routes.insert(dialog, mailbox);
                        }
                        Err(refusal) => {
                            self.endpoint.handle_input(clock::now(), Input::Command(refusal));
                            self.endpoint.handle_input(clock::now(), Input::Command(Command::Forget { dialog }));
                        }
                    }
                }
                Output::Options(options) => {
                    let answer = self.calls.options(*options);
                    self.endpoint.handle_input(clock::now(), Input::Command(answer));
                }
                Output::Dialog { dialog, signal } => {
                    let Some(mailbox) = self.routes.get(&dialog) else { continue };
                    let Err(undelivered) = mailbox.try_send(ToSession::Sip(signal)) else { continue };
                    // The session does not keep up, or is gone. Its transaction exists and would absorb retransmissions, so
                    // a request is answered here; what else is lost is repeated by the peer or by a timer.
                    counter!("sip_signals_dropped_total").increment(1);
                    if let TrySendError::Full(message) | TrySendError::Closed(message) = undelivered
                        && let ToSession::Sip(Signal::Request { transaction, request, .. }) = message
                    {
                        let response = Box::new(Response::to(&request, Status::SERVICE_UNAVAILABLE));
                        let command = Command::Respond { transaction, response };
                        self.endpoint.handle_input(clock::now(), Input::Command(command));
                    }
                }
                Output::CloseStream { connection } => {
                    self.connections.remove(&connection);
                }
            }
        }
    }

    fn write(&mut self, connection: ConnectionId, bytes: Bytes) {
        let Some(writer) = self.connections.get(&connection) else { return };
        if writer.try_send(bytes).is_err() {
            // A peer that does not read cannot hold us: the writer ends with its queue, and the reader with it.
            tracing::warn!("a SIP connection was closed: its peer does not read");
            self.connections.remove(&connection);
            self.endpoint.handle_input(clock::now(), Input::StreamClosed { connection });
        }
    }
}

/// Receive buffer that is asked for: some thousand requests that come at once. The system may give less.
const UDP_BUFFER_OCTETS: usize = 4 << 20;

fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::from_std(crate::net::bound(address, socket2::Type::DGRAM)?.into())?;
    if let Err(error) = socket2::SockRef::from(&socket).set_recv_buffer_size(UDP_BUFFER_OCTETS) {
        tracing::debug!(%error, "the receive buffer of SIP over UDP stays as it is");
    }
    Ok(socket)
}

async fn receive(udp: Option<&UdpSocket>, buffer: &mut BytesMut) -> io::Result<(usize, SocketAddr)> {
    match udp {
        Some(socket) => socket.recv_from(buffer).await,
        None => std::future::pending().await,
    }
}

/// Sleeps until `at`, or for ever.
pub(crate) async fn sleep_until(at: Option<std::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

async fn accept(listener: TcpListener, endpoint: mpsc::Sender<ToEndpoint>, stop: CancellationToken) {
    let mut next = 1_u64;
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, remote) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files, usually: the next connection may succeed when others have closed.
                tracing::warn!(error = %error, "a SIP connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(local) = stream.local_addr() else { continue };
        let (local, remote) = (canonical(local), canonical(remote));
        let _may_be_slower = stream.set_nodelay(true);
        let connection = ConnectionId(next);
        next += 1;
        let (reader, writer) = stream.into_split();
        let (queue, queued) = mpsc::channel(WRITES_MAX);
        gauge!("sip_connections_active").increment(1.0);
        let opened = ToEndpoint::Opened { connection, local, remote, writer: queue };
        if endpoint.send(opened).await.is_err() {
            return;
        }
        let closing = stop.child_token();
        tokio::spawn(write(writer, queued, closing.clone()));
        tokio::spawn(read(reader, connection, endpoint.clone(), closing));
    }
}

async fn read(
    mut reader: OwnedReadHalf,
    connection: ConnectionId,
    endpoint: mpsc::Sender<ToEndpoint>,
    closing: CancellationToken,
) {
    let mut buffer = BytesMut::with_capacity(8_192);
    loop {
        let read = tokio::select! {
            () = closing.cancelled() => break,
            read = reader.read_buf(&mut buffer) => read,
        };
        match read {
            Ok(0) | Err(_) => break,
            Ok(_) => {
                let bytes = buffer.split().freeze();
                if endpoint.send(ToEndpoint::Data { connection, bytes }).await.is_err() {
                    break;
                }
            }
        }
    }
    closing.cancel();
    gauge!("sip_connections_active").decrement(1.0);
    // The endpoint's task may be gone first, when the server stops.
    let _stopped = endpoint.send(ToEndpoint::Closed { connection }).await;
}

async fn write(mut writer: OwnedWriteHalf, mut queued: mpsc::Receiver<Bytes>, closing: CancellationToken) {
    loop {
        let bytes = tokio::select! {
            () = closing.cancelled() => return,
            bytes = queued.recv() => bytes,
        };
        let Some(bytes) = bytes else { break };
        if writer.write_all(&bytes).await.is_err() {
            break;
        }
    }
    closing.cancel();
}
