use regex::Regex;
use serde_json::{Number, Value};
use speech::Language;

use super::{day, phrases::Phrases, sounds::SoundList};

/// What a flow wants to know.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) kind: SlotKind,
    /// Likely Chinese answers, for what the recognizer wrote in other characters.
    pub(crate) sounds: SoundList,
}

/// What kind of value a slot takes, and which values.
#[derive(Debug, Clone)]
pub(crate) enum SlotKind {
    /// Yes or no; the flow may add words that mean either.
    Boolean { yes: Phrases, no: Phrases },
    /// A number in a range, both ends included.
    Number { min: f64, max: f64, whole: bool },
    /// One of several, by the words that mean it.
    Choice { options: Vec<(String, Phrases)> },
    /// Whatever was said.
    Text { max_chars: usize, pattern: Option<Regex> },
    /// Somebody's name: what was said without "my name is".
    Name { max_chars: usize },
    /// So many digits.
    Digits { min: u32, max: u32, pattern: Option<Regex>, secret: bool },
    /// A day, as a label.
    Day,
}

/// What an answer means for a slot.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reading {
    /// It is a value.
    Value(Value),
    /// It is of the right kind, but not allowed.
    NotAllowed,
    /// It is not an answer.
    NotUnderstood,
}

impl SlotKind {
    /// Reads an answer from hypotheses, best first. A later hypothesis counts when no earlier one is a value.
    pub(crate) fn read_speech<'a>(&self, hypotheses: impl Iterator<Item = &'a str>, language: Language) -> Reading {
        let mut reading = Reading::NotUnderstood;
        for text in hypotheses {
            match self.read_text(text, language) {
                value @ Reading::Value(_) => return value,
                Reading::NotAllowed => reading = Reading::NotAllowed,
                Reading::NotUnderstood => {}
            }
        }
        reading
    }

    fn read_text(&self, text: &str, language: Language) -> Reading {
        if text.trim().is_empty() {
            return Reading::NotUnderstood;
        }
        match self {
            Self::Boolean { yes, no } => match (yes.affirmed_in(text), no.affirmed_in(text)) {
                (true, false) => Reading::Value(Value::Bool(true)),
                (false, true) => Reading::Value(Value::Bool(false)),
                (true, true) | (false, false) => speech::yes_no(text, language)
                    .map_or(Reading::NotUnderstood, |yes| Reading::Value(Value::Bool(yes))),
            },
            Self::Number { .. } => {
                speech::number::parse(text, language).map_or(Reading::NotUnderstood, |number| self.read_number(number))
            }
            Self::Choice { options } => {
                let mut meant = options.iter().filter(|(_, phrases)| phrases.affirmed_in(text));
                match (meant.next(), meant.next()) {
                    (Some((name, _)), None) => Reading::Value(Value::from(name.as_str())),
                    (None | Some(_), _) => Reading::NotUnderstood,
                }
            }
            Self::Text { max_chars, pattern } => {
                let text: String = text.trim().chars().take(*max_chars).collect();
                if pattern.as_ref().is_none_or(|pattern| pattern.is_match(&text)) {
                    Reading::Value(Value::from(text))
                } else {
                    Reading::NotAllowed
                }
            }
            Self::Name { max_chars } => {
                let name: String = bare_name(text).chars().take(*max_chars).collect();
                if name.is_empty() { Reading::NotUnderstood } else { Reading::Value(Value::from(name)) }
            }
            // A secret is not to be said aloud.
            Self::Digits { secret: true, .. } => Reading::NotUnderstood,
            Self::Digits { .. } => {
                let spoken = speech::digits(text, language);
                let spoken = spoken.or_else(|| speech::digits(after_no(text), language)).unwrap_or_default();
                let digits: String = spoken.chars().filter(char::is_ascii_digit).collect();
                self.read_digits(&digits)
            }
            Self::Day => day::parse(text).map_or(Reading::NotUnderstood, |day| Reading::Value(Value::from(day))),
        }
    }

    /// Reads what a program or a language model told: a choice by its name, `true` and `false`, or else as a caller says it.
    pub(crate) fn read_told(&self, text: &str, language: Language) -> Reading {
        match (self, text.trim()) {
            (Self::Boolean { .. }, "true") => Reading::Value(Value::Bool(true)),
            (Self::Boolean { .. }, "false") => Reading::Value(Value::Bool(false)),
            (Self::Number { .. }, number) if number.parse::<f64>().is_ok_and(f64::is_finite) => {
                number.parse().map_or(Reading::NotUnderstood, |number| self.read_number(number))
            }
            (Self::Choice { options }, name) if options.iter().any(|(option, _)| option == name) => {
                Reading::Value(Value::from(name))
            }
            (Self::Digits { .. }, digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.read_digits(digits)
            }
            // A day that a program tells is a date or a label of its own.
            (Self::Day, day) if !day.is_empty() && day.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
                Reading::Value(Value::from(day))
            }
            (_, text) => self.read_text(text, language),
        }
    }

    fn read_number(&self, number: f64) -> Reading {
        match self {
            Self::Number { min, max, whole }
                if (*min..=*max).contains(&number) && !(*whole && number.fract() != 0.0) =>
            {
                json_number(number).map_or(Reading::NotUnderstood, Reading::Value)
            }
            Self::Number { .. } => Reading::NotAllowed,
            Self::Boolean { .. }
            | Self::Choice { .. }
            | Self::Text { .. }
            | Self::Name { .. }
            | Self::Digits { .. }
            | Self::Day => Reading::NotUnderstood,
        }
    }

    fn read_digits(&self, digits: &str) -> Reading {
        let Self::Digits { min, max, pattern, .. } = self else { return Reading::NotUnderstood };
        let count = u32::try_from(digits.len()).unwrap_or(u32::MAX);
        if count == 0 {
            Reading::NotUnderstood
        } else if (*min..=*max).contains(&count) && pattern.as_ref().is_none_or(|pattern| pattern.is_match(digits)) {
            Reading::Value(Value::from(digits))
        } else {
            Reading::NotAllowed
        }
    }

    /// The value is never shown.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self, Self::Digits { secret: true, .. })
    }

    /// Reads keyed digits: a number as it is, 1 for yes and 2 for no, the n-th choice, a text as it is.
    pub(crate) fn read_dtmf(&self, digits: &str) -> Reading {
        let digits = digits.trim_end_matches('#');
        match self {
            Self::Boolean { .. } => match digits {
                "1" => Reading::Value(Value::Bool(true)),
                "2" => Reading::Value(Value::Bool(false)),
                _ => Reading::NotUnderstood,
            },
            Self::Number { .. } => match digits.replace('*', ".").parse::<f64>() {
                Ok(number) if number.is_finite() => self.read_number(number),
                Ok(_) | Err(_) => Reading::NotUnderstood,
            },
            Self::Choice { options } => {
                let nth = digits.parse::<usize>().ok().and_then(|n| n.checked_sub(1)).and_then(|n| options.get(n));
                nth.map_or(Reading::NotUnderstood, |(name, _)| Reading::Value(Value::from(name.as_str())))
            }
            Self::Text { .. } if !digits.is_empty() => self.read_text(digits, Language::English),
            Self::Digits { .. } => self.read_digits(digits),
            Self::Text { .. } | Self::Name { .. } | Self::Day => Reading::NotUnderstood,
        }
    }
}

/// What follows a "no" that begins a correction.
fn after_no(text: &str) -> &str {
    const NO: [&str; 7] = ["no", "wrong", "sorry", "不对", "不是", "错了", "不"];
    let text = text.trim();
    let after = NO.iter().find_map(|no| {
        let head = text.get(..no.len())?;
        let rest = text.get(no.len()..)?;
        let is_word = !no.is_ascii() || rest.starts_with([' ', ',', '.']);
        (head.eq_ignore_ascii_case(no) && is_word).then_some(rest)
    });
    after.unwrap_or_default().trim_start_matches([' ', ',', '.', '，', '。', '、'])
}

/// A name without the words that introduce it.
fn bare_name(text: &str) -> &str {
    const INTRODUCTIONS: [&str; 18] = [
        "my name is",
        "my name's",
        "the name is",
        "this is",
        "i am",
        "i'm",
        "it's",
        "it is",
        "call me",
        "我的名字叫",
        "我的名字是",
        "我叫",
        "我姓",
        "我是",
        "叫我",
        "名字叫",
        "免贵姓",
        "叫",
    ];
    let mut name = text.trim();
    loop {
        let before = name;
        for introduction in INTRODUCTIONS {
            let Some(head) = name.get(..introduction.len()) else { continue };
            let rest = name.get(introduction.len()..).unwrap_or_default();
            let is_word = !introduction.is_ascii() || rest.starts_with([' ', ',']) || rest.is_empty();
            if head.to_lowercase().replace('’', "'") == introduction && is_word {
                name = rest.trim_start_matches([' ', ',', '，']);
            }
        }
        if name == before {
            return name.trim_end_matches(['.', '。', '!', '！', ',', '，', ' ']);
        }
    }
}

/// A whole number without a fraction: 6, not 6.0.
pub(crate) fn json_number(number: f64) -> Option<Value> {
    // Beyond this a double does not hold every whole number.
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= WHOLE_MAX {
        #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
        return Some(Value::from(number as i64));
    }
    Number::from_f64(number).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const PAIN: SlotKind = SlotKind::Number { min: 0.0, max: 10.0, whole: true };

    fn heard(kind: &SlotKind, text: &str, language: Language) -> Reading {
        kind.read_speech(std::iter::once(text), language)
    }

    fn boolean() -> SlotKind {
        SlotKind::Boolean { yes: Phrases::default(), no: Phrases::default() }
    }

    #[test]
    fn about_six_is_six() {
        assert_eq!(heard(&PAIN, "about six", Language::English), Reading::Value(json!(6)));
        assert_eq!(heard(&PAIN, "大概六分", Language::Chinese), Reading::Value(json!(6)));
    }

    #[test]
    fn a_number_out_of_range_is_understood_and_not_allowed() {
        assert_eq!(heard(&PAIN, "twelve", Language::English), Reading::NotAllowed);
        assert_eq!(heard(&PAIN, "十二分", Language::Chinese), Reading::NotAllowed);
        assert_eq!(PAIN.read_dtmf("12"), Reading::NotAllowed);
    }

    #[test]
    fn a_fraction_is_not_a_whole_number() {
        assert_eq!(heard(&PAIN, "6.5", Language::English), Reading::NotAllowed);
        let any = SlotKind::Number { min: 0.0, max: 10.0, whole: false };
        assert_eq!(heard(&any, "6.5", Language::English), Reading::Value(json!(6.5)));
    }

    #[test]
    fn a_later_hypothesis_answers_when_the_first_does_not() {
        let reading = PAIN.read_speech(["fix", "six"].into_iter(), Language::English);
        assert_eq!(reading, Reading::Value(json!(6)));
    }

    #[test]
    fn yes_and_no_are_understood_in_both_languages() {
        for (text, language, expected) in [
            ("yes", Language::English, true),
            ("no, not at all", Language::English, false),
            ("有的", Language::Chinese, true),
            ("没有", Language::Chinese, false),
        ] {
            assert_eq!(heard(&boolean(), text, language), Reading::Value(json!(expected)), "{text}");
        }
        assert_eq!(heard(&boolean(), "banana", Language::English), Reading::NotUnderstood);
    }

    #[test]
    fn words_of_the_flow_mean_yes_or_no() {
        let kind = SlotKind::Boolean {
            yes: Phrases::new(BTreeMap::from([(Language::English, vec!["red".to_owned()])])),
            no: Phrases::new(BTreeMap::from([(Language::English, vec!["fine".to_owned()])])),
        };
        assert_eq!(heard(&kind, "it is a bit red", Language::English), Reading::Value(json!(true)));
        assert_eq!(heard(&kind, "it looks fine", Language::English), Reading::Value(json!(false)));
    }

    #[test]
    fn keys_answer_questions() {
        assert_eq!(PAIN.read_dtmf("6#"), Reading::Value(json!(6)));
        assert_eq!(boolean().read_dtmf("2"), Reading::Value(json!(false)));
        assert_eq!(boolean().read_dtmf("5"), Reading::NotUnderstood);
    }

    #[test]
    fn digits_are_counted_and_a_secret_is_only_keyed() {
        let order = SlotKind::Digits { min: 6, max: 8, pattern: Some(Regex::new("^4").unwrap()), secret: false };
        assert_eq!(heard(&order, "four two one one zero nine", Language::English), Reading::Value(json!("421109")));
        assert_eq!(heard(&order, "四二一一零九", Language::Chinese), Reading::Value(json!("421109")));
        assert_eq!(
            heard(&order, "no, four two one one zero eight", Language::English),
            Reading::Value(json!("421108"))
        );
        assert_eq!(heard(&order, "不对，四二一一零八", Language::Chinese), Reading::Value(json!("421108")));
        assert_eq!(heard(&order, "four two one", Language::English), Reading::NotAllowed);
        assert_eq!(order.read_dtmf("521109"), Reading::NotAllowed);
        assert_eq!(heard(&order, "I don't know", Language::English), Reading::NotUnderstood);
        let pin = SlotKind::Digits { min: 4, max: 4, pattern: None, secret: true };
        assert_eq!(heard(&pin, "one two three four", Language::English), Reading::NotUnderstood);
        assert_eq!(pin.read_dtmf("1234#"), Reading::Value(json!("1234")));
    }

    #[test]
    fn a_name_comes_without_its_introduction() {
        let name = SlotKind::Name { max_chars: 40 };
        for (text, expected) in [
            ("my name is Ann Green.", "Ann Green"),
            ("hello", "hello"),
            ("I'm Bob", "Bob"),
            ("Imelda", "Imelda"),
            ("我叫王小明", "王小明"),
            ("我姓李。", "李"),
        ] {
            assert_eq!(heard(&name, text, Language::English), Reading::Value(json!(expected)), "{text}");
        }
    }

    #[test]
    fn a_choice_is_one_of_its_options_and_not_two() {
        let words = |word: &str| Phrases::new(BTreeMap::from([(Language::English, vec![word.to_owned()])]));
        let kind =
            SlotKind::Choice { options: vec![("am".into(), words("morning")), ("pm".into(), words("afternoon"))] };
        assert_eq!(heard(&kind, "in the morning", Language::English), Reading::Value(json!("am")));
        assert_eq!(heard(&kind, "morning or afternoon", Language::English), Reading::NotUnderstood);
        assert_eq!(kind.read_dtmf("2"), Reading::Value(json!("pm")));
        assert_eq!(kind.read_dtmf("0"), Reading::NotUnderstood);
    }

    proptest! {
        #[test]
        fn a_value_is_always_allowed(text in ".*", dtmf in "[0-9*#]{0,8}") {
            for reading in [heard(&PAIN, &text, Language::English), PAIN.read_dtmf(&dtmf)] {
                if let Reading::Value(value) = reading {
                    prop_assert!((0..=10).contains(&value.as_i64().unwrap()));
                }
            }
        }
    }
}
