//! What no compiler checks: the arrows between crates, sizes of files, links in documents, paths of this or that machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::run::root;

/// Which crate may use which of ours; `docs/ARCHITECTURE.md` explains. A new arrow is a decision.
const ARROWS: &[(&str, &[&str])] = &[
    ("sip", &[]),
    ("sdp", &[]),
    ("mrcp", &[]),
    ("media", &[]),
    ("speech", &["phonemes"]),
    ("models", &[]),
    ("recording", &["media"]),
    ("fetch", &[]),
    ("session", &["sip", "sdp", "mrcp", "media", "speech"]),
    ("conversation", &["speech"]),
    ("engine", &["speech", "media", "models", "phonemes"]),
    ("phonemes", &[]),
    ("proto", &[]),
    ("dialog-client", &["proto", "conversation", "speech"]),
    ("dialog-service", &["proto", "speech"]),
    ("client", &["sip", "sdp", "mrcp", "media", "speech"]),
    (
        "server",
        &[
            "sip",
            "sdp",
            "mrcp",
            "media",
            "speech",
            "session",
            "fetch",
            "conversation",
            "engine",
            "proto",
            "dialog-client",
            "dialog-service",
            "client",
            "models",
            "recording",
        ],
    ),
    ("testkit", &[]),
    ("xtask", &["models"]),
];

const FILE_LINES_MAX: usize = 1_000;

/// Checks everything and reports every finding.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut findings = Vec::new();
    arrows(&mut findings)?;
    for file in tracked_files()? {
        let Ok(text) = fs::read_to_string(root().join(&file)) else { continue };
        let is_rust = file.extension().is_some_and(|extension| extension == "rs");
        if is_rust && text.lines().count() > FILE_LINES_MAX {
            findings.push(format!("{}: over {FILE_LINES_MAX} lines: which second noun moved in?", file.display()));
        }
        if file.extension().is_some_and(|extension| extension == "md") {
            links(&file, &text, &mut findings);
        }
        paths(&file, &text, &mut findings);
    }
    if findings.is_empty() {
        println!("tidy: nothing found");
        return Ok(());
    }
    for finding in &findings {
        eprintln!("tidy: {finding}");
    }
    bail!("tidy: {} findings", findings.len());
}

fn tracked_files() -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new("git").args(["ls-files"]).current_dir(root()).output().context("cannot run git")?;
    Ok(String::from_utf8(output.stdout)?.lines().map(PathBuf::from).collect())
}

fn arrows(findings: &mut Vec<String>) -> anyhow::Result<()> {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    for entry in fs::read_dir(root().join("crates"))? {
        let path = entry?.path();
        let manifest: toml::Table = fs::read_to_string(path.join("Cargo.toml"))
            .with_context(|| format!("{} has no Cargo.toml", path.display()))?
            .parse()?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(may_use) = allowed.get(name.as_str()) else {
            findings.push(format!("crates/{name}: not in the table of arrows"));
            continue;
        };
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
        for dependency in dependencies.into_iter().flat_map(|table| table.keys()) {
            if allowed.contains_key(dependency.as_str()) && !may_use.contains(&dependency.as_str()) {
                findings.push(format!("crates/{name} may not use {dependency}"));
            }
        }
    }
    Ok(())
}

/// Relative links must lead to a file that exists.
fn links(file: &Path, text: &str, findings: &mut Vec<String>) {
    let folder = root().join(file.parent().unwrap_or(Path::new("")));
    for (number, line) in text.lines().enumerate() {
        for part in line.split("](").skip(1) {
            let Some(target) = part.split([')', '#', ' ']).next().filter(|target| !target.is_empty()) else { continue };
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            if !folder.join(target).exists() {
                findings.push(format!("{}:{}: dead link {target}", file.display(), number + 1));
            }
        }
    }
}

/// Paths of one machine do not belong in the project.
fn paths(file: &Path, text: &str, findings: &mut Vec<String>) {
    // Written in two parts, so that this file does not find itself.
    let forbidden = [concat!("/wo", "rk/"), concat!("/tmp/", "vg"), concat!("../sha", "red/")];
    if file.file_name().is_some_and(|name| name == "Cargo.lock") {
        return;
    }
    for (number, line) in text.lines().enumerate() {
        for path in forbidden {
            if line.contains(path) {
                findings.push(format!("{}:{}: names {path}", file.display(), number + 1));
            }
        }
    }
}
