//! Recognition: from a stream of audio to what was said.
//!
//! What the pool promises are the rules R1–R14 of [`crate::contract`].
//!
//! In reading order: [`spec`](ListenSpec) and [`event`](ListenEvent); `listening` and `streaming_listening`, the cores;
//! `stream` and `listener_thread`, which drive them; `recognizer`, what an engine provides.

mod audio_window;
#[cfg(any(test, feature = "sherpa"))]
mod confirmed;
mod decode;
mod event;
mod listener_thread;
mod listening;
mod recognizer;
mod source;
mod spec;
mod stream;
mod streaming_listening;
mod transcript;
mod voice;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use event::ListenEvent;
pub use spec::ListenSpec;

#[cfg(feature = "sherpa")]
pub(crate) use confirmed::{ConfirmedDetector, Delays, VoiceModel, WINDOW_SAMPLES};
#[cfg(feature = "sherpa")]
pub(crate) use decode::Purpose;
pub(crate) use decode::{DecodeRequest, Decoded, RATE_HZ};
pub use media::RingWriter;
pub(crate) use recognizer::{PieceDecoder, Recognizer, RecognizerMode, StreamingDecoder};
pub(crate) use transcript::join_texts;
pub(crate) use voice::{VoiceDetector, VoiceEvent};

use crate::permit::{Permit, PermitCounter};
use crate::pool::{Pool, PoolConfig, PoolStatus};
use crate::worker_counts::{cores, worker_counts};
use crate::{EngineConfig, EngineError, EngineErrorKind, ListeningConfig};
use listener_thread::ListenerThread;
use listening::Listening;
use source::Source;
use stream::{Core, Stream, StreamSignals, StreamState};
use streaming_listening::StreamingListening;

/// Where events of a listening go. Called on a thread of the engine; must not block (R2).
pub type Deliver = Box<dyn Fn(ListenEvent) + Send + Sync>;

/// The recognition pool. Clones share it; the last clone dropped ends its threads.
#[derive(Clone)]
pub struct Recognition {
    inner: Arc<Inner>,
}

struct Inner {
    // Dropped in this order: the listeners submit to the pool, the pool's workers use the recognizer.
    listeners: Vec<ListenerThread>,
    pool: Arc<Pool<Decoded>>,
    recognizer: Arc<dyn Recognizer>,
    permits: Arc<PermitCounter>,
    config: Arc<ListeningConfig>,
}

/// Room for one listening at a time (R1). Taken at admission, given back on drop.
#[derive(Debug)]
pub struct RecognitionPermit {
    _permit: Permit,
    is_listening: Arc<AtomicBool>,
}

/// What [`Recognition::voice_activity`] finds, in milliseconds from the beginning of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoiceActivity {
    /// Speech began.
    Started {
        /// Where, as it is told.
        at_ms: u32,
        /// End of the packet with which it is told.
        told_ms: u32,
    },
    /// Speech ended.
    Ended {
        /// Where, as it is told.
        at_ms: u32,
        /// End of the packet with which it is told.
        told_ms: u32,
    },
}

/// A listening that goes on. Dropping it cancels (R12).
pub struct Listener {
    signals: Arc<StreamSignals>,
    is_listening: Arc<AtomicBool>,
}

impl Recognition {
    /// Loads the models that `config` names and starts the threads. Takes seconds with real models.
    ///
    /// # Errors
    /// `Configuration` for values out of range, `Model` for a model file that is missing or altered, `Unavailable` when
    /// the engine is not part of this build.
    pub fn start(config: &EngineConfig) -> Result<Self, EngineError> {
        config.validate()?;
        Self::start_with(crate::backend::recognizer(config)?, config)
    }

    /// Starts the threads around a recognizer.
    pub(crate) fn start_with(recognizer: Arc<dyn Recognizer>, config: &EngineConfig) -> Result<Self, EngineError> {
        let counts = worker_counts(cores(), &config.workers);
        let pool = Pool::start(PoolConfig {
            name: "asr",
            workers: counts.asr_workers,
            replacements_max: config.limits.replacement_workers_max,
            // Partials are submitted only when a worker is idle.
            spare_jobs_max: counts.asr_workers,
            deadline: Duration::from_millis(config.limits.decode_deadline_ms.into()),
        })?;
        let listeners = (0..counts.listener_threads).map(ListenerThread::start).collect::<Result<_, _>>()?;
        Ok(Self {
            inner: Arc::new(Inner {
                listeners,
                pool: Arc::new(pool),
                recognizer,
                permits: PermitCounter::new("recognition", config.limits.recognition_streams_max),
                config: Arc::new(config.listening.clone()),
            }),
        })
    }

    /// Takes a permit.
    ///
    /// # Errors
    /// `Busy` when all are taken.
    pub fn try_reserve(&self) -> Result<RecognitionPermit, EngineError> {
        Ok(RecognitionPermit {
            _permit: self.inner.permits.try_take()?,
            is_listening: Arc::new(AtomicBool::new(false)),
        })
    }

    /// Permits that are not taken.
    pub fn permits_free(&self) -> usize {
        self.inner.permits.free()
    }

    /// How the workers are doing.
    pub fn status(&self) -> PoolStatus {
        self.inner.pool.status()
    }

    /// Whether a model for `language` is loaded.
    pub fn hears(&self, language: speech::Language) -> bool {
        self.inner.recognizer.mode(language).is_some()
    }

    /// Where the engine finds speech in a recording at the rate that `spec` names, as a stream of it in packets of 20 ms
    /// would be listened to. Without a thread and without decoding: for measurements.
    ///
    /// # Errors
    /// `Configuration` for a sample rate that cannot be used, `Model` when a detector cannot be made.
    pub fn voice_activity(&self, spec: &ListenSpec, samples: &[i16]) -> Result<Vec<VoiceActivity>, EngineError> {
        let rate_hz = spec.sample_rate_hz;
        let mut source = Source::new(rate_hz).ok_or_else(|| {
            EngineError::new(EngineErrorKind::Configuration, format!("cannot listen at {rate_hz} Hz"))
        })?;
        let mut detector = self.inner.recognizer.voice_detector(&self.inner.config, spec)?;
        let packet = usize::try_from(rate_hz / 50).unwrap_or(usize::MAX).max(1);
        let (mut told, mut converted) = (Vec::new(), Vec::new());
        for (packet, told_ms) in samples.chunks(packet).zip((20..).step_by(20)) {
            converted.clear();
            source.push(packet, &mut converted);
            for frame in converted.chunks(stream::FRAME_SAMPLES) {
                told.extend(detector.push(frame).map(|event| match event {
                    VoiceEvent::Started { at } => VoiceActivity::Started { at_ms: decode::to_ms(at), told_ms },
                    VoiceEvent::Ended { at } => VoiceActivity::Ended { at_ms: decode::to_ms(at), told_ms },
                }));
            }
        }
        Ok(told)
    }

    /// Starts listening: audio goes into the sink, events come out of `deliver`, until [`Listener::finish`] or its drop.
    ///
    /// # Errors
    /// `Language` when no model serves the language, `Busy` when the permit already listens, `Configuration` for a
    /// sample rate that cannot be used.
    pub fn listen(
        &self,
        permit: &RecognitionPermit,
        spec: ListenSpec,
        deliver: Deliver,
    ) -> Result<(Box<dyn media::PcmSink>, Listener), EngineError> {
        let (sink, listener) = self.listen_directly(permit, spec, deliver)?;
        Ok((Box::new(sink), listener))
    }

    /// As [`listen`](Self::listen), with a sink that tells its room: for audio that is not paced by a leg.
    ///
    /// # Errors
    /// As [`listen`](Self::listen).
    pub fn listen_directly(
        &self,
        permit: &RecognitionPermit,
        spec: ListenSpec,
        deliver: Deliver,
    ) -> Result<(RingWriter, Listener), EngineError> {
        let inner = &self.inner;
        let mode = inner.recognizer.mode(spec.language).ok_or_else(|| {
            EngineError::new(EngineErrorKind::Language, format!("no recognizer for {}", spec.language))
        })?;
        let rate_hz = spec.sample_rate_hz;
        let source = Source::new(rate_hz).ok_or_else(|| {
            EngineError::new(EngineErrorKind::Configuration, format!("cannot listen at {rate_hz} Hz"))
        })?;
        let thread = inner
            .listeners
            .iter()
            .min_by_key(|listener| listener.load())
            .ok_or_else(|| EngineError::new(EngineErrorKind::Unavailable, "no listener thread"))?;
        let detector = inner.recognizer.voice_detector(&inner.config, &spec)?;
        let core = match mode {
            RecognizerMode::Pieces { partials } => Core::Pieces {
                listening: Box::new(Listening::new(Arc::clone(&inner.config), &spec, spec.partials && partials)),
                decoder: Arc::from(inner.recognizer.piece_decoder(&spec)?),
                jobs: HashMap::new(),
            },
            RecognizerMode::Streaming => Core::Streaming {
                listening: Box::new(StreamingListening::new(Arc::clone(&inner.config), &spec)),
                decoder: Arc::new(Mutex::new(inner.recognizer.streaming_decoder(&spec)?)),
                job: None,
            },
        };
        if permit.is_listening.swap(true, Ordering::AcqRel) {
            return Err(EngineError::new(EngineErrorKind::Busy, "this permit listens already"));
        }
        let signals = StreamSignals::new(thread.thread().clone());
        let listener = Listener { signals: Arc::clone(&signals), is_listening: Arc::clone(&permit.is_listening) };
        let capacity = u64::from(inner.config.stream_buffer_ms).saturating_mul(u64::from(rate_hz)) / 1000;
        let (writer, ring) = media::pcm_ring(usize::try_from(capacity).unwrap_or(usize::MAX));
        thread.add(Stream {
            signals,
            ring,
            source,
            detector,
            core,
            pool: Arc::clone(&inner.pool),
            deliver,
            language: spec.language,
            sample_rate_hz: rate_hz,
            heard: 0,
            before: None,
            state: StreamState::Open,
        });
        Ok((writer, listener))
    }
}

impl Listener {
    /// Says that the turn has ended: the final hypotheses are delivered soon (R7). Audio pushed afterwards is ignored.
    /// A second call changes nothing.
    pub fn finish(&self) {
        self.signals.finish();
    }

    /// These words and phrases are likely from now on, in place of those before. What is decoded as it is heard keeps those that it began
    /// with.
    pub fn expect(&self, phrases: Vec<String>) {
        self.signals.expect(phrases);
    }

    /// Decodes that have not answered, as of the last look of the listener thread.
    pub(crate) fn decodes(&self) -> usize {
        self.signals.decodes()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.signals.cancel();
        self.is_listening.store(false, Ordering::Release);
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}
