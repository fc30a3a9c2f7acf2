//! Words compared with words.

use std::fmt;

/// The words of a sentence without case and punctuation.
pub(crate) fn words(sentence: &str) -> Vec<String> {
    sentence
        .split(|letter: char| !letter.is_alphanumeric() && letter != '\'' && letter != '’')
        .map(|word| word.replace('’', "'").trim_matches('\'').to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Words wrong among words said.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct ErrorRate {
    wrong: usize,
    said: usize,
}

impl ErrorRate {
    /// Counts the words that must be replaced, put in or taken out to make `heard` of `said`.
    pub(crate) fn add(&mut self, said: &[String], heard: &[String]) {
        self.said += said.len();
        let mut row: Vec<usize> = (0..=heard.len()).collect();
        for (at, word) in said.iter().enumerate() {
            let mut diagonal = row[0];
            row[0] = at + 1;
            for (column, other) in heard.iter().enumerate() {
                let replaced = diagonal + usize::from(word != other);
                diagonal = row[column + 1];
                row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
            }
        }
        self.wrong += row[heard.len()];
    }

    /// Wrong words for each word said.
    pub(crate) fn rate(self) -> f64 {
        self.wrong as f64 / self.said.max(1) as f64
    }
}

impl fmt::Display for ErrorRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} ({:.1} %)", self.wrong, self.said, self.rate() * 100.0)
    }
}

#[test]
fn errors_are_counted_word_by_word() {
    let wrong = |said: &str, heard: &str| {
        let mut rate = ErrorRate::default();
        rate.add(&words(said), &words(heard));
        rate.wrong
    };
    assert_eq!(wrong("It’s about six, I think.", "it's about six i think"), 0);
    assert_eq!(wrong("one two three", "one too three four"), 2);
    assert_eq!(wrong("one two three", ""), 3);
    assert_eq!(wrong("", "one"), 1);
    assert_eq!(wrong("a b c d", "b c d"), 1);
}
