//! One TCP connection for MRCP, which the channels of several sessions may share.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use mrcp::{ChannelId, FrameError, Framer, Limits, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};

use crate::clock::now;
use crate::error::ClientError;
use crate::ladder::{Ladder, Layer, Way};

/// Messages that may wait to be written; each session has one request at a time.
const WRITES_MAX: usize = 1024;

/// Messages that may wait for a session. Beyond it the connection is not read.
const MESSAGES_MAX: usize = 256;

/// A message for one channel.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) at: Instant,
    pub(crate) message: Message,
}

type Routes = Arc<Mutex<HashMap<ChannelId, mpsc::Sender<Received>>>>;

/// A connection, until its last clone is dropped.
#[derive(Debug, Clone)]
pub(crate) struct MrcpConnection {
    remote: SocketAddr,
    writes: mpsc::Sender<Bytes>,
    routes: Routes,
    /// Ends the reader when the last clone is dropped.
    _reader: Arc<oneshot::Sender<()>>,
}

impl MrcpConnection {
    pub(crate) async fn open(remote: SocketAddr, ladder: Ladder) -> Result<Self, ClientError> {
        let failed = |source| ClientError::Connect { address: remote, source };
        let socket = if remote.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(failed)?;
        let stream: TcpStream = socket.connect(remote).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let (reader, writer) = stream.into_split();
        let routes = Routes::default();
        let (writes, to_write) = mpsc::channel(WRITES_MAX);
        let (close, closed) = oneshot::channel();
        tokio::spawn(write(writer, to_write, ladder.clone()));
        tokio::spawn(read(reader, routes.clone(), closed, ladder));
        Ok(Self { remote, writes, routes, _reader: Arc::new(close) })
    }

    pub(crate) fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Whether the connection is up, as far as we know.
    pub(crate) fn is_open(&self) -> bool {
        !self.writes.is_closed()
    }

    /// Messages of `channel` come from the receiver from now on. It ends when the connection does.
    pub(crate) fn register(&self, channel: ChannelId) -> mpsc::Receiver<Received> {
        let (sender, receiver) = mpsc::channel(MESSAGES_MAX);
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).insert(channel, sender);
        receiver
    }

    pub(crate) fn forget(&self, channel: &ChannelId) {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).remove(channel);
    }

    pub(crate) async fn send(&self, message: &Message) -> Result<(), ClientError> {
        self.writes.send(message.encode()).await.map_err(|_closed| ClientError::ConnectionLost)
    }
}

async fn write(mut writer: OwnedWriteHalf, mut to_write: mpsc::Receiver<Bytes>, ladder: Ladder) {
    while let Some(bytes) = to_write.recv().await {
        ladder.record(now(), Layer::Mrcp, Way::Sent, &bytes);
        if writer.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

async fn read(mut reader: OwnedReadHalf, routes: Routes, mut closed: oneshot::Receiver<()>, ladder: Ladder) {
    let mut framer = Framer::new(Limits::default());
    let mut buffer = BytesMut::with_capacity(65_536);
    loop {
        buffer.clear();
        let length = tokio::select! {
            _ = &mut closed => break,
            length = reader.read_buf(&mut buffer) => length,
        };
        if !matches!(length, Ok(1..)) {
            break;
        }
        let at = now();
        framer.push(&buffer);
        let mut is_lost = false;
        while let Some(next) = framer.next_message() {
            match next {
                Ok(message) => {
                    ladder.record(at, Layer::Mrcp, Way::Received, &message.encode());
                    let route = {
                        let routes = routes.lock().unwrap_or_else(PoisonError::into_inner);
                        routes.get(message.channel()).cloned()
                    };
                    if let Some(route) = route {
                        // A session that is gone wants nothing.
                        _ = route.send(Received { at, message }).await;
                    }
                }
                Err(FrameError::Rejected(rejection)) => {
                    ladder.note(at, Layer::Mrcp, &format!("a message that cannot be used: {}", rejection.reason));
                }
                Err(FrameError::Fatal(error)) => {
                    ladder.note(at, Layer::Mrcp, &format!("not MRCP any more: {error}"));
                    is_lost = true;
                    break;
                }
            }
        }
        if is_lost {
            break;
        }
    }
    // The sessions learn of it by the end of their receivers.
    routes.lock().unwrap_or_else(PoisonError::into_inner).clear();
}
