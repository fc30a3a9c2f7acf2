//! Control connections: many channels on one, many of one dialog, and who may use them.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use mrcp::{ChannelId, HeaderName, Headers, Message, Method, RequestState};
use server::Server;
use tokio::net::TcpSocket;

use crate::support::{
    BareCall, BareConnection, channel, configuration, header, offer, request, start_server, status, until,
};

const TWO: &str = "v=0\r\no=test 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=application 9 TCP/MRCPv2 1\r\na=setup:active\r\na=connection:new\r\na=resource:speechrecog\r\na=cmid:1\r\n\
    m=application 9 TCP/MRCPv2 1\r\na=setup:active\r\na=connection:new\r\na=resource:speechsynth\r\na=cmid:1\r\n\
    m=audio 4000 RTP/AVP 0\r\na=mid:1\r\n";

/// A call with a recognizer and a synthesizer.
async fn open_two(server: &Server) -> (BareCall, ChannelId, ChannelId) {
    let mut call = BareCall::new(server.sip_address()).await;
    let answer = call.request("INVITE", TWO).await;
    assert_eq!(status(&answer), Some(200), "{answer}");
    let mut channels = answer.lines().filter_map(|line| line.strip_prefix("a=channel:")).map(|id| id.parse().unwrap());
    let (recognizer, synthesizer) = (channels.next().unwrap(), channels.next().unwrap());
    (call, recognizer, synthesizer)
}

async fn open(server: &Server, resource: &str) -> (BareCall, ChannelId) {
    let mut call = BareCall::new(server.sip_address()).await;
    let answer = call.request("INVITE", &offer(resource, call.port(), "0 101")).await;
    assert_eq!(status(&answer), Some(200), "{answer}");
    let id = channel(&answer);
    (call, id)
}

fn set(id: &ChannelId, request_id: u32, value: &str) -> mrcp::Request {
    let mut set = request(id, request_id, Method::SetParams, "", "");
    set.headers = Headers::new().with(HeaderName::NoInputTimeout, value);
    set
}

fn get(id: &ChannelId, request_id: u32) -> mrcp::Request {
    let mut get = request(id, request_id, Method::GetParams, "", "");
    get.headers = Headers::new().with(HeaderName::NoInputTimeout, "");
    get
}

#[tokio::test(flavor = "multi_thread")]
async fn con_001_con_003_ses_009_sec_021_many_dialogs_share_a_connection_and_nothing_else() {
    let server = start_server().await;
    let mut calls = Vec::new();
    for _ in 0..100 {
        calls.push(open(&server, "speechrecog").await);
    }
    let prefixes: HashSet<&str> = calls.iter().map(|(_, id)| id.prefix()).collect();
    assert_eq!(prefixes.len(), calls.len(), "every dialog has a prefix of its own");
    assert!(prefixes.iter().all(|prefix| prefix.len() == 32), "128 bits");
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    for (at, (_, id)) in calls.iter().enumerate() {
        assert_eq!(connection.ask(set(id, 1, &at.to_string())).await.status.code(), 200);
    }
    for (at, (_, id)) in calls.iter().enumerate() {
        let response = connection.ask(get(id, 2)).await;
        assert_eq!(response.headers.text(&HeaderName::NoInputTimeout), Some(at.to_string().as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frm_026_frm_029_responses_precede_events_also_when_all_ask_at_once() {
    let server = start_server().await;
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    let mut calls = Vec::new();
    for _ in 0..40 {
        let (call, id) = open(&server, "speechrecog").await;
        calls.push((call, id));
    }
    for (_, id) in &calls {
        let mut recognize = request(id, 1, Method::Recognize, "text/uri-list", "builtin:grammar/boolean");
        recognize.headers.push(HeaderName::NoInputTimeout, "0");
        connection.send(recognize).await;
    }
    let mut seen: HashMap<ChannelId, usize> = HashMap::new();
    let mut completed = 0;
    while completed < calls.len() {
        match connection.next().await.unwrap() {
            Message::Response(response) => {
                let before = seen.insert(response.channel.clone(), 1);
                assert_eq!((before, response.state), (None, RequestState::InProgress), "{response:?}");
            }
            Message::Event(event) => {
                assert_eq!(seen.get(&event.channel), Some(&1), "an event before its response: {event:?}");
                assert_eq!(event.state, RequestState::Complete);
                completed += 1;
            }
            Message::Request(request) => panic!("{request:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn con_002_ses_009_the_channels_of_a_dialog_have_one_prefix_and_may_have_a_connection_each() {
    let server = start_server().await;
    let (_call, recognizer, synthesizer) = open_two(&server).await;
    assert_eq!(recognizer.prefix(), synthesizer.prefix());
    let mut one = BareConnection::open(server.mrcp_address()).await;
    let mut other = BareConnection::open(server.mrcp_address()).await;
    assert_eq!(one.ask(get(&recognizer, 1)).await.status.code(), 200);
    let speak = request(&synthesizer, 2, Method::Speak, "text/plain", "hi");
    assert_eq!(other.ask(speak).await.state, RequestState::InProgress);
    let Some(Message::Event(event)) = other.next().await else { panic!("the connection ended") };
    assert_eq!(event.state, RequestState::Complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn con_004_a_channel_is_gone_with_its_dialog() {
    let server = start_server().await;
    let (mut call, id) = open(&server, "speechrecog").await;
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    assert_eq!(connection.ask(get(&id, 1)).await.status.code(), 200);
    assert_eq!(status(&call.request("BYE", "").await), Some(200));
    until("the end of the session", || server.sessions() == 0).await;
    assert_eq!(connection.ask(get(&id, 2)).await.status.code(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn con_005_another_host_cannot_use_a_channel_that_it_has_guessed() {
    let server = start_server().await;
    let (_call, id) = open(&server, "speechrecog").await;
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    assert_eq!(connection.ask(get(&id, 1)).await.status.code(), 200);
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut stranger = BareConnection::over(socket.connect(server.mrcp_address()).await.unwrap());
    assert_eq!(stranger.ask(request(&id, 2, Method::Stop, "", "")).await.status.code(), 405);
    assert_eq!(connection.ask(get(&id, 2)).await.status.code(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn con_008_a_response_goes_where_its_request_came_from_and_events_to_the_channels_connection() {
    let server = start_server().await;
    let (_call, id) = open(&server, "speechrecog").await;
    let mut one = BareConnection::open(server.mrcp_address()).await;
    let mut other = BareConnection::open(server.mrcp_address()).await;
    let mut recognize = request(&id, 1, Method::Recognize, "text/uri-list", "builtin:grammar/boolean");
    recognize.headers.push(HeaderName::NoInputTimeout, "500");
    assert_eq!(one.ask(recognize).await.state, RequestState::InProgress);
    assert_eq!(other.ask(get(&id, 2)).await.status.code(), 200);
    let Some(Message::Event(event)) = other.next().await else { panic!("the connection ended") };
    assert_eq!(event.state, RequestState::Complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn ses_007_ses_008_existing_without_a_connection_is_answered_new() {
    let mut config = configuration();
    config.mrcp.connection_reuse = true;
    let server = Server::start(config).await.unwrap();
    let existing =
        |call: &BareCall| offer("speechsynth", call.port(), "0").replace("connection:new", "connection:existing");
    let mut first = BareCall::new(server.sip_address()).await;
    let answer = first.request("INVITE", &existing(&first)).await;
    assert!(answer.contains("a=connection:new"), "{answer}");
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    let speak = request(&channel(&answer), 1, Method::Speak, "text/plain", "hi");
    assert_eq!(connection.ask(speak).await.state, RequestState::InProgress);
    let mut second = BareCall::new(server.sip_address()).await;
    let answer = second.request("INVITE", &existing(&second)).await;
    assert!(answer.contains("a=connection:existing"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ses_017_ses_018_a_connection_is_kept_while_it_is_used_and_closed_later() {
    let mut config = configuration();
    config.mrcp.idle = Some(Duration::from_millis(100));
    let server = Server::start(config).await.unwrap();
    let (mut one, first) = open(&server, "speechrecog").await;
    let (mut other, second) = open(&server, "speechrecog").await;
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    assert_eq!(connection.ask(get(&first, 1)).await.status.code(), 200);
    assert_eq!(connection.ask(get(&second, 1)).await.status.code(), 200);
    assert_eq!(status(&one.request("BYE", "").await), Some(200));
    // Longer than the limit, and one channel is still there.
    let mut recognize = request(&second, 2, Method::Recognize, "text/uri-list", "builtin:grammar/boolean");
    recognize.headers.push(HeaderName::NoInputTimeout, "400");
    assert_eq!(connection.ask(recognize).await.state, RequestState::InProgress);
    assert!(matches!(connection.next().await, Some(Message::Event(_))));
    assert_eq!(status(&other.request("BYE", "").await), Some(200));
    assert!(connection.next().await.is_none(), "nobody uses it any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn ses_015_ses_016_channels_are_added_and_released_by_reinvite() {
    let server = start_server().await;
    let (mut call, recognizer) = open(&server, "speechrecog").await;
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    let before = offer("speechrecog", call.port(), "0 101").replace("a=sendonly", "a=sendrecv");
    let line = |resource: &str, port: u16| {
        format!(
            "m=application {port} TCP/MRCPv2 1\r\na=setup:active\r\na=connection:existing\r\na=resource:{resource}\r\na=cmid:1\r\n"
        )
    };
    let answer = call.request("INVITE", &format!("{before}{}", line("speakverify", 9))).await;
    assert_eq!(status(&answer), Some(488), "{answer}");
    assert_eq!(connection.ask(get(&recognizer, 1)).await.status.code(), 200);
    let answer = call.request("INVITE", &format!("{before}{}", line("speechsynth", 9))).await;
    assert_eq!(status(&answer), Some(200), "{answer}");
    let ids: Vec<&str> = answer.lines().filter_map(|line| line.strip_prefix("a=channel:")).collect();
    assert_eq!(ids.len(), 2);
    let synthesizer: ChannelId = ids[1].trim().parse().unwrap();
    let speak = request(&synthesizer, 2, Method::Speak, "text/plain", "hi");
    assert_eq!(connection.ask(speak).await.state, RequestState::InProgress);
    let answer = call.request("INVITE", &format!("{before}{}", line("speechsynth", 0))).await;
    assert_eq!(status(&answer), Some(200), "{answer}");
    assert!(matches!(connection.next().await, Some(Message::Event(event)) if event.state == RequestState::Complete));
    assert_eq!(connection.ask(get(&synthesizer, 3)).await.status.code(), 405);
    assert_eq!(connection.ask(get(&recognizer, 3)).await.status.code(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_023_a_peer_with_its_share_of_sessions_gets_503() {
    let mut config = configuration();
    config.server.sessions_per_peer_max = 2;
    let server = Server::start(config).await.unwrap();
    let held = (open(&server, "speechrecog").await, open(&server, "speechsynth").await);
    let mut third = BareCall::new(server.sip_address()).await;
    let answer = third.request("INVITE", &offer("speechrecog", third.port(), "0")).await;
    assert_eq!(status(&answer), Some(503), "{answer}");
    assert!(header(&answer, "Retry-After").is_some());
    let ((mut first, _), _second) = held;
    assert_eq!(status(&first.request("BYE", "").await), Some(200));
    until("the end of a session", || server.sessions() == 1).await;
    let _fourth = open(&server, "speechrecog").await;
}
