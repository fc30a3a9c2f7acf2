//! A conversation with a caller: its turns, the clauses of its replies, and what of them was heard.
//!
//! One [`Conversation`] joins the two sessions of a call, the one that speaks and the one that listens, with the dialog service that
//! leads it. It is a sans-IO core: it is told what happens and the time, and says what is to be done.
//!
//! ```text
//! loop {
//!     conversation.handle_input(now, input);            // or handle_timeout(now) when poll_timeout() has passed
//!     while let Some(output) = conversation.poll_output() { carry_out(output) }
//!     wait for the next input or for conversation.poll_timeout()
//! }
//! ```
//!
//! - A SPEAK of `dialog:reply` is a *speaker* ([`SpeakerKey`]). It speaks the greeting the first time and then the reply to the last
//!   turn, clause by clause while the service is still writing. With nothing to say it ends at once.
//! - A RECOGNIZE of `builtin:speech/dialog` is a *listener* ([`ListenerKey`]). When the caller's turn ends it completes at once and the
//!   turn is on its way to the service. When the conversation has something for the dialplan to do and the reply has been played, the
//!   listener open at that time completes with that action.
//! - A service that is late or fails is replaced by a [`Fallback`].

mod backchannel;
mod barge_in;
mod completeness;
mod config;
mod conversation;
mod end_of_turn;
mod floor;
mod ledger;
mod markup;
mod notes;
mod output;
mod patience;
mod policy;
mod reply;
mod service;
mod speculation;
mod turn;

pub use barge_in::{BargeIn, BargeInConfig, CallerSound};
pub use completeness::{Completeness, completeness};
pub use config::{ConversationConfig, ConversationLimits, Fallback};
pub use conversation::{Conversation, Counters};
pub use end_of_turn::{EndOfTurnConfig, TurnEnds};
pub use ledger::{Stage, TurnInstants, TurnLedger};
pub use notes::TurnNotes;
pub use output::{Clause, Input, ListenOutcome, ListenResult, Output, PromptEnd, Purpose};
pub use patience::{PatienceConfig, Phrases};
pub use policy::{CallPolicy, Expects, Listening};
pub use service::{
    Action, CollectDtmf, EndReason, Label, Recording, ReplyFigures, ServiceCommand, ServiceEvent, ServiceFailure,
    Settlement, TakeTurn, TextPiece, ToolCall, ToolOutcome,
};
pub use turn::{CallDetails, CallerInput, CallerTurn, Heard, ListenerKey, Progress, SpeakerKey, TurnId, TurnKind};

#[cfg(test)]
mod tests;
