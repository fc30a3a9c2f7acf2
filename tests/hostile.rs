//! A whole server that is sent what no client should send: it answers as the RFCs say or not at all, and serves on.
#![expect(clippy::unwrap_used, reason = "tests")]

#[allow(dead_code, reason = "each test program uses a part of it")]
mod support;

use std::time::Duration;

use bytes::Bytes;
use mrcp::{Headers, Message, Method, RequestId, RequestState};
use server::Server;
use support::{
    BareCall, BareConnection, call_passes, channel, configuration, header, offer, request, soon, start_server, status,
    until,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// Requests of RFC 4475 that are questions this server may answer with 200.
const OPTIONS: [&str; 5] = ["lwsdisp", "semiuri", "transports", "badbranch", "zeromf"];

async fn open_call(server: &Server, resource: &str) -> (BareCall, mrcp::ChannelId) {
    let mut call = BareCall::new(server.sip_address()).await;
    let answer = call.request("INVITE", &offer(resource, call.port(), "0 101")).await;
    assert_eq!(status(&answer), Some(200), "{answer}");
    let id = channel(&answer);
    (call, id)
}

/// Sends `bytes` over TCP and returns what comes back until the server closes, or is silent.
async fn exchange(address: std::net::SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server may close before it has read everything.
    let _refused = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(Ok(length @ 1..)) = tokio::time::timeout(Duration::from_millis(800), stream.read(&mut buffer)).await {
        answer.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn ses_051_no_torture_message_gets_a_wrong_2xx() {
    let Some(directory) = testkit::shared_material("suites/sip-torture") else { return };
    let server = start_server().await;
    let address = server.sip_address();
    let datagrams = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut exchanges = tokio::task::JoinSet::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "dat") {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(path).unwrap();
        // Their Via says where answers go, which is not here: over UDP it is the server's life that counts.
        datagrams.send_to(&bytes, address).await.unwrap();
        exchanges.spawn(async move { (name, exchange(address, &bytes).await) });
    }
    let mut answered = 0;
    while let Some(done) = exchanges.join_next().await {
        let (name, answer) = done.unwrap();
        let statuses: Vec<u16> = answer.lines().filter_map(status).collect();
        answered += usize::from(!statuses.is_empty());
        let is_wrong = statuses.iter().any(|status| (200..300).contains(status)) && !OPTIONS.contains(&name.as_str());
        assert!(!is_wrong, "{name} was answered\n{answer}");
    }
    assert!(answered > 20, "only {answered} messages were answered");
    until("the end of what the messages began", || server.sessions() == 0).await;
    call_passes(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frm_030_junk_at_any_port_harms_nobody() {
    let server = start_server().await;
    let (call, id) = open_call(&server, "speechsynth").await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let junk: [&[u8]; 7] = [
        b"",
        b"\r\n\r\n",
        b"\0\xff\xfe",
        b"INVITE",
        b"INVITE sip:x SIP/2.0\r\n\r\n",
        b"MRCP/2.0 99999999999999999999 SPEAK 1\r\n\r\n",
        &[0x41; 60_000],
    ];
    for bytes in junk {
        socket.send_to(bytes, server.sip_address()).await.unwrap();
    }
    let mut held = Vec::new();
    for address in [server.sip_address(), server.mrcp_address()] {
        for bytes in junk {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // The server may have had enough of it already.
            let _refused = stream.write_all(bytes).await;
            held.push(stream);
        }
    }
    // The call that was there goes on, and others come through.
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    let speak = request(&id, 1, Method::Speak, "text/plain", "calm");
    assert_eq!(connection.ask(speak).await.state, RequestState::InProgress);
    call_passes(&server).await;
    drop((held, call));
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_for_an_rtp_port_is_dropped() {
    let server = start_server().await;
    let mut call = BareCall::new(server.sip_address()).await;
    let answer = call.request("INVITE", &offer("speechrecog", call.port(), "0 101")).await;
    let audio = answer.lines().find_map(|line| line.strip_prefix("m=audio ")).unwrap();
    let port: u16 = audio.split(' ').next().unwrap().parse().unwrap();
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    let mut recognize = request(&channel(&answer), 1, Method::Recognize, "text/uri-list", "builtin:grammar/boolean");
    recognize.headers.push(mrcp::HeaderName::NoInputTimeout, "300");
    assert_eq!(connection.ask(recognize).await.state, RequestState::InProgress);
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut packet = vec![0x80, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4];
    for length in [0, 1, 11, 12] {
        socket.send_to(&packet[..length], ("127.0.0.1", port)).await.unwrap();
    }
    for first in [0x00, 0x8f, 0x9f, 0xbf, 0xff] {
        packet[0] = first;
        socket.send_to(&packet, ("127.0.0.1", port)).await.unwrap();
    }
    packet[0] = 0x80;
    packet.resize(9_000, 0xff);
    socket.send_to(&packet, ("127.0.0.1", port)).await.unwrap();
    packet[1] = 101;
    socket.send_to(&packet[..13], ("127.0.0.1", port)).await.unwrap();
    let Some(Message::Event(event)) = connection.next().await else { panic!("the connection ended") };
    assert_eq!(event.state, RequestState::Complete, "{event:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptions_that_cannot_be_served_are_refused() {
    let server = start_server().await;
    let good = offer("speechsynth", 4_000, "0 101");
    for (body, statuses) in [
        ("no description at all".to_owned(), &[400, 488][..]),
        (good.replace("speechsynth", "teleporter"), &[488]),
        (good.replace("TCP/MRCPv2", "TCP/TLS/MRCPv2"), &[488]),
        (offer("speechsynth", 4_000, "18"), &[488]),
        (good.lines().filter(|line| !line.starts_with("m=application")).collect::<Vec<_>>().join("\r\n"), &[488, 400]),
        (good.replace("127.0.0.1", "not an address"), &[400, 488]),
    ] {
        let mut call = BareCall::new(server.sip_address()).await;
        let answer = call.request("INVITE", &body).await;
        assert!(statuses.contains(&status(&answer).unwrap()), "{body}\n{answer}");
    }
    until("the end of all sessions", || server.sessions() == 0).await;
    call_passes(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ses_043_ses_046_unknown_sip_methods_and_dialogs_are_told_so() {
    let server = start_server().await;
    for (method, expected) in [("SUBSCRIBE", &[405, 501][..]), ("FOO", &[405, 501]), ("BYE", &[481])] {
        let answer = BareCall::new(server.sip_address()).await.request(method, "").await;
        assert!(expected.contains(&status(&answer).unwrap()), "{method}: {answer}");
        if status(&answer) == Some(405) {
            assert!(header(&answer, "Allow").is_some());
        }
    }
    let (mut call, _) = open_call(&server, "speechrecog").await;
    let answer = call.request("INFO", "").await;
    assert!([405, 501].contains(&status(&answer).unwrap()), "{answer}");
    assert_eq!(status(&call.request("BYE", "").await), Some(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn mrcp_requests_that_cannot_be_served_are_answered() {
    let server = start_server().await;
    let (_call, id) = open_call(&server, "speechsynth").await;
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    let nobody = "0123456789abcdef@speechsynth".parse().unwrap();
    let code = |response: mrcp::Response| response.status.code();
    assert_eq!(code(connection.ask(request(&nobody, 1, Method::Speak, "text/plain", "x")).await), 405);
    assert_eq!(code(connection.ask(request(&id, 2, Method::Other("TELEPORT".into()), "", "")).await), 401);
    assert_eq!(code(connection.ask(request(&id, 3, Method::Recognize, "text/plain", "x")).await), 401);
    assert!([408, 409].contains(&code(connection.ask(request(&id, 4, Method::Speak, "image/png", "x")).await)));
    assert_eq!(code(connection.ask(request(&id, 5, Method::Pause, "", "")).await), 402);
    assert_eq!(code(connection.ask(request(&id, 5, Method::Stop, "", "")).await), 410);
    // It is still the same connection and channel.
    assert_eq!(code(connection.ask(request(&id, 6, Method::Speak, "text/plain", "x")).await), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn frm_011_huge_messages_are_refused() {
    let mut config = configuration();
    config.mrcp.message_bytes_max = 20_000;
    let server = Server::start(config).await.unwrap();
    let (_call, id) = open_call(&server, "speechsynth").await;
    let body = "x".repeat(40_000);
    let message = Message::Request(request(&id, 1, Method::Speak, "text/plain", &body)).encode();
    let answer = exchange(server.mrcp_address(), &message).await;
    assert!(answer.is_empty() || answer.contains(" 1 504 "), "{answer}");
    let endless = format!("OPTIONS sip:x SIP/2.0\r\nSubject: {}", "x".repeat(200_000));
    let answer = exchange(server.sip_address(), endless.as_bytes()).await;
    assert!(!answer.contains("SIP/2.0 200"), "{answer}");
    call_passes(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_half_closes_is_answered_or_closed_but_not_kept() {
    let server = start_server().await;
    let (mut call, id) = open_call(&server, "speechsynth").await;
    let mut stream = TcpStream::connect(server.mrcp_address()).await.unwrap();
    let message = Message::Request(request(&id, 1, Method::GetParams, "", "")).encode();
    stream.write_all(&message).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    soon("the end of the connection", stream.read_to_end(&mut answer)).await.unwrap();
    // Its call has no connection any more.
    let bye = call.receive().await;
    assert!(bye.starts_with("BYE "), "{bye}");
    let mut sip = TcpStream::connect(server.sip_address()).await.unwrap();
    sip.write_all(b"OPTIONS sip:x SIP/2.0\r\n").await.unwrap();
    sip.shutdown().await.unwrap();
    soon("the end of the connection", sip.read_to_end(&mut answer)).await.unwrap();
    drop(call.request("OPTIONS", "").await);
    call_passes(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn con_010_a_client_that_never_reads_is_dropped_and_harms_nobody() {
    let server = start_server().await;
    let (_call, id) = open_call(&server, "speechrecog").await;
    let mut stream = TcpStream::connect(server.mrcp_address()).await.unwrap();
    let mut requests = Vec::new();
    for number in 1..8_000 {
        let mut request = request(&id, number, Method::SetParams, "", "");
        request.headers = Headers::new().with(mrcp::HeaderName::NoInputTimeout, "x".repeat(2_000));
        assert_eq!(request.id, RequestId(number));
        requests.extend_from_slice(&Message::Request(request).encode());
    }
    let requests = Bytes::from(requests);
    let flood = tokio::spawn(async move { stream.write_all(&requests).await });
    call_passes(&server).await;
    let outcome = soon("the end of the connection", flood).await.unwrap();
    assert!(outcome.is_err(), "the server took 16 MB and kept as many for a client that does not read");
    call_passes(&server).await;
}
