//! What has come of a stream, counted as receiver reports want it (RFC 3550, appendix A.3).

/// Packets of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reception {
    source: Option<Source>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Source {
    ssrc: u32,
    first: u16,
    /// The highest sequence number, extended by the cycles.
    highest: u32,
    received: u32,
    expected_before: u32,
    received_before: u32,
}

/// One report block's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReceptionReport {
    /// Since the last report, in 256ths.
    pub(crate) fraction_lost: u8,
    /// Since the beginning, at most 2^23 - 1. Duplicates hide losses, as the RFC has it.
    pub(crate) lost: u32,
    /// The highest sequence number, extended by the cycles.
    pub(crate) highest: u32,
}

impl Reception {
    /// Another source begins.
    pub(crate) fn restart(&mut self) {
        self.source = None;
    }

    /// A packet of the source came.
    pub(crate) fn packet(&mut self, ssrc: u32, sequence: u16) {
        let source = self.source.get_or_insert(Source {
            ssrc,
            first: sequence,
            highest: u32::from(sequence),
            received: 0,
            expected_before: 0,
            received_before: 0,
        });
        source.received = source.received.wrapping_add(1);
        let ahead = sequence.wrapping_sub(source.highest as u16);
        if ahead < u16::MAX / 2 {
            source.highest = source.highest.wrapping_add(u32::from(ahead));
        }
    }

    /// The source that is reported about.
    pub(crate) fn ssrc(&self) -> Option<u32> {
        self.source.map(|source| source.ssrc)
    }

    /// The numbers of a report; the next one counts from here.
    pub(crate) fn report(&mut self) -> ReceptionReport {
        let Some(source) = &mut self.source else { return ReceptionReport { fraction_lost: 0, lost: 0, highest: 0 } };
        let expected = source.highest.wrapping_sub(u32::from(source.first)).wrapping_add(1);
        let expected_since = expected.wrapping_sub(source.expected_before);
        let lost_since = expected_since.saturating_sub(source.received.wrapping_sub(source.received_before));
        source.expected_before = expected;
        source.received_before = source.received;
        let fraction = u64::from(lost_since) * 256 / u64::from(expected_since.max(1));
        ReceptionReport {
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: expected.saturating_sub(source.received).min(0x7f_ffff),
            highest: source.highest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_counted_across_the_wrap_and_since_the_last_report() {
        let mut reception = Reception::default();
        for sequence in (65_530..=65_535).chain([1, 2, 4, 3]) {
            reception.packet(7, sequence);
        }
        assert_eq!(reception.ssrc(), Some(7));
        let report = reception.report();
        assert_eq!((report.lost, report.highest, report.fraction_lost), (1, 65_536 + 4, (256 / 11) as u8));
        reception.packet(7, 5);
        assert_eq!(reception.report().fraction_lost, 0, "nothing was lost since");
        reception.packet(7, 6);
        reception.packet(7, 6);
        assert_eq!(reception.report().lost, 0, "a duplicate hides a loss");
    }
}
