//! How many threads the engines get: a pure function of the machine and the configuration.

use serde::Deserialize;

/// Thread counts as configured; `None` is derived from the number of cores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerConfig {
    /// Threads that listen: resampling and voice activity of all streams. 1–64.
    pub listener_threads: Option<usize>,
    /// Threads that decode speech to text. 1–256.
    pub asr_workers: Option<usize>,
    /// Threads that synthesize. 1–256.
    pub tts_workers: Option<usize>,
}

/// Thread counts as used; each is at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerCounts {
    /// See [`WorkerConfig::listener_threads`].
    pub listener_threads: usize,
    /// See [`WorkerConfig::asr_workers`].
    pub asr_workers: usize,
    /// See [`WorkerConfig::tts_workers`].
    pub tts_workers: usize,
}

/// The counts for a machine with `cores` cores (0 is taken as 1).
///
/// Voice activity costs about 0.5 % of a core per stream, so one listener thread per four cores is ample. Decoding and
/// synthesis each get half of the cores, and never fewer than two workers: with one, a frozen native call would stop
/// every other call until its deadline.
pub fn worker_counts(cores: usize, config: &WorkerConfig) -> WorkerCounts {
    let cores = cores.max(1);
    let inference = (cores / 2).clamp(2, 64);
    WorkerCounts {
        listener_threads: config.listener_threads.unwrap_or((cores / 4).clamp(1, 8)).clamp(1, 64),
        asr_workers: config.asr_workers.unwrap_or(inference).clamp(1, 256),
        tts_workers: config.tts_workers.unwrap_or(inference).clamp(1, 256),
    }
}

/// The cores this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_machine_still_has_a_second_worker_when_one_freezes() {
        for cores in 0..=4 {
            let counts = worker_counts(cores, &WorkerConfig::default());
            assert_eq!(counts, WorkerCounts { listener_threads: 1, asr_workers: 2, tts_workers: 2 });
        }
    }

    #[test]
    fn counts_grow_with_the_cores_and_stop_at_their_bounds() {
        let at = |cores| worker_counts(cores, &WorkerConfig::default());
        assert_eq!(at(16), WorkerCounts { listener_threads: 4, asr_workers: 8, tts_workers: 8 });
        assert_eq!(at(10_000), WorkerCounts { listener_threads: 8, asr_workers: 64, tts_workers: 64 });
    }

    #[test]
    fn configured_counts_win_but_none_is_zero() {
        let config = WorkerConfig { listener_threads: Some(0), asr_workers: Some(7), tts_workers: Some(0) };
        let expected = WorkerCounts { listener_threads: 1, asr_workers: 7, tts_workers: 1 };
        assert_eq!(worker_counts(8, &config), expected);
    }
}
