//! Randomness for identifiers, from the hasher keys of the standard library, which come from the system.

use std::hash::{BuildHasher, RandomState};

/// 64 random bits.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0u8)
}

/// 128 random bits.
pub(crate) fn seed() -> u128 {
    (u128::from(random()) << 64) | u128::from(random())
}

/// A conversation id such as a PBX makes of its call: 32 hexadecimal digits in the groups of a UUID.
pub(crate) fn call_uuid() -> String {
    let digits = format!("{:032x}", seed());
    let group = |from: usize, to: usize| digits.get(from..to).unwrap_or_default().to_owned();
    [group(0, 8), group(8, 12), group(12, 16), group(16, 20), group(20, 32)].join("-")
}
