//! `voxgate call`: options, and what is printed.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use regex::Regex;

use crate::call::{CallPlan, run_call};
use crate::client::{ClientConfig, ConnectionPolicy};
use crate::clock::now;
use crate::conversation::run_scenario;
use crate::error::{CallError, ClientError};
use crate::ladder::Ladder;
use crate::recording::Recording;
use crate::scenario::Scenario;
use crate::sip_agent::SipTransport;

/// Exit status when the call could not be made, or broke.
const EXIT_BROKEN: u8 = 2;

/// Options of `voxgate call`. The exit status is 0 if all went as expected, 1 if not, 2 if the call could not be made.
#[derive(Debug, Clone, Args)]
pub struct CallArgs {
    /// SIP address of the server, host:port.
    #[arg(long, short, default_value = "127.0.0.1:8060")]
    pub server: String,
    /// Scenario file (YAML): a whole robot call.
    #[arg(long, conflicts_with_all = ["text", "ssml", "grammar", "audio", "dtmf"])]
    pub scenario: Option<PathBuf>,
    /// Directory for call.wav (caller left, robot right), ladder.txt and, with a scenario, record.json.
    #[arg(long, short)]
    pub out: Option<PathBuf>,
    /// Text to be spoken.
    #[arg(long)]
    pub text: Option<String>,
    /// File of SSML to be spoken.
    #[arg(long, conflicts_with = "text")]
    pub ssml: Option<PathBuf>,
    /// Grammar to recognize by: a URI such as builtin:speech/transcribe, or a file of SRGS.
    #[arg(long, short)]
    pub grammar: Option<String>,
    /// WAV file that the caller says.
    #[arg(long, short, requires = "grammar")]
    pub audio: Option<PathBuf>,
    /// Keys that the caller presses.
    #[arg(long, requires = "grammar", conflicts_with = "audio")]
    pub dtmf: Option<String>,
    /// Language of speech and recognition, such as en-US or zh-CN.
    #[arg(long, short)]
    pub language: Option<String>,
    /// Vendor-specific parameter, NAME=VALUE; may be given several times.
    #[arg(long = "param", value_parser = parameter)]
    pub parameters: Vec<(String, String)>,
    /// No-Input-Timeout, in milliseconds.
    #[arg(long)]
    pub no_input_timeout_ms: Option<u32>,
    /// Regular expression that the recognized text must match.
    #[arg(long, requires = "grammar")]
    pub expect_text: Option<Regex>,
    /// Completion cause that must come, such as 000 or 002.
    #[arg(long)]
    pub expect_cause: Option<u16>,
    /// Codec to offer.
    #[arg(long, value_enum, default_value_t = OfferedCodec::Pcmu)]
    pub codec: OfferedCodec,
    /// Suite of protected audio (SRTP) to offer.
    #[arg(long, value_enum)]
    pub srtp: Option<OfferedSuite>,
    /// SIP over TCP.
    #[arg(long)]
    pub tcp: bool,
    /// One TCP connection for each MRCP session, instead of a shared one.
    #[arg(long)]
    pub new_connections: bool,
    /// How long a call without a scenario may take, in seconds.
    #[arg(long, default_value_t = 120)]
    pub within_s: u32,
    /// Print the message ladder at the end.
    #[arg(long)]
    pub ladder: bool,
}

/// What is offered first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OfferedCodec {
    /// G.711 µ-law, 8 kHz
    Pcmu,
    /// G.711 A-law, 8 kHz
    Pcma,
    /// Linear, 8 kHz
    L16,
    /// Linear, 16 kHz
    #[value(name = "l16-16k")]
    L16Wide,
    /// G.722, 16 kHz
    G722,
    /// Opus, 16 kHz
    Opus,
}

/// How audio is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OfferedSuite {
    /// AES-CM with 128 bits, HMAC-SHA1 with 80
    #[value(name = "aes-cm-80")]
    AesCm80,
    /// AES-CM with 128 bits, HMAC-SHA1 with 32
    #[value(name = "aes-cm-32")]
    AesCm32,
    /// AES-GCM with 128 bits
    #[value(name = "gcm-128")]
    Gcm128,
    /// AES-GCM with 256 bits
    #[value(name = "gcm-256")]
    Gcm256,
}

impl OfferedSuite {
    fn suite(self) -> sdp::CryptoSuite {
        use sdp::CryptoSuite;
        match self {
            Self::AesCm80 => CryptoSuite::AesCm128HmacSha1_80,
            Self::AesCm32 => CryptoSuite::AesCm128HmacSha1_32,
            Self::Gcm128 => CryptoSuite::AeadAes128Gcm,
            Self::Gcm256 => CryptoSuite::AeadAes256Gcm,
        }
    }
}

impl OfferedCodec {
    fn codecs(self) -> Vec<sdp::Codec> {
        use sdp::Codec;
        match self {
            Self::Pcmu => vec![Codec::PCMU, Codec::PCMA, Codec::L16_8000],
            Self::Pcma => vec![Codec::PCMA, Codec::PCMU, Codec::L16_8000],
            Self::L16 => vec![Codec::L16_8000, Codec::PCMU, Codec::PCMA],
            Self::L16Wide => vec![Codec::L16_16000],
            Self::G722 => vec![Codec::G722],
            Self::Opus => vec![Codec::OPUS],
        }
    }

    fn rate_hz(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma | Self::L16 => 8000,
            Self::L16Wide | Self::G722 | Self::Opus => 16_000,
        }
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs the command. Needs a tokio runtime with I/O and time.
pub async fn run(arguments: CallArgs) -> ExitCode {
    match call(&arguments).await {
        Ok(problems) if problems.is_empty() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(inner) = source {
                text.push_str(": ");
                text.push_str(&inner.to_string());
                source = inner.source();
            }
            eprintln!("voxgate call: {text}");
            ExitCode::from(EXIT_BROKEN)
        }
    }
}

async fn call(arguments: &CallArgs) -> Result<Vec<String>, CallError> {
    let scenario = arguments.scenario.as_deref().map(Scenario::load).transpose()?;
    let config = config(arguments).await?;
    let start = now();
    let ladder = Ladder::new(start);
    let recording = Recording::new(start, arguments.codec.rate_hz());
    if let Some(out) = &arguments.out {
        std::fs::create_dir_all(out).map_err(|source| CallError::File { path: out.display().to_string(), source })?;
    }
    let outcome = match &scenario {
        Some(scenario) => match run_scenario(config, scenario, &ladder, &recording, print).await {
            Ok(report) => {
                if let Some(out) = &arguments.out {
                    report.save(&out.join("record.json"))?;
                }
                Ok(report.problems)
            }
            Err(error) => Err(error),
        },
        None => single(arguments, config, &ladder, &recording).await,
    };
    // A call that broke is the one whose ladder is wanted.
    if let Some(out) = &arguments.out {
        recording.save(&out.join("call.wav"))?;
        let path = out.join("ladder.txt");
        std::fs::write(&path, ladder.render())
            .map_err(|source| CallError::File { path: path.display().to_string(), source })?;
    }
    if arguments.ladder {
        print(&ladder.render());
    }
    outcome
}

async fn single(
    arguments: &CallArgs,
    config: ClientConfig,
    ladder: &Ladder,
    recording: &Recording,
) -> Result<Vec<String>, CallError> {
    let ssml = match &arguments.ssml {
        Some(path) => Some(
            std::fs::read_to_string(path)
                .map_err(|source| CallError::File { path: path.display().to_string(), source })?,
        ),
        None => None,
    };
    let plan = CallPlan {
        speak: match (&arguments.text, ssml) {
            (Some(text), _) => Some(("text/plain".to_owned(), text.clone())),
            (None, Some(ssml)) => Some(("application/ssml+xml".to_owned(), ssml)),
            (None, None) => None,
        },
        grammar: arguments.grammar.clone(),
        audio: arguments.audio.clone(),
        dtmf: arguments.dtmf.clone(),
        language: arguments.language.clone(),
        parameters: arguments.parameters.clone(),
        no_input_timeout_ms: arguments.no_input_timeout_ms,
        within: Some(Duration::from_secs(u64::from(arguments.within_s))),
        expect_text: arguments.expect_text.clone(),
        expect_cause: arguments.expect_cause,
    };
    let problems = run_call(config, &plan, ladder, recording, print).await?;
    for problem in &problems {
        print(&format!("NOT AS EXPECTED: {problem}"));
    }
    Ok(problems)
}

async fn config(arguments: &CallArgs) -> Result<ClientConfig, CallError> {
    let address = tokio::net::lookup_host(&arguments.server)
        .await
        .map_err(|source| ClientError::Socket { purpose: "the server's address", source })?
        .next()
        .ok_or_else(|| CallError::Options(format!("{} has no address", arguments.server)))?;
    let mut config = ClientConfig::new(address);
    config.codecs = arguments.codec.codecs();
    config.srtp = arguments.srtp.into_iter().map(OfferedSuite::suite).collect();
    if arguments.tcp {
        config.transport = SipTransport::Tcp;
    }
    if arguments.new_connections {
        config.connections = ConnectionPolicy::AlwaysNew;
    }
    Ok(config)
}

/// Prints at once, so that the conversation is seen as it runs. A reader that went away does not stop the call.
fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        call: CallArgs,
    }

    fn parsed(line: &str) -> Result<CallArgs, clap::Error> {
        Program::try_parse_from(std::iter::once("call").chain(line.split(' '))).map(|program| program.call)
    }

    #[test]
    fn options_that_do_not_fit_together_are_refused() {
        assert!(parsed("--scenario a.yaml --text x").is_err());
        assert!(parsed("--audio a.wav").is_err());
        assert!(parsed("--grammar g --audio a.wav --dtmf 1").is_err());
        assert!(parsed("--grammar g --expect-text (").is_err());
        assert!(parsed("--text x --param novalue").is_err());
        let call = parsed("--grammar g --audio a.wav --expect-text six --param a=b=c --codec l16-16k").unwrap();
        assert_eq!(call.parameters, [("a".to_owned(), "b=c".to_owned())]);
        assert_eq!(call.codec.rate_hz(), 16_000);
    }

    #[test]
    fn a_call_without_anything_to_do_says_so() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(call(&parsed("--server 127.0.0.1:9").unwrap())).unwrap_err();
        assert!(error.to_string().contains("nothing to do"), "{error}");
    }
}
