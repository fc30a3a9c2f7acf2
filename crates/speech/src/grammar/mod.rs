//! Grammars: what may be said or keyed, and what it means.

mod error;

pub use error::{GrammarError, GrammarErrorKind};

use serde_json::Value;

use crate::{DialogGrammar, Hypothesis, Language};

/// What an input means to the application: a scalar or an object (RFC 6787 section 9.6.3.2).
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

/// A grammar of a RECOGNIZE body: a URI and its weight (RFC 6787 section 9.9).
#[derive(Debug, Clone, PartialEq)]
pub struct GrammarRef {
    /// `builtin:…`, `session:…` or another URI, without angle brackets.
    pub uri: String,
    /// How likely the grammar is, above 0; 1 when not given.
    pub weight: f32,
}

impl GrammarRef {
    /// Reads a body of type `text/uri-list` or `text/grammar-ref-list`: one URI a line, comments (`#`) and empty lines
    /// left out, any line ending. At most 64 are taken.
    ///
    /// # Errors
    /// When the body is not UTF-8, holds no URI, or too many.
    pub fn parse_list(_content_type: &str, _body: &[u8]) -> Result<Vec<Self>, GrammarError> {
        Ok(Vec::new())
    }
}

/// A compiled grammar. Cheap to keep, immutable, and safe to share.
#[derive(Debug, Clone, PartialEq)]
pub struct Grammar {
    uri: String,
    language: Option<Language>,
    weight: f32,
}

impl Grammar {
    /// Compiles a builtin grammar from its URI, in any of the spellings seen in the field; see docs/GRAMMARS.md.
    ///
    /// # Errors
    /// `UnsupportedUri` for another scheme or an unknown builtin type, `Parameter` for parameters that make no sense,
    /// `UnsupportedLanguage` for a language that is not served.
    pub fn from_uri(uri: &str) -> Result<Self, GrammarError> {
        Ok(Self { uri: uri.trim().to_owned(), language: None, weight: 1.0 })
    }

    /// Compiles an inline grammar: SRGS in its XML form that is a small choice list; see docs/GRAMMARS.md.
    /// `language` holds where the document names none.
    ///
    /// # Errors
    /// `UnsupportedMediaType` for JSGF, GSL, ABNF and other types; `Syntax` for a document that is not well formed or
    /// not SRGS; `Unsupported` for what SRGS allows and this compiler does not; `TooLarge` over a limit;
    /// `UnsupportedLanguage`.
    pub fn from_body(_content_type: &str, _body: &[u8], language: Language) -> Result<Self, GrammarError> {
        Ok(Self { uri: String::new(), language: Some(language), weight: 1.0 })
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
        true
    }

    /// Whether keys can match.
    pub fn accepts_dtmf(&self) -> bool {
        false
    }

    /// Whether any words match: dictation and dialog turns.
    pub fn is_open(&self) -> bool {
        true
    }

    /// The phrases of a closed list, for engines that can be biased; at most 200, empty for an open grammar.
    pub fn phrases(&self) -> Vec<String> {
        Vec::new()
    }

    /// What a `builtin:speech/dialog` grammar asks for; `None` for other grammars.
    pub fn dialog(&self) -> Option<&DialogGrammar> {
        None
    }

    /// The ways in which what was heard matches, best first; at most one for each distinct instance.
    pub fn match_speech(&self, hypotheses: &[Hypothesis]) -> Vec<Match> {
        hypotheses
            .iter()
            .map(|hypothesis| Match {
                grammar_uri: self.uri.clone(),
                instance: hypothesis.text.clone().into(),
                confidence: hypothesis.confidence,
                input: hypothesis.text.clone(),
                mode: InputMode::Speech,
            })
            .collect()
    }

    /// How keys (`0`-`9`, `*`, `#`, `A`-`D`) stand to this grammar. No keys at all are a prefix of what accepts keys.
    pub fn match_dtmf(&self, _digits: &str) -> DtmfMatch {
        DtmfMatch::NoMatch
    }
}

/// Matches what was heard against all active grammars, best first: closed grammars before open ones, then by confidence
/// times weight, then in the order of the grammars.
pub fn match_all(grammars: &[Grammar], hypotheses: &[Hypothesis]) -> Vec<Match> {
    grammars.iter().flat_map(|grammar| grammar.match_speech(hypotheses)).collect()
}

/// Matches keys against all active grammars.
pub fn match_all_dtmf(_grammars: &[Grammar], _digits: &str) -> DtmfMatches {
    DtmfMatches { state: DtmfMatch::NoMatch, matches: Vec::new() }
}
