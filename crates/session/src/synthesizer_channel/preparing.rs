//! Getting together what a SPEAK says: documents, recordings, lexicons.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use mrcp::synthesizer::{Failure, FailureKind, FetchHint, SpeakParams};
use mrcp::{FetchParams, HeaderName, RequestId, synthesizer};
use speech::{Language, Lexicon, Prosody, SpeechDocument};

use crate::clips::Voices;
use crate::commons::Commons;
use crate::fetching::{FetchFailure, FetchKey, FetchPurpose, FetchRequest, Fetched, LoadedAudio};
use crate::lexicons;
use crate::output::Output;
use crate::prompt::{Prompt, PromptChange, VoiceDefaults};
use crate::set_cookies::take_cookies;
use crate::speech_load::{Reader, Speech, SpeechLoad, Surroundings, absolute};

use super::controlling::{limit, spoken, target};
use super::{Fetching, Loading, Prepared, Stage, SynthesizerChannel, Waiting};

impl SynthesizerChannel {
    pub(super) fn prepare(
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
    pub(super) fn ask(&mut self, now: Instant, request_id: RequestId, params: Arc<SpeakParams>, parts: &mut Commons) {
        let is_queued = self.machine.active_request() != Some(request_id);
        let is_safe = [params.fetch_hint, params.audio_fetch_hint].contains(&FetchHint::Safe);
        if is_queued && is_safe {
            self.deferred.insert(request_id, params);
            self.machine.handle_input(now, synthesizer::Input::Prepared { request_id, outcome: Ok(()) });
        } else {
            self.load_speech(now, request_id, params, Stage::Unanswered, parts);
        }
    }

    pub(super) fn load_speech(
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
    pub(super) fn load_went(&mut self, now: Instant, at: usize, went: Result<(), Failure>, parts: &mut Commons) {
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
    pub(super) fn cannot_be_spoken(&mut self, now: Instant, request_id: RequestId, stage: Stage, failure: Failure) {
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
    pub(super) fn prepare_waiting(&mut self, now: Instant, parts: &mut Commons) {
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
    pub(super) fn missing_lexicons(
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
    pub(super) fn search_order(&self, document: &SpeechDocument, params: &SpeakParams) -> Vec<String> {
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

    pub(super) fn fetch(&mut self, request_id: RequestId, uri: String, params: FetchParams, parts: &mut Commons) {
        let key = parts.next_fetch();
        self.fetching.insert(key, Fetching { request_id, uri: uri.clone() });
        let request = FetchRequest { uri, purpose: FetchPurpose::Lexicon, params };
        self.outputs.push_back(Output::Fetch { key, request });
    }

    /// Whether it waits for that.
    pub(crate) fn awaits(&self, key: FetchKey) -> bool {
        self.fetching.contains_key(&key)
            || self.loads.iter().any(|loading| loading.load.awaits(key))
            || self.clause_awaits(key)
    }

    /// A recording is ready, or will not be.
    pub(crate) fn audio_loaded(
        &mut self,
        now: Instant,
        key: FetchKey,
        mut outcome: Result<LoadedAudio, FetchFailure>,
        parts: &mut Commons,
    ) {
        let Some(at) = self.loads.iter().position(|loading| loading.load.awaits(key)) else {
            return self.clause_audio_loaded(now, key, outcome, parts);
        };
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
    pub(super) fn speech_fetched(
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
    pub(super) fn forget_waiting(&mut self, request_id: RequestId) {
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
}
