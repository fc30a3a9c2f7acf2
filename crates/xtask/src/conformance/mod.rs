//! `docs/conformance.md`: which statements of the standards are shown, by which tests.

mod page;
mod report;
mod statement;

use std::fs;

use anyhow::{Context, bail};
use clap::Args;

use self::page::Conformance;
use self::report::Report;
use self::statement::{FAMILIES, Reasons, statements};
use crate::run::{root, succeed};
use crate::test;

const STATEMENTS: &str = "tests/conformance/statements.tsv";
const REASONS: &str = "tests/conformance/reasons.toml";
const PAGE: &str = "docs/conformance.md";

/// What `cargo xtask conformance` takes.
#[derive(Debug, Args)]
pub(crate) struct ConformanceArgs {
    /// Fails when the page is stale, or a P1 or P2 statement has neither a passing test nor a reason. Writes nothing.
    #[arg(long)]
    check: bool,
    /// Runs the tests that name statements, instead of reading the report of the last `cargo xtask test`.
    #[arg(long)]
    run: bool,
    /// With `--run`: no models, no native library.
    #[arg(long, requires = "run")]
    quick: bool,
}

/// Writes or checks the page.
///
/// # Errors
/// What `--check` objects to; a report that is not there; files that cannot be read or written.
pub(crate) fn run(arguments: &ConformanceArgs) -> anyhow::Result<()> {
    if !test::has_nextest() {
        eprintln!(
            "cargo-nextest is not installed: conformance was not looked at (cargo install cargo-nextest --locked)"
        );
        return Ok(());
    }
    let profile = if arguments.run { test::Profile::Conformance } else { test::Profile::Whole };
    // The runner keeps its reports there whatever the build directory is.
    let path = root().join("target/nextest").join(profile.name()).join("junit.xml");
    if arguments.run {
        // What an earlier run left may not be taken for this one's.
        let _was_not_there = fs::remove_file(&path);
        // The page says what failed; so does the runner's own output.
        let _told_by_the_page = succeed(test::runner(profile, arguments.quick)?.args(["-E", &filter()]));
    }
    let report = fs::read_to_string(&path)
        .with_context(|| format!("{} is not there: run `cargo xtask test` first", path.display()))?;
    let statements = statements(&fs::read_to_string(root().join(STATEMENTS))?).context(STATEMENTS)?;
    let reasons = Reasons::parse(&fs::read_to_string(root().join(REASONS))?).context(REASONS)?;
    let report = Report::parse(&report)?;
    let conformance = Conformance::new(&statements, &reasons, &report);

    let mut findings = conformance.findings();
    let page = conformance.page();
    if !arguments.check {
        fs::write(root().join(PAGE), page)?;
    } else if fs::read_to_string(root().join(PAGE)).unwrap_or_default() != page {
        findings.push(format!("{PAGE} is stale: run `cargo xtask conformance`"));
    }
    for finding in &findings {
        eprintln!("conformance: {finding}");
    }
    println!("conformance: {}", conformance.summary());
    if arguments.check && !findings.is_empty() {
        bail!("conformance: {} findings", findings.len());
    }
    Ok(())
}

/// The runner's filter for tests that name statements.
fn filter() -> String {
    let families: Vec<String> = FAMILIES.iter().map(|(family, _)| family.to_ascii_lowercase()).collect();
    format!("test(/(^|::)({})_[0-9]{{3}}(_|::|$)/)", families.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_s_own_lists_can_be_read_and_agree() {
        let statements = statements(include_str!("../../../../tests/conformance/statements.tsv")).expect("statements");
        let reasons = Reasons::parse(include_str!("../../../../tests/conformance/reasons.toml")).expect("reasons");
        assert_eq!(statements.len(), 463);
        assert!(statements.iter().all(|statement| statement.text.chars().count() <= 100));
        let unknown = |finding: &String| finding.starts_with("a reason is given for");
        assert!(!Conformance::new(&statements, &reasons, &Report::default()).findings().iter().any(unknown));
    }
}
