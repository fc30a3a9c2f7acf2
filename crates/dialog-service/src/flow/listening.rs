//! How an answer is listened to: derived from the slot, refined by the question.

use std::collections::BTreeMap;

use speech::Language;

use super::{Flow, Question, slot::SlotKind};

/// Hints of one question.
const HINTS_MAX: usize = 100;
/// Digits of one answer.
const DIGITS_MAX: u32 = 64;

/// What kind of answer is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    /// Nothing in particular.
    Anything,
    /// Yes or no.
    YesNo,
    /// A number of digits.
    Digits,
    /// A number, an amount, a score.
    Number,
    /// A date or a time.
    DateTime,
    /// A choice among few words.
    Choice,
    /// A name or an address.
    Name,
    /// A story: pauses are part of it.
    Open,
}

/// How to listen to the answer to a reply. Zero means: not known, or as the client and the server say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// What kind of answer is expected.
    pub expects: Expects,
    /// The least digits of a complete answer.
    pub digits_min: u32,
    /// The most digits of a complete answer.
    pub digits_max: u32,
    /// Words that are likely to be said.
    pub hints: Vec<String>,
    /// How long the caller may say nothing, milliseconds.
    pub no_input_timeout_ms: u32,
    /// The silence that ends a complete answer, milliseconds.
    pub complete_silence_ms: u32,
    /// The silence that ends an incomplete answer, milliseconds.
    pub incomplete_silence_ms: u32,
}

/// What a question says about listening.
#[derive(Debug, Default)]
pub(super) struct ListeningOptions {
    pub(super) expects: Option<Expects>,
    pub(super) hints: BTreeMap<Language, Vec<String>>,
    pub(super) no_input_timeout_ms: u32,
    pub(super) complete_silence_ms: u32,
    pub(super) incomplete_silence_ms: u32,
}

/// Keys only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Collect {
    pub(super) terminators: String,
    pub(super) interdigit_timeout_ms: u32,
    pub(super) no_input_timeout_ms: u32,
}

impl Default for Collect {
    fn default() -> Self {
        Self { terminators: "#".to_owned(), interdigit_timeout_ms: 0, no_input_timeout_ms: 0 }
    }
}

impl Listening {
    /// A plain yes or no.
    pub(super) fn yes_no() -> Self {
        Self::of(Expects::YesNo)
    }

    pub(super) fn of(expects: Expects) -> Self {
        Self {
            expects,
            digits_min: 0,
            digits_max: 0,
            hints: Vec::new(),
            no_input_timeout_ms: 0,
            complete_silence_ms: 0,
            incomplete_silence_ms: 0,
        }
    }

    pub(super) fn to(flow: &Flow, question: &Question, language: Language) -> Self {
        let options = &question.listening;
        let mut listening = Self::of(Expects::Anything);
        let mut hints = options.hints.get(&language).cloned().unwrap_or_default();
        if let Some(slot) = flow.slot(question.slot) {
            listening.expects = match &slot.kind {
                SlotKind::Boolean { yes, no } => {
                    hints.extend(yes.of(language).chain(no.of(language)).map(str::to_owned));
                    Expects::YesNo
                }
                SlotKind::Number { .. } => Expects::Number,
                SlotKind::Choice { options } => {
                    hints.extend(options.iter().flat_map(|(_, phrases)| phrases.of(language)).map(str::to_owned));
                    Expects::Choice
                }
                SlotKind::Text { .. } => Expects::Open,
                SlotKind::Name { .. } => Expects::Name,
                SlotKind::Digits { min, max, .. } => {
                    (listening.digits_min, listening.digits_max) = (*min, (*max).min(DIGITS_MAX));
                    Expects::Digits
                }
                SlotKind::Day => Expects::DateTime,
            };
        }
        if let Some(expects) = options.expects {
            listening.expects = expects;
        }
        hints.truncate(HINTS_MAX);
        Self {
            hints,
            no_input_timeout_ms: options.no_input_timeout_ms,
            complete_silence_ms: options.complete_silence_ms,
            incomplete_silence_ms: options.incomplete_silence_ms,
            ..listening
        }
    }
}
