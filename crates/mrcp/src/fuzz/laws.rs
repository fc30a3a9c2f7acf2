//! What must hold for every request of a channel, whatever happens.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::{HeaderName, Message, Method, Request, RequestId, RequestState, StatusCode};

/// Watches the requests that go into a machine and the messages that come out.
#[derive(Debug)]
pub(super) struct Laws {
    requests: BTreeMap<RequestId, (Method, Progress)>,
    /// Requests with an identifier that was not above all before: each is answered 410.
    out_of_order: usize,
    gap: Duration,
    is_closing: bool,
    is_closed: bool,
}

/// How far a request is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Progress {
    Asked,
    Pending,
    Active { since: Instant },
    Done,
}

impl Laws {
    pub(super) fn new(gap: Duration) -> Self {
        Self { requests: BTreeMap::new(), out_of_order: 0, gap, is_closing: false, is_closed: false }
    }

    /// A request goes in.
    pub(super) fn asked(&mut self, request: &Request) {
        if self.is_closing {
            return;
        }
        if self.requests.last_key_value().is_some_and(|(last, _)| *last >= request.id) {
            self.out_of_order += 1;
        } else {
            self.requests.insert(request.id, (request.method.clone(), Progress::Asked));
        }
    }

    /// Close goes in.
    pub(super) fn closing(&mut self) {
        self.is_closing = true;
    }

    /// Close was drained: everything is done, and nothing may follow.
    pub(super) fn closed(&mut self) {
        self.is_closed = true;
        assert_eq!(self.out_of_order, 0, "a request was not answered");
        for (id, (method, progress)) in &self.requests {
            assert_eq!(*progress, Progress::Done, "{method} {id} is open after the end");
        }
    }

    /// Anything comes out.
    pub(super) fn output(&self) {
        assert!(!self.is_closed, "output after the end");
    }

    /// A message comes out.
    pub(super) fn sent(&mut self, now: Instant, message: &Message) {
        match message {
            Message::Request(_) => panic!("a server sends no requests"),
            Message::Response(response) if response.status == StatusCode::NON_MONOTONIC_REQUEST_ID => {
                assert!(self.out_of_order > 0, "410 to a request in order");
                self.out_of_order -= 1;
            }
            Message::Response(response) => {
                let Some((method, progress)) = self.requests.get_mut(&response.id) else {
                    panic!("a response to no request");
                };
                assert_eq!(*progress, Progress::Asked, "a second response");
                *progress = match response.state {
                    RequestState::Pending => Progress::Pending,
                    RequestState::InProgress => Progress::Active { since: now },
                    RequestState::Complete => Progress::Done,
                };
                if matches!(method, Method::Stop | Method::BargeInOccurred) && response.status.is_success() {
                    let ids = response.headers.active_request_ids();
                    assert!(!response.headers.contains(&HeaderName::ActiveRequestIdList) || ids.is_ok());
                    self.stopped(&ids.ok().flatten().unwrap_or_default());
                }
            }
            Message::Event(event) => {
                let headers = &event.headers;
                assert!(!headers.contains(&HeaderName::ActiveRequestIdList), "an event with a list of requests");
                let Some((method, progress)) = self.requests.get_mut(&event.id) else {
                    panic!("an event about no request");
                };
                assert!(
                    matches!(method, Method::Recognize | Method::Interpret | Method::Speak | Method::Record),
                    "an event about {method}"
                );
                assert!(
                    !matches!(progress, Progress::Asked | Progress::Done),
                    "an event of a request that is {progress:?}"
                );
                if event.state == RequestState::Complete {
                    let cause = headers.text(&HeaderName::CompletionCause).unwrap_or_default().to_owned();
                    assert!(!cause.is_empty(), "a completion without a cause");
                    if let Progress::Active { since } = *progress {
                        let is_early = now < since + self.gap && !self.is_closing && !cause.starts_with("011");
                        assert!(!is_early, "{cause} too soon after the response");
                    }
                    *progress = Progress::Done;
                }
            }
        }
    }

    /// The response to STOP ends these: no event may follow.
    fn stopped(&mut self, ids: &[RequestId]) {
        for id in ids {
            let Some((_, progress)) = self.requests.get_mut(id) else { panic!("an unknown request was stopped") };
            assert!(matches!(progress, Progress::Pending | Progress::Active { .. }), "stopped what was {progress:?}");
            *progress = Progress::Done;
        }
    }
}
