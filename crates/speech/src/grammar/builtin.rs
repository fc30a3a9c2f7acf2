//! The builtin grammars, by URI.

use super::{GrammarError, GrammarErrorKind, Rule};
use crate::{
    DialogGrammar, Language,
    builtin::Builtin,
    query::{excerpt, take_apart},
};

/// The longest builtin URI that is read, in bytes. Some clients put whole prompts into parameters.
const URI_BYTES_MAX: usize = 64 * 1024;

/// A builtin grammar as its URI describes it.
pub(super) struct Compiled {
    pub(super) rule: Rule,
    pub(super) language: Option<Language>,
    pub(super) speech: bool,
    pub(super) dtmf: bool,
}

/// What stands before the type in the path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Modality {
    Speech,
    Dtmf,
    Any,
}

pub(super) fn compile(uri: &str) -> Result<Compiled, GrammarError> {
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
    let compiled = |rule| Compiled { rule, language, speech, dtmf };
    match kind {
        "transcribe" | "transcription" | "dictation" if modality != Modality::Dtmf => {
            Ok(Compiled { dtmf: false, ..compiled(Rule::Transcribe) })
        }
        "dialog" if modality != Modality::Dtmf => {
            let dialog = DialogGrammar::of(&parts)
                .map_err(|error| GrammarError::new(GrammarErrorKind::Parameter, error.message))?;
            let dtmf = dialog.dtmf;
            Ok(Compiled { dtmf, ..compiled(Rule::Dialog(Box::new(dialog))) })
        }
        name => {
            let Some(typed) = Builtin::of(name, &parts) else {
                return Err(unsupported(format!("there is no builtin grammar {:?}", excerpt(name))));
            };
            // Keys in the URI are meant to be pressed, whatever the path says.
            let names_keys = name == "boolean" && (parts.param("y").is_some() || parts.param("n").is_some());
            Ok(Compiled { dtmf: dtmf || names_keys, ..compiled(Rule::Builtin(typed?)) })
        }
    }
}
