//! Numbers as people say them.

use crate::Language;

/// The number that a text speaks of: "about six", "twenty three point five", "大概六分", "二十三点五", "6".
pub fn parse(_text: &str, _language: Language) -> Option<f64> {
    None
}
