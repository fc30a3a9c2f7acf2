//! The XML form of SRGS 1.0.

use std::cell::Cell;

use roxmltree::{Document, Node};

use super::source::{
    Alternative, Expansion, Reference, Repeat, RuleDefinition, Source, Target, Token, check_language_tag,
    check_rule_name, decimal, excerpt, keys, probability, repeat_range,
};
use crate::{
    InputMode, Language, TagFormat,
    grammar::error::{GrammarError, GrammarErrorKind, Position},
    text, xml,
};

const NAMESPACE: &str = "http://www.w3.org/2001/06/grammar";

/// Reads a document. `nodes_max` limits its elements, attributes and texts.
pub(crate) fn read(text: &str, nodes_max: u32) -> Result<Source, GrammarError> {
    let text = xml::without_doctype(text).map_err(xml_error)?;
    let document = xml::parse_up_to(&text, nodes_max).map_err(xml_error)?;
    let grammar = document.root_element();
    let at_root = |error: GrammarError| error.at(position(grammar));
    match (grammar.tag_name().namespace(), grammar.tag_name().name()) {
        (Some(NAMESPACE), "grammar") => {}
        (_, "speech-context") => {
            let message = "speech contexts are not supported, use SRGS";
            return Err(at_root(GrammarError::new(GrammarErrorKind::UnsupportedMediaType, message)));
        }
        (_, "grammar") => {
            let message = format!("the element grammar is not in the namespace {NAMESPACE}");
            return Err(at_root(GrammarError::syntax(message)));
        }
        (_, other) => {
            let message = format!("the root element is {:?}, not grammar", excerpt(other));
            return Err(at_root(GrammarError::syntax(message)));
        }
    }
    let reader = Reader::of_header(grammar).map_err(at_root)?;
    reader.document(&document)
}

fn xml_error(error: xml::XmlError) -> GrammarError {
    let kind = if error.too_large { GrammarErrorKind::TooLarge } else { GrammarErrorKind::Syntax };
    let fault = GrammarError::new(kind, error.message);
    match error.position {
        Some((line, column)) => fault.at(Position { line, column }),
        None => fault,
    }
}

/// Places of what is read in the order of the document: each search goes on where the last one ended.
struct Places<'a> {
    text: &'a str,
    last: Cell<(usize, Position)>,
}

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, last: Cell::new((0, Position { line: 1, column: 1 })) }
    }

    fn of(&self, node: Node<'_, '_>) -> Position {
        let offset = node.range().start;
        let (known, position) = self.last.get();
        let (start, mut place) = if known <= offset { (known, position) } else { (0, Position { line: 1, column: 1 }) };
        for c in self.text.get(start..offset).unwrap_or_default().chars() {
            if c == '\n' {
                place = Position { line: place.line.saturating_add(1), column: 1 };
            } else {
                place.column = place.column.saturating_add(1);
            }
        }
        self.last.set((offset, place));
        place
    }
}

/// The place of a fault: found from the begin of the document.
fn position(node: Node<'_, '_>) -> Position {
    let place = node.document().text_pos_at(node.range().start);
    Position { line: place.row, column: place.col }
}

/// What the parts of a document need to know of it while they are read.
struct Reader<'a> {
    mode: InputMode,
    language: Option<String>,
    places: Places<'a>,
}

impl<'a> Reader<'a> {
    fn of_header(grammar: Node<'a, '_>) -> Result<Self, GrammarError> {
        match grammar.attribute("version").map(str::trim) {
            Some("1.0") => {}
            Some(other) => {
                return Err(GrammarError::syntax(format!("version {:?} is not 1.0", excerpt(other))));
            }
            None => return Err(GrammarError::syntax("the grammar has no version")),
        }
        let mode = match grammar.attribute("mode").map(str::trim) {
            None | Some("voice") => InputMode::Speech,
            Some("dtmf") => InputMode::Dtmf,
            Some(other) => {
                return Err(GrammarError::syntax(format!("mode {:?} is neither voice nor dtmf", excerpt(other))));
            }
        };
        let language = xml::lang(grammar).map(str::trim).filter(|tag| !tag.is_empty());
        match (language, mode) {
            (Some(tag), _) => check_language_tag(tag)?,
            (None, InputMode::Speech) => {
                return Err(GrammarError::syntax("a grammar for speech must have an xml:lang"));
            }
            (None, InputMode::Dtmf) => {}
        }
        let places = Places::new(grammar.document().input_text());
        Ok(Self { mode, language: language.map(str::to_owned), places })
    }

    fn document(self, document: &Document<'_>) -> Result<Source, GrammarError> {
        let grammar = document.root_element();
        let language = language_of(self.language.as_deref(), Language::English);
        let mut base = grammar.attribute(("http://www.w3.org/XML/1998/namespace", "base")).map(str::to_owned);
        let mut lexicons = Vec::new();
        let mut global_tags = Vec::new();
        let mut rules = Vec::new();
        for child in grammar.children() {
            let Some(name) = srgs_name(child) else {
                if child.is_text() && !child.text().unwrap_or_default().trim().is_empty() {
                    return Err(GrammarError::syntax("there are words outside of any rule").at(position(child)));
                }
                continue;
            };
            let located = |error: GrammarError| error.at(position(child));
            match name {
                "rule" => rules.push(self.rule(child, language).map_err(located)?),
                "tag" => global_tags.push(content(child).map_err(located)?.into()),
                "lexicon" => {
                    let uri = child.attribute("uri").map(str::trim).filter(|uri| !uri.is_empty());
                    let uri = uri.ok_or_else(|| located(GrammarError::syntax("a lexicon has no uri")))?;
                    lexicons.push(uri.to_owned());
                }
                "meta" => {
                    if let Some(value) = meta(child).map_err(located)? {
                        base.get_or_insert(value);
                    }
                }
                "metadata" => {}
                other => {
                    let message = format!("element {:?} does not belong into a grammar", excerpt(other));
                    return Err(located(GrammarError::syntax(message)));
                }
            }
        }
        let root = grammar.attribute("root").map(|root| (root.trim().to_owned(), position(grammar)));
        Ok(Source {
            mode: self.mode,
            language: self.language,
            tag_format: TagFormat::named(grammar.attribute("tag-format")),
            root,
            base,
            lexicons,
            global_tags,
            rules,
        })
    }

    fn rule(&self, rule: Node<'_, '_>, language: Language) -> Result<RuleDefinition, GrammarError> {
        let position = self.places.of(rule);
        let name = rule.attribute("id").map(str::trim).ok_or_else(|| GrammarError::syntax("a rule has no id"))?;
        check_rule_name(name)?;
        let is_public = match rule.attribute("scope").map(str::trim) {
            Some("public") => true,
            None | Some("private") => false,
            Some(other) => {
                let message = format!("scope {:?} is neither public nor private", excerpt(other));
                return Err(GrammarError::syntax(message));
            }
        };
        let examples = rule.children().filter(|child| srgs_name(*child) == Some("example"));
        let examples = examples.map(|example| content(example)).collect::<Result<_, _>>()?;
        let expansion = self.sequence(rule, language)?;
        Ok(RuleDefinition { name: name.to_owned(), is_public, expansion, examples, position })
    }

    /// The content of a rule or an item.
    fn sequence(&self, parent: Node<'_, '_>, language: Language) -> Result<Expansion, GrammarError> {
        let mut parts = Vec::new();
        for child in parent.children() {
            let located = |error: GrammarError| error.at(position(child));
            if child.is_text() {
                self.tokens(child.text().unwrap_or_default(), language, &mut parts).map_err(located)?;
                continue;
            }
            let Some(name) = srgs_name(child) else { continue };
            match name {
                "item" => parts.push(self.item(child, language).map_err(located)?.expansion),
                "one-of" => parts.push(self.one_of(child, language).map_err(located)?),
                "ruleref" => parts.push(rule_ref(child, self.places.of(child)).map_err(located)?),
                "token" => {
                    let written = text::single_spaced(&content(child).map_err(located)?);
                    let language = own_language(child, language).map_err(located)?;
                    self.token(written, language, &mut parts).map_err(located)?;
                }
                "tag" => parts.push(Expansion::Tag(content(child).map_err(located)?.into())),
                "example" if srgs_name(parent) == Some("rule") => {}
                other => {
                    let message = format!("element {:?} does not belong into a rule here", excerpt(other));
                    return Err(located(GrammarError::syntax(message)));
                }
            }
        }
        Ok(Expansion::sequence(parts))
    }

    fn one_of(&self, element: Node<'_, '_>, language: Language) -> Result<Expansion, GrammarError> {
        let language = own_language(element, language)?;
        let mut alternatives = Vec::new();
        for child in element.children() {
            match srgs_name(child) {
                Some("item") => {
                    alternatives.push(self.item(child, language).map_err(|error| error.at(position(child)))?);
                }
                Some(other) => {
                    let message = format!("element {:?} does not belong into one-of", excerpt(other));
                    return Err(GrammarError::syntax(message).at(position(child)));
                }
                None if child.is_text() && !child.text().unwrap_or_default().trim().is_empty() => {
                    let message = "there are words beside the items of one-of";
                    return Err(GrammarError::syntax(message).at(position(child)));
                }
                None => {}
            }
        }
        if alternatives.is_empty() {
            return Err(GrammarError::syntax("one-of has no item"));
        }
        Ok(Expansion::Alternatives(alternatives))
    }

    /// An item. Its weight means nothing where it is no alternative: what must be said is as likely whatever it weighs.
    fn item(&self, element: Node<'_, '_>, language: Language) -> Result<Alternative, GrammarError> {
        let language = own_language(element, language)?;
        let weight = element.attribute("weight").map(|weight| decimal(weight.trim(), "weight")).transpose()?;
        let probability = element.attribute("repeat-prob").map(|value| probability(value.trim())).transpose()?;
        let content = self.sequence(element, language)?;
        let expansion = match element.attribute("repeat") {
            None => content,
            Some(repeat) => {
                let (min, max) = repeat_range(repeat.trim())?;
                Expansion::Repeat(Box::new(Repeat { of: content, min, max, probability }))
            }
        };
        Ok(Alternative { weight: weight.unwrap_or(1.0), expansion })
    }

    /// Words between white space; double quotes hold several together as one token.
    fn tokens(&self, text: &str, language: Language, parts: &mut Vec<Expansion>) -> Result<(), GrammarError> {
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (written, after) = match rest.strip_prefix('"') {
                Some(quoted) => {
                    let Some((written, after)) = quoted.split_once('"') else {
                        return Err(GrammarError::syntax("a quoted token does not end"));
                    };
                    (text::single_spaced(written), after)
                }
                None => {
                    let end = rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len());
                    let (written, after) = rest.split_at(end);
                    (written.to_owned(), after)
                }
            };
            self.token(written, language, parts)?;
            rest = after.trim_start();
        }
        Ok(())
    }

    fn token(&self, written: String, language: Language, parts: &mut Vec<Expansion>) -> Result<(), GrammarError> {
        if written.is_empty() {
            return Err(GrammarError::syntax("a token is empty"));
        }
        let token = |written| Expansion::Token(Token::new(written, language));
        match self.mode {
            InputMode::Speech => parts.push(token(written)),
            InputMode::Dtmf => parts.extend(keys(&written)?.into_iter().map(token)),
        }
        Ok(())
    }
}

/// The name of an SRGS element; other namespaces' elements are not ours and are passed over.
fn srgs_name<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    let name = node.is_element().then(|| node.tag_name())?;
    (name.namespace() == Some(NAMESPACE)).then(|| name.name())
}

fn own_language(element: Node<'_, '_>, inherited: Language) -> Result<Language, GrammarError> {
    let Some(tag) = xml::lang(element).map(str::trim) else { return Ok(inherited) };
    check_language_tag(tag)?;
    Ok(language_of(Some(tag), inherited))
}

/// How numbers are read in a language; in one that is not served, as around it.
fn language_of(tag: Option<&str>, otherwise: Language) -> Language {
    tag.and_then(Language::from_tag).unwrap_or(otherwise)
}

/// The text of an element that holds nothing else.
fn content(element: Node<'_, '_>) -> Result<String, GrammarError> {
    let mut out = String::new();
    for child in element.children() {
        if child.is_text() {
            out.push_str(child.text().unwrap_or_default());
        } else if let Some(name) = srgs_name(child) {
            let message = format!("element {:?} does not belong into {:?}", excerpt(name), element.tag_name().name());
            return Err(GrammarError::syntax(message));
        }
    }
    Ok(out)
}

/// Checks a `meta` element; the base URI if it names one.
fn meta(element: Node<'_, '_>) -> Result<Option<String>, GrammarError> {
    let value = element.attribute("content").ok_or_else(|| GrammarError::syntax("meta has no content"))?;
    match (element.attribute("name"), element.attribute("http-equiv")) {
        (Some(name), None) => Ok((name.trim().eq_ignore_ascii_case("base")).then(|| value.trim().to_owned())),
        (None, Some(_)) => Ok(None),
        (Some(_), Some(_)) => Err(GrammarError::syntax("meta has both name and http-equiv")),
        (None, None) => Err(GrammarError::syntax("meta has neither name nor http-equiv")),
    }
}

fn rule_ref(element: Node<'_, '_>, position: Position) -> Result<Expansion, GrammarError> {
    if element.children().any(|child| srgs_name(child).is_some() || child.text().is_some_and(|t| !t.trim().is_empty()))
    {
        return Err(GrammarError::syntax("a ruleref is not empty"));
    }
    let target = match (element.attribute("special"), element.attribute("uri").map(str::trim)) {
        (Some("NULL"), None) => return Ok(Expansion::Sequence(Vec::new())),
        (Some("VOID"), None) => return Ok(Expansion::Void),
        (Some("GARBAGE"), None) => return Ok(Expansion::Garbage),
        (Some(other), None) => {
            return Err(GrammarError::syntax(format!("there is no special rule {:?}", excerpt(other))));
        }
        (Some(_), Some(_)) => return Err(GrammarError::syntax("a ruleref has both uri and special")),
        (None, None | Some("")) => return Err(GrammarError::syntax("a ruleref has no uri")),
        (None, Some(uri)) => match uri.strip_prefix('#') {
            Some(name) => {
                check_rule_name(name)?;
                Target::Local(name.to_owned())
            }
            None => {
                let media_type = element.attribute("type").map(|name| name.trim().to_owned());
                Target::External { uri: uri.to_owned(), media_type }
            }
        },
    };
    Ok(Expansion::Reference(Reference { target, position }))
}
