//! How keys stand to the builtin types.

use serde_json::Value;

use super::{Builtin, number_instance};
use crate::DtmfMatch;

/// How `keys` stand to a type; they are telephone keys and at least one.
pub(super) fn match_keys(builtin: &Builtin, keys: &str) -> DtmfMatch {
    match builtin {
        Builtin::Boolean(yes_no) => {
            let mut chars = keys.chars();
            match (chars.next(), chars.next()) {
                (Some(key), None) if key == yes_no.yes => complete(Value::Bool(true), false),
                (Some(key), None) if key == yes_no.no => complete(Value::Bool(false), false),
                _ => DtmfMatch::NoMatch,
            }
        }
        Builtin::Digits(lengths) => {
            let count = keys.len();
            if !keys.chars().all(|key| key.is_ascii_digit()) || count > lengths.max {
                DtmfMatch::NoMatch
            } else if count < lengths.min {
                DtmfMatch::Prefix
            } else {
                complete(keys.into(), count < lengths.max)
            }
        }
        Builtin::Number => number(keys),
    }
}

fn complete(instance: Value, can_grow: bool) -> DtmfMatch {
    DtmfMatch::Complete { can_grow, instance }
}

/// Digits with at most one star, which is the decimal point.
fn number(keys: &str) -> DtmfMatch {
    // Beyond this a key no longer changes the number.
    const DIGITS_MAX: usize = 15;
    let digits = keys.chars().filter(char::is_ascii_digit).count();
    let stars = keys.chars().filter(|key| *key == '*').count();
    if stars > 1 || digits + stars != keys.len() || digits > DIGITS_MAX {
        return DtmfMatch::NoMatch;
    }
    if digits == 0 {
        return DtmfMatch::Prefix;
    }
    let written = keys.replace('*', ".");
    let written = written.trim_end_matches('.');
    let value = format!("0{written}").parse::<f64>().unwrap_or_default();
    complete(number_instance(value), digits < DIGITS_MAX)
}
