//! How keys stand to the rules of a grammar.

use jiff::civil::Date;
use serde_json::Value;

use super::{DtmfMatch, Rule, is_key};

/// More keys than any rule takes.
const KEYS_MAX: usize = 128;

pub(super) fn match_keys(rule: &Rule, keys: &str, today: Option<Date>) -> DtmfMatch {
    if keys.len() > KEYS_MAX || !keys.chars().all(is_key) {
        return DtmfMatch::NoMatch;
    }
    match rule {
        Rule::Rules(rules) => match rules.match_keys(keys, today) {
            // A rule that accepts nothing at all does not make silence an input.
            DtmfMatch::Complete { can_grow: true, .. } if keys.is_empty() => DtmfMatch::Prefix,
            DtmfMatch::Complete { .. } if keys.is_empty() => DtmfMatch::NoMatch,
            state => state,
        },
        _ if keys.is_empty() => DtmfMatch::Prefix,
        Rule::Transcribe => DtmfMatch::NoMatch,
        // Any keys are a turn; it ends with the terminator or when the caller stops keying.
        Rule::Dialog(_) => complete(keys.into(), true),
        Rule::Builtin(builtin) => builtin.match_keys(keys),
    }
}

fn complete(instance: Value, can_grow: bool) -> DtmfMatch {
    DtmfMatch::Complete { can_grow, instance }
}
