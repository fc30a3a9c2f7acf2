//! The phrases of a grammar by their sound, for what a recognizer writes wrongly.
//!
//! Phrases stand sorted by their sounds. What was heard is compared with all of them in one walk: the rows of the edit
//! distance are those of a tree of common beginnings, so a beginning is compared once, and whatever begins too differently is
//! passed over.

use std::{collections::HashMap, sync::Arc};

use super::{
    enumeration::{Phrase, Tokens, text_of},
    linked::LinkedGrammar,
};
use crate::{
    Instance,
    sound::{self, SOUNDS_MAX, Sound},
};

/// Phrases that are compared by sound, however large the grammar is.
const PHRASES_MAX: usize = 100_000;
/// And however small.
const PHRASES_MIN: usize = 2_000;
/// Bytes of documents that allow one phrase more: a short document that means very many phrases is not written out.
const BYTES_PER_PHRASE: usize = 8;
/// A phrase with another meaning must sound at least this much farther.
const MARGIN_MIN: f32 = 0.06;
/// Phrases nearly as near as the nearest whose meaning is looked at.
const RIVALS_MAX: usize = 8;
/// Pronunciations of one phrase.
const PRONUNCIATIONS_MAX: usize = 16;

/// Phrases with their sounds.
#[derive(Debug, Default)]
pub(super) struct SoundIndex {
    /// All sounds that there are.
    alphabet: Vec<Sound>,
    /// All words that there are.
    words: Vec<Arc<str>>,
    phrases: Vec<Written>,
    /// The texts of all phrases, one behind the other.
    texts: String,
    /// The words of all phrases.
    phrase_words: Vec<u32>,
    /// Sorted by sounds; a phrase that is said in several ways has several.
    entries: Vec<Entry>,
    /// The sounds of all entries.
    sounds: Vec<u16>,
}

/// A phrase ends here; it begins where the one before ends.
#[derive(Debug, Clone, Copy)]
struct Written {
    text_end: usize,
    words_end: usize,
}

/// One way to say a phrase.
#[derive(Debug, Clone, Copy)]
struct Entry {
    phrase: u32,
    /// Its sounds begin where those of the entry before end.
    sounds_end: u32,
    /// Sounds that it has in common with the entry before.
    shared: u8,
    /// The distance up to which it may be meant.
    tolerance: f32,
}

/// How many phrases of a grammar are written out at most.
pub(super) fn phrases_max(grammar: &LinkedGrammar) -> usize {
    let bytes: usize = grammar.documents.iter().map(|linked| linked.document.bytes).sum();
    (bytes / BYTES_PER_PHRASE).clamp(PHRASES_MIN, PHRASES_MAX)
}

impl SoundIndex {
    /// An index of the phrases of a grammar, of which equal ones are there once.
    pub(super) fn new(grammar: &LinkedGrammar, phrases: &[Tokens<'_>]) -> Self {
        Builder::default().index(grammar, phrases)
    }

    /// The texts of the phrases.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.phrases.iter().map(|phrase| phrase.text_end));
        starts.zip(&self.phrases).filter_map(|(start, phrase)| self.texts.get(start..phrase.text_end))
    }

    fn phrase(&self, number: u32) -> Option<Phrase> {
        let number = usize::try_from(number).ok()?;
        let before = number.checked_sub(1).and_then(|before| self.phrases.get(before));
        let start = before.copied().unwrap_or(Written { text_end: 0, words_end: 0 });
        let end = self.phrases.get(number)?;
        let words = self.phrase_words.get(start.words_end..end.words_end)?.iter();
        let word = |id: &u32| self.words.get(usize::try_from(*id).ok()?).map(|word| word.to_string());
        Some(Phrase {
            text: self.texts.get(start.text_end..end.text_end)?.to_owned(),
            words: words.filter_map(word).collect(),
        })
    }

    /// The phrase that sounds like the words that were heard, and its distance; not when another one with another
    /// meaning does so nearly as well.
    pub(super) fn nearest(
        &self,
        words: &[String],
        meaning: impl Fn(&Phrase) -> Option<Instance>,
    ) -> Option<(Phrase, f32)> {
        let mut near = self.near(&sound::sounds(words));
        near.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut known: Vec<u32> = Vec::new();
        let mut phrases = near.into_iter().filter_map(|(entry, distance)| {
            if known.contains(&entry.phrase) {
                return None;
            }
            known.push(entry.phrase);
            let phrase = self.phrase(entry.phrase)?;
            // A word more or less is another phrase, not the same one misheard; and so is another number.
            let is_other = distance > 0.0 && (is_part(words, &phrase.words) || is_part(&phrase.words, words))
                || !numbers(words).eq(numbers(&phrase.words));
            (!is_other).then_some((phrase, entry.tolerance, distance))
        });
        let (best, tolerance, distance) = phrases.next()?;
        if distance > tolerance {
            return None;
        }
        let mut rivals = phrases.take_while(|(_, _, rival)| rival - distance < MARGIN_MIN).take(RIVALS_MAX).peekable();
        if rivals.peek().is_some() {
            // What cannot be interpreted has nothing to be compared with.
            if let Some(meant) = meaning(&best)
                && rivals.any(|(rival, _, _)| meaning(&rival).as_ref() != Some(&meant))
            {
                return None;
            }
        }
        Some((best, distance))
    }

    /// The entries that are not much farther than what may be meant for them, with their distances.
    fn near(&self, heard: &[Sound]) -> Vec<(Entry, f32)> {
        let mut found = Vec::new();
        if heard.is_empty() || heard.len() > SOUNDS_MAX {
            return found;
        }
        let tolerance_max = self.entries.iter().map(|entry| entry.tolerance).fold(0.0, f32::max);
        let mut walk = Walk::new(heard, &self.alphabet, tolerance_max + MARGIN_MIN);
        let mut start = 0;
        for entry in &self.entries {
            let end = usize::try_from(entry.sounds_end).unwrap_or(usize::MAX);
            let sounds = self.sounds.get(start..end).unwrap_or_default();
            start = end;
            let limit = entry.tolerance + MARGIN_MIN;
            if let Some(distance) = walk.distance(sounds, usize::from(entry.shared), limit) {
                found.push((*entry, distance));
            }
        }
        found
    }
}

/// The words that are written with digits.
fn numbers(words: &[String]) -> impl Iterator<Item = &String> {
    words.iter().filter(|word| word.contains(|c: char| c.is_ascii_digit()))
}

/// Whether `all` has the words of `part` in their order, and more.
fn is_part(part: &[String], all: &[String]) -> bool {
    let mut rest = all.iter();
    part.len() < all.len() && part.iter().all(|word| rest.any(|other| other == word))
}

/// The rows of the edit distance between what was heard and one phrase after the other.
struct Walk {
    heard: usize,
    /// What a sound of the alphabet costs in the place of one that was heard: a row for each of the alphabet.
    substitution: Vec<f32>,
    /// The same for the first sounds of both.
    substitution_first: Vec<f32>,
    /// What a sound of the alphabet costs that was not heard; and as the first one.
    missed: Vec<(f32, f32)>,
    /// What a sound that was heard costs that is not there.
    extra: Vec<f32>,
    rows: Vec<f32>,
    /// Rows that are those of the last phrase.
    valid: usize,
    /// So many sounds of the last phrase are too far from anything.
    dead: Option<usize>,
    /// Beyond this cost no phrase is near.
    cost_max: f32,
}

impl Walk {
    fn new(heard: &[Sound], alphabet: &[Sound], limit_max: f32) -> Self {
        let first = |sound: &Sound| heard.first().map_or(0.0, |heard| sound::substitution(*heard, *sound, true));
        let extra: Vec<f32> = heard.iter().enumerate().map(|(at, sound)| sound::insertion(*sound, at == 0)).collect();
        let width = heard.len() + 1;
        let mut rows = vec![f32::INFINITY; width * (SOUNDS_MAX + 1)];
        let mut cost = 0.0;
        for (cell, extra) in rows.iter_mut().zip(std::iter::once(&0.0).chain(&extra)) {
            cost += extra;
            *cell = cost;
        }
        let substitution =
            alphabet.iter().flat_map(|sound| heard.iter().map(|heard| sound::substitution(*heard, *sound, false)));
        Self {
            heard: heard.len(),
            substitution: substitution.collect(),
            substitution_first: alphabet.iter().map(first).collect(),
            missed: alphabet
                .iter()
                .map(|sound| (sound::insertion(*sound, false), sound::insertion(*sound, true)))
                .collect(),
            extra,
            rows,
            valid: 0,
            dead: None,
            // A phrase that is compared is at most twice as long.
            cost_max: limit_max * count(heard.len() * 2),
        }
    }

    /// The distance of the next phrase, which has its first `shared` sounds in common with the one before: 0 is the same, 1 has
    /// nothing in common. `None` when it is above `limit`, or one is much longer than the other.
    fn distance(&mut self, phrase: &[u16], shared: usize, limit: f32) -> Option<f32> {
        self.valid = self.valid.min(shared);
        if self.dead.is_some_and(|dead| dead > shared) {
            self.dead = None;
        }
        let (longest, shortest) = (phrase.len().max(self.heard), phrase.len().min(self.heard));
        if self.dead.is_some() || longest > shortest * 2 || longest > SOUNDS_MAX {
            return None;
        }
        let cost_max = limit * count(longest);
        while let Some(sound) = phrase.get(self.valid) {
            let least = self.row(usize::from(*sound))?;
            if least > self.cost_max {
                self.dead = Some(self.valid);
            }
            if least > cost_max {
                return None;
            }
        }
        let width = self.heard + 1;
        let cost = self.rows.get(phrase.len() * width + self.heard)?;
        let distance = (cost / count(longest)).min(1.0);
        (distance <= limit).then_some(distance)
    }

    /// Adds the row of one sound more, and tells its least cost.
    fn row(&mut self, sound: usize) -> Option<f32> {
        let width = self.heard + 1;
        let is_first = self.valid == 0;
        let (before, after) = self.rows.split_at_mut((self.valid + 1) * width);
        let above = before.get(self.valid * width..)?;
        let row = after.get_mut(..width)?;
        let costs = self.substitution.get(sound * self.heard..(sound + 1) * self.heard)?;
        let missed = self.missed.get(sound).map(|(other, first)| if is_first { *first } else { *other })?;
        let mut left = above.first()? + missed;
        let mut least = left;
        *row.first_mut()? = left;
        let cells = row.iter_mut().skip(1).zip(above.windows(2)).zip(costs.iter().zip(&self.extra));
        for (column, ((cell, pair), (substitution, extra))) in cells.enumerate() {
            let &[diagonal, above] = pair else { continue };
            let substitution = match (is_first, column) {
                (true, 0) => self.substitution_first.get(sound)?,
                _ => substitution,
            };
            left = (above + missed).min(left + extra).min(diagonal + substitution);
            least = least.min(left);
            *cell = left;
        }
        self.valid += 1;
        Some(least)
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most twice SOUNDS_MAX")]
fn count(sounds: usize) -> f32 {
    sounds as f32
}

/// Numbers words and sounds.
#[derive(Default)]
struct Builder {
    index: SoundIndex,
    words: HashMap<Arc<str>, u32>,
    /// The sounds of each word.
    word_sounds: Vec<Vec<u16>>,
    sounds: HashMap<Sound, u16>,
}

impl Builder {
    fn index(mut self, grammar: &LinkedGrammar, phrases: &[Tokens<'_>]) -> SoundIndex {
        let mut seen: HashMap<Vec<u32>, u32> = HashMap::with_capacity(phrases.len());
        let mut said: Vec<(Vec<u16>, u32)> = Vec::with_capacity(phrases.len());
        for tokens in phrases {
            let (words, pronunciations) = self.pronunciations(grammar, tokens);
            if words.is_empty() {
                continue;
            }
            let next = u32::try_from(seen.len()).unwrap_or(u32::MAX);
            let number = *seen.entry(words.clone()).or_insert(next);
            if number == next {
                self.index.texts.push_str(&text_of(grammar, tokens));
                self.index.phrase_words.extend(words);
                let (text_end, words_end) = (self.index.texts.len(), self.index.phrase_words.len());
                self.index.phrases.push(Written { text_end, words_end });
            }
            let is_short = |sounds: &Vec<u16>| (1..=SOUNDS_MAX).contains(&sounds.len());
            said.extend(pronunciations.into_iter().filter(is_short).map(|sounds| (sounds, number)));
        }
        said.sort_unstable();
        said.dedup();
        let mut before: &[u16] = &[];
        for (sounds, phrase) in &said {
            let shared = before.iter().zip(sounds).take_while(|(a, b)| a == b).count();
            self.index.sounds.extend(sounds);
            let itself: Vec<Sound> =
                sounds.iter().filter_map(|id| self.index.alphabet.get(usize::from(*id))).copied().collect();
            self.index.entries.push(Entry {
                phrase: *phrase,
                sounds_end: u32::try_from(self.index.sounds.len()).unwrap_or(u32::MAX),
                shared: u8::try_from(shared).unwrap_or(u8::MAX),
                tolerance: sound::tolerance(&itself),
            });
            before = sounds;
        }
        self.index
    }

    /// The words of a phrase, and the ways in which it may be said.
    fn pronunciations(&mut self, grammar: &LinkedGrammar, tokens: &Tokens<'_>) -> (Vec<u32>, Vec<Vec<u16>>) {
        let mut words = Vec::new();
        let mut ways: Vec<Vec<u16>> = vec![Vec::new()];
        for (document, token) in tokens {
            let Some(linked) = grammar.document(*document) else { continue };
            let mut own: Vec<u16> = Vec::new();
            for word in token.words.iter().filter_map(|id| linked.document.spelling(*id)) {
                let id = self.word(word);
                words.push(id);
                own.extend(usize::try_from(id).ok().and_then(|id| self.word_sounds.get(id)).into_iter().flatten());
            }
            if token.sounds.is_empty() {
                ways.iter_mut().for_each(|way| way.extend(&own));
                continue;
            }
            let mut own = vec![own];
            for sounds in &token.sounds {
                own.push(sounds.iter().map(|sound| self.sound(*sound)).collect());
            }
            let both = |way: &Vec<u16>| own.iter().map(|own| [way.as_slice(), own].concat()).collect::<Vec<_>>();
            ways = ways.iter().flat_map(both).take(PRONUNCIATIONS_MAX).collect();
        }
        (words, ways)
    }

    fn word(&mut self, word: &Arc<str>) -> u32 {
        if let Some(id) = self.words.get(word) {
            return *id;
        }
        let sounds = sound::sounds(std::slice::from_ref(&word.to_string()));
        let sounds = sounds.into_iter().map(|sound| self.sound(sound)).collect();
        self.word_sounds.push(sounds);
        let id = u32::try_from(self.index.words.len()).unwrap_or(u32::MAX);
        self.index.words.push(Arc::clone(word));
        self.words.insert(Arc::clone(word), id);
        id
    }

    fn sound(&mut self, sound: Sound) -> u16 {
        let alphabet = &mut self.index.alphabet;
        *self.sounds.entry(sound).or_insert_with(|| {
            alphabet.push(sound);
            // Beyond that there are no sounds: characters without one are rare.
            u16::try_from(alphabet.len() - 1).unwrap_or(u16::MAX)
        })
    }
}

#[cfg(test)]
mod tests;
