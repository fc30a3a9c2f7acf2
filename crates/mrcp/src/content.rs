//! Bodies: media types, URI lists and multipart (RFC 6787 §6.2.6–6.2.8, §9.5.1; RFC 2483, RFC 2046).

use bytes::Bytes;

use crate::content_coding::{CodingError, decode};
use crate::{HeaderName, Request};

/// More references or parts than this are refused: stock clients send one or two.
const PARTS_MAX: usize = 64;

/// A body, or a part of one, with the headers that describe it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entity {
    /// `Content-Type`, as sent.
    pub content_type: Option<String>,
    /// `Content-ID`, without angle brackets.
    pub content_id: Option<String>,
    /// `Content-Base`, else an absolute `Content-Location`, else what holds for the entity around it: what relative URIs
    /// inside are relative to.
    pub base: Option<String>,
    /// `Content-Location`, as sent.
    pub location: Option<String>,
    /// `Content-Encoding`, as sent; empty when nothing has to be undone.
    pub encoding: String,
    /// The content.
    pub body: Bytes,
}

/// Why a body cannot be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentError {
    /// The content coding cannot be undone: 408.
    Coding(CodingError),
    /// The body is broken, empty or has too many parts.
    Malformed,
}

impl Entity {
    /// The body of a request, still encoded.
    pub fn of(request: &Request) -> Self {
        let mut entity = Self { body: request.body.clone(), ..Self::default() };
        for header in request.headers.iter() {
            entity.describe(&header.name, &header.value);
        }
        entity.settle(None);
        entity
    }

    /// The same entity with its content codings undone; none of them may yield more than `bytes_max` bytes.
    ///
    /// # Errors
    /// `Coding`.
    pub fn decoded(mut self, bytes_max: usize) -> Result<Self, ContentError> {
        if !self.encoding.is_empty() {
            self.body = decode(&self.encoding, &self.body, bytes_max).map_err(ContentError::Coding)?;
            self.encoding.clear();
        }
        Ok(self)
    }

    /// The entities of a `multipart/mixed` body in order, decoded; another one itself. Parts inherit the base.
    ///
    /// # Errors
    /// `Malformed` for multipart that is broken or nested, `Coding`.
    pub fn parts(self, bytes_max: usize) -> Result<Vec<Self>, ContentError> {
        let whole = self.decoded(bytes_max)?;
        let content_type = whole.content_type.as_deref().unwrap_or_default();
        if media_type(content_type) != "multipart/mixed" {
            return Ok(vec![whole]);
        }
        let parts = Self::split(content_type, &whole.body).ok_or(ContentError::Malformed)?;
        parts
            .into_iter()
            .map(|mut part| {
                if media_type(part.content_type.as_deref().unwrap_or_default()) == "multipart/mixed" {
                    return Err(ContentError::Malformed);
                }
                part.settle(whole.base.as_deref());
                part.decoded(bytes_max)
            })
            .collect()
    }

    fn describe(&mut self, name: &HeaderName, value: &str) {
        let value = value.trim();
        match name {
            _ if value.is_empty() => {}
            HeaderName::ContentType => self.content_type = Some(value.to_owned()),
            HeaderName::ContentId => {
                let bare = value.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(value).trim();
                self.content_id = (!bare.is_empty()).then(|| bare.to_owned());
            }
            HeaderName::ContentBase => self.base = Some(value.to_owned()),
            HeaderName::ContentLocation => self.location = Some(value.to_owned()),
            HeaderName::ContentEncoding if self.encoding.is_empty() => self.encoding = value.to_owned(),
            HeaderName::ContentEncoding => self.encoding = format!("{}, {value}", self.encoding),
            _ => {}
        }
    }

    /// Finds the base once all headers are known (RFC 2616 §14.14; RFC 6787 §6.2.8).
    fn settle(&mut self, outer: Option<&str>) {
        if self.base.is_none() {
            let location = self.location.as_deref().filter(|location| is_absolute(location));
            self.base = location.or(outer).map(str::to_owned);
        }
    }

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
        let mut part = Self::default();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |lf| lf + 1);
            let line = rest.get(..length).unwrap_or_default().trim_ascii();
            at += length;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(':')) {
                part.describe(&HeaderName::from_token(name.trim()), value);
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

/// One grammar that a DEFINE-GRAMMAR or RECOGNIZE names or carries.
#[derive(Debug, Clone, PartialEq)]
pub enum GrammarRef {
    /// A line of `text/uri-list` or `text/grammar-ref-list`: a `builtin:`, `session:`, `http(s):` … URI. A line is kept
    /// whole even when it has white space in it, which clients send though a URI has none.
    Uri {
        /// The URI, perhaps relative.
        uri: String,
        /// What it is relative to.
        base: Option<String>,
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
        /// What relative URIs in it are relative to.
        base: Option<String>,
        /// The grammar document.
        body: Bytes,
    },
}

impl GrammarRef {
    /// The grammars in a body. Whether the type of an inline grammar is supported is not looked at.
    ///
    /// # Errors
    /// `Malformed` when a list is empty or too long, is not UTF-8, or a multipart body is broken; `Coding`, which may yield
    /// `bytes_max` bytes at most.
    pub fn list(entity: Entity, bytes_max: usize) -> Result<Vec<Self>, ContentError> {
        let mut refs = Vec::new();
        for part in entity.parts(bytes_max)? {
            refs.extend(Self::of_part(part).ok_or(ContentError::Malformed)?);
        }
        if (1..=PARTS_MAX).contains(&refs.len()) { Ok(refs) } else { Err(ContentError::Malformed) }
    }

    fn of_part(part: Entity) -> Option<Vec<Self>> {
        let content_type = part.content_type.unwrap_or_else(|| "text/plain".to_owned());
        let content_id = part.content_id;
        let reference = |uri: &str, weight| Self::Uri {
            uri: uri.to_owned(),
            base: part.base.clone(),
            weight,
            content_id: content_id.clone(),
        };
        match media_type(&content_type).as_str() {
            "text/uri-list" => Some(lines(&part.body)?.map(|uri| reference(uri, 1.0)).collect()),
            "text/grammar-ref-list" => {
                lines(&part.body)?.map(|line| weighted(line).map(|(uri, weight)| reference(uri, weight))).collect()
            }
            _ => Some(vec![Self::Inline { content_type, content_id, base: part.base, body: part.body }]),
        }
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

/// `<uri>;weight="2.0"` (§13.5.1), or a bare URI as clients send it; parameters that are not known are left out.
fn weighted(line: &str) -> Option<(&str, f32)> {
    let Some(rest) = line.strip_prefix('<') else {
        return Some((line, 1.0));
    };
    let (uri, parameters) = rest.split_once('>')?;
    let weight = match media_type_parameter(parameters, "weight") {
        Some(weight) => weight.parse().ok().filter(|weight: &f32| weight.is_finite() && *weight >= 0.0)?,
        None => 1.0,
    };
    let uri = uri.trim();
    (!uri.is_empty()).then_some((uri, weight))
}

/// Whether a URI has a scheme.
fn is_absolute(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(content_type: &str, content_id: Option<&str>, body: &'static str) -> Entity {
        Entity {
            content_type: Some(content_type.to_owned()),
            content_id: content_id.map(str::to_owned),
            body: Bytes::from_static(body.as_bytes()),
            ..Entity::default()
        }
    }

    fn uris(content_type: &str, body: &'static str) -> Option<Vec<(String, f32)>> {
        let refs = GrammarRef::list(entity(content_type, None, body), 10_000).ok()?;
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
    fn int_002_a_uri_list_may_end_its_lines_in_lf_and_hold_comments() {
        let list = uris("text/uri-list", "# two\nbuiltin:speech/transcribe\nbuiltin:dtmf/digits").unwrap();
        assert_eq!(list, [("builtin:speech/transcribe".to_owned(), 1.0), ("builtin:dtmf/digits".to_owned(), 1.0)]);
    }

    #[test]
    fn the_lines_of_a_list_share_its_identifier() {
        let body = "builtin:grammar/digits\nbuiltin:dtmf/digits";
        let list = GrammarRef::list(entity("text/uri-list", Some("digits"), body), 10_000).unwrap();
        let names: Vec<_> = list
            .iter()
            .map(|grammar| match grammar {
                GrammarRef::Uri { content_id, .. } | GrammarRef::Inline { content_id, .. } => content_id.as_deref(),
            })
            .collect();
        assert_eq!(names, [Some("digits"), Some("digits")]);
    }

    #[test]
    fn grm_010_grm_011_a_reference_list_has_weights_and_unknown_parameters_and_a_uri_list_has_none() {
        let body = "<session:a@b>;weight=\"2.5\"\r\n<http://x/%3E>;lang=\"en\";weight=0.85\r\nbuiltin:dtmf/digits\r\n";
        let list = uris("text/grammar-ref-list", body).unwrap();
        let expected = [("session:a@b", 2.5), ("http://x/%3E", 0.85), ("builtin:dtmf/digits", 1.0)];
        assert_eq!(list, expected.map(|(uri, weight)| (uri.to_owned(), weight)));
        assert_eq!(uris("text/grammar-ref-list", "<session:a>;weight=\"heavy\""), None);
        let plain = uris("text/uri-list", "http://x/g;weight=2").unwrap();
        assert_eq!(plain, [("http://x/g;weight=2".to_owned(), 1.0)]);
    }

    #[test]
    fn int_007_a_reference_list_may_have_bare_lines_that_end_in_lf() {
        let list =
            uris("text/grammar-ref-list", "<builtin:grammar/digits>\n<http://x/g.grxml>;weight=\"0.5\"\n").unwrap();
        assert_eq!(list, [("builtin:grammar/digits".to_owned(), 1.0), ("http://x/g.grxml".to_owned(), 0.5)]);
    }

    #[test]
    fn an_empty_list_names_no_grammar() {
        assert_eq!(uris("text/uri-list", "\n# nothing\n"), None);
    }

    #[test]
    fn grm_012_ghf_010_multipart_gives_the_grammars_of_its_parts_in_order() {
        let body = "preamble\r\n--b r\r\nContent-Type:text/uri-list\r\n\r\nbuiltin:dtmf/digits\r\n--b r\r\n\
                    Content-Type: application/srgs+xml\r\nContent-ID:<g@x>\r\n\r\n<grammar/>\r\n--b r--\r\nepilogue";
        let list = uris("multipart/mixed; boundary=\"b r\"", body).unwrap();
        assert_eq!(list, [("builtin:dtmf/digits".to_owned(), 1.0), ("inline Some(\"g@x\")".to_owned(), 0.0)]);
    }

    #[test]
    fn ghf_013_a_part_inherits_the_base_unless_it_has_its_own() {
        let body = "--x\r\nContent-Type: text/uri-list\r\n\r\na.grxml\r\n--x\r\nContent-Type: text/uri-list\r\n\
                    Content-Base: http://inner/\r\n\r\nb.grxml\r\n--x\r\nContent-Type: text/uri-list\r\n\
                    Content-Location: http://there/dir/list\r\n\r\nc.grxml\r\n--x--";
        let mut whole = entity("multipart/mixed;boundary=x", None, body);
        whole.base = Some("http://outer/".to_owned());
        let bases: Vec<_> = GrammarRef::list(whole, 10_000)
            .unwrap()
            .into_iter()
            .map(|grammar| match grammar {
                GrammarRef::Uri { base, .. } | GrammarRef::Inline { base, .. } => base.unwrap(),
            })
            .collect();
        assert_eq!(bases, ["http://outer/", "http://inner/", "http://there/dir/list"]);
    }

    #[test]
    fn ghf_014_an_unknown_coding_of_a_part_is_told() {
        let body = "--x\r\nContent-Type: text/uri-list\r\nContent-Encoding: br\r\n\r\na\r\n--x--";
        let refused = GrammarRef::list(entity("multipart/mixed;boundary=x", None, body), 10_000);
        assert_eq!(refused, Err(ContentError::Coding(CodingError::Unknown)));
    }

    #[test]
    fn a_part_keeps_its_content_to_the_byte() {
        let body = Bytes::from_static(b"--x\nContent-Type: text/plain\n\na\r\n--xy\r\nb\r\n\r\n--x--");
        let parts = Entity::split("multipart/mixed;boundary=x", &body).unwrap();
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].body, "a\r\n--xy\r\nb\r\n");
    }

    #[test]
    fn multipart_cut_anywhere_does_not_panic() {
        let body = Bytes::from_static(b"--x\r\nContent-Type: a/b\r\n\r\na\r\n--x\r\n\r\n\r\n--x--\r\n");
        for cut in testkit::every_truncation(&body) {
            let _ = Entity::split("multipart/mixed;boundary=x", &Bytes::copy_from_slice(cut));
        }
    }
}
