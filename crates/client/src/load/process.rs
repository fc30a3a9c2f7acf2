//! What a process used, read from `/proc`.

use std::time::{Duration, Instant};

use crate::clock::now;

/// Clock ticks per second in `/proc`: fixed at 100 for user space on every Linux in use.
const TICKS_PER_S: f64 = 100.0;

/// What a process used between two moments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProcessUse {
    /// CPU time over wall time: 1.0 is one core.
    pub cores: f64,
    /// Resident memory at the end, in bytes.
    pub resident_bytes: u64,
    /// Growth of resident memory, in bytes.
    pub grown_bytes: i64,
    /// Threads at the end.
    pub threads: u64,
}

/// Measures one process from its creation on.
#[derive(Debug)]
pub(crate) struct ProcessMeter {
    pid: u32,
    start: Instant,
    first: Option<Sample>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Sample {
    cpu: Duration,
    resident_bytes: u64,
    threads: u64,
}

impl ProcessMeter {
    pub(crate) fn start(pid: u32) -> Self {
        Self { pid, start: now(), first: sample(pid) }
    }

    /// `None` when the process is gone or was never there.
    pub(crate) fn finish(self) -> Option<ProcessUse> {
        let (first, last) = (self.first?, sample(self.pid)?);
        let wall = now().saturating_duration_since(self.start).as_secs_f64();
        Some(ProcessUse {
            cores: last.cpu.saturating_sub(first.cpu).as_secs_f64() / wall.max(0.001),
            resident_bytes: last.resident_bytes,
            grown_bytes: last.resident_bytes as i64 - first.resident_bytes as i64,
            threads: last.threads,
        })
    }
}

fn sample(pid: u32) -> Option<Sample> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    parse(&stat, &status)
}

fn parse(stat: &str, status: &str) -> Option<Sample> {
    // The name may hold spaces; what follows its closing parenthesis is fixed. utime and stime are fields 14 and 15.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    Some(Sample {
        cpu: Duration::from_secs_f64(ticks as f64 / TICKS_PER_S),
        resident_bytes: value("VmRSS:")? * 1024,
        threads: value("Threads:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_spaces_in_its_name_is_read() {
        let stat = "42 (a b) c) S 1 42 42 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 7 0 1 1 1";
        let status = "Name:\tx\nVmRSS:\t  2048 kB\nThreads:\t7\n";
        let expected = Sample { cpu: Duration::from_secs(2), resident_bytes: 2 << 20, threads: 7 };
        assert_eq!(parse(stat, status), Some(expected));
        assert_eq!(parse("", ""), None);
    }

    #[test]
    fn this_process_can_be_measured() {
        let used = ProcessMeter::start(std::process::id()).finish().unwrap();
        assert!(used.resident_bytes > 0 && used.threads > 0);
    }
}
