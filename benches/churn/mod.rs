//! Calls that come and go for hours, and what the server keeps of them.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use client::{CallerAudio, Client, ClientConfig, ConnectionPolicy, GrammarBody, Ladder};
use mrcp::Headers;
use tokio::task::JoinSet;

use crate::server_process::RunningServer;

/// What is asked of a churn.
pub(crate) struct Churn {
    pub(crate) duration: Duration,
    /// New calls in a second.
    pub(crate) rate: u32,
    pub(crate) text: String,
    pub(crate) grammar: String,
    pub(crate) audio: CallerAudio,
}

/// How long one request may take.
const WITHIN: Duration = Duration::from_secs(60);
/// Calls at a time, at most; a server that is slower than that gets fewer.
const CALLS_MAX: usize = 500;
/// Between two looks at the server's process.
const SAMPLE_EVERY: Duration = Duration::from_secs(10);
/// After the last call: its dialogs and sockets are gone by then.
const REST: Duration = Duration::from_secs(40);

/// What the server's process has at one time.
#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Duration,
    resident_kib: u64,
    files: usize,
    threads: u64,
}

#[derive(Default)]
struct Tally {
    done: AtomicU64,
    failed: AtomicU64,
}

/// Runs a churn against a server and tells what it kept. `false` as second: something was left, or calls failed.
pub(crate) async fn run(churn: Churn, server: &RunningServer) -> anyhow::Result<(String, bool)> {
    let config = ClientConfig { connections: ConnectionPolicy::AlwaysNew, ..ClientConfig::new(server.sip) };
    let start = tokio::time::Instant::now();
    let client = Arc::new(Client::start(config, Ladder::off(start.into_std())).await?);
    let churn = Arc::new(churn);
    let tally = Arc::new(Tally::default());
    let pid = server.child.id();
    // One call of each kind first, so that what is had once is not taken for growth.
    let mut calls = JoinSet::new();
    let mut samples = Vec::new();
    let mut due = tokio::time::interval(Duration::from_secs(1) / churn.rate.max(1));
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut next_sample = SAMPLE_EVERY;
    let mut index = 0_u64;
    while start.elapsed() < churn.duration {
        due.tick().await;
        while calls.try_join_next().is_some() {}
        if calls.len() < CALLS_MAX {
            calls.spawn(call(Arc::clone(&client), Arc::clone(&churn), Arc::clone(&tally), index));
            index += 1;
        }
        if start.elapsed() >= next_sample {
            samples.extend(sample(pid, start.elapsed()));
            next_sample += SAMPLE_EVERY;
            if samples.len() % 30 == 1
                && let Some(last) = samples.last()
            {
                eprintln!("{last:?}, {} calls", tally.done.load(Ordering::Relaxed));
            }
        }
    }
    while calls.join_next().await.is_some() {}
    drop(client);
    tokio::time::sleep(REST).await;
    let end = sample(pid, start.elapsed());
    let left = left_over(server.http)?;
    Ok(report(&samples, end, &tally, &left))
}

/// One call: a session of either kind by turns, one request, the end.
async fn call(client: Arc<Client>, churn: Arc<Churn>, tally: Arc<Tally>, index: u64) {
    let outcome = if index.is_multiple_of(2) { speak(&client, &churn).await } else { recognize(&client, &churn).await };
    let count = if outcome.is_ok() { &tally.done } else { &tally.failed };
    count.fetch_add(1, Ordering::Relaxed);
}

async fn speak(client: &Client, churn: &Churn) -> anyhow::Result<()> {
    let mut session = client.open_synthesizer(None).await?;
    let request = session.speak("text/plain", &churn.text, Headers::new()).await?;
    session.finished(request, WITHIN).await?;
    session.session.hang_up().await;
    Ok(())
}

async fn recognize(client: &Client, churn: &Churn) -> anyhow::Result<()> {
    let mut session = client.open_recognizer(None).await?;
    let request = session.recognize(&GrammarBody::uri(&churn.grammar), Headers::new()).await?;
    session.send_audio(&churn.audio);
    session.finished(request, WITHIN).await?;
    session.session.hang_up().await;
    Ok(())
}

fn sample(pid: u32, at: Duration) -> Option<Sample> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
    Some(Sample { at, resident_kib: value("VmRSS:")?, files, threads: value("Threads:")? })
}

/// The gauges that are zero when nobody calls.
const GAUGES: [&str; 6] = [
    "sessions_active",
    "media_legs_active",
    "media_sockets_active",
    "mrcp_connections_active",
    "sip_connections_active",
    "tasks_active",
];

/// The gauges of [`GAUGES`] with their values, and those by task, as the server tells them.
fn left_over(http: SocketAddr) -> anyhow::Result<Vec<(String, f64)>> {
    let mut stream = TcpStream::connect(http)?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let is_gauge = |line: &&str| GAUGES.iter().any(|gauge| line.starts_with(gauge));
    let read = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    Ok(answer.lines().filter(is_gauge).filter_map(read).collect())
}

fn report(samples: &[Sample], end: Option<Sample>, tally: &Tally, left: &[(String, f64)]) -> (String, bool) {
    let (done, failed) = (tally.done.load(Ordering::Relaxed), tally.failed.load(Ordering::Relaxed));
    let mut text = format!("churn           {done} calls, {failed} failed\n");
    // Caches and pools fill at first: the first quarter is not counted.
    let settled = samples.get(samples.len() / 4..).unwrap_or_default();
    if let (Some(first), Some(last)) = (settled.first(), settled.last()) {
        let _written = writeln!(
            text,
            "resident        {} KiB after {:.0} min, {} KiB after {:.0} min: {:+.0} KiB an hour (least squares)",
            first.resident_kib,
            first.at.as_secs_f64() / 60.0,
            last.resident_kib,
            last.at.as_secs_f64() / 60.0,
            slope_per_hour(settled),
        );
        let files = settled.iter().map(|sample| sample.files);
        let _written = writeln!(
            text,
            "open files      {} to {}, threads {} to {}",
            files.clone().min().unwrap_or(0),
            files.max().unwrap_or(0),
            first.threads,
            last.threads
        );
    }
    if let Some(end) = end {
        let _written =
            writeln!(text, "after the end   {} KiB, {} files, {} threads", end.resident_kib, end.files, end.threads);
    }
    // The tasks that serve ports stay.
    let is_left = |(name, value): &&(String, f64)| *value != 0.0 && !name.starts_with("tasks_active");
    for (name, value) in left {
        let _written = writeln!(text, "left            {name} {value}");
    }
    (text, failed == 0 && !left.iter().any(|gauge| is_left(&gauge)))
}

/// The growth of resident memory by least squares, in KiB.
fn slope_per_hour(samples: &[Sample]) -> f64 {
    let count = samples.len().max(1) as f64;
    let point = |sample: &Sample| (sample.at.as_secs_f64() / 3600.0, sample.resident_kib as f64);
    let (sum_x, sum_y) = samples.iter().map(point).fold((0.0, 0.0), |(sum_x, sum_y), (x, y)| (sum_x + x, sum_y + y));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (over, under) = samples.iter().map(point).fold((0.0, 0.0), |(over, under), (x, y)| {
        (over + (x - mean_x) * (y - mean_y), under + (x - mean_x) * (x - mean_x))
    });
    if under > 0.0 { over / under } else { 0.0 }
}
