//! What one session gets by URI, and work of its that is too long for its task.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fetch::{Document, FetchError, Request, SessionFetcher};
use media::{ClockRate, PcmBuffer, PcmSink, RingWriter, Waveform};
use recording::ServedFile;
use session::{AudioSource, FetchFailure, FetchKey, FetchPurpose, FetchRequest, Fetched, GrammarJob, LoadedAudio};
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tracing::Instrument;

use crate::session_task::{Mailbox, ToSession};

/// What one session waits for, and the recordings that it keeps ready.
pub(crate) struct Fetching {
    fetcher: SessionFetcher,
    /// Places for work on the processor, of all sessions.
    processors: Arc<Semaphore>,
    mailbox: Mailbox,
    under_way: HashMap<FetchKey, AbortHandle>,
    recordings: HashMap<FetchKey, PcmBuffer>,
}

/// A recording, and what the session is told of it.
pub(crate) type Recording = (PcmBuffer, LoadedAudio);

impl Fetching {
    pub(crate) fn new(fetcher: SessionFetcher, processors: Arc<Semaphore>, mailbox: Mailbox) -> Self {
        Self { fetcher, processors, mailbox, under_way: HashMap::new(), recordings: HashMap::new() }
    }

    /// Begins to fetch a document.
    pub(crate) fn fetch(&mut self, key: FetchKey, request: FetchRequest) {
        let fetcher = self.fetcher.clone();
        self.begin(key, async move {
            let outcome = fetch(&fetcher, request).await.map(|(document, set_cookies)| Fetched {
                location: document.location,
                content_type: document.content_type,
                content: document.content,
                set_cookies,
            });
            Some(ToSession::Fetched { key, outcome })
        });
    }

    /// Begins to fetch a recording and to make samples of it.
    /// What is `own` is read from our own files.
    pub(crate) fn load_audio(
        &mut self,
        key: FetchKey,
        source: AudioSource,
        own: Option<ServedFile>,
        clock_rate: ClockRate,
    ) {
        let fetcher = self.fetcher.clone();
        let processors = Arc::clone(&self.processors);
        self.begin(key, async move {
            let source = match own {
                Some(own) => read(own).await.unwrap_or(source),
                None => source,
            };
            let outcome = match source {
                AudioSource::Inline { content_type, content } => {
                    let document = Document { location: String::new(), content_type: Some(content_type), content };
                    decode(document, Vec::new(), clock_rate, &processors).await
                }
                AudioSource::Uri(request) => match fetch(&fetcher, request).await {
                    Ok((document, set_cookies)) => decode(document, set_cookies, clock_rate, &processors).await,
                    Err(failure) => Err(failure),
                },
            };
            Some(ToSession::AudioLoaded { key, outcome })
        });
    }

    /// Begins to compile a document. One that makes the compiler panic ends nothing else: the session's own time limit answers.
    pub(crate) fn compile(&mut self, key: FetchKey, job: GrammarJob) {
        let processors = Arc::clone(&self.processors);
        self.begin(key, async move {
            // Never closed, so a place comes.
            let _place = processors.acquire().await;
            match tokio::task::spawn_blocking(|| job.run()).await {
                Ok(compiled) => Some(ToSession::Compiled { key, compiled }),
                Err(_) => {
                    tracing::error!("a grammar made the compiler panic");
                    None
                }
            }
        });
    }

    /// Nothing of it is wanted any more.
    pub(crate) fn abandon(&mut self, key: FetchKey) {
        self.recordings.remove(&key);
        if let Some(task) = self.under_way.remove(&key) {
            task.abort();
        }
    }

    /// Takes note that a wait is over. `false`: nobody waits any more.
    pub(crate) fn ended(&mut self, key: FetchKey) -> bool {
        self.under_way.remove(&key).is_some()
    }

    /// Keeps a recording ready.
    pub(crate) fn keep(&mut self, key: FetchKey, audio: PcmBuffer) {
        self.recordings.insert(key, audio);
    }

    /// A recording that is ready.
    pub(crate) fn recording(&self, key: FetchKey) -> Option<PcmBuffer> {
        self.recordings.get(&key).cloned()
    }

    /// Cookies of the client.
    pub(crate) fn store_cookies(&self, cookies: &[String], origin: Option<&str>) {
        self.fetcher.store_cookies(cookies, origin);
    }

    fn begin(&mut self, key: FetchKey, work: impl Future<Output = Option<ToSession>> + Send + 'static) {
        let mailbox = self.mailbox.clone();
        let task = async move {
            if let Some(told) = work.await {
                // A session that is over wants nothing.
                let _over = mailbox.send(told).await;
            }
        };
        self.under_way.insert(key, tokio::spawn(task.in_current_span()).abort_handle());
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        for task in self.under_way.values() {
            task.abort();
        }
    }
}

async fn fetch(fetcher: &SessionFetcher, request: FetchRequest) -> Result<(Document, Vec<String>), FetchFailure> {
    let answer = fetcher
        .fetch(Request {
            uri: request.uri,
            purpose: request.purpose.label(),
            accept: accept(request.purpose),
            timeout: request.params.timeout,
            cache_control: request.params.cache_control.to_string(),
        })
        .await;
    match answer.outcome {
        Ok(document) => Ok((document, answer.set_cookies)),
        Err(error) => Err(failure(&error, answer.set_cookies)),
    }
}

fn failure(error: &FetchError, set_cookies: Vec<String>) -> FetchFailure {
    FetchFailure { cause: error.cause(), reason: error.to_string(), set_cookies }
}

/// A recording of ours, as if it had come with the request.
async fn read(own: ServedFile) -> Option<AudioSource> {
    let mut content = Vec::new();
    tokio::fs::File::from_std(own.file).read_to_end(&mut content).await.ok()?;
    Some(AudioSource::Inline { content_type: own.media_type, content: content.into() })
}

/// How much audio a listener is given at once, and how often: five times as fast as it was spoken.
const PIECE_MS: usize = 100;
const PIECE_EVERY: Duration = Duration::from_millis(20);

/// Lets a listener hear a recording, and silence after it until it listens no more.
pub(crate) async fn hear(audio: PcmBuffer, mut listener: RingWriter) {
    let mut piece = vec![0; PIECE_MS * audio.sample_rate_hz() as usize / 1_000];
    let mut at = 0;
    while !listener.is_closed() {
        let count = audio.read(at, &mut piece);
        piece.get_mut(count..).unwrap_or_default().fill(0);
        // A listener that is behind is waited for: nothing is lost.
        if listener.room() >= piece.len() && listener.push(&piece).is_ok() {
            at += count;
        }
        let pause = if at < audio.samples_written() { PIECE_EVERY } else { Duration::from_millis(PIECE_MS as u64) };
        tokio::time::sleep(pause).await;
    }
}

/// Samples of a document, made where no task waits for them.
async fn decode(
    document: Document,
    set_cookies: Vec<String>,
    clock_rate: ClockRate,
    processors: &Semaphore,
) -> Result<Recording, FetchFailure> {
    // Never closed, so a place comes.
    let _place = processors.acquire().await;
    let decoded = tokio::task::spawn_blocking(move || {
        let waveform = Waveform::read(&document.content, document.content_type.as_deref());
        let samples = waveform.map_err(|error| error.to_string())?.at(clock_rate).map_err(|error| error.to_string())?;
        let length = u64::try_from(samples.len()).unwrap_or(0);
        Ok((PcmBuffer::from_samples(clock_rate.hz(), &samples), length))
    });
    match decoded.await.unwrap_or_else(|_| Err("the recording cannot be decoded".to_owned())) {
        Ok((audio, samples)) => Ok((audio, LoadedAudio { samples, set_cookies })),
        Err(reason) => Err(FetchFailure { cause: "not-audio".to_owned(), reason, set_cookies }),
    }
}

fn accept(purpose: FetchPurpose) -> &'static str {
    match purpose {
        FetchPurpose::Grammar => "application/srgs+xml, application/srgs, application/grammar+xml;q=0.8, */*;q=0.1",
        FetchPurpose::Speech => "application/ssml+xml, text/plain;q=0.9, audio/*;q=0.8, */*;q=0.1",
        FetchPurpose::Lexicon => "application/pls+xml, */*;q=0.1",
        FetchPurpose::Audio => "audio/wav, audio/basic;q=0.9, audio/*;q=0.5, */*;q=0.1",
    }
}
