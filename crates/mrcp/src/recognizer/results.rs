//! GET-RESULT (RFC 6787 §9.11): the last result again, under other constraints.

use super::headers::result_constraints;
use super::input::{Failure, Outcome, ResultBody};
use super::machine::{Recognizer, State};
use super::output::Output;
use super::recognizing::{EndOfInput, cause_of};
use crate::params::check_headers;
use crate::{HeaderName, Headers, RecognizerCause, Request, RequestId, RequestState, Response, StatusCode};

impl Recognizer {
    pub(super) fn get_result(&mut self, request: &Request) {
        if let Err(fault) = check_headers(request) {
            return self.refuse_headers(request, fault);
        }
        match self.state {
            // More at once than definitions is nothing that a client does.
            State::Recognized { .. } if self.recomputing.len() >= self.config.definitions_max => {
                self.refuse(request, StatusCode::METHOD_FAILED);
            }
            State::Recognized { .. } => {
                self.recomputing.push(request.id);
                let constraints = result_constraints(&request.headers, &self.config);
                self.outputs.push_back(Output::Recompute { request_id: request.id, constraints });
            }
            State::Idle | State::Recognizing { .. } => self.refuse(request, StatusCode::METHOD_NOT_VALID_IN_STATE),
            State::Closed => {}
        }
    }

    pub(super) fn recomputed(&mut self, request_id: RequestId, outcome: Result<Option<Outcome>, Failure>) {
        let Some(at) = self.recomputing.iter().position(|id| *id == request_id) else {
            self.counters.late_inputs += 1;
            return;
        };
        self.recomputing.remove(at);
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(failure) => return self.fail(request_id, &failure),
        };
        let (cause, result) = match (outcome, &self.state) {
            (Some(outcome), _) => (cause_of(outcome.verdict, EndOfInput::Natural), outcome.result),
            (None, State::Recognized { cause, result }) => (*cause, result.clone()),
            // Another request has taken the result away while it was computed.
            (None, State::Idle | State::Recognizing { .. } | State::Closed) => {
                let status = StatusCode::METHOD_NOT_VALID_IN_STATE;
                return self.respond(self.response_of(request_id, status, Headers::new()));
            }
        };
        self.send_result(request_id, cause, result);
    }

    /// The session ends.
    pub(super) fn close_recomputing(&mut self) {
        for request_id in std::mem::take(&mut self.recomputing) {
            let response = self.response_of(request_id, StatusCode::METHOD_FAILED, Headers::new());
            self.respond(response);
        }
    }

    fn send_result(&mut self, request_id: RequestId, cause: RecognizerCause, result: Option<ResultBody>) {
        let mut headers = Headers::new().with(HeaderName::CompletionCause, cause.to_string());
        let mut body = bytes::Bytes::new();
        if let Some(result) = result.filter(|result| !result.body.is_empty()) {
            headers.push(HeaderName::ContentType, result.content_type);
            body = result.body;
        }
        let response = Response { body, ..self.response_of(request_id, StatusCode::SUCCESS, headers) };
        self.respond(response);
    }

    fn response_of(&self, id: RequestId, status: StatusCode, headers: Headers) -> Response {
        let (channel, state) = (self.channel.clone(), RequestState::Complete);
        Response { channel, id, status, state, headers, body: bytes::Bytes::new() }
    }
}
