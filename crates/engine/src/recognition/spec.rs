//! What to listen for.

use speech::Language;

/// One listening: from the start of a RECOGNIZE to the end of the caller's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenSpec {
    /// The language the caller is expected to speak.
    pub language: Language,
    /// Samples per second of the audio that will come: the leg's clock rate, 8000–48000.
    pub sample_rate_hz: u32,
    /// Words and phrases that are likely, best first. Engines that can be biased use them; others ignore them.
    pub phrases: Vec<String>,
    /// How faint a sound is still taken for speech, in hundredths: 50 is as the engine is built, 100 takes the faintest,
    /// 0 only the clearest.
    pub sensitivity: u8,
    /// Whether [`ListenEvent::Partial`](crate::ListenEvent::Partial) is wanted.
    pub partials: bool,
}

impl ListenSpec {
    /// Listens for `language` in audio of `sample_rate_hz`, as sensitive as it is built, without phrases and
    /// partials.
    pub fn new(language: Language, sample_rate_hz: u32) -> Self {
        Self { language, sample_rate_hz, phrases: Vec::new(), sensitivity: 50, partials: false }
    }
}
