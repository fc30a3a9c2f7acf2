//! Parse trees from the ranked ways of a chart.

use std::sync::Arc;

use super::{
    chart::{Chart, Way},
    forest::{Forest, Node, below},
};
use crate::grammar::{
    ParseNode, ParseTree, RuleInstance, Utterance,
    document::Leaf,
    linked::{LinkTarget, LinkedGrammar, RuleAddress},
};

/// Rules inside rules. Who reads a tree does so by recursion.
const DEPTH_MAX: usize = 200;

/// What is still to be put into the tree.
enum Step {
    Visit { node: Node, rank: usize },
    CloseRule,
}

/// The tree of the way to the whole input with this rank; `None` when there is none, or when it is too deep.
pub(super) fn tree(
    grammar: &LinkedGrammar,
    chart: &Chart<'_>,
    forest: &Forest,
    input: &Arc<Utterance>,
    rank: usize,
) -> Option<ParseTree> {
    let root = (chart.root(), chart.word_count());
    let mut open = vec![instance(grammar, grammar.root, None, 0, root.1)?];
    let mut steps = vec![Step::Visit { node: root, rank }];
    while let Some(step) = steps.pop() {
        let Step::Visit { node, rank } = step else {
            let closed = open.pop()?;
            open.last_mut()?.children.push(ParseNode::Rule(closed));
            continue;
        };
        let choice = forest.choice(node, rank)?;
        let key = chart.key(node.0)?;
        let [first, second] = below(choice.way, node.1);
        if let Some(second) = second {
            steps.push(Step::Visit { node: second, rank: choice.ranks.1 });
        }
        let linked = grammar.document(key.document)?;
        match choice.way {
            Way::Rule { address, external, .. } => {
                let reference = external.and_then(|external| linked.link(external)).map(|link| &link.reference);
                open.push(instance(grammar, address, reference.cloned(), key.start, node.1)?);
                if open.len() > DEPTH_MAX {
                    return None;
                }
                steps.push(Step::CloseRule);
            }
            Way::Builtin { external, value } => {
                let link = linked.link(external)?;
                let LinkTarget::Builtin { kind, source, .. } = &link.to else { return None };
                let words = key.start..node.1;
                let written = input.heard(&words).into();
                let parent = open.last_mut()?;
                parent.children.push(ParseNode::Rule(RuleInstance {
                    rule: Arc::clone(kind),
                    grammar: Arc::clone(source),
                    reference: Some(Arc::clone(&link.reference)),
                    children: vec![ParseNode::Token { written, words: words.clone() }],
                    words,
                    value: chart.value(value).cloned(),
                }));
            }
            Way::Run(run) | Way::Phrase { run, .. } => {
                let parent = open.last_mut()?;
                let mut at = key.start;
                for leaf in linked.document.leaves(run) {
                    parent.children.push(match leaf {
                        Leaf::Tag(tag) => {
                            ParseNode::Tag(linked.document.tags.get(crate::grammar::document::index(*tag))?.clone())
                        }
                        Leaf::Token(token) => {
                            let token = linked.document.token(*token)?;
                            let words = at..at + token.words.len();
                            at = words.end;
                            ParseNode::Token { written: Arc::clone(&token.written), words }
                        }
                    });
                }
            }
            Way::Other { .. } | Way::Pair { .. } | Way::NoPass | Way::Pass { .. } | Way::Stop { .. } | Way::Garbage => {
            }
        }
        if let Some(first) = first {
            steps.push(Step::Visit { node: first, rank: choice.ranks.0 });
        }
    }
    Some(ParseTree { root: open.pop()?, input: Arc::clone(input) })
}

fn instance(
    grammar: &LinkedGrammar,
    address: RuleAddress,
    reference: Option<Arc<str>>,
    start: usize,
    end: usize,
) -> Option<RuleInstance> {
    let linked = grammar.document(address.document)?;
    let rule = linked.document.rule(address.rule)?;
    Some(RuleInstance {
        rule: Arc::clone(&rule.name),
        grammar: Arc::clone(&linked.source),
        reference,
        children: Vec::new(),
        words: start..end,
        value: None,
    })
}
