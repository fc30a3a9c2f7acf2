//! Laws that hold for any order of inputs.

use std::{collections::HashMap, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::ServiceFailure;

/// Something that may happen; keys are drawn from few, so that old and unknown ones are met often.
#[derive(Debug, Clone)]
enum Happening {
    Speaks,
    Listens { inline: bool },
    PlayedOut(u64),
    Stopped(u64, u32, u32),
    Played(u64, u32, u32),
    Sounds(u64, u8),
    Says(u64, &'static str),
    Silent(u64),
    Detached(u64),
    Text(u32, &'static str, bool),
    Acts(u32, u8),
    Ends(u32),
    Fails(u32),
    Waits(u64),
    Deserted,
    Close,
}

fn happening() -> impl Strategy<Value = Happening> {
    let key = 0u64..4;
    let turn = 0u32..4;
    prop_oneof![
        4 => Just(Happening::Speaks),
        4 => any::<bool>().prop_map(|inline| Happening::Listens { inline }),
        3 => key.clone().prop_map(Happening::PlayedOut),
        1 => (key.clone(), 0u32..3, 0u32..2000).prop_map(|(key, clauses, ms)| Happening::Stopped(key, clauses, ms)),
        1 => (key.clone(), 0u32..3, 0u32..2000).prop_map(|(key, clauses, ms)| Happening::Played(key, clauses, ms)),
        6 => (key.clone(), 0u8..10).prop_map(|(key, what)| Happening::Sounds(key, what)),
        4 => (key.clone(), prop_oneof![Just("yes"), Just(""), Just("大概六分")]).prop_map(|(key, words)| Happening::Says(key, words)),
        1 => key.clone().prop_map(Happening::Silent),
        1 => key.prop_map(Happening::Detached),
        4 => (turn.clone(), prop_oneof![Just("Good. "), Just("和"), Just(" and so on, "), Just("")], any::<bool>())
            .prop_map(|(turn, words, fixed)| Happening::Text(turn, words, fixed)),
        1 => (turn.clone(), 0u8..4).prop_map(|(turn, action)| Happening::Acts(turn, action)),
        3 => turn.clone().prop_map(Happening::Ends),
        1 => turn.prop_map(Happening::Fails),
        2 => (0u64..5_000).prop_map(Happening::Waits),
        1 => Just(Happening::Deserted),
        1 => Just(Happening::Close),
    ]
}

/// What has been seen of one SPEAK.
#[derive(Debug, Default, Clone, Copy)]
struct SpeakerSeen {
    clauses: u32,
    ended: bool,
    done: bool,
    hushed: bool,
}

/// Keeps book of what comes out, and fails when a law is broken.
#[derive(Default)]
struct Book {
    speakers: Vec<SpeakerSeen>,
    listeners: HashMap<u64, bool>,
    next_listener: u64,
    last_turn: Option<u32>,
    ends: u32,
    closed: bool,
}

impl Book {
    /// The key among the last four that `n` means, so that most inputs are about something that exists.
    fn speaker(&self, n: u64) -> u64 {
        (self.speakers.len() as u64).saturating_sub(1 + n)
    }

    fn listener(&self, n: u64) -> u64 {
        self.next_listener.saturating_sub(1 + n)
    }

    fn turn(&self, n: u32) -> u32 {
        self.last_turn.unwrap_or(0).saturating_sub(n)
    }

    fn note(&mut self, output: &Output) {
        match output {
            Output::AwaitSilence { listener, silence, .. } => {
                assert!(!self.listeners[&listener.0], "a silence for a listening that is over");
                assert!(!silence.is_zero());
            }
            Output::ListenFor { listener, .. } => assert!(!self.listeners[&listener.0]),
            Output::Closed => {
                assert!(!self.closed, "closed twice");
                self.closed = true;
            }
            Output::Say { speaker, clause } => {
                let seen = &mut self.speakers[usize::try_from(speaker.0).unwrap()];
                assert!(!seen.ended && !seen.done, "a clause after the end of {speaker:?}");
                assert_eq!(clause.index, seen.clauses, "clauses in order");
                assert!(!clause.text.trim().is_empty());
                seen.clauses += 1;
            }
            Output::ReplyEnded { speaker } => {
                let seen = &mut self.speakers[usize::try_from(speaker.0).unwrap()];
                assert!(!seen.ended, "{speaker:?} ended twice");
                seen.ended = true;
            }
            Output::StopPlayout { speaker } => {
                let seen = &mut self.speakers[usize::try_from(speaker.0).unwrap()];
                assert!(!seen.done, "{speaker:?} stopped after it was done");
                seen.ended = true;
                seen.hushed = false;
            }
            Output::Hush { speaker } => {
                let seen = &mut self.speakers[usize::try_from(speaker.0).unwrap()];
                assert!(!seen.done && !seen.hushed, "{speaker:?} hushed twice, or after its end");
                seen.hushed = true;
            }
            Output::Unhush { speaker } => {
                let seen = &mut self.speakers[usize::try_from(speaker.0).unwrap()];
                assert!(!seen.done && seen.hushed, "{speaker:?} goes on that was not hushed");
                seen.hushed = false;
            }
            Output::YieldFloor { listener } | Output::Dismiss { listener } => {
                assert_eq!(self.listeners.get(&listener.0), Some(&false), "{listener:?} is open");
            }
            Output::CollectDtmf { listener, .. } => {
                let done = self.listeners.get(&listener.0).expect("a listener that was attached");
                assert!(!done, "{listener:?} collects after it was completed");
            }
            Output::CompleteListening { listener, .. } => {
                let done = self.listeners.get_mut(&listener.0).expect("a listener that was attached");
                assert!(!std::mem::replace(done, true), "{listener:?} completed twice");
            }
            Output::Service(command) => {
                assert!(!self.closed && self.ends == 0, "a command after the end");
                match command {
                    ServiceCommand::Start(_) => {
                        assert_eq!(self.last_turn, None, "started twice");
                        self.last_turn = Some(0);
                    }
                    ServiceCommand::TakeTurn(turn) => {
                        assert_eq!(Some(turn.turn.0), self.last_turn.map(|last| last + 1), "turns rise by one");
                        self.last_turn = Some(turn.turn.0);
                        if let Some(heard) = &turn.heard {
                            assert_eq!(heard.turn.0 + 1, turn.turn.0, "what was heard is of the reply before");
                        }
                    }
                    ServiceCommand::Interrupt(heard) => assert_eq!(Some(heard.turn.0), self.last_turn),
                    ServiceCommand::Settle { .. } => panic!("nothing is speculative here"),
                    ServiceCommand::End { .. } => self.ends += 1,
                }
            }
        }
    }
}

/// Everything that a conversation may do by itself, and soon.
fn config() -> ConversationConfig {
    let phrases = |words: &str| crate::Phrases { english: vec![words.to_owned()], chinese: vec![words.to_owned()] };
    ConversationConfig {
        patience: crate::PatienceConfig {
            fillers: phrases("One moment."),
            filler_after: Duration::from_millis(500),
            silence_prompts: phrases("Hello?"),
            call_max: Some(Duration::from_secs(20)),
            time_over: phrases("Time is over."),
        },
        ..ConversationConfig::default()
    }
}

fn run(happenings: &[Happening]) {
    let mut clock = Clock::new();
    let mut conversation = Conversation::new(Arc::new(config()), clock.now());
    let mut book = Book::default();
    for happening in happenings {
        let input = match happening.clone() {
            Happening::Speaks => {
                book.speakers.push(SpeakerSeen::default());
                Some(speaks(book.speaker(0)))
            }
            Happening::Listens { inline } => {
                book.next_listener += 1;
                book.listeners.insert(book.listener(0), false);
                Some(Input::ListenerAttached {
                    listener: ListenerKey(book.listener(0)),
                    reply_inline: inline,
                    details: CallDetails::default(),
                })
            }
            Happening::PlayedOut(n) => prompt_done(&mut book, n, |seen| seen.ended.then_some(PromptEnd::Completed)),
            Happening::Stopped(n, clauses, ms) => prompt_done(&mut book, n, |_| {
                Some(PromptEnd::Stopped(Progress { clauses, partial_ms: ms, partial_of_ms: None, played_ms: ms }))
            }),
            Happening::Played(n, clauses, ms) => Some(Input::Played {
                speaker: SpeakerKey(book.speaker(n)),
                progress: Progress { clauses, partial_ms: ms, partial_of_ms: Some(1500), played_ms: ms },
            }),
            Happening::Sounds(n, what) => Some(Input::Sound {
                listener: ListenerKey(book.listener(n)),
                sound: match what {
                    0..=2 => CallerSound::Began,
                    3 => CallerSound::Paused { since: clock.now() },
                    4 => CallerSound::Resumed,
                    5 => CallerSound::Partial { text: "wait a minute".to_owned() },
                    6 => CallerSound::Words { hypotheses: vec![Hypothesis::new("嗯", 0.9, Language::Chinese)] },
                    7 => CallerSound::Words { hypotheses: vec![Hypothesis::new("wait", 0.9, Language::English)] },
                    8 => CallerSound::Words { hypotheses: Vec::new() },
                    _ => CallerSound::Keyed,
                },
            }),
            Happening::Says(n, words) => Some(says(book.listener(n), words)),
            Happening::Silent(n) => Some(turn(book.listener(n), CallerInput::NoInput)),
            Happening::Detached(n) => {
                let key = book.listener(n);
                if let Some(done) = book.listeners.get_mut(&key) {
                    *done = true;
                }
                Some(Input::ListenerDetached { listener: ListenerKey(key) })
            }
            Happening::Text(n, words, fixed) => Some(service(
                book.turn(n),
                ServiceEvent::Text(TextPiece {
                    barge_in: fixed.then_some(BargeIn::NotAllowed),
                    ..TextPiece::plain(words)
                }),
            )),
            Happening::Acts(n, which) => Some(service(
                book.turn(n),
                ServiceEvent::Action(match which {
                    0 => Action::Continue,
                    1 => Action::Transfer { target: "8100".to_owned(), summary: String::new() },
                    2 => Action::Hangup { reason: String::new() },
                    _ => Action::Custom { name: "play".to_owned(), params: Vec::new() },
                }),
            )),
            Happening::Ends(n) => Some(ended(book.turn(n))),
            Happening::Fails(n) => Some(service(book.turn(n), ServiceEvent::Failed(ServiceFailure::Unreachable))),
            Happening::Deserted => Some(Input::Deserted),
            Happening::Close => Some(Input::Close),
            Happening::Waits(ms) => {
                let end = clock.now() + Duration::from_millis(ms);
                for _ in 0..8 {
                    let Some(at) = conversation.poll_timeout().filter(|at| *at <= end) else { break };
                    clock.advance_to(at);
                    conversation.handle_timeout(clock.now());
                    drain(&mut conversation, &mut book);
                }
                clock.advance_to(end);
                None
            }
        };
        if let Some(input) = input {
            conversation.handle_input(clock.now(), input);
            drain(&mut conversation, &mut book);
        }
        if let Some(at) = conversation.poll_timeout() {
            assert!(at > clock.now(), "a time-out in the past after {happening:?}");
        }
    }
    conversation.handle_input(clock.now(), Input::Close);
    drain(&mut conversation, &mut book);
    assert!(book.closed);
    assert_eq!(book.ends, u32::from(book.last_turn.is_some()), "a conversation that was started is ended once");
    assert!(book.listeners.values().all(|done| *done), "every listener has been completed");
    assert_eq!(conversation.poll_timeout(), None);
}

/// The shell reports the end of a SPEAK once.
fn prompt_done(book: &mut Book, n: u64, end: impl Fn(&SpeakerSeen) -> Option<PromptEnd>) -> Option<Input> {
    let key = book.speaker(n);
    let seen = book.speakers.get_mut(usize::try_from(key).unwrap()).filter(|seen| !seen.done)?;
    let end = end(seen)?;
    seen.done = true;
    Some(Input::PromptDone { speaker: SpeakerKey(key), end })
}

fn drain(conversation: &mut Conversation, book: &mut Book) {
    for _ in 0..1000 {
        let Some(output) = conversation.poll_output() else { return };
        book.note(&output);
    }
    panic!("it does not drain");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_order_of_inputs_keeps_the_laws(happenings in proptest::collection::vec(happening(), 0..60)) {
        run(&happenings);
    }
}
