use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{Grammar, Language};

fn grammar(phrases: &[String]) -> Grammar {
    let document = format!("#ABNF 1.0 UTF-8;\nlanguage en;\nroot $r;\n$r = {};", phrases.join(" | "));
    Grammar::from_body("application/srgs", document.as_bytes(), Language::English).unwrap()
}

fn phrase() -> impl Strategy<Value = String> {
    let word =
        prop::sample::select(vec!["sales", "sails", "support", "sport", "ban", "bandit", "转", "人工", "专", "工"]);
    vec(word, 1..5).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn the_walk_finds_what_comparing_one_by_one_finds(phrases in vec(phrase(), 1..30), heard in phrase()) {
        let grammar = grammar(&phrases);
        let index = grammar.sounds().unwrap();
        let heard = sound::sounds(&crate::text::words(&heard));
        let mut found: Vec<(u32, f32)> =
            index.near(&heard).into_iter().map(|(entry, distance)| (entry.phrase, distance)).collect();
        found.sort_by_key(|(phrase, _)| *phrase);
        let mut expected = Vec::new();
        for number in 0..u32::try_from(index.phrases.len()).unwrap() {
            let sounds = sound::sounds(&index.phrase(number).unwrap().words);
            let limit = sound::tolerance(&sounds) + MARGIN_MIN;
            expected.extend(sound::distance(&heard, &sounds, limit).map(|distance| (number, distance)));
        }
        prop_assert_eq!(found.len(), expected.len());
        for (found, expected) in found.into_iter().zip(expected) {
            prop_assert_eq!(found.0, expected.0);
            prop_assert!((found.1 - expected.1).abs() < 1e-5, "{:?} {:?}", found, expected);
        }
    }
}

#[test]
fn a_short_document_of_very_many_phrases_is_not_written_out() {
    let ten = "(a | b | c | d | e | f | g | h | i | j)";
    assert!(grammar(&[format!("{ten} {ten} {ten}")]).sounds().is_some());
    assert!(grammar(&[format!("{ten} {ten} {ten} {ten}")]).sounds().is_none());
}
