//! One MRCP session, sans-IO: the SIP dialog, its channels and its legs, and the order in which they end.
//!
//! ```text
//! let mut session = Session::new(config, prefix, seed, now, invite);
//! loop {
//!     while let Some(output) = session.poll_output() { carry_out(output) }
//!     session.handle_input(now, input);                  // or handle_timeout(now) when poll_timeout() has passed
//! }
//! ```
//!
//! A session holds one state machine per channel (crate `mrcp`), knows what they hear and speak (crate `speech`), and
//! says to its shell what engines, legs and conversations have to do. Audio never passes through it.

mod clips;
mod commons;
mod description;
mod fetching;
mod finding;
mod grammar_job;
mod grammar_load;
mod grammar_loading;
mod grammar_store;
mod input;
mod input_waveform;
mod keyword;
mod lexicons;
mod media_secret;
mod output;
mod prompt;
mod recognizer_channel;
mod recorder_channel;
mod recording;
mod saved_waveform;
mod session;
mod set_cookies;
mod speech_load;
mod synthesizer_channel;
mod vendor;

#[doc(hidden)]
pub mod fuzz;

pub use clips::ClipIndex;
pub use description::{CodecOrder, DescriptionConfig, Families, SrtpPolicy, resources};
pub use fetching::{AudioSource, FetchFailure, FetchKey, FetchPurpose, FetchRequest, Fetched, LoadedAudio};
pub use grammar_job::{CompiledGrammar, GrammarJob};
pub use grammar_store::GrammarConfig;
pub use input::{Heard, Input};
pub use media_secret::MediaSecret;
pub use output::{
    CallDetails, CallerInput, CallerSound, CloseCause, FromConversation, InputKind, KeysOnly, LegId, ListenKey, Output,
    PartKey, Progress, PromptEnd, Reservation, Speaker, ToConversation, Utterance,
};
pub use output::{HEARING, RECORDING, WAVEFORM};
pub use recognizer_channel::ResultStyle;
pub use recording::{Endpointing, RecordKey, RecordSpec, RecordTarget, RecordingEvent};
pub use session::{RequestIds, Session, SessionConfig, SilentPeer};
