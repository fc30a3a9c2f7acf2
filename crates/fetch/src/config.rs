//! What may be fetched, and how much of it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// What may be fetched, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchConfig {
    /// Whether `http` is served; `https` always is.
    pub plain_http: bool,
    /// The folder below which `file:` URIs may point; `None`: none may.
    pub file_root: Option<PathBuf>,
    /// Networks that may be reached although they are private, loopback or otherwise not of the public Internet.
    pub allowed_networks: Vec<Network>,
    /// Certificates (PEM) that are trusted in addition to the system's.
    pub ca_file: Option<PathBuf>,
    /// For a document whose client names no time.
    pub timeout: Duration,
    /// However long a client wants to wait.
    pub timeout_max: Duration,
    /// Bytes of one document after decompression.
    pub document_bytes_max: usize,
    /// Redirects that are followed for one document.
    pub redirects_max: u32,
    /// Fetches at a time of all sessions; others wait.
    pub concurrent_max: usize,
    /// Fetches at a time of one session; others wait.
    pub concurrent_per_session_max: usize,
    /// Bytes of all cached documents; 0: nothing is cached.
    pub cache_bytes_max: usize,
    /// Cookies of one session.
    pub cookies_max: usize,
    /// For User-Agent.
    pub product: String,
}

impl Default for FetchConfig {
    fn default() -> Self {
        Self {
            plain_http: true,
            file_root: None,
            allowed_networks: Vec::new(),
            ca_file: None,
            timeout: Duration::from_secs(5),
            timeout_max: Duration::from_secs(20),
            document_bytes_max: 8 << 20,
            redirects_max: 5,
            concurrent_max: 64,
            concurrent_per_session_max: 4,
            cache_bytes_max: 64 << 20,
            cookies_max: 100,
            product: "Voxgate".to_owned(),
        }
    }
}

/// A network in CIDR notation: `10.1.0.0/16`, `fd00::/8`; an address alone is a network of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a network such as 10.1.0.0/16")]
pub struct NetworkError(String);

impl Network {
    /// Whether the address is of this network.
    pub fn contains(&self, address: IpAddr) -> bool {
        let shares = |ours: u128, theirs: u128, bits: u32| {
            let shift = bits.saturating_sub(u32::from(self.prefix));
            ours.checked_shr(shift).unwrap_or(0) == theirs.checked_shr(shift).unwrap_or(0)
        };
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => shares(ours.to_bits().into(), theirs.to_bits().into(), 32),
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => shares(ours.to_bits(), theirs.to_bits(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NetworkError(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        if prefix > bits { Err(wrong()) } else { Ok(Self { address, prefix }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_addresses_that_share_its_prefix() {
        let network: Network = "10.1.0.0/16".parse().unwrap();
        assert!(network.contains("10.1.255.9".parse().unwrap()));
        assert!(!network.contains("10.2.0.1".parse().unwrap()));
        assert!(!network.contains("::1".parse().unwrap()));
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("192.0.2.1".parse().unwrap()));
        let one: Network = "fd00::7".parse().unwrap();
        assert!(one.contains("fd00::7".parse().unwrap()) && !one.contains("fd00::8".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "example.com", "10.0.0.0/-1"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
