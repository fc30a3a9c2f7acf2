//! The lexicon's alphabet (misaki's, American) as the one that Piper's English voices were trained with (espeak-ng's).

/// `spoken` in the voice's alphabet. `word` is its spelling, which tells an unstressed initial `a` from other schwas.
pub(crate) fn ipa(word: &str, spoken: &str) -> String {
    let stressed_anywhere = spoken.contains(STRESSES);
    let phonemes: Vec<char> = spoken.chars().collect();
    let mut result = String::with_capacity(spoken.len() * 2);
    let mut at = 0;
    while let Some(&phoneme) = phonemes.get(at) {
        let before = at.checked_sub(1).and_then(|before| phonemes.get(before)).copied();
        let after = phonemes.get(at + 1).copied();
        at += 1;
        match phoneme {
            'A' => result.push_str("eɪ"),
            'I' => result.push_str("aɪ"),
            'O' => result.push_str("oʊ"),
            'W' => result.push_str("aʊ"),
            'Y' => result.push_str("ɔɪ"),
            'ʤ' => result.push_str("dʒ"),
            'ʧ' => result.push_str("tʃ"),
            'ᵊ' => result.push('ə'),
            // "strong", and "on" though not "dawn".
            'ɔ' if after == Some('ŋ') || word == "on" => result.push('ɔ'),
            'u' | 'ɑ' | 'ɔ' => result.extend([phoneme, 'ː']),
            'i' => result.push_str(high_front_vowel(before, after, stressed_anywhere)),
            // R-coloured vowels take the r in, unless another vowel follows that needs it.
            'ə' | 'ɜ' if after == Some('ɹ') => {
                result.push_str(if phoneme == 'ə' { "ɚ" } else { "ɜː" });
                if !phonemes.get(at + 1).is_some_and(|&next| STRESSES.contains(&next) || VOWELS.contains(next)) {
                    at += 1;
                }
            }
            'ə' if before.is_none() && word.starts_with('a') => result.push('ɐ'),
            other => result.push(other),
        }
    }
    result
}

/// Long where stressed ("meet") and in a word without stress ("we"), but not before schwa ("area"). Unstressed, its quality
/// is kept before a vowel and at the end ("create", "happy"), not before a consonant ("prescribe", "anything").
fn high_front_vowel(before: Option<char>, after: Option<char>, stressed_anywhere: bool) -> &'static str {
    let stressed = before.is_some_and(|mark| STRESSES.contains(&mark));
    match after {
        Some('ə' | 'ᵊ') => "i",
        _ if stressed || !stressed_anywhere => "iː",
        Some(next) if !STRESSES.contains(&next) && !VOWELS.contains(next) => "ɪ",
        Some(_) | None => "i",
    }
}

/// Whether a pronunciation begins with a vowel sound: "an hour", "a union".
pub(crate) fn begins_with_vowel(spoken: &str) -> bool {
    spoken.trim_start_matches(STRESSES).chars().next().is_some_and(|first| VOWELS.contains(first))
}

pub(crate) const STRESSES: [char; 2] = ['ˈ', 'ˌ'];
pub(crate) const VOWELS: &str = "AIOWYaiuæɑəɛɜɪɔʊʌᵊᵻ";

#[cfg(test)]
mod tests {
    use super::*;

    /// The right-hand sides are what espeak-ng says for the word.
    #[test]
    fn words_are_spelled_as_the_voice_learned_them() {
        for (word, spoken, expected) in [
            ("hello", "həlˈO", "həlˈoʊ"),
            ("memory", "mˈɛməɹi", "mˈɛmɚɹi"),
            ("sister", "sˈɪstəɹ", "sˈɪstɚ"),
            ("bird", "bˈɜɹd", "bˈɜːd"),
            ("happy", "hˈæpi", "hˈæpi"),
            ("meeting", "mˈiɾɪŋ", "mˈiːɾɪŋ"),
            ("we", "wi", "wiː"),
            ("prescribe", "pɹiskɹˈIb", "pɹɪskɹˈaɪb"),
            ("create", "kɹiˈAt", "kɹiˈeɪt"),
            ("strong", "stɹˈɔŋ", "stɹˈɔŋ"),
            ("call", "kˈɔl", "kˈɔːl"),
            ("area", "ˈɛɹiə", "ˈɛɹiə"),
            ("around", "əɹˈWnd", "ɚɹˈaʊnd"),
            ("about", "əbˈWt", "ɐbˈaʊt"),
            ("car", "kˈɑɹ", "kˈɑːɹ"),
            ("judge", "ʤˈʌʤ", "dʒˈʌdʒ"),
            ("choice", "ʧˈYs", "tʃˈɔɪs"),
            ("little", "lˈɪɾᵊl", "lˈɪɾəl"),
        ] {
            assert_eq!(ipa(word, spoken), expected, "{word}");
        }
    }

    #[test]
    fn vowels_are_told_by_sound() {
        assert!(begins_with_vowel("ˈWəɹ"));
        assert!(!begins_with_vowel("jˈunjən"));
        assert!(!begins_with_vowel(""));
    }
}
