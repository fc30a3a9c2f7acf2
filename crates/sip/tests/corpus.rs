//! The fuzz corpora, replayed.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

fn replay(target: &str, run: impl Fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut seeds = 0;
    for entry in std::fs::read_dir(&directory).expect("the corpus is part of the repository") {
        let path = entry.unwrap().path();
        run(&std::fs::read(&path).unwrap());
        seeds += 1;
    }
    assert!(seeds >= 5, "{} has only {seeds} seeds", directory.display());
}

#[test]
fn sec_024_the_corpus_of_messages_breaks_nothing() {
    replay("sip_message", sip::fuzz::message);
}

#[test]
fn sec_024_the_corpus_of_streams_breaks_nothing() {
    let epoch = testkit::epoch();
    replay("sip_stream", |data| sip::fuzz::stream(epoch, data));
}

#[test]
fn sec_024_the_corpus_of_endpoints_breaks_nothing() {
    let epoch = testkit::epoch();
    replay("sip_endpoint", |data| sip::fuzz::endpoint(epoch, data));
}
