//! Random operations on a synthesizer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::laws::Laws;
use super::operations::Operations;
use crate::synthesizer::{ControlRefused, Failure, FailureKind, Input, Output, Synthesizer, SynthesizerConfig};
use crate::{ChannelId, HeaderName as H, Method, Request, RequestId, Resource};

/// More than a machine ever says to one input: it completes at most its queue.
const OUTPUTS_MAX: usize = 64;

struct Run {
    now: Instant,
    machine: Synthesizer,
    laws: Laws,
    last_id: u32,
    /// What was prepared and has not ended.
    prepared: BTreeSet<RequestId>,
    playing: Option<RequestId>,
    /// Asked of the session and not answered.
    controls: BTreeSet<RequestId>,
    definitions: BTreeSet<RequestId>,
}

/// Runs the operations that `bytes` spell, then closes.
pub fn synthesizer(epoch: Instant, bytes: &[u8]) {
    let config = SynthesizerConfig { pending_max: 3, ..SynthesizerConfig::default() };
    let laws = Laws::new(config.completion_gap);
    let Ok(channel) = ChannelId::new("1", Resource::SpeechSynth) else { return };
    let machine = Synthesizer::new(Arc::new(config), channel);
    let mut run = Run {
        now: epoch,
        machine,
        laws,
        last_id: 0,
        prepared: BTreeSet::new(),
        playing: None,
        controls: BTreeSet::new(),
        definitions: BTreeSet::new(),
    };
    let mut operations = Operations::new(bytes);
    while let Some(operation) = operations.next(24) {
        run.step(operation, &mut operations);
    }
    run.close();
    run.wait(Duration::from_secs(100_000));
    assert_eq!(run.machine.poll_timeout(), None, "a timer after the end");
}

impl Run {
    fn step(&mut self, operation: u8, operands: &mut Operations<'_>) {
        let request_id = self.some_id(operands.byte());
        let input = match operation {
            0..=3 => {
                let kill = if operands.byte() % 4 == 3 { "false" } else { "true" };
                let kind = if operands.byte() % 8 == 7 { "" } else { "text/plain" };
                self.request("SPEAK", &[(H::ContentType, kind), (H::KillOnBargeIn, kill)], "hi")
            }
            4 => self.request("STOP", &[], ""),
            5 => {
                let list = format!("{},{}", request_id, self.last_id.saturating_sub(1));
                self.request("STOP", &[(H::ActiveRequestIdList, &list)], "")
            }
            6 => self.request("PAUSE", &[], ""),
            7 => self.request("RESUME", &[], ""),
            8 => self.request("BARGE-IN-OCCURRED", &[], ""),
            9 => self.request(["CONTROL", "SET-PARAMS", "X"][usize::from(operands.byte() % 3)], &[], ""),
            10 | 11 => {
                let outcome = if operands.byte() % 4 == 3 { Err(failure()) } else { Ok(()) };
                Input::Prepared { request_id, outcome }
            }
            12 => Input::MarkReached { request_id, name: "m".to_owned(), at: self.now },
            13 => {
                let outcome = if operands.byte() % 4 == 3 { Err(failure()) } else { Ok(()) };
                self.prepared.remove(&request_id);
                Input::PlaybackFinished { request_id, at: self.now, outcome }
            }
            14 => Input::BargedIn,
            15 if operands.byte() % 16 == 15 => return self.close(),
            15 | 16 => return self.wait(Duration::from_millis(u64::from(operands.byte()))),
            17 => return self.wait_for_timeout(),
            18 => {
                let jump = ["+3 Second", "-3 Second", "m Tag", "+3 Word"][usize::from(operands.byte() % 4)];
                self.request("CONTROL", &[(H::JumpSize, jump)], "")
            }
            19 => {
                let name = [H::ProsodyRate, H::VoiceName, H::SpeakLength][usize::from(operands.byte() % 3)].clone();
                self.request("CONTROL", &[(name, "fast")], "")
            }
            20 => {
                let kind = if operands.byte() % 8 == 7 { "" } else { "application/pls+xml" };
                self.request("DEFINE-LEXICON", &[(H::ContentType, kind), (H::ContentId, "l")], "<lexicon/>")
            }
            21 => {
                let outcome = match operands.byte() % 4 {
                    0 => Ok(true),
                    3 => Err(ControlRefused),
                    _ => Ok(false),
                };
                let Some(control_id) = self.controls.pop_first() else { return };
                Input::Controlled { control_id, outcome }
            }
            22 => {
                let outcome = if operands.byte() % 4 == 3 { Err(failure()) } else { Ok(()) };
                let Some(request_id) = self.definitions.pop_first() else { return };
                Input::LexiconDefined { request_id, outcome }
            }
            _ => self.request("SET-PARAMS", &[(H::KillOnBargeIn, "false")], ""),
        };
        self.input(input);
    }

    fn request(&mut self, method: &str, headers: &[(H, &str)], body: &str) -> Input {
        let method = Method::from_token(method);
        let is_old = matches!(method, Method::Other(_)) && self.last_id > 0;
        if !is_old {
            self.last_id += 1;
        }
        let mut request = Request::new(self.machine.channel().clone(), RequestId(self.last_id), method);
        for (name, value) in headers {
            request.headers.push(name.clone(), *value);
        }
        request.body = body.to_owned().into();
        self.laws.asked(&request);
        Input::Request(request)
    }

    /// Mostly the active request, else one of the last.
    fn some_id(&self, choice: u8) -> RequestId {
        match (choice % 8, self.machine.active_request()) {
            (0..=4, Some(active)) => active,
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
                Output::Prepare { request_id, .. } => {
                    assert!(self.prepared.insert(request_id), "prepared once");
                }
                Output::Start { request_id } => self.playing = Some(request_id),
                Output::Pause { request_id } | Output::Resume { request_id } => {
                    assert_eq!(self.playing, Some(request_id), "only what plays is paused");
                }
                Output::Control { request_id, control_id, .. } => {
                    assert_eq!(self.playing, Some(request_id), "only what plays is changed");
                    assert!(self.controls.insert(control_id), "changed once");
                }
                Output::DefineLexicon { request_id, .. } => {
                    assert_eq!(self.machine.active_request(), None, "a lexicon is defined between SPEAKs");
                    assert!(self.definitions.insert(request_id), "defined once");
                }
                Output::Stop { request_id } => {
                    self.prepared.remove(&request_id);
                }
            }
        }
    }
}

fn failure() -> Failure {
    Failure::new(FailureKind::Parse, "x")
}
