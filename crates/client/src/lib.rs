//! The PBX side of a call: opens MRCPv2 sessions on any server as FreeSWITCH does, speaks, listens, records.

mod audio_file;
mod call;
pub mod cli;
mod client;
mod clock;
mod conversation;
mod error;
mod histogram;
mod ladder;
pub mod load;
mod media_thread;
mod mrcp_connection;
mod nlsml;
mod offer;
mod recorder_session;
mod recording;
mod round;
mod scenario;
mod seed;
mod session;
mod sip_agent;

pub use audio_file::CallerAudio;
pub use call::{CallPlan, run_call};
pub use client::{Client, ClientConfig, ConnectionPolicy};
pub use conversation::{ConversationReport, run_scenario};
pub use error::{CallError, ClientError};
pub use histogram::Histogram;
pub use ladder::{Entry, Ladder, Layer, Way};
pub use media_thread::{LegHandle, LegHappening, LegNotice, LegReport, LegSetup, MediaThread, bind_rtp};
pub use nlsml::{Recognized, read_result};
pub use recorder_session::{Recorded, RecordedAt, RecorderSession};
pub use recording::{Recording, Side, TrackWriter};
pub use round::{Act, Listen, Progress, Round, RoundPlan, Speak, run_round};
pub use scenario::{CallerAct, Expectation, Scenario, Seen, Turn};
pub use session::{GrammarBody, Notice, RecogSession, Recognition, Session, Spoken, SynthSession};
pub use sip_agent::SipTransport;
