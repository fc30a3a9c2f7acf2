//! The dialog at work, as ladders between the endpoint (signals, commands) and the session (inputs, events).

use std::net::SocketAddr;

use testkit::Clock;

use super::*;
use crate::endpoint::NewDialog;
use crate::{Failure, Message, MessageLimits};

fn peer() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

fn flow() -> Flow {
    Flow { transport: Transport::Udp, local: "192.0.2.9:8060".parse().unwrap(), remote: peer() }
}

const SDP: Bytes = Bytes::from_static(b"offer");
const ANSWER: Bytes = Bytes::from_static(b"answer");

fn request(method: &str, cseq: u32, to_tag: &str, fields: &str, body: &Bytes) -> Request {
    let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    let mut text = format!(
        "{method} sip:192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK{method}{cseq}\r\n\
         From: <sip:c@a>;tag=peer\r\nTo: <sip:s@a>{to_tag}\r\nCall-ID: call\r\nCSeq: {cseq} {method}\r\n{fields}\r\n"
    )
    .into_bytes();
    text.extend_from_slice(body);
    match Message::parse(&Bytes::from(text), &MessageLimits::default()).expect("a readable request") {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}

struct Ladder {
    clock: Clock,
    dialog: Dialog,
    last_transaction: u64,
}

impl Ladder {
    /// A call to us, not yet answered.
    fn offered(fields: &str) -> (Self, Vec<Output>) {
        Self::offered_with(fields, &SDP, DialogConfig::default())
    }

    fn offered_with(fields: &str, offer: &Bytes, config: DialogConfig) -> (Self, Vec<Output>) {
        let clock = Clock::new();
        let invite = IncomingInvite {
            transaction: ServerKey(1),
            dialog: DialogKey(1),
            local_tag: "us".to_owned(),
            request: request("INVITE", 10, "", fields, offer),
            flow: flow(),
        };
        let dialog = Dialog::answer(Arc::new(config), Seed(1), clock.now(), invite);
        let mut ladder = Self { clock, dialog, last_transaction: 1 };
        let outputs = ladder.drain();
        (ladder, outputs)
    }

    /// A call to us that is up, without session timer unless `fields` say otherwise.
    fn answered(fields: &str) -> Self {
        let config = DialogConfig { session_timer: None, ..DialogConfig::default() };
        let (mut ladder, _) = Self::offered_with(fields, &SDP, config);
        ladder.accept_and_acknowledge();
        ladder
    }

    fn accept_and_acknowledge(&mut self) -> Response {
        let accepted = response(&self.input(Input::Accept { body: ANSWER }));
        let outputs = self.signal(Signal::Ack { request: Box::new(request("ACK", 10, "us", "", &Bytes::new())) });
        assert_eq!(events(&outputs), [Event::Acknowledged { body: Bytes::new() }]);
        accepted
    }

    /// A call of ours, not yet answered.
    fn calling(session_timer: Option<SessionTimerConfig>) -> (Self, ClientKey, Request) {
        let clock = Clock::new();
        let invite = OutgoingInvite {
            identity: NewDialog { dialog: DialogKey(1), call_id: "call".to_owned(), local_tag: "us".to_owned() },
            target: "sip:mrcp@192.0.2.1".parse().unwrap(),
            from: None,
            flow: flow(),
            offer: SDP,
        };
        let config = DialogConfig { session_timer, ..DialogConfig::default() };
        let dialog = Dialog::call(Arc::new(config), Seed(1), invite);
        let mut ladder = Self { clock, dialog, last_transaction: 0 };
        let (key, invite) = sent(&ladder.drain());
        (ladder, key, invite)
    }

    /// A call of ours that is up.
    fn connected(fields: &[(Known, &str)]) -> Self {
        let (mut ladder, key, invite) = Self::calling(None);
        let mut ok = answer_to(&invite, Status::OK);
        ok.body = ANSWER;
        fields.iter().for_each(|(name, value)| ok.headers.push(*name, *value));
        let outputs = ladder.receive(key, ok);
        assert_eq!(acknowledged(&outputs), invite.cseq);
        assert_eq!(events(&outputs), [Event::Accepted { answer: ANSWER }]);
        ladder
    }

    fn input(&mut self, input: Input) -> Vec<Output> {
        self.dialog.handle_input(self.clock.now(), input);
        self.drain()
    }

    fn signal(&mut self, signal: Signal) -> Vec<Output> {
        self.input(Input::Signal(signal))
    }

    fn receive(&mut self, key: ClientKey, response: Response) -> Vec<Output> {
        self.signal(Signal::Response { key, response: Box::new(response) })
    }

    /// The peer sends a request in the dialog.
    fn ask(&mut self, method: &str, cseq: u32, fields: &str, body: &Bytes) -> Vec<Output> {
        self.last_transaction += 1;
        let request = Box::new(request(method, cseq, "us", fields, body));
        self.signal(Signal::Request { transaction: ServerKey(self.last_transaction), request, flow: flow() })
    }

    fn drain(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.dialog.poll_output()).collect()
    }

    fn wait(&mut self) -> (u64, Vec<Output>) {
        let now = self.clock.advance_to(self.dialog.poll_timeout().expect("no timer is running"));
        self.dialog.handle_timeout(now);
        assert!(self.dialog.poll_timeout().is_none_or(|at| at > now), "a timer is in the past");
        (self.clock.elapsed_ms(), self.drain())
    }
}

fn answer_to(request: &Request, status: Status) -> Response {
    let mut response = Response::to(request, status);
    response.to = response.to.with_tag("peer");
    response
}

fn events(outputs: &[Output]) -> Vec<Event> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Event(event) => Some(event.clone()),
            Output::Command(_) => None,
        })
        .collect()
}

fn commands(outputs: &[Output]) -> Vec<&Command> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Command(command) => Some(command),
            Output::Event(_) => None,
        })
        .collect()
}

fn all_responses(outputs: &[Output]) -> Vec<(u64, Response)> {
    commands(outputs)
        .into_iter()
        .filter_map(|command| match command {
            Command::Respond { transaction, response } => Some((transaction.0, (**response).clone())),
            _ => None,
        })
        .collect()
}

fn codes(outputs: &[Output]) -> Vec<(u64, u16)> {
    all_responses(outputs).iter().map(|(transaction, response)| (*transaction, response.status.code())).collect()
}

fn response(outputs: &[Output]) -> Response {
    let mut all = all_responses(outputs);
    assert_eq!(all.len(), 1, "{outputs:?}");
    all.remove(0).1
}

fn sent(outputs: &[Output]) -> (ClientKey, Request) {
    let find = |command: &&Command| match command {
        Command::Send { key, request, .. } => Some((*key, (**request).clone())),
        _ => None,
    };
    commands(outputs).iter().find_map(find).unwrap_or_else(|| panic!("no request in {outputs:?}"))
}

/// The CSeq of the ACK that was sent.
fn acknowledged(outputs: &[Output]) -> u32 {
    let find = |command: &&Command| match command {
        Command::Acknowledge { request, .. } => Some(request.cseq),
        _ => None,
    };
    commands(outputs).iter().find_map(find).unwrap_or_else(|| panic!("no ACK in {outputs:?}"))
}

fn terminated(cause: Cause) -> Vec<Event> {
    vec![Event::Terminated { cause }]
}

// The call comes in.

#[test]
fn ses_001_an_invite_is_offered_accepted_and_acknowledged() {
    let (mut ladder, outputs) = Ladder::offered("");
    assert_eq!(outputs, [Output::Event(Event::Invite { offer: SDP })]);
    let ok = ladder.accept_and_acknowledge();
    assert_eq!((ok.status, ok.body.clone(), ok.media_type()), (Status::OK, ANSWER, Some("application/sdp")));
    assert_eq!(ok.contact().unwrap().uri.to_string(), "sip:192.0.2.9:8060");
}

#[test]
fn ses_041_the_200_is_repeated_up_to_every_t2_until_the_ack() {
    let (mut ladder, _) = Ladder::offered("");
    ladder.input(Input::Accept { body: ANSWER });
    let times: Vec<_> = (0..6).map(|_| ladder.wait()).map(|(at, outputs)| (at, codes(&outputs))).collect();
    let expected = [500, 1_500, 3_500, 7_500, 11_500, 15_500].map(|at| (at, vec![(1, 200)]));
    assert_eq!(times, expected);
}

#[test]
fn ses_041_a_200_that_is_never_acknowledged_ends_the_call_with_bye() {
    let (mut ladder, _) = Ladder::offered("");
    ladder.input(Input::Accept { body: ANSWER });
    let (at, key) = loop {
        let (at, outputs) = ladder.wait();
        if codes(&outputs).is_empty() {
            let (key, bye) = sent(&outputs);
            assert_eq!((bye.method, bye.from.tag(), bye.to.tag()), (Method::Bye, Some("us"), Some("peer")));
            break (at, key);
        }
    };
    assert_eq!(at, 32_000);
    let outputs = ladder.signal(Signal::Failed { key, failure: Failure::Timeout });
    assert_eq!(events(&outputs), terminated(Cause::NotAcknowledged));
    assert_eq!(ladder.dialog.poll_timeout(), None);
}

#[test]
fn the_answer_to_our_offer_comes_with_the_ack() {
    let (mut ladder, outputs) = Ladder::offered_with("", &Bytes::new(), DialogConfig::default());
    assert_eq!(events(&outputs), [Event::Invite { offer: Bytes::new() }]);
    ladder.input(Input::Accept { body: SDP });
    let ack = Box::new(request("ACK", 10, "us", "", &ANSWER));
    assert_eq!(events(&ladder.signal(Signal::Ack { request: ack })), [Event::Acknowledged { body: ANSWER }]);
}

#[test]
fn an_ack_for_something_else_does_not_stop_the_repetition() {
    let (mut ladder, _) = Ladder::offered("");
    ladder.input(Input::Accept { body: ANSWER });
    assert_eq!(ladder.signal(Signal::Ack { request: Box::new(request("ACK", 9, "us", "", &SDP)) }), []);
    assert_eq!(codes(&ladder.wait().1), [(1, 200)]);
    assert_eq!(ladder.dialog.counters().dropped_stray_ack, 1);
}

#[test]
fn a_refused_invite_ends_the_dialog() {
    let (mut ladder, _) = Ladder::offered("");
    let mut headers = Headers::new();
    headers.push(Known::RetryAfter, "5");
    let outputs = ladder.input(Input::Reject { status: Status::BUSY_HERE, headers });
    assert_eq!((codes(&outputs), response(&outputs).retry_after()), (vec![(1, 486)], Some(5)));
    assert_eq!(events(&outputs), terminated(Cause::Refused { status: Status::BUSY_HERE }));
    assert_eq!(commands(&outputs).last(), Some(&&Command::Forget { dialog: DialogKey(1) }));
}

#[test]
fn ses_042_a_cancelled_invite_gets_487() {
    let (mut ladder, _) = Ladder::offered("");
    let outputs = ladder.signal(Signal::Cancelled { transaction: ServerKey(1) });
    assert_eq!((codes(&outputs), events(&outputs)), (vec![(1, 487)], terminated(Cause::Cancelled)));
    assert_eq!(ladder.input(Input::Accept { body: ANSWER }), [], "the session's answer comes too late");
    assert_eq!(ladder.dialog.counters().dropped_late_input, 1);
}

#[test]
fn a_cancel_that_crosses_the_answer_changes_nothing() {
    let (mut ladder, _) = Ladder::offered("");
    ladder.input(Input::Accept { body: ANSWER });
    assert_eq!(ladder.signal(Signal::Cancelled { transaction: ServerKey(1) }), []);
    assert_eq!(ladder.dialog.counters().dropped_late_cancel, 1);
}

#[test]
fn an_invite_that_the_session_does_not_answer_is_refused() {
    let (mut ladder, _) = Ladder::offered("");
    let (_, outputs) = ladder.wait();
    assert_eq!((codes(&outputs), events(&outputs)), (vec![(1, 480)], terminated(Cause::Unanswered)));
}

#[test]
fn ses_045_progress_is_sent_with_our_tag_and_the_record_route() {
    let (mut ladder, _) = Ladder::offered("Record-Route: <sip:p;lr>\r\n");
    let ringing = response(&ladder.input(Input::Progress { status: Status::RINGING }));
    assert_eq!((ringing.to.tag(), ringing.headers.first("Record-Route")), (Some("us"), Some("<sip:p;lr>")));
    assert_eq!(ladder.input(Input::Progress { status: Status::TRYING }), [], "100 is the endpoint's");
}

#[test]
fn hanging_up_before_the_answer_refuses_the_call() {
    let (mut ladder, _) = Ladder::offered("");
    let outputs = ladder.input(Input::Hangup);
    assert_eq!((codes(&outputs), events(&outputs)), (vec![(1, 480)], terminated(Cause::LocalHangup)));
}

#[test]
fn hanging_up_before_the_ack_waits_for_it() {
    let (mut ladder, _) = Ladder::offered("");
    ladder.input(Input::Accept { body: ANSWER });
    assert_eq!(ladder.input(Input::Hangup), []);
    let ack = Box::new(request("ACK", 10, "us", "", &Bytes::new()));
    assert_eq!(sent(&ladder.signal(Signal::Ack { request: ack })).1.method, Method::Bye);
}

// The call is up.

#[test]
fn ses_019_bye_of_the_peer_is_answered_and_ends_the_call() {
    let mut ladder = Ladder::answered("");
    let outputs = ladder.ask("BYE", 11, "", &Bytes::new());
    assert_eq!((codes(&outputs), events(&outputs)), (vec![(2, 200)], terminated(Cause::RemoteBye)));
    assert_eq!(codes(&ladder.ask("BYE", 12, "", &Bytes::new())), [(3, 481)]);
}

#[test]
fn our_bye_ends_the_call_with_its_response() {
    let mut ladder = Ladder::answered("");
    let (key, bye) = sent(&ladder.input(Input::Hangup));
    assert_eq!(ladder.input(Input::Hangup), []);
    assert_eq!(events(&ladder.receive(key, answer_to(&bye, Status::OK))), terminated(Cause::LocalHangup));
    assert!(ladder.dialog.is_terminated());
}

#[test]
fn bye_of_both_sides_at_once_ends_the_call() {
    let mut ladder = Ladder::answered("");
    ladder.input(Input::Hangup);
    let outputs = ladder.ask("BYE", 11, "", &Bytes::new());
    assert_eq!((codes(&outputs), events(&outputs)), (vec![(2, 200)], terminated(Cause::LocalHangup)));
}

#[test]
fn a_request_with_a_lower_cseq_gets_500() {
    let mut ladder = Ladder::answered("");
    assert_eq!(codes(&ladder.ask("OPTIONS", 9, "", &Bytes::new())), [(2, 500)]);
    assert_eq!(codes(&ladder.ask("OPTIONS", 11, "", &Bytes::new())), [(3, 200)]);
}

#[test]
fn a_request_of_somebody_else_gets_481_and_does_not_end_the_call() {
    let mut ladder = Ladder::answered("");
    let mut bye = request("BYE", 11, "us", "", &Bytes::new());
    bye.from = bye.from.with_tag("stranger");
    let outputs = ladder.signal(Signal::Request { transaction: ServerKey(2), request: Box::new(bye), flow: flow() });
    assert_eq!(codes(&outputs), [(2, 481)]);
    assert!(!ladder.dialog.is_terminated());
}

#[test]
fn a_reinvite_is_offered_to_the_session_and_acknowledged() {
    let mut ladder = Ladder::answered("");
    let outputs = ladder.ask("INVITE", 11, "", &SDP);
    assert_eq!(outputs, [Output::Event(Event::Reinvite { offer: SDP })]);
    assert_eq!(codes(&ladder.input(Input::Accept { body: ANSWER })), [(2, 200)]);
    let ack = Box::new(request("ACK", 11, "us", "", &Bytes::new()));
    assert_eq!(events(&ladder.signal(Signal::Ack { request: ack })), [Event::Acknowledged { body: Bytes::new() }]);
}

#[test]
fn a_refused_reinvite_leaves_the_call_up() {
    let mut ladder = Ladder::answered("");
    ladder.ask("INVITE", 11, "", &SDP);
    let outputs = ladder.input(Input::Reject { status: Status::NOT_ACCEPTABLE_HERE, headers: Headers::new() });
    assert_eq!((codes(&outputs), outputs.len()), (vec![(2, 488)], 1));
    assert_eq!(events(&ladder.ask("INVITE", 12, "", &SDP)), [Event::Reinvite { offer: SDP }]);
}

#[test]
fn a_cancelled_reinvite_gets_487_and_the_call_goes_on() {
    let mut ladder = Ladder::answered("");
    ladder.ask("INVITE", 11, "", &SDP);
    let outputs = ladder.signal(Signal::Cancelled { transaction: ServerKey(2) });
    assert_eq!((codes(&outputs), events(&outputs)), (vec![(2, 487)], vec![Event::ReinviteCancelled]));
    assert_eq!(sent(&ladder.input(Input::Hangup)).1.method, Method::Bye);
}

#[test]
fn an_update_with_an_offer_is_offered_to_the_session_and_needs_no_ack() {
    let mut ladder = Ladder::answered("");
    assert_eq!(events(&ladder.ask("UPDATE", 11, "", &SDP)), [Event::Reinvite { offer: SDP }]);
    let outputs = ladder.input(Input::Accept { body: ANSWER });
    assert_eq!(codes(&outputs), [(2, 200)]);
    assert_eq!(events(&outputs), [Event::Acknowledged { body: Bytes::new() }]);
    assert_eq!(ladder.dialog.poll_timeout(), None, "nothing is repeated");
}

#[test]
fn an_update_without_an_offer_is_answered_at_once() {
    let mut ladder = Ladder::answered("");
    let outputs = ladder.ask("UPDATE", 11, "", &Bytes::new());
    assert_eq!((codes(&outputs), events(&outputs)), (vec![(2, 200)], vec![]));
}

#[test]
fn ses_044_a_second_offer_before_the_first_is_answered_gets_500_with_retry_after() {
    let mut ladder = Ladder::answered("");
    ladder.ask("INVITE", 11, "", &SDP);
    for method in ["INVITE", "UPDATE"] {
        let refused = response(&ladder.ask(method, 12, "", &SDP));
        assert_eq!(refused.status, Status::SERVER_INTERNAL_ERROR);
        assert!(refused.retry_after().is_some_and(|seconds| seconds <= 10));
    }
}

#[test]
fn ses_044_an_offer_that_meets_ours_gets_491() {
    let mut ladder = Ladder::answered("");
    sent(&ladder.input(Input::Reoffer { body: SDP }));
    assert_eq!(codes(&ladder.ask("INVITE", 11, "", &SDP)), [(2, 491)]);
    assert_eq!(ladder.dialog.counters().refused_glare, 1);
}

#[test]
fn an_offer_of_ours_that_met_another_is_made_again_after_a_pause() {
    let mut ladder = Ladder::answered("");
    let (key, first) = sent(&ladder.input(Input::Reoffer { body: SDP }));
    assert_eq!(ladder.receive(key, answer_to(&first, Status::REQUEST_PENDING)), []);
    let (at, outputs) = ladder.wait();
    let (_, again) = sent(&outputs);
    assert!(at <= 2_000, "the callee waits up to 2 s");
    assert_eq!((again.cseq, again.body), (first.cseq + 1, SDP));
}

#[test]
fn an_offer_of_ours_is_acknowledged_and_its_answer_told() {
    let mut ladder = Ladder::answered("");
    let (key, invite) = sent(&ladder.input(Input::Reoffer { body: SDP }));
    let mut ok = answer_to(&invite, Status::OK);
    ok.body = ANSWER;
    let outputs = ladder.receive(key, ok.clone());
    assert_eq!((acknowledged(&outputs), events(&outputs)), (invite.cseq, vec![Event::Accepted { answer: ANSWER }]));
    assert_eq!(acknowledged(&ladder.receive(key, ok)), invite.cseq, "repeated");
}

#[test]
fn an_offer_of_ours_waits_until_the_peers_is_through() {
    let mut ladder = Ladder::answered("");
    ladder.ask("UPDATE", 11, "", &SDP);
    assert_eq!(ladder.input(Input::Reoffer { body: SDP }), []);
    assert_eq!(sent(&ladder.input(Input::Accept { body: ANSWER })).1.method, Method::Invite);
}

#[test]
fn a_refused_offer_of_ours_is_told_and_481_ends_the_call() {
    let mut ladder = Ladder::answered("");
    let (key, invite) = sent(&ladder.input(Input::Reoffer { body: SDP }));
    let outputs = ladder.receive(key, answer_to(&invite, Status::NOT_ACCEPTABLE_HERE));
    assert_eq!(outputs, [Output::Event(Event::Rejected { status: Status::NOT_ACCEPTABLE_HERE })]);
    let (key, invite) = sent(&ladder.input(Input::Reoffer { body: SDP }));
    let outputs = ladder.receive(key, answer_to(&invite, Status::NO_SUCH_TRANSACTION));
    let cause = Cause::Rejected { status: Status::NO_SUCH_TRANSACTION, retry_after: None };
    assert_eq!(events(&outputs), terminated(cause));
}

#[test]
fn a_pending_reinvite_gets_487_when_either_side_hangs_up() {
    for hangup in [true, false] {
        let mut ladder = Ladder::answered("");
        ladder.ask("INVITE", 11, "", &SDP);
        let outputs = if hangup { ladder.input(Input::Hangup) } else { ladder.ask("BYE", 12, "", &Bytes::new()) };
        assert_eq!(codes(&outputs).first(), Some(&(2, 487)));
    }
}

#[test]
fn a_reinvite_that_the_session_does_not_answer_gets_500() {
    let mut ladder = Ladder::answered("");
    ladder.ask("INVITE", 11, "", &SDP);
    assert_eq!(codes(&ladder.wait().1), [(2, 500)]);
    assert!(!ladder.dialog.is_terminated());
}

#[test]
fn requests_follow_the_peer_to_its_new_contact() {
    let mut ladder = Ladder::answered("");
    ladder.ask("UPDATE", 11, "Contact: <sip:c@198.51.100.1>\r\n", &Bytes::new());
    assert_eq!(sent(&ladder.input(Input::Hangup)).1.uri.to_string(), "sip:c@198.51.100.1");
}

// Session timers, as UAS.

const TIMER: &str = "Supported: timer\r\nAllow: INVITE, UPDATE\r\n";

fn timed(fields: &str) -> (Ladder, Response) {
    let (mut ladder, _) = Ladder::offered(fields);
    let ok = ladder.accept_and_acknowledge();
    (ladder, ok)
}

#[test]
fn ses_049_a_client_that_knows_timers_refreshes_and_bye_follows_if_it_does_not() {
    let (mut ladder, ok) = timed(TIMER);
    assert_eq!(ok.headers.first("Session-Expires"), Some("600;refresher=uac"));
    assert_eq!(ok.headers.first("Require"), Some("timer"));
    let (at, outputs) = ladder.wait();
    assert_eq!((at, sent(&outputs).1.method), (568_000, Method::Bye));
}

#[test]
fn a_refresh_of_the_client_starts_the_timer_anew() {
    let (mut ladder, _) = timed(TIMER);
    ladder.clock.advance(300_000);
    let ok = response(&ladder.ask("UPDATE", 11, TIMER, &Bytes::new()));
    assert_eq!(ok.headers.first("Session-Expires"), Some("600;refresher=uac"));
    assert_eq!(ladder.wait().0, 868_000);
}

#[test]
fn a_client_that_does_not_know_timers_is_refreshed_by_reinvite_with_the_same_description() {
    let (mut ladder, ok) = timed("");
    assert_eq!((ok.headers.first("Session-Expires"), ok.headers.first("Require")), (Some("600;refresher=uas"), None));
    let (at, outputs) = ladder.wait();
    let (key, refresh) = sent(&outputs);
    assert_eq!((at, &refresh.method, &refresh.body), (300_000, &Method::Invite, &ANSWER));
    let outputs = ladder.receive(key, answer_to(&refresh, Status::OK));
    assert_eq!((acknowledged(&outputs), events(&outputs)), (refresh.cseq, vec![]));
    assert_eq!(ladder.wait().0, 600_000, "and again");
}

#[test]
fn a_client_that_wants_us_to_refresh_is_refreshed_by_update() {
    let (mut ladder, ok) = timed(&format!("{TIMER}Session-Expires: 200;refresher=uas\r\n"));
    assert_eq!(ok.headers.first("Session-Expires"), Some("200;refresher=uas"));
    let (at, outputs) = ladder.wait();
    let (key, refresh) = sent(&outputs);
    assert_eq!((at, &refresh.method), (100_000, &Method::Update));
    assert_eq!(refresh.headers.first("Session-Expires"), Some("200;refresher=uac"));
    let ok = answer_to(&refresh, Status::OK).with_header("Session-Expires", "200;refresher=uac");
    ladder.receive(key, ok);
    assert_eq!(ladder.wait().0, 200_000);
}

#[test]
fn a_refresh_that_fails_is_tried_again_and_the_session_ends_in_time() {
    let (mut ladder, _) = timed(&format!("{TIMER}Session-Expires: 180;refresher=uas\r\n"));
    let mut refreshes = 0;
    let (end, cause) = loop {
        let (at, outputs) = ladder.wait();
        let (key, request) = sent(&outputs);
        if request.method == Method::Bye {
            break (at, events(&ladder.receive(key, answer_to(&request, Status::OK))));
        }
        refreshes += 1;
        ladder.receive(key, answer_to(&request, Status::SERVER_INTERNAL_ERROR));
    };
    assert_eq!((end, refreshes, cause), (148_000, 4, terminated(Cause::SessionExpired)));
}

#[test]
fn ses_049_an_interval_that_is_too_small_gets_422() {
    let (_, outputs) = Ladder::offered(&format!("{TIMER}Session-Expires: 60\r\n"));
    let refused = response(&outputs);
    assert_eq!((refused.status.code(), refused.min_se()), (422, Some(90)));
    assert_eq!(events(&outputs), terminated(Cause::Refused { status: Status::SESSION_INTERVAL_TOO_SMALL }));
}

// The call goes out.

#[test]
fn a_call_of_ours_is_acknowledged_and_each_repeated_200_too() {
    let (mut ladder, key, invite) = Ladder::calling(None);
    assert_eq!((invite.to.tag(), invite.uri.to_string().as_str()), (None, "sip:mrcp@192.0.2.1"));
    assert_eq!(ladder.receive(key, answer_to(&invite, Status::TRYING)), []);
    let ringing = Event::Progress { status: Status::RINGING };
    assert_eq!(events(&ladder.receive(key, answer_to(&invite, Status::RINGING))), [ringing]);
    let ok = answer_to(&invite, Status::OK).with_header("Contact", "<sip:x@192.0.2.1:9>");
    assert_eq!(acknowledged(&ladder.receive(key, ok.clone())), invite.cseq);
    let outputs = ladder.receive(key, ok);
    assert_eq!((acknowledged(&outputs), outputs.len()), (invite.cseq, 1));
    let (_, bye) = sent(&ladder.input(Input::Hangup));
    assert_eq!(
        (bye.uri.to_string().as_str(), bye.to.tag(), bye.cseq),
        ("sip:x@192.0.2.1:9", Some("peer"), invite.cseq + 1)
    );
}

#[test]
fn the_route_set_of_a_call_of_ours_is_reversed() {
    let mut ladder = Ladder::connected(&[(Known::RecordRoute, "<sip:p1;lr>, <sip:p2;lr>")]);
    let (_, bye) = sent(&ladder.input(Input::Hangup));
    assert_eq!(bye.headers.elements("Route").collect::<Vec<_>>(), ["<sip:p2;lr>", "<sip:p1;lr>"]);
}

#[test]
fn a_call_of_ours_that_is_refused_or_fails_ends() {
    let (mut ladder, key, invite) = Ladder::calling(None);
    let refused = answer_to(&invite, Status::SERVICE_UNAVAILABLE).with_header("Retry-After", "7 (busy)");
    let cause = Cause::Rejected { status: Status::SERVICE_UNAVAILABLE, retry_after: Some(Duration::from_secs(7)) };
    assert_eq!(events(&ladder.receive(key, refused)), terminated(cause));
    for (failure, cause) in [(Failure::Timeout, Cause::Timeout), (Failure::Transport, Cause::TransportFailed)] {
        let (mut ladder, key, _) = Ladder::calling(None);
        assert_eq!(events(&ladder.signal(Signal::Failed { key, failure })), terminated(cause));
    }
}

#[test]
fn hanging_up_a_call_that_is_not_answered_cancels_it() {
    let (mut ladder, key, invite) = Ladder::calling(None);
    assert_eq!(ladder.input(Input::Hangup), [Output::Command(Command::Cancel { key })]);
    let outputs = ladder.receive(key, answer_to(&invite, Status::REQUEST_TERMINATED));
    assert_eq!(events(&outputs), terminated(Cause::LocalHangup));
}

#[test]
fn a_200_that_crosses_our_cancel_is_acknowledged_and_followed_by_bye() {
    let (mut ladder, key, invite) = Ladder::calling(None);
    ladder.input(Input::Hangup);
    let outputs = ladder.receive(key, answer_to(&invite, Status::OK));
    assert_eq!((acknowledged(&outputs), sent(&outputs).1.method), (invite.cseq, Method::Bye));
}

#[test]
fn a_call_of_ours_refreshes_the_session_when_the_server_says_so() {
    let mut ladder = Ladder::connected(&[
        (Known::SessionExpires, "120;refresher=uac"),
        (Known::Require, "timer"),
        (Known::Supported, "timer"),
    ]);
    let (at, outputs) = ladder.wait();
    let (key, refresh) = sent(&outputs);
    assert_eq!((at, &refresh.method, &refresh.body), (60_000, &Method::Invite, &SDP));
    assert_eq!(refresh.headers.first("Session-Expires"), Some("120;refresher=uac"));
    ladder.receive(key, answer_to(&refresh, Status::OK));
    assert_eq!(ladder.dialog.poll_timeout(), None, "a 2xx without Session-Expires turns the timer off");
}

#[test]
fn a_call_of_ours_with_too_small_an_interval_is_placed_again() {
    let (mut ladder, key, invite) = Ladder::calling(Some(SessionTimerConfig { expires_s: 90, min_se_s: 90 }));
    assert_eq!(invite.headers.first("Session-Expires"), Some("90"));
    let refused = answer_to(&invite, Status::SESSION_INTERVAL_TOO_SMALL).with_header("Min-SE", "120");
    let (key, again) = sent(&ladder.receive(key, refused));
    assert_eq!((again.cseq, again.headers.first("Session-Expires")), (invite.cseq + 1, Some("120")));
    assert_eq!(again.headers.first("Min-SE"), Some("120"));
    assert_eq!(events(&ladder.receive(key, answer_to(&again, Status::OK))), [Event::Accepted { answer: Bytes::new() }]);
}

#[test]
fn a_bye_of_ours_that_fails_ends_the_call_all_the_same() {
    let mut ladder = Ladder::connected(&[]);
    let (key, _) = sent(&ladder.input(Input::Hangup));
    let outputs = ladder.signal(Signal::Failed { key, failure: Failure::Transport });
    assert_eq!(events(&outputs), terminated(Cause::LocalHangup));
}
