//! The recognizer's ladder.

use std::sync::Arc;
use std::time::Duration;

use mrcp::recognizer::{
    FinishedInput, GrammarPurpose, Input, InputMatch, InputModes, Outcome, Output, Recognizer, RecognizerConfig,
    ResultBody, Verdict,
};
use mrcp::{GrammarRef, RequestId, Resource};
use testkit::Clock;

use super::{Transcript, channel, message_line, request};

pub(crate) const SPEECH: InputModes = InputModes { speech: true, dtmf: false };
pub(crate) const DTMF: InputModes = InputModes { speech: false, dtmf: true };
pub(crate) const BOTH: InputModes = InputModes { speech: true, dtmf: true };

pub(crate) struct Ladder {
    pub(crate) clock: Clock,
    pub(crate) machine: Recognizer,
    pub(crate) said: Transcript,
}

impl Ladder {
    pub(crate) fn new() -> Self {
        Self::with(RecognizerConfig::default())
    }

    pub(crate) fn with(config: RecognizerConfig) -> Self {
        let machine = Recognizer::new(Arc::new(config), channel(Resource::SpeechRecog));
        Self { clock: Clock::new(), machine, said: Transcript::default() }
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.machine.handle_input(self.clock.now(), input);
        self.drain();
    }

    /// Sends a request: `METHOD ID`, header lines, body.
    pub(crate) fn send(&mut self, line: &str, headers: &[&str], body: &str) {
        self.input(Input::Request(request(Resource::SpeechRecog, line, headers, body)));
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

    pub(crate) fn loaded(&mut self, id: u32, modes: InputModes) {
        self.input(Input::GrammarsLoaded { request_id: RequestId(id), outcome: Ok(modes) });
    }

    /// RECOGNIZE up to the point where the engine listens.
    #[track_caller]
    pub(crate) fn recognize(&mut self, id: u32, modes: InputModes, headers: &[&str]) {
        let mut all = vec!["Content-Type: text/uri-list", "Cancel-If-Queue: false"];
        all.extend(headers);
        self.send(&format!("RECOGNIZE {id}"), &all, "builtin:x/y");
        self.expect(&[&format!("load {id} builtin:x/y")]);
        self.loaded(id, modes);
        self.expect(&[&format!("< {id} 200 IN-PROGRESS"), &format!("listen {id} {}", modes_line(modes))]);
    }

    pub(crate) fn speech_started(&mut self, id: u32) {
        let offset = Duration::from_millis(self.clock.elapsed_ms());
        self.input(Input::SpeechStarted { request_id: RequestId(id), offset });
    }

    /// Speech ended so many milliseconds ago.
    pub(crate) fn speech_ended(&mut self, id: u32, ago_ms: u64) {
        let at = self.clock.now().checked_sub(Duration::from_millis(ago_ms)).unwrap();
        let offset = Duration::from_millis(self.clock.elapsed_ms().saturating_sub(ago_ms));
        self.input(Input::SpeechEnded { request_id: RequestId(id), at, offset });
    }

    pub(crate) fn matched(&mut self, id: u32, found: InputMatch) {
        self.input(Input::Matched { request_id: RequestId(id), found });
    }

    pub(crate) fn recognized(&mut self, id: u32, verdict: Verdict, body: &str) {
        let result = (!body.is_empty())
            .then(|| ResultBody { content_type: "application/nlsml+xml".to_owned(), body: body.to_owned().into() });
        self.input(Input::Recognized { request_id: RequestId(id), outcome: Outcome { verdict, result } });
    }

    /// Presses keys; the grammar takes `pattern` and every prefix of it.
    pub(crate) fn press(&mut self, keys: &str) {
        for digit in keys.chars() {
            self.input(Input::Dtmf { digit });
        }
    }

    pub(crate) fn dtmf_matched(&mut self, id: u32, digits: &str, outcome: InputMatch) {
        self.input(Input::DtmfMatched { request_id: RequestId(id), digits: digits.to_owned(), outcome });
    }
}

fn modes_line(modes: InputModes) -> &'static str {
    match modes {
        InputModes { speech: true, dtmf: true } => "speech+dtmf",
        InputModes { speech: true, dtmf: false } => "speech",
        InputModes { speech: false, dtmf: true } => "dtmf",
        InputModes { speech: false, dtmf: false } => "nothing",
    }
}

fn grammars_line(grammars: &[GrammarRef]) -> String {
    let names = grammars.iter().map(|grammar| match grammar {
        GrammarRef::Uri { uri, .. } => uri.clone(),
        GrammarRef::Inline { content_type, content_id, .. } => {
            format!("{content_type}#{}", content_id.as_deref().unwrap_or("-"))
        }
    });
    names.collect::<Vec<_>>().join(" ")
}

pub(crate) fn line(output: &Output) -> String {
    match output {
        Output::Send(message) => message_line(message),
        Output::DefineGrammar { request_id, grammars, .. } => {
            format!("define {request_id} {}", grammars_line(grammars))
        }
        Output::ForgetGrammar { content_id } => format!("forget {content_id}"),
        Output::LoadGrammars { request_id, grammars, purpose, .. } => {
            let what = match purpose {
                GrammarPurpose::Recognize => "load",
                GrammarPurpose::Interpret => "load-to-interpret",
            };
            format!("{what} {request_id} {}", grammars_line(grammars))
        }
        Output::AbandonGrammars { request_id } => format!("abandon {request_id}"),
        Output::HearKeysOnly { request_id } => format!("keys-only {request_id}"),
        Output::ListenAgain { request_id } => format!("listen-again {request_id}"),
        Output::Interpret { request_id, text, .. } => format!("interpret {request_id} {text}"),
        Output::Recompute { request_id, constraints } => {
            let mut line = format!("recompute {request_id}");
            if let Some(threshold) = constraints.confidence_threshold {
                line.push_str(&format!(" threshold {threshold}"));
            }
            if let Some(n_best) = constraints.n_best_list_length {
                line.push_str(&format!(" n-best {n_best}"));
            }
            line
        }
        Output::Listen { request_id, modes, .. } => format!("listen {request_id} {}", modes_line(*modes)),
        Output::MatchDtmf { request_id, digits } => format!("match {request_id} {digits}"),
        Output::Finish { request_id, input: FinishedInput::Speech } => format!("finish {request_id} speech"),
        Output::Finish { request_id, input: FinishedInput::Dtmf { digits } } => {
            format!("finish {request_id} dtmf {digits}")
        }
        Output::StopListening { request_id } => format!("stop-listening {request_id}"),
    }
}
