//! The messages of RFC 4475, each with the treatment that it must get.
//!
//! None may crash, and none that is wrong may reach an owner (who might answer it with 2xx).
#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;

use bytes::Bytes;
use sip::endpoint::{EndpointConfig, Input, Output};
use sip::{ConnectionId, Endpoint, Message, MessageLimits, Seed};

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Treatment {
    /// It reaches an owner, as what it is.
    Invite,
    Options,
    /// The endpoint answers it by itself with this status.
    Answered(u16),
    /// Nothing is sent, nothing reaches an owner, a counter goes up.
    Dropped,
}

use Treatment::{Answered, Dropped, Invite, Options};

/// Over UDP, in the order of RFC 4475. A treatment that the RFC leaves open says why it was chosen.
const TREATMENTS: &[(&str, Treatment)] = &[
    // 3.1.1, valid messages.
    ("wsinv", Answered(481)), // in a dialog (To tag) that does not exist
    ("intmeth", Answered(501)),
    ("esc01", Invite),
    ("escnull", Answered(405)),
    ("esc02", Answered(501)),
    ("lwsdisp", Options),
    ("longreq", Invite),
    ("dblreq", Answered(405)), // what follows the first message is left out
    ("semiuri", Options),
    ("transports", Options),
    ("mpart01", Answered(405)),
    ("unreason", Dropped), // responses to nothing of ours, here and below
    ("noreason", Dropped),
    // 3.1.2, invalid messages.
    ("badinv01", Answered(400)),
    ("clerr", Answered(400)),
    ("ncl", Answered(400)),
    ("scalar02", Answered(400)),
    ("scalarlg", Dropped),
    ("quotbal", Answered(400)),
    ("ltgtruri", Answered(400)),
    ("lwsruri", Answered(400)),
    ("lwsstart", Answered(400)),
    ("trws", Answered(400)),
    ("escruri", Answered(400)),
    ("baddate", Invite), // an endpoint that has no use for Date may ignore it
    ("regbadct", Answered(400)),
    ("badaspec", Answered(400)),
    ("baddn", Answered(400)),
    ("badvers", Answered(505)),
    ("mismatch01", Answered(400)),
    ("mismatch02", Answered(400)), // or 501
    ("bigcode", Dropped),
    // 3.2, transaction layer.
    ("badbranch", Options), // as an RFC 2543 request
    // 3.3, application layer.
    ("insuf", Answered(400)),
    ("unkscm", Answered(416)),
    ("novelsc", Answered(416)),
    ("unksm2", Answered(405)),
    ("bext01", Answered(420)),
    ("invut", Answered(415)),
    ("regaut01", Answered(405)),
    ("multi01", Answered(400)),
    ("mcl01", Answered(400)),
    ("bcast", Dropped),
    ("zeromf", Options), // Max-Forwards is for proxies
    ("cparam01", Answered(405)),
    ("cparam02", Answered(405)),
    ("regescrt", Answered(405)),
    ("sdp01", Answered(406)),
    // 3.4, RFC 2543.
    ("inv2543", Invite),
];

fn source() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

fn local() -> SocketAddr {
    "192.0.2.9:5060".parse().unwrap()
}

fn treat(bytes: &Bytes) -> Treatment {
    let mut endpoint = Endpoint::new(EndpointConfig::default(), Seed(1));
    let before = *endpoint.counters();
    let now = testkit::Clock::new().now();
    endpoint.handle_input(now, Input::Datagram { source: source(), local: local(), bytes: bytes.clone() });
    let outputs: Vec<_> = std::iter::from_fn(|| endpoint.poll_output()).collect();
    if outputs.is_empty() {
        assert_ne!(*endpoint.counters(), before, "a drop is counted");
        return Dropped;
    }
    let codes: Vec<u16> = outputs.iter().filter_map(code).collect();
    match (codes.as_slice(), outputs.last()) {
        ([100], Some(Output::Invite(_))) => Invite,
        ([], Some(Output::Options(_))) => Options,
        ([code], Some(Output::Transmit { .. })) => Answered(*code),
        _ => panic!("{outputs:?}"),
    }
}

fn code(output: &Output) -> Option<u16> {
    match output {
        Output::Transmit { bytes, .. } => {
            let line = bytes.split(|byte| *byte == b'\r').next().unwrap();
            std::str::from_utf8(line).unwrap().split(' ').nth(1).unwrap().parse().ok()
        }
        Output::Invite(_) | Output::Options(_) | Output::Dialog { .. } | Output::CloseStream { .. } => None,
    }
}

fn material() -> Option<std::path::PathBuf> {
    testkit::shared_material("suites/sip-torture")
}

#[test]
fn ses_051_each_message_of_rfc_4475_gets_its_treatment() {
    let Some(directory) = material() else { return };
    let mut wrong = Vec::new();
    for (name, expected) in TREATMENTS {
        let bytes = Bytes::from(std::fs::read(directory.join(format!("{name}.dat"))).expect(name));
        let treatment = treat(&bytes);
        if treatment != *expected {
            let error = Message::parse(&bytes, &MessageLimits::default()).err();
            wrong.push(format!("{name}: {treatment:?} instead of {expected:?} ({error:?})"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(TREATMENTS.len(), 49);
}

#[test]
fn ses_051_no_part_of_a_message_of_rfc_4475_does_harm() {
    let Some(directory) = material() else { return };
    let epoch = testkit::epoch();
    for (name, _) in TREATMENTS {
        let bytes = std::fs::read(directory.join(format!("{name}.dat"))).expect(name);
        for part in testkit::every_truncation(&bytes) {
            sip::fuzz::message(part);
            sip::fuzz::endpoint(epoch, part);
        }
    }
}

#[test]
fn two_requests_in_one_stream_are_both_treated() {
    let Some(directory) = material() else { return };
    let bytes = std::fs::read(directory.join("dblreq.dat")).unwrap();
    let connection = ConnectionId(1);
    for (a, b) in testkit::every_split(&bytes) {
        let mut endpoint = Endpoint::new(EndpointConfig::default(), Seed(1));
        let now = testkit::Clock::new().now();
        endpoint.handle_input(now, Input::StreamOpened { connection, local: local(), remote: source() });
        let mut outputs = Vec::new();
        for part in [a, b] {
            endpoint.handle_input(now, Input::StreamData { connection, bytes: Bytes::copy_from_slice(part) });
            outputs.extend(std::iter::from_fn(|| endpoint.poll_output()));
        }
        let codes: Vec<u16> = outputs.iter().filter_map(code).collect();
        assert_eq!(codes, [405, 100]);
        let invited = |output: &Output| matches!(output, Output::Invite(invite) if invite.request.body.len() == 150);
        assert!(outputs.iter().any(invited), "split at {}", a.len());
    }
}
