//! The data plane: media worker threads that own RTP sockets, legs and their clock.
//!
//! A worker wakes every 10 ms on an absolute schedule, does what the control plane asked, reads what arrived, advances
//! every leg and sends what is due, many packets with one system call. It never waits for anybody: what a session cannot
//! take yet is offered again at the next tick.

mod batch;
mod ports;
mod shared_port;
mod slot;
mod worker;

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::TrySendError;
use media::{Latching, LegCommand, LegConfig, LegEvent, PeerSource, RtpPeer};

pub use ports::PortMode;
pub(crate) use ports::ReservedPort;
use ports::{PortRange, Ports, SharedAddress};
use worker::{Command, Opening, Worker};

/// Names a leg within the media plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LegKey {
    worker: usize,
    number: u64,
}

/// Takes what a leg reports. `false` means: not now, offer it again.
pub(crate) type Deliver = Box<dyn Fn(&LegEvent) -> bool + Send>;

/// How the media plane is laid out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MediaPlaneConfig {
    /// Threads.
    pub(crate) workers: usize,
    /// Where RTP is bound.
    pub(crate) address: IpAddr,
    /// How ports of the range are given away.
    pub(crate) ports: PortMode,
    /// First port of the range.
    pub(crate) port_min: u16,
    /// Last port of the range.
    pub(crate) port_max: u16,
    /// Whether legs follow their peers.
    pub(crate) latching: Latching,
}

/// The media workers and the RTP ports.
pub(crate) struct MediaPlane {
    workers: Vec<Worker>,
    ports: Ports,
    latching: Latching,
    next_leg: AtomicU64,
}

/// The media plane cannot take a command: its worker is stuck or gone.
#[derive(Debug, thiserror::Error)]
#[error("the media worker does not take commands")]
pub(crate) struct MediaPlaneStuck;

/// Who a leg talks to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LegPeer {
    /// What it describes of itself.
    pub(crate) described: RtpPeer,
    /// The host that it signals from.
    pub(crate) client: IpAddr,
}

impl MediaPlane {
    /// Starts the threads, each with its shared port if ports are shared.
    ///
    /// # Errors
    /// When a thread, its poll or a shared port cannot be had.
    pub(crate) fn start(config: MediaPlaneConfig) -> io::Result<Self> {
        let count = config.workers.max(1);
        let range = PortRange::new(config.address, config.port_min, config.port_max);
        let (mut workers, mut shared) = (Vec::with_capacity(count), Vec::new());
        for index in 0..count {
            let pair = match config.ports {
                PortMode::Range => None,
                PortMode::Shared | PortMode::Auto => Some(Ports::bind(&range)?),
            };
            shared.extend(pair.as_ref().map(|pair| SharedAddress::new(pair.port)));
            workers.push(Worker::start(index, pair, config.address.is_ipv6())?);
        }
        let ports = Ports::new(config.ports, range, shared, count);
        Ok(Self { workers, ports, latching: config.latching, next_leg: AtomicU64::new(1) })
    }

    /// Takes a port for a leg with that peer.
    ///
    /// # Errors
    /// When the whole range is in use.
    pub(crate) fn reserve_port(&self, peer: LegPeer) -> io::Result<ReservedPort> {
        self.ports.reserve(peer.described, peer.client)
    }

    /// Gives a leg to the worker of its port, where it stays.
    ///
    /// # Errors
    /// When the worker is stuck.
    pub(crate) fn open(
        &self,
        port: ReservedPort,
        peer: LegPeer,
        config: LegConfig,
        deliver: Deliver,
    ) -> Result<LegKey, MediaPlaneStuck> {
        let key = LegKey { worker: port.worker, number: self.next_leg.fetch_add(1, Ordering::Relaxed) };
        let source = PeerSource::new(self.latching, peer.described, peer.client);
        self.send(
            key,
            Command::Open {
                key,
                opening: Box::new(Opening { port, source, config, deliver, session: tracing::Span::current() }),
            },
        )?;
        Ok(key)
    }

    /// Tells a leg what to do.
    ///
    /// # Errors
    /// When the worker is stuck.
    pub(crate) fn command(&self, key: LegKey, command: LegCommand) -> Result<(), MediaPlaneStuck> {
        self.send(key, Command::Leg { key, command })
    }

    /// The peer described itself again: a leg's packets go there from now on.
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
        let worker = self.workers.get(key.worker).ok_or(MediaPlaneStuck)?;
        worker.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => MediaPlaneStuck,
        })
    }
}
