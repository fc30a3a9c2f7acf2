//! How a dialplan names a conversation, and what it gets back from one.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::{
    Instance, Language,
    nlsml::InstanceForm,
    query::{UriParts, take_apart},
};

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

impl DialogUriError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
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
    pub fn parse(uri: &str) -> Result<Self, DialogUriError> {
        let uri = trimmed(uri)?;
        let parts = take_apart(uri);
        let Some((scheme, verb)) = parts.path.split_once(':') else {
            return Err(DialogUriError::new(format!("{:?} is not a dialog URI", parts.path)));
        };
        let verb = verb.trim_matches('/');
        if !scheme.eq_ignore_ascii_case("dialog") || !verb.eq_ignore_ascii_case("reply") {
            return Err(DialogUriError::new(format!("{:?} is not dialog:reply", parts.path)));
        }
        let common = DialogParams::of(&parts)?;
        Ok(Self { conversation: common.conversation, flow: common.flow, language: common.language, vars: common.vars })
    }

    /// Whether a text is meant as a dialog URI: it begins with `dialog:` and has no white space inside.
    pub fn is_meant_by(text: &str) -> bool {
        let text = text.trim();
        let scheme = text.get(.."dialog:".len());
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("dialog:")) && !text.contains(char::is_whitespace)
    }
}

impl DialogGrammar {
    /// Takes the parameters of a `builtin:speech/dialog` URI.
    pub(crate) fn of(parts: &UriParts<'_>) -> Result<Self, DialogUriError> {
        let common = DialogParams::of(parts)?;
        let reply_inline = match parts.param("reply") {
            None | Some("" | "stream") => false,
            Some("inline") => true,
            Some(other) => return Err(DialogUriError::new(format!("reply={other} is neither inline nor stream"))),
        };
        let instance = match parts.param("instance") {
            None | Some("") => None,
            Some("json") => Some(InstanceForm::Json),
            Some("xml") => Some(InstanceForm::Xml),
            Some(other) => return Err(DialogUriError::new(format!("instance={other} is neither json nor xml"))),
        };
        let dtmf = match parts.param("dtmf") {
            None | Some("" | "true" | "1" | "on") => true,
            Some("false" | "0" | "off") => false,
            Some(other) => return Err(DialogUriError::new(format!("dtmf={other} is neither true nor false"))),
        };
        let taken = ["reply", "instance", "dtmf"];
        let params = common.params.into_iter().filter(|(name, _)| !taken.contains(&name.as_str())).collect();
        Ok(Self {
            conversation: common.conversation,
            flow: common.flow,
            language: common.language,
            reply_inline,
            instance,
            dtmf,
            vars: common.vars,
            params,
        })
    }
}

/// The longest dialog URI that is read, in bytes.
const URI_BYTES_MAX: usize = 8 * 1024;
/// The longest conversation id or flow name, in characters.
const NAME_CHARS_MAX: usize = 256;

fn trimmed(uri: &str) -> Result<&str, DialogUriError> {
    let uri = uri.trim().trim_start_matches('<').trim_end_matches('>');
    if uri.len() > URI_BYTES_MAX {
        return Err(DialogUriError::new(format!("the URI has {} bytes, {URI_BYTES_MAX} are allowed", uri.len())));
    }
    Ok(uri)
}

/// What both dialog URIs can say.
struct DialogParams {
    conversation: Option<String>,
    flow: Option<String>,
    language: Option<Language>,
    vars: Vec<(String, String)>,
    params: Vec<(String, String)>,
}

impl DialogParams {
    fn of(parts: &UriParts<'_>) -> Result<Self, DialogUriError> {
        let language = match parts.language_tag() {
            None => None,
            Some(tag) => {
                let language = Language::from_tag(tag);
                Some(language.ok_or_else(|| DialogUriError::new(format!("language {tag:?} is not served")))?)
            }
        };
        let mut vars = Vec::new();
        let mut params = Vec::new();
        for (name, value) in &parts.params {
            match name.strip_prefix("var.") {
                Some("") => return Err(DialogUriError::new("a call variable has no name")),
                Some(variable) => vars.push((variable.to_owned(), value.clone())),
                None if matches!(name.as_str(), "conversation" | "flow" | "language" | "lang" | "xml:lang") => {}
                None => params.push((name.clone(), value.clone())),
            }
        }
        Ok(Self { conversation: name(parts, "conversation")?, flow: name(parts, "flow")?, language, vars, params })
    }
}

/// A name: short, without control characters; an empty one counts as not given, as an unset dialplan variable makes it.
fn name(parts: &UriParts<'_>, param: &str) -> Result<Option<String>, DialogUriError> {
    let Some(value) = parts.param(param).filter(|value| !value.is_empty()) else { return Ok(None) };
    if value.chars().nth(NAME_CHARS_MAX).is_some() || value.chars().any(char::is_control) {
        return Err(DialogUriError::new(format!("the value of {param} is no name")));
    }
    Ok(Some(value.to_owned()))
}

/// What is escaped in a value: all that ends one somewhere between a dialplan and here.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'+').remove(b':');

impl fmt::Display for DialogReplyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = '?';
        f.write_str("dialog:reply")?;
        let language = self.language.map(|language| language.tag().to_owned());
        let named = [("conversation", &self.conversation), ("flow", &self.flow), ("language", &language)];
        let named = named.into_iter().filter_map(|(name, value)| value.as_ref().map(|value| (name.to_owned(), value)));
        let vars = self.vars.iter().map(|(name, value)| (format!("var.{}", utf8_percent_encode(name, ESCAPED)), value));
        for (name, value) in named.chain(vars) {
            write!(f, "{separator}{name}={}", utf8_percent_encode(value, ESCAPED))?;
            separator = '&';
        }
        Ok(())
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
    /// How the caller felt, when the service says so.
    pub sentiment: Option<String>,
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
        for (name, label) in [("intent", &self.intent), ("sentiment", &self.sentiment)] {
            if let Some(label) = label {
                object.insert(name.into(), label.clone().into());
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_uri_is_read_with_all_its_parameters() {
        let uri =
            "dialog:reply?conversation=8f-1&flow=survey&language=zh-CN&var.name=%E7%8E%8B&var.number=+15551234&x=1";
        let parsed = DialogReplyUri::parse(uri).unwrap();
        assert_eq!(parsed.conversation.as_deref(), Some("8f-1"));
        assert_eq!(parsed.flow.as_deref(), Some("survey"));
        assert_eq!(parsed.language, Some(Language::Chinese));
        assert_eq!(parsed.vars, [("name".into(), "王".into()), ("number".into(), "+15551234".into())]);
    }

    #[test]
    fn an_unset_dialplan_variable_counts_as_not_given() {
        assert_eq!(DialogReplyUri::parse("dialog:reply?conversation=&flow="), Ok(DialogReplyUri::default()));
        assert_eq!(DialogReplyUri::parse(" <DIALOG:reply> "), Ok(DialogReplyUri::default()));
    }

    #[test]
    fn what_is_no_reply_uri_is_refused() {
        for uri in
            ["", "dialog:", "dialog:ask", "reply", "http://reply", "dialog:reply?language=de", "dialog:reply?var.=1"]
        {
            assert!(DialogReplyUri::parse(uri).is_err(), "{uri}");
        }
        assert!(DialogReplyUri::parse(&format!("dialog:reply?conversation={}", "x".repeat(300))).is_err());
        assert!(DialogReplyUri::parse(&format!("dialog:reply?x={}", "x".repeat(9000))).is_err());
    }

    #[test]
    fn a_printed_uri_is_read_back() {
        let uri = DialogReplyUri {
            conversation: Some("a b;c&d?e=f%".into()),
            flow: Some("流程".into()),
            language: Some(Language::English),
            vars: vec![("k.=".into(), "v\n+1".into())],
        };
        assert_eq!(DialogReplyUri::parse(&uri.to_string()), Ok(uri));
    }

    #[test]
    fn an_instance_leaves_out_what_is_not_known() {
        let result = TurnResult {
            transcript: "six".into(),
            confidence: 0.876,
            action: "continue".into(),
            turn: 2,
            ..TurnResult::default()
        };
        let json = result.to_instance().to_string();
        assert_eq!(json, r#"{"transcript":"six","confidence":0.88,"action":"continue","turn":2}"#);
    }
}
