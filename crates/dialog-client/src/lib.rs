//! The shell between a [`conversation`] and a dialog service: it carries commands out over gRPC and gives back what the service says.
//!
//! One [`DialogClient`] is one connection, shared by all conversations of a server; it connects when it is first needed and again after
//! it was lost. Each conversation opens a [`DialogCall`], whose task it runs:
//!
//! ```no_run
//! # use conversation::ServiceCommand;
//! # use dialog_client::{DialogClient, DialogEvent, DialogTimeouts};
//! # async fn example(details: conversation::CallDetails) -> Result<(), Box<dyn std::error::Error>> {
//! let client = DialogClient::connect_lazy("http://127.0.0.1:9070", DialogTimeouts::default())?;
//! let (call, mut events, task) = client.open("call-1");
//! tokio::spawn(task.run());
//! call.send(ServiceCommand::Start(details))?;
//! while let Some(event) = events.recv().await {
//!     match event {
//!         DialogEvent::Reply { turn, speculation, event } => { /* conversation::Input::Service */ }
//!         DialogEvent::Capabilities(capabilities) => { /* conversation::Input::ServiceCan */ }
//!         DialogEvent::Record(record) => { /* the conversation is over; nothing follows */ }
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! At most one reply is under way in a conversation: a new turn, an interruption and the end cancel it. Every call has a deadline. A
//! turn that failed before its first event is tried again, with back-off, for as long as its deadline allows; the protocol makes that
//! safe. Both queues are bounded: commands are few, so a full queue is an error; events wait for room, and gRPC flow control passes the
//! wait on to the service.

mod call;
pub mod check;
mod client;
mod convert;
mod instances;

pub use call::{DialogCall, DialogCallError, DialogEvent, DialogTask};
pub use client::{DialogClient, DialogClientConfig, DialogClientError, DialogTimeouts};
pub use instances::ServiceCapabilities;
pub use proto::v1::Record;
