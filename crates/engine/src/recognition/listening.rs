//! The core of one listening with a recognizer that takes whole pieces of audio. Sans-IO; its only clock is the stream.
//!
//! ```text
//! loop: handle_input(Audio | Voice | Decoded | Finish), then poll_output until None
//! ```
//!
//! A turn is a row of pieces. The open piece grows while the caller speaks; a pause decodes it ahead of time, and what
//! follows decides whether that result stands (turn over, or pause long enough to close the piece) or is thrown away
//! (the caller went on soon: the piece is decoded again as a whole, which models like better than two halves).

use std::collections::VecDeque;
use std::sync::Arc;

use speech::Language;

use super::audio_window::AudioWindow;
use super::decode::{DecodeKey, DecodeRequest, Decoded, Purpose, to_ms, to_samples};
use super::transcript::{join, join_texts};
use super::voice::VoiceEvent;
use crate::{EngineError, ListenEvent, ListenSpec, ListeningConfig};

/// What happens to a listening.
pub(crate) enum Input<'a> {
    /// The next samples, at the recognizer's rate.
    Audio(&'a [i16]),
    /// What the detector found in the samples so far.
    Voice(VoiceEvent),
    /// The outcome of a decode.
    Decoded(DecodeKey, Result<Decoded, EngineError>),
    /// The turn is over.
    Finish,
}

/// What a listening asks for.
#[derive(Debug)]
pub(crate) enum Output {
    /// Tell the session.
    Event(ListenEvent),
    /// Decode; the outcome comes back as [`Input::Decoded`]. A partial may be dropped, then nothing comes back but
    /// [`Listening::partial_dropped`].
    Decode(DecodeKey, DecodeRequest),
    /// The outcome is awaited now.
    Promote(DecodeKey),
    /// The outcome is not wanted any more.
    Forget(DecodeKey),
    /// The listening is over.
    Ended,
}

/// One listening.
pub(crate) struct Listening {
    config: Arc<ListeningConfig>,
    language: Language,
    phrases: Arc<[String]>,
    /// Whether partials are wanted and there is a model for them.
    partials: bool,
    audio: AudioWindow,
    /// Closed pieces of the turn, in order.
    closed: Vec<Piece>,
    phase: Phase,
    next_key: u64,
    outputs: VecDeque<Output>,
}

/// A closed piece of the turn.
enum Piece {
    Awaited(DecodeKey),
    Heard(Decoded),
}

enum Phase {
    /// No speech yet.
    Quiet,
    /// The caller speaks.
    Speaking { piece_start: u64, partial: Option<DecodeKey>, next_partial_at: u64 },
    /// The caller paused.
    Paused { piece_start: u64, speech_end: u64, ahead: Ahead },
    /// The turn is over; results are awaited.
    Finishing,
    /// The last event was given.
    Ended,
}

/// The decode that was begun when the caller paused.
enum Ahead {
    Running(DecodeKey),
    Ready(Decoded),
    Failed,
}

impl Ahead {
    fn is_running(&self, key: DecodeKey) -> bool {
        matches!(self, Self::Running(running) if *running == key)
    }
}

impl Listening {
    /// A listening at the beginning of its stream.
    pub(crate) fn new(config: Arc<ListeningConfig>, spec: &ListenSpec, partials: bool) -> Self {
        Self {
            config,
            language: spec.language,
            phrases: Arc::from(spec.phrases.as_slice()),
            partials,
            audio: AudioWindow::default(),
            closed: Vec::new(),
            phase: Phase::Quiet,
            next_key: 0,
            outputs: VecDeque::new(),
        }
    }

    pub(crate) fn handle_input(&mut self, input: Input<'_>) {
        match input {
            Input::Audio(samples) => self.audio(samples),
            Input::Voice(VoiceEvent::Started { at }) => self.voice_started(at),
            Input::Voice(VoiceEvent::Ended { at }) => self.voice_ended(at),
            Input::Decoded(key, Ok(decoded)) => self.decoded(key, decoded),
            Input::Decoded(key, Err(error)) => self.decode_failed(key, error),
            Input::Finish => self.finish(),
        }
    }

    /// What is decoded from now on is biased towards these.
    pub(crate) fn expect(&mut self, phrases: &[String]) {
        self.phrases = Arc::from(phrases);
    }

    /// The shell dropped a partial because all workers are busy.
    pub(crate) fn partial_dropped(&mut self, key: DecodeKey) {
        if let Phase::Speaking { partial, .. } = &mut self.phase
            && *partial == Some(key)
        {
            *partial = None;
        }
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn audio(&mut self, samples: &[i16]) {
        match &self.phase {
            Phase::Quiet | Phase::Speaking { .. } | Phase::Paused { .. } => self.audio.push(samples),
            Phase::Finishing | Phase::Ended => return,
        }
        let end = self.audio.end();
        match self.phase {
            Phase::Quiet => self.audio.forget_before(end.saturating_sub(self.look_back())),
            Phase::Speaking { piece_start, partial, next_partial_at } => {
                if end.saturating_sub(piece_start) >= to_samples(self.config.chunk_ms_max) {
                    self.cut(piece_start);
                } else if self.partials && partial.is_none() && end >= next_partial_at {
                    let key = self.decode(Purpose::Partial, piece_start, end);
                    let next_partial_at = end.saturating_add(to_samples(self.config.partial_interval_ms));
                    self.phase = Phase::Speaking { piece_start, partial: Some(key), next_partial_at };
                }
            }
            // After a long pause the piece will not be decoded again, whatever follows.
            Phase::Paused { speech_end, ahead: Ahead::Ready(_), .. }
                if end.saturating_sub(speech_end) >= to_samples(self.config.chunk_pause_ms) =>
            {
                self.audio.forget_before(end.saturating_sub(self.look_back()));
            }
            Phase::Paused { .. } | Phase::Finishing | Phase::Ended => {}
        }
    }

    /// How far the beginning of speech may lie behind the end of the audio: a detector is sure only after a while.
    fn look_back(&self) -> u64 {
        to_samples(self.config.pre_roll_ms.saturating_add(self.config.min_speech_ms).saturating_add(500))
    }

    /// The caller speaks without a pause: cut where it is quietest.
    fn cut(&mut self, piece_start: u64) {
        let end = self.audio.end();
        let cut = self.audio.quietest(end.saturating_sub(to_samples(CUT_WINDOW_MS)), end);
        self.forget_partial();
        let key = self.decode(Purpose::Final, piece_start, cut);
        self.closed.push(Piece::Awaited(key));
        self.audio.forget_before(cut);
        let next_partial_at = end.saturating_add(to_samples(self.config.partial_interval_ms));
        self.phase = Phase::Speaking { piece_start: cut, partial: None, next_partial_at };
    }

    fn voice_started(&mut self, at: u64) {
        let next_partial_at = self.audio.end().saturating_add(to_samples(self.config.partial_interval_ms));
        let onset = at.saturating_sub(to_samples(self.config.pre_roll_ms)).max(self.audio.start());
        match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Quiet => {
                self.event(ListenEvent::SpeechStarted { at_ms: to_ms(at) });
                self.phase = Phase::Speaking { piece_start: onset, partial: None, next_partial_at };
            }
            Phase::Paused { piece_start, speech_end, ahead } => {
                self.event(ListenEvent::SpeechResumed);
                let length = speech_end.saturating_sub(piece_start);
                let pause = at.saturating_sub(speech_end);
                let is_enough = length >= to_samples(self.config.chunk_ms_enough);
                let is_long = pause >= to_samples(self.config.chunk_pause_ms);
                let piece = match ahead {
                    Ahead::Ready(decoded) if is_enough || is_long => Some(Piece::Heard(decoded)),
                    Ahead::Running(key) if is_enough || is_long => {
                        self.outputs.push_back(Output::Promote(key));
                        Some(Piece::Awaited(key))
                    }
                    Ahead::Failed if is_enough || is_long => {
                        Some(Piece::Awaited(self.decode(Purpose::Final, piece_start, self.tail(speech_end))))
                    }
                    Ahead::Running(key) => {
                        self.outputs.push_back(Output::Forget(key));
                        None
                    }
                    Ahead::Ready(_) | Ahead::Failed => None,
                };
                let piece_start = match piece {
                    Some(piece) => {
                        self.closed.push(piece);
                        // The tail of the closed piece is not decoded twice.
                        onset.max(self.tail(speech_end).min(at))
                    }
                    None => piece_start,
                };
                self.audio.forget_before(piece_start);
                self.phase = Phase::Speaking { piece_start, partial: None, next_partial_at };
            }
            // A detector alternates; one that does not changes nothing.
            phase @ (Phase::Speaking { .. } | Phase::Finishing | Phase::Ended) => self.phase = phase,
        }
    }

    fn voice_ended(&mut self, at: u64) {
        let Phase::Speaking { piece_start, .. } = self.phase else { return };
        self.forget_partial();
        let silence_ms = to_ms(self.audio.end().saturating_sub(at));
        self.event(ListenEvent::SpeechEnded { at_ms: to_ms(at), silence_ms });
        let key = self.decode(Purpose::Speculative, piece_start, self.tail(at));
        self.phase = Phase::Paused { piece_start, speech_end: at, ahead: Ahead::Running(key) };
    }

    /// Where a piece ends whose speech ended at `speech_end`: some silence after it belongs to it.
    fn tail(&self, speech_end: u64) -> u64 {
        speech_end.saturating_add(to_samples(TAIL_MS)).min(self.audio.end())
    }

    fn decoded(&mut self, key: DecodeKey, decoded: Decoded) {
        let awaited = self.closed.iter_mut().find(|piece| matches!(piece, Piece::Awaited(one) if *one == key));
        if let Some(piece) = awaited {
            *piece = Piece::Heard(decoded);
            self.tell_hypotheses();
            return;
        }
        match &mut self.phase {
            Phase::Speaking { partial, .. } if *partial == Some(key) => {
                *partial = None;
                let closed = self.closed.iter().map(|piece| match piece {
                    Piece::Heard(decoded) => decoded.best_text(),
                    Piece::Awaited(_) => "",
                });
                let text = join_texts(closed.chain([decoded.best_text()]));
                if !text.is_empty() {
                    self.event(ListenEvent::Partial { text });
                }
            }
            Phase::Paused { ahead, .. } if ahead.is_running(key) => {
                *ahead = Ahead::Ready(decoded);
                self.tell_hypotheses();
            }
            // Stale: the caller went on, or the listening is over.
            Phase::Quiet | Phase::Speaking { .. } | Phase::Paused { .. } | Phase::Finishing | Phase::Ended => {}
        }
    }

    fn decode_failed(&mut self, key: DecodeKey, error: EngineError) {
        if self.closed.iter().any(|piece| matches!(piece, Piece::Awaited(awaited) if *awaited == key)) {
            self.fail(error);
            return;
        }
        match &mut self.phase {
            // A partial is a hint (R11).
            Phase::Speaking { partial, .. } if *partial == Some(key) => *partial = None,
            // It may never be needed; if it is, it is decoded once more.
            Phase::Paused { ahead, .. } if ahead.is_running(key) => {
                *ahead = Ahead::Failed;
            }
            Phase::Quiet | Phase::Speaking { .. } | Phase::Paused { .. } | Phase::Finishing | Phase::Ended => {}
        }
    }

    fn finish(&mut self) {
        match std::mem::replace(&mut self.phase, Phase::Finishing) {
            Phase::Quiet => {}
            Phase::Speaking { piece_start, partial, .. } => {
                self.outputs.extend(partial.map(Output::Forget));
                let key = self.decode(Purpose::Final, piece_start, self.audio.end());
                self.closed.push(Piece::Awaited(key));
            }
            Phase::Paused { ahead: Ahead::Ready(decoded), .. } => self.closed.push(Piece::Heard(decoded)),
            Phase::Paused { ahead: Ahead::Running(key), .. } => {
                self.outputs.push_back(Output::Promote(key));
                self.closed.push(Piece::Awaited(key));
            }
            Phase::Paused { piece_start, speech_end, ahead: Ahead::Failed } => {
                let key = self.decode(Purpose::Final, piece_start, self.tail(speech_end));
                self.closed.push(Piece::Awaited(key));
            }
            Phase::Finishing => {}
            Phase::Ended => self.phase = Phase::Ended,
        }
        self.tell_hypotheses();
    }

    /// Tells what was said so far, if the caller paused or the turn is over, and all of it was decoded.
    fn tell_hypotheses(&mut self) {
        let mut pieces = Vec::with_capacity(self.closed.len() + 1);
        for piece in &self.closed {
            match piece {
                Piece::Heard(decoded) => pieces.push(decoded),
                Piece::Awaited(_) => return,
            }
        }
        let is_final = match &self.phase {
            Phase::Paused { ahead: Ahead::Ready(decoded), .. } => {
                pieces.push(decoded);
                false
            }
            Phase::Finishing => true,
            Phase::Quiet | Phase::Speaking { .. } | Phase::Paused { .. } | Phase::Ended => return,
        };
        let hypotheses = join(&pieces, self.language);
        self.event(ListenEvent::Hypotheses { hypotheses, is_final });
        if is_final {
            self.end();
        }
    }

    fn fail(&mut self, error: EngineError) {
        self.forget_partial();
        self.event(ListenEvent::Failed(error));
        self.end();
    }

    fn end(&mut self) {
        self.phase = Phase::Ended;
        self.closed.clear();
        self.outputs.push_back(Output::Ended);
    }

    fn forget_partial(&mut self) {
        if let Phase::Speaking { partial, .. } = &mut self.phase {
            self.outputs.extend(partial.take().map(Output::Forget));
        }
    }

    fn decode(&mut self, purpose: Purpose, from: u64, to: u64) -> DecodeKey {
        let key = DecodeKey(self.next_key);
        self.next_key = self.next_key.wrapping_add(1);
        let request = DecodeRequest {
            purpose,
            language: self.language,
            samples: self.audio.copy(from, to),
            phrases: Arc::clone(&self.phrases),
        };
        self.outputs.push_back(Output::Decode(key, request));
        key
    }

    fn event(&mut self, event: ListenEvent) {
        self.outputs.push_back(Output::Event(event));
    }
}

/// Silence after speech that is decoded with it; models drop last sounds that end abruptly.
const TAIL_MS: u32 = 300;

/// A cut without a pause is made within the last of this.
const CUT_WINDOW_MS: u32 = 2_000;

#[cfg(test)]
mod tests;
