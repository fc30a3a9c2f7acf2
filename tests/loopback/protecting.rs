//! Protected audio (SRTP), end to end.

use client::{Client, ClientConfig, GrammarBody, Ladder};
use media::{Srtp, SrtpKey, SrtpKeys, SrtpSuite};
use mrcp::{Headers, Method};
use sdp::CryptoSuite;
use server::Server;
use server::config::Config;
use session::SrtpPolicy;
use tokio::net::UdpSocket;

use crate::support::{
    BareCall, BareConnection, SOON, channel, configuration, heard, http_get, now, offer, request, soon, spoken,
    start_server, status,
};

/// A key of the offer: 30 octets of it in base64.
const OURS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn with_srtp(policy: SrtpPolicy) -> Config {
    let mut config = configuration();
    config.rtp.srtp = policy;
    config
}

async fn client(server: &Server, suites: &[CryptoSuite]) -> Client {
    let config = ClientConfig {
        product: "FreeSWITCH".to_owned(),
        srtp: suites.to_vec(),
        ..ClientConfig::new(server.sip_address())
    };
    Client::start(config, Ladder::off(now())).await.unwrap()
}

/// A bare offer whose audio is protected by [`OURS`].
fn protected(resource: &str, rtp_port: u16) -> String {
    let crypto = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{OURS}\r\na=mid:1\r\n");
    offer(resource, rtp_port, "0 101").replace("RTP/AVP", "RTP/SAVP").replace("a=mid:1\r\n", &crypto)
}

/// What the peer that sent that offer protects and unprotects with.
fn keys(answer: &str) -> SrtpKeys {
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let description = sdp::SessionDescription::parse(body.as_bytes()).unwrap();
    let accepted = description.audios().next().unwrap().cryptos[0].accept().unwrap();
    let key = |octets: &[u8]| SrtpKey::new(SrtpSuite::AesCm128HmacSha1_80, octets).unwrap();
    SrtpKeys { local: key(&[0; 30]), remote: key(accepted.material.octets()), remote_lifetime: None }
}

/// The server's RTP port.
fn audio_port(answer: &str) -> u16 {
    let line = answer.lines().find_map(|line| line.strip_prefix("m=audio ")).unwrap();
    line.split(' ').next().unwrap().parse().unwrap()
}

/// A packet of µ-law silence.
fn packet(sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend(77_u32.to_be_bytes());
    packet.extend([0xff; 160]);
    packet
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_007_sec_008_a_call_in_each_suite_is_heard_and_answered() {
    let server = Server::start(with_srtp(SrtpPolicy::Required)).await.unwrap();
    for suite in CryptoSuite::ALL {
        let client = client(&server, &[suite]).await;
        let mut synthesizer = client.open_synthesizer(None).await.unwrap();
        let id = synthesizer.speak("text/plain", "good morning", Headers::new()).await.unwrap();
        synthesizer.finished(id, SOON).await.unwrap();
        assert_eq!(heard(&synthesizer.take_audio(), 8_000), "good morning", "{suite:?}");
        let report = synthesizer.session.hang_up().await.unwrap();
        assert_eq!(report.refused, 0, "{suite:?}");
        let mut recognizer = client.open_recognizer(None).await.unwrap();
        let grammar = GrammarBody::uri("builtin:speech/transcribe");
        let id = recognizer.recognize(&grammar, Headers::new()).await.unwrap();
        recognizer.send_audio(&spoken("a dry cough", 8_000));
        let recognition = recognizer.finished(id, SOON).await.unwrap();
        assert_eq!(recognition.result.unwrap().input, "a dry cough", "{suite:?}");
        // Keys are heard by the same leg.
        let id = recognizer.recognize(&GrammarBody::uri("builtin:dtmf/digits?length=3"), Headers::new()).await.unwrap();
        recognizer.send_dtmf("147");
        let recognition = recognizer.finished(id, SOON).await.unwrap();
        assert_eq!(recognition.result.unwrap().instance, serde_json::json!("147"), "{suite:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_008_of_several_suites_the_first_is_answered() {
    let server = start_server().await;
    let client = client(&server, &CryptoSuite::ALL).await;
    let mut synthesizer = client.open_synthesizer(None).await.unwrap();
    let id = synthesizer.speak("text/plain", "ping", Headers::new()).await.unwrap();
    synthesizer.finished(id, SOON).await.unwrap();
    assert_eq!(heard(&synthesizer.take_audio(), 8_000), "ping");
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_007_what_the_robot_says_leaves_protected_and_so_does_its_last_report() {
    let server = start_server().await;
    let rtp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut call = BareCall::new(server.sip_address()).await;
    let port = rtp.local_addr().unwrap().port();
    let answer = call.request("INVITE", &protected("speechsynth", port)).await;
    let mut srtp = Srtp::new(keys(&answer));
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    connection.ask(request(&channel(&answer), 1, Method::Speak, "text/plain", "hello")).await;
    let mut datagram = [0; 2_000];
    let (length, _) = soon("audio", rtp.recv_from(&mut datagram)).await.unwrap();
    assert_eq!(length, 12 + 160 + 10, "the tag has 80 bits");
    assert_eq!(srtp.unprotect(&datagram[..length]).unwrap().len(), 12 + 160);
    call.request("BYE", "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_007_sec_008_packets_in_clear_under_another_key_or_sent_again_are_dropped_and_counted() {
    let server = start_server().await;
    let rtp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut call = BareCall::new(server.sip_address()).await;
    let answer = call.request("INVITE", &protected("speechrecog", rtp.local_addr().unwrap().port())).await;
    let to = ("127.0.0.1", audio_port(&answer));
    let keys = keys(&answer);
    let mut srtp = Srtp::new(keys.clone());
    let mut stranger = Srtp::new(SrtpKeys { local: keys.remote.clone(), ..keys });
    let id = channel(&answer);
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    let recognize = request(&id, 1, Method::Recognize, "text/uri-list", "builtin:dtmf/digits?length=1");
    connection.ask(recognize).await;
    for sequence in 0..5 {
        rtp.send_to(&packet(sequence), to).await.unwrap();
        rtp.send_to(stranger.protect(&packet(sequence)).unwrap(), to).await.unwrap();
        let mine = srtp.protect(&packet(sequence)).unwrap().to_vec();
        rtp.send_to(&mine, to).await.unwrap();
        rtp.send_to(&mine, to).await.unwrap();
    }
    // A key comes last: when it is heard, all before it was read.
    let mut key = packet(5);
    key.truncate(12);
    key[1] = 101;
    key.extend([5, 0x8a, 0x03, 0x20]);
    rtp.send_to(srtp.protect(&key).unwrap(), to).await.unwrap();
    let completed = loop {
        match soon("the key", connection.next()).await {
            Some(mrcp::Message::Event(event)) if event.name == mrcp::EventName::RecognitionComplete => break event,
            Some(_) => {}
            None => panic!("the server closed the connection"),
        }
    };
    assert!(String::from_utf8_lossy(&completed.body).contains('5'));
    // A leg tells its figures when it ends.
    call.request("BYE", "").await;
    let http = server.http_address().unwrap();
    let counted = |metrics: &str, reason: &str| {
        let line = format!("media_packets_dropped_total{{reason=\"{reason}\"}} ");
        metrics.lines().find_map(|found| found.strip_prefix(&line)?.parse::<f64>().ok()).unwrap_or(0.0)
    };
    soon("the figures", async {
        loop {
            let metrics = http_get(http, "/metrics").await.1;
            if counted(&metrics, "unprotected") >= 10.0 && counted(&metrics, "replayed") >= 5.0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_007_the_configuration_refuses_protection_or_its_absence() {
    for (policy, description) in
        [(SrtpPolicy::Off, protected("speechrecog", 4000)), (SrtpPolicy::Required, offer("speechrecog", 4000, "0"))]
    {
        let server = Server::start(with_srtp(policy)).await.unwrap();
        let answer = BareCall::new(server.sip_address()).await.request("INVITE", &description).await;
        assert_eq!(status(&answer), Some(488), "{policy:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_007_a_re_invite_with_another_key_changes_the_key() {
    let server = start_server().await;
    let rtp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut call = BareCall::new(server.sip_address()).await;
    let description = protected("speechsynth", rtp.local_addr().unwrap().port());
    let first = call.request("INVITE", &description).await;
    let suite = description.replace("SHA1_80", "SHA1_32").replace("crypto:1", "crypto:2");
    let second = call.request("INVITE", &suite).await;
    assert!(second.contains("a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:"), "{second}");
    let line = |answer: &str| answer.split_once("inline:").unwrap().1[..40].to_owned();
    assert_ne!(line(&first), line(&second), "a key serves one suite");
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    connection.ask(request(&channel(&second), 1, Method::Speak, "text/plain", "hello")).await;
    let mut datagram = [0; 2_000];
    let (length, _) = soon("audio", rtp.recv_from(&mut datagram)).await.unwrap();
    assert_eq!(length, 12 + 160 + 4, "the tag has 32 bits now");
    call.request("BYE", "").await;
}
