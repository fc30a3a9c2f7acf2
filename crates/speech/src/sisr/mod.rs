//! What an input means: Semantic Interpretation for Speech Recognition (SISR 1.0), with literals and with scripts.
//!
//! [`interpret`] walks a [`ParseTree`] and gives the value of its root rule. Tags of `semantics/1.0-literals` are their
//! text and are evaluated here. Tags of `semantics/1.0` are ECMAScript; they run in a sandbox that is made for this one
//! interpretation and thrown away after it. A tree without scripts never makes one.

mod program;
mod sandbox;
mod tag_format;
mod tokens;

use std::fmt;

use serde_json::Value;

use crate::{GrammarSource, Instance, ParseNode, ParseTree, RuleInstance};
use program::Program;
pub use tag_format::TagFormat;
use tokens::{Located, Tokens};

/// Why an input that matched has no meaning: completion cause 012, `semantics-failure`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SemanticsError {
    /// Whether the script is wrong or took too much.
    pub kind: SemanticsErrorKind,
    /// One sentence for the author of the grammar.
    pub message: String,
}

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SemanticsErrorKind {
    /// The script cannot be read, or threw.
    Script,
    /// The script ran too long, or took too much memory, or called itself too deeply, or its value is too large.
    Limit,
}

impl SemanticsError {
    fn script(message: impl Into<String>) -> Self {
        Self { kind: SemanticsErrorKind::Script, message: message.into() }
    }

    fn limit(message: impl Into<String>) -> Self {
        Self { kind: SemanticsErrorKind::Limit, message: message.into() }
    }
}

impl fmt::Display for SemanticsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SemanticsError {}

/// Rules inside rules.
const DEPTH_MAX: usize = 200;
/// Bytes of a value as JSON.
const VALUE_BYTES_MAX: usize = 32 * 1024;

/// What an input means: the value of the activated rule.
///
/// A rule has the value that its tags gave to `out` (or of its last tag, for literals); without any, the value of the rule
/// that it referred to last; without that, its words as the grammar writes them. A builtin grammar has its own value.
///
/// # Errors
/// When a script is wrong or goes over a limit. The same tree always fails or never does, except where a script reads the
/// clock or throws dice.
pub fn interpret(tree: &ParseTree) -> Result<Instance, SemanticsError> {
    let tokens = Tokens::of(tree);
    let root = tokens.root();
    if depth_exceeds(&tree.root, DEPTH_MAX) {
        return Err(SemanticsError::limit(format!("more than {DEPTH_MAX} rules are nested")));
    }
    if !has_script(&tree.root) {
        return Ok(literal(&tree.root, root, &tokens));
    }
    let json = sandbox::run(&Program::of(tree, &tokens)?)?;
    match json {
        None => Ok(Value::Null),
        Some(json) if json.len() > VALUE_BYTES_MAX => {
            Err(SemanticsError::limit(format!("the value has {} bytes, {VALUE_BYTES_MAX} are allowed", json.len())))
        }
        Some(json) => serde_json::from_str(&json).map_err(|_| SemanticsError::limit("the value is nested too deeply")),
    }
}

/// Whether the scripts of a grammar can be read at all. Literals always can.
///
/// # Errors
/// For the first tag that cannot, with its place among `tags`.
pub fn check<'a>(format: &TagFormat, tags: impl IntoIterator<Item = &'a str>) -> Result<(), (usize, SemanticsError)> {
    let mut scripts = tags.into_iter().enumerate().filter(|(_, tag)| is_script(format, tag)).peekable();
    if scripts.peek().is_none() {
        return Ok(());
    }
    sandbox::check(scripts)
}

/// Whether any of these tags of a grammar is script, so that what it means is found by running it.
pub(crate) fn any_script<'a>(format: &TagFormat, mut tags: impl Iterator<Item = &'a str>) -> bool {
    tags.any(|tag| is_script(format, tag))
}

/// Whether a tag is script: by the grammar's format; where none is declared, when it begins like one.
fn is_script(format: &TagFormat, tag: &str) -> bool {
    match format {
        TagFormat::Literals | TagFormat::Unknown(_) => false,
        TagFormat::Script => !tag.trim().is_empty(),
        TagFormat::Undeclared => {
            let tag = tag.trim_start();
            let rest = ["out", "$", "rules.", "var ", "meta."].iter().find_map(|start| tag.strip_prefix(start));
            rest.is_some_and(|rest| rest.contains('=') || tag.starts_with("var "))
        }
    }
}

/// Whether a script stands anywhere below a rule. The tags of a grammar itself matter only to scripts.
fn has_script(rule: &RuleInstance) -> bool {
    rule.children.iter().any(|child| match child {
        ParseNode::Token { .. } => false,
        ParseNode::Tag(tag) => is_script(&rule.grammar.tag_format, tag),
        ParseNode::Rule(rule) => has_script(rule),
    })
}

fn depth_exceeds(rule: &RuleInstance, left: usize) -> bool {
    let Some(left) = left.checked_sub(1) else { return true };
    rule.children.iter().any(|child| matches!(child, ParseNode::Rule(rule) if depth_exceeds(rule, left)))
}

/// The value of a rule without scripts.
fn literal(rule: &RuleInstance, at: &Located, tokens: &Tokens) -> Value {
    if let Some(value) = &rule.value {
        return value.clone();
    }
    let tag = rule.children.iter().rev().find_map(|child| match child {
        ParseNode::Tag(tag) if !tag.trim().is_empty() => Some(tag.trim()),
        ParseNode::Tag(_) | ParseNode::Token { .. } | ParseNode::Rule(_) => None,
    });
    if let Some(tag) = tag {
        return tag.into();
    }
    match (rule.referred().last(), at.rules.last()) {
        (Some(rule), Some(at)) => literal(rule, at, tokens),
        _ => tokens.text(&at.tokens).into(),
    }
}

impl RuleInstance {
    /// The rules that this one referred to, in order.
    fn referred(&self) -> impl DoubleEndedIterator<Item = &Self> {
        self.children.iter().filter_map(|child| match child {
            ParseNode::Rule(rule) => Some(rule),
            ParseNode::Token { .. } | ParseNode::Tag(_) => None,
        })
    }
}

#[cfg(test)]
mod tests;
