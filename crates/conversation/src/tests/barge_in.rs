use speech::Language;

use super::*;
use crate::{CallPolicy, Expects, Listening};

const FIRST: &str = "This is the clinic calling.";
const SECOND: &str = "How are you after your operation?";

fn sound(listener: u64, sound: CallerSound) -> Input {
    Input::Sound { listener: ListenerKey(listener), sound }
}

fn keys(listener: u64) -> Input {
    sound(listener, CallerSound::Keyed)
}

fn partial(listener: u64, text: &str) -> Input {
    sound(listener, CallerSound::Partial { text: text.to_owned() })
}

fn words(listener: u64, text: &str, confidence: f32) -> Input {
    let hypotheses =
        if text.is_empty() { Vec::new() } else { vec![Hypothesis::new(text, confidence, Language::English)] };
    sound(listener, CallerSound::Words { hypotheses })
}

fn hush(speaker: u64) -> Output {
    Output::Hush { speaker: SpeakerKey(speaker) }
}

fn unhush(speaker: u64) -> Output {
    Output::Unhush { speaker: SpeakerKey(speaker) }
}

fn floor(listener: u64) -> Output {
    Output::YieldFloor { listener: ListenerKey(listener) }
}

fn dismiss(listener: u64) -> Output {
    Output::Dismiss { listener: ListenerKey(listener) }
}

impl Call {
    /// What came of something that was heard, beside how long a silence ends the turn.
    fn hears(&mut self, input: Input) -> Vec<Output> {
        let mut outputs = self.send(input);
        outputs.retain(|output| !matches!(output, Output::AwaitSilence { .. }));
        outputs
    }

    /// The caller makes a sound of so many milliseconds, and pauses.
    fn sounds(&mut self, ms: u64) -> Vec<Output> {
        let mut outputs = self.send(sound(1, CallerSound::Began));
        outputs.extend(self.wait(ms));
        let since = self.clock.now();
        outputs.extend(self.wait(200));
        outputs.extend(self.send(sound(1, CallerSound::Paused { since })));
        outputs
    }
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
    assert_eq!(call.send(keys(1)), [stop(1)]);
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
    call.send(keys(1));
    call.send(stopped(1, progress(0, 500, Some(2000))));
    assert_eq!(call.send(text(0, "And one more thing.")), []);
    assert_eq!(call.send(ended(0)), []);
    assert_eq!(call.conversation.counters().late_events, 2);
}

#[test]
fn the_rest_of_an_interrupted_reply_is_not_said_by_the_next_speak() {
    let mut call = greeting();
    call.send(keys(1));
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
    assert_eq!(call.send(keys(1)), []);
    call.send(Input::Played { speaker: SpeakerKey(1), progress: progress(1, 0, None) });
    assert_eq!(call.send(keys(1)), [stop(1)]);
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
    assert_eq!(call.send(keys(1)), []);
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
    assert_eq!(call.send(keys(7)), []);
    assert_eq!(call.conversation.counters().late_inputs, 1);
}

#[test]
fn a_barge_in_into_silence_does_nothing() {
    let mut call = Call::greeted();
    call.send(listens(1));
    assert_eq!(call.send(keys(1)), []);
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
        call.send(keys(1));
        let outputs = call.send(stopped(1, progress(0, partial_ms, Some(1000))));
        let [Output::Service(ServiceCommand::Interrupt(heard))] = outputs.as_slice() else { panic!("{outputs:?}") };
        assert_eq!(heard.text, expected, "{clause} after {partial_ms} ms");
    }
}

#[test]
fn the_prompt_falls_silent_at_the_first_sound_and_goes_on_after_a_backchannel() {
    let mut call = greeting();
    assert_eq!(call.send(sound(1, CallerSound::Began)), [hush(1)]);
    call.clock.advance(400);
    assert_eq!(call.send(partial(1, "uh")), []);
    let since = call.clock.now();
    assert_eq!(call.send(sound(1, CallerSound::Paused { since })), []);
    assert_eq!(call.hears(words(1, "Uh-huh.", 0.9)), [dismiss(1), unhush(1)]);
    assert_eq!((call.conversation.counters().backchannels, call.conversation.counters().interruptions), (1, 0));
    call.send(text(0, "One more."));
    assert_eq!(call.send(ended(0)), [reply_ended(1)]);
}

#[test]
fn words_with_something_to_say_interrupt_as_soon_as_two_of_them_are_known() {
    let mut call = greeting();
    assert_eq!(call.send(sound(1, CallerSound::Began)), [hush(1)]);
    assert_eq!(call.send(partial(1, "wait")), []);
    assert_eq!(call.send(partial(1, "wait a minute")), [stop(1), floor(1)]);
    let outputs = call.send(stopped(1, progress(0, 500, Some(2000))));
    assert!(matches!(outputs.as_slice(), [Output::Service(ServiceCommand::Interrupt(_))]), "{outputs:?}");
}

#[test]
fn one_short_word_that_is_no_backchannel_interrupts_at_its_pause() {
    let mut call = greeting();
    assert_eq!(call.sounds(350), [hush(1)]);
    assert_eq!(call.hears(words(1, "Stop.", 0.8)), [stop(1), floor(1)]);
}

#[test]
fn a_cough_without_words_or_with_a_guess_at_words_is_nothing() {
    for heard in [words(1, "", 0.0), words(1, "Thank you.", 0.2)] {
        let mut call = greeting();
        assert_eq!(call.sounds(300), [hush(1)]);
        assert_eq!(call.send(heard), [dismiss(1), unhush(1)]);
    }
}

#[test]
fn a_sound_whose_words_do_not_come_is_nothing() {
    let mut call = greeting();
    call.sounds(300);
    assert_eq!(call.wait(1_499), []);
    assert_eq!(call.wait(1), [dismiss(1), unhush(1)]);
}

#[test]
fn long_speech_interrupts_although_no_word_is_known() {
    let mut call = greeting();
    call.send(sound(1, CallerSound::Began));
    assert_eq!(call.wait(1_199), []);
    assert_eq!(call.wait(1), [stop(1), floor(1)]);
    assert_eq!(call.send(stopped(1, progress(1, 100, Some(2000)))), [], "it is not known yet whether for something");
    let outputs = call.hears(words(1, "I have a question", 0.9));
    let heard = heard(0, "This is the clinic calling.", false, 2100);
    assert_eq!(outputs, [Output::Service(ServiceCommand::Interrupt(heard))]);
}

#[test]
fn a_false_stop_is_resumed_by_the_next_speak_from_the_clause_it_was_in() {
    let mut call = greeting();
    call.send(sound(1, CallerSound::Began));
    call.wait(1_200);
    call.send(stopped(1, progress(1, 700, Some(2000))));
    // The service was not told, and goes on writing.
    assert_eq!(call.send(text(0, "Please tell me.")), []);
    call.send(ended(0));
    let outputs = call.send(says(1, "Yeah, okay."));
    assert_eq!(turn_result(&outputs, 1).kind, Some(crate::TurnKind::NoMatch));
    assert_eq!(outputs.len(), 1, "no turn: {outputs:?}");
    let outputs = call.send(speaks(2));
    assert_eq!(said(&outputs), [SECOND, "Please tell me."]);
    assert_eq!(call.conversation.counters().false_stops, 1);
    call.send(listens(2));
    let outputs = call.send(says(2, "I am well"));
    let heard = taken(&outputs).heard.clone().expect("something was heard");
    assert_eq!((heard.text.as_str(), heard.played_ms), (FIRST, 2700));
}

#[test]
fn yes_is_an_answer_once_the_last_clause_is_played() {
    let mut call = greeting();
    call.send(ended(0));
    call.send(Input::Played { speaker: SpeakerKey(1), progress: progress(1, 0, None) });
    assert_eq!(call.sounds(300), [hush(1)]);
    assert_eq!(call.hears(words(1, "Yes.", 0.9)), [stop(1), floor(1)]);
}

#[test]
fn yes_before_the_question_is_none() {
    let mut call = greeting();
    call.send(ended(0));
    call.sounds(300);
    assert_eq!(call.hears(words(1, "Yes.", 0.9)), [dismiss(1), unhush(1)]);
}

#[test]
fn a_caller_who_speaks_into_silence_has_the_floor_at_once() {
    let mut call = Call::greeted();
    call.send(listens(1));
    assert_eq!(call.send(sound(1, CallerSound::Began)), [floor(1)]);
}

#[test]
fn a_caller_who_still_speaks_when_the_prompt_ends_has_the_floor_and_a_cough_has_not() {
    for (heard, expected) in [(Some(words(1, "", 0.0)), dismiss(1)), (None, floor(1))] {
        let mut call = greeting();
        let notice = TextPiece {
            barge_in: Some(BargeIn::DtmfOnly),
            clause_end: true,
            ..TextPiece::plain("This call is recorded.")
        };
        call.send(service(0, ServiceEvent::Text(notice)));
        call.send(ended(0));
        call.send(Input::Played { speaker: SpeakerKey(1), progress: progress(2, 0, None) });
        assert_eq!(call.sounds(300), [], "speech does not hush it");
        if let Some(heard) = heard {
            assert_eq!(call.send(heard), []);
        }
        assert_eq!(call.send(played_out(1)), [expected]);
    }
}

#[test]
fn a_key_interrupts_what_speech_may_not_and_nothing_a_notice() {
    for (barge_in, expected) in [(BargeIn::DtmfOnly, vec![stop(1)]), (BargeIn::NotAllowed, vec![])] {
        let mut call = Call::new();
        call.send(speaks(1));
        call.send(listens(1));
        let notice =
            TextPiece { barge_in: Some(barge_in), clause_end: true, ..TextPiece::plain("This call is recorded.") };
        call.send(service(0, ServiceEvent::Text(notice)));
        assert_eq!(call.send(sound(1, CallerSound::Began)), []);
        assert_eq!(call.send(partial(1, "hello is anybody there")), []);
        let outputs: Vec<_> = call.send(keys(1)).into_iter().filter(|output| *output != floor(1)).collect();
        assert_eq!(outputs, expected);
    }
}

#[test]
fn what_was_said_over_a_protected_clause_interrupts_the_one_after_it() {
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
    assert_eq!(call.send(sound(1, CallerSound::Began)), []);
    assert_eq!(call.send(partial(1, "I want to talk")), []);
    let outputs = call.send(Input::Played { speaker: SpeakerKey(1), progress: progress(1, 0, None) });
    assert_eq!(outputs, [stop(1), floor(1)]);
}

#[test]
fn a_listener_that_goes_away_lets_the_prompt_go_on() {
    let mut call = greeting();
    assert_eq!(call.send(sound(1, CallerSound::Began)), [hush(1)]);
    assert_eq!(call.send(Input::ListenerDetached { listener: ListenerKey(1) }), [unhush(1)]);
}

#[test]
fn yes_is_an_answer_once_a_yes_no_question_has_been_asked_whatever_follows_it() {
    for (expects, expected) in [(Expects::YesNo, vec![stop(1), floor(1)]), (Expects::Open, vec![dismiss(1), unhush(1)])]
    {
        let mut call = greeting();
        call.send(service(0, ServiceEvent::Listening(Listening { expects, ..Listening::default() })));
        call.send(text(0, "Please say yes or no."));
        call.send(text(0, "You can also press one or two."));
        call.send(Input::Played { speaker: SpeakerKey(1), progress: progress(2, 0, None) });
        call.sounds(300);
        assert_eq!(call.hears(words(1, "Yes.", 0.9)), expected);
    }
}

#[test]
fn a_policy_adds_backchannels_and_says_what_may_interrupt() {
    let mut call = Call::new();
    call.send(speaks(1));
    call.send(listens(1));
    let policy = CallPolicy { backchannels: vec!["copy that".to_owned()], ..CallPolicy::default() };
    call.send(service(0, ServiceEvent::Policy(policy)));
    call.send(text(0, FIRST));
    call.sounds(600);
    assert_eq!(call.hears(words(1, "Copy that.", 0.9)), [dismiss(1), unhush(1)]);
    let policy = CallPolicy { barge_in: Some(BargeIn::DtmfOnly), ..CallPolicy::default() };
    call.send(service(0, ServiceEvent::Policy(policy)));
    call.send(text(0, SECOND));
    call.send(Input::Played { speaker: SpeakerKey(1), progress: progress(1, 0, None) });
    assert_eq!(call.sounds(600), []);
    assert_eq!(call.send(keys(1)), [floor(1), stop(1)]);
}
