//! The fake engine: the whole contract, and what only an engine with faults on demand can show.

use std::sync::OnceLock;
use std::sync::mpsc::sync_channel;

use engine::{
    Backend, EngineConfig, EngineErrorKind, FakeConfig, FakeFault, FakeFaultKind, ListenEvent, Recognition, Synthesis,
    SynthesisSpec, WorkerConfig,
};
use media::PcmState;
use speech::Language;

use crate::bench::{Bench, LINE_HZ, PATIENCE, final_text};

fn bench() -> Option<&'static Bench> {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    Some(BENCH.get_or_init(|| Bench::start(EngineConfig::default(), 0.0).unwrap()))
}

mod pieces {
    crate::whole_contract! { crate::fake::bench }
}

fn streaming_bench() -> Option<&'static Bench> {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    let fake = FakeConfig { streaming: true, ..FakeConfig::default() };
    let config = EngineConfig { backend: Backend::Fake(fake), ..EngineConfig::default() };
    Some(BENCH.get_or_init(|| Bench::start(config, 0.0).unwrap()))
}

/// The same rules for a recognizer whose text grows with the audio.
mod streaming {
    crate::contract! { crate::fake::streaming_bench:
        recognition {
            r1_one_permit_covers_one_listening,
            r2_events_come_from_one_thread,
            r3_times_are_of_the_stream,
            r4_speech_starts_once_and_where_it_does,
            r4_silence_and_noise_are_no_speech,
            r7_finish_is_answered_by_one_last_event,
            r7_silence_is_an_empty_result,
            r8_r9_every_word_is_heard_and_the_confidence_is_one,
            r10_a_long_turn_is_heard_whole,
            r11_partials_come_only_if_asked_for,
            r12_nothing_is_told_after_the_listener_is_dropped,
            r13_an_overrun_fails_the_listening,
        }
    }
}

/// An engine in which a text brings about a fault.
fn faulty(when: &str, then: FakeFaultKind, deadline_ms: u32) -> (Bench, EngineConfig) {
    let fake = FakeConfig { faults: vec![FakeFault { when: when.into(), then }], ..FakeConfig::default() };
    let mut config = EngineConfig {
        backend: Backend::Fake(fake),
        workers: WorkerConfig { listener_threads: Some(1), asr_workers: Some(1), tts_workers: Some(1) },
        ..EngineConfig::default()
    };
    config.limits.decode_deadline_ms = deadline_ms;
    config.limits.synthesis_stall_ms = deadline_ms;
    (Bench::start(config.clone(), 0.0).unwrap(), config)
}

fn heard_after_fault(then: FakeFaultKind, deadline_ms: u32) -> EngineErrorKind {
    let (bench, _) = faulty("trouble", then, deadline_ms);
    // Said by an engine that means no harm.
    let voice = crate::fake::bench().unwrap();
    let mut troubled = bench.listen(false);
    troubled.silence(300);
    troubled.push(&voice.said("trouble"));
    troubled.finish();
    let events = troubled.to_the_end();
    let Some(ListenEvent::Failed(error)) = events.last() else { panic!("{events:?}") };
    let mut other = bench.listen(false);
    other.silence(300);
    other.push(&voice.said("all is well"));
    other.finish();
    assert_eq!(final_text(&other.to_the_end()), "all is well", "with one worker, after the fault");
    error.kind
}

#[test]
fn r14_a_panic_fails_its_own_listening_only() {
    assert_eq!(heard_after_fault(FakeFaultKind::Panic, 60_000), EngineErrorKind::Internal);
}

#[test]
fn r14_an_error_fails_its_own_listening_only() {
    assert_eq!(heard_after_fault(FakeFaultKind::Error, 60_000), EngineErrorKind::Model);
}

#[test]
fn r14_a_frozen_decode_fails_at_its_deadline_and_its_worker_is_replaced() {
    assert_eq!(heard_after_fault(FakeFaultKind::Freeze(3_000), 150), EngineErrorKind::Timeout);
}

fn spoken_after_fault(then: FakeFaultKind, deadline_ms: u32) -> EngineErrorKind {
    let (bench, _) = faulty("trouble", then, deadline_ms);
    let permit = bench.synthesis.try_reserve().unwrap();
    let (tell, outcome) = sync_channel(1);
    let spec = SynthesisSpec::new("trouble", Language::English, LINE_HZ);
    let (buffer, _handle) =
        bench.synthesis.synthesize(&permit, spec, Box::new(move |done| tell.send(done).unwrap())).unwrap();
    let error = outcome.recv_timeout(PATIENCE).unwrap().unwrap_err();
    assert_eq!(buffer.state(), PcmState::Failed);
    assert!(!bench.said("all is well").is_empty(), "with one worker, after the fault");
    error.kind
}

#[test]
fn s11_a_panic_fails_its_own_request_only() {
    assert_eq!(spoken_after_fault(FakeFaultKind::Panic, 60_000), EngineErrorKind::Internal);
}

#[test]
fn s11_an_error_fails_its_own_request_only() {
    assert_eq!(spoken_after_fault(FakeFaultKind::Error, 60_000), EngineErrorKind::Model);
}

#[test]
fn s11_a_frozen_voice_fails_at_its_deadline_and_its_worker_is_replaced() {
    assert_eq!(spoken_after_fault(FakeFaultKind::Freeze(3_000), 150), EngineErrorKind::Timeout);
}

#[test]
fn r1_s1_permits_are_counted_and_come_back() {
    let mut config = EngineConfig::default();
    config.limits.recognition_streams_max = 2;
    config.limits.synthesis_streams_max = 1;
    let recognition = Recognition::start(&config).unwrap();
    let synthesis = Synthesis::start(&config).unwrap();
    let first = recognition.try_reserve().unwrap();
    let _second = recognition.try_reserve().unwrap();
    let refused = recognition.try_reserve().unwrap_err();
    assert_eq!((refused.kind, refused.retryable), (EngineErrorKind::Busy, true));
    drop(first);
    assert_eq!(recognition.permits_free(), 1);
    recognition.try_reserve().unwrap();
    let _only = synthesis.try_reserve().unwrap();
    assert_eq!(synthesis.try_reserve().unwrap_err().kind, EngineErrorKind::Busy);
}

#[test]
fn partials_are_dropped_while_all_workers_are_busy_and_finals_are_not() {
    let (bench, _) = faulty("slow", FakeFaultKind::Slow(700), 60_000);
    let voice = crate::fake::bench().unwrap();
    let mut slow = bench.listen(false);
    slow.silence(300);
    slow.push(&voice.said("slow"));
    slow.finish();
    // The only worker is busy with that; this one's partials go, its final waits.
    let mut other = bench.listen(true);
    other.silence(300);
    other.push(&voice.said("a sentence that is long enough for some partial results"));
    other.finish();
    assert_eq!(final_text(&other.to_the_end()), "a sentence that is long enough for some partial results");
    assert_eq!(final_text(&slow.to_the_end()), "slow");
}

#[test]
fn a_receiver_that_panics_loses_its_own_listening_only() {
    let bench = bench().unwrap();
    let permit = bench.recognition.try_reserve().unwrap();
    let spec = engine::ListenSpec::new(Language::English, LINE_HZ);
    let (mut sink, listener) =
        bench.recognition.listen(&permit, spec, Box::new(|_| panic!("as the test wants"))).unwrap();
    sink.push(&bench.said("hello")).unwrap();
    listener.finish();
    let mut other = bench.listen(false);
    other.push(&bench.said("all is well"));
    other.finish();
    assert_eq!(final_text(&other.to_the_end()), "all is well");
}

#[test]
fn speech_without_tone_code_is_heard_as_the_script_says() {
    let fake = FakeConfig { script: vec!["first".into(), "second".into()], ..FakeConfig::default() };
    let bench = Bench::start(EngineConfig { backend: Backend::Fake(fake), ..EngineConfig::default() }, 0.0).unwrap();
    for expected in ["first", "second", "second"] {
        let mut session = bench.listen(false);
        session.silence(500);
        session.push(&vowels());
        session.silence(1000);
        session.finish();
        let events = session.to_the_end();
        assert_eq!(final_text(&events), expected, "{events:?}");
    }
}

/// Two seconds that the endpointer takes for speech: a glottal pulse train through two moving resonances.
fn vowels() -> Vec<i16> {
    let mut samples = Vec::new();
    let mut states = [[0.0f64; 2]; 2];
    let mut phase = 0.0;
    for n in 0..16_000u32 {
        let seconds = f64::from(n) / 8000.0;
        let syllable = (seconds * 4.0).fract();
        let level = (std::f64::consts::PI * syllable).sin().powi(2);
        phase += (110.0 + 25.0 * (seconds * 2.0).sin()) / 8000.0;
        let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
        phase -= pulse;
        let formants = [(500.0 + 250.0 * (seconds * 9.0).sin(), 0.97), (1500.0 + 500.0 * (seconds * 7.0).cos(), 0.95)];
        let mut sample = 0.0;
        for (state, (hz, radius)) in states.iter_mut().zip(formants) {
            let angle: f64 = std::f64::consts::TAU * hz / 8000.0;
            let next = pulse + 2.0 * radius * angle.cos() * state[0] - radius * radius * state[1];
            *state = [next, state[0]];
            sample += next;
        }
        samples.push((sample * level * 4000.0).clamp(-30_000.0, 30_000.0) as i16);
    }
    samples
}

#[test]
fn the_sherpa_engine_is_refused_clearly_by_a_build_without_it_or_without_models() {
    let config = EngineConfig { backend: Backend::Sherpa(engine::SherpaConfig::default()), ..EngineConfig::default() };
    let recognition = Recognition::start(&config).err().unwrap();
    let synthesis = Synthesis::start(&config).err().unwrap();
    let expected = if cfg!(feature = "sherpa") { EngineErrorKind::Model } else { EngineErrorKind::Unavailable };
    assert_eq!((recognition.kind, synthesis.kind), (expected, expected));
}
