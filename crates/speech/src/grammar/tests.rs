use serde_json::json;

use super::*;

fn hypothesis(text: &str) -> Hypothesis {
    Hypothesis::new(text, 0.9, Language::of_text(text).unwrap_or(Language::English))
}

fn builtin(uri: &str) -> Grammar {
    Grammar::from_uri(uri).unwrap_or_else(|error| panic!("{uri}: {error}"))
}

fn srgs(body: &str) -> Grammar {
    Grammar::from_body("application/srgs+xml", body.as_bytes(), Language::English)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn instance(grammar: &Grammar, text: &str) -> Option<Instance> {
    grammar.match_speech(&[hypothesis(text)]).into_iter().next().map(|matched| matched.instance)
}

const COLORS: &str = r##"<?xml version="1.0"?>
<grammar xmlns="http://www.w3.org/2001/06/grammar" xml:lang="en-US" version="1.0" mode="voice" root="color"
  tag-format="semantics/1.0-literals">
  <rule id="color" scope="public">
    <item repeat="0-1">the</item>
    <one-of>
      <item weight="2">red <tag>R</tag></item>
      <item>dark green <tag>G</tag></item>
      <item><ruleref uri="#blue"/></item>
    </one-of>
  </rule>
  <rule id="blue"><one-of><item>blue</item><item>navy<tag>N</tag></item></one-of></rule>
</grammar>"##;

#[test]
fn int_005_builtin_grammars_are_known_in_all_spellings_of_the_field() {
    for (uri, speech, dtmf) in [
        ("builtin:speech/transcribe", true, false),
        ("builtin:speech/transcribe?", true, false),
        ("builtin:speech/transcribe?language=zh-CN;modalities=text,audio", true, false),
        ("BUILTIN:Speech/Transcribe", true, false),
        ("builtin:slm/general", true, false),
        ("builtin:grammar/boolean", true, false),
        ("builtin:grammar/boolean?language=en-US;y=1;n=2", true, true),
        ("builtin:grammar/boolean?language=zh-CN;y=1;n=2 builtin", true, true),
        ("builtin:grammar/boolean;y=1;n=2", true, true),
        ("builtin:voice/boolean", true, false),
        ("builtin:speech/boolean", true, false),
        ("builtin:dtmf/boolean", false, true),
        ("builtin:grammar/digits?length=4", true, false),
        ("builtin:dtmf/digits?minlength=1;maxlength=4", false, true),
        ("builtin:dtmf/digits?minlength=1&maxlength=4", false, true),
        ("builtin:digits", true, true),
        ("builtin:grammar/number", true, false),
        ("builtin:dtmf/number", false, true),
        ("builtin://grammar/boolean", true, false),
        ("<builtin:grammar/boolean>;weight=\"0.75\"", true, false),
        ("builtin:speech/dialog", true, true),
        ("builtin:speech/dialog?conversation=1&dtmf=false", true, false),
    ] {
        let grammar = builtin(uri);
        assert_eq!((grammar.accepts_speech(), grammar.accepts_dtmf()), (speech, dtmf), "{uri}");
    }
}

#[test]
fn other_uris_are_refused_with_their_reason() {
    use GrammarErrorKind as Kind;
    for (uri, kind) in [
        ("", Kind::UnsupportedUri),
        ("http://example.com/a.grxml", Kind::UnsupportedUri),
        ("session:x", Kind::UnsupportedUri),
        ("builtin:", Kind::UnsupportedUri),
        ("builtin:speech/x", Kind::UnsupportedUri),
        ("builtin:grammar/datetime", Kind::UnsupportedUri),
        ("builtin:grammar/date?garbage=maybe", Kind::Parameter),
        ("builtin:grammar/digits?minlenght=4", Kind::Parameter),
        ("builtin:grammar/boolean?garbage=true", Kind::Parameter),
        ("builtin:dtmf/transcribe", Kind::UnsupportedUri),
        ("builtin:speech/spelling/mixed?regex=[a-z]{2}", Kind::UnsupportedUri),
        ("builtin:grammar/boolean?y=1;n=1", Kind::Parameter),
        ("builtin:grammar/boolean?y=;n=1", Kind::Parameter),
        ("builtin:grammar/boolean?y=12", Kind::Parameter),
        ("builtin:grammar/boolean?y=2", Kind::Parameter),
        ("builtin:dtmf/digits?length=4;minlength=2", Kind::Parameter),
        ("builtin:dtmf/digits?minlength=5;maxlength=2", Kind::Parameter),
        ("builtin:dtmf/digits?length=four", Kind::Parameter),
        ("builtin:dtmf/digits?length=0", Kind::Parameter),
        ("builtin:speech/dialog?reply=maybe", Kind::Parameter),
        ("builtin:speech/transcribe?language=de-DE", Kind::UnsupportedLanguage),
    ] {
        assert_eq!(Grammar::from_uri(uri).unwrap_err().kind, kind, "{uri}");
    }
}

#[test]
fn a_dialog_grammar_tells_its_parameters() {
    let uri = "builtin:speech/dialog?conversation=c%201&reply=inline&instance=json&language=zh&var.n=5&hint=x";
    let grammar = builtin(uri);
    let dialog = grammar.dialog().unwrap();
    assert_eq!(dialog.conversation.as_deref(), Some("c 1"));
    assert!(dialog.reply_inline && dialog.dtmf);
    assert_eq!(dialog.instance, Some(crate::nlsml::InstanceForm::Json));
    assert_eq!(grammar.language(), Some(Language::Chinese));
    assert_eq!(dialog.vars, [("n".to_owned(), "5".to_owned())]);
    assert_eq!(dialog.params, [("hint".to_owned(), "x".to_owned())]);
    assert_eq!(grammar.uri(), uri);
}

#[test]
fn transcription_gives_the_words_and_never_nothing() {
    let grammar = builtin("builtin:speech/transcribe");
    assert_eq!(instance(&grammar, "  Hello,   world "), Some(json!("Hello, world")));
    assert_eq!(instance(&grammar, " ... "), None);
    assert_eq!(grammar.match_speech(&[]), []);
}

#[test]
fn boolean_answers_become_true_and_false() {
    let grammar = builtin("builtin:grammar/boolean");
    assert_eq!(instance(&grammar, "Yeah, sure."), Some(json!(true)));
    assert_eq!(instance(&grammar, "不用了"), Some(json!(false)));
    assert_eq!(instance(&grammar, "maybe later"), None);
}

#[test]
fn digits_must_have_the_length_that_was_asked_for() {
    let grammar = builtin("builtin:grammar/digits?minlength=3;maxlength=4");
    assert_eq!(instance(&grammar, "one two three"), Some(json!("123")));
    assert_eq!(instance(&grammar, "oh double five six"), Some(json!("0556")));
    assert_eq!(instance(&grammar, "one two"), None);
    assert_eq!(instance(&grammar, "一二三四五"), None);
}

#[test]
fn numbers_are_numbers() {
    let grammar = builtin("builtin:grammar/number");
    assert_eq!(instance(&grammar, "about six"), Some(json!(6)));
    assert_eq!(instance(&grammar, "三十六度五"), Some(json!(36.5)));
    let keyed = builtin("builtin:dtmf/number");
    assert_eq!(keyed.match_dtmf("1*50"), DtmfMatch::Complete { can_grow: true, instance: json!(1.5) });
}

#[test]
fn the_best_hypothesis_that_matches_counts_and_equal_meanings_are_one() {
    let grammar = builtin("builtin:grammar/boolean");
    let said = |text: &str, confidence| Hypothesis::new(text, confidence, Language::English);
    let matches =
        grammar.match_speech(&[said("yes and no", 0.9), said("yes", 0.6), said("yeah", 0.8), said("no", 0.3)]);
    let seen: Vec<_> = matches.iter().map(|m| (m.instance.clone(), m.input.as_str())).collect();
    assert_eq!(seen, [(json!(true), "yeah"), (json!(false), "no")]);
    // That it is an answer at all makes it surer than the words alone: 0.8 / 0.2 times 3.3.
    assert!((matches[0].confidence - 0.93).abs() < 0.001, "{}", matches[0].confidence);
    assert!(matches[1].confidence > 0.3);
}

#[test]
fn rec_031_a_match_keeps_the_order_of_what_was_heard_and_certainty() {
    let grammar = builtin("builtin:grammar/boolean");
    let sure = |heard: f32| grammar.match_speech(&[Hypothesis::new("yes", heard, Language::English)])[0].confidence;
    assert_eq!((sure(0.0), sure(1.0)), (0.0, 1.0));
    assert!((1..=10).all(|tenth| sure(tenth as f32 / 10.0) > sure((tenth - 1) as f32 / 10.0)));
    // Dictation has no evidence but the words.
    let open = builtin("builtin:speech/transcribe");
    assert_eq!(open.match_speech(&[Hypothesis::new("yes", 0.4, Language::English)])[0].confidence, 0.4);
}

#[test]
fn several_grammars_are_matched_together() {
    let grammars = [
        builtin("builtin:speech/transcribe"),
        srgs(COLORS).named("session:colors"),
        builtin("builtin:dtmf/digits?length=2"),
    ];
    let matches = match_all(&grammars, &[hypothesis("red")]);
    assert_eq!(
        matches.iter().map(|m| m.grammar_uri.as_str()).collect::<Vec<_>>(),
        ["session:colors", "builtin:speech/transcribe"]
    );
    let matches = match_all(&grammars, &[hypothesis("purple")]);
    assert_eq!(matches.len(), 1);
    assert_eq!(match_all_dtmf(&grammars, "1").state, DtmfMatch::Prefix);
    let keyed = match_all_dtmf(&grammars, "12");
    assert_eq!(keyed.state, DtmfMatch::Complete { can_grow: false, instance: json!("12") });
    assert_eq!(keyed.matches.len(), 1);
    assert_eq!(keyed.matches[0].mode, InputMode::Dtmf);
}

#[test]
fn a_weight_decides_between_equal_matches() {
    let light = builtin("<builtin:grammar/digits>;weight=0.5");
    let heavy = builtin("builtin:grammar/number");
    let matches = match_all(&[light, heavy], &[hypothesis("six")]);
    assert_eq!(matches[0].grammar_uri, "builtin:grammar/number");
}

#[test]
fn one_grammar_that_can_grow_keeps_all_waiting() {
    let grammars = [builtin("builtin:dtmf/boolean"), builtin("builtin:dtmf/digits")];
    let keyed = match_all_dtmf(&grammars, "1");
    assert_eq!(keyed.state, DtmfMatch::Complete { can_grow: true, instance: json!(true) });
    assert_eq!(keyed.matches.len(), 2);
}
