//! A detector of two: a cheap endpointer proposes, a model confirms.
//!
//! The endpointer looks at all audio. Only what may be speech by it goes to the model, with what came just before, so
//! that the model hears the onset in its context; silence, steady noise and tones never reach the model. Once the model
//! hears speech, it alone decides where that ends.

use std::collections::VecDeque;

use media::{ClockRate, Endpointer, EndpointerConfig};

use super::voice::{VoiceDetector, VoiceEvent};
use crate::ListenSpec;

/// A voice activity model, asked a window at a time.
pub(crate) trait VoiceModel: Send {
    /// Forgets all that it heard.
    fn restart(&mut self);

    /// Takes the next [`WINDOW_SAMPLES`] and says whether it hears speech.
    fn hears(&mut self, window: &[i16]) -> bool;
}

/// Samples that a model looks at at once: 32 ms.
pub(crate) const WINDOW_SAMPLES: usize = 512;

/// Audio before a proposal that a model is given to find its feet in: 256 ms.
const LOOK_BACK_SAMPLES: usize = 8 * WINDOW_SAMPLES;

/// A proposal is one frame of the endpointer.
const PROPOSAL_MS: u32 = 16;

/// A proposal is withdrawn after so long without a frame of speech. Shorter than the look-back, so that a model that is
/// asked again soon goes on where it was.
const WITHDRAWAL_MS: u32 = 192;

/// The endpointer's score that proposes: what is missed here is never heard, what is proposed in vain costs a little.
const PROPOSAL_SCORE: f32 = 0.3;

/// Which windows of the model make an event, in samples before the end of the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delays {
    /// From the beginning of speech.
    pub(crate) onset: u64,
    /// From the end of speech.
    pub(crate) end: u64,
}

/// The two, on one stream.
pub(crate) struct ConfirmedDetector<M> {
    proposer: Endpointer,
    /// At which the audio came.
    clock_rate: ClockRate,
    model: M,
    delays: Delays,
    /// Audio that the model was not given, the newest at the back.
    unheard: VecDeque<i16>,
    /// Samples of the stream so far.
    position: u64,
    state: State,
    last_end: u64,
    events: VecDeque<VoiceEvent>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is proposed.
    Quiet {
        /// Whether the model has heard all that came before the oldest audio kept.
        is_continuous: bool,
    },
    /// The model listens.
    Proposed,
    /// The model hears speech.
    Speech,
}

impl<M: VoiceModel> ConfirmedDetector<M> {
    /// A detector at the beginning of a stream; the model is at its beginning too.
    pub(crate) fn new(model: M, delays: Delays, spec: &ListenSpec) -> Self {
        let softer = f32::from(spec.sensitivity.min(100)) / 100.0 - 0.5;
        let proposer = EndpointerConfig {
            onset_ms: PROPOSAL_MS,
            hangover_ms: WITHDRAWAL_MS,
            threshold: PROPOSAL_SCORE - 0.4 * softer,
            floor_dbfs: EndpointerConfig::default().floor_dbfs - 20.0 * softer,
        };
        let clock_rate = ClockRate::from_hz(spec.sample_rate_hz).unwrap_or(ClockRate::Hz16000);
        Self {
            proposer: Endpointer::new(proposer, clock_rate),
            clock_rate,
            model,
            delays,
            unheard: VecDeque::new(),
            position: 0,
            state: State::Quiet { is_continuous: true },
            last_end: 0,
            events: VecDeque::new(),
        }
    }

    /// A model may take the beginning of a tone for a vowel; what is one is known in a moment. Tones of the network are looked
    /// for on narrow lines; what comes over a wide one may have an empty upper half, which makes speech look like a tone.
    fn may_be_tone(&self) -> bool {
        match self.clock_rate {
            ClockRate::Hz8000 => self.proposer.may_be_tone(),
            ClockRate::Hz16000 => false,
        }
    }

    /// Gives the model what it was not given yet, window by window.
    fn ask(&mut self) {
        while self.unheard.len() >= WINDOW_SAMPLES {
            let window: Vec<i16> = self.unheard.drain(..WINDOW_SAMPLES).collect();
            let hears = self.model.hears(&window);
            let asked = self.position.saturating_sub(self.unheard.len() as u64);
            match (self.state, hears) {
                (State::Quiet { .. } | State::Proposed, true) if self.may_be_tone() => {}
                (State::Quiet { .. } | State::Proposed, true) => {
                    let at = asked.saturating_sub(self.delays.onset).max(self.last_end);
                    self.events.push_back(VoiceEvent::Started { at });
                    self.state = State::Speech;
                }
                (State::Speech, false) => {
                    self.last_end = asked.saturating_sub(self.delays.end);
                    self.events.push_back(VoiceEvent::Ended { at: self.last_end });
                    self.state = State::Proposed;
                }
                (State::Quiet { .. } | State::Proposed, false) | (State::Speech, true) => {}
            }
        }
    }
}

impl<M: VoiceModel> VoiceDetector for ConfirmedDetector<M> {
    fn push(&mut self, samples: &[i16]) -> Option<VoiceEvent> {
        match self.clock_rate {
            // Every other sample is one that was given, those between were interpolated.
            ClockRate::Hz8000 => {
                let given: Vec<i16> = samples.iter().step_by(2).copied().collect();
                self.proposer.push(&given);
            }
            ClockRate::Hz16000 => self.proposer.push(samples),
        }
        while self.proposer.poll_event().is_some() {}
        self.unheard.extend(samples);
        self.position = self.position.saturating_add(samples.len() as u64);
        match self.state {
            State::Quiet { is_continuous } if self.proposer.is_speech() => {
                if !is_continuous {
                    self.model.restart();
                    // The last window ends with what is newest: nothing waits for the next one.
                    self.unheard.drain(..self.unheard.len() % WINDOW_SAMPLES);
                }
                self.state = State::Proposed;
                self.ask();
            }
            State::Quiet { .. } => {
                let excess = self.unheard.len().saturating_sub(LOOK_BACK_SAMPLES);
                if excess > 0 {
                    self.unheard.drain(..excess);
                    self.state = State::Quiet { is_continuous: false };
                }
            }
            State::Proposed | State::Speech => self.ask(),
        }
        if self.state == State::Proposed && !self.proposer.is_speech() {
            self.state = State::Quiet { is_continuous: true };
        }
        // One push is too short for more than one event, but after a proposal a whole word may be caught up with.
        self.events.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recognition::RATE_HZ;

    /// Hears whatever is loud, after `onset` windows of it, until `end` windows without.
    struct Loudness {
        onset: usize,
        end: usize,
        loud: usize,
        quiet: usize,
        hears: bool,
        /// Windows that it was asked about since the beginning.
        asked: usize,
    }

    impl Loudness {
        fn new(onset: usize, end: usize) -> Self {
            Self { onset, end, loud: 0, quiet: 0, hears: false, asked: 0 }
        }
    }

    impl VoiceModel for Loudness {
        fn restart(&mut self) {
            (self.loud, self.quiet, self.hears) = (0, 0, false);
        }

        fn hears(&mut self, window: &[i16]) -> bool {
            assert_eq!(window.len(), WINDOW_SAMPLES);
            self.asked += 1;
            let is_loud = window.iter().any(|sample| sample.unsigned_abs() > 1000);
            (self.loud, self.quiet) = if is_loud { (self.loud + 1, 0) } else { (0, self.quiet + 1) };
            self.hears = if self.hears { self.quiet < self.end } else { self.loud >= self.onset };
            self.hears
        }
    }

    const DELAYS: Delays = Delays { onset: 3 * WINDOW_SAMPLES as u64, end: 6 * WINDOW_SAMPLES as u64 };

    fn spec() -> ListenSpec {
        ListenSpec::new(speech::Language::English, RATE_HZ)
    }

    fn detector() -> ConfirmedDetector<Loudness> {
        ConfirmedDetector::new(Loudness::new(3, 6), DELAYS, &spec())
    }

    /// What is told, and when, in milliseconds.
    fn told(detector: &mut ConfirmedDetector<Loudness>, samples: &[i16]) -> Vec<(u64, VoiceEvent)> {
        let mut told = Vec::new();
        for frame in samples.chunks(320) {
            if let Some(event) = detector.push(frame) {
                told.push((detector.position / 16, event));
            }
        }
        told
    }

    fn speech(ms: usize) -> Vec<i16> {
        testkit::babble(16_000, ms)
    }

    fn silence(ms: usize) -> Vec<i16> {
        vec![0; ms * 16]
    }

    #[test]
    fn speech_is_told_soon_after_its_onset_and_once() {
        let mut detector = detector();
        let told = told(&mut detector, &[silence(1000), speech(800), silence(1000)].concat());
        let [(started, VoiceEvent::Started { at }), (ended, VoiceEvent::Ended { at: end })] = told[..] else {
            panic!("{told:?}");
        };
        assert!((1096..=1160).contains(&started), "told at {started} ms");
        assert!((15_000..=17_000).contains(&at), "at {at}");
        assert!((1960..=2060).contains(&ended), "told at {ended} ms");
        assert!((27_000..=29_500).contains(&end), "at {end}");
    }

    #[test]
    fn the_model_is_not_asked_while_nothing_is_proposed() {
        let mut detector = detector();
        assert_eq!(told(&mut detector, &silence(10_000)), []);
        assert_eq!(detector.model.asked, 0);
    }

    #[test]
    fn what_the_model_does_not_confirm_is_not_told() {
        let mut detector = ConfirmedDetector::new(Loudness::new(usize::MAX, 6), DELAYS, &spec());
        assert_eq!(told(&mut detector, &[silence(500), speech(2000), silence(500)].concat()), []);
        assert!(detector.model.asked > 10, "it was asked: {}", detector.model.asked);
        assert_eq!(detector.state, State::Quiet { is_continuous: false });
    }

    #[test]
    fn words_with_pauses_between_them_alternate() {
        let mut detector = detector();
        let mut samples = silence(300);
        for _ in 0..4 {
            samples.extend(speech(500));
            samples.extend(silence(600));
        }
        let told = told(&mut detector, &samples);
        assert_eq!(told.len(), 8, "{told:?}");
        let positions: Vec<u64> = told
            .iter()
            .enumerate()
            .map(|(n, (_, event))| match event {
                VoiceEvent::Started { at } if n % 2 == 0 => *at,
                VoiceEvent::Ended { at } if n % 2 == 1 => *at,
                VoiceEvent::Started { .. } | VoiceEvent::Ended { .. } => panic!("{told:?}"),
            })
            .collect();
        assert!(positions.is_sorted(), "{positions:?}");
    }

    #[test]
    fn the_stream_may_begin_in_the_middle_of_a_word() {
        let mut detector = detector();
        let told = told(&mut detector, &speech(600));
        let [(started, VoiceEvent::Started { at })] = told[..] else { panic!("{told:?}") };
        assert!(started <= 160 && at <= 1024, "told at {started} ms: {at}");
    }

    #[test]
    fn a_tone_is_not_told_whatever_the_model_takes_it_for() {
        // As a line of 8 kHz brings it, doubled.
        let spec = ListenSpec::new(speech::Language::English, 8000);
        let mut detector = ConfirmedDetector::new(Loudness::new(2, 6), DELAYS, &spec);
        let tone = |n: usize, hz: f64| (n as f64 * hz * std::f64::consts::TAU / 16_000.0).sin();
        let mut samples = silence(300);
        samples.extend((0..16 * 3000).map(|n| (5000.0 * (tone(n, 770.0) + tone(n, 1336.0))) as i16));
        assert_eq!(told(&mut detector, &samples), []);
    }

    #[test]
    fn audio_is_kept_for_a_moment_only() {
        let mut detector = detector();
        told(&mut detector, &silence(60_000));
        assert!(detector.unheard.len() <= LOOK_BACK_SAMPLES);
    }
}
