//! The machine: its verbs, how it answers requests, and a recording from RECORD to RECORD-COMPLETE.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::config::RecorderConfig;
use super::headers::{beyond_us, record_params};
use super::input::{Failure, FailureKind, Input, Recorded, Stored};
use super::output::{Cut, Destination, Output, RecordParams};
use crate::params::{HeaderFault, ParamStore, check_headers};
use crate::request_order::RequestOrder;
use crate::timers::Timers;
use crate::{ChannelId, Event, EventName, HeaderName, Headers, Message, Method, RecorderCause, Request, RequestId};
use crate::{RequestState, Response, StatusCode};

/// The state machine of one recorder channel.
#[derive(Debug)]
pub struct Recorder {
    config: Arc<RecorderConfig>,
    channel: ChannelId,
    params: ParamStore,
    order: RequestOrder,
    state: State,
    /// Requests that came while the session owed an answer, first in first out.
    waiting: VecDeque<Request>,
    timers: Timers<Timer>,
    outputs: VecDeque<Output>,
    counters: RecorderCounters,
}

/// The states of RFC 6787 §10.1.
#[derive(Debug)]
enum State {
    /// No RECORD.
    Idle,
    /// A RECORD is active.
    Recording { recording: Recording, phase: Phase },
    /// The session has ended.
    Closed,
}

/// One RECORD that is open.
#[derive(Debug)]
struct Recording {
    id: RequestId,
    params: Arc<RecordParams>,
    /// The status of its success: 200 or 201.
    success: StatusCode,
    /// Start-Input-Timers was true, or START-INPUT-TIMERS came.
    timers_started: bool,
}

/// How far the active RECORD is.
#[derive(Debug)]
enum Phase {
    /// The session makes a place for it; the RECORD has no response yet.
    Starting,
    /// Nobody has spoken yet.
    Waiting { since: Instant },
    /// The caller speaks.
    Speaking { since: Instant },
    /// The caller is silent after speech.
    Silent { since: Instant },
    /// The session stores it.
    Saving { since: Instant, end: End },
    /// It has ended; the gap after the response is not over.
    Completing { completion: Completion },
}

/// Why a recording ends.
#[derive(Debug)]
enum End {
    /// By itself, with this cause; the reason may be empty.
    Completed { cause: RecorderCause, reason: String },
    /// By STOP, whose response says where the recording is.
    Stopped { by: RequestId, status: StatusCode },
}

/// What RECORD-COMPLETE will say.
#[derive(Debug)]
struct Completion {
    headers: Headers,
    body: Bytes,
}

impl Completion {
    fn of(headers: Headers) -> Self {
        Self { headers, body: Bytes::new() }
    }
}

/// The deadlines of a recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timer {
    /// The session makes no place for the recording in time.
    Start,
    /// No-Input-Timeout.
    NoInput,
    /// Max-Time.
    MaxTime,
    /// Final-Silence.
    FinalSilence,
    /// The session does not store the recording in time.
    Save,
    /// The gap between the response and RECORD-COMPLETE is over.
    Completion,
}

/// What a recorder has dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecorderCounters {
    /// Inputs about a request that is not, or no longer, active.
    pub late_inputs: u64,
}

impl Recorder {
    /// A recorder without parameters, in state idle.
    pub fn new(config: Arc<RecorderConfig>, channel: ChannelId) -> Self {
        Self {
            params: ParamStore::new(channel.resource(), config.defaults.as_headers(), Vec::new())
                .reporting(config.ignored_headers),
            channel,
            order: RequestOrder::default(),
            state: State::Idle,
            waiting: VecDeque::new(),
            timers: Timers::new(),
            outputs: VecDeque::new(),
            counters: RecorderCounters::default(),
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
            Input::Request(request) => self.request(now, request),
            Input::Started { request_id, outcome } => self.started(now, request_id, outcome),
            Input::SpeechStarted { request_id } => self.speech_started(now, request_id),
            Input::SpeechEnded { request_id, at } => self.speech_ended(now, request_id, at),
            Input::Full { request_id, reason } => self.full(now, request_id, reason),
            Input::Failed { request_id, failure } => self.failed(now, request_id, &failure),
            Input::Saved { request_id, outcome } => self.saved(now, request_id, outcome),
            Input::Close => self.close(now),
        }
        self.work_off(now);
    }

    /// Acts on every deadline that has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Start => self.start_failed(&Failure::new(FailureKind::Recorder, "no place in time"), true),
                Timer::NoInput => self.no_input(now),
                Timer::MaxTime => self.end(now, RecorderCause::SuccessMaxtime, String::new()),
                Timer::FinalSilence => self.end(now, RecorderCause::SuccessSilence, String::new()),
                Timer::Save => {
                    let failure = Failure::new(FailureKind::Recorder, "the recording was not stored in time");
                    self.save_ended(now, Err(failure), true);
                }
                Timer::Completion => self.completed(),
            }
            self.work_off(now);
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

    /// The active RECORD, from its arrival until its completion.
    pub fn active_request(&self) -> Option<RequestId> {
        match &self.state {
            State::Recording { recording, .. } => Some(recording.id),
            State::Idle | State::Closed => None,
        }
    }

    /// What it has dropped.
    pub fn counters(&self) -> RecorderCounters {
        self.counters
    }

    fn request(&mut self, now: Instant, request: Request) {
        if !self.order.accept(request.id) {
            return self.respond(request.response(StatusCode::NON_MONOTONIC_REQUEST_ID, RequestState::Complete));
        }
        if !self.owes_nothing() {
            if self.waiting.len() < self.config.waiting_max {
                self.waiting.push_back(request);
            } else {
                self.respond(request.response(StatusCode::METHOD_FAILED, RequestState::Complete));
            }
            return;
        }
        self.perform(now, &request);
    }

    /// Whether requests can be answered now.
    fn owes_nothing(&self) -> bool {
        match &self.state {
            State::Idle | State::Closed => true,
            State::Recording { phase, .. } => match phase {
                Phase::Waiting { .. } | Phase::Speaking { .. } | Phase::Silent { .. } => true,
                Phase::Starting | Phase::Saving { .. } | Phase::Completing { .. } => false,
            },
        }
    }

    /// Performs what has waited, as far as it can be answered.
    fn work_off(&mut self, now: Instant) {
        while self.owes_nothing() {
            let Some(request) = self.waiting.pop_front() else { return };
            self.perform(now, &request);
        }
    }

    fn perform(&mut self, now: Instant, request: &Request) {
        match &request.method {
            Method::SetParams => {
                let max_time = Headers::from_iter(
                    request.headers.iter().filter(|header| header.name == HeaderName::MaxTime).cloned(),
                );
                if let Some(fault) = beyond_us(&max_time, self.config.max_time_max) {
                    return self.refuse(request, fault, None);
                }
                let response = self.params.set(request);
                self.respond(response);
            }
            Method::GetParams => {
                let response = self.params.get(request);
                self.respond(response);
            }
            Method::Record => self.record(now, request),
            Method::Stop => self.stop(now, request),
            Method::StartInputTimers => self.start_input_timers(now, request),
            // Methods of other resources, and what is no method at all: §5.4 has one code for them.
            Method::DefineGrammar
            | Method::Recognize
            | Method::GetResult
            | Method::Interpret
            | Method::StartPhraseEnrollment
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

    /// RECORD (§10.6).
    fn record(&mut self, now: Instant, request: &Request) {
        let ignored = match check_headers(request) {
            Ok(ignored) => ignored,
            Err(fault) => return self.refuse(request, fault, Some(RecorderCause::Error)),
        };
        if let State::Recording { .. } = self.state {
            let headers = Headers::new();
            let fault = HeaderFault { status: StatusCode::METHOD_NOT_VALID_IN_STATE, headers };
            return self.refuse(request, fault, Some(RecorderCause::Error));
        }
        if let Some(fault) = beyond_us(&request.headers, self.config.max_time_max) {
            let is_uri = fault.headers.contains(&HeaderName::RecordUri);
            let cause = if is_uri { RecorderCause::UriFailure } else { RecorderCause::Error };
            return self.refuse(request, fault, Some(cause));
        }
        let effective = self.params.for_request(&request.headers);
        let Some(params) = record_params(&request.headers, effective, &self.config) else {
            let headers = Headers::new().with(HeaderName::MediaType, "");
            let fault = HeaderFault { status: StatusCode::MANDATORY_HEADER_MISSING, headers };
            return self.refuse(request, fault, Some(RecorderCause::Error));
        };
        let params = Arc::new(params);
        let recording = Recording {
            id: request.id,
            success: self.config.ignored_headers.status(ignored),
            timers_started: params.start_input_timers,
            params: Arc::clone(&params),
        };
        if matches!(self.state, State::Closed) {
            let failure = Failure::new(FailureKind::Recorder, "the session has ended");
            return self.fail(&recording, &failure);
        }
        self.timers.set(Timer::Start, now + self.config.start_timeout);
        self.outputs.push_back(Output::Record { request_id: request.id, params });
        self.state = State::Recording { recording, phase: Phase::Starting };
    }

    /// STOP (§10.7). Its response waits until the recording is stored.
    fn stop(&mut self, now: Instant, request: &Request) {
        let ignored = match check_headers(request) {
            Ok(ignored) => ignored,
            Err(fault) => return self.refuse(request, fault, None),
        };
        let status = self.config.ignored_headers.status(ignored);
        // Checked above.
        let asked = request.headers.active_request_ids().ok().flatten();
        let trim = request.headers.duration(&HeaderName::TrimLength).ok().flatten().unwrap_or_default();
        match self.active_request() {
            Some(id) if asked.is_none_or(|ids| ids.contains(&id)) => {
                self.finish(now, Cut::Trim(trim), End::Stopped { by: request.id, status });
            }
            Some(_) | None => self.respond(request.response(status, RequestState::Complete)),
        }
    }

    /// START-INPUT-TIMERS (§10.9).
    fn start_input_timers(&mut self, now: Instant, request: &Request) {
        let status = match &mut self.state {
            State::Recording { recording, phase } => {
                let starts = !std::mem::replace(&mut recording.timers_started, true);
                if starts && matches!(phase, Phase::Waiting { .. }) {
                    self.timers.set(Timer::NoInput, now + recording.params.no_input_timeout);
                }
                StatusCode::SUCCESS
            }
            State::Idle | State::Closed => StatusCode::METHOD_NOT_VALID_IN_STATE,
        };
        self.respond(request.response(status, RequestState::Complete));
    }

    fn started(&mut self, now: Instant, request_id: RequestId, outcome: Result<(), Failure>) {
        let Some((recording, phase)) = self.active(request_id) else { return };
        if !matches!(phase, Phase::Starting) {
            self.counters.late_inputs += 1;
            return;
        }
        if let Err(failure) = outcome {
            return self.start_failed(&failure, false);
        }
        *phase = Phase::Waiting { since: now };
        let (id, status, params) = (recording.id, recording.success, Arc::clone(&recording.params));
        let timers_started = recording.timers_started;
        self.timers.cancel(Timer::Start);
        let channel = self.channel.clone();
        let (headers, body) = (Headers::new(), Bytes::new());
        self.respond(Response { channel, id, status, state: RequestState::InProgress, headers, body });
        if timers_started {
            self.timers.set(Timer::NoInput, now + params.no_input_timeout);
        }
        // Counted from where capturing begins (§10.4.9).
        if !params.capture_on_speech {
            self.timers.set(Timer::MaxTime, now + params.max_time);
        }
    }

    /// The RECORD never began. `is_owed`: the session may still be at it.
    fn start_failed(&mut self, failure: &Failure, is_owed: bool) {
        self.timers.clear();
        let Some((recording, _)) = self.take_active() else { return };
        if is_owed {
            self.outputs.push_back(Output::Discard { request_id: recording.id });
        }
        self.fail(&recording, failure);
    }

    fn speech_started(&mut self, now: Instant, request_id: RequestId) {
        let Some((recording, phase)) = self.active(request_id) else { return };
        let (is_first, since) = match phase {
            Phase::Waiting { since } => (true, *since),
            Phase::Silent { since } => (false, *since),
            Phase::Speaking { .. } => return,
            Phase::Starting | Phase::Saving { .. } | Phase::Completing { .. } => {
                self.counters.late_inputs += 1;
                return;
            }
        };
        *phase = Phase::Speaking { since };
        let params = Arc::clone(&recording.params);
        self.timers.cancel(Timer::FinalSilence);
        if !is_first {
            return;
        }
        self.timers.cancel(Timer::NoInput);
        if params.capture_on_speech {
            self.timers.set(Timer::MaxTime, now + params.max_time);
        }
        // One START-OF-INPUT per request, and a letter that no other resource's event has (§10.10).
        let headers = Headers::new().with(HeaderName::ProxySyncId, format!("{}r{request_id}", self.channel.prefix()));
        self.event(EventName::StartOfInput, request_id, RequestState::InProgress, headers, Bytes::new());
    }

    fn speech_ended(&mut self, now: Instant, request_id: RequestId, at: Instant) {
        let Some((recording, phase)) = self.active(request_id) else { return };
        let since = match phase {
            Phase::Speaking { since } => *since,
            Phase::Waiting { .. }
            | Phase::Silent { .. }
            | Phase::Starting
            | Phase::Saving { .. }
            | Phase::Completing { .. } => {
                self.counters.late_inputs += 1;
                return;
            }
        };
        *phase = Phase::Silent { since };
        let final_silence = recording.params.final_silence;
        if final_silence.is_zero() {
            return;
        }
        if at + final_silence <= now {
            self.end(now, RecorderCause::SuccessSilence, String::new());
        } else {
            self.timers.set(Timer::FinalSilence, at + final_silence);
        }
    }

    fn full(&mut self, now: Instant, request_id: RequestId, reason: String) {
        if self.active(request_id).is_some() {
            self.end(now, RecorderCause::SuccessMaxtime, reason);
        }
    }

    fn failed(&mut self, now: Instant, request_id: RequestId, failure: &Failure) {
        let Some((_, phase)) = self.active(request_id) else { return };
        match phase {
            Phase::Starting => self.start_failed(failure, false),
            Phase::Waiting { since } | Phase::Speaking { since } | Phase::Silent { since } => {
                let since = *since;
                let Some((recording, _)) = self.take_active() else { return };
                let completion = Completion::of(failure_headers(&recording, failure));
                self.complete(now, recording, since, completion);
            }
            Phase::Saving { .. } => self.save_ended(now, Err(failure.clone()), false),
            Phase::Completing { .. } => self.counters.late_inputs += 1,
        }
    }

    /// Nobody spoke: there is nothing to keep (§10.4.2).
    fn no_input(&mut self, now: Instant) {
        let Some((recording, phase)) = self.take_active() else { return };
        match phase {
            Phase::Waiting { since } => {
                self.outputs.push_back(Output::Discard { request_id: recording.id });
                let completion = Completion::of(cause_headers(RecorderCause::NoInputTimeout, ""));
                self.complete(now, recording, since, completion);
            }
            other @ (Phase::Starting
            | Phase::Speaking { .. }
            | Phase::Silent { .. }
            | Phase::Saving { .. }
            | Phase::Completing { .. }) => self.state = State::Recording { recording, phase: other },
        }
    }

    /// The recording ends by itself.
    fn end(&mut self, now: Instant, cause: RecorderCause, reason: String) {
        self.finish(now, Cut::Silence, End::Completed { cause, reason });
    }

    fn finish(&mut self, now: Instant, cut: Cut, end: End) {
        let State::Recording { recording, phase } = &mut self.state else { return };
        let since = match phase {
            Phase::Waiting { since } | Phase::Speaking { since } | Phase::Silent { since } => *since,
            Phase::Starting | Phase::Saving { .. } | Phase::Completing { .. } => return,
        };
        *phase = Phase::Saving { since, end };
        let request_id = recording.id;
        let timeout = self.config.save_timeout + recording.params.fetch_timeout.unwrap_or_default();
        self.timers.clear();
        self.timers.set(Timer::Save, now + timeout);
        self.outputs.push_back(Output::Finish { request_id, cut });
    }

    fn saved(&mut self, now: Instant, request_id: RequestId, outcome: Result<Recorded, Failure>) {
        let Some((_, phase)) = self.active(request_id) else { return };
        if matches!(phase, Phase::Saving { .. }) {
            self.save_ended(now, outcome, false);
        } else {
            self.counters.late_inputs += 1;
        }
    }

    /// `is_owed`: the session has not answered.
    fn save_ended(&mut self, now: Instant, outcome: Result<Recorded, Failure>, is_owed: bool) {
        self.timers.cancel(Timer::Save);
        let (recording, since, end) = match self.take_active() {
            Some((recording, Phase::Saving { since, end })) => (recording, since, end),
            Some((recording, phase)) => {
                self.state = State::Recording { recording, phase };
                return;
            }
            None => return,
        };
        if is_owed {
            self.outputs.push_back(Output::Discard { request_id: recording.id });
        }
        match (outcome, end) {
            (Ok(recorded), End::Completed { cause, reason }) => {
                let (where_it_is, body) = self.recorded_headers(&recording, recorded);
                let mut headers = cause_headers(cause, &reason);
                where_it_is.into_iter().for_each(|header| headers.push(header.name, header.value));
                self.complete(now, recording, since, Completion { headers, body });
            }
            (Ok(recorded), End::Stopped { by, status }) => {
                let (headers, body) = self.recorded_headers(&recording, recorded);
                self.stopped(by, status, recording.id, headers, body);
            }
            (Err(failure), End::Completed { .. }) => {
                let completion = Completion::of(failure_headers(&recording, &failure));
                self.complete(now, recording, since, completion);
            }
            (Err(failure), End::Stopped { by, status }) => {
                self.stopped(by, status, recording.id, failure_headers(&recording, &failure), Bytes::new());
            }
        }
    }

    /// The response to the STOP that ended a recording.
    fn stopped(&mut self, by: RequestId, status: StatusCode, stopped: RequestId, headers: Headers, body: Bytes) {
        let mut all = Headers::new().with(HeaderName::ActiveRequestIdList, stopped.to_string());
        headers.into_iter().for_each(|header| all.push(header.name, header.value));
        let channel = self.channel.clone();
        self.respond(Response { channel, id: by, status, state: RequestState::Complete, headers: all, body });
    }

    /// A RECORD has ended; the client hears of it when the gap after the response is over.
    fn complete(&mut self, now: Instant, recording: Recording, since: Instant, completion: Completion) {
        self.timers.clear();
        let earliest = since + self.config.completion_gap;
        if earliest > now {
            self.timers.set(Timer::Completion, earliest);
            self.state = State::Recording { recording, phase: Phase::Completing { completion } };
        } else {
            self.completion(recording.id, completion);
        }
    }

    fn completed(&mut self) {
        match self.take_active() {
            Some((recording, Phase::Completing { completion })) => self.completion(recording.id, completion),
            Some((recording, phase)) => self.state = State::Recording { recording, phase },
            None => {}
        }
    }

    fn completion(&mut self, id: RequestId, completion: Completion) {
        let Completion { headers, body } = completion;
        self.event(EventName::RecordComplete, id, RequestState::Complete, headers, body);
    }

    /// Completes everything that is open; nothing is sent after.
    fn close(&mut self, now: Instant) {
        self.timers.clear();
        let failure = Failure::new(FailureKind::Recorder, "the session has ended");
        let active = self.take_active();
        self.state = State::Closed;
        if let Some((recording, phase)) = active {
            if !matches!(phase, Phase::Completing { .. }) {
                self.outputs.push_back(Output::Discard { request_id: recording.id });
            }
            let headers = failure_headers(&recording, &failure);
            match phase {
                Phase::Starting => self.fail(&recording, &failure),
                Phase::Completing { completion } => self.completion(recording.id, completion),
                Phase::Saving { end: End::Stopped { by, status }, .. } => {
                    self.stopped(by, status, recording.id, headers, Bytes::new());
                }
                Phase::Waiting { .. }
                | Phase::Speaking { .. }
                | Phase::Silent { .. }
                | Phase::Saving { end: End::Completed { .. }, .. } => {
                    self.completion(recording.id, Completion::of(headers));
                }
            }
        }
        self.work_off(now);
    }

    /// Where a recording is, for the message that ends it; and the body of that message.
    fn recorded_headers(&self, recording: &Recording, recorded: Recorded) -> (Headers, Bytes) {
        let parameters = format!(";size={};duration={}", recorded.size_bytes, recorded.duration.as_millis());
        match recorded.stored {
            Stored::Uri(uri) => {
                (Headers::new().with(HeaderName::RecordUri, format!("<{uri}>{parameters}")), Bytes::new())
            }
            Stored::Body(body) => {
                let chosen = match &recording.params.destination {
                    Destination::Body { content_id } => content_id.clone(),
                    Destination::Local | Destination::Uri(_) => None,
                };
                let id = chosen.unwrap_or_else(|| format!("{}@{}", recording.id, self.channel.prefix()));
                let headers = Headers::new()
                    .with(HeaderName::RecordUri, format!("<cid:{id}>{parameters}"))
                    .with(HeaderName::ContentType, recording.params.media_type.as_str())
                    .with(HeaderName::ContentId, format!("<{id}>"));
                (headers, body)
            }
        }
    }

    /// Answers a RECORD that fails before it starts.
    fn fail(&mut self, recording: &Recording, failure: &Failure) {
        let headers = failure_headers(recording, failure);
        let (channel, id, status) = (self.channel.clone(), recording.id, failure.kind.status());
        self.respond(Response { channel, id, status, state: RequestState::Complete, headers, body: Bytes::new() });
    }

    /// Refuses a request for its headers or state; a RECORD with a completion cause (§10.4.3).
    fn refuse(&mut self, request: &Request, fault: HeaderFault, cause: Option<RecorderCause>) {
        let mut response = request.response(fault.status, RequestState::Complete);
        response.headers = cause.map_or_else(Headers::new, |cause| cause_headers(cause, ""));
        fault.headers.into_iter().for_each(|header| response.headers.push(header.name, header.value));
        self.respond(response);
    }

    fn respond(&mut self, response: Response) {
        self.outputs.push_back(Output::Send(Message::Response(response)));
    }

    fn event(&mut self, name: EventName, id: RequestId, state: RequestState, headers: Headers, body: Bytes) {
        let channel = self.channel.clone();
        self.outputs.push_back(Output::Send(Message::Event(Event { channel, id, name, state, headers, body })));
    }

    /// Takes the active RECORD out; the recorder is idle until it is put back.
    fn take_active(&mut self) -> Option<(Recording, Phase)> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Recording { recording, phase } => Some((recording, phase)),
            other @ (State::Idle | State::Closed) => {
                self.state = other;
                None
            }
        }
    }

    /// The active RECORD, if it is that one; otherwise the input came late.
    fn active(&mut self, request_id: RequestId) -> Option<(&mut Recording, &mut Phase)> {
        match &mut self.state {
            State::Recording { recording, phase } if recording.id == request_id => Some((recording, phase)),
            State::Recording { .. } | State::Idle | State::Closed => {
                self.counters.late_inputs += 1;
                None
            }
        }
    }
}

fn failure_headers(recording: &Recording, failure: &Failure) -> Headers {
    let mut headers = cause_headers(failure.kind.cause(), &failure.reason);
    let uri = match &recording.params.destination {
        Destination::Uri(uri) => uri.as_str(),
        Destination::Body { .. } | Destination::Local => "",
    };
    match &failure.kind {
        FailureKind::Uri { cause } => {
            headers.push(HeaderName::FailedUri, uri);
            headers.push(HeaderName::FailedUriCause, cause.as_str());
        }
        FailureKind::MediaType => headers.push(HeaderName::MediaType, recording.params.media_type.as_str()),
        FailureKind::Forbidden => headers.push(HeaderName::RecordUri, format!("<{uri}>")),
        FailureKind::Recorder => {}
    }
    headers
}

fn cause_headers(cause: RecorderCause, reason: &str) -> Headers {
    let mut headers = Headers::new().with(HeaderName::CompletionCause, cause.to_string());
    if !reason.is_empty() {
        let quoted = reason.replace('\\', "\\\\").replace('"', "\\\"");
        headers.push(HeaderName::CompletionReason, format!("\"{quoted}\""));
    }
    headers
}
