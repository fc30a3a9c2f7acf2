use std::{fmt, time::Duration};

use serde_json::{Value, json};

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The service's address.
    pub address: String,
    /// Its name and version, as it says.
    pub service: String,
    /// One for each rule, in order.
    pub findings: Vec<Finding>,
    /// How long each reply's first event took, sorted.
    pub first_events: Vec<Duration>,
}

/// What came of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's short name.
    pub rule: &'static str,
    /// What it demands, in a sentence.
    pub demand: &'static str,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The service keeps it.
    Kept,
    /// It does not: why.
    Broken(String),
    /// It could not be checked, or does not apply: why.
    Skipped(String),
}

impl Outcome {
    /// Whether the service breaks the rule.
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::Broken(_))
    }
}

impl Report {
    /// Whether no rule is broken.
    pub fn is_clean(&self) -> bool {
        !self.findings.iter().any(|finding| finding.outcome.is_broken())
    }

    /// The report for programs.
    pub fn to_json(&self) -> Value {
        let findings: Vec<Value> = self
            .findings
            .iter()
            .map(|finding| {
                let (outcome, why) = match &finding.outcome {
                    Outcome::Kept => ("kept", None),
                    Outcome::Broken(why) => ("broken", Some(why)),
                    Outcome::Skipped(why) => ("skipped", Some(why)),
                };
                json!({ "rule": finding.rule, "demand": finding.demand, "outcome": outcome, "why": why })
            })
            .collect();
        let ms = |at: Option<&Duration>| at.map(|took| (took.as_secs_f64() * 1e6).round() / 1e3);
        json!({
            "address": self.address,
            "service": self.service,
            "clean": self.is_clean(),
            "findings": findings,
            "first_event_ms": {
                "replies": self.first_events.len(),
                "median": ms(self.median()),
                "longest": ms(self.first_events.last()),
            },
        })
    }

    fn median(&self) -> Option<&Duration> {
        self.first_events.get(self.first_events.len() / 2)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = if self.service.is_empty() { "a service that gives no name" } else { &self.service };
        writeln!(f, "{} ({service})", self.address)?;
        for finding in &self.findings {
            let (mark, why) = match &finding.outcome {
                Outcome::Kept => ("ok      ", None),
                Outcome::Broken(why) => ("BROKEN  ", Some(why)),
                Outcome::Skipped(why) => ("skipped ", Some(why)),
            };
            writeln!(f, "{mark} {:<22} {}", finding.rule, finding.demand)?;
            if let Some(why) = why {
                writeln!(f, "{:32}{why}", "")?;
            }
        }
        if let (Some(median), Some(longest)) = (self.median(), self.first_events.last()) {
            writeln!(
                f,
                "first event of {} replies: median {:.1} ms, longest {:.1} ms",
                self.first_events.len(),
                median.as_secs_f64() * 1e3,
                longest.as_secs_f64() * 1e3
            )?;
        }
        let broken = self.findings.iter().filter(|finding| finding.outcome.is_broken()).count();
        match broken {
            0 => write!(f, "no rule is broken"),
            1 => write!(f, "1 rule is broken"),
            more => write!(f, "{more} rules are broken"),
        }
    }
}
