//! How one English word is said, in the lexicon's alphabet: as the lexicon says, by its ending, or by its letters.

use crate::ipa::{STRESSES, VOWELS};
use crate::table::Table;

/// Words longer than this are not words; letters after it are not spoken.
const WORD_LETTERS_MAX: usize = 40;

/// Letters of context that a letter-to-sound rule may have, widest first.
const CONTEXTS: [(usize, usize); 8] = [(4, 4), (3, 3), (2, 3), (2, 2), (1, 2), (1, 1), (0, 1), (0, 0)];

/// The prepared files.
pub(crate) struct Pronunciation {
    pub(crate) lexicon: Table,
    pub(crate) letters: Table,
}

impl Pronunciation {
    /// The phonemes of `word`: letters and apostrophes within it, in lower case.
    pub(crate) fn of(&self, word: &str) -> String {
        self.known(word).unwrap_or_else(|| self.by_letters(word))
    }

    /// How the word is said as a verb, if that differs: "to record", "I live".
    pub(crate) fn as_verb(&self, word: &str) -> Option<&str> {
        self.lexicon.find(&format!("{word}/verb"))
    }

    /// Whether the word or its stem is in the lexicon.
    pub(crate) fn knows(&self, word: &str) -> bool {
        self.known(word).is_some()
    }

    /// The names of the letters, the last one stressed, as an abbreviation is said.
    pub(crate) fn spelled(&self, letters: &str) -> String {
        let names: Vec<&str> = letters
            .chars()
            .filter_map(|letter| self.lexicon.find(letter.to_ascii_uppercase().encode_utf8(&mut [0; 4])))
            .collect();
        let last = names.len().saturating_sub(1);
        names
            .iter()
            .enumerate()
            .map(|(index, name)| if index == last { (*name).to_owned() } else { name.replace('ˈ', "ˌ") })
            .collect()
    }

    fn known(&self, word: &str) -> Option<String> {
        let find = |word: &str| self.lexicon.find(word).map(str::to_owned);
        find(word).or_else(|| self.with_s(word)).or_else(|| self.with_ed(word)).or_else(|| self.with_ing(word))
    }

    fn stem(&self, stem: &str) -> Option<String> {
        if stem.chars().count() < 2 { None } else { self.lexicon.find(stem).map(str::to_owned) }
    }

    /// Plurals, third persons and possessives.
    fn with_s(&self, word: &str) -> Option<String> {
        if let Some(possessor) = word.strip_suffix("s'") {
            return self.known(&format!("{possessor}s"));
        }
        let stem = word
            .strip_suffix("'s")
            .and_then(|stem| self.known(stem))
            .or_else(|| word.strip_suffix('s').filter(|stem| !stem.ends_with('s')).and_then(|stem| self.stem(stem)))
            .or_else(|| word.strip_suffix("ies").and_then(|stem| self.stem(&format!("{stem}y"))))
            .or_else(|| word.strip_suffix("es").and_then(|stem| self.stem(stem)))?;
        let ending = match stem.chars().last()? {
            'p' | 't' | 'k' | 'f' | 'θ' => "s",
            's' | 'z' | 'ʃ' | 'ʒ' | 'ʧ' | 'ʤ' => "ᵻz",
            _ => "z",
        };
        Some(stem + ending)
    }

    /// Past tenses.
    fn with_ed(&self, word: &str) -> Option<String> {
        let stem = word
            .strip_suffix('d')
            .filter(|stem| stem.ends_with('e'))
            .and_then(|stem| self.stem(stem))
            .or_else(|| word.strip_suffix("ied").and_then(|stem| self.stem(&format!("{stem}y"))))
            .or_else(|| word.strip_suffix("ed").and_then(|stem| self.stem(stem).or_else(|| self.undoubled(stem))))?;
        let ending = match stem.chars().last()? {
            'p' | 'k' | 'f' | 'θ' | 'ʃ' | 's' | 'ʧ' => "t",
            't' | 'd' => "ᵻd",
            _ => "d",
        };
        Some(stem + ending)
    }

    fn with_ing(&self, word: &str) -> Option<String> {
        let stem = word.strip_suffix("ing")?;
        let spoken = self.stem(stem).or_else(|| self.stem(&format!("{stem}e"))).or_else(|| self.undoubled(stem))?;
        Some(spoken + "ɪŋ")
    }

    /// The stem of "stopped" and "running".
    fn undoubled(&self, stem: &str) -> Option<String> {
        let mut letters = stem.chars().rev();
        let (last, before) = (letters.next()?, letters.next()?);
        if last != before || !last.is_ascii_alphabetic() {
            return None;
        }
        self.stem(stem.strip_suffix(last)?)
    }

    fn by_letters(&self, word: &str) -> String {
        let letters: Vec<char> = ['^']
            .into_iter()
            .chain(word.chars().filter(|letter| letter.is_alphabetic()).map(without_accent).take(WORD_LETTERS_MAX))
            .chain(['$'])
            .collect();
        let inside = 1..letters.len().saturating_sub(1);
        one_stress(&inside.map(|at| self.letter(&letters, at)).collect::<String>())
    }

    /// What the letter at `at` becomes by the widest rule that there is.
    fn letter(&self, letters: &[char], at: usize) -> &str {
        let context = |(left, right): (usize, usize)| {
            let before = letters.get(at.saturating_sub(left)..at).unwrap_or_default();
            let after = letters.get(at + 1..letters.len().min(at + 1 + right)).unwrap_or_default();
            let key: String = before.iter().chain(&['[']).chain(letters.get(at)).chain(&[']']).chain(after).collect();
            self.letters.find(&key)
        };
        CONTEXTS.into_iter().find_map(context).unwrap_or_default()
    }
}

/// `spoken` with exactly one primary stress, if it has a vowel at all: the first that the rules gave, else on the first
/// vowel.
fn one_stress(spoken: &str) -> String {
    let Some(first) = spoken.find('ˈ') else {
        let promoted = spoken.replacen('ˌ', "ˈ", 1);
        return match promoted.find(|c| VOWELS.contains(c)) {
            Some(vowel) if !promoted.contains(STRESSES) => {
                let (before, from) = promoted.split_at(vowel);
                format!("{before}ˈ{from}")
            }
            _ => promoted,
        };
    };
    let (through, after) = spoken.split_at(first + 'ˈ'.len_utf8());
    format!("{through}{}", after.replace('ˈ', "ˌ"))
}

/// The rules know the letters of English only.
fn without_accent(letter: char) -> char {
    match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'ď' | 'đ' => 'd',
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ř' => 'r',
        'ś' | 'š' | 'ş' => 's',
        'ť' | 'ţ' => 't',
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pronunciation() -> Pronunciation {
        let lexicon = [
            "A ˈA",
            "B bˈi",
            "M ˈɛm",
            "P pˈi",
            "bake bˈAk",
            "box bˈɑks",
            "carry kˈɛɹi",
            "dog dˈɔɡ",
            "need nˈid",
            "run ɹˈʌn",
            "stop stˈɑp",
        ];
        let letters = ["^[k] k", "[a] ˈæ", "[a]$ ə", "[b] b", "[e] ", "[k] k", "[o] ˈɑ", "k[a]b ə"];
        Pronunciation { lexicon: Table::of(&lexicon), letters: Table::of(&letters) }
    }

    #[test]
    fn endings_are_said_after_the_sound_before_them() {
        let pronunciation = pronunciation();
        for (word, expected) in [
            ("dogs", "dˈɔɡz"),
            ("dog's", "dˈɔɡz"),
            ("stops", "stˈɑps"),
            ("boxes", "bˈɑksᵻz"),
            ("carries", "kˈɛɹiz"),
            ("carried", "kˈɛɹid"),
            ("baked", "bˈAkt"),
            ("needed", "nˈidᵻd"),
            ("stopped", "stˈɑpt"),
            ("running", "ɹˈʌnɪŋ"),
            ("baking", "bˈAkɪŋ"),
        ] {
            assert!(pronunciation.knows(word), "{word}");
            assert_eq!(pronunciation.of(word), expected, "{word}");
        }
    }

    #[test]
    fn an_unknown_word_is_said_by_its_letters_with_the_widest_rule() {
        assert_eq!(pronunciation().of("kaba"), "kˈəbə");
        assert_eq!(pronunciation().of("obaka"), "ˈɑbˌækə");
    }

    #[test]
    fn letters_without_a_rule_are_silent() {
        assert_eq!(pronunciation().of("жжж"), "");
    }

    #[test]
    fn an_abbreviation_is_stressed_on_its_last_letter() {
        assert_eq!(pronunciation().spelled("bmp"), "bˌiˌɛmpˈi");
    }
}
