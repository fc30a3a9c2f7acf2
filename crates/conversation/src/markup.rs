//! Clauses that come as SSML: what is said of them in words, and the document that says it.

use speech::{Language, Segment};

/// Something to say that is more than words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Markup {
    /// What is heard, in words.
    pub(crate) text: String,
    /// A whole SSML document that says it; `None`: the words are all there is.
    pub(crate) document: Option<String>,
}

impl Markup {
    /// The content of a `<speak>` element. What cannot be read as such is the text that it contains.
    pub(crate) fn read(ssml: &str, language: Language) -> Self {
        let document = wrapped(ssml, language);
        match speech::document("application/ssml+xml", document.as_bytes()) {
            Ok(read) if read.segments.iter().all(is_own) => {
                let mut text = String::new();
                push_words(&read.segments, &mut text);
                Self { text, document: Some(document) }
            }
            Ok(_) | Err(_) => Self { text: without_tags(ssml), document: None },
        }
    }

    /// A recording, and what it says.
    pub(crate) fn recording(uri: &str, text: &str, language: Language) -> Self {
        let audio = format!("<audio src=\"{}\">{}</audio>", escaped(uri), escaped(text));
        Self { text: text.trim().to_owned(), document: Some(wrapped(&audio, language)) }
    }
}

fn wrapped(content: &str, language: Language) -> String {
    format!(
        "<speak version=\"1.1\" xmlns=\"http://www.w3.org/2001/10/synthesis\" xml:lang=\"{}\">{content}</speak>",
        language.tag()
    )
}

/// A reply that asks for the reply would never end.
fn is_own(segment: &Segment) -> bool {
    match segment {
        Segment::DialogReply(_) => false,
        Segment::Audio { fallback, .. } => fallback.iter().all(is_own),
        Segment::Text { .. } | Segment::Break { .. } | Segment::Mark { .. } => true,
    }
}

fn push_words(segments: &[Segment], text: &mut String) {
    for segment in segments {
        match segment {
            Segment::Text { text: words, .. } => crate::reply::push_joined(text, words.trim()),
            Segment::Audio { fallback, .. } => push_words(fallback, text),
            Segment::Break { .. } | Segment::Mark { .. } | Segment::DialogReply(_) => {}
        }
    }
}

fn without_tags(ssml: &str) -> String {
    let mut text = String::new();
    for (at, part) in ssml.split('<').enumerate() {
        // What stands before the first tag, and behind the end of each.
        let words = if at == 0 { part } else { part.split_once('>').map_or("", |(_, words)| words) };
        text.push_str(words);
        text.push(' ');
    }
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    let text = plain.iter().fold(text, |text, (entity, meant)| text.replace(entity, meant));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, character| {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // No character of XML 1.0.
            control if control.is_control() && !control.is_whitespace() => escaped.push(' '),
            other => escaped.push(other),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_heard_as_its_words() {
        let read = Markup::read("Hello <emphasis>Ann</emphasis>.<break time=\"1s\"/> Ready?", Language::English);
        assert_eq!(read.text, "Hello Ann. Ready?");
        assert!(read.document.is_some());
    }

    #[test]
    fn what_is_not_well_formed_is_the_text_that_it_contains() {
        for ssml in ["Take <b>two</i> &amp; rest", "Take <two two</two> &amp; rest", "Take <x>two & rest"] {
            let read = Markup::read(ssml, Language::English);
            assert_eq!(read.document, None, "{ssml}");
            assert!(read.text.starts_with("Take") && read.text.ends_with("& rest"), "{}", read.text);
        }
    }

    #[test]
    fn a_reply_does_not_ask_for_a_reply() {
        let read = Markup::read("One <audio src=\"dialog:reply\">two</audio>", Language::English);
        assert_eq!((read.text.as_str(), read.document), ("One two", None));
    }

    #[test]
    fn a_recording_is_heard_as_what_it_says_whatever_its_address() {
        let read = Markup::recording("http://a/b?c=1&d=\"<", "We are <open> & glad.", Language::English);
        let document = read.document.unwrap();
        let parsed = speech::document("application/ssml+xml", document.as_bytes()).unwrap();
        let [Segment::Audio { src, fallback }] = parsed.segments.as_slice() else { panic!("{parsed:?}") };
        assert_eq!(src, "http://a/b?c=1&d=\"<");
        assert!(matches!(&fallback[..], [Segment::Text { text, .. }] if text == "We are <open> & glad."));
        assert_eq!(read.text, "We are <open> & glad.");
    }
}
