//! Which session a channel belongs to: the one table that tasks share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use mrcp::ChannelId;

use crate::session_task::Mailbox;

/// The channel index. Look-ups copy the handle out; no guard outlives a call.
#[derive(Clone, Default)]
pub(crate) struct Channels {
    owners: Arc<RwLock<HashMap<ChannelId, Owner>>>,
}

/// The address that a session's control connections come from: that of the first. Others do not learn that its channels exist.
pub(crate) type BoundClient = Arc<OnceLock<IpAddr>>;

struct Owner {
    mailbox: Mailbox,
    client: BoundClient,
}

impl Channels {
    /// Registers a channel before the answer that names it leaves.
    pub(crate) fn register(&self, channel: ChannelId, mailbox: Mailbox, client: BoundClient) {
        self.owners.write().unwrap_or_else(PoisonError::into_inner).insert(channel, Owner { mailbox, client });
    }

    /// The session of a channel, for requests that come from `client`.
    pub(crate) fn owner(&self, channel: &ChannelId, client: IpAddr) -> Option<Mailbox> {
        let owners = self.owners.read().unwrap_or_else(PoisonError::into_inner);
        let owner = owners.get(channel)?;
        (*owner.client.get_or_init(|| client) == client).then(|| owner.mailbox.clone())
    }

    /// Whether the channel exists.
    pub(crate) fn is_registered(&self, channel: &ChannelId) -> bool {
        self.owners.read().unwrap_or_else(PoisonError::into_inner).contains_key(channel)
    }

    /// Forgets a channel.
    pub(crate) fn forget(&self, channel: &ChannelId) {
        self.owners.write().unwrap_or_else(PoisonError::into_inner).remove(channel);
    }
}
