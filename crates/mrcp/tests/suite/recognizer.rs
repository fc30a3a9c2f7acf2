//! Ladders of the recognizer (RFC 6787 §9), with the exchanges that stock clients make.

use crate::common::recognizer::{BOTH, DTMF, Ladder, SPEECH};
use mrcp::recognizer::{
    Failure, FailureKind, Input, InputMatch, Outcome, RecognizerConfig, ResultBody, Verdict, WantedSilence,
};
use mrcp::{IgnoredHeaders, RecognizerCause, RequestId};

const START_OF_SPEECH: &str =
    "< START-OF-INPUT 1 IN-PROGRESS | Proxy-Sync-Id: 32AECB23433801-speechrecog-1 | Input-Type: speech";
const START_OF_DTMF: &str =
    "< START-OF-INPUT 1 IN-PROGRESS | Proxy-Sync-Id: 32AECB23433801-speechrecog-1 | Input-Type: dtmf";

fn complete(id: u32, cause: &str) -> String {
    format!("< RECOGNITION-COMPLETE {id} COMPLETE | Completion-Cause: {cause}")
}

#[test]
fn rec_013_rec_026_speech_is_recognized_after_the_silence_that_a_full_match_needs() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &["Speech-Complete-Timeout: 400", "Speech-Incomplete-Timeout: 900"]);
    ladder.wait(1000);
    ladder.speech_started(1);
    ladder.expect_at(1000, &[START_OF_SPEECH]);
    ladder.wait(800);
    ladder.speech_ended(1, 100);
    ladder.matched(1, InputMatch::Complete { can_grow: false });
    ladder.wait(299);
    ladder.expect_nothing();
    ladder.wait(1);
    ladder.expect_at(2100, &["finish 1 speech"]);
    ladder.recognized(1, Verdict::Match, "<result/>");
    ladder.expect_at(
        2100,
        &[
            "stop-listening 1",
            &format!("{} | Content-Type: application/nlsml+xml | <result/>", complete(1, "000 success")),
        ],
    );
    ladder.wait(60_000);
    ladder.expect_nothing();
}

#[test]
fn rec_027_rec_028_a_partial_match_waits_for_the_incomplete_timeout() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &["Speech-Complete-Timeout: 400", "Speech-Incomplete-Timeout: 900"]);
    ladder.speech_started(1);
    ladder.matched(1, InputMatch::Prefix);
    ladder.speech_ended(1, 0);
    ladder.expect(&[START_OF_SPEECH]);
    ladder.wait(899);
    ladder.expect_nothing();
    ladder.wait(1);
    ladder.expect(&["finish 1 speech"]);
    ladder.recognized(1, Verdict::PartialMatch, "");
    ladder.expect(&["stop-listening 1", &complete(1, "013 partial-match")]);
}

#[test]
fn a_match_that_comes_after_its_timeout_ends_the_input_at_once() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &["Speech-Complete-Timeout: 300", "Speech-Incomplete-Timeout: 900"]);
    ladder.speech_started(1);
    ladder.speech_ended(1, 0);
    ladder.wait(500);
    ladder.expect(&[START_OF_SPEECH]);
    ladder.matched(1, InputMatch::Complete { can_grow: false });
    ladder.expect_at(500, &["finish 1 speech"]);
}

fn wants(ladder: &mut Ladder, ms: u64, is_complete: bool) {
    let silence = WantedSilence { silence: std::time::Duration::from_millis(ms), is_complete };
    ladder.input(Input::SilenceWanted { request_id: RequestId(1), silence });
}

#[test]
fn the_application_says_how_long_a_silence_ends_the_input() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &[]);
    ladder.speech_started(1);
    ladder.speech_ended(1, 0);
    ladder.expect(&[START_OF_SPEECH]);
    wants(&mut ladder, 1500, false);
    ladder.matched(1, InputMatch::Complete { can_grow: false });
    ladder.wait(1499);
    ladder.expect_nothing();
    ladder.wait(1);
    ladder.expect_at(1500, &["finish 1 speech"]);
}

#[test]
fn the_time_outs_that_the_client_sent_are_the_upper_bound_of_what_the_application_says() {
    for (is_complete, bound) in [(true, 400), (false, 900)] {
        let mut ladder = Ladder::new();
        ladder.recognize(1, SPEECH, &["Speech-Complete-Timeout: 400", "Speech-Incomplete-Timeout: 900"]);
        ladder.speech_started(1);
        ladder.speech_ended(1, 0);
        ladder.expect(&[START_OF_SPEECH]);
        wants(&mut ladder, 2000, is_complete);
        ladder.wait(bound - 1);
        ladder.expect_nothing();
        ladder.wait(1);
        ladder.expect_at(bound, &["finish 1 speech"]);
    }
}

#[test]
fn a_silence_that_has_lasted_long_enough_ends_the_input_at_once() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &[]);
    ladder.speech_started(1);
    ladder.speech_ended(1, 0);
    ladder.expect(&[START_OF_SPEECH]);
    ladder.wait(300);
    wants(&mut ladder, 250, true);
    ladder.expect_at(300, &["finish 1 speech"]);
}

#[test]
fn what_the_application_said_of_a_silence_ends_with_it() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &["Speech-Incomplete-Timeout: 900"]);
    ladder.speech_started(1);
    ladder.speech_ended(1, 0);
    ladder.expect(&[START_OF_SPEECH]);
    wants(&mut ladder, 100, true);
    ladder.input(Input::SpeechResumed { request_id: RequestId(1) });
    wants(&mut ladder, 100, true);
    ladder.wait(500);
    ladder.speech_ended(1, 0);
    ladder.wait(899);
    ladder.expect_nothing();
    ladder.wait(1);
    ladder.expect_at(1400, &["finish 1 speech"]);
}

#[test]
fn the_application_may_wait_less_long_for_the_caller_and_not_longer() {
    for (timeout, expected) in [(1500, 1500), (9000, 4000)] {
        let mut ladder = Ladder::new();
        ladder.recognize(1, SPEECH, &["No-Input-Timeout: 4000"]);
        ladder.wait(500);
        let timeout = std::time::Duration::from_millis(timeout);
        ladder.input(Input::NoInputWithin { request_id: RequestId(1), timeout });
        ladder.wait(expected - 501);
        ladder.expect_nothing();
        ladder.wait(1);
        ladder.expect_at(expected, &["stop-listening 1", &complete(1, "002 no-input-timeout")]);
    }
}

#[test]
fn a_shorter_wait_for_the_caller_begins_with_the_input_timers() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &["No-Input-Timeout: 5000", "Start-Input-Timers: false"]);
    let timeout = std::time::Duration::from_millis(1000);
    ladder.input(Input::NoInputWithin { request_id: RequestId(1), timeout });
    ladder.wait(15_000);
    ladder.expect_nothing();
    ladder.send("START-INPUT-TIMERS 2", &[], "");
    ladder.expect(&["< 2 200 COMPLETE"]);
    ladder.wait(1000);
    ladder.expect_at(16_000, &["stop-listening 1", &complete(1, "002 no-input-timeout")]);
}

#[test]
fn a_pause_in_speech_does_not_end_it() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &["Speech-Complete-Timeout: 400"]);
    ladder.speech_started(1);
    ladder.speech_ended(1, 0);
    ladder.matched(1, InputMatch::Complete { can_grow: false });
    ladder.wait(399);
    ladder.input(Input::SpeechResumed { request_id: RequestId(1) });
    ladder.wait(5000);
    ladder.expect(&[START_OF_SPEECH]);
}

#[test]
fn rec_015_rec_019_silence_ends_with_no_input() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &["No-Input-Timeout: 4000"]);
    ladder.wait(3999);
    ladder.expect_nothing();
    ladder.wait(1);
    ladder.expect_at(4000, &["stop-listening 1", &complete(1, "002 no-input-timeout")]);
}

#[test]
fn rec_016_rec_017_rec_018_with_start_input_timers_false_the_timer_waits_for_the_prompt_to_end() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &["No-Input-Timeout: 5000", "Start-Input-Timers: false"]);
    ladder.wait(15_000);
    ladder.expect_nothing();
    ladder.send("START-INPUT-TIMERS 2", &[], "");
    ladder.expect(&["< 2 200 COMPLETE"]);
    ladder.wait(3000);
    ladder.send("START-INPUT-TIMERS 3", &[], "");
    ladder.expect(&["< 3 200 COMPLETE"]);
    ladder.wait(2000);
    ladder.expect_at(20_000, &["stop-listening 1", &complete(1, "002 no-input-timeout")]);
}

#[test]
fn rec_020_speech_before_start_input_timers_leaves_no_timer_to_start() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &["No-Input-Timeout: 1000", "Start-Input-Timers: false"]);
    ladder.speech_started(1);
    ladder.send("START-INPUT-TIMERS 2", &[], "");
    ladder.wait(5000);
    ladder.expect(&[START_OF_SPEECH, "< 2 200 COMPLETE"]);
}

#[test]
fn rec_017_start_input_timers_without_a_recognition_is_402() {
    let mut ladder = Ladder::new();
    ladder.send("START-INPUT-TIMERS 1", &[], "");
    ladder.expect(&["< 1 402 COMPLETE"]);
}

#[test]
fn rec_021_rec_022_the_recognition_timeout_counts_from_the_first_speech_and_says_maxtime() {
    for (verdict, cause) in [
        (Verdict::Match, "008 success-maxtime"),
        (Verdict::PartialMatch, "014 partial-match-maxtime"),
        (Verdict::NoMatch, "015 no-match-maxtime"),
    ] {
        let mut ladder = Ladder::new();
        ladder.recognize(1, SPEECH, &["Recognition-Timeout: 2000"]);
        ladder.wait(5000);
        ladder.speech_started(1);
        ladder.wait(1999);
        ladder.expect(&[START_OF_SPEECH]);
        ladder.wait(1);
        ladder.expect_at(7000, &["finish 1 speech"]);
        ladder.recognized(1, verdict, "");
        ladder.expect(&["stop-listening 1", &complete(1, cause)]);
    }
}

#[test]
fn rec_003_rec_029_every_verdict_has_its_cause() {
    for (verdict, cause) in [
        (Verdict::Match, "000 success"),
        (Verdict::PartialMatch, "013 partial-match"),
        (Verdict::NoMatch, "001 no-match"),
        (Verdict::SemanticsFailure, "012 semantics-failure"),
    ] {
        let mut ladder = Ladder::new();
        ladder.recognize(1, SPEECH, &[]);
        ladder.wait(100);
        ladder.speech_started(1);
        ladder.expect(&[START_OF_SPEECH]);
        ladder.recognized(1, verdict, "");
        ladder.expect(&["stop-listening 1", &complete(1, cause)]);
    }
}

#[test]
fn a_completion_keeps_its_distance_from_the_response() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &[]);
    ladder.wait(3);
    ladder.recognized(1, Verdict::NoMatch, "");
    ladder.expect(&[START_OF_SPEECH, "stop-listening 1"]);
    ladder.wait(16);
    ladder.expect_nothing();
    ladder.wait(1);
    ladder.expect_at(20, &[&complete(1, "001 no-match")]);
}

#[test]
fn rec_034_ghf_006_stop_beats_a_completion_that_is_not_sent() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &[]);
    ladder.recognized(1, Verdict::Match, "<result/>");
    ladder.send("STOP 2", &[], "");
    ladder.wait(1000);
    ladder.expect(&[START_OF_SPEECH, "stop-listening 1", "< 2 200 COMPLETE | Active-Request-Id-List: 1"]);
}

#[test]
fn rec_034_ghf_003_stop_ends_the_recognition_without_an_event_and_late_results_are_dropped() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, BOTH, &[]);
    ladder.wait(500);
    ladder.speech_started(1);
    ladder.send("STOP 2", &[], "");
    ladder.expect(&[START_OF_SPEECH, "stop-listening 1", "< 2 200 COMPLETE | Active-Request-Id-List: 1"]);
    ladder.recognized(1, Verdict::Match, "<result/>");
    ladder.speech_ended(1, 0);
    ladder.wait(60_000);
    ladder.expect_nothing();
    assert_eq!(ladder.machine.counters().late_inputs, 2);
}

#[test]
fn rec_035_stop_with_nothing_to_stop_is_200_without_a_list() {
    let mut ladder = Ladder::new();
    ladder.send("STOP 1", &[], "");
    ladder.expect(&["< 1 200 COMPLETE"]);
}

#[test]
fn stop_while_grammars_load_answers_both() {
    let mut ladder = Ladder::new();
    ladder.send("RECOGNIZE 1", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.send("STOP 2", &[], "");
    ladder.loaded(1, SPEECH);
    ladder.expect(&[
        "load 1 builtin:x/y",
        "< 1 200 IN-PROGRESS",
        "abandon 1",
        "< 2 200 COMPLETE | Active-Request-Id-List: 1",
    ]);
    ladder.wait(60_000);
    ladder.expect_nothing();
}

#[test]
fn dtm_010_digits_end_at_the_terminator() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, DTMF, &["Dtmf-Term-Char: #", "No-Input-Timeout: 4000"]);
    ladder.wait(1000);
    ladder.press("1");
    ladder.expect_at(1000, &[START_OF_DTMF, "match 1 1"]);
    ladder.dtmf_matched(1, "1", InputMatch::Complete { can_grow: true });
    ladder.wait(300);
    ladder.press("2");
    ladder.dtmf_matched(1, "12", InputMatch::Complete { can_grow: true });
    ladder.expect(&["match 1 12"]);
    ladder.press("#");
    ladder.expect_at(1300, &["finish 1 dtmf 12"]);
    ladder.recognized(1, Verdict::Match, "12");
    ladder.expect(&[
        "stop-listening 1",
        &format!("{} | Content-Type: application/nlsml+xml | 12", complete(1, "000 success")),
    ]);
}

#[test]
fn dtm_007_digits_end_at_the_interdigit_timeout() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, DTMF, &["DTMF-Interdigit-Timeout: 3000"]);
    ladder.press("1");
    ladder.dtmf_matched(1, "1", InputMatch::Prefix);
    ladder.wait(2000);
    ladder.press("2");
    ladder.dtmf_matched(1, "12", InputMatch::Prefix);
    ladder.expect(&[START_OF_DTMF, "match 1 1", "match 1 12"]);
    ladder.wait(2999);
    ladder.expect_nothing();
    ladder.wait(1);
    ladder.expect_at(5000, &["finish 1 dtmf 12"]);
    ladder.recognized(1, Verdict::NoMatch, "");
    ladder.expect(&["stop-listening 1", &complete(1, "001 no-match")]);
}

#[test]
fn dtm_008_dtm_017_digits_that_cannot_go_on_end_at_once_without_a_terminator() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, DTMF, &[]);
    ladder.press("1");
    ladder.dtmf_matched(1, "1", InputMatch::Complete { can_grow: false });
    ladder.expect(&[START_OF_DTMF, "match 1 1", "finish 1 dtmf 1"]);
}

#[test]
fn dtm_008_dtm_017_digits_that_cannot_go_on_wait_for_the_terminator_if_there_is_one() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, DTMF, &["DTMF-Term-Char: #", "DTMF-Term-Timeout: 2000", "DTMF-Interdigit-Timeout: 500"]);
    ladder.press("1");
    ladder.dtmf_matched(1, "1", InputMatch::Complete { can_grow: false });
    ladder.expect(&[START_OF_DTMF, "match 1 1"]);
    ladder.wait(1999);
    ladder.expect_nothing();
    ladder.wait(1);
    ladder.expect(&["finish 1 dtmf 1"]);
}

#[test]
fn digits_after_the_end_of_an_input_stay_for_the_next() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, DTMF, &[]);
    ladder.press("12");
    ladder.expect(&[START_OF_DTMF, "match 1 1"]);
    ladder.dtmf_matched(1, "1", InputMatch::Complete { can_grow: false });
    ladder.expect(&["finish 1 dtmf 1"]);
    ladder.wait(100);
    ladder.recognized(1, Verdict::Match, "");
    ladder.expect(&["stop-listening 1", &complete(1, "000 success")]);
    ladder.send("RECOGNIZE 2", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.loaded(2, DTMF);
    ladder.expect(&[
        "load 2 builtin:x/y",
        "< 2 200 IN-PROGRESS",
        "listen 2 dtmf",
        "< START-OF-INPUT 2 IN-PROGRESS | Proxy-Sync-Id: 32AECB23433801-speechrecog-2 | Input-Type: dtmf",
        "match 2 2",
    ]);
}

#[test]
fn dtm_011_dtm_012_keys_pressed_before_are_taken_unless_the_buffer_is_cleared() {
    let mut ladder = Ladder::new();
    ladder.press("7");
    ladder.recognize(1, DTMF, &["Clear-DTMF-Buffer: true"]);
    ladder.expect_nothing();

    let mut ladder = Ladder::new();
    ladder.press("7");
    ladder.send("RECOGNIZE 1", &["Content-Type: text/uri-list", "Clear-DTMF-Buffer: true"], "builtin:x/y");
    ladder.press("8");
    ladder.loaded(1, DTMF);
    ladder.expect(&["load 1 builtin:x/y", "< 1 200 IN-PROGRESS", "listen 1 dtmf", START_OF_DTMF, "match 1 8"]);

    let mut ladder = Ladder::new();
    ladder.press("7");
    ladder.send("RECOGNIZE 1", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.loaded(1, DTMF);
    ladder.expect(&["load 1 builtin:x/y", "< 1 200 IN-PROGRESS", "listen 1 dtmf", START_OF_DTMF, "match 1 7"]);
}

#[test]
fn dtm_013_keys_pressed_too_long_before_are_forgotten() {
    let mut ladder = Ladder::new();
    ladder.send("SET-PARAMS 1", &["DTMF-Buffer-Time: 2000"], "");
    ladder.press("7");
    ladder.wait(1500);
    ladder.press("8");
    ladder.wait(1000);
    ladder.send("RECOGNIZE 2", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.loaded(2, DTMF);
    ladder.expect(&[
        "< 1 200 COMPLETE",
        "load 2 builtin:x/y",
        "< 2 200 IN-PROGRESS",
        "listen 2 dtmf",
        "< START-OF-INPUT 2 IN-PROGRESS | Proxy-Sync-Id: 32AECB23433801-speechrecog-2 | Input-Type: dtmf",
        "match 2 8",
    ]);
}

#[test]
fn rec_070_a_key_takes_over_from_speech_because_its_tone_was_heard_first() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, BOTH, &[]);
    ladder.speech_started(1);
    ladder.press("3");
    ladder.expect(&[START_OF_SPEECH, "match 1 3"]);
    ladder.speech_ended(1, 0);
    ladder.wait(4000);
    ladder.expect_nothing();
    ladder.wait(1000);
    ladder.expect(&["finish 1 dtmf 3"]);
}

#[test]
fn keys_mean_nothing_to_a_grammar_of_speech() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &["No-Input-Timeout: 1000"]);
    ladder.press("3");
    assert_eq!(ladder.machine.counters().dropped_digits, 1);
    ladder.wait(1000);
    ladder.expect(&["stop-listening 1", &complete(1, "002 no-input-timeout")]);
}

#[test]
fn rec_069_speech_means_nothing_to_a_grammar_of_keys() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, DTMF, &["No-Input-Timeout: 1000"]);
    ladder.speech_started(1);
    ladder.wait(1000);
    ladder.expect(&["stop-listening 1", &complete(1, "002 no-input-timeout")]);
}

#[test]
fn dtm_014_sec_015_the_buffer_of_keys_is_bounded() {
    let mut ladder = Ladder::with(RecognizerConfig { digits_max: 3, ..RecognizerConfig::default() });
    ladder.press("12345");
    ladder.input(Input::Dtmf { digit: 'x' });
    assert_eq!(ladder.machine.counters().dropped_digits, 3);
}

#[test]
fn rec_002_grammars_that_fail_are_told_in_the_response() {
    for (kind, expected) in [
        (FailureKind::Load, "407 COMPLETE | Completion-Cause: 004 grammar-load-failure"),
        (FailureKind::Compilation, "407 COMPLETE | Completion-Cause: 005 grammar-compilation-failure"),
        (FailureKind::Language, "407 COMPLETE | Completion-Cause: 010 language-unsupported"),
        (FailureKind::MediaType, "408 COMPLETE | Completion-Cause: 004 grammar-load-failure"),
        (FailureKind::Engine, "407 COMPLETE | Completion-Cause: 006 recognizer-error"),
    ] {
        let mut ladder = Ladder::new();
        ladder.send("RECOGNIZE 1", &["Content-Type: text/uri-list"], "builtin:x/y");
        ladder
            .input(Input::GrammarsLoaded { request_id: RequestId(1), outcome: Err(Failure::new(kind, "why \"so\"")) });
        ladder.expect(&["load 1 builtin:x/y", &format!("< 1 {expected} | Completion-Reason: \"why \\\"so\\\"\"")]);
        ladder.wait(60_000);
        ladder.expect_nothing();
    }
}

#[test]
fn rec_059_an_unreachable_uri_is_named_with_its_status() {
    let mut ladder = Ladder::new();
    ladder.send("RECOGNIZE 1", &["Content-Type: text/uri-list"], "http://192.0.2.1/g");
    let kind = FailureKind::Uri { uri: "http://192.0.2.1/g".to_owned(), cause: "404".to_owned() };
    ladder.input(Input::GrammarsLoaded { request_id: RequestId(1), outcome: Err(Failure::new(kind, "not there")) });
    ladder.expect(&[
        "load 1 http://192.0.2.1/g",
        "< 1 407 COMPLETE | Completion-Cause: 009 uri-failure | Completion-Reason: \"not there\" | \
         Failed-URI: http://192.0.2.1/g | Failed-URI-Cause: 404",
    ]);
}

#[test]
fn grammars_that_never_load_fail_the_request() {
    let mut ladder = Ladder::new();
    ladder.send("RECOGNIZE 1", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.wait(10_000);
    ladder.loaded(1, SPEECH);
    ladder.expect(&[
        "load 1 builtin:x/y",
        "abandon 1",
        "< 1 407 COMPLETE | Completion-Cause: 004 grammar-load-failure | \
         Completion-Reason: \"the grammars were not loaded in time\"",
    ]);
}

#[test]
fn a_failing_engine_completes_the_request() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &[]);
    ladder.wait(1000);
    ladder.input(Input::EngineFailed { request_id: RequestId(1), reason: "overrun".to_owned() });
    let expected = format!("{} | Completion-Reason: \"overrun\"", complete(1, "006 recognizer-error"));
    ladder.expect(&["stop-listening 1", &expected]);
}

#[test]
fn an_engine_that_owes_the_result_too_long_completes_the_request() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &["Speech-Incomplete-Timeout: 0"]);
    ladder.speech_started(1);
    ladder.speech_ended(1, 0);
    ladder.expect(&[START_OF_SPEECH, "finish 1 speech"]);
    ladder.wait(10_000);
    let reason = "\"the engine gave no result in time\"";
    let expected = format!("{} | Completion-Reason: {reason}", complete(1, "006 recognizer-error"));
    ladder.expect_at(10_000, &["stop-listening 1", &expected]);
}

#[test]
fn the_application_may_end_a_recognition_before_any_input() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &[]);
    ladder.wait(1500);
    let result = ResultBody { content_type: "application/nlsml+xml".to_owned(), body: "<hangup/>".into() };
    let (request_id, cause) = (RequestId(1), RecognizerCause::Success);
    ladder.input(Input::Complete { request_id, cause, result: Some(result) });
    let expected = format!("{} | Content-Type: application/nlsml+xml | <hangup/>", complete(1, "000 success"));
    ladder.expect(&["stop-listening 1", &expected]);
}

#[test]
fn closing_completes_what_is_open_and_ends_everything() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &[]);
    ladder.send("RECOGNIZE 2", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.expect(&["< 2 200 PENDING"]);
    ladder.input(Input::Close);
    ladder.expect_at(0, &["stop-listening 1", &complete(1, "006 recognizer-error"), &complete(2, "011 cancelled")]);
    ladder.send("RECOGNIZE 3", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.speech_started(1);
    ladder.press("1");
    ladder.wait(60_000);
    ladder.expect_nothing();
    assert_eq!(ladder.machine.poll_timeout(), None);
}

#[test]
fn closing_sends_a_result_that_waited_for_the_gap() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &[]);
    ladder.recognized(1, Verdict::NoMatch, "");
    ladder.input(Input::Close);
    ladder.expect(&[START_OF_SPEECH, "stop-listening 1", &complete(1, "001 no-match")]);
}

#[test]
fn closing_while_grammars_load_fails_the_requests() {
    let mut ladder = Ladder::new();
    ladder.send("DEFINE-GRAMMAR 1", &["Content-Type: application/srgs+xml", "Content-Id: g"], "<grammar/>");
    ladder.send("RECOGNIZE 2", &["Content-Type: text/uri-list"], "session:g");
    ladder.input(Input::Close);
    let reason = "Completion-Reason: \"the session has ended\"";
    ladder.expect(&[
        "define 1 application/srgs+xml#g",
        "load 2 session:g",
        "abandon 2",
        &format!("< 2 407 COMPLETE | Completion-Cause: 006 recognizer-error | {reason}"),
        "abandon 1",
        &format!("< 1 407 COMPLETE | Completion-Cause: 016 grammar-definition-failure | {reason}"),
    ]);
}

#[test]
fn rec_006_a_second_recognize_waits_its_turn() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &[]);
    ladder.send("RECOGNIZE 2", &["Content-Type: text/uri-list", "Cancel-If-Queue: false"], "builtin:x/y");
    ladder.expect(&["< 2 200 PENDING"]);
    ladder.wait(100);
    ladder.recognized(1, Verdict::NoMatch, "");
    ladder.expect(&[START_OF_SPEECH, "stop-listening 1", &complete(1, "001 no-match"), "load 2 builtin:x/y"]);
    ladder.loaded(2, SPEECH);
    ladder.expect(&["listen 2 speech"]);
}

#[test]
fn rec_006_ghf_004_stop_of_the_active_one_lets_the_next_begin() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &[]);
    ladder.send("RECOGNIZE 2", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.send("STOP 3", &["Active-Request-Id-List: 1"], "");
    ladder.expect(&[
        "< 2 200 PENDING",
        "stop-listening 1",
        "< 3 200 COMPLETE | Active-Request-Id-List: 1",
        "load 2 builtin:x/y",
    ]);
}

#[test]
fn ghf_004_stop_of_a_waiting_one_leaves_the_active_one_alone() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &[]);
    ladder.send("RECOGNIZE 2", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.send("STOP 3", &["Active-Request-Id-List: 2, 77"], "");
    ladder.expect(&["< 2 200 PENDING", "< 3 200 COMPLETE | Active-Request-Id-List: 2"]);
    assert_eq!(ladder.machine.active_request(), Some(RequestId(1)));
}

#[test]
fn rec_036_stop_without_a_list_ends_the_queue_too() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &[]);
    ladder.send("RECOGNIZE 2", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.send("STOP 3", &[], "");
    ladder.wait(60_000);
    ladder.expect(&["< 2 200 PENDING", "stop-listening 1", "< 3 200 COMPLETE | Active-Request-Id-List: 1,2"]);
}

#[test]
fn rec_005_cancel_if_queue_of_the_active_one_gives_way_to_the_new() {
    let mut ladder = Ladder::new();
    ladder.send("RECOGNIZE 1", &["Content-Type: text/uri-list", "Cancel-If-Queue: true"], "builtin:x/y");
    ladder.loaded(1, SPEECH);
    ladder.wait(100);
    ladder.send("RECOGNIZE 2", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.loaded(2, SPEECH);
    ladder.expect(&[
        "load 1 builtin:x/y",
        "< 1 200 IN-PROGRESS",
        "listen 1 speech",
        "stop-listening 1",
        &complete(1, "011 cancelled"),
        "load 2 builtin:x/y",
        "< 2 200 IN-PROGRESS",
        "listen 2 speech",
    ]);
}

#[test]
fn rec_007_a_failure_cancels_what_waits_behind() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &[]);
    ladder.send("RECOGNIZE 2", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.wait(100);
    ladder.input(Input::EngineFailed { request_id: RequestId(1), reason: String::new() });
    ladder.expect(&[
        "< 2 200 PENDING",
        "stop-listening 1",
        &complete(1, "006 recognizer-error"),
        &complete(2, "011 cancelled"),
    ]);
}

#[test]
fn the_queue_is_bounded() {
    let mut ladder = Ladder::with(RecognizerConfig { pending_max: 1, ..RecognizerConfig::default() });
    ladder.recognize(1, SPEECH, &[]);
    ladder.send("RECOGNIZE 2", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.send("RECOGNIZE 3", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.expect(&[
        "< 2 200 PENDING",
        "< 3 407 COMPLETE | Completion-Cause: 006 recognizer-error | \
         Completion-Reason: \"too many requests are waiting\"",
    ]);
}

#[test]
fn rec_040_a_grammar_is_defined_and_used() {
    let mut ladder = Ladder::new();
    ladder.send("DEFINE-GRAMMAR 1", &["Content-Type: application/srgs+xml", "Content-Id: g1"], "<grammar/>");
    ladder.expect(&["define 1 application/srgs+xml#g1"]);
    ladder.input(Input::GrammarDefined { request_id: RequestId(1), outcome: Ok(()) });
    ladder.expect(&["< 1 200 COMPLETE | Completion-Cause: 000 success"]);
    ladder.send("RECOGNIZE 2", &["Content-Type: text/uri-list"], "session:g1\n");
    ladder.expect(&["load 2 session:g1"]);
}

#[test]
fn a_definition_without_a_body_unloads() {
    let mut ladder = Ladder::new();
    ladder.send("DEFINE-GRAMMAR 4", &["Content-Id: <g1@x>"], "");
    ladder.expect(&["forget g1@x", "< 4 200 COMPLETE | Completion-Cause: 000 success"]);
    ladder.send("DEFINE-GRAMMAR 5", &[], "");
    ladder.expect(&["< 5 406 COMPLETE | Completion-Cause: 016 grammar-definition-failure | Content-ID:"]);
}

#[test]
fn rec_041_a_definition_that_fails_says_why() {
    let mut ladder = Ladder::new();
    ladder.send("DEFINE-GRAMMAR 1", &["Content-Type: application/srgs+xml", "Content-Id: g"], "<grammar");
    let failure = Failure::new(FailureKind::Compilation, "");
    ladder.input(Input::GrammarDefined { request_id: RequestId(1), outcome: Err(failure) });
    ladder.expect(&[
        "define 1 application/srgs+xml#g",
        "< 1 407 COMPLETE | Completion-Cause: 005 grammar-compilation-failure",
    ]);
}

#[test]
fn an_inline_grammar_needs_an_identifier_and_a_type() {
    let mut ladder = Ladder::new();
    ladder.send("DEFINE-GRAMMAR 1", &["Content-Type: application/srgs+xml"], "<grammar/>");
    ladder.send("DEFINE-GRAMMAR 2", &["Content-Id: g"], "<grammar/>");
    ladder.expect(&[
        "< 1 406 COMPLETE | Completion-Cause: 016 grammar-definition-failure | Content-ID:",
        "< 2 406 COMPLETE | Completion-Cause: 016 grammar-definition-failure | Content-Type:",
    ]);
}

#[test]
fn rec_042_a_definition_while_recognizing_is_402() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &[]);
    ladder.send("DEFINE-GRAMMAR 2", &["Content-Type: application/srgs+xml", "Content-Id: g"], "<grammar/>");
    ladder.expect(&["< 2 402 COMPLETE | Completion-Cause: 016 grammar-definition-failure"]);
}

#[test]
fn rec_067_a_recognize_without_a_grammar_is_refused() {
    let mut ladder = Ladder::new();
    ladder.send("RECOGNIZE 1", &["Cancel-If-Queue: false"], "");
    ladder.send("RECOGNIZE 2", &["Content-Type: text/uri-list"], "\r\n");
    ladder.send("RECOGNIZE 3", &["Content-Type: text/uri-list", "Content-Encoding: br"], "x");
    ladder.send("RECOGNIZE 4", &["Content-Type: text/uri-list", "Content-Encoding: gzip"], "x");
    let cause = "Completion-Cause: 004 grammar-load-failure";
    ladder.expect(&[
        "< 1 406 COMPLETE | Completion-Cause: 006 recognizer-error | Content-Type:",
        &format!("< 2 407 COMPLETE | {cause} | Completion-Reason: \"the body names no grammar\""),
        &format!("< 3 408 COMPLETE | {cause} | Completion-Reason: \"the content encoding is not supported\""),
        &format!("< 4 407 COMPLETE | {cause} | Completion-Reason: \"the body is not of its content encoding\""),
    ]);
}

#[test]
fn rec_037_rec_038_rec_039_rec_044_the_last_result_can_be_read_again_until_something_new_begins() {
    let mut ladder = Ladder::new();
    ladder.send("GET-RESULT 1", &[], "");
    ladder.expect(&["< 1 402 COMPLETE"]);
    ladder.send("RECOGNIZE 2", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.loaded(2, SPEECH);
    ladder.wait(100);
    ladder.recognized(2, Verdict::Match, "<result/>");
    ladder.said = crate::common::Transcript::default();
    ladder.send("GET-RESULT 3", &["N-Best-List-Length: 3", "Confidence-Threshold: 0.25"], "");
    ladder.expect(&["recompute 3 threshold 0.25 n-best 3"]);
    let result =
        |body: &str| ResultBody { content_type: "application/nlsml+xml".to_owned(), body: body.to_owned().into() };
    let outcome = Outcome { verdict: Verdict::NoMatch, result: Some(result("<nothing/>")) };
    ladder.input(Input::Recomputed { request_id: RequestId(3), outcome: Ok(Some(outcome)) });
    ladder.expect(&[
        "< 3 200 COMPLETE | Completion-Cause: 001 no-match | Content-Type: application/nlsml+xml | <nothing/>",
    ]);
    ladder.send("GET-RESULT 6", &[], "");
    ladder.input(Input::Recomputed { request_id: RequestId(6), outcome: Ok(None) });
    ladder.expect(&[
        "recompute 6",
        "< 6 200 COMPLETE | Completion-Cause: 000 success | Content-Type: application/nlsml+xml | <result/>",
    ]);
    ladder.send("DEFINE-GRAMMAR 7", &["Content-Id: g"], "");
    ladder.send("GET-RESULT 8", &[], "");
    ladder.expect(&["forget g", "< 7 200 COMPLETE | Completion-Cause: 000 success", "< 8 402 COMPLETE"]);
}

#[test]
fn request_ids_must_increase() {
    let mut ladder = Ladder::new();
    for (id, status) in [(10, 200), (10, 410), (9, 410), (4_294_967_295_u32, 200), (1, 410)] {
        ladder.send(&format!("GET-PARAMS {id}"), &["Logging-Tag:"], "");
        let more = if status == 200 { " | Logging-Tag:" } else { "" };
        ladder.expect(&[&format!("< {id} {status} COMPLETE{more}")]);
    }
}

#[test]
fn methods_we_do_not_have_are_401() {
    let mut ladder = Ladder::new();
    for (index, method) in ["SPEAK", "RECORD", "recognize", "FOO"].iter().enumerate() {
        ladder.send(&format!("{method} {}", index + 1), &["Content-Type: text/plain"], "x");
        ladder.expect(&[&format!("< {} 401 COMPLETE", index + 1)]);
    }
}

#[test]
fn rec_032_rec_033_illegal_values_are_echoed_with_404() {
    let mut ladder = Ladder::new();
    let headers = [
        "Content-Type: text/uri-list",
        "No-Input-Timeout: soon",
        "Confidence-Threshold: 1.5",
        "Cancel-If-Queue: no",
        "N-Best-List-Length: 0",
        "Recognition-Timeout: 5000",
        "Recognition-Timeout: 6000",
    ];
    ladder.send("RECOGNIZE 1", &headers, "builtin:x/y");
    ladder.expect(&["< 1 404 COMPLETE | Completion-Cause: 006 recognizer-error | No-Input-Timeout: soon | Confidence-Threshold: 1.5 | Cancel-If-Queue: no | \
                     N-Best-List-Length: 0 | Recognition-Timeout: 5000 | Recognition-Timeout: 6000"]);
}

#[test]
fn rec_046_rec_054_what_we_cannot_do_is_refused_and_not_ignored() {
    let mut ladder = Ladder::with(RecognizerConfig { hotword: false, ..RecognizerConfig::default() });
    ladder.send("RECOGNIZE 1", &["Content-Type: text/uri-list", "Recognition-Mode: hotword"], "builtin:x/y");
    ladder.send("RECOGNIZE 3", &["Content-Type: text/uri-list", "Enroll-Utterance: true"], "builtin:x/y");
    ladder.send("RECOGNIZE 4", &["Content-Type: text/uri-list", "Ver-Buffer-Utterance: true"], "builtin:x/y");
    let cause = "Completion-Cause: 006 recognizer-error";
    ladder.expect(&[
        &format!("< 1 409 COMPLETE | {cause} | Recognition-Mode: hotword"),
        &format!("< 3 403 COMPLETE | {cause} | Enroll-Utterance: true"),
        &format!("< 4 403 COMPLETE | {cause} | Ver-Buffer-Utterance: true"),
    ]);
}

#[test]
fn headers_that_do_not_apply_are_ignored_and_reported_if_so_set() {
    for (ignored_headers, status) in [(IgnoredHeaders::Success, 200), (IgnoredHeaders::SuccessHeadersIgnored, 201)] {
        let mut ladder = Ladder::with(RecognizerConfig { ignored_headers, ..RecognizerConfig::default() });
        ladder.send("RECOGNIZE 1", &["Content-Type: text/uri-list", "X-Foo: bar", "Max-Time: 5"], "builtin:x/y");
        ladder.loaded(1, SPEECH);
        ladder.expect(&["load 1 builtin:x/y", &format!("< 1 {status} IN-PROGRESS"), "listen 1 speech"]);
    }
}

#[test]
fn rec_068_a_resource_of_dtmf_takes_no_grammar_of_speech() {
    let config = std::sync::Arc::new(RecognizerConfig::default());
    let mut ladder = Ladder::new();
    ladder.machine = mrcp::recognizer::Recognizer::new(config, crate::common::channel(mrcp::Resource::DtmfRecog));
    ladder.send("RECOGNIZE 1", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.loaded(1, SPEECH);
    ladder.expect(&[
        "load 1 builtin:x/y",
        "abandon 1",
        "< 1 407 COMPLETE | Completion-Cause: 016 grammar-definition-failure | \
         Completion-Reason: \"no grammar takes input that this resource hears\"",
    ]);
    ladder.send("RECOGNIZE 2", &["Content-Type: text/uri-list"], "builtin:x/y");
    ladder.loaded(2, BOTH);
    ladder.expect(&["load 2 builtin:x/y", "< 2 200 IN-PROGRESS", "listen 2 dtmf"]);
}
