//! From a document as written to parts that the matcher walks.

use std::{collections::HashMap, sync::Arc};

use super::{
    document::{
        Alternatives, Anchored, Cost, External, GrammarDocument, Leaf, Other, Part, PartId, Repeat, Rule, RuleId, Run,
        Token, WordId, index, next_id,
    },
    error::{GrammarError, Position},
    phrase_index::{Phrase, PhraseIndex},
    srgs::source::{self, Alternative, Expansion, Source, Target, excerpt},
};
use crate::Language;

/// Rules of a document.
const RULES_MAX: usize = 100_000;
/// An alternative that may begin with more words than these is tried wherever it could stand.
const FIRST_WORDS_MAX: usize = 64;
/// Words before the one that an alternative is known by.
const LEAD_MAX: usize = 4;
/// Alternatives that are looked up by a word that they must have.
const ANCHORED_MIN: usize = 32;
/// How deep into parts and rules the first words of an alternative are looked for.
const FIRST_DEPTH_MAX: usize = 32;
/// A probability of 0 makes a way unlikely, not impossible.
const PROBABILITY_MIN: f32 = 1e-6;

/// Builds a [`GrammarDocument`].
pub(super) struct Compiler {
    document: GrammarDocument,
    /// By what is written, its language, and what is said for it.
    tokens: HashMap<(String, Language, Option<String>), u32>,
    tags: HashMap<Arc<str>, u32>,
    externals: HashMap<(String, Option<String>), u32>,
    /// Alternatives whose first words are found when all rules are there.
    unfinished: Vec<u32>,
    /// What the rule under way refers to.
    locals: Vec<RuleId>,
    referred: Vec<u32>,
}

impl Compiler {
    pub(super) fn compile(source: Source, bytes: usize) -> Result<GrammarDocument, GrammarError> {
        if source.rules.is_empty() {
            return Err(GrammarError::syntax("the grammar has no rule"));
        }
        if source.rules.len() > RULES_MAX {
            let message = format!("the grammar has {} rules, {RULES_MAX} are allowed", source.rules.len());
            return Err(GrammarError::too_large(message));
        }
        let mut rules_by_name: HashMap<Arc<str>, RuleId> = HashMap::with_capacity(source.rules.len());
        for (rule, id) in source.rules.iter().zip(0..) {
            if rules_by_name.insert(rule.name.as_str().into(), id).is_some() {
                let message = format!("rule {:?} is defined twice", excerpt(&rule.name));
                return Err(GrammarError::syntax(message).at(rule.position));
            }
        }
        let root = match &source.root {
            None => None,
            Some((name, position)) => match rules_by_name.get(name.as_str()) {
                Some(id) => Some(*id),
                None => {
                    let message = format!("the root rule {:?} is not defined", excerpt(name));
                    return Err(GrammarError::syntax(message).at(*position));
                }
            },
        };
        let document = GrammarDocument {
            mode: source.mode,
            language: source.language,
            tag_format: source.tag_format,
            global_tags: source.global_tags,
            base: source.base,
            lexicons: source.lexicons,
            root,
            rules: Vec::with_capacity(source.rules.len()),
            rules_by_name,
            externals: Vec::new(),
            parts: Vec::new(),
            runs: Vec::new(),
            leaves: Vec::new(),
            tokens: Vec::new(),
            tags: Vec::new(),
            alternatives: Vec::new(),
            repeats: Vec::new(),
            words: HashMap::new(),
            spellings: Vec::new(),
            bytes,
        };
        let mut compiler = Self {
            document,
            tokens: HashMap::new(),
            tags: HashMap::new(),
            externals: HashMap::new(),
            unfinished: Vec::new(),
            locals: Vec::new(),
            referred: Vec::new(),
        };
        for rule in source.rules {
            let part = compiler.part(rule.expansion)?;
            let sorted = |mut ids: Vec<u32>| {
                ids.sort_unstable();
                ids.dedup();
                ids
            };
            let name = compiler.document.rules_by_name.get_key_value(rule.name.as_str());
            let name = name.map_or_else(|| rule.name.as_str().into(), |(name, _)| Arc::clone(name));
            compiler.document.rules.push(Rule {
                name,
                is_public: rule.is_public,
                part,
                examples: rule.examples,
                position: rule.position,
                locals: sorted(std::mem::take(&mut compiler.locals)),
                externals: sorted(std::mem::take(&mut compiler.referred)),
            });
        }
        compiler.index_first_words();
        Ok(compiler.document)
    }

    fn push(&mut self, part: Part) -> PartId {
        let id = next_id(&self.document.parts);
        self.document.parts.push(part);
        id
    }

    /// Documents are not nested deeper than their readers allow, so recursion is bounded.
    fn part(&mut self, expansion: Expansion) -> Result<PartId, GrammarError> {
        match expansion {
            Expansion::Sequence(parts) => self.sequence(parts),
            leaf @ (Expansion::Token(_) | Expansion::Tag(_)) => self.sequence(vec![leaf]),
            Expansion::Alternatives(alternatives) => self.alternatives(alternatives),
            Expansion::Repeat(repeat) => self.repeat(*repeat),
            Expansion::Reference(reference) => self.reference(reference.target, reference.position),
            Expansion::Garbage => Ok(self.push(Part::Garbage)),
            Expansion::Void => Ok(self.push(Part::Void)),
        }
    }

    /// Tokens and tags that follow each other become one run; what remains becomes pairs, the last one innermost.
    fn sequence(&mut self, expansions: Vec<Expansion>) -> Result<PartId, GrammarError> {
        let mut parts = Vec::new();
        let mut leaves = Vec::new();
        let mut flat = Vec::with_capacity(expansions.len());
        flatten(expansions, &mut flat);
        for expansion in flat {
            match expansion {
                Expansion::Token(token) => leaves.push(self.token(token)),
                Expansion::Tag(tag) => leaves.push(self.tag(tag)),
                other => {
                    if !leaves.is_empty() {
                        let run = self.run(&std::mem::take(&mut leaves));
                        parts.push(self.push(Part::Run(run)));
                    }
                    parts.push(self.part(other)?);
                }
            }
        }
        if !leaves.is_empty() || parts.is_empty() {
            let run = self.run(&leaves);
            parts.push(self.push(Part::Run(run)));
        }
        let mut last = parts.pop().unwrap_or_default();
        while let Some(part) = parts.pop() {
            last = self.push(Part::Pair(part, last));
        }
        Ok(last)
    }

    fn run(&mut self, leaves: &[Leaf]) -> u32 {
        let start = next_id(&self.document.leaves);
        self.document.leaves.extend_from_slice(leaves);
        let id = next_id(&self.document.runs);
        self.document.runs.push(Run { start, end: next_id(&self.document.leaves) });
        id
    }

    fn token(&mut self, token: source::Token) -> Leaf {
        let document = &mut self.document;
        let source::Token { written, language, spoken, sounds } = token;
        let key = (written, language, spoken);
        if let Some(id) = self.tokens.get(&key) {
            return Leaf::Token(*id);
        }
        let spelled = match document.mode {
            crate::InputMode::Dtmf => vec![key.0.clone()],
            crate::InputMode::Speech => source::words(key.2.as_deref().unwrap_or(&key.0), key.1),
        };
        let mut words = Vec::with_capacity(spelled.len());
        for word in spelled {
            words.push(match document.words.get(word.as_str()) {
                Some(known) => *known,
                None => {
                    let id = next_id(&document.spellings);
                    let word: Arc<str> = word.into();
                    document.spellings.push(Arc::clone(&word));
                    document.words.insert(word, id);
                    id
                }
            });
        }
        let id = next_id(&document.tokens);
        let written = key.0.as_str().into();
        document.tokens.push(Token { written, words: words.into_boxed_slice(), sounds: sounds.into_boxed_slice() });
        self.tokens.insert(key, id);
        Leaf::Token(id)
    }

    fn tag(&mut self, tag: Arc<str>) -> Leaf {
        let tags = &mut self.document.tags;
        let id = *self.tags.entry(Arc::clone(&tag)).or_insert_with(|| {
            tags.push(tag);
            next_id(tags) - 1
        });
        Leaf::Tag(id)
    }

    fn alternatives(&mut self, alternatives: Vec<Alternative>) -> Result<PartId, GrammarError> {
        let heaviest = alternatives.iter().map(|alternative| alternative.weight).fold(0.0, f32::max);
        let mut phrases = Vec::new();
        let mut others = Vec::new();
        for (alternative, order) in alternatives.into_iter().zip(0..) {
            let part = self.part(alternative.expansion)?;
            // A likelihood of 0: it cannot be said.
            if alternative.weight <= 0.0 {
                continue;
            }
            let cost = cost_of(alternative.weight / heaviest);
            match self.document.part(part) {
                Part::Run(run) => {
                    let words = self.words_of(run);
                    phrases.push((words, Phrase { run, cost, order }));
                    // The phrase is in the index; nothing refers to the part.
                    if index(part) + 1 == self.document.parts.len() {
                        self.document.parts.pop();
                    }
                }
                Part::Void => {}
                Part::Pair(..)
                | Part::Alternatives(_)
                | Part::Repeat(_)
                | Part::Local(_)
                | Part::External(_)
                | Part::Garbage => others.push(Other { part, cost, order, is_anchored: false }),
            }
        }
        let id = next_id(&self.document.alternatives);
        if !others.is_empty() {
            self.unfinished.push(id);
        }
        self.document.alternatives.push(Alternatives {
            phrases: PhraseIndex::new(phrases),
            others,
            by_first: Vec::new(),
            always: Vec::new(),
            anchored: Vec::new(),
            lead_max: 0,
        });
        Ok(self.push(Part::Alternatives(id)))
    }

    fn words_of(&self, run: u32) -> Vec<WordId> {
        let leaves = self.document.leaves(run).iter();
        leaves
            .filter_map(|leaf| match leaf {
                Leaf::Token(id) => self.document.token(*id),
                Leaf::Tag(_) => None,
            })
            .flat_map(|token| token.words.iter().copied())
            .collect()
    }

    fn repeat(&mut self, repeat: source::Repeat) -> Result<PartId, GrammarError> {
        let of = self.part(repeat.of)?;
        let (cost_more, cost_stop) = match repeat.probability {
            None => (0, 0),
            Some(probability) => (cost_of(probability), cost_of(1.0 - probability)),
        };
        let max = repeat.max.unwrap_or(u32::MAX);
        let id = next_id(&self.document.repeats);
        self.document.repeats.push(Repeat { of, min: repeat.min, max, cost_more, cost_stop });
        Ok(self.push(Part::Repeat(id)))
    }

    fn reference(&mut self, target: Target, position: Position) -> Result<PartId, GrammarError> {
        match target {
            Target::Local(name) => match self.document.rules_by_name.get(name.as_str()) {
                Some(id) => {
                    let id = *id;
                    self.locals.push(id);
                    Ok(self.push(Part::Local(id)))
                }
                None => {
                    let message = format!("there is no rule {:?}", excerpt(&name));
                    Err(GrammarError::syntax(message).at(position))
                }
            },
            Target::External { uri, media_type } => {
                let externals = &mut self.document.externals;
                let id = *self.externals.entry((uri.clone(), media_type.clone())).or_insert_with(|| {
                    externals.push(External { uri, media_type, position });
                    next_id(externals) - 1
                });
                self.referred.push(id);
                Ok(self.push(Part::External(id)))
            }
        }
    }

    /// Sorts alternatives that are no phrases by the words that they begin with, so that a long list of them is not
    /// tried one by one.
    fn index_first_words(&mut self) {
        let mut known = HashMap::new();
        for id in std::mem::take(&mut self.unfinished) {
            let Some(alternatives) = self.document.alternatives(id) else { continue };
            let mut by_first = Vec::new();
            let mut always = Vec::new();
            let mut anchored = Vec::new();
            let mut lead_max = 0;
            for (other, number) in alternatives.others.iter().zip(0..) {
                match first_words(&self.document, other.part, 0, &mut known) {
                    First::Words(words) => match anchor(&self.document, other.part, &mut known) {
                        Some((lead, anchors)) if lead > 0 => {
                            lead_max = lead.max(lead_max);
                            anchored.extend(anchors.into_iter().map(|word| Anchored { word, lead, other: number }));
                            by_first.extend(words.into_iter().map(|word| (word, number)));
                        }
                        _ => by_first.extend(words.into_iter().map(|word| (word, number))),
                    },
                    First::Anything | First::MaybeNothing(_) => always.push(number),
                }
            }
            // A few are tried as quickly as they are looked up.
            if by_first.len() < ANCHORED_MIN {
                anchored.clear();
                lead_max = 0;
            }
            by_first.sort_unstable();
            anchored.sort_unstable();
            if let Some(alternatives) = self.document.alternatives.get_mut(index(id)) {
                alternatives.by_first = by_first;
                alternatives.always = always;
                for anchored in &anchored {
                    if let Some(other) = alternatives.others.get_mut(index(anchored.other)) {
                        other.is_anchored = true;
                    }
                }
                alternatives.anchored = anchored;
                alternatives.lead_max = lead_max;
            }
        }
    }
}

/// A sequence in a sequence is as if it stood there itself.
fn flatten(expansions: Vec<Expansion>, flat: &mut Vec<Expansion>) {
    for expansion in expansions {
        match expansion {
            Expansion::Sequence(inner) => flatten(inner, flat),
            other => flat.push(other),
        }
    }
}

/// What a part may begin with.
#[derive(Debug, Clone)]
enum First {
    /// One of these words.
    Words(Vec<WordId>),
    /// One of these words; or it is passed without any.
    MaybeNothing(Vec<WordId>),
    /// Anything, as far as is known.
    Anything,
}

impl First {
    fn of(mut words: Vec<WordId>, maybe_nothing: bool) -> Self {
        words.sort_unstable();
        words.dedup();
        match (words.len() > FIRST_WORDS_MAX, maybe_nothing) {
            (true, _) => Self::Anything,
            (false, true) => Self::MaybeNothing(words),
            (false, false) => Self::Words(words),
        }
    }
}

fn first_words(document: &GrammarDocument, part: PartId, depth: usize, known: &mut HashMap<PartId, First>) -> First {
    if depth > FIRST_DEPTH_MAX {
        return First::Anything;
    }
    if let Some(first) = known.get(&part) {
        return first.clone();
    }
    // A rule that begins with itself is looked at once; what is answered meanwhile is always true.
    known.insert(part, First::Anything);
    let first = match document.part(part) {
        Part::Run(run) => run_first(document, run),
        Part::Pair(left, right) => match first_words(document, left, depth + 1, known) {
            First::MaybeNothing(mut words) => match first_words(document, right, depth + 1, known) {
                First::Words(more) => {
                    words.extend(more);
                    First::of(words, false)
                }
                First::MaybeNothing(more) => {
                    words.extend(more);
                    First::of(words, true)
                }
                First::Anything => First::Anything,
            },
            first => first,
        },
        Part::Alternatives(id) => match document.alternatives(id) {
            Some(alternatives) => alternatives_first(document, alternatives, depth, known),
            None => First::Words(Vec::new()),
        },
        Part::Repeat(id) => match document.repeat(id) {
            Some(repeat) => match (first_words(document, repeat.of, depth + 1, known), repeat.min) {
                (First::Words(words), 0) => First::MaybeNothing(words),
                (first, _) => first,
            },
            None => First::Words(Vec::new()),
        },
        Part::Local(rule) => match document.rule(rule) {
            Some(rule) => first_words(document, rule.part, depth + 1, known),
            None => First::Words(Vec::new()),
        },
        Part::External(_) | Part::Garbage => First::Anything,
        Part::Void => First::Words(Vec::new()),
    };
    known.insert(part, first.clone());
    first
}

/// The words of which one must stand behind at most so many others when a part is said: those that its first part that
/// cannot be left out begins with.
fn anchor(
    document: &GrammarDocument,
    part: PartId,
    known: &mut HashMap<PartId, First>,
) -> Option<(usize, Vec<WordId>)> {
    let mut part = part;
    let mut lead = 0usize;
    while let Part::Pair(left, right) = document.part(part) {
        match first_words(document, left, 0, known) {
            First::Words(words) => return Some((lead, words)),
            First::MaybeNothing(_) => {
                lead = lead.saturating_add(words_max(document, left, 0)?);
                if lead > LEAD_MAX {
                    return None;
                }
                part = right;
            }
            First::Anything => return None,
        }
    }
    match first_words(document, part, 0, known) {
        First::Words(words) => Some((lead, words)),
        First::MaybeNothing(_) | First::Anything => None,
    }
}

/// The most words that a part covers; `None` when there is no most, or it is hard to tell.
fn words_max(document: &GrammarDocument, part: PartId, depth: usize) -> Option<usize> {
    const DEPTH_MAX: usize = 4;
    if depth > DEPTH_MAX {
        return None;
    }
    let count = |run: u32| -> usize {
        let leaves = document.leaves(run).iter();
        leaves
            .filter_map(|leaf| match leaf {
                Leaf::Token(id) => document.token(*id),
                Leaf::Tag(_) => None,
            })
            .map(|token| token.words.len())
            .sum()
    };
    match document.part(part) {
        Part::Run(run) => Some(count(run)),
        Part::Alternatives(id) => {
            let alternatives = document.alternatives(id)?;
            if alternatives.phrases.len() + alternatives.others.len() > FIRST_WORDS_MAX {
                return None;
            }
            let phrases = alternatives.phrases.all().iter().map(|phrase| Some(count(phrase.run)));
            let others = alternatives.others.iter().map(|other| words_max(document, other.part, depth + 1));
            phrases.chain(others).try_fold(0, |most, words| Some(words?.max(most)))
        }
        Part::Repeat(id) => {
            let repeat = document.repeat(id)?;
            let times = usize::try_from(repeat.max).ok()?;
            words_max(document, repeat.of, depth + 1)?.checked_mul(times)
        }
        Part::Pair(left, right) => {
            words_max(document, left, depth + 1)?.checked_add(words_max(document, right, depth + 1)?)
        }
        Part::Local(rule) => words_max(document, document.rule(rule)?.part, depth + 1),
        Part::Void => Some(0),
        Part::External(_) | Part::Garbage => None,
    }
}

fn run_first(document: &GrammarDocument, run: u32) -> First {
    let mut tokens = document.leaves(run).iter().filter_map(|leaf| match leaf {
        Leaf::Token(id) => document.token(*id),
        Leaf::Tag(_) => None,
    });
    match tokens.find_map(|token| token.words.first()) {
        Some(word) => First::Words(vec![*word]),
        None => First::MaybeNothing(Vec::new()),
    }
}

fn alternatives_first(
    document: &GrammarDocument,
    alternatives: &Alternatives,
    depth: usize,
    known: &mut HashMap<PartId, First>,
) -> First {
    let mut words = Vec::new();
    let mut maybe_nothing = false;
    let phrases = alternatives.phrases.all().iter().map(|phrase| run_first(document, phrase.run));
    let mut firsts: Vec<First> = phrases.take(FIRST_WORDS_MAX + 1).collect();
    if alternatives.phrases.len() > FIRST_WORDS_MAX {
        return First::Anything;
    }
    for other in &alternatives.others {
        firsts.push(first_words(document, other.part, depth + 1, known));
        if firsts.len() > FIRST_WORDS_MAX {
            return First::Anything;
        }
    }
    for first in firsts {
        match first {
            First::Words(more) => words.extend(more),
            First::MaybeNothing(more) => {
                words.extend(more);
                maybe_nothing = true;
            }
            First::Anything => return First::Anything,
        }
    }
    First::of(words, maybe_nothing)
}

/// The cost of a likelihood from 0 to 1.
fn cost_of(likelihood: f32) -> Cost {
    const PER_UNIT: f32 = 1_000.0;
    let cost = -likelihood.clamp(PROBABILITY_MIN, 1.0).ln() * PER_UNIT;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 13,816")]
    let whole = cost.round() as Cost;
    whole
}
