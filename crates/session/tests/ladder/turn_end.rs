//! A conversation says how its RECOGNIZE waits.

use std::time::Duration;

use mrcp::HeaderName;
use session::{CallerSound, FromConversation, Heard, Input, Output, ToConversation};

use super::*;

fn finishes(ladder: &Ladder) -> bool {
    ladder.outputs.iter().any(|output| matches!(output, Output::FinishListening { .. }))
}

/// A RECOGNIZE with these headers, of a conversation that is told that the caller paused 180 ms ago.
fn paused(headers: Vec<(HeaderName, &'static str)>) -> (Ladder, session::ListenKey, session::PartKey) {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let headers: Vec<_> = [URI_LIST].into_iter().chain(headers).collect();
    ladder.send(Method::Recognize, &headers, "builtin:speech/dialog?conversation=c7");
    let key = ladder.listen_key();
    let part = ladder
        .outputs
        .iter()
        .find_map(|output| match output {
            Output::Converse { part, what: ToConversation::ListenerAttached { .. } } => Some(*part),
            _ => None,
        })
        .expect("it listens");
    ladder.input(Input::Heard { key, heard: Heard::SpeechStarted { offset: Duration::ZERO } });
    ladder.input(Input::Conversation { part, what: FromConversation::YieldFloor });
    ladder.pass(400);
    let (offset, silence) = (Duration::from_millis(400), Duration::from_millis(180));
    ladder.input(Input::Heard { key, heard: Heard::SpeechEnded { offset, silence } });
    ladder.outputs.clear();
    let hypotheses = vec![Hypothesis::new("my number is", 0.8, Language::English)];
    ladder.input(Input::Heard { key, heard: Heard::Hypotheses { hypotheses: hypotheses.clone(), is_final: false } });
    let told = ladder.outputs.iter().any(
        |output| matches!(output, Output::Converse { what: ToConversation::Sound(CallerSound::Words { hypotheses: heard }), .. } if *heard == hypotheses),
    );
    assert!(told, "the conversation judges the words");
    (ladder, key, part)
}

fn silence(ms: u64, is_complete: bool) -> FromConversation {
    FromConversation::AwaitSilence { silence: Duration::from_millis(ms), is_complete }
}

#[test]
fn the_silence_that_the_conversation_wants_ends_the_turn() {
    for (ms, is_complete) in [(300, true), (1500, false)] {
        let (mut ladder, _, part) = paused(Vec::new());
        ladder.input(Input::Conversation { part, what: silence(ms, is_complete) });
        ladder.pass(ms - 180 - 1);
        assert!(!finishes(&ladder), "{ms}");
        ladder.pass(1);
        assert!(finishes(&ladder), "{ms}");
    }
}

#[test]
fn without_a_word_of_the_conversation_the_incomplete_time_out_ends_the_turn() {
    let (mut ladder, _, _) = paused(vec![(HeaderName::SpeechIncompleteTimeout, "900")]);
    ladder.pass(900 - 180 - 1);
    assert!(!finishes(&ladder));
    ladder.pass(1);
    assert!(finishes(&ladder));
}

#[test]
fn the_time_out_of_the_client_is_the_upper_bound() {
    let (mut ladder, _, part) = paused(vec![(HeaderName::SpeechCompleteTimeout, "400")]);
    ladder.input(Input::Conversation { part, what: silence(2000, true) });
    ladder.pass(400 - 180);
    assert!(finishes(&ladder));
}

#[test]
fn a_caller_who_goes_on_is_heard_to_the_next_pause() {
    let (mut ladder, key, part) = paused(Vec::new());
    ladder.input(Input::Conversation { part, what: silence(300, true) });
    ladder.input(Input::Heard { key, heard: Heard::SpeechResumed });
    ladder.pass(5_000);
    assert!(!finishes(&ladder));
}

#[test]
fn words_that_are_likely_reach_the_engine_and_a_shorter_wait_the_recognizer() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(
        Method::Recognize,
        &[URI_LIST, (HeaderName::NoInputTimeout, "8000")],
        "builtin:speech/dialog?conversation=c7",
    );
    let key = ladder.listen_key();
    let part = ladder
        .outputs
        .iter()
        .find_map(|output| match output {
            Output::Converse { part, what: ToConversation::ListenerAttached { .. } } => Some(*part),
            _ => None,
        })
        .expect("it listens");
    let hints = vec!["Herceptin".to_owned()];
    let no_input_timeout = Some(Duration::from_secs(3));
    ladder.outputs.clear();
    ladder.input(Input::Conversation {
        part,
        what: FromConversation::ListenFor { no_input_timeout, hints: hints.clone() },
    });
    let told = ladder
        .outputs
        .iter()
        .any(|output| matches!(output, Output::Expect { key: of, phrases } if *of == key && *phrases == hints));
    assert!(told);
    ladder.pass(2_999);
    assert!(ladder.messages().is_empty());
    ladder.pass(1);
    assert_eq!(ladder.messages(), ["RECOGNITION-COMPLETE COMPLETE 002 no-input-timeout"]);
}
