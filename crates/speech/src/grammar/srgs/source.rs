//! An SRGS document as both of its forms say it.

use std::sync::Arc;

use crate::{
    InputMode, Language, TagFormat,
    grammar::error::{GrammarError, Position},
    sound::Sound,
    spelling, text,
};

/// A document as written, before it is compiled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Source {
    pub(crate) mode: InputMode,
    /// The language tag of the document as written.
    pub(crate) language: Option<String>,
    pub(crate) tag_format: TagFormat,
    pub(crate) root: Option<(String, Position)>,
    /// What relative references are relative to, itself perhaps relative.
    pub(crate) base: Option<String>,
    pub(crate) lexicons: Vec<String>,
    pub(crate) global_tags: Vec<Arc<str>>,
    pub(crate) rules: Vec<RuleDefinition>,
}

/// A rule as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RuleDefinition {
    pub(crate) name: String,
    pub(crate) is_public: bool,
    pub(crate) expansion: Expansion,
    pub(crate) examples: Vec<String>,
    pub(crate) position: Position,
}

/// What a rule or a part of it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expansion {
    /// A word, a phrase that is one token, or a key.
    Token(Token),
    /// The content of a tag.
    Tag(Arc<str>),
    /// One after the other; nothing at all is NULL.
    Sequence(Vec<Expansion>),
    /// One of them.
    Alternatives(Vec<Alternative>),
    /// Again and again.
    Repeat(Box<Repeat>),
    /// Another rule.
    Reference(Reference),
    /// What cannot be said.
    Void,
    /// Anything.
    Garbage,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) written: String,
    /// How numbers in it are read.
    pub(crate) language: Language,
    /// What is said for it, when that is not what is written.
    pub(crate) spoken: Option<String>,
    /// How it sounds, where a lexicon says so.
    pub(crate) sounds: Vec<Vec<Sound>>,
}

impl Token {
    /// A token that is said as it is written.
    pub(crate) fn new(written: String, language: Language) -> Self {
        Self { written, language, spoken: None, sounds: Vec::new() }
    }
}

/// The words of a text, as grammars compare them. `language` says how numbers are read when the text does not show it.
pub(crate) fn words(spoken: &str, language: Language) -> Vec<String> {
    spelling::comparable(&text::words(spoken), Language::of_text(spoken).unwrap_or(language))
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alternative {
    /// From 0; 1 when none is written.
    pub(crate) weight: f32,
    pub(crate) expansion: Expansion,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Repeat {
    pub(crate) of: Expansion,
    pub(crate) min: u32,
    /// `None`: without an end.
    pub(crate) max: Option<u32>,
    /// From 0 to 1: of each repetition beyond the first ones that must be.
    pub(crate) probability: Option<f32>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reference {
    pub(crate) target: Target,
    pub(crate) position: Position,
}

/// What a reference names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// A rule of the same document.
    Local(String),
    /// A rule of another document, or its root: the reference as written, and the media type that it announces.
    External { uri: String, media_type: Option<String> },
}

impl Expansion {
    /// A sequence, or its only part.
    pub(crate) fn sequence(mut parts: Vec<Self>) -> Self {
        match parts.pop() {
            Some(only) if parts.is_empty() => only,
            Some(last) => {
                parts.push(last);
                Self::Sequence(parts)
            }
            None => Self::Sequence(parts),
        }
    }
}

/// Whether a rule may have this name: an XML name without `.`, `:` and `-`, and not one of the special rules.
pub(crate) fn check_rule_name(name: &str) -> Result<(), GrammarError> {
    if matches!(name, "NULL" | "VOID" | "GARBAGE") {
        return Err(GrammarError::syntax(format!("{name} is a special rule and no name for another")));
    }
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    if starts && chars.all(|c| c.is_alphanumeric() || c == '_' || is_combining(c)) {
        Ok(())
    } else {
        Err(GrammarError::syntax(format!("{:?} is no name of a rule", excerpt(name))))
    }
}

/// Marks that XML allows in names after the first character.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}' | '\u{2040}')
}

/// Whether a language tag has the shape of one (RFC 5646); `_` is understood for `-`.
pub(crate) fn check_language_tag(tag: &str) -> Result<(), GrammarError> {
    let is_part = |part: &str| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    if tag.split(['-', '_']).all(is_part) {
        Ok(())
    } else {
        Err(GrammarError::syntax(format!("{:?} is no language tag", excerpt(tag))))
    }
}

/// A weight or a probability: digits with at most one point, no sign, no exponent.
pub(crate) fn decimal(text: &str, what: &str) -> Result<f32, GrammarError> {
    let is_shaped = text.chars().all(|c| c.is_ascii_digit() || c == '.') && text.chars().any(|c| c.is_ascii_digit());
    match text.parse::<f32>() {
        Ok(number) if is_shaped && number.is_finite() => Ok(number),
        _ => Err(GrammarError::syntax(format!("{what} {:?} is no decimal number from 0", excerpt(text)))),
    }
}

/// A probability from 0 to 1.
pub(crate) fn probability(text: &str) -> Result<f32, GrammarError> {
    let value = decimal(text, "the repeat probability")?;
    if value <= 1.0 {
        Ok(value)
    } else {
        Err(GrammarError::syntax(format!("the repeat probability {value} is above 1")))
    }
}

/// `n`, `n-m` or `n-`.
pub(crate) fn repeat_range(text: &str) -> Result<(u32, Option<u32>), GrammarError> {
    let no_range = || GrammarError::syntax(format!("repeat {:?} is not n, n-m or n-", excerpt(text)));
    let number = |text: &str| -> Result<u32, GrammarError> {
        let text = text.trim();
        if text.is_empty() || !text.chars().all(|c| c.is_ascii_digit()) {
            return Err(no_range());
        }
        // More than anybody says: the same as the largest number.
        Ok(text.parse().unwrap_or(u32::MAX))
    };
    let (min, max) = match text.split_once('-') {
        None => {
            let count = number(text)?;
            (count, Some(count))
        }
        Some((min, max)) if max.trim().is_empty() => (number(min)?, None),
        Some((min, max)) => (number(min)?, Some(number(max)?)),
    };
    if max.is_some_and(|max| max < min) {
        return Err(GrammarError::syntax(format!("repeat {:?} ends before it begins", excerpt(text))));
    }
    Ok((min, max))
}

/// The keys that a token of a dtmf grammar names: `1`, `12`, `*`, `star`, `#`, `pound`, `A`-`D`, and with
/// `dtmf-` before them as some documents write them.
pub(crate) fn keys(token: &str) -> Result<Vec<String>, GrammarError> {
    let token = token.to_ascii_lowercase();
    let token = token.strip_prefix("dtmf-").unwrap_or(&token);
    let spelled = match token {
        "star" => "*".to_owned(),
        "pound" | "hash" => "#".to_owned(),
        _ => token.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect(),
    };
    match spelled.chars().find(|key| !crate::grammar::is_key(*key)) {
        Some(other) => Err(GrammarError::syntax(format!("{other:?} is not a key"))),
        None => Ok(spelled.chars().map(|key| key.to_string()).collect()),
    }
}

/// The begin of something that a peer wrote, for a message.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(60).collect()
}
