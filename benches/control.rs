//! How quickly the control plane answers: `cargo bench -p server --bench control -- --help`.
//!
//! Sets sessions up and takes them down as fast as it goes, then asks open channels for parameters, at a steady pace, over
//! a TCP connection for each and over one for all. No media flow. The driver speaks SIP and MRCPv2 by itself, with as
//! little work as it can, and says when it is the limit.

#[expect(dead_code, reason = "the load needs more of it")]
mod server_process;

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Parser;
use mrcp::{ChannelId, Framer, Limits, Message, Method, Request, RequestId};
use server_process::RunningServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};

/// A SIP request is sent again after this time, as timer A has it (RFC 3261, section 17.1.1.2).
const SIP_AGAIN: Duration = Duration::from_millis(500);

/// A SIP request without an answer fails after so many attempts.
const SIP_ATTEMPTS: usize = 8;

/// Answers to one call that wait to be read: it asks one thing at a time.
const ANSWERS_MAX: usize = 16;

/// Above this share of one core the driver counts as the limit.
const DRIVER_CORES_MAX: f64 = 0.85;

/// Measures how an MRCPv2 server answers on its control plane.
#[derive(Debug, Parser)]
#[command(name = "control")]
struct Arguments {
    /// Open channels while requests are measured; several are measured one after the other.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 100, 400, 1000], value_parser = clap::value_parser!(u32).range(1..=3000))]
    channels: Vec<u32>,
    /// Requests per second and channel.
    #[arg(long, default_value_t = 2.0)]
    rate: f64,
    /// How long each is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Calls that are set up at the same time; several are measured one after the other.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64], value_parser = clap::value_parser!(u32).range(1..=1000))]
    callers: Vec<u32>,
    /// Measures the server at this SIP address instead of starting one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    server: Option<SocketAddr>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Test runners start every target; what measures for a minute runs when it is asked to.
    if !arguments.bench && arguments.server.is_none() {
        println!("a benchmark: cargo bench -p server --bench control");
        return ExitCode::SUCCESS;
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("control: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    // One thread: the rest of the machine is the server's.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let most = arguments.channels.iter().chain(&arguments.callers).copied().max().unwrap_or(1);
    let started = match arguments.server {
        Some(_) => None,
        None => Some(RunningServer::start(most.saturating_mul(2), "auto")?),
    };
    let server = match (&started, arguments.server) {
        (Some(started), _) => started.sip,
        (None, Some(server)) => server,
        (None, None) => bail!("no server"),
    };
    let seconds = Duration::from_secs(arguments.seconds);
    LocalSet::new().block_on(&runtime, async {
        let sip = SipClient::start(server).await?;
        println!("set-ups: INVITE to 200, ACK, BYE to 200; {} s each", arguments.seconds);
        println!(
            "{:>10} {:>12} {:>10} {:>10} {:>10} {:>8} {:>8}",
            "callers", "set-ups/s", "p50 ms", "p99 ms", "max ms", "again", "driver"
        );
        for &callers in &arguments.callers {
            set_ups(&sip, callers, seconds).await?;
        }
        println!();
        println!(
            "requests: GET-PARAMS to its response; {} per second and channel, {} s each",
            arguments.rate, arguments.seconds
        );
        println!(
            "{:>10} {:>12} {:>10} {:>10} {:>10} {:>10} {:>8}",
            "channels", "connections", "requests", "p50 ms", "p99 ms", "max ms", "driver"
        );
        for &channels in &arguments.channels {
            for is_shared in [false, true] {
                requests(&sip, channels, is_shared, arguments.rate, seconds).await?;
            }
        }
        Ok(())
    })
}

/// Callers that set up and take down sessions, one after the other each.
async fn set_ups(sip: &Rc<SipClient>, callers: u32, duration: Duration) -> anyhow::Result<()> {
    let (start, meter) = (now(), OwnTime::start());
    let end = start + duration;
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let sip = Rc::clone(sip);
        tasks.spawn_local(async move {
            let mut took = Vec::new();
            let mut again = 0;
            while now() < end {
                let begun = now();
                let call = sip.call().await?;
                took.push(begun.elapsed());
                again += call.attempts - 1;
                sip.hang_up(call).await?;
            }
            anyhow::Ok((took, again))
        });
    }
    let (mut all, mut again) = (Vec::new(), 0);
    while let Some(ended) = tasks.join_next().await {
        let (took, more) = ended??;
        all.extend(took);
        again += more;
    }
    let rate = all.len() as f64 / start.elapsed().as_secs_f64();
    let [p50, p99, max] = quantiles(&mut all);
    println!(
        "{callers:>10} {rate:>12.0} {p50:>10.2} {p99:>10.2} {max:>10.2} {again:>8} {:>8}",
        meter.verdict(start.elapsed())
    );
    Ok(())
}

/// Open channels that are asked for their parameters at a steady pace.
async fn requests(
    sip: &Rc<SipClient>,
    channels: u32,
    is_shared: bool,
    rate: f64,
    duration: Duration,
) -> anyhow::Result<()> {
    let mut calls = Vec::new();
    let mut connections: Vec<Rc<Connection>> = Vec::new();
    let mut of_channel = Vec::new();
    for _ in 0..channels {
        let call = sip.call().await?;
        let connection = match connections.first() {
            Some(first) if is_shared => Rc::clone(first),
            _ => {
                let connection = Rc::new(Connection::open(call.control).await?);
                connections.push(Rc::clone(&connection));
                connection
            }
        };
        of_channel.push((call.channel.clone(), connection));
        calls.push(call);
    }
    let pause = Duration::from_secs_f64(1.0 / rate.max(0.01));
    let (start, meter) = (now(), OwnTime::start());
    let end = start + duration;
    let mut tasks = JoinSet::new();
    for (index, (channel, connection)) in of_channel.into_iter().enumerate() {
        tasks.spawn_local(async move {
            let mut took = Vec::new();
            // Channels ask by turns, not together.
            let mut due = tokio::time::Instant::from_std(start + pause.mul_f64(index as f64 / f64::from(channels)));
            let mut id = 1;
            while due < tokio::time::Instant::from_std(end) {
                tokio::time::sleep_until(due).await;
                let begun = now();
                connection.ask(&channel, id).await?;
                took.push(begun.elapsed());
                id += 1;
                due += pause;
            }
            anyhow::Ok(took)
        });
    }
    let mut all = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        all.extend(ended??);
    }
    let verdict = meter.verdict(start.elapsed());
    let (count, [p50, p99, max]) = (all.len(), quantiles(&mut all));
    let kind = if is_shared { "one" } else { "each its own" };
    println!("{channels:>10} {kind:>12} {count:>10} {p50:>10.2} {p99:>10.2} {max:>10.2} {verdict:>8}");
    for call in calls {
        sip.hang_up(call).await?;
    }
    Ok(())
}

/// Median, 99th percentile and longest, in milliseconds.
fn quantiles(all: &mut [Duration]) -> [f64; 3] {
    all.sort_unstable();
    let at = |part: f64| {
        let index = ((all.len() as f64 * part).ceil() as usize).clamp(1, all.len().max(1)) - 1;
        all.get(index).map_or(f64::NAN, |took| took.as_secs_f64() * 1000.0)
    };
    [at(0.5), at(0.99), at(1.0)]
}

/// The clock of the benchmark.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// CPU time of this process.
struct OwnTime(f64);

impl OwnTime {
    fn start() -> Self {
        Self(Self::used())
    }

    /// User and system time in seconds: fields 14 and 15 of `/proc/self/stat`, in hundredths.
    fn used() -> f64 {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace().collect();
        let field = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
        (field(11) + field(12)) / 100.0
    }

    /// The driver's share of a core, marked when it is the limit.
    fn verdict(&self, wall: Duration) -> String {
        let cores = (Self::used() - self.0) / wall.as_secs_f64().max(0.001);
        if cores > DRIVER_CORES_MAX { format!("{cores:.2} !!") } else { format!("{cores:.2}") }
    }
}

/// SIP over one UDP socket: calls that differ by their Call-ID.
struct SipClient {
    socket: UdpSocket,
    server: SocketAddr,
    local: SocketAddr,
    waiting: RefCell<HashMap<String, mpsc::Sender<String>>>,
    next: RefCell<u64>,
}

/// A call that is up.
struct Call {
    id: String,
    remote_tag: String,
    channel: ChannelId,
    control: SocketAddr,
    attempts: usize,
    answers: mpsc::Receiver<String>,
}

impl SipClient {
    async fn start(server: SocketAddr) -> anyhow::Result<Rc<Self>> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        socket.connect(server).await?;
        let local = socket.local_addr()?;
        let client = Rc::new(Self { socket, server, local, waiting: RefCell::default(), next: RefCell::new(0) });
        let reading = Rc::clone(&client);
        tokio::task::spawn_local(async move {
            let mut datagram = vec![0; 65_535];
            // A refused datagram of before shows as an error here; the next one may come.
            loop {
                let Ok(length) = reading.socket.recv(&mut datagram).await else { continue };
                let text = String::from_utf8_lossy(datagram.get(..length).unwrap_or_default()).into_owned();
                let Some(id) = header(&text, "Call-ID") else { continue };
                if let Some(call) = reading.waiting.borrow().get(id) {
                    // Answers to a call that is over are repeats.
                    _ = call.try_send(text);
                }
            }
        });
        Ok(client)
    }

    /// Sets a synthesizer's session up.
    async fn call(&self) -> anyhow::Result<Call> {
        let number = self.next.replace_with(|next| *next + 1);
        let id = format!("control-{}-{number}", std::process::id());
        let (tell, mut answers) = mpsc::channel(ANSWERS_MAX);
        self.waiting.borrow_mut().insert(id.clone(), tell);
        let offer = "v=0\r\no=control 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
            m=application 9 TCP/MRCPv2 1\r\na=setup:active\r\na=connection:new\r\na=resource:speechsynth\r\na=cmid:1\r\n\
            m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=recvonly\r\na=mid:1\r\n";
        let (answer, attempts) = self.request(&id, "INVITE", 1, "", offer, &mut answers).await?;
        let tag = header(&answer, "To").and_then(|to| to.split_once("tag=")).context("no tag in To")?.1;
        let remote_tag = tag.split(';').next().unwrap_or(tag).to_owned();
        self.send(&id, "ACK", 1, &remote_tag, "").await?;
        let line = |name: &str| answer.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let channel = line("a=channel:").context("no a=channel in the answer")?;
        let channel = channel.parse().map_err(|_error| anyhow::anyhow!("{channel} is no channel identifier"))?;
        let port = line("m=application ").and_then(|line| line.split(' ').next()).context("no m=application")?;
        let control = SocketAddr::new(self.server.ip(), port.parse()?);
        Ok(Call { id, remote_tag, channel, control, attempts, answers })
    }

    async fn hang_up(&self, mut call: Call) -> anyhow::Result<()> {
        self.request(&call.id, "BYE", 2, &call.remote_tag, "", &mut call.answers).await?;
        self.waiting.borrow_mut().remove(&call.id);
        Ok(())
    }

    /// Sends until there is a final answer, which must be 200; and says how often.
    async fn request(
        &self,
        id: &str,
        method: &str,
        sequence: u32,
        tag: &str,
        body: &str,
        answers: &mut mpsc::Receiver<String>,
    ) -> anyhow::Result<(String, usize)> {
        for attempt in 1..=SIP_ATTEMPTS {
            self.send(id, method, sequence, tag, body).await?;
            let wanted = format!("{sequence} {method}");
            let answer = async {
                while let Some(answer) = answers.recv().await {
                    let is_final = !answer.starts_with("SIP/2.0 1");
                    if is_final && header(&answer, "CSeq") == Some(wanted.as_str()) {
                        return Some(answer);
                    }
                }
                None
            };
            match tokio::time::timeout(SIP_AGAIN, answer).await {
                Ok(Some(answer)) if answer.starts_with("SIP/2.0 200") => return Ok((answer, attempt)),
                Ok(Some(answer)) => bail!("{method}: {}", answer.lines().next().unwrap_or_default()),
                Ok(None) => bail!("{method}: nobody reads answers any more"),
                Err(_) => {}
            }
        }
        bail!("{method}: no answer")
    }

    async fn send(&self, id: &str, method: &str, sequence: u32, tag: &str, body: &str) -> anyhow::Result<()> {
        let Self { server, local, .. } = self;
        let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
        let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let text = format!(
            "{method} sip:{server} SIP/2.0\r\nVia: SIP/2.0/UDP {local};rport;branch=z9hG4bK-{id}-{sequence}-{method}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:control@{local}>;tag=c-{id}\r\nTo: <sip:{server}>{tag}\r\nCall-ID: {id}\r\n\
             CSeq: {sequence} {method}\r\nContact: <sip:control@{local}>\r\n{content}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.socket.send(text.as_bytes()).await?;
        Ok(())
    }
}

/// The value of a header.
fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.lines().take_while(|line| !line.is_empty()).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Who waits for the answer to a request of a channel.
type Waiting = Rc<RefCell<HashMap<(ChannelId, u32), oneshot::Sender<()>>>>;

/// A control connection; answers find the one who asked.
struct Connection {
    write: RefCell<Option<OwnedWriteHalf>>,
    waiting: Waiting,
}

impl Connection {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("the control connection")?;
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        let waiting = Rc::default();
        tokio::task::spawn_local(Self::read(read, Rc::clone(&waiting)));
        Ok(Self { write: RefCell::new(Some(write)), waiting })
    }

    async fn read(mut read: OwnedReadHalf, waiting: Waiting) {
        let mut framer = Framer::new(Limits::default());
        let mut bytes = vec![0; 65_536];
        while let Ok(length @ 1..) = read.read(&mut bytes).await {
            framer.push(bytes.get(..length).unwrap_or_default());
            while let Some(Ok(message)) = framer.next_message() {
                let key = (message.channel().clone(), message.id().0);
                if let Some(asked) = waiting.borrow_mut().remove(&key) {
                    // Whoever asked may have given up.
                    _ = asked.send(());
                }
            }
        }
        // Nobody will be answered any more.
        waiting.borrow_mut().clear();
    }

    /// Asks a channel for all its parameters, and waits for them.
    async fn ask(&self, channel: &ChannelId, id: u32) -> anyhow::Result<()> {
        let (asked, answered) = oneshot::channel();
        self.waiting.borrow_mut().insert((channel.clone(), id), asked);
        let request = Message::Request(Request::new(channel.clone(), RequestId(id), Method::GetParams)).encode();
        // Small writes into an empty buffer are taken whole; a full one is waited for with the others behind.
        loop {
            let mut write = self.write.borrow_mut().take();
            match &mut write {
                Some(half) => {
                    let written = half.write_all(&request).await;
                    *self.write.borrow_mut() = write;
                    written?;
                    break;
                }
                None => tokio::task::yield_now().await,
            }
        }
        answered.await.context("the connection was closed")
    }
}
