//! Reports about both streams of a leg (RFC 3550, section 6): sender and receiver reports, the name of the source, and
//! goodbye.

use std::time::{Duration, Instant};

use rtcp_types::{
    Bye, Compound, Packet, ReceiverReport, ReportBlock, RtcpPacketWriterExt, Sdes, SdesChunk, SdesItem, SenderReport,
};

use crate::reception::Reception;

/// Between two reports, on average (RFC 3550, section 6.2: at least 5 s; half of it before the first one).
const INTERVAL: Duration = Duration::from_secs(5);

/// The largest report that we write: a sender report with one block, a name, goodbye.
const REPORT_OCTETS_MAX: usize = 256;

/// Reports that one incoming packet may hold before the rest is passed over.
const PACKETS_MAX: usize = 16;

/// What the sending half has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SentSoFar {
    pub(crate) packets: u64,
    pub(crate) octets: u64,
}

/// What the peer and the clock say about the network; zero or `None` until a report has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeerReport {
    /// Reports of the peer, of either kind.
    pub reports: u64,
    /// Blocks in them about our stream.
    pub blocks: u64,
    /// Of our packets, the part that the peer missed between its last two reports, in 256ths.
    pub lost_fraction: u8,
    /// Of our packets, those the peer missed since the beginning.
    pub lost: u32,
    /// Interarrival jitter of our packets at the peer, in timestamp units.
    pub jitter: u32,
    /// From our report to the peer's answer to it, without the peer's own delay, in milliseconds.
    pub round_trip_ms: Option<u32>,
    /// The peer has said goodbye (RFC 3550, section 6.6).
    pub has_left: bool,
}

/// The reporting half of a leg.
#[derive(Debug)]
pub(crate) struct Rtcp {
    ssrc: u32,
    name: String,
    epoch: Instant,
    ntp_at_epoch: u64,
    due: Instant,
    random: u32,
    /// Packets that we had sent at our last report.
    packets_reported: u64,
    /// The middle of the peer's last NTP time, and when it came.
    last_sender_report: Option<(u32, Instant)>,
    peer: PeerReport,
    report: Vec<u8>,
    has_report: bool,
}

impl Rtcp {
    /// Reports of the source `ssrc` that begins at `now`, which is `ntp` in NTP time (seconds since 1900, 32 binary places).
    pub(crate) fn new(ssrc: u32, first_timestamp: u32, ntp: u64, now: Instant) -> Self {
        let mut rtcp = Self {
            ssrc,
            // Random, and new for each leg (RFC 7022, section 4.2).
            name: format!("{ssrc:08x}{first_timestamp:08x}@voxgate"),
            epoch: now,
            ntp_at_epoch: ntp,
            due: now,
            random: (ssrc ^ first_timestamp.rotate_left(16)) | 1,
            packets_reported: 0,
            last_sender_report: None,
            peer: PeerReport::default(),
            report: Vec::new(),
            has_report: false,
        };
        rtcp.due = now + rtcp.interval() / 2;
        rtcp
    }

    pub(crate) fn peer(&self) -> &PeerReport {
        &self.peer
    }

    /// Takes a datagram from the peer's RTCP port. Anything may be in it; what cannot be read is passed over.
    pub(crate) fn receive(&mut self, now: Instant, datagram: &[u8]) {
        let Ok(compound) = Compound::parse(datagram) else { return };
        for packet in compound.take(PACKETS_MAX) {
            match packet {
                Ok(Packet::Sr(report)) => {
                    self.peer.reports += 1;
                    self.last_sender_report = Some(((report.ntp_timestamp() >> 16) as u32, now));
                    for block in report.report_blocks() {
                        self.block(now, &block);
                    }
                }
                Ok(Packet::Rr(report)) => {
                    self.peer.reports += 1;
                    for block in report.report_blocks() {
                        self.block(now, &block);
                    }
                }
                Ok(Packet::Bye(_)) => self.peer.has_left = true,
                Ok(_) => {}
                // Its length is not to be trusted either.
                Err(_) => return,
            }
        }
    }

    fn block(&mut self, now: Instant, block: &ReportBlock<'_>) {
        if block.ssrc() != self.ssrc {
            return;
        }
        self.peer.blocks += 1;
        self.peer.lost_fraction = block.fraction_lost();
        self.peer.lost = block.cumulative_lost();
        self.peer.jitter = block.interarrival_jitter();
        let sent = block.last_sender_report_timestamp();
        if sent != 0 {
            // All three count in 1/65536 s (RFC 3550, figure 2). A peer that makes the difference negative is ignored.
            let trip =
                self.ntp_middle(now).wrapping_sub(sent).wrapping_sub(block.delay_since_last_sender_report_timestamp());
            if trip < u32::MAX / 2 {
                self.peer.round_trip_ms = u32::try_from(u64::from(trip) * 1000 / 65_536).ok();
            }
        }
    }

    /// Writes a report when one is due.
    pub(crate) fn tick(
        &mut self,
        now: Instant,
        rtp_timestamp: u32,
        sent: SentSoFar,
        reception: &mut Reception,
        jitter: u32,
    ) {
        if now < self.due {
            return;
        }
        self.due = now + self.interval();
        self.write(now, rtp_timestamp, sent, reception, jitter, false);
    }

    /// Writes the last report, with goodbye.
    pub(crate) fn bye(
        &mut self,
        now: Instant,
        rtp_timestamp: u32,
        sent: SentSoFar,
        reception: &mut Reception,
        jitter: u32,
    ) {
        // Whoever has sent nothing and heard nothing need not say goodbye (RFC 3550, section 6.3.7).
        if sent.packets > 0 || reception.ssrc().is_some() {
            self.write(now, rtp_timestamp, sent, reception, jitter, true);
        }
    }

    /// The report that waits to be sent.
    pub(crate) fn poll(&mut self) -> Option<&[u8]> {
        std::mem::take(&mut self.has_report).then_some(self.report.as_slice())
    }

    fn write(
        &mut self,
        now: Instant,
        rtp_timestamp: u32,
        sent: SentSoFar,
        reception: &mut Reception,
        jitter: u32,
        is_last: bool,
    ) {
        let block = reception.ssrc().map(|ssrc| {
            let statistics = reception.report();
            let (last, delay) = match self.last_sender_report {
                Some((middle, at)) => {
                    let delay = now.saturating_duration_since(at).as_micros().saturating_mul(65_536) / 1_000_000;
                    (middle, u32::try_from(delay).unwrap_or(u32::MAX))
                }
                None => (0, 0),
            };
            ReportBlock::builder(ssrc)
                .fraction_lost(statistics.fraction_lost)
                .cumulative_lost(statistics.lost)
                .extended_sequence_number(statistics.highest)
                .interarrival_jitter(jitter)
                .last_sender_report_timestamp(last)
                .delay_since_last_sender_report_timestamp(delay)
        });
        let name = SdesChunk::builder(self.ssrc).add_item(SdesItem::builder(SdesItem::CNAME, &self.name));
        let mut compound = Compound::builder();
        // Whoever sent since its last report is a sender (RFC 3550, section 6.4).
        if sent.packets > self.packets_reported {
            let mut report = SenderReport::builder(self.ssrc)
                .ntp_timestamp(self.ntp(now))
                .rtp_timestamp(rtp_timestamp)
                // Both counts are modulo 2^32.
                .packet_count(sent.packets as u32)
                .octet_count(sent.octets as u32);
            if let Some(block) = block {
                report = report.add_report_block(block);
            }
            compound = compound.add_packet(report);
        } else {
            let mut report = ReceiverReport::builder(self.ssrc);
            if let Some(block) = block {
                report = report.add_report_block(block);
            }
            compound = compound.add_packet(report);
        }
        compound = compound.add_packet(Sdes::builder().add_chunk(name));
        if is_last {
            compound = compound.add_packet(Bye::builder().add_source(self.ssrc));
        }
        self.packets_reported = sent.packets;
        self.report.clear();
        self.report.resize(REPORT_OCTETS_MAX, 0);
        if let Ok(length) = compound.write_into(&mut self.report) {
            self.report.truncate(length);
            self.has_report = true;
        }
    }

    fn ntp(&self, now: Instant) -> u64 {
        let nanos = now.saturating_duration_since(self.epoch).as_nanos();
        let units = (nanos << 32) / 1_000_000_000;
        self.ntp_at_epoch.wrapping_add(u64::try_from(units).unwrap_or(u64::MAX))
    }

    fn ntp_middle(&self, now: Instant) -> u32 {
        (self.ntp(now) >> 16) as u32
    }

    /// 0.5 to 1.5 of the interval, so that legs born together do not report together (RFC 3550, section 6.3.1).
    fn interval(&mut self) -> Duration {
        // xorshift: the spread matters, not the quality.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        INTERVAL / 2 + INTERVAL * (self.random >> 16) / u32::from(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22 noon, as NTP seconds.
    const NTP: u64 = 4_004_337_600 << 32;

    struct Side {
        rtcp: Rtcp,
        reception: Reception,
        sent: SentSoFar,
    }

    impl Side {
        fn new(ssrc: u32, now: Instant) -> Self {
            Self { rtcp: Rtcp::new(ssrc, 1000, NTP, now), reception: Reception::default(), sent: SentSoFar::default() }
        }

        fn tick(&mut self, now: Instant) -> Option<Vec<u8>> {
            self.rtcp.tick(now, 1000, self.sent, &mut self.reception, 3);
            self.rtcp.poll().map(<[u8]>::to_vec)
        }
    }

    /// An instant so long after the beginning.
    fn times() -> impl Fn(u64) -> Instant {
        let start = testkit::epoch();
        move |ms| start + Duration::from_millis(ms)
    }

    #[test]
    fn rtp_004_a_sender_report_ties_ntp_time_to_the_timestamp() {
        let after = times();
        let mut side = Side::new(7, after(0));
        side.sent = SentSoFar { packets: 50, octets: 8000 };
        let (at, report) = (0..).step_by(10).find_map(|ms| Some((ms, side.tick(after(ms))?))).unwrap();
        assert!((1_250..=3_750).contains(&at), "half the interval, spread: {at}");
        let compound: Vec<_> = Compound::parse(&report).unwrap().map(Result::unwrap).collect();
        let [Packet::Sr(sender), Packet::Sdes(name)] = compound.as_slice() else { panic!("{compound:?}") };
        assert_eq!((sender.ssrc(), sender.packet_count(), sender.octet_count()), (7, 50, 8000));
        assert_eq!(sender.rtp_timestamp(), 1000);
        let told_us = ((sender.ntp_timestamp() - NTP) * 1_000_000) >> 32;
        assert!(told_us.abs_diff(at * 1000) <= 1, "the instant of the report: {told_us} µs, not {at} ms");
        assert_eq!(name.chunks().count(), 1);
        // Nothing more was sent: from now on it only receives.
        let next = (at + 10..).step_by(10).find_map(|ms| side.tick(after(ms))).unwrap();
        assert!(matches!(Compound::parse(&next).unwrap().next(), Some(Ok(Packet::Rr(_)))));
    }

    #[test]
    fn a_report_about_us_tells_loss_and_round_trip() {
        let after = times();
        let (mut near, mut far) = (Side::new(1, after(0)), Side::new(2, after(0)));
        near.sent.packets = 10;
        for sequence in [1, 2, 3, 5, 6, 7, 8, 9, 10] {
            far.reception.packet(1, sequence);
        }
        let (left, report) = (0..).step_by(10).find_map(|ms| Some((ms, near.tick(after(ms))?))).unwrap();
        far.rtcp.receive(after(left + 40), &report);
        let (answered, report) = (left + 50..).step_by(10).find_map(|ms| Some((ms, far.tick(after(ms))?))).unwrap();
        near.rtcp.receive(after(answered + 30), &report);
        let told = near.rtcp.peer();
        assert_eq!((told.lost, told.lost_fraction, told.jitter), (1, 25, 3));
        let trip = told.round_trip_ms.unwrap();
        assert!((69..=71).contains(&trip), "40 ms there and 30 back: {trip}");
    }

    #[test]
    fn goodbye_is_said_by_who_took_part_and_is_understood() {
        let after = times();
        let (mut near, mut far) = (Side::new(1, after(0)), Side::new(2, after(0)));
        near.rtcp.bye(after(10), 0, near.sent, &mut near.reception, 0);
        assert_eq!(near.rtcp.poll(), None, "nothing was sent or heard");
        near.sent.packets = 1;
        near.rtcp.bye(after(20), 0, near.sent, &mut near.reception, 0);
        let report = near.rtcp.poll().unwrap().to_vec();
        far.rtcp.receive(after(30), &report);
        assert!(far.rtcp.peer().has_left);
    }

    #[test]
    fn every_truncation_and_other_datagrams_are_passed_over() {
        let after = times();
        let mut side = Side::new(1, after(0));
        side.sent.packets = 1;
        side.reception.packet(9, 1);
        let report = (0..).step_by(10).find_map(|ms| side.tick(after(ms))).unwrap();
        for cut in testkit::every_truncation(&report) {
            Side::new(2, after(0)).rtcp.receive(after(1), cut);
        }
        side.rtcp.receive(after(1), &[0x80, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]);
        assert_eq!(side.rtcp.peer().reports, 0);
    }
}
