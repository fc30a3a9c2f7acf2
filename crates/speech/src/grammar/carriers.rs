//! What callers say around the phrase that counts.

use std::ops::Range;

use crate::{Language, text};

/// What callers say before the phrase that counts; the longest first.
const ENGLISH_PREFIXES: [&str; 44] = [
    "please connect me to",
    "please transfer me to",
    "put me through to",
    "connect me to",
    "connect me with",
    "transfer me to",
    "i would like to speak to",
    "id like to speak to",
    "i want to speak to",
    "i would like to",
    "i want to talk to",
    "can i speak to",
    "i would like",
    "id like to",
    "id like",
    "i want to",
    "i want",
    "i need to",
    "i need",
    "can i have",
    "could i have",
    "can you",
    "could you",
    "can i",
    "could i",
    "give me",
    "let me have",
    "speak to",
    "talk to",
    "go to",
    "take me to",
    "i choose",
    "ill take",
    "i will take",
    "i said",
    "thats",
    "that is",
    "that would be",
    "my answer is",
    "its",
    "it is",
    "option",
    "number",
    "the",
];
const ENGLISH_SUFFIXES: [&str; 8] =
    ["please", "thanks", "thank you", "thank you very much", "then", "now", "department", "i think"];
const CHINESE_PREFIXES: [&str; 31] = [
    "请帮我转接",
    "请帮我转",
    "帮我转接",
    "帮我转",
    "麻烦你",
    "麻烦",
    "请帮我",
    "请给我",
    "我想要",
    "我想咨询",
    "我想问",
    "我要",
    "我想",
    "我选择",
    "我选",
    "选择",
    "转接到",
    "转接",
    "转到",
    "给我",
    "帮我",
    "应该是",
    "我说的是",
    "我说",
    "就是",
    "那就",
    "请",
    "要",
    "选",
    "是",
    "去",
];
const CHINESE_SUFFIXES: [&str; 10] =
    ["谢谢你", "谢谢", "就可以了", "就行了", "就好了", "就行", "好了", "可以吗", "行吗", "的"];

/// Which of the words are left when politeness around them is taken away.
pub(super) fn meant_words(words: &[String], language: Language) -> Range<usize> {
    let (prefixes, suffixes): (&[&str], &[&str]) = match language {
        Language::English => (&ENGLISH_PREFIXES, &ENGLISH_SUFFIXES),
        Language::Chinese => (&CHINESE_PREFIXES, &CHINESE_SUFFIXES),
    };
    let mut rest = words.to_vec();
    while let Some(shorter) = prefixes.iter().find_map(|prefix| text::strip_prefix(&rest, prefix)) {
        rest = shorter;
    }
    let start = words.len().saturating_sub(rest.len());
    while let Some(shorter) = suffixes.iter().find_map(|suffix| text::strip_suffix(&rest, suffix)) {
        rest = shorter;
    }
    start..start + rest.len()
}
