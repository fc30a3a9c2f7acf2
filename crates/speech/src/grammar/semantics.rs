//! What a `<tag>` may say: a literal, or assignments whose right side is plain (a small part of SISR 1.0).

use serde_json::{Map, Value};

use super::{GrammarError, GrammarErrorKind, ParseNode, ParseTree, RuleInstance, document::GrammarDocument};

/// How the content of tags is read, by the grammar's `tag-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagFormat {
    /// `semantics/1.0-literals`: the content is the value.
    Literals,
    /// `semantics/1.0` and its relatives: the content is script.
    Script,
    /// Not declared: script if it can be read as script, else a literal.
    Undeclared,
}

/// Refuses tags that cannot be read.
pub(super) fn check(document: &GrammarDocument) -> Result<(), GrammarError> {
    let format = *document.tag_format();
    match document.tags().find(|tag| read_tag(tag, format).is_none()) {
        None => Ok(()),
        Some(_) => {
            let message = "only tags that assign plain values are supported";
            Err(GrammarError::new(GrammarErrorKind::Unsupported, message))
        }
    }
}

/// What an input means.
pub(super) fn meaning(tree: &ParseTree) -> Option<Value> {
    Some(value(&tree.root))
}

fn value(rule: &RuleInstance) -> Value {
    if let Some(value) = &rule.value {
        return value.clone();
    }
    let mut steps = Vec::new();
    for child in &rule.children {
        match child {
            ParseNode::Token { .. } => {}
            ParseNode::Tag(tag) => {
                steps.extend(read_tag(tag, rule.grammar.tag_format).into_iter().flatten().map(Step::Assign));
            }
            ParseNode::Rule(inner) => {
                steps.push(Step::Referred { rule: inner.rule.as_ref().to_owned(), value: value(inner) });
            }
        }
    }
    evaluate(&steps, &rule.written())
}

impl TagFormat {
    /// The format of a grammar's `tag-format`.
    pub fn named(name: Option<&str>) -> Self {
        let Some(name) = name.map(|name| name.trim().to_ascii_lowercase()) else { return Self::Undeclared };
        if name.ends_with("-literals") {
            Self::Literals
        } else if name.contains("semantics") {
            Self::Script
        } else {
            Self::Undeclared
        }
    }
}

/// One assignment to the rule variable or to a part of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Assignment {
    /// The property inside `out`; empty for `out` itself.
    path: Vec<String>,
    source: Source,
}

#[derive(Debug, Clone, PartialEq)]
enum Source {
    Literal(Value),
    /// `rules.latest()`
    Latest,
    /// `rules.NAME`
    Rule(String),
}

/// What happens along one way through a rule, in order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// A tag was passed.
    Assign(Assignment),
    /// A rule was referred to and came back with a value.
    Referred { rule: String, value: Value },
}

/// Reads a tag; `None` when it is richer than assignments of plain values.
pub(super) fn read_tag(text: &str, format: TagFormat) -> Option<Vec<Assignment>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Vec::new());
    }
    let literal = || vec![Assignment { path: Vec::new(), source: Source::Literal(text.into()) }];
    match format {
        TagFormat::Literals => Some(literal()),
        TagFormat::Script => script(text),
        TagFormat::Undeclared => match script(text) {
            Some(assignments) => Some(assignments),
            None => Some(literal()),
        },
    }
}

fn script(text: &str) -> Option<Vec<Assignment>> {
    statements(text)?.into_iter().map(assignment).collect()
}

/// The statements of a script: split at `;` and at line ends, outside of quotes and braces.
fn statements(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut quote = None;
    let mut escaped = false;
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{' | '[' | '(') => depth += 1,
            (None, '}' | ']' | ')') => depth = depth.checked_sub(1)?,
            (None, ';' | '\n') if depth == 0 => {
                parts.push(text.get(start..at)?);
                start = at + 1;
            }
            (None, _) => {}
        }
    }
    parts.push(text.get(start..)?);
    (quote.is_none() && depth == 0).then(|| parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect())
}

/// `out = …`, `out.a.b = …`, and the older spellings `$ = …`, `$.a = …`.
fn assignment(statement: &str) -> Option<Assignment> {
    let (target, value) = statement.split_once('=')?;
    let target = target.trim();
    let target = target.strip_prefix("out").or_else(|| target.strip_prefix('$'))?;
    let path = match target.strip_prefix('.') {
        Some(path) => path.split('.').map(|name| is_name(name).then(|| name.to_owned())).collect::<Option<Vec<_>>>()?,
        None if target.is_empty() => Vec::new(),
        None => return None,
    };
    const PATH_MAX: usize = 8;
    (path.len() <= PATH_MAX).then_some(())?;
    Some(Assignment { path, source: source(value.trim())? })
}

fn is_name(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || c == '_') && name.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn source(text: &str) -> Option<Source> {
    if text == "rules.latest()" {
        return Some(Source::Latest);
    }
    if let Some(rule) = text.strip_prefix("rules.") {
        let rule = rule.strip_suffix(".out").unwrap_or(rule);
        return is_name(rule).then(|| Source::Rule(rule.to_owned()));
    }
    if text.starts_with(['"', '\'']) {
        return string(text).map(|text| Source::Literal(text.into()));
    }
    serde_json::from_str(text).ok().map(Source::Literal)
}

/// A string in either kind of quotes, and nothing after it.
fn string(text: &str) -> Option<String> {
    let mut chars = text.chars();
    let quote = chars.next()?;
    let mut out = String::new();
    loop {
        match chars.next()? {
            '\\' => match chars.next()? {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                c @ ('"' | '\'' | '\\' | '/') => out.push(c),
                _ => return None,
            },
            c if c == quote => return chars.next().is_none().then_some(out),
            c => out.push(c),
        }
    }
}

/// The value of a rule after one way through it: what its tags assigned; without tags what the last rule referred to
/// came back with; without either the words themselves (SISR 1.0, default assignment).
pub(super) fn evaluate(steps: &[Step], words: &str) -> Value {
    let mut out: Option<Value> = None;
    let mut latest: Option<&Value> = None;
    let mut referred: Vec<(&str, &Value)> = Vec::new();
    for step in steps {
        match step {
            Step::Referred { rule, value } => {
                latest = Some(value);
                referred.push((rule, value));
            }
            Step::Assign(assignment) => {
                let value = match &assignment.source {
                    Source::Literal(value) => value.clone(),
                    Source::Latest => latest.cloned().unwrap_or_default(),
                    Source::Rule(name) => {
                        let found = referred.iter().rev().find(|(rule, _)| rule == name);
                        found.map(|(_, value)| (*value).clone()).unwrap_or_default()
                    }
                };
                assign(out.get_or_insert_default(), &assignment.path, value);
            }
        }
    }
    out.or_else(|| latest.cloned()).unwrap_or_else(|| words.into())
}

fn assign(target: &mut Value, path: &[String], value: Value) {
    let Some((name, rest)) = path.split_first() else {
        *target = value;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(object) = target {
        assign(object.entry(name.clone()).or_insert(Value::Null), rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(tag: &str, format: TagFormat) -> Option<Value> {
        let steps: Vec<_> = read_tag(tag, format)?.into_iter().map(Step::Assign).collect();
        Some(evaluate(&steps, "words"))
    }

    #[test]
    fn literal_tags_are_their_text() {
        assert_eq!(value(" out=1 ", TagFormat::Literals), Some(json!("out=1")));
        assert_eq!(value("sales", TagFormat::Undeclared), Some(json!("sales")));
        assert_eq!(value("", TagFormat::Literals), Some(json!("words")));
    }

    #[test]
    fn plain_assignments_are_understood() {
        for (tag, expected) in [
            ("out=\"a;b\";", json!("a;b")),
            ("out='it\\'s'", json!("it's")),
            ("out = 5;", json!(5)),
            ("out=true", json!(true)),
            ("out.city=\"Paris\"; out.n=1", json!({"city": "Paris", "n": 1})),
            ("out.a.b='c'", json!({"a": {"b": "c"}})),
            ("$.x='y'", json!({"x": "y"})),
            ("$=\"z\"", json!("z")),
            ("out={\"a\": [1, 2]}", json!({"a": [1, 2]})),
        ] {
            assert_eq!(value(tag, TagFormat::Script), Some(expected), "{tag}");
        }
    }

    #[test]
    fn richer_script_is_not_understood() {
        for tag in [
            "out = a + b",
            "out.x = f()",
            "if (x) out=1",
            "out += 'x'",
            "out='a",
            "var x = 1",
            "out=out+1",
            "out.1='x'",
        ] {
            assert_eq!(value(tag, TagFormat::Script), None, "{tag}");
        }
    }

    #[test]
    fn a_rule_without_tags_has_the_value_of_its_last_reference() {
        let steps = [
            Step::Referred { rule: "a".into(), value: json!(1) },
            Step::Referred { rule: "b".into(), value: json!(2) },
        ];
        assert_eq!(evaluate(&steps, "words"), json!(2));
        assert_eq!(evaluate(&[], "words"), json!("words"));
    }

    #[test]
    fn references_can_be_assigned() {
        let mut steps = vec![
            Step::Referred { rule: "a".into(), value: json!(1) },
            Step::Referred { rule: "b".into(), value: json!(2) },
        ];
        let tag = "out.first=rules.a; out.last=rules.latest()";
        steps.extend(read_tag(tag, TagFormat::Script).unwrap().into_iter().map(Step::Assign));
        assert_eq!(evaluate(&steps, "words"), json!({"first": 1, "last": 2}));
    }
}
