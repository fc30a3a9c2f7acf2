//! The example service in Python, through the real protocol. Plain `cargo test` has no Python packages and skips this; `cargo xtask test`
//! prepares them.

use std::path::PathBuf;
use std::process::Stdio;

use dialog_client::check::{CheckOptions, check};
use serde_json::json;
use server::Server;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::robot::call;
use crate::support::{configuration, soon};

/// The service, until it is dropped.
struct Example {
    address: String,
    _process: Child,
}

/// Starts it on a free port; `None`, and a word about it, where it was not prepared.
async fn start() -> Option<Example> {
    let (Some(python), Some(modules)) =
        (std::env::var_os("VOXGATE_EXAMPLE_PYTHON"), std::env::var_os("VOXGATE_EXAMPLE_MODULES"))
    else {
        eprintln!(
            "skipped: cargo xtask test prepares Python and sets VOXGATE_EXAMPLE_PYTHON and VOXGATE_EXAMPLE_MODULES"
        );
        return None;
    };
    let service =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/dialog-service-python/service.py");
    let mut process = Command::new(python)
        .arg(service)
        .arg("127.0.0.1:0")
        .env("PYTHONPATH", modules)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let line = soon("the service's first line", lines.next_line()).await.unwrap().unwrap();
    let address = line.strip_prefix("listening on ").unwrap().to_owned();
    Some(Example { address, _process: process })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_python_keeps_the_rules_of_the_protocol() {
    let Some(example) = start().await else { return };
    let report = check(&CheckOptions::new(&example.address)).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_python_takes_a_reservation() {
    let Some(example) = start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut config = configuration();
    config.dialog.addresses = vec![format!("http://{}", example.address)];
    config.dialog.flow = "reservation".to_owned();
    let server = Server::start(config).await.unwrap();
    let text = r#"
name: Reservation
language: en-US
reaction_ms: 100
turns:
  - { robot: "how many people", say: ten_fold.wav, heard: ten fold, action: continue }
  - { robot: "did not understand", dtmf: "4", action: continue }
  - { robot: "which day", say: friday.wav, heard: friday, action: continue }
finally: { robot: "A table for 4 on Friday", action: hangup, slots: { people: 4, day: friday } }
"#;
    let report = call(&server, folder.path(), text).await;
    assert_eq!(report.problems, Vec::<String>::new(), "{report:#?}");
    assert_eq!(report.slots.get("day"), Some(&json!("friday")));
}
