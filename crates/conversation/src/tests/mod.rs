//! One call on the virtual clock: inputs are sent, outputs are expected in order, and silence is asserted.

mod actions;
mod barge_in;
mod failures;
mod heard;
mod inline;
mod laws;
mod limits;
mod patience;
mod speculation;
mod turns;

use std::sync::Arc;

use speech::{Hypothesis, Language};
use testkit::Clock;

use crate::{
    Action, BargeIn, CallDetails, CallerInput, CallerSound, CallerTurn, Conversation, ConversationConfig, Heard, Input,
    ListenOutcome, ListenResult, ListenerKey, Output, Progress, PromptEnd, ReplyFigures, ServiceCommand, ServiceEvent,
    SpeakerKey, TakeTurn, TextPiece, TurnId,
};

pub(super) struct Call {
    pub(super) clock: Clock,
    pub(super) conversation: Conversation,
}

impl Call {
    pub(super) fn new() -> Self {
        Self::with(ConversationConfig::default())
    }

    pub(super) fn with(config: ConversationConfig) -> Self {
        let clock = Clock::new();
        Self { clock, conversation: Conversation::new(Arc::new(config), clock.now()) }
    }

    /// A call whose greeting has been played.
    pub(super) fn greeted() -> Self {
        let mut call = Self::new();
        call.send(speaks(1));
        call.send(text(0, "Hello there, how are you today?"));
        call.send(ended(0));
        call.send(played_out(1));
        call
    }

    /// Sends one input and gives what came of it.
    pub(super) fn send(&mut self, input: Input) -> Vec<Output> {
        self.conversation.handle_input(self.clock.now(), input);
        self.drain()
    }

    /// Lets time pass, stopping at each time-out.
    pub(super) fn wait(&mut self, ms: u64) -> Vec<Output> {
        let end = self.clock.now() + std::time::Duration::from_millis(ms);
        let mut outputs = Vec::new();
        while let Some(at) = self.conversation.poll_timeout().filter(|at| *at <= end) {
            self.clock.advance_to(at);
            self.conversation.handle_timeout(at);
            outputs.extend(self.drain());
        }
        self.clock.advance_to(end);
        outputs
    }

    /// The caller pauses after these words.
    pub(super) fn pauses(&mut self, listener: u64, words: &str) -> Vec<Output> {
        let hypotheses = vec![Hypothesis::new(words, 0.9, Language::English)];
        self.send(Input::Sound { listener: ListenerKey(listener), sound: CallerSound::Words { hypotheses } })
    }

    /// The caller goes on after a pause.
    pub(super) fn goes_on(&mut self, listener: u64) -> Vec<Output> {
        self.send(Input::Sound { listener: ListenerKey(listener), sound: CallerSound::Resumed })
    }

    fn drain(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.conversation.poll_output()).collect()
    }
}

pub(super) fn speaks(speaker: u64) -> Input {
    Input::SpeakerAttached { speaker: SpeakerKey(speaker), details: CallDetails::default() }
}

pub(super) fn listens(listener: u64) -> Input {
    Input::ListenerAttached { listener: ListenerKey(listener), reply_inline: false, details: CallDetails::default() }
}

pub(super) fn says(listener: u64, words: &str) -> Input {
    turn(listener, CallerInput::Speech(vec![Hypothesis::new(words, 0.9, Language::English)]))
}

pub(super) fn turn(listener: u64, input: CallerInput) -> Input {
    Input::CallerTurn {
        listener: ListenerKey(listener),
        turn: CallerTurn { input, speech_started: None, speech_ended: None },
    }
}

pub(super) fn service(turn: u32, event: ServiceEvent) -> Input {
    Input::Service { turn: TurnId(turn), speculation: 0, event }
}

pub(super) fn text(turn: u32, words: &str) -> Input {
    service(turn, ServiceEvent::Text(TextPiece { clause_end: true, ..TextPiece::plain(words) }))
}

pub(super) fn ended(turn: u32) -> Input {
    service(turn, ServiceEvent::End(ReplyFigures::default()))
}

pub(super) fn hangs_up(turn: u32) -> Input {
    service(turn, ServiceEvent::Action(Action::Hangup { reason: "done".to_owned() }))
}

pub(super) fn played_out(speaker: u64) -> Input {
    Input::PromptDone { speaker: SpeakerKey(speaker), end: PromptEnd::Completed }
}

pub(super) fn stopped(speaker: u64, progress: Progress) -> Input {
    Input::PromptDone { speaker: SpeakerKey(speaker), end: PromptEnd::Stopped(progress) }
}

/// The words of the clauses among outputs.
pub(super) fn said(outputs: &[Output]) -> Vec<&str> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Say { clause, .. } => Some(clause.text.as_str()),
            Output::Service(_)
            | Output::ReplyEnded { .. }
            | Output::StopPlayout { .. }
            | Output::CollectDtmf { .. }
            | Output::Hush { .. }
            | Output::Unhush { .. }
            | Output::YieldFloor { .. }
            | Output::Dismiss { .. }
            | Output::CompleteListening { .. }
            | Output::AwaitSilence { .. }
            | Output::ListenFor { .. }
            | Output::Closed => None,
        })
        .collect()
}

/// The turn that was sent to the service.
#[track_caller]
pub(super) fn taken(outputs: &[Output]) -> &TakeTurn {
    outputs
        .iter()
        .find_map(|output| match output {
            Output::Service(ServiceCommand::TakeTurn(turn)) => Some(turn),
            _ => None,
        })
        .unwrap_or_else(|| panic!("no turn in {outputs:?}"))
}

/// The result with which `listener` completed because its turn ended.
#[track_caller]
pub(super) fn turn_result(outputs: &[Output], listener: u64) -> &ListenResult {
    match completion(outputs, listener) {
        Some(ListenOutcome::Turn(result)) => result,
        other => panic!("{other:?} in {outputs:?}"),
    }
}

/// The result with which `listener` completed because there is something to do.
#[track_caller]
pub(super) fn action_result(outputs: &[Output], listener: u64) -> &ListenResult {
    match completion(outputs, listener) {
        Some(ListenOutcome::Action(result)) => result,
        other => panic!("{other:?} in {outputs:?}"),
    }
}

pub(super) fn completion(outputs: &[Output], wanted: u64) -> Option<&ListenOutcome> {
    outputs.iter().find_map(|output| match output {
        Output::CompleteListening { listener, outcome } if *listener == ListenerKey(wanted) => Some(outcome),
        _ => None,
    })
}

pub(super) fn reply_ended(speaker: u64) -> Output {
    Output::ReplyEnded { speaker: SpeakerKey(speaker) }
}

pub(super) fn stop(speaker: u64) -> Output {
    Output::StopPlayout { speaker: SpeakerKey(speaker) }
}

pub(super) fn heard(turn: u32, text: &str, complete: bool, played_ms: u32) -> Heard {
    Heard { turn: TurnId(turn), text: text.to_owned(), complete, played_ms }
}
