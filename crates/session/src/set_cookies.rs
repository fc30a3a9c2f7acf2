//! Cookies that origins set while something was fetched for a request, until its final response or event takes them to the
//! client (RFC 6787 section 6.2.15).

use std::time::Instant;

use mrcp::{HeaderName, Message, RequestId, RequestState};

use crate::fetching::{FetchFailure, Fetched};

/// Cookies that wait for one channel's messages; a request that ends without one leaves its cookies behind.
const WAITING_MAX: usize = 64;

/// Cookies that wait for the final message of their request.
#[derive(Debug, Default)]
pub(crate) struct SetCookies {
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    request_id: RequestId,
    set_cookie: String,
    received: Instant,
}

impl SetCookies {
    /// Notes what was set while something was fetched for a request.
    pub(crate) fn note(&mut self, now: Instant, request_id: RequestId, set_cookies: Vec<String>) {
        self.waiting.extend(set_cookies.into_iter().map(|set_cookie| Waiting {
            request_id,
            set_cookie,
            received: now,
        }));
        let surplus = self.waiting.len().saturating_sub(WAITING_MAX);
        self.waiting.drain(..surplus);
    }

    /// Puts the cookies of its request into a message that is the last one of it, with their age.
    pub(crate) fn attach(&mut self, now: Instant, message: &mut Message) {
        let (id, state, headers) = match message {
            Message::Response(response) => (response.id, response.state, &mut response.headers),
            Message::Event(event) => (event.id, event.state, &mut event.headers),
            Message::Request(_) => return,
        };
        if state != RequestState::Complete {
            return;
        }
        self.waiting.retain(|waiting| {
            let is_its = waiting.request_id == id;
            if is_its {
                let age_s = now.saturating_duration_since(waiting.received).as_secs();
                headers.push(HeaderName::SetCookie, format!("{}; Age={age_s}", waiting.set_cookie));
            }
            !is_its
        });
    }
}

/// The cookies in what was fetched, or was not.
pub(crate) fn take_cookies(outcome: &mut Result<Fetched, FetchFailure>) -> Vec<String> {
    std::mem::take(match outcome {
        Ok(fetched) => &mut fetched.set_cookies,
        Err(failure) => &mut failure.set_cookies,
    })
}
