//! Headers of requests: what is refused, what is ignored, and how that is told (RFC 6787 §5.4, §6.2).

use mrcp::IgnoredHeaders;
use mrcp::recognizer::RecognizerConfig;
use mrcp::synthesizer::SynthesizerConfig;

use crate::common::recognizer::{Ladder, SPEECH};
use crate::common::synthesizer;

const LIST: &str = "Content-Type: text/uri-list";
const PLAIN: &str = "Content-Type: text/plain";

/// A recognizer for clients that are told of what was ignored.
fn strict() -> Ladder {
    let ignored_headers = IgnoredHeaders::SuccessHeadersIgnored;
    Ladder::with(RecognizerConfig { ignored_headers, ..RecognizerConfig::default() })
}

fn strict_synthesizer() -> synthesizer::Ladder {
    let ignored_headers = IgnoredHeaders::SuccessHeadersIgnored;
    synthesizer::Ladder::with(SynthesizerConfig { ignored_headers, ..SynthesizerConfig::default() })
}

/// The answer to one SET-PARAMS.
fn set(header: &str) -> String {
    let mut ladder = Ladder::new();
    ladder.send("SET-PARAMS 1", &[header], "");
    ladder.said.take().join("; ")
}

#[test]
fn hdr_006_what_is_no_list_may_not_be_repeated_and_lists_are_joined() {
    let mut ladder = Ladder::new();
    ladder.send("SET-PARAMS 1", &["No-Input-Timeout: 1", "No-Input-Timeout: 2"], "");
    ladder.send("RECOGNIZE 2", &[LIST, "No-Input-Timeout: 1", "No-Input-Timeout: 1"], "builtin:x/y");
    let vendor = ["Vendor-Specific-Parameters: com.example.a=1", "Vendor-Specific-Parameters: com.example.b=2"];
    ladder.send("SET-PARAMS 3", &vendor, "");
    ladder.send("GET-PARAMS 4", &["Vendor-Specific-Parameters:"], "");
    ladder.expect(&[
        "< 1 404 COMPLETE | No-Input-Timeout: 1 | No-Input-Timeout: 2",
        "< 2 404 COMPLETE | Completion-Cause: 006 recognizer-error | No-Input-Timeout: 1 | No-Input-Timeout: 1",
        "< 3 200 COMPLETE",
        "< 4 200 COMPLETE | Vendor-Specific-Parameters: com.example.a=1;com.example.b=2",
    ]);
}

#[test]
fn hdr_007_hdr_008_what_a_request_does_not_have_is_ignored_and_201_says_so() {
    let mut ladder = strict_synthesizer();
    for (id, header) in [(1, "Max-Time: 5"), (2, "X-Foo: bar"), (3, "Cancel-If-Queue: no")] {
        ladder.send(&format!("STOP {id}"), &[header], "");
        let said = ladder.said.take().join("; ");
        assert!(said.starts_with(&format!("< {id} 201 COMPLETE")), "{header}: {said}");
    }
    ladder.send("STOP 4", &["Logging-Tag: a"], "");
    assert!(ladder.said.take().join("; ").starts_with("< 4 200 COMPLETE"), "a header that any request may have");
}

#[test]
fn hdr_009_hdr_012_a_boolean_is_true_or_false_in_any_case() {
    for good in ["true", "FALSE", "True"] {
        assert_eq!(set(&format!("Save-Waveform: {good}")).split(" | ").next(), Some("< 1 200 COMPLETE"), "{good}");
    }
    for bad in ["1", "yes", "", "truely"] {
        let answer = format!("< 1 404 COMPLETE | Save-Waveform: {bad}");
        assert_eq!(set(&format!("Save-Waveform: {bad}")), answer.trim_end());
    }
}

#[test]
fn hdr_009_hdr_013_a_float_has_no_sign_and_no_exponent() {
    for good in ["0.5", ".5", "1.", "1", "0"] {
        assert_eq!(set(&format!("Confidence-Threshold: {good}")), "< 1 200 COMPLETE", "{good}");
    }
    for bad in ["1e-1", "-0.5", "+0.5", "0,5", ".", "1.5", "abc", "0.5.5"] {
        assert_eq!(
            set(&format!("Confidence-Threshold: {bad}")),
            format!("< 1 404 COMPLETE | Confidence-Threshold: {bad}")
        );
    }
}

#[test]
fn hdr_009_a_number_of_milliseconds_is_digits_only() {
    for bad in ["abc", "-1", "1.5", "99999999999999999999", "5s"] {
        assert_eq!(set(&format!("No-Input-Timeout: {bad}")), format!("< 1 404 COMPLETE | No-Input-Timeout: {bad}"));
    }
}

#[test]
fn hdr_010_sec_014_timeouts_beyond_a_day_are_answered_409() {
    assert_eq!(set("Recognition-Timeout: 86400000"), "< 1 200 COMPLETE");
    for header in ["Recognition-Timeout: 86400001", "Fetch-Timeout: 1000000000000", "DTMF-Buffer-Time: 9999999999"] {
        assert_eq!(set(header), format!("< 1 409 COMPLETE | {header}"));
    }
    let mut ladder = Ladder::new();
    ladder.send("RECOGNIZE 1", &[LIST, "No-Input-Timeout: 1000000000000"], "builtin:x/y");
    ladder.expect(&["< 1 409 COMPLETE | Completion-Cause: 006 recognizer-error | No-Input-Timeout: 1000000000000"]);
}

#[test]
fn hdr_011_a_missing_mandatory_header_is_answered_406_and_named() {
    let mut ladder = Ladder::new();
    ladder.send("DEFINE-GRAMMAR 1", &["Content-ID: <a@b>"], "x");
    ladder.expect(&["< 1 406 COMPLETE | Completion-Cause: 016 grammar-definition-failure | Content-Type:"]);
    let mut ladder = synthesizer::Ladder::new();
    ladder.send("SPEAK 1", &[], "hello");
    ladder.expect(&["< 1 406 COMPLETE | Content-Type:"]);
}

#[test]
fn hdr_005_the_order_of_headers_does_not_matter() {
    let headers = ["Confidence-Threshold: 0.4", "No-Input-Timeout: 5", "Logging-Tag: t", "DTMF-Term-Char: #"];
    let names = ["Confidence-Threshold:", "No-Input-Timeout:", "Logging-Tag:", "DTMF-Term-Char:"];
    let answer = |turn: usize| {
        let mut turned = headers;
        turned.rotate_left(turn);
        let mut ladder = Ladder::new();
        ladder.send("SET-PARAMS 1", &turned, "");
        ladder.send("GET-PARAMS 2", &names, "");
        ladder.said.take()
    };
    for turn in 1..headers.len() {
        assert_eq!(answer(turn), answer(0));
    }
}

#[test]
fn hdr_014_a_quoted_string_keeps_escapes_and_utf_8() {
    let mut ladder = Ladder::new();
    let value = "Vendor-Specific-Parameters: com.example.a=\"नमस्ते \\\"you\\\"; \\\\\"";
    ladder.send("SET-PARAMS 1", &[value], "");
    ladder.send("GET-PARAMS 2", &["Vendor-Specific-Parameters: com.example.a"], "");
    ladder.expect(&["< 1 200 COMPLETE", &format!("< 2 200 COMPLETE | {value}")]);
}

#[test]
fn ghf_018_a_body_that_is_not_needed_is_ignored() {
    let mut ladder = strict_synthesizer();
    ladder.send("STOP 1", &[PLAIN], "nobody needs this");
    assert!(ladder.said.take().join("; ").starts_with("< 1 200 COMPLETE"));
    ladder.send("SET-PARAMS 2", &[PLAIN, "Kill-On-Barge-In: false"], "nor this");
    ladder.expect(&["< 2 200 COMPLETE"]);
}

#[test]
fn ghf_027_ghf_028_vendor_parameters_of_others_are_ignored_and_201_says_so() {
    let mut ladder = strict();
    ladder.send("STOP 1", &["Vendor-Specific-Parameters: com.acme.foo=1"], "");
    ladder.send("STOP 2", &["Vendor-Specific-Parameters: com.voxgate.conversation=\"a;b\""], "");
    ladder.send("SET-PARAMS 3", &["Vendor-Specific-Parameters: com.voxgate.flow=f;com.acme.foo=1"], "");
    ladder.expect(&["< 1 201 COMPLETE", "< 2 200 COMPLETE", "< 3 201 COMPLETE"]);
}

#[test]
fn ghf_007_proxy_sync_id_is_for_barge_in_occurred_only() {
    let mut ladder = strict_synthesizer();
    ladder.send("BARGE-IN-OCCURRED 1", &["Proxy-Sync-Id: 7"], "");
    ladder.send("STOP 2", &["Proxy-Sync-Id: 7"], "");
    let said = ladder.said.take();
    assert!(said[0].starts_with("< 1 200 COMPLETE") && said[1].starts_with("< 2 201 COMPLETE"), "{said:?}");
}

#[test]
fn gen_002_setting_what_has_no_effect_is_answered_201() {
    let mut ladder = strict();
    ladder.send("SET-PARAMS 1", &["Speed-Vs-Accuracy: 0.9"], "");
    ladder.send("SET-PARAMS 2", &["Confidence-Threshold: 0.9"], "");
    ladder.send("GET-PARAMS 3", &["Speed-Vs-Accuracy:"], "");
    ladder.expect(&["< 1 201 COMPLETE", "< 2 200 COMPLETE", "< 3 200 COMPLETE | Speed-Vs-Accuracy: 0.9"]);
}

#[test]
fn gen_008_every_parameter_of_each_resource_can_be_read() {
    for resource in mrcp::Resource::ALL {
        let names: Vec<String> = resource.parameters().map(|name| format!("{name}:")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let said = match resource {
            mrcp::Resource::SpeechRecog => {
                let mut ladder = Ladder::new();
                ladder.send("GET-PARAMS 1", &names, "");
                ladder.said.take()
            }
            mrcp::Resource::SpeechSynth => {
                let mut ladder = synthesizer::Ladder::new();
                ladder.send("GET-PARAMS 1", &names, "");
                ladder.said.take()
            }
            _ => continue,
        };
        assert!(said[0].starts_with("< 1 200 COMPLETE"), "{said:?}");
        assert_eq!(said[0].matches(" | ").count(), names.len(), "{said:?}");
    }
}

#[test]
fn gen_015_enrollment_headers_are_no_parameters() {
    for header in ["Num-Min-Consistent-Pronunciations: 2", "Clash-Threshold: 0.1", "Personal-Grammar-URI: http://a/b"] {
        assert_eq!(set(header), format!("< 1 403 COMPLETE | {header}"));
    }
}

#[test]
fn frm_017_frm_019_frm_020_request_ids_rise_with_any_gap_and_do_not_wrap() {
    let mut ladder = Ladder::new();
    for id in ["543257", "543300", "543300", "543299", "4294967295", "0", "1"] {
        ladder.send(&format!("STOP {id}"), &[], "");
    }
    let said: Vec<String> =
        ladder.said.take().iter().map(|line| line.chars().take_while(|c| *c != '|').collect()).collect();
    let statuses: Vec<&str> = said.iter().filter_map(|line| line.split(' ').nth(2)).collect();
    assert_eq!(statuses, ["200", "200", "410", "410", "200", "410", "410"]);
}

#[test]
fn frm_024_frm_025_methods_are_case_sensitive_and_of_their_resource() {
    let mut ladder = Ladder::new();
    for (id, method) in ["stop", "RECOGNISE", "SPEAK", "RECORD", "VERIFY", "Set-Params"].iter().enumerate() {
        ladder.send(&format!("{method} {}", id + 1), &[], "");
        ladder.expect(&[&format!("< {} 401 COMPLETE", id + 1)]);
    }
}

#[test]
fn frm_016_everything_about_a_request_carries_its_id() {
    let mut ladder = Ladder::new();
    // The response is looked at on the way.
    ladder.recognize(77, SPEECH, &["No-Input-Timeout: 1000"]);
    ladder.wait(2_000);
    ladder
        .expect(&["stop-listening 77", "< RECOGNITION-COMPLETE 77 COMPLETE | Completion-Cause: 002 no-input-timeout"]);
}
