//! Dialogues that are tried against a running service: what a caller does line by line, what the robot has to say, and how it ends. For
//! authors of flows, and for the tests of the shipped ones.

use std::{collections::BTreeMap, fmt};

use proto::v1::{
    self, action::Kind, caller_input, dialog_client::DialogClient, end_conversation_request::Reason, turn_event::Event,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use tonic::{Status, Streaming, transport::Channel};

/// Dialogues of one flow.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rehearsal {
    /// The flow.
    pub flow: String,
    /// The dialogues by name.
    pub dialogues: BTreeMap<String, RehearsedDialogue>,
}

/// One dialogue: what the caller does, and what is expected.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RehearsedDialogue {
    /// The language to begin in; empty: the flow's own.
    #[serde(default)]
    pub language: String,
    /// Call variables.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Words of the greeting.
    #[serde(default)]
    pub greets: String,
    /// Lines `WHAT THE CALLER DOES -> WORDS OF THE REPLY`. The caller says something, or `(silent)`, `(noise)`, `(keys 12#)`; before any of it
    /// `(over WORDS)`: the caller interrupts, and has heard so much. Several words that the reply has to hold are joined by ` & `.
    pub turns: Vec<String>,
    /// How it ends: `hangup REASON`, `transfer TARGET`, `open`.
    pub ends: String,
    /// Values of the form; those that are not named may be anything.
    #[serde(default)]
    pub form: Map<String, Value>,
    /// Intents that the record names, among others.
    #[serde(default)]
    pub intents: Vec<String>,
    /// Words of follow-ups that the record has.
    #[serde(default)]
    pub follow_ups: Vec<String>,
    /// How the caller felt overall.
    #[serde(default)]
    pub sentiment: Option<String>,
}

/// Why a dialogue did not go as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RehearsalFault {
    /// The dialogue.
    pub dialogue: String,
    /// The line, from 1; 0 is the greeting. `None`: the end.
    pub turn: Option<u32>,
    /// What was expected, and what happened.
    pub message: String,
}

impl fmt::Display for RehearsalFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.turn {
            Some(turn) => write!(f, "{}, turn {turn}: {}", self.dialogue, self.message),
            None => write!(f, "{}, at the end: {}", self.dialogue, self.message),
        }
    }
}

/// One reply, put together.
#[derive(Debug, Default)]
struct Replied {
    text: String,
    act: Option<Kind>,
}

/// What the caller does in one line.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    over: Option<&'a str>,
    kind: caller_input::Kind,
    words: &'a str,
    expected: Vec<&'a str>,
}

impl Rehearsal {
    /// Reads dialogues from YAML.
    ///
    /// # Errors
    /// What is wrong with the file, with its line.
    pub fn load(yaml: &str) -> Result<Self, String> {
        serde_saphyr::from_str(yaml)
            .map_err(|err| err.without_snippet().to_string().lines().next().unwrap_or("").to_owned())
    }

    /// Holds all dialogues, one after the other. `prefix` names the conversations.
    ///
    /// # Errors
    /// When the service cannot be asked.
    pub async fn run(&self, client: &mut DialogClient<Channel>, prefix: &str) -> Result<Vec<RehearsalFault>, Status> {
        let mut faults = Vec::new();
        for (number, (name, dialogue)) in self.dialogues.iter().enumerate() {
            let id = format!("{prefix}-{number}");
            if let Some((turn, message)) = dialogue.hold(client, &self.flow, &id).await? {
                faults.push(RehearsalFault { dialogue: name.clone(), turn, message });
            }
        }
        Ok(faults)
    }
}

impl RehearsedDialogue {
    /// Holds the dialogue; the first thing that is not as it should be.
    async fn hold(
        &self,
        client: &mut DialogClient<Channel>,
        flow: &str,
        id: &str,
    ) -> Result<Option<(Option<u32>, String)>, Status> {
        let start = v1::StartConversationRequest {
            conversation_id: id.to_owned(),
            language: self.language.clone(),
            flow: flow.to_owned(),
            variables: self.variables.clone().into_iter().collect(),
            ..v1::StartConversationRequest::default()
        };
        let mut reply = read(client.start_conversation(start).await?.into_inner()).await?;
        if !reply.text.contains(&self.greets) {
            return Ok(Some((Some(0), format!("expected {:?}, the robot says {:?}", self.greets, reply.text))));
        }
        let mut over = None;
        for (turn, line) in (1..).zip(&self.turns) {
            if matches!(reply.act, Some(Kind::Hangup(_) | Kind::Transfer(_))) {
                return Ok(Some((Some(turn), format!("it ended before: {:?}", reply.text))));
            }
            let line = Line::parse(line);
            if let Some(words) = line.over {
                let heard = v1::Heard { turn_id: turn - 1, text: words.to_owned(), complete: false, played_ms: 900 };
                over = Some(heard.clone());
                let interrupt = v1::InterruptRequest { conversation_id: id.to_owned(), heard: Some(heard) };
                client.interrupt(interrupt).await?;
            }
            let request = v1::TakeTurnRequest {
                conversation_id: id.to_owned(),
                turn_id: turn,
                input: Some(line.input()),
                heard: over.take(),
                speculation: 0,
            };
            reply = read(client.take_turn(request).await?.into_inner()).await?;
            if let Some(missing) = line.expected.iter().find(|words| !reply.text.contains(**words)) {
                return Ok(Some((Some(turn), format!("expected {missing:?}, the robot says {:?}", reply.text))));
            }
        }
        let (ends, reason) = match &reply.act {
            Some(Kind::Hangup(hangup)) => (format!("hangup {}", hangup.reason), Reason::Hangup),
            Some(Kind::Transfer(transfer)) => (format!("transfer {}", transfer.target), Reason::Transfer),
            Some(Kind::Continue(_) | Kind::Custom(_) | Kind::CollectDtmf(_)) | None => {
                ("open".to_owned(), Reason::CallerGone)
            }
        };
        let end = v1::EndConversationRequest { conversation_id: id.to_owned(), reason: reason.into(), heard: None };
        let record = client.end_conversation(end).await?.into_inner().record.unwrap_or_default();
        if ends != self.ends {
            return Ok(Some((None, format!("expected {:?}, it is {ends:?} after {:?}", self.ends, reply.text))));
        }
        Ok(self.wrong_record(&record).map(|message| (None, message)))
    }

    fn wrong_record(&self, record: &v1::Record) -> Option<String> {
        let form: Map<String, Value> = serde_json::from_str(&record.form_json).unwrap_or_default();
        for (slot, expected) in &self.form {
            let value = form.get(slot).unwrap_or(&Value::Null);
            let same = value == expected || (value.is_number() && value.as_f64() == expected.as_f64());
            if !same {
                return Some(format!("expected {slot} = {expected}, it is {value}"));
            }
            let quoted = record.evidence.iter().any(|evidence| evidence.slot == *slot && !evidence.quote.is_empty());
            if !value.is_null() && !quoted {
                return Some(format!("{slot} has no evidence"));
            }
        }
        if let Some(missing) = self.intents.iter().find(|intent| !record.intents.contains(intent)) {
            return Some(format!("expected the intent {missing:?}, there are {:?}", record.intents));
        }
        let missing = self.follow_ups.iter().find(|words| !record.follow_ups.iter().any(|note| note.contains(*words)));
        if let Some(missing) = missing {
            return Some(format!("expected the follow-up {missing:?}, there are {:?}", record.follow_ups));
        }
        let felt = record.sentiment.as_ref().map(|sentiment| sentiment.label.clone());
        if self.sentiment.is_some() && self.sentiment != felt {
            return Some(format!("expected {:?}, the caller felt {felt:?}", self.sentiment));
        }
        None
    }
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Self {
        let (caller, robot) = line.split_once("->").unwrap_or((line, ""));
        let expected = robot.split(" & ").map(str::trim).filter(|words| !words.is_empty()).collect();
        let mut rest = caller.trim();
        let mut over = None;
        if let Some((words, after)) = rest.strip_prefix("(over ").and_then(|rest| rest.split_once(')')) {
            (over, rest) = (Some(words.trim()), after.trim());
        }
        let (kind, words) = match rest {
            "(silent)" => (caller_input::Kind::NoInput, ""),
            "(noise)" => (caller_input::Kind::NoMatch, ""),
            _ => match rest.strip_prefix("(keys ").and_then(|rest| rest.strip_suffix(')')) {
                Some(keys) => (caller_input::Kind::Dtmf, keys.trim()),
                None => (caller_input::Kind::Speech, rest),
            },
        };
        Self { over, kind, words, expected }
    }

    fn input(&self) -> v1::CallerInput {
        let mut input = v1::CallerInput { kind: self.kind.into(), ..v1::CallerInput::default() };
        match self.kind {
            caller_input::Kind::Dtmf => input.dtmf = self.words.to_owned(),
            caller_input::Kind::Speech => {
                input.transcript = self.words.to_owned();
                input.confidence = 0.9;
            }
            caller_input::Kind::NoInput | caller_input::Kind::NoMatch | caller_input::Kind::Unspecified => {}
        }
        input
    }
}

async fn read(mut events: Streaming<v1::TurnEvent>) -> Result<Replied, Status> {
    let mut reply = Replied::default();
    let mut ended = false;
    while let Some(event) = events.message().await? {
        match event.event {
            Some(Event::Text(text)) => {
                if text.clause_end && !reply.text.is_empty() {
                    reply.text.push(' ');
                }
                reply.text.push_str(if text.ssml.is_empty() { &text.text } else { &text.ssml });
            }
            Some(Event::Play(play)) => {
                reply.text.push(' ');
                reply.text.push_str(&play.text);
            }
            Some(Event::Action(action)) => reply.act = action.kind,
            Some(Event::End(_)) => ended = true,
            Some(
                Event::Slots(_)
                | Event::Intent(_)
                | Event::Sentiment(_)
                | Event::Tool(_)
                | Event::Listening(_)
                | Event::Policy(_),
            )
            | None => {}
        }
    }
    if ended { Ok(reply) } else { Err(Status::internal("a reply has no end")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let speech = Line::parse("about six -> fever & operation");
        assert_eq!((speech.kind, speech.words), (caller_input::Kind::Speech, "about six"));
        assert_eq!(speech.expected, ["fever", "operation"]);
        let over = Line::parse("(over Hello there, this) (keys 6#) -> fever");
        assert_eq!((over.over, over.kind, over.words), (Some("Hello there, this"), caller_input::Kind::Dtmf, "6#"));
        assert_eq!(Line::parse("(silent)").kind, caller_input::Kind::NoInput);
        assert!(Line::parse("(noise)").expected.is_empty());
    }
}
