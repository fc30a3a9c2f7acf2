//! How long a silence ends the caller's turn: it depends on what was said, on what was asked, and on how it sounded.

use std::time::{Duration, Instant};

use speech::Hypothesis;

use crate::{
    completeness::{Completeness, completeness},
    conversation::{Conversation, Lead, increment},
    floor::Floor,
    output::Output,
    policy::Listening,
    turn::{CallerInput, ListenerKey},
};

/// The silences that end a turn, from the end of speech. The time-outs that a client sends with RECOGNIZE are the upper bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndOfTurnConfig {
    /// After what answers the question. 150–1000 ms: shorter cuts people off, longer makes the robot slow.
    pub complete: Duration,
    /// After what may be all.
    pub unsure: Duration,
    /// After what breaks off: the longest that a caller may think.
    pub incomplete: Duration,
}

impl Default for EndOfTurnConfig {
    fn default() -> Self {
        Self {
            complete: Duration::from_millis(300),
            unsure: Duration::from_millis(500),
            incomplete: Duration::from_millis(1200),
        }
    }
}

impl EndOfTurnConfig {
    /// The silence that ends a turn that is so complete, as the service wants it where it says.
    pub(crate) fn silence(&self, completeness: Completeness, listening: &Listening) -> Duration {
        let complete = listening.complete_silence.unwrap_or(self.complete);
        let incomplete = listening.incomplete_silence.unwrap_or(self.incomplete).max(complete);
        match completeness {
            Completeness::Complete => complete,
            Completeness::Unsure => self.unsure.clamp(complete, incomplete),
            Completeness::Incomplete => incomplete,
        }
    }
}

impl Completeness {
    /// With how the turn sounded: `score` is the probability, 0 to 1, that the speaker has finished. Words are believed where they are
    /// clear, unless the voice says plainly the opposite.
    #[must_use]
    pub fn with_sound(self, score: Option<f32>) -> Self {
        let Some(score) = score else { return self };
        match self {
            Self::Complete if score < 0.1 => Self::Unsure,
            Self::Unsure if score < 0.3 => Self::Incomplete,
            Self::Unsure if score > 0.85 => Self::Complete,
            Self::Incomplete if score > 0.95 => Self::Unsure,
            Self::Complete | Self::Unsure | Self::Incomplete => self,
        }
    }
}

/// How many turns ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TurnEnds {
    /// After an answer that was complete.
    pub complete: u64,
    /// After what may have been all.
    pub unsure: u64,
    /// After what broke off: the caller was given the longest time, or the client's time-out was over.
    pub incomplete: u64,
    /// Before what was said could be judged.
    pub unjudged: u64,
    /// With keys.
    pub keys: u64,
    /// With silence.
    pub silence: u64,
    /// With what could not be understood.
    pub not_understood: u64,
}

impl TurnEnds {
    pub(crate) fn count(&mut self, input: &CallerInput, judged: Option<Completeness>) {
        increment(match (input, judged) {
            (CallerInput::Speech(_), Some(Completeness::Complete)) => &mut self.complete,
            (CallerInput::Speech(_), Some(Completeness::Unsure)) => &mut self.unsure,
            (CallerInput::Speech(_), Some(Completeness::Incomplete)) => &mut self.incomplete,
            (CallerInput::Speech(_), None) => &mut self.unjudged,
            (CallerInput::Dtmf(_), _) => &mut self.keys,
            (CallerInput::NoInput, _) => &mut self.silence,
            (CallerInput::NoMatch(_), _) => &mut self.not_understood,
        });
    }
}

impl Conversation {
    /// The caller has paused, and this is what was said: tells how long a silence ends the turn, and perhaps asks the service already.
    pub(crate) fn judge_pause(
        &mut self,
        now: Instant,
        key: ListenerKey,
        hypotheses: &[Hypothesis],
        score: Option<f32>,
    ) {
        let Some(best) = hypotheses.first().filter(|best| !best.text.trim().is_empty()) else { return };
        let listening = match &self.lead {
            Lead::Replying(reply) => reply.listening.clone(),
            Lead::Fresh | Lead::GreetingAwaited { .. } | Lead::Ended { .. } | Lead::Closed => Listening::default(),
        };
        let judged = completeness(&best.text, best.language, listening.expects).with_sound(score);
        let Some(listener) = self.listener.as_mut().filter(|open| open.key == key) else { return };
        listener.judged = Some(judged);
        listener.silence = Some(self.config.end_of_turn.silence(judged, &listening));
        if judged != Completeness::Incomplete {
            self.speculate(now, hypotheses);
        }
    }

    /// The caller goes on: what was judged of the pause is void.
    pub(crate) fn caller_goes_on(&mut self) {
        if let Some(listener) = &mut self.listener {
            (listener.judged, listener.silence) = (None, None);
        }
        self.withdraw_speculation();
    }

    /// Tells the RECOGNIZE what silence to await, once what it hears is known to be the caller's turn.
    pub(crate) fn settle_silence(&mut self) {
        let Some(listener) = &mut self.listener else { return };
        let is_turn = match listener.floor {
            Floor::Open | Floor::Taken => true,
            Floor::Claimed(_) => false,
        };
        let (true, Some(judged)) = (is_turn, listener.judged) else { return };
        let (listener, Some(silence)) = (listener.key, listener.silence.take()) else { return };
        let is_complete = judged != Completeness::Incomplete;
        self.outputs.push_back(Output::AwaitSilence { listener, silence, is_complete });
    }

    /// Tells the RECOGNIZE how the answer to the last reply is to be heard, once that is known.
    pub(crate) fn settle_listening(&mut self) {
        let Lead::Replying(reply) = &self.lead else { return };
        let Some(listener) = &mut self.listener else { return };
        let Listening { no_input_timeout, hints, .. } = &reply.listening;
        if listener.hears_for == Some(reply.turn) || (no_input_timeout.is_none() && hints.is_empty()) {
            return;
        }
        listener.hears_for = Some(reply.turn);
        let (no_input_timeout, hints) = (*no_input_timeout, hints.clone());
        self.outputs.push_back(Output::ListenFor { listener: listener.key, no_input_timeout, hints });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_is_missing_the_longer_is_the_silence() {
        let config = EndOfTurnConfig::default();
        let listening = Listening::default();
        let of = |completeness| config.silence(completeness, &listening);
        assert!(of(Completeness::Complete) < of(Completeness::Unsure));
        assert!(of(Completeness::Unsure) < of(Completeness::Incomplete));
    }

    #[test]
    fn the_service_sets_the_silences_and_the_middle_stays_between_them() {
        let ms = Duration::from_millis;
        let listening =
            Listening { complete_silence: Some(ms(700)), incomplete_silence: Some(ms(2500)), ..Listening::default() };
        let config = EndOfTurnConfig::default();
        let of = |completeness| config.silence(completeness, &listening);
        assert_eq!(of(Completeness::Complete), ms(700));
        assert_eq!(of(Completeness::Unsure), ms(700));
        assert_eq!(of(Completeness::Incomplete), ms(2500));
        let hasty = Listening { incomplete_silence: Some(ms(100)), ..Listening::default() };
        assert_eq!(config.silence(Completeness::Incomplete, &hasty), config.complete);
    }

    #[test]
    fn how_a_turn_sounds_counts_where_words_leave_it_open() {
        use Completeness::{Complete, Incomplete, Unsure};
        for (words, score, expected) in [
            (Unsure, None, Unsure),
            (Unsure, Some(0.5), Unsure),
            (Unsure, Some(0.9), Complete),
            (Unsure, Some(0.1), Incomplete),
            (Complete, Some(0.5), Complete),
            (Complete, Some(0.05), Unsure),
            (Incomplete, Some(0.9), Incomplete),
            (Incomplete, Some(0.99), Unsure),
        ] {
            assert_eq!(words.with_sound(score), expected, "{words:?} with {score:?}");
        }
    }
}
