//! The Voxgate server: sockets, media threads, configuration, admission, metrics. The one crate that puts the cores
//! together; nobody depends on it.

mod admission;
mod channels;
mod clips;
mod clock;
pub mod compat;
pub mod config;
mod conversation_metrics;
mod conversation_record;
mod conversations;
mod fetching;
pub mod flow_cli;
pub mod grammar_cli;
mod http;
mod net;
mod peers;
mod recordings;
mod server;
mod session_task;
mod settings;
mod shared;
mod tasks;
pub mod telemetry;
mod turn_ledger;
mod webhook;

pub use clips::{ClipsError, make_clips};
pub use server::{EmbeddedDialogService, Server, StartError, embedded_dialog_service, with_models_directory};
pub use webhook::WebhookError;
