//! What holds for any input: random operations, and the committed seeds of the fuzz targets.

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_leg_keeps_its_laws_under_any_operations(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        media::fuzz::media_leg(testkit::epoch(), &data);
    }

    #[test]
    fn a_leg_keeps_its_laws_under_any_stream(
        packets in proptest::collection::vec((any::<u8>(), 0u16..200, 0u32..5000, 0u8..3, 0u8..30), 0..100),
    ) {
        // Valid packets near each other, so that the buffer's inside is reached; then time passes.
        let mut data = vec![2, 0, 10, 1, 8, 255];
        for (first, sequence, timestamp, source, wait) in packets {
            let payload_type = if first & 1 == 0 { 0 } else { 101 };
            data.extend([0, 16, 0x80, payload_type]);
            data.extend(sequence.to_be_bytes());
            data.extend(timestamp.to_be_bytes());
            data.extend([0, 0, 0, source, first, first, 0, 160]);
            data.extend([4, wait]);
        }
        media::fuzz::media_leg(testkit::epoch(), &data);
    }

    #[test]
    fn any_datagram_is_read_or_refused(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        media::fuzz::rtp_packet(&data);
    }

    #[test]
    fn any_sound_file_is_read_or_refused(
        seed in any::<proptest::sample::Index>(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..8),
    ) {
        // Bytes out of nothing are no RIFF file; ones with a few changes are nearly one.
        let seeds = corpus("waveform");
        let mut data = seeds[seed.index(seeds.len())].clone();
        for (at, octet) in changes {
            let at = at.index(data.len());
            data[at] = octet;
        }
        media::fuzz::waveform(&data);
    }
}

/// The seeds of a fuzz target, which must exist.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files = std::fs::read_dir(&folder).expect("the corpus is committed");
    let seeds: Vec<_> = files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    assert!(!seeds.is_empty(), "the corpus of {target} is empty");
    seeds
}

#[test]
fn sec_024_the_rtp_packet_corpus_is_harmless() {
    for seed in corpus("rtp_packet") {
        media::fuzz::rtp_packet(&seed);
        for cut in testkit::every_truncation(&seed) {
            media::fuzz::rtp_packet(cut);
        }
    }
}

#[test]
fn sec_024_the_media_leg_corpus_is_harmless() {
    for seed in corpus("media_leg") {
        media::fuzz::media_leg(testkit::epoch(), &seed);
    }
}

#[test]
fn sec_024_the_waveform_corpus_is_harmless() {
    for seed in corpus("waveform") {
        media::fuzz::waveform(&seed);
        for cut in testkit::every_truncation(&seed) {
            media::fuzz::waveform(cut);
        }
    }
}
