use serde_json::{Value, json};

use super::*;
use crate::nlsml::Timestamps;

fn matched(instance: Value, confidence: f32, mode: InputMode) -> Match {
    Match {
        grammar_uri: "session:a&b".into(),
        instance,
        confidence,
        input: "tea <& milk>".into(),
        mode,
        semantics_failure: None,
    }
}

fn style(instance: InstanceForm) -> NlsmlStyle {
    let timestamps = Some(Timestamps { start_unix_ms: 1_000, end_unix_ms: 2_500 });
    NlsmlStyle { namespaced: true, instance, timestamps }
}

/// The interpretations as (attributes in EMMA's namespace, text of all content).
fn read(text: &str) -> Vec<(Vec<(String, String)>, String)> {
    let document = roxmltree::Document::parse(text).unwrap();
    assert!(document.root_element().has_tag_name((NAMESPACE, "emma")));
    let interpretations = document.descendants().filter(|node| node.has_tag_name((NAMESPACE, "interpretation")));
    interpretations
        .map(|node| {
            let attributes = node.attributes().filter(|attribute| attribute.namespace() == Some(NAMESPACE));
            let attributes = attributes.map(|attribute| (attribute.name().to_owned(), attribute.value().to_owned()));
            let text = node.descendants().filter(|node| node.is_text()).filter_map(|node| node.text()).collect();
            (attributes.collect(), text)
        })
        .collect()
}

fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[test]
fn ses_034_alternatives_are_one_of_with_their_annotations() {
    let matches = [matched(json!("tea"), 0.9, InputMode::Speech), matched(json!({"n": [1]}), 0.4, InputMode::Dtmf)];
    let text = write(&RecognitionResult::Matches(&matches), &style(InstanceForm::Xml));
    assert!(text.contains("<emma:one-of id=\"nbest\""));
    assert!(text.contains("<emma:grammar id=\"grammar1\" ref=\"session:a&amp;b\"/>"));
    assert!(text.contains("<n length=\"1\"><item index=\"0\">1</item></n>"));
    let found = read(&text);
    assert_eq!(found[0].1, "tea");
    for (name, value) in [
        ("grammar-ref", "grammar1"),
        ("confidence", "0.90"),
        ("medium", "acoustic"),
        ("mode", "voice"),
        ("start", "1000"),
        ("end", "2500"),
        ("tokens", "tea <& milk>"),
    ] {
        assert_eq!(attribute(&found[0].0, name), Some(value), "{name}");
    }
    assert_eq!(attribute(&found[1].0, "mode"), Some("dtmf"));
}

#[test]
fn json_is_a_literal() {
    let matches = [matched(json!({"n": 1}), 0.9, InputMode::Speech)];
    let text = write(&RecognitionResult::Matches(&matches), &style(InstanceForm::Json));
    assert!(!text.contains("one-of"));
    assert_eq!(read(&text)[0].1, "{\"n\":1}");
}

#[test]
fn what_was_not_understood_says_so() {
    let rejected =
        NoMatch { grammar_uri: "g".into(), heard: Some("mumble".into()), confidence: 0.1, mode: InputMode::Speech };
    for result in [RecognitionResult::NoMatch(&rejected), RecognitionResult::SemanticsFailure(&rejected)] {
        let found = read(&write(&result, &style(InstanceForm::Xml)));
        assert_eq!(attribute(&found[0].0, "uninterpreted"), Some("true"));
        assert_eq!(attribute(&found[0].0, "tokens"), Some("mumble"));
        assert_eq!(found[0].1, "");
    }
    let found = read(&write(&RecognitionResult::NoInput { grammar_uri: "" }, &style(InstanceForm::Xml)));
    assert_eq!(attribute(&found[0].0, "no-input"), Some("true"));
    let found = read(&write(&RecognitionResult::Matches(&[]), &style(InstanceForm::Xml)));
    assert_eq!(attribute(&found[0].0, "uninterpreted"), Some("true"));
}
