use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use proto::v1::dialog_server::DialogServer;
use tokio::{net::TcpListener, sync::watch, time};
use tonic::transport::{Server, server::TcpIncoming};

use crate::{
    config::DialogServiceConfig,
    dialogues::Dialogues,
    flows::{FlowShelf, FlowsError},
    openai::{ProviderError, Providers},
    reply::Helpers,
    service::Service,
    state::{StateError, StateStore},
    tools::{ToolClient, ToolClientError},
};

/// Bytes of one request.
const REQUEST_BYTES_MAX: usize = 256 * 1024;
/// How often idle conversations are looked for, at most.
const SWEEP_EVERY_MAX: Duration = Duration::from_secs(30);

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum DialogServiceError {
    /// The flows cannot be used; all faults are in the message.
    #[error("the flows cannot be used:\n{0}")]
    Flows(FlowsError),
    /// The language model's configuration cannot be used.
    #[error("the language model's configuration cannot be used")]
    Provider(#[source] ProviderError),
    /// The store of the state cannot be used.
    #[error("the store of the state cannot be used")]
    State(#[source] StateError),
    /// Tools cannot be used as configured.
    #[error("tools cannot be used as configured")]
    Tools(#[source] ToolClientError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The reflection service cannot be built.
    #[error("the reflection service cannot be built")]
    Reflection(#[source] tonic_reflection::server::Error),
    /// The server failed while it ran.
    #[error("the server failed")]
    Serve(#[source] tonic::transport::Error),
}

/// A dialog service that listens and does not serve yet.
#[derive(Debug)]
pub struct DialogService {
    listener: TcpListener,
    address: SocketAddr,
    service: Service,
    idle_expiry: Duration,
    flows_reload: Duration,
    drain_grace: Duration,
}

impl DialogService {
    /// Loads and checks the flows, and listens.
    ///
    /// # Errors
    /// When the flows or the provider's configuration cannot be used, or the address is taken.
    pub async fn bind(config: DialogServiceConfig) -> Result<Self, DialogServiceError> {
        let flows = FlowShelf::load(
            config.flows.as_deref(),
            !config.models.providers.is_empty(),
            &config.default_flow,
            &config.tools.hosts,
        );
        let flows = Arc::new(flows.map_err(DialogServiceError::Flows)?);
        let mut dialogues = Dialogues::new(config.conversations_max, config.idle_expiry);
        if let Some(state) = &config.state {
            let store = StateStore::connect(state, config.idle_expiry).await.map_err(DialogServiceError::State)?;
            dialogues = dialogues.with_store(store, Arc::clone(&flows));
        }
        let dialogues = Arc::new(dialogues);
        let providers = Providers::new(config.models).map_err(DialogServiceError::Provider)?;
        let tools = ToolClient::new(config.tools).map_err(DialogServiceError::Tools)?;
        let failed = |source| DialogServiceError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let service = Service {
            flows,
            default_flow: config.default_flow,
            dialogues: Arc::clone(&dialogues),
            helpers: Arc::new(Helpers { dialogues, providers, summary_within: config.summary_within, tools }),
        };
        Ok(Self {
            listener,
            address,
            service,
            idle_expiry: config.idle_expiry,
            flows_reload: config.flows_reload,
            drain_grace: config.drain_grace,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`, then finishes the replies under way within the grace.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), DialogServiceError> {
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()
            .map_err(DialogServiceError::Reflection)?;
        let (health, health_service) = tonic_health::server::health_reporter();
        let dialogues = Arc::clone(&self.service.dialogues);
        let shelf = Arc::clone(&self.service.flows);
        let flows = shelf.current().names().collect::<Vec<_>>().join(", ");
        let dialog = DialogServer::new(self.service).max_decoding_message_size(REQUEST_BYTES_MAX);
        health.set_serving::<DialogServer<Service>>().await;
        tracing::info!(address = %self.address, flows, "the dialog service listens");

        let (stop, mut stopped) = watch::channel(());
        let serve = Server::builder()
            .http2_keepalive_interval(Some(Duration::from_secs(20)))
            .http2_keepalive_timeout(Some(Duration::from_secs(5)))
            .add_service(dialog)
            .add_service(health_service)
            .add_service(reflection)
            .serve_with_incoming_shutdown(TcpIncoming::from(self.listener).with_nodelay(Some(true)), async move {
                // A sender that is gone means the same.
                let _ = stopped.changed().await;
            });
        let mut sweep = time::interval((self.idle_expiry / 4).clamp(Duration::from_millis(10), SWEEP_EVERY_MAX));
        let mut reload = time::interval(self.flows_reload.max(Duration::from_millis(10)));
        reload.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        tokio::pin!(serve, shutdown);
        loop {
            tokio::select! {
                served = &mut serve => return served.map_err(DialogServiceError::Serve),
                () = &mut shutdown => break,
                _ = reload.tick(), if !self.flows_reload.is_zero() => refresh(&shelf).await,
                _ = sweep.tick() => {
                    dialogues.forget_idle().await;
                    metrics::gauge!("dialog_conversations_remembered").set(f64::from(u32::try_from(dialogues.len()).unwrap_or(u32::MAX)));
                }
            }
        }
        health.set_not_serving::<DialogServer<Service>>().await;
        drop(stop);
        match time::timeout(self.drain_grace, serve).await {
            Ok(served) => served.map_err(DialogServiceError::Serve),
            Err(_) => {
                tracing::warn!("replies under way were cut off");
                Ok(())
            }
        }
    }
}

/// Loads flows whose files were changed, off the async threads.
async fn refresh(shelf: &Arc<FlowShelf>) {
    let shelf = Arc::clone(shelf);
    match tokio::task::spawn_blocking(move || shelf.refresh()).await {
        Ok(Ok(true)) => {
            metrics::counter!("dialog_flow_reloads_total", "outcome" => "loaded").increment(1);
            tracing::info!("changed flows were loaded; new conversations follow them");
        }
        Ok(Ok(false)) => {}
        Ok(Err(faults)) => {
            metrics::counter!("dialog_flow_reloads_total", "outcome" => "refused").increment(1);
            tracing::error!(%faults, "changed flows cannot be used; those of before stay");
        }
        Err(_) => tracing::error!("loading changed flows failed"),
    }
}

/// Binds and serves until `shutdown`: [`DialogService::bind`] and [`DialogService::run`] in one.
///
/// # Errors
/// As of both.
pub async fn run(
    config: DialogServiceConfig,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), DialogServiceError> {
    DialogService::bind(config).await?.run(shutdown).await
}
