//! Where recordings are kept.

use std::path::PathBuf;

/// Where recordings are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageConfig {
    /// The folder for recordings that the server keeps; `None`: a fresh one among the system's temporary files, removed with
    /// the server. Recordings that an earlier process left there are removed at the start, so it belongs to one server.
    pub directory: Option<PathBuf>,
    /// Most bytes in that folder.
    pub bytes_max: u64,
    /// The folder below which `file:` URIs may be written; `None`: none may.
    pub file_root: Option<PathBuf>,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self { directory: None, bytes_max: 1 << 30, file_root: None }
    }
}
