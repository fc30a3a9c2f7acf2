//! What was found in an input: what was heard, keyed or written, matched against grammars and written as a result. Kept after
//! RECOGNITION-COMPLETE, so that GET-RESULT can have it under other constraints (RFC 6787, sections 9.11 and 9.14).

use std::sync::Arc;

use mrcp::recognizer::{InputMatch, Outcome, ResultBody, Verdict};
use speech::nlsml::{self, NlsmlStyle, NoMatch};
use speech::{Grammar, Hypothesis, InputMode, Language, Match};

use crate::keyword;

/// What the caller said or keyed, or a client wrote.
#[derive(Debug, Clone)]
pub(crate) enum Evidence {
    /// The engine's last word.
    Speech(Vec<Hypothesis>),
    /// Keys, without the terminator.
    Keys(String),
    /// The text of an INTERPRET, in that language.
    Text(String, Language),
}

/// How an input is looked for among grammars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Constraints {
    /// `Confidence-Threshold`: a match has to be surer than this; 0 takes all.
    pub(crate) threshold: f32,
    /// `N-Best-List-Length`.
    pub(crate) n_best: u32,
    /// Hotword mode: words around a match do not matter.
    pub(crate) spots: bool,
}

impl Constraints {
    /// The matches of what was said, best first, that are sure enough.
    fn matches(self, grammars: &[Grammar], hypotheses: &[Hypothesis]) -> Vec<Match> {
        let mut matches = speech::match_all(grammars, hypotheses);
        if matches.is_empty() && self.spots {
            matches = keyword::spot(grammars, hypotheses);
        }
        // Surer than the threshold, not as sure (section 9.4.1).
        matches.retain(|found| self.threshold <= 0.0 || found.confidence > self.threshold);
        matches
    }

    /// How what was said so far stands to the grammars. Which words may follow is not known here, so what does not match may
    /// still become a match.
    pub(crate) fn state(self, grammars: &[Grammar], hypotheses: &[Hypothesis]) -> InputMatch {
        if self.matches(grammars, hypotheses).is_empty() {
            InputMatch::Prefix
        } else {
            InputMatch::Complete { can_grow: false }
        }
    }
}

/// One input and its grammars.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) grammars: Arc<[Grammar]>,
    pub(crate) evidence: Evidence,
    pub(crate) constraints: Constraints,
    pub(crate) style: NlsmlStyle,
}

impl Finding {
    /// The verdict and the body.
    pub(crate) fn outcome(&self) -> Outcome {
        let Constraints { n_best, .. } = self.constraints;
        let mut matches = self.matches();
        matches.truncate(usize::try_from(n_best.max(1)).unwrap_or(1));
        if matches.is_empty() {
            let result = Some(nlsml_body(nlsml::no_match(&self.no_match(), &self.style)));
            return Outcome { verdict: Verdict::NoMatch, result };
        }
        if let [Match { semantics_failure: Some(_), grammar_uri, input, confidence, mode, .. }, ..] = matches.as_slice()
        {
            let matched = NoMatch {
                grammar_uri: grammar_uri.clone(),
                heard: Some(input.clone()),
                confidence: *confidence,
                mode: *mode,
            };
            let result = Some(nlsml_body(nlsml::semantics_failure(&matched, &self.style)));
            return Outcome { verdict: Verdict::SemanticsFailure, result };
        }
        Outcome { verdict: Verdict::Match, result: Some(nlsml_body(nlsml::write(&matches, &self.style))) }
    }

    fn matches(&self) -> Vec<Match> {
        match &self.evidence {
            Evidence::Speech(hypotheses) => self.constraints.matches(&self.grammars, hypotheses),
            Evidence::Keys(digits) => speech::match_all_dtmf(&self.grammars, digits).matches,
            Evidence::Text(text, language) => {
                // Nothing was heard, so nothing can be unsure of it.
                let hypothesis = Hypothesis::new(text, 1.0, *language);
                let matches = speech::match_all(&self.grammars, &[hypothesis]);
                if !matches.is_empty() {
                    return matches;
                }
                let keys: String = text.chars().filter(|char| !char.is_whitespace()).collect();
                speech::match_all_dtmf(&self.grammars, &keys).matches
            }
        }
    }

    fn no_match(&self) -> NoMatch {
        let best = match &self.evidence {
            Evidence::Speech(hypotheses) => hypotheses.first().map(|best| (best.text.clone(), best.confidence)),
            Evidence::Keys(digits) => Some((digits.clone(), 1.0)),
            Evidence::Text(text, _) => Some((text.clone(), 1.0)),
        };
        let (heard, confidence) = best.map_or((None, 0.0), |(text, confidence)| (Some(text), confidence));
        NoMatch {
            grammar_uri: self.grammars.first().map_or_else(String::new, |grammar| grammar.uri().to_owned()),
            heard: heard.filter(|text| !text.trim().is_empty()),
            confidence,
            mode: match &self.evidence {
                Evidence::Speech(_) | Evidence::Text(..) => InputMode::Speech,
                Evidence::Keys(_) => InputMode::Dtmf,
            },
        }
    }
}

pub(crate) fn nlsml_body(text: String) -> ResultBody {
    ResultBody { content_type: "application/nlsml+xml".to_owned(), body: text.into() }
}
