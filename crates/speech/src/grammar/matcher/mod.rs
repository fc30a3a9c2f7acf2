//! Finding an input in a grammar.

mod chart;
mod forest;
mod tree;

use std::sync::Arc;

use super::{ParseTree, Utterance, linked::LinkedGrammar, rule_grammar::Surroundings};
use chart::Chart;
use forest::Forest;

/// Readings of one input.
pub(super) const TREES_MAX: usize = 10;
/// Ways in a chart up to which more than the best reading is looked for.
const WAYS_MAX: usize = 20_000;

/// How an input stands to a grammar, when more may still come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// No continuation can match.
    NoMatch,
    /// More is needed.
    Prefix,
    /// It matches.
    Complete {
        /// More could match too.
        can_grow: bool,
    },
}

/// How an input stands to a grammar.
pub(super) fn progress(grammar: &LinkedGrammar, input: &Utterance, surroundings: Surroundings) -> Progress {
    Chart::fill(grammar, input, surroundings).progress()
}

/// The ways in which an input matches a grammar, at most `count` and never more than [`TREES_MAX`]: the heaviest first,
/// then that with the least GARBAGE, then as the document is read, repeats as long as they go. No two are the same.
pub(super) fn parse(
    grammar: &LinkedGrammar,
    input: &Arc<Utterance>,
    surroundings: Surroundings,
    count: usize,
) -> (Progress, Vec<ParseTree>) {
    let chart = Chart::fill(grammar, input, surroundings);
    let progress = chart.progress();
    let mut trees: Vec<ParseTree> = Vec::new();
    if let Progress::Complete { .. } = progress {
        // Of what has very many readings one must do.
        let count = if chart.way_count() > WAYS_MAX { 1 } else { count.min(TREES_MAX) };
        let forest = Forest::rank(&chart, count);
        for rank in 0..forest.len((chart.root(), chart.word_count())) {
            let Some(tree) = tree::tree(grammar, &chart, &forest, input, rank) else { continue };
            if !trees.contains(&tree) {
                trees.push(tree);
            }
        }
    }
    (progress, trees)
}
