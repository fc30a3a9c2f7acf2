//! The builtin grammars, by URI.

use super::{GrammarError, GrammarErrorKind, Rule};
use crate::{
    DialogGrammar, Language,
    query::{UriParts, take_apart},
};

/// The longest builtin URI that is read, in bytes. Some clients put whole prompts into parameters.
const URI_BYTES_MAX: usize = 64 * 1024;
/// The most digits that a caller can be asked for.
const DIGITS_MAX: usize = 64;

/// A builtin grammar as its URI describes it.
pub(super) struct Builtin {
    pub(super) rule: Rule,
    pub(super) language: Option<Language>,
    pub(super) speech: bool,
    pub(super) dtmf: bool,
}

/// How the keys of `builtin:…/boolean` and `digits` read; also what may be said to `digits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lengths {
    pub(crate) min: usize,
    pub(crate) max: usize,
}

/// The keys that mean yes and no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct YesNoKeys {
    pub(crate) yes: char,
    pub(crate) no: char,
}

/// What stands before the type in the path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Modality {
    Speech,
    Dtmf,
    Any,
}

pub(super) fn compile(uri: &str) -> Result<Builtin, GrammarError> {
    if uri.len() > URI_BYTES_MAX {
        let message = format!("the grammar URI has {} bytes, {URI_BYTES_MAX} are allowed", uri.len());
        return Err(GrammarError::new(GrammarErrorKind::TooLarge, message));
    }
    // Some dialplans leave the word "builtin" behind the URI.
    let uri = uri.strip_suffix(" builtin").unwrap_or(uri).trim();
    let parts = take_apart(uri);
    let unsupported = |message: String| GrammarError::new(GrammarErrorKind::UnsupportedUri, message);
    let Some((scheme, path)) = parts.path.split_once(':') else {
        return Err(unsupported(format!("{:?} is not a grammar URI", excerpt(uri))));
    };
    if !scheme.eq_ignore_ascii_case("builtin") {
        return Err(unsupported(format!("grammars cannot be fetched from {}: URIs", excerpt(scheme))));
    }
    let path = path.trim_matches('/').to_ascii_lowercase();
    let (modality, kind) = match path.split_once('/') {
        Some(("grammar" | "voice" | "speech", kind)) => (Modality::Speech, kind),
        Some(("dtmf", kind)) => (Modality::Dtmf, kind),
        Some(("slm", "general")) => (Modality::Speech, "transcribe"),
        Some(_) => return Err(unsupported(format!("there is no builtin grammar {:?}", excerpt(&path)))),
        None => (Modality::Any, path.as_str()),
    };
    let language = match parts.language_tag() {
        None => None,
        Some(tag) => Some(Language::from_tag(tag).ok_or_else(|| {
            GrammarError::new(
                GrammarErrorKind::UnsupportedLanguage,
                format!("language {:?} is not served", excerpt(tag)),
            )
        })?),
    };
    let (speech, dtmf) = match modality {
        Modality::Speech => (true, false),
        Modality::Dtmf => (false, true),
        Modality::Any => (true, true),
    };
    let builtin = |rule| Builtin { rule, language, speech, dtmf };
    match kind {
        "transcribe" | "transcription" | "dictation" if modality != Modality::Dtmf => {
            Ok(Builtin { dtmf: false, ..builtin(Rule::Transcribe) })
        }
        "dialog" if modality != Modality::Dtmf => {
            let dialog = DialogGrammar::of(&parts)
                .map_err(|error| GrammarError::new(GrammarErrorKind::Parameter, error.message))?;
            let dtmf = dialog.dtmf;
            Ok(Builtin { dtmf, ..builtin(Rule::Dialog(Box::new(dialog))) })
        }
        "boolean" => {
            let keys = yes_no_keys(&parts)?;
            // Keys in the URI are meant to be pressed, whatever the path says.
            let dtmf = dtmf || keys.is_some();
            Ok(Builtin { dtmf, ..builtin(Rule::Boolean(keys.unwrap_or(YesNoKeys { yes: '1', no: '2' }))) })
        }
        "digits" => Ok(builtin(Rule::Digits(lengths(&parts)?))),
        "number" => Ok(builtin(Rule::Number)),
        "date" | "currency" | "phone" | "time" => {
            Err(unsupported(format!("the builtin grammar {kind} is not implemented")))
        }
        other => Err(unsupported(format!("there is no builtin grammar {:?}", excerpt(other)))),
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(60).collect()
}

fn parameter(message: impl Into<String>) -> GrammarError {
    GrammarError::new(GrammarErrorKind::Parameter, message)
}

fn yes_no_keys(parts: &UriParts<'_>) -> Result<Option<YesNoKeys>, GrammarError> {
    if parts.param("y").is_none() && parts.param("n").is_none() {
        return Ok(None);
    }
    let yes = key(parts, "y", '1')?;
    let no = key(parts, "n", '2')?;
    if yes == no {
        return Err(parameter(format!("y and n are both {yes}")));
    }
    Ok(Some(YesNoKeys { yes, no }))
}

fn key(parts: &UriParts<'_>, name: &str, default: char) -> Result<char, GrammarError> {
    let Some(value) = parts.param(name) else { return Ok(default) };
    let mut chars = value.chars().map(|c| c.to_ascii_uppercase());
    match (chars.next(), chars.next()) {
        (Some(c), None) if super::is_key(c) => Ok(c),
        _ => Err(parameter(format!("{name}={:?} is not one key", excerpt(value)))),
    }
}

fn lengths(parts: &UriParts<'_>) -> Result<Lengths, GrammarError> {
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
