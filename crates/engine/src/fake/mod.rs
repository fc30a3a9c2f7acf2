//! The fake engine: deterministic, without models, for tests and for trying out a PBX.
//!
//! - The synthesizer writes the text into its audio as a tone code: one byte is one dual tone of 40 ms.
//! - The recognizer hears what that tone code says. Other speech is heard as the next text of the script.
//!
//! So what the fake synthesizer says, the fake recognizer hears, through a codec and a network between them.

mod detector;
mod fault;
mod recognizer;
mod synthesizer;
pub mod tone_code;

use serde::Deserialize;

pub(crate) use recognizer::FakeRecognizer;
pub(crate) use synthesizer::FakeSynthesizer;

/// How the fake engine behaves.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FakeConfig {
    /// What is heard in speech that carries no tone code: the n-th listening that hears such speech hears the n-th
    /// text, and the last text stays.
    pub script: Vec<String>,
    /// Whether it recognizes as streaming models do, its text growing with the audio.
    pub streaming: bool,
    /// Longest audio of one request in milliseconds; text beyond is not spoken.
    pub speech_ms_max: u32,
    /// Faults, for tests. The first whose text is contained in the text heard or said happens.
    pub faults: Vec<FakeFault>,
}

impl Default for FakeConfig {
    fn default() -> Self {
        Self { script: vec!["hello".into()], streaming: false, speech_ms_max: 30_000, faults: Vec::new() }
    }
}

/// A fault that a text brings about.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FakeFault {
    /// The text that triggers it.
    pub when: String,
    /// What happens.
    pub then: FakeFaultKind,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FakeFaultKind {
    /// The worker does not come back for this many milliseconds and cannot be cancelled, like a frozen native call.
    Freeze(u64),
    /// The request is served after this many milliseconds.
    Slow(u64),
    /// The request fails.
    Error,
    /// The worker panics.
    Panic,
}
