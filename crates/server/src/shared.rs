//! What all sessions of a server share.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use engine::{Recognition, Synthesis};
use fetch::Fetcher;
use mrcp::synthesizer::NtpAnchor;
use tokio::sync::Semaphore;

use crate::channels::Channels;
use crate::clips::Clips;
use crate::config::Config;
use crate::conversations::Conversations;
use crate::net::media::MediaPlane;
use crate::recordings::RecordingService;
use crate::session_task::advertised;

/// What all sessions of a server share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) media: MediaPlane,
    pub(crate) recognition: Recognition,
    pub(crate) synthesis: Synthesis,
    pub(crate) channels: Channels,
    pub(crate) conversations: Conversations,
    pub(crate) clips: Clips,
    pub(crate) fetcher: Fetcher,
    pub(crate) recordings: Arc<RecordingService>,
    /// Where recordings are served, if they are.
    pub(crate) recordings_address: Option<SocketAddr>,
    /// Places for work on the processor that no task waits for: as many as there are processors.
    pub(crate) processors: Arc<Semaphore>,
    pub(crate) random: Random,
    /// What ties the clock to NTP time, in RTCP as in Speech-Marker.
    pub(crate) ntp: NtpAnchor,
}

impl Shared {
    /// Our address as a peer has to see it.
    pub(crate) fn address_for(&self, peer: IpAddr) -> IpAddr {
        advertised(self.config.server.external_address, self.config.server.address, peer)
    }

    /// The address in SDP for a peer that signals from `client`: the external one, if there is one and the peer is not local.
    pub(crate) fn media_address_for(&self, peer: IpAddr, client: IpAddr) -> IpAddr {
        let rtp = &self.config.rtp;
        let is_local = rtp.local_networks.iter().any(|network| network.contains(client));
        match rtp.external_ip {
            Some(external) if !is_local => external,
            Some(_) | None => self.address_for(peer),
        }
    }

    /// What the URIs of recordings begin with, for a peer; `None`: they are not served.
    pub(crate) fn recordings_url(&self, peer: IpAddr) -> Option<String> {
        if let Some(url) = &self.config.storage.base_url {
            return Some(url.clone());
        }
        let listener = self.recordings_address?;
        let address = if listener.ip().is_unspecified() { self.address_for(peer) } else { listener.ip() };
        Some(format!("http://{}{}", SocketAddr::new(address, listener.port()), crate::http::RECORDINGS))
    }

    /// A name that nobody can guess.
    pub(crate) fn random_name(&self) -> String {
        format!("{:016x}{:016x}", self.random.u64(), self.random.u64())
    }

    pub(crate) fn random_u32(&self) -> u32 {
        self.random.u32()
    }
}

/// Numbers that a stranger cannot guess: from the system's cryptographic source.
pub(crate) struct Random;

impl Random {
    pub(crate) fn u64(&self) -> u64 {
        getrandom::u64().unwrap_or_else(|error| panic!("the system has no randomness: {error}"))
    }

    pub(crate) fn octets(&self) -> [u8; 32] {
        let mut octets = [0; 32];
        getrandom::fill(&mut octets).unwrap_or_else(|error| panic!("the system has no randomness: {error}"));
        octets
    }

    pub(crate) fn seed(&self) -> sip::Seed {
        sip::Seed(u128::from(self.u64()) << 64 | u128::from(self.u64()))
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low half is as random as the whole")]
    pub(crate) fn u32(&self) -> u32 {
        self.u64() as u32
    }
}
