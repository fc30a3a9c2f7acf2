//! The data plane: media worker threads that own RTP sockets, legs and their clock.
//!
//! A worker wakes every 10 ms on an absolute schedule, does what the control plane asked, reads what arrived, advances
//! every leg and sends what is due. It never waits for anybody: what a session cannot take yet is offered again at the
//! next tick.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use media::{Leg, LegCommand, LegConfig, LegEvent};
use metrics::{Counter, Gauge, counter, gauge, histogram};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use session::RtpPeer;

use crate::clock;

/// How often a worker advances its legs.
const TICK: Duration = Duration::from_millis(10);
/// Commands waiting for one worker; sessions send few, so a full queue means that the worker is stuck.
const COMMANDS_MAX: usize = 8_192;
/// Largest RTP packet read: 60 ms of L16 at 16 kHz, with room.
const PACKET_BYTES_MAX: usize = 4_096;

/// Names a leg within the media plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LegKey(u64);

/// Takes what a leg reports. `false` means: not now, offer it again.
pub(crate) type Deliver = Box<dyn Fn(&LegEvent) -> bool + Send>;

/// An even port for RTP and the odd one after it for RTCP (RFC 3550, section 11), taken before a call is answered.
pub(crate) struct ReservedPort {
    rtp: std::net::UdpSocket,
    rtcp: std::net::UdpSocket,
    port: u16,
}

impl ReservedPort {
    /// The local RTP port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

enum Command {
    Open { key: LegKey, port: ReservedPort, remote: RtpPeer, config: LegConfig, deliver: Deliver },
    Leg { key: LegKey, command: LegCommand },
    Remote { key: LegKey, remote: RtpPeer },
    Close { key: LegKey },
}

/// The media workers and the RTP port range.
pub(crate) struct MediaPlane {
    workers: Vec<Worker>,
    ports: PortRange,
    next_leg: std::sync::atomic::AtomicU64,
}

struct Worker {
    commands: Sender<Command>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The media plane cannot take a command: its worker is stuck or gone.
#[derive(Debug, thiserror::Error)]
#[error("the media worker does not take commands")]
pub(crate) struct MediaPlaneStuck;

impl MediaPlane {
    /// Starts `workers` threads. RTP ports come from `port_min..=port_max` on `address`.
    ///
    /// # Errors
    /// When a thread or its poll cannot be made.
    pub(crate) fn start(workers: usize, address: IpAddr, port_min: u16, port_max: u16) -> io::Result<Self> {
        let workers = (0..workers.max(1)).map(Worker::start).collect::<io::Result<Vec<_>>>()?;
        Ok(Self {
            workers,
            ports: PortRange::new(address, port_min, port_max),
            next_leg: std::sync::atomic::AtomicU64::new(1),
        })
    }

    /// Binds the next free pair of ports.
    ///
    /// # Errors
    /// When the whole range is in use.
    pub(crate) fn reserve_port(&self) -> io::Result<ReservedPort> {
        self.ports.reserve()
    }

    /// Gives a leg to a worker, where it stays.
    ///
    /// # Errors
    /// When the worker is stuck.
    pub(crate) fn open(
        &self,
        port: ReservedPort,
        remote: RtpPeer,
        config: LegConfig,
        deliver: Deliver,
    ) -> Result<LegKey, MediaPlaneStuck> {
        let key = LegKey(self.next_leg.fetch_add(1, Ordering::Relaxed));
        self.send(key, Command::Open { key, port, remote, config, deliver })?;
        Ok(key)
    }

    /// Tells a leg what to do.
    ///
    /// # Errors
    /// When the worker is stuck.
    pub(crate) fn command(&self, key: LegKey, command: LegCommand) -> Result<(), MediaPlaneStuck> {
        self.send(key, Command::Leg { key, command })
    }

    /// Sends a leg's packets elsewhere from now on.
    ///
    /// # Errors
    /// When the worker is stuck.
    pub(crate) fn redirect(&self, key: LegKey, remote: RtpPeer) -> Result<(), MediaPlaneStuck> {
        self.send(key, Command::Remote { key, remote })
    }

    /// Ends a leg with goodbye and frees its ports.
    pub(crate) fn close(&self, key: LegKey) {
        if self.send(key, Command::Close { key }).is_err() {
            tracing::error!("a leg could not be closed: the media worker does not take commands");
        }
    }

    fn send(&self, key: LegKey, command: Command) -> Result<(), MediaPlaneStuck> {
        let count = u64::try_from(self.workers.len()).unwrap_or(1);
        let index = usize::try_from(key.0 % count).unwrap_or(0);
        let worker = self.workers.get(index).ok_or(MediaPlaneStuck)?;
        worker.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => MediaPlaneStuck,
        })
    }
}

/// Even ports with an odd one after each.
struct PortRange {
    address: IpAddr,
    first: u16,
    pairs: u16,
    /// Of the pair to try next.
    next: AtomicU16,
}

impl PortRange {
    fn new(address: IpAddr, port_min: u16, port_max: u16) -> Self {
        let first = port_min.saturating_add(port_min % 2);
        let pairs = (port_max.saturating_sub(first).saturating_add(1)) / 2;
        Self { address, first, pairs, next: AtomicU16::new(0) }
    }

    fn reserve(&self) -> io::Result<ReservedPort> {
        for _ in 0..self.pairs {
            let pair = self.next.fetch_add(1, Ordering::Relaxed).checked_rem(self.pairs).unwrap_or(0);
            let port = self.first.saturating_add(pair.saturating_mul(2));
            let bind = |port| std::net::UdpSocket::bind((self.address, port));
            match bind(port).and_then(|rtp| Ok((rtp, bind(port.saturating_add(1))?))) {
                Ok((rtp, rtcp)) => {
                    rtp.set_nonblocking(true)?;
                    rtcp.set_nonblocking(true)?;
                    return Ok(ReservedPort { rtp, rtcp, port });
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "every RTP port is in use"))
    }
}

impl Worker {
    fn start(index: usize) -> io::Result<Self> {
        let (commands, inbox) = bounded(COMMANDS_MAX);
        let stop = Arc::new(AtomicBool::new(false));
        let poll = Poll::new()?;
        let thread = std::thread::Builder::new().name(format!("media-{index}")).spawn({
            let stop = Arc::clone(&stop);
            move || {
                prefer_this_thread();
                Running::new(poll, inbox).run(&stop);
            }
        })?;
        Ok(Self { commands, stop, thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a media worker had panicked");
        }
    }
}

/// Real-time priority where the process may have it, a better nice value where not; neither is needed to run.
fn prefer_this_thread() {
    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "two system calls on the calling thread, with values they accept or refuse")]
    // SAFETY: sched_setscheduler and setpriority read their arguments and change the calling thread only.
    unsafe {
        let parameter = libc::sched_param { sched_priority: 1 };
        if libc::sched_setscheduler(0, libc::SCHED_RR, &raw const parameter) != 0 {
            libc::setpriority(libc::PRIO_PROCESS, 0, -10);
        }
    }
}

struct Slot {
    key: LegKey,
    socket: UdpSocket,
    rtcp: UdpSocket,
    remote: RtpPeer,
    /// Where packets came from, once one came from elsewhere than the description said.
    heard_from: Option<SocketAddr>,
    leg: Leg,
    deliver: Deliver,
    /// An event that the session could not take yet.
    waiting: Option<LegEvent>,
}

struct Running {
    poll: Poll,
    inbox: Receiver<Command>,
    slots: Vec<Option<Slot>>,
    free: Vec<usize>,
    by_key: HashMap<LegKey, usize>,
    counters: Counters,
}

struct Counters {
    received: Counter,
    sent: Counter,
    unwanted: Counter,
    unsent: Counter,
    late_ticks: Counter,
    legs: Gauge,
}

impl Running {
    fn new(poll: Poll, inbox: Receiver<Command>) -> Self {
        Self {
            poll,
            inbox,
            slots: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::new(),
            counters: Counters {
                received: counter!("media_packets_total", "direction" => "in"),
                sent: counter!("media_packets_total", "direction" => "out"),
                unwanted: counter!("media_packets_dropped_total", "reason" => "source"),
                unsent: counter!("media_packets_dropped_total", "reason" => "send"),
                late_ticks: counter!("media_ticks_late_total"),
                legs: gauge!("media_legs_active"),
            },
        }
    }

    fn run(&mut self, stop: &AtomicBool) {
        let mut events = Events::with_capacity(4_096);
        let mut due = clock::now() + TICK;
        while !stop.load(Ordering::Acquire) {
            std::thread::sleep(due.saturating_duration_since(clock::now()));
            let now = clock::now();
            let late = now.saturating_duration_since(due);
            if late > Duration::from_millis(5) {
                self.counters.late_ticks.increment(1);
            }
            self.obey(now);
            self.read(now, &mut events);
            // Legs live by the schedule, not by when this thread got its turn: a packet due at this tick leaves at it.
            self.advance(if late < TICK { due } else { now });
            // A worker that was held up takes up the schedule again; legs catch up by themselves.
            due = if late > TICK * 10 { now + TICK } else { due + TICK };
        }
    }

    fn obey(&mut self, now: Instant) {
        while let Ok(command) = self.inbox.try_recv() {
            match command {
                Command::Open { key, port, remote, config, deliver } => {
                    self.open(now, key, port, remote, config, deliver);
                }
                Command::Leg { key, command } => {
                    if let Some(slot) = self.slot(key) {
                        slot.leg.command(now, command);
                    }
                }
                Command::Remote { key, remote } => {
                    if let Some(slot) = self.slot(key) {
                        slot.remote = remote;
                        slot.heard_from = None;
                    }
                }
                Command::Close { key } => {
                    if let Some(index) = self.by_key.remove(&key) {
                        if let Some(mut slot) = self.slots.get_mut(index).and_then(Option::take) {
                            slot.leave(now);
                            for socket in [&mut slot.socket, &mut slot.rtcp] {
                                // An error means that the poll has forgotten it already.
                                let _forgotten = self.poll.registry().deregister(socket);
                            }
                        }
                        self.free.push(index);
                        self.counters.legs.decrement(1.0);
                    }
                }
            }
        }
    }

    fn open(
        &mut self,
        now: Instant,
        key: LegKey,
        port: ReservedPort,
        remote: RtpPeer,
        config: LegConfig,
        deliver: Deliver,
    ) {
        let (mut socket, mut rtcp) = (UdpSocket::from_std(port.rtp), UdpSocket::from_std(port.rtcp));
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        for (socket, token) in [(&mut socket, rtp_token(index)), (&mut rtcp, rtcp_token(index))] {
            if let Err(error) = self.poll.registry().register(socket, token, Interest::READABLE) {
                tracing::error!(error = %error, "an RTP socket cannot be polled: its leg stays deaf");
            }
        }
        let leg = Leg::new(config, now);
        let slot = Slot { key, socket, rtcp, remote, heard_from: None, leg, deliver, waiting: None };
        if let Some(place) = self.slots.get_mut(index) {
            *place = Some(slot);
            self.by_key.insert(key, index);
            self.counters.legs.increment(1.0);
        }
    }

    fn slot(&mut self, key: LegKey) -> Option<&mut Slot> {
        let index = *self.by_key.get(&key)?;
        self.slots.get_mut(index)?.as_mut().filter(|slot| slot.key == key)
    }

    fn read(&mut self, now: Instant, events: &mut Events) {
        // What is readable was collected while this thread slept; nothing is waited for.
        if let Err(error) = self.poll.poll(events, Some(Duration::ZERO)) {
            if error.kind() != io::ErrorKind::Interrupted {
                tracing::error!(error = %error, "polling RTP sockets failed");
            }
            return;
        }
        let mut packet = [0_u8; PACKET_BYTES_MAX];
        let mut received = 0;
        for event in events.iter() {
            let Token(token) = event.token();
            let (index, is_rtcp) = (token / 2, token % 2 == 1);
            let Some(Some(slot)) = self.slots.get_mut(index) else { continue };
            // Edge-triggered: read until nothing is left.
            loop {
                let socket = if is_rtcp { &slot.rtcp } else { &slot.socket };
                match socket.recv_from(&mut packet) {
                    Ok((length, source)) if is_rtcp => {
                        if slot.accepts_report(source) {
                            slot.leg.receive_rtcp(now, packet.get(..length).unwrap_or_default());
                        } else {
                            self.counters.unwanted.increment(1);
                        }
                    }
                    Ok((length, source)) => {
                        received += 1;
                        if slot.accepts(source) {
                            slot.leg.receive(now, packet.get(..length).unwrap_or_default());
                        } else {
                            self.counters.unwanted.increment(1);
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    // ICMP errors of earlier packets arrive here; the stream goes on.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                    Err(_) => break,
                }
            }
        }
        self.counters.received.increment(received);
    }

    fn advance(&mut self, now: Instant) {
        let mut sent = 0;
        for slot in self.slots.iter_mut().flatten() {
            slot.leg.tick(now);
            while let Some(packet) = slot.leg.poll_packet() {
                match slot.socket.send_to(packet, slot.heard_from.unwrap_or(slot.remote.rtp)) {
                    Ok(_) => sent += 1,
                    Err(_) => self.counters.unsent.increment(1),
                }
            }
            slot.send_report();
            slot.report();
        }
        self.counters.sent.increment(sent);
    }
}

/// The tokens of a slot's two sockets.
fn rtp_token(index: usize) -> Token {
    Token(index * 2)
}

fn rtcp_token(index: usize) -> Token {
    Token(index * 2 + 1)
}

impl Slot {
    /// Packets from the described host are taken; from elsewhere only where none ever came from there (NAT).
    fn accepts(&mut self, source: SocketAddr) -> bool {
        if source.ip() == self.remote.rtp.ip() {
            self.heard_from = None;
            return true;
        }
        match self.heard_from {
            Some(known) => known == source,
            None if self.leg.counters().packets_received == 0 => {
                self.heard_from = Some(source);
                true
            }
            None => false,
        }
    }

    /// Reports are taken from where they or the audio are said, or found, to come from.
    fn accepts_report(&self, source: SocketAddr) -> bool {
        source.ip() == self.remote.rtcp.ip()
            || source.ip() == self.remote.rtp.ip()
            || self.heard_from.is_some_and(|heard| heard.ip() == source.ip())
    }

    /// Sends the RTCP report that is due, if one is.
    fn send_report(&mut self) {
        let Some(report) = self.leg.poll_rtcp() else { return };
        let to = match self.heard_from {
            // Behind NAT the only known mapping is that of RTP; its neighbour is the best guess.
            Some(heard) => SocketAddr::new(heard.ip(), heard.port().saturating_add(1)),
            None => self.remote.rtcp,
        };
        // Nobody need listen there; a lost report is followed by another.
        let _unsent = self.rtcp.send_to(report, to);
    }

    /// The leg's last words: goodbye to the peer, and its figures to the metrics.
    fn leave(&mut self, now: Instant) {
        self.leg.say_goodbye(now);
        self.send_report();
        let (counters, peer) = (*self.leg.counters(), *self.leg.peer_report());
        let received = counters.packets_received + counters.packets_lost;
        if received > 0 {
            #[expect(clippy::cast_precision_loss, reason = "a ratio for a histogram")]
            histogram!("media_lost_ratio").record(counters.packets_lost as f64 / received as f64);
            histogram!("media_jitter_seconds").record(f64::from(counters.jitter_ms) / 1000.0);
        }
        if let Some(ms) = peer.round_trip_ms {
            histogram!("media_round_trip_seconds").record(f64::from(ms) / 1000.0);
        }
        let delay_ms = peer.round_trip_ms.unwrap_or(0) / 2;
        if let Some(score) = counters.mean_opinion_score(delay_ms) {
            histogram!("media_mean_opinion_score").record(f64::from(score));
        }
        let dropped = counters.dropped.total();
        tracing::debug!(
            received = counters.packets_received,
            lost = counters.packets_lost,
            late = counters.packets_late,
            jitter_ms = counters.jitter_ms,
            sent = counters.packets_sent,
            lost_by_peer = peer.lost,
            round_trip_ms = peer.round_trip_ms,
            dropped,
            "leg closed"
        );
    }

    fn report(&mut self) {
        while let Some(event) = self.waiting.take().or_else(|| self.leg.poll_event()) {
            if !(self.deliver)(&event) {
                self.waiting = Some(event);
                return;
            }
        }
    }
}
