//! XML as peers send it, read safely: limits on size and depth, no DTD, no entities beyond the five of XML.

use std::borrow::Cow;

use roxmltree::{Document, Node, ParsingOptions};

use crate::encoding;

/// Bytes of a document.
pub(crate) const BYTES_MAX: usize = 256 * 1024;
/// Elements, attributes and texts of a document.
const NODES_MAX: u32 = 40_000;
/// Elements inside elements.
const DEPTH_MAX: usize = 64;

/// Why a document cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XmlError {
    pub(crate) message: String,
    pub(crate) position: Option<(u32, u32)>,
    pub(crate) too_large: bool,
}

impl XmlError {
    fn syntax(message: impl Into<String>) -> Self {
        Self { message: message.into(), position: None, too_large: false }
    }

    fn too_large(message: impl Into<String>) -> Self {
        Self { message: message.into(), position: None, too_large: true }
    }
}

/// The text of a body, in any encoding that it declares.
pub(crate) fn decode(body: &[u8]) -> Result<Cow<'_, str>, XmlError> {
    if body.len() > BYTES_MAX {
        return Err(XmlError::too_large(format!("the document has {} bytes, {BYTES_MAX} are allowed", body.len())));
    }
    encoding::decode(body, None).map_err(XmlError::syntax)
}

/// The same text without a document type declaration, blanked so that positions stay. A declaration with an internal
/// subset is refused: it could define entities.
pub(crate) fn without_doctype(text: &str) -> Result<Cow<'_, str>, XmlError> {
    let Some(start) = text.find("<!DOCTYPE") else { return Ok(Cow::Borrowed(text)) };
    // In content or a comment the words mean nothing to us; the parser judges those.
    if text.get(..start).is_none_or(|before| !is_prolog(before)) {
        return Ok(Cow::Borrowed(text));
    }
    let rest = text.get(start..).unwrap_or_default();
    let mut quote = None;
    let mut end = None;
    for (at, c) in rest.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[') => return Err(XmlError::syntax("a document type with an internal subset is not accepted")),
            (None, '>') => {
                end = Some(start + at + 1);
                break;
            }
            (None, _) => {}
        }
    }
    let Some(end) = end else { return Err(XmlError::syntax("the document type declaration does not end")) };
    let mut out = String::with_capacity(text.len());
    out.push_str(text.get(..start).unwrap_or_default());
    out.extend(text.get(start..end).unwrap_or_default().chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
    out.push_str(text.get(end..).unwrap_or_default());
    Ok(Cow::Owned(out))
}

/// Whether only the XML declaration, comments, processing instructions and white space stand in `before`.
fn is_prolog(mut before: &str) -> bool {
    loop {
        before = before.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let close = if before.starts_with("<!--") {
            "-->"
        } else if before.starts_with("<?") {
            "?>"
        } else {
            return before.is_empty();
        };
        match before.split_once(close) {
            Some((_, rest)) => before = rest,
            None => return false,
        }
    }
}

/// Parses a document whose type declaration, if any, was taken out by [`without_doctype`].
pub(crate) fn parse(text: &str) -> Result<Document<'_>, XmlError> {
    parse_up_to(text, NODES_MAX)
}

/// The same, with another limit on elements, attributes and texts.
pub(crate) fn parse_up_to(text: &str, nodes_max: u32) -> Result<Document<'_>, XmlError> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: nodes_max, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| {
        let position = error.pos();
        XmlError {
            too_large: matches!(error, roxmltree::Error::NodesLimitReached),
            position: Some((position.row, position.col)),
            message: without_position(&error.to_string()),
        }
    })?;
    if depth_exceeds(&document) {
        return Err(XmlError::too_large(format!("elements are nested more than {DEPTH_MAX} deep")));
    }
    Ok(document)
}

/// The parser ends its messages with ` at ROW:COL`; the position is told apart.
fn without_position(message: &str) -> String {
    match message.rsplit_once(" at ") {
        Some((head, tail)) if tail.chars().all(|c| c.is_ascii_digit() || c == ':') => head.to_owned(),
        _ => message.to_owned(),
    }
}

fn depth_exceeds(document: &Document<'_>) -> bool {
    let mut depth = 0usize;
    let mut open: Vec<Node<'_, '_>> = Vec::new();
    for node in document.root().descendants().filter(Node::is_element) {
        while open.last().is_some_and(|last| node.parent() != Some(*last)) {
            open.pop();
        }
        open.push(node);
        depth = depth.max(open.len());
    }
    depth > DEPTH_MAX
}

/// The value of `xml:lang` at this element itself.
pub(crate) fn lang<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    node.attribute(("http://www.w3.org/XML/1998/namespace", "lang"))
}

/// The value of `xml:base` at this element itself.
pub(crate) fn base<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    node.attribute(("http://www.w3.org/XML/1998/namespace", "base"))
}

/// Writes text so that it stands for itself in content and in a double-quoted attribute. Characters that XML 1.0 cannot
/// hold become spaces.
pub(crate) fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // A reader folds these when they stand there themselves.
            '\r' => out.push_str("&#13;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_document_type_is_ignored_and_positions_stay() {
        let text = "<?xml version=\"1.0\"?>\n<!-- > -->\n<!DOCTYPE a PUBLIC \"-//X>\"\n 'http://x'>\n<a>&bad;</a>";
        let clean = without_doctype(text).unwrap();
        let error = parse(&clean).unwrap_err();
        assert_eq!(error.position, Some((5, 4)));
    }

    #[test]
    fn entity_definitions_are_refused() {
        assert!(without_doctype("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>").is_err());
        assert!(without_doctype("<!DOCTYPE a").is_err());
    }

    #[test]
    fn a_doctype_in_content_is_left_to_the_parser() {
        assert!(parse(&without_doctype("<a><!DOCTYPE b></a>").unwrap()).is_err());
    }

    #[test]
    fn nesting_is_limited() {
        let deep = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
        assert!(parse(&deep(DEPTH_MAX)).is_ok());
        assert!(parse(&deep(DEPTH_MAX + 1)).unwrap_err().too_large);
    }

    #[test]
    fn a_document_over_the_limit_is_refused() {
        assert!(decode(&vec![b' '; BYTES_MAX + 1]).unwrap_err().too_large);
    }
}
