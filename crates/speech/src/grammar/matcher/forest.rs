//! The best ways of all that a chart holds.

use std::collections::HashMap;

use super::chart::{Chart, GoalId, Way};

/// A goal with one of its ends.
pub(super) type Node = (GoalId, usize);

/// One of the best ways to a node, with the rank of the way that is taken below it: of both parts where there are two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) way: Way,
    pub(super) ranks: (usize, usize),
    cost: u64,
    /// Between ways of the same cost: what stands first in the document, what is longer, what repeats.
    preference: u64,
}

/// The best ways to each node below the root.
pub(super) struct Forest {
    best: HashMap<Node, Vec<Choice>>,
}

impl Forest {
    /// Ranks the ways to the whole input, `count` for each node. When a rule leads to itself without a word between, only
    /// ways that do not go round in it are kept.
    pub(super) fn rank(chart: &Chart<'_>, count: usize) -> Self {
        let root = (chart.root(), chart.word_count());
        let mut forest = Self { best: HashMap::new() };
        if chart.end(root.0, root.1).is_none() {
            return forest;
        }
        let order = Components::of(chart, root);
        for (node, component) in &order.finished {
            let choices = forest.choices(chart, *node, *component, &order.component_of, count);
            forest.best.insert(*node, choices);
        }
        forest
    }

    /// The way to a node with this rank.
    pub(super) fn choice(&self, node: Node, rank: usize) -> Option<&Choice> {
        self.best.get(&node)?.get(rank)
    }

    /// How many ways to the node are ranked.
    pub(super) fn len(&self, node: Node) -> usize {
        self.best.get(&node).map_or(0, Vec::len)
    }

    fn choices(
        &self,
        chart: &Chart<'_>,
        node: Node,
        component: usize,
        component_of: &HashMap<Node, usize>,
        count: usize,
    ) -> Vec<Choice> {
        let (Some(end), Some(key)) = (chart.end(node.0, node.1), chart.key(node.0)) else { return Vec::new() };
        let mut choices = Vec::new();
        for way in &end.ways {
            let below = below(*way, node.1);
            // Round in a circle only downwards: to ends that were there before this one.
            let goes_round = below.iter().flatten().any(|child| {
                component_of.get(child) == Some(&component)
                    && chart.end(child.0, child.1).is_none_or(|child| child.number >= end.number)
            });
            if goes_round {
                continue;
            }
            let own = chart.cost(*way, key.start, node.1);
            let preference = preference(*way);
            let ranks = |child: Option<Node>| -> Vec<(usize, u64)> {
                match child {
                    None => vec![(0, 0)],
                    Some(child) => {
                        let best = self.best.get(&child).map(Vec::as_slice).unwrap_or_default();
                        best.iter().map(|choice| choice.cost).enumerate().collect()
                    }
                }
            };
            let [first, second] = below;
            for (left, left_cost) in ranks(first) {
                for (right, right_cost) in ranks(second) {
                    // So many ranks below are better for each of the two; this one cannot be among the best.
                    if (left + 1) * (right + 1) > count {
                        break;
                    }
                    let cost = own.saturating_add(left_cost).saturating_add(right_cost);
                    choices.push(Choice { way: *way, ranks: (left, right), cost, preference });
                }
            }
        }
        choices.sort_by_key(|choice| (choice.cost, choice.preference, choice.ranks));
        choices.truncate(count);
        choices
    }
}

/// The nodes that a way to `end` rests on.
pub(super) fn below(way: Way, end: usize) -> [Option<Node>; 2] {
    match way {
        Way::Other { goal, .. } | Way::Rule { goal, .. } => [Some((goal, end)), None],
        Way::Pair { left, middle, right } => [Some((left, middle)), Some((right, end))],
        Way::Pass { before, middle, body, .. } => [Some((before, middle)), Some((body, end))],
        Way::Stop { passes, .. } => [Some((passes, end)), None],
        Way::Run(_) | Way::Phrase { .. } | Way::NoPass | Way::Builtin { .. } | Way::Garbage => [None, None],
    }
}

fn preference(way: Way) -> u64 {
    let longer_first = |middle: usize| u64::MAX - u64::try_from(middle).unwrap_or(u64::MAX) - 1;
    match way {
        Way::Phrase { order, .. } | Way::Other { order, .. } => u64::from(order),
        Way::Pair { middle, .. } | Way::Pass { middle, .. } => longer_first(middle),
        Way::Run(_) | Way::NoPass | Way::Stop { .. } | Way::Rule { .. } | Way::Builtin { .. } | Way::Garbage => 0,
    }
}

/// Nodes in an order in which each comes after all that it rests on, except where they rest on each other: those have
/// the same component (Tarjan's strongly connected components, without recursion), and stand in the order of their ends.
struct Components {
    finished: Vec<(Node, usize)>,
    component_of: HashMap<Node, usize>,
}

struct Visit {
    node: Node,
    children: Vec<Node>,
    next: usize,
    lowest: usize,
}

impl Components {
    fn of(chart: &Chart<'_>, root: Node) -> Self {
        let mut components = Self { finished: Vec::new(), component_of: HashMap::new() };
        let mut numbers: HashMap<Node, usize> = HashMap::new();
        let mut on_stack: Vec<Node> = Vec::new();
        let mut path: Vec<Visit> = Vec::new();
        let visit = |node: Node, numbers: &mut HashMap<Node, usize>, on_stack: &mut Vec<Node>| {
            let number = numbers.len();
            numbers.insert(node, number);
            on_stack.push(node);
            let ways = chart.end(node.0, node.1).map(|end| end.ways.as_slice()).unwrap_or_default();
            let children = ways.iter().flat_map(|way| below(*way, node.1)).flatten().collect();
            Visit { node, children, next: 0, lowest: number }
        };
        path.push(visit(root, &mut numbers, &mut on_stack));
        while let Some(current) = path.last_mut() {
            if let Some(child) = current.children.get(current.next).copied() {
                current.next += 1;
                match numbers.get(&child) {
                    None => path.push(visit(child, &mut numbers, &mut on_stack)),
                    Some(number) if !components.component_of.contains_key(&child) => {
                        current.lowest = current.lowest.min(*number);
                    }
                    Some(_) => {}
                }
                continue;
            }
            let (node, lowest) = (current.node, current.lowest);
            path.pop();
            if let Some(parent) = path.last_mut() {
                parent.lowest = parent.lowest.min(lowest);
            }
            if numbers.get(&node) == Some(&lowest) {
                let start = on_stack.iter().rposition(|other| *other == node).unwrap_or_default();
                let mut members = on_stack.split_off(start);
                let number = |node: &Node| chart.end(node.0, node.1).map_or(0, |end| end.number);
                members.sort_by_key(number);
                let component = components.finished.len();
                for member in members {
                    components.component_of.insert(member, component);
                    components.finished.push((member, component));
                }
            }
        }
        components
    }
}
