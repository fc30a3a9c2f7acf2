//! How keys stand to the builtin types.

use serde_json::Value;

use super::{
    Kind, Lengths,
    date::PartialDate,
    money::{Amount, cents},
    number_instance,
    time::TimeOfDay,
};
use crate::DtmfMatch;

/// How `keys` stand to a type; they are telephone keys and at least one.
pub(super) fn match_keys(kind: &Kind, keys: &str) -> DtmfMatch {
    match kind {
        Kind::Boolean(yes_no) => {
            let mut chars = keys.chars();
            match (chars.next(), chars.next()) {
                (Some(key), None) if key == yes_no.yes => complete(Value::Bool(true), false),
                (Some(key), None) if key == yes_no.no => complete(Value::Bool(false), false),
                _ => DtmfMatch::NoMatch,
            }
        }
        Kind::Date => date(keys),
        Kind::Digits(lengths) => {
            let count = keys.len();
            if !all_digits(keys) || count > lengths.max {
                DtmfMatch::NoMatch
            } else if count < lengths.min {
                DtmfMatch::Prefix
            } else {
                complete(keys.into(), count < lengths.max)
            }
        }
        Kind::Currency => currency(keys),
        Kind::Number(lengths) => number(keys, *lengths),
        Kind::Phone => phone(keys),
        Kind::Time => time(keys),
    }
}

fn complete(instance: Value, can_grow: bool) -> DtmfMatch {
    DtmfMatch::Complete { can_grow, instance }
}

fn all_digits(keys: &str) -> bool {
    keys.chars().all(|key| key.is_ascii_digit())
}

/// Digits beyond these no longer change an amount or a number.
const DIGITS_MAX: usize = 15;

/// `yyyymmdd`. A day that does not exist is told at its last key.
fn date(keys: &str) -> DtmfMatch {
    const KEYS: usize = 8;
    if !all_digits(keys) || keys.len() > KEYS {
        return DtmfMatch::NoMatch;
    }
    if keys.len() < KEYS {
        return DtmfMatch::Prefix;
    }
    let part = |from: usize, to: usize| keys.get(from..to).unwrap_or_default();
    match PartialDate::new(part(0, 4).parse().ok(), part(4, 6).parse().ok(), part(6, 8).parse().ok()) {
        Some(date) => complete(date.canonical().into(), false),
        None => DtmfMatch::NoMatch,
    }
}

/// Digits with at most one star, which is the decimal point, and at most two digits after it.
fn currency(keys: &str) -> DtmfMatch {
    let (whole, fraction) = match keys.split_once('*') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (keys, None),
    };
    let decimals = fraction.unwrap_or_default();
    if !all_digits(whole) || !all_digits(decimals) || whole.len() > DIGITS_MAX || decimals.len() > 2 {
        return DtmfMatch::NoMatch;
    }
    if whole.is_empty() && decimals.is_empty() {
        return DtmfMatch::Prefix;
    }
    match cents(&format!("{whole}.{decimals}"), 1) {
        Some(cents) => complete(Amount { currency: None, cents }.canonical().into(), decimals.len() < 2),
        None => DtmfMatch::NoMatch,
    }
}

/// Digits with at most one star, which is the decimal point.
fn number(keys: &str, lengths: Lengths) -> DtmfMatch {
    let digits = keys.chars().filter(char::is_ascii_digit).count();
    let stars = keys.chars().filter(|key| *key == '*').count();
    let max = lengths.max.min(DIGITS_MAX);
    if stars > 1 || digits + stars != keys.len() || digits > max {
        return DtmfMatch::NoMatch;
    }
    if digits < lengths.min {
        return DtmfMatch::Prefix;
    }
    let written = keys.replace('*', ".");
    let written = written.trim_end_matches('.');
    let value = format!("0{written}").parse::<f64>().unwrap_or_default();
    complete(number_instance(value), digits < max)
}

/// Digits, and a star before those of an extension.
fn phone(keys: &str) -> DtmfMatch {
    const DIGITS_MAX: usize = 20;
    let (main, extension) = match keys.split_once('*') {
        Some((main, extension)) => (main, Some(extension)),
        None => (keys, None),
    };
    let valid = !main.is_empty() && all_digits(main) && main.len() <= DIGITS_MAX;
    match extension {
        _ if !valid => DtmfMatch::NoMatch,
        None => complete(main.into(), true),
        Some("") => DtmfMatch::Prefix,
        Some(extension) if all_digits(extension) && extension.len() <= DIGITS_MAX => {
            complete(format!("{main}x{extension}").into(), extension.len() < DIGITS_MAX)
        }
        Some(_) => DtmfMatch::NoMatch,
    }
}

/// `hhmm`, `hmm`, `hh` or `h`. Nobody can key which half of the day is meant: an hour from 1 to 12 has `?`.
fn time(keys: &str) -> DtmfMatch {
    if !all_digits(keys) {
        return DtmfMatch::NoMatch;
    }
    let can_grow = time_keyed_by_prefix(keys);
    match time_of(keys) {
        Some(time) => complete(time.canonical().into(), can_grow),
        None if can_grow => DtmfMatch::Prefix,
        None => DtmfMatch::NoMatch,
    }
}

fn time_of(keys: &str) -> Option<TimeOfDay> {
    let (hour, minute) = match keys.len() {
        1 | 2 => (keys, "0"),
        3 => keys.split_at_checked(1)?,
        4 => keys.split_at_checked(2)?,
        _ => return None,
    };
    TimeOfDay::clock(hour.parse().ok()?, minute.parse().ok()?)
}

fn time_keyed_by_prefix(keys: &str) -> bool {
    keys.len() < 4
        && (0..10).any(|key| {
            let more = format!("{keys}{key}");
            time_of(&more).is_some() || time_keyed_by_prefix(&more)
        })
}
