//! The reference dialog service: scripted flows, and language models behind an OpenAI-compatible API.
//!
//! It serves `voxgate.dialog.v1.Dialog` with health and reflection, keeps its conversations in memory, and needs no key and no network
//! for the flows that are scripted. The decisions are in [`flow`], which does no I/O: a [`flow::FlowRun`] is told what the caller did
//! and says what is said and done. `docs/DIALOG-SERVICE.md` describes the protocol and how to write a flow.
//!
//! ```no_run
//! # async fn example(stop: impl Future<Output = ()> + Send) -> Result<(), dialog_service::DialogServiceError> {
//! let service = dialog_service::DialogService::bind(dialog_service::DialogServiceConfig::default()).await?;
//! println!("listening on {}", service.address());
//! service.run(stop).await
//! # }
//! ```
//!
//! A program that configures a provider installs the rustls crypto provider first:
//! `rustls::crypto::ring::default_provider().install_default()`.

mod config;
mod dialogue;
mod dialogues;
mod events;
pub mod flow;
mod flows;
mod openai;
pub mod rehearsal;
mod reply;
mod server;
mod service;
mod state;
mod summary;
mod tools;

pub use config::{DEFAULT_PORT, DialogServiceConfig, ToolsConfig};
pub use flows::FlowsError;
pub use openai::{
    ApiKey, Begun, OpenAi, OpenAiConfig, Preset, ProviderError, Providers, ProvidersConfig, ReplyStream, Usage,
};
pub use server::{DialogService, DialogServiceError, run};
pub use state::{StateConfig, StateError};
pub use tools::ToolClientError;
