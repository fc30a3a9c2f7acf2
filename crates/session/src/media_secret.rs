//! What the keys of a session's audio are made of.

use std::fmt;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::output::LegId;

/// Random octets of a session that nobody can guess. Its keys for SRTP come of it; wiped when dropped, and never shown by
/// `Debug`.
pub struct MediaSecret(Zeroizing<[u8; 32]>);

impl MediaSecret {
    /// From a cryptographic source, new for each session.
    pub fn new(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(random))
    }

    /// A key of so many octets for a leg: another one for each `version`. This is the one-step derivation of NIST SP
    /// 800-56C, section 4.1, with SHA-256.
    pub(crate) fn key(&self, leg: LegId, version: u64, octets: usize) -> Zeroizing<Vec<u8>> {
        let mut key = Zeroizing::new(Vec::with_capacity(octets + 32));
        for counter in 1_u32.. {
            if key.len() >= octets {
                break;
            }
            let block = Sha256::new()
                .chain_update(counter.to_be_bytes())
                .chain_update(self.0.as_slice())
                .chain_update(b"srtp")
                .chain_update(leg.0.to_be_bytes())
                .chain_update(version.to_be_bytes())
                .finalize();
            key.extend_from_slice(&block);
        }
        key.truncate(octets);
        key
    }
}

impl fmt::Debug for MediaSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MediaSecret")
    }
}
