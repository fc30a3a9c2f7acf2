//! Via (RFC 3261, 20.42; RFC 3581).

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use nom::bytes::complete::tag;
use nom::combinator::opt;
use nom::sequence::preceded;
use nom::{IResult, Parser};

use super::grammar::{blanks, host_text, port, spaced, token, whole};
use super::params::Params;
use super::uri::Host;

/// The magic cookie that starts the branch of an RFC 3261 element (8.1.1.7).
pub(crate) const MAGIC_COOKIE: &str = "z9hG4bK";

/// One hop of the path of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Via {
    /// The transport, as written: `UDP`, `TCP` …
    pub transport: String,
    /// The host that the sender wants responses at.
    pub host: Host,
    /// The port of it.
    pub port: Option<u16>,
    /// The parameters, `branch` among them.
    pub params: Params,
}

impl Via {
    /// Reads a value that is all of `text`; `None` if it is not one, or not of SIP/2.0.
    pub fn parse(text: &str) -> Option<Self> {
        whole(via, text)
    }

    /// The transaction identifier.
    pub fn branch(&self) -> Option<&str> {
        self.params.value("branch")
    }

    /// The branch, if it was made as RFC 3261 says: the magic cookie and something after it.
    pub(crate) fn unique_branch(&self) -> Option<&str> {
        let branch = self.branch()?;
        let cookie = branch.get(..MAGIC_COOKIE.len())?;
        (cookie.eq_ignore_ascii_case(MAGIC_COOKIE) && branch.len() > cookie.len()).then_some(branch)
    }

    /// Notes where a request really came from (RFC 3261, 18.2.1; RFC 3581, 4).
    pub(crate) fn set_source(&mut self, source: SocketAddr) {
        let asks_for_port = self.params.find("rport").is_some_and(|param| param.value.is_none());
        if asks_for_port {
            self.params.set("rport", Some(source.port().to_string()));
        }
        let ip = source.ip().to_canonical();
        if asks_for_port || self.host != Host::Ip(ip) {
            self.params.set("received", Some(ip.to_string()));
        } else {
            self.params.remove("received");
        }
    }

    /// Where a response over UDP goes (RFC 3261, 18.2.2; RFC 3581, 4), given the address that the request came from.
    pub(crate) fn response_address(&self, source: SocketAddr) -> SocketAddr {
        if self.params.has("rport") {
            return source;
        }
        SocketAddr::new(source.ip(), self.port.unwrap_or(5060))
    }

    /// The `received` address.
    pub fn received(&self) -> Option<IpAddr> {
        self.params.value("received")?.trim_matches(['[', ']']).parse().ok()
    }
}

fn via(input: &str) -> IResult<&str, Via> {
    let protocol = (tag("SIP"), spaced('/'), tag("2.0"), spaced('/'));
    let sent_by = (preceded(blanks, host_text), opt(port));
    let (rest, (_, transport, (host, port), params)) =
        (protocol, token, sent_by, Params::parse_generic).parse(input)?;
    let Some(host) = Host::from_text(host) else {
        return Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Verify)));
    };
    Ok((rest, Via { transport: transport.to_owned(), host, port, params }))
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "{}", self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> SocketAddr {
        "192.0.2.1:4000".parse().unwrap()
    }

    #[test]
    fn rport_is_filled_in_and_used() {
        let mut via = Via::parse("SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bKx").unwrap();
        via.set_source(source());
        assert_eq!(via.to_string(), "SIP/2.0/UDP 10.0.0.1:5060;rport=4000;branch=z9hG4bKx;received=192.0.2.1");
        assert_eq!(via.response_address(source()), source());
    }

    #[test]
    fn without_rport_the_answer_goes_to_the_port_of_the_via() {
        let mut via = Via::parse("SIP / 2.0 / UDP host.example.com : 5062 ; branch = z9hG4bKx").unwrap();
        via.set_source(source());
        assert_eq!(via.received(), Some(source().ip()));
        assert_eq!(via.response_address(source()).to_string(), "192.0.2.1:5062");
        let via = Via::parse("SIP/2.0/UDP 192.0.2.1").unwrap();
        assert_eq!(via.response_address(source()).to_string(), "192.0.2.1:5060");
    }

    #[test]
    fn a_branch_that_is_only_the_cookie_identifies_nothing() {
        assert_eq!(Via::parse("SIP/2.0/UDP h;branch=z9hG4bK").unwrap().unique_branch(), None);
        assert_eq!(Via::parse("SIP/2.0/UDP h;branch=390skdjuw").unwrap().unique_branch(), None);
        assert_eq!(Via::parse("SIP/2.0/UDP h;branch=z9hG4bK1").unwrap().unique_branch(), Some("z9hG4bK1"));
    }

    #[test]
    fn what_is_not_a_via_is_refused() {
        for text in [
            "",
            "SIP/7.0/UDP h",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP h;;,;",
            "SIP/2.0 h",
            "SIP/2.0/UDP h:99999",
            "SIP/2.0/UDP h x",
        ] {
            assert_eq!(Via::parse(text), None, "{text}");
        }
    }
}
