//! Hotword mode (RFC 6787 §9, §9.9): listens through other speech and other keys for what the grammars take.

use std::time::{Duration, Instant};

use super::input::{InputMatch, Verdict};
use super::machine::{Recognizer, State, Timer};
use super::output::{Output, RecognitionMode};
use super::recognizing::{EndOfInput, Phase, Recognition, cause_of};
use crate::RecognizerCause;

impl Recognition {
    /// Whether this is hotword mode and the utterance is neither too short nor too long for a hotword (§9.4.28,
    /// §9.4.29). One that goes on is as long as it has been.
    pub(super) fn hotword_counts(&self, now: Instant) -> bool {
        let RecognitionMode::Hotword { min, max } = self.params.mode else { return false };
        let length = self.utterance.map_or(Duration::ZERO, |utterance| {
            utterance.length.unwrap_or_else(|| now.saturating_duration_since(utterance.heard_at))
        });
        min.is_none_or(|min| length >= min) && max.is_none_or(|max| length <= max)
    }
}

impl Recognizer {
    /// Silence after speech, or no further key: an input has ended that was not matched on the way.
    pub(super) fn hotword_input_ended(&mut self, now: Instant) {
        let State::Recognizing { phase, .. } = &self.state else { return };
        match phase {
            // The engine has said nothing of it yet: its last word decides.
            Phase::Speaking { found: None, .. } | Phase::Silent { found: None, .. } => {
                self.finish(now, EndOfInput::Natural);
            }
            Phase::Speaking { found: Some(found), .. } | Phase::Silent { found: Some(found), .. } => match found {
                // What is matched and does not count, because of its length, is no match.
                InputMatch::NoMatch | InputMatch::Prefix | InputMatch::Complete { .. } => self.ignore_input(now),
            },
            Phase::Keying { .. } => self.ignore_input(now),
            Phase::Waiting { .. } | Phase::Loading | Phase::Finishing { .. } | Phase::Completing { .. } => {}
        }
    }

    /// What was said or keyed is none of the hotwords: waits for the next input. Recognition-Timeout stops, and begins
    /// again with it.
    pub(super) fn ignore_input(&mut self, now: Instant) {
        let State::Recognizing { recognition, phase } = &mut self.state else { return };
        let modes = phase.modes();
        *phase = Phase::Waiting { modes };
        recognition.utterance = None;
        let request_id = recognition.id;
        for timer in [Timer::Recognition, Timer::Silence, Timer::Interdigit, Timer::Term, Timer::Result] {
            self.timers.cancel(timer);
        }
        if modes.speech {
            self.outputs.push_back(Output::ListenAgain { request_id });
        }
        self.take_digits(now);
    }
}

/// The cause that hotword mode ends with, or `None` when it goes on listening. `counts`: the length is that of a hotword.
pub(super) fn hotword_cause(verdict: Verdict, end: EndOfInput, counts: bool) -> Option<RecognizerCause> {
    match (verdict, end) {
        (Verdict::Match | Verdict::SemanticsFailure, EndOfInput::Natural | EndOfInput::MaxTime) if counts => {
            Some(cause_of(verdict, end))
        }
        (_, EndOfInput::MaxTime) => Some(RecognizerCause::HotwordMaxtime),
        (_, EndOfInput::Natural) => None,
    }
}
