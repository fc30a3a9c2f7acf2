//! Results as RFC 6787 section 16.1 and the text of section 9.6 want them: a checker of structure, and what it is shown.

use roxmltree::{Document, Node};
use serde_json::{Value, json};

use super::*;
use crate::{Match, RecognitionResult, ResultFormat};

/// Every way in which a result breaks the schema, or the text around it.
fn faults(text: &str, namespaced: bool) -> Vec<String> {
    let document = Document::parse(text).unwrap();
    let result = document.root_element();
    let mut faults = Vec::new();
    let namespace = namespaced.then_some(NAMESPACE);
    let is =
        |node: &Node<'_, '_>, name: &str| node.tag_name().name() == name && node.tag_name().namespace() == namespace;
    if !is(&result, "result") {
        faults.push("the root is no result of the namespace".to_owned());
    }
    let interpretations: Vec<Node<'_, '_>> = result.children().filter(Node::is_element).collect();
    if interpretations.is_empty() {
        faults.push("the result is empty".to_owned());
    }
    let mut least = 1.0f32;
    for interpretation in interpretations {
        if !is(&interpretation, "interpretation") {
            faults.push(format!("{:?} in result", interpretation.tag_name()));
        }
        for attribute in interpretation.attributes() {
            if !matches!(attribute.name(), "confidence" | "grammar") {
                faults.push(format!("attribute {} of interpretation", attribute.name()));
            }
        }
        if let Some(confidence) = share(interpretation, &mut faults) {
            if confidence > least {
                faults.push("interpretations are not best first".to_owned());
            }
            least = confidence;
        }
        let children: Vec<Node<'_, '_>> = interpretation.children().filter(Node::is_element).collect();
        match children.as_slice() {
            [instance, input] if is(instance, "instance") && is(input, "input") => {
                // The schema's ##other, as the statements read it: not in the namespace of the result.
                for element in instance.descendants().skip(1).filter(Node::is_element) {
                    if element.tag_name().namespace() == Some(NAMESPACE) {
                        faults.push(format!("{} of the application is in our namespace", element.tag_name().name()));
                    }
                }
                input_faults(*input, &is, &mut faults);
            }
            _ => faults.push("interpretation is not one instance and one input".to_owned()),
        }
    }
    faults
}

fn input_faults(input: Node<'_, '_>, is: &impl Fn(&Node<'_, '_>, &str) -> bool, faults: &mut Vec<String>) {
    share(input, faults);
    for attribute in input.attributes() {
        let fits = match attribute.name() {
            "mode" => matches!(attribute.value(), "speech" | "dtmf"),
            "confidence" => true,
            "timestamp-start" | "timestamp-end" => is_iso_8601(attribute.value()),
            _ => false,
        };
        if !fits {
            faults.push(format!("{}={:?} of input", attribute.name(), attribute.value()));
        }
    }
    let children: Vec<Node<'_, '_>> = input.children().filter(Node::is_element).collect();
    let nested = children.iter().all(|child| is(child, "input"));
    let lone = children.len() == 1 && children.iter().all(|child| is(child, "nomatch") || is(child, "noinput"));
    if !nested && !lone {
        faults.push("input is neither text, nor inputs, nor nomatch, nor noinput".to_owned());
    }
    for child in children.into_iter().filter(|child| is(child, "input")) {
        input_faults(child, is, faults);
    }
}

fn share(node: Node<'_, '_>, faults: &mut Vec<String>) -> Option<f32> {
    let confidence = node.attribute("confidence")?;
    let share = confidence.parse::<f32>().ok().filter(|share| (0.0..=1.0).contains(share));
    if share.is_none() {
        faults.push(format!("confidence {confidence}"));
    }
    share
}

/// `2000-04-03T00:00:00.200Z`
fn is_iso_8601(text: &str) -> bool {
    let form: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    form == "0000-00-00T00:00:00.000Z"
}

fn matched(instance: Value, input: &str, confidence: f32) -> Match {
    let (grammar_uri, input) = ("session:menu".to_owned(), input.to_owned());
    Match { grammar_uri, instance, confidence, input, mode: InputMode::Speech, semantics_failure: None }
}

fn rejected(heard: Option<&str>) -> NoMatch {
    NoMatch {
        grammar_uri: "session:menu".into(),
        heard: heard.map(str::to_owned),
        confidence: 0.1,
        mode: InputMode::Speech,
    }
}

const RFC: NlsmlStyle = NlsmlStyle { namespaced: true, instance: InstanceForm::Xml, timestamps: None };

fn styles() -> impl Iterator<Item = NlsmlStyle> {
    [true, false].into_iter().flat_map(|namespaced| {
        [InstanceForm::Xml, InstanceForm::Json].into_iter().flat_map(move |instance| {
            let times = Timestamps { start_unix_ms: 954_720_000_250, end_unix_ms: 954_720_000_600 };
            [None, Some(times)].map(|timestamps| NlsmlStyle { namespaced, instance, timestamps })
        })
    })
}

#[test]
fn nls_002_nls_003_nls_006_nls_008_every_result_fits_the_schema() {
    let instances = [
        json!("tea"),
        json!(null),
        json!(36.5),
        json!([1, [2, []], {}]),
        json!({"a b": 1, "item": {"entry": "x"}, "_value": "v", "n": {"_attributes": {"k": "v"}, "_value": 7}}),
        json!({"x": {"_nsdecl": {"_prefix": "ex", "_name": "urn:ex"}, "_nsprefix": "ex", "y": {"_nsprefix": "ex"}}}),
    ];
    let matches: Vec<Match> = instances.into_iter().map(|instance| matched(instance, "words <&>", 0.5)).collect();
    let rejected = rejected(Some("words <&>"));
    let results = [
        RecognitionResult::Matches(&matches),
        RecognitionResult::Matches(&[]),
        RecognitionResult::MatchesBeside { matches: &matches, rejected: &rejected },
        RecognitionResult::NoMatch(&rejected),
        RecognitionResult::SemanticsFailure(&rejected),
        RecognitionResult::NoInput { grammar_uri: "g" },
    ];
    for style in styles() {
        for result in &results {
            let text = ResultFormat::Nlsml.write(result, &style);
            assert_eq!(faults(&text, style.namespaced), Vec::<String>::new(), "{text}");
        }
    }
}

#[test]
fn the_checker_finds_faults() {
    let good = write(&[matched(json!("a"), "a", 0.5)], &RFC);
    for (from, to) in [
        ("<instance>a</instance>", ""),
        ("mode=\"speech\"", "mode=\"voice\""),
        ("confidence=\"0.50\"", "confidence=\"50\""),
        (">a</input>", "><x/></input>"),
        ("<instance>a", "<instance><a/>"),
        (NAMESPACE, "urn:other"),
    ] {
        assert!(!faults(&good.replace(from, to), true).is_empty(), "{from} -> {to}");
    }
}

#[test]
fn nls_001_nlsml_is_the_format_when_nothing_is_asked_for() {
    assert_eq!(ResultFormat::default().media_type(), "application/nlsml+xml");
}

#[test]
fn nls_004_nls_005_interpretations_are_best_first_by_their_confidence() {
    // A closed grammar comes before an open one, whatever their confidences.
    let matches = [matched(json!("a"), "a", 0.4), matched(json!("b"), "b", 0.9), matched(json!("c"), "c", 7.0)];
    let text = write(&matches, &RFC);
    assert_eq!(faults(&text, true), Vec::<String>::new());
    let read = read(&text).unwrap().interpretations;
    let confidences: Vec<f32> = read.iter().map(|interpretation| interpretation.confidence).collect();
    assert_eq!(confidences, [0.4, 0.4, 0.4]);
    assert!(text.contains("<input mode=\"speech\" confidence=\"0.90\">b"), "how sure the words are stays");
}

#[test]
fn nls_009_no_match_has_an_empty_instance_and_the_rejected_words() {
    let text = no_match(&rejected(Some("I want to go")), &RFC);
    assert!(text.contains(
        "<instance/>\n    <input mode=\"speech\" confidence=\"0.10\"><nomatch>I want to go</nomatch></input>"
    ));
    assert!(no_match(&rejected(None), &RFC).contains("<nomatch/></input>"));
}

#[test]
fn nls_010_no_input_has_an_empty_instance() {
    assert!(no_input("", &RFC).contains("<instance/>\n    <input><noinput/></input>"));
}

#[test]
fn nls_011_rec_056_a_failed_interpretation_has_words_and_no_instance() {
    let text = semantics_failure(&rejected(Some("tea")), &RFC);
    assert!(text.contains("<instance/>\n    <input mode=\"speech\" confidence=\"0.10\">tea</input>"));
    let read = read(&text).unwrap().interpretations;
    assert_eq!(read[0].instance, None);
    assert_eq!(read[0].input, Input::Matched { text: "tea".into(), mode: Some(InputMode::Speech) });
}

#[test]
fn nls_008_keys_beside_garbled_speech_are_nested_inputs() {
    let keys = Match { mode: InputMode::Dtmf, ..matched(json!("1234"), "1234", 1.0) };
    let text = write_beside(&[keys], &rejected(None), &RFC);
    assert!(text.contains(
        "<input><input mode=\"speech\" confidence=\"0.10\"><nomatch/></input>\
         <input mode=\"dtmf\" confidence=\"1.00\">1 2 3 4</input></input>"
    ));
    let read = read(&text).unwrap().interpretations;
    assert_eq!(read[0].input, Input::Matched { text: "1 2 3 4".into(), mode: Some(InputMode::Dtmf) });
}

#[test]
fn nls_012_what_xml_cannot_hold_is_escaped() {
    let text = write(&[matched(json!("AT&T <b>\u{7}\u{0}\u{fffe}"), "a\u{1b}b & 中文", 0.5)], &RFC);
    assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
    assert!(text.contains("<instance>AT&amp;T &lt;b&gt;   </instance>"));
    let read = read(&text).unwrap().interpretations;
    assert_eq!(read[0].input, Input::Matched { text: "a b & 中文".into(), mode: Some(InputMode::Speech) });
}

#[test]
fn nls_013_int_008_what_the_application_says_is_in_no_namespace() {
    let instance = json!({"size": "big", "drink": {"kind": "tea"}});
    let text = write(&[matched(instance.clone(), "x", 0.5)], &RFC);
    assert!(
        text.contains("<instance><size xmlns=\"\">big</size><drink xmlns=\"\"><kind>tea</kind></drink></instance>")
    );
    let plain = NlsmlStyle { namespaced: false, ..RFC };
    let text = write(&[matched(instance, "x", 0.5)], &plain);
    assert!(!text.contains("xmlns"), "{text}");
}

#[test]
fn int_009_grammar_and_confidence_stand_at_each_interpretation() {
    let text = write(&[matched(json!("a"), "a", 0.5), matched(json!("b"), "b", 0.4)], &RFC);
    assert_eq!(text.matches("<interpretation grammar=\"session:menu\" confidence=\"0.").count(), 2);
    assert_eq!(text.matches("<instance>").count(), 2);
    assert_eq!(text.matches("<input mode=\"speech\"").count(), 2);
}

#[test]
fn grm_021_objects_are_elements_lists_are_items_and_scalars_text() {
    let plain = NlsmlStyle { namespaced: false, ..RFC };
    for (instance, expected) in [
        (json!("x"), "x"),
        (json!(true), "true"),
        (json!(1.5), "1.5"),
        (json!({"a": 1, "b": {"c": "d"}}), "<a>1</a><b><c>d</c></b>"),
        (json!({"a": null}), "<a></a>"),
        (json!({"t": ["x", "y"]}), "<t length=\"2\"><item index=\"0\">x</item><item index=\"1\">y</item></t>"),
        (json!({"t": []}), "<t length=\"0\"></t>"),
        (json!(["x"]), "<item index=\"0\">x</item>"),
        (json!({"t": [[1]]}), "<t length=\"1\"><item index=\"0\" length=\"1\"><item index=\"0\">1</item></item></t>"),
        (
            json!({"d": {"_value": "tea", "_attributes": {"temp": "hot", "n": 2, "bad name": 1}}}),
            "<d temp=\"hot\" n=\"2\">tea</d>",
        ),
        (json!({"d": {"_attributes": {"k": "v"}, "e": 1}}), "<d k=\"v\"><e>1</e></d>"),
        (
            json!({"d": {"_nsdecl": {"_prefix": "x", "_name": "urn:x"}, "_nsprefix": "x", "_attributes": {"k": {"_nsprefix": "x", "_value": 1}}}}),
            "<x:d xmlns:x=\"urn:x\" x:k=\"1\"></x:d>",
        ),
        (json!({"d": {"_nsprefix": "nowhere", "_value": 1}}), "<d>1</d>"),
        (json!({"a b": "<"}), "<entry name=\"a b\">&lt;</entry>"),
        (json!({"xmlish": 1}), "<entry name=\"xmlish\">1</entry>"),
    ] {
        let text = write(&[matched(instance.clone(), "x", 0.5)], &plain);
        assert!(text.contains(&format!("<instance>{expected}</instance>")), "{instance}\n{text}");
    }
}
