//! What grammars of rules accept, and how.

use std::time::{Duration, Instant};

use serde_json::json;
use speech::{Grammar, Hypothesis, Language, Progress};

use crate::common::{accepts, grammar, heard, instance, keys, parses, progress, rule, trees, voice};

/// A grammar for speech in the ABNF form; the root is `$r`.
fn abnf(rules: &str) -> Grammar {
    grammar(&format!("#ABNF 1.0;\nlanguage en-US;\nmode voice;\nroot $r;\n{rules}"))
}

#[track_caller]
fn all_accepted(grammar: &Grammar, yes: &[&str], no: &[&str]) {
    for text in yes {
        assert!(accepts(grammar, text), "{text:?} is accepted");
    }
    for text in no {
        assert!(!accepts(grammar, text), "{text:?} is rejected");
    }
}

#[test]
fn grm_002_the_abnf_form_says_all_that_the_xml_form_says() {
    let grammar = grammar(
        r#"#ABNF 1.0 UTF-8;
        // A comment, and /* another */
        language en-US; mode voice; root $r;
        tag-format <semantics/1.0-literals>;
        base <http://example.com/base/>;
        lexicon <http://example.com/lexicon.file>~<application/pls+xml>;
        meta "description" is "a test";
        http-equiv "Expires" is "0";
        { global };

        /** Orders something.
          * @example a small pizza please
          */
        public $r = [please | (can I have)] $size "pizza" ["New   York" style] ($extra)<0-2> [$polite] {order};
        private $size = /10/ small {S} | /2.5/ (medium | large){!{ L {braces} }!} | $NULL;
        $extra = with (cheese | jambon!fr-CA | (olives | peppers)!en-US);
        $polite = please | thanks <1-3 /0.5/> | $VOID never;"#,
    );
    all_accepted(
        &grammar,
        &[
            "please small pizza",
            "can I have large pizza New York style with cheese with olives thanks thanks",
            "pizza",
            "pizza with jambon",
        ],
        &["please can I have pizza", "pizza New York", "pizza with cheese with cheese with cheese", "pizza never"],
    );
    assert_eq!(
        parses(&grammar, "large pizza New York style please"),
        [r#"$r[$size["large",{!{ L {braces} }!}],"pizza","New York","style",$polite["please"],{!{order}!}]"#]
    );
    let document = grammar.document().unwrap();
    assert_eq!(document.base(), Some("http://example.com/base/"));
    assert_eq!(document.lexicons(), ["http://example.com/lexicon.file"]);
    let rules: Vec<_> = document.rules().collect();
    assert_eq!(rules[0].examples, ["a small pizza please"]);
    assert_eq!(rules[0].references, ["#size", "#extra", "#polite"]);
    assert_eq!(rules.iter().map(|rule| rule.is_public).collect::<Vec<_>>(), [true, false, false, false]);
}

#[test]
fn grm_002_keys_are_named_in_the_abnf_form_too() {
    let grammar = grammar("#ABNF 1.0;mode dtmf;root $r;$r = 1 \"*\" # | star (0|9)<2>;");
    assert_eq!(progress(&grammar, "1*"), "prefix");
    assert_eq!(progress(&grammar, "1*#"), "complete");
    assert_eq!(progress(&grammar, "*09"), "complete");
    assert_eq!(progress(&grammar, "*8"), "no");
}

#[test]
fn grm_019_special_rules_are_nothing_never_and_anything() {
    let null = grammar(&rule("a <ruleref special='NULL'/> b"));
    all_accepted(&null, &["a b"], &["a", "a x b"]);
    let void = grammar(&rule("<one-of><item>a <ruleref special='VOID'/></item><item>b</item></one-of>"));
    all_accepted(&void, &["b"], &["a"]);
    assert_eq!(progress(&void, "a"), "no");
    let garbage = grammar(&rule("<ruleref special='GARBAGE'/> help <ruleref special='GARBAGE'/>"));
    all_accepted(&garbage, &["help", "please help me now"], &["please"]);
    assert_eq!(progress(&garbage, "please"), "prefix");
    assert_eq!(progress(&garbage, "please help"), "complete, can grow");
}

#[test]
fn grm_019_garbage_covers_as_little_as_it_can() {
    let grammar = grammar(
        &rule(
            "<ruleref special='GARBAGE'/> <item repeat='0-1'>now</item> <item repeat='0-'><ruleref uri='#w'/></item>",
        )
        .replace("</grammar>", "<rule id='w'><one-of><item>call</item><item>me</item></one-of></rule></grammar>"),
    );
    assert_eq!(parses(&grammar, "please now call me")[0], r#"$r["now",$w["call"],$w["me"]]"#);
}

#[test]
fn grm_019_repeats_have_a_least_and_a_most() {
    let repeated = |range: &str| grammar(&rule(&format!("<item repeat='{range}'>very</item> good")));
    all_accepted(&repeated("0-1"), &["good", "very good"], &["very very good"]);
    all_accepted(&repeated("2"), &["very very good"], &["good", "very good", "very very very good"]);
    all_accepted(&repeated("1-"), &["very good", "very very very very good"], &["good"]);
    all_accepted(&repeated("0"), &["good"], &["very good"]);
    all_accepted(&repeated("0-4000000000"), &["good", "very very good"], &["very"]);
}

#[test]
fn grm_019_repeats_of_nothing_are_one() {
    let grammar = grammar(&rule("a <item repeat='3-8'><item repeat='0-1'>b</item><tag>t</tag></item>"));
    assert!(accepts(&grammar, "a"));
    assert_eq!(parses(&grammar, "a b b")[0], r#"$r["a","b",{!{t}!},"b",{!{t}!},{!{t}!}]"#);
}

#[test]
fn grm_019_tokens_are_compared_whatever_their_white_space_case_and_quotes() {
    let grammar = grammar(&rule("  fly \n to <token> San\n Francisco </token> \"on  Monday\" 'cause I'd &#x4c;ike"));
    assert_eq!(
        parses(&grammar, "Fly to san francisco, on monday: cause I’d like!"),
        [r#"$r["fly","to","San Francisco","on Monday","'cause","I'd","Like"]"#]
    );
}

#[test]
fn grm_019_chinese_is_matched_by_characters_however_it_is_divided() {
    let grammar =
        grammar(&rule("我要 <one-of><item>去北京</item><item>去 南京</item></one-of> <item repeat='0-1'>谢谢</item>"));
    all_accepted(
        &grammar,
        &["我要去北京", "我 要 去 南 京 ， 谢 谢", "我要去南京"],
        &["我要", "去北京", "我要去北京去南京"],
    );
    assert_eq!(progress(&grammar, "我要去"), "prefix");
    assert_eq!(progress(&grammar, "我要去北京"), "complete, can grow");
    assert_eq!(progress(&grammar, "我要去北京谢谢"), "complete");
}

#[test]
fn grm_019_weights_decide_between_readings_and_the_document_where_they_do_not() {
    let two = |first: &str, second: &str| {
        grammar(&voice(&format!(
            "<rule id='r'><one-of><item {first}><ruleref uri='#a'/></item><item {second}><ruleref uri='#b'/></item>\
             </one-of></rule><rule id='a'>Paris<tag>France</tag></rule><rule id='b'>Paris<tag>Texas</tag></rule>"
        )))
    };
    let readings = |grammar: &Grammar| -> Vec<_> {
        grammar.match_speech(&[heard("Paris")]).into_iter().map(|matched| matched.instance).collect()
    };
    assert_eq!(readings(&two("", "")), [json!("France"), json!("Texas")]);
    assert_eq!(readings(&two("weight='0.5'", "")), [json!("Texas"), json!("France")]);
    assert_eq!(readings(&two("", "weight='3'")), [json!("Texas"), json!("France")]);
    assert_eq!(readings(&two("weight='0'", "")), [json!("Texas")]);
}

#[test]
fn grm_019_a_repeat_probability_makes_more_or_fewer_repeats_likelier() {
    let split = |probability: &str| {
        let grammar = grammar(&rule(&format!(
            "<item repeat='0-2' repeat-prob='{probability}'>a<tag>x</tag></item> <item repeat='0-'>a</item>"
        )));
        parses(&grammar, "a a")[0].matches("{!{x}!}").count()
    };
    assert_eq!(split("0.9"), 2);
    assert_eq!(split("0.1"), 0);
}

#[test]
fn grm_018_rules_that_refer_to_themselves_match_what_they_say() {
    let right = abnf("$r = a $r | a;");
    all_accepted(&right, &["a", "a a a a"], &["", "a b"]);
    let left = abnf("$r = $r a | a;");
    all_accepted(&left, &["a", "a a a a"], &["b a"]);
    assert_eq!(parses(&left, "a a a"), [r#"$r[$r[$r["a"],"a"],"a"]"#]);
    let middle = abnf("$r = [open $r close];");
    all_accepted(&middle, &["open close", "open open open close close close"], &["open", "open close close"]);
    assert_eq!(progress(&middle, "open open close"), "prefix");
    let around = abnf("$r = $s | x; $s = $t; $t = $r y | $s;");
    all_accepted(&around, &["x", "x y", "x y y"], &["y"]);
    let never = abnf("$r = a $r;");
    all_accepted(&never, &[], &["a", "a a"]);
    assert_eq!(progress(&never, "a"), "no", "nothing can end what has begun");
}

#[test]
fn grm_018_a_rule_that_is_itself_has_finitely_many_readings() {
    let grammar = abnf("$r = $r | $r $r | $NULL | a;");
    assert!(accepts(&grammar, "a a a"));
    let readings = trees(&grammar, "a", 10);
    assert!(!readings.is_empty() && readings.len() <= 10);
}

#[test]
fn grm_018_hostile_grammars_are_matched_or_given_up_within_a_moment() {
    let nested = "(".repeat(60) + "a" + &")<0->".repeat(60);
    let words = "a ".repeat(200);
    let long = "a ".repeat(1_000);
    for (rules, text) in [
        ("$r = $r $r | a;", words.as_str()),
        ("$r = $r $r $r | $NULL | a;", words.as_str()),
        ("$r = ($GARBAGE a)<0-> $GARBAGE b;", words.as_str()),
        ("$r = (a<0->)<0-> (a<0->)<0-> b;", words.as_str()),
        (&format!("$r = {nested} b;"), words.as_str()),
        ("$r = a<0-1000000000> b;", long.as_str()),
        ("$r = ((((a<0-9999>)<0-9999>)<0-9999>)<0-9999>)<0-9999> b;", words.as_str()),
    ] {
        let grammar = abnf(rules);
        let start = now();
        let _ = grammar.progress(&heard(text));
        let _ = trees(&grammar, text, 10);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(10), "{} took {took:?}", &rules[..rules.len().min(60)]);
    }
}

#[expect(clippy::disallowed_methods, reason = "the time that it takes is what is tested")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn grm_018_an_utterance_of_more_words_than_are_looked_at_matches_nothing() {
    let grammar = abnf("$r = a<1->;");
    assert!(accepts(&grammar, &"a ".repeat(1_000)));
    assert!(!accepts(&grammar, &"a ".repeat(1_001)));
}

#[test]
fn builtin_grammars_can_be_rules() {
    let grammar = abnf("$r = call [extension] $<builtin:grammar/digits?length=4> {out.ext=rules.digits} [now];");
    assert_eq!(instance(&grammar, "call extension one two three four now"), Some(json!({"ext": "1234"})));
    assert_eq!(instance(&grammar, "call 5678"), Some(json!({"ext": "5678"})));
    assert_eq!(instance(&grammar, "call one two three"), None);
    let keyed = grammar_of_keys("<item>9</item><ruleref uri='builtin:dtmf/digits?length=2'/>");
    assert_eq!(progress(&keyed, "9"), "prefix");
    assert_eq!(progress(&keyed, "91"), "prefix");
    assert_eq!(progress(&keyed, "912"), "complete");
    assert_eq!(progress(&keyed, "9123"), "no");
}

fn grammar_of_keys(content: &str) -> Grammar {
    grammar(&keys(&format!("<rule id='r'>{content}</rule>")))
}

#[test]
fn hesitation_is_left_out_and_progress_does_not_mind_it() {
    let grammar = abnf("$r = transfer to (sales | support);");
    assert_eq!(grammar.progress(&heard("um transfer uh to")), Progress::Prefix);
    assert_eq!(grammar.progress(&heard("um transfer to sales")), Progress::Complete { can_grow: false });
    assert_eq!(grammar.progress(&heard("sales")), Progress::NoMatch);
    assert_eq!(grammar.progress(&heard("")), Progress::Prefix);
    let parsed = grammar.parse_speech(&Hypothesis::new("Um, transfer to Sales, please.", 0.8, Language::English), 1);
    let (tree, quality) = &parsed[0];
    assert!((quality - 1.0).abs() < f32::EPSILON, "{quality}");
    assert_eq!(tree.root.written(), "transfer to sales");
    assert_eq!(tree.input.heard(&tree.root.words), "transfer to Sales");
    assert!((tree.input.confidence(&tree.root.words) - 0.8).abs() < 1e-6);
}

#[test]
fn every_phrase_of_a_finite_grammar_is_told_and_parsed() {
    let grammar = abnf("$r = [please] (call | ring up) $who; $who = Ann | \"Bob Smith\";");
    let phrases = grammar.enumerate(100).unwrap();
    let texts: Vec<&str> = phrases.iter().map(|phrase| phrase.text.as_str()).collect();
    assert_eq!(texts.len(), 8);
    assert!(texts.contains(&"please ring up Bob Smith"));
    assert!(texts.iter().all(|text| accepts(&grammar, text)));
    assert_eq!(grammar.enumerate(7), None);
    assert_eq!(abnf("$r = a<1->;").enumerate(100), None);
    assert_eq!(abnf("$r = a $r | b;").enumerate(100), None);
    assert_eq!(abnf("$r = a $GARBAGE;").enumerate(100), None);
}
