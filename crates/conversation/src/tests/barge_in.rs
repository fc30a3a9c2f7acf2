use speech::Language;

use super::*;

const FIRST: &str = "This is the clinic calling.";
const SECOND: &str = "How are you after your operation?";

fn barges_in(listener: u64) -> Input {
    Input::BargeIn { listener: ListenerKey(listener) }
}

fn progress(clauses: u32, partial_ms: u32, partial_of_ms: Option<u32>) -> Progress {
    Progress { clauses, partial_ms, partial_of_ms, played_ms: clauses * 2000 + partial_ms }
}

/// A call in which the greeting's two clauses are being played.
fn greeting() -> Call {
    let mut call = Call::new();
    call.send(speaks(1));
    call.send(listens(1));
    call.send(text(0, FIRST));
    call.send(text(0, SECOND));
    call
}

#[test]
fn an_interruption_stops_the_prompt_and_tells_what_was_heard() {
    let mut call = greeting();
    call.send(ended(0));
    assert_eq!(call.send(barges_in(1)), [stop(1)]);
    let outputs = call.send(stopped(1, progress(1, 1000, Some(2000))));
    let heard = heard(0, "This is the clinic calling. How are you", false, 3000);
    assert_eq!(outputs, [Output::Service(ServiceCommand::Interrupt(heard.clone()))]);
    let outputs = call.send(says(1, "I am fine"));
    assert_eq!(taken(&outputs).heard, Some(heard));
    assert_eq!(call.conversation.counters().interruptions, 1);
}

#[test]
fn what_the_service_still_says_after_an_interruption_is_dropped_and_counted() {
    let mut call = greeting();
    call.send(barges_in(1));
    call.send(stopped(1, progress(0, 500, Some(2000))));
    assert_eq!(call.send(text(0, "And one more thing.")), []);
    assert_eq!(call.send(ended(0)), []);
    assert_eq!(call.conversation.counters().late_events, 2);
}

#[test]
fn the_rest_of_an_interrupted_reply_is_not_said_by_the_next_speak() {
    let mut call = greeting();
    call.send(barges_in(1));
    call.send(stopped(1, progress(1, 0, None)));
    assert_eq!(call.send(speaks(2)), [reply_ended(2)]);
}

#[test]
fn a_clause_that_forbids_it_is_not_interrupted() {
    let mut call = Call::new();
    call.send(speaks(1));
    call.send(listens(1));
    let notice = TextPiece {
        barge_in: Some(BargeIn::NotAllowed),
        clause_end: true,
        ..TextPiece::plain("This call is recorded.")
    };
    call.send(service(0, ServiceEvent::Text(notice)));
    call.send(text(0, "How are you?"));
    assert_eq!(call.send(barges_in(1)), []);
    call.send(Input::Played { speaker: SpeakerKey(1), progress: progress(1, 0, None) });
    assert_eq!(call.send(barges_in(1)), [stop(1)]);
}

#[test]
fn what_is_said_over_such_a_clause_counts_when_it_has_been_played() {
    let mut call = Call::new();
    call.send(speaks(1));
    call.send(listens(1));
    let notice = TextPiece {
        barge_in: Some(BargeIn::NotAllowed),
        clause_end: true,
        ..TextPiece::plain("This call is recorded.")
    };
    call.send(service(0, ServiceEvent::Text(notice)));
    call.send(ended(0));
    assert_eq!(call.send(says(1, "yes yes")), []);
    let outputs = call.send(played_out(1));
    assert_eq!(taken(&outputs).transcript, "yes yes");
    assert_eq!(turn_result(&outputs, 1).turn.turn, 1);
}

#[test]
fn a_last_word_is_not_interrupted() {
    let mut call = greeting();
    call.send(hangs_up(0));
    call.send(ended(0));
    assert_eq!(call.send(barges_in(1)), []);
    assert_eq!(call.send(says(1, "wait")), []);
    let outputs = call.send(played_out(1));
    let result = turn_result(&outputs, 1);
    assert_eq!((result.turn.action.as_str(), result.turn.transcript.as_str()), ("hangup", "wait"));
}

#[test]
fn a_turn_that_ends_over_a_prompt_stops_it() {
    let mut call = greeting();
    let outputs = call.send(says(1, "fine"));
    assert!(outputs.contains(&stop(1)), "{outputs:?}");
    assert_eq!(taken(&outputs).turn, TurnId(1));
    assert_eq!(call.send(stopped(1, progress(0, 300, None))), []);
}

#[test]
fn a_turn_before_the_reply_has_begun_replaces_it() {
    let mut call = Call::greeted();
    call.send(listens(1));
    call.send(says(1, "well"));
    call.send(speaks(2));
    call.send(listens(2));
    let outputs = call.send(says(2, "actually no"));
    assert!(outputs.contains(&stop(2)), "{outputs:?}");
    assert_eq!((taken(&outputs).turn, taken(&outputs).heard.clone()), (TurnId(2), None));
    assert_eq!(call.send(text(1, "Old reply.")), []);
    call.send(stopped(2, Progress::default()));
    call.send(speaks(3));
    assert_eq!(said(&call.send(text(2, "New reply."))), ["New reply."]);
}

#[test]
fn a_client_that_stops_the_prompt_interrupts_it() {
    let mut call = greeting();
    call.send(ended(0));
    let outputs = call.send(stopped(1, progress(1, 0, None)));
    assert_eq!(outputs, [Output::Service(ServiceCommand::Interrupt(heard(0, FIRST, false, 2000)))]);
}

#[test]
fn a_barge_in_by_another_listener_is_dropped_and_counted() {
    let mut call = greeting();
    assert_eq!(call.send(barges_in(7)), []);
    assert_eq!(call.conversation.counters().late_inputs, 1);
}

#[test]
fn a_barge_in_into_silence_does_nothing() {
    let mut call = Call::greeted();
    call.send(listens(1));
    assert_eq!(call.send(barges_in(1)), []);
}

#[test]
fn what_was_heard_is_cut_at_a_word_and_in_chinese_at_a_character() {
    for (language, clause, partial_ms, expected) in [
        (Language::English, "one two three four", 0, ""),
        (Language::English, "one two three four", 500, "one two"),
        (Language::English, "one two three four", 600, "one two"),
        (Language::English, "don't stop now", 200, ""),
        (Language::English, "one two three four", 5000, "one two three four"),
        (Language::Chinese, "您手术后感觉怎么样", 500, "您手术后"),
    ] {
        let mut call = Call::new();
        call.send(speaks(1));
        call.send(listens(1));
        let piece = TextPiece { language: Some(language), clause_end: true, ..TextPiece::plain(clause) };
        call.send(service(0, ServiceEvent::Text(piece)));
        call.send(barges_in(1));
        let outputs = call.send(stopped(1, progress(0, partial_ms, Some(1000))));
        let [Output::Service(ServiceCommand::Interrupt(heard))] = outputs.as_slice() else { panic!("{outputs:?}") };
        assert_eq!(heard.text, expected, "{clause} after {partial_ms} ms");
    }
}
