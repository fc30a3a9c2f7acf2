//! Strings of digits in English.

use super::numbers::{below_hundred, cardinals};
use crate::{
    builtin::tokens::{after, skip},
    number::english_unit,
};

/// A digit by its name, and the words that recognizers write for one: among digits they can be nothing else.
fn digit(word: &str) -> Option<u32> {
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

/// What stands between digits.
const JOINTS: [&str; 6] = ["dash", "hyphen", "-", "and then", "then", "space"];

/// The digits that all of `tokens` say: "oh double five" is `055`, "twenty three forty five" `2345`.
pub(in crate::builtin) fn digits(tokens: &[String]) -> Option<String> {
    let mut out = String::new();
    let mut rest = tokens;
    while let Some((word, tail)) = rest.split_first() {
        let joint = skip(rest, &JOINTS);
        if joint > 0 && !out.is_empty() && joint < rest.len() {
            rest = after(rest, joint);
            continue;
        }
        let times = match word.as_str() {
            "double" => 2,
            "triple" | "treble" => 3,
            _ => 1,
        };
        if times > 1 {
            let (repeated, tail) = tail.split_first()?;
            let repeated = digit(repeated).or_else(|| repeated.parse().ok().filter(|digit| *digit < 10))?;
            out.push_str(&repeated.to_string().repeat(times));
            rest = tail;
        } else if word.chars().all(|c| c.is_ascii_digit()) {
            out.push_str(word);
            rest = tail;
        } else if let Some((length, value)) = closing_number(rest) {
            out.push_str(&value.to_string());
            rest = after(rest, length);
        } else if let Some(digit) = digit(word) {
            let zeros = match tail.first().map(String::as_str) {
                Some("hundred") => "00",
                Some("thousand") => "000",
                _ => "",
            };
            out.push_str(&digit.to_string());
            out.push_str(zeros);
            rest = after(tail, usize::from(!zeros.is_empty()));
        } else {
            let (length, value) = below_hundred(rest).into_iter().max_by_key(|(length, _)| *length)?;
            out.push_str(&value.to_string());
            let hundred = rest.get(length).is_some_and(|word| word == "hundred");
            if hundred {
                out.push_str("00");
            }
            rest = after(rest, length + usize::from(hundred));
        }
    }
    (!out.is_empty()).then_some(out)
}

/// A number with a hundred or thousand and more below it that ends the utterance: "one hundred twenty three" is `123`, while
/// "eight hundred five five five" is `800555`.
fn closing_number(tokens: &[String]) -> Option<(usize, u64)> {
    let has_scale = tokens.iter().any(|word| word == "hundred" || word == "thousand");
    if !has_scale {
        return None;
    }
    cardinals(tokens).into_iter().find(|(length, _)| *length == tokens.len())
}
