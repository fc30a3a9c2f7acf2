use std::sync::Mutex;

use tempfile::TempDir;

use super::*;

/// A models directory, a registry of one package, and tools that are shell scripts.
struct Bench {
    directory: TempDir,
    catalog: Catalog,
    tools: Tools,
}

impl Bench {
    fn new() -> Bench {
        let catalog = format!(
            r#"
            [package.toy]
            registry = "npm"
            name = "toy-model"
            version = "1.0.0"
            file = "toy-model-1.0.0.tgz"
            bytes = 8
            sha256 = "{}"
            licence = "MIT"

            [set.toy]
            title = "a model of one file"
            [[set.toy.step]]
            script = "extract.py"
            into = "toy"
            arguments = ["{{toy}}"]
            [set.toy.step.outputs]
            "model.onnx" = "{}"
            [[set.toy.model]]
            name = "vad"
            purpose = "voice-activity"
            licence = "MIT"
            kind = "silero-vad"
            model = "toy/model.onnx"
            "#,
            digest::of_bytes(b"archive\n"),
            digest::of_bytes(b"made of archive\n")
        );
        let directory = TempDir::new().unwrap();
        let tools = Tools::installed();
        let bench = Bench { catalog: toml::from_str(&catalog).unwrap(), directory, tools };
        // What npm is asked is `pack … --pack-destination DIRECTORY --cache DIRECTORY NAME@VERSION`.
        bench.tool("npm", "echo \"$*\" >> \"$HERE/calls\"; echo archive > \"$5/toy-model-1.0.0.tgz\"");
        // And Python `-B -X utf8 SCRIPT DIRECTORY ARCHIVE`.
        bench.tool("python3", "(printf 'made of '; cat \"$6\") > \"$5/model.onnx\"");
        let script = |name: &str| bench.directory.path().join(name);
        let tools = Tools {
            python: bench.tools.python.at(&["sh".as_ref(), script("python3").as_os_str()]),
            npm: bench.tools.npm.at(&["sh".as_ref(), script("npm").as_os_str()]),
        };
        Bench { tools, ..bench }
    }

    fn tool(&self, name: &str, script: &str) {
        let here = self.directory.path();
        let path = here.join(name);
        std::fs::write(&path, format!("HERE='{}'\n{script}\n", here.display())).unwrap();
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("models")
    }

    fn fetch(&self) -> Result<Manifest, FetchError> {
        self.watched(&mut |_| {})
    }

    fn watched(&self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Manifest, FetchError> {
        fetch_from(&self.catalog, &self.tools, &self.root(), &[], progress)
    }

    /// How often a registry was asked.
    fn calls(&self) -> usize {
        std::fs::read_to_string(self.directory.path().join("calls")).unwrap_or_default().lines().count()
    }

    fn model(&self) -> PathBuf {
        self.root().join("toy/model.onnx")
    }
}

#[test]
fn what_is_fetched_is_prepared_checked_and_in_the_manifest() {
    let bench = Bench::new();
    let manifest = bench.fetch().unwrap();
    assert_eq!(manifest, Manifest::load(&bench.root()).unwrap());
    assert_eq!(std::fs::read_to_string(bench.model()).unwrap(), "made of archive\n");
    let model = manifest.model("toy/vad").unwrap();
    assert!(manifest.check(&bench.root(), model, Depth::Full).is_empty());
    assert!(!bench.root().join("staging").exists());
}

#[test]
fn a_second_fetch_runs_nothing() {
    let bench = Bench::new();
    bench.fetch().unwrap();
    bench.tool("npm", "exit 1");
    bench.tool("python3", "exit 1");
    let mut up_to_date = false;
    bench.watched(&mut |progress| up_to_date |= matches!(progress, Progress::UpToDate)).unwrap();
    assert!(up_to_date);
}

#[test]
fn a_damaged_file_is_prepared_again_without_the_registry() {
    let bench = Bench::new();
    bench.fetch().unwrap();
    std::fs::write(bench.model(), "made of nothing\n").unwrap();
    bench.fetch().unwrap();
    assert_eq!(std::fs::read_to_string(bench.model()).unwrap(), "made of archive\n");
    assert_eq!(bench.calls(), 1);
}

#[test]
fn a_damaged_archive_is_fetched_again() {
    let bench = Bench::new();
    bench.fetch().unwrap();
    std::fs::write(bench.root().join("archives/toy-model-1.0.0.tgz"), "archi").unwrap();
    std::fs::remove_file(bench.model()).unwrap();
    bench.fetch().unwrap();
    assert_eq!(bench.calls(), 2);
}

#[test]
fn another_archive_under_the_same_version_is_refused_and_not_kept() {
    let bench = Bench::new();
    bench.tool("npm", "echo other > \"$5/toy-model-1.0.0.tgz\"");
    let error = bench.fetch().unwrap_err();
    assert!(matches!(error, FetchError::ArchiveSum { .. }), "{error}");
    assert!(!bench.root().join("archives/toy-model-1.0.0.tgz").exists());
    assert!(matches!(Manifest::load(&bench.root()), Err(ManifestError::Absent(_))));
}

#[test]
fn a_result_other_than_the_tested_one_is_refused_and_the_old_one_stays() {
    let bench = Bench::new();
    bench.tool("python3", "echo other > \"$5/model.onnx\"");
    assert!(matches!(bench.fetch(), Err(FetchError::OutputSum { .. })));
    assert!(!bench.model().exists());
}

#[test]
fn a_registry_without_the_archive_is_said_so() {
    let bench = Bench::new();
    bench.tool("npm", "exit 0");
    let error = bench.fetch().unwrap_err();
    assert!(matches!(error, FetchError::NoArchive { .. }), "{error}");
}

#[test]
fn a_failing_client_is_reported_and_the_next_run_goes_on() {
    let bench = Bench::new();
    bench.tool("python3", "echo out of memory; exit 9");
    let error = bench.fetch().unwrap_err().to_string();
    assert!(error.contains("out of memory"), "{error}");
    bench.tool("python3", "(printf 'made of '; cat \"$6\") > \"$5/model.onnx\"");
    bench.fetch().unwrap();
    assert_eq!(bench.calls(), 1);
}

#[test]
fn a_missing_client_is_named_with_the_remedy() {
    let mut bench = Bench::new();
    bench.tools.npm = bench.tools.npm.at(&["no-such-program-anywhere".as_ref()]);
    let error = bench.fetch().unwrap_err().to_string();
    assert!(error.contains("npm was not found") && error.contains("install"), "{error}");
}

#[test]
fn a_manifest_of_another_version_is_made_anew() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.root()).unwrap();
    std::fs::write(bench.root().join("manifest.json"), "{\"schema\": 999}").unwrap();
    assert!(bench.fetch().unwrap().model("toy/vad").is_some());
}

#[test]
fn of_two_runs_at_once_one_fetches_and_the_other_waits() {
    let bench = Bench::new();
    let waited = Mutex::new(0);
    std::thread::scope(|scope| {
        // The registry answers the first run only after the second has come to wait.
        bench.tool(
            "npm",
            "echo \"$*\" >> \"$HERE/calls\"; until [ -e \"$HERE/waiting\" ]; do sleep 0.02; done; echo archive > \"$5/toy-model-1.0.0.tgz\"",
        );
        for _ in 0..2 {
            scope.spawn(|| {
                bench
                    .watched(&mut |progress| {
                        if matches!(progress, Progress::Waiting) {
                            std::fs::write(bench.directory.path().join("waiting"), "").unwrap();
                            *waited.lock().unwrap() += 1;
                        }
                    })
                    .unwrap();
            });
        }
    });
    assert_eq!((*waited.lock().unwrap(), bench.calls()), (1, 1));
}

#[test]
fn every_archive_and_set_is_shown() {
    let bench = Bench::new();
    let mut shown = Vec::new();
    bench
        .watched(&mut |progress| {
            shown.push(match progress {
                Progress::Fetching { index, count, bytes, .. } => format!("fetching {index}/{count} {}", bytes <= 8),
                Progress::Fetched { index, count, .. } => format!("fetched {index}/{count}"),
                Progress::Preparing { set, .. } => format!("preparing {set}"),
                Progress::Ready { set, bytes } => format!("ready {set} {bytes}"),
                other => panic!("{other:?}"),
            });
        })
        .unwrap();
    shown.dedup();
    assert_eq!(shown, ["fetching 1/1 true", "fetched 1/1", "preparing toy", "ready toy 16"]);
}

#[test]
fn pythons_without_tested_libraries_are_told_apart() {
    assert!(is_supported("CPython 3.10.13") && is_supported("CPython 3.14.0rc1"));
    for python in ["CPython 3.9.18", "CPython 3.15.0", "PyPy 3.11.1", "CPython 2.7.18", ""] {
        assert!(!is_supported(python), "{python}");
    }
}
