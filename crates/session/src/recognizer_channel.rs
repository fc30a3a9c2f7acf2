//! A recognizer channel: its state machine, the grammars of the session, and what is being heard.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::ClockRate;
use mrcp::recognizer::{
    self, Failure, FailureKind, FinishedInput, GrammarPurpose, InputMatch, InputModes, Outcome, RecognizeParams,
    Recognizer, RecognizerConfig, ResultBody, ResultConstraints, Verdict, WantedSilence,
};
use mrcp::{
    ChannelId, EventName, FetchParams, GrammarRef, HeaderName, Message, RecognizerCause, Request, RequestId,
    RequestState, Resource,
};
use speech::nlsml::{InstanceForm, NlsmlStyle};
use speech::{Date, Grammar, Hypothesis, InputMode, Language, Match, RecognitionResult, ResultFormat};

use crate::commons::Commons;
use crate::fetching::{FetchFailure, FetchKey, Fetched, LoadedAudio};
use crate::finding::{Constraints, Evidence, Finding, result_body};
use crate::grammar_job::CompiledGrammar;
use crate::grammar_loading::{EndedLoad, GrammarLoading, LoadFor};
use crate::input::Heard;
use crate::input_waveform::{InputWaveforms, Waiting};
use crate::output::{
    CallDetails, CallerInput, CallerSound, FromConversation, InputKind, KeysOnly, LegId, ListenKey, Output, PartKey,
    ToConversation,
};
use crate::recording::{RecordKey, RecordingEvent};
use crate::saved_waveform::SavedWaveforms;
use crate::set_cookies::{SetCookies, take_cookies};
use crate::vendor;

/// How results are written where the request does not say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResultStyle {
    /// The format where the client accepts several or says nothing.
    pub format: ResultFormat,
    /// Form of objects in `<instance>`.
    pub instance: InstanceForm,
    /// Whether `<result>` declares its namespace.
    pub namespaced: bool,
    /// Whether a recognition in which nothing was said ends with a document that says so, too.
    pub no_input: bool,
    /// Whether a conversation decides what is an interruption of its prompts; without, all speech is input.
    pub barge_in: bool,
}

/// A recognizer channel of a session.
pub(crate) struct RecognizerChannel {
    id: ChannelId,
    machine: Recognizer,
    leg: Option<LegId>,
    default_language: Language,
    /// The day that relative dates are resolved against.
    today: Option<Date>,
    style: ResultStyle,
    /// What the recognition under way ends with if nothing is said.
    silence: Option<(RequestId, ResultBody)>,
    loading: GrammarLoading,
    set_cookies: SetCookies,
    /// Of requests that do not listen yet.
    loaded: HashMap<RequestId, Vec<Grammar>>,
    listening: Option<Listening>,
    waveforms: SavedWaveforms,
    inputs: InputWaveforms,
    /// What the last RECOGNIZE found, for GET-RESULT.
    found: Option<Finding>,
    /// A RECOGNIZE of a conversation that ended without a turn, until it is known why.
    ended: Option<(RequestId, PartKey)>,
    /// The RECOGNIZE that was completed with `no-input-timeout`.
    silent: Option<RequestId>,
    next_listening: u32,
    outputs: VecDeque<Output>,
}

struct Listening {
    request_id: RequestId,
    key: ListenKey,
    /// Whether the engine listens; not for DTMF alone.
    hears: bool,
    /// What it hears instead of the call.
    audio: Option<FetchKey>,
    language: Language,
    format: ResultFormat,
    grammars: Arc<[Grammar]>,
    params: Arc<RecognizeParams>,
    part: Option<PartKey>,
    turn: Turn,
    /// What the conversation expects to be said.
    hints: Vec<String>,
    started: Option<Instant>,
    ended: Option<Instant>,
    /// When the input was decided to be over.
    decided: Option<Instant>,
    /// How keys alone are listened to, where the conversation wants no speech.
    keys_only: Option<KeysOnly>,
    floor: Floor,
    /// What was said so far, as the engine has it.
    spoken: Option<Hypothesis>,
}

/// Whether what is heard is input, which the client is told of by START-OF-INPUT.
#[derive(Debug)]
enum Floor {
    /// It is.
    Yielded,
    /// The conversation is asked when something is heard.
    Guarded,
    /// The conversation has been asked, and until it answers this is kept for the machine.
    Asked(Kept),
}

/// What was heard of speech that is not known to be input.
#[derive(Debug)]
struct Kept {
    /// Where it began in the audio.
    offset: Duration,
    /// The pause, where the caller has made one: since when, and where in the audio.
    pause: Option<(Instant, Duration)>,
    found: Option<InputMatch>,
}

/// Where the turn of a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The caller's turn is not over, or there is no conversation.
    Open,
    /// The conversation has it.
    Told,
}

impl RecognizerChannel {
    pub(crate) fn new(
        id: ChannelId,
        config: Arc<RecognizerConfig>,
        leg: Option<(LegId, ClockRate)>,
        default_language: Language,
        style: ResultStyle,
        waveform_time_max: Duration,
    ) -> Self {
        let machine = Recognizer::new(config, id.clone());
        Self {
            id,
            machine,
            waveforms: SavedWaveforms::new(leg, waveform_time_max),
            inputs: InputWaveforms::new(leg.map(|(_, rate)| rate)),
            leg: leg.map(|(leg, _)| leg),
            default_language,
            today: None,
            style,
            silence: None,
            loading: GrammarLoading::default(),
            set_cookies: SetCookies::default(),
            loaded: HashMap::new(),
            listening: None,
            found: None,
            ended: None,
            silent: None,
            next_listening: 0,
            outputs: VecDeque::new(),
        }
    }

    pub(crate) fn id(&self) -> &ChannelId {
        &self.id
    }

    pub(crate) fn leg(&self) -> Option<LegId> {
        self.leg
    }

    /// Tells which day it is, before each request.
    pub(crate) fn set_today(&mut self, today: Option<Date>) {
        self.today = today;
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        [self.machine.poll_timeout(), self.waveforms.poll_timeout()].into_iter().flatten().min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, parts: &mut Commons) {
        self.waveforms.handle_timeout(now);
        self.send_held();
        self.machine.handle_timeout(now);
        self.drain_machine(now, parts);
    }

    pub(crate) fn request(&mut self, now: Instant, request: Request, parts: &mut Commons) {
        if let Some(refusal) = self.waveforms.refusal(&request) {
            return self.send(now, Message::Response(refusal));
        }
        self.tell(now, recognizer::Input::Request(request), parts);
    }

    /// Completes every open request; nothing is heard any more.
    pub(crate) fn close(&mut self, now: Instant, parts: &mut Commons) {
        self.tell(now, recognizer::Input::Close, parts);
        self.waveforms.close();
        self.send_held();
    }

    pub(crate) fn dtmf(&mut self, now: Instant, digit: char, parts: &mut Commons) {
        if let Some(listening) = &mut self.listening {
            listening.started.get_or_insert(now);
            listening.ended = Some(now);
            self.tell_sound(CallerSound::Keyed);
        }
        self.tell(now, recognizer::Input::Dtmf { digit }, parts);
    }

    pub(crate) fn capture_failed(&mut self, now: Instant, reason: &str, parts: &mut Commons) {
        if let Some(listening) = &self.listening {
            let request_id = listening.request_id;
            let reason = reason.to_owned();
            self.tell(now, recognizer::Input::EngineFailed { request_id, reason }, parts);
        }
    }

    pub(crate) fn heard(&mut self, now: Instant, key: ListenKey, heard: Heard, parts: &mut Commons) {
        let Some(listening) = self.listening.as_mut().filter(|listening| listening.key == key) else { return };
        let request_id = listening.request_id;
        match heard {
            Heard::SpeechStarted { offset } => {
                listening.started.get_or_insert(now);
                match &listening.floor {
                    Floor::Guarded => {
                        listening.floor = Floor::Asked(Kept { offset, pause: None, found: None });
                        self.tell_sound(CallerSound::Began);
                    }
                    Floor::Asked(_) => self.tell_sound(CallerSound::Resumed),
                    Floor::Yielded => {
                        self.tell(now, recognizer::Input::SpeechStarted { request_id, offset }, parts);
                    }
                }
            }
            Heard::SpeechEnded { offset, silence } => {
                let at = now.checked_sub(silence).unwrap_or(now);
                listening.ended = Some(at);
                let kept = listening.keep(|kept| kept.pause = Some((at, offset)));
                self.tell_sound(CallerSound::Paused { since: at });
                if !kept {
                    self.tell(now, recognizer::Input::SpeechEnded { request_id, at, offset }, parts);
                }
            }
            Heard::SpeechResumed => {
                let kept = listening.keep(|kept| (kept.pause, kept.found) = (None, None));
                self.tell_sound(CallerSound::Resumed);
                if !kept {
                    self.tell(now, recognizer::Input::SpeechResumed { request_id }, parts);
                }
            }
            Heard::Partial { text } => {
                // How sure the engine is of it is not known before the end.
                let hypothesis = |text: &str| [Hypothesis::new(text, 1.0, listening.language)];
                let constraints = listening.constraints();
                let found = match constraints.state(&listening.grammars, &hypothesis(&text)) {
                    // Its last word may be cut off in the middle: without it, the speech has to be as hopeless.
                    InputMatch::NoMatch => {
                        constraints.state(&listening.grammars, &hypothesis(without_last_word(&text)))
                    }
                    found @ (InputMatch::Prefix | InputMatch::Complete { .. }) => found,
                };
                let kept = listening.keep(|kept| kept.found = Some(found));
                self.tell_sound(CallerSound::Partial { text });
                if !kept {
                    self.tell(now, recognizer::Input::Matched { request_id, found }, parts);
                }
            }
            Heard::Hypotheses { hypotheses, is_final: false } => {
                let found = listening.constraints().state(&listening.grammars, &hypotheses);
                listening.spoken = hypotheses.first().filter(|_| has_words(&hypotheses)).cloned();
                if listening.is_judged() && has_words(&hypotheses) {
                    // The conversation says how long to wait; until it does, the incomplete time-out holds.
                    return self.tell_sound(CallerSound::Words { hypotheses });
                }
                let kept = listening.keep(|kept| kept.found = Some(found));
                self.tell_sound(CallerSound::Words { hypotheses });
                if !kept {
                    self.tell(now, recognizer::Input::Matched { request_id, found }, parts);
                }
            }
            Heard::Hypotheses { hypotheses, is_final: true } => self.finished(now, hypotheses, parts),
            Heard::LanguageUnsupported => {
                let cause = RecognizerCause::LanguageUnsupported;
                self.tell(now, recognizer::Input::Complete { request_id, cause, result: None }, parts);
            }
            Heard::Failed { reason } => {
                self.tell(now, recognizer::Input::EngineFailed { request_id, reason }, parts);
            }
        }
    }

    /// Whether `part` listens here.
    pub(crate) fn listens(&self, part: PartKey) -> bool {
        self.listening.as_ref().is_some_and(|listening| listening.part == Some(part))
    }

    pub(crate) fn conversation(&mut self, now: Instant, what: FromConversation, parts: &mut Commons) {
        let Some(listening) = &mut self.listening else { return };
        let request_id = listening.request_id;
        let input = match what {
            FromConversation::YieldFloor => return self.take_floor(now, parts),
            FromConversation::Dismiss => {
                if matches!(listening.floor, Floor::Asked(_)) {
                    self.listen_again(request_id);
                }
                return;
            }
            FromConversation::AwaitSilence { silence, is_complete } => {
                let silence = WantedSilence { silence, is_complete };
                recognizer::Input::SilenceWanted { request_id, silence }
            }
            FromConversation::ListenFor { no_input_timeout, hints } => {
                listening.hints = hints;
                let (key, phrases) = (listening.key, listening.phrases());
                if listening.hears && !listening.hints.is_empty() {
                    self.outputs.push_back(Output::Expect { key, phrases });
                }
                match no_input_timeout {
                    Some(timeout) => recognizer::Input::NoInputWithin { request_id, timeout },
                    None => return,
                }
            }
            FromConversation::Complete { instance, input, confidence, kind } => {
                listening.turn = Turn::Told;
                let mode = if kind == Some(InputKind::Dtmf) { InputMode::Dtmf } else { InputMode::Speech };
                let grammar_uri = listening.dialog_uri();
                let found = Match { grammar_uri, instance, confidence, input, mode, semantics_failure: None };
                let (format, style) = (listening.format, listening.style(self.style));
                let result = Some(result_body(format, &RecognitionResult::Matches(&[found]), &style));
                match kind {
                    Some(InputKind::Speech | InputKind::Dtmf) => recognizer::Input::Recognized {
                        request_id,
                        outcome: Outcome { verdict: Verdict::Match, result },
                    },
                    Some(InputKind::NoMatch) => recognizer::Input::Recognized {
                        request_id,
                        outcome: Outcome { verdict: Verdict::NoMatch, result },
                    },
                    // The machine has ended a RECOGNIZE without input by itself.
                    Some(InputKind::NoInput) => return,
                    None => recognizer::Input::Complete { request_id, cause: RecognizerCause::Success, result },
                }
            }
            FromConversation::CollectDtmf(how) => {
                let (no_input_timeout, interdigit_timeout) = (how.no_input_timeout, how.interdigit_timeout);
                listening.keys_only = Some(how);
                recognizer::Input::KeysOnly { request_id, no_input_timeout, interdigit_timeout }
            }
            FromConversation::Abandoned => {
                listening.turn = Turn::Told;
                let reason = "the conversation has ended, or listens elsewhere".to_owned();
                recognizer::Input::EngineFailed { request_id, reason }
            }
            // These are for the part that speaks.
            FromConversation::Say { .. }
            | FromConversation::ReplyEnded
            | FromConversation::StopPlayout
            | FromConversation::Hush
            | FromConversation::Unhush => return,
        };
        self.tell(now, input, parts);
    }

    fn tell(&mut self, now: Instant, input: recognizer::Input, parts: &mut Commons) {
        self.machine.handle_input(now, input);
        self.drain_machine(now, parts);
    }

    fn drain_machine(&mut self, now: Instant, parts: &mut Commons) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                recognizer::Output::Send(message) => self.send(now, message),
                recognizer::Output::DefineGrammar { request_id, grammars, language, fetch } => {
                    self.load(now, request_id, LoadFor::Definition, grammars, language.as_deref(), fetch, parts);
                }
                recognizer::Output::AbandonGrammars { request_id } => {
                    self.outputs.extend(self.inputs.forget(request_id));
                    self.loaded.remove(&request_id);
                    self.loading.abandon(request_id, &mut self.outputs);
                }
                recognizer::Output::ForgetGrammar { content_id } => parts.grammars.forget(&content_id),
                recognizer::Output::LoadGrammars { request_id, grammars, params, purpose } => {
                    if purpose == GrammarPurpose::Recognize {
                        self.found = None;
                        self.waveforms.expect(request_id, &params, parts);
                    }
                    if let Err(failure) = self.format(params.accept.as_deref()) {
                        let outcome = Err(failure);
                        self.machine.handle_input(now, recognizer::Input::GrammarsLoaded { request_id, outcome });
                        continue;
                    }
                    match self.inputs.begin(Waiting { request_id, grammars, params, purpose }, parts) {
                        Ok(output) => self.outputs.push_back(output),
                        Err(waiting) => self.load_grammars(now, waiting, parts),
                    }
                }
                recognizer::Output::Listen { request_id, modes, params } => {
                    self.listen(request_id, modes, params, parts);
                }
                recognizer::Output::ListenAgain { request_id } => self.listen_again(request_id),
                recognizer::Output::HearKeysOnly { request_id } => self.hear_keys_only(request_id),
                recognizer::Output::Interpret { request_id, text, params } => {
                    let outcome = self.interpret(request_id, text, &params);
                    self.machine.handle_input(now, recognizer::Input::Interpreted { request_id, outcome });
                }
                recognizer::Output::Recompute { request_id, constraints } => {
                    let outcome = self.recompute(&constraints);
                    self.machine.handle_input(now, recognizer::Input::Recomputed { request_id, outcome });
                }
                recognizer::Output::MatchDtmf { request_id, digits } => {
                    let outcome = self.match_dtmf(&digits);
                    let input = recognizer::Input::DtmfMatched { request_id, digits, outcome };
                    self.machine.handle_input(now, input);
                }
                recognizer::Output::Finish { input, .. } => self.finish(now, input),
                recognizer::Output::StopListening { request_id } => {
                    self.stop(request_id);
                    self.outputs.extend(self.inputs.forget(request_id));
                    self.outputs.extend(self.waveforms.stopped(now, request_id));
                }
            }
        }
        if let Some((request_id, part)) = self.ended.take() {
            let what = if self.silent == Some(request_id) {
                // The conversation decides what to say to silence.
                ToConversation::CallerTurn { input: CallerInput::NoInput, started: None, ended: None, decided: None }
            } else {
                ToConversation::ListenerDetached
            };
            self.outputs.push_back(Output::Converse { part, what });
        }
    }

    fn load_grammars(&mut self, now: Instant, waiting: Waiting, parts: &mut Commons) {
        let Waiting { request_id, grammars, params, purpose } = waiting;
        let (language, fetch) = (params.speech_language.as_deref(), params.fetch.clone());
        self.load(now, request_id, LoadFor::Use(purpose), grammars, language, fetch, parts);
    }

    /// Audio that was fetched for the session.
    pub(crate) fn audio_loaded(
        &mut self,
        now: Instant,
        key: FetchKey,
        outcome: &Result<LoadedAudio, FetchFailure>,
        parts: &mut Commons,
    ) {
        let Some((waiting, loaded)) = self.inputs.loaded(key, outcome) else { return };
        let set_cookies = match outcome {
            Ok(loaded) => loaded.set_cookies.clone(),
            Err(failure) => failure.set_cookies.clone(),
        };
        self.set_cookies.note(now, waiting.request_id, set_cookies);
        match loaded {
            Ok(()) => self.load_grammars(now, waiting, parts),
            Err(failure) => {
                let (request_id, outcome) = (waiting.request_id, Err(failure));
                self.machine.handle_input(now, recognizer::Input::GrammarsLoaded { request_id, outcome });
            }
        }
        self.drain_machine(now, parts);
    }

    fn send(&mut self, now: Instant, mut message: Message) {
        self.set_cookies.attach(now, &mut message);
        let is_over = match &message {
            Message::Response(response) => response.state == RequestState::Complete,
            Message::Event(event) => event.state == RequestState::Complete,
            Message::Request(_) => false,
        };
        if is_over {
            self.outputs.extend(self.inputs.forget(message.id()));
        }
        if let Message::Event(event) = &mut message
            && event.name == EventName::RecognitionComplete
            && event.headers.recognizer_cause() == Some(RecognizerCause::NoInputTimeout)
        {
            self.silent = Some(event.id);
            if let Some((_, result)) = self.silence.take_if(|(request_id, _)| *request_id == event.id) {
                event.headers.push(HeaderName::ContentType, result.content_type);
                event.body = result.body;
            }
        }
        if let Some(message) = self.waveforms.send(message, &mut self.outputs) {
            self.outputs.push_back(Output::Mrcp { channel: self.id.clone(), message });
        }
    }

    /// Says what waited for a waveform.
    fn send_held(&mut self) {
        while let Some(message) = self.waveforms.poll_message() {
            self.outputs.push_back(Output::Mrcp { channel: self.id.clone(), message });
        }
    }

    /// Something happened to a recording of the session.
    pub(crate) fn recording(&mut self, key: RecordKey, what: RecordingEvent) {
        self.waveforms.recording(key, what);
        self.send_held();
    }

    /// Whether it waits for that.
    pub(crate) fn awaits(&self, key: FetchKey) -> bool {
        self.loading.waiting_for(key).is_some()
    }

    pub(crate) fn fetched(
        &mut self,
        now: Instant,
        key: FetchKey,
        mut outcome: Result<Fetched, FetchFailure>,
        parts: &mut Commons,
    ) {
        if let Some(request_id) = self.loading.waiting_for(key) {
            self.set_cookies.note(now, request_id, take_cookies(&mut outcome));
        }
        let ended = self.loading.fetched(key, outcome, parts, &mut self.outputs);
        self.load_ended(now, ended, parts);
        self.drain_machine(now, parts);
    }

    pub(crate) fn compiled(&mut self, now: Instant, key: FetchKey, compiled: CompiledGrammar, parts: &mut Commons) {
        let ended = self.loading.compiled(key, compiled, parts, &mut self.outputs);
        self.load_ended(now, ended, parts);
        self.drain_machine(now, parts);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "what a request says of its grammars, at the one place where it is read"
    )]
    fn load(
        &mut self,
        now: Instant,
        request_id: RequestId,
        load_for: LoadFor,
        references: Vec<GrammarRef>,
        language: Option<&str>,
        fetch: FetchParams,
        parts: &mut Commons,
    ) {
        let unserved = language.filter(|tag| Language::from_tag(tag).is_none());
        let ended = match unserved {
            Some(tag) => {
                let failure = Failure::new(FailureKind::Language, format!("{tag} is not recognized here"));
                Some(EndedLoad { request_id, load_for, outcome: Err(failure) })
            }
            None => self.loading.begin(request_id, load_for, references, fetch, parts, &mut self.outputs),
        };
        self.load_ended(now, ended, parts);
    }

    /// All grammars of a request are there, or some cannot be had.
    fn load_ended(&mut self, now: Instant, ended: Option<EndedLoad>, parts: &mut Commons) {
        let Some(EndedLoad { request_id, load_for, outcome }) = ended else { return };
        let outcome = outcome.and_then(|(grammars, definitions)| {
            if load_for != LoadFor::Use(GrammarPurpose::Interpret) {
                self.check_modes(&grammars)?;
            }
            // All or none: a broken second grammar does not leave the first one behind.
            parts.grammars.define(definitions)?;
            Ok(grammars)
        });
        let input = match load_for {
            LoadFor::Definition => recognizer::Input::GrammarDefined { request_id, outcome: outcome.map(|_| ()) },
            LoadFor::Use(purpose) => recognizer::Input::GrammarsLoaded {
                request_id,
                outcome: outcome.and_then(|grammars| self.loaded(request_id, grammars, purpose)),
            },
        };
        self.machine.handle_input(now, input);
    }

    /// A resource that hears keys alone takes grammars of keys alone (RFC 6787 section 9).
    fn check_modes(&self, grammars: &[Grammar]) -> Result<(), Failure> {
        let is_dtmf_only = self.id.resource() == Some(Resource::DtmfRecog);
        if is_dtmf_only && !grammars.iter().all(Grammar::accepts_dtmf) {
            return Err(Failure::new(
                FailureKind::Definition,
                "this resource hears keys, and the grammar is of speech",
            ));
        }
        Ok(())
    }

    fn loaded(
        &mut self,
        request_id: RequestId,
        grammars: Vec<Grammar>,
        purpose: GrammarPurpose,
    ) -> Result<InputModes, Failure> {
        let grammars: Vec<Grammar> = grammars.into_iter().map(|grammar| grammar.on(self.today)).collect();
        let modes = InputModes {
            speech: grammars.iter().any(Grammar::accepts_speech),
            dtmf: grammars.iter().any(Grammar::accepts_dtmf),
        };
        if self.leg.is_none() && purpose == GrammarPurpose::Recognize {
            return Err(Failure::new(FailureKind::Engine, "the session has no audio to listen to"));
        }
        self.loaded.insert(request_id, grammars);
        Ok(modes)
    }

    fn listen(&mut self, request_id: RequestId, modes: InputModes, params: Arc<RecognizeParams>, parts: &mut Commons) {
        let grammars: Arc<[Grammar]> = self.loaded.remove(&request_id).unwrap_or_default().into();
        let key = self.next_key();
        let dialog = grammars.iter().find_map(Grammar::dialog);
        let language = self.language_of(&params, &grammars);
        let part = dialog.map(|dialog| {
            let part = parts.next();
            let mut variables = vendor::variables(&params.vendor);
            variables.extend(dialog.vars.clone());
            let details = CallDetails {
                conversation: dialog
                    .conversation
                    .clone()
                    .or_else(|| vendor::conversation(&params.vendor))
                    .or_else(|| params.logging_tag.clone()),
                flow: dialog.flow.clone().or_else(|| params.vendor.value(vendor::FLOW).map(str::to_owned)),
                language: dialog.language.or_else(|| params.speech_language.as_deref().and_then(Language::from_tag)),
                variables,
            };
            let what = ToConversation::ListenerAttached { reply_inline: dialog.reply_inline, details };
            self.outputs.push_back(Output::Converse { part, what });
            part
        });
        let audio = self.inputs.of(request_id);
        // What is recorded is said to no prompt, and a hotword decides by itself.
        let is_guarded = part.is_some() && self.style.barge_in && audio.is_none() && !params.mode.is_hotword();
        let listening = Listening {
            request_id,
            key,
            hears: modes.speech,
            audio,
            language,
            // Checked before the grammars were loaded.
            format: self.format(params.accept.as_deref()).unwrap_or_default(),
            grammars,
            params,
            part,
            turn: Turn::Open,
            hints: Vec::new(),
            started: None,
            ended: None,
            decided: None,
            keys_only: None,
            floor: if is_guarded { Floor::Guarded } else { Floor::Yielded },
            spoken: None,
        };
        self.silence = self.style.no_input.then(|| {
            let grammar_uri = listening.grammars.first().map_or("", |grammar| grammar.uri());
            let result = RecognitionResult::NoInput { grammar_uri };
            (request_id, result_body(listening.format, &result, &listening.style(self.style)))
        });
        if listening.audio.is_none() {
            self.outputs.extend(self.waveforms.begin(request_id, &listening.params));
        }
        self.outputs.extend(self.leg.and_then(|leg| listening.listen(leg)));
        self.listening = Some(listening);
    }

    /// What was heard is none of the hotwords: the engine forgets it and listens on.
    fn listen_again(&mut self, request_id: RequestId) {
        let key = self.next_key();
        let Some(listening) = self.listening.as_mut().filter(|listening| listening.request_id == request_id) else {
            return;
        };
        let Some(leg) = self.leg.filter(|_| listening.hears) else { return };
        self.outputs.push_back(Output::StopListening { key: listening.key, leg });
        listening.key = key;
        listening.started = None;
        listening.ended = None;
        if let Floor::Asked(_) = listening.floor {
            listening.floor = Floor::Guarded;
        }
        self.outputs.extend(listening.listen(leg));
    }

    /// The conversation has decided: what was heard is input.
    fn take_floor(&mut self, now: Instant, parts: &mut Commons) {
        let Some(listening) = &mut self.listening else { return };
        let request_id = listening.request_id;
        let Floor::Asked(kept) = std::mem::replace(&mut listening.floor, Floor::Yielded) else { return };
        let Kept { offset, pause, found } = kept;
        self.tell(now, recognizer::Input::SpeechStarted { request_id, offset }, parts);
        if let Some((at, offset)) = pause {
            self.tell(now, recognizer::Input::SpeechEnded { request_id, at, offset }, parts);
        }
        if let Some(found) = found {
            self.tell(now, recognizer::Input::Matched { request_id, found }, parts);
        }
    }

    /// The engine is not needed any more.
    fn hear_keys_only(&mut self, request_id: RequestId) {
        let Some(listening) = self.listening.as_mut().filter(|listening| listening.request_id == request_id) else {
            return;
        };
        listening.started = None;
        listening.ended = None;
        if let Floor::Asked(_) = listening.floor {
            listening.floor = Floor::Guarded;
        }
        if std::mem::take(&mut listening.hears) {
            let key = listening.key;
            self.outputs.extend(self.leg.map(|leg| Output::StopListening { key, leg }));
        }
    }

    /// The format in which a client wants its result.
    fn format(&self, accept: Option<&str>) -> Result<ResultFormat, Failure> {
        let accept = accept.unwrap_or_default();
        ResultFormat::accepted(accept, self.style.format).ok_or_else(|| {
            let kind = FailureKind::NotAcceptable { accept: accept.to_owned() };
            Failure::new(kind, "results are NLSML or EMMA")
        })
    }

    fn next_key(&mut self) -> ListenKey {
        self.next_listening = self.next_listening.wrapping_add(1);
        ListenKey(self.next_listening)
    }

    /// The language to expect: the request's, else the one that a grammar names, else the server's.
    fn language_of(&self, params: &RecognizeParams, grammars: &[Grammar]) -> Language {
        let asked = params.speech_language.as_deref().and_then(Language::from_tag);
        let dialog = || grammars.iter().find_map(Grammar::dialog).and_then(|dialog| dialog.language);
        let grammar = || grammars.iter().find_map(Grammar::language);
        asked.or_else(dialog).or_else(grammar).unwrap_or(self.default_language)
    }

    /// INTERPRET: what the text means to the grammars that were loaded for it.
    fn interpret(&mut self, request_id: RequestId, text: String, params: &RecognizeParams) -> Outcome {
        let grammars: Arc<[Grammar]> = self.loaded.remove(&request_id).unwrap_or_default().into();
        let language = self.language_of(params, &grammars);
        let style = style_of(&grammars, self.style);
        let format = self.format(params.accept.as_deref()).unwrap_or_default();
        let constraints = Constraints { threshold: 0.0, n_best: params.n_best_list_length, spots: false };
        Finding { grammars, evidence: Evidence::Text(text, language), constraints, style, format }.outcome()
    }

    /// GET-RESULT: the last input again under other constraints.
    fn recompute(&mut self, asked: &ResultConstraints) -> Result<Option<Outcome>, Failure> {
        let Some(found) = self.found.as_ref() else { return Ok(None) };
        let format = match &asked.accept {
            Some(accept) => self.format(Some(accept))?,
            None => found.format,
        };
        let constraints = Constraints {
            threshold: asked.confidence_threshold.unwrap_or(found.constraints.threshold),
            n_best: asked.n_best_list_length.unwrap_or(found.constraints.n_best),
            ..found.constraints
        };
        Ok(Some(Finding { constraints, format, ..found.clone() }.outcome()))
    }

    fn match_dtmf(&self, digits: &str) -> InputMatch {
        let Some(listening) = &self.listening else { return InputMatch::NoMatch };
        if let Some(how) = &listening.keys_only {
            return how.state_of(digits, listening.params.dtmf_term_char);
        }
        match speech::match_all_dtmf(&listening.grammars, digits).state {
            speech::DtmfMatch::NoMatch => InputMatch::NoMatch,
            speech::DtmfMatch::Prefix => InputMatch::Prefix,
            speech::DtmfMatch::Complete { can_grow, .. } => InputMatch::Complete { can_grow },
        }
    }

    /// The machine has decided that the input is over.
    fn finish(&mut self, now: Instant, input: FinishedInput) {
        let Some(listening) = &mut self.listening else { return };
        let request_id = listening.request_id;
        listening.decided = Some(now);
        match input {
            FinishedInput::Speech => self.outputs.push_back(Output::FinishListening { key: listening.key }),
            FinishedInput::Dtmf { mut digits } if listening.part.is_some() => {
                if let Some(how) = &listening.keys_only {
                    how.cut_terminator(&mut digits, listening.params.dtmf_term_char);
                }
                self.caller_turn(CallerInput::Dtmf(digits));
            }
            FinishedInput::Dtmf { digits } => {
                let evidence = Evidence::Keys { digits, spoken: listening.spoken.take() };
                let outcome = self.found.insert(listening.finding(evidence, self.style)).outcome();
                self.machine.handle_input(now, recognizer::Input::Recognized { request_id, outcome });
            }
        }
    }

    /// The engine has given its last word.
    fn finished(&mut self, now: Instant, hypotheses: Vec<Hypothesis>, parts: &mut Commons) {
        let Some(listening) = &mut self.listening else { return };
        let request_id = listening.request_id;
        if listening.part.is_some() {
            self.caller_turn(if has_words(&hypotheses) {
                CallerInput::Speech(hypotheses)
            } else {
                CallerInput::NoMatch(hypotheses)
            });
            return;
        }
        let outcome = self.found.insert(listening.finding(Evidence::Speech(hypotheses), self.style)).outcome();
        self.tell(now, recognizer::Input::Recognized { request_id, outcome }, parts);
    }

    fn caller_turn(&mut self, input: CallerInput) {
        let Some(listening) = &mut self.listening else { return };
        let (Some(part), Turn::Open) = (listening.part, listening.turn) else { return };
        listening.turn = Turn::Told;
        let (started, ended) = (listening.started, listening.ended);
        let what = ToConversation::CallerTurn { input, started, ended, decided: listening.decided };
        self.outputs.push_back(Output::Converse { part, what });
    }

    /// Tells the conversation what is heard of the caller.
    fn tell_sound(&mut self, sound: CallerSound) {
        let Some(listening) = &self.listening else { return };
        // Pauses are judged even where the caller cannot interrupt.
        let is_wanted = self.style.barge_in
            || match sound {
                CallerSound::Words { .. } | CallerSound::Resumed => true,
                CallerSound::Began | CallerSound::Partial { .. } | CallerSound::Paused { .. } | CallerSound::Keyed => {
                    false
                }
            };
        if let (Some(part), Turn::Open, true) = (listening.part, listening.turn, is_wanted) {
            self.outputs.push_back(Output::Converse { part, what: ToConversation::Sound(sound) });
        }
    }

    /// The machine has ended the recognition, however.
    fn stop(&mut self, request_id: RequestId) {
        self.loaded.remove(&request_id);
        let Some(listening) = self.listening.take_if(|listening| listening.request_id == request_id) else { return };
        if let Some(leg) = self.leg.filter(|_| listening.hears) {
            self.outputs.push_back(Output::StopListening { key: listening.key, leg });
        }
        if let Some(part) = listening.part
            && listening.turn == Turn::Open
        {
            self.ended = Some((request_id, part));
        }
    }
}

impl Listening {
    /// Keeps what the machine may not be told yet; `false` when it may.
    fn keep(&mut self, keep: impl FnOnce(&mut Kept)) -> bool {
        match &mut self.floor {
            Floor::Asked(kept) => {
                keep(kept);
                true
            }
            Floor::Yielded | Floor::Guarded => false,
        }
    }

    /// Words and phrases that are likely.
    fn phrases(&self) -> Vec<String> {
        self.grammars.iter().flat_map(Grammar::phrases).chain(self.hints.iter().cloned()).collect()
    }

    /// The conversation says when the turn is over; a hotword decides by itself.
    fn is_judged(&self) -> bool {
        self.part.is_some() && self.turn == Turn::Open && !self.params.mode.is_hotword()
    }

    fn dialog_uri(&self) -> String {
        self.grammars
            .iter()
            .find(|grammar| grammar.dialog().is_some())
            .map_or_else(String::new, |grammar| grammar.uri().to_owned())
    }

    fn style(&self, style: ResultStyle) -> NlsmlStyle {
        style_of(&self.grammars, style)
    }

    fn constraints(&self) -> Constraints {
        Constraints {
            threshold: self.params.confidence_threshold,
            n_best: self.params.n_best_list_length,
            spots: self.params.mode.is_hotword(),
        }
    }

    fn finding(&self, evidence: Evidence, style: ResultStyle) -> Finding {
        Finding {
            grammars: Arc::clone(&self.grammars),
            evidence,
            constraints: self.constraints(),
            style: self.style(style),
            format: self.format,
        }
    }

    /// What the engine is told; nothing when keys alone are wanted.
    fn listen(&self, leg: LegId) -> Option<Output> {
        self.hears.then(|| Output::Listen {
            key: self.key,
            leg,
            audio: self.audio,
            language: self.language,
            phrases: self.phrases(),
            sensitivity: hundredths(self.params.sensitivity_level),
            // They tell an interruption from a backchannel while the caller speaks.
            partials: self.params.mode.is_hotword() || self.params.early_no_match || self.part.is_some(),
        })
    }
}

fn style_of(grammars: &[Grammar], style: ResultStyle) -> NlsmlStyle {
    let asked = grammars.iter().find_map(Grammar::dialog).and_then(|dialog| dialog.instance);
    NlsmlStyle { namespaced: style.namespaced, instance: asked.unwrap_or(style.instance), timestamps: None }
}

fn hundredths(fraction: f32) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
    let hundredths = (fraction.clamp(0.0, 1.0) * 100.0).round() as u8;
    hundredths
}

fn without_last_word(text: &str) -> &str {
    let text = text.trim_end();
    let last = text.rfind(|char: char| char.is_whitespace() || !char.is_ascii());
    last.and_then(|at| text.get(..at)).unwrap_or_default()
}

fn has_words(hypotheses: &[Hypothesis]) -> bool {
    hypotheses.iter().any(|hypothesis| !hypothesis.text.trim().is_empty())
}
