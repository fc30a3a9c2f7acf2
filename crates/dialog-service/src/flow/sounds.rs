//! Answers found by how they sound. Recognizers of Chinese often write another character of the same sound: 没有 as 美友, 六分 as 流分.

use std::fmt::Write as _;

use serde_json::Value;
use speech::{Grammar, Hypothesis, Language};

use super::slot::{SlotKind, json_number};

/// A list of likely answers, each with its value.
#[derive(Debug, Clone, Default)]
pub(crate) struct SoundList {
    grammar: Option<Grammar>,
    values: Vec<Value>,
}

/// One syllable sounds like too many things.
const CHARS_MIN: usize = 2;
/// Numbers beyond this are not listed.
const NUMBER_MAX: i64 = 20;

impl SoundList {
    /// The likely Chinese answers for a slot of this kind.
    pub(crate) fn of(kind: &SlotKind) -> Self {
        let answers: Vec<(String, Value)> = match kind {
            SlotKind::Boolean { yes, no } => {
                const YES: [&str; 8] = ["有的", "是的", "对的", "好的", "要的", "需要", "可以", "有一点"];
                const NO: [&str; 9] =
                    ["没有", "没有了", "都没有", "不是", "不是的", "不用", "不用了", "不要", "不需要"];
                let own = |phrases: &super::Phrases, value: bool| {
                    phrases
                        .of(Language::Chinese)
                        .map(|phrase| (phrase.to_owned(), Value::Bool(value)))
                        .collect::<Vec<_>>()
                };
                let fixed = |phrases: &[&str], value: bool| {
                    phrases.iter().map(|phrase| ((*phrase).to_owned(), Value::Bool(value))).collect::<Vec<_>>()
                };
                [fixed(&YES, true), own(yes, true), fixed(&NO, false), own(no, false)].concat()
            }
            SlotKind::Number { min, max, .. } => numbers(*min, *max),
            SlotKind::Choice { options } => options
                .iter()
                .flat_map(|(name, phrases)| {
                    phrases.of(Language::Chinese).map(|phrase| (phrase.to_owned(), Value::from(name.as_str())))
                })
                .collect(),
            SlotKind::Day => days(),
            SlotKind::Text { .. } | SlotKind::Name { .. } | SlotKind::Digits { .. } => Vec::new(),
        };
        Self::new(answers)
    }

    fn new(answers: Vec<(String, Value)>) -> Self {
        let mut items = String::new();
        let mut values = Vec::new();
        for (phrase, value) in answers {
            // Letters only, so nothing needs to be escaped.
            let phrase: String = phrase.chars().filter(|c| c.is_alphanumeric()).collect();
            if phrase.chars().count() >= CHARS_MIN {
                // Writing to a string does not fail.
                let _ = write!(items, "<item>{phrase}<tag>{}</tag></item>", values.len());
                values.push(value);
            }
        }
        let srgs = format!(
            "<grammar xmlns=\"http://www.w3.org/2001/06/grammar\" version=\"1.0\" xml:lang=\"zh-CN\" root=\"r\" \
             tag-format=\"semantics/1.0-literals\"><rule id=\"r\"><one-of>{items}</one-of></rule></grammar>"
        );
        let grammar = Grammar::from_body("application/srgs+xml", srgs.as_bytes(), Language::Chinese).ok();
        Self { grammar: grammar.filter(|_| !values.is_empty()), values }
    }

    /// The value of the answer that one of the texts sounds like; none when several do.
    pub(crate) fn find<'a>(&self, texts: impl Iterator<Item = &'a str>) -> Option<&Value> {
        let grammar = self.grammar.as_ref()?;
        let hypotheses: Vec<Hypothesis> = texts
            .filter(|text| Language::of_text(text) == Some(Language::Chinese))
            .map(|text| Hypothesis::new(text, 1.0, Language::Chinese))
            .collect();
        let best = grammar.match_speech(&hypotheses).into_iter().next()?;
        let index: usize = best.instance.as_str()?.parse().ok()?;
        self.values.get(index)
    }
}

fn numbers(min: f64, max: f64) -> Vec<(String, Value)> {
    const NAMES: [&str; 21] = [
        "零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二", "十三", "十四", "十五",
        "十六", "十七", "十八", "十九", "二十",
    ];
    let mut answers = Vec::new();
    for (number, name) in (0..=NUMBER_MAX).zip(NAMES) {
        // Four and ten, and all with them, are told apart by a sound that the telephone swallows: better to ask again.
        let is_safe = !name.contains(['四', '十']);
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let value = number as f64;
        if is_safe && (min..=max).contains(&value) {
            for phrase in
                [format!("{name}分"), format!("大概{name}分"), format!("差不多{name}分"), format!("大约{name}分")]
            {
                answers.extend(json_number(value).map(|value| (phrase, value)));
            }
        }
    }
    answers
}

fn days() -> Vec<(String, Value)> {
    const DAYS: [(&str, &str); 7] = [
        ("一", "monday"),
        ("二", "tuesday"),
        ("三", "wednesday"),
        ("四", "thursday"),
        ("五", "friday"),
        ("六", "saturday"),
        ("日", "sunday"),
    ];
    let mut answers: Vec<(String, Value)> =
        [("今天", "today"), ("明天", "tomorrow"), ("后天", "day-after-tomorrow"), ("都可以", "any")]
            .map(|(phrase, label)| (phrase.to_owned(), Value::from(label)))
            .to_vec();
    for (name, day) in DAYS {
        for week in ["星期", "周", "礼拜"] {
            answers.push((format!("{week}{name}"), Value::from(day)));
            answers.push((format!("下{week}{name}"), Value::from(format!("next-{day}"))));
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::flow::phrases::Phrases;

    fn find(kind: &SlotKind, text: &str) -> Option<Value> {
        SoundList::of(kind).find(std::iter::once(text)).cloned()
    }

    const PAIN: SlotKind = SlotKind::Number { min: 0.0, max: 10.0, whole: true };

    #[test]
    fn an_answer_in_other_characters_is_found() {
        let boolean = SlotKind::Boolean {
            yes: Phrases::new(BTreeMap::from([(Language::Chinese, vec!["按时".to_owned()])])),
            no: Phrases::default(),
        };
        for (text, expected) in [("美友", false), ("没油", false), ("安时", true), ("需药", true)] {
            assert_eq!(find(&boolean, text), Some(json!(expected)), "{text}");
        }
        for (text, expected) in [("流分", 6), ("大概流芬", 6), ("武分", 5), ("差不多七粉", 7)] {
            assert_eq!(find(&PAIN, text), Some(json!(expected)), "{text}");
        }
        assert_eq!(find(&SlotKind::Day, "名天"), Some(json!("tomorrow")));
        assert_eq!(find(&SlotKind::Day, "下洲一"), Some(json!("next-monday")));
    }

    #[test]
    fn what_sounds_like_nothing_or_like_two_things_is_not_guessed() {
        for text in ["香蕉", "是分", "", "banana", "今天天气很好我们去公园"] {
            assert_eq!(find(&PAIN, text), None, "{text}");
        }
    }

    #[test]
    fn a_text_has_no_list() {
        assert_eq!(find(&SlotKind::Text { max_chars: 10, pattern: None }, "没有"), None);
    }
}
