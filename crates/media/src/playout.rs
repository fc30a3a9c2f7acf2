//! Utterances in line, turned into frames of samples.

use std::collections::VecDeque;

use crate::codec::ClockRate;
use crate::leg::{PlaySpan, PlayoutOutcome, UtteranceId};
use crate::pcm_buffer::{PcmBuffer, PcmState};

/// Utterances that may wait behind the one that plays. A prompt of many clauses is one utterance, so this is plenty.
const QUEUE_MAX: usize = 64;

/// Length of the ramp between two gains, in milliseconds.
const GAIN_RAMP_MS: u32 = 10;

/// The highest gain.
const GAIN_MAX: f32 = 4.0;

/// What happened while a frame was filled, with the offset in samples within the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Boundary {
    /// The first sample of an utterance.
    Started { utterance: UtteranceId, offset: usize },
    /// The end of an utterance.
    Finished { utterance: UtteranceId, heard: Heard, outcome: PlayoutOutcome, offset: usize },
}

/// How much of an utterance was played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) played_samples: u64,
    /// Where in the audio it ended.
    pub(crate) position_samples: u64,
}

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filled {
    /// Samples of an utterance; the rest of the frame is silence.
    Audio,
    /// An utterance is under way, but its audio is late: silence.
    Underrun,
    /// Nothing is to be played.
    Nothing,
}

#[derive(Debug)]
pub(crate) struct Playout {
    clock_rate: ClockRate,
    waiting: VecDeque<Waiting>,
    current: Option<Current>,
    gain: f32,
    gain_wanted: f32,
    hush: Hush,
}

/// Whether playing is held back for somebody who speaks.
#[derive(Debug, Clone, Copy)]
enum Hush {
    /// It is not.
    Off,
    /// It is fading out.
    Fading(Fade),
    /// Silence; `repeats` samples were played fading, and are played again.
    On { repeats: usize },
}

#[derive(Debug)]
struct Waiting {
    utterance: UtteranceId,
    audio: PcmBuffer,
    span: Span,
}

/// A [`PlaySpan`] as positions in a buffer.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: usize,
    until: usize,
}

impl From<PlaySpan> for Span {
    fn from(span: PlaySpan) -> Self {
        let position = |samples: u64| usize::try_from(samples).unwrap_or(usize::MAX);
        Self { from: position(span.from), until: span.until.map_or(usize::MAX, position) }
    }
}

#[derive(Debug)]
struct Current {
    utterance: UtteranceId,
    audio: PcmBuffer,
    span: Span,
    position: usize,
    fading: Option<Fade>,
}

#[derive(Debug, Clone, Copy)]
struct Fade {
    samples: usize,
    left: usize,
}

impl Playout {
    pub(crate) fn new(clock_rate: ClockRate) -> Self {
        Self { clock_rate, waiting: VecDeque::new(), current: None, gain: 1.0, gain_wanted: 1.0, hush: Hush::Off }
    }

    /// Queues an utterance. `false` when the queue is full or the rate is another one.
    pub(crate) fn play(&mut self, utterance: UtteranceId, audio: PcmBuffer, span: PlaySpan) -> bool {
        let fits = self.waiting.len() < QUEUE_MAX && audio.sample_rate_hz() == self.clock_rate.hz();
        if fits {
            self.waiting.push_back(Waiting { utterance, audio, span: span.into() });
        }
        fits
    }

    /// Ends `utterance`, or all. What sounds now fades out if it `sounds` and there is a fade; what ends at once is
    /// reported to `ended` with what was played of it.
    pub(crate) fn stop(
        &mut self,
        utterance: Option<UtteranceId>,
        fade_samples: usize,
        sounds: bool,
        mut ended: impl FnMut(UtteranceId, Heard),
    ) {
        // A fade that has begun is gone on with; silence needs none.
        let hush = std::mem::replace(&mut self.hush, Hush::Off);
        let meant = |candidate: UtteranceId| utterance.is_none_or(|utterance| utterance == candidate);
        if let Some(current) = &mut self.current
            && meant(current.utterance)
        {
            let fade = match hush {
                Hush::Off => Fade { samples: fade_samples, left: fade_samples },
                Hush::Fading(fade) => fade,
                Hush::On { .. } => Fade { samples: 0, left: 0 },
            };
            if sounds && fade.left > 0 {
                current.fading.get_or_insert(fade);
            } else {
                ended(current.utterance, current.heard());
                self.current = None;
            }
        }
        self.waiting.retain(|waiting| {
            let stays = !meant(waiting.utterance);
            if !stays {
                ended(waiting.utterance, Heard { played_samples: 0, position_samples: waiting.span.from as u64 });
            }
            stays
        });
    }

    /// Fades out over so many samples, and then is silent where it is.
    pub(crate) fn hush(&mut self, fade_samples: usize) {
        match self.hush {
            Hush::Off if fade_samples > 0 && self.current.is_some() => {
                self.hush = Hush::Fading(Fade { samples: fade_samples, left: fade_samples });
            }
            Hush::Off => self.hush = Hush::On { repeats: 0 },
            Hush::Fading(_) | Hush::On { .. } => {}
        }
    }

    /// Goes on where [`hush`](Self::hush) began: what faded is played again.
    pub(crate) fn unhush(&mut self) {
        let repeats = match std::mem::replace(&mut self.hush, Hush::Off) {
            Hush::Off => return,
            Hush::Fading(fade) => fade.samples.saturating_sub(fade.left),
            Hush::On { repeats } => repeats,
        };
        if let Some(current) = &mut self.current {
            // Of an utterance that began while it faded, no more than there is.
            current.position = current.position.saturating_sub(repeats).max(current.span.from);
        }
        self.gain = 0.0;
    }

    /// Whether it is silent where it is.
    pub(crate) fn is_hushed(&self) -> bool {
        matches!(self.hush, Hush::On { .. })
    }

    pub(crate) fn set_gain(&mut self, gain: f32) {
        if gain.is_finite() {
            self.gain_wanted = gain.clamp(0.0, GAIN_MAX);
        }
    }

    /// Whether a frame of `samples` would hold anything: an utterance is under way, or the next one has a full frame
    /// or its end.
    pub(crate) fn is_ready(&self, samples: usize) -> bool {
        self.current.is_some() || self.waiting.front().is_some_and(|waiting| waiting.is_ready(samples))
    }

    /// The utterance under way and its samples played.
    pub(crate) fn position(&self) -> Option<(UtteranceId, u64)> {
        self.current.as_ref().map(|current| (current.utterance, current.position as u64))
    }

    /// Fills `frame`. An utterance that follows another starts in the same frame when its audio is there. In the middle
    /// of an utterance a frame is filled whole or not at all, so that a late synthesizer is heard as a pause, and not
    /// as a click.
    pub(crate) fn fill(&mut self, frame: &mut [i16], mut boundary: impl FnMut(Boundary)) -> Filled {
        let mut at = 0;
        let mut filled = Filled::Nothing;
        while at < frame.len() {
            let rest = frame.get_mut(at..).unwrap_or_default();
            let current = match &mut self.current {
                Some(current) => current,
                None => match self.waiting.pop_front_if(|waiting| waiting.is_ready(rest.len())) {
                    Some(Waiting { utterance, audio, span }) => {
                        boundary(Boundary::Started { utterance, offset: at });
                        self.current.insert(Current { utterance, audio, span, position: span.from, fading: None })
                    }
                    None => break,
                },
            };
            let (count, outcome) = current.read(rest);
            if count > 0 {
                filled = Filled::Audio;
            }
            at += count;
            if let Some(outcome) = outcome {
                let heard = current.heard();
                boundary(Boundary::Finished { utterance: current.utterance, heard, outcome, offset: at });
                self.current = None;
            } else if at < frame.len() {
                if filled == Filled::Nothing {
                    filled = Filled::Underrun;
                }
                break;
            }
        }
        let (sound, silence) = frame.split_at_mut(at);
        silence.fill(0);
        self.apply_gain(sound);
        let is_full = silence.is_empty();
        self.fade_into_hush(sound, is_full);
        filled
    }

    fn fade_into_hush(&mut self, samples: &mut [i16], is_full: bool) {
        let Hush::Fading(mut fade) = self.hush else { return };
        // What is taken of the last frame after the end of the fade is not heard.
        let unheard = samples.len().saturating_sub(fade.left);
        for sample in samples.iter_mut() {
            *sample = (i64::from(*sample) * fade.left as i64 / fade.samples.max(1) as i64) as i16;
            fade.left = fade.left.saturating_sub(1);
        }
        if fade.left > 0 && is_full {
            self.hush = Hush::Fading(fade);
            return;
        }
        if let Some(current) = &mut self.current {
            current.position = current.position.saturating_sub(unheard).max(current.span.from);
        }
        self.hush = Hush::On { repeats: fade.samples.saturating_sub(fade.left) };
    }

    fn apply_gain(&mut self, samples: &mut [i16]) {
        if self.gain == 1.0 && self.gain_wanted == 1.0 {
            return;
        }
        let step = 1.0 / (GAIN_RAMP_MS * self.clock_rate.samples_per_ms()) as f32;
        for sample in samples {
            let change = self.gain_wanted - self.gain;
            self.gain = if change.abs() <= step { self.gain_wanted } else { self.gain + step.copysign(change) };
            // A float to integer cast saturates: loud clips.
            *sample = (f32::from(*sample) * self.gain).round() as i16;
        }
    }
}

impl Waiting {
    fn is_ready(&self, samples: usize) -> bool {
        let wanted = self.span.from.saturating_add(samples).min(self.span.until.max(self.span.from));
        self.audio.state() != PcmState::Open || self.audio.samples_written() >= wanted
    }
}

impl Current {
    fn heard(&self) -> Heard {
        Heard {
            played_samples: self.position.saturating_sub(self.span.from) as u64,
            // A part that begins behind the end of its audio tells where that end is.
            position_samples: self.position.min(self.audio.samples_written()) as u64,
        }
    }

    /// Reads up to `out.len()` samples, and says whether and how the utterance is over. No samples and no outcome: the
    /// audio is late.
    fn read(&mut self, out: &mut [i16]) -> (usize, Option<PlayoutOutcome>) {
        // The state first: after an end, nothing more is written.
        let state = self.audio.state();
        let left = self.span.until.saturating_sub(self.position);
        let available = self.audio.samples_written().saturating_sub(self.position);
        let wanted = self.fading.map_or(out.len(), |fade| fade.left.min(out.len())).min(left);
        if state == PcmState::Open && available < wanted {
            // A fade that meets an underrun has nothing left to fade.
            return (0, self.fading.map(|_| PlayoutOutcome::Stopped));
        }
        let out = out.get_mut(..wanted).unwrap_or_default();
        let count = self.audio.read(self.position, out);
        self.position += count;
        if let Some(fade) = &mut self.fading {
            for sample in out.iter_mut().take(count) {
                *sample = (i64::from(*sample) * fade.left as i64 / fade.samples as i64) as i16;
                fade.left = fade.left.saturating_sub(1);
            }
            let over = fade.left == 0 || count < wanted;
            return (count, over.then_some(PlayoutOutcome::Stopped));
        }
        if self.position >= self.span.until {
            return (count, Some(PlayoutOutcome::Completed));
        }
        let over = state != PcmState::Open && self.position >= self.audio.samples_written();
        let outcome = match state {
            PcmState::Open => None,
            PcmState::Finished => over.then_some(PlayoutOutcome::Completed),
            PcmState::Failed => over.then_some(PlayoutOutcome::Failed),
        };
        (count, outcome)
    }
}
