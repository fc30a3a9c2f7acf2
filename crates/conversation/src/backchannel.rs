//! Words that say "I am listening" and no more.

use speech::Language;

/// English backchannels, as recognizers write them.
const ENGLISH: &[&str] = &[
    "uh",
    "um",
    "mm",
    "hm",
    "hmm",
    "mmm",
    "mhm",
    "mm hmm",
    "mm hm",
    "uh huh",
    "uhhuh",
    "huh",
    "aha",
    "ah",
    "oh",
    "ooh",
    "er",
    "yeah",
    "yep",
    "yup",
    "yes",
    "ya",
    "yah",
    "okay",
    "ok",
    "k",
    "right",
    "alright",
    "all right",
    "sure",
    "i see",
    "i know",
    "got it",
    "of course",
    "good",
    "great",
    "fine",
    "cool",
    "exactly",
    "true",
    "really",
    "wow",
    "that's right",
    "i understand",
    "understood",
    "sounds good",
    "of course",
    "very good",
    "oh okay",
    "makes sense",
    "no problem",
];

/// Chinese backchannels.
const CHINESE: &[&str] = &[
    "嗯",
    "恩",
    "唔",
    "哼",
    "呣",
    "对",
    "對",
    "好",
    "是",
    "哦",
    "噢",
    "喔",
    "啊",
    "呃",
    "额",
    "唉",
    "欸",
    "诶",
    "行",
    "成",
    "嗯哼",
    "好的",
    "是的",
    "对的",
    "行的",
    "好吧",
    "好啊",
    "对啊",
    "是啊",
    "行啊",
    "好嘞",
    "好呀",
    "可以",
    "知道",
    "知道了",
    "明白",
    "明白了",
    "了解",
    "没错",
    "这样",
    "这样啊",
    "原来如此",
    "好的好的",
    "没问题",
    "当然",
    "是吗",
    "真的",
    "ok",
    "okay",
    "mm",
    "hmm",
    "um",
    "uh",
    "yeah",
    "oh",
];

/// A sound of more units is an interruption, whatever they are.
const UNITS_MAX: usize = 8;

/// The backchannels of one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backchannels {
    phrases: Vec<Vec<String>>,
}

impl Backchannels {
    /// The list for `language`, with `more`.
    pub(crate) fn new(language: Language, more: &[String]) -> Self {
        let list = match language {
            Language::English => ENGLISH,
            Language::Chinese => CHINESE,
        };
        let words = list.iter().copied().chain(more.iter().map(String::as_str));
        Self { phrases: words.map(units).filter(|phrase| !phrase.is_empty()).collect() }
    }

    /// Words in Latin script and Chinese characters of `text`.
    pub(crate) fn units(&self, text: &str) -> usize {
        units(text).len()
    }

    /// Whether `text` is made of backchannels and of nothing else: "yes, yes, I see".
    pub(crate) fn covers(&self, text: &str) -> bool {
        let units = units(text);
        if units.is_empty() || units.len() > UNITS_MAX {
            return false;
        }
        self.reach(&units).last().copied().unwrap_or(false)
    }

    /// Whether `text`, whose last word may be cut, may become such a text.
    pub(crate) fn begins_with(&self, text: &str) -> bool {
        let units = units(text);
        if units.len() > UNITS_MAX {
            return false;
        }
        let reached = self.reach(&units);
        reached.iter().enumerate().filter(|(_, reached)| **reached).any(|(at, _)| {
            let rest = units.get(at..).unwrap_or_default();
            rest.is_empty() || self.phrases.iter().any(|phrase| is_cut(rest, phrase))
        })
    }

    /// For each place between units, whether backchannels lead to it.
    fn reach(&self, units: &[String]) -> Vec<bool> {
        let mut reached = vec![false; units.len() + 1];
        if let Some(first) = reached.first_mut() {
            *first = true;
        }
        for at in 0..units.len() {
            if reached.get(at) != Some(&true) {
                continue;
            }
            let rest = units.get(at..).unwrap_or_default();
            for phrase in self.phrases.iter().filter(|phrase| rest.starts_with(phrase)) {
                if let Some(place) = reached.get_mut(at + phrase.len()) {
                    *place = true;
                }
            }
        }
        reached
    }
}

/// Whether `rest` is the beginning of `phrase`, its last word perhaps cut.
fn is_cut(rest: &[String], phrase: &[String]) -> bool {
    let Some((last, whole)) = rest.split_last() else { return true };
    phrase.strip_prefix(whole).and_then(<[String]>::first).is_some_and(|next| next.starts_with(last.as_str()))
}

/// Words in Latin script, without case and punctuation, and single characters of other scripts.
fn units(text: &str) -> Vec<String> {
    let mut units = Vec::new();
    let mut word = String::new();
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() || (letter == '\'' && !word.is_empty()) {
            word.push(letter.to_ascii_lowercase());
            continue;
        }
        if !word.is_empty() {
            units.push(std::mem::take(&mut word));
        }
        if letter.is_alphanumeric() {
            units.push(letter.to_string());
        }
    }
    if !word.is_empty() {
        units.push(word);
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backchannels_may_be_repeated_and_joined() {
        let english = Backchannels::new(Language::English, &[]);
        for text in ["Uh-huh.", "Yes, yes.", "Yeah, I see.", "Okay, okay, got it.", "Mm-hmm", "That's right!"] {
            assert!(english.covers(text), "{text}");
        }
        let chinese = Backchannels::new(Language::Chinese, &[]);
        for text in ["嗯。", "嗯嗯", "对对对", "好的，好的。", "是的，嗯", "哦，这样啊", "OK，好"]
        {
            assert!(chinese.covers(text), "{text}");
        }
    }

    #[test]
    fn words_with_something_to_say_are_none() {
        let english = Backchannels::new(Language::English, &[]);
        for text in [
            "Yes, but wait.",
            "Stop",
            "I see the doctor tomorrow",
            "no",
            "",
            "?!",
            "yes yes yes yes yes yes yes yes yes",
        ] {
            assert!(!english.covers(text), "{text}");
        }
        let chinese = Backchannels::new(Language::Chinese, &[]);
        for text in ["不对", "好疼", "等一下", "嗯，我想问一下", ""] {
            assert!(!chinese.covers(text), "{text}");
        }
    }

    #[test]
    fn a_flow_adds_words_of_its_own() {
        let more = ["roger that".to_owned(), "!?".to_owned()];
        let words = Backchannels::new(Language::English, &more);
        assert!(words.covers("Roger that, okay"));
        assert!(!Backchannels::new(Language::English, &[]).covers("Roger that"));
    }

    #[test]
    fn the_beginning_of_a_backchannel_is_told_from_that_of_a_sentence() {
        let english = Backchannels::new(Language::English, &[]);
        for text in ["yes I", "uh hu", "okay all ri", "got", ""] {
            assert!(english.begins_with(text), "{text}");
        }
        for text in ["yes I want", "wait a", "I wan", "no no"] {
            assert!(!english.begins_with(text), "{text}");
        }
    }
}
