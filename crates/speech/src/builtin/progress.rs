//! Whether what was said so far is the beginning of a value.
//!
//! The types have no list of what may follow. Instead what callers typically go on with is put behind the words, and read:
//! "march" is the beginning of a date because "march fifth" is one.

use jiff::civil::Date;

use super::{Builtin, CHARS_MAX, Kind, Lengths, Meaning};
use crate::{Language, Progress, text};

#[rustfmt::skip]
const ENGLISH_DATE: &[&str] = &[
    "fifth", "march", "of march", "march fifth", "fifth of march", "tuesday", "twenty seven", "two thousand seven",
    "thousand seven", "seven", "tomorrow", "day after tomorrow", "after tomorrow", "days", "days ago", "ago", "three days",
    "from monday", "from today", "week", "week from monday", "month", "of the month", "end of the month", "eve", "day",
    "years eve", "half a year",
];
#[rustfmt::skip]
const ENGLISH_TIME: &[&str] = &[
    "five", "thirty", "five p m", "p m", "m", "o clock", "clock", "past five", "quarter past five", "to six", "hundred hours",
    "hours", "five past six", "in the afternoon", "the afternoon", "afternoon",
];
#[rustfmt::skip]
const ENGLISH_AMOUNT: &[&str] = &[
    "five", "dollars", "fifty", "cents", "dollars and fifty cents", "fifty cents", "hundred dollars", "point five", "buck",
    "and fifty cents", "thousand dollars",
];
#[rustfmt::skip]
const ENGLISH_NUMBER: &[&str] =
    &["five", "hundred", "thousand", "million", "twenty", "point five", "and a half", "a half", "half", "percent", "dozen"];
const ENGLISH_PHONE: &[&str] =
    &["five", "five five", "five five five", "code four one five five five five one two one two"];
const ENGLISH_BOOLEAN: &[&str] = &["so", "right", "correct", "not", "course", "of course", "problem", "way", "it is"];
#[rustfmt::skip]
const CHINESE_DATE: &[&str] = &[
    "号", "五号", "月五号", "三月五号", "年三月五号", "日", "天", "后天", "后", "月", "个月五号", "二", "期三", "星期三", "周三", "底", "旦",
    "庆节", "节", "七年", "天后",
];
#[rustfmt::skip]
const CHINESE_TIME: &[&str] = &["点", "五点", "点半", "半", "两点", "午两点", "下午两点", "上八点", "刻", "一刻", "五分", "分", "三点", "分三点"];
const CHINESE_AMOUNT: &[&str] = &["块", "元", "五块", "块五", "毛", "百块", "十块", "万元", "分", "五毛", "美元", "钱"];
const CHINESE_NUMBER: &[&str] = &["五", "十", "百", "千", "万", "点五", "度五", "分之八十", "之八十", "个半", "亿"];
const CHINESE_PHONE: &[&str] = &["五", "五五", "五五五", "机五"];
const CHINESE_BOOLEAN: &[&str] = &["是", "的", "对", "有", "用", "以", "题", "错", "用了", "好"];

impl Builtin {
    /// How what was said so far stands to this type, for the time-outs of complete and incomplete speech.
    pub(crate) fn progress(&self, text: &str, language: Language, today: Option<Date>) -> Progress {
        let goes_on = self.goes_on(text, language, today);
        match (self.understand(text, language, today), goes_on) {
            (Some(_), can_grow) => Progress::Complete { can_grow },
            (None, true) => Progress::Prefix,
            (None, false) => Progress::NoMatch,
        }
    }

    /// Whether more words can follow, and make another value of it.
    fn goes_on(&self, said: &str, language: Language, today: Option<Date>) -> bool {
        let language = Language::of_text(said).unwrap_or(language);
        if said.chars().nth(CHARS_MAX).is_some() {
            return false;
        }
        let longer = |more: &str| format!("{said} {more}");
        match &self.kind {
            Kind::Digits(lengths) | Kind::Number(lengths) => {
                let any_length = Lengths { min: 1, max: usize::MAX };
                let kind = match self.kind {
                    Kind::Number(_) => Kind::Number(any_length),
                    _ => Kind::Digits(any_length),
                };
                let relaxed = Self { kind, ..self.clone() };
                let digits =
                    |meaning: Meaning| meaning.instance.to_string().chars().filter(char::is_ascii_digit).count();
                let mut longer = self.continuations(language).iter().map(|more| longer(more));
                longer.any(|said| {
                    let count = relaxed.understand(&said, language, today).map(digits);
                    count.is_some_and(|count| count <= lengths.max)
                })
            }
            Kind::Boolean(_) | Kind::Date | Kind::Currency | Kind::Phone | Kind::Time => {
                let now = self.understand(said, language, today);
                if now.is_some() && matches!(self.kind, Kind::Boolean(_)) {
                    // What follows the answer does not matter.
                    return false;
                }
                let mut longer = self.continuations(language).iter().map(|more| longer(more));
                longer.any(|said| {
                    let meaning = self.understand(&said, language, today);
                    meaning.is_some_and(|then| {
                        // What fits worse is another value beside this one.
                        now.as_ref().is_none_or(|now| then.instance != now.instance && then.quality >= now.quality)
                    })
                })
            }
        }
    }

    fn continuations(&self, language: Language) -> &'static [&'static str] {
        match (language, &self.kind) {
            (Language::English, Kind::Date) => ENGLISH_DATE,
            (Language::English, Kind::Time) => ENGLISH_TIME,
            (Language::English, Kind::Currency) => ENGLISH_AMOUNT,
            (Language::English, Kind::Number(_) | Kind::Digits(_)) => ENGLISH_NUMBER,
            (Language::English, Kind::Phone) => ENGLISH_PHONE,
            (Language::English, Kind::Boolean(_)) => ENGLISH_BOOLEAN,
            (Language::Chinese, Kind::Date) => CHINESE_DATE,
            (Language::Chinese, Kind::Time) => CHINESE_TIME,
            (Language::Chinese, Kind::Currency) => CHINESE_AMOUNT,
            (Language::Chinese, Kind::Number(_) | Kind::Digits(_)) => CHINESE_NUMBER,
            (Language::Chinese, Kind::Phone) => CHINESE_PHONE,
            (Language::Chinese, Kind::Boolean(_)) => CHINESE_BOOLEAN,
        }
    }

    /// Whether the words are hesitation and nothing else.
    pub(crate) fn is_silence(text: &str, language: Language) -> bool {
        let words = text::words(text);
        text::meant_words(&words, language).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Grammar, Hypothesis};

    fn progress(uri: &str, said: &str) -> Progress {
        let grammar = Grammar::from_uri(uri).unwrap().on(Some(Date::constant(2026, 11, 22)));
        grammar.progress(&Hypothesis::new(said, 1.0, Language::of_text(said).unwrap_or(Language::English)))
    }

    #[test]
    fn what_can_become_a_value_is_its_beginning() {
        for (uri, said) in [
            ("builtin:grammar/digits?length=4", "one two"),
            ("builtin:grammar/digits?length=4", "double"),
            ("builtin:grammar/digits?minlength=3;maxlength=5", "一二"),
            ("builtin:grammar/date", "the day after"),
            ("builtin:grammar/date", "in three"),
            ("builtin:grammar/date", "下个"),
            ("builtin:grammar/date", "二零二七年"),
            ("builtin:grammar/time", "half"),
            ("builtin:grammar/time", "下午"),
            ("builtin:grammar/currency", "三块"),
            ("builtin:grammar/number", "六点"),
            ("builtin:grammar/boolean", "of"),
            ("builtin:grammar/phone", "area"),
            ("builtin:grammar/date", ""),
            ("builtin:grammar/digits", "um"),
        ] {
            let progress = progress(uri, said);
            let goes_on = matches!(progress, Progress::Prefix | Progress::Complete { can_grow: true });
            assert!(goes_on, "{uri} {said:?} {progress:?}");
        }
    }

    #[test]
    fn a_value_to_which_nothing_can_be_added_is_complete() {
        for (uri, said) in [
            ("builtin:grammar/digits?length=4", "one two three four"),
            ("builtin:grammar/digits?length=4", "一二三四"),
            ("builtin:grammar/date", "march fifth twenty twenty seven"),
            ("builtin:grammar/date", "二零二七年三月五号"),
            ("builtin:grammar/boolean", "yes"),
        ] {
            assert_eq!(progress(uri, said), Progress::Complete { can_grow: false }, "{uri} {said}");
        }
        for (uri, said) in [
            ("builtin:grammar/digits", "one two three"),
            ("builtin:grammar/date", "march"),
            ("builtin:grammar/number", "twenty"),
            ("builtin:grammar/time", "下午两点"),
        ] {
            assert_eq!(progress(uri, said), Progress::Complete { can_grow: true }, "{uri} {said}");
        }
    }

    #[test]
    fn what_can_become_none_is_no_match() {
        for (uri, said) in [
            ("builtin:grammar/digits?length=4", "one two three four five"),
            ("builtin:grammar/digits", "seven banana"),
            ("builtin:grammar/date", "banana"),
            ("builtin:grammar/time", "我不知道"),
        ] {
            assert_eq!(progress(uri, said), Progress::NoMatch, "{uri} {said}");
        }
    }
}
