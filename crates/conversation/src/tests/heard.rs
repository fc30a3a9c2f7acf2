//! What was heard of a reply, to the word.

use proptest::prelude::*;

use super::*;

const CLAUSES: [&str; 3] =
    ["This is the clinic calling about your appointment.", "It's on Monday at ten.", "您手术后感觉怎么样？"];

/// What is told of a reply of [`CLAUSES`] that was stopped there.
fn heard_at(progress: Progress) -> Heard {
    let mut call = Call::new();
    call.send(speaks(1));
    for clause in CLAUSES {
        call.send(text(0, clause));
    }
    let outputs = call.send(stopped(1, progress));
    outputs
        .iter()
        .find_map(|output| match output {
            Output::Service(ServiceCommand::Interrupt(heard)) => Some(heard.clone()),
            _ => None,
        })
        .unwrap_or_else(|| panic!("nothing is told in {outputs:?}"))
}

/// Letters and digits, without what stands between.
fn letters(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).collect()
}

proptest! {
    #[test]
    fn it_is_the_beginning_of_the_reply_cut_at_a_word(
        clauses in 0u32..4, partial_ms in 0u32..5_000, of_ms in proptest::option::of(1u32..5_000)
    ) {
        let heard = heard_at(Progress { clauses, partial_ms, partial_of_ms: of_ms, played_ms: partial_ms });
        let whole = letters(&CLAUSES.concat());
        prop_assert!(whole.starts_with(&letters(&heard.text)), "{heard:?}");
        prop_assert_eq!(heard.played_ms, partial_ms);
        prop_assert!(!heard.complete);
        if let Some(last) = heard.text.split([' ', '\n']).next_back().filter(|last| !last.is_empty()) {
            let words: Vec<&str> = CLAUSES.iter().flat_map(|clause| clause.split(' ')).collect();
            let is_whole = words.iter().any(|word| letters(word) == letters(last));
            prop_assert!(is_whole || !last.is_ascii(), "{last:?} is no word");
        }
    }

    #[test]
    fn who_listens_longer_has_heard_no_less(
        clauses in 0u32..3, partial_ms in 0u32..3_000, more_ms in 0u32..3_000, of_ms in 1u32..3_000
    ) {
        let at = |clauses, partial_ms| Progress { clauses, partial_ms, partial_of_ms: Some(of_ms), played_ms: 0 };
        let earlier = letters(&heard_at(at(clauses, partial_ms)).text);
        let later = letters(&heard_at(at(clauses, partial_ms + more_ms)).text);
        let next = letters(&heard_at(at(clauses + 1, 0)).text);
        prop_assert!(later.starts_with(&earlier) && next.starts_with(&later), "{earlier:?}, {later:?}, {next:?}");
    }

    #[test]
    fn what_is_said_again_after_a_false_stop_is_heard_once(clauses in 0u32..3, partial_ms in 1u32..2_000) {
        let mut call = Call::new();
        call.send(speaks(1));
        call.send(listens(1));
        for clause in CLAUSES {
            call.send(text(0, clause));
        }
        call.send(Input::Played { speaker: SpeakerKey(1), progress: Progress { clauses, ..Progress::default() } });
        call.send(Input::Sound { listener: ListenerKey(1), sound: CallerSound::Began });
        call.wait(1_200);
        call.send(stopped(1, Progress { clauses, partial_ms, partial_of_ms: Some(2_000), played_ms: partial_ms }));
        call.send(turn(1, CallerInput::NoMatch(Vec::new())));
        call.send(ended(0));
        let outputs = call.send(speaks(2));
        let rest = &CLAUSES[clauses as usize..];
        prop_assert_eq!(said(&outputs), rest);
        call.send(played_out(2));
        call.send(listens(2));
        let outputs = call.send(says(2, "Monday is fine"));
        let heard = taken(&outputs).heard.clone().expect("all of it was heard");
        prop_assert_eq!(letters(&heard.text), letters(&CLAUSES.concat()));
        prop_assert!(heard.complete);
    }
}
