//! When each step of a conversation's turns was: told by the parts of the call as it happens.

use std::collections::VecDeque;
use std::time::Instant;

use conversation::{SpeakerKey, TurnId, TurnInstants, TurnLedger};
use metrics::histogram;

/// Turns whose ledgers are kept for the record.
const TURNS_MAX: usize = 512;

/// The ledgers of one conversation.
#[derive(Debug, Default)]
pub(crate) struct Ledgers {
    /// What is known of the caller's turn before it is sent.
    heard: TurnInstants,
    /// The turn whose reply has not sounded yet.
    open: Option<Open>,
    done: VecDeque<(TurnId, TurnLedger)>,
}

#[derive(Debug)]
struct Open {
    turn: TurnId,
    instants: TurnInstants,
    /// Where the first clause of the reply is spoken.
    spoken_as: Option<(SpeakerKey, u32)>,
}

impl Ledgers {
    /// The caller's turn is over.
    pub(crate) fn caller_turn(&mut self, ended: Option<Instant>, decided: Option<Instant>, now: Instant) {
        self.heard = TurnInstants { end_of_speech: ended, decided, final_text: Some(now), ..TurnInstants::default() };
        // The reply was asked for while the caller paused, and it is the caller's turn now.
        if let Some(open) = &mut self.open
            && open.instants.final_text.is_none()
            && open.turn != TurnId::GREETING
        {
            open.instants.end_of_speech = ended;
            open.instants.decided = decided;
            open.instants.final_text = Some(now);
        }
    }

    /// The dialog service is asked. `is_speculative`: the caller has only paused.
    pub(crate) fn requested(&mut self, turn: TurnId, is_speculative: bool, now: Instant) {
        let heard = if is_speculative { TurnInstants::default() } else { std::mem::take(&mut self.heard) };
        let instants = TurnInstants { requested: Some(now), ..heard };
        self.open = Some(Open { turn, instants, spoken_as: None });
    }

    /// The service has said something.
    pub(crate) fn service_said(&mut self, turn: TurnId, now: Instant) {
        if let Some(open) = &mut self.open {
            // The reply to an opening may be that to a later turn, where another server led the conversation before.
            if open.turn == TurnId::GREETING && open.instants.first_event.is_none() {
                open.turn = turn;
            }
            if open.turn == turn {
                open.instants.first_event.get_or_insert(now);
            }
        }
    }

    /// A clause of the reply goes to the synthesizer.
    pub(crate) fn says(&mut self, speaker: SpeakerKey, clause: u32, now: Instant) {
        if let Some(open) = &mut self.open
            && open.spoken_as.is_none()
        {
            open.spoken_as = Some((speaker, clause));
            open.instants.first_clause = Some(now);
        }
    }

    /// A clause sounds: its first packet leaves at `at`. Its audio was there at `audio_at`, where that is known.
    pub(crate) fn sounds(&mut self, speaker: SpeakerKey, clause: u32, audio_at: Option<Instant>, at: Instant) {
        let Some(mut open) = self.open.take_if(|open| open.spoken_as == Some((speaker, clause))) else { return };
        open.instants.first_audio = audio_at;
        open.instants.first_packet = Some(at);
        let Some(ledger) = open.instants.ledger() else { return };
        note(open.turn, &ledger, open.instants.end_of_speech.is_some());
        if self.done.len() >= TURNS_MAX {
            self.done.pop_front();
        }
        self.done.push_back((open.turn, ledger));
    }

    /// The ledger of a turn whose reply has sounded.
    pub(crate) fn of(&self, turn: TurnId) -> Option<&TurnLedger> {
        self.done.iter().rev().find(|(done, _)| *done == turn).map(|(_, ledger)| ledger)
    }
}

/// Greetings, and replies to silence, answer nobody: they are no latency that a caller felt.
fn note(turn: TurnId, ledger: &TurnLedger, answers: bool) {
    let of = if answers { "answer" } else { "prompt" };
    for (stage, took) in ledger.stages() {
        histogram!("turn_stage_seconds", "stage" => stage.as_str(), "of" => of).record(took.as_secs_f64());
    }
    if answers {
        histogram!("turn_first_packet_seconds").record(ledger.total().as_secs_f64());
    }
    let ms =
        |at: usize| ledger.stages().nth(at).map_or(0, |(_, took)| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    tracing::info!(
        turn = turn.0,
        of,
        total_ms = u64::try_from(ledger.total().as_millis()).unwrap_or(u64::MAX),
        decision_ms = ms(0),
        final_text_ms = ms(1),
        request_ms = ms(2),
        first_event_ms = ms(3),
        first_clause_ms = ms(4),
        first_audio_ms = ms(5),
        first_packet_ms = ms(6),
        "the reply sounds"
    );
}
