//! Every test, the calls with real speech included.

use std::path::PathBuf;
use std::process::Command;

use clap::Args;

use crate::run::{cargo, is_installed, succeed};

/// What `cargo xtask test` takes.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Only what needs no models: the fake engine, no native library, no Python.
    #[arg(long)]
    quick: bool,
    /// Passed on to the test runner.
    #[arg(last = true)]
    runner: Vec<String>,
}

/// Settings of the test runner (`.config/nextest.toml`). Each but the first leaves a report that `cargo xtask conformance` reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Some tests, picked by whoever runs them.
    Default,
    /// Every test.
    Whole,
    /// The tests that name statements.
    Conformance,
}

impl Profile {
    /// As the runner knows it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Whole => "whole",
            Self::Conformance => "conformance",
        }
    }
}

/// Fetches what is missing, then runs the tests.
///
/// # Errors
/// When models cannot be had or a test fails.
pub(crate) fn run(arguments: &TestArgs) -> anyhow::Result<()> {
    let picked = arguments.quick || !arguments.runner.is_empty();
    let profile = if picked { Profile::Default } else { Profile::Whole };
    succeed(runner(profile, arguments.quick)?.args(&arguments.runner))
}

/// Whether the test runner that writes reports is installed.
pub(crate) fn has_nextest() -> bool {
    is_installed("cargo-nextest", &["nextest", "--version"])
}

/// The command that runs tests: with models unless `quick`.
///
/// # Errors
/// When models cannot be had.
pub(crate) fn runner(profile: Profile, quick: bool) -> anyhow::Result<Command> {
    let mut command = if has_nextest() {
        let mut command = cargo(["nextest", "run", "--workspace", "--profile"]);
        command.arg(profile.name());
        command
    } else {
        cargo(["test", "--workspace"])
    };
    if !quick {
        fetch(&[])?;
        command.args(["--features", "server/sherpa,engine/sherpa"]);
        with_native(&mut command)?;
        let example = crate::example::prepare()?;
        command.env("VOXGATE_EXAMPLE_PYTHON", example.python).env("VOXGATE_EXAMPLE_MODULES", example.modules);
        // A test that would skip for want of models fails instead.
        command.env("VOXGATE_REQUIRE_MODELS", "1");
    }
    Ok(command)
}

/// Tells the build where the native library is.
///
/// # Errors
/// When it has not been fetched and cannot be.
pub(crate) fn with_native(command: &mut Command) -> anyhow::Result<&mut Command> {
    let library = fetch(&["native"])?.join("native/lib");
    Ok(command.env("SHERPA_ONNX_LIB_DIR", library))
}

/// Fetches what is missing of these sets, or of all, and says where the models are.
///
/// # Errors
/// When something cannot be had.
pub(crate) fn fetch(sets: &[&str]) -> anyhow::Result<PathBuf> {
    let sets = sets.iter().map(|set| (*set).to_owned()).collect();
    models::cli::ModelsCommand::Fetch { sets }.run(None, &mut std::io::stderr())?;
    Ok(models::models_directory(None)?)
}
