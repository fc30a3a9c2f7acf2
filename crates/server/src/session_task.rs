//! The task of one session: carries out what the session core wants, and tells it what happened.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use engine::{ListenEvent, ListenSpec, Listener, RecognitionPermit, SynthesisHandle, SynthesisPermit, SynthesisSpec};
use media::{LegCommand, LegConfig, LegEvent, PcmBuffer, UtteranceId};
use metrics::{counter, histogram};
use mrcp::ChannelId;
use mrcp::recorder::Recorded;
use recording::{RecordEvent, ServedFile};
use session::{
    CloseCause, CompiledGrammar, FetchFailure, FetchKey, Fetched, FromConversation, Heard, Input, LegId, ListenKey,
    Output, PartKey, RecordKey, RecordSpec, RecordingEvent, Reservation, Session, ToConversation,
};
use tokio::sync::mpsc;

use crate::admission::SessionPermit;
use crate::channels::BoundClient;
use crate::clock;
use crate::conversations::{ConversationHandle, PartAddress};
use crate::fetching::{Fetching, Recording};
use crate::net::media::{LegKey, LegPeer, ReservedPort};
use crate::net::mrcp::ConnectionHandle;
use crate::net::sip::{ToEndpoint, sleep_until};
use crate::peers::PeerPermit;
use crate::recordings::Recordings;
use crate::shared::Shared;
use crate::tasks;

/// What waits for one session. Its traffic is small: messages, results and sentences, never frames.
pub(crate) const INBOX_MAX: usize = 256;

/// The fade of a prompt into which the caller speaks.
const HUSH_FADE_MS: u32 = 30;
/// A conversation decides within a few seconds what the caller's sound is; when it is gone, the prompt goes on.
const HUSH_MS_MAX: u32 = 8_000;

/// Where a session is told things.
pub(crate) type Mailbox = mpsc::Sender<ToSession>;

/// What a session's task is told.
pub(crate) enum ToSession {
    /// From the SIP endpoint.
    Sip(sip::Signal),
    /// A request, and the connection that it came on.
    Mrcp { request: mrcp::Request, connection: ConnectionHandle, read_at: std::time::Instant },
    /// A connection is gone.
    ConnectionLost { connection: ConnectionHandle },
    /// From the media plane.
    Leg { leg: LegId, event: LegEvent },
    /// From the recognition pool.
    Heard { key: ListenKey, event: ListenEvent },
    /// From the synthesis pool.
    Synthesized { leg: LegId, utterance: UtteranceId, outcome: Result<u64, String> },
    /// A document came, or will not.
    Fetched { key: FetchKey, outcome: Result<Fetched, FetchFailure> },
    /// A document was compiled.
    Compiled { key: FetchKey, compiled: CompiledGrammar },
    /// A recording is ready, or will not be.
    AudioLoaded { key: FetchKey, outcome: Result<Recording, FetchFailure> },
    /// From a recording's thread.
    Recording { key: RecordKey, event: RecordEvent },
    /// A recording was sent to where the client wants it, or not.
    RecordingSent { key: RecordKey, outcome: Result<Recorded, mrcp::recorder::Failure> },
    /// From a conversation.
    Conversation { part: PartKey, what: FromConversation },
    /// The server ends the session.
    Close { cause: CloseCause },
}

/// One leg of the session.
struct Leg {
    port: Option<ReservedPort>,
    key: Option<LegKey>,
    clock_rate: Option<media::ClockRate>,
    recognition: Option<RecognitionPermit>,
}

/// What a listening wants of the engine beside its language.
struct Wanted {
    phrases: Vec<String>,
    sensitivity: u8,
    partials: bool,
    /// Heard instead of the leg.
    audio: Option<PcmBuffer>,
}

/// The shell of one session.
pub(crate) struct SessionTask {
    id: u64,
    session: Session,
    shared: Arc<Shared>,
    endpoint: mpsc::Sender<ToEndpoint>,
    mailbox: Mailbox,
    inbox: mpsc::Receiver<ToSession>,
    call_id: String,
    legs: HashMap<LegId, Leg>,
    recognitions: Vec<RecognitionPermit>,
    synthesis: Option<SynthesisPermit>,
    listeners: HashMap<ListenKey, Listener>,
    syntheses: HashMap<(LegId, UtteranceId), SynthesisHandle>,
    connections: HashMap<ChannelId, ConnectionHandle>,
    /// Requests that are not answered: where they came from, and when.
    requests: HashMap<(ChannelId, mrcp::RequestId), (ConnectionHandle, std::time::Instant)>,
    client: BoundClient,
    parts: HashMap<PartKey, ConversationHandle>,
    joined: HashSet<String>,
    fetching: Fetching,
    recordings: Recordings,
    /// The client's host, as its offer names it.
    peer: Option<IpAddr>,
    /// The host that it signals from.
    signalling: Option<IpAddr>,
    /// The peer's share is given back before the server's place: whoever sees the session gone may have the next.
    _permits: (PeerPermit, SessionPermit),
}

impl SessionTask {
    #[expect(clippy::too_many_arguments, reason = "the parts of a session, named at its only birthplace")]
    pub(crate) fn new(
        id: u64,
        session: Session,
        shared: Arc<Shared>,
        endpoint: mpsc::Sender<ToEndpoint>,
        mailbox: Mailbox,
        inbox: mpsc::Receiver<ToSession>,
        call_id: String,
        permits: (PeerPermit, SessionPermit),
    ) -> Self {
        let fetcher = shared.fetcher.session();
        let recordings = Recordings::new(Arc::clone(&shared.recordings), fetcher.clone(), mailbox.clone());
        let fetching = Fetching::new(fetcher, Arc::clone(&shared.processors), mailbox.clone());
        Self {
            id,
            session,
            fetching,
            recordings,
            peer: None,
            shared,
            endpoint,
            mailbox,
            inbox,
            call_id,
            legs: HashMap::new(),
            recognitions: Vec::new(),
            synthesis: None,
            listeners: HashMap::new(),
            syntheses: HashMap::new(),
            connections: HashMap::new(),
            requests: HashMap::new(),
            client: BoundClient::default(),
            parts: HashMap::new(),
            joined: HashSet::new(),
            signalling: None,
            _permits: permits,
        }
    }

    /// Runs until the session is over.
    pub(crate) async fn run(mut self) -> CloseCause {
        let mut closed = self.drain().await;
        while closed.is_none() {
            let timeout = self.session.poll_timeout();
            tokio::select! {
                message = self.inbox.recv() => match message {
                    Some(message) => {
                        if let Some(input) = self.translate(message) {
                            self.tell(input);
                        }
                    }
                    // The mailbox is held by this task itself, so this does not happen.
                    None => return CloseCause::Failed,
                },
                () = sleep_until(timeout) => {
                    let session = &mut self.session;
                    if session.has_scripts() {
                        tasks::aside(|| session.handle_timeout(clock::now()));
                    } else {
                        session.handle_timeout(clock::now());
                    }
                }
            }
            closed = self.drain().await;
        }
        for conversation in std::mem::take(&mut self.joined) {
            self.shared.conversations.leave(&conversation, self.id);
        }
        closed.unwrap_or(CloseCause::Failed)
    }

    /// Tells the session something. What may run a stranger's script, or compile a grammar, keeps nobody else waiting.
    fn tell(&mut self, input: Input) {
        let session = &mut self.session;
        if session.may_take_long(&input) {
            tasks::aside(|| session.handle_input(clock::now(), input));
        } else {
            session.handle_input(clock::now(), input);
        }
    }

    fn translate(&mut self, message: ToSession) -> Option<Input> {
        Some(match message {
            ToSession::Sip(signal) => Input::Sip(signal),
            ToSession::Mrcp { request, connection, read_at } => {
                counter!("mrcp_requests_total", "method" => method_label(&request.method)).increment(1);
                if request.method == mrcp::Method::SetParams
                    && let Some(tag) = request.headers.logging_tag()
                {
                    tracing::Span::current().record("logging_tag", tag);
                }
                self.requests.insert((request.channel.clone(), request.id), (connection.clone(), read_at));
                self.connections.insert(request.channel.clone(), connection);
                Input::Mrcp(request)
            }
            ToSession::ConnectionLost { connection } => {
                let channels: Vec<ChannelId> = self
                    .connections
                    .iter()
                    .filter(|(_, used)| used.is(&connection))
                    .map(|(channel, _)| channel.clone())
                    .collect();
                for channel in &channels {
                    self.connections.remove(channel);
                }
                Input::ConnectionLost { channels }
            }
            ToSession::Leg { leg, event } => {
                if event == LegEvent::PeerSilent {
                    counter!("media_timeouts_total").increment(1);
                }
                if let LegEvent::PlayoutFinished { utterance, .. } = event {
                    self.syntheses.remove(&(leg, utterance));
                }
                Input::Leg { leg, event }
            }
            ToSession::Heard { key, event } => Input::Heard { key, heard: heard(event) },
            ToSession::Synthesized { leg, utterance, outcome } => Input::Synthesized { utterance, leg, outcome },
            ToSession::Fetched { key, outcome } => {
                self.fetching.ended(key).then_some(Input::Fetched { key, outcome })?
            }
            ToSession::Compiled { key, compiled } => {
                self.fetching.ended(key).then_some(Input::Compiled { key, compiled })?
            }
            ToSession::AudioLoaded { key, outcome } => {
                if !self.fetching.ended(key) {
                    return None;
                }
                let outcome = outcome.map(|(audio, loaded)| {
                    self.fetching.keep(key, audio);
                    loaded
                });
                Input::AudioLoaded { key, outcome }
            }
            ToSession::Recording { key, event } => {
                Input::Recording { key, what: self.recordings.happened(key, event)? }
            }
            ToSession::RecordingSent { key, outcome } => {
                Input::Recording { key, what: self.recordings.ended(key, outcome)? }
            }
            ToSession::Conversation { part, what } => Input::Conversation { part, what },
            ToSession::Close { cause } => Input::Close { cause },
        })
    }

    /// Carries out everything that the session wants. What can be answered at once is told before this returns.
    async fn drain(&mut self) -> Option<CloseCause> {
        let mut answers = VecDeque::new();
        loop {
            while let Some(output) = self.session.poll_output() {
                if let Output::Closed { cause } = output {
                    return Some(cause);
                }
                if let Some(answer) = self.carry_out(output).await {
                    answers.push_back(answer);
                }
            }
            let answer = answers.pop_front()?;
            self.session.handle_input(clock::now(), answer);
        }
    }

    async fn carry_out(&mut self, output: Output) -> Option<Input> {
        match output {
            Output::Sip(command) => {
                // The endpoint outlives every session; when it is gone, so is the server.
                let _stopped = self.endpoint.send(ToEndpoint::Command(command)).await;
            }
            Output::Reserve(reservation) => return Some(self.reserve(&reservation)),
            Output::OpenLeg { leg, remote, media, clock_rate, protection } => {
                return self.open_leg(leg, remote, media, clock_rate, protection);
            }
            Output::ReconfigureLeg { leg, remote, media, protection } => {
                if let Some(key) = self.leg_key(leg) {
                    let workers = &self.shared.media;
                    let told = workers
                        .redirect(key, remote)
                        .and_then(|()| workers.command(key, LegCommand::Reconfigure(media)))
                        .and_then(|()| workers.command(key, LegCommand::Protect(protection)));
                    return failed(told);
                }
            }
            Output::CloseLeg { leg } => {
                if let Some(key) = self.legs.remove(&leg).and_then(|leg| leg.key) {
                    self.shared.media.close(key);
                }
            }
            Output::RegisterChannel(channel) => {
                self.shared.channels.register(channel, self.mailbox.clone(), Arc::clone(&self.client));
            }
            Output::ForgetChannel(channel) => {
                self.shared.channels.forget(&channel);
                self.connections.remove(&channel);
            }
            Output::Mrcp { channel, message } => self.send(&channel, &message),
            Output::Listen { key, leg, audio, language, phrases, sensitivity, partials } => {
                let audio = audio.and_then(|audio| self.fetching.recording(audio));
                let wanted = Wanted { phrases, sensitivity, partials, audio };
                return self.listen(key, leg, language, wanted);
            }
            Output::Expect { key, phrases } => {
                if let Some(listener) = self.listeners.get(&key) {
                    listener.expect(phrases);
                }
            }
            Output::FinishListening { key } => {
                if let Some(listener) = self.listeners.get(&key) {
                    listener.finish();
                }
            }
            Output::StopListening { key, leg } => {
                self.listeners.remove(&key);
                return self.leg_command(leg, LegCommand::StopCapture { capture: session::HEARING });
            }
            Output::Synthesize { utterance, leg, clock_rate, what, span } => {
                return self.synthesize(utterance, leg, clock_rate, what, span);
            }
            Output::Silence { utterance, leg, clock_rate, samples, span } => {
                let samples = usize::try_from(samples).unwrap_or(0);
                let audio = PcmBuffer::from_samples(clock_rate.hz(), &vec![0; samples]);
                return self.leg_command(leg, LegCommand::Play { utterance, audio, span });
            }
            Output::Fetch { key, request } => self.fetching.fetch(key, request),
            Output::LoadAudio { key, source, clock_rate } => {
                let own = match &source {
                    session::AudioSource::Uri(request) => self.own_recording(&request.uri),
                    session::AudioSource::Inline { .. } => None,
                };
                self.fetching.load_audio(key, source, own, clock_rate);
            }
            Output::PlayLoaded { key, utterance, leg, span } => {
                // The core plays what it was told is ready, and nothing that it has abandoned.
                if let Some(audio) = self.fetching.recording(key) {
                    return self.leg_command(leg, LegCommand::Play { utterance, audio, span });
                }
            }
            Output::Compile { key, job } => self.fetching.compile(key, job),
            Output::Abandon { key } => self.fetching.abandon(key),
            Output::StoreCookies { cookies, origin } => self.fetching.store_cookies(&cookies, origin.as_deref()),
            Output::StopPlaying { leg } => {
                self.syntheses.retain(|(of, _), _| *of != leg);
                return self.leg_command(leg, LegCommand::Stop { utterance: None, fade_ms: 20 });
            }
            Output::Pause { leg } => return self.leg_command(leg, LegCommand::Pause),
            Output::Resume { leg } => return self.leg_command(leg, LegCommand::Resume),
            Output::Hush { leg } => {
                let hush = LegCommand::Hush { fade_ms: HUSH_FADE_MS, at_most_ms: HUSH_MS_MAX };
                return self.leg_command(leg, hush);
            }
            Output::Unhush { leg } => return self.leg_command(leg, LegCommand::Unhush),
            Output::Record { key, leg, clock_rate, capture, spec } => {
                return self.record(key, leg, clock_rate, capture, spec);
            }
            Output::FinishRecording { key, leg, capture, cut } => {
                self.recordings.finish(key, cut);
                return self.leg_command(leg, LegCommand::StopCapture { capture });
            }
            Output::DiscardRecording { key, leg, capture } => {
                self.recordings.discard(key);
                return self.leg_command(leg, LegCommand::StopCapture { capture });
            }
            Output::Converse { part, what } => self.converse(part, what).await,
            // Taken by the caller.
            Output::Closed { .. } => {}
        }
        None
    }

    fn reserve(&mut self, reservation: &Reservation) -> Input {
        self.peer = Some(reservation.peer);
        self.signalling = Some(reservation.client);
        let mut recognitions = Vec::new();
        for _ in 0..reservation.recognizers {
            match self.shared.recognition.try_reserve() {
                Ok(permit) => recognitions.push(permit),
                Err(_) => return refused("recognizers"),
            }
        }
        let synthesis = match (&self.synthesis, reservation.synthesizers) {
            (None, 1..) => match self.shared.synthesis.try_reserve() {
                Ok(permit) => Some(permit),
                Err(_) => return refused("synthesizers"),
            },
            (_, _) => None,
        };
        let mut reserved = Vec::with_capacity(reservation.legs.len());
        for (leg, described) in &reservation.legs {
            let peer = LegPeer { described: *described, client: reservation.client };
            match self.shared.media.reserve_port(peer) {
                Ok(port) => reserved.push((*leg, port)),
                Err(error) => {
                    tracing::error!(error = %error, "no RTP port is free");
                    return refused("ports");
                }
            }
        }
        self.recognitions.extend(recognitions);
        self.synthesis = self.synthesis.take().or(synthesis);
        let mut ports = Vec::with_capacity(reserved.len());
        for (leg, port) in reserved {
            ports.push((leg, port.port()));
            self.legs.insert(leg, Leg { port: Some(port), key: None, clock_rate: None, recognition: None });
        }
        Input::Reserved { local: self.shared.media_address_for(reservation.peer, reservation.client), ports }
    }

    fn open_leg(
        &mut self,
        id: LegId,
        described: media::RtpPeer,
        media: media::LegMedia,
        clock_rate: media::ClockRate,
        protection: Option<media::SrtpKeys>,
    ) -> Option<Input> {
        /// Keys that came in clear were used.
        static WARNED: std::sync::Once = std::sync::Once::new();

        let leg = self.legs.get_mut(&id)?;
        let port = leg.port.take()?;
        let mut config = LegConfig::new(media, clock_rate, self.shared.random_u32());
        if protection.is_some() {
            WARNED.call_once(|| {
                tracing::warn!("SRTP keys come over SIP without TLS: whoever reads the signalling can hear the calls");
            });
        }
        config.protection = protection;
        config.idle_sending = self.shared.config.rtp.idle;
        config.inband_dtmf = self.shared.config.rtp.inband_dtmf;
        config.first_sequence = u16::try_from(self.shared.random_u32() & 0x7fff).unwrap_or(0);
        config.first_timestamp = self.shared.random_u32();
        config.ntp_at_birth = self.shared.ntp.ntp_at(clock::now());
        config.jitter.max_ms = self.shared.config.rtp.jitter_ms_max;
        let silent_after = self.shared.config.rtp.timeout.unwrap_or_default();
        config.silent_after_ms = u32::try_from(silent_after.as_millis()).unwrap_or(u32::MAX);
        let mailbox = self.mailbox.clone();
        let deliver =
            Box::new(move |event: &LegEvent| match mailbox.try_send(ToSession::Leg { leg: id, event: *event }) {
                Ok(()) => true,
                Err(mpsc::error::TrySendError::Full(_)) => false,
                Err(mpsc::error::TrySendError::Closed(_)) => {
                    counter!("media_events_late_total").increment(1);
                    true
                }
            });
        // A reservation came before: it told the host.
        let peer = LegPeer { described, client: self.signalling.unwrap_or(described.rtp.ip()) };
        match self.shared.media.open(port, peer, config, deliver) {
            Ok(key) => {
                leg.key = Some(key);
                leg.clock_rate = Some(clock_rate);
                None
            }
            Err(error) => failed(Err(error)),
        }
    }

    fn record(
        &mut self,
        key: RecordKey,
        leg: LegId,
        clock_rate: media::ClockRate,
        capture: media::CaptureId,
        spec: RecordSpec,
    ) -> Option<Input> {
        let base_url = self.peer.and_then(|peer| self.shared.recordings_url(peer));
        match self.recordings.begin(key, spec, clock_rate, base_url, &self.shared.random_name()) {
            Ok(sink) => self.leg_command(leg, LegCommand::Capture { capture, sink }),
            Err(failure) => Some(Input::Recording { key, what: RecordingEvent::Failed(failure) }),
        }
    }

    /// A recording that we serve ourselves: it is read where it is.
    fn own_recording(&self, uri: &str) -> Option<ServedFile> {
        let base_url = self.shared.recordings_url(self.peer?)?;
        let name = uri.strip_prefix(&base_url)?.strip_prefix('/')?;
        self.shared.recordings.recorder.storage().served(name)
    }

    fn leg_key(&self, leg: LegId) -> Option<LegKey> {
        self.legs.get(&leg).and_then(|leg| leg.key)
    }

    fn leg_command(&self, leg: LegId, command: LegCommand) -> Option<Input> {
        failed(self.shared.media.command(self.leg_key(leg)?, command))
    }

    fn send(&mut self, channel: &ChannelId, message: &mrcp::Message) {
        // Events go where the channel is used now, a response where its request came from.
        let mut connection = self.connections.get(channel).cloned();
        match message {
            mrcp::Message::Response(response) => {
                if let Some((from, read_at)) = self.requests.remove(&(channel.clone(), response.id)) {
                    connection = Some(from);
                    let took = clock::now().saturating_duration_since(read_at);
                    histogram!("mrcp_response_seconds").record(took.as_secs_f64());
                }
            }
            mrcp::Message::Event(event) => {
                if let Some(cause) = event.headers.text(&mrcp::HeaderName::CompletionCause) {
                    let cause = cause.get(..3).unwrap_or_default().to_owned();
                    counter!("mrcp_completions_total", "resource" => resource_label(channel), "cause" => cause)
                        .increment(1);
                }
            }
            mrcp::Message::Request(_) => {}
        }
        let sent = connection.is_some_and(|connection| connection.send(message.clone()));
        if !sent {
            counter!("mrcp_messages_dropped_total", "reason" => "no-connection").increment(1);
        }
    }

    fn listen(&mut self, key: ListenKey, id: LegId, language: speech::Language, wanted: Wanted) -> Option<Input> {
        let leg = self.legs.get_mut(&id)?;
        let (leg_key, clock_rate) = (leg.key?, leg.clock_rate?);
        let permit = match leg.recognition.take().or_else(|| self.recognitions.pop()) {
            Some(permit) => leg.recognition.insert(permit),
            None => {
                return Some(failed_listening(key, "no recognizer was reserved for this session"));
            }
        };
        let Wanted { phrases, sensitivity, partials, audio } = wanted;
        let spec = ListenSpec { phrases, sensitivity, partials, ..ListenSpec::new(language, clock_rate.hz()) };
        let mailbox = self.mailbox.clone();
        let deliver = Box::new(move |event: ListenEvent| {
            if mailbox.try_send(ToSession::Heard { key, event }).is_err() {
                counter!("engine_events_dropped_total").increment(1);
            }
        });
        match self.shared.recognition.listen_directly(permit, spec, deliver) {
            Ok((sink, listener)) => {
                self.listeners.insert(key, listener);
                if let Some(audio) = audio {
                    crate::tasks::spawn("recorded audio", crate::fetching::hear(audio, sink));
                    return None;
                }
                let sink = Box::new(sink);
                failed(self.shared.media.command(leg_key, LegCommand::Capture { capture: session::HEARING, sink }))
            }
            Err(error) if error.kind == engine::EngineErrorKind::Language => {
                Some(Input::Heard { key, heard: Heard::LanguageUnsupported })
            }
            Err(error) => Some(failed_listening(key, &error.to_string())),
        }
    }

    fn synthesize(
        &mut self,
        utterance: UtteranceId,
        leg: LegId,
        clock_rate: media::ClockRate,
        what: session::Utterance,
        span: media::PlaySpan,
    ) -> Option<Input> {
        if let session::Speaker::Clips(words) = &what.speaker {
            let audio = self.shared.clips.audio(what.language, words, clock_rate);
            let length = u64::try_from(audio.samples_written()).unwrap_or(u64::MAX);
            let stuck = self.leg_command(leg, LegCommand::Play { utterance, audio, span });
            return stuck.or(Some(Input::Synthesized { utterance, leg, outcome: Ok(length) }));
        }
        let permit = self.synthesis.as_ref()?;
        let mailbox = self.mailbox.clone();
        let hz = clock_rate.hz();
        let deliver = Box::new(move |outcome: Result<engine::SynthesisDone, engine::EngineError>| {
            let outcome =
                outcome.map(|done| u64::try_from(done.samples).unwrap_or(u64::MAX)).map_err(|error| error.to_string());
            if mailbox.try_send(ToSession::Synthesized { leg, utterance, outcome }).is_err() {
                counter!("engine_events_dropped_total").increment(1);
            }
        });
        let spec = SynthesisSpec {
            text: what.text,
            language: what.language,
            voice: what.voice,
            rate: what.prosody.rate,
            pitch: what.prosody.pitch,
            volume: what.prosody.volume,
            sample_rate_hz: hz,
        };
        match self.shared.synthesis.synthesize(permit, spec, deliver) {
            Ok((audio, handle)) => {
                self.syntheses.insert((leg, utterance), handle);
                self.leg_command(leg, LegCommand::Play { utterance, audio, span })
            }
            Err(error) => {
                tracing::warn!(error = %error, "an utterance cannot be synthesized");
                Some(Input::Synthesized { utterance, leg, outcome: Err(error.to_string()) })
            }
        }
    }

    async fn converse(&mut self, part: PartKey, what: ToConversation) {
        let attaching = match &what {
            ToConversation::SpeakerAttached(details) | ToConversation::ListenerAttached { details, .. } => {
                Some(details.conversation.clone().unwrap_or_else(|| self.call_id.clone()))
            }
            _ => None,
        };
        if let Some(id) = attaching {
            let handle = self.shared.conversations.join(&id, self.id);
            self.joined.insert(id);
            self.parts.insert(part, handle);
        }
        let audio_at = match &what {
            ToConversation::ClauseStarted { leg, utterance, .. } => {
                self.syntheses.get(&(*leg, *utterance)).and_then(SynthesisHandle::first_audio_at)
            }
            _ => None,
        };
        let is_last = matches!(what, ToConversation::PromptDone { .. } | ToConversation::ListenerDetached);
        let Some(handle) = self.parts.get(&part) else { return };
        let from = PartAddress { session: self.id, part, mailbox: self.mailbox.clone() };
        handle.send(from, what, audio_at).await;
        if is_last {
            self.parts.remove(&part);
        }
    }
}

fn heard(event: ListenEvent) -> Heard {
    let ms = |ms: u32| std::time::Duration::from_millis(u64::from(ms));
    match event {
        ListenEvent::SpeechStarted { at_ms } => Heard::SpeechStarted { offset: ms(at_ms) },
        ListenEvent::SpeechEnded { at_ms, silence_ms } => {
            Heard::SpeechEnded { offset: ms(at_ms), silence: ms(silence_ms) }
        }
        ListenEvent::SpeechResumed => Heard::SpeechResumed,
        ListenEvent::Partial { text } => Heard::Partial { text },
        ListenEvent::Hypotheses { hypotheses, is_final } => Heard::Hypotheses { hypotheses, is_final },
        ListenEvent::Failed(error) if error.kind == engine::EngineErrorKind::Language => Heard::LanguageUnsupported,
        ListenEvent::Failed(error) => Heard::Failed { reason: error.to_string() },
    }
}

fn failed_listening(key: ListenKey, reason: &str) -> Input {
    Input::Heard { key, heard: Heard::Failed { reason: reason.to_owned() } }
}

fn refused(reason: &'static str) -> Input {
    Input::ReservationRefused { reason }
}

fn failed(told: Result<(), crate::net::media::MediaPlaneStuck>) -> Option<Input> {
    match told {
        Ok(()) => None,
        Err(error) => {
            tracing::error!(error = %error, "a session ends");
            Some(Input::Close { cause: CloseCause::Failed })
        }
    }
}

/// The method as a label: one of few, whatever a client sends.
fn method_label(method: &mrcp::Method) -> String {
    match method {
        mrcp::Method::Other(_) => "unknown".to_owned(),
        known => known.as_str().to_owned(),
    }
}

fn resource_label(channel: &ChannelId) -> &'static str {
    channel
        .as_str()
        .split_once('@')
        .and_then(|(_, name)| mrcp::Resource::from_name(name))
        .map_or("unknown", |resource| resource.name())
}

/// The address that goes into SDP for a peer.
pub(crate) fn advertised(external: Option<IpAddr>, bound: IpAddr, peer: IpAddr) -> IpAddr {
    if let Some(external) = external {
        return external;
    }
    if bound.is_unspecified() { crate::net::local_address_towards(SocketAddr::new(peer, 9)) } else { bound }
}
