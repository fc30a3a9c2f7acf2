//! Published and recorded material, where it lies beside the checkout: skipped when it does not.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

use std::{fs, path::Path};

use serde_json::Value;
use speech::{DtmfMatch, Grammar, Language, nlsml, segments};

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

#[test]
fn keys_stand_to_the_builtin_types_as_published_cases_say() {
    let Some(path) = testkit::shared_material("suites/dtmf-builtin/builtin_dtmf_cases.json") else { return };
    let cases: Vec<Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut run = 0;
    for case in &cases {
        let field = |name: &str| case[name].as_str().unwrap();
        let kind = field("type");
        let params = field("params").replace(": ", "=").replace(", ", ";");
        let grammar = Grammar::from_uri(&format!("builtin:dtmf/{kind}?{params}")).unwrap();
        let expected = field("expect");
        let as_expected = match grammar.match_dtmf(field("input")) {
            DtmfMatch::NoMatch => expected == "not_match",
            DtmfMatch::Prefix => expected == "potentially_match",
            DtmfMatch::Complete { can_grow: false, .. } => {
                expected == "max_match" || (kind == "digits" && expected == "match")
            }
            DtmfMatch::Complete { can_grow: true, .. } => expected == "match",
        };
        assert!(as_expected, "{case}");
        run += 1;
    }
    assert!(run >= 72, "{run} cases");
}

#[test]
fn results_of_the_rfc_are_read_and_fragments_are_refused() {
    let Some(folder) = testkit::shared_material("suites/rfc6787-examples/nlsml-bodies") else { return };
    for (name, body) in files(&folder) {
        let text = String::from_utf8(body).unwrap();
        let result = nlsml::read(&text);
        let is_recognition = text.contains("<interpretation") || text.contains(":interpretation");
        match result {
            Ok(result) => assert_eq!(!result.interpretations.is_empty(), is_recognition, "{name}"),
            Err(error) => panic!("{name}: {error}\n{text}"),
        }
    }
}

#[test]
fn examples_of_the_rfc_never_panic_and_whole_ones_are_read() {
    let Some(folder) = testkit::shared_material("suites/rfc6787-examples/nlsml") else { return };
    for (name, body) in files(&folder) {
        let text = String::from_utf8_lossy(&body);
        let start = text.find('<').unwrap_or_default();
        let result = nlsml::read(&text[start..]);
        // These are whole documents in the RFC as well.
        if ["001", "002", "003", "013", "014", "016", "019"].iter().any(|number| name.starts_with(number)) {
            assert!(result.is_ok(), "{name}: {result:?}");
        }
    }
}

#[test]
fn recorded_grammars_compile_and_recorded_prompts_are_spoken() {
    let Some(root) = testkit::shared_material("traces") else { return };
    let mut grammars = 0;
    let mut prompts = 0;
    for folder in ["asterisk", "freeswitch", "unimrcp"] {
        for (name, trace) in files(&root.join(folder)) {
            let text = String::from_utf8_lossy(&trace);
            for document in between(&text, "<grammar", "</grammar>") {
                let grammar = Grammar::from_body("application/srgs+xml", document.as_bytes(), Language::English);
                // One client cuts inline grammars at their commas; those must be refused, not survive as something else.
                match grammar {
                    Ok(grammar) => assert!(!grammar.phrases().is_empty(), "{folder}/{name}"),
                    Err(error) => panic!("{folder}/{name}: {error}\n{document}"),
                }
                grammars += 1;
            }
            for document in between(&text, "<speak", "</speak>") {
                assert!(!segments("application/ssml+xml", document.as_bytes()).unwrap().is_empty(), "{folder}/{name}");
                prompts += 1;
            }
        }
    }
    assert!(grammars > 0 && prompts > 0, "{grammars} grammars, {prompts} prompts");
}

fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(open) {
        let tail = &rest[start..];
        let Some(end) = tail.find(close) else { break };
        found.push(&tail[..end + close.len()]);
        rest = &tail[end..];
    }
    found
}

#[test]
fn published_grammars_are_compiled_or_refused_with_a_reason() {
    let Some(root) = testkit::shared_material("suites/srgs-w3c") else { return };
    let cases: Vec<Value> = serde_json::from_slice(&fs::read(root.join("cases.json")).unwrap()).unwrap();
    let mut understood = 0;
    let mut wrong = Vec::new();
    for case in &cases {
        let field = |name: &str| case[name].as_str().unwrap_or_default();
        // Accepted on purpose: what dialplans send lacks a namespace and a language more often than not.
        if ["test/language-missing.grxml", "test/no-language-no-mode.grxml", "test/no-namespace.grxml"]
            .contains(&field("file"))
        {
            continue;
        }
        let Ok(body) = fs::read(root.join(field("file"))) else { continue };
        let grammar = match Grammar::from_body("application/srgs+xml", &body, Language::English) {
            Ok(grammar) => grammar,
            Err(error) => {
                assert!(!error.message.is_empty());
                continue;
            }
        };
        let input = field("input");
        let matched = if grammar.accepts_dtmf() {
            matches!(grammar.match_dtmf(&input.replace(' ', "")), DtmfMatch::Complete { .. })
        } else {
            !grammar.match_speech(&[speech::Hypothesis::new(input, 1.0, Language::English)]).is_empty()
        };
        if matched == field("expect").starts_with('$') {
            understood += 1;
        } else {
            wrong.push(format!("{} {input:?} -> {matched}, expected {}", field("file"), field("expect")));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(understood >= 35, "only {understood} cases were compiled");
}
