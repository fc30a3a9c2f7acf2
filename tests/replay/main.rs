//! Exchanges recorded from real clients, replayed against a whole server: every request is answered, and every request
//! that goes on is completed, at the latest when its call ends.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod support;
mod trace;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use mrcp::{Message, RequestId, RequestState};
use server::Server;
use support::{BareCall, BareConnection, configuration, fake, status, until};
use tokio::io::AsyncWriteExt;
use trace::Step;

/// How long the replay waits for the completion of a request that was completed at this place in the recording.
const COMPLETION_WAIT: Duration = Duration::from_millis(1_500);
/// How long it does so in one file.
const WAITS_MAX: Duration = Duration::from_secs(9);
/// How long one file may take.
const FILE_MAX: Duration = Duration::from_secs(40);

type RequestKey = (String, RequestId);

/// The live side of one recording.
struct Replay {
    sip: SocketAddr,
    mrcp: SocketAddr,
    calls: HashMap<String, BareCall>,
    /// The channels of the latest answer that each call got.
    answered: HashMap<String, Vec<String>>,
    /// Live channels by recorded ones.
    channels: HashMap<String, String>,
    connections: HashMap<String, BareConnection>,
    open: HashSet<RequestKey>,
    waited: Duration,
    requests: usize,
    completed: usize,
    problems: Vec<String>,
}

impl Replay {
    fn new(server: &Server) -> Self {
        Self {
            sip: server.sip_address(),
            mrcp: server.mrcp_address(),
            calls: HashMap::new(),
            answered: HashMap::new(),
            channels: HashMap::new(),
            connections: HashMap::new(),
            open: HashSet::new(),
            waited: Duration::ZERO,
            requests: 0,
            completed: 0,
            problems: Vec::new(),
        }
    }

    async fn run(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Request { call, method, body } => self.sip(call, method, body).await,
                Step::Answer { call, channels } => {
                    let live = self.answered.get(call).cloned().unwrap_or_default();
                    self.channels.extend(channels.iter().cloned().zip(live));
                }
                Step::Mrcp { connection, channel, text } => self.mrcp(connection, channel, text).await,
                Step::Completed { channel, id } => self.completed(channel, RequestId(*id)).await,
            }
        }
        let calls: Vec<String> = self.calls.keys().cloned().collect();
        for call in calls {
            self.sip(&call, "BYE", "").await;
        }
        // What the calls left open is completed with them.
        let most = tokio::time::Instant::now() + Duration::from_secs(4);
        while !self.open.is_empty() && self.read_one(most).await {}
        for (channel, id) in &self.open {
            self.problems.push(format!("request {id} of {channel} was never completed"));
        }
    }

    async fn sip(&mut self, call: &str, method: &str, body: &str) {
        if !self.calls.contains_key(call) {
            if method == "BYE" || method == "CANCEL" {
                return;
            }
            self.calls.insert(call.to_owned(), BareCall::new(self.sip).await);
        }
        self.requests += 1;
        let live = self.calls.get_mut(call).unwrap();
        let body = described(body, live.port());
        let answer = live.request(method, &body).await;
        match (method, status(&answer)) {
            (_, Some(200)) if method != "BYE" => {
                let channels = answer.lines().filter_map(|line| line.strip_prefix("a=channel:"));
                self.answered.insert(call.to_owned(), channels.map(|channel| channel.trim().to_owned()).collect());
                if method == "OPTIONS" {
                    self.calls.remove(call);
                }
            }
            ("BYE", Some(200)) => {
                self.calls.remove(call);
            }
            // What this server does not offer is refused at once; a call that is up stays so.
            (_, Some(404 | 405 | 481 | 488 | 501)) => {
                if !self.answered.contains_key(call) {
                    self.calls.remove(call);
                }
            }
            (_, other) => self.problems.push(format!("{method} was answered {other:?}")),
        }
    }

    async fn mrcp(&mut self, connection: &str, recorded: &str, text: &str) {
        self.requests += 1;
        let channel = self.channels.get(recorded).cloned().unwrap_or_else(|| recorded.to_owned());
        let text = trace::with_lengths(text, recorded, &channel);
        let Some(id) = text.lines().next().and_then(|line| line.rsplit(' ').next()?.parse().ok().map(RequestId)) else {
            return;
        };
        if !self.connections.contains_key(connection) {
            self.connections.insert(connection.to_owned(), BareConnection::open(self.mrcp).await);
        }
        let live = self.connections.get_mut(connection).unwrap();
        live.stream.write_all(text.as_bytes()).await.unwrap();
        loop {
            let Some(message) = self.connections.get_mut(connection).unwrap().next().await else {
                self.problems.push(format!("the connection was closed upon\n{text}"));
                self.connections.remove(connection);
                return;
            };
            let is_answer = matches!(&message, Message::Response(response) if response.id == id);
            self.take(&message);
            if is_answer {
                let Message::Response(response) = message else { return };
                let is_open = matches!(response.state, RequestState::InProgress | RequestState::Pending);
                if self.channels.contains_key(recorded) == (response.status.code() == 405) {
                    self.problems.push(format!("{} upon\n{text}", response.status.code()));
                }
                if is_open {
                    self.open.insert((channel, id));
                }
                return;
            }
        }
    }

    fn take(&mut self, message: &Message) {
        let channel = message.channel().as_str().to_owned();
        match message {
            Message::Response(response) => {
                // What a STOP ends has no event.
                for id in response.headers.active_request_ids().ok().flatten().unwrap_or_default() {
                    if response.state == RequestState::Complete {
                        self.open.remove(&(channel.clone(), id));
                    }
                }
            }
            Message::Event(event) if event.state == RequestState::Complete => {
                let cause = event.headers.text(&mrcp::HeaderName::CompletionCause);
                if cause.is_none() {
                    self.problems.push(format!("{:?} without a cause", event.name));
                }
                self.completed += 1;
                if !self.open.remove(&(channel.clone(), event.id)) {
                    self.problems.push(format!("request {} of {channel} was completed twice", event.id));
                }
            }
            Message::Event(_) | Message::Request(_) => {}
        }
    }

    /// Waits for a completion, if the request is open here too.
    async fn completed(&mut self, recorded: &str, id: RequestId) {
        let Some(channel) = self.channels.get(recorded) else { return };
        let key = (channel.clone(), id);
        let begun = tokio::time::Instant::now();
        let most = begun + COMPLETION_WAIT.min(WAITS_MAX.saturating_sub(self.waited));
        while self.open.contains(&key) && self.read_one(most).await {}
        self.waited += begun.elapsed();
    }

    /// Reads one message of any connection. `false` when none came until `most`.
    async fn read_one(&mut self, most: tokio::time::Instant) -> bool {
        let reading = self.connections.values_mut().map(|connection| Box::pin(connection.next()));
        let reading: Vec<_> = reading.collect();
        if reading.is_empty() {
            return false;
        }
        let read = tokio::time::timeout_at(most, futures::future::select_all(reading)).await;
        // Closed by the server, or nothing came, where it is none.
        let message = read.ok().and_then(|(message, _, _)| message);
        message.as_ref().inspect(|message| self.take(message)).is_some()
    }
}

/// The recorded offer with our address and port.
fn described(body: &str, port: u16) -> String {
    body.split_inclusive("\r\n")
        .map(|line| match line.strip_prefix("m=audio ").and_then(|rest| rest.split_once(' ')) {
            Some(("0", _)) | None if line.starts_with("c=") => "c=IN IP4 127.0.0.1\r\n".to_owned(),
            Some(("0", _)) | None => line.to_owned(),
            Some((_, rest)) => format!("m=audio {port} {rest}"),
        })
        .collect()
}

async fn replay(client: &str) {
    let Some(directory) = testkit::shared_material("traces").map(|traces| traces.join(client)) else { return };
    let mut config = configuration();
    fake(&mut config).speech_ms_max = 400;
    let server = Server::start(config).await.unwrap();
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let replays = futures::future::join_all(files.iter().map(|file| one_file(&server, file))).await;
    for (file, replayed) in files.iter().zip(&replays) {
        let Replay { requests, completed, problems, .. } = replayed;
        println!("{}: {requests} requests, {completed} completions", file.file_name().unwrap().to_string_lossy());
        problems.iter().for_each(|problem| println!("    {problem}"));
    }
    let sum = |count: fn(&Replay) -> usize| replays.iter().map(count).sum::<usize>();
    assert_eq!(sum(|replayed| replayed.problems.len()), 0, "problems, which are told above");
    let (requests, completed) = (sum(|replayed| replayed.requests), sum(|replayed| replayed.completed));
    assert!(requests > 80 && completed > 20, "only {requests} requests and {completed} completions were found");
    until("the end of all sessions", || server.sessions() == 0).await;
}

async fn one_file(server: &Server, file: &Path) -> Replay {
    let steps = trace::read(&String::from_utf8_lossy(&std::fs::read(file).unwrap()));
    let mut replay = Replay::new(server);
    if tokio::time::timeout(FILE_MAX, replay.run(&steps)).await.is_err() {
        replay.problems.push("it did not end".to_owned());
    }
    replay
}

#[tokio::test(flavor = "multi_thread")]
async fn what_asterisk_did_is_served() {
    replay("asterisk").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_freeswitch_did_is_served() {
    replay("freeswitch").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_unimrcp_did_is_served() {
    replay("unimrcp").await;
}
