//! A grammar of rules: how inputs are found in it, and what they mean.

use std::sync::Arc;

use jiff::civil::Date;

use super::{
    DtmfMatch, Instance, ParseTree, Utterance, carriers,
    document::GrammarDocument,
    enumeration::{self, Phrase},
    error::{GrammarError, GrammarErrorKind},
    linked::LinkedGrammar,
    matcher::{self, Progress},
    sound_index::{self, SoundIndex},
};
use crate::{
    Hypothesis, InputMode, Language, SemanticsError, SemanticsErrorKind,
    sisr::{self, TagFormat},
    text,
};

/// Words around a phrase cost a little confidence.
const EMBEDDED_QUALITY: f32 = 0.95;
/// Readings of one hypothesis that are given a meaning.
const READINGS_MAX: usize = 5;

/// Rules with what is needed to match them.
#[derive(Debug)]
pub(super) struct RuleGrammar {
    pub(super) linked: LinkedGrammar,
    /// All phrases of a grammar for speech that has not too many.
    pub(super) sounds: Option<SoundIndex>,
}

/// What else an input is read by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings {
    pub(super) language: Language,
    pub(super) today: Option<Date>,
}

/// One way in which words can be meant.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) tree: ParseTree,
    /// How well the words fit, 0 to 1.
    pub(super) quality: f32,
}

impl RuleGrammar {
    pub(super) fn new(linked: LinkedGrammar) -> Result<Self, GrammarError> {
        for linked in &linked.documents {
            check_tags(&linked.document).map_err(|error| error.within(&linked.source.uri))?;
        }
        let is_spoken = linked.document(0).is_some_and(|linked| linked.document.mode == InputMode::Speech);
        let phrases = if is_spoken { enumeration::written(&linked, sound_index::phrases_max(&linked)) } else { None };
        let sounds = phrases.map(|phrases| SoundIndex::new(&linked, &phrases));
        Ok(Self { linked, sounds })
    }

    /// The document that was asked for.
    pub(super) fn document(&self) -> Option<&Arc<GrammarDocument>> {
        self.linked.document(0).map(|linked| &linked.document)
    }

    /// The phrases of a grammar for speech that has not too many, as it writes them; none of others.
    pub(super) fn phrases(&self) -> impl Iterator<Item = &str> {
        self.sounds.iter().flat_map(SoundIndex::texts)
    }

    /// How words can be meant: word for word, then without hesitation, then without politeness, then by sound. The first
    /// of these that leads anywhere counts.
    pub(super) fn read(&self, hypothesis: &Hypothesis, today: Option<Date>, count: usize) -> Vec<Reading> {
        let language = self.language_of(hypothesis);
        let surroundings = Surroundings { language, today };
        let heard = Utterance::spoken(&hypothesis.text, hypothesis.confidence, language);
        // Silence is no input, even where a grammar accepts nothing at all.
        if heard.words().is_empty() {
            return Vec::new();
        }
        let meant = heard.keeping(&text::meant_words(&heard.spellings(), language));
        let core = carriers::meant_words(&meant.spellings(), language);
        let core = meant.keeping(&core.collect::<Vec<_>>());
        let forms = [(&heard, 1.0), (&meant, 1.0), (&core, EMBEDDED_QUALITY)];
        for (number, (form, quality)) in forms.into_iter().enumerate() {
            let is_new =
                number.checked_sub(1).and_then(|before| forms.get(before)).is_none_or(|(before, _)| *before != form);
            if !is_new {
                continue;
            }
            let (_, trees) = matcher::parse(&self.linked, &Arc::new(form.clone()), surroundings, count);
            if !trees.is_empty() {
                return trees.into_iter().map(|tree| Reading { tree, quality }).collect();
            }
        }
        let by_sound = self.by_sound(&meant, 1.0, surroundings);
        let by_sound = by_sound
            .or_else(|| if core == meant { None } else { self.by_sound(&core, EMBEDDED_QUALITY, surroundings) });
        by_sound.into_iter().collect()
    }

    /// How numbers are read: as the text shows, or as the grammar says, or as the engine says.
    fn language_of(&self, hypothesis: &Hypothesis) -> Language {
        let declared = || self.document()?.language().and_then(Language::from_tag);
        Language::of_text(&hypothesis.text).or_else(declared).unwrap_or(hypothesis.language)
    }

    fn by_sound(&self, heard: &Utterance, quality: f32, surroundings: Surroundings) -> Option<Reading> {
        let meaning =
            |phrase: &Phrase| self.reading_of(phrase, surroundings).and_then(|tree| sisr::interpret(&tree).ok());
        let (phrase, distance) = self.sounds.as_ref()?.nearest(&heard.spellings(), meaning)?;
        let tree = self.reading_of(&phrase, surroundings)?;
        Some(Reading { tree, quality: (1.0 - distance / 2.0) * quality })
    }

    /// The best reading of one of the grammar's own phrases.
    fn reading_of(&self, phrase: &Phrase, surroundings: Surroundings) -> Option<ParseTree> {
        let input = Arc::new(Utterance::of_phrase(phrase));
        let (_, trees) = matcher::parse(&self.linked, &input, surroundings, 1);
        trees.into_iter().next()
    }

    /// What a hypothesis means, and how well it fits; several when the grammar is ambiguous.
    pub(super) fn understand(
        &self,
        hypothesis: &Hypothesis,
        today: Option<Date>,
    ) -> Vec<(Result<Instance, SemanticsError>, f32)> {
        let mut meanings: Vec<(Result<Instance, SemanticsError>, f32)> = Vec::new();
        for reading in self.read(hypothesis, today, READINGS_MAX) {
            let meaning = sisr::interpret(&reading.tree);
            let is_limit = matches!(&meaning, Err(error) if error.kind == SemanticsErrorKind::Limit);
            meanings.push((meaning, reading.quality));
            if is_limit {
                break;
            }
        }
        // Of an ambiguous grammar what can be interpreted counts.
        if meanings.iter().any(|(meaning, _)| meaning.is_ok()) {
            meanings.retain(|(meaning, _)| meaning.is_ok());
        } else {
            meanings.truncate(1);
        }
        meanings
    }

    /// What keys that match mean.
    pub(super) fn meaning_of_keys(&self, keys: &str, today: Option<Date>) -> Option<Result<Instance, SemanticsError>> {
        let surroundings = Surroundings { language: Language::English, today };
        let (_, trees) = matcher::parse(&self.linked, &Arc::new(Utterance::keyed(keys)), surroundings, 1);
        trees.first().map(sisr::interpret)
    }

    /// The ways in which an input matches as it is, best first.
    pub(super) fn parse(&self, input: &Arc<Utterance>, surroundings: Surroundings, count: usize) -> Vec<ParseTree> {
        matcher::parse(&self.linked, input, surroundings, count).1
    }

    /// How words stand to the grammar while more may come. Hesitation counts as nothing.
    pub(super) fn progress(&self, hypothesis: &Hypothesis, today: Option<Date>) -> Progress {
        let language = self.language_of(hypothesis);
        let surroundings = Surroundings { language, today };
        let heard = Utterance::spoken(&hypothesis.text, hypothesis.confidence, language);
        let meant = heard.keeping(&text::meant_words(&heard.spellings(), language));
        match matcher::progress(&self.linked, &heard, surroundings) {
            Progress::NoMatch if meant != heard => matcher::progress(&self.linked, &meant, surroundings),
            progress => progress,
        }
    }

    pub(super) fn match_keys(&self, keys: &str, today: Option<Date>) -> DtmfMatch {
        let surroundings = Surroundings { language: Language::English, today };
        let (progress, trees) = matcher::parse(&self.linked, &Arc::new(Utterance::keyed(keys)), surroundings, 1);
        match progress {
            Progress::NoMatch => DtmfMatch::NoMatch,
            Progress::Prefix => DtmfMatch::Prefix,
            Progress::Complete { can_grow } => match trees.first() {
                // Whoever needs to know why there is no meaning asks for it.
                Some(tree) => {
                    DtmfMatch::Complete { can_grow, instance: sisr::interpret(tree).unwrap_or(Instance::Null) }
                }
                None => DtmfMatch::NoMatch,
            },
        }
    }
}

/// Refuses tags that cannot be read, and those of a format that is not known.
fn check_tags(document: &GrammarDocument) -> Result<(), GrammarError> {
    if let TagFormat::Unknown(name) = document.tag_format()
        && document.tags().next().is_some()
    {
        let message = format!("tag-format {name:?} is not supported, use semantics/1.0 or semantics/1.0-literals");
        return Err(GrammarError::new(GrammarErrorKind::Unsupported, message));
    }
    let tags: Vec<&str> = document.tags().collect();
    sisr::check(document.tag_format(), tags.iter().copied()).map_err(|(index, error)| {
        let tag: String = tags.get(index).unwrap_or(&"").trim().chars().take(60).collect();
        GrammarError::syntax(format!("the tag {tag:?} cannot be read: {error}"))
    })
}
