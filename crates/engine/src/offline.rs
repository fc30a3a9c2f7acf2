//! The engines without a call: a whole recording to text, a text to a whole recording.

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use media::PcmSink as _;
use speech::Hypothesis;

use crate::{EngineError, EngineErrorKind, ListenEvent, ListenSpec, Recognition, Synthesis, SynthesisSpec};

/// What is said in `samples`, which are at the rate that `spec` names. Blocks until it is known.
///
/// # Errors
/// As [`Recognition::try_reserve`] and [`Recognition::listen`], and whatever ends the listening.
pub fn hear(recognition: &Recognition, spec: ListenSpec, samples: &[i16]) -> Result<Vec<Hypothesis>, EngineError> {
    let permit = recognition.try_reserve()?;
    let (tell, told) = sync_channel(1);
    let frame = usize::try_from(spec.sample_rate_hz / 50).unwrap_or(usize::MAX).max(1);
    let deliver = Box::new(move |event| {
        let outcome = match event {
            ListenEvent::Hypotheses { hypotheses, is_final: true } => Ok(hypotheses),
            ListenEvent::Failed(error) => Err(error),
            ListenEvent::SpeechStarted { .. }
            | ListenEvent::SpeechEnded { .. }
            | ListenEvent::SpeechResumed
            | ListenEvent::Partial { .. }
            | ListenEvent::Hypotheses { .. } => return,
        };
        // One last event comes, and there is room for one.
        _ = tell.try_send(outcome);
    });
    let (mut sink, listener) = recognition.listen_directly(&permit, spec, deliver)?;
    for frame in samples.chunks(frame) {
        // The recording is read faster than a caller speaks: as fast as it can be listened to, and no further while a
        // piece of it is being decoded, so that none waits beyond its deadline.
        while (sink.room() < frame.len() || listener.decodes() > 0) && !sink.is_closed() {
            std::thread::sleep(Duration::from_millis(2));
        }
        if sink.push(frame).is_err() {
            break;
        }
    }
    listener.finish();
    told.recv().unwrap_or_else(|_| Err(gone()))
}

/// The audio of `spec`, at the rate that it names. Blocks until it is complete.
///
/// # Errors
/// As [`Synthesis::try_reserve`] and [`Synthesis::synthesize`], and whatever ends the synthesis.
pub fn say(synthesis: &Synthesis, spec: SynthesisSpec) -> Result<Vec<i16>, EngineError> {
    let permit = synthesis.try_reserve()?;
    let (tell, told) = sync_channel(1);
    let deliver = Box::new(move |outcome| {
        // One outcome comes, and there is room for one.
        _ = tell.try_send(outcome);
    });
    let (buffer, _handle) = synthesis.synthesize(&permit, spec, deliver)?;
    let done = told.recv().unwrap_or_else(|_| Err(gone()))?;
    let mut samples = vec![0; done.samples];
    let count = buffer.read(0, &mut samples);
    samples.truncate(count);
    Ok(samples)
}

fn gone() -> EngineError {
    EngineError::new(EngineErrorKind::Unavailable, "the engine is gone")
}
