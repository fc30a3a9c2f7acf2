//! The threads that write recordings.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use media::{ClockRate, PcmSink, RingReader, WaveformFormat, pcm_ring};

use crate::storage::{Storage, StorageError};
use crate::stream::{Cut, Endpointing, Saved, Stream, Target};

/// How often a thread looks at its recordings.
const TICK: Duration = Duration::from_millis(20);

/// Audio that may wait for a slow disk.
const RING_MS: usize = 4_000;

/// Samples taken at a time: a fifth of a second at 16 kHz.
const PIECE_SAMPLES: usize = 3_200;

/// Commands that wait for one thread; recordings begin and end rarely.
const COMMANDS_MAX: usize = 4_096;

/// What to record.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordSpec {
    /// How it is stored.
    pub format: WaveformFormat,
    /// What it is served as.
    pub media_type: String,
    /// The rate of the leg.
    pub source_rate: ClockRate,
    /// Where it goes.
    pub target: Target,
    /// How speech is looked for; `None`: not at all.
    pub endpointing: Option<Endpointing>,
    /// The longest audio, in milliseconds; what is heard later is not kept.
    pub max_ms: u64,
}

/// What happens to a recording.
#[derive(Debug)]
pub enum RecordEvent {
    /// There is a place, and audio is written to it. The first event, unless the recording fails at once.
    Started,
    /// Speech began, again perhaps.
    SpeechStarted,
    /// Speech ended.
    SpeechEnded {
        /// How long the silence has lasted already.
        silence_ms: u64,
    },
    /// Memory holds no more: what is heard from now on is not kept.
    Full,
    /// It cannot go on; nothing of it is kept, and nothing follows.
    Failed(StorageError),
    /// It is complete; nothing follows.
    Saved(Saved),
}

/// Takes what happens to a recording, on its thread: must not block.
pub type Deliver = Box<dyn FnMut(RecordEvent) + Send>;

/// The threads that write recordings.
pub struct Recorder {
    storage: Storage,
    threads: Vec<Thread>,
}

struct Thread {
    commands: Sender<Command>,
    load: Arc<AtomicUsize>,
    running: Option<JoinHandle<()>>,
}

enum Command {
    Record(Box<Job>),
    /// A signal was given.
    Look,
    Stop,
}

struct Job {
    spec: RecordSpec,
    ring: RingReader,
    signals: Arc<Signals>,
    deliver: Deliver,
}

/// What the owner of a recording wants.
#[derive(Debug, Default)]
struct Signals {
    is_cancelled: AtomicBool,
    /// 0: nothing; 1: cut silence; otherwise milliseconds to trim, and two.
    finish: AtomicU64,
}

/// A recording under way. Dropping it discards what was recorded, unless it was finished.
#[derive(Debug)]
pub struct Recording {
    signals: Arc<Signals>,
    commands: Sender<Command>,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Command")
    }
}

impl Recorder {
    /// Starts `threads` threads, at least one.
    ///
    /// # Errors
    /// When a thread cannot be made.
    pub fn start(storage: Storage, threads: usize) -> io::Result<Self> {
        let threads =
            (0..threads.max(1)).map(|index| Thread::start(index, &storage)).collect::<io::Result<Vec<_>>>()?;
        Ok(Self { storage, threads })
    }

    /// Where recordings are kept.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Begins a recording. Audio goes into the sink, which never blocks; a disk that does not keep up for seconds fails the
    /// recording.
    ///
    /// # Errors
    /// When no thread takes it.
    pub fn record(&self, spec: RecordSpec, deliver: Deliver) -> io::Result<(Box<dyn PcmSink>, Recording)> {
        let thread = self.threads.iter().min_by_key(|thread| thread.load.load(Ordering::Relaxed));
        let thread = thread.ok_or(io::ErrorKind::NotConnected)?;
        let capacity = RING_MS * spec.source_rate.samples_per_ms() as usize;
        let (writer, ring) = pcm_ring(capacity);
        let signals = Arc::new(Signals::default());
        let recording = Recording { signals: Arc::clone(&signals), commands: thread.commands.clone() };
        let job = Box::new(Job { spec, ring, signals, deliver });
        thread.commands.try_send(Command::Record(job)).map_err(|error| match error {
            TrySendError::Full(_) => io::Error::from(io::ErrorKind::WouldBlock),
            TrySendError::Disconnected(_) => io::Error::from(io::ErrorKind::NotConnected),
        })?;
        Ok((Box::new(writer), recording))
    }
}

impl Recording {
    /// Ends the recording after what has come: cut, complete, keep. Answered by [`RecordEvent::Saved`] or
    /// [`RecordEvent::Failed`].
    pub fn finish(self, cut: Cut) {
        let wanted = match cut {
            Cut::Silence => 1,
            Cut::TrimMs(ms) => ms.saturating_add(2),
        };
        self.signals.finish.store(wanted, Ordering::Release);
        self.look();
    }

    fn look(&self) {
        // A full queue means that the thread is about to look anyway.
        let _seen_soon = self.commands.try_send(Command::Look);
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if self.signals.finish.load(Ordering::Acquire) == 0 {
            self.signals.is_cancelled.store(true, Ordering::Release);
            self.look();
        }
    }
}

impl Signals {
    fn finish(&self) -> Option<Cut> {
        match self.finish.load(Ordering::Acquire) {
            0 => None,
            1 => Some(Cut::Silence),
            ms => Some(Cut::TrimMs(ms - 2)),
        }
    }
}

impl Thread {
    fn start(index: usize, storage: &Storage) -> io::Result<Self> {
        let (commands, inbox) = bounded(COMMANDS_MAX);
        let load = Arc::new(AtomicUsize::new(0));
        let running = std::thread::Builder::new().name(format!("recording-{index}")).spawn({
            let (storage, load) = (storage.clone(), Arc::clone(&load));
            move || run(&storage, &inbox, &load)
        })?;
        Ok(Self { commands, load, running: Some(running) })
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        let _gone_already = self.commands.send(Command::Stop);
        if let Some(running) = self.running.take()
            && running.join().is_err()
        {
            tracing::error!("a recording thread had panicked");
        }
    }
}

/// One recording on its thread.
struct Active {
    stream: Stream,
    ring: RingReader,
    signals: Arc<Signals>,
    deliver: Deliver,
}

fn run(storage: &Storage, inbox: &Receiver<Command>, load: &AtomicUsize) {
    let mut active: Vec<Active> = Vec::new();
    let mut samples = Vec::with_capacity(PIECE_SAMPLES);
    let mut events = Vec::new();
    loop {
        // Without a recording there is nothing to look at.
        let command = if active.is_empty() {
            inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            inbox.recv_timeout(TICK)
        };
        match command {
            Ok(Command::Record(job)) => active.extend(begin(storage, *job)),
            Ok(Command::Look) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
        }
        let mut index = 0;
        while let Some(one) = active.get_mut(index) {
            match one.drive(&mut samples, &mut events) {
                Next::GoOn => index += 1,
                Next::Finish(cut) => {
                    let Active { stream, mut deliver, .. } = active.swap_remove(index);
                    deliver(stream.finish(cut).map_or_else(RecordEvent::Failed, RecordEvent::Saved));
                }
                Next::Fail(error) => {
                    let Active { stream, mut deliver, .. } = active.swap_remove(index);
                    // What was written is gone before anybody hears of it.
                    drop(stream);
                    deliver(RecordEvent::Failed(error));
                }
                Next::Discard => drop(active.swap_remove(index)),
            }
        }
        load.store(active.len(), Ordering::Relaxed);
    }
}

fn begin(storage: &Storage, job: Job) -> Option<Active> {
    let Job { spec, ring, signals, mut deliver } = job;
    let RecordSpec { format, media_type, source_rate, target, endpointing, max_ms } = spec;
    match Stream::open(storage.clone(), format, media_type, source_rate, target, endpointing, max_ms) {
        Ok(stream) => {
            deliver(RecordEvent::Started);
            Some(Active { stream, ring, signals, deliver })
        }
        Err(error) => {
            deliver(RecordEvent::Failed(error));
            None
        }
    }
}

enum Next {
    GoOn,
    Finish(Cut),
    Fail(StorageError),
    Discard,
}

impl Active {
    fn drive(&mut self, samples: &mut Vec<i16>, events: &mut Vec<RecordEvent>) -> Next {
        if self.signals.is_cancelled.load(Ordering::Acquire) {
            return Next::Discard;
        }
        // Looked at first, so that everything that came before it is still taken.
        let finish = self.signals.finish();
        loop {
            samples.clear();
            if self.ring.read(PIECE_SAMPLES, samples) == 0 {
                break;
            }
            let pushed = self.stream.push(samples, events);
            events.drain(..).for_each(|event| (self.deliver)(event));
            if let Err(error) = pushed {
                return Next::Fail(error);
            }
        }
        match finish {
            Some(cut) => Next::Finish(cut),
            None if self.ring.is_overrun() => Next::Fail(StorageError::Io(io::ErrorKind::TimedOut.into())),
            None => Next::GoOn,
        }
    }
}
