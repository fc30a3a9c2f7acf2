//! INTERPRET (RFC 6787 §9.20, §9.21): what a text means to grammars, without anything being heard. At most one at a time;
//! the state of the recognizer does not change by it, so a RECOGNIZE may begin meanwhile.

use std::sync::Arc;
use std::time::Instant;

use super::headers::recognize_params;
use super::input::{Failure, FailureKind, Outcome};
use super::machine::{Recognizer, State, Timer};
use super::output::{GrammarPurpose, Output, RecognizeParams};
use super::recognizing::{Completion, EndOfInput, cause_of};
use crate::media_type;
use crate::params::{HeaderFault, check_headers};
use crate::{Entity, EventName, GrammarRef, HeaderName, Headers, RecognizerCause, Request, RequestId, StatusCode};

/// One INTERPRET that is open.
#[derive(Debug)]
pub(super) struct Interpretation {
    id: RequestId,
    text: String,
    params: Arc<RecognizeParams>,
    /// The status of its success: 200 or 201.
    success: StatusCode,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// The session finds and compiles the grammars; the response is owed.
    Loading,
    /// The session interprets.
    Matching { answered_at: Instant },
    /// The result is there; the gap after the response is not over.
    Completing { completion: Completion },
}

impl Interpretation {
    pub(super) fn id(&self) -> RequestId {
        self.id
    }
}

impl Recognizer {
    pub(super) fn interpret(&mut self, now: Instant, request: &Request) {
        let ignored = match check_headers(request) {
            Ok(ignored) => ignored,
            Err(fault) => return self.refuse_headers(request, fault),
        };
        let is_busy = matches!(self.state, State::Recognizing { .. }) || self.interpretation.is_some();
        if is_busy {
            return self.refuse(request, StatusCode::METHOD_NOT_VALID_IN_STATE);
        }
        let Some(value) = request.headers.text(&HeaderName::InterpretText).filter(|value| !value.is_empty()) else {
            return self.refuse_missing(request, HeaderName::InterpretText);
        };
        if request.body.is_empty() {
            return self.refuse_missing(request, HeaderName::ContentType);
        }
        let grammars = match self.grammars_of(request) {
            Ok(grammars) => grammars,
            Err(refusal) => return self.respond(*refusal),
        };
        let (text, grammars) = match referred(value) {
            None => (value.to_owned(), grammars),
            Some(id) => match text_part(request, id, self.config.decoded_bytes_max) {
                Some(text) => (text, grammars.into_iter().filter(|grammar| !is_part(grammar, id)).collect()),
                // It refers to nothing in the body.
                None => {
                    let headers = Headers::new().with(HeaderName::InterpretText, value);
                    return self
                        .refuse_headers(request, HeaderFault { status: StatusCode::ILLEGAL_HEADER_VALUE, headers });
                }
            },
        };
        if grammars.is_empty() {
            return self.fail(request.id, &Failure::new(FailureKind::Load, "the body names no grammar"));
        }
        let params = Arc::new(recognize_params(self.params.for_request(&request.headers), &self.config));
        self.outputs.push_back(Output::LoadGrammars {
            request_id: request.id,
            grammars,
            params: Arc::clone(&params),
            purpose: GrammarPurpose::Interpret,
        });
        self.timers.set(Timer::Interpretation, now + self.config.grammar_timeout);
        let success = self.config.ignored_headers.status(ignored);
        self.interpretation = Some(Interpretation { id: request.id, text, params, success, phase: Phase::Loading });
    }

    /// Whether the open INTERPRET is that one.
    pub(super) fn interprets(&self, request_id: RequestId) -> bool {
        self.interpretation.as_ref().is_some_and(|interpretation| interpretation.id == request_id)
    }

    pub(super) fn interpretation_loaded(&mut self, now: Instant, outcome: Result<(), Failure>) {
        let Some(Interpretation { id, text, params, success, phase }) = &mut self.interpretation else { return };
        if !matches!(phase, Phase::Loading) {
            self.counters.late_inputs += 1;
            return;
        }
        let (request_id, status) = (*id, *success);
        match outcome {
            Ok(()) => {
                *phase = Phase::Matching { answered_at: now };
                let (text, params) = (text.clone(), Arc::clone(params));
                self.send_in_progress(request_id, status);
                self.timers.set(Timer::Interpretation, now + self.config.result_timeout);
                self.outputs.push_back(Output::Interpret { request_id, text, params });
            }
            Err(failure) => {
                self.timers.cancel(Timer::Interpretation);
                self.interpretation = None;
                self.fail(request_id, &failure);
            }
        }
    }

    pub(super) fn interpreted(&mut self, now: Instant, request_id: RequestId, outcome: Outcome) {
        if !self.interprets(request_id) {
            self.counters.late_inputs += 1;
            return;
        }
        let cause = cause_of(outcome.verdict, EndOfInput::Natural);
        self.interpretation_ended(now, Completion { result: outcome.result, ..Completion::new(cause) });
    }

    pub(super) fn interpretation_timer(&mut self, now: Instant) {
        let Some(interpretation) = &mut self.interpretation else { return };
        let id = interpretation.id;
        match &mut interpretation.phase {
            Phase::Loading => {
                self.interpretation = None;
                self.outputs.push_back(Output::AbandonGrammars { request_id: id });
                self.fail(id, &Failure::new(FailureKind::Load, "the grammars were not loaded in time"));
            }
            Phase::Matching { .. } => {
                let reason = "the text was not interpreted in time".to_owned();
                self.interpretation_ended(
                    now,
                    Completion { reason, ..Completion::new(RecognizerCause::RecognizerError) },
                );
            }
            Phase::Completing { completion } => {
                let completion = std::mem::replace(completion, Completion::new(RecognizerCause::RecognizerError));
                self.interpretation = None;
                self.send_complete_event(EventName::InterpretationComplete, id, &completion);
            }
        }
    }

    /// STOP ends it: a response first if it has none, and no event.
    pub(super) fn stop_interpretation(&mut self) {
        let Some(Interpretation { id, success, phase, .. }) = self.interpretation.take() else { return };
        self.timers.cancel(Timer::Interpretation);
        if matches!(phase, Phase::Loading) {
            self.outputs.push_back(Output::AbandonGrammars { request_id: id });
            self.send_in_progress(id, success);
        }
    }

    /// The session ends.
    pub(super) fn close_interpretation(&mut self) {
        let Some(Interpretation { id, phase, .. }) = self.interpretation.take() else { return };
        let completion = match phase {
            Phase::Loading => {
                self.outputs.push_back(Output::AbandonGrammars { request_id: id });
                return self.fail(id, &Failure::new(FailureKind::Engine, "the session has ended"));
            }
            Phase::Matching { .. } => Completion::new(RecognizerCause::RecognizerError),
            Phase::Completing { completion } => completion,
        };
        self.send_complete_event(EventName::InterpretationComplete, id, &completion);
    }

    /// The client hears of the end when the gap after the response is over.
    fn interpretation_ended(&mut self, now: Instant, completion: Completion) {
        let Some(interpretation) = &mut self.interpretation else { return };
        match interpretation.phase {
            Phase::Matching { answered_at } => {
                interpretation.phase = Phase::Completing { completion };
                let at = answered_at + self.config.completion_gap;
                self.timers.set(Timer::Interpretation, at);
                if at <= now {
                    self.timers.cancel(Timer::Interpretation);
                    self.interpretation_timer(now);
                }
            }
            Phase::Loading | Phase::Completing { .. } => self.counters.late_inputs += 1,
        }
    }
}

/// The identifier that an Interpret-Text refers to, if it is a URI of a part (§9.4.30; RFC 2392).
fn referred(value: &str) -> Option<&str> {
    let (scheme, id) = value.split_once(':')?;
    let refers = scheme.eq_ignore_ascii_case("cid") || scheme.eq_ignore_ascii_case("session");
    (refers && !id.is_empty() && !id.contains(char::is_whitespace)).then_some(id)
}

/// The text of the `text/plain` part of that identifier.
fn text_part(request: &Request, id: &str, bytes_max: usize) -> Option<String> {
    let parts = Entity::of(request).parts(bytes_max).ok()?;
    let part = parts.iter().find(|part| part.content_id.as_deref() == Some(id))?;
    let is_text = part.content_type.as_deref().is_none_or(|kind| media_type(kind) == "text/plain");
    if !is_text {
        return None;
    }
    std::str::from_utf8(&part.body).ok().map(|text| text.trim().to_owned())
}

fn is_part(grammar: &GrammarRef, id: &str) -> bool {
    matches!(grammar, GrammarRef::Inline { content_id, content_type, .. }
        if content_id.as_deref() == Some(id) && media_type(content_type) == "text/plain")
}
