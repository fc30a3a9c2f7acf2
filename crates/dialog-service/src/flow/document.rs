//! A flow as it is written in YAML. Nothing is checked here but the shape; [`super::check`] makes a [`super::Flow`] of it.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_saphyr::Spanned;

/// A text in several languages, by language tag.
pub(crate) type TextDoc = Spanned<BTreeMap<String, String>>;
/// Words or phrases in several languages, by language tag.
pub(crate) type PhrasesDoc = Spanned<BTreeMap<String, Vec<String>>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlowDoc {
    pub(crate) flow: Spanned<String>,
    /// For readers of the file.
    #[serde(default, rename = "description")]
    _description: Option<String>,
    pub(crate) languages: Spanned<Vec<String>>,
    pub(crate) start: Spanned<String>,
    #[serde(default)]
    pub(crate) variables: Ordered<String>,
    #[serde(default)]
    pub(crate) slots: Ordered<SlotDoc>,
    #[serde(default)]
    pub(crate) defaults: DefaultsDoc,
    #[serde(default)]
    pub(crate) rules: Vec<RuleDoc>,
    pub(crate) states: Ordered<StateDoc>,
}

/// What a question has when it does not say otherwise.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DefaultsDoc {
    #[serde(default)]
    pub(crate) reprompt: Option<TextDoc>,
    #[serde(default)]
    pub(crate) silence: Option<TextDoc>,
    #[serde(default)]
    pub(crate) attempts: Option<Spanned<u32>>,
    #[serde(default)]
    pub(crate) give_up: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) abandon: Option<AbandonDoc>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AbandonDoc {
    pub(crate) after_silences: Spanned<u32>,
    pub(crate) goto: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleDoc {
    pub(crate) name: String,
    pub(crate) hears: PhrasesDoc,
    pub(crate) goto: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlotDoc {
    #[serde(rename = "type")]
    pub(crate) kind: Spanned<String>,
    #[serde(default)]
    pub(crate) min: Option<Spanned<f64>>,
    #[serde(default)]
    pub(crate) max: Option<Spanned<f64>>,
    #[serde(default)]
    pub(crate) whole: Option<bool>,
    #[serde(default)]
    pub(crate) max_chars: Option<usize>,
    #[serde(default, rename = "yes")]
    pub(crate) yes_words: Option<PhrasesDoc>,
    #[serde(default, rename = "no")]
    pub(crate) no_words: Option<PhrasesDoc>,
    #[serde(default)]
    pub(crate) options: Ordered<BTreeMap<String, Vec<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateDoc {
    #[serde(default)]
    pub(crate) say: Option<TextDoc>,
    #[serde(default)]
    pub(crate) barge_in: Option<bool>,
    #[serde(default)]
    pub(crate) ask: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) reprompt: Option<TextDoc>,
    #[serde(default)]
    pub(crate) invalid: Option<TextDoc>,
    #[serde(default)]
    pub(crate) silence: Option<TextDoc>,
    #[serde(default)]
    pub(crate) attempts: Option<Spanned<u32>>,
    #[serde(default)]
    pub(crate) give_up: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) confirm: Option<TextDoc>,
    #[serde(default)]
    pub(crate) converse: Option<Spanned<ConverseDoc>>,
    #[serde(default)]
    pub(crate) action: Option<Spanned<ActionDoc>>,
    #[serde(default)]
    pub(crate) transfer: Option<Spanned<TransferDoc>>,
    #[serde(default)]
    pub(crate) hangup: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) branch: Vec<BranchDoc>,
    #[serde(default)]
    pub(crate) next: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConverseDoc {
    pub(crate) provider: Spanned<String>,
    pub(crate) system: TextDoc,
    pub(crate) fallback: TextDoc,
    /// Where the model may lead the conversation, and when: state name to a description for the model.
    pub(crate) exits: Ordered<String>,
    /// Where it goes when the limits are used up.
    pub(crate) give_up: Spanned<String>,
    #[serde(default)]
    pub(crate) turns_max: Option<u32>,
    #[serde(default)]
    pub(crate) reply_chars_max: Option<usize>,
    #[serde(default)]
    pub(crate) failures_max: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActionDoc {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) params: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferDoc {
    pub(crate) target: Spanned<String>,
    #[serde(default)]
    pub(crate) summary: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BranchDoc {
    pub(crate) when: ConditionDoc,
    pub(crate) goto: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConditionDoc {
    pub(crate) slot: Spanned<String>,
    #[serde(default)]
    pub(crate) is: Option<serde_json::Value>,
    #[serde(default)]
    pub(crate) at_least: Option<f64>,
    #[serde(default)]
    pub(crate) at_most: Option<f64>,
    #[serde(default)]
    pub(crate) filled: Option<bool>,
}

/// A YAML mapping in the order of the file, with the place of each key.
#[derive(Debug)]
pub(crate) struct Ordered<T>(pub(crate) Vec<(Spanned<String>, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}
