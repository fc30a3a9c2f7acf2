//! How alike two texts sound: Chinese by toneless pinyin, English by a light phonetic key.
//!
//! This is for closed lists only, where a recognizer that writes "sails" can only mean "sales". It does not try to be
//! right about pronunciation, it tries to give the same key to what recognizers confuse.

use pinyin::ToPinyin;

use crate::text;

/// One sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sound {
    /// An English consonant by its letter, or a vowel as `V`.
    Phone(char),
    /// A Chinese syllable without its tone, as initial and final.
    Syllable(&'static str, &'static str),
    /// A character that has no known sound: like itself only.
    Other(char),
}

/// Longer texts are not compared.
const SOUNDS_MAX: usize = 120;

/// The sounds of normalized words.
pub(crate) fn sounds(words: &[String]) -> Vec<Sound> {
    let mut sounds = Vec::new();
    for word in words {
        for c in word.chars().filter(|c| text::is_han(*c)) {
            sounds.push(match c.to_pinyin() {
                Some(pinyin) => {
                    let (initial, final_) = split_syllable(pinyin.plain());
                    Sound::Syllable(initial, final_)
                }
                None => Sound::Other(c),
            });
        }
        if !word.chars().any(text::is_han) {
            english_key(word, &mut sounds);
        }
    }
    sounds
}

const INITIALS: [&str; 23] = [
    "zh", "ch", "sh", "b", "p", "m", "f", "d", "t", "n", "l", "g", "k", "h", "j", "q", "x", "r", "z", "c", "s", "y",
    "w",
];

fn split_syllable(plain: &'static str) -> (&'static str, &'static str) {
    let initial = INITIALS.iter().find(|initial| plain.starts_with(**initial)).copied().unwrap_or("");
    (initial, plain.get(initial.len()..).unwrap_or_default())
}

/// Appends the key of an English word: vowels all alike, letters that are not heard left out, one letter for one sound.
fn english_key(word: &str, out: &mut Vec<Sound>) {
    let start = out.len();
    let letters: Vec<char> = word.chars().collect();
    let at = |index: usize| letters.get(index).copied();
    let mut index = 0;
    let mut push = |c: char| {
        // A doubled sound is heard once.
        if out.len() == start || out.last() != Some(&Sound::Phone(c)) {
            out.push(Sound::Phone(c));
        }
    };
    while let Some(c) = at(index) {
        let next = at(index + 1);
        let first = index == 0;
        let (sound, taken) = match (c, next) {
            ('k' | 'g' | 'p', Some('n')) if first => (None, 1),
            ('w', Some('r')) if first => (None, 1),
            ('p', Some('h')) => (Some('f'), 2),
            ('c', Some('h')) | ('t', Some('c')) => (Some('C'), 2),
            ('s', Some('h')) => (Some('S'), 2),
            ('t', Some('h')) => (Some('T'), 2),
            ('g', Some('h')) => (first.then_some('g'), 2),
            ('c', Some('k')) => (Some('k'), 2),
            ('c', Some('e' | 'i' | 'y')) => (Some('s'), 1),
            ('c' | 'q', _) => (Some('k'), 1),
            ('g', Some('e' | 'i' | 'y')) => (Some('j'), 1),
            ('x', _) => {
                push('k');
                (Some('s'), 1)
            }
            ('w' | 'y', Some(next)) if is_vowel(next) => (Some(c), 1),
            ('h', Some(next)) if is_vowel(next) => (Some('h'), 1),
            ('w' | 'h', _) => (None, 1),
            // A final "e" is not heard.
            ('e', None) if index > 1 => (None, 1),
            // Nor is that of a plural, unless it makes a syllable.
            ('e', Some('s')) if index > 1 && at(index + 2).is_none() && !at(index - 1).is_some_and(hisses) => (None, 1),
            (c, _) if is_vowel(c) || c == 'y' => (Some('V'), 1),
            (c, _) => (Some(c), 1),
        };
        if let Some(sound) = sound {
            push(sound);
        }
        index += taken;
    }
}

fn hisses(c: char) -> bool {
    matches!(c, 's' | 'x' | 'z' | 'c' | 'g' | 'h')
}

fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u')
}

/// How far apart two texts sound: 0 is the same, 1 has nothing in common. `None` when they are not worth comparing,
/// because one is empty, too long, or much longer than the other.
pub(crate) fn distance(a: &[Sound], b: &[Sound]) -> Option<f32> {
    let longest = a.len().max(b.len());
    let shortest = a.len().min(b.len());
    if shortest == 0 || longest > SOUNDS_MAX || longest > shortest * 2 {
        return None;
    }
    let mut previous: Vec<f32> = vec![0.0];
    for &sound in b {
        previous.push(previous.last().copied().unwrap_or_default() + insertion(sound, previous.len() == 1));
    }
    for (row, &left) in a.iter().enumerate() {
        let mut current: Vec<f32> = vec![previous.first().copied().unwrap_or_default() + insertion(left, row == 0)];
        for (column, (&right, pair)) in b.iter().zip(previous.windows(2)).enumerate() {
            let &[diagonal, above] = pair else { continue };
            let first = row == 0 && column == 0;
            let spelled = matches!((left, right), (Sound::Phone(_), Sound::Phone(_)));
            let substituted = diagonal + substitution(left, right) * if first && spelled { FIRST_WEIGHT } else { 1.0 };
            let deleted = above + insertion(left, row == 0);
            let before = current.last().copied().unwrap_or_default();
            let inserted = before + insertion(right, column == 0);
            current.push(substituted.min(deleted).min(inserted));
        }
        previous = current;
    }
    #[expect(clippy::cast_precision_loss, reason = "at most SOUNDS_MAX")]
    let distance = previous.last().copied().unwrap_or(1.0) / longest as f32;
    Some(distance.min(1.0))
}

/// English words that begin differently are different words: Austin is not Boston.
const FIRST_WEIGHT: f32 = 1.6;

/// The distance up to which what was heard may be meant for these sounds. A single Chinese syllable has many neighbours;
/// a phrase of four is itself even when most of its initials were misheard, but not with another word in it. Set by experiment: telephone
/// speech, a recognizer that gets a third of the characters wrong, menus of twenty phrases.
pub(crate) fn tolerance(sounds: &[Sound]) -> f32 {
    let syllables = sounds.iter().filter(|sound| matches!(sound, Sound::Syllable(..))).count();
    if syllables * 2 < sounds.len() {
        return 0.24;
    }
    match syllables {
        0 | 1 => 0.12,
        2 => 0.28,
        3 => 0.37,
        _ => 0.40,
    }
}

fn insertion(sound: Sound, first: bool) -> f32 {
    let weight = if first { FIRST_WEIGHT } else { 1.0 };
    match sound {
        Sound::Phone('V') => 0.5 * weight,
        // A plural is easily missed on the telephone.
        Sound::Phone('s') => 0.7 * weight,
        Sound::Phone(_) => weight,
        Sound::Syllable(..) | Sound::Other(_) => 1.0,
    }
}

fn substitution(a: Sound, b: Sound) -> f32 {
    if a == b {
        return 0.0;
    }
    match (a, b) {
        (Sound::Phone(a), Sound::Phone(b)) if alike(PHONES, a, b) => 0.4,
        (Sound::Syllable(initial_a, final_a), Sound::Syllable(initial_b, final_b)) => {
            part(INITIALS_ALIKE, initial_a, initial_b) * 0.55 + part(FINALS_ALIKE, final_a, final_b) * 0.55
        }
        _ => 1.0,
    }
}

fn part(table: &[(&str, &str)], a: &str, b: &str) -> f32 {
    if a == b {
        0.0
    } else if alike(table, a, b) {
        0.35
    } else {
        1.0
    }
}

fn alike<T: PartialEq>(table: &[(T, T)], a: T, b: T) -> bool {
    table.iter().any(|(left, right)| (*left == a && *right == b) || (*left == b && *right == a))
}

/// Consonants that telephones and recognizers confuse.
const PHONES: &[(char, char)] = &[
    ('b', 'p'),
    ('d', 't'),
    ('g', 'k'),
    ('v', 'f'),
    ('z', 's'),
    ('T', 'f'),
    ('T', 't'),
    ('T', 'd'),
    ('T', 's'),
    ('m', 'n'),
    ('S', 'C'),
    ('S', 's'),
    ('j', 'C'),
    ('b', 'v'),
];
const INITIALS_ALIKE: &[(&str, &str)] = &[
    ("zh", "z"),
    ("ch", "c"),
    ("sh", "s"),
    ("n", "l"),
    ("f", "h"),
    ("r", "l"),
    ("b", "p"),
    ("d", "t"),
    ("g", "k"),
    ("j", "q"),
    ("zh", "ch"),
    ("z", "c"),
    ("j", "zh"),
    ("q", "ch"),
    ("x", "sh"),
    ("x", "s"),
    ("m", "n"),
];
const FINALS_ALIKE: &[(&str, &str)] = &[
    ("an", "ang"),
    ("en", "eng"),
    ("in", "ing"),
    ("ian", "iang"),
    ("uan", "uang"),
    ("on", "ong"),
    ("un", "ong"),
    ("ie", "ei"),
    ("ou", "uo"),
    ("o", "uo"),
    ("e", "uo"),
    ("ai", "an"),
    ("i", "ei"),
    ("u", "ou"),
    ("ao", "iao"),
    ("a", "ia"),
    ("ui", "ei"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn between(a: &str, b: &str) -> f32 {
        distance(&sounds(&text::words(a)), &sounds(&text::words(b))).unwrap_or(1.0)
    }

    #[test]
    fn homophones_have_no_distance() {
        for (a, b) in [
            ("sales", "sails"),
            ("write", "right"),
            ("nite", "night"),
            ("预约", "预月"),
            ("挂号", "挂好"),
            ("phone", "fone"),
        ] {
            assert!(between(a, b) < 0.01, "{a} {b} {}", between(a, b));
        }
    }

    #[test]
    fn what_recognizers_confuse_is_near() {
        for (a, b) in [
            ("support", "sport"),
            ("billing", "building"),
            ("人工服务", "人工护务"),
            ("转人工", "专人工"),
            ("南京", "兰京"),
        ] {
            assert!(between(a, b) <= 0.25, "{a} {b} {}", between(a, b));
        }
    }

    #[test]
    fn different_words_are_far() {
        for (a, b) in [
            ("yes", "no"),
            ("Austin", "Boston"),
            ("sales", "support"),
            ("北京", "南京"),
            ("预约", "取消"),
            ("one", "nine"),
            ("一", "七"),
            ("四", "十"),
            ("cat", "mat"),
            ("sales", "tales"),
        ] {
            let tolerance = tolerance(&sounds(&text::words(b)));
            assert!(between(a, b) > tolerance, "{a} {b} {}", between(a, b));
        }
    }

    #[test]
    fn distance_is_symmetric() {
        for (a, b) in [("support", "sport"), ("转人工", "专人工服务"), ("billing", "filing"), ("ok", "好的")]
        {
            assert!((between(a, b) - between(b, a)).abs() < 1e-6, "{a} {b}");
        }
    }
}
