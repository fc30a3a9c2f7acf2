//! Flows: what a robot says, what it wants to know, and where it goes from there.
//!
//! A flow is written in YAML and loaded with [`Flow::load`], which checks all of it before it is used. [`FlowRun`] is one conversation
//! that follows a flow. Nothing here does I/O: what a conversation needs from elsewhere it says in [`Step::need`].

mod check;
mod condition;
mod day;
mod document;
mod follow_up;
mod forbidden;
mod form;
mod graph;
mod listening;
mod mood;
mod phrases;
mod policy;
mod run;
mod schema;
mod shared_rules;
mod slot;
mod sounds;
mod text;
mod tool;
mod transcript;

use std::{collections::BTreeMap, fmt, path::PathBuf};

use speech::Language;

pub use forbidden::{ForbiddenFilter, Guard};
pub use listening::{Expects, Listening};
pub use mood::{Mood, Sentiment};
pub use policy::Policy;
pub use run::{
    Act, CallerInput, Evidence, FlowRun, Found, LookupRequest, ModelMessage, ModelRequest, Need, Outcome, Progress,
    Said, Step, Words,
};
pub use schema::flow_schema;
pub use tool::{ToolCall, ToolMethod, ToolOutcome, ToolRequest, ToolResult};
pub use transcript::{Line, Transcript};

use condition::Condition;
use follow_up::FollowUp;
use listening::{Collect, ListeningOptions};
use phrases::Phrases;
use policy::PolicyTexts;
use slot::Slot;
use text::{Template, Text};
use tool::Tool;

/// May the caller interrupt?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BargeIn {
    /// As the conversation's policy says.
    ByPolicy,
    /// By speaking and by keys.
    Allowed,
    /// By keys only.
    DtmfOnly,
    /// Not at all.
    NotAllowed,
}

/// A flow that was checked: every state can be reached, can be left and leads to an end, and every text is there in every language.
#[derive(Debug)]
pub struct Flow {
    name: String,
    version: String,
    yaml: String,
    languages: Vec<Language>,
    variables: Vec<(String, String)>,
    slots: Vec<Slot>,
    form: Option<form::FormSchema>,
    policy: Option<PolicyTexts>,
    rules: Vec<Rule>,
    intents: Vec<(String, Phrases)>,
    notices: Vec<Notice>,
    forbidden: Option<Forbidden>,
    tools: Vec<Tool>,
    knowledge: Vec<Knowledge>,
    abandon: Option<Abandon>,
    voices: BTreeMap<Language, String>,
    summary: Option<Text>,
    follow_ups: Vec<FollowUp>,
    states: Vec<State>,
    start: StateId,
}

/// Points into [`Flow::states`]; made only by the loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
struct StateId(usize);

/// Points into [`Flow::slots`]; made only by the loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct SlotId(usize);

/// Points into [`Flow::tools`]; made only by the loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct ToolId(usize);

/// Something that is listened for in every turn, whatever was asked.
#[derive(Debug)]
struct Rule {
    name: String,
    hears: Phrases,
    goto: StateId,
}

/// A sentence that has to be said before some states are entered.
#[derive(Debug)]
struct Notice {
    say: Text,
    before: Vec<StateId>,
}

/// What a language model may not say.
#[derive(Debug)]
struct Forbidden {
    phrases: Phrases,
    instead: Text,
}

/// A table of answers.
#[derive(Debug)]
struct Knowledge {
    name: String,
    entries: Vec<KnownAnswer>,
}

#[derive(Debug)]
struct KnownAnswer {
    id: String,
    hears: Phrases,
    answer: Text,
}

/// Where a conversation goes when nobody seems to be there.
#[derive(Debug)]
struct Abandon {
    /// Silent turns in a row.
    after_silences: u32,
    goto: StateId,
}

#[derive(Debug)]
struct State {
    name: String,
    say: Vec<Sentence>,
    barge_in: BargeIn,
    does: Does,
}

/// One thing that a state says.
#[derive(Debug)]
struct Sentence {
    /// The words; for SSML the content of `<speak>`.
    text: Text,
    is_ssml: bool,
    /// The address of a recording that says it.
    play: Option<Text>,
    barge_in: BargeIn,
    voice: BTreeMap<Language, String>,
    cacheable: Option<bool>,
}

/// What a state does when it has said what it says.
#[derive(Debug)]
enum Does {
    /// Goes on.
    Go(Way),
    /// Asks for a slot.
    Ask(Question, Way),
    /// Lets a language model lead.
    Converse(Converse),
    /// Answers questions.
    Answer(Answering),
    /// Asks something of another program.
    Tool(ToolUse, Way),
    /// Has the dialplan do something, and goes on.
    Act { name: String, params: Vec<(String, Template)>, way: Way },
    /// Ends the conversation: the caller is handed over.
    Transfer { target: Template, summary: Option<Template> },
    /// Ends the conversation and the call.
    Hangup { reason: String },
}

/// Where a state leads: the first branch whose condition holds, or else `next`.
#[derive(Debug)]
struct Way {
    branches: Vec<(Condition, StateId)>,
    next: StateId,
}

#[derive(Debug)]
struct Question {
    slot: SlotId,
    /// Said when the answer is not understood.
    reprompt: Reask,
    /// Said when the answer is understood but not allowed.
    invalid: Reask,
    /// Said after silence.
    silence: Reask,
    /// Answers that are not taken before it gives up.
    attempts: u32,
    give_up: StateId,
    /// Asked before a value is taken.
    confirm: Option<Text>,
    listening: ListeningOptions,
    /// Keys only.
    collect: Option<Collect>,
}

/// How a question is asked again.
#[derive(Debug, Clone)]
struct Reask {
    text: Text,
    /// The question's own words follow: the text is a general one.
    repeats_question: bool,
}

#[derive(Debug)]
struct ToolUse {
    tool: ToolId,
    confirm: Option<Text>,
    attempts: u32,
    failed: StateId,
    declined: StateId,
}

#[derive(Debug)]
struct Answering {
    knowledge: String,
    more: Option<Text>,
    unknown: Text,
    silence: Text,
    exits: Vec<AnswerExit>,
    misses_max: u32,
    give_up: StateId,
}

#[derive(Debug)]
struct AnswerExit {
    hears: Phrases,
    /// A plain "no" means it as well.
    or_no: bool,
    goto: StateId,
}

#[derive(Debug)]
struct Converse {
    goal: Option<String>,
    system: Text,
    /// Said in place of the model's reply.
    fallback: Text,
    fills: Vec<SlotId>,
    exits: Vec<Exit>,
    give_up: StateId,
    turns_max: u32,
    reply_chars_max: usize,
    failures_max: u32,
}

/// Where a model may lead the conversation.
#[derive(Debug)]
struct Exit {
    /// The name of the state, which the model uses.
    name: String,
    /// When, in words for the model.
    when: String,
    state: StateId,
}

impl Flow {
    /// Loads a flow from YAML. `source` names it in errors.
    ///
    /// # Errors
    /// All that is wrong with it, each with its line.
    pub fn load(source: &str, yaml: &str) -> Result<Self, FlowErrors> {
        check::load(yaml).map_err(|mut errors| {
            errors.sort_by_key(|error| (error.line, error.column));
            FlowErrors { source: PathBuf::from(source), errors }
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The author's version and a short hash of the file: `2.1+9f86d081884c`. The same file has the same version everywhere.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The file that it was loaded from.
    pub fn yaml(&self) -> &str {
        &self.yaml
    }

    /// The languages that it can be held in; the first is its default.
    pub fn languages(&self) -> &[Language] {
        &self.languages
    }

    fn state(&self, id: StateId) -> Option<&State> {
        self.states.get(id.0)
    }

    fn slot(&self, id: SlotId) -> Option<&Slot> {
        self.slots.get(id.0)
    }

    fn tool(&self, id: ToolId) -> Option<&Tool> {
        self.tools.get(id.0)
    }

    /// Some state of it is led by a language model.
    pub fn needs_provider(&self) -> bool {
        self.states.iter().any(|state| matches!(state.does, Does::Converse(_)))
    }

    /// Looks a question up in the flow's own table: the entry with the longest phrase that was said.
    pub fn look_up(&self, request: &LookupRequest) -> Option<Found> {
        let table = self.knowledge.iter().find(|table| table.name == request.knowledge)?;
        let said = |text: &String| {
            let entries = table.entries.iter();
            let matches = entries.filter_map(|entry| entry.hears.longest_in(text).map(|length| (length, entry)));
            // The first of the longest: the order of the file decides.
            matches.rev().max_by_key(|(length, _)| *length).map(|(_, entry)| entry)
        };
        let entry = request.texts.iter().find_map(said)?;
        Some(Found { words: entry.answer.clone(), source: entry.id.clone() })
    }

    /// The hosts that its tools ask.
    pub fn tool_hosts(&self) -> impl Iterator<Item = &str> {
        self.tools.iter().map(|tool| tool.host.as_str())
    }
}

/// One thing that is wrong with a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowError {
    /// From 1; 0 when it belongs to no line.
    pub line: u64,
    /// From 1; 0 when it belongs to no line.
    pub column: u64,
    /// What is wrong.
    pub message: String,
}

/// Everything that is wrong with a flow. Its display has one line for each: `FILE:LINE:COLUMN: what is wrong`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowErrors {
    /// The file, or a name that stands for it.
    pub source: PathBuf,
    /// At least one, in the order of the file.
    pub errors: Vec<FlowError>,
}

impl fmt::Display for FlowErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:{}:{}: {}", self.source.display(), error.line, error.column, error.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for FlowErrors {}

#[cfg(test)]
mod language_tests;
#[cfg(test)]
mod tests;
