//! What was heard or keyed, word by word, in the spelling in which grammars compare.

use std::ops::Range;

use super::enumeration::Phrase;
use crate::{
    Language, spelling,
    text::{self, Word},
};

/// Words of an input that are looked at; the rest is as if it were nowhere in the grammar.
pub(crate) const WORDS_MAX: usize = 1_000;

/// An input taken apart into what grammars compare: words in one spelling, Han characters one by one, keys one by one.
///
/// A number is spelled as its words (`23` is "twenty", "three", or 二, 十, 三), so one piece of text can stand for several
/// words.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    text: String,
    words: Vec<HeardWord>,
    is_complete: bool,
}

/// One word of an [`Utterance`].
#[derive(Debug, Clone, PartialEq)]
pub struct HeardWord {
    /// The word as grammars compare it.
    pub spelling: String,
    /// The bytes of the text that it stands for.
    pub span: Range<usize>,
    /// How sure the engine is of it, 0 to 1.
    pub confidence: f32,
}

impl Utterance {
    /// What an engine heard. `language` says how numbers are read when the text itself does not show it.
    pub fn spoken(text: &str, confidence: f32, language: Language) -> Self {
        let language = Language::of_text(text).unwrap_or(language);
        let words = text::located_words(text);
        Self::of_words(text, words, confidence, language)
    }

    /// Keys, one word each.
    pub fn keyed(keys: &str) -> Self {
        let word = |(start, key): (usize, char)| HeardWord {
            spelling: key.to_string(),
            span: start..start + key.len_utf8(),
            confidence: 1.0,
        };
        let words: Vec<HeardWord> = keys.char_indices().take(WORDS_MAX + 1).map(word).collect();
        Self { text: keys.to_owned(), is_complete: words.len() <= WORDS_MAX, words }
    }

    /// One of a grammar's own phrases.
    pub(super) fn of_phrase(phrase: &Phrase) -> Self {
        let span = 0..phrase.text.len();
        let word = |spelling: &String| HeardWord { spelling: spelling.clone(), span: span.clone(), confidence: 1.0 };
        Self { text: phrase.text.clone(), words: phrase.words.iter().map(word).collect(), is_complete: true }
    }

    /// The same input with these words only.
    pub(super) fn keeping(&self, words: &[usize]) -> Self {
        let words = words.iter().filter_map(|word| self.words.get(*word)).cloned().collect();
        Self { text: self.text.clone(), words, is_complete: self.is_complete }
    }

    /// The spellings of its words.
    pub(super) fn spellings(&self) -> Vec<String> {
        self.words.iter().map(|word| word.spelling.clone()).collect()
    }

    fn of_words(text: &str, words: Vec<Word>, confidence: f32, language: Language) -> Self {
        let heard = words.into_iter().flat_map(|word| {
            let span = word.span;
            let spellings = spelling::comparable(&[word.text], language);
            spellings.into_iter().map(move |spelling| HeardWord { spelling, span: span.clone(), confidence })
        });
        let words: Vec<HeardWord> = heard.take(WORDS_MAX + 1).collect();
        Self { text: text.to_owned(), is_complete: words.len() <= WORDS_MAX, words }
    }

    /// The text as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its words; at most 1,000.
    pub fn words(&self) -> &[HeardWord] {
        self.words.get(..WORDS_MAX).unwrap_or(&self.words)
    }

    /// Whether [`words`](Self::words) are all of them. A longer input matches nothing.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The text as given that a range of words stands for; empty for an empty range.
    pub fn heard(&self, words: &Range<usize>) -> &str {
        let words = self.words.get(words.clone()).unwrap_or_default();
        match (words.first(), words.last()) {
            (Some(first), Some(last)) => self.text.get(first.span.start..last.span.end).unwrap_or_default(),
            _ => "",
        }
    }

    /// How sure the engine is of a range of words: the mean; 1 for an empty range.
    pub fn confidence(&self, words: &Range<usize>) -> f32 {
        let words = self.words.get(words.clone()).unwrap_or_default();
        if words.is_empty() {
            return 1.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "at most WORDS_MAX")]
        let count = words.len() as f32;
        words.iter().map(|word| word.confidence).sum::<f32>() / count
    }
}
