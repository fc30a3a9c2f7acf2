//! Grammars: what may be said or keyed, and what it means.

mod builtin;
mod carriers;
mod compile;
mod document;
mod dtmf;
mod enumeration;
mod error;
mod grammar_ref;
mod limits;
mod linked;
mod loader;
mod matcher;
mod parse_tree;
mod phrase_index;
mod pronunciation;
mod rule_grammar;
mod sound_index;
mod srgs;
mod utterance;

pub use document::{GrammarDocument, RuleSummary};
pub use enumeration::Phrase;
pub use error::{GrammarError, GrammarErrorKind, Position};
pub use grammar_ref::GrammarRef;
pub use limits::GrammarLimits;
pub use loader::{FetchedGrammar, GrammarLoader};
pub use matcher::Progress;
pub use parse_tree::{GrammarSource, ParseNode, ParseTree, RuleInstance};
pub use utterance::{HeardWord, Utterance};

use std::sync::Arc;

use jiff::civil::Date;
use serde_json::Value;

use crate::{DialogGrammar, Hypothesis, Language, SemanticsError, SemanticsErrorKind, builtin::Builtin, sisr, text};
use linked::LinkedGrammar;
use rule_grammar::{RuleGrammar, Surroundings};

/// What an input means to the application: a scalar or an object (RFC 6787 section 9.6.3.3).
pub type Instance = Value;

/// How an input came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputMode {
    /// It was said.
    Speech,
    /// It was keyed.
    Dtmf,
}

/// One way in which an input matches a grammar.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The URI of the grammar as the client knows it.
    pub grammar_uri: String,
    /// What the input means.
    pub instance: Instance,
    /// How sure the match is, 0 to 1; keys are always 1.
    pub confidence: f32,
    /// The words or keys themselves.
    pub input: String,
    /// Whether it was said or keyed.
    pub mode: InputMode,
    /// Why the input has no meaning, though it matches: then the instance is null (completion cause 012).
    pub semantics_failure: Option<SemanticsError>,
}

/// How keys stand to one grammar.
#[derive(Debug, Clone, PartialEq)]
pub enum DtmfMatch {
    /// No continuation can match.
    NoMatch,
    /// More keys are needed.
    Prefix,
    /// The keys match.
    Complete {
        /// More keys could match too: wait for the terminator or the inter-digit time-out.
        can_grow: bool,
        /// What the keys mean.
        instance: Instance,
    },
}

/// How keys stand to all active grammars.
#[derive(Debug, Clone, PartialEq)]
pub struct DtmfMatches {
    /// The best state of any grammar: complete before prefix before no match; it can grow when any grammar can.
    pub state: DtmfMatch,
    /// One match for each grammar that is complete, in the order of the grammars.
    pub matches: Vec<Match>,
}

/// A compiled grammar. Cheap to keep, immutable, and safe to share.
#[derive(Debug, Clone)]
pub struct Grammar {
    uri: String,
    language: Option<Language>,
    weight: f32,
    rule: Rule,
    speech: bool,
    dtmf: bool,
    /// The day that relative dates are resolved against.
    today: Option<Date>,
}

/// What a grammar accepts.
#[derive(Debug, Clone)]
enum Rule {
    /// Any words; they mean themselves.
    Transcribe,
    /// Any words or keys; the conversation knows what they mean.
    Dialog(Box<DialogGrammar>),
    /// A type of VoiceXML.
    Builtin(Builtin),
    /// What the rules of an SRGS document accept.
    Rules(Arc<RuleGrammar>),
}

impl Grammar {
    /// Compiles a builtin grammar from its URI, in any of the spellings seen in the field; see docs/GRAMMARS.md.
    ///
    /// # Errors
    /// `UnsupportedUri` for another scheme or an unknown builtin type, `Parameter` for parameters that make no sense,
    /// `UnsupportedLanguage` for a language that is not served.
    pub fn from_uri(uri: &str) -> Result<Self, GrammarError> {
        let reference = GrammarRef::parse(uri);
        let builtin::Compiled { rule, language, speech, dtmf } = builtin::compile(&reference.uri)?;
        Ok(Self { uri: reference.uri, language, weight: reference.weight, rule, speech, dtmf, today: None })
    }

    /// Compiles an inline grammar that refers to no other document: SRGS 1.0 in its XML or its ABNF form; see
    /// docs/GRAMMARS.md. `language` is that of a grammar for keys that names none. With references,
    /// [`GrammarLoader`] does it.
    ///
    /// # Errors
    /// `UnsupportedMediaType` for JSGF, GSL and other types; `Syntax` for a document that is not well formed or no
    /// conforming grammar; `TooLarge` over a limit; `UnsupportedUri` for a reference to another document;
    /// `UnsupportedLanguage`.
    pub fn from_body(content_type: &str, body: &[u8], language: Language) -> Result<Self, GrammarError> {
        let fetched = FetchedGrammar { content_type, body, base: None };
        let mut grammar = GrammarLoader::from_body("", fetched, GrammarLimits::default()).finish()?;
        if !grammar.has_root() {
            return Err(GrammarError::syntax("the grammar names no root rule"));
        }
        grammar.check_language()?;
        grammar.language.get_or_insert(language);
        Ok(grammar)
    }

    /// A grammar with all that it refers to.
    fn of_linked(uri: String, linked: LinkedGrammar) -> Result<Self, GrammarError> {
        let rules = RuleGrammar::new(linked)?;
        let (mode, language) = match rules.document() {
            Some(document) => (document.mode(), document.language().and_then(Language::from_tag)),
            None => (InputMode::Speech, None),
        };
        Ok(Self {
            uri,
            language,
            weight: 1.0,
            rule: Rule::Rules(Arc::new(rules)),
            speech: mode == InputMode::Speech,
            dtmf: mode == InputMode::Dtmf,
            today: None,
        })
    }

    /// Refuses a grammar for speech in a language that no engine hears. Other languages inside of it are no fault: what
    /// is said in them is just not heard.
    ///
    /// # Errors
    /// `UnsupportedLanguage`.
    pub fn check_language(&self) -> Result<(), GrammarError> {
        match self.document().and_then(GrammarDocument::language) {
            Some(tag) if self.speech && self.language.is_none() => {
                let message = format!("language {tag:?} is not served");
                Err(GrammarError::new(GrammarErrorKind::UnsupportedLanguage, message))
            }
            _ => Ok(()),
        }
    }

    /// Whether a rule is activated. Without one nothing matches: a document that names no root is there for references to its
    /// rules.
    pub fn has_root(&self) -> bool {
        self.linked().is_none_or(LinkedGrammar::has_root)
    }

    /// Whether scripts tell what an input means. They end within limits (docs/GRAMMARS.md), but that may take half a second.
    pub fn has_scripts(&self) -> bool {
        let documents = self.documents();
        documents.iter().any(|(_, document)| sisr::any_script(document.tag_format(), document.tags()))
    }

    /// The same grammar under the URI by which the client knows it (`session:NAME` for an inline one).
    #[must_use]
    pub fn named(mut self, uri: impl Into<String>) -> Self {
        self.uri = uri.into();
        self
    }

    /// The same grammar with a weight (RFC 6787 section 9.9): multiplies confidences when matches are put in order.
    #[must_use]
    pub fn weighted(mut self, weight: f32) -> Self {
        self.weight = if weight.is_finite() && weight > 0.0 { weight } else { 1.0 };
        self
    }

    /// The same grammar on a day, against which "tomorrow" and "next Tuesday" are resolved. Without one they do not match.
    #[must_use]
    pub fn on(mut self, today: Option<Date>) -> Self {
        self.today = today;
        self
    }

    /// The URI by which the client knows this grammar; empty for an inline one that was not named.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The language that the grammar itself names.
    pub fn language(&self) -> Option<Language> {
        self.language
    }

    /// Whether speech can match.
    pub fn accepts_speech(&self) -> bool {
        self.speech
    }

    /// Whether keys can match.
    pub fn accepts_dtmf(&self) -> bool {
        self.dtmf
    }

    /// Whether any words match: dictation and dialog turns.
    pub fn is_open(&self) -> bool {
        matches!(self.rule, Rule::Transcribe | Rule::Dialog(_))
    }

    /// The phrases of a closed list, for engines that can be biased; at most 200, empty for an open grammar.
    pub fn phrases(&self) -> Vec<String> {
        const PHRASES_MAX: usize = 200;
        match &self.rule {
            Rule::Rules(rules) => rules.phrases().take(PHRASES_MAX).map(str::to_owned).collect(),
            Rule::Builtin(builtin) if self.speech => {
                builtin.phrases(self.language).iter().map(|phrase| (*phrase).to_owned()).collect()
            }
            Rule::Builtin(_) | Rule::Transcribe | Rule::Dialog(_) => Vec::new(),
        }
    }

    /// What a `builtin:speech/dialog` grammar asks for; `None` for other grammars.
    pub fn dialog(&self) -> Option<&DialogGrammar> {
        match &self.rule {
            Rule::Dialog(dialog) => Some(dialog),
            Rule::Transcribe | Rule::Builtin(_) | Rule::Rules(_) => None,
        }
    }

    /// The ways in which what was heard matches, best first; at most one for each distinct instance.
    ///
    /// The confidence of a match is that of its hypothesis times how well the words fit: 1 word for word (hesitation
    /// and spelling aside), 0.95 when politeness stands around a phrase, one minus half the distance when it was found
    /// by sound; and in a closed grammar more than that, since a match is evidence too. Of several hypotheses that mean the same the best counts; only the first eight are looked at.
    pub fn match_speech(&self, hypotheses: &[Hypothesis]) -> Vec<Match> {
        const HYPOTHESES_MAX: usize = 8;
        if !self.speech {
            return Vec::new();
        }
        let mut matches: Vec<Match> = Vec::new();
        for hypothesis in hypotheses.iter().take(HYPOTHESES_MAX) {
            for (meaning, quality) in self.understand(hypothesis) {
                let (instance, semantics_failure) = meaning_or_failure(meaning);
                let heard = Hypothesis::new("", hypothesis.confidence, hypothesis.language).confidence * quality;
                let confidence = if self.is_open() { heard } else { with_evidence_of_match(heard) };
                let is_same = |earlier: &&mut Match| {
                    earlier.instance == instance && earlier.semantics_failure.is_some() == semantics_failure.is_some()
                };
                match matches.iter_mut().find(is_same) {
                    Some(earlier) if earlier.confidence >= confidence => {}
                    Some(earlier) => {
                        earlier.confidence = confidence;
                        earlier.input = text::collapse_space(&hypothesis.text);
                    }
                    None => matches.push(Match {
                        grammar_uri: self.uri.clone(),
                        instance,
                        confidence,
                        input: text::collapse_space(&hypothesis.text),
                        mode: InputMode::Speech,
                        semantics_failure,
                    }),
                }
            }
            // What takes too much once is not tried again with the other hypotheses.
            let is_limit = |failure: &SemanticsError| failure.kind == SemanticsErrorKind::Limit;
            if matches.iter().any(|earlier| earlier.semantics_failure.as_ref().is_some_and(is_limit)) {
                break;
            }
        }
        matches.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        matches
    }

    /// What a hypothesis means here, and how well it fits; several when it can be meant in several ways.
    fn understand(&self, hypothesis: &Hypothesis) -> Vec<(Result<Instance, SemanticsError>, f32)> {
        let Hypothesis { text, language, .. } = hypothesis;
        match &self.rule {
            Rule::Transcribe | Rule::Dialog(_) => {
                let transcript = text::collapse_space(text);
                let has_words = transcript.chars().any(char::is_alphanumeric);
                if has_words { vec![(Ok(transcript.into()), 1.0)] } else { Vec::new() }
            }
            Rule::Builtin(builtin) => {
                let meaning = builtin.understand(text, *language, self.today);
                meaning.into_iter().map(|meaning| (Ok(meaning.instance), meaning.quality)).collect()
            }
            Rule::Rules(rules) => rules.understand(hypothesis, self.today),
        }
    }

    /// The ways in which an input matches the rules of an SRGS grammar just as it is, best first, at most `count` and
    /// never more than ten; none of a builtin grammar. `language` is for builtin grammars that the rules refer to.
    ///
    /// Between ways the weights of alternatives decide, then how little GARBAGE covers, then the order of the document
    /// and longer repeats first.
    pub fn parse(&self, input: Utterance, language: Language, count: usize) -> Vec<ParseTree> {
        match &self.rule {
            Rule::Rules(rules) => rules.parse(&Arc::new(input), Surroundings { language, today: self.today }, count),
            Rule::Builtin(_) | Rule::Transcribe | Rule::Dialog(_) => Vec::new(),
        }
    }

    /// The ways in which a hypothesis matches the rules of an SRGS grammar, as [`match_speech`](Self::match_speech) finds
    /// them: hesitation and politeness left out where needed, in the end by sound. With each comes how well it fits.
    pub fn parse_speech(&self, hypothesis: &Hypothesis, count: usize) -> Vec<(ParseTree, f32)> {
        match &self.rule {
            Rule::Rules(rules) if self.speech => {
                let readings = rules.read(hypothesis, self.today, count);
                readings.into_iter().map(|reading| (reading.tree, reading.quality)).collect()
            }
            Rule::Rules(_) | Rule::Builtin(_) | Rule::Transcribe | Rule::Dialog(_) => Vec::new(),
        }
    }

    /// How what was heard so far stands to this grammar, for the time-outs of complete and incomplete speech.
    pub fn progress(&self, hypothesis: &Hypothesis) -> Progress {
        if !self.speech {
            return Progress::NoMatch;
        }
        match &self.rule {
            Rule::Rules(rules) => rules.progress(hypothesis, self.today),
            // Who hesitates goes on.
            Rule::Builtin(_) if Builtin::is_silence(&hypothesis.text, hypothesis.language) => Progress::Prefix,
            Rule::Builtin(builtin) => builtin.progress(&hypothesis.text, hypothesis.language, self.today),
            Rule::Transcribe | Rule::Dialog(_) => {
                if self.understand(hypothesis).is_empty() {
                    Progress::Prefix
                } else {
                    Progress::Complete { can_grow: true }
                }
            }
        }
    }

    /// All phrases of an SRGS grammar in the order of the document; `None` when there are more than `phrases_max` or
    /// endlessly many, and for builtin grammars.
    pub fn enumerate(&self, phrases_max: usize) -> Option<Vec<Phrase>> {
        match &self.rule {
            Rule::Rules(rules) => enumeration::phrases(&rules.linked, phrases_max),
            Rule::Builtin(_) | Rule::Transcribe | Rule::Dialog(_) => None,
        }
    }

    /// The document that this grammar was made of, without those that it refers to; `None` for builtin grammars.
    pub fn document(&self) -> Option<&GrammarDocument> {
        match &self.rule {
            Rule::Rules(rules) => rules.document().map(AsRef::as_ref),
            Rule::Builtin(_) | Rule::Transcribe | Rule::Dialog(_) => None,
        }
    }

    /// The documents that this grammar is made of, its own first; none for builtin grammars.
    pub fn documents(&self) -> Vec<(&str, &GrammarDocument)> {
        let documents = self.linked().map(|linked| linked.documents.as_slice()).unwrap_or_default();
        documents.iter().map(|linked| (linked.source.uri.as_str(), linked.document.as_ref())).collect()
    }

    #[cfg(test)]
    fn sounds(&self) -> Option<&sound_index::SoundIndex> {
        match &self.rule {
            Rule::Rules(rules) => rules.sounds.as_ref(),
            Rule::Builtin(_) | Rule::Transcribe | Rule::Dialog(_) => None,
        }
    }

    fn linked(&self) -> Option<&LinkedGrammar> {
        match &self.rule {
            Rule::Rules(rules) => Some(&rules.linked),
            Rule::Builtin(_) | Rule::Transcribe | Rule::Dialog(_) => None,
        }
    }

    /// What the first words of `texts` are to a builtin grammar: how many, and what they mean.
    fn prefixes(&self, texts: &[String], language: Language, today: Option<Date>) -> Vec<(usize, Instance)> {
        match &self.rule {
            Rule::Builtin(builtin) => builtin.prefixes(texts, language, today),
            Rule::Transcribe => {
                let words = |length| text::collapse_space(&texts.get(..length).unwrap_or_default().join(" "));
                (1..=texts.len()).rev().map(|length| (length, words(length).into())).collect()
            }
            Rule::Dialog(_) | Rule::Rules(_) => Vec::new(),
        }
    }

    /// Whether more words can follow these in a builtin grammar.
    fn goes_on(&self, text: &str, language: Language, today: Option<Date>) -> bool {
        match &self.rule {
            Rule::Builtin(builtin) => matches!(
                builtin.progress(text, language, today),
                Progress::Prefix | Progress::Complete { can_grow: true }
            ),
            Rule::Transcribe => true,
            Rule::Dialog(_) | Rule::Rules(_) => false,
        }
    }

    /// How keys (`0`-`9`, `*`, `#`, `A`-`D`) stand to this grammar. No keys at all are a prefix of what accepts keys.
    pub fn match_dtmf(&self, digits: &str) -> DtmfMatch {
        if self.dtmf { dtmf::match_keys(&self.rule, digits, self.today) } else { DtmfMatch::NoMatch }
    }

    /// Why keys that match have no meaning.
    fn failure_of_keys(&self, digits: &str) -> Option<SemanticsError> {
        match &self.rule {
            Rule::Rules(rules) => rules.meaning_of_keys(digits, self.today).and_then(Result::err),
            Rule::Builtin(_) | Rule::Transcribe | Rule::Dialog(_) => None,
        }
    }
}

/// The confidence of a match in a closed grammar, when what was heard has the confidence `heard`, 0 to 1. What is in no
/// grammar hardly ever sounds like something in it, so that a match more than triples the odds; what this does to right and
/// wrong results at each threshold is measured (docs/GRAMMARS.md).
fn with_evidence_of_match(heard: f32) -> f32 {
    const ODDS: f32 = 3.3;
    ODDS * heard / (ODDS * heard + (1.0 - heard))
}

/// A failed interpretation has null for an instance.
fn meaning_or_failure(meaning: Result<Instance, SemanticsError>) -> (Instance, Option<SemanticsError>) {
    match meaning {
        Ok(instance) => (instance, None),
        Err(error) => (Instance::Null, Some(error)),
    }
}

/// Whether `c` is on a telephone's keypad, the fourth column included.
fn is_key(c: char) -> bool {
    matches!(c, '0'..='9' | '*' | '#' | 'A'..='D')
}

/// Matches what was heard against all active grammars, best first: closed grammars before open ones, then by confidence
/// times weight, then in the order of the grammars. Of the same instance from several grammars the best stays. When the
/// interpretation of the best failed, it is alone; failures further down are left out.
pub fn match_all(grammars: &[Grammar], hypotheses: &[Hypothesis]) -> Vec<Match> {
    let mut ranked: Vec<(bool, f32, Match)> = Vec::new();
    for grammar in grammars {
        for matched in grammar.match_speech(hypotheses) {
            ranked.push((grammar.is_open(), matched.confidence * grammar.weight, matched));
        }
    }
    ranked.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let mut matches: Vec<Match> = Vec::new();
    for (_, _, matched) in ranked {
        if matched.semantics_failure.is_some() {
            if matches.is_empty() {
                return vec![matched];
            }
            continue;
        }
        if !matches.iter().any(|earlier| earlier.instance == matched.instance) {
            matches.push(matched);
        }
    }
    matches
}

/// Matches keys against all active grammars.
pub fn match_all_dtmf(grammars: &[Grammar], digits: &str) -> DtmfMatches {
    let mut matches = Vec::new();
    let mut best: Option<Instance> = None;
    let mut can_grow_any = false;
    for grammar in grammars {
        match grammar.match_dtmf(digits) {
            DtmfMatch::NoMatch => {}
            DtmfMatch::Prefix => can_grow_any = true,
            DtmfMatch::Complete { can_grow, instance } => {
                can_grow_any |= can_grow;
                best.get_or_insert_with(|| instance.clone());
                let semantics_failure = if instance.is_null() { grammar.failure_of_keys(digits) } else { None };
                matches.push(Match {
                    grammar_uri: grammar.uri.clone(),
                    instance,
                    confidence: 1.0,
                    input: digits.to_owned(),
                    mode: InputMode::Dtmf,
                    semantics_failure,
                });
            }
        }
    }
    let state = match best {
        Some(instance) => DtmfMatch::Complete { can_grow: can_grow_any, instance },
        None if can_grow_any => DtmfMatch::Prefix,
        None => DtmfMatch::NoMatch,
    };
    DtmfMatches { state, matches }
}

#[cfg(test)]
mod tests;
