//! Which dialog a request belongs to.

use std::collections::HashMap;
use std::sync::Arc;

use crate::dialog::state::DialogState;
use crate::{DialogKey, Flow, Method, Request};

/// The dialogs that the endpoint knows, by Call-ID and our tag.
#[derive(Debug, Default)]
pub(super) struct Routes {
    by_id: HashMap<Arc<str>, DialogKey>,
    by_key: HashMap<DialogKey, Route>,
}

/// One dialog.
#[derive(Debug)]
struct Route {
    id: Arc<str>,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// A call to us without a final response.
    Offered(Box<DialogState>),
    /// A call to us that was accepted: what a BYE on the owner's behalf needs.
    Accepted(Box<DialogState>),
    /// A call that we placed.
    Placed,
}

fn identifier(call_id: &str, local_tag: &str) -> String {
    format!("{call_id}\n{local_tag}")
}

impl Routes {
    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// The dialog of a request of the peer, by its Call-ID and To tag. The dialog itself checks the From tag.
    pub(super) fn find(&self, request: &Request) -> Option<DialogKey> {
        self.by_id.get(identifier(&request.call_id, request.to.tag()?).as_str()).copied()
    }

    /// A call to us.
    pub(super) fn offered(&mut self, dialog: DialogKey, local_tag: &str, invite: &Request, flow: Flow) {
        let state = Box::new(DialogState::answering(invite, local_tag, flow));
        self.insert(dialog, identifier(&invite.call_id, local_tag), Phase::Offered(state));
    }

    /// A call that we place.
    pub(super) fn placed(&mut self, dialog: DialogKey, invite: &Request) {
        if let Some(tag) = invite.from.tag() {
            self.insert(dialog, identifier(&invite.call_id, tag), Phase::Placed);
        }
    }

    /// A call to us got its 2xx.
    pub(super) fn accepted(&mut self, dialog: DialogKey) {
        if let Some(route) = self.by_key.get_mut(&dialog) {
            // The placeholder lives only for the length of this statement.
            let phase = std::mem::replace(&mut route.phase, Phase::Placed);
            route.phase = match phase {
                Phase::Offered(state) => Phase::Accepted(state),
                other @ (Phase::Accepted(_) | Phase::Placed) => other,
            };
        }
    }

    /// A call to us got its final response other than 2xx.
    pub(super) fn refused(&mut self, dialog: DialogKey) {
        if let Some(Route { phase: Phase::Offered(_), .. }) = self.by_key.get(&dialog) {
            self.remove(dialog);
        }
    }

    /// The peer sent a request in the dialog: it may have a new address.
    pub(super) fn received(&mut self, dialog: DialogKey, request: &Request, flow: Flow) {
        match self.by_key.get_mut(&dialog).map(|route| &mut route.phase) {
            Some(Phase::Accepted(state)) if matches!(request.method, Method::Invite | Method::Update) => {
                state.follow(request, flow);
            }
            Some(Phase::Accepted(_) | Phase::Offered(_) | Phase::Placed) | None => {}
        }
    }

    /// The owner sent a request in the dialog.
    pub(super) fn sent(&mut self, dialog: DialogKey, request: &Request) {
        match self.by_key.get_mut(&dialog).map(|route| &mut route.phase) {
            Some(Phase::Accepted(state)) => state.local_cseq = state.local_cseq.max(request.cseq),
            Some(Phase::Offered(_) | Phase::Placed) | None => {}
        }
    }

    /// Forgets the dialog; the BYE for it, if it was accepted and its owner sent none.
    pub(super) fn abandon(&mut self, dialog: DialogKey) -> Option<(Flow, Request)> {
        match self.remove(dialog)?.phase {
            Phase::Accepted(mut state) => Some((state.flow, state.request(Method::Bye))),
            Phase::Offered(_) | Phase::Placed => None,
        }
    }

    pub(super) fn forget(&mut self, dialog: DialogKey) {
        self.remove(dialog);
    }

    fn insert(&mut self, dialog: DialogKey, id: String, phase: Phase) {
        let id = Arc::<str>::from(id);
        self.remove(dialog);
        self.by_id.insert(Arc::clone(&id), dialog);
        self.by_key.insert(dialog, Route { id, phase });
    }

    fn remove(&mut self, dialog: DialogKey) -> Option<Route> {
        let route = self.by_key.remove(&dialog)?;
        self.by_id.remove(&route.id);
        Some(route)
    }
}
