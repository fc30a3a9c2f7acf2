//! Clauses of a reply that come as SSML: read, with the recordings that they name, in their place among the others.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use mrcp::Entity;
use speech::Lexicon;

use super::{Speaking, SynthesizerChannel};
use crate::commons::Commons;
use crate::fetching::{FetchFailure, FetchKey, LoadedAudio};
use crate::output::Output;
use crate::prompt::{ClauseSlot, Said};
use crate::speech_load::{Speech, SpeechLoad, Surroundings};

/// A clause whose recordings are on their way.
pub(super) struct ClauseLoad {
    slot: ClauseSlot,
    load: SpeechLoad,
    said: Said,
}

impl SynthesizerChannel {
    /// Speaks a clause of the reply: its markup, or its words where that cannot be spoken.
    pub(super) fn say(&mut self, said: Said, markup: Option<String>, parts: &mut Commons) {
        let Some((_, clock_rate)) = self.leg else { return };
        let Some(speaking) = &mut self.speaking else { return };
        if !speaking.prompt.is_replying() {
            return;
        }
        let Some(markup) = markup else { return speaking.prompt.say(&said, None) };
        let content = Entity {
            content_type: Some("application/ssml+xml".to_owned()),
            body: Bytes::from(markup),
            ..Entity::default()
        };
        let (request_id, fetch) = (speaking.request_id, speaking.params.fetch.clone());
        let with = &mut Surroundings { keys: parts, outputs: &mut self.outputs };
        match SpeechLoad::begin(request_id, content, self.body_bytes_max, speech::document, fetch, clock_rate, with) {
            Ok(mut load) => match load.finish() {
                Some(speech) => self.say_speech(&said, speech, None),
                None => {
                    let slot = speaking.prompt.await_clause();
                    speaking.clause_loads.push(ClauseLoad { slot, load, said });
                }
            },
            Err(_) => speaking.prompt.say(&said, None),
        }
    }

    fn say_speech(&mut self, said: &Said, mut speech: Speech, slot: Option<ClauseSlot>) {
        let lexicons: Vec<Arc<Lexicon>> =
            self.lexicons.loaded().iter().filter_map(|uri| self.lexicons.find(uri)).cloned().collect();
        let active: Vec<&Lexicon> = lexicons.iter().map(Arc::as_ref).collect();
        speech::pronounce(&mut speech.document.segments, &active, said.language);
        let Some(speaking) = &mut self.speaking else { return };
        speaking.recordings.extend(speech.recordings.values().map(|(key, _)| *key));
        match slot {
            Some(slot) => speaking.prompt.fill_clause(slot, said, Some(speech)),
            None => speaking.prompt.say(said, Some(speech)),
        }
    }

    /// Whether a clause waits for that.
    pub(super) fn clause_awaits(&self, key: FetchKey) -> bool {
        self.speaking
            .as_ref()
            .is_some_and(|speaking| speaking.clause_loads.iter().any(|clause| clause.load.awaits(key)))
    }

    /// A recording of a clause is ready, or will not be.
    pub(super) fn clause_audio_loaded(
        &mut self,
        now: Instant,
        key: FetchKey,
        outcome: Result<LoadedAudio, FetchFailure>,
        parts: &mut Commons,
    ) {
        let Some(speaking) = &mut self.speaking else { return };
        let Some(at) = speaking.clause_loads.iter().position(|clause| clause.load.awaits(key)) else { return };
        let Some(clause) = speaking.clause_loads.get_mut(at) else { return };
        let with = &mut Surroundings { keys: parts, outputs: &mut self.outputs };
        match clause.load.audio_loaded(key, outcome, with) {
            Ok(()) => {
                let Some(speech) = clause.load.finish() else { return };
                let ClauseLoad { slot, said, .. } = speaking.clause_loads.remove(at);
                self.say_speech(&said, speech, Some(slot));
            }
            Err(_) => {
                let ClauseLoad { slot, said, .. } = speaking.clause_loads.remove(at);
                speaking.prompt.fill_clause(slot, &said, None);
            }
        }
        self.drain_prompt(now, parts);
    }
}

impl Speaking {
    /// Nothing that its clauses wait for is wanted any more.
    pub(super) fn abandon_clauses(&mut self, outputs: &mut std::collections::VecDeque<Output>) {
        for mut clause in self.clause_loads.drain(..) {
            clause.load.abandon(outputs);
        }
    }
}
