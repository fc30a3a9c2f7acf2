//! Running the ordinary clients: python3, pip and npm, with this machine's configuration for them.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// How often the size of what has arrived is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// The end of a tool's output that is shown when it fails.
const SHOWN_BYTES: i64 = 4000;

/// Why a tool did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It is not installed.
    #[error("{tool} was not found, and is needed to fetch models: {remedy}")]
    Missing {
        /// Its name.
        tool: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// It could not be started.
    #[error("cannot run {tool}")]
    Start {
        /// Its name.
        tool: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It ended with an error.
    #[error("{command} ended with {status}:\n{output}")]
    Failed {
        /// What was run.
        command: String,
        /// Its exit status.
        status: ExitStatus,
        /// The end of what it wrote.
        output: String,
    },
}

/// A tool that has to be there.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    /// What is run, with its first arguments.
    program: Vec<OsString>,
    name: &'static str,
    remedy: &'static str,
}

/// The tools that fetching needs. Tests put others in their place.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    pub(crate) python: Tool,
    pub(crate) npm: Tool,
}

impl Tools {
    /// Those of this machine.
    pub(crate) fn installed() -> Tools {
        Tools {
            python: Tool {
                program: vec!["python3".into()],
                name: "python3",
                remedy: "install Python 3.10 or later with pip (Debian: `apt install python3 python3-pip`)",
            },
            npm: Tool {
                program: vec!["npm".into()],
                name: "npm",
                remedy: "install Node.js with npm (Debian: `apt install npm`)",
            },
        }
    }

    /// A command for Python. Nothing of the user's own packages is seen.
    pub(crate) fn python_command(&self) -> Command {
        let mut command = self.python.command();
        command.env("PYTHONNOUSERSITE", "1").env_remove("PYTHONPATH").env_remove("PYTHONHOME");
        command
    }

    /// `pip`, through the Python that runs the scripts. Its configuration and environment are left as they are.
    pub(crate) fn pip_command(&self) -> Command {
        let mut command = self.python_command();
        command.args(["-m", "pip", "--disable-pip-version-check", "--no-input"]);
        command
    }
}

impl Tool {
    /// A command for the tool.
    pub(crate) fn command(&self) -> Command {
        let mut words = self.program.iter();
        let mut command = Command::new(words.next().map_or(OsStr::new(self.name), OsString::as_os_str));
        command.args(words);
        command
    }

    /// The same tool, found elsewhere.
    #[cfg(test)]
    pub(crate) fn at(&self, program: &[&OsStr]) -> Tool {
        Tool { program: program.iter().map(OsString::from).collect(), ..self.clone() }
    }

    /// Runs `command`, calling `watch` now and then until it ends, and returns what it wrote.
    pub(crate) fn run(&self, mut command: Command, mut watch: impl FnMut()) -> Result<String, ToolError> {
        let tool = self.name;
        let start = |source| ToolError::Start { tool, source };
        // A file and not a pipe: nobody has to read it while the tool runs.
        let mut output = tempfile_in(&std::env::temp_dir()).map_err(start)?;
        let stream = || output.try_clone().map(Stdio::from).map_err(start);
        command.stdin(Stdio::null()).stdout(stream()?).stderr(stream()?);
        let mut child = command.spawn().map_err(|source| match source.kind() {
            ErrorKind::NotFound => ToolError::Missing { tool, remedy: self.remedy },
            _ => start(source),
        })?;
        let status = loop {
            if let Some(status) = child.try_wait().map_err(start)? {
                break status;
            }
            watch();
            std::thread::sleep(LOOK_INTERVAL);
        };
        let length = i64::try_from(output.stream_position().map_err(start)?).unwrap_or(i64::MAX);
        output.seek(std::io::SeekFrom::Start(u64::try_from(length - SHOWN_BYTES).unwrap_or(0))).map_err(start)?;
        let mut text = Vec::new();
        output.read_to_end(&mut text).map_err(start)?;
        let text = String::from_utf8_lossy(&text).trim().to_owned();
        if status.success() {
            return Ok(text);
        }
        if tool == "python3" && text.contains("No module named pip") {
            return Err(ToolError::Missing { tool: "pip", remedy: self.remedy });
        }
        Err(ToolError::Failed { command: shown(&command), status, output: text })
    }
}

/// An open file without a name.
fn tempfile_in(directory: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    for attempt in 0..100 {
        let path = directory.join(format!("voxgate-{}-{attempt}", std::process::id()));
        match options.open(&path) {
            Ok(file) => {
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

fn shown(command: &Command) -> String {
    let words: Vec<_> =
        [command.get_program()].into_iter().chain(command.get_args()).map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

/// Bytes of all files below `directory`; what cannot be read counts as nothing.
pub(crate) fn bytes_below(directory: &Path) -> u64 {
    let mut total = 0;
    let mut waiting: Vec<PathBuf> = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => waiting.push(entry.path()),
                Ok(metadata) => total += metadata.len(),
                Err(_) => {}
            }
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_tool_is_reported_with_its_command_and_output() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo some advice >&2; exit 3"]);
        let error = Tools::installed().npm.run(command, || {}).unwrap_err().to_string();
        assert!(error.starts_with("sh -c") && error.contains("3") && error.ends_with("some advice"), "{error}");
    }

    #[test]
    fn a_tool_that_is_not_there_is_named_with_the_remedy() {
        let error = Tools::installed().npm.run(Command::new("no-such-program-anywhere"), || {}).unwrap_err();
        assert!(matches!(error, ToolError::Missing { tool: "npm", .. }));
        assert!(error.to_string().contains("apt install npm"));
    }

    #[test]
    fn a_python_without_pip_is_told_apart() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo /usr/bin/python3: No module named pip; exit 1"]);
        let error = Tools::installed().python.run(command, || {}).unwrap_err();
        assert!(matches!(error, ToolError::Missing { tool: "pip", .. }));
    }

    #[test]
    fn of_much_output_the_end_is_kept() {
        let mut command = Command::new("sh");
        command.args(["-c", "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done"]);
        let output = Tools::installed().npm.run(command, || {}).unwrap();
        assert!(output.ends_with("line 2999") && output.len() <= 4000);
    }
}
