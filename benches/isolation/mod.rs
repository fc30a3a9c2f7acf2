//! What other calls notice of one that is in trouble, and of a flood.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use client::load::LoadReport;
use client::{Client, ClientConfig, ConnectionPolicy, Ladder};
use mrcp::{Headers, Message, Method, Request, RequestId};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::server_process::RunningServer;

/// Junk that comes in a second, all ports together.
const JUNK_PER_S: u32 = 10_000;
/// Requests that a peer sends which reads no answer.
const UNREAD_REQUESTS: u32 = 200_000;

/// What is wrong besides the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    Nothing,
    /// A job of the engine does not come back.
    FrozenWorker,
    /// A peer does not read its control connection.
    DeafPeer,
    /// Datagrams without sense at the ports of SIP and RTP.
    Junk,
}

impl Trouble {
    pub(crate) const ALL: [Self; 4] = [Self::Nothing, Self::FrozenWorker, Self::DeafPeer, Self::Junk];
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing wrong",
            Self::FrozenWorker => "one engine worker frozen",
            Self::DeafPeer => "one peer not reading its TCP socket",
            Self::Junk => "10,000 junk packets/s at SIP and RTP",
        })
    }
}

/// Trouble that goes on until this is dropped.
pub(crate) struct Ongoing {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    task: Option<tokio::task::JoinHandle<()>>,
    pub(crate) done: Arc<AtomicU64>,
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(task) = self.task.take() {
            task.abort();
        }
        if let Some(thread) = self.thread.take() {
            // It ends by itself; a panic was printed.
            _ = thread.join();
        }
    }
}

/// Begins the trouble.
pub(crate) async fn begin(trouble: Trouble, server: &RunningServer) -> anyhow::Result<Ongoing> {
    let mut ongoing = Ongoing { stop: Arc::default(), thread: None, task: None, done: Arc::default() };
    match trouble {
        Trouble::Nothing => {}
        Trouble::FrozenWorker => {
            let client = client(server).await?;
            let mut session = client.open_synthesizer(None).await?;
            session.speak("text/plain", "freeze now", Headers::new()).await?;
            ongoing.done.fetch_add(1, Ordering::Relaxed);
            ongoing.task = Some(tokio::spawn(async move {
                let _kept = (client, session);
                std::future::pending().await
            }));
        }
        Trouble::DeafPeer => {
            let client = client(server).await?;
            let session = client.open_synthesizer(None).await?;
            let channel = session.session.channel().clone();
            let mut stream = TcpStream::connect(server.mrcp).await?;
            let done = Arc::clone(&ongoing.done);
            ongoing.task = Some(tokio::spawn(async move {
                let _kept = (client, session);
                for id in 1..=UNREAD_REQUESTS {
                    let request = Request::new(channel.clone(), RequestId(id), Method::GetParams);
                    // The server closes the connection or stops reading it, as it likes.
                    if stream.write_all(&Message::Request(request).encode()).await.is_err() {
                        break;
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
                std::future::pending().await
            }));
        }
        Trouble::Junk => {
            let (stop, done, sip) = (Arc::clone(&ongoing.stop), Arc::clone(&ongoing.done), server.sip);
            ongoing.thread = Some(std::thread::spawn(move || flood(&stop, &done, sip)));
        }
    }
    Ok(ongoing)
}

async fn client(server: &RunningServer) -> anyhow::Result<Client> {
    let config = ClientConfig { connections: ConnectionPolicy::AlwaysNew, ..ClientConfig::new(server.sip) };
    Ok(Client::start(config, Ladder::off(now())).await?)
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// A fifth goes to SIP, the rest to the first ports of RTP, in bursts of 10 ms; half of it looks like RTP.
fn flood(stop: &AtomicBool, done: &AtomicU64, sip: SocketAddr) {
    let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) else { return };
    let (first, _) = crate::server_process::RTP_PORTS;
    let burst = JUNK_PER_S / 100;
    let mut state = 0x9e37_79b9_u32;
    let mut due = now();
    while !stop.load(Ordering::Acquire) {
        for n in 0..burst {
            let mut datagram = [0_u8; 172];
            for octet in &mut datagram {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *octet = state.to_be_bytes()[0];
            }
            if n % 2 == 0 {
                [datagram[0], datagram[1]] = [0x80, 0];
            }
            let port = first.saturating_add(u16::try_from(n % 8).unwrap_or(0) * 2);
            let to = if n % 5 == 0 { sip } else { SocketAddr::from((Ipv4Addr::LOCALHOST, port)) };
            // Nobody at a port shows as an error of a later call.
            _ = socket.send_to(&datagram, to);
        }
        done.fetch_add(u64::from(burst), Ordering::Relaxed);
        due += Duration::from_millis(10);
        std::thread::sleep(due.saturating_duration_since(now()));
    }
}

/// The p99s with trouble as ratios to those without.
pub(crate) fn compare(trouble: Trouble, without: &LoadReport, with: &LoadReport) -> String {
    let ratio = |pick: fn(&LoadReport) -> Duration| {
        let (before, after) = (pick(without).as_secs_f64(), pick(with).as_secs_f64());
        format!("{:.2} to {:.2} ms ({:+.1} %)", before * 1e3, after * 1e3, (after / before.max(1e-6) - 1.0) * 100.0)
    };
    format!(
        "{trouble}\n  MRCP response p99  {}\n  first packet p99   {}\n  packet gap p99     {}\n  lost packets       {} to {}\n",
        ratio(|report| report.response.quantile(0.99)),
        ratio(|report| report.first_packet.quantile(0.99)),
        ratio(|report| report.gaps.quantile(0.99)),
        without.packets_lost,
        with.packets_lost,
    )
}
