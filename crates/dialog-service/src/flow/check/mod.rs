//! From a document to a flow: every name resolved, every text in every language, every state of one kind.

mod conversation;
mod slots;
mod states;
mod tools;

use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::Location;
use sha2::{Digest as _, Sha256};
use speech::Language;

use super::{
    Flow, FlowError, SlotId, StateId, ToolId,
    document::{At, FlowDoc, PhrasesDoc, TextDoc},
    form::FormSchema,
    graph,
    phrases::Phrases,
    text::{Template, Text},
};

/// YAML of one flow. The shipped survey has 10 kB.
const YAML_BYTES_MAX: usize = 1024 * 1024;
/// States of one flow.
const STATES_MAX: usize = 2000;
/// More would keep a caller captive.
const ATTEMPTS_MAX: u32 = 10;
/// Bytes of the hash that tells versions apart.
const HASH_BYTES: usize = 6;

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
    Checker::new(&document).check(document, yaml)
}

/// What is known while a document is checked.
struct Checker {
    languages: Vec<Language>,
    states: BTreeMap<String, StateId>,
    slots: BTreeMap<String, SlotId>,
    tools: BTreeMap<String, ToolId>,
    /// Slots that are never shown.
    secrets: BTreeSet<String>,
    intents: BTreeSet<String>,
    knowledge: BTreeSet<String>,
    /// What a template may ask for.
    names: BTreeSet<String>,
    errors: Vec<FlowError>,
}

impl Checker {
    fn new(document: &FlowDoc) -> Self {
        let index = |names: Vec<&At<String>>| -> BTreeMap<String, usize> {
            names.into_iter().enumerate().map(|(index, name)| (name.value.clone(), index)).collect()
        };
        let states = index(document.states.0.iter().map(|(name, _)| name).collect());
        let slots = index(document.slots.0.iter().map(|(name, _)| name).collect());
        let tools = index(document.tools.0.iter().map(|(name, _)| name).collect());
        let variables = document.variables.0.iter().map(|(name, _)| name.value.clone());
        let secrets = document.slots.0.iter().filter(|(_, slot)| slot.secret == Some(true));
        let rules = document.rules.iter().filter_map(|rule| rule.name.as_ref().or(rule.include.as_ref()));
        Self {
            languages: Vec::new(),
            names: slots.keys().cloned().chain(variables).collect(),
            states: states.into_iter().map(|(name, index)| (name, StateId(index))).collect(),
            slots: slots.into_iter().map(|(name, index)| (name, SlotId(index))).collect(),
            tools: tools.into_iter().map(|(name, index)| (name, ToolId(index))).collect(),
            secrets: secrets.map(|(name, _)| name.value.clone()).collect(),
            intents: document
                .intents
                .0
                .iter()
                .map(|(name, _)| name.value.clone())
                .chain(rules.map(|name| name.value.clone()))
                .collect(),
            knowledge: document.knowledge.0.iter().map(|(name, _)| name.value.clone()).collect(),
            errors: Vec::new(),
        }
    }

    fn check(mut self, document: FlowDoc, yaml: &str) -> Result<Flow, Vec<FlowError>> {
        self.languages = self.languages_of(&document.languages);
        if document.flow.value.trim().is_empty() {
            self.error(document.flow.at, "a flow needs a name");
        }
        if document.states.0.len() > STATES_MAX {
            self.error(document.start.at, format!("a flow may have {STATES_MAX} states"));
        }
        let start = self.state(&document.start);
        let slots = document.slots.0.iter().map(|(name, slot)| self.slot(name, slot)).collect();
        let form = document.form.as_ref().and_then(|form| match FormSchema::new(form.value.clone()) {
            Ok(schema) => Some(schema),
            Err(why) => {
                self.error(form.at, format!("the form is no JSON Schema: {why}"));
                None
            }
        });
        let policy = document.policy.as_ref().map(|policy| self.policy(policy));
        let rules = document.rules.iter().map(|rule| self.rule(rule)).collect();
        let intents = document
            .intents
            .0
            .iter()
            .map(|(name, words)| (name.value.clone(), self.phrases_at(name.at, words)))
            .collect();
        let forbidden = document.forbidden.as_ref().map(|forbidden| self.forbidden(forbidden));
        let tools = document.tools.0.iter().map(|(name, tool)| self.tool(name, tool)).collect();
        let knowledge = document.knowledge.0.iter().map(|(name, entries)| self.knowledge(name, entries)).collect();
        let abandon = document.defaults.abandon.as_ref().map(|abandon| self.abandon(abandon));
        let voices = document.defaults.voice.as_ref().map(|voice| self.voices(voice)).unwrap_or_default();
        let summary = document.summary.as_ref().map(|summary| self.text(summary));
        let follow_ups = document.follow_ups.iter().filter_map(|follow_up| self.follow_up(follow_up)).collect();
        let places: Vec<Location> = document.states.0.iter().map(|(name, _)| name.at).collect();
        let states: Vec<_> =
            document.states.0.iter().map(|(name, state)| self.state_of(name, state, &document.defaults)).collect();
        let notices = self.notices(&document, &states);
        let flow = Flow {
            name: document.flow.value,
            version: version(document.version.as_ref().map(|version| version.value.trim()), yaml),
            yaml: yaml.to_owned(),
            languages: self.languages.clone(),
            variables: document.variables.0.into_iter().map(|(name, default)| (name.value, default)).collect(),
            slots,
            form,
            policy,
            rules,
            intents,
            notices,
            forbidden,
            tools,
            knowledge,
            abandon,
            voices,
            summary,
            follow_ups,
            states,
            start,
        };
        self.uses(&flow, &document.tools, &document.knowledge);
        self.scripted_words(&flow, &places);
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

    fn languages_of(&mut self, tags: &At<Vec<String>>) -> Vec<Language> {
        let mut languages = Vec::new();
        for tag in &tags.value {
            match Language::from_tag(tag) {
                Some(language) if languages.contains(&language) => {
                    self.error(tags.at, format!("the language {tag:?} is there twice"));
                }
                Some(language) => languages.push(language),
                None => self.error(tags.at, format!("the language {tag:?} is not spoken here")),
            }
        }
        if tags.value.is_empty() {
            self.error(tags.at, "a flow needs a language");
        }
        languages
    }

    /// The state of that name. An unknown name is an error, and the state that stands in for it is never used.
    fn state(&mut self, name: &At<String>) -> StateId {
        self.states.get(&name.value).copied().unwrap_or_else(|| {
            self.error(name.at, format!("there is no state {:?}", name.value));
            StateId(0)
        })
    }

    fn slot_id(&mut self, name: &At<String>) -> SlotId {
        self.slots.get(&name.value).copied().unwrap_or_else(|| {
            self.error(name.at, format!("there is no slot {:?}", name.value));
            SlotId(0)
        })
    }

    /// A template for what is said, recorded or handed over: no secrets.
    fn template(&mut self, at: Location, text: &str) -> Template {
        let template = self.template_with_secrets(at, text);
        let secret = template.names().find(|name| self.secrets.contains(*name)).map(str::to_owned);
        if let Some(name) = secret {
            self.error(at, format!("{{{name}}} is a secret: only a tool may have it"));
        }
        template
    }

    fn template_with_secrets(&mut self, at: Location, text: &str) -> Template {
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
        document: &At<BTreeMap<String, T>>,
        mut make: impl FnMut(&mut Self, &T) -> U,
    ) -> BTreeMap<Language, U> {
        let at = document.at;
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
        let at = document.at;
        Text::new(self.by_language(document, |checker, text| {
            if text.trim().is_empty() {
                checker.error(at, "a text is empty");
            }
            checker.template(at, text)
        }))
    }

    /// A text without places.
    fn fixed_text(&mut self, document: &TextDoc) -> Text {
        let text = self.text(document);
        let languages = self.languages.clone();
        if languages.iter().any(|language| text.get(*language).is_some_and(|template| !template.is_fixed())) {
            self.error(document.at, "the text may hold no {places}");
        }
        text
    }

    /// Words by language, as they are written.
    fn lists(&mut self, document: &PhrasesDoc) -> BTreeMap<Language, Vec<String>> {
        let at = document.at;
        self.by_language(document, |checker, words| {
            if words.iter().any(|word| word.trim().is_empty()) {
                checker.error(at, "a text is empty");
            }
            words.clone()
        })
    }

    /// Voices by language; none is needed.
    fn voices(&mut self, document: &At<BTreeMap<String, String>>) -> BTreeMap<Language, String> {
        let mut voices = BTreeMap::new();
        for (tag, voice) in &document.value {
            match Language::from_tag(tag).filter(|language| self.languages.contains(language)) {
                Some(language) => drop(voices.insert(language, voice.clone())),
                None => self.error(document.at, format!("the flow does not have the language {tag:?}")),
            }
        }
        voices
    }

    fn phrases_at(&mut self, at: Location, words: &BTreeMap<String, Vec<String>>) -> Phrases {
        self.phrases(&At { value: words.clone(), at })
    }

    fn phrases(&mut self, document: &PhrasesDoc) -> Phrases {
        let at = document.at;
        Phrases::new(self.by_language(document, |checker, phrases| {
            if phrases.iter().any(|phrase| !phrase.chars().any(char::is_alphanumeric)) {
                checker.error(at, "a phrase is empty");
            }
            phrases.clone()
        }))
    }
}

/// The author's version and a short hash of the file.
fn version(author: Option<&str>, yaml: &str) -> String {
    let hash: String = Sha256::digest(yaml).iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect();
    match author.filter(|author| !author.is_empty()) {
        Some(author) => format!("{author}+{hash}"),
        None => hash,
    }
}
