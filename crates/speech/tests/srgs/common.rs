//! Grammars and what is said to them.

use speech::{
    DtmfMatch, FetchedGrammar, Grammar, GrammarError, GrammarLimits, GrammarLoader, Hypothesis, Instance, Language,
    ParseNode, ParseTree, Progress, RuleInstance, Utterance,
};

/// A grammar for speech with these rules; the root is `r`.
pub(crate) fn voice(rules: &str) -> String {
    format!(
        "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' xml:lang='en-US' root='r'>{rules}</grammar>"
    )
}

/// A grammar for keys with these rules; the root is `r`.
pub(crate) fn keys(rules: &str) -> String {
    format!("<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' mode='dtmf' root='r'>{rules}</grammar>")
}

/// A grammar for speech whose only rule has this content.
pub(crate) fn rule(content: &str) -> String {
    voice(&format!("<rule id='r'>{content}</rule>"))
}

/// A grammar of either form that refers to no other; a lexicon that it names is empty.
pub(crate) fn compile(body: &str) -> Result<Grammar, GrammarError> {
    let fetched = FetchedGrammar { content_type: "", body: body.as_bytes(), base: None };
    let mut loader = GrammarLoader::from_body("session:g", fetched, GrammarLimits::default());
    while let Some(wanted) = loader.poll_request() {
        match wanted.as_str() {
            "http://example.com/lexicon.file" => {
                loader.provide(&wanted, FetchedGrammar { body: b"<lexicon xml:lang='en'/>", ..fetched });
            }
            _ => loader.fail(&wanted, "there is nothing else"),
        }
    }
    match loader.finish()? {
        grammar if grammar.has_root() => Ok(grammar),
        _ => Grammar::from_body("", body.as_bytes(), Language::English),
    }
}

pub(crate) fn grammar(body: &str) -> Grammar {
    compile(body).unwrap_or_else(|error| panic!("{error}\n{body}"))
}

pub(crate) fn heard(text: &str) -> Hypothesis {
    Hypothesis::new(text, 0.9, Language::of_text(text).unwrap_or(Language::English))
}

pub(crate) fn instance(grammar: &Grammar, text: &str) -> Option<Instance> {
    grammar.match_speech(&[heard(text)]).into_iter().next().map(|matched| matched.instance)
}

/// The logical parses of words or keys, best first.
pub(crate) fn parses(grammar: &Grammar, input: &str) -> Vec<String> {
    trees(grammar, input, 10).iter().map(logical_parse).collect()
}

pub(crate) fn trees(grammar: &Grammar, input: &str, count: usize) -> Vec<ParseTree> {
    let utterance = if grammar.accepts_dtmf() {
        Utterance::keyed(&input.replace(' ', ""))
    } else {
        Utterance::spoken(input, 1.0, Language::English)
    };
    grammar.parse(utterance, Language::English, count)
}

pub(crate) fn accepts(grammar: &Grammar, input: &str) -> bool {
    !trees(grammar, input, 1).is_empty()
}

/// A tree in the notation of SRGS 1.0, appendix H: `$rule["token",{tag},$other[…]]`.
pub(crate) fn logical_parse(tree: &ParseTree) -> String {
    let mut out = String::new();
    write(&tree.root, &mut out);
    out
}

fn write(rule: &RuleInstance, out: &mut String) {
    match &rule.reference {
        Some(uri) => out.push_str(&format!("$<{uri}>")),
        None => out.push_str(&format!("${}", rule.rule)),
    }
    out.push('[');
    for (number, child) in rule.children.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        match child {
            ParseNode::Token { written, .. } => out.push_str(&format!("{written:?}")),
            ParseNode::Tag(tag) => out.push_str(&format!("{{!{{{tag}}}!}}")),
            ParseNode::Rule(inner) => write(inner, out),
        }
    }
    out.push(']');
}

/// How words or keys stand to a grammar: `no`, `prefix`, `complete` or `complete, can grow`.
pub(crate) fn progress(grammar: &Grammar, input: &str) -> &'static str {
    let progress = if grammar.accepts_dtmf() {
        match grammar.match_dtmf(input) {
            DtmfMatch::NoMatch => Progress::NoMatch,
            DtmfMatch::Prefix => Progress::Prefix,
            DtmfMatch::Complete { can_grow, .. } => Progress::Complete { can_grow },
        }
    } else {
        grammar.progress(&heard(input))
    };
    match progress {
        Progress::NoMatch => "no",
        Progress::Prefix => "prefix",
        Progress::Complete { can_grow: false } => "complete",
        Progress::Complete { can_grow: true } => "complete, can grow",
    }
}
