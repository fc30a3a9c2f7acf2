//! Bodies: media types, URI lists and multipart (RFC 6787 §6.2.6–6.2.8, §9.5.1; RFC 2483, RFC 2046).

use bytes::Bytes;

/// More references or parts than this are refused: stock clients send one or two.
const PARTS_MAX: usize = 64;

/// One grammar that a DEFINE-GRAMMAR or RECOGNIZE names or carries.
#[derive(Debug, Clone, PartialEq)]
pub enum GrammarRef {
    /// A line of `text/uri-list` or `text/grammar-ref-list`: a `builtin:`, `session:`, `http(s):` … URI. A line is kept
    /// whole even when it has white space in it, which clients send though a URI has none.
    Uri {
        /// The URI.
        uri: String,
        /// The weight (§9.5.1), 1.0 when none is given.
        weight: f32,
        /// The identifier of the list that the line stands in, without angle brackets: stock clients define a builtin grammar
        /// so, and refer to it as `session:NAME` later.
        content_id: Option<String>,
    },
    /// A grammar in the body.
    Inline {
        /// Its media type with parameters, as sent.
        content_type: String,
        /// Its identifier, without angle brackets.
        content_id: Option<String>,
        /// The grammar document.
        body: Bytes,
    },
}

impl GrammarRef {
    /// The grammars in a body of that type. `None` when a list is empty or too long, is not UTF-8, or a multipart body is
    /// broken; whether the type of an inline grammar is supported is not looked at.
    pub fn list(content_type: &str, content_id: Option<&str>, body: &Bytes) -> Option<Vec<Self>> {
        let mut refs = Vec::new();
        match media_type(content_type).as_str() {
            "multipart/mixed" => {
                for part in Part::split(content_type, body)? {
                    let kind = part.content_type.as_deref().unwrap_or("text/plain");
                    if media_type(kind) == "multipart/mixed" {
                        return None;
                    }
                    refs.extend(Self::list(kind, part.content_id.as_deref(), &part.body)?);
                }
            }
            "text/uri-list" => refs.extend(lines(body)?.map(|uri| reference(uri, 1.0, content_id))),
            "text/grammar-ref-list" => {
                for line in lines(body)? {
                    refs.push(grammar_reference(line, content_id)?);
                }
            }
            _ => refs.push(Self::Inline {
                content_type: content_type.to_owned(),
                content_id: content_id.map(str::to_owned),
                body: body.clone(),
            }),
        }
        (1..=PARTS_MAX).contains(&refs.len()).then_some(refs)
    }
}

/// One part of a `multipart/mixed` body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its `Content-Type`, as sent.
    pub content_type: Option<String>,
    /// Its `Content-ID`, without angle brackets.
    pub content_id: Option<String>,
    /// Its content.
    pub body: Bytes,
}

impl Part {
    /// The parts of a multipart body, preamble and epilogue left out; lines may end in LF alone. `None` when the type names
    /// no boundary, no part is found, or there are too many.
    pub fn split(content_type: &str, body: &Bytes) -> Option<Vec<Self>> {
        let boundary = media_type_parameter(content_type, "boundary")?;
        if boundary.is_empty() || boundary.len() > 70 {
            return None;
        }
        let delimiter = format!("--{boundary}");
        let mut parts = Vec::new();
        let mut part_start: Option<usize> = None;
        let mut at = 0;
        while at < body.len() {
            let line_end = body.get(at..)?.iter().position(|byte| *byte == b'\n').map_or(body.len(), |lf| at + lf + 1);
            let line = body.get(at..line_end)?.trim_ascii_end();
            let closes = line.strip_prefix(delimiter.as_bytes()).map(|rest| rest.starts_with(b"--"));
            let is_delimiter = line == delimiter.as_bytes() || closes == Some(true);
            if is_delimiter {
                if let Some(start) = part_start {
                    parts.push(Self::parse(body.slice(start..at)));
                    if parts.len() > PARTS_MAX {
                        return None;
                    }
                }
                part_start = Some(line_end);
                if closes == Some(true) {
                    return (!parts.is_empty()).then_some(parts);
                }
            }
            at = line_end;
        }
        // The closing delimiter is missing: what there is counts, the last part to the end.
        if let Some(start) = part_start
            && start < body.len()
        {
            parts.push(Self::parse(body.slice(start..)));
        }
        (!parts.is_empty()).then_some(parts)
    }

    /// Reads the headers of one part. The line end before the delimiter belongs to the delimiter.
    fn parse(bytes: Bytes) -> Self {
        let mut part = Self { content_type: None, content_id: None, body: Bytes::new() };
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |lf| lf + 1);
            let line = rest.get(..length).unwrap_or_default().trim_ascii();
            at += length;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(':')) {
                let value = value.trim();
                if name.eq_ignore_ascii_case("content-type") {
                    part.content_type = Some(value.to_owned());
                } else if name.eq_ignore_ascii_case("content-id") {
                    part.content_id = Some(value.trim_matches(['<', '>']).to_owned());
                }
            }
        }
        let mut body = bytes.slice(at.min(bytes.len())..);
        for end in [b'\n', b'\r'] {
            if body.last() == Some(&end) {
                body.truncate(body.len() - 1);
            }
        }
        part.body = body;
        part
    }
}

/// The media type without parameters, in lower case: `Text/Plain; charset=utf-8` is `text/plain`.
pub fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A parameter of a media type, unquoted.
pub fn media_type_parameter(content_type: &str, name: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// The content identifier that a `session:` URI refers to (§6.2.7).
pub fn content_id_of_uri(uri: &str) -> Option<&str> {
    let (scheme, id) = uri.split_once(':')?;
    (scheme.eq_ignore_ascii_case("session") && !id.is_empty()).then_some(id)
}

/// The lines that are neither empty nor comments; RFC 2483 wants CRLF, clients send LF.
fn lines(body: &[u8]) -> Option<impl Iterator<Item = &str>> {
    let text = std::str::from_utf8(body).ok()?;
    Some(text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')))
}

/// `<uri>;weight="2.0"` (§9.5.1), or a bare URI as clients send it.
fn grammar_reference(line: &str, content_id: Option<&str>) -> Option<GrammarRef> {
    let Some(rest) = line.strip_prefix('<') else {
        return Some(reference(line, 1.0, content_id));
    };
    let (uri, parameters) = rest.split_once('>')?;
    let weight = match media_type_parameter(parameters, "weight") {
        Some(weight) => weight.parse().ok().filter(|weight: &f32| weight.is_finite() && *weight >= 0.0)?,
        None => 1.0,
    };
    (!uri.trim().is_empty()).then(|| reference(uri.trim(), weight, content_id))
}

fn reference(uri: &str, weight: f32, content_id: Option<&str>) -> GrammarRef {
    GrammarRef::Uri { uri: uri.to_owned(), weight, content_id: content_id.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uris(content_type: &str, body: &'static str) -> Option<Vec<(String, f32)>> {
        let refs = GrammarRef::list(content_type, None, &Bytes::from_static(body.as_bytes()))?;
        Some(
            refs.into_iter()
                .map(|grammar| match grammar {
                    GrammarRef::Uri { uri, weight, .. } => (uri, weight),
                    GrammarRef::Inline { content_id, .. } => (format!("inline {content_id:?}"), 0.0),
                })
                .collect(),
        )
    }

    #[test]
    fn a_uri_list_may_end_its_lines_in_lf_and_hold_comments() {
        let list = uris("text/uri-list", "# two\nbuiltin:speech/transcribe\nbuiltin:dtmf/digits").unwrap();
        assert_eq!(list, [("builtin:speech/transcribe".to_owned(), 1.0), ("builtin:dtmf/digits".to_owned(), 1.0)]);
    }

    #[test]
    fn the_lines_of_a_list_share_its_identifier() {
        let body = Bytes::from_static(b"builtin:grammar/digits\nbuiltin:dtmf/digits");
        let list = GrammarRef::list("text/uri-list", Some("digits"), &body).unwrap();
        let names: Vec<_> = list
            .iter()
            .map(|grammar| match grammar {
                GrammarRef::Uri { content_id, .. } | GrammarRef::Inline { content_id, .. } => content_id.as_deref(),
            })
            .collect();
        assert_eq!(names, [Some("digits"), Some("digits")]);
    }

    #[test]
    fn a_reference_list_has_weights() {
        let list = uris("text/grammar-ref-list", "<session:a@b>;weight=\"2.5\"\r\nbuiltin:dtmf/digits\r\n").unwrap();
        assert_eq!(list, [("session:a@b".to_owned(), 2.5), ("builtin:dtmf/digits".to_owned(), 1.0)]);
        assert_eq!(uris("text/grammar-ref-list", "<session:a>;weight=\"heavy\""), None);
    }

    #[test]
    fn an_empty_list_names_no_grammar() {
        assert_eq!(uris("text/uri-list", "\n# nothing\n"), None);
    }

    #[test]
    fn multipart_gives_the_grammars_of_its_parts_in_order() {
        let body = "preamble\r\n--b r\r\nContent-Type:text/uri-list\r\n\r\nbuiltin:dtmf/digits\r\n--b r\r\n\
                    Content-Type: application/srgs+xml\r\nContent-ID:<g@x>\r\n\r\n<grammar/>\r\n--b r--\r\nepilogue";
        let list = uris("multipart/mixed; boundary=\"b r\"", body).unwrap();
        assert_eq!(list, [("builtin:dtmf/digits".to_owned(), 1.0), ("inline Some(\"g@x\")".to_owned(), 0.0)]);
    }

    #[test]
    fn a_part_keeps_its_content_to_the_byte() {
        let body = Bytes::from_static(b"--x\nContent-Type: text/plain\n\na\r\n--xy\r\nb\r\n\r\n--x--");
        let parts = Part::split("multipart/mixed;boundary=x", &body).unwrap();
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].body, "a\r\n--xy\r\nb\r\n");
    }

    #[test]
    fn multipart_cut_anywhere_does_not_panic() {
        let body = Bytes::from_static(b"--x\r\nContent-Type: a/b\r\n\r\na\r\n--x\r\n\r\n\r\n--x--\r\n");
        for cut in testkit::every_truncation(&body) {
            let _ = Part::split("multipart/mixed;boundary=x", &Bytes::copy_from_slice(cut));
        }
    }
}
