//! A network of addresses, as `10.0.0.0/8`.

use std::net::IpAddr;

/// The addresses that share their first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

/// Networks that no router of the Internet knows (RFC 1918, RFC 3927, RFC 4193, RFC 4291), and this machine.
const LOCAL: [&str; 8] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

impl Network {
    /// Reads `ADDRESS/BITS`, or an address alone.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "must be a network such as 10.0.0.0/8, or an address".to_owned();
        let (address, bits) = text.split_once('/').unzip();
        let address: IpAddr = address.unwrap_or(text).parse().map_err(|_| wrong())?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match bits {
            None => all,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= all).ok_or_else(wrong)?,
        };
        Ok(Self { address, prefix_bits })
    }

    /// The networks that are local everywhere.
    pub(super) fn local() -> Vec<Self> {
        LOCAL.iter().filter_map(|text| Self::parse(text).ok()).collect()
    }

    /// Whether it holds `address`.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (own, other, all) = match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (u128::from(own.to_bits()), u128::from(other.to_bits()), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        // All bits shifted out: no bit is shared, and every address fits.
        let shift = u32::from(all - self.prefix_bits.min(all));
        (own ^ other).checked_shr(shift).unwrap_or(0) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_what_shares_its_first_bits() {
        let holds = |network: &str, address: &str| Network::parse(network).unwrap().contains(address.parse().unwrap());
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.6"));
        assert!(holds("fc00::/7", "fd12::1") && !holds("fc00::/7", "fe80::1"));
        assert!(
            holds("0.0.0.0/0", "203.0.113.9") && !holds("0.0.0.0/0", "2001:db8::1") && holds("::/0", "2001:db8::1")
        );
        assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"), "over a socket of both families");
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "host"] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
        assert_eq!(Network::local().len(), LOCAL.len());
    }
}
