use std::{collections::BTreeMap, fmt};

use serde_json::Value;
use speech::Language;

/// A sentence with places for values: `Hello {name|there}, your score was {pain}.`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Words(String),
    Place { name: String, default: String },
}

/// What is wrong with a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TemplateError(&'static str);

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((words, after)) = rest.split_once('{') {
            if words.contains('}') {
                return Err(TemplateError("a \"}\" without a \"{\""));
            }
            if !words.is_empty() {
                parts.push(Part::Words(words.to_owned()));
            }
            let (place, after) = after.split_once('}').ok_or(TemplateError("a \"{\" without a \"}\""))?;
            let (name, default) = place.split_once('|').unwrap_or((place, ""));
            let name = name.trim();
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(TemplateError("a name in braces may hold letters, digits and \"_\""));
            }
            parts.push(Part::Place { name: name.to_owned(), default: default.to_owned() });
            rest = after;
        }
        if rest.contains('}') {
            return Err(TemplateError("a \"}\" without a \"{\""));
        }
        if !rest.is_empty() {
            parts.push(Part::Words(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The names that it asks for.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Words(_) => None,
            Part::Place { name, .. } => Some(name.as_str()),
        })
    }

    /// It has no places, so it is the same in every conversation.
    pub(crate) fn is_fixed(&self) -> bool {
        self.names().next().is_none()
    }

    /// The sentence with its places filled; an empty or missing value leaves the default.
    pub(crate) fn fill(&self, value: impl Fn(&str) -> Option<String>) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Words(words) => words.clone(),
                Part::Place { name, default } => {
                    value(name).filter(|value| !value.trim().is_empty()).unwrap_or_else(|| default.clone())
                }
            })
            .collect()
    }
}

/// A text in each language of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    by_language: BTreeMap<Language, Template>,
}

impl Text {
    pub(crate) fn new(by_language: BTreeMap<Language, Template>) -> Self {
        Self { by_language }
    }

    /// `None` only for a language that the flow does not have.
    pub(crate) fn get(&self, language: Language) -> Option<&Template> {
        self.by_language.get(&language)
    }
}

/// A value as it is said in a sentence.
pub(crate) fn spoken_value(value: &Value, language: Language) -> Option<String> {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::Bool(yes) => Some(
            match (yes, language) {
                (true, Language::English) => "yes",
                (false, Language::English) => "no",
                (true, Language::Chinese) => "是",
                (false, Language::Chinese) => "否",
            }
            .to_owned(),
        ),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fill(template: &str, name: &str) -> String {
        Template::parse(template).unwrap().fill(|asked| (asked == "name").then(|| name.to_owned()))
    }

    #[test]
    fn places_take_their_values() {
        assert_eq!(fill("Hello {name}, welcome {name}.", "Ann"), "Hello Ann, welcome Ann.");
        assert_eq!(fill("您好，{name}。", "王先生"), "您好，王先生。");
    }

    #[test]
    fn a_missing_or_blank_value_leaves_the_default() {
        assert_eq!(fill("Hello {name|there}.", " "), "Hello there.");
        assert_eq!(fill("Hello {other|there}.", "Ann"), "Hello there.");
        assert_eq!(fill("Hello{other}.", "Ann"), "Hello.");
    }

    #[test]
    fn braces_that_do_not_match_are_refused() {
        for bad in ["{", "}", "a {name", "a name}", "{}", "{na me}", "{a{b}}"] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn text_without_braces_is_itself(text in "[^{}]*") {
            let template = Template::parse(&text).unwrap();
            prop_assert!(template.is_fixed());
            prop_assert_eq!(template.fill(|_| None), text);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            if let Ok(template) = Template::parse(&text) {
                template.fill(|_| None);
            }
        }
    }
}
