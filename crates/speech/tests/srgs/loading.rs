//! References to other documents.

use speech::{FetchedGrammar, Grammar, GrammarError, GrammarErrorKind, GrammarLimits, GrammarLoader};

use crate::common::{accepts, grammar, parses};

/// A document of the form that a test needs: its rules, of which `r` is the root.
fn document(rules: &str) -> String {
    format!("#ABNF 1.0;language en-US;root $r;\n{rules}")
}

/// Loads a URI from a small web; what is not in it fails.
fn load(uri: &str, web: &[(&str, &str)]) -> Result<Grammar, GrammarError> {
    load_within(uri, web, GrammarLimits::default())
}

fn load_within(uri: &str, web: &[(&str, &str)], limits: GrammarLimits) -> Result<Grammar, GrammarError> {
    let mut loader = GrammarLoader::from_uri(uri, limits);
    while let Some(wanted) = loader.poll_request() {
        match web.iter().find(|(uri, _)| *uri == wanted) {
            Some((_, rules)) => {
                let body = if rules.starts_with('<') { (*rules).to_owned() } else { document(rules) };
                loader.provide(&wanted, FetchedGrammar { content_type: "", body: body.as_bytes(), base: None });
            }
            None => loader.fail(&wanted, "404 Not Found"),
        }
    }
    loader.finish()
}

#[test]
fn references_are_resolved_and_loaded_once() {
    let web = [
        ("http://h/a/main.gram", "$r = go $<names.gram> or $<../b/cities.gram#city> or $<names.gram>;"),
        ("http://h/a/names.gram", "$r = Ann | Bob;"),
        ("http://h/b/cities.gram", "$r = nowhere; public $city = Rome | $<#r>;"),
    ];
    let grammar = load("http://h/a/main.gram", &web).unwrap();
    assert_eq!(
        parses(&grammar, "go Ann or nowhere or Bob"),
        [
            r#"$r["go",$<http://h/a/names.gram>["Ann"],"or",$<http://h/b/cities.gram#city>[$r["nowhere"]],"or",$<http://h/a/names.gram>["Bob"]]"#
        ]
    );
    let uris: Vec<_> = grammar.documents().into_iter().map(|(uri, _)| uri).collect();
    assert_eq!(uris.len(), 3);
    assert_eq!(uris[0], "http://h/a/main.gram");
}

#[test]
fn documents_may_refer_to_each_other_and_to_themselves() {
    let web = [
        ("http://h/a", "$r = ping [$<b>];"),
        ("http://h/b", "$r = pong [$<a>] | $<#s>; $s = self $<http://h/b#t>; public $t = done;"),
    ];
    let grammar = load("http://h/a", &web).unwrap();
    for (text, expected) in
        [("ping", true), ("ping pong ping pong", true), ("ping self done", true), ("pong", false), ("ping ping", false)]
    {
        assert_eq!(accepts(&grammar, text), expected, "{text}");
    }
}

#[test]
fn a_fragment_activates_a_public_rule() {
    let web = [("http://h/a", "$r = root; public $x = this; private $y = that;")];
    assert!(accepts(&load("http://h/a#x", &web).unwrap(), "this"));
    for (uri, message) in [("http://h/a#y", "private"), ("http://h/a#z", "no rule")] {
        let error = load(uri, &web).unwrap_err();
        assert_eq!(error.kind, GrammarErrorKind::Syntax);
        assert!(error.message.contains(message), "{error}");
    }
}

#[test]
fn grm_016_references_into_other_documents_follow_the_rules_of_scope_root_and_mode() {
    let keys = "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' mode='dtmf' root='r'>\
                <rule id='r'>1</rule></grammar>";
    let no_root = "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' xml:lang='en'>\
                   <rule id='r' scope='public'>a</rule></grammar>";
    let web = |reference: &str| format!("$r = a |\n $<{reference}>;");
    for (reference, expected) in [
        ("private#x", GrammarErrorKind::Syntax),
        ("private#nothing", GrammarErrorKind::Syntax),
        ("keys", GrammarErrorKind::Syntax),
        ("noroot", GrammarErrorKind::Syntax),
        ("missing", GrammarErrorKind::UnsupportedUri),
        ("builtin:grammar/nothing", GrammarErrorKind::UnsupportedUri),
        ("builtin:dtmf/digits", GrammarErrorKind::Syntax),
        ("builtin:grammar/digits?length=x", GrammarErrorKind::Parameter),
        ("builtin:speech/dialog", GrammarErrorKind::Unsupported),
        ("http://", GrammarErrorKind::UnsupportedUri),
    ] {
        let main = web(reference);
        let web = [
            ("http://h/a", main.as_str()),
            ("http://h/private", "$r = b; $x = c;"),
            ("http://h/keys", keys),
            ("http://h/noroot", no_root),
        ];
        let error = load("http://h/a", &web).unwrap_err();
        assert_eq!(error.kind, expected, "{reference}: {error}");
    }
    let web = [("http://h/a", "$r = $<noroot#r>;"), ("http://h/noroot", no_root)];
    assert!(accepts(&load("http://h/a", &web).unwrap(), "a"));
}

#[test]
fn a_fault_in_another_document_is_told_with_its_uri_and_place() {
    let web = [("http://h/a", "$r = $<b>;"), ("http://h/b", "$r = ok;\n$s = $x;")];
    let error = load("http://h/a", &web).unwrap_err();
    assert_eq!(error.to_string(), "there is no rule \"x\" (http://h/b, line 3, column 6)");
    let error = load("http://h/a", &[("http://h/a", "$r = a |\n $<b>;")]).unwrap_err();
    assert_eq!(error.to_string(), "404 Not Found (http://h/b)");
}

#[test]
fn only_what_active_rules_lead_to_is_asked_for() {
    let body = document("$r = a; public $s = $<http://h/never>;");
    let fetched = FetchedGrammar { content_type: "application/srgs", body: body.as_bytes(), base: None };
    let mut loader = GrammarLoader::from_body("session:x", fetched, GrammarLimits::default());
    assert_eq!(loader.poll_request(), None);
    let grammar = loader.finish().unwrap();
    assert_eq!(grammar.uri(), "session:x");
    let mut loader = GrammarLoader::from_grammar("session:x#s", &grammar, "s", GrammarLimits::default());
    assert_eq!(loader.poll_request().as_deref(), Some("http://h/never"));
    assert!(loader.is_waiting());
    assert_eq!(loader.finish().unwrap_err().kind, GrammarErrorKind::UnsupportedUri, "it did not come");
}

#[test]
fn relative_references_need_a_base_and_take_the_nearest() {
    let load_with = |header: &str, base: Option<&str>| {
        let body = format!("#ABNF 1.0;language en;root $r;{header}$r = $<x.gram>;");
        let fetched = FetchedGrammar { content_type: "", body: body.as_bytes(), base };
        let mut loader = GrammarLoader::from_body("session:x", fetched, GrammarLimits::default());
        loader.poll_request().ok_or_else(|| loader.finish().unwrap_err().kind)
    };
    assert_eq!(load_with("", None), Err(GrammarErrorKind::UnsupportedUri));
    assert_eq!(load_with("", Some("http://h/d/main")).as_deref(), Ok("http://h/d/x.gram"));
    assert_eq!(load_with("base <http://h/e/>;", None).as_deref(), Ok("http://h/e/x.gram"));
    assert_eq!(load_with("base <f/>;", Some("http://h/d/main")).as_deref(), Ok("http://h/d/f/x.gram"));
    assert_eq!(load_with("meta \"base\" is \"g/\";", Some("http://h/d/main")).as_deref(), Ok("http://h/d/g/x.gram"));
}

#[test]
fn a_session_grammar_is_given_as_it_was_compiled() {
    let names = grammar(&document("$r = Ann; public $other = Bob;"));
    let body = document("$r = call ($<session:names> | $<session:names#other>);");
    let fetched = FetchedGrammar { content_type: "application/srgs", body: body.as_bytes(), base: None };
    let mut loader = GrammarLoader::from_body("session:main", fetched, GrammarLimits::default());
    while let Some(wanted) = loader.poll_request() {
        assert_eq!(wanted, "session:names");
        loader.provide_grammar(&wanted, &names);
    }
    let grammar = loader.finish().unwrap();
    assert!(accepts(&grammar, "call Ann") && accepts(&grammar, "call Bob"));
}

#[test]
fn a_builtin_uri_is_loaded_without_asking() {
    let mut loader = GrammarLoader::from_uri("builtin:grammar/boolean", GrammarLimits::default());
    assert_eq!(loader.poll_request(), None);
    assert!(loader.finish().unwrap().accepts_speech());
}

#[test]
fn sec_016_what_refers_without_end_is_refused_within_the_limits() {
    let limits = GrammarLimits {
        documents_max: 8,
        reference_depth_max: 5,
        documents_bytes_max: 4_000,
        ..GrammarLimits::default()
    };
    let endless = |next: &dyn Fn(usize) -> String| {
        let mut loader = GrammarLoader::from_uri("http://h/0", limits.clone());
        let mut given = 0;
        while let Some(wanted) = loader.poll_request() {
            given += 1;
            let body = document(&next(given));
            loader.provide(&wanted, FetchedGrammar { content_type: "", body: body.as_bytes(), base: None });
        }
        (given, loader.finish().unwrap_err().kind)
    };
    assert_eq!(endless(&|n| format!("$r = $<{n}>;")), (6, GrammarErrorKind::TooLarge), "deep");
    assert_eq!(endless(&|n| format!("$r = $<a{n}> | $<b{n}> | $<c{n}>;")).1, GrammarErrorKind::TooLarge, "wide");
    assert_eq!(endless(&|n| format!("$r = {} $<{n}>;", "a ".repeat(900))).1, GrammarErrorKind::TooLarge, "long");
}

/// A lexicon with these lexemes.
fn lexicon(language: &str, lexemes: &str) -> String {
    format!(
        "<lexicon version='1.0' xmlns='http://www.w3.org/2005/01/pronunciation-lexicon' alphabet='ipa' \
         xml:lang='{language}'>{lexemes}</lexicon>"
    )
}

#[test]
fn what_a_lexicon_says_of_a_token_may_be_said_for_it() {
    let lexemes = "<lexeme><grapheme>W3C</grapheme><alias>World Wide Web Consortium</alias><alias>the web people</alias></lexeme>\
                   <lexeme><grapheme>New York</grapheme><alias>the big apple</alias></lexeme>";
    let lexicon = lexicon("en-US", lexemes);
    let xml = "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' xml:lang='en-US' root='r'>\
               <lexicon uri='lex/words.pls' type='application/pls+xml'/>\
               <rule id='r'>call <one-of><item>W3C</item><item>New York office</item><item><token>New York</token></item>\
               </one-of></rule></grammar>";
    let abnf = "lexicon <lex/words.pls>~<application/pls+xml>;\n$r = call (W3C | New York office | \"New York\");";
    for document in [xml, abnf] {
        let web = [("http://h/a", document), ("http://h/lex/words.pls", lexicon.as_str())];
        let grammar = load("http://h/a", &web).unwrap();
        for (text, expected) in [
            ("call W3C", r#"["call","W3C"]"#),
            ("call World Wide Web Consortium", r#"["call","W3C"]"#),
            ("call the web people", r#"["call","W3C"]"#),
            ("call New York office", r#"["call","New","York","office"]"#),
            ("call the big apple office", r#"["call","New York","office"]"#),
            ("call the big apple", r#"["call","New York"]"#),
        ] {
            assert_eq!(
                parses(&grammar, text).first().map(|parse| parse.replace("$<http://h/a>", "")).as_deref(),
                Some(expected).map(|parse| format!("$r{parse}")).as_deref(),
                "{text}"
            );
        }
        assert!(!accepts(&grammar, "call World Wide Web"));
    }
}

#[test]
fn a_pronunciation_is_what_a_word_is_compared_by() {
    let lexemes = "<lexeme><grapheme>Nguyen</grapheme><phoneme>wɪn</phoneme></lexeme>\
                   <lexeme><grapheme>Siobhan</grapheme><phoneme>ʃɪˈvɔːn</phoneme></lexeme>";
    let web =
        [("http://h/a", "lexicon <b>;\n$r = doctor Nguyen | doctor Siobhan;"), ("http://h/b", &lexicon("en", lexemes))];
    let plain = [("http://h/a", "$r = doctor Nguyen | doctor Siobhan;")];
    let (with, without) = (load("http://h/a", &web).unwrap(), load("http://h/a", &plain).unwrap());
    for (heard, meant) in [("doctor win", "doctor Nguyen"), ("doctor Shivon", "doctor Siobhan")] {
        assert_eq!(crate::common::instance(&with, heard), Some(meant.into()), "{heard}");
    }
    assert_eq!(crate::common::instance(&without, "doctor win"), None);
}

#[test]
fn a_chinese_lexicon_speaks_of_words_inside_of_tokens_and_by_pinyin() {
    let lexemes = "<lexeme><grapheme>人工</grapheme><alias>真人</alias></lexeme>\
                   <lexeme><grapheme>郦蘅</grapheme><phoneme alphabet='x-pinyin'>li4 heng2</phoneme></lexeme>";
    let document = "#ABNF 1.0 UTF-8;language zh-CN;lexicon <b>;root $r;\n$r = 转人工 | 找 郦蘅;";
    let fetched = FetchedGrammar { content_type: "", body: document.as_bytes(), base: Some("http://h/a") };
    let mut loader = GrammarLoader::from_body("session:g", fetched, GrammarLimits::default());
    let wanted = loader.poll_request().unwrap();
    assert_eq!(wanted, "http://h/b");
    assert!(loader.is_waiting());
    let body = lexicon("zh-CN", lexemes);
    loader.provide(&wanted, FetchedGrammar { content_type: "", body: body.as_bytes(), base: None });
    let grammar = loader.finish().unwrap();
    assert_eq!(crate::common::instance(&grammar, "转真人"), Some("转人工".into()));
    assert_eq!(crate::common::instance(&grammar, "找李恒"), Some("找郦蘅".into()));
}

#[test]
fn a_lexicon_of_another_language_and_one_of_keys_changes_nothing() {
    let german = lexicon("de", "<lexeme><grapheme>one</grapheme><alias>two</alias></lexeme>");
    let web = [("http://h/a", "lexicon <b>;\n$r = one;"), ("http://h/b", german.as_str())];
    assert!(!accepts(&load("http://h/a", &web).unwrap(), "two"));
    let keys = "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' mode='dtmf' root='r'>\
                <lexicon uri='nowhere'/><rule id='r'>1</rule></grammar>";
    assert!(accepts(&load("http://h/a", &[("http://h/a", keys)]).unwrap(), "1"));
}

#[test]
fn a_lexicon_that_is_not_to_be_had_or_is_none_is_a_fault_with_its_uri() {
    let document = "lexicon <b>;\n$r = one;";
    let error = load("http://h/a", &[("http://h/a", document)]).unwrap_err();
    assert_eq!((error.kind, error.uri.as_deref()), (GrammarErrorKind::UnsupportedUri, Some("http://h/b")));
    let error = load("http://h/a", &[("http://h/a", document), ("http://h/b", "<speak>\n</speak>")]).unwrap_err();
    assert_eq!((error.kind, error.uri.as_deref()), (GrammarErrorKind::Syntax, Some("http://h/b")));
    assert!(error.position.is_some(), "{error}");
    let many: String = (0..70).map(|number| format!("lexicon <l{number}>;\n")).collect();
    let error = load("http://h/a", &[("http://h/a", &format!("{many}$r = one;"))]).unwrap_err();
    assert_eq!(error.kind, GrammarErrorKind::TooLarge);
}

#[test]
fn an_inline_grammar_without_a_root_is_there_for_its_rules() {
    let document = "#ABNF 1.0;language en-US;\npublic $a = one;\n$b = two;";
    let body = FetchedGrammar { content_type: "", body: document.as_bytes(), base: None };
    let grammar = GrammarLoader::from_body("session:g", body, GrammarLimits::default()).finish().unwrap();
    assert!(!grammar.has_root() && !accepts(&grammar, "one"));
    let rule =
        |rule: &str| GrammarLoader::from_grammar("session:g#x", &grammar, rule, GrammarLimits::default()).finish();
    assert!(accepts(&rule("a").unwrap(), "one"));
    assert_eq!(rule("b").unwrap_err().kind, GrammarErrorKind::Syntax);
}
