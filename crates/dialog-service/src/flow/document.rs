//! A flow as it is written in YAML. Nothing is checked here but the shape; [`super::check`] makes a [`super::Flow`] of it. The JSON
//! Schema that editors use is made of these types and their comments.

use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_saphyr::{Location, Spanned};

/// A text in several languages, by language tag.
pub(crate) type TextDoc = At<BTreeMap<String, String>>;
/// Words or phrases in several languages, by language tag.
pub(crate) type PhrasesDoc = At<BTreeMap<String, Vec<String>>>;

/// A dialogue: what a robot says, what it wants to know, and where it goes from there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlowDoc {
    /// The name; dialplans use it.
    pub(crate) flow: At<String>,
    /// For readers of the file.
    #[serde(default, rename = "description")]
    _description: Option<String>,
    /// The author's version; a short hash of the file is added to it.
    #[serde(default)]
    pub(crate) version: Option<At<String>>,
    /// Language tags; the first is used when the call's language is not among them.
    pub(crate) languages: At<Vec<String>>,
    /// The first state.
    pub(crate) start: At<String>,
    /// Call variables and what stands in for each.
    #[serde(default)]
    pub(crate) variables: Ordered<String>,
    /// What the flow wants to know: the form.
    #[serde(default)]
    pub(crate) slots: Ordered<SlotDoc>,
    /// A JSON Schema of the form, in addition to what the slots say. Values that it does not allow are left empty in the record.
    #[serde(default)]
    pub(crate) form: Option<At<serde_json::Value>>,
    /// What a question has when it does not say otherwise.
    #[serde(default)]
    pub(crate) defaults: DefaultsDoc,
    /// How the conversation is held.
    #[serde(default)]
    pub(crate) policy: Option<At<PolicyDoc>>,
    /// What is listened for in every turn.
    #[serde(default)]
    pub(crate) rules: Vec<RuleDoc>,
    /// What a caller may want, by the words that tell it. Reported with the turn and in the record.
    #[serde(default)]
    pub(crate) intents: Ordered<BTreeMap<String, Vec<String>>>,
    /// Sentences that have to be said before the conversation goes somewhere or ends.
    #[serde(default)]
    pub(crate) mandatory: Ordered<NoticeDoc>,
    /// What is never said, whatever a language model writes.
    #[serde(default)]
    pub(crate) forbidden: Option<ForbiddenDoc>,
    /// What can be asked of other programs.
    #[serde(default)]
    pub(crate) tools: Ordered<ToolDoc>,
    /// Tables of answers, by name.
    #[serde(default)]
    pub(crate) knowledge: Ordered<Vec<AnswerDoc>>,
    /// What the conversation came to, for the record.
    #[serde(default)]
    pub(crate) summary: Option<TextDoc>,
    /// What somebody should do after the conversation.
    #[serde(default)]
    pub(crate) follow_ups: Vec<FollowUpDoc>,
    /// The states.
    pub(crate) states: Ordered<StateDoc>,
}

/// What a question has when it does not say otherwise.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DefaultsDoc {
    /// Said when an answer is not understood; the question follows.
    #[serde(default)]
    pub(crate) reprompt: Option<TextDoc>,
    /// Said after silence; the question follows.
    #[serde(default)]
    pub(crate) silence: Option<TextDoc>,
    /// Answers that are not taken before a question is given up (3).
    #[serde(default)]
    pub(crate) attempts: Option<At<u32>>,
    /// The state that follows a question that was given up.
    #[serde(default)]
    pub(crate) give_up: Option<At<String>>,
    /// Leaves when nobody seems to be there.
    #[serde(default)]
    pub(crate) abandon: Option<AbandonDoc>,
    /// The voice of what is said, by language tag.
    #[serde(default)]
    pub(crate) voice: Option<At<BTreeMap<String, String>>>,
}

/// Leaves when nobody seems to be there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AbandonDoc {
    /// Silent turns in a row.
    pub(crate) after_silences: At<u32>,
    /// The state that follows.
    pub(crate) goto: At<String>,
}

/// How the conversation is held. What is absent is as the server is configured.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyDoc {
    /// What may interrupt what the robot says, unless a sentence says otherwise.
    #[serde(default)]
    pub(crate) barge_in: Option<BargeInDoc>,
    /// Words that are no interruption, by language tag.
    #[serde(default)]
    pub(crate) backchannels: Option<PhrasesDoc>,
    /// Said when a reply is late, in turn, by language tag.
    #[serde(default)]
    pub(crate) fillers: Option<PhrasesDoc>,
    /// Milliseconds after which a filler is said.
    #[serde(default)]
    pub(crate) filler_after_ms: Option<u32>,
    /// Said when the caller says nothing, in turn, before the flow learns of it.
    #[serde(default)]
    pub(crate) silence_prompts: Option<PhrasesDoc>,
    /// The longest conversation, seconds; needs `time_over`.
    #[serde(default)]
    pub(crate) call_max_s: Option<At<u32>>,
    /// Said when the conversation takes too long.
    #[serde(default)]
    pub(crate) time_over: Option<TextDoc>,
    /// Replies may be prepared while the caller pauses.
    #[serde(default)]
    pub(crate) speculation: Option<bool>,
}

/// Something that is listened for in every turn, before any answer and before any model.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleDoc {
    /// Reported as the intent. By default the name of the list that is included.
    #[serde(default)]
    pub(crate) name: Option<At<String>>,
    /// A list of phrases that comes with the service.
    #[serde(default)]
    pub(crate) include: Option<At<String>>,
    /// The phrases, by language tag.
    #[serde(default)]
    pub(crate) hears: Option<PhrasesDoc>,
    /// Where it goes at once.
    pub(crate) goto: At<String>,
}

/// A sentence that has to be said.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoticeDoc {
    /// The sentence.
    pub(crate) say: TextDoc,
    /// The states that are not entered before it was said; `end` means every state that ends the conversation and is not the goal of a rule.
    pub(crate) before: At<Vec<String>>,
}

/// What is never said, whatever a language model writes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForbiddenDoc {
    /// The words and sentences, by language tag.
    pub(crate) phrases: PhrasesDoc,
    /// Said in their place.
    pub(crate) instead: TextDoc,
}

/// What the flow wants to know.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlotDoc {
    /// boolean, number, choice, text, name, digits or day.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["boolean", "number", "choice", "text", "name", "digits", "day"]))]
    pub(crate) kind: At<String>,
    /// number: the least; digits: the least digits.
    #[serde(default)]
    pub(crate) min: Option<At<f64>>,
    /// number: the most; digits: the most digits.
    #[serde(default)]
    pub(crate) max: Option<At<f64>>,
    /// number: takes no fractions.
    #[serde(default)]
    pub(crate) whole: Option<bool>,
    /// text and name: longer answers are cut (500).
    #[serde(default)]
    pub(crate) max_chars: Option<usize>,
    /// text and digits: a regular expression that the whole value has to match.
    #[serde(default)]
    pub(crate) pattern: Option<At<String>>,
    /// digits: keyed, never said; hidden in the transcript, the form and the record.
    #[serde(default)]
    pub(crate) secret: Option<bool>,
    /// boolean: further words that mean yes.
    #[serde(default, rename = "yes")]
    pub(crate) yes_words: Option<PhrasesDoc>,
    /// boolean: further words that mean no.
    #[serde(default, rename = "no")]
    pub(crate) no_words: Option<PhrasesDoc>,
    /// choice: the values, each with the phrases that mean it.
    #[serde(default)]
    pub(crate) options: Ordered<BTreeMap<String, Vec<String>>>,
}

/// What a state says, and the one thing that it does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateDoc {
    /// For readers of the file, and for a language model that leads: what the state is for.
    #[serde(default)]
    pub(crate) goal: Option<String>,
    /// Said on entering: a text, or a list of sentences with their own options.
    #[serde(default)]
    pub(crate) say: Option<SayDoc>,
    /// May the caller interrupt what the state says?
    #[serde(default)]
    pub(crate) barge_in: Option<BargeInDoc>,
    /// The slot that is asked for.
    #[serde(default)]
    pub(crate) ask: Option<At<String>>,
    /// Said when the answer is not understood.
    #[serde(default)]
    pub(crate) reprompt: Option<TextDoc>,
    /// Said when the answer is understood but not allowed.
    #[serde(default)]
    pub(crate) invalid: Option<TextDoc>,
    /// Said after silence.
    #[serde(default)]
    pub(crate) silence: Option<TextDoc>,
    /// Answers that are not taken before it gives up (3).
    #[serde(default)]
    pub(crate) attempts: Option<At<u32>>,
    /// Where it goes then.
    #[serde(default)]
    pub(crate) give_up: Option<At<String>>,
    /// ask: asked back before the value is taken. tool: asked before it runs.
    #[serde(default)]
    pub(crate) confirm: Option<TextDoc>,
    /// ask: how the answer is listened to, where the slot's type does not tell.
    #[serde(default)]
    pub(crate) listening: Option<At<ListeningDoc>>,
    /// ask: keys only, as for a secret.
    #[serde(default)]
    pub(crate) collect_dtmf: Option<At<CollectDoc>>,
    /// A language model leads.
    #[serde(default)]
    pub(crate) converse: Option<At<ConverseDoc>>,
    /// Questions of the caller's are answered from a table.
    #[serde(default)]
    pub(crate) answer: Option<At<AnsweringDoc>>,
    /// The tool that is used; `next` and `branch` follow when it did what it was asked.
    #[serde(default)]
    pub(crate) tool: Option<At<String>>,
    /// tool: where it goes when the tool failed.
    #[serde(default)]
    pub(crate) failed: Option<At<String>>,
    /// tool: where it goes when the caller did not confirm.
    #[serde(default)]
    pub(crate) declined: Option<At<String>>,
    /// Something for the dialplan to do.
    #[serde(default)]
    pub(crate) action: Option<At<ActionDoc>>,
    /// Hands the caller over; ends the conversation.
    #[serde(default)]
    pub(crate) transfer: Option<At<TransferDoc>>,
    /// Ends the call; the reason becomes the record's outcome.
    #[serde(default)]
    pub(crate) hangup: Option<At<String>>,
    /// Looked at before `next`, in order.
    #[serde(default)]
    pub(crate) branch: Vec<BranchDoc>,
    /// Where it goes on.
    #[serde(default)]
    pub(crate) next: Option<At<String>>,
}

/// A sentence with options of its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SentenceDoc {
    /// The words; with `play`, what the recording says.
    #[serde(default)]
    pub(crate) text: Option<TextDoc>,
    /// The content of a `<speak>` element, in place of `text`.
    #[serde(default)]
    pub(crate) ssml: Option<TextDoc>,
    /// The address of a recording; needs `text`.
    #[serde(default)]
    pub(crate) play: Option<TextDoc>,
    /// May the caller interrupt it?
    #[serde(default)]
    pub(crate) barge_in: Option<BargeInDoc>,
    /// The voice, by language tag.
    #[serde(default)]
    pub(crate) voice: Option<At<BTreeMap<String, String>>>,
    /// Its audio is worth keeping. By default when nothing of the conversation is in it.
    #[serde(default)]
    pub(crate) cacheable: Option<bool>,
}

/// How an answer is listened to. 0 and what is absent: as the slot's type, the client and the server say.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListeningDoc {
    /// In place of what the slot's type says.
    #[serde(default)]
    pub(crate) expects: Option<ExpectsDoc>,
    /// Words that are likely to be said, by language tag.
    #[serde(default)]
    pub(crate) hints: Option<PhrasesDoc>,
    /// How long the caller may say nothing, milliseconds.
    #[serde(default)]
    pub(crate) no_input_timeout_ms: u32,
    /// The silence that ends a complete answer, milliseconds.
    #[serde(default)]
    pub(crate) complete_silence_ms: u32,
    /// The silence that ends an incomplete answer, milliseconds.
    #[serde(default)]
    pub(crate) incomplete_silence_ms: u32,
}

/// What kind of answer is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ExpectsDoc {
    /// Nothing in particular.
    Anything,
    /// Yes or no.
    YesNo,
    /// A number of digits.
    Digits,
    /// A number, an amount, a score.
    Number,
    /// A date or a time.
    DateTime,
    /// A choice among few words.
    Choice,
    /// A name or an address.
    Name,
    /// A story: pauses are part of it.
    Open,
}

/// Keys only.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CollectDoc {
    /// Keys that end the answer ("#").
    #[serde(default)]
    pub(crate) terminators: Option<String>,
    /// The pause after a digit that ends the answer, milliseconds.
    #[serde(default)]
    pub(crate) interdigit_timeout_ms: u32,
    /// How long the caller may key nothing, milliseconds.
    #[serde(default)]
    pub(crate) no_input_timeout_ms: u32,
}

/// A language model leads.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConverseDoc {
    /// Whose model: openai.
    pub(crate) provider: At<String>,
    /// What it is and what it may do.
    pub(crate) system: TextDoc,
    /// Said when the model fails.
    pub(crate) fallback: TextDoc,
    /// Slots that the model may fill.
    #[serde(default)]
    pub(crate) fills: Vec<At<String>>,
    /// Where the model may lead the conversation, and when: state name to a description for the model.
    pub(crate) exits: Ordered<String>,
    /// Where it goes when the limits are used up.
    pub(crate) give_up: At<String>,
    /// Turns that it leads (20).
    #[serde(default)]
    pub(crate) turns_max: Option<u32>,
    /// Characters of one reply (600).
    #[serde(default)]
    pub(crate) reply_chars_max: Option<usize>,
    /// Failures in a row (2).
    #[serde(default)]
    pub(crate) failures_max: Option<u32>,
}

/// Questions of the caller's are answered.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnsweringDoc {
    /// The table that is asked.
    pub(crate) knowledge: At<String>,
    /// Said after an answer.
    #[serde(default)]
    pub(crate) more: Option<TextDoc>,
    /// Said when the table has no answer.
    pub(crate) unknown: TextDoc,
    /// Said when nothing was understood, or nothing said.
    pub(crate) silence: TextDoc,
    /// Where it goes when the caller says one of the words; looked at before the table, in order.
    #[serde(default)]
    pub(crate) exits: Vec<ExitDoc>,
    /// Turns in a row without an answer, before it gives up (2).
    #[serde(default)]
    pub(crate) misses_max: Option<u32>,
    /// Where it goes then.
    pub(crate) give_up: At<String>,
}

/// A way out of a state that answers questions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExitDoc {
    /// The words, by language tag.
    pub(crate) hears: PhrasesDoc,
    /// "no" and "没有了" mean it as well.
    #[serde(default)]
    pub(crate) or_no: bool,
    /// The state.
    pub(crate) goto: At<String>,
}

/// An answer of a table.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerDoc {
    /// Its name, which the record cites.
    pub(crate) id: At<String>,
    /// The words that ask for it.
    pub(crate) hears: PhrasesDoc,
    /// What is said.
    pub(crate) answer: TextDoc,
}

/// Something that can be asked of another program by HTTP.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolDoc {
    /// GET, POST, PUT or DELETE (POST).
    #[serde(default)]
    pub(crate) method: Option<At<String>>,
    /// The address; `{name}` is a variable or a slot, encoded. Only configured hosts are asked.
    pub(crate) url: At<String>,
    /// What is sent as JSON (GET and DELETE: as query): name to a template, or to a slot whose value is sent as it is.
    #[serde(default)]
    pub(crate) arguments: Ordered<ArgumentDoc>,
    /// Slots that are filled from the answer: slot to a JSON pointer (RFC 6901) such as /order/state.
    #[serde(default)]
    pub(crate) result: Ordered<At<String>>,
    /// Milliseconds that it may take (3000).
    #[serde(default)]
    pub(crate) timeout_ms: Option<At<u32>>,
    /// The header that names the call, so that a repeated one counts once.
    #[serde(default)]
    pub(crate) idempotency_header: Option<At<String>>,
    /// Said when it failed.
    pub(crate) sorry: TextDoc,
}

/// What is sent under a name.
#[derive(Debug)]
pub(crate) enum ArgumentDoc {
    /// A text with places.
    Template(At<String>),
    /// A slot's value as it is: a number stays one.
    Slot(At<String>),
}

/// What somebody should do after the conversation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FollowUpDoc {
    /// When.
    pub(crate) when: FollowUpWhenDoc,
    /// What.
    pub(crate) note: TextDoc,
}

/// When a follow-up is due: one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FollowUpWhenDoc {
    /// A slot, with one of is, at_least, at_most, filled.
    #[serde(default)]
    pub(crate) slot: Option<At<String>>,
    /// The slot has this value.
    #[serde(default)]
    pub(crate) is: Option<serde_json::Value>,
    /// The slot has at least this value.
    #[serde(default)]
    pub(crate) at_least: Option<f64>,
    /// The slot has at most this value.
    #[serde(default)]
    pub(crate) at_most: Option<f64>,
    /// The slot has a value.
    #[serde(default)]
    pub(crate) filled: Option<bool>,
    /// The conversation ended so.
    #[serde(default)]
    pub(crate) outcome: Option<String>,
    /// The caller wanted this.
    #[serde(default)]
    pub(crate) intent: Option<At<String>>,
    /// This tool failed.
    #[serde(default)]
    pub(crate) tool_failed: Option<At<String>>,
}

/// Something for the dialplan to do.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActionDoc {
    /// Its name.
    pub(crate) name: String,
    /// What it needs.
    #[serde(default)]
    pub(crate) params: BTreeMap<String, String>,
}

/// Hands the caller over.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferDoc {
    /// Where to.
    pub(crate) target: At<String>,
    /// What the person who takes over should know.
    #[serde(default)]
    pub(crate) summary: Option<At<String>>,
}

/// Where a state goes when a condition holds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BranchDoc {
    /// The condition.
    pub(crate) when: ConditionDoc,
    /// The state.
    pub(crate) goto: At<String>,
}

/// A slot with one of is, at_least, at_most, filled.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConditionDoc {
    /// The slot.
    pub(crate) slot: At<String>,
    /// It has this value.
    #[serde(default)]
    pub(crate) is: Option<serde_json::Value>,
    /// It has at least this value.
    #[serde(default)]
    pub(crate) at_least: Option<f64>,
    /// It has at most this value.
    #[serde(default)]
    pub(crate) at_most: Option<f64>,
    /// It has a value.
    #[serde(default)]
    pub(crate) filled: Option<bool>,
}

// --- Shapes that serde does not have --------------------------------------------------------------------------------------------

/// A value and where it stands in the file.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) at: Location,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::<T>::deserialize(deserializer).map(|spanned| Self { value: spanned.value, at: spanned.referenced })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A YAML mapping in the order of the file, with the place of each key.
#[derive(Debug)]
pub(crate) struct Ordered<T>(pub(crate) Vec<(At<String>, T)>);

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

impl<T: JsonSchema> JsonSchema for Ordered<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Mapping_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "type": "object", "additionalProperties": value })
    }
}

/// What a state says: one text, or sentences with their own options.
#[derive(Debug)]
pub(crate) enum SayDoc {
    /// By language tag.
    Text(TextDoc),
    /// In order.
    Sentences(Vec<At<SentenceDoc>>),
}

impl<'de> Deserialize<'de> for SayDoc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        enum Shape {
            Text(BTreeMap<String, String>),
            Sentences(Vec<At<SentenceDoc>>),
        }

        impl<'de> Deserialize<'de> for Shape {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Either;

                impl<'de> Visitor<'de> for Either {
                    type Value = Shape;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a text by language, or a list of sentences")
                    }

                    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Shape, A::Error> {
                        Deserialize::deserialize(MapAccessDeserializer::new(map)).map(Shape::Text)
                    }

                    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
                        let mut sentences = Vec::new();
                        while let Some(sentence) = seq.next_element()? {
                            sentences.push(sentence);
                        }
                        Ok(Shape::Sentences(sentences))
                    }
                }

                deserializer.deserialize_any(Either)
            }
        }

        let shape = At::<Shape>::deserialize(deserializer)?;
        Ok(match shape.value {
            Shape::Text(value) => Self::Text(At { value, at: shape.at }),
            Shape::Sentences(sentences) => Self::Sentences(sentences),
        })
    }
}

impl JsonSchema for SayDoc {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Say".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let text = generator.subschema_for::<BTreeMap<String, String>>();
        let sentences = generator.subschema_for::<Vec<SentenceDoc>>();
        json_schema!({ "anyOf": [text, sentences] })
    }
}

/// May the caller interrupt?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BargeInDoc {
    /// By speaking and by keys.
    Allowed,
    /// By keys only.
    DtmfOnly,
    /// Not at all.
    No,
}

impl<'de> Deserialize<'de> for BargeInDoc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;

        impl Visitor<'_> for Word {
            type Value = BargeInDoc;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("allowed, dtmf-only, no, true or false")
            }

            fn visit_bool<E: Error>(self, allowed: bool) -> Result<BargeInDoc, E> {
                Ok(if allowed { BargeInDoc::Allowed } else { BargeInDoc::No })
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<BargeInDoc, E> {
                match word {
                    "allowed" | "yes" => Ok(BargeInDoc::Allowed),
                    "dtmf-only" => Ok(BargeInDoc::DtmfOnly),
                    "no" => Ok(BargeInDoc::No),
                    other => Err(E::custom(format!("barge_in may be allowed, dtmf-only or no, not {other:?}"))),
                }
            }
        }

        deserializer.deserialize_any(Word)
    }
}

impl JsonSchema for BargeInDoc {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "BargeIn".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": ["allowed", "dtmf-only", "no", true, false] })
    }
}

impl<'de> Deserialize<'de> for ArgumentDoc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        enum Shape {
            Template(String),
            Slot(String),
        }

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct SlotOnly {
            slot: String,
        }

        impl<'de> Deserialize<'de> for Shape {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Either;

                impl<'de> Visitor<'de> for Either {
                    type Value = Shape;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a text, or { slot: NAME }")
                    }

                    fn visit_str<E: Error>(self, text: &str) -> Result<Shape, E> {
                        Ok(Shape::Template(text.to_owned()))
                    }

                    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Shape, A::Error> {
                        let only: SlotOnly = Deserialize::deserialize(MapAccessDeserializer::new(map))?;
                        Ok(Shape::Slot(only.slot))
                    }
                }

                deserializer.deserialize_any(Either)
            }
        }

        let shape = At::<Shape>::deserialize(deserializer)?;
        let at = shape.at;
        Ok(match shape.value {
            Shape::Template(value) => Self::Template(At { value, at }),
            Shape::Slot(value) => Self::Slot(At { value, at }),
        })
    }
}

impl JsonSchema for ArgumentDoc {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Argument".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": { "slot": { "type": "string" } },
                    "required": ["slot"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}
