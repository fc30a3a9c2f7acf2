//! A leg with what it needs of the outside.

use std::net::SocketAddr;
use std::time::Instant;

use media::{Leg, LegEvent, PeerSource, StreamHeader};
use mio::net::UdpSocket;

use super::ports::Tenant;
use super::{Deliver, LegKey};
use crate::net::leg_figures;

/// What a leg's packets go through.
pub(super) enum Sockets {
    /// A pair of its own.
    Own { rtp: UdpSocket, rtcp: UdpSocket },
    /// The worker's.
    Shared { _tenant: Tenant },
}

/// What became of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// The leg has it.
    Yes,
    /// It is not of this leg's peer.
    Unwanted,
}

pub(super) struct Slot {
    pub(super) key: LegKey,
    pub(super) sockets: Sockets,
    pub(super) source: PeerSource,
    pub(super) leg: Leg,
    pub(super) deliver: Deliver,
    /// The span that its last line belongs to.
    pub(super) session: tracing::Span,
    /// An event that the session could not take yet.
    pub(super) waiting: Option<LegEvent>,
}

impl Slot {
    /// Takes a datagram of the RTP port.
    pub(super) fn receive(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> Taken {
        // What is no RTP proves nothing about its source; the leg counts it if it came from the right one.
        let admitted = match StreamHeader::read(datagram) {
            Some(header) => self.source.admits(now, source, &header, &self.leg.config().media),
            None => source == self.source.rtp(),
        };
        if !admitted {
            return Taken::Unwanted;
        }
        self.leg.receive(now, datagram);
        Taken::Yes
    }

    /// Takes a datagram of the RTCP port.
    pub(super) fn receive_rtcp(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> Taken {
        if !self.source.admits_rtcp(source) {
            return Taken::Unwanted;
        }
        self.leg.receive_rtcp(now, datagram);
        Taken::Yes
    }

    /// Gives the session what happened, as far as it takes it now.
    pub(super) fn report(&mut self) {
        while let Some(event) = self.waiting.take().or_else(|| self.leg.poll_event()) {
            if !(self.deliver)(&event) {
                self.waiting = Some(event);
                return;
            }
        }
    }

    /// The leg's last words: goodbye to the peer, which is then to be sent, and its figures to the metrics.
    pub(super) fn leave(&mut self, now: Instant) {
        self.leg.say_goodbye(now);
        leg_figures::publish(&self.leg, &self.session);
    }
}
