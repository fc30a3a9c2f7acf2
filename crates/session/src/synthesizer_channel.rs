//! A synthesizer channel: its state machine, the prompt that it speaks, and the leg that it speaks on.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use media::{ClockRate, LegEvent, PlayoutOutcome, UtteranceId};
use mrcp::synthesizer::{self, Failure, FailureKind, SpeakParams, Synthesizer, SynthesizerConfig};
use mrcp::{ChannelId, EventName, HeaderName, Message, Request, RequestId, VendorParameters};
use speech::{DialogReplyUri, Language, Prosody, SpeechMarkupErrorKind};

use crate::keys::PartKeys;
use crate::output::{CallDetails, FromConversation, LegId, Output, PartKey, PromptEnd, ToConversation};
use crate::prompt::{Prompt, PromptChange, PromptOutput, VoiceDefaults};
use crate::vendor;

/// A synthesizer channel of a session.
pub(crate) struct SynthesizerChannel {
    id: ChannelId,
    machine: Synthesizer,
    /// Where it speaks; without one nothing can be spoken.
    leg: Option<(LegId, ClockRate)>,
    default_language: Language,
    /// Prepared and not started.
    prepared: HashMap<RequestId, Prepared>,
    speaking: Option<Speaking>,
    /// Stopped, and the leg has not said yet how far it had come.
    stopping: Vec<Speaking>,
    next_utterance: u64,
    outputs: VecDeque<Output>,
}

struct Prepared {
    prompt: Prompt,
    params: Arc<SpeakParams>,
}

struct Speaking {
    request_id: RequestId,
    params: Arc<SpeakParams>,
    prompt: Prompt,
    part: Option<PartKey>,
    /// What was handed to the synthesizer, for clients that ask for it.
    text: String,
}

impl SynthesizerChannel {
    pub(crate) fn new(
        id: ChannelId,
        config: Arc<SynthesizerConfig>,
        leg: Option<(LegId, ClockRate)>,
        default_language: Language,
    ) -> Self {
        let machine = Synthesizer::new(config, id.clone());
        Self {
            id,
            machine,
            leg,
            default_language,
            prepared: HashMap::new(),
            speaking: None,
            stopping: Vec::new(),
            next_utterance: 0,
            outputs: VecDeque::new(),
        }
    }

    pub(crate) fn id(&self) -> &ChannelId {
        &self.id
    }

    pub(crate) fn leg(&self) -> Option<LegId> {
        self.leg.map(|(leg, _)| leg)
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.machine.poll_timeout()
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, parts: &mut PartKeys) {
        self.machine.handle_timeout(now);
        self.drain_machine(now, parts);
    }

    pub(crate) fn request(&mut self, now: Instant, request: Request, parts: &mut PartKeys) {
        self.tell(now, synthesizer::Input::Request(request), parts);
    }

    /// Completes every open request; nothing is spoken any more.
    pub(crate) fn close(&mut self, now: Instant, parts: &mut PartKeys) {
        self.tell(now, synthesizer::Input::Close, parts);
        // Nobody waits for what the leg would still say.
        for speaking in std::mem::take(&mut self.stopping) {
            self.done(speaking, PromptEnd::Stopped, None);
        }
    }

    pub(crate) fn synthesized(
        &mut self,
        now: Instant,
        utterance: UtteranceId,
        outcome: Result<u64, String>,
        parts: &mut PartKeys,
    ) {
        if let Some(speaking) = &mut self.speaking {
            speaking.prompt.synthesized(utterance, outcome);
            self.drain_prompt(now, parts);
        }
    }

    pub(crate) fn leg_event(&mut self, now: Instant, event: LegEvent, parts: &mut PartKeys) {
        if let LegEvent::PlayoutFinished { utterance, played_ms, outcome: PlayoutOutcome::Stopped, .. } = event
            && let Some(at) = self.stopping.iter().position(|stopping| stopping.prompt.owns(utterance))
        {
            let speaking = self.stopping.remove(at);
            self.done(speaking, PromptEnd::Stopped, Some((utterance, played_ms)));
            return;
        }
        if let Some(speaking) = &mut self.speaking {
            speaking.prompt.played(event);
            self.drain_prompt(now, parts);
        }
    }

    /// Whether `part` is spoken here.
    pub(crate) fn speaks(&self, part: PartKey) -> bool {
        self.speaking.as_ref().is_some_and(|speaking| speaking.part == Some(part))
    }

    pub(crate) fn conversation(&mut self, now: Instant, what: FromConversation, parts: &mut PartKeys) {
        let Some(speaking) = &mut self.speaking else { return };
        match what {
            FromConversation::Say { text, language, voice, cacheable } => {
                speaking.prompt.say(text, language, voice, cacheable);
            }
            FromConversation::ReplyEnded => speaking.prompt.reply_ended(),
            FromConversation::StopPlayout => {
                self.tell(now, synthesizer::Input::BargedIn, parts);
                return;
            }
            // These are for the part that listens.
            FromConversation::Complete { .. } | FromConversation::Abandoned => {}
        }
        self.drain_prompt(now, parts);
    }

    fn tell(&mut self, now: Instant, input: synthesizer::Input, parts: &mut PartKeys) {
        self.machine.handle_input(now, input);
        self.drain_machine(now, parts);
    }

    fn drain_machine(&mut self, now: Instant, parts: &mut PartKeys) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                synthesizer::Output::Send(message) => self.send(message),
                synthesizer::Output::Prepare { request_id, speech } => {
                    let outcome = self.prepare(request_id, speech);
                    self.machine.handle_input(now, synthesizer::Input::Prepared { request_id, outcome });
                }
                synthesizer::Output::Start { request_id } => self.start(now, request_id, parts),
                synthesizer::Output::Pause { .. } => self.outputs.extend(self.leg().map(|leg| Output::Pause { leg })),
                synthesizer::Output::Resume { .. } => self.outputs.extend(self.leg().map(|leg| Output::Resume { leg })),
                synthesizer::Output::Stop { request_id } => self.stop(request_id),
            }
        }
    }

    fn send(&mut self, mut message: Message) {
        if let Message::Event(event) = &mut message
            && event.name == EventName::SpeakComplete
            && let Some(speaking) = self.reporting(event.id)
        {
            let mut report = VendorParameters::default();
            report.set(vendor::TEXT, &vendor::encode(&speaking.text));
            event.headers.push(HeaderName::VendorSpecificParameters, report.to_string());
        }
        self.outputs.push_back(Output::Mrcp { channel: self.id.clone(), message });
    }

    /// The SPEAK, where its client wants to be told what was spoken.
    fn reporting(&self, request_id: RequestId) -> Option<&Speaking> {
        self.speaking
            .iter()
            .chain(&self.stopping)
            .find(|speaking| speaking.request_id == request_id)
            .filter(|speaking| speaking.params.vendor.value(vendor::REPORT) == Some("text"))
    }

    fn prepare(&mut self, request_id: RequestId, params: Arc<SpeakParams>) -> Result<(), Failure> {
        let Some((_, clock_rate)) = self.leg else {
            return Err(Failure::new(FailureKind::Engine, "the session has no audio to speak on"));
        };
        let language = match params.speech_language.as_deref() {
            None => self.default_language,
            Some(tag) => Language::from_tag(tag)
                .ok_or_else(|| Failure::new(FailureKind::Language, format!("{tag} is not spoken here")))?,
        };
        let content_type = params.content.content_type.as_deref().unwrap_or_default();
        let segments = speech::segments(content_type, &params.content.body).map_err(|error| {
            let kind = match error.kind {
                SpeechMarkupErrorKind::UnsupportedMediaType => FailureKind::MediaType,
                SpeechMarkupErrorKind::Syntax | SpeechMarkupErrorKind::TooLarge => FailureKind::Parse,
                SpeechMarkupErrorKind::Uri => {
                    FailureKind::Uri { uri: first_line(&params.content.body), cause: "unknown".to_owned() }
                }
            };
            Failure::new(kind, error.to_string())
        })?;
        let prosody = Prosody::default().with(
            params.prosody.rate.as_deref(),
            params.prosody.pitch.as_deref(),
            params.prosody.volume.as_deref(),
        );
        // A voice called "default" is what FreeSWITCH sends when the dialplan names none.
        let voice = params.voice.name.clone().filter(|name| !name.eq_ignore_ascii_case("default"));
        let defaults = VoiceDefaults { language, voice, prosody };
        let prompt = Prompt::new(segments, defaults, clock_rate.hz(), PromptChange::default())
            .map_err(|_| Failure::new(FailureKind::Engine, "it cannot begin there"))?;
        self.prepared.insert(request_id, Prepared { prompt, params });
        Ok(())
    }

    fn start(&mut self, now: Instant, request_id: RequestId, parts: &mut PartKeys) {
        let Some(Prepared { mut prompt, params }) = self.prepared.remove(&request_id) else { return };
        prompt.begin(self.next_utterance);
        self.speaking = Some(Speaking { request_id, params, prompt, part: None, text: String::new() });
        self.drain_prompt(now, parts);
    }

    fn drain_prompt(&mut self, now: Instant, parts: &mut PartKeys) {
        loop {
            let Some(speaking) = &mut self.speaking else { return };
            let Some(output) = speaking.prompt.poll_output() else {
                self.next_utterance = speaking.prompt.next_utterance();
                return;
            };
            let request_id = speaking.request_id;
            match output {
                PromptOutput::Synthesize { utterance, what, span } => {
                    if !speaking.text.is_empty() {
                        speaking.text.push(' ');
                    }
                    speaking.text.push_str(&what.text);
                    if let Some((leg, clock_rate)) = self.leg {
                        self.outputs.push_back(Output::Synthesize { utterance, leg, clock_rate, what, span });
                    }
                }
                PromptOutput::Silence { utterance, samples, span } => {
                    if let Some((leg, clock_rate)) = self.leg {
                        self.outputs.push_back(Output::Silence { utterance, leg, clock_rate, samples, span });
                    }
                }
                PromptOutput::StopPlaying => self.outputs.extend(self.leg().map(|leg| Output::StopPlaying { leg })),
                PromptOutput::Changed { restarted: _ } => {}
                PromptOutput::Attach(uri) => {
                    let part = parts.next();
                    speaking.part = Some(part);
                    let details = details(uri, &speaking.params);
                    self.outputs.push_back(Output::Converse { part, what: ToConversation::SpeakerAttached(details) });
                }
                PromptOutput::Played(progress) => {
                    if let Some(part) = speaking.part {
                        self.outputs.push_back(Output::Converse { part, what: ToConversation::Played(progress) });
                    }
                }
                PromptOutput::Mark { name, at: _ } => {
                    self.machine.handle_input(now, synthesizer::Input::MarkReached { request_id, name });
                    self.drain_machine(now, parts);
                }
                PromptOutput::Finished { at: _ } => {
                    self.finish(now, request_id, PromptEnd::Completed, Ok(()), parts);
                }
                PromptOutput::Failed { reason } => {
                    self.outputs.extend(self.leg().map(|leg| Output::StopPlaying { leg }));
                    let outcome = Err(Failure::new(FailureKind::Engine, reason));
                    self.finish(now, request_id, PromptEnd::Failed, outcome, parts);
                }
            }
        }
    }

    /// The prompt has come to its end by itself.
    fn finish(
        &mut self,
        now: Instant,
        request_id: RequestId,
        end: PromptEnd,
        outcome: Result<(), Failure>,
        parts: &mut PartKeys,
    ) {
        if let Some(speaking) = &mut self.speaking {
            self.next_utterance = speaking.prompt.next_utterance();
            // The conversation hears of the end now; the client after the tail, for which the text is kept.
            if let Some(part) = speaking.part.take() {
                let what = ToConversation::PromptDone { end, progress: speaking.prompt.progress(None) };
                self.outputs.push_back(Output::Converse { part, what });
            }
        }
        self.tell(now, synthesizer::Input::PlaybackFinished { request_id, outcome }, parts);
    }

    /// The machine wants a SPEAK stopped, or dropped before it began.
    fn stop(&mut self, request_id: RequestId) {
        self.prepared.remove(&request_id);
        let Some(speaking) = self.speaking.take_if(|speaking| speaking.request_id == request_id) else { return };
        self.next_utterance = speaking.prompt.next_utterance();
        self.outputs.extend(self.leg().map(|leg| Output::StopPlaying { leg }));
        if speaking.part.is_some() && speaking.prompt.is_under_way() {
            self.stopping.push(speaking);
        } else {
            self.done(speaking, PromptEnd::Stopped, None);
        }
    }

    fn done(&mut self, speaking: Speaking, end: PromptEnd, playing: Option<(UtteranceId, u64)>) {
        if let Some(part) = speaking.part {
            let what = ToConversation::PromptDone { end, progress: speaking.prompt.progress(playing) };
            self.outputs.push_back(Output::Converse { part, what });
        }
    }
}

fn first_line(body: &Bytes) -> String {
    String::from_utf8_lossy(body).lines().next().unwrap_or_default().trim().to_owned()
}

/// What a SPEAK says about the call: the URI's own parameters, then vendor parameters, then Logging-Tag.
fn details(uri: DialogReplyUri, params: &SpeakParams) -> CallDetails {
    let mut variables = vendor::variables(&params.vendor);
    variables.extend(uri.vars);
    CallDetails {
        conversation: uri
            .conversation
            .or_else(|| vendor::conversation(&params.vendor))
            .or_else(|| params.logging_tag.clone()),
        flow: uri.flow.or_else(|| params.vendor.value(vendor::FLOW).map(str::to_owned)),
        language: uri.language.or_else(|| params.speech_language.as_deref().and_then(Language::from_tag)),
        variables,
    }
}
