//! Ladders of INTERPRET (RFC 6787 §9.20, §9.21).

use crate::common::recognizer::{Ladder, SPEECH};
use mrcp::RequestId;
use mrcp::recognizer::{Failure, FailureKind, Input, Outcome, ResultBody, Verdict};

const LIST: &str = "Content-Type: text/uri-list";
const TEXT: &str = "Interpret-Text: may I speak to Andre Roy";

fn interpreted(ladder: &mut Ladder, id: u32, verdict: Verdict) {
    let result = ResultBody { content_type: "application/nlsml+xml".to_owned(), body: "<result/>".into() };
    let outcome = Outcome { verdict, result: Some(result) };
    ladder.input(Input::Interpreted { request_id: RequestId(id), outcome });
}

/// INTERPRET up to the question to the session.
fn asked(ladder: &mut Ladder, id: u32) {
    ladder.send(&format!("INTERPRET {id}"), &[LIST, TEXT], "builtin:x/y");
    ladder.loaded(id, SPEECH);
    ladder.expect(&[
        &format!("load-to-interpret {id} builtin:x/y"),
        &format!("< {id} 200 IN-PROGRESS"),
        &format!("interpret {id} may I speak to Andre Roy"),
    ]);
}

#[test]
fn rec_060_rec_061_a_text_is_interpreted_and_the_event_keeps_its_distance() {
    let mut ladder = Ladder::new();
    asked(&mut ladder, 1);
    interpreted(&mut ladder, 1, Verdict::Match);
    ladder.expect_nothing();
    ladder.wait(20);
    ladder.expect_at(
        20,
        &["< INTERPRETATION-COMPLETE 1 COMPLETE | Completion-Cause: 000 success | \
            Content-Type: application/nlsml+xml | <result/>"],
    );
    ladder.wait(60_000);
    ladder.expect_nothing();
}

#[test]
fn rec_061_every_verdict_has_its_cause() {
    for (verdict, cause) in [(Verdict::NoMatch, "001 no-match"), (Verdict::SemanticsFailure, "012 semantics-failure")] {
        let mut ladder = Ladder::new();
        asked(&mut ladder, 1);
        ladder.wait(50);
        interpreted(&mut ladder, 1, verdict);
        ladder.expect(&[&format!(
            "< INTERPRETATION-COMPLETE 1 COMPLETE | Completion-Cause: {cause} | \
             Content-Type: application/nlsml+xml | <result/>"
        )]);
    }
}

#[test]
fn rec_060_the_text_and_the_grammars_are_mandatory() {
    let mut ladder = Ladder::new();
    ladder.send("INTERPRET 1", &[LIST], "builtin:x/y");
    ladder.send("INTERPRET 2", &[LIST, "Interpret-Text:"], "builtin:x/y");
    ladder.send("INTERPRET 3", &[TEXT], "");
    ladder.expect(&[
        "< 1 406 COMPLETE | Interpret-Text:",
        "< 2 406 COMPLETE | Interpret-Text:",
        "< 3 406 COMPLETE | Content-Type:",
    ]);
}

#[test]
fn rec_062_another_request_in_progress_makes_it_402() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &[]);
    ladder.send("INTERPRET 2", &[LIST, TEXT], "builtin:x/y");
    ladder.expect(&["< 2 402 COMPLETE"]);
    let mut ladder = Ladder::new();
    asked(&mut ladder, 1);
    ladder.send("INTERPRET 2", &[LIST, TEXT], "builtin:x/y");
    ladder.expect(&["< 2 402 COMPLETE"]);
}

#[test]
fn a_recognition_may_begin_while_a_text_is_interpreted() {
    let mut ladder = Ladder::new();
    asked(&mut ladder, 1);
    ladder.recognize(2, SPEECH, &[]);
    ladder.wait(50);
    interpreted(&mut ladder, 1, Verdict::Match);
    ladder.said.forget("< INTERPRETATION-COMPLETE 1");
    ladder.expect_nothing();
    assert_eq!(ladder.machine.active_request(), Some(RequestId(2)));
}

#[test]
fn the_result_of_a_recognition_outlives_an_interpretation() {
    let mut ladder = Ladder::new();
    ladder.recognize(1, SPEECH, &[]);
    ladder.wait(50);
    ladder.recognized(1, Verdict::Match, "<heard/>");
    ladder.said.take();
    asked(&mut ladder, 2);
    ladder.send("GET-RESULT 3", &[], "");
    ladder.expect(&["recompute 3"]);
}

#[test]
fn rec_063_a_uri_is_that_of_a_part_of_the_body() {
    let body = "--b\r\nContent-Type: text/uri-list\r\n\r\nbuiltin:x/y\r\n--b\r\nContent-Type: text/plain\r\n\
                Content-ID: <t1@client>\r\n\r\nmay I speak to Andre Roy\r\n--b--\r\n";
    let multipart = "Content-Type: multipart/mixed; boundary=b";
    for uri in ["cid:t1@client", "session:t1@client"] {
        let mut ladder = Ladder::new();
        ladder.send("INTERPRET 1", &[multipart, &format!("Interpret-Text: {uri}")], body);
        ladder.loaded(1, SPEECH);
        ladder.expect(&[
            "load-to-interpret 1 builtin:x/y",
            "< 1 200 IN-PROGRESS",
            "interpret 1 may I speak to Andre Roy",
        ]);
    }
    let mut ladder = Ladder::new();
    ladder.send("INTERPRET 1", &[multipart, "Interpret-Text: cid:t2@client"], body);
    ladder.expect(&["< 1 404 COMPLETE | Interpret-Text: cid:t2@client"]);
}

#[test]
fn rec_063_what_is_no_uri_of_a_part_is_the_text_itself() {
    for text in ["session: one", "http://example.com/text", "tel:123"] {
        let mut ladder = Ladder::new();
        ladder.send("INTERPRET 1", &[LIST, &format!("Interpret-Text: {text}")], "builtin:x/y");
        ladder.loaded(1, SPEECH);
        ladder.expect(&["load-to-interpret 1 builtin:x/y", "< 1 200 IN-PROGRESS", &format!("interpret 1 {text}")]);
    }
}

#[test]
fn grammars_that_fail_are_told_in_the_response() {
    let mut ladder = Ladder::new();
    ladder.send("INTERPRET 1", &[LIST, TEXT], "builtin:x/y");
    let outcome = Err(Failure::new(FailureKind::Compilation, ""));
    ladder.input(Input::GrammarsLoaded { request_id: RequestId(1), outcome });
    ladder.expect(&[
        "load-to-interpret 1 builtin:x/y",
        "< 1 407 COMPLETE | Completion-Cause: 005 grammar-compilation-failure",
    ]);
    ladder.send("INTERPRET 2", &[LIST, TEXT], "builtin:x/y");
    ladder.wait(10_000);
    ladder.loaded(2, SPEECH);
    ladder.expect(&[
        "load-to-interpret 2 builtin:x/y",
        "abandon 2",
        "< 2 407 COMPLETE | Completion-Cause: 004 grammar-load-failure | \
         Completion-Reason: \"the grammars were not loaded in time\"",
    ]);
    ladder.wait(60_000);
    ladder.expect_nothing();
}

#[test]
fn a_text_that_is_never_interpreted_ends_with_an_error() {
    let mut ladder = Ladder::new();
    asked(&mut ladder, 1);
    ladder.wait(10_000);
    ladder.expect(&["< INTERPRETATION-COMPLETE 1 COMPLETE | Completion-Cause: 006 recognizer-error | \
                     Completion-Reason: \"the text was not interpreted in time\""]);
}

#[test]
fn stop_ends_it_without_an_event() {
    let mut ladder = Ladder::new();
    asked(&mut ladder, 1);
    ladder.send("STOP 2", &["Active-Request-Id-List: 1"], "");
    interpreted(&mut ladder, 1, Verdict::Match);
    ladder.wait(60_000);
    ladder.expect(&["< 2 200 COMPLETE | Active-Request-Id-List: 1"]);
    let mut ladder = Ladder::new();
    ladder.send("INTERPRET 1", &[LIST, TEXT], "builtin:x/y");
    ladder.send("STOP 2", &[], "");
    ladder.expect(&[
        "load-to-interpret 1 builtin:x/y",
        "abandon 1",
        "< 1 200 IN-PROGRESS",
        "< 2 200 COMPLETE | Active-Request-Id-List: 1",
    ]);
}

#[test]
fn the_end_of_the_session_completes_it() {
    let mut ladder = Ladder::new();
    asked(&mut ladder, 1);
    ladder.input(Input::Close);
    ladder.expect(&["< INTERPRETATION-COMPLETE 1 COMPLETE | Completion-Cause: 006 recognizer-error"]);
}
