//! Scripted flows: what a robot says, what it wants to know, and where it goes from there.
//!
//! A flow is written in YAML and loaded with [`Flow::load`], which checks all of it before it is used. [`FlowRun`] is one conversation
//! that follows a flow.

mod check;
mod condition;
mod day;
mod document;
mod graph;
mod phrases;
mod run;
mod slot;
mod sounds;
mod text;
mod transcript;

use std::{fmt, path::PathBuf};

use speech::Language;

pub use run::{Act, CallerInput, FlowRun, ModelMessage, ModelRequest, Outcome, Said, Step};
pub use transcript::{Line, Transcript};

use condition::Condition;
use phrases::Phrases;
use slot::Slot;
use text::{Template, Text};

/// A flow that was checked: every state can be reached, can be left and leads to an end, and every text is there in every language.
#[derive(Debug)]
pub struct Flow {
    name: String,
    languages: Vec<Language>,
    variables: Vec<(String, String)>,
    slots: Vec<Slot>,
    rules: Vec<Rule>,
    abandon: Option<Abandon>,
    states: Vec<State>,
    start: StateId,
}

/// Points into [`Flow::states`]; made only by the loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct StateId(usize);

/// Points into [`Flow::slots`]; made only by the loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SlotId(usize);

/// Something that is listened for in every turn, whatever was asked.
#[derive(Debug)]
struct Rule {
    name: String,
    hears: Phrases,
    goto: StateId,
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
    say: Option<Text>,
    barge_in: bool,
    does: Does,
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
}

/// How a question is asked again.
#[derive(Debug, Clone)]
struct Reask {
    text: Text,
    /// The question's own words follow: the text is a general one.
    repeats_question: bool,
}

#[derive(Debug)]
struct Converse {
    system: Text,
    /// Said in place of the model's reply.
    fallback: Text,
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

    /// Some state of it is led by a language model.
    pub fn needs_provider(&self) -> bool {
        self.states.iter().any(|state| matches!(state.does, Does::Converse(_)))
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
mod tests;
