//! Sockets: one file per protocol, no decisions.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

mod leg_figures;
pub(crate) mod media;
pub(crate) mod mrcp;
pub(crate) mod sip;
mod users;

/// Our address as `remote` reaches us: what the routing table says.
pub(crate) fn local_address_towards(remote: SocketAddr) -> IpAddr {
    let unspecified: IpAddr =
        if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { std::net::Ipv6Addr::UNSPECIFIED.into() };
    // Connecting a datagram socket sends nothing; it makes the kernel choose the source address.
    let chosen = UdpSocket::bind((unspecified, 0)).and_then(|socket| {
        socket.connect(remote)?;
        socket.local_addr()
    });
    chosen.map_or(Ipv4Addr::LOCALHOST.into(), |address| address.ip())
}
