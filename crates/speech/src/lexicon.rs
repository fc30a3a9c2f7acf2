//! Pronunciation lexicons (W3C PLS 1.0).
//!
//! A voice that is given text can use words that stand for others: an `alias` is spoken in the place of its `grapheme`. Voices
//! here take no phonemes, so a word that has nothing but a `phoneme` keeps the voice's own pronunciation.
//!
//! A grammar uses all of it: whoever says any of the aliases says the word, and phonemes tell how it sounds
//! (`Lexicon::entries`).

use std::collections::HashMap;
use std::fmt;

use roxmltree::Node;

use crate::{
    Language, Segment,
    phoneme::{self, Alphabet},
    sound::Sound,
    spelling, text, xml,
};

/// Words of one lexicon.
const ENTRIES_MAX: usize = 10_000;
/// Characters of a word, and of what is spoken for it.
const WORD_CHARS_MAX: usize = 200;
/// Pronunciations of one word that a grammar uses: as many aliases and as many phonemes.
const PRONUNCIATIONS_MAX: usize = 8;

/// A pronunciation lexicon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lexicon {
    /// The language whose words it has; `None` for one that is not spoken here.
    language: Option<Language>,
    /// By the first character of the word, longest words first.
    aliases: HashMap<char, Vec<Entry>>,
    /// By the first word as grammars compare words.
    pronunciations: HashMap<String, Vec<Pronounced>>,
}

/// How a word of a grammar may be said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pronounced {
    /// The word, as grammars compare words; one that is written with a space is several.
    pub(crate) words: Vec<String>,
    /// What may be said for it.
    pub(crate) aliases: Vec<String>,
    /// How it sounds.
    pub(crate) sounds: Vec<Vec<Sound>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    grapheme: String,
    alias: String,
}

/// Why a document is no lexicon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LexiconError {
    /// One sentence for the log and the Completion-Reason header.
    pub message: String,
    /// Where, as line and column from 1, when the fault has a place in the text.
    pub position: Option<(u32, u32)>,
}

impl fmt::Display for LexiconError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(f, "{} (line {line}, column {column})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for LexiconError {}

impl Lexicon {
    /// Reads a PLS document (`application/pls+xml`).
    ///
    /// # Errors
    /// When it is not well formed, not PLS, or over a limit.
    pub fn parse(body: &[u8]) -> Result<Self, LexiconError> {
        let xml_error = |fault: xml::XmlError| LexiconError { message: fault.message, position: fault.position };
        let decoded = xml::decode(body).map_err(xml_error)?;
        let document = xml::without_doctype(decoded.trim_start()).map_err(xml_error)?;
        let parsed = xml::parse(&document).map_err(xml_error)?;
        let root = parsed.root_element();
        if root.tag_name().name() != "lexicon" {
            return Err(error(root, format!("the root element is {:?}, not lexicon", root.tag_name().name())));
        }
        let tag = xml::lang(root).ok_or_else(|| error(root, "lexicon has no xml:lang"))?;
        let mut lexicon = Self { language: Language::from_tag(tag), ..Self::default() };
        let alphabet = root.attribute("alphabet").map(Alphabet::named);
        let mut count = 0;
        for lexeme in root.children().filter(|child| child.tag_name().name() == "lexeme") {
            count += lexicon.add(lexeme, alphabet)?;
            if count > ENTRIES_MAX {
                return Err(error(lexeme, format!("there are more than {ENTRIES_MAX} words")));
            }
        }
        for entries in lexicon.aliases.values_mut() {
            // Stable: of equal words the first counts.
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.grapheme.len()));
        }
        for entries in lexicon.pronunciations.values_mut() {
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.words.len()));
        }
        Ok(lexicon)
    }

    fn add(&mut self, lexeme: Node<'_, '_>, alphabet: Option<Alphabet>) -> Result<usize, LexiconError> {
        let named = |name: &'static str| {
            lexeme.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
        };
        let graphemes: Vec<String> = named("grapheme").map(words).collect();
        if graphemes.iter().all(String::is_empty) {
            return Err(error(lexeme, "a lexeme has no grapheme"));
        }
        if named("alias").chain(named("phoneme")).next().is_none() {
            return Err(error(lexeme, "a lexeme has neither alias nor phoneme"));
        }
        if named("phoneme").any(|phoneme| words(phoneme).chars().count() > WORD_CHARS_MAX) {
            return Err(error(lexeme, format!("a phoneme has more than {WORD_CHARS_MAX} characters")));
        }
        let preferred = named("alias").find(|alias| alias.attribute("prefer") == Some("true"));
        let alias = preferred.or_else(|| named("alias").next()).map(words).filter(|alias| !alias.is_empty());
        let too_long = |word: &String| word.chars().count() > WORD_CHARS_MAX;
        if graphemes.iter().chain(&alias).any(too_long) {
            return Err(error(lexeme, format!("a word has more than {WORD_CHARS_MAX} characters")));
        }
        for grapheme in &graphemes {
            if let (Some(first), Some(alias)) = (grapheme.chars().next(), &alias) {
                let entry = Entry { grapheme: grapheme.clone(), alias: alias.clone() };
                // A word of small letters is meant at the start of a sentence, too.
                let large = first.to_uppercase().next().filter(|large| *large != first);
                if let Some(large) = large {
                    let rest = grapheme.chars().skip(1);
                    let grapheme = std::iter::once(large).chain(rest).collect();
                    self.aliases.entry(large).or_default().push(Entry { grapheme, ..entry.clone() });
                }
                self.aliases.entry(first).or_default().push(entry);
            }
        }
        let aliases: Vec<String> = named("alias").map(words).filter(|alias| !alias.is_empty()).collect();
        if aliases.iter().any(too_long) {
            return Err(error(lexeme, format!("a word has more than {WORD_CHARS_MAX} characters")));
        }
        let sounds = named("phoneme").filter_map(|phoneme| {
            let alphabet = phoneme.attribute("alphabet").map(Alphabet::named).or(alphabet);
            phoneme::sounds(&words(phoneme), alphabet?)
        });
        let sounds: Vec<Vec<Sound>> = sounds.collect();
        for grapheme in &graphemes {
            self.pronounce_as(grapheme, &aliases, &sounds);
        }
        Ok(graphemes.len())
    }

    /// Adds to what is known of a word.
    fn pronounce_as(&mut self, grapheme: &str, aliases: &[String], sounds: &[Vec<Sound>]) {
        let Some(language) = self.language else { return };
        let words = spelling::comparable(&text::words(grapheme), Language::of_text(grapheme).unwrap_or(language));
        let Some(first) = words.first() else { return };
        let entries = self.pronunciations.entry(first.clone()).or_default();
        let at = entries.iter().position(|entry| entry.words == words).unwrap_or(entries.len());
        if at == entries.len() {
            entries.push(Pronounced { words, ..Pronounced::default() });
        }
        let Some(entry) = entries.get_mut(at) else { return };
        let new = |known: &[String], alias: &&String| !known.contains(alias);
        let more: Vec<String> = aliases.iter().filter(|alias| new(&entry.aliases, alias)).cloned().collect();
        entry.aliases.extend(more);
        entry.aliases.truncate(PRONUNCIATIONS_MAX);
        entry.sounds.extend(sounds.iter().cloned());
        entry.sounds.truncate(PRONUNCIATIONS_MAX);
    }

    /// The language whose words it has; `None` for one that is not heard or spoken here.
    pub(crate) fn language(&self) -> Option<Language> {
        self.language
    }

    /// What is known of the words that `words` begins with, the longest first; words as grammars compare them.
    pub(crate) fn entries(&self, words: &[String]) -> impl Iterator<Item = &Pronounced> {
        let entries = words.first().and_then(|first| self.pronunciations.get(first));
        entries.into_iter().flatten().filter(|entry| words.starts_with(&entry.words))
    }

    /// The word of the lexicon at the beginning of `rest`, which stands behind `before`.
    fn at<'a>(&'a self, before: Option<char>, rest: &str) -> Option<&'a Entry> {
        let first = rest.chars().next()?;
        let joins =
            |a: char, b: char| a.is_alphanumeric() && b.is_alphanumeric() && !text::is_han(a) && !text::is_han(b);
        if before.is_some_and(|before| joins(before, first)) {
            return None;
        }
        self.aliases.get(&first)?.iter().find(|entry| {
            rest.strip_prefix(entry.grapheme.as_str()).is_some_and(|after| {
                let last = entry.grapheme.chars().next_back();
                !after.chars().next().zip(last).is_some_and(|(next, last)| joins(last, next))
            })
        })
    }
}

/// Speaks the words of these lexicons as they say; the first that has a word decides. `language` is that of texts whose
/// markup names none.
pub fn pronounce(segments: &mut [Segment], lexicons: &[&Lexicon], language: Language) {
    for segment in segments {
        match segment {
            Segment::Text { text, language: own, .. } => {
                let language = own.unwrap_or(language);
                let of_language: Vec<&Lexicon> =
                    lexicons.iter().copied().filter(|lexicon| lexicon.language == Some(language)).collect();
                if !of_language.is_empty() {
                    *text = replaced(text, &of_language);
                }
            }
            Segment::Audio { fallback, .. } => pronounce(fallback, lexicons, language),
            Segment::Break { .. } | Segment::Mark { .. } | Segment::DialogReply(_) => {}
        }
    }
}

fn replaced(text: &str, lexicons: &[&Lexicon]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(c) = rest.chars().next() {
        let taken = match lexicons.iter().find_map(|lexicon| lexicon.at(before, rest)) {
            Some(entry) => {
                out.push_str(&entry.alias);
                entry.grapheme.len()
            }
            None => {
                out.push(c);
                c.len_utf8()
            }
        };
        let (word, later) = rest.split_at(taken);
        before = word.chars().next_back();
        rest = later;
    }
    out
}

fn words(node: Node<'_, '_>) -> String {
    let all: String = node.descendants().filter_map(|node| if node.is_text() { node.text() } else { None }).collect();
    text::collapse_space(&all)
}

fn error(node: Node<'_, '_>, message: impl Into<String>) -> LexiconError {
    let place = node.document().text_pos_at(node.range().start);
    LexiconError { message: message.into(), position: Some((place.row, place.col)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Prosody;

    fn lexicon(lexemes: &str) -> Lexicon {
        let document = format!(
            "<?xml version='1.0'?><lexicon version='1.0' xmlns='http://www.w3.org/2005/01/pronunciation-lexicon' \
             alphabet='ipa' xml:lang='en-US'>{lexemes}</lexicon>"
        );
        Lexicon::parse(document.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn spoken(text: &str, lexicons: &[&Lexicon]) -> String {
        let text = Segment::Text {
            text: text.to_owned(),
            language: None,
            voice: None,
            gender: None,
            prosody: Prosody::default(),
        };
        let mut segments = [text];
        pronounce(&mut segments, lexicons, Language::English);
        let [Segment::Text { text, .. }] = segments else { panic!("a text") };
        text
    }

    #[test]
    fn a_word_is_spoken_as_its_alias_and_only_as_a_word() {
        let lexicon = lexicon(
            "<lexeme><grapheme>W3C</grapheme><alias>World Wide Web Consortium</alias></lexeme>\
             <lexeme><grapheme>tomato</grapheme><phoneme>təmˈeɪtəʊ</phoneme><alias>toe may toe</alias></lexeme>\
             <lexeme><grapheme>New York</grapheme><grapheme>NY</grapheme><alias>the big apple</alias></lexeme>\
             <lexeme><grapheme>York</grapheme><alias>eboracum</alias></lexeme>",
        );
        assert_eq!(spoken("The W3C, W3Cs and NYC.", &[&lexicon]), "The World Wide Web Consortium, W3Cs and NYC.");
        assert_eq!(spoken("Tomato, tomatoes, TOMATO", &[&lexicon]), "toe may toe, tomatoes, TOMATO");
        assert_eq!(spoken("New York and York", &[&lexicon]), "the big apple and eboracum");
    }

    #[test]
    fn the_preferred_alias_counts_and_phonemes_alone_change_nothing() {
        let lexicon = lexicon(
            "<lexeme><grapheme>a1</grapheme><alias>first</alias><alias prefer='true'>second</alias></lexeme>\
             <lexeme><grapheme>judgment</grapheme><phoneme>ˈdʒʌdʒ.mənt</phoneme></lexeme>",
        );
        assert_eq!(spoken("a1 judgment", &[&lexicon]), "second judgment");
    }

    #[test]
    fn syn_045_the_first_lexicon_that_has_a_word_decides() {
        let first = lexicon("<lexeme><grapheme>x</grapheme><alias>one</alias></lexeme>");
        let second = lexicon(
            "<lexeme><grapheme>x</grapheme><alias>two</alias></lexeme><lexeme><grapheme>y</grapheme><alias>why</alias></lexeme>",
        );
        assert_eq!(spoken("x y", &[&first, &second]), "one why");
        assert_eq!(spoken("x y", &[&second, &first]), "two why");
    }

    #[test]
    fn a_lexicon_of_another_language_is_not_used() {
        let document =
            "<lexicon version='1.0' xml:lang='zh'><lexeme><grapheme>x</grapheme><alias>y</alias></lexeme></lexicon>";
        let chinese = Lexicon::parse(document.as_bytes()).unwrap();
        assert_eq!(spoken("x", &[&chinese]), "x");
    }

    #[test]
    fn what_is_no_lexicon_is_refused() {
        let lexeme = |inner: &str| format!("<lexicon xml:lang='en'><lexeme>{inner}</lexeme></lexicon>");
        let long = format!("<grapheme>{}</grapheme><alias>a</alias>", "g".repeat(300));
        for document in [
            String::new(),
            "<speak/>".to_owned(),
            "<lexicon/>".to_owned(),
            "<lexicon xml:lang='en'>".to_owned(),
            lexeme("<alias>a</alias>"),
            lexeme("<grapheme>g</grapheme>"),
            lexeme("<grapheme> </grapheme><alias>a</alias>"),
            lexeme(&long),
            "<!DOCTYPE lexicon [<!ENTITY a 'b'>]><lexicon xml:lang='en'/>".to_owned(),
        ] {
            assert!(Lexicon::parse(document.as_bytes()).is_err(), "{document}");
        }
    }
}
