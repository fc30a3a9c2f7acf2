use std::time::Duration;

use super::*;
use crate::{CallPolicy, Clause, EndReason, PatienceConfig, Phrases, Purpose, TurnKind};

fn english(words: &[&str]) -> Phrases {
    Phrases { english: words.iter().map(|words| (*words).to_owned()).collect(), chinese: Vec::new() }
}

fn patient() -> Call {
    let mut call = Call::with(ConversationConfig {
        patience: PatienceConfig {
            fillers: english(&["One moment.", "Let me see."]),
            filler_after: Duration::from_millis(1000),
            silence_prompts: english(&["Are you still there?", "Hello?"]),
            call_max: Some(Duration::from_secs(60)),
            time_over: english(&["Our time is up. Goodbye."]),
        },
        ..ConversationConfig::default()
    });
    call.send(speaks(1));
    call.send(text(0, "How are you?"));
    call.send(ended(0));
    call.send(played_out(1));
    call
}

fn silent(listener: u64) -> Input {
    turn(listener, CallerInput::NoInput)
}

fn policy(turn: u32, policy: CallPolicy) -> Input {
    service(turn, ServiceEvent::Policy(policy))
}

fn one_clause(outputs: &[Output]) -> &Clause {
    let clauses: Vec<&Clause> = outputs
        .iter()
        .filter_map(|output| if let Output::Say { clause, .. } = output { Some(clause) } else { None })
        .collect();
    let [clause] = clauses.as_slice() else { panic!("{outputs:?}") };
    clause
}

// --- Fillers ------------------------------------------------------------------------------------------------------------------------

#[test]
fn a_late_reply_has_a_filler_before_it() {
    let mut call = patient();
    call.send(listens(1));
    call.send(says(1, "fine"));
    assert_eq!(call.send(speaks(2)), []);
    assert_eq!(call.wait(999), []);
    let outputs = call.wait(1);
    let clause = one_clause(&outputs);
    assert_eq!((clause.text.as_str(), clause.purpose, clause.index), ("One moment.", Purpose::Filler, 0));
    assert!(clause.cacheable && clause.barge_in == BargeIn::Allowed);
    let outputs = call.send(text(1, "Good to hear."));
    let clause = one_clause(&outputs);
    assert_eq!((clause.text.as_str(), clause.purpose, clause.index), ("Good to hear.", Purpose::Reply, 1));
    assert_eq!(call.send(ended(1)), [reply_ended(2)]);
}

#[test]
fn a_filler_is_said_once_for_each_reply_and_in_turn() {
    let mut call = patient();
    for (turn, filler) in [(1, "One moment."), (2, "Let me see."), (3, "One moment.")] {
        call.send(listens(turn));
        call.send(says(turn, "fine"));
        call.send(speaks(turn + 1));
        assert_eq!(said(&call.wait(3000)), [filler]);
        let id = u32::try_from(turn).unwrap();
        call.send(text(id, "Good."));
        call.send(ended(id));
        call.send(played_out(turn + 1));
    }
    assert_eq!(call.conversation.counters().fillers, 3);
}

#[test]
fn a_reply_in_time_has_no_filler() {
    let mut call = patient();
    call.send(listens(1));
    call.send(says(1, "fine"));
    call.send(speaks(2));
    call.wait(900);
    assert_eq!(said(&call.send(text(1, "Good."))), ["Good."]);
    assert_eq!(call.wait(2000), []);
}

#[test]
fn a_reply_whose_first_clause_is_being_written_is_late_too() {
    let mut call = patient();
    call.send(listens(1));
    call.send(says(1, "fine"));
    call.send(speaks(2));
    call.send(service(1, ServiceEvent::Text(TextPiece::plain("Well"))));
    assert_eq!(said(&call.wait(1000)), ["One moment."]);
}

#[test]
fn a_speak_that_comes_late_fills_at_once() {
    let mut call = patient();
    call.send(listens(1));
    call.send(says(1, "fine"));
    assert_eq!(call.wait(1500), []);
    assert_eq!(said(&call.send(speaks(2))), ["One moment."]);
}

#[test]
fn the_greeting_has_no_filler() {
    let mut call = Call::with(ConversationConfig {
        patience: PatienceConfig { fillers: english(&["One moment."]), ..PatienceConfig::default() },
        ..ConversationConfig::default()
    });
    call.send(speaks(1));
    assert_eq!(said(&call.wait(3000)), Vec::<&str>::new());
}

#[test]
fn a_filler_is_nothing_that_was_heard_of_the_reply() {
    let mut call = patient();
    call.send(listens(1));
    call.send(says(1, "fine"));
    call.send(speaks(2));
    call.wait(1000);
    call.send(text(1, "Good to hear."));
    call.send(ended(1));
    call.send(listens(2));
    let progress = Progress { clauses: 1, partial_ms: 500, partial_of_ms: Some(1000), played_ms: 1500 };
    call.send(Input::Played { speaker: SpeakerKey(2), progress });
    let outputs = call.send(says(2, "wait"));
    assert_eq!(taken(&outputs).heard, Some(heard(1, "Good", false, 1500)));
}

#[test]
fn a_caller_who_interrupts_a_filler_has_heard_nothing() {
    let mut call = patient();
    call.send(listens(1));
    call.send(says(1, "fine"));
    call.send(speaks(2));
    call.wait(1000);
    call.send(listens(2));
    let outputs = call.send(says(2, "and another thing"));
    assert_eq!(taken(&outputs).heard, Some(heard(1, "", false, 0)));
}

#[test]
fn the_flow_chooses_its_fillers_and_when() {
    let mut call = patient();
    call.send(listens(1));
    call.send(says(1, "fine"));
    call.send(policy(
        1,
        CallPolicy {
            fillers: vec!["Checking.".to_owned()],
            filler_after: Some(Duration::from_millis(300)),
            ..CallPolicy::default()
        },
    ));
    call.send(speaks(2));
    call.send(text(1, "Good."));
    call.send(ended(1));
    call.send(played_out(2));
    call.send(listens(2));
    call.send(says(2, "my appointment"));
    call.send(speaks(3));
    assert_eq!(said(&call.wait(300)), ["Checking."]);
}

// --- Silence ------------------------------------------------------------------------------------------------------------------------

#[test]
fn a_silent_caller_is_asked_before_the_service_learns_of_it() {
    let mut call = patient();
    for (n, prompt) in [(1, "Are you still there?"), (2, "Hello?")] {
        call.send(listens(n));
        let outputs = call.send(silent(n));
        assert_eq!(turn_result(&outputs, n).kind, Some(TurnKind::NoInput));
        assert_eq!(outputs.len(), 1, "the service is not told: {outputs:?}");
        let outputs = call.send(speaks(n + 1));
        assert_eq!(one_clause(&outputs).purpose, Purpose::SilencePrompt);
        assert_eq!(said(&outputs), [prompt]);
        assert_eq!(outputs.last(), Some(&reply_ended(n + 1)));
        assert_eq!(call.send(played_out(n + 1)), []);
    }
    call.send(listens(3));
    assert_eq!(taken(&call.send(silent(3))).kind, TurnKind::NoInput);
}

#[test]
fn an_answer_to_a_silence_prompt_is_the_answer_to_the_reply() {
    let mut call = patient();
    call.send(listens(1));
    call.send(silent(1));
    call.send(speaks(2));
    call.send(played_out(2));
    call.send(listens(2));
    let outputs = call.send(says(2, "yes I am here"));
    let turn = taken(&outputs);
    assert_eq!(turn.turn, TurnId(1));
    assert_eq!(turn.heard, Some(heard(0, "How are you?", true, 0)));
}

#[test]
fn after_a_turn_the_silence_prompts_begin_anew() {
    let mut call = patient();
    call.send(listens(1));
    call.send(silent(1));
    call.send(speaks(2));
    call.send(played_out(2));
    call.send(listens(2));
    call.send(says(2, "fine"));
    call.send(speaks(3));
    call.send(text(1, "And your leg?"));
    call.send(ended(1));
    call.send(played_out(3));
    call.send(listens(3));
    call.send(silent(3));
    assert_eq!(said(&call.send(speaks(4))), ["Are you still there?"]);
}

#[test]
fn a_caller_interrupts_a_silence_prompt_and_no_reply() {
    let mut call = patient();
    call.send(listens(1));
    call.send(silent(1));
    call.send(speaks(2));
    call.send(listens(2));
    let outputs = call.send(says(2, "yes"));
    assert!(outputs.contains(&stop(2)), "{outputs:?}");
    assert_eq!(taken(&outputs).heard, Some(heard(0, "How are you?", true, 0)));
    assert_eq!(call.send(stopped(2, Progress::default())), []);
    assert_eq!(call.conversation.counters().interruptions, 0);
}

#[test]
fn silence_while_a_silence_prompt_is_played_counts_once() {
    let mut call = patient();
    call.send(listens(1));
    call.send(silent(1));
    call.send(speaks(2));
    call.send(listens(2));
    call.send(silent(2));
    call.send(played_out(2));
    assert_eq!(call.send(speaks(3)), [reply_ended(3)]);
    assert_eq!(call.conversation.counters().silence_prompts, 1);
}

#[test]
fn a_client_that_speaks_by_itself_hears_of_silence_from_the_service() {
    let mut call = patient();
    call.send(Input::ListenerAttached {
        listener: ListenerKey(1),
        reply_inline: true,
        details: CallDetails::default(),
    });
    assert_eq!(taken(&call.send(silent(1))).kind, TurnKind::NoInput);
}

// --- The longest call ---------------------------------------------------------------------------------------------------------------

#[test]
fn a_call_that_takes_too_long_ends_with_a_word() {
    let mut call = patient();
    call.send(listens(1));
    let outputs = call.wait(60_000);
    let result = action_result(&outputs, 1);
    assert_eq!((result.turn.action.as_str(), result.kind), ("continue", None));
    assert_eq!(call.send(listens(2)), []);
    let outputs = call.send(speaks(2));
    assert_eq!(said(&outputs), ["Our time is up. Goodbye."]);
    assert_eq!(one_clause(&outputs).purpose, Purpose::TimeOver);
    let outputs = call.send(played_out(2));
    let result = action_result(&outputs, 2);
    assert_eq!(result.turn.action, "hangup");
    assert_eq!(result.turn.params["reason"], "time-over");
    let heard = heard(0, "How are you?", true, 0);
    assert!(
        outputs.contains(&Output::Service(ServiceCommand::End { reason: EndReason::Server, heard: Some(heard) })),
        "{outputs:?}"
    );
}

#[test]
fn what_is_being_said_when_the_time_is_over_is_said_to_its_end() {
    let mut call = patient();
    call.wait(58_000);
    call.send(listens(1));
    call.send(says(1, "fine"));
    call.send(speaks(2));
    call.send(text(1, "There is a lot to say about it."));
    call.send(listens(2));
    assert_eq!(call.wait(2_000), [reply_ended(2)]);
    assert_eq!(call.send(text(1, "This is not said.")), []);
    let outputs = call.send(played_out(2));
    assert_eq!(action_result(&outputs, 2).turn.action, "continue");
    assert_eq!(said(&call.send(speaks(3))), ["Our time is up. Goodbye."]);
}

#[test]
fn what_is_said_over_the_last_word_is_no_turn() {
    let mut call = patient();
    call.wait(60_000);
    call.send(speaks(2));
    call.send(listens(1));
    let outputs = call.send(says(1, "but"));
    assert_eq!(turn_result(&outputs, 1).turn.action, "continue");
    assert_eq!(outputs.len(), 1, "{outputs:?}");
    call.send(played_out(2));
    assert_eq!(action_result(&call.send(listens(2)), 2).turn.action, "hangup");
}

#[test]
fn a_client_that_speaks_by_itself_gets_the_last_word_to_speak() {
    let mut call = patient();
    call.send(Input::ListenerAttached {
        listener: ListenerKey(1),
        reply_inline: true,
        details: CallDetails::default(),
    });
    let outputs = call.wait(60_000);
    let result = action_result(&outputs, 1);
    assert_eq!(
        (result.turn.action.as_str(), result.turn.reply.as_deref()),
        ("hangup", Some("Our time is up. Goodbye."))
    );
}

#[test]
fn a_call_that_ends_anyway_is_not_cut_short() {
    let mut call = patient();
    call.send(listens(1));
    call.send(says(1, "fine"));
    call.send(speaks(2));
    call.send(text(1, "Goodbye then."));
    call.send(hangs_up(1));
    call.send(ended(1));
    call.send(listens(2));
    assert_eq!(call.wait(60_000), []);
    assert_eq!(action_result(&call.send(played_out(2)), 2).turn.params["reason"], "done");
}

#[test]
fn the_flow_sets_the_longest_call_and_what_is_said() {
    let mut call = patient();
    call.send(listens(1));
    call.send(says(1, "fine"));
    call.send(policy(
        1,
        CallPolicy {
            call_max: Some(Duration::from_secs(10)),
            time_over: Some("That is all.".to_owned()),
            ..CallPolicy::default()
        },
    ));
    call.send(ended(1));
    call.wait(10_000);
    assert_eq!(said(&call.send(speaks(2))), ["That is all."]);
}
