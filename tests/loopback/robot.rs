//! Robot calls: two sessions, one conversation, the dialog service behind it.

use std::path::Path;

use client::{ClientConfig, ConversationReport, Ladder, Recording, Scenario, run_scenario};
use serde_json::json;
use server::Server;

use crate::support::{configuration, now, soon, spoken};

const FLOW: &str = r#"
flow: brief
languages: [en-US]
start: pain
slots:
  pain: { type: number, min: 0, max: 10, whole: true }
  fever: { type: boolean }
defaults:
  attempts: 2
  reprompt: { en-US: Again. }
  silence: { en-US: Hello. }
states:
  pain:
    say: { en-US: "Pain?" }
    ask: pain
    invalid: { en-US: "Ten at most." }
    give_up: fever
    next: fever
  fever:
    say: { en-US: "Fever?" }
    ask: fever
    give_up: bye
    next: bye
  bye:
    say: { en-US: "Bye." }
    hangup: completed
"#;

/// Calls `server` with the scenario in `text`, whose audio files say what they are named.
pub(crate) async fn call(server: &Server, folder: &Path, text: &str) -> ConversationReport {
    for word in text.lines().filter_map(|line| line.split("say: ").nth(1)?.split(".wav").next()) {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(folder.join(format!("{word}.wav")), spec).unwrap();
        for sample in spoken(&word.replace('_', " "), 8_000).samples {
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
    }
    let scenario = Scenario::parse(text, folder).unwrap();
    let ladder = Ladder::new(now());
    let recording = Recording::new(ladder.start(), 8_000);
    let mut lines = Vec::new();
    let config = ClientConfig::new(server.sip_address());
    let running = run_scenario(config, &scenario, &ladder, &recording, |line| lines.push(line.to_owned()));
    let report = tokio::time::timeout(3 * crate::support::SOON, running).await;
    report.unwrap_or_else(|_| panic!("the call did not end:\n{}", lines.join("\n"))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_answers_by_words_and_keys_and_the_robot_hangs_up() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("brief.yaml"), FLOW).unwrap();
    let mut config = configuration();
    config.dialog.flows = Some(folder.path().to_owned());
    config.dialog.flow = "brief".to_owned();
    config.dialog.records = Some(folder.path().join("records"));
    let server = Server::start(config).await.unwrap();
    let text = r#"
name: Brief
language: en-US
reaction_ms: 100
turns:
  - { robot: "Pain", say: eleven.wav, heard: eleven, action: continue }
  - { robot: "Ten at most", dtmf: "6", action: continue }
  - { robot: "Fever", say: no.wav, interrupt_after_ms: 200, heard: "no" }
finally: { robot: "Bye", action: hangup, slots: { pain: 6, fever: false } }
"#;
    let report = call(&server, folder.path(), text).await;
    assert_eq!(report.problems, Vec::<String>::new(), "{report:#?}");
    assert_eq!(report.action.as_deref(), Some("hangup"));
    assert_eq!(report.slots.get("pain"), Some(&json!(6)));
    let records = folder.path().join("records");
    soon("the record", async {
        while !std::fs::read_dir(&records).is_ok_and(|mut files| files.next().is_some()) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_dialog_service_the_robot_apologizes_and_hangs_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = configuration();
    // Nobody listens on the port of discarded traffic.
    config.dialog.addresses = vec!["http://127.0.0.1:9".to_owned()];
    config.dialog.fallback_english = "Sorry.".to_owned();
    let server = Server::start(config).await.unwrap();
    let text = "name: Nobody\nlanguage: en-US\nfinally: { robot: \"Sorry\", action: hangup }\n";
    let report = call(&server, folder.path(), text).await;
    assert_eq!(report.problems, Vec::<String>::new(), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_caller_is_asked_by_the_server_and_an_answer_is_prepared_while_the_caller_pauses() {
    let folder = tempfile::tempdir().unwrap();
    let policy = "policy: { silence_prompts: { en-US: [Still there?] }, speculation: true }\nslots:\n";
    std::fs::write(folder.path().join("brief.yaml"), FLOW.replacen("slots:\n", policy, 1)).unwrap();
    let mut config = configuration();
    config.dialog.flows = Some(folder.path().to_owned());
    config.dialog.flow = "brief".to_owned();
    config.dialog.records = Some(folder.path().join("records"));
    // Pauses are judged, however late the words of one come.
    config.recognizer.speech_incomplete_timeout = 2 * crate::support::SOON;
    let server = Server::start(config).await.unwrap();
    let text = r#"
name: Brief
language: en-US
reaction_ms: 100
no_input_timeout_ms: 500
turns:
  - { robot: "Pain", silence: true }
  - { robot: "Still there", say: six.wav, heard: six, action: continue }
  - { robot: "Fever", say: no.wav, heard: "no" }
finally: { robot: "Bye", action: hangup, slots: { pain: 6, fever: false } }
"#;
    let report = call(&server, folder.path(), text).await;
    assert_eq!(report.problems, Vec::<String>::new(), "{report:#?}");
    let records = folder.path().join("records");
    let record = soon("the record", async {
        loop {
            let mut files = std::fs::read_dir(&records).into_iter().flatten().flatten();
            let file = files.find(|file| file.path().extension().is_some_and(|end| end == "json"));
            if let Some(text) = file.and_then(|file| std::fs::read_to_string(file.path()).ok()) {
                return text;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let lines: Vec<&str> =
        record["transcript"].as_array().unwrap().iter().filter_map(|line| line["text"].as_str()).collect();
    assert_eq!(lines, ["Pain?", "six", "Fever?", "no", "Bye."], "each once, and nothing of the server's own");
    let metrics = crate::support::http_get(server.http_address().unwrap(), "/metrics").await.1;
    for name in ["conversation_silence_prompts_total ", "conversation_speculations_total{outcome=\"committed\"} "] {
        assert!(metrics.contains(name), "{name}\n{metrics}");
    }
}
