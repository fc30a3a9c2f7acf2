use std::collections::BTreeMap;

use speech::Language;

/// Words and phrases to listen for, in each language of a flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Phrases {
    by_language: BTreeMap<Language, Vec<String>>,
}

impl Phrases {
    pub(crate) fn new(by_language: BTreeMap<Language, Vec<String>>) -> Self {
        let by_language = by_language
            .into_iter()
            .map(|(language, phrases)| (language, phrases.iter().map(|phrase| plain(phrase)).collect()))
            .collect();
        Self { by_language }
    }

    /// A phrase occurs in `text`, in any language, and is not denied there ("no chest pain", "没有胸痛").
    pub(crate) fn affirmed_in(&self, text: &str) -> bool {
        let text = plain(text);
        self.all()
            .any(|(language, phrase)| occurrences(&text, phrase, language).any(|at| !is_denied(&text, at, language)))
    }

    /// A phrase occurs in `text`, denied or not.
    pub(crate) fn said_in(&self, text: &str) -> bool {
        let text = plain(text);
        self.all().any(|(language, phrase)| occurrences(&text, phrase, language).next().is_some())
    }

    /// The length, in characters, of the longest phrase that occurs in `text`, denied or not.
    pub(crate) fn longest_in(&self, text: &str) -> Option<usize> {
        let text = plain(text);
        let said = self.all().filter(|(language, phrase)| occurrences(&text, phrase, *language).next().is_some());
        said.map(|(_, phrase)| phrase.chars().count()).max()
    }

    /// The phrases of one language.
    pub(crate) fn of(&self, language: Language) -> impl Iterator<Item = &str> {
        self.by_language.get(&language).into_iter().flatten().map(String::as_str)
    }

    fn all(&self) -> impl Iterator<Item = (Language, &str)> {
        self.by_language
            .iter()
            .flat_map(|(language, phrases)| phrases.iter().map(|phrase| (*language, phrase.as_str())))
    }
}

/// Lower case, one space between words, apostrophes straight, other punctuation as a comma.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.trim().chars() {
        let c = match c {
            '’' | '\'' => '\'',
            '-' => ' ',
            c if c.is_alphanumeric() => c,
            c if c.is_whitespace() => ' ',
            _ => ',',
        };
        if !(c == ' ' && plain.ends_with(' ')) {
            plain.extend(c.to_lowercase());
        }
    }
    plain
}

/// Where `phrase` begins in `text`: as whole words in English, anywhere in Chinese.
fn occurrences<'a>(text: &'a str, phrase: &'a str, language: Language) -> impl Iterator<Item = usize> + 'a {
    let is_word = |c: char| c.is_alphanumeric();
    text.match_indices(phrase).map(|(at, _)| at).filter(move |&at| match language {
        Language::Chinese => true,
        Language::English => {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let after = text.get(at.saturating_add(phrase.len())..).and_then(|after| after.chars().next());
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        }
    })
}

/// What is said before the phrase, in the same clause and near it, denies it.
fn is_denied(text: &str, at: usize, language: Language) -> bool {
    let Some(before) = text.get(..at) else { return false };
    let clause = before.rsplit(',').next().unwrap_or(before);
    match language {
        Language::English => clause
            .split(' ')
            .rev()
            .filter(|word| !word.is_empty())
            .take(5)
            .take_while(|word| !matches!(*word, "but" | "though" | "however" | "now"))
            .any(|word| {
                matches!(word, "no" | "not" | "never" | "without" | "neither" | "nor") || word.ends_with("n't")
            }),
        Language::Chinese => {
            let near: Vec<char> = clause.chars().rev().filter(|c| *c != ' ').take(5).collect();
            // The last characters before the phrase, nearest first: a turn ("但是…") ends the denial.
            near.iter()
                .take_while(|c| !matches!(c, '但' | '可' | '却'))
                .any(|c| matches!(c, '没' | '無' | '无' | '不' | '未'))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn emergency() -> Phrases {
        Phrases::new(BTreeMap::from([
            (Language::English, vec!["chest pain".to_owned(), "can't breathe".to_owned(), "bleeding a lot".to_owned()]),
            (Language::Chinese, vec!["胸痛".to_owned(), "大出血".to_owned()]),
        ]))
    }

    #[test]
    fn a_phrase_is_heard_in_a_sentence() {
        for text in [
            "I have chest pain",
            "CHEST PAIN!",
            "help, I can’t breathe.",
            "it's bleeding a lot",
            "我胸痛",
            "伤口大出血了",
        ] {
            assert!(emergency().affirmed_in(text), "{text}");
        }
    }

    #[test]
    fn a_denied_phrase_is_not_an_emergency() {
        for text in [
            "no chest pain",
            "I don't have any chest pain",
            "not bleeding a lot",
            "我没有胸痛",
            "没有什么胸痛",
            "不胸痛",
        ] {
            assert!(!emergency().affirmed_in(text), "{text}");
        }
    }

    #[test]
    fn a_denial_of_something_else_does_not_count() {
        for text in ["no fever but chest pain", "no, I have chest pain", "没有发烧，但是胸痛", "不发烧，胸痛"]
        {
            assert!(emergency().affirmed_in(text), "{text}");
        }
    }

    #[test]
    fn a_phrase_inside_a_word_is_not_heard() {
        let phrases = Phrases::new(BTreeMap::from([(Language::English, vec!["pain".to_owned()])]));
        assert!(!phrases.affirmed_in("painting"));
        assert!(phrases.affirmed_in("some pain."));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*") {
            emergency().affirmed_in(&text);
        }
    }
}
