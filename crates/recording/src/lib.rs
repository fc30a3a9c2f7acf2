//! Stored audio: what a leg hears, written while it is heard, and kept where it can be fetched.
//!
//! ```text
//! let storage = Storage::open(config)?;                          // one for the server: folder, quota, what is served
//! let recorder = Recorder::start(storage.clone(), threads)?;     // counted threads; no disk is touched elsewhere
//! let (sink, recording) = recorder.record(spec, deliver);        // the sink goes to a leg
//! recording.finish(Cut::Silence);                                // deliver(RecordEvent::Saved(…)); dropped: nothing is kept
//! ```
//!
//! Memory is bounded: audio waits in a ring of seconds and goes to a file. A recording that fails, is discarded or is
//! dropped leaves nothing behind. Files are made below the folder of the [`Storage`], or below the folder for `file:` URIs,
//! and nowhere else: both are opened once and every path is resolved inside of them by the file system.

mod config;
mod file_uri;
mod recorder;
mod spool;
mod storage;
mod stream;

pub use config::StorageConfig;
pub use recorder::{Deliver, RecordEvent, RecordSpec, Recorder, Recording};
pub use spool::Spool;
pub use storage::{Published, ServedFile, Storage, StorageError};
pub use stream::{Cut, Endpointing, Saved, SavedContent, Target};
