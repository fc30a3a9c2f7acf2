//! Fetching: archives from the registries, files from the archives, the manifest last.
//!
//! In the models directory:
//! - `archives/`: what the registries served, checked; kept, so that nothing is fetched twice.
//! - `libraries-…/`: what the scripts import, installed by pip with sums, apart from the machine's own Python.
//! - `staging/`: work in progress. Everything is made there and renamed into place, so that an interrupted run leaves
//!   whole files or none, and the next one goes on with the archives that arrived.
//! - `lock`: held while a directory is written. A second run waits, and then finds the work done.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::catalog::{Catalog, Package, REQUIREMENTS, Registry, SCRIPTS, Set, Step, UnknownSet};
use crate::digest::{self, Sha256};
use crate::manifest::{Depth, FileRecord, Manifest, ManifestError, ReadySet, RelativePath};
use crate::tool::{ToolError, Tools, bytes_below};

/// What a fetch is doing, for people.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// Another run writes the directory; this one waits until it has ended.
    Waiting,
    /// Everything that was asked for is there.
    UpToDate,
    /// An archive is being fetched. Called repeatedly.
    Fetching {
        /// Which of the archives, from 1.
        index: usize,
        /// How many there are to fetch.
        count: usize,
        /// The archive.
        package: &'a Package,
        /// What has arrived.
        bytes: u64,
    },
    /// An archive has arrived and its sum is right.
    Fetched {
        /// Which of the archives, from 1.
        index: usize,
        /// How many there are to fetch.
        count: usize,
        /// The archive.
        package: &'a Package,
    },
    /// The libraries of the scripts are being installed.
    Libraries,
    /// A script runs.
    Preparing {
        /// The set it is for.
        set: &'a str,
        /// The directory of its results.
        into: &'a RelativePath,
    },
    /// A set is complete and in the manifest.
    Ready {
        /// Its name.
        set: &'a str,
        /// Size of its files.
        bytes: u64,
    },
}

/// Why models could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Asked for something that is not in the catalog.
    #[error(transparent)]
    UnknownSet(#[from] UnknownSet),
    /// A client or script failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The manifest could not be written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A file of the models directory could not be read or written.
    #[error("cannot write {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The client succeeded without bringing the archive.
    #[error("the registry has {package} without the archive {file}: is this machine's registry a complete mirror?")]
    NoArchive {
        /// Name and version.
        package: String,
        /// What was expected.
        file: String,
    },
    /// The archive is not the one that is pinned.
    #[error(
        "{file} from the registry has sha256 {found}, but {expected} was tested: it was not kept. Try again; if it stays \
         so, the registry or a mirror serves something else under this version"
    )]
    ArchiveSum {
        /// The archive.
        file: String,
        /// As pinned.
        expected: Sha256,
        /// As fetched.
        found: Sha256,
    },
    /// A script made another file than the one that was tested.
    #[error("{file} was prepared with sha256 {found}, but {expected} was tested: it was not kept")]
    OutputSum {
        /// The file.
        file: String,
        /// As pinned.
        expected: Sha256,
        /// As made.
        found: Sha256,
    },
    /// The libraries of the scripts are not built for it.
    #[error("models are prepared with CPython 3.10 to 3.14, and `python3` is {0}")]
    Python(String),
    /// There is no native library for this processor.
    #[error("there is no set {set} for {machine}: bring your own build of the native library")]
    Machine {
        /// The set.
        set: String,
        /// This processor.
        machine: &'static str,
    },
}

/// Fetches and prepares the named sets with all they need (all sets if none is named) into `root`, except what is
/// there already. Can be interrupted and repeated at any time.
///
/// # Errors
/// See [`FetchError`]. What was complete before stays usable.
pub fn fetch(root: &Path, names: &[String], progress: &mut dyn FnMut(Progress<'_>)) -> Result<Manifest, FetchError> {
    fetch_from(&Catalog::built_in(), &Tools::installed(), root, names, progress)
}

fn fetch_from(
    catalog: &Catalog,
    tools: &Tools,
    root: &Path,
    names: &[String],
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Manifest, FetchError> {
    let selected = catalog.select(names)?;
    // Without the lock first: a complete directory may be read-only.
    if let Ok(manifest) = Manifest::load(root)
        && selected.iter().all(|(name, set)| is_ready(catalog, root, &manifest, name, set))
    {
        progress(Progress::UpToDate);
        return Ok(manifest);
    }
    create_directory(root)?;
    let _lock = lock(root, progress)?;
    // A manifest that this program cannot read is made anew.
    let mut manifest = Manifest::load(root).unwrap_or_else(|_| Manifest::empty());
    let missing: Vec<(&str, &Set)> =
        selected.into_iter().filter(|(name, set)| !is_ready(catalog, root, &manifest, name, set)).collect();
    let work = Work { catalog, tools, root, staging: root.join("staging") };
    work.clear_staging()?;
    work.fetch_archives(&missing, progress)?;
    for (name, set) in missing {
        work.prepare(name, set, &mut manifest, progress)?;
    }
    work.clear_staging()?;
    Ok(manifest)
}

/// Whether a set is in the manifest as the catalog has it now, with all its files there.
pub(crate) fn is_ready(catalog: &Catalog, root: &Path, manifest: &Manifest, name: &str, set: &Set) -> bool {
    let ready = manifest.sets.get(name).is_some_and(|ready| ready.fingerprint == catalog.fingerprint(name, set));
    let mut models = manifest.models.iter().filter(|model| model.set == name);
    ready && models.all(|model| manifest.check(root, model, Depth::Quick).is_empty())
}

fn lock(root: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<File, FetchError> {
    let path = root.join("lock");
    let io = |source| FetchError::Io { path: path.clone(), source };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress(Progress::Waiting);
            file.lock().map_err(io)?;
        }
        Err(TryLockError::Error(source)) => return Err(io(source)),
    }
    Ok(file)
}

struct Work<'a> {
    catalog: &'a Catalog,
    tools: &'a Tools,
    root: &'a Path,
    staging: PathBuf,
}

impl Work<'_> {
    fn fetch_archives(&self, sets: &[(&str, &Set)], progress: &mut dyn FnMut(Progress<'_>)) -> Result<(), FetchError> {
        let archives = self.root.join("archives");
        create_directory(&archives)?;
        let mut missing: Vec<&Package> = Vec::new();
        for (_, package) in sets.iter().flat_map(|(_, set)| self.catalog.packages_of(set)) {
            let present = archives.join(&package.file);
            let known = missing.iter().any(|known| known.file == package.file);
            if !known && !digest::of_file(&present).is_ok_and(|sum| sum == package.sha256) {
                missing.push(package);
            }
        }
        let count = missing.len();
        for (index, package) in (1..).zip(missing) {
            self.fetch_archive(package, &archives, &mut |bytes| {
                progress(Progress::Fetching { index, count, package, bytes });
            })?;
            progress(Progress::Fetched { index, count, package });
        }
        Ok(())
    }

    fn fetch_archive(
        &self,
        package: &Package,
        archives: &Path,
        arrived: &mut dyn FnMut(u64),
    ) -> Result<(), FetchError> {
        let directory = self.staging.join("download");
        // Beside the archive, so that it counts as arrived while it arrives.
        let temporary = directory.join("tmp");
        create_directory(&temporary)?;
        let (tool, command) = match package.registry {
            Registry::Pypi => {
                let mut command = self.tools.pip_command();
                command.args(["download", "--quiet", "--no-deps", "--no-cache-dir", "--only-binary=:all:"]);
                if let Some(platform) = &package.platform {
                    command.args(["--platform", platform]);
                }
                command.arg("--dest").arg(&directory).arg(format!("{}=={}", package.name, package.version));
                command.env("TMPDIR", &temporary);
                (&self.tools.python, command)
            }
            Registry::Npm => {
                let mut command = self.tools.npm.command();
                command.args(["pack", "--silent", "--ignore-scripts"]);
                command.arg("--pack-destination").arg(&directory).arg("--cache").arg(&temporary);
                command.arg(format!("{}@{}", package.name, package.version));
                (&self.tools.npm, command)
            }
        };
        arrived(0);
        tool.run(command, || arrived(bytes_below(&directory).min(package.bytes)))?;
        let archive = directory.join(&package.file);
        let found = digest::of_file(&archive).map_err(|_| FetchError::NoArchive {
            package: format!("{} {}", package.name, package.version),
            file: package.file.clone(),
        })?;
        if found != package.sha256 {
            return Err(FetchError::ArchiveSum { file: package.file.clone(), expected: package.sha256, found });
        }
        rename(&archive, &archives.join(&package.file))?;
        self.clear_staging()
    }

    fn prepare(
        &self,
        name: &str,
        set: &Set,
        manifest: &mut Manifest,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), FetchError> {
        if !set.steps.is_empty() && set.steps_here().next().is_none() {
            return Err(FetchError::Machine { set: name.to_owned(), machine: std::env::consts::ARCH });
        }
        let libraries = set.steps_here().any(|step| step.libraries).then(|| self.libraries(progress)).transpose()?;
        let scripts = self.scripts()?;
        let mut made = Vec::new();
        for (index, step) in set.steps_here().enumerate() {
            progress(Progress::Preparing { set: name, into: &step.into });
            let directory = self.staging.join(format!("step-{index}"));
            create_directory(&directory)?;
            self.run_step(step, &scripts, libraries.as_deref().filter(|_| step.libraries), &directory)?;
            for (file, expected) in step.outputs() {
                let from = directory.join(file);
                let found = digest::of_file(&from).map_err(|source| FetchError::Io { path: from.clone(), source })?;
                if let Some(expected) = expected.filter(|expected| *expected != found) {
                    return Err(FetchError::OutputSum { file: file.to_owned(), expected, found });
                }
                made.push((from, step.into.joined(file)));
            }
        }
        self.replace(name, set, &made, manifest)?;
        let bytes = made.iter().filter_map(|(_, file)| manifest.files.get(file)).map(|record| record.bytes).sum();
        progress(Progress::Ready { set: name, bytes });
        self.clear_staging()
    }

    /// Moves the files of a set into place and puts them into the manifest.
    fn replace(
        &self,
        name: &str,
        set: &Set,
        made: &[(PathBuf, RelativePath)],
        manifest: &mut Manifest,
    ) -> Result<(), FetchError> {
        for (from, to) in made {
            let path = to.below(self.root);
            if let Some(directory) = path.parent() {
                create_directory(directory)?;
            }
            rename(from, &path)?;
            let record = FileRecord::of(&path).map_err(|source| FetchError::Io { path: path.clone(), source })?;
            manifest.files.insert(to.clone(), record);
        }
        manifest.models.retain(|model| model.set != name);
        manifest.models.extend(self.catalog.models(name, set));
        // By set name, in the order of the catalog within: the first model for a purpose is the one that is used.
        manifest.models.sort_by(|a, b| a.set.cmp(&b.set));
        let fingerprint = self.catalog.fingerprint(name, set);
        manifest.sets.insert(name.to_owned(), ReadySet { fingerprint });
        manifest.forget_unused_files();
        Ok(manifest.store(self.root)?)
    }

    fn run_step(
        &self,
        step: &Step,
        scripts: &Path,
        libraries: Option<&Path>,
        directory: &Path,
    ) -> Result<(), FetchError> {
        let mut command = self.tools.python_command();
        command.args(["-B", "-X", "utf8"]).arg(scripts.join(&step.script)).arg(directory);
        for argument in &step.arguments {
            let package = argument.strip_prefix('{').and_then(|id| id.strip_suffix('}'));
            match package.and_then(|id| self.catalog.packages.get(id)) {
                Some(package) => command.arg(self.root.join("archives").join(&package.file)),
                None => command.arg(argument),
            };
        }
        if let Some(libraries) = libraries {
            command.env("PYTHONPATH", libraries);
        }
        self.tools.python.run(command, || {})?;
        Ok(())
    }

    fn scripts(&self) -> Result<PathBuf, FetchError> {
        let directory = self.staging.join("prepare");
        create_directory(&directory)?;
        for (file, source) in SCRIPTS {
            write(&directory.join(file), source)?;
        }
        Ok(directory)
    }

    /// The directory of the scripts' libraries, installed if it is not there. One for each Python, since libraries are
    /// built for one.
    fn libraries(&self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf, FetchError> {
        let mut command = self.tools.python_command();
        command.args(["-c", "import platform; print(platform.python_implementation(), platform.python_version())"]);
        let python = self.tools.python.run(command, || {})?;
        if !is_supported(&python) {
            return Err(FetchError::Python(python));
        }
        let key = digest::of_bytes(format!("{python}\n{REQUIREMENTS}").as_bytes()).to_string();
        let directory = self.root.join(format!("libraries-{}", key.get(..12).unwrap_or_default()));
        if directory.is_dir() {
            return Ok(directory);
        }
        progress(Progress::Libraries);
        let staged = self.staging.join("libraries");
        let requirements = self.staging.join("requirements.txt");
        create_directory(&self.staging)?;
        write(&requirements, REQUIREMENTS)?;
        let mut command = self.tools.pip_command();
        command.args(["install", "--quiet", "--no-cache-dir", "--only-binary=:all:", "--require-hashes"]);
        // Into a directory of its own and not a virtual environment: Debian has venv in another package.
        command.arg("--target").arg(&staged).arg("--requirement").arg(&requirements);
        self.tools.python.run(command, || {})?;
        rename(&staged, &directory)?;
        Ok(directory)
    }

    fn clear_staging(&self) -> Result<(), FetchError> {
        match std::fs::remove_dir_all(&self.staging) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(FetchError::Io { path: self.staging.clone(), source: error })
            }
            _ => Ok(()),
        }
    }
}

/// Whether there are sums of libraries for this Python, given as "CPython 3.11.7".
fn is_supported(python: &str) -> bool {
    let minor = python.strip_prefix("CPython 3.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
    minor.is_some_and(|minor| (10..=14).contains(&minor))
}

fn create_directory(path: &Path) -> Result<(), FetchError> {
    std::fs::create_dir_all(path).map_err(|source| FetchError::Io { path: path.to_owned(), source })
}

fn rename(from: &Path, to: &Path) -> Result<(), FetchError> {
    std::fs::rename(from, to).map_err(|source| FetchError::Io { path: to.to_owned(), source })
}

fn write(path: &Path, text: &str) -> Result<(), FetchError> {
    std::fs::write(path, text).map_err(|source| FetchError::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
