//! SET-PARAMS and GET-PARAMS (RFC 6787 §6.1) on either resource.

use crate::common::recognizer::{Ladder, SPEECH};
use mrcp::recognizer::{Input, Output, RecognizerConfig};
use mrcp::{HeaderName, RequestId, Resource};

#[test]
fn gen_001_gen_008_ghf_023_what_is_set_is_read_back() {
    let mut ladder = Ladder::new();
    let set = ["Confidence-Threshold: 0.4", "N-Best-List-Length: 5", "No-Input-Timeout: 5000", "Logging-Tag: café 7"];
    ladder.send("SET-PARAMS 1", &set, "");
    ladder.send(
        "GET-PARAMS 2",
        &["No-Input-Timeout:", "Confidence-Threshold:", "Logging-Tag:", "N-Best-List-Length:", "Fetch-Timeout:"],
        "",
    );
    ladder.expect(&[
        "< 1 200 COMPLETE",
        "< 2 200 COMPLETE | No-Input-Timeout: 5000 | Confidence-Threshold: 0.4 | Logging-Tag: café 7 | \
         N-Best-List-Length: 5 | Fetch-Timeout:",
    ]);
}

#[test]
fn a_later_value_replaces_an_earlier_one() {
    let mut ladder = Ladder::new();
    ladder.send("SET-PARAMS 1", &["No-Input-Timeout: 1", "Recognition-Timeout: 2"], "");
    ladder.send("SET-PARAMS 2", &["No-Input-Timeout: 3"], "");
    ladder.send("GET-PARAMS 3", &["No-Input-Timeout:", "Recognition-Timeout:"], "");
    ladder.expect(&[
        "< 1 200 COMPLETE",
        "< 2 200 COMPLETE",
        "< 3 200 COMPLETE | No-Input-Timeout: 3 | Recognition-Timeout: 2",
    ]);
}

#[test]
fn gen_009_an_empty_get_params_lists_everything() {
    let mut ladder = Ladder::new();
    ladder.send("SET-PARAMS 1", &["No-Input-Timeout: 1234", "Vendor-Specific-Parameters: com.example.a=1"], "");
    ladder.send("GET-PARAMS 2", &[], "");
    let said = ladder.said.take();
    let fields: Vec<&str> = said[1].split(" | ").collect();
    assert_eq!(fields[0], "< 2 200 COMPLETE");
    for wanted in
        ["No-Input-Timeout: 1234", "Recognition-Timeout: 10000", "Vendor-Specific-Parameters: com.example.a=1"]
    {
        assert!(fields.contains(&wanted), "{wanted} in {said:?}");
    }
    // Cookies are secrets of other servers, told only when they are asked for.
    let is_told = |name: &&HeaderName| !matches!(name, HeaderName::SetCookie | HeaderName::SetCookie2);
    let names: Vec<String> =
        Resource::SpeechRecog.parameters().filter(is_told).map(|name| format!("{name}:")).collect();
    assert_eq!(fields.len() - 1, names.len());
    for name in names {
        assert!(fields.iter().any(|field| field.starts_with(&name)), "{name} in {said:?}");
    }
}

#[test]
fn gen_012_vendor_parameters_are_set_one_by_one_and_read_by_name() {
    let mut ladder = Ladder::new();
    ladder.send("SET-PARAMS 1", &["Vendor-Specific-Parameters: a=1;b=2"], "");
    ladder.send("SET-PARAMS 2", &["Vendor-Specific-Parameters: b=\"3;4\";c=5"], "");
    ladder.send("GET-PARAMS 3", &["Vendor-Specific-Parameters: b;c;z"], "");
    ladder.send("GET-PARAMS 4", &["Vendor-Specific-Parameters:"], "");
    ladder.expect(&[
        "< 1 200 COMPLETE",
        "< 2 200 COMPLETE",
        "< 3 200 COMPLETE | Vendor-Specific-Parameters: b=\"3;4\";c=5",
        "< 4 200 COMPLETE | Vendor-Specific-Parameters: a=1;b=\"3;4\";c=5",
    ]);
}

#[test]
fn gen_003_gen_004_gen_005_gen_006_hdr_010_a_bad_value_sets_nothing_and_404_beats_403_beats_409() {
    let config = RecognizerConfig { languages: vec!["en".to_owned()], ..RecognizerConfig::default() };
    let mut ladder = Ladder::with(config);
    let (bad, unknown, beyond) = ("No-Input-Timeout: abc", "X-Foo: 1", "Speech-Language: fr-FR");
    ladder.send("SET-PARAMS 1", &["Recognition-Timeout: 77", bad, unknown, beyond], "");
    ladder.send("SET-PARAMS 2", &["Recognition-Timeout: 77", unknown, beyond], "");
    ladder.send("SET-PARAMS 3", &["Recognition-Timeout: 77", beyond], "");
    ladder.send("SET-PARAMS 4", &["Speech-Language: en_US"], "");
    ladder.send("SET-PARAMS 5", &["Cancel-If-Queue: true"], "");
    ladder.send("GET-PARAMS 6", &["Recognition-Timeout:"], "");
    ladder.expect(&[
        "< 1 404 COMPLETE | No-Input-Timeout: abc",
        "< 2 403 COMPLETE | X-Foo: 1",
        "< 3 409 COMPLETE | Speech-Language: fr-FR",
        "< 4 404 COMPLETE | Speech-Language: en_US",
        "< 5 403 COMPLETE | Cancel-If-Queue: true",
        "< 6 200 COMPLETE | Recognition-Timeout: 10000",
    ]);
}

#[test]
fn a_language_of_a_known_family_is_accepted() {
    let config = RecognizerConfig { languages: vec!["en".to_owned()], ..RecognizerConfig::default() };
    let mut ladder = Ladder::with(config);
    ladder.send("SET-PARAMS 1", &["Speech-Language: en-GB"], "");
    ladder.expect(&["< 1 200 COMPLETE"]);
}

#[test]
fn gen_010_gen_011_an_unknown_parameter_is_named_without_a_value() {
    let mut ladder = Ladder::new();
    ladder.send("GET-PARAMS 1", &["Recognition-Timeout:", "X-Foo:", "Input-Waveform-URI:"], "");
    ladder.expect(&["< 1 403 COMPLETE | X-Foo: | Input-Waveform-URI:"]);
}

#[test]
fn gen_007_what_is_set_holds_for_requests_unless_they_say_otherwise() {
    let mut ladder = Ladder::new();
    ladder.send("SET-PARAMS 1", &["No-Input-Timeout: 1000", "DTMF-Term-Char: #"], "");
    ladder.expect(&["< 1 200 COMPLETE"]);
    let own = ["Content-Type: text/uri-list", "DTMF-Term-Char:", "N-Best-List-Length: 3"];
    let request = crate::common::request(Resource::SpeechRecog, "RECOGNIZE 2", &own, "builtin:x/y");
    ladder.machine.handle_input(ladder.clock.now(), Input::Request(request));
    let Some(Output::LoadGrammars { params, .. }) = ladder.machine.poll_output() else { panic!("grammars are loaded") };
    assert_eq!(params.no_input_timeout.as_millis(), 1000);
    assert_eq!((params.dtmf_term_char, params.n_best_list_length), (None, 3));
    assert_eq!(params.recognition_timeout.as_millis(), 10_000);
}

#[test]
fn gen_007_gen_013_a_request_under_way_keeps_its_values() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &["No-Input-Timeout: 1000"]);
    ladder.send("SET-PARAMS 2", &["No-Input-Timeout: 9000"], "");
    ladder.expect(&["< 2 200 COMPLETE"]);
    ladder.wait(1000);
    ladder.expect(&["stop-listening 1", "< RECOGNITION-COMPLETE 1 COMPLETE | Completion-Cause: 002 no-input-timeout"]);
    assert_eq!(ladder.machine.active_request(), None::<RequestId>);
}

#[test]
fn gen_014_the_synthesizer_has_its_own_parameters() {
    let mut ladder = crate::common::synthesizer::Ladder::new();
    ladder.send("SET-PARAMS 1", &["No-Input-Timeout: 1000"], "");
    ladder.send("SET-PARAMS 2", &["Voice-Name: anna"], "");
    ladder.send("GET-PARAMS 3", &[], "");
    let said = ladder.said.take();
    assert_eq!(said[..2], ["< 1 403 COMPLETE | No-Input-Timeout: 1000", "< 2 200 COMPLETE"]);
    assert!(said[2].contains(" | Voice-Name: anna") && !said[2].contains("No-Input-Timeout"), "{said:?}");
}
