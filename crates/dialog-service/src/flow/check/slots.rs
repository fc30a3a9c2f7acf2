//! Slots.

use regex::Regex;
use speech::Language;

use super::Checker;
use crate::flow::{
    Slot,
    document::{At, SlotDoc},
    slot::SlotKind,
    sounds::SoundList,
};

/// Characters of a text slot, unless the flow says otherwise.
const TEXT_CHARS_MAX: usize = 500;
/// Characters of a name, unless the flow says otherwise.
const NAME_CHARS_MAX: usize = 60;
/// Digits of a slot.
const DIGITS_MAX: f64 = 64.0;

impl Checker {
    pub(super) fn slot(&mut self, name: &At<String>, slot: &SlotDoc) -> Slot {
        let kind = match slot.kind.value.as_str() {
            "boolean" => SlotKind::Boolean {
                yes: slot.yes_words.as_ref().map(|words| self.phrases(words)).unwrap_or_default(),
                no: slot.no_words.as_ref().map(|words| self.phrases(words)).unwrap_or_default(),
            },
            "number" => self.number(name, slot),
            "choice" => self.choice(name, slot),
            "text" => {
                SlotKind::Text { max_chars: slot.max_chars.unwrap_or(TEXT_CHARS_MAX), pattern: self.pattern(slot) }
            }
            "name" => SlotKind::Name { max_chars: slot.max_chars.unwrap_or(NAME_CHARS_MAX) },
            "digits" => self.digits(name, slot),
            "day" => SlotKind::Day,
            other => {
                let at = slot.kind.at;
                self.error(
                    at,
                    format!("{other:?} is not a type; there are boolean, number, choice, text, name, digits and day"),
                );
                SlotKind::Day
            }
        };
        let is_name = !name.value.is_empty() && name.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            self.error(name.at, "the name of a slot may hold letters, digits and \"_\"");
        }
        for (given, key, of) in [
            (slot.min.is_some() || slot.max.is_some(), "min and max", &["number", "digits"][..]),
            (slot.whole.is_some(), "whole", &["number"]),
            (slot.max_chars.is_some(), "max_chars", &["text", "name"]),
            (slot.pattern.is_some(), "pattern", &["text", "digits"]),
            (slot.secret.is_some(), "secret", &["digits"]),
            (slot.yes_words.is_some() || slot.no_words.is_some(), "yes and no", &["boolean"]),
            (!slot.options.0.is_empty(), "options", &["choice"]),
        ] {
            if given && !of.contains(&slot.kind.value.as_str()) {
                self.error(name.at, format!("{key} may be given for the type {}", of.join(" and ")));
            }
        }
        let sounds =
            if self.languages.contains(&Language::Chinese) { SoundList::of(&kind) } else { SoundList::default() };
        Slot { name: name.value.clone(), kind, sounds }
    }

    fn number(&mut self, name: &At<String>, slot: &SlotDoc) -> SlotKind {
        let (Some(min), Some(max)) = (&slot.min, &slot.max) else {
            self.error(name.at, "a number needs min and max");
            return SlotKind::Day;
        };
        if min.value > max.value || !min.value.is_finite() || !max.value.is_finite() {
            self.error(min.at, format!("no number is between {} and {}", min.value, max.value));
        }
        SlotKind::Number { min: min.value, max: max.value, whole: slot.whole.unwrap_or(false) }
    }

    fn choice(&mut self, name: &At<String>, slot: &SlotDoc) -> SlotKind {
        if slot.options.0.len() < 2 {
            self.error(name.at, "a choice needs at least two options");
        }
        let mut options = Vec::new();
        for (option, words) in &slot.options.0 {
            options.push((option.value.clone(), self.phrases_at(option.at, words)));
        }
        SlotKind::Choice { options }
    }

    fn digits(&mut self, name: &At<String>, slot: &SlotDoc) -> SlotKind {
        let bound = |bound: &Option<At<f64>>, default: f64| bound.as_ref().map_or(default, |bound| bound.value);
        let (min, max) = (bound(&slot.min, 1.0), bound(&slot.max, DIGITS_MAX));
        let is_count = |count: f64| count.fract() == 0.0 && (1.0..=DIGITS_MAX).contains(&count);
        if !is_count(min) || !is_count(max) || min > max {
            self.error(name.at, format!("digits need a min and a max from 1 to {DIGITS_MAX}, in this order"));
            return SlotKind::Day;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and from 1 to 64")]
        let (min, max) = (min as u32, max as u32);
        SlotKind::Digits { min, max, pattern: self.pattern(slot), secret: slot.secret.unwrap_or(false) }
    }

    fn pattern(&mut self, slot: &SlotDoc) -> Option<Regex> {
        let pattern = slot.pattern.as_ref()?;
        match Regex::new(&format!("^(?:{})$", pattern.value)) {
            Ok(regex) => Some(regex),
            Err(err) => {
                let why = err.to_string().lines().last().unwrap_or_default().trim().to_owned();
                self.error(pattern.at, format!("the pattern is no regular expression: {why}"));
                None
            }
        }
    }
}
