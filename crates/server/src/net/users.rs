//! Who is reached over one control connection.

use std::collections::HashMap;

use mrcp::ChannelId;

use crate::channels::Channels;
use crate::session_task::Mailbox;

/// Channels used over a connection, with their sessions. Those that have ended are dropped as new ones come, so that a
/// connection that is shared for weeks stays small.
#[derive(Default)]
pub(super) struct Users {
    mailboxes: HashMap<ChannelId, Mailbox>,
    /// How many there may be before those that ended are looked for.
    prune_at: usize,
}

/// Fewer are never looked through.
const PRUNE_FROM: usize = 64;

impl Users {
    pub(super) fn insert(&mut self, channel: ChannelId, owner: Mailbox, channels: &Channels) {
        self.mailboxes.insert(channel, owner);
        if self.mailboxes.len() > self.prune_at.max(PRUNE_FROM) {
            self.prune(channels);
            self.prune_at = self.mailboxes.len().saturating_mul(2);
        }
    }

    pub(super) fn remove(&mut self, channel: &ChannelId) {
        self.mailboxes.remove(channel);
    }

    /// Drops channels that are gone.
    pub(super) fn prune(&mut self, channels: &Channels) {
        self.mailboxes.retain(|channel, _| channels.is_registered(channel));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.mailboxes.is_empty()
    }

    pub(super) fn into_mailboxes(self) -> impl Iterator<Item = Mailbox> {
        self.mailboxes.into_values()
    }
}
