//! A media worker: a thread that owns sockets, legs and their clock.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use media::{Leg, LegCommand, LegConfig, PeerSource, RtpPeer};
use metrics::{Counter, Gauge, counter, gauge};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

use super::batch::{BATCH, ReceiveBatch, SendBatch, SendOutcome, is_passing};
use super::ports::{PortPair, ReservedPort, ReservedSockets};
use super::shared_port::SharedPort;
use super::slot::{Slot, Sockets, Taken};
use super::{Deliver, LegKey};
use crate::clock;
use crate::net::for_socket;

/// How often a worker advances its legs.
const TICK: Duration = Duration::from_millis(10);
/// Commands waiting for one worker; sessions send few, so a full queue means that the worker is stuck.
const COMMANDS_MAX: usize = 8_192;
/// Packets read at a time from a leg's own port: one comes every other tick, more after a stall.
const OWN_BATCH: usize = 8;
/// Reads of one port within one tick. What floods it waits in the system's buffer, and is lost there; the others go on.
const SHARED_READS_PER_TICK: u32 = 64;
const OWN_READS_PER_TICK: u32 = 8;

pub(super) enum Command {
    Open { key: LegKey, opening: Box<Opening> },
    Leg { key: LegKey, command: LegCommand },
    Remote { key: LegKey, remote: RtpPeer },
    Close { key: LegKey },
}

/// What a leg begins with.
pub(super) struct Opening {
    pub(super) port: ReservedPort,
    pub(super) source: PeerSource,
    pub(super) config: LegConfig,
    pub(super) deliver: Deliver,
    pub(super) session: tracing::Span,
}

/// The handle of a worker; dropping it ends the thread.
pub(super) struct Worker {
    pub(super) commands: Sender<Command>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread, with its shared port if it has one.
    pub(super) fn start(index: usize, shared: Option<PortPair>, is_ipv6: bool) -> io::Result<Self> {
        let (commands, inbox) = bounded(COMMANDS_MAX);
        let stop = Arc::new(AtomicBool::new(false));
        let poll = Poll::new()?;
        let shared = shared.map(SharedPort::new);
        let thread = std::thread::Builder::new().name(format!("media-{index}")).spawn({
            let stop = Arc::clone(&stop);
            move || {
                prefer_this_thread();
                Running::new(poll, inbox, shared, is_ipv6).run(&stop);
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

struct Running {
    poll: Poll,
    inbox: Receiver<Command>,
    slots: Vec<Option<Slot>>,
    free: Vec<usize>,
    by_key: HashMap<LegKey, usize>,
    shared: Option<SharedPort>,
    reading: ReceiveBatch,
    /// For the shared port.
    sending: [SendBatch; 2],
    is_ipv6: bool,
    counters: Counters,
}

struct Counters {
    received: Counter,
    sent: Counter,
    unwanted: Counter,
    unsent: Counter,
    late_ticks: Counter,
    legs: Gauge,
    sockets: Gauge,
}

impl Counters {
    fn new() -> Self {
        Self {
            received: counter!("media_packets_total", "direction" => "in"),
            sent: counter!("media_packets_total", "direction" => "out"),
            unwanted: counter!("media_packets_dropped_total", "reason" => "source"),
            unsent: counter!("media_packets_dropped_total", "reason" => "send"),
            late_ticks: counter!("media_ticks_late_total"),
            legs: gauge!("media_legs_active"),
            sockets: gauge!("media_sockets_active"),
        }
    }

    fn sent(&self, outcome: SendOutcome) {
        self.sent.increment(outcome.sent);
        if outcome.unsent > 0 {
            self.unsent.increment(outcome.unsent);
        }
    }
}

impl Running {
    fn new(poll: Poll, inbox: Receiver<Command>, shared: Option<SharedPort>, is_ipv6: bool) -> Self {
        Self {
            poll,
            inbox,
            slots: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::new(),
            shared,
            reading: ReceiveBatch::new(),
            sending: [SendBatch::new(is_ipv6), SendBatch::new(is_ipv6)],
            is_ipv6,
            counters: Counters::new(),
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
            self.read_shared(now);
            self.read_own(now, &mut events);
            // Legs live by the schedule, not by when this thread got its turn: a packet due at this tick leaves at it.
            self.advance(if late < TICK { due } else { now });
            // A worker that was held up takes up the schedule again; legs catch up by themselves.
            due = if late > TICK * 10 { now + TICK } else { due + TICK };
        }
    }

    fn obey(&mut self, now: Instant) {
        while let Ok(command) = self.inbox.try_recv() {
            match command {
                Command::Open { key, opening } => self.open(now, key, *opening),
                Command::Leg { key, command } => {
                    if let Some(slot) = self.slot(key) {
                        slot.leg.command(now, command);
                    }
                }
                Command::Remote { key, remote } => {
                    let Some(&index) = self.by_key.get(&key) else { continue };
                    let Some(Some(slot)) = self.slots.get_mut(index) else { continue };
                    slot.source.redescribe(remote);
                    if let (Sockets::Shared { .. }, Some(shared)) = (&slot.sockets, &mut self.shared) {
                        shared.enter(index, &slot.source);
                    }
                }
                Command::Close { key } => self.close(now, key),
            }
        }
    }

    fn open(&mut self, now: Instant, key: LegKey, opening: Opening) {
        let Opening { port, source, config, deliver, session } = opening;
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        let sockets = match port.sockets {
            ReservedSockets::Shared(tenant) => {
                if let Some(shared) = &mut self.shared {
                    shared.enter(index, &source);
                }
                Sockets::Shared { _tenant: tenant }
            }
            ReservedSockets::Own(pair) => {
                let (mut rtp, mut rtcp) = (UdpSocket::from_std(pair.rtp), UdpSocket::from_std(pair.rtcp));
                for (socket, token) in [(&mut rtp, rtp_token(index)), (&mut rtcp, rtcp_token(index))] {
                    if let Err(error) = self.poll.registry().register(socket, token, Interest::READABLE) {
                        tracing::error!(error = %error, "an RTP socket cannot be polled: its leg stays deaf");
                    }
                }
                self.counters.sockets.increment(2.0);
                Sockets::Own { rtp, rtcp }
            }
        };
        let slot = Slot { key, sockets, source, leg: Leg::new(config, now), deliver, session, waiting: None };
        if let Some(place) = self.slots.get_mut(index) {
            *place = Some(slot);
            self.by_key.insert(key, index);
            self.counters.legs.increment(1.0);
        }
    }

    fn close(&mut self, now: Instant, key: LegKey) {
        let Some(index) = self.by_key.remove(&key) else { return };
        if let Some(mut slot) = self.slots.get_mut(index).and_then(Option::take) {
            slot.leave(now);
            let to = slot.source.rtcp();
            // Nobody need listen there any more.
            match (&mut slot.sockets, &mut self.shared) {
                (Sockets::Own { rtp, rtcp }, _) => {
                    if let Some(report) = slot.leg.poll_rtcp() {
                        let _unsent = rtcp.send_to(report, for_socket(to, self.is_ipv6));
                    }
                    for socket in [rtp, rtcp] {
                        // An error means that the poll has forgotten it already.
                        let _forgotten = self.poll.registry().deregister(socket);
                    }
                    self.counters.sockets.decrement(2.0);
                }
                (Sockets::Shared { .. }, Some(shared)) => {
                    if let Some(report) = slot.leg.poll_rtcp() {
                        let _unsent = shared.rtcp.send_to(report, for_socket(to, self.is_ipv6));
                    }
                    shared.leave(index);
                }
                (Sockets::Shared { .. }, None) => {}
            }
        }
        self.free.push(index);
        self.counters.legs.decrement(1.0);
    }

    fn slot(&mut self, key: LegKey) -> Option<&mut Slot> {
        let index = *self.by_key.get(&key)?;
        self.slots.get_mut(index)?.as_mut().filter(|slot| slot.key == key)
    }

    fn read_shared(&mut self, now: Instant) {
        let Some(shared) = &mut self.shared else { return };
        shared.tick();
        let (mut received, mut unwanted) = (0, 0);
        for _ in 0..SHARED_READS_PER_TICK {
            let count = match self.reading.receive(&shared.rtp, BATCH) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if is_passing(&error) => continue,
                Err(_) => break,
            };
            received += count as u64;
            for (datagram, source) in self.reading.datagrams() {
                let index = shared.whose(now, source, datagram, &self.slots);
                let slot = index.and_then(|index| Some((index, self.slots.get_mut(index)?.as_mut()?)));
                let Some((index, slot)) = slot else {
                    unwanted += 1;
                    continue;
                };
                let before = slot.source.heard();
                match slot.receive(now, source, datagram) {
                    Taken::Unwanted => unwanted += 1,
                    Taken::Yes if slot.source.heard() != before => shared.enter(index, &slot.source),
                    Taken::Yes => {}
                }
            }
            if count < BATCH {
                break;
            }
        }
        for _ in 0..OWN_READS_PER_TICK {
            let count = match self.reading.receive(&shared.rtcp, BATCH) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if is_passing(&error) => continue,
                Err(_) => break,
            };
            for (datagram, source) in self.reading.datagrams() {
                let index = shared.whose_rtcp(source, datagram, &self.slots);
                let slot = index.and_then(|index| Some((index, self.slots.get_mut(index)?.as_mut()?)));
                match slot.map(|(index, slot)| (index, slot.receive_rtcp(now, source, datagram), slot)) {
                    Some((index, Taken::Yes, slot)) => shared.enter(index, &slot.source),
                    Some((_, Taken::Unwanted, _)) | None => unwanted += 1,
                }
            }
            if count < BATCH {
                break;
            }
        }
        self.counters.received.increment(received);
        if unwanted > 0 {
            self.counters.unwanted.increment(unwanted);
        }
    }

    fn read_own(&mut self, now: Instant, events: &mut Events) {
        // What is readable was collected while this thread slept; nothing is waited for.
        if let Err(error) = self.poll.poll(events, Some(Duration::ZERO)) {
            if error.kind() != io::ErrorKind::Interrupted {
                tracing::error!(error = %error, "polling RTP sockets failed");
            }
            return;
        }
        let (mut received, mut unwanted) = (0, 0);
        for event in events.iter() {
            let Token(token) = event.token();
            let (index, is_rtcp) = (token / 2, token % 2 == 1);
            let Some(Some(slot)) = self.slots.get_mut(index) else { continue };
            for read in 1..=OWN_READS_PER_TICK {
                let Sockets::Own { rtp, rtcp } = &slot.sockets else { break };
                let count = match self.reading.receive(if is_rtcp { rtcp } else { rtp }, OWN_BATCH) {
                    Ok(count) => count,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    // ICMP errors of earlier packets arrive here; the stream goes on.
                    Err(error) if is_passing(&error) => continue,
                    Err(_) => break,
                };
                for (datagram, source) in self.reading.datagrams() {
                    let taken = if is_rtcp {
                        slot.receive_rtcp(now, source, datagram)
                    } else {
                        received += 1;
                        slot.receive(now, source, datagram)
                    };
                    unwanted += u64::from(taken == Taken::Unwanted);
                }
                // Edge-triggered: without more than was asked for nothing is left, and else it is said again.
                if count < OWN_BATCH {
                    break;
                }
                if read == OWN_READS_PER_TICK {
                    let Sockets::Own { rtp, rtcp } = &mut slot.sockets else { break };
                    let (socket, token) = if is_rtcp { (rtcp, rtcp_token(index)) } else { (rtp, rtp_token(index)) };
                    if let Err(error) = self.poll.registry().reregister(socket, token, Interest::READABLE) {
                        tracing::error!(error = %error, "an RTP socket cannot be polled: its leg stays deaf");
                    }
                }
            }
        }
        self.counters.received.increment(received);
        if unwanted > 0 {
            self.counters.unwanted.increment(unwanted);
        }
    }

    fn advance(&mut self, now: Instant) {
        let mut outcome = SendOutcome::default();
        let [packets, reports] = &mut self.sending;
        for slot in self.slots.iter_mut().flatten() {
            slot.leg.tick(now);
            let (to, reports_to) = (slot.source.rtp(), slot.source.rtcp());
            match (&slot.sockets, &self.shared) {
                (Sockets::Own { rtp, rtcp }, _) => {
                    while let Some(packet) = slot.leg.poll_packet() {
                        match rtp.send_to(packet, for_socket(to, self.is_ipv6)) {
                            Ok(_) => outcome.sent += 1,
                            Err(_) => outcome.unsent += 1,
                        }
                    }
                    if let Some(report) = slot.leg.poll_rtcp() {
                        // Nobody need listen there; a lost report is followed by another.
                        let _unsent = rtcp.send_to(report, for_socket(reports_to, self.is_ipv6));
                    }
                }
                (Sockets::Shared { .. }, Some(shared)) => {
                    while let Some(packet) = slot.leg.poll_packet() {
                        if packets.is_full() {
                            self.counters.sent(packets.flush(&shared.rtp));
                        }
                        packets.push(packet, to);
                    }
                    if let Some(report) = slot.leg.poll_rtcp() {
                        if reports.is_full() {
                            let _counted_by_nobody = reports.flush(&shared.rtcp);
                        }
                        reports.push(report, reports_to);
                    }
                }
                (Sockets::Shared { .. }, None) => {}
            }
            slot.report();
        }
        if let Some(shared) = &self.shared {
            self.counters.sent(packets.flush(&shared.rtp));
            let _counted_by_nobody = reports.flush(&shared.rtcp);
        }
        self.counters.sent(outcome);
    }
}

/// The tokens of a slot's two sockets.
fn rtp_token(index: usize) -> Token {
    Token(index * 2)
}

fn rtcp_token(index: usize) -> Token {
    Token(index * 2 + 1)
}
