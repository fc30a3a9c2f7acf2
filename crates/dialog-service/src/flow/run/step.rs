use serde_json::Value;

use super::super::{
    BargeIn, Listening, Policy, Sentiment,
    forbidden::Guard,
    text::Text,
    tool::{ToolCall, ToolRequest},
};

/// What follows from what the caller did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Step {
    /// How the conversation is held from now on.
    pub policy: Option<Policy>,
    /// What is said, in order.
    pub said: Vec<Said>,
    /// What is done when it has been said.
    pub act: Option<Act>,
    /// What the turn was: `answer`, `unclear`, `silence`, `repeat`, `confirm`, or the name of a rule.
    pub intent: Option<String>,
    /// What the caller wanted, of the flow's intents.
    pub intents: Vec<String>,
    /// How the caller felt.
    pub sentiment: Option<Sentiment>,
    /// How to listen to the answer.
    pub listening: Option<Listening>,
    /// The form has changed.
    pub form_changed: bool,
    /// Tools that were used.
    pub tools: Vec<ToolCall>,
    /// Something from elsewhere, before the reply is complete.
    pub need: Option<Need>,
}

/// One sentence or more to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The words; what a recording says where it is one.
    pub text: String,
    /// In which form.
    pub words: Words,
    /// May the caller interrupt?
    pub barge_in: BargeIn,
    /// The voice; empty for the server's choice.
    pub voice: String,
    /// Nothing in it is of this conversation alone.
    pub cacheable: bool,
}

/// In which form something is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// As text.
    Plain,
    /// As the content of a `<speak>` element.
    Ssml(String),
    /// As a recording at this address.
    Recording(String),
}

/// What is to be done when the reply has been played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Hand the caller over.
    Transfer {
        /// Where to.
        target: String,
        /// What the person who takes over should know.
        summary: String,
    },
    /// End the call.
    Hangup {
        /// Why.
        reason: String,
    },
    /// Something of the dialplan's own.
    Custom {
        /// Its name.
        name: String,
        /// What it needs.
        params: Vec<(String, String)>,
    },
    /// Listen to keys only.
    CollectDtmf {
        /// So many end the answer.
        digits_max: u32,
        /// Keys that end it.
        terminators: String,
        /// The pause that ends it, milliseconds; 0: as the client says.
        interdigit_timeout_ms: u32,
        /// How long the caller may key nothing, milliseconds; 0: as the client says.
        no_input_timeout_ms: u32,
    },
}

/// Something that a conversation needs from elsewhere. It goes on with the method that is named.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Need {
    /// A language model writes (the rest of) the reply: `FlowRun::model_replied`, `FlowRun::model_failed`.
    Model(ModelRequest),
    /// A tool is used: `FlowRun::tool_answered`. It has effects, so never for a turn that may be withdrawn.
    Tool(ToolRequest),
    /// A question is looked up: `FlowRun::looked_up`.
    Lookup(LookupRequest),
}

/// What a language model is asked.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ModelRequest {
    /// What it is and what it may do.
    pub system: String,
    /// What was said so far, oldest first; the last is the caller's.
    pub history: Vec<ModelMessage>,
    /// Longer replies are cut.
    pub reply_chars_max: usize,
    /// The names that it may end its reply with, as `[[name]]`, to leave.
    pub exits: Vec<String>,
    /// What it may not say.
    #[serde(skip)]
    pub guard: Option<Guard>,
}

/// One line of the history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ModelMessage {
    /// Said by the caller, or else by the robot.
    pub by_caller: bool,
    /// The words.
    pub text: String,
}

/// A question that is looked up.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LookupRequest {
    /// The knowledge that is asked, by name.
    pub knowledge: String,
    /// What the caller said; all hypotheses, best first.
    pub texts: Vec<String>,
    /// The language of the conversation.
    pub language: speech::Language,
}

/// An answer that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub(in super::super) words: Text,
    /// Where it was found, for the record.
    pub source: String,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    /// The caller's words.
    pub quote: String,
    /// The turn in which they were said.
    pub turn: u32,
}

/// How a conversation went.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Outcome {
    /// It has not come to its end.
    Open,
    /// It came to a hang-up of the flow, with this reason.
    HungUp(String),
    /// The caller was handed over.
    Transferred,
}

/// Values that a model told, by slot.
pub(crate) type ModelValues = serde_json::Map<String, Value>;
