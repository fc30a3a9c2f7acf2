//! RTP packets: what we read of them, and how we write them (RFC 3550, section 5.1).

use rtp_rs::{RtpPacketBuilder, RtpReader, Seq};

/// Room for the header and 60 ms of L16 at 16 kHz, our largest packet.
const PACKET_OCTETS: usize = 12 + 60 * 16 * 2;

/// Packets that may wait to be sent: one tick makes two at most.
const QUEUE_PACKETS: usize = 4;

/// The fields of a header that matter to a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
}

/// Reads a datagram. `None` when it is not RTP version 2 or its lengths contradict each other. Contributing sources,
/// extension and padding are skipped.
pub(crate) fn parse(datagram: &[u8]) -> Option<(Header, &[u8])> {
    let reader = RtpReader::new(datagram).ok()?;
    let header = Header {
        marker: reader.mark(),
        payload_type: reader.payload_type(),
        sequence: reader.sequence_number().into(),
        timestamp: reader.timestamp(),
        ssrc: reader.ssrc(),
    };
    Some((header, reader.payload()))
}

/// Packets made and not yet taken, in reused memory.
#[derive(Debug)]
pub(crate) struct PacketQueue {
    packets: [Vec<u8>; QUEUE_PACKETS],
    first: usize,
    len: usize,
}

impl PacketQueue {
    pub(crate) fn new() -> Self {
        Self { packets: std::array::from_fn(|_| Vec::new()), first: 0, len: 0 }
    }

    /// Whether there is room for another packet.
    pub(crate) fn has_room(&self) -> bool {
        self.len < QUEUE_PACKETS
    }

    /// Writes a packet; dropped when there is no room.
    pub(crate) fn push(&mut self, header: Header, payload: &[u8]) {
        if !self.has_room() {
            return;
        }
        let Some(packet) = self.packets.get_mut((self.first + self.len) % QUEUE_PACKETS) else { return };
        let builder = RtpPacketBuilder::new()
            .payload_type(header.payload_type)
            .marked(header.marker)
            .sequence(Seq::from(header.sequence))
            .timestamp(header.timestamp)
            .ssrc(header.ssrc)
            .payload(payload);
        packet.reserve_exact(PACKET_OCTETS.saturating_sub(packet.len()));
        packet.resize(builder.target_length(), 0);
        if builder.build_into(packet).is_ok() {
            self.len += 1;
        }
    }

    /// Takes the oldest packet.
    pub(crate) fn pop(&mut self) -> Option<&[u8]> {
        if self.len == 0 {
            return None;
        }
        let at = self.first;
        self.first = (at + 1) % QUEUE_PACKETS;
        self.len -= 1;
        self.packets.get(at).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut queue = PacketQueue::new();
        let header = Header { marker: true, payload_type: 96, sequence: 65535, timestamp: 1 << 31, ssrc: 0xdead_beef };
        for size in [0, 1, 160, 1920] {
            let payload = vec![7; size];
            queue.push(header, &payload);
            let (read, body) = parse(queue.pop().unwrap()).unwrap();
            assert_eq!((read, body), (header, payload.as_slice()));
        }
    }

    #[test]
    fn packets_leave_in_order_and_the_queue_is_bounded() {
        let mut queue = PacketQueue::new();
        let header = Header { marker: false, payload_type: 0, sequence: 0, timestamp: 0, ssrc: 0 };
        for sequence in 0..6 {
            queue.push(Header { sequence, ..header }, &[]);
        }
        let mut left = Vec::new();
        while let Some(packet) = queue.pop() {
            left.push(parse(packet).unwrap().0.sequence);
        }
        assert_eq!(left, [0, 1, 2, 3]);
    }

    #[test]
    fn every_truncation_is_refused_or_a_shorter_packet() {
        // One contributing source, an extension of one word, 4 octets of padding.
        let packet = [
            0xb1, 0x80, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0xbe, 0xde, 0, 1, 1, 2, 3, 4, 9, 9, 9, 9, 0, 0, 0, 4,
        ];
        let (header, payload) = parse(&packet).unwrap();
        assert_eq!((header.sequence, header.timestamp, header.ssrc, payload), (1, 2, 3, [9, 9, 9, 9].as_slice()));
        for cut in testkit::every_truncation(&packet) {
            if let Some((_, payload)) = parse(cut) {
                assert!(payload.len() < 8);
            }
        }
    }

    #[test]
    fn other_versions_are_refused() {
        for version in [0x00, 0x40, 0xc0] {
            let mut packet = [0; 12];
            packet[0] = version;
            assert_eq!(parse(&packet), None);
        }
    }
}
