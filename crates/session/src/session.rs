//! One MRCP session: a SIP dialog, its channels and its legs.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mrcp::recognizer::RecognizerConfig;
use mrcp::recorder::RecorderConfig;
use mrcp::synthesizer::SynthesizerConfig;
use mrcp::{ChannelId, Message, Method, Request, RequestOrder, RequestState, StatusCode};
use sip::dialog::{Cause, DialogConfig, Event};
use sip::endpoint::IncomingInvite;
use sip::{Dialog, Headers, Seed, Status};
use speech::{Calendar, Language};

use crate::clips::{ClipIndex, Voices};
use crate::commons::Commons;
use crate::description::{AgreedLeg, ChannelKind, Description, DescriptionConfig, Refusal};
use crate::fetching::FetchKey;
use crate::grammar_store::GrammarConfig;
use crate::input::Input;
use crate::media_secret::MediaSecret;
use crate::output::{CloseCause, HEARING, LegId, Output};
use crate::recognizer_channel::{RecognizerChannel, ResultStyle};
use crate::recorder_channel::RecorderChannel;
use crate::synthesizer_channel::SynthesizerChannel;

/// How sessions behave; shared by all of a server.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// The SIP dialog.
    pub dialog: Arc<DialogConfig>,
    /// Offers and answers.
    pub description: DescriptionConfig,
    /// Recognizer channels.
    pub recognizer: Arc<RecognizerConfig>,
    /// Synthesizer channels.
    pub synthesizer: Arc<SynthesizerConfig>,
    /// Recorder channels.
    pub recorder: Arc<RecorderConfig>,
    /// What `basicsynth` says its words with; `None`: with a voice of the engine.
    pub clips: Option<Arc<ClipIndex>>,
    /// How grammars are loaded and kept.
    pub grammars: Arc<GrammarConfig>,
    /// Where neither request nor grammar names a language.
    pub language: Language,
    /// How results are written.
    pub results: ResultStyle,
    /// What request identifiers rise over.
    pub request_ids: RequestIds,
    /// How long a client may take from its ACK to its first request, before the session is taken for abandoned; `None`: for ever.
    pub first_request_wait: Option<Duration>,
    /// What becomes of a session whose peer sends nothing while somebody listens.
    pub silent_peer: SilentPeer,
    /// How long a session waits for another control connection, or the BYE that usually comes with its loss.
    pub connection_grace: Duration,
}

/// What becomes of a session whose peer sends no RTP while somebody listens, for as long as a leg allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SilentPeer {
    /// It ends with BYE: the peer is taken for gone.
    #[default]
    EndsSession,
    /// The recognition ends with `recognizer-error`, and the session goes on. A recording ends by its own timers.
    EndsRecognition,
}

/// What request identifiers rise over (RFC 6787 section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RequestIds {
    /// All channels of a session together, as the RFC has it.
    #[default]
    Session,
    /// Each channel by itself, as stock clients number.
    Channel,
}

/// One MRCP session. See the [crate] for how it is driven.
pub struct Session {
    config: Arc<SessionConfig>,
    dialog: Dialog,
    state: State,
    description: Description,
    channels: Vec<Channel>,
    /// Legs that were opened.
    legs: Vec<LegId>,
    parts: Commons,
    /// The request identifiers of all channels.
    order: RequestOrder,
    was_used: bool,
    /// When the session ends for want of a control connection.
    connection_deadline: Option<Instant>,
    /// Which day it is; without one "tomorrow" is not understood.
    calendar: Option<Calendar>,
    outputs: VecDeque<Output>,
}

/// Where a session stands.
#[derive(Debug)]
enum State {
    /// The dialog has not offered anything yet, or is between offers.
    Waiting,
    /// An offer is being answered: ports and places are awaited.
    Reserving,
    /// The session is over for the client; the dialog still ends.
    Ending { cause: CloseCause },
    /// Nothing follows.
    Closed,
}

enum Channel {
    Recognizer(RecognizerChannel),
    Synthesizer(SynthesizerChannel),
    Recorder(RecorderChannel),
}

impl Channel {
    fn id(&self) -> &ChannelId {
        match self {
            Self::Recognizer(channel) => channel.id(),
            Self::Synthesizer(channel) => channel.id(),
            Self::Recorder(channel) => channel.id(),
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        match self {
            Self::Recognizer(channel) => channel.poll_output(),
            Self::Synthesizer(channel) => channel.poll_output(),
            Self::Recorder(channel) => channel.poll_output(),
        }
    }

    /// Whether it waits for that.
    fn awaits(&self, key: FetchKey) -> bool {
        match self {
            Self::Recognizer(channel) => channel.awaits(key),
            Self::Synthesizer(channel) => channel.awaits(key),
            Self::Recorder(_) => false,
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Recognizer(channel) => channel.poll_timeout(),
            Self::Synthesizer(channel) => channel.poll_timeout(),
            Self::Recorder(channel) => channel.poll_timeout(),
        }
    }

    fn handle_timeout(&mut self, now: Instant, parts: &mut Commons) {
        match self {
            Self::Recognizer(channel) => channel.handle_timeout(now, parts),
            Self::Synthesizer(channel) => channel.handle_timeout(now, parts),
            Self::Recorder(channel) => channel.handle_timeout(now, parts),
        }
    }

    fn close(&mut self, now: Instant, parts: &mut Commons) {
        match self {
            Self::Recognizer(channel) => channel.close(now, parts),
            Self::Synthesizer(channel) => channel.close(now, parts),
            Self::Recorder(channel) => channel.close(now, parts),
        }
    }
}

impl Session {
    /// The session that an INVITE asks for. `prefix` names its channels: letters and digits that nobody can guess
    /// (RFC 6787, section 6.2.1).
    pub fn new(config: Arc<SessionConfig>, prefix: String, seed: Seed, now: Instant, invite: IncomingInvite) -> Self {
        let invite_source = invite.flow.remote.ip();
        let dialog = Dialog::answer(Arc::clone(&config.dialog), seed, now, invite);
        let description = Description::new(config.description.clone(), prefix, invite_source);
        let parts = Commons::new(Arc::clone(&config.grammars));
        let mut session = Self {
            config,
            dialog,
            state: State::Waiting,
            description,
            channels: Vec::new(),
            legs: Vec::new(),
            parts,
            order: RequestOrder::default(),
            was_used: false,
            connection_deadline: None,
            calendar: None,
            outputs: VecDeque::new(),
        };
        session.drain(now);
        session
    }

    /// The same session with what its keys for SRTP are made of. Without it protected audio is refused.
    #[must_use]
    pub fn with_media_secret(mut self, secret: MediaSecret) -> Self {
        self.description.set_secret(secret);
        self
    }

    /// The same session with a calendar, by which the dates that callers say ("next Tuesday") are resolved.
    #[must_use]
    pub fn with_calendar(mut self, calendar: Calendar) -> Self {
        self.calendar = Some(calendar);
        self
    }

    /// Takes one input. Outputs must be drained before the next.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        match (&self.state, input) {
            (State::Closed, _) => {}
            (_, Input::Sip(signal)) => self.dialog.handle_input(now, sip::dialog::Input::Signal(signal)),
            (State::Ending { .. }, _) => {}
            (State::Reserving, Input::Reserved { local, ports }) => {
                self.state = State::Waiting;
                self.answer(now, Some(local), &ports);
            }
            (State::Reserving, Input::ReservationRefused { .. }) => {
                self.state = State::Waiting;
                self.description.abandon();
                self.reject(now, Status::SERVICE_UNAVAILABLE, Some(RETRY_AFTER_S));
            }
            (State::Waiting, Input::Reserved { .. } | Input::ReservationRefused { .. }) => {}
            (State::Waiting | State::Reserving, Input::Mrcp(request)) => {
                self.connection_deadline = None;
                self.was_used = true;
                self.outputs.extend(cookies(&request));
                self.request(now, request);
            }
            (State::Waiting | State::Reserving, Input::ConnectionLost { channels }) => {
                if channels.iter().any(|lost| self.channels.iter().any(|channel| channel.id() == lost)) {
                    self.connection_deadline = Some(now + self.config.connection_grace);
                }
            }
            (State::Waiting | State::Reserving, Input::Leg { leg, event }) => self.leg_event(now, leg, event),
            (State::Waiting | State::Reserving, Input::Heard { key, heard }) => {
                for channel in &mut self.channels {
                    if let Channel::Recognizer(channel) = channel {
                        channel.heard(now, key, heard.clone(), &mut self.parts);
                    }
                }
            }
            (State::Waiting | State::Reserving, Input::Synthesized { utterance, leg, outcome }) => {
                for channel in &mut self.channels {
                    if let Channel::Synthesizer(channel) = channel
                        && channel.leg() == Some(leg)
                    {
                        channel.synthesized(now, utterance, outcome.clone(), &mut self.parts);
                    }
                }
            }
            (State::Waiting | State::Reserving, Input::Fetched { key, outcome }) => {
                match self.channels.iter_mut().find(|channel| channel.awaits(key)) {
                    Some(Channel::Recognizer(channel)) => channel.fetched(now, key, outcome, &mut self.parts),
                    Some(Channel::Synthesizer(channel)) => channel.fetched(now, key, outcome, &mut self.parts),
                    Some(Channel::Recorder(_)) | None => {}
                }
            }
            (State::Waiting | State::Reserving, Input::Compiled { key, compiled }) => {
                if let Some(Channel::Recognizer(channel)) = self.channels.iter_mut().find(|channel| channel.awaits(key))
                {
                    channel.compiled(now, key, compiled, &mut self.parts);
                }
            }
            (State::Waiting | State::Reserving, Input::AudioLoaded { key, outcome }) => {
                for channel in &mut self.channels {
                    match channel {
                        Channel::Recognizer(channel) => channel.audio_loaded(now, key, &outcome, &mut self.parts),
                        Channel::Synthesizer(channel) if channel.awaits(key) => {
                            channel.audio_loaded(now, key, outcome.clone(), &mut self.parts);
                        }
                        Channel::Synthesizer(_) | Channel::Recorder(_) => {}
                    }
                }
            }
            (State::Waiting | State::Reserving, Input::Recording { key, what }) => {
                for channel in &mut self.channels {
                    match channel {
                        Channel::Recorder(channel) => channel.recording(now, key, what.clone(), &mut self.parts),
                        Channel::Recognizer(channel) => channel.recording(key, what.clone()),
                        Channel::Synthesizer(_) => {}
                    }
                }
            }
            (State::Waiting | State::Reserving, Input::Conversation { part, what }) => {
                for channel in &mut self.channels {
                    match channel {
                        Channel::Recognizer(channel) if channel.listens(part) => {
                            channel.conversation(now, what.clone(), &mut self.parts);
                        }
                        Channel::Synthesizer(channel) if channel.speaks(part) => {
                            channel.conversation(now, what.clone(), &mut self.parts);
                        }
                        Channel::Recognizer(_) | Channel::Synthesizer(_) | Channel::Recorder(_) => {}
                    }
                }
            }
            (State::Waiting | State::Reserving, Input::Close { cause }) => self.end(now, cause),
        }
        self.drain(now);
    }

    /// Whether a grammar of this session has scripts, so that any input may run one. They end within limits, but those are counts:
    /// the slowest takes half a second.
    pub fn has_scripts(&self) -> bool {
        self.parts.grammars.has_scripts()
    }

    /// Whether [`Self::handle_input`] may take longer than a few milliseconds: it compiles a grammar, or runs scripts of one.
    pub fn may_take_long(&self, input: &Input) -> bool {
        match input {
            Input::Mrcp(request) => {
                let has_grammars =
                    matches!(request.method, Method::DefineGrammar | Method::Recognize | Method::Interpret);
                has_grammars || self.has_scripts()
            }
            Input::Fetched { .. } | Input::Compiled { .. } => true,
            Input::Leg { .. } | Input::Heard { .. } => self.has_scripts(),
            Input::Sip(_)
            | Input::Reserved { .. }
            | Input::ReservationRefused { .. }
            | Input::ConnectionLost { .. }
            | Input::Synthesized { .. }
            | Input::AudioLoaded { .. }
            | Input::Recording { .. }
            | Input::Conversation { .. }
            | Input::Close { .. } => false,
        }
    }

    /// Acts on what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.dialog.handle_timeout(now);
        for channel in &mut self.channels {
            if channel.poll_timeout().is_some_and(|at| at <= now) {
                channel.handle_timeout(now, &mut self.parts);
            }
        }
        if self.connection_deadline.is_some_and(|at| at <= now) {
            self.connection_deadline = None;
            self.end(now, if self.was_used { CloseCause::ConnectionLost } else { CloseCause::NeverUsed });
        }
        self.drain(now);
    }

    /// The next thing to do; `None` when drained.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] is wanted next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if matches!(self.state, State::Closed) {
            return None;
        }
        self.channels
            .iter()
            .filter_map(Channel::poll_timeout)
            .chain(self.dialog.poll_timeout())
            .chain(self.connection_deadline)
            .min()
    }

    fn request(&mut self, now: Instant, request: Request) {
        let Some(at) = self.channels.iter().position(|channel| *channel.id() == request.channel) else {
            // Released by a re-INVITE while the request was on its way.
            return self.refuse(&request, StatusCode::RESOURCE_NOT_ALLOCATED);
        };
        let is_in_order = match self.config.request_ids {
            RequestIds::Session => self.order.accept(request.id),
            // Each machine looks by itself.
            RequestIds::Channel => true,
        };
        if !is_in_order {
            return self.refuse(&request, StatusCode::NON_MONOTONIC_REQUEST_ID);
        }
        match self.channels.get_mut(at) {
            Some(Channel::Recognizer(channel)) => {
                channel.set_today(self.calendar.map(|calendar| calendar.date(now)));
                channel.request(now, request, &mut self.parts);
            }
            Some(Channel::Synthesizer(channel)) => channel.request(now, request, &mut self.parts),
            Some(Channel::Recorder(channel)) => channel.request(now, request, &mut self.parts),
            None => {}
        }
    }

    /// Answers a request that reaches no resource.
    fn refuse(&mut self, request: &Request, status: StatusCode) {
        let message = Message::Response(request.response(status, RequestState::Complete));
        self.outputs.push_back(Output::Mrcp { channel: request.channel.clone(), message });
    }

    fn leg_event(&mut self, now: Instant, leg: LegId, event: media::LegEvent) {
        if event == media::LegEvent::PeerSilent && self.config.silent_peer == SilentPeer::EndsSession {
            self.end(now, CloseCause::PeerSilent);
            return;
        }
        for channel in &mut self.channels {
            match channel {
                Channel::Synthesizer(channel) if channel.leg() == Some(leg) => {
                    channel.leg_event(now, event, &mut self.parts);
                }
                Channel::Recognizer(channel) if channel.leg() == Some(leg) => match event {
                    media::LegEvent::Dtmf { digit, .. } => channel.dtmf(now, digit.as_char(), &mut self.parts),
                    media::LegEvent::CaptureOverrun { capture: HEARING } => {
                        channel.capture_failed(now, "the engine does not keep up with the audio", &mut self.parts);
                    }
                    media::LegEvent::PeerSilent => channel.capture_failed(now, "no audio comes", &mut self.parts),
                    // Who stores audio notices by itself.
                    media::LegEvent::CaptureOverrun { .. } => {}
                    media::LegEvent::PlayoutStarted { .. }
                    | media::LegEvent::PlayoutFinished { .. }
                    | media::LegEvent::DtmfSent => {}
                },
                Channel::Recognizer(_) | Channel::Synthesizer(_) | Channel::Recorder(_) => {}
            }
        }
    }

    /// Moves what the inner machines put out to where it belongs, until all are drained.
    fn drain(&mut self, now: Instant) {
        loop {
            for channel in &mut self.channels {
                while let Some(output) = channel.poll_output() {
                    self.outputs.push_back(output);
                }
            }
            match self.dialog.poll_output() {
                Some(sip::dialog::Output::Command(command)) => self.outputs.push_back(Output::Sip(command)),
                Some(sip::dialog::Output::Event(event)) => self.dialog_event(now, event),
                None => return,
            }
        }
    }

    fn dialog_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Invite { offer } | Event::Reinvite { offer } => self.offered(now, &offer),
            Event::ReinviteCancelled => {
                if matches!(self.state, State::Reserving) {
                    self.state = State::Waiting;
                    self.description.abandon();
                }
            }
            Event::Acknowledged { .. } => {
                if !self.was_used && !matches!(self.state, State::Ending { .. } | State::Closed) {
                    self.connection_deadline = self.config.first_request_wait.map(|wait| now + wait);
                }
            }
            // We never offer: an empty offer was refused, and refreshes repeat what was agreed.
            Event::Progress { .. } | Event::Accepted { .. } | Event::Rejected { .. } => {}
            Event::Terminated { cause } => {
                let cause = match (&self.state, cause) {
                    (State::Ending { cause }, _) => *cause,
                    (_, Cause::LocalHangup) => CloseCause::Failed,
                    (_, Cause::RemoteBye) => CloseCause::Bye,
                    (_, Cause::Cancelled) => CloseCause::Cancelled,
                    (_, Cause::Refused { .. } | Cause::Unanswered) => CloseCause::Refused,
                    (
                        _,
                        Cause::Rejected { .. }
                        | Cause::NotAcknowledged
                        | Cause::SessionExpired
                        | Cause::Timeout
                        | Cause::TransportFailed,
                    ) => CloseCause::DialogFailed,
                };
                self.release(now);
                self.state = State::Closed;
                self.outputs.push_back(Output::Closed { cause });
            }
        }
    }

    fn offered(&mut self, now: Instant, offer: &Bytes) {
        match self.description.offered(offer) {
            Ok(Some(reservation)) => {
                self.state = State::Reserving;
                self.outputs.push_back(Output::Reserve(reservation));
            }
            // Nothing new is needed.
            Ok(None) => self.answer(now, None, &[]),
            Err(Refusal::NotAcceptable) => self.reject(now, Status::NOT_ACCEPTABLE_HERE, None),
            Err(Refusal::Malformed) => self.reject(now, Status::BAD_REQUEST, None),
        }
    }

    /// Applies the offer and answers it. The order is what a client may rely on: a channel is known before the answer
    /// names it, a leg listens before packets can come.
    fn answer(&mut self, now: Instant, local: Option<IpAddr>, ports: &[(LegId, u16)]) {
        let agreed = self.description.answer(local, ports);
        for id in &agreed.released {
            self.forget_channel(now, id);
        }
        for leg in &agreed.closed_legs {
            self.legs.retain(|open| open != leg);
            self.outputs.push_back(Output::CloseLeg { leg: *leg });
        }
        for leg in agreed.opened_legs {
            self.legs.push(leg.leg);
            let AgreedLeg { leg, remote, media, clock_rate, protection } = leg;
            self.outputs.push_back(Output::OpenLeg { leg, remote, media, clock_rate, protection });
        }
        for leg in agreed.changed_legs {
            let AgreedLeg { leg, remote, media, protection, .. } = leg;
            self.outputs.push_back(Output::ReconfigureLeg { leg, remote, media, protection });
        }
        for channel in agreed.allocated {
            self.outputs.push_back(Output::RegisterChannel(channel.id.clone()));
            let config = &self.config;
            self.channels.push(match channel.kind {
                ChannelKind::Synthesizer | ChannelKind::BasicSynthesizer => {
                    Channel::Synthesizer(SynthesizerChannel::new(
                        channel.id,
                        Arc::clone(&config.synthesizer),
                        channel.leg,
                        config.language,
                        match (channel.kind, &config.clips) {
                            (ChannelKind::BasicSynthesizer, Some(clips)) => Voices::Clips(Arc::clone(clips)),
                            (ChannelKind::BasicSynthesizer, None) => Voices::Basic,
                            (_, _) => Voices::Full,
                        },
                    ))
                }
                ChannelKind::Recorder => {
                    Channel::Recorder(RecorderChannel::new(channel.id, Arc::clone(&config.recorder), channel.leg))
                }
                ChannelKind::Recognizer | ChannelKind::DtmfRecognizer => Channel::Recognizer(RecognizerChannel::new(
                    channel.id,
                    Arc::clone(&config.recognizer),
                    channel.leg,
                    config.language,
                    ResultStyle { format: channel.format.unwrap_or(config.results.format), ..config.results },
                    config.recorder.max_time_max,
                )),
            });
        }
        self.dialog.handle_input(now, sip::dialog::Input::Accept { body: agreed.answer });
    }

    fn reject(&mut self, now: Instant, status: Status, retry_after_s: Option<u32>) {
        let mut headers = Headers::new();
        if let Some(seconds) = retry_after_s {
            headers.push(sip::HeaderName::from("Retry-After"), seconds.to_string());
        }
        self.dialog.handle_input(now, sip::dialog::Input::Reject { status, headers });
    }

    fn forget_channel(&mut self, now: Instant, id: &ChannelId) {
        let Some(at) = self.channels.iter().position(|channel| channel.id() == id) else { return };
        let mut channel = self.channels.remove(at);
        channel.close(now, &mut self.parts);
        while let Some(output) = channel.poll_output() {
            self.outputs.push_back(output);
        }
        self.outputs.push_back(Output::ForgetChannel(id.clone()));
    }

    /// Ends the session from our side: requests are completed first, then BYE.
    fn end(&mut self, now: Instant, cause: CloseCause) {
        self.release(now);
        self.state = State::Ending { cause };
        self.dialog.handle_input(now, sip::dialog::Input::Hangup);
    }

    /// The one order of teardown, whatever ends the session: resources stop and complete what is open, legs close,
    /// channels are forgotten.
    fn release(&mut self, now: Instant) {
        for channel in &mut self.channels {
            channel.close(now, &mut self.parts);
            while let Some(output) = channel.poll_output() {
                self.outputs.push_back(output);
            }
        }
        for leg in std::mem::take(&mut self.legs) {
            self.outputs.push_back(Output::CloseLeg { leg });
        }
        for channel in std::mem::take(&mut self.channels) {
            self.outputs.push_back(Output::ForgetChannel(channel.id().clone()));
        }
        self.connection_deadline = None;
    }
}

/// When a client that found no place may try again.
const RETRY_AFTER_S: u32 = 2;

/// The cookies that a request brings, for the fetches of the session from now on (RFC 6787 section 6.2.15).
fn cookies(request: &mrcp::Request) -> Option<Output> {
    let cookies: Vec<String> = request.headers.all(&mrcp::HeaderName::SetCookie).map(str::to_owned).collect();
    if cookies.iter().all(String::is_empty) {
        return None;
    }
    let entity = mrcp::Entity::of(request);
    let is_list = entity.content_type.as_deref().map(mrcp::media_type).is_some_and(|kind| kind == "text/uri-list");
    let first = || {
        let text = std::str::from_utf8(&entity.body).ok().filter(|_| is_list)?;
        text.lines().map(str::trim).find(|line| line.starts_with("http")).map(str::to_owned)
    };
    Some(Output::StoreCookies { cookies, origin: entity.base.clone().or_else(first) })
}
