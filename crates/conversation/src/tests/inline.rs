use super::*;

fn listens_inline(listener: u64) -> Input {
    Input::ListenerAttached { listener: ListenerKey(listener), reply_inline: true, details: CallDetails::default() }
}

#[test]
fn an_inline_listener_completes_with_the_reply() {
    let mut call = Call::greeted();
    call.send(listens_inline(1));
    let outputs = call.send(says(1, "fine"));
    assert_eq!(completion(&outputs, 1), None);
    call.send(text(1, "Good."));
    call.send(text(1, "And your fever?"));
    let outputs = call.send(ended(1));
    let result = turn_result(&outputs, 1);
    assert_eq!(result.turn.reply.as_deref(), Some("Good. And your fever?"));
    assert_eq!((result.turn.action.as_str(), result.turn.transcript.as_str()), ("continue", "fine"));
    assert_eq!(call.send(speaks(2)), [reply_ended(2)], "the client speaks it itself");
}

#[test]
fn an_inline_listener_is_told_the_action_with_the_reply() {
    let mut call = Call::greeted();
    call.send(listens_inline(1));
    call.send(says(1, "bye"));
    call.send(text(1, "Goodbye."));
    call.send(hangs_up(1));
    let outputs = call.send(ended(1));
    let result = turn_result(&outputs, 1);
    assert_eq!((result.turn.action.as_str(), result.turn.reply.as_deref()), ("hangup", Some("Goodbye.")));
    assert!(matches!(outputs.last(), Some(Output::Service(ServiceCommand::End { .. }))));
}

#[test]
fn an_inline_listener_gets_the_fallback_when_the_service_is_late() {
    let mut call = Call::greeted();
    call.send(listens_inline(1));
    call.send(says(1, "fine"));
    let outputs = call.wait(4_000);
    let result = turn_result(&outputs, 1);
    assert_eq!(result.turn.action, "hangup");
    assert!(result.turn.reply.as_deref().unwrap().starts_with("Sorry"));
}
