//! What an engine believes it heard.

use crate::Language;

/// One reading of an utterance by a recognition engine. Engines give them best first.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    /// The words, in the spelling of the engine: punctuation, case and digits are not relied upon.
    pub text: String,
    /// How sure the engine is, from 0 to 1.
    pub confidence: f32,
    /// The language that was recognized.
    pub language: Language,
}

impl Hypothesis {
    /// A hypothesis with its confidence brought into 0..=1; what is not a number counts as 0.
    pub fn new(text: impl Into<String>, confidence: f32, language: Language) -> Self {
        let confidence = if confidence.is_nan() { 0.0 } else { confidence.clamp(0.0, 1.0) };
        Self { text: text.into(), confidence, language }
    }
}
