//! Text brought into one spelling, so that what was heard and what is expected can be compared.

use std::ops::Range;

use crate::Language;

/// Whether `c` is a Han character.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}' | '〇')
}

/// The half-width form of a full-width character; other characters as they are.
pub(crate) fn half_width(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => {
            // The block repeats ASCII from `!` in the same order.
            char::from_u32(u32::from(c) - 0xff01 + 0x21).unwrap_or(c)
        }
        other => other,
    }
}

/// Traditional characters of answers and numbers, each before its simplified form: some models write them.
#[rustfmt::skip]
const TRADITIONAL: &str = "沒没對对錯错問问題题關关確确認认當当還还從从來来無无點点萬万億亿兩两負负號号碼码話话應应該该覺觉謝谢會会願愿\
    麼么嗎吗個个裡里裏里滿满說说醫医簡简頭头準准須须見见現现時时發发燒烧轉转幫帮請请預预約约掛挂給给選选擇择電电機机這这後后過过\
    實实際际療疗藥药傷伤紅红腫肿術术復复診诊絕绝暫暂為为嚴严險险驗验證证帳账單单訂订買买賣卖錢钱";

/// The simplified form of a character, where answers and numbers need it.
pub(crate) fn simplified(c: char) -> char {
    if !is_han(c) {
        return c;
    }
    let mut pairs = TRADITIONAL.chars().filter(|c| is_han(*c));
    while let (Some(traditional), Some(simple)) = (pairs.next(), pairs.next()) {
        if traditional == c {
            return simple;
        }
    }
    c
}

/// Lower case, half width, simplified, no punctuation, one space between words and none beside Han characters. Apostrophes vanish
/// (`don't` is `dont`); a decimal point between digits and a minus sign before a number stay; `1,000` is `1000`.
pub fn normalize(text: &str) -> String {
    let mut out = String::new();
    for word in words(text) {
        let touches_han = out.chars().next_back().is_none_or(is_han) || word.chars().next().is_none_or(is_han);
        if !touches_han {
            out.push(' ');
        }
        out.push_str(&word);
    }
    out
}

/// A word as [`normalize`] spells it, and where it stands in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// Bytes of the text as it was given.
    pub(crate) span: Range<usize>,
}

/// The words of a text as [`normalize`] spells them: each Han character is a word of its own, and so is each number.
pub(crate) fn words(text: &str) -> Vec<String> {
    located_words(text).into_iter().map(|word| word.text).collect()
}

/// The same words with their places.
pub(crate) fn located_words(text: &str) -> Vec<Word> {
    let mut chars: Vec<char> = Vec::with_capacity(text.len());
    let mut places: Vec<Range<usize>> = Vec::with_capacity(text.len());
    for (start, c) in text.char_indices() {
        for plain in simplified(half_width(c)).to_lowercase() {
            chars.push(plain);
            places.push(start..start + c.len_utf8());
        }
    }
    let at = |index: usize| chars.get(index).copied();
    let is_digit_at = |index: usize| at(index).is_some_and(|c| c.is_ascii_digit());
    let mut words = Vec::new();
    let mut word = Word { text: String::new(), span: 0..0 };
    for ((index, &c), place) in chars.iter().enumerate().zip(&places) {
        let after_digit = word.text.chars().next_back().is_some_and(|last| last.is_ascii_digit());
        let joins_digits = after_digit && is_digit_at(index + 1);
        if is_han(c) {
            close(&mut words, &mut word);
            words.push(Word { text: c.to_string(), span: place.clone() });
        } else if c.is_alphanumeric() {
            // "6pm", "b2b" and "6分" come apart, so that the number can be seen.
            let is_number = word.text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'));
            if !word.text.is_empty() && is_number != c.is_ascii_digit() {
                close(&mut words, &mut word);
            }
            extend(&mut word, c, place);
        } else if c == '.' && joins_digits && !word.text.contains('.') {
            extend(&mut word, c, place);
        } else if c == ',' && joins_digits && is_thousands_group(&chars, index) {
            // A separator of thousands says nothing.
        } else if c == '-' && word.text.is_empty() && is_digit_at(index + 1) && !is_digit_before(&chars, index) {
            extend(&mut word, c, place);
        } else if is_apostrophe(c) {
            // Belongs to the word and says nothing.
        } else {
            close(&mut words, &mut word);
        }
    }
    close(&mut words, &mut word);
    words
}

fn extend(word: &mut Word, c: char, place: &Range<usize>) {
    if word.text.is_empty() {
        word.span.start = place.start;
    }
    word.text.push(c);
    word.span.end = place.end;
}

fn close(words: &mut Vec<Word>, word: &mut Word) {
    if !word.text.is_empty() {
        words.push(std::mem::replace(word, Word { text: String::new(), span: 0..0 }));
    }
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{2018}' | '\u{2bc}')
}

fn is_digit_before(chars: &[char], index: usize) -> bool {
    index.checked_sub(1).and_then(|before| chars.get(before)).is_some_and(char::is_ascii_digit)
}

/// Whether exactly three digits follow the comma at `index`.
fn is_thousands_group(chars: &[char], index: usize) -> bool {
    let digits = chars.iter().skip(index + 1).take_while(|c| c.is_ascii_digit()).count();
    digits == 3
}

/// Sounds of hesitation, which mean nothing anywhere in an English utterance.
const ENGLISH_FILLERS: [&str; 17] = [
    "um", "umm", "uh", "uhh", "uhm", "er", "err", "erm", "ah", "ahh", "eh", "hm", "hmm", "mm", "mmm", "well", "please",
];
/// The same in Chinese.
const CHINESE_FILLERS: [char; 9] = ['嗯', '呃', '额', '唔', '诶', '欸', '哎', '唉', '哼'];
/// What Chinese speakers begin with while thinking.
const CHINESE_OPENERS: [&str; 5] = ["那个", "这个", "就是", "那", "喂"];
/// Particles at the end of a Chinese utterance.
const CHINESE_PARTICLES: [char; 12] = ['啊', '呀', '吧', '呢', '嘛', '哦', '噢', '哈', '啦', '喔', '哟', '嘞'];

/// The words without hesitation. When nothing else was said the words stay as they are.
pub(crate) fn without_fillers(words: &[String], language: Language) -> Vec<String> {
    meant_words(words, language).into_iter().filter_map(|index| words.get(index)).cloned().collect()
}

/// Which of the words are no hesitation; all of them when nothing else was said.
pub(crate) fn meant_words(words: &[String], language: Language) -> Vec<usize> {
    let is_filler = |word: &String| match language {
        Language::English => ENGLISH_FILLERS.contains(&word.as_str()),
        Language::Chinese => {
            let mut chars = word.chars();
            matches!((chars.next(), chars.next()), (Some(c), None) if CHINESE_FILLERS.contains(&c))
        }
    };
    let kept = words.iter().enumerate().filter(|(_, word)| !is_filler(word)).map(|(index, _)| index);
    let mut kept: Vec<usize> = kept.collect();
    if language == Language::Chinese {
        let spelled =
            |kept: &[usize]| -> Vec<String> { kept.iter().filter_map(|index| words.get(*index)).cloned().collect() };
        while let Some(rest) = CHINESE_OPENERS.iter().find_map(|opener| strip_prefix(&spelled(&kept), opener)) {
            kept.drain(..kept.len().saturating_sub(rest.len()));
        }
        while kept.len() > 1 && kept.last().and_then(|last| words.get(*last)).is_some_and(|last| is_particle(last)) {
            kept.pop();
        }
    }
    if kept.is_empty() { (0..words.len()).collect() } else { kept }
}

fn is_particle(word: &str) -> bool {
    word.chars().all(|c| CHINESE_PARTICLES.contains(&c))
}

/// `words` without the Han characters of `prefix` at their begin, when something is left.
pub(crate) fn strip_prefix(words: &[String], prefix: &str) -> Option<Vec<String>> {
    let expected = self::words(prefix);
    match words.strip_prefix(expected.as_slice()) {
        Some(rest) if !rest.is_empty() => Some(rest.to_vec()),
        _ => None,
    }
}

/// `words` without those of `suffix` at their end, when something is left.
pub(crate) fn strip_suffix(words: &[String], suffix: &str) -> Option<Vec<String>> {
    let expected = self::words(suffix);
    match words.strip_suffix(expected.as_slice()) {
        Some(rest) if !rest.is_empty() => Some(rest.to_vec()),
        _ => None,
    }
}

/// White space collapsed to single spaces, none at the ends.
pub(crate) fn single_spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// White space collapsed to single spaces, none between Han characters, none at the ends; control characters are white
/// space and characters that stand for undecodable bytes vanish.
pub(crate) fn collapse_space(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if c == '\u{fffd}' || c == '\u{feff}' {
            continue;
        }
        if c.is_whitespace() || c.is_control() {
            gap = true;
            continue;
        }
        if gap {
            let last = out.chars().next_back();
            if last.is_some_and(|last| !(is_wide(last) && is_wide(c))) {
                out.push(' ');
            }
            gap = false;
        }
        out.push(c);
    }
    out
}

/// Han characters and the punctuation that goes with them: nobody separates them by spaces.
pub(crate) fn is_wide(c: char) -> bool {
    is_han(c) || matches!(c, '\u{3001}'..='\u{303f}' | '\u{ff01}'..='\u{ff5e}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_the_same_words_become_one() {
        for (text, expected) in [
            ("Yes, please!", "yes please"),
            ("I don’t know.", "i dont know"),
            ("Ｙｅｓ！", "yes"),
            ("是 的，谢谢。", "是的谢谢"),
            ("按 1 键", "按1键"),
            ("It is 36.5", "it is 36.5"),
            ("1,000 and 2,00", "1000 and 2 00"),
            ("minus -5", "minus -5"),
            ("555-1234", "555 1234"),
            ("6pm", "6 pm"),
            ("大概６分", "大概6分"),
            ("沒有問題", "没有问题"),
            ("", ""),
            ("?!", ""),
            ("one.two", "one two"),
        ] {
            assert_eq!(normalize(text), expected, "{text}");
        }
    }

    #[test]
    fn normalizing_twice_changes_nothing() {
        for text in ["It's  3.5, o'clock", "我 想  转 人工 OK", "1,000.5.6", "--5 -6", "5-6"] {
            let once = normalize(text);
            assert_eq!(normalize(&once), once, "{text}");
        }
    }

    #[test]
    fn hesitation_is_dropped_unless_it_is_all_there_is() {
        let plain = |text: &str, language| without_fillers(&words(text), language).concat();
        assert_eq!(plain("um, uh sales", Language::English), "sales");
        assert_eq!(plain("um", Language::English), "um");
        assert_eq!(plain("嗯那个转人工吧", Language::Chinese), "转人工");
        assert_eq!(plain("嗯", Language::Chinese), "嗯");
    }

    #[test]
    fn collapsing_keeps_words_apart_and_han_together() {
        assert_eq!(collapse_space("  Hello \n world "), "Hello world");
        assert_eq!(collapse_space("你好，\n 世界"), "你好，世界");
        assert_eq!(collapse_space("按 1 键"), "按 1 键");
        assert_eq!(collapse_space("a\u{0}b\u{fffd}"), "a b");
    }
}
