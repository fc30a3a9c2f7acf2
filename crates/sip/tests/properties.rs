//! Laws that hold for any message and any order of operations.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use sip::endpoint::{Counters, EndpointConfig, Input, Output};
use sip::{
    ClientKey, Command, ConnectionId, DialogKey, Endpoint, Flow, Headers, Message, MessageLimits, Method, NameAddr,
    Request, Response, Seed, ServerKey, Signal, Status, Transport, Uri, Via,
};

// print ∘ parse

fn uri() -> impl Strategy<Value = Uri> {
    let sip = "sips?:([a-z0-9%2e&=+$,;?/-]{1,8}@)?([a-z][a-z0-9-]{0,8}(\\.[a-z]{2,3})?|192\\.0\\.2\\.7|\\[2001:db8::1\\])(:[1-9][0-9]{0,3})?(;[a-z]{1,5}(=[a-z0-9:/]{1,5})?){0,3}";
    prop_oneof![9 => sip, 1 => "tel:\\+[0-9]{3,10}"].prop_filter_map("a URI", |text| Uri::parse(&text))
}

fn name_addr() -> impl Strategy<Value = NameAddr> {
    let display = proptest::option::of(prop_oneof![
        "[a-zA-Z0-9.~]{1,8}( [a-z]{1,5})?",
        "\"([ -!#-\\[\\]-~é]|\\\\[\"\\\\]){0,9}\""
    ]);
    let params = "(;[a-z]{1,5}(=([a-zA-Z0-9.]{1,9}|\"[ a-z,;<>]{0,6}\"))?){0,3}";
    (display, uri(), params).prop_filter_map("a name-addr", |(display, uri, params)| {
        NameAddr::parse(&format!("{}<{uri}>{params}", display.map(|name| name + " ").unwrap_or_default()))
    })
}

fn via() -> impl Strategy<Value = Via> {
    "SIP/2\\.0/(UDP|TCP) (a\\.example|10\\.0\\.0\\.1|\\[::1\\])(:[1-9][0-9]{0,3})?(;rport(=[0-9]{1,4})?)?(;branch=z9hG4bK[a-z0-9]{0,9})?(;received=10\\.0\\.0\\.2)?"
        .prop_filter_map("a Via", |text| Via::parse(&text))
}

fn headers() -> impl Strategy<Value = Headers> {
    let name = prop_oneof![
        "X-[a-z]{1,8}",
        Just("Supported".to_owned()),
        Just("Subject".to_owned()),
        Just("Warning".to_owned())
    ];
    let value = prop_oneof!["[!-~]([ -~é中]{0,20}[!-~])?", Just(String::new())];
    proptest::collection::vec((name, value), 0..6).prop_map(|fields| {
        let mut headers = Headers::new();
        fields.into_iter().for_each(|(name, value)| headers.push(name.as_str(), value));
        headers
    })
}

fn body() -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..64).prop_map(Bytes::from)
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        Just(Method::Invite),
        Just(Method::Ack),
        Just(Method::Bye),
        Just(Method::Update),
        Just(Method::Extension("X-9!%".to_owned())),
    ]
}

type Identity = (Vec<Via>, NameAddr, NameAddr, String, u32, Headers, Bytes);

fn identity() -> impl Strategy<Value = Identity> {
    (
        proptest::collection::vec(via(), 1..3),
        name_addr(),
        name_addr(),
        "[!-+\\--~]{1,20}",
        0..1_u32 << 31,
        headers(),
        body(),
    )
}

fn parse(bytes: &Bytes) -> Result<Message, sip::ParseError> {
    Message::parse(bytes, &MessageLimits::default())
}

proptest! {
    #[test]
    fn a_request_is_read_as_it_was_printed(
        (via, from, to, call_id, cseq, headers, body) in identity(),
        method in method(),
        uri in uri(),
        max_forwards in any::<Option<u8>>(),
    ) {
        let request = Request { method, uri, via, max_forwards, from, to, call_id, cseq, headers, body };
        prop_assert_eq!(parse(&request.print()), Ok(Message::Request(request)));
    }

    #[test]
    fn a_response_is_read_as_it_was_printed(
        (via, from, to, call_id, cseq, headers, body) in identity(),
        method in method(),
        status in 100..700_u16,
        reason in "[ -~é]{0,20}",
    ) {
        let status = Status::new(status).unwrap();
        let response = Response { status, reason, via, from, to, call_id, cseq, method, headers, body };
        prop_assert_eq!(parse(&response.print()), Ok(Message::Response(response)));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        sip::fuzz::message(&bytes);
    }

    #[test]
    fn a_damaged_message_does_no_harm(at in 0..500_usize, with in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = datagram(&Packet::Invite { call: 1, branch: 1 }).to_vec();
        let at = at % bytes.len();
        if cut { bytes.remove(at); } else { bytes[at] = with; }
        sip::fuzz::message(&bytes);
        sip::fuzz::endpoint(testkit::epoch(), &bytes);
    }
}

// Random operations on an endpoint.

#[derive(Debug, Clone)]
enum Packet {
    Invite { call: u8, branch: u8 },
    Ack { call: u8, branch: u8, tagged: bool },
    Bye { call: u8, branch: u8 },
    Cancel { call: u8, branch: u8 },
    Options { call: u8, branch: u8 },
    Register,
    Noise(Vec<u8>),
}

#[derive(Debug, Clone)]
enum Operation {
    Datagram(Packet),
    Stream {
        packet: Packet,
        cut: u8,
    },
    Open,
    Close,
    /// Answers the n-th request that waits.
    Respond {
        which: u8,
        status: u16,
    },
    Send {
        invite: bool,
        stream: bool,
    },
    /// The peer answers the n-th request of ours.
    Answer {
        which: u8,
        status: u16,
    },
    Cancel {
        which: u8,
    },
    Forget {
        dialog: u8,
    },
    Abandon {
        dialog: u8,
    },
    Refuse(bool),
    Wait(u16),
}

fn packet() -> impl Strategy<Value = Packet> {
    let few = 0..3_u8;
    prop_oneof![
        4 => (few.clone(), few.clone()).prop_map(|(call, branch)| Packet::Invite { call, branch }),
        2 => (few.clone(), few.clone(), any::<bool>()).prop_map(|(call, branch, tagged)| Packet::Ack { call, branch, tagged }),
        2 => (few.clone(), few.clone()).prop_map(|(call, branch)| Packet::Bye { call, branch }),
        2 => (few.clone(), few.clone()).prop_map(|(call, branch)| Packet::Cancel { call, branch }),
        1 => (few.clone(), few).prop_map(|(call, branch)| Packet::Options { call, branch }),
        1 => Just(Packet::Register),
        1 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(Packet::Noise),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let status = prop_oneof![Just(180_u16), Just(200), Just(486), Just(503)];
    prop_oneof![
        8 => packet().prop_map(Operation::Datagram),
        3 => (packet(), any::<u8>()).prop_map(|(packet, cut)| Operation::Stream { packet, cut }),
        1 => Just(Operation::Open),
        1 => Just(Operation::Close),
        5 => (any::<u8>(), status.clone()).prop_map(|(which, status)| Operation::Respond { which, status }),
        3 => (any::<bool>(), any::<bool>()).prop_map(|(invite, stream)| Operation::Send { invite, stream }),
        3 => (any::<u8>(), status).prop_map(|(which, status)| Operation::Answer { which, status }),
        1 => any::<u8>().prop_map(|which| Operation::Cancel { which }),
        1 => (0..6_u8).prop_map(|dialog| Operation::Forget { dialog }),
        1 => (0..6_u8).prop_map(|dialog| Operation::Abandon { dialog }),
        1 => any::<bool>().prop_map(Operation::Refuse),
        4 => any::<u16>().prop_map(Operation::Wait),
    ]
}

fn datagram(packet: &Packet) -> Bytes {
    let (method, call, branch, tag) = match packet {
        Packet::Invite { call, branch } => ("INVITE", *call, *branch, ""),
        Packet::Ack { call, branch, tagged } => ("ACK", *call, *branch, if *tagged { ";tag=x" } else { "" }),
        Packet::Bye { call, branch } => ("BYE", *call, *branch, ";tag=x"),
        Packet::Cancel { call, branch } => ("CANCEL", *call, *branch, ""),
        Packet::Options { call, branch } => ("OPTIONS", *call, *branch, ""),
        Packet::Register => ("REGISTER", 0, 0, ""),
        Packet::Noise(bytes) => return Bytes::from(bytes.clone()),
    };
    Bytes::from(format!(
        "{method} sip:s@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK{branch}\r\nFrom: <sip:c@a>;tag=c\r\n\
         To: <sip:s@a>{tag}\r\nCall-ID: {call}\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
    ))
}

const STREAM: ConnectionId = ConnectionId(1);

struct World {
    clock: testkit::Clock,
    endpoint: Endpoint,
    waiting: Vec<(ServerKey, Response)>,
    /// The final status that went out for each transaction's Via and CSeq.
    finals: HashMap<(String, String), Status>,
    sent: Vec<(Option<ClientKey>, Request)>,
    clients: u32,
}

impl World {
    fn new() -> Self {
        let config =
            EndpointConfig { server_transactions_max: 8, client_transactions_max: 8, ..EndpointConfig::default() };
        Self {
            clock: testkit::Clock::new(),
            endpoint: Endpoint::new(config, Seed(1)),
            waiting: Vec::new(),
            finals: HashMap::new(),
            sent: Vec::new(),
            clients: 0,
        }
    }

    fn flow(stream: bool) -> Flow {
        let transport = if stream { Transport::Stream(STREAM) } else { Transport::Udp };
        Flow { transport, local: local(), remote: peer() }
    }

    fn run(&mut self, operation: &Operation) -> Result<(), TestCaseError> {
        match operation {
            Operation::Datagram(packet) => {
                self.input(Input::Datagram { source: peer(), local: local(), bytes: datagram(packet) })
            }
            Operation::Stream { packet, cut } => {
                let mut bytes = datagram(packet);
                let head = bytes.split_to(usize::from(*cut).min(bytes.len()));
                self.input(Input::StreamData { connection: STREAM, bytes: head })?;
                self.input(Input::StreamData { connection: STREAM, bytes })
            }
            Operation::Open => self.input(Input::StreamOpened { connection: STREAM, local: local(), remote: peer() }),
            Operation::Close => self.input(Input::StreamClosed { connection: STREAM }),
            Operation::Respond { which, status } => match pick(&self.waiting, *which).cloned() {
                Some((transaction, mut response)) => {
                    response.status = Status::new(*status).unwrap();
                    self.command(Command::Respond { transaction, response: Box::new(response) })
                }
                None => Ok(()),
            },
            Operation::Send { invite, stream } => {
                self.clients += 1;
                let new = self.endpoint.new_dialog();
                let key = ClientKey { dialog: new.dialog, number: self.clients };
                let uri = Uri::from_address(peer());
                let from = NameAddr::new(uri.clone()).with_tag(&new.local_tag);
                let mut request = Request::options(uri, from, new.call_id);
                if *invite {
                    request.method = Method::Invite;
                }
                self.command(Command::Send { key, flow: Self::flow(*stream), request: Box::new(request) })?;
                if let Some((slot @ None, _)) = self.sent.last_mut() {
                    *slot = Some(key);
                }
                Ok(())
            }
            Operation::Answer { which, status } => match pick(&self.sent, *which) {
                Some((_, request)) => {
                    let bytes = Response::to(request, Status::new(*status).unwrap()).print();
                    self.input(Input::Datagram { source: peer(), local: local(), bytes })
                }
                None => Ok(()),
            },
            Operation::Cancel { which } => match pick(&self.sent, *which) {
                Some((Some(key), _)) => self.command(Command::Cancel { key: *key }),
                _ => Ok(()),
            },
            Operation::Forget { dialog } => self.command(Command::Forget { dialog: DialogKey(u64::from(*dialog)) }),
            Operation::Abandon { dialog } => self.command(Command::Abandon { dialog: DialogKey(u64::from(*dialog)) }),
            Operation::Refuse(refuse) => {
                self.endpoint.refuse_new(refuse.then(|| Duration::from_secs(3)));
                Ok(())
            }
            Operation::Wait(ms) => {
                let now = self.clock.advance(u64::from(*ms));
                self.endpoint.handle_timeout(now);
                prop_assert!(self.endpoint.poll_timeout().is_none_or(|at| at > now), "a timer is in the past");
                self.drain(64)
            }
        }
    }

    fn command(&mut self, command: Command) -> Result<(), TestCaseError> {
        self.input(Input::Command(command))
    }

    fn input(&mut self, input: Input) -> Result<(), TestCaseError> {
        self.endpoint.handle_input(self.clock.now(), input);
        self.drain(16)
    }

    fn drain(&mut self, max: usize) -> Result<(), TestCaseError> {
        let outputs: Vec<_> = std::iter::from_fn(|| self.endpoint.poll_output()).collect();
        prop_assert!(outputs.len() <= max, "{} outputs of one input", outputs.len());
        for output in outputs {
            match output {
                Output::Transmit { bytes, .. } if bytes != "\r\n" => match parse(&bytes) {
                    Ok(Message::Request(request)) if request.method != Method::Ack => self.sent.push((None, request)),
                    Ok(Message::Request(_)) | Err(_) => {}
                    Ok(Message::Response(response)) => self.check_final(&response)?,
                },
                Output::Invite(invite) => self.offer(invite.transaction, &invite.request),
                Output::Options(options) => self.offer(options.transaction, &options.request),
                Output::Dialog { signal: Signal::Request { transaction, request, .. }, .. } => {
                    self.offer(transaction, &request)
                }
                Output::Transmit { .. } | Output::Dialog { .. } | Output::CloseStream { .. } => {}
            }
        }
        Ok(())
    }

    fn offer(&mut self, transaction: ServerKey, request: &Request) {
        // The transaction is new: what an older one of the same name was answered does not count.
        self.finals.retain(|(_, call_id), _| *call_id != request.call_id);
        self.waiting.push((transaction, Response::to(request, Status::OK)));
    }

    /// What came from the owner has one final status for each transaction.
    fn check_final(&mut self, response: &Response) -> Result<(), TestCaseError> {
        if response.status.is_provisional()
            || response.method != Method::Invite
            || response.status == Status::LOOP_DETECTED
        {
            return Ok(());
        }
        if response.headers.first("Retry-After").is_some() {
            return Ok(());
        }
        let branch = response.via.first().and_then(Via::branch).unwrap_or_default().to_owned();
        let first = *self.finals.entry((branch, response.call_id.clone())).or_insert(response.status);
        prop_assert_eq!(first, response.status, "two different final responses");
        Ok(())
    }
}

fn pick<T>(list: &[T], which: u8) -> Option<&T> {
    list.get(usize::from(which).checked_rem(list.len())?)
}

fn peer() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 5060))
}

fn local() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 9], 8060))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn an_endpoint_keeps_its_laws(operations in proptest::collection::vec(operation(), 1..60)) {
        let mut world = World::new();
        for operation in &operations {
            world.run(operation)?;
        }
        // Whatever happened, all transactions end by themselves.
        for _ in 0..400 {
            world.run(&Operation::Wait(1_000))?;
        }
        prop_assert_eq!(world.endpoint.server_transactions(), 0);
        prop_assert_eq!(world.endpoint.client_transactions(), 0);
        prop_assert_eq!(world.endpoint.poll_timeout(), None);
    }

    #[test]
    fn each_datagram_is_counted(packet in packet()) {
        let mut world = World::new();
        world.run(&Operation::Datagram(packet))?;
        prop_assert_ne!(*world.endpoint.counters(), Counters::default());
    }
}
