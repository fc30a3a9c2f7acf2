//! Ladders of hotword mode (RFC 6787 §9, §9.9): other speech and other keys pass, the timers with them.

use crate::common::recognizer::{BOTH, DTMF, Ladder, SPEECH};
use mrcp::RequestId;
use mrcp::recognizer::{Input, InputMatch, Verdict};

const COMPLETE: InputMatch = InputMatch::Complete { can_grow: false };

fn complete(id: u32, cause: &str) -> String {
    format!("< RECOGNITION-COMPLETE {id} COMPLETE | Completion-Cause: {cause}")
}

fn hotword(modes: mrcp::recognizer::InputModes, headers: &[&str]) -> Ladder {
    let mut ladder = Ladder::new();
    let mut all = vec!["Recognition-Mode: hotword"];
    all.extend(headers);
    ladder.recognize(1, modes, &all);
    ladder.wait(100);
    ladder
}

#[test]
fn rec_011_rec_025_rec_045_the_first_match_completes_without_start_of_input() {
    let mut ladder = hotword(SPEECH, &[]);
    ladder.speech_started(1);
    ladder.wait(700);
    ladder.matched(1, InputMatch::Prefix);
    ladder.expect_nothing();
    // In the middle of a sentence.
    ladder.matched(1, COMPLETE);
    ladder.expect_at(800, &["finish 1 speech"]);
    ladder.recognized(1, Verdict::Match, "");
    ladder.expect(&["stop-listening 1", &complete(1, "000 success")]);
}

#[test]
fn rec_019_silence_ends_hotword_mode_with_no_input() {
    let mut ladder = hotword(SPEECH, &["No-Input-Timeout: 3000"]);
    ladder.wait(2_899);
    ladder.expect_nothing();
    ladder.wait(1);
    ladder.expect(&["stop-listening 1", &complete(1, "002 no-input-timeout")]);
}

#[test]
fn rec_024_other_speech_passes_and_the_recognition_timeout_begins_again_with_the_next() {
    let mut ladder = hotword(SPEECH, &["Recognition-Timeout: 4000", "Speech-Incomplete-Timeout: 800"]);
    ladder.speech_started(1);
    ladder.wait(3_000);
    ladder.speech_ended(1, 0);
    ladder.matched(1, InputMatch::Prefix);
    ladder.wait(800);
    ladder.expect_at(3_900, &["listen-again 1"]);
    // Neither time-out runs while nobody speaks: the caller has been heard, and has not said the word.
    ladder.wait(60_000);
    ladder.expect_nothing();
    ladder.speech_started(1);
    ladder.wait(3_900);
    ladder.expect_nothing();
    ladder.matched(1, COMPLETE);
    ladder.recognized(1, Verdict::Match, "");
    ladder.expect(&["finish 1 speech", "stop-listening 1", &complete(1, "000 success")]);
}

#[test]
fn rec_023_speech_without_end_ends_with_hotword_maxtime_or_success_maxtime() {
    for (verdict, cause) in [
        (Verdict::NoMatch, "003 hotword-maxtime"),
        (Verdict::PartialMatch, "003 hotword-maxtime"),
        (Verdict::Match, "008 success-maxtime"),
    ] {
        let mut ladder = hotword(SPEECH, &["Recognition-Timeout: 4000"]);
        ladder.speech_started(1);
        ladder.wait(3_999);
        ladder.expect_nothing();
        ladder.wait(1);
        ladder.expect(&["finish 1 speech"]);
        ladder.recognized(1, verdict, "");
        ladder.expect(&["stop-listening 1", &complete(1, cause)]);
    }
}

#[test]
fn an_utterance_that_the_engine_has_not_judged_is_judged_when_it_has_ended() {
    let mut ladder = hotword(SPEECH, &["Speech-Incomplete-Timeout: 500"]);
    for _ in 0..2 {
        ladder.speech_started(1);
        ladder.wait(400);
        ladder.speech_ended(1, 0);
        ladder.wait(500);
        ladder.expect(&["finish 1 speech"]);
        ladder.recognized(1, Verdict::NoMatch, "");
        ladder.expect(&["listen-again 1"]);
    }
}

#[test]
fn rec_047_utterances_shorter_or_longer_than_a_hotword_do_not_count() {
    let bounds = ["Hotword-Min-Duration: 400", "Hotword-Max-Duration: 1500", "Speech-Complete-Timeout: 300"];
    for (ms, counts) in [(399, false), (400, true), (1_500, true), (1_501, false)] {
        let mut ladder = hotword(SPEECH, &bounds);
        ladder.speech_started(1);
        ladder.wait(ms);
        ladder.speech_ended(1, 0);
        ladder.matched(1, COMPLETE);
        if counts {
            ladder.expect(&["finish 1 speech"]);
        } else {
            ladder.wait(300);
            ladder.expect(&["listen-again 1"]);
        }
    }
}

#[test]
fn rec_047_a_match_in_running_speech_waits_for_the_least_length() {
    let mut ladder = hotword(SPEECH, &["Hotword-Min-Duration: 1000"]);
    ladder.speech_started(1);
    ladder.wait(999);
    ladder.matched(1, COMPLETE);
    ladder.expect_nothing();
    ladder.wait(1);
    ladder.matched(1, COMPLETE);
    ladder.expect(&["finish 1 speech"]);
}

#[test]
fn rec_047_the_lengths_of_a_hotword_mean_nothing_in_normal_mode() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &["Hotword-Min-Duration: 5000", "Hotword-Max-Duration: 6000"]);
    ladder.wait(100);
    ladder.speech_started(1);
    ladder.recognized(1, Verdict::Match, "");
    ladder.said.forget("< START-OF-INPUT");
    ladder.expect(&["stop-listening 1", &complete(1, "000 success")]);
}

#[test]
fn keys_are_looked_through_for_the_sequence_without_start_of_input() {
    let mut ladder = hotword(DTMF, &[]);
    ladder.press("5");
    ladder.expect(&["match 1 5"]);
    ladder.dtmf_matched(1, "5", InputMatch::NoMatch);
    ladder.press("12");
    ladder.expect(&["match 1 1"]);
    ladder.dtmf_matched(1, "1", InputMatch::Prefix);
    ladder.expect(&["match 1 12"]);
    ladder.dtmf_matched(1, "12", InputMatch::NoMatch);
    // The sequence may begin with the second key.
    ladder.expect(&["match 1 2"]);
    ladder.dtmf_matched(1, "2", InputMatch::Complete { can_grow: true });
    ladder.expect(&["finish 1 dtmf 2"]);
    ladder.recognized(1, Verdict::Match, "");
    ladder.expect(&["stop-listening 1", &complete(1, "000 success")]);
}

#[test]
fn keys_that_lead_nowhere_are_forgotten_after_the_interdigit_timeout() {
    let mut ladder =
        hotword(BOTH, &["DTMF-Interdigit-Timeout: 2000", "DTMF-Term-Char: #", "Recognition-Timeout: 1500"]);
    ladder.press("1");
    ladder.dtmf_matched(1, "1", InputMatch::Prefix);
    ladder.expect(&["match 1 1"]);
    ladder.press("#");
    ladder.expect(&["listen-again 1"]);
    ladder.wait(10_000);
    ladder.expect_nothing();
    ladder.speech_started(1);
    ladder.input(Input::Matched { request_id: RequestId(1), found: COMPLETE });
    ladder.expect(&["finish 1 speech"]);
}

#[test]
fn stop_ends_hotword_mode_too() {
    let mut ladder = hotword(SPEECH, &[]);
    ladder.speech_started(1);
    ladder.send("STOP 2", &[], "");
    ladder.expect(&["stop-listening 1", "< 2 200 COMPLETE | Active-Request-Id-List: 1"]);
}
