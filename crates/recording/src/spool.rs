//! A file that is being written: gone when it is dropped, unless it is kept.

use std::ffi::OsString;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use cap_std::fs::{Dir, File, OpenOptions};

use crate::storage::{Inner, StorageError};

/// A file that is being written. Dropping it removes it and gives its bytes back to the quota.
#[derive(Debug)]
pub struct Spool {
    storage: Arc<Inner>,
    folder: Arc<Dir>,
    name: OsString,
    file: File,
    /// Bytes that count against the quota.
    counted: u64,
    /// Whether they count at all: not those below the folder for `file:` URIs.
    counts: bool,
    kept: bool,
}

impl Spool {
    pub(crate) fn create(
        storage: Arc<Inner>,
        folder: Arc<Dir>,
        name: OsString,
        counts: bool,
    ) -> Result<Self, StorageError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        {
            // Voices are nobody else's business.
            use cap_std::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let file = folder.open_with(&name, &options)?;
        Ok(Self { storage, folder, name, file, counted: 0, counts, kept: false })
    }

    /// Appends.
    pub(crate) fn write(&mut self, octets: &[u8]) -> Result<(), StorageError> {
        let length = octets.len() as u64;
        if self.counts {
            self.storage.take(length)?;
            self.counted += length;
        }
        self.file.write_all(octets)?;
        Ok(())
    }

    /// Cuts the file to `length` bytes, appends `trailer` and puts `header` over its beginning. Returns its length.
    pub(crate) fn complete(&mut self, header: &[u8], length: u64, trailer: &[u8]) -> Result<u64, StorageError> {
        self.file.set_len(length)?;
        self.file.seek(SeekFrom::Start(length))?;
        self.write(trailer)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(header)?;
        self.file.seek(SeekFrom::Start(0))?;
        let total = length + trailer.len() as u64;
        if self.counts {
            self.storage.give_back(self.counted.saturating_sub(total));
            self.counted = total;
        }
        Ok(total)
    }

    /// Gives the file its real name, in place of what has it. It stays.
    pub(crate) fn keep_as(mut self, name: &std::ffi::OsStr) -> Result<(), StorageError> {
        self.file.sync_data()?;
        self.folder.rename(&self.name, &self.folder, name)?;
        self.kept = true;
        Ok(())
    }

    /// Opens the file for reading, at its beginning.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn open(&self) -> io::Result<std::fs::File> {
        self.folder.open(&self.name).map(File::into_std)
    }

    /// The whole content.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_all(&self) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        self.open()?.read_to_end(&mut content)?;
        Ok(content)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = self.folder.remove_file(&self.name)
        {
            tracing::error!(error = %error, "a recording could not be removed");
        }
        self.storage.give_back(self.counted);
    }
}
