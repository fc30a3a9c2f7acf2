//! Numbers as people say them.
//!
//! [`parse`] finds the one number that an answer speaks of:
//!
//! - words around it do not matter: "about six", "大概六分", "it was 38.5 degrees";
//! - of a range or a choice the first counts: "six or seven", "between six and seven", "六七分", "六到七";
//! - a number that is taken back does not count: "five, no, six", "五分，不对，六分";
//! - the top of a scale does not count: "six out of ten", "十分里面六分";
//! - of a Chinese score said alone homophones are understood ("移分" is 1), except for 四 and 十, which sound alike;
//! - an utterance that speaks of several numbers in any other way has no number: better to ask again than to guess.

mod chinese;
mod english;

pub(crate) use chinese::{digit as chinese_digit, integer as chinese_integer};
pub(crate) use english::{
    below_hundred as english_below_hundred, teen as english_teen, tens as english_tens, unit as english_unit,
};

use crate::Language;

/// Longer utterances are stories, not answers.
const CHARS_MAX: usize = 400;

/// The number that a text speaks of, see the [module](self). The language is that of the text's script; `language`
/// decides only when there is none. The result is finite.
pub fn parse(text: &str, language: Language) -> Option<f64> {
    if text.chars().nth(CHARS_MAX).is_some() {
        return None;
    }
    let number = match Language::of_text(text).unwrap_or(language) {
        Language::English => english::parse(text),
        Language::Chinese => chinese::parse(text),
    }?;
    number.is_finite().then_some(number)
}

/// One number of an utterance, and what links it to the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spoken {
    value: f64,
    link: Link,
}

/// What stands between a number and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// "or", "to", "到", nothing: the two are a choice or a range.
    Range,
    /// "no", "I mean", "不对": the one before is taken back.
    Correction,
    /// Anything else.
    Other,
}

/// The number that counts.
fn choose(numbers: &[Spoken]) -> Option<f64> {
    let start = numbers.iter().rposition(|spoken| spoken.link == Link::Correction).unwrap_or(0);
    let rest = numbers.get(start..)?;
    let (first, others) = rest.split_first()?;
    let agrees = |spoken: &Spoken| spoken.link == Link::Range || spoken.value == first.value;
    others.iter().all(agrees).then_some(first.value)
}

/// A number written in digits; `None` for other words and for more digits than any answer has.
fn written(word: &str) -> Option<f64> {
    const DIGITS_MAX: usize = 15;
    let digits = word.strip_prefix('-').unwrap_or(word);
    let plain = !digits.is_empty() && digits.len() <= DIGITS_MAX && digits.starts_with(|c: char| c.is_ascii_digit());
    if plain && digits.chars().all(|c| c.is_ascii_digit() || c == '.') { word.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_numbers() {
        for (text, expected) in [
            ("six", 6.0),
            ("6", 6.0),
            ("Six.", 6.0),
            ("about six", 6.0),
            ("it's about a six I think", 6.0),
            ("maybe 6 out of 10", 6.0),
            ("six out of ten", 6.0),
            ("6/10", 6.0),
            ("on a scale of one to ten I'd say seven", 7.0),
            ("six or seven", 6.0),
            ("six to seven", 6.0),
            ("between six and seven", 6.0),
            ("6-7", 6.0),
            ("six, seven", 6.0),
            ("five, no, six", 6.0),
            ("five I mean six", 6.0),
            ("twenty three", 23.0),
            ("twenty-three", 23.0),
            ("twenty three point five", 23.5),
            ("point five", 0.5),
            ("six and a half", 6.5),
            ("half", 0.5),
            ("a hundred", 100.0),
            ("one hundred and twenty", 120.0),
            ("one twenty", 120.0),
            ("three fifty", 350.0),
            ("one oh one point five", 101.5),
            ("two thousand five hundred", 2500.0),
            ("a thousand and one", 1001.0),
            ("1,250", 1250.0),
            ("three million", 3_000_000.0),
            ("minus five", -5.0),
            ("-5", -5.0),
            ("zero", 0.0),
            ("ninety eight point six", 98.6),
            ("to", 2.0),
            ("for", 4.0),
            ("um too", 2.0),
            ("nineteen", 19.0),
            ("two percent", 2.0),
            ("six, six", 6.0),
            ("a dozen", 12.0),
            ("two hundred fifty six", 256.0),
            ("5 point 5", 5.5),
            ("3 hundred", 300.0),
        ] {
            assert_eq!(parse(text, Language::English), Some(expected), "{text}");
        }
    }

    #[test]
    fn english_without_a_number() {
        for text in [
            "",
            "none of them",
            "no one",
            "the one on the left",
            "I want to go",
            "for a while",
            "three yesterday and six today",
            "a few",
            "point",
            "hundred percent of the time it was the worst one",
            "and",
            "99999999999999999999999999999",
        ] {
            let expected = if text.starts_with("hundred") { Some(100.0) } else { None };
            assert_eq!(parse(text, Language::English), expected, "{text}");
        }
    }

    #[test]
    fn chinese_numbers() {
        for (text, expected) in [
            ("六", 6.0),
            ("六分", 6.0),
            ("大概六分", 6.0),
            ("大概６分吧", 6.0),
            ("二十三点五", 23.5),
            ("二十三", 23.0),
            ("十", 10.0),
            ("十分", 10.0),
            ("十二", 12.0),
            ("两个", 2.0),
            ("一百二十", 120.0),
            ("一百二", 120.0),
            ("一百零五", 105.0),
            ("三千五", 3500.0),
            ("一万两千", 12000.0),
            ("三十六度五", 36.5),
            ("三十八度", 38.0),
            ("六点半", 6.5),
            ("三个半", 3.5),
            ("半个", 0.5),
            ("零", 0.0),
            ("零点五", 0.5),
            ("负五", -5.0),
            ("六七分", 6.0),
            ("六到七分", 6.0),
            ("六或者七", 6.0),
            ("五分，不对，六分", 6.0),
            ("十分里面六分", 6.0),
            ("满分十分的话六分", 6.0),
            ("百分之八十", 80.0),
            ("十分之六", 6.0),
            ("一三八", 138.0),
            ("二零二五", 2025.0),
            ("3.5", 3.5),
            ("6分到7分", 6.0),
            ("有一点疼，大概三分", 3.0),
            ("一分", 1.0),
            ("一", 1.0),
            ("一点五", 1.5),
            ("3万", 30000.0),
            ("二十多", 20.0),
            ("38度5", 38.5),
            ("两三分", 2.0),
            ("第三", 3.0),
            ("兩點五", 2.5),
            ("移分", 1.0),
            ("大概是流分吧", 6.0),
            ("林芬", 0.0),
            ("三萬", 30000.0),
        ] {
            assert_eq!(parse(text, Language::Chinese), Some(expected), "{text}");
        }
    }

    #[test]
    fn chinese_without_a_number() {
        for text in [
            "",
            "有一点疼",
            "一般",
            "十分疼",
            "一直都很疼",
            "昨天三分今天六分",
            "不知道",
            "千万不要",
            "一样",
            "万一",
            "是分",
            "米粉",
            "分",
            "红缝",
        ] {
            assert_eq!(parse(text, Language::Chinese), None, "{text}");
        }
    }
}
