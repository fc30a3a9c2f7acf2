use speech::Hypothesis;

use super::*;
use crate::EngineErrorKind;

/// A listening, what it asked to decode and what it told.
struct Bench {
    listening: Listening,
    heard_ms: u32,
    decodes: Vec<(DecodeKey, Purpose, u32)>,
    log: Vec<String>,
}

impl Bench {
    fn new(partials: bool) -> Self {
        let spec = ListenSpec { partials, ..ListenSpec::new(Language::English, 16_000) };
        let config = ListeningConfig {
            pre_roll_ms: 300,
            chunk_ms_enough: 6_000,
            chunk_pause_ms: 1_000,
            ..ListeningConfig::default()
        };
        let listening = Listening::new(Arc::new(config), &spec, partials);
        Self { listening, heard_ms: 0, decodes: Vec::new(), log: Vec::new() }
    }

    fn drain(&mut self) {
        while let Some(output) = self.listening.poll_output() {
            match output {
                Output::Event(event) => self.log.push(short(&event)),
                Output::Decode(key, request) => {
                    let ms = u32::try_from(request.samples.len() / 16).unwrap();
                    self.decodes.push((key, request.purpose, ms));
                    self.log.push(format!("{} {ms}", request.purpose.label()));
                }
                Output::Promote(key) => self.log.push(format!("promote {}", key.0)),
                Output::Forget(key) => self.log.push(format!("forget {}", key.0)),
                Output::Ended => self.log.push("ended".into()),
            }
        }
    }

    fn audio(&mut self, ms: u32) {
        for _ in 0..ms / 20 {
            self.listening.handle_input(Input::Audio(&[100; 320]));
            self.heard_ms += 20;
            self.drain();
        }
    }

    fn input(&mut self, input: Input<'_>) {
        self.listening.handle_input(input);
        self.drain();
    }

    /// Speech from now on, noticed after 120 ms.
    fn speech(&mut self, ms: u32) {
        let at = u64::from(self.heard_ms) * 16;
        self.audio(120);
        self.input(Input::Voice(VoiceEvent::Started { at }));
        self.audio(ms - 120);
    }

    /// Silence from now on, noticed after 180 ms.
    fn pause(&mut self, ms: u32) {
        let at = u64::from(self.heard_ms) * 16;
        self.audio(180);
        self.input(Input::Voice(VoiceEvent::Ended { at }));
        self.audio(ms - 180);
    }

    fn answer(&mut self, nth: usize, text: &str) {
        let hypotheses = vec![Hypothesis::new(text, 0.9, Language::English)];
        self.input(Input::Decoded(self.decodes[nth].0, Ok(Decoded { hypotheses })));
    }

    fn fails(&mut self, nth: usize) {
        self.input(Input::Decoded(self.decodes[nth].0, Err(EngineError::new(EngineErrorKind::Timeout, "test"))));
    }

    fn log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }
}

fn short(event: &ListenEvent) -> String {
    match event {
        ListenEvent::SpeechStarted { at_ms } => format!("started {at_ms}"),
        ListenEvent::SpeechEnded { at_ms, silence_ms } => format!("paused {at_ms}+{silence_ms}"),
        ListenEvent::SpeechResumed => "resumed".into(),
        ListenEvent::Partial { text } => format!("partial {text:?}"),
        ListenEvent::Hypotheses { hypotheses, is_final } => {
            let text = hypotheses.first().map_or("", |best| best.text.as_str());
            format!("{} {text:?}", if *is_final { "final" } else { "so far" })
        }
        ListenEvent::Failed(error) => format!("failed {}", error.kind.label()),
    }
}

#[test]
fn a_turn_decoded_in_its_pause_is_final_at_once() {
    let mut bench = Bench::new(false);
    bench.audio(500);
    bench.speech(1000);
    bench.pause(180);
    // 300 ms before the onset, 1000 ms of speech, 180 ms of silence.
    assert_eq!(bench.log(), ["started 500", "paused 1500+180", "speculative 1480"]);
    bench.answer(0, "hello");
    bench.audio(600);
    bench.input(Input::Finish);
    assert_eq!(bench.log(), ["so far \"hello\"", "final \"hello\"", "ended"]);
}

#[test]
fn a_turn_that_ends_before_its_decode_waits_for_it() {
    let mut bench = Bench::new(false);
    bench.speech(1000);
    bench.pause(180);
    bench.log();
    bench.input(Input::Finish);
    assert_eq!(bench.log(), ["promote 0"]);
    bench.answer(0, "hello");
    assert_eq!(bench.log(), ["final \"hello\"", "ended"]);
}

#[test]
fn speech_after_a_short_pause_is_decoded_together_with_what_came_before() {
    let mut bench = Bench::new(false);
    bench.speech(1000);
    bench.pause(400);
    bench.log();
    bench.speech(1000);
    bench.answer(0, "stale");
    bench.pause(180);
    assert_eq!(bench.log(), ["resumed", "forget 0", "paused 2400+180", "speculative 2580"]);
    bench.answer(1, "all of it");
    assert_eq!(bench.log(), ["so far \"all of it\""]);
}

#[test]
fn speech_after_a_long_pause_is_decoded_for_itself_and_joined() {
    let mut bench = Bench::new(false);
    bench.speech(1000);
    bench.pause(1500);
    bench.answer(0, "one");
    bench.log();
    bench.speech(1000);
    bench.pause(180);
    assert_eq!(bench.log(), ["resumed", "paused 3500+180", "speculative 1480"]);
    bench.answer(1, "two");
    bench.input(Input::Finish);
    assert_eq!(bench.log(), ["so far \"one two\"", "final \"one two\"", "ended"]);
}

#[test]
fn a_long_turn_is_cut_and_waits_for_all_its_pieces() {
    let mut bench = Bench::new(false);
    bench.speech(13_000);
    bench.pause(180);
    let log = bench.log();
    assert_eq!(log.len(), 4, "{log:?}");
    assert!(log[1].starts_with("final 1"), "{log:?}");
    let (first, second) = (bench.decodes[0].2, bench.decodes[1].2);
    assert!((10_000..=12_000).contains(&first), "{first}");
    assert!((first + second).abs_diff(13_180) <= 1, "no audio is lost or decoded twice");
    bench.answer(1, "second");
    bench.input(Input::Finish);
    assert_eq!(bench.log(), Vec::<String>::new());
    bench.answer(0, "first");
    assert_eq!(bench.log(), ["final \"first second\"", "ended"]);
}

#[test]
fn a_turn_finished_in_mid_speech_is_decoded_up_to_there() {
    let mut bench = Bench::new(false);
    bench.speech(2000);
    bench.log();
    bench.input(Input::Finish);
    assert_eq!(bench.log(), ["final 2000"]);
    bench.answer(0, "cut off");
    assert_eq!(bench.log(), ["final \"cut off\"", "ended"]);
}

#[test]
fn silence_is_an_empty_final() {
    let mut bench = Bench::new(false);
    bench.audio(3000);
    bench.input(Input::Finish);
    bench.input(Input::Finish);
    assert_eq!(bench.log(), ["final \"\"", "ended"]);
}

#[test]
fn partials_come_one_at_a_time_and_stop_at_the_pause() {
    let mut bench = Bench::new(true);
    bench.speech(600);
    assert_eq!(bench.log(), ["started 0", "partial 520"]);
    bench.audio(1000);
    assert_eq!(bench.log(), Vec::<String>::new(), "the first is still running");
    bench.answer(0, "hel");
    bench.audio(20);
    assert_eq!(bench.log(), ["partial \"hel\"", "partial 1620"]);
    bench.pause(180);
    assert_eq!(bench.log(), ["forget 1", "paused 1620+180", "speculative 1800"]);
    bench.answer(1, "stale");
    assert_eq!(bench.log(), Vec::<String>::new());
}

#[test]
fn a_dropped_or_failed_partial_is_tried_again_later() {
    let mut bench = Bench::new(true);
    bench.speech(600);
    bench.log();
    let key = bench.decodes[0].0;
    bench.listening.partial_dropped(key);
    bench.audio(400);
    assert_eq!(bench.log(), ["partial 920"]);
    bench.fails(1);
    bench.audio(400);
    assert_eq!(bench.log(), ["partial 1320"]);
}

#[test]
fn a_failed_speculation_is_decoded_again_when_it_is_needed() {
    let mut bench = Bench::new(false);
    bench.speech(1000);
    bench.pause(600);
    bench.fails(0);
    bench.log();
    bench.input(Input::Finish);
    assert_eq!(bench.log(), ["final 1300"]);
    bench.fails(1);
    assert_eq!(bench.log(), ["failed timeout", "ended"]);
}

#[test]
fn nothing_follows_the_end() {
    let mut bench = Bench::new(true);
    bench.speech(1000);
    bench.input(Input::Finish);
    let last = bench.decodes.len() - 1;
    bench.answer(last, "x");
    bench.log();
    bench.speech(1000);
    bench.pause(600);
    bench.answer(last, "y");
    bench.input(Input::Finish);
    assert_eq!(bench.log(), Vec::<String>::new());
}

mod laws {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Audio(u32),
        Speech,
        Silence,
        Answer(usize),
        Fail(usize),
        Finish,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (1u32..200).prop_map(|n| Step::Audio(n * 20)),
            3 => Just(Step::Speech),
            3 => Just(Step::Silence),
            4 => (0usize..4).prop_map(Step::Answer),
            1 => (0usize..4).prop_map(Step::Fail),
            1 => Just(Step::Finish),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// R4, R5, R7: one start, alternating pauses, at most one last event, nothing after it; and when everything was
        /// answered after a finish, the last event is there.
        #[test]
        fn events_keep_their_order_whatever_happens(steps in proptest::collection::vec(step(), 1..60)) {
            let mut bench = Bench::new(true);
            let mut is_finished = false;
            for step in &steps {
                match step {
                    Step::Audio(ms) => bench.audio(*ms),
                    Step::Speech => bench.input(Input::Voice(VoiceEvent::Started { at: u64::from(bench.heard_ms) * 16 })),
                    Step::Silence => bench.input(Input::Voice(VoiceEvent::Ended { at: u64::from(bench.heard_ms) * 16 })),
                    Step::Answer(back) | Step::Fail(back) => {
                        let Some(nth) = bench.decodes.len().checked_sub(back + 1) else { continue };
                        if matches!(step, Step::Answer(_)) { bench.answer(nth, "w") } else { bench.fails(nth) }
                    }
                    Step::Finish => { is_finished = true; bench.input(Input::Finish); }
                }
            }
            if is_finished {
                for nth in 0..bench.decodes.len() {
                    bench.answer(nth, "w");
                }
            }
            let log = bench.log();
            let count = |what: &str| log.iter().filter(|line| line.starts_with(what)).count();
            prop_assert!(count("started") <= 1);
            prop_assert_eq!(count("ended"), count("final \"") + count("failed"));
            prop_assert!(count("ended") <= 1);
            if is_finished { prop_assert_eq!(count("ended"), 1); }
            if let Some(at) = log.iter().position(|line| line == "ended") { prop_assert_eq!(at + 1, log.len()); }
            let turns: Vec<&str> = log.iter().filter_map(|line| line.split(' ').next())
                .filter(|word| ["started", "paused", "resumed"].contains(word)).collect();
            for (at, word) in turns.iter().enumerate() {
                let expected = if at == 0 { "started" } else if at % 2 == 1 { "paused" } else { "resumed" };
                prop_assert_eq!(*word, expected);
            }
            for (_, _, ms) in &bench.decodes {
                prop_assert!(*ms <= 12_300, "a piece of {} ms", ms);
            }
        }
    }
}
