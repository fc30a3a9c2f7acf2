//! A compiled SRGS document: its rules as parts that the matcher walks.

use std::{collections::HashMap, ops::Range, sync::Arc};

use super::{
    InputMode,
    compile::Compiler,
    error::{GrammarError, Position},
    limits::GrammarLimits,
    phrase_index::PhraseIndex,
    srgs::{self, source::Source},
};
use crate::{TagFormat, encoding, sound::Sound};

/// One document, compiled, without what it refers to. Immutable, safe to share and to keep between sessions.
#[derive(Debug)]
pub struct GrammarDocument {
    pub(super) mode: InputMode,
    pub(super) language: Option<String>,
    pub(super) tag_format: TagFormat,
    pub(super) global_tags: Vec<Arc<str>>,
    pub(super) base: Option<String>,
    pub(super) lexicons: Vec<String>,
    pub(super) root: Option<RuleId>,
    pub(super) rules: Vec<Rule>,
    pub(super) rules_by_name: HashMap<Arc<str>, RuleId>,
    /// References to other documents, each once.
    pub(super) externals: Vec<External>,
    pub(super) parts: Vec<Part>,
    pub(super) runs: Vec<Run>,
    pub(super) leaves: Vec<Leaf>,
    pub(super) tokens: Vec<Token>,
    pub(super) tags: Vec<Arc<str>>,
    pub(super) alternatives: Vec<Alternatives>,
    pub(super) repeats: Vec<Repeat>,
    /// The words of all tokens, numbered.
    pub(super) words: HashMap<Arc<str>, WordId>,
    /// The same words by their numbers.
    pub(super) spellings: Vec<Arc<str>>,
    /// Bytes of the document as it was read.
    pub(super) bytes: usize,
}

pub(super) type RuleId = u32;
pub(super) type PartId = u32;
pub(super) type WordId = u32;
/// What a way through a grammar costs: the logarithm of its weights, in thousandths, from 0.
pub(super) type Cost = u32;

/// A rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: Arc<str>,
    pub(super) is_public: bool,
    pub(super) part: PartId,
    pub(super) examples: Vec<String>,
    pub(super) position: Position,
    /// Rules of this document that it refers to, each once.
    pub(super) locals: Vec<RuleId>,
    /// Other documents that it refers to, each once.
    pub(super) externals: Vec<u32>,
}

/// A reference to another document.
#[derive(Debug)]
pub(super) struct External {
    /// As written.
    pub(super) uri: String,
    pub(super) media_type: Option<String>,
    pub(super) position: Position,
}

/// A part of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Tokens and tags one after the other; nothing at all is NULL.
    Run(u32),
    /// One part after the other.
    Pair(PartId, PartId),
    /// One of several, in `alternatives`.
    Alternatives(u32),
    /// Again and again, in `repeats`.
    Repeat(u32),
    /// A rule of this document.
    Local(RuleId),
    /// A reference in `externals`.
    External(u32),
    /// Any words.
    Garbage,
    /// Nothing that can be said.
    Void,
}

/// A range of `leaves`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) start: u32,
    pub(super) end: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Leaf {
    Token(u32),
    Tag(u32),
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) written: Arc<str>,
    pub(super) words: Box<[WordId]>,
    /// How it sounds, where a lexicon says so.
    pub(super) sounds: Box<[Vec<Sound>]>,
}

/// One of several parts. Those that are mere phrases are found by their words, not one by one.
#[derive(Debug)]
pub(super) struct Alternatives {
    pub(super) phrases: PhraseIndex,
    pub(super) others: Vec<Other>,
    /// Those of `others` that begin with a certain word, by that word, sorted.
    pub(super) by_first: Vec<(WordId, u32)>,
    /// Those of `others` that may begin with anything.
    pub(super) always: Vec<u32>,
    /// Those of `by_first` that must have a certain word soon, sorted by that word: what all of them may begin with says
    /// little.
    pub(super) anchored: Vec<Anchored>,
    /// The most words before such a word.
    pub(super) lead_max: usize,
}

/// An alternative that has a certain word behind at most `lead` others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Anchored {
    pub(super) word: WordId,
    pub(super) lead: usize,
    pub(super) other: u32,
}

/// An alternative that is more than a phrase.
#[derive(Debug, Clone, Copy)]
pub(super) struct Other {
    pub(super) part: PartId,
    pub(super) cost: Cost,
    /// Its place among the alternatives.
    pub(super) order: u32,
    /// Whether it is among those that must have a certain word soon.
    pub(super) is_anchored: bool,
}

impl Alternatives {
    pub(super) fn is_anchored(&self, other: u32) -> bool {
        self.others.get(index(other)).is_some_and(|other| other.is_anchored)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Repeat {
    pub(super) of: PartId,
    pub(super) min: u32,
    /// `u32::MAX`: without an end.
    pub(super) max: u32,
    /// Of a repetition beyond the least.
    pub(super) cost_more: Cost,
    /// Of stopping where more could come.
    pub(super) cost_stop: Cost,
}

impl GrammarDocument {
    /// Reads and compiles a document in either form of SRGS, whatever the media type says about the form. An empty
    /// media type is not looked at. The lexicons that it names have no effect here: a
    /// [`GrammarLoader`](super::GrammarLoader) asks for them.
    ///
    /// # Errors
    /// `UnsupportedMediaType` for JSGF, GSL and other types; `Syntax`, with its place, for what is no conforming
    /// grammar; `TooLarge` over a limit.
    pub fn compile(content_type: &str, body: &[u8], limits: &GrammarLimits) -> Result<Self, GrammarError> {
        Compiler::compile(Self::read(content_type, body, limits)?, body.len())
    }

    /// Reads a document; nothing of it is compiled yet.
    pub(super) fn read(content_type: &str, body: &[u8], limits: &GrammarLimits) -> Result<Source, GrammarError> {
        if !content_type.trim().is_empty() {
            srgs::check_media_type(content_type)?;
        }
        srgs::read(encoding::charset(content_type), body, limits.document_bytes_max)
    }

    /// Whether it describes speech or keys.
    pub fn mode(&self) -> InputMode {
        self.mode
    }

    /// The language of the document as written.
    pub fn language(&self) -> Option<&str> {
        self.language.as_deref()
    }

    /// How the content of its tags is read.
    pub fn tag_format(&self) -> &TagFormat {
        &self.tag_format
    }

    /// The URIs of the lexicons that it names, as written.
    pub fn lexicons(&self) -> &[String] {
        &self.lexicons
    }

    /// The base URI that the document declares, as written.
    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// Its rules in the order of the document.
    pub fn rules(&self) -> impl Iterator<Item = RuleSummary<'_>> {
        self.rules.iter().zip(0..).map(|(rule, id): (&Rule, RuleId)| RuleSummary {
            name: &rule.name,
            is_public: rule.is_public,
            is_root: self.root == Some(id),
            position: rule.position,
            examples: &rule.examples,
            references: rule
                .locals
                .iter()
                .filter_map(|local| self.rules.get(index(*local)))
                .map(|local| format!("#{}", local.name))
                .chain(rule.externals.iter().filter_map(|id| self.external(*id)).map(|external| external.uri.clone()))
                .collect(),
        })
    }

    /// All tags, global ones first, each text once.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.global_tags.iter().chain(&self.tags).map(AsRef::as_ref)
    }

    /// How many parts the compiled document has: what it costs to keep.
    pub fn part_count(&self) -> usize {
        let phrases: usize = self.alternatives.iter().map(|alternatives| alternatives.phrases.len()).sum();
        self.parts.len() + phrases
    }

    pub(super) fn part(&self, id: PartId) -> Part {
        self.parts.get(index(id)).copied().unwrap_or(Part::Void)
    }

    pub(super) fn rule(&self, id: RuleId) -> Option<&Rule> {
        self.rules.get(index(id))
    }

    pub(super) fn external(&self, id: u32) -> Option<&External> {
        self.externals.get(index(id))
    }

    pub(super) fn alternatives(&self, id: u32) -> Option<&Alternatives> {
        self.alternatives.get(index(id))
    }

    pub(super) fn repeat(&self, id: u32) -> Option<&Repeat> {
        self.repeats.get(index(id))
    }

    pub(super) fn leaves(&self, run: u32) -> &[Leaf] {
        let Some(run) = self.runs.get(index(run)) else { return &[] };
        self.leaves.get(index(run.start)..index(run.end)).unwrap_or_default()
    }

    /// A word by its number.
    pub(super) fn spelling(&self, id: WordId) -> Option<&Arc<str>> {
        self.spellings.get(index(id))
    }

    pub(super) fn token(&self, id: u32) -> Option<&Token> {
        self.tokens.get(index(id))
    }
}

/// A rule as a person who checks a grammar wants to see it.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSummary<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether other documents may refer to it.
    pub is_public: bool,
    /// Whether it is the root rule.
    pub is_root: bool,
    /// Where it begins.
    pub position: Position,
    /// What the document gives as examples of it.
    pub examples: &'a [String],
    /// What it refers to: `#name` in the same document, else the URI as written.
    pub references: Vec<String>,
}

/// Identifiers are positions in vectors that the compiler filled.
pub(super) fn index(id: u32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}

/// The identifier of the next element of a vector. More than 2^32 do not fit into any document.
pub(super) fn next_id<T>(elements: &[T]) -> u32 {
    u32::try_from(elements.len()).unwrap_or(u32::MAX)
}

/// A range of identifiers as a range of positions.
pub(super) fn positions(start: u32, end: u32) -> Range<usize> {
    index(start)..index(end)
}
