//! English text to phonemes, sentence by sentence.

use std::path::Path;

use crate::ipa::{begins_with_vowel, ipa};
use crate::spoken_english::spoken_english;
use crate::table::{LoadError, Table};
use crate::word::Pronunciation;

/// Turns English text into the phonemes of Piper's English voices.
pub struct English {
    pronunciation: Pronunciation,
}

/// Words after which one that can be a noun or a verb is likely a verb.
const BEFORE_VERBS: [&str; 26] = [
    "to", "will", "would", "can", "could", "shall", "should", "may", "might", "must", "i", "you", "we", "they",
    "please", "not", "don't", "didn't", "can't", "won't", "i'll", "you'll", "we'll", "they'll", "do", "did",
];

enum Token<'a> {
    Word(&'a str),
    /// Of `.,;:!?`
    Punctuation(char),
}

impl<'a> Token<'a> {
    fn word(&self) -> Option<&'a str> {
        match self {
            Token::Word(word) => Some(word),
            Token::Punctuation(_) => None,
        }
    }
}

impl English {
    /// Loads the prepared files: `word phonemes` and `left[letter]right phonemes`, sorted by key.
    ///
    /// # Errors
    /// When one cannot be read or is not sorted.
    pub fn load(lexicon: &Path, letters: &Path) -> Result<English, LoadError> {
        Ok(English { pronunciation: Pronunciation { lexicon: Table::load(lexicon)?, letters: Table::load(letters)? } })
    }

    /// The phonemes of each sentence of `text`, punctuation included since voices make their melody from it. Numbers
    /// and symbols are written out as by [`spoken_english`]. Sentences without a speakable word are left out.
    ///
    /// The characters of a string are the codepoints of one sentence for sherpa's `phoneme_codepoints`.
    #[must_use]
    pub fn phonemes(&self, text: &str) -> Vec<String> {
        let text = spoken_english(text);
        let shouted = !text.chars().any(char::is_lowercase);
        let tokens = tokens(&text);
        let mut sentences = Vec::new();
        let mut sentence = String::new();
        for (index, token) in tokens.iter().enumerate() {
            match *token {
                Token::Word(word) => {
                    let before = index.checked_sub(1).and_then(|before| tokens.get(before)).and_then(Token::word);
                    let next = tokens.get(index + 1).and_then(Token::word);
                    let spoken = self.word(before, word, next, shouted);
                    if !spoken.is_empty() {
                        if !sentence.is_empty() {
                            sentence.push(' ');
                        }
                        sentence.push_str(&spoken);
                    }
                }
                Token::Punctuation(mark) => {
                    let ends = matches!(mark, '.' | '!' | '?');
                    // Of several marks one is heard, the one that ends the sentence if there is one.
                    if ends {
                        sentence.truncate(sentence.trim_end_matches([',', ';', ':']).len());
                    }
                    if sentence.ends_with(char::is_alphabetic) {
                        sentence.push(mark);
                    }
                    if ends && !sentence.is_empty() {
                        sentences.push(std::mem::take(&mut sentence));
                    }
                }
            }
        }
        if !sentence.is_empty() {
            sentences.push(sentence);
        }
        sentences
    }

    /// `before` and `next` are the words around it, up to punctuation.
    fn word(&self, before: Option<&str>, word: &str, next: Option<&str>, shouted: bool) -> String {
        let lower = word.to_lowercase().replace('’', "'");
        let next_lower = next.map(str::to_lowercase);
        let before_vowel = || next_lower.as_deref().is_some_and(|next| begins_with_vowel(&self.pronunciation.of(next)));
        // Words that are said otherwise within a sentence than alone.
        match lower.as_str() {
            "a" if next.is_some() => return "ɐ".to_owned(),
            "the" => return if before_vowel() { "ðɪ" } else { "ðə" }.to_owned(),
            "to" if next.is_some() => return if before_vowel() { "tʊ" } else { "tə" }.to_owned(),
            "i" => return "aɪ".to_owned(),
            "used" if next_lower.as_deref() == Some("to") => return "jˈuːst".to_owned(),
            _ => {}
        }
        if before.is_some_and(|before| BEFORE_VERBS.contains(&before.to_lowercase().replace('’', "'").as_str()))
            && let Some(spoken) = self.pronunciation.as_verb(&lower)
        {
            return ipa(&lower, spoken);
        }
        let abbreviation = !shouted && word.chars().count() > 1 && word.chars().all(|c| c.is_ascii_uppercase());
        let single = word.len() == 1;
        let spoken = if single || abbreviation && (word.len() == 2 && word != "OK" || !self.pronunciation.knows(&lower))
        {
            self.pronunciation.spelled(&lower)
        } else {
            self.pronunciation.of(&lower)
        };
        ipa(&lower, &spoken)
    }
}

/// Words and the punctuation that is heard. Hyphens join words that are looked up apart; dashes and brackets pause.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let letters = rest.find(|c: char| !(c.is_alphabetic() || is_apostrophe(c))).unwrap_or(rest.len());
        if letters > 0 {
            let (word, after) = rest.split_at(letters);
            let word = word.trim_start_matches(is_apostrophe);
            // A closing quote is not part of the word, the apostrophe of "patients'" does not change its sound.
            let word = word.trim_end_matches(is_apostrophe);
            if !word.is_empty() {
                tokens.push(Token::Word(word));
            }
            rest = after;
            continue;
        }
        match first {
            '.' | ',' | ';' | ':' | '!' | '?' => tokens.push(Token::Punctuation(first)),
            '…' => tokens.push(Token::Punctuation('.')),
            '—' | '–' | '(' | ')' | '[' | ']' => tokens.push(Token::Punctuation(',')),
            _ => {}
        }
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    tokens
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn english() -> English {
        let lexicon = [
            "A ˈA",
            "M ˈɛm",
            "R ˈɑɹ",
            "a ə",
            "an æn",
            "apple ˈæpᵊl",
            "call kˈɔl",
            "hello həlˈO",
            "okay ˌOkˈA",
            "record ɹˈɛkəɹd",
            "record/verb ɹəkˈɔɹd",
            "three θɹˈi",
            "to tu",
            "union jˈunjən",
            "used jˈuzd",
            "world wˈɜɹld",
        ];
        English { pronunciation: Pronunciation { lexicon: Table::of(&lexicon), letters: Table::of(&["[k] k"]) } }
    }

    #[test]
    fn each_sentence_is_one_string_with_its_punctuation() {
        assert_eq!(english().phonemes("Hello, world! Okay?"), ["həlˈoʊ, wˈɜːld!", "ˌoʊkˈeɪ?"]);
    }

    #[test]
    fn articles_and_to_follow_the_next_sound() {
        assert_eq!(english().phonemes("the apple"), ["ðɪ ˈæpəl"]);
        assert_eq!(english().phonemes("the union"), ["ðə jˈuːnjən"]);
        assert_eq!(english().phonemes("a call to a world"), ["ɐ kˈɔːl tʊ ɐ wˈɜːld"]);
        assert_eq!(english().phonemes("used to call"), ["jˈuːst tə kˈɔːl"]);
    }

    #[test]
    fn a_word_is_a_verb_where_only_a_verb_can_be() {
        assert_eq!(english().phonemes("a record to record"), ["ɐ ɹˈɛkɚd tə ɹəkˈɔːɹd"]);
    }

    #[test]
    fn capitals_are_spelled_unless_everything_is_in_capitals() {
        assert_eq!(english().phonemes("an MRA call"), ["æn ˌɛmˌɑːɹˈeɪ kˈɔːl"]);
        assert_eq!(english().phonemes("HELLO WORLD"), ["həlˈoʊ wˈɜːld"]);
    }

    #[test]
    fn digits_are_spoken() {
        assert_eq!(english().phonemes("3 apples."), ["θɹˈiː ˈæpəlz."]);
    }

    #[test]
    fn a_dash_or_bracket_pauses_and_quotes_do_not() {
        assert_eq!(english().phonemes("“hello” — 'world'"), ["həlˈoʊ, wˈɜːld"]);
        assert_eq!(english().phonemes("hello (world)."), ["həlˈoʊ, wˈɜːld."]);
    }

    #[test]
    fn text_without_words_has_no_sentence() {
        assert!(english().phonemes(" ... !?").is_empty());
        assert!(english().phonemes("").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_spoken_with_symbols_that_voices_know(text in "\\PC{0,60}") {
            for sentence in english().phonemes(&text) {
                prop_assert!(!sentence.chars().any(|c| c.is_ascii_uppercase() || c.is_ascii_digit()), "{sentence}");
            }
        }
    }
}
