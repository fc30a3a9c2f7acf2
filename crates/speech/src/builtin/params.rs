//! The parameters of builtin types.

use crate::{
    GrammarError, GrammarErrorKind,
    query::{UriParts, excerpt},
};

/// The most digits that a caller can be asked for.
const DIGITS_MAX: usize = 64;

/// How many digits are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lengths {
    pub(crate) min: usize,
    pub(crate) max: usize,
}

impl Lengths {
    pub(crate) fn allow(self, count: usize) -> bool {
        (self.min..=self.max).contains(&count)
    }
}

/// The keys that mean yes and no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct YesNoKeys {
    pub(crate) yes: char,
    pub(crate) no: char,
}

fn parameter(message: impl Into<String>) -> GrammarError {
    GrammarError::new(GrammarErrorKind::Parameter, message)
}

pub(super) fn yes_no_keys(parts: &UriParts<'_>) -> Result<YesNoKeys, GrammarError> {
    let yes = key(parts, "y", '1')?;
    let no = key(parts, "n", '2')?;
    if yes == no {
        return Err(parameter(format!("y and n are both {yes}")));
    }
    Ok(YesNoKeys { yes, no })
}

fn key(parts: &UriParts<'_>, name: &str, default: char) -> Result<char, GrammarError> {
    let Some(value) = parts.param(name) else { return Ok(default) };
    let mut chars = value.chars().map(|c| c.to_ascii_uppercase());
    match (chars.next(), chars.next()) {
        (Some(c), None) if matches!(c, '0'..='9' | '*' | '#' | 'A'..='D') => Ok(c),
        _ => Err(parameter(format!("{name}={:?} is not one key", excerpt(value)))),
    }
}

pub(super) fn lengths(parts: &UriParts<'_>) -> Result<Lengths, GrammarError> {
    let length = count(parts, "length")?;
    let min = count(parts, "minlength")?;
    let max = count(parts, "maxlength")?;
    match (length, min, max) {
        (Some(length), None, None) => Ok(Lengths { min: length, max: length }),
        (Some(_), _, _) => Err(parameter("length excludes minlength and maxlength")),
        (None, min, max) => {
            let lengths = Lengths { min: min.unwrap_or(1), max: max.unwrap_or(DIGITS_MAX) };
            if lengths.min > lengths.max {
                return Err(parameter(format!("minlength {} is above maxlength {}", lengths.min, lengths.max)));
            }
            Ok(lengths)
        }
    }
}

fn count(parts: &UriParts<'_>, name: &str) -> Result<Option<usize>, GrammarError> {
    let Some(value) = parts.param(name) else { return Ok(None) };
    match value.parse::<usize>() {
        Ok(count) if (1..=DIGITS_MAX).contains(&count) => Ok(Some(count)),
        _ => Err(parameter(format!("{name}={:?} is not a number from 1 to {DIGITS_MAX}", excerpt(value)))),
    }
}
