//! `voxgate models list|fetch|verify`, and `cargo xtask models` likewise.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use crate::catalog::{Catalog, Package, UnknownSet};
use crate::directory::{NoDirectory, models_directory};
use crate::fetch::{FetchError, Progress, fetch, is_ready};
use crate::manifest::{Depth, Manifest, ManifestError};

/// Arguments of the command `models`.
#[derive(Clone, Debug, clap::Args)]
pub struct ModelsArgs {
    /// Where the models are [default: $VOXGATE_MODELS, or voxgate/models in the cache directory].
    #[arg(long, global = true, value_name = "DIRECTORY")]
    pub dir: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: ModelsCommand,
}

/// What to do with models.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum ModelsCommand {
    /// Show what can be fetched and what is there.
    List,
    /// Fetch and prepare models; nothing that is there already.
    Fetch {
        /// The sets to fetch, with all that they need; all if none is named.
        sets: Vec<String>,
    },
    /// Compare every file with the sum it had when it was prepared.
    Verify {
        /// Only sizes and times of modification.
        #[arg(long)]
        quick: bool,
        /// The sets to look at, with all that they need; all that are there if none is named.
        sets: Vec<String>,
    },
}

/// Why a command about models failed.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// No directory for models.
    #[error(transparent)]
    Directory(#[from] NoDirectory),
    /// Asked for something that is not in the catalog.
    #[error(transparent)]
    UnknownSet(#[from] UnknownSet),
    /// Nothing to verify.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Fetching failed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Files are missing or damaged.
    #[error("{0}\nrun `voxgate models fetch` to have these again")]
    Faulty(String),
    /// The output could not be written.
    #[error("cannot write the output")]
    Output(#[from] std::io::Error),
}

impl ModelsArgs {
    /// Does what was asked for. Results go to `out`, progress to standard error.
    ///
    /// # Errors
    /// See [`ModelsError`].
    pub fn run(&self, out: &mut dyn Write) -> Result<(), ModelsError> {
        self.command.run(self.dir.as_deref(), out)
    }
}

impl ModelsCommand {
    /// Does what was asked for in the models directory `directory`, or the default one.
    ///
    /// # Errors
    /// See [`ModelsError`].
    pub fn run(&self, directory: Option<&Path>, out: &mut dyn Write) -> Result<(), ModelsError> {
        let root = models_directory(directory)?;
        match self {
            ModelsCommand::List => list(&root, out),
            ModelsCommand::Fetch { sets } => {
                let mut printer = Printer { terminal: std::io::stderr().is_terminal(), open_line: false };
                fetch(&root, sets, &mut |progress| printer.show(&progress))?;
                writeln!(out, "{}", root.display())?;
                Ok(())
            }
            ModelsCommand::Verify { quick, sets } => {
                verify(&root, sets, if *quick { Depth::Quick } else { Depth::Full }, out)
            }
        }
    }
}

fn list(root: &Path, out: &mut dyn Write) -> Result<(), ModelsError> {
    let catalog = Catalog::built_in();
    let manifest = match Manifest::load(root) {
        Ok(manifest) => manifest,
        Err(ManifestError::Absent(_)) => Manifest::empty(),
        Err(error) => return Err(error.into()),
    };
    writeln!(out, "models in {}", root.display())?;
    for (name, set) in &catalog.sets {
        let state = if !manifest.sets.contains_key(name) {
            "not fetched"
        } else if is_ready(&catalog, root, &manifest, name, set) {
            "ready"
        } else {
            "outdated or damaged"
        };
        let packages = catalog.packages_of(set);
        let size = megabytes(packages.iter().map(|(_, package)| package.bytes).sum());
        writeln!(out, "\n{name}: {} [{state}; {size} to fetch]", set.title)?;
        if !set.needs.is_empty() {
            writeln!(out, "  with {}", set.needs.join(", "))?;
        }
        for (_, package) in packages {
            writeln!(out, "  {} {} {} ({})", package.registry, package.name, package.version, package.licence)?;
        }
        for model in catalog.models(name, set) {
            let voices: Vec<&str> = model.voices.iter().map(|voice| voice.name.as_str()).collect();
            let mut line = format!("  -> {} {}", model.id, model.languages.join("+"));
            if !voices.is_empty() {
                // Infallible: writing to a String.
                let _ = write!(line, ": {}", voices.join(" "));
            }
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    Ok(())
}

fn verify(root: &Path, sets: &[String], depth: Depth, out: &mut dyn Write) -> Result<(), ModelsError> {
    let catalog = Catalog::built_in();
    let manifest = Manifest::load(root)?;
    let mut faults = Vec::new();
    if !sets.is_empty() {
        for (name, _) in catalog.select(sets)? {
            if !manifest.sets.contains_key(name) {
                faults.push(format!("set {name}: not fetched"));
            }
        }
    }
    let selected = catalog.select(sets)?;
    let models = manifest.models.iter().filter(|model| selected.iter().any(|(name, _)| *name == model.set));
    for model in models {
        let found = manifest.check(root, model, depth);
        writeln!(out, "{}: {}", model.id, if found.is_empty() { "ok" } else { "FAULTY" })?;
        faults.extend(found.iter().map(ToString::to_string));
    }
    if faults.is_empty() { Ok(()) } else { Err(ModelsError::Faulty(faults.join("\n"))) }
}

/// Shows progress on standard error: a line that changes on a terminal, a line for each result elsewhere.
struct Printer {
    terminal: bool,
    open_line: bool,
}

impl Printer {
    fn show(&mut self, progress: &Progress<'_>) {
        match *progress {
            Progress::Waiting => self.line("another run is fetching into this directory; waiting for it"),
            Progress::UpToDate => self.line("models: nothing to fetch"),
            Progress::Fetching { index, count, package, bytes } => {
                let total = megabytes(package.bytes);
                self.update(&format!("{} {} of {total}", title(index, count, package), megabytes(bytes)));
            }
            Progress::Fetched { index, count, package } => {
                self.line(&format!("{} {}, sha256 ok", title(index, count, package), megabytes(package.bytes)));
            }
            Progress::Libraries => self.update("installing what the preparation needs"),
            Progress::Preparing { set, into } => self.update(&format!("preparing {set}: {into}")),
            Progress::Ready { set, bytes } => self.line(&format!("{set}: ready, {}", megabytes(bytes))),
        }
    }

    fn update(&mut self, text: &str) {
        if self.terminal {
            eprint!("\r\x1b[K{text}");
            self.open_line = true;
        }
    }

    fn line(&mut self, text: &str) {
        let start = if std::mem::take(&mut self.open_line) { "\r\x1b[K" } else { "" };
        eprintln!("{start}{text}");
    }
}

fn title(index: usize, count: usize, package: &Package) -> String {
    format!("[{index}/{count}] {} {} {}:", package.registry, package.name, package.version)
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}
