//! From a document to a flow: every name resolved, every text in every language, every state of one kind.

use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::{Location, Spanned};
use speech::Language;

use super::{
    Abandon, Converse, Does, Exit, Flow, FlowError, Question, Reask, Rule, Slot, SlotId, State, StateId, Way,
    condition::{Condition, Test},
    document::{
        AbandonDoc, BranchDoc, ConditionDoc, ConverseDoc, DefaultsDoc, FlowDoc, PhrasesDoc, RuleDoc, SlotDoc, StateDoc,
        TextDoc,
    },
    graph,
    phrases::Phrases,
    slot::SlotKind,
    sounds::SoundList,
    text::{Template, Text},
};

/// YAML of one flow. The shipped survey has 10 kB.
const YAML_BYTES_MAX: usize = 1024 * 1024;
/// States of one flow.
const STATES_MAX: usize = 2000;
/// Answers that are not taken before a question is given up, unless the flow says otherwise.
const ATTEMPTS: u32 = 3;
/// More would keep a caller captive.
const ATTEMPTS_MAX: u32 = 10;
/// Characters of a text slot, unless the flow says otherwise.
const TEXT_CHARS_MAX: usize = 500;

pub(super) fn load(yaml: &str) -> Result<Flow, Vec<FlowError>> {
    if yaml.len() > YAML_BYTES_MAX {
        let message = format!("the flow has {} bytes; at most {YAML_BYTES_MAX} are read", yaml.len());
        return Err(vec![FlowError { line: 0, column: 0, message }]);
    }
    let document: FlowDoc = serde_saphyr::from_str(yaml).map_err(|err| {
        let at = err.location().unwrap_or(Location::UNKNOWN);
        // Only the first line: the rest is a picture of the source.
        let message = err.without_snippet().to_string();
        vec![FlowError {
            line: at.line(),
            column: at.column(),
            message: message.lines().next().unwrap_or("").to_owned(),
        }]
    })?;
    Checker::new(&document).check(document)
}

/// What is known while a document is checked.
struct Checker {
    languages: Vec<Language>,
    states: BTreeMap<String, StateId>,
    slots: BTreeMap<String, SlotId>,
    /// What a template may ask for.
    names: BTreeSet<String>,
    errors: Vec<FlowError>,
}

impl Checker {
    fn new(document: &FlowDoc) -> Self {
        let names = |keys: Vec<&Spanned<String>>| keys.into_iter().map(|key| key.value.clone()).collect::<Vec<_>>();
        let states = names(document.states.0.iter().map(|(name, _)| name).collect());
        let slots = names(document.slots.0.iter().map(|(name, _)| name).collect());
        let variables = names(document.variables.0.iter().map(|(name, _)| name).collect());
        Self {
            languages: Vec::new(),
            states: states.into_iter().enumerate().map(|(index, name)| (name, StateId(index))).collect(),
            slots: slots.iter().cloned().enumerate().map(|(index, name)| (name, SlotId(index))).collect(),
            names: slots.into_iter().chain(variables).collect(),
            errors: Vec::new(),
        }
    }

    fn check(mut self, document: FlowDoc) -> Result<Flow, Vec<FlowError>> {
        self.languages = self.languages_of(&document.languages);
        if document.flow.value.trim().is_empty() {
            self.error(document.flow.referenced, "a flow needs a name");
        }
        if document.states.0.len() > STATES_MAX {
            self.error(document.start.referenced, format!("a flow may have {STATES_MAX} states"));
        }
        let start = self.state(&document.start);
        let slots = document.slots.0.iter().map(|(name, slot)| self.slot(name, slot)).collect();
        let rules: Vec<Rule> = document.rules.iter().map(|rule| self.rule(rule)).collect();
        let abandon = document.defaults.abandon.as_ref().map(|abandon| self.abandon(abandon));
        let places: Vec<Location> = document.states.0.iter().map(|(name, _)| name.referenced).collect();
        let states: Vec<State> =
            document.states.0.iter().map(|(name, state)| self.state_of(name, state, &document.defaults)).collect();
        let flow = Flow {
            name: document.flow.value,
            languages: self.languages.clone(),
            variables: document.variables.0.into_iter().map(|(name, default)| (name.value, default)).collect(),
            slots,
            rules,
            abandon,
            states,
            start,
        };
        // What the graph would say about a flow with unknown names is noise.
        if self.errors.is_empty() {
            for fault in graph::faults(&flow) {
                let at = places.get(fault.state.0).copied().unwrap_or(Location::UNKNOWN);
                self.error(at, fault.message);
            }
        }
        if self.errors.is_empty() { Ok(flow) } else { Err(self.errors) }
    }

    fn error(&mut self, at: Location, message: impl Into<String>) {
        self.errors.push(FlowError { line: at.line(), column: at.column(), message: message.into() });
    }

    fn languages_of(&mut self, tags: &Spanned<Vec<String>>) -> Vec<Language> {
        let mut languages = Vec::new();
        for tag in &tags.value {
            match Language::from_tag(tag) {
                Some(language) if languages.contains(&language) => {
                    self.error(tags.referenced, format!("the language {tag:?} is there twice"));
                }
                Some(language) => languages.push(language),
                None => self.error(tags.referenced, format!("the language {tag:?} is not spoken here")),
            }
        }
        if tags.value.is_empty() {
            self.error(tags.referenced, "a flow needs a language");
        }
        languages
    }

    /// The state of that name. An unknown name is an error, and the state that stands in for it is never used.
    fn state(&mut self, name: &Spanned<String>) -> StateId {
        self.states.get(&name.value).copied().unwrap_or_else(|| {
            self.error(name.referenced, format!("there is no state {:?}", name.value));
            StateId(0)
        })
    }

    fn slot_id(&mut self, name: &Spanned<String>) -> SlotId {
        self.slots.get(&name.value).copied().unwrap_or_else(|| {
            self.error(name.referenced, format!("there is no slot {:?}", name.value));
            SlotId(0)
        })
    }

    fn template(&mut self, at: Location, text: &str) -> Template {
        let template = Template::parse(text).unwrap_or_else(|err| {
            self.error(at, format!("{err} in {text:?}"));
            Template::default()
        });
        let unknown: Vec<String> =
            template.names().filter(|name| !self.names.contains(*name)).map(str::to_owned).collect();
        for name in unknown {
            self.error(at, format!("{{{name}}} is neither a variable nor a slot"));
        }
        template
    }

    /// By language, with an entry for each language of the flow and no others.
    fn by_language<T, U>(
        &mut self,
        document: &Spanned<BTreeMap<String, T>>,
        mut make: impl FnMut(&mut Self, &T) -> U,
    ) -> BTreeMap<Language, U> {
        let at = document.referenced;
        let mut by_language = BTreeMap::new();
        for (tag, value) in &document.value {
            match Language::from_tag(tag) {
                Some(language) if self.languages.contains(&language) => {
                    let value = make(self, value);
                    by_language.insert(language, value);
                }
                Some(_) | None => self.error(at, format!("the flow does not have the language {tag:?}")),
            }
        }
        for language in self.languages.clone() {
            if !by_language.contains_key(&language) {
                self.error(at, format!("the text for {language} is missing"));
            }
        }
        by_language
    }

    fn text(&mut self, document: &TextDoc) -> Text {
        let at = document.referenced;
        Text::new(self.by_language(document, |checker, text| {
            if text.trim().is_empty() {
                checker.error(at, "a text is empty");
            }
            checker.template(at, text)
        }))
    }

    fn phrases(&mut self, document: &PhrasesDoc) -> Phrases {
        let at = document.referenced;
        Phrases::new(self.by_language(document, |checker, phrases| {
            if phrases.iter().any(|phrase| !phrase.chars().any(char::is_alphanumeric)) {
                checker.error(at, "a phrase is empty");
            }
            phrases.clone()
        }))
    }

    fn rule(&mut self, rule: &RuleDoc) -> Rule {
        Rule { name: rule.name.clone(), hears: self.phrases(&rule.hears), goto: self.state(&rule.goto) }
    }

    fn abandon(&mut self, abandon: &AbandonDoc) -> Abandon {
        let after = &abandon.after_silences;
        if !(1..=ATTEMPTS_MAX).contains(&after.value) {
            self.error(after.referenced, format!("after_silences may be 1 to {ATTEMPTS_MAX}"));
        }
        Abandon { after_silences: after.value, goto: self.state(&abandon.goto) }
    }

    fn slot(&mut self, name: &Spanned<String>, slot: &SlotDoc) -> Slot {
        let kind = match slot.kind.value.as_str() {
            "boolean" => SlotKind::Boolean {
                yes: slot.yes_words.as_ref().map(|words| self.phrases(words)).unwrap_or_default(),
                no: slot.no_words.as_ref().map(|words| self.phrases(words)).unwrap_or_default(),
            },
            "number" => self.number(name, slot),
            "choice" => self.choice(name, slot),
            "text" => SlotKind::Text { max_chars: slot.max_chars.unwrap_or(TEXT_CHARS_MAX) },
            "day" => SlotKind::Day,
            other => {
                let at = slot.kind.referenced;
                self.error(at, format!("{other:?} is not a type; there are boolean, number, choice, text and day"));
                SlotKind::Day
            }
        };
        let is_name = !name.value.is_empty() && name.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            self.error(name.referenced, "the name of a slot may hold letters, digits and \"_\"");
        }
        for (given, key, of) in [
            (slot.min.is_some() || slot.max.is_some() || slot.whole.is_some(), "min, max and whole", "number"),
            (slot.max_chars.is_some(), "max_chars", "text"),
            (slot.yes_words.is_some() || slot.no_words.is_some(), "yes and no", "boolean"),
            (!slot.options.0.is_empty(), "options", "choice"),
        ] {
            if given && slot.kind.value != of {
                self.error(name.referenced, format!("{key} belong to the type {of:?}"));
            }
        }
        let sounds =
            if self.languages.contains(&Language::Chinese) { SoundList::of(&kind) } else { SoundList::default() };
        Slot { name: name.value.clone(), kind, sounds }
    }

    fn number(&mut self, name: &Spanned<String>, slot: &SlotDoc) -> SlotKind {
        let (Some(min), Some(max)) = (&slot.min, &slot.max) else {
            self.error(name.referenced, "a number needs min and max");
            return SlotKind::Day;
        };
        if min.value > max.value || !min.value.is_finite() || !max.value.is_finite() {
            self.error(min.referenced, format!("no number is between {} and {}", min.value, max.value));
        }
        SlotKind::Number { min: min.value, max: max.value, whole: slot.whole.unwrap_or(false) }
    }

    fn choice(&mut self, name: &Spanned<String>, slot: &SlotDoc) -> SlotKind {
        if slot.options.0.len() < 2 {
            self.error(name.referenced, "a choice needs at least two options");
        }
        let mut options = Vec::new();
        for (option, words) in &slot.options.0 {
            let words = Spanned::new(words.clone(), option.referenced, option.defined);
            options.push((option.value.clone(), self.phrases(&words)));
        }
        SlotKind::Choice { options }
    }

    fn state_of(&mut self, name: &Spanned<String>, state: &StateDoc, defaults: &DefaultsDoc) -> State {
        let at = name.referenced;
        let does = [
            (state.ask.is_some(), "ask"),
            (state.converse.is_some(), "converse"),
            (state.action.is_some(), "action"),
            (state.transfer.is_some(), "transfer"),
            (state.hangup.is_some(), "hangup"),
        ];
        let does: Vec<&str> = does.into_iter().filter_map(|(given, key)| given.then_some(key)).collect();
        if let [first, second, ..] = does.as_slice() {
            self.error(at, format!("a state may have {first:?} or {second:?}, not both"));
        }
        let ends = state.transfer.is_some() || state.hangup.is_some();
        if (ends || state.converse.is_some()) && (state.next.is_some() || !state.branch.is_empty()) {
            self.error(at, format!("a state with {:?} has no next and no branch", does.first().unwrap_or(&"")));
        }
        if state.ask.is_none() {
            let given = [
                (state.reprompt.is_some(), "reprompt"),
                (state.invalid.is_some(), "invalid"),
                (state.silence.is_some(), "silence"),
                (state.attempts.is_some(), "attempts"),
                (state.give_up.is_some(), "give_up"),
                (state.confirm.is_some(), "confirm"),
            ];
            for (_, key) in given.into_iter().filter(|(given, _)| *given) {
                self.error(at, format!("{key:?} belongs to a state that asks"));
            }
        }
        let say = state.say.as_ref().map(|say| self.text(say));
        let does = if let Some(slot) = &state.ask {
            let question = self.question(at, slot, state, defaults);
            Does::Ask(question, self.way(at, state))
        } else if let Some(converse) = &state.converse {
            Does::Converse(self.converse(converse))
        } else if let Some(action) = &state.action {
            if matches!(action.value.name.as_str(), "" | "continue" | "transfer" | "hangup") {
                self.error(action.referenced, format!("an action may not be called {:?}", action.value.name));
            }
            let params = action.value.params.iter();
            let params = params.map(|(name, value)| (name.clone(), self.template(action.referenced, value))).collect();
            Does::Act { name: action.value.name.clone(), params, way: self.way(at, state) }
        } else if let Some(transfer) = &state.transfer {
            let target = &transfer.value.target;
            let summary = transfer.value.summary.as_ref();
            Does::Transfer {
                target: self.template(target.referenced, &target.value),
                summary: summary.map(|summary| self.template(summary.referenced, &summary.value)),
            }
        } else if let Some(reason) = &state.hangup {
            Does::Hangup { reason: reason.value.clone() }
        } else {
            Does::Go(self.way(at, state))
        };
        State { name: name.value.clone(), say, barge_in: state.barge_in.unwrap_or(true), does }
    }

    fn question(&mut self, at: Location, slot: &Spanned<String>, state: &StateDoc, defaults: &DefaultsDoc) -> Question {
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
        let attempts = state.attempts.as_ref().or(defaults.attempts.as_ref());
        if let Some(attempts) = attempts.filter(|attempts| !(1..=ATTEMPTS_MAX).contains(&attempts.value)) {
            self.error(attempts.referenced, format!("attempts may be 1 to {ATTEMPTS_MAX}"));
        }
        let give_up = match state.give_up.as_ref().or(defaults.give_up.as_ref()) {
            Some(give_up) => self.state(give_up),
            None => {
                self.error(at, "the question has no \"give_up\", and the defaults have none either");
                StateId(0)
            }
        };
        Question {
            slot: self.slot_id(slot),
            invalid: invalid.unwrap_or_else(|| reprompt.clone()),
            reprompt,
            silence,
            attempts: attempts.map_or(ATTEMPTS, |attempts| attempts.value),
            give_up,
            confirm: state.confirm.as_ref().map(|confirm| self.text(confirm)),
        }
    }

    fn converse(&mut self, converse: &Spanned<ConverseDoc>) -> Converse {
        let document = &converse.value;
        if document.provider.value != "openai" {
            let message = format!("{:?} is not a provider; there is \"openai\"", document.provider.value);
            self.error(document.provider.referenced, message);
        }
        if document.exits.0.is_empty() {
            self.error(converse.referenced, "the model needs an exit");
        }
        let exits = document
            .exits
            .0
            .iter()
            .map(|(name, when)| Exit { state: self.state(name), name: name.value.clone(), when: when.clone() })
            .collect();
        Converse {
            system: self.text(&document.system),
            fallback: self.text(&document.fallback),
            exits,
            give_up: self.state(&document.give_up),
            turns_max: document.turns_max.unwrap_or(20),
            reply_chars_max: document.reply_chars_max.unwrap_or(600),
            failures_max: document.failures_max.unwrap_or(2),
        }
    }

    fn way(&mut self, at: Location, state: &StateDoc) -> Way {
        let branches = state.branch.iter().filter_map(|branch| self.branch(at, branch)).collect();
        let next = match &state.next {
            Some(next) => self.state(next),
            None => {
                self.error(at, "the state leads nowhere: it needs \"next\", \"transfer\" or \"hangup\"");
                StateId(0)
            }
        };
        Way { branches, next }
    }

    fn branch(&mut self, at: Location, branch: &BranchDoc) -> Option<(Condition, StateId)> {
        let goto = self.state(&branch.goto);
        let condition = self.condition(at, &branch.when)?;
        Some((condition, goto))
    }

    fn condition(&mut self, at: Location, condition: &ConditionDoc) -> Option<Condition> {
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
                self.error(at, "a condition needs one of \"is\", \"at_least\", \"at_most\" and \"filled\"");
                None
            }
        }
    }
}
