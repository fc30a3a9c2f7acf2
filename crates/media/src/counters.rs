//! What happened on a leg, in numbers.

/// Counters of one leg since its birth. Plain numbers, read by whoever publishes metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LegCounters {
    /// RTP packets of the settled stream, duplicates and late ones included.
    pub packets_received: u64,
    /// Packets that were given up: their place was concealed. A packet that comes after that is also `packets_late`.
    pub packets_lost: u64,
    /// Packets that came after their place had been given up.
    pub packets_late: u64,
    /// Packets received twice.
    pub packets_duplicated: u64,
    /// Packets that came after a later one, but in time.
    pub packets_reordered: u64,
    /// Streams heard: the first one, and each change of SSRC or restart of the sequence.
    pub streams: u64,
    /// Samples invented in the place of lost packets.
    pub samples_concealed: u64,
    /// Samples of silence given to the sink while nothing came.
    pub samples_absent: u64,
    /// Samples of audio given to the sink.
    pub samples_captured: u64,
    /// Telephone events recognized.
    pub dtmf_received: u64,
    /// RTP packets sent, events and silence included.
    pub packets_sent: u64,
    /// Packets of silence sent in the middle of an utterance because its audio was late.
    pub packets_underrun: u64,
    /// Times that a late tick made us give up the schedule and start a new talk-spurt.
    pub schedule_slips: u64,
    /// Telephone events sent.
    pub dtmf_sent: u64,
    /// Interarrival jitter (RFC 3550, section 6.4.1), in milliseconds, rounded down.
    pub jitter_ms: u32,
    /// What was thrown away, by reason.
    pub dropped: DropCounts,
}

/// Why something was thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// Not an RTP packet (version, lengths).
    Malformed,
    /// A payload type that was not negotiated.
    PayloadType,
    /// No sample, or more than 200 ms, in an audio packet; less than four octets in a telephone event.
    PayloadLength,
    /// The leg does not receive (`recvonly` was offered).
    NotReceiving,
    /// Another source or another sequence that did not go on.
    Unsettled,
    /// A telephone event while the queue of events was full.
    EventQueue,
    /// A telephone event that is not a DTMF digit (hook flash, tones).
    EventCode,
    /// A digit to send while the queue of digits was full, or without telephone events negotiated.
    DigitQueue,
    /// A packet that the keys of the leg do not fit: in clear, under another key, or changed on its way.
    Unprotected,
    /// A protected packet that came before, or is older than the window that tells.
    Replayed,
    /// An utterance while the queue of utterances was full, or at another sampling rate; it is reported as failed.
    PlayQueue,
}

/// Counts by [`DropReason`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DropCounts {
    counts: [u64; DropReason::ALL.len()],
}

impl DropReason {
    /// Every reason, for publishing.
    pub const ALL: [Self; 11] = [
        Self::Malformed,
        Self::PayloadType,
        Self::PayloadLength,
        Self::NotReceiving,
        Self::Unsettled,
        Self::EventQueue,
        Self::EventCode,
        Self::DigitQueue,
        Self::Unprotected,
        Self::Replayed,
        Self::PlayQueue,
    ];

    /// The label in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::PayloadType => "payload_type",
            Self::PayloadLength => "payload_length",
            Self::NotReceiving => "not_receiving",
            Self::Unsettled => "unsettled",
            Self::EventQueue => "event_queue",
            Self::EventCode => "event_code",
            Self::DigitQueue => "digit_queue",
            Self::Unprotected => "unprotected",
            Self::Replayed => "replayed",
            Self::PlayQueue => "play_queue",
        }
    }
}

impl DropCounts {
    /// How often `reason` applied.
    pub fn of(&self, reason: DropReason) -> u64 {
        self.counts.get(reason as usize).copied().unwrap_or(0)
    }

    /// All drops together.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(crate) fn add(&mut self, reason: DropReason) {
        if let Some(count) = self.counts.get_mut(reason as usize) {
            *count += 1;
        }
    }
}
