//! What a language model may not say, taken out of what it writes.

use super::phrases::Phrases;

/// What is forbidden, and what is said instead.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    pub(super) phrases: Phrases,
    pub(super) instead: String,
}

/// Reads what a model writes, piece by piece, and lets pass what may be said. Words wait for the end of their clause, as the first clause of
/// a reply does for the synthesizer in any case.
#[derive(Debug)]
pub struct ForbiddenFilter {
    guard: Option<Guard>,
    /// The clause that is being written.
    clause: String,
    /// What of the sentence was let pass: a forbidden sentence may have commas in it.
    sentence: String,
    replaced: u32,
}

/// A clause without an end is let go at this length.
const CLAUSE_CHARS_MAX: usize = 400;

impl ForbiddenFilter {
    /// A filter for one reply; without a guard everything passes at once.
    pub fn new(guard: Option<Guard>) -> Self {
        Self { guard, clause: String::new(), sentence: String::new(), replaced: 0 }
    }

    /// How many clauses were replaced.
    pub fn replaced(&self) -> u32 {
        self.replaced
    }

    /// Adds a piece; returns what can be said.
    pub fn push(&mut self, piece: &str) -> String {
        if self.guard.is_none() {
            return piece.to_owned();
        }
        let mut said = String::new();
        for c in piece.chars() {
            self.clause.push(c);
            let ends_sentence = matches!(c, '.' | '!' | '?' | '。' | '！' | '？' | '\n');
            if ends_sentence
                || matches!(c, ',' | ';' | ':' | '，' | '；' | '：')
                || self.clause.chars().count() >= CLAUSE_CHARS_MAX
            {
                self.release(&mut said);
                if ends_sentence {
                    self.sentence.clear();
                }
            }
        }
        said
    }

    /// Ends the reply; returns what was held back.
    pub fn finish(&mut self) -> String {
        let mut said = String::new();
        self.release(&mut said);
        said
    }

    fn release(&mut self, said: &mut String) {
        let Some(guard) = &self.guard else { return };
        let clause = std::mem::take(&mut self.clause);
        if clause.trim().is_empty() {
            said.push_str(&clause);
            return;
        }
        // A comma in what was said is none in the phrase, and the other way round.
        let sentence = format!("{}{clause}", self.sentence);
        let joined: String = sentence.chars().filter(|c| !matches!(c, ',' | '，' | ';' | '；')).collect();
        if [&clause, &sentence, &joined].into_iter().any(|text| guard.phrases.said_in(text)) {
            self.replaced = self.replaced.saturating_add(1);
            // Once is enough: a model that insists is not repeated.
            if self.replaced == 1 {
                if said.chars().next_back().is_some_and(|c| c.is_alphanumeric() || matches!(c, ',' | '.')) {
                    said.push(' ');
                }
                said.push_str(&guard.instead);
                said.push(' ');
            }
            self.sentence.clear();
        } else {
            said.push_str(&clause);
            self.sentence = sentence;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use speech::Language;

    use super::*;

    fn guard() -> Guard {
        let phrases = BTreeMap::from([
            (Language::English, vec!["you are cured".to_owned(), "guarantee".to_owned()]),
            (Language::Chinese, vec!["保证治好".to_owned()]),
        ]);
        Guard { phrases: Phrases::new(phrases), instead: "Please ask your doctor.".to_owned() }
    }

    fn filter(pieces: &[&str]) -> (String, u32) {
        let mut filter = ForbiddenFilter::new(Some(guard()));
        let mut text: String = pieces.iter().map(|piece| filter.push(piece)).collect();
        text.push_str(&filter.finish());
        (text, filter.replaced())
    }

    #[test]
    fn a_forbidden_clause_is_replaced_wherever_the_model_cuts_it() {
        let reply = "Well, you are cured. See you.";
        for (at, _) in reply.char_indices() {
            let (head, tail) = reply.split_at(at);
            let (text, replaced) = filter(&[head, tail]);
            assert!(
                text.starts_with("Well,") && text.contains("Please ask your doctor.") && !text.contains("cured"),
                "{text}"
            );
            assert!(text.ends_with("See you.") && replaced == 1, "{text}");
        }
    }

    #[test]
    fn a_denied_forbidden_word_is_said_all_the_same_and_so_replaced() {
        assert_eq!(filter(&["I cannot guarantee that."]).1, 1);
        assert_eq!(filter(&["我们不能保证治好。"]).1, 1);
    }

    #[test]
    fn a_phrase_that_a_comma_cuts_is_found() {
        let (text, replaced) = filter(&["You are, cured. Bye."]);
        assert_eq!(replaced, 1);
        assert!(!text.contains("cured"), "{text}");
    }

    #[test]
    fn the_safe_sentence_is_said_once() {
        let (text, replaced) = filter(&["I guarantee it. I guarantee it. Bye."]);
        assert_eq!((text.matches("Please ask").count(), replaced), (1, 2));
    }

    proptest! {
        #[test]
        fn what_is_allowed_is_said_as_it_is(text in "[a-f ,.]{0,60}", at in 0usize..60) {
            let at = at.min(text.len());
            let (head, tail) = text.split_at(at);
            prop_assert_eq!(filter(&[head, tail]), (text, 0));
        }
    }
}
