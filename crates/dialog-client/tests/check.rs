//! The contract test: clean for services that keep the protocol's rules, and a finding for each rule that is broken.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Breach, Running, Store};
use dialog_client::check::{CheckOptions, Outcome, Report, check};
use dialog_service::{DialogService, DialogServiceConfig};

async fn checked(breach: Option<Breach>) -> Report {
    let service = Running::start("service", &Store::default(), breach).await;
    let report = check(&CheckOptions::new(service.address.to_string())).await.unwrap();
    service.kill().await;
    report
}

#[tokio::test]
async fn a_service_that_keeps_the_rules_is_clean() {
    let report = checked(None).await;
    assert!(report.is_clean(), "{report}");
    assert!(report.findings.iter().all(|finding| finding.outcome == Outcome::Kept), "{report}");
    assert_eq!(report.service, "keeper/1");
    assert_eq!(report.to_json()["clean"], serde_json::json!(true));
}

#[tokio::test]
async fn the_reference_service_keeps_the_rules() {
    let listen = "127.0.0.1:0".parse().unwrap();
    let service = DialogService::bind(DialogServiceConfig { listen, ..DialogServiceConfig::default() }).await.unwrap();
    let address = service.address().to_string();
    let serving = tokio::spawn(service.run(std::future::pending()));
    let report = check(&CheckOptions::new(address)).await.unwrap();
    serving.abort();
    assert!(report.is_clean(), "{report}");
}

#[tokio::test]
async fn each_breach_is_found_by_its_rule() {
    let breaches = [
        (Breach::CapabilitiesFail, "capabilities"),
        (Breach::NoEnd, "greeting"),
        (Breach::AfterTheEnd, "greeting"),
        (Breach::TwoActions, "greeting"),
        (Breach::WrongTurn, "greeting"),
        (Breach::FormIsAList, "greeting"),
        (Breach::GreetsAnew, "start-repeated"),
        (Breach::AnswersAnew, "turn-repeated"),
        (Breach::AnswersOlderTurns, "older-turn"),
        (Breach::RefusesSilence, "silence-and-keys"),
        (Breach::RefusesInterruption, "interruption"),
        (Breach::KeepsWhatWasNotHeard, "heard-is-the-truth"),
        (Breach::DiesOfCancellation, "cancellation"),
        (Breach::KnowsEverybody, "unknown-conversation"),
        (Breach::TakesAnyFlow, "bad-start"),
        (Breach::ForgetsItsRecord, "end"),
        (Breach::AnswersAfterTheEnd, "end"),
        (Breach::RemembersWithdrawnTurns, "speculation"),
    ];
    for (breach, rule) in breaches {
        let report = checked(Some(breach)).await;
        let found = report.findings.iter().find(|finding| finding.rule == rule).unwrap();
        assert!(found.outcome.is_broken(), "{breach:?}: {report}");
        assert!(!report.is_clean());
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_is_one_finding() {
    // Nobody listens on the port of discarded traffic.
    let report = check(&CheckOptions::new("127.0.0.1:9")).await.unwrap();
    assert_eq!(report.findings.len(), 1);
    assert!(report.findings[0].outcome.is_broken());
}
