//! The languages that Voxgate hears and speaks.

use std::fmt;

/// A language that an engine can serve. Regional variants are served by the same models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Language {
    /// English, any region.
    #[serde(rename = "en")]
    English,
    /// Mandarin Chinese, simplified or traditional script.
    #[serde(rename = "zh")]
    Chinese,
}

impl Language {
    /// All languages, in a fixed order.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The language of a tag as in RFC 5646 (`en-US`, `zh-CN`, `cmn-Hans-CN`), also with `_` for `-` and in any case.
    /// `None` for a language that Voxgate does not serve; Cantonese (`yue`, `zh-yue`) is one.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let tag = tag.trim();
        let mut parts = tag.split(['-', '_']).map(str::to_ascii_lowercase);
        match parts.next()?.as_str() {
            "en" | "eng" | "english" => Some(Self::English),
            "cmn" | "chinese" | "mandarin" => Some(Self::Chinese),
            "zh" | "zho" | "chi" => match parts.next().as_deref() {
                Some("yue" | "wuu" | "nan" | "hak" | "hk") => None,
                _ => Some(Self::Chinese),
            },
            _ => None,
        }
    }

    /// The tag used in headers and results: `en-US` or `zh-CN`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en-US",
            Self::Chinese => "zh-CN",
        }
    }

    /// The language that the script of `text` shows: Chinese when it has a Han character, English when it has a Latin
    /// letter, `None` when it has neither (digits, punctuation, nothing).
    pub fn of_text(text: &str) -> Option<Self> {
        if text.chars().any(crate::text::is_han) {
            Some(Self::Chinese)
        } else if text.chars().any(|c| c.is_ascii_alphabetic()) {
            Some(Self::English)
        } else {
            None
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_as_clients_write_them_name_a_language() {
        for tag in ["en", "en-US", "en_GB", "EN-us", " en-AU "] {
            assert_eq!(Language::from_tag(tag), Some(Language::English), "{tag}");
        }
        for tag in ["zh", "zh-CN", "zh_TW", "cmn", "cmn-Hans-CN", "zh-Hans"] {
            assert_eq!(Language::from_tag(tag), Some(Language::Chinese), "{tag}");
        }
    }

    #[test]
    fn other_languages_are_not_guessed() {
        for tag in ["", "de-DE", "yue", "zh-HK", "zh-yue", "x-en"] {
            assert_eq!(Language::from_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn a_tag_is_read_back_as_its_language() {
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
        }
    }
}
