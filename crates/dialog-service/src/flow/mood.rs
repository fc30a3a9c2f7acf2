//! How a caller feels, by a small list of words for each language. Coarse, and meant for statistics and for whom to call back first.

use std::collections::BTreeMap;

use speech::Language;

use super::phrases::Phrases;

/// How somebody feels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Sentiment {
    /// Glad, thankful, content.
    Positive,
    /// Neither.
    Neutral,
    /// Angry, worried, in pain.
    Negative,
}

impl Sentiment {
    /// The protocol's label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Neutral => "neutral",
            Self::Negative => "negative",
        }
    }
}

/// What was felt in the turns so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Mood {
    turns: u32,
    positive: u32,
    negative: u32,
}

impl Mood {
    pub(super) fn note(&mut self, sentiment: Sentiment) {
        self.turns = self.turns.saturating_add(1);
        match sentiment {
            Sentiment::Positive => self.positive = self.positive.saturating_add(1),
            Sentiment::Negative => self.negative = self.negative.saturating_add(1),
            Sentiment::Neutral => {}
        }
    }

    /// Overall; `None` when the caller said nothing. What was felt more often counts, anger before joy.
    pub fn overall(&self) -> Option<Sentiment> {
        (self.turns > 0).then_some(match (self.positive, self.negative) {
            (0, 0) => Sentiment::Neutral,
            (positive, negative) if negative >= positive => Sentiment::Negative,
            _ => Sentiment::Positive,
        })
    }
}

/// The words that tell, in both languages. Denial turns them round only as far as it takes them out: "not bad" is neutral.
#[derive(Debug)]
pub(super) struct Lexicon {
    positive: Phrases,
    negative: Phrases,
}

const POSITIVE_EN: [&str; 19] = [
    "thank you",
    "thanks",
    "great",
    "wonderful",
    "excellent",
    "perfect",
    "happy",
    "glad",
    "pleased",
    "satisfied",
    "helpful",
    "friendly",
    "very good",
    "really good",
    "lovely",
    "fantastic",
    "much better",
    "appreciate",
    "well done",
];
const NEGATIVE_EN: [&str; 30] = [
    "terrible",
    "awful",
    "horrible",
    "angry",
    "furious",
    "annoyed",
    "annoying",
    "upset",
    "unhappy",
    "dissatisfied",
    "disappointed",
    "disappointing",
    "complain",
    "complaint",
    "ridiculous",
    "useless",
    "rude",
    "worst",
    "bad",
    "worried",
    "afraid",
    "scared",
    "frustrated",
    "frustrating",
    "unacceptable",
    "waste of time",
    "fed up",
    "hate",
    "worse",
    "too long",
];
const POSITIVE_ZH: [&str; 18] = [
    "谢谢",
    "感谢",
    "满意",
    "很好",
    "非常好",
    "挺好",
    "不错",
    "高兴",
    "开心",
    "放心",
    "太好了",
    "周到",
    "热情",
    "耐心",
    "好多了",
    "辛苦了",
    "帮了大忙",
    "专业",
];
const NEGATIVE_ZH: [&str; 24] = [
    "生气",
    "气死",
    "投诉",
    "太差",
    "很差",
    "糟糕",
    "失望",
    "不满",
    "不高兴",
    "烦",
    "骗人",
    "难受",
    "担心",
    "害怕",
    "着急",
    "讨厌",
    "垃圾",
    "不耐烦",
    "态度差",
    "等太久",
    "太慢",
    "没人管",
    "离谱",
    "受不了",
];

impl Default for Lexicon {
    fn default() -> Self {
        let both = |english: &[&str], chinese: &[&str]| {
            let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
            Phrases::new(BTreeMap::from([(Language::English, owned(english)), (Language::Chinese, owned(chinese))]))
        };
        Self { positive: both(&POSITIVE_EN, &POSITIVE_ZH), negative: both(&NEGATIVE_EN, &NEGATIVE_ZH) }
    }
}

impl Lexicon {
    pub(super) fn of(&self, text: &str) -> Sentiment {
        // 不满意 holds 满意, and "不" is its denial; said as it is, it is anger.
        let denied_praise =
            ["不满意", "不太满意", "不是很满意", "not happy", "not satisfied", "not helpful", "not good"];
        let lower = text.to_lowercase();
        if self.negative.affirmed_in(text) || denied_praise.iter().any(|phrase| lower.contains(phrase)) {
            Sentiment::Negative
        } else if self.positive.affirmed_in(text) || lower.contains("不错") {
            Sentiment::Positive
        } else {
            Sentiment::Neutral
        }
    }
}

/// Shared by all conversations.
pub(super) fn sentiment(text: &str) -> Sentiment {
    static LEXICON: std::sync::LazyLock<Lexicon> = std::sync::LazyLock::new(Lexicon::default);
    LEXICON.of(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feelings_are_told_apart() {
        for (text, expected) in [
            ("thank you, that was very helpful", Sentiment::Positive),
            ("this is ridiculous, I want to complain", Sentiment::Negative),
            ("I am not happy with it", Sentiment::Negative),
            ("not bad", Sentiment::Neutral),
            ("on Tuesday", Sentiment::Neutral),
            ("护士很热情，谢谢", Sentiment::Positive),
            ("还不错", Sentiment::Positive),
            ("等太久了，我要投诉", Sentiment::Negative),
            ("我不太满意", Sentiment::Negative),
            ("不担心", Sentiment::Neutral),
            ("六分", Sentiment::Neutral),
        ] {
            assert_eq!(sentiment(text), expected, "{text}");
        }
    }

    #[test]
    fn anger_weighs_more_than_politeness() {
        let mut mood = Mood::default();
        assert_eq!(mood.overall(), None);
        mood.note(Sentiment::Neutral);
        assert_eq!(mood.overall(), Some(Sentiment::Neutral));
        mood.note(Sentiment::Positive);
        assert_eq!(mood.overall(), Some(Sentiment::Positive));
        mood.note(Sentiment::Negative);
        assert_eq!(mood.overall(), Some(Sentiment::Negative));
    }
}
