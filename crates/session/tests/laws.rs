//! Laws of whole sessions: random operations, and the fuzz corpora replayed.

#![expect(clippy::unwrap_used, reason = "what a test has written itself can be read")]

use std::path::Path;

use proptest::prelude::*;

fn replay(target: &str, run: impl Fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut seeds = 0;
    for entry in std::fs::read_dir(&directory).expect("the corpus is part of the repository") {
        run(&std::fs::read(entry.unwrap().path()).unwrap());
        seeds += 1;
    }
    assert!(seeds >= 5, "{} has only {seeds} seeds", directory.display());
}

#[test]
fn sec_024_the_corpus_of_operations_breaks_nothing() {
    replay("session_operations", |data| session::fuzz::operations(testkit::epoch(), data));
}

#[test]
fn sec_024_the_corpus_of_whole_server_input_breaks_nothing() {
    replay("server_input", |data| session::fuzz::server_input(testkit::epoch(), data));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn frm_026_frm_027_frm_028_ghf_005_ghf_006_con_003_a_session_of_several_channels_keeps_its_laws_whatever_happens(
        bytes in prop::collection::vec(any::<u8>(), 0..800),
    ) {
        session::fuzz::operations(testkit::epoch(), &bytes);
    }

    #[test]
    fn no_bytes_break_a_server(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        session::fuzz::server_input(testkit::epoch(), &bytes);
    }
}
