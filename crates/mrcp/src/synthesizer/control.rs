//! CONTROL (RFC 6787 §8.11) and DEFINE-LEXICON (§8.14).

use std::sync::Arc;
use std::time::Instant;

use super::headers::{refused_by_control, speech_change};
use super::input::{ControlRefused, Failure, FailureKind};
use super::machine::{State, Synthesizer, Timer};
use super::output::{LexiconDefinition, Output};
use super::speaking::{OpenControl, Phase};
use crate::fetch_params::fetch_params;
use crate::params::{HeaderFault, check_headers};
use crate::{Entity, HeaderName, Headers, Request, RequestId, RequestState, Response, StatusCode};

/// CONTROL requests of one SPEAK that wait for their answer.
const CONTROLS_MAX: usize = 16;
/// DEFINE-LEXICON requests that wait for theirs.
const DEFINITIONS_MAX: usize = 16;

impl Synthesizer {
    pub(super) fn control(&mut self, now: Instant, request: &Request) {
        let ignored = match check_headers(request) {
            Ok(ignored) => ignored,
            Err(fault) => return self.refuse_headers(request, fault),
        };
        if let Some(fault) = refused_by_control(&request.headers) {
            return self.refuse_headers(request, fault);
        }
        let change = match speech_change(&request.headers) {
            Ok(change) => change,
            Err(fault) => return self.refuse_headers(request, fault),
        };
        let status = self.config.ignored_headers.status(ignored);
        match &mut self.state {
            // Its end is only held back: SPEAK-COMPLETE crosses the CONTROL.
            State::Speaking { speak, phase: Phase::Completing { .. } } => {
                let id = speak.id;
                self.answer_control(now, &OpenControl::of(request, status), id, false);
            }
            State::Speaking { speak, phase: Phase::Playing { .. } } => {
                if speak.controls.len() >= CONTROLS_MAX {
                    return self.respond(request.response(StatusCode::METHOD_FAILED, RequestState::Complete));
                }
                speak.controls.push_back(OpenControl::of(request, status));
                let (request_id, control_id) = (speak.id, request.id);
                self.outputs.push_back(Output::Control { request_id, control_id, change });
            }
            // Nothing is IN-PROGRESS yet, or any more.
            State::Speaking { phase: Phase::Preparing { .. }, .. } | State::Idle | State::Closed => {
                self.respond(request.response(StatusCode::METHOD_NOT_VALID_IN_STATE, RequestState::Complete));
            }
        }
    }

    pub(super) fn controlled(&mut self, now: Instant, control_id: RequestId, outcome: Result<bool, ControlRefused>) {
        let State::Speaking { speak, .. } = &mut self.state else {
            self.counters.late_inputs += 1;
            return;
        };
        let Some(at) = speak.controls.iter().position(|open| open.id == control_id) else {
            self.counters.late_inputs += 1;
            return;
        };
        let speak_id = speak.id;
        let Some(open) = speak.controls.remove(at) else { return };
        match outcome {
            Ok(restarted) => self.answer_control(now, &open, speak_id, restarted),
            Err(ControlRefused) => {
                let mut headers = open.lengths;
                self.push_ids(&mut headers, &[speak_id]);
                let status = StatusCode::UNSUPPORTED_HEADER_VALUE;
                self.send_response(open.id, status, RequestState::Complete, headers);
            }
        }
    }

    /// What ends a SPEAK answers the CONTROLs that are still open: it was active when they came.
    pub(super) fn answer_open_controls(&mut self, now: Instant) {
        loop {
            let State::Speaking { speak, .. } = &mut self.state else { return };
            let id = speak.id;
            let Some(open) = speak.controls.pop_front() else { return };
            self.answer_control(now, &open, id, false);
        }
    }

    fn answer_control(&mut self, now: Instant, control: &OpenControl, speak: RequestId, restarted: bool) {
        let mut headers = Headers::new();
        self.push_ids(&mut headers, &[speak]);
        self.push_speech_marker(now, self.last_mark(), &mut headers);
        if restarted {
            headers.push(HeaderName::SpeakRestart, "true");
        }
        self.send_response(control.id, control.status, RequestState::Complete, headers);
    }

    pub(super) fn define_lexicon(&mut self, now: Instant, request: &Request) {
        let ignored = match check_headers(request) {
            Ok(ignored) => ignored,
            Err(fault) => return self.refuse_headers(request, fault),
        };
        self.complete_if_only_the_tail_is_left(now);
        match self.state {
            State::Idle => {}
            State::Speaking { .. } | State::Closed => {
                return self.respond(request.response(StatusCode::METHOD_NOT_VALID_IN_STATE, RequestState::Complete));
            }
        }
        let loads = request.headers.boolean(&HeaderName::LoadLexicon).ok().flatten().unwrap_or(true);
        let kind = request.headers.content_type().unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        // §8.5.2: an inline lexicon has a name; those of a list or of parts have their own. To unload, a name is enough.
        let has_own_names = matches!(essence.as_str(), "text/uri-list" | "multipart/mixed");
        let missing = if kind.is_empty() && (loads || !request.body.is_empty()) {
            Some(HeaderName::ContentType)
        } else if !has_own_names && !request.headers.contains(&HeaderName::ContentId) {
            Some(HeaderName::ContentId)
        } else {
            None
        };
        if let Some(name) = missing {
            let headers = Headers::new().with(name, "");
            return self.refuse_headers(request, HeaderFault { status: StatusCode::MANDATORY_HEADER_MISSING, headers });
        }
        let content = match Entity::of(request).decoded(self.config.decoded_bytes_max) {
            Ok(content) => content,
            Err(error) => {
                let failure =
                    Failure::new(FailureKind::Lexicon { uri: None }, super::machine::undecodable(error).reason);
                return self.fail(request.id, &failure);
            }
        };
        if self.definitions.len() >= DEFINITIONS_MAX {
            let failure = Failure::new(FailureKind::Lexicon { uri: None }, "too many lexicons are being defined");
            return self.fail(request.id, &failure);
        }
        self.definitions.push((request.id, self.config.ignored_headers.status(ignored)));
        self.timers.set(Timer::Definition(request.id), now + self.config.prepare_timeout);
        let fetch = fetch_params(self.params.for_request(&request.headers));
        let definition = Arc::new(LexiconDefinition { content, fetch, loads });
        self.outputs.push_back(Output::DefineLexicon { request_id: request.id, definition });
    }

    pub(super) fn lexicon_defined(&mut self, request_id: RequestId, outcome: Result<(), Failure>) {
        let Some(at) = self.definitions.iter().position(|(id, _)| *id == request_id) else {
            self.counters.late_inputs += 1;
            return;
        };
        let (_, status) = self.definitions.remove(at);
        self.timers.cancel(Timer::Definition(request_id));
        match outcome {
            Ok(()) => self.send_response(request_id, status, RequestState::Complete, Headers::new()),
            Err(failure) => self.fail(request_id, &failure),
        }
    }

    /// The end of the session, for lexicons that are still being fetched.
    pub(super) fn fail_definitions(&mut self, reason: &str) {
        for (id, _) in std::mem::take(&mut self.definitions) {
            self.fail(id, &Failure::new(FailureKind::Lexicon { uri: None }, reason));
        }
    }

    pub(super) fn send_response(&mut self, id: RequestId, status: StatusCode, state: RequestState, headers: Headers) {
        let (channel, body) = (self.channel.clone(), bytes::Bytes::new());
        self.respond(Response { channel, id, status, state, headers, body });
    }
}
