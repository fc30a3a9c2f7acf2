//! The transport and transaction layers: [`Endpoint`].

mod counters;
mod io;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub use counters::Counters;
pub use io::{EndpointConfig, IncomingInvite, IncomingOptions, Input, NewDialog, OutgoingInvite, Output};

use crate::{DialogKey, Seed};
use io::Admission;

/// The transport and transaction layers of one SIP element. One task owns it.
#[derive(Debug)]
pub struct Endpoint {
    config: EndpointConfig,
    tokens: crate::token::Tokens,
    admission: Admission,
    next_dialog: u64,
    outputs: VecDeque<Output>,
    counters: Counters,
}

impl Endpoint {
    /// An endpoint without connections and transactions.
    pub fn new(config: EndpointConfig, seed: Seed) -> Self {
        Self {
            config,
            tokens: crate::token::Tokens::new(seed),
            admission: Admission::Open,
            next_dialog: 0,
            outputs: VecDeque::new(),
            counters: Counters::default(),
        }
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

    /// Identifiers for a dialog that we start, or for requests of ours outside one.
    pub fn new_dialog(&mut self) -> NewDialog {
        self.next_dialog += 1;
        NewDialog {
            dialog: DialogKey(self.next_dialog),
            call_id: self.tokens.text(),
            local_tag: self.tokens.text(),
        }
    }

    /// With `Some(retry_after)`, answers requests outside dialogs with 503 from now on, without keeping state for them; with
    /// `None`, takes them again.
    pub fn refuse_new(&mut self, retry_after: Option<Duration>) {
        self.admission = retry_after.map_or(Admission::Open, Admission::Refused);
    }

    /// Totals so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
