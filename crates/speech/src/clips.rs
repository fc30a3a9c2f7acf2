//! Text as words that recorded clips can say one after the other, for `basicsynth` (RFC 6787 section 3.1).

use crate::{Language, text};

/// English numbers below a hundred, with their ordinals.
const ENGLISH_NUMBERS: [(&str, &str); 28] = [
    ("zero", "zeroth"),
    ("one", "first"),
    ("two", "second"),
    ("three", "third"),
    ("four", "fourth"),
    ("five", "fifth"),
    ("six", "sixth"),
    ("seven", "seventh"),
    ("eight", "eighth"),
    ("nine", "ninth"),
    ("ten", "tenth"),
    ("eleven", "eleventh"),
    ("twelve", "twelfth"),
    ("thirteen", "thirteenth"),
    ("fourteen", "fourteenth"),
    ("fifteen", "fifteenth"),
    ("sixteen", "sixteenth"),
    ("seventeen", "seventeenth"),
    ("eighteen", "eighteenth"),
    ("nineteen", "nineteenth"),
    ("twenty", "twentieth"),
    ("thirty", "thirtieth"),
    ("forty", "fortieth"),
    ("fifty", "fiftieth"),
    ("sixty", "sixtieth"),
    ("seventy", "seventieth"),
    ("eighty", "eightieth"),
    ("ninety", "ninetieth"),
];
/// What else numbers, times, dates, money and signs are written out with.
const ENGLISH_WORDS: &str = "hundred hundredth thousand thousandth million millionth billion trillion point minus oh o'clock am pm \
    and to at plus dash dot underscore slash pound star percent equals number degrees dollar dollars cent cents pounds penny pence \
    euro euros yes no january february march april may june july august september october november december";
/// Characters of Chinese numbers, times, dates, money and signs.
const CHINESE: &str = "零一二三四五六七八九十百千万亿两点分秒半整第年月日号时元角欧英镑美负幺加杠井星和等于度摄氏之至到周是否上下午划线斜";

/// The words of `text` as clips are named: numbers, times, dates and signs written out, in small letters, without
/// punctuation. Every Chinese character is a word.
pub fn clip_words(text: &str, language: Language) -> Vec<String> {
    match language {
        Language::English => words(&phonemes::spoken_english(text)),
        Language::Chinese => words(&phonemes::spoken_chinese(text)),
    }
}

/// The words that every number, time, date and spelled name is made of: what a set of clips has at least.
pub fn clip_vocabulary(language: Language) -> Vec<String> {
    let letters = ('a'..='z').map(String::from);
    match language {
        Language::English => {
            let numbers = ENGLISH_NUMBERS.iter().flat_map(|(cardinal, ordinal)| [*cardinal, *ordinal]);
            letters.chain(numbers.chain(ENGLISH_WORDS.split_whitespace()).map(str::to_owned)).collect()
        }
        // The sign @ is read as it is in English.
        Language::Chinese => letters.chain(["at".to_owned()]).chain(CHINESE.chars().map(String::from)).collect(),
    }
}

/// What a voice is given to say a word of [`clip_vocabulary`]: a letter by its name.
pub fn clip_text(word: &str) -> String {
    let is_letters = (word.len() == 1 && word.is_ascii()) || matches!(word, "am" | "pm");
    if is_letters { word.to_uppercase() } else { word.to_owned() }
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for c in text.chars().flat_map(char::to_lowercase) {
        if text::is_han(c) {
            words.push(c.to_string());
            is_open = false;
        } else if c.is_alphanumeric() || (is_open && matches!(c, '\'' | '’')) {
            let c = if c == '’' { '\'' } else { c };
            match words.last_mut().filter(|_| is_open) {
                Some(word) => word.push(c),
                None => words.push(c.to_string()),
            }
            is_open = true;
        } else {
            is_open = false;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::say_as;

    #[test]
    fn syn_047_text_becomes_words_that_clips_can_say() {
        for (text, language, expected) in [
            ("You have 21 messages.", Language::English, "you have twenty one messages"),
            ("9:00", Language::English, "nine o'clock"),
            ("$3.50", Language::English, "three dollars and fifty cents"),
            ("2026-11-22", Language::English, "november twenty second twenty twenty six"),
            ("您有21条", Language::Chinese, "您 有 二 十 一 条"),
        ] {
            assert_eq!(clip_words(text, language).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn syn_047_what_say_as_says_is_in_the_vocabulary() {
        for language in [Language::English, Language::Chinese] {
            let vocabulary = clip_vocabulary(language);
            for (kind, content) in [
                ("digits", "0123456789"),
                ("telephone", "+49 555-0123"),
                ("characters", "ab-z_7@x.y/#*"),
                ("vxml:time", "0342p"),
                ("vxml:time", "1504h"),
                ("vxml:date", "20261231"),
                ("vxml:date", "20050101"),
                ("vxml:currency", "USD12.01"),
                ("vxml:currency", "EUR1"),
                ("ordinal", "31"),
                ("cardinal", "987654321"),
                ("number", "-12.5"),
                ("vxml:boolean", "true"),
            ] {
                let spoken = say_as::read(kind, "", content, Some(language));
                for word in clip_words(&spoken, language) {
                    assert!(vocabulary.contains(&word), "{language:?} {kind} {content}: {word}");
                }
            }
        }
    }
}
