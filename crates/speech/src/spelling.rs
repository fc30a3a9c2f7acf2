//! Numbers among words, spelled one way.

use crate::{Language, number::chinese_digit, text};

/// Words in a form in which numbers read the same however they are written: 2, two; 二, 两. `language` tells how digits
/// are read when no Han character shows it.
pub(crate) fn comparable(words: &[String], language: Language) -> Vec<String> {
    let han = language == Language::Chinese || words.iter().any(|word| word.chars().any(text::is_han));
    let mut out = Vec::with_capacity(words.len());
    for word in words {
        if word.len() <= 3 && word.chars().all(|c| c.is_ascii_digit()) {
            out.extend(if han { chinese_words(word) } else { english_words(word) });
        } else {
            let mut chars = word.chars();
            match (chars.next().and_then(chinese_digit), chars.next()) {
                (Some(digit), None) => out.extend(chinese_words(&digit.to_string())),
                _ => out.push(word.clone()),
            }
        }
    }
    out
}

fn chinese_words(number: &str) -> Vec<String> {
    const NAMES: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let name = |c: char| {
        let digit = c.to_digit(10).and_then(|digit| usize::try_from(digit).ok());
        digit.and_then(|digit| NAMES.get(digit)).map(|name| (*name).to_owned())
    };
    match number.chars().collect::<Vec<_>>().as_slice() {
        ['1', '0'] => vec!["十".to_owned()],
        ['1', unit] => std::iter::once("十".to_owned()).chain(name(*unit)).collect(),
        [ten, '0'] if *ten != '0' => name(*ten).into_iter().chain(["十".to_owned()]).collect(),
        [ten, unit] if *ten != '0' => name(*ten).into_iter().chain(["十".to_owned()]).chain(name(*unit)).collect(),
        digits => digits.iter().filter_map(|c| name(*c)).collect(),
    }
}

fn english_words(number: &str) -> Vec<String> {
    const UNITS: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let by_digit = || {
        let digits = number.chars().filter_map(|c| c.to_digit(10)).filter_map(|digit| usize::try_from(digit).ok());
        digits.filter_map(|digit| UNITS.get(digit)).map(|name| (*name).to_owned()).collect()
    };
    let value: usize = match number.parse() {
        Ok(value) if !number.starts_with('0') || number == "0" => value,
        _ => return by_digit(),
    };
    if let Some(name) = UNITS.get(value) {
        return vec![(*name).to_owned()];
    }
    match (TENS.get(value / 10), UNITS.get(value % 10)) {
        (Some(tens), Some(_)) if value.is_multiple_of(10) => vec![(*tens).to_owned()],
        (Some(tens), Some(unit)) => vec![(*tens).to_owned(), (*unit).to_owned()],
        _ => by_digit(),
    }
}
