//! What an engine has to provide to speak.

use speech::Language;

use crate::pool::JobContext;
use crate::{EngineError, SynthesisSpec};

/// A loaded engine.
pub(crate) trait Synthesizer: Send + Sync {
    /// Whether there is a voice for `language`.
    fn speaks(&self, language: Language) -> bool;

    /// Names of the voices, the default of each language first.
    fn voices(&self) -> Vec<VoiceName>;

    /// What has to be spoken for `spec`, in order. Cheap: called on the requester's thread.
    fn plan(&self, spec: &SynthesisSpec) -> Result<Vec<Clause>, EngineError>;

    /// Speaks one clause; its audio goes into `sink`, full scale ±1.0, at the clause's own rate, in one or more chunks.
    /// Ends early, as a success, when the sink wants no more. May take long.
    fn speak(&self, clause: &Clause, context: &JobContext, sink: ChunkSink) -> Result<(), EngineError>;
}

/// Takes chunks of audio; says whether more is wanted.
pub(crate) type ChunkSink = Box<dyn FnMut(&[f32]) -> bool + Send>;

/// A voice by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceName {
    /// What [`SynthesisSpec::voice`] takes.
    pub name: String,
    /// The language it speaks best.
    pub language: Language,
}

/// A piece of text that one voice speaks in one go: as long as needed for its melody, as short as possible so that its
/// audio comes early.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clause {
    /// As the voice needs it, numbers written out.
    pub(crate) text: String,
    pub(crate) language: Language,
    /// Which voice of the engine.
    pub(crate) voice: usize,
    /// Names the voice, its model and the version of both: what the text sounds like depends on it.
    pub(crate) fingerprint: String,
    /// Samples per second that the voice gives.
    pub(crate) sample_rate_hz: u32,
    /// Speaking rate for the voice.
    pub(crate) speed: f32,
    /// The voice's rate is taken for this many times what it is: raises the pitch, shortens the audio.
    pub(crate) pitch: f32,
    /// Silence at both ends is cut down to this; `None` leaves it.
    pub(crate) edges: Option<Edges>,
}

/// Silence around a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edges {
    /// Most silence before the first sound.
    pub(crate) lead_ms: u32,
    /// Silence after the last sound.
    pub(crate) tail_ms: u32,
}
