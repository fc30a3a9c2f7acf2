//! Ladders of the synthesizer (RFC 6787 §8), with the exchanges that stock clients make.

use crate::common::synthesizer::Ladder;
use mrcp::synthesizer::{Failure, FailureKind, Input, NtpAnchor, Output, SynthesizerConfig};
use mrcp::{RequestId, Resource};

fn complete(id: u32, cause: &str) -> String {
    format!("< SPEAK-COMPLETE {id} COMPLETE | Completion-Cause: {cause}")
}

#[test]
fn a_prompt_is_spoken_and_completes_after_the_tail() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.wait(2200);
    ladder.finished(1, Ok(()));
    ladder.expect_nothing();
    ladder.wait(199);
    ladder.expect_nothing();
    ladder.wait(1);
    ladder.expect_at(2400, &[&complete(1, "000 normal")]);
    ladder.wait(60_000);
    ladder.expect_nothing();
}

#[test]
fn audio_starts_only_after_the_response() {
    let mut ladder = Ladder::new();
    ladder.ask(1, &[]);
    ladder.wait(300);
    ladder.expect(&["prepare 1 text/plain"]);
    ladder.prepared(1, Ok(()));
    ladder.expect_at(300, &["< 1 200 IN-PROGRESS", "start 1"]);
}

#[test]
fn a_failure_during_playout_keeps_its_distance_from_the_response() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.wait(2);
    ladder.finished(1, Err(Failure::new(FailureKind::Engine, "gone")));
    ladder.expect_nothing();
    ladder.wait(18);
    ladder.expect_at(20, &[&format!("{} | Completion-Reason: \"gone\"", complete(1, "004 error"))]);
}

#[test]
fn markup_that_fails_is_told_in_the_response() {
    for (kind, expected) in [
        (FailureKind::Parse, "407 COMPLETE | Completion-Cause: 002 parse-failure"),
        (FailureKind::Language, "407 COMPLETE | Completion-Cause: 005 language-unsupported"),
        (FailureKind::MediaType, "408 COMPLETE | Completion-Cause: 004 error"),
        (FailureKind::Engine, "407 COMPLETE | Completion-Cause: 004 error"),
    ] {
        let mut ladder = Ladder::new();
        ladder.ask(1, &[]);
        ladder.prepared(1, Err(Failure::new(kind, "")));
        ladder.wait(60_000);
        ladder.expect(&["prepare 1 text/plain", &format!("< 1 {expected}")]);
        ladder.speak(2, &[]);
    }
}

#[test]
fn speech_that_is_never_prepared_fails() {
    let mut ladder = Ladder::new();
    ladder.ask(1, &[]);
    ladder.wait(10_000);
    ladder.prepared(1, Ok(()));
    let reason = "Completion-Reason: \"the speech was not prepared in time\"";
    ladder.expect(&[
        "prepare 1 text/plain",
        "stop 1",
        &format!("< 1 407 COMPLETE | Completion-Cause: 004 error | {reason}"),
    ]);
}

#[test]
fn prompts_are_spoken_in_order_without_a_pause_between() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &[]);
    ladder.speak_pending(3, &[]);
    ladder.wait(1000);
    ladder.finished(1, Ok(()));
    ladder.expect_at(1000, &[&complete(1, "000 normal"), "start 2"]);
    ladder.wait(1000);
    ladder.finished(2, Ok(()));
    ladder.expect_at(2000, &[&complete(2, "000 normal"), "start 3"]);
    ladder.finished(3, Ok(()));
    ladder.wait(200);
    ladder.expect_at(2200, &[&complete(3, "000 normal")]);
}

#[test]
fn a_prompt_that_comes_while_the_tail_runs_is_not_queued() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.wait(1000);
    ladder.finished(1, Ok(()));
    ladder.wait(50);
    ladder.ask(2, &[]);
    ladder.prepared(2, Ok(()));
    ladder.expect_at(1050, &[&complete(1, "000 normal"), "prepare 2 text/plain", "< 2 200 IN-PROGRESS", "start 2"]);
}

#[test]
fn stop_ends_everything_without_events() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &[]);
    ladder.send("STOP 3", &[], "");
    ladder.expect(&["stop 1", "stop 2", "< 3 200 COMPLETE | Active-Request-Id-List: 1,2"]);
    ladder.finished(1, Ok(()));
    ladder.wait(60_000);
    ladder.expect_nothing();
    assert_eq!(ladder.machine.counters().late_inputs, 1);
}

#[test]
fn stop_with_nothing_to_stop_is_200_without_a_list() {
    let mut ladder = Ladder::new();
    ladder.send("STOP 1", &[], "");
    ladder.expect(&["< 1 200 COMPLETE"]);
}

#[test]
fn stop_beats_a_completion_that_waits_for_the_tail() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.wait(1000);
    ladder.finished(1, Ok(()));
    ladder.wait(100);
    ladder.send("STOP 2", &[], "");
    ladder.wait(60_000);
    ladder.expect(&["< 2 200 COMPLETE | Active-Request-Id-List: 1"]);
}

#[test]
fn stop_of_the_active_one_lets_the_next_begin() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &[]);
    ladder.send("STOP 3", &["Active-Request-Id-List: 1"], "");
    ladder.expect(&["stop 1", "< 3 200 COMPLETE | Active-Request-Id-List: 1", "start 2"]);
}

#[test]
fn stop_of_a_paused_one_leaves_the_next_paused() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &[]);
    ladder.send("PAUSE 3", &[], "");
    ladder.send("STOP 4", &["Active-Request-Id-List: 1"], "");
    ladder.send("RESUME 5", &[], "");
    ladder.expect(&[
        "pause 1",
        "< 3 200 COMPLETE | Active-Request-Id-List: 1",
        "stop 1",
        "< 4 200 COMPLETE | Active-Request-Id-List: 1",
        "start 2",
        "pause 2",
        "resume 2",
        "< 5 200 COMPLETE | Active-Request-Id-List: 2",
    ]);
}

#[test]
fn stop_of_a_waiting_one_leaves_the_active_one_alone() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &[]);
    ladder.send("STOP 3", &["Active-Request-Id-List: 2,9"], "");
    ladder.expect(&["stop 2", "< 3 200 COMPLETE | Active-Request-Id-List: 2"]);
    assert_eq!(ladder.machine.active_request(), Some(RequestId(1)));
}

#[test]
fn stop_while_speech_is_prepared_answers_both() {
    let mut ladder = Ladder::new();
    ladder.ask(1, &[]);
    ladder.send("STOP 2", &[], "");
    ladder.prepared(1, Ok(()));
    ladder.wait(60_000);
    ladder.expect(&[
        "prepare 1 text/plain",
        "< 1 200 IN-PROGRESS",
        "stop 1",
        "< 2 200 COMPLETE | Active-Request-Id-List: 1",
    ]);
}

#[test]
fn pause_and_resume_follow_the_state_table() {
    let mut ladder = Ladder::new();
    ladder.send("PAUSE 1", &[], "");
    ladder.send("RESUME 2", &[], "");
    ladder.expect(&["< 1 402 COMPLETE", "< 2 402 COMPLETE"]);
    ladder.speak(3, &[]);
    ladder.send("RESUME 4", &[], "");
    ladder.send("PAUSE 5", &[], "");
    ladder.send("PAUSE 6", &[], "");
    ladder.send("RESUME 7", &[], "");
    ladder.expect(&[
        "< 4 200 COMPLETE | Active-Request-Id-List: 3",
        "pause 3",
        "< 5 200 COMPLETE | Active-Request-Id-List: 3",
        "< 6 200 COMPLETE | Active-Request-Id-List: 3",
        "resume 3",
        "< 7 200 COMPLETE | Active-Request-Id-List: 3",
    ]);
}

#[test]
fn a_pause_before_the_audio_holds_its_start() {
    let mut ladder = Ladder::new();
    ladder.ask(1, &[]);
    ladder.send("PAUSE 2", &[], "");
    ladder.prepared(1, Ok(()));
    ladder.expect(&[
        "prepare 1 text/plain",
        "< 2 200 COMPLETE | Active-Request-Id-List: 1",
        "< 1 200 IN-PROGRESS",
        "start 1",
        "pause 1",
    ]);
}

#[test]
fn barge_in_occurred_ends_everything_if_the_active_one_allows() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &["Kill-On-Barge-In: false"]);
    ladder.send("BARGE-IN-OCCURRED 3", &["Proxy-Sync-Id: 987654321"], "");
    ladder.wait(60_000);
    ladder.expect(&["stop 1", "stop 2", "< 3 200 COMPLETE | Active-Request-Id-List: 1,2"]);
}

#[test]
fn barge_in_occurred_ends_nothing_if_the_active_one_forbids() {
    let mut ladder = Ladder::new();
    ladder.send("BARGE-IN-OCCURRED 1", &[], "");
    ladder.speak_silently(2, &["Kill-On-Barge-In: false"]);
    ladder.send("BARGE-IN-OCCURRED 3", &[], "");
    ladder.expect(&["< 1 200 COMPLETE", "< 2 200 IN-PROGRESS", "start 2", "< 3 200 COMPLETE"]);
}

#[test]
fn kill_on_barge_in_may_be_set_for_the_channel() {
    let mut ladder = Ladder::new();
    ladder.send("SET-PARAMS 1", &["Kill-On-Barge-In: false"], "");
    ladder.expect(&["< 1 200 COMPLETE"]);
    ladder.speak(2, &[]);
    ladder.send("BARGE-IN-OCCURRED 3", &[], "");
    ladder.expect(&["< 3 200 COMPLETE"]);
}

#[test]
fn a_barge_in_decided_here_completes_with_its_cause_and_without_the_tail() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &[]);
    ladder.wait(700);
    ladder.input(Input::BargedIn);
    ladder.expect_at(700, &["stop 1", &complete(1, "001 barge-in"), "stop 2", &complete(2, "001 barge-in")]);
    ladder.send("BARGE-IN-OCCURRED 3", &[], "");
    ladder.expect(&["< 3 200 COMPLETE"]);
}

#[test]
fn a_barge_in_decided_here_respects_kill_on_barge_in() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &["Kill-On-Barge-In: false"]);
    ladder.input(Input::BargedIn);
    ladder.expect_nothing();
}

#[test]
fn a_failure_cancels_what_waits_behind() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &[]);
    ladder.wait(100);
    let kind = FailureKind::Uri { uri: "http://192.0.2.1/a.wav".to_owned(), cause: "404".to_owned() };
    ladder.finished(1, Err(Failure::new(kind, "not there")));
    let uri = "Completion-Reason: \"not there\" | Failed-URI: http://192.0.2.1/a.wav | Failed-URI-Cause: 404";
    ladder.expect(&[&format!("{} | {uri}", complete(1, "003 uri-failure")), "stop 2", &complete(2, "007 cancelled")]);
}

#[test]
fn no_marker_is_sent_that_the_input_did_not_ask_for() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &[]);
    ladder.wait(100);
    ladder.finished(1, Ok(()));
    ladder.expect(&[&complete(1, "000 normal"), "start 2"]);
}

#[test]
fn a_mark_is_told_when_it_is_reached() {
    let mut ladder = Ladder::new();
    let anchor = NtpAnchor { at: ladder.clock.now(), ntp: 0x1_0000_0000 };
    ladder = Ladder::with(SynthesizerConfig { ntp: Some(anchor), ..SynthesizerConfig::default() });
    let start = ladder.clock.now().duration_since(anchor.at);
    assert!(start.as_millis() < 10_000, "both clocks start together");
    ladder.ask(1, &[]);
    ladder.prepared(1, Ok(()));
    ladder.input(Input::MarkReached { request_id: RequestId(1), name: "here".to_owned() });
    let timestamp = anchor.ntp_at(ladder.clock.now());
    ladder.expect(&[
        "prepare 1 text/plain",
        &format!("< 1 200 IN-PROGRESS | Speech-Marker: timestamp={timestamp}"),
        "start 1",
        &format!("< SPEECH-MARKER 1 IN-PROGRESS | Speech-Marker: timestamp={timestamp};here"),
    ]);
    ladder.finished(1, Ok(()));
    ladder.wait(200);
    let later = anchor.ntp_at(ladder.clock.now());
    ladder.expect(&[&format!("{} | Speech-Marker: timestamp={later};here", complete(1, "000 normal"))]);
}

#[test]
fn ntp_time_counts_seconds_and_binary_fractions() {
    let now = testkit::epoch();
    let anchor = NtpAnchor { at: now, ntp: 5 << 32 };
    assert_eq!(anchor.ntp_at(now + std::time::Duration::from_millis(1500)), (6 << 32) + (1 << 31));
    let before = now.checked_sub(std::time::Duration::from_millis(500));
    assert_eq!(before.map(|before| anchor.ntp_at(before)), Some((4 << 32) + (1 << 31)));
}

#[test]
fn closing_completes_what_is_open_and_ends_everything() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &[]);
    ladder.ask(3, &[]);
    ladder.expect(&["prepare 3 text/plain"]);
    ladder.wait(500);
    ladder.input(Input::Close);
    let ended = "Completion-Reason: \"the session has ended\"";
    ladder.expect_at(
        500,
        &[
            "stop 1",
            &format!("{} | {ended}", complete(1, "004 error")),
            "stop 2",
            &complete(2, "007 cancelled"),
            "stop 3",
            "< 3 407 COMPLETE | Completion-Cause: 004 error | \
         Completion-Reason: \"an earlier request of the queue has ended\"",
        ],
    );
    ladder.ask(4, &[]);
    ladder.finished(1, Ok(()));
    ladder.wait(60_000);
    ladder.expect_nothing();
    assert_eq!(ladder.machine.poll_timeout(), None);
}

#[test]
fn closing_during_the_tail_completes_normally() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.wait(1000);
    ladder.finished(1, Ok(()));
    ladder.input(Input::Close);
    ladder.expect_at(1000, &[&complete(1, "000 normal")]);
}

#[test]
fn the_queue_is_bounded() {
    let mut ladder = Ladder::with(SynthesizerConfig { pending_max: 1, ..SynthesizerConfig::default() });
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &[]);
    ladder.ask(3, &[]);
    let reason = "Completion-Reason: \"too many requests are waiting\"";
    ladder.expect(&[&format!("< 3 407 COMPLETE | Completion-Cause: 004 error | {reason}")]);
}

#[test]
fn the_request_beats_the_channel_and_the_channel_beats_the_default() {
    let mut ladder = Ladder::new();
    let set = ["Voice-Name: anna", "Voice-Age: 30", "Vendor-Specific-Parameters: com.example.a=1;com.example.b=2"];
    ladder.send("SET-PARAMS 1", &set, "");
    ladder.expect(&["< 1 200 COMPLETE"]);
    let own = [
        "Content-Type: text/plain",
        "Voice-Name: bea",
        "Speech-Language: en-GB",
        "Prosody-Rate: fast",
        "Vendor-Specific-Parameters: com.example.b=3",
    ];
    let request = crate::common::request(Resource::SpeechSynth, "SPEAK 2", &own, "Hello.");
    ladder.machine.handle_input(ladder.clock.now(), Input::Request(request));
    let Some(Output::Prepare { speech, .. }) = ladder.machine.poll_output() else { panic!("a SPEAK is prepared") };
    assert_eq!((speech.voice.name.as_deref(), speech.voice.age), (Some("bea"), Some(30)));
    assert_eq!((speech.speech_language.as_deref(), speech.prosody.rate.as_deref()), (Some("en-GB"), Some("fast")));
    let vendor: Vec<_> = speech.vendor.iter().collect();
    assert_eq!(vendor, [("com.example.a", "1"), ("com.example.b", "3")]);
    assert_eq!((speech.kill_on_barge_in, &speech.content.body[..]), (true, &b"Hello."[..]));
}

#[test]
fn a_header_of_another_method_is_not_looked_at() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &["Load-Lexicon: http://192.0.2.1/lex.pls", "Voice-Gender: female"]);
}

#[test]
fn what_we_cannot_do_is_refused_and_not_ignored() {
    let mut ladder = Ladder::new();
    ladder.ask(1, &["Jump-Size: +3 Second"]);
    ladder.ask(2, &["Speak-Length: 5 Second"]);
    ladder.ask(3, &["Voice-Gender: robot"]);
    ladder.send("SPEAK 4", &[], "Hello.");
    ladder.send("SPEAK 5", &["Content-Type: text/plain", "Content-Encoding: br"], "Hello.");
    for (index, method) in ["CONTROL", "DEFINE-LEXICON", "RECOGNIZE", "speak"].iter().enumerate() {
        ladder.send(&format!("{method} {}", index + 6), &[], "");
    }
    ladder.expect(&[
        "< 1 409 COMPLETE | Jump-Size: +3 Second",
        "< 2 409 COMPLETE | Speak-Length: 5 Second",
        "< 3 404 COMPLETE | Voice-Gender: robot",
        "< 4 406 COMPLETE | Content-Type:",
        "< 5 408 COMPLETE | Completion-Cause: 004 error | \
         Completion-Reason: \"the content encoding is not supported\"",
        "< 6 401 COMPLETE",
        "< 7 401 COMPLETE",
        "< 8 401 COMPLETE",
        "< 9 401 COMPLETE",
    ]);
}

#[test]
fn a_prompt_of_nothing_is_prepared_like_any_other() {
    let mut ladder = Ladder::new();
    ladder.send("SPEAK 1", &["Content-Type: text/plain"], "");
    ladder.expect(&["prepare 1 text/plain"]);
}
