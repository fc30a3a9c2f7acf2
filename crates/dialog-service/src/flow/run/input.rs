/// What the caller did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerInput {
    /// Said something; the hypotheses, best first.
    Speech(Vec<String>),
    /// Keyed digits.
    Dtmf(String),
    /// Said nothing.
    NoInput,
    /// Could not be understood.
    NoMatch,
}

/// A longer utterance is an answer, whatever words are in it.
const REPEAT_REQUEST_CHARS_MAX: usize = 60;

impl CallerInput {
    /// The words of all hypotheses.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let texts = match self {
            Self::Speech(texts) => texts.as_slice(),
            Self::Dtmf(_) | Self::NoInput | Self::NoMatch => &[],
        };
        texts.iter().map(String::as_str)
    }

    /// What was said or keyed, as it is quoted.
    pub(super) fn quote(&self) -> &str {
        match self {
            Self::Speech(texts) => texts.first().map_or("", String::as_str),
            Self::Dtmf(digits) => digits,
            Self::NoInput | Self::NoMatch => "",
        }
    }

    /// What a turn without an answer is called.
    pub(super) fn unclear_intent(&self) -> String {
        if *self == Self::NoInput { "silence" } else { "unclear" }.to_owned()
    }

    /// Yes or no, said or keyed.
    pub(super) fn agrees(&self, language: speech::Language) -> Option<bool> {
        match self {
            Self::Speech(texts) => texts.iter().find_map(|text| speech::yes_no(text, language)),
            Self::Dtmf(digits) => match digits.as_str() {
                "1" => Some(true),
                "2" => Some(false),
                _ => None,
            },
            Self::NoInput | Self::NoMatch => None,
        }
    }

    pub(super) fn asks_to_repeat(&self) -> bool {
        const PHRASES: [&str; 14] = [
            "repeat",
            "say that again",
            "say it again",
            "pardon",
            "come again",
            "what did you say",
            "didn't hear",
            "再说一遍",
            "再说一次",
            "重复一",
            "没听清",
            "听不清",
            "没听见",
            "没听到",
        ];
        self.texts().next().is_some_and(|best| {
            let best = best.to_lowercase().replace('’', "'");
            best.chars().count() <= REPEAT_REQUEST_CHARS_MAX && PHRASES.iter().any(|phrase| best.contains(phrase))
        })
    }
}
