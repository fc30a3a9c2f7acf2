//! The open connections, and the messages that arrive on them.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::Instant;

use crate::message::framer::{Frame, FrameError, Framer};
use crate::{ConnectionId, Flow, MessageLimits, Timers, Transport};

/// All open connections.
#[derive(Debug, Default)]
pub(super) struct Connections {
    open: HashMap<ConnectionId, Connection>,
    deadlines: BTreeSet<(Instant, ConnectionId)>,
}

#[derive(Debug)]
struct Connection {
    flow: Flow,
    framer: Framer,
    /// When the message that is arriving must be complete.
    deadline: Option<Instant>,
}

impl Connections {
    pub(super) fn open(
        &mut self,
        connection: ConnectionId,
        local: SocketAddr,
        remote: SocketAddr,
        limits: MessageLimits,
    ) {
        self.close(connection);
        let flow = Flow { transport: Transport::Stream(connection), local, remote };
        self.open.insert(connection, Connection { flow, framer: Framer::new(limits), deadline: None });
    }

    /// Forgets the connection: bytes that still arrive on it are dropped.
    pub(super) fn close(&mut self, connection: ConnectionId) {
        if let Some(Connection { deadline: Some(at), .. }) = self.open.remove(&connection) {
            self.deadlines.remove(&(at, connection));
        }
    }

    pub(super) fn is_open(&self, connection: ConnectionId) -> bool {
        self.open.contains_key(&connection)
    }

    /// Takes bytes; the flow, if the connection is open.
    pub(super) fn push(&mut self, connection: ConnectionId, bytes: &[u8]) -> Option<Flow> {
        let connection = self.open.get_mut(&connection)?;
        connection.framer.push(bytes);
        Some(connection.flow)
    }

    /// The next frame of the connection; `None` when more bytes are needed. A message that has begun must end within
    /// 64×T1.
    pub(super) fn next_frame(
        &mut self,
        id: ConnectionId,
        timers: &Timers,
        now: Instant,
    ) -> Result<Option<Frame>, FrameError> {
        let Some(connection) = self.open.get_mut(&id) else { return Ok(None) };
        let frame = connection.framer.next_frame()?;
        let complete = frame.is_some() || !connection.framer.is_incomplete();
        match connection.deadline {
            Some(at) if complete => {
                self.deadlines.remove(&(at, id));
                connection.deadline = None;
            }
            None if !complete => {
                let at = now + timers.transaction_timeout();
                self.deadlines.insert((at, id));
                connection.deadline = Some(at);
            }
            Some(_) | None => {}
        }
        Ok(frame)
    }

    /// A connection whose message did not end in time.
    pub(super) fn fire(&self, now: Instant) -> Option<ConnectionId> {
        self.deadlines.first().filter(|(at, _)| *at <= now).map(|&(_, connection)| connection)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(at, _)| at)
    }
}
