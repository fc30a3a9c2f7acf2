//! What a session costs and what it gets: `cargo bench -p server --bench load -- --help`.
//!
//! Starts the program's server as a process of its own with the fake engine, so that signalling, control and media are
//! measured and no model, or loads any other MRCPv2 server. Half of the sessions are synthesizers that speak again and
//! again, half are recognizers that a recorded caller talks to: RTP flows both ways.

mod churn;
mod isolation;
mod server_process;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use client::load::{LoadConfig, LoadKind, LoadReport};
use client::{CallerAudio, ClientConfig};
use isolation::Trouble;
use server_process::{RunningServer, SETTLE};

/// Loads an MRCPv2 server with sessions and says what they cost and got.
#[derive(Debug, Parser)]
#[command(name = "load")]
struct Arguments {
    /// Sessions at a time; several are run one after the other, each with a server of its own.
    #[arg(long, value_delimiter = ',', default_values_t = [50, 100], value_parser = clap::value_parser!(u32).range(1..=5000))]
    sessions: Vec<u32>,
    /// How long all sessions run together.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// New sessions per second while the load grows; 0: as fast as it goes.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// What the sessions do.
    #[arg(long, value_enum, default_value_t = Kind::Both)]
    kind: Kind,
    /// Loads the server at this SIP address instead of starting one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    server: Option<SocketAddr>,
    /// The process of that server, to measure what it uses; it must run on this machine.
    #[arg(long, requires = "server")]
    pid: Option<u32>,
    /// What recognizers listen for.
    #[arg(long, default_value = "builtin:speech/transcribe")]
    grammar: String,
    /// What synthesizers speak.
    #[arg(long, default_value = "Thank you for calling. Please hold the line.")]
    text: String,
    /// What callers say, a WAV file.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/scenarios/audio/en/pain.wav"))]
    audio: PathBuf,
    /// How the server that is started gives RTP ports to streams.
    #[arg(long, value_enum, default_value_t = Ports::Auto)]
    ports: Ports,
    /// Opens and closes calls for the time given instead, at the rate given, and tells what the server kept of them.
    #[arg(long, conflicts_with_all = ["server", "isolation"])]
    churn: bool,
    /// Runs each load with and without trouble: a frozen engine worker, a peer that does not read, a flood of junk.
    #[arg(long, conflicts_with = "server")]
    isolation: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Synthesizers,
    Recognizers,
    Both,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Ports {
    Auto,
    Shared,
    Range,
}

impl Ports {
    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Shared => "shared",
            Self::Range => "range",
        }
    }
}

impl From<Kind> for LoadKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Synthesizers => Self::Synthesizers,
            Kind::Recognizers => Self::Recognizers,
            Kind::Both => Self::Both,
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Test runners start every target; what measures for a minute runs when it is asked to.
    if !arguments.bench && arguments.server.is_none() {
        println!("a benchmark: cargo bench -p server --bench load");
        return ExitCode::SUCCESS;
    }
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs each load; `false` when a session or a request of one did not end well.
fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    // One thread for the driver's signalling and one for its media; the rest of the machine is the server's.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if arguments.churn {
        return churned(arguments, &runtime);
    }
    if arguments.isolation {
        return isolated(arguments, &runtime);
    }
    let mut is_clean = true;
    for &sessions in &arguments.sessions {
        let (address, pid, started) = match arguments.server {
            Some(address) => (address, arguments.pid, None),
            None => {
                let started = RunningServer::start(sessions, arguments.ports.name())?;
                (started.sip, Some(started.child.id()), Some(started))
            }
        };
        let idle = pid.and_then(resident_bytes);
        let report = runtime.block_on(client::load::run(load(arguments, address, pid, sessions)?))?;
        println!("{}", render(&report, idle, arguments));
        is_clean &= report.is_clean();
        drop(started);
        std::thread::sleep(SETTLE);
    }
    Ok(is_clean)
}

/// Calls that come and go; `false` when the server kept something of them.
fn churned(arguments: &Arguments, runtime: &tokio::runtime::Runtime) -> anyhow::Result<bool> {
    let sessions = arguments.sessions.iter().copied().max().unwrap_or(1);
    let server = RunningServer::start(sessions.max(500), arguments.ports.name())?;
    let churn = churn::Churn {
        duration: Duration::from_secs(arguments.seconds),
        rate: arguments.rate,
        text: arguments.text.clone(),
        grammar: arguments.grammar.clone(),
        audio: CallerAudio::load(&arguments.audio, 8_000)?,
    };
    let (text, is_clean) = runtime.block_on(churn::run(churn, &server))?;
    println!("{text}");
    Ok(is_clean)
}

/// Each load beside each trouble, with a server of its own for each.
fn isolated(arguments: &Arguments, runtime: &tokio::runtime::Runtime) -> anyhow::Result<bool> {
    let mut is_clean = true;
    for &sessions in &arguments.sessions {
        let mut without: Option<LoadReport> = None;
        for trouble in Trouble::ALL {
            let server = RunningServer::start(sessions, arguments.ports.name())?;
            let (report, done) = runtime.block_on(async {
                let ongoing = isolation::begin(trouble, &server).await?;
                let pid = Some(server.child.id());
                let report = client::load::run(load(arguments, server.sip, pid, sessions)?).await?;
                anyhow::Ok((report, ongoing.done.load(std::sync::atomic::Ordering::Relaxed)))
            })?;
            is_clean &= report.is_clean();
            match &without {
                None => println!("{sessions} sessions, {trouble}\n{report}"),
                Some(without) => {
                    let compared = isolation::compare(trouble, without, &report);
                    println!("{sessions} sessions, {compared}  sent meanwhile     {done}\n{report}");
                }
            }
            without.get_or_insert(report);
            drop(server);
            std::thread::sleep(SETTLE);
        }
    }
    Ok(is_clean)
}

fn load(
    arguments: &Arguments,
    server: SocketAddr,
    server_pid: Option<u32>,
    sessions: u32,
) -> anyhow::Result<LoadConfig> {
    let client = ClientConfig::new(server);
    let rate = client.codecs.first().map_or(8000, |codec| codec.clock_rate_hz);
    let audio = CallerAudio::load(&arguments.audio, rate)?;
    Ok(LoadConfig {
        kind: arguments.kind.into(),
        set_ups_per_s: arguments.rate,
        duration: Duration::from_secs(arguments.seconds),
        text: arguments.text.clone(),
        grammar: arguments.grammar.clone(),
        server_pid,
        ..LoadConfig::new(client, usize::try_from(sessions)?, audio)
    })
}

fn render(report: &LoadReport, idle_bytes: Option<u64>, arguments: &Arguments) -> String {
    let mut text = format!("{} sessions for {} s\n{report}", report.sessions, arguments.seconds);
    if let (Some(idle), Some(used)) = (idle_bytes, &report.server) {
        let grown = used.resident_bytes.saturating_sub(idle) as f64 / report.opened.max(1) as f64 / 1024.0;
        let idle = idle as f64 / 1_048_576.0;
        text.push_str(&format!("memory          {grown:.0} KiB per session above the idle server's {idle:.0} MiB\n"));
    }
    if report.driver_is_the_limit.is_none() {
        text.push_str("the driver kept up\n");
    }
    text
}

/// Resident memory of a process.
fn resident_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_ascii_whitespace().next()?.parse::<u64>().ok()? * 1024)
}
