//! URIs (RFC 3261, 19.1).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::grammar::{host_text, is_escaped_text, is_unreserved, port, scheme, whole};
use super::params::Params;
use nom::Parser;
use nom::combinator::opt;

/// A host: a name or an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A domain name, as written.
    Name(String),
    /// An address.
    Ip(IpAddr),
}

impl Host {
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        match text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            Some(reference) => Some(Self::Ip(IpAddr::V6(reference.parse::<Ipv6Addr>().ok()?))),
            None => Some(text.parse::<IpAddr>().map_or_else(|_| Self::Name(text.to_owned()), Self::Ip)),
        }
    }

    /// The address, if the host is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::Ip(ip) => Some(*ip),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(ip)) => ip.fmt(f),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
        }
    }
}

/// A SIP or SIPS URI. Parts are kept as written, escapes included.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SipUri {
    /// `sips:` instead of `sip:`.
    pub is_secure: bool,
    /// What stands before `@`: the user, and the password if there is one.
    pub user: Option<String>,
    /// The host.
    pub host: Host,
    /// The port, if written.
    pub port: Option<u16>,
    /// The parameters.
    pub params: Params,
    /// What follows `?`.
    pub headers: Option<String>,
}

impl SipUri {
    /// `sip:` with that address and nothing else.
    pub fn from_address(address: SocketAddr) -> Self {
        Self {
            is_secure: false,
            user: None,
            host: Host::Ip(address.ip()),
            port: Some(address.port()),
            params: Params::new(),
            headers: None,
        }
    }

    fn parse(text: &str, is_secure: bool) -> Option<Self> {
        let (user, rest) = match text.split_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, text),
        };
        let user_fine = |user: &str| {
            !user.is_empty() && is_escaped_text(user, |byte| is_unreserved(byte) || b"&=+$,;?/:".contains(&byte))
        };
        if !user.is_none_or(user_fine) {
            return None;
        }
        let (rest, headers) = match rest.split_once('?') {
            Some((rest, headers)) => (rest, Some(headers)),
            None => (rest, None),
        };
        let header_byte = |byte: u8| is_unreserved(byte) || b"[]/?:+$&=".contains(&byte);
        if !headers.is_none_or(|h| !h.is_empty() && is_escaped_text(h, header_byte)) {
            return None;
        }
        let (host_port, params) = match rest.split_once(';') {
            Some((host_port, params)) => (host_port, Params::parse_uri(params)?),
            None => (rest, Params::new()),
        };
        if host_port.contains([' ', '\t']) {
            return None;
        }
        let (host, port) = whole((host_text, opt(port)), host_port)?;
        Some(Self {
            is_secure,
            user: user.map(str::to_owned),
            host: Host::from_text(host)?,
            port,
            params,
            headers: headers.map(str::to_owned),
        })
    }
}

/// A URI: of SIP, or of a scheme that we only carry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Uri {
    /// `sip:` or `sips:`.
    Sip(SipUri),
    /// Any other scheme, as written after the colon.
    Other {
        /// The scheme.
        scheme: String,
        /// What follows the colon.
        rest: String,
    },
}

impl Uri {
    /// Reads a URI that is all of `text`; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let (rest, scheme) = scheme.parse(text).ok()?;
        let rest = rest.strip_prefix(':')?;
        if scheme.eq_ignore_ascii_case("sip") {
            SipUri::parse(rest, false).map(Self::Sip)
        } else if scheme.eq_ignore_ascii_case("sips") {
            SipUri::parse(rest, true).map(Self::Sip)
        } else {
            let fine = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"".contains(&byte));
            fine.then(|| Self::Other { scheme: scheme.to_owned(), rest: rest.to_owned() })
        }
    }

    /// `sip:` with that address and nothing else.
    pub fn from_address(address: SocketAddr) -> Self {
        Self::Sip(SipUri::from_address(address))
    }

    /// The SIP URI, if it is one.
    pub fn sip(&self) -> Option<&SipUri> {
        match self {
            Self::Sip(uri) => Some(uri),
            Self::Other { .. } => None,
        }
    }

    /// The same URI without the parts that a Request-URI may not have (RFC 3261, 19.1.1).
    pub(crate) fn without_headers(mut self) -> Self {
        if let Self::Sip(uri) = &mut self {
            uri.headers = None;
            uri.params.remove("method");
        }
        self
    }
}

impl std::str::FromStr for Uri {
    type Err = crate::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or(crate::ParseError::new(crate::ParseErrorKind::RequestUri, 0))
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sip(uri) => {
                f.write_str(if uri.is_secure { "sips:" } else { "sip:" })?;
                if let Some(user) = &uri.user {
                    write!(f, "{user}@")?;
                }
                write!(f, "{}", uri.host)?;
                if let Some(port) = uri.port {
                    write!(f, ":{port}")?;
                }
                write!(f, "{}", uri.params)?;
                match &uri.headers {
                    Some(headers) => write!(f, "?{headers}"),
                    None => Ok(()),
                }
            }
            Self::Other { scheme, rest } => write!(f, "{scheme}:{rest}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_printed_as_it_was_read() {
        for text in [
            "sip:127.0.0.1:8060",
            "sips:bob@example.com;transport=tcp;lr",
            "sip:[2001:db8::1]:5060",
            "sip:user;par=u%40example.net@example.com",
            "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1@example.com",
            "sip:user@example.com?Route=%3Csip:example.com%3E",
            "tel:+358-555-1234567",
        ] {
            let uri = Uri::parse(text).expect(text);
            assert_eq!(uri.to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_uri_is_refused() {
        for text in [
            "",
            "sip",
            "sip:",
            ":x",
            "sip:@host",
            "sip:a@b@c",
            "sip:user@ho st",
            "sip:%zz@host",
            "sip:host:99999",
            "sip:host;",
            "sip:[::1",
            "sip:[zz]",
            "sip:host:",
            "<sip:host>",
            "sip: host",
            "1sip:x",
            "http:<x>",
        ] {
            assert_eq!(Uri::parse(text), None, "{text}");
        }
    }
}
