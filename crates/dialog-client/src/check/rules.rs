//! The rules, each with the conversations that show whether it is kept.

use std::time::Duration;

use proto::v1::{self, caller_input::Kind as InputKind};
use tonic::{Code, Status};

use super::{
    future::{self, LaterStart},
    report::{Outcome, Report},
    talk::{Heard, Line, is_not_found, keys, of_kind, says},
};

/// What every service must, in the order in which it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Reachable,
    Capabilities,
    Greeting,
    StartRepeated,
    Turns,
    TurnRepeated,
    OlderTurn,
    SilenceAndKeys,
    Interruption,
    HeardIsTheTruth,
    Cancellation,
    Deadline,
    UnknownConversation,
    BadStart,
    UnknownFields,
    End,
    Speculation,
    FirstEvent,
}

/// Why a rule cannot be said to be kept.
enum Trouble {
    Broken(String),
    Skipped(String),
}

type Checked = Result<(), Trouble>;

fn broken<T>(why: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble::Broken(why.into()))
}

impl Rule {
    pub(super) const ALL: [Self; 18] = [
        Self::Reachable,
        Self::Capabilities,
        Self::Greeting,
        Self::StartRepeated,
        Self::Turns,
        Self::TurnRepeated,
        Self::OlderTurn,
        Self::SilenceAndKeys,
        Self::Interruption,
        Self::HeardIsTheTruth,
        Self::Cancellation,
        Self::Deadline,
        Self::UnknownConversation,
        Self::BadStart,
        Self::UnknownFields,
        Self::End,
        Self::Speculation,
        Self::FirstEvent,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::Capabilities => "capabilities",
            Self::Greeting => "greeting",
            Self::StartRepeated => "start-repeated",
            Self::Turns => "turns",
            Self::TurnRepeated => "turn-repeated",
            Self::OlderTurn => "older-turn",
            Self::SilenceAndKeys => "silence-and-keys",
            Self::Interruption => "interruption",
            Self::HeardIsTheTruth => "heard-is-the-truth",
            Self::Cancellation => "cancellation",
            Self::Deadline => "deadline",
            Self::UnknownConversation => "unknown-conversation",
            Self::BadStart => "bad-start",
            Self::UnknownFields => "unknown-fields",
            Self::End => "end",
            Self::Speculation => "speculation",
            Self::FirstEvent => "first-event",
        }
    }

    pub(super) fn demand(self) -> &'static str {
        match self {
            Self::Reachable => "the service answers at its address",
            Self::Capabilities => "GetCapabilities is answered, or UNIMPLEMENTED",
            Self::Greeting => "StartConversation streams a whole reply of turn 0: TurnEnd last, one action at most",
            Self::StartRepeated => "StartConversation of an open conversation replays its last reply",
            Self::Turns => "TakeTurn streams a whole reply of its own turn, one turn after the other",
            Self::TurnRepeated => "a turn that was answered is answered again with the same events",
            Self::OlderTurn => "a turn older than the last is FAILED_PRECONDITION",
            Self::SilenceAndKeys => "silence, keys and what was not understood are turns",
            Self::Interruption => "Interrupt is taken; of a turn that is not the last it is ignored",
            Self::HeardIsTheTruth => "the record holds what was heard of an interrupted reply, and no more",
            Self::Cancellation => "a stream that nobody waits for harms nothing: the turn can be asked again",
            Self::Deadline => "a call whose deadline passed harms nothing: the turn can be asked again",
            Self::UnknownConversation => "an unknown conversation is NOT_FOUND, in every call",
            Self::BadStart => "a start without id is INVALID_ARGUMENT, an unknown flow NOT_FOUND",
            Self::UnknownFields => "unknown fields are ignored",
            Self::End => "EndConversation gives the record, the same one again, and no turn is answered after it",
            Self::Speculation => "a withdrawn turn leaves no trace, a committed one is the caller's",
            Self::FirstEvent => "the first event of every reply comes in time",
        }
    }

    pub(super) async fn check(self, line: &Line, report: &mut Report) -> Outcome {
        let checked = match self {
            Self::Reachable => reachable(line).await,
            Self::Capabilities => capabilities(line, report).await,
            Self::Greeting => greeting(line).await,
            Self::StartRepeated => start_repeated(line).await,
            Self::Turns => turns(line).await,
            Self::TurnRepeated => turn_repeated(line).await,
            Self::OlderTurn => older_turn(line).await,
            Self::SilenceAndKeys => silence_and_keys(line).await,
            Self::Interruption => interruption(line).await,
            Self::HeardIsTheTruth => heard_is_the_truth(line).await,
            Self::Cancellation => cancellation(line).await,
            Self::Deadline => deadline(line).await,
            Self::UnknownConversation => unknown_conversation(line).await,
            Self::BadStart => bad_start(line).await,
            Self::UnknownFields => unknown_fields(line).await,
            Self::End => end(line).await,
            Self::Speculation => speculation(line).await,
            Self::FirstEvent => first_event(line),
        };
        match checked {
            Ok(()) => Outcome::Kept,
            Err(Trouble::Broken(why)) => Outcome::Broken(why),
            Err(Trouble::Skipped(why)) => Outcome::Skipped(why),
        }
    }
}

/// The reply, if it came and is as it has to be.
fn whole(what: &str, reply: Result<Heard, Status>) -> Result<Heard, Trouble> {
    match reply {
        Ok(heard) if heard.faults.is_empty() => Ok(heard),
        Ok(heard) => broken(format!("{what}: {}", heard.faults.join("; "))),
        Err(status) => broken(format!("{what} failed: {}", told(&status))),
    }
}

fn told(status: &Status) -> String {
    let message = status.message();
    if message.is_empty() { format!("{:?}", status.code()) } else { format!("{:?}, {message}", status.code()) }
}

/// A new conversation, greeted.
async fn begun(line: &Line) -> Result<(String, Heard), Trouble> {
    let id = line.new_id();
    let heard = whole("the greeting", line.start(&id).await)?;
    if heard.ends() {
        return Err(Trouble::Skipped("the service ends the conversation with its greeting".to_owned()));
    }
    Ok((id, heard))
}

/// A new conversation with a first turn answered, that goes on.
async fn with_a_turn(line: &Line) -> Result<(String, Heard), Trouble> {
    let (id, _) = begun(line).await?;
    let heard = whole("the reply to turn 1", line.turn(&id, 1, says("yes")).await)?;
    if heard.ends() {
        return Err(Trouble::Skipped("the service ends the conversation with its first reply".to_owned()));
    }
    Ok((id, heard))
}

async fn close(line: &Line, id: &str) {
    // Whether ending works is a rule of its own.
    let _ended = line.end(id).await;
}

async fn reachable(line: &Line) -> Checked {
    let probe = line.end(&line.new_id()).await;
    match probe {
        Err(status) if matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded) => broken(told(&status)),
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn capabilities(line: &Line, report: &mut Report) -> Checked {
    match asked(line).await {
        Ok(can) => {
            report.service = can.service;
            Ok(())
        }
        Err(status) if status.code() == Code::Unimplemented => Ok(()),
        Err(status) => broken(told(&status)),
    }
}

async fn asked(line: &Line) -> Result<v1::Capabilities, Status> {
    let server = concat!("voxgate-check/", env!("CARGO_PKG_VERSION")).to_owned();
    let request = line.request(v1::GetCapabilitiesRequest { server });
    let mut stub = line.stub.clone();
    line.within(stub.get_capabilities(request)).await.map(tonic::Response::into_inner)
}

async fn greeting(line: &Line) -> Checked {
    let id = line.new_id();
    let heard = whole("the greeting", line.start(&id).await)?;
    close(line, &id).await;
    if heard.words().trim().is_empty() && !heard.ends() && heard.events.len() < 2 {
        return Err(Trouble::Skipped("the service greets nobody".to_owned()));
    }
    Ok(())
}

async fn start_repeated(line: &Line) -> Checked {
    let (id, first) = begun(line).await?;
    let again = whole("the repeated greeting", line.start(&id).await)?;
    if again.content() != first.content() {
        return broken("the greeting is another one when it is asked for again");
    }
    let turn = whole("the reply to turn 1", line.turn(&id, 1, says("yes")).await)?;
    if !turn.ends() {
        let request = line.request(line.start_request(&id));
        let mut stub = line.stub.clone();
        let stream = match line.within(stub.start_conversation(request)).await {
            Ok(stream) => stream.into_inner(),
            Err(status) => return broken(format!("StartConversation after turn 1: {}", told(&status))),
        };
        let replay = whole("the replayed reply", line.read(1, stream, tokio::time::Instant::now()).await)?;
        if replay.content() != turn.content() {
            return broken("StartConversation after turn 1 does not replay the reply to it");
        }
    }
    close(line, &id).await;
    Ok(())
}

async fn turns(line: &Line) -> Checked {
    let (id, _) = begun(line).await?;
    for (turn, words) in (1..).zip(["yes", "no", "seven"]) {
        let heard = whole(&format!("the reply to turn {turn}"), line.turn(&id, turn, says(words)).await)?;
        if heard.ends() {
            break;
        }
    }
    close(line, &id).await;
    Ok(())
}

async fn turn_repeated(line: &Line) -> Checked {
    let (id, first) = with_a_turn(line).await?;
    let again = whole("the repeated turn", line.turn(&id, 1, says("yes")).await)?;
    if again.content() != first.content() {
        return broken("the reply is another one when the turn is repeated");
    }
    whole("the turn after a repeated one", line.turn(&id, 2, says("no")).await)?;
    close(line, &id).await;
    Ok(())
}

async fn older_turn(line: &Line) -> Checked {
    let (id, _) = with_a_turn(line).await?;
    whole("the reply to turn 2", line.turn(&id, 2, says("no")).await)?;
    let older = line.turn(&id, 1, says("yes")).await;
    close(line, &id).await;
    match older {
        Err(status) if status.code() == Code::FailedPrecondition => Ok(()),
        Err(status) => broken(format!("turn 1 after turn 2: {}", told(&status))),
        Ok(_) => broken("turn 1 was answered after turn 2"),
    }
}

async fn silence_and_keys(line: &Line) -> Checked {
    let inputs = [
        ("silence", of_kind(InputKind::NoInput)),
        ("what was not understood", of_kind(InputKind::NoMatch)),
        ("keys", keys("1")),
    ];
    for (what, input) in inputs {
        let (id, _) = begun(line).await?;
        whole(&format!("the reply to {what}"), line.turn(&id, 1, input).await)?;
        close(line, &id).await;
    }
    Ok(())
}

async fn interruption(line: &Line) -> Checked {
    let (id, _) = with_a_turn(line).await?;
    if let Err(status) = line.interrupt(&id, 1, "Well").await {
        return broken(format!("Interrupt: {}", told(&status)));
    }
    if let Err(status) = line.interrupt(&id, 0, "Hello").await {
        return broken(format!("Interrupt of an older turn: {}", told(&status)));
    }
    whole("the turn after an interruption", line.turn(&id, 2, says("no")).await)?;
    close(line, &id).await;
    Ok(())
}

async fn heard_is_the_truth(line: &Line) -> Checked {
    let (id, heard) = begun(line).await?;
    let words = heard.words();
    let Some(first) = words.split_whitespace().next().filter(|first| first.len() < words.trim().len()) else {
        return Err(Trouble::Skipped("the greeting is no longer than a word".to_owned()));
    };
    if let Err(status) = line.interrupt(&id, 0, first).await {
        return broken(format!("Interrupt: {}", told(&status)));
    }
    let truth = v1::Heard { turn_id: 0, text: first.to_owned(), complete: false, played_ms: 300 };
    let turn = v1::TakeTurnRequest {
        conversation_id: id.clone(),
        turn_id: 1,
        input: Some(says("yes")),
        heard: Some(truth),
        speculation: 0,
    };
    whole("the turn after an interruption", line.take(turn).await)?;
    let record = match line.end(&id).await {
        Ok(Some(record)) => record,
        Ok(None) => return broken("EndConversation gives no record"),
        Err(status) => return broken(format!("EndConversation: {}", told(&status))),
    };
    let robot = v1::line::Speaker::Robot;
    let greeting = record.transcript.iter().find(|line| line.turn_id == 0 && line.speaker() == robot);
    match greeting {
        None => Err(Trouble::Skipped("the record has no line of the greeting".to_owned())),
        Some(line) if line.text.trim() == first => Ok(()),
        Some(line) => broken(format!("{first:?} was heard of the greeting, and the record says {:?}", line.text)),
    }
}

fn first_turn(id: &str) -> v1::TakeTurnRequest {
    v1::TakeTurnRequest {
        conversation_id: id.to_owned(),
        turn_id: 1,
        input: Some(says("yes")),
        ..v1::TakeTurnRequest::default()
    }
}

async fn cancellation(line: &Line) -> Checked {
    let (id, _) = begun(line).await?;
    match line.open_turn(first_turn(&id)).await {
        Ok(stream) => drop(stream),
        Err(status) => return broken(format!("the turn that is cancelled: {}", told(&status))),
    }
    let heard = whole("the turn that was cancelled, asked again", line.take(first_turn(&id)).await)?;
    if !heard.ends() {
        whole("the turn after it", line.turn(&id, 2, says("no")).await)?;
    }
    close(line, &id).await;
    Ok(())
}

async fn deadline(line: &Line) -> Checked {
    let (id, _) = begun(line).await?;
    let mut request = line.request(first_turn(&id));
    request.set_timeout(Duration::from_millis(1));
    let mut stub = line.stub.clone();
    // It may have been answered in time: that is nothing wrong.
    if let Ok(stream) = stub.take_turn(request).await {
        let _read = line.read(1, stream.into_inner(), tokio::time::Instant::now()).await;
    }
    let heard = whole("the turn that was late, asked again", line.take(first_turn(&id)).await)?;
    if !heard.ends() {
        whole("the turn after it", line.turn(&id, 2, says("no")).await)?;
    }
    close(line, &id).await;
    Ok(())
}

async fn unknown_conversation(line: &Line) -> Checked {
    let id = line.new_id();
    let mut wrong = Vec::new();
    if !is_not_found(&line.turn(&id, 1, says("yes")).await) {
        wrong.push("TakeTurn");
    }
    if !is_not_found(&line.interrupt(&id, 1, "Well").await) {
        wrong.push("Interrupt");
    }
    if !is_not_found(&line.end(&id).await) {
        wrong.push("EndConversation");
    }
    if wrong.is_empty() { Ok(()) } else { broken(format!("is not the answer of {}", wrong.join(", "))) }
}

async fn bad_start(line: &Line) -> Checked {
    match line.start("").await {
        Err(status) if status.code() == Code::InvalidArgument => {}
        Err(status) => return broken(format!("without an id: {}", told(&status))),
        Ok(_) => return broken("a conversation without an id was begun"),
    }
    let mut request = line.start_request(&line.new_id());
    request.flow = "no-flow-has-this-name".to_owned();
    let id = request.conversation_id.clone();
    let mut stub = line.stub.clone();
    let started = match line.within(stub.start_conversation(line.request(request))).await {
        Ok(mut stream) => line.within(stream.get_mut().message()).await.map(|_| ()),
        Err(status) => Err(status),
    };
    match started {
        Err(status) if status.code() == Code::NotFound => Ok(()),
        Err(status) => broken(format!("an unknown flow: {}", told(&status))),
        Ok(()) => {
            close(line, &id).await;
            broken("a conversation of an unknown flow was begun")
        }
    }
}

async fn unknown_fields(line: &Line) -> Checked {
    let known = line.start_request(&line.new_id());
    let id = known.conversation_id.clone();
    let later = LaterStart {
        conversation_id: known.conversation_id,
        language: known.language,
        flow: known.flow,
        unknown_text: "from a later version".to_owned(),
        unknown_number: 7,
    };
    let stream = match line.within(future::start(line.channel.clone(), later)).await {
        Ok(stream) => stream,
        Err(status) => return broken(told(&status)),
    };
    whole("the greeting", line.read(0, stream, tokio::time::Instant::now()).await)?;
    close(line, &id).await;
    Ok(())
}

async fn end(line: &Line) -> Checked {
    let (id, _) = begun(line).await?;
    let turn = line.turn(&id, 1, says("yes")).await;
    whole("the reply to turn 1", turn)?;
    let record = match line.end(&id).await {
        Ok(Some(record)) => record,
        Ok(None) => return broken("there is no record"),
        Err(status) => return broken(told(&status)),
    };
    if record.conversation_id != id {
        return broken(format!("the record is of conversation {:?}", record.conversation_id));
    }
    if !matches!(serde_json::from_str(&record.form_json), Ok(serde_json::Value::Object(_))) {
        return broken("the record's form is no JSON object");
    }
    match line.end(&id).await {
        Ok(Some(again)) if again == record => {}
        Ok(_) => return broken("the record is another one when it is asked for again"),
        Err(status) => return broken(format!("asked again: {}", told(&status))),
    }
    match line.turn(&id, 2, says("no")).await {
        Err(status) if matches!(status.code(), Code::NotFound | Code::FailedPrecondition) => Ok(()),
        Err(status) => broken(format!("a turn after the end: {}", told(&status))),
        Ok(_) => broken("a turn was answered after the end"),
    }
}

async fn speculation(line: &Line) -> Checked {
    let claims = asked(line).await.is_ok_and(|can| can.speculation);
    if !claims {
        return Err(Trouble::Skipped("the service does not say that it understands speculative turns".to_owned()));
    }
    let (id, _) = begun(line).await?;
    let attempt =
        |speculation, words: &str| v1::TakeTurnRequest { input: Some(says(words)), speculation, ..first_turn(&id) };
    let withdrawn = "a withdrawn marmalade";
    whole("the first attempt", line.take(attempt(1, withdrawn)).await)?;
    if let Err(status) = line.settle(&id, 1, 1, false).await {
        return broken(format!("the first attempt withdrawn: {}", told(&status)));
    }
    // A new attempt withdraws the one before, without a word.
    whole("the second attempt", line.take(attempt(2, withdrawn)).await)?;
    let heard = whole("the third attempt", line.take(attempt(3, "yes")).await)?;
    if let Err(status) = line.settle(&id, 1, 3, true).await {
        return broken(format!("the third attempt committed: {}", told(&status)));
    }
    if let Err(status) = line.settle(&id, 1, 2, true).await {
        return broken(format!("an attempt that is not the last, settled: {}", told(&status)));
    }
    if !heard.ends() {
        whole("the turn after it", line.turn(&id, 2, says("no")).await)?;
    }
    let record = match line.end(&id).await {
        Ok(record) => record.unwrap_or_default(),
        Err(status) => return broken(format!("EndConversation: {}", told(&status))),
    };
    let caller = v1::line::Speaker::Caller;
    let said: Vec<&str> =
        record.transcript.iter().filter(|line| line.speaker() == caller).map(|line| line.text.as_str()).collect();
    if said.contains(&withdrawn) {
        return broken("a withdrawn turn is in the record");
    }
    if !record.transcript.is_empty() && !said.contains(&"yes") {
        return broken("the committed turn is not in the record");
    }
    Ok(())
}

fn first_event(line: &Line) -> Checked {
    let limit = line.options.first_event_within;
    match line.first_events().last() {
        Some(longest) if *longest > limit => {
            broken(format!("{} ms, and servers give up after {} ms", longest.as_millis(), limit.as_millis()))
        }
        Some(_) => Ok(()),
        None => Err(Trouble::Skipped("there was no reply".to_owned())),
    }
}
