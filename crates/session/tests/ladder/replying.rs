//! Clauses of a conversation's reply that are more than words, and keys that a conversation collects.

use media::{LegEvent, PlayoutOutcome};
use session::{AudioSource, FetchFailure, KeysOnly, LoadedAudio};

use super::*;

/// A SPEAK that waits for the reply.
fn speaking() -> (Ladder, session::PartKey) {
    let mut ladder = Ladder::established(Resource::SpeechSynth);
    ladder.send(Method::Speak, &[PLAIN], "dialog:reply?conversation=c7");
    let part = ladder.outputs.iter().find_map(|output| match output {
        Output::Converse { part, what: ToConversation::SpeakerAttached(_) } => Some(*part),
        _ => None,
    });
    ladder.outputs.clear();
    (ladder, part.expect("it asks the conversation"))
}

fn say(part: session::PartKey, text: &str, markup: Option<&str>) -> Input {
    let what = FromConversation::Say {
        text: text.to_owned(),
        markup: markup.map(|content| format!("<speak xml:lang=\"en-US\">{content}</speak>")),
        language: Language::English,
        voice: None,
        cacheable: false,
    };
    Input::Conversation { part, what }
}

/// What was asked of the synthesizer, in order.
fn spoken(ladder: &Ladder) -> Vec<String> {
    let text = |output: &Output| match output {
        Output::Synthesize { what, .. } => Some(what.text.clone()),
        _ => None,
    };
    ladder.outputs.iter().filter_map(text).collect()
}

/// Plays to its end what was started first and has not ended.
fn play(ladder: &mut Ladder, ended: &mut usize, played_ms: u64) {
    let started: Vec<_> = ladder
        .outputs
        .iter()
        .filter_map(|output| match output {
            Output::Synthesize { utterance, leg, .. }
            | Output::Silence { utterance, leg, .. }
            | Output::PlayLoaded { utterance, leg, .. } => Some((*utterance, *leg)),
            _ => None,
        })
        .collect();
    let (utterance, leg) = started[*ended];
    *ended += 1;
    let at = ladder.clock.now();
    ladder.input(Input::Leg { leg, event: LegEvent::PlayoutStarted { utterance, at } });
    let outcome = PlayoutOutcome::Completed;
    let position_samples = played_ms * 8;
    ladder.input(Input::Leg {
        leg,
        event: LegEvent::PlayoutFinished { utterance, at, played_ms, position_samples, outcome },
    });
}

fn progress(ladder: &Ladder) -> Vec<(u32, u32)> {
    let played = |output: &Output| match output {
        Output::Converse { what: ToConversation::Played(progress), .. } => Some((progress.clauses, progress.played_ms)),
        _ => None,
    };
    ladder.outputs.iter().filter_map(played).collect()
}

fn sounded(ladder: &Ladder) -> Vec<u32> {
    let clause = |output: &Output| match output {
        Output::Converse { what: ToConversation::ClauseStarted { clause, .. }, .. } => Some(*clause),
        _ => None,
    };
    ladder.outputs.iter().filter_map(clause).collect()
}

#[test]
fn markup_of_a_clause_is_spoken_piece_by_piece_and_counts_as_one_clause() {
    let (mut ladder, part) = speaking();
    ladder.input(say(part, "One two.", Some("One.<break time=\"200ms\"/>Two.")));
    ladder.input(say(part, "Three.", None));
    ladder.input(Input::Conversation { part, what: FromConversation::ReplyEnded });
    let mut ended = 0;
    for _ in 0..4 {
        play(&mut ladder, &mut ended, 100);
    }
    assert_eq!(spoken(&ladder), ["One.", "Two.", "Three."]);
    assert_eq!(progress(&ladder), [(1, 300), (2, 400)], "the pause is of the first clause");
    assert_eq!(sounded(&ladder), [0, 1]);
}

#[test]
fn a_recording_is_awaited_in_its_place_and_played() {
    let (mut ladder, part) = speaking();
    ladder.input(say(part, "Welcome.", Some("<audio src=\"http://a/w.wav\">Welcome.</audio>")));
    ladder.input(say(part, "How are you?", None));
    assert_eq!(spoken(&ladder), Vec::<String>::new(), "what comes after it waits");
    let key = ladder
        .outputs
        .iter()
        .find_map(|output| match output {
            Output::LoadAudio { key, source: AudioSource::Uri(request), .. } if request.uri == "http://a/w.wav" => {
                Some(*key)
            }
            _ => None,
        })
        .expect("it is fetched");
    let loaded = LoadedAudio { samples: 8_000, set_cookies: Vec::new() };
    ladder.input(Input::AudioLoaded { key, outcome: Ok(loaded) });
    assert!(
        ladder.outputs.iter().any(|output| matches!(output, Output::PlayLoaded { key: played, .. } if *played == key))
    );
    assert_eq!(spoken(&ladder), ["How are you?"]);
    let mut ended = 0;
    play(&mut ladder, &mut ended, 1_000);
    assert_eq!(progress(&ladder), [(1, 1_000)]);
}

#[test]
fn what_a_recording_says_is_spoken_where_it_cannot_be_had() {
    let (mut ladder, part) = speaking();
    ladder.input(say(part, "Welcome.", Some("<audio src=\"http://a/w.wav\">Welcome.</audio>")));
    ladder.input(say(part, "", Some("<audio src=\"http://a/gone.wav\"></audio>")));
    ladder.input(say(part, "How are you?", None));
    ladder.input(Input::Conversation { part, what: FromConversation::ReplyEnded });
    let keys: Vec<_> = ladder
        .outputs
        .iter()
        .filter_map(|output| match output {
            Output::LoadAudio { key, .. } => Some(*key),
            _ => None,
        })
        .collect();
    for key in keys {
        ladder.input(Input::AudioLoaded { key, outcome: Err(FetchFailure::default()) });
    }
    let mut ended = 0;
    for _ in 0..3 {
        play(&mut ladder, &mut ended, 100);
    }
    assert_eq!(spoken(&ladder), ["Welcome.", "How are you?"], "and what says nothing is left out");
    assert_eq!(progress(&ladder).last().map(|(clauses, _)| *clauses), Some(3));
}

#[test]
fn a_stop_gives_up_the_recordings_that_clauses_wait_for() {
    let (mut ladder, part) = speaking();
    ladder.input(say(part, "Welcome.", Some("<audio src=\"http://a/w.wav\">Welcome.</audio>")));
    ladder.input(Input::Conversation { part, what: FromConversation::StopPlayout });
    assert!(ladder.outputs.iter().any(|output| matches!(output, Output::Abandon { .. })));
}

/// A RECOGNIZE of a conversation that collects keys.
fn collecting(how: KeysOnly) -> Ladder {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let timeout = (HeaderName::DtmfInterdigitTimeout, "1000");
    ladder.send(Method::Recognize, &[URI_LIST, timeout], "builtin:speech/dialog?conversation=c7");
    let part = ladder.outputs.iter().find_map(|output| match output {
        Output::Converse { part, what: ToConversation::ListenerAttached { .. } } => Some(*part),
        _ => None,
    });
    ladder.input(Input::Conversation { part: part.unwrap(), what: FromConversation::CollectDtmf(how) });
    ladder
}

fn press(ladder: &mut Ladder, keys: &str) {
    let leg = ladder.listened_leg();
    for key in keys.chars() {
        let digit = media::DtmfDigit::from_char(key).unwrap();
        ladder.input(Input::Leg { leg, event: LegEvent::Dtmf { digit, duration_ms: 0 } });
        ladder.pass(100);
    }
}

fn turn(ladder: &Ladder) -> Option<CallerInput> {
    ladder.outputs.iter().find_map(|output| match output {
        Output::Converse { what: ToConversation::CallerTurn { input, .. }, .. } => Some(input.clone()),
        _ => None,
    })
}

#[test]
fn keys_alone_are_heard_when_they_are_collected_and_the_last_of_them_ends_the_turn() {
    let mut ladder = collecting(KeysOnly { digits_max: Some(4), ..KeysOnly::default() });
    assert!(ladder.outputs.iter().any(|output| matches!(output, Output::StopListening { .. })), "nobody hears speech");
    press(&mut ladder, "123");
    assert_eq!(turn(&ladder), None);
    press(&mut ladder, "4");
    assert_eq!(turn(&ladder), Some(CallerInput::Dtmf("1234".to_owned())));
}

#[test]
fn a_terminator_ends_collected_keys_and_is_none_of_them() {
    let mut ladder = collecting(KeysOnly { terminators: "#*".to_owned(), ..KeysOnly::default() });
    press(&mut ladder, "12*");
    assert_eq!(turn(&ladder), Some(CallerInput::Dtmf("12".to_owned())));
}

#[test]
fn a_pause_as_long_as_the_service_says_ends_collected_keys() {
    let interdigit_timeout = Some(Duration::from_secs(3));
    let mut ladder = collecting(KeysOnly { interdigit_timeout, ..KeysOnly::default() });
    press(&mut ladder, "12");
    ladder.pass(2_000);
    assert_eq!(turn(&ladder), None, "the client's own pause is shorter");
    ladder.pass(1_500);
    assert_eq!(turn(&ladder), Some(CallerInput::Dtmf("12".to_owned())));
}
