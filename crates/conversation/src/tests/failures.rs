use super::*;
use crate::{EndReason, Fallback, ServiceFailure};

fn fallback_sentence() -> String {
    ConversationConfig::default().fallback.english
}

#[test]
fn a_service_that_is_late_is_replaced_by_the_fallback() {
    let mut call = Call::greeted();
    call.send(listens(1));
    call.send(says(1, "fine"));
    call.send(speaks(2));
    call.send(listens(2));
    assert_eq!(call.wait(3_999), []);
    let outputs = call.wait(1);
    assert_eq!(said(&outputs).join(" "), fallback_sentence());
    assert_eq!(outputs.last(), Some(&reply_ended(2)));
    let outputs = call.send(played_out(2));
    assert_eq!(action_result(&outputs, 2).turn.action, "hangup");
    let Some(Output::Service(ServiceCommand::End { reason, heard })) = outputs.last() else { panic!("{outputs:?}") };
    assert_eq!(*reason, EndReason::ServiceFailed);
    assert!(!heard.as_ref().unwrap().complete, "the service's own reply was not heard");
}

#[test]
fn a_service_that_stops_in_the_middle_is_replaced_after_what_was_said() {
    let mut call = Call::new();
    call.send(speaks(1));
    assert_eq!(said(&call.send(text(0, "Hello there."))), ["Hello there."]);
    call.wait(3_000);
    call.send(text(0, "I am calling because"));
    assert_eq!(call.wait(3_999), []);
    assert_eq!(said(&call.wait(1)).join(" "), fallback_sentence());
}

#[test]
fn a_failure_is_replaced_at_once() {
    for failure in
        [ServiceFailure::Unreachable, ServiceFailure::Deadline, ServiceFailure::Refused, ServiceFailure::Protocol]
    {
        let mut call = Call::new();
        call.send(speaks(1));
        let outputs = call.send(service(0, ServiceEvent::Failed(failure)));
        assert_eq!(said(&outputs).join(" "), fallback_sentence(), "{failure:?}");
        assert_eq!(call.conversation.counters().fallbacks, 1);
        assert_eq!(call.conversation.poll_timeout(), None);
    }
}

#[test]
fn the_fallback_speaks_the_callers_language_and_does_what_is_configured() {
    let fallback = Fallback {
        chinese: "请稍等。".to_owned(),
        action: Action::Transfer { target: "desk".to_owned(), summary: String::new() },
        ..Fallback::default()
    };
    let mut call = Call::with(ConversationConfig { fallback, ..ConversationConfig::default() });
    let details = CallDetails { language: Some(Language::Chinese), ..CallDetails::default() };
    call.send(Input::SpeakerAttached { speaker: SpeakerKey(1), details });
    assert_eq!(said(&call.send(service(0, ServiceEvent::Failed(ServiceFailure::Unreachable)))), ["请稍等。"]);
    call.send(played_out(1));
    let outputs = call.send(listens(1));
    assert_eq!(action_result(&outputs, 1).turn.target.as_deref(), Some("desk"));
}

#[test]
fn what_comes_after_the_fallback_is_dropped_and_counted() {
    let mut call = Call::new();
    call.send(speaks(1));
    call.wait(4_000);
    assert_eq!(call.send(text(0, "Here I am.")), []);
    assert_eq!(call.conversation.counters().late_events, 1);
}

#[test]
fn a_failure_of_an_old_turn_changes_nothing() {
    let mut call = Call::greeted();
    call.send(listens(1));
    call.send(says(1, "fine"));
    assert_eq!(call.send(service(0, ServiceEvent::Failed(ServiceFailure::Unreachable))), []);
    assert_eq!(call.conversation.counters().fallbacks, 0);
}

#[test]
fn a_prompt_that_could_not_be_played_does_not_hold_the_call_up() {
    let mut call = Call::new();
    call.send(speaks(1));
    call.send(listens(1));
    call.send(text(0, "Goodbye."));
    call.send(hangs_up(0));
    call.send(ended(0));
    let failed = Input::PromptDone { speaker: SpeakerKey(1), end: PromptEnd::Failed(Progress::default()) };
    assert_eq!(action_result(&call.send(failed), 1).turn.action, "hangup");
}
