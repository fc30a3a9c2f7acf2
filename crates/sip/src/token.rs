//! Tags, branches and Call-IDs that a stranger cannot guess (RFC 3261, 19.3).

use std::hash::{DefaultHasher, Hash, Hasher};

/// A secret from which a machine makes its identifiers. Each machine gets its own, from a good source of randomness; tests
/// give a constant.
#[derive(Clone, Copy)]
pub struct Seed(pub u128);

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// Makes identifiers.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    seed: Seed,
    count: u64,
}

impl Tokens {
    pub(crate) fn new(seed: Seed) -> Self {
        Self { seed, count: 0 }
    }

    /// 64 fresh bits.
    pub(crate) fn number(&mut self) -> u64 {
        self.count = self.count.wrapping_add(1);
        self.keyed(self.count)
    }

    /// Fresh text: a token of 16 characters.
    pub(crate) fn text(&mut self) -> String {
        format!("{:016x}", self.number())
    }

    /// Text that is always the same for the same `subject`.
    pub(crate) fn text_for(&self, subject: impl Hash) -> String {
        format!("{:016x}", self.keyed(subject))
    }

    fn keyed(&self, subject: impl Hash) -> u64 {
        // SipHash of the secret and the subject: not to be told from random without the secret.
        let mut hasher = DefaultHasher::new();
        self.seed.0.hash(&mut hasher);
        subject.hash(&mut hasher);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_text_differs_each_time_and_from_seed_to_seed() {
        let (mut a, mut b) = (Tokens::new(Seed(1)), Tokens::new(Seed(2)));
        let texts = [a.text(), a.text(), b.text(), b.text()];
        let unique: std::collections::HashSet<_> = texts.iter().collect();
        assert_eq!(unique.len(), texts.len());
    }

    #[test]
    fn text_for_a_subject_is_stable() {
        let tokens = Tokens::new(Seed(1));
        assert_eq!(tokens.text_for("x"), tokens.text_for("x"));
        assert_ne!(tokens.text_for("x"), tokens.text_for("y"));
    }
}
