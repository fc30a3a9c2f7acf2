//! The shipped flows, each held with callers of all kinds through the real service.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Running, config};
use dialog_service::rehearsal::Rehearsal;

/// Dialogues of each shipped flow, at least.
const DIALOGUES_MIN: usize = 20;

async fn hold(yaml: &str) {
    let rehearsal = Rehearsal::load(yaml).unwrap();
    assert!(rehearsal.dialogues.len() >= DIALOGUES_MIN, "{} has {}", rehearsal.flow, rehearsal.dialogues.len());
    let running = Running::start(config()).await;
    let faults = rehearsal.run(&mut running.client(), &rehearsal.flow).await.unwrap();
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), rehearsal.dialogues.len(), faults.join("\n"));
}

#[tokio::test]
async fn dialogues_of_the_follow_up_end_as_they_should() {
    hold(include_str!("../flows/dialogues/follow-up.yaml")).await;
}

#[tokio::test]
async fn dialogues_of_the_satisfaction_survey_end_as_they_should() {
    hold(include_str!("../flows/dialogues/satisfaction.yaml")).await;
}

#[tokio::test]
async fn dialogues_of_the_appointment_reminder_end_as_they_should() {
    hold(include_str!("../flows/dialogues/appointment.yaml")).await;
}

#[tokio::test]
async fn dialogues_of_customer_service_end_as_they_should() {
    hold(include_str!("../flows/dialogues/customer-service.yaml")).await;
}
