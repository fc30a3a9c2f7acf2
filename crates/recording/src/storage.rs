//! The folders that recordings are in, their quota, and what is served of them.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use metrics::gauge;

use crate::config::StorageConfig;
use crate::file_uri;
use crate::spool::Spool;

/// What files of recordings begin with: at the start, those that an earlier process left are removed.
const PREFIX: &str = "voxgate-";

/// Why something is not stored.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The quota is used up.
    #[error("no room for recordings")]
    Quota,
    /// The disk is full, or the file may not grow.
    #[error("no room on the disk")]
    Disk,
    /// The URI is not of a place that may be written to.
    #[error("not a place that may be written to")]
    Forbidden,
    /// Whatever else the system says.
    #[error("cannot store: {0}")]
    Io(#[source] io::Error),
}

impl From<io::Error> for StorageError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Self::Disk,
            _ => Self::Io(error),
        }
    }
}

/// The folders that recordings are in, their quota, and what is served of them. Clones are the same storage.
#[derive(Clone)]
pub struct Storage {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    directory: Arc<Dir>,
    bytes_max: u64,
    bytes: AtomicU64,
    next: AtomicU64,
    /// As configured, and without symbolic links: a URI may be written either way.
    files: Option<(PathBuf, PathBuf, Dir)>,
    served: Mutex<HashMap<String, Arc<Kept>>>,
    /// Removes the folder when it is ours alone.
    _temporary: Option<tempfile::TempDir>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage")
            .field("bytes_max", &self.bytes_max)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// A recording that is served.
#[derive(Debug)]
struct Kept {
    spool: Spool,
    media_type: String,
    size_bytes: u64,
}

/// A recording that is served as long as this lives.
#[derive(Debug)]
pub struct Published {
    inner: Arc<Inner>,
    name: String,
}

/// A recording that somebody fetches.
#[derive(Debug)]
pub struct ServedFile {
    /// The content, at its beginning.
    pub file: std::fs::File,
    /// As the client asked for it.
    pub media_type: String,
    /// Its length.
    pub size_bytes: u64,
}

/// A place below the folder for `file:` URIs.
#[derive(Debug)]
pub(crate) struct FileTarget {
    pub(crate) spool: Spool,
    pub(crate) name: OsString,
}

impl Storage {
    /// Makes and opens the folders, and removes what an earlier process left.
    ///
    /// # Errors
    /// When a folder cannot be made, opened or made private.
    pub fn open(config: StorageConfig) -> io::Result<Self> {
        let (temporary, path) = match config.directory {
            Some(path) => (None, path),
            None => {
                let temporary = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
                let path = temporary.path().to_owned();
                (Some(temporary), path)
            }
        };
        std::fs::create_dir_all(&path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
        }
        let directory = Dir::open_ambient_dir(&path, ambient_authority())?;
        for entry in directory.entries()? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(PREFIX) && entry.file_type()?.is_file() {
                directory.remove_file(entry.file_name())?;
            }
        }
        let files = match config.file_root {
            Some(root) => {
                let real = std::fs::canonicalize(&root)?;
                let folder = Dir::open_ambient_dir(&real, ambient_authority())?;
                Some((root, real, folder))
            }
            None => None,
        };
        let inner = Inner {
            directory: Arc::new(directory),
            bytes_max: config.bytes_max,
            bytes: AtomicU64::new(0),
            next: AtomicU64::new(0),
            files,
            served: Mutex::default(),
            _temporary: temporary,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Bytes that are stored now, of those that count against the quota.
    pub fn bytes(&self) -> u64 {
        self.inner.bytes.load(Ordering::Acquire)
    }

    /// Whether a `file:` URI names a place that may be written to.
    pub fn permits(&self, uri: &str) -> bool {
        self.inner.relative(uri).is_some()
    }

    /// A new file in the folder.
    pub(crate) fn spool(&self) -> Result<Spool, StorageError> {
        let name = format!("{PREFIX}{}-{}.part", std::process::id(), self.inner.next.fetch_add(1, Ordering::Relaxed));
        Spool::create(Arc::clone(&self.inner), Arc::clone(&self.inner.directory), name.into(), true)
    }

    /// A new file beside the one that a `file:` URI names, whose name it is given when it is complete.
    pub(crate) fn file_target(&self, uri: &str) -> Result<FileTarget, StorageError> {
        let (folder, relative) = self.inner.relative(uri).ok_or(StorageError::Forbidden)?;
        let name = relative.file_name().ok_or(StorageError::Forbidden)?.to_owned();
        let folder = match relative.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            // Resolved inside of the folder: a link that leads out of it is an error.
            Some(parent) => folder.open_dir(parent).map_err(|error| match error.kind() {
                io::ErrorKind::PermissionDenied => StorageError::Forbidden,
                _ => StorageError::Io(error),
            })?,
            None => folder.try_clone()?,
        };
        let count = self.inner.next.fetch_add(1, Ordering::Relaxed);
        let part = format!(".{PREFIX}{}-{count}.part", std::process::id());
        let spool = Spool::create(Arc::clone(&self.inner), Arc::new(folder), part.into(), false)?;
        Ok(FileTarget { spool, name })
    }

    /// Serves a complete file under `name`, which nobody can guess, until the result is dropped.
    pub(crate) fn publish(&self, spool: Spool, name: String, media_type: String, size_bytes: u64) -> Published {
        let kept = Arc::new(Kept { spool, media_type, size_bytes });
        self.inner.served().insert(name.clone(), kept);
        Published { inner: Arc::clone(&self.inner), name }
    }

    /// What is served under a name.
    pub fn served(&self, name: &str) -> Option<ServedFile> {
        let kept = self.inner.served().get(name).cloned()?;
        let file = kept.spool.open().ok()?;
        Some(ServedFile { file, media_type: kept.media_type.clone(), size_bytes: kept.size_bytes })
    }
}

impl Inner {
    /// Takes bytes of the quota.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), StorageError> {
        let taken = self.bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
            used.checked_add(bytes).filter(|total| *total <= self.bytes_max)
        });
        match taken {
            Ok(before) => {
                told(before + bytes);
                Ok(())
            }
            Err(_) => Err(StorageError::Quota),
        }
    }

    pub(crate) fn give_back(&self, bytes: u64) {
        let before = self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        told(before.saturating_sub(bytes));
    }

    fn relative(&self, uri: &str) -> Option<(&Dir, PathBuf)> {
        let (written, real, folder) = self.files.as_ref()?;
        let below = |root: &Path| file_uri::below(root, uri);
        below(written).or_else(|| below(real)).map(|relative| (folder, relative))
    }

    fn served(&self) -> MutexGuard<'_, HashMap<String, Arc<Kept>>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge")]
fn told(bytes: u64) {
    gauge!("recording_bytes").set(bytes as f64);
}

impl Published {
    /// The name that it is served under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole content.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_all(&self) -> io::Result<Vec<u8>> {
        let kept = self.inner.served().get(&self.name).cloned();
        kept.map_or_else(|| Err(io::ErrorKind::NotFound.into()), |kept| kept.spool.read_all())
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        // The file goes when the last one who reads it has opened it.
        let _kept = self.inner.served().remove(&self.name);
    }
}
