//! All phrases of a grammar that has few.

use super::{
    document::{Leaf, Part, PartId, Token},
    linked::{LinkTarget, LinkedGrammar, RuleAddress},
};
use crate::{InputMode, text};

/// Work of writing out one grammar, in phrases built on the way: so many for each phrase that is wanted.
const WORK_PER_PHRASE: usize = 20;
/// And at least so many.
const WORK_MIN: usize = 200_000;
/// Words of a phrase.
const WORDS_MAX: usize = 40;
/// Rules and parts inside each other.
const DEPTH_MAX: usize = 200;

/// A phrase that a grammar accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// Its tokens as the grammar writes them: joined with spaces, except between Han characters and keys.
    pub text: String,
    /// Its words as grammars compare them, as in [`Utterance`](super::Utterance).
    pub words: Vec<String>,
}

/// Tokens with the documents that they are of.
pub(super) type Tokens<'a> = Vec<(usize, &'a Token)>;

/// The phrases of a grammar in the order of the document. `None` when there are more than `phrases_max`, or endlessly many:
/// the grammar repeats without end, refers to itself, or has GARBAGE or a builtin grammar in it.
pub(super) fn written(grammar: &LinkedGrammar, phrases_max: usize) -> Option<Vec<Tokens<'_>>> {
    let work_max = phrases_max.saturating_mul(WORK_PER_PHRASE).max(WORK_MIN);
    Writer { grammar, phrases_max, work_max, open: Vec::new(), work: 0, depth: 0 }.rule(grammar.root)
}

/// The same phrases as they are written and compared, equal ones once, empty ones left out.
pub(super) fn phrases(grammar: &LinkedGrammar, phrases_max: usize) -> Option<Vec<Phrase>> {
    let mut seen = std::collections::HashSet::new();
    let mut phrases = Vec::new();
    for tokens in written(grammar, phrases_max)? {
        let words: Vec<String> = tokens.iter().flat_map(|token| spelled(grammar, token)).collect();
        if !words.is_empty() && seen.insert(words.clone()) {
            phrases.push(Phrase { text: text_of(grammar, &tokens), words });
        }
    }
    Some(phrases)
}

/// A phrase as the grammar writes it.
pub(super) fn text_of(grammar: &LinkedGrammar, tokens: &Tokens<'_>) -> String {
    let written = || tokens.iter().map(|(_, token)| token.written.as_ref());
    match grammar.document(0).map(|linked| linked.document.mode) {
        Some(InputMode::Dtmf) => written().collect(),
        Some(InputMode::Speech) | None => text::collapse_space(&written().collect::<Vec<_>>().join(" ")),
    }
}

fn spelled(grammar: &LinkedGrammar, (document, token): &(usize, &Token)) -> Vec<String> {
    let Some(linked) = grammar.document(*document) else { return Vec::new() };
    token.words.iter().filter_map(|word| linked.document.spelling(*word)).map(|word| word.to_string()).collect()
}

struct Writer<'a> {
    grammar: &'a LinkedGrammar,
    phrases_max: usize,
    work_max: usize,
    /// The rules under way.
    open: Vec<RuleAddress>,
    work: usize,
    depth: usize,
}

impl<'a> Writer<'a> {
    fn rule(&mut self, address: RuleAddress) -> Option<Vec<Tokens<'a>>> {
        if self.open.contains(&address) {
            return None;
        }
        let rule = self.grammar.document(address.document)?.document.rule(address.rule)?;
        self.open.push(address);
        let phrases = self.part(address.document, rule.part);
        self.open.pop();
        phrases
    }

    fn part(&mut self, document: usize, part: PartId) -> Option<Vec<Tokens<'a>>> {
        self.depth += 1;
        let phrases = if self.depth > DEPTH_MAX { None } else { self.part_itself(document, part) };
        self.depth -= 1;
        phrases
    }

    fn part_itself(&mut self, number: usize, mut part: PartId) -> Option<Vec<Tokens<'a>>> {
        let linked = self.grammar.document(number)?;
        let document = &linked.document;
        if !linked.is_productive(part) {
            return Some(Vec::new());
        }
        let mut heads: Vec<Tokens<'a>> = vec![Vec::new()];
        // A long sequence is a long chain of pairs.
        while let Part::Pair(left, right) = document.part(part) {
            let tails = self.part(number, left)?;
            heads = self.joined(&heads, &tails)?;
            part = right;
        }
        let tails = match document.part(part) {
            Part::Run(run) => vec![self.run(number, run)?],
            Part::Alternatives(alternatives) => {
                let alternatives = document.alternatives(alternatives)?;
                let mut choices = Vec::new();
                self.check(alternatives.phrases.len().saturating_add(alternatives.others.len()))?;
                for phrase in alternatives.phrases.all() {
                    choices.push((phrase.order, vec![self.run(number, phrase.run)?]));
                }
                for other in &alternatives.others {
                    choices.push((other.order, self.part(number, other.part)?));
                }
                choices.sort_by_key(|(order, _)| *order);
                let phrases: Vec<Tokens<'a>> = choices.into_iter().flat_map(|(_, phrases)| phrases).collect();
                self.check(phrases.len())?;
                phrases
            }
            Part::Repeat(repeat) => {
                let repeat = *document.repeat(repeat)?;
                self.repeated(number, repeat.of, repeat.min, repeat.max)?
            }
            Part::Local(rule) => self.rule(RuleAddress { document: number, rule })?,
            Part::External(external) => match &linked.link(external)?.to {
                LinkTarget::Rule(address) => self.rule(*address)?,
                LinkTarget::Builtin { .. } => return None,
            },
            Part::Garbage | Part::Pair(..) => return None,
            Part::Void => Vec::new(),
        };
        self.joined(&heads, &tails)
    }

    fn repeated(&mut self, number: usize, of: PartId, min: u32, max: u32) -> Option<Vec<Tokens<'a>>> {
        let once = if max == 0 { Vec::new() } else { self.part(number, of)? };
        let mut repeated: Vec<Tokens<'a>> = vec![Vec::new()];
        let mut phrases = if min == 0 { repeated.clone() } else { Vec::new() };
        // What says nothing says nothing however often.
        let says_nothing = once.iter().all(Vec::is_empty);
        let last = if says_nothing { max.min(min.max(1)).min(1) } else { max };
        let mut count = 0;
        while count < last && !once.is_empty() {
            count += 1;
            repeated = self.joined(&repeated, &once)?;
            if count >= min || says_nothing {
                phrases.extend(repeated.iter().cloned());
                self.check(phrases.len())?;
            }
        }
        Some(phrases)
    }

    fn run(&mut self, number: usize, run: u32) -> Option<Tokens<'a>> {
        let grammar = self.grammar;
        let document = &grammar.document(number)?.document;
        self.work += 1;
        let leaves = document.leaves(run).iter();
        leaves
            .filter_map(|leaf| match leaf {
                Leaf::Token(token) => Some(document.token(*token).map(|token| (number, token))),
                Leaf::Tag(_) => None,
            })
            .collect()
    }

    fn joined(&mut self, heads: &[Tokens<'a>], tails: &[Tokens<'a>]) -> Option<Vec<Tokens<'a>>> {
        let count = heads.len().saturating_mul(tails.len());
        self.check(count)?;
        let mut joined = Vec::with_capacity(count);
        for head in heads {
            for tail in tails {
                let tokens = [head.as_slice(), tail.as_slice()].concat();
                if tokens.len() > WORDS_MAX {
                    return None;
                }
                joined.push(tokens);
            }
        }
        Some(joined)
    }

    fn check(&mut self, count: usize) -> Option<()> {
        self.work = self.work.saturating_add(count);
        (count <= self.phrases_max && self.work <= self.work_max).then_some(())
    }
}
