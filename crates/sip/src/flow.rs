//! Where messages come from and go to, and the keys by which the endpoint and the owners of dialogs know each other.

use std::net::SocketAddr;

/// A TCP connection, numbered by whoever opened or accepted it. Numbers are not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What carries a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A TCP connection.
    Stream(ConnectionId),
}

/// A path to a peer: the pair of addresses, and the connection if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flow {
    /// What carries the messages.
    pub transport: Transport,
    /// Our address: the socket to send from.
    pub local: SocketAddr,
    /// The peer's address: where to send to.
    pub remote: SocketAddr,
}

impl Flow {
    /// Whether the transport delivers in order and without loss, so that nothing is retransmitted on it (RFC 3261, 17).
    pub fn is_reliable(&self) -> bool {
        match self.transport {
            Transport::Udp => false,
            Transport::Stream(_) => true,
        }
    }

    /// The connection, if the transport is a stream.
    pub fn connection(&self) -> Option<ConnectionId> {
        match self.transport {
            Transport::Udp => None,
            Transport::Stream(connection) => Some(connection),
        }
    }
}

/// A dialog, or whoever else sends requests outside one, numbered by the [`Endpoint`](crate::Endpoint). The shell maps it
/// to the task that owns the dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialogKey(pub u64);

/// A server transaction, numbered by the [`Endpoint`](crate::Endpoint).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerKey(pub u64);

/// A client transaction, numbered by the owner of the dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientKey {
    /// Who gets the responses.
    pub dialog: DialogKey,
    /// The owner's own number for the request; not used twice while the owner lives.
    pub number: u32,
}
