//! What a conversation came to, written by a language model from its transcript. What it writes is checked before it is believed: the
//! rules' own summary stays where it is not.

use std::time::Duration;

use proto::v1::{self, line::Speaker};
use serde::Deserialize;
use tokio::time::timeout;

use crate::{
    flow::{ModelMessage, ModelRequest},
    openai::Providers,
};

/// Characters of a summary, and of everything that the model writes for it.
const SUMMARY_CHARS_MAX: usize = 1_200;
const ANSWER_CHARS_MAX: usize = 6_000;
/// Intents and follow-ups that are kept, and characters of each.
const ITEMS_MAX: usize = 8;
const ITEM_CHARS_MAX: usize = 200;

#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Written {
    summary: String,
    #[serde(default)]
    intents: Vec<String>,
    #[serde(default)]
    sentiment: String,
    #[serde(default)]
    follow_ups: Vec<String>,
}

/// Puts a model's summary, intents, sentiment and follow-ups into the record, if it writes some that can be read in time.
pub(crate) async fn write(providers: &Providers, mut record: v1::Record, within: Duration) -> v1::Record {
    let said_something = record.transcript.iter().any(|line| line.speaker() == Speaker::Caller);
    if !said_something {
        return record;
    }
    match timeout(within, ask(providers, &request(&record))).await {
        Ok(Some((written, model))) => adopt(&mut record, written, model),
        Ok(None) | Err(_) => {
            metrics::counter!("dialog_summaries_total", "by" => "rules").increment(1);
            tracing::debug!(conversation = record.conversation_id, "the summary is written by rules");
            return record;
        }
    }
    metrics::counter!("dialog_summaries_total", "by" => "model").increment(1);
    record
}

fn request(record: &v1::Record) -> ModelRequest {
    let is_chinese = record.language.starts_with("zh");
    let system = if is_chinese {
        "你是电话随访记录员。根据通话记录只输出一个 JSON 对象，不要输出其他文字：\
         {\"summary\": 两三句话的总结, \"intents\": [来电者的意图], \"sentiment\": \"positive\"、\"neutral\" 或 \"negative\", \
         \"follow_ups\": [需要有人处理的事项]}。只写通话中说过的内容，不要推测。"
    } else {
        "You write the record of a telephone call. From the transcript, write one JSON object and nothing else: \
         {\"summary\": two or three sentences, \"intents\": [what the caller wanted], \"sentiment\": \"positive\", \"neutral\" or \
         \"negative\", \"follow_ups\": [what somebody has to do now]}. Write only what was said; guess nothing."
    };
    let lines: Vec<String> = record
        .transcript
        .iter()
        .map(|line| match line.speaker() {
            Speaker::Caller => format!("Caller: {}", line.text),
            Speaker::Robot | Speaker::Unspecified => format!("Robot: {}", line.text),
        })
        .collect();
    let text = format!("{}\n\nForm: {}", lines.join("\n"), record.form_json);
    let history = vec![ModelMessage { by_caller: true, text }];
    let exits = Vec::new();
    ModelRequest { system: system.to_owned(), history, reply_chars_max: ANSWER_CHARS_MAX, exits, guard: None }
}

async fn ask(providers: &Providers, request: &ModelRequest) -> Option<(Written, String)> {
    let mut begun = providers.begin(request).await.ok()?;
    let mut answer = String::new();
    while let Some(words) = begun.stream.next().await.ok()? {
        answer.push_str(&words);
        if answer.chars().count() > ANSWER_CHARS_MAX {
            return None;
        }
    }
    read(&answer).map(|written| (written, begun.stream.usage().model.clone()))
}

/// The JSON object in what the model wrote, wherever it is.
fn read(answer: &str) -> Option<Written> {
    let object = answer.get(answer.find('{')?..=answer.rfind('}')?)?;
    let written: Written = serde_json::from_str(object).ok()?;
    (!written.summary.trim().is_empty()).then_some(written)
}

fn adopt(record: &mut v1::Record, written: Written, model: String) {
    let cut = |text: &str, max: usize| text.trim().chars().take(max).collect::<String>();
    let items = |items: Vec<String>| -> Vec<String> {
        let items = items.iter().map(|item| cut(item, ITEM_CHARS_MAX)).filter(|item| !item.is_empty());
        items.take(ITEMS_MAX).collect()
    };
    record.summary = cut(&written.summary, SUMMARY_CHARS_MAX);
    for intent in items(written.intents) {
        if !record.intents.contains(&intent) {
            record.intents.push(intent);
        }
    }
    if ["positive", "neutral", "negative"].contains(&written.sentiment.as_str()) {
        record.sentiment = Some(v1::Sentiment { label: written.sentiment, confidence: 0.0 });
    }
    // What the rules found stays: they know of emergencies.
    for follow_up in items(written.follow_ups) {
        if !record.follow_ups.contains(&follow_up) {
            record.follow_ups.push(follow_up);
        }
    }
    record.written_by = model;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_found_among_words() {
        let answer = "Sure!\n```json\n{\"summary\": \"All well.\", \"sentiment\": \"positive\"}\n``` Bye";
        let written = read(answer).unwrap();
        assert_eq!((written.summary.as_str(), written.sentiment.as_str()), ("All well.", "positive"));
        for nonsense in ["", "{", "}{", "no", "{\"summary\": 3}", "{\"summary\": \" \"}", "{\"intents\": []}"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn what_a_model_writes_is_bounded_and_keeps_what_rules_found() {
        let mut record = v1::Record {
            follow_ups: vec!["call a nurse".to_owned()],
            sentiment: Some(v1::Sentiment { label: "neutral".to_owned(), confidence: 0.0 }),
            ..v1::Record::default()
        };
        let written = Written {
            summary: "字".repeat(5_000),
            intents: vec!["a".to_owned(); 30],
            sentiment: "furious".to_owned(),
            follow_ups: vec!["call a nurse".to_owned(), "  ".to_owned(), "send papers".to_owned()],
        };
        adopt(&mut record, written, "small".to_owned());
        assert_eq!(record.summary.chars().count(), SUMMARY_CHARS_MAX);
        assert_eq!(record.intents, ["a"]);
        assert_eq!(record.sentiment.unwrap().label, "neutral");
        assert_eq!(record.follow_ups, ["call a nurse", "send papers"]);
        assert_eq!(record.written_by, "small");
    }
}
