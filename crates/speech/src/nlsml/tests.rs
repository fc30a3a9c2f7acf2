use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::Match;

fn matched(instance: Instance) -> Match {
    Match {
        grammar_uri: "session:a&b".into(),
        instance,
        confidence: 0.9,
        input: "red <&> 红".into(),
        mode: InputMode::Speech,
        semantics_failure: None,
    }
}

fn style(namespaced: bool, instance: InstanceForm) -> NlsmlStyle {
    NlsmlStyle { namespaced, instance, timestamps: None }
}

#[test]
fn a_result_is_written_as_clients_expect_it() {
    let plain = style(false, InstanceForm::Xml);
    let mut one = matched(json!("one"));
    one.grammar_uri = "builtin:grammar/number".into();
    one.input = "one".into();
    assert_eq!(
        write(&[one], &plain),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<result>\n  \
         <interpretation grammar=\"builtin:grammar/number\" confidence=\"0.90\">\n    <instance>one</instance>\n    \
         <input mode=\"speech\" confidence=\"0.90\">one</input>\n  </interpretation>\n</result>\n"
    );
}

#[test]
fn the_namespace_and_times_are_written_when_asked_for() {
    let mut dated = style(true, InstanceForm::Xml);
    dated.timestamps = Some(Timestamps { start_unix_ms: 0, end_unix_ms: 1_500 });
    let text = write(&[matched(json!("x"))], &dated);
    assert!(text.contains("<result xmlns=\"urn:ietf:params:xml:ns:mrcpv2\">"));
    assert!(text.contains("timestamp-start=\"1970-01-01T00:00:00.000Z\" timestamp-end=\"1970-01-01T00:00:01.500Z\""));
}

#[test]
fn grm_021_an_object_is_written_as_elements_or_as_json() {
    let instance = json!({"action": "continue", "slots": {"pain score": 6, "places": ["a", "b"]}, "item": "x"});
    let text = write(&[matched(instance.clone())], &style(false, InstanceForm::Xml));
    assert!(text.contains(
        "<instance><action>continue</action><slots><entry name=\"pain score\">6</entry>\
         <places length=\"2\"><item index=\"0\">a</item><item index=\"1\">b</item></places></slots><entry name=\"item\">x</entry></instance>"
    ));
    let text = write(&[matched(instance.clone())], &style(false, InstanceForm::Json));
    assert!(text.contains("<instance>{&quot;action&quot;:&quot;continue&quot;"));
    assert_eq!(read(&text).unwrap().interpretations[0].instance, Some(instance));
}

#[test]
fn no_matches_are_a_no_match_and_never_an_empty_result() {
    let text = write(&[], &NlsmlStyle::default());
    let result = read(&text).unwrap();
    assert_eq!(result.interpretations.len(), 1);
    assert_eq!(result.interpretations[0].input, Input::NoMatch(None));
    assert!(text.contains("<instance/>"));
}

#[test]
fn no_match_and_no_input_are_read_back() {
    let heard = NoMatch {
        grammar_uri: "builtin:grammar/boolean".into(),
        heard: Some("I want to go".into()),
        confidence: 0.3,
        mode: InputMode::Speech,
    };
    let result = read(&no_match(&heard, &NlsmlStyle::default())).unwrap();
    assert_eq!(result.interpretations[0].input, Input::NoMatch(Some("I want to go".into())));
    assert_eq!(result.interpretations[0].grammar.as_deref(), Some("builtin:grammar/boolean"));
    assert_eq!(result.interpretations[0].instance, None);
    let result = read(&no_input("", &NlsmlStyle::default())).unwrap();
    assert_eq!(result.interpretations[0].input, Input::NoInput);
}

#[test]
fn foreign_results_are_read() {
    let text = "<?xml version=\"1.0\"?>\n<!DOCTYPE result SYSTEM \"x\">\n<nl:result xmlns:nl=\"urn:x\" xmlns=\"urn:y\" grammar=\"g\">\
        <nl:interpretation confidence=\"87\"><nl:instance><order><food>pizza</food><food>pasta</food></order></nl:instance>\
        <nl:input><nl:input mode=\"speech\">My pin is</nl:input><nl:input mode=\"dtmf\">1 2</nl:input></nl:input>\
        </nl:interpretation></nl:result>";
    let result = read(text).unwrap();
    let only = &result.interpretations[0];
    assert_eq!(only.grammar.as_deref(), Some("g"));
    assert!((only.confidence - 0.87).abs() < 1e-6);
    assert_eq!(only.instance, Some(json!({"order": {"food": ["pizza", "pasta"]}})));
    assert_eq!(only.input, Input::Matched { text: "My pin is 1 2".into(), mode: Some(InputMode::Speech) });
}

#[test]
fn what_is_no_result_is_an_error_with_its_place() {
    assert!(read("").is_err());
    assert!(read("<results/>").is_err());
    assert_eq!(read("<result>\n<a></b></result>").unwrap_err().position.map(|(line, _)| line), Some(2));
    assert!(read("<!DOCTYPE a [<!ENTITY b 'c'>]><result>&b;</result>").is_err());
}

#[test]
fn every_truncation_is_an_error_and_no_panic() {
    let text = write(&[matched(json!({"a": 1}))], &NlsmlStyle::default());
    let end = text.trim_end().len();
    for cut in (0..end).filter(|cut| text.is_char_boundary(*cut)) {
        assert!(read(&text[..cut]).is_err(), "{cut}");
    }
}

/// Text as XML can hold it, with nothing at its ends that a reader trims.
fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9<>&\"' \\n\\r\\t。，红绿]{0,12}".prop_map(|text| format!("t{text}."))
}

/// Instances that say the same in both forms: scalars are strings, nothing is empty, no list is in a list's place.
fn tree() -> impl Strategy<Value = Value> {
    let leaf = text().prop_map(Value::String);
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec((text(), inner.clone()), 1..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
            proptest::collection::vec(inner, 1..4).prop_map(Value::Array),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        instance in tree(), input in text(), grammar in text(), hundredths in 0u8..=100, namespaced: bool, json: bool, dtmf: bool,
    ) {
        let mode = if dtmf { InputMode::Dtmf } else { InputMode::Speech };
        let confidence = f32::from(hundredths) / 100.0;
        let one = Match { grammar_uri: grammar.clone(), instance: instance.clone(), confidence, input: input.clone(), mode, semantics_failure: None };
        let form = if json { InstanceForm::Json } else { InstanceForm::Xml };
        let result = read(&write(&[one.clone(), one], &style(namespaced, form))).unwrap();
        prop_assert_eq!(result.interpretations.len(), 2);
        for read in result.interpretations {
            prop_assert_eq!(read.grammar.as_deref(), Some(grammar.as_str()));
            prop_assert_eq!(read.instance.as_ref(), Some(&instance));
            // Keys are written one by one.
            let keys = || input.chars().filter(|c| !c.is_whitespace()).map(String::from).collect::<Vec<_>>().join(" ");
            let text = if dtmf { keys() } else { input.clone() };
            prop_assert_eq!(read.input, Input::Matched { text, mode: Some(mode) });
            prop_assert!((read.confidence - confidence).abs() < 1e-6);
        }
    }

    #[test]
    fn any_match_is_written_as_a_result_that_can_be_read(instance: String, input: String, grammar: String, confidence: f32) {
        let mode = InputMode::Speech;
        let one = Match { grammar_uri: grammar, instance: instance.into(), confidence, input, mode, semantics_failure: None };
        prop_assert!(read(&write(&[one], &NlsmlStyle::default())).is_ok());
    }
}
