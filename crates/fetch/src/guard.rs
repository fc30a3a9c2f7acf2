//! Which hosts may be reached: a client's reference must not open what only this machine can see.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::config::Network;
use crate::error::FetchError;

/// Which addresses may be reached: those of the public Internet, and networks that the configuration names.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    allowed: Arc<[Network]>,
}

/// The resolver found addresses, and none of them may be reached.
#[derive(Debug, thiserror::Error)]
#[error("no address of the host may be reached")]
pub(crate) struct AllRefused;

/// The resolver found nothing.
#[derive(Debug, thiserror::Error)]
#[error("the name cannot be resolved")]
pub(crate) struct NotResolved(#[source] std::io::Error);

impl Guard {
    pub(crate) fn new(allowed: &[Network]) -> Self {
        Self { allowed: allowed.into() }
    }

    /// A host that is written as an address never comes to the resolver, so it is looked at here.
    pub(crate) fn check(&self, url: &Url) -> Result<(), FetchError> {
        let address = match url.host() {
            None => return Err(FetchError::NotAUri),
            Some(Host::Domain(_)) => return Ok(()),
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
        };
        if self.permits(address) { Ok(()) } else { Err(FetchError::PrivateAddress) }
    }

    /// Whether the address may be reached.
    pub(crate) fn permits(&self, address: IpAddr) -> bool {
        let plain = match address {
            IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
            IpAddr::V4(_) => address,
        };
        is_public(plain) || self.allowed.iter().any(|network| network.contains(plain) || network.contains(address))
    }
}

/// Looks names up and gives back only what may be reached. The connection goes to one of these addresses, so nothing can
/// change between the question and its use.
impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(NotResolved)?;
            let permitted: Vec<SocketAddr> = found.filter(|found| guard.permits(found.ip())).collect();
            if permitted.is_empty() {
                return Err(AllRefused.into());
            }
            let addresses: Addrs = Box::new(permitted.into_iter());
            Ok(addresses)
        })
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// The registry of special-purpose addresses (RFC 6890 and its successors), without those that are globally reachable.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_protocol = a == 192 && b == 0 && c == 0;
    let is_relay = a == 192 && b == 88 && c == 99;
    let is_benchmark = a == 198 && (b == 18 || b == 19);
    !(a == 0
        || a >= 240
        || is_shared
        || is_protocol
        || is_relay
        || is_benchmark
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let embedded = |at: usize| {
        let octets = address.octets();
        let four: Option<[u8; 4]> = octets.get(at..at + 4).and_then(|octets| octets.try_into().ok());
        four.map(Ipv4Addr::from)
    };
    match (first, second) {
        // 6to4 and NAT64 lead to the IPv4 address inside.
        (0x2002, _) => embedded(2).is_some_and(is_public_v4),
        (0x0064, 0xff9b) => embedded(12).is_some_and(is_public_v4),
        // IETF protocol assignments (Teredo among them) and documentation.
        (0x2001, 0x0000..=0x01ff | 0x0db8) => false,
        (0x3fff, 0x0000..=0x0fff) => false,
        // Everything else that is global unicast today.
        (0x2000..=0x3fff, _) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(networks: &[&str]) -> Guard {
        Guard::new(&networks.iter().map(|network| network.parse().unwrap()).collect::<Vec<_>>())
    }

    fn check(guard: &Guard, uri: &str) -> Result<(), FetchError> {
        guard.check(&Url::parse(uri).unwrap())
    }

    #[test]
    fn sec_012_addresses_that_only_this_machine_can_see_are_refused_however_they_are_written() {
        let strict = guard(&[]);
        for uri in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://0.0.0.0/",
            "http://10.0.0.1/",
            "http://172.31.255.255/",
            "http://192.168.1.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://100.100.100.200/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "http://[ff02::1]/",
        ] {
            assert_eq!(check(&strict, uri), Err(FetchError::PrivateAddress), "{uri}");
        }
        for uri in ["http://93.184.216.34/", "http://[2606:2800:220:1::1]/", "http://example.com/"] {
            assert_eq!(check(&strict, uri), Ok(()), "{uri}");
        }
    }

    #[test]
    fn sec_012_a_network_that_is_named_may_be_reached_and_only_that() {
        let open = guard(&["127.0.0.0/8", "fd00::/8"]);
        assert_eq!(check(&open, "http://127.0.0.1:8080/"), Ok(()));
        assert_eq!(check(&open, "http://[::ffff:127.0.0.1]/"), Ok(()));
        assert_eq!(check(&open, "http://[fd12::1]/"), Ok(()));
        assert_eq!(check(&open, "http://10.0.0.1/"), Err(FetchError::PrivateAddress));
        assert_eq!(check(&open, "http://[::1]/"), Err(FetchError::PrivateAddress));
    }

    #[tokio::test]
    async fn sec_012_a_name_that_leads_to_this_machine_is_refused_after_it_was_resolved() {
        let refused = guard(&[]).resolve("localhost".parse().unwrap()).await.err().unwrap();
        assert!(refused.downcast_ref::<AllRefused>().is_some());
        let allowed = guard(&["127.0.0.0/8", "::1"]).resolve("localhost".parse().unwrap()).await.unwrap();
        assert!(allowed.count() > 0);
    }
}
