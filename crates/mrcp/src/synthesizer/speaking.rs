//! SPEAK requests from preparation to SPEAK-COMPLETE (RFC 6787 §8.6, §8.12, §8.13).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::headers::lengths;
use super::input::{Failure, FailureKind};
use super::machine::{State, Synthesizer, Timer};
use super::output::{Output, SpeakParams};
use crate::{
    Event, EventName, HeaderName, Headers, Message, Request, RequestId, RequestState, StatusCode, SynthesizerCause,
};

/// One SPEAK that is open.
#[derive(Debug)]
pub(super) struct Speak {
    pub(super) id: RequestId,
    pub(super) speech: Arc<SpeakParams>,
    /// The status of its success: 200 or 201.
    success: StatusCode,
    answer: Answer,
    /// The last mark reached.
    mark: Option<String>,
    /// CONTROL requests for it that are not answered yet.
    pub(super) controls: VecDeque<OpenControl>,
}

/// A CONTROL that is not answered yet.
#[derive(Debug)]
pub(super) struct OpenControl {
    pub(super) id: RequestId,
    /// The status of its success.
    pub(super) status: StatusCode,
    /// What it asked, for a refusal.
    pub(super) lengths: Headers,
}

impl OpenControl {
    pub(super) fn of(request: &Request, status: StatusCode) -> Self {
        Self { id: request.id, status, lengths: lengths(&request.headers) }
    }
}

/// Whether the SPEAK has got its one response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Owed,
    Pending,
    InProgress { at: Instant },
}

/// How far the active SPEAK is.
#[derive(Debug)]
pub(super) enum Phase {
    /// The session parses the markup. It will play, or hold, at once when it has.
    Preparing { playout: Playout },
    /// Audio is played, or held.
    Playing { playout: Playout },
    /// It has ended; the gap and the tail are not over.
    Completing { completion: Completion, earliest: Instant },
}

/// Whether an active SPEAK speaks or is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Playout {
    Running,
    Paused,
}

/// What SPEAK-COMPLETE will say.
#[derive(Debug)]
pub(super) struct Completion {
    cause: SynthesizerCause,
    failure: Option<Failure>,
    /// When the last of it had sounded; `None`: when it is told.
    at: Option<Instant>,
}

impl Completion {
    fn new(cause: SynthesizerCause) -> Self {
        Self { cause, failure: None, at: None }
    }

    fn of(failure: Failure) -> Self {
        Self { cause: failure.kind.answer().1, failure: Some(failure), at: None }
    }
}

/// What a STOP has ended.
pub(super) struct Ended {
    pub(super) ids: Vec<RequestId>,
    /// When the active one was among them: how it was playing, which is how the next will play.
    pub(super) playout: Option<Playout>,
    /// The last mark that was reached in what is active.
    pub(super) mark: Option<String>,
}

impl Speak {
    pub(super) fn new(id: RequestId, speech: Arc<SpeakParams>, success: StatusCode) -> Self {
        Self { id, speech, success, answer: Answer::Owed, mark: None, controls: VecDeque::new() }
    }
}

impl Synthesizer {
    pub(super) fn prepared(&mut self, now: Instant, request_id: RequestId, outcome: Result<(), Failure>) {
        self.timers.cancel(Timer::Preparation(request_id));
        match &self.state {
            State::Speaking { speak, phase: Phase::Preparing { playout } } if speak.id == request_id => {
                let playout = *playout;
                match outcome {
                    Ok(()) => self.start(now, playout),
                    Err(failure) => self.fail_active(now, failure),
                }
            }
            State::Speaking { .. } => self.prepared_in_queue(request_id, outcome),
            State::Idle | State::Closed => self.counters.late_inputs += 1,
        }
    }

    /// A SPEAK behind the active one gets its response now: PENDING, or its failure.
    fn prepared_in_queue(&mut self, request_id: RequestId, outcome: Result<(), Failure>) {
        let is_it = |speak: &Speak| speak.id == request_id && speak.answer == Answer::Owed;
        let Some(index) = self.queue.iter().position(is_it) else {
            self.counters.late_inputs += 1;
            return;
        };
        match outcome {
            Ok(()) => {
                let Some(speak) = self.queue.get_mut(index) else { return };
                speak.answer = Answer::Pending;
                let status = speak.success;
                self.send_response(request_id, status, RequestState::Pending, Headers::new());
            }
            Err(failure) => {
                self.queue.remove(index);
                self.fail(request_id, &failure);
            }
        }
    }

    pub(super) fn mark_reached(&mut self, request_id: RequestId, name: &str, at: Instant) {
        match &mut self.state {
            State::Speaking { speak, phase: Phase::Playing { .. } } if speak.id == request_id => {
                // A name from markup may hold line ends, which a header cannot.
                let name = name.replace(char::is_control, " ");
                speak.mark = Some(name.clone());
                self.send_marker(request_id, at, Some(&name));
            }
            State::Speaking { .. } | State::Idle | State::Closed => self.counters.late_inputs += 1,
        }
    }

    /// The last mark that was reached in what is active.
    pub(super) fn last_mark(&self) -> Option<&str> {
        match &self.state {
            State::Speaking { speak, .. } => speak.mark.as_deref(),
            State::Idle | State::Closed => None,
        }
    }

    pub(super) fn playback_finished(
        &mut self,
        now: Instant,
        request_id: RequestId,
        at: Instant,
        outcome: Result<(), Failure>,
    ) {
        match &self.state {
            State::Speaking { speak, phase: Phase::Playing { .. } } if speak.id == request_id => {
                let has_next = !self.queue.is_empty();
                match outcome {
                    Ok(()) => {
                        let tail = if has_next { std::time::Duration::ZERO } else { self.config.completion_tail };
                        let completion = Completion { at: Some(at), ..Completion::new(SynthesizerCause::Normal) };
                        self.complete(now, completion, now + tail);
                    }
                    Err(failure) => self.complete(now, Completion::of(failure), now),
                }
            }
            // The engine may fail what is not playing yet.
            State::Speaking { speak, phase: Phase::Preparing { .. } } if speak.id == request_id => match outcome {
                Ok(()) => self.counters.late_inputs += 1,
                Err(failure) => self.fail_active(now, failure),
            },
            State::Speaking { .. } | State::Idle | State::Closed => self.counters.late_inputs += 1,
        }
    }

    /// The server has decided by itself that the caller barged in (§8.4.4, cause 001).
    pub(super) fn barged_in(&mut self, now: Instant) {
        let State::Speaking { speak, phase } = &self.state else { return };
        if !speak.speech.kill_on_barge_in {
            return;
        }
        let id = speak.id;
        match phase {
            Phase::Completing { .. } => {}
            Phase::Preparing { .. } | Phase::Playing { .. } => {
                if speak.answer == Answer::Owed {
                    self.answer_in_progress(now);
                }
                self.timers.cancel(Timer::Preparation(id));
                self.outputs.push_back(Output::Stop { request_id: id });
                self.complete(now, Completion::new(SynthesizerCause::BargeIn), now);
            }
        }
    }

    pub(super) fn completion_due(&mut self, now: Instant) {
        match &mut self.state {
            State::Speaking { phase: Phase::Completing { completion, .. }, .. } => {
                let completion = std::mem::replace(completion, Completion::new(SynthesizerCause::Normal));
                self.completed(now, completion);
            }
            State::Speaking { .. } | State::Idle | State::Closed => {}
        }
    }

    /// Sends a SPEAK-COMPLETE that only waits for the tail, because another SPEAK has come.
    pub(super) fn complete_if_only_the_tail_is_left(&mut self, now: Instant) {
        if let State::Speaking { phase: Phase::Completing { earliest, .. }, .. } = &self.state
            && *earliest <= now
        {
            self.completion_due(now);
        }
    }

    /// Completes everything that is open; nothing is sent after.
    pub(super) fn close(&mut self, now: Instant) {
        self.answer_open_controls(now);
        self.fail_definitions("the session has ended");
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Speaking { speak, phase } => {
                let ended = || Failure::new(FailureKind::Engine, "the session has ended");
                match phase {
                    Phase::Completing { completion, .. } => self.send_completion(now, &speak, &completion),
                    Phase::Preparing { .. } | Phase::Playing { .. } => {
                        self.outputs.push_back(Output::Stop { request_id: speak.id });
                        if speak.answer == Answer::Owed {
                            self.fail(speak.id, &ended());
                        } else {
                            self.send_completion(now, &speak, &Completion::of(ended()));
                        }
                    }
                }
            }
            State::Idle | State::Closed => {}
        }
        self.cancel_queue(now, SynthesizerCause::Cancelled);
        self.timers.clear();
    }

    /// Ends every open SPEAK of which `is_asked` is true, without an event.
    pub(super) fn end_those(&mut self, now: Instant, is_asked: impl Fn(RequestId) -> bool) -> Ended {
        let mut ended = Ended { ids: Vec::new(), playout: None, mark: self.last_mark().map(str::to_owned) };
        if self.active_request().is_some_and(&is_asked) {
            self.answer_open_controls(now);
        }
        match &self.state {
            State::Speaking { speak, phase } if is_asked(speak.id) => {
                let id = speak.id;
                let (playout, is_audible) = match phase {
                    Phase::Preparing { playout } | Phase::Playing { playout } => (*playout, true),
                    Phase::Completing { .. } => (Playout::Running, false),
                };
                if speak.answer == Answer::Owed {
                    self.answer_in_progress(now);
                }
                if is_audible {
                    self.outputs.push_back(Output::Stop { request_id: id });
                }
                self.timers.cancel(Timer::Preparation(id));
                self.timers.cancel(Timer::Completion);
                self.state = State::Idle;
                ended.ids.push(id);
                ended.playout = Some(playout);
            }
            State::Speaking { .. } | State::Idle | State::Closed => {}
        }
        let (gone, kept): (Vec<Speak>, Vec<Speak>) = self.queue.drain(..).partition(|speak| is_asked(speak.id));
        self.queue = kept.into();
        for speak in gone {
            if speak.answer == Answer::Owed {
                self.send_response(speak.id, speak.success, RequestState::Pending, Headers::new());
            }
            self.timers.cancel(Timer::Preparation(speak.id));
            self.outputs.push_back(Output::Stop { request_id: speak.id });
            ended.ids.push(speak.id);
        }
        ended
    }

    /// The next of the queue becomes active.
    pub(super) fn begin_next(&mut self, now: Instant, playout: Playout) {
        let Some(next) = self.queue.pop_front() else { return };
        let is_prepared = next.answer != Answer::Owed;
        self.state = State::Speaking { speak: Box::new(next), phase: Phase::Preparing { playout } };
        if is_prepared {
            self.start(now, playout);
        }
    }

    /// The active SPEAK is prepared: it gets its response unless it was PENDING, and plays.
    fn start(&mut self, now: Instant, playout: Playout) {
        let State::Speaking { speak, phase } = &mut self.state else { return };
        let request_id = speak.id;
        *phase = Phase::Playing { playout };
        match speak.answer {
            Answer::Owed => self.answer_in_progress(now),
            Answer::Pending if self.config.start_markers => self.send_marker(request_id, now, None),
            Answer::Pending | Answer::InProgress { .. } => {}
        }
        self.outputs.push_back(Output::Start { request_id });
        if playout == Playout::Paused {
            self.outputs.push_back(Output::Pause { request_id });
        }
    }

    fn answer_in_progress(&mut self, now: Instant) {
        let State::Speaking { speak, .. } = &mut self.state else { return };
        speak.answer = Answer::InProgress { at: now };
        let (id, status) = (speak.id, speak.success);
        let mut headers = Headers::new();
        self.push_speech_marker(now, None, &mut headers);
        self.send_response(id, status, RequestState::InProgress, headers);
    }

    /// The active SPEAK fails while it is prepared: on its response, or by event when it was PENDING.
    fn fail_active(&mut self, now: Instant, failure: Failure) {
        let State::Speaking { speak, .. } = &self.state else { return };
        if speak.answer != Answer::Owed {
            return self.complete(now, Completion::of(failure), now);
        }
        let id = speak.id;
        self.timers.cancel(Timer::Preparation(id));
        self.state = State::Idle;
        self.fail(id, &failure);
        self.cancel_queue(now, SynthesizerCause::Cancelled);
    }

    /// The active SPEAK has ended; the client hears of it at `after`, and not before the gap after the response is over.
    fn complete(&mut self, now: Instant, completion: Completion, after: Instant) {
        self.answer_open_controls(now);
        let State::Speaking { speak, phase } = &mut self.state else { return };
        let earliest = match speak.answer {
            Answer::InProgress { at } => at + self.config.completion_gap,
            Answer::Owed | Answer::Pending => now,
        };
        if earliest.max(after) > now {
            *phase = Phase::Completing { completion, earliest };
            self.timers.set(Timer::Completion, earliest.max(after));
        } else {
            self.completed(now, completion);
        }
    }

    /// Sends SPEAK-COMPLETE and goes on with the queue.
    fn completed(&mut self, now: Instant, completion: Completion) {
        self.timers.cancel(Timer::Completion);
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Speaking { speak, .. } => {
                self.send_completion(now, &speak, &completion);
                match completion.cause {
                    SynthesizerCause::Normal => self.begin_next(now, Playout::Running),
                    // §8.8: the whole queue goes, whatever its own flags.
                    SynthesizerCause::BargeIn => self.cancel_queue(now, SynthesizerCause::BargeIn),
                    SynthesizerCause::ParseFailure
                    | SynthesizerCause::UriFailure
                    | SynthesizerCause::Error
                    | SynthesizerCause::LanguageUnsupported
                    | SynthesizerCause::LexiconLoadFailure
                    | SynthesizerCause::Cancelled => self.cancel_queue(now, SynthesizerCause::Cancelled),
                }
            }
            State::Idle => {}
            State::Closed => self.state = State::Closed,
        }
    }

    /// Everything behind the active SPEAK ends with it (§8.6).
    fn cancel_queue(&mut self, now: Instant, cause: SynthesizerCause) {
        for speak in std::mem::take(&mut self.queue) {
            self.timers.cancel(Timer::Preparation(speak.id));
            self.outputs.push_back(Output::Stop { request_id: speak.id });
            if speak.answer == Answer::Owed {
                let reason = "an earlier request of the queue has ended";
                self.fail(speak.id, &Failure::new(FailureKind::Engine, reason));
            } else {
                self.send_completion(now, &speak, &Completion::new(cause));
            }
        }
    }

    fn send_completion(&mut self, now: Instant, speak: &Speak, completion: &Completion) {
        let mut headers = Headers::new().with(HeaderName::CompletionCause, completion.cause.to_string());
        if let Some(failure) = &completion.failure {
            failure.describe(&mut headers);
        }
        self.push_speech_marker(completion.at.unwrap_or(now), speak.mark.as_deref(), &mut headers);
        self.send_event(speak.id, EventName::SpeakComplete, RequestState::Complete, headers);
    }

    /// `Speech-Marker` (§8.4.8): the time, and the last mark reached. Only when we can tell the time.
    pub(super) fn push_speech_marker(&self, now: Instant, mark: Option<&str>, headers: &mut Headers) {
        if let Some(anchor) = self.config.ntp {
            let timestamp = anchor.ntp_at(now);
            let name = mark.map(|mark| format!(";{mark}")).unwrap_or_default();
            headers.push(HeaderName::SpeechMarker, format!("timestamp={timestamp}{name}"));
        }
    }

    /// SPEECH-MARKER (§8.13). Its timestamp is mandatory, so it is there even when we cannot tell the time.
    fn send_marker(&mut self, id: RequestId, at: Instant, name: Option<&str>) {
        let timestamp = self.config.ntp.map_or(0, |anchor| anchor.ntp_at(at));
        let name = name.map(|name| format!(";{name}")).unwrap_or_default();
        let headers = Headers::new().with(HeaderName::SpeechMarker, format!("timestamp={timestamp}{name}"));
        self.send_event(id, EventName::SpeechMarker, RequestState::InProgress, headers);
    }

    fn send_event(&mut self, id: RequestId, name: EventName, state: RequestState, headers: Headers) {
        let (channel, body) = (self.channel.clone(), bytes::Bytes::new());
        self.outputs.push_back(Output::Send(Message::Event(Event { channel, id, name, state, headers, body })));
    }
}

impl FailureKind {
    /// The status of a response, and the completion cause.
    pub(super) fn answer(&self) -> (StatusCode, SynthesizerCause) {
        match self {
            Self::Parse => (StatusCode::METHOD_FAILED, SynthesizerCause::ParseFailure),
            Self::Uri { .. } => (StatusCode::METHOD_FAILED, SynthesizerCause::UriFailure),
            Self::Lexicon { .. } => (StatusCode::METHOD_FAILED, SynthesizerCause::LexiconLoadFailure),
            // Told before it starts, on its response.
            Self::HeaderValue { .. } => (StatusCode::UNSUPPORTED_HEADER_VALUE, SynthesizerCause::Error),
            Self::Language => (StatusCode::METHOD_FAILED, SynthesizerCause::LanguageUnsupported),
            Self::MediaType => (StatusCode::UNSUPPORTED_ENTITY, SynthesizerCause::Error),
            Self::Engine => (StatusCode::METHOD_FAILED, SynthesizerCause::Error),
        }
    }
}

impl Failure {
    /// Completion-Reason and Failed-URI.
    pub(super) fn describe(&self, headers: &mut Headers) {
        if !self.reason.is_empty() {
            let quoted = self.reason.replace('\\', "\\\\").replace('"', "\\\"");
            headers.push(HeaderName::CompletionReason, format!("\"{quoted}\""));
        }
        if let FailureKind::Uri { uri, cause } = &self.kind {
            headers.push(HeaderName::FailedUri, uri.as_str());
            headers.push(HeaderName::FailedUriCause, cause.as_str());
        }
        if let FailureKind::Lexicon { uri: Some(uri) } = &self.kind {
            headers.push(HeaderName::FailedUri, uri.as_str());
        }
    }
}
