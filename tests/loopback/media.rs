//! RTP and RTCP, seen by a peer with sockets of its own.

use std::net::SocketAddr;
use std::time::Duration;

use client::{Client, ClientConfig, GrammarBody, Ladder};
use mrcp::{Headers, Message, Method};
use server::Server;
use server::config::PortMode;
use tokio::net::UdpSocket;

use crate::support::{
    BareCall, BareConnection, SOON, call_passes, channel, configuration, http_get, now, offer, request, soon, spoken,
    start_client, start_server, status,
};

/// An even port and the odd one after it, as a PBX takes them.
async fn ports() -> (UdpSocket, UdpSocket) {
    loop {
        let rtp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = rtp.local_addr().unwrap().port();
        if port.is_multiple_of(2)
            && let Ok(rtcp) = UdpSocket::bind(("127.0.0.1", port + 1)).await
        {
            return (rtp, rtcp);
        }
    }
}

/// The packet types of a compound RTCP packet (RFC 3550, section 6.1).
fn packet_types(mut compound: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    while let [_, kind, high, low, ..] = *compound {
        types.push(kind);
        let words = usize::from(u16::from_be_bytes([high, low]));
        compound = compound.get((words + 1) * 4..).unwrap_or_default();
    }
    types
}

#[tokio::test(flavor = "multi_thread")]
async fn rtp_004_rtp_009_reports_go_from_the_odd_port_to_the_odd_port_and_say_goodbye() {
    const SENDER_REPORT: u8 = 200;
    const SOURCE_DESCRIPTION: u8 = 202;
    const GOODBYE: u8 = 203;

    let server = start_server().await;
    let (rtp, rtcp) = ports().await;
    let mut call = BareCall::new(server.sip_address()).await;
    let answer = call.request("INVITE", &offer("speechsynth", rtp.local_addr().unwrap().port(), "0 101")).await;
    let channel = channel(&answer);
    let audio = answer.lines().find_map(|line| line.strip_prefix("m=audio ")).unwrap();
    let port: u16 = audio.split(' ').next().unwrap().parse().unwrap();
    assert!(port.is_multiple_of(2), "RTP has an even port: {port}");

    let mut connection = BareConnection::open(server.mrcp_address()).await;
    connection.ask(request(&channel, 1, Method::Speak, "text/plain", "hello")).await;
    let mut datagram = [0; 2_000];
    let (length, from) = soon("audio", rtp.recv_from(&mut datagram)).await.unwrap();
    assert_eq!((length, from.port()), (12 + 160, port));
    let ssrc = datagram[8..12].to_vec();

    call.request("BYE", "").await;
    let (length, from) = soon("a report", rtcp.recv_from(&mut datagram)).await.unwrap();
    assert_eq!(from.port(), port + 1);
    let report = &datagram[..length];
    assert_eq!(packet_types(report), [SENDER_REPORT, SOURCE_DESCRIPTION, GOODBYE]);
    assert_eq!(report[4..8], ssrc, "the report is about the stream");
    let seconds = u32::from_be_bytes(report[8..12].try_into().unwrap());
    // 2026 in NTP seconds; the next era begins in 2036.
    assert!(seconds > 3_976_214_400, "NTP time: {seconds}");
}

/// A receiver report of an unknown source about `ssrc`: a quarter lost lately, five packets in all.
fn receiver_report(ssrc: &[u8]) -> Vec<u8> {
    let mut report = vec![0x81, 201, 0, 7, 0, 0, 0, 9];
    report.extend(ssrc);
    report.extend([64, 0, 0, 5, 0, 0, 0, 9, 0, 0, 0, 80]);
    report.extend([0; 8]);
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn rtp_004_what_the_peer_reports_is_in_the_metrics_when_the_leg_ends() {
    let server = start_server().await;
    let (rtp, rtcp) = ports().await;
    let mut call = BareCall::new(server.sip_address()).await;
    let answer = call.request("INVITE", &offer("speechsynth", rtp.local_addr().unwrap().port(), "0 101")).await;
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    connection.ask(request(&channel(&answer), 1, Method::Speak, "text/plain", "long enough for a report")).await;
    let mut datagram = [0; 2_000];
    let (_, from) = soon("audio", rtp.recv_from(&mut datagram)).await.unwrap();
    rtcp.send_to(&receiver_report(&datagram[8..12]), ("127.0.0.1", from.port() + 1)).await.unwrap();
    // A worker reads at each tick, and sends every other tick: after some packets it has read the report.
    for _ in 0..8 {
        soon("more audio", rtp.recv_from(&mut datagram)).await.unwrap();
    }
    call.request("BYE", "").await;
    let http = server.http_address().unwrap();
    soon("the figures", async {
        loop {
            let metrics = http_get(http, "/metrics").await.1;
            let sum = |name: &str| -> f64 {
                let line = format!("{name}_sum ");
                metrics.lines().find_map(|found| found.strip_prefix(&line)?.parse().ok()).unwrap_or(0.0)
            };
            if sum("media_peer_lost_ratio") > 0.0
                && sum("media_peer_jitter_seconds") >= 0.01
                && sum("media_peer_mean_opinion_score") >= 1.0
            {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// The RTP port in an answer.
fn rtp_port(answer: &str) -> u16 {
    let audio = answer.lines().find_map(|line| line.strip_prefix("m=audio ")).unwrap();
    audio.split(' ').next().unwrap().parse().unwrap()
}

/// A packet of PCMU.
fn pcmu(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0xff; 160]);
    packet
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_share_a_port_are_each_heard_as_themselves() {
    let server = start_server().await;
    let client = start_client(&server).await;
    let words = ["one", "two", "three"];
    let mut sessions = Vec::new();
    for _ in words {
        sessions.push(client.open_recognizer(None).await.unwrap());
    }
    let grammar = GrammarBody::uri("builtin:speech/transcribe");
    let mut requests = Vec::new();
    for (session, word) in sessions.iter_mut().zip(words) {
        requests.push(session.recognize(&grammar, Headers::new()).await.unwrap());
        session.send_audio(&spoken(word, 8_000));
    }
    for ((session, request), word) in sessions.iter_mut().zip(requests).zip(words) {
        let recognition = session.finished(request, SOON).await.unwrap();
        assert_eq!(recognition.result.map(|result| result.input).as_deref(), Some(word));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_are_given_as_they_are_configured() {
    for (mode, are_shared) in [(PortMode::Auto, true), (PortMode::Shared, true), (PortMode::Range, false)] {
        let mut config = configuration();
        config.rtp.ports = mode;
        let server = Server::start(config).await.unwrap();
        let (mut one, mut two) = (BareCall::new(server.sip_address()).await, BareCall::new(server.sip_address()).await);
        let offers = [offer("speechsynth", one.port(), "0"), offer("speechsynth", two.port(), "0")];
        let ports =
            [rtp_port(&one.request("INVITE", &offers[0]).await), rtp_port(&two.request("INVITE", &offers[1]).await)];
        assert_eq!(ports[0] == ports[1], are_shared, "{mode:?}: {ports:?}");
        call_passes(&server).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_behind_nat_is_found_by_its_packets_and_nobody_takes_its_place() {
    let server = start_server().await;
    let mut call = BareCall::new(server.sip_address()).await;
    // An address of documentation: what a private one looks like from outside.
    let behind = offer("speechsynth", 4_000, "0").replace("c=IN IP4 127.0.0.1", "c=IN IP4 192.0.2.1");
    let answer = call.request("INVITE", &behind).await;
    let to = SocketAddr::from(([127, 0, 0, 1], rtp_port(&answer)));
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let stranger = UdpSocket::bind("127.0.0.2:0").await.unwrap();
    for sequence in 0..4 {
        peer.send_to(&pcmu(1, sequence), to).await.unwrap();
    }
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    connection.ask(request(&channel(&answer), 1, Method::Speak, "text/plain", "hello to whom it concerns")).await;
    let mut datagram = [0; 2_000];
    soon("audio", peer.recv_from(&mut datagram)).await.unwrap();
    for sequence in 0..20 {
        stranger.send_to(&pcmu(2, sequence), to).await.unwrap();
        soon("more audio", peer.recv_from(&mut datagram)).await.unwrap();
    }
    assert!(stranger.try_recv_from(&mut datagram).is_err(), "the stranger hears nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_pass_over_ipv6() {
    let mut config = configuration();
    config.server.address = "::1".parse().unwrap();
    let server = Server::start(config).await.unwrap();
    call_passes(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_takes_calls_of_both_families() {
    let mut config = configuration();
    config.server.address = "::".parse().unwrap();
    let server = Server::start(config).await.unwrap();
    for host in ["127.0.0.1", "::1"] {
        let address = SocketAddr::new(host.parse().unwrap(), server.sip_address().port());
        let client = Client::start(ClientConfig::new(address), Ladder::off(now())).await.unwrap();
        let mut session = client.open_synthesizer(None).await.unwrap();
        let id = session.speak("text/plain", "ping", Headers::new()).await.unwrap();
        session.finished(id, SOON).await.unwrap();
        assert_eq!(crate::support::heard(&session.take_audio(), 8_000), "ping", "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_at_an_address_that_our_sockets_do_not_reach_is_refused() {
    let server = start_server().await;
    let mut call = BareCall::new(server.sip_address()).await;
    let other = offer("speechsynth", 4_000, "0").replace("c=IN IP4 127.0.0.1", "c=IN IP6 2001:db8::1");
    assert_eq!(status(&call.request("INVITE", &other).await), Some(488));
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_outside_are_told_the_external_address_and_local_ones_ours() {
    let mut config = configuration();
    config.rtp.external_ip = Some("203.0.113.7".parse().unwrap());
    let server = Server::start(config.clone()).await.unwrap();
    let mut call = BareCall::new(server.sip_address()).await;
    let answer = call.request("INVITE", &offer("speechsynth", 4_000, "0")).await;
    assert!(answer.contains("c=IN IP4 127.0.0.1"), "{answer}");
    config.rtp.local_networks.clear();
    let server = Server::start(config).await.unwrap();
    let mut call = BareCall::new(server.sip_address()).await;
    let answer = call.request("INVITE", &offer("speechsynth", 4_000, "0")).await;
    assert!(answer.contains("c=IN IP4 203.0.113.7"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_sends_nothing_while_somebody_listens_is_hung_up_on() {
    let mut config = configuration();
    config.rtp.timeout = Some(Duration::from_secs(1));
    let server = Server::start(config).await.unwrap();
    let mut call = BareCall::new(server.sip_address()).await;
    let answer = call.request("INVITE", &offer("speechrecog", 4_000, "0")).await;
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    let grammar = request(&channel(&answer), 1, Method::Recognize, "text/uri-list", "builtin:speech/transcribe\r\n");
    connection.ask(grammar).await;
    assert!(matches!(connection.next().await, Some(Message::Event(_))), "the request is completed first");
    assert!(call.receive().await.starts_with("BYE "));
}

#[tokio::test(flavor = "multi_thread")]
async fn or_its_recognition_ends_and_the_session_goes_on() {
    let mut config = configuration();
    config.rtp.timeout = Some(Duration::from_secs(1));
    config.rtp.on_timeout = session::SilentPeer::EndsRecognition;
    let server = Server::start(config).await.unwrap();
    let mut call = BareCall::new(server.sip_address()).await;
    let answer = call.request("INVITE", &offer("speechrecog", 4_000, "0")).await;
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    let channel = channel(&answer);
    for id in 1..=2 {
        let grammar = request(&channel, id, Method::Recognize, "text/uri-list", "builtin:speech/transcribe\r\n");
        connection.ask(grammar).await;
        let Some(Message::Event(event)) = connection.next().await else { panic!("no event") };
        let cause = event.headers.text(&mrcp::HeaderName::CompletionCause).unwrap_or_default();
        assert!(cause.starts_with("006"), "{cause}");
    }
}
