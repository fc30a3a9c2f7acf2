//! What holds for the whole conversation: rules, notices, policy, forbidden words, follow-ups.

use serde_saphyr::Location;

use super::{ATTEMPTS_MAX, Checker};
use crate::flow::{
    Abandon, BargeIn, Does, Flow, FollowUp, Forbidden, Knowledge, KnownAnswer, Notice, Rule, State, StateId,
    document::{
        AbandonDoc, AnswerDoc, At, BargeInDoc, ConditionDoc, FlowDoc, FollowUpDoc, ForbiddenDoc, PolicyDoc, RuleDoc,
    },
    follow_up::When,
    phrases::Phrases,
    policy::PolicyTexts,
    shared_rules,
};

/// The longest conversation that may be asked for.
const CALL_MAX_S: u32 = 24 * 3600;

impl Checker {
    pub(super) fn rule(&mut self, rule: &RuleDoc) -> Rule {
        let mut hears = rule.hears.as_ref().map(|hears| self.lists(hears)).unwrap_or_default();
        let mut name = rule.name.as_ref().map(|name| name.value.clone());
        match &rule.include {
            Some(include) => match shared_rules::list(&include.value) {
                Some(list) => {
                    name = name.or_else(|| Some(include.value.clone()));
                    // Callers mix languages when they are afraid: all of the list is listened for.
                    for (language, phrases) in list {
                        hears.entry(language).or_default().extend(phrases);
                    }
                }
                None => {
                    let names = shared_rules::NAMES.join(", ");
                    self.error(include.at, format!("there is no list {:?}; there is: {names}", include.value));
                }
            },
            None if rule.hears.is_none() => self.error(rule.goto.at, "a rule needs \"hears\" or \"include\""),
            None if rule.name.is_none() => self.error(rule.goto.at, "a rule needs a name"),
            None => {}
        }
        Rule { name: name.unwrap_or_default(), hears: Phrases::new(hears), goto: self.state(&rule.goto) }
    }

    pub(super) fn abandon(&mut self, abandon: &AbandonDoc) -> Abandon {
        let after = &abandon.after_silences;
        if !(1..=ATTEMPTS_MAX).contains(&after.value) {
            self.error(after.at, format!("after_silences may be 1 to {ATTEMPTS_MAX}"));
        }
        Abandon { after_silences: after.value, goto: self.state(&abandon.goto) }
    }

    pub(super) fn policy(&mut self, document: &At<PolicyDoc>) -> PolicyTexts {
        let policy = &document.value;
        if policy.call_max_s.is_some() != policy.time_over.is_some() {
            self.error(document.at, "call_max_s and time_over belong together");
        }
        if let Some(most) = policy.call_max_s.as_ref().filter(|most| !(10..=CALL_MAX_S).contains(&most.value)) {
            self.error(most.at, format!("call_max_s may be 10 to {CALL_MAX_S}"));
        }
        if policy.filler_after_ms.is_some() && policy.fillers.is_none() {
            self.error(document.at, "filler_after_ms needs fillers");
        }
        let mut lists = |list: &Option<_>| list.as_ref().map(|list| self.lists(list)).unwrap_or_default();
        let (backchannels, fillers, silence_prompts) =
            (lists(&policy.backchannels), lists(&policy.fillers), lists(&policy.silence_prompts));
        PolicyTexts {
            barge_in: match policy.barge_in {
                None => BargeIn::ByPolicy,
                Some(BargeInDoc::Allowed) => BargeIn::Allowed,
                Some(BargeInDoc::DtmfOnly) => BargeIn::DtmfOnly,
                Some(BargeInDoc::No) => BargeIn::NotAllowed,
            },
            backchannels,
            fillers,
            filler_after_ms: policy.filler_after_ms.unwrap_or(0),
            silence_prompts,
            call_max_ms: policy.call_max_s.as_ref().map_or(0, |most| most.value.saturating_mul(1000)),
            time_over: policy.time_over.as_ref().map(|text| self.fixed_text(text)),
            speculation: policy.speculation.unwrap_or(false),
        }
    }

    pub(super) fn forbidden(&mut self, forbidden: &ForbiddenDoc) -> Forbidden {
        let phrases = self.phrases(&forbidden.phrases);
        let instead = self.text(&forbidden.instead);
        if forbidden.instead.value.values().any(|text| phrases.said_in(text)) {
            self.error(forbidden.instead.at, "what is said instead is forbidden itself");
        }
        Forbidden { phrases, instead }
    }

    /// Scripted words keep to what is forbidden as well.
    pub(super) fn scripted_words(&mut self, flow: &Flow, places: &[Location]) {
        let Some(forbidden) = &flow.forbidden else { return };
        for (state, at) in flow.states.iter().zip(places) {
            let mut said = state.say.iter().flat_map(|sentence| {
                flow.languages
                    .iter()
                    .filter_map(|language| sentence.text.get(*language).map(|text| text.fill(|_| None)))
            });
            if said.any(|text| forbidden.phrases.said_in(&text)) {
                self.error(*at, format!("the state {:?} says what is forbidden", state.name));
            }
        }
    }

    pub(super) fn notices(&mut self, document: &FlowDoc, states: &[State]) -> Vec<Notice> {
        let urgent: Vec<StateId> =
            document.rules.iter().filter_map(|rule| self.states.get(&rule.goto.value).copied()).collect();
        let ends: Vec<StateId> = states
            .iter()
            .zip(0..)
            .filter(|(state, _)| matches!(state.does, Does::Transfer { .. } | Does::Hangup { .. }))
            .map(|(_, index)| StateId(index))
            .filter(|state| !urgent.contains(state))
            .collect();
        let mut notices = Vec::new();
        for (_, notice) in &document.mandatory.0 {
            let mut before = Vec::new();
            for name in &notice.before.value {
                if name == "end" {
                    before.extend_from_slice(&ends);
                } else {
                    before.push(self.state(&At { value: name.clone(), at: notice.before.at }));
                }
            }
            if before.is_empty() {
                self.error(notice.before.at, "the sentence is said before no state");
            }
            notices.push(Notice { say: self.text(&notice.say), before });
        }
        notices
    }

    pub(super) fn knowledge(&mut self, name: &At<String>, entries: &[AnswerDoc]) -> Knowledge {
        let mut known = std::collections::BTreeSet::new();
        for entry in entries {
            if !known.insert(entry.id.value.as_str()) {
                self.error(entry.id.at, format!("there is another answer {:?}", entry.id.value));
            }
        }
        let entries = entries.iter().map(|entry| KnownAnswer {
            id: entry.id.value.clone(),
            hears: self.phrases(&entry.hears),
            answer: self.text(&entry.answer),
        });
        Knowledge { entries: entries.collect(), name: name.value.clone() }
    }

    pub(super) fn follow_up(&mut self, document: &FollowUpDoc) -> Option<FollowUp> {
        let when = &document.when;
        let note = self.text(&document.note);
        let given = [when.slot.is_some(), when.outcome.is_some(), when.intent.is_some(), when.tool_failed.is_some()];
        if given.into_iter().filter(|given| *given).count() != 1 {
            self.error(
                document.note.at,
                "a follow-up needs one of \"slot\", \"outcome\", \"intent\" and \"tool_failed\"",
            );
            return None;
        }
        let when = if let Some(slot) = &when.slot {
            When::Slot(self.condition(&ConditionDoc {
                slot: slot.clone(),
                is: when.is.clone(),
                at_least: when.at_least,
                at_most: when.at_most,
                filled: when.filled,
            })?)
        } else if let Some(intent) = &when.intent {
            if !self.intents.contains(&intent.value) {
                self.error(intent.at, format!("there is no intent and no rule {:?}", intent.value));
            }
            When::Intent(intent.value.clone())
        } else if let Some(tool) = &when.tool_failed {
            self.tool_id(tool);
            When::ToolFailed(tool.value.clone())
        } else {
            When::Outcome(when.outcome.clone().unwrap_or_default())
        };
        Some(FollowUp { when, note })
    }

    /// What is declared is used.
    pub(super) fn uses(
        &mut self,
        flow: &Flow,
        tools: &crate::flow::document::Ordered<crate::flow::document::ToolDoc>,
        knowledge: &crate::flow::document::Ordered<Vec<AnswerDoc>>,
    ) {
        for ((name, _), id) in tools.0.iter().zip(0..) {
            let is_used = flow
                .states
                .iter()
                .any(|state| matches!(&state.does, Does::Tool(used, _) if used.tool == crate::flow::ToolId(id)));
            if !is_used {
                self.error(name.at, format!("the tool {:?} is used by no state", name.value));
            }
        }
        for (name, _) in &knowledge.0 {
            let is_used = flow
                .states
                .iter()
                .any(|state| matches!(&state.does, Does::Answer(answering) if answering.knowledge == name.value));
            if !is_used {
                self.error(name.at, format!("the knowledge {:?} is used by no state", name.value));
            }
        }
    }
}
