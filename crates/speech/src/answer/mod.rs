//! Yes and no, as people say them.

mod chinese;
mod english;

use crate::Language;

/// Whether a text says yes or no: "yeah, sure" is `Some(true)`, "不用了" is `Some(false)`. `None` when it says neither,
/// both ("yes, no wait"), asks back ("是不是") or does not know ("不知道"): better to ask again than to guess.
///
/// The language is that of the text's script; `language` decides only when there is none.
pub fn yes_no(text: &str, language: Language) -> Option<bool> {
    // Far longer than any answer to a yes/no question.
    const CHARS_MAX: usize = 400;
    if text.chars().nth(CHARS_MAX).is_some() {
        return None;
    }
    match Language::of_text(text).unwrap_or(language) {
        Language::English => english::yes_no(text),
        Language::Chinese => chinese::yes_no(text),
    }
}

/// What a phrase says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    Yes,
    No,
    /// Neither, though it looks like one: the answer cannot be known.
    Unsure,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_decides_over_the_language_that_was_asked_for() {
        assert_eq!(yes_no("没有", Language::English), Some(false));
        assert_eq!(yes_no("yes", Language::Chinese), Some(true));
    }
}
