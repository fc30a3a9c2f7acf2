//! A parse tree as one script: a function for each rule that was passed, inside a function for each grammar.

use std::{fmt::Write as _, sync::Arc};

use serde_json::Value;

use super::{
    GrammarSource, Located, ParseNode, ParseTree, RuleInstance, SemanticsError, Tokens, has_script, is_script, literal,
};

/// Bytes of a script, all tags of the tree together.
const SCRIPT_BYTES_MAX: usize = 128 * 1024;

/// The script whose value is the value of a tree.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) script: String,
}

/// The rules of one grammar: they see its own global tags and no other's.
struct Document {
    grammar: Arc<GrammarSource>,
    functions: String,
}

struct Writer<'a> {
    tree: &'a ParseTree,
    tokens: &'a Tokens,
    documents: Vec<Document>,
    functions: usize,
}

impl Program {
    pub(super) fn of(tree: &ParseTree, tokens: &Tokens) -> Result<Self, SemanticsError> {
        let mut writer = Writer { tree, tokens, documents: Vec::new(), functions: 0 };
        let value = writer.value(&tree.root, tokens.root())?;
        let mut script = String::from("var sisr$f = [];\nvar sisr$text = (function () { var all = ");
        script.push_str(&Value::from(tokens.all()).to_string());
        script.push_str(", spans = [");
        for (start, end) in tokens.utf16_spans() {
            let _ = write!(script, "{start},{end},");
        }
        script.push_str("], cut = sisr$cut;\nreturn function (a, b) { return a < b ? cut(all, spans[2 * a], spans[2 * b - 1]) : ''; }; })();\n");
        for Document { grammar, functions } in &writer.documents {
            script.push_str("(function () {\n");
            for tag in grammar.global_tags.iter().filter(|tag| is_script(&grammar.tag_format, tag)) {
                let tag = readable(tag)?;
                let _ = writeln!(script, "{tag}\n;");
            }
            script.push_str(functions);
            script.push_str("})();\n");
        }
        script.push_str(&value);
        if script.len() > SCRIPT_BYTES_MAX {
            let message = format!("the scripts have {} bytes, {SCRIPT_BYTES_MAX} are allowed", script.len());
            return Err(SemanticsError::limit(message));
        }
        Ok(Self { script })
    }
}

impl Writer<'_> {
    /// An expression with the value of a rule.
    fn value(&mut self, rule: &RuleInstance, at: &Located) -> Result<String, SemanticsError> {
        if !has_script(rule) {
            return Ok(literal(rule, at, self.tokens).to_string());
        }
        let score = |rule: &RuleInstance| self.tree.input.confidence(&rule.words);
        let mut body = format!(
            "var sisr$r = sisr$rule(sisr$text,{},{},{}), out = sisr$r.out, $ = out, rules = sisr$r.rules, meta = sisr$r.meta;\n",
            at.tokens.start,
            at.tokens.end,
            score(rule),
        );
        let mut located = at.rules.iter();
        for (child, end) in rule.children.iter().zip(&at.ends) {
            match child {
                ParseNode::Token { .. } => {}
                ParseNode::Tag(tag) if is_script(&rule.grammar.tag_format, tag) => {
                    let tag = readable(tag)?;
                    if tag.contains("meta") {
                        let _ = write!(body, "sisr$r.at({end});");
                    }
                    let _ = writeln!(body, "{{{tag}\n}}");
                }
                ParseNode::Tag(tag) => {
                    let tag = tag.trim();
                    if !tag.is_empty() {
                        let _ = writeln!(body, "out = {};", Value::from(tag));
                    }
                }
                ParseNode::Rule(child) => {
                    let Some(at) = located.next() else { continue };
                    let value = self.value(child, at)?;
                    let name = Value::from(&*child.rule);
                    let (start, end) = (at.tokens.start, at.tokens.end);
                    let score = self.tree.input.confidence(&child.words);
                    let _ = writeln!(body, "sisr$r.ref({name},{value},{start},{end},{score});");
                }
            }
        }
        let index = self.functions;
        self.functions += 1;
        if !self.documents.iter().any(|document| Arc::ptr_eq(&document.grammar, &rule.grammar)) {
            self.documents.push(Document { grammar: Arc::clone(&rule.grammar), functions: String::new() });
        }
        let document = self.documents.iter_mut().find(|document| Arc::ptr_eq(&document.grammar, &rule.grammar));
        if let Some(Document { functions, .. }) = document {
            let _ = writeln!(functions, "sisr$f[{index}] = function () {{ {body}return sisr$r.end(out, $); }};");
        }
        Ok(format!("sisr$f[{index}]()"))
    }
}

/// A tag that the sandbox may be given. Integers without a bound (`1n`) are refused: their arithmetic takes as long as it
/// likes.
pub(super) fn readable(tag: &str) -> Result<&str, SemanticsError> {
    let mut rest = tag;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(at);
        let end = number.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(number.len());
        let (number, after) = number.split_at(end);
        let in_name = before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$'));
        if !in_name && number.ends_with('n') && is_big_integer(number) {
            return Err(SemanticsError::script(format!("integers like {number} are not supported")));
        }
        rest = after;
    }
    Ok(tag)
}

fn is_big_integer(number: &str) -> bool {
    let digits = number.strip_suffix('n').unwrap_or(number);
    let radix = digits.get(..2).is_some_and(|start| matches!(start, "0x" | "0X" | "0o" | "0O" | "0b" | "0B"));
    radix || digits.chars().all(|c| c.is_ascii_digit() || c == '_')
}
