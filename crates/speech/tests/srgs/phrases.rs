//! Grammars that are lists of phrases or keys.

use serde_json::json;
use speech::{DtmfMatch, Grammar, GrammarErrorKind, Language};

use crate::common::{accepts, grammar, instance, keys, progress, rule, voice};

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

fn list(phrases: &[&str]) -> Grammar {
    let items: String = phrases.iter().map(|phrase| format!("<item>{phrase}</item>")).collect();
    grammar(&rule(&format!("<one-of>{items}</one-of>")))
}

/// What was understood, and with how much of the confidence of what was heard.
fn found(grammar: &Grammar, text: &str) -> Option<(String, f32)> {
    let matched = grammar.match_speech(&[speech::Hypothesis::new(text, 1.0, Language::English)]).into_iter().next()?;
    Some((matched.instance.as_str().unwrap().to_owned(), matched.confidence))
}

#[test]
fn a_choice_list_understands_its_phrases() {
    let grammar = grammar(COLORS);
    for (text, expected) in [
        ("red", Some(json!("R"))),
        ("The red.", Some(json!("R"))),
        ("dark green", Some(json!("G"))),
        ("um, the dark green please", Some(json!("G"))),
        ("navy", Some(json!("N"))),
        ("the blue", Some(json!("blue"))),
        ("green", None),
        ("yellow", None),
        ("", None),
    ] {
        assert_eq!(instance(&grammar, text), expected, "{text}");
    }
    assert_eq!(grammar.language(), Some(Language::English));
    let phrases = ["red", "dark green", "blue", "navy", "the red", "the dark green", "the blue", "the navy"];
    assert_eq!(grammar.phrases(), phrases);
}

#[test]
fn a_phrase_is_found_in_any_spelling() {
    let list = list(&["sales", "option two", "customer service", "转人工", "两点", "room 23", "don't know"]);
    for (heard, expected) in [
        ("Sales.", "sales"),
        ("um, sales", "sales"),
        ("Option 2", "option two"),
        ("CUSTOMER  service!", "customer service"),
        ("转 人 工", "转人工"),
        ("嗯，转人工吧", "转人工"),
        ("2点", "两点"),
        ("二点", "两点"),
        ("room twenty three", "room 23"),
        ("Don’t know", "don't know"),
        ("ＳＡＬＥＳ", "sales"),
    ] {
        assert_eq!(found(&list, heard), Some((expected.to_owned(), 1.0)), "{heard}");
    }
}

#[test]
fn politeness_around_a_phrase_costs_a_little() {
    let list = list(&["sales", "人工服务"]);
    for heard in ["I'd like to speak to sales please", "the sales department", "我想要人工服务谢谢", "麻烦转接人工服务"]
    {
        let sure = found(&list, heard).map(|found| found.1);
        assert!(sure.is_some_and(|sure| (0.95..1.0).contains(&sure)), "{heard}: {sure:?}");
    }
}

#[test]
fn what_sounds_alike_is_found_with_less_confidence() {
    let list = list(&["sales", "support", "billing", "转人工", "预约挂号", "查询订单", "缴纳费用", "修改密码"]);
    for (heard, expected) in [
        ("sails", "sales"),
        ("sport", "support"),
        ("building", "billing"),
        ("专人工", "转人工"),
        ("预约瓜号", "预约挂号"),
        ("查形定单", "查询订单"),
        ("小納費用", "缴纳费用"),
        ("雀仁公", "转人工"),
    ] {
        let (phrase, quality) = found(&list, heard).unwrap_or_default();
        assert_eq!(phrase, expected, "{heard}");
        assert!(quality > 0.7 && quality <= 1.0, "{heard} {quality}");
    }
}

#[test]
fn what_is_not_in_the_list_is_rejected() {
    let list = list(&["sales", "support", "Austin", "北京", "one", "two", "修改密码", "转人工"]);
    for heard in [
        "",
        "修改地址",
        "查询余额",
        "打电话",
        "tales of woe",
        "two two",
        "sales sales",
        "Boston",
        "南京",
        "nine",
        "I want to leave",
        "what",
        "sales or support",
        "十",
    ] {
        assert_eq!(found(&list, heard), None, "{heard}");
    }
}

#[test]
fn two_phrases_that_sound_equally_near_are_no_match_unless_they_mean_the_same() {
    assert_eq!(found(&list(&["write", "right"]), "rite"), None);
    let same = grammar(&voice(
        "<rule id='r'><one-of><item>write<tag>x</tag></item><item>right<tag>x</tag></item></one-of></rule>",
    ));
    assert_eq!(instance(&same, "rite"), Some(json!("x")));
}

#[test]
fn a_chinese_list_matches_by_sound_and_with_meaning() {
    let grammar = grammar(
        r#"<grammar xmlns="http://www.w3.org/2001/06/grammar" version="1.0" xml:lang="zh-CN" root="r"><rule id="r"><one-of>
        <item>转人工<tag>out="agent"</tag></item>
        <item>预约挂号<tag>out.what="book"; out.fee=5</tag></item></one-of></rule></grammar>"#,
    );
    assert_eq!(instance(&grammar, "请帮我专人工，谢谢"), Some(json!("agent")));
    assert_eq!(instance(&grammar, "预约挂号"), Some(json!({"what": "book", "fee": 5})));
    assert_eq!(instance(&grammar, "查询报告"), None);
}

#[test]
fn a_keyed_list_matches_keys_as_they_come() {
    let grammar = grammar(
        r##"<grammar xmlns="http://www.w3.org/2001/06/grammar" version="1.0" mode="dtmf" root="r"
        tag-format="semantics/1.0-literals"><rule id="r"><one-of>
        <item>1<tag>sales</tag></item><item>1 2</item><item>star 9</item><item>#</item><item>"*" pound A</item>
        </one-of></rule></grammar>"##,
    );
    assert!(grammar.accepts_dtmf() && !grammar.accepts_speech());
    for (keys, expected) in [
        ("", DtmfMatch::Prefix),
        ("1", DtmfMatch::Complete { can_grow: true, instance: json!("sales") }),
        ("12", DtmfMatch::Complete { can_grow: false, instance: json!("12") }),
        ("*", DtmfMatch::Prefix),
        ("*9", DtmfMatch::Complete { can_grow: false, instance: json!("*9") }),
        ("*#A", DtmfMatch::Complete { can_grow: false, instance: json!("*#A") }),
        ("#", DtmfMatch::Complete { can_grow: false, instance: json!("#") }),
        ("13", DtmfMatch::NoMatch),
        ("x", DtmfMatch::NoMatch),
    ] {
        assert_eq!(grammar.match_dtmf(keys), expected, "{keys}");
    }
}

#[test]
fn a_pin_is_a_repeat_of_a_digit() {
    let digits: String = (0..10).map(|digit| format!("<item>{digit}</item>")).collect();
    let pin = |repeat: &str| {
        grammar(&keys(&format!(
            "<rule id='r'><item repeat='{repeat}'><ruleref uri='#d'/></item></rule>\
             <rule id='d'><one-of>{digits}</one-of></rule>"
        )))
    };
    let four = pin("4");
    assert_eq!(progress(&four, "123"), "prefix");
    assert_eq!(progress(&four, "1234"), "complete");
    assert_eq!(progress(&four, "12345"), "no");
    let open = pin("2-");
    assert_eq!(progress(&open, "1"), "prefix");
    assert_eq!(progress(&open, &"7".repeat(60)), "complete, can grow");
    let any = pin("0-1");
    assert_eq!(progress(&any, ""), "prefix", "no key is no input");
    let some = pin("1-3");
    assert_eq!(progress(&some, "12"), "complete, can grow");
    assert_eq!(progress(&some, "123"), "complete");
}

#[test]
fn a_language_that_is_not_served_is_told_apart_from_a_fault() {
    let body = rule("oui").replace("en-US", "fr-FR");
    let refused = Grammar::from_body("application/srgs+xml", body.as_bytes(), Language::English).unwrap_err();
    assert_eq!(refused.kind, GrammarErrorKind::UnsupportedLanguage);
    assert!(accepts(&grammar(&body), "Oui!"));
}

#[test]
fn a_list_of_100_000_phrases_is_found_in() {
    let phrase = |n: usize| format!("{} item {}", ["blue", "green", "red"][n % 3], n / 3);
    let items: String = (0..100_000).map(|n| format!("<item>{}</item>", phrase(n))).collect();
    let grammar = grammar(&rule(&format!("<one-of>{items}</one-of>")));
    for n in [0, 5, 99_999] {
        assert_eq!(instance(&grammar, &phrase(n)), Some(json!(phrase(n))));
    }
    assert_eq!(instance(&grammar, "red item 99999"), None);
    assert_eq!(progress(&grammar, "red item"), "prefix");
}

#[test]
fn a_long_list_of_phrases_that_begin_alike_is_found_in_as_a_short_one() {
    let item = |n: usize| {
        let word = format!("w{}", char::from(b'a' + u8::try_from(n % 26).unwrap())).repeat(n / 26 + 1);
        (
            word.clone(),
            format!(
                "<item><item repeat='0-1'>the</item> <item repeat='0-1'>old</item> {word} <item repeat='0-1'>now</item></item>"
            ),
        )
    };
    for count in [3, 200] {
        let (words, items): (Vec<_>, Vec<_>) = (0..count).map(item).unzip();
        let grammar =
            grammar(&rule(&format!("<one-of>{}<item>the <item repeat='1-'>x</item></item></one-of>", items.concat())));
        for word in &words {
            for said in [format!("the old {word} now"), format!("the {word}"), format!("old {word}"), word.clone()] {
                assert!(accepts(&grammar, &said), "{said}");
            }
        }
        assert!(accepts(&grammar, "the x x x x x"));
        for said in ["the old now now now", "old the wa", "the old zz now"] {
            assert!(!accepts(&grammar, said), "{said}");
        }
        for begun in ["the", "the old", "old"] {
            assert_eq!(progress(&grammar, begun), "prefix", "{begun}");
        }
        assert_eq!(progress(&grammar, "the old wa"), "complete, can grow");
    }
}
