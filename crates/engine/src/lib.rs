//! Speech to text and text to speech: the contracts, the worker pools, the fake engine and sherpa-onnx.
//!
//! A session never meets a model. It holds a permit of each pool that it needs, taken before the call is answered, and
//! uses two verbs:
//!
//! - [`Recognition::listen`] gives a [`media::PcmSink`] for a leg to fill and delivers [`ListenEvent`]s until the
//!   [`Listener`] is finished or dropped (rules R1–R14 of [`contract`]).
//! - [`Synthesis::synthesize`] gives a [`media::PcmBuffer`] for a leg to play, filled as fast as the worker can, and
//!   says when it is complete (rules S1–S12 of [`contract`]).
//!
//! ```text
//!  media thread ──PcmSink──► ring ──► listener thread ── voice activity, cutting ──► decode queue ──► ASR workers
//!                                          ▲    └── ListenEvent ──► session                               │
//!                                          └───────────────────── text ◄───────────────────────────────────┘
//!  session ── SynthesisSpec ──► prompt cache ──hit──► PcmBuffer
//!                                  └─miss─► clause queue ──► TTS workers ──► PcmBuffer
//! ```
//!
//! All work runs on counted threads of this crate. Every queue is bounded by permits; a request has a deadline; a frozen
//! or panicking job costs its own request and nothing else.

mod backend;
mod clock;
mod config;
mod error;
mod offline;
mod permit;
mod pool;
#[cfg(feature = "sherpa")]
mod sherpa;
mod worker_counts;

#[doc = include_str!("../../../docs/ENGINES.md")]
pub mod contract {}

pub mod cli;
pub mod fake;
pub mod recognition;
pub mod synthesis;

pub use config::{
    Backend, EngineConfig, EngineLimits, ListeningConfig, PromptCacheConfig, RecognizerFiles, RecognizerModel,
    RecognizerRole, SherpaConfig, VoiceFiles, VoiceModel,
};
pub use error::{EngineError, EngineErrorKind};
pub use fake::{FakeConfig, FakeFault, FakeFaultKind};
pub use offline::{hear, say};
pub use pool::PoolStatus;
pub use recognition::{ListenEvent, ListenSpec, Listener, Recognition, RecognitionPermit, VoiceActivity};
pub use synthesis::{Synthesis, SynthesisDone, SynthesisHandle, SynthesisPermit, SynthesisSpec, VoiceName};
pub use worker_counts::{WorkerConfig, WorkerCounts, worker_counts};
