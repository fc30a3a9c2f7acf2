//! Where a leg's packets come from and go to: symmetric RTP, guarded against hijack (RFC 4961, RFC 7362).

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::config::LegMedia;
use crate::packet;

/// Where a peer takes RTP and RTCP, as its description says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpPeer {
    /// Audio and keys.
    pub rtp: SocketAddr,
    /// Reports (RFC 3550, section 6).
    pub rtcp: SocketAddr,
}

/// Whether a leg follows its peer to where the packets really come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Latching {
    /// Never: packets are taken from the described host only and go to the described address.
    Off,
    /// To the first source of valid packets, for as long as the description stays.
    Once,
    /// As [`Self::Once`], and again when the source has fallen silent and another one proves to be the same peer.
    #[default]
    Handover,
}

/// The fields of an RTP header that tell streams apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamHeader {
    /// Payload type.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Synchronization source.
    pub ssrc: u32,
}

impl StreamHeader {
    /// Reads a datagram; `None` when it is not RTP (RFC 3550, section 5.1).
    pub fn read(datagram: &[u8]) -> Option<Self> {
        let (header, _) = packet::parse(datagram)?;
        Some(Self { payload_type: header.payload_type, sequence: header.sequence, ssrc: header.ssrc })
    }
}

/// What speaks for a source, from nothing to certainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// It may not take this leg, whatever it sends.
    None,
    /// Nothing but that the leg has heard nobody yet, and its peer is behind NAT.
    Stranger,
    /// It is on the host that the peer signals from, or described.
    Host,
    /// It goes on with the stream that the leg has heard: nobody can guess SSRC and sequence.
    Stream,
    /// It is the described address, which has not been heard yet.
    Described,
    /// The leg hears it already.
    Known,
}

/// How long a source must have been silent before another may follow it. A speaking peer is never replaced.
const HANDOVER_SILENCE: Duration = Duration::from_millis(500);

/// Packets in sequence that a source has to send, by what speaks for it. One may be a stray of an earlier call.
const PACKETS_OF_KNOWN_HOST: u32 = 2;
const PACKETS_OF_STRANGER: u32 = 4;

/// How far a sequence may have gone on unheard to count as the same.
const SEQUENCE_STEP_MAX: u16 = 3_000;

/// The source of one leg. Ask [`Self::admits`] of each RTP datagram, in order of arrival.
#[derive(Debug, Clone)]
pub struct PeerSource {
    latching: Latching,
    described: RtpPeer,
    /// The host that the peer signals from.
    signalling: IpAddr,
    state: State,
    trial: Option<Trial>,
    /// Where reports come from, once they came from the host that is heard.
    rtcp: Option<SocketAddr>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Nothing has been heard.
    Unheard,
    /// Packets come from here.
    Heard { from: SocketAddr, last: Instant, ssrc: u32, sequence: u16 },
}

/// A source that has not sent enough packets yet.
#[derive(Debug, Clone, Copy)]
struct Trial {
    from: SocketAddr,
    ssrc: u32,
    sequence: u16,
    packets: u32,
}

impl PeerSource {
    /// The source of a leg whose peer is described as `described` and signals from `signalling`.
    pub fn new(latching: Latching, described: RtpPeer, signalling: IpAddr) -> Self {
        Self { latching, described, signalling, state: State::Unheard, trial: None, rtcp: None }
    }

    /// The peer described itself again: what was found out of another description is forgotten.
    pub fn redescribe(&mut self, described: RtpPeer) {
        if described != self.described {
            self.described = described;
            self.state = State::Unheard;
            self.trial = None;
            self.rtcp = None;
        }
    }

    /// What speaks for `source`, by its packet with this header.
    pub fn claim(&self, now: Instant, source: SocketAddr, header: &StreamHeader) -> Claim {
        let is_host = source.ip() == self.described.rtp.ip() || source.ip() == self.signalling;
        match self.state {
            State::Heard { from, .. } if from == source => Claim::Known,
            _ if self.latching == Latching::Off => {
                if source.ip() == self.described.rtp.ip() {
                    Claim::Known
                } else {
                    Claim::None
                }
            }
            State::Unheard if source == self.described.rtp => Claim::Described,
            State::Unheard if is_host => Claim::Host,
            // A peer that is where it signals from is behind no NAT: nobody else is it.
            State::Unheard if self.described.rtp.ip() == self.signalling => Claim::None,
            State::Unheard => Claim::Stranger,
            State::Heard { last, ssrc, sequence, .. } => {
                let is_silent = now.saturating_duration_since(last) >= HANDOVER_SILENCE;
                if self.latching == Latching::Once || !is_silent {
                    Claim::None
                } else if ssrc == header.ssrc && goes_on(sequence, header.sequence) {
                    Claim::Stream
                } else if is_host {
                    Claim::Host
                } else {
                    Claim::None
                }
            }
        }
    }

    /// Whether the leg takes the packet with this header from `source`; so it learns where its peer is.
    pub fn admits(&mut self, now: Instant, source: SocketAddr, header: &StreamHeader, media: &LegMedia) -> bool {
        let claim = self.claim(now, source, header);
        let is_expected =
            header.payload_type == media.payload_type || Some(header.payload_type) == media.telephone_event;
        let wanted = match claim {
            Claim::Known | Claim::Described => {
                if is_expected {
                    self.hear(now, source, header);
                }
                return true;
            }
            Claim::None => return false,
            _ if !is_expected => return false,
            Claim::Host | Claim::Stream => PACKETS_OF_KNOWN_HOST,
            // Where we only speak the peer has no need to send, and a stranger would hear it all.
            Claim::Stranger if !media.receives => return false,
            Claim::Stranger => PACKETS_OF_STRANGER,
        };
        let packets = match self.trial {
            Some(trial)
                if trial.from == source && trial.ssrc == header.ssrc && goes_on(trial.sequence, header.sequence) =>
            {
                trial.packets + 1
            }
            _ => 1,
        };
        if packets >= wanted {
            self.hear(now, source, header);
            return true;
        }
        self.trial = Some(Trial { from: source, ssrc: header.ssrc, sequence: header.sequence, packets });
        false
    }

    /// Whether the leg takes reports from `source`; so it learns where its peer wants them.
    pub fn admits_rtcp(&mut self, source: SocketAddr) -> bool {
        match self.state {
            State::Heard { from, .. } if self.latching != Latching::Off => {
                if source.ip() == from.ip() {
                    self.rtcp = Some(source);
                    return true;
                }
                from == self.described.rtp && source.ip() == self.described.rtcp.ip()
            }
            State::Unheard | State::Heard { .. } => {
                source.ip() == self.described.rtcp.ip() || source.ip() == self.described.rtp.ip()
            }
        }
    }

    /// Where RTP goes.
    pub fn rtp(&self) -> SocketAddr {
        match self.state {
            State::Heard { from, .. } if self.latching != Latching::Off => from,
            State::Unheard | State::Heard { .. } => self.described.rtp,
        }
    }

    /// Where RTCP goes.
    pub fn rtcp(&self) -> SocketAddr {
        match self.state {
            State::Heard { from, .. } if self.latching != Latching::Off && from != self.described.rtp => {
                // Of a peer behind NAT only what it sends from is known; the neighbour of RTP is the best guess.
                self.rtcp.unwrap_or_else(|| SocketAddr::new(from.ip(), from.port().saturating_add(1)))
            }
            State::Unheard | State::Heard { .. } => self.described.rtcp,
        }
    }

    /// What the peer describes of itself.
    pub fn described(&self) -> RtpPeer {
        self.described
    }

    /// The host that the peer signals from.
    pub fn signalling(&self) -> IpAddr {
        self.signalling
    }

    /// Where packets come from, once they do.
    pub fn heard(&self) -> Option<SocketAddr> {
        match self.state {
            State::Unheard => None,
            State::Heard { from, .. } => Some(from),
        }
    }

    /// The synchronization source that is heard.
    pub fn ssrc(&self) -> Option<u32> {
        match self.state {
            State::Unheard => None,
            State::Heard { ssrc, .. } => Some(ssrc),
        }
    }

    fn hear(&mut self, now: Instant, from: SocketAddr, header: &StreamHeader) {
        if self.heard().is_some_and(|before| before != from) {
            self.rtcp = None;
        }
        self.state = State::Heard { from, last: now, ssrc: header.ssrc, sequence: header.sequence };
        self.trial = None;
    }
}

fn goes_on(before: u16, now: u16) -> bool {
    (1..=SEQUENCE_STEP_MAX).contains(&now.wrapping_sub(before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;

    struct Ladder {
        source: PeerSource,
        clock: testkit::Clock,
        media: LegMedia,
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    const DESCRIBED: &str = "192.0.2.1:4000";
    const SIGNALLING: &str = "198.51.100.7";

    impl Ladder {
        fn new(latching: Latching) -> Self {
            let described = RtpPeer { rtp: address(DESCRIBED), rtcp: address("192.0.2.1:4001") };
            let source = PeerSource::new(latching, described, SIGNALLING.parse().unwrap());
            let media = LegMedia { telephone_event: Some(101), ..LegMedia::new(Codec::Pcmu, 0) };
            Self { source, clock: testkit::Clock::new(), media }
        }

        /// Whether a packet is taken, 20 ms after the one before.
        fn packet(&mut self, from: &str, ssrc: u32, sequence: u16) -> bool {
            self.packet_of(from, ssrc, sequence, 0)
        }

        fn packet_of(&mut self, from: &str, ssrc: u32, sequence: u16, payload_type: u8) -> bool {
            self.clock.advance(20);
            let header = StreamHeader { payload_type, sequence, ssrc };
            self.source.admits(self.clock.now(), address(from), &header, &self.media)
        }

        fn silence(&mut self, ms: u64) {
            self.clock.advance(ms);
        }

        fn goes_to(&self) -> [String; 2] {
            [self.source.rtp().to_string(), self.source.rtcp().to_string()]
        }
    }

    #[test]
    fn the_described_address_is_heard_at_once_and_then_nobody_else() {
        for latching in [Latching::Once, Latching::Handover] {
            let mut ladder = Ladder::new(latching);
            assert!(ladder.packet(DESCRIBED, 1, 10));
            for sequence in 0..50 {
                assert!(!ladder.packet("203.0.113.9:666", 2, sequence), "a stranger");
                assert!(!ladder.packet("203.0.113.9:667", 1, 11 + sequence), "a stranger who knows the stream");
                assert!(!ladder.packet("198.51.100.7:9000", 3, sequence), "the signalling host");
                assert!(ladder.packet(DESCRIBED, 1, 11 + sequence));
            }
            assert_eq!(ladder.goes_to(), [DESCRIBED, "192.0.2.1:4001"]);
        }
    }

    #[test]
    fn without_latching_only_the_described_host_is_heard_and_spoken_to() {
        let mut ladder = Ladder::new(Latching::Off);
        for sequence in 0..10 {
            assert!(!ladder.packet("198.51.100.7:9000", 1, sequence));
        }
        assert!(ladder.packet("192.0.2.1:5000", 1, 10));
        assert_eq!(ladder.goes_to(), [DESCRIBED, "192.0.2.1:4001"]);
    }

    #[test]
    fn the_signalling_host_is_followed_after_two_packets_in_sequence() {
        let mut ladder = Ladder::new(Latching::Once);
        assert!(!ladder.packet("198.51.100.7:9000", 1, 65_535));
        assert!(ladder.packet("198.51.100.7:9000", 1, 0));
        assert_eq!(ladder.goes_to(), ["198.51.100.7:9000", "198.51.100.7:9001"]);
    }

    #[test]
    fn a_stranger_is_followed_after_four_and_never_with_what_was_not_agreed() {
        let mut ladder = Ladder::new(Latching::Handover);
        for sequence in 0..20 {
            assert!(!ladder.packet_of("203.0.113.9:666", 1, sequence, 96));
        }
        let heard: Vec<bool> = (0..4).map(|sequence| ladder.packet("203.0.113.9:666", 1, sequence)).collect();
        assert_eq!(heard, [false, false, false, true]);
    }

    #[test]
    fn a_stranger_is_not_followed_where_the_peer_is_behind_no_nat_or_does_not_send() {
        let mut ladder = Ladder::new(Latching::Handover);
        ladder.media.receives = false;
        assert!((0..20).all(|sequence| !ladder.packet("203.0.113.9:666", 1, sequence)));
        let mut ladder = Ladder::new(Latching::Handover);
        let described = ladder.source.described();
        ladder.source = PeerSource::new(Latching::Handover, described, described.rtp.ip());
        assert!((0..20).all(|sequence| !ladder.packet("203.0.113.9:666", 1, sequence)));
    }

    #[test]
    fn guesses_that_are_not_one_stream_are_no_source() {
        let mut ladder = Ladder::new(Latching::Handover);
        for n in 0..100_u16 {
            assert!(!ladder.packet("203.0.113.9:666", u32::from(n), n));
            assert!(!ladder.packet("203.0.113.9:666", 7, n.wrapping_mul(7_919)));
        }
        assert!(ladder.packet(DESCRIBED, 1, 10));
    }

    #[test]
    fn a_silent_source_is_followed_to_where_its_stream_goes_on() {
        let mut ladder = Ladder::new(Latching::Handover);
        assert!(ladder.packet(DESCRIBED, 1, 10));
        ladder.silence(500);
        assert!(!ladder.packet("203.0.113.9:5000", 1, 35), "one packet is no stream");
        assert!(ladder.packet("203.0.113.9:5000", 1, 36));
        assert_eq!(ladder.goes_to(), ["203.0.113.9:5000", "203.0.113.9:5001"]);
    }

    #[test]
    fn a_silent_source_is_not_given_to_a_stranger() {
        let mut ladder = Ladder::new(Latching::Handover);
        assert!(ladder.packet(DESCRIBED, 1, 10));
        ladder.silence(60_000);
        for sequence in 0..50 {
            assert!(!ladder.packet("203.0.113.9:666", 2, sequence));
            assert!(!ladder.packet("203.0.113.9:667", 1, 40_000 + sequence), "the sequence does not go on");
        }
        assert!(ladder.packet(DESCRIBED, 1, 11), "and is heard again");
    }

    #[test]
    fn latched_once_is_latched_for_good() {
        let mut ladder = Ladder::new(Latching::Once);
        assert!(ladder.packet(DESCRIBED, 1, 10));
        ladder.silence(60_000);
        for sequence in 11..30 {
            assert!(!ladder.packet("198.51.100.7:9000", 1, sequence));
        }
    }

    #[test]
    fn another_description_is_listened_to_and_the_same_changes_nothing() {
        let mut ladder = Ladder::new(Latching::Handover);
        assert!(!ladder.packet("198.51.100.7:9000", 1, 1));
        assert!(ladder.packet("198.51.100.7:9000", 1, 2));
        let described = ladder.source.described();
        ladder.source.redescribe(described);
        assert_eq!(ladder.source.heard(), Some(address("198.51.100.7:9000")));
        ladder.source.redescribe(RtpPeer { rtp: address("192.0.2.2:6000"), rtcp: address("192.0.2.2:7000") });
        assert_eq!(ladder.goes_to(), ["192.0.2.2:6000", "192.0.2.2:7000"]);
        assert!(ladder.packet("192.0.2.2:6000", 5, 1));
    }

    #[test]
    fn reports_are_taken_from_who_is_heard_and_go_to_where_theirs_come_from() {
        let mut ladder = Ladder::new(Latching::Handover);
        assert!(ladder.source.admits_rtcp(address("192.0.2.1:4001")));
        assert!(!ladder.source.admits_rtcp(address("203.0.113.9:666")));
        assert!(!ladder.packet("198.51.100.7:9000", 1, 1));
        assert!(ladder.packet("198.51.100.7:9000", 1, 2));
        assert!(!ladder.source.admits_rtcp(address("203.0.113.9:666")));
        assert!(ladder.source.admits_rtcp(address("198.51.100.7:9500")));
        assert_eq!(ladder.goes_to(), ["198.51.100.7:9000", "198.51.100.7:9500"]);
    }
}
