//! Whether a flow can be walked: every state reached, every path able to end, no round without a question in it.

use super::{Does, Flow, StateId, Way};

/// One thing that is wrong with the graph of a flow.
pub(super) struct Fault {
    pub(super) state: StateId,
    pub(super) message: String,
}

pub(super) fn faults(flow: &Flow) -> Vec<Fault> {
    let count = flow.states.len();
    let edges: Vec<Vec<StateId>> = flow.states.iter().map(|state| targets(&state.does)).collect();
    let anytime = flow.rules.iter().map(|rule| rule.goto).chain(flow.abandon.iter().map(|abandon| abandon.goto));
    let starts = std::iter::once(flow.start).chain(anytime);
    let reached = closure(count, starts, |state| edges.get(state.0).map_or(&[], Vec::as_slice));

    let mut back: Vec<Vec<StateId>> = vec![Vec::new(); count];
    for (from, targets) in edges.iter().enumerate() {
        for target in targets {
            if let Some(sources) = back.get_mut(target.0) {
                sources.push(StateId(from));
            }
        }
    }
    let ends = (0..count).map(StateId).filter(|id| flow.state(*id).is_some_and(|state| state.does.ends()));
    let can_end = closure(count, ends, |state| back.get(state.0).map_or(&[], Vec::as_slice));

    let mut faults = Vec::new();
    for (index, state) in flow.states.iter().enumerate() {
        let id = StateId(index);
        let mut fault =
            |message: &str| faults.push(Fault { state: id, message: format!("the state {:?} {message}", state.name) });
        if !reached.get(index).copied().unwrap_or(false) {
            fault("cannot be reached");
        } else if !can_end.get(index).copied().unwrap_or(false) {
            fault("cannot come to a hang-up or a transfer");
        }
        if state.does.goes_on_at_once() && runs_in_circles(flow, id) {
            fault("comes back to itself without the caller");
        }
    }
    faults
}

impl Does {
    fn ends(&self) -> bool {
        match self {
            Self::Transfer { .. } | Self::Hangup { .. } => true,
            Self::Go(_) | Self::Ask(..) | Self::Converse(_) | Self::Answer(_) | Self::Tool(..) | Self::Act { .. } => {
                false
            }
        }
    }

    /// It leads on without the caller. A tool does, unless the caller is asked first.
    fn goes_on_at_once(&self) -> bool {
        match self {
            Self::Go(_) => true,
            Self::Tool(used, _) => used.confirm.is_none(),
            Self::Ask(..)
            | Self::Converse(_)
            | Self::Answer(_)
            | Self::Act { .. }
            | Self::Transfer { .. }
            | Self::Hangup { .. } => false,
        }
    }
}

fn targets(does: &Does) -> Vec<StateId> {
    let way_targets = |way: &Way| way.branches.iter().map(|(_, state)| *state).chain([way.next]).collect::<Vec<_>>();
    match does {
        Does::Go(way) | Does::Act { way, .. } => way_targets(way),
        Does::Ask(question, way) => {
            let mut targets = way_targets(way);
            targets.push(question.give_up);
            targets
        }
        Does::Answer(answering) => answering.exits.iter().map(|exit| exit.goto).chain([answering.give_up]).collect(),
        Does::Tool(used, way) => {
            let mut targets = way_targets(way);
            targets.extend([used.failed, used.declined]);
            targets
        }
        Does::Converse(converse) => converse.exits.iter().map(|exit| exit.state).chain([converse.give_up]).collect(),
        Does::Transfer { .. } | Does::Hangup { .. } => Vec::new(),
    }
}

/// Which states can be reached from `starts`.
fn closure<'a>(
    count: usize,
    starts: impl Iterator<Item = StateId>,
    edges: impl Fn(StateId) -> &'a [StateId],
) -> Vec<bool> {
    let mut seen = vec![false; count];
    let mut open: Vec<StateId> = starts.collect();
    while let Some(state) = open.pop() {
        let Some(seen) = seen.get_mut(state.0) else { continue };
        if !std::mem::replace(seen, true) {
            open.extend_from_slice(edges(state));
        }
    }
    seen
}

/// Whether a state that goes on at once can come back to itself through such states only.
fn runs_in_circles(flow: &Flow, from: StateId) -> bool {
    let onward: Vec<Vec<StateId>> = flow
        .states
        .iter()
        .map(|state| if state.does.goes_on_at_once() { targets(&state.does) } else { Vec::new() })
        .collect();
    let first = onward.get(from.0).cloned().unwrap_or_default();
    let seen = closure(flow.states.len(), first.into_iter(), |state| onward.get(state.0).map_or(&[], Vec::as_slice));
    seen.get(from.0).copied().unwrap_or(false)
}
