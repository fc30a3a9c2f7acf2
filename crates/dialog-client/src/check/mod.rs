//! Checks that a service keeps the protocol's rules, by talking to it as a server would.
//!
//! Each rule has conversations of its own, so that one breach does not hide another.

mod future;
mod report;
mod rules;
mod talk;

use std::time::Duration;

use proto::v1::dialog_client::DialogClient as Stub;
use tonic::transport::Endpoint;

use crate::client::DialogClientError;
pub use report::{Finding, Outcome, Report};
use rules::Rule;
use talk::Line;

/// What is checked, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOptions {
    /// The service: `http://HOST:PORT`, or `HOST:PORT`.
    pub address: String,
    /// The flow that is asked for; `None`: the service's own choice.
    pub flow: Option<String>,
    /// The language that is asked for; `None`: the flow's own.
    pub language: Option<String>,
    /// How long a whole reply may take.
    pub reply_within: Duration,
    /// How long the first event of a reply may take.
    pub first_event_within: Duration,
}

impl CheckOptions {
    /// The service at `address`, with the time that servers give by default.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            flow: None,
            language: None,
            reply_within: Duration::from_secs(30),
            first_event_within: Duration::from_secs(4),
        }
    }
}

/// Checks a service. Takes as long as the service takes for some twenty turns.
///
/// # Errors
/// When the address is none. A service that cannot be reached is a finding.
pub async fn check(options: &CheckOptions) -> Result<Report, DialogClientError> {
    let address = &options.address;
    let uri = if address.contains("://") { address.clone() } else { format!("http://{address}") };
    let endpoint = Endpoint::from_shared(uri)
        .map_err(|source| DialogClientError::Address { address: address.clone(), source })?
        .connect_timeout(Duration::from_secs(5));
    let channel = endpoint.connect_lazy();
    let line = Line::new(Stub::new(channel.clone()), channel, options.clone());
    let mut report = Report { address: address.clone(), ..Report::default() };
    for rule in Rule::ALL {
        let outcome = rule.check(&line, &mut report).await;
        let is_gone = rule == Rule::Reachable && outcome.is_broken();
        report.findings.push(Finding { rule: rule.name(), demand: rule.demand(), outcome });
        if is_gone {
            break;
        }
    }
    report.first_events = line.first_events();
    Ok(report)
}
