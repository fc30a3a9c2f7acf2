//! The state of a dialog (RFC 3261, 12): who the two sides are, and how requests travel between them.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::message::MAX_FORWARDS;
use crate::{Flow, Headers, Known, Method, NameAddr, Request, Response, Transport, Uri};

/// Identity, remote target, route set and our CSeq.
#[derive(Debug, Clone)]
pub(crate) struct DialogState {
    pub(crate) call_id: String,
    /// From of our requests, with our tag.
    pub(crate) local: NameAddr,
    /// To of our requests, with the peer's tag once it is known.
    pub(crate) remote: NameAddr,
    /// CSeq of the last request that we sent.
    pub(crate) local_cseq: u32,
    target: Uri,
    route_set: Vec<NameAddr>,
    /// Where our requests go.
    pub(crate) flow: Flow,
}

impl DialogState {
    /// The dialog that `invite` starts on our side (RFC 3261, 12.1.1).
    pub(crate) fn answering(invite: &Request, local_tag: &str, flow: Flow) -> Self {
        let mut state = Self {
            call_id: invite.call_id.clone(),
            local: invite.to.clone().with_tag(local_tag),
            remote: invite.from.clone(),
            local_cseq: 0,
            target: Uri::from_address(flow.remote),
            route_set: route_set(&invite.headers),
            flow,
        };
        state.follow(invite, flow);
        state
    }

    /// The dialog of a call that we place, before any response.
    pub(crate) fn calling(call_id: String, local: NameAddr, target: Uri, flow: Flow) -> Self {
        let remote = NameAddr::new(target.clone());
        Self { call_id, local, remote, local_cseq: 0, target, route_set: Vec::new(), flow }
    }

    /// Takes the peer's tag, target and route set from a 2xx to our INVITE (RFC 3261, 12.1.2 and 13.2.2.4).
    pub(crate) fn establish(&mut self, response: &Response) {
        self.remote = response.to.clone();
        self.route_set = route_set(&response.headers);
        self.route_set.reverse();
        self.retarget(response);
    }

    /// Takes the target from a 2xx to a target refresh request of ours.
    pub(crate) fn retarget(&mut self, response: &Response) {
        if let Some(contact) = response.contact() {
            self.target = contact.uri.without_headers();
        }
    }

    /// Takes the peer's target and path from a target refresh request. A peer that gives no Contact is reached where it
    /// sends from.
    pub(crate) fn follow(&mut self, request: &Request, flow: Flow) {
        self.flow = flow;
        match request.contact() {
            Some(contact) => {
                self.target = contact.uri.without_headers();
                self.aim(request);
            }
            None => self.target = Uri::from_address(flow.remote),
        }
    }

    /// Over UDP, a peer that does not ask for its source port (RFC 3581) is reached at the address of its Contact.
    fn aim(&mut self, request: &Request) {
        let asks_for_source = request.via.first().is_some_and(|via| via.params.has("rport"));
        let literal = self.target.sip().and_then(|uri| Some(SocketAddr::new(uri.host.ip()?, uri.port.unwrap_or(5060))));
        match (self.flow.transport, literal) {
            (Transport::Udp, Some(address)) if !asks_for_source && self.route_set.is_empty() => {
                self.flow.remote = address;
            }
            (Transport::Udp | Transport::Stream(_), _) => {}
        }
    }

    /// The next request of ours, with a CSeq of its own (RFC 3261, 12.2.1.1).
    pub(crate) fn request(&mut self, method: Method) -> Request {
        self.local_cseq = self.local_cseq.saturating_add(1);
        self.request_with(method, self.local_cseq)
    }

    /// The ACK for the 2xx to our INVITE with that CSeq.
    pub(crate) fn ack(&self, cseq: u32) -> Request {
        self.request_with(Method::Ack, cseq)
    }

    fn request_with(&self, method: Method, cseq: u32) -> Request {
        let mut headers = Headers::new();
        let mut uri = self.target.clone();
        let is_loose = |hop: &NameAddr| hop.uri.sip().is_some_and(|uri| uri.params.has("lr"));
        match self.route_set.split_first() {
            Some((first, rest)) if !is_loose(first) => {
                rest.iter().for_each(|hop| headers.push(Known::Route, hop.to_string()));
                headers.push(Known::Route, NameAddr::new(uri).to_string());
                uri = first.uri.clone().without_headers();
            }
            Some(_) => self.route_set.iter().for_each(|hop| headers.push(Known::Route, hop.to_string())),
            None => {}
        }
        Request {
            method,
            uri,
            via: Vec::new(),
            max_forwards: Some(MAX_FORWARDS),
            from: self.local.clone(),
            to: self.remote.clone(),
            call_id: self.call_id.clone(),
            cseq,
            headers,
            body: Bytes::new(),
        }
    }
}

fn route_set(headers: &Headers) -> Vec<NameAddr> {
    headers.elements(Known::RecordRoute).filter_map(NameAddr::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, MessageLimits};

    fn flow(remote: &str) -> Flow {
        Flow { transport: Transport::Udp, local: "192.0.2.9:5060".parse().unwrap(), remote: remote.parse().unwrap() }
    }

    fn invite(headers: &str) -> Request {
        let text = format!(
            "INVITE sip:s@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:c@a>;tag=1\r\nTo: <sip:s@a>\r\n\
             Call-ID: x\r\nCSeq: 7 INVITE\r\n{headers}\r\n"
        );
        match Message::parse(&Bytes::from(text), &MessageLimits::default()).unwrap() {
            Message::Request(request) => request,
            Message::Response(_) => panic!("a response"),
        }
    }

    fn bye(headers: &str) -> (Request, SocketAddr) {
        let mut state = DialogState::answering(&invite(headers), "t", flow("192.0.2.1:4000"));
        (state.request(Method::Bye), state.flow.remote)
    }

    #[test]
    fn without_contact_requests_go_to_the_source() {
        let (bye, remote) = bye("");
        assert_eq!(
            (bye.uri.to_string().as_str(), remote.to_string().as_str()),
            ("sip:192.0.2.1:4000", "192.0.2.1:4000")
        );
        assert_eq!((bye.cseq, bye.from.tag(), bye.to.tag()), (1, Some("t"), Some("1")));
    }

    #[test]
    fn without_rport_requests_go_to_the_address_of_the_contact() {
        let (bye, remote) = bye("Contact: <sip:c@192.0.2.7:5070?x=y>\r\n");
        assert_eq!(
            (bye.uri.to_string().as_str(), remote.to_string().as_str()),
            ("sip:c@192.0.2.7:5070", "192.0.2.7:5070")
        );
    }

    #[test]
    fn loose_routers_become_routes_in_order() {
        let (bye, remote) = bye(
            "Contact: <sip:c@192.0.2.7>\r\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\n",
        );
        let routes: Vec<_> = bye.headers.elements(Known::Route).collect();
        assert_eq!(routes, ["<sip:p1;lr>", "<sip:p2;lr>", "<sip:p3;lr>"]);
        assert_eq!((bye.uri.to_string().as_str(), remote.to_string().as_str()), ("sip:c@192.0.2.7", "192.0.2.1:4000"));
    }

    #[test]
    fn a_strict_router_becomes_the_request_uri() {
        let (bye, _) = bye("Contact: <sip:c@192.0.2.7>\r\nRecord-Route: <sip:p1>, <sip:p2;lr>\r\n");
        let routes: Vec<_> = bye.headers.elements(Known::Route).collect();
        assert_eq!(routes, ["<sip:p2;lr>", "<sip:c@192.0.2.7>"]);
        assert_eq!(bye.uri.to_string(), "sip:p1");
    }
}
