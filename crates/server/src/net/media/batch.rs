//! Many datagrams with one system call, in memory that is had once.

use std::io;

/// Largest datagram read: 60 ms of L16 at 16 kHz, with room.
pub(super) const DATAGRAM_BYTES_MAX: usize = 4_096;
/// Datagrams of one call.
pub(super) const BATCH: usize = 64;

/// What became of datagrams that were to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SendOutcome {
    pub(super) sent: u64,
    pub(super) unsent: u64,
}

#[cfg(target_os = "linux")]
mod system {
    use std::io::{self, IoSlice, IoSliceMut};
    use std::net::SocketAddr;
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};

    use super::{BATCH, DATAGRAM_BYTES_MAX, SendOutcome};
    use crate::net::{canonical, for_socket};

    /// Datagrams read and not yet looked at.
    pub(in super::super) struct ReceiveBatch {
        /// For one family of addresses only: the length of an address that was read stays in here.
        headers: MultiHeaders<SockaddrStorage>,
        buffers: Vec<[u8; DATAGRAM_BYTES_MAX]>,
        received: Vec<(usize, SocketAddr)>,
    }

    impl ReceiveBatch {
        pub(in super::super) fn new() -> Self {
            Self {
                headers: MultiHeaders::preallocate(BATCH, None),
                buffers: vec![[0; DATAGRAM_BYTES_MAX]; BATCH],
                received: Vec::with_capacity(BATCH),
            }
        }

        /// Reads what waits on `socket`, at most `limit`, which is at most [`BATCH`]. Fewer are all that there were.
        pub(in super::super) fn receive(&mut self, socket: &impl AsRawFd, limit: usize) -> io::Result<usize> {
            self.received.clear();
            let mut buffers = self.buffers.iter_mut();
            let mut slices: [[IoSliceMut<'_>; 1]; BATCH] = std::array::from_fn(|_| {
                [IoSliceMut::new(buffers.next().map_or(&mut [], |buffer| buffer.as_mut_slice()))]
            });
            let flags = MsgFlags::MSG_DONTWAIT;
            for message in recvmmsg(socket.as_raw_fd(), &mut self.headers, slices.iter_mut().take(limit), flags, None)?
            {
                let source = message.address.as_ref().and_then(address);
                // Without an address it is of no use, but keeps its place in the buffers.
                let source = source.unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)));
                self.received.push((message.bytes, source));
            }
            Ok(self.received.len())
        }

        /// What was read, with where it came from.
        pub(in super::super) fn datagrams(&self) -> impl Iterator<Item = (&[u8], SocketAddr)> {
            let read = self.buffers.iter().zip(&self.received);
            read.map(|(buffer, (length, source))| (buffer.get(..*length).unwrap_or_default(), *source))
        }
    }

    fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
        let v4 = storage.as_sockaddr_in().map(|v4| SocketAddr::from((v4.ip(), v4.port())));
        v4.or_else(|| storage.as_sockaddr_in6().map(|v6| canonical(std::net::SocketAddrV6::from(*v6).into())))
    }

    /// Datagrams collected for one socket.
    pub(in super::super) struct SendBatch {
        headers: MultiHeaders<SockaddrStorage>,
        buffers: Vec<[u8; DATAGRAM_BYTES_MAX]>,
        lengths: Vec<usize>,
        addresses: Vec<Option<SockaddrStorage>>,
        is_ipv6: bool,
    }

    impl SendBatch {
        /// For a socket of this family.
        pub(in super::super) fn new(is_ipv6: bool) -> Self {
            Self {
                headers: MultiHeaders::preallocate(BATCH, None),
                buffers: vec![[0; DATAGRAM_BYTES_MAX]; BATCH],
                lengths: Vec::with_capacity(BATCH),
                addresses: Vec::with_capacity(BATCH),
                is_ipv6,
            }
        }

        pub(in super::super) fn is_full(&self) -> bool {
            self.lengths.len() == BATCH
        }

        /// Adds a datagram. Nothing happens when it is too long or the batch is full; see [`Self::is_full`].
        pub(in super::super) fn push(&mut self, datagram: &[u8], to: SocketAddr) {
            let Some(room) = self.buffers.get_mut(self.lengths.len()) else { return };
            let Some(room) = room.get_mut(..datagram.len()) else { return };
            room.copy_from_slice(datagram);
            self.lengths.push(datagram.len());
            self.addresses.push(Some(for_socket(to, self.is_ipv6).into()));
        }

        /// Sends what was collected. A datagram that cannot be sent is counted and passed over.
        pub(in super::super) fn flush(&mut self, socket: &impl AsRawFd) -> SendOutcome {
            let mut outcome = SendOutcome::default();
            let mut done = 0;
            while let Some(lengths) = self.lengths.get(done..).filter(|left| !left.is_empty()) {
                let mut left = self.buffers.iter().skip(done).zip(lengths);
                let slices: [[IoSlice<'_>; 1]; BATCH] = std::array::from_fn(|_| {
                    [IoSlice::new(left.next().and_then(|(buffer, length)| buffer.get(..*length)).unwrap_or_default())]
                });
                let addresses = self.addresses.get(done..).unwrap_or_default();
                let flags = MsgFlags::MSG_DONTWAIT;
                match sendmmsg(socket.as_raw_fd(), &mut self.headers, slices.iter(), addresses, [], flags) {
                    Ok(results) => {
                        let sent = results.count().max(1);
                        outcome.sent += sent as u64;
                        done += sent;
                    }
                    // The first one failed: nobody there, no route, or no room in the buffer.
                    Err(_) => {
                        outcome.unsent += 1;
                        done += 1;
                    }
                }
            }
            self.lengths.clear();
            self.addresses.clear();
            outcome
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::net::SocketAddr;

    use mio::net::UdpSocket;

    use super::{BATCH, DATAGRAM_BYTES_MAX, SendOutcome};
    use crate::net::{canonical, for_socket};

    /// Datagrams read and not yet looked at.
    pub(in super::super) struct ReceiveBatch {
        buffers: Vec<[u8; DATAGRAM_BYTES_MAX]>,
        received: Vec<(usize, SocketAddr)>,
    }

    impl ReceiveBatch {
        pub(in super::super) fn new() -> Self {
            Self { buffers: vec![[0; DATAGRAM_BYTES_MAX]; BATCH], received: Vec::with_capacity(BATCH) }
        }

        /// Reads what waits on `socket`, one by one where the system has no better way.
        pub(in super::super) fn receive(&mut self, socket: &UdpSocket, limit: usize) -> io::Result<usize> {
            self.received.clear();
            for buffer in self.buffers.iter_mut().take(limit) {
                match socket.recv_from(buffer) {
                    Ok((length, source)) => self.received.push((length, canonical(source))),
                    Err(error) if self.received.is_empty() => return Err(error),
                    Err(_) => break,
                }
            }
            Ok(self.received.len())
        }

        /// What was read, with where it came from.
        pub(in super::super) fn datagrams(&self) -> impl Iterator<Item = (&[u8], SocketAddr)> {
            let read = self.buffers.iter().zip(&self.received);
            read.map(|(buffer, (length, source))| (buffer.get(..*length).unwrap_or_default(), *source))
        }
    }

    /// Datagrams collected for one socket.
    pub(in super::super) struct SendBatch {
        datagrams: Vec<(Vec<u8>, SocketAddr)>,
        is_ipv6: bool,
    }

    impl SendBatch {
        pub(in super::super) fn new(is_ipv6: bool) -> Self {
            Self { datagrams: Vec::with_capacity(BATCH), is_ipv6 }
        }

        pub(in super::super) fn is_full(&self) -> bool {
            self.datagrams.len() == BATCH
        }

        pub(in super::super) fn push(&mut self, datagram: &[u8], to: SocketAddr) {
            self.datagrams.push((datagram.to_vec(), for_socket(to, self.is_ipv6)));
        }

        pub(in super::super) fn flush(&mut self, socket: &UdpSocket) -> SendOutcome {
            let mut outcome = SendOutcome::default();
            for (datagram, to) in self.datagrams.drain(..) {
                match socket.send_to(&datagram, to) {
                    Ok(_) => outcome.sent += 1,
                    Err(_) => outcome.unsent += 1,
                }
            }
            outcome
        }
    }
}

pub(super) use system::{ReceiveBatch, SendBatch};

/// Whether the error means that there is nothing to do, or only that an earlier datagram found nobody.
pub(super) fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
    )
}

#[cfg(test)]
mod tests {
    use mio::net::UdpSocket;

    use std::net::SocketAddr;

    use super::*;
    use crate::net::{canonical, for_socket};

    fn socket(address: &str) -> UdpSocket {
        UdpSocket::bind(address.parse().unwrap()).unwrap()
    }

    /// Reads until `count` datagrams came: loopback delivers before `send` returns, so nothing is waited for.
    fn read(batch: &mut ReceiveBatch, socket: &UdpSocket, count: usize) -> Vec<(Vec<u8>, SocketAddr)> {
        let mut all = Vec::new();
        while all.len() < count {
            batch.receive(socket, BATCH).unwrap();
            all.extend(batch.datagrams().map(|(bytes, source)| (bytes.to_vec(), source)));
        }
        all
    }

    #[test]
    fn datagrams_of_several_batches_arrive_in_order_with_their_source() {
        let (sender, receiver) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
        let to = receiver.local_addr().unwrap();
        let mut batch = SendBatch::new(false);
        let mut sent = 0;
        for n in 0..150_u8 {
            batch.push(&vec![n; usize::from(n)], to);
            if batch.is_full() {
                sent += batch.flush(&sender).sent;
            }
        }
        sent += batch.flush(&sender).sent;
        assert_eq!(sent, 150);
        let received = read(&mut ReceiveBatch::new(), &receiver, 150);
        let source = sender.local_addr().unwrap();
        let expected: Vec<_> = (0..150_u8).map(|n| (vec![n; usize::from(n)], source)).collect();
        assert_eq!(received, expected);
        let empty = ReceiveBatch::new().receive(&receiver, BATCH).unwrap_err();
        assert!(is_passing(&empty), "{empty}");
    }

    #[test]
    fn one_that_cannot_be_sent_does_not_hold_up_the_others() {
        let (sender, receiver) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
        let to = receiver.local_addr().unwrap();
        let mut batch = SendBatch::new(false);
        batch.push(b"1", to);
        // An IPv6 destination cannot be reached from an IPv4 socket.
        batch.push(b"2", "[2001:db8::1]:4000".parse().unwrap());
        batch.push(b"3", to);
        assert_eq!(batch.flush(&sender), SendOutcome { sent: 2, unsent: 1 });
        let received = read(&mut ReceiveBatch::new(), &receiver, 2);
        assert_eq!(received.iter().map(|(bytes, _)| bytes.as_slice()).collect::<Vec<_>>(), [b"1", b"3"]);
    }

    #[test]
    fn addresses_of_both_families_are_one_on_a_socket_for_both() {
        let mapped: SocketAddr = "[::ffff:192.0.2.1]:4000".parse().unwrap();
        let plain: SocketAddr = "192.0.2.1:4000".parse().unwrap();
        assert_eq!((canonical(mapped), for_socket(plain, true), for_socket(plain, false)), (plain, mapped, plain));
        let v6: SocketAddr = "[2001:db8::1]:4000".parse().unwrap();
        assert_eq!((canonical(v6), for_socket(v6, true)), (v6, v6));
    }
}
