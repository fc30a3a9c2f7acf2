//! Keywords in running speech, for hotword mode (RFC 6787, section 9): the words around them do not matter.

use speech::{Grammar, Hypothesis, Match};

/// Words of an utterance that are looked at, from its end: what came before was looked at when it was said.
const WORDS_MAX: usize = 24;
/// Words of the longest keyword.
const KEYWORD_WORDS_MAX: usize = 8;
/// Alternatives of the engine that are looked at.
const HYPOTHESES_MAX: usize = 3;

/// The matches of the grammars with some words of what was said, best first: of two the longer, of equal ones the surer.
pub(crate) fn spot(grammars: &[Grammar], hypotheses: &[Hypothesis]) -> Vec<Match> {
    let mut found: Vec<(usize, Match)> = Vec::new();
    for hypothesis in hypotheses.iter().take(HYPOTHESES_MAX) {
        let words = words(&hypothesis.text);
        let words = words.get(words.len().saturating_sub(WORDS_MAX)..).unwrap_or_default();
        for start in 0..words.len() {
            for length in 1..=KEYWORD_WORDS_MAX.min(words.len() - start) {
                let text: String = words.iter().skip(start).take(length).map(String::as_str).collect();
                let part = Hypothesis::new(text.trim(), hypothesis.confidence, hypothesis.language);
                for matched in speech::match_all(grammars, &[part]) {
                    match found.iter_mut().find(|(_, earlier)| earlier.instance == matched.instance) {
                        Some((words, _)) if *words >= length => {}
                        Some(earlier) => *earlier = (length, matched),
                        None => found.push((length, matched)),
                    }
                }
            }
        }
    }
    found.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.confidence.total_cmp(&a.1.confidence)));
    found.into_iter().map(|(_, matched)| matched).collect()
}

/// The words of a text with the space after them; each character of a script without spaces is a word.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for char in text.chars() {
        let stands_alone = char.is_alphanumeric() && !char.is_ascii() && !char.is_lowercase() && !char.is_uppercase();
        match words.last_mut() {
            Some(word) if is_open && !stands_alone => word.push(char),
            Some(_) | None if char.is_whitespace() => {}
            Some(_) | None => words.push(char.to_string()),
        }
        is_open = !stands_alone && !char.is_whitespace() && !words.is_empty();
        if char.is_whitespace()
            && let Some(word) = words.last_mut()
            && !word.ends_with(' ')
        {
            word.push(' ');
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use speech::Language;

    #[test]
    fn a_text_is_cut_into_words_and_chinese_characters() {
        assert_eq!(words("please stop, now"), ["please ", "stop, ", "now"]);
        assert_eq!(words("请停下 ok吧"), ["请", "停", "下 ", "ok", "吧"]);
        assert!(words("  ").is_empty());
    }

    #[test]
    fn a_keyword_is_found_among_other_words() {
        let grammar = Grammar::from_uri("builtin:grammar/digits?length=3").unwrap();
        let heard = Hypothesis::new("well the code is four five six I think", 0.8, Language::English);
        let found = spot(&[grammar], &[heard]);
        assert_eq!(found[0].instance, serde_json::json!("456"));
    }
}
