//! From state to state, as far as it goes without the caller.

use std::sync::Arc;

use super::{Act, FlowRun, Outcome, Position, Said, Step, Words, hidden, question::asking};
use crate::flow::{
    BargeIn, Does, Sentence, State, StateId, Way,
    slot::SlotKind,
    text::{Template, Text, spoken_value},
};

impl FlowRun {
    /// Goes to a state, and on from there as far as it gets without the caller. The loader has made sure that it gets somewhere.
    pub(super) fn enter(&mut self, to: StateId, step: &mut Step) {
        let flow = Arc::clone(&self.flow);
        let mut at = to;
        for _ in 0..=flow.states.len() {
            let Some(state) = flow.state(at) else { break };
            self.say_notices(at, step);
            self.say_state(state, step);
            match &state.does {
                Does::Go(way) => at = self.choose(way),
                Does::Ask(..) => {
                    self.ask(at, 0, 0, step);
                    return;
                }
                Does::Converse(_) => {
                    self.progress.position = Position::Conversing { state: at, turns: 0, failed: 0 };
                    return;
                }
                Does::Answer(_) => {
                    self.progress.position = Position::Answering { state: at, misses: 0 };
                    return;
                }
                Does::Tool(used, _) => {
                    self.begin_tool(at, used, step);
                    return;
                }
                Does::Act { name, params, way } => {
                    let params =
                        params.iter().map(|(key, value)| (key.clone(), value.fill(|name| self.value(name)))).collect();
                    step.act = Some(Act::Custom { name: name.clone(), params });
                    self.progress.position = Position::Acting { next: self.choose(way) };
                    return;
                }
                Does::Transfer { target, summary } => {
                    step.act = Some(Act::Transfer {
                        target: target.fill(|name| self.value(name)),
                        summary: summary
                            .as_ref()
                            .map(|summary| summary.fill(|name| self.value(name)))
                            .unwrap_or_default(),
                    });
                    self.progress.outcome = Outcome::Transferred;
                    self.progress.position = Position::Ended;
                    return;
                }
                Does::Hangup { reason } => {
                    step.act = Some(Act::Hangup { reason: reason.clone() });
                    self.progress.outcome = Outcome::HungUp(reason.clone());
                    self.progress.position = Position::Ended;
                    return;
                }
            }
        }
        self.progress.position = Position::Ended;
    }

    /// Waits for the answer to a question whose words were said.
    pub(super) fn ask(&mut self, id: StateId, failed: u32, repeated: u32, step: &mut Step) {
        let flow = Arc::clone(&self.flow);
        if let Some((_, question, _, slot)) = asking(&flow, id)
            && let Some(collect) = &question.collect
        {
            let digits_max = match &slot.kind {
                SlotKind::Digits { max, .. } => *max,
                SlotKind::Boolean { .. }
                | SlotKind::Number { .. }
                | SlotKind::Choice { .. }
                | SlotKind::Text { .. }
                | SlotKind::Name { .. }
                | SlotKind::Day => 0,
            };
            step.act = Some(Act::CollectDtmf {
                digits_max,
                terminators: collect.terminators.clone(),
                interdigit_timeout_ms: collect.interdigit_timeout_ms,
                no_input_timeout_ms: collect.no_input_timeout_ms,
            });
        }
        self.progress.position = Position::Asking { state: id, failed, repeated };
    }

    pub(super) fn choose(&self, way: &Way) -> StateId {
        let holds = |condition: &crate::flow::Condition| {
            self.progress.values.get(condition.slot.0).is_some_and(|value| condition.test.holds(value))
        };
        way.branches.iter().find(|(condition, _)| holds(condition)).map_or(way.next, |(_, state)| *state)
    }

    /// Says what has to be said before a state is entered, once.
    fn say_notices(&mut self, at: StateId, step: &mut Step) {
        let flow = Arc::clone(&self.flow);
        for (notice, noticed) in flow.notices.iter().zip(0..) {
            let is_due = notice.before.contains(&at) && !self.progress.noticed.get(noticed).copied().unwrap_or(true);
            if is_due {
                self.say(&notice.say, BargeIn::NotAllowed, step);
                if let Some(noticed) = self.progress.noticed.get_mut(noticed) {
                    *noticed = true;
                }
            }
        }
    }

    pub(super) fn say_state(&self, state: &State, step: &mut Step) {
        for sentence in &state.say {
            self.say_sentence(sentence, state.barge_in, step);
        }
    }

    fn say_sentence(&self, sentence: &Sentence, barge_in: BargeIn, step: &mut Step) {
        let language = self.progress.language;
        let whole = self.words(&sentence.text);
        let play = sentence.play.as_ref();
        let words = match play {
            Some(play) => Words::Recording(self.words(play)),
            None if sentence.is_ssml => Words::Ssml(self.markup(&sentence.text)),
            None => Words::Plain,
        };
        let text = if sentence.is_ssml { without_markup(&self.markup(&sentence.text)) } else { whole };
        let is_fixed = sentence.text.get(language).is_some_and(Template::is_fixed);
        let voice = sentence.voice.get(&language).or_else(|| self.flow.voices.get(&language));
        step.said.push(Said {
            text,
            words,
            barge_in: if sentence.barge_in == BargeIn::ByPolicy { barge_in } else { sentence.barge_in },
            voice: voice.cloned().unwrap_or_default(),
            cacheable: sentence.cacheable.unwrap_or(is_fixed) && is_fixed,
        });
    }

    pub(super) fn say(&self, text: &Text, barge_in: BargeIn, step: &mut Step) {
        let language = self.progress.language;
        step.said.push(Said {
            text: self.words(text),
            words: Words::Plain,
            barge_in,
            voice: self.flow.voices.get(&language).cloned().unwrap_or_default(),
            cacheable: text.get(language).is_some_and(Template::is_fixed),
        });
    }

    /// A text with its places filled.
    pub(in crate::flow) fn words(&self, text: &Text) -> String {
        text.get(self.progress.language).map(|template| template.fill(|name| self.value(name))).unwrap_or_default()
    }

    /// The same in markup: what fills a place is no markup.
    fn markup(&self, text: &Text) -> String {
        let escaped = |name: &str| self.value(name).map(|value| escape(&value));
        text.get(self.progress.language).map(|template| template.fill(escaped)).unwrap_or_default()
    }

    /// The value of a slot or a variable, as it is said. Secrets are not.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let slots = self.flow.slots.iter().zip(&self.progress.values);
        let slot = slots.into_iter().find(|(slot, _)| slot.name == name);
        let value = match slot {
            Some((slot, value)) if slot.kind.is_secret() => Some(hidden(value)),
            Some((_, value)) => Some(value.clone()),
            None => self.progress.variables.get(name).cloned(),
        };
        value.and_then(|value| spoken_value(&value, self.progress.language))
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The words of a piece of SSML, for the transcript.
fn without_markup(ssml: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in ssml.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
