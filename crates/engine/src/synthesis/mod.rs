//! Synthesis: from text to audio.
//!
//! What the pool promises are the rules S1–S12 of [`crate::contract`].
//!
//! A request is cut into clauses (`synthesizer`, by the engine), each looked for in the `prompt_cache`, and otherwise
//! spoken by a worker through a `rendering` into the buffer.

mod disk_cache;
mod prompt_cache;
mod rendering;
mod spec;
mod synthesizer;
mod text;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use media::PcmBuffer;

pub use spec::SynthesisSpec;
pub use synthesizer::VoiceName;

#[cfg(feature = "sherpa")]
pub(crate) use synthesizer::Edges;
pub(crate) use synthesizer::{ChunkSink, Clause, Synthesizer};
#[cfg(feature = "sherpa")]
pub(crate) use text::runs;
pub(crate) use text::speakable;

use crate::clock::now;
use crate::permit::{Permit, PermitCounter};
use crate::pool::{JobContext, JobHandle, Lane, Pool, PoolConfig, PoolStatus};
use crate::worker_counts::{cores, worker_counts};
use crate::{EngineConfig, EngineError, EngineErrorKind, EngineLimits};
use prompt_cache::{PromptCache, PromptKey};
use rendering::Rendering;

/// How the end of a request is told. Called on a thread of the engine or within `synthesize`; must not block.
pub type DeliverSynthesis = Box<dyn FnOnce(Result<SynthesisDone, EngineError>) + Send>;

/// The synthesis pool. Clones share it; the last clone dropped ends its threads.
#[derive(Clone)]
pub struct Synthesis {
    inner: Arc<Inner>,
}

struct Inner {
    // Dropped first: its workers use the rest.
    pool: Pool<SynthesisDone>,
    synthesizer: Arc<dyn Synthesizer>,
    cache: Arc<PromptCache>,
    permits: Arc<PermitCounter>,
    limits: EngineLimits,
    /// Prompts being prepared; each is removed when its job is done.
    preparing: Arc<Mutex<Vec<Preparation>>>,
}

/// A prompt on its way into the cache.
struct Preparation {
    key: PromptKey,
    _job: JobHandle<SynthesisDone>,
}

/// Room for the synthesis requests of one session (S1). Taken at admission, given back on drop.
#[derive(Debug)]
pub struct SynthesisPermit {
    _permit: Permit,
    requests: Arc<AtomicUsize>,
}

/// A request that is being synthesized. Dropping it cancels (S7).
pub struct SynthesisHandle {
    // Dropped before the buffer is failed, so that nothing is told.
    job: Option<JobHandle<SynthesisDone>>,
    buffer: PcmBuffer,
    first_audio: FirstAudio,
}

/// When the first samples of a request were there.
#[derive(Debug, Clone, Default)]
struct FirstAudio(Arc<OnceLock<Instant>>);

impl FirstAudio {
    fn note(&self, buffer: &PcmBuffer) {
        if buffer.samples_written() > 0 {
            self.0.get_or_init(now);
        }
    }
}

/// All audio of a request is in its buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SynthesisDone {
    /// Samples in the buffer.
    pub samples: usize,
    /// Whether all of it came from the cache.
    pub from_cache: bool,
}

/// Counts one unfinished request of a permit.
struct RequestCount(Arc<AtomicUsize>);

impl Drop for RequestCount {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Synthesis {
    /// Loads the models that `config` names and starts the threads. Takes seconds with real models.
    ///
    /// # Errors
    /// As [`Recognition::start`](crate::Recognition::start).
    pub fn start(config: &EngineConfig) -> Result<Self, EngineError> {
        config.validate()?;
        Self::start_with(crate::backend::synthesizer(config)?, config)
    }

    /// Starts the threads around a synthesizer.
    pub(crate) fn start_with(synthesizer: Arc<dyn Synthesizer>, config: &EngineConfig) -> Result<Self, EngineError> {
        let counts = worker_counts(cores(), &config.workers);
        let pool = Pool::start(PoolConfig {
            name: "tts",
            workers: counts.tts_workers,
            replacements_max: config.limits.replacement_workers_max,
            spare_jobs_max: PREPARED_MAX,
            deadline: Duration::from_millis(config.limits.synthesis_stall_ms.into()),
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                pool,
                synthesizer,
                cache: Arc::new(PromptCache::open(&config.prompt_cache)?),
                permits: PermitCounter::new("synthesis", config.limits.synthesis_streams_max),
                limits: config.limits.clone(),
                preparing: Arc::new(Mutex::new(Vec::new())),
            }),
        })
    }

    /// Takes a permit.
    ///
    /// # Errors
    /// `Busy` when all are taken.
    pub fn try_reserve(&self) -> Result<SynthesisPermit, EngineError> {
        Ok(SynthesisPermit { _permit: self.inner.permits.try_take()?, requests: Arc::new(AtomicUsize::new(0)) })
    }

    /// Permits that are not taken.
    pub fn permits_free(&self) -> usize {
        self.inner.permits.free()
    }

    /// How the workers are doing.
    pub fn status(&self) -> PoolStatus {
        self.inner.pool.status()
    }

    /// Whether there is a voice for `language`.
    pub fn speaks(&self, language: speech::Language) -> bool {
        self.inner.synthesizer.speaks(language)
    }

    /// Names of the voices, the default of each language first.
    pub fn voices(&self) -> Vec<VoiceName> {
        self.inner.synthesizer.voices()
    }

    /// Synthesizes `spec`. The buffer may be played at once and fills up while it plays.
    ///
    /// # Errors
    /// `Busy` when the permit's requests are all in use, `Language` or `Voice` when no model can speak it, `Overrun` for
    /// a text over the limit, `Configuration` for a sample rate that cannot be used.
    pub fn synthesize(
        &self,
        permit: &SynthesisPermit,
        spec: SynthesisSpec,
        deliver: DeliverSynthesis,
    ) -> Result<(PcmBuffer, SynthesisHandle), EngineError> {
        let inner = &self.inner;
        let count = permit.count_request(inner.limits.synthesis_requests_per_permit_max)?;
        let request = self.request(spec)?;
        if let Some(buffer) = request.in_memory(&inner.cache) {
            metrics::counter!("engine_prompt_cache_total", "result" => "hit").increment(1);
            drop(count);
            let done = SynthesisDone { samples: buffer.samples_written(), from_cache: true };
            let first_audio = FirstAudio::default();
            first_audio.note(&buffer);
            deliver(Ok(done));
            return Ok((buffer.clone(), SynthesisHandle { job: None, buffer, first_audio }));
        }
        let buffer = PcmBuffer::new(request.sample_rate_hz, request.samples_max);
        let filled = buffer.clone();
        let done = Box::new(move |outcome: Result<SynthesisDone, EngineError>| {
            if outcome.is_err() {
                filled.fail();
            }
            drop(count);
            deliver(outcome);
        });
        let first_audio = request.first_audio.clone();
        let job = inner.pool.submit(Lane::Urgent, self.work(request, buffer.clone()), done)?;
        Ok((buffer.clone(), SynthesisHandle { job: Some(job), buffer, first_audio }))
    }

    /// Synthesizes `spec` into the cache when a worker has nothing better to do; for prompts that will be needed soon.
    /// Returns whether it was taken on: not if it is cached already, cannot be spoken, or too much waits.
    pub fn prepare(&self, spec: SynthesisSpec) -> bool {
        let Ok(request) = self.request(spec) else { return false };
        let Some(key) = request.clauses.first().map(|(_, key)| key.clone()) else { return false };
        let mut preparing = self.inner.preparing.lock().unwrap_or_else(PoisonError::into_inner);
        if request.in_memory(&self.inner.cache).is_some() || preparing.iter().any(|other| other.key == key) {
            return false;
        }
        let buffer = PcmBuffer::new(request.sample_rate_hz, request.samples_max);
        let (list, done_key) = (Arc::downgrade(&self.inner.preparing), key.clone());
        let done = Box::new(move |_: Result<SynthesisDone, EngineError>| {
            if let Some(list) = list.upgrade() {
                let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
                let at = list.iter().position(|one| one.key == done_key);
                let entry = at.map(|at| list.swap_remove(at));
                drop(list);
                drop(entry);
            }
        });
        // The lock is held until the job is in the list: its end looks for it there.
        match self.inner.pool.submit(Lane::Spare, self.work(request, buffer), done) {
            Ok(job) => {
                preparing.push(Preparation { key, _job: job });
                true
            }
            Err(_) => false,
        }
    }

    fn request(&self, spec: SynthesisSpec) -> Result<Request, EngineError> {
        let limits = &self.inner.limits;
        let (rate_hz, chars) = (spec.sample_rate_hz, spec.text.chars().count());
        if !(8_000..=48_000).contains(&rate_hz) {
            return Err(EngineError::new(EngineErrorKind::Configuration, format!("cannot speak at {rate_hz} Hz")));
        }
        if chars > limits.synthesis_chars_max {
            let message = format!("a text of {chars} characters; {} may be spoken at once", limits.synthesis_chars_max);
            return Err(EngineError::new(EngineErrorKind::Overrun, message));
        }
        let volume = within(spec.volume, 0.0, 4.0);
        let spec = SynthesisSpec { rate: within(spec.rate, 0.25, 4.0), pitch: within(spec.pitch, 0.5, 2.0), ..spec };
        let clauses = self.inner.synthesizer.plan(&spec)?;
        let clauses = clauses.into_iter().map(|clause| {
            let key = PromptKey::new(&clause, volume, rate_hz);
            (clause, key)
        });
        let samples_max = u64::from(limits.synthesis_seconds_max).saturating_mul(rate_hz.into());
        Ok(Request {
            clauses: clauses.collect(),
            volume,
            sample_rate_hz: rate_hz,
            samples_max: usize::try_from(samples_max).unwrap_or(usize::MAX),
            first_audio: FirstAudio::default(),
        })
    }

    fn work(&self, request: Request, buffer: PcmBuffer) -> crate::pool::Work<SynthesisDone> {
        let synthesizer = Arc::clone(&self.inner.synthesizer);
        let cache = Arc::clone(&self.inner.cache);
        Box::new(move |context| request.render(&*synthesizer, &cache, &buffer, context))
    }
}

/// Prompts that may wait to be prepared.
const PREPARED_MAX: usize = 256;

/// `value` brought into range; what is not a number changes nothing.
fn within(value: f32, min: f32, max: f32) -> f32 {
    if value.is_nan() { 1.0 } else { value.clamp(min, max) }
}

/// A request as a worker carries it out.
struct Request {
    clauses: Vec<(Clause, PromptKey)>,
    volume: f32,
    sample_rate_hz: u32,
    samples_max: usize,
    first_audio: FirstAudio,
}

impl Request {
    /// The whole of it, if every clause is in memory. One clause is shared; several are put together.
    fn in_memory(&self, cache: &PromptCache) -> Option<PcmBuffer> {
        let found = self.clauses.iter().map(|(_, key)| cache.find(key)).collect::<Option<Vec<_>>>()?;
        if let [only] = found.as_slice() {
            return Some(only.clone());
        }
        let length = found.iter().map(PcmBuffer::samples_written).sum();
        let buffer = PcmBuffer::new(self.sample_rate_hz, length);
        for prompt in &found {
            append(prompt, &buffer).ok()?;
        }
        buffer.finish();
        Some(buffer)
    }

    fn render(
        &self,
        synthesizer: &dyn Synthesizer,
        cache: &PromptCache,
        buffer: &PcmBuffer,
        context: &JobContext,
    ) -> Result<SynthesisDone, EngineError> {
        let start = now();
        let mut from_cache = true;
        for (at, (clause, key)) in self.clauses.iter().enumerate() {
            if let Some(prompt) = cache.load(key) {
                metrics::counter!("engine_prompt_cache_total", "result" => "hit").increment(1);
                append(&prompt, buffer)?;
                self.first_audio.note(buffer);
            } else {
                metrics::counter!("engine_prompt_cache_total", "result" => "miss").increment(1);
                from_cache = false;
                let rendering = Rendering::new(clause, self.volume, buffer, self.first_audio.clone())?;
                synthesizer.speak(clause, context, rendering.sink(context))?;
                let samples = rendering.finish()?;
                // What was cut short is no prompt.
                if context.is_cancelled() {
                    break;
                }
                cache.store(key, &PcmBuffer::from_samples(self.sample_rate_hz, &samples));
            }
            context.progressed();
            if at == 0 {
                metrics::histogram!("engine_first_clause_seconds", "language" => clause.language.tag())
                    .record(now().saturating_duration_since(start).as_secs_f64());
            }
        }
        if let Some((clause, _)) = self.clauses.first()
            && !from_cache
        {
            metrics::histogram!("engine_synthesis_seconds", "language" => clause.language.tag())
                .record(now().saturating_duration_since(start).as_secs_f64());
        }
        buffer.finish();
        Ok(SynthesisDone { samples: buffer.samples_written(), from_cache })
    }
}

fn append(prompt: &PcmBuffer, buffer: &PcmBuffer) -> Result<(), EngineError> {
    let mut samples = vec![0; prompt.samples_written()];
    let count = prompt.read(0, &mut samples);
    buffer
        .push(samples.get(..count).unwrap_or_default())
        .map_err(|_| EngineError::new(EngineErrorKind::Overrun, "the text is longer than may be spoken at once"))
}

impl SynthesisPermit {
    fn count_request(&self, max: usize) -> Result<RequestCount, EngineError> {
        let take = |taken: usize| (taken < max).then_some(taken.saturating_add(1));
        match self.requests.fetch_update(Ordering::AcqRel, Ordering::Acquire, take) {
            Ok(_) => Ok(RequestCount(Arc::clone(&self.requests))),
            Err(_) => Err(EngineError::new(EngineErrorKind::Busy, format!("{max} requests are being synthesized"))),
        }
    }
}

impl SynthesisHandle {
    /// When the first samples were there; `None`: there are none yet.
    pub fn first_audio_at(&self) -> Option<Instant> {
        self.first_audio.0.get().copied()
    }
}

impl Drop for SynthesisHandle {
    fn drop(&mut self) {
        drop(self.job.take());
        self.buffer.fail();
    }
}

impl std::fmt::Debug for SynthesisHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SynthesisHandle").field("buffer", &self.buffer).finish_non_exhaustive()
    }
}
