//! Digit strings as people say them.

use crate::{
    Language,
    number::{chinese_digit, chinese_integer, english_below_hundred, english_unit},
    text,
};

/// The longest digit string that is read.
const DIGITS_MAX: usize = 128;

/// The digits that a text speaks and nothing else: "oh double five" is `055`, "twenty three" is `23`, "幺三八" is `138`,
/// "三个零" is `000`. Words that introduce a number ("my number is", "号码是") may stand before it. `None` when anything
/// else is said.
pub fn digits(text: &str, language: Language) -> Option<String> {
    const CHARS_MAX: usize = 1_000;
    if text.chars().nth(CHARS_MAX).is_some() {
        return None;
    }
    let digits = match Language::of_text(text).unwrap_or(language) {
        Language::English => english(text),
        Language::Chinese => chinese(text),
    }?;
    (!digits.is_empty() && digits.len() <= DIGITS_MAX).then_some(digits)
}

/// What an English speaker says around digits.
const ENGLISH_INTRODUCTIONS: [&str; 24] = [
    "its",
    "it",
    "is",
    "my",
    "the",
    "number",
    "code",
    "pin",
    "account",
    "card",
    "phone",
    "zip",
    "that",
    "thats",
    "are",
    "yes",
    "ok",
    "okay",
    "so",
    "sure",
    "id",
    "this",
    "room",
    "extension",
];
/// Joints between digits.
const ENGLISH_JOINTS: [&str; 5] = ["dash", "hyphen", "space", "and", "then"];

fn english(text: &str) -> Option<String> {
    let words = text::without_fillers(&text::words(text), Language::English);
    let introduced = words.iter().take_while(|word| ENGLISH_INTRODUCTIONS.contains(&word.as_str())).count();
    let mut rest = words.get(introduced..)?;
    let mut out = String::new();
    while let Some((word, tail)) = rest.split_first() {
        let times = match word.as_str() {
            "double" => 2,
            "triple" | "treble" => 3,
            _ => 1,
        };
        if times > 1 {
            let digit = english_digit(tail.first()?)?;
            out.push_str(&digit.to_string().repeat(times));
            rest = tail.get(1..).unwrap_or_default();
        } else if ENGLISH_JOINTS.contains(&word.as_str()) && !out.is_empty() {
            rest = tail;
        } else if word.chars().all(|c| c.is_ascii_digit()) {
            out.push_str(word);
            rest = tail;
        } else if let Some(digit) = english_digit(word) {
            let (zeros, taken) = match tail.first().map(String::as_str) {
                Some("hundred") => ("00", 1),
                Some("thousand") => ("000", 1),
                _ => ("", 0),
            };
            out.push_str(&digit.to_string());
            out.push_str(zeros);
            rest = tail.get(taken..).unwrap_or_default();
        } else if let Some((value, length)) = english_below_hundred(rest) {
            out.push_str(&value.to_string());
            rest = rest.get(length..).unwrap_or_default();
        } else {
            return None;
        }
    }
    Some(out)
}

fn english_digit(word: &str) -> Option<u32> {
    // Among digits these can be nothing else.
    match word {
        "o" => Some(0),
        "won" => Some(1),
        "to" | "too" => Some(2),
        "tree" => Some(3),
        "for" | "fore" => Some(4),
        "ate" => Some(8),
        other => english_unit(other),
    }
}

/// What a Chinese speaker says around digits; the longest first.
const CHINESE_INTRODUCTIONS: [&str; 24] = [
    "我的手机号码是",
    "我的电话号码是",
    "我的手机号是",
    "我的号码是",
    "我的电话是",
    "我的编号是",
    "手机号码是",
    "电话号码是",
    "手机号是",
    "号码是",
    "密码是",
    "电话是",
    "编号是",
    "卡号是",
    "尾号是",
    "验证码是",
    "我的是",
    "我的",
    "号码",
    "密码",
    "就是",
    "是",
    "好的",
    "好",
];
const CHINESE_ENDINGS: [&str; 6] = ["就这些", "谢谢", "没了", "号", "完了", "对"];

fn chinese(text: &str) -> Option<String> {
    let words = text::without_fillers(&text::words(text), Language::Chinese);
    let joined = words.concat();
    let mut rest = joined.as_str();
    while let Some(tail) = CHINESE_INTRODUCTIONS.iter().find_map(|introduction| rest.strip_prefix(introduction)) {
        rest = tail;
    }
    while let Some(head) = CHINESE_ENDINGS.iter().find_map(|ending| rest.strip_suffix(ending)) {
        rest = head;
    }
    let chars: Vec<char> = rest.chars().collect();
    // 二十三, 一百零五: one number said as such.
    if chars.iter().any(|c| matches!(c, '十' | '百' | '千' | '万')) && !chars.contains(&'个') {
        return chinese_integer(&chars).map(|value| value.to_string());
    }
    let mut out = String::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let digit = chinese_digit_said(c)?;
        match (chars.get(at + 1), chars.get(at + 2).copied().and_then(chinese_digit_said)) {
            // 三个零
            (Some('个'), Some(repeated)) if (2..=9).contains(&digit) => {
                let times = usize::try_from(digit).ok()?;
                out.push_str(&repeated.to_string().repeat(times));
                at += 3;
            }
            _ => {
                out.push_str(&digit.to_string());
                at += 1;
            }
        }
    }
    Some(out)
}

fn chinese_digit_said(c: char) -> Option<u32> {
    // 洞, 幺, 拐, 勾: digits as radio operators and many on the telephone say them.
    match c {
        '拐' => Some(7),
        '勾' | '钩' => Some(9),
        other => chinese_digit(other).or_else(|| other.to_digit(10)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_digit_strings() {
        for (text, expected) in [
            ("one two three", "123"),
            ("oh double five", "055"),
            ("triple seven", "777"),
            ("twenty three", "23"),
            ("twenty", "20"),
            ("forty two eighteen", "4218"),
            ("555-1234", "5551234"),
            ("4 1 5", "415"),
            ("my number is four one five", "415"),
            ("um, it's nine nine nine please", "999"),
            ("zero", "0"),
            ("o", "0"),
            ("for to won", "421"),
            ("eight hundred five five five", "800555"),
            ("nine thousand", "9000"),
            ("one two dash three", "123"),
        ] {
            assert_eq!(digits(text, Language::English).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn chinese_digit_strings() {
        for (text, expected) in [
            ("一二三", "123"),
            ("幺三八零零", "13800"),
            ("两五", "25"),
            ("二十三", "23"),
            ("一百零五", "105"),
            ("三个零", "000"),
            ("我的号码是幺三九", "139"),
            ("一 二 三", "123"),
            ("138，1234", "1381234"),
            ("嗯，五六七", "567"),
            ("洞拐勾", "079"),
            ("尾号是8823", "8823"),
            ("六", "6"),
            ("十", "10"),
        ] {
            assert_eq!(digits(text, Language::Chinese).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_digit_string() {
        for text in ["", "yes", "one or two", "my number is", "五分", "你好", "double", "three apples", "12.5", "-5"]
        {
            assert_eq!(digits(text, Language::English), None, "{text}");
        }
    }
}
