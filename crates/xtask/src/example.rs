//! The example service in Python: its interpreter and modules, got ready for the tests that run it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use crate::run::{root, succeed, target_dir};

/// What the tests need of the example.
pub(crate) struct PythonExample {
    /// The interpreter that has the packages.
    pub(crate) python: PathBuf,
    /// The modules of the protocol.
    pub(crate) modules: PathBuf,
}

/// Makes a virtual environment with the packages that the example pins, and the modules of the protocol. What is there is kept as long as
/// the pins and the protocol are the same.
///
/// # Errors
/// When there is no Python, or the packages cannot be had.
pub(crate) fn prepare() -> anyhow::Result<PythonExample> {
    let folder = root().join("docs/examples/dialog-service-python");
    let requirements = folder.join("requirements.txt");
    let made_of =
        [requirements.clone(), root().join("proto/voxgate/dialog/v1/dialog.proto"), folder.join("generate.py")]
            .iter()
            .map(|path| std::fs::read_to_string(path).with_context(|| path.display().to_string()))
            .collect::<Result<Vec<_>, _>>()?
            .concat();
    let target = target_dir().join("python-example");
    let example = PythonExample { python: target.join("venv/bin/python"), modules: target.join("modules") };
    let mark = target.join("made-of");
    if std::fs::read_to_string(&mark).is_ok_and(|before| before == made_of) {
        return Ok(example);
    }
    std::fs::create_dir_all(&target)?;
    let venv = ["-m", "venv", "--clear"];
    succeed(Command::new("python3").args(venv).arg(target.join("venv")))
        .context("the example service needs python3 with venv")?;
    succeed(Command::new(&example.python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements))?;
    succeed(Command::new(&example.python).arg(folder.join("generate.py")).arg(&example.modules))?;
    std::fs::write(&mark, made_of)?;
    Ok(example)
}
