//! RTP and RTCP, seen by a peer with sockets of its own.

use mrcp::Method;
use tokio::net::UdpSocket;

use crate::support::{BareCall, BareConnection, channel, http_get, offer, request, soon, start_server};

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
