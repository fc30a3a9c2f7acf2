use std::{sync::Arc, time::Duration};

use proto::v1::dialog_client::DialogClient as Stub;
use tokio::sync::mpsc;
use tonic::transport::{Channel, Endpoint};

use crate::{
    call::{DialogCall, DialogEvent, DialogTask, Line},
    instances::{Instances, ServiceCapabilities},
};

/// Commands that may wait for a conversation's task: a turn, an interruption and the end, twice over.
const COMMANDS_MAX: usize = 8;
/// Events that may wait for a conversation: a few clauses in tokens.
const EVENTS_MAX: usize = 64;
/// Bytes of one event.
const EVENT_BYTES_MAX: usize = 256 * 1024;

/// How long the service may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialogTimeouts {
    /// For a connection to come about.
    pub connect: Duration,
    /// For a whole reply, from the request to its last event. The conversation has shorter limits of its own for the first event and
    /// between events.
    pub reply: Duration,
    /// For an interruption, and for the end with its record.
    pub command: Duration,
    /// The first wait before a failed turn is tried again; it doubles each time.
    pub retry_first: Duration,
}

impl Default for DialogTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            reply: Duration::from_secs(60),
            command: Duration::from_secs(2),
            retry_first: Duration::from_millis(100),
        }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum DialogClientError {
    /// No address was given.
    #[error("a dialog service needs an address")]
    NoAddress,
    /// The address is not one.
    #[error("{address:?} is not the address of a dialog service; expected http://HOST:PORT")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        #[source]
        source: tonic::transport::Error,
    },
}

/// Which service, and what it is told of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogClientConfig {
    /// Addresses of the service's instances, `http://127.0.0.1:9070` or `HOST:PORT`, in the order in which they are tried. At least one.
    pub addresses: Vec<String>,
    /// How long it may take.
    pub timeouts: DialogTimeouts,
    /// Our name and version, for its log.
    pub server: String,
    /// The IANA time zone of calls; empty: not told.
    pub time_zone: String,
}

/// The connections to a dialog service, shared by conversations. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DialogClient {
    instances: Arc<Instances>,
    timeouts: DialogTimeouts,
    time_zone: Arc<str>,
}

impl DialogClient {
    /// A client of the service at `address` (`http://127.0.0.1:9070`, or `HOST:PORT`). Connects when a call needs it, and again
    /// whenever the connection was lost.
    ///
    /// # Errors
    /// When `address` is not a URI.
    pub fn connect_lazy(address: &str, timeouts: DialogTimeouts) -> Result<Self, DialogClientError> {
        let (server, time_zone) = (String::new(), String::new());
        Self::new(DialogClientConfig { addresses: vec![address.to_owned()], timeouts, server, time_zone })
    }

    /// A client of a service of one or more instances. Connects when a call needs it. When an instance cannot be reached the next one is
    /// used, in the middle of a conversation too.
    ///
    /// # Errors
    /// When an address is not a URI, or there is none.
    pub fn new(config: DialogClientConfig) -> Result<Self, DialogClientError> {
        let DialogClientConfig { addresses, timeouts, server, time_zone } = config;
        if addresses.is_empty() {
            return Err(DialogClientError::NoAddress);
        }
        let stubs = addresses.into_iter().map(|address| {
            let stub = connect(&address, timeouts)?;
            Ok((address, stub))
        });
        let instances = Arc::new(Instances::new(stubs.collect::<Result<_, DialogClientError>>()?, server));
        Ok(Self { instances, timeouts, time_zone: time_zone.into() })
    }

    /// What the service can do: asked once for each connection, and kept. `None`: it does not answer now.
    pub async fn capabilities(&self) -> Option<Arc<ServiceCapabilities>> {
        self.instances.capabilities(self.instances.current(), self.timeouts.command).await
    }

    /// Opens the calls of one conversation. Nothing is sent before the first command. The returned task must be run; it ends after the
    /// record, or when the [`DialogCall`] or the receiver is dropped, and dropping it cancels what is under way.
    pub fn open(&self, conversation_id: impl Into<String>) -> (DialogCall, mpsc::Receiver<DialogEvent>, DialogTask) {
        let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        let line =
            Line::new(Arc::clone(&self.instances), self.timeouts, conversation_id.into(), events, &self.time_zone);
        (DialogCall::new(commands), receiver, DialogTask::new(line, inbox))
    }
}

fn connect(address: &str, timeouts: DialogTimeouts) -> Result<Stub<Channel>, DialogClientError> {
    let uri = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let endpoint = Endpoint::from_shared(uri)
        .map_err(|source| DialogClientError::Address { address: address.to_owned(), source })?
        .connect_timeout(timeouts.connect)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(false);
    Ok(Stub::new(endpoint.connect_lazy()).max_decoding_message_size(EVENT_BYTES_MAX))
}
