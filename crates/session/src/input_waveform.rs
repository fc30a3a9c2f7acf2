//! Audio that a RECOGNIZE brings by reference (Input-Waveform-URI, RFC 6787 section 9.4.10): it is there before the grammars
//! are looked at, and is heard instead of the call's.

use std::sync::Arc;

use media::ClockRate;
use mrcp::recognizer::{Failure, FailureKind, GrammarPurpose, RecognizeParams};
use mrcp::{GrammarRef, RequestId};

use crate::commons::Commons;
use crate::fetching::{AudioSource, FetchFailure, FetchKey, FetchPurpose, FetchRequest, LoadedAudio};
use crate::output::Output;

/// What the RECOGNIZEs of one channel are to hear instead of the call.
pub(crate) struct InputWaveforms {
    clock_rate: Option<ClockRate>,
    waveforms: Vec<InputWaveform>,
}

struct InputWaveform {
    request_id: RequestId,
    key: FetchKey,
    state: State,
}

enum State {
    /// It is being fetched; the grammars come after it.
    Loading(Waiting),
    /// It can be heard.
    Ready,
}

/// A RECOGNIZE that waits for its audio.
pub(crate) struct Waiting {
    pub(crate) request_id: RequestId,
    pub(crate) grammars: Vec<GrammarRef>,
    pub(crate) params: Arc<RecognizeParams>,
    pub(crate) purpose: GrammarPurpose,
}

impl InputWaveforms {
    pub(crate) fn new(clock_rate: Option<ClockRate>) -> Self {
        Self { clock_rate, waveforms: Vec::new() }
    }

    /// Fetches what a RECOGNIZE wants to be heard. `Err`: it hears the call.
    pub(crate) fn begin(&mut self, waiting: Waiting, parts: &mut Commons) -> Result<Output, Waiting> {
        let uri = waiting.params.input_waveform_uri.clone().filter(|_| waiting.purpose == GrammarPurpose::Recognize);
        let (Some(uri), Some(clock_rate)) = (uri, self.clock_rate) else { return Err(waiting) };
        let key = parts.next_fetch();
        let params = waiting.params.fetch.clone();
        let source = AudioSource::Uri(FetchRequest { uri, purpose: FetchPurpose::Audio, params });
        let request_id = waiting.request_id;
        self.waveforms.push(InputWaveform { request_id, key, state: State::Loading(waiting) });
        Ok(Output::LoadAudio { key, source, clock_rate })
    }

    /// Audio is there, or not. `None`: it is none of ours.
    pub(crate) fn loaded(
        &mut self,
        key: FetchKey,
        outcome: &Result<LoadedAudio, FetchFailure>,
    ) -> Option<(Waiting, Result<(), Failure>)> {
        let at = self.waveforms.iter().position(|waveform| waveform.key == key)?;
        let waiting = match std::mem::replace(&mut self.waveforms.get_mut(at)?.state, State::Ready) {
            State::Loading(waiting) => waiting,
            State::Ready => return None,
        };
        let outcome = match outcome {
            Ok(_) => Ok(()),
            Err(failure) => {
                self.waveforms.remove(at);
                let uri = waiting.params.input_waveform_uri.clone().unwrap_or_default();
                let kind = FailureKind::Uri { uri, cause: failure.cause.clone() };
                Err(Failure::new(kind, failure.reason.clone()))
            }
        };
        Some((waiting, outcome))
    }

    /// What a RECOGNIZE hears instead of the call.
    pub(crate) fn of(&self, request_id: RequestId) -> Option<FetchKey> {
        self.waveforms.iter().find(|waveform| waveform.request_id == request_id).map(|waveform| waveform.key)
    }

    /// A RECOGNIZE is over.
    pub(crate) fn forget(&mut self, request_id: RequestId) -> Option<Output> {
        let at = self.waveforms.iter().position(|waveform| waveform.request_id == request_id)?;
        Some(Output::Abandon { key: self.waveforms.remove(at).key })
    }
}
