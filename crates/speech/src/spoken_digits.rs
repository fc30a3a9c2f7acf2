//! Digit strings as people say them.

use crate::Language;

/// The digits that a text speaks: "oh double five" is `055`, "幺三八" is `138`; `None` when it says anything else.
pub fn digits(_text: &str, _language: Language) -> Option<String> {
    None
}
