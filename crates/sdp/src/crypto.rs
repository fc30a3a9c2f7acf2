//! `a=crypto`: keys of protected audio (RFC 4568; RFC 7714 for AES-GCM).

use std::fmt;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use zeroize::Zeroizing;

/// Stock peers write keys with padding and without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Keys and parameters that one line may have; a line with more is passed over.
const PARTS_MAX: usize = 16;

/// How audio is encrypted and authenticated (RFC 4568 §6.2, RFC 7714 §14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CryptoSuite {
    /// AES in counter mode with 128 bits, HMAC-SHA1 with 80.
    AesCm128HmacSha1_80,
    /// AES in counter mode with 128 bits, HMAC-SHA1 with 32 (80 in SRTCP).
    AesCm128HmacSha1_32,
    /// AES-GCM with 128 bits.
    AeadAes128Gcm,
    /// AES-GCM with 256 bits.
    AeadAes256Gcm,
}

impl CryptoSuite {
    /// Every suite that we know, the strongest first.
    pub const ALL: [Self; 4] =
        [Self::AeadAes256Gcm, Self::AeadAes128Gcm, Self::AesCm128HmacSha1_80, Self::AesCm128HmacSha1_32];

    /// The name in the line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// The suite of that name, compared as written (RFC 4568 §9.1 quotes it, so case does not matter).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name))
    }

    /// Octets of the master key.
    pub const fn key_octets(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 | Self::AeadAes128Gcm => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    /// Octets of the master salt, which follows the key.
    pub const fn salt_octets(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }
}

/// A master key and its salt, as one run of octets. Wiped when dropped, and never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyMaterial(Zeroizing<Vec<u8>>);

impl KeyMaterial {
    /// These octets.
    pub fn new(octets: &[u8]) -> Self {
        Self(Zeroizing::new(octets.to_vec()))
    }

    /// The octets: the key, then the salt.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyMaterial({} octets)", self.0.len())
    }
}

/// One `inline:` of a line (RFC 4568 §6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineKey {
    /// Key and salt.
    pub material: KeyMaterial,
    /// Packets that may be protected with it; `None`: as many as the suite allows.
    pub lifetime: Option<u64>,
    /// The master key identifier and its length in octets, when packets carry one.
    pub mki: Option<(u64, u8)>,
}

/// `a=crypto:TAG SUITE inline:KEY …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crypto {
    /// Names the line among those of its media line.
    pub tag: u32,
    /// The suite as named; [`CryptoSuite::from_name`] knows ours.
    pub suite: String,
    /// One key, or several with identifiers.
    pub keys: Vec<InlineKey>,
    /// Session parameters as written.
    pub parameters: Vec<String>,
}

/// What was chosen of the offered lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedCrypto {
    /// The tag of the offered line.
    pub tag: u32,
    /// The suite.
    pub suite: CryptoSuite,
    /// What the other side protects its packets with.
    pub material: KeyMaterial,
    /// Packets that it may protect with it.
    pub lifetime: Option<u64>,
}

impl Crypto {
    /// A line with one key and nothing else.
    pub fn new(tag: u32, suite: CryptoSuite, material: KeyMaterial) -> Self {
        let key = InlineKey { material, lifetime: None, mki: None };
        Self { tag, suite: suite.name().to_owned(), keys: vec![key], parameters: Vec::new() }
    }

    /// Reads the value of an attribute; `None` when it is none.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let mut parts = value.split_ascii_whitespace();
        let tag = parts.next()?;
        if tag.len() > 9 || !tag.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (tag, suite) = (tag.parse().ok()?, parts.next()?.to_owned());
        let keys: Vec<InlineKey> = parts.next()?.split(';').map(inline).collect::<Option<_>>()?;
        let parameters: Vec<String> = parts.map(str::to_owned).collect();
        (keys.len() <= PARTS_MAX && parameters.len() <= PARTS_MAX).then_some(Self { tag, suite, keys, parameters })
    }

    /// What it comes to, if it can be used: a suite of ours, one key of the right length without identifier, and no
    /// session parameter that has to be understood (RFC 4568 §6.3.7: those with `-` need not). `WSH` is a hint.
    pub fn accept(&self) -> Option<AcceptedCrypto> {
        let suite = CryptoSuite::from_name(&self.suite)?;
        let [key] = self.keys.as_slice() else { return None };
        let is_ignorable = |parameter: &String| {
            parameter.starts_with('-') || parameter.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("WSH="))
        };
        let fits = key.material.octets().len() == suite.key_octets() + suite.salt_octets()
            && key.mki.is_none()
            && self.parameters.iter().all(is_ignorable);
        fits.then(|| AcceptedCrypto { tag: self.tag, suite, material: key.material.clone(), lifetime: key.lifetime })
    }
}

impl fmt::Display for Crypto {
    /// The attribute's value. It holds the keys: for the wire alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.tag, self.suite)?;
        for (at, key) in self.keys.iter().enumerate() {
            let encoded = Zeroizing::new(STANDARD.encode(key.material.octets()));
            write!(f, "{}inline:{}", if at == 0 { ' ' } else { ';' }, *encoded)?;
            match key.lifetime {
                Some(packets) if packets.is_power_of_two() => write!(f, "|2^{}", packets.trailing_zeros())?,
                Some(packets) => write!(f, "|{packets}")?,
                None => {}
            }
            if let Some((value, octets)) = key.mki {
                write!(f, "|{value}:{octets}")?;
            }
        }
        self.parameters.iter().try_for_each(|parameter| write!(f, " {parameter}"))
    }
}

/// `inline:KEY[|LIFETIME][|MKI:LENGTH]`.
fn inline(text: &str) -> Option<InlineKey> {
    let (method, info) = text.split_once(':')?;
    if !method.eq_ignore_ascii_case("inline") {
        return None;
    }
    let mut parts = info.split('|');
    let octets = Zeroizing::new(LENIENT.decode(parts.next()?).ok()?);
    let mut key = InlineKey { material: KeyMaterial::new(&octets), lifetime: None, mki: None };
    for part in parts {
        match part.split_once(':') {
            Some((value, octets)) if key.mki.is_none() => {
                let octets = octets.parse().ok().filter(|octets| (1..=128).contains(octets))?;
                key.mki = Some((value.parse().ok()?, octets));
            }
            None if key.lifetime.is_none() && key.mki.is_none() => key.lifetime = Some(lifetime(part)?),
            Some(_) | None => return None,
        }
    }
    Some(key)
}

/// A number of packets, or `2^` its exponent.
fn lifetime(text: &str) -> Option<u64> {
    let packets = match text.strip_prefix("2^") {
        Some(exponent) => 1_u64.checked_shl(exponent.parse().ok()?)?,
        None => text.parse().ok()?,
    };
    (packets > 0).then_some(packets)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4568 §5.1: the example of a line, and that of two keys.
    const ONE: &str = "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32";
    const SIMPLE: &str = "1 AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj|2^20";
    const TWO: &str = "2 F8_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm|2^20|1:4;\
                       inline:QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5|2^20|2:4 FEC_ORDER=FEC_SRTP";

    #[test]
    fn what_is_read_is_printed() {
        for line in [ONE, SIMPLE, TWO, "7 X inline:AAAA|5 -OLD WSH=64"] {
            assert_eq!(Crypto::parse(line).unwrap().to_string(), line);
        }
        let unpadded = Crypto::parse("1 X inline:AAA").unwrap();
        assert_eq!(unpadded.to_string(), "1 X inline:AAA=");
    }

    #[test]
    fn a_line_with_one_key_of_a_suite_of_ours_is_accepted() {
        let accepted = Crypto::parse(SIMPLE).unwrap().accept().unwrap();
        assert_eq!((accepted.tag, accepted.suite), (1, CryptoSuite::AesCm128HmacSha1_32));
        assert_eq!((accepted.material.octets().len(), accepted.lifetime), (30, Some(1 << 20)));
        for suite in CryptoSuite::ALL {
            let material = KeyMaterial::new(&vec![7; suite.key_octets() + suite.salt_octets()]);
            let line = Crypto::new(3, suite, material.clone()).to_string();
            let accepted = Crypto::parse(&line).unwrap().accept().unwrap();
            assert_eq!((accepted.tag, accepted.suite, accepted.material), (3, suite, material));
        }
    }

    #[test]
    fn identifiers_lengths_and_parameters_that_we_lack_are_passed_over() {
        assert_eq!(Crypto::parse(ONE).unwrap().accept(), None, "a master key identifier");
        assert_eq!(Crypto::parse(TWO).unwrap().accept(), None, "another suite, two keys");
        assert!(Crypto::parse(&format!("{SIMPLE} WSH=1024 -NEW")).unwrap().accept().is_some());
        for parameter in ["KDR=1", "UNENCRYPTED_SRTP", "UNENCRYPTED_SRTCP", "UNAUTHENTICATED_SRTP", "FEC_KEY=inline:AA"]
        {
            assert_eq!(Crypto::parse(&format!("{SIMPLE} {parameter}")).unwrap().accept(), None, "{parameter}");
        }
        assert_eq!(Crypto::parse(&SIMPLE.replace("NzB4", "")).unwrap().accept(), None, "a short key");
    }

    #[test]
    fn what_is_no_line_is_none() {
        for line in [
            "",
            "1",
            "1 X",
            "1 X inline",
            "1 X uri:AAAA",
            "x X inline:AAAA",
            "1234567890 X inline:AAAA",
            "1 X inline:A*",
            "1 X inline:AAAA|0",
            "1 X inline:AAAA|2^64",
            "1 X inline:AAAA|1:0",
            "1 X inline:AAAA|1:4|9",
        ] {
            assert_eq!(Crypto::parse(line), None, "{line}");
        }
    }

    #[test]
    fn keys_are_not_shown_by_debug() {
        let shown = format!("{:?}", Crypto::parse(SIMPLE).unwrap());
        assert!(shown.contains("30 octets") && !shown.contains("NzB4") && !shown.contains("55"), "{shown}");
    }
}
