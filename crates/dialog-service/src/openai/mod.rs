//! Language models behind an OpenAI-compatible chat-completions API.

mod client;
mod config;
mod markers;

pub use client::{OpenAi, ProviderError, ReplyStream};
pub use config::{ApiKey, OpenAiConfig};
pub(crate) use markers::MarkerFilter;
