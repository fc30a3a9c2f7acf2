//! The load generator: many sessions with RTP both ways against one server, and what they cost and got.
//!
//! All sessions run as tasks of one runtime (a current-thread one is enough: control traffic is a few messages per
//! second and session), and all RTP on one media thread. The report says when the driver itself did not keep up.

mod process;
mod report;
mod worker;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

pub use process::ProcessUse;
pub use report::LoadReport;

use crate::audio_file::CallerAudio;
use crate::client::{Client, ClientConfig, ConnectionPolicy};
use crate::clock::now;
use crate::error::ClientError;
use crate::histogram::Histogram;
use crate::ladder::Ladder;
use process::ProcessMeter;

/// What the sessions do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadKind {
    /// Only synthesizers.
    Synthesizers,
    /// Only recognizers.
    Recognizers,
    /// Synthesizers and recognizers by turns.
    Both,
}

/// A load run.
#[derive(Debug, Clone)]
pub struct LoadConfig {
    /// The server, and how it is talked to.
    pub client: ClientConfig,
    /// Sessions at a time.
    pub sessions: usize,
    /// What they do.
    pub kind: LoadKind,
    /// New sessions per second while the load grows; 0: as fast as it goes.
    pub set_ups_per_s: u32,
    /// How long all sessions run together.
    pub duration: Duration,
    /// What synthesizers speak again and again.
    pub text: String,
    /// What recognizers listen for.
    pub grammar: String,
    /// What callers say to recognizers, at the rate of the codec.
    pub audio: CallerAudio,
    /// The server's process, to be measured: it must run on this machine.
    pub server_pid: Option<u32>,
    /// After how many ticks later than this a driver counts as too slow; 5 ms.
    pub tick_late: Duration,
}

impl LoadConfig {
    /// Both kinds by turns, half a minute, one TCP connection for each session as most servers want it.
    pub fn new(client: ClientConfig, sessions: usize, audio: CallerAudio) -> Self {
        Self {
            client: ClientConfig { connections: ConnectionPolicy::AlwaysNew, ..client },
            sessions,
            kind: LoadKind::Both,
            set_ups_per_s: 50,
            duration: Duration::from_secs(30),
            text: "Thank you for calling. Please hold the line.".to_owned(),
            grammar: "builtin:speech/transcribe".to_owned(),
            audio,
            server_pid: None,
            tick_late: Duration::from_millis(5),
        }
    }
}

/// What all sessions measured together.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) opened: u64,
    pub(crate) failed: u64,
    pub(crate) first_failure: Option<String>,
    pub(crate) set_up: Histogram,
    pub(crate) response: Histogram,
    pub(crate) first_packet: Histogram,
    pub(crate) gaps: Histogram,
    pub(crate) speaks: u64,
    pub(crate) recognitions: u64,
    pub(crate) wrong: u64,
    pub(crate) packets_received: u64,
    pub(crate) packets_lost: u64,
    pub(crate) packets_sent: u64,
}

/// Shared by the sessions of a run.
pub(crate) type Shared = Arc<Mutex<Tally>>;

/// Runs a load and reports. Sessions that fail are counted, and not tried again.
///
/// # Errors
/// When the client's own sockets cannot be had. What the server does is in the report.
pub async fn run(config: LoadConfig) -> Result<LoadReport, ClientError> {
    let start = now();
    let client = Arc::new(Client::start(config.client.clone(), Ladder::off(start)).await?);
    let config = Arc::new(config);
    let shared = Shared::default();
    let mut tasks = JoinSet::new();
    let set_up_start = now();
    // Until the last session is there nobody knows when the run ends.
    let (end, ended) = tokio::sync::watch::channel(None);
    let interval = match config.set_ups_per_s {
        0 => Duration::ZERO,
        rate => Duration::from_secs(1) / rate,
    };
    for index in 0..config.sessions {
        let is_synthesizer = match config.kind {
            LoadKind::Synthesizers => true,
            LoadKind::Recognizers => false,
            LoadKind::Both => index % 2 == 0,
        };
        let worker = worker::Worker {
            client: client.clone(),
            config: config.clone(),
            shared: shared.clone(),
            ended: ended.clone(),
        };
        tasks.spawn(worker.run(is_synthesizer));
        tokio::time::sleep_until((set_up_start + interval.saturating_mul(index as u32 + 1)).into()).await;
    }
    wait_until_set_up(&shared, config.sessions).await;
    let set_up_time = now().saturating_duration_since(set_up_start);
    let server = config.server_pid.map(ProcessMeter::start);
    let driver = ProcessMeter::start(std::process::id());
    let steady_start = now();
    let deadline = steady_start + config.duration;
    _ = end.send(Some(deadline));
    tokio::time::sleep_until(deadline.into()).await;
    let server = server.and_then(|meter| meter.finish());
    let driver = driver.finish();
    while tasks.join_next().await.is_some() {}
    let lateness = client.lateness();
    let tally = std::mem::take(&mut *shared.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(LoadReport::new(&config, &tally, set_up_time, server, driver, &lateness))
}

/// Waits until each session is opened or has failed.
async fn wait_until_set_up(shared: &Shared, sessions: usize) {
    loop {
        let done = {
            let tally = shared.lock().unwrap_or_else(PoisonError::into_inner);
            tally.opened + tally.failed
        };
        if done >= sessions as u64 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
