//! A closed list of phrases, and how what was heard is found in it.

use std::collections::HashMap;

use crate::{
    Instance, Language,
    sound::{self, Sound},
    spelling::comparable,
    text,
};

/// A phrase with another meaning must sound at least this much farther.
const MARGIN_MIN: f32 = 0.06;
/// Words around a phrase cost a little confidence.
const EMBEDDED_QUALITY: f32 = 0.95;

/// The phrases of a grammar with their meanings.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ClosedList {
    phrases: Vec<Phrase>,
    /// Phrases by their key; the first of several wins, as in the order of the document.
    by_key: HashMap<String, usize>,
}

#[derive(Debug, Clone, PartialEq)]
struct Phrase {
    text: String,
    instance: Instance,
    words: Vec<String>,
    sounds: Vec<Sound>,
}

/// A phrase that was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found<'a> {
    pub(crate) instance: &'a Instance,
    /// How well it fits, 0 to 1.
    pub(crate) quality: f32,
}

impl ClosedList {
    /// Adds a phrase; of two that read the same the first stays.
    pub(crate) fn add(&mut self, text: String, instance: Instance) {
        let words = text::words(&text);
        let words = comparable(&words, Language::English);
        let key = words.join(" ");
        if key.is_empty() || self.by_key.contains_key(&key) {
            return;
        }
        self.by_key.insert(key, self.phrases.len());
        let sounds = sound::sounds(&words);
        self.phrases.push(Phrase { text, instance, words, sounds });
    }

    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.phrases.iter().map(|phrase| phrase.text.as_str())
    }

    /// The phrase that was said: word for word, then without hesitation and politeness, then by sound.
    pub(crate) fn find(&self, heard: &str, language: Language) -> Option<Found<'_>> {
        let language = Language::of_text(heard).unwrap_or(language);
        let words = text::words(heard);
        let plain = text::without_fillers(&words, language);
        let core = without_carriers(&plain, language);
        [(&words, 1.0), (&plain, 1.0), (&core, EMBEDDED_QUALITY)]
            .into_iter()
            .find_map(|(words, quality)| self.exact(words).map(|instance| Found { instance, quality }))
            .or_else(|| self.by_sound(&plain, 1.0))
            .or_else(|| if core == plain { None } else { self.by_sound(&core, EMBEDDED_QUALITY) })
    }

    fn exact(&self, words: &[String]) -> Option<&Instance> {
        let index = self.by_key.get(&comparable(words, Language::English).join(" "))?;
        self.phrases.get(*index).map(|phrase| &phrase.instance)
    }

    /// The phrase that sounds like what was heard, unless another one with another meaning does so nearly as well.
    fn by_sound(&self, words: &[String], quality: f32) -> Option<Found<'_>> {
        let words = comparable(words, Language::English);
        let heard = sound::sounds(&words);
        let mut best: Option<(f32, &Phrase)> = None;
        let mut rival = f32::INFINITY;
        for phrase in &self.phrases {
            let limit = sound::tolerance(&phrase.sounds) + MARGIN_MIN;
            let Some(distance) = sound::distance(&heard, &phrase.sounds, limit) else { continue };
            // A word more or less is another phrase, not the same one misheard.
            if distance > 0.0 && (is_part(&words, &phrase.words) || is_part(&phrase.words, &words)) {
                continue;
            }
            match best {
                Some((nearest, nearest_phrase)) if distance < nearest => {
                    if nearest_phrase.instance != phrase.instance {
                        rival = nearest;
                    }
                    best = Some((distance, phrase));
                }
                Some((_, nearest_phrase)) => {
                    if nearest_phrase.instance != phrase.instance {
                        rival = rival.min(distance);
                    }
                }
                None => best = Some((distance, phrase)),
            }
        }
        let (distance, phrase) = best?;
        let clear = distance <= sound::tolerance(&phrase.sounds) && rival - distance >= MARGIN_MIN;
        clear.then_some(Found { instance: &phrase.instance, quality: (1.0 - distance / 2.0) * quality })
    }
}

/// Whether `all` has the words of `part` in their order, and more.
fn is_part(part: &[String], all: &[String]) -> bool {
    let mut rest = all.iter();
    part.len() < all.len() && part.iter().all(|word| rest.any(|other| other == word))
}

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

fn without_carriers(words: &[String], language: Language) -> Vec<String> {
    let (prefixes, suffixes): (&[&str], &[&str]) = match language {
        Language::English => (&ENGLISH_PREFIXES, &ENGLISH_SUFFIXES),
        Language::Chinese => (&CHINESE_PREFIXES, &CHINESE_SUFFIXES),
    };
    let mut words = words.to_vec();
    while let Some(rest) = prefixes.iter().find_map(|prefix| text::strip_prefix(&words, prefix)) {
        words = rest;
    }
    while let Some(rest) = suffixes.iter().find_map(|suffix| text::strip_suffix(&words, suffix)) {
        words = rest;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(phrases: &[&str]) -> ClosedList {
        let mut list = ClosedList::default();
        for phrase in phrases {
            list.add((*phrase).to_owned(), Instance::from(*phrase));
        }
        list
    }

    fn found(list: &ClosedList, heard: &str) -> Option<(String, f32)> {
        list.find(heard, Language::English).map(|found| (found.instance.as_str().unwrap().to_owned(), found.quality))
    }

    #[test]
    fn a_phrase_is_found_in_any_spelling() {
        let list = list(&["sales", "option two", "customer service", "转人工", "两点", "room 23"]);
        for (heard, expected) in [
            ("Sales.", "sales"),
            ("um, sales", "sales"),
            ("Option 2", "option two"),
            ("CUSTOMER  service!", "customer service"),
            ("转 人 工", "转人工"),
            ("嗯，转人工吧", "转人工"),
            ("2点", "两点"),
            ("二点", "两点"),
            ("room twenty three", "room 23"),
        ] {
            assert_eq!(found(&list, heard), Some((expected.to_owned(), 1.0)), "{heard}");
        }
    }

    #[test]
    fn politeness_around_a_phrase_costs_a_little() {
        let list = list(&["sales", "人工服务"]);
        for heard in
            ["I'd like to speak to sales please", "the sales department", "我想要人工服务谢谢", "麻烦转接人工服务"]
        {
            assert_eq!(found(&list, heard).map(|found| found.1), Some(EMBEDDED_QUALITY), "{heard}");
        }
    }

    #[test]
    fn what_sounds_alike_is_found_with_less_confidence() {
        let list = list(&["sales", "support", "billing", "转人工", "预约挂号", "查询订单", "缴纳费用", "修改密码"]);
        for (heard, expected) in [
            ("sails", "sales"),
            ("sport", "support"),
            ("building", "billing"),
            ("专人工", "转人工"),
            ("预约瓜号", "预约挂号"),
            ("查形定单", "查询订单"),
            ("小納費用", "缴纳费用"),
            ("雀仁公", "转人工"),
        ] {
            let (phrase, quality) = found(&list, heard).unwrap_or_default();
            assert_eq!(phrase, expected, "{heard}");
            assert!(quality > 0.7 && quality <= 1.0, "{heard} {quality}");
        }
    }

    #[test]
    fn what_is_not_in_the_list_is_rejected() {
        let list = list(&["sales", "support", "Austin", "北京", "one", "two", "修改密码", "转人工"]);
        for heard in [
            "",
            "修改地址",
            "查询余额",
            "打电话",
            "tales of woe",
            "two two",
            "sales sales",
            "Boston",
            "南京",
            "nine",
            "I want to leave",
            "what",
            "sales or support",
            "十",
        ] {
            assert_eq!(found(&list, heard), None, "{heard}");
        }
    }

    #[test]
    fn two_phrases_that_sound_equally_near_are_no_match() {
        let list = list(&["write", "right"]);
        assert_eq!(found(&list, "rite"), None);
    }
}
