//! The command `models` by itself: `cargo run -p models --example models -- fetch en`.

use clap::Parser as _;

#[derive(clap::Parser)]
struct Arguments {
    #[command(flatten)]
    models: models::cli::ModelsArgs,
}

fn main() -> std::process::ExitCode {
    match Arguments::parse().models.run(&mut std::io::stdout()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            let mut source = Some(&error as &dyn std::error::Error);
            while let Some(error) = source {
                eprintln!("{error}");
                source = error.source();
            }
            std::process::ExitCode::FAILURE
        }
    }
}
