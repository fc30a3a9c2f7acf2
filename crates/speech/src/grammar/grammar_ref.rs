//! The grammars that a RECOGNIZE body lists.

use super::{GrammarError, GrammarErrorKind};

/// A grammar of a RECOGNIZE body: a URI and its weight (RFC 6787 section 9.9).
#[derive(Debug, Clone, PartialEq)]
pub struct GrammarRef {
    /// `builtin:…`, `session:…` or another URI, without angle brackets.
    pub uri: String,
    /// How likely the grammar is, above 0; 1 when not given.
    pub weight: f32,
}

/// Grammars of one request.
const GRAMMARS_MAX: usize = 64;
/// Bytes of a list. Some clients put whole prompts into the parameters of a builtin URI.
const BYTES_MAX: usize = 256 * 1024;

impl GrammarRef {
    /// Reads a body of type `text/uri-list` or `text/grammar-ref-list`: one URI a line, comments (`#`) and empty lines
    /// left out, any line ending. The weight is read in both.
    ///
    /// # Errors
    /// `UnsupportedMediaType` for another type, `Syntax` when the body is not UTF-8 or holds no URI, `TooLarge` for
    /// more than 64 URIs.
    pub fn parse_list(content_type: &str, body: &[u8]) -> Result<Vec<Self>, GrammarError> {
        let essence = super::srgs::essence(content_type);
        if !matches!(essence.as_str(), "text/uri-list" | "text/grammar-ref-list") {
            let message = format!("{essence} is not a list of grammars");
            return Err(GrammarError::new(GrammarErrorKind::UnsupportedMediaType, message));
        }
        let too_large = |message: String| GrammarError::new(GrammarErrorKind::TooLarge, message);
        if body.len() > BYTES_MAX {
            return Err(too_large(format!("the list has {} bytes, {BYTES_MAX} are allowed", body.len())));
        }
        let text = std::str::from_utf8(body)
            .map_err(|_| GrammarError::new(GrammarErrorKind::Syntax, "the list of grammars is not UTF-8"))?;
        let lines = text.lines().flat_map(|line| line.split('\r')).map(str::trim);
        let references: Vec<Self> = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .take(GRAMMARS_MAX + 1)
            .map(Self::parse)
            .collect();
        match references.len() {
            0 => Err(GrammarError::new(GrammarErrorKind::Syntax, "the list names no grammar")),
            count if count > GRAMMARS_MAX => Err(too_large(format!("more than {GRAMMARS_MAX} grammars are listed"))),
            _ => Ok(references),
        }
    }

    /// Reads one line: `URI`, `<URI>` or `<URI>;weight="0.75"`. A weight that is no positive number counts as 1.
    pub fn parse(line: &str) -> Self {
        let line = line.trim();
        let Some(bracketed) = line.strip_prefix('<') else { return Self { uri: line.to_owned(), weight: 1.0 } };
        let Some((uri, parameters)) = bracketed.split_once('>') else {
            return Self { uri: bracketed.trim().to_owned(), weight: 1.0 };
        };
        let weight = parameters
            .split(';')
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("weight"))
            .and_then(|(_, value)| value.trim().trim_matches('"').parse::<f32>().ok())
            .filter(|weight| weight.is_finite() && *weight > 0.0)
            .unwrap_or(1.0);
        Self { uri: uri.trim().to_owned(), weight }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_with_any_line_ending() {
        for body in ["builtin:a\nbuiltin:b", "builtin:a\r\n\r\nbuiltin:b\r\n", "# note\nbuiltin:a\rbuiltin:b\r"] {
            let uris: Vec<_> =
                GrammarRef::parse_list("text/uri-list", body.as_bytes()).unwrap().into_iter().map(|r| r.uri).collect();
            assert_eq!(uris, ["builtin:a", "builtin:b"], "{body:?}");
        }
    }

    #[test]
    fn weights_are_read() {
        let list = b"<builtin:grammar/boolean>;weight=\"0.75\"\n<session:x>\n<session:y>;weight=nan";
        let weights: Vec<_> = GrammarRef::parse_list("text/grammar-ref-list; charset=utf-8", list)
            .unwrap()
            .into_iter()
            .map(|r| (r.uri, r.weight))
            .collect();
        assert_eq!(
            weights,
            [
                ("builtin:grammar/boolean".to_owned(), 0.75),
                ("session:x".to_owned(), 1.0),
                ("session:y".to_owned(), 1.0)
            ]
        );
    }

    #[test]
    fn empty_and_endless_lists_are_refused() {
        assert_eq!(GrammarRef::parse_list("text/uri-list", b"# only").unwrap_err().kind, GrammarErrorKind::Syntax);
        let endless = "builtin:x\n".repeat(65);
        assert_eq!(
            GrammarRef::parse_list("text/uri-list", endless.as_bytes()).unwrap_err().kind,
            GrammarErrorKind::TooLarge
        );
        assert_eq!(
            GrammarRef::parse_list("text/plain", b"builtin:x").unwrap_err().kind,
            GrammarErrorKind::UnsupportedMediaType
        );
    }
}
