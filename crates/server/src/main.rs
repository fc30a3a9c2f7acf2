//! The program `voxgate`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use dialog_client::check::CheckOptions;
use server::config::{Config, Mistake};
use server::{Server, telemetry};

/// Exit status for a configuration that cannot be used (`EX_USAGE`).
const EXIT_CONFIGURATION: u8 = 64;

/// An MRCPv2 speech server: recognizes, speaks, and leads robot calls for a PBX.
#[derive(Debug, Parser)]
#[command(name = "voxgate", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server.
    Serve(ServeArgs),
    /// Calls an MRCPv2 server as a PBX would, with recorded speech, and says whether it went as expected.
    Call(client::cli::CallArgs),
    /// Checks a configuration file and reports every mistake in it.
    Check {
        /// The file.
        config: PathBuf,
    },
    /// Checks grammars, and matches inputs against them.
    #[command(subcommand)]
    Grammar(server::grammar_cli::GrammarCommand),
    /// Lists, fetches or verifies models; speaks to a file and hears one, without a PBX.
    Models(ModelsArgs),
    /// Makes the clips that basicsynth puts together.
    Clips(ClipsArgs),
    /// Runs the reference dialog service alone, or checks another one.
    Dialog(DialogArgs),
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// Configuration file (TOML); every key is optional, and so is the file.
    #[arg(long, short, env = "VOXGATE_CONFIG")]
    config: Option<PathBuf>,
    /// Engine to use, whatever the configuration says.
    #[arg(long, value_enum)]
    engine: Option<EngineName>,
}

#[derive(Debug, Subcommand)]
enum DialogCommand {
    /// Checks that a dialog service keeps the protocol's rules.
    Check {
        /// Where it listens: http://HOST:PORT, or HOST:PORT.
        address: String,
        /// The flow that is asked for [default: the service's own choice].
        #[arg(long)]
        flow: Option<String>,
        /// The language that is asked for, as a tag [default: the flow's own].
        #[arg(long)]
        language: Option<String>,
        /// Milliseconds that the first event of a reply may take.
        #[arg(long, default_value_t = 4_000)]
        first_event_ms: u64,
        /// Report as JSON.
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    Flows(server::flow_cli::FlowCommand),
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
struct DialogArgs {
    #[command(subcommand)]
    command: Option<DialogCommand>,
    /// Configuration file; only `[dialog]` and `[log]` are used.
    #[arg(long, short, env = "VOXGATE_CONFIG")]
    config: Option<PathBuf>,
    /// Address to listen on, whatever the configuration says.
    #[arg(long)]
    listen: Option<std::net::SocketAddr>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EngineName {
    /// Scripted and deterministic; needs no models.
    Fake,
    /// Real speech.
    Sherpa,
}

#[derive(Debug, Args)]
struct ModelsArgs {
    /// Where the models are [default: $VOXGATE_MODELS, or voxgate/models in the cache directory].
    #[arg(long, global = true, value_name = "DIRECTORY")]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    #[command(flatten)]
    Store(models::cli::ModelsCommand),
    /// Speaks text into a wave file.
    Say(engine::cli::SayArgs),
    /// Writes down what a wave file says.
    Hear(engine::cli::HearArgs),
}

#[derive(Debug, Args)]
struct ClipsArgs {
    #[command(subcommand)]
    command: ClipsCommand,
}

#[derive(Debug, Subcommand)]
enum ClipsCommand {
    /// Has a voice say every word of the vocabulary; files that are there are kept.
    Make {
        /// Where the clips go: into a folder named for the language.
        dir: PathBuf,
        /// The language, as a tag.
        #[arg(long, default_value = "en")]
        lang: String,
        /// A voice by name.
        #[arg(long)]
        voice: Option<String>,
        /// Configuration file; only `[engine]` is used.
        #[arg(long, short, env = "VOXGATE_CONFIG")]
        config: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    // Whoever makes a TLS client needs a provider; it is installed before anything can.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("voxgate: {}", telemetry::chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(arguments) => serve(&arguments),
        Command::Call(arguments) => Ok(runtime()?.block_on(client::cli::run(arguments))),
        Command::Check { config } => Ok(check(&config)),
        Command::Grammar(command) => Ok(command.run(&mut std::io::stdout(), &mut std::io::stderr())?.into()),
        Command::Models(arguments) => models(&arguments),
        Command::Clips(ClipsArgs { command: ClipsCommand::Make { dir, lang, voice, config } }) => {
            make_clips(&dir, &lang, voice.as_deref(), config.as_ref())
        }
        Command::Dialog(arguments) => dialog(&arguments),
    }
}

fn models(arguments: &ModelsArgs) -> anyhow::Result<ExitCode> {
    let sherpa = engine::SherpaConfig { models_dir: arguments.dir.clone(), ..engine::SherpaConfig::default() };
    let config = server::with_models_directory(engine::EngineConfig {
        backend: engine::Backend::Sherpa(sherpa),
        ..engine::EngineConfig::default()
    });
    match &arguments.command {
        ModelsCommand::Store(command) => command.run(arguments.dir.as_deref(), &mut std::io::stdout())?,
        ModelsCommand::Say(say) => println!("{}", say.run(&config)?),
        ModelsCommand::Hear(hear) => println!("{}", hear.run(&config)?),
    }
    Ok(ExitCode::SUCCESS)
}

fn make_clips(
    directory: &std::path::Path,
    tag: &str,
    voice: Option<&str>,
    config: Option<&PathBuf>,
) -> anyhow::Result<ExitCode> {
    let Some(language) = speech::Language::from_tag(tag) else {
        anyhow::bail!("--lang {tag}: must be a language tag: en or zh");
    };
    let config = match load(config) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let synthesis = engine::Synthesis::start(&server::with_models_directory(config.engine))?;
    let written = server::make_clips(directory, language, voice, &synthesis)?;
    println!("{}: {written} clips made", directory.display());
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

fn load(path: Option<&PathBuf>) -> Result<Config, ExitCode> {
    match path {
        None => Ok(Config::default()),
        Some(path) => Config::load(path).map_err(|mistakes| report(&mistakes)),
    }
}

fn report(mistakes: &[Mistake]) -> ExitCode {
    for mistake in mistakes {
        eprintln!("voxgate: {mistake}");
    }
    ExitCode::from(EXIT_CONFIGURATION)
}

fn check(path: &std::path::Path) -> ExitCode {
    match Config::load(path) {
        Ok(_) => {
            println!("{}: no mistakes found", path.display());
            ExitCode::SUCCESS
        }
        Err(mistakes) => report(&mistakes),
    }
}

fn serve(arguments: &ServeArgs) -> anyhow::Result<ExitCode> {
    let mut config = match load(arguments.config.as_ref()) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    match arguments.engine {
        Some(EngineName::Fake) if !matches!(config.engine.backend, engine::Backend::Fake(_)) => {
            config.engine.backend = engine::Backend::Fake(engine::FakeConfig::default());
        }
        Some(EngineName::Sherpa) if !matches!(config.engine.backend, engine::Backend::Sherpa(_)) => {
            config.engine.backend = engine::Backend::Sherpa(engine::SherpaConfig::default());
        }
        Some(EngineName::Fake | EngineName::Sherpa) | None => {}
    }
    telemetry::start_logging(&config.log);
    raise_file_limit(config.server.sessions_max);
    runtime()?.block_on(async {
        let grace = config.server.drain_grace;
        let server = Server::start(config).await?;
        termination().await?;
        tracing::info!(sessions = server.sessions(), grace_s = grace.as_secs(), "draining; once more to end at once");
        tokio::select! {
            () = server.drain(grace) => {}
            again = termination() => again?,
        }
        server.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Files that a session may hold open: RTP, RTCP, its control connection, a recording, a fetch.
const FILES_PER_SESSION: u64 = 5;

/// Raises the limit of open files to what the system allows, and says so where that is too little.
fn raise_file_limit(sessions_max: usize) {
    let wanted = FILES_PER_SESSION.saturating_mul(u64::try_from(sessions_max).unwrap_or(u64::MAX)).saturating_add(256);
    match rlimit::increase_nofile_limit(wanted) {
        Ok(limit) if limit < wanted => tracing::warn!(
            limit,
            wanted,
            "the limit of open files is too low for server.sessions_max: raise it (LimitNOFILE, ulimit -n)"
        ),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the limit of open files could not be raised"),
    }
}

/// Waits for SIGTERM or Ctrl-C.
async fn termination() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

fn check_dialog(command: &DialogCommand) -> anyhow::Result<ExitCode> {
    let (address, flow, language, first_event_ms, json) = match command {
        DialogCommand::Check { address, flow, language, first_event_ms, json } => {
            (address, flow, language, first_event_ms, json)
        }
        DialogCommand::Flows(command) => {
            return runtime()?.block_on(command.run(&mut std::io::stdout(), &mut std::io::stderr()));
        }
    };
    let options = CheckOptions {
        flow: flow.clone(),
        language: language.clone(),
        first_event_within: std::time::Duration::from_millis(*first_event_ms),
        ..CheckOptions::new(address.clone())
    };
    let report = runtime()?.block_on(dialog_client::check::check(&options))?;
    if *json {
        println!("{:#}", report.to_json());
    } else {
        println!("{report}");
    }
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn dialog(arguments: &DialogArgs) -> anyhow::Result<ExitCode> {
    if let Some(command) = &arguments.command {
        return check_dialog(command);
    }
    let mut config = match load(arguments.config.as_ref()) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    if let Some(listen) = arguments.listen {
        config.dialog.listen = listen;
    }
    telemetry::start_logging(&config.log);
    runtime()?.block_on(async {
        let service = server::embedded_dialog_service(&config).await?;
        tracing::info!(address = %service.address(), "the dialog service is ready");
        termination().await?;
        service.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}
