//! What remains of a conversation, as a JSON document: what the dialog service says of it, and what we measured.

use std::path::{Path, PathBuf};
use std::time::Duration;

use conversation::{Label, ToolCall, TurnNotes};
use dialog_client::Record;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::turn_ledger::Ledgers;

/// A conversation that is over.
pub(crate) struct Ended<'a> {
    pub(crate) id: &'a str,
    pub(crate) begun_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    /// What the service gave; `None`: it did not.
    pub(crate) record: Option<&'a Record>,
    pub(crate) notes: Vec<&'a TurnNotes>,
    pub(crate) ledgers: &'a Ledgers,
}

/// The record as it is written and sent.
pub(crate) fn document(ended: &Ended<'_>) -> Value {
    let mut record = Map::new();
    let mut set = |name: &str, value: Value| record.insert(name.to_owned(), value);
    set("conversation", ended.id.into());
    set("begun_at", ended.begun_at.to_string().into());
    set("ended_at", ended.ended_at.to_string().into());
    set("recorded_by_service", ended.record.is_some().into());
    if let Some(of) = ended.record {
        set("flow", of.flow.clone().into());
        set("flow_version", of.flow_version.clone().into());
        set("language", of.language.clone().into());
        set("outcome", of.outcome.clone().into());
        set("form", serde_json::from_str(&of.form_json).unwrap_or(Value::Null));
        set("evidence", of.evidence.iter().map(evidence).collect());
        set("summary", of.summary.clone().into());
        set("intents", of.intents.clone().into());
        let sentiment = of.sentiment.as_ref();
        set("sentiment", sentiment.map_or(Value::Null, |said| label(&said.label, Some(said.confidence))));
        set("follow_ups", of.follow_ups.clone().into());
        set("tools", of.tools.iter().map(service_tool).collect());
        set("written_by", of.written_by.clone().into());
        set("transcript", of.transcript.iter().map(line).collect());
    }
    set("turns", ended.notes.iter().map(|notes| turn(notes, ended.ledgers)).collect());
    Value::Object(record)
}

fn turn(notes: &TurnNotes, ledgers: &Ledgers) -> Value {
    let mut turn = Map::new();
    let mut set = |name: &str, value: Value| turn.insert(name.to_owned(), value);
    set("turn", notes.turn.0.into());
    set("intents", notes.intents.iter().map(of_label).collect());
    set("sentiment", notes.sentiment.as_ref().map_or(Value::Null, of_label));
    set("tools", notes.tools.iter().map(tool).collect());
    set("fallback", notes.is_fallback.into());
    if let Some(figures) = &notes.figures {
        set("degraded", figures.degraded.into());
        set("model", figures.model.clone().into());
        set("first_token_ms", figures.first_token.map(ms).into());
        set("tokens_in", figures.tokens_in.into());
        set("tokens_out", figures.tokens_out.into());
    }
    if let Some(ledger) = ledgers.of(notes.turn) {
        let stages: Map<String, Value> =
            ledger.stages().map(|(stage, took)| (stage.as_str().to_owned(), micros(took).into())).collect();
        set("ledger_us", json!({ "total": micros(ledger.total()), "stages": stages }));
    }
    Value::Object(turn)
}

fn line(line: &proto::v1::Line) -> Value {
    let speaker = match line.speaker() {
        proto::v1::line::Speaker::Caller => "caller",
        proto::v1::line::Speaker::Robot | proto::v1::line::Speaker::Unspecified => "robot",
    };
    json!({ "turn": line.turn_id, "speaker": speaker, "text": line.text })
}

fn evidence(of: &proto::v1::Evidence) -> Value {
    json!({ "slot": of.slot, "quote": of.quote, "turn": of.turn_id })
}

fn of_label(label_of: &Label) -> Value {
    label(&label_of.name, label_of.confidence)
}

fn label(name: &str, confidence: Option<f32>) -> Value {
    let confidence = confidence.filter(|confidence| *confidence > 0.0);
    json!({ "label": name, "confidence": confidence.map(|confidence| (f64::from(confidence) * 100.0).round() / 100.0) })
}

fn tool(call: &ToolCall) -> Value {
    json!({
        "name": call.name,
        "arguments": json_or_text(&call.arguments),
        "outcome": call.outcome.as_str(),
        "result": json_or_text(&call.result),
        "took_ms": ms(call.took),
    })
}

fn service_tool(call: &proto::v1::ToolCall) -> Value {
    use proto::v1::tool_call::Outcome;
    let outcome = match call.outcome() {
        Outcome::Unspecified => "unknown",
        Outcome::Done => "done",
        Outcome::Failed => "failed",
        Outcome::Declined => "declined",
    };
    json!({
        "name": call.name,
        "arguments": json_or_text(&call.arguments_json),
        "outcome": outcome,
        "result": json_or_text(&call.result_json),
        "took_ms": call.took_ms,
    })
}

/// JSON as such; what is none, as text; nothing as null.
fn json_or_text(text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Where the record of a conversation is kept in `directory`: a name that stays there, whatever the client chose as the id.
pub(crate) fn path(directory: &Path, id: &str) -> PathBuf {
    let safe: String = id
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_') { letter } else { '_' })
        .take(128)
        .collect();
    directory.join(format!("{safe}.json"))
}

/// Writes a document so that nobody sees half of it.
///
/// # Errors
/// When the directory or the file cannot be written.
pub(crate) async fn write(path: &Path, document: &str) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        tokio::fs::create_dir_all(directory).await?;
    }
    let unfinished = path.with_extension("part");
    tokio::fs::write(&unfinished, document).await?;
    tokio::fs::rename(&unfinished, path).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_stays_in_its_directory() {
        let name = |id| path(Path::new("/r"), id).display().to_string();
        assert_eq!(name("../../etc/passwd"), "/r/______etc_passwd.json");
        assert_eq!(name("6e9af88a-6110"), "/r/6e9af88a-6110.json");
    }

    #[test]
    fn what_the_service_did_not_record_is_still_there_as_far_as_we_saw_it() {
        let ledgers = Ledgers::default();
        let at = Timestamp::UNIX_EPOCH;
        let ended =
            Ended { id: "call-1", begun_at: at, ended_at: at, record: None, notes: Vec::new(), ledgers: &ledgers };
        let record = document(&ended);
        assert_eq!(record["recorded_by_service"], json!(false));
        assert_eq!((record.get("outcome"), &record["turns"]), (None, &json!([])));
    }

    #[test]
    fn a_record_has_all_that_the_service_says() {
        let ledgers = Ledgers::default();
        let record = Record {
            form_json: r#"{"pain":6}"#.to_owned(),
            evidence: vec![proto::v1::Evidence { slot: "pain".into(), quote: "about six".into(), turn_id: 1 }],
            sentiment: Some(proto::v1::Sentiment { label: "neutral".into(), confidence: 0.75 }),
            tools: vec![proto::v1::ToolCall {
                name: "book".into(),
                arguments_json: "{\"day\":1}".into(),
                ..Default::default()
            }],
            follow_ups: vec!["call back".into()],
            summary: "Pain of six.".into(),
            ..Record::default()
        };
        let at = Timestamp::UNIX_EPOCH;
        let ended = Ended {
            id: "call-1",
            begun_at: at,
            ended_at: at,
            record: Some(&record),
            notes: Vec::new(),
            ledgers: &ledgers,
        };
        let written = document(&ended);
        assert_eq!(written["form"], json!({"pain": 6}));
        assert_eq!(written["evidence"], json!([{"slot": "pain", "quote": "about six", "turn": 1}]));
        assert_eq!(written["sentiment"], json!({"label": "neutral", "confidence": 0.75}));
        assert_eq!(written["tools"][0]["arguments"], json!({"day": 1}));
        assert_eq!((&written["follow_ups"][0], &written["summary"]), (&json!("call back"), &json!("Pain of six.")));
    }
}
