//! Phonemes of pronunciation lexicons as the sounds that are compared.

use crate::sound::Sound;

/// How phonemes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// The International Phonetic Alphabet.
    Ipa,
    /// Syllables of Hanyu Pinyin with a space between them; tones are passed over.
    Pinyin,
    /// One that is not read here.
    Unknown,
}

impl Alphabet {
    /// The alphabet of this name (PLS 1.0 section 4.1).
    pub(crate) fn named(name: &str) -> Self {
        match name.trim().to_ascii_lowercase().as_str() {
            "ipa" => Self::Ipa,
            "pinyin" | "x-pinyin" => Self::Pinyin,
            _ => Self::Unknown,
        }
    }
}

/// The sounds of phonemes; `None` when the alphabet is not read here, or nothing in them makes a sound.
pub(crate) fn sounds(phonemes: &str, alphabet: Alphabet) -> Option<Vec<Sound>> {
    let sounds = match alphabet {
        Alphabet::Ipa => ipa(phonemes),
        Alphabet::Pinyin => phonemes.split_whitespace().map(Sound::of_pinyin).collect::<Option<Vec<Sound>>>()?,
        Alphabet::Unknown => return None,
    };
    (!sounds.is_empty()).then_some(sounds)
}

/// The same key that the letters of a word get: vowels all alike, stress and length passed over.
fn ipa(phonemes: &str) -> Vec<Sound> {
    let letters: Vec<char> = phonemes.chars().filter(|c| is_segment(*c)).collect();
    let mut sounds: Vec<Sound> = Vec::with_capacity(letters.len());
    let mut push = |c: char| {
        // A doubled sound is heard once.
        if sounds.last() != Some(&Sound::Phone(c)) {
            sounds.push(Sound::Phone(c));
        }
    };
    let mut letters = letters.into_iter().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            't' if letters.peek() == Some(&'ʃ') => {
                letters.next();
                push('C');
            }
            'd' if letters.peek() == Some(&'ʒ') => {
                letters.next();
                push('j');
            }
            'ʧ' => push('C'),
            'ʤ' => push('j'),
            'ʃ' | 'ʒ' => push('S'),
            'θ' | 'ð' => push('T'),
            'ŋ' => {
                push('n');
                if !matches!(letters.peek(), Some('k' | 'g' | 'ɡ')) {
                    push('g');
                }
            }
            'ɡ' => push('g'),
            'ɹ' | 'ɻ' | 'ʁ' => push('r'),
            'ɫ' | 'ʎ' => push('l'),
            'ɲ' | 'ɱ' => push('n'),
            'ɾ' => push('t'),
            'j' => push('y'),
            'ʍ' => push('w'),
            'x' | 'χ' | 'c' => push('k'),
            'ɸ' => push('f'),
            'β' | 'ʋ' => push('v'),
            'ɚ' | 'ɝ' => {
                push('V');
                push('r');
            }
            'p' | 'b' | 't' | 'd' | 'k' | 'g' | 'f' | 'v' | 's' | 'z' | 'm' | 'n' | 'r' | 'l' | 'w' | 'h' => {
                push(letter);
            }
            _ => push('V'),
        }
    }
    sounds
}

/// Whether it is a sound and no mark on one: stress, length, ties, syllables.
fn is_segment(c: char) -> bool {
    c.is_alphabetic() && !matches!(c, '\u{2b0}'..='\u{2ff}' | '\u{300}'..='\u{36f}' | 'ʔ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sound, text};

    #[test]
    fn phonemes_sound_like_the_letters_of_the_word() {
        for (word, phonemes) in [
            ("tomato", "təmˈeɪtəʊ"),
            ("judge", "d͡ʒʌdʒ"),
            ("phone", "foʊn"),
            ("song", "sɒŋ"),
            ("think", "θɪŋk"),
            ("doctor", "ˈdɒktɚ"),
            ("church", "tʃɝːtʃ"),
            ("sheep", "ʃiːp"),
        ] {
            let letters = sound::sounds(&text::words(word));
            assert_eq!(sounds(phonemes, Alphabet::Ipa), Some(letters), "{word}");
        }
    }

    #[test]
    fn pinyin_sounds_like_the_characters() {
        let characters = sound::sounds(&text::words("转人工"));
        for phonemes in ["zhuan ren gong", "zhuan3 ren2 gong1", "zhuǎn rén gōng"] {
            assert_eq!(sounds(phonemes, Alphabet::Pinyin).as_ref(), Some(&characters), "{phonemes}");
        }
        assert_eq!(sounds("lü4", Alphabet::Pinyin), Some(sound::sounds(&text::words("绿"))));
    }

    #[test]
    fn what_is_no_sound_gives_none() {
        assert_eq!(sounds("zhuan what", Alphabet::Pinyin), None);
        assert_eq!(sounds("ˈˌ", Alphabet::Ipa), None);
        assert_eq!(sounds("t@", Alphabet::named("x-sampa")), None);
    }
}
