//! What a `basicsynth` channel can say: the words that there are clips for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mrcp::synthesizer::{Failure, FailureKind};
use speech::{Language, Segment};

/// The words that there are clips for, by language.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClipIndex {
    words: HashMap<Language, HashSet<String>>,
}

impl ClipIndex {
    /// Adds a clip for `word`, as [`speech::clip_words`] writes it.
    pub fn add(&mut self, language: Language, word: impl Into<String>) {
        self.words.entry(language).or_default().insert(word.into());
    }

    fn has(&self, language: Language, word: &str) -> bool {
        self.words.get(&language).is_some_and(|words| words.contains(word))
    }

    /// Whether everything in `segments` can be said by clips. `language` is that of texts that name none.
    ///
    /// # Errors
    /// Names the first word that there is no clip for.
    pub(crate) fn check(&self, segments: &[Segment], language: Language) -> Result<(), Failure> {
        for segment in segments {
            match segment {
                Segment::Text { text, language: own, .. } => {
                    let language = own.unwrap_or(language);
                    let words = speech::clip_words(text, language);
                    if let Some(word) = words.iter().find(|word| !self.has(language, word)) {
                        let reason = format!("there is no clip for {word:?}");
                        return Err(Failure::new(FailureKind::Engine, reason));
                    }
                }
                Segment::Audio { fallback, .. } => self.check(fallback, language)?,
                Segment::DialogReply(_) => {
                    return Err(Failure::new(FailureKind::Engine, "clips cannot say what a conversation says"));
                }
                Segment::Break { .. } | Segment::Mark { .. } => {}
            }
        }
        Ok(())
    }
}

/// Who speaks on a synthesizer channel.
#[derive(Debug, Clone)]
pub(crate) enum Voices {
    /// `speechsynth`: the engine, and all of SSML.
    Full,
    /// `basicsynth`, spoken by the engine for want of clips.
    Basic,
    /// `basicsynth`, spoken by clips.
    Clips(Arc<ClipIndex>),
}
