use serde_json::json;

use super::*;
use crate::EndReason;

fn transfers(turn: u32) -> Input {
    service(
        turn,
        ServiceEvent::Action(Action::Transfer { target: "8100".to_owned(), summary: "chest pain".to_owned() }),
    )
}

#[test]
fn a_hang_up_is_told_when_the_prompt_has_been_played() {
    let mut call = Call::greeted();
    call.send(listens(1));
    call.send(says(1, "goodbye"));
    call.send(speaks(2));
    call.send(listens(2));
    call.send(text(1, "Goodbye."));
    assert_eq!(call.send(hangs_up(1)), []);
    assert_eq!(call.send(ended(1)), [reply_ended(2)]);
    let outputs = call.send(played_out(2));
    let result = action_result(&outputs, 2);
    assert_eq!((result.turn.action.as_str(), result.kind), ("hangup", None));
    assert_eq!(result.turn.to_instance()["params"], json!({"reason": "done"}));
    let end = ServiceCommand::End { reason: EndReason::Hangup, heard: Some(heard(1, "Goodbye.", true, 0)) };
    assert_eq!(outputs.last(), Some(&Output::Service(end)));
}

#[test]
fn a_listener_that_comes_after_the_prompt_is_told_at_once() {
    let mut call = Call::new();
    call.send(speaks(1));
    call.send(text(0, "Please hold."));
    call.send(transfers(0));
    call.send(ended(0));
    assert_eq!(call.send(played_out(1)), []);
    let outputs = call.send(listens(1));
    let instance = action_result(&outputs, 1).turn.to_instance();
    assert_eq!((&instance["action"], &instance["target"]), (&json!("transfer"), &json!("8100")));
    assert_eq!(instance["summary"], json!("chest pain"));
}

#[test]
fn a_listener_waits_for_a_reply_that_nobody_has_spoken() {
    let mut call = Call::greeted();
    call.send(listens(1));
    call.send(says(1, "goodbye"));
    call.send(text(1, "Goodbye."));
    call.send(hangs_up(1));
    call.send(ended(1));
    assert_eq!(call.send(listens(2)), []);
    assert_eq!(said(&call.send(speaks(2))), ["Goodbye."]);
    assert_eq!(action_result(&call.send(played_out(2)), 2).turn.action, "hangup");
}

#[test]
fn an_action_without_words_is_told_at_once() {
    let mut call = Call::greeted();
    call.send(listens(1));
    call.send(says(1, "goodbye"));
    call.send(listens(2));
    call.send(hangs_up(1));
    assert_eq!(action_result(&call.send(ended(1)), 2).turn.action, "hangup");
}

#[test]
fn after_the_end_every_listener_is_told_again_and_every_speak_ends_at_once() {
    let mut call = Call::new();
    call.send(speaks(1));
    call.send(hangs_up(0));
    call.send(ended(0));
    call.send(played_out(1));
    assert_eq!(action_result(&call.send(listens(1)), 1).turn.action, "hangup");
    let again = call.send(listens(2));
    assert_eq!(action_result(&again, 2).turn.action, "hangup");
    assert_eq!(again.len(), 1, "the service is told of the end once: {again:?}");
    assert_eq!(call.send(speaks(2)), [reply_ended(2)]);
}

#[test]
fn a_custom_action_is_told_once_and_the_conversation_goes_on() {
    let mut call = Call::new();
    call.send(speaks(1));
    call.send(listens(1));
    call.send(text(0, "Please enter your number."));
    let params = vec![("digits".to_owned(), "4".to_owned())];
    call.send(service(0, ServiceEvent::Action(Action::Custom { name: "collect".to_owned(), params })));
    call.send(ended(0));
    let outputs = call.send(played_out(1));
    let instance = action_result(&outputs, 1).turn.to_instance();
    assert_eq!((&instance["action"], &instance["params"]), (&json!("collect"), &json!({"digits": "4"})));
    assert_eq!(call.send(listens(2)), []);
    assert_eq!(taken(&call.send(turn(2, CallerInput::Dtmf("1234".to_owned())))).turn, TurnId(1));
}

#[test]
fn a_last_word_that_the_client_stopped_is_still_followed_by_its_action() {
    let mut call = Call::new();
    call.send(speaks(1));
    call.send(listens(1));
    call.send(text(0, "Goodbye, and get well soon."));
    call.send(hangs_up(0));
    call.send(ended(0));
    let outputs = call.send(stopped(1, Progress { partial_ms: 100, ..Progress::default() }));
    assert_eq!(action_result(&outputs, 1).turn.action, "hangup");
    assert!(!outputs.iter().any(|output| matches!(output, Output::Service(ServiceCommand::Interrupt(_)))));
}

#[test]
fn continue_is_not_worth_a_completion() {
    let mut call = Call::new();
    call.send(speaks(1));
    call.send(listens(1));
    call.send(text(0, "How are you?"));
    call.send(service(0, ServiceEvent::Action(Action::Continue)));
    call.send(ended(0));
    assert_eq!(call.send(played_out(1)), []);
}

#[test]
fn a_deserted_conversation_ends_after_lingering() {
    let mut call = Call::greeted();
    assert_eq!(call.send(Input::Deserted), []);
    assert_eq!(call.wait(9_999), []);
    let outputs = call.wait(1);
    let [Output::Service(ServiceCommand::End { reason, .. }), Output::Closed] = outputs.as_slice() else {
        panic!("{outputs:?}")
    };
    assert_eq!(*reason, EndReason::CallerGone);
    assert_eq!(call.conversation.poll_timeout(), None);
}

#[test]
fn who_comes_back_while_it_lingers_finds_the_conversation() {
    let mut call = Call::greeted();
    call.send(Input::Deserted);
    call.wait(5_000);
    call.send(listens(1));
    assert_eq!(call.wait(60_000), []);
    assert_eq!(taken(&call.send(says(1, "fine"))).turn, TurnId(1));
}

#[test]
fn after_the_end_nothing_lingers() {
    let mut call = Call::new();
    call.send(speaks(1));
    call.send(hangs_up(0));
    call.send(ended(0));
    call.send(played_out(1));
    call.send(listens(1));
    assert_eq!(call.send(Input::Deserted), [Output::Closed]);
}

#[test]
fn closing_completes_everything_and_is_the_last_output() {
    let mut call = Call::new();
    call.send(speaks(1));
    call.send(listens(1));
    call.send(text(0, "Hello there."));
    let outputs = call.send(Input::Close);
    assert!(outputs.contains(&stop(1)), "{outputs:?}");
    assert_eq!(completion(&outputs, 1), Some(&ListenOutcome::Abandoned));
    assert_eq!(outputs.last(), Some(&Output::Closed));
    assert_eq!(call.send(Input::Close), []);
    assert_eq!(completion(&call.send(listens(2)), 2), Some(&ListenOutcome::Abandoned));
    assert_eq!(call.send(speaks(2)), [reply_ended(2)]);
}
