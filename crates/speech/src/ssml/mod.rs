//! SSML 1.0/1.1, plain text and URI lists as segments to be spoken.
//!
//! What changes the words, the pauses, the voice or the sound is honoured; what only hints at how to read
//! (`emphasis`, `phoneme`, most of `say-as`) leaves its words to the voice. Elements that are not known are passed through:
//! their words are spoken.

use roxmltree::Node;

use crate::{
    DialogReplyUri, Gender, Language, Prosody, Segment, SpeechDocument, SpeechMarkupError, SpeechMarkupErrorKind,
    prosody, say_as, text, xml,
};

/// Segments of one body.
const SEGMENTS_MAX: usize = 2_000;
/// Characters of all texts of one body: about two hours of speech.
const CHARS_MAX: usize = 100_000;
/// The longest silence, in milliseconds.
const BREAK_MS_MAX: u32 = 60_000;

/// What a synthesizer has of SSML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// All of it: `speechsynth`.
    Full,
    /// What clips can say: `basicsynth` (RFC 6787, section 3.1).
    Basic,
}

/// What [`Profile::Basic`] has: the four elements that the RFC names, those that have no voice, and pauses.
const BASIC: [&str; 10] = ["speak", "audio", "say-as", "mark", "p", "s", "break", "desc", "meta", "metadata"];

pub(crate) fn document(content_type: &str, body: &[u8], profile: Profile) -> Result<SpeechDocument, SpeechMarkupError> {
    if body.len() > xml::BYTES_MAX {
        let message = format!("the body has {} bytes, {} are allowed", body.len(), xml::BYTES_MAX);
        return Err(error(SpeechMarkupErrorKind::TooLarge, message));
    }
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "" | "text/plain" => plain(body, profile),
        "application/ssml+xml" | "application/synthesis+ssml" | "application/xml" | "text/xml" => markup(body, profile),
        "text/uri-list" => uri_list(body).map(unmarked),
        other => {
            let message =
                format!("{other:?} is not a type of speech that is supported, use application/ssml+xml or text/plain");
            Err(error(SpeechMarkupErrorKind::UnsupportedMediaType, message))
        }
    }
}

fn error(kind: SpeechMarkupErrorKind, message: impl Into<String>) -> SpeechMarkupError {
    SpeechMarkupError { kind, message: message.into(), position: None }
}

fn xml_error(fault: xml::XmlError) -> SpeechMarkupError {
    let kind = if fault.too_large { SpeechMarkupErrorKind::TooLarge } else { SpeechMarkupErrorKind::Syntax };
    SpeechMarkupError { kind, message: fault.message, position: fault.position }
}

fn dialog_reply(uri: &str) -> Result<Segment, SpeechMarkupError> {
    let reply = DialogReplyUri::parse(uri).map_err(|fault| error(SpeechMarkupErrorKind::Uri, fault.message))?;
    Ok(Segment::DialogReply(reply))
}

fn unmarked(segments: Vec<Segment>) -> SpeechDocument {
    SpeechDocument { segments, ..SpeechDocument::default() }
}

/// Bytes that are no UTF-8 are left out: the rest can be spoken.
fn plain(body: &[u8], profile: Profile) -> Result<SpeechDocument, SpeechMarkupError> {
    let decoded = String::from_utf8_lossy(body);
    let trimmed = decoded.trim_start_matches('\u{feff}').trim();
    if DialogReplyUri::is_meant_by(trimmed) {
        return Ok(unmarked(vec![dialog_reply(trimmed)?]));
    }
    if trimmed.starts_with("<speak") || (trimmed.starts_with("<?xml") && trimmed.contains("<speak")) {
        return markup(body, profile);
    }
    let mut builder = Builder::default();
    for paragraph in trimmed.split("\n\n") {
        builder.text(paragraph, &Voice::default())?;
        builder.end_text();
    }
    builder.finish().map(unmarked)
}

fn uri_list(body: &[u8]) -> Result<Vec<Segment>, SpeechMarkupError> {
    let decoded = String::from_utf8_lossy(body);
    let mut builder = Builder::default();
    let lines = decoded.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for uri in lines {
        if DialogReplyUri::is_meant_by(uri) {
            builder.push(dialog_reply(uri)?)?;
        } else if uri.contains(':') && !uri.contains(char::is_whitespace) {
            builder.push(Segment::Audio { src: uri.to_owned(), fallback: Vec::new() })?;
        } else {
            let excerpt: String = uri.chars().take(60).collect();
            return Err(error(SpeechMarkupErrorKind::Uri, format!("{excerpt:?} is not a URI")));
        }
    }
    builder.finish()
}

/// Reads SSML; when it is not well formed, once more with broken references repaired. FreeSWITCH rewrites `#` to
/// "pound" and `*` to "star" in all that it speaks, so `&#22909;` arrives as `&pound22909;`; and dialplans put names
/// with a bare `&` between tags. When that does not help, the fault of the original is told.
fn markup(body: &[u8], profile: Profile) -> Result<SpeechDocument, SpeechMarkupError> {
    let decoded = xml::decode(body).map_err(xml_error)?;
    let document = xml::without_doctype(decoded.trim_start()).map_err(xml_error)?;
    match xml::parse(&document) {
        Ok(parsed) => speak(parsed.root_element(), profile),
        Err(fault) if fault.too_large => Err(xml_error(fault)),
        Err(fault) => {
            let repaired = repair_references(&document);
            match xml::parse(&repaired) {
                Ok(parsed) => speak(parsed.root_element(), profile),
                Err(_) => Err(xml_error(fault)),
            }
        }
    }
}

/// Characters of HTML that people put into SSML.
const HTML_ENTITIES: [(&str, &str); 14] = [
    ("nbsp", " "),
    ("pound", "£"),
    ("euro", "€"),
    ("copy", "©"),
    ("reg", "®"),
    ("deg", "°"),
    ("ndash", "–"),
    ("mdash", "—"),
    ("hellip", "…"),
    ("lsquo", "‘"),
    ("rsquo", "’"),
    ("ldquo", "“"),
    ("rdquo", "”"),
    ("eacute", "é"),
];

/// The same document with every `&` part of a reference that XML knows.
fn repair_references(document: &str) -> String {
    let mut out = String::with_capacity(document.len() + 16);
    let mut rest = document;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        rest = after;
        let name_end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '#').unwrap_or(after.len());
        let name = after.get(..name_end).unwrap_or_default();
        let tail = after.get(name_end..).unwrap_or_default();
        let Some(tail) = tail.strip_prefix(';') else {
            out.push_str("&amp;");
            continue;
        };
        if matches!(name, "amp" | "lt" | "gt" | "quot" | "apos") {
            out.push('&');
        } else if let Some(c) = character_reference(name) {
            xml::escape_into(&mut out, c.encode_utf8(&mut [0; 4]));
            rest = tail;
        } else if let Some((_, text)) = HTML_ENTITIES.iter().find(|(entity, _)| *entity == name) {
            out.push_str(text);
            rest = tail;
        } else {
            out.push_str("&amp;");
        }
    }
    out.push_str(rest);
    out
}

/// `#22909`, `#x597d`, and the same with the `#` spelled out.
fn character_reference(name: &str) -> Option<char> {
    let number = name.strip_prefix('#').or_else(|| name.strip_prefix("pound"))?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}

/// How the words at one place are to be spoken.
#[derive(Debug, Clone, Default, PartialEq)]
struct Voice {
    language: Option<Language>,
    name: Option<String>,
    gender: Option<Gender>,
    prosody: Prosody,
}

/// Collects segments; texts that are spoken alike and stand side by side are one.
#[derive(Default)]
struct Builder {
    segments: Vec<Segment>,
    chars: usize,
    /// Whether a further text may be appended to the last segment.
    text_is_open: bool,
}

impl Builder {
    fn push(&mut self, segment: Segment) -> Result<(), SpeechMarkupError> {
        if self.segments.len() >= SEGMENTS_MAX {
            return Err(error(SpeechMarkupErrorKind::TooLarge, format!("there are more than {SEGMENTS_MAX} segments")));
        }
        self.segments.push(segment);
        self.text_is_open = false;
        Ok(())
    }

    fn text(&mut self, words: &str, voice: &Voice) -> Result<(), SpeechMarkupError> {
        self.chars = self.chars.saturating_add(words.chars().count());
        if self.chars > CHARS_MAX {
            return Err(error(
                SpeechMarkupErrorKind::TooLarge,
                format!("there are more than {CHARS_MAX} characters to speak"),
            ));
        }
        if words.is_empty() {
            return Ok(());
        }
        if self.text_is_open
            && let Some(Segment::Text { text, language, voice: name, gender, prosody }) = self.segments.last_mut()
            && *language == voice.language
            && *name == voice.name
            && *gender == voice.gender
            && *prosody == voice.prosody
        {
            text.push_str(words);
            return Ok(());
        }
        self.push(Segment::Text {
            text: words.to_owned(),
            language: voice.language,
            voice: voice.name.clone(),
            gender: voice.gender,
            prosody: voice.prosody,
        })?;
        self.text_is_open = true;
        Ok(())
    }

    /// A sentence or paragraph ends here.
    fn end_text(&mut self) {
        self.text_is_open = false;
    }

    /// The segments, white space collapsed, those without anything to say left out.
    fn finish(self) -> Result<Vec<Segment>, SpeechMarkupError> {
        let mut segments = Vec::with_capacity(self.segments.len());
        for mut segment in self.segments {
            if let Segment::Text { text, .. } = &mut segment {
                *text = text::collapse_space(text);
                if !text.chars().any(is_spoken) {
                    continue;
                }
            }
            segments.push(segment);
        }
        Ok(segments)
    }
}

/// Marks alone are nothing to say, but signs such as % and + are.
fn is_spoken(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '%' | '+' | '=' | '&' | '@' | '$' | '€' | '£' | '¥' | '°' | '*' | '#')
}

fn speak(root: Node<'_, '_>, profile: Profile) -> Result<SpeechDocument, SpeechMarkupError> {
    if root.tag_name().name() != "speak" {
        let message = format!("the root element is {:?}, not speak", root.tag_name().name());
        return Err(error(SpeechMarkupErrorKind::Syntax, message));
    }
    let mut own = root.descendants().filter(|node| node.is_element() && in_metadata(*node).is_none());
    if profile == Profile::Basic
        && let Some(element) = own.find(|element| !BASIC.contains(&element.tag_name().name()))
    {
        let place = element.document().text_pos_at(element.range().start);
        return Err(SpeechMarkupError {
            kind: SpeechMarkupErrorKind::Syntax,
            message: format!("basicsynth has no <{}>", element.tag_name().name()),
            position: Some((place.row, place.col)),
        });
    }
    let mut builder = Builder::default();
    content(root, &with_language(root, Voice::default()), &mut builder)?;
    let lexicons = root
        .children()
        .filter(|child| child.is_element() && child.tag_name().name() == "lexicon")
        .filter_map(|lexicon| lexicon.attribute("uri").map(str::trim).filter(|uri| !uri.is_empty()).map(str::to_owned))
        .collect();
    let base = xml::base(root).map(str::to_owned);
    Ok(SpeechDocument { segments: builder.finish()?, is_markup: true, lexicons, base })
}

/// The `metadata` around a node, whose content is of any kind.
fn in_metadata<'a, 'input>(node: Node<'a, 'input>) -> Option<Node<'a, 'input>> {
    node.ancestors().skip(1).find(|around| around.tag_name().name() == "metadata")
}

/// Languages that are not served are read with the voice that speaks anyway: better than silence.
fn with_language(element: Node<'_, '_>, voice: Voice) -> Voice {
    let tag = xml::lang(element).or_else(|| element.attribute("lang"));
    match tag.and_then(Language::from_tag) {
        Some(language) if Some(language) != voice.language => Voice { language: Some(language), ..voice },
        _ => voice,
    }
}

fn content(parent: Node<'_, '_>, voice: &Voice, builder: &mut Builder) -> Result<(), SpeechMarkupError> {
    for child in parent.children() {
        if child.is_text() {
            builder.text(child.text().unwrap_or_default(), voice)?;
        } else if child.is_element() {
            element(child, voice, builder)?;
        }
    }
    Ok(())
}

fn element(element: Node<'_, '_>, voice: &Voice, builder: &mut Builder) -> Result<(), SpeechMarkupError> {
    match element.tag_name().name() {
        "p" | "s" | "paragraph" | "sentence" => {
            builder.end_text();
            content(element, &with_language(element, voice.clone()), builder)?;
            builder.end_text();
            Ok(())
        }
        "break" => match break_ms(element) {
            0 => Ok(()),
            ms => builder.push(Segment::Break { ms }),
        },
        "mark" => match element.attribute("name") {
            Some(name) => builder.push(Segment::Mark { name: name.to_owned() }),
            None => Ok(()),
        },
        "voice" => content(element, &voice_of(element, voice.clone()), builder),
        "prosody" => {
            let prosody = prosody_of(element, voice.prosody);
            content(element, &Voice { prosody, ..voice.clone() }, builder)
        }
        "sub" => match element.attribute("alias") {
            Some(alias) => builder.text(alias, voice),
            None => content(element, voice, builder),
        },
        "say-as" => {
            let words: String = element.descendants().filter(Node::is_text).filter_map(|text| text.text()).collect();
            let kind = element.attribute("interpret-as").or_else(|| element.attribute("type")).unwrap_or_default();
            let format = element.attribute("format").unwrap_or_default();
            builder.text(&say_as::read(kind, format, &words, voice.language), voice)
        }
        "audio" => audio(element, voice, builder),
        "lexicon" | "meta" | "metadata" | "desc" => Ok(()),
        // emphasis, phoneme, w, token, lang, and what is not known.
        _ => content(element, &with_language(element, voice.clone()), builder),
    }
}

fn audio(element: Node<'_, '_>, voice: &Voice, builder: &mut Builder) -> Result<(), SpeechMarkupError> {
    let Some(src) = element.attribute("src").map(str::trim).filter(|src| !src.is_empty()) else {
        return content(element, voice, builder);
    };
    if DialogReplyUri::is_meant_by(src) {
        return builder.push(dialog_reply(src)?);
    }
    let mut inner = Builder { chars: builder.chars, ..Builder::default() };
    content(element, voice, &mut inner)?;
    builder.chars = inner.chars;
    let fallback = inner.finish()?;
    builder.push(Segment::Audio { src: src.to_owned(), fallback })
}

fn voice_of(element: Node<'_, '_>, voice: Voice) -> Voice {
    let voice = with_language(element, voice);
    let name = element.attribute("name").map(text::collapse_space).filter(|names| !names.is_empty());
    let gender = match element.attribute("gender").map(str::trim) {
        Some("female") => Some(Gender::Female),
        Some("male") => Some(Gender::Male),
        _ => None,
    };
    match (name, gender) {
        (None, None) => voice,
        (name, gender) => Voice { name, gender, ..voice },
    }
}

fn prosody_of(element: Node<'_, '_>, outer: Prosody) -> Prosody {
    let factor = |name: &str, parse: fn(&str) -> Option<f32>| element.attribute(name).and_then(parse).unwrap_or(1.0);
    outer.and(Prosody {
        rate: factor("rate", prosody::rate),
        pitch: factor("pitch", prosody::pitch),
        volume: factor("volume", prosody::volume),
    })
}

/// Silence as `time` or `strength` ask; a value that cannot be read counts as not given.
fn break_ms(element: Node<'_, '_>) -> u32 {
    if let Some(ms) = element.attribute("time").and_then(duration_ms) {
        return ms;
    }
    match element.attribute("strength").map(str::trim) {
        Some("none") => 0,
        Some("x-weak") => 100,
        Some("weak") => 200,
        Some("strong") => 700,
        Some("x-strong") => 1_000,
        _ => 400,
    }
}

/// `250ms`, `1.5s`, with an optional plus sign.
fn duration_ms(text: &str) -> Option<u32> {
    let text = text.trim().trim_start_matches('+');
    let (number, factor) = match text.strip_suffix("ms") {
        Some(number) => (number, 1.0),
        None => (text.strip_suffix('s')?, 1_000.0),
    };
    let ms = number.trim().parse::<f64>().ok()? * factor;
    if !ms.is_finite() || ms < 0.0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range")]
    let ms = ms.round().min(f64::from(BREAK_MS_MAX)) as u32;
    Some(ms)
}

#[cfg(test)]
mod tests;
