//! Prompts in a directory, one file each, so that they survive restarts.
//!
//! A file is written under another name and renamed: readers, other processes among them, see whole files only. A file
//! holds its key and a checksum; one that does not fit is a miss and goes. The directory is bounded: the files that were
//! not used for longest go first.

use std::fs::{self, File, FileTimes};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use media::PcmBuffer;
use sha2::{Digest as _, Sha256};

use crate::{EngineError, EngineErrorKind};

/// A directory of prompts.
pub(super) struct DiskCache {
    dir: PathBuf,
    bytes_max: u64,
    /// Bytes in the directory, as far as this process knows.
    bytes: Mutex<u64>,
    next_staged: AtomicU64,
}

const MAGIC: &[u8; 8] = b"VOXPCM1\n";
const EXTENSION: &str = "prompt";

impl DiskCache {
    /// # Errors
    /// `Configuration` when the directory cannot be created or read.
    pub(super) fn open(dir: &Path, bytes_max: u64) -> Result<Self, EngineError> {
        let unusable = |error: std::io::Error| {
            EngineError::new(EngineErrorKind::Configuration, format!("prompt cache {}: {error}", dir.display()))
        };
        fs::create_dir_all(dir).map_err(unusable)?;
        let cache = Self { dir: dir.to_owned(), bytes_max, bytes: Mutex::new(0), next_staged: AtomicU64::new(0) };
        let files = cache.files().map_err(unusable)?;
        *cache.bytes.lock().unwrap_or_else(PoisonError::into_inner) = files.iter().map(|file| file.bytes).sum();
        cache.make_room(0);
        Ok(cache)
    }

    /// The prompt with this key, if there is one.
    pub(super) fn load(&self, key: &str) -> Option<PcmBuffer> {
        let path = self.path(key);
        let mut file = File::open(&path).ok()?;
        let mut bytes = Vec::new();
        let read = file.read_to_end(&mut bytes);
        let Some(audio) = read.ok().and_then(|_| parse(&bytes, key)) else {
            tracing::warn!(path = %path.display(), "a damaged prompt was removed from the cache");
            _ = fs::remove_file(&path);
            return None;
        };
        // When it was last used decides what goes first; not being able to say so is no loss.
        _ = file.set_times(FileTimes::new().set_modified(system_time()));
        Some(audio)
    }

    /// Keeps a finished prompt. A full or failing disk costs the prompt, not the call.
    pub(super) fn store(&self, key: &str, audio: &PcmBuffer) {
        let bytes = print(key, audio);
        let length = bytes.len() as u64;
        if length > self.bytes_max / 4 {
            return;
        }
        self.make_room(length);
        let staged =
            self.dir.join(format!("{}-{}.tmp", std::process::id(), self.next_staged.fetch_add(1, Ordering::Relaxed)));
        let write = || {
            File::create(&staged)?.write_all(&bytes)?;
            fs::rename(&staged, self.path(key))
        };
        match write() {
            Ok(()) => {
                let mut known = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
                *known = known.saturating_add(length);
            }
            Err(error) => {
                _ = fs::remove_file(&staged);
                metrics::counter!("engine_prompt_cache_errors_total").increment(1);
                tracing::warn!(%error, "a prompt could not be kept on disk");
            }
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        use std::fmt::Write as _;
        let mut name = String::with_capacity(72);
        for byte in Sha256::digest(key.as_bytes()) {
            _ = write!(name, "{byte:02x}");
        }
        self.dir.join(name).with_extension(EXTENSION)
    }

    /// Removes what was not used for longest until `bytes` more fit.
    fn make_room(&self, bytes: u64) {
        let mut known = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if known.saturating_add(bytes) <= self.bytes_max {
            return;
        }
        let Ok(mut files) = self.files() else { return };
        files.sort_by_key(|file| file.used);
        *known = files.iter().map(|file| file.bytes).sum();
        // Some room beyond, so that not every store has to look through the directory.
        let goal = (self.bytes_max / 10 * 9).saturating_sub(bytes);
        for file in files {
            if *known <= goal {
                break;
            }
            if fs::remove_file(&file.path).is_ok() {
                *known = known.saturating_sub(file.bytes);
            }
        }
    }

    fn files(&self) -> std::io::Result<Vec<Entry>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION)
                && let Ok(metadata) = fs::metadata(&path)
            {
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                files.push(Entry { path, bytes: metadata.len(), used });
            }
        }
        Ok(files)
    }
}

struct Entry {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

#[expect(clippy::disallowed_methods, reason = "file times are of the system clock")]
fn system_time() -> SystemTime {
    SystemTime::now()
}

/// Magic, length of the key, key, rate, samples, checksum of all before it.
fn print(key: &str, audio: &PcmBuffer) -> Vec<u8> {
    let mut samples = vec![0; audio.samples_written()];
    audio.read(0, &mut samples);
    let mut bytes = Vec::with_capacity(samples.len() * 2 + key.len() + 64);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&u32::try_from(key.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(key.as_bytes());
    bytes.extend_from_slice(&audio.sample_rate_hz().to_le_bytes());
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    bytes
}

fn parse(bytes: &[u8], key: &str) -> Option<PcmBuffer> {
    let (body, sum) = bytes.split_last_chunk::<32>()?;
    if Sha256::digest(body).as_slice() != sum {
        return None;
    }
    let rest = body.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (found, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    let (rate, samples) = rest.split_first_chunk::<4>()?;
    if found != key.as_bytes() {
        return None;
    }
    let samples: Vec<i16> = samples.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
    Some(PcmBuffer::from_samples(u32::from_le_bytes(*rate), &samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audio(samples: usize) -> PcmBuffer {
        PcmBuffer::from_samples(8000, &vec![7; samples])
    }

    #[test]
    fn what_is_printed_is_read_back_and_damage_is_seen() {
        let bytes = print("key", &audio(100));
        assert_eq!(parse(&bytes, "key").unwrap().samples_written(), 100);
        assert!(parse(&bytes, "other").is_none());
        for prefix in testkit::every_truncation(&bytes) {
            assert!(parse(prefix, "key").is_none());
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(parse(&damaged, "key").is_none(), "byte {at}");
        }
    }

    #[test]
    fn a_damaged_file_is_a_miss_and_goes() {
        let dir = tempfile::tempdir().unwrap();
        let cache = DiskCache::open(dir.path(), 1 << 20).unwrap();
        cache.store("key", &audio(100));
        fs::write(cache.path("key"), b"VOXPCM1\nrubbish").unwrap();
        assert!(cache.load("key").is_none());
        assert!(!cache.path("key").exists());
    }

    #[test]
    fn the_directory_stays_within_its_bound() {
        let dir = tempfile::tempdir().unwrap();
        let cache = DiskCache::open(dir.path(), 20_000).unwrap();
        for n in 0..30 {
            cache.store(&format!("key {n}"), &audio(1000));
        }
        let bytes: u64 = cache.files().unwrap().iter().map(|file| file.bytes).sum();
        assert!(bytes <= 20_000, "{bytes}");
        assert!(cache.load("key 29").is_some());
        assert!(cache.load("key 0").is_none());
        drop(cache);
        let smaller = DiskCache::open(dir.path(), 5_000).unwrap();
        assert!(smaller.files().unwrap().len() <= 2, "a smaller bound holds from the start");
    }

    #[test]
    fn a_directory_that_cannot_be_used_is_a_configuration_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = DiskCache::open(file.path(), 1).err().unwrap();
        assert_eq!(error.kind, EngineErrorKind::Configuration);
    }
}
