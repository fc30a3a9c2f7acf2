//! The text of a document, in whatever encoding a peer sends it.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// How far into a document its own declaration of an encoding is looked for, in bytes.
const DECLARATION_BYTES: usize = 256;

/// The text of a body. A byte order mark counts first, then `charset` (of the Content-Type), then what the document
/// itself declares (`<?xml … encoding="…"?>` or `#ABNF 1.0 …;`), then UTF-16 as far as it shows; else it is UTF-8.
///
/// # Errors
/// A sentence when the encoding is not known or the bytes are not in it.
pub(crate) fn decode<'a>(body: &'a [u8], charset: Option<&str>) -> Result<Cow<'a, str>, String> {
    let (encoding, body) = match Encoding::for_bom(body) {
        Some((encoding, mark_bytes)) => (encoding, body.get(mark_bytes..).unwrap_or_default()),
        None => (encoding_of(body, charset)?, body),
    };
    if encoding == UTF_8 {
        return std::str::from_utf8(body)
            .map(Cow::Borrowed)
            .map_err(|error| format!("the document is not UTF-8 at byte {}", error.valid_up_to()));
    }
    encoding
        .decode_without_bom_handling_and_without_replacement(body)
        .ok_or_else(|| format!("the document is not {} throughout", encoding.name()))
}

/// The `charset` parameter of a Content-Type value.
pub(crate) fn charset(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut values = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    values.next().map(|(_, value)| value.trim().trim_matches(['"', '\'']))
}

fn encoding_of(body: &[u8], charset: Option<&str>) -> Result<&'static Encoding, String> {
    if let Some(name) = charset {
        return named(name);
    }
    match body {
        [0, b'<' | b'#', ..] => return Ok(UTF_16BE),
        [b'<' | b'#', 0, ..] => return Ok(UTF_16LE),
        _ => {}
    }
    match declared(body) {
        Some(name) => match named(&name)? {
            // Whoever wrote that the document is UTF-16 was right once; what can be read byte by byte is not.
            encoding if encoding == UTF_16BE || encoding == UTF_16LE => Ok(UTF_8),
            encoding => Ok(encoding),
        },
        None => Ok(UTF_8),
    }
}

fn named(name: &str) -> Result<&'static Encoding, String> {
    let name: String = name.chars().take(40).collect();
    Encoding::for_label(name.as_bytes()).ok_or_else(|| format!("the encoding {name:?} is not known"))
}

fn declared(body: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(body.get(..body.len().min(DECLARATION_BYTES)).unwrap_or_default()).into_owned();
    let head = head.trim_start();
    if let Some(rest) = head.strip_prefix("#ABNF") {
        let name = rest.split(';').next()?.split_whitespace().nth(1)?;
        return Some(name.to_owned());
    }
    let declaration = head.strip_prefix("<?xml")?.split("?>").next()?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split_once(quote).map(|(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frm_022_encodings_with_a_mark_or_a_declaration_are_decoded() {
        for (body, expected) in [
            (&b"\xef\xbb\xbf<a/>"[..], "<a/>"),
            (b"\xfe\xff\0<\0a\0/\0>", "<a/>"),
            (b"\xff\xfe<\0a\0/\0>\0", "<a/>"),
            (b"\0<\0a\0/\0>", "<a/>"),
            (b"<\0a\0/\0>\0", "<a/>"),
            (b"<?xml version='1.0' encoding='ISO-8859-1'?>\xe9", "<?xml version='1.0' encoding='ISO-8859-1'?>é"),
            (b"<?xml encoding = \"gb2312\"?>\xd6\xd0", "<?xml encoding = \"gb2312\"?>中"),
            (b"#ABNF 1.0 GBK;\xd6\xd0", "#ABNF 1.0 GBK;中"),
            (b"#ABNF 1.0;\xe4\xb8\xad", "#ABNF 1.0;中"),
        ] {
            assert_eq!(decode(body, None).as_deref(), Ok(expected), "{body:?}");
        }
    }

    #[test]
    fn frm_022_the_content_type_counts_before_the_declaration() {
        assert_eq!(charset("application/srgs+xml; charset=\"Big5\""), Some("Big5"));
        assert_eq!(decode(b"\xa4\xa4", Some("big5")).as_deref(), Ok("中"));
    }

    #[test]
    fn what_is_not_in_its_encoding_is_refused() {
        assert!(decode(b"<a>\xe9</a>", None).is_err());
        assert!(decode(b"<a/>", Some("klingon")).is_err());
        assert!(decode(b"\xff\xfe<\0a", None).is_err());
    }
}
