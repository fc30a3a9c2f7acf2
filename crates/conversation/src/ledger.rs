//! Where the time of a turn goes: from the caller's last word to the first packet of the reply.

use std::time::{Duration, Instant};

/// When each step of one turn was. All on one clock. What is `None` was not told, or did not happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TurnInstants {
    /// The caller's last sound, or last key.
    pub end_of_speech: Option<Instant>,
    /// The turn was decided to be over.
    pub decided: Option<Instant>,
    /// The recognizer had given its last word.
    pub final_text: Option<Instant>,
    /// The dialog service was asked.
    pub requested: Option<Instant>,
    /// The first event of its reply came.
    pub first_event: Option<Instant>,
    /// The first clause of the reply was given to the synthesizer. A filler is no clause of the reply.
    pub first_clause: Option<Instant>,
    /// The first sample of that clause was there.
    pub first_audio: Option<Instant>,
    /// The packet with it left.
    pub first_packet: Option<Instant>,
}

/// A step of a turn: what the time since the step before was spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// From the end of speech to the decision that the turn is over.
    Decision,
    /// To the recognizer's last word.
    FinalText,
    /// To the request to the dialog service.
    Request,
    /// To the first event of the reply.
    FirstEvent,
    /// To the first clause at the synthesizer: the service's writing, and a client that has to ask for the reply.
    FirstClause,
    /// To the first sample of it.
    FirstAudio,
    /// To its first packet.
    FirstPacket,
}

impl Stage {
    /// All, in order.
    pub const ALL: [Self; 7] = [
        Self::Decision,
        Self::FinalText,
        Self::Request,
        Self::FirstEvent,
        Self::FirstClause,
        Self::FirstAudio,
        Self::FirstPacket,
    ];

    /// A short name for metrics and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::FinalText => "final_text",
            Self::Request => "request",
            Self::FirstEvent => "first_event",
            Self::FirstClause => "first_clause",
            Self::FirstAudio => "first_audio",
            Self::FirstPacket => "first_packet",
        }
    }
}

/// The time of one turn by stages. The stages sum to the total exactly: they lie between consecutive instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnLedger {
    stages: [Duration; Stage::ALL.len()],
    total: Duration,
}

impl TurnInstants {
    /// The turn by stages, once its first packet has left. A turn that has no end of speech is counted from its request. A step that was
    /// not told, or was taken before the one that it follows (a reply that was prepared while the caller paused), took no time.
    pub fn ledger(&self) -> Option<TurnLedger> {
        let begin = self.end_of_speech.or(self.requested)?;
        let end = self.first_packet?.max(begin);
        let steps = [
            self.decided,
            self.final_text,
            self.requested,
            self.first_event,
            self.first_clause,
            self.first_audio,
            Some(end),
        ];
        let mut stages = [Duration::ZERO; Stage::ALL.len()];
        let mut before = begin;
        for (stage, at) in stages.iter_mut().zip(steps) {
            let at = at.unwrap_or(before).clamp(before, end);
            *stage = at.saturating_duration_since(before);
            before = at;
        }
        Some(TurnLedger { stages, total: end.saturating_duration_since(begin) })
    }
}

impl TurnLedger {
    /// Each stage and how long it took, in order.
    pub fn stages(&self) -> impl Iterator<Item = (Stage, Duration)> {
        Stage::ALL.into_iter().zip(self.stages)
    }

    /// From the caller's last sound to the first packet of the reply.
    pub fn total(&self) -> Duration {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use testkit::Clock;

    use super::*;

    proptest! {
        #[test]
        fn the_stages_sum_to_the_total_whatever_is_missing_or_out_of_order(
            at in prop::array::uniform8(prop::option::of(0u64..5_000)),
        ) {
            let start = Clock::new().now();
            let [end_of_speech, decided, final_text, requested, first_event, first_clause, first_audio, first_packet] =
                at.map(|ms| ms.map(|ms| start + Duration::from_millis(ms)));
            let instants = TurnInstants {
                end_of_speech, decided, final_text, requested, first_event, first_clause, first_audio, first_packet,
            };
            match instants.ledger() {
                Some(ledger) => {
                    let sum: Duration = ledger.stages().map(|(_, took)| took).sum();
                    prop_assert_eq!(sum, ledger.total());
                }
                None => prop_assert!(first_packet.is_none() || (end_of_speech.is_none() && requested.is_none())),
            }
        }
    }

    #[test]
    fn each_stage_is_what_lies_between_two_steps() {
        let start = Clock::new().now();
        let at = |ms| Some(start + Duration::from_millis(ms));
        let instants = TurnInstants {
            end_of_speech: at(0),
            decided: at(200),
            final_text: at(230),
            requested: at(231),
            first_event: at(381),
            first_clause: at(400),
            first_audio: at(460),
            first_packet: at(480),
        };
        let ms: Vec<(&str, u128)> =
            instants.ledger().unwrap().stages().map(|(stage, took)| (stage.as_str(), took.as_millis())).collect();
        assert_eq!(
            ms,
            [
                ("decision", 200),
                ("final_text", 30),
                ("request", 1),
                ("first_event", 150),
                ("first_clause", 19),
                ("first_audio", 60),
                ("first_packet", 20),
            ]
        );
    }

    #[test]
    fn a_reply_that_was_prepared_while_the_caller_paused_costs_nothing_after_the_decision() {
        let start = Clock::new().now();
        let at = |ms| Some(start + Duration::from_millis(ms));
        let instants = TurnInstants {
            end_of_speech: at(0),
            requested: at(100),
            first_event: at(250),
            decided: at(400),
            final_text: at(400),
            first_clause: at(401),
            first_audio: at(450),
            first_packet: at(460),
        };
        let ledger = instants.ledger().unwrap();
        let took: Vec<u128> = ledger.stages().map(|(_, took)| took.as_millis()).collect();
        assert_eq!((took, ledger.total().as_millis()), (vec![400, 0, 0, 0, 1, 49, 10], 460));
    }
}
