//! The recorder resource (RFC 6787 §10): one state machine per `recorder` channel.
//!
//! The machine owns requests, responses, events, the SET-PARAMS store and all timers. The session owns audio and what it
//! is stored in, and works for the machine by these rules:
//!
//! 1. [`Output::Record`] is answered by [`Input::Started`], at once or later. From a successful start on, audio is captured
//!    and [`Input::SpeechStarted`] and [`Input::SpeechEnded`] say where the caller speaks.
//! 2. A successful start is followed by exactly one [`Output::Finish`] or [`Output::Discard`], unless [`Input::Failed`]
//!    comes before. `Finish` is answered by [`Input::Saved`].
//! 3. Inputs about a recording carry its request id. Those that come late are dropped and counted.
//!
//! While the session owes an answer, further requests of the channel wait for it, so that responses keep their order: a
//! STOP that arrives while a recording is being completed finds an idle recorder.

mod config;
mod headers;
mod input;
mod machine;
mod output;

pub use config::{RecorderConfig, RecorderDefaults};
pub use input::{Failure, FailureKind, Input, Recorded, Stored};
pub use machine::{Recorder, RecorderCounters};
pub use output::{Cut, Destination, Output, RecordParams};
