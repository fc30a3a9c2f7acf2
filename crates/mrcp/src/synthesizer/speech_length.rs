//! Jump-Size and Speak-Length (RFC 6787 §8.4.1, §8.4.15).
//!
//! Seconds and tags are supported. A voice does not tell where its words, sentences and paragraphs lie in the audio, so those
//! units are refused. `-15 Words`, as the RFC's own example has it, is read as the unit that it means.

use std::fmt;

/// Where speaking goes on, or begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JumpSize {
    /// So many seconds ahead of what is being played.
    Ahead(u64),
    /// So many seconds back from it.
    Back(u64),
    /// So many seconds from the beginning: a number without a sign, which the syntax of §15 does not have.
    At(u64),
    /// At a mark.
    Tag(String),
}

/// How much is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpeakLength {
    /// So many seconds, at least 1.
    Seconds(u64),
    /// Until a mark.
    Tag(String),
}

/// Why a value is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LengthFault {
    /// It has not the syntax: 404.
    Illegal,
    /// A unit that is not supported: 409.
    Unit,
}

impl JumpSize {
    pub(super) fn parse(value: &str) -> Result<Self, LengthFault> {
        if let Some(name) = tag(value) {
            return Ok(Self::Tag(name));
        }
        match value.strip_prefix('+') {
            Some(amount) => seconds(amount).map(Self::Ahead),
            None => match value.strip_prefix('-') {
                Some(amount) => seconds(amount).map(Self::Back),
                None => seconds(value).map(Self::At),
            },
        }
    }
}

impl SpeakLength {
    pub(super) fn parse(value: &str) -> Result<Self, LengthFault> {
        if let Some(name) = tag(value) {
            return Ok(Self::Tag(name));
        }
        match seconds(value)? {
            0 => Err(LengthFault::Illegal),
            seconds => Ok(Self::Seconds(seconds)),
        }
    }
}

impl fmt::Display for JumpSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ahead(seconds) => write!(f, "+{seconds} Second"),
            Self::Back(seconds) => write!(f, "-{seconds} Second"),
            Self::At(seconds) => write!(f, "{seconds} Second"),
            Self::Tag(name) => write!(f, "{name} Tag"),
        }
    }
}

impl fmt::Display for SpeakLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(f, "{seconds} Second"),
            Self::Tag(name) => write!(f, "{name} Tag"),
        }
    }
}

/// `here Tag`: a number may be the name of a mark, too.
fn tag(value: &str) -> Option<String> {
    let (name, unit) = value.rsplit_once(' ')?;
    let name = name.trim();
    (unit.eq_ignore_ascii_case("Tag") && !name.is_empty()).then(|| name.to_owned())
}

fn seconds(value: &str) -> Result<u64, LengthFault> {
    let (amount, unit) = value.split_once(' ').ok_or(LengthFault::Illegal)?;
    let is_plain = (1..=19).contains(&amount.len()) && amount.bytes().all(|byte| byte.is_ascii_digit());
    let amount = amount.parse().ok().filter(|_| is_plain).ok_or(LengthFault::Illegal)?;
    let unit = unit.trim().to_ascii_lowercase();
    match unit.strip_suffix('s').unwrap_or(&unit) {
        "second" => Ok(amount),
        "word" | "sentence" | "paragraph" => Err(LengthFault::Unit),
        _ => Err(LengthFault::Illegal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_relative_absolute_or_to_a_tag() {
        assert_eq!(JumpSize::parse("+3 Second"), Ok(JumpSize::Ahead(3)));
        assert_eq!(JumpSize::parse("-9999999999999999999 seconds"), Ok(JumpSize::Back(9_999_999_999_999_999_999)));
        assert_eq!(JumpSize::parse("12 Second"), Ok(JumpSize::At(12)));
        assert_eq!(JumpSize::parse("here Tag"), Ok(JumpSize::Tag("here".to_owned())));
        assert_eq!(JumpSize::parse("3 Tag"), Ok(JumpSize::Tag("3".to_owned())));
    }

    #[test]
    fn syn_026_units_that_are_not_supported_are_known_apart_from_what_is_no_length() {
        for unit in ["Word", "Words", "Sentence", "Paragraph"] {
            assert_eq!(JumpSize::parse(&format!("-15 {unit}")), Err(LengthFault::Unit), "{unit}");
            assert_eq!(SpeakLength::parse(&format!("15 {unit}")), Err(LengthFault::Unit), "{unit}");
        }
        for wrong in ["", "3", "+ Second", "+3", "three Second", "+3 Minute", "12345678901234567890 Second", " Tag"] {
            assert_eq!(JumpSize::parse(wrong), Err(LengthFault::Illegal), "{wrong}");
        }
        for wrong in ["0 Second", "+5 Second", "-5 Second", "Second"] {
            assert_eq!(SpeakLength::parse(wrong), Err(LengthFault::Illegal), "{wrong}");
        }
    }
}
