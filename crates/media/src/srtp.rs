//! SRTP and SRTCP (RFC 3711, RFC 7714): packets of one leg protected and unprotected, by keys that were agreed on
//! elsewhere. The ciphers, the key derivation and the replay windows are those of `rtc-srtp`.

use std::fmt;

use rtc_rtp::Header;
use rtc_shared::error::Error;
use rtc_srtp::context::Context;
use rtc_srtp::crypto::providers::RingCrypto;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;
use zeroize::Zeroizing;

use crate::counters::DropReason;

/// Packets that may come out of order before they are too old (RFC 3711, section 3.3.2 asks for 64 at least).
const REPLAY_WINDOW: usize = 128;

/// Sources whose state is kept; another one takes the place of the oldest. A leg hears one, and a new one after a transfer.
const SOURCES_MAX: usize = 4;

/// How packets are encrypted and authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SrtpSuite {
    /// AES in counter mode with 128 bits, HMAC-SHA1 with 80.
    AesCm128HmacSha1_80,
    /// AES in counter mode with 128 bits, HMAC-SHA1 with 32 (80 in SRTCP).
    AesCm128HmacSha1_32,
    /// AES-GCM with 128 bits.
    AeadAes128Gcm,
    /// AES-GCM with 256 bits.
    AeadAes256Gcm,
}

impl SrtpSuite {
    /// Every suite.
    pub const ALL: [Self; 4] =
        [Self::AesCm128HmacSha1_80, Self::AesCm128HmacSha1_32, Self::AeadAes128Gcm, Self::AeadAes256Gcm];

    /// Octets of the master key.
    pub fn key_octets(self) -> usize {
        self.profile().key_len()
    }

    /// Octets of the master key and of the salt after it.
    pub fn material_octets(self) -> usize {
        self.profile().key_len() + self.profile().salt_len()
    }

    /// Whether an SRTCP packet says that it is encrypted (RFC 3711, section 3.4). The library takes one that does not
    /// without looking at its tag; we never agree to such.
    fn is_encrypted_rtcp(self, datagram: &[u8]) -> bool {
        let trailer = 4 + self.profile().rtcp_auth_tag_len();
        datagram.len().checked_sub(trailer).and_then(|at| datagram.get(at)).is_some_and(|octet| octet & 0x80 != 0)
    }

    fn profile(self) -> ProtectionProfile {
        match self {
            Self::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
            Self::AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
            Self::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
            Self::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        }
    }
}

/// A master key with its salt, and the suite that it is for. Wiped when dropped, and never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SrtpKey {
    suite: SrtpSuite,
    material: Zeroizing<Vec<u8>>,
}

impl SrtpKey {
    /// The key in `material`, followed by its salt; `None` when the length is not that of the suite.
    pub fn new(suite: SrtpSuite, material: &[u8]) -> Option<Self> {
        let fits = material.len() == suite.material_octets();
        fits.then(|| Self { suite, material: Zeroizing::new(material.to_vec()) })
    }

    /// The suite that it is for.
    pub fn suite(&self) -> SrtpSuite {
        self.suite
    }

    /// The key and the salt after it, for who tells them to the peer.
    pub fn material(&self) -> &[u8] {
        &self.material
    }

    /// `None` never comes: the lengths are those of the suite, and the provider has every cipher of ours.
    fn context(&self) -> Option<Context> {
        let (key, salt) = self.material.split_at_checked(self.suite.key_octets())?;
        let (rtp, rtcp) = (srtp_replay_protection(REPLAY_WINDOW), srtcp_replay_protection(REPLAY_WINDOW));
        Context::new(key, salt, self.suite.profile(), Some(rtp), Some(rtcp), &RingCrypto).ok()
    }
}

impl fmt::Debug for SrtpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpKey").field("suite", &self.suite).finish_non_exhaustive()
    }
}

/// The keys of both directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SrtpKeys {
    /// What we protect our packets with.
    pub local: SrtpKey,
    /// What the peer protects its packets with.
    pub remote: SrtpKey,
    /// Packets that the peer may protect with its key; `None`: as many as the suite allows.
    pub remote_lifetime: Option<u64>,
}

/// Protects what leaves a leg and unprotects what comes.
///
/// Nothing is remembered of packets that are not authentic: a source gets its state with its first authentic packet.
pub struct Srtp {
    keys: SrtpKeys,
    outgoing: Option<Context>,
    incoming: Incoming,
    /// After a re-keying: packets under the old key may be on their way until the first under the new one comes.
    before: Option<Incoming>,
    protected: Vec<u8>,
    unprotected: Vec<u8>,
}

struct Incoming {
    key: SrtpKey,
    lifetime_left: u64,
    /// By SSRC, the oldest first; one context for each, since the library remembers whatever source it is asked about.
    sources: Vec<(u32, Context)>,
}

impl fmt::Debug for Srtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Srtp").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl Srtp {
    /// With these keys; rollover counters start at zero.
    pub fn new(keys: SrtpKeys) -> Self {
        Self {
            outgoing: keys.local.context(),
            incoming: Incoming::new(&keys),
            before: None,
            keys,
            protected: Vec::new(),
            unprotected: Vec::new(),
        }
    }

    /// Goes on with other keys. A direction whose key stays goes on as it was; a new key starts with rollover counter zero.
    pub fn rekey(&mut self, keys: SrtpKeys) {
        if keys.local != self.keys.local {
            self.outgoing = keys.local.context();
        }
        if keys.remote != self.keys.remote {
            self.before = Some(std::mem::replace(&mut self.incoming, Incoming::new(&keys)));
        }
        self.keys = keys;
    }

    /// An RTP packet that we made, as it goes out. `None` when it cannot be protected: never in clear.
    pub fn protect(&mut self, packet: &[u8]) -> Option<&[u8]> {
        let header = header(packet)?;
        let protected = self.outgoing.as_mut()?.encrypt_rtp_with_header(packet, &header).ok()?;
        self.protected.clear();
        self.protected.extend_from_slice(&protected);
        Some(&self.protected)
    }

    /// An RTCP packet that we made, as it goes out.
    pub fn protect_rtcp(&mut self, packet: &[u8]) -> Option<&[u8]> {
        let protected = self.outgoing.as_mut()?.encrypt_rtcp(packet).ok()?;
        self.protected.clear();
        self.protected.extend_from_slice(&protected);
        Some(&self.protected)
    }

    /// The RTP packet in a datagram that came.
    ///
    /// # Errors
    /// [`DropReason::Malformed`] when it is no packet, [`DropReason::Replayed`] when it came before or is too old,
    /// [`DropReason::Unprotected`] when it is not authentic, or its key has lived its life.
    pub fn unprotect(&mut self, datagram: &[u8]) -> Result<&[u8], DropReason> {
        let header = header(datagram).ok_or(DropReason::Malformed)?;
        let open =
            |context: &mut Context| context.decrypt_rtp_with_header(datagram, &header).map(|opened| opened.to_vec());
        self.unprotected = self.incoming(header.ssrc, open)?;
        Ok(&self.unprotected)
    }

    /// The RTCP packet in a datagram that came.
    ///
    /// # Errors
    /// As [`unprotect`](Self::unprotect).
    pub fn unprotect_rtcp(&mut self, datagram: &[u8]) -> Result<&[u8], DropReason> {
        let ssrc = rtcp_ssrc(datagram).ok_or(DropReason::Malformed)?;
        if !self.keys.remote.suite.is_encrypted_rtcp(datagram) {
            return Err(DropReason::Unprotected);
        }
        let open = |context: &mut Context| context.decrypt_rtcp(datagram).map(|opened| opened.to_vec());
        self.unprotected = self.incoming(ssrc, open)?;
        Ok(&self.unprotected)
    }

    fn incoming(
        &mut self,
        ssrc: u32,
        open: impl Fn(&mut Context) -> Result<Vec<u8>, Error>,
    ) -> Result<Vec<u8>, DropReason> {
        match (self.incoming.open(ssrc, &open), &mut self.before) {
            (Ok(opened), before) => {
                *before = None;
                Ok(opened)
            }
            (Err(DropReason::Unprotected), Some(before)) => before.open(ssrc, &open),
            (Err(reason), _) => Err(reason),
        }
    }
}

impl Incoming {
    fn new(keys: &SrtpKeys) -> Self {
        let lifetime_left = keys.remote_lifetime.unwrap_or(u64::MAX);
        Self { key: keys.remote.clone(), lifetime_left, sources: Vec::new() }
    }

    fn open(
        &mut self,
        ssrc: u32,
        open: impl Fn(&mut Context) -> Result<Vec<u8>, Error>,
    ) -> Result<Vec<u8>, DropReason> {
        if self.lifetime_left == 0 {
            return Err(DropReason::Unprotected);
        }
        let reason = |error: Error| match error {
            Error::SrtpSsrcDuplicated(..) | Error::SrtcpSsrcDuplicated(..) => DropReason::Replayed,
            _ => DropReason::Unprotected,
        };
        let opened = match self.sources.iter_mut().find(|(known, _)| *known == ssrc) {
            Some((_, context)) => open(context).map_err(reason)?,
            None => {
                let mut context = self.key.context().ok_or(DropReason::Unprotected)?;
                let opened = open(&mut context).map_err(reason)?;
                if self.sources.len() == SOURCES_MAX {
                    self.sources.remove(0);
                }
                self.sources.push((ssrc, context));
                opened
            }
        };
        self.lifetime_left -= 1;
        Ok(opened)
    }
}

/// What the library wants to know of a packet: its source, its number, and where its payload begins (RFC 3550, section
/// 5.1). The library would write extensions anew to measure them; contributing sources in their place have the same length.
fn header(packet: &[u8]) -> Option<Header> {
    let [first, _, s0, s1, _, _, _, _, ssrc @ ..] = *packet.first_chunk::<12>()?;
    if first >> 6 != 2 {
        return None;
    }
    let sources = usize::from(first & 0x0f);
    let extension = if first & 0x10 == 0 {
        0
    } else {
        let [_, _, high, low] = *packet.get(12 + sources * 4..)?.first_chunk()?;
        1 + usize::from(u16::from_be_bytes([high, low]))
    };
    let words = sources + extension;
    (packet.len() >= 12 + words * 4).then(|| Header {
        sequence_number: u16::from_be_bytes([s0, s1]),
        ssrc: u32::from_be_bytes(ssrc),
        csrc: vec![0; words],
        ..Header::default()
    })
}

/// The source of the first packet of a compound one (RFC 3550, section 6.4), which is not encrypted.
fn rtcp_ssrc(datagram: &[u8]) -> Option<u32> {
    let [first, _, _, _, a, b, c, d] = *datagram.first_chunk()?;
    (first >> 6 == 2).then(|| u32::from_be_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests;
