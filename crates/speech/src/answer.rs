//! Yes and no.

use crate::Language;

/// Whether a text says yes or no: "yeah, sure" is `Some(true)`, "不用了" is `Some(false)`, anything else `None`.
pub fn yes_no(_text: &str, _language: Language) -> Option<bool> {
    None
}
