//! The published conformance suite of SRGS 1.0, where it lies beside the checkout.

use std::{fs, path::Path};

use serde_json::Value;
use speech::{FetchedGrammar, Grammar, GrammarError, GrammarLimits, GrammarLoader};
use url::Url;

use crate::common::parses;

/// What a grammar of the suite refers to and the suite does not have.
const NOT_IN_THE_SUITE: (&str, &str) = (
    "token-basic.grxml",
    "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' xml:lang='en-US' root='main'>\
     <rule id='main'>help</rule></grammar>",
);

/// The lexicon that a grammar of the suite names, which says that it is to be replaced by an existing one.
const LEXICON: (&str, &str) = (
    "http://www.example.com/lexicon.file",
    "<lexicon version='1.0' xmlns='http://www.w3.org/2005/01/pronunciation-lexicon' alphabet='ipa' xml:lang='en-US'>\
     <lexeme><grapheme>colour</grapheme><alias>color</alias></lexeme></lexicon>",
);

fn load(folder: &Path, uri: &str) -> Result<Grammar, GrammarError> {
    let mut loader = GrammarLoader::from_uri(uri, GrammarLimits::default());
    while let Some(wanted) = loader.poll_request() {
        if wanted == LEXICON.0 {
            loader.provide(&wanted, FetchedGrammar { content_type: "", body: LEXICON.1.as_bytes(), base: None });
            continue;
        }
        let relative = wanted.strip_prefix("http://suite/").unwrap();
        let body = fs::read(folder.join(relative)).ok();
        let body =
            body.or_else(|| relative.ends_with(NOT_IN_THE_SUITE.0).then(|| NOT_IN_THE_SUITE.1.as_bytes().to_vec()));
        match body {
            Some(body) => {
                loader
                    .provide(&wanted, FetchedGrammar { content_type: "application/srgs+xml", body: &body, base: None });
            }
            None => loader.fail(&wanted, "there is no such file"),
        }
    }
    loader.finish()
}

/// The expected parse with its references resolved, as ours has them.
fn resolved(expected: &str, base: &str) -> String {
    let base = Url::parse(base).unwrap();
    let mut parts = expected.split("$<");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (uri, rest) = part.split_once('>').unwrap();
        out.push_str(&format!("$<{}>{rest}", base.join(uri).unwrap()));
    }
    out
}

fn as_expected(folder: &Path, case: &Value) -> Result<(), String> {
    let field = |name: &str| case[name].as_str().unwrap();
    let uri = format!("http://suite/{}", field("file"));
    let expected = field("expect");
    let mut seen = Vec::new();
    // The rules of a grammar that are active: its root, and where the suite says so, another one beside it.
    for rule in ["", "#parallel"] {
        match load(folder, &format!("{uri}{rule}")) {
            Ok(grammar) => seen.extend(parses(&grammar, field("input"))),
            Err(error) if rule.is_empty() => seen.push(format!("REJECT: {error}")),
            Err(_) => {}
        }
    }
    let matches = match expected {
        "REJECT" => seen.iter().all(|parse| parse.starts_with("REJECT")),
        tree => seen.first().is_some_and(|parse| *parse == resolved(tree, &uri)),
    };
    if matches { Ok(()) } else { Err(format!("{case}\n  gave {seen:?}")) }
}

#[test]
fn grm_001_grm_016_grm_019_the_published_suite_passes_whole() {
    let Some(path) = testkit::shared_material("suites/srgs-w3c/cases.json") else { return };
    let cases: Vec<Value> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert!(cases.len() >= 70, "{} cases", cases.len());
    let folder = path.parent().unwrap();
    let failed: Vec<String> = cases.iter().filter_map(|case| as_expected(folder, case).err()).collect();
    assert!(failed.is_empty(), "{} of {} fail:\n{}", failed.len(), cases.len(), failed.join("\n"));
}
