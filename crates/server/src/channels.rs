//! Which session a channel belongs to: the one table that tasks share.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use mrcp::ChannelId;

use crate::session_task::Mailbox;

/// The channel index. Look-ups copy the handle out; no guard outlives a call.
#[derive(Clone, Default)]
pub(crate) struct Channels {
    owners: Arc<RwLock<HashMap<ChannelId, Mailbox>>>,
}

impl Channels {
    /// Registers a channel before the answer that names it leaves.
    pub(crate) fn register(&self, channel: ChannelId, owner: Mailbox) {
        self.owners.write().unwrap_or_else(PoisonError::into_inner).insert(channel, owner);
    }

    /// The session of a channel.
    pub(crate) fn owner(&self, channel: &ChannelId) -> Option<Mailbox> {
        self.owners.read().unwrap_or_else(PoisonError::into_inner).get(channel).cloned()
    }

    /// Forgets a channel.
    pub(crate) fn forget(&self, channel: &ChannelId) {
        self.owners.write().unwrap_or_else(PoisonError::into_inner).remove(channel);
    }
}
