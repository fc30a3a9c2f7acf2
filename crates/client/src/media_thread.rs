//! The thread that owns all RTP sockets of a client: it wakes for packets and every 10 ms.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, mpsc as std_mpsc};
use std::time::{Duration, Instant};

use media::{Decoder, Leg, LegCommand, LegConfig, LegCounters, LegEvent, Srtp};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use tokio::sync::{mpsc, oneshot};

use crate::clock::now;
use crate::error::ClientError;
use crate::histogram::Histogram;
use crate::recording::TrackWriter;

/// Interval of ticks.
const TICK: Duration = Duration::from_millis(10);

/// A schedule missed by more than this is given up.
const SLIP_MAX: Duration = Duration::from_millis(500);

/// Without a packet for this long, a talk-spurt of the server has ended. One with the marker bit starts another at once.
const SPURT_GAP: Duration = Duration::from_millis(150);

/// Commands that may wait for the thread; it takes them every 10 ms at the latest.
const COMMANDS_MAX: usize = 4096;

/// Notices that may wait for a session; more are kept in the thread.
const NOTICES_MAX: usize = 256;

/// The largest datagram that is read. RTP packets are far smaller.
const DATAGRAM_BYTES: usize = 4096;

const WAKER: Token = Token(usize::MAX);

/// Something that happened on a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegNotice {
    /// When.
    pub at: Instant,
    /// What.
    pub what: LegHappening,
}

/// What happened on a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegHappening {
    /// The leg says so.
    Event(LegEvent),
    /// The first packet of a talk-spurt of the server came.
    ReceivingStarted,
    /// The last packet of a talk-spurt came; noticed a little later, but `at` is the time of that packet.
    ReceivingStopped,
}

/// What a leg did in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegReport {
    /// Its counters.
    pub counters: LegCounters,
    /// Gaps between packets received within talk-spurts.
    pub gaps: Histogram,
    /// Packets that the keys of the session did not fit.
    pub refused: u64,
}

/// The running thread. It ends when this and all handles of legs are dropped.
#[derive(Debug)]
pub struct MediaThread {
    commands: Option<std_mpsc::SyncSender<Command>>,
    waker: Arc<Waker>,
    lateness: Arc<Mutex<Histogram>>,
}

/// How a leg of the client starts.
#[derive(Debug)]
pub struct LegSetup {
    /// From [`bind_rtp`].
    pub socket: std::net::UdpSocket,
    /// Where the server listens.
    pub remote: SocketAddr,
    /// How it speaks and listens.
    pub config: LegConfig,
    /// Records what is sent.
    pub sent_track: Option<TrackWriter>,
    /// Records what is received.
    pub received_track: Option<TrackWriter>,
}

/// Controls one leg. Dropping it does not end the leg: [`LegHandle::close`] does.
#[derive(Debug)]
pub struct LegHandle {
    key: usize,
    commands: std_mpsc::SyncSender<Command>,
    waker: Arc<Waker>,
}

enum Command {
    Add { setup: Box<LegSetup>, notices: mpsc::Sender<LegNotice>, added: oneshot::Sender<usize> },
    Leg { key: usize, command: LegCommand },
    Close { key: usize, report: oneshot::Sender<LegReport> },
}

/// A UDP socket for RTP at an even port (RFC 3550, section 11), if one is found.
///
/// # Errors
/// When no socket can be bound to `address`.
pub fn bind_rtp(address: IpAddr) -> Result<std::net::UdpSocket, ClientError> {
    let failed = |source| ClientError::Socket { purpose: "RTP", source };
    // Odd ones are kept until an even one is found, or the system would offer them again.
    let mut odd = Vec::new();
    loop {
        let socket = std::net::UdpSocket::bind((address, 0)).map_err(failed)?;
        let port = socket.local_addr().map_err(failed)?.port();
        if port % 2 == 0 || odd.len() >= 16 {
            return Ok(socket);
        }
        odd.push(socket);
    }
}

impl MediaThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread or no poll.
    pub fn start() -> Result<Self, ClientError> {
        let failed = |source| ClientError::Socket { purpose: "the media thread", source };
        let poll = Poll::new().map_err(failed)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER).map_err(failed)?);
        let (commands, inbox) = std_mpsc::sync_channel(COMMANDS_MAX);
        let lateness = Arc::new(Mutex::new(Histogram::default()));
        let datagram = vec![0; DATAGRAM_BYTES];
        let worker = Worker { poll, inbox, legs: Vec::new(), datagram, lateness: lateness.clone() };
        // Nobody joins it: it ends by itself when nobody is left to give it commands.
        std::thread::Builder::new().name("client-media".to_owned()).spawn(move || worker.run()).map_err(failed)?;
        Ok(Self { commands: Some(commands), waker, lateness })
    }

    /// Starts a leg; what happens on it comes from the receiver.
    ///
    /// # Errors
    /// [`ClientError::ShutDown`] when the thread has ended.
    pub async fn add(&self, setup: LegSetup) -> Result<(LegHandle, mpsc::Receiver<LegNotice>), ClientError> {
        let commands = self.commands.clone().ok_or(ClientError::ShutDown)?;
        let (notices, happenings) = mpsc::channel(NOTICES_MAX);
        let (added, key) = oneshot::channel();
        commands
            .try_send(Command::Add { setup: Box::new(setup), notices, added })
            .map_err(|_full_or_gone| ClientError::ShutDown)?;
        // A waker that fails is a thread that has ended; the reply tells.
        _ = self.waker.wake();
        let key = key.await.map_err(|_gone| ClientError::ShutDown)?;
        Ok((LegHandle { key, commands, waker: self.waker.clone() }, happenings))
    }

    /// How late the ticks were so far: whether this machine keeps up.
    pub fn lateness(&self) -> Histogram {
        self.lateness.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for MediaThread {
    fn drop(&mut self) {
        self.commands = None;
        _ = self.waker.wake();
    }
}

impl LegHandle {
    /// Gives the leg a command. Lost when the thread has ended.
    pub fn command(&self, command: LegCommand) {
        _ = self.commands.try_send(Command::Leg { key: self.key, command });
        _ = self.waker.wake();
    }

    /// Ends the leg and says what it did; `None` when the thread has ended.
    pub async fn close(self) -> Option<LegReport> {
        let (report, reported) = oneshot::channel();
        self.commands.try_send(Command::Close { key: self.key, report }).ok()?;
        _ = self.waker.wake();
        reported.await.ok()
    }
}

struct Worker {
    poll: Poll,
    inbox: std_mpsc::Receiver<Command>,
    legs: Vec<Option<Driven>>,
    datagram: Vec<u8>,
    lateness: Arc<Mutex<Histogram>>,
}

/// A leg with what it needs of the outside.
struct Driven {
    leg: Leg,
    /// Around the leg instead of in it: the tracks hear what is in clear.
    srtp: Option<Srtp>,
    /// Packets that the keys did not fit.
    refused: u64,
    socket: UdpSocket,
    remote: SocketAddr,
    notices: mpsc::Sender<LegNotice>,
    /// Notices that found the channel full. As many as the leg has events, which are few.
    waiting: VecDeque<LegNotice>,
    sent_track: Option<TrackWriter>,
    received_track: Option<TrackWriter>,
    /// What the tracks hear with.
    sent_decoder: Decoder,
    received_decoder: Decoder,
    last_packet: Option<LastPacket>,
    gaps: Histogram,
    samples: Vec<i16>,
}

#[derive(Debug, Clone, Copy)]
struct LastPacket {
    at: Instant,
    sequence: u16,
}

impl Worker {
    fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        let mut next_tick = now() + TICK;
        loop {
            let wait = next_tick.saturating_duration_since(now());
            // An interrupted wait is a short one.
            _ = self.poll.poll(&mut events, Some(wait));
            for event in &events {
                if event.token() != WAKER
                    && let Some(Some(driven)) = self.legs.get_mut(event.token().0)
                {
                    driven.read(&mut self.datagram);
                }
            }
            if !self.take_commands() {
                return;
            }
            let at = now();
            if at >= next_tick {
                let late = at.saturating_duration_since(next_tick);
                self.lateness.lock().unwrap_or_else(PoisonError::into_inner).add(late);
                for driven in self.legs.iter_mut().flatten() {
                    driven.tick(at);
                }
                next_tick += TICK;
                if at.saturating_duration_since(next_tick) > SLIP_MAX {
                    next_tick = at + TICK;
                }
            }
        }
    }

    /// `false` when nobody is left to give commands.
    fn take_commands(&mut self) -> bool {
        loop {
            match self.inbox.try_recv() {
                Ok(Command::Add { setup, notices, added }) => {
                    if let Some(key) = self.add(*setup, notices) {
                        _ = added.send(key);
                    }
                }
                Ok(Command::Leg { key, command }) => {
                    if let Some(Some(driven)) = self.legs.get_mut(key) {
                        driven.leg.command(now(), command);
                    }
                }
                Ok(Command::Close { key, report }) => {
                    if let Some(mut driven) = self.legs.get_mut(key).and_then(Option::take) {
                        // A socket that cannot be deregistered is closed by being dropped.
                        _ = self.poll.registry().deregister(&mut driven.socket);
                        let counters = *driven.leg.counters();
                        _ = report.send(LegReport { counters, gaps: driven.gaps, refused: driven.refused });
                    }
                }
                Err(std_mpsc::TryRecvError::Empty) => return true,
                Err(std_mpsc::TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn add(&mut self, setup: LegSetup, notices: mpsc::Sender<LegNotice>) -> Option<usize> {
        let LegSetup { socket, remote, mut config, sent_track, received_track } = setup;
        socket.set_nonblocking(true).ok()?;
        let mut socket = UdpSocket::from_std(socket);
        let key = self.legs.iter().position(Option::is_none).unwrap_or(self.legs.len());
        self.poll.registry().register(&mut socket, Token(key), Interest::READABLE).ok()?;
        let decoder = || Decoder::new(config.media.codec, config.clock_rate);
        let driven = Driven {
            sent_decoder: decoder(),
            received_decoder: decoder(),
            srtp: config.protection.take().map(Srtp::new),
            refused: 0,
            leg: Leg::new(config, now()),
            socket,
            remote,
            notices,
            waiting: VecDeque::new(),
            sent_track,
            received_track,
            last_packet: None,
            gaps: Histogram::default(),
            samples: Vec::new(),
        };
        match self.legs.get_mut(key) {
            Some(slot) => *slot = Some(driven),
            None => self.legs.push(Some(driven)),
        }
        Some(key)
    }
}

impl Driven {
    /// Reads until there is nothing more.
    fn read(&mut self, buffer: &mut [u8]) {
        loop {
            match self.socket.recv_from(buffer) {
                // Only the server's address is taken; its port may differ from the answer's (symmetric RTP).
                Ok((length, source)) if source.ip() == self.remote.ip() => {
                    let datagram = buffer.get(..length).unwrap_or_default();
                    match self.srtp.take() {
                        Some(mut srtp) => {
                            match srtp.unprotect(datagram) {
                                Ok(packet) => self.receive(now(), packet),
                                Err(_) => self.refused += 1,
                            }
                            self.srtp = Some(srtp);
                        }
                        None => self.receive(now(), datagram),
                    }
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // A port that is closed over there shows here as an error of the next call; go on.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(_) => return,
            }
        }
    }

    fn receive(&mut self, at: Instant, datagram: &[u8]) {
        self.leg.receive(at, datagram);
        let Some(packet) = Seen::read(datagram) else { return };
        match self.last_packet {
            Some(last) if at.saturating_duration_since(last.at) < SPURT_GAP && !packet.marker => {
                if packet.sequence.wrapping_sub(last.sequence) == 1 {
                    self.gaps.add(at.saturating_duration_since(last.at));
                }
            }
            previous => {
                if let Some(last) = previous {
                    self.notify(LegNotice { at: last.at, what: LegHappening::ReceivingStopped });
                }
                self.notify(LegNotice { at, what: LegHappening::ReceivingStarted });
            }
        }
        self.last_packet = Some(LastPacket { at, sequence: packet.sequence });
        let media = self.leg.config().media;
        if packet.payload_type == media.payload_type
            && let Some(track) = &mut self.received_track
        {
            self.samples.clear();
            self.received_decoder.decode(packet.payload, &mut self.samples);
            let timestamp_hz = self.leg.config().timestamp_hz();
            track.packet(at, packet.marker, packet.timestamp, timestamp_hz, &self.samples);
        }
    }

    fn tick(&mut self, at: Instant) {
        self.leg.tick(at);
        let (media, timestamp_hz) = (self.leg.config().media, self.leg.config().timestamp_hz());
        while let Some(packet) = self.leg.poll_packet() {
            // A full socket buffer, or a port closed over there: the packet is lost, as on any network.
            _ = match &mut self.srtp {
                Some(srtp) => srtp.protect(packet).map_or(Ok(0), |packet| self.socket.send_to(packet, self.remote)),
                None => self.socket.send_to(packet, self.remote),
            };
            if let Some(track) = &mut self.sent_track
                && let Some(seen) = Seen::read(packet)
                && seen.payload_type == media.payload_type
            {
                self.samples.clear();
                self.sent_decoder.decode(seen.payload, &mut self.samples);
                track.packet(at, seen.marker, seen.timestamp, timestamp_hz, &self.samples);
            }
        }
        if let Some(last) = self.last_packet
            && at.saturating_duration_since(last.at) >= SPURT_GAP
        {
            self.last_packet = None;
            self.notify(LegNotice { at: last.at, what: LegHappening::ReceivingStopped });
        }
        while let Some(event) = self.leg.poll_event() {
            self.notify(LegNotice { at, what: LegHappening::Event(event) });
        }
        while let Some(notice) = self.waiting.pop_front() {
            if let Err(mpsc::error::TrySendError::Full(notice)) = self.notices.try_send(notice) {
                self.waiting.push_front(notice);
                break;
            }
        }
    }

    fn notify(&mut self, notice: LegNotice) {
        if !self.waiting.is_empty() {
            self.waiting.push_back(notice);
        } else if let Err(mpsc::error::TrySendError::Full(notice)) = self.notices.try_send(notice) {
            self.waiting.push_back(notice);
        }
    }
}

/// The fields of a packet without extensions, as legs of ours and of most peers make them.
struct Seen<'a> {
    marker: bool,
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
    payload: &'a [u8],
}

impl<'a> Seen<'a> {
    fn read(datagram: &'a [u8]) -> Option<Self> {
        let (head, payload) = datagram.split_at_checked(12)?;
        let [first, second, s0, s1, t0, t1, t2, t3, ..] = *head else { return None };
        (first == 0x80).then_some(Self {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            payload,
        })
    }
}
