//! An application that knows what the caller was asked says how long the recognizer waits: for an answer, and for the rest of one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::machine::{Recognizer, Timer};
use super::output::RecognizeParams;
use super::recognizing::Phase;
use crate::RequestId;

/// The silence that ends what was said so far, as the application wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedSilence {
    /// How long, from the end of speech.
    pub silence: Duration,
    /// Whether what was said may be all of it. Tells which of the client's time-outs is the upper bound, where it has sent one:
    /// Speech-Complete-Timeout or Speech-Incomplete-Timeout.
    pub is_complete: bool,
}

impl WantedSilence {
    /// Within what the client allows.
    pub(super) fn within(self, params: &RecognizeParams) -> Duration {
        let bound = if self.is_complete { params.asked_complete_timeout } else { params.asked_incomplete_timeout };
        bound.map_or(self.silence, |bound| self.silence.min(bound))
    }
}

impl Recognizer {
    pub(super) fn silence_wanted(&mut self, now: Instant, request_id: RequestId, silence: WantedSilence) {
        let Some((recognition, phase)) = self.active(request_id) else { return };
        match phase {
            Phase::Silent { wanted, .. } if !recognition.params.mode.is_hotword() => {
                *wanted = Some(silence);
                self.await_silence(now);
            }
            // The caller went on before it came.
            Phase::Silent { .. }
            | Phase::Speaking { .. }
            | Phase::Waiting { .. }
            | Phase::Loading
            | Phase::Keying { .. }
            | Phase::Finishing { .. }
            | Phase::Completing { .. } => {}
        }
    }

    /// Waits for the caller no longer than so; never longer than the client says.
    pub(super) fn no_input_within(&mut self, now: Instant, request_id: RequestId, timeout: Duration) {
        let Some((recognition, phase)) = self.active(request_id) else { return };
        let earlier = recognition.params.no_input_timeout;
        let Some(shorter) = earlier.checked_sub(timeout).filter(|shorter| !shorter.is_zero()) else { return };
        let is_waiting = matches!(phase, Phase::Waiting { .. });
        Arc::make_mut(&mut recognition.params).no_input_timeout = timeout;
        if let Some(at) = self.timers.at(Timer::NoInput).filter(|_| is_waiting) {
            let at = at.checked_sub(shorter).unwrap_or(now);
            if at <= now {
                self.timers.cancel(Timer::NoInput);
                self.recognition_timer(now, Timer::NoInput);
            } else {
                self.timers.set(Timer::NoInput, at);
            }
        }
    }
}
