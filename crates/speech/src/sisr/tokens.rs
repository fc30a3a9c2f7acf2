//! The tokens of a parse tree in order, and which of them each rule covers.

use std::ops::Range;

use crate::{InputMode, ParseNode, ParseTree, RuleInstance, text};

/// The tokens below a rule, without copies for each rule: one text, and where each token lies in it.
#[derive(Debug)]
pub(super) struct Tokens {
    text: String,
    spans: Vec<Range<usize>>,
    root: Located,
}

/// A rule's tokens, and those of the rules that it refers to, in order.
#[derive(Debug, Default)]
pub(super) struct Located {
    pub(super) tokens: Range<usize>,
    pub(super) rules: Vec<Located>,
    /// For each child of the rule: how many tokens come before its end.
    pub(super) ends: Vec<usize>,
}

impl Tokens {
    pub(super) fn of(tree: &ParseTree) -> Self {
        let mut tokens = Self { text: String::new(), spans: Vec::new(), root: Located::default() };
        tokens.root = tokens.locate(&tree.root, tree);
        tokens
    }

    pub(super) fn root(&self) -> &Located {
        &self.root
    }

    fn locate(&mut self, rule: &RuleInstance, tree: &ParseTree) -> Located {
        let start = self.spans.len();
        let mut rules = Vec::new();
        let mut ends = Vec::new();
        if rule.value.is_some() && rule.children.is_empty() {
            // Where a builtin grammar tells no tokens, what was heard stands for them.
            self.push(tree.input.heard(&rule.words), tree.root.grammar.mode);
        }
        for child in &rule.children {
            match child {
                ParseNode::Token { written, .. } => self.push(written, rule.grammar.mode),
                ParseNode::Tag(_) => {}
                ParseNode::Rule(rule) => rules.push(self.locate(rule, tree)),
            }
            ends.push(self.spans.len());
        }
        Located { tokens: start..self.spans.len(), rules, ends }
    }

    fn push(&mut self, token: &str, mode: InputMode) {
        let joined = match mode {
            InputMode::Dtmf => true,
            InputMode::Speech => {
                let pair: String =
                    self.text.chars().last().into_iter().chain([' ']).chain(token.chars().next()).collect();
                !text::collapse_space(&pair).contains(' ')
            }
        };
        if !joined {
            self.text.push(' ');
        }
        let start = self.text.len();
        self.text.push_str(token);
        self.spans.push(start..self.text.len());
    }

    /// The text of a range of tokens.
    pub(super) fn text(&self, tokens: &Range<usize>) -> &str {
        let spans = self.spans.get(tokens.clone()).unwrap_or_default();
        match (spans.first(), spans.last()) {
            (Some(first), Some(last)) => self.text.get(first.start..last.end).unwrap_or_default(),
            _ => "",
        }
    }

    /// All of the text.
    pub(super) fn all(&self) -> &str {
        &self.text
    }

    /// Where each token begins and ends in the text, counted in UTF-16 units as scripts do.
    pub(super) fn utf16_spans(&self) -> Vec<(usize, usize)> {
        let mut units = 0;
        let mut bytes = 0;
        let mut advance = |to: usize| {
            units += self.text.get(bytes..to).unwrap_or_default().encode_utf16().count();
            bytes = to;
            units
        };
        self.spans.iter().map(|span| (advance(span.start), advance(span.end))).collect()
    }
}
