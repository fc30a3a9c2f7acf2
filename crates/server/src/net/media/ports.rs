//! RTP ports: one pair for each leg, or one for all legs of a worker.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use media::RtpPeer;

/// Which ports audio streams get (`rtp.ports`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PortMode {
    /// One pair of ports for each media worker; streams are told apart by where they come from.
    Shared,
    /// A pair of ports for each stream.
    Range,
    /// Shared where a peer is where it says, a pair of its own where it is not: behind NAT.
    Auto,
}

/// Receive and send buffer asked for on a shared port: hundreds of packets come within one tick. The system may give less.
const SHARED_BUFFER_OCTETS: usize = 8 << 20;

/// An even port for RTP and the odd one after it for RTCP (RFC 3550, section 11).
pub(super) struct PortPair {
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
    pub(super) port: u16,
}

/// Even ports with an odd one after each.
pub(super) struct PortRange {
    address: IpAddr,
    first: u16,
    pairs: u16,
    /// Of the pair to try next.
    next: AtomicU16,
}

impl PortRange {
    pub(super) fn new(address: IpAddr, port_min: u16, port_max: u16) -> Self {
        let first = port_min.saturating_add(port_min % 2);
        let pairs = (port_max.saturating_sub(first).saturating_add(1)) / 2;
        Self { address, first, pairs, next: AtomicU16::new(0) }
    }

    /// Binds the next free pair.
    ///
    /// # Errors
    /// When the whole range is in use, or the address is not ours.
    pub(super) fn bind(&self) -> io::Result<PortPair> {
        for _ in 0..self.pairs {
            let pair = self.next.fetch_add(1, Ordering::Relaxed).checked_rem(self.pairs).unwrap_or(0);
            let port = self.first.saturating_add(pair.saturating_mul(2));
            let bind = |port| {
                let bound = crate::net::bound(SocketAddr::new(self.address, port), socket2::Type::DGRAM)?;
                io::Result::Ok(UdpSocket::from(bound))
            };
            match bind(port).and_then(|rtp| Ok((rtp, bind(port.saturating_add(1))?))) {
                Ok((rtp, rtcp)) => return Ok(PortPair { rtp, rtcp, port }),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "every RTP port is in use"))
    }
}

/// Asks for room for what comes within a tick, beyond the system's limit where the process may.
pub(super) fn widen(socket: &UdpSocket) {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::socket::{setsockopt, sockopt};
        let received = setsockopt(socket, sockopt::RcvBufForce, &SHARED_BUFFER_OCTETS);
        if received.is_ok() && setsockopt(socket, sockopt::SndBufForce, &SHARED_BUFFER_OCTETS).is_ok() {
            return;
        }
    }
    let socket = socket2::SockRef::from(socket);
    let widened = socket
        .set_recv_buffer_size(SHARED_BUFFER_OCTETS)
        .and_then(|()| socket.set_send_buffer_size(SHARED_BUFFER_OCTETS))
        .and_then(|()| socket.recv_buffer_size());
    match widened {
        Ok(octets) if octets >= SHARED_BUFFER_OCTETS => {}
        Ok(octets) => tracing::warn!(
            octets,
            "the shared RTP port has a small receive buffer: raise net.core.rmem_max, or give the process CAP_NET_ADMIN"
        ),
        Err(error) => tracing::warn!(%error, "the shared RTP port keeps the system's buffers"),
    }
}

/// A port taken before a call is answered.
pub(crate) struct ReservedPort {
    /// The worker that will have the leg.
    pub(super) worker: usize,
    pub(super) port: u16,
    pub(super) sockets: ReservedSockets,
}

pub(super) enum ReservedSockets {
    Own(PortPair),
    Shared(Tenant),
}

impl ReservedPort {
    /// The local RTP port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// The shared port of one worker, as whoever reserves sees it.
pub(super) struct SharedAddress {
    pub(super) port: u16,
    tenants: Arc<Mutex<HashMap<SocketAddr, usize>>>,
}

impl SharedAddress {
    pub(super) fn new(port: u16) -> Self {
        Self { port, tenants: Arc::default() }
    }

    /// Takes the place of `remote` among those told apart by their address; `None` where another stream has it.
    fn take(&self, remote: SocketAddr, shares_address: bool) -> Option<Tenant> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let streams = tenants.entry(remote).or_insert(0);
        if *streams > 0 && !shares_address {
            return None;
        }
        *streams += 1;
        Some(Tenant { remote, tenants: Arc::clone(&self.tenants) })
    }
}

/// A stream's place on a shared port; given back when dropped.
pub(super) struct Tenant {
    remote: SocketAddr,
    tenants: Arc<Mutex<HashMap<SocketAddr, usize>>>,
}

impl Drop for Tenant {
    fn drop(&mut self) {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(streams) = tenants.get_mut(&self.remote) {
            *streams -= 1;
            if *streams == 0 {
                tenants.remove(&self.remote);
            }
        }
    }
}

/// Which port a stream gets.
pub(super) struct Ports {
    mode: PortMode,
    range: PortRange,
    /// One for each worker; empty where none is shared.
    shared: Vec<SharedAddress>,
    workers: usize,
    next_worker: AtomicUsize,
}

impl Ports {
    pub(super) fn new(mode: PortMode, range: PortRange, shared: Vec<SharedAddress>, workers: usize) -> Self {
        Self { mode, range, shared, workers, next_worker: AtomicUsize::new(0) }
    }

    /// Takes a port for a stream whose peer says that it is at `remote` and signals from `client`.
    pub(super) fn reserve(&self, remote: RtpPeer, client: IpAddr) -> io::Result<ReservedPort> {
        let first = self.next_worker.fetch_add(1, Ordering::Relaxed);
        let worker_at = |step: usize| first.wrapping_add(step).checked_rem(self.workers).unwrap_or(0);
        let is_shared = match self.mode {
            PortMode::Shared => true,
            PortMode::Range => false,
            PortMode::Auto => remote.rtp.ip() == client,
        };
        if is_shared {
            // Two streams from one address could be mixed up until their SSRCs are known: each goes to another worker.
            for step in 0..self.workers {
                let worker = worker_at(step);
                let Some(shared) = self.shared.get(worker) else { break };
                if let Some(tenant) = shared.take(remote.rtp, false) {
                    return Ok(ReservedPort { worker, port: shared.port, sockets: ReservedSockets::Shared(tenant) });
                }
            }
            if self.mode == PortMode::Shared
                && let Some(shared) = self.shared.get(worker_at(0))
                && let Some(tenant) = shared.take(remote.rtp, true)
            {
                let sockets = ReservedSockets::Shared(tenant);
                return Ok(ReservedPort { worker: worker_at(0), port: shared.port, sockets });
            }
        }
        let pair = self.range.bind()?;
        Ok(ReservedPort { worker: worker_at(0), port: pair.port, sockets: ReservedSockets::Own(pair) })
    }

    /// Binds a pair for a shared port.
    pub(super) fn bind(range: &PortRange) -> io::Result<PortPair> {
        let pair = range.bind()?;
        widen(&pair.rtp);
        widen(&pair.rtcp);
        Ok(pair)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn peer(address: &str) -> RtpPeer {
        let rtp: SocketAddr = address.parse().unwrap();
        RtpPeer { rtp, rtcp: SocketAddr::new(rtp.ip(), rtp.port() + 1) }
    }

    fn ports(mode: PortMode, workers: usize) -> Ports {
        let shared = (0..workers).map(|worker| SharedAddress::new(4_000 + 2 * u16::try_from(worker).unwrap()));
        Ports::new(mode, PortRange::new(LOCAL, 47_001, 47_998), shared.collect(), workers)
    }

    fn is_shared(reserved: &ReservedPort) -> bool {
        matches!(reserved.sockets, ReservedSockets::Shared(_))
    }

    #[test]
    fn a_peer_that_is_where_it_says_shares_a_port_and_one_behind_nat_has_its_own() {
        let ports = ports(PortMode::Auto, 1);
        let here = ports.reserve(peer("192.0.2.1:5000"), "192.0.2.1".parse().unwrap()).unwrap();
        let behind = ports.reserve(peer("10.0.0.1:5000"), "192.0.2.1".parse().unwrap()).unwrap();
        assert_eq!((is_shared(&here), here.port()), (true, 4_000));
        assert_eq!((is_shared(&behind), behind.port() % 2), (false, 0));
    }

    #[test]
    fn streams_from_one_address_are_on_different_ports_as_long_as_both_last() {
        let ports = ports(PortMode::Auto, 2);
        let client = "192.0.2.1".parse().unwrap();
        let reserve = || ports.reserve(peer("192.0.2.1:5000"), client).unwrap();
        let (one, two, three) = (reserve(), reserve(), reserve());
        assert_eq!([&one, &two, &three].map(is_shared), [true, true, false]);
        assert_ne!(one.port(), two.port());
        let port = one.port();
        drop(one);
        assert_eq!(reserve().port(), port);
    }

    #[test]
    fn shared_ports_only_are_shared_always() {
        let ports = ports(PortMode::Shared, 1);
        let reserve = |address| ports.reserve(peer(address), "192.0.2.1".parse().unwrap()).unwrap();
        let reserved = [reserve("10.0.0.1:5000"), reserve("10.0.0.1:5000")];
        assert_eq!(reserved.each_ref().map(is_shared), [true, true]);
        assert!(matches!(ports.range.bind(), Ok(pair) if pair.port >= 47_002), "the range begins at an even port");
    }

    #[test]
    fn a_range_gives_each_stream_its_own_until_all_are_taken() {
        let range = PortRange::new(LOCAL, 48_000, 48_003);
        let ports = Ports::new(PortMode::Range, range, Vec::new(), 1);
        let reserve = || ports.reserve(peer("127.0.0.1:5000"), LOCAL);
        let (one, two) = (reserve().unwrap(), reserve().unwrap());
        assert_eq!(one.port().abs_diff(two.port()), 2);
        assert_eq!(reserve().err().unwrap().kind(), io::ErrorKind::AddrInUse);
        let port = two.port();
        drop(two);
        assert_eq!(reserve().unwrap().port(), port);
    }
}
