//! Keys: how they reach the active RECOGNIZE, and when their input ends (RFC 6787 §9.4.17–§9.4.19, §9.4.31).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::input::{InputMatch, InputModes};
use super::machine::{Recognizer, State, Timer};
use super::output::Output;
use super::recognizing::{EndOfInput, InputType, KeysFound, Phase, Recognition};
use crate::RequestId;

impl Recognition {
    /// Whether a key still takes over from the speech that is being heard.
    fn yields_to_keys(&self, now: Instant, within: Duration) -> bool {
        self.params.mode.is_hotword()
            || self.utterance.is_none_or(|utterance| now.saturating_duration_since(utterance.heard_at) <= within)
    }
}

impl Recognizer {
    pub(super) fn dtmf(&mut self, now: Instant, digit: char) {
        let is_wanted = match &self.state {
            State::Idle | State::Recognized { .. } => true,
            State::Recognizing { phase, .. } => match phase {
                Phase::Waiting { modes } | Phase::Speaking { modes, .. } | Phase::Silent { modes, .. } => modes.dtmf,
                Phase::Loading | Phase::Keying { .. } | Phase::Finishing { .. } | Phase::Completing { .. } => true,
            },
            State::Closed => false,
        };
        if is_wanted && self.type_ahead.push(now, digit) {
            self.take_digits(now);
        } else {
            self.counters.dropped_digits += 1;
        }
    }

    pub(super) fn dtmf_matched(&mut self, now: Instant, request_id: RequestId, asked: &str, outcome: InputMatch) {
        let Some((recognition, phase)) = self.active(request_id) else { return };
        match phase {
            Phase::Keying { digits, found: found @ KeysFound::Asked, .. } if *digits == asked => {
                let params = Arc::clone(&recognition.params);
                if params.mode.is_hotword() {
                    match outcome {
                        InputMatch::Complete { .. } => return self.finish(now, EndOfInput::Natural),
                        // The sequence may begin later: at the next key.
                        InputMatch::NoMatch => {
                            *digits = digits.chars().skip(1).collect();
                            if digits.is_empty() {
                                return self.ignore_input(now);
                            }
                            let digits = digits.clone();
                            return self.outputs.push_back(Output::MatchDtmf { request_id, digits });
                        }
                        InputMatch::Prefix => *found = KeysFound::Known,
                    }
                    return self.take_digits(now);
                }
                *found = KeysFound::Known;
                match outcome {
                    InputMatch::Complete { can_grow: false } if params.dtmf_term_char.is_none() => {
                        return self.finish(now, EndOfInput::Natural);
                    }
                    InputMatch::Complete { can_grow: false } => {
                        self.timers.cancel(Timer::Interdigit);
                        self.timers.set(Timer::Term, now + params.dtmf_term_timeout);
                    }
                    // What cannot match any more ends as what may match does: with the terminator or the timeout.
                    InputMatch::NoMatch | InputMatch::Prefix | InputMatch::Complete { can_grow: true } => {}
                }
                self.take_digits(now);
            }
            Phase::Keying { .. }
            | Phase::Waiting { .. }
            | Phase::Speaking { .. }
            | Phase::Silent { .. }
            | Phase::Loading
            | Phase::Finishing { .. }
            | Phase::Completing { .. } => self.counters.late_inputs += 1,
        }
    }

    /// The application wants keys alone.
    pub(super) fn keys_only(
        &mut self,
        now: Instant,
        request_id: RequestId,
        no_input_timeout: Option<Duration>,
        interdigit_timeout: Option<Duration>,
    ) {
        let Some((recognition, phase)) = self.active(request_id) else { return };
        let keys = InputModes { speech: false, dtmf: true };
        let is_waiting = match phase {
            Phase::Waiting { modes } => {
                *modes = keys;
                true
            }
            Phase::Speaking { .. } | Phase::Silent { .. } => {
                *phase = Phase::Waiting { modes: keys };
                true
            }
            Phase::Keying { modes, .. } => {
                *modes = keys;
                false
            }
            Phase::Loading | Phase::Finishing { .. } | Phase::Completing { .. } => return,
        };
        recognition.utterance = None;
        let params = Arc::make_mut(&mut recognition.params);
        params.dtmf_term_char = None;
        params.no_input_timeout = no_input_timeout.unwrap_or(params.no_input_timeout);
        params.dtmf_interdigit_timeout = interdigit_timeout.unwrap_or(params.dtmf_interdigit_timeout);
        let (waits, patience) = (recognition.timers_started, params.no_input_timeout);
        if is_waiting {
            self.timers.cancel(Timer::Silence);
            self.timers.cancel(Timer::Recognition);
            if waits {
                self.timers.set(Timer::NoInput, now + patience);
            }
        }
        self.outputs.push_back(Output::HearKeysOnly { request_id });
        self.take_digits(now);
    }

    /// Takes digits while the session is not matching any: one at a time, so that digits after the end of this input
    /// stay for the next.
    pub(super) fn take_digits(&mut self, now: Instant) {
        let age_max = self.digit_age_max();
        let within = self.config.key_takes_over_within;
        loop {
            let State::Recognizing { recognition, phase } = &mut self.state else { return };
            let is_ready = match phase {
                Phase::Waiting { modes } => modes.dtmf,
                Phase::Speaking { modes, .. } | Phase::Silent { modes, .. } => {
                    modes.dtmf && recognition.yields_to_keys(now, within)
                }
                Phase::Keying { found, .. } => *found == KeysFound::Known,
                Phase::Loading | Phase::Finishing { .. } | Phase::Completing { .. } => false,
            };
            if !is_ready {
                return;
            }
            let Some(digit) = self.type_ahead.take(now, age_max) else {
                return;
            };
            let params = Arc::clone(&recognition.params);
            let request_id = recognition.id;
            let modes = phase.modes();
            let mut digits = match std::mem::replace(phase, Phase::Loading) {
                Phase::Keying { digits, .. } => digits,
                Phase::Loading
                | Phase::Waiting { .. }
                | Phase::Speaking { .. }
                | Phase::Silent { .. }
                | Phase::Finishing { .. }
                | Phase::Completing { .. } => String::new(),
            };
            let is_terminator = params.dtmf_term_char == Some(digit);
            let fits = digits.len() < self.config.digits_max;
            if !is_terminator && fits {
                digits.push(digit);
            }
            let found = if is_terminator || !fits { KeysFound::Known } else { KeysFound::Asked };
            *phase = Phase::Keying { modes, digits: digits.clone(), found };
            self.timers.cancel(Timer::Silence);
            self.timers.cancel(Timer::Term);
            self.timers.set(Timer::Interdigit, now + params.dtmf_interdigit_timeout);
            self.input_started(now, InputType::Dtmf);
            if is_terminator && params.mode.is_hotword() {
                // What could match has matched before.
                return self.ignore_input(now);
            }
            if is_terminator {
                return self.finish(now, EndOfInput::Natural);
            }
            if fits {
                self.outputs.push_back(Output::MatchDtmf { request_id, digits });
            } else {
                self.counters.dropped_digits += 1;
            }
        }
    }
}
