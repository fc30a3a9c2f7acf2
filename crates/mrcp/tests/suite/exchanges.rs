//! Recorded exchanges of real clients, played again: our machines answer each request as the recorded server did.

use std::collections::BTreeMap;
use std::sync::Arc;

use mrcp::recognizer::{self, InputModes, Outcome, Recognizer, RecognizerConfig, Verdict};
use mrcp::synthesizer::{self, Synthesizer, SynthesizerConfig};
use mrcp::{ChannelId, Message, Method, RequestId, RequestState, Resource, Response};
use testkit::Clock;

use crate::messages::{files, read_one, recorded};

/// A channel with a session that loads every grammar and speaks every prompt.
#[expect(clippy::large_enum_variant, reason = "a handful of them, in a test")]
enum Channel {
    Recognizer(Recognizer),
    Synthesizer(Synthesizer),
}

impl Channel {
    fn of(id: &ChannelId) -> Option<Self> {
        match id.resource()? {
            Resource::SpeechRecog | Resource::DtmfRecog => {
                Some(Self::Recognizer(Recognizer::new(Arc::new(RecognizerConfig::default()), id.clone())))
            }
            Resource::SpeechSynth | Resource::BasicSynth => {
                Some(Self::Synthesizer(Synthesizer::new(Arc::new(SynthesizerConfig::default()), id.clone())))
            }
            Resource::SpeakVerify | Resource::Recorder => None,
        }
    }

    fn request(&mut self, clock: &Clock, request: mrcp::Request) -> Vec<Message> {
        match self {
            Self::Recognizer(machine) => machine.handle_input(clock.now(), recognizer::Input::Request(request)),
            Self::Synthesizer(machine) => machine.handle_input(clock.now(), synthesizer::Input::Request(request)),
        }
        self.drain(clock)
    }

    /// What was asked for has come to its end.
    fn ended(&mut self, clock: &Clock, request_id: RequestId) -> Vec<Message> {
        match self {
            Self::Recognizer(machine) => {
                let outcome = Outcome { verdict: Verdict::Match, result: None };
                machine.handle_input(clock.now(), recognizer::Input::Recognized { request_id, outcome });
            }
            Self::Synthesizer(machine) => {
                let (at, outcome) = (clock.now(), Ok(()));
                machine.handle_input(clock.now(), synthesizer::Input::PlaybackFinished { request_id, at, outcome });
            }
        }
        self.drain(clock)
    }

    fn timeout(&mut self, clock: &Clock) -> Vec<Message> {
        match self {
            Self::Recognizer(machine) => machine.handle_timeout(clock.now()),
            Self::Synthesizer(machine) => machine.handle_timeout(clock.now()),
        }
        self.drain(clock)
    }

    fn close(&mut self, clock: &Clock) -> Vec<Message> {
        match self {
            Self::Recognizer(machine) => machine.handle_input(clock.now(), recognizer::Input::Close),
            Self::Synthesizer(machine) => machine.handle_input(clock.now(), synthesizer::Input::Close),
        }
        self.drain(clock)
    }

    fn drain(&mut self, clock: &Clock) -> Vec<Message> {
        let mut sent = Vec::new();
        match self {
            Self::Recognizer(machine) => {
                use recognizer::{Input, Output};
                while let Some(output) = machine.poll_output() {
                    match output {
                        Output::Send(message) => sent.push(message),
                        Output::LoadGrammars { request_id, .. } => {
                            let outcome = Ok(InputModes { speech: true, dtmf: true });
                            machine.handle_input(clock.now(), Input::GrammarsLoaded { request_id, outcome });
                        }
                        Output::DefineGrammar { request_id, .. } => {
                            machine.handle_input(clock.now(), Input::GrammarDefined { request_id, outcome: Ok(()) });
                        }
                        Output::Interpret { request_id, .. } => {
                            let outcome = Outcome { verdict: Verdict::NoMatch, result: None };
                            machine.handle_input(clock.now(), Input::Interpreted { request_id, outcome });
                        }
                        Output::Recompute { request_id, .. } => {
                            machine.handle_input(clock.now(), Input::Recomputed { request_id, outcome: Ok(None) });
                        }
                        Output::ForgetGrammar { .. }
                        | Output::AbandonGrammars { .. }
                        | Output::HearKeysOnly { .. }
                        | Output::ListenAgain { .. }
                        | Output::Listen { .. }
                        | Output::MatchDtmf { .. }
                        | Output::Finish { .. }
                        | Output::StopListening { .. } => {}
                    }
                }
            }
            Self::Synthesizer(machine) => {
                use synthesizer::{Input, Output};
                while let Some(output) = machine.poll_output() {
                    match output {
                        Output::Send(message) => sent.push(message),
                        Output::Prepare { request_id, .. } => {
                            machine.handle_input(clock.now(), Input::Prepared { request_id, outcome: Ok(()) });
                        }
                        Output::Control { control_id, .. } => {
                            machine.handle_input(clock.now(), Input::Controlled { control_id, outcome: Ok(false) });
                        }
                        Output::DefineLexicon { request_id, .. } => {
                            machine.handle_input(clock.now(), Input::LexiconDefined { request_id, outcome: Ok(()) });
                        }
                        Output::Start { .. } | Output::Pause { .. } | Output::Resume { .. } | Output::Stop { .. } => {}
                    }
                }
            }
        }
        sent
    }
}

fn response_in(messages: &[Message]) -> Option<&Response> {
    messages.iter().find_map(|message| match message {
        Message::Response(response) => Some(response),
        Message::Request(_) | Message::Event(_) => None,
    })
}

fn completes(messages: &[Message], id: RequestId) -> bool {
    messages.iter().any(
        |message| matches!(message, Message::Event(event) if event.id == id && event.state == RequestState::Complete),
    )
}

#[test]
fn requests_of_real_clients_are_answered_as_the_recorded_server_answered_them() {
    let mut answered = 0;
    for product in ["freeswitch", "asterisk", "unimrcp"] {
        let Some(directory) = testkit::shared_material(&format!("traces/{product}")) else { return };
        let is_probe = |name: &str| name.starts_with("probe");
        for path in files(&directory, "txt") {
            // A verifier, which fills the buffer that is asked for, is not ours.
            let has_verifier = |name: &str| name.contains("verif");
            if path
                .file_stem()
                .map(|name| name.to_string_lossy())
                .is_some_and(|name| is_probe(&name) || has_verifier(&name))
            {
                continue;
            }
            let trace = std::fs::read(&path).unwrap();
            answered += replay(&recorded(&trace), &path.display().to_string());
        }
    }
    assert!(answered > 250, "only {answered} requests found");
}

/// Plays the requests of one recording; returns how many answers were compared.
fn replay(recording: &[Vec<u8>], name: &str) -> usize {
    let mut clock = Clock::new();
    let mut channels: BTreeMap<ChannelId, Channel> = BTreeMap::new();
    let mut ours: BTreeMap<(ChannelId, RequestId), Response> = BTreeMap::new();
    let mut open: Vec<(ChannelId, RequestId)> = Vec::new();
    let mut answered = 0;
    for bytes in recording {
        let message = read_one(bytes);
        let key = (message.channel().clone(), message.id());
        if !channels.contains_key(&key.0) {
            let Some(channel) = Channel::of(&key.0) else { continue };
            channels.insert(key.0.clone(), channel);
        }
        let channel = channels.get_mut(&key.0).unwrap();
        match message {
            Message::Request(request) => {
                clock.advance(50);
                let is_long = matches!(request.method, Method::Recognize | Method::Speak);
                let shown = format!("{} {}", request.method, request.id);
                let said = channel.request(&clock, request);
                let response = response_in(&said).unwrap_or_else(|| panic!("{name}: no response to {shown}")).clone();
                assert!(response.status.is_success(), "{name}: {shown} is refused: {response:?}");
                let mut stopped = response.headers.active_request_ids().unwrap().unwrap_or_default();
                stopped.retain(|_| !is_long);
                open.retain(|(id, request)| *id != key.0 || !stopped.contains(request));
                if is_long {
                    open.push(key.clone());
                }
                ours.insert(key, response);
            }
            Message::Response(theirs) => {
                let Some(response) = ours.get(&key) else { continue };
                assert_eq!((response.status, response.state), (theirs.status, theirs.state), "{name}: {theirs:?}");
                answered += 1;
            }
            Message::Event(event) if event.state == RequestState::Complete => {
                clock.advance(50);
                let mut said = channel.ended(&clock, key.1);
                clock.advance(250);
                said.extend(channel.timeout(&clock));
                assert!(completes(&said, key.1), "{name}: {} {} has no end", event.name, key.1);
                open.retain(|still| *still != key);
            }
            Message::Event(_) => {}
        }
    }
    // Hung up in the middle: what is open is completed.
    for (id, channel) in &mut channels {
        let said = channel.close(&clock);
        for (_, request) in open.iter().filter(|(of, _)| of == id) {
            assert!(completes(&said, *request), "{name}: {request} is open after the end");
        }
    }
    answered
}
