//! The synthesizer resource (RFC 6787 §8): one state machine per `speechsynth` or `basicsynth` channel.
//!
//! The machine owns requests, responses, events, the queue and the SET-PARAMS store. The session owns markup, the engine
//! and playout, and works for the machine by these rules:
//!
//! 1. [`Output::Prepare`] is answered by [`Input::Prepared`], at once or later. The session may begin to synthesize, but
//!    no audio is sent before [`Output::Start`].
//! 2. A prepared SPEAK ends once: by [`Input::PlaybackFinished`] from the session or by [`Output::Stop`] from the machine.
//! 3. [`Output::Control`] is answered by [`Input::Controlled`], unless the SPEAK ends before. What comes of the change, an end
//!    among it, is told after that.
//! 4. Inputs about a SPEAK carry its request id. Those that come late are dropped and counted.

mod config;
mod control;
mod headers;
mod input;
mod machine;
mod output;
mod speaking;
mod speech_length;

pub use config::{NtpAnchor, SynthesizerConfig, SynthesizerDefaults};
pub(crate) use headers::lexicon_uris;
pub use input::{ControlRefused, Failure, FailureKind, Input};
pub use machine::{Synthesizer, SynthesizerCounters};
pub use output::{FetchHint, LexiconDefinition, Output, Prosody, SpeakParams, SpeechChange, Voice};
pub use speech_length::{JumpSize, SpeakLength};
