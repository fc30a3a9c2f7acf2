//! The table of client transactions.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::client_invite::{ClientInvite, ClientTimeout, Received};
use super::client_non_invite::ClientNonInvite;
use crate::{ClientKey, ConnectionId, Flow, Method, Request, Response, Status, Timers};

/// All client transactions, found by number, by branch and method (RFC 3261, 17.1.3), by the owner's key, and by deadline.
#[derive(Debug, Default)]
pub(super) struct Clients {
    transactions: HashMap<u64, ClientTransaction>,
    by_branch: HashMap<Arc<str>, u64>,
    by_key: HashMap<ClientKey, u64>,
    deadlines: BTreeSet<(Instant, u64)>,
    last_id: u64,
}

/// One client transaction.
#[derive(Debug)]
pub(super) struct ClientTransaction {
    machine: Machine,
    branch: Arc<str>,
    deadline: Instant,
    /// Who gets the responses; `None` for a CANCEL.
    pub(super) key: Option<ClientKey>,
    /// Where the request went.
    pub(super) flow: Flow,
}

#[derive(Debug)]
enum Machine {
    Invite { machine: ClientInvite, request: Box<Request> },
    NonInvite(ClientNonInvite),
}

fn branch_and_method(branch: &str, method: &Method) -> String {
    format!("{branch}\n{method}")
}

impl Clients {
    pub(super) fn len(&self) -> usize {
        self.transactions.len()
    }

    pub(super) fn has_key(&self, key: ClientKey) -> bool {
        self.by_key.contains_key(&key)
    }

    /// Starts the transaction of `request`, which has been sent as `bytes`.
    pub(super) fn start(
        &mut self,
        key: Option<ClientKey>,
        flow: Flow,
        (request, bytes): (Box<Request>, Bytes),
        timers: &Timers,
        now: Instant,
    ) {
        self.last_id += 1;
        let id = self.last_id;
        let branch = request.via.first().and_then(|via| via.branch()).unwrap_or_default();
        let branch = Arc::<str>::from(branch_and_method(branch, &request.method));
        let machine = if request.method == Method::Invite {
            Machine::Invite { machine: ClientInvite::new(bytes, flow.is_reliable(), timers, now), request }
        } else {
            Machine::NonInvite(ClientNonInvite::new(bytes, flow.is_reliable(), timers, now))
        };
        let deadline = machine.deadline();
        self.by_branch.insert(Arc::clone(&branch), id);
        if let Some(key) = key {
            self.by_key.insert(key, id);
        }
        self.deadlines.insert((deadline, id));
        self.transactions.insert(id, ClientTransaction { machine, branch, deadline, key, flow });
    }

    /// The transaction that `response` answers.
    pub(super) fn find(&self, response: &Response) -> Option<u64> {
        let branch = response.via.first()?.branch()?;
        self.by_branch.get(branch_and_method(branch, &response.method).as_str()).copied()
    }

    pub(super) fn find_key(&self, key: ClientKey) -> Option<u64> {
        self.by_key.get(&key).copied()
    }

    pub(super) fn transaction(&self, id: u64) -> Option<&ClientTransaction> {
        self.transactions.get(&id)
    }

    pub(super) fn received(&mut self, id: u64, now: Instant, timers: &Timers, status: Status) -> Received {
        self.change(id, |transaction| match &mut transaction.machine {
            Machine::Invite { machine, .. } => machine.received(now, timers, status),
            Machine::NonInvite(machine) => match machine.received(now, timers, status) {
                true => Received::PassOn,
                false => Received::Drop,
            },
        })
        .unwrap_or(Received::Drop)
    }

    pub(super) fn keep_ack(&mut self, id: u64, ack: Bytes) {
        self.change(id, |transaction| match &mut transaction.machine {
            Machine::Invite { machine, .. } => machine.keep_ack(ack),
            Machine::NonInvite(_) => {}
        });
    }

    /// The owner cancels: whether a CANCEL is due now.
    pub(super) fn cancel(&mut self, id: u64, now: Instant, timers: &Timers) -> bool {
        self.change(id, |transaction| match &mut transaction.machine {
            Machine::Invite { machine, .. } => machine.cancel(now, timers),
            Machine::NonInvite(_) => false,
        })
        .unwrap_or(false)
    }

    /// The transaction whose deadline has come, and what it asks for.
    pub(super) fn fire(&mut self, now: Instant, timers: &Timers) -> Option<(u64, ClientTimeout)> {
        let &(at, id) = self.deadlines.first()?;
        if at > now {
            return None;
        }
        let result = self.change(id, |transaction| match &mut transaction.machine {
            Machine::Invite { machine, .. } => machine.handle_timeout(now, timers),
            Machine::NonInvite(machine) => machine.handle_timeout(now, timers),
        })?;
        Some((id, result))
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(at, _)| at)
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<ClientTransaction> {
        let transaction = self.transactions.remove(&id)?;
        self.deadlines.remove(&(transaction.deadline, id));
        self.by_branch.remove(&transaction.branch);
        if let Some(key) = transaction.key {
            self.by_key.remove(&key);
        }
        Some(transaction)
    }

    /// The transactions whose requests went over that connection.
    pub(super) fn on_connection(&self, connection: ConnectionId) -> Vec<u64> {
        self.matching(|flow| flow.connection() == Some(connection))
    }

    /// The transactions whose requests went over that flow.
    pub(super) fn on_flow(&self, flow: Flow) -> Vec<u64> {
        self.matching(|of| *of == flow)
    }

    fn matching(&self, matches: impl Fn(&Flow) -> bool) -> Vec<u64> {
        let mut ids: Vec<_> = self.transactions.iter().filter(|(_, t)| matches(&t.flow)).map(|(&id, _)| id).collect();
        ids.sort_unstable();
        ids
    }

    fn change<T>(&mut self, id: u64, change: impl FnOnce(&mut ClientTransaction) -> T) -> Option<T> {
        let transaction = self.transactions.get_mut(&id)?;
        let result = change(transaction);
        let deadline = transaction.machine.deadline();
        if deadline != transaction.deadline {
            self.deadlines.remove(&(transaction.deadline, id));
            self.deadlines.insert((deadline, id));
            transaction.deadline = deadline;
        }
        Some(result)
    }
}

impl ClientTransaction {
    /// The INVITE, if it is one.
    pub(super) fn invite(&self) -> Option<&Request> {
        match &self.machine {
            Machine::Invite { request, .. } => Some(request),
            Machine::NonInvite(_) => None,
        }
    }

    /// The ACK to send again.
    pub(super) fn ack(&self) -> Option<&Bytes> {
        match &self.machine {
            Machine::Invite { machine, .. } => machine.ack(),
            Machine::NonInvite(_) => None,
        }
    }

    /// Whether it has no final response yet.
    pub(super) fn is_open(&self) -> bool {
        match &self.machine {
            Machine::Invite { machine, .. } => machine.is_open(),
            Machine::NonInvite(machine) => machine.is_open(),
        }
    }
}

impl Machine {
    fn deadline(&self) -> Instant {
        match self {
            Self::Invite { machine, .. } => machine.deadline(),
            Self::NonInvite(machine) => machine.deadline(),
        }
    }
}
