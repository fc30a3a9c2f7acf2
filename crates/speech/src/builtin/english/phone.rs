//! Telephone numbers in English.

use super::digits;
use crate::builtin::tokens::starts;

/// The digits of a telephone number, with `x` before an extension: "five five five one two one two extension four" is
/// `5551212x4`.
pub(in crate::builtin) fn phone(tokens: &[String]) -> Option<String> {
    let tokens = without_area_code(tokens);
    let mark = |at: usize| {
        let rest = tokens.get(at..).unwrap_or_default();
        ["extension number", "extension", "ext", "ex", "x"].iter().find_map(|mark| starts(rest, mark))
    };
    let plain: &[String] = match tokens.split_first() {
        Some((plus, rest)) if plus == "+" || plus == "plus" => rest,
        _ => &tokens,
    };
    let offset = tokens.len() - plain.len();
    match (offset..tokens.len()).find_map(|at| mark(at).map(|length| (at, length))) {
        Some((at, length)) => {
            let number = digits(tokens.get(offset..at)?)?;
            let extension = digits(tokens.get(at + length..)?)?;
            Some(format!("{number}x{extension}"))
        }
        None => digits(plain),
    }
}

/// "Area code" says what the digits after it are, and "dot" separates.
fn without_area_code(tokens: &[String]) -> Vec<String> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut rest = tokens;
    while let Some((first, tail)) = rest.split_first() {
        match starts(rest, "area code") {
            Some(length) => rest = rest.get(length..).unwrap_or_default(),
            None => {
                if first != "dot" {
                    kept.push(first.clone());
                }
                rest = tail;
            }
        }
    }
    kept
}
