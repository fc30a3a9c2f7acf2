//! The synthesizer's ladder.

use std::sync::Arc;
use std::time::Duration;

use mrcp::synthesizer::{ControlRefused, Failure, Input, Output, Synthesizer, SynthesizerConfig};
use mrcp::{RequestId, Resource};
use testkit::Clock;

use super::{Transcript, channel, message_line, request};

pub(crate) struct Ladder {
    pub(crate) clock: Clock,
    pub(crate) machine: Synthesizer,
    pub(crate) said: Transcript,
}

impl Ladder {
    pub(crate) fn new() -> Self {
        Self::with(SynthesizerConfig::default())
    }

    pub(crate) fn with(config: SynthesizerConfig) -> Self {
        let machine = Synthesizer::new(Arc::new(config), channel(Resource::SpeechSynth));
        Self { clock: Clock::new(), machine, said: Transcript::default() }
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.machine.handle_input(self.clock.now(), input);
        self.drain();
    }

    /// Sends a request: `METHOD ID`, header lines, body.
    pub(crate) fn send(&mut self, line: &str, headers: &[&str], body: &str) {
        self.input(Input::Request(request(Resource::SpeechSynth, line, headers, body)));
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

    /// What was said begins so, line by line.
    #[track_caller]
    pub(crate) fn expect_beginnings(&mut self, beginnings: &[&str]) {
        self.said.expect_beginnings(beginnings);
    }

    #[track_caller]
    pub(crate) fn expect_at(&mut self, ms: u64, lines: &[&str]) {
        self.said.expect_at(ms, lines);
    }

    #[track_caller]
    pub(crate) fn expect_nothing(&mut self) {
        self.said.expect_nothing();
    }

    /// SPEAK up to the point where it plays.
    #[track_caller]
    pub(crate) fn speak(&mut self, id: u32, headers: &[&str]) {
        self.ask(id, headers);
        self.expect(&[&format!("prepare {id} text/plain")]);
        self.prepared(id, Ok(()));
        self.expect(&[&format!("< {id} 200 IN-PROGRESS"), &format!("start {id}")]);
    }

    /// SPEAK without looking at what is said.
    pub(crate) fn speak_silently(&mut self, id: u32, headers: &[&str]) {
        self.ask(id, headers);
        self.said.forget("prepare");
        self.prepared(id, Ok(()));
    }

    /// SPEAK that waits behind another.
    #[track_caller]
    pub(crate) fn speak_pending(&mut self, id: u32, headers: &[&str]) {
        self.ask(id, headers);
        self.expect(&[&format!("prepare {id} text/plain")]);
        self.prepared(id, Ok(()));
        self.expect(&[&format!("< {id} 200 PENDING")]);
    }

    pub(crate) fn ask(&mut self, id: u32, headers: &[&str]) {
        let mut all = vec!["Content-Type: text/plain"];
        all.extend(headers);
        self.send(&format!("SPEAK {id}"), &all, "Good morning.");
    }

    pub(crate) fn prepared(&mut self, id: u32, outcome: Result<(), Failure>) {
        self.input(Input::Prepared { request_id: RequestId(id), outcome });
    }

    pub(crate) fn controlled(&mut self, id: u32, outcome: Result<bool, ControlRefused>) {
        self.input(Input::Controlled { control_id: RequestId(id), outcome });
    }

    pub(crate) fn lexicon_defined(&mut self, id: u32, outcome: Result<(), Failure>) {
        self.input(Input::LexiconDefined { request_id: RequestId(id), outcome });
    }

    pub(crate) fn finished(&mut self, id: u32, outcome: Result<(), Failure>) {
        let at = self.clock.now();
        self.input(Input::PlaybackFinished { request_id: RequestId(id), at, outcome });
    }
}

pub(crate) fn line(output: &Output) -> String {
    match output {
        Output::Send(message) => message_line(message),
        Output::Prepare { request_id, speech } => {
            format!("prepare {request_id} {}", speech.content.content_type.as_deref().unwrap_or_default())
        }
        Output::Start { request_id } => format!("start {request_id}"),
        Output::Pause { request_id } => format!("pause {request_id}"),
        Output::Resume { request_id } => format!("resume {request_id}"),
        Output::Stop { request_id } => format!("stop {request_id}"),
        Output::Control { request_id, control_id, change } => {
            let words = [
                change.jump.as_ref().map(|jump| format!("{jump:?}")),
                change.length.as_ref().map(|length| format!("{length:?}")),
                change.rate.as_ref().map(|rate| format!("rate {rate}")),
                change.pitch.as_ref().map(|pitch| format!("pitch {pitch}")),
                change.volume.as_ref().map(|volume| format!("volume {volume}")),
            ];
            let words: Vec<String> = words.into_iter().flatten().collect();
            format!("control {request_id} by {control_id}: {}", words.join(", "))
        }
        Output::DefineLexicon { request_id, definition } => {
            let verb = if definition.loads { "load" } else { "unload" };
            format!("{verb} {request_id} {}", definition.content.content_id.as_deref().unwrap_or("unnamed"))
        }
    }
}
