//! Ladders of the recorder (RFC 6787 §10).

use std::time::Duration;

use crate::common::recorder::Ladder;
use mrcp::RequestId;
use mrcp::recorder::{Failure, FailureKind, Input, RecorderConfig, Stored};

const START_OF_INPUT: &str = "< START-OF-INPUT 1 IN-PROGRESS | Proxy-Sync-Id: 32AECB23433801r1";
const SERVED: &str = "http://server/recordings/1.wav";
const AT_SERVED: &str = "Record-URI: <http://server/recordings/1.wav>;size=8000;duration=1000";

fn complete(cause: &str, more: &str) -> String {
    format!("< RECORD-COMPLETE 1 COMPLETE | Completion-Cause: {cause}{more}")
}

#[test]
fn rcd_001_record_is_in_progress_and_a_second_one_is_402() {
    let mut ladder = Ladder::new();
    ladder.send("RECORD 1", &["Media-Type: audio/wav"]);
    ladder.expect(&["record 1 audio/wav to body"]);
    ladder.started(1, Ok(()));
    ladder.expect(&["< 1 200 IN-PROGRESS"]);
    ladder.send("RECORD 2", &["Media-Type: audio/wav"]);
    ladder.expect(&["< 2 402 COMPLETE | Completion-Cause: 004 error"]);
}

#[test]
fn rcd_002_a_record_without_a_media_type_is_406() {
    let mut ladder = Ladder::new();
    ladder.send("RECORD 1", &["Record-URI:"]);
    ladder.expect(&["< 1 406 COMPLETE | Completion-Cause: 004 error | Media-Type:"]);
}

#[test]
fn rcd_002_an_unsupported_media_type_is_409_with_the_media_type() {
    let mut ladder = Ladder::new();
    ladder.send("RECORD 1", &["Media-Type: video/mp4"]);
    ladder.expect(&["record 1 video/mp4 to body"]);
    ladder.started(1, Err(Failure::new(FailureKind::MediaType, "")));
    ladder.expect(&["< 1 409 COMPLETE | Completion-Cause: 004 error | Media-Type: video/mp4"]);
    ladder.record(2, &[]);
}

#[test]
fn rcd_003_rcd_006_an_empty_record_uri_is_stored_by_the_server_and_its_uri_has_size_and_duration() {
    let mut ladder = Ladder::new();
    ladder.send("RECORD 1", &["Media-Type: audio/wav", "Record-URI:"]);
    ladder.expect(&["record 1 audio/wav to local"]);
    ladder.started(1, Ok(()));
    ladder.wait(1_000);
    ladder.send("STOP 2", &[]);
    ladder.expect(&["< 1 200 IN-PROGRESS", "finish 1 without the last 0 ms"]);
    ladder.saved_at(1, SERVED);
    ladder.expect(&[&format!("< 2 200 COMPLETE | Active-Request-Id-List: 1 | {AT_SERVED}")]);
}

#[test]
fn rcd_004_rcd_006_a_given_uri_is_stored_to_and_repeated_with_size_and_duration() {
    for uri in ["file:///messages/1.wav", "http://host/1.wav", "https://host/1.wav?a=b"] {
        let mut ladder = Ladder::new();
        ladder.send("RECORD 1", &["Media-Type: audio/wav", &format!("Record-URI: <{uri}>")]);
        ladder.expect(&[&format!("record 1 audio/wav to {uri}")]);
        ladder.started(1, Ok(()));
        ladder.wait(20);
        ladder.send("STOP 2", &[]);
        ladder.said.forget("");
        ladder.saved_at(1, uri);
        let line =
            format!("< 2 200 COMPLETE | Active-Request-Id-List: 1 | Record-URI: <{uri}>;size=8000;duration=1000");
        ladder.expect(&[&line]);
    }
}

#[test]
fn rcd_005_without_a_record_uri_the_audio_is_in_the_body_of_the_event_under_its_content_id() {
    let mut ladder = Ladder::new();
    ladder.record(1, &["Max-Time: 1000"]);
    ladder.wait(1_000);
    ladder.expect_at(1_000, &["finish 1"]);
    ladder.saved(1, Ok(Stored::Body("sound".into())));
    ladder.expect(&[&complete(
        "001 success-maxtime",
        " | Record-URI: <cid:1@32AECB23433801>;size=8000;duration=1000 | Content-Type: audio/basic \
         | Content-ID: <1@32AECB23433801> | sound",
    )]);
}

#[test]
fn rcd_005_rcd_007_a_cid_uri_names_the_body_of_the_stop_response() {
    let mut ladder = Ladder::new();
    ladder.send("RECORD 1", &["Media-Type: audio/wav", "Record-URI: <cid:voice@pbx>"]);
    ladder.expect(&["record 1 audio/wav to body voice@pbx"]);
    ladder.started(1, Ok(()));
    ladder.send("STOP 2", &[]);
    ladder.said.forget("");
    ladder.saved(1, Ok(Stored::Body("sound".into())));
    ladder.expect(&["< 2 200 COMPLETE | Active-Request-Id-List: 1 \
                     | Record-URI: <cid:voice@pbx>;size=8000;duration=1000 | Content-Type: audio/wav \
                     | Content-ID: <voice@pbx> | sound"]);
}

#[test]
fn rcd_007_a_scheme_that_nothing_can_be_written_to_is_409() {
    let mut ladder = Ladder::new();
    ladder.send("RECORD 1", &["Media-Type: audio/wav", "Record-URI: <ftp://host/1.wav>"]);
    ladder.expect(&["< 1 409 COMPLETE | Completion-Cause: 003 uri-failure | Record-URI: <ftp://host/1.wav>"]);
}

#[test]
fn rcd_008_a_record_uri_that_is_none_or_may_not_be_written_to_is_404() {
    for uri in ["<no uri>", "<http://host/1.wav", "nothing", "<http:>", "<:x>"] {
        let mut ladder = Ladder::new();
        ladder.send("RECORD 1", &["Media-Type: audio/wav", &format!("Record-URI: {uri}")]);
        ladder.expect(&[&format!("< 1 404 COMPLETE | Completion-Cause: 003 uri-failure | Record-URI: {uri}")]);
    }
    let mut ladder = Ladder::new();
    ladder.send("RECORD 1", &["Media-Type: audio/wav", "Record-URI: <file:///etc/x>"]);
    ladder.said.forget("record");
    ladder.started(1, Err(Failure::new(FailureKind::Forbidden, "")));
    ladder.expect(&["< 1 404 COMPLETE | Completion-Cause: 003 uri-failure | Record-URI: <file:///etc/x>"]);
}

#[test]
fn rcd_008_rcd_021_a_place_that_cannot_be_made_is_407_with_the_failed_uri() {
    let mut ladder = Ladder::new();
    ladder.send("RECORD 1", &["Media-Type: audio/wav", "Record-URI: <file:///messages/none/x>"]);
    ladder.said.forget("record");
    ladder.started(1, Err(Failure::new(FailureKind::Uri { cause: "no such directory".to_owned() }, "")));
    ladder.expect(&["< 1 407 COMPLETE | Completion-Cause: 003 uri-failure \
                     | Failed-URI: file:///messages/none/x | Failed-URI-Cause: no such directory"]);
}

#[test]
fn rcd_009_rcd_013_max_time_counts_from_the_response_or_with_capture_on_speech_from_speech() {
    let mut ladder = Ladder::new();
    ladder.record(1, &["Max-Time: 2000", "No-Input-Timeout: 60000"]);
    ladder.wait(1_999);
    ladder.expect_nothing();
    ladder.wait(1);
    ladder.expect_at(2_000, &["finish 1"]);
    ladder.saved_at(1, SERVED);
    ladder.expect(&[&complete("001 success-maxtime", &format!(" | {AT_SERVED}"))]);

    let mut ladder = Ladder::new();
    ladder.record(1, &["Max-Time: 2000", "No-Input-Timeout: 60000", "Capture-On-Speech: true"]);
    ladder.wait(30_000);
    ladder.speech_started(1);
    ladder.wait(1_999);
    ladder.expect_at(30_000, &[START_OF_INPUT]);
    ladder.wait(1);
    ladder.expect_at(32_000, &["finish 1"]);
}

#[test]
fn rcd_013_without_max_time_only_the_servers_limit_ends_a_recording_and_more_is_409() {
    let config = RecorderConfig { max_time_max: Duration::from_secs(600), ..RecorderConfig::default() };
    let mut ladder = Ladder::with(config.clone());
    ladder.record(1, &["No-Input-Timeout: 10000", "Max-Time: 0", "Final-Silence: 0"]);
    ladder.speech_started(1);
    ladder.expect(&[START_OF_INPUT]);
    ladder.wait(599_999);
    ladder.expect_nothing();
    ladder.wait(1);
    ladder.expect_at(600_000, &["finish 1"]);

    let mut ladder = Ladder::with(config);
    ladder.send("RECORD 1", &["Media-Type: audio/wav", "Max-Time: 600001"]);
    ladder.expect(&["< 1 409 COMPLETE | Completion-Cause: 004 error | Max-Time: 600001"]);
    ladder.send("SET-PARAMS 2", &["Max-Time: 600001"]);
    ladder.expect(&["< 2 409 COMPLETE | Max-Time: 600001"]);
}

#[test]
fn rcd_012_rcd_017_final_silence_ends_the_recording() {
    let mut ladder = Ladder::new();
    ladder.record(1, &["Final-Silence: 800"]);
    ladder.wait(500);
    ladder.speech_started(1);
    ladder.expect_at(500, &[START_OF_INPUT]);
    ladder.wait(2_000);
    ladder.speech_ended(1, 300);
    ladder.wait(499);
    ladder.expect_nothing();
    ladder.wait(1);
    ladder.expect_at(3_000, &["finish 1"]);
    ladder.saved_at(1, SERVED);
    ladder.expect(&[&complete("000 success-silence", &format!(" | {AT_SERVED}"))]);
    ladder.wait(60_000);
    ladder.expect_nothing();
}

#[test]
fn rcd_012_a_pause_shorter_than_final_silence_does_not_end_it_and_zero_never_does() {
    let mut ladder = Ladder::new();
    ladder.record(1, &["Final-Silence: 800", "Max-Time: 10000"]);
    ladder.speech_started(1);
    ladder.speech_ended(1, 0);
    ladder.wait(799);
    ladder.speech_started(1);
    ladder.wait(5_000);
    ladder.expect(&[START_OF_INPUT]);

    let mut ladder = Ladder::new();
    ladder.record(1, &["Final-Silence: 0", "Max-Time: 100000"]);
    ladder.speech_started(1);
    ladder.speech_ended(1, 0);
    ladder.wait(99_999);
    ladder.expect(&[START_OF_INPUT]);
    ladder.wait(1);
    ladder.expect(&["finish 1"]);
}

#[test]
fn rcd_014_silence_ends_with_no_input_and_nothing_is_kept() {
    let mut ladder = Ladder::new();
    ladder.record(1, &["No-Input-Timeout: 4000", "Record-URI:"]);
    ladder.wait(3_999);
    ladder.expect_nothing();
    ladder.wait(1);
    ladder.expect_at(4_000, &["discard 1", &complete("002 no-input-timeout", "")]);
    ladder.record(2, &[]);
}

#[test]
fn rcd_015_with_start_input_timers_false_the_timer_waits_for_start_input_timers() {
    let mut ladder = Ladder::new();
    ladder.record(1, &["No-Input-Timeout: 4000", "Start-Input-Timers: false"]);
    ladder.wait(60_000);
    ladder.send("START-INPUT-TIMERS 2", &[]);
    ladder.expect(&["< 2 200 COMPLETE"]);
    ladder.wait(2_000);
    ladder.send("START-INPUT-TIMERS 3", &[]);
    ladder.expect(&["< 3 200 COMPLETE"]);
    ladder.wait(2_000);
    ladder.expect_at(64_000, &["discard 1", &complete("002 no-input-timeout", "")]);
}

#[test]
fn rcd_023_start_input_timers_is_402_when_nothing_is_recorded() {
    let mut ladder = Ladder::new();
    ladder.send("START-INPUT-TIMERS 1", &[]);
    ladder.expect(&["< 1 402 COMPLETE"]);
}

#[test]
fn rcd_016_speech_is_reported_once_with_a_proxy_sync_id_of_its_own() {
    let mut ladder = Ladder::new();
    ladder.record(1, &[]);
    ladder.speech_started(1);
    ladder.speech_ended(1, 0);
    ladder.speech_started(1);
    ladder.expect(&[START_OF_INPUT]);
    ladder.send("STOP 2", &[]);
    ladder.saved_at(1, SERVED);
    ladder.said.forget("");
    ladder.record(3, &[]);
    ladder.speech_started(3);
    ladder.expect(&["< START-OF-INPUT 3 IN-PROGRESS | Proxy-Sync-Id: 32AECB23433801r3"]);
}

#[test]
fn rcd_018_stop_names_the_recording_and_no_event_follows() {
    let mut ladder = Ladder::new();
    ladder.record(1, &["Max-Time: 5000"]);
    ladder.wait(4_999);
    ladder.send("STOP 2", &["Active-Request-Id-List: 1"]);
    ladder.expect(&["finish 1 without the last 0 ms"]);
    ladder.saved_at(1, SERVED);
    ladder.expect(&[&format!("< 2 200 COMPLETE | Active-Request-Id-List: 1 | {AT_SERVED}")]);
    ladder.wait(60_000);
    ladder.expect_nothing();
}

#[test]
fn rcd_018_a_list_without_the_recording_leaves_it_alone() {
    let mut ladder = Ladder::new();
    ladder.record(1, &[]);
    ladder.send("STOP 2", &["Active-Request-Id-List: 7"]);
    ladder.expect(&["< 2 200 COMPLETE"]);
    assert_eq!(ladder.machine.active_request(), Some(RequestId(1)));
}

#[test]
fn rcd_019_stop_without_a_recording_is_200_without_a_list() {
    let mut ladder = Ladder::new();
    ladder.send("STOP 1", &["Trim-Length: 100"]);
    ladder.expect(&["< 1 200 COMPLETE"]);
}

#[test]
fn rcd_020_trim_length_is_cut_from_the_end() {
    let mut ladder = Ladder::new();
    ladder.record(1, &[]);
    ladder.send("STOP 2", &["Trim-Length: 200"]);
    ladder.expect(&["finish 1 without the last 200 ms"]);
}

#[test]
fn rcd_021_a_uri_that_fails_after_the_recording_is_named_with_its_cause() {
    let uri = "http://host/1.wav";
    let failure = || Failure::new(FailureKind::Uri { cause: "503".to_owned() }, "the web server refused it");
    let names = format!(" | Failed-URI: {uri} | Failed-URI-Cause: 503");
    let mut ladder = Ladder::new();
    ladder.record(1, &["Record-URI: <http://host/1.wav>", "Max-Time: 1000"]);
    ladder.wait(1_000);
    ladder.saved(1, Err(failure()));
    let reason = " | Completion-Reason: \"the web server refused it\"";
    ladder.expect(&["finish 1", &complete("003 uri-failure", &format!("{reason}{names}"))]);

    let mut ladder = Ladder::new();
    ladder.record(1, &["Record-URI: <http://host/1.wav>"]);
    ladder.send("STOP 2", &[]);
    ladder.saved(1, Err(failure()));
    ladder.expect(&[
        "finish 1 without the last 0 ms",
        &format!("< 2 200 COMPLETE | Active-Request-Id-List: 1 | Completion-Cause: 003 uri-failure{reason}{names}"),
    ]);
}

#[test]
fn rcd_022_a_verification_buffer_is_refused_where_no_verifier_is() {
    let mut ladder = Ladder::new();
    ladder.send("RECORD 1", &["Media-Type: audio/wav", "Ver-Buffer-Utterance: true"]);
    ladder.expect(&["< 1 403 COMPLETE | Completion-Cause: 004 error | Ver-Buffer-Utterance: true"]);
    ladder.record(2, &["Ver-Buffer-Utterance: false"]);
}

#[test]
fn rcd_024_a_recording_that_finds_no_room_ends_with_error() {
    let mut ladder = Ladder::new();
    ladder.record(1, &["Record-URI:"]);
    ladder.wait(1_000);
    ladder.input(Input::Failed {
        request_id: RequestId(1),
        failure: Failure::new(FailureKind::Recorder, "no room for recordings"),
    });
    ladder.expect(&[&complete("004 error", " | Completion-Reason: \"no room for recordings\"")]);
    ladder.record(2, &[]);
}

#[test]
fn rcd_026_a_sensitivity_beyond_one_is_404() {
    let mut ladder = Ladder::new();
    ladder.send("RECORD 1", &["Media-Type: audio/wav", "Sensitivity-Level: 1.2"]);
    ladder.expect(&["< 1 404 COMPLETE | Completion-Cause: 004 error | Sensitivity-Level: 1.2"]);
    ladder.send("SET-PARAMS 2", &["Sensitivity-Level: 1.2"]);
    ladder.expect(&["< 2 404 COMPLETE | Sensitivity-Level: 1.2"]);
}

#[test]
fn parameters_set_once_hold_for_every_record() {
    let mut ladder = Ladder::new();
    ladder.send("SET-PARAMS 1", &["Final-Silence: 500", "Max-Time: 30000", "Capture-On-Speech: true"]);
    ladder.expect(&["< 1 200 COMPLETE"]);
    ladder.send("GET-PARAMS 2", &["No-Input-Timeout:", "Max-Time:", "Final-Silence:", "Capture-On-Speech:"]);
    ladder.expect(&["< 2 200 COMPLETE | No-Input-Timeout: 7000 | Max-Time: 30000 | Final-Silence: 500 \
                     | Capture-On-Speech: true"]);
    ladder.send("SET-PARAMS 3", &["Media-Type: audio/wav"]);
    ladder.expect(&["< 3 403 COMPLETE | Media-Type: audio/wav"]);
}

#[test]
fn what_is_asked_while_a_recording_starts_waits_for_its_response() {
    let mut ladder = Ladder::new();
    ladder.send("RECORD 1", &["Media-Type: audio/wav"]);
    ladder.expect(&["record 1 audio/wav to body"]);
    ladder.send("START-INPUT-TIMERS 2", &[]);
    ladder.send("STOP 3", &[]);
    ladder.expect_nothing();
    ladder.started(1, Ok(()));
    ladder.expect(&["< 1 200 IN-PROGRESS", "< 2 200 COMPLETE", "finish 1 without the last 0 ms"]);
}

#[test]
fn a_stop_that_comes_after_the_end_finds_an_idle_recorder() {
    let mut ladder = Ladder::new();
    ladder.record(1, &["Max-Time: 1000"]);
    ladder.wait(1_000);
    ladder.send("STOP 2", &[]);
    ladder.expect(&["finish 1"]);
    ladder.saved_at(1, SERVED);
    ladder.expect(&[&complete("001 success-maxtime", &format!(" | {AT_SERVED}")), "< 2 200 COMPLETE"]);
}

#[test]
fn a_completion_keeps_its_distance_from_the_response() {
    let mut ladder = Ladder::new();
    ladder.record(1, &["Max-Time: 5"]);
    ladder.wait(5);
    ladder.saved_at(1, SERVED);
    ladder.expect_at(5, &["finish 1"]);
    ladder.wait(15);
    ladder.expect_at(20, &[&complete("001 success-maxtime", &format!(" | {AT_SERVED}"))]);
}

#[test]
fn a_session_that_does_not_answer_fails_the_recording() {
    let mut ladder = Ladder::new();
    ladder.send("RECORD 1", &["Media-Type: audio/wav"]);
    ladder.wait(5_000);
    ladder.expect(&[
        "record 1 audio/wav to body",
        "discard 1",
        "< 1 407 COMPLETE | Completion-Cause: 004 error | Completion-Reason: \"no place in time\"",
    ]);
    ladder.record(2, &["Fetch-Timeout: 3000"]);
    ladder.send("STOP 3", &[]);
    ladder.wait(12_999);
    ladder.expect(&["finish 2 without the last 0 ms"]);
    ladder.wait(1);
    ladder.expect(&[
        "discard 2",
        "< 3 200 COMPLETE | Active-Request-Id-List: 2 | Completion-Cause: 004 error \
                                  | Completion-Reason: \"the recording was not stored in time\"",
    ]);
}

#[test]
fn the_end_of_the_session_completes_a_recording_with_error_and_discards_it() {
    let mut ladder = Ladder::new();
    ladder.record(1, &["Record-URI:"]);
    ladder.input(Input::Close);
    ladder.expect(&["discard 1", &complete("004 error", " | Completion-Reason: \"the session has ended\"")]);
    assert_eq!(ladder.machine.poll_timeout(), None);
}

#[test]
fn methods_of_other_resources_are_401() {
    let mut ladder = Ladder::new();
    for (id, method) in ["SPEAK", "RECOGNIZE", "VERIFY", "DANCE"].into_iter().enumerate() {
        ladder.send(&format!("{method} {}", id + 1), &[]);
        ladder.expect(&[&format!("< {} 401 COMPLETE", id + 1)]);
    }
}
