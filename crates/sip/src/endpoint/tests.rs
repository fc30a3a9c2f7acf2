//! The endpoint at work, as ladders between a peer (text) and an owner (commands).

use std::net::SocketAddr;

use testkit::Clock;

use super::*;
use crate::{MessageLimits, Uri};

struct Ladder {
    clock: Clock,
    endpoint: Endpoint,
}

fn peer() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

fn local() -> SocketAddr {
    "192.0.2.9:8060".parse().unwrap()
}

fn udp() -> Flow {
    Flow { transport: Transport::Udp, local: local(), remote: peer() }
}

const STREAM: ConnectionId = ConnectionId(7);

/// A request with the fields that all have; `more` may add fields and a body.
fn request(method: &str, branch: &str, to_tag: Option<&str>, more: &str) -> String {
    let to_tag = to_tag.map(|tag| format!(";tag={tag}")).unwrap_or_default();
    let more = if more.contains("\r\n\r\n") { more.to_owned() } else { format!("{more}Content-Length: 0\r\n\r\n") };
    let cseq_method = method;
    format!(
        "{method} sip:192.0.2.9:8060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK{branch}\r\n\
         From: <sip:c@192.0.2.1>;tag=peer\r\nTo: <sip:s@192.0.2.9>{to_tag}\r\nCall-ID: call\r\nCSeq: 1 {cseq_method}\r\n{more}"
    )
}

impl Ladder {
    fn new() -> Self {
        Self::with(EndpointConfig::default())
    }

    fn with(config: EndpointConfig) -> Self {
        Self { clock: Clock::new(), endpoint: Endpoint::new(config, Seed(1)) }
    }

    fn input(&mut self, input: Input) -> Vec<Output> {
        self.endpoint.handle_input(self.clock.now(), input);
        self.drain()
    }

    fn drain(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.endpoint.poll_output()).collect()
    }

    fn receive(&mut self, text: &str) -> Vec<Output> {
        self.input(Input::Datagram { source: peer(), local: local(), bytes: Bytes::copy_from_slice(text.as_bytes()) })
    }

    fn command(&mut self, command: Command) -> Vec<Output> {
        self.input(Input::Command(command))
    }

    /// Moves to the next timer and fires it.
    fn wait(&mut self) -> (u64, Vec<Output>) {
        let at = self.endpoint.poll_timeout().expect("no timer is running");
        let now = self.clock.advance_to(at);
        self.endpoint.handle_timeout(now);
        assert!(self.endpoint.poll_timeout().is_none_or(|at| at > now), "a timer is in the past");
        (self.clock.elapsed_ms(), self.drain())
    }

    /// Fires all timers until none runs.
    fn wait_for_silence(&mut self) -> Vec<Output> {
        let mut all = Vec::new();
        while self.endpoint.poll_timeout().is_some() {
            all.extend(self.wait().1);
        }
        all
    }

    fn invite(&mut self) -> IncomingInvite {
        self.receive(&request("INVITE", "i", None, ""))
            .into_iter()
            .find_map(|output| match output {
                Output::Invite(invite) => Some(*invite),
                _ => None,
            })
            .expect("an invite")
    }

    fn respond(&mut self, invite: &IncomingInvite, status: Status) -> Vec<Output> {
        let response = Box::new(Response::to(&invite.request, status));
        self.command(Command::Respond { transaction: invite.transaction, response })
    }

    /// Accepts a call; our tag in it.
    fn call(&mut self) -> (DialogKey, String) {
        let invite = self.invite();
        self.respond(&invite, Status::OK);
        (invite.dialog, invite.local_tag)
    }

    fn open_stream(&mut self) {
        assert_eq!(self.input(Input::StreamOpened { connection: STREAM, local: local(), remote: peer() }), []);
    }

    fn stream(&mut self, text: &str) -> Vec<Output> {
        self.input(Input::StreamData { connection: STREAM, bytes: Bytes::copy_from_slice(text.as_bytes()) })
    }

    fn own_request(&mut self, method: Method) -> (ClientKey, Box<Request>) {
        let new = self.endpoint.new_dialog();
        let uri = Uri::from_address(peer());
        let mut request = Request::options(uri.clone(), NameAddr::new(uri).with_tag(&new.local_tag), new.call_id);
        request.method = method;
        (ClientKey { dialog: new.dialog, number: 1 }, Box::new(request))
    }

    /// Sends a request of ours; it as it went out.
    fn send(&mut self, method: Method, flow: Flow) -> (ClientKey, Request) {
        let (key, request) = self.own_request(method);
        let sent = requests(&self.command(Command::Send { key, flow, request }));
        (key, sent.into_iter().next().expect("a request"))
    }

    fn answer(&mut self, request: &Request, status: Status) -> Vec<Output> {
        let mut response = Response::to(request, status);
        response.to = response.to.with_tag("callee");
        let text = String::from_utf8(response.print().to_vec()).unwrap();
        self.receive(&text)
    }
}

fn parse(bytes: &Bytes) -> Message {
    Message::parse(bytes, &MessageLimits::default()).expect("we send what we can read")
}

fn messages(outputs: &[Output]) -> Vec<Message> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Transmit { bytes, .. } => Some(parse(bytes)),
            _ => None,
        })
        .collect()
}

fn responses(outputs: &[Output]) -> Vec<Response> {
    messages(outputs)
        .into_iter()
        .filter_map(|message| match message {
            Message::Response(response) => Some(response),
            Message::Request(_) => None,
        })
        .collect()
}

fn requests(outputs: &[Output]) -> Vec<Request> {
    messages(outputs)
        .into_iter()
        .filter_map(|message| match message {
            Message::Request(request) => Some(request),
            Message::Response(_) => None,
        })
        .collect()
}

/// The status codes sent, and nothing else was put out.
fn only_codes(outputs: &[Output]) -> Vec<u16> {
    assert!(outputs.iter().all(|output| matches!(output, Output::Transmit { .. })), "{outputs:?}");
    responses(outputs).iter().map(|response| response.status.code()).collect()
}

fn only_response(outputs: &[Output]) -> Response {
    let mut all = responses(outputs);
    assert_eq!((all.len(), outputs.len()), (1, 1), "{outputs:?}");
    all.remove(0)
}

// Server transactions.

#[test]
fn an_invite_gets_100_at_once_and_goes_to_the_owner() {
    let mut ladder = Ladder::new();
    let outputs = ladder.receive(&request("INVITE", "i", None, ""));
    assert_eq!(responses(&outputs).first().unwrap().status, Status::TRYING);
    assert!(matches!(outputs.as_slice(), [Output::Transmit { .. }, Output::Invite(_)]));
}

#[test]
fn ses_041_a_repeated_invite_gets_the_last_response_again_and_does_not_reach_the_owner() {
    let mut ladder = Ladder::new();
    let invite = ladder.invite();
    assert_eq!(only_codes(&ladder.receive(&request("INVITE", "i", None, ""))), [100]);
    ladder.respond(&invite, Status::RINGING);
    assert_eq!(only_codes(&ladder.receive(&request("INVITE", "i", None, ""))), [180]);
    ladder.respond(&invite, Status::BUSY_HERE);
    assert_eq!(only_codes(&ladder.receive(&request("INVITE", "i", None, ""))), [486]);
    assert_eq!(ladder.endpoint.counters().retransmissions_received, 3);
}

#[test]
fn ses_045_a_response_gets_our_tag_and_capabilities() {
    let mut ladder = Ladder::with(EndpointConfig { product: Some("voxgate".to_owned()), ..EndpointConfig::default() });
    let invite = ladder.invite();
    let response = only_response(&ladder.respond(&invite, Status::OK));
    assert_eq!(response.to.tag(), Some(invite.local_tag.as_str()));
    assert_eq!(response.headers.first("Server"), Some("voxgate"));
    assert!(response.headers.has_token("Allow", "UPDATE") && response.headers.has_token("Supported", "timer"));
}

#[test]
fn a_refused_invite_is_answered_again_until_its_ack() {
    let mut ladder = Ladder::new();
    let invite = ladder.invite();
    ladder.respond(&invite, Status::BUSY_HERE);
    let (at, outputs) = ladder.wait();
    assert_eq!((at, only_codes(&outputs)), (500, vec![486]));
    assert_eq!(ladder.receive(&request("ACK", "i", Some(&invite.local_tag), "")), []);
    assert_eq!(ladder.wait(), (5_500, vec![]));
    assert_eq!(ladder.endpoint.server_transactions(), 0);
    assert_eq!(ladder.endpoint.dialogs(), 0);
}

#[test]
fn a_second_final_response_is_dropped() {
    let mut ladder = Ladder::new();
    let invite = ladder.invite();
    ladder.respond(&invite, Status::BUSY_HERE);
    assert_eq!(ladder.respond(&invite, Status::OK), []);
    assert_eq!(ladder.endpoint.counters().dropped_late_command, 1);
}

#[test]
fn the_ack_of_a_2xx_goes_to_the_dialog() {
    let mut ladder = Ladder::new();
    let (dialog, tag) = ladder.call();
    let outputs = ladder.receive(&request("ACK", "a", Some(&tag), ""));
    assert!(matches!(outputs.as_slice(), [Output::Dialog { dialog: d, signal: Signal::Ack { .. } }] if *d == dialog));
}

#[test]
fn an_ack_that_nothing_waits_for_is_dropped_and_counted() {
    let mut ladder = Ladder::new();
    assert_eq!(ladder.receive(&request("ACK", "a", Some("gone"), "")), []);
    ladder.invite();
    assert_eq!(ladder.receive(&request("ACK", "i", None, "")), []);
    assert_eq!(ladder.endpoint.counters().dropped_stray_ack, 2);
}

#[test]
fn ses_042_cancel_is_answered_and_told_to_the_owner_once_the_invite_is_open() {
    let mut ladder = Ladder::new();
    let invite = ladder.invite();
    let outputs = ladder.receive(&request("CANCEL", "i", None, ""));
    let answer = responses(&outputs).remove(0);
    assert_eq!((answer.status, answer.to.tag()), (Status::OK, Some(invite.local_tag.as_str())));
    let told = Signal::Cancelled { transaction: invite.transaction };
    assert_eq!(outputs.last(), Some(&Output::Dialog { dialog: invite.dialog, signal: told }));
    ladder.respond(&invite, Status::REQUEST_TERMINATED);
    assert_eq!(only_codes(&ladder.receive(&request("CANCEL", "i", None, ""))), [200]);
}

#[test]
fn cancel_of_nothing_gets_481() {
    assert_eq!(only_codes(&Ladder::new().receive(&request("CANCEL", "i", None, ""))), [481]);
}

#[test]
fn a_request_that_arrives_by_two_ways_gets_482_once_it_is_not_the_same_transaction() {
    let mut ladder = Ladder::new();
    ladder.invite();
    assert_eq!(only_codes(&ladder.receive(&request("INVITE", "other", None, ""))), [482]);
    assert_eq!(ladder.endpoint.counters().refused_merged, 1);
}

#[test]
fn an_rfc_2543_invite_without_branch_is_recognized_when_repeated_and_acknowledged() {
    let mut ladder = Ladder::new();
    let old = |method: &str, tag| request(method, "", tag, "").replace(";branch=z9hG4bK", "");
    let outputs = ladder.receive(&old("INVITE", None));
    let Some(Output::Invite(invite)) = outputs.last() else { panic!("{outputs:?}") };
    assert_eq!(only_codes(&ladder.receive(&old("INVITE", None))), [100]);
    ladder.respond(invite, Status::BUSY_HERE);
    assert_eq!(ladder.receive(&old("ACK", Some(&invite.local_tag))), []);
    assert_eq!(ladder.wait().1, []);
}

#[test]
fn an_invite_that_its_owner_does_not_answer_gets_500() {
    let mut ladder = Ladder::new();
    ladder.invite();
    assert_eq!(only_codes(&ladder.wait().1), [500]);
    assert_eq!(ladder.endpoint.counters().unanswered, 1);
}

#[test]
fn ses_043_requests_in_a_dialog_go_to_its_owner_and_481_after_it_is_forgotten() {
    let mut ladder = Ladder::new();
    let (dialog, tag) = ladder.call();
    let outputs = ladder.receive(&request("BYE", "b", Some(&tag), ""));
    assert!(
        matches!(outputs.as_slice(), [Output::Dialog { dialog: d, signal: Signal::Request { .. } }] if *d == dialog)
    );
    ladder.command(Command::Forget { dialog });
    assert_eq!(only_codes(&ladder.receive(&request("BYE", "c", Some(&tag), ""))), [481]);
}

#[test]
fn ses_043_requests_for_no_dialog_get_481() {
    let mut ladder = Ladder::new();
    for (method, tag) in
        [("BYE", None), ("BYE", Some("x")), ("UPDATE", None), ("INVITE", Some("x")), ("OPTIONS", Some("x"))]
    {
        assert_eq!(only_codes(&ladder.receive(&request(method, "b", tag, ""))), [481], "{method}");
    }
    assert_eq!(ladder.endpoint.server_transactions(), 0);
}

#[test]
fn an_abandoned_call_is_ended_with_bye_and_its_requests_with_500() {
    let mut ladder = Ladder::new();
    let (dialog, tag) = ladder.call();
    ladder.receive(&request("UPDATE", "u", Some(&tag), ""));
    let outputs = ladder.command(Command::Abandon { dialog });
    assert_eq!(responses(&outputs).remove(0).status, Status::SERVER_INTERNAL_ERROR);
    let bye = requests(&outputs).remove(0);
    assert_eq!((bye.method, bye.from.tag(), bye.to.tag()), (Method::Bye, Some(tag.as_str()), Some("peer")));
    assert_eq!(ladder.endpoint.dialogs(), 0);
}

#[test]
fn options_outside_a_dialog_goes_to_whoever_answers_it() {
    let mut ladder = Ladder::new();
    let outputs = ladder.receive(&request("OPTIONS", "o", None, ""));
    let [Output::Options(options)] = outputs.as_slice() else { panic!("{outputs:?}") };
    let response = Box::new(Response::to(&options.request, Status::OK));
    let answer = only_response(&ladder.command(Command::Respond { transaction: options.transaction, response }));
    assert_eq!((answer.status, answer.headers.first("Accept")), (Status::OK, Some("application/sdp")));
    assert!(answer.to.tag().is_some());
    assert_eq!(only_codes(&ladder.receive(&request("OPTIONS", "o", None, ""))), [200], "repeated");
}

// Answers of the endpoint.

#[test]
fn ses_046_methods_that_are_not_served_get_405_or_501_with_allow() {
    let mut ladder = Ladder::new();
    for (method, status) in [("REGISTER", 405), ("MESSAGE", 405), ("PRACK", 405), ("FOO", 501)] {
        let response = only_response(&ladder.receive(&request(method, "m", None, "")));
        assert_eq!(response.status.code(), status, "{method}");
        assert!(response.headers.has_token("Allow", "INVITE"));
    }
}

#[test]
fn ses_046_unknown_extensions_get_420_and_timer_does_not() {
    let mut ladder = Ladder::new();
    let response =
        only_response(&ladder.receive(&request("INVITE", "i", None, "Require: timer, 100rel\r\nRequire: foo\r\n")));
    assert_eq!((response.status, response.headers.first("Unsupported")), (Status::BAD_EXTENSION, Some("100rel, foo")));
    let outputs =
        ladder.receive(&request("INVITE", "i", None, "Require: timer\r\nProxy-Require: foo\r\nSupported: 100rel\r\n"));
    assert!(matches!(outputs.last(), Some(Output::Invite(_))));
}

#[test]
fn ses_047_bodies_that_are_not_understood_get_415() {
    let mut ladder = Ladder::new();
    for (fields, header, value) in [
        ("Content-Type: text/plain\r\n", "Accept", "application/sdp"),
        ("", "Accept", "application/sdp"),
        ("c: application/SDP;x=y\r\ne: gzip\r\n", "Accept-Encoding", "identity"),
    ] {
        let more = format!("{fields}Content-Length: 3\r\n\r\nv=0");
        let response = only_response(&ladder.receive(&request("INVITE", "i", None, &more)));
        assert_eq!((response.status.code(), response.headers.first(header)), (415, Some(value)), "{fields}");
    }
    let more =
        "Content-Type: text/plain\r\nContent-Disposition: render; Handling = optional\r\nContent-Length: 1\r\n\r\nx";
    assert!(matches!(ladder.receive(&request("INVITE", "i", None, more)).last(), Some(Output::Invite(_))));
}

#[test]
fn a_client_that_does_not_accept_sdp_gets_406() {
    let mut ladder = Ladder::new();
    assert_eq!(only_codes(&ladder.receive(&request("INVITE", "i", None, "Accept: text/plain\r\n"))), [406]);
    let outputs = ladder.receive(&request("INVITE", "j", None, "Accept: text/plain, application/*;q=0.5\r\n"));
    assert!(matches!(outputs.last(), Some(Output::Invite(_))));
}

#[test]
fn other_uri_schemes_get_416() {
    let mut ladder = Ladder::new();
    for uri in ["tel:+1", "sips:192.0.2.9"] {
        let text = request("INVITE", "i", None, "").replace("sip:192.0.2.9:8060", uri);
        assert_eq!(only_codes(&ladder.receive(&text)), [416], "{uri}");
    }
}

#[test]
fn ses_047_a_malformed_request_gets_400_with_the_reason() {
    let mut ladder = Ladder::new();
    let response = only_response(&ladder.receive(&request("INVITE", "i", None, "Max-Forwards: 300\r\n")));
    assert_eq!((response.status, response.reason.as_str()), (Status::BAD_REQUEST, "Malformed Max-Forwards"));
}

#[test]
fn a_malformed_ack_or_one_without_via_is_dropped() {
    let mut ladder = Ladder::new();
    assert_eq!(ladder.receive(&request("ACK", "i", None, "").replace("CSeq: 1 ACK\r\n", "")), []);
    assert_eq!(ladder.receive("INVITE sip:a SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n"), []);
    assert_eq!(ladder.receive("TEST\n"), []);
    assert_eq!(ladder.endpoint.counters().dropped_malformed, 3);
}

#[test]
fn another_version_gets_505() {
    let mut ladder = Ladder::new();
    assert_eq!(
        only_codes(&ladder.receive(&request("OPTIONS", "i", None, "").replacen("SIP/2.0", "SIP/3.0", 1))),
        [505]
    );
}

#[test]
fn max_forwards_of_zero_is_no_matter_to_an_endpoint() {
    let outputs = Ladder::new().receive(&request("INVITE", "i", None, "Max-Forwards: 0\r\n"));
    assert!(matches!(outputs.last(), Some(Output::Invite(_))));
}

#[test]
fn while_new_calls_are_refused_calls_that_exist_go_on() {
    let mut ladder = Ladder::new();
    let (_, tag) = ladder.call();
    ladder.endpoint.refuse_new(Some(Duration::from_secs(30)));
    let other = request("INVITE", "j", None, "").replace("Call-ID: call", "Call-ID: other");
    for _ in 0..2 {
        let response = only_response(&ladder.receive(&other));
        assert_eq!((response.status.code(), response.retry_after()), (503, Some(30)));
    }
    assert!(matches!(ladder.receive(&request("BYE", "b", Some(&tag), "")).as_slice(), [Output::Dialog { .. }]));
    ladder.endpoint.refuse_new(None);
    assert!(matches!(ladder.receive(&other).last(), Some(Output::Invite(_))));
    assert_eq!(ladder.endpoint.counters().refused_admission, 2);
}

#[test]
fn ses_048_a_full_table_refuses_new_calls_and_still_lets_calls_end() {
    let mut ladder = Ladder::with(EndpointConfig { server_transactions_max: 4, ..EndpointConfig::default() });
    let (_, tag) = ladder.call();
    for n in 0..6 {
        ladder.receive(&request("INVITE", &n.to_string(), None, "").replace("Call-ID: call", &format!("Call-ID: {n}")));
    }
    assert_eq!(ladder.endpoint.server_transactions(), 4);
    assert_eq!(ladder.endpoint.counters().refused_overload, 3);
    assert!(matches!(ladder.receive(&request("BYE", "b", Some(&tag), "")).as_slice(), [Output::Dialog { .. }]));
}

#[test]
fn a_stateless_answer_has_the_same_tag_each_time() {
    let mut ladder = Ladder::new();
    let tags: Vec<_> = (0..2)
        .map(|_| only_response(&ladder.receive(&request("REGISTER", "r", None, ""))).to.tag().map(str::to_owned))
        .collect();
    assert_eq!(tags.first(), tags.last());
}

// Paths.

#[test]
fn ses_050_answers_go_to_the_source_if_rport_asks_for_it_and_to_the_port_of_the_via_if_not() {
    let mut ladder = Ladder::new();
    let to = |outputs: Vec<Output>| match outputs.as_slice() {
        [Output::Transmit { flow, .. }] => flow.remote.to_string(),
        other => panic!("{other:?}"),
    };
    let text = request("REGISTER", "r", None, "").replace("192.0.2.1:5060;rport", "10.0.0.1:5070;rport");
    assert_eq!(to(ladder.receive(&text)), "192.0.2.1:5060");
    assert_eq!(to(ladder.receive(&text.replace(";rport", ""))), "192.0.2.1:5070");
}

#[test]
fn keep_alives_over_udp_are_counted_and_not_answered() {
    let mut ladder = Ladder::new();
    for text in ["", "\r\n\r\n", "\0\0\0\0"] {
        assert_eq!(ladder.receive(text), []);
    }
    assert_eq!(ladder.endpoint.counters().keep_alives, 3);
}

#[test]
fn over_tcp_messages_are_cut_out_of_the_stream_and_pings_get_a_pong() {
    let mut ladder = Ladder::new();
    ladder.open_stream();
    let text = format!("{}\r\n\r\n{}", request("REGISTER", "r", None, ""), request("FOO", "f", None, ""));
    let (a, b) = text.split_at(100);
    assert_eq!(ladder.stream(a), []);
    let outputs = ladder.stream(b);
    let bytes = |at: usize| match outputs.get(at) {
        Some(Output::Transmit { flow, bytes }) if flow.connection() == Some(STREAM) => bytes.clone(),
        other => panic!("{other:?}"),
    };
    assert!(bytes(0).starts_with(b"SIP/2.0 405"));
    assert_eq!(bytes(1), "\r\n");
    assert!(bytes(2).starts_with(b"SIP/2.0 501"));
}

#[test]
fn a_stream_that_cannot_be_cut_is_answered_and_closed() {
    for (text, status) in [
        (request("INVITE", "i", None, "\r\n\r\n").replace("Content-Length: 0\r\n", ""), Some(400)),
        (request("INVITE", "i", None, "Content-Length: 99999999\r\n\r\n"), Some(513)),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), None),
        ("\u{16}\u{3}\u{1}".to_owned(), None),
    ] {
        let mut ladder = Ladder::new();
        ladder.open_stream();
        let outputs = ladder.stream(&text);
        assert_eq!(outputs.last(), Some(&Output::CloseStream { connection: STREAM }), "{text}");
        assert_eq!(responses(&outputs).first().map(|response| response.status.code()), status, "{text}");
        assert_eq!(ladder.stream(&text), []);
        assert_eq!(ladder.endpoint.counters().dropped_unknown_connection, 1);
    }
}

#[test]
fn a_message_that_does_not_end_in_time_closes_the_stream() {
    let mut ladder = Ladder::new();
    ladder.open_stream();
    ladder.stream("INVITE sip:a");
    ladder.clock.advance(31_000);
    ladder.stream(" SIP/2.0");
    assert_eq!(ladder.wait(), (32_000, vec![Output::CloseStream { connection: STREAM }]));
}

#[test]
fn what_was_to_be_sent_on_a_closed_connection_is_counted() {
    let mut ladder = Ladder::new();
    ladder.open_stream();
    let outputs = ladder.stream(&request("INVITE", "i", None, ""));
    let Some(Output::Invite(invite)) = outputs.last() else { panic!("{outputs:?}") };
    ladder.input(Input::StreamClosed { connection: STREAM });
    assert_eq!(ladder.respond(invite, Status::OK), []);
    assert_eq!(ladder.endpoint.counters().dropped_closed_connection, 1);
}

// Client transactions.

#[test]
fn a_request_of_ours_is_repeated_until_answered_and_the_answer_told_once() {
    let mut ladder = Ladder::new();
    let (key, sent) = ladder.send(Method::Options, udp());
    assert_eq!(sent.via.len(), 1);
    let (at, outputs) = ladder.wait();
    assert_eq!((at, requests(&outputs)), (500, vec![sent.clone()]));
    let outputs = ladder.answer(&sent, Status::OK);
    assert!(
        matches!(outputs.as_slice(), [Output::Dialog { signal: Signal::Response { key: k, .. }, .. }] if *k == key)
    );
    assert_eq!(ladder.answer(&sent, Status::OK), []);
    assert_eq!(ladder.wait_for_silence(), []);
}

#[test]
fn a_request_without_answer_times_out() {
    let mut ladder = Ladder::new();
    let (key, _) = ladder.send(Method::Bye, udp());
    let failed = Output::Dialog { dialog: key.dialog, signal: Signal::Failed { key, failure: Failure::Timeout } };
    assert_eq!(ladder.wait_for_silence().last(), Some(&failed));
    assert_eq!(ladder.clock.elapsed_ms(), 32_000);
}

#[test]
fn a_refused_invite_of_ours_is_acknowledged_in_its_transaction() {
    let mut ladder = Ladder::new();
    let (_, sent) = ladder.send(Method::Invite, udp());
    for _ in 0..2 {
        let ack = requests(&ladder.answer(&sent, Status::BUSY_HERE)).remove(0);
        assert_eq!(
            (ack.method, ack.via, ack.to.tag(), ack.cseq),
            (Method::Ack, sent.via.clone(), Some("callee"), sent.cseq)
        );
    }
}

#[test]
fn each_2xx_to_an_invite_of_ours_reaches_the_owner() {
    let mut ladder = Ladder::new();
    let (_, sent) = ladder.send(Method::Invite, udp());
    for _ in 0..3 {
        assert!(matches!(ladder.answer(&sent, Status::OK).as_slice(), [Output::Dialog { .. }]));
    }
}

#[test]
fn cancel_goes_out_when_the_invite_has_a_provisional_response() {
    let mut ladder = Ladder::new();
    let (key, sent) = ladder.send(Method::Invite, udp());
    assert_eq!(ladder.command(Command::Cancel { key }), []);
    let outputs = ladder.answer(&sent, Status::TRYING);
    let cancel = requests(&outputs).remove(0);
    assert_eq!((&cancel.method, &cancel.via, cancel.cseq), (&Method::Cancel, &sent.via, sent.cseq));
    assert_eq!(ladder.answer(&cancel, Status::OK), [], "nobody waits for the answer to CANCEL");
}

#[test]
fn a_stray_response_is_dropped_and_counted() {
    let mut ladder = Ladder::new();
    let (_, mut sent) = ladder.send(Method::Options, udp());
    sent.via.push(sent.via.first().unwrap().clone());
    assert_eq!(ladder.answer(&sent, Status::OK), [], "more than one Via");
    sent.via.remove(0).params.set("branch", None);
    sent.via.first_mut().unwrap().params.set("branch", Some("z9hG4bKother".to_owned()));
    assert_eq!(ladder.answer(&sent, Status::OK), []);
    assert_eq!(ladder.endpoint.counters().dropped_stray_response, 2);
}

#[test]
fn requests_of_ours_fail_when_their_connection_closes() {
    let mut ladder = Ladder::new();
    ladder.open_stream();
    let flow = Flow { transport: Transport::Stream(STREAM), ..udp() };
    let (key, sent) = ladder.send(Method::Bye, flow);
    assert_eq!(sent.via.first().unwrap().transport, "TCP");
    let failed = |key: ClientKey| Output::Dialog {
        dialog: key.dialog,
        signal: Signal::Failed { key, failure: Failure::Transport },
    };
    assert_eq!(ladder.input(Input::StreamClosed { connection: STREAM }), [failed(key)]);
    let (key, request) = ladder.own_request(Method::Bye);
    assert_eq!(ladder.command(Command::Send { key, flow, request }), [failed(key)], "and on a closed one");
}

#[test]
fn requests_of_ours_fail_when_datagrams_cannot_be_sent() {
    let mut ladder = Ladder::new();
    let (key, _) = ladder.send(Method::Invite, udp());
    let failed = Output::Dialog { dialog: key.dialog, signal: Signal::Failed { key, failure: Failure::Transport } };
    assert_eq!(ladder.input(Input::TransmitFailed { flow: udp() }), [failed]);
    assert_eq!(ladder.endpoint.client_transactions(), 0);
}

#[test]
fn everything_ends_and_nothing_is_left() {
    let mut ladder = Ladder::new();
    let (dialog, tag) = ladder.call();
    let outputs = ladder.receive(&request("BYE", "b", Some(&tag), ""));
    let [Output::Dialog { signal: Signal::Request { transaction, request, .. }, .. }] = outputs.as_slice() else {
        panic!("{outputs:?}")
    };
    let response = Box::new(Response::to(request, Status::OK));
    ladder.command(Command::Respond { transaction: *transaction, response });
    ladder.command(Command::Forget { dialog });
    ladder.wait_for_silence();
    let endpoint = &ladder.endpoint;
    assert_eq!((endpoint.server_transactions(), endpoint.client_transactions(), endpoint.dialogs()), (0, 0, 0));
}
