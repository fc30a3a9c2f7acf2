//! How an input was understood: the rules, tokens and tags of one way through a grammar.

use std::{ops::Range, sync::Arc};

use super::{InputMode, Instance, Utterance};
use crate::{TagFormat, text};

/// One way in which an input matches a grammar: the logical parse of SRGS 1.0 (appendix H), with what was heard.
#[derive(Debug, Clone, PartialEq)]
pub struct ParseTree {
    /// The rule that was activated, with all below it.
    pub root: RuleInstance,
    /// What was heard or keyed; the ranges of words in the tree are those of this input.
    pub input: Arc<Utterance>,
}

/// A rule that was passed.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleInstance {
    /// The name of the rule; for a builtin grammar that was referred to, its type (`digits`).
    pub rule: Arc<str>,
    /// The grammar in which the rule is defined.
    pub grammar: Arc<GrammarSource>,
    /// The URI of the reference that led here, resolved, with its fragment if it had one; `None` for the activated rule
    /// and for rules of the same document.
    pub reference: Option<Arc<str>>,
    /// What was passed in the rule, in order. What GARBAGE covered is not among it.
    pub children: Vec<ParseNode>,
    /// The words of the input that the rule covers.
    pub words: Range<usize>,
    /// What the words mean already: of builtin grammars, which have no tags. `None` for rules.
    pub value: Option<Instance>,
}

/// A part of a [`RuleInstance`].
#[derive(Debug, Clone, PartialEq)]
pub enum ParseNode {
    /// A token of the grammar.
    Token {
        /// As the grammar writes it, white space normalized, without quotes.
        written: Arc<str>,
        /// The words of the input that it covers.
        words: Range<usize>,
    },
    /// The content of a tag, white space and all.
    Tag(Arc<str>),
    /// A rule that was referred to.
    Rule(RuleInstance),
}

/// The document that defines a rule, as far as the meaning of its tags depends on it.
#[derive(Debug, Clone, PartialEq)]
pub struct GrammarSource {
    /// Its absolute URI without fragment; empty for an inline grammar without name.
    pub uri: String,
    /// Whether it describes speech or keys.
    pub mode: InputMode,
    /// How the content of its tags is read.
    pub tag_format: TagFormat,
    /// Tags of the grammar itself, which come before those of any rule, in the order of the document.
    pub global_tags: Vec<Arc<str>>,
    /// The language of the document as written; `None` for keys.
    pub language: Option<String>,
}

impl RuleInstance {
    /// The tokens below this rule as the grammar writes them: joined with spaces, except between Han characters and keys.
    pub fn written(&self) -> String {
        let mut tokens = Vec::new();
        self.collect_tokens(&mut tokens);
        match self.grammar.mode {
            InputMode::Speech => text::collapse_space(&tokens.join(" ")),
            InputMode::Dtmf => tokens.concat(),
        }
    }

    fn collect_tokens<'a>(&'a self, tokens: &mut Vec<&'a str>) {
        for child in &self.children {
            match child {
                ParseNode::Token { written, .. } => tokens.push(written),
                ParseNode::Tag(_) => {}
                ParseNode::Rule(rule) => rule.collect_tokens(tokens),
            }
        }
    }
}
