//! A client of one MRCPv2 server.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use media::{IdleSending, LegCommand, LegConfig, Ptime};
use mrcp::Resource;
use sdp::{Codec, ConnectionUse, CryptoSuite};
use tokio::sync::Mutex;

use crate::error::ClientError;
use crate::histogram::Histogram;
use crate::ladder::Ladder;
use crate::media_thread::{LegSetup, MediaThread, bind_rtp};
use crate::mrcp_connection::MrcpConnection;
use crate::offer::Offer;
use crate::recorder_session::RecorderSession;
use crate::recording::{Recording, Side};
use crate::seed::random;
use crate::session::{ReceivedAudio, RecogSession, Session, SynthSession};
use crate::sip_agent::{SipAgent, SipTransport};

/// Whether sessions share one TCP connection for MRCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConnectionPolicy {
    /// `existing` is offered when there is a connection, as stock clients do; the server decides.
    #[default]
    OfferExisting,
    /// Each session opens its own.
    AlwaysNew,
}

/// How a client works.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// The server's SIP address.
    pub server: SocketAddr,
    /// How SIP messages travel.
    pub transport: SipTransport,
    /// The address in our SDP; `None`: the one that leads to the server.
    pub local_address: Option<IpAddr>,
    /// What is offered, in the order of preference, all at one clock rate.
    pub codecs: Vec<Codec>,
    /// Audio per packet that we offer and send.
    pub ptime: Ptime,
    /// Suites of protected audio (SRTP), in the order of preference; none: audio in clear.
    pub srtp: Vec<CryptoSuite>,
    /// Whether sessions share a TCP connection.
    pub connections: ConnectionPolicy,
    /// `User-Agent`, and the user in `o=`.
    pub product: String,
    /// How long a response to an MRCP request may take.
    pub response_timeout: Duration,
}

impl ClientConfig {
    /// A client of `server` that offers what FreeSWITCH offers.
    pub fn new(server: SocketAddr) -> Self {
        Self {
            server,
            transport: SipTransport::Udp,
            local_address: None,
            codecs: vec![Codec::PCMU, Codec::PCMA, Codec::L16_8000],
            ptime: Ptime::DEFAULT,
            srtp: Vec::new(),
            connections: ConnectionPolicy::OfferExisting,
            product: "voxgate-call".to_owned(),
            response_timeout: Duration::from_secs(10),
        }
    }
}

/// Opens sessions on one server.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    agent: SipAgent,
    media: MediaThread,
    connections: Mutex<Vec<MrcpConnection>>,
    ladder: Ladder,
}

impl Client {
    /// Opens the SIP socket and starts the media thread. Everything that is sent and received goes into `ladder`.
    ///
    /// # Errors
    /// When a socket or a thread cannot be had.
    pub async fn start(config: ClientConfig, ladder: Ladder) -> Result<Self, ClientError> {
        let agent = SipAgent::start(config.server, config.transport, &config.product, ladder.clone()).await?;
        Ok(Self { agent, media: MediaThread::start()?, connections: Mutex::default(), ladder, config })
    }

    /// Where messages are recorded.
    pub fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    /// How late the ticks of the media thread were so far: whether this machine keeps up.
    pub fn lateness(&self) -> Histogram {
        self.media.lateness()
    }

    /// Opens a synthesizer session. What the robot says goes into `recording`.
    ///
    /// # Errors
    /// When the server refuses, does not answer, or answers what cannot be used.
    pub async fn open_synthesizer(&self, recording: Option<&Recording>) -> Result<SynthSession, ClientError> {
        let session = self.open(Resource::SpeechSynth, recording).await?;
        let received = ReceivedAudio::new(session.clock_rate);
        session.leg_command(LegCommand::Capture { capture: media::CaptureId(0), sink: Box::new(received.clone()) });
        Ok(SynthSession { session, received })
    }

    /// Opens a recognizer session. What the caller says goes into `recording`.
    ///
    /// # Errors
    /// When the server refuses, does not answer, or answers what cannot be used.
    pub async fn open_recognizer(&self, recording: Option<&Recording>) -> Result<RecogSession, ClientError> {
        Ok(RecogSession { session: self.open(Resource::SpeechRecog, recording).await? })
    }

    /// Opens a session with a recognizer of keys alone (`dtmfrecog`).
    ///
    /// # Errors
    /// When the server refuses, does not answer, or answers what cannot be used.
    pub async fn open_dtmf_recognizer(&self) -> Result<RecogSession, ClientError> {
        Ok(RecogSession { session: self.open(Resource::DtmfRecog, None).await? })
    }

    /// Opens a recorder session. What the caller says goes into `recording`.
    ///
    /// # Errors
    /// When the server refuses, does not answer, or answers what cannot be used.
    pub async fn open_recorder(&self, recording: Option<&Recording>) -> Result<RecorderSession, ClientError> {
        Ok(RecorderSession { session: self.open(Resource::Recorder, recording).await? })
    }

    async fn open(&self, resource: Resource, recording: Option<&Recording>) -> Result<Session, ClientError> {
        let address = self.config.local_address.unwrap_or_else(|| self.agent.local().ip());
        let socket = bind_rtp(address)?;
        let failed = |source| ClientError::Socket { purpose: "RTP", source };
        let existing = match self.config.connections {
            ConnectionPolicy::OfferExisting => self.connections.lock().await.iter().any(MrcpConnection::is_open),
            ConnectionPolicy::AlwaysNew => false,
        };
        let offer = Offer {
            resource,
            address,
            rtp_port: socket.local_addr().map_err(failed)?.port(),
            codecs: &self.config.codecs,
            connection: if existing { ConnectionUse::Existing } else { ConnectionUse::New },
            ptime: self.config.ptime,
            keys: crate::offer::keys(&self.config.srtp)?,
            session_id: random() >> 1,
            username: &self.config.product,
        };
        let description = offer.to_bytes();
        let answered = self.agent.call(description.clone()).await?;
        let opened = self.finish_opening(&offer, &answered.answer, socket, recording).await;
        let (agreed, connection, inbox, leg, leg_notices) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.agent.hangup(answered.dialog).await;
                return Err(error);
            }
        };
        Ok(Session {
            agent: self.agent.clone(),
            dialog: answered.dialog,
            ended: Some(answered.ended),
            connection,
            channel: agreed.channel,
            inbox: Some(inbox),
            leg: Some(leg),
            leg_notices,
            media: agreed.media,
            clock_rate: agreed.clock_rate,
            offer: description,
            response_timeout: self.config.response_timeout,
            last_request: 0,
            last_utterance: 0,
            waiting: VecDeque::new(),
        })
    }

    async fn finish_opening(
        &self,
        offer: &Offer<'_>,
        answer: &[u8],
        socket: std::net::UdpSocket,
        recording: Option<&Recording>,
    ) -> Result<Opened, ClientError> {
        let agreed = offer.read_answer(answer, self.config.server.ip())?;
        let connection = self.connection(agreed.control, agreed.uses_existing).await?;
        let inbox = connection.register(agreed.channel.clone());
        let mut config = LegConfig::new(agreed.media, agreed.clock_rate, random() as u32);
        // With the upper half free a lost first packet cannot hide a rollover (RFC 3711, section 3.3.1).
        config.first_sequence = random() as u16 & 0x7fff;
        config.first_timestamp = random() as u32;
        config.protection = agreed.protection.clone();
        // While a recognizer listens, RTP flows all the time.
        config.idle_sending = IdleSending::Silence;
        let setup = LegSetup {
            socket,
            remote: agreed.rtp,
            config,
            sent_track: recording.map(|recording| recording.track(Side::Caller)),
            received_track: recording.map(|recording| recording.track(Side::Robot)),
        };
        let (leg, notices) = self.media.add(setup).await?;
        Ok((agreed, connection, inbox, leg, notices))
    }

    /// The connection to use for a channel: one that exists, if the server says so.
    async fn connection(&self, address: SocketAddr, existing: bool) -> Result<MrcpConnection, ClientError> {
        let mut connections = self.connections.lock().await;
        connections.retain(MrcpConnection::is_open);
        if existing && let Some(connection) = connections.iter().find(|connection| connection.remote() == address) {
            return Ok(connection.clone());
        }
        let connection = MrcpConnection::open(address, self.ladder.clone()).await?;
        if self.config.connections == ConnectionPolicy::OfferExisting {
            connections.push(connection.clone());
        }
        Ok(connection)
    }
}

type Opened = (
    crate::offer::Agreed,
    MrcpConnection,
    tokio::sync::mpsc::Receiver<crate::mrcp_connection::Received>,
    crate::media_thread::LegHandle,
    tokio::sync::mpsc::Receiver<crate::media_thread::LegNotice>,
);
