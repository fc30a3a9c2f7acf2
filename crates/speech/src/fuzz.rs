//! Entry points for the fuzz targets: each takes any bytes and checks what must hold for all of them.

use crate::{
    ClauseSplitter, DtmfMatch, FetchedGrammar, Grammar, GrammarLimits, GrammarLoader, GrammarRef, Hypothesis, Language,
    Match, ParseNode, Progress, RuleInstance, Segment, Utterance, clauses, digits, match_all, match_all_dtmf, nlsml,
    number, segments, yes_no,
};
use nlsml::Input;

/// Bytes as a grammar URI, as a list of grammars and as an inline grammar; then as words heard by what they compile to.
///
/// Laws: every phrase of a closed list matches, every key sequence of one completes, and all that stands on the way to it
/// is its prefix.
pub fn grammar(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = GrammarRef::parse_list("text/uri-list", data);
    let mut grammars: Vec<Grammar> = text.lines().take(4).filter_map(|line| Grammar::from_uri(line).ok()).collect();
    for content_type in ["application/srgs+xml", "application/xml"] {
        grammars.extend(Grammar::from_body(content_type, data, Language::English));
    }
    for grammar in &grammars {
        for phrase in grammar.phrases() {
            assert!(
                !grammar.match_speech(&[Hypothesis::new(phrase, 1.0, Language::English)]).is_empty(),
                "a phrase of the list"
            );
        }
    }
    let last_line: String = text.lines().last().unwrap_or_default().chars().take(200).collect();
    for language in Language::ALL {
        let hypothesis = Hypothesis::new(last_line.clone(), 0.5, language);
        for matched in match_all(&grammars, &[hypothesis]) {
            assert!((0.0..=1.0).contains(&matched.confidence), "a confidence is a share");
        }
        let _ = yes_no(&last_line, language);
        assert!(number::parse(&last_line, language).is_none_or(f64::is_finite), "a number is finite");
        let digits = digits(&last_line, language);
        assert!(digits.is_none_or(|digits| digits.chars().all(|c| c.is_ascii_digit())), "digits are digits");
    }
    let keys: String = text.chars().filter(|c| matches!(c, '0'..='9' | '*' | '#')).take(20).collect();
    if let DtmfMatch::Complete { .. } = match_all_dtmf(&grammars, &keys).state {
        for prefix in (0..keys.len()).filter_map(|end| keys.get(..end)) {
            assert_ne!(match_all_dtmf(&grammars, prefix).state, DtmfMatch::NoMatch, "a prefix of what matches");
        }
    }
}

/// Bytes as an SRGS document that refers to itself under every URI, and its last line as what is said and keyed.
///
/// Laws: a fault has a sentence; what matches has a reading whose tokens cover words in order; a beginning of what matches
/// is never out of the question; every phrase that a grammar tells is one that it accepts.
pub fn srgs(data: &[u8]) {
    const DOCUMENTS_MAX: usize = 6;
    let text = String::from_utf8_lossy(data);
    let limits = GrammarLimits { documents_max: DOCUMENTS_MAX, ..GrammarLimits::default() };
    let fetched = FetchedGrammar { content_type: "", body: data, base: Some("http://example.com/a") };
    let mut loader = GrammarLoader::from_body("session:fuzz", fetched, limits);
    while let Some(wanted) = loader.poll_request() {
        loader.provide(&wanted, FetchedGrammar { base: None, ..fetched });
    }
    let grammar = match loader.finish() {
        Ok(grammar) => grammar,
        Err(error) => {
            assert!(!error.to_string().is_empty(), "a fault says what it is");
            return;
        }
    };
    for phrase in grammar.enumerate(20).into_iter().flatten() {
        let language = Language::of_text(&phrase.text).unwrap_or(Language::English);
        if grammar.accepts_dtmf() {
            let trees = grammar.parse(Utterance::keyed(&phrase.text), language, 1);
            assert!(!trees.is_empty(), "keys of the grammar are accepted");
        }
    }
    let last_line: String = text.lines().last().unwrap_or_default().chars().take(200).collect();
    let said = Utterance::spoken(&last_line, 1.0, Language::English);
    for tree in grammar.parse(said.clone(), Language::English, 5) {
        assert_eq!(in_order(&tree.root, 0), Ok(()), "tokens cover words in order");
        assert!(
            grammar.accepts_dtmf() || !matches!(progress_of(&grammar, &last_line), Progress::NoMatch),
            "it matches"
        );
    }
    let keys: String = text.chars().filter(|c| matches!(c, '0'..='9' | '*' | '#')).take(20).collect();
    if let DtmfMatch::Complete { .. } = grammar.match_dtmf(&keys) {
        for prefix in (0..keys.len()).filter_map(|end| keys.get(..end)) {
            assert_ne!(grammar.match_dtmf(prefix), DtmfMatch::NoMatch, "a prefix of what matches");
        }
    }
}

fn progress_of(grammar: &Grammar, text: &str) -> Progress {
    grammar.progress(&Hypothesis::new(text, 1.0, Language::English))
}

/// Whether what a rule covers stands in it one after the other, from `from` on.
fn in_order(rule: &RuleInstance, from: usize) -> Result<(), usize> {
    let mut at = rule.words.start;
    if at < from {
        return Err(at);
    }
    for child in &rule.children {
        let words = match child {
            ParseNode::Token { words, .. } => words,
            ParseNode::Tag(_) => continue,
            ParseNode::Rule(inner) => {
                in_order(inner, at)?;
                &inner.words
            }
        };
        if words.start < at || words.end > rule.words.end {
            return Err(at);
        }
        at = words.end;
    }
    Ok(())
}

/// Bytes as the body of a SPEAK of every type; what can be spoken is cut into clauses.
///
/// Laws: no text is empty, and text cut whole is cut as when it arrives one character at a time.
pub fn ssml(data: &[u8]) {
    for content_type in ["text/plain", "application/ssml+xml", "text/uri-list"] {
        for segment in segments(content_type, data).unwrap_or_default() {
            let Segment::Text { text, prosody, .. } = segment else { continue };
            assert!(!text.trim().is_empty(), "a text says something");
            assert!(prosody.rate > 0.0 && prosody.pitch > 0.0 && prosody.volume >= 0.0, "factors are in range");
            let text: String = text.chars().take(500).collect();
            let mut splitter = ClauseSplitter::new(Language::English);
            let mut pushed: Vec<String> =
                text.chars().flat_map(|c| splitter.push(c.encode_utf8(&mut [0; 4]))).collect();
            pushed.extend(splitter.finish());
            assert_eq!(pushed, clauses(&text, Language::English), "pieces do not matter");
        }
    }
}

/// Bytes as an NLSML result.
///
/// Laws: what was read can be written, and says the same when it is read again.
pub fn nlsml(data: &[u8]) {
    let Ok(result) = nlsml::read(&String::from_utf8_lossy(data)) else { return };
    let matches: Vec<Match> = result
        .interpretations
        .into_iter()
        .filter_map(|interpretation| match interpretation.input {
            Input::Matched { text, mode } => Some(Match {
                grammar_uri: interpretation.grammar.unwrap_or_default(),
                instance: interpretation.instance.unwrap_or_default(),
                confidence: interpretation.confidence,
                input: text,
                mode: mode.unwrap_or(crate::InputMode::Speech),
                semantics_failure: None,
            }),
            Input::NoMatch(_) | Input::NoInput => None,
        })
        .collect();
    for form in [nlsml::InstanceForm::Xml, nlsml::InstanceForm::Json] {
        let style = nlsml::NlsmlStyle { instance: form, ..nlsml::NlsmlStyle::default() };
        let Ok(again) = nlsml::read(&nlsml::write(&matches, &style)) else {
            // Elements may come out deeper or longer than they went in, and over a limit.
            continue;
        };
        assert!(!again.interpretations.is_empty(), "a result is never empty");
        for (read, written) in again.interpretations.iter().zip(&matches) {
            // Keys are written one by one.
            let plain = |text: &str| match written.mode {
                crate::InputMode::Speech => text.to_owned(),
                crate::InputMode::Dtmf => text.split_whitespace().collect(),
            };
            let same = matches!(&read.input, Input::Matched { text, .. } if plain(text) == plain(&written.input));
            assert!(same, "the words stay the same");
        }
    }
}
