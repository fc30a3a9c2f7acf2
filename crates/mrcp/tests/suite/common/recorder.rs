//! The recorder's ladder.

use std::sync::Arc;
use std::time::Duration;

use mrcp::recorder::{Cut, Destination, Failure, Input, Output, Recorded, Recorder, RecorderConfig, Stored};
use mrcp::{RequestId, Resource};
use testkit::Clock;

use super::{Transcript, channel, message_line, request};

pub(crate) struct Ladder {
    pub(crate) clock: Clock,
    pub(crate) machine: Recorder,
    pub(crate) said: Transcript,
}

impl Ladder {
    pub(crate) fn new() -> Self {
        Self::with(RecorderConfig::default())
    }

    pub(crate) fn with(config: RecorderConfig) -> Self {
        let machine = Recorder::new(Arc::new(config), channel(Resource::Recorder));
        Self { clock: Clock::new(), machine, said: Transcript::default() }
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.machine.handle_input(self.clock.now(), input);
        self.drain();
    }

    /// Sends a request: `METHOD ID`, header lines.
    pub(crate) fn send(&mut self, line: &str, headers: &[&str]) {
        self.input(Input::Request(request(Resource::Recorder, line, headers, "")));
    }

    /// Lets time pass, with every timeout on its way.
    pub(crate) fn wait(&mut self, ms: u64) {
        let until = self.clock.now() + Duration::from_millis(ms);
        while let Some(due) = self.machine.poll_timeout().filter(|due| *due <= until) {
            assert!(due >= self.clock.now(), "a timeout is never in the past");
            self.clock.advance_to(due);
            self.machine.handle_timeout(self.clock.now());
            self.drain();
        }
        self.clock.advance_to(until);
    }

    fn drain(&mut self) {
        let mut bound = 0..1000;
        while let Some(output) = self.machine.poll_output() {
            assert!(bound.next().is_some(), "outputs are bounded");
            self.said.push(self.clock.elapsed_ms(), line(&output));
        }
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, lines: &[&str]) {
        self.said.expect(lines);
    }

    #[track_caller]
    pub(crate) fn expect_at(&mut self, ms: u64, lines: &[&str]) {
        self.said.expect_at(ms, lines);
    }

    #[track_caller]
    pub(crate) fn expect_nothing(&mut self) {
        self.said.expect_nothing();
    }

    /// RECORD of `audio/basic` up to the point where audio is captured.
    #[track_caller]
    pub(crate) fn record(&mut self, id: u32, headers: &[&str]) {
        let mut all = vec!["Media-Type: audio/basic"];
        all.extend(headers);
        self.send(&format!("RECORD {id}"), &all);
        self.said.forget("record");
        self.started(id, Ok(()));
        self.expect(&[&format!("< {id} 200 IN-PROGRESS")]);
    }

    pub(crate) fn started(&mut self, id: u32, outcome: Result<(), Failure>) {
        self.input(Input::Started { request_id: RequestId(id), outcome });
    }

    pub(crate) fn speech_started(&mut self, id: u32) {
        self.input(Input::SpeechStarted { request_id: RequestId(id) });
    }

    /// Speech ended so many milliseconds ago.
    pub(crate) fn speech_ended(&mut self, id: u32, ago_ms: u64) {
        let at = self.clock.now().checked_sub(Duration::from_millis(ago_ms)).unwrap();
        self.input(Input::SpeechEnded { request_id: RequestId(id), at });
    }

    pub(crate) fn saved_at(&mut self, id: u32, uri: &str) {
        self.saved(id, Ok(Stored::Uri(uri.to_owned())));
    }

    pub(crate) fn saved(&mut self, id: u32, stored: Result<Stored, Failure>) {
        let outcome =
            stored.map(|stored| Recorded { stored, size_bytes: 8_000, duration: Duration::from_millis(1_000) });
        self.input(Input::Saved { request_id: RequestId(id), outcome });
    }
}

fn line(output: &Output) -> String {
    match output {
        Output::Send(message) => message_line(message),
        Output::Record { request_id, params } => {
            let destination = match &params.destination {
                Destination::Body { content_id: None } => "body".to_owned(),
                Destination::Body { content_id: Some(id) } => format!("body {id}"),
                Destination::Local => "local".to_owned(),
                Destination::Uri(uri) => uri.clone(),
            };
            format!("record {request_id} {} to {destination}", params.media_type)
        }
        Output::Finish { request_id, cut: Cut::Silence } => format!("finish {request_id}"),
        Output::Finish { request_id, cut: Cut::Trim(trim) } => {
            format!("finish {request_id} without the last {} ms", trim.as_millis())
        }
        Output::Discard { request_id } => format!("discard {request_id}"),
    }
}
