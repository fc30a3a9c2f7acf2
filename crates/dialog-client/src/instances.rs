//! The instances of a dialog service: the one that is used, and the others for when it is lost.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use proto::v1::{self, dialog_client::DialogClient as Stub};
use tokio::time::timeout;
use tonic::{Code, Request, Status, transport::Channel};

/// What a service says that it can do; nothing of it, for a service that does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceCapabilities {
    /// Name and version.
    pub service: String,
    /// The flows that may be asked for, by name.
    pub flows: Vec<String>,
    /// Speculative turns are understood.
    pub speculation: bool,
    /// Any instance continues a conversation that another has led.
    pub shared_state: bool,
}

/// The instances of a service, in the order in which they are tried.
#[derive(Debug)]
pub(crate) struct Instances {
    instances: Vec<Instance>,
    /// The one that new conversations use.
    current: AtomicUsize,
    /// Our name and version.
    server: String,
}

#[derive(Debug)]
struct Instance {
    address: String,
    stub: Stub<Channel>,
    /// What it has said; `None`: it was not asked since its connection was lost.
    capabilities: Mutex<Option<Arc<ServiceCapabilities>>>,
}

/// One instance, by its place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InstanceIndex(usize);

impl Instances {
    pub(crate) fn new(stubs: Vec<(String, Stub<Channel>)>, server: String) -> Self {
        let instances = stubs
            .into_iter()
            .map(|(address, stub)| Instance { address, stub, capabilities: Mutex::default() })
            .collect();
        Self { instances, current: AtomicUsize::new(0), server }
    }

    pub(crate) fn count(&self) -> usize {
        self.instances.len()
    }

    pub(crate) fn current(&self) -> InstanceIndex {
        InstanceIndex(self.current.load(Ordering::Relaxed))
    }

    pub(crate) fn stub(&self, at: InstanceIndex) -> Option<Stub<Channel>> {
        self.instances.get(at.0).map(|instance| instance.stub.clone())
    }

    /// The connection to an instance was lost: the next one is used from now on, by new conversations too.
    pub(crate) fn lost(&self, at: InstanceIndex) -> InstanceIndex {
        let Some(instance) = self.instances.get(at.0) else { return at };
        *instance.capabilities.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let next = InstanceIndex((at.0 + 1) % self.instances.len());
        // Another conversation may have found out before.
        let moved = self.current.compare_exchange(at.0, next.0, Ordering::Relaxed, Ordering::Relaxed);
        if next != at && moved.is_ok() {
            metrics::counter!("dialog_failovers_total").increment(1);
            let to = self.instances.get(next.0).map(|instance| instance.address.as_str()).unwrap_or_default();
            tracing::warn!(from = %instance.address, to, "an instance of the dialog service was lost");
        }
        next
    }

    /// What the instance can do; asked where it is not known. `None`: it does not answer.
    pub(crate) async fn capabilities(&self, at: InstanceIndex, patience: Duration) -> Option<Arc<ServiceCapabilities>> {
        let instance = self.instances.get(at.0)?;
        let known = instance.capabilities.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if known.is_some() {
            return known;
        }
        let mut request = Request::new(v1::GetCapabilitiesRequest { server: self.server.clone() });
        request.set_timeout(patience);
        let mut stub = instance.stub.clone();
        let capabilities = match timeout(patience, stub.get_capabilities(request)).await.ok()? {
            Ok(answer) => of(answer.into_inner()),
            // Only what every service must.
            Err(status) if status.code() == Code::Unimplemented => ServiceCapabilities::default(),
            Err(status) => {
                tracing::debug!(code = ?status.code(), address = %instance.address, "the dialog service does not say what it can do");
                return None;
            }
        };
        tracing::info!(
            address = %instance.address,
            service = %capabilities.service,
            speculation = capabilities.speculation,
            shared_state = capabilities.shared_state,
            "the dialog service says what it can do"
        );
        let capabilities = Arc::new(capabilities);
        *instance.capabilities.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&capabilities));
        Some(capabilities)
    }
}

/// Whether a call failed because its connection did: the service has not answered, and another instance may.
pub(crate) fn is_lost(status: &Status) -> bool {
    let by_transport = std::error::Error::source(status).is_some();
    match status.code() {
        Code::Unavailable => true,
        Code::Unknown | Code::Internal => by_transport,
        Code::Ok
        | Code::Cancelled
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::DataLoss
        | Code::Unauthenticated => false,
    }
}

fn of(said: v1::Capabilities) -> ServiceCapabilities {
    ServiceCapabilities {
        service: said.service,
        flows: said.flows.into_iter().map(|flow| flow.name).collect(),
        speculation: said.speculation,
        shared_state: said.shared_state,
    }
}
