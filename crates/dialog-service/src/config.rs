use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use crate::{
    openai::{ApiKey, ProvidersConfig},
    state::StateConfig,
};

/// The port that a dialog service listens on unless told otherwise.
pub const DEFAULT_PORT: u16 = 9070;

/// How the service runs.
#[derive(Debug, Clone)]
pub struct DialogServiceConfig {
    /// Where it listens. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// A directory of flows (`*.yaml`, `*.yml`), beside the shipped ones. A flow of the same name takes the place of a shipped one.
    pub flows: Option<PathBuf>,
    /// The flow of a call that names none.
    pub default_flow: String,
    /// Conversations at a time. Beyond it a start is refused with RESOURCE_EXHAUSTED.
    pub conversations_max: usize,
    /// A conversation that nothing was heard of for so long is forgotten.
    pub idle_expiry: Duration,
    /// The language models of the flows that have one.
    pub models: ProvidersConfig,
    /// How long a model may take for the summary of a conversation that has ended. Zero: rules write it.
    pub summary_within: Duration,
    /// How often the directory of flows is looked at for changes; zero: never.
    pub flows_reload: Duration,
    /// Where conversations live that other instances may go on with; `None`: in this process.
    pub state: Option<StateConfig>,
    /// What tools of flows may reach.
    pub tools: ToolsConfig,
    /// How long replies may go on after the service was told to stop.
    pub drain_grace: Duration,
}

/// What tools of flows may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolsConfig {
    /// Hosts that may be asked, as they stand in addresses: `orders.example.com`, with the port where it is not the scheme's own
    /// (`127.0.0.1:8080`). Without any, no tool works. A flow that asks another host does not load.
    pub hosts: Vec<String>,
    /// Headers that go with every request, such as a token; their values are never logged.
    pub headers: Vec<(String, ApiKey)>,
    /// For a connection to come about.
    pub connect_timeout: Duration,
    /// Bytes of one answer. A longer one is a failure.
    pub answer_bytes_max: usize,
}

impl Default for ToolsConfig {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            headers: Vec::new(),
            connect_timeout: Duration::from_secs(1),
            answer_bytes_max: 256 * 1024,
        }
    }
}

impl Default for DialogServiceConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)),
            flows: None,
            default_flow: "follow-up".to_owned(),
            conversations_max: 10_000,
            idle_expiry: Duration::from_secs(15 * 60),
            models: ProvidersConfig::new(Vec::new()),
            summary_within: Duration::from_secs(4),
            flows_reload: Duration::from_secs(2),
            state: None,
            tools: ToolsConfig::default(),
            drain_grace: Duration::from_secs(5),
        }
    }
}
