//! What was found in an input: what was heard, keyed or written, matched against grammars and written as a result. Kept after
//! RECOGNITION-COMPLETE, so that GET-RESULT can have it under other constraints (RFC 6787, sections 9.11 and 9.14).

use std::sync::Arc;

use mrcp::recognizer::{InputMatch, Outcome, ResultBody, Verdict};
use speech::nlsml::{NlsmlStyle, NoMatch};
use speech::{Grammar, Hypothesis, InputMode, Language, Match, Progress, RecognitionResult, ResultFormat};

use crate::keyword;

/// What the caller said or keyed, or a client wrote.
#[derive(Debug, Clone)]
pub(crate) enum Evidence {
    /// The engine's last word.
    Speech(Vec<Hypothesis>),
    /// Keys, without the terminator; and what was said before them.
    Keys { digits: String, spoken: Option<Hypothesis> },
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

    /// How what was said so far stands to the grammars.
    ///
    /// What takes any words could always go on, and would always be late: it counts as complete. What is matched and not
    /// sure enough may yet be.
    pub(crate) fn state(self, grammars: &[Grammar], hypotheses: &[Hypothesis]) -> InputMatch {
        let is_matched = !self.matches(grammars, hypotheses).is_empty();
        let Some(best) = hypotheses.first() else { return InputMatch::Prefix };
        let mut closed = grammars.iter().filter(|grammar| !grammar.is_open()).map(|grammar| grammar.progress(best));
        if is_matched {
            let grows = |progress| progress == Progress::Complete { can_grow: true };
            return InputMatch::Complete { can_grow: closed.any(grows) };
        }
        let is_hopeless =
            !grammars.iter().any(Grammar::is_open) && closed.all(|progress| progress == Progress::NoMatch);
        if is_hopeless { InputMatch::NoMatch } else { InputMatch::Prefix }
    }
}

/// Whether what was said is the beginning of something that a closed grammar takes. Others cannot tell.
fn is_beginning(grammars: &[Grammar], hypotheses: &[Hypothesis]) -> bool {
    hypotheses.first().is_some_and(|best| {
        let mut closed = grammars.iter().filter(|grammar| !grammar.is_open());
        closed.any(|grammar| grammar.progress(best) == Progress::Prefix)
    })
}

/// One input and its grammars.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) grammars: Arc<[Grammar]>,
    pub(crate) evidence: Evidence,
    pub(crate) constraints: Constraints,
    pub(crate) style: NlsmlStyle,
    pub(crate) format: ResultFormat,
}

impl Finding {
    /// The verdict and the body.
    pub(crate) fn outcome(&self) -> Outcome {
        let Constraints { n_best, .. } = self.constraints;
        let mut matches = self.matches();
        matches.truncate(usize::try_from(n_best.max(1)).unwrap_or(1));
        if matches.is_empty() {
            let result = Some(self.body(&RecognitionResult::NoMatch(&self.no_match())));
            let verdict = match &self.evidence {
                Evidence::Speech(hypotheses) if is_beginning(&self.grammars, hypotheses) => Verdict::PartialMatch,
                Evidence::Speech(_) | Evidence::Keys { .. } | Evidence::Text(..) => Verdict::NoMatch,
            };
            return Outcome { verdict, result };
        }
        if let [Match { semantics_failure: Some(_), grammar_uri, input, confidence, mode, .. }, ..] = matches.as_slice()
        {
            let matched = NoMatch {
                grammar_uri: grammar_uri.clone(),
                heard: Some(input.clone()),
                confidence: *confidence,
                mode: *mode,
            };
            let result = Some(self.body(&RecognitionResult::SemanticsFailure(&matched)));
            return Outcome { verdict: Verdict::SemanticsFailure, result };
        }
        let result = match self.rejected_speech() {
            Some(rejected) => self.body(&RecognitionResult::MatchesBeside { matches: &matches, rejected: &rejected }),
            None => self.body(&RecognitionResult::Matches(&matches)),
        };
        Outcome { verdict: Verdict::Match, result: Some(result) }
    }

    /// What was said before the keys that count, and is in no grammar.
    fn rejected_speech(&self) -> Option<NoMatch> {
        let Evidence::Keys { spoken: Some(spoken), .. } = &self.evidence else { return None };
        let matches = self.constraints.matches(&self.grammars, std::slice::from_ref(spoken));
        matches.is_empty().then(|| NoMatch {
            grammar_uri: String::new(),
            heard: Some(spoken.text.clone()),
            confidence: spoken.confidence,
            mode: InputMode::Speech,
        })
    }

    fn body(&self, result: &RecognitionResult<'_>) -> ResultBody {
        result_body(self.format, result, &self.style)
    }

    fn matches(&self) -> Vec<Match> {
        match &self.evidence {
            Evidence::Speech(hypotheses) => self.constraints.matches(&self.grammars, hypotheses),
            Evidence::Keys { digits, .. } => speech::match_all_dtmf(&self.grammars, digits).matches,
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
            Evidence::Keys { digits, .. } => Some((digits.clone(), 1.0)),
            Evidence::Text(text, _) => Some((text.clone(), 1.0)),
        };
        let (heard, confidence) = best.map_or((None, 0.0), |(text, confidence)| (Some(text), confidence));
        NoMatch {
            grammar_uri: self.grammars.first().map_or_else(String::new, |grammar| grammar.uri().to_owned()),
            heard: heard.filter(|text| !text.trim().is_empty()),
            confidence,
            mode: match &self.evidence {
                Evidence::Speech(_) | Evidence::Text(..) => InputMode::Speech,
                Evidence::Keys { .. } => InputMode::Dtmf,
            },
        }
    }
}

/// A result as the body of a message.
pub(crate) fn result_body(format: ResultFormat, result: &RecognitionResult<'_>, style: &NlsmlStyle) -> ResultBody {
    ResultBody { content_type: format.media_type().to_owned(), body: format.write(result, style).into() }
}
