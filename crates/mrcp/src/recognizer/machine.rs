//! The machine: its verbs, and how it answers requests. What happens inside a recognition is in `recognizing.rs`,
//! INTERPRET in `interpreting.rs`, GET-RESULT in `results.rs`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::config::RecognizerConfig;
use super::dtmf::{TypeAhead, is_digit};
use super::headers::{WITHOUT_EFFECT, recognize_params};
use super::input::{Failure, FailureKind, Input, ResultBody};
use super::interpreting::Interpretation;
use super::output::Output;
use super::recognizing::{Answer, Held, Phase, Recognition};
use crate::fetch_params::fetch_params;
use crate::params::{HeaderFault, ParamStore, check_headers};
use crate::request_order::RequestOrder;
use crate::timers::Timers;
use crate::{
    ChannelId, CodingError, ContentError, Entity, GrammarRef, HeaderName, Headers, Message, Method, RecognizerCause,
    Request, RequestId,
};
use crate::{RequestState, Resource, Response, StatusCode};

/// The state machine of one recognizer channel.
#[derive(Debug)]
pub struct Recognizer {
    pub(super) config: Arc<RecognizerConfig>,
    pub(super) channel: ChannelId,
    pub(super) params: ParamStore,
    order: RequestOrder,
    pub(super) state: State,
    /// RECOGNIZE requests answered PENDING, first in first out.
    pub(super) pending: VecDeque<Recognition>,
    /// DEFINE-GRAMMAR requests not answered yet, with the status of a success.
    definitions: Vec<(RequestId, StatusCode)>,
    /// The INTERPRET that is open; the state stays what it is meanwhile (§9.1).
    pub(super) interpretation: Option<Interpretation>,
    /// GET-RESULT requests not answered yet.
    pub(super) recomputing: Vec<RequestId>,
    pub(super) type_ahead: TypeAhead,
    pub(super) timers: Timers<Timer>,
    pub(super) outputs: VecDeque<Output>,
    pub(super) counters: RecognizerCounters,
}

/// The states of RFC 6787 §9.1.
#[derive(Debug)]
pub(super) enum State {
    /// No RECOGNIZE, and no result.
    Idle,
    /// A RECOGNIZE is active.
    Recognizing { recognition: Recognition, phase: Phase },
    /// The last RECOGNIZE has ended by itself.
    Recognized { cause: RecognizerCause, result: Option<ResultBody> },
    /// The session has ended.
    Closed,
}

/// The deadlines of a recognizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// A DEFINE-GRAMMAR is not answered by the session in time.
    Definition(RequestId),
    /// The INTERPRET's grammars or its result are not there in time, or the gap before its completion is over.
    Interpretation,
    /// The grammars of the active RECOGNIZE are not loaded in time.
    Grammars,
    /// No-Input-Timeout.
    NoInput,
    /// Recognition-Timeout.
    Recognition,
    /// Speech-Complete-Timeout or Speech-Incomplete-Timeout, whichever the speech heard so far calls for.
    Silence,
    /// DTMF-Interdigit-Timeout.
    Interdigit,
    /// DTMF-Term-Timeout.
    Term,
    /// The engine owes the final result.
    Result,
    /// The gap between the response and RECOGNITION-COMPLETE is over.
    Completion,
}

/// What a recognizer has dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecognizerCounters {
    /// Inputs about a request that is not, or no longer, active.
    pub late_inputs: u64,
    /// Digits that nothing takes, or that found no room.
    pub dropped_digits: u64,
}

impl Recognizer {
    /// A recognizer without parameters, in state idle.
    pub fn new(config: Arc<RecognizerConfig>, channel: ChannelId) -> Self {
        let params = ParamStore::new(channel.resource(), config.defaults.as_headers(), config.languages.clone())
            .reporting(config.ignored_headers);
        Self {
            params,
            channel,
            order: RequestOrder::default(),
            state: State::Idle,
            pending: VecDeque::new(),
            definitions: Vec::new(),
            interpretation: None,
            recomputing: Vec::new(),
            type_ahead: TypeAhead::new(config.digits_max),
            timers: Timers::new(),
            outputs: VecDeque::new(),
            counters: RecognizerCounters::default(),
            config,
        }
    }

    /// Takes one input. Drain [`poll_output`](Self::poll_output) before the next.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        if matches!(self.state, State::Closed) {
            self.counters.late_inputs += 1;
            return;
        }
        match input {
            Input::Request(request) => self.request(now, &request),
            Input::GrammarDefined { request_id, outcome } => self.grammar_defined(request_id, outcome),
            Input::GrammarsLoaded { request_id, outcome } => self.grammars_loaded(now, request_id, outcome),
            Input::SpeechStarted { request_id, offset } => self.speech_started(now, request_id, offset),
            Input::SpeechEnded { request_id, at, offset } => self.speech_ended(now, request_id, at, offset),
            Input::SpeechResumed { request_id } => self.speech_resumed(request_id),
            Input::Matched { request_id, found } => self.matched(now, request_id, found),
            Input::SilenceWanted { request_id, silence } => self.silence_wanted(now, request_id, silence),
            Input::NoInputWithin { request_id, timeout } => self.no_input_within(now, request_id, timeout),
            Input::Dtmf { digit } if is_digit(digit) => self.dtmf(now, digit),
            Input::Dtmf { .. } => self.counters.dropped_digits += 1,
            Input::DtmfMatched { request_id, digits, outcome } => {
                self.dtmf_matched(now, request_id, &digits, outcome);
            }
            Input::KeysOnly { request_id, no_input_timeout, interdigit_timeout } => {
                self.keys_only(now, request_id, no_input_timeout, interdigit_timeout);
            }
            Input::Recognized { request_id, outcome } => self.recognized(now, request_id, outcome),
            Input::Interpreted { request_id, outcome } => self.interpreted(now, request_id, outcome),
            Input::Recomputed { request_id, outcome } => self.recomputed(request_id, outcome),
            Input::EngineFailed { request_id, reason } => self.engine_failed(now, request_id, &reason),
            Input::Complete { request_id, cause, result } => {
                self.complete_by_application(now, request_id, cause, result)
            }
            Input::Close => self.close(),
        }
    }

    /// Acts on every deadline that has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Definition(request_id) => {
                    let failure = Failure::new(FailureKind::Load, "the grammar was not defined in time");
                    self.outputs.push_back(Output::AbandonGrammars { request_id });
                    self.grammar_defined(request_id, Err(failure));
                }
                Timer::Interpretation => self.interpretation_timer(now),
                Timer::Grammars
                | Timer::NoInput
                | Timer::Recognition
                | Timer::Silence
                | Timer::Interdigit
                | Timer::Term
                | Timer::Result
                | Timer::Completion => self.recognition_timer(now, timer),
            }
        }
    }

    /// The next thing to do; `None` when there is nothing more.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// The channel.
    pub fn channel(&self) -> &ChannelId {
        &self.channel
    }

    /// The active RECOGNIZE, from its arrival until its completion.
    pub fn active_request(&self) -> Option<RequestId> {
        match &self.state {
            State::Recognizing { recognition, .. } => Some(recognition.id),
            State::Idle | State::Recognized { .. } | State::Closed => None,
        }
    }

    /// What it has dropped.
    pub fn counters(&self) -> RecognizerCounters {
        self.counters
    }

    fn request(&mut self, now: Instant, request: &Request) {
        if !self.order.accept(request.id) {
            return self.refuse(request, StatusCode::NON_MONOTONIC_REQUEST_ID);
        }
        match &request.method {
            Method::SetParams => {
                let response = self.params.set(request);
                self.respond(response);
            }
            Method::GetParams => {
                let response = self.params.get(request);
                self.respond(response);
            }
            Method::DefineGrammar => self.define_grammar(now, request),
            Method::Recognize => self.recognize(now, request),
            Method::Stop => self.stop(now, request),
            Method::StartInputTimers => self.start_input_timers(now, request),
            Method::GetResult => self.get_result(request),
            Method::Interpret => self.interpret(now, request),
            // Optional methods that we do not offer, methods of other resources, and what is no method at all: §5.4
            // has one code for them.
            Method::StartPhraseEnrollment
            | Method::EnrollmentRollback
            | Method::EndPhraseEnrollment
            | Method::ModifyPhrase
            | Method::DeletePhrase
            | Method::Speak
            | Method::Pause
            | Method::Resume
            | Method::BargeInOccurred
            | Method::Control
            | Method::DefineLexicon
            | Method::Record
            | Method::StartSession
            | Method::EndSession
            | Method::QueryVoiceprint
            | Method::DeleteVoiceprint
            | Method::Verify
            | Method::VerifyFromBuffer
            | Method::VerifyRollback
            | Method::ClearBuffer
            | Method::GetIntermediateResult
            | Method::Other(_) => {
                self.respond(request.response(StatusCode::METHOD_NOT_ALLOWED, RequestState::Complete));
            }
        }
    }

    /// DEFINE-GRAMMAR (§9.8).
    fn define_grammar(&mut self, now: Instant, request: &Request) {
        let ignored = match check_headers(request) {
            Ok(ignored) => ignored,
            Err(fault) => return self.refuse_headers(request, fault),
        };
        match self.state {
            State::Idle => {}
            State::Recognized { .. } => self.state = State::Idle,
            State::Recognizing { .. } => return self.refuse(request, StatusCode::METHOD_NOT_VALID_IN_STATE),
            State::Closed => return,
        }
        let status = self.config.ignored_headers.status(ignored);
        let content_id = request.headers.content_id();
        if request.body.is_empty() {
            // A stock client unloads a grammar so.
            let Some(content_id) = content_id else {
                return self.refuse_missing(request, HeaderName::ContentId);
            };
            self.outputs.push_back(Output::ForgetGrammar { content_id: content_id.to_owned() });
            return self.respond_with_cause(request.id, status, RecognizerCause::Success, Headers::new());
        }
        let grammars = match self.grammars_of(request) {
            Ok(grammars) => grammars,
            Err(refusal) => return self.respond(*refusal),
        };
        let is_nameless = |grammar: &GrammarRef| matches!(grammar, GrammarRef::Inline { content_id: None, .. });
        if grammars.iter().any(is_nameless) {
            return self.refuse_missing(request, HeaderName::ContentId);
        }
        if self.definitions.len() >= self.config.definitions_max {
            let failure = Failure::new(FailureKind::Definition, "too many grammars are being defined");
            return self.fail(request.id, &failure);
        }
        self.definitions.push((request.id, status));
        self.timers.set(Timer::Definition(request.id), now + self.config.grammar_timeout);
        let effective = self.params.for_request(&request.headers);
        let (language, fetch) = (effective.text(HeaderName::SpeechLanguage), fetch_params(effective));
        self.outputs.push_back(Output::DefineGrammar { request_id: request.id, grammars, language, fetch });
    }

    fn grammar_defined(&mut self, request_id: RequestId, outcome: Result<(), Failure>) {
        let Some(index) = self.definitions.iter().position(|(id, _)| *id == request_id) else {
            self.counters.late_inputs += 1;
            return;
        };
        let (_, status) = self.definitions.remove(index);
        self.timers.cancel(Timer::Definition(request_id));
        match outcome {
            Ok(()) => self.respond_with_cause(request_id, status, RecognizerCause::Success, Headers::new()),
            Err(failure) => self.fail(request_id, &failure),
        }
    }

    /// RECOGNIZE (§9.9) and the queue of §9.4.27.
    fn recognize(&mut self, now: Instant, request: &Request) {
        let ignored = match check_headers(request) {
            Ok(ignored) => ignored,
            Err(fault) => return self.refuse_headers(request, fault),
        };
        if let Some(fault) = self.beyond_us(&request.headers) {
            return self.refuse_headers(request, fault);
        }
        if self.config.cancel_if_queue_required && !request.headers.contains(&HeaderName::CancelIfQueue) {
            return self.refuse_missing(request, HeaderName::CancelIfQueue);
        }
        let ignored = ignored || WITHOUT_EFFECT.iter().any(|name| request.headers.contains(name));
        if request.body.is_empty() {
            // A RECOGNIZE without any grammar.
            return self.refuse_missing(request, HeaderName::ContentType);
        }
        let grammars = match self.grammars_of(request) {
            Ok(grammars) => grammars,
            Err(refusal) => return self.respond(*refusal),
        };
        let effective = self.params.for_request(&request.headers);
        let params = Arc::new(recognize_params(effective, &self.config));
        let is_true = |name| request.headers.boolean(&name).ok().flatten().unwrap_or(false);
        let mut recognition = Recognition {
            id: request.id,
            grammars,
            timers_started: params.start_input_timers,
            params,
            success: self.config.ignored_headers.status(ignored),
            cancel_if_queue: is_true(HeaderName::CancelIfQueue),
            // Keys of another caller are as good as none; nothing else of a caller is kept from one input to the next.
            clear_dtmf_buffer: is_true(HeaderName::ClearDtmfBuffer) || is_true(HeaderName::NewAudioChannel),
            answer: Answer::Owed,
            input: None,
            utterance: None,
            held: Held::Nothing,
        };
        match &self.state {
            State::Idle | State::Recognized { .. } => self.begin(now, recognition),
            State::Recognizing { recognition: active, phase } if active.cancel_if_queue && !phase.is_over() => {
                self.supersede();
                self.begin(now, recognition);
            }
            State::Recognizing { .. } if self.pending.len() >= self.config.pending_max => {
                self.fail(request.id, &Failure::new(FailureKind::Engine, "too many requests are waiting"));
            }
            State::Recognizing { .. } => {
                let mut response = request.response(recognition.success, RequestState::Pending);
                response.channel = self.channel.clone();
                recognition.answer = Answer::Pending;
                self.pending.push_back(recognition);
                self.respond(response);
            }
            State::Closed => {}
        }
    }

    /// STOP (§9.10): beats a completion that has not been sent.
    fn stop(&mut self, now: Instant, request: &Request) {
        let ignored = match check_headers(request) {
            Ok(ignored) => ignored,
            Err(fault) => return self.refuse_headers(request, fault),
        };
        // Checked above.
        let asked = request.headers.active_request_ids().ok().flatten();
        let is_asked = |id: RequestId| asked.as_ref().is_none_or(|ids| ids.contains(&id));
        let mut stopped = Vec::new();
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Recognizing { mut recognition, .. } if is_asked(recognition.id) => {
                if recognition.answer == Answer::Owed {
                    self.respond_in_progress(&recognition);
                }
                self.release(&mut recognition);
                stopped.push(recognition.id);
            }
            other @ State::Recognizing { .. } => self.state = other,
            State::Idle | State::Recognized { .. } => {}
            State::Closed => self.state = State::Closed,
        }
        self.pending.retain(|waiting| {
            let keep = !is_asked(waiting.id);
            if !keep {
                stopped.push(waiting.id);
            }
            keep
        });
        if let Some(id) = self.interpretation.as_ref().map(Interpretation::id).filter(|id| is_asked(*id)) {
            self.stop_interpretation();
            stopped.push(id);
        }
        let mut response = request.response(self.config.ignored_headers.status(ignored), RequestState::Complete);
        if !stopped.is_empty() {
            response.headers.push(HeaderName::ActiveRequestIdList, id_list(&stopped));
        }
        self.respond(response);
        if matches!(self.state, State::Idle) {
            self.begin_next(now);
        }
    }

    /// START-INPUT-TIMERS (§9.13).
    fn start_input_timers(&mut self, now: Instant, request: &Request) {
        let status = match &mut self.state {
            State::Recognizing { recognition, phase } => {
                let starts = !recognition.timers_started;
                recognition.timers_started = true;
                if starts && matches!(phase, Phase::Waiting { .. }) {
                    self.timers.set(Timer::NoInput, now + recognition.params.no_input_timeout);
                }
                StatusCode::SUCCESS
            }
            State::Idle | State::Recognized { .. } => StatusCode::METHOD_NOT_VALID_IN_STATE,
            State::Closed => return,
        };
        self.respond(request.response(status, RequestState::Complete));
    }

    /// Completes everything that is open; nothing is sent after.
    fn close(&mut self) {
        let cause = RecognizerCause::RecognizerError;
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Recognizing { mut recognition, phase } => {
                self.release(&mut recognition);
                if recognition.answer == Answer::Owed {
                    let failure = Failure::new(FailureKind::Engine, "the session has ended");
                    self.fail(recognition.id, &failure);
                } else {
                    let completion = phase.into_completion(cause);
                    self.send_completion(recognition.id, &completion);
                }
            }
            State::Idle | State::Recognized { .. } | State::Closed => {}
        }
        self.cancel_pending();
        self.close_interpretation();
        self.close_recomputing();
        for (request_id, _) in std::mem::take(&mut self.definitions) {
            self.outputs.push_back(Output::AbandonGrammars { request_id });
            self.fail(request_id, &Failure::new(FailureKind::Definition, "the session has ended"));
        }
        self.timers.clear();
        self.type_ahead.clear();
    }

    /// The grammars in the body of a request that has one.
    pub(super) fn grammars_of(&self, request: &Request) -> Result<Vec<GrammarRef>, Box<Response>> {
        if request.headers.content_type().is_none_or(str::is_empty) {
            return Err(Box::new(missing(request, HeaderName::ContentType)));
        }
        let refusal = |status, reason: &str| {
            let mut response = request.response(status, RequestState::Complete);
            response.headers.push(HeaderName::CompletionCause, RecognizerCause::GrammarLoadFailure.to_string());
            response.headers.push(HeaderName::CompletionReason, quoted(reason));
            Box::new(response)
        };
        GrammarRef::list(Entity::of(request), self.config.decoded_bytes_max).map_err(|error| match error {
            ContentError::Coding(CodingError::Unknown) => {
                refusal(StatusCode::UNSUPPORTED_ENTITY, "the content encoding is not supported")
            }
            ContentError::Coding(CodingError::Malformed) => {
                refusal(StatusCode::METHOD_FAILED, "the body is not of its content encoding")
            }
            ContentError::Coding(CodingError::TooLarge) => {
                refusal(StatusCode::METHOD_FAILED, "the decoded body is too large")
            }
            ContentError::Malformed => refusal(StatusCode::METHOD_FAILED, "the body names no grammar"),
        })
    }

    /// How old a digit may be that was pressed before anyone asked.
    pub(super) fn digit_age_max(&self) -> Option<Duration> {
        self.params.for_request(&Headers::new()).duration(HeaderName::DtmfBufferTime)
    }

    pub(super) fn is_dtmf_only(&self) -> bool {
        self.channel.resource() == Some(Resource::DtmfRecog)
    }

    pub(super) fn respond(&mut self, response: Response) {
        self.outputs.push_back(Output::Send(Message::Response(response)));
    }

    pub(super) fn respond_with_cause(
        &mut self,
        id: RequestId,
        status: StatusCode,
        cause: RecognizerCause,
        more: Headers,
    ) {
        let mut headers = Headers::new().with(HeaderName::CompletionCause, cause.to_string());
        for header in more {
            headers.push(header.name, header.value);
        }
        let channel = self.channel.clone();
        let state = RequestState::Complete;
        self.respond(Response { channel, id, status, state, headers, body: bytes::Bytes::new() });
    }

    /// Answers a request that fails with 407, or 408, and its completion cause.
    pub(super) fn fail(&mut self, id: RequestId, failure: &Failure) {
        let (status, cause) = failure.kind.answer();
        let mut headers = Headers::new();
        if !failure.reason.is_empty() {
            headers.push(HeaderName::CompletionReason, quoted(&failure.reason));
        }
        if let FailureKind::Uri { uri, cause } = &failure.kind {
            headers.push(HeaderName::FailedUri, uri.as_str());
            headers.push(HeaderName::FailedUriCause, cause.as_str());
        }
        if let FailureKind::NotAcceptable { accept } = &failure.kind {
            headers.push(HeaderName::Accept, accept.as_str());
        }
        self.respond_with_cause(id, status, cause, headers);
    }

    pub(super) fn refuse_headers(&mut self, request: &Request, fault: HeaderFault) {
        let mut response = refusal(request, fault.status);
        for header in fault.headers {
            response.headers.push(header.name, header.value);
        }
        self.respond(response);
    }

    pub(super) fn refuse_missing(&mut self, request: &Request, name: HeaderName) {
        self.respond(missing(request, name));
    }

    pub(super) fn refuse(&mut self, request: &Request, status: StatusCode) {
        self.respond(refusal(request, status));
    }

    /// Legal headers whose meaning we cannot give: ignoring them would recognize something else than was asked.
    fn beyond_us(&self, headers: &Headers) -> Option<HeaderFault> {
        let at_fault = |status, name: HeaderName| {
            let value = headers.text(&name).unwrap_or_default();
            Some(HeaderFault { status, headers: Headers::new().with(name, value) })
        };
        let is_true = |name: &HeaderName| headers.boolean(name).ok().flatten() == Some(true);
        let is_hotword =
            headers.text(&HeaderName::RecognitionMode).is_some_and(|mode| mode.eq_ignore_ascii_case("hotword"));
        if is_hotword && !self.config.hotword {
            at_fault(StatusCode::UNSUPPORTED_HEADER_VALUE, HeaderName::RecognitionMode)
        } else if self.is_dtmf_only() && headers.contains(&HeaderName::InputWaveformUri) {
            // Keys come as events of the call, not in audio.
            at_fault(StatusCode::UNSUPPORTED_HEADER, HeaderName::InputWaveformUri)
        } else if is_true(&HeaderName::EnrollUtterance) {
            at_fault(StatusCode::UNSUPPORTED_HEADER, HeaderName::EnrollUtterance)
        } else if is_true(&HeaderName::VerBufferUtterance) {
            // There is no verifier in the session that could buffer it (§9.4.25).
            at_fault(StatusCode::UNSUPPORTED_HEADER, HeaderName::VerBufferUtterance)
        } else {
            None
        }
    }
}

/// A refusal of a whole request. A RECOGNIZE or DEFINE-GRAMMAR that fails always tells a cause (§9.4.11).
fn refusal(request: &Request, status: StatusCode) -> Response {
    let mut response = request.response(status, RequestState::Complete);
    let cause = match request.method {
        Method::Recognize => Some(RecognizerCause::RecognizerError),
        Method::DefineGrammar => Some(RecognizerCause::GrammarDefinitionFailure),
        _ => None,
    };
    if let Some(cause) = cause {
        response.headers.push(HeaderName::CompletionCause, cause.to_string());
    }
    response
}

impl FailureKind {
    pub(super) fn answer(&self) -> (StatusCode, RecognizerCause) {
        use RecognizerCause as Cause;
        match self {
            Self::Load => (StatusCode::METHOD_FAILED, Cause::GrammarLoadFailure),
            Self::Compilation => (StatusCode::METHOD_FAILED, Cause::GrammarCompilationFailure),
            Self::Uri { .. } => (StatusCode::METHOD_FAILED, Cause::UriFailure),
            Self::Language => (StatusCode::METHOD_FAILED, Cause::LanguageUnsupported),
            Self::MediaType => (StatusCode::UNSUPPORTED_ENTITY, Cause::GrammarLoadFailure),
            Self::Engine => (StatusCode::METHOD_FAILED, Cause::RecognizerError),
            Self::NotAcceptable { .. } => (StatusCode::UNSUPPORTED_HEADER_VALUE, Cause::RecognizerError),
            Self::Definition => (StatusCode::METHOD_FAILED, Cause::GrammarDefinitionFailure),
        }
    }
}

/// 406 for a mandatory header that is missing, naming it.
fn missing(request: &Request, name: HeaderName) -> Response {
    let mut response = refusal(request, StatusCode::MANDATORY_HEADER_MISSING);
    response.headers.push(name, "");
    response
}

pub(super) fn id_list(ids: &[RequestId]) -> String {
    ids.iter().map(RequestId::to_string).collect::<Vec<_>>().join(",")
}

/// `quoted-string` (§15).
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
