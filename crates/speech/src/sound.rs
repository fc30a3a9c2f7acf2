//! How alike two texts sound: Chinese by toneless pinyin, English by a light phonetic key.
//!
//! This is for closed lists only, where a recognizer that writes "sails" can only mean "sales". It does not try to be
//! right about pronunciation, it tries to give the same key to what recognizers confuse.

use pinyin::ToPinyin;

use crate::text;

/// One sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sound {
    /// An English consonant by its letter, or a vowel as `V`.
    Phone(char),
    /// A Chinese syllable without its tone, as initial and final.
    Syllable(&'static str, &'static str),
    /// A character that has no known sound: like itself only.
    Other(char),
}

/// Longer texts are not compared.
pub(crate) const SOUNDS_MAX: usize = 80;

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

impl Sound {
    /// A syllable of Hanyu Pinyin, with its tone as a mark or a digit, or without.
    pub(crate) fn of_pinyin(syllable: &str) -> Option<Self> {
        let plain: String = syllable.chars().flat_map(char::to_lowercase).filter_map(without_tone).collect();
        let initial = INITIALS.iter().find(|initial| plain.starts_with(**initial)).copied().unwrap_or("");
        let rest = plain.strip_prefix(initial)?;
        let final_ = FINALS.iter().find(|final_| **final_ == rest)?;
        Some(Self::Syllable(initial, final_))
    }
}

fn without_tone(c: char) -> Option<char> {
    const MARKED: [(&str, char); 6] =
        [("āáǎà", 'a'), ("ēéěè", 'e'), ("īíǐì", 'i'), ("ōóǒò", 'o'), ("ūúǔù", 'u'), ("ǖǘǚǜv", 'ü')];
    if c.is_ascii_digit() {
        return None;
    }
    Some(MARKED.iter().find(|(marked, _)| marked.contains(c)).map_or(c, |(_, plain)| *plain))
}

/// Finals as syllables are written, behind an initial, or `y` or `w`.
#[rustfmt::skip]
const FINALS: [&str; 38] = [
    "a", "o", "e", "ai", "ei", "ao", "ou", "an", "en", "ang", "eng", "ong", "er", "i", "ia", "ie", "iao", "iu", "ian", "in",
    "iang", "ing", "iong", "u", "ua", "uo", "uai", "ui", "uan", "un", "uang", "ue", "ü", "üe", "üan", "ün", "n", "ng",
];

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
            ('d', Some('g')) if matches!(at(index + 2), Some('e' | 'i' | 'y')) => (None, 1),
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

/// How far apart two texts sound: 0 is the same, 1 has nothing in common. `None` when they are farther apart than
/// `limit`, or not worth comparing: one is empty, too long, or much longer than the other. Grammars compare many at once; this
/// is what they must find.
#[cfg(test)]
pub(crate) fn distance(a: &[Sound], b: &[Sound], limit: f32) -> Option<f32> {
    let longest = a.len().max(b.len());
    let shortest = a.len().min(b.len());
    if shortest == 0 || longest > SOUNDS_MAX || longest > shortest * 2 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "at most SOUNDS_MAX")]
    let longest_sounds = longest as f32;
    let cost_max = limit * longest_sounds;
    // The rows of the edit distance, on the stack: a grammar of thousands of phrases is compared at once.
    let (mut rows, mut spare) = ([f32::INFINITY; SOUNDS_MAX + 1], [f32::INFINITY; SOUNDS_MAX + 1]);
    let (mut previous, mut current) = (rows.get_mut(..=b.len())?, spare.get_mut(..=b.len())?);
    let mut cost = 0.0;
    for (column, cell) in previous.iter_mut().enumerate() {
        if let Some(&sound) = column.checked_sub(1).and_then(|before| b.get(before)) {
            cost += insertion(sound, column == 1);
        }
        *cell = cost;
    }
    for (row, &left) in a.iter().enumerate() {
        let deletion = insertion(left, row == 0);
        let mut before = previous.first().copied()? + deletion;
        let mut least = before;
        if let Some(cell) = current.first_mut() {
            *cell = before;
        }
        let cells = b.iter().zip(previous.windows(2)).zip(current.iter_mut().skip(1));
        for (column, ((&right, pair), cell)) in cells.enumerate() {
            let &[diagonal, above] = pair else { continue };
            let mut cost = (above + deletion).min(before + insertion(right, column == 0));
            if diagonal < cost {
                let first = row == 0 && column == 0;
                cost = cost.min(diagonal + substitution(left, right, first));
            }
            *cell = cost;
            before = cost;
            least = least.min(cost);
        }
        std::mem::swap(&mut previous, &mut current);
        // No row has a lesser minimum than the one before.
        if least > cost_max {
            return None;
        }
    }
    let distance = (previous.last().copied()? / longest_sounds).min(1.0);
    (distance <= limit).then_some(distance)
}

/// English words that begin differently are different words: Austin is not Boston.
const FIRST_WEIGHT: f32 = 1.6;

/// The distance up to which what was heard may be meant for these sounds. A single Chinese syllable has many neighbours;
/// a phrase of four is itself even when most of its initials were misheard, but not with another word in it. Set by
/// experiment: telephone speech, a recognizer that gets a third of the characters wrong, menus of twenty phrases.
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

/// What a sound costs that only one of two texts has; the first sound of English words counts more.
pub(crate) fn insertion(sound: Sound, first: bool) -> f32 {
    let weight = if first { FIRST_WEIGHT } else { 1.0 };
    match sound {
        Sound::Phone('V') => 0.5 * weight,
        // A plural is easily missed on the telephone.
        Sound::Phone('s') => 0.7 * weight,
        Sound::Phone(_) => weight,
        Sound::Syllable(..) | Sound::Other(_) => 1.0,
    }
}

/// What it costs when two sounds differ.
pub(crate) fn substitution(a: Sound, b: Sound, first: bool) -> f32 {
    if a == b {
        return 0.0;
    }
    let weight = if first { FIRST_WEIGHT } else { 1.0 };
    match (a, b) {
        (Sound::Phone(a), Sound::Phone(b)) if phones_alike(a, b) => 0.4 * weight,
        (Sound::Phone(_), Sound::Phone(_)) => weight,
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

fn alike(table: &[(&str, &str)], a: &str, b: &str) -> bool {
    table.iter().any(|(left, right)| (*left == a && *right == b) || (*left == b && *right == a))
}

/// Consonants that telephones and recognizers confuse.
fn phones_alike(a: char, b: char) -> bool {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    // In upper case: C is "ch", S is "sh", T is "th".
    matches!(
        (low, high),
        ('b', 'p' | 'v')
            | ('d', 't')
            | ('g', 'k')
            | ('f', 'v')
            | ('s', 'z')
            | ('m', 'n')
            | ('C', 'S' | 'j')
            | ('S', 's')
            | ('T', 'd' | 'f' | 's' | 't')
    )
}

/// Initials of Chinese syllables that dialects and recognizers confuse.
#[rustfmt::skip]
const INITIALS_ALIKE: &[(&str, &str)] = &[
    ("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("f", "h"), ("r", "l"), ("b", "p"), ("d", "t"), ("g", "k"),
    ("j", "q"), ("zh", "ch"), ("z", "c"), ("j", "zh"), ("q", "ch"), ("x", "sh"), ("x", "s"), ("m", "n"),
];
/// The same for finals.
#[rustfmt::skip]
const FINALS_ALIKE: &[(&str, &str)] = &[
    ("an", "ang"), ("en", "eng"), ("in", "ing"), ("ian", "iang"), ("uan", "uang"), ("on", "ong"), ("un", "ong"),
    ("ie", "ei"), ("ou", "uo"), ("o", "uo"), ("e", "uo"), ("ai", "an"), ("i", "ei"), ("u", "ou"), ("ao", "iao"),
    ("a", "ia"), ("ui", "ei"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn between(a: &str, b: &str) -> f32 {
        distance(&sounds(&text::words(a)), &sounds(&text::words(b)), 1.0).unwrap_or(1.0)
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
