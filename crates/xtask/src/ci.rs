//! Formatting, lints, documentation, tidy and licences.

use crate::run::{cargo, is_installed, succeed};
use crate::{test, tidy};

/// Runs every check that CI adds to the tests.
///
/// # Errors
/// The first check that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    succeed(&mut cargo(["fmt", "--all", "--check"]))?;
    succeed(test::with_native(&mut cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        "server/sherpa",
        "--",
        "--deny",
        "warnings",
    ]))?)?;
    succeed(cargo(["doc", "--workspace", "--no-deps", "--document-private-items"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    tidy::run()?;
    if is_installed("cargo-deny", &["--version"]) {
        succeed(&mut cargo(["deny", "check", "licenses", "bans", "sources"]))?;
    } else {
        eprintln!("cargo-deny is not installed: licences were not checked (cargo install cargo-deny --locked)");
    }
    Ok(())
}
