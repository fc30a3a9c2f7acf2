//! The committed fuzz corpus, replayed: what was once found stays fixed.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

use std::{fs, path::Path};

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{} must be there: {error}", folder.display()));
    let mut seeds = 0;
    for entry in entries {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        check(&bytes);
        // A cut or a spoilt document is as good a seed as a whole one.
        for cut in (0..bytes.len()).step_by(7) {
            check(&bytes[..cut]);
            let mut spoilt = bytes.clone();
            spoilt[cut] ^= 0x15;
            check(&spoilt);
        }
        seeds += 1;
    }
    assert!(seeds > 0, "the corpus of {target} is empty");
}

#[test]
fn the_grammar_corpus_holds() {
    replay("speech_grammar", speech::fuzz::grammar);
}

#[test]
fn grm_018_sec_016_the_srgs_corpus_holds() {
    replay("speech_srgs", speech::fuzz::srgs);
}

#[test]
fn the_ssml_corpus_holds() {
    replay("speech_ssml", speech::fuzz::ssml);
}

#[test]
fn the_nlsml_corpus_holds() {
    replay("speech_nlsml", speech::fuzz::nlsml);
}

proptest::proptest! {
    #[test]
    fn any_bytes_hold(bytes: Vec<u8>) {
        speech::fuzz::grammar(&bytes);
        speech::fuzz::srgs(&bytes);
        speech::fuzz::ssml(&bytes);
        speech::fuzz::nlsml(&bytes);
    }

    #[test]
    fn any_spoken_value_holds(
        words in "((one|twenty|oh|double|half|past|to|point|a|and|hundred|dollars|cents|march|fifth|next|tuesday|pm|no|extension|ago|in|days|the|of) ){0,14}",
        han in "[一二三十百千万零半点分刻差年月日号周下上午今明后天底块毛元美负两个转幺]{0,14}",
        signs in "[0-9$:/.,+-]{0,12}",
    ) {
        for kind in ["date", "time", "currency", "number", "phone", "digits"] {
            let today = Some("2026-11-25".parse().unwrap());
            let grammar = speech::Grammar::from_uri(&format!("builtin:{kind}?garbage=true")).unwrap().on(today);
            for text in [&words, &han, &signs] {
                let heard = [speech::Hypothesis::new(text.clone(), 0.9, speech::Language::English)];
                for found in grammar.match_speech(&heard) {
                    proptest::prop_assert!((0.0..=1.0).contains(&found.confidence));
                }
            }
            let _state = grammar.match_dtmf(&signs);
        }
    }

    #[test]
    fn any_words_hold(words in "([a-z]{1,5}|[0-9.,]{1,3}|[一二三十百半点分不没有是对好的嗯]| ){0,30}") {
        let document = format!("builtin:grammar/number\nbuiltin:grammar/digits\nbuiltin:grammar/boolean\n{words}");
        speech::fuzz::grammar(document.as_bytes());
        speech::fuzz::ssml(words.as_bytes());
    }
}
