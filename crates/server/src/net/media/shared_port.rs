//! A port that all legs of a worker share: whose packet is it?

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use media::{Claim, PeerSource, StreamHeader};
use mio::net::UdpSocket;

use super::ports::PortPair;
use super::slot::Slot;

/// Packets from unknown addresses that are looked into within one tick. What floods a port costs no more than that; a peer
/// that moves is found at a later tick.
const STRANGERS_PER_TICK: u32 = 16;

/// The sockets, and the legs by where their packets come from.
pub(super) struct SharedPort {
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
    by_rtp: HashMap<SocketAddr, Vec<usize>>,
    by_rtcp: HashMap<SocketAddr, Vec<usize>>,
    /// Hosts that signal or are described: others are strangers without looking.
    hosts: HashMap<IpAddr, usize>,
    /// The addresses under which each leg is found.
    known: HashMap<usize, Known>,
    strangers: u32,
}

#[derive(Clone, PartialEq, Eq)]
struct Known {
    rtp: Vec<SocketAddr>,
    rtcp: Vec<SocketAddr>,
    hosts: Vec<IpAddr>,
}

impl Known {
    fn of(source: &PeerSource) -> Self {
        let with = |described, found| if described == found { vec![described] } else { vec![described, found] };
        let described = source.described();
        let mut hosts = vec![described.rtp.ip(), source.signalling(), source.rtp().ip()];
        hosts.sort_unstable();
        hosts.dedup();
        Self { rtp: with(described.rtp, source.rtp()), rtcp: with(described.rtcp, source.rtcp()), hosts }
    }
}

impl SharedPort {
    pub(super) fn new(pair: PortPair) -> Self {
        Self {
            rtp: UdpSocket::from_std(pair.rtp),
            rtcp: UdpSocket::from_std(pair.rtcp),
            by_rtp: HashMap::new(),
            by_rtcp: HashMap::new(),
            hosts: HashMap::new(),
            known: HashMap::new(),
            strangers: 0,
        }
    }

    /// A tick begins.
    pub(super) fn tick(&mut self) {
        self.strangers = 0;
    }

    /// The leg at `index` is there, or its peer was found elsewhere.
    pub(super) fn enter(&mut self, index: usize, source: &PeerSource) {
        let known = Known::of(source);
        if self.known.get(&index) == Some(&known) {
            return;
        }
        self.leave(index);
        for (table, addresses) in [(&mut self.by_rtp, &known.rtp), (&mut self.by_rtcp, &known.rtcp)] {
            for address in addresses {
                table.entry(*address).or_default().push(index);
            }
        }
        for host in &known.hosts {
            *self.hosts.entry(*host).or_insert(0) += 1;
        }
        self.known.insert(index, known);
    }

    /// The leg at `index` is gone.
    pub(super) fn leave(&mut self, index: usize) {
        let Some(known) = self.known.remove(&index) else { return };
        for (table, addresses) in [(&mut self.by_rtp, &known.rtp), (&mut self.by_rtcp, &known.rtcp)] {
            for address in addresses {
                if let Some(legs) = table.get_mut(address) {
                    legs.retain(|leg| *leg != index);
                    if legs.is_empty() {
                        table.remove(address);
                    }
                }
            }
        }
        for host in &known.hosts {
            if let Some(legs) = self.hosts.get_mut(host) {
                *legs -= 1;
                if *legs == 0 {
                    self.hosts.remove(host);
                }
            }
        }
    }

    /// The leg that a datagram of the RTP port is for.
    pub(super) fn whose(
        &mut self,
        now: Instant,
        source: SocketAddr,
        datagram: &[u8],
        slots: &[Option<Slot>],
    ) -> Option<usize> {
        match self.by_rtp.get(&source).map(Vec::as_slice) {
            Some([only]) => return Some(*only),
            Some(several) => {
                let header = StreamHeader::read(datagram)?;
                return by_stream(several, &header, slots);
            }
            None => {}
        }
        if !self.hosts.contains_key(&source.ip()) || !self.may_look() {
            return None;
        }
        let header = StreamHeader::read(datagram)?;
        // The one whose stream it goes on with; else the only one that waits for somebody on that host.
        let mut candidate = None;
        for (index, slot) in slots.iter().enumerate() {
            let Some(slot) = slot.as_ref().filter(|_| self.known.contains_key(&index)) else { continue };
            match slot.source.claim(now, source, &header) {
                Claim::Stream => return Some(index),
                Claim::Host if candidate.replace(index).is_some() => return None,
                Claim::Host | Claim::Known | Claim::Described | Claim::Stranger | Claim::None => {}
            }
        }
        candidate
    }

    /// The leg that a datagram of the RTCP port is for.
    pub(super) fn whose_rtcp(&mut self, source: SocketAddr, datagram: &[u8], slots: &[Option<Slot>]) -> Option<usize> {
        let ssrc = report_source(datagram)?;
        let hears = |index: &usize| matches!(slots.get(*index), Some(Some(slot)) if slot.source.ssrc() == Some(ssrc));
        match self.by_rtcp.get(&source).map(Vec::as_slice) {
            Some([only]) => return Some(*only),
            Some(several) => return several.iter().copied().find(hears),
            None => {}
        }
        let is_near = self.hosts.contains_key(&source.ip()) && self.may_look();
        self.known.keys().copied().filter(|_| is_near).find(hears)
    }

    fn may_look(&mut self) -> bool {
        self.strangers += 1;
        self.strangers <= STRANGERS_PER_TICK
    }
}

/// Of several legs at one address: the one that hears the stream, else the one that has waited longest for one.
fn by_stream(several: &[usize], header: &StreamHeader, slots: &[Option<Slot>]) -> Option<usize> {
    let ssrc = |index: &usize| slots.get(*index).and_then(Option::as_ref).map(|slot| slot.source.ssrc());
    let hears = several.iter().copied().find(|index| ssrc(index) == Some(Some(header.ssrc)));
    hears.or_else(|| several.iter().copied().find(|index| ssrc(index) == Some(None)))
}

/// The synchronization source that an RTCP packet is from (RFC 3550, section 6.4).
fn report_source(datagram: &[u8]) -> Option<u32> {
    let [first, _, _, _, a, b, c, d, ..] = *datagram else { return None };
    (first >> 6 == 2).then(|| u32::from_be_bytes([a, b, c, d]))
}
