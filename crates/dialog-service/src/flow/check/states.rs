//! States: one thing each, and where it leads.

use serde_saphyr::Location;

use super::{ATTEMPTS_MAX, BTreeMap, Checker};
use crate::flow::{
    AnswerExit, Answering, BargeIn, Converse, Does, Exit, Expects, Question, Reask, Sentence, SlotId, State, StateId,
    Text, ToolUse, Way,
    condition::{Condition, Test},
    document::{
        AnsweringDoc, At, BargeInDoc, BranchDoc, CollectDoc, ConditionDoc, ConverseDoc, DefaultsDoc, ExpectsDoc,
        ListeningDoc, SayDoc, SentenceDoc, StateDoc, TextDoc,
    },
    listening::{Collect, ListeningOptions},
};

/// Answers that are not taken before a question is given up, unless the flow says otherwise.
const ATTEMPTS: u32 = 3;

impl Checker {
    pub(super) fn state_of(&mut self, name: &At<String>, state: &StateDoc, defaults: &DefaultsDoc) -> State {
        let at = name.at;
        let does = [
            (state.ask.is_some(), "ask"),
            (state.converse.is_some(), "converse"),
            (state.answer.is_some(), "answer"),
            (state.tool.is_some(), "tool"),
            (state.action.is_some(), "action"),
            (state.transfer.is_some(), "transfer"),
            (state.hangup.is_some(), "hangup"),
        ];
        let does: Vec<&str> = does.into_iter().filter_map(|(given, key)| given.then_some(key)).collect();
        if let [first, second, ..] = does.as_slice() {
            self.error(at, format!("a state may have {first:?} or {second:?}, not both"));
        }
        let ends = state.transfer.is_some() || state.hangup.is_some();
        let leaves_itself = state.converse.is_some() || state.answer.is_some();
        if (ends || leaves_itself) && (state.next.is_some() || !state.branch.is_empty()) {
            self.error(at, format!("a state with {:?} has no next and no branch", does.first().unwrap_or(&"")));
        }
        self.misplaced_keys(at, state);
        let say = state.say.as_ref().map(|say| self.say(say)).unwrap_or_default();
        let does = if let Some(slot) = &state.ask {
            let question = self.question(at, slot, state, defaults);
            Does::Ask(question, self.way(at, state))
        } else if let Some(converse) = &state.converse {
            Does::Converse(self.converse(converse, state.goal.as_ref()))
        } else if let Some(answer) = &state.answer {
            Does::Answer(self.answering(answer))
        } else if let Some(tool) = &state.tool {
            Does::Tool(self.tool_use(at, tool, state), self.way(at, state))
        } else if let Some(action) = &state.action {
            if matches!(action.value.name.as_str(), "" | "continue" | "transfer" | "hangup" | "collect_dtmf") {
                self.error(action.at, format!("an action may not be called {:?}", action.value.name));
            }
            let params = action.value.params.iter();
            let params = params.map(|(name, value)| (name.clone(), self.template(action.at, value))).collect();
            Does::Act { name: action.value.name.clone(), params, way: self.way(at, state) }
        } else if let Some(transfer) = &state.transfer {
            let target = &transfer.value.target;
            let summary = transfer.value.summary.as_ref();
            Does::Transfer {
                target: self.template(target.at, &target.value),
                summary: summary.map(|summary| self.template(summary.at, &summary.value)),
            }
        } else if let Some(reason) = &state.hangup {
            Does::Hangup { reason: reason.value.clone() }
        } else {
            Does::Go(self.way(at, state))
        };
        State { name: name.value.clone(), say, barge_in: barge_in(state.barge_in), does }
    }

    /// Keys that mean nothing for what the state does.
    fn misplaced_keys(&mut self, at: Location, state: &StateDoc) {
        let (asks, uses_tool) = (state.ask.is_some(), state.tool.is_some());
        let keys = [
            (state.reprompt.is_some() && !asks, "reprompt", "asks"),
            (state.invalid.is_some() && !asks, "invalid", "asks"),
            (state.silence.is_some() && !asks, "silence", "asks"),
            (state.give_up.is_some() && !asks, "give_up", "asks"),
            (state.listening.is_some() && !asks, "listening", "asks"),
            (state.collect_dtmf.is_some() && !asks, "collect_dtmf", "asks"),
            (state.attempts.is_some() && !asks && !uses_tool, "attempts", "asks or uses a tool"),
            (state.confirm.is_some() && !asks && !uses_tool, "confirm", "asks or uses a tool"),
            (state.failed.is_some() && !uses_tool, "failed", "uses a tool"),
            (state.declined.is_some() && !uses_tool, "declined", "uses a tool"),
        ];
        for (_, key, whose) in keys.into_iter().filter(|(misplaced, ..)| *misplaced) {
            self.error(at, format!("{key:?} belongs to a state that {whose}"));
        }
    }

    fn say(&mut self, say: &SayDoc) -> Vec<Sentence> {
        match say {
            SayDoc::Text(text) => vec![self.sentence_of(text)],
            SayDoc::Sentences(sentences) => sentences.iter().filter_map(|sentence| self.sentence(sentence)).collect(),
        }
    }

    fn sentence_of(&mut self, text: &TextDoc) -> Sentence {
        Sentence {
            text: self.text(text),
            is_ssml: false,
            play: None,
            barge_in: BargeIn::ByPolicy,
            voice: BTreeMap::new(),
            cacheable: None,
        }
    }

    fn sentence(&mut self, document: &At<SentenceDoc>) -> Option<Sentence> {
        let sentence = &document.value;
        let text = match (&sentence.text, &sentence.ssml, &sentence.play) {
            (Some(text), None, _) => self.text(text),
            (None, Some(ssml), None) => self.markup(ssml),
            (Some(_), Some(_), _) | (None, Some(_), Some(_)) => {
                self.error(
                    document.at,
                    "a sentence has a text (with or without a recording to play) or ssml, not both",
                );
                return None;
            }
            (None, None, Some(_)) => {
                self.error(document.at, "a recording needs a text, which is spoken when it cannot be played");
                return None;
            }
            (None, None, None) => {
                self.error(document.at, "a sentence needs a text or ssml");
                return None;
            }
        };
        if sentence.play.is_some() && sentence.voice.is_some() {
            self.error(document.at, "a recording has no voice");
        }
        Some(Sentence {
            text,
            is_ssml: sentence.ssml.is_some(),
            play: sentence.play.as_ref().map(|play| self.text(play)),
            barge_in: barge_in(sentence.barge_in),
            voice: sentence.voice.as_ref().map(|voice| self.voices(voice)).unwrap_or_default(),
            cacheable: sentence.cacheable,
        })
    }

    /// A text that is the content of a `<speak>` element.
    fn markup(&mut self, document: &TextDoc) -> Text {
        let text = self.text(document);
        for ssml in document.value.values() {
            // Places are no markup; what fills them is escaped.
            if let Err(why) = roxmltree::Document::parse(&format!("<speak>{ssml}</speak>")) {
                self.error(document.at, format!("the ssml is not well-formed: {why}"));
            }
        }
        text
    }

    fn question(&mut self, at: Location, slot: &At<String>, state: &StateDoc, defaults: &DefaultsDoc) -> Question {
        if state.say.is_none() {
            self.error(at, "a state that asks needs something to say");
        }
        let mut own_or_default = |own: &Option<TextDoc>, default: &Option<TextDoc>, key: &str| {
            let repeats_question = own.is_none();
            match own.as_ref().or(default.as_ref()) {
                Some(text) => Reask { text: self.text(text), repeats_question },
                None => {
                    self.error(at, format!("the question has no {key:?}, and the defaults have none either"));
                    Reask { text: Text::new(BTreeMap::new()), repeats_question }
                }
            }
        };
        let reprompt = own_or_default(&state.reprompt, &defaults.reprompt, "reprompt");
        let silence = own_or_default(&state.silence, &defaults.silence, "silence");
        let invalid = state.invalid.as_ref().map(|text| Reask { text: self.text(text), repeats_question: false });
        let attempts = self.attempts(state.attempts.as_ref().or(defaults.attempts.as_ref()));
        let give_up = match state.give_up.as_ref().or(defaults.give_up.as_ref()) {
            Some(give_up) => self.state(give_up),
            None => {
                self.error(at, "the question has no \"give_up\", and the defaults have none either");
                StateId(0)
            }
        };
        let is_secret = self.secrets.contains(&slot.value);
        if is_secret && state.confirm.is_some() {
            self.error(at, "a secret cannot be asked back");
        }
        let collect = state.collect_dtmf.as_ref();
        Question {
            slot: self.slot_id(slot),
            invalid: invalid.unwrap_or_else(|| reprompt.clone()),
            reprompt,
            silence,
            attempts,
            give_up,
            confirm: state.confirm.as_ref().map(|confirm| self.text(confirm)),
            listening: state.listening.as_ref().map(|listening| self.listening(listening)).unwrap_or_default(),
            collect: collect.map(|collect| self.collect(collect)).or(is_secret.then(Collect::default)),
        }
    }

    fn attempts(&mut self, attempts: Option<&At<u32>>) -> u32 {
        if let Some(attempts) = attempts.filter(|attempts| !(1..=ATTEMPTS_MAX).contains(&attempts.value)) {
            self.error(attempts.at, format!("attempts may be 1 to {ATTEMPTS_MAX}"));
        }
        attempts.map_or(ATTEMPTS, |attempts| attempts.value)
    }

    fn listening(&mut self, document: &At<ListeningDoc>) -> ListeningOptions {
        let listening = &document.value;
        ListeningOptions {
            expects: listening.expects.map(|expects| match expects {
                ExpectsDoc::Anything => Expects::Anything,
                ExpectsDoc::YesNo => Expects::YesNo,
                ExpectsDoc::Digits => Expects::Digits,
                ExpectsDoc::Number => Expects::Number,
                ExpectsDoc::DateTime => Expects::DateTime,
                ExpectsDoc::Choice => Expects::Choice,
                ExpectsDoc::Name => Expects::Name,
                ExpectsDoc::Open => Expects::Open,
            }),
            hints: listening.hints.as_ref().map(|hints| self.lists(hints)).unwrap_or_default(),
            no_input_timeout_ms: listening.no_input_timeout_ms,
            complete_silence_ms: listening.complete_silence_ms,
            incomplete_silence_ms: listening.incomplete_silence_ms,
        }
    }

    fn collect(&mut self, document: &At<CollectDoc>) -> Collect {
        let collect = &document.value;
        let terminators = collect.terminators.clone().unwrap_or_else(|| "#".to_owned());
        if !terminators.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#' | 'A'..='D')) {
            self.error(document.at, format!("{terminators:?} are no keys"));
        }
        Collect {
            terminators,
            interdigit_timeout_ms: collect.interdigit_timeout_ms,
            no_input_timeout_ms: collect.no_input_timeout_ms,
        }
    }

    fn converse(&mut self, converse: &At<ConverseDoc>, goal: Option<&String>) -> Converse {
        let document = &converse.value;
        if document.provider.value != "openai" {
            let message = format!("{:?} is not a provider; there is \"openai\"", document.provider.value);
            self.error(document.provider.at, message);
        }
        if document.exits.0.is_empty() {
            self.error(converse.at, "the model needs an exit");
        }
        let exits = document
            .exits
            .0
            .iter()
            .map(|(name, when)| Exit { state: self.state(name), name: name.value.clone(), when: when.clone() })
            .collect();
        if let Some(note) = document.exits.0.iter().find(|(name, _)| name.value == "note") {
            self.error(note.0.at, "no exit may be called \"note\": the model uses this word for slots");
        }
        let fills: Vec<SlotId> = document.fills.iter().map(|slot| self.slot_id(slot)).collect();
        for slot in document.fills.iter().filter(|slot| self.secrets.contains(&slot.value)).cloned().collect::<Vec<_>>()
        {
            self.error(slot.at, "a secret is not for a language model");
        }
        Converse {
            goal: goal.cloned(),
            system: self.text(&document.system),
            fallback: self.text(&document.fallback),
            fills,
            exits,
            give_up: self.state(&document.give_up),
            turns_max: document.turns_max.unwrap_or(20),
            reply_chars_max: document.reply_chars_max.unwrap_or(600),
            failures_max: document.failures_max.unwrap_or(2),
        }
    }

    fn answering(&mut self, document: &At<AnsweringDoc>) -> Answering {
        let answering = &document.value;
        if !self.knowledge.contains(&answering.knowledge.value) {
            let message = format!("there is no knowledge {:?}", answering.knowledge.value);
            self.error(answering.knowledge.at, message);
        }
        if answering.exits.is_empty() {
            self.error(document.at, "a state that answers questions needs an exit");
        }
        let exits = answering.exits.iter().map(|exit| AnswerExit {
            hears: self.phrases(&exit.hears),
            or_no: exit.or_no,
            goto: self.state(&exit.goto),
        });
        Answering {
            exits: exits.collect(),
            knowledge: answering.knowledge.value.clone(),
            more: answering.more.as_ref().map(|more| self.text(more)),
            unknown: self.text(&answering.unknown),
            silence: self.text(&answering.silence),
            misses_max: answering.misses_max.unwrap_or(2),
            give_up: self.state(&answering.give_up),
        }
    }

    fn tool_use(&mut self, at: Location, tool: &At<String>, state: &StateDoc) -> ToolUse {
        let Some(failed) = &state.failed else {
            self.error(at, "a state that uses a tool needs \"failed\": where it goes when the tool fails");
            return ToolUse {
                tool: self.tool_id(tool),
                confirm: None,
                attempts: ATTEMPTS,
                failed: StateId(0),
                declined: StateId(0),
            };
        };
        let failed = self.state(failed);
        let declined = match (&state.confirm, &state.declined) {
            (Some(_), Some(declined)) => self.state(declined),
            (Some(_), None) => {
                self.error(at, "a tool that is confirmed needs \"declined\": where it goes when the caller says no");
                StateId(0)
            }
            (None, Some(declined)) => {
                self.error(declined.at, "\"declined\" needs \"confirm\"");
                StateId(0)
            }
            (None, None) => failed,
        };
        ToolUse {
            tool: self.tool_id(tool),
            confirm: state.confirm.as_ref().map(|confirm| self.text(confirm)),
            attempts: self.attempts(state.attempts.as_ref()),
            failed,
            declined,
        }
    }

    fn way(&mut self, at: Location, state: &StateDoc) -> Way {
        let branches = state.branch.iter().filter_map(|branch| self.branch(branch)).collect();
        let next = match &state.next {
            Some(next) => self.state(next),
            None => {
                self.error(at, "the state leads nowhere: it needs \"next\", \"transfer\" or \"hangup\"");
                StateId(0)
            }
        };
        Way { branches, next }
    }

    fn branch(&mut self, branch: &BranchDoc) -> Option<(Condition, StateId)> {
        let goto = self.state(&branch.goto);
        let condition = self.condition(&branch.when)?;
        Some((condition, goto))
    }

    pub(super) fn condition(&mut self, condition: &ConditionDoc) -> Option<Condition> {
        let slot = self.slot_id(&condition.slot);
        let tests = [
            condition.is.clone().map(Test::Is),
            condition.at_least.map(Test::AtLeast),
            condition.at_most.map(Test::AtMost),
            condition.filled.map(Test::Filled),
        ];
        let mut tests = tests.into_iter().flatten();
        match (tests.next(), tests.next()) {
            (Some(test), None) => Some(Condition { slot, test }),
            (None | Some(_), _) => {
                self.error(
                    condition.slot.at,
                    "a condition needs one of \"is\", \"at_least\", \"at_most\" and \"filled\"",
                );
                None
            }
        }
    }
}

fn barge_in(document: Option<BargeInDoc>) -> BargeIn {
    match document {
        None => BargeIn::ByPolicy,
        Some(BargeInDoc::Allowed) => BargeIn::Allowed,
        Some(BargeInDoc::DtmfOnly) => BargeIn::DtmfOnly,
        Some(BargeInDoc::No) => BargeIn::NotAllowed,
    }
}
