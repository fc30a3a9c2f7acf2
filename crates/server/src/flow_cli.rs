//! `voxgate dialog schema`, `form`, `flow` and `try`: for authors of flows.

use std::{io, io::Write, path::PathBuf, process::ExitCode};

use clap::Subcommand;
use dialog_service::{
    DialogService, DialogServiceConfig,
    flow::{Flow, flow_schema},
    rehearsal::Rehearsal,
};
use tokio_util::sync::CancellationToken;

/// What authors of flows need.
#[derive(Debug, Subcommand)]
pub enum FlowCommand {
    /// Prints the JSON Schema of flow files, for editors.
    Schema,
    /// Prints the JSON Schema of the form that a flow fills.
    Form {
        /// The flow's file.
        flow: PathBuf,
    },
    /// Checks flow files and reports every mistake in them.
    Flow {
        /// The files.
        #[arg(required = true)]
        flows: Vec<PathBuf>,
    },
    /// Holds dialogues against the service and reports where they go another way.
    Try {
        /// The files with dialogues.
        #[arg(required = true)]
        dialogues: Vec<PathBuf>,
        /// A directory with flows of your own.
        #[arg(long, value_name = "DIRECTORY")]
        flows: Option<PathBuf>,
    },
}

impl FlowCommand {
    /// Does what it says. What is found goes to `out`, mistakes go to `err`.
    ///
    /// # Errors
    /// When a file cannot be read, or the service does not start.
    pub async fn run(&self, out: &mut impl Write, err: &mut impl Write) -> anyhow::Result<ExitCode> {
        match self {
            Self::Schema => writeln!(out, "{:#}", flow_schema())?,
            Self::Form { flow } => match Flow::load(&flow.to_string_lossy(), &read(flow)?) {
                Ok(flow) => writeln!(out, "{:#}", flow.form_schema())?,
                Err(errors) => {
                    writeln!(err, "{errors}")?;
                    return Ok(ExitCode::FAILURE);
                }
            },
            Self::Flow { flows } => {
                let mut clean = true;
                for path in flows {
                    match Flow::load(&path.to_string_lossy(), &read(path)?) {
                        Ok(flow) => writeln!(out, "{}: {} {}", path.display(), flow.name(), flow.version())?,
                        Err(errors) => {
                            clean = false;
                            writeln!(err, "{errors}")?;
                        }
                    }
                }
                return Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            Self::Try { dialogues, flows } => return try_dialogues(dialogues, flows.clone(), out, err).await,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn try_dialogues(
    files: &[PathBuf],
    flows: Option<PathBuf>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let config = DialogServiceConfig {
        listen: std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, 0)),
        flows,
        ..DialogServiceConfig::default()
    };
    let service = DialogService::bind(config).await?;
    let address = format!("http://{}", service.address());
    let stop = CancellationToken::new();
    let running = tokio::spawn(service.run(stop.clone().cancelled_owned()));
    let mut client = proto::v1::dialog_client::DialogClient::connect(address).await?;
    let mut clean = true;
    for (number, path) in files.iter().enumerate() {
        let rehearsal = Rehearsal::load(&read(path)?).map_err(|why| anyhow::anyhow!("{}: {why}", path.display()))?;
        let faults = rehearsal.run(&mut client, &format!("try-{number}")).await?;
        clean &= faults.is_empty();
        for fault in &faults {
            writeln!(err, "{}: {fault}", path.display())?;
        }
        let total = rehearsal.dialogues.len();
        writeln!(
            out,
            "{}: {} of {total} dialogues went as they should",
            path.display(),
            total.saturating_sub(faults.len())
        )?;
    }
    drop(client);
    stop.cancel();
    running.await??;
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(path: &PathBuf) -> anyhow::Result<String> {
    std::fs::read_to_string(path).map_err(|error: io::Error| anyhow::anyhow!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn flows_are_checked_and_dialogues_tried() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let flow = "flow: small\nlanguages: [en]\nstart: end\nstates:\n  end: { say: { en: Bye. }, hangup: done }\n";
        let good = write("small.yaml", flow);
        let bad = write("broken.txt", &flow.replace("start: end", "start: nowhere"));
        let right =
            write("right.txt", "flow: small\ndialogues:\n  one: { greets: Bye, turns: [], ends: hangup done }\n");
        let wrong =
            write("wrong.txt", "flow: small\ndialogues:\n  one: { greets: Hello, turns: [], ends: hangup done }\n");
        let flows = Some(directory.path().to_owned());
        for (command, code, says) in [
            (FlowCommand::Schema, ExitCode::SUCCESS, "Voxgate dialogue flow"),
            (FlowCommand::Form { flow: good.clone() }, ExitCode::SUCCESS, "\"title\": \"small\""),
            (FlowCommand::Flow { flows: vec![good] }, ExitCode::SUCCESS, "small.yaml: small "),
            (FlowCommand::Flow { flows: vec![bad] }, ExitCode::FAILURE, "broken.txt:3:8: there is no state"),
            (FlowCommand::Try { dialogues: vec![right], flows: flows.clone() }, ExitCode::SUCCESS, "1 of 1"),
            (FlowCommand::Try { dialogues: vec![wrong], flows }, ExitCode::FAILURE, "expected \"Hello\""),
        ] {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let told = command.run(&mut out, &mut err).await.unwrap();
            let text = format!("{}{}", String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap());
            assert!(format!("{told:?}") == format!("{code:?}") && text.contains(says), "{command:?}: {text}");
        }
    }
}
