//! MRCP control connections: one task per TCP connection. Nothing in this file decides.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use metrics::{counter, gauge};
use mrcp::connection::{ConnectionConfig, Input, Output};
use mrcp::{ChannelId, Connection, Message, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::channels::Channels;
use crate::clock;
use crate::net::sip::sleep_until;
use crate::net::users::Users;
use crate::peers::{Holding, Peers};
use crate::session_task::ToSession;

/// Messages of sessions that wait to be written on one connection.
const MESSAGES_MAX: usize = 1_024;

/// A control connection, as a session sees it.
#[derive(Clone)]
pub(crate) struct ConnectionHandle {
    id: u64,
    messages: mpsc::Sender<Message>,
    close: CancellationToken,
}

impl ConnectionHandle {
    /// Writes a message. `false` when the connection is gone; one that does not keep up is closed.
    pub(crate) fn send(&self, message: Message) -> bool {
        match self.messages.try_send(message) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                // A peer that does not read cannot hold us.
                self.close.cancel();
                false
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }

    /// Whether both are the same connection.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// Binds the MRCP port; 0 takes a free one.
///
/// # Errors
/// When the port is in use.
pub(crate) fn bind(address: IpAddr, port: u16) -> io::Result<(TcpListener, u16)> {
    let listener = crate::net::listen(SocketAddr::new(address, port))?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// What connections may do.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionLimits {
    pub(crate) core: ConnectionConfig,
    /// Most connections at once.
    pub(crate) connections_max: usize,
    /// How long a connection without channels is kept; `None`: until the peer closes it.
    pub(crate) idle: Option<Duration>,
}

/// Accepts connections until `stop`.
pub(crate) async fn serve(
    listener: TcpListener,
    channels: Channels,
    limits: ConnectionLimits,
    peers: Peers,
    stop: CancellationToken,
) {
    let ids = AtomicU64::new(1);
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files, usually: the next one may succeed when others have closed.
                tracing::warn!(error = %error, "a control connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let peer = crate::net::canonical(peer);
        let place = peers.take(peer.ip(), Holding::Connection);
        let Some(place) = place.filter(|_| open.load(Ordering::Acquire) < limits.connections_max) else {
            counter!("mrcp_connections_refused_total").increment(1);
            continue;
        };
        if let Err(error) = keep_alive(&stream) {
            // Its silent end is noticed by the session timer then.
            tracing::debug!(error = %error, "a control connection has no keep-alive");
        }
        open.fetch_add(1, Ordering::AcqRel);
        let running = Running::new(ids.fetch_add(1, Ordering::Relaxed), stream, &limits, channels.clone(), &stop);
        let open = Arc::clone(&open);
        crate::tasks::spawn("MRCP connection", async move {
            gauge!("mrcp_connections_active").increment(1.0);
            running.run(peer).await;
            gauge!("mrcp_connections_active").decrement(1.0);
            drop(place);
            open.fetch_sub(1, Ordering::AcqRel);
        });
    }
}

struct Running {
    stream: TcpStream,
    core: Connection,
    channels: Channels,
    handle: ConnectionHandle,
    messages: mpsc::Receiver<Message>,
    unwritten: BytesMut,
    users: Users,
    idle: Option<Duration>,
    is_closing: bool,
}

impl Running {
    fn new(
        id: u64,
        stream: TcpStream,
        limits: &ConnectionLimits,
        channels: Channels,
        stop: &CancellationToken,
    ) -> Self {
        let (sender, messages) = mpsc::channel(MESSAGES_MAX);
        Self {
            stream,
            core: Connection::new(limits.core.clone()),
            channels,
            handle: ConnectionHandle { id, messages: sender, close: stop.child_token() },
            messages,
            unwritten: BytesMut::new(),
            users: Users::default(),
            idle: limits.idle,
            is_closing: false,
        }
    }

    #[tracing::instrument(name = "mrcp connection", skip_all, fields(connection_id = self.handle.id, peer = %peer))]
    async fn run(mut self, peer: SocketAddr) {
        tracing::debug!("accepted");
        // Responses are small and wanted at once.
        let _may_be_slower = self.stream.set_nodelay(true);
        let mut received = BytesMut::with_capacity(8_192);
        let close = self.handle.close.clone();
        let mut idle_at = self.idle.map(|idle| clock::now() + idle);
        while !self.is_closing {
            let timeout = self.core.poll_timeout();
            let reads = self.core.wants_bytes();
            let (mut reader, mut writer) = self.stream.split();
            tokio::select! {
                () = close.cancelled() => break,
                read = reader.read_buf(&mut received), if reads => {
                    idle_at = self.idle.map(|idle| clock::now() + idle);
                    let input = match read {
                        Ok(0) | Err(_) => Input::Closed,
                        Ok(_) => Input::Received(&received),
                    };
                    self.core.handle_input(clock::now(), input);
                    received.clear();
                }
                message = self.messages.recv() => {
                    if let Some(message) = message {
                        self.core.handle_input(clock::now(), Input::Send(message));
                    }
                }
                written = writer.write_buf(&mut self.unwritten), if self.unwritten.has_remaining() => {
                    let input = match written {
                        Ok(0) | Err(_) => Input::Closed,
                        Ok(octets) => Input::Written(octets),
                    };
                    self.core.handle_input(clock::now(), input);
                }
                () = sleep_until(timeout) => self.core.handle_timeout(clock::now()),
                () = sleep_until(idle_at) => {
                    self.users.prune(&self.channels);
                    if self.users.is_empty() {
                        tracing::debug!("closing: no channel uses it");
                        self.is_closing = true;
                    }
                    idle_at = self.idle.map(|idle| clock::now() + idle);
                }
            }
            self.drain(peer).await;
        }
        self.end().await;
    }

    async fn drain(&mut self, peer: SocketAddr) {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Request(request) => {
                    let (channel, request_id) = (request.channel.clone(), request.id);
                    let read_at = clock::now();
                    let Some(owner) = self.channels.owner(&channel, peer.ip()) else {
                        self.refuse(channel, request_id, StatusCode::RESOURCE_NOT_ALLOCATED);
                        continue;
                    };
                    let connection = self.handle.clone();
                    // Waiting here stops reading this socket: TCP is the back-pressure, requests are never dropped.
                    match owner.send(ToSession::Mrcp { request, connection, read_at }).await {
                        Ok(()) => {
                            self.users.insert(channel, owner, &self.channels);
                        }
                        Err(_) => self.refuse(channel, request_id, StatusCode::RESOURCE_NOT_ALLOCATED),
                    }
                }
                Output::Write(bytes) => self.unwritten.extend_from_slice(&bytes),
                Output::Close(reason) => {
                    tracing::debug!(reason = %reason, "closing");
                    self.is_closing = true;
                }
            }
        }
    }

    fn refuse(&mut self, channel: ChannelId, request_id: mrcp::RequestId, status: StatusCode) {
        self.users.remove(&channel);
        self.core.handle_input(clock::now(), Input::Refuse { channel, request_id, status });
    }

    /// Writes what is left, as far as the peer takes it at once, and tells the sessions.
    async fn end(mut self) {
        let last = self.stream.write_all(&self.unwritten);
        let _may_be_gone = tokio::time::timeout(std::time::Duration::from_millis(200), last).await;
        for owner in self.users.into_mailboxes() {
            // A session that has ended does not need to know.
            let _ended = owner.send(ToSession::ConnectionLost { connection: self.handle.clone() }).await;
        }
    }
}

/// How long a peer may be silent on the wire before it is asked whether it is there, and how often it is asked.
const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TRIES: u32 = 3;

/// Finds out about peers that are gone without a word: the connection ends like a closed one.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    let asked = socket2::TcpKeepalive::new()
        .with_time(KEEP_ALIVE_AFTER)
        .with_interval(KEEP_ALIVE_EVERY)
        .with_retries(KEEP_ALIVE_TRIES);
    socket2::SockRef::from(stream).set_tcp_keepalive(&asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn con_011_connections_have_keep_alive() {
        let (listener, port) = bind(IpAddr::from([127, 0, 0, 1]), 0).unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(("127.0.0.1", port)), listener.accept());
        let (stream, _peer) = accepted.unwrap();
        assert!(!socket2::SockRef::from(&stream).keepalive().unwrap());
        keep_alive(&stream).unwrap();
        assert!(socket2::SockRef::from(&stream).keepalive().unwrap());
        drop(client);
    }
}
