//! The active RECOGNIZE: from its grammars to its RECOGNITION-COMPLETE (RFC 6787 §9.9, §9.12, §9.14). Keys are in
//! `keying.rs`, what hotword mode does otherwise in `hotword.rs`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::hotword::hotword_cause;
use super::input::{Failure, FailureKind, InputMatch, InputModes, Outcome, ResultBody, Verdict};
use super::machine::{Recognizer, State, Timer, quoted};
use super::output::{FinishedInput, GrammarPurpose, Output, RecognitionMode, RecognizeParams};
use super::turn_end::WantedSilence;
use crate::{Event, EventName, GrammarRef, HeaderName, Headers, Message, RecognizerCause, RequestId, RequestState};
use crate::{Response, StatusCode};

/// One RECOGNIZE that is open.
#[derive(Debug)]
pub(super) struct Recognition {
    pub(super) id: RequestId,
    pub(super) grammars: Vec<GrammarRef>,
    pub(super) params: Arc<RecognizeParams>,
    /// The status of its success: 200 or 201.
    pub(super) success: StatusCode,
    pub(super) cancel_if_queue: bool,
    pub(super) clear_dtmf_buffer: bool,
    pub(super) answer: Answer,
    /// Start-Input-Timers was true, or START-INPUT-TIMERS came.
    pub(super) timers_started: bool,
    /// What START-OF-INPUT told the client.
    pub(super) input: Option<InputType>,
    /// The utterance that is being heard, or was heard last.
    pub(super) utterance: Option<Utterance>,
    /// What the session has to take back when the recognition ends.
    pub(super) held: Held,
}

/// What the session holds for a recognition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// Nothing: it waits in the queue, or has ended.
    Nothing,
    /// Grammars, loaded or being loaded.
    Grammars,
    /// It listens.
    Audio,
}

/// One utterance of the caller, which hotword mode measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Utterance {
    /// When its beginning was told.
    pub(super) heard_at: Instant,
    /// Where it began in the audio.
    pub(super) offset: Duration,
    /// How long it was, pauses included; `None` while it goes on.
    pub(super) length: Option<Duration>,
}

/// Whether the RECOGNIZE has got its one response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Owed,
    Pending,
    InProgress { at: Instant },
}

/// `Input-Type` (§9.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InputType {
    Speech,
    Dtmf,
}

/// How far the active RECOGNIZE is.
#[derive(Debug)]
pub(super) enum Phase {
    /// The session finds and compiles the grammars.
    Loading,
    /// Nothing was heard yet.
    Waiting { modes: InputModes },
    /// The caller speaks. What was said so far stands so to the grammars; `None`: it is not known.
    Speaking { modes: InputModes, found: Option<InputMatch> },
    /// The caller has been silent since.
    Silent { modes: InputModes, since: Instant, found: Option<InputMatch>, wanted: Option<WantedSilence> },
    /// The caller presses keys.
    Keying { modes: InputModes, digits: String, found: KeysFound },
    /// The final result is awaited.
    Finishing { modes: InputModes, end: EndOfInput },
    /// The result is there; the gap after the response is not over.
    Completing { completion: Completion },
}

/// What is known of the digits so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeysFound {
    /// The session is matching them; further digits wait.
    Asked,
    /// It has.
    Known,
}

/// Why input ended, which distinguishes `success` from `success-maxtime`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndOfInput {
    /// Silence, a terminator, or the engine's own decision.
    Natural,
    /// Recognition-Timeout.
    MaxTime,
}

/// What RECOGNITION-COMPLETE will say.
#[derive(Debug)]
pub(super) struct Completion {
    pub(super) cause: RecognizerCause,
    pub(super) reason: String,
    pub(super) result: Option<ResultBody>,
    /// A URI that could not be read, and why: Failed-URI and Failed-URI-Cause.
    pub(super) failed_uri: Option<(String, String)>,
}

impl Completion {
    pub(super) fn new(cause: RecognizerCause) -> Self {
        Self { cause, reason: String::new(), result: None, failed_uri: None }
    }
}

impl Recognition {
    /// What the session has to be told so that it keeps nothing for this recognition.
    fn give_back(&mut self) -> Option<Output> {
        let request_id = self.id;
        match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Nothing => None,
            Held::Grammars => Some(Output::AbandonGrammars { request_id }),
            Held::Audio => Some(Output::StopListening { request_id }),
        }
    }
}

impl Phase {
    /// What the grammars take; nothing while they load, and when it does not matter any more.
    pub(super) fn modes(&self) -> InputModes {
        match self {
            Self::Waiting { modes }
            | Self::Speaking { modes, .. }
            | Self::Silent { modes, .. }
            | Self::Keying { modes, .. }
            | Self::Finishing { modes, .. } => *modes,
            Self::Loading | Self::Completing { .. } => InputModes { speech: false, dtmf: false },
        }
    }

    /// Whether the recognition has ended and only the event is outstanding: its result is not taken back.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Completing { .. } => true,
            Self::Loading
            | Self::Waiting { .. }
            | Self::Speaking { .. }
            | Self::Silent { .. }
            | Self::Keying { .. }
            | Self::Finishing { .. } => false,
        }
    }

    /// What to complete with when the session ends now: the result if there is one.
    pub(super) fn into_completion(self, cause: RecognizerCause) -> Completion {
        match self {
            Self::Completing { completion } => completion,
            Self::Loading
            | Self::Waiting { .. }
            | Self::Speaking { .. }
            | Self::Silent { .. }
            | Self::Keying { .. }
            | Self::Finishing { .. } => Completion::new(cause),
        }
    }
}

impl Recognizer {
    /// Makes a RECOGNIZE the active one: its grammars first.
    pub(super) fn begin(&mut self, now: Instant, mut recognition: Recognition) {
        recognition.held = Held::Grammars;
        if recognition.clear_dtmf_buffer {
            self.type_ahead.clear();
        }
        self.outputs.push_back(Output::LoadGrammars {
            request_id: recognition.id,
            grammars: recognition.grammars.clone(),
            params: Arc::clone(&recognition.params),
            purpose: GrammarPurpose::Recognize,
        });
        self.timers.set(Timer::Grammars, now + self.config.grammar_timeout);
        self.state = State::Recognizing { recognition, phase: Phase::Loading };
    }

    /// The next of the queue becomes active.
    pub(super) fn begin_next(&mut self, now: Instant) {
        if let Some(next) = self.pending.pop_front() {
            self.begin(now, next);
        }
    }

    /// The active RECOGNIZE gives way to a new one (Cancel-If-Queue).
    pub(super) fn supersede(&mut self) {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Recognizing { mut recognition, .. } => {
                self.release(&mut recognition);
                let cause = RecognizerCause::Cancelled;
                if recognition.answer == Answer::Owed {
                    self.respond_with_cause(recognition.id, StatusCode::METHOD_FAILED, cause, Headers::new());
                } else {
                    self.send_completion(recognition.id, &Completion::new(cause));
                }
            }
            other @ (State::Idle | State::Recognized { .. } | State::Closed) => self.state = other,
        }
    }

    pub(super) fn grammars_loaded(
        &mut self,
        now: Instant,
        request_id: RequestId,
        outcome: Result<InputModes, Failure>,
    ) {
        let is_dtmf_only = self.is_dtmf_only();
        if self.interprets(request_id) {
            return self.interpretation_loaded(now, outcome.map(|_modes| ()));
        }
        let Some((recognition, phase)) = self.active(request_id) else { return };
        if !matches!(phase, Phase::Loading) {
            self.counters.late_inputs += 1;
            return;
        }
        if outcome.is_err() {
            recognition.held = Held::Nothing;
        }
        let outcome = outcome.and_then(|modes| match modes {
            InputModes { dtmf: true, speech } => Ok(InputModes { dtmf: true, speech: speech && !is_dtmf_only }),
            InputModes { speech: true, dtmf: false } if !is_dtmf_only => Ok(modes),
            InputModes { .. } => {
                Err(Failure::new(FailureKind::Definition, "no grammar takes input that this resource hears"))
            }
        });
        let modes = match outcome {
            Ok(modes) => modes,
            Err(failure) => {
                let is_answered = recognition.answer != Answer::Owed;
                return self.fail_active(now, is_answered, &failure);
            }
        };
        recognition.held = Held::Audio;
        let params = Arc::clone(&recognition.params);
        let timers_started = recognition.timers_started;
        *phase = Phase::Waiting { modes };
        let response = (recognition.answer == Answer::Owed).then_some((recognition.id, recognition.success));
        recognition.answer = Answer::InProgress { at: now };
        if let Some((id, status)) = response {
            self.send_in_progress(id, status);
        }
        self.timers.cancel(Timer::Grammars);
        if timers_started {
            self.timers.set(Timer::NoInput, now + params.no_input_timeout);
        }
        self.outputs.push_back(Output::Listen { request_id, modes, params });
        self.take_digits(now);
    }

    pub(super) fn speech_started(&mut self, now: Instant, request_id: RequestId, offset: Duration) {
        let early = self.config.speech_too_early_within;
        let Some((recognition, phase)) = self.active(request_id) else { return };
        match phase {
            Phase::Waiting { modes } if modes.speech => {
                *phase = Phase::Speaking { modes: *modes, found: None };
                let is_normal = recognition.params.mode == RecognitionMode::Normal;
                recognition.utterance = Some(Utterance { heard_at: now, offset, length: None });
                self.input_started(now, InputType::Speech);
                if is_normal && early.is_some_and(|early| offset <= early) {
                    self.complete(now, Completion::new(RecognizerCause::SpeechTooEarly));
                }
            }
            Phase::Silent { .. } => self.speech_resumed(request_id),
            // Speech where no grammar takes it, after keys, or after the end.
            Phase::Waiting { .. }
            | Phase::Loading
            | Phase::Speaking { .. }
            | Phase::Keying { .. }
            | Phase::Finishing { .. }
            | Phase::Completing { .. } => {}
        }
    }

    pub(super) fn speech_ended(&mut self, now: Instant, request_id: RequestId, at: Instant, offset: Duration) {
        let Some((recognition, phase)) = self.active(request_id) else { return };
        match phase {
            Phase::Speaking { modes, found } => {
                *phase = Phase::Silent { modes: *modes, since: at.min(now), found: *found, wanted: None };
                if let Some(utterance) = &mut recognition.utterance {
                    utterance.length = Some(offset.saturating_sub(utterance.offset));
                }
                self.await_silence(now);
            }
            Phase::Waiting { .. }
            | Phase::Silent { .. }
            | Phase::Loading
            | Phase::Keying { .. }
            | Phase::Finishing { .. }
            | Phase::Completing { .. } => {}
        }
    }

    pub(super) fn speech_resumed(&mut self, request_id: RequestId) {
        let Some((recognition, phase)) = self.active(request_id) else { return };
        match phase {
            Phase::Silent { modes, .. } => {
                *phase = Phase::Speaking { modes: *modes, found: None };
                if let Some(utterance) = &mut recognition.utterance {
                    utterance.length = None;
                }
                self.timers.cancel(Timer::Silence);
            }
            Phase::Waiting { .. }
            | Phase::Speaking { .. }
            | Phase::Loading
            | Phase::Keying { .. }
            | Phase::Finishing { .. }
            | Phase::Completing { .. } => {}
        }
    }

    pub(super) fn matched(&mut self, now: Instant, request_id: RequestId, matched: InputMatch) {
        let Some((recognition, phase)) = self.active(request_id) else { return };
        let is_early = matched == InputMatch::NoMatch
            && recognition.params.early_no_match
            && recognition.params.mode == RecognitionMode::Normal;
        let is_hotword = matches!(matched, InputMatch::Complete { .. }) && recognition.hotword_counts(now);
        match phase {
            Phase::Speaking { found, .. } => {
                *found = Some(matched);
                if is_early || is_hotword {
                    self.finish(now, EndOfInput::Natural);
                }
            }
            Phase::Silent { found, .. } => {
                *found = Some(matched);
                if is_early || is_hotword {
                    self.finish(now, EndOfInput::Natural);
                } else {
                    self.await_silence(now);
                }
            }
            Phase::Waiting { .. }
            | Phase::Loading
            | Phase::Keying { .. }
            | Phase::Finishing { .. }
            | Phase::Completing { .. } => {}
        }
    }

    pub(super) fn recognized(&mut self, now: Instant, request_id: RequestId, outcome: Outcome) {
        let Some((recognition, phase)) = self.active(request_id) else { return };
        let is_unannounced = recognition.input.is_none();
        let mode = recognition.params.mode;
        // Keys have no utterance, and always count.
        let counts = recognition.input == Some(InputType::Dtmf) || recognition.hotword_counts(now);
        let end = match phase {
            Phase::Finishing { end, .. } => *end,
            Phase::Waiting { .. } | Phase::Speaking { .. } | Phase::Silent { .. } | Phase::Keying { .. } => {
                EndOfInput::Natural
            }
            Phase::Loading | Phase::Completing { .. } => {
                self.counters.late_inputs += 1;
                return;
            }
        };
        if is_unannounced {
            self.input_started(now, InputType::Speech);
        }
        let cause = match mode {
            RecognitionMode::Normal => cause_of(outcome.verdict, end),
            RecognitionMode::Hotword { .. } => match hotword_cause(outcome.verdict, end, counts) {
                Some(cause) => cause,
                None => return self.ignore_input(now),
            },
        };
        self.complete(now, Completion { result: outcome.result, ..Completion::new(cause) });
    }

    pub(super) fn engine_failed(&mut self, now: Instant, request_id: RequestId, reason: &str) {
        let Some((recognition, phase)) = self.active(request_id) else { return };
        match phase {
            Phase::Completing { .. } => self.counters.late_inputs += 1,
            Phase::Loading
            | Phase::Waiting { .. }
            | Phase::Speaking { .. }
            | Phase::Silent { .. }
            | Phase::Keying { .. }
            | Phase::Finishing { .. } => {
                let is_answered = recognition.answer != Answer::Owed;
                self.fail_active(now, is_answered, &Failure::new(FailureKind::Engine, reason));
            }
        }
    }

    pub(super) fn complete_by_application(
        &mut self,
        now: Instant,
        request_id: RequestId,
        cause: RecognizerCause,
        result: Option<ResultBody>,
    ) {
        let Some((recognition, phase)) = self.active(request_id) else { return };
        if matches!(phase, Phase::Completing { .. }) {
            self.counters.late_inputs += 1;
            return;
        }
        if recognition.answer == Answer::Owed {
            let (id, status) = (recognition.id, recognition.success);
            recognition.answer = Answer::InProgress { at: now };
            self.send_in_progress(id, status);
        }
        self.complete(now, Completion { result, ..Completion::new(cause) });
    }

    /// One of the active RECOGNIZE's deadlines has passed.
    pub(super) fn recognition_timer(&mut self, now: Instant, timer: Timer) {
        let State::Recognizing { recognition, phase } = &mut self.state else { return };
        let is_answered = recognition.answer != Answer::Owed;
        match timer {
            Timer::Grammars => {
                let failure = Failure::new(FailureKind::Load, "the grammars were not loaded in time");
                self.fail_active(now, is_answered, &failure);
            }
            Timer::NoInput => self.complete(now, Completion::new(RecognizerCause::NoInputTimeout)),
            Timer::Recognition => self.finish(now, EndOfInput::MaxTime),
            Timer::Silence | Timer::Interdigit | Timer::Term if recognition.params.mode.is_hotword() => {
                self.hotword_input_ended(now);
            }
            Timer::Silence | Timer::Interdigit | Timer::Term => self.finish(now, EndOfInput::Natural),
            Timer::Result => {
                let failure = Failure::new(FailureKind::Engine, "the engine gave no result in time");
                self.fail_active(now, is_answered, &failure);
            }
            Timer::Completion => {
                // Only this phase sets the timer.
                if let Phase::Completing { completion } = std::mem::replace(phase, Phase::Loading) {
                    self.completed(now, completion);
                }
            }
            // Not of the recognition.
            Timer::Definition(_) | Timer::Interpretation => {}
        }
    }

    /// Sets the silence timer from the real end of speech; it may be due already.
    pub(super) fn await_silence(&mut self, now: Instant) {
        let State::Recognizing { recognition, phase: Phase::Silent { since, found, wanted, .. } } = &self.state else {
            return;
        };
        let params = &recognition.params;
        let timeout = match (wanted, found) {
            (Some(wanted), _) => wanted.within(params),
            (None, Some(InputMatch::Complete { can_grow: false })) => params.speech_complete_timeout,
            (None, Some(InputMatch::Complete { can_grow: true } | InputMatch::Prefix | InputMatch::NoMatch) | None) => {
                params.speech_incomplete_timeout
            }
        };
        let at = *since + timeout;
        if at <= now {
            self.recognition_timer(now, Timer::Silence);
        } else {
            self.timers.set(Timer::Silence, at);
        }
    }

    /// The first input of a RECOGNIZE: START-OF-INPUT (§9.12), the no-input timer ends, Recognition-Timeout begins.
    pub(super) fn input_started(&mut self, now: Instant, kind: InputType) {
        let State::Recognizing { recognition, .. } = &mut self.state else { return };
        self.timers.cancel(Timer::NoInput);
        if recognition.params.mode.is_hotword() {
            // No event; and every input that nothing came of is followed by another with a time of its own (§9.9).
            recognition.input = Some(kind);
            if !self.timers.is_set(Timer::Recognition) {
                self.timers.set(Timer::Recognition, now + recognition.params.recognition_timeout);
            }
            return;
        }
        if recognition.input.is_some() {
            // What was said before was forgotten, and its time with it.
            if !self.timers.is_set(Timer::Recognition) {
                self.timers.set(Timer::Recognition, now + recognition.params.recognition_timeout);
            }
            return;
        }
        recognition.input = Some(kind);
        let id = recognition.id;
        self.timers.set(Timer::Recognition, now + recognition.params.recognition_timeout);
        let name = match kind {
            InputType::Speech => "speech",
            InputType::Dtmf => "dtmf",
        };
        // One START-OF-INPUT per request, so channel and request make a value that no other event has.
        let sync_id = format!("{}-{}-{id}", self.channel.prefix(), self.channel.resource_name());
        let headers = Headers::new().with(HeaderName::ProxySyncId, sync_id).with(HeaderName::InputType, name);
        self.outputs.push_back(Output::Send(Message::Event(Event {
            channel: self.channel.clone(),
            id,
            name: EventName::StartOfInput,
            state: RequestState::InProgress,
            headers,
            body: bytes::Bytes::new(),
        })));
    }

    /// Input has ended: asks for the result.
    pub(super) fn finish(&mut self, now: Instant, end: EndOfInput) {
        let State::Recognizing { recognition, phase } = &mut self.state else { return };
        let request_id = recognition.id;
        let modes = phase.modes();
        let input = match std::mem::replace(phase, Phase::Finishing { modes, end }) {
            Phase::Keying { digits, .. } => FinishedInput::Dtmf { digits },
            Phase::Loading
            | Phase::Waiting { .. }
            | Phase::Speaking { .. }
            | Phase::Silent { .. }
            | Phase::Finishing { .. }
            | Phase::Completing { .. } => FinishedInput::Speech,
        };
        self.clear_recognition_timers();
        self.timers.set(Timer::Result, now + self.config.result_timeout);
        self.outputs.push_back(Output::Finish { request_id, input });
    }

    /// The active RECOGNIZE fails: 407 when it has no response yet, else RECOGNITION-COMPLETE.
    fn fail_active(&mut self, now: Instant, is_answered: bool, failure: &Failure) {
        if is_answered {
            let (_, cause) = failure.kind.answer();
            let failed_uri = if let FailureKind::Uri { uri, cause } = &failure.kind {
                Some((uri.clone(), cause.clone()))
            } else {
                None
            };
            let reason = failure.reason.clone();
            return self.complete(now, Completion { reason, failed_uri, ..Completion::new(cause) });
        }
        self.clear_recognition_timers();
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Recognizing { mut recognition, .. } => {
                self.release(&mut recognition);
                self.fail(recognition.id, failure);
                self.cancel_pending();
            }
            other @ (State::Idle | State::Recognized { .. } | State::Closed) => self.state = other,
        }
    }

    /// The active RECOGNIZE has ended; the client hears of it when the gap after the response is over.
    pub(super) fn complete(&mut self, now: Instant, completion: Completion) {
        self.clear_recognition_timers();
        let State::Recognizing { recognition, phase } = &mut self.state else { return };
        self.outputs.extend(recognition.give_back());
        let earliest = match recognition.answer {
            Answer::InProgress { at } => at + self.config.completion_gap,
            Answer::Owed | Answer::Pending => now,
        };
        if earliest > now {
            *phase = Phase::Completing { completion };
            self.timers.set(Timer::Completion, earliest);
        } else {
            self.completed(now, completion);
        }
    }

    /// Sends RECOGNITION-COMPLETE and goes on with the queue.
    fn completed(&mut self, now: Instant, completion: Completion) {
        let Completion { cause, result, .. } = &completion;
        let recognized = State::Recognized { cause: *cause, result: result.clone() };
        match std::mem::replace(&mut self.state, recognized) {
            State::Recognizing { recognition, .. } => {
                self.send_completion(recognition.id, &completion);
                if is_failure(completion.cause) {
                    self.cancel_pending();
                } else {
                    self.begin_next(now);
                }
            }
            other @ (State::Idle | State::Recognized { .. } | State::Closed) => self.state = other,
        }
    }

    /// All waiting RECOGNIZEs end with `cancelled` (§9.4.27).
    pub(super) fn cancel_pending(&mut self) {
        for waiting in std::mem::take(&mut self.pending) {
            self.send_completion(waiting.id, &Completion::new(RecognizerCause::Cancelled));
        }
    }

    pub(super) fn send_completion(&mut self, id: RequestId, completion: &Completion) {
        self.send_complete_event(EventName::RecognitionComplete, id, completion);
    }

    pub(super) fn send_complete_event(&mut self, name: EventName, id: RequestId, completion: &Completion) {
        let mut headers = Headers::new().with(HeaderName::CompletionCause, completion.cause.to_string());
        if !completion.reason.is_empty() {
            headers.push(HeaderName::CompletionReason, quoted(&completion.reason));
        }
        if let Some((uri, cause)) = &completion.failed_uri {
            headers.push(HeaderName::FailedUri, uri.as_str());
            headers.push(HeaderName::FailedUriCause, cause.as_str());
        }
        let mut body = bytes::Bytes::new();
        if let Some(result) = completion.result.as_ref().filter(|result| !result.body.is_empty()) {
            headers.push(HeaderName::ContentType, result.content_type.as_str());
            body = result.body.clone();
        }
        let channel = self.channel.clone();
        let state = RequestState::Complete;
        self.outputs.push_back(Output::Send(Message::Event(Event { channel, id, name, state, headers, body })));
    }

    /// Ends what the session does for a recognition that will not complete by itself.
    pub(super) fn release(&mut self, recognition: &mut Recognition) {
        self.clear_recognition_timers();
        self.outputs.extend(recognition.give_back());
    }

    pub(super) fn respond_in_progress(&mut self, recognition: &Recognition) {
        self.send_in_progress(recognition.id, recognition.success);
    }

    pub(super) fn send_in_progress(&mut self, id: RequestId, status: StatusCode) {
        let channel = self.channel.clone();
        let (headers, body) = (Headers::new(), bytes::Bytes::new());
        self.respond(Response { channel, id, status, state: RequestState::InProgress, headers, body });
    }

    pub(super) fn clear_recognition_timers(&mut self) {
        for timer in [
            Timer::Grammars,
            Timer::NoInput,
            Timer::Recognition,
            Timer::Silence,
            Timer::Interdigit,
            Timer::Term,
            Timer::Result,
            Timer::Completion,
        ] {
            self.timers.cancel(timer);
        }
    }

    /// The active RECOGNIZE, if it is that one; otherwise the input came late.
    pub(super) fn active(&mut self, request_id: RequestId) -> Option<(&mut Recognition, &mut Phase)> {
        match &mut self.state {
            State::Recognizing { recognition, phase } if recognition.id == request_id => Some((recognition, phase)),
            State::Recognizing { .. } | State::Idle | State::Recognized { .. } | State::Closed => {
                self.counters.late_inputs += 1;
                None
            }
        }
    }
}

pub(super) fn cause_of(verdict: Verdict, end: EndOfInput) -> RecognizerCause {
    match (verdict, end) {
        (Verdict::Match, EndOfInput::Natural) => RecognizerCause::Success,
        (Verdict::Match, EndOfInput::MaxTime) => RecognizerCause::SuccessMaxtime,
        (Verdict::PartialMatch, EndOfInput::Natural) => RecognizerCause::PartialMatch,
        (Verdict::PartialMatch, EndOfInput::MaxTime) => RecognizerCause::PartialMatchMaxtime,
        (Verdict::NoMatch, EndOfInput::Natural) => RecognizerCause::NoMatch,
        (Verdict::NoMatch, EndOfInput::MaxTime) => RecognizerCause::NoMatchMaxtime,
        (Verdict::SemanticsFailure, EndOfInput::Natural | EndOfInput::MaxTime) => RecognizerCause::SemanticsFailure,
    }
}

/// Whether the queue behind is cancelled. Not to be understood, or not to speak, is an ordinary outcome; what the
/// recognizer could not do is a failure.
fn is_failure(cause: RecognizerCause) -> bool {
    match cause {
        RecognizerCause::GrammarLoadFailure
        | RecognizerCause::GrammarCompilationFailure
        | RecognizerCause::RecognizerError
        | RecognizerCause::UriFailure
        | RecognizerCause::LanguageUnsupported
        | RecognizerCause::GrammarDefinitionFailure
        | RecognizerCause::Cancelled => true,
        RecognizerCause::Success
        | RecognizerCause::NoMatch
        | RecognizerCause::NoInputTimeout
        | RecognizerCause::HotwordMaxtime
        | RecognizerCause::SpeechTooEarly
        | RecognizerCause::SuccessMaxtime
        | RecognizerCause::SemanticsFailure
        | RecognizerCause::PartialMatch
        | RecognizerCause::PartialMatchMaxtime
        | RecognizerCause::NoMatchMaxtime => false,
    }
}
