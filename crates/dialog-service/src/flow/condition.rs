use serde_json::Value;

use super::SlotId;

/// What a branch asks of a slot.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(crate) slot: SlotId,
    pub(crate) test: Test,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Is(Value),
    AtLeast(f64),
    AtMost(f64),
    Filled(bool),
}

impl Test {
    /// Does `value` pass? A slot that is not filled (`Null`) passes only [`Test::Filled`] with `false`.
    pub(crate) fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Is(Value::Number(wanted)) => {
                value.as_f64().zip(wanted.as_f64()).is_some_and(|(value, wanted)| value == wanted)
            }
            Self::Is(wanted) => value == wanted,
            Self::AtLeast(least) => value.as_f64().is_some_and(|value| value >= *least),
            Self::AtMost(most) => value.as_f64().is_some_and(|value| value <= *most),
            Self::Filled(filled) => value.is_null() != *filled,
        }
    }
}
