//! Between the conversation's types and the protocol's.

use std::time::Duration;

use conversation::{
    Action, BargeIn, CallDetails, CallPolicy, CollectDtmf, EndReason, Expects, Heard, Label, Listening, Recording,
    ReplyFigures, ServiceEvent, ServiceFailure, Settlement, TakeTurn, TextPiece, ToolCall, ToolOutcome, TurnId,
    TurnKind,
};
use proto::v1;
use serde_json::Value;
use speech::Language;
use tonic::Code;

/// Words that are taken from a list of hints or backchannels.
const HINTS_MAX: usize = 100;
/// Sentences that are taken from a list of fillers or silence prompts.
const SENTENCES_MAX: usize = 16;
/// The longest keyed input.
const DIGITS_MAX: u32 = 64;

pub(crate) fn start_request(id: &str, details: &CallDetails, time_zone: &str) -> v1::StartConversationRequest {
    v1::StartConversationRequest {
        conversation_id: id.to_owned(),
        language: details.language.map(|language| language.tag().to_owned()).unwrap_or_default(),
        flow: details.flow.clone().unwrap_or_default(),
        variables: details.variables.iter().cloned().collect(),
        caller_number: details.caller_number.clone().unwrap_or_default(),
        called_number: details.called_number.clone().unwrap_or_default(),
        time_zone: time_zone.to_owned(),
    }
}

pub(crate) fn turn_request(id: &str, turn: TakeTurn) -> v1::TakeTurnRequest {
    use v1::caller_input::Kind;
    let kind = match turn.kind {
        TurnKind::Speech => Kind::Speech,
        TurnKind::Dtmf => Kind::Dtmf,
        TurnKind::NoInput => Kind::NoInput,
        TurnKind::NoMatch => Kind::NoMatch,
    };
    v1::TakeTurnRequest {
        conversation_id: id.to_owned(),
        turn_id: turn.turn.0,
        input: Some(v1::CallerInput {
            kind: kind.into(),
            transcript: turn.transcript,
            confidence: turn.confidence,
            language: turn.language.tag().to_owned(),
            hypotheses: turn
                .hypotheses
                .into_iter()
                .map(|hypothesis| v1::Hypothesis {
                    transcript: hypothesis.text,
                    confidence: hypothesis.confidence,
                    language: hypothesis.language.tag().to_owned(),
                })
                .collect(),
            dtmf: turn.dtmf,
            timing: Some(v1::Timing {
                speech_started_ms: turn.speech_started_ms.unwrap_or(0),
                speech_ended_ms: turn.speech_ended_ms.unwrap_or(0),
                turn_ended_ms: turn.turn_ended_ms,
            }),
        }),
        heard: turn.heard.map(heard),
        speculation: turn.speculation,
    }
}

pub(crate) fn settle_request(
    id: &str,
    turn: TurnId,
    speculation: u32,
    settlement: Settlement,
) -> v1::SettleTurnRequest {
    use v1::settle_turn_request::Outcome;
    let outcome = match settlement {
        Settlement::Commit { turn_ended_ms } => Outcome::Commit(v1::Commit { turn_ended_ms }),
        Settlement::Withdraw => Outcome::Withdraw(v1::Withdraw {}),
    };
    v1::SettleTurnRequest { conversation_id: id.to_owned(), turn_id: turn.0, speculation, outcome: Some(outcome) }
}

pub(crate) fn heard(heard: Heard) -> v1::Heard {
    v1::Heard { turn_id: heard.turn.0, text: heard.text, complete: heard.complete, played_ms: heard.played_ms }
}

pub(crate) fn end_reason(reason: EndReason) -> v1::end_conversation_request::Reason {
    use v1::end_conversation_request::Reason;
    match reason {
        EndReason::Hangup => Reason::Hangup,
        EndReason::Transfer => Reason::Transfer,
        EndReason::CallerGone => Reason::CallerGone,
        EndReason::ServiceFailed => Reason::ServiceFailed,
        EndReason::Server => Reason::Server,
    }
}

/// What an event of the protocol means to the conversation; `None` when it is of a kind that a later version of the protocol may add.
pub(crate) fn event(event: v1::turn_event::Event) -> Option<ServiceEvent> {
    use v1::turn_event::Event;
    Some(match event {
        Event::Text(text) => ServiceEvent::Text(TextPiece {
            barge_in: barge_in(text.barge_in()),
            language: Language::from_tag(&text.language),
            voice: given(text.voice),
            cacheable: text.cacheable,
            clause_end: text.clause_end,
            ssml: given(text.ssml),
            text: text.text,
        }),
        Event::Play(play) => ServiceEvent::Play(Recording {
            barge_in: barge_in(play.barge_in()),
            language: Language::from_tag(&play.language),
            uri: play.uri,
            text: play.text,
        }),
        Event::Action(action) => match action_of(action.kind?) {
            Some(action) => ServiceEvent::Action(action),
            None => ServiceEvent::Failed(ServiceFailure::Protocol),
        },
        Event::Slots(slots) => match serde_json::from_str(&slots.form_json) {
            Ok(Value::Object(form)) => ServiceEvent::Slots(form),
            Ok(_) | Err(_) => ServiceEvent::Failed(ServiceFailure::Protocol),
        },
        Event::Intent(intent) => ServiceEvent::Intent(label(intent.name, intent.confidence)),
        Event::Sentiment(sentiment) => ServiceEvent::Sentiment(label(sentiment.label, sentiment.confidence)),
        Event::Tool(tool) => ServiceEvent::Tool(tool_call(tool)),
        Event::Listening(how) => ServiceEvent::Listening(listening(how)),
        Event::Policy(policy) => ServiceEvent::Policy(call_policy(policy)),
        Event::End(end) => ServiceEvent::End(ReplyFigures {
            degraded: end.degraded,
            model: given(end.model),
            first_token: given_ms(end.first_token_ms),
            tokens_in: given_count(end.tokens_in),
            tokens_out: given_count(end.tokens_out),
        }),
    })
}

/// `None`: as the conversation's policy says.
pub(crate) fn barge_in(said: v1::BargeIn) -> Option<BargeIn> {
    match said {
        v1::BargeIn::Unspecified => None,
        v1::BargeIn::Allowed => Some(BargeIn::Allowed),
        v1::BargeIn::DtmfOnly => Some(BargeIn::DtmfOnly),
        v1::BargeIn::NotAllowed => Some(BargeIn::NotAllowed),
    }
}

fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn given_ms(ms: u32) -> Option<Duration> {
    given_count(ms).map(|ms| Duration::from_millis(u64::from(ms)))
}

fn given_count(count: u32) -> Option<u32> {
    Some(count).filter(|count| *count > 0)
}

fn label(name: String, confidence: f32) -> Label {
    let confidence = Some(confidence).filter(|confidence| confidence.is_finite() && *confidence > 0.0);
    Label { name, confidence: confidence.map(|confidence| confidence.min(1.0)) }
}

fn tool_call(tool: v1::ToolCall) -> ToolCall {
    use v1::tool_call::Outcome;
    let outcome = match tool.outcome() {
        Outcome::Unspecified => ToolOutcome::Unknown,
        Outcome::Done => ToolOutcome::Done,
        Outcome::Failed => ToolOutcome::Failed,
        Outcome::Declined => ToolOutcome::Declined,
    };
    ToolCall {
        name: tool.name,
        arguments: tool.arguments_json,
        outcome,
        result: tool.result_json,
        took: Duration::from_millis(u64::from(tool.took_ms)),
    }
}

fn listening(how: v1::Listening) -> Listening {
    use v1::listening::Expects as Said;
    let expects = match how.expects() {
        Said::Unspecified => Expects::Anything,
        Said::YesNo => Expects::YesNo,
        Said::Digits => Expects::Digits { min: given_count(how.digits_min), max: given_count(how.digits_max) },
        Said::Number => Expects::Number,
        Said::DateTime => Expects::DateTime,
        Said::Choice => Expects::Choice,
        Said::Name => Expects::Name,
        Said::Open => Expects::Open,
    };
    Listening {
        expects,
        hints: how.hints.into_iter().filter(|hint| !hint.trim().is_empty()).take(HINTS_MAX).collect(),
        no_input_timeout: given_ms(how.no_input_timeout_ms),
        complete_silence: given_ms(how.complete_silence_ms),
        incomplete_silence: given_ms(how.incomplete_silence_ms),
    }
}

fn call_policy(policy: v1::CallPolicy) -> CallPolicy {
    let sentences =
        |list: Vec<String>| list.into_iter().filter(|text| !text.trim().is_empty()).take(SENTENCES_MAX).collect();
    CallPolicy {
        barge_in: barge_in(policy.barge_in()),
        backchannels: policy.backchannels.into_iter().filter(|word| !word.trim().is_empty()).take(HINTS_MAX).collect(),
        fillers: sentences(policy.fillers),
        filler_after: given_ms(policy.filler_after_ms),
        silence_prompts: sentences(policy.silence_prompts),
        call_max: given_ms(policy.call_max_ms),
        time_over: given(policy.time_over),
        speculation: policy.speculation,
    }
}

/// `None` when a custom action takes a name that means something else, or keys are named that there are not.
fn action_of(kind: v1::action::Kind) -> Option<Action> {
    use v1::action::Kind;
    Some(match kind {
        Kind::Continue(_) => Action::Continue,
        Kind::Transfer(transfer) => Action::Transfer { target: transfer.target, summary: transfer.summary },
        Kind::Hangup(hangup) => Action::Hangup { reason: hangup.reason },
        Kind::CollectDtmf(collect) => {
            let are_keys = collect.terminators.chars().all(|key| "0123456789*#ABCD".contains(key));
            if !are_keys || collect.digits_max > DIGITS_MAX {
                return None;
            }
            Action::CollectDtmf(CollectDtmf {
                digits_max: given_count(collect.digits_max),
                terminators: collect.terminators,
                interdigit_timeout: given_ms(collect.interdigit_timeout_ms),
                no_input_timeout: given_ms(collect.no_input_timeout_ms),
            })
        }
        Kind::Custom(custom) => match custom.name.as_str() {
            "" | "continue" | "transfer" | "hangup" => return None,
            _ => {
                let mut params: Vec<(String, String)> = custom.params.into_iter().collect();
                params.sort();
                Action::Custom { name: custom.name, params }
            }
        },
    })
}

pub(crate) fn failure(code: Code) -> ServiceFailure {
    match code {
        Code::Unavailable | Code::Aborted => ServiceFailure::Unreachable,
        // The transport's own time-out says Cancelled; nobody else cancels a call that is still waited for.
        Code::DeadlineExceeded | Code::Cancelled => ServiceFailure::Deadline,
        Code::OutOfRange | Code::DataLoss | Code::Unimplemented => ServiceFailure::Protocol,
        Code::Ok
        | Code::Unknown
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Internal
        | Code::Unauthenticated => ServiceFailure::Refused,
    }
}
