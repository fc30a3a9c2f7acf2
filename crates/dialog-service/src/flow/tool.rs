//! Tools: what is asked of other programs by HTTP. Here it is put together and its answer read; the service does the asking.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::{
    SlotId,
    text::{Template, Text},
};

/// Characters of an address that need no escape.
const ADDRESS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Characters of what is kept of an answer for the record.
const RECORDED_CHARS_MAX: usize = 2000;

/// What is done at the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "the methods of HTTP")]
pub enum ToolMethod {
    Get,
    Post,
    Put,
    Delete,
}

/// A tool as the flow declares it.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) method: ToolMethod,
    pub(super) url: Template,
    /// The host that it asks, with the port where there is one; it has no places.
    pub(super) host: String,
    pub(super) arguments: Vec<(String, Argument)>,
    pub(super) result: Vec<(SlotId, String)>,
    pub(super) timeout: Duration,
    pub(super) idempotency_header: Option<String>,
    pub(super) sorry: Text,
}

#[derive(Debug)]
pub(super) enum Argument {
    Template(Template),
    Slot(SlotId),
}

/// One use of a tool.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ToolRequest {
    /// The tool's name.
    pub name: String,
    /// What is done.
    pub method: ToolMethod,
    /// Where.
    pub url: String,
    /// What is sent: as JSON, or in the query of GET and DELETE.
    pub arguments: Map<String, Value>,
    /// The same without secrets, for the record.
    pub recorded_arguments: Map<String, Value>,
    /// How long it may take.
    pub timeout: Duration,
    /// A header with its value that names this use: a repeated one counts once. The value is unique within the conversation; the service
    /// puts the conversation's id before it.
    pub idempotency: Option<(String, String)>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolResult {
    /// It answered with this.
    Answered(Value),
    /// It failed, for this reason (for the record; callers never hear it).
    Failed(String),
}

/// A use of a tool, for the record.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ToolCall {
    /// The tool's name.
    pub name: String,
    /// What it was asked.
    pub arguments: Map<String, Value>,
    /// How it went.
    pub outcome: ToolOutcome,
    /// What it answered, or what went wrong, as JSON; cut where it is long.
    pub result: String,
    /// How long it took.
    pub took_ms: u32,
}

/// How a tool went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ToolOutcome {
    /// It did what it was asked.
    Done,
    /// It failed, or took too long.
    Failed,
    /// The caller did not confirm it.
    Declined,
}

impl Tool {
    /// The address with its places filled; each value is escaped, so that it cannot leave its place.
    pub(super) fn address(&self, value: impl Fn(&str) -> Option<String>) -> String {
        self.url.fill(|name| value(name).map(|value| utf8_percent_encode(value.trim(), ADDRESS).to_string()))
    }

    /// The values for slots that an answer holds; `Err` names what is missing.
    pub(super) fn read(&self, answer: &Value) -> Result<Vec<(SlotId, Value)>, String> {
        self.result
            .iter()
            .map(|(slot, pointer)| match answer.pointer(pointer) {
                Some(value @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Null)) => {
                    Ok((*slot, value.clone()))
                }
                Some(Value::Array(_) | Value::Object(_)) => Err(format!("{pointer} is not a single value")),
                None => Err(format!("{pointer} is missing")),
            })
            .collect()
    }
}

impl ToolCall {
    pub(super) fn new(request: &ToolRequest, outcome: ToolOutcome, result: &str, took: Duration) -> Self {
        Self {
            name: request.name.clone(),
            arguments: request.recorded_arguments.clone(),
            outcome,
            result: result.chars().take(RECORDED_CHARS_MAX).collect(),
            took_ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
        }
    }
}
