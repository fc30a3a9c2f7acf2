//! Random operations on a recognizer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::laws::Laws;
use super::operations::Operations;
use crate::recognizer::{
    Failure, FailureKind, Input, InputMatch, InputModes, Outcome, Output, Recognizer, RecognizerConfig, ResultBody,
    Verdict, WantedSilence,
};
use crate::{ChannelId, EventName, HeaderName as H, Message, Method, RecognizerCause, Request, RequestId, Resource};

/// More than a machine ever says to one input: it completes at most its queue and its definitions.
const OUTPUTS_MAX: usize = 64;

const METHODS: [&str; 8] =
    ["GET-RESULT", "MODIFY-PHRASE", "SPEAK", "START-PHRASE-ENROLLMENT", "GET-PARAMS", "SET-PARAMS", "PAUSE", "X"];

struct Run {
    now: Instant,
    machine: Recognizer,
    laws: Laws,
    last_id: u32,
    /// The recognition that is listened to, and whether START-OF-INPUT was sent for it.
    listening: Option<RequestId>,
    started: Option<RequestId>,
    asked_digits: String,
    /// Requests whose grammars the session holds.
    grammars: BTreeSet<RequestId>,
    /// DEFINE-GRAMMARs that the session works on.
    definitions: BTreeSet<RequestId>,
    /// INTERPRETs and GET-RESULTs that the session works on.
    interpreting: Option<RequestId>,
    recomputing: Option<RequestId>,
}

/// Runs the operations that `bytes` spell, then closes.
pub fn recognizer(epoch: Instant, bytes: &[u8]) {
    let config = RecognizerConfig { pending_max: 2, definitions_max: 2, digits_max: 4, ..RecognizerConfig::default() };
    let laws = Laws::new(config.completion_gap);
    let Ok(channel) = ChannelId::new("1", Resource::SpeechRecog) else { return };
    let machine = Recognizer::new(Arc::new(config), channel);
    let mut run = Run {
        now: epoch,
        machine,
        laws,
        last_id: 0,
        listening: None,
        started: None,
        asked_digits: String::new(),
        grammars: BTreeSet::new(),
        definitions: BTreeSet::new(),
        interpreting: None,
        recomputing: None,
    };
    let mut operations = Operations::new(bytes);
    while let Some(operation) = operations.next(29) {
        run.step(operation, &mut operations);
    }
    run.close();
    let late = run.request("STOP", &[], "");
    run.input(late);
    run.wait(Duration::from_secs(100_000));
    assert_eq!(run.machine.poll_timeout(), None, "a timer after the end");
    assert_eq!(run.listening, None, "listening after the end");
    assert!(run.grammars.is_empty(), "grammars that nobody has given back");
}

impl Run {
    fn step(&mut self, operation: u8, operands: &mut Operations<'_>) {
        let request_id = self.some_id(operands.byte());
        let input = match operation {
            0..=2 => self.recognize(operands),
            3 => self.request("STOP", &[], ""),
            4 => {
                let list = format!("{},{}", request_id, self.last_id.saturating_sub(1));
                self.request("STOP", &[(H::ActiveRequestIdList, &list)], "")
            }
            5 => self.request("START-INPUT-TIMERS", &[], ""),
            6 => {
                self.request("DEFINE-GRAMMAR", &[(H::ContentType, "application/srgs+xml"), (H::ContentId, "g")], "<g/>")
            }
            7 => self.request("DEFINE-GRAMMAR", &[(H::ContentId, "g")], ""),
            8 => self.method(operands),
            9 | 10 => {
                let modes = InputModes { speech: operands.flag(), dtmf: operands.flag() };
                Input::GrammarsLoaded { request_id: self.some_loading(request_id), outcome: Ok(modes) }
            }
            11 => {
                let request_id = self.some_loading(request_id);
                // What failed to load is not held.
                self.grammars.remove(&request_id);
                Input::GrammarsLoaded { request_id, outcome: Err(Failure::new(FailureKind::Compilation, "")) }
            }
            12 => {
                self.definitions.remove(&request_id);
                let failed = Err(Failure::new(FailureKind::Definition, "x"));
                Input::GrammarDefined { request_id, outcome: if operands.flag() { Ok(()) } else { failed } }
            }
            13 => Input::SpeechStarted { request_id, offset: Duration::from_millis(operands.byte().into()) },
            14 => {
                let ago = Duration::from_millis(u64::from(operands.byte()) * 10);
                let offset = Duration::from_millis(u64::from(operands.byte()) * 5);
                Input::SpeechEnded { request_id, at: self.now.checked_sub(ago).unwrap_or(self.now), offset }
            }
            15 => Input::SpeechResumed { request_id },
            16 => Input::Matched { request_id, found: found(operands) },
            17 => Input::Dtmf { digit: char::from(b"0123456789*#ABCDx?"[usize::from(operands.byte() % 18)]) },
            18 => Input::DtmfMatched { request_id, digits: self.asked_digits.clone(), outcome: found(operands) },
            19 => Input::Recognized { request_id, outcome: outcome(operands) },
            23 => self.interpret(operands),
            24 => {
                Input::Interpreted { request_id: self.interpreting.unwrap_or(request_id), outcome: outcome(operands) }
            }
            25 => {
                let n_best = ["1", "0", "99999999999"][usize::from(operands.byte() % 3)];
                self.request("GET-RESULT", &[(H::NBestListLength, n_best)], "")
            }
            26 | 27 => {
                let outcome = match operands.byte() % 3 {
                    0 => Ok(Some(outcome(operands))),
                    1 => Ok(None),
                    _ => Err(Failure::new(FailureKind::NotAcceptable { accept: "x/y".to_owned() }, "")),
                };
                Input::Recomputed { request_id: self.recomputing.unwrap_or(request_id), outcome }
            }
            20 => match operands.byte() % 8 {
                0..=2 => Input::EngineFailed { request_id, reason: "x".to_owned() },
                6 => {
                    let interdigit_timeout = operands.flag().then(|| Duration::from_millis(operands.byte().into()));
                    Input::KeysOnly { request_id, no_input_timeout: interdigit_timeout, interdigit_timeout }
                }
                4 => {
                    let silence = Duration::from_millis(u64::from(operands.byte()) * 10);
                    Input::SilenceWanted {
                        request_id,
                        silence: WantedSilence { silence, is_complete: operands.flag() },
                    }
                }
                5 => {
                    Input::NoInputWithin { request_id, timeout: Duration::from_millis(u64::from(operands.byte()) * 50) }
                }
                3 => Input::Complete { request_id, cause: RecognizerCause::Success, result: None },
                _ => return self.close(),
            },
            21 => return self.wait(Duration::from_millis(u64::from(operands.byte()))),
            22 => return self.wait(Duration::from_millis(u64::from(operands.byte()) * 100)),
            _ => return self.wait_for_timeout(),
        };
        self.input(input);
    }

    fn recognize(&mut self, operands: &mut Operations<'_>) -> Input {
        let boolean = |is: bool| if is { "true" } else { "false" };
        let headers = [
            (H::ContentType, if operands.flag() { "text/uri-list" } else { "" }),
            (H::CancelIfQueue, boolean(operands.byte() % 4 == 3)),
            (H::StartInputTimers, boolean(operands.flag())),
            (H::ClearDtmfBuffer, boolean(operands.flag())),
            (H::DtmfTermChar, if operands.flag() { "#" } else { "" }),
            (H::NoInputTimeout, ["0", "100", "5000", "soon"][usize::from(operands.byte() % 4)]),
            (H::RecognitionTimeout, ["0", "100", "5000", "99999999999999999"][usize::from(operands.byte() % 4)]),
            (H::SpeechIncompleteTimeout, ["0", "50"][usize::from(operands.byte() % 2)]),
            (H::RecognitionMode, ["normal", "hotword", "Hotword"][usize::from(operands.byte() % 3)]),
            (H::HotwordMinDuration, ["0", "100", "5000"][usize::from(operands.byte() % 3)]),
            (H::EarlyNoMatch, boolean(operands.flag())),
        ];
        let body = ["builtin:x/y", "", "\n"][usize::from(operands.byte() % 3)];
        self.request("RECOGNIZE", &headers, body)
    }

    fn interpret(&mut self, operands: &mut Operations<'_>) -> Input {
        let text = ["yes", "", "cid:x"][usize::from(operands.byte() % 3)];
        let body = ["builtin:x/y", ""][usize::from(operands.byte() % 2)];
        self.request("INTERPRET", &[(H::ContentType, "text/uri-list"), (H::InterpretText, text)], body)
    }

    fn method(&mut self, operands: &mut Operations<'_>) -> Input {
        let method = METHODS[usize::from(operands.byte() % 8)];
        let value = ["", "1", "abc"][usize::from(operands.byte() % 3)];
        let name =
            [H::NoInputTimeout, H::VoiceName, H::VendorSpecificParameters][usize::from(operands.byte() % 3)].clone();
        self.request(method, &[(name, value)], "")
    }

    /// A request with the next identifier; sometimes, for a method of its own, with an old one.
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

    /// Mostly the active request, else one that was or is still to come.
    fn some_id(&self, choice: u8) -> RequestId {
        match (choice % 8, self.machine.active_request()) {
            (0..=5, Some(active)) => active,
            (0..=6, _) => RequestId(self.last_id),
            _ => RequestId(self.last_id.saturating_sub(1)),
        }
    }

    /// Mostly a request whose grammars are being loaded.
    fn some_loading(&self, otherwise: RequestId) -> RequestId {
        self.grammars.first().copied().unwrap_or(otherwise)
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
            self.check(output);
        }
    }

    fn check(&mut self, output: Output) {
        match output {
            Output::Send(message) => {
                self.laws.sent(self.now, &message);
                if let Message::Event(event) = message
                    && event.name == EventName::StartOfInput
                {
                    assert_ne!(self.started, Some(event.id), "input starts once");
                    self.started = Some(event.id);
                }
            }
            Output::LoadGrammars { request_id, .. } => {
                assert!(self.grammars.insert(request_id), "grammars are loaded once");
            }
            Output::AbandonGrammars { request_id } => {
                let is_held = self.grammars.remove(&request_id) || self.definitions.remove(&request_id);
                assert!(is_held, "grammars that are not held");
            }
            Output::Interpret { request_id, .. } => {
                assert!(self.grammars.remove(&request_id), "interpreted without grammars");
                self.interpreting = Some(request_id);
            }
            Output::Recompute { request_id, .. } => self.recomputing = Some(request_id),
            Output::ListenAgain { request_id } => {
                assert_eq!(self.listening, Some(request_id), "what listens goes on");
            }
            Output::HearKeysOnly { request_id } => {
                assert_eq!(self.listening, Some(request_id), "what listens hears less");
            }
            Output::Listen { request_id, .. } => {
                assert!(self.grammars.remove(&request_id), "listening without grammars");
                assert_eq!(self.listening, None, "one recognition listens at a time");
                self.listening = Some(request_id);
            }
            Output::StopListening { request_id } => {
                assert_eq!(self.listening.take(), Some(request_id), "what listens stops");
            }
            Output::MatchDtmf { request_id, digits } => {
                assert_eq!(self.listening, Some(request_id), "digits of what listens");
                self.asked_digits = digits;
            }
            Output::Finish { request_id, .. } => {
                assert_eq!(self.listening, Some(request_id), "the end of what listens")
            }
            Output::DefineGrammar { request_id, .. } => {
                self.definitions.insert(request_id);
            }
            Output::ForgetGrammar { .. } => {}
        }
    }
}

fn found(operands: &mut Operations<'_>) -> InputMatch {
    match operands.byte() % 4 {
        0 => InputMatch::NoMatch,
        1 => InputMatch::Prefix,
        2 => InputMatch::Complete { can_grow: true },
        _ => InputMatch::Complete { can_grow: false },
    }
}

fn outcome(operands: &mut Operations<'_>) -> Outcome {
    let verdict = match operands.byte() % 4 {
        0 => Verdict::Match,
        1 => Verdict::PartialMatch,
        2 => Verdict::NoMatch,
        _ => Verdict::SemanticsFailure,
    };
    let result = ResultBody { content_type: "application/nlsml+xml".to_owned(), body: "<r/>".into() };
    Outcome { verdict, result: operands.flag().then_some(result) }
}
