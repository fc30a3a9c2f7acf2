//! A recorder channel: the machine of its requests, and the recording that its shell makes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::{ClockRate, WaveformFormat};
use mrcp::recorder::{self, Destination, Failure, FailureKind, RecordParams, Recorder, RecorderConfig};
use mrcp::{ChannelId, Request, RequestId};

use crate::commons::Commons;
use crate::output::{LegId, Output, RECORDING};
use crate::recording::{Endpointing, RecordKey, RecordSpec, RecordTarget, RecordingEvent};

/// Silence that ends speech for the endpointer; Final-Silence is counted by the machine. A shorter Final-Silence needs a
/// shorter one, down to where words fall apart.
const HANGOVER: Duration = Duration::from_millis(300);
const HANGOVER_MIN: Duration = Duration::from_millis(48);

/// A recorder channel.
pub(crate) struct RecorderChannel {
    id: ChannelId,
    machine: Recorder,
    leg: Option<(LegId, ClockRate)>,
    recording: Option<(RequestId, RecordKey)>,
    outputs: VecDeque<Output>,
}

impl RecorderChannel {
    pub(crate) fn new(id: ChannelId, config: Arc<RecorderConfig>, leg: Option<(LegId, ClockRate)>) -> Self {
        let machine = Recorder::new(config, id.clone());
        Self { id, machine, leg, recording: None, outputs: VecDeque::new() }
    }

    pub(crate) fn id(&self) -> &ChannelId {
        &self.id
    }

    pub(crate) fn request(&mut self, now: Instant, request: Request, parts: &mut Commons) {
        self.tell(now, recorder::Input::Request(request), parts);
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, parts: &mut Commons) {
        self.machine.handle_timeout(now);
        self.drain_machine(now, parts);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.machine.poll_timeout()
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(crate) fn close(&mut self, now: Instant, parts: &mut Commons) {
        self.tell(now, recorder::Input::Close, parts);
    }

    /// Something happened to a recording of the session; only ours is looked at.
    pub(crate) fn recording(&mut self, now: Instant, key: RecordKey, what: RecordingEvent, parts: &mut Commons) {
        let Some((request_id, _)) = self.recording.filter(|(_, ours)| *ours == key) else { return };
        let input = match what {
            RecordingEvent::Started => recorder::Input::Started { request_id, outcome: Ok(()) },
            RecordingEvent::SpeechStarted => recorder::Input::SpeechStarted { request_id },
            RecordingEvent::SpeechEnded { silence } => {
                recorder::Input::SpeechEnded { request_id, at: now.checked_sub(silence).unwrap_or(now) }
            }
            RecordingEvent::Full => recorder::Input::Full { request_id, reason: "a message holds no more".to_owned() },
            RecordingEvent::Failed(failure) => {
                self.recording = None;
                recorder::Input::Failed { request_id, failure }
            }
            RecordingEvent::Saved(recorded) => {
                self.recording = None;
                recorder::Input::Saved { request_id, outcome: Ok(recorded) }
            }
        };
        self.tell(now, input, parts);
    }

    fn tell(&mut self, now: Instant, input: recorder::Input, parts: &mut Commons) {
        self.machine.handle_input(now, input);
        self.drain_machine(now, parts);
    }

    fn drain_machine(&mut self, now: Instant, parts: &mut Commons) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                recorder::Output::Send(message) => {
                    self.outputs.push_back(Output::Mrcp { channel: self.id.clone(), message });
                }
                recorder::Output::Record { request_id, params } => {
                    if let Err(failure) = self.record(request_id, &params, parts) {
                        let outcome = Err(failure);
                        self.machine.handle_input(now, recorder::Input::Started { request_id, outcome });
                    }
                }
                recorder::Output::Finish { cut, .. } => {
                    if let (Some((_, key)), Some((leg, _))) = (self.recording, self.leg) {
                        self.outputs.push_back(Output::FinishRecording { key, leg, capture: RECORDING, cut });
                    }
                }
                recorder::Output::Discard { .. } => {
                    if let (Some((_, key)), Some((leg, _))) = (self.recording.take(), self.leg) {
                        self.outputs.push_back(Output::DiscardRecording { key, leg, capture: RECORDING });
                    }
                }
            }
        }
    }

    fn record(&mut self, request_id: RequestId, params: &RecordParams, parts: &mut Commons) -> Result<(), Failure> {
        let (leg, clock_rate) =
            self.leg.ok_or_else(|| Failure::new(FailureKind::Recorder, "the session has no audio to record"))?;
        let format = WaveformFormat::from_media_type(&params.media_type, clock_rate)
            .ok_or_else(|| Failure::new(FailureKind::MediaType, ""))?;
        let target = match &params.destination {
            Destination::Body { .. } => RecordTarget::Body,
            Destination::Local => RecordTarget::Served,
            Destination::Uri(uri) => RecordTarget::Uri { uri: uri.clone(), timeout: params.fetch_timeout },
        };
        let hangover =
            if params.final_silence.is_zero() { HANGOVER } else { params.final_silence.clamp(HANGOVER_MIN, HANGOVER) };
        let endpointing =
            Endpointing { sensitivity: params.sensitivity_level, on_speech: params.capture_on_speech, hangover };
        let spec = RecordSpec {
            media_type: params.media_type.clone(),
            format,
            target,
            endpointing: Some(endpointing),
            max_time: params.max_time,
        };
        let key = parts.next_recording();
        self.recording = Some((request_id, key));
        self.outputs.push_back(Output::Record { key, leg, clock_rate, capture: RECORDING, spec });
        Ok(())
    }
}
