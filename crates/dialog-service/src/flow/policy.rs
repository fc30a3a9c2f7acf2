//! How a conversation is held.

use std::collections::BTreeMap;

use speech::Language;

use super::{BargeIn, Flow, text::Text};

/// How a conversation is held, in its language. What is empty or zero is as the server is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What may interrupt what the robot says.
    pub barge_in: BargeIn,
    /// Words that are no interruption.
    pub backchannels: Vec<String>,
    /// Said when a reply is late, in turn.
    pub fillers: Vec<String>,
    /// After how long, milliseconds.
    pub filler_after_ms: u32,
    /// Said when the caller says nothing, in turn, before the flow learns of it.
    pub silence_prompts: Vec<String>,
    /// The longest conversation, milliseconds.
    pub call_max_ms: u32,
    /// Said when the conversation takes too long.
    pub time_over: String,
    /// Replies may be prepared while the caller pauses.
    pub speculation: bool,
}

/// A policy in all languages of its flow.
#[derive(Debug)]
pub(super) struct PolicyTexts {
    pub(super) barge_in: BargeIn,
    pub(super) backchannels: BTreeMap<Language, Vec<String>>,
    pub(super) fillers: BTreeMap<Language, Vec<String>>,
    pub(super) filler_after_ms: u32,
    pub(super) silence_prompts: BTreeMap<Language, Vec<String>>,
    pub(super) call_max_ms: u32,
    pub(super) time_over: Option<Text>,
    pub(super) speculation: bool,
}

impl Flow {
    /// How its conversations are held; `None` leaves everything to the server.
    pub fn policy(&self, language: Language) -> Option<Policy> {
        let policy = self.policy.as_ref()?;
        let of = |texts: &BTreeMap<Language, Vec<String>>| texts.get(&language).cloned().unwrap_or_default();
        let time_over = policy.time_over.as_ref().and_then(|text| text.get(language));
        Some(Policy {
            barge_in: policy.barge_in,
            backchannels: of(&policy.backchannels),
            fillers: of(&policy.fillers),
            filler_after_ms: policy.filler_after_ms,
            silence_prompts: of(&policy.silence_prompts),
            call_max_ms: policy.call_max_ms,
            // The loader lets no places in.
            time_over: time_over.map(|text| text.fill(|_| None)).unwrap_or_default(),
            speculation: policy.speculation,
        })
    }
}
