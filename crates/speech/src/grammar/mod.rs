//! Grammars: what may be said or keyed, and what it means.

mod builtin;
mod choice_list;
mod closed_list;
mod dtmf;
mod error;
mod expansion;
mod grammar_ref;
mod parse_tree;
mod semantics;
mod srgs;
mod utterance;

pub use error::{GrammarError, GrammarErrorKind};
pub use grammar_ref::GrammarRef;
pub use parse_tree::{GrammarSource, ParseNode, ParseTree, RuleInstance};
pub use semantics::TagFormat;
pub use utterance::{HeardWord, Utterance};

use jiff::civil::Date;
use serde_json::Value;

use crate::{DialogGrammar, Hypothesis, Language, builtin::Builtin, text};
use choice_list::ChoiceList;

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
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, PartialEq)]
enum Rule {
    /// Any words; they mean themselves.
    Transcribe,
    /// Any words or keys; the conversation knows what they mean.
    Dialog(Box<DialogGrammar>),
    /// A type of VoiceXML.
    Builtin(Builtin),
    /// One of a list of phrases or key sequences.
    List(ChoiceList),
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

    /// Compiles an inline grammar: SRGS in its XML form that is a small choice list; see docs/GRAMMARS.md.
    /// `language` holds where the document names none.
    ///
    /// # Errors
    /// `UnsupportedMediaType` for JSGF, GSL, ABNF and other types; `Syntax` for a document that is not well formed or
    /// not SRGS; `Unsupported` for what SRGS allows and this compiler does not; `TooLarge` over a limit;
    /// `UnsupportedLanguage`.
    pub fn from_body(content_type: &str, body: &[u8], language: Language) -> Result<Self, GrammarError> {
        let document = srgs::compile(content_type, body)?;
        let speech = document.list.is_spoken();
        Ok(Self {
            uri: String::new(),
            language: Some(document.language.unwrap_or(language)),
            weight: 1.0,
            rule: Rule::List(document.list),
            speech,
            dtmf: !speech,
            today: None,
        })
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
            Rule::List(list) if self.speech => list.phrases().take(PHRASES_MAX).map(str::to_owned).collect(),
            Rule::Builtin(builtin) if self.speech => {
                builtin.phrases(self.language).iter().map(|phrase| (*phrase).to_owned()).collect()
            }
            Rule::List(_) | Rule::Builtin(_) | Rule::Transcribe | Rule::Dialog(_) => Vec::new(),
        }
    }

    /// What a `builtin:speech/dialog` grammar asks for; `None` for other grammars.
    pub fn dialog(&self) -> Option<&DialogGrammar> {
        match &self.rule {
            Rule::Dialog(dialog) => Some(dialog),
            Rule::Transcribe | Rule::Builtin(_) | Rule::List(_) => None,
        }
    }

    /// The ways in which what was heard matches, best first; at most one for each distinct instance.
    ///
    /// The confidence of a match is that of its hypothesis times how well the words fit: 1 word for word (hesitation
    /// and spelling aside), 0.95 when politeness stands around a phrase, one minus half the distance when it was found
    /// by sound. Of several hypotheses that mean the same the best counts; only the first eight are looked at.
    pub fn match_speech(&self, hypotheses: &[Hypothesis]) -> Vec<Match> {
        const HYPOTHESES_MAX: usize = 8;
        if !self.speech {
            return Vec::new();
        }
        let mut matches: Vec<Match> = Vec::new();
        for hypothesis in hypotheses.iter().take(HYPOTHESES_MAX) {
            let Some((instance, quality)) = self.understand(hypothesis) else { continue };
            let confidence = Hypothesis::new("", hypothesis.confidence, hypothesis.language).confidence * quality;
            match matches.iter_mut().find(|earlier| earlier.instance == instance) {
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
                }),
            }
        }
        matches.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        matches
    }

    /// What a hypothesis means here, and how well it fits.
    fn understand(&self, hypothesis: &Hypothesis) -> Option<(Instance, f32)> {
        let Hypothesis { text, language, .. } = hypothesis;
        match &self.rule {
            Rule::Transcribe | Rule::Dialog(_) => {
                let transcript = text::collapse_space(text);
                let has_words = transcript.chars().any(char::is_alphanumeric);
                has_words.then(|| (transcript.into(), 1.0))
            }
            Rule::Builtin(builtin) => {
                builtin.understand(text, *language, self.today).map(|meaning| (meaning.instance, meaning.quality))
            }
            Rule::List(list) => list.find(text, *language).map(|found| (found.instance.clone(), found.quality)),
        }
    }

    /// How keys (`0`-`9`, `*`, `#`, `A`-`D`) stand to this grammar. No keys at all are a prefix of what accepts keys.
    pub fn match_dtmf(&self, digits: &str) -> DtmfMatch {
        if self.dtmf { dtmf::match_keys(&self.rule, digits) } else { DtmfMatch::NoMatch }
    }
}

/// Whether `c` is on a telephone's keypad, the fourth column included.
fn is_key(c: char) -> bool {
    matches!(c, '0'..='9' | '*' | '#' | 'A'..='D')
}

/// Matches what was heard against all active grammars, best first: closed grammars before open ones, then by confidence
/// times weight, then in the order of the grammars. Of the same instance from several grammars the best stays.
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
                matches.push(Match {
                    grammar_uri: grammar.uri.clone(),
                    instance,
                    confidence: 1.0,
                    input: digits.to_owned(),
                    mode: InputMode::Dtmf,
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
