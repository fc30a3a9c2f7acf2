//! The committed fuzz corpora, replayed.

use std::path::Path;

use mrcp::fuzz;

/// Runs a target over every file of its corpus, which must be there.
fn replay(target: &str, run: impl Fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut count = 0;
    for entry in entries {
        run(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "{} is empty", directory.display());
}

#[test]
fn sec_024_the_corpus_of_messages_breaks_nothing() {
    replay("mrcp_message", fuzz::message);
}

#[test]
fn sec_024_the_corpus_of_connections_breaks_nothing() {
    replay("mrcp_connection", |bytes| fuzz::connection(testkit::epoch(), bytes));
}

#[test]
fn sec_024_the_corpus_of_recognizers_breaks_nothing() {
    replay("mrcp_recognizer", |bytes| fuzz::recognizer(testkit::epoch(), bytes));
}

#[test]
fn sec_024_the_corpus_of_synthesizers_breaks_nothing() {
    replay("mrcp_synthesizer", |bytes| fuzz::synthesizer(testkit::epoch(), bytes));
}

#[test]
fn the_corpus_of_recorders_breaks_nothing() {
    replay("mrcp_recorder", |bytes| fuzz::recorder(testkit::epoch(), bytes));
}
