//! The control line of a channel (RFC 6787 §4.2).

use std::net::IpAddr;

/// `m=application PORT TCP/MRCPv2 1` and its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// 9 in an offer, the server's port in an answer, 0 to release or refuse.
    pub port: u16,
    /// TCP or TLS.
    pub transport: ControlTransport,
    /// The address of the line, from its `c=` or the session's.
    pub address: Option<IpAddr>,
    /// `a=setup`: who connects.
    pub setup: Option<Setup>,
    /// `a=connection`.
    pub connection: Option<ConnectionUse>,
    /// `a=resource`: one in an offer, any number in an answer to OPTIONS.
    pub resources: Vec<String>,
    /// `a=channel`: in answers, and kept when a client repeats it.
    pub channel: Option<String>,
    /// `a=cmid`: the `mid`s of the audio lines that serve the channel.
    pub cmids: Vec<String>,
    /// `a=resultformat`: media types of results, the preferred first in an offer, the chosen one in an answer (RFC 6787 §6.3).
    pub result_formats: Vec<String>,
}

/// The transport of a control line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlTransport {
    /// `TCP/MRCPv2`.
    Tcp,
    /// `TCP/TLS/MRCPv2`.
    Tls,
}

impl ControlTransport {
    /// The token of the media line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP/MRCPv2",
            Self::Tls => "TCP/TLS/MRCPv2",
        }
    }

    /// The transport of that token, in any case.
    pub fn from_token(token: &str) -> Option<Self> {
        [Self::Tcp, Self::Tls].into_iter().find(|transport| transport.as_str().eq_ignore_ascii_case(token))
    }
}

/// `a=setup` (RFC 4145 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setup {
    /// Connects.
    Active,
    /// Is connected to.
    Passive,
    /// Either.
    Actpass,
    /// Not now.
    Holdconn,
}

impl Setup {
    /// The token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::Actpass => "actpass",
            Self::Holdconn => "holdconn",
        }
    }

    /// The value of that token, in any case.
    pub fn from_token(token: &str) -> Option<Self> {
        [Self::Active, Self::Passive, Self::Actpass, Self::Holdconn]
            .into_iter()
            .find(|setup| setup.as_str().eq_ignore_ascii_case(token))
    }
}

/// `a=connection` (RFC 4145 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionUse {
    /// A connection of its own.
    New,
    /// One that is there.
    Existing,
}

impl ConnectionUse {
    /// The token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Existing => "existing",
        }
    }

    /// The value of that token, in any case.
    pub fn from_token(token: &str) -> Option<Self> {
        [Self::New, Self::Existing].into_iter().find(|usage| usage.as_str().eq_ignore_ascii_case(token))
    }
}

impl Control {
    /// The line by which a client asks for a resource.
    pub fn offer(resource: &str, connection: ConnectionUse, cmid: &str) -> Self {
        Self {
            port: 9,
            transport: ControlTransport::Tcp,
            address: None,
            setup: Some(Setup::Active),
            connection: Some(connection),
            resources: vec![resource.to_owned()],
            channel: None,
            cmids: vec![cmid.to_owned()],
            result_formats: Vec::new(),
        }
    }

    /// The resource asked for, or the one in the channel identifier.
    pub fn resource(&self) -> Option<&str> {
        let of_channel = || self.channel.as_deref().and_then(|channel| channel.split_once('@')).map(|(_, name)| name);
        self.resources.first().map(String::as_str).or_else(of_channel)
    }

    /// Whether a server can be the passive side of this line: `active`, `actpass`, or nothing said (RFC 4145 §4.1).
    pub fn allows_passive_answer(&self) -> bool {
        match self.setup {
            None | Some(Setup::Active | Setup::Actpass) => true,
            Some(Setup::Passive | Setup::Holdconn) => false,
        }
    }
}
