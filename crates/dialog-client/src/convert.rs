//! Between the conversation's types and the protocol's.

use conversation::{
    Action, BargeIn, CallDetails, EndReason, Heard, ServiceEvent, ServiceFailure, Settlement, TakeTurn, TextPiece,
    TurnId, TurnKind,
};
use proto::v1;
use serde_json::Value;
use speech::Language;
use tonic::Code;

pub(crate) fn start_request(id: &str, details: &CallDetails) -> v1::StartConversationRequest {
    v1::StartConversationRequest {
        conversation_id: id.to_owned(),
        language: details.language.map(|language| language.tag().to_owned()).unwrap_or_default(),
        flow: details.flow.clone().unwrap_or_default(),
        variables: details.variables.iter().cloned().collect(),
        caller_number: details.caller_number.clone().unwrap_or_default(),
        called_number: details.called_number.clone().unwrap_or_default(),
        time_zone: String::new(),
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
            voice: Some(text.voice).filter(|voice| !voice.is_empty()),
            cacheable: text.cacheable,
            clause_end: text.clause_end,
            text: text.text,
            ssml: None,
        }),
        Event::Action(action) => match action_of(action.kind?) {
            Some(action) => ServiceEvent::Action(action),
            None => ServiceEvent::Failed(ServiceFailure::Protocol),
        },
        Event::Slots(slots) => match serde_json::from_str(&slots.form_json) {
            Ok(Value::Object(form)) => ServiceEvent::Slots(form),
            Ok(_) | Err(_) => ServiceEvent::Failed(ServiceFailure::Protocol),
        },
        Event::Intent(intent) => ServiceEvent::Intent(intent.name),
        Event::End(_) => ServiceEvent::End,
        Event::Play(_) | Event::Sentiment(_) | Event::Tool(_) | Event::Listening(_) | Event::Policy(_) => return None,
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

/// `None` when a custom action takes a name that means something else.
fn action_of(kind: v1::action::Kind) -> Option<Action> {
    use v1::action::Kind;
    Some(match kind {
        Kind::CollectDtmf(_) => return None,
        Kind::Continue(_) => Action::Continue,
        Kind::Transfer(transfer) => Action::Transfer { target: transfer.target, summary: transfer.summary },
        Kind::Hangup(hangup) => Action::Hangup { reason: hangup.reason },
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
