//! How a dialplan names a conversation, and what it gets back from one.

use std::fmt;

use serde_json::{Map, Value};

use crate::{Instance, Language, nlsml::InstanceForm};

/// What `builtin:speech/dialog?…` asks for: listen for one turn of a conversation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DialogGrammar {
    /// The conversation that the turn belongs to (`conversation`).
    pub conversation: Option<String>,
    /// The flow to start when the conversation is new (`flow`).
    pub flow: Option<String>,
    /// The language to listen for (`language`).
    pub language: Option<Language>,
    /// `reply=inline`: wait for the reply and put its text into the instance.
    pub reply_inline: bool,
    /// `instance=json` or `instance=xml`; `None`: the server's setting.
    pub instance: Option<InstanceForm>,
    /// Whether keys count as a turn (`dtmf=false` turns it off).
    pub dtmf: bool,
    /// Call variables (`var.NAME=value`), in order, names without the prefix.
    pub vars: Vec<(String, String)>,
    /// Parameters with other names, in order.
    pub params: Vec<(String, String)>,
}

/// What `dialog:reply?…` asks for: speak what the conversation has to say next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DialogReplyUri {
    /// The conversation (`conversation`).
    pub conversation: Option<String>,
    /// The flow to start when the conversation is new (`flow`).
    pub flow: Option<String>,
    /// The language to speak (`language`).
    pub language: Option<Language>,
    /// Call variables (`var.NAME=value`), in order, names without the prefix.
    pub vars: Vec<(String, String)>,
}

/// Why a dialog URI cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogUriError {
    /// One sentence.
    pub message: String,
}

impl fmt::Display for DialogUriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DialogUriError {}

impl DialogReplyUri {
    /// Reads `dialog:reply?conversation=ID&flow=NAME&language=TAG&var.NAME=VALUE`. Parameters may be joined with `&` or
    /// `;`, values may be percent-encoded, unknown parameters are ignored.
    ///
    /// # Errors
    /// When it is not a `dialog:reply` URI, names a language that is not served, or is over a limit.
    pub fn parse(_uri: &str) -> Result<Self, DialogUriError> {
        Ok(Self::default())
    }
}

impl fmt::Display for DialogReplyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dialog:reply")
    }
}

/// What the dialplan learns from one RECOGNIZE of a conversation: the instance of the result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TurnResult {
    /// What the caller said or keyed; empty when the conversation completed the request by itself.
    pub transcript: String,
    /// How sure the recognition is, 0 to 1.
    pub confidence: f32,
    /// The language that was heard.
    pub language: Option<Language>,
    /// What the dialplan has to do: `continue`, `transfer`, `hangup`, or a name of the dialog service's own.
    pub action: String,
    /// Where to transfer to.
    pub target: Option<String>,
    /// The hand-over summary of a transfer.
    pub summary: Option<String>,
    /// The number of the turn, from 1.
    pub turn: u64,
    /// What the caller wants, when the service says so.
    pub intent: Option<String>,
    /// What the service knows by now, by name.
    pub slots: Map<String, Value>,
    /// The reply's text, with `reply=inline` only.
    pub reply: Option<String>,
    /// Parameters of an action of the service's own, by name.
    pub params: Map<String, Value>,
}

impl TurnResult {
    /// The instance for the result: an object whose absent fields are left out.
    pub fn to_instance(&self) -> Instance {
        let mut object = Map::new();
        object.insert("transcript".into(), self.transcript.clone().into());
        let confidence = (f64::from(self.confidence) * 100.0).round() / 100.0;
        object.insert("confidence".into(), confidence.into());
        if let Some(language) = self.language {
            object.insert("language".into(), language.tag().into());
        }
        object.insert("action".into(), self.action.clone().into());
        for (name, value) in [("target", &self.target), ("summary", &self.summary)] {
            if let Some(value) = value {
                object.insert(name.into(), value.clone().into());
            }
        }
        object.insert("turn".into(), self.turn.into());
        if let Some(intent) = &self.intent {
            object.insert("intent".into(), intent.clone().into());
        }
        for (name, map) in [("slots", &self.slots), ("params", &self.params)] {
            if !map.is_empty() {
                object.insert(name.into(), map.clone().into());
            }
        }
        if let Some(reply) = &self.reply {
            object.insert("reply".into(), reply.clone().into());
        }
        Value::Object(object)
    }
}
