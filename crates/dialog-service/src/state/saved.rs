use base64::{Engine as _, engine::general_purpose::STANDARD};
use prost::Message as _;
use proto::v1;
use serde::{Deserialize, Serialize};

use crate::flow::{Need, Progress};

/// A conversation as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedDialogue {
    pub(crate) id: String,
    pub(crate) flow: String,
    pub(crate) flow_version: String,
    pub(crate) progress: Progress,
    pub(crate) turn: u32,
    /// Events of the last reply.
    pub(crate) reply: SavedEvents,
    pub(crate) pending: Option<SavedPending>,
    pub(crate) record: Option<SavedRecord>,
    /// Tokens that all replies used.
    #[serde(default)]
    pub(crate) tokens: u64,
}

/// What the last reply waits for: another instance begins it again.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedPending {
    pub(crate) need: Need,
    pub(crate) events_before: usize,
    pub(crate) said: String,
}

/// Events in the protocol's own encoding, each after its length.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SavedEvents(String);

/// A record in the protocol's own encoding.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SavedRecord(String);

impl SavedEvents {
    pub(crate) fn new(events: &[v1::TurnEvent]) -> Self {
        Self(
            STANDARD.encode(events.iter().flat_map(v1::TurnEvent::encode_length_delimited_to_vec).collect::<Vec<u8>>()),
        )
    }

    /// `None` when they were written by something else.
    pub(crate) fn events(&self) -> Option<Vec<v1::TurnEvent>> {
        let bytes = STANDARD.decode(&self.0).ok()?;
        let mut rest = bytes.as_slice();
        let mut events = Vec::new();
        while !rest.is_empty() {
            events.push(v1::TurnEvent::decode_length_delimited(&mut rest).ok()?);
        }
        Some(events)
    }
}

impl SavedRecord {
    pub(crate) fn new(record: &v1::Record) -> Self {
        Self(STANDARD.encode(record.encode_to_vec()))
    }

    pub(crate) fn record(&self) -> Option<v1::Record> {
        v1::Record::decode(STANDARD.decode(&self.0).ok()?.as_slice()).ok()
    }
}
