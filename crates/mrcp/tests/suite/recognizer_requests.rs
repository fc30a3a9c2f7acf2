//! Ladders of what RECOGNIZE asks for with its headers, and of methods that are not offered (RFC 6787 §9.2, §9.4).

use std::time::Duration;

use crate::common::recognizer::{BOTH, DTMF, Ladder, SPEECH};
use mrcp::IgnoredHeaders;
use mrcp::recognizer::{InputMatch, RecognizerConfig, Verdict};

const LIST: &str = "Content-Type: text/uri-list";

fn complete(id: u32, cause: &str) -> String {
    format!("< RECOGNITION-COMPLETE {id} COMPLETE | Completion-Cause: {cause}")
}

fn start_of_input(id: u32, kind: &str) -> String {
    format!("< START-OF-INPUT {id} IN-PROGRESS | Proxy-Sync-Id: 32AECB23433801-speechrecog-{id} | Input-Type: {kind}")
}

#[test]
fn enr_001_the_methods_of_enrollment_are_all_401() {
    let mut ladder = Ladder::new();
    let methods =
        ["START-PHRASE-ENROLLMENT", "ENROLLMENT-ROLLBACK", "END-PHRASE-ENROLLMENT", "MODIFY-PHRASE", "DELETE-PHRASE"];
    for (index, method) in methods.iter().enumerate() {
        ladder.send(&format!("{method} {}", index + 1), &["Phrase-ID: p", "Num-Min-Consistent-Pronunciations: 2"], "");
        ladder.expect(&[&format!("< {} 401 COMPLETE", index + 1)]);
    }
}

#[test]
fn rec_004_cancel_if_queue_may_be_missing_unless_it_is_required() {
    let mut ladder = Ladder::new();
    ladder.send("RECOGNIZE 1", &[LIST], "builtin:x/y");
    ladder.expect(&["load 1 builtin:x/y"]);
    let mut ladder = Ladder::with(RecognizerConfig { cancel_if_queue_required: true, ..RecognizerConfig::default() });
    ladder.send("RECOGNIZE 1", &[LIST], "builtin:x/y");
    ladder.send("RECOGNIZE 2", &[LIST, "Cancel-If-Queue: false"], "builtin:x/y");
    ladder.expect(&[
        "< 1 406 COMPLETE | Completion-Cause: 006 recognizer-error | Cancel-If-Queue:",
        "load 2 builtin:x/y",
    ]);
}

#[test]
fn rec_065_a_context_block_is_403() {
    let mut ladder = Ladder::new();
    ladder.send("GET-PARAMS 1", &["Recognizer-Context-Block:"], "");
    ladder.send(
        "SET-PARAMS 2",
        &["Recognizer-Context-Block: c@x", "Content-Type: application/octets", "Content-ID: <c@x>"],
        "data",
    );
    ladder
        .expect(&["< 1 403 COMPLETE | Recognizer-Context-Block:", "< 2 403 COMPLETE | Recognizer-Context-Block: c@x"]);
}

#[test]
fn rec_066_the_headers_of_the_request_beat_those_of_set_params() {
    let mut ladder = Ladder::new();
    ladder.send("SET-PARAMS 1", &["No-Input-Timeout: 9000", "Recognition-Timeout: 2000"], "");
    ladder.expect(&["< 1 200 COMPLETE"]);
    ladder.recognize(2, SPEECH, &["No-Input-Timeout: 1000"]);
    ladder.wait(1_000);
    ladder.expect(&["stop-listening 2", &complete(2, "002 no-input-timeout")]);
    ladder.recognize(3, SPEECH, &[]);
    ladder.speech_started(3);
    ladder.expect(&[&start_of_input(3, "speech")]);
    ladder.wait(2_000);
    ladder.expect(&["finish 3 speech"]);
}

#[test]
fn rec_008_rec_009_rec_010_rec_012_ghf_008_input_starts_once_and_with_an_identifier_of_its_own() {
    let mut ladder = Ladder::new();
    for (id, kind) in [(1, "speech"), (2, "dtmf")] {
        ladder.recognize(id, BOTH, &[]);
        ladder.wait(50);
        if kind == "speech" {
            ladder.speech_started(id);
            ladder.speech_ended(id, 0);
            ladder.wait(300);
            ladder.speech_started(id);
        } else {
            ladder.press("1");
        }
        ladder.said.forget("match");
        ladder.expect(&[&start_of_input(id, kind)]);
        ladder.recognized(id, Verdict::Match, "");
        ladder.expect(&[&format!("stop-listening {id}"), &complete(id, "000 success")]);
    }
}

#[test]
fn rec_027_a_match_that_can_go_on_waits_as_long_as_a_partial_one() {
    for (found, ms) in [
        (InputMatch::Complete { can_grow: false }, 300),
        (InputMatch::Complete { can_grow: true }, 900),
        (InputMatch::Prefix, 900),
        (InputMatch::NoMatch, 900),
    ] {
        let mut ladder = Ladder::new();
        ladder.recognize(1, SPEECH, &["Speech-Complete-Timeout: 300", "Speech-Incomplete-Timeout: 900"]);
        ladder.speech_started(1);
        ladder.speech_ended(1, 0);
        ladder.matched(1, found);
        ladder.expect(&[&start_of_input(1, "speech")]);
        ladder.wait(ms - 1);
        ladder.expect_nothing();
        ladder.wait(1);
        ladder.expect(&["finish 1 speech"]);
    }
}

#[test]
fn rec_030_an_early_no_match_does_not_wait_for_the_end_of_speech() {
    for (header, is_early) in [("Early-No-Match: true", true), ("Early-No-Match: false", false)] {
        let mut ladder = Ladder::new();
        ladder.recognize(1, SPEECH, &[header]);
        ladder.speech_started(1);
        ladder.expect(&[&start_of_input(1, "speech")]);
        ladder.matched(1, InputMatch::Prefix);
        ladder.expect_nothing();
        ladder.matched(1, InputMatch::NoMatch);
        if is_early {
            ladder.expect(&["finish 1 speech"]);
        } else {
            ladder.expect_nothing();
        }
    }
}

#[test]
fn rec_057_speech_that_was_going_on_already_is_too_early_where_that_is_asked_for() {
    let within = Some(Duration::from_millis(50));
    for (speech_too_early_within, is_refused) in [(within, true), (None, false)] {
        let mut ladder = Ladder::with(RecognizerConfig { speech_too_early_within, ..RecognizerConfig::default() });
        ladder.recognize(1, SPEECH, &[]);
        ladder.wait(30);
        ladder.speech_started(1);
        if is_refused {
            ladder.expect(&[&start_of_input(1, "speech"), "stop-listening 1", &complete(1, "007 speech-too-early")]);
        } else {
            ladder.expect(&[&start_of_input(1, "speech")]);
        }
        let mut ladder = Ladder::with(RecognizerConfig { speech_too_early_within, ..RecognizerConfig::default() });
        ladder.recognize(1, SPEECH, &[]);
        ladder.wait(51);
        ladder.speech_started(1);
        ladder.expect(&[&start_of_input(1, "speech")]);
    }
}

#[test]
fn rec_070_speech_that_goes_on_is_not_taken_over_and_the_key_is_for_the_next_recognition() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, BOTH, &[]);
    ladder.speech_started(1);
    ladder.wait(1_001);
    ladder.press("3");
    ladder.expect(&[&start_of_input(1, "speech")]);
    ladder.recognized(1, Verdict::NoMatch, "");
    ladder.expect(&["stop-listening 1", &complete(1, "001 no-match")]);
    ladder.send("RECOGNIZE 2", &[LIST], "builtin:x/y");
    ladder.loaded(2, DTMF);
    ladder.expect(&[
        "load 2 builtin:x/y",
        "< 2 200 IN-PROGRESS",
        "listen 2 dtmf",
        &start_of_input(2, "dtmf"),
        "match 2 3",
    ]);
}

#[test]
fn rec_070_keys_are_not_taken_over_by_speech() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, BOTH, &["DTMF-Interdigit-Timeout: 2000"]);
    ladder.press("3");
    ladder.dtmf_matched(1, "3", InputMatch::Prefix);
    ladder.speech_started(1);
    ladder.speech_ended(1, 0);
    ladder.wait(1_999);
    ladder.expect(&[&start_of_input(1, "dtmf"), "match 1 3"]);
    ladder.wait(1);
    ladder.expect(&["finish 1 dtmf 3"]);
}

#[test]
fn rec_053_a_new_audio_channel_has_no_keys_of_the_one_before() {
    for (header, has_keys) in [("New-Audio-Channel: true", false), ("New-Audio-Channel: false", true)] {
        let mut ladder = Ladder::new();
        ladder.press("7");
        ladder.send("RECOGNIZE 1", &[LIST, header], "builtin:x/y");
        ladder.loaded(1, DTMF);
        ladder.said.forget("load");
        ladder.said.forget("< 1");
        ladder.said.forget("listen");
        if has_keys {
            ladder.expect(&[&start_of_input(1, "dtmf"), "match 1 7"]);
        } else {
            ladder.expect_nothing();
        }
    }
}

#[test]
fn rec_071_timeouts_of_zero_expire_at_once() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &["No-Input-Timeout: 0"]);
    ladder.wait(20);
    ladder.expect(&["stop-listening 1", &complete(1, "002 no-input-timeout")]);
    ladder.recognize(2, SPEECH, &["Recognition-Timeout: 0"]);
    ladder.speech_started(2);
    ladder.wait(0);
    ladder.expect(&[&start_of_input(2, "speech"), "finish 2 speech"]);
    ladder.recognized(2, Verdict::NoMatch, "");
    ladder.wait(20);
    ladder.said.take();
    ladder.recognize(3, SPEECH, &["Speech-Complete-Timeout: 0"]);
    ladder.speech_started(3);
    ladder.matched(3, InputMatch::Complete { can_grow: false });
    ladder.speech_ended(3, 0);
    ladder.expect(&[&start_of_input(3, "speech"), "finish 3 speech"]);
    ladder.recognized(3, Verdict::Match, "");
    ladder.wait(20);
    ladder.said.take();
    ladder.recognize(4, DTMF, &["DTMF-Interdigit-Timeout: 0"]);
    ladder.press("1");
    ladder.wait(0);
    ladder.expect(&[&start_of_input(4, "dtmf"), "match 4 1", "finish 4 dtmf 1"]);
}

#[test]
fn rec_033_speed_against_accuracy_is_checked_and_said_to_be_ignored() {
    let config =
        RecognizerConfig { ignored_headers: IgnoredHeaders::SuccessHeadersIgnored, ..RecognizerConfig::default() };
    let mut ladder = Ladder::with(config);
    ladder.send("RECOGNIZE 1", &[LIST, "Speed-Vs-Accuracy: 1.1"], "builtin:x/y");
    ladder.send("RECOGNIZE 2", &[LIST, "Speed-Vs-Accuracy: 0.7"], "builtin:x/y");
    ladder.loaded(2, SPEECH);
    ladder.expect(&[
        "< 1 404 COMPLETE | Completion-Cause: 006 recognizer-error | Speed-Vs-Accuracy: 1.1",
        "load 2 builtin:x/y",
        "< 2 201 IN-PROGRESS",
        "listen 2 speech",
    ]);
}

#[test]
fn dtm_009_the_terminator_may_be_named_by_an_empty_header_or_one_key() {
    for (header, lines) in [
        ("DTMF-Term-Char:", vec!["match 1 #"]),
        ("DTMF-Term-Char: #", vec!["finish 1 dtmf"]),
        ("DTMF-Term-Char: *", vec!["match 1 #"]),
    ] {
        let mut ladder = Ladder::new();
        ladder.recognize(1, DTMF, &[header]);
        ladder.press("#");
        ladder.said.forget("< START-OF-INPUT");
        let said: Vec<String> = ladder.said.take().into_iter().map(|line| line.trim_end().to_owned()).collect();
        assert_eq!(said, lines, "{header}");
    }
    let mut ladder = Ladder::new();
    ladder.send("RECOGNIZE 1", &[LIST, "DTMF-Term-Char: ##"], "builtin:x/y");
    ladder.expect(&["< 1 404 COMPLETE | Completion-Cause: 006 recognizer-error | DTMF-Term-Char: ##"]);
}

#[test]
fn rec_003_ghf_007_a_refused_recognize_or_definition_tells_a_cause_and_no_event_header() {
    let mut ladder = Ladder::new();
    let refused = [
        ("RECOGNIZE 1", vec![LIST, "No-Input-Timeout: soon"]),
        ("RECOGNIZE 2", vec!["Cancel-If-Queue: true"]),
        ("RECOGNIZE 2", vec![LIST]),
        ("DEFINE-GRAMMAR 3", vec![LIST]),
        ("DEFINE-GRAMMAR 4", vec!["Content-ID: <g>", "Speech-Language: _"]),
    ];
    for (line, headers) in refused {
        ladder.send(line, &headers, "");
    }
    let said = ladder.said.take();
    assert_eq!(said.len(), 5);
    for line in said {
        assert!(line.contains("| Completion-Cause: ") && !line.contains("Proxy-Sync-Id"), "{line}");
    }
}
