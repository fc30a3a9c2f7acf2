//! One stream on a listener thread: from samples to events, by way of the detector, a core and the workers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::Instant;

use speech::Language;

use super::decode::{DecodeKey, DecodeRequest, Decoded, Purpose, RATE_HZ};
use super::listening::{self, Listening};
use super::recognizer::{PieceDecoder, StreamingDecoder};
use super::source::Source;
use super::streaming_listening::{self, StreamingListening};
use super::voice::{VoiceDetector, VoiceEvent};
use super::{Deliver, ListenEvent};
use crate::clock::now;
use crate::pool::{JobHandle, Lane, Pool};
use crate::{EngineError, EngineErrorKind};
use media::RingReader;

/// What the session, the workers and the listener thread share of one stream.
pub(super) struct StreamSignals {
    is_cancelled: AtomicBool,
    is_finished: AtomicBool,
    /// What is likely to be said, where that has changed.
    phrases: Mutex<Option<Vec<String>>>,
    outcomes: Mutex<Vec<Outcome>>,
    /// Decodes that were submitted and have not answered.
    decodes: AtomicUsize,
    /// The listener thread, woken when there is something for it.
    thread: Thread,
}

enum Outcome {
    Decoded(DecodeKey, Result<Decoded, EngineError>),
    Fed(Result<Decoded, EngineError>),
}

impl StreamSignals {
    pub(super) fn new(thread: Thread) -> Arc<Self> {
        Arc::new(Self {
            is_cancelled: AtomicBool::new(false),
            is_finished: AtomicBool::new(false),
            phrases: Mutex::new(None),
            outcomes: Mutex::new(Vec::new()),
            decodes: AtomicUsize::new(0),
            thread,
        })
    }

    pub(super) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Release);
        self.thread.unpark();
    }

    pub(super) fn finish(&self) {
        self.is_finished.store(true, Ordering::Release);
        self.thread.unpark();
    }

    pub(super) fn expect(&self, phrases: Vec<String>) {
        *self.phrases.lock().unwrap_or_else(PoisonError::into_inner) = Some(phrases);
        self.thread.unpark();
    }

    pub(super) fn decodes(&self) -> usize {
        self.decodes.load(Ordering::Acquire)
    }

    /// At most one outcome per job, and a stream has few jobs: this needs no other bound.
    fn tell(&self, outcome: Outcome) {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
        self.thread.unpark();
    }
}

/// A stream.
pub(super) struct Stream {
    pub(super) signals: Arc<StreamSignals>,
    pub(super) ring: RingReader,
    pub(super) source: Source,
    pub(super) detector: Box<dyn VoiceDetector>,
    pub(super) core: Core,
    pub(super) pool: Arc<Pool<Decoded>>,
    pub(super) deliver: Deliver,
    pub(super) language: Language,
    pub(super) sample_rate_hz: u32,
    /// Samples given to the detector.
    pub(super) heard: u64,
    /// Speech that began in the audio from before the beginning, until it is known that it goes on behind it.
    pub(super) before: Option<VoiceEvent>,
    pub(super) state: StreamState,
}

/// The core, with what decodes for it.
pub(super) enum Core {
    Pieces {
        listening: Box<Listening>,
        decoder: Arc<dyn PieceDecoder>,
        jobs: HashMap<DecodeKey, JobHandle<Decoded>>,
    },
    Streaming {
        listening: Box<StreamingListening>,
        decoder: Arc<Mutex<Box<dyn StreamingDecoder>>>,
        job: Option<JobHandle<Decoded>>,
    },
}

/// Where a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamState {
    Open,
    /// The turn is over since then; the last event is awaited.
    Finishing(Instant),
    Ended,
}

impl Stream {
    /// Does what can be done now.
    pub(super) fn drive(&mut self) -> StreamState {
        if self.signals.is_cancelled.load(Ordering::Acquire) {
            self.state = StreamState::Ended;
            return self.state;
        }
        // Asked before the audio is read, so that all audio before `finish` is heard.
        let is_finished = self.signals.is_finished.load(Ordering::Acquire);
        let outcomes = std::mem::take(&mut *self.signals.outcomes.lock().unwrap_or_else(PoisonError::into_inner));
        for outcome in outcomes {
            self.outcome(outcome);
        }
        let phrases = self.signals.phrases.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (&mut self.core, phrases) {
            (Core::Pieces { listening, .. }, Some(phrases)) => listening.expect(&phrases),
            (Core::Streaming { .. }, Some(_)) | (_, None) => {}
        }
        if self.state == StreamState::Open {
            self.read_audio();
        }
        if self.state == StreamState::Open && self.ring.is_overrun() {
            metrics::counter!("engine_overruns_total", "pool" => "recognition").increment(1);
            self.fail(EngineError::new(EngineErrorKind::Overrun, "audio came faster than it could be taken"));
        }
        if self.state == StreamState::Open && is_finished {
            self.state = StreamState::Finishing(now());
            let mut rest = Vec::new();
            self.source.finish(&mut rest);
            self.hear(&rest);
            if let Some(event) = self.before.take() {
                self.voice(event);
            }
            match &mut self.core {
                Core::Pieces { listening, .. } => listening.handle_input(listening::Input::Finish),
                Core::Streaming { listening, .. } => listening.handle_input(streaming_listening::Input::Finish),
            }
            self.drain();
        }
        self.state
    }

    /// Ends the stream with an error.
    pub(super) fn fail(&mut self, error: EngineError) {
        self.state = StreamState::Ended;
        self.tell(ListenEvent::Failed(error));
    }

    fn read_audio(&mut self) {
        let frame = self.source.frame_samples();
        let (mut samples, mut converted) = (Vec::with_capacity(frame), Vec::new());
        while self.state == StreamState::Open && self.ring.read(frame, &mut samples) > 0 {
            self.source.push(&samples, &mut converted);
            self.hear(&converted);
            samples.clear();
            converted.clear();
        }
    }

    /// Takes audio at the recognizer's rate.
    fn hear(&mut self, samples: &[i16]) {
        for frame in samples.chunks(FRAME_SAMPLES) {
            match &mut self.core {
                Core::Pieces { listening, .. } => listening.handle_input(listening::Input::Audio(frame)),
                Core::Streaming { listening, .. } => {
                    listening.handle_input(streaming_listening::Input::Audio(frame));
                }
            }
            self.drain();
            let event = self.detector.push(frame);
            self.heard = self.heard.saturating_add(frame.len() as u64);
            let pre_roll = u64::from(self.pre_roll_ms()) * u64::from(RATE_HZ) / 1000;
            if self.heard < pre_roll {
                // What was over before the beginning was not meant for us.
                match event {
                    Some(VoiceEvent::Started { .. }) => self.before = event,
                    Some(VoiceEvent::Ended { .. }) => self.before = None,
                    None => {}
                }
                continue;
            }
            for event in [self.before.take(), event].into_iter().flatten() {
                self.voice(event);
            }
        }
    }

    fn voice(&mut self, event: VoiceEvent) {
        match &mut self.core {
            Core::Pieces { listening, .. } => listening.handle_input(listening::Input::Voice(event)),
            Core::Streaming { listening, .. } => listening.handle_input(streaming_listening::Input::Voice(event)),
        }
        self.drain();
    }

    /// Length of the audio from before the beginning.
    fn pre_roll_ms(&self) -> u32 {
        let samples = u32::try_from(self.ring.pre_roll()).unwrap_or(u32::MAX);
        (u64::from(samples) * 1000 / u64::from(self.sample_rate_hz.max(1))).try_into().unwrap_or(u32::MAX)
    }

    fn outcome(&mut self, outcome: Outcome) {
        match (&mut self.core, outcome) {
            (Core::Pieces { listening, jobs, .. }, Outcome::Decoded(key, outcome)) => {
                jobs.remove(&key);
                listening.handle_input(listening::Input::Decoded(key, outcome));
            }
            (Core::Streaming { listening, job, .. }, Outcome::Fed(outcome)) => {
                *job = None;
                listening.handle_input(streaming_listening::Input::Fed(outcome));
            }
            // A stream has one core, and its jobs answer in that core's terms.
            (Core::Pieces { .. }, Outcome::Fed(_)) | (Core::Streaming { .. }, Outcome::Decoded(..)) => {}
        }
        self.drain();
    }

    /// Carries out what the core asks for.
    fn drain(&mut self) {
        loop {
            match &mut self.core {
                Core::Pieces { listening, decoder, jobs } => {
                    let Some(output) = listening.poll_output() else {
                        self.signals.decodes.store(jobs.len(), Ordering::Release);
                        return;
                    };
                    match output {
                        listening::Output::Event(event) => self.tell(event),
                        listening::Output::Decode(key, request) => {
                            let is_partial = request.purpose == Purpose::Partial;
                            if is_partial && !self.pool.has_idle_worker() {
                                metrics::counter!("engine_partials_dropped_total", "reason" => "busy").increment(1);
                                listening.partial_dropped(key);
                                continue;
                            }
                            match submit_decode(&self.pool, &self.signals, decoder, key, request) {
                                Ok(job) => {
                                    jobs.insert(key, job);
                                }
                                Err(_) if is_partial => listening.partial_dropped(key),
                                Err(error) => listening.handle_input(listening::Input::Decoded(key, Err(error))),
                            }
                        }
                        listening::Output::Promote(key) => {
                            if let Some(job) = jobs.get(&key) {
                                job.promote();
                            }
                        }
                        listening::Output::Forget(key) => drop(jobs.remove(&key)),
                        listening::Output::Ended => self.end(),
                    }
                }
                Core::Streaming { listening, decoder, job } => {
                    let Some(output) = listening.poll_output() else { return };
                    match output {
                        streaming_listening::Output::Event(event) => self.tell(event),
                        streaming_listening::Output::Feed { samples, is_last } => {
                            match submit_feed(&self.pool, &self.signals, decoder, self.language, samples, is_last) {
                                Ok(submitted) => *job = Some(submitted),
                                Err(error) => listening.handle_input(streaming_listening::Input::Fed(Err(error))),
                            }
                        }
                        streaming_listening::Output::Ended => self.end(),
                    }
                }
            }
        }
    }

    fn end(&mut self) {
        if let StreamState::Finishing(since) = self.state {
            metrics::histogram!("engine_final_seconds", "language" => self.language.tag())
                .record(now().saturating_duration_since(since).as_secs_f64());
        }
        self.state = StreamState::Ended;
    }

    fn tell(&self, mut event: ListenEvent) {
        // Times count from the beginning, whatever was heard of before.
        match &mut event {
            ListenEvent::SpeechStarted { at_ms } | ListenEvent::SpeechEnded { at_ms, .. } => {
                *at_ms = at_ms.saturating_sub(self.pre_roll_ms());
            }
            ListenEvent::SpeechResumed
            | ListenEvent::Partial { .. }
            | ListenEvent::Hypotheses { .. }
            | ListenEvent::Failed(_) => {}
        }
        if !self.signals.is_cancelled.load(Ordering::Acquire) {
            (self.deliver)(event);
        }
    }
}

/// 20 ms, the most that a detector is given at a time.
pub(super) const FRAME_SAMPLES: usize = RATE_HZ as usize / 50;

fn submit_decode(
    pool: &Pool<Decoded>,
    signals: &Arc<StreamSignals>,
    decoder: &Arc<dyn PieceDecoder>,
    key: DecodeKey,
    request: DecodeRequest,
) -> Result<JobHandle<Decoded>, EngineError> {
    let lane = match request.purpose {
        Purpose::Partial => Lane::Spare,
        Purpose::Speculative => Lane::Ahead,
        Purpose::Final => Lane::Urgent,
    };
    let decoder = Arc::clone(decoder);
    let signals = Arc::clone(signals);
    pool.submit(
        lane,
        Box::new(move |_| {
            let start = now();
            let decoded = decoder.decode(&request);
            let labels = [("language", request.language.tag()), ("kind", request.purpose.label())];
            metrics::histogram!("engine_decode_seconds", &labels)
                .record(now().saturating_duration_since(start).as_secs_f64());
            decoded
        }),
        Box::new(move |outcome| signals.tell(Outcome::Decoded(key, outcome))),
    )
}

fn submit_feed(
    pool: &Pool<Decoded>,
    signals: &Arc<StreamSignals>,
    decoder: &Arc<Mutex<Box<dyn StreamingDecoder>>>,
    language: Language,
    samples: Arc<[i16]>,
    is_last: bool,
) -> Result<JobHandle<Decoded>, EngineError> {
    let lane = if is_last { Lane::Urgent } else { Lane::Ahead };
    let decoder = Arc::clone(decoder);
    let signals = Arc::clone(signals);
    pool.submit(
        lane,
        Box::new(move |_| {
            let start = now();
            let mut decoder = decoder
                .lock()
                .map_err(|_| EngineError::new(EngineErrorKind::Internal, "an earlier piece of this stream panicked"))?;
            let decoded = decoder.advance(&samples, is_last);
            metrics::histogram!("engine_decode_seconds", "language" => language.tag(), "kind" => "streaming")
                .record(now().saturating_duration_since(start).as_secs_f64());
            decoded
        }),
        Box::new(move |outcome| signals.tell(Outcome::Fed(outcome))),
    )
}
