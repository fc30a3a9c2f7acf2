//! Strings of digits and telephone numbers in Chinese.

use super::numbers::{cardinal, digit};
use crate::builtin::tokens::{after, skip};

/// The digits that all of `tokens` say: 幺三八 is `138`, 三个零 `000`, 一百二十三 `123`.
pub(in crate::builtin) fn digits(tokens: &[String]) -> Option<String> {
    if let Some((length, value)) = cardinal(tokens)
        && length == tokens.len()
        && tokens.iter().any(|token| matches!(token.as_str(), "十" | "百" | "千" | "万"))
    {
        return Some(value.to_string());
    }
    let mut out = String::new();
    let mut rest = tokens;
    while let Some((first, tail)) = rest.split_first() {
        let joint = skip(rest, &["-", "杠", "横杠"]);
        if joint > 0 && !out.is_empty() && joint < rest.len() {
            rest = after(rest, joint);
            continue;
        }
        let value = said(first);
        let repeated = if tail.first().is_some_and(|token| token == "个") { tail.get(1) } else { None };
        match (value, repeated.and_then(|token| said(token))) {
            (Some(times @ 2..=9), Some(repeated)) => {
                let times = usize::try_from(times).ok()?;
                out.push_str(&repeated.to_string().repeat(times));
                rest = after(tail, 2);
            }
            (Some(digit), _) => {
                out.push_str(&digit.to_string());
                rest = tail;
            }
            (None, _) if first == "双" => {
                let (repeated, tail) = tail.split_first()?;
                out.push_str(&said(repeated)?.to_string().repeat(2));
                rest = tail;
            }
            (None, _) if first.chars().all(|c| c.is_ascii_digit()) => {
                out.push_str(first);
                rest = tail;
            }
            (None, _) => return None,
        }
    }
    (!out.is_empty()).then_some(out)
}

fn said(token: &str) -> Option<u64> {
    // Digits as radio operators and many on the telephone say them.
    match token {
        "拐" => Some(7),
        "勾" | "钩" => Some(9),
        other => digit(other).or_else(|| other.parse().ok().filter(|digit| *digit < 10 && other.len() == 1)),
    }
}

/// The digits of a telephone number, with `x` before an extension: 六二三四五六七八转八零一 is `62345678x801`.
pub(in crate::builtin) fn phone(tokens: &[String]) -> Option<String> {
    const MARKS: [&str; 6] = ["转分机号", "转分机", "分机号", "分机", "转", "x"];
    let tokens = after(tokens, skip(tokens, &["区号是", "区号"]));
    let tokens = after(tokens, skip(tokens, &["加", "+"]));
    let mark = (0..tokens.len()).find_map(|at| {
        let length = skip(after(tokens, at), &MARKS);
        (length > 0).then_some((at, length))
    });
    match mark {
        Some((at, length)) => {
            let number = digits(tokens.get(..at)?)?;
            let extension = digits(after(tokens, at + length))?;
            Some(format!("{number}x{extension}"))
        }
        None => digits(tokens),
    }
}
