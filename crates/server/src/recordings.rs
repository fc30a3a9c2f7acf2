//! What one session records: where it goes, and what is kept of it until the session ends.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fetch::{FetchError, SessionFetcher, Upload};
use media::{ClockRate, PcmSink};
use metrics::counter;
use mrcp::recorder::{Cut, Failure, FailureKind, Recorded, Stored};
use recording::{Published, RecordEvent, Recorder, Recording, Saved, SavedContent, StorageError, Target};
use session::{RecordKey, RecordSpec, RecordTarget, RecordingEvent};
use tokio::task::AbortHandle;
use tracing::Instrument;

use crate::session_task::{Mailbox, ToSession};

/// How recordings of a server are made and served.
pub(crate) struct RecordingService {
    pub(crate) recorder: Recorder,
    /// Most bytes of a recording in a message.
    pub(crate) body_bytes_max: usize,
    /// How long recordings are kept after their session.
    pub(crate) linger: Duration,
}

/// Room for the headers of a message that carries a recording.
pub(crate) const MESSAGE_HEAD_BYTES: usize = 4 * 1024;

/// What one session records.
pub(crate) struct Recordings {
    service: Arc<RecordingService>,
    fetcher: SessionFetcher,
    mailbox: Mailbox,
    under_way: HashMap<RecordKey, UnderWay>,
    /// Served until the session ends.
    kept: Vec<Published>,
}

/// One recording.
struct UnderWay {
    target: RecordTarget,
    media_type: String,
    /// What the URI of a served one is.
    served_as: String,
    stage: Stage,
}

enum Stage {
    Capturing(Recording),
    /// It is being completed on its thread.
    Completing,
    /// It is on its way to a web server.
    Sending(AbortHandle),
}

impl Recordings {
    pub(crate) fn new(service: Arc<RecordingService>, fetcher: SessionFetcher, mailbox: Mailbox) -> Self {
        Self { service, fetcher, mailbox, under_way: HashMap::new(), kept: Vec::new() }
    }

    /// Begins a recording; what the leg hears goes into the sink. `base_url` is what URIs of served recordings begin with,
    /// `name` one that nobody can guess.
    pub(crate) fn begin(
        &mut self,
        key: RecordKey,
        spec: RecordSpec,
        source_rate: ClockRate,
        base_url: Option<String>,
        name: &str,
    ) -> Result<Box<dyn PcmSink>, Failure> {
        let name = format!("{name}.{}", spec.format.extension());
        let mut served_as = String::new();
        let target = match &spec.target {
            RecordTarget::Body => Target::Memory { bytes_max: self.service.body_bytes_max },
            RecordTarget::Served => {
                let base = base_url.ok_or_else(|| ours("recordings are not served here"))?;
                served_as = format!("{base}/{name}");
                Target::Served { name }
            }
            RecordTarget::Uri { uri, .. } if is_file(uri) => Target::File { uri: uri.clone() },
            RecordTarget::Uri { uri, .. } => {
                self.fetcher.may_store(uri).map_err(|error| not_permitted(&error))?;
                Target::Spool
            }
        };
        let mailbox = self.mailbox.clone();
        let deliver = Box::new(move |event: RecordEvent| {
            if mailbox.try_send(ToSession::Recording { key, event }).is_err() {
                counter!("recording_events_dropped_total").increment(1);
            }
        });
        let endpointing = spec.endpointing.map(|endpointing| recording::Endpointing {
            sensitivity: endpointing.sensitivity,
            on_speech: endpointing.on_speech,
            hangover_ms: u32::try_from(endpointing.hangover.as_millis()).unwrap_or(u32::MAX),
        });
        let wanted = recording::RecordSpec {
            format: spec.format,
            media_type: spec.media_type.clone(),
            source_rate,
            target,
            endpointing,
            max_ms: u64::try_from(spec.max_time.as_millis()).unwrap_or(u64::MAX),
        };
        let (sink, recording) = self.service.recorder.record(wanted, deliver).map_err(|error| {
            tracing::error!(error = %error, "no thread takes a recording");
            ours("the recorder is busy")
        })?;
        let stage = Stage::Capturing(recording);
        let under_way = UnderWay { target: spec.target, media_type: spec.media_type, served_as, stage };
        self.under_way.insert(key, under_way);
        Ok(sink)
    }

    /// Cuts and stores.
    pub(crate) fn finish(&mut self, key: RecordKey, cut: Cut) {
        let Some(under_way) = self.under_way.get_mut(&key) else { return };
        match std::mem::replace(&mut under_way.stage, Stage::Completing) {
            Stage::Capturing(recording) => recording.finish(match cut {
                Cut::Silence => recording::Cut::Silence,
                Cut::Trim(trim) => recording::Cut::TrimMs(u64::try_from(trim.as_millis()).unwrap_or(u64::MAX)),
            }),
            other @ (Stage::Completing | Stage::Sending(_)) => under_way.stage = other,
        }
    }

    /// Keeps nothing of it.
    pub(crate) fn discard(&mut self, key: RecordKey) {
        match self.under_way.remove(&key).map(|under_way| under_way.stage) {
            Some(Stage::Sending(sending)) => sending.abort(),
            Some(Stage::Capturing(_) | Stage::Completing) | None => {}
        }
    }

    /// Something happened on the recording's thread. What the session is to know of it.
    pub(crate) fn happened(&mut self, key: RecordKey, event: RecordEvent) -> Option<RecordingEvent> {
        let under_way = self.under_way.get(&key)?;
        Some(match event {
            RecordEvent::Started => RecordingEvent::Started,
            RecordEvent::SpeechStarted => RecordingEvent::SpeechStarted,
            RecordEvent::SpeechEnded { silence_ms } => {
                RecordingEvent::SpeechEnded { silence: Duration::from_millis(silence_ms) }
            }
            RecordEvent::Full => RecordingEvent::Full,
            RecordEvent::Failed(error) => {
                let failure = failure(&error, &under_way.target);
                tracing::warn!(error = %error, "a recording failed");
                return self.ended(key, Err(failure));
            }
            RecordEvent::Saved(saved) => return self.saved(key, saved),
        })
    }

    fn saved(&mut self, key: RecordKey, saved: Saved) -> Option<RecordingEvent> {
        let under_way = self.under_way.get_mut(&key)?;
        let Saved { content, size_bytes, duration_ms } = saved;
        let duration = Duration::from_millis(duration_ms);
        let stored = match (content, &under_way.target) {
            (SavedContent::Memory(content), _) => Stored::Body(content),
            (SavedContent::Served(published), _) => {
                self.kept.push(published);
                Stored::Uri(std::mem::take(&mut under_way.served_as))
            }
            (SavedContent::File, RecordTarget::Uri { uri, .. }) => Stored::Uri(uri.clone()),
            (SavedContent::Spool(spool), RecordTarget::Uri { uri, timeout }) => {
                let (fetcher, mailbox) = (self.fetcher.clone(), self.mailbox.clone());
                let (uri, timeout, content_type) = (uri.clone(), *timeout, under_way.media_type.clone());
                let sending = async move {
                    let outcome = match spool.open() {
                        Ok(content) => {
                            let content = tokio::fs::File::from_std(content);
                            let upload =
                                Upload { uri: uri.clone(), content_type, content, length: size_bytes, timeout };
                            fetcher.store(upload).await.map_err(|error| not_stored(&error))
                        }
                        Err(error) => Err(ours(&error.to_string())),
                    };
                    // Sent or not, the file is not needed any more.
                    drop(spool);
                    let outcome = outcome.map(|()| Recorded { stored: Stored::Uri(uri), size_bytes, duration });
                    // A session that is over wants nothing.
                    let _over = mailbox.send(ToSession::RecordingSent { key, outcome }).await;
                };
                under_way.stage = Stage::Sending(tokio::spawn(sending.in_current_span()).abort_handle());
                return None;
            }
            // A thread saves what it was told to.
            (SavedContent::File | SavedContent::Spool(_), RecordTarget::Body | RecordTarget::Served) => {
                return self.ended(key, Err(ours("the recording went elsewhere")));
            }
        };
        self.ended(key, Ok(Recorded { stored, size_bytes, duration }))
    }

    /// Nothing more happens to a recording.
    pub(crate) fn ended(&mut self, key: RecordKey, outcome: Result<Recorded, Failure>) -> Option<RecordingEvent> {
        let under_way = self.under_way.remove(&key)?;
        let target = match under_way.target {
            RecordTarget::Body => "body",
            RecordTarget::Served => "served",
            RecordTarget::Uri { uri, .. } if is_file(&uri) => "file",
            RecordTarget::Uri { .. } => "web",
        };
        let label = if outcome.is_ok() { "success" } else { "failure" };
        counter!("recordings_total", "target" => target, "outcome" => label).increment(1);
        Some(match outcome {
            Ok(recorded) => RecordingEvent::Saved(recorded),
            Err(failure) => RecordingEvent::Failed(failure),
        })
    }
}

impl Drop for Recordings {
    fn drop(&mut self) {
        for under_way in self.under_way.values() {
            if let Stage::Sending(sending) = &under_way.stage {
                sending.abort();
            }
        }
        let kept = std::mem::take(&mut self.kept);
        let linger = self.service.linger;
        if !linger.is_zero() && !kept.is_empty() && tokio::runtime::Handle::try_current().is_ok() {
            crate::tasks::spawn("lingering recordings", async move {
                tokio::time::sleep(linger).await;
                drop(kept);
            });
        }
    }
}

fn is_file(uri: &str) -> bool {
    uri.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"))
}

fn ours(reason: &str) -> Failure {
    Failure::new(FailureKind::Recorder, reason)
}

/// Why a web URI is refused before anything is recorded.
fn not_permitted(error: &FetchError) -> Failure {
    Failure::new(FailureKind::Forbidden, error.to_string())
}

fn not_stored(error: &FetchError) -> Failure {
    Failure::new(FailureKind::Uri { cause: error.cause() }, error.to_string())
}

fn failure(error: &StorageError, target: &RecordTarget) -> Failure {
    match (error, target) {
        (StorageError::Forbidden, _) => Failure::new(FailureKind::Forbidden, error.to_string()),
        (StorageError::Io(io), RecordTarget::Uri { uri, .. }) if is_file(uri) => {
            Failure::new(FailureKind::Uri { cause: io.kind().to_string() }, error.to_string())
        }
        (StorageError::Io(_) | StorageError::Quota | StorageError::Disk, _) => ours(&error.to_string()),
    }
}
