//! Waveforms of recognitions (Save-Waveform and Waveform-URI, RFC 6787 sections 9.4.8 and 9.4.22).
//!
//! A waveform is stored when the recognition has ended, which takes a moment. Until then its RECOGNITION-COMPLETE waits,
//! and everything that the channel says after it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use media::{ClockRate, WaveformFormat};
use mrcp::StatusCode;
use mrcp::recognizer::RecognizeParams;
use mrcp::recorder::{Cut, Recorded, Stored};
use mrcp::{EventName, HeaderName, Message, Method, RecognizerCause, Request, RequestId, RequestState, Response};

use crate::commons::Commons;
use crate::output::{LegId, Output, WAVEFORM};
use crate::recording::{RecordKey, RecordSpec, RecordTarget, RecordingEvent};

/// What a waveform is stored as where the client names no Media-Type.
const MEDIA_TYPE: &str = "audio/wav";

/// How long RECOGNITION-COMPLETE waits for its waveform; then it goes without.
const SAVING_MAX: Duration = Duration::from_secs(2);

/// The waveforms of one recognizer channel.
pub(crate) struct SavedWaveforms {
    leg: Option<(LegId, ClockRate)>,
    /// The longest.
    time_max: Duration,
    waveforms: Vec<Waveform>,
    /// What the channel has to say after a RECOGNITION-COMPLETE that waits; that is the first.
    held: VecDeque<Message>,
}

/// The waveform of one RECOGNIZE.
struct Waveform {
    request_id: RequestId,
    key: RecordKey,
    state: State,
}

enum State {
    /// The recognition goes on.
    Capturing,
    /// It has ended; the waveform is being stored.
    Saving { until: Instant },
    /// What Waveform-URI says; nothing when there is no waveform.
    Known(String),
}

impl SavedWaveforms {
    pub(crate) fn new(leg: Option<(LegId, ClockRate)>, time_max: Duration) -> Self {
        Self { leg, time_max, waveforms: Vec::new(), held: VecDeque::new() }
    }

    /// The refusal of a request for a Media-Type that nothing can be stored as.
    pub(crate) fn refusal(&self, request: &Request) -> Option<Response> {
        let rate = self.leg.map_or(ClockRate::Hz8000, |(_, rate)| rate);
        let media_type = request.headers.text(&HeaderName::MediaType).filter(|media_type| !media_type.is_empty())?;
        let is_asked = matches!(request.method, Method::Recognize | Method::SetParams);
        if !is_asked || WaveformFormat::from_media_type(media_type, rate).is_some() {
            return None;
        }
        let mut response = request.response(StatusCode::UNSUPPORTED_HEADER_VALUE, RequestState::Complete);
        if request.method == Method::Recognize {
            response.headers.push(HeaderName::CompletionCause, RecognizerCause::RecognizerError.to_string());
        }
        response.headers.push(HeaderName::MediaType, media_type);
        Some(response)
    }

    /// A RECOGNIZE is looked at. Until it listens there is nothing to save, and its end may come before.
    pub(crate) fn expect(&mut self, request_id: RequestId, params: &RecognizeParams, parts: &mut Commons) {
        if params.save_waveform {
            let (key, state) = (parts.next_recording(), State::Known(String::new()));
            self.waveforms.push(Waveform { request_id, key, state });
        }
    }

    /// A recognition begins to listen.
    pub(crate) fn begin(&mut self, request_id: RequestId, params: &RecognizeParams) -> Option<Output> {
        let waveform = self.waveforms.iter_mut().find(|waveform| waveform.request_id == request_id)?;
        let (leg, clock_rate) = self.leg?;
        let media_type = params.media_type.clone().unwrap_or_else(|| MEDIA_TYPE.to_owned());
        let format = WaveformFormat::from_media_type(&media_type, clock_rate)?;
        waveform.state = State::Capturing;
        let key = waveform.key;
        let spec = RecordSpec {
            media_type,
            format,
            target: RecordTarget::Served,
            // As it was heard (section 9.4.22).
            endpointing: None,
            max_time: self.time_max,
        };
        Some(Output::Record { key, leg, clock_rate, capture: WAVEFORM, spec })
    }

    /// A recognition has ended, however.
    pub(crate) fn stopped(&mut self, now: Instant, request_id: RequestId) -> Option<Output> {
        let (leg, _) = self.leg?;
        let waveform = self.waveforms.iter_mut().find(|waveform| waveform.request_id == request_id)?;
        match waveform.state {
            State::Capturing => {
                waveform.state = State::Saving { until: now + SAVING_MAX };
                let (key, cut) = (waveform.key, Cut::Trim(Duration::ZERO));
                Some(Output::FinishRecording { key, leg, capture: WAVEFORM, cut })
            }
            State::Saving { .. } | State::Known(_) => None,
        }
    }

    /// The channel says something. `None`: it waits here.
    pub(crate) fn send(&mut self, message: Message, discarded: &mut VecDeque<Output>) -> Option<Message> {
        self.forget_stopped(&message, discarded);
        if !self.held.is_empty() {
            self.held.push_back(message);
            return None;
        }
        match self.complete(message) {
            Ok(message) => Some(message),
            Err(message) => {
                self.held.push_back(message);
                None
            }
        }
    }

    /// Something happened to a recording of the session; only ours are looked at.
    pub(crate) fn recording(&mut self, key: RecordKey, what: RecordingEvent) {
        let Some(waveform) = self.waveforms.iter_mut().find(|waveform| waveform.key == key) else { return };
        match what {
            RecordingEvent::Saved(Recorded { stored: Stored::Uri(uri), size_bytes, duration }) => {
                let value = format!("<{uri}>;size={size_bytes};duration={}", duration.as_millis());
                waveform.state = State::Known(value);
            }
            RecordingEvent::Saved(Recorded { stored: Stored::Body(_), .. }) | RecordingEvent::Failed(_) => {
                waveform.state = State::Known(String::new());
            }
            RecordingEvent::Started
            | RecordingEvent::SpeechStarted
            | RecordingEvent::SpeechEnded { .. }
            | RecordingEvent::Full => {}
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let deadline = |waveform: &Waveform| match waveform.state {
            State::Saving { until } => Some(until),
            State::Capturing | State::Known(_) => None,
        };
        self.waveforms.iter().filter_map(deadline).min()
    }

    /// Gives up what is not stored in time.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        for waveform in &mut self.waveforms {
            if matches!(waveform.state, State::Saving { until } if until <= now) {
                waveform.state = State::Known(String::new());
            }
        }
    }

    /// The next message that need not wait any more.
    pub(crate) fn poll_message(&mut self) -> Option<Message> {
        let message = self.held.pop_front()?;
        match self.complete(message) {
            Ok(message) => Some(message),
            Err(message) => {
                self.held.push_front(message);
                None
            }
        }
    }

    /// The session ends: nothing waits any more.
    pub(crate) fn close(&mut self) {
        for waveform in &mut self.waveforms {
            match waveform.state {
                State::Capturing | State::Saving { .. } => waveform.state = State::Known(String::new()),
                State::Known(_) => {}
            }
        }
    }

    /// Puts Waveform-URI into the RECOGNITION-COMPLETE that has one. `Err`: it has to wait.
    fn complete(&mut self, message: Message) -> Result<Message, Message> {
        let Message::Event(mut event) = message else { return Ok(message) };
        let at = self.waveforms.iter().position(|waveform| waveform.request_id == event.id);
        let Some(at) = at.filter(|_| event.name == EventName::RecognitionComplete) else {
            return Ok(Message::Event(event));
        };
        match self.waveforms.get(at).map(|waveform| &waveform.state) {
            Some(State::Known(value)) => {
                event.headers.push(HeaderName::WaveformUri, value.as_str());
                self.waveforms.remove(at);
                Ok(Message::Event(event))
            }
            Some(State::Capturing | State::Saving { .. }) | None => Err(Message::Event(event)),
        }
    }

    /// A recognition that was stopped, or refused, has no RECOGNITION-COMPLETE, so nobody hears of its waveform.
    fn forget_stopped(&mut self, message: &Message, discarded: &mut VecDeque<Output>) {
        let Message::Response(response) = message else { return };
        let is_over = response.state == RequestState::Complete;
        // Our own list, so it is one.
        let stopped = response.headers.active_request_ids().ok().flatten().unwrap_or_default();
        let Some((leg, _)) = self.leg else { return };
        self.waveforms.retain(|waveform| {
            let is_stopped = stopped.contains(&waveform.request_id) || (is_over && response.id == waveform.request_id);
            if is_stopped && !matches!(waveform.state, State::Known(_)) {
                discarded.push_back(Output::DiscardRecording { key: waveform.key, leg, capture: WAVEFORM });
            }
            !is_stopped
        });
    }
}
