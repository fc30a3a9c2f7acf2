//! SRGS 1.0 in its XML form, as far as a small choice list goes.

use std::collections::HashMap;

use roxmltree::{Document, Node};

use super::{
    GrammarError, GrammarErrorKind,
    choice_list::ChoiceList,
    closed_list::ClosedList,
    expansion::{Expander, Expansion, Limits},
    semantics::{TagFormat, read_tag},
};
use crate::{Language, xml};

/// A compiled document.
pub(super) struct Compiled {
    pub(super) list: ChoiceList,
    /// What `xml:lang` of the grammar names.
    pub(super) language: Option<Language>,
}

/// Rules of a document.
const RULES_MAX: usize = 512;
/// What a spoken list may hold: each recognition compares all of it by sound.
const SPOKEN: Limits = Limits { phrases_max: 2_000, words_max: 40 };
/// What a keyed list may hold: all sequences of four digits.
const KEYED: Limits = Limits { phrases_max: 10_000, words_max: 40 };

/// The type of a Content-Type value, without parameters, in lower case.
pub(super) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

pub(super) fn compile(content_type: &str, body: &[u8]) -> Result<Compiled, GrammarError> {
    let essence = essence(content_type);
    let media = |message: &str| Err(GrammarError::new(GrammarErrorKind::UnsupportedMediaType, message));
    match essence.as_str() {
        "application/srgs+xml" | "application/grammar+xml" | "application/srgs" | "application/xml" | "text/xml" => {}
        "application/x-jsgf" | "application/jsgf" => return media("JSGF grammars are not supported, use SRGS XML"),
        "application/x-nuance-gsl" => return media("GSL grammars are not supported, use SRGS XML"),
        "application/x-nuance-dynagram-binary" => return media("binary grammars are not supported, use SRGS XML"),
        other => {
            return media(&format!("{other:?} is not a type of grammar that is supported, use application/srgs+xml"));
        }
    }
    let text = xml::decode(body).map_err(xml_error)?;
    let start = text.trim_start();
    if start.starts_with("#ABNF") {
        return media("the ABNF form of SRGS is not supported, use the XML form");
    }
    if start.starts_with("#JSGF") {
        return media("JSGF grammars are not supported, use SRGS XML");
    }
    if start.starts_with(";GSL") {
        return media("GSL grammars are not supported, use SRGS XML");
    }
    let text = xml::without_doctype(&text).map_err(xml_error)?;
    let document = xml::parse(&text).map_err(xml_error)?;
    match document.root_element().tag_name().name() {
        "grammar" => compile_document(&document),
        "speech-context" => media("speech contexts are not supported, use SRGS XML"),
        other => Err(syntax(format!("the root element is {other:?}, not grammar"))),
    }
}

fn xml_error(error: xml::XmlError) -> GrammarError {
    let kind = if error.too_large { GrammarErrorKind::TooLarge } else { GrammarErrorKind::Syntax };
    match error.position {
        Some((line, column)) => GrammarError::new(kind, format!("{} (line {line}, column {column})", error.message)),
        None => GrammarError::new(kind, error.message),
    }
}

fn syntax(message: impl Into<String>) -> GrammarError {
    GrammarError::new(GrammarErrorKind::Syntax, message)
}

fn unsupported(message: impl Into<String>) -> GrammarError {
    GrammarError::new(GrammarErrorKind::Unsupported, message)
}

/// What all rules of a document share.
struct Reader {
    keyed: bool,
    tag_format: TagFormat,
}

fn compile_document(document: &Document<'_>) -> Result<Compiled, GrammarError> {
    let grammar = document.root_element();
    if let Some(version) = grammar.attribute("version").filter(|version| version.trim() != "1.0") {
        return Err(syntax(format!("version {version:?} is not 1.0")));
    }
    let keyed = match grammar.attribute("mode") {
        None | Some("voice") => false,
        Some("dtmf") => true,
        Some(other) => return Err(syntax(format!("mode {other:?} is neither voice nor dtmf"))),
    };
    let language = match xml::lang(grammar).filter(|tag| !tag.is_empty()) {
        None => None,
        Some(tag) => Some(Language::from_tag(tag).ok_or_else(|| {
            GrammarError::new(GrammarErrorKind::UnsupportedLanguage, format!("language {tag:?} is not served"))
        })?),
    };
    let reader = Reader { keyed, tag_format: TagFormat::named(grammar.attribute("tag-format")) };
    let mut rules = HashMap::new();
    let mut first = None;
    for element in grammar.children().filter(Node::is_element) {
        match element.tag_name().name() {
            "rule" => {
                let id = element
                    .attribute("id")
                    .filter(|id| is_rule_name(id))
                    .ok_or_else(|| syntax("a rule has no valid id"))?;
                if !matches!(element.attribute("scope"), None | Some("public" | "private")) {
                    return Err(syntax(format!("the scope of rule {id:?} is neither public nor private")));
                }
                let expansion = reader.sequence(element)?;
                if rules.insert(id.to_owned(), expansion).is_some() {
                    return Err(syntax(format!("rule {id:?} is there twice")));
                }
                first.get_or_insert(id);
                if rules.len() > RULES_MAX {
                    return Err(GrammarError::new(GrammarErrorKind::TooLarge, format!("more than {RULES_MAX} rules")));
                }
            }
            "tag" if reader.tag_format != TagFormat::Literals && is_blank(element) => {}
            "tag" => return Err(unsupported("global tags are not supported")),
            // Pronunciations and descriptions do not change what is accepted.
            "lexicon" | "meta" | "metadata" => {}
            other => return Err(syntax(format!("element {other:?} does not belong into a grammar"))),
        }
    }
    let root = match (grammar.attribute("root"), first) {
        (Some(root), _) => root.trim_start_matches('#'),
        (None, Some(only)) if rules.len() == 1 => only,
        (None, _) => return Err(syntax("the grammar names no root rule")),
    };
    let limits = if keyed { KEYED } else { SPOKEN };
    let phrases = Expander::new(&rules, keyed, limits).phrases(root)?;
    if phrases.is_empty() {
        return Err(syntax(format!("nothing can match the root rule {root:?}")));
    }
    let list = if keyed {
        ChoiceList::keyed(phrases)
    } else {
        let mut list = ClosedList::default();
        for (text, instance) in phrases {
            list.add(text, instance);
        }
        ChoiceList::Spoken(list)
    };
    Ok(Compiled { list, language })
}

fn is_rule_name(id: &str) -> bool {
    let reserved = matches!(id, "NULL" | "VOID" | "GARBAGE");
    !reserved && !id.is_empty() && !id.chars().any(|c| c.is_whitespace() || matches!(c, '.' | ':' | '-' | '#'))
}

fn is_blank(element: Node<'_, '_>) -> bool {
    element.text().is_none_or(|text| text.trim().is_empty())
}

impl Reader {
    /// The content of a rule or an item.
    fn sequence(&self, parent: Node<'_, '_>) -> Result<Expansion, GrammarError> {
        let mut parts = Vec::new();
        for child in parent.children() {
            if child.is_text() {
                self.tokens(child.text().unwrap_or_default(), &mut parts)?;
            } else if child.is_element() {
                match child.tag_name().name() {
                    "item" => parts.push(self.item(child)?),
                    "one-of" => parts.push(self.one_of(child)?),
                    "ruleref" => parts.push(rule_ref(child)?),
                    "token" => self.tokens(child.text().unwrap_or_default(), &mut parts)?,
                    "tag" => {
                        let text = child.text().unwrap_or_default();
                        let assignments = read_tag(text, self.tag_format)
                            .ok_or_else(|| unsupported("only tags that assign plain values are supported"))?;
                        parts.push(Expansion::Tag(assignments));
                    }
                    "example" => {}
                    other => return Err(syntax(format!("element {other:?} does not belong into a rule"))),
                }
            }
        }
        Ok(match <[Expansion; 1]>::try_from(parts) {
            Ok([only]) => only,
            Err(parts) => Expansion::Sequence(parts),
        })
    }

    fn one_of(&self, element: Node<'_, '_>) -> Result<Expansion, GrammarError> {
        let mut choices = Vec::new();
        for child in element.children() {
            if child.is_element() {
                match child.tag_name().name() {
                    "item" => choices.push(self.item(child)?),
                    other => return Err(syntax(format!("element {other:?} does not belong into one-of"))),
                }
            } else if child.is_text() && !child.text().unwrap_or_default().trim().is_empty() {
                return Err(syntax("there are words beside the items of one-of"));
            }
        }
        if choices.is_empty() { Err(syntax("one-of has no item")) } else { Ok(Expansion::Choice(choices)) }
    }

    fn item(&self, element: Node<'_, '_>) -> Result<Expansion, GrammarError> {
        // Weights and probabilities are checked, and then not needed: nothing is guessed by frequency.
        for name in ["weight", "repeat-prob"] {
            if let Some(value) = element.attribute(name) {
                let number = value.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
                number.ok_or_else(|| syntax(format!("{name} {value:?} is not a number from 0")))?;
            }
        }
        let content = self.sequence(element)?;
        match element.attribute("repeat") {
            None => Ok(content),
            Some(repeat) => {
                let (min, max) = repeat_range(repeat.trim())?;
                Ok(Expansion::Repeat { of: Box::new(content), min, max })
            }
        }
    }

    fn tokens(&self, text: &str, parts: &mut Vec<Expansion>) -> Result<(), GrammarError> {
        // Quotes only hold a token together.
        for word in text.split_whitespace().map(|word| word.trim_matches('"')).filter(|word| !word.is_empty()) {
            if self.keyed {
                self.keys(word, parts)?;
            } else {
                parts.push(Expansion::Token(word.to_owned()));
            }
        }
        Ok(())
    }

    fn keys(&self, word: &str, parts: &mut Vec<Expansion>) -> Result<(), GrammarError> {
        let word = match word.to_ascii_lowercase().as_str() {
            "star" => "*".to_owned(),
            "pound" | "hash" => "#".to_owned(),
            _ => word.to_ascii_uppercase(),
        };
        for key in word.chars() {
            if !super::is_key(key) {
                return Err(syntax(format!("{key:?} is not a key")));
            }
            parts.push(Expansion::Token(key.to_string()));
        }
        Ok(())
    }
}

fn rule_ref(element: Node<'_, '_>) -> Result<Expansion, GrammarError> {
    match (element.attribute("special"), element.attribute("uri")) {
        (Some("NULL"), None) => Ok(Expansion::Sequence(Vec::new())),
        (Some("VOID"), None) => Ok(Expansion::Void),
        (Some("GARBAGE"), None) => Err(unsupported("GARBAGE is not supported")),
        (Some(other), None) => Err(syntax(format!("there is no special rule {other:?}"))),
        (Some(_), Some(_)) => Err(syntax("a ruleref has both uri and special")),
        (None, Some(uri)) => match uri.trim().strip_prefix('#') {
            Some(name) if is_rule_name(name) => Ok(Expansion::Rule(name.to_owned())),
            Some(name) => Err(syntax(format!("{name:?} is not the name of a rule"))),
            None => Err(unsupported("references to other grammars are not supported")),
        },
        (None, None) => Err(syntax("a ruleref has no uri")),
    }
}

/// `n`, `n-m`; `n-` has no end and cannot be written out.
fn repeat_range(repeat: &str) -> Result<(usize, usize), GrammarError> {
    const REPEAT_MAX: usize = 40;
    let number = |text: &str| {
        let number = text.trim().parse::<usize>().map_err(|_| syntax(format!("repeat {repeat:?} is no range")))?;
        if number > REPEAT_MAX {
            return Err(GrammarError::new(
                GrammarErrorKind::TooLarge,
                format!("repeat {repeat:?} is above {REPEAT_MAX}"),
            ));
        }
        Ok(number)
    };
    let (min, max) = match repeat.split_once('-') {
        None => {
            let count = number(repeat)?;
            (count, count)
        }
        Some((_, max)) if max.trim().is_empty() => return Err(unsupported("repeats without an end are not supported")),
        Some((min, max)) => (number(min)?, number(max)?),
    };
    if min > max {
        return Err(syntax(format!("repeat {repeat:?} ends before it begins")));
    }
    Ok((min, max))
}
