use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use crate::flow::{Flow, FlowErrors};

/// The flows that come with the program, by file name.
pub(crate) const SHIPPED: [(&str, &str); 5] = [
    ("follow-up.yaml", include_str!("../flows/follow-up.yaml")),
    ("satisfaction.yaml", include_str!("../flows/satisfaction.yaml")),
    ("appointment.yaml", include_str!("../flows/appointment.yaml")),
    ("customer-service.yaml", include_str!("../flows/customer-service.yaml")),
    ("assistant.yaml", include_str!("../flows/assistant.yaml")),
];

/// The flows that can be held, by name.
#[derive(Debug, Default)]
pub(crate) struct Flows {
    by_name: BTreeMap<String, Arc<Flow>>,
}

/// Why the flows cannot be used: everything that is wrong with any of them, one per line.
#[derive(Debug)]
pub struct FlowsError {
    faults: Vec<Fault>,
}

#[derive(Debug)]
enum Fault {
    Read { path: PathBuf, source: io::Error },
    Flow(FlowErrors),
    Twice { name: String, path: PathBuf },
    NoProvider { name: String, path: PathBuf },
    NoDefault { name: String },
    Host { flow: String, host: String },
}

impl fmt::Display for FlowsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            match fault {
                Fault::Read { path, source } => write!(f, "{}: {source}", path.display())?,
                Fault::Flow(errors) => errors.fmt(f)?,
                Fault::Twice { name, path } => write!(f, "{}: there is another flow {name:?}", path.display())?,
                Fault::NoProvider { name, path } => {
                    write!(f, "{}: the flow {name:?} needs a language model, and none is configured", path.display())?;
                }
                Fault::Host { flow, host } => {
                    write!(
                        f,
                        "the flow {flow:?} has a tool that asks {host}, which is not among the hosts that may be asked"
                    )?;
                }
                Fault::NoDefault { name } => write!(f, "the default flow {name:?} does not exist")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for FlowsError {}

impl Flows {
    /// The shipped flows and those of a directory. Shipped flows that need a language model are left out when there is none.
    pub(crate) fn load(directory: Option<&Path>, has_provider: bool, default: &str) -> Result<Self, FlowsError> {
        let mut faults = Vec::new();
        let mut own = BTreeMap::new();
        for path in directory.map(|directory| files(directory, &mut faults)).unwrap_or_default() {
            match fs::read_to_string(&path) {
                Err(source) => faults.push(Fault::Read { path, source }),
                Ok(yaml) => match Flow::load(&path.to_string_lossy(), &yaml) {
                    Err(errors) => faults.push(Fault::Flow(errors)),
                    Ok(flow) => {
                        let name = flow.name().to_owned();
                        if flow.needs_provider() && !has_provider {
                            faults.push(Fault::NoProvider { name: name.clone(), path: path.clone() });
                        }
                        if own.insert(name.clone(), Arc::new(flow)).is_some() {
                            faults.push(Fault::Twice { name, path });
                        }
                    }
                },
            }
        }
        let mut by_name = BTreeMap::new();
        for (file, yaml) in SHIPPED {
            match Flow::load(file, yaml) {
                Err(errors) => faults.push(Fault::Flow(errors)),
                Ok(flow) if flow.needs_provider() && !has_provider => {}
                Ok(flow) => {
                    by_name.insert(flow.name().to_owned(), Arc::new(flow));
                }
            }
        }
        by_name.extend(own);
        if !by_name.contains_key(default) {
            faults.push(Fault::NoDefault { name: default.to_owned() });
        }
        if faults.is_empty() { Ok(Self { by_name }) } else { Err(FlowsError { faults }) }
    }

    /// Tools ask the hosts that were configured, and no others.
    fn check_hosts(&self, hosts: &[String]) -> Result<(), FlowsError> {
        let asked = self.all().flat_map(|flow| flow.tool_hosts().map(|host| (flow.name(), host)));
        let faults: Vec<Fault> = asked
            .filter(|(_, host)| !hosts.iter().any(|allowed| allowed == host))
            .map(|(flow, host)| Fault::Host { flow: flow.to_owned(), host: host.to_owned() })
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(FlowsError { faults }) }
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<Arc<Flow>> {
        self.by_name.get(name).cloned()
    }

    /// All of them, in the order of their names.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Flow>> {
        self.by_name.values()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }
}

/// The flows of the service, which follow their files: what is changed holds for new conversations, and what is broken changes nothing.
#[derive(Debug)]
pub(crate) struct FlowShelf {
    directory: Option<PathBuf>,
    has_provider: bool,
    default: String,
    tool_hosts: Vec<String>,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    current: Arc<Flows>,
    /// Versions that conversations of other instances follow.
    others: BTreeMap<String, Arc<Flow>>,
    /// What the files were when they were looked at last.
    seen: Seen,
}

/// Name, size and time of each file.
type Seen = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// Versions of other instances that are kept.
const OTHERS_MAX: usize = 64;

impl FlowShelf {
    /// As [`Flows::load`]; tools may ask `tool_hosts` only.
    pub(crate) fn load(
        directory: Option<&Path>,
        has_provider: bool,
        default: &str,
        tool_hosts: &[String],
    ) -> Result<Self, FlowsError> {
        let seen = seen(directory);
        let current = Flows::load(directory, has_provider, default)?;
        current.check_hosts(tool_hosts)?;
        let held = Held { current: Arc::new(current), others: BTreeMap::new(), seen };
        Ok(Self {
            directory: directory.map(Path::to_owned),
            has_provider,
            default: default.to_owned(),
            tool_hosts: tool_hosts.to_vec(),
            held: Mutex::new(held),
        })
    }

    /// The flows that new conversations follow.
    pub(crate) fn current(&self) -> Arc<Flows> {
        Arc::clone(&self.held().current)
    }

    /// A flow of that version.
    pub(crate) fn by_version(&self, version: &str) -> Option<Arc<Flow>> {
        let held = self.held();
        held.current.all().find(|flow| flow.version() == version).or_else(|| held.others.get(version)).cloned()
    }

    /// Remembers a version that conversations of other instances follow.
    pub(crate) fn keep(&self, flow: Arc<Flow>) -> Arc<Flow> {
        let mut held = self.held();
        if held.others.len() >= OTHERS_MAX {
            held.others.pop_first();
        }
        held.others.insert(flow.version().to_owned(), Arc::clone(&flow));
        flow
    }

    /// Looks whether files were changed, and loads them if so. Blocks on the disk.
    ///
    /// # Errors
    /// All that is wrong with the changed files; told once, and the flows of before stay.
    pub(crate) fn refresh(&self) -> Result<bool, FlowsError> {
        let seen = seen(self.directory.as_deref());
        if self.held().seen == seen {
            return Ok(false);
        }
        self.held().seen = seen;
        let flows = Flows::load(self.directory.as_deref(), self.has_provider, &self.default)?;
        flows.check_hosts(&self.tool_hosts)?;
        self.held().current = Arc::new(flows);
        Ok(true)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn seen(directory: Option<&Path>) -> Seen {
    let paths = directory.map(|directory| files(directory, &mut Vec::new())).unwrap_or_default();
    paths
        .into_iter()
        .map(|path| match fs::metadata(&path) {
            Ok(file) => (path, file.len(), file.modified().ok()),
            Err(_) => (path, 0, None),
        })
        .collect()
}

/// The flow files of a directory, in a fixed order.
fn files(directory: &Path, faults: &mut Vec<Fault>) -> Vec<PathBuf> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(source) => {
            faults.push(Fault::Read { path: directory.to_owned(), source });
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml"))
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str =
        "flow: small\nlanguages: [en]\nstart: end\nstates:\n  end:\n    say: { en: Bye. }\n    hangup: done\n";

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, yaml) in files {
            fs::write(directory.path().join(name), yaml).unwrap();
        }
        directory
    }

    #[test]
    fn the_shipped_flows_load() {
        let flows = Flows::load(None, true, "follow-up").unwrap();
        assert_eq!(
            flows.names().collect::<Vec<_>>(),
            ["appointment", "assistant", "customer-service", "follow-up", "satisfaction"]
        );
    }

    #[test]
    fn without_a_language_model_the_scripted_flows_are_there() {
        let flows = Flows::load(None, false, "follow-up").unwrap();
        let names = ["appointment", "customer-service", "follow-up", "satisfaction"];
        assert_eq!(flows.names().collect::<Vec<_>>(), names);
    }

    #[test]
    fn a_directory_adds_and_replaces_flows() {
        let replaced = SMALL.replace("flow: small", "flow: follow-up");
        let directory = directory(&[("small.yaml", SMALL), ("other.yml", &replaced), ("notes.txt", "no flow")]);
        let flows = Flows::load(Some(directory.path()), false, "small").unwrap();
        assert_eq!(
            flows.names().collect::<Vec<_>>(),
            ["appointment", "customer-service", "follow-up", "satisfaction", "small"]
        );
        assert_eq!(flows.by_name("follow-up").unwrap().languages().len(), 1);
    }

    #[test]
    fn all_faults_of_a_directory_are_told_at_once() {
        let broken = SMALL.replace("start: end", "start: nowhere");
        let directory = directory(&[("a.yaml", SMALL), ("b.yaml", SMALL), ("c.yaml", &broken)]);
        let text = Flows::load(Some(directory.path()), false, "none").unwrap_err().to_string();
        for part in [
            "b.yaml: there is another flow \"small\"",
            "c.yaml:3:8: there is no state \"nowhere\"",
            "default flow \"none\"",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        assert!(Flows::load(Some(Path::new("no/such/directory")), false, "follow-up").is_err());
    }

    #[test]
    fn the_shipped_forms_are_those_of_the_flows() {
        for (file, yaml) in SHIPPED {
            let flow = Flow::load(file, yaml).unwrap();
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("flows/forms/{}.json", flow.name()));
            let form = format!("{:#}\n", flow.form_schema());
            // To write them anew: VOXGATE_WRITE_FORMS=1.
            if std::env::var_os("VOXGATE_WRITE_FORMS").is_some() {
                fs::write(&path, &form).unwrap();
            }
            assert_eq!(fs::read_to_string(&path).unwrap_or_default(), form, "{}", path.display());
        }
    }

    #[test]
    fn a_changed_file_holds_for_new_conversations_and_a_broken_one_changes_nothing() {
        let directory = directory(&[("small.yaml", SMALL)]);
        let shelf = FlowShelf::load(Some(directory.path()), false, "small", &[]).unwrap();
        let first = shelf.current().by_name("small").unwrap();
        assert!(!shelf.refresh().unwrap());
        let path = directory.path().join("small.yaml");
        fs::write(&path, SMALL.replace("Bye.", "Good night.")).unwrap();
        assert!(shelf.refresh().unwrap());
        let second = shelf.current().by_name("small").unwrap();
        assert_ne!(first.version(), second.version());
        fs::write(&path, SMALL.replace("start: end", "start: nowhere")).unwrap();
        assert!(shelf.refresh().unwrap_err().to_string().contains("small.yaml:3:8"));
        assert!(!shelf.refresh().unwrap(), "told once");
        assert_eq!(shelf.current().by_name("small").unwrap().version(), second.version());
    }

    #[test]
    fn the_same_file_has_the_same_version_and_the_authors_is_part_of_it() {
        let versioned = SMALL.replace("languages:", "version: '2.1'\nlanguages:");
        let [one, two, three] =
            [SMALL, SMALL, &versioned].map(|yaml| Flow::load("x", yaml).unwrap().version().to_owned());
        assert_eq!(one, two);
        assert!(three.starts_with("2.1+") && three != one, "{three}");
    }
}
