//! States that answer the caller's questions.

use std::sync::Arc;

use super::{CallerInput, FlowRun, Found, LookupRequest, Need, Position, Step};
use crate::flow::{Answering, BargeIn, Does, Flow, StateId};

impl FlowRun {
    pub(super) fn hear_question(&mut self, id: StateId, misses: u32, input: &CallerInput, step: &mut Step) {
        let flow = Arc::clone(&self.flow);
        let Some(answering) = answering(&flow, id) else { return };
        match input {
            CallerInput::Speech(texts) => {
                if input.asks_to_repeat() {
                    step.intent = Some("repeat".to_owned());
                    self.repeat_last(step);
                    self.progress.position = Position::Answering { state: id, misses };
                    return;
                }
                let language = self.progress.language;
                let leaves = answering.exits.iter().find(|exit| {
                    texts.iter().any(|text| exit.hears.affirmed_in(text))
                        || (exit.or_no && is_plain_no(texts, language))
                });
                if let Some(exit) = leaves {
                    step.intent = Some("leave".to_owned());
                    self.enter(exit.goto, step);
                    return;
                }
                step.intent = Some("question".to_owned());
                step.need = Some(Need::Lookup(LookupRequest {
                    knowledge: answering.knowledge.clone(),
                    texts: texts.clone(),
                    language,
                }));
                self.progress.position = Position::LookingUp { state: id, misses };
            }
            CallerInput::Dtmf(_) | CallerInput::NoInput | CallerInput::NoMatch => {
                step.intent = Some(input.unclear_intent());
                self.miss(id, answering, misses, false, step);
            }
        }
    }

    /// The question of `turn` was looked up.
    pub fn looked_up(&mut self, turn: u32, found: Option<Found>) -> Step {
        let mut step = Step::default();
        let flow = Arc::clone(&self.flow);
        if let Position::LookingUp { state, misses } = self.progress.position
            && let Some(answering) = answering(&flow, state)
        {
            match found {
                Some(found) => {
                    self.note_intent(&format!("question:{}", found.source));
                    self.say(&found.words, BargeIn::ByPolicy, &mut step);
                    if let Some(more) = &answering.more {
                        self.say(more, BargeIn::ByPolicy, &mut step);
                    }
                    self.progress.position = Position::Answering { state, misses: 0 };
                }
                None => self.miss(state, answering, misses, true, &mut step),
            }
        }
        self.finish(turn, &mut step);
        step
    }

    fn miss(&mut self, id: StateId, answering: &Answering, misses: u32, is_question: bool, step: &mut Step) {
        let misses = misses.saturating_add(1);
        if misses > answering.misses_max {
            self.enter(answering.give_up, step);
            return;
        }
        self.say(if is_question { &answering.unknown } else { &answering.silence }, BargeIn::ByPolicy, step);
        self.progress.position = Position::Answering { state: id, misses };
    }

    /// Says once more what was said last.
    fn repeat_last(&self, step: &mut Step) {
        let last = self.progress.transcript.lines().filter(|line| !line.by_caller).last();
        if let Some(line) = last {
            step.said.push(super::Said {
                text: line.text.clone(),
                words: super::Words::Plain,
                barge_in: BargeIn::ByPolicy,
                voice: self.flow.voices.get(&self.progress.language).cloned().unwrap_or_default(),
                cacheable: false,
            });
        }
    }
}

/// "No", "没有了" and nothing else worth a look.
fn is_plain_no(texts: &[String], language: speech::Language) -> bool {
    const CHARS_MAX: usize = 24;
    texts.first().is_some_and(|best| best.chars().count() <= CHARS_MAX && speech::yes_no(best, language) == Some(false))
}

fn answering(flow: &Flow, id: StateId) -> Option<&Answering> {
    match &flow.state(id)?.does {
        Does::Answer(answering) => Some(answering),
        Does::Go(_)
        | Does::Ask(..)
        | Does::Converse(_)
        | Does::Tool(..)
        | Does::Act { .. }
        | Does::Transfer { .. }
        | Does::Hangup { .. } => None,
    }
}
