//! Conversations that another instance goes on with: two services over one store. Each test needs a program of the store and says so where
//! there is none.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and tells when it is skipped")]

mod common;

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use common::{Caller, Running, config, whole};
use dialog_service::{DialogServiceConfig, StateConfig};
use proto::v1::{self, end_conversation_request::Reason};
use serde_json::json;
use tokio::net::TcpStream;
use tonic::Code;

/// A server of a store, ended with the test.
struct Store {
    url: String,
    process: Child,
    _directory: tempfile::TempDir,
}

impl Drop for Store {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program of that name, in the path or where packages of PostgreSQL put it.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for version in ["/usr/lib/postgresql"].into_iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten() {
        folders.extend(version.ok().map(|version| version.path().join("bin")));
    }
    folders.into_iter().map(|folder| folder.join(name)).find(|program| program.is_file())
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until somebody listens.
async fn listens(port: u16, process: &mut Child) -> bool {
    loop {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return true;
        }
        if process.try_wait().unwrap().is_some() {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn redis() -> Option<Store> {
    let Some(program) = ["redis-server", "valkey-server"].into_iter().find_map(program) else {
        eprintln!("skipped: there is no redis-server on this machine");
        return None;
    };
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut process = Command::new(program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .current_dir(directory.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(listens(port, &mut process).await, "redis-server ended at once");
    Some(Store { url: format!("redis://127.0.0.1:{port}"), process, _directory: directory })
}

async fn postgres() -> Option<Store> {
    let (Some(initdb), Some(server)) = (program("initdb"), program("postgres")) else {
        eprintln!("skipped: there is no PostgreSQL server on this machine");
        return None;
    };
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut init = as_somebody(&initdb, directory.path());
    init.args(["-U", "voxgate", "-A", "trust", "-N", "-D"]).arg(&data).stdout(Stdio::null()).stderr(Stdio::piped());
    let made = init.output().unwrap();
    if !made.status.success() {
        eprintln!("skipped: initdb does not work here: {}", String::from_utf8_lossy(&made.stderr));
        return None;
    }
    let port = free_port();
    let mut start = as_somebody(&server, directory.path());
    start.arg("-D").arg(&data).args(["-p", &port.to_string(), "-h", "127.0.0.1", "-F", "-k"]).arg(directory.path());
    let mut process = start.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    assert!(listens(port, &mut process).await, "postgres ended at once");
    let url = format!("postgres://voxgate@127.0.0.1:{port}/postgres");
    // It listens before it serves.
    loop {
        if DialogService::accepts(&url).await {
            break;
        }
        assert!(process.try_wait().unwrap().is_none(), "postgres ended");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Some(Store { url, process, _directory: directory })
}

struct DialogService;

impl DialogService {
    async fn accepts(url: &str) -> bool {
        let config = DialogServiceConfig { state: Some(state(url)), ..config() };
        dialog_service::DialogService::bind(config).await.is_ok()
    }
}

/// PostgreSQL refuses to run as root.
fn as_somebody(program: &Path, directory: &Path) -> Command {
    use std::os::unix::{fs::MetadataExt as _, process::CommandExt as _};
    const NOBODY: u32 = 65_534;
    let mut command = Command::new(program);
    command.current_dir(directory);
    if std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        std::os::unix::fs::chown(directory, Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn state(url: &str) -> StateConfig {
    StateConfig { url: url.to_owned(), timeout: Duration::from_secs(10) }
}

async fn instance(store: &Store) -> Running {
    Running::start(DialogServiceConfig { state: Some(state(&store.url)), ..config() }).await
}

/// All of it for one store: starting a server is what takes time.
async fn holds(store: &Store) {
    another_instance_goes_on_in_the_middle_of_a_call(store).await;
    both_instances_may_take_turns_and_the_older_turn_is_refused(store).await;
    a_conversation_keeps_its_version_of_the_flow(store).await;
    what_is_said_after_the_end_is_refused_everywhere(store).await;
}

async fn another_instance_goes_on_in_the_middle_of_a_call(store: &Store) {
    let first = instance(store).await;
    let (mut caller, _) = Caller::start(&first, "killed", "en", "follow-up", &[("name", "Ann")]).await;
    assert!(
        first.client().get_capabilities(v1::GetCapabilitiesRequest::default()).await.unwrap().into_inner().shared_state
    );
    assert!(caller.says("about six").await.text.contains("fever"));
    let last = caller.says("no").await;
    drop(first);
    let second = instance(store).await;
    caller.client = second.client();
    // Who took the call over asks where it stands.
    let start = v1::StartConversationRequest { conversation_id: "killed".to_owned(), ..Default::default() };
    let stands = whole(caller.client.start_conversation(start).await.unwrap().into_inner(), 2).await.unwrap();
    assert_eq!(stands, last);
    assert_eq!(caller.take(caller.speech(2, "no")).await.unwrap(), last, "a repeated turn is not taken twice");
    assert!(caller.says("it looks fine").await.text.contains("medication"));
    let record = caller.ends(Reason::CallerGone).await.unwrap();
    let form: serde_json::Value = serde_json::from_str(&record.form_json).unwrap();
    assert_eq!((&form["pain_score"], &form["wound_problem"]), (&json!(6), &json!(false)));
    assert_eq!(record.evidence[0].quote, "about six");
    assert!(record.transcript[0].text.starts_with("Hello Ann"));
}

async fn both_instances_may_take_turns_and_the_older_turn_is_refused(store: &Store) {
    let (first, second) = (instance(store).await, instance(store).await);
    let (mut caller, _) = Caller::start(&first, "to-and-fro", "en", "follow-up", &[]).await;
    for (turn, (words, next)) in
        [("six", "fever"), ("no", "wound"), ("no", "medication"), ("yes", "doctor")].into_iter().enumerate()
    {
        caller.client = if turn % 2 == 0 { second.client() } else { first.client() };
        assert!(caller.says(words).await.text.contains(next), "{words}");
    }
    caller.client = first.client();
    assert_eq!(caller.take(caller.speech(1, "six")).await.unwrap_err().code(), Code::FailedPrecondition);
}

async fn a_conversation_keeps_its_version_of_the_flow(store: &Store) {
    const FLOW: &str = "flow: own\nlanguages: [en]\nstart: a\nslots: { x: { type: boolean } }\n\
        defaults: { give_up: b, reprompt: { en: What? }, silence: { en: Hm? } }\n\
        states:\n  a: { say: { en: One? }, ask: x, next: b }\n  b: { say: { en: Old. }, hangup: done }\n";
    let directories = [FLOW.to_owned(), FLOW.replace("Old.", "New.")].map(|yaml| {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("own.yaml"), yaml).unwrap();
        directory
    });
    let start = |directory: &tempfile::TempDir| {
        let flows = Some(directory.path().to_owned());
        Running::start(DialogServiceConfig { flows, state: Some(state(&store.url)), ..config() })
    };
    let (first, second) = (start(&directories[0]).await, start(&directories[1]).await);
    let (mut caller, _) = Caller::start(&first, "versioned", "en", "own", &[]).await;
    caller.client = second.client();
    assert_eq!(caller.says("yes").await.text, "Old.", "the version that the conversation began with");
    let (mut caller, _) = Caller::start(&second, "later", "en", "own", &[]).await;
    assert_eq!(caller.says("yes").await.text, "New.");
}

async fn what_is_said_after_the_end_is_refused_everywhere(store: &Store) {
    let (first, second) = (instance(store).await, instance(store).await);
    let (mut caller, _) = Caller::start(&first, "ended", "en", "follow-up", &[]).await;
    let record = caller.ends(Reason::CallerGone).await.unwrap();
    caller.client = second.client();
    assert_eq!(caller.take(caller.speech(1, "six")).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(caller.ends(Reason::Hangup).await.unwrap(), record, "the same record again");
}

#[tokio::test]
async fn redis_lets_another_instance_go_on() {
    if let Some(store) = redis().await {
        holds(&store).await;
    }
}

#[tokio::test]
async fn postgresql_lets_another_instance_go_on() {
    if let Some(store) = postgres().await {
        holds(&store).await;
    }
}

#[tokio::test]
async fn a_store_that_goes_away_leaves_the_call_to_its_instance() {
    let Some(mut store) = redis().await else { return };
    let running = Running::start(DialogServiceConfig {
        state: Some(StateConfig { timeout: Duration::from_millis(300), ..state(&store.url) }),
        ..config()
    });
    let running = running.await;
    let (mut caller, _) = Caller::start(&running, "alone", "en", "follow-up", &[]).await;
    store.process.kill().unwrap();
    store.process.wait().unwrap();
    assert!(caller.says("six").await.text.contains("fever"));
    assert!(caller.says("no").await.text.contains("wound"));
}

#[tokio::test]
async fn a_url_of_no_known_store_is_refused() {
    let config = DialogServiceConfig { state: Some(state("mysql://127.0.0.1")), ..config() };
    assert!(dialog_service::DialogService::bind(config).await.is_err());
}
