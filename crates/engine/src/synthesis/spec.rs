//! What to say, and how.

use speech::Language;

/// One request: a sentence, a clause, or a whole prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct SynthesisSpec {
    /// Plain text.
    pub text: String,
    /// The language of the text, as far as its script leaves that open.
    pub language: Language,
    /// A voice by name; the language's default voice where absent.
    pub voice: Option<String>,
    /// Speaking rate as a factor, 0.25–4.
    pub rate: f32,
    /// Pitch as a factor, 0.5–2.
    pub pitch: f32,
    /// Amplitude as a factor, 0–4.
    pub volume: f32,
    /// Samples per second of the audio wanted: the leg's clock rate, 8000–48000.
    pub sample_rate_hz: u32,
}

impl SynthesisSpec {
    /// `text` in the default voice of `language` at `sample_rate_hz`.
    pub fn new(text: impl Into<String>, language: Language, sample_rate_hz: u32) -> Self {
        Self { text: text.into(), language, voice: None, rate: 1.0, pitch: 1.0, volume: 1.0, sample_rate_hz }
    }
}
