//! The builtin types of VoiceXML (Appendix P of VoiceXML 2.0): what may be said and keyed to each, and what it means.
//!
//! A [`Builtin`] is a type with its parameters. [`Builtin::understand`] takes a whole utterance, [`Builtin::prefixes`] the
//! begin of one (for a rule of another grammar that refers to a builtin), [`Builtin::match_keys`] what was keyed. A date that
//! is said relative to today needs to be told which day that is; without it "tomorrow" is no date.
//!
//! An utterance is read in four steps, of which the first that succeeds counts: as it is; without hesitation; without what
//! callers say around what counts ([`carriers`]); with what was taken back left out. In Chinese a fifth step repairs
//! homophones. What is left must then be in the grammar of the type as a whole: better to ask again than to guess.

mod carriers;
mod chinese;
mod date;
mod english;
mod keys;
mod money;
mod params;
mod progress;
mod time;
mod tokens;

use jiff::civil::Date;
use serde_json::Value;

use crate::{DtmfMatch, GrammarError, Language, answer, query::UriParts, text};
use chinese::Repairable;
use english::DateContext;
use params::Region;
pub(crate) use params::{Lengths, YesNoKeys};

/// A builtin type with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Builtin {
    kind: Kind,
    region: Region,
    /// Words that are not in the grammar may stand before and behind what is.
    garbage: bool,
}

/// The types.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// Yes or no; means `true` or `false`.
    Boolean(YesNoKeys),
    /// A date; means `yyyymmdd`, with `?` for what was not told.
    Date,
    /// A string of digits; means the digits.
    Digits(Lengths),
    /// An amount of money; means `UUUmm.nn`.
    Currency,
    /// A number, with as many digits as asked for; means the number.
    Number(Lengths),
    /// A telephone number; means its digits, and `x` before those of an extension.
    Phone,
    /// A time of day; means `hhmm` and `a`, `p`, `h` or `?`.
    Time,
}

/// What an utterance means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Meaning {
    /// The value.
    pub(crate) instance: Value,
    /// How well the words fit, 0 to 1.
    pub(crate) quality: f32,
}

/// Longer utterances are stories, not answers.
const CHARS_MAX: usize = 400;
const TOKENS_MAX: usize = 64;
/// A time beside a date, or a date beside a time, is left out.
const BESIDE_QUALITY: f32 = 0.95;
/// What it costs when all characters were taken for homophones; a part of them costs that part.
const REPAIR_COST: f32 = 0.3;
/// Other words stand around.
const GARBAGE_QUALITY: f32 = 0.75;

impl Builtin {
    /// The type of this name (in lower case) with the parameters of its URI; `None` for an unknown type.
    ///
    /// # Errors
    /// `Parameter` for parameters that the type does not have or that make no sense.
    pub(crate) fn of(name: &str, parts: &UriParts<'_>) -> Option<Result<Self, GrammarError>> {
        params::kind(name, parts).map(|kind| {
            Ok(Self { kind: kind?, region: Region::of(parts.language_tag()), garbage: params::garbage(parts)? })
        })
    }

    /// What an utterance means; `None` when it is not in the grammar. `today` is the date that "tomorrow" is resolved
    /// against. The language is that of the text's script; `language` decides when there is none.
    pub(crate) fn understand(&self, text: &str, language: Language, today: Option<Date>) -> Option<Meaning> {
        if text.chars().nth(CHARS_MAX).is_some() {
            return None;
        }
        if let Kind::Boolean(_) = self.kind {
            return answer::yes_no(text, language).map(|yes| Meaning { instance: yes.into(), quality: 1.0 });
        }
        let language = Language::of_text(text).unwrap_or(language);
        let tokens = tokens::tokens(text);
        if tokens.len() > TOKENS_MAX {
            return None;
        }
        let plain = text::without_fillers(&tokens, language);
        self.around(&tokens, language, today)
            .or_else(|| self.around(&plain, language, today))
            .or_else(|| {
                let (taken_back, corrected) = carriers::correction(&plain, language)?;
                self.around(taken_back, language, today)?;
                self.around(corrected, language, today)
            })
            .or_else(|| if language == Language::Chinese { self.repaired(&plain, today) } else { None })
            .or_else(|| if self.garbage { self.within(&plain, language, today) } else { None })
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
                let meaning = match self.kind {
                    Kind::Boolean(_) => self.understand(&text, language, today),
                    _ => {
                        let language = Language::of_text(&text).unwrap_or(language);
                        self.read(&tokens::tokens(&text), language, today)
                    }
                };
                meaning.map(|meaning| (length, meaning.instance))
            })
            .collect()
    }

    /// How keys stand to this type.
    pub(crate) fn match_keys(&self, keys: &str) -> DtmfMatch {
        keys::match_keys(&self.kind, keys)
    }

    /// Words that engines can be biased towards.
    pub(crate) fn phrases(&self, language: Option<Language>) -> &'static [&'static str] {
        match (&self.kind, language) {
            (Kind::Boolean(_), Some(Language::English)) => &["yes", "no"],
            (Kind::Boolean(_), Some(Language::Chinese)) => &["是的", "不是", "对", "没有"],
            _ => &[],
        }
    }

    /// The first reading of what is left when politeness is taken away.
    fn around(&self, tokens: &[String], language: Language, today: Option<Date>) -> Option<Meaning> {
        carriers::cores(tokens, &self.kind, language).into_iter().find_map(|core| self.read(core, language, today))
    }

    /// With homophones repaired, when all repairs that can be read mean the same.
    fn repaired(&self, tokens: &[String], today: Option<Date>) -> Option<Meaning> {
        let repairable = self.repairable(tokens.len());
        carriers::cores(tokens, &self.kind, Language::Chinese).into_iter().find_map(|core| {
            let repairs = chinese::repairs(core, repairable)?;
            let mut meanings = repairs.readings.iter().filter_map(|core| self.read(core, Language::Chinese, today));
            let first = meanings.next()?;
            let quality = first.quality * (1.0 - REPAIR_COST * repairs.share);
            meanings.all(|other| other.instance == first.instance).then_some(Meaning { quality, ..first })
        })
    }

    /// The longest part of an utterance that is in the grammar, unless another part means something else.
    fn within(&self, tokens: &[String], language: Language, today: Option<Date>) -> Option<Meaning> {
        let (from, to, meaning) = self.longest(tokens, language, today)?;
        let head = tokens.get(..from).unwrap_or_default();
        let tail = tokens.get(to..).unwrap_or_default();
        let contradicted = [head, tail].into_iter().any(|part| {
            self.longest(part, language, today).is_some_and(|(_, _, other)| other.instance != meaning.instance)
        });
        (!contradicted).then_some(Meaning { quality: meaning.quality * GARBAGE_QUALITY, ..meaning })
    }

    fn longest(&self, tokens: &[String], language: Language, today: Option<Date>) -> Option<(usize, usize, Meaning)> {
        // Longer parts are told in one piece.
        const PART_MAX: usize = 16;
        (1..=tokens.len().min(PART_MAX)).rev().find_map(|length| {
            (0..=tokens.len() - length).find_map(|from| {
                let part = tokens.get(from..from + length)?;
                // Among other words they are what they are; only among digits they are digits.
                if tokens::is_any(part, &["to", "too", "for", "fore", "won", "ate", "tree", "o"]) {
                    return None;
                }
                self.read(part, language, today).map(|meaning| (from, from + length, meaning))
            })
        })
    }

    /// All of `tokens` as a value of this type.
    fn read(&self, tokens: &[String], language: Language, today: Option<Date>) -> Option<Meaning> {
        let chinese = language == Language::Chinese;
        let mut quality = 1.0;
        let mut beside = |beside: bool| {
            if beside {
                quality = BESIDE_QUALITY;
            }
        };
        let context = DateContext { today, day_first: self.region.day_first };
        let instance = match &self.kind {
            Kind::Boolean(_) => return None,
            Kind::Date => {
                let read = if chinese { chinese::date(tokens, today) } else { english::date(tokens, context) };
                let (date, has_time) = read?;
                beside(has_time);
                date.canonical().into()
            }
            Kind::Time => {
                let read = if chinese { chinese::time(tokens, today) } else { english::time(tokens, context) };
                let (time, has_date) = read?;
                beside(has_date);
                time.canonical().into()
            }
            Kind::Digits(lengths) => {
                let digits = if chinese { chinese::digits(tokens) } else { english::digits(tokens) }?;
                lengths.allow(digits.len()).then(|| digits.into())?
            }
            Kind::Number(lengths) => {
                let number = if chinese { chinese::number(tokens) } else { english::number(tokens) }?;
                let digits = number.chars().filter(char::is_ascii_digit).count();
                lengths.allow(digits).then(|| number.parse().ok().map(number_instance))??
            }
            Kind::Currency => {
                let amount =
                    if chinese { chinese::amount(tokens) } else { english::amount(tokens, self.region.dollar) }?;
                amount.canonical().into()
            }
            Kind::Phone => {
                let number = if chinese { chinese::phone(tokens) } else { english::phone(tokens) }?;
                is_plausible_phone(&number).then(|| number.into())?
            }
        };
        Some(Meaning { instance, quality })
    }

    /// The characters of this type in Chinese, into which homophones may be repaired. Of a string of digits most may be
    /// homophones: no other words sound like four digits in a row.
    fn repairable(&self, tokens: usize) -> Repairable {
        let vocabulary = match self.kind {
            Kind::Boolean(_) => "",
            Kind::Date => "零一二三四五六七八九十两年月日号天今明后昨前大周星期礼拜上下这本底个",
            Kind::Time => "零一二三四五六七八九十两点半刻分钟上下中午早晚凌晨整差过",
            Kind::Digits(_) => "零一二三四五六七八九十百两个幺洞拐",
            Kind::Number(_) => "零一二三四五六七八九十百千万亿两点负分度个",
            Kind::Currency => "零一二三四五六七八九十百千万两点块元毛角分钱",
            Kind::Phone => "零一二三四五六七八九两个幺洞拐转分机",
        };
        match self.kind {
            Kind::Digits(_) | Kind::Phone => {
                Repairable { vocabulary, never: "十", share_max: if tokens < 4 { 50 } else { 75 } }
            }
            _ => Repairable { vocabulary, never: "四十", share_max: 50 },
        }
    }
}

/// Emergency numbers have three digits, international ones at most fifteen, with a prefix some more.
fn is_plausible_phone(number: &str) -> bool {
    let main = number.split('x').next().unwrap_or_default();
    (3..=20).contains(&main.len())
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
