//! What a compiled SRGS document accepts: phrases or key sequences.

use super::{
    DtmfMatch, Instance,
    closed_list::{ClosedList, Found},
};
use crate::Language;

/// One of a list of phrases, or one of a list of key sequences.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ChoiceList {
    /// Phrases to be said.
    Spoken(ClosedList),
    /// Key sequences in sorted order.
    Keyed(Vec<(String, Instance)>),
}

impl ChoiceList {
    /// A list of key sequences; of two equal ones the first stays.
    pub(super) fn keyed(mut choices: Vec<(String, Instance)>) -> Self {
        choices.sort_by(|a, b| a.0.cmp(&b.0));
        choices.dedup_by(|later, earlier| later.0 == earlier.0);
        Self::Keyed(choices)
    }

    pub(super) fn is_spoken(&self) -> bool {
        matches!(self, Self::Spoken(_))
    }

    pub(super) fn phrases(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match self {
            Self::Spoken(list) => Box::new(list.texts()),
            Self::Keyed(choices) => Box::new(choices.iter().map(|(keys, _)| keys.as_str())),
        }
    }

    pub(super) fn find(&self, heard: &str, language: Language) -> Option<Found<'_>> {
        match self {
            Self::Spoken(list) => list.find(heard, language),
            Self::Keyed(_) => None,
        }
    }

    pub(super) fn match_keys(&self, keys: &str) -> DtmfMatch {
        let Self::Keyed(choices) = self else { return DtmfMatch::NoMatch };
        let start = choices.partition_point(|(choice, _)| choice.as_str() < keys);
        let mut candidates =
            choices.get(start..).unwrap_or_default().iter().take_while(|(choice, _)| choice.starts_with(keys));
        match candidates.next() {
            Some((choice, instance)) if choice == keys => {
                DtmfMatch::Complete { can_grow: candidates.next().is_some(), instance: instance.clone() }
            }
            Some(_) => DtmfMatch::Prefix,
            None => DtmfMatch::NoMatch,
        }
    }
}
