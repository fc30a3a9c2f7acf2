//! What must hold for every request to a session, whatever happens.

use std::collections::BTreeMap;

use mrcp::{ChannelId, HeaderName, Message, Method, Request, RequestId, RequestState};

/// Watches what goes into one session and what comes out.
#[derive(Debug, Default)]
pub(super) struct Laws {
    /// Requests that are not answered yet, by channel and identifier; a client may use one again.
    unanswered: BTreeMap<(ChannelId, RequestId), Vec<Method>>,
    /// Requests of which more is to come.
    open: BTreeMap<(ChannelId, RequestId), Method>,
    is_closed: bool,
}

impl Laws {
    /// A request goes in.
    pub(super) fn asked(&mut self, request: &Request) {
        let key = (request.channel.clone(), request.id);
        self.unanswered.entry(key).or_default().push(request.method.clone());
    }

    /// Anything comes out.
    pub(super) fn output(&self) {
        assert!(!self.is_closed, "output after the end");
    }

    /// The session says that it is over.
    pub(super) fn closed(&mut self) {
        self.is_closed = true;
        assert!(self.unanswered.is_empty(), "not answered at the end: {:?}", self.unanswered);
        assert!(self.open.is_empty(), "open at the end: {:?}", self.open);
    }

    /// A message comes out.
    pub(super) fn sent(&mut self, message: &Message) {
        let key = (message.channel().clone(), message.id());
        match message {
            Message::Request(_) => panic!("a server sends no requests"),
            Message::Response(response) => {
                let Some(methods) = self.unanswered.get_mut(&key) else { panic!("a second response to {key:?}") };
                // Those with the same identifier are answered in order.
                let method = methods.remove(0);
                if methods.is_empty() {
                    self.unanswered.remove(&key);
                }
                if method == Method::Stop && response.status.is_success() {
                    let ids = response.headers.active_request_ids().ok().flatten().unwrap_or_default();
                    for id in ids {
                        let stopped = self.open.remove(&(key.0.clone(), id));
                        assert!(stopped.is_some(), "stopped what was not open: {id}");
                    }
                }
                if method == Method::BargeInOccurred && response.status.is_success() {
                    for id in response.headers.active_request_ids().ok().flatten().unwrap_or_default() {
                        self.open.remove(&(key.0.clone(), id));
                    }
                }
                match response.state {
                    RequestState::Pending | RequestState::InProgress => {
                        self.open.insert(key, method);
                    }
                    RequestState::Complete => {}
                }
            }
            Message::Event(event) => {
                assert!(!event.headers.contains(&HeaderName::ActiveRequestIdList), "an event with a list of requests");
                assert!(self.open.contains_key(&key), "{} of what is not open: {key:?}", event.name.as_str());
                if event.state == RequestState::Complete {
                    assert!(event.headers.contains(&HeaderName::CompletionCause), "a completion without a cause");
                    self.open.remove(&key);
                }
            }
        }
    }
}
