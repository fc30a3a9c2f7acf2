//! The running server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dialog_client::{DialogClient, DialogClientConfig, DialogTimeouts};
use engine::{Recognition, Synthesis};
use metrics::counter;
use mrcp::synthesizer::NtpAnchor;
use recording::{Recorder, Storage};
use session::{CloseCause, DescriptionConfig, Session};
use sip::endpoint::{IncomingInvite, IncomingOptions};
use sip::{Command, Response, Status};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::admission::Admission;
use crate::channels::Channels;
use crate::clips::Clips;
use crate::compat::Compat;
use crate::config::Config;
use crate::conversations::{Conversations, Records};
use crate::net::media::{MediaPlane, MediaPlaneConfig};
use crate::net::mrcp::ConnectionLimits;
use crate::net::sip::{Calls, EndpointTask, SipSockets, ToEndpoint};
use crate::peers::{Holding, PeerLimits, Peers};
use crate::recordings::{MESSAGE_HEAD_BYTES, RecordingService};
use crate::session_task::{INBOX_MAX, Mailbox, SessionTask, ToSession};
use crate::shared::{Random, Shared};
use crate::telemetry::Privacy;
use crate::webhook::{Webhook, WebhookError};
use crate::{clock, http, net, settings, telemetry};

/// When a client that was refused for a drain may try again, here or elsewhere.
const DRAIN_RETRY_AFTER: Duration = Duration::from_secs(30);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken, or an address is not ours.
    #[error("cannot listen for {what} on {address}")]
    Listen {
        /// Which protocol.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The engine does not start: a model is missing, or does not load.
    #[error("the speech engine does not start")]
    Engine(#[source] engine::EngineError),
    /// The embedded dialog service does not start.
    #[error("the dialog service does not start")]
    Dialog(#[source] dialog_service::DialogServiceError),
    /// The dialog service's address cannot be used.
    #[error("dialog.address")]
    DialogAddress(#[source] dialog_client::DialogClientError),
    /// Records cannot be delivered as configured.
    #[error("dialog.webhook")]
    Webhook(#[source] WebhookError),
    /// Recordings cannot be kept as configured.
    #[error("storage")]
    Storage(#[source] io::Error),
    /// Documents cannot be fetched as configured.
    #[error("fetch")]
    Fetch(#[source] fetch::SetupError),
    /// The clips of basicsynth cannot be used.
    #[error("basicsynth.clips")]
    Clips(#[source] crate::clips::ClipsError),
    /// Threads or metrics cannot be had.
    #[error("cannot start: {0}")]
    Other(String),
}

/// A running server. Dropping it ends everything at once; [`Self::drain`] and [`Self::stop`] do it in order.
pub struct Server {
    admission: Admission,
    mailboxes: Sessions,
    endpoint: mpsc::Sender<ToEndpoint>,
    dialog: Option<EmbeddedDialogService>,
    stop: CancellationToken,
    sip_address: SocketAddr,
    mrcp_address: SocketAddr,
    http_address: Option<SocketAddr>,
}

/// The mailboxes of sessions, for the end of a drain.
type Sessions = Arc<std::sync::Mutex<std::collections::HashMap<u64, Mailbox>>>;

impl Server {
    /// Loads the engine, binds every port and serves.
    ///
    /// # Errors
    /// What cannot be had; nothing is left running then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let metrics = telemetry::metrics_recorder().map_err(|error| StartError::Other(error.to_string()))?;
        let address = config.server.address;
        let listen =
            |what, port| move |source| StartError::Listen { what, address: SocketAddr::new(address, port), source };
        // Ports first: a server that is already running is a quicker answer than models that load for seconds.
        let sip_sockets = SipSockets::bind(address, config.sip.port, config.sip.udp, config.sip.tcp)
            .map_err(listen("SIP", config.sip.port))?;
        let (mrcp_listener, mrcp_port) =
            net::mrcp::bind(address, config.mrcp.port).map_err(listen("MRCP", config.mrcp.port))?;
        let http_listener = match config.http.listen {
            None => None,
            Some(address) => Some(http::bind(address).await.map_err(|source| StartError::Listen {
                what: "HTTP",
                address,
                source,
            })?),
        };
        let recordings_listener = match config.storage.listen {
            None => None,
            Some(address) => {
                let failed = |source| StartError::Listen { what: "recordings", address, source };
                Some(http::bind(address).await.map_err(failed)?)
            }
        };
        let storage = Storage::open(config.storage.folders.clone()).map_err(StartError::Storage)?;
        let recorder = Recorder::start(storage.clone(), config.recorder.workers).map_err(StartError::Storage)?;
        let recordings = Arc::new(RecordingService {
            recorder,
            body_bytes_max: config.mrcp.message_bytes_max.saturating_sub(MESSAGE_HEAD_BYTES),
            linger: config.storage.linger,
        });
        // Whoever started us may have chosen one already.
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let fetcher = fetch::Fetcher::new(config.fetch.clone()).map_err(StartError::Fetch)?;
        let dialog = match config.dialog.addresses.is_empty() {
            false => None,
            true => Some(embedded_dialog_service(&config).await.map_err(StartError::Dialog)?),
        };

        let (recognition, synthesis) = start_engine(&config).await?;
        let media = MediaPlane::start(MediaPlaneConfig {
            workers: config.rtp.workers,
            address,
            ports: config.rtp.ports,
            port_min: config.rtp.port_min,
            port_max: config.rtp.port_max,
            latching: config.rtp.latching,
        })
        .map_err(|error| StartError::Other(format!("media threads: {error}")))?;

        let addresses = match &dialog {
            Some(running) => vec![format!("http://{}", running.address())],
            None => config.dialog.addresses.clone(),
        };
        let dialog_address = addresses.join(", ");
        let client = DialogClient::new(DialogClientConfig {
            addresses,
            timeouts: DialogTimeouts { reply: config.dialog.turn_timeout, ..DialogTimeouts::default() },
            server: settings::product(),
            time_zone: config.server.time_zone.iana_name().unwrap_or_default().to_owned(),
        });
        let client = client.map_err(StartError::DialogAddress)?;
        let stop = CancellationToken::new();
        let webhook = match &config.dialog.webhook {
            Some(webhook) => Some(Webhook::start(webhook, &fetcher, stop.clone()).map_err(StartError::Webhook)?),
            None => None,
        };
        let privacy = if config.log.callers_words { Privacy::Shown } else { Privacy::Hidden };
        let conversations = Conversations::new(
            settings::conversation(&config),
            config.dialog.flow.clone(),
            client,
            Records { directory: config.dialog.records.clone(), webhook },
            privacy,
        );

        let admission = Admission::new(config.server.sessions_max);
        let channels = Channels::default();
        let sip_address = SocketAddr::new(address, sip_sockets.port);
        let limits = ConnectionLimits {
            core: settings::connection(&config),
            connections_max: config.mrcp.connections_max,
            idle: config.mrcp.idle,
        };
        let peers = Peers::new(PeerLimits {
            sessions_max: config.server.sessions_per_peer_max,
            connections_max: config.mrcp.connections_per_peer_max,
        });
        let ntp = NtpAnchor { at: clock::now(), ntp: clock::ntp_now() };
        let voices = synthesis.voices().into_iter().map(|voice| voice.name).collect();
        let clips = match &config.basicsynth.clips {
            Some(directory) => Some(Clips::load(directory, config.basicsynth.gap_ms).map_err(StartError::Clips)?),
            None => None,
        };
        let index = clips.as_ref().map(|clips| Arc::new(clips.index()));
        let session = settings::session(&config, mrcp_port, voices, index, ntp);
        let compat = Compat::new(config.compat.clone(), &session);
        let endpoint_config = settings::endpoint(&config);
        let random = Random;
        let seed = random.seed();
        let shared = Arc::new(Shared {
            config,
            media,
            recognition,
            synthesis,
            channels: channels.clone(),
            conversations,
            clips: clips.unwrap_or_default(),
            fetcher,
            recordings,
            recordings_address: recordings_listener
                .as_ref()
                .or(http_listener.as_ref())
                .and_then(|listener| listener.local_addr().ok()),
            processors: Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, Into::into))),
            random,
            ntp,
        });
        let mailboxes = Sessions::default();
        let calls = Incoming {
            shared,
            description: session.description,
            compat,
            peers: peers.clone(),
            admission: admission.clone(),
            next_session: AtomicU64::new(1),
            mailboxes: Arc::clone(&mailboxes),
        };
        let (task, endpoint) = EndpointTask::new(endpoint_config, seed, calls, sip_sockets.port, address);
        crate::tasks::spawn("SIP endpoint", task.run(sip_sockets, stop.clone()));
        crate::tasks::spawn("MRCP listener", net::mrcp::serve(mrcp_listener, channels, limits, peers, stop.clone()));
        let http_address = http_listener.as_ref().and_then(|listener| listener.local_addr().ok());
        if let Some(listener) = http_listener {
            let mut app = http::operation(metrics, admission.clone());
            if recordings_listener.is_none() {
                app = app.merge(http::recordings(storage.clone()));
            }
            crate::tasks::spawn("HTTP", http::serve(listener, app, stop.clone()));
        }
        if let Some(listener) = recordings_listener {
            crate::tasks::spawn("recordings", http::serve(listener, http::recordings(storage), stop.clone()));
        }
        let mrcp_address = SocketAddr::new(address, mrcp_port);
        tracing::info!(sip = %sip_address, mrcp = %mrcp_address, http = ?http_address, dialog = %dialog_address, "ready");
        Ok(Self { admission, mailboxes, endpoint, dialog, stop, sip_address, mrcp_address, http_address })
    }

    /// Where SIP is served, UDP and TCP.
    pub fn sip_address(&self) -> SocketAddr {
        self.sip_address
    }

    /// Where control connections are accepted.
    pub fn mrcp_address(&self) -> SocketAddr {
        self.mrcp_address
    }

    /// Where metrics and health are served.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http_address
    }

    /// Sessions now.
    pub fn sessions(&self) -> usize {
        self.admission.sessions()
    }

    /// Refuses new sessions with 503 and waits until all have ended; those that are left after `grace` are ended.
    pub async fn drain(&self, grace: Duration) {
        self.admission.drain();
        // Refused by the endpoint itself from now on, without state.
        let _stopped = self.endpoint.send(ToEndpoint::Refuse(DRAIN_RETRY_AFTER)).await;
        if tokio::time::timeout(grace, self.admission.emptied()).await.is_ok() {
            return;
        }
        tracing::warn!(sessions = self.sessions(), "ending the sessions that are left");
        let left: Vec<Mailbox> = {
            let mailboxes = self.mailboxes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            mailboxes.values().cloned().collect()
        };
        for mailbox in left {
            // One that is gone meanwhile needs no telling.
            let _ended = mailbox.send(ToSession::Close { cause: CloseCause::Drained }).await;
        }
        // Their BYEs are answered within seconds, or not at all.
        let _rest = tokio::time::timeout(Duration::from_secs(5), self.admission.emptied()).await;
    }

    /// Ends every task and closes every port.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(dialog) = self.dialog.take() {
            dialog.stop().await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The configuration with the usual models directory where it names none.
pub fn with_models_directory(mut config: engine::EngineConfig) -> engine::EngineConfig {
    if let engine::Backend::Sherpa(sherpa) = &mut config.backend
        && sherpa.models_dir.is_none()
    {
        // Without a home directory there is none; the engine says what it misses.
        sherpa.models_dir = models::models_directory(None).ok();
    }
    config
}

/// Loads models on a thread of its own: it takes seconds and would hold up the runtime.
async fn start_engine(config: &Config) -> Result<(Recognition, Synthesis), StartError> {
    let engine = with_models_directory(config.engine.clone());
    let started = tokio::task::spawn_blocking(move || Ok((Recognition::start(&engine)?, Synthesis::start(&engine)?)));
    started.await.map_err(|error| StartError::Other(error.to_string()))?.map_err(StartError::Engine)
}

/// The reference dialog service, running in this process.
pub struct EmbeddedDialogService {
    address: SocketAddr,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

impl EmbeddedDialogService {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it in order.
    pub async fn stop(self) {
        self.stop.cancel();
        // A panic in it was reported where it happened.
        let _ended = self.running.await;
    }
}

/// Starts the reference dialog service as `[dialog]` says.
///
/// # Errors
/// When a flow has mistakes or the port is taken.
pub async fn embedded_dialog_service(
    config: &Config,
) -> Result<EmbeddedDialogService, dialog_service::DialogServiceError> {
    let service = dialog_service::DialogService::bind(settings::dialog_service(config)?).await?;
    let address = service.address();
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let running = tokio::spawn(async move {
        if let Err(error) = service.run(stopped.cancelled_owned()).await {
            tracing::error!(error = %telemetry::chain(&error), "the embedded dialog service ended");
        }
    });
    Ok(EmbeddedDialogService { address, stop, running })
}

/// Makes a session of each INVITE.
struct Incoming {
    shared: Arc<Shared>,
    description: DescriptionConfig,
    compat: Compat,
    peers: Peers,
    admission: Admission,
    next_session: AtomicU64,
    mailboxes: Sessions,
}

impl Calls for Incoming {
    fn invite(&self, invite: IncomingInvite, endpoint: &mpsc::Sender<ToEndpoint>) -> Result<Mailbox, Command> {
        let refusal = || {
            let response = Response::to(&invite.request, Status::SERVICE_UNAVAILABLE).with_header("Retry-After", "2");
            Command::Respond { transaction: invite.transaction, response: Box::new(response) }
        };
        let peer = invite.flow.remote.ip();
        let Some(place) = self.peers.take(peer, Holding::Session) else {
            counter!("sessions_refused_total", "reason" => "peer").increment(1);
            return Err(refusal());
        };
        let permit = self.admission.admit().map_err(|_| refusal())?;
        let id = self.next_session.fetch_add(1, Ordering::Relaxed);
        let dialog = invite.dialog;
        let call_id = invite.request.call_id.clone();
        let agent = invite.request.headers.first("User-Agent").unwrap_or_default().to_owned();
        let span =
            tracing::info_span!("session", session_id = id, call_id = %call_id, logging_tag = tracing::field::Empty);
        let (mailbox, inbox) = mpsc::channel(INBOX_MAX);
        let prefix = format!("{:032x}", self.shared.random.seed().0);
        let settings = self.compat.settings(&agent, self.peers.is_connected(peer));
        let session = Session::new(settings, prefix, self.shared.random.seed(), clock::now(), invite)
            .with_media_secret(session::MediaSecret::new(self.shared.random.octets()))
            .with_calendar(clock::calendar(&self.shared.config.server.time_zone));
        let task = SessionTask::new(
            id,
            session,
            Arc::clone(&self.shared),
            endpoint.clone(),
            mailbox.clone(),
            inbox,
            call_id,
            (place, permit),
        );
        self.mailboxes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(id, mailbox.clone());
        let mailboxes = Arc::clone(&self.mailboxes);
        let endpoint = endpoint.clone();
        tokio::spawn(
            async move {
                tracing::info!(client = %agent, "begun");
                let running = tokio::spawn(task.run().in_current_span());
                let cause = match running.await {
                    Ok(cause) => {
                        // The endpoint may be gone first, when the server stops.
                        let _stopped = endpoint.send(ToEndpoint::Command(Command::Forget { dialog })).await;
                        cause
                    }
                    Err(_) => {
                        tracing::error!("the session panicked; it is ended on its behalf");
                        let _stopped = endpoint.send(ToEndpoint::Command(Command::Abandon { dialog })).await;
                        CloseCause::Failed
                    }
                };
                mailboxes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&id);
                counter!("sessions_ended_total", "cause" => cause.label()).increment(1);
                tracing::info!(cause = cause.label(), "ended");
            }
            .instrument(span),
        );
        Ok(mailbox)
    }

    fn options(&self, options: IncomingOptions) -> Command {
        let description = session::resources(&self.description, self.shared.address_for(options.flow.remote.ip()));
        let response =
            Response::to(&options.request, Status::OK).with_body("application/sdp", Bytes::from(description));
        Command::Respond { transaction: options.transaction, response: Box::new(response) }
    }
}
