//! A leg with what it needs of the outside.

use std::net::SocketAddr;
use std::time::Instant;

use media::{Leg, LegEvent, PeerSource, StreamHeader};
use metrics::histogram;
use mio::net::UdpSocket;

use super::ports::Tenant;
use super::{Deliver, LegKey};

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
        let (counters, peer) = (*self.leg.counters(), *self.leg.peer_report());
        let received = counters.packets_received + counters.packets_lost;
        if received > 0 {
            #[expect(clippy::cast_precision_loss, reason = "a ratio for a histogram")]
            histogram!("media_lost_ratio").record(counters.packets_lost as f64 / received as f64);
            histogram!("media_jitter_seconds").record(f64::from(counters.jitter_ms) / 1000.0);
        }
        if let Some(ms) = peer.round_trip_ms {
            histogram!("media_round_trip_seconds").record(f64::from(ms) / 1000.0);
        }
        let delay_ms = peer.round_trip_ms.unwrap_or(0) / 2;
        if let Some(score) = counters.mean_opinion_score(delay_ms) {
            histogram!("media_mean_opinion_score").record(f64::from(score));
        }
        let dropped = counters.dropped.total();
        tracing::debug!(
            received = counters.packets_received,
            lost = counters.packets_lost,
            late = counters.packets_late,
            jitter_ms = counters.jitter_ms,
            sent = counters.packets_sent,
            lost_by_peer = peer.lost,
            round_trip_ms = peer.round_trip_ms,
            dropped,
            "leg closed"
        );
    }
}
