//! From steps of a flow to the protocol's events, and back from what the caller did.

use proto::v1::{self, end_conversation_request::Reason, turn_event::Event};
use serde_json::Value;

use crate::flow::{
    Act, BargeIn, CallerInput, Expects, FlowRun, Listening, Outcome, Policy, Said, Step, ToolCall, ToolOutcome, Words,
};
use crate::openai::Usage;

/// Characters of one hypothesis that are looked at.
const HYPOTHESIS_CHARS_MAX: usize = 2000;
/// Hypotheses of one turn that are looked at.
const HYPOTHESES_MAX: usize = 16;

/// The events of one step. `run` is where the step led.
pub(crate) fn step_events(turn: u32, run: &FlowRun, step: Step) -> Vec<v1::TurnEvent> {
    let language = run.language().tag();
    let ends = matches!(step.act, Some(Act::Transfer { .. } | Act::Hangup { .. }));
    let intents = step.intents.into_iter().chain(step.intent);
    let intents = intents.map(|name| Event::Intent(v1::Intent { name, confidence: 0.0 }));
    let sentiment = step
        .sentiment
        .map(|sentiment| Event::Sentiment(v1::Sentiment { label: sentiment.label().to_owned(), confidence: 0.0 }));
    let slots = (step.form_changed || ends)
        .then(|| Event::Slots(v1::Slots { form_json: form_json(run), state: run.state_name().to_owned() }));
    let mut what: Vec<Event> = step.policy.map(policy).map(Event::Policy).into_iter().collect();
    what.extend(intents);
    what.extend(sentiment);
    what.extend(step.tools.iter().map(tool_call).map(Event::Tool));
    what.extend(slots);
    what.extend(step.said.into_iter().map(|said| spoken(said, language)));
    what.extend(step.listening.map(listening).map(Event::Listening));
    what.extend(step.act.map(|act| Event::Action(v1::Action { kind: Some(action_kind(act)) })));
    what.into_iter().map(|what| event(turn, what)).collect()
}

pub(crate) fn event(turn: u32, what: Event) -> v1::TurnEvent {
    v1::TurnEvent { turn_id: turn, event: Some(what) }
}

pub(crate) fn end(turn: u32, degraded: bool, usage: &Usage) -> v1::TurnEvent {
    let first_token_ms = u32::try_from(usage.first_token.as_millis()).unwrap_or(u32::MAX);
    let (tokens_in, tokens_out) = (usage.tokens_in, usage.tokens_out);
    event(turn, Event::End(v1::TurnEnd { degraded, model: usage.model.clone(), first_token_ms, tokens_in, tokens_out }))
}

/// What remains of a conversation.
pub(crate) fn record(id: &str, run: &FlowRun, reason: Reason) -> v1::Record {
    let outcome = match (run.outcome(), reason) {
        (_, Reason::ServiceFailed) => "failed",
        (Outcome::HungUp(reason), _) => reason.as_str(),
        (Outcome::Transferred, _) => "transferred",
        (Outcome::Open, _) => "abandoned",
    };
    let line = |line: &crate::flow::Line| v1::Line {
        speaker: if line.by_caller { v1::line::Speaker::Caller } else { v1::line::Speaker::Robot }.into(),
        text: line.text.clone(),
        turn_id: line.turn,
    };
    let form = run.form();
    let evidence = run.evidence().filter(|(slot, _)| form.get(*slot).is_some_and(|value| !value.is_null()));
    let evidence = evidence.map(|(slot, evidence)| v1::Evidence {
        slot: slot.to_owned(),
        quote: evidence.quote.clone(),
        turn_id: evidence.turn,
    });
    let sentiment = run.mood().overall();
    v1::Record {
        conversation_id: id.to_owned(),
        flow: run.flow().name().to_owned(),
        flow_version: run.flow().version().to_owned(),
        language: run.language().tag().to_owned(),
        evidence: evidence.collect(),
        form_json: Value::Object(form).to_string(),
        transcript: run.transcript().lines().map(line).collect(),
        outcome: outcome.to_owned(),
        summary: run.summary(outcome),
        intents: run.intents().to_vec(),
        sentiment: sentiment.map(|mood| v1::Sentiment { label: mood.label().to_owned(), confidence: 0.0 }),
        follow_ups: run.follow_ups(outcome),
        tools: run.tools().iter().map(tool_call).collect(),
        written_by: "rules".to_owned(),
    }
}

fn form_json(run: &FlowRun) -> String {
    Value::Object(run.form()).to_string()
}

fn spoken(said: Said, language: &str) -> Event {
    let barge_in = barge_in(said.barge_in).into();
    match said.words {
        Words::Recording(uri) => {
            Event::Play(v1::Play { uri, text: said.text, language: language.to_owned(), barge_in })
        }
        words @ (Words::Plain | Words::Ssml(_)) => {
            let (text, ssml) = match words {
                Words::Ssml(ssml) => (String::new(), ssml),
                Words::Plain | Words::Recording(_) => (said.text, String::new()),
            };
            Event::Text(v1::Text {
                text,
                language: language.to_owned(),
                voice: said.voice,
                barge_in,
                cacheable: said.cacheable,
                clause_end: true,
                ssml,
            })
        }
    }
}

fn barge_in(barge_in: BargeIn) -> v1::BargeIn {
    match barge_in {
        BargeIn::ByPolicy => v1::BargeIn::Unspecified,
        BargeIn::Allowed => v1::BargeIn::Allowed,
        BargeIn::DtmfOnly => v1::BargeIn::DtmfOnly,
        BargeIn::NotAllowed => v1::BargeIn::NotAllowed,
    }
}

fn listening(listening: Listening) -> v1::Listening {
    use v1::listening::Expects as Kind;
    let expects = match listening.expects {
        Expects::Anything => Kind::Unspecified,
        Expects::YesNo => Kind::YesNo,
        Expects::Digits => Kind::Digits,
        Expects::Number => Kind::Number,
        Expects::DateTime => Kind::DateTime,
        Expects::Choice => Kind::Choice,
        Expects::Name => Kind::Name,
        Expects::Open => Kind::Open,
    };
    v1::Listening {
        expects: expects.into(),
        digits_min: listening.digits_min,
        digits_max: listening.digits_max,
        hints: listening.hints,
        no_input_timeout_ms: listening.no_input_timeout_ms,
        complete_silence_ms: listening.complete_silence_ms,
        incomplete_silence_ms: listening.incomplete_silence_ms,
    }
}

fn policy(policy: Policy) -> v1::CallPolicy {
    v1::CallPolicy {
        barge_in: barge_in(policy.barge_in).into(),
        backchannels: policy.backchannels,
        fillers: policy.fillers,
        filler_after_ms: policy.filler_after_ms,
        silence_prompts: policy.silence_prompts,
        call_max_ms: policy.call_max_ms,
        time_over: policy.time_over,
        speculation: policy.speculation,
    }
}

fn tool_call(call: &ToolCall) -> v1::ToolCall {
    use v1::tool_call::Outcome as Went;
    let outcome = match call.outcome {
        ToolOutcome::Done => Went::Done,
        ToolOutcome::Failed => Went::Failed,
        ToolOutcome::Declined => Went::Declined,
    };
    v1::ToolCall {
        name: call.name.clone(),
        arguments_json: Value::Object(call.arguments.clone()).to_string(),
        outcome: outcome.into(),
        result_json: call.result.clone(),
        took_ms: call.took_ms,
    }
}

fn action_kind(act: Act) -> v1::action::Kind {
    use v1::action::Kind;
    match act {
        Act::Transfer { target, summary } => Kind::Transfer(v1::Transfer { target, summary }),
        Act::Hangup { reason } => Kind::Hangup(v1::Hangup { reason }),
        Act::Custom { name, params } => Kind::Custom(v1::Custom { name, params: params.into_iter().collect() }),
        Act::CollectDtmf { digits_max, terminators, interdigit_timeout_ms, no_input_timeout_ms } => {
            Kind::CollectDtmf(v1::CollectDtmf { digits_max, terminators, interdigit_timeout_ms, no_input_timeout_ms })
        }
    }
}

/// What the caller did, as a flow takes it.
pub(crate) fn caller_input(input: v1::CallerInput) -> CallerInput {
    use v1::caller_input::Kind;
    match input.kind() {
        Kind::Speech => {
            let cut = |text: String| text.chars().take(HYPOTHESIS_CHARS_MAX).collect::<String>();
            let best = Some(input.transcript).filter(|text| !text.is_empty());
            let mut texts: Vec<String> = best.map(cut).into_iter().collect();
            for hypothesis in input.hypotheses.into_iter().take(HYPOTHESES_MAX) {
                let text = cut(hypothesis.transcript);
                if !text.is_empty() && !texts.contains(&text) {
                    texts.push(text);
                }
            }
            CallerInput::Speech(texts)
        }
        Kind::Dtmf => CallerInput::Dtmf(input.dtmf.chars().take(64).collect()),
        Kind::NoInput => CallerInput::NoInput,
        Kind::NoMatch | Kind::Unspecified => CallerInput::NoMatch,
    }
}
