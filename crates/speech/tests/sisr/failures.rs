//! Scripts that fail.

use serde_json::Value;
use speech::{GrammarErrorKind, Hypothesis, Language, SemanticsErrorKind, match_all, match_all_dtmf};

use super::{best, compile};

const SCRIPT: &str = "semantics/1.0";

#[test]
fn rec_056_a_failed_interpretation_is_a_match_without_a_meaning() {
    for (tag, kind) in [
        ("out=rules.none.x", SemanticsErrorKind::Script),
        ("throw 'no'", SemanticsErrorKind::Script),
        ("while (1) {}", SemanticsErrorKind::Limit),
        ("var a='x'; while (1) a+=a", SemanticsErrorKind::Limit),
        ("(function f() { f(); })()", SemanticsErrorKind::Limit),
        ("out='x'.repeat(40000)", SemanticsErrorKind::Limit),
    ] {
        let grammar = compile(SCRIPT, &format!("<rule id='r'>go<tag>{tag}</tag></rule>")).unwrap();
        let matched = best(&grammar, "go");
        assert_eq!(matched.semantics_failure.map(|failure| failure.kind), Some(kind), "{tag}");
        assert_eq!((matched.instance, matched.input.as_str()), (Value::Null, "go"));
    }
}

#[test]
fn the_failure_of_the_best_match_stands_alone() {
    let good = compile(SCRIPT, "<rule id='r'>go<tag>out='good'</tag></rule>").unwrap();
    let bad = compile(SCRIPT, "<rule id='r'>go<tag>throw 1</tag></rule>").unwrap();
    let heard = [Hypothesis::new("go", 0.9, Language::English)];
    let failing = |grammars: &[speech::Grammar]| {
        let matches = match_all(grammars, &heard);
        (matches.len(), matches[0].semantics_failure.is_some())
    };
    assert_eq!(failing(&[bad.clone(), good.clone()]), (1, true));
    assert_eq!(failing(&[good, bad]), (1, false));
}

#[test]
fn keys_without_a_meaning_match_too() {
    let body = "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' mode='dtmf' root='r' tag-format='semantics/1.0'>
        <rule id='r'>1<tag>throw 1</tag></rule></grammar>";
    let keys = speech::Grammar::from_body("application/srgs+xml", body.as_bytes(), Language::English).unwrap();
    assert!(match_all_dtmf(&[keys], "1").matches[0].semantics_failure.is_some());
}

#[test]
fn what_cannot_be_read_is_refused_with_the_grammar() {
    for (content, part) in [
        ("<rule id='r'>go<tag>out=(</tag></rule>", "out=("),
        ("<tag>function {</tag><rule id='r'>go</rule>", "function {"),
        ("<rule id='r'>go<tag>out=2n</tag></rule>", "2n"),
    ] {
        let error = compile(SCRIPT, content).unwrap_err();
        assert_eq!(error.kind, GrammarErrorKind::Syntax, "{content}");
        assert!(error.message.contains(part), "{error}");
    }
}
