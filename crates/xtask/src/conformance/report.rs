//! The test runner's report in JUnit's XML.

use std::collections::BTreeMap;

use anyhow::Context;

/// The tests of a run and whether each passed. Times in the report are not read: the page may not depend on them.
#[derive(Debug, Default)]
pub(super) struct Report {
    tests: BTreeMap<Test, bool>,
}

/// A test: the binary that it is in (`mrcp::suite`) and its path there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Test {
    pub(super) binary: String,
    pub(super) path: String,
}

impl Report {
    /// Reads `junit.xml`.
    pub(super) fn parse(xml: &str) -> anyhow::Result<Self> {
        let document = roxmltree::Document::parse(xml).context("the report is not XML")?;
        let mut tests = BTreeMap::new();
        for case in document.descendants().filter(|node| node.has_tag_name("testcase")) {
            let path = case.attribute("name").context("a test case has no name")?.to_owned();
            let binary = case.attribute("classname").unwrap_or_default().to_owned();
            let passed = !case
                .children()
                .any(|node| ["failure", "error", "skipped"].iter().any(|name| node.has_tag_name(*name)));
            tests.insert(Test { binary, path }, passed);
        }
        Ok(Self { tests })
    }

    /// Every test with whether it passed, in the order of their names.
    pub(super) fn tests(&self) -> impl Iterator<Item = (&Test, bool)> {
        self.tests.iter().map(|(test, passed)| (test, *passed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_test_without_failure_passed() {
        let report = Report::parse(
            r#"<testsuites><testsuite name="mrcp::suite">
                <testcase name="syn_010_good" classname="mrcp::suite" time="0.1"/>
                <testcase name="syn_011_bad" classname="mrcp::suite"><failure type="test failure"/></testcase>
                <testcase name="syn_012_gone" classname="mrcp::suite"><error/></testcase>
                <testcase name="syn_013_not_run" classname="mrcp::suite"><skipped/></testcase>
            </testsuite></testsuites>"#,
        )
        .expect("parses");
        let passed: Vec<bool> = report.tests().map(|(_, passed)| passed).collect();
        assert_eq!(passed, [true, false, false, false]);
    }
}
