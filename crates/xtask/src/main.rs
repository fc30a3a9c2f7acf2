//! Project tasks: `cargo xtask demo`, `cargo xtask test`, and what CI adds to them.

mod ci;
mod conformance;
mod demo;
mod example;
mod run;
mod test;
mod tidy;

use clap::{Parser, Subcommand};

/// Tasks of the Voxgate project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Fetches the models, builds, starts the server and makes a robot call through it.
    Demo(demo::DemoArgs),
    /// Fetches the models, builds and runs every test, the calls with real speech included.
    Test(test::TestArgs),
    /// Lists, fetches or verifies the speech models.
    Models(models::cli::ModelsArgs),
    /// Writes or checks `docs/conformance.md`: which statements of the standards the tests show.
    Conformance(conformance::ConformanceArgs),
    /// Checks what no compiler checks: crate arrows, file sizes, links, paths.
    Tidy,
    /// Formatting, lints, documentation, tidy and licences: everything in CI but the tests.
    Lint,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Demo(arguments) => demo::run(&arguments),
        Task::Test(arguments) => test::run(&arguments),
        Task::Models(arguments) => Ok(arguments.run(&mut std::io::stdout())?),
        Task::Conformance(arguments) => conformance::run(&arguments),
        Task::Tidy => tidy::run(),
        Task::Lint => ci::run(),
    }
}
