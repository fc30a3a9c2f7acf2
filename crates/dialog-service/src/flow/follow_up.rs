//! What somebody should do after a conversation, and what it came to: by rules.

use serde_json::Value;

use super::{FlowRun, condition::Condition, text::Text, tool::ToolOutcome};

/// Something to do when a condition holds at the end.
#[derive(Debug)]
pub(super) struct FollowUp {
    pub(super) when: When,
    pub(super) note: Text,
}

#[derive(Debug)]
pub(super) enum When {
    Slot(Condition),
    Outcome(String),
    Intent(String),
    ToolFailed(String),
}

impl FlowRun {
    /// What somebody should do now, by the flow's rules. `outcome` is the record's.
    pub fn follow_ups(&self, outcome: &str) -> Vec<String> {
        let progress = self.progress();
        let holds = |when: &When| match when {
            When::Slot(condition) => {
                progress.values.get(condition.slot.0).is_some_and(|value| condition.test.holds(value))
            }
            When::Outcome(wanted) => wanted == outcome,
            When::Intent(wanted) => progress.intents.contains(wanted),
            When::ToolFailed(name) => {
                progress.tools.iter().any(|call| call.name == *name && call.outcome == ToolOutcome::Failed)
            }
        };
        let due = self.flow().follow_ups.iter().filter(|follow_up| holds(&follow_up.when));
        due.map(|follow_up| self.words(&follow_up.note)).collect()
    }

    /// What the conversation came to: the flow's own words for it, or the outcome and what is known.
    pub fn summary(&self, outcome: &str) -> String {
        if let Some(summary) = &self.flow().summary {
            return self.words(summary);
        }
        let form = self.form();
        let known = form.iter().filter(|(_, value)| !value.is_null());
        let known: Vec<String> = known
            .map(|(name, value)| match value {
                Value::String(text) => format!("{name}: {text}"),
                other => format!("{name}: {other}"),
            })
            .collect();
        if known.is_empty() { format!("{outcome}.") } else { format!("{outcome}. {}.", known.join("; ")) }
    }
}
