//! Audio that was synthesized before: in memory, and on disk if a directory is given.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use media::PcmBuffer;

use super::disk_cache::DiskCache;
use super::synthesizer::Clause;
use crate::{EngineError, PromptCacheConfig};

/// All that changes the audio of a clause (S5).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PromptKey(String);

impl PromptKey {
    pub(super) fn new(clause: &Clause, volume: f32, sample_rate_hz: u32) -> Self {
        // Debug print keeps the parts apart: it quotes strings and escapes quotes in them.
        let voice = (&clause.fingerprint, clause.voice, clause.sample_rate_hz, clause.edges, clause.language);
        let prosody = (clause.speed.to_bits(), clause.pitch.to_bits(), volume.to_bits());
        Self(format!("{VERSION} {voice:?} {prosody:?} {sample_rate_hz} {:?}", clause.text))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Changes when the same clause is rendered differently.
const VERSION: u32 = 1;

/// The cache. In memory the least recently used prompts go first.
pub(super) struct PromptCache {
    bytes_max: usize,
    memory: Mutex<Memory>,
    disk: Option<DiskCache>,
}

#[derive(Default)]
struct Memory {
    prompts: HashMap<PromptKey, Prompt>,
    bytes: usize,
    /// Counts uses; the prompt with the smallest number was not used for longest.
    clock: u64,
}

struct Prompt {
    audio: PcmBuffer,
    bytes: usize,
    used: u64,
}

impl PromptCache {
    /// # Errors
    /// `Configuration` when the directory cannot be used.
    pub(super) fn open(config: &PromptCacheConfig) -> Result<Self, EngineError> {
        let disk = match &config.dir {
            Some(dir) if config.memory_bytes_max > 0 => Some(DiskCache::open(dir, config.dir_bytes_max)?),
            _ => None,
        };
        Ok(Self { bytes_max: config.memory_bytes_max, memory: Mutex::new(Memory::default()), disk })
    }

    /// From memory; never touches the disk, so it may be called where waiting is not allowed.
    pub(super) fn find(&self, key: &PromptKey) -> Option<PcmBuffer> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.clock += 1;
        let clock = memory.clock;
        let prompt = memory.prompts.get_mut(key)?;
        prompt.used = clock;
        Some(prompt.audio.clone())
    }

    /// From memory or disk.
    pub(super) fn load(&self, key: &PromptKey) -> Option<PcmBuffer> {
        if let Some(audio) = self.find(key) {
            return Some(audio);
        }
        let audio = self.disk.as_ref()?.load(key.as_str())?;
        metrics::counter!("engine_prompt_cache_total", "result" => "disk").increment(1);
        self.keep(key, &audio);
        Some(audio)
    }

    /// Keeps a finished prompt in memory and on disk.
    pub(super) fn store(&self, key: &PromptKey, audio: &PcmBuffer) {
        self.keep(key, audio);
        if let Some(disk) = &self.disk {
            disk.store(key.as_str(), audio);
        }
    }

    fn keep(&self, key: &PromptKey, audio: &PcmBuffer) {
        // The key is kept too, and the tables around both.
        let bytes = audio.samples_written().saturating_mul(2).saturating_add(key.0.len()).saturating_add(256);
        // One prompt may not push out everything else.
        if bytes > self.bytes_max / 4 {
            return;
        }
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.clock += 1;
        let used = memory.clock;
        let prompt = Prompt { audio: audio.clone(), bytes, used };
        memory.bytes = memory.bytes.saturating_add(bytes);
        if let Some(before) = memory.prompts.insert(key.clone(), prompt) {
            memory.bytes = memory.bytes.saturating_sub(before.bytes);
        }
        while memory.bytes > self.bytes_max {
            // Linear, but only on a store that does not fit, beside a synthesis that took far longer.
            let oldest = memory.prompts.iter().min_by_key(|(_, prompt)| prompt.used).map(|(key, _)| key.clone());
            let Some(gone) = oldest.and_then(|key| memory.prompts.remove(&key)) else { break };
            memory.bytes = memory.bytes.saturating_sub(gone.bytes);
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!("engine_prompt_cache_bytes").set(memory.bytes as f64);
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.memory.lock().unwrap().bytes
    }
}

#[cfg(test)]
mod tests {
    use speech::Language;

    use super::*;

    pub(super) fn clause(text: &str) -> Clause {
        Clause {
            text: text.into(),
            language: Language::English,
            voice: 0,
            fingerprint: "voice".into(),
            sample_rate_hz: 16_000,
            speed: 1.0,
            pitch: 1.0,
            edges: None,
        }
    }

    fn key(text: &str) -> PromptKey {
        PromptKey::new(&clause(text), 1.0, 8000)
    }

    fn cache(bytes_max: usize, dir: Option<&std::path::Path>) -> PromptCache {
        let config =
            PromptCacheConfig { memory_bytes_max: bytes_max, dir: dir.map(Into::into), ..PromptCacheConfig::default() };
        PromptCache::open(&config).unwrap()
    }

    #[test]
    fn whatever_changes_the_audio_changes_the_key() {
        let base = clause("hello");
        let mut keys = vec![
            PromptKey::new(&base, 1.0, 8000),
            PromptKey::new(&base, 0.5, 8000),
            PromptKey::new(&base, 1.0, 16_000),
            key("hello "),
        ];
        for change in [
            |clause: &mut Clause| clause.language = Language::Chinese,
            |clause: &mut Clause| clause.voice = 1,
            |clause: &mut Clause| clause.fingerprint = "other".into(),
            |clause: &mut Clause| clause.sample_rate_hz = 22_050,
            |clause: &mut Clause| clause.speed = 1.1,
            |clause: &mut Clause| clause.pitch = 1.1,
            |clause: &mut Clause| clause.edges = Some(super::super::synthesizer::Edges { lead_ms: 1, tail_ms: 1 }),
        ] {
            let mut changed = base.clone();
            change(&mut changed);
            keys.push(PromptKey::new(&changed, 1.0, 8000));
        }
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn a_hit_shares_the_samples() {
        let cache = cache(1 << 20, None);
        assert!(cache.find(&key("a")).is_none());
        cache.store(&key("a"), &PcmBuffer::from_samples(8000, &[1, 2, 3]));
        let mut out = [0; 3];
        assert_eq!(cache.find(&key("a")).unwrap().read(0, &mut out), 3);
        assert_eq!(out, [1, 2, 3]);
    }

    #[test]
    fn the_least_recently_used_prompt_goes_first_and_the_bound_holds() {
        let cache = cache(100_000, None);
        let audio = PcmBuffer::from_samples(8000, &[1; 10_000]);
        for text in ["a", "b", "c", "d"] {
            cache.store(&key(text), &audio);
        }
        cache.find(&key("a")).unwrap();
        cache.store(&key("e"), &audio);
        assert!(cache.bytes() <= 100_000);
        assert!(cache.find(&key("a")).is_some() && cache.find(&key("b")).is_none());
        cache.store(&key("huge"), &PcmBuffer::from_samples(8000, &[1; 40_000]));
        assert!(cache.find(&key("huge")).is_none(), "one prompt may not push out the rest");
    }

    #[test]
    fn storing_twice_counts_once() {
        let cache = cache(100_000, None);
        let audio = PcmBuffer::from_samples(8000, &[1; 1000]);
        cache.store(&key("a"), &audio);
        let bytes = cache.bytes();
        cache.store(&key("a"), &audio);
        assert_eq!(cache.bytes(), bytes);
    }

    #[test]
    fn the_disk_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        cache(1 << 20, Some(dir.path())).store(&key("a"), &PcmBuffer::from_samples(8000, &[5, 6]));
        let restarted = cache(1 << 20, Some(dir.path()));
        assert!(restarted.find(&key("a")).is_none(), "memory is empty");
        assert_eq!(restarted.load(&key("a")).unwrap().samples_written(), 2);
        assert!(restarted.find(&key("a")).is_some(), "and now it is in memory");
    }
}
