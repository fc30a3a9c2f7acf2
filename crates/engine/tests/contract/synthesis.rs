//! The synthesizer contract.

use std::sync::mpsc::{Receiver, sync_channel};

use engine::{EngineError, EngineErrorKind, SynthesisDone, SynthesisHandle, SynthesisPermit, SynthesisSpec};
use media::{PcmBuffer, PcmState};
use speech::Language;

use crate::bench::{Bench, LINE_HZ, PATIENCE};

struct Request {
    buffer: PcmBuffer,
    handle: SynthesisHandle,
    outcome: Receiver<Result<SynthesisDone, EngineError>>,
}

fn spec(text: &str) -> SynthesisSpec {
    SynthesisSpec::new(text, Language::English, LINE_HZ)
}

fn request(bench: &Bench, permit: &SynthesisPermit, spec: SynthesisSpec) -> Result<Request, EngineError> {
    let (tell, outcome) = sync_channel(1);
    let deliver = Box::new(move |done| tell.send(done).unwrap());
    let (buffer, handle) = bench.synthesis.synthesize(permit, spec, deliver)?;
    Ok(Request { buffer, handle, outcome })
}

fn done(bench: &Bench, spec: SynthesisSpec) -> (PcmBuffer, SynthesisDone) {
    let permit = bench.synthesis.try_reserve().unwrap();
    let request = request(bench, &permit, spec).unwrap();
    let done = request.outcome.recv_timeout(PATIENCE).unwrap().unwrap();
    (request.buffer, done)
}

fn loudness(buffer: &PcmBuffer) -> f64 {
    let mut samples = vec![0; buffer.samples_written()];
    buffer.read(0, &mut samples);
    (samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len().max(1) as f64).sqrt()
}

pub(crate) fn s1_more_requests_than_the_permit_covers_are_refused(bench: &Bench) {
    let permit = bench.synthesis.try_reserve().unwrap();
    let mut requests = Vec::new();
    let refused = (0..1000).find_map(|n| match request(bench, &permit, spec(&format!("request number {n}."))) {
        Ok(request) => {
            requests.push(request);
            None
        }
        Err(error) => Some(error),
    });
    assert_eq!(refused.map(|error| error.kind), Some(EngineErrorKind::Busy));
    drop(requests);
    // Cancelled requests give their room back.
    let again = request(bench, &permit, spec("request number one.")).unwrap();
    again.outcome.recv_timeout(PATIENCE).unwrap().unwrap();
}

pub(crate) fn s2_the_samples_reported_are_in_the_buffer(bench: &Bench) {
    for rate in [8_000, 16_000] {
        let spec = SynthesisSpec { sample_rate_hz: rate, ..spec("the number you have dialed is busy.") };
        let (buffer, done) = done(bench, spec);
        assert_eq!(buffer.state(), PcmState::Finished);
        assert_eq!(buffer.samples_written(), done.samples);
        assert_eq!(buffer.sample_rate_hz(), rate);
        let seconds = done.samples as f64 / f64::from(rate);
        assert!((0.5..6.0).contains(&seconds), "{seconds} s");
        assert!(loudness(&buffer) > 300.0, "it can be heard");
    }
}

pub(crate) fn s3_audio_is_there_before_the_request_is_complete(bench: &Bench) {
    // On a busy machine this thread may come back only after a quick engine has said everything: it gets more chances.
    const ATTEMPTS: usize = 20;
    let permit = bench.synthesis.try_reserve().unwrap();
    let was_early = (0..ATTEMPTS).any(|attempt| {
        let text = format!("This is attempt {attempt}. ")
            + &"This is the first sentence of many. ".repeat(8)
            + "And this is what comes at the very end of all of them.";
        let request = request(bench, &permit, spec(&text)).unwrap();
        let state = loop {
            let state = request.buffer.state();
            if request.buffer.samples_written() > 0 {
                break state;
            }
            assert_ne!(state, PcmState::Failed);
            std::thread::yield_now();
        };
        let done = request.outcome.recv_timeout(PATIENCE).unwrap().unwrap();
        assert_eq!(request.buffer.samples_written(), done.samples);
        drop(request.handle);
        let after = "dropping the handle of a complete request changes nothing";
        assert_eq!(request.buffer.state(), PcmState::Finished, "{after}");
        state == PcmState::Open
    });
    assert!(was_early, "the whole takes many times as long as its first chunk");
}

pub(crate) fn s4_a_cached_prompt_is_complete_at_once(bench: &Bench) {
    let prompt = || spec("a prompt that is spoken again and again.");
    let (first, _) = done(bench, prompt());
    let permit = bench.synthesis.try_reserve().unwrap();
    let second = request(bench, &permit, prompt()).unwrap();
    let told = second.outcome.try_recv().expect("told within the call").unwrap();
    assert!(told.from_cache);
    assert_eq!(second.buffer.state(), PcmState::Finished);
    let (mut one, mut other) = (vec![0; first.samples_written()], vec![0; told.samples]);
    first.read(0, &mut one);
    second.buffer.read(0, &mut other);
    assert_eq!(one, other);
}

pub(crate) fn s5_what_changes_the_audio_misses_the_cache(bench: &Bench) {
    let base = || spec("this is said in several ways.");
    done(bench, base());
    for other in [
        SynthesisSpec { volume: 0.5, ..base() },
        SynthesisSpec { sample_rate_hz: 16_000, ..base() },
        SynthesisSpec { text: "this is said in several ways!".into(), ..base() },
    ] {
        assert!(!done(bench, other.clone()).1.from_cache, "{other:?}");
        assert!(done(bench, other).1.from_cache);
    }
}

pub(crate) fn s7_a_dropped_request_is_not_told_and_fails_its_buffer(bench: &Bench) {
    let permit = bench.synthesis.try_reserve().unwrap();
    let text = "This request is given up before it is complete. ".repeat(20);
    let Request { buffer, handle, outcome } = request(bench, &permit, spec(&text)).unwrap();
    drop(handle);
    assert_eq!(buffer.state(), PcmState::Failed);
    assert!(outcome.recv_timeout(PATIENCE).is_err(), "its receiver is dropped untold");
}

pub(crate) fn s9_factors_out_of_range_are_brought_into_range(bench: &Bench) {
    for factor in [0.0, -1.0, 1e9, f32::NAN, f32::INFINITY] {
        let spec = SynthesisSpec { rate: factor, pitch: factor, volume: factor, ..spec("any factor will do.") };
        let (buffer, done) = done(bench, spec);
        assert_eq!(buffer.state(), PcmState::Finished);
        assert!(done.samples > 1000, "{factor}: {} samples", done.samples);
    }
}

pub(crate) fn s9_volume_scales_the_samples(bench: &Bench) {
    let at = |volume| loudness(&done(bench, SynthesisSpec { volume, ..spec("loud and quiet.") }).0);
    let (half, silent, normal) = (at(0.5), at(0.0), at(1.0));
    assert!((half / normal - 0.5).abs() < 0.15, "{half} of {normal}");
    assert!(silent < 1.0);
}

pub(crate) fn s10_a_text_without_anything_to_speak_is_empty_and_complete(bench: &Bench) {
    for text in ["", "  ", "😀", "...", "\u{0}\u{1}"] {
        let (buffer, done) = done(bench, spec(text));
        assert_eq!((done.samples, buffer.state()), (0, PcmState::Finished), "{text:?}");
    }
    assert!(done(bench, spec("fine 😀\u{0} thanks")).1.samples > 1000);
}

pub(crate) fn s12_a_text_in_two_scripts_is_spoken(bench: &Bench) {
    if !bench.synthesis.speaks(Language::Chinese) {
        return;
    }
    let english = done(bench, spec("please say")).1.samples;
    let both = done(bench, spec("please say 你好")).1.samples;
    assert!(both > english, "{both} samples, {english} of them English");
}

pub(crate) fn a_voice_that_nobody_has_is_refused(bench: &Bench) {
    let permit = bench.synthesis.try_reserve().unwrap();
    let refused = request(bench, &permit, SynthesisSpec { voice: Some("nobody".into()), ..spec("hello.") });
    assert_eq!(refused.err().unwrap().kind, EngineErrorKind::Voice);
    for voice in bench.synthesis.voices() {
        let text = match voice.language {
            Language::English => "hello.",
            Language::Chinese => "你好。",
        };
        let spec = SynthesisSpec { voice: Some(voice.name), language: voice.language, ..spec(text) };
        request(bench, &permit, spec).unwrap();
    }
}

pub(crate) fn a_text_over_the_limit_is_refused(bench: &Bench) {
    let permit = bench.synthesis.try_reserve().unwrap();
    let refused = request(bench, &permit, spec(&"word ".repeat(2000)));
    assert_eq!(refused.err().unwrap().kind, EngineErrorKind::Overrun);
}

pub(crate) fn a_prepared_prompt_is_in_the_cache(bench: &Bench) {
    let prompt = || spec("this will be needed soon.");
    assert!(bench.synthesis.prepare(prompt()));
    assert!(!bench.synthesis.prepare(prompt()), "it is on its way");
    // Prepared once nothing waits or runs any more; other tests use the pool too, but come to an end.
    while bench.synthesis.status().queued + bench.synthesis.status().running > 0 {
        std::thread::yield_now();
    }
    assert!(done(bench, prompt()).1.from_cache);
}
