//! The statements that the server is held to, the reasons why some have no test, and the ids in tests' names.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use anyhow::{Context, bail};

/// The families, in the order of the page, with their titles.
pub(super) const FAMILIES: &[(&str, &str)] = &[
    ("FRM", "Framing and start line"),
    ("HDR", "Header syntax"),
    ("SES", "Session establishment: SIP and SDP"),
    ("CON", "Connections and their sharing"),
    ("GEN", "SET-PARAMS and GET-PARAMS"),
    ("GHF", "Generic header fields"),
    ("SYN", "Synthesizer"),
    ("REC", "Recognizer"),
    ("DTM", "DTMF"),
    ("GRM", "Grammars"),
    ("NLS", "NLSML"),
    ("ENR", "Enrollment"),
    ("RCD", "Recorder"),
    ("VER", "Speaker verification"),
    ("SEC", "Security"),
    ("RTP", "Media"),
    ("INT", "What real clients need"),
];

/// `SYN-010`: a family and a number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) family: String,
    number: u16,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:03}", self.family, self.number)
    }
}

impl FromStr for Id {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (family, number) = text.split_once('-').with_context(|| format!("{text} is not an id like SYN-010"))?;
        if !FAMILIES.iter().any(|(known, _)| *known == family) || number.len() != 3 {
            bail!("{text} is not an id like SYN-010");
        }
        Ok(Self { family: family.to_owned(), number: number.parse()? })
    }
}

/// How much depends on a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Priority {
    /// Every real client depends on it.
    P1,
    /// Some clients, or robustness.
    P2,
    /// Rare.
    P3,
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// One line of `tests/conformance/statements.tsv`.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) id: Id,
    pub(super) priority: Priority,
    /// Of RFC 6787, unless another document is named.
    pub(super) section: String,
    pub(super) text: String,
}

/// Reads the list of statements.
pub(super) fn statements(tsv: &str) -> anyhow::Result<Vec<Statement>> {
    let mut statements: Vec<Statement> = Vec::new();
    for line in tsv.lines().skip(1) {
        let [id, priority, section, text] = line.split('\t').collect::<Vec<_>>()[..] else {
            bail!("a statement has id, priority, section and text: {line:?}");
        };
        let priority = match priority {
            "P1" => Priority::P1,
            "P2" => Priority::P2,
            "P3" => Priority::P3,
            other => bail!("{id}: no priority {other:?}"),
        };
        let id: Id = id.parse()?;
        if statements.iter().any(|statement| statement.id == id) {
            bail!("{id} is listed twice");
        }
        statements.push(Statement { id, priority, section: section.to_owned(), text: text.to_owned() });
    }
    Ok(statements)
}

/// Why statements have no test, or are shown in part: by id, or for a whole family by its name.
#[derive(Debug, Default)]
pub(super) struct Reasons(BTreeMap<String, String>);

impl Reasons {
    /// Reads `tests/conformance/reasons.toml`.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let table: toml::Table = text.parse()?;
        let reasons = table.into_iter().map(|(id, reason)| match reason {
            toml::Value::String(reason) if !reason.trim().is_empty() => Ok((id, reason.trim().to_owned())),
            _ => bail!("the reason for {id} is not a text"),
        });
        Ok(Self(reasons.collect::<anyhow::Result<_>>()?))
    }

    /// The statement's own reason.
    pub(super) fn own(&self, id: &Id) -> Option<&str> {
        self.0.get(&id.to_string()).map(String::as_str)
    }

    /// The reason given for its whole family.
    pub(super) fn of_family(&self, id: &Id) -> Option<&str> {
        self.0.get(&id.family).map(String::as_str)
    }

    /// Every name that reasons are given for.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// The ids that a test's path begins its segments with: `synthesizer::syn_010_syn_011_stop_ends_all` names two.
pub(super) fn ids_in(test_path: &str) -> Vec<Id> {
    let mut ids = Vec::new();
    for segment in test_path.split("::") {
        let mut rest = segment;
        while let Some((id, after)) = leading_id(rest) {
            ids.push(id);
            rest = after;
        }
    }
    ids
}

/// `syn_010_stop…` → `SYN-010` and `stop…`. Only families of the list count, so that `utf_016_…` may be a test's name.
fn leading_id(text: &str) -> Option<(Id, &str)> {
    let (family, rest) = text.split_once('_')?;
    let family = family.to_ascii_uppercase();
    if !FAMILIES.iter().any(|(known, _)| *known == family) {
        return None;
    }
    let (number, after) = rest.split_once('_').unwrap_or((rest, ""));
    if number.len() != 3 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((Id { family, number: number.parse().ok()? }, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(path: &str) -> Vec<String> {
        ids_in(path).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_tests_name_names_its_statements_by_prefix() {
        assert_eq!(named("synthesizer::syn_010_stop_ends_all"), ["SYN-010"]);
        assert_eq!(named("syn_010_syn_011_stop"), ["SYN-010", "SYN-011"]);
    }

    #[test]
    fn a_module_names_statements_for_all_its_tests() {
        assert_eq!(named("suite::syn_026::words"), ["SYN-026"]);
        assert_eq!(named("syn_026::rec_001_both"), ["SYN-026", "REC-001"]);
    }

    #[test]
    fn what_only_looks_like_an_id_is_none() {
        assert!(named("utf_016_is_read").is_empty());
        assert!(named("syn_10_short").is_empty());
        assert!(named("recognizer::stop_after_syn_010").is_empty());
    }

    #[test]
    fn statements_are_unique_and_whole() {
        let one = "id\tpriority\tsection\tstatement\nSYN-010\tP1\t8.7\tSTOP ends all\n";
        assert_eq!(statements(one).expect("parses")[0].id.to_string(), "SYN-010");
        assert!(statements(&format!("{one}SYN-010\tP1\t8.7\tAgain\n")).is_err());
        assert!(statements("id\nXXX-010\tP1\t8.7\tSTOP ends all\n").is_err());
        assert!(statements("id\nSYN-010\tP4\t8.7\tSTOP ends all\n").is_err());
        assert!(statements("id\nSYN-010\tP1\tSTOP ends all\n").is_err());
    }

    #[test]
    fn a_reason_says_something() {
        assert!(Reasons::parse("\"SEC-001\" = \"\"\n").is_err());
        assert!(Reasons::parse("\"SEC-001\" = 3\n").is_err());
    }
}
