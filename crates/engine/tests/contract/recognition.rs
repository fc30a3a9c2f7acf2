//! The recognizer contract.

use engine::{EngineErrorKind, ListenEvent, ListenSpec};
use speech::Language;

use crate::bench::{Bench, LINE_HZ, Session, final_text};

/// Words that any recognizer knows.
const TEXT: &str = "good morning, how are you feeling today?";

pub(crate) fn r1_one_permit_covers_one_listening(bench: &Bench) {
    let permit = bench.recognition.try_reserve().unwrap();
    let spec = || ListenSpec::new(Language::English, LINE_HZ);
    let (_sink, listener) = bench.recognition.listen(&permit, spec(), Box::new(|_| ())).unwrap();
    let second = bench.recognition.listen(&permit, spec(), Box::new(|_| ()));
    assert_eq!(second.err().unwrap().kind, EngineErrorKind::Busy);
    drop(listener);
    bench.recognition.listen(&permit, spec(), Box::new(|_| ())).unwrap();
}

pub(crate) fn r2_events_come_from_one_thread(bench: &Bench) {
    let mut session = bench.listen(true);
    session.silence(500);
    session.push(&bench.said(TEXT));
    session.silence(1000);
    session.finish();
    let (first, event) = session.next_with_thread();
    assert!(matches!(event, ListenEvent::SpeechStarted { .. }), "{event:?}");
    loop {
        let (thread, event) = session.next_with_thread();
        assert_eq!(thread, first);
        if crate::bench::is_last(&event) {
            break;
        }
    }
}

pub(crate) fn r3_times_are_of_the_stream(bench: &Bench) {
    let audio = bench.said(TEXT);
    let mut times = Vec::new();
    // In packets, and all at once.
    for packet in [80, 480, audio.len()] {
        let mut session = bench.listen(false);
        session.silence(700);
        for part in audio.chunks(packet) {
            session.sink.push(part).unwrap();
        }
        session.silence(1000);
        session.finish();
        let events = session.to_the_end();
        times.push(events.iter().find_map(|event| match event {
            ListenEvent::SpeechStarted { at_ms } => Some(*at_ms),
            _ => None,
        }));
    }
    assert!(times.iter().all(|time| *time == times[0] && time.is_some()), "{times:?}");
}

pub(crate) fn r4_speech_starts_once_and_where_it_does(bench: &Bench) {
    let mut session = bench.listen(false);
    session.silence(1000);
    let audio = bench.said(TEXT);
    session.push(&audio);
    session.silence(1000);
    session.finish();
    let events = session.to_the_end();
    let starts: Vec<u32> = events
        .iter()
        .filter_map(|event| match event {
            ListenEvent::SpeechStarted { at_ms } => Some(*at_ms),
            _ => None,
        })
        .collect();
    assert_eq!(starts.len(), 1, "{events:?}");
    assert!((850..1200).contains(&starts[0]), "speech begins at 1000 ms, told was {} ms", starts[0]);
    let end = 1000 + audio.len() as u32 / 8;
    let told = events.iter().rev().find_map(|event| match event {
        ListenEvent::SpeechEnded { at_ms, silence_ms } => Some((*at_ms, *silence_ms)),
        _ => None,
    });
    let (at_ms, silence_ms) = told.expect("an end of speech");
    assert!((end - 400..end + 200).contains(&at_ms), "speech ends at {end} ms, told was {at_ms} ms");
    assert!((100..400).contains(&silence_ms), "told after {silence_ms} ms of silence");
}

pub(crate) fn r4_silence_and_noise_are_no_speech(bench: &Bench) {
    let mut session = bench.listen(false);
    session.silence(3000);
    // White noise at −40 dB.
    let mut state = 1u32;
    let noise: Vec<i16> = (0..24_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as i16 / 60
        })
        .collect();
    session.push(&noise);
    session.finish();
    let events = session.to_the_end();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(final_text(&events), "");
}

pub(crate) fn r5_r6_a_pause_is_told_and_so_is_what_was_said_so_far(bench: &Bench) {
    let mut session = bench.listen(false);
    session.silence(500);
    session.push(&bench.said("good morning."));
    session.silence(1200);
    let before = session.until(|event| matches!(event, ListenEvent::Hypotheses { .. }));
    let [
        ListenEvent::SpeechStarted { .. },
        ListenEvent::SpeechEnded { .. },
        ListenEvent::Hypotheses { hypotheses, is_final },
    ] = before.as_slice()
    else {
        panic!("{before:?}");
    };
    assert!(!is_final);
    bench.assert_heard(&hypotheses[0].text, "good morning");
    session.push(&bench.said("how are you feeling today?"));
    session.silence(1200);
    session.finish();
    let after = session.to_the_end();
    assert_eq!(after[0], ListenEvent::SpeechResumed);
    let mut is_paused = false;
    for event in &after[1..] {
        match event {
            ListenEvent::SpeechEnded { .. } => assert!(!std::mem::replace(&mut is_paused, true)),
            ListenEvent::SpeechResumed => assert!(std::mem::replace(&mut is_paused, false)),
            _ => {}
        }
    }
    bench.assert_heard(final_text(&after), "good morning how are you feeling today");
}

pub(crate) fn r7_finish_is_answered_by_one_last_event(bench: &Bench) {
    // In mid-speech, in the pause after it, and twice.
    let audio = bench.said(TEXT);
    for (part, silence) in [(audio.len() / 2, 0), (audio.len(), 0), (audio.len(), 2000)] {
        let mut session = bench.listen(false);
        session.silence(300);
        session.push(&audio[..part]);
        session.silence(silence);
        session.finish();
        session.finish();
        let events = session.to_the_end();
        assert!(!final_text(&events).is_empty(), "{events:?}");
    }
}

pub(crate) fn r7_silence_is_an_empty_result(bench: &Bench) {
    let mut session = bench.listen(false);
    session.silence(2000);
    session.finish();
    assert_eq!(session.to_the_end(), [ListenEvent::Hypotheses { hypotheses: Vec::new(), is_final: true }]);
}

pub(crate) fn r8_r9_every_word_is_heard_and_the_confidence_is_one(bench: &Bench) {
    for text in [TEXT, "the doctor will call you back this evening.", "please hold the line for a moment."] {
        let mut session = bench.listen(false);
        session.silence(400);
        session.push(&bench.said(text));
        session.silence(800);
        session.finish();
        let events = session.to_the_end();
        let Some(ListenEvent::Hypotheses { hypotheses, .. }) = events.last() else { panic!("{events:?}") };
        bench.assert_heard(&hypotheses[0].text, text);
        for hypothesis in hypotheses {
            assert_eq!(hypothesis.language, Language::English);
            assert!((0.0..=1.0).contains(&hypothesis.confidence));
        }
        assert!(hypotheses.windows(2).all(|pair| pair[0].confidence >= pair[1].confidence), "{hypotheses:?}");
        assert!(hypotheses[0].confidence > 0.5, "{hypotheses:?}");
    }
}

pub(crate) fn r9_what_was_said_just_before_the_beginning_is_heard(bench: &Bench) {
    let audio = bench.said(TEXT);
    let mut session = bench.listen(false);
    // 200 ms of a quiet line, and the first 300 ms of the speech.
    let (before, rest) = audio.split_at(2400);
    session.sink.pre_roll(&[&[0; 1600], before].concat());
    session.push(rest);
    session.silence(1000);
    session.finish();
    let events = session.to_the_end();
    let starts: Vec<&ListenEvent> =
        events.iter().filter(|event| matches!(event, ListenEvent::SpeechStarted { .. })).collect();
    assert_eq!(starts, [&ListenEvent::SpeechStarted { at_ms: 0 }], "it began before the beginning");
    let ended = events.iter().rev().find_map(|event| match event {
        ListenEvent::SpeechEnded { at_ms, .. } => Some(*at_ms),
        _ => None,
    });
    let end = rest.len() as u32 / 8;
    assert!(ended.is_some_and(|at_ms| (end - 400..end + 200).contains(&at_ms)), "{events:?}");
    let Some(ListenEvent::Hypotheses { hypotheses, .. }) = events.last() else { panic!("{events:?}") };
    bench.assert_heard(&hypotheses[0].text, TEXT);
}

pub(crate) fn r9_what_was_over_before_the_beginning_is_not_heard(bench: &Bench) {
    let mut session = bench.listen(false);
    session.sink.pre_roll(&[bench.said(TEXT), vec![0; 8 * 600]].concat());
    session.silence(2000);
    session.finish();
    let events = session.to_the_end();
    assert_eq!(events, [ListenEvent::Hypotheses { hypotheses: Vec::new(), is_final: true }]);
}

pub(crate) fn r10_a_long_turn_is_heard_whole(bench: &Bench) {
    let sentences = [
        "good morning, this is the clinic calling about your operation last week.",
        "we would like to know how you have been feeling since you went home.",
        "have you had any trouble sleeping, or any pain that keeps you awake at night?",
        "the doctor has asked us to make sure that you are taking your medicine every morning.",
        "if anything is not clear to you, please tell us now and we will find somebody who can help.",
        "thank you very much for your time, and please call us whenever you need anything.",
    ];
    let mut session = bench.listen(false);
    for sentence in sentences {
        session.silence(350);
        session.push(&bench.said(sentence));
    }
    session.silence(1000);
    session.finish();
    let events = session.to_the_end();
    bench.assert_heard(final_text(&events), &sentences.join(" "));
}

pub(crate) fn r11_partials_come_only_if_asked_for(bench: &Bench) {
    let audio = bench.said("this is a longer sentence, so that there is time for a partial result before it ends.");
    for wanted in [false, true] {
        let mut session = bench.listen(wanted);
        session.silence(300);
        // A partial comes in the middle of speech: the rest is said after it.
        let (first, rest) = audio.split_at(audio.len() / 2);
        session.push(first);
        if wanted {
            // Other tests keep the workers busy, and then partials are dropped: go on speaking until one is told.
            let is_partial = |event: &ListenEvent| matches!(event, ListenEvent::Partial { text } if !text.is_empty());
            let is_told = (0..40).any(|_| {
                session.push(first);
                session.tells_soon(is_partial)
            });
            assert!(is_told, "no partial in all this speech");
        }
        session.push(rest);
        session.silence(1000);
        session.finish();
        let events = session.to_the_end();
        let partials = events.iter().filter(|event| matches!(event, ListenEvent::Partial { .. })).count();
        assert!(wanted || partials == 0, "{events:?}");
        assert!(!final_text(&events).is_empty());
    }
}

pub(crate) fn r12_nothing_is_told_after_the_listener_is_dropped(bench: &Bench) {
    let mut session = bench.listen(false);
    session.silence(300);
    session.push(&bench.said(TEXT));
    session.until(|event| matches!(event, ListenEvent::SpeechStarted { .. }));
    session.listener = None;
    // What had been told before the drop may still lie in the channel; then the engine lets go of its end.
    while !session.is_over() {}
    session.sink.push(&[0; 160]).unwrap();
}

pub(crate) fn r13_an_overrun_fails_the_listening(bench: &Bench) {
    let mut session = bench.listen(false);
    session.sink.push(&vec![0; 61 * 8000]).unwrap_err();
    let events = session.to_the_end();
    let Some(ListenEvent::Failed(error)) = events.last() else { panic!("{events:?}") };
    assert_eq!(error.kind, EngineErrorKind::Overrun);
}

pub(crate) fn listening_at_an_impossible_rate_is_refused(bench: &Bench) {
    for rate in [0, 100, 192_000] {
        let refused = Session::start(bench, ListenSpec::new(Language::English, rate));
        assert_eq!(refused.err().unwrap().kind, EngineErrorKind::Configuration);
    }
}
