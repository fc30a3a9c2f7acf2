//! Whole calls: a client and a server, each an endpoint with dialogs, and a network between them that may lose and reorder.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::dialog::{self, Cause, DialogConfig, Event, SessionTimerConfig};
use sip::endpoint::{EndpointConfig, Input, OutgoingInvite, Output};
use sip::{ConnectionId, Dialog, DialogKey, Endpoint, Flow, Seed, Transport, Uri};

const OFFER: Bytes = Bytes::from_static(b"offer");
const ANSWER: Bytes = Bytes::from_static(b"answer");
const STREAM: ConnectionId = ConnectionId(1);

/// One party: an endpoint, its dialogs, and a session that accepts whatever is offered.
struct Party {
    address: SocketAddr,
    endpoint: Endpoint,
    config: Arc<DialogConfig>,
    dialogs: HashMap<DialogKey, Dialog>,
    events: Vec<Event>,
}

impl Party {
    fn new(address: &str, session_timer: Option<SessionTimerConfig>, seed: u128) -> Self {
        Self {
            address: address.parse().unwrap(),
            endpoint: Endpoint::new(EndpointConfig::default(), Seed(seed)),
            config: Arc::new(DialogConfig { session_timer, ..DialogConfig::default() }),
            dialogs: HashMap::new(),
            events: Vec::new(),
        }
    }

    /// Drives everything until nothing is left to do; what is to be transmitted.
    fn settle(&mut self, now: Instant) -> Vec<(Flow, Bytes)> {
        let mut transmit = Vec::new();
        loop {
            let mut idle = true;
            while let Some(output) = self.endpoint.poll_output() {
                idle = false;
                match output {
                    Output::Transmit { flow, bytes } => transmit.push((flow, bytes)),
                    Output::Invite(invite) => {
                        let dialog = Dialog::answer(Arc::clone(&self.config), Seed(9), now, *invite);
                        self.dialogs.insert(dialog.key(), dialog);
                    }
                    Output::Dialog { dialog, signal } => {
                        if let Some(dialog) = self.dialogs.get_mut(&dialog) {
                            dialog.handle_input(now, dialog::Input::Signal(signal));
                        }
                    }
                    Output::Options(_) | Output::CloseStream { .. } => panic!("{output:?}"),
                }
            }
            for dialog in self.dialogs.values_mut() {
                while let Some(output) = dialog.poll_output() {
                    idle = false;
                    match output {
                        dialog::Output::Command(command) => {
                            self.endpoint.handle_input(now, Input::Command(command));
                        }
                        dialog::Output::Event(event) => {
                            if matches!(event, Event::Invite { .. } | Event::Reinvite { .. }) {
                                dialog.handle_input(now, dialog::Input::Accept { body: ANSWER });
                            }
                            self.events.push(event);
                        }
                    }
                }
            }
            self.dialogs.retain(|_, dialog| !dialog.is_terminated());
            if idle {
                return transmit;
            }
        }
    }

    fn next(&self) -> Option<Instant> {
        self.dialogs.values().filter_map(Dialog::poll_timeout).chain(self.endpoint.poll_timeout()).min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
        self.dialogs.values_mut().for_each(|dialog| dialog.handle_timeout(now));
    }

    fn tell(&mut self, now: Instant, input: &dialog::Input) {
        self.dialogs.values_mut().for_each(|dialog| dialog.handle_input(now, input.clone()));
    }

    fn is_empty(&self) -> bool {
        let endpoint = &self.endpoint;
        endpoint.server_transactions() + endpoint.client_transactions() + endpoint.dialogs() + self.dialogs.len() == 0
    }

    fn terminated(&self) -> Vec<Cause> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Terminated { cause } => Some(*cause),
                _ => None,
            })
            .collect()
    }
}

struct Network {
    clock: testkit::Clock,
    parties: [Party; 2],
    /// Messages on their way, by arrival.
    way: BTreeMap<(Instant, u64), (usize, Bytes)>,
    count: u64,
    random: u64,
    loss_percent: u64,
    delay_ms_max: u64,
    stream: bool,
}

const CLIENT: usize = 0;
const SERVER: usize = 1;

impl Network {
    fn new(seed: u64, loss_percent: u64, delay_ms_max: u64) -> Self {
        let parties = [
            Party::new("192.0.2.1:5060", None, 1),
            Party::new("192.0.2.9:8060", Some(SessionTimerConfig::default()), 2),
        ];
        let clock = testkit::Clock::new();
        Self { clock, parties, way: BTreeMap::new(), count: 0, random: seed, loss_percent, delay_ms_max, stream: false }
    }

    fn over_tcp(mut self) -> Self {
        self.stream = true;
        let now = self.clock.now();
        for at in [CLIENT, SERVER] {
            let (local, remote) = (self.parties[at].address, self.parties[1 - at].address);
            self.parties[at].endpoint.handle_input(now, Input::StreamOpened { connection: STREAM, local, remote });
        }
        self
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below
    }

    fn flow(&self) -> Flow {
        let transport = if self.stream { Transport::Stream(STREAM) } else { Transport::Udp };
        Flow { transport, local: self.parties[CLIENT].address, remote: self.parties[SERVER].address }
    }

    fn call(&mut self) {
        let flow = self.flow();
        let client = &mut self.parties[CLIENT];
        let identity = client.endpoint.new_dialog();
        let target = Uri::from_address(flow.remote);
        let invite = OutgoingInvite { identity, target, from: None, flow, offer: OFFER };
        let dialog = Dialog::call(Arc::clone(&client.config), Seed(8), invite);
        client.dialogs.insert(dialog.key(), dialog);
    }

    fn settle(&mut self) {
        let now = self.clock.now();
        for at in [CLIENT, SERVER] {
            for (flow, bytes) in self.parties[at].settle(now) {
                assert_eq!(flow.remote, self.parties[1 - at].address);
                if !self.stream && self.random(100) < self.loss_percent {
                    continue;
                }
                let delay = if self.stream { 1 } else { 1 + self.random(self.delay_ms_max) };
                self.count += 1;
                self.way.insert((now + Duration::from_millis(delay), self.count), (1 - at, bytes));
            }
        }
    }

    /// Lets everything happen that happens within `time`.
    fn run(&mut self, time: Duration) {
        let end = self.clock.now() + time;
        loop {
            self.settle();
            let arrival = self.way.keys().next().map(|(at, _)| *at);
            let next = self.parties.iter().filter_map(Party::next).chain(arrival).min();
            let Some(at) = next.filter(|at| *at <= end) else { break };
            let now = self.clock.advance_to(at);
            while let Some(entry) = self.way.first_entry().filter(|entry| entry.key().0 <= now) {
                let (to, bytes) = entry.remove();
                let (local, source) = (self.parties[to].address, self.parties[1 - to].address);
                let input = match self.stream {
                    true => Input::StreamData { connection: STREAM, bytes },
                    false => Input::Datagram { source, local, bytes },
                };
                self.parties[to].endpoint.handle_input(now, input);
                self.settle();
            }
            self.parties.iter_mut().for_each(|party| party.handle_timeout(now));
        }
        self.clock.advance_to(end);
    }

    fn tell(&mut self, party: usize, input: dialog::Input) {
        let now = self.clock.now();
        self.parties[party].tell(now, &input);
    }

    fn assert_nothing_is_left(&self) {
        assert!(self.parties.iter().all(Party::is_empty));
    }
}

fn whole_call(mut network: Network, hangs_up: usize) {
    network.call();
    network.run(Duration::from_secs(60));
    let accepted = Event::Accepted { answer: ANSWER };
    assert_eq!(network.parties[CLIENT].events, std::slice::from_ref(&accepted));
    let acknowledged = Event::Acknowledged { body: Bytes::new() };
    assert_eq!(network.parties[SERVER].events, [Event::Invite { offer: OFFER }, acknowledged.clone()]);
    network.tell(CLIENT, dialog::Input::Reoffer { body: OFFER });
    network.run(Duration::from_secs(60));
    assert_eq!(network.parties[CLIENT].events, [accepted.clone(), accepted]);
    assert_eq!(network.parties[SERVER].events[2..], [Event::Reinvite { offer: OFFER }, acknowledged]);
    network.tell(hangs_up, dialog::Input::Hangup);
    network.run(Duration::from_secs(120));
    assert_eq!(network.parties[hangs_up].terminated(), [Cause::LocalHangup]);
    assert_eq!(network.parties[1 - hangs_up].terminated(), [Cause::RemoteBye]);
    network.assert_nothing_is_left();
}

#[test]
fn ses_050_a_call_over_udp() {
    whole_call(Network::new(1, 0, 5), CLIENT);
    whole_call(Network::new(1, 0, 5), SERVER);
}

#[test]
fn ses_050_a_call_over_tcp() {
    whole_call(Network::new(1, 0, 5).over_tcp(), CLIENT);
    whole_call(Network::new(1, 0, 5).over_tcp(), SERVER);
}

#[test]
fn calls_over_a_network_that_loses_a_fifth_and_reorders() {
    for seed in 0..300 {
        whole_call(Network::new(seed, 20, 120), usize::try_from(seed % 2).unwrap());
    }
}

#[test]
fn a_call_to_nobody_times_out() {
    let mut network = Network::new(1, 100, 5);
    network.call();
    network.run(Duration::from_secs(32));
    assert_eq!(network.parties[CLIENT].terminated(), [Cause::Timeout]);
    network.assert_nothing_is_left();
}

#[test]
fn the_client_refreshes_a_long_call() {
    let mut network = Network::new(1, 0, 5);
    network.call();
    network.run(Duration::from_secs(3_600));
    let reinvites =
        network.parties[SERVER].events.iter().filter(|event| matches!(event, Event::Reinvite { .. })).count();
    assert_eq!(
        (network.parties[SERVER].terminated(), reinvites),
        (vec![], 0),
        "by UPDATE, which needs no answer of ours"
    );
    network.loss_percent = 100;
    network.run(Duration::from_secs(700));
    assert_eq!(network.parties[SERVER].terminated(), [Cause::SessionExpired]);
    assert_eq!(network.parties[CLIENT].terminated().len(), 1);
    network.assert_nothing_is_left();
}

#[test]
fn a_cancelled_call_ends_on_both_sides_whoever_wins() {
    for seed in 0..100 {
        let mut network = Network::new(seed, 20, 120);
        network.call();
        network.run(Duration::from_millis(seed * 5));
        network.tell(CLIENT, dialog::Input::Hangup);
        network.run(Duration::from_secs(200));
        assert_eq!(network.parties[CLIENT].terminated(), [Cause::LocalHangup], "seed {seed}");
        network.assert_nothing_is_left();
    }
}

#[test]
fn offers_of_both_sides_at_once_are_both_made() {
    for seed in 0..50 {
        let mut network = Network::new(seed, 0, 50);
        network.call();
        network.run(Duration::from_secs(1));
        network.tell(CLIENT, dialog::Input::Reoffer { body: OFFER });
        network.tell(SERVER, dialog::Input::Reoffer { body: OFFER });
        network.run(Duration::from_secs(20));
        for party in &network.parties {
            let accepted = party.events.iter().filter(|event| matches!(event, Event::Accepted { .. })).count();
            let offered = party.events.iter().filter(|event| matches!(event, Event::Reinvite { .. })).count();
            assert!(accepted >= 1 && offered == 1, "seed {seed}: {:?}", party.events);
        }
    }
}

#[test]
fn a_drained_server_refuses_calls_and_finishes_those_it_has() {
    let mut network = Network::new(1, 0, 5);
    network.call();
    network.run(Duration::from_secs(1));
    network.parties[SERVER].endpoint.refuse_new(Some(Duration::from_secs(9)));
    network.call();
    network.run(Duration::from_secs(1));
    let status = sip::Status::SERVICE_UNAVAILABLE;
    let refused = Cause::Rejected { status, retry_after: Some(Duration::from_secs(9)) };
    assert_eq!(network.parties[CLIENT].terminated(), [refused]);
    network.tell(CLIENT, dialog::Input::Hangup);
    network.run(Duration::from_secs(60));
    assert_eq!(network.parties[SERVER].terminated(), [Cause::RemoteBye]);
    network.assert_nothing_is_left();
}
