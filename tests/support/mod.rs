//! What the whole-server tests share: a server on free ports with the fake engine, a client, and bare sockets.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use bytes::Bytes;
use client::{CallerAudio, Client, ClientConfig, Ladder, Notice, Session};
use engine::fake::{FakeConfig, tone_code};
use mrcp::{ChannelId, Event, Framer, Headers, Limits, Message, Method, Request, RequestId, Response};
use server::Server;
use server::config::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// Longer than anything takes that is going to happen.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A server's configuration with free ports on loopback, the fake engine and short times.
pub(crate) fn configuration() -> Config {
    // Tests run side by side, as threads and as processes; ports in use are skipped.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let process = u16::try_from(std::process::id() % 40).unwrap_or(0) * 250;
    let port_min = 20_000 + process + NEXT.fetch_add(50, Ordering::Relaxed) % 250;
    let text = format!(
        r#"
        [server]
        address = "127.0.0.1"
        [sip]
        port = 0
        [mrcp]
        port = 0
        [rtp]
        port_min = {port_min}
        port_max = {port_max}
        [recognizer]
        no_input_timeout_ms = 8000
        speech_complete_timeout_ms = 200
        speech_incomplete_timeout_ms = 400
        dtmf_interdigit_timeout_ms = 1500
        dtmf_term_timeout_ms = 200
        [synthesizer]
        completion_tail_ms = 40
        [engine]
        kind = "fake"
        [dialog]
        listen = "127.0.0.1:0"
        [http]
        listen = "127.0.0.1:0"
        "#,
        port_max = port_min + 2_000,
    );
    Config::parse(&text).unwrap()
}

/// What the fake engine is told.
pub(crate) fn fake(config: &mut Config) -> &mut FakeConfig {
    match &mut config.engine.backend {
        engine::Backend::Fake(fake) => fake,
        engine::Backend::Sherpa(_) => panic!("the tests use the fake engine"),
    }
}

/// A server with [`configuration`].
pub(crate) async fn start_server() -> Server {
    Server::start(configuration()).await.unwrap()
}

pub(crate) fn now() -> std::time::Instant {
    tokio::time::Instant::now().into_std()
}

/// A client that calls as FreeSWITCH does.
pub(crate) async fn start_client(server: &Server) -> Client {
    let config = ClientConfig { product: "FreeSWITCH".to_owned(), ..ClientConfig::new(server.sip_address()) };
    Client::start(config, Ladder::off(now())).await.unwrap()
}

/// A caller's words, as the fake recognizer hears them.
pub(crate) fn spoken(text: &str, sample_rate_hz: u32) -> CallerAudio {
    let mut samples = Vec::new();
    media::resample::to_i16(&tone_code::encode(text, sample_rate_hz), &mut samples);
    CallerAudio::new(samples, sample_rate_hz)
}

/// What audio from the fake synthesizer says.
pub(crate) fn heard(samples: &[i16], sample_rate_hz: u32) -> String {
    tone_code::decode(samples, sample_rate_hz).map(|heard| heard.text).unwrap_or_default()
}

/// `future`, which must not take long.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(SOON, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not come"),
    }
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let mut interval = tokio::time::interval(Duration::from_millis(5));
    soon(what, async {
        while !condition() {
            interval.tick().await;
        }
    })
    .await;
}

/// The next event of a session.
pub(crate) async fn next_event(session: &mut Session) -> Event {
    soon("an event", async {
        loop {
            match session.notice().await {
                Notice::Event { event, .. } => return event,
                Notice::Leg(_) => {}
                other => panic!("{other:?}"),
            }
        }
    })
    .await
}

/// A request without a body.
pub(crate) async fn ask(session: &mut Session, method: Method, headers: Headers) -> Response {
    session.request(method, headers, Bytes::new()).await.unwrap()
}

/// One GET: the status and the whole answer.
pub(crate) async fn http_get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon("the answer over HTTP", stream.read_to_string(&mut answer)).await.unwrap();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    (status, answer)
}

/// One GET: the status and the content.
pub(crate) async fn http_get_bytes(address: SocketAddr, path: &str) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    soon("the answer over HTTP", stream.read_to_end(&mut answer)).await.unwrap();
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let status = String::from_utf8_lossy(&answer[..head]).split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap(), answer.split_off(head + 4))
}

/// An offer for one resource.
pub(crate) fn offer(resource: &str, rtp_port: u16, formats: &str) -> String {
    let direction = if resource.ends_with("synth") { "recvonly" } else { "sendonly" };
    format!(
        "v=0\r\no=test 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=application 9 TCP/MRCPv2 1\r\na=setup:active\r\na=connection:new\r\na=resource:{resource}\r\na=cmid:1\r\n\
         m=audio {rtp_port} RTP/AVP {formats}\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:96 L16/8000\r\na=rtpmap:101 telephone-event/8000\r\na={direction}\r\na=ptime:20\r\na=mid:1\r\n"
    )
}

/// The value of a header in a SIP message as text.
pub(crate) fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.lines().take_while(|line| !line.is_empty()).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The status of a SIP response as text.
pub(crate) fn status(response: &str) -> Option<u16> {
    response.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
}

/// The channel in an answer.
pub(crate) fn channel(answer: &str) -> ChannelId {
    let line = answer.lines().find_map(|line| line.strip_prefix("a=channel:")).unwrap();
    line.trim().parse().unwrap()
}

/// One SIP dialog over a bare UDP socket.
pub(crate) struct BareCall {
    socket: UdpSocket,
    server: SocketAddr,
    local: SocketAddr,
    call_id: String,
    remote_tag: Option<String>,
    sequence: u32,
}

impl BareCall {
    pub(crate) async fn new(server: SocketAddr) -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(1);
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(server).await.unwrap();
        let local = socket.local_addr().unwrap();
        let call_id = format!("{}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed), local.port());
        Self { socket, server, local, call_id, remote_tag: None, sequence: 0 }
    }

    /// The port of our socket, as good as any for RTP that nobody listens to.
    pub(crate) fn port(&self) -> u16 {
        self.local.port()
    }

    /// Sends a request and returns its final response; an INVITE's is acknowledged.
    pub(crate) async fn request(&mut self, method: &str, body: &str) -> String {
        self.sequence += 1;
        let sequence = self.sequence;
        self.send(method, sequence, body).await;
        let response = loop {
            let message = self.receive().await;
            let belongs = header(&message, "CSeq") == Some(&format!("{sequence} {method}"));
            if belongs && status(&message).is_some_and(|status| status >= 200) {
                break message;
            }
        };
        if let Some((_, tag)) = header(&response, "To").and_then(|to| to.split_once("tag=")) {
            self.remote_tag = Some(tag.to_owned());
        }
        if method == "INVITE" {
            self.send("ACK", sequence, "").await;
        }
        response
    }

    /// The next message of any kind.
    pub(crate) async fn receive(&self) -> String {
        let mut buffer = vec![0; 65_535];
        let length = soon("a SIP message", self.socket.recv(&mut buffer)).await.unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    async fn send(&self, method: &str, sequence: u32, body: &str) {
        let Self { server, local, call_id, .. } = self;
        let tag = self.remote_tag.as_ref().map(|tag| format!(";tag={tag}")).unwrap_or_default();
        let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let text = format!(
            "{method} sip:{server} SIP/2.0\r\nVia: SIP/2.0/UDP {local};rport;branch=z9hG4bK-{call_id}-{sequence}-{method}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:test@{local}>;tag=t-{call_id}\r\nTo: <sip:{server}>{tag}\r\n\
             Call-ID: {call_id}\r\nCSeq: {sequence} {method}\r\nContact: <sip:test@{local}>\r\n{content}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.socket.send(text.as_bytes()).await.unwrap();
    }
}

/// An MRCP connection without a client behind it.
pub(crate) struct BareConnection {
    pub(crate) stream: TcpStream,
    framer: Framer,
    waiting: std::collections::VecDeque<Message>,
}

impl BareConnection {
    pub(crate) async fn open(server: SocketAddr) -> Self {
        Self::over(TcpStream::connect(server).await.unwrap())
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        Self { stream, framer: Framer::new(Limits::default()), waiting: std::collections::VecDeque::new() }
    }

    pub(crate) async fn send(&mut self, request: Request) {
        self.stream.write_all(&Message::Request(request).encode()).await.unwrap();
    }

    /// The next message; `None` when the server has closed the connection.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        soon("an MRCP message", async {
            loop {
                if let Some(message) = self.waiting.pop_front() {
                    return Some(message);
                }
                let mut buffer = [0; 8_192];
                let length = self.stream.read(&mut buffer).await.unwrap_or(0);
                if length == 0 {
                    return None;
                }
                self.framer.push(&buffer[..length]);
                while let Some(Ok(message)) = self.framer.next_message() {
                    self.waiting.push_back(message);
                }
            }
        })
        .await
    }

    /// Sends a request and returns its response; events that come before it are kept.
    pub(crate) async fn ask(&mut self, request: Request) -> Response {
        let id = request.id;
        self.send(request).await;
        let mut events = Vec::new();
        loop {
            match self.next().await {
                Some(Message::Response(response)) if response.id == id => {
                    self.waiting.extend(events);
                    return response;
                }
                Some(other) => events.push(other),
                None => panic!("the server closed the connection"),
            }
        }
    }
}

/// A request with a body.
pub(crate) fn request(channel: &ChannelId, id: u32, method: Method, content_type: &str, body: &str) -> Request {
    let mut request = Request::new(channel.clone(), RequestId(id), method);
    if !body.is_empty() {
        request.headers = Headers::new().with(mrcp::HeaderName::ContentType, content_type);
        request.body = Bytes::copy_from_slice(body.as_bytes());
    }
    request
}

/// One call with both resources through and through: what is said is heard, either way.
pub(crate) async fn call_passes(server: &Server) {
    let client = start_client(server).await;
    let mut synthesizer = client.open_synthesizer(None).await.unwrap();
    let id = synthesizer.speak("text/plain", "ping", Headers::new()).await.unwrap();
    let spoken_out = synthesizer.finished(id, SOON).await.unwrap();
    assert_eq!(spoken_out.cause.map(|cause| cause.code()), Some(0));
    assert_eq!(heard(&synthesizer.take_audio(), 8_000), "ping");
    let mut recognizer = client.open_recognizer(None).await.unwrap();
    let grammar = client::GrammarBody::uri("builtin:speech/transcribe");
    let id = recognizer.recognize(&grammar, Headers::new()).await.unwrap();
    recognizer.send_audio(&spoken("pong", 8_000));
    let recognition = recognizer.finished(id, SOON).await.unwrap();
    assert_eq!(recognition.result.map(|result| result.input).as_deref(), Some("pong"));
    recognizer.session.hang_up().await;
    synthesizer.session.hang_up().await;
}
