//! Amounts of money in English.

use super::numbers::{below_hundred, cardinals, decimals, scale};
use crate::builtin::{
    money::{Amount, Currency, cents},
    tokens::{after, of_table, starts},
};

/// A unit of money: its currency when its name tells one.
type Unit = Option<Currency>;

/// Names of whole units. "Dollar" alone is that of the region that the grammar names.
const MAJOR: [(&str, Unit); 48] = [
    ("us dollars", Some("USD")),
    ("us dollar", Some("USD")),
    ("u s dollars", Some("USD")),
    ("american dollars", Some("USD")),
    ("usd", Some("USD")),
    ("canadian dollars", Some("CAD")),
    ("canadian dollar", Some("CAD")),
    ("cad", Some("CAD")),
    ("australian dollars", Some("AUD")),
    ("australian dollar", Some("AUD")),
    ("aud", Some("AUD")),
    ("singapore dollars", Some("SGD")),
    ("sgd", Some("SGD")),
    ("hong kong dollars", Some("HKD")),
    ("hkd", Some("HKD")),
    ("new zealand dollars", Some("NZD")),
    ("nzd", Some("NZD")),
    ("euros", Some("EUR")),
    ("euro", Some("EUR")),
    ("eur", Some("EUR")),
    ("pounds sterling", Some("GBP")),
    ("british pounds", Some("GBP")),
    ("pounds", Some("GBP")),
    ("pound", Some("GBP")),
    ("quid", Some("GBP")),
    ("gbp", Some("GBP")),
    ("yen", Some("JPY")),
    ("jpy", Some("JPY")),
    ("yuan", Some("CNY")),
    ("rmb", Some("CNY")),
    ("renminbi", Some("CNY")),
    ("cny", Some("CNY")),
    ("swiss francs", Some("CHF")),
    ("swiss franc", Some("CHF")),
    ("chf", Some("CHF")),
    ("rupees", Some("INR")),
    ("indian rupees", Some("INR")),
    ("rupee", Some("INR")),
    ("inr", Some("INR")),
    ("mexican pesos", Some("MXN")),
    ("rubles", Some("RUB")),
    ("won", Some("KRW")),
    ("pesos", None),
    ("peso", None),
    ("francs", None),
    ("franc", None),
    ("kronor", None),
    ("crowns", None),
];
const DOLLARS: [&str; 4] = ["dollars", "dollar", "bucks", "buck"];
const MINOR: [(&str, Unit); 5] =
    [("cents", None), ("cent", None), ("pence", Some("GBP")), ("pennies", None), ("penny", None)];
const SIGNS: [(&str, Currency); 3] = [("€", "EUR"), ("£", "GBP"), ("¥", "JPY")];

/// A whole utterance as an amount of money. `dollar` is the dollar of the region.
pub(in crate::builtin) fn amount(tokens: &[String], dollar: Currency) -> Option<Amount> {
    let majors = |tokens: &[String]| {
        let mut found = of_table(tokens, &MAJOR);
        found.extend(DOLLARS.iter().filter_map(|name| starts(tokens, name)).map(|length| (length, Some(dollar))));
        found
    };
    // "$3.50", "$1.2 million", "EUR 20"
    let sign = tokens.first().and_then(|first| {
        let sign = SIGNS.iter().find(|(sign, _)| sign == first).map(|(_, currency)| *currency);
        sign.or_else(|| (first == "$").then_some(dollar)).map(|currency| (1, Some(currency)))
    });
    let code = of_table(tokens, &MAJOR).into_iter().find(|(_, currency)| currency.is_some());
    if let Some((length, currency)) = sign.or(code) {
        let rest = after(tokens, length);
        return whole_cents(rest).map(|cents| Amount { currency, cents });
    }
    for (length, value) in decimals(tokens).into_iter().chain(article(tokens)) {
        let rest = after(tokens, length);
        for (unit, currency) in majors(rest) {
            let tail = after(rest, unit);
            let Some(major) = cents(&value, 1) else { continue };
            if tail.is_empty() {
                return Some(Amount { currency, cents: major });
            }
            if let Some(minor) = minor(tail, currency) {
                return major.checked_add(minor).map(|cents| Amount { currency, cents });
            }
        }
    }
    for (length, value) in below_hundred(tokens).into_iter().chain(article(tokens).map(|(n, _)| (n, 1))) {
        let rest = after(tokens, length);
        for (unit, currency) in of_table(rest, &MINOR) {
            if unit == rest.len() {
                // A cent is the dollar's where nothing else is told.
                return Some(Amount { currency: currency.or(Some(dollar)), cents: value });
            }
        }
    }
    bare(tokens).map(|cents| Amount { currency: None, cents })
}

/// "a dollar"
fn article(tokens: &[String]) -> Option<(usize, String)> {
    tokens.first().filter(|word| *word == "a" || *word == "an").map(|_| (1, "1".to_owned()))
}

/// "and fifty cents", "fifty cents", "fifty"
fn minor(tokens: &[String], major: Unit) -> Option<u64> {
    let and = usize::from(tokens.first().is_some_and(|word| word == "and"));
    let tokens = after(tokens, and);
    for (length, value) in below_hundred(tokens) {
        let rest = after(tokens, length);
        if rest.is_empty() && and == 0 && value > 9 {
            return Some(value);
        }
        let fits = |unit: Unit| unit.is_none() || unit == major;
        if of_table(rest, &MINOR).into_iter().any(|(length, unit)| length == rest.len() && fits(unit)) {
            return Some(value);
        }
    }
    None
}

/// A number that is all of `tokens`, in hundredths.
fn whole_cents(tokens: &[String]) -> Option<u64> {
    let whole = |length: &usize| *length == tokens.len();
    let spoken = decimals(tokens).into_iter().find(|(length, _)| whole(length)).and_then(|(_, value)| cents(&value, 1));
    spoken.or_else(|| {
        let (value, word) = tokens.split_first()?;
        let scale = word.first().filter(|_| word.len() == 1).and_then(|word| scale(word))?;
        cents(value, scale)
    })
}

/// Without a unit: "twenty five", `3.50`, and "three ninety nine" as prices are read.
fn bare(tokens: &[String]) -> Option<u64> {
    let all = |length: usize| length == tokens.len();
    if let Some((_, value)) = cardinals(tokens).into_iter().find(|(length, _)| all(*length)) {
        return value.checked_mul(100);
    }
    for (length, major) in below_hundred(tokens) {
        let rest = after(tokens, length);
        let spoken = rest.first().is_some_and(|word| !word.starts_with(|c: char| c.is_ascii_digit()));
        let price = below_hundred(rest).into_iter().find(|(more, minor)| all(length + more) && *minor > 9);
        if let Some((_, minor)) = price.filter(|_| spoken && major > 0) {
            return Some(major * 100 + minor);
        }
    }
    whole_cents(tokens)
}
