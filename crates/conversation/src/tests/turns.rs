use serde_json::json;
use speech::Language;

use super::*;
use crate::{Label, TurnKind};

#[test]
fn the_first_speak_asks_for_the_greeting_and_speaks_it_as_it_comes() {
    let mut call = Call::new();
    let details = CallDetails {
        language: Some(Language::Chinese),
        flow: Some("follow-up".to_owned()),
        variables: vec![("name".to_owned(), "Ann".to_owned())],
        ..CallDetails::default()
    };
    let outputs = call.send(Input::SpeakerAttached { speaker: SpeakerKey(1), details: details.clone() });
    assert_eq!(outputs, [Output::Service(ServiceCommand::Start(details))]);
    assert_eq!(said(&call.send(text(0, "您好，这里是术后随访中心。"))).concat(), "您好，这里是术后随访中心。");
    assert_eq!(call.send(ended(0)), [reply_ended(1)]);
    assert_eq!(call.send(played_out(1)), []);
}

#[test]
fn a_reply_in_small_pieces_is_spoken_clause_by_clause() {
    let mut call = Call::new();
    call.send(speaks(1));
    let mut clauses = Vec::new();
    for piece in ["How ", "are you", " today? I ", "am calling about your operation", "."] {
        let outputs = call.send(service(0, ServiceEvent::Text(TextPiece::plain(piece))));
        clauses.extend(said(&outputs).into_iter().map(str::to_owned));
    }
    let outputs = call.send(ended(0));
    clauses.extend(said(&outputs).into_iter().map(str::to_owned));
    assert_eq!(clauses.join(" "), "How are you today? I am calling about your operation.");
    assert!(clauses.len() >= 2, "{clauses:?}");
    assert_eq!(outputs.last(), Some(&reply_ended(1)));
}

#[test]
fn clauses_are_numbered_and_keep_their_style() {
    let mut call = Call::new();
    call.send(speaks(1));
    let piece = TextPiece {
        text: "请不要挂断。".to_owned(),
        language: Some(Language::Chinese),
        voice: Some("li".to_owned()),
        barge_in: Some(BargeIn::NotAllowed),
        cacheable: true,
        clause_end: true,
        ssml: None,
    };
    call.send(text(0, "One moment please."));
    let outputs = call.send(service(0, ServiceEvent::Text(piece)));
    let [Output::Say { clause, .. }] = outputs.as_slice() else { panic!("{outputs:?}") };
    assert_eq!((clause.index, clause.language, clause.voice.as_deref()), (1, Language::Chinese, Some("li")));
    assert!(clause.barge_in == BargeIn::NotAllowed && clause.cacheable);
}

#[test]
fn when_the_turn_ends_the_result_leaves_and_the_service_has_the_turn() {
    let mut call = Call::greeted();
    assert_eq!(call.send(listens(1)), []);
    call.clock.advance(1500);
    let outputs = call.send(says(1, "I am fine"));
    let turn = taken(&outputs);
    assert_eq!((turn.turn, turn.kind, turn.transcript.as_str()), (TurnId(1), TurnKind::Speech, "I am fine"));
    assert_eq!(turn.turn_ended_ms, 1500);
    assert_eq!(turn.heard, Some(heard(0, "Hello there, how are you today?", true, 0)));
    let instance = turn_result(&outputs, 1).turn.to_instance();
    assert_eq!(instance["transcript"], json!("I am fine"));
    assert_eq!(instance["action"], json!("continue"));
    assert_eq!(instance["turn"], json!(1));
    assert_eq!(instance["language"], json!("en-US"));
}

#[test]
fn the_turn_leaves_before_the_result() {
    let mut call = Call::greeted();
    call.send(listens(1));
    let outputs = call.send(says(1, "fine"));
    assert!(matches!(outputs[0], Output::Service(ServiceCommand::TakeTurn(_))), "{outputs:?}");
    assert!(matches!(outputs[1], Output::CompleteListening { .. }));
}

#[test]
fn a_reply_that_came_before_its_speak_is_spoken_at_once() {
    let mut call = Call::greeted();
    call.send(listens(1));
    call.send(says(1, "fine"));
    assert_eq!(call.send(text(1, "Good to hear.")), []);
    assert_eq!(call.send(ended(1)), []);
    let outputs = call.send(speaks(2));
    assert_eq!(said(&outputs), ["Good to hear."]);
    assert_eq!(outputs.last(), Some(&reply_ended(2)));
}

#[test]
fn a_speak_that_comes_first_streams_the_reply() {
    let mut call = Call::greeted();
    call.send(listens(1));
    call.send(says(1, "fine"));
    assert_eq!(call.send(speaks(2)), []);
    assert_eq!(said(&call.send(text(1, "Good to hear."))), ["Good to hear."]);
    assert_eq!(call.send(ended(1)), [reply_ended(2)]);
}

#[test]
fn a_speak_with_nothing_to_say_ends_at_once() {
    let mut call = Call::greeted();
    assert_eq!(call.send(speaks(2)), [reply_ended(2)]);
    assert_eq!(call.send(played_out(2)), []);
    assert_eq!(call.conversation.counters().late_inputs, 0);
}

#[test]
fn a_second_speak_of_the_same_reply_ends_at_once() {
    let mut call = Call::new();
    call.send(speaks(1));
    call.send(text(0, "Hello there."));
    assert_eq!(call.send(speaks(2)), [reply_ended(2)]);
    assert_eq!(call.send(ended(0)), [reply_ended(1)]);
}

#[test]
fn digits_are_a_turn() {
    let mut call = Call::greeted();
    call.send(listens(1));
    let outputs = call.send(turn(1, CallerInput::Dtmf("6".to_owned())));
    let turn = taken(&outputs);
    assert_eq!((turn.kind, turn.dtmf.as_str(), turn.transcript.as_str()), (TurnKind::Dtmf, "6", ""));
    assert_eq!(turn_result(&outputs, 1).kind, Some(TurnKind::Dtmf));
    assert_eq!(turn_result(&outputs, 1).turn.transcript, "6");
}

#[test]
fn silence_after_the_prompt_is_a_turn() {
    let mut call = Call::greeted();
    call.send(listens(1));
    let outputs = call.send(turn(1, CallerInput::NoInput));
    assert_eq!(taken(&outputs).kind, TurnKind::NoInput);
    assert_eq!(turn_result(&outputs, 1).kind, Some(TurnKind::NoInput));
}

#[test]
fn silence_while_the_robot_speaks_is_no_turn() {
    let mut call = Call::new();
    call.send(speaks(1));
    call.send(listens(1));
    call.send(text(0, "Hello there, this is a long greeting."));
    let outputs = call.send(turn(1, CallerInput::NoInput));
    assert_eq!(turn_result(&outputs, 1).kind, Some(TurnKind::NoInput));
    assert_eq!(outputs.len(), 1, "{outputs:?}");
    assert_eq!(call.send(ended(0)), [reply_ended(1)]);
}

#[test]
fn speech_without_words_is_no_match() {
    let mut call = Call::greeted();
    call.send(listens(1));
    let outputs = call.send(says(1, "  "));
    assert_eq!(taken(&outputs).kind, TurnKind::NoMatch);
}

#[test]
fn a_listener_that_comes_first_lets_the_speaker_bring_the_flow() {
    let mut call = Call::new();
    assert_eq!(call.send(listens(1)), []);
    call.clock.advance(100);
    let details = CallDetails { flow: Some("assistant".to_owned()), ..CallDetails::default() };
    let outputs = call.send(Input::SpeakerAttached { speaker: SpeakerKey(1), details: details.clone() });
    assert_eq!(outputs, [Output::Service(ServiceCommand::Start(details))]);
}

#[test]
fn a_listener_without_a_speaker_begins_after_the_grace() {
    let mut call = Call::new();
    call.send(listens(1));
    assert_eq!(call.wait(299), []);
    assert_eq!(call.wait(1), [Output::Service(ServiceCommand::Start(CallDetails::default()))]);
}

#[test]
fn a_caller_who_speaks_before_the_greeting_begins_the_conversation() {
    let mut call = Call::new();
    call.send(listens(1));
    let outputs = call.send(says(1, "hello?"));
    assert!(matches!(outputs[0], Output::Service(ServiceCommand::Start(_))), "{outputs:?}");
    assert_eq!(taken(&outputs).turn, TurnId(1));
}

#[test]
fn what_the_form_holds_is_in_the_next_result() {
    let mut call = Call::greeted();
    call.send(listens(1));
    call.send(says(1, "six"));
    let form = json!({"pain_score": 6}).as_object().unwrap().clone();
    call.send(service(1, ServiceEvent::Slots(form)));
    call.send(service(1, ServiceEvent::Intent(Label::plain("answer"))));
    call.send(speaks(2));
    call.send(text(1, "And your fever?"));
    call.send(ended(1));
    call.send(played_out(2));
    call.send(listens(2));
    let outputs = call.send(says(2, "no"));
    let instance = turn_result(&outputs, 2).turn.to_instance();
    assert_eq!(instance["slots"], json!({"pain_score": 6}));
    assert_eq!(instance["intent"], json!("answer"));
    assert_eq!(instance["turn"], json!(2));
}

#[test]
fn a_stopped_speak_that_said_nothing_leaves_the_reply_to_the_next() {
    let mut call = Call::greeted();
    call.send(listens(1));
    call.send(says(1, "fine"));
    call.send(speaks(2));
    assert_eq!(call.send(stopped(2, Progress::default())), []);
    call.send(text(1, "Good to hear."));
    assert_eq!(said(&call.send(speaks(3))), ["Good to hear."]);
}

#[test]
fn a_newer_listener_takes_the_place_of_an_older_one() {
    let mut call = Call::greeted();
    call.send(listens(1));
    let outputs = call.send(listens(2));
    assert_eq!(completion(&outputs, 1), Some(&ListenOutcome::Abandoned));
    assert_eq!(call.send(says(1, "late")), []);
    assert_eq!(call.conversation.counters().late_inputs, 1);
    assert_eq!(turn_result(&call.send(says(2, "fine")), 2).turn.transcript, "fine");
}

#[test]
fn a_listener_that_was_stopped_is_not_completed() {
    let mut call = Call::greeted();
    call.send(listens(1));
    assert_eq!(call.send(Input::ListenerDetached { listener: ListenerKey(1) }), []);
    assert_eq!(call.send(says(1, "late")), []);
}
