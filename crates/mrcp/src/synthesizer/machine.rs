//! The machine: its verbs, and how it answers requests. What happens to a SPEAK is in `speaking.rs`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::config::SynthesizerConfig;
use super::headers::{refused_by_speak, speak_params, speech_change};
use super::input::{Failure, FailureKind, Input};
use super::output::Output;
use super::speaking::{Phase, Playout, Speak};
use crate::params::{HeaderFault, ParamStore, check_headers};
use crate::request_order::RequestOrder;
use crate::timers::Timers;
use crate::{
    ChannelId, CodingError, ContentError, Entity, HeaderName, Headers, Message, Method, Request, RequestId,
    RequestState, Response, StatusCode,
};

/// The state machine of one synthesizer channel.
#[derive(Debug)]
pub struct Synthesizer {
    pub(super) config: Arc<SynthesizerConfig>,
    pub(super) channel: ChannelId,
    pub(super) params: ParamStore,
    order: RequestOrder,
    pub(super) state: State,
    /// SPEAK requests that are not the active one, first in first out.
    pub(super) queue: VecDeque<Speak>,
    /// DEFINE-LEXICON requests that are not answered yet, and the status of their success.
    pub(super) definitions: Vec<(RequestId, StatusCode)>,
    pub(super) timers: Timers<Timer>,
    pub(super) outputs: VecDeque<Output>,
    pub(super) counters: SynthesizerCounters,
}

/// The states of RFC 6787 §8.1; whether an active SPEAK speaks or is paused is in its phase.
#[derive(Debug)]
pub(super) enum State {
    /// No SPEAK.
    Idle,
    /// A SPEAK is active.
    Speaking { speak: Box<Speak>, phase: Phase },
    /// The session has ended.
    Closed,
}

/// The deadlines of a synthesizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// A SPEAK is not prepared by the session in time.
    Preparation(RequestId),
    /// A lexicon is not defined by the session in time.
    Definition(RequestId),
    /// The gap after the response and the tail after the last packet are over.
    Completion,
}

/// What a synthesizer has dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SynthesizerCounters {
    /// Inputs about a request that is not, or no longer, open.
    pub late_inputs: u64,
}

impl Synthesizer {
    /// A synthesizer without parameters, in state idle.
    pub fn new(config: Arc<SynthesizerConfig>, channel: ChannelId) -> Self {
        let params = ParamStore::new(channel.resource(), config.defaults.as_headers(), config.languages.clone())
            .reporting(config.ignored_headers)
            .with_voices(config.voices.clone());
        Self {
            params,
            channel,
            order: RequestOrder::default(),
            state: State::Idle,
            queue: VecDeque::new(),
            definitions: Vec::new(),
            timers: Timers::new(),
            outputs: VecDeque::new(),
            counters: SynthesizerCounters::default(),
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
            Input::Prepared { request_id, outcome } => self.prepared(now, request_id, outcome),
            Input::MarkReached { request_id, name, at } => self.mark_reached(request_id, &name, at),
            Input::Controlled { control_id, outcome } => self.controlled(now, control_id, outcome),
            Input::LexiconDefined { request_id, outcome } => self.lexicon_defined(request_id, outcome),
            Input::PlaybackFinished { request_id, at, outcome } => {
                self.playback_finished(now, request_id, at, outcome);
            }
            Input::BargedIn => self.barged_in(now),
            Input::Close => self.close(now),
        }
    }

    /// Acts on every deadline that has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Preparation(request_id) => {
                    let failure = Failure::new(FailureKind::Engine, "the speech was not prepared in time");
                    self.outputs.push_back(Output::Stop { request_id });
                    self.prepared(now, request_id, Err(failure));
                }
                Timer::Definition(request_id) => {
                    let failure =
                        Failure::new(FailureKind::Lexicon { uri: None }, "the lexicon was not loaded in time");
                    self.outputs.push_back(Output::Stop { request_id });
                    self.lexicon_defined(request_id, Err(failure));
                }
                Timer::Completion => self.completion_due(now),
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

    /// The active SPEAK, from its arrival until its completion.
    pub fn active_request(&self) -> Option<RequestId> {
        match &self.state {
            State::Speaking { speak, .. } => Some(speak.id),
            State::Idle | State::Closed => None,
        }
    }

    /// What it has dropped.
    pub fn counters(&self) -> SynthesizerCounters {
        self.counters
    }

    fn request(&mut self, now: Instant, request: &Request) {
        if !self.order.accept(request.id) {
            self.respond(request.response(StatusCode::NON_MONOTONIC_REQUEST_ID, RequestState::Complete));
            return;
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
            Method::Speak => self.speak(now, request),
            Method::Stop => self.stop(now, request),
            Method::Pause => self.pause(request),
            Method::Resume => self.resume(request),
            Method::BargeInOccurred => self.barge_in_occurred(now, request),
            Method::Control => self.control(now, request),
            Method::DefineLexicon => self.define_lexicon(now, request),
            // Methods of other resources, and what is no method at all: §5.4 has one code for them.
            Method::DefineGrammar
            | Method::Recognize
            | Method::Interpret
            | Method::GetResult
            | Method::StartInputTimers
            | Method::StartPhraseEnrollment
            | Method::EnrollmentRollback
            | Method::EndPhraseEnrollment
            | Method::ModifyPhrase
            | Method::DeletePhrase
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

    /// SPEAK (§8.6).
    fn speak(&mut self, now: Instant, request: &Request) {
        let ignored = match check_headers(request) {
            Ok(ignored) => ignored,
            Err(fault) => return self.refuse_headers(request, fault),
        };
        if let Some(fault) = refused_by_speak(&request.headers).or_else(|| self.params.beyond(&request.headers)) {
            return self.refuse_headers(request, fault);
        }
        let change = match speech_change(&request.headers) {
            Ok(change) => change,
            Err(fault) => return self.refuse_headers(request, fault),
        };
        if request.headers.content_type().is_none_or(str::is_empty) {
            let mut response = request.response(StatusCode::MANDATORY_HEADER_MISSING, RequestState::Complete);
            response.headers.push(HeaderName::ContentType, "");
            return self.respond(response);
        }
        let content = match Entity::of(request).decoded(self.config.decoded_bytes_max) {
            Ok(content) => content,
            Err(error) => return self.fail(request.id, &undecodable(error)),
        };
        // The RFC's state is still speaking while the end is being held back; nobody gains by a queue of one.
        self.complete_if_only_the_tail_is_left(now);
        if self.queue.len() >= self.config.pending_max {
            return self.fail(request.id, &Failure::new(FailureKind::Engine, "too many requests are waiting"));
        }
        let effective = self.params.for_request(&request.headers);
        let speech = Arc::new(speak_params(content, change, effective, &self.config.defaults));
        let success = self.config.ignored_headers.status(ignored);
        let speak = Speak::new(request.id, Arc::clone(&speech), success);
        match &self.state {
            State::Idle => {
                let speak = Box::new(speak);
                self.state = State::Speaking { speak, phase: Phase::Preparing { playout: Playout::Running } };
            }
            State::Speaking { .. } => self.queue.push_back(speak),
            State::Closed => return,
        }
        self.timers.set(Timer::Preparation(request.id), now + self.config.prepare_timeout);
        self.outputs.push_back(Output::Prepare { request_id: request.id, speech });
    }

    /// STOP (§8.7): beats a completion that has not been sent.
    fn stop(&mut self, now: Instant, request: &Request) {
        let ignored = match check_headers(request) {
            Ok(ignored) => ignored,
            Err(fault) => return self.refuse_headers(request, fault),
        };
        // Checked above.
        let asked = request.headers.active_request_ids().ok().flatten();
        let stopped = self.end_those(now, |id| asked.as_ref().is_none_or(|ids| ids.contains(&id)));
        let status = self.config.ignored_headers.status(ignored);
        self.respond_with_ids(now, request, status, &stopped.ids, stopped.mark.as_deref());
        if let Some(playout) = stopped.playout {
            self.begin_next(now, playout);
        }
    }

    /// BARGE-IN-OCCURRED (§8.8): all or nothing, by the active SPEAK's Kill-On-Barge-In.
    fn barge_in_occurred(&mut self, now: Instant, request: &Request) {
        let ignored = match check_headers(request) {
            Ok(ignored) => ignored,
            Err(fault) => return self.refuse_headers(request, fault),
        };
        let kills = match &self.state {
            State::Speaking { speak, .. } => speak.speech.kill_on_barge_in,
            State::Idle | State::Closed => false,
        };
        let mark = self.last_mark().map(str::to_owned);
        let ids = if kills { self.end_those(now, |_| true).ids } else { Vec::new() };
        self.respond_with_ids(now, request, self.config.ignored_headers.status(ignored), &ids, mark.as_deref());
    }

    /// PAUSE (§8.9).
    fn pause(&mut self, request: &Request) {
        let State::Speaking { speak, phase } = &mut self.state else {
            return self.respond(request.response(StatusCode::METHOD_NOT_VALID_IN_STATE, RequestState::Complete));
        };
        let id = speak.id;
        match phase {
            Phase::Preparing { playout } => *playout = Playout::Paused,
            Phase::Playing { playout: playout @ Playout::Running } => {
                *playout = Playout::Paused;
                self.outputs.push_back(Output::Pause { request_id: id });
            }
            // Paused already; or at its end, where SPEAK-COMPLETE crosses the PAUSE.
            Phase::Playing { playout: Playout::Paused } | Phase::Completing { .. } => {}
        }
        self.respond_with_list(request, &[id]);
    }

    /// RESUME (§8.10).
    fn resume(&mut self, request: &Request) {
        let State::Speaking { speak, phase } = &mut self.state else {
            return self.respond(request.response(StatusCode::METHOD_NOT_VALID_IN_STATE, RequestState::Complete));
        };
        let id = speak.id;
        match phase {
            Phase::Preparing { playout } => *playout = Playout::Running,
            Phase::Playing { playout: playout @ Playout::Paused } => {
                *playout = Playout::Running;
                self.outputs.push_back(Output::Resume { request_id: id });
            }
            Phase::Playing { playout: Playout::Running } | Phase::Completing { .. } => {}
        }
        self.respond_with_list(request, &[id]);
    }

    pub(super) fn respond(&mut self, response: Response) {
        self.outputs.push_back(Output::Send(Message::Response(response)));
    }

    fn respond_with_list(&mut self, request: &Request, ids: &[RequestId]) {
        let mut response = request.response(StatusCode::SUCCESS, RequestState::Complete);
        self.push_ids(&mut response.headers, ids);
        self.respond(response);
    }

    fn respond_with_ids(
        &mut self,
        now: Instant,
        request: &Request,
        status: StatusCode,
        ids: &[RequestId],
        mark: Option<&str>,
    ) {
        let mut response = request.response(status, RequestState::Complete);
        self.push_ids(&mut response.headers, ids);
        self.push_speech_marker(now, mark, &mut response.headers);
        self.respond(response);
    }

    /// Answers a SPEAK that fails before it starts.
    pub(super) fn fail(&mut self, id: RequestId, failure: &Failure) {
        let (status, cause) = failure.kind.answer();
        let mut headers = Headers::new();
        if let FailureKind::HeaderValue { name, value } = &failure.kind {
            headers.push(name.clone(), value.as_str());
        } else {
            headers.push(HeaderName::CompletionCause, cause.to_string());
            failure.describe(&mut headers);
        }
        let channel = self.channel.clone();
        let body = bytes::Bytes::new();
        self.respond(Response { channel, id, status, state: RequestState::Complete, headers, body });
    }

    pub(super) fn push_ids(&self, headers: &mut Headers, ids: &[RequestId]) {
        if !ids.is_empty() {
            let list = ids.iter().map(RequestId::to_string).collect::<Vec<_>>().join(",");
            headers.push(HeaderName::ActiveRequestIdList, list);
        }
    }

    pub(super) fn refuse_headers(&mut self, request: &Request, fault: HeaderFault) {
        let mut response = request.response(fault.status, RequestState::Complete);
        response.headers = fault.headers;
        self.respond(response);
    }
}

pub(super) fn undecodable(error: ContentError) -> Failure {
    match error {
        ContentError::Coding(CodingError::Unknown) => {
            Failure::new(FailureKind::MediaType, "the content encoding is not supported")
        }
        ContentError::Coding(CodingError::TooLarge) => {
            Failure::new(FailureKind::Parse, "the decoded body is too large")
        }
        ContentError::Coding(CodingError::Malformed) | ContentError::Malformed => {
            Failure::new(FailureKind::Parse, "the body is not of its content encoding")
        }
    }
}
