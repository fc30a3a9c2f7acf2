//! The table of server transactions.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::server_invite::{Acknowledged, ServerInvite, ServerTimeout};
use super::server_non_invite::ServerNonInvite;
use crate::{DialogKey, Flow, Method, Request, Response, ServerKey, Status, Timers};

/// All server transactions, found by key, by identifier (RFC 3261, 17.2.3), by the identity that tells merged requests
/// (8.2.2.2), and by deadline.
#[derive(Debug, Default)]
pub(super) struct Servers {
    transactions: HashMap<ServerKey, ServerTransaction>,
    by_id: HashMap<Arc<str>, ServerKey>,
    by_origin: HashMap<Arc<str>, ServerKey>,
    deadlines: BTreeSet<(Instant, ServerKey)>,
    last_key: u64,
}

/// One server transaction.
#[derive(Debug)]
pub(super) struct ServerTransaction {
    machine: Machine,
    id: Arc<str>,
    origin: Option<Arc<str>>,
    deadline: Instant,
    /// Where responses go.
    pub(super) flow: Flow,
    /// The dialog that it belongs to.
    pub(super) dialog: Option<DialogKey>,
    /// The To tag of responses, where the request has none.
    pub(super) local_tag: Option<String>,
    /// What a response is made of if the owner makes none; only until there is a final one.
    template: Option<Box<Response>>,
}

#[derive(Debug)]
enum Machine {
    Invite(ServerInvite),
    NonInvite(ServerNonInvite),
}

/// What a new server transaction is made of.
pub(super) struct NewServer {
    pub(super) id: String,
    pub(super) origin: Option<String>,
    pub(super) flow: Flow,
    pub(super) dialog: Option<DialogKey>,
    pub(super) local_tag: Option<String>,
    /// A 100 to the request.
    pub(super) template: Box<Response>,
}

/// The identifier of the server transaction that `request` belongs to. An ACK and a CANCEL have that of their INVITE.
pub(super) fn identifier(request: &Request) -> String {
    let class = match request.method {
        Method::Ack | Method::Cancel => &Method::Invite,
        _ => &request.method,
    };
    let Some(via) = request.via.first() else { return String::new() };
    match via.unique_branch() {
        Some(branch) => format!("{branch}\n{}:{}\n{class}", via.host, via.port.unwrap_or_default()),
        // An RFC 2543 element does not make branches unique.
        None => {
            let to_tag = if *class == Method::Invite { None } else { request.to.tag() };
            let (from_tag, to_tag) = (request.from.tag().unwrap_or_default(), to_tag.unwrap_or_default());
            format!("{via}\n{}\n{from_tag}\n{to_tag}\n{}\n{}\n{class}", request.uri, request.call_id, request.cseq)
        }
    }
}

/// What requests that reach us by two ways have in common (RFC 3261, 8.2.2.2).
pub(super) fn origin(request: &Request) -> String {
    let from_tag = request.from.tag().unwrap_or_default();
    format!("{}\n{from_tag}\n{}\n{}", request.call_id, request.cseq, request.method)
}

impl Servers {
    pub(super) fn len(&self) -> usize {
        self.transactions.len()
    }

    pub(super) fn find(&self, id: &str) -> Option<ServerKey> {
        self.by_id.get(id).copied()
    }

    pub(super) fn has_origin(&self, origin: &str) -> bool {
        self.by_origin.contains_key(origin)
    }

    pub(super) fn transaction(&self, key: ServerKey) -> Option<&ServerTransaction> {
        self.transactions.get(&key)
    }

    /// Starts a transaction; `trying` is the 100 that was sent, if the request is an INVITE.
    pub(super) fn start(&mut self, new: NewServer, trying: Option<Bytes>, timers: &Timers, now: Instant) -> ServerKey {
        self.last_key += 1;
        let key = ServerKey(self.last_key);
        let reliable = new.flow.is_reliable();
        let machine = match trying {
            Some(trying) => Machine::Invite(ServerInvite::new(trying, reliable, timers, now)),
            None => Machine::NonInvite(ServerNonInvite::new(reliable, timers, now)),
        };
        let (id, origin) = (Arc::<str>::from(new.id), new.origin.map(Arc::<str>::from));
        self.by_id.insert(Arc::clone(&id), key);
        if let Some(origin) = &origin {
            self.by_origin.insert(Arc::clone(origin), key);
        }
        let deadline = machine.deadline();
        self.deadlines.insert((deadline, key));
        let NewServer { flow, dialog, local_tag, template, .. } = new;
        let template = Some(template);
        let transaction = ServerTransaction { machine, id, origin, deadline, flow, dialog, local_tag, template };
        self.transactions.insert(key, transaction);
        key
    }

    /// The owner responds: whether the response is to be sent.
    pub(super) fn respond(
        &mut self,
        key: ServerKey,
        now: Instant,
        timers: &Timers,
        status: Status,
        bytes: &Bytes,
    ) -> bool {
        self.change(key, |transaction| {
            if !status.is_provisional() {
                transaction.template = None;
            }
            match &mut transaction.machine {
                Machine::Invite(machine) => machine.respond(now, timers, status, bytes),
                Machine::NonInvite(machine) => machine.respond(now, timers, status, bytes),
            }
        })
        .unwrap_or(false)
    }

    /// What a response is made of if the owner makes none.
    pub(super) fn take_template(&mut self, key: ServerKey) -> Option<Box<Response>> {
        self.transactions.get_mut(&key)?.template.take()
    }

    /// An ACK matched.
    pub(super) fn acknowledged(&mut self, key: ServerKey, now: Instant, timers: &Timers) -> Acknowledged {
        self.change(key, |transaction| match &mut transaction.machine {
            Machine::Invite(machine) => machine.acknowledged(now, timers),
            Machine::NonInvite(_) => Acknowledged::Stray,
        })
        .unwrap_or(Acknowledged::Stray)
    }

    /// The transaction whose deadline has come, and what it asks for. It is removed if it is over.
    pub(super) fn fire(&mut self, now: Instant, timers: &Timers) -> Option<(ServerKey, ServerTimeout)> {
        let &(at, key) = self.deadlines.first()?;
        if at > now {
            return None;
        }
        let result = self.change(key, |transaction| match &mut transaction.machine {
            Machine::Invite(machine) => machine.handle_timeout(now, timers),
            Machine::NonInvite(machine) => machine.handle_timeout(now),
        })?;
        Some((key, result))
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(at, _)| at)
    }

    pub(super) fn remove(&mut self, key: ServerKey) {
        let Some(transaction) = self.transactions.remove(&key) else { return };
        self.deadlines.remove(&(transaction.deadline, key));
        self.by_id.remove(&transaction.id);
        if let Some(origin) = transaction.origin {
            self.by_origin.remove(&origin);
        }
    }

    /// The transactions of a dialog that have no final response.
    pub(super) fn open_of(&self, dialog: DialogKey) -> Vec<ServerKey> {
        let of = |transaction: &ServerTransaction| transaction.dialog == Some(dialog) && transaction.is_open();
        self.transactions.iter().filter(|(_, transaction)| of(transaction)).map(|(&key, _)| key).collect()
    }

    fn change<T>(&mut self, key: ServerKey, change: impl FnOnce(&mut ServerTransaction) -> T) -> Option<T> {
        let transaction = self.transactions.get_mut(&key)?;
        let result = change(transaction);
        let deadline = transaction.machine.deadline();
        if deadline != transaction.deadline {
            self.deadlines.remove(&(transaction.deadline, key));
            self.deadlines.insert((deadline, key));
            transaction.deadline = deadline;
        }
        Some(result)
    }
}

impl ServerTransaction {
    /// The request came again: what to send, if anything.
    pub(super) fn retransmitted(&self) -> Option<&Bytes> {
        match &self.machine {
            Machine::Invite(machine) => machine.retransmitted(),
            Machine::NonInvite(machine) => machine.retransmitted(),
        }
    }

    /// Whether it has no final response yet.
    pub(super) fn is_open(&self) -> bool {
        match &self.machine {
            Machine::Invite(machine) => machine.is_open(),
            Machine::NonInvite(machine) => machine.is_open(),
        }
    }

    pub(super) fn is_invite(&self) -> bool {
        match &self.machine {
            Machine::Invite(_) => true,
            Machine::NonInvite(_) => false,
        }
    }
}

impl Machine {
    fn deadline(&self) -> Instant {
        match self {
            Self::Invite(machine) => machine.deadline(),
            Self::NonInvite(machine) => machine.deadline(),
        }
    }
}
