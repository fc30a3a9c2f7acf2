//! The phrases of a small grammar by their sound, for what a recognizer writes wrongly.

use super::enumeration::Phrase;
use crate::{
    Instance,
    sound::{self, Sound},
};

/// Phrases that are compared by sound: each recognition compares all of them.
pub(super) const PHRASES_MAX: usize = 2_000;
/// A phrase with another meaning must sound at least this much farther.
const MARGIN_MIN: f32 = 0.06;

/// Phrases with their sounds.
#[derive(Debug, Default)]
pub(super) struct SoundList {
    phrases: Vec<Sounding>,
}

#[derive(Debug)]
struct Sounding {
    phrase: Phrase,
    sounds: Vec<Sound>,
}

impl SoundList {
    pub(super) fn new(phrases: Vec<Phrase>) -> Self {
        let sounding = |phrase: Phrase| Sounding { sounds: sound::sounds(&phrase.words), phrase };
        Self { phrases: phrases.into_iter().map(sounding).collect() }
    }

    pub(super) fn phrases(&self) -> impl Iterator<Item = &Phrase> {
        self.phrases.iter().map(|sounding| &sounding.phrase)
    }

    /// The phrase that sounds like the words that were heard, and its distance; not when another one with another
    /// meaning does so nearly as well.
    pub(super) fn nearest(
        &self,
        words: &[String],
        meaning: impl Fn(&Phrase) -> Option<Instance>,
    ) -> Option<(&Phrase, f32)> {
        let heard = sound::sounds(words);
        let mut near: Vec<(f32, &Sounding)> = Vec::new();
        for sounding in &self.phrases {
            let limit = sound::tolerance(&sounding.sounds) + MARGIN_MIN;
            let Some(distance) = sound::distance(&heard, &sounding.sounds, limit) else { continue };
            // A word more or less is another phrase, not the same one misheard.
            let phrase = &sounding.phrase.words;
            if distance > 0.0 && (is_part(words, phrase) || is_part(phrase, words)) {
                continue;
            }
            near.push((distance, sounding));
        }
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (distance, best) = *near.first()?;
        if distance > sound::tolerance(&best.sounds) {
            return None;
        }
        let mut rivals = near.iter().skip(1).take_while(|(rival, _)| rival - distance < MARGIN_MIN).peekable();
        if rivals.peek().is_some() {
            // What cannot be interpreted has nothing to be compared with.
            if let Some(meant) = meaning(&best.phrase)
                && rivals.any(|(_, rival)| meaning(&rival.phrase).as_ref() != Some(&meant))
            {
                return None;
            }
        }
        Some((&best.phrase, distance))
    }
}

/// Whether `all` has the words of `part` in their order, and more.
fn is_part(part: &[String], all: &[String]) -> bool {
    let mut rest = all.iter();
    part.len() < all.len() && part.iter().all(|word| rest.any(|other| other == word))
}
