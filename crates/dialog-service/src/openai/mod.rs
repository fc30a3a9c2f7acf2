//! Language models behind OpenAI-compatible chat-completions APIs.

mod breaker;
mod budget;
mod client;
mod config;
mod markers;
mod preset;
mod providers;
mod thinking;

pub use client::{OpenAi, ProviderError, ReplyStream, Usage};
pub use config::{ApiKey, OpenAiConfig};
pub(crate) use markers::MarkerFilter;
pub use preset::Preset;
pub use providers::{Begun, Providers, ProvidersConfig};
