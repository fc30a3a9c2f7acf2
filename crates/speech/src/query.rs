//! Parameters of URIs as clients write them.

use percent_encoding::percent_decode_str;

/// Parameters taken from one URI; the rest is ignored.
const PARAMS_MAX: usize = 64;

/// A URI taken apart: what stands before the parameters, and the parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UriParts<'a> {
    /// Scheme and path, as written.
    pub(crate) path: &'a str,
    /// Names in lower case up to the first `.`, values decoded, in order.
    pub(crate) params: Vec<(String, String)>,
}

/// Takes a URI apart at its first `?`, or at a `;` or `&` that a client wrote instead. Parameters may be joined with
/// `&` or `;`. Names and values are percent-decoded; `+` stays `+`, since telephone numbers are written with it.
pub(crate) fn take_apart(uri: &str) -> UriParts<'_> {
    let (path, query) = match uri.find(['?', ';', '&']) {
        Some(at) => {
            let (path, rest) = uri.split_at(at);
            (path, rest.get(1..).unwrap_or_default())
        }
        None => (uri, ""),
    };
    let params = query
        .split(['&', ';', '?'])
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode_name(name.trim()), decode(value.trim())))
        .filter(|(name, _)| !name.is_empty())
        .take(PARAMS_MAX)
        .collect();
    UriParts { path: path.trim(), params }
}

impl UriParts<'_> {
    /// The value of the first parameter with this name.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The language that the parameters name, by any of the names in use.
    pub(crate) fn language_tag(&self) -> Option<&str> {
        ["language", "lang", "xml:lang"].iter().find_map(|name| self.param(name)).filter(|tag| !tag.is_empty())
    }
}

/// The begin of a text from a peer, for a message.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(60).collect()
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Parameter names are case-insensitive, but what follows `var.` is the application's own.
fn decode_name(text: &str) -> String {
    let name = decode(text);
    match name.split_once('.') {
        Some((prefix, rest)) => format!("{}.{rest}", prefix.to_ascii_lowercase()),
        None => name.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(uri: &str) -> Vec<(String, String)> {
        take_apart(uri).params
    }

    #[test]
    fn both_separators_and_a_misused_first_one_are_read() {
        let expected = vec![("y".to_owned(), "1".to_owned()), ("n".to_owned(), "2".to_owned())];
        for uri in ["t?y=1;n=2", "t?y=1&n=2", "t;y=1;n=2", "t?Y=1; n = 2", "t?y=1&amp;n=2", "t?;y=1;;n=2;"] {
            assert_eq!(params(uri), expected, "{uri}");
            assert_eq!(take_apart(uri).path, "t", "{uri}");
        }
    }

    #[test]
    fn values_are_decoded_and_keep_their_plus() {
        assert_eq!(
            params("d?var.CallerName=%E7%8E%8B&var.number=+15551234"),
            [("var.CallerName".to_owned(), "王".to_owned()), ("var.number".to_owned(), "+15551234".to_owned())]
        );
    }

    #[test]
    fn a_bare_question_mark_means_no_parameters() {
        assert_eq!(
            take_apart("builtin:speech/transcribe?"),
            UriParts { path: "builtin:speech/transcribe", params: vec![] }
        );
    }
}
