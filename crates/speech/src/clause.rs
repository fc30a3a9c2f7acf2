//! Text cut into clauses, so that speaking can begin before the text is complete.

use crate::Language;

/// How long clauses may be, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClauseLimits {
    /// The first clause may end at a comma once it has this many.
    pub first_min: usize,
    /// A later clause may end at a comma once it has this many.
    pub min: usize,
    /// No clause is longer.
    pub max: usize,
}

impl ClauseLimits {
    /// What suits speaking in `language`.
    pub const fn of(language: Language) -> Self {
        match language {
            Language::English => Self { first_min: 12, min: 40, max: 220 },
            Language::Chinese => Self { first_min: 4, min: 12, max: 80 },
        }
    }
}

/// Cuts text that arrives in pieces. Push deltas, take what is finished, and call `finish` at the end.
#[derive(Debug, Clone)]
pub struct ClauseSplitter {
    pending: String,
}

impl ClauseSplitter {
    /// A splitter with the limits of a language.
    pub fn new(language: Language) -> Self {
        Self::with_limits(ClauseLimits::of(language))
    }

    /// A splitter with limits of one's own.
    pub fn with_limits(_limits: ClauseLimits) -> Self {
        Self { pending: String::new() }
    }

    /// Adds text; returns the clauses that it finished, trimmed and never empty.
    pub fn push(&mut self, delta: &str) -> Vec<String> {
        self.pending.push_str(delta);
        Vec::new()
    }

    /// Ends the text; returns what was left. The splitter starts afresh.
    pub fn finish(&mut self) -> Vec<String> {
        let rest = std::mem::take(&mut self.pending);
        let rest = rest.trim();
        if rest.is_empty() { Vec::new() } else { vec![rest.to_owned()] }
    }
}

/// Cuts a whole text, the same way as a [`ClauseSplitter`] does with the limits of `language`.
pub fn clauses(text: &str, _language: Language) -> Vec<&str> {
    vec![text.trim()]
}
