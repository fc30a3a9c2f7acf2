//! Chinese numbers.

use crate::{
    builtin::tokens::{after, is_any, of_table, skip, written},
    number::{chinese_digit, chinese_integer},
};

fn single(token: &str) -> Option<char> {
    let mut chars = token.chars();
    let first = chars.next()?;
    chars.next().is_none().then_some(first)
}

pub(super) fn digit(token: &str) -> Option<u64> {
    single(token).and_then(chinese_digit).map(u64::from)
}

fn is_scale(token: &str) -> bool {
    matches!(token, "十" | "拾" | "百" | "佰" | "千" | "仟" | "万" | "亿")
}

fn large_scale(token: &str) -> Option<u64> {
    match token {
        "万" => Some(10_000),
        "亿" => Some(100_000_000),
        "百" => Some(100),
        "千" => Some(1_000),
        _ => None,
    }
}

/// How many tokens are characters of a number.
fn run(tokens: &[String]) -> usize {
    tokens.iter().take_while(|token| digit(token).is_some() || is_scale(token)).count()
}

/// The whole number that `tokens` begin with, as it is counted: 二十三, 一百零五, 零五, `23`, `3`万. Digits in a row are none.
pub(super) fn cardinal(tokens: &[String]) -> Option<(usize, u64)> {
    let first = tokens.first()?;
    if let Some(value) = written(first, 15) {
        return Some(match tokens.get(1).and_then(|token| large_scale(token)) {
            Some(scale) => (2, value.checked_mul(scale)?),
            None => (1, value),
        });
    }
    let length = run(tokens);
    let chars: Vec<char> = tokens.iter().take(length).filter_map(|token| single(token)).collect();
    match chars.as_slice() {
        [] => None,
        ['零' | '〇' | '洞', digit] if chinese_digit(*digit).is_some() => {
            Some((2, u64::from(chinese_digit(*digit)?)))
        }
        [first, second, ..] if chinese_digit(*first).is_some() && chinese_digit(*second).is_some() => None,
        chars => chinese_integer(chars).map(|value| (length, value)),
    }
}

/// The digits that `tokens` begin with, one by one: 二零二七, `2027`.
pub(super) fn digit_run(tokens: &[String]) -> (usize, String) {
    let mut out = String::new();
    let mut length = 0;
    for token in tokens {
        if let Some(digit) = digit(token) {
            out.push_str(&digit.to_string());
        } else if written(token, 15).is_some() {
            out.push_str(token);
        } else {
            break;
        }
        length += 1;
    }
    (length, out)
}

/// Numbers that are not negative, as written: 二十三点五 is `23.5`, 1.5万 `15000`, 三十六度五 `36.5`, 三个半 `3.5`.
pub(super) fn decimal(tokens: &[String]) -> Option<(usize, String)> {
    let first = tokens.first()?;
    if let Some((whole, fraction)) = first.split_once('.') {
        return match tokens.get(1).and_then(|token| large_scale(token)) {
            Some(scale) => {
                let places = usize::try_from(scale.checked_ilog10()?).ok()?;
                let shifted = format!("{fraction:0<places$}");
                let (moved, rest) = shifted.split_at_checked(places)?;
                let whole: u64 = format!("{whole}{moved}").parse().ok()?;
                Some((2, if rest.is_empty() { whole.to_string() } else { format!("{whole}.{rest}") }))
            }
            None => Some((1, first.clone())),
        };
    }
    if is_any(tokens.get(..2).unwrap_or_default(), &["一半"]) {
        return Some((2, "0.5".to_owned()));
    }
    if first == "半" {
        return Some((1, "0.5".to_owned()));
    }
    if let Some((length, value)) =
        of_table(tokens, &[("二分之一", "0.5"), ("四分之一", "0.25"), ("四分之三", "0.75")]).into_iter().next()
    {
        return Some((length, value.to_owned()));
    }
    let (length, whole) = cardinal(tokens)?;
    let rest = after(tokens, length);
    let Some(joint) = rest.first() else { return Some((length, whole.to_string())) };
    if matches!(joint.as_str(), "点" | "度") {
        let (more, digits) = digit_run(after(rest, 1));
        let scale_follows = rest.get(1 + more).is_some_and(|token| is_scale(token));
        if more > 0 && !scale_follows {
            return Some((length + 1 + more, format!("{whole}.{digits}")));
        }
    }
    if matches!(joint.as_str(), "个" | "度") && rest.get(1).is_some_and(|token| token == "半") {
        return Some((length + 2, format!("{whole}.5")));
    }
    if joint == "半" {
        return Some((length + 1, format!("{whole}.5")));
    }
    Some((length, whole.to_string()))
}

/// What may stand behind a number and does not change it.
const UNITS: [&str; 12] = ["分", "个", "度", "岁", "次", "天", "%", "米", "公斤", "斤", "多", "号"];

/// A whole utterance as a number, as written. Of a range the first counts: 六七 and 六到七 are `6`.
pub(in crate::builtin) fn number(tokens: &[String]) -> Option<String> {
    const SCALES: [&str; 8] =
        ["十分里面", "十分里", "十分当中", "满分十分", "满分10分", "10分里面", "10分里", "满分是十分"];
    let tokens = after(tokens, skip(tokens, &SCALES));
    let negative = skip(tokens, &["负", "-", "零下"]);
    let tokens = after(tokens, negative.max(skip(tokens, &["正", "+"])));
    let tokens = after(tokens, skip(tokens, &["百分之", "第"]));
    let value = alone(tokens).or_else(|| range(tokens)).or_else(|| in_a_row(tokens))?;
    Some(if negative > 0 { format!("-{value}") } else { value })
}

fn alone(tokens: &[String]) -> Option<String> {
    let (length, value) = decimal(tokens)?;
    let rest = after(tokens, length);
    // 一点 and 一些 are no numbers, but "a bit".
    (rest.is_empty() || is_any(rest, &UNITS)).then_some(value)
}

fn range(tokens: &[String]) -> Option<String> {
    let (length, value) = decimal(tokens)?;
    let rest = after(tokens, length);
    let unit = skip(rest, &UNITS);
    let joint = skip(after(rest, unit), &["到", "至", "或者", "或", "还是", "-"]);
    (joint > 0).then(|| alone(after(rest, unit + joint)))??;
    Some(value)
}

/// 六七分 is a guess of which the first counts; other digits in a row are one number: 一三八, 二零二六.
fn in_a_row(tokens: &[String]) -> Option<String> {
    let (length, digits) = digit_run(tokens);
    let rest = after(tokens, length);
    if !(rest.is_empty() || is_any(rest, &UNITS)) {
        return None;
    }
    let values: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(10)).collect();
    match values.as_slice() {
        [first, second] if *first > 0 && *second == first + 1 => Some(first.to_string()),
        [first, _, ..] if *first > 0 && values.len() <= 15 => Some(digits),
        _ => None,
    }
}
