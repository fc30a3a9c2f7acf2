//! A synthesizer channel: its state machine, the prompt that it speaks, and the leg that it speaks on.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use media::{ClockRate, LegEvent, PlayoutOutcome, UtteranceId};
use mrcp::synthesizer::{
    self, ControlRefused, Failure, FailureKind, FetchHint, JumpSize, LexiconDefinition, SpeakLength, SpeakParams,
    SpeechChange, Synthesizer, SynthesizerConfig,
};
use mrcp::{ChannelId, Entity, EventName, FetchParams, HeaderName, Message, Request, RequestId, VendorParameters};
use speech::{DialogReplyUri, Language, Lexicon, Prosody, SpeechDocument};

use crate::clips::Voices;
use crate::commons::Commons;
use crate::fetching::{FetchFailure, FetchKey, FetchPurpose, FetchRequest, Fetched, LoadedAudio};
use crate::lexicons::{self, Lexicons};
use crate::output::{CallDetails, FromConversation, LegId, Output, PartKey, PromptEnd, ToConversation};
use crate::prompt::{Limit, Prompt, PromptChange, PromptOutput, Target, VoiceDefaults};
use crate::set_cookies::{SetCookies, take_cookies};
use crate::speech_load::{Reader, Speech, SpeechLoad, Surroundings, absolute};
use crate::vendor;

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

    fn prepare(
        &mut self,
        request_id: RequestId,
        params: Arc<SpeakParams>,
        speech: Speech,
        fetched: &HashMap<String, Arc<Lexicon>>,
    ) -> Result<(), Failure> {
        let Speech { mut document, recordings } = speech;
        let Some((_, clock_rate)) = self.leg else {
            return Err(Failure::new(FailureKind::Engine, "the session has no audio to speak on"));
        };
        let language = match params.speech_language.as_deref() {
            None => self.default_language,
            Some(tag) => Language::from_tag(tag)
                .ok_or_else(|| Failure::new(FailureKind::Language, format!("{tag} is not spoken here")))?,
        };
        let order = self.search_order(&document, &params);
        let lexicons: Vec<Arc<Lexicon>> =
            order.iter().filter_map(|uri| self.lexicons.find(uri).or_else(|| fetched.get(uri))).cloned().collect();
        let active: Vec<&Lexicon> = lexicons.iter().map(Arc::as_ref).collect();
        speech::pronounce(&mut document.segments, &active, language);
        let has_clips = match &self.voices {
            Voices::Clips(index) => index.check(&document.segments, language).map(|()| true)?,
            Voices::Full | Voices::Basic => false,
        };
        // §8.4.7: markup says its prosody by itself.
        let prosody = if document.is_markup { Prosody::default() } else { spoken(Prosody::default(), &params.prosody) };
        // A voice called "default" is what FreeSWITCH sends when the dialplan names none.
        let named = params.voice.name.as_deref().filter(|name| !name.eq_ignore_ascii_case("default"));
        let voices = self.voice_names.clone();
        let mut defaults = VoiceDefaults { language, voice: None, prosody, voices, has_clips };
        defaults.voice = defaults.voice_of(named);
        let start = PromptChange {
            target: params.jump.as_ref().map(|jump| target(jump, clock_rate)),
            limit: params.length.as_ref().map(|length| limit(length, clock_rate)),
            prosody: None,
        };
        let prompt =
            Prompt::new(document.segments, &recordings, defaults, clock_rate.hz(), start).map_err(|refused| {
                let (name, value) = match (&params.jump, &params.length) {
                    (Some(jump), _) => (HeaderName::JumpSize, jump.to_string()),
                    (None, Some(length)) => (HeaderName::SpeakLength, length.to_string()),
                    (None, None) => (HeaderName::JumpSize, String::new()),
                };
                Failure::new(FailureKind::HeaderValue { name, value }, refused.to_string())
            })?;
        let recordings = recordings.into_values().map(|(key, _)| key).collect();
        self.prepared.insert(request_id, Prepared { prompt, params, recordings });
        Ok(())
    }

    /// Gets together what a SPEAK says, at once unless nothing may be fetched before it is spoken.
    fn ask(&mut self, now: Instant, request_id: RequestId, params: Arc<SpeakParams>, parts: &mut Commons) {
        let is_queued = self.machine.active_request() != Some(request_id);
        let is_safe = [params.fetch_hint, params.audio_fetch_hint].contains(&FetchHint::Safe);
        if is_queued && is_safe {
            self.deferred.insert(request_id, params);
            self.machine.handle_input(now, synthesizer::Input::Prepared { request_id, outcome: Ok(()) });
        } else {
            self.load_speech(now, request_id, params, Stage::Unanswered, parts);
        }
    }

    fn load_speech(
        &mut self,
        now: Instant,
        request_id: RequestId,
        params: Arc<SpeakParams>,
        stage: Stage,
        parts: &mut Commons,
    ) {
        let Some((_, clock_rate)) = self.leg else {
            let failure = Failure::new(FailureKind::Engine, "the session has no audio to speak on");
            return self.cannot_be_spoken(now, request_id, stage, failure);
        };
        let read: Reader = match self.voices {
            Voices::Full => speech::document,
            Voices::Basic | Voices::Clips(_) => speech::basic_document,
        };
        let (content, fetch) = (params.content.clone(), params.fetch.clone());
        let mut with = Surroundings { keys: parts, outputs: &mut self.outputs };
        match SpeechLoad::begin(request_id, content, self.body_bytes_max, read, fetch, clock_rate, &mut with) {
            Ok(load) => {
                self.loads.push(Loading { load, params, stage });
                self.load_went(now, self.loads.len() - 1, Ok(()), parts);
            }
            Err(failure) => self.cannot_be_spoken(now, request_id, stage, failure),
        }
    }

    /// A load has come further, or failed.
    fn load_went(&mut self, now: Instant, at: usize, went: Result<(), Failure>, parts: &mut Commons) {
        let speech = match went {
            Ok(()) => match self.loads.get_mut(at).and_then(|loading| loading.load.finish()) {
                Some(speech) => Ok(speech),
                None => return,
            },
            Err(failure) => Err(failure),
        };
        let Loading { load, params, stage } = self.loads.remove(at);
        match speech {
            Ok(speech) => {
                self.waiting.push_back(Waiting {
                    request_id: load.request_id,
                    params,
                    speech,
                    stage,
                    left: 0,
                    fetched: HashMap::new(),
                });
                self.prepare_waiting(now, parts);
            }
            Err(failure) => self.cannot_be_spoken(now, load.request_id, stage, failure),
        }
    }

    /// A SPEAK that fails before anything of it sounds.
    fn cannot_be_spoken(&mut self, now: Instant, request_id: RequestId, stage: Stage, failure: Failure) {
        let outcome = Err(failure);
        self.machine.handle_input(
            now,
            match stage {
                Stage::Unanswered => synthesizer::Input::Prepared { request_id, outcome },
                Stage::Started => synthesizer::Input::PlaybackFinished { request_id, at: now, outcome },
            },
        );
    }

    /// Prepares what waits, once every lexicon that was being defined when it came is there.
    fn prepare_waiting(&mut self, now: Instant, parts: &mut Commons) {
        while self.defining.is_empty()
            && let Some(at) = self.waiting.iter().position(|waiting| waiting.left == 0)
            && let Some(mut waiting) = self.waiting.remove(at)
        {
            let request_id = waiting.request_id;
            let params = Arc::clone(&waiting.params);
            let stage = waiting.stage;
            let keys: Vec<FetchKey> = waiting.speech.recordings.values().map(|(key, _)| *key).collect();
            let outcome = match self.missing_lexicons(&waiting.speech.document, &params, &waiting.fetched) {
                Ok(missing) if !missing.is_empty() => {
                    let fetch = params.fetch.clone();
                    waiting.left = missing.len();
                    self.waiting.push_back(waiting);
                    for uri in missing {
                        self.fetch(request_id, uri, fetch.clone(), parts);
                    }
                    continue;
                }
                Ok(_) => self.prepare(request_id, params, waiting.speech, &waiting.fetched),
                Err(failure) => Err(failure),
            };
            match (outcome, stage) {
                (Ok(()), Stage::Unanswered) => {
                    self.machine.handle_input(now, synthesizer::Input::Prepared { request_id, outcome: Ok(()) });
                }
                (Ok(()), Stage::Started) => self.start(now, request_id, parts),
                (Err(failure), _) => {
                    self.outputs.extend(keys.into_iter().map(|key| Output::Abandon { key }));
                    self.cannot_be_spoken(now, request_id, stage, failure);
                }
            }
        }
    }

    /// The lexicons that a SPEAK names and that have to be fetched for it.
    fn missing_lexicons(
        &self,
        document: &SpeechDocument,
        params: &SpeakParams,
        fetched: &HashMap<String, Arc<Lexicon>>,
    ) -> Result<Vec<String>, Failure> {
        let named = self.search_order(document, params);
        let is_there = |uri: &String| self.lexicons.find(uri).is_some() || fetched.contains_key(uri);
        let missing: Vec<String> = named.into_iter().filter(|uri| !is_there(uri)).collect();
        if missing.len() > lexicons::LEXICONS_MAX {
            return Err(lexicons::failure("session:", "too many lexicons are named"));
        }
        match missing.iter().find(|uri| uri.starts_with("session:")) {
            Some(uri) => Err(lexicons::failure(uri, format!("there is no lexicon {uri}"))),
            None => Ok(missing),
        }
    }

    /// The URIs of the lexicons that hold for a SPEAK: those of its markup before those of its header (§8.4.17), or, where there
    /// is none, those that were defined.
    fn search_order(&self, document: &SpeechDocument, params: &SpeakParams) -> Vec<String> {
        let base = document.base.as_deref().or(params.content.base.as_deref());
        let own = document.lexicons.iter().map(|uri| absolute(uri, base));
        let others = params.lexicons.clone().unwrap_or_else(|| self.lexicons.loaded());
        let mut order: Vec<String> = Vec::new();
        for uri in own.chain(others) {
            if !order.contains(&uri) {
                order.push(uri);
            }
        }
        order
    }

    fn fetch(&mut self, request_id: RequestId, uri: String, params: FetchParams, parts: &mut Commons) {
        let key = parts.next_fetch();
        self.fetching.insert(key, Fetching { request_id, uri: uri.clone() });
        let request = FetchRequest { uri, purpose: FetchPurpose::Lexicon, params };
        self.outputs.push_back(Output::Fetch { key, request });
    }

    /// Whether it waits for that.
    pub(crate) fn awaits(&self, key: FetchKey) -> bool {
        self.fetching.contains_key(&key) || self.loads.iter().any(|loading| loading.load.awaits(key))
    }

    /// A recording is ready, or will not be.
    pub(crate) fn audio_loaded(
        &mut self,
        now: Instant,
        key: FetchKey,
        mut outcome: Result<LoadedAudio, FetchFailure>,
        parts: &mut Commons,
    ) {
        let Some(at) = self.loads.iter().position(|loading| loading.load.awaits(key)) else { return };
        let Some(Loading { load, .. }) = self.loads.get_mut(at) else { return };
        let cookies = match &mut outcome {
            Ok(loaded) => &mut loaded.set_cookies,
            Err(failure) => &mut failure.set_cookies,
        };
        self.set_cookies.note(now, load.request_id, std::mem::take(cookies));
        let went = load.audio_loaded(key, outcome, &mut Surroundings { keys: parts, outputs: &mut self.outputs });
        self.load_went(now, at, went, parts);
        self.drain_machine(now, parts);
    }

    /// A document that is spoken has come, or not.
    fn speech_fetched(
        &mut self,
        now: Instant,
        at: usize,
        key: FetchKey,
        outcome: Result<Fetched, FetchFailure>,
        parts: &mut Commons,
    ) {
        let Some(Loading { load, .. }) = self.loads.get_mut(at) else { return };
        let went = load.fetched(key, outcome, &mut Surroundings { keys: parts, outputs: &mut self.outputs });
        self.load_went(now, at, went, parts);
        self.drain_machine(now, parts);
    }

    /// A document has come, or not. Whether it was asked for here.
    pub(crate) fn fetched(
        &mut self,
        now: Instant,
        key: FetchKey,
        mut outcome: Result<Fetched, FetchFailure>,
        parts: &mut Commons,
    ) {
        let load = self.loads.iter().position(|loading| loading.load.awaits(key));
        let asked_by = match load {
            Some(at) => self.loads.get(at).map(|loading| loading.load.request_id),
            None => self.fetching.get(&key).map(|fetching| fetching.request_id),
        };
        if let Some(request_id) = asked_by {
            self.set_cookies.note(now, request_id, take_cookies(&mut outcome));
        }
        if let Some(at) = load {
            return self.speech_fetched(now, at, key, outcome, parts);
        }
        let Some(Fetching { request_id, uri }) = self.fetching.remove(&key) else { return };
        let is_defined = self.defining.contains_key(&request_id);
        let read = match outcome {
            Ok(fetched) => lexicons::read(&uri, &fetched.content),
            Err(failure) => Err(lexicons::failure(&uri, failure.reason.clone())),
        };
        let kept = read.and_then(|lexicon| {
            if is_defined {
                return self.lexicons.store(&uri, lexicon);
            }
            if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.request_id == request_id) {
                waiting.fetched.insert(uri, lexicon);
            }
            Ok(())
        });
        if let Err(failure) = kept {
            let stage = self.waiting.iter().find(|waiting| waiting.request_id == request_id);
            let stage = stage.map_or(Stage::Unanswered, |waiting| waiting.stage);
            self.forget_waiting(request_id);
            if is_defined {
                let outcome = Err(failure);
                self.machine.handle_input(now, synthesizer::Input::LexiconDefined { request_id, outcome });
            } else {
                self.cannot_be_spoken(now, request_id, stage, failure);
            }
        } else if let Some(defining) = self.defining.get_mut(&request_id) {
            defining.left = defining.left.saturating_sub(1);
            if defining.left == 0 {
                self.defining.remove(&request_id);
                self.tell(now, synthesizer::Input::LexiconDefined { request_id, outcome: Ok(()) }, parts);
            }
        } else if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.request_id == request_id) {
            waiting.left = waiting.left.saturating_sub(1);
        }
        self.prepare_waiting(now, parts);
        self.drain_machine(now, parts);
    }

    /// Nothing is fetched for this request any more.
    fn forget_waiting(&mut self, request_id: RequestId) {
        self.defining.remove(&request_id);
        self.deferred.remove(&request_id);
        let outputs = &mut self.outputs;
        self.waiting.retain(|waiting| {
            let stays = waiting.request_id != request_id;
            if !stays {
                let keys = waiting.speech.recordings.values().map(|(key, _)| *key);
                outputs.extend(keys.map(|key| Output::Abandon { key }));
            }
            stays
        });
        self.loads.retain_mut(|loading| {
            let stays = loading.load.request_id != request_id;
            if !stays {
                loading.load.abandon(outputs);
            }
            stays
        });
        self.fetching.retain(|key, fetching| {
            let stays = fetching.request_id != request_id;
            if !stays {
                outputs.push_back(Output::Abandon { key: *key });
            }
            stays
        });
    }

    /// DEFINE-LEXICON (§8.14).
    fn define(&mut self, now: Instant, request_id: RequestId, definition: &LexiconDefinition, parts: &mut Commons) {
        match self.load(definition) {
            Ok(missing) if missing.is_empty() => {
                self.machine.handle_input(now, synthesizer::Input::LexiconDefined { request_id, outcome: Ok(()) });
            }
            Ok(missing) => {
                self.defining.insert(request_id, Defining { left: missing.len() });
                for uri in missing {
                    self.fetch(request_id, uri, definition.fetch.clone(), parts);
                }
            }
            Err(failure) => {
                let outcome = Err(failure);
                self.machine.handle_input(now, synthesizer::Input::LexiconDefined { request_id, outcome });
            }
        }
    }

    /// Loads or unloads what can be at once; gives what has to be fetched.
    fn load(&mut self, definition: &LexiconDefinition) -> Result<Vec<String>, Failure> {
        let mut missing = Vec::new();
        let failed = |reason: &str| lexicons::failure("session:", reason);
        let kind = |entity: &Entity| entity.content_type.as_deref().unwrap_or_default().to_owned();
        let content = definition.content.clone();
        let parts =
            content.parts(self.body_bytes_max).map_err(|_| failed("the parts of the body cannot be told apart"))?;
        for part in parts {
            let kind = kind(&part);
            if is_kind(&kind, "text/uri-list") {
                let list = String::from_utf8_lossy(&part.body).into_owned();
                let lines = list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
                for uri in lines.map(|uri| absolute(uri, part.base.as_deref())) {
                    if definition.loads && self.lexicons.find(&uri).is_none() {
                        missing.push(uri);
                    } else if !definition.loads {
                        self.lexicons.unload(&uri);
                    }
                }
                continue;
            }
            let uri = part.content_id.as_deref().map(lexicons::session_uri);
            let uri = uri.ok_or_else(|| failed("a lexicon has no Content-ID"))?;
            if !definition.loads {
                self.lexicons.unload(&uri);
            } else if ["application/pls+xml", "application/xml", "text/xml"].iter().any(|known| is_kind(&kind, known)) {
                let lexicon = lexicons::read(&uri, &part.body)?;
                self.lexicons.store(&uri, lexicon)?;
            } else {
                return Err(failed(&format!(
                    "{kind} is no type of lexicon that is supported, use application/pls+xml"
                )));
            }
        }
        if missing.len() > lexicons::LEXICONS_MAX {
            return Err(failed("too many lexicons are named"));
        }
        Ok(missing)
    }

    /// CONTROL (§8.11): one change after the other.
    fn control(
        &mut self,
        now: Instant,
        request_id: RequestId,
        control_id: RequestId,
        change: &SpeechChange,
        parts: &mut Commons,
    ) {
        let Some((_, clock_rate)) = self.leg else { return };
        let Some(speaking) = self.speaking.as_mut().filter(|speaking| speaking.request_id == request_id) else {
            // What it says is still on its way.
            let outcome = Err(ControlRefused);
            return self.machine.handle_input(now, synthesizer::Input::Controlled { control_id, outcome });
        };
        let asked = mrcp::synthesizer::Prosody {
            rate: change.rate.clone(),
            pitch: change.pitch.clone(),
            volume: change.volume.clone(),
        };
        let is_prosody = asked != mrcp::synthesizer::Prosody::default();
        let change = PromptChange {
            target: change.jump.as_ref().map(|jump| target(jump, clock_rate)),
            limit: change.length.as_ref().map(|length| limit(length, clock_rate)),
            prosody: is_prosody.then(|| spoken(speaking.prompt.prosody(), &asked)),
        };
        speaking.controls.push_back((control_id, change));
        if speaking.controls.len() == 1 {
            self.do_control(now, parts);
        }
    }

    /// Begins with the first CONTROL that is open.
    fn do_control(&mut self, now: Instant, parts: &mut Commons) {
        while let Some(speaking) = &mut self.speaking
            && !speaking.prompt.is_changing()
            && let Some((control_id, change)) = speaking.controls.front().cloned()
        {
            if speaking.prompt.change(change).is_err() {
                speaking.controls.pop_front();
                let outcome = Err(ControlRefused);
                self.machine.handle_input(now, synthesizer::Input::Controlled { control_id, outcome });
            } else {
                return self.drain_prompt(now, parts);
            }
        }
    }

    fn start(&mut self, now: Instant, request_id: RequestId, parts: &mut Commons) {
        if let Some(params) = self.deferred.remove(&request_id) {
            return self.load_speech(now, request_id, params, Stage::Started, parts);
        }
        let Some(Prepared { mut prompt, params, recordings }) = self.prepared.remove(&request_id) else { return };
        prompt.begin(self.next_utterance);
        let (controls, text) = (VecDeque::new(), String::new());
        let speaking = Speaking { request_id, params, prompt, part: None, controls, text, recordings };
        if let Some(before) = self.speaking.replace(speaking) {
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

    fn done(&mut self, speaking: Speaking, end: PromptEnd, playing: Option<(UtteranceId, u64)>) {
        if let Some(part) = speaking.part {
            let what = ToConversation::PromptDone { end, progress: speaking.prompt.progress(playing) };
            self.outputs.push_back(Output::Converse { part, what });
        }
        self.outputs.extend(speaking.recordings.into_iter().map(|key| Output::Abandon { key }));
    }
}

fn is_kind(content_type: &str, wanted: &str) -> bool {
    content_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(wanted))
}

/// `prosody` changed by headers: a value with a sign is relative to what holds, any other takes its place.
fn spoken(prosody: Prosody, asked: &mrcp::synthesizer::Prosody) -> Prosody {
    let is_relative = |value: &&str| value.starts_with(['+', '-']);
    let [rate, pitch, volume] = [&asked.rate, &asked.pitch, &asked.volume].map(|value| value.as_deref());
    let given = Prosody::default().with(rate, pitch, volume);
    let kept =
        |value: Option<&str>, before: f32| if value.is_none_or(|value| is_relative(&value)) { before } else { 1.0 };
    let before = Prosody {
        rate: kept(rate, prosody.rate),
        pitch: kept(pitch, prosody.pitch),
        volume: kept(volume, prosody.volume),
    };
    before.and(given)
}

fn samples(seconds: u64, clock_rate: ClockRate) -> u64 {
    seconds.saturating_mul(u64::from(clock_rate.hz()))
}

fn target(jump: &JumpSize, clock_rate: ClockRate) -> Target {
    match jump {
        JumpSize::Ahead(seconds) => Target::Ahead(samples(*seconds, clock_rate)),
        JumpSize::Back(seconds) => Target::Back(samples(*seconds, clock_rate)),
        JumpSize::At(seconds) => Target::At(samples(*seconds, clock_rate)),
        JumpSize::Tag(name) => Target::Mark(name.clone()),
    }
}

fn limit(length: &SpeakLength, clock_rate: ClockRate) -> Limit {
    match length {
        SpeakLength::Seconds(seconds) => Limit::Samples(samples(*seconds, clock_rate)),
        SpeakLength::Tag(name) => Limit::Mark(name.clone()),
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
