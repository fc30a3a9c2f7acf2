//! Amounts of money in Chinese.

use super::numbers::{cardinal, decimal, digit};
use crate::builtin::{
    money::{Amount, Currency, cents},
    tokens::{after, of_table, skip, written},
};

/// Names of whole units with their currencies.
const MAJOR: [(&str, Currency); 24] = [
    ("块", "CNY"),
    ("元", "CNY"),
    ("人民币", "CNY"),
    ("元人民币", "CNY"),
    ("块人民币", "CNY"),
    ("美元", "USD"),
    ("美金", "USD"),
    ("块美金", "USD"),
    ("美刀", "USD"),
    ("刀", "USD"),
    ("欧元", "EUR"),
    ("英镑", "GBP"),
    ("镑", "GBP"),
    ("日元", "JPY"),
    ("日币", "JPY"),
    ("港币", "HKD"),
    ("港元", "HKD"),
    ("块港币", "HKD"),
    ("台币", "TWD"),
    ("新台币", "TWD"),
    ("韩元", "KRW"),
    ("加元", "CAD"),
    ("澳元", "AUD"),
    ("新加坡元", "SGD"),
];
/// What stands before the number.
const LEADING: [(&str, Currency); 7] =
    [("¥", "CNY"), ("$", "USD"), ("€", "EUR"), ("£", "GBP"), ("人民币", "CNY"), ("美元", "USD"), ("港币", "HKD")];

/// A whole utterance as an amount of money.
pub(in crate::builtin) fn amount(tokens: &[String]) -> Option<Amount> {
    let leading = of_table(tokens, &LEADING).into_iter().next();
    let body = after(tokens, leading.map_or(0, |(length, _)| length));
    let told = leading.map(|(_, currency)| currency);
    if let Some(cents) = small(body) {
        return Some(Amount { currency: told.or(Some("CNY")), cents });
    }
    let (length, value) = decimal(body)?;
    let rest = after(body, length);
    if rest.is_empty() {
        return cents(&value, 1).map(|cents| Amount { currency: told, cents });
    }
    for (unit, currency) in of_table(rest, &MAJOR) {
        let tail = after(rest, unit);
        let ends = skip(tail, &["钱整", "钱", "整"]);
        if ends == tail.len() {
            return cents(&value, 1).map(|cents| Amount { currency: told.or(Some(currency)), cents });
        }
        if let (Some(part), false) = (part(tail), value.contains('.')) {
            let cents = cents(&value, 1)?.checked_add(part)?;
            return Some(Amount { currency: told.or(Some(currency)), cents });
        }
    }
    None
}

/// What follows the whole units: 五 and 五毛 are fifty, 二毛五 twenty-five, 零五 and 零五分 five, 半 fifty.
fn part(tokens: &[String]) -> Option<u64> {
    if let [only] = tokens {
        if only == "半" {
            return Some(50);
        }
        let fraction = written(only, 2).map(|value| if only.len() == 1 { value * 10 } else { value });
        return fraction.or_else(|| digit(only).filter(|digit| *digit > 0).map(|digit| digit * 10));
    }
    small(tokens).or_else(|| match tokens {
        [zero, fen] if zero == "零" => digit(fen).or_else(|| written(fen, 1)),
        _ => None,
    })
}

/// Less than one unit: 五毛, 五角, 一毛五, 二毛五分, 五分钱, 零五毛.
fn small(tokens: &[String]) -> Option<u64> {
    let tokens = after(tokens, skip(tokens, &["零"]));
    let end = tokens.len() - usize::from(tokens.last().is_some_and(|last| last == "钱" || last == "整"));
    let tokens = tokens.get(..end)?;
    let (length, value) = cardinal(tokens).filter(|(_, value)| *value < 100)?;
    let unit = tokens.get(length)?;
    let tail = after(tokens, length + 1);
    match unit.as_str() {
        "毛" | "角" if value < 10 => {
            let rest = after(tail, skip(tail, &["零"]));
            if rest.is_empty() {
                return Some(value * 10);
            }
            let (more, fen) = cardinal(rest).filter(|(_, fen)| *fen < 10)?;
            let ends = after(rest, more);
            let whole = ends.is_empty() || ends.first().is_some_and(|unit| unit == "分") && ends.len() == 1;
            whole.then_some(value * 10 + fen)
        }
        "分" if tail.is_empty() => Some(value),
        _ => None,
    }
}
