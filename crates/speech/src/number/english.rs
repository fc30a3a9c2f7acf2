//! English numbers.

use super::{Link, Spoken, choose, written};
use crate::{Language, text};

/// 0 to 9 by their names.
pub(crate) fn unit(word: &str) -> Option<u32> {
    Some(match word {
        "zero" | "oh" | "nought" | "naught" | "nil" => 0,
        "one" => 1,
        "two" => 2,
        "three" => 3,
        "four" => 4,
        "five" => 5,
        "six" => 6,
        "seven" => 7,
        "eight" => 8,
        "nine" | "niner" => 9,
        _ => return None,
    })
}

/// 10 to 19 by their names.
pub(crate) fn teen(word: &str) -> Option<u32> {
    Some(match word {
        "ten" => 10,
        "eleven" => 11,
        "twelve" => 12,
        "thirteen" => 13,
        "fourteen" => 14,
        "fifteen" => 15,
        "sixteen" => 16,
        "seventeen" => 17,
        "eighteen" => 18,
        "nineteen" => 19,
        _ => return None,
    })
}

/// 20 to 90 by their names.
pub(crate) fn tens(word: &str) -> Option<u32> {
    Some(match word {
        "twenty" => 20,
        "thirty" => 30,
        "forty" | "fourty" => 40,
        "fifty" => 50,
        "sixty" => 60,
        "seventy" => 70,
        "eighty" => 80,
        "ninety" => 90,
        _ => return None,
    })
}

fn scale(word: &str) -> Option<f64> {
    Some(match word {
        "hundred" => 100.0,
        "thousand" => 1_000.0,
        "million" => 1_000_000.0,
        "billion" => 1_000_000_000.0,
        _ => return None,
    })
}

/// Short words that recognizers write for a number said alone.
fn homophone(word: &str) -> Option<f64> {
    Some(match word {
        "to" | "too" => 2.0,
        "for" | "fore" => 4.0,
        "won" => 1.0,
        "ate" => 8.0,
        "tree" => 3.0,
        "sex" => 6.0,
        _ => return None,
    })
}

pub(super) fn parse(text: &str) -> Option<f64> {
    let words = text::words(&without_scale(text));
    let words = text::without_fillers(&words, Language::English);
    if let [word] = words.as_slice()
        && let Some(value) = homophone(word)
    {
        return Some(value);
    }
    let mut numbers = Vec::new();
    let mut at = 0;
    let mut gap_start = 0;
    while at < words.len() {
        let rest = words.get(at..).unwrap_or_default();
        if is_pronoun(&words, at) {
            at += 1;
            continue;
        }
        match number(rest) {
            Some((value, length)) => {
                let gap = words.get(gap_start..at).unwrap_or_default();
                let link = if numbers.is_empty() { Link::Other } else { link(gap, &words) };
                numbers.push(Spoken { value, link });
                at += length;
                gap_start = at;
            }
            None => at += 1,
        }
    }
    choose(&numbers)
}

/// The text without the top of a scale: "6/10", "out of ten", "on a scale of one to ten".
fn without_scale(text: &str) -> String {
    let mut text = text.to_lowercase();
    if let Some((head, tail)) = text.clone().split_once('/')
        && head.ends_with(|c: char| c.is_ascii_digit())
        && tail.starts_with(|c: char| c.is_ascii_digit())
    {
        text = format!("{head} {}", tail.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    for scale in [
        "on a scale of one to ten",
        "on a scale from one to ten",
        "on a scale of zero to ten",
        "on a scale from zero to ten",
        "on a scale of 1 to 10",
        "on a scale from 1 to 10",
        "on a scale of 0 to 10",
        "on a scale from 0 to 10",
        "out of ten",
        "out of 10",
        "out of five",
        "out of 5",
        "out of a hundred",
        "out of one hundred",
        "out of 100",
    ] {
        text = text.replace(scale, " ");
    }
    text
}

/// "the one", "no one": not a number.
fn is_pronoun(words: &[String], at: usize) -> bool {
    let is_one = words.get(at).is_some_and(|word| word == "one");
    let before = at.checked_sub(1).and_then(|before| words.get(before)).map(String::as_str);
    let determined = matches!(
        before,
        Some(
            "the" | "this" | "that" | "no" | "which" | "each" | "any" | "every" | "some" | "another" | "worst" | "best"
        )
    );
    // "no, one" takes back an earlier number; "no one" begins a sentence.
    is_one && determined && (before != Some("no") || at <= 1)
}

fn link(gap: &[String], words: &[String]) -> Link {
    const CORRECTIONS: [&str; 8] = ["no", "mean", "sorry", "actually", "make", "rather", "wait", "correction"];
    const RANGES: [&str; 8] = ["or", "to", "maybe", "perhaps", "possibly", "till", "until", "through"];
    let between = words.iter().any(|word| word == "between");
    if gap.iter().any(|word| CORRECTIONS.contains(&word.as_str())) {
        Link::Correction
    } else if gap.iter().all(|word| RANGES.contains(&word.as_str()) || (between && word == "and")) {
        Link::Range
    } else {
        Link::Other
    }
}

/// The number that `words` begin with, and how many words it takes.
fn number(words: &[String]) -> Option<(f64, usize)> {
    let word = |at: usize| words.get(at).map(String::as_str);
    if matches!(word(0), Some("minus" | "negative")) {
        let (value, length) = number(words.get(1..)?)?;
        return Some((-value, length + 1));
    }
    if word(0) == Some("half") {
        return Some((0.5, 1));
    }
    if matches!((word(0), word(1)), (Some("a"), Some("half"))) {
        return Some((0.5, 2));
    }
    if matches!((word(0), word(1)), (Some("a"), Some("dozen"))) {
        return Some((12.0, 2));
    }
    if matches!((word(0), word(1)), (Some("a"), Some("couple"))) {
        return Some((2.0, 2));
    }
    let (mut value, mut at) = match word(0) {
        Some("point") => (0.0, 0),
        _ => whole(words)?,
    };
    if word(at) == Some("point")
        && let Some((fraction, length)) = decimals(words.get(at + 1..)?)
    {
        return Some((value + fraction, at + 1 + length));
    }
    if at == 0 {
        return None;
    }
    if matches!((word(at), word(at + 1), word(at + 2)), (Some("and"), Some("a"), Some("half"))) {
        value += 0.5;
        at += 3;
    }
    Some((value, at))
}

/// A whole number: groups under a thousand, each with its scale.
fn whole(words: &[String]) -> Option<(f64, usize)> {
    let word = |at: usize| words.get(at).map(String::as_str);
    let mut total = 0.0;
    let mut at = 0;
    // Each scale must be smaller than the one before.
    let mut scale_below = f64::INFINITY;
    loop {
        let joined = at > 0 && word(at) == Some("and");
        let start = at + usize::from(joined);
        let rest = words.get(start..).unwrap_or_default();
        let article = matches!((word(start), word(start + 1)), (Some("a"), Some(next)) if scale(next).is_some());
        let group = if article {
            Some((1.0, 1))
        } else if at == 0 && word(0).is_some_and(|first| scale(first).is_some()) {
            Some((1.0, 0))
        } else {
            group(rest)
        };
        let Some((value, length)) = group else { break };
        let mut end = start + length;
        let mut value = value;
        let mut scaled = false;
        if word(end) == Some("hundred") {
            value *= 100.0;
            end += 1;
            scaled = true;
            let and = usize::from(word(end) == Some("and"));
            if let Some((low, length)) = group_below_hundred(words.get(end + and..).unwrap_or_default()) {
                value += low;
                end += and + length;
            }
        }
        match word(end).and_then(scale).filter(|scale| *scale >= 1_000.0) {
            Some(scale) if scale < scale_below => {
                total += value * scale;
                scale_below = scale;
                at = end + 1;
            }
            Some(_) => break,
            None if at == 0 => return Some((value, end)),
            // After a scale only what is below it continues the number: "two thousand five hundred".
            None if value < scale_below && (joined || scaled || value < 1_000.0) => return Some((total + value, end)),
            None => break,
        }
    }
    (at > 0).then_some((total, at))
}

/// "seven", "seventeen", "seventy", "seventy seven": the value and how many words it takes.
pub(crate) fn below_hundred(words: &[String]) -> Option<(u32, usize)> {
    let first = words.first()?;
    let second = words.get(1).and_then(|word| unit(word)).filter(|unit| *unit > 0);
    Some(match (tens(first), second) {
        (Some(tens), Some(unit)) => (tens + unit, 2),
        (Some(tens), None) => (tens, 1),
        (None, _) => (unit(first).or_else(|| teen(first))?, 1),
    })
}

fn group_below_hundred(words: &[String]) -> Option<(f64, usize)> {
    below_hundred(words).map(|(value, length)| (f64::from(value), length))
}

/// A number without a scale: written, "twenty three", "one twenty", "one oh five", "one two three".
fn group(words: &[String]) -> Option<(f64, usize)> {
    let first = words.first()?;
    if let Some(value) = written(first) {
        return Some((value, 1));
    }
    let run: Vec<u32> = words.iter().map_while(|word| unit(word)).take(12).collect();
    // Two digits side by side are two guesses ("six, seven"); three, or a zero inside, spell a number.
    if run.len() >= 3 || (run.len() == 2 && run.get(1) == Some(&0)) {
        let value = run.iter().fold(0.0, |value, digit| value * 10.0 + f64::from(*digit));
        return Some((value, run.len()));
    }
    let hundreds = unit(first).filter(|unit| *unit > 0);
    let next = words.get(1).filter(|word| tens(word).is_some() || teen(word).is_some_and(|teen| teen > 10));
    if let (Some(hundreds), Some(_)) = (hundreds, next)
        && let Some((low, length)) = group_below_hundred(words.get(1..)?)
    {
        return Some((f64::from(hundreds) * 100.0 + low, length + 1));
    }
    group_below_hundred(words)
}

/// The digits after "point", as a fraction.
fn decimals(words: &[String]) -> Option<(f64, usize)> {
    let mut digits = String::new();
    let mut length = 0;
    for word in words.iter().take(8) {
        if let Some(unit) = unit(word) {
            digits.push_str(&unit.to_string());
        } else if length == 0 && word.len() <= 8 && word.chars().all(|c| c.is_ascii_digit()) {
            digits.push_str(word);
            length += 1;
            break;
        } else if length == 0
            && let Some((value, taken)) = group_below_hundred(words)
        {
            digits.push_str(&value.to_string());
            length += taken;
            break;
        } else {
            break;
        }
        length += 1;
    }
    if digits.is_empty() { None } else { format!("0.{digits}").parse().ok().map(|fraction| (fraction, length)) }
}
