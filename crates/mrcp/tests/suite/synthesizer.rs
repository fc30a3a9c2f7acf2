//! Ladders of the synthesizer (RFC 6787 §8), with the exchanges that stock clients make.

use crate::common::synthesizer::Ladder;
use mrcp::synthesizer::{
    ControlRefused, Failure, FailureKind, Input, JumpSize, NtpAnchor, Output, SpeakLength, SynthesizerConfig,
};
use mrcp::{HeaderName, RequestId, Resource};

/// The event of a SPEAK that was PENDING, from a machine that was not told the time.
fn started(id: u32) -> String {
    format!("< SPEECH-MARKER {id} IN-PROGRESS | Speech-Marker: timestamp=0")
}

fn complete(id: u32, cause: &str) -> String {
    format!("< SPEAK-COMPLETE {id} COMPLETE | Completion-Cause: {cause}")
}

#[test]
fn syn_003_syn_004_a_prompt_is_spoken_and_completes_after_the_tail() {
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
fn syn_001_audio_starts_only_after_the_response_in_progress() {
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
fn syn_036_syn_037_markup_that_fails_is_told_in_the_response() {
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
fn syn_002_prompts_are_spoken_in_order_without_a_pause_between() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &[]);
    ladder.speak_pending(3, &[]);
    ladder.wait(1000);
    ladder.finished(1, Ok(()));
    ladder.expect_at(1000, &[&complete(1, "000 normal"), &started(2), "start 2"]);
    ladder.wait(1000);
    ladder.finished(2, Ok(()));
    ladder.expect_at(2000, &[&complete(2, "000 normal"), &started(3), "start 3"]);
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
fn syn_010_stop_without_a_list_ends_everything_without_events() {
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
fn syn_011_stop_with_nothing_to_stop_is_200_without_a_list() {
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
fn syn_012_stop_of_the_active_one_lets_the_next_begin() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &[]);
    ladder.send("STOP 3", &["Active-Request-Id-List: 1"], "");
    ladder.expect(&["stop 1", "< 3 200 COMPLETE | Active-Request-Id-List: 1", &started(2), "start 2"]);
}

#[test]
fn syn_012_stop_of_a_paused_one_leaves_the_next_paused() {
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
        &started(2),
        "start 2",
        "pause 2",
        "resume 2",
        "< 5 200 COMPLETE | Active-Request-Id-List: 2",
    ]);
}

#[test]
fn syn_013_stop_of_a_waiting_one_leaves_the_active_one_alone() {
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
fn syn_019_syn_020_pause_and_resume_follow_the_state_table() {
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
fn syn_014_barge_in_occurred_ends_everything_if_the_active_one_allows() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &["Kill-On-Barge-In: false"]);
    ladder.send("BARGE-IN-OCCURRED 3", &["Proxy-Sync-Id: 987654321"], "");
    ladder.wait(60_000);
    ladder.expect(&["stop 1", "stop 2", "< 3 200 COMPLETE | Active-Request-Id-List: 1,2"]);
}

#[test]
fn syn_015_syn_016_barge_in_occurred_ends_nothing_if_the_active_one_forbids() {
    let mut ladder = Ladder::new();
    ladder.send("BARGE-IN-OCCURRED 1", &[], "");
    ladder.speak_silently(2, &["Kill-On-Barge-In: false"]);
    ladder.send("BARGE-IN-OCCURRED 3", &[], "");
    ladder.expect(&["< 1 200 COMPLETE", "< 2 200 IN-PROGRESS", "start 2", "< 3 200 COMPLETE"]);
}

#[test]
fn syn_016_kill_on_barge_in_may_be_set_for_the_channel() {
    let mut ladder = Ladder::new();
    ladder.send("SET-PARAMS 1", &["Kill-On-Barge-In: false"], "");
    ladder.expect(&["< 1 200 COMPLETE"]);
    ladder.speak(2, &[]);
    ladder.send("BARGE-IN-OCCURRED 3", &[], "");
    ladder.expect(&["< 3 200 COMPLETE"]);
}

#[test]
fn syn_017_syn_018_a_barge_in_decided_here_completes_with_its_cause_and_without_the_tail() {
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
fn syn_039_a_failure_cancels_what_waits_behind() {
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
fn syn_009_a_start_marker_is_left_out_for_clients_that_take_it_for_an_end() {
    let mut ladder = Ladder::with(SynthesizerConfig { start_markers: false, ..SynthesizerConfig::default() });
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &[]);
    ladder.wait(100);
    ladder.finished(1, Ok(()));
    ladder.expect(&[&complete(1, "000 normal"), "start 2"]);
}

/// A ladder whose machine knows the time, and what that is.
fn timed() -> (Ladder, NtpAnchor) {
    let at = Ladder::new().clock.now();
    let anchor = NtpAnchor { at, ntp: 0xee11_0000_0000_0000 };
    (Ladder::with(SynthesizerConfig { ntp: Some(anchor), ..SynthesizerConfig::default() }), anchor)
}

#[test]
fn syn_007_syn_008_a_mark_is_told_with_the_instant_at_which_it_sounded() {
    let (mut ladder, anchor) = timed();
    let stamp = |ladder: &Ladder| anchor.ntp_at(ladder.clock.now());
    ladder.ask(1, &[]);
    ladder.prepared(1, Ok(()));
    let start = stamp(&ladder);
    ladder.wait(500);
    let at = ladder.clock.now() - std::time::Duration::from_millis(7);
    ladder.input(Input::MarkReached { request_id: RequestId(1), name: "he\nre".to_owned(), at });
    ladder.expect(&[
        "prepare 1 text/plain",
        &format!("< 1 200 IN-PROGRESS | Speech-Marker: timestamp={start}"),
        "start 1",
        &format!("< SPEECH-MARKER 1 IN-PROGRESS | Speech-Marker: timestamp={};he re", anchor.ntp_at(at)),
    ]);
    ladder.finished(1, Ok(()));
    let end = stamp(&ladder);
    ladder.wait(200);
    ladder.expect(&[&format!("{} | Speech-Marker: timestamp={end};he re", complete(1, "000 normal"))]);
}

#[test]
fn syn_005_syn_008_syn_009_every_message_that_must_has_the_time_and_the_last_mark() {
    for ending in ["STOP 4", "BARGE-IN-OCCURRED 4"] {
        let (mut ladder, anchor) = timed();
        let stamp = |ladder: &Ladder| anchor.ntp_at(ladder.clock.now());
        ladder.speak_silently(1, &[]);
        ladder.speak_silently(2, &[]);
        ladder.wait(1000);
        ladder.said.forget("<");
        ladder.finished(1, Ok(()));
        let now = stamp(&ladder);
        ladder.expect(&[
            "start 1",
            &format!("{} | Speech-Marker: timestamp={now}", complete(1, "000 normal")),
            &format!("< SPEECH-MARKER 2 IN-PROGRESS | Speech-Marker: timestamp={now}"),
            "start 2",
        ]);
        let at = ladder.clock.now();
        ladder.input(Input::MarkReached { request_id: RequestId(2), name: "m".to_owned(), at });
        ladder.expect(&[&format!("< SPEECH-MARKER 2 IN-PROGRESS | Speech-Marker: timestamp={now};m")]);
        ladder.wait(100);
        ladder.send("CONTROL 3", &["Jump-Size: +1 Second"], "");
        ladder.controlled(3, Ok(false));
        let now = stamp(&ladder);
        let list = "200 COMPLETE | Active-Request-Id-List: 2 | Speech-Marker:";
        ladder.expect(&["control 2 by 3: Ahead(1)", &format!("< 3 {list} timestamp={now};m")]);
        ladder.wait(100);
        ladder.send(ending, &[], "");
        let now = stamp(&ladder);
        ladder.expect(&["stop 2", &format!("< 4 {list} timestamp={now};m")]);
    }
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
fn syn_052_closing_completes_what_is_open_and_ends_everything() {
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
fn syn_053_the_queue_is_bounded() {
    let mut ladder = Ladder::with(SynthesizerConfig { pending_max: 1, ..SynthesizerConfig::default() });
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &[]);
    ladder.ask(3, &[]);
    let reason = "Completion-Reason: \"too many requests are waiting\"";
    ladder.expect(&[&format!("< 3 407 COMPLETE | Completion-Cause: 004 error | {reason}")]);
}

#[test]
fn syn_029_the_request_beats_the_channel_and_the_channel_beats_the_default() {
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
fn syn_026_syn_031_syn_032_what_we_cannot_do_is_refused_and_not_ignored() {
    for (header, expected) in [
        ("Jump-Size: +3 Word", "409"),
        ("Jump-Size: -15 Words", "409"),
        ("Speak-Length: 2 Sentence", "409"),
        ("Speak-Length: 1 Paragraph", "409"),
        ("Jump-Size: three", "404"),
        ("Speak-Length: -5 Second", "404"),
        ("Voice-Gender: robot", "404"),
        ("Voice-Age: 1a", "404"),
        ("Voice-Variant: -1", "404"),
        ("Speech-Language: en_US", "404"),
        ("Prosody-Rate: rapidly", "404"),
        ("Prosody-Volume: 11 apples", "404"),
        ("Prosody-Contour: (0%,+20Hz)", "403"),
        ("Prosody-Range: high", "403"),
        ("Prosody-Duration: 3s", "403"),
        ("Speaker-Profile: http://192.0.2.1/anna", "403"),
        ("Lexicon-Search-Order: http://192.0.2.1/a.pls", "404"),
    ] {
        let mut ladder = Ladder::new();
        ladder.ask(1, &[header]);
        ladder.expect(&[&format!("< 1 {expected} COMPLETE | {header}")]);
    }
}

#[test]
fn syn_031_the_voice_headers_of_the_rfc_are_taken_and_a_voice_that_is_not_there_is_refused() {
    let config =
        SynthesizerConfig { voices: vec!["amy".to_owned(), "tall bob".to_owned()], ..SynthesizerConfig::default() };
    for name in ["amy", "AMY", "default", "tall bob", "carol amy"] {
        let mut ladder = Ladder::with(config.clone());
        let own = [&format!("Voice-Name: {name}"), "Voice-Gender: neutral", "Voice-Age: 25", "Voice-Variant: 2"];
        ladder.speak(1, &own.map(|header| header as &str));
    }
    let mut ladder = Ladder::with(config);
    ladder.ask(1, &["Voice-Name: carol"]);
    ladder.send("SET-PARAMS 2", &["Voice-Name: carol"], "");
    ladder.expect(&["< 1 409 COMPLETE | Voice-Name: carol", "< 2 409 COMPLETE | Voice-Name: carol"]);
}

#[test]
fn syn_042_a_speaker_profile_is_refused_wherever_it_stands() {
    let mut ladder = Ladder::new();
    ladder.send("SET-PARAMS 1", &["Speaker-Profile: http://192.0.2.1/anna"], "");
    ladder.send("GET-PARAMS 2", &["Speaker-Profile:"], "");
    ladder.ask(3, &["Speaker-Profile: http://192.0.2.1/anna"]);
    ladder.expect(&[
        "< 1 403 COMPLETE | Speaker-Profile: http://192.0.2.1/anna",
        "< 2 403 COMPLETE | Speaker-Profile:",
        "< 3 403 COMPLETE | Speaker-Profile: http://192.0.2.1/anna",
    ]);
}

#[test]
fn bodies_without_a_type_or_in_an_unknown_coding_and_methods_of_others_are_refused() {
    let mut ladder = Ladder::new();
    ladder.send("SPEAK 4", &[], "Hello.");
    ladder.send("SPEAK 5", &["Content-Type: text/plain", "Content-Encoding: br"], "Hello.");
    for (index, method) in ["RECOGNIZE", "speak"].iter().enumerate() {
        ladder.send(&format!("{method} {}", index + 6), &[], "");
    }
    ladder.expect(&[
        "< 4 406 COMPLETE | Content-Type:",
        "< 5 408 COMPLETE | Completion-Cause: 004 error | \
         Completion-Reason: \"the content encoding is not supported\"",
        "< 6 401 COMPLETE",
        "< 7 401 COMPLETE",
    ]);
}

#[test]
fn syn_021_control_changes_what_is_being_spoken_and_nothing_else() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &[]);
    ladder.send("CONTROL 3", &["Prosody-Rate: fast", "Prosody-Volume: +10%", "Speak-Length: 5 Second"], "");
    ladder.expect(&["control 1 by 3: Seconds(5), rate fast, volume +10%"]);
    ladder.wait(30);
    ladder.expect_nothing();
    ladder.controlled(3, Ok(false));
    ladder.expect(&["< 3 200 COMPLETE | Active-Request-Id-List: 1"]);
}

#[test]
fn syn_022_control_with_nothing_in_progress_is_402() {
    let mut ladder = Ladder::new();
    ladder.send("CONTROL 1", &["Jump-Size: +3 Second"], "");
    ladder.ask(2, &[]);
    ladder.send("CONTROL 3", &["Jump-Size: +3 Second"], "");
    ladder.expect(&["< 1 402 COMPLETE", "prepare 2 text/plain", "< 3 402 COMPLETE"]);
}

#[test]
fn syn_021_a_paused_speak_is_controlled_like_a_speaking_one() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.send("PAUSE 2", &[], "");
    ladder.send("CONTROL 3", &["Jump-Size: here Tag"], "");
    ladder.controlled(3, Ok(false));
    ladder.expect(&[
        "pause 1",
        "< 2 200 COMPLETE | Active-Request-Id-List: 1",
        "control 1 by 3: Tag(\"here\")",
        "< 3 200 COMPLETE | Active-Request-Id-List: 1",
    ]);
}

#[test]
fn syn_023_a_jump_past_the_end_is_answered_before_the_completion_and_the_next_begins() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.speak_pending(2, &[]);
    ladder.wait(100);
    ladder.send("CONTROL 3", &["Jump-Size: +9999 Second"], "");
    ladder.controlled(3, Ok(false));
    ladder.finished(1, Ok(()));
    ladder.expect(&[
        "control 1 by 3: Ahead(9999)",
        "< 3 200 COMPLETE | Active-Request-Id-List: 1",
        &complete(1, "000 normal"),
        &started(2),
        "start 2",
    ]);
}

#[test]
fn syn_024_a_jump_before_the_start_says_that_it_restarts() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.send("CONTROL 2", &["Jump-Size: -9999 Second"], "");
    ladder.controlled(2, Ok(true));
    ladder
        .expect(&["control 1 by 2: Back(9999)", "< 2 200 COMPLETE | Active-Request-Id-List: 1 | Speak-Restart: true"]);
}

#[test]
fn syn_025_syn_027_a_speak_begins_and_ends_where_its_headers_say() {
    let mut ladder = Ladder::new();
    let own = ["Content-Type: text/plain", "Jump-Size: +3 Second", "Speak-Length: here Tag"];
    let request = crate::common::request(Resource::SpeechSynth, "SPEAK 1", &own, "Hello.");
    ladder.machine.handle_input(ladder.clock.now(), Input::Request(request));
    let Some(Output::Prepare { speech, .. }) = ladder.machine.poll_output() else { panic!("a SPEAK is prepared") };
    assert_eq!(speech.jump, Some(JumpSize::Ahead(3)));
    assert_eq!(speech.length, Some(SpeakLength::Tag("here".to_owned())));
    let kind = FailureKind::HeaderValue { name: HeaderName::JumpSize, value: "there Tag".to_owned() };
    ladder.prepared(1, Err(Failure::new(kind, "")));
    ladder.expect(&["< 1 409 COMPLETE | Jump-Size: there Tag"]);
}

#[test]
fn syn_026_a_jump_that_this_speech_cannot_have_is_409() {
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.send("CONTROL 2", &["Jump-Size: nowhere Tag"], "");
    ladder.controlled(2, Err(ControlRefused));
    ladder.expect(&[
        "control 1 by 2: Tag(\"nowhere\")",
        "< 2 409 COMPLETE | Jump-Size: nowhere Tag | Active-Request-Id-List: 1",
    ]);
    ladder.send("CONTROL 3", &["Jump-Size: -15 Words"], "");
    ladder.expect(&["< 3 409 COMPLETE | Jump-Size: -15 Words"]);
}

#[test]
fn syn_028_a_voice_is_not_changed_on_the_fly() {
    for header in
        ["Voice-Name: amy", "Voice-Gender: male", "Voice-Age: 30", "Voice-Variant: 2", "Prosody-Contour: (0%,+20Hz)"]
    {
        let mut ladder = Ladder::new();
        ladder.speak(1, &[]);
        ladder.send("CONTROL 2", &[header], "");
        ladder.expect(&[&format!("< 2 403 COMPLETE | {header}")]);
    }
}

#[test]
fn an_end_answers_the_control_that_is_still_open() {
    let control = ["control 1 by 2: Ahead(3)", "< 2 200 COMPLETE | Active-Request-Id-List: 1"];
    for (end, expected) in [
        (Input::BargedIn, vec!["stop 1", "< 2", "< SPEAK-COMPLETE 1"]),
        (Input::Close, vec!["< 2", "stop 1", "< SPEAK-COMPLETE 1"]),
    ] {
        let mut ladder = Ladder::new();
        ladder.speak(1, &[]);
        ladder.wait(100);
        ladder.send("CONTROL 2", &["Jump-Size: +3 Second"], "");
        ladder.expect(&control[..1]);
        ladder.input(end);
        ladder.expect_beginnings(&expected);
        ladder.controlled(2, Ok(false));
        ladder.expect_nothing();
    }
    let mut ladder = Ladder::new();
    ladder.speak(1, &[]);
    ladder.send("CONTROL 2", &["Jump-Size: +3 Second"], "");
    ladder.send("STOP 3", &[], "");
    ladder.expect(&[control[0], control[1], "stop 1", "< 3 200 COMPLETE | Active-Request-Id-List: 1"]);
}

#[test]
fn syn_043_a_lexicon_is_defined_while_idle_only() {
    let mut ladder = Ladder::new();
    let own = ["Content-Type: application/pls+xml", "Content-ID: <names>"];
    ladder.send("DEFINE-LEXICON 1", &own, "<lexicon/>");
    ladder.lexicon_defined(1, Ok(()));
    ladder.send("DEFINE-LEXICON 2", &own, "<lexicon/>");
    ladder.lexicon_defined(2, Err(Failure::new(FailureKind::Lexicon { uri: None }, "no lexicon")));
    ladder.expect(&[
        "load 1 names",
        "< 1 200 COMPLETE",
        "load 2 names",
        "< 2 407 COMPLETE | Completion-Cause: 006 lexicon-load-failure | Completion-Reason: \"no lexicon\"",
    ]);
    ladder.speak(3, &[]);
    ladder.send("DEFINE-LEXICON 4", &own, "<lexicon/>");
    ladder.send("PAUSE 5", &[], "");
    ladder.send("DEFINE-LEXICON 6", &own, "<lexicon/>");
    ladder.expect(&["< 4 402 COMPLETE", "pause 3", "< 5 200 COMPLETE | Active-Request-Id-List: 3", "< 6 402 COMPLETE"]);
}

#[test]
fn syn_044_load_lexicon_is_true_by_default_and_false_unloads() {
    let mut ladder = Ladder::new();
    ladder.send("DEFINE-LEXICON 1", &["Load-Lexicon: false", "Content-ID: <names>"], "");
    ladder.lexicon_defined(1, Ok(()));
    ladder.send("DEFINE-LEXICON 2", &["Load-Lexicon: maybe", "Content-ID: <names>"], "");
    ladder.expect(&["unload 1 names", "< 1 200 COMPLETE", "< 2 404 COMPLETE | Load-Lexicon: maybe"]);
}

#[test]
fn syn_046_an_inline_lexicon_needs_a_name() {
    let mut ladder = Ladder::new();
    ladder.send("DEFINE-LEXICON 1", &["Content-Type: application/pls+xml"], "<lexicon/>");
    ladder.send("DEFINE-LEXICON 2", &["Content-ID: <names>"], "<lexicon/>");
    ladder.send("DEFINE-LEXICON 3", &["Content-Type: text/uri-list"], "http://192.0.2.1/a.pls");
    ladder.expect(&["< 1 406 COMPLETE | Content-ID:", "< 2 406 COMPLETE | Content-Type:", "load 3 unnamed"]);
}

#[test]
fn syn_043_a_lexicon_that_does_not_come_in_time_is_a_failure() {
    let mut ladder = Ladder::new();
    ladder.send("DEFINE-LEXICON 1", &["Content-Type: text/uri-list"], "http://192.0.2.1/a.pls");
    ladder.wait(10_000);
    let reason = "Completion-Reason: \"the lexicon was not loaded in time\"";
    ladder.expect(&[
        "load 1 unnamed",
        "stop 1",
        &format!("< 1 407 COMPLETE | Completion-Cause: 006 lexicon-load-failure | {reason}"),
    ]);
}

#[test]
fn syn_045_the_search_order_of_lexicons_is_a_parameter() {
    let mut ladder = Ladder::new();
    ladder.send("SET-PARAMS 1", &["Lexicon-Search-Order: <session:a> <http://192.0.2.1/b.pls>"], "");
    ladder.expect(&["< 1 200 COMPLETE"]);
    let request = crate::common::request(Resource::SpeechSynth, "SPEAK 2", &["Content-Type: text/plain"], "Hello.");
    ladder.machine.handle_input(ladder.clock.now(), Input::Request(request));
    let Some(Output::Prepare { speech, .. }) = ladder.machine.poll_output() else { panic!("a SPEAK is prepared") };
    assert_eq!(speech.lexicons, Some(vec!["session:a".to_owned(), "http://192.0.2.1/b.pls".to_owned()]));
}

#[test]
fn syn_051_a_prompt_of_nothing_is_prepared_like_any_other() {
    let mut ladder = Ladder::new();
    ladder.send("SPEAK 1", &["Content-Type: text/plain"], "");
    ladder.expect(&["prepare 1 text/plain"]);
}
