//! SRGS 1.0: documents in the XML form and in the ABNF form.

mod abnf_form;
mod abnf_lexer;
pub(crate) mod source;
mod xml_form;

use super::error::{GrammarError, GrammarErrorKind};
use crate::encoding;
use source::Source;

/// Elements, attributes and texts of a document in the XML form: enough for a list of 100,000 phrases with tags.
const XML_NODES_MAX: u32 = 1_500_000;

/// The type of a Content-Type value, without parameters, in lower case.
pub(super) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Refuses a media type that no grammar of ours has.
pub(super) fn check_media_type(content_type: &str) -> Result<(), GrammarError> {
    let media = |message: String| Err(GrammarError::new(GrammarErrorKind::UnsupportedMediaType, message));
    match essence(content_type).as_str() {
        "application/srgs"
        | "application/srgs+xml"
        | "application/grammar+xml"
        | "application/grammar"
        | "application/xml"
        | "text/xml" => Ok(()),
        "application/x-jsgf" | "application/jsgf" => media("JSGF grammars are not supported, use SRGS".to_owned()),
        "application/x-nuance-gsl" => media("GSL grammars are not supported, use SRGS".to_owned()),
        "application/x-nuance-dynagram-binary" => media("binary grammars are not supported, use SRGS".to_owned()),
        other => {
            let other = source::excerpt(other);
            media(format!("{other:?} is not a type of grammar that is supported, use application/srgs+xml"))
        }
    }
}

/// Reads a document of either form; its first characters show which, since clients name the wrong one.
pub(super) fn read(charset: Option<&str>, body: &[u8], bytes_max: usize) -> Result<Source, GrammarError> {
    if body.len() > bytes_max {
        let message = format!("the grammar has {} bytes, {bytes_max} are allowed", body.len());
        return Err(GrammarError::too_large(message));
    }
    let text = encoding::decode(body, charset).map_err(GrammarError::syntax)?;
    let media = |message: &str| Err(GrammarError::new(GrammarErrorKind::UnsupportedMediaType, message));
    let start = text.trim_start();
    if start.starts_with("#ABNF") {
        abnf_form::read(&text)
    } else if start.starts_with("#JSGF") {
        media("JSGF grammars are not supported, use SRGS")
    } else if start.starts_with(";GSL") {
        media("GSL grammars are not supported, use SRGS")
    } else {
        xml_form::read(&text, XML_NODES_MAX)
    }
}
