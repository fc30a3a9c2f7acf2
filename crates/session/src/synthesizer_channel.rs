//! A synthesizer channel: its state machine, the prompt that it speaks, and the leg that it speaks on.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use media::{ClockRate, LegEvent, PlayoutOutcome, UtteranceId};
use mrcp::synthesizer::{Failure, FailureKind, SpeakParams, Synthesizer, SynthesizerConfig};
use mrcp::{ChannelId, EventName, HeaderName, Message, Request, RequestId, VendorParameters, synthesizer};
use speech::{DialogReplyUri, Language, Lexicon};

use crate::clips::Voices;
use crate::commons::Commons;
use crate::fetching::FetchKey;
use crate::lexicons::Lexicons;
use crate::output::{CallDetails, FromConversation, LegId, Output, PartKey, PromptEnd, ToConversation};
use crate::prompt::{Prompt, PromptChange, PromptOutput, Said};
use crate::set_cookies::SetCookies;
use crate::speech_load::{Speech, SpeechLoad};
use crate::vendor;
use clauses::ClauseLoad;

mod clauses;
mod controlling;
mod defining;
mod preparing;

/// A synthesizer channel of a session.
pub(crate) struct SynthesizerChannel {
    id: ChannelId,
    machine: Synthesizer,
    /// Where it speaks; without one nothing can be spoken.
    leg: Option<(LegId, ClockRate)>,
    default_language: Language,
    voices: Voices,
    /// The names of the engine's voices.
    voice_names: Vec<String>,
    /// Bytes of a body once its codings are undone.
    body_bytes_max: usize,
    lexicons: Lexicons,
    /// DEFINE-LEXICON requests and what they still wait for.
    defining: HashMap<RequestId, Defining>,
    /// SPEAK requests in order, that wait for lexicons: those being defined, or their own.
    waiting: VecDeque<Waiting>,
    /// Lexicons that are being fetched.
    fetching: HashMap<FetchKey, Fetching>,
    loads: Vec<Loading>,
    /// SPEAK requests of the queue for which nothing may be fetched before they are spoken.
    deferred: HashMap<RequestId, Arc<SpeakParams>>,
    set_cookies: SetCookies,
    /// Prepared and not started.
    prepared: HashMap<RequestId, Prepared>,
    speaking: Option<Speaking>,
    /// Stopped, and the leg has not said yet how far it had come.
    stopping: Vec<Speaking>,
    next_utterance: u64,
    outputs: VecDeque<Output>,
}

/// A DEFINE-LEXICON that waits for documents.
struct Defining {
    left: usize,
}

/// A SPEAK that waits for lexicons.
struct Waiting {
    request_id: RequestId,
    params: Arc<SpeakParams>,
    speech: Speech,
    stage: Stage,
    /// Its own lexicons that are not there yet.
    left: usize,
    /// Those that are: what is not defined is fetched for each SPEAK, by the rules of caches.
    fetched: HashMap<String, Arc<Lexicon>>,
}

/// A lexicon that is being fetched.
struct Fetching {
    request_id: RequestId,
    uri: String,
}

struct Prepared {
    prompt: Prompt,
    params: Arc<SpeakParams>,
    recordings: Vec<FetchKey>,
}

/// A SPEAK whose documents and recordings are on their way.
struct Loading {
    load: SpeechLoad,
    params: Arc<SpeakParams>,
    stage: Stage,
}

/// Where a SPEAK stands whose speech is got together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It is not answered before everything is there.
    Unanswered,
    /// It is to be spoken: nothing was to be fetched before (Fetch-Hint `safe`).
    Started,
}

struct Speaking {
    request_id: RequestId,
    params: Arc<SpeakParams>,
    prompt: Prompt,
    part: Option<PartKey>,
    /// CONTROL requests and what they ask; the first is being done.
    controls: VecDeque<(RequestId, PromptChange)>,
    /// What was handed to the synthesizer, for clients that ask for it.
    text: String,
    recordings: Vec<FetchKey>,
    /// Clauses of the reply whose recordings are on their way, in order.
    clause_loads: Vec<ClauseLoad>,
}

impl SynthesizerChannel {
    pub(crate) fn new(
        id: ChannelId,
        config: Arc<SynthesizerConfig>,
        leg: Option<(LegId, ClockRate)>,
        default_language: Language,
        voices: Voices,
    ) -> Self {
        let (body_bytes_max, voice_names) = (config.decoded_bytes_max, config.voices.clone());
        let machine = Synthesizer::new(config, id.clone());
        Self {
            id,
            machine,
            leg,
            default_language,
            voices,
            voice_names,
            body_bytes_max,
            lexicons: Lexicons::default(),
            defining: HashMap::new(),
            waiting: VecDeque::new(),
            fetching: HashMap::new(),
            loads: Vec::new(),
            deferred: HashMap::new(),
            set_cookies: SetCookies::default(),
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

    pub(crate) fn handle_timeout(&mut self, now: Instant, parts: &mut Commons) {
        self.machine.handle_timeout(now);
        self.drain_machine(now, parts);
    }

    pub(crate) fn request(&mut self, now: Instant, request: Request, parts: &mut Commons) {
        self.tell(now, synthesizer::Input::Request(request), parts);
    }

    /// Completes every open request; nothing is spoken any more.
    pub(crate) fn close(&mut self, now: Instant, parts: &mut Commons) {
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
        parts: &mut Commons,
    ) {
        if let Some(speaking) = &mut self.speaking {
            speaking.prompt.synthesized(utterance, outcome);
            self.drain_prompt(now, parts);
        }
    }

    pub(crate) fn leg_event(&mut self, now: Instant, event: LegEvent, parts: &mut Commons) {
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

    pub(crate) fn conversation(&mut self, now: Instant, what: FromConversation, parts: &mut Commons) {
        let Some(speaking) = &mut self.speaking else { return };
        match what {
            FromConversation::Say { text, markup, language, voice, cacheable } => {
                self.say(Said { text, language, voice, cacheable }, markup, parts);
            }
            FromConversation::ReplyEnded => speaking.prompt.reply_ended(),
            FromConversation::StopPlayout => {
                self.tell(now, synthesizer::Input::BargedIn, parts);
                return;
            }
            FromConversation::Hush => self.outputs.extend(self.leg.map(|(leg, _)| Output::Hush { leg })),
            FromConversation::Unhush => self.outputs.extend(self.leg.map(|(leg, _)| Output::Unhush { leg })),
            // These are for the part that listens.
            FromConversation::YieldFloor
            | FromConversation::Dismiss
            | FromConversation::AwaitSilence { .. }
            | FromConversation::ListenFor { .. }
            | FromConversation::Complete { .. }
            | FromConversation::CollectDtmf(_)
            | FromConversation::Abandoned => {}
        }
        self.drain_prompt(now, parts);
    }

    fn tell(&mut self, now: Instant, input: synthesizer::Input, parts: &mut Commons) {
        self.machine.handle_input(now, input);
        self.drain_machine(now, parts);
    }

    fn drain_machine(&mut self, now: Instant, parts: &mut Commons) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                synthesizer::Output::Send(message) => self.send(now, message),
                synthesizer::Output::Prepare { request_id, speech } => self.ask(now, request_id, speech, parts),
                synthesizer::Output::Control { request_id, control_id, change } => {
                    self.control(now, request_id, control_id, &change, parts);
                }
                synthesizer::Output::DefineLexicon { request_id, definition } => {
                    self.define(now, request_id, &definition, parts);
                }
                synthesizer::Output::Start { request_id } => self.start(now, request_id, parts),
                synthesizer::Output::Pause { .. } => self.outputs.extend(self.leg().map(|leg| Output::Pause { leg })),
                synthesizer::Output::Resume { .. } => self.outputs.extend(self.leg().map(|leg| Output::Resume { leg })),
                synthesizer::Output::Stop { request_id } => self.stop(now, request_id, parts),
            }
        }
    }

    fn send(&mut self, now: Instant, mut message: Message) {
        self.set_cookies.attach(now, &mut message);
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

    fn start(&mut self, now: Instant, request_id: RequestId, parts: &mut Commons) {
        if let Some(params) = self.deferred.remove(&request_id) {
            return self.load_speech(now, request_id, params, Stage::Started, parts);
        }
        let Some(Prepared { mut prompt, params, recordings }) = self.prepared.remove(&request_id) else { return };
        prompt.begin(self.next_utterance);
        let (controls, text) = (VecDeque::new(), String::new());
        let speaking =
            Speaking { request_id, params, prompt, part: None, controls, text, recordings, clause_loads: Vec::new() };
        if let Some(mut before) = self.speaking.replace(speaking) {
            before.abandon_clauses(&mut self.outputs);
            self.outputs.extend(before.recordings.into_iter().map(|key| Output::Abandon { key }));
        }
        self.drain_prompt(now, parts);
    }

    fn drain_prompt(&mut self, now: Instant, parts: &mut Commons) {
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
                PromptOutput::PlayRecording { utterance, key, span } => {
                    self.outputs.extend(self.leg().map(|leg| Output::PlayLoaded { key, utterance, leg, span }));
                }
                PromptOutput::StopPlaying => self.outputs.extend(self.leg().map(|leg| Output::StopPlaying { leg })),
                PromptOutput::Changed { restarted } => {
                    if let Some((control_id, _)) = speaking.controls.pop_front() {
                        let outcome = Ok(restarted);
                        self.machine.handle_input(now, synthesizer::Input::Controlled { control_id, outcome });
                        self.drain_machine(now, parts);
                        self.do_control(now, parts);
                    }
                }
                PromptOutput::Attach(uri) => {
                    let part = parts.next();
                    speaking.part = Some(part);
                    let details = details(uri, &speaking.params);
                    self.outputs.push_back(Output::Converse { part, what: ToConversation::SpeakerAttached(details) });
                }
                PromptOutput::ClauseStarted { clause, utterance, at } => {
                    if let (Some(part), Some(leg)) = (speaking.part, self.leg()) {
                        let what = ToConversation::ClauseStarted { clause, leg, utterance, at };
                        self.outputs.push_back(Output::Converse { part, what });
                    }
                }
                PromptOutput::Played(progress) => {
                    if let Some(part) = speaking.part {
                        self.outputs.push_back(Output::Converse { part, what: ToConversation::Played(progress) });
                    }
                }
                PromptOutput::Mark { name, at } => {
                    let at = at.unwrap_or(now);
                    self.machine.handle_input(now, synthesizer::Input::MarkReached { request_id, name, at });
                    self.drain_machine(now, parts);
                }
                PromptOutput::Finished { at } => {
                    self.finish(now, request_id, at, PromptEnd::Completed, Ok(()), parts);
                }
                PromptOutput::Failed { reason } => {
                    self.outputs.extend(self.leg().map(|leg| Output::StopPlaying { leg }));
                    let outcome = Err(Failure::new(FailureKind::Engine, reason));
                    self.finish(now, request_id, None, PromptEnd::Failed, outcome, parts);
                }
            }
        }
    }

    /// The prompt has come to its end by itself.
    fn finish(
        &mut self,
        now: Instant,
        request_id: RequestId,
        at: Option<Instant>,
        end: PromptEnd,
        outcome: Result<(), Failure>,
        parts: &mut Commons,
    ) {
        if let Some(speaking) = &mut self.speaking {
            self.next_utterance = speaking.prompt.next_utterance();
            // The conversation hears of the end now; the client after the tail, for which the text is kept.
            if let Some(part) = speaking.part.take() {
                let what = ToConversation::PromptDone { end, progress: speaking.prompt.progress(None) };
                self.outputs.push_back(Output::Converse { part, what });
            }
        }
        let at = at.unwrap_or(now);
        self.tell(now, synthesizer::Input::PlaybackFinished { request_id, at, outcome }, parts);
    }

    /// The machine wants a SPEAK stopped, or dropped before it began.
    fn stop(&mut self, now: Instant, request_id: RequestId, parts: &mut Commons) {
        if let Some(prepared) = self.prepared.remove(&request_id) {
            self.outputs.extend(prepared.recordings.into_iter().map(|key| Output::Abandon { key }));
        }
        self.forget_waiting(request_id);
        self.prepare_waiting(now, parts);
        let Some(speaking) = self.speaking.take_if(|speaking| speaking.request_id == request_id) else { return };
        self.next_utterance = speaking.prompt.next_utterance();
        self.outputs.extend(self.leg().map(|leg| Output::StopPlaying { leg }));
        if speaking.part.is_some() && speaking.prompt.is_under_way() {
            self.stopping.push(speaking);
        } else {
            self.done(speaking, PromptEnd::Stopped, None);
        }
    }

    fn done(&mut self, mut speaking: Speaking, end: PromptEnd, playing: Option<(UtteranceId, u64)>) {
        if let Some(part) = speaking.part {
            let what = ToConversation::PromptDone { end, progress: speaking.prompt.progress(playing) };
            self.outputs.push_back(Output::Converse { part, what });
        }
        speaking.abandon_clauses(&mut self.outputs);
        self.outputs.extend(speaking.recordings.into_iter().map(|key| Output::Abandon { key }));
    }
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
