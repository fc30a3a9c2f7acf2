//! What each peer holds: limits by address, so that one cannot take everything.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holding {
    /// A session, from INVITE to its end.
    Session,
    /// A control connection.
    Connection,
}

/// The most that one address may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeerLimits {
    pub(crate) sessions_max: usize,
    pub(crate) connections_max: usize,
}

#[derive(Debug, Default, Clone, Copy)]
struct Held {
    sessions: usize,
    connections: usize,
}

impl Held {
    fn of(&mut self, holding: Holding) -> &mut usize {
        match holding {
            Holding::Session => &mut self.sessions,
            Holding::Connection => &mut self.connections,
        }
    }
}

/// Counts by address. An address that holds nothing is not kept.
#[derive(Debug, Clone)]
pub(crate) struct Peers {
    limits: PeerLimits,
    held: Arc<Mutex<HashMap<IpAddr, Held>>>,
}

impl Peers {
    pub(crate) fn new(limits: PeerLimits) -> Self {
        Self { limits, held: Arc::default() }
    }

    /// Takes one; `None` when the peer has as many as it may.
    pub(crate) fn take(&self, peer: IpAddr, holding: Holding) -> Option<PeerPermit> {
        let most = match holding {
            Holding::Session => self.limits.sessions_max,
            Holding::Connection => self.limits.connections_max,
        };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(peer).or_default().of(holding);
        // A peer at its limit holds something, so no empty entry is left.
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(held);
        Some(PeerPermit { peers: self.clone(), peer, holding })
    }

    /// Whether the peer has a control connection.
    pub(crate) fn is_connected(&self, peer: IpAddr) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(&peer).is_some_and(|held| held.connections > 0)
    }
}

/// One of what a peer holds; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct PeerPermit {
    peers: Peers,
    peer: IpAddr,
    holding: Holding,
}

impl Drop for PeerPermit {
    fn drop(&mut self) {
        let mut all = self.peers.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = all.get_mut(&self.peer) else { return };
        let count = held.of(self.holding);
        *count = count.saturating_sub(1);
        if held.sessions == 0 && held.connections == 0 {
            all.remove(&self.peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_023_a_peer_has_no_more_than_its_share_and_others_are_not_touched() {
        let peers = Peers::new(PeerLimits { sessions_max: 2, connections_max: 1 });
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let held: Vec<_> = (0..3).map(|_| peers.take(one, Holding::Session)).collect();
        assert_eq!(held.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);
        let connection = peers.take(one, Holding::Connection);
        assert!(connection.is_some() && peers.take(one, Holding::Connection).is_none());
        assert!(peers.take(other, Holding::Session).is_some());
        assert!(peers.is_connected(one) && !peers.is_connected(other));
        drop((held, connection));
        assert!(peers.take(one, Holding::Session).is_some());
        assert!(peers.held.lock().expect("not poisoned").is_empty(), "nothing is kept of who holds nothing");
    }
}
