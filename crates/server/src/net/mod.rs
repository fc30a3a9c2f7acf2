//! Sockets: one file per protocol, no decisions.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6, UdpSocket};

use socket2::{Domain, Socket, Type};

mod leg_figures;
pub(crate) mod media;
pub(crate) mod mrcp;
pub(crate) mod sip;
mod users;

/// An address as it is compared and shown: IPv4 as IPv4, also when it came over a socket of both families.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => address,
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::new(v4.into(), v6.port()),
            // The flow is the sender's business; its scope is needed to answer.
            None => SocketAddrV6::new(*v6.ip(), v6.port(), 0, v6.scope_id()).into(),
        },
    }
}

/// The address as a socket of the family `is_ipv6` wants it.
pub(crate) fn for_socket(address: SocketAddr, is_ipv6: bool) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if is_ipv6 => SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0).into(),
        SocketAddr::V4(_) | SocketAddr::V6(_) => address,
    }
}

/// A socket bound to `address`. The unspecified IPv6 address takes both families, whatever the system's default.
pub(crate) fn bound(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    if kind == Type::STREAM {
        // Connections of an earlier run that linger must not keep the port.
        socket.set_reuse_address(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// A listener bound to `address`.
pub(crate) fn listen(address: SocketAddr) -> io::Result<tokio::net::TcpListener> {
    let socket = bound(address, Type::STREAM)?;
    socket.listen(CONNECTIONS_WAITING_MAX)?;
    tokio::net::TcpListener::from_std(socket.into())
}

/// Connections that the system holds before they are accepted.
const CONNECTIONS_WAITING_MAX: i32 = 1_024;

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
