//! The dialog layer: [`Dialog`].

mod io;
pub(crate) mod state;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

pub use io::{Cause, DialogConfig, Event, Input, Output, SessionTimerConfig};

use crate::endpoint::{IncomingInvite, OutgoingInvite};
use crate::{DialogKey, Seed};

/// One dialog, from INVITE to BYE, on either side. The task of the session owns it.
#[derive(Debug)]
pub struct Dialog {
    config: Arc<DialogConfig>,
    key: DialogKey,
    outputs: VecDeque<Output>,
}

impl Dialog {
    /// The dialog of a call that comes in. Puts out [`Event::Invite`], or answers by itself and puts out
    /// [`Event::Terminated`] (for example 422).
    pub fn answer(config: Arc<DialogConfig>, seed: Seed, now: Instant, invite: IncomingInvite) -> Self {
        let _ = (seed, now);
        Self { config, key: invite.dialog, outputs: VecDeque::new() }
    }

    /// The dialog of a call that we place. Puts out the INVITE.
    pub fn call(config: Arc<DialogConfig>, seed: Seed, now: Instant, invite: OutgoingInvite) -> Self {
        let _ = (seed, now);
        Self { config, key: invite.identity.dialog, outputs: VecDeque::new() }
    }

    /// Takes one input. Outputs must be drained before the next.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        let _ = (now, input, &self.config);
    }

    /// Fires the timers that are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// The next output; `None` when drained.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The number under which the endpoint knows the dialog.
    pub fn key(&self) -> DialogKey {
        self.key
    }
}
