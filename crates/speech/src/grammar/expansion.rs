//! The tree of an SRGS rule, and its expansion into all that it accepts.
//!
//! A small choice list is finite, so it is written out: every way through the root rule becomes one phrase with its
//! meaning. What cannot be written out within the limits is refused.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    GrammarError, GrammarErrorKind,
    semantics::{Assignment, Step, evaluate},
};
use crate::text;

/// A part of a rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expansion {
    /// A word, or a key.
    Token(String),
    /// One after the other.
    Sequence(Vec<Expansion>),
    /// One of them.
    Choice(Vec<Expansion>),
    /// So many times.
    Repeat { of: Box<Expansion>, min: usize, max: usize },
    /// A rule of the same document.
    Rule(String),
    /// A tag.
    Tag(Vec<Assignment>),
    /// What cannot be said.
    Void,
}

/// What expansion may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Phrases of the grammar, and of each part of it.
    pub(super) phrases_max: usize,
    /// Words of a phrase.
    pub(super) words_max: usize,
}

/// Tags and references along one way through a rule.
const STEPS_MAX: usize = 64;
/// Work of the whole expansion, counted in alternatives built.
const WORK_MAX: usize = 200_000;
/// Characters of one value: values are copied along the references.
const VALUE_CHARS_MAX: usize = 4_096;

/// One way through a part of a rule.
#[derive(Debug, Clone, PartialEq, Default)]
struct Path {
    words: Vec<String>,
    steps: Vec<Step>,
}

/// Writes out rules, each once.
pub(super) struct Expander<'a> {
    rules: &'a HashMap<String, Expansion>,
    /// Words are joined with spaces; keys are not.
    keyed: bool,
    limits: Limits,
    finished: HashMap<String, Vec<(Vec<String>, Value)>>,
    open: Vec<String>,
    work: usize,
}

impl<'a> Expander<'a> {
    pub(super) fn new(rules: &'a HashMap<String, Expansion>, keyed: bool, limits: Limits) -> Self {
        Self { rules, keyed, limits, finished: HashMap::new(), open: Vec::new(), work: 0 }
    }

    /// All that the rule accepts, in the order of the document, each with its meaning; empty phrases left out.
    pub(super) fn phrases(&mut self, rule: &str) -> Result<Vec<(String, Value)>, GrammarError> {
        let phrases = self.rule(rule)?;
        let keyed = self.keyed;
        Ok(phrases
            .into_iter()
            .filter(|(words, _)| !words.is_empty())
            .map(|(words, value)| (join(&words, keyed), value))
            .collect())
    }

    fn rule(&mut self, name: &str) -> Result<Vec<(Vec<String>, Value)>, GrammarError> {
        if let Some(finished) = self.finished.get(name) {
            return Ok(finished.clone());
        }
        let Some(expansion) = self.rules.get(name) else {
            return Err(GrammarError::new(GrammarErrorKind::Syntax, format!("there is no rule {name:?}")));
        };
        if self.open.iter().any(|open| open == name) {
            return Err(GrammarError::new(GrammarErrorKind::Unsupported, format!("rule {name:?} refers to itself")));
        }
        self.open.push(name.to_owned());
        let paths = self.expand(expansion)?;
        self.open.pop();
        let phrases: Vec<_> = paths
            .into_iter()
            .map(|path| {
                let value = evaluate(&path.steps, &join(&path.words, self.keyed));
                (path.words, value)
            })
            .collect();
        if phrases.iter().any(|(_, value)| value.to_string().len() > VALUE_CHARS_MAX) {
            return Err(GrammarError::new(
                GrammarErrorKind::TooLarge,
                format!("the meanings of rule {name:?} are too long"),
            ));
        }
        self.finished.insert(name.to_owned(), phrases.clone());
        Ok(phrases)
    }

    fn expand(&mut self, expansion: &Expansion) -> Result<Vec<Path>, GrammarError> {
        match expansion {
            Expansion::Token(word) => Ok(vec![Path { words: vec![word.clone()], steps: Vec::new() }]),
            Expansion::Tag(assignments) => {
                let steps = assignments.iter().cloned().map(Step::Assign).collect();
                Ok(vec![Path { words: Vec::new(), steps }])
            }
            Expansion::Void => Ok(Vec::new()),
            Expansion::Rule(name) => {
                let phrases = self.rule(name)?;
                self.spend(phrases.len())?;
                Ok(phrases
                    .into_iter()
                    .map(|(words, value)| Path { words, steps: vec![Step::Referred { rule: name.clone(), value }] })
                    .collect())
            }
            Expansion::Choice(choices) => {
                let mut paths = Vec::new();
                for choice in choices {
                    paths.extend(self.expand(choice)?);
                    self.check_count(paths.len())?;
                }
                Ok(paths)
            }
            Expansion::Sequence(parts) => {
                let mut paths = vec![Path::default()];
                for part in parts {
                    let next = self.expand(part)?;
                    paths = self.concatenate(&paths, &next)?;
                }
                Ok(paths)
            }
            Expansion::Repeat { of, min, max } => {
                let once = self.expand(of)?;
                let mut repeated = vec![Path::default()];
                let mut paths = if *min == 0 { repeated.clone() } else { Vec::new() };
                for count in 1..=*max {
                    repeated = self.concatenate(&repeated, &once)?;
                    if count >= *min {
                        paths.extend(repeated.iter().cloned());
                        self.check_count(paths.len())?;
                    }
                    if repeated.is_empty() {
                        break;
                    }
                }
                Ok(paths)
            }
        }
    }

    fn concatenate(&mut self, heads: &[Path], tails: &[Path]) -> Result<Vec<Path>, GrammarError> {
        let count = heads.len().saturating_mul(tails.len());
        self.check_count(count)?;
        self.spend(count)?;
        let mut paths = Vec::with_capacity(count);
        for head in heads {
            for tail in tails {
                let words = [head.words.as_slice(), tail.words.as_slice()].concat();
                let steps = [head.steps.as_slice(), tail.steps.as_slice()].concat();
                if words.len() > self.limits.words_max || steps.len() > STEPS_MAX {
                    let message = format!("a phrase has more than {} words", self.limits.words_max);
                    return Err(GrammarError::new(GrammarErrorKind::TooLarge, message));
                }
                paths.push(Path { words, steps });
            }
        }
        Ok(paths)
    }

    fn check_count(&self, count: usize) -> Result<(), GrammarError> {
        if count > self.limits.phrases_max {
            let message =
                format!("the grammar is no small choice list: it has more than {} phrases", self.limits.phrases_max);
            return Err(GrammarError::new(GrammarErrorKind::TooLarge, message));
        }
        Ok(())
    }

    fn spend(&mut self, count: usize) -> Result<(), GrammarError> {
        self.work = self.work.saturating_add(count);
        if self.work > WORK_MAX {
            return Err(GrammarError::new(GrammarErrorKind::TooLarge, "the grammar takes too long to write out"));
        }
        Ok(())
    }
}

fn join(words: &[String], keyed: bool) -> String {
    if keyed { words.concat() } else { text::collapse_space(&words.join(" ")) }
}
