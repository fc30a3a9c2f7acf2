//! Which parts of a grammar cover which words of an input.
//!
//! A *goal* is a part that may begin at a word. Each goal is begun once, however many ways lead to it, and keeps the
//! words at which it may end; whoever waits for it is told of each end once, whichever came first. So recursion to the
//! left ends like any other, and the work is bounded by the parts that fit, times the square of the words, and by
//! [`STEPS_MAX`]. A part is begun only where all before it fits and only if it can be said at all: when the
//! input ends while a token is looked for, more words could match.

use std::collections::HashMap;

use crate::grammar::{
    DtmfMatch, Grammar, HeardWord, InputMode, Instance, Utterance,
    document::{Alternatives, Cost, Leaf, Other, Part, PartId, Repeat, WordId, index},
    linked::{LinkTarget, LinkedGrammar, RuleAddress},
    matcher::Progress,
    rule_grammar::Surroundings,
};

/// Work for one input. What people say to grammars that people write takes some hundred steps; this takes some ten
/// milliseconds.
const STEPS_MAX: u32 = 200_000;
/// What asking a builtin grammar about one word more counts.
const BUILTIN_STEPS: u32 = 50;
/// Asking it whether more words can follow is as much as asking about so many words.
const BUILTIN_GOES_ON_STEPS: u32 = 20;
/// Words that a builtin grammar inside of another may cover.
const BUILTIN_WORDS_MAX: usize = 40;
/// What each word of GARBAGE costs: more than any weight, so that it covers as little as it can.
const GARBAGE_COST: u64 = 1 << 20;
/// Alternatives that begin with the same word and are tried without looking further.
const BEGUN_MAX: usize = 16;
/// A word that no token has.
const UNKNOWN: WordId = WordId::MAX;

pub(super) type GoalId = usize;

/// A part that may begin at a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct GoalKey {
    pub(super) document: usize,
    pub(super) part: PartId,
    pub(super) stage: Stage,
    pub(super) start: usize,
}

/// Which part of a part a goal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// All of it.
    Whole,
    /// Of a repeat: so many passes. Without an end to the passes, those beyond the least count as the least.
    Passes(u32),
}

#[derive(Debug)]
struct Goal {
    key: GoalKey,
    /// By the word before which the part ends, ascending.
    ends: Vec<End>,
    waiters: Vec<Waiter>,
}

#[derive(Debug)]
pub(super) struct End {
    pub(super) at: usize,
    /// The ways that lead here.
    pub(super) ways: Vec<Way>,
    /// Ends are numbered as they come: the first way of each rests on lower numbers only.
    pub(super) number: usize,
}

/// One way in which a goal comes to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The run of the part.
    Run(u32),
    /// A phrase of alternatives, its cost and its place among them.
    Phrase { run: u32, cost: Cost, order: u32 },
    /// Another alternative.
    Other { goal: GoalId, cost: Cost, order: u32 },
    /// Two parts that meet before a word.
    Pair { left: GoalId, middle: usize, right: GoalId },
    /// No pass of a repeat yet.
    NoPass,
    /// One more pass of a repeat, behind others.
    Pass { before: GoalId, middle: usize, body: GoalId, cost: Cost },
    /// No more passes of a repeat.
    Stop { passes: GoalId, cost: Cost },
    /// A rule of the document, or of another one: the goal is its expansion.
    Rule { address: RuleAddress, goal: GoalId, external: Option<u32> },
    /// A builtin grammar; its value is in the chart.
    Builtin { external: u32, value: usize },
    /// Words that mean nothing.
    Garbage,
}

/// What waits for a goal to end.
#[derive(Debug, Clone, Copy)]
struct Waiter {
    parent: GoalId,
    then: Then,
}

#[derive(Debug, Clone, Copy)]
enum Then {
    Other {
        cost: Cost,
        order: u32,
    },
    PairLeft {
        right: PartId,
    },
    PairRight {
        left: GoalId,
        middle: usize,
    },
    /// Passes: another one may come.
    Pass {
        repeat: Repeat,
        passed: u32,
    },
    /// The body of another pass.
    Body {
        before: GoalId,
        middle: usize,
        repeat: Repeat,
        passed: u32,
    },
    Stop {
        cost: Cost,
    },
    Rule {
        address: RuleAddress,
        external: Option<u32>,
    },
}

#[derive(Debug)]
enum Task {
    Begin(GoalId),
    Ended { goal: GoalId, at: usize, waiter: Waiter },
}

/// All goals of one input.
pub(super) struct Chart<'a> {
    grammar: &'a LinkedGrammar,
    input: &'a Utterance,
    mode: InputMode,
    surroundings: Surroundings,
    /// The words of the input as each document numbers them.
    words: Vec<Vec<WordId>>,
    goals: Vec<Goal>,
    by_key: HashMap<GoalKey, GoalId>,
    tasks: Vec<Task>,
    values: Vec<Instance>,
    ends: usize,
    ways: usize,
    steps: u32,
    could_go_on: bool,
}

impl<'a> Chart<'a> {
    /// Finds all ways through the grammar. `surroundings` are for builtin grammars inside of it.
    pub(super) fn fill(grammar: &'a LinkedGrammar, input: &'a Utterance, surroundings: Surroundings) -> Self {
        let words = grammar.documents.iter().map(|linked| {
            let number = |spelling: &str| linked.document.words.get(spelling).copied().unwrap_or(UNKNOWN);
            input.words().iter().map(|word| number(&word.spelling)).collect()
        });
        let mode = grammar.document(0).map_or(InputMode::Speech, |linked| linked.document.mode);
        let mut chart = Self {
            grammar,
            input,
            mode,
            surroundings,
            words: words.collect(),
            goals: Vec::new(),
            by_key: HashMap::new(),
            tasks: Vec::new(),
            values: Vec::new(),
            ends: 0,
            ways: 0,
            steps: 0,
            could_go_on: false,
        };
        if let Some(key) = chart.key_of_rule(grammar.root, 0) {
            chart.goal(key);
        }
        while let Some(task) = chart.tasks.pop() {
            if !chart.spend(1) {
                break;
            }
            match task {
                Task::Begin(goal) => chart.begin(goal),
                Task::Ended { goal, at, waiter } => chart.ended(goal, at, waiter),
            }
        }
        chart
    }

    /// The goal of the activated rule from the first word on.
    pub(super) fn root(&self) -> GoalId {
        0
    }

    pub(super) fn word_count(&self) -> usize {
        self.input.words().len()
    }

    /// How many ways the chart holds.
    pub(super) fn way_count(&self) -> usize {
        self.ways
    }

    /// How the input stands to the grammar.
    pub(super) fn progress(&self) -> Progress {
        if self.is_exhausted() || !self.input.is_complete() {
            return Progress::NoMatch;
        }
        let matches = self.end(self.root(), self.word_count()).is_some();
        match (matches, self.could_go_on) {
            (true, can_grow) => Progress::Complete { can_grow },
            (false, true) => Progress::Prefix,
            (false, false) => Progress::NoMatch,
        }
    }

    /// Whether the work was given up before its end.
    pub(super) fn is_exhausted(&self) -> bool {
        self.steps >= STEPS_MAX
    }

    pub(super) fn key(&self, goal: GoalId) -> Option<GoalKey> {
        self.goals.get(goal).map(|goal| goal.key)
    }

    pub(super) fn end(&self, goal: GoalId, at: usize) -> Option<&End> {
        let ends = &self.goals.get(goal)?.ends;
        ends.binary_search_by_key(&at, |end| end.at).ok().and_then(|found| ends.get(found))
    }

    pub(super) fn value(&self, number: usize) -> Option<&Instance> {
        self.values.get(number)
    }

    /// What a way costs by itself.
    pub(super) fn cost(&self, way: Way, start: usize, end: usize) -> u64 {
        match way {
            Way::Phrase { cost, .. } | Way::Other { cost, .. } | Way::Pass { cost, .. } | Way::Stop { cost, .. } => {
                u64::from(cost)
            }
            Way::Garbage => GARBAGE_COST.saturating_mul(u64::try_from(end.saturating_sub(start)).unwrap_or(u64::MAX)),
            Way::Run(_) | Way::NoPass | Way::Pair { .. } | Way::Rule { .. } | Way::Builtin { .. } => 0,
        }
    }

    fn spend(&mut self, steps: u32) -> bool {
        self.steps = self.steps.saturating_add(steps);
        !self.is_exhausted()
    }

    fn key_of_rule(&self, address: RuleAddress, start: usize) -> Option<GoalKey> {
        let part = self.grammar.document(address.document)?.document.rule(address.rule)?.part;
        Some(GoalKey { document: address.document, part, stage: Stage::Whole, start })
    }

    /// The goal with this key, begun if it is new.
    fn goal(&mut self, key: GoalKey) -> GoalId {
        if let Some(goal) = self.by_key.get(&key) {
            return *goal;
        }
        let goal = self.goals.len();
        self.goals.push(Goal { key, ends: Vec::new(), waiters: Vec::new() });
        self.by_key.insert(key, goal);
        self.tasks.push(Task::Begin(goal));
        goal
    }

    /// Lets `waiter` know of each end of a goal, those that are known and those to come.
    fn wait(&mut self, key: GoalKey, waiter: Waiter) {
        let id = self.goal(key);
        let Some(goal) = self.goals.get_mut(id) else { return };
        goal.waiters.push(waiter);
        self.tasks.extend(goal.ends.iter().map(|end| Task::Ended { goal: id, at: end.at, waiter }));
    }

    fn add_end(&mut self, id: GoalId, at: usize, way: Way) {
        let Some(goal) = self.goals.get_mut(id) else { return };
        self.ways += 1;
        match goal.ends.binary_search_by_key(&at, |end| end.at) {
            Ok(known) => {
                if let Some(end) = goal.ends.get_mut(known) {
                    end.ways.push(way);
                }
            }
            Err(place) => {
                goal.ends.insert(place, End { at, ways: vec![way], number: self.ends });
                self.ends += 1;
                self.tasks.extend(goal.waiters.iter().map(|waiter| Task::Ended { goal: id, at, waiter: *waiter }));
            }
        }
    }

    fn begin(&mut self, id: GoalId) {
        let Some(key) = self.key(id) else { return };
        let grammar = self.grammar;
        let Some(linked) = grammar.document(key.document) else { return };
        let document = &linked.document;
        if !linked.is_productive(key.part) {
            return;
        }
        match document.part(key.part) {
            Part::Run(run) => {
                if let Some(end) = self.run(key, run) {
                    self.add_end(id, end, Way::Run(run));
                }
            }
            Part::Pair(left, right) => {
                let left = GoalKey { part: left, stage: Stage::Whole, ..key };
                self.wait(left, Waiter { parent: id, then: Then::PairLeft { right } });
            }
            Part::Alternatives(number) => {
                let Some(alternatives) = document.alternatives(number) else { return };
                let words = self.words.get(key.document).and_then(|words| words.get(key.start..)).unwrap_or_default();
                let mut found = Vec::new();
                let goes_on = alternatives.phrases.follow(words, |phrase, words| found.push((phrase, words)));
                let next = words.first().copied();
                self.could_go_on |= goes_on;
                self.spend(u32::try_from(found.len()).unwrap_or(u32::MAX));
                for (phrase, words) in found {
                    let Some(phrase) = alternatives.phrases.phrase(phrase) else { continue };
                    let way = Way::Phrase { run: phrase.run, cost: phrase.cost, order: phrase.order };
                    self.add_end(id, key.start + words, way);
                }
                let other = |number: &u32| alternatives.others.get(index(*number)).copied();
                let begun: Vec<Other> = match next {
                    Some(next) => {
                        let words = self.words.get(key.document).and_then(|words| words.get(key.start..));
                        let numbers = begun_with(alternatives, next, words.unwrap_or_default());
                        numbers.iter().filter_map(other).collect()
                    }
                    None => {
                        // They need a word: that is all that the end of the input can tell of them.
                        let mut others = alternatives.by_first.iter().filter_map(|(_, number)| other(number));
                        self.could_go_on |= others.any(|other| linked.is_productive(other.part));
                        Vec::new()
                    }
                };
                for other in begun.into_iter().chain(alternatives.always.iter().filter_map(other)) {
                    let then = Then::Other { cost: other.cost, order: other.order };
                    self.wait(GoalKey { part: other.part, stage: Stage::Whole, ..key }, Waiter { parent: id, then });
                }
            }
            Part::Repeat(number) => {
                let Some(repeat) = document.repeat(number) else { return };
                match key.stage {
                    Stage::Whole => self.repeat(id, key, *repeat),
                    Stage::Passes(passed) => self.passes(id, key, *repeat, passed),
                }
            }
            Part::Local(rule) => self.rule(id, key, RuleAddress { document: key.document, rule }, None),
            Part::External(external) => match linked.link(external).map(|link| &link.to) {
                Some(LinkTarget::Rule(address)) => self.rule(id, key, *address, Some(external)),
                Some(LinkTarget::Builtin { grammar, .. }) => self.builtin(id, key, external, grammar),
                None => {}
            },
            Part::Garbage => {
                self.could_go_on = true;
                let count = self.word_count();
                self.spend(u32::try_from(count.saturating_sub(key.start)).unwrap_or(u32::MAX));
                for end in key.start..=count {
                    self.add_end(id, end, Way::Garbage);
                }
            }
            Part::Void => {}
        }
    }

    /// Where a run ends that begins here.
    fn run(&mut self, key: GoalKey, run: u32) -> Option<usize> {
        let document = &self.grammar.document(key.document)?.document;
        let words = self.words.get(key.document)?;
        let mut at = key.start;
        for leaf in document.leaves(run) {
            let Leaf::Token(token) = leaf else { continue };
            for expected in &document.token(*token)?.words {
                match words.get(at) {
                    Some(word) if word == expected => at += 1,
                    Some(_) => return None,
                    None => {
                        self.could_go_on = true;
                        return None;
                    }
                }
            }
        }
        Some(at)
    }

    /// A repeat is as many passes as it must have, or more: it waits for each count of passes that will do.
    fn repeat(&mut self, id: GoalId, key: GoalKey, repeat: Repeat) {
        let cost = if repeat.min < repeat.max { repeat.cost_stop } else { 0 };
        self.wait(
            GoalKey { stage: Stage::Passes(repeat.min), ..key },
            Waiter { parent: id, then: Then::Stop { cost } },
        );
        // Fewer passes lead to it, one after the other.
        self.goal(GoalKey { stage: Stage::Passes(0), ..key });
    }

    /// So many passes: those before them and one more. The count goes up, the first word stays, so that a long repeat is
    /// walked once and not once from each of its words.
    fn passes(&mut self, id: GoalId, key: GoalKey, repeat: Repeat, passed: u32) {
        if passed < repeat.max {
            self.wait(key, Waiter { parent: id, then: Then::Pass { repeat, passed } });
        }
        if passed == 0 {
            self.add_end(id, key.start, Way::NoPass);
        }
        // Beyond the least each count of passes is an end of the repeat by itself.
        if passed > repeat.min {
            let cost = if passed < repeat.max { repeat.cost_stop } else { 0 };
            let whole = self.goal(GoalKey { stage: Stage::Whole, ..key });
            self.wait(key, Waiter { parent: whole, then: Then::Stop { cost } });
        }
    }

    fn rule(&mut self, id: GoalId, key: GoalKey, address: RuleAddress, external: Option<u32>) {
        let Some(expansion) = self.key_of_rule(address, key.start) else { return };
        self.wait(expansion, Waiter { parent: id, then: Then::Rule { address, external } });
    }

    fn ended(&mut self, goal: GoalId, at: usize, Waiter { parent, then }: Waiter) {
        let Some(key) = self.key(parent) else { return };
        match then {
            Then::Other { cost, order } => self.add_end(parent, at, Way::Other { goal, cost, order }),
            Then::PairLeft { right } => {
                let right = GoalKey { part: right, stage: Stage::Whole, start: at, ..key };
                self.wait(right, Waiter { parent, then: Then::PairRight { left: goal, middle: at } });
            }
            Then::PairRight { left, middle } => self.add_end(parent, at, Way::Pair { left, middle, right: goal }),
            Then::Pass { repeat, passed } => {
                let body = GoalKey { part: repeat.of, stage: Stage::Whole, start: at, ..key };
                let then = Then::Body { before: goal, middle: at, repeat, passed };
                self.wait(body, Waiter { parent, then });
            }
            Then::Body { before, middle, repeat, passed } => {
                let now = if at > middle {
                    let more = passed.saturating_add(1);
                    if repeat.max == u32::MAX { more.min(repeat.min) } else { more }
                } else if passed < repeat.min {
                    // What was passed without a word can be passed so as often as must be; once is enough.
                    repeat.min
                } else {
                    return;
                };
                let cost = if passed >= repeat.min { repeat.cost_more } else { 0 };
                let passes = self.goal(GoalKey { stage: Stage::Passes(now), ..key });
                self.add_end(passes, at, Way::Pass { before, middle, body: goal, cost });
            }
            Then::Stop { cost } => self.add_end(parent, at, Way::Stop { passes: goal, cost }),
            Then::Rule { address, external } => {
                self.add_end(parent, at, Way::Rule { address, goal, external });
            }
        }
    }

    /// Asks a builtin grammar what it covers from here on.
    fn builtin(&mut self, id: GoalId, key: GoalKey, external: u32, grammar: &Grammar) {
        let count = self.word_count();
        let last = count.min(key.start.saturating_add(BUILTIN_WORDS_MAX));
        match self.mode {
            InputMode::Speech => {
                let (texts, ends) = self.stretches(key.start, last);
                self.spend(BUILTIN_STEPS.saturating_mul(u32::try_from(texts.len()).unwrap_or(u32::MAX)));
                let Surroundings { language, today } = self.surroundings;
                for (length, value) in grammar.prefixes(&texts, language, today) {
                    let end = length.checked_sub(1).and_then(|last| ends.get(last)).copied();
                    end.into_iter().for_each(|end| self.add_builtin(id, end, external, value.clone()));
                }
                if last == count && !self.could_go_on {
                    self.spend(BUILTIN_STEPS.saturating_mul(BUILTIN_GOES_ON_STEPS));
                    self.could_go_on = texts.is_empty() || grammar.goes_on(&texts.join(" "), language, today);
                }
            }
            InputMode::Dtmf => {
                self.could_go_on |= key.start == count;
                for end in key.start + 1..=last {
                    self.spend(BUILTIN_STEPS);
                    let grows = match grammar.match_dtmf(self.input.heard(&(key.start..end))) {
                        DtmfMatch::Complete { can_grow, instance } => {
                            self.add_builtin(id, end, external, instance);
                            can_grow
                        }
                        DtmfMatch::Prefix => true,
                        DtmfMatch::NoMatch => false,
                    };
                    self.could_go_on |= grows && end == count;
                }
            }
        }
    }

    fn add_builtin(&mut self, id: GoalId, end: usize, external: u32, value: Instance) {
        let way = Way::Builtin { external, value: self.values.len() };
        self.values.push(value);
        self.add_end(id, end, way);
    }

    /// The words as they were heard, and where each ends: a number stands for several words.
    fn stretches(&self, start: usize, end: usize) -> (Vec<String>, Vec<usize>) {
        let (mut texts, mut ends): (Vec<String>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut at = start;
        while at < end {
            let Some(word) = self.input.words().get(at) else { break };
            let same = |other: &&HeardWord| other.span == word.span;
            let before = at.checked_sub(1).and_then(|before| self.input.words().get(before));
            let follows = self.input.words().iter().skip(at).take_while(same).count();
            // Of a number that was begun elsewhere the rest is read word by word.
            let length = if before.as_ref().is_some_and(same) { 1 } else { follows.max(1) };
            texts.push(if length > 1 {
                self.input.heard(&(at..at + length)).to_owned()
            } else {
                word.spelling.clone()
            });
            at += length;
            ends.push(at);
        }
        (texts, ends)
    }
}

/// The alternatives that may begin with `next`, the first of `words`. Where enough words follow, those that must have a word
/// that is not among them are left out.
fn begun_with(alternatives: &Alternatives, next: WordId, words: &[WordId]) -> Vec<u32> {
    let Alternatives { by_first, anchored, lead_max, .. } = alternatives;
    let first = by_first.partition_point(|(word, _)| *word < next);
    let begun = by_first.get(first..).unwrap_or_default().iter().take_while(|(word, _)| *word == next);
    let all: Vec<u32> = begun.map(|(_, number)| *number).collect();
    if all.len() <= BEGUN_MAX || anchored.is_empty() || words.len() <= *lead_max {
        return all;
    }
    let mut led: Vec<u32> = Vec::new();
    for (distance, word) in words.iter().take(lead_max + 1).enumerate() {
        let first = anchored.partition_point(|anchored| anchored.word < *word);
        let found = anchored.get(first..).unwrap_or_default().iter().take_while(|anchored| anchored.word == *word);
        led.extend(found.filter(|anchored| anchored.lead >= distance).map(|anchored| anchored.other));
    }
    led.sort_unstable();
    led.dedup();
    // Of those without such a word all stay. Both lists are sorted.
    let has_anchor = |number: &u32| alternatives.is_anchored(*number);
    all.into_iter().filter(|number| led.binary_search(number).is_ok() || !has_anchor(number)).collect()
}
