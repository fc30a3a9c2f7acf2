//! The clauses of a conversation's reply that are still to be spoken, in their order.

use std::collections::VecDeque;

use super::script::Piece;

/// Clauses that wait for room or for what they refer to.
#[derive(Debug, Default)]
pub(super) struct Clauses {
    waiting: VecDeque<Clause>,
    next_slot: u32,
}

/// The place of a clause whose recordings are on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClauseSlot(u32);

#[derive(Debug)]
enum Clause {
    /// What it refers to is on its way; what comes after it waits.
    Awaited(ClauseSlot),
    /// These are still to be started; something among them sounds.
    Ready(VecDeque<Piece>),
}

/// A piece of a clause.
#[derive(Debug)]
pub(super) struct ClausePiece {
    pub(super) piece: Piece,
    /// Nothing of the clause sounds after it.
    pub(super) is_last: bool,
}

impl Clauses {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn push(&mut self, pieces: VecDeque<Piece>) {
        self.waiting.push_back(Clause::Ready(pieces));
    }

    pub(super) fn push_awaited(&mut self) -> ClauseSlot {
        let slot = ClauseSlot(self.next_slot);
        self.next_slot = self.next_slot.wrapping_add(1);
        self.waiting.push_back(Clause::Awaited(slot));
        slot
    }

    /// What was awaited is there.
    pub(super) fn fill(&mut self, slot: ClauseSlot, pieces: VecDeque<Piece>) {
        let is_it = |clause: &&mut Clause| matches!(clause, Clause::Awaited(awaited) if *awaited == slot);
        if let Some(clause) = self.waiting.iter_mut().find(is_it) {
            *clause = Clause::Ready(pieces);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The next piece; `None` when there is none, or it is awaited.
    pub(super) fn next_piece(&mut self) -> Option<ClausePiece> {
        loop {
            let Clause::Ready(pieces) = self.waiting.front_mut()? else { return None };
            let Some(piece) = pieces.pop_front() else {
                self.waiting.pop_front();
                continue;
            };
            let is_last = !pieces.iter().any(Piece::sounds);
            return Some(ClausePiece { piece, is_last });
        }
    }
}
