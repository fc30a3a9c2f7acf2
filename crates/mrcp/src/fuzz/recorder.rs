//! Random operations on a recorder.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::laws::Laws;
use super::operations::Operations;
use crate::recorder::{Failure, FailureKind, Input, Output, Recorded, Recorder, RecorderConfig, Stored};
use crate::{ChannelId, HeaderName as H, Method, Request, RequestId, Resource};

/// More than a machine ever says to one input: it answers at most what has waited.
const OUTPUTS_MAX: usize = 16;

struct Run {
    now: Instant,
    machine: Recorder,
    laws: Laws,
    last_id: u32,
    /// Recordings that were asked for and have not ended, as the session sees it.
    recordings: BTreeMap<RequestId, Held>,
}

/// How far a recording is on the session's side.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Held {
    Starting,
    Capturing,
    Finishing,
}

/// Runs the operations that `bytes` spell, then closes.
pub fn recorder(epoch: Instant, bytes: &[u8]) {
    let config = RecorderConfig { waiting_max: 3, ..RecorderConfig::default() };
    let laws = Laws::new(config.completion_gap);
    let Ok(channel) = ChannelId::new("1", Resource::Recorder) else { return };
    let machine = Recorder::new(Arc::new(config), channel);
    let mut run = Run { now: epoch, machine, laws, last_id: 0, recordings: BTreeMap::new() };
    let mut operations = Operations::new(bytes);
    while let Some(operation) = operations.next(18) {
        run.step(operation, &mut operations);
    }
    run.close();
    run.wait(Duration::from_secs(100_000));
    assert_eq!(run.machine.poll_timeout(), None, "a timer after the end");
    assert!(run.recordings.is_empty(), "a recording goes on after the end");
}

impl Run {
    fn step(&mut self, operation: u8, operands: &mut Operations<'_>) {
        let request_id = self.some_id(operands.byte());
        let input = match operation {
            0..=2 => {
                let uri = ["", "<cid:a@b>", "<http://host/x>", "<ftp://host/x>"][usize::from(operands.byte() % 4)];
                let kind = if operands.byte() % 8 == 7 { "" } else { "audio/basic" };
                let on_speech = if operands.flag() { "true" } else { "false" };
                let timers = if operands.flag() { "true" } else { "false" };
                let headers = [
                    (H::RecordUri, uri),
                    (H::MediaType, kind),
                    (H::CaptureOnSpeech, on_speech),
                    (H::StartInputTimers, timers),
                    (H::MaxTime, "9000"),
                ];
                self.request("RECORD", &headers)
            }
            3 => self.request("STOP", &[]),
            4 => {
                let list = request_id.to_string();
                self.request("STOP", &[(H::ActiveRequestIdList, &list), (H::TrimLength, "200")])
            }
            5 => self.request("START-INPUT-TIMERS", &[]),
            6 => self.request(["GET-PARAMS", "SET-PARAMS", "X"][usize::from(operands.byte() % 3)], &[]),
            7 | 8 => {
                if self.recordings.get(&request_id) != Some(&Held::Starting) {
                    return;
                }
                let outcome = if operands.byte() % 4 == 3 { Err(failure(operands.byte())) } else { Ok(()) };
                if outcome.is_ok() {
                    self.recordings.insert(request_id, Held::Capturing);
                } else {
                    self.recordings.remove(&request_id);
                }
                Input::Started { request_id, outcome }
            }
            9 => Input::SpeechStarted { request_id },
            10 => Input::SpeechEnded { request_id, at: self.now },
            11 => Input::Full { request_id, reason: "full".to_owned() },
            12 => {
                if self.recordings.remove(&request_id).is_none() {
                    return;
                }
                Input::Failed { request_id, failure: failure(operands.byte()) }
            }
            13 | 14 => {
                if self.recordings.get(&request_id) != Some(&Held::Finishing) {
                    return;
                }
                self.recordings.remove(&request_id);
                let stored =
                    if operands.flag() { Stored::Body("x".into()) } else { Stored::Uri("http://a".to_owned()) };
                let recorded = Recorded { stored, size_bytes: 1, duration: Duration::from_millis(1) };
                let outcome = if operands.byte() % 4 == 3 { Err(failure(operands.byte())) } else { Ok(recorded) };
                Input::Saved { request_id, outcome }
            }
            15 if operands.byte() % 16 == 15 => return self.close(),
            15 | 16 => return self.wait(Duration::from_millis(u64::from(operands.byte()))),
            _ => return self.wait_for_timeout(),
        };
        self.input(input);
    }

    fn request(&mut self, method: &str, headers: &[(H, &str)]) -> Input {
        let method = Method::from_token(method);
        let is_old = matches!(method, Method::Other(_)) && self.last_id > 0;
        if !is_old {
            self.last_id += 1;
        }
        let mut request = Request::new(self.machine.channel().clone(), RequestId(self.last_id), method);
        for (name, value) in headers {
            request.headers.push(name.clone(), *value);
        }
        self.laws.asked(&request);
        Input::Request(request)
    }

    /// Mostly the active request, else one of the last.
    fn some_id(&self, choice: u8) -> RequestId {
        match (choice % 8, self.machine.active_request()) {
            (0..=5, Some(active)) => active,
            (other, _) => RequestId(self.last_id.saturating_sub(u32::from(other % 3))),
        }
    }

    fn input(&mut self, input: Input) {
        self.machine.handle_input(self.now, input);
        self.drain();
    }

    fn close(&mut self) {
        self.laws.closing();
        self.input(Input::Close);
        self.laws.closed();
    }

    fn wait_for_timeout(&mut self) {
        if let Some(due) = self.machine.poll_timeout() {
            self.wait(due.saturating_duration_since(self.now));
        }
    }

    fn wait(&mut self, duration: Duration) {
        let until = self.now + duration;
        while let Some(due) = self.machine.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.machine.handle_timeout(self.now);
            self.drain();
            assert!(self.machine.poll_timeout().is_none_or(|next| next > self.now), "a timer that is due stays");
        }
        self.now = until;
    }

    fn drain(&mut self) {
        let mut count = 0;
        while let Some(output) = self.machine.poll_output() {
            count += 1;
            assert!(count <= OUTPUTS_MAX, "too much to say");
            self.laws.output();
            match output {
                Output::Send(message) => self.laws.sent(self.now, &message),
                Output::Record { request_id, .. } => {
                    assert!(self.recordings.is_empty(), "one recording at a time");
                    self.recordings.insert(request_id, Held::Starting);
                }
                Output::Finish { request_id, .. } => {
                    assert_eq!(self.recordings.insert(request_id, Held::Finishing), Some(Held::Capturing));
                }
                Output::Discard { request_id } => {
                    assert!(self.recordings.remove(&request_id).is_some(), "what has ended is not discarded");
                }
            }
        }
    }
}

fn failure(choice: u8) -> Failure {
    let kinds = [
        FailureKind::MediaType,
        FailureKind::Forbidden,
        FailureKind::Uri { cause: "404".to_owned() },
        FailureKind::Recorder,
    ];
    Failure::new(kinds[usize::from(choice % 4)].clone(), "x")
}
