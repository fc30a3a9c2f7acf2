use std::{collections::HashSet, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::{CallPolicy, EndOfTurnConfig, Expects, Listening, ServiceFailure, Settlement};

fn policy(turn: u32, speculation: bool) -> Input {
    service(turn, ServiceEvent::Policy(CallPolicy { speculation, ..CallPolicy::default() }))
}

/// A call with a service that answers before turns are over, and whose greeting has been played.
fn eager() -> Call {
    eager_with(Listening::default())
}

fn eager_with(listening: Listening) -> Call {
    let mut call = Call::new();
    call.send(Input::ServiceCan { speculation: true });
    call.send(speaks(1));
    call.send(policy(0, true));
    call.send(text(0, "How are you?"));
    call.send(service(0, ServiceEvent::Listening(listening)));
    call.send(ended(0));
    call.send(played_out(1));
    call
}

fn attempt(turn: u32, speculation: u32, event: ServiceEvent) -> Input {
    Input::Service { turn: TurnId(turn), speculation, event }
}

fn words(text: &str) -> ServiceEvent {
    ServiceEvent::Text(TextPiece { clause_end: true, ..TextPiece::plain(text) })
}

fn settled(turn: u32, speculation: u32, settlement: Settlement) -> Output {
    Output::Service(ServiceCommand::Settle { turn: TurnId(turn), speculation, settlement })
}

fn awaited(outputs: &[Output]) -> Option<(u64, bool)> {
    outputs.iter().find_map(|output| match output {
        Output::AwaitSilence { silence, is_complete, .. } => {
            Some((u64::try_from(silence.as_millis()).unwrap(), *is_complete))
        }
        _ => None,
    })
}

// --- The end of a turn --------------------------------------------------------------------------------------------------------------

#[test]
fn the_silence_that_ends_a_turn_depends_on_what_was_said() {
    let EndOfTurnConfig { complete, unsure, incomplete } = EndOfTurnConfig::default();
    let ms = |silence: Duration| u64::try_from(silence.as_millis()).unwrap();
    let mut call = Call::greeted();
    call.send(listens(1));
    for (words, expected) in [
        ("no thank you", (ms(complete), true)),
        ("I feel better now", (ms(unsure), true)),
        ("I feel better now and", (ms(incomplete), false)),
    ] {
        assert_eq!(awaited(&call.pauses(1, words)), Some(expected), "{words}");
        call.goes_on(1);
    }
    assert_eq!(call.pauses(1, " "), [], "without words there is nothing to judge");
}

#[test]
fn a_sound_over_the_robot_has_no_silence_before_it_is_the_callers_turn() {
    let mut call = Call::new();
    call.send(speaks(1));
    call.send(listens(1));
    call.send(text(0, "This is a long story, and it has only begun."));
    call.send(Input::Sound { listener: ListenerKey(1), sound: CallerSound::Began });
    let since = call.clock.now();
    call.send(Input::Sound { listener: ListenerKey(1), sound: CallerSound::Paused { since } });
    assert_eq!(awaited(&call.pauses(1, "uh-huh")), None);
    call.send(Input::Sound { listener: ListenerKey(1), sound: CallerSound::Began });
    call.send(Input::Sound { listener: ListenerKey(1), sound: CallerSound::Paused { since } });
    let outputs = call.pauses(1, "stop it please");
    let position = |wanted: fn(&Output) -> bool| outputs.iter().position(wanted).unwrap();
    let yielded = position(|output| matches!(output, Output::YieldFloor { .. }));
    assert!(yielded < position(|output| matches!(output, Output::AwaitSilence { .. })), "{outputs:?}");
}

#[test]
fn the_silence_that_ends_a_turn_depends_on_what_was_asked() {
    let expects = Expects::Digits { min: Some(4), max: Some(4) };
    let listening = Listening { expects, complete_silence: Some(Duration::from_millis(200)), ..Listening::default() };
    let mut call = eager_with(listening);
    call.send(listens(1));
    assert_eq!(awaited(&call.pauses(1, "one two three four")), Some((200, true)));
    assert_eq!(awaited(&call.pauses(1, "one two three")), Some((1200, false)));
}

#[test]
fn turns_are_counted_by_how_they_ended() {
    let mut call = Call::greeted();
    let mut turn_of = |n: u64, words: Option<&str>, input: CallerInput| {
        call.send(listens(n));
        if let Some(words) = words {
            call.pauses(n, words);
        }
        call.send(turn(n, input));
        call.send(ended(u32::try_from(n).unwrap()));
        *call.conversation.counters()
    };
    let speech = |words: &str| CallerInput::Speech(vec![Hypothesis::new(words, 0.9, Language::English)]);
    turn_of(1, Some("goodbye"), speech("goodbye"));
    turn_of(2, Some("it hurts when I"), speech("it hurts when I"));
    turn_of(3, None, speech("fine"));
    let turns = turn_of(4, None, CallerInput::Dtmf("1".to_owned())).turns;
    assert_eq!((turns.complete, turns.incomplete, turns.unjudged, turns.keys), (1, 1, 1, 1));
}

#[test]
fn the_listening_learns_how_long_to_wait_and_for_what() {
    let listening = Listening {
        hints: vec!["Herceptin".to_owned()],
        no_input_timeout: Some(Duration::from_secs(3)),
        ..Listening::default()
    };
    let told = Output::ListenFor {
        listener: ListenerKey(1),
        no_input_timeout: listening.no_input_timeout,
        hints: listening.hints.clone(),
    };
    let mut call = eager_with(listening.clone());
    assert_eq!(call.send(listens(1)), [told], "a listening that comes after it");
    call.send(says(1, "fine"));
    call.send(speaks(2));
    call.send(listens(2));
    call.send(text(1, "And now?"));
    let outputs = call.send(service(1, ServiceEvent::Listening(listening)));
    assert!(matches!(outputs.as_slice(), [Output::ListenFor { listener: ListenerKey(2), .. }]), "{outputs:?}");
    assert_eq!(call.send(ended(1)), [reply_ended(2)], "once");
}

// --- Speculation --------------------------------------------------------------------------------------------------------------------

#[test]
fn at_a_pause_the_turn_is_asked_for_and_at_its_end_it_is_committed() {
    let mut call = eager();
    call.send(listens(1));
    let outputs = call.pauses(1, "I am fine");
    let turn = taken(&outputs);
    assert_eq!((turn.turn, turn.speculation, turn.transcript.as_str()), (TurnId(1), 1, "I am fine"));
    assert_eq!(turn.heard, Some(heard(0, "How are you?", true, 0)));
    assert_eq!(call.send(attempt(1, 1, words("Good to hear."))), []);
    call.clock.advance(300);
    let outputs = call.send(says(1, "I am fine."));
    assert_eq!(outputs[0], settled(1, 1, Settlement::Commit { turn_ended_ms: 300 }));
    assert_eq!(turn_result(&outputs, 1).turn.turn, 1);
    assert_eq!(outputs.len(), 2, "it is not asked twice: {outputs:?}");
    assert_eq!(said(&call.send(speaks(2))), ["Good to hear."]);
    assert_eq!(said(&call.send(attempt(1, 1, words("And your leg?")))), ["And your leg?"]);
    assert_eq!(call.send(attempt(1, 1, ServiceEvent::End(crate::ReplyFigures::default()))), [reply_ended(2)]);
    assert_eq!(call.conversation.counters().speculations_committed, 1);
}

#[test]
fn a_caller_who_goes_on_withdraws_it_and_nothing_of_it_is_left() {
    let mut call = eager();
    call.send(listens(1));
    call.pauses(1, "I am fine");
    call.send(attempt(1, 1, words("Good to hear.")));
    call.send(attempt(1, 1, ServiceEvent::Slots(serde_json::Map::from_iter([("ok".to_owned(), true.into())]))));
    call.send(attempt(1, 1, ServiceEvent::Action(Action::Hangup { reason: "fine".to_owned() })));
    call.send(attempt(1, 1, ServiceEvent::End(crate::ReplyFigures::default())));
    assert_eq!(call.goes_on(1), [settled(1, 1, Settlement::Withdraw)]);
    let outputs = call.send(says(1, "I am fine but my leg hurts"));
    let turn = taken(&outputs);
    assert_eq!((turn.turn, turn.speculation), (TurnId(1), 0));
    assert!(turn_result(&outputs, 1).turn.slots.is_empty());
    assert_eq!(call.send(attempt(1, 1, words("Late."))), []);
    assert_eq!(call.send(speaks(2)), []);
    assert_eq!(said(&call.send(text(1, "I am sorry."))), ["I am sorry."]);
    assert_eq!(call.send(ended(1)), [reply_ended(2)]);
}

#[test]
fn each_pause_is_an_attempt_of_its_own() {
    let mut call = eager();
    call.send(listens(1));
    call.pauses(1, "I am fine");
    call.goes_on(1);
    let outputs = call.pauses(1, "I am fine but my leg hurts");
    assert_eq!(taken(&outputs).speculation, 2);
    assert_eq!(call.send(attempt(1, 1, words("Good."))), [], "of the attempt before");
    call.send(attempt(1, 2, words("I am sorry.")));
    let outputs = call.send(says(1, "I am fine but my leg hurts"));
    assert_eq!(outputs[0], settled(1, 2, Settlement::Commit { turn_ended_ms: 0 }));
    assert_eq!(said(&call.send(speaks(2))), ["I am sorry."]);
}

#[test]
fn the_same_words_once_more_are_the_same_attempt() {
    let mut call = eager();
    call.send(listens(1));
    call.pauses(1, "I am fine");
    assert!(matches!(call.pauses(1, "I am fine.").as_slice(), [Output::AwaitSilence { .. }]));
}

#[test]
fn a_turn_that_is_another_one_is_asked_anew() {
    for input in [
        CallerInput::Dtmf("1".to_owned()),
        CallerInput::NoMatch(Vec::new()),
        CallerInput::Speech(vec![Hypothesis::new("I am nine", 0.9, Language::English)]),
    ] {
        let mut call = eager();
        call.send(listens(1));
        call.pauses(1, "I am fine");
        let outputs = call.send(turn(1, input));
        assert_eq!(outputs[0], settled(1, 1, Settlement::Withdraw));
        assert_eq!((taken(&outputs).turn, taken(&outputs).speculation), (TurnId(1), 0));
    }
}

#[test]
fn what_breaks_off_is_not_asked_for() {
    let mut call = eager();
    call.send(listens(1));
    let outputs = call.pauses(1, "my number is");
    assert!(matches!(outputs.as_slice(), [Output::AwaitSilence { .. }]), "{outputs:?}");
}

#[test]
fn a_service_that_does_not_say_so_is_never_asked_early() {
    let mut cannot = Call::greeted();
    cannot.send(listens(1));
    assert_eq!(cannot.pauses(1, "fine").len(), 1);
    let mut unwelcome = Call::greeted();
    unwelcome.send(Input::ServiceCan { speculation: true });
    unwelcome.send(listens(1));
    assert_eq!(unwelcome.pauses(1, "fine").len(), 1);
    let mut off = Call::with(ConversationConfig { speculation: false, ..ConversationConfig::default() });
    off.send(Input::ServiceCan { speculation: true });
    off.send(speaks(1));
    off.send(policy(0, true));
    off.send(ended(0));
    off.send(played_out(1));
    off.send(listens(1));
    assert_eq!(off.pauses(1, "fine").len(), 1);
}

#[test]
fn while_the_robot_speaks_nothing_is_asked_early() {
    let mut call = eager();
    call.send(listens(1));
    call.send(says(1, "fine"));
    call.send(speaks(2));
    call.send(text(1, "There is a lot to say."));
    call.send(listens(2));
    assert_eq!(call.pauses(2, "yes").len(), 1);
}

#[test]
fn an_attempt_that_fails_is_no_failure() {
    let mut call = eager();
    call.send(listens(1));
    call.pauses(1, "I am fine");
    let outputs = call.send(attempt(1, 1, ServiceEvent::Failed(ServiceFailure::Refused)));
    assert_eq!(outputs, [settled(1, 1, Settlement::Withdraw)]);
    assert_eq!(taken(&call.send(says(1, "I am fine"))).speculation, 0);
    assert_eq!(call.conversation.counters().fallbacks, 0);
}

#[test]
fn a_committed_attempt_that_fails_is_replaced_by_the_fallback() {
    let mut call = eager();
    call.send(listens(1));
    call.pauses(1, "I am fine");
    call.send(says(1, "I am fine"));
    call.send(attempt(1, 1, ServiceEvent::Failed(ServiceFailure::Unreachable)));
    assert_eq!(call.conversation.counters().fallbacks, 1);
}

#[test]
fn a_listening_that_ends_without_a_turn_withdraws() {
    let mut call = eager();
    call.send(listens(1));
    call.pauses(1, "I am fine");
    let outputs = call.send(Input::ListenerDetached { listener: ListenerKey(1) });
    assert_eq!(outputs, [settled(1, 1, Settlement::Withdraw)]);
}

// --- Laws ---------------------------------------------------------------------------------------------------------------------------

/// What a caller does in one turn.
#[derive(Debug, Clone)]
struct Told {
    /// Pauses, with the service's answer to each: nothing, a clause, all of it, or a failure.
    pauses: Vec<u8>,
    /// The turn ends with the words of the last pause, or with others.
    ends_as_paused: bool,
}

fn told() -> impl Strategy<Value = Told> {
    (proptest::collection::vec(0u8..4, 0..5), any::<bool>())
        .prop_map(|(pauses, ends_as_paused)| Told { pauses, ends_as_paused })
}

/// What the service knows: it may say only words of attempts that were committed, or of turns that were over when they were asked.
#[derive(Default)]
struct Book {
    open: Option<(u32, u32)>,
    committed: HashSet<(u32, u32)>,
    withdrawn: HashSet<(u32, u32)>,
    said: Vec<String>,
}

impl Book {
    fn note(&mut self, outputs: &[Output]) {
        for output in outputs {
            match output {
                Output::Service(ServiceCommand::TakeTurn(turn)) => {
                    let key = (turn.turn.0, turn.speculation);
                    assert_eq!(self.open, None, "one attempt at a time");
                    if turn.speculation == 0 {
                        assert!(self.committed.insert(key), "asked twice");
                    } else {
                        self.open = Some(key);
                    }
                }
                Output::Service(ServiceCommand::Settle { turn, speculation, settlement }) => {
                    let key = (turn.0, *speculation);
                    assert_eq!(self.open.take(), Some(key), "settles the attempt that is open");
                    let is_new = match settlement {
                        Settlement::Commit { .. } => self.committed.insert(key),
                        Settlement::Withdraw => self.withdrawn.insert(key),
                    };
                    assert!(is_new, "settled twice");
                }
                Output::Say { clause, .. } => self.said.push(clause.text.clone()),
                _ => {}
            }
        }
    }
}

fn run(turns: &[Told]) {
    let mut call = eager();
    let mut book = Book::default();
    let mut speaker = 1;
    for (index, told) in turns.iter().enumerate() {
        let turn = u32::try_from(index).unwrap() + 1;
        let listener = u64::from(turn);
        book.note(&call.send(listens(listener)));
        let mut said_so_far = String::new();
        for (n, answer) in told.pauses.iter().enumerate() {
            if n > 0 {
                book.note(&call.goes_on(listener));
            }
            said_so_far.push_str(&format!(" part{n} of it"));
            book.note(&call.pauses(listener, &said_so_far));
            let Some((_, speculation)) = book.open else { continue };
            let spoken = format!("Reply {turn} of attempt {speculation}.");
            let events: &[ServiceEvent] = match answer {
                0 => &[],
                1 => &[words(&spoken)],
                2 => &[words(&spoken), ServiceEvent::End(crate::ReplyFigures::default())],
                _ => &[ServiceEvent::Failed(ServiceFailure::Refused)],
            };
            for event in events {
                book.note(&call.send(attempt(turn, speculation, event.clone())));
            }
        }
        if !told.ends_as_paused || told.pauses.is_empty() {
            book.note(&call.goes_on(listener));
            said_so_far.push_str(" and more of it");
        }
        book.note(&call.send(says(listener, &said_so_far)));
        let mine: Vec<_> = book.committed.iter().filter(|key| key.0 == turn).copied().collect();
        let [(_, speculation)] = mine.as_slice() else { panic!("one reply to turn {turn}: {mine:?}") };
        // Those that were withdrawn speak too, late.
        for late in book.withdrawn.iter().filter(|key| key.0 == turn).copied().collect::<Vec<_>>() {
            let event = words(&format!("Reply {turn} of attempt {}.", late.1));
            book.note(&call.send(attempt(turn, late.1, event)));
        }
        speaker += 1;
        book.note(&call.send(speaks(speaker)));
        book.note(&call.send(attempt(turn, *speculation, words(&format!("Rest {turn} of attempt {speculation}.")))));
        book.note(&call.send(attempt(turn, *speculation, ServiceEvent::End(crate::ReplyFigures::default()))));
        book.note(&call.send(played_out(speaker)));
    }
    assert_eq!(book.open, None);
    assert_eq!(book.committed.len(), turns.len(), "one committed reply for each turn");
    for clause in &book.said {
        let of_withdrawn = |&(turn, n): &(u32, u32)| clause.contains(&format!("{turn} of attempt {n}."));
        assert!(!book.withdrawn.iter().any(of_withdrawn), "{clause:?} was withdrawn");
    }
}

proptest! {
    #[test]
    fn whatever_the_caller_does_there_is_one_reply_to_a_turn_and_no_word_of_a_withdrawn_one(
        turns in proptest::collection::vec(told(), 0..6)
    ) {
        run(&turns);
    }
}
