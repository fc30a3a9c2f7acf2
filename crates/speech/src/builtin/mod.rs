//! The builtin types of VoiceXML (Appendix P of VoiceXML 2.0): what may be said and keyed to each, and what it means.
//!
//! A [`Builtin`] is a type with its parameters. [`Builtin::understand`] takes a whole utterance, [`Builtin::prefixes`] the
//! begin of one (for a rule of another grammar that refers to a builtin), [`Builtin::match_keys`] what was keyed. A date that
//! is said relative to today needs to be told which day that is; without it "tomorrow" is no date.

mod keys;
mod params;

use jiff::civil::Date;
use serde_json::Value;

use crate::{DtmfMatch, GrammarError};
use crate::{Language, answer, number, query::UriParts, spoken_digits};
pub(crate) use params::{Lengths, YesNoKeys};

/// A builtin type with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Builtin {
    /// Yes or no; means `true` or `false`.
    Boolean(YesNoKeys),
    /// A string of digits; means the digits.
    Digits(Lengths),
    /// A number; means the number.
    Number,
}

/// What an utterance means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Meaning {
    /// The value.
    pub(crate) instance: Value,
    /// How well the words fit, 0 to 1.
    pub(crate) quality: f32,
}

impl Builtin {
    /// The type of this name (in lower case) with the parameters of its URI; `None` for an unknown type.
    ///
    /// # Errors
    /// `Parameter` for parameters that make no sense.
    pub(crate) fn of(name: &str, parts: &UriParts<'_>) -> Option<Result<Self, GrammarError>> {
        Some(match name {
            "boolean" => params::yes_no_keys(parts).map(Self::Boolean),
            "digits" => params::lengths(parts).map(Self::Digits),
            "number" => Ok(Self::Number),
            _ => return None,
        })
    }

    /// What an utterance means; `None` when it is not in the grammar. `today` is the date that "tomorrow" is resolved
    /// against.
    pub(crate) fn understand(&self, text: &str, language: Language, _today: Option<Date>) -> Option<Meaning> {
        let instance = match self {
            Self::Boolean(_) => answer::yes_no(text, language)?.into(),
            Self::Digits(lengths) => {
                let digits = spoken_digits::digits(text, language)?;
                lengths.allow(digits.len()).then(|| digits.into())?
            }
            Self::Number => number_instance(number::parse(text, language)?),
        };
        Some(Meaning { instance, quality: 1.0 })
    }

    /// The prefixes of `words` (as [`crate::text::words`] gives them, or the tokens of an SRGS grammar) that are in the
    /// grammar: how many words each takes, and what it means; the longest first. A prefix is read strictly: hesitation
    /// and politeness belong to whatever stands around it.
    pub(crate) fn prefixes(&self, words: &[String], language: Language, today: Option<Date>) -> Vec<(usize, Value)> {
        const WORDS_MAX: usize = 24;
        (1..=words.len().min(WORDS_MAX))
            .rev()
            .filter_map(|length| {
                let text = words.get(..length)?.join(" ");
                self.understand(&text, language, today).map(|meaning| (length, meaning.instance))
            })
            .collect()
    }

    /// How keys stand to this type.
    pub(crate) fn match_keys(&self, keys: &str) -> DtmfMatch {
        keys::match_keys(self, keys)
    }

    /// Words that engines can be biased towards.
    pub(crate) fn phrases(&self, language: Option<Language>) -> &'static [&'static str] {
        match (self, language) {
            (Self::Boolean(_), Some(Language::English)) => &["yes", "no"],
            (Self::Boolean(_), Some(Language::Chinese)) => &["是的", "不是", "对", "没有"],
            (Self::Boolean(_) | Self::Digits(_) | Self::Number, _) => &[],
        }
    }
}

/// A number as an instance: whole numbers without a decimal point.
pub(crate) fn number_instance(value: f64) -> Value {
    const WHOLE_MAX: f64 = 1e15;
    if value.fract() == 0.0 && value.abs() < WHOLE_MAX {
        #[expect(clippy::cast_possible_truncation, reason = "whole and far below 2^63")]
        let whole = value as i64;
        whole.into()
    } else {
        value.into()
    }
}
