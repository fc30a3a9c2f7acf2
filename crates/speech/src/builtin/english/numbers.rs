//! English numbers: all readings of the begin of an utterance, since "twenty five" may be 25, or 20 and 5.

use super::Readings;
use crate::{
    builtin::tokens::{after, is_any, skip, starts, written},
    number::{english_teen, english_tens, english_unit},
};

/// 0 to 99: "seven", "seventeen", "seventy", "seventy seven", `77`.
pub(super) fn below_hundred(tokens: &[String]) -> Readings<u64> {
    let Some(first) = tokens.first() else { return Vec::new() };
    if let Some(value) = written(first, 2) {
        return vec![(1, value)];
    }
    if let Some(value) = english_unit(first).or_else(|| english_teen(first)) {
        return vec![(1, u64::from(value))];
    }
    let Some(tens) = english_tens(first) else { return Vec::new() };
    let mut readings = vec![(1, u64::from(tens))];
    if let Some(unit) = tokens.get(1).and_then(|word| english_unit(word)).filter(|unit| *unit > 0) {
        readings.push((2, u64::from(tens + unit)));
    }
    readings
}

/// 0 to 9,999 and what is written: "two hundred", "two hundred and five", "a hundred", "twelve hundred", `250`.
fn group(tokens: &[String]) -> Readings<u64> {
    let mut readings = Vec::new();
    let article = tokens.first().is_some_and(|word| word == "a");
    let small = if article { vec![(1, 1)] } else { below_hundred(tokens) };
    for (length, value) in small {
        if !article {
            readings.push((length, value));
        }
        if tokens.get(length).is_some_and(|word| word == "hundred") && value > 0 {
            let end = length + 1;
            readings.push((end, value * 100));
            let and = usize::from(tokens.get(end).is_some_and(|word| word == "and"));
            for (more, low) in below_hundred(after(tokens, end + and)) {
                if low > 0 {
                    readings.push((end + and + more, value * 100 + low));
                }
            }
        } else if article && tokens.get(1).and_then(|word| scale(word)).is_some() {
            readings.push((length, 1));
        }
    }
    if let Some(value) = tokens.first().filter(|word| word.len() > 2).and_then(|word| written(word, 15)) {
        readings.push((1, value));
    }
    readings
}

pub(super) fn scale(word: &str) -> Option<u64> {
    Some(match word {
        "thousand" | "grand" => 1_000,
        "million" => 1_000_000,
        "billion" => 1_000_000_000,
        _ => return None,
    })
}

/// Whole numbers: "two thousand twenty six", "one million two hundred thousand".
pub(super) fn cardinals(tokens: &[String]) -> Readings<u64> {
    let mut readings = Vec::new();
    // Sums so far, with the scale that the next group must stay below.
    let mut open = vec![(0usize, 0u64, u64::MAX)];
    while let Some((at, total, below)) = open.pop() {
        let and = usize::from(at > 0 && tokens.get(at).is_some_and(|word| word == "and"));
        for (length, value) in group(after(tokens, at + and)) {
            let end = at + and + length;
            match tokens.get(end).and_then(|word| scale(word)).filter(|scale| *scale < below && value > 0) {
                Some(scale) => {
                    if let Some(total) = value.checked_mul(scale).and_then(|value| total.checked_add(value)) {
                        readings.push((end + 1, total));
                        open.push((end + 1, total, scale));
                    }
                }
                None if at == 0 => readings.push((end, value)),
                None if value > 0 && value < below => readings.push((end, total + value)),
                None => {}
            }
        }
    }
    readings
}

/// "first" to "ninety-ninth", `1st`, "twenty first".
pub(super) fn ordinals(tokens: &[String]) -> Readings<u64> {
    const NAMES: [(&str, u64); 28] = [
        ("first", 1),
        ("second", 2),
        ("third", 3),
        ("fourth", 4),
        ("fifth", 5),
        ("sixth", 6),
        ("seventh", 7),
        ("eighth", 8),
        ("ninth", 9),
        ("tenth", 10),
        ("eleventh", 11),
        ("twelfth", 12),
        ("thirteenth", 13),
        ("fourteenth", 14),
        ("fifteenth", 15),
        ("sixteenth", 16),
        ("seventeenth", 17),
        ("eighteenth", 18),
        ("nineteenth", 19),
        ("twentieth", 20),
        ("thirtieth", 30),
        ("fortieth", 40),
        ("fiftieth", 50),
        ("sixtieth", 60),
        ("seventieth", 70),
        ("eightieth", 80),
        ("ninetieth", 90),
        ("twelvth", 12),
    ];
    let named = |word: &String| NAMES.iter().find(|(name, _)| name == word).map(|(_, value)| *value);
    let Some(first) = tokens.first() else { return Vec::new() };
    if let Some(value) = named(first) {
        return vec![(1, value)];
    }
    let second = tokens.get(1);
    if let (Some(value), Some("st" | "nd" | "rd" | "th")) = (written(first, 2), second.map(String::as_str)) {
        return vec![(2, value)];
    }
    match (english_tens(first), second.and_then(named)) {
        (Some(tens), Some(unit)) if unit < 10 => vec![(2, u64::from(tens) + unit)],
        _ => Vec::new(),
    }
}

/// Numbers as they are spelled in groups: "one twenty" is 120, "nineteen eighty four" 1984, "five oh five" 505, three
/// digits or more are themselves.
fn spelled(tokens: &[String]) -> Readings<u64> {
    let mut readings = Vec::new();
    let units: Vec<u64> = tokens.iter().map_while(|word| english_unit(word).map(u64::from)).take(15).collect();
    if units.len() >= 3 && units.first() != Some(&0) {
        readings.push((units.len(), units.iter().fold(0, |value, digit| value * 10 + digit)));
    }
    for (length, head) in below_hundred(tokens) {
        if head == 0 || tokens.first().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
            continue;
        }
        let rest = after(tokens, length);
        for (more, low) in below_hundred(rest) {
            let is_word = rest.first().is_some_and(|word| written(word, 2).is_none());
            if low > 9 && is_word && (head < 10 || head % 10 != 0 || head <= 20) {
                readings.push((length + more, head * 100 + low));
            }
        }
        if rest.first().is_some_and(|word| word == "oh")
            && let Some(unit) = rest.get(1).and_then(|word| english_unit(word)).filter(|unit| *unit > 0)
        {
            readings.push((length + 2, head * 100 + u64::from(unit)));
        }
    }
    readings
}

/// Decimal digits after "point": "one four", "twenty five", `25`.
fn fraction(tokens: &[String]) -> Readings<String> {
    let mut readings = Vec::new();
    let mut digits = String::new();
    for (index, word) in tokens.iter().enumerate().take(12) {
        let Some(unit) = english_unit(word).or_else(|| (word == "o").then_some(0)) else { break };
        digits.push_str(&unit.to_string());
        readings.push((index + 1, digits.clone()));
    }
    if readings.is_empty() {
        if let Some(first) = tokens.first().filter(|word| written(word, 12).is_some()) {
            readings.push((1, first.clone()));
        } else {
            readings.extend(below_hundred(tokens).into_iter().map(|(length, value)| (length, value.to_string())));
        }
    }
    readings
}

/// Numbers that are not negative, written with a point if need be: "twenty three point five" is `23.5`.
pub(super) fn decimals(tokens: &[String]) -> Readings<String> {
    let mut readings = Vec::new();
    let mut wholes: Readings<String> =
        cardinals(tokens).into_iter().chain(spelled(tokens)).map(|(n, value)| (n, value.to_string())).collect();
    let is_point = |at: usize| tokens.get(at).is_some_and(|word| word == "point" || word == "dot");
    if is_point(0) {
        wholes.push((0, "0".to_owned()));
    }
    for (length, whole) in &wholes {
        if is_point(*length) {
            for (more, digits) in fraction(after(tokens, length + 1)) {
                readings.push((length + 1 + more, format!("{whole}.{digits}")));
            }
        } else if *length > 0 {
            readings.push((*length, whole.clone()));
            let rest = after(tokens, *length);
            for (tail, part) in [
                ("and a half", ".5"),
                ("and one half", ".5"),
                ("and a quarter", ".25"),
                ("and one quarter", ".25"),
                ("and three quarters", ".75"),
            ] {
                if let Some(more) = starts(rest, tail) {
                    readings.push((length + more, format!("{whole}{part}")));
                }
            }
        }
    }
    if let Some(first) = tokens.first().filter(|word| word.contains('.')) {
        readings.push((1, first.clone()));
    }
    for (phrase, value) in
        [("half", "0.5"), ("a half", "0.5"), ("one half", "0.5"), ("a quarter", "0.25"), ("three quarters", "0.75")]
    {
        readings.extend(starts(tokens, phrase).map(|length| (length, value.to_owned())));
    }
    for (phrase, dozens) in [
        ("a dozen", 12),
        ("a couple", 2),
        ("one dozen", 12),
        ("half a dozen", 6),
        ("two dozen", 24),
        ("three dozen", 36),
    ] {
        readings.extend(starts(tokens, phrase).map(|length| (length, dozens.to_string())));
    }
    // "one point five million"
    let scaled: Readings<String> = readings
        .iter()
        .filter(|(_, value)| value.contains('.'))
        .filter_map(|(length, value)| {
            let scale = tokens.get(*length).and_then(|word| scale(word))?;
            Some((length + 1, times(value, scale)?))
        })
        .collect();
    readings.extend(scaled);
    readings
}

/// A decimal number times a power of ten, by moving its point.
fn times(value: &str, scale: u64) -> Option<String> {
    let (whole, fraction) = value.split_once('.')?;
    let places = usize::try_from(scale.checked_ilog10()?).ok()?;
    let mut digits = fraction.to_owned();
    while digits.len() < places {
        digits.push('0');
    }
    let (moved, rest) = digits.split_at_checked(places)?;
    let whole = format!("{whole}{moved}");
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(if rest.is_empty() { whole.to_owned() } else { format!("{whole}.{rest}") })
}

/// What may stand behind a number and does not change it.
const UNITS: [&str; 9] =
    ["percent", "%", "degrees", "points", "point", "out of ten", "out of 10", "out of a hundred", "on the scale"];

/// A whole utterance as a number, as written. Of a range or a choice the first counts.
pub(in crate::builtin) fn number(tokens: &[String]) -> Option<String> {
    let between = skip(tokens, &["between", "from"]);
    let tokens = after(tokens, between);
    let negative = skip(tokens, &["minus", "negative", "-"]);
    let sign = negative.max(skip(tokens, &["plus", "positive", "+"]));
    let body = after(tokens, sign);
    let (_, value) = decimals(body).into_iter().find(|(length, _)| {
        let rest = after(body, *length);
        if rest.is_empty() || is_any(rest, &UNITS) {
            return true;
        }
        let joint = skip(rest, &["or maybe", "or", "to", "and", "/", "-", "out of"]);
        // "six and seven" is no choice, "between six and seven" is.
        let is_choice = joint > 0 && (between > 0 || rest.first().is_some_and(|word| word != "and"));
        let rest = after(rest, joint);
        is_choice
            && decimals(rest).into_iter().any(|(length, _)| {
                let tail = after(rest, length);
                tail.is_empty() || is_any(tail, &UNITS)
            })
    })?;
    Some(if negative > 0 { format!("-{value}") } else { value })
}
