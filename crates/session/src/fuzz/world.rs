//! A server without sockets, threads and engines: one SIP endpoint, one control connection, the sessions between them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::{DtmfDigit, LegEvent, PlayoutOutcome, UtteranceId};
use mrcp::connection::{self, ConnectionConfig};
use mrcp::recognizer::RecognizerConfig;
use mrcp::recorder::{self, RecorderConfig};
use mrcp::synthesizer::SynthesizerConfig;
use mrcp::{ChannelId, Connection, Request, StatusCode};
use sip::dialog::DialogConfig;
use sip::endpoint::{self, EndpointConfig};
use sip::{Command, DialogKey, Endpoint, Response, Seed, Status};
use speech::nlsml::InstanceForm;
use speech::{Hypothesis, Language};

use super::laws::Laws;
use crate::{
    CloseCause, CodecOrder, DescriptionConfig, FetchFailure, FetchKey, Fetched, FromConversation, GrammarConfig, Heard,
    Input, KeysOnly, LegId, ListenKey, LoadedAudio, Output, PartKey, RecordKey, RecordingEvent, RequestIds,
    ResultStyle, Session, SessionConfig, SrtpPolicy,
};

/// The prefix of the first session's channels.
pub(super) const PREFIX: &str = "0123456789abcdef";
/// More steps than any input takes.
const STEPS_MAX: usize = 20_000;
/// Sessions at once; a flood of INVITEs is the endpoint's target.
const CALLS_MAX: usize = 16;

struct Call {
    dialog: DialogKey,
    tag: String,
    session: Session,
    laws: Laws,
    channels: Vec<ChannelId>,
    legs: Vec<LegId>,
    listens: Vec<ListenKey>,
    spoken: Vec<(UtteranceId, LegId)>,
    fetches: Vec<FetchKey>,
    loads: Vec<FetchKey>,
    records: Vec<RecordKey>,
    parts: Vec<PartKey>,
    is_closed: bool,
}

pub(super) struct World {
    now: Instant,
    endpoint: Endpoint,
    connection: Connection,
    calls: Vec<Call>,
    config: Arc<SessionConfig>,
    begun: u64,
    steps: usize,
}

fn config() -> Arc<SessionConfig> {
    Arc::new(SessionConfig {
        dialog: Arc::new(DialogConfig::default()),
        description: DescriptionConfig {
            mrcp_port: 1544,
            codecs: vec![media::Codec::Pcmu, media::Codec::L16],
            ptime_ms: 20,
            codec_order: CodecOrder::Offer,
            srtp: SrtpPolicy::Optional,
            has_clips: false,
            connection_reuse: true,
            cmid_optional: true,
            families: crate::Families::BOTH,
        },
        recognizer: Arc::new(RecognizerConfig { pending_max: 3, ..RecognizerConfig::default() }),
        synthesizer: Arc::new(SynthesizerConfig { pending_max: 3, ..SynthesizerConfig::default() }),
        recorder: Arc::new(RecorderConfig::default()),
        clips: None,
        grammars: Arc::new(GrammarConfig::default()),
        language: Language::English,
        results: ResultStyle {
            format: speech::ResultFormat::default(),
            instance: InstanceForm::Json,
            namespaced: true,
            no_input: true,
            barge_in: true,
        },
        request_ids: RequestIds::Session,
        first_request_wait: Some(Duration::from_secs(60)),
        silent_peer: crate::SilentPeer::EndsSession,
        connection_grace: Duration::from_secs(2),
    })
}

impl World {
    pub(super) fn new(epoch: Instant) -> Self {
        Self {
            now: epoch,
            endpoint: Endpoint::new(EndpointConfig::default(), Seed(7)),
            connection: Connection::new(ConnectionConfig::default()),
            calls: Vec::new(),
            config: config(),
            begun: 0,
            steps: 0,
        }
    }

    /// Our tag in the first dialog.
    pub(super) fn local_tag(&self) -> Option<String> {
        self.calls.first().map(|call| call.tag.clone())
    }

    pub(super) fn datagram(&mut self, bytes: &[u8]) {
        let source = SocketAddr::from(([192, 0, 2, 1], 5060));
        let local = SocketAddr::from(([192, 0, 2, 9], 8060));
        let bytes = Bytes::copy_from_slice(bytes);
        self.endpoint.handle_input(self.now, endpoint::Input::Datagram { source, local, bytes });
        self.settle();
    }

    pub(super) fn control(&mut self, bytes: &[u8]) {
        self.connection.handle_input(self.now, connection::Input::Received(bytes));
        self.settle();
    }

    /// A request as the connection delivers it.
    pub(super) fn request(&mut self, request: Request) {
        if let Some(call) = self.calls.iter_mut().find(|call| call.channels.contains(&request.channel)) {
            call.laws.asked(&request);
            call.session.handle_input(self.now, Input::Mrcp(request));
        } else {
            let (channel, request_id, status) = (request.channel, request.id, StatusCode::RESOURCE_NOT_ALLOCATED);
            self.connection.handle_input(self.now, connection::Input::Refuse { channel, request_id, status });
        }
        self.settle();
    }

    pub(super) fn lose_connection(&mut self) {
        for at in 0..self.calls.len() {
            let channels = self.calls.get(at).map(|call| call.channels.clone()).unwrap_or_default();
            self.tell(at, Input::ConnectionLost { channels });
        }
    }

    /// Something that engines, legs, fetches or the clock do, to the last call that is not over.
    pub(super) fn happen(&mut self, what: u8, how: u8) {
        let Some(at) = self.calls.iter().rposition(|call| !call.is_closed) else {
            return self.pass(Duration::from_millis(u64::from(how) * 10));
        };
        let input = match what % 16 {
            0..=3 => return self.pass(Duration::from_millis(u64::from(how) * 20)),
            4 | 5 => self.heard(at, how),
            6 | 7 => self.synthesized(at, how),
            8 | 9 => self.leg_event(at, how),
            10 => self.fetched(at, how),
            11 => self.loaded(at, how),
            12 => self.recording(at, how),
            13 => self.conversation(at, how),
            14 => {
                // What is timed next happens.
                let next = self.calls.get(at).and_then(|call| call.session.poll_timeout());
                let wait = next.map_or(Duration::ZERO, |next| next.saturating_duration_since(self.now));
                return self.pass(wait);
            }
            _ if how == 0 => Some(Input::Close { cause: CloseCause::Drained }),
            _ => None,
        };
        if let Some(input) = input {
            self.tell(at, input);
        }
    }

    /// Ends every session, and checks that all have ended.
    pub(super) fn finish(&mut self) {
        for at in 0..self.calls.len() {
            self.tell(at, Input::Close { cause: CloseCause::Drained });
        }
        // Longer than any dialog takes that is not answered.
        for _ in 0..200 {
            self.pass(Duration::from_secs(10));
        }
        assert!(self.calls.iter().all(|call| call.is_closed), "a session does not end");
    }

    fn tell(&mut self, at: usize, input: Input) {
        if let Some(call) = self.calls.get_mut(at) {
            call.session.handle_input(self.now, input);
        }
        self.settle();
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let sessions = self.calls.iter().filter_map(|call| call.session.poll_timeout());
            let due = sessions.chain(self.endpoint.poll_timeout()).chain(self.connection.poll_timeout()).min();
            let Some(due) = due.filter(|due| *due <= until) else { break };
            self.now = self.now.max(due);
            self.endpoint.handle_timeout(self.now);
            self.connection.handle_timeout(self.now);
            for call in &mut self.calls {
                if call.session.poll_timeout().is_some_and(|at| at <= self.now) {
                    call.session.handle_timeout(self.now);
                    let next = call.session.poll_timeout();
                    assert!(next.is_none_or(|next| next > self.now), "a timer that is due stays");
                }
            }
            self.settle();
            self.steps += 1;
            assert!(self.steps < STEPS_MAX * 10, "time does not pass");
        }
        self.now = until;
    }

    /// Carries everything where it belongs, until nothing is left to carry.
    fn settle(&mut self) {
        let mut steps = 0;
        loop {
            let mut is_quiet = true;
            while let Some(output) = self.endpoint.poll_output() {
                is_quiet = false;
                self.endpoint_output(output);
            }
            while let Some(output) = self.connection.poll_output() {
                is_quiet = false;
                match output {
                    connection::Output::Request(request) => self.deliver(request),
                    connection::Output::Write(bytes) => {
                        self.connection.handle_input(self.now, connection::Input::Written(bytes.len()));
                    }
                    connection::Output::Close(_) => self.connection = Connection::new(ConnectionConfig::default()),
                }
            }
            for at in 0..self.calls.len() {
                while let Some(output) = self.calls.get_mut(at).and_then(|call| call.session.poll_output()) {
                    is_quiet = false;
                    steps += 1;
                    assert!(steps < STEPS_MAX, "too much to do");
                    self.session_output(at, output);
                }
            }
            if is_quiet {
                return;
            }
        }
    }

    fn deliver(&mut self, request: Request) {
        let owner = self.calls.iter_mut().find(|call| call.channels.contains(&request.channel));
        match owner {
            Some(call) => {
                call.laws.asked(&request);
                call.session.handle_input(self.now, Input::Mrcp(request));
            }
            None => {
                let (channel, request_id, status) = (request.channel, request.id, StatusCode::RESOURCE_NOT_ALLOCATED);
                self.connection.handle_input(self.now, connection::Input::Refuse { channel, request_id, status });
            }
        }
    }

    fn endpoint_output(&mut self, output: endpoint::Output) {
        match output {
            endpoint::Output::Transmit { .. } | endpoint::Output::CloseStream { .. } => {}
            endpoint::Output::Invite(invite) if self.calls.len() >= CALLS_MAX => {
                let response = Box::new(Response::to(&invite.request, Status::SERVICE_UNAVAILABLE));
                let command = Command::Respond { transaction: invite.transaction, response };
                self.command(command);
                self.command(Command::Forget { dialog: invite.dialog });
            }
            endpoint::Output::Invite(invite) => {
                let prefix = match self.begun {
                    0 => PREFIX.to_owned(),
                    other => format!("{other:016x}"),
                };
                self.begun += 1;
                let (dialog, tag) = (invite.dialog, invite.local_tag.clone());
                let session = Session::new(Arc::clone(&self.config), prefix, Seed(7), self.now, *invite);
                self.calls.push(Call {
                    dialog,
                    tag,
                    session,
                    laws: Laws::default(),
                    channels: Vec::new(),
                    legs: Vec::new(),
                    listens: Vec::new(),
                    spoken: Vec::new(),
                    fetches: Vec::new(),
                    loads: Vec::new(),
                    records: Vec::new(),
                    parts: Vec::new(),
                    is_closed: false,
                });
            }
            endpoint::Output::Options(options) => {
                let response = Box::new(Response::to(&options.request, Status::OK));
                self.command(Command::Respond { transaction: options.transaction, response });
            }
            endpoint::Output::Dialog { dialog, signal } => {
                if let Some(call) = self.calls.iter_mut().find(|call| call.dialog == dialog) {
                    call.session.handle_input(self.now, Input::Sip(signal));
                }
            }
        }
    }

    fn command(&mut self, command: Command) {
        self.endpoint.handle_input(self.now, endpoint::Input::Command(command));
    }

    fn session_output(&mut self, at: usize, output: Output) {
        let Some(call) = self.calls.get_mut(at) else { return };
        call.laws.output();
        match output {
            Output::Sip(command) => self.command(command),
            Output::Reserve(reservation) => {
                let ports = reservation.legs.iter().map(|(leg, _)| (*leg, 20_000)).collect();
                call.session.handle_input(self.now, Input::Reserved { local: [192, 0, 2, 9].into(), ports });
            }
            Output::OpenLeg { leg, .. } => call.legs.push(leg),
            Output::CloseLeg { leg } => call.legs.retain(|open| *open != leg),
            Output::RegisterChannel(channel) => call.channels.push(channel),
            Output::ForgetChannel(channel) => call.channels.retain(|known| *known != channel),
            Output::Mrcp { message, .. } => {
                call.laws.sent(&message);
                self.connection.handle_input(self.now, connection::Input::Send(message));
            }
            Output::Listen { key, .. } => call.listens.push(key),
            Output::Synthesize { utterance, leg, .. }
            | Output::Silence { utterance, leg, .. }
            | Output::PlayLoaded { utterance, leg, .. } => call.spoken.push((utterance, leg)),
            Output::Fetch { key, .. } => call.fetches.push(key),
            Output::LoadAudio { key, .. } => call.loads.push(key),
            Output::Record { key, .. } => call.records.push(key),
            Output::Converse { part, .. } if !call.parts.contains(&part) => call.parts.push(part),
            Output::Closed { .. } => {
                call.laws.closed();
                call.is_closed = true;
                let dialog = call.dialog;
                self.command(Command::Forget { dialog });
            }
            _ => {}
        }
    }

    fn heard(&self, at: usize, how: u8) -> Option<Input> {
        let key = *self.calls.get(at)?.listens.last()?;
        let (offset, silence) = (Duration::from_millis(500), Duration::from_millis(180));
        let hypotheses = vec![Hypothesis::new("yes", 0.9, Language::English)];
        let heard = match how % 9 {
            0 | 1 => Heard::SpeechStarted { offset },
            2 | 3 => Heard::SpeechEnded { offset, silence },
            4 => Heard::SpeechResumed,
            5 => Heard::Hypotheses { hypotheses, is_final: false },
            6 => Heard::Hypotheses { hypotheses, is_final: true },
            7 => Heard::Hypotheses { hypotheses: Vec::new(), is_final: true },
            _ => Heard::Failed { reason: "x".to_owned() },
        };
        Some(Input::Heard { key, heard })
    }

    fn synthesized(&self, at: usize, how: u8) -> Option<Input> {
        let spoken = &self.calls.get(at)?.spoken;
        let (utterance, leg) = *spoken.get(spoken.len().checked_sub(1 + usize::from(how % 3))?)?;
        let outcome = if how >= 240 { Err("x".to_owned()) } else { Ok(8_000) };
        Some(Input::Synthesized { utterance, leg, outcome })
    }

    fn leg_event(&self, at: usize, how: u8) -> Option<Input> {
        let call = self.calls.get(at)?;
        let leg = *call.legs.last()?;
        let utterance = |back: usize| {
            let spoken = &call.spoken;
            spoken.get(spoken.len().checked_sub(1 + back)?).map(|(utterance, _)| *utterance)
        };
        let event = match how % 8 {
            0..=2 => {
                let digit = DtmfDigit::from_char(char::from(b'0' + how % 10))?;
                LegEvent::Dtmf { digit, duration_ms: 0 }
            }
            3 => LegEvent::PlayoutStarted { utterance: utterance(usize::from(how / 64))?, at: self.now },
            4..=6 => LegEvent::PlayoutFinished {
                utterance: utterance(usize::from(how / 64))?,
                at: self.now,
                played_ms: 1_000,
                position_samples: 8_000,
                outcome: match how % 3 {
                    0 => PlayoutOutcome::Completed,
                    1 => PlayoutOutcome::Stopped,
                    _ => PlayoutOutcome::Failed,
                },
            },
            _ => LegEvent::CaptureOverrun { capture: media::CaptureId(how % 3) },
        };
        Some(Input::Leg { leg, event })
    }

    fn fetched(&mut self, at: usize, how: u8) -> Option<Input> {
        let key = self.calls.get_mut(at)?.fetches.pop()?;
        let outcome = match how % 3 {
            0 => Err(FetchFailure::default()),
            1 => Ok(document("text/plain", "hello")),
            _ => Ok(document("application/srgs+xml", "<grammar/>")),
        };
        Some(Input::Fetched { key, outcome })
    }

    fn loaded(&mut self, at: usize, how: u8) -> Option<Input> {
        let key = self.calls.get_mut(at)?.loads.pop()?;
        let outcome = match how % 3 {
            0 => Err(FetchFailure::default()),
            _ => Ok(LoadedAudio { samples: u64::from(how) * 100, set_cookies: Vec::new() }),
        };
        Some(Input::AudioLoaded { key, outcome })
    }

    fn recording(&self, at: usize, how: u8) -> Option<Input> {
        let key = *self.calls.get(at)?.records.last()?;
        let failure = || recorder::Failure::new(recorder::FailureKind::Recorder, "x");
        let what = match how % 8 {
            0..=2 => RecordingEvent::Started,
            3 | 4 => RecordingEvent::SpeechStarted,
            5 => RecordingEvent::SpeechEnded { silence: Duration::from_millis(180) },
            6 => RecordingEvent::Full,
            _ => RecordingEvent::Failed(failure()),
        };
        Some(Input::Recording { key, what })
    }

    fn conversation(&self, at: usize, how: u8) -> Option<Input> {
        let part = *self.calls.get(at)?.parts.last()?;
        let what = match how % 10 {
            0 => FromConversation::Say {
                text: "Well.".to_owned(),
                markup: (how > 100).then(|| "<speak>Well<audio src='a.wav'>.</audio></speak>".to_owned()),
                language: Language::English,
                voice: None,
                cacheable: false,
            },
            1 => FromConversation::ReplyEnded,
            2 => FromConversation::StopPlayout,
            3 => FromConversation::Complete {
                instance: serde_json::Value::Null,
                input: String::new(),
                confidence: 1.0,
                kind: None,
            },
            4 => FromConversation::CollectDtmf(KeysOnly { digits_max: Some(4), ..KeysOnly::default() }),
            5 => FromConversation::Hush,
            6 => FromConversation::Unhush,
            7 => FromConversation::YieldFloor,
            8 => FromConversation::Dismiss,
            _ => FromConversation::Abandoned,
        };
        Some(Input::Conversation { part, what })
    }
}

fn document(content_type: &str, content: &str) -> Fetched {
    Fetched {
        location: "http://example.com/a".to_owned(),
        content_type: Some(content_type.to_owned()),
        content: Bytes::copy_from_slice(content.as_bytes()),
        set_cookies: Vec::new(),
    }
}
