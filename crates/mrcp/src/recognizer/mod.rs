//! The recognizer resource (RFC 6787 §9): one state machine per `speechrecog` or `dtmfrecog` channel.
//!
//! The machine owns requests, responses, events, the queue, the SET-PARAMS store and all timers. The session owns
//! grammars and the engine, and works for the machine by these rules:
//!
//! 1. [`Output::DefineGrammar`] is answered by [`Input::GrammarDefined`], [`Output::LoadGrammars`] by
//!    [`Input::GrammarsLoaded`], at once or later, in any order; after [`Output::AbandonGrammars`] an answer is dropped.
//! 2. Every [`Output::Listen`] is followed by exactly one [`Output::StopListening`], however the recognition ends; no
//!    [`Output::Finish`], [`Output::MatchDtmf`] of it comes after that.
//! 3. Inputs about a recognition carry its request id. Those that come late are dropped and counted.
//! 4. [`Output::ListenAgain`] drops what was heard and goes on listening, in hotword mode.
//! 5. [`Output::Interpret`] is answered by [`Input::Interpreted`], [`Output::Recompute`] by [`Input::Recomputed`].
//! 6. [`Output::Finish`] is answered by [`Input::Recognized`] within `result_timeout`, or the request ends with
//!    `recognizer-error`. `Recognized` may also come unasked, when the engine has decided by itself.

mod config;
mod dtmf;
mod headers;
mod hotword;
mod input;
mod interpreting;
mod keying;
mod machine;
mod output;
mod recognizing;
mod results;
mod turn_end;

pub use config::{RecognizerConfig, RecognizerDefaults};
pub use input::{Failure, FailureKind, Input, InputMatch, InputModes, Outcome, ResultBody, Verdict};
pub use machine::{Recognizer, RecognizerCounters};
pub use output::{FinishedInput, GrammarPurpose, Output, RecognitionMode, RecognizeParams, ResultConstraints};
pub use turn_end::WantedSilence;
