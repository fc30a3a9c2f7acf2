//! What is no conforming grammar, and where it goes wrong.

use std::time::{Duration, Instant};

use speech::{FetchedGrammar, GrammarErrorKind, GrammarLimits, GrammarLoader};

use crate::common::{accepts, compile, grammar, keys, rule, voice};

#[track_caller]
fn refused(body: &str) -> GrammarErrorKind {
    match compile(body) {
        Ok(_) => panic!("this is accepted: {body}"),
        Err(error) => error.kind,
    }
}

#[test]
fn grm_016_documents_that_do_not_conform_are_refused() {
    let wrong = |from: &str, to: &str| voice("<rule id='r'>a</rule>").replace(from, to);
    let mut faulty: Vec<String> = [
        "<ruleref uri='#x'/>",
        "<ruleref uri='#NULL'/>",
        "<ruleref uri=''/>",
        "<ruleref/>",
        "<ruleref special='ALL'/>",
        "<ruleref uri='#r' special='NULL'/>",
        "<ruleref uri='#r'>a</ruleref>",
        "<one-of>a</one-of>",
        "<one-of/>",
        "<one-of><tag>x</tag><item>a</item></one-of>",
        "<x/>",
        "<rule id='s'>a</rule>",
        "<item repeat='2-1'>a</item>",
        "<item repeat='-1'>a</item>",
        "<item repeat='x'>a</item>",
        "<item repeat=''>a</item>",
        "<item repeat='1-2-3'>a</item>",
        "<item weight='x'>a</item>",
        "<item weight='-1'>a</item>",
        "<item weight='1e3'>a</item>",
        "<item weight='inf'>a</item>",
        "<item repeat='1-2' repeat-prob='1.5'>a</item>",
        "<item repeat='1-2' repeat-prob='.'>a</item>",
        "<token></token>",
        "<token><item>a</item></token>",
        "\"New York",
        "<tag><item>a</item></tag>",
        "<item xml:lang='e n'>a</item>",
        "<item>a",
    ]
    .iter()
    .map(|content| rule(content))
    .collect();
    faulty.extend([
        String::new(),
        "yes | no".to_owned(),
        "<grammar".to_owned(),
        "<speak>a</speak>".to_owned(),
        wrong("version='1.0'", ""),
        wrong("version='1.0'", "version='2.0'"),
        wrong("xmlns='http://www.w3.org/2001/06/grammar'", ""),
        wrong("grammar' version", "gramma' version"),
        wrong("xml:lang='en-US'", ""),
        wrong("root='r'", "root='q'"),
        wrong("root='r'", ""),
        wrong("root='r'", "root='r' mode='fax'"),
        wrong("id='r'", ""),
        wrong("id='r'", "id='VOID'"),
        wrong("id='r'", "id='a.b'"),
        wrong("id='r'", "id='r' scope='global'"),
        wrong("<rule id='r'>a</rule>", ""),
        wrong("<rule id='r'>", "words <rule id='r'>"),
        wrong("<rule id='r'>", "<meta name='x'/><rule id='r'>"),
        wrong("<rule id='r'>", "<meta content='x'/><rule id='r'>"),
        wrong("<rule id='r'>", "<lexicon/><rule id='r'>"),
        voice("<rule id='r'>a</rule><rule id='r'>b</rule>"),
        keys("<rule id='r'>one</rule>"),
        keys("<rule id='r'>1 E</rule>"),
    ]);
    for body in faulty {
        assert_eq!(refused(&body), GrammarErrorKind::Syntax, "{body}");
    }
}

#[test]
fn grm_002_grm_016_documents_of_the_abnf_form_that_do_not_conform_are_refused() {
    let header = "#ABNF 1.0;language en-US;root $r;";
    for body in [
        "#ABNF;language en-US;root $r;$r = a;",
        "#ABNF 2.0;language en-US;root $r;$r = a;",
        "#ABNF 1.0 UTF-8 x;language en-US;root $r;$r = a;",
        "#ABNF 1.0;root $r;$r = a;",
        "#ABNF 1.0;language en-US;$r = a;",
        "#ABNF 1.0;language en-US;language en-US;root $r;$r = a;",
        "#ABNF 1.0;language en-US;root $q;$r = a;",
        "#ABNF 1.0;language en-US;root r;$r = a;",
        "#ABNF 1.0;language en-US;root $r;mode fax;$r = a;",
        "#ABNF 1.0;language en-US;root $r;tag-format semantics;$r = a;",
        "#ABNF 1.0;language en-US;root $r;meta \"x\" \"y\";$r = a;",
        "#ABNF 1.0;language en-US;root $r;color \"x\";$r = a;",
        "#ABNF 1.0;language en-US;root $r",
        "#ABNF 1.0",
        header,
    ] {
        assert_eq!(refused(body), GrammarErrorKind::Syntax, "{body}");
    }
    for rules in [
        "$r = a",
        "$r a;",
        "r = a;",
        "$r = ;",
        "$r = a | ;",
        "$r = | a;",
        "$r = (a;",
        "$r = [a;",
        "$r = a);",
        "$r = <2>;",
        "$r = a<2-1>;",
        "$r = a<x>;",
        "$r = a<1-2 /2/>;",
        "$r = a<1-2 /0.5>;",
        "$r = /x/ a;",
        "$r = a /2/ b;",
        "$r = \"a;",
        "$r = \"\";",
        "$r = {a;",
        "$r = {!{a};",
        "$r = a /* b;",
        "$r = $x;",
        "$r = $;",
        "$r = $<>;",
        "$r = a!;",
        "$r = !en a;",
        "$r = a + b;",
        "$NULL = a;",
        "$r-s = a;",
        "$r = a; $r = b;",
        "public private $r = a;",
        "global $r = a;",
    ] {
        assert_eq!(refused(&format!("{header}{rules}")), GrammarErrorKind::Syntax, "{rules}");
    }
}

#[test]
fn grm_016_a_fault_has_its_line_and_its_column() {
    let place = |body: &str| {
        let error = compile(body).unwrap_err();
        let position = error.position.unwrap_or_else(|| panic!("no place: {error}"));
        (position.line, position.column)
    };
    let head = "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' xml:lang='en' root='r'>\n";
    for (rest, expected) in [
        ("<rule id='r'>\n  <ruleref uri='#x'/></rule></grammar>", (3, 3)),
        ("<rule id='r'>a</rule>\n\n <rule id='r'>b</rule></grammar>", (4, 2)),
        ("<rule id='r'><item>a <item repeat='9-1'>b</item></item></rule></grammar>", (2, 22)),
        ("<rule id='r'>a</item></grammar>", (2, 15)),
        ("<rule id='r'>a</rule>\n<nonsense/></grammar>", (3, 1)),
    ] {
        assert_eq!(place(&format!("{head}{rest}")), expected, "{rest}");
    }
    let head = "#ABNF 1.0;\nlanguage en-US;\nroot $r;\n";
    for (rest, expected) in [
        ("$r = a\n  | $x;", (5, 5)),
        ("$r = a b) c;", (4, 9)),
        ("$r = a\n\n  <3-2>;", (6, 3)),
        ("$r = \"never ends", (4, 6)),
    ] {
        assert_eq!(place(&format!("{head}{rest}")), expected, "{rest}");
    }
    let error = compile(&format!("{head}$r = $x;")).unwrap_err();
    assert_eq!(error.to_string(), "there is no rule \"x\" (line 4, column 6)");
}

#[test]
fn other_kinds_of_grammar_are_refused_by_name() {
    for (content_type, body) in [
        ("application/x-jsgf", "#JSGF V1.0;\ngrammar digits;\npublic <digits> = one | two;"),
        ("application/x-nuance-gsl", ";GSL2.0\nDIGIT [one two three]"),
        ("application/xml", "<speech-context id=\"sc1\"><phrase>one</phrase></speech-context>"),
        ("application/srgs+xml", "#JSGF V1.0;"),
        ("text/plain", "one"),
        ("application/octet-stream", ""),
    ] {
        let fetched = FetchedGrammar { content_type, body: body.as_bytes(), base: None };
        let refused = GrammarLoader::from_body("session:g", fetched, GrammarLimits::default()).finish().unwrap_err();
        assert_eq!(refused.kind, GrammarErrorKind::UnsupportedMediaType, "{content_type}");
    }
}

#[test]
fn sec_016_entities_and_document_types_are_never_resolved() {
    let laughs = "<!DOCTYPE grammar [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]>".to_owned();
    assert_eq!(refused(&(laughs + &rule("&b;"))), GrammarErrorKind::Syntax);
    let external = "<!DOCTYPE grammar [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>".to_owned();
    assert_eq!(refused(&(external + &rule("&x;"))), GrammarErrorKind::Syntax);
    assert_eq!(refused(&rule("&x;")), GrammarErrorKind::Syntax);
    let published =
        "<!DOCTYPE grammar PUBLIC '-//W3C//DTD GRAMMAR 1.0//EN' 'http://example.com/grammar.dtd'>".to_owned();
    assert!(accepts(&grammar(&(published + &rule("a"))), "a"), "an external document type is passed over");
}

#[test]
fn sec_016_grm_018_hostile_documents_are_refused_at_once_or_compiled_at_once() {
    let deep = |n: usize| rule(&format!("{}a{}", "<item>".repeat(n), "</item>".repeat(n)));
    let doubling: String = (0..1_000)
        .map(|n| format!("<rule id='r{n}'><ruleref uri='#r{m}'/><ruleref uri='#r{m}'/></rule>", m = n + 1))
        .collect();
    let doubling = voice(&format!("<rule id='r'><ruleref uri='#r0'/></rule>{doubling}<rule id='r1000'>a</rule>"));
    let chain: String = (0..20_000).map(|n| format!("<rule id='r{n}'><ruleref uri='#r{}'/></rule>", n + 1)).collect();
    let chain = voice(&format!("<rule id='r'><ruleref uri='#r0'/></rule>{chain}<rule id='r20000'>a</rule>"));
    let wide = rule(&"<item repeat='0-1'>a</item>".repeat(20_000));
    let brackets = |n: usize| format!("#ABNF 1.0;language en;root $r;$r = {}a{};", "(".repeat(n), ")".repeat(n));
    let huge = "a ".repeat(5 << 20);
    for (what, body, expected) in [
        ("deep", deep(100), Some(GrammarErrorKind::TooLarge)),
        ("very deep", deep(50_000), Some(GrammarErrorKind::TooLarge)),
        ("brackets", brackets(100_000), Some(GrammarErrorKind::TooLarge)),
        ("open brackets", brackets(30_000).replace(')', ""), Some(GrammarErrorKind::TooLarge)),
        ("huge", rule(&huge), Some(GrammarErrorKind::TooLarge)),
        ("doubling", doubling, None),
        ("chain", chain, None),
        ("wide", wide, None),
        ("repeat", rule("<item repeat='4294967295'><item repeat='4294967295'>a</item></item>"), None),
        ("repeat beyond", rule("<item repeat='0-99999999999999999999'>a</item>"), None),
    ] {
        #[expect(clippy::disallowed_methods, reason = "the time that it takes is what is tested")]
        let start = Instant::now();
        let compiled = compile(&body);
        assert_eq!(compiled.as_ref().err().map(|error| error.kind), expected, "{what}");
        if let Ok(grammar) = compiled {
            let _ = accepts(&grammar, "a a a b");
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{what} took {:?}", start.elapsed());
    }
}
