//! Whether the caller interrupts the robot, or only lets it know that somebody listens.
//!
//! When the caller makes a sound while the robot speaks, the robot falls silent and keeps its place. What the sound turns out to be
//! decides what follows: an *interruption* ends the prompt, a backchannel or a noise lets it go on where it fell silent.

use std::time::{Duration, Instant};

use speech::Hypothesis;

use crate::backchannel::Backchannels;

/// What may interrupt a clause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum BargeIn {
    /// Speech and keys.
    #[default]
    Allowed,
    /// Keys only.
    DtmfOnly,
    /// Nothing: a notice that has to be heard.
    NotAllowed,
}

/// When a sound of the caller is an interruption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BargeInConfig {
    /// What holds for a clause that says nothing, in a conversation whose policy says nothing.
    pub default: BargeIn,
    /// Speech that has gone on for so long interrupts, although none of its words is known. 500–3000 ms: shorter takes long
    /// backchannels for interruptions, longer makes a client that waits for START-OF-INPUT slow.
    pub long_speech: Duration,
    /// How long words are awaited after the caller has paused. Without any, the sound was a noise.
    pub words_timeout: Duration,
    /// Words less sure than this, 0 to 1, of a sound no longer than [`short_sound`](Self::short_sound), are the recognizer's guess at a
    /// noise.
    pub confidence_min_percent: u8,
    /// A cough is no longer than this.
    pub short_sound: Duration,
}

impl Default for BargeInConfig {
    fn default() -> Self {
        Self {
            default: BargeIn::Allowed,
            long_speech: Duration::from_millis(1200),
            words_timeout: Duration::from_millis(1500),
            confidence_min_percent: 35,
            short_sound: Duration::from_millis(500),
        }
    }
}

/// What is heard of the caller while a RECOGNIZE listens.
#[derive(Debug, Clone, PartialEq)]
pub enum CallerSound {
    /// The caller began to speak; the listening does not count as speech for its client before [`crate::Output::YieldFloor`]
    /// (crate::Output::YieldFloor).
    Began,
    /// These are the words so far of speech that goes on.
    Partial {
        /// The words since the beginning.
        text: String,
    },
    /// The caller paused.
    Paused {
        /// Since when.
        since: Instant,
    },
    /// What was said up to the pause.
    Words {
        /// Best first; none when there was no word in it.
        hypotheses: Vec<Hypothesis>,
    },
    /// The caller went on.
    Resumed,
    /// The caller pressed a key.
    Keyed,
}

/// A sound of the caller while the robot speaks, until it is known what it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Interjection {
    began: Instant,
    phase: Phase,
    words: Words,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Speaking,
    Paused { since: Instant, told: Instant },
}

#[derive(Debug, Clone, PartialEq)]
enum Words {
    Unknown,
    /// Of speech that went on when they were heard: the last may be cut in the middle.
    Partial(String),
    /// All of them.
    Whole(Vec<Hypothesis>),
}

/// What a sound is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not known; it is time to judge again at this time, if nothing is heard before.
    Open { until: Instant },
    /// The caller has something to say.
    Interruption(Certainty),
    /// A backchannel, a cough, a noise.
    Nothing,
}

/// How sure an interruption is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// It has words.
    Words,
    /// It is long; its words are not known.
    Length,
}

/// What a sound is judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judge<'a> {
    pub(crate) config: &'a BargeInConfig,
    pub(crate) backchannels: &'a Backchannels,
    /// The robot has asked: "yes" is an answer, and no backchannel.
    pub(crate) was_asked: bool,
}

impl Interjection {
    pub(crate) fn new(began: Instant) -> Self {
        Self { began, phase: Phase::Speaking, words: Words::Unknown }
    }

    /// Takes what is heard of it.
    pub(crate) fn hear(&mut self, now: Instant, sound: CallerSound) {
        match sound {
            CallerSound::Began | CallerSound::Keyed => {}
            CallerSound::Partial { text } => self.words = Words::Partial(text),
            CallerSound::Paused { since } => self.phase = Phase::Paused { since, told: now },
            CallerSound::Words { hypotheses } => self.words = Words::Whole(hypotheses),
            CallerSound::Resumed => {
                self.phase = Phase::Speaking;
                // What was whole is a beginning now.
                if let Words::Whole(hypotheses) = &self.words {
                    self.words = Words::Partial(best(hypotheses).to_owned());
                }
            }
        }
    }

    pub(crate) fn verdict(&self, now: Instant, judge: Judge<'_>) -> Verdict {
        match (&self.phase, &self.words) {
            (Phase::Speaking, Words::Partial(text)) if judge.is_interruption_so_far(text) => {
                Verdict::Interruption(Certainty::Words)
            }
            (Phase::Speaking, Words::Unknown | Words::Partial(_) | Words::Whole(_)) => {
                let until = later(self.began, judge.config.long_speech);
                if now >= until { Verdict::Interruption(Certainty::Length) } else { Verdict::Open { until } }
            }
            (Phase::Paused { since, .. }, Words::Whole(hypotheses)) => {
                let length = since.saturating_duration_since(self.began);
                match judge.is_interruption(hypotheses, length) {
                    true => Verdict::Interruption(Certainty::Words),
                    false => Verdict::Nothing,
                }
            }
            (Phase::Paused { told, .. }, Words::Unknown | Words::Partial(_)) => {
                let until = later(*told, judge.config.words_timeout);
                if now >= until { Verdict::Nothing } else { Verdict::Open { until } }
            }
        }
    }
}

impl Judge<'_> {
    /// Whether words of speech that goes on are more than a backchannel. One word of a half is too little to go by.
    fn is_interruption_so_far(&self, text: &str) -> bool {
        self.backchannels.units(text) >= PARTIAL_UNITS_MIN && !self.backchannels.begins_with(text)
    }

    fn is_interruption(&self, hypotheses: &[Hypothesis], length: Duration) -> bool {
        let Some(hypothesis) = hypotheses.first().filter(|best| self.backchannels.units(&best.text) > 0) else {
            return false;
        };
        let is_guess = hypothesis.confidence * 100.0 < f32::from(self.config.confidence_min_percent)
            && length <= self.config.short_sound;
        !is_guess && (self.was_asked || !self.backchannels.covers(&hypothesis.text))
    }

    /// Whether what was said, all of it, is an answer or anything else that the conversation has to react to.
    pub(crate) fn is_said(&self, hypotheses: &[Hypothesis]) -> bool {
        let text = best(hypotheses);
        self.backchannels.units(text) > 0 && (self.was_asked || !self.backchannels.covers(text))
    }
}

/// Words (in Chinese, characters) that a partial must have to be more than the beginning of a backchannel.
const PARTIAL_UNITS_MIN: usize = 2;

fn best(hypotheses: &[Hypothesis]) -> &str {
    hypotheses.first().map_or("", |best| best.text.as_str())
}

fn later(at: Instant, wait: Duration) -> Instant {
    at.checked_add(wait).unwrap_or(at)
}
