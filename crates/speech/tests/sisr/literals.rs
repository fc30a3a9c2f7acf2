//! `semantics/1.0-literals`, and no format at all.

use serde_json::json;

use super::{check, value};

#[test]
fn grm_020_nls_007_literals_are_the_text_of_the_last_tag() {
    let cases = check(
        "semantics/1.0-literals",
        &[
            ("<rule id='r'>yes</rule>", &[("yes", json!("yes"))]),
            ("<rule id='r'>yes<tag>Y</tag></rule>", &[("yes", json!("Y"))]),
            ("<rule id='r'>yes<tag>  Y es </tag></rule>", &[("yes", json!("Y es"))]),
            ("<rule id='r'><tag>A</tag>yes<tag>B</tag></rule>", &[("yes", json!("B"))]),
            ("<rule id='r'>yes<tag></tag></rule>", &[("yes", json!("yes"))]),
            ("<rule id='r'>yes<tag>out = 1</tag></rule>", &[("yes", json!("out = 1"))]),
            ("<rule id='r'>yes<tag>{\"a\": 1}</tag></rule>", &[("yes", json!("{\"a\": 1}"))]),
            ("<rule id='r'>yes<tag>5</tag></rule>", &[("yes", json!("5"))]),
            (
                "<rule id='r'><one-of><item>cola<tag>coke</tag></item><item>water</item></one-of></rule>",
                &[("cola", json!("coke")), ("water", json!("water"))],
            ),
            // A rule without tags of its own has the value of the rule that it referred to last.
            (
                "<rule id='r'>a <ruleref uri='#s'/> <ruleref uri='#d'/></rule>
                 <rule id='s'>small<tag>S</tag></rule><rule id='d'><one-of><item>cola<tag>coke</tag></item><item>tea</item></one-of></rule>",
                &[("a small cola", json!("coke")), ("a small tea", json!("tea"))],
            ),
            (
                "<rule id='r'>a <ruleref uri='#s'/><tag>mine</tag></rule><rule id='s'>small<tag>S</tag></rule>",
                &[("a small", json!("mine"))],
            ),
            (
                "<rule id='r'><item repeat='1-'><ruleref uri='#d'/></item></rule>
                 <rule id='d'><one-of><item>one<tag>1</tag></item><item>two<tag>2</tag></item></one-of></rule>",
                &[("one two", json!("2")), ("two", json!("2"))],
            ),
            ("<rule id='r'>call <item repeat='0-1'><ruleref uri='#x'/></item></rule><rule id='x'>home<tag>H</tag></rule>",
                &[("call", json!("call")), ("call home", json!("H"))]),
        ],
    );
    assert!(cases >= 16, "{cases}");
}

#[test]
fn without_a_format_a_tag_is_script_when_it_begins_like_one() {
    let cases = check(
        "",
        &[
            ("<rule id='r'>yes<tag>sales</tag></rule>", &[("yes", json!("sales"))]),
            ("<rule id='r'>yes<tag>out='S'</tag></rule>", &[("yes", json!("S"))]),
            ("<rule id='r'>yes<tag>out.a=1; out.b='x'</tag></rule>", &[("yes", json!({"a": 1, "b": "x"}))]),
            ("<rule id='r'>yes<tag>outside</tag></rule>", &[("yes", json!("outside"))]),
            ("<rule id='r'>yes<tag>$='z'</tag></rule>", &[("yes", json!("z"))]),
            ("<rule id='r'>yes<tag>$.x='z'</tag></rule>", &[("yes", json!({"x": "z"}))]),
            ("<rule id='r'>yes<tag>first</tag><tag>out=out+'!'</tag></rule>", &[("yes", json!("first!"))]),
        ],
    );
    assert_eq!(cases, 7);
}

#[test]
fn grm_003_a_format_that_is_not_known_is_refused_when_there_are_tags() {
    for format in ["swi-semantics/1.0", "semantics-ms/1.0", "semantics/2.0", "properties-ms/1.0", "x"] {
        let error = super::compile(format, "<rule id='r'>yes<tag>S</tag></rule>").unwrap_err();
        assert_eq!(error.kind, speech::GrammarErrorKind::Unsupported, "{format}");
        assert!(error.message.contains(format), "{error}");
        assert_eq!(value(format, "<rule id='r'>yes</rule>", "yes"), json!("yes"), "without tags nothing is guessed");
    }
    for format in ["semantics/1.0", "Semantics/1.0", " semantics/1.0 ", "semantics/1.0.2006"] {
        assert_eq!(value(format, "<rule id='r'>yes<tag>out=1</tag></rule>", "yes"), json!(1), "{format}");
    }
}
