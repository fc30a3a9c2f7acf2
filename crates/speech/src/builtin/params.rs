//! The parameters of builtin types.

use super::{Kind, money::Currency};
use crate::{
    GrammarError, GrammarErrorKind,
    query::{UriParts, excerpt},
};

/// The type of this name with its parameters; `None` for an unknown type.
pub(super) fn kind(name: &str, parts: &UriParts<'_>) -> Option<Result<Kind, GrammarError>> {
    let known: &[&str] = match name {
        "boolean" => &["y", "n"],
        "digits" | "number" => &["length", "minlength", "maxlength", "garbage"],
        "date" | "currency" | "phone" | "time" => &["garbage"],
        _ => return None,
    };
    let language = ["language", "lang", "xml:lang"];
    let is_known = |name: &str| known.contains(&name) || language.contains(&name);
    if let Some((unknown, _)) = parts.params.iter().find(|(name, _)| !is_known(name)) {
        let message =
            format!("{name} has no parameter {:?}; it has {} and language", excerpt(unknown), known.join(", "));
        return Some(Err(parameter(message)));
    }
    Some(match name {
        "boolean" => yes_no_keys(parts).map(Kind::Boolean),
        "digits" => lengths(parts).map(Kind::Digits),
        "number" => lengths(parts).map(Kind::Number),
        "date" => Ok(Kind::Date),
        "currency" => Ok(Kind::Currency),
        "phone" => Ok(Kind::Phone),
        _ => Ok(Kind::Time),
    })
}

/// Whether other words may stand around what counts.
pub(super) fn garbage(parts: &UriParts<'_>) -> Result<bool, GrammarError> {
    match parts.param("garbage") {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(parameter(format!("garbage={:?} is neither true nor false", excerpt(other)))),
    }
}

/// What differs between the countries of a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    /// What "dollar" means.
    pub(super) dollar: Currency,
    /// Whether `3/5` is the third of May.
    pub(super) day_first: bool,
}

impl Region {
    /// The region of a language tag; the United States when it names none.
    pub(super) fn of(tag: Option<&str>) -> Self {
        let country = tag.and_then(|tag| tag.split(['-', '_']).next_back()).unwrap_or_default().to_ascii_uppercase();
        let dollar = match country.as_str() {
            "AU" => "AUD",
            "CA" => "CAD",
            "HK" => "HKD",
            "NZ" => "NZD",
            "SG" => "SGD",
            _ => "USD",
        };
        Self { dollar, day_first: matches!(country.as_str(), "AU" | "GB" | "HK" | "IE" | "IN" | "NZ" | "SG" | "ZA") }
    }
}

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
