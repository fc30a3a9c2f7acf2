//! One MRCP session: a SIP call, a channel and an RTP leg.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::{
    ClockRate, DtmfDigit, LegCommand, LegEvent, LegMedia, PcmBuffer, PcmOverrun, PcmSink, PlaySpan, PlayoutOutcome,
    UtteranceId,
};
use mrcp::{
    ChannelId, Event, EventName, HeaderName, Headers, Message, Method, RecognizerCause, Request, RequestId,
    RequestState, Response, SynthesizerCause, VendorParameters,
};
use sip::dialog::Cause;
use tokio::sync::{mpsc, oneshot};

use crate::audio_file::CallerAudio;
use crate::error::ClientError;
use crate::media_thread::{LegHandle, LegHappening, LegNotice, LegReport};
use crate::mrcp_connection::{MrcpConnection, Received};
use crate::nlsml::{Recognized, read_result};
use crate::sip_agent::{SipAgent, reason};

/// Received audio kept until it is taken, in seconds; older audio stays, newer is dropped.
const AUDIO_SECONDS_MAX: usize = 30 * 60;

/// How long the answer to BYE is waited for.
const BYE_WAIT: Duration = Duration::from_secs(2);

/// Length of a digit and of the pause after it.
const TONE_MS: u32 = 100;

/// Something that a session is told without having asked.
#[derive(Debug)]
pub enum Notice {
    /// An MRCP event.
    Event {
        /// When it came.
        at: Instant,
        /// The event.
        event: Event,
    },
    /// Something happened on the RTP leg.
    Leg(LegNotice),
    /// The server ended the SIP call.
    Ended {
        /// Why, in words.
        reason: String,
    },
    /// The MRCP connection is gone.
    ConnectionLost,
}

/// A session under way. [`hang_up`](Self::hang_up) ends it; dropping it does too, without waiting for the report.
#[derive(Debug)]
pub struct Session {
    pub(crate) agent: SipAgent,
    pub(crate) dialog: sip::DialogKey,
    pub(crate) ended: Option<oneshot::Receiver<Cause>>,
    pub(crate) connection: MrcpConnection,
    pub(crate) channel: ChannelId,
    pub(crate) inbox: Option<mpsc::Receiver<Received>>,
    pub(crate) leg: Option<LegHandle>,
    pub(crate) leg_notices: mpsc::Receiver<LegNotice>,
    pub(crate) media: LegMedia,
    pub(crate) clock_rate: ClockRate,
    /// What was offered.
    pub(crate) offer: Bytes,
    pub(crate) response_timeout: Duration,
    pub(crate) last_request: u32,
    pub(crate) last_utterance: u64,
    pub(crate) waiting: VecDeque<Received>,
}

impl Session {
    /// The channel identifier that the server gave.
    pub fn channel(&self) -> &ChannelId {
        &self.channel
    }

    /// The sampling rate agreed on.
    pub fn clock_rate(&self) -> ClockRate {
        self.clock_rate
    }

    /// What was negotiated for audio.
    pub fn media(&self) -> LegMedia {
        self.media
    }

    /// Sends a request and waits for its response. Events that come meanwhile are kept for [`notice`](Self::notice).
    ///
    /// # Errors
    /// When the connection is lost, or no response comes in time. An error status is no error here.
    pub async fn request(&mut self, method: Method, headers: Headers, body: Bytes) -> Result<Response, ClientError> {
        self.last_request += 1;
        let id = RequestId(self.last_request);
        let mut request = Request::new(self.channel.clone(), id, method.clone());
        request.headers = headers;
        request.body = body;
        self.connection.send(&Message::Request(request)).await?;
        let timeout = self.response_timeout;
        let Some(inbox) = &mut self.inbox else { return Err(ClientError::ConnectionLost) };
        let waiting = &mut self.waiting;
        let response = async {
            loop {
                match inbox.recv().await {
                    Some(Received { message: Message::Response(response), .. }) if response.id == id => {
                        return Ok(response);
                    }
                    Some(other) => waiting.push_back(other),
                    None => return Err(ClientError::ConnectionLost),
                }
            }
        };
        let seconds = timeout.as_secs();
        tokio::time::timeout(timeout, response)
            .await
            .unwrap_or_else(|_elapsed| Err(ClientError::NoResponse { method: method.to_string(), seconds }))
    }

    /// Like [`request`](Self::request), but an error status is an error.
    pub(crate) async fn demand(
        &mut self,
        method: Method,
        headers: Headers,
        body: Bytes,
    ) -> Result<Response, ClientError> {
        let response = self.request(method.clone(), headers, body).await?;
        if response.status.is_success() {
            return Ok(response);
        }
        let cause = [HeaderName::CompletionCause, HeaderName::CompletionReason]
            .iter()
            .filter_map(|name| response.headers.text(name))
            .map(|text| format!(" {text}"))
            .collect();
        Err(ClientError::Refused { method: method.to_string(), status: response.status.code(), cause })
    }

    /// The next thing that happens to the session. Waits for it; may be dropped and called again without loss.
    pub async fn notice(&mut self) -> Notice {
        loop {
            if let Some(received) = self.waiting.pop_front() {
                if let Some(notice) = event(received) {
                    return notice;
                }
                continue;
            }
            tokio::select! {
                received = receive(&mut self.inbox) => match received {
                    Some(received) => {
                        if let Some(notice) = event(received) {
                            return notice;
                        }
                    }
                    None => {
                        self.inbox = None;
                        return Notice::ConnectionLost;
                    }
                },
                notice = self.leg_notices.recv() => match notice {
                    Some(notice) => return Notice::Leg(notice),
                    None => std::future::pending().await,
                },
                cause = end(&mut self.ended) => {
                    self.ended = None;
                    return Notice::Ended { reason: cause.map_or_else(|| "the client was shut down".to_owned(), reason) };
                }
            }
        }
    }

    /// Refreshes the SIP session by a re-INVITE with the same description, as clients with session timers do.
    ///
    /// # Errors
    /// When the server refuses it or has ended the call.
    pub async fn refresh(&self) -> Result<(), ClientError> {
        self.agent.reoffer(self.dialog, self.offer.clone()).await.map(|_answer| ())
    }

    /// Ends the session, waits a moment for the server to say so, and tells what the leg did.
    pub async fn hang_up(mut self) -> Option<LegReport> {
        self.agent.hangup(self.dialog).await;
        self.connection.forget(&self.channel);
        if let Some(ended) = self.ended.take() {
            // A server that does not answer BYE is not waited for.
            _ = tokio::time::timeout(BYE_WAIT, ended).await;
        }
        match self.leg.take() {
            Some(leg) => leg.close().await,
            None => None,
        }
    }

    pub(crate) fn leg_command(&self, command: LegCommand) {
        if let Some(leg) = &self.leg {
            leg.command(command);
        }
    }

    /// Plays to the server, in real time.
    pub(crate) fn play(&mut self, audio: &CallerAudio) -> UtteranceId {
        self.last_utterance += 1;
        let utterance = UtteranceId(self.last_utterance);
        let audio = PcmBuffer::from_samples(self.clock_rate.hz(), &audio.samples);
        self.leg_command(LegCommand::Play { utterance, audio, span: PlaySpan::ALL });
        utterance
    }

    /// Stops the RTP stream, and what is played.
    pub(crate) fn stop_playing(&mut self) {
        self.leg_command(LegCommand::Stop { utterance: None, fade_ms: 0 });
        self.send_rtp(false);
    }

    /// Starts or stops the RTP stream that we send.
    pub(crate) fn send_rtp(&mut self, sends: bool) {
        if self.media.sends != sends {
            self.media.sends = sends;
            self.leg_command(LegCommand::Reconfigure(self.media));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.forget(&self.channel);
        if let (Some(leg), Ok(runtime)) = (self.leg.take(), tokio::runtime::Handle::try_current()) {
            let (agent, dialog) = (self.agent.clone(), self.dialog);
            #[expect(clippy::let_underscore_future, reason = "what a dropped session leaves behind ends by itself")]
            let _ = runtime.spawn(async move {
                agent.hangup(dialog).await;
                leg.close().await
            });
        }
    }
}

fn event(received: Received) -> Option<Notice> {
    match received.message {
        Message::Event(event) => Some(Notice::Event { at: received.at, event }),
        // A response that nobody waits for any more, or a request: servers send none.
        Message::Response(_) | Message::Request(_) => None,
    }
}

async fn receive(inbox: &mut Option<mpsc::Receiver<Received>>) -> Option<Received> {
    match inbox {
        Some(inbox) => inbox.recv().await,
        None => std::future::pending().await,
    }
}

async fn end(ended: &mut Option<oneshot::Receiver<Cause>>) -> Option<Cause> {
    match ended {
        Some(ended) => ended.await.ok(),
        None => std::future::pending().await,
    }
}

/// A synthesizer session.
#[derive(Debug)]
pub struct SynthSession {
    /// The session beneath, for requests that have no method here.
    pub session: Session,
    pub(crate) received: ReceivedAudio,
}

/// How a SPEAK ended.
#[derive(Debug, Clone)]
pub struct Spoken {
    /// When SPEAK-COMPLETE came.
    pub at: Instant,
    /// Its cause; `None` when it has none that is known.
    pub cause: Option<SynthesizerCause>,
    /// What the server says was spoken, when it was asked to (`com.voxgate.report=text`).
    pub text: Option<String>,
    /// All headers of the event.
    pub headers: Headers,
}

impl SynthSession {
    /// Sends SPEAK. The audio comes from [`take_audio`](Self::take_audio), the end is a [`Notice::Event`] that
    /// [`Spoken::of`] reads, or [`finished`](Self::finished).
    ///
    /// # Errors
    /// When the server refuses it or does not answer.
    pub async fn speak(&mut self, content_type: &str, body: &str, headers: Headers) -> Result<RequestId, ClientError> {
        let mut all = Headers::new().with(HeaderName::ContentType, content_type);
        headers.into_iter().for_each(|header| all.push(header.name, header.value));
        let response = self.session.demand(Method::Speak, all, Bytes::copy_from_slice(body.as_bytes())).await?;
        Ok(response.id)
    }

    /// Waits for the end of a SPEAK.
    ///
    /// # Errors
    /// When it does not come in time, or the session ends.
    pub async fn finished(&mut self, request: RequestId, within: Duration) -> Result<Spoken, ClientError> {
        let wait = async {
            loop {
                match self.session.notice().await {
                    Notice::Event { at, event } => {
                        if let Some(spoken) = Spoken::of(at, &event, request) {
                            return Ok(spoken);
                        }
                    }
                    Notice::Leg(_) => {}
                    Notice::Ended { .. } => return Err(ClientError::EndedByServer),
                    Notice::ConnectionLost => return Err(ClientError::ConnectionLost),
                }
            }
        };
        let seconds = within.as_secs();
        let late = ClientError::Timeout { what: "SPEAK-COMPLETE", seconds };
        tokio::time::timeout(within, wait).await.unwrap_or(Err(late))
    }

    /// Stops all speech.
    ///
    /// # Errors
    /// When the server refuses it or does not answer.
    pub async fn stop(&mut self) -> Result<Response, ClientError> {
        self.session.demand(Method::Stop, Headers::new(), Bytes::new()).await
    }

    /// Takes the audio received since the last call, 16-bit at the session's rate, out of the jitter buffer.
    pub fn take_audio(&self) -> Vec<i16> {
        self.received.take()
    }
}

impl Spoken {
    /// Reads a SPEAK-COMPLETE of `request`; `None` for any other event.
    pub fn of(at: Instant, event: &Event, request: RequestId) -> Option<Self> {
        if event.name != EventName::SpeakComplete || event.id != request {
            return None;
        }
        let text = event
            .headers
            .vendor_parameters()
            .value("com.voxgate.text")
            .map(|encoded| percent_encoding::percent_decode_str(encoded).decode_utf8_lossy().into_owned());
        Some(Self { at, cause: event.headers.synthesizer_cause(), text, headers: event.headers.clone() })
    }
}

/// A recognizer session.
#[derive(Debug)]
pub struct RecogSession {
    /// The session beneath, for requests that have no method here.
    pub session: Session,
}

/// What a RECOGNIZE is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrammarBody {
    /// `text/uri-list`, `application/srgs+xml` …
    pub content_type: String,
    /// The body.
    pub body: String,
}

impl GrammarBody {
    /// A grammar by its URI.
    pub fn uri(uri: &str) -> Self {
        Self { content_type: "text/uri-list".to_owned(), body: uri.to_owned() }
    }
}

/// How a RECOGNIZE ended.
#[derive(Debug, Clone)]
pub struct Recognition {
    /// When RECOGNITION-COMPLETE came.
    pub at: Instant,
    /// Its cause; `None` when it has none that is known.
    pub cause: Option<RecognizerCause>,
    /// The result, when there is one that can be read.
    pub result: Option<Recognized>,
    /// The body as it came.
    pub body: String,
    /// All headers of the event.
    pub headers: Headers,
}

impl RecogSession {
    /// Defines a grammar that `session:ID` refers to from then on.
    ///
    /// # Errors
    /// When the server refuses it or does not answer.
    pub async fn define_grammar(&mut self, id: &str, grammar: &GrammarBody) -> Result<Response, ClientError> {
        let headers =
            Headers::new().with(HeaderName::ContentType, grammar.content_type.as_str()).with(HeaderName::ContentId, id);
        self.session.demand(Method::DefineGrammar, headers, Bytes::copy_from_slice(grammar.body.as_bytes())).await
    }

    /// Sends RECOGNIZE. When it is in progress the RTP stream starts: silence, until something is said.
    ///
    /// # Errors
    /// When the server refuses it or does not answer.
    pub async fn recognize(&mut self, grammar: &GrammarBody, headers: Headers) -> Result<RequestId, ClientError> {
        let mut all = Headers::new().with(HeaderName::ContentType, grammar.content_type.as_str());
        all.push(HeaderName::CancelIfQueue, "false");
        headers.into_iter().for_each(|header| all.push(header.name, header.value));
        let body = Bytes::copy_from_slice(grammar.body.as_bytes());
        let response = self.session.demand(Method::Recognize, all, body).await?;
        if response.state == RequestState::InProgress {
            self.session.send_rtp(true);
        }
        Ok(response.id)
    }

    /// Waits for the end of a RECOGNIZE, and stops the RTP stream.
    ///
    /// # Errors
    /// When it does not come in time, or the session ends.
    pub async fn finished(&mut self, request: RequestId, within: Duration) -> Result<Recognition, ClientError> {
        let wait = async {
            loop {
                match self.session.notice().await {
                    Notice::Event { at, event } => {
                        if let Some(recognition) = Recognition::of(at, &event, request) {
                            return Ok(recognition);
                        }
                    }
                    Notice::Leg(_) => {}
                    Notice::Ended { .. } => return Err(ClientError::EndedByServer),
                    Notice::ConnectionLost => return Err(ClientError::ConnectionLost),
                }
            }
        };
        let seconds = within.as_secs();
        let late = ClientError::Timeout { what: "RECOGNITION-COMPLETE", seconds };
        let outcome = tokio::time::timeout(within, wait).await.unwrap_or(Err(late));
        self.stop_audio();
        outcome
    }

    /// The prompt has been played: the no-input timer may run.
    ///
    /// # Errors
    /// When the server refuses it or does not answer.
    pub async fn start_input_timers(&mut self) -> Result<Response, ClientError> {
        self.session.request(Method::StartInputTimers, Headers::new(), Bytes::new()).await
    }

    /// Ends the RECOGNIZE without a result, and stops the RTP stream.
    ///
    /// # Errors
    /// When the server refuses it or does not answer.
    pub async fn stop(&mut self) -> Result<Response, ClientError> {
        let response = self.session.demand(Method::Stop, Headers::new(), Bytes::new()).await;
        self.stop_audio();
        response
    }

    /// The caller speaks: the audio goes out in real time from now on. Its start and end come as
    /// [`LegEvent`]s with the returned id.
    pub fn send_audio(&mut self, audio: &CallerAudio) -> UtteranceId {
        self.session.play(audio)
    }

    /// The caller presses keys, one after the other; what is no key is left out. The end comes as
    /// [`LegEvent::DtmfSent`].
    pub fn send_dtmf(&mut self, digits: &str) {
        let digits = digits.chars().filter_map(DtmfDigit::from_char).collect();
        self.session.leg_command(LegCommand::SendDtmf { digits, tone_ms: TONE_MS, gap_ms: TONE_MS });
    }

    /// Stops the RTP stream, as a PBX does between recognitions; what the caller was saying is cut off.
    pub fn stop_audio(&mut self) {
        self.session.stop_playing();
    }
}

impl Recognition {
    /// Reads a RECOGNITION-COMPLETE of `request`; `None` for any other event.
    pub fn of(at: Instant, event: &Event, request: RequestId) -> Option<Self> {
        if event.name != EventName::RecognitionComplete || event.id != request {
            return None;
        }
        let body = String::from_utf8_lossy(&event.body).into_owned();
        let result = if body.trim().is_empty() { None } else { read_result(&body) };
        Some(Self { at, cause: event.headers.recognizer_cause(), result, body, headers: event.headers.clone() })
    }
}

/// Whether a notice says that an utterance of the caller is over, and how.
pub(crate) fn playout_finished(notice: &LegNotice) -> Option<(UtteranceId, PlayoutOutcome)> {
    match notice.what {
        LegHappening::Event(LegEvent::PlayoutFinished { utterance, outcome, .. }) => Some((utterance, outcome)),
        LegHappening::Event(
            LegEvent::PlayoutStarted { .. }
            | LegEvent::Dtmf { .. }
            | LegEvent::CaptureOverrun { .. }
            | LegEvent::DtmfSent
            | LegEvent::PeerSilent,
        )
        | LegHappening::ReceivingStarted
        | LegHappening::ReceivingStopped => None,
    }
}

/// Vendor parameters as a header, if there are any.
pub(crate) fn vendor_header(parameters: &[(String, String)]) -> Headers {
    let mut set = VendorParameters::default();
    parameters.iter().for_each(|(name, value)| set.set(name, value));
    if set.is_empty() {
        Headers::new()
    } else {
        Headers::new().with(HeaderName::VendorSpecificParameters, set.to_string())
    }
}

/// Audio that came out of the jitter buffer and was not taken yet.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedAudio {
    samples: Arc<Mutex<Vec<i16>>>,
    samples_max: usize,
}

impl ReceivedAudio {
    pub(crate) fn new(clock_rate: ClockRate) -> Self {
        Self { samples: Arc::default(), samples_max: AUDIO_SECONDS_MAX * clock_rate.hz() as usize }
    }

    fn take(&self) -> Vec<i16> {
        std::mem::take(&mut *self.samples.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl PcmSink for ReceivedAudio {
    fn push(&mut self, samples: &[i16]) -> Result<(), PcmOverrun> {
        let mut kept = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < self.samples_max {
            kept.extend_from_slice(samples);
        }
        Ok(())
    }
}
