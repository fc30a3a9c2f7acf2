//! What the service says of a turn beside what is spoken: for the record and for statistics.

use std::collections::VecDeque;

use crate::{
    service::{Label, ReplyFigures, ToolCall},
    turn::TurnId,
};

/// Turns whose notes are kept; of a longer conversation the first are forgotten.
const TURNS_MAX: usize = 512;
/// Intents, and tool calls, of one turn.
const LABELS_MAX: usize = 32;
/// Bytes of one label.
const LABEL_BYTES_MAX: usize = 256;
/// Bytes of one tool call.
const TOOL_BYTES_MAX: usize = 32 * 1024;

/// What the service said of one turn beside what was spoken.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnNotes {
    /// The turn.
    pub turn: TurnId,
    /// What the caller wanted, in the order in which it was said.
    pub intents: Vec<Label>,
    /// How the caller felt, as last said.
    pub sentiment: Option<Label>,
    /// Tools that were used.
    pub tools: Vec<ToolCall>,
    /// What was said at the end of the reply; `None`: it was not completed.
    pub figures: Option<ReplyFigures>,
    /// The fallback took the reply's place.
    pub is_fallback: bool,
}

impl TurnNotes {
    pub(crate) fn new(turn: TurnId) -> Self {
        Self { turn, intents: Vec::new(), sentiment: None, tools: Vec::new(), figures: None, is_fallback: false }
    }

    /// Returns the bytes that did not fit.
    pub(crate) fn add_intent(&mut self, intent: Label) -> usize {
        let bytes = intent.name.len();
        if bytes > LABEL_BYTES_MAX || self.intents.len() >= LABELS_MAX {
            return bytes;
        }
        self.intents.push(intent);
        0
    }

    /// Returns the bytes that did not fit.
    pub(crate) fn set_sentiment(&mut self, sentiment: Label) -> usize {
        let bytes = sentiment.name.len();
        if bytes > LABEL_BYTES_MAX {
            return bytes;
        }
        self.sentiment = Some(sentiment);
        0
    }

    /// Returns the bytes that did not fit.
    pub(crate) fn add_tool(&mut self, call: ToolCall) -> usize {
        let bytes = call.name.len().saturating_add(call.arguments.len()).saturating_add(call.result.len());
        if bytes > TOOL_BYTES_MAX || self.tools.len() >= LABELS_MAX {
            return bytes;
        }
        self.tools.push(call);
        0
    }
}

/// The notes of the turns that are over.
#[derive(Debug, Default)]
pub(crate) struct NoteBook {
    turns: VecDeque<TurnNotes>,
}

impl NoteBook {
    pub(crate) fn keep(&mut self, notes: TurnNotes) {
        if self.turns.len() >= TURNS_MAX {
            self.turns.pop_front();
        }
        self.turns.push_back(notes);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &TurnNotes> {
        self.turns.iter()
    }
}
